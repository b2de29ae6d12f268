/* struct task_struct: one guest task, and what its threads will share. */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include <sys/resource.h>

#include "proc/machine.h"
#include "proc/signal.h"

#define TASK_COMM_LEN 16
#define NR_RLIMITS 16

enum exit_state { EXIT_NONE, EXIT_ZOMBIE, EXIT_DEAD };

/* Shared by the threads of a process. */
struct signal_struct {
	u32 users;
	s32 tgid, pgrp, session;
	u64 rlim_cur[NR_RLIMITS], rlim_max[NR_RLIMITS]; /* by RLIMIT_* */
	bool group_exit;
	int group_exit_code; /* wait(2) status word */
	s16 oom_score_adj;
	struct sigpending shared_pending;
	u64 start_ns; /* of the machine's clock */
};

struct task_struct {
	struct machine *machine; /* set once */
	s32 pid, tgid;		 /* set once */
	enum task_wait state;	 /* TASK_RUNNING, or how it sleeps */
	enum exit_state exit_state;
	u64 deadline_ns;	 /* of the sleep; WAIT_FOREVER */
	struct mm_struct *mm; /* NULL: kernel thread, or after exit_mm() */
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct sigpending pending;
	sigset_k blocked, saved_blocked;
	bool restore_sigmask;
	struct task_struct *real_parent;
	struct list_head children, sibling;
	struct list_head tasks;	   /* machine.tasks */
	struct list_head run_list; /* rq.queue; self-linked when on none */
	char comm[TASK_COMM_LEN];
	u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	u32 groups[64], ngroups;
	u32 personality;
	int exit_code; /* wait(2) status word */
	gva_t clear_child_tid, robust_list;
	u64 robust_list_len;
	gva_t rseq;
	u32 rseq_len, rseq_sig;
	u64 maj_flt, min_flt;
	u64 nvcsw, nivcsw;
	u64 start_ns;
	bool dumpable;
	stack_t_k altstack;
	u32 trap_nr, trap_error; /* of the last exception: for the signal frame */
	gva_t cr2;
	u64 retired; /* guest instructions, as of the last switch away */

	/* The CPU's state while another task runs; the kernel stack and where it was left. */
	struct cpu_regs regs;
	struct fpu_state *fpu; /* own kmem_cache, 64-byte aligned */
	struct coro coro;
	void *stack;		/* KSTACK_ORDER block of guest RAM, canary at the low end */
	int (*kthread)(struct task_struct *t, void *arg);
	void *kthread_arg;
	u64 syscall_nr;	  /* being served, ~0: none */
	/* How restart_syscall(2) goes on with a sleep that a stop interrupted. */
	struct {
		u64 expires_ns; /* of the machine's clock */
		gva_t rmtp;	/* where the time left goes; 0: nowhere */
		bool armed;
	} restart_block;
	bool compat_call; /* through int 0x80 */
};

#ifdef __SANITIZE_ADDRESS__
#define KSTACK_ORDER 5
#else
#define KSTACK_ORDER 2
#endif
#define KSTACK_CANARY 0x57ac6e9d57ac6e9dUL

/* The task that runs on this machine's CPU. */
static inline struct task_struct *current_task(struct machine *m)
{
	return m->rq.curr;
}

/* The first task: no mm yet, descriptors 0, 1, 2 and other inherited ones installed, cwd the
 * host's. ERR_PTR(-ENOMEM). */
struct task_struct *task_create_init(struct machine *m);
struct task_struct *find_task_by_pid(struct machine *m, s32 pid);
/* Frees a dead task's remains. */
void release_task(struct task_struct *t);

/* The task loop: runs guest code, serves what stops it, never returns (schedule() away for
 * good at the end). Entry point of each user task's coroutine. */
void task_loop(struct task_struct *t);

/* Ends the current task; the first task's end ends the machine. Never returns. */
void do_exit(struct task_struct *t, int status_word) __noreturn;
/* All threads; status as wait(2) reports: code << 8, or a signal's number. */
void do_group_exit(struct task_struct *t, int status_word) __noreturn;

/* The registers of @t, wherever they are: on the CPU while it runs. */
static inline struct cpu_regs *task_regs(struct task_struct *t)
{
	return t == t->machine->rq.curr ? &t->machine->cpu.regs : &t->regs;
}

/* CPU time: the host process's, shared out by retired instructions. Nanoseconds. */
void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);

static inline u64 rlimit(const struct task_struct *t, unsigned which)
{
	return t->signal->rlim_cur[which];
}

#endif
