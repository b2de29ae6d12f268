/* numeric: loops of the kind that compilers turn into vector code, over every element type: sums,
 * products, conversions, saturation, selection, gathers, shifts, searches; then matrices, n bodies and
 * the Mandelbrot set. Built for several levels of x86-64, each -O3, some -ffast-math (guest.mk).
 *
 * One digest a loop. The bytes are those that the same program gives on a CPU.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 1021 /* a prime: every loop has a tail */

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void show(const char *name, const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3;
	printf("%-28s %016lx\n", name, h);
}

static int places[N];
static int64_t long_places[N];
static int8_t to_i8[N];
static uint8_t to_u8[N];
static int16_t to_i16[N];
static int32_t to_i32[N];
static float to_f[N];
static double to_d[N];

/* ---- Each loop for each type ---------------------------------------------------------------- */

#define LOOP __attribute__((noinline)) static void

#define ALL_TYPES(X)                                                                               \
	X(int8_t)                                                                                  \
	X(uint8_t)                                                                                 \
	X(int16_t) X(uint16_t) X(int32_t) X(uint32_t) X(int64_t) X(uint64_t) X(float) X(double)
#define INTEGERS(X)                                                                                \
	X(int8_t) X(uint8_t) X(int16_t) X(uint16_t) X(int32_t) X(uint32_t) X(int64_t) X(uint64_t)

#define ANY(T)                                                                                     \
	static T a_##T[N + 64], b_##T[N + 64], c_##T[N + 64];                                      \
	LOOP add_##T(T *restrict c, const T *a, const T *b)                                        \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(a[i] * b[i] + b[i]);                                            \
	}                                                                                          \
	LOOP sub_##T(T *restrict c, const T *a, const T *b)                                        \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(a[i] - b[N - 1 - i]);                                           \
	}                                                                                          \
	LOOP select_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = a[i] < b[i] ? a[i] : (T)(b[i] + a[i]);                              \
	}                                                                                          \
	LOOP most_##T(T *restrict c, const T *a, const T *b)                                       \
	{                                                                                          \
		T lo = a[0], hi = b[0];                                                            \
                                                                                                   \
		for (int i = 0; i < N; i++) {                                                      \
			lo = a[i] < lo ? a[i] : lo;                                                \
			hi = b[i] > hi ? b[i] : hi;                                                \
		}                                                                                  \
		c[0] = lo;                                                                         \
		c[1] = hi;                                                                         \
	}                                                                                          \
	LOOP sum_##T(T *restrict c, const T *a, const T *b)                                        \
	{                                                                                          \
		T s = 0, p = 0;                                                                    \
                                                                                                   \
		for (int i = 0; i < N; i++) {                                                      \
			s = (T)(s + a[i]);                                                         \
			p = (T)(p + a[i] * b[i]);                                                  \
		}                                                                                  \
		c[0] = s;                                                                          \
		c[1] = p;                                                                          \
	}                                                                                          \
	LOOP stride_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N / 3; i++) {                                                  \
			c[3 * i] = (T)(a[2 * i] + b[i]);                                           \
			c[3 * i + 1] = (T)(a[2 * i + 1] - b[i]);                                   \
			c[3 * i + 2] = b[2 * i];                                                   \
		}                                                                                  \
	}                                                                                          \
	LOOP gather_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = a[places[i]];                                                       \
		for (int i = 0; i < N; i++)                                                        \
			if (places[i] & 1)                                                         \
				c[i] = b[long_places[i]];                                          \
	}                                                                                          \
	LOOP masked_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			if (a[i] > (T)3)                                                           \
				c[i] = (T)(b[i] * 2);                                              \
	}                                                                                          \
	LOOP prefix_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		T s = 0;                                                                           \
                                                                                                   \
		for (int i = 0; i < N; i++) {                                                      \
			s = (T)(s + a[i]);                                                         \
			c[i] = (T)(s + b[i]);                                                      \
		}                                                                                  \
	}                                                                                          \
	LOOP out_##T(T *restrict c, const T *a, const T *b)                                        \
	{                                                                                          \
		for (int i = 0; i < N; i++) {                                                      \
			to_i8[i] = (int8_t)(int)(a[i] > 100 ? 100 : a[i]);                         \
			to_i32[i] = (int32_t)(b[i] > 1000000 ? 1000000 : b[i]);                    \
			to_f[i] = (float)a[i];                                                     \
			to_d[i] = (double)b[i];                                                    \
		}                                                                                  \
		memcpy(c, a, sizeof(T));                                                           \
	}                                                                                          \
	LOOP in_##T(T *restrict c, const T *a __attribute__((unused)),                             \
		    const T *b __attribute__((unused)))                                            \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(to_i32[i] & 127);                                               \
		for (int i = 0; i < N; i += 2)                                                     \
			c[i] = (T)(int)to_d[i];                                                    \
	}

