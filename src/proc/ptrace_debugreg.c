/* Hardware breakpoints of a tracee: struct user's u_debugreg. See ptrace.h, cpu/cpu.h; arch/x86/kernel/ptrace.c,
 * arch/x86/kernel/hw_breakpoint.c. A system call's own accesses meet none, as with ptrace(2) on Linux. */
#include "proc/ptrace.h"
#include "proc/task.h"

#define DR6_RESERVED                                                                               \
	0xffff0ff0U /* bits that are 1, and those that are 0 when they mean something */
#define DR7_RESERVED 0xffffffff0000fc00UL
#define DR7_ENABLED(dr7, i) ((dr7) >> ((i)*2) & 3)
#define DR7_KIND(dr7, i) ((dr7) >> (16 + (i)*4) & 3)
#define DR7_LEN(dr7, i) ((dr7) >> (18 + (i)*4) & 3)
#define KIND_IO 2

/* May @b be? hw_breakpoint_arch_parse() */
static int check_breakpoint(const struct cpu_breakpoint *b)
{
	if (b->addr & (b->len - 1U))
		return -EINVAL;
	return b->addr >= TASK_SIZE || b->addr + b->len - 1 >= TASK_SIZE ? -EINVAL : 0;
}

u64 ptrace_get_debugreg(const struct task_struct *t, unsigned n)
{
	const struct thread_debug *d = &t->debug;

	if (n < NR_BREAKPOINTS)
		return d->bp[n].made ? d->bp[n].at.addr : 0;
	if (n == 6)
		return d->virtual_dr6 ^ DR6_RESERVED;
	return n == 7 ? d->dr7 : 0;
}

static int set_addr(struct hw_breakpoint *bp, gva_t addr)
{
	struct cpu_breakpoint b = bp->at;
	int err;

	if (!bp->made) {
		b.len = 1;
		b.kind = BP_WRITE;
	}
	b.addr = addr;
	err = check_breakpoint(&b);
	if (err)
		return err;
	bp->made = true;
	bp->at = b;
	return 0;
}

/* What DR7 says of breakpoint @i. ptrace_modify_breakpoint() */
static int set_control(struct hw_breakpoint *bp, u64 dr7, unsigned i)
{
	static const u8 bytes[4] = {1, 2, 8, 4};
	struct cpu_breakpoint b = {
		.addr = bp->at.addr, .len = bytes[DR7_LEN(dr7, i)], .kind = DR7_KIND(dr7, i)};
	bool enable = DR7_ENABLED(dr7, i);
	int err;

	if (!bp->made && !enable)
		return 0;
	if (DR7_KIND(dr7, i) == KIND_IO || (b.kind == BP_EXECUTE && b.len != 1))
		return -EINVAL;
	err = check_breakpoint(&b);
	if (err)
		return err;
	*bp = (struct hw_breakpoint){.at = b, .made = true, .enabled = enable};
	return 0;
}

/* ptrace_write_dr7(): all of it or nothing. */
static int write_dr7(struct thread_debug *d, u64 value)
{
	struct thread_debug next = *d;
	int err;

	next.dr7 = value;
	next.armed = false;
	for (unsigned i = 0; i < NR_BREAKPOINTS; i++) {
		err = set_control(&next.bp[i], value & ~DR7_RESERVED, i);
		if (err)
			return err;
		next.armed |= next.bp[i].enabled;
	}
	*d = next;
	return 0;
}

int ptrace_set_debugreg(struct task_struct *t, unsigned n, u64 value)
{
	struct thread_debug *d = &t->debug;

	if (n < NR_BREAKPOINTS)
		return set_addr(&d->bp[n], value);
	if (n == 6)
		d->virtual_dr6 = (u32)value ^ DR6_RESERVED;
	return n == 6 ? 0 : n == 7 ? write_dr7(d, value) : -EIO;
}

/* exc_debug_user(), hw_breakpoint_handler() */
int debug_trap(struct task_struct *t, u32 dr6)
{
	struct thread_debug *d = &t->debug;

	t->block_step = false; /* as the CPU's own flag for that */
	d->virtual_dr6 = dr6 & (DR6_BS | DR6_B);
	for (unsigned i = 0; i < NR_BREAKPOINTS; i++)
		if ((dr6 >> i & 1) && d->bp[i].at.kind == BP_EXECUTE)
			task_regs(t)->flags |= F_RF; /* next time it is to run */
	return dr6 & DR6_BS ? TRAP_TRACE : dr6 & DR6_B ? TRAP_HWBKPT : TRAP_BRKPT;
}

void flush_ptrace_hw_breakpoint(struct task_struct *t, bool child)
{
	bool armed = t->debug.armed;

	for (unsigned i = 0; i < NR_BREAKPOINTS; i++)
		t->debug.bp[i] = (struct hw_breakpoint){.made = false};
	t->debug.armed = false;
	if (child)
		return; /* it has its parent's DR7 to show, as on Linux */
	t->debug.dr7 = 0;
	if (armed)
		load_debug_registers(t);
}

void load_debug_registers(struct task_struct *t)
{
	struct cpu_breakpoint bp[NR_BREAKPOINTS];

	if (!t->debug.armed) {
		cpu_set_breakpoints(&t->machine->cpu, NULL);
		return;
	}
	for (unsigned i = 0; i < NR_BREAKPOINTS; i++) {
		bp[i] = t->debug.bp[i].at;
		if (!t->debug.bp[i].enabled)
			bp[i].len = 0;
	}
	cpu_set_breakpoints(&t->machine->cpu, bp);
	if (t->mm)
		flush_tlb_mm(t->mm); /* of what can be had without telling */
}
