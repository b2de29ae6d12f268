/* cpu_run()'s loop, exceptions, and the slow paths of memory operands. What an instruction does is not here
 * but in op_*.c; which instruction comes next, block.c knows. See interp.h, block.h. */
#include "cpu/interp.h"
#include "cpu/internal.h"
#include "cpu/jit/jit.h"
#include "mm/memory.h"

#include <string.h>

/* Instructions of the running block behind @in, @in itself included. */
static s64 insns_from(const struct cpu *cpu, const struct insn *in)
{
	return cpu->block->n - (in - cpu->block->insn);
}

/* Makes regs.rip the address of @in and gives the budget of what will not run back. @in NULL:
 * between blocks, where rip is true already. */
static void settle(struct cpu *cpu, const struct insn *in, bool retired)
{
	if (!in)
		return;
	cpu->regs.rip = cpu->block->base + (s64)in->off + (retired ? in->len : 0);
	cpu->budget += insns_from(cpu, in) - retired;
}

void cpu_raise(struct cpu *cpu, const struct insn *in, u8 vector, u32 error_code)
{
	settle(cpu, in, false);
	cpu->exit.why = CPU_EXCEPTION;
	cpu->exit.vector = vector;
	cpu->exit.error_code = error_code;
	cpu->exit.unsupported = NULL;
	cpu->exit.icebp = false;
	cpu->exit.umip.what = UMIP_NONE;
	cpu->debug.resuming = false; /* RF stays: it is to be tried again */
	cpu->debug.met = 0;
	cpu->trap = false;
	cpu->stopped = true;
}

void cpu_raise_page_fault(struct cpu *cpu, const struct insn *in, gva_t addr, u32 error_code)
{
	cpu_raise(cpu, in, X86_PF, error_code);
	cpu->exit.cr2 = addr;
}

void cpu_raise_unsupported(struct cpu *cpu, const struct insn *in, const char *what)
{
	cpu_raise(cpu, in, X86_UD, 0);
	cpu->exit.unsupported = what;
}

void cpu_stop_after(struct cpu *cpu, const struct insn *in, enum cpu_stop why, u8 vector)
{
	settle(cpu, in, true);
	debug_resumed(cpu);
	cpu->exit.why = why;
	cpu->exit.vector = vector;
	cpu->exit.error_code = 0;
	cpu->exit.unsupported = NULL;
	cpu->trap = false;
	cpu->stopped = true;
}

void cpu_stop_rep(struct cpu *cpu, const struct insn *in, u64 done)
{
	settle(cpu, in, false);
	cpu->budget -= done;
	cpu->exit.why = CPU_BUDGET;
	cpu->trap = false;
	cpu->stopped = true;
}

/* The store before changed the running block: go on behind @in with what is there now. An instruction
 * that stores several times may come here each time, and fault afterwards: rip and budget are right
 * whichever is the last, since the block has been cut behind @in. */
static const struct insn *resume_after(struct cpu *cpu, const struct insn *in)
{
	settle(cpu, in, true);
	cpu->block->n = in - cpu->block->insn + 1; /* the rest is given back once */
	cpu->code->count.smc_stores++;
	return &cpu->code->again;
}

/* Translates the @size bytes at @ea into one or two host pieces; false: fault raised. */
static bool translate(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
		      enum tlb_access acc, void *host[2], unsigned *first)
{
	gva_t page2 = (ea + size - 1) & PAGE_MASK;
	u32 err;

	if (!canonical(ea) || !canonical(ea + size - 1)) {
		cpu_raise(cpu, in, canonical_vector(in), 0);
		return false;
	}
	if ((cpu->regs.flags & F_AC) && (ea & (size - 1)) && size <= 8) {
		cpu_raise(cpu, in, X86_AC, 0);
		return false;
	}
	err = tlb_open(&cpu->tlb, ea, size, acc, PF_USER, &host[0]);
	if (err & TLB_FAULT) {
		cpu_raise_page_fault(cpu, in, ea, err & ~TLB_FAULT);
		return false;
	}
	*first = size;
	if (unlikely(cpu->debug.armed))
		debug_access(cpu, ea, size, acc);
	if ((ea & PAGE_MASK) == page2)
		return true;
	*first = page2 - ea;
	err = tlb_open(&cpu->tlb, page2, size - *first, acc, PF_USER, &host[1]);
	if (err & TLB_FAULT) {
		cpu_raise_page_fault(cpu, in, page2, err & ~TLB_FAULT);
		return false;
	}
	return true;
}

/* An operand within a page. By size, because what is cold is compiled for size: a copy of unknown
 * length becomes `rep movsb` there, which costs more than the TLB miss that led here. */
static u64 load_operand(const void *p, unsigned width)
{
	u64 val = 0;

	switch (width) {
	case 0:
		return *(const u8 *)p;
	case 1:
		memcpy(&val, p, 2);
		return val;
	case 2:
		memcpy(&val, p, 4);
		return val;
	default:
		memcpy(&val, p, 8);
		return val;
	}
}

static void store_operand(void *p, unsigned width, u64 val)
{
	switch (width) {
	case 0:
		*(u8 *)p = val;
		break;
	case 1:
		memcpy(p, &val, 2);
		break;
	case 2:
		memcpy(p, &val, 4);
		break;
	default:
		memcpy(p, &val, 8);
	}
}

struct mem_value mem_read_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned width)
{
	unsigned size = 1U << width, first;
	struct mem_value v = {0, false};
	void *host[2];

