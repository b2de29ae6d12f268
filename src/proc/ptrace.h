/* ptrace(2): one task, the tracer, stops another one, looks into it, and lets it go on.
 *
 *	tracee                                     tracer
 *	ptrace_stop(): TASK_TRACED, exit_code ---> SIGCHLD, wait(2): the stop's status
 *	               registers, memory     <---- PTRACE_GETREGS, PTRACE_POKEDATA, ...
 *	               goes on, with exit_code <-- PTRACE_CONT: a signal, or 0
 *
 *	task_struct.tracer <--> .ptraced, by .ptrace_entry; .ptrace: PT_*, 0 for who has no tracer.
 *	An orphan's PTRACE_TRACEME: its tracer is the machine's own init, which is no task: .tracer is NULL. That
 *	one lets no stop end but by SIGKILL, and waits for its zombies at once.
 *	.jobctl: the traps that are due, next to group stops: signal_stop.c
 *
 * Where a tracee stops: a signal that it takes, also when it ignores it (ptrace_signal()); a group stop, or
 * PTRACE_INTERRUPT's (signal_stop.c); system calls (ptrace_syscall_enter(), _exit()); fork, exec, exit, seccomp
 * (ptrace_event()); behind an instruction (EFLAGS.TF). While it has stopped its registers are in
 * task_struct.regs and fpu, and it holds no lock; the tracer looks it up again after each sleep of its own.
 *
 * Not for: the call's requests (syscalls/sys_ptrace.c), who may trace whom (cred.h).
 * See: ptrace(2); Linux, kernel/ptrace.c, whose words these are.
 */
#ifndef PROC_PTRACE_H
#define PROC_PTRACE_H

#include <linux/ptrace.h>

#include "base/types.h"

struct iovec;
struct k_siginfo;
struct machine;
struct task_struct;

/* task_struct.ptrace. Options are PTRACE_O_* << PT_OPT_FLAG_SHIFT; those of events are by their number. */
#define PT_PTRACED 1U
#define PT_OPT_FLAG_SHIFT 3
#define PT_SEIZED 0x10000U
#define PT_EVENT_FLAG(event) (1U << (PT_OPT_FLAG_SHIFT + (event)))
#define PT_TRACESYSGOOD PT_EVENT_FLAG(0)
#define PT_EXITKILL (PTRACE_O_EXITKILL << PT_OPT_FLAG_SHIFT)
#define PT_SUSPEND_SECCOMP (PTRACE_O_SUSPEND_SECCOMP << PT_OPT_FLAG_SHIFT)

/* task_struct.syscall_work: what a system call does besides. */
#define SYSWORK_PTRACED 1U	  /* somebody may look at the registers in between */
#define SYSWORK_TRACE 2U	  /* PTRACE_SYSCALL: stop before and behind it */
#define SYSWORK_EMU 4U		  /* PTRACE_SYSEMU: stop before it, and do not make it */
#define SYSWORK_EXIT_TRAP 8U	  /* PTRACE_SINGLESTEP: stop behind it */
#define SYSWORK_USER_DISPATCH 16U /* user_dispatch.h; not a tracer's */

/* --- ptrace.c: who traces whom ------------------------------------------------------------------ */

/* PTRACE_TRACEME. 0; -EPERM: somebody does already. */
int ptrace_traceme(struct task_struct *t);
/* PTRACE_ATTACH, or (@seize) PTRACE_SEIZE with @options. Sleeps until @child, which may have been stopped, is in
 * a stop of this kind: look it up again. 0; -EPERM; SEIZE: -EIO: @addr, options that are not known; -EINVAL. */
int ptrace_attach(struct task_struct *t, struct task_struct *child, bool seize, u64 addr,
		  u64 options);
/* Is @child @t's, and (unless @any_state) in a stop? 0 or -ESRCH. */
int ptrace_check_attach(struct task_struct *t, struct task_struct *child, bool any_state);
/* PTRACE_O_* may be set by @t: 0, -EINVAL, -EPERM. */
int ptrace_check_options(const struct task_struct *t, u64 options);
/* PTRACE_CONT, SYSCALL, SINGLESTEP, SINGLEBLOCK, SYSEMU, SYSEMU_SINGLESTEP: @child goes on with signal @sig. 0, -EIO. */
int ptrace_resume(struct task_struct *child, u64 request, u64 sig);
/* PTRACE_DETACH. 0, -EIO. @child may be gone afterwards. */
int ptrace_detach(struct task_struct *t, struct task_struct *child, u64 sig);
/* PTRACE_INTERRUPT, PTRACE_LISTEN: 0, -EIO. */
int ptrace_interrupt(struct task_struct *child);
int ptrace_listen(struct task_struct *child);
/* @child has no tracer any more, and goes on, or stops with its process. It has one. */
void ptrace_unlink(struct task_struct *child);
/* @t begins to end: who it traced is free, or (PTRACE_O_EXITKILL) killed. */
void exit_ptrace(struct task_struct *t);
/* @t's record goes with the whole machine: nobody is told. */
void ptrace_forget(struct task_struct *t);
/* The new task @p of @t's, not yet run: with @trace @t's tracer is its tracer, too. */
void ptrace_init_task(struct task_struct *p, struct task_struct *t, bool trace);
/* Is the tracer of @t, if it has one, another process than its parent? */
bool ptrace_reparented(const struct task_struct *t);

