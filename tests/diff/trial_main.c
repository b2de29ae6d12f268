/* Trials of all rows: the command line, how often each row is run, and what is reported of it. One trial is
 * trial.c's. */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/model.h"
#include "random.h"

struct options {
	u64 rounds, seed, seconds;
	const char *name; /* rows of this name only */
	enum cpu_model model;
	bool verbose, flags, jit;
};

struct totals {
	unsigned long runs, raised, bad;
};

static u64 trial_seed(const struct options *o, unsigned row, u64 i)
{
	return o->seed * 0x9e3779b97f4a7c15UL + row * 0x100000001UL + i * 0x1000000007UL;
}

static bool one_trial(struct sides *s, unsigned row, u64 wish, u64 seed, struct totals *n)
{
	enum outcome r = trial_row(s, row, wish, seed);

	if (r == TRIAL_NONE)
		return true;
	n->runs++;
	n->raised += r == TRIAL_RAISED;
	n->bad += r == TRIAL_DIFFERS;
	return r != TRIAL_DIFFERS;
}

/* Each form until it has passed once, then any. False: differs. */
static bool run_row(struct sides *s, const struct options *o, unsigned row, struct totals *n)
{
	unsigned bad = 0;

	for (u64 i = 0; i < o->rounds / 2 && bad < 3; i++)
		bad += !one_trial(s, row, 0, trial_seed(o, row, i), n);
	for (unsigned form = 0; form < NR_F; form++) {
		for (u64 i = 0; i < 48 && bad < 3; i++) {
			if (!(forms_missing(row, s->amd) >> form & 1))
				break;
			bad += !one_trial(s, row, BIT(form),
					  trial_seed(o, row, 1000 * (form + 1) + i), n);
		}
	}
	for (u64 i = o->rounds / 2; i < o->rounds && bad < 3; i++)
		bad += !one_trial(s, row, 0, trial_seed(o, row, 100000 + i), n);
	return !bad;
}

/* ROW:WISH:SEED, as a failure prints it. */
static int repeat(struct sides *s, const char *what)
{
	static const char *const outcomes[] = {"no trial", "ended", "raised", "differs"};
	char *end;
	unsigned row = (unsigned)strtoul(what, &end, 0);
	u64 wish = *end ? strtoul(end + 1, &end, 0) : 0,
	    seed = *end ? strtoul(end + 1, &end, 0) : 0;
	enum outcome r;

	if (row >= nr_insn_rows)
		return 2;
	r = trial_row(s, row, wish, seed);
	printf("%s: %s\n", insn_rows[row].name, outcomes[r]);
	return r == TRIAL_DIFFERS;
}

static void usage(const char *program)
{
	fprintf(stderr,
		"usage: check_%s [--cpu MODEL] [--rounds N] [--seed N] [--seconds N] [--row NAME]\n"
		"\t[--verbose] [--flags] [--jit] [--repeat ROW:WISH:SEED]\n",
		program);
	exit(2);
}

