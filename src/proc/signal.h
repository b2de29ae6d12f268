/* Signals: who gets them, queues, actions, and their way into a program.
 *
 *	group_send_sig_info --> signal_struct.shared_pending \       do_signal(), before guest code runs:
 *	send_sig_info ------\                                 >----> dequeue_signal
 *	force_sig_info ------+> task_struct.pending          /         |-- default: nothing, stop, end
 *	                                                              '-- setup_rt_frame: the handler runs
 *	                                                                  rt_sigreturn(2): do_rt_sigreturn
 *
 * Of the threads that do not block a process's signal one is chosen and woken (complete_signal()): its
 * task_struct.sigpending is set. Who then blocks it, or ends, passes it on (retarget_shared_pending()).
 *
 * A signal that is ignored when it comes is dropped, unless it is blocked. One that ends the process
 * does so at once: group_exit is set, and whatever sleeps killably wakes up.
 *
 * Not for: the system calls (syscalls/sys_signal.c), the host's signals (host_signals.h).
 * See: signal(7); Linux, kernel/signal.c, whose words these are.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include <signal.h>

#include "base/list.h"
#include "base/types.h"
#include "base/wait.h"

struct k_itimer;
struct machine;
struct task_struct;

typedef u64 sigset_k; /* the kernel's: bit n-1 is signal n */
#define NR_SIGNALS 64
#define sigmask_k(sig) (1UL << ((sig)-1))
#define UNBLOCKABLE_MASK (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))

#define SS_AUTODISARM_K (1U << 31)
#define MINSIGSTKSZ_K 2048U /* bytes: no alternate stack is smaller */

#define SA_IMMUTABLE 0x00800000UL /* the kernel's own: a signal that nobody may trace */

/* Column `action` of signal.def. */
enum sig_default {
	SIG_DEFAULT_TERM,
	SIG_DEFAULT_IGN,
	SIG_DEFAULT_STOP,
	SIG_DEFAULT_CONT,
};

/* struct sigaction of the kernel ABI. */
struct k_sigaction {
	gva_t handler;
	u64 flags;
	gva_t restorer;
	sigset_k mask;
};

/* stack_t of the kernel ABI. */
typedef struct {
	gva_t ss_sp;
	s32 ss_flags;
	u32 pad;
	u64 ss_size;
} stack_t_k;

/* siginfo_t of the kernel ABI, 128 bytes. */
struct k_siginfo {
	s32 si_signo, si_errno, si_code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} kill;
		struct {
			s32 tid, overrun; /* the timer's number */
			u64 value;
		} timer;
		struct {
			gva_t addr;
			s16 addr_lsb;
		} fault;
		struct {
			s32 pid;
			u32 uid;
			s32 status;
			s64 utime, stime;
		} chld;
		struct {
			s64 band; /* EPOLL* */
			s32 fd;
		} poll;
		struct {
			gva_t call_addr;
			s32 syscall;
			u32 arch;
		} sys;
		u8 bytes[112];
	};
};

/* One queued signal; standard signals queue once, real-time signals as often as they come. */
struct sigqueue {
	struct list_head list;
	struct k_siginfo info;
	struct k_itimer *timer; /* it is part of: posix_timer.h; NULL: of none */
	struct sig_user *user;	/* who is charged for it; @timer is, instead of its entry */
};

/* A user's queue entries, which RLIMIT_SIGPENDING limits. There is one as long as there are any. */
struct sig_user {
	struct list_head list; /* machine.sig_users */
	u32 uid;	       /* real; set once */
	u64 nr;
};

struct sigpending {
	struct list_head list; /* of sigqueue, oldest first */
	sigset_k signal;       /* which are pending; a bit without an entry: no memory for it */
};

/* Actions: shared by CLONE_SIGHAND. */
struct sighand_struct {
	u32 users;			     /* tasks; counted by fork, exec, task_free() */
	struct wait_queue_head signalfd_wqh; /* who reads or polls their signals: signalfd.h */
	/* Changed by do_sigaction(), exec, SA_RESETHAND, forced signals. */
	struct k_sigaction action[NR_SIGNALS];
};

/* --- signal.c: nothing here sleeps. @sig is 1 .. 64 ----------------------------------------------- */

