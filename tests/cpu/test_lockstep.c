/* Blocks against single steps: random code of all kinds, with loads, stores (into itself, too),
 * branches, string instructions, vector and x87 code and faults, run twice from one state for one
 * budget. Blocks skip flags that nobody reads, link, and are dropped under their own feet; one
 * instruction at a time nothing of that happens. Everything must end alike. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/block.h"
#include "cpu/jit/jit.h"
#include "cpu/model.h"
#include "flat.h"
#include "mm/tlb.h"

#define PAGES (FLAT_BASE + 0x2000) /* two, of code; code runs from one into the other */
#define PAGES_LEN (2 * PAGE_SIZE)
#define CODE_AT 0xf00
#define CODE (PAGES + CODE_AT)
#define CODE_LEN 0x200UL
#define DATA (FLAT_BASE + 0x8000)
#define DATA_LEN 0x2000UL
#define RUNS 20000

static u64 seed = 0x9e3779b97f4a7c15UL;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL >> 8;
}

static u64 constant_tsc(void *arg __unused)
{
	return 0x123456789;
}

/* All that a run may change. */
struct state {
	struct cpu_regs regs;
	struct fpu_state fpu;
	struct cpu_exit exit;
	u64 retired, random;
	u8 code[PAGES_LEN], data[DATA_LEN];
};

static void load(struct flat *f, const struct state *s)
{
	f->cpu.regs = s->regs;
	f->cpu.random = s->random;
	f->cpu.retired = 0;
	f->fpu = s->fpu;
	memset(&f->cpu.exit, 0, sizeof(f->cpu.exit));
	if (memcmp(flat_ptr(f, PAGES), s->code, PAGES_LEN)) /* else it stays hot */
		flat_write(f, PAGES, s->code, PAGES_LEN);
	flat_write(f, DATA, s->data, DATA_LEN); /* which may run, too */
}

static void store(struct flat *f, struct state *s)
{
	s->regs = f->cpu.regs;
	s->random = f->cpu.random;
	s->retired = f->cpu.retired;
	s->fpu = f->fpu;
	s->exit = f->cpu.exit;
	memcpy(s->code, flat_ptr(f, PAGES), PAGES_LEN);
	memcpy(s->data, flat_ptr(f, DATA), DATA_LEN);
}

/* Instructions that exist, most short of displacement so that they hit the data. */
static void random_code(struct flat *f, u8 *code)
{
	struct decoded d;
	unsigned at = 0;
	u8 bytes[16];

	while (at + 15 < CODE_LEN) {
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = rnd() >> 11;
		if (rnd() & 1)
			bytes[0] = 0x40 | (bytes[0] & 15);
		if (decode(&f->code->decoder, cpu_features(&f->cpu), bytes, 15, &d) != DECODE_OK)
			continue;
		if (d.disp_len == 4)
			memset(bytes + d.disp_at + 1, (s8)(bytes[d.disp_at] & 1 ? -1 : 0), 3);
		if ((insn_rows[d.row].attr & ENDS) && d.imm_len == 4)
			memset(bytes + d.imm_at + 1, 0, 3);
		if ((insn_rows[d.row].attr & ENDS) && !d.imm_len && rnd() % 8)
			continue;
		memcpy(code + at, bytes, d.len);
		at += d.len;
	}
	memset(code + at, 0xcc, CODE_LEN - at);
}

