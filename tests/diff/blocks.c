/* Blocks at random: one program, run translated and by the interpreter from the same state, in pieces of random
 * budgets; between pieces a little kernel does to both what kernels do: it changes what pages show and allow,
 * changes code, flushes the TLB, serves faults, sends control elsewhere. After each piece registers, flags, vector and
 * x87 state, how it stopped, accessed and dirty bits and all of memory must be the same.
 *
 *	check_blocks [--cases N] [--seed N] [--seconds N] [--verbose] [--repeat SEED]
 *
 * A case is a program and a few states to begin with; all of it follows from its seed. Cases of one run follow each
 * other in the same machines. Whether each row that has a rule was translated is looked at in the end. */
#include "blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/block.h"
#include "cpu/fpu.h"
#include "cpu/jit/jit.h"
#include "cpu/model.h"
#include "mm/pgtable.h"
#include "random.h"

/* One way to be translated, and the machine that is not. */
struct pair {
	struct flat *jit, *ref;
	u64 bits; /* of the entries of pages, that count: not those that #MF has left */
};

static const struct kind {
	u32 tlb;
	u64 size;
	u16 hot; /* from some entries on it is known what follows what: units of several blocks */
} kinds[] = {{256, 1UL << 20, 1},
	     {16, 1UL << 20, 2},
	     {8192, 256UL << 10, 3},
	     {256, 1UL << 20, 8},
	     {1024, 256UL << 10, 16}};

static struct {
	u64 cases, pieces, insns, stops[8], vectors[32];
} done;

static u64 constant_tsc(void *arg __unused)
{
	return 0x123456789;
}

static bool pair_open(struct pair *p, const struct kind *k)
{
	struct jit_options o = {
		.size = k->size, .l1_entries = k->tlb, .hot = k->hot, .count = k->tlb == 16};

	p->ref = flat_new_tlb(CPU_MODEL_HOST, k->tlb);
	p->jit = flat_new_tlb(CPU_MODEL_HOST, k->tlb);
	p->ref->cpu.read_tsc = p->jit->cpu.read_tsc = constant_tsc;
	return !code_cache_translate(p->jit->code, &o);
}

static void pair_close(struct pair *p)
{
	flat_free(p->jit);
	flat_free(p->ref);
}

/* ---- To both machines --------------------------------------------------------------------------------- */

static void both_map(struct pair *p, gva_t page, gva_t frame, unsigned long rights)
{
	flat_map(p->jit, page, frame, rights);
	flat_map(p->ref, page, frame, rights);
}

static void both_write(struct pair *p, gva_t at, const void *bytes, size_t len)
{
	flat_write(p->jit, at, bytes, len);
	flat_write(p->ref, at, bytes, len);
}

/* After a difference. */
static void make_same(struct pair *p)
{
	for (unsigned i = 0; i < FLAT_PAGES; i++)
		flat_write(p->jit, FLAT_BASE + i * PAGE_SIZE,
			   flat_ptr(p->ref, FLAT_BASE + i * PAGE_SIZE), PAGE_SIZE);
}

static void both_copy(struct pair *p, const struct cpu_regs *r)
{
	p->jit->cpu.regs = p->ref->cpu.regs = *r;
}

static gva_t data_page(unsigned n)
{
	return BLOCKS_DATA + n * PAGE_SIZE;
}

