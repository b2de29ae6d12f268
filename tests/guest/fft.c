/* fft: Fourier transforms in float, double, long double (x87) and _Float128 (integers), radix 2 and
 * Bluestein's for any length. Built for several levels of x86-64, each -O3 (guest.mk): the results
 * hang on the level, as compilers fuse and reorder, but not on whose CPU runs it.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PI 3.141592653589793238462643383279502884L

static uint64_t noise(void)
{
	static uint64_t x = 0x2545f4914f6cdd1d;

	x ^= x << 13;
	x ^= x >> 7;
	return (x ^= x << 17) >> 20;
}

/* sinl() and cosl() have no variants for CPUs, which the others have. */
#define REAL float
#define F(name) float_##name
#define COS(x) ((float)cosl(x))
#define SIN(x) ((float)sinl(x))
#define BYTES 4
#define TYPE_NAME "float"
#include "fft_kernel.h"

#define REAL double
#define F(name) double_##name
#define COS(x) ((double)cosl(x))
#define SIN(x) ((double)sinl(x))
#define BYTES 8
#define TYPE_NAME "double"
#include "fft_kernel.h"

#define REAL long double
#define F(name) extended_##name
#define COS(x) cosl(x)
#define SIN(x) sinl(x)
#define BYTES 10
#define TYPE_NAME "long double"
#include "fft_kernel.h"

#define REAL _Float128
#define F(name) quad_##name
#define COS(x) ((_Float128)cosl(x))
#define SIN(x) ((_Float128)sinl(x))
#define BYTES 16
#define TYPE_NAME "_Float128"
#include "fft_kernel.h"

int main(int argc, char **argv)
{
	static const size_t lengths[] = {1, 2, 3, 8, 13, 64, 100, 257, 512, 1009, 2048, 3000};
	size_t most = argc > 1 ? strtoul(argv[1], NULL, 0) : 3000;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		float_try(lengths[i]);
		double_try(lengths[i]);
		extended_try(lengths[i]);
		if (lengths[i] <= 257 || most > 3000)
			quad_try(lengths[i]);
	}
	for (size_t n = 4096; n <= most; n *= 2) {
		float_try(n);
		double_try(n);
		extended_try(n);
		double_try(n + 1);
	}
	return 0;
}