/* Opcodes that compilers like: op, what follows ModRM ('b': a byte, 'v': 4, '-': nothing; 'z': no ModRM). */
static const struct {
	u8 op[3];
	char rest;
} usual[] = {
	{{0x01}, '-'},	     {{0x03}, '-'},	  {{0x29}, '-'},       {{0x2b}, '-'},
	{{0x31}, '-'},	     {{0x33}, '-'},	  {{0x21}, '-'},       {{0x23}, '-'},
	{{0x09}, '-'},	     {{0x0b}, '-'},	  {{0x39}, '-'},       {{0x3b}, '-'},
	{{0x38}, '-'},	     {{0x3a}, '-'},	  {{0x84}, '-'},       {{0x85}, '-'},
	{{0x88}, '-'},	     {{0x89}, '-'},	  {{0x8a}, '-'},       {{0x8b}, '-'},
	{{0x8b}, '-'},	     {{0x89}, '-'},	  {{0x11}, '-'},       {{0x13}, '-'},
	{{0x19}, '-'},	     {{0x1b}, '-'},	  {{0x63}, '-'},       {{0x86}, '-'},
	{{0x87}, '-'},	     {{0x8d}, '-'},	  {{0x80}, 'b'},       {{0x83}, 'b'},
	{{0x83}, 'b'},	     {{0x81}, 'v'},	  {{0xc0}, 'b'},       {{0xc1}, 'b'},
	{{0xd1}, '-'},	     {{0xd3}, '-'},	  {{0xd0}, '-'},       {{0xf6}, '-'},
	{{0xf7}, '-'},	     {{0xfe}, '-'},	  {{0xff}, '-'},       {{0xc6}, 'b'},
	{{0xc7}, 'v'},	     {{0x6b}, 'b'},	  {{0x69}, 'v'},       {{0x50}, 'z'},
	{{0x53}, 'z'},	     {{0x55}, 'z'},	  {{0x58}, 'z'},       {{0x5b}, 'z'},
	{{0x5d}, 'z'},	     {{0xc9}, 'z'},	  {{0x98}, 'z'},       {{0x99}, 'z'},
	{{0xf8}, 'z'},	     {{0x9f}, 'z'},	  {{0x9e}, 'z'},       {{0xc3}, 'z'},
	{{0x70}, 'j'},	     {{0x74}, 'j'},	  {{0x72}, 'j'},       {{0x7c}, 'j'},
	{{0xeb}, 'j'},	     {{0xe8}, 'c'},	  {{0x0f, 0xaf}, '-'}, {{0x0f, 0xb6}, '-'},
	{{0x0f, 0xb7}, '-'}, {{0x0f, 0xbe}, '-'}, {{0x0f, 0xbf}, '-'}, {{0x0f, 0x40}, '-'},
	{{0x0f, 0x44}, '-'}, {{0x0f, 0x4c}, '-'}, {{0x0f, 0x92}, '-'}, {{0x0f, 0x94}, '-'},
	{{0x0f, 0x9f}, '-'}, {{0x0f, 0xc1}, '-'}, {{0x0f, 0xb1}, '-'}, {{0x0f, 0xa4}, 'b'},
	{{0x0f, 0xba}, 'b'}, {{0x0f, 0xa3}, '-'}, {{0x0f, 0xbc}, '-'}, {{0x0f, 0xc8}, 'z'},
	{{0x0f, 0x10}, '-'}, {{0x0f, 0x11}, '-'}, {{0x0f, 0x28}, '-'}, {{0x0f, 0x29}, '-'},
	{{0x0f, 0x58}, '-'}, {{0x0f, 0x59}, '-'}, {{0x0f, 0x6f}, '-'}, {{0x0f, 0x7f}, '-'},
	{{0x0f, 0x6e}, '-'}, {{0x0f, 0x7e}, '-'}, {{0x0f, 0x2e}, '-'}, {{0x0f, 0x2a}, '-'},
	{{0x0f, 0x2c}, '-'}, {{0x0f, 0xef}, '-'},
};

/* ModRM and what belongs to it: mostly [base + small] of few registers, so that accesses lie side by side. */
static unsigned usual_operand(u8 *p)
{
	static const u8 bases[] = {R_RBX, R_RBP, R_RSP, R_RDI, R_RBX, R_RSP};
	unsigned reg = rnd() & 7, n = 0, base = bases[rnd() % sizeof(bases)];

	switch (rnd() % 8) {
	case 0: /* base and index */
		p[n++] = 0x44 | reg << 3;
		p[n++] = (rnd() & 0xf8) | base;
		p[n++] = rnd() % 64;
		return n;
	case 1:
	case 2:
	case 3:
		p[n++] = 0xc0 | reg << 3 | (rnd() & 7);
		return n;
	default:
		p[n++] = 0x40 | reg << 3 | base;
		if (base == R_RSP)
			p[n++] = 0x24;
		p[n++] = (rnd() % 16 - 4) * 8;
		return n;
	}
}

