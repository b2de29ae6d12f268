/* math_all: libm and libgcc over edge values and all four rounding modes: float, double, long double
 * (x87), _Float128, complex, integers of 128 bits, decimal; results and exception flags to the bit.
 *
 *   math_all          a digest for each function and mode, and texts of some numbers
 *   math_all NAME     all results of that function
 *
 * glibc takes FMA code where CPUID has it, and its last bit may differ from the plain code's: compare
 * with a CPU that has the same.
 */
#include <complex.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *only;
static uint64_t digest;

static void mix(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		digest = (digest ^ b[i]) * 0x100000001b3;
}

/* ---- Values --------------------------------------------------------------------------------- */

#define NR 64
static long double values[NR];

static void make_values(void)
{
	static const long double edges[] = {
		0.0L,		-0.0L,	  1.0L,		 -1.0L,
		0.5L,		-0.5L,	  1.5L,		 2.5L,
		-2.5L,		3.0L,	  10.0L,	 0.1L,
		-0.7L,		1e-5L,	  1e10L,	 -1e10L,
		1e17L,		1e300L,	  -1e300L,	 1e-300L,
		4e-320L,	DBL_MAX,  DBL_MIN,	 FLT_MAX,
		FLT_MIN,	1e-40L,	  4294967295.5L, 2147483647.5L,
		-2147483648.5L, 9.2e18L,  -9.3e18L,	 INFINITY,
		-INFINITY,	NAN,	  M_PIl,	 M_PI_2l,
		-M_PI_4l,	M_El,	  709.8L,	 -745.2L,
		88.7L,		170.6L,	  0x1p-1074L,	 0x1.fffffffffffffp0L,
		1e4000L,	1e-4930L, LDBL_MIN,	 LDBL_MAX,
	};
	const size_t n = sizeof(edges) / sizeof(edges[0]);
	uint64_t x = 0x2545f4914f6cdd1d;

	_Static_assert(sizeof(edges) / sizeof(edges[0]) <= NR, "more edges than room");
	memcpy(values, edges, sizeof(edges));
	for (size_t i = n; i < NR; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		values[i] = ldexpl((long double)(int64_t)x, (int)(x % 40) - 80);
	}
}

/* ---- Rounding modes, flags ------------------------------------------------------------------ */

static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
static const char mode_names[] = "ndu0";

/* The result of one call, in @mode; @size is without padding. */
static void note(const char *name, int mode, int i, int k, const void *r, size_t size)
{
	int flags = fetestexcept(FE_ALL_EXCEPT);

	fesetround(FE_TONEAREST);
	mix(r, size);
	mix(&flags, sizeof(flags));
	if (only) {
		printf("%s %c (%La, %La) ", name, mode_names[mode], values[i], values[k]);
		for (size_t b = size; b--;)
			printf("%02x", ((const unsigned char *)r)[b]);
		printf(" flags %x\n", flags);
	}
}

