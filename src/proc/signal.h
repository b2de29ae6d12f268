/* Signals: actions, pending sets, delivery. The frame on the user's stack is sigframe.c's. */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include <signal.h>

#include "base/list.h"
#include "base/types.h"

struct machine;
struct task_struct;
typedef u64 sigset_k; /* the kernel's: bit n-1 is signal n */
#define NR_SIGNALS 64
#define sigmask_k(sig) (1UL << ((sig)-1))
#define UNBLOCKABLE_MASK (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))
#define SS_AUTODISARM_K (1U << 31)

enum sig_default { SIG_TERM, SIG_IGNORE, SIG_STOPS, SIG_CONTINUES };

/* struct sigaction of the kernel ABI. */
struct k_sigaction {
	gva_t handler;
	u64 flags;
	gva_t restorer;
	sigset_k mask;
};

typedef struct {
	gva_t ss_sp;
	s32 ss_flags;
	u32 pad;
	u64 ss_size;
} stack_t_k;

/* siginfo_t of the kernel ABI, 128 bytes. */
#define MINSIGSTKSZ_K 2048U /* bytes: no alternate stack is smaller */

struct k_siginfo {
	s32 si_signo, si_errno, si_code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} kill;
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
		u8 bytes[112];
	};
};

/* One queued signal; standard signals queue once, real-time signals as often as they come. */
struct sigqueue {
	struct list_head list;
	struct k_siginfo info;
};

struct sigpending {
	struct list_head list; /* of sigqueue, oldest first */
	sigset_k signal;       /* which are pending; a bit without an entry: no memory for it */
};

struct sighand_struct {
	u32 users;
	struct k_sigaction action[NR_SIGNALS];
};

/* Makes @sig (1 .. 64) pending for one task and wakes it. @info NULL: from the kernel. 0, also when
 * it is ignored; -EAGAIN: RLIMIT_SIGPENDING, for queued real-time signals only. */
int send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* The same for the process of @t: any thread may take it. */
int group_send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* For each process of a group. */
void kill_pgrp(struct machine *m, int sig, const struct k_siginfo *info, s32 pgrp);
/* A fault of the current task's own: unblocked, and default if it was blocked or ignored. */
void force_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t);
/* A fault: SIGSEGV and kin with si_addr, trap number, error code and cr2 for the frame. */
void force_sig_fault(struct task_struct *t, int sig, int code, gva_t addr, u32 trapno,
		     u32 error_code, gva_t cr2);
/* A signal is pending that @t neither blocks nor ignores. */
bool signal_pending(const struct task_struct *t);
/* One is that ends the process: TASK_KILLABLE sleeps end, too. */
bool fatal_signal_pending(const struct task_struct *t);
/* The next pending signal outside of @mask, taken off its queue; 0: none. */
int dequeue_signal(struct task_struct *t, sigset_k mask, struct k_siginfo *info);
/* Before going back to guest code: delivers what is pending. May not return (fatal). */
void do_signal(struct task_struct *t);
int do_sigaction(struct task_struct *t, int sig, const struct k_sigaction *act,
		 struct k_sigaction *old);
/* exec: what was caught is default, what was ignored stays so, unless @force_default. */
void flush_signal_handlers(struct task_struct *t, bool force_default);
/* The first task: what the host ignores is ignored, the rest is default. */
void inherit_signal_actions(struct task_struct *t);
void flush_signals(struct sigpending *p, struct task_struct *t);
/* Builds the frame on the user's stack and points the registers at the handler: 0, or -EFAULT when
 * the stack cannot take it. */
int setup_rt_frame(struct task_struct *t, int sig, const struct k_sigaction *ka,
		   const struct k_siginfo *info, sigset_k oldset);
/* rt_sigreturn(2): takes everything back from the frame; the new rax, or SIGSEGV is forced. */
long do_rt_sigreturn(struct task_struct *t);
enum sig_default sig_default_action(int sig);
/* The default action ends the task with a core status? (SIGSEGV, SIGABRT, ...) */
bool sig_coredump(int sig);
const char *sig_name(int sig); /* "SIGSEGV" */

#endif