static unsigned usual_insn(u8 *p)
{
	unsigned i = rnd() % ARRAY_SIZE(usual), n = 0, rest = usual[i].rest;

	if (rest == 'c') { /* near, forward */
		p[0] = 0xe8;
		p[1] = rnd() % 48;
		p[2] = p[3] = p[4] = 0;
		return 5;
	}
	if (rest == 'j') {
		p[0] = usual[i].op[0] | (usual[i].op[0] < 0x80 ? rnd() & 3 : 0);
		p[1] = rnd() % 48 - (rnd() % 4 ? 0 : 64);
		return 2;
	}
	if (rnd() % 16 == 0)
		p[n++] = 0x66;
	if (rnd() % 32 == 0 && usual[i].op[0] == 0x0f)
		p[n++] = 0xf2 | (rnd() & 1);
	if (rnd() % 4)
		p[n++] = 0x40 | (rnd() % 4 ? 8 : 0) | (rnd() % 4 ? 0 : rnd() & 7);
	p[n++] = usual[i].op[0] | (rest == 'z' && usual[i].op[0] < 0x60 ? rnd() & 3 : 0);
	if (usual[i].op[0] == 0x0f)
		p[n++] = usual[i].op[1] | (rest == 'z' ? rnd() & 7 : 0);
	if (rest != 'z')
		n += usual_operand(p + n);
	for (unsigned k = 0; k < (rest == 'b' ? 1 : rest == 'v' ? 4 : 0); k++)
		p[n++] = k ? 0 : rnd();
	return n;
}

/* Instructions as in programs: blocks of some length, several accesses off one register, flags that are read. */
static void usual_code(struct flat *f, u8 *code)
{
	struct decoded d;
	unsigned at = 0;
	u8 bytes[16] = {0};

	while (at + 15 < CODE_LEN) {
		usual_insn(bytes);
		if (decode(&f->code->decoder, cpu_features(&f->cpu), bytes, 15, &d) != DECODE_OK)
			continue;
		if ((insn_rows[d.row].attr & ENDS) && rnd() % 4)
			continue;
		memcpy(code + at, bytes, d.len);
		at += d.len;
	}
	memset(code + at, 0xcc, CODE_LEN - at);
}

static void random_state(struct state *s)
{
	cpu_regs_init(&s->regs);
	for (unsigned r = 0; r < NR_GPR; r++)
		s->regs.gpr[r] = rnd() % 4    ? DATA + 0x800 + rnd() % 0x1000
				 : rnd() % 16 ? rnd() >> (rnd() & 63)
					      : CODE + rnd() % CODE_LEN;
	s->regs.gpr[R_RCX] = rnd() % 4 ? rnd() % 64 : s->regs.gpr[R_RCX];
	s->regs.gpr[R_RSP] = DATA + 0x1000 + rnd() % 0x400;
	s->regs.flags = 0x202 | (rnd() & (F_OSZAPC | (rnd() % 4 ? 0 : F_DF)));
	s->regs.rip = CODE;
	s->random = rnd();
	fpu_state_init(&s->fpu);
	for (unsigned i = 0; i < DATA_LEN; i += 8) {
		u64 v = rnd() % 4 ? rnd() : DATA + rnd() % DATA_LEN;

		memcpy(s->data + i, &v, 8);
	}
}

/* FOP, FIP and FDP of the host's unit are those of our own code; a part that is all zero may be marked as used. */
static void tidy_fpu(struct fpu_state *s)
{
	static const struct {
		u64 bit;
		u32 at, end;
	} parts[] = {{BIT(2), XS_YMM_HI, XS_OPMASK},
		     {BIT(5) | BIT(6) | BIT(7), XS_OPMASK, XS_SIZE}};
	u64 used = get64(s->area + XS_BV);

	memset(s->area + FX_FOP, 0, FX_MXCSR - FX_FOP);
	memset(s->area + FX_MXCSR_MASK, 0, FX_ST0 - FX_MXCSR_MASK);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		bool zero = true;

		for (u32 at = parts[i].at; at < parts[i].end; at++)
			zero = zero && !s->area[at];
		if (zero)
			used &= ~parts[i].bit;
	}
	memcpy(s->area + XS_BV, &used, sizeof(used));
}

static bool same(struct state *a, struct state *b)
{
	tidy_fpu(&a->fpu);
	tidy_fpu(&b->fpu);
	return !memcmp(&a->regs, &b->regs, sizeof(a->regs)) && a->retired == b->retired &&
	       a->exit.why == b->exit.why && a->exit.vector == b->exit.vector &&
	       a->exit.error_code == b->exit.error_code && a->exit.cr2 == b->exit.cr2 &&
	       a->random == b->random && !memcmp(&a->fpu, &b->fpu, sizeof(a->fpu)) &&
	       !memcmp(a->code, b->code, PAGES_LEN) && !memcmp(a->data, b->data, DATA_LEN);
}