#define INTEGER(T)                                                                                 \
	LOOP logic_##T(T *restrict c, const T *a, const T *b)                                      \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)((a[i] & ~b[i]) ^ (a[i] | 0x55));                                \
	}                                                                                          \
	LOOP shift_##T(T *restrict c, const T *a, const T *b)                                      \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(a[i] >> (b[i] & 7)) ^ (T)(b[i] << (a[i] & 7)) ^ (T)(a[i] >> 3); \
	}                                                                                          \
	LOOP rotate_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)((uint64_t)a[i] << 5 | (uint64_t)b[i] >> 3);                     \
	}                                                                                          \
	LOOP count_##T(T *restrict c, const T *a, const T *b)                                      \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(__builtin_popcountl((uint64_t)a[i]) +                           \
				   __builtin_clzl((uint64_t)b[i] | 1));                            \
	}                                                                                          \
	LOOP average_##T(T *restrict c, const T *a, const T *b)                                    \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(((__int128)a[i] + b[i] + 1) >> 1);                              \
	}                                                                                          \
	LOOP saturate_##T(T *restrict c, const T *a, const T *b)                                   \
	{                                                                                          \
		for (int i = 0; i < N; i++) {                                                      \
			int v = (int)a[i] + (int)(b[i] & 0xfff);                                   \
                                                                                                   \
			to_i16[i] = v > 32767 ? 32767 : v < -32768 ? -32768 : (int16_t)v;          \
			to_u8[i] = v > 255 ? 255 : v < 0 ? 0 : (uint8_t)v;                         \
		}                                                                                  \
		c[0] = a[0];                                                                       \
	}                                                                                          \
	LOOP differ_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		uint32_t s = 0;                                                                    \
                                                                                                   \
		for (int i = 0; i < N; i++)                                                        \
			s += (uint32_t)(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);                  \
		c[0] = (T)s;                                                                       \
	}                                                                                          \
	LOOP divide_##T(T *restrict c, const T *a, const T *b)                                     \
	{                                                                                          \
		for (int i = 0; i < N; i++)                                                        \
			c[i] = (T)(a[i] / 7 + b[i] % 10);                                          \
	}

/* clang-format off */
ALL_TYPES(ANY)
INTEGERS(INTEGER)
/* clang-format on */

