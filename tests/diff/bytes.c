/*
 * Byte strings against the host CPU: encodings of rows with bits turned over, prefixes put in front and
 * bytes exchanged, and plain noise behind an opcode map. What the decoder takes for an instruction is
 * run on both sides, as in insn.c and vec.c; what it takes for none must raise the same exception on the
 * host. So this finds what no row and no form thought of.
 *
 *	check_bytes [--cpu MODEL] [--trials N] [--seed N] [--seconds N]
 *	check_bytes [--cpu MODEL] --repeat BYTES:SEED	one trial again, BYTES as 30 hexadecimal digits
 *
 * System calls, far transfers, and what a virtual machine's monitor may answer are left out: safe().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/model.h"
#include "random.h"
#include "trial.h"

/* Index of the opcode behind legacy prefixes and REX. */
static unsigned skip_prefixes(const u8 *c)
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
				      0x2e, 0x36, 0x3e, 0x64, 0x65};
	unsigned n = 0;

	while (n < 15 && ((c[n] & 0xf0) == 0x40 || memchr(prefixes, c[n], sizeof(prefixes))))
		n++;
	return n;
}

/* May these bytes run on the host, whatever they are there? */
static bool safe(const u8 *c)
{
	static const u8 one[] = {0x9a, 0xca, 0xcb, 0xcd, 0xcf, 0xea, 0xf1};
	static const u8 two[] = {0x00, 0x01, 0x05, 0x07, 0x34, 0x35, 0xaa, 0xb2, 0xb4, 0xb5};
	unsigned n = skip_prefixes(c);

	if (n >= 12)
		return true; /* too long, or only just an instruction */
	if (memchr(one, c[n], sizeof(one)))
		return false;
	if (c[n] == 0xff)
		return (c[n + 1] >> 3 & 7) != 3 && (c[n + 1] >> 3 & 7) != 5;
	if (c[n] != 0x0f)
		return true;
	if ((c[n + 1] & 0xfc) == 0x20 &&
	    memchr(c, 0xf0, n)) /* LOCK MOV CR0: CR8, in some machines */
		return false;
	return !memchr(two, c[n + 1], sizeof(two));
}

/* Bytes to try. @row: any. */
static void make_bytes(const struct sides *s, u8 code[15])
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x64, 0x40, 0x48, 0x4f};
	static const u8 maps[][2] = {{0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}, {0xc4}, {0xc5}, {0x62}};
	unsigned how = below(8), map = below(ARRAY_SIZE(maps));
	struct decoded d;

	for (unsigned i = 0; i < 15; i++)
		code[i] = (u8)rnd();
	if (how == 0)
		return;
	if (how == 1) {
		code[0] = maps[map][0];
		if (maps[map][1])
			code[1] = maps[map][1];
		return;
	}
	if (!encode_row(&s->enc, below(nr_insn_rows), 0, code, &d))
		return;
	for (unsigned n = below(3); n; n--)
		code[below(d.len)] ^= BIT(below(8));
	if (one_in(3)) {
		memmove(code + 1, code, 14);
		code[0] = prefixes[below(sizeof(prefixes))];
	}
	if (one_in(6))
		code[below(d.len)] = (u8)rnd();
}

struct tally {
	u64 trials, ended, raised, bad;
};

static void try_one(struct sides *s, enum cpu_model model, u64 seed, struct tally *n)
{
	u8 code[15];

	random_start(seed);
	make_bytes(s, code);
	if (!safe(code))
		return;
	switch (trial_bytes(s, code, seed)) {
	case TRIAL_NONE:
		return;
	case TRIAL_ENDED:
		n->ended++;
		break;
	case TRIAL_RAISED:
		n->raised++;
		break;
	case TRIAL_DIFFERS:
		n->bad++;
		printf("repeat: check_bytes --cpu %s --repeat ", cpu_model_name(model));
		for (unsigned i = 0; i < 15; i++)
			printf("%02x", code[i]);
		printf(":%#lx\n", seed);
		break;
	}
	n->trials++;
}

static int repeat(struct sides *s, const char *what)
{
	static const char *const outcomes[] = {"no trial", "ended", "raised", "differs"};
	enum outcome r;
	u8 code[15];

	for (unsigned i = 0; i < 15; i++) {
		char digits[3] = {what[2 * i], what[2 * i] ? what[2 * i + 1] : 0, 0};

		code[i] = (u8)strtoul(digits, NULL, 16);
	}
	r = trial_bytes(s, code, strlen(what) > 31 ? strtoul(what + 31, NULL, 0) : 1);
	printf("%s\n", outcomes[r]);
	return r == TRIAL_DIFFERS;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int usage(void)
{
	fprintf(stderr, "usage: check_bytes [--cpu MODEL] [--trials N] [--seed N] [--seconds N]\n"
			"\t[--repeat BYTES:SEED]\n");
	return 2;
}

int main(int argc, char **argv)
{
	u64 trials = 200000, seed = 1, seconds = 0, i = 0;
	struct tally n = {0, 0, 0, 0};
	enum cpu_model model = CPU_MODEL_HOST;
	const char *again = NULL;
	struct sides s;
	double start = now();

	for (int a = 1; a < argc; a += 2) {
		if (a + 1 == argc)
			return usage();
		if (!strcmp(argv[a], "--trials"))
			trials = strtoul(argv[a + 1], NULL, 0);
		else if (!strcmp(argv[a], "--seed"))
			seed = strtoul(argv[a + 1], NULL, 0);
		else if (!strcmp(argv[a], "--seconds"))
			seconds = strtoul(argv[a + 1], NULL, 0);
		else if (!strcmp(argv[a], "--cpu"))
			model = sides_model(argv[a + 1]);
		else if (!strcmp(argv[a], "--repeat"))
			again = argv[a + 1];
		else
			return usage();
	}
	sides_open(&s, model);
	if (again)
		return repeat(&s, again);
	while (n.bad < 100 && (seconds ? now() - start < (double)seconds : i < trials))
		for (unsigned k = 0; k < 100; k++, i++)
			try_one(&s, model, seed * 0x9e3779b97f4a7c15UL + i, &n);
	printf("bytes: %lu trials, %.0f a second, %lu ran to their end, %lu raised the same, %lu "
	       "differ\n",
	       n.trials, (double)n.trials / (now() - start), n.ended, n.raised, n.bad);
	sides_close(&s);
	printf("unit: %u passed, %u failed\n", !n.bad, (unsigned)n.bad);
	return n.bad != 0;
}