static void report(const struct state *start, const struct state *steps, const struct state *blocks)
{
	printf("\n  steps: %u/%u at +%lx after %lu, blocks: %u/%u at +%lx after %lu; code:",
	       steps->exit.why, steps->exit.vector, steps->regs.rip - CODE, steps->retired,
	       blocks->exit.why, blocks->exit.vector, blocks->regs.rip - CODE, blocks->retired);
	for (unsigned i = 0; i < 64; i++)
		printf(" %02x", start->code[CODE_AT + i]);
	for (unsigned i = 0; i < NR_GPR; i++)
		if (steps->regs.gpr[i] != blocks->regs.gpr[i])
			printf("\n    gpr %u %lx %lx", i, steps->regs.gpr[i], blocks->regs.gpr[i]);
	if (steps->regs.flags != blocks->regs.flags)
		printf("\n    flags %lx %lx", steps->regs.flags, blocks->regs.flags);
	if (memcmp(&steps->fpu, &blocks->fpu, sizeof(steps->fpu)))
		printf("\n    fpu");
	if (memcmp(steps->data, blocks->data, DATA_LEN))
		printf("\n    data");
	if (memcmp(steps->code, blocks->code, PAGES_LEN))
		printf("\n    code");
}

/* How many of the runs differ; code by @make, each for @times runs. */
static unsigned run_often(struct flat *f, unsigned runs, unsigned times,
			  void (*make)(struct flat *f, u8 *code))
{
	static struct state start, steps, blocks;
	unsigned bad = 0;

	f->cpu.read_tsc = constant_tsc;
	for (unsigned i = 0; i < FLAT_PAGES; i++) { /* what no run restores, none may change */
		gva_t page = FLAT_BASE + i * PAGE_SIZE;

		if ((page < PAGES || page >= PAGES + PAGES_LEN) &&
		    (page < DATA || page >= DATA + DATA_LEN))
			flat_protect(f, page, FLAT_R);
	}
	for (unsigned i = 0; i < runs; i++) {
		s64 budget = 1 + rnd() % 200;

		if (i % times == 0)
			make(f, start.code + CODE_AT);
		random_state(&start);
		load(f, &start);
		f->cpu.single_step = true;
		cpu_run(&f->cpu, budget);
		store(f, &steps);
		load(f, &start);
		f->cpu.single_step = false;
		if (rnd() % 2) /* nothing hits the first time */
			flush_tlb_mm(f->mm);
		cpu_run(&f->cpu, budget);
		store(f, &blocks);
		if (!same(&steps, &blocks) && bad++ < 5)
			report(&start, &steps, &blocks);
	}
	return bad;
}

static unsigned run_both(struct flat *f, unsigned runs, void (*make)(struct flat *f, u8 *code))
{
	return run_often(f, runs, 8, make);
}

/* LOCKSTEP_RUNS: for a long run. */
static unsigned nr_runs(void)
{
	const char *runs = getenv("LOCKSTEP_RUNS");

	return runs ? (unsigned)strtoul(runs, NULL, 0) : RUNS;
}

static void random_code_runs_alike(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	CU_ASSERT_EQUAL(run_both(f, nr_runs(), random_code), 0);
	CU_ASSERT_EQUAL(run_both(f, nr_runs(), usual_code), 0);
	flat_free(f);
}

/* The same with each block translated when it is first entered. */
static void random_code_runs_alike_translated(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (flat_translate(f, false)) {
		CU_ASSERT_EQUAL(run_both(f, nr_runs(), random_code), 0);
		CU_ASSERT_EQUAL(run_both(f, nr_runs(), usual_code), 0);
	}
	flat_free(f);
}

/* ... and driven out again and again by others. */
static void random_code_runs_alike_in_little_memory(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (!code_cache_jit(f->code) && flat_translate_in(f, false, JIT_LEAST_SIZE)) {
		CU_ASSERT_EQUAL(run_both(f, nr_runs() / 4, usual_code), 0);
		CU_ASSERT(jit_counters(code_cache_jit(f->code))->evictions > 0);
	}
	flat_free(f);
}

