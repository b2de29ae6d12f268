/* Exceptions: from what cpu_run() has stopped at to a page or a signal. See traps.h. */
#include "proc/traps.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "mm/uaccess.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/umip.h"
#include "proc/vsyscall.h"

/* What an exception without a story of its own becomes. linux-facts 5.10; arch/x86/kernel/traps.c */
static const struct trap_desc {
	u8 sig;
	s16 code;
	bool addr_is_rip;
} trap_table[32] = {
	[X86_DE] = {SIGFPE, FPE_INTDIV, true},	[X86_DB] = {SIGTRAP, TRAP_TRACE, true},
	[X86_BP] = {SIGTRAP, SI_KERNEL, false}, [X86_OF] = {SIGSEGV, SI_KERNEL, false},
	[X86_BR] = {SIGSEGV, SI_KERNEL, false}, [X86_UD] = {SIGILL, ILL_ILLOPN, true},
	[X86_NM] = {SIGSEGV, SI_KERNEL, false}, [X86_SS] = {SIGBUS, SI_KERNEL, false},
	[X86_GP] = {SIGSEGV, SI_KERNEL, false}, [X86_MF] = {SIGFPE, 0, true},
	[X86_AC] = {SIGBUS, BUS_ADRALN, false}, [X86_XM] = {SIGFPE, 0, true},
};

/* si_code of a floating-point exception: the unmasked ones that are raised, in this order.
 * fpu__exception_code() */
static int fp_code(u32 raised)
{
	static const struct {
		u8 bit, code;
	} order[] = {{0x01, FPE_FLTINV},
		     {0x04, FPE_FLTDIV},
		     {0x08, FPE_FLTOVF},
		     {0x12, FPE_FLTUND},
		     {0x20, FPE_FLTRES}};

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (raised & order[i].bit)
			return order[i].code;
	return 0;
}

static int fp_exception_code(const struct task_struct *t, u8 vector)
{
	u16 cw, sw;
	u32 mxcsr;

	memcpy(&cw, t->fpu->area, 2);
	memcpy(&sw, t->fpu->area + 2, 2);
	memcpy(&mxcsr, t->fpu->area + 24, 4);
	return fp_code(vector == X86_MF ? sw & ~cw & 0x3f : mxcsr & ~(mxcsr >> 7) & 0x3f);
}

static void page_fault(struct task_struct *t, const struct cpu_exit *e)
{
	struct fault_signal fs = {0};

	if ((e->error_code & PF_INSTR) && e->cr2 == t->machine->cpu.regs.rip &&
	    (e->cr2 & PAGE_MASK) == VSYSCALL_ADDR) {
		emulate_vsyscall(t);
		return;
	}
	do_user_addr_fault(t->mm, e->cr2, e->error_code | PF_USER, &fs);
	if (fs.signo && !fs.oom) /* without memory: SIGKILL is on its way (oom.c) */
		force_sig_fault(t, fs.signo, fs.code, fs.addr, X86_PF, fs.error_code, fs.addr);
}

struct unsupported {
	struct task_struct *task;
	const char *missing;
};

/* Lines about instructions in one run: a program that tries what there is with a handler for SIGILL is
 * no reason for more. */
#define MAX_UNSUPPORTED 16

/* One line for an instruction that Vellum, or this model, lacks. */
static void report_unsupported(void *arg)
{
	const struct unsupported *u = arg;
	struct task_struct *t = u->task;
	struct machine *m = t->machine;
	gva_t rip = m->cpu.regs.rip;
	char text[96] = "", where[96] = "", hex[48] = "";
	u8 code[15];
	u64 got = sizeof(code) - copy_from_user(t->mm, code, rip, sizeof(code));
	unsigned len = cpu_disassemble(code, got, rip, text, sizeof(text));

	if (!len)
		len = got < 8 ? got : 8;
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 3 * i, sizeof(hex) - 3 * i, " %02x", code[i]);
	if (m->symbolize)
		m->symbolize(m, t, rip, where, sizeof(where));
	log_line("unsupported instruction: at %#lx%s%s%s:%s (%s): %s", rip, where[0] ? " <" : "",
		 where, where[0] ? ">" : "", hex, text[0] ? text : "unknown", u->missing);
	if (m->nr_unsupported == MAX_UNSUPPORTED)
		log_line("unsupported instruction: no lines about more of them");
}

void do_trap(struct task_struct *t)
{
	struct cpu *cpu = &t->machine->cpu;
	const struct cpu_exit *e = &cpu->exit;
	const struct trap_desc *d;
	int code;

	if (e->vector == X86_PF) {
		page_fault(t, e);
		return;
	}
	/* The last byte of all is how insn_get_addr_ref() says "no address". */
	if (e->vector == X86_GP && e->umip.what != UMIP_NONE &&
	    !(e->umip.memory && e->umip.operand == ~0UL)) {
		struct cpu_umip umip = e->umip; /* a store may sleep, and others use the CPU */

		fixup_umip_exception(t, &umip);
		return;
	}
	if (e->vector == X86_UD && e->unsupported && t->machine->nr_unsupported < MAX_UNSUPPORTED) {
		struct unsupported u = {t, e->unsupported};

		t->machine->nr_unsupported++;
		call_on_host_stack(t->machine, report_unsupported, &u); /* Capstone, libelf */
	}
	if (e->vector >= ARRAY_SIZE(trap_table) || !trap_table[e->vector].sig)
		BUG("an exception that user mode cannot raise");
	d = &trap_table[e->vector];
	code = d->code;
	if (e->vector == X86_MF || e->vector == X86_XM)
		code = fp_exception_code(t, e->vector);
	if (e->vector == X86_DB && !e->icebp && block_step_goes_on(t, e->dr6))
		return;
	if (e->vector == X86_DB)
		code = debug_trap(t, e->icebp ? 0 : e->dr6);
	force_sig_fault(t, d->sig, code, d->addr_is_rip ? cpu->regs.rip : 0, e->vector,
			e->error_code, 0);
	/* Jumps fault where they are; only the kernel's IRET can have wanted to go there. */
	if (unlikely(!canonical(cpu->regs.rip)))
		cpu->regs.flags &= ~F_RF;
}