/* Most pages as usual; some are absent, read-only, not for code, or show a frame of another page. */
static void map_all(struct pair *p, const struct program *prog)
{
	static const unsigned long odd[] = {FLAT_NONE, FLAT_R, FLAT_R | FLAT_X, FLAT_R | FLAT_W};
	bool plain = one_in(3) || (prog->shaped && one_in(2));

	p->bits = _PAGE_ACCESSED | _PAGE_DIRTY;
	/* Neither code nor data, but a case before may have been there, and ended with other bits: see run_piece(). */
	for (unsigned i = BLOCKS_CODE_PAGES; i < BLOCKS_DATA_PAGE; i++)
		both_map(p, FLAT_BASE + i * PAGE_SIZE, FLAT_BASE + i * PAGE_SIZE, FLAT_RWX);
	for (unsigned i = 0; i < BLOCKS_CODE_PAGES; i++) {
		gva_t page = BLOCKS_CODE + i * PAGE_SIZE;

		both_map(p, page, page, plain || one_in(2) ? FLAT_R | FLAT_X : FLAT_RWX);
	}
	for (unsigned i = 0; i < BLOCKS_DATA_PAGES; i++) {
		unsigned long rights = plain || !one_in(5) ? FLAT_RWX : odd[below(4)];
		gva_t frame = data_page(i);

		if (!plain && one_in(12))
			frame = one_in(4) ? BLOCKS_CODE : data_page(below(BLOCKS_DATA_PAGES));
		both_map(p, data_page(i), frame, rights);
	}
}

static void fill_data(struct pair *p, const struct program *prog)
{
	static u64 data[BLOCKS_DATA_LEN / 8];

	for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
		u64 r = rnd();

		data[i] = r % 4	  ? blocks_pointer()
			  : r % 8 ? blocks_address(prog)
				  : rnd() >> (r >> 58);
	}
	both_write(p, BLOCKS_DATA, data, sizeof(data));
}

static void random_pointers(struct cpu_regs *r, const struct program *prog)
{
	for (unsigned i = 0; i < NR_GPR; i++)
		if (prog->pointers >> i & 1)
			r->gpr[i] = blocks_pointer();
	r->gpr[R_RSP] &= ~7UL;
	for (unsigned i = 0; i < NR_GPR; i++)
		if (prog->small >> i & 1)
			r->gpr[i] = below(24);
}

static void random_unit(u8 *area)
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned w = 0; w < 16; w += 8) {
			u64 r = rnd();
			float f = (float)(s32)rnd() * 1e-6F;
			double d = (double)(s64)rnd() * 1e-12;

			if (r % 4 == 1)
				memcpy(&r, &d, 8);
			else if (r % 4 == 2)
				memcpy(&r, &f, 4);
			memcpy(area + FX_XMM0 + 16 * i + w, &r, 8);
		}
}

static void random_regs(struct pair *p, const struct program *prog)
{
	struct cpu_regs r;

	cpu_regs_init(&r);
	for (unsigned i = 0; i < NR_GPR; i++)
		r.gpr[i] = one_in(4) ? rnd() : rnd() >> below(64);
	random_pointers(&r, prog);
	r.rip = blocks_address(prog);
	r.flags = 0x202 | (rnd() & F_OSZAPC) | (one_in(6) ? F_DF : 0) | (one_in(24) ? F_AC : 0) |
		  (one_in(40) ? F_TF : 0);
	r.fs_base = one_in(2) ? 8 * below(8) : blocks_pointer();
	r.gs_base = one_in(2) ? 0 : blocks_pointer();
	both_copy(p, &r);
	fpu_state_init(&p->ref->fpu);
	random_unit(p->ref->fpu.area);
	if (one_in(16)) /* some floating-point exceptions are for the program */
		p->ref->fpu.area[FX_MXCSR] = 0x80,
		p->ref->fpu.area[FX_MXCSR + 1] = (u8)(0x1f ^ (1 << below(5)));
	p->jit->fpu = p->ref->fpu;
	p->ref->cpu.random = p->jit->cpu.random = rnd() | 1;
	p->ref->cpu.retired = p->jit->cpu.retired = 0;
}

/* ---- The little kernel -------------------------------------------------------------------------------- */

static bool is_ours(gva_t at)
{
	return at - FLAT_BASE < BLOCKS_SPARE_PAGE * PAGE_SIZE;
}