/* --- ptrace_stop.c: the tracee's side. @t is the current task; all sleep ------------------------- */

/* Stops @t until its tracer lets it go on: with what to report @code (a signal, | an event << 8; to wait(2) in
 * its status word's upper part), @why CLD_TRAPPED or CLD_STOPPED, @message for PTRACE_GETEVENTMSG, @info for
 * PTRACE_GETSIGINFO (may be NULL; the tracer may change it). The signal to go on with. Nothing happens, and it is
 * @code, when nobody traces it or it is to end. */
int ptrace_stop(struct task_struct *t, int code, int why, u64 message, struct k_siginfo *info);
/* The same with a siginfo that tells of nothing but the stop: @code is SIGTRAP, | 0x80, | an event << 8. */
int ptrace_notify(struct task_struct *t, int code, u64 message);
/* The same with another signal @sig and @why. */
int ptrace_do_notify(struct task_struct *t, int sig, int code, int why, u64 message);
/* Stops for PTRACE_EVENT_* @event if the tracer has asked for that. */
void ptrace_event(struct task_struct *t, int event, u64 message);
bool ptrace_event_enabled(const struct task_struct *t, int event);
/* @t has taken @sig, of its own or (@shared) of its process: what its tracer makes of that, 0: nothing. @info is
 * changed with it. */
int ptrace_signal(struct task_struct *t, int sig, struct k_siginfo *info, bool shared);
/* Before a system call, syscall_nr and registers set: false: it is not to be made, what rax holds is its result.
 * Both may have been changed. */
bool ptrace_syscall_enter(struct task_struct *t);
/* Behind it, its result in rax. */
void ptrace_syscall_exit(struct task_struct *t);

/* --- ptrace_regs.c: registers of a task that has stopped. Nothing sleeps -------------------------- */

/* The arguments of the system call that it is in. */
void syscall_get_arguments(struct task_struct *t, u64 args[6]);
void syscall_set_arguments(struct task_struct *t, const u64 args[6]);
/* A word of struct user at @at, a multiple of 8: 0, -EIO. */
int ptrace_peek_user(struct task_struct *t, u64 at, u64 *value);
int ptrace_poke_user(struct task_struct *t, u64 at, u64 value);
/* Bytes of regset @type (NT_*); -EINVAL: there is none. */
long ptrace_regset_size(struct task_struct *t, u32 type);
/* May it be read, or (@set) written? 0; -ENXIO, -EOPNOTSUPP: not on this CPU. Before its bytes are asked for:
 * it may be longer than PTRACE_REGSET_MAX. */
int ptrace_regset_check(u32 type, bool set);
/* Its first @len bytes (a multiple of 8, no more than there are) to @buf, which has PTRACE_REGSET_MAX bytes, or
 * from there. 0; -EINVAL, -EIO: values that cannot be; -EFAULT. */
#define PTRACE_REGSET_MAX 4096U
int ptrace_get_regset(struct task_struct *t, u32 type, void *buf);
int ptrace_set_regset(struct task_struct *t, u32 type, void *buf, u64 len);
/* EFLAGS.TF, so that it stops behind one instruction; and no longer, if it was set by that. */
void user_enable_single_step(struct task_struct *t);
void user_disable_single_step(struct task_struct *t);
/* The same behind a branch that is taken: the trap flag stops it behind each instruction, and
 * block_step_goes_on(), asked by the current task's #DB, says whether it was none. */
void user_enable_block_step(struct task_struct *t);
bool block_step_goes_on(struct task_struct *t, u32 dr6);

/* --- ptrace_debugreg.c: hardware breakpoints. Nothing sleeps --------------------------------------- */

/* Debug register @n (0 .. 7) of @t. */
u64 ptrace_get_debugreg(const struct task_struct *t, unsigned n);
/* 0; -EIO: 4 and 5; -EINVAL: not an address of a program, or not aligned, or of a kind that there is not. */
int ptrace_set_debugreg(struct task_struct *t, unsigned n, u64 value);
/* @t, the current task, met #DB for what @dr6 says (0: an instruction): SIGTRAP's si_code. */
int debug_trap(struct task_struct *t, u32 dr6);
/* A new program, and (@child) a new task, has no breakpoints. */
void flush_ptrace_hw_breakpoint(struct task_struct *t, bool child);
/* The CPU gets @t's breakpoints, who runs on it from now on. */
void load_debug_registers(struct task_struct *t);

#endif
