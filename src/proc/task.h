/* struct task_struct: one guest task, and what its threads will share. */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include <sys/resource.h>

#include "mm/mempolicy.h"
#include "proc/cred.h"
#include "proc/machine.h"
#include "proc/signal.h"

#define TASK_COMM_LEN 16
#define NR_RLIMITS 16

/* personality(2) bits that mean something here. */
#define ADDR_COMPAT_LAYOUT_K 0x0200000U
#define ADDR_NO_RANDOMIZE_K 0x0040000U

enum exit_state { EXIT_NONE, EXIT_ZOMBIE, EXIT_DEAD };

/* What tasks have used up: of children that were waited for. */
struct task_usage {
	u64 retired; /* guest instructions: CPU time is shared out by them */
	struct fault_counts flt;
	u64 nvcsw, nivcsw;
	u64 maxrss; /* pages; the greatest, not the sum */
};

/* Shared by the threads of a process; zombies have theirs. */
struct signal_struct {
	u32 users;
	s32 tgid, pgrp, session;
	struct task_struct *leader;			/* thread group leader */
	u64 rlim_cur[NR_RLIMITS], rlim_max[NR_RLIMITS]; /* by RLIMIT_* */
	bool group_exit;
	bool oom_victim;		      /* killed for its memory: oom.c */
	int group_exit_code;		      /* wait(2) status word */
	s16 oom_score_adj, oom_score_adj_min; /* min: what needs CAP_SYS_RESOURCE to go below */
	s32 autogroup_nice;		      /* of the session; /proc/PID/autogroup */
	struct sigpending shared_pending;
	u64 start_ns;			      /* of the machine's clock */
	struct wait_queue_head wait_chldexit; /* parents in wait(2) */
	bool is_child_subreaper;	      /* prctl(PR_SET_CHILD_SUBREAPER) */
	bool did_exec;			      /* the parent may no longer setpgid() it */
	bool stopped;			      /* by a signal: SIGNAL_STOP_STOPPED */
	bool continued;			      /* and nobody has waited for that yet */
	int stop_sig;			      /* to be reported by wait(2); 0: nothing is */
	struct event_timer real_timer;	      /* ITIMER_REAL */
	u64 real_interval_ns;
	/* ITIMER_VIRTUAL, ITIMER_PROF: on the process's CPU-time clock; 0: off. */
	u64 cpu_expires_ns[2], cpu_interval_ns[2];
	u64 cpu_limit_ns;	    /* next SIGXCPU by RLIMIT_CPU */
	u64 seen_utime, seen_stime; /* CPU time never runs backwards */
	struct task_usage children; /* waited for, with theirs */
	u64 maxrss;		    /* pages, of address spaces left behind */
};

/* Until a vfork child has given the address space back. On the parent's stack. */
struct vfork_wait {
	struct wait_queue_head wq;
	bool done;
};

#define TIMER_SLACK_NS 50000UL /* of the first task */

/* /proc/PID/io: what read(2), write(2) and their kin moved, and how often they were called. */
struct task_io {
	u64 rchar, wchar, syscr, syscw;
};

struct task_struct {
	struct machine *machine; /* set once */
	s32 pid, tgid;		 /* set once */
	enum task_wait state;	 /* TASK_RUNNING, or how it sleeps */
	enum exit_state exit_state;
	struct pid *thread_pid; /* pidfd.h; NULL: nobody has asked for a pidfd */
	struct mm_struct *mm;	/* NULL: kernel thread, or after exit_mm() */
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct sigpending pending;
	sigset_k blocked, saved_blocked;
	sigset_k real_blocked; /* rt_sigtimedwait: what is blocked but for the wait */
	bool restore_sigmask;
	struct task_struct *real_parent; /* NULL: the machine's own init, which reaps at once */
	struct list_head children, sibling;
	struct list_head tasks;	   /* machine.tasks */
	struct list_head pid_link; /* machine.pid_hash */
	struct list_head run_list; /* rq.queue; self-linked when on none */
	char comm[TASK_COMM_LEN];
	u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	u32 groups[64], ngroups;
	struct task_caps caps; /* cred.c */
	u32 personality;
	struct task_mempolicy mempolicy; /* fork hands it on, exec keeps it */
	int exit_code;			 /* wait(2) status word */
	int exit_signal;		 /* to the parent; 0: none */
	int pdeath_signal;
	s32 nice;
	u32 login_plus_1,
		login_session; /* /proc/PID/loginuid, sessionid; 0: nobody has logged in */
	bool adopted;	       /* its parent died first */
	struct vfork_wait *vfork_done;
	gva_t set_child_tid; /* clone(2): written by the child's first step */
	gva_t clear_child_tid, robust_list;
	u64 robust_list_len;
	gva_t rseq;
	u32 rseq_len, rseq_sig;
	struct fault_counts flt;
	struct task_io io;
	u64 timer_slack_ns, default_timer_slack_ns; /* prctl(PR_SET_TIMERSLACK); not acted on */
	u64 nvcsw, nivcsw;
	u64 start_ns;
	stack_t_k altstack;
	u32 trap_nr, trap_error; /* of the last exception: for the signal frame */
	gva_t cr2;
	u64 retired; /* guest instructions, as of the last switch away */
	s64 slice;   /* instructions left until others have their turn */