/* Makes @sig pending for one task and wakes it. @info NULL: from the kernel; otherwise it is copied. 0, also
 * when it is ignored, or @t has ended; -EAGAIN: RLIMIT_SIGPENDING, for queued real-time signals only. */
int send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* One thread is to end without delay: SIGKILL, whatever its process has said; wakes it. For
 * zap_other_threads(), and whoever has set group_exit. */
void kill_thread(struct task_struct *t);
/* The same as send_sig_info() for the process of @t: any thread may take it. */
int group_send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* A timer's signal: what it does before anybody looks at its action (SIGCONT, stops). False: @t's process
 * ignores it. */
bool prepare_signal(int sig, struct task_struct *t);
/* And its entry @q, which is on no queue, on that of @t, or (@group) of its process; and wakes it. */
void queue_sigqueue(struct sigqueue *q, struct task_struct *t, bool group);
/* For each process of the group @pgrp, kernel threads excepted. */
void kill_pgrp(struct machine *m, int sig, const struct k_siginfo *info, s32 pgrp);
/* A fault of the current task's own: unblocked, and default if it was blocked or ignored. */
void force_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* SIGSEGV and kin: si_code @code, si_addr @addr; and for the frame trap number, error code and (of page
 * faults) cr2. @t is the current task. See: force_sig_fault(), SDM vol. 3A, 6.15. */
void force_sig_fault(struct task_struct *t, int sig, int code, gva_t addr, u32 trapno,
		     u32 error_code, gva_t cr2);
/* The end of @t, whatever it has caught: for when nothing of the program is left. */
void force_fatal_sig(int sig, struct task_struct *t);
/* Something that the delivery of @sig (0: of none) needs in user memory is not there: SIGSEGV, and for a
 * SIGSEGV that is lost that way the end. @t is the current task. */
void force_sigsegv(struct task_struct *t, int sig);

/* rt_sigaction(2), each pointer may be NULL. 0; -EINVAL: no such signal, or its action is fixed. What
 * becomes ignored is no longer pending. */
int do_sigaction(struct task_struct *t, int sig, const struct k_sigaction *act,
		 struct k_sigaction *old);
/* exec: what was caught is default, what was ignored stays so, unless @force_default. */
void flush_signal_handlers(struct task_struct *t, bool force_default);

/* --- signal_queue.c: nothing here sleeps ---------------------------------------------------------- */

#define STOP_SIGNALS                                                                               \
	(sigmask_k(SIGSTOP) | sigmask_k(SIGTSTP) | sigmask_k(SIGTTIN) | sigmask_k(SIGTTOU))

/* Charges the user of @t with one more entry, however many there are if @unlimited. NULL: no memory, or the
 * limit. */
struct sig_user *charge_sigqueue(struct task_struct *t, bool unlimited);
/* Takes one back. */
void uncharge_sigqueue(struct machine *m, struct sig_user *user);
/* How many @uid has. */
u64 nr_user_sigqueue(const struct machine *m, u32 uid);

/* @sig for the set @p of @t's. 0; -EAGAIN: a real-time signal with a value that cannot be queued. */
int queue_signal(struct sigpending *p, int sig, const struct k_siginfo *info,
		 struct task_struct *t);
/* Empties @p, a set of @t's. */
void flush_signals(struct sigpending *p, struct task_struct *t);
/* The signals of @mask are pending no longer, for no thread of @t's: they are ignored, or undone by others. */
void flush_signal_mask(struct task_struct *t, sigset_k mask);

/* The next pending signal outside of @mask, taken off its queue: @t's own first, faults before others,
 * then the lowest number. 0: none. */
int dequeue_signal(struct task_struct *t, sigset_k mask, struct k_siginfo *info);
/* The next that an instruction of @t's own has caused; those come before all others, so that the frame shows
 * that instruction. 0: none. */
int dequeue_synchronous_signal(struct task_struct *t, struct k_siginfo *info);

/* Has @t something for do_signal(): a signal that it does not block, a stop? One of the process counts for
 * the thread that was chosen, and whoever has looked. Ends TASK_INTERRUPTIBLE sleeps. */