	if (!translate(cpu, in, ea, size, TLB_READ, host, &first))
		return v;
	if (likely(first == size)) {
		v.val = load_operand(host[0], width);
	} else {
		memcpy(&v.val, host[0], first);
		memcpy((u8 *)&v.val + first, host[1], size - first);
	}
	v.ok = true;
	return v;
}

const struct insn *mem_write_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned width,
				  u64 val)
{
	unsigned size = 1U << width, first;
	void *host[2];

	if (!translate(cpu, in, ea, size, TLB_WRITE, host, &first))
		return NULL;
	if (likely(first == size)) {
		store_operand(host[0], width, val);
	} else {
		memcpy(host[0], &val, first);
		memcpy(host[1], (u8 *)&val + first, size - first);
	}
	return unlikely(cpu->block->dead) ? resume_after(cpu, in) : in + 1;
}

void *mem_open_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
		    enum tlb_access acc)
{
	unsigned first;
	void *host[2];

	if (!translate(cpu, in, ea, size, acc, host, &first))
		return NULL;
	if (first == size && !cpu->block->dead)
		return host[0];
	memcpy(cpu->bounce, host[0], first);
	if (first < size)
		memcpy((u8 *)cpu->bounce + first, host[1], size - first);
	cpu->bounce_host[0] = host[0];
	cpu->bounce_len[0] = first;
	cpu->bounce_host[1] = first < size ? host[1] : NULL;
	cpu->bounce_len[1] = size - first;
	return cpu->bounce;
}

const struct insn *mem_close_slow(struct cpu *cpu, const struct insn *in)
{
	memcpy(cpu->bounce_host[0], cpu->bounce, cpu->bounce_len[0]);
	if (cpu->bounce_len[1])
		memcpy(cpu->bounce_host[1], (u8 *)cpu->bounce + cpu->bounce_len[0],
		       cpu->bounce_len[1]);
	return cpu->block->dead ? resume_after(cpu, in) : in + 1;
}

/* The stack's fault where an operand's would be raised. */
static bool stack_ok(struct cpu *cpu, const struct insn *in, gva_t sp, unsigned width)
{
	if (canonical(sp) && canonical(sp + (1UL << width) - 1))
		return true;
	cpu_raise(cpu, in, X86_SS, 0);
	return false;
}

const struct insn *mem_push_slow(struct cpu *cpu, const struct insn *in, gva_t sp, unsigned width,
				 u64 val)
{
	return stack_ok(cpu, in, sp, width) ? mem_write_slow(cpu, in, sp, width, val) : NULL;
}

struct mem_value mem_pop_slow(struct cpu *cpu, const struct insn *in, gva_t sp, unsigned width)
{
	if (!stack_ok(cpu, in, sp, width))
		return (struct mem_value){0, false};
	return mem_read_slow(cpu, in, sp, width);
}

/* See slow_call() in interp.h: every register but rax and rdx survives, the stack is aligned. */
#define SLOW_THUNK(fn)                                                                             \
	__asm__(".pushsection .text.unlikely\n\t"                                                  \
		".globl " #fn "_thunk\n\t"                                                         \
		".hidden " #fn "_thunk\n\t"                                                        \
		".type " #fn "_thunk, @function\n" #fn "_thunk:\n\t"                               \
		"push %rbp\n\tmov %rsp, %rbp\n\tpush %rcx\n\tpush %rsi\n\tpush %rdi\n\t"           \
		"push %r8\n\tpush %r9\n\tpush %r10\n\tpush %r11\n\tand $-16, %rsp\n\t"             \
		"call " #fn "\n\tlea -56(%rbp), %rsp\n\t"                                          \
		"pop %r11\n\tpop %r10\n\tpop %r9\n\tpop %r8\n\tpop %rdi\n\tpop %rsi\n\t"           \
		"pop %rcx\n\tpop %rbp\n\tret\n\t"                                                  \
		".size " #fn "_thunk, . - " #fn "_thunk\n\t.popsection");
SLOW_THUNK(mem_read_slow)
SLOW_THUNK(mem_write_slow)
SLOW_THUNK(mem_open_slow)
SLOW_THUNK(mem_close_slow)
SLOW_THUNK(mem_push_slow)
SLOW_THUNK(mem_pop_slow)

enum cpu_stop cpu_run(struct cpu *cpu, s64 budget)
{
	const struct insn *in;

	cpu->budget = budget;
	cpu->stopped = false;
	cpu->regs.zero = 0;
	flags_split(cpu, cpu->regs.flags);
	fpu_enter(cpu);

	cpu->resume = block_enter(cpu);
	while (!cpu->stopped) {
		in = cpu->resume;
		in->fn(cpu, in);
	}

	fpu_leave(cpu);
	cpu->regs.flags = flags_join(cpu);
	interrupt_settle(cpu);
	cpu->retired += budget - cpu->budget;
	return cpu->exit.why;
}

/* In one instruction, as translated code does it, so that neither loses what the other one does. Where C is about to
 * write the budget it may be lost; then the flag is seen, since C goes by block_enter(). */
void cpu_interrupt(struct cpu *cpu)
{
	if (cpu->code->jit && jit_holds_interrupt(cpu->code->jit))
		return;
	cpu->interrupt = 1;
	if (cpu->budget > -INTERRUPT_BUDGET / 2)
		__asm__ volatile("subq %1, %0" : "+m"(cpu->budget) : "r"(INTERRUPT_BUDGET) : "cc");
}