	/* The CPU's state while another task runs; the kernel stack and where it was left. */
	struct cpu_regs regs;
	struct fpu_state *fpu; /* own kmem_cache, 64-byte aligned */
	struct coro coro;
	void *stack; /* the usable part, canary at its low end; NULL: dead */
	int (*kthread)(struct task_struct *t, void *arg);
	void *kthread_arg;
	u64 syscall_nr; /* being served, ~0: none */
	/* How restart_syscall(2) goes on with a sleep that a stop interrupted. */
	struct {
		long (*fn)(struct task_struct *t); /* NULL: there is nothing to go on with */
		u64 expires_ns;			   /* of the machine's clock */
		gva_t user; /* nanosleep: where the time left goes; poll: its list; futex: its word */
		u32 nr;	    /* of the list; futex: what its word held */
		u32 bitset; /* futex */
		bool shared;
	} restart_block;
	bool compat_call; /* through int 0x80 */
};

/* A kernel stack is one block of guest RAM. Sanitizers widen every frame. Debug builds give its
 * lowest page up to be a guard that the host enforces: who runs over the end stops there. */
#ifdef __SANITIZE_ADDRESS__
#define KSTACK_ORDER 5
#define KSTACK_GUARD 0UL
#elif defined(CONFIG_DEBUG_VM)
#define KSTACK_ORDER 3
#define KSTACK_GUARD PAGE_SIZE
#else
#define KSTACK_ORDER 2
#define KSTACK_GUARD 0UL
#endif
#define KSTACK_SIZE ((PAGE_SIZE << KSTACK_ORDER) - KSTACK_GUARD) /* bytes from task->stack on */
#define KSTACK_CANARY 0x57ac6e9d57ac6e9dUL

/* The task that runs on this machine's CPU. */
static inline struct task_struct *current_task(struct machine *m)
{
	return m->rq.curr;
}

/* The first task: no mm yet, descriptors 0, 1, 2 and other inherited ones installed, cwd the
 * host's. ERR_PTR(-ENOMEM). */
struct task_struct *task_create_init(struct machine *m);
/* A task of the machine's own, without an address space, asleep: wake_up_process() starts it. It
 * ends when @fn returns. ERR_PTR(-ENOMEM). */
struct task_struct *kthread_create(struct machine *m, const char *name,
				   int (*fn)(struct task_struct *t, void *arg), void *arg);
struct task_struct *find_task_by_pid(struct machine *m, s32 pid);
/* Is the number free of tasks, process groups and sessions? The next such. */
s32 alloc_pid(struct machine *m);
/* Gives @t, in no list yet, such a number, which nobody else gets while the rest of it is made. */
void task_reserve_pid(struct task_struct *t);
/* Enters a complete task in the machine's lists. */
void task_link(struct task_struct *t);
/* Kernel stack, coroutine and FPU state. 0 or -ENOMEM. */
int task_init_stack(struct task_struct *t);
/* Of one that has ended: only its record is left. */
void task_free_stack(struct task_struct *t);
/* Frees a dead task's remains: nobody can find it any longer. */
void release_task(struct task_struct *t);
/* Frees a task that is in no list; what it does not have is NULL. */
void task_free(struct task_struct *t);
/* Drops a reference to what CLONE_FS shares. */
void fs_put(struct machine *m, struct fs_struct *fs);
/* As getppid(2): 0 for the first task, 1 for orphans. */
s32 task_ppid(const struct task_struct *t);
/* Has @t ended, but for its record? */
static inline bool task_is_dead(const struct task_struct *t)
{
	return t->exit_state != EXIT_NONE;
}

/* mm/ goes by @t's limits and capabilities from now on. */
static inline void task_set_rights(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;

	mem->rlim_cur = t->signal->rlim_cur;
	mem->rlim_max = t->signal->rlim_max;
	mem->caps = &t->caps.effective;
}

/* The task loop: runs guest code, serves what stops it, never returns (schedule() away for
 * good at the end). Entry point of each user task's coroutine. */
void task_loop(struct task_struct *t);

/* --- fork.c ---------------------------------------------------------------------------------- */

struct kernel_clone_args {
	u64 flags; /* CLONE_*, without the exit signal */
	int exit_signal;
	gva_t parent_tid, child_tid, tls;
	gva_t stack; /* the child's first rsp; 0: as the parent's */
	gva_t pidfd; /* CLONE_PIDFD: where the descriptor goes */
};

