/* String instructions: MOVS, STOS, LODS, CMPS, SCAS, with and without REP.
 *
 * A repeated one ends its block, counts as many instructions as it did iterations, and can stop
 * between any two of them: on a fault or when the budget is spent, rsi, rdi, rcx and flags stand as
 * after the last whole iteration and rip at the instruction. Forward MOVS and STOS go a page run at
 * a time. SDM vol. 1, 7.3.9; vol. 2B, REP.
 */
#include "cpu/interp.h"

#include <string.h>

/* A string instruction under way. */
struct string {
	s64 step; /* bytes, signed by DF */
	u64 left; /* iterations still to do, at most what the budget allows */
	u64 done;
	bool rep;
	const struct insn *next; /* NULL: a fault was raised; in + 1: go on */
};

static __always_inline_ gva_t pointer(const struct cpu *cpu, const struct insn *in, unsigned reg)
{
	return in->flags & IN_A32 ? (u32)cpu->regs.gpr[reg] : cpu->regs.gpr[reg];
}

static __always_inline_ void advance(struct cpu *cpu, const struct insn *in, unsigned reg, s64 by)
{
	u64 v = cpu->regs.gpr[reg] + by;

	cpu->regs.gpr[reg] = in->flags & IN_A32 ? (u32)v : v;
}

static __always_inline_ gva_t source(const struct cpu *cpu, const struct insn *in)
{
	return pointer(cpu, in, R_RSI) + REG(cpu, in->seg, Q);
}

static struct string string_begin(struct cpu *cpu, const struct insn *in)
{
	struct string s = {.step = 1L << in->width, .left = 1, .next = in + 1};
	u64 most = max(cpu->budget, 0L) + 1; /* the block has paid for one */

	if (cpu->regs.flags & F_DF)
		s.step = -s.step;
	s.rep = in->flags & (IN_REP | IN_REPNE);
	if (s.rep) {
		s.left = pointer(cpu, in, R_RCX);
		if (cpu->trap || cpu->debug.armed)
			most = 1; /* #DB after each iteration */
		if (s.left > most)
			s.left = most;
	}
	return s;
}

/* @n iterations are complete. */
static __always_inline_ void string_did(struct cpu *cpu, const struct insn *in, struct string *s,
					u64 n)
{
	s->left -= n;
	s->done += n;
	if (s->rep)
		advance(cpu, in, R_RCX, -(s64)n);
}

/* Where to go when s.left iterations are done or the instruction ended early: @finished says that
 * it is complete whatever rcx holds. NULL: the CPU stopped. */
static const struct insn *string_end(struct cpu *cpu, const struct insn *in, const struct string *s,
				     bool finished)
{
	gva_t here = cpu->block->base + (s64)in->off;

	if (!s->rep)
		return s->next;
	finished = finished || !pointer(cpu, in, R_RCX);
	if (!s->next) { /* faulted: the iteration under way has been given back */
		cpu->budget -= s->done;
		return NULL;
	}
	if (s->next != in + 1) { /* stored into the running block */
		cpu->budget -= s->done - 1;
		if (!finished)
			cpu->regs.rip = here;
		return s->next;
	}
	if (finished) {
		cpu->budget -= s->done ? s->done - 1 : 0;
		return in + 1; /* the block's terminator */
	}
	if (cpu->trap || cpu->debug.armed) {
		cpu->regs.rip = here;
		return &cpu->code->again;
	}
	cpu_stop_rep(cpu, in, s->done);
	return NULL;
}

#define STRING_END(finished)                                                                       \
	do {                                                                                       \
		const struct insn *to = string_end(cpu, in, &s, finished);                         \
		if (unlikely(!to))                                                                 \
			return;                                                                    \
		GOTO(cpu, to);                                                                     \
	} while (0)

/* Elements that lie wholly in @addr's page, going up. */
static u64 elements_in_page(gva_t addr, unsigned width)
{
	return (PAGE_SIZE - page_offset(addr)) >> width;
}

/* Forward copy of @n elements as the CPU does it: element by element, which shows when the target
 * begins inside the source. */