/* A page comes back as what it was, or as a copy of that in another frame: COW, or after it was swapped out. */
static void move_page(struct pair *p, gva_t page)
{
	gva_t frame =
		FLAT_BASE + (BLOCKS_SPARE_PAGE + below(FLAT_PAGES - BLOCKS_SPARE_PAGE)) * PAGE_SIZE;
	static u8 copy[PAGE_SIZE];

	memcpy(copy, flat_ptr(p->ref, page), PAGE_SIZE);
	both_write(p, frame, copy, PAGE_SIZE);
	both_map(p, page, frame, FLAT_RWX);
}

static void change_code(struct pair *p, const struct encoder *e, struct program *prog)
{
	u32 at, len;

	blocks_patch(e, prog, &at, &len);
	both_write(p, BLOCKS_CODE + at, prog->code + at, len);
}

/* Between two pieces, for no reason that the program knows. */
static void meddle(struct pair *p, const struct encoder *e, struct program *prog)
{
	static const unsigned long rights[] = {FLAT_RWX, FLAT_R, FLAT_R | FLAT_X, FLAT_NONE,
					       FLAT_R | FLAT_W};
	gva_t page = one_in(4) ? BLOCKS_CODE + below(BLOCKS_CODE_PAGES) * PAGE_SIZE
			       : data_page(below(BLOCKS_DATA_PAGES));

	switch (below(8)) {
	case 0:
		flush_tlb_mm(p->jit->mm); /* and not of the other */
		break;
	case 1:
	case 2:
		both_map(p, page, page, rights[below(5)]);
		break;
	case 3:
		move_page(p, page);
		break;
	case 4:
		change_code(p, e, prog);
		break;
	case 5:
		p->ref->cpu.regs.flags ^= F_AC;
		p->jit->cpu.regs.flags ^= F_AC;
		break;
	default:
		break;
	}
}

/* As a signal handler might: elsewhere, with other registers. */
static void go_elsewhere(struct pair *p, const struct program *prog)
{
	struct cpu_regs r = p->ref->cpu.regs;

	r.rip = blocks_address(prog);
	if (one_in(2))
		random_pointers(&r, prog);
	r.flags &= ~(one_in(4) ? F_TF | F_AC : one_in(4) ? F_DF : 0);
	if (one_in(2)) { /* no exception is pending any more */
		fpu_state_init(&p->ref->fpu);
		random_unit(p->ref->fpu.area);
		p->jit->fpu = p->ref->fpu;
	}
	both_copy(p, &r);
}

static void serve(struct pair *p, const struct program *prog)
{
	const struct cpu_exit *e = &p->ref->cpu.exit;

	if (e->why != CPU_EXCEPTION)
		return;
	done.vectors[e->vector & 31]++;
	if (e->vector == X86_DB && !one_in(8))
		return;
	if (e->vector == X86_PF && is_ours(e->cr2) && !one_in(4)) {
		gva_t page = e->cr2 & PAGE_MASK;

		if (one_in(3))
			move_page(p, page);
		else
			both_map(p, page, page, FLAT_RWX);
		return;
	}
	go_elsewhere(p, prog);
}

/* ---- Comparing ---------------------------------------------------------------------------------------- */

/* What the host's unit keeps of Vellum's own addresses goes; a part that is all zero may be marked as used. */
static void tidy_fpu(const struct fpu_state *s, struct fpu_state *to)
{
	static const struct {
		u64 bit;
		u32 at, end;
	} parts[] = {{BIT(2), XS_YMM_HI, XS_OPMASK},
		     {BIT(5) | BIT(6) | BIT(7), XS_OPMASK, XS_SIZE}};
	static const u8 zeros[XS_SIZE];
	u64 used;

	*to = *s;
	used = get64(to->area + XS_BV);
	memset(to->area + FX_FOP, 0, FX_MXCSR - FX_FOP);
	memset(to->area + FX_MXCSR_MASK, 0, FX_ST0 - FX_MXCSR_MASK);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!(used & parts[i].bit))
			memset(to->area + parts[i].at, 0, parts[i].end - parts[i].at);
		if (!memcmp(to->area + parts[i].at, zeros, parts[i].end - parts[i].at))
			used &= ~parts[i].bit;
	}
	memcpy(to->area + XS_BV, &used, sizeof(used));
}

