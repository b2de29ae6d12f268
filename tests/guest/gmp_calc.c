/* gmp_calc: Debian's libgmp, long chains of carries in hand-written assembly: products and quotients
 * over the sizes that choose between its algorithms, and some famous numbers.
 *
 *   gmp_calc [BITS]   up to so many bits (60000)
 *
 * Each result is proved by another way to it as well; of long ones a digest is printed.
 */
#include <gmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;
static gmp_randstate_t rs;

static void check(int right, const char *what, unsigned long n)
{
	if (right)
		return;
	failures++;
	printf("FAILED: %s %lu\n", what, n);
}

static uint64_t digest(mpz_srcptr z, int base)
{
	char *s = mpz_get_str(NULL, base, z);
	uint64_t h = 0xcbf29ce484222325;

	for (const char *p = s; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	free(s);
	return h;
}

static void show(const char *what, unsigned long n, mpz_srcptr z)
{
	printf("%-12s %6lu  %6zu digits  %016lx\n", what, n, mpz_sizeinbase(z, 10), digest(z, 10));
}

/* The ends of a number and its length. */
static void famous(void)
{
	mpz_t z, y;

	mpz_inits(z, y, NULL);
	for (unsigned long n = 10; n <= 10000; n *= 10) {
		mpz_fac_ui(z, n);
		show("factorial", n, z);
		mpz_fib_ui(z, n * 3);
		show("fibonacci", n * 3, z);
		mpz_bin_uiui(z, n * 2, n);
		show("binomial", n, z);
		mpz_ui_pow_ui(z, 3, n);
		show("power of 3", n, z);
		mpz_primorial_ui(y, n);
		show("primorial", n, y);
		mpz_lucnum_ui(z, n);
		show("lucas", n, z);
	}
	mpz_clears(z, y, NULL);
}

/* Numbers of @bits: a mix of random ones and long runs of equal bits, which carry far. */
static void number(mpz_t z, unsigned long bits)
{
	if (gmp_urandomm_ui(rs, 2))
		mpz_urandomb(z, rs, bits);
	else
		mpz_rrandomb(z, rs, bits);
	if (gmp_urandomm_ui(rs, 3) == 0)
		mpz_neg(z, z);
}

static void arithmetic(unsigned long bits)
{
	mpz_t a, b, c, q, r, s, t;

	mpz_inits(a, b, c, q, r, s, t, NULL);
	number(a, bits);
	number(b, bits / (1 + gmp_urandomm_ui(rs, 3)) + 3);
	number(c, bits);
	mpz_add_ui(b, b, 1);
	if (!mpz_sgn(b))
		mpz_set_ui(b, 7);

	mpz_mul(q, a, b); /* (a + c) b == a b + c b */
	mpz_add(s, a, c);
	mpz_mul(s, s, b);
	mpz_addmul(q, c, b);
	check(!mpz_cmp(q, s), "distributive", bits);
	mpz_mul(r, a, a); /* squares have code of their own */
	mpz_add_ui(s, a, 1);
	mpz_mul(s, s, a);
	mpz_sub(s, s, a);
	check(!mpz_cmp(r, s), "square", bits);

	mpz_tdiv_qr(q, r, s, b);
	mpz_mul(t, q, b);
	mpz_add(t, t, r);
	check(!mpz_cmp(t, s) && mpz_cmpabs(r, b) < 0, "division", bits);
	mpz_mul(t, a, b);
	mpz_divexact(t, t, b);
	check(!mpz_cmp(t, a), "exact division", bits);
	mpz_abs(s, a);
	mpz_sqrtrem(q, r, s);
	mpz_mul(t, q, q);
	mpz_add(t, t, r);
	check(!mpz_cmp(t, s), "square root", bits);
	mpz_gcdext(q, r, t, a, b);
	mpz_mul(r, r, a);
	mpz_addmul(r, t, b);
	check(!mpz_cmp(q, r), "gcd", bits);

	mpz_mul_2exp(t, a, bits / 3 + 1);
	mpz_fdiv_q_2exp(t, t, bits / 3 + 1);
	check(!mpz_cmp(t, a), "shifts", bits);
	mpz_and(q, a, c);
	mpz_ior(r, a, c);
	mpz_xor(s, a, c);
	mpz_add(q, q, q);
	mpz_add(s, s, q);
	mpz_add(t, a, c);
	check(!mpz_cmp(s, t), "logic", bits);
	printf("%7lu bits  %016lx %016lx", bits, digest(q, 16), digest(r, 62));
	printf("  %lu %ld\n", mpz_popcount(a), (long)mpz_hamdist(a, c));
	mpz_clears(a, b, c, q, r, s, t, NULL);
}

static void moduli(void)
{
	mpz_t p, g, x, y;

	mpz_inits(p, g, x, y, NULL);
	for (unsigned long bits = 64; bits <= 1024; bits *= 2) {
		mpz_urandomb(p, rs, bits);
		mpz_setbit(p, bits - 1);
		mpz_nextprime(p, p);
		mpz_urandomm(g, rs, p);
		mpz_sub_ui(x, p, 1);
		mpz_powm(y, g, x, p);
		check(!mpz_cmp_ui(y, 1), "fermat", bits);
		mpz_powm_sec(y, g, p, p);
		check(!mpz_cmp(y, g), "fermat, constant time", bits);
		mpz_invert(x, g, p);
		mpz_mul(x, x, g);
		mpz_mod(x, x, p);
		check(!mpz_cmp_ui(x, 1), "inverse", bits);
		printf("prime of %lu bits: %016lx %d %d\n", bits, digest(p, 10), mpz_jacobi(g, p),
		       mpz_probab_prime_p(p, 20) > 0);
	}
	mpz_ui_pow_ui(p, 2, 607); /* Mersenne; and one that is none */
	mpz_sub_ui(p, p, 1);
	mpz_ui_pow_ui(g, 2, 613);
	mpz_sub_ui(g, g, 1);
	printf("mersenne %d %d\n", mpz_probab_prime_p(p, 15) > 0, mpz_probab_prime_p(g, 15));
	mpz_clears(p, g, x, y, NULL);
}

/* 16 atan(1/5) - 4 atan(1/239), in integers; then sqrt(2) and e as mpf, sums as mpq. */
static void atan_inverse(mpz_t sum, unsigned long x, unsigned long digits)
{
	mpz_t term, part;

	mpz_inits(term, part, NULL);
	mpz_ui_pow_ui(term, 10, digits);
	mpz_tdiv_q_ui(term, term, x);
	mpz_set(sum, term);
	for (unsigned long n = 3; mpz_sgn(term); n += 2) {
		mpz_tdiv_q_ui(term, term, x * x);
		mpz_tdiv_q_ui(part, term, n);
		if (n & 2)
			mpz_sub(sum, sum, part);
		else
			mpz_add(sum, sum, part);
	}
	mpz_clears(term, part, NULL);
}

static void fractions(void)
{
	mpz_t pi, t;
	mpf_t f, g;
	mpq_t h, one;

	mpz_inits(pi, t, NULL);
	atan_inverse(pi, 5, 1010);
	mpz_mul_ui(pi, pi, 16);
	atan_inverse(t, 239, 1010);
	mpz_submul_ui(pi, t, 4);
	mpz_ui_pow_ui(t, 10, 10);
	mpz_tdiv_q(pi, pi, t);
	gmp_printf("pi %Zd\n", pi);
	mpf_set_default_prec(3000);
	mpf_inits(f, g, NULL);
	mpf_sqrt_ui(f, 2);
	gmp_printf("sqrt 2 %.200Ff\n", f);
	mpf_set_ui(f, 1);
	mpf_set_ui(g, 1);
	for (unsigned long n = 1; n < 500; n++) {
		mpf_div_ui(g, g, n);
		mpf_add(f, f, g);
	}
	gmp_printf("e %.800Ff\n%.30Fe\n", f, g);
	mpq_inits(h, one, NULL);
	for (unsigned long n = 1; n <= 300; n++) {
		mpq_set_ui(one, 1, n);
		mpq_add(h, h, one);
	}
	gmp_printf("harmonic %Qd\n%.17g\n", h, mpq_get_d(h));
	mpq_clears(h, one, NULL);
	mpf_clears(f, g, NULL);
	mpz_clears(pi, t, NULL);
}

/* To text and back in every base. */
static void texts(void)
{
	mpz_t a, b;

	mpz_inits(a, b, NULL);
	for (int base = 2; base <= 62; base++) {
		char *s;

		mpz_urandomb(a, rs, 200UL * (unsigned long)base);
		s = mpz_get_str(NULL, base, a);
		check(!mpz_set_str(b, s, base) && !mpz_cmp(a, b), "base", (unsigned long)base);
		printf("%d:%.10s%s", base, s, base % 6 ? " " : "\n");
		free(s);
	}
	puts("");
	mpz_clears(a, b, NULL);
}

int main(int argc, char **argv)
{
	unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 0) : 60000;

	gmp_randinit_mt(rs);
	gmp_randseed_ui(rs, 42);
	famous();
	for (unsigned long bits = 1; bits < most; bits += 1 + bits / 6)
		arithmetic(bits);
	moduli();
	fractions();
	texts();
	gmp_randclear(rs);
	printf("%d failures\n", failures);
	return failures != 0;
}
