/* From registers to handlers and back. The rows are table.c's. */
#include "syscalls/internal.h"

#include "base/bitmap.h"
#include "base/log.h"
#include "proc/ptrace.h"

static bool first_time(struct machine *m, u64 bit)
{
	if (test_bit(m->unbuilt_named, bit))
		return false;
	set_bit(m->unbuilt_named, bit);
	return true;
}

/* A bit for each number of both tables; unknown numbers share the last bit of their half. */
static u64 named_bit(const struct task_struct *t)
{
	u64 half = UNBUILT_BITS / 2, nr = (u32)t->syscall_nr;

	return (t->compat_call ? half : 0) + min(nr, half - 1);
}

long sys_ni(struct task_struct *t, const struct sysargs *a)
{
	const struct syscall_desc *d = syscall_desc((u32)t->syscall_nr, t->compat_call);

	(void)a;
	if (first_time(t->machine, named_bit(t)))
		log_line("system call %s: not built yet", d->name);
	return -ENOSYS;
}

/* Numbers that Linux has but no longer serves. */
long sys_gone(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -ENOSYS;
}

static long unknown_call(struct task_struct *t)
{
	if (first_time(t->machine, named_bit(t)))
		log_line("system call number %u%s: unknown", (u32)t->syscall_nr,
			 t->compat_call ? " of int 0x80" : "");
	return -ENOSYS;
}

/* int 0x80 takes ebx ecx edx esi edi ebp, the upper halves are ignored. */
static void read_args(const struct cpu_regs *r, bool compat, struct sysargs *a)
{
	static const u8 native[6] = {R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9};
	static const u8 i386[6] = {R_RBX, R_RCX, R_RDX, R_RSI, R_RDI, R_RBP};

	for (int i = 0; i < 6; i++)
		a->arg[i] = compat ? (u32)r->gpr[i386[i]] : r->gpr[native[i]];
}

/* Only these end the task inside the handler: their line must come first. */
static bool returns(const struct syscall_desc *d)
{
	return !d || d->args[0] != 'n';
}

/* What a tracer and seccomp have to say, each of which may make another call of it. False: none is made, and
 * *@ret is its result. Linux: syscall_trace_enter() */
static bool syscall_enter_work(struct task_struct *t, bool compat, struct sysargs *a, long *ret)
{
	const struct cpu_regs *r = &t->machine->cpu.regs;

	*ret = -ENOSYS;
	if (t->syscall_work && !ptrace_syscall_enter(t)) {
		*ret = r->gpr[R_RAX];
		return false;
	}
	if (t->seccomp.mode && !secure_computing(t, compat, ret))
		return false;
	read_args(r, compat, a);
	if ((s32)t->syscall_nr != -1)
		return true;
	*ret = r->gpr[R_RAX];
	return false;
}

static void do_syscall(struct task_struct *t, bool compat)
{
	struct machine *m = t->machine;
	u32 nr = m->cpu.regs.gpr[R_RAX]; /* the upper half is ignored, as in Linux */
	const struct syscall_desc *d = syscall_desc(nr, compat);
	bool serve = true;
	struct sysargs a;
	long ret;

	m->nr_syscalls++;
	t->syscall_nr = compat ? nr : m->cpu.regs.gpr[R_RAX]; /* all of it, as a tracer sees it */
	t->compat_call = compat;
	read_args(&m->cpu.regs, compat, &a);
	if (unlikely(t->syscall_work || t->seccomp.mode)) {
		if ((t->syscall_work & SYSWORK_USER_DISPATCH) && syscall_user_dispatch(t, compat)) {
			m->cpu.regs.gpr[R_RAX] = t->syscall_nr;
			return;
		}
		serve = syscall_enter_work(t, compat, &a, &ret);
		nr = (u32)t->syscall_nr;
		d = syscall_desc(nr, compat);
	}
	trace_event(m->mem.trace, TP_raw_syscalls_sys_enter, "NR %u (%lx, %lx, %lx, %lx, %lx, %lx)",
		    nr, a.arg[0], a.arg[1], a.arg[2], a.arg[3], a.arg[4], a.arg[5]);
	if (m->config.strace && !returns(d))
		strace_call(t, d, nr, &a, NULL);
	if (likely(serve))
		ret = d ? d->fn(t, &a) : unknown_call(t);
	if (m->config.strace)
		strace_call(t, d, nr, &a, &ret);
	trace_event(m->mem.trace, TP_raw_syscalls_sys_exit, "NR %u = %ld", nr, ret);
	m->cpu.regs.gpr[R_RAX] = ret;
	if (unlikely(t->syscall_work))
		ptrace_syscall_exit(t);
}

void syscalls_init(struct machine *m)
{
	m->do_syscall = do_syscall;
	sockets_init(m);
	mqueues_init(m);
	sigio_init(m);
}