/* Units of several blocks: what runs is known when they are made. */
static void random_code_runs_alike_hot(void)
{
	for (unsigned hot = 2; hot <= 8; hot *= 2) {
		struct flat *f = flat_new(CPU_MODEL_HOST);

		if (flat_translate_hot(f, false, (u16)hot)) {
			CU_ASSERT_EQUAL(run_often(f, nr_runs() / 4, 16 * hot, random_code), 0);
			CU_ASSERT_EQUAL(run_often(f, nr_runs() / 2, 16 * hot, usual_code), 0);
		}
		flat_free(f);
	}
}

/* Operand and stack share a slot of the TLB: each look-up drives out the other. */
static void two_look_ups_of_one_slot_come_to_an_end(void)
{
	static const u8 code[] = {0xff, 0x37, /* push qword [rdi] */
				  0xff, 0x17, /* call [rdi]: to what was read */
				  0xcc};
	struct flat *f = flat_new_tlb(CPU_MODEL_HOST, 16);
	u64 target = CODE + 4;

	if (flat_translate(f, false)) {
		flat_write(f, CODE, code, sizeof(code));
		memcpy(flat_ptr(f, DATA), &target, 8);
		for (unsigned i = 0; i < 3; i++) {
			f->cpu.regs.rip = CODE;
			f->cpu.regs.gpr[R_RDI] = DATA;
			f->cpu.regs.gpr[R_RSP] = DATA + 16 * PAGE_SIZE + 64;
			CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
			CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_BP);
			CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE + 5);
			CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RSP], DATA + 16 * PAGE_SIZE + 48);
		}
	}
	flat_free(f);
}

/* The operand is of a group, the stack's look-up is not: it saves flags that have no recipe, over what was read. */
static void push_of_memory_keeps_what_it_read(void)
{
	static const u8 code[] = {0x48, 0x8b, 0x07,	  /* mov rax, [rdi] */
				  0x48, 0x3b, 0x57, 0x10, /* cmp rdx, [rdi+16] */
				  0x48, 0xff, 0xc2,	  /* inc rdx */
				  0xff, 0x77, 0x08,	  /* push qword [rdi+8] */
				  0xcc};
	static const u64 data[] = {1, 2, 3};
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (flat_translate(f, false)) {
		flat_write(f, CODE, code, sizeof(code));
		memcpy(flat_ptr(f, DATA), data, sizeof(data));
		for (unsigned i = 0; i < 3; i++) {
			f->cpu.regs.rip = CODE;
			f->cpu.regs.gpr[R_RDI] = DATA;
			f->cpu.regs.gpr[R_RSP] = DATA + PAGE_SIZE + 64;
			memset(flat_ptr(f, DATA + PAGE_SIZE + 56), 0, 8);
			CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
			CU_ASSERT_EQUAL(get64(flat_ptr(f, DATA + PAGE_SIZE + 56)), 2);
		}
	}
	flat_free(f);
}

/* r9 has no host register: what it was goes to the source, the sum to the destination, and that is the last. */
static void xadd_of_one_register_is_its_double(void)
{
	static const u8 code[] = {0x4d, 0x0f, 0xc1, 0xc9, /* xadd r9, r9 */
				  0xcc};
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (flat_translate(f, false)) {
		flat_write(f, CODE, code, sizeof(code));
		for (unsigned i = 0; i < 3; i++) {
			f->cpu.regs.rip = CODE;
			f->cpu.regs.gpr[R_R9] = 21;
			CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
			CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_R9], 42);
		}
	}
	flat_free(f);
}

/* A push of 16 bits moves rsp by 2: what a group takes the other accesses for depends on it. */
static void narrow_pushes_move_the_stack_by_two(void)
{
	static const u8 code[] = {0x66, 0x50,			/* push ax */
				  0x0f, 0x29, 0x4c, 0x24, 0x20, /* movaps [rsp+32], xmm1 */
				  0x48, 0x89, 0x44, 0x24, 0x08, /* mov [rsp+8], rax */
				  0xcc};
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (flat_translate(f, false)) {
		flat_write(f, CODE, code, sizeof(code));
		for (unsigned i = 0; i < 4; i++) {
			bool aligned = i & 1; /* after the push */

			f->cpu.regs.rip = CODE;
			f->cpu.regs.gpr[R_RSP] = DATA + PAGE_SIZE + 64 + (aligned ? 2 : 8);
			CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
			CU_ASSERT_EQUAL(f->cpu.exit.vector, aligned ? X86_BP : X86_GP);
			CU_ASSERT_EQUAL(f->cpu.regs.rip, aligned ? CODE + 13 : CODE + 2);
		}
	}
	flat_free(f);
}