static const char *parse(const char *program, int argc, char **argv, struct options *o)
{
	const char *again = NULL;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--verbose"))
			o->verbose = true;
		else if (!strcmp(argv[i], "--flags"))
			o->flags = true;
		else if (!strcmp(argv[i], "--jit"))
			o->jit = true;
		else if (i + 1 == argc)
			usage(program);
		else if (!strcmp(argv[i], "--rounds"))
			o->rounds = strtoul(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--seed"))
			o->seed = strtoul(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--seconds"))
			o->seconds = strtoul(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--row"))
			o->name = value, i++;
		else if (!strcmp(argv[i], "--cpu"))
			o->model = sides_model(value), i++;
		else if (!strcmp(argv[i], "--repeat"))
			again = value, i++;
		else
			usage(program);
	}
	return again;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Rows of the program that the model has. */
static struct {
	bool (*of_program)(unsigned row);
	u64 feats;
} chosen;

/* A row for this maker's CPUs stands before it. */
static bool shadowed(unsigned row)
{
	const struct insn_row *r = &insn_rows[row];

	for (unsigned i = 0; i < row; i++) {
		const struct insn_row *s = &insn_rows[i];

		if (s->map == r->map && s->op == r->op && s->pfx == r->pfx && s->ext == r->ext &&
		    s->mod == r->mod && s->w == r->w && s->l == r->l &&
		    (s->feat == FEAT_AMD || s->feat == FEAT_INTEL) && (chosen.feats >> s->feat & 1))
			return true;
	}
	return false;
}

static bool wanted(unsigned row)
{
	/* Rows of FEAT_AMD and FEAT_INTEL are there only where their encoding is. */
	if (insn_rows[row].map >= MAP_V0F && !(chosen.feats >> FEAT_AVX & 1))
		return false;
	return chosen.of_program(row) && (chosen.feats >> insn_rows[row].feat & 1) &&
	       !shadowed(row);
}

/* Whether a row of that name can be run here; says why not. */
static bool has_row(const char *program, const char *name, enum cpu_model model)
{
	const char *why = "there is no such row";

	for (unsigned row = 0; row < nr_insn_rows; row++) {
		if (strcmp(insn_rows[row].name, name))
			continue;
		if (wanted(row))
			return true;
		why = chosen.of_program(row) ? "not in this --cpu model on this host"
					     : "another check_ program runs it";
	}
	fprintf(stderr, "check_%s --cpu %s --row %s: %s\n", program, cpu_model_name(model), name,
		why);
	return false;
}

/* Rows whose undefined flags differ from the host's: a number, or all of them. */
static void print_undefined(const char *program, bool all)
{
	static const struct {
		u32 bit;
		char letter;
	} letters[] = {{F_OF, 'O'}, {F_SF, 'S'}, {F_ZF, 'Z'},
		       {F_AF, 'A'}, {F_PF, 'P'}, {F_CF, 'C'}};
	unsigned have = 0, differ = 0;

	for (unsigned row = 0; row < nr_insn_rows; row++) {
		have += wanted(row) && insn_rows[row].undefined;
		if (!wanted(row) || !trial_notes[row].undefined)
			continue;
		differ++;
		if (!all)
			continue;
		printf("%s: undefined flags other than the host's: row %u, %s:", program, row,
		       insn_rows[row].name);
		for (unsigned i = 0; i < ARRAY_SIZE(letters); i++)
			if (trial_notes[row].undefined & letters[i].bit)
				printf(" %c", letters[i].letter);
		printf("\n");
	}
	printf("%s: undefined flags: %u rows have some, in %u they are other than the host's\n",
	       program, have, differ);
}

/* Rows that keep pointers and ran, and whose pointers were never compared. */
static unsigned report_pointers(const char *program)
{
	unsigned rows = 0, never = 0;
	u64 n = 0;

	for (unsigned row = 0; row < nr_insn_rows; row++) {
		rows += !!trial_notes[row].compared;
		n += trial_notes[row].compared;
		if (trial_notes[row].compared || trial_notes[row].ran < 20)
			continue;
		never++;
		printf("%s: FIP, FDP, FOP never compared: row %u, %s\n", program, row,
		       insn_rows[row].name);
	}
	if (rows)
		printf("%s: FIP, FDP, FOP compared in %lu trials of %u rows\n", program, n, rows);
	return never;
}

/* What cannot be proved here: features by name, rows by number. */
static void print_lacking(const char *program)
{
	static const char *const names[] = {
#define FEAT(name, ...) [FEAT_##name] = #name,
#include "cpu/feat.def"
#undef FEAT
	};
	unsigned count[NR_FEATS] = {0}, all = 0;

	for (unsigned row = 0; row < nr_insn_rows; row++)
		if (chosen.of_program(row) && !wanted(row)) {
			count[insn_rows[row].feat]++;
			all++;
		}
	printf("%s: %u rows are not in this CPU:", program, all);
	for (unsigned i = 0; i < NR_FEATS; i++)
		if (count[i])
			printf(" %s %u", names[i], count[i]);
	printf("\n");
}

int trial_main(const char *program, bool (*of_program)(unsigned row), int argc, char **argv)
{
	struct options o = {.rounds = 200, .seed = 1, .model = CPU_MODEL_HOST};
	struct totals n = {0, 0, 0};
	struct sides s;
	unsigned passed = 0, failed = 0, never;
	const char *again = parse(program, argc, argv, &o);
	double start = now();

	sides_open(&s, o.model);
	if (o.jit && !flat_translate(s.f, false)) {
		printf("%s: this host cannot run translated code\n", program);
		return 77;
	}
	chosen.of_program = of_program;
	chosen.feats = s.enc.feats;
	if (again)
		return repeat(&s, again);
	if (o.name && !has_row(program, o.name, o.model))
		return 2;
	do {
		for (unsigned row = 0; row < nr_insn_rows; row++) {
			const struct insn_row *r = &insn_rows[row];

			if (!wanted(row) || (o.name && strcmp(o.name, r->name)))
				continue;
			if (run_row(&s, &o, row, &n))
				passed++;
			else
				failed++;
		}
		o.seed++;
	} while (o.seconds && now() - start < (double)o.seconds && n.bad < 100);
	never = o.name ? 0 : forms_report(program, wanted, s.amd, o.verbose);
	never += report_pointers(program);
	print_lacking(program);
	print_undefined(program, o.flags);
	printf("%s: %lu trials, %.0f a second, %lu exceptions on both sides, %lu differ\n", program,
	       n.runs, (double)n.runs / (now() - start), n.raised, n.bad);
	sides_close(&s);
	printf("unit: %u passed, %u failed\n", passed, failed + never);
	return failed + never != 0;
}