static void copy_elements(u8 *dst, const u8 *src, u64 n, unsigned width)
{
	u64 len = n << width;

	if ((u64)(dst - src) >= len) {
		memmove(dst, src, len);
		return;
	}
	for (u64 i = 0; i < len; i += 1UL << width)
		host_write(dst + i, width, host_read(src + i, width));
}

/* Host address of @len bytes at @to, of one page, which are about to be written. NULL: the TLB does not know it, or the
 * running block has such bytes; one element the slow way then. */
static u8 *open_run(struct cpu *cpu, gva_t to, u64 len)
{
	u8 *dst = tlb_lookup(&cpu->tlb, to, 1, TLB_WRITE);
	void *host;

	if (likely(dst))
		return dst;
	/* A page with code, which never gets a tag: */
	if (!tlb_lookup(&cpu->tlb, to, 1, TLB_READ) || cpu->debug.armed ||
	    tlb_open(&cpu->tlb, to, (unsigned)len, TLB_WRITE, PF_USER, &host) & TLB_FAULT)
		return NULL;
	return cpu->block->dead ? NULL : host;
}

/* Elements of MOVS that can be copied at once: both pages are in the TLB. 0: do one the slow way. */
static u64 movs_run(struct cpu *cpu, const struct insn *in, const struct string *s)
{
	gva_t from = source(cpu, in), to = pointer(cpu, in, R_RDI);
	u64 n = min(elements_in_page(from, in->width), elements_in_page(to, in->width));
	const u8 *src;
	u8 *dst;

	n = min(n, s->left);
	if (s->step < 0 || n < 2 || (in->flags & IN_A32) || (cpu->regs.flags & F_AC))
		return 0;
	src = tlb_lookup(&cpu->tlb, from, 1, TLB_READ);
	dst = src ? open_run(cpu, to, n << in->width) : NULL;
	if (!dst)
		return 0;
	copy_elements(dst, src, n, in->width);
	return n;
}

/* One element to rdi. open_run() may have dropped the running block and found a page without code then, which the TLB
 * knows from now on: that must be noticed all the same. */
static const struct insn *write_one(struct cpu *cpu, const struct insn *in, u64 val)
{
	gva_t to = pointer(cpu, in, R_RDI);

	if (unlikely(cpu->block->dead))
		return mem_write_slow(cpu, in, to, in->width, val);
	return mem_write(cpu, in, to, in->width, val, true);
}

static bool movs_one(struct cpu *cpu, const struct insn *in, struct string *s)
{
	struct mem_value m = mem_read(cpu, in, source(cpu, in), in->width, true);

	s->next = m.ok ? write_one(cpu, in, m.val) : NULL;
	return s->next;
}

static void movs(struct cpu *cpu, const struct insn *in)
{
	struct string s = string_begin(cpu, in);
	u64 n;

	while (s.left && s.next == in + 1) {
		n = movs_run(cpu, in, &s);
		if (!n) {
			n = 1;
			if (!movs_one(cpu, in, &s))
				break;
		}
		advance(cpu, in, R_RSI, s.step * (s64)n);
		advance(cpu, in, R_RDI, s.step * (s64)n);
		string_did(cpu, in, &s, n);
	}
	STRING_END(false);
}
op_set op_movs = OPS_ONE(movs);

static u64 stos_run(struct cpu *cpu, const struct insn *in, const struct string *s)
{
	gva_t to = pointer(cpu, in, R_RDI);
	u64 n = min(s->left, elements_in_page(to, in->width)), v = cpu->regs.gpr[R_RAX];
	u8 *dst;

	if (s->step < 0 || n < 2 || (in->flags & IN_A32) || (cpu->regs.flags & F_AC))
		return 0;
	dst = open_run(cpu, to, n << in->width);
	if (!dst)
		return 0;
	if (in->width == W_B)
		memset(dst, (u8)v, n);
	else
		for (u64 i = 0; i < n; i++)
			host_write(dst + (i << in->width), in->width, v);
	return n;
}

/* Apart from stos(): its locals' addresses are taken, and then the way on would be a call. */
static __attribute__((noinline)) const struct insn *stos_all(struct cpu *cpu, const struct insn *in)
{
	struct string s = string_begin(cpu, in);
	u64 n;

	while (s.left && s.next == in + 1) {
		n = stos_run(cpu, in, &s);
		if (!n) {
			n = 1;
			s.next = write_one(cpu, in, cpu->regs.gpr[R_RAX]);
			if (!s.next)
				break;
		}
		advance(cpu, in, R_RDI, s.step * (s64)n);
		string_did(cpu, in, &s, n);
	}
	return string_end(cpu, in, &s, false);
}