static const char *units_differ(const struct pair *p)
{
	static struct fpu_state a, b;

	tidy_fpu(&p->jit->fpu, &a);
	tidy_fpu(&p->ref->fpu, &b);
	return memcmp(&a, &b, sizeof(a)) ? "x87 or vector state" : NULL;
}

static const char *memory_differs(const struct pair *p)
{
	if (memcmp(flat_ptr(p->jit, FLAT_BASE), flat_ptr(p->ref, FLAT_BASE),
		   FLAT_PAGES * PAGE_SIZE))
		return "memory";
	for (unsigned i = 0; i < FLAT_PAGES; i++) {
		gva_t page = FLAT_BASE + i * PAGE_SIZE;

		if ((flat_pte(p->jit, page) ^ flat_pte(p->ref, page)) & p->bits)
			return "accessed and dirty bits";
	}
	return NULL;
}

static const char *pair_differs(const struct pair *p)
{
	const struct cpu *a = &p->jit->cpu, *b = &p->ref->cpu;
	const struct cpu_exit *x = &a->exit, *y = &b->exit;
	const char *what;

	if (a->regs.rip != b->regs.rip)
		return "rip";
	if (a->retired != b->retired)
		return "instructions retired";
	if (memcmp(a->regs.gpr, b->regs.gpr, sizeof(a->regs.gpr)))
		return "general registers";
	if (a->regs.flags != b->regs.flags)
		return "flags";
	if (x->why != y->why)
		return "how it stopped";
	if (x->why == CPU_EXCEPTION && (x->vector != y->vector || x->error_code != y->error_code ||
					(x->vector == X86_PF && x->cr2 != y->cr2)))
		return "exception";
	if (memcmp(&a->regs, &b->regs, sizeof(a->regs)))
		return "segments or x87 pointers";
	if (a->random != b->random)
		return "random numbers";
	what = units_differ(p);
	return what ? what : memory_differs(p);
}

static void print_insn(const struct pair *p, gva_t rip)
{
	char text[100];
	const u8 *code = flat_ptr(p->ref, rip);

	if (!is_ours(rip) || !cpu_disassemble(code, 15, rip, text, sizeof(text)))
		snprintf(text, sizeof(text), "?");
	printf("    %#lx: %s\n", rip, text);
}

static void print_difference(struct pair *p, const char *what, gva_t from, s64 budget)
{
	const struct cpu *a = &p->jit->cpu, *b = &p->ref->cpu;

	printf("  %s: a piece from %#lx, budget %ld, after %lu; stops %u/%u %u/%u (translated "
	       "first)\n",
	       what, from, budget, b->retired, a->exit.why, a->exit.vector, b->exit.why,
	       b->exit.vector);
	if (a->regs.rip != b->regs.rip)
		printf("    rip %#lx %#lx\n", a->regs.rip, b->regs.rip);
	for (unsigned i = 0; i < NR_GPR; i++)
		if (a->regs.gpr[i] != b->regs.gpr[i])
			printf("    gpr %u %#lx %#lx\n", i, a->regs.gpr[i], b->regs.gpr[i]);
	if (a->regs.flags != b->regs.flags)
		printf("    flags %#lx %#lx\n", a->regs.flags, b->regs.flags);
	print_insn(p, from);
	print_insn(p, b->regs.rip);
	for (u64 at = 0, n = 0; at < FLAT_PAGES * PAGE_SIZE && n < 8; at++) {
		const u8 *x = flat_ptr(p->jit, FLAT_BASE + at),
			 *y = flat_ptr(p->ref, FLAT_BASE + at);

		if (*x != *y && ++n)
			printf("    byte of %#lx: %02x %02x\n", FLAT_BASE + at, *x, *y);
	}
	for (unsigned i = 0; i < FLAT_PAGES; i++)
		if (flat_pte(p->jit, FLAT_BASE + i * PAGE_SIZE) !=
		    flat_pte(p->ref, FLAT_BASE + i * PAGE_SIZE))
			printf("    page %u: %#lx %#lx\n", i,
			       flat_pte(p->jit, FLAT_BASE + i * PAGE_SIZE),
			       flat_pte(p->ref, FLAT_BASE + i * PAGE_SIZE));
}

