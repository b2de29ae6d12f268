/* One set of transforms for the type REAL; F(name) gives each function a name of its own. sine and
 * cosine come from COS() and SIN(). Included by fft.c, once for each type. */

struct F(point) {
	REAL re, im;
};

static struct F(point) F(times)(struct F(point) a, struct F(point) b)
{
	return (struct F(point)){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* Twiddle factors of a transform of @n: exp(-2 pi i k / n). */
static void F(factors)(struct F(point) * w, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		w[k].re = COS(-2 * PI * (long double)k / (long double)n);
		w[k].im = SIN(-2 * PI * (long double)k / (long double)n);
	}
}

/* In place, n a power of two. */
static void F(radix2)(struct F(point) * x, const struct F(point) * w, size_t n)
{
	for (size_t i = 1, j = 0; i < n; i++) {
		size_t bit = n >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j |= bit;
		if (i < j) {
			struct F(point) t = x[i];

			x[i] = x[j];
			x[j] = t;
		}
	}
	for (size_t half = 1; half < n; half *= 2)
		for (size_t at = 0; at < n; at += 2 * half)
			for (size_t k = 0; k < half; k++) {
				struct F(point) *a = &x[at + k], *b = a + half;
				struct F(point) t = F(times)(*b, w[k * (n / half / 2)]);

				b->re = a->re - t.re;
				b->im = a->im - t.im;
				a->re += t.re;
				a->im += t.im;
			}
}

static void F(conjugate)(struct F(point) * x, size_t n, REAL scale)
{
	for (size_t i = 0; i < n; i++) {
		x[i].re *= scale;
		x[i].im *= -scale;
	}
}

/* Bluestein: a transform of any length as a convolution of a power of two. */
static void F(bluestein)(struct F(point) * x, size_t n)
{
	size_t m = 1;
	struct F(point) * w, *a, *b, *c;

	while (m < 2 * n)
		m *= 2;
	w = calloc(m, sizeof(*w));
	a = calloc(m, sizeof(*a));
	b = calloc(m, sizeof(*b));
	c = calloc(n, sizeof(*c));
	F(factors)(w, m);
	for (size_t k = 0; k < n; k++) {
		size_t q = k * k % (2 * n);

		c[k].re = COS(-PI * (long double)q / (long double)n);
		c[k].im = SIN(-PI * (long double)q / (long double)n);
		a[k] = F(times)(x[k], c[k]);
		b[k] = c[k];
		b[k].im = -c[k].im;
		if (k)
			b[m - k] = b[k];
	}
	F(radix2)(a, w, m);
	F(radix2)(b, w, m);
	for (size_t i = 0; i < m; i++)
		a[i] = F(times)(a[i], b[i]);
	F(conjugate)(a, m, 1);
	F(radix2)(a, w, m);
	F(conjugate)(a, m, (REAL)1 / (REAL)m);
	for (size_t k = 0; k < n; k++)
		x[k] = F(times)(a[k], c[k]);
	free(w);
	free(a);
	free(b);
	free(c);
}

/* Digest of the bits, without the padding of a long double. */
static uint64_t F(bits)(const struct F(point) * x, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < 2 * n; i++) {
		const REAL *r = i & 1 ? &x[i / 2].im : &x[i / 2].re;

		for (size_t b = 0; b < BYTES; b++)
			h = (h ^ ((const unsigned char *)r)[b]) * 0x100000001b3;
	}
	return h;
}

/* The transform of @n points, and back: the digest of the first, the error of the second. */
static void F(try)(size_t n)
{
	struct F(point) *x = calloc(n, sizeof(*x)), *y = calloc(n, sizeof(*y)), *w = NULL;
	int plain = !(n & (n - 1));
	uint64_t digest;
	REAL worst = 0;

	for (size_t i = 0; i < n; i++) {
		x[i].re = y[i].re = (REAL)(int)(noise() % 2000) / 1000 - 1;
		x[i].im = y[i].im = (REAL)(int)(noise() % 2000) / 7 - 100;
	}
	if (plain) {
		w = calloc(n, sizeof(*w));
		F(factors)(w, n);
		F(radix2)(y, w, n);
	} else {
		F(bluestein)(y, n);
	}
	digest = F(bits)(y, n);
	F(conjugate)(y, n, 1);
	if (plain)
		F(radix2)(y, w, n);
	else
		F(bluestein)(y, n);
	F(conjugate)(y, n, (REAL)1 / (REAL)n);
	for (size_t i = 0; i < n; i++) {
		REAL d = x[i].re - y[i].re, e = x[i].im - y[i].im;

		d = d < 0 ? -d : d;
		e = e < 0 ? -e : e;
		worst = d > worst ? d : worst;
		worst = e > worst ? e : worst;
	}
	printf("%-12s %5zu  %016lx %016lx  %.3Lg\n", TYPE_NAME, n, digest, F(bits)(y, n),
	       (long double)worst);
	free(x);
	free(y);
	free(w);
}

#undef REAL
#undef F
#undef COS
#undef SIN
#undef BYTES
#undef TYPE_NAME