bool signal_pending(const struct task_struct *t);
/* Is it to end? TASK_KILLABLE sleeps end, too. */
bool fatal_signal_pending(const struct task_struct *t);
/* Looks again; after any change of what is pending or blocked. */
void recalc_sigpending(struct task_struct *t);
/* @t is to look. @fatal: whatever it waits for, and stopped, too. */
void signal_wake_up(struct task_struct *t, bool fatal);
/* @t's mask is @set from now on: what it no longer takes of its process's, others do. Linux:
 * set_current_blocked() */
void set_task_blocked(struct task_struct *t, sigset_k set);
/* The process's signals of @which, which @t would have taken, are for others. */
void retarget_shared_pending(struct task_struct *t, sigset_k which);

/* --- signal_stop.c ------------------------------------------------------------------------------- */

/* Stops @t, the current task, until SIGCONT or its end: with its process by @sig, which it has taken, or
 * (JOBCTL_STOP_PENDING) because others did. The last thread to stop tells the parent. False: it is to go
 * on; or (JOBCTL_TRAP_STOP is set) to stop for its tracer. Sleeps. */
bool do_signal_stop(struct task_struct *t, int sig);
/* JOBCTL_TRAP_MASK: the current task stops for its tracer. Sleeps. */
void do_jobctl_trap(struct task_struct *t);
/* @t stops, or ends instead. True: it was the last one, so all of the process has stopped. */
bool participate_group_stop(struct task_struct *t);
/* A thread that is about to be born stops with its process, @t's, if that does. */
void join_group_stop(struct task_struct *p, const struct task_struct *t);
/* Sets bits of JOBCTL_*; false: @t is about to end, and nothing is set. And clears them, with what belongs to
 * them. */
bool set_jobctl_pending(struct task_struct *t, u32 mask);
void clear_jobctl_pending(struct task_struct *t, u32 mask);
/* JOBCTL_TRAPPING is over: who waits for that goes on. */
void clear_jobctl_trapping(struct task_struct *t);
/* @t has JOBCTL_* to look at. @resume: also out of its tracer's stop. */
void ptrace_signal_wake_up(struct task_struct *t, bool resume);
/* SIGCONT is sent to @t's process: it goes on, whatever it does with the signal. */
void signal_continue(struct task_struct *t);
/* signal_struct.cld_notify is set: tells the parent of @t, which runs again. */
void notify_continued(struct task_struct *t);
/* @t begins to end: signals of the process are for others, and a stop does not wait for it. */
void exit_signals(struct task_struct *t);

/* --- siginfo.c ------------------------------------------------------------------------------------ */

/* Which member of struct k_siginfo's union counts; SIL_RT: kill, with its value. */
enum siginfo_layout {
	SIL_KILL,
	SIL_TIMER,
	SIL_POLL,
	SIL_FAULT,
	SIL_FAULT_MCEERR,
	SIL_CHLD,
	SIL_RT,
	SIL_SYS,
};
enum siginfo_layout siginfo_layout(int sig, int code);
/* Is it clear that a siginfo with @code uses no more than the kernel knows? known_siginfo_layout() */
bool siginfo_layout_known(int sig, int code);

/* signal.def: what happens without an action; does it end with a core status (SIGSEGV, SIGABRT, ...)?; and
 * the name, "SIGSEGV", "SIGRT" for those that have none. */
enum sig_default sig_default_action(int sig);
bool sig_coredump(int sig);
const char *sig_name(int sig);

/* --- signal_deliver.c ---------------------------------------------------------------------------- */

/* Before the current task goes back to guest code: delivers what is pending, restarts or ends the system
 * call that it interrupted. Sleeps while stopped, and for user memory. May not return: the default action
 * of many is the end. See: get_signal(), arch_do_signal_or_restart(). */
void do_signal(struct task_struct *t);

/* --- sigframe.c: both sleep for user memory ------------------------------------------------------- */

/* Builds the frame on the user's stack and points the registers at the handler: 0, or -EFAULT when
 * the stack cannot take it, or @ka has no restorer. See: arch/x86/kernel/signal_64.c. */
int setup_rt_frame(struct task_struct *t, int sig, const struct k_sigaction *ka,
		   const struct k_siginfo *info, sigset_k oldset);
/* rt_sigreturn(2): takes everything back from the frame; the new rax, or SIGSEGV is forced. */
long do_rt_sigreturn(struct task_struct *t);

#endif