/* From places that are not aligned, too. */
#define RUN(name, T)                                                                               \
	do {                                                                                       \
		memset(c_##T, 0, sizeof(c_##T));                                                   \
		name##_##T(c_##T + shift, a_##T + shift, b_##T);                                   \
		show(#name " " #T, c_##T, sizeof(c_##T));                                          \
	} while (0)

#define RUN_ANY(T)                                                                                 \
	for (int i = 0; i < N + 64; i++) {                                                         \
		a_##T[i] = (T)(int)(rnd() % 251) - (T)(int)(rnd() % 100);                          \
		b_##T[i] = (T)(int)(rnd() % 120);                                                  \
	}                                                                                          \
	RUN(add, T);                                                                               \
	RUN(sub, T);                                                                               \
	RUN(select, T);                                                                            \
	RUN(most, T);                                                                              \
	RUN(sum, T);                                                                               \
	RUN(stride, T);                                                                            \
	RUN(gather, T);                                                                            \
	RUN(masked, T);                                                                            \
	RUN(prefix, T);                                                                            \
	RUN(out, T);                                                                               \
	RUN(in, T);                                                                                \
	show_conversions();

#define RUN_INTEGER(T)                                                                             \
	for (int i = 0; i < N + 64; i++) {                                                         \
		a_##T[i] = (T)rnd();                                                               \
		b_##T[i] = (T)rnd();                                                               \
	}                                                                                          \
	RUN(logic, T);                                                                             \
	RUN(shift, T);                                                                             \
	RUN(rotate, T);                                                                            \
	RUN(count, T);                                                                             \
	RUN(average, T);                                                                           \
	RUN(saturate, T);                                                                          \
	RUN(differ, T);                                                                            \
	RUN(divide, T);                                                                            \
	RUN(add, T);                                                                               \
	RUN(most, T);                                                                              \
	RUN(sum, T);                                                                               \
	show_conversions();

static void show_conversions(void)
{
	show("  to int8", to_i8, sizeof(to_i8));
	show("  to uint8", to_u8, sizeof(to_u8));
	show("  to int16", to_i16, sizeof(to_i16));
	show("  to int32", to_i32, sizeof(to_i32));
	show("  to float", to_f, sizeof(to_f));
	show("  to double", to_d, sizeof(to_d));
}

/* ---- Larger ones ---------------------------------------------------------------------------- */

#define ORDER 61

static double m[ORDER][ORDER], inverse[ORDER][ORDER], product[ORDER][ORDER];

/* Gauss-Jordan with pivots. */
static void invert(void)
{
	static double work[ORDER][ORDER];

	memcpy(work, m, sizeof(work));
	memset(inverse, 0, sizeof(inverse));
	for (int i = 0; i < ORDER; i++)
		inverse[i][i] = 1;
	for (int col = 0; col < ORDER; col++) {
		int best = col;
		double f;

		for (int r = col + 1; r < ORDER; r++)
			if (fabs(work[r][col]) > fabs(work[best][col]))
				best = r;
		for (int k = 0; k < ORDER; k++) {
			double t = work[col][k], u = inverse[col][k];

			work[col][k] = work[best][k];
			work[best][k] = t;
			inverse[col][k] = inverse[best][k];
			inverse[best][k] = u;
		}
		f = 1 / work[col][col];
		for (int k = 0; k < ORDER; k++) {
			work[col][k] *= f;
			inverse[col][k] *= f;
		}
		for (int r = 0; r < ORDER; r++) {
			f = work[r][col];
			for (int k = 0; r != col && k < ORDER; k++) {
				work[r][k] -= f * work[col][k];
				inverse[r][k] -= f * inverse[col][k];
			}
		}
	}
}

static void matrices(void)
{
	double worst = 0;

	for (int i = 0; i < ORDER; i++)
		for (int k = 0; k < ORDER; k++)
			m[i][k] = (double)(rnd() % 2000) / 100 - 10;
	invert();
	memset(product, 0, sizeof(product));
	for (int i = 0; i < ORDER; i++)
		for (int k = 0; k < ORDER; k++)
			for (int j = 0; j < ORDER; j++)
				product[i][j] += m[i][k] * inverse[k][j];
	for (int i = 0; i < ORDER; i++)
		for (int j = 0; j < ORDER; j++)
			worst = fmax(worst, fabs(product[i][j] - (i == j)));
	show("inverse", inverse, sizeof(inverse));
	printf("  off by %.3g\n", worst);
}

static void bodies(void)
{
	static float x[3][64], v[3][64], mass[64];

	for (int i = 0; i < 64; i++) {
		for (int d = 0; d < 3; d++)
			x[d][i] = (float)(rnd() % 1000);
		mass[i] = 1 + (float)(rnd() % 9);
	}
	for (int step = 0; step < 40; step++) {
		for (int i = 0; i < 64; i++) {
			float f[3] = {0};

			for (int k = 0; k < 64; k++) {
				float dx = x[0][k] - x[0][i], dy = x[1][k] - x[1][i],
				      dz = x[2][k] - x[2][i];
				float r2 = dx * dx + dy * dy + dz * dz + 1, r = 1 / sqrtf(r2);
				float w = mass[k] * r * r * r;

				f[0] += dx * w;
				f[1] += dy * w;
				f[2] += dz * w;
			}
			for (int d = 0; d < 3; d++)
				v[d][i] += f[d] * 10;
		}
		for (int d = 0; d < 3; d++)
			for (int i = 0; i < 64; i++)
				x[d][i] += v[d][i];
	}
	show("bodies", x, sizeof(x));
}

static void mandelbrot(void)
{
	static uint8_t image[60][90];

	for (int row = 0; row < 60; row++)
		for (int col = 0; col < 90; col++) {
			double cr = col / 30.0 - 2, ci = row / 30.0 - 1, zr = 0, zi = 0;
			int n = 0;

			for (; n < 60 && zr * zr + zi * zi < 4; n++) {
				double t = zr * zr - zi * zi + cr;

				zi = 2 * zr * zi + ci;
				zr = t;
			}
			image[row][col] = (uint8_t)n;
		}
	show("mandelbrot", image, sizeof(image));
}

/* Rounding and signs: what SSE4.1 and AVX-512 have instructions for. */
static void roundings(void)
{
	static double d[N], e[N];
	static float f[N], g[N];

	for (int i = 0; i < N; i++) {
		d[i] = (double)(int64_t)rnd() / 0x1p50;
		f[i] = (float)d[i] * 0.37F;
	}
	for (int i = 0; i < N; i++) {
		e[i] = floor(d[i]) + ceil(d[i]) * 2 + trunc(d[i]) * 3 + rint(d[i]) * 5;
		g[i] = floorf(f[i]) + ceilf(f[i]) * 2 + truncf(f[i]) * 3 + rintf(f[i]) * 5;
	}
	show("floor, ceil, trunc, rint", e, sizeof(e));
	show("floorf, ceilf ...", g, sizeof(g));
	for (int i = 0; i < N; i++) {
		e[i] = copysign(sqrt(fabs(d[i])), d[N - 1 - i]) - fmax(d[i], e[i] / 100);
		g[i] = copysignf(sqrtf(fabsf(f[i])), f[N - 1 - i]) - fminf(f[i], g[i] / 100);
	}
	show("sqrt, copysign, fmax", e, sizeof(e));
	show("sqrtf, copysignf, fminf", g, sizeof(g));
}

int main(void)
{
	for (int i = 0; i < N; i++) {
		places[i] = (int)(rnd() % N);
		long_places[i] = (int64_t)(rnd() % N);
	}
	for (int shift = 0; shift < 3; shift++) {
		printf("from element %d\n", shift);
		/* clang-format off */
		ALL_TYPES(RUN_ANY)
		INTEGERS(RUN_INTEGER)
		/* clang-format on */
	}
	matrices();
	bodies();
	mandelbrot();
	roundings();
	return 0;
}