static struct cpu *interrupted;

static void interrupt_it(int sig __unused)
{
	cpu_interrupt(interrupted);
}

/* Nothing but the budget, which is a year's, would end this loop. */
static void an_interrupt_stops_translated_code(void)
{
	static const u8 code[] = {0x48, 0xff, 0xc0, 0xeb, 0xfb}; /* top: inc rax; jmp top */
	struct sigaction sa = {.sa_handler = interrupt_it, .sa_flags = SA_ONSTACK};
	struct itimerval soon = {.it_value.tv_usec = 5000};
	struct flat *f = flat_new(cpu_model_default());
	s64 budget = 1L << 55;

	if (!flat_translate(f, false)) {
		flat_free(f);
		return;
	}
	flat_write(f, FLAT_BASE, code, sizeof(code));
	f->cpu.regs.rip = FLAT_BASE;
	interrupted = &f->cpu;
	CU_ASSERT_EQUAL(sigaction(SIGALRM, &sa, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		CU_ASSERT_EQUAL(cpu_run(&f->cpu, budget), CPU_INTERRUPTED);
		CU_ASSERT_EQUAL(f->cpu.retired,
				2 * f->cpu.regs.gpr[R_RAX] - (f->cpu.regs.rip == FLAT_BASE + 3));
	}
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_BUDGET);
	flat_free(f);
}

/* A loop on r8 to r11, which get host registers for it: what comes out, and what a store that faults shows. */
static void registers_of_a_loop_change_places(void)
{
	static const u8 code[] = {0x4d, 0x01, 0xc8,		/* add r8, r9 */
				  0x4d, 0x31, 0xc2,		/* xor r10, r8 */
				  0x4d, 0x01, 0xd3,		/* add r11, r10 */
				  0x4f, 0x8d, 0x4c, 0x41, 0x01, /* lea r9, [r9+r8*2+1] */
				  0x4c, 0x89, 0x1f,		/* mov [rdi], r11 */
				  0x48, 0x83, 0xc7, 0x08,	/* add rdi, 8 */
				  0x48, 0x39, 0xf7,		/* cmp rdi, rsi */
				  0x75, 0xe6,			/* jne code */
				  0xcc};
	const gva_t end = FLAT_BASE + FLAT_PAGES * PAGE_SIZE;
	struct flat *f = flat_new(CPU_MODEL_HOST);
	u64 *gpr = f->cpu.regs.gpr;

	for (unsigned i = 0; i < 8 && flat_translate(f, false); i++) {
		bool faults = i & 1;
		u64 r8 = 3 * i, r9 = i, r10 = ~0UL, r11 = 5;

		flat_write(f, CODE, code, sizeof(code));
		for (unsigned r = 0; r < NR_GPR; r++)
			gpr[r] = r;
		gpr[R_R8] = r8;
		gpr[R_R9] = r9;
		gpr[R_R10] = r10;
		gpr[R_R11] = r11;
		gpr[R_RDI] = end - 8 * 100;
		gpr[R_RSI] = faults ? end + 8 : end;
		for (unsigned n = 0; n < 100U + faults; n++) {
			r8 += r9;
			r10 ^= r8;
			r11 += r10;
			r9 += r8 * 2 + 1;
		}
		f->cpu.regs.rip = CODE;
		cpu_run(&f->cpu, 10000);
		CU_ASSERT_EQUAL(f->cpu.exit.vector, faults ? X86_PF : X86_BP);
		CU_ASSERT_EQUAL(f->cpu.regs.rip, faults ? CODE + 14 : CODE + 27);
		CU_ASSERT_EQUAL(gpr[R_RDI], end);
		CU_ASSERT(gpr[R_R8] == r8 && gpr[R_R9] == r9);
		CU_ASSERT(gpr[R_R10] == r10 && gpr[R_R11] == r11);
		for (unsigned r = R_R12; r <= R_R15; r++)
			CU_ASSERT_EQUAL(gpr[r], r);
		CU_ASSERT(jit_counters(code_cache_jit(f->code))->moved > 0);
	}
	flat_free(f);
}