/* ---- Cases -------------------------------------------------------------------------------------------- */

struct limits {
	u64 most; /* instructions of the whole case, to find the first that goes wrong */
	bool quiet;
	u64 ran;
};

static s64 next_budget(const struct kind *k, const struct program *prog)
{
	if (prog->shaped && one_in(2))
		return 200 + below(3000);
	if (k->hot > 4 && one_in(3))
		return 3000;
	return one_in(3) ? 1 + below(8) : one_in(8) ? 400 : 1 + below(100);
}

/* One piece: false if it differs. */
static bool run_piece(struct pair *p, struct limits *l, s64 budget)
{
	gva_t from = p->ref->cpu.regs.rip;
	const char *what;
	u64 before = p->ref->cpu.retired;

	budget = min(budget, (s64)(l->most - l->ran));
	p->ref->cpu.single_step = one_in(4);
	cpu_run(&p->ref->cpu, budget);
	cpu_run(&p->jit->cpu, budget);
	l->ran += p->ref->cpu.retired - before;
	done.stops[p->ref->cpu.exit.why & 7]++;
	done.pieces++;
	done.insns += p->ref->cpu.retired - before;
	if (p->ref->cpu.exit.why == CPU_EXCEPTION && p->ref->cpu.exit.vector == X86_MF)
		p->bits =
			0; /* of an exception before: translated code has looked the operand up by then */
	what = pair_differs(p);
	if (what && !l->quiet)
		print_difference(p, what, from, budget);
	return !what;
}

static bool run_case(struct pair *pairs, const struct encoder *e, u64 seed, struct limits *l)
{
	static struct program prog;
	const struct kind *k;
	struct pair *p;

	random_start(seed);
	k = &kinds[below(ARRAY_SIZE(kinds))];
	p = &pairs[k - kinds];
	blocks_make(e, &prog);
	map_all(p, &prog);
	both_write(p, BLOCKS_CODE, prog.code, sizeof(prog.code));
	done.cases++;
	for (unsigned run = 1 + below(4); run-- > 0;) {
		fill_data(p, &prog);
		random_regs(p, &prog);
		for (unsigned pieces = 4 + below(24); pieces-- > 0;) {
			if (l->ran >= l->most)
				return true;
			if (!run_piece(p, l, next_budget(k, &prog)))
				return false;
			serve(p, &prog);
			if (one_in(4))
				meddle(p, e, &prog);
		}
	}
	return true;
}

/* The same again with less and less of it, in the same machines. */
static void find_first(struct pair *pairs, const struct encoder *e, u64 seed, u64 most)
{
	struct limits l;

	for (u64 n = 1; n <= most; n++) {
		l = (struct limits){.most = n, .quiet = true};
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
			make_same(&pairs[i]);
		if (run_case(pairs, e, seed, &l))
			continue;
		printf("  goes wrong with %lu instructions, in the last piece:\n", n);
		l = (struct limits){.most = n};
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
			make_same(&pairs[i]);
		run_case(pairs, e, seed, &l);
		return;
	}
	printf("  not again, in the same machines\n");
}

struct options {
	u64 cases, seed, seconds;
	bool verbose;
};

static void usage(void)
{
	fprintf(stderr, "usage: check_blocks [--cases N] [--seed N] [--seconds N] [--verbose] "
			"[--repeat SEED]\n");
	exit(2);
}

