/* The vsyscall page. See vsyscall.h. */
#include "proc/vsyscall.h"

#include <sys/time.h>

#include "mm/uaccess.h"
#include "proc/task.h"

/* The calls of the vsyscall page, 0x400 bytes each, and how much they write through rdi and rsi. */
static const struct vsyscall {
	u16 nr, di_size, si_size;
} vsyscalls[] = {
	{96 /* gettimeofday */, sizeof(struct timeval), sizeof(struct timezone)},
	{201 /* time */, sizeof(time_t), 0},
	{309 /* getcpu */, sizeof(unsigned), sizeof(unsigned)},
};

/* A pointer that leaves user space is a write fault there. write_ok_or_segv() */
static bool write_ok_or_segv(struct task_struct *t, gva_t addr, u64 size)
{
	if (access_ok(addr, size))
		return true;
	force_sig_fault(t, SIGSEGV, SEGV_MAPERR, addr, X86_PF, PF_USER | PF_WRITE, addr);
	return false;
}

/* 0; -EFAULT: a pointer is bad, and rax is as it would be inside the call. */
static int run_vsyscall(struct task_struct *t, const struct vsyscall *v)
{
	struct cpu_regs *r = &t->machine->cpu.regs;

	if (!write_ok_or_segv(t, r->gpr[R_RDI], v->di_size) ||
	    !write_ok_or_segv(t, r->gpr[R_RSI], v->si_size))
		return -EFAULT;
	r->gpr[R_RAX] = v->nr;
	t->machine->do_syscall(t, false);
	t->syscall_nr = ~0UL;
	if (r->gpr[R_RAX] != (u64)-EFAULT)
		return 0;
	r->gpr[R_RAX] = -ENOSYS;
	return -EFAULT;
}

void emulate_vsyscall(struct task_struct *t)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	u64 off = r->rip - VSYSCALL_ADDR, nr = off / 0x400;
	gva_t caller;

	if (off % 0x400 || nr >= ARRAY_SIZE(vsyscalls) || get_user(t->mm, caller, r->gpr[R_RSP]) ||
	    run_vsyscall(t, &vsyscalls[nr])) {
		r->flags |= F_RF; /* it began as a page fault */
		force_sig_info(SIGSEGV, NULL, t);
		return;
	}
	r->rip = caller;
	r->gpr[R_RSP] += 8;
}