#define EACH(name, T, R, call, size, seconds)                                                      \
	do {                                                                                       \
		if (only && strcmp(only, #name) != 0)                                              \
			break;                                                                     \
		if (!only)                                                                         \
			printf("%-14s", #name);                                                    \
		for (int mode = 0; mode < 4; mode++) {                                             \
			digest = 0xcbf29ce484222325;                                               \
			for (int i = 0; i < NR; i++)                                               \
				for (int k = i % 3; k < seconds; k += 3) {                         \
					volatile T x = (T)values[i];                               \
					volatile T y __attribute__((unused)) = (T)values[k];       \
					R r;                                                       \
                                                                                                   \
					feclearexcept(FE_ALL_EXCEPT);                              \
					fesetround(modes[mode]);                                   \
					r = call;                                                  \
					note(#name, mode, i, k, &r, size);                         \
				}                                                                  \
			if (!only)                                                                 \
				printf(" %016lx", digest);                                         \
		}                                                                                  \
		if (!only)                                                                         \
			puts("");                                                                  \
	} while (0)

#define ONE(fn)                                                                                    \
	EACH(fn##f, float, float, fn##f(x), 4, 3);                                                 \
	EACH(fn, double, double, fn(x), 8, 3);                                                     \
	EACH(fn##l, long double, long double, fn##l(x), 10, 3)
#define TWO(fn)                                                                                    \
	EACH(fn##f, float, float, fn##f(x, y), 4, NR);                                             \
	EACH(fn, double, double, fn(x, y), 8, NR);                                                 \
	EACH(fn##l, long double, long double, fn##l(x, y), 10, NR)
#define WHOLE(fn)                                                                                  \
	EACH(fn##f, float, long, (long)fn##f(x), 8, 3);                                            \
	EACH(fn, double, long, (long)fn(x), 8, 3);                                                 \
	EACH(fn##l, long double, long, (long)fn##l(x), 8, 3)

static void of_one(void)
{
	ONE(sin);
	ONE(cos);
	ONE(tan);
	ONE(asin);
	ONE(acos);
	ONE(atan);
	ONE(sinh);
	ONE(cosh);
	ONE(tanh);
	ONE(asinh);
	ONE(acosh);
	ONE(atanh);
	ONE(exp);
	ONE(exp2);
	ONE(exp10);
	ONE(expm1);
	ONE(log);
	ONE(log2);
	ONE(log10);
	ONE(log1p);
	ONE(logb);
	ONE(sqrt);
	ONE(cbrt);
	ONE(erf);
	ONE(erfc);
	ONE(tgamma);
	ONE(lgamma);
	ONE(j0);
	ONE(y1);
	ONE(floor);
	ONE(ceil);
	ONE(trunc);
	ONE(round);
	ONE(roundeven);
	ONE(rint);
	ONE(nearbyint);
	ONE(significand);
	WHOLE(lrint);
	WHOLE(llrint);
	WHOLE(lround);
	WHOLE(ilogb);
}

static void of_two(void)
{
	TWO(pow);
	TWO(atan2);
	TWO(hypot);
	TWO(fmod);
	TWO(remainder);
	TWO(drem);
	TWO(fdim);
	TWO(fmax);
	TWO(fmin);
	TWO(nextafter);
	TWO(copysign);
}

/* Arithmetic and conversions as the compiler writes them. */
static void of_operators(void)
{
#define OPERATORS(T, size)                                                                         \
	EACH(T + T, T, T, x + y, size, NR);                                                        \
	EACH(T - T, T, T, x - y, size, NR);                                                        \
	EACH(T *T, T, T, x *y, size, NR);                                                          \
	EACH(T / T, T, T, x / y, size, NR);                                                        \
	EACH(T compared, T, int,                                                                   \
	     (x < y) | (x <= y) << 1 | (x == y) << 2 | (x != y) << 3 | isunordered(x, y) << 4 |    \
		     isless(x, y) << 5 | isgreaterequal(x, y) << 6,                                \
	     4, NR);                                                                               \
	EACH(T to int, T, int, (int)x, 4, 3);                                                      \
	EACH(T to long, T, long, (long)x, 8, 3);                                                   \
	EACH(T to float, T, float, (float)x, 4, 3);                                                \
	EACH(T to double, T, double, (double)x, 8, 3);                                             \
	EACH(T to _Float128, T, _Float128, (_Float128)x, 16, 3);                                   \
	EACH(T classified, T, int, fpclassify(x) | !!signbit(x) << 8, 4, 3)
	OPERATORS(float, 4);
	OPERATORS(double, 8);
	OPERATORS(_Float128, 16);
	EACH(long double + long double, long double, long double, x + y, 10, NR);
	EACH(long double - long double, long double, long double, x - y, 10, NR);
	EACH(long double *long double, long double, long double, x *y, 10, NR);
	EACH(long double / long double, long double, long double, x / y, 10, NR);
	EACH(long double to double, long double, double, (double)x, 8, 3);
	EACH(long double to float, long double, float, (float)x, 4, 3);
	EACH(long double to long, long double, long, (long)x, 8, 3);
	EACH(long to all, double, double, (float)(long)x + (double)(long)y, 8, NR);
	EACH(fmaf, float, float, fmaf(x, y, 0.7F), 4, NR);
	EACH(fma, double, double, fma(x, y, -1.1), 8, NR);
	EACH(fmal, long double, long double, fmal(x, y, 0.3L), 10, NR);
	EACH(sqrtf128, _Float128, _Float128, sqrtf128(x), 16, 3);
	EACH(sinf128, _Float128, _Float128, sinf128(x), 16, 3);
	EACH(expf128, _Float128, _Float128, expf128(x), 16, 3);
	EACH(powf128, _Float128, _Float128, powf128(x, y), 16, 12);
	EACH(csqrt, double, double, creal(csqrt(x + y * I)), 8, 12);
	EACH(cexp, double, double, cimag(cexp(x + y * I)), 8, 12);
	EACH(complex product, double, double, creal((x + y * I) * (y - 2 * I)), 8, NR);
	EACH(complex quotient, double, double, cimag((x + y * I) / (y - 2 * I)), 8, NR);
}

/* ---- Integers and decimals of libgcc -------------------------------------------------------- */

static void of_128(void)
{
	unsigned __int128 a = 0x123456789abcdefULL, b = 3, sum = 0;

	digest = 0xcbf29ce484222325;
	for (int i = 0; i < 3000; i++) {
		__int128 s;
		float f;
		double d;
		long double l;

		a = a * 0x9e3779b97f4a7c15ULL + ((a << 77) | (a >> 51)) + b;
		b = ((b >> (i % 90)) ^ (a << (i % 120))) | 1;
		s = (__int128)a;
		sum += a / b + a % b + (unsigned __int128)(s / (__int128)b) +
		       (unsigned __int128)(s % (long)b);
		f = (float)s;
		d = (double)a;
		l = (long double)s;
		mix(&sum, 16);
		mix(&f, 4);
		mix(&d, 8);
		mix(&l, 10);
		s = (__int128)(d / 3) + (__int128)f;
		mix(&s, 16);
	}
	printf("__int128      %016lx\n", digest);
}

static void of_decimal(void)
{
#ifdef __DEC64_MAX__
	_Decimal64 sum = 0, third = 1.DD / 3.DD;
	_Decimal128 long_sum = 0;
	double d;

	digest = 0xcbf29ce484222325;
	for (int i = 1; i < 400; i++) {
		sum = sum * 1.01DD + (_Decimal64)i / 7.DD - third;
		long_sum = long_sum / 3.DL + (_Decimal128)sum * 0.1DL;
		d = (double)sum;
		mix(&sum, sizeof(sum));
		mix(&long_sum, sizeof(long_sum));
		mix(&d, sizeof(d));
	}
	printf("_Decimal      %016lx %.17g %.17g\n", digest, d, (double)long_sum);
#endif
}

static void of_texts(void)
{
	char text[100];

	for (int i = 0; i < NR; i++) {
		double d = (double)values[i];

		printf("%a %.17g %.3e %La %.40Lg %.3Lf\n", d, d, d, values[i], values[i],
		       fabsl(values[i]) < 1e20L ? values[i] : 0.0L);
		strfromf128(text, sizeof(text), "%.36g", (_Float128)values[i]);
		printf("%s ", text);
		snprintf(text, sizeof(text), "%.20Lg", values[i]);
		for (int mode = 0; mode < 4; mode++) {
			fesetround(modes[mode]);
			printf("%a %a %La ", strtof(text, NULL), strtod(text, NULL),
			       strtold(text, NULL));
		}
		fesetround(FE_TONEAREST);
		puts("");
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		only = argv[1];
	make_values();
	of_one();
	of_two();
	of_operators();
	if (!only) {
		of_128();
		of_decimal();
		of_texts();
	}
	return 0;
}