/* What lockstep says on stderr of a block whose second instruction the interpreter has otherwise; Vellum's exit status. */
static int differing(char *said, size_t size)
{
	static const u8 code[] = {0x48, 0x01, 0xd8,	  /* add rax, rbx */
				  0x48, 0x83, 0xc1, 0x05, /* add rcx, 5 */
				  0x48, 0x89, 0x07,	  /* mov [rdi], rax */
				  0xeb, 0x00,		  /* jmp to the next */
				  0xcc};
	struct flat *f = flat_new(CPU_MODEL_HOST);
	struct block *b;
	ssize_t n, len = 0;
	int fds[2], status = 0;
	pid_t pid;

	if (code_cache_jit(f->code) || !flat_translate(f, true) || pipe(fds)) {
		flat_free(f);
		return -1;
	}
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		flat_write(f, CODE, code, sizeof(code));
		for (unsigned i = 0; i < 2; i++) {
			f->cpu.regs.rip = CODE;
			f->cpu.regs.gpr[R_RDI] = DATA;
			cpu_run(&f->cpu, 1000);
			b = block_seen(&f->cpu, CODE);
			if (b)
				b->insn[1].imm++;
		}
		_Exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], said + len, size - 1 - (size_t)len)) > 0)
		len += n;
	said[len] = 0;
	close(fds[0]);
	waitpid(pid, &status, 0);
	flat_free(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static void lockstep_tells_of_a_difference(void)
{
	static const char *const wanted[] = {"general registers differ after",
					     "rcx    0x5 ",
					     "<--",
					     "guest code:",
					     "add rcx, 5",
					     "host code:",
					     "out of line:"};
	char said[16384] = "";
	int status = differing(said, sizeof(said));

	if (status == -1)
		return; /* the host cannot, or FLAT_TRANSLATE has chosen */
	CU_ASSERT_EQUAL(status, 125);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(said, wanted[i])) {
			CU_FAIL("lockstep does not say all of it");
			(void)fprintf(stderr, "not there: %s\n%s", wanted[i], said);
		}
}

static void handlers_are_counted_by_name(void)
{
	static const char *const names[] = {"cld", "xlat", "cmps"};
	static const u64 often[] = {3, 2, 2};
	static const u8 code[] = {0xfc, 0xfc, 0xfc, /* cld */
				  0xd7, 0xd7,	    /* xlat */
				  0xa6, 0xa7, 0xeb,
				  0x00, /* cmpsb, cmpsd: two rows; jmp to the next */
				  0xcc};
	struct flat *f = flat_new(CPU_MODEL_HOST);
	u64 *gpr = f->cpu.regs.gpr, times;

	if (!code_cache_jit(f->code) && flat_translate(f, false)) {
		flat_write(f, CODE, code, sizeof(code));
		f->cpu.regs.rip = CODE;
		gpr[R_RBX] = gpr[R_RSI] = gpr[R_RDI] = DATA;
		CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
		for (unsigned i = 0, found = 0; i < ARRAY_SIZE(names); i++, found = 0) {
			for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
				const char *name = jit_handled(code_cache_jit(f->code), n, &times);

				found += name && !strcmp(name, names[i]) && times == often[i];
			}
			CU_ASSERT_EQUAL(found, 1);
		}
		CU_ASSERT_PTR_NULL(jit_handled(code_cache_jit(f->code), ARRAY_SIZE(names), &times));
	}
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(handlers_are_counted_by_name),
	UNIT_TEST(lockstep_tells_of_a_difference),
	UNIT_TEST(an_interrupt_stops_translated_code),
	UNIT_TEST(registers_of_a_loop_change_places),
	UNIT_TEST(narrow_pushes_move_the_stack_by_two),
	UNIT_TEST(xadd_of_one_register_is_its_double),
	UNIT_TEST(push_of_memory_keeps_what_it_read),
	UNIT_TEST(two_look_ups_of_one_slot_come_to_an_end),
	UNIT_TEST(random_code_runs_alike),
	UNIT_TEST(random_code_runs_alike_translated),
	UNIT_TEST(random_code_runs_alike_in_little_memory),
	UNIT_TEST(random_code_runs_alike_hot),
	UNIT_END,
};
const struct unit_suite suite_lockstep = {"lockstep", tests};