static void stos(struct cpu *cpu, const struct insn *in)
{
	const struct insn *to = stos_all(cpu, in);

	if (unlikely(!to))
		return;
	GOTO(cpu, to);
}
op_set op_stos = OPS_ONE(stos);

static void lods(struct cpu *cpu, const struct insn *in)
{
	struct string s = string_begin(cpu, in);
	struct mem_value m;

	while (s.left) {
		m = mem_read(cpu, in, source(cpu, in), in->width, true);
		if (unlikely(!m.ok)) {
			s.next = NULL;
			break;
		}
		reg_write(cpu, OFF_GPR(R_RAX), in->width, m.val);
		advance(cpu, in, R_RSI, s.step);
		string_did(cpu, in, &s, 1);
	}
	STRING_END(false);
}
op_set op_lods = OPS_ONE(lods);

/* Flags of a - b. Shifting both to the top of 64 bits keeps CF, ZF, SF and OF; AF and PF belong to
 * the low bits, so each width has its own. */
static void compare(struct cpu *cpu, unsigned width, u64 a, u64 b)
{
	u32 cc = 0;

#define COMPARE(W)                                                                                 \
	__asm__("cmp %[b], %[a]" CAPTURE                                                           \
		: "+&a"(cc)                                                                        \
		: [a] "r"((reg_##W)a), [b] "r"((reg_##W)b)                                         \
		: "cc")
	if (width == W_B)
		COMPARE(B);
	else if (width == W_W)
		COMPARE(W);
	else if (width == W_L)
		COMPARE(L);
	else
		COMPARE(Q);
#undef COMPARE
	cpu->cc = cc;
}

/* CMPS compares [rsi] with [rdi], SCAS rax with [rdi]; REPE goes on while equal, REPNE while not.
 * Flags change once an iteration is complete. */
static __always_inline_ void compare_string(struct cpu *cpu, const struct insn *in, bool cmps,
					    struct string *s, bool *ended)
{
	u64 mask = in->width == W_Q ? ~0UL : (1UL << (8 << in->width)) - 1;
	u64 a = cpu->regs.gpr[R_RAX] & mask, b, shown_a = 0, shown_b = 0;
	/* Which operand faults first, as seen on Zen 4. */
	bool source_first = in->width == W_B && (in->flags & IN_REP);
	struct mem_value m;

	while (s->left && !*ended) {
		if (cmps && source_first) {
			m = mem_read(cpu, in, source(cpu, in), in->width, true);
			if (unlikely(!m.ok))
				break;
			a = m.val;
		}
		m = mem_read(cpu, in, pointer(cpu, in, R_RDI), in->width, true);
		if (unlikely(!m.ok))
			break;
		b = m.val;
		if (cmps && !source_first) {
			m = mem_read(cpu, in, source(cpu, in), in->width, true);
			if (unlikely(!m.ok))
				break;
			a = m.val;
		}
		shown_a = a;
		shown_b = b;
		if (cmps)
			advance(cpu, in, R_RSI, s->step);
		advance(cpu, in, R_RDI, s->step);
		string_did(cpu, in, s, 1);
		*ended = (a == b) == !!(in->flags & IN_REPNE);
	}
	if (cpu->stopped)
		s->next = NULL;
	if (s->done)
		compare(cpu, in->width, shown_a, shown_b);
}

static void cmps(struct cpu *cpu, const struct insn *in)
{
	struct string s = string_begin(cpu, in);
	bool ended = false;

	compare_string(cpu, in, true, &s, &ended);
	STRING_END(ended);
}
op_set op_cmps = OPS_ONE(cmps);

static void scas(struct cpu *cpu, const struct insn *in)
{
	struct string s = string_begin(cpu, in);
	bool ended = false;

	compare_string(cpu, in, false, &s, &ended);
	STRING_END(ended);
}
op_set op_scas = OPS_ONE(scas);