static void parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--verbose")) {
			o->verbose = true;
			continue;
		}
		if (i + 1 == argc)
			usage();
		if (!strcmp(argv[i], "--cases"))
			o->cases = strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			o->seed = strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--seconds"))
			o->seconds = strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--repeat"))
			o->seed = strtoul(value, NULL, 0), o->cases = 1;
		else
			usage();
		i++;
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void report(struct pair *pairs, double seconds)
{
	printf("blocks: %lu cases, %lu pieces, %lu instructions in %.0f s; stops:", done.cases,
	       done.pieces, done.insns, seconds);
	for (unsigned i = 0; i < ARRAY_SIZE(done.stops); i++)
		printf(" %lu", done.stops[i]);
	printf("; exceptions:");
	for (unsigned i = 0; i < ARRAY_SIZE(done.vectors); i++)
		if (done.vectors[i])
			printf(" %u: %lu", i, done.vectors[i]);
	printf("\n");
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct jit_counters *c = jit_counters(code_cache_jit(pairs[i].jit->code));

		printf("blocks: TLB of %u, hot %u: %lu units of %lu blocks, %lu instructions, %lu "
		       "links, "
		       "%lu dropped, %lu evicted, %lu flushes, %lu in, %lu out, %lu misses, %lu "
		       "handlers\n",
		       kinds[i].tlb, kinds[i].hot, c->units, c->parts, c->insns, c->links,
		       c->dropped, c->evicted, c->flushes, c->enters, c->leaves, c->misses,
		       c->handlers);
	}
}

/* Rules of which nothing was translated: by rows of one set. Their number. */
static unsigned report_rules(struct pair *pairs, u64 feats, bool verbose)
{
	unsigned rows = 0, never = 0, rules = 0;

	for (unsigned row = 0; row < nr_insn_rows; row++) {
		const struct insn_row *r = &insn_rows[row];
		u64 here = 0, rule = 0;

		if (!(feats >> r->feat & 1) ||
		    !jit_has_rule(code_cache_jit(pairs[0].jit->code), row))
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
			for (unsigned other = 0; other < nr_insn_rows; other++) {
				u64 n = insn_rows[other].set != r->set
						? 0
						: jit_translated(code_cache_jit(pairs[i].jit->code),
								 other);

				here += other == row ? n : 0;
				rule += n;
			}
		rows++;
		never += !here;
		rules += !rule;
		if (!here && (verbose || !rule))
			printf("blocks: never translated: row %u, %s%s\n", row, r->name,
			       rule ? "" : ", and no other of its rule");
	}
	printf("blocks: %u rows have a rule, %u of them were never translated\n", rows, never);
	return rules;
}

int main(int argc, char **argv)
{
	struct options o = {.cases = 6000, .seed = 1};
	struct pair pairs[ARRAY_SIZE(kinds)];
	struct encoder e;
	unsigned bad = 0, never = 0;
	double start = now();

	parse(argc, argv, &o);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!pair_open(&pairs[i], &kinds[i])) {
			printf("blocks: this host cannot run translated code\n");
			return 77;
		}
	e.dec = &pairs[0].ref->code->decoder;
	e.feats = cpu_features(&pairs[0].ref->cpu);
	blocks_rows(e.feats);
	for (u64 n = 0; (n < o.cases || now() - start < (double)o.seconds) && bad < 5; n++) {
		struct limits l = {.most = 1UL << 40, .quiet = false};

		if (run_case(pairs, &e, o.seed + n, &l))
			continue;
		printf("differs: check_blocks --seed %lu (after %lu cases)\n", o.seed + n, n);
		find_first(pairs, &e, o.seed + n, l.ran + 1);
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
			make_same(&pairs[i]);
		bad++;
	}
	report(pairs, now() - start);
	if (o.cases >= 6000)
		never = report_rules(pairs, e.feats, o.verbose);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		pair_close(&pairs[i]);
	printf("unit: %lu passed, %u failed\n", done.cases > bad ? done.cases - bad : 0,
	       bad + never);
	return bad + never != 0;
}