/* fork(2), vfork(2), clone(2): the child's pid, or -EAGAIN, -ENOMEM, -EINVAL, -ENOSYS (threads,
 * name spaces). With CLONE_VFORK it returns once the child has left the address space. */
long kernel_clone(struct task_struct *t, const struct kernel_clone_args *args);
/* For exec: files and handlers of its own, where they are shared. 0 or -ENOMEM. */
int unshare_files(struct task_struct *t);
int unshare_sighand(struct task_struct *t);
/* The task leaves t->mm (exec, exit): robust locks, CLONE_CHILD_CLEARTID, the end of a vfork. */
void mm_release(struct task_struct *t);

/* --- robust.c -------------------------------------------------------------------------------- */

/* Marks the locks that @t, the current task, leaves behind: FUTEX_OWNER_DIED. t->mm is still there. */
void exit_robust_list(struct task_struct *t);

/* --- exit.c ---------------------------------------------------------------------------------- */

/* Ends the current task. The machine ends with its last program. Never returns. */
void do_exit(struct task_struct *t, int status_word) __noreturn;
/* All threads; status as wait(2) reports: code << 8, or a signal's number. */
void do_group_exit(struct task_struct *t, int status_word) __noreturn;
/* Is @pgrp without a member whose parent is in another group of the same session? Such a group
 * cannot be continued by anybody. @leaving: does not count as a member. */
bool is_orphaned_pgrp(struct machine *m, s32 pgrp, const struct task_struct *leaving);
/* Tells @t's parent that it stopped or went on: SIGCHLD (unless SA_NOCLDSTOP) and a wake-up. */
void do_notify_parent_cldstop(struct task_struct *t, int why, int status);

/* --- oom.c ----------------------------------------------------------------------------------- */

#define OOM_SCORE_ADJ_MIN (-1000) /* never killed for its memory */
#define OOM_NEVER (-0x7fffffffffffffffL)

/* How much would come back, in pages of @total; OOM_NEVER: it is spared. See: oom_badness(). */
s64 oom_badness(struct task_struct *t, u64 total);
/* Kills whoever has most, unless somebody is dying for it already. False: there is nobody to kill. */
bool out_of_memory(struct machine *m);
/* Tells mm/ whom to ask. */
void machine_oom_init(struct machine *m);

/* --- wait.c ---------------------------------------------------------------------------------- */

enum wait_which { WAIT_ALL, WAIT_PID, WAIT_PGID };

/* What a wait asks for, and what it finds. */
struct wait_opts {
	enum wait_which which;
	s32 id;
	int flags;	  /* W* */
	bool eagain;	  /* P_PIDFD, non-blocking: nothing to report is -EAGAIN */
	int status;	  /* out: wait(2) status word */
	int cause, value; /* out: CLD_* and si_status */
	s32 pid;	  /* out; 0: none yet (WNOHANG) */
	u32 uid;
	struct rusage *ru; /* out, if not NULL */
};

/* wait4(2), waitid(2): 0 (wo->pid says who), -ECHILD, -ERESTARTSYS. */
int do_wait(struct task_struct *t, struct wait_opts *wo);
/* getrusage(2): RUSAGE_SELF, RUSAGE_CHILDREN; RUSAGE_BOTH_K is both. */
#define RUSAGE_BOTH_K (-2)
void task_rusage(struct task_struct *t, int who, struct rusage *ru);

/* --- itimer.c -------------------------------------------------------------------------------- */

struct itimer_ns {
	u64 value_ns, interval_ns; /* until it goes off (0: off), and then */
};

/* ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF of the process. */
void itimer_get(struct task_struct *t, int which, struct itimer_ns *it);
void itimer_set(struct task_struct *t, int which, const struct itimer_ns *it);
/* At the end of the process. */
void exit_itimers(struct task_struct *t);
/* Does CPU time have to be watched? Then look in often, and let the timers go off. */
bool cpu_timers_armed(const struct task_struct *t);
void run_cpu_timers(struct task_struct *t);

/* --- clock.c, task.c ------------------------------------------------------------------------- */

/* The registers of @t, wherever they are: on the CPU while it runs. */
static inline struct cpu_regs *task_regs(struct task_struct *t)
{
	return t == t->machine->rq.curr ? &t->machine->cpu.regs : &t->regs;
}

/* Guest instructions that the task has executed. */
u64 task_retired(const struct task_struct *t);
/* CPU time: the host process's, shared out by retired instructions. Nanoseconds. */
void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);
/* Of children that were waited for. */
void task_children_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);

static inline u64 rlimit(const struct task_struct *t, unsigned which)
{
	return t->signal->rlim_cur[which];
}

#endif
