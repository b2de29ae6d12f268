/* struct task_struct: one guest task, and what several tasks can share.
 *
 *	machine.tasks --> task_struct -- mm -------> mm_struct       CLONE_VM      mm/mm.h
 *	                    |    |   \-- files ----> files_struct    CLONE_FILES   fs/file.h
 *	      real_parent <-+    |    -- fs -------> fs_struct       CLONE_FS      fs/vfs.h
 *	         children        |    -- sighand --> sighand_struct  CLONE_SIGHAND signal.h
 *	                         |
 *	                         +------ signal ---> signal_struct: the process; its threads share it
 *	                                             (CLONE_THREAD), and are on signal->threads
 *
 *	A life:  kmem_cache --> unborn --> task_link() --> runs <--> sleeps --> zombie --> release_task()
 *	         fork.c         pid.c                      sched.c              exit.c     wait.c
 *
 * All that is below changes on the machine's one CPU only, between two places where the task sleeps; who
 * holds a task over a sleep looks it up again by its number.
 *
 * Not for: numbers and look-up (pid.h), what happens to a task (fork.h, exec.h, exit.h, wait.h, signal.h,
 * sched.h), the first one (init.h), kernel threads (kthread.h).
 */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "base/treap.h"
#include "mm/mempolicy.h"
#include "proc/cred.h"
#include "proc/machine.h"
#include "proc/seccomp.h"
#include "proc/pid.h"
#include "proc/rusage.h"
#include "proc/signal.h"
#include "proc/user_dispatch.h"

#define TASK_COMM_LEN 16 /* with the NUL */
#define NR_RLIMITS 16
#define NR_GROUPS 64

/* personality(2) bits that mean something here. */
#define ADDR_COMPAT_LAYOUT_K 0x0200000U
#define ADDR_NO_RANDOMIZE_K 0x0040000U

enum exit_state {
	EXIT_NONE,   /* alive */
	EXIT_ZOMBIE, /* ended; somebody may wait for it */
	EXIT_DEAD,   /* and nobody will: the record goes at the next switch */
};

/* A process: what its threads share. Freed with the last task's record, so zombies have theirs. */
struct signal_struct {
	/* Set once. */
	s32 tgid;
	u64 start_ns; /* of the machine's clock */

	/* Its threads: pid.c, exit.c; de_thread() in exec_thread.c. */
	struct task_struct *leader;	/* who has the process's number; NULL: released */
	struct list_head threads;	/* of task_struct.thread_node, the leader among them */
	u32 nr_threads;			/* on that list: zombies too */
	u32 live;			/* that have not begun to end */
	struct task_struct *group_exec; /* waits in exec for the others' end; NULL: nobody does */

	/* Group and session: setpgid(2), setsid(2). */
	s32 pgrp, session;
	bool session_leader;	/* by setsid(), or as Vellum leads the host's */
	struct tty_struct *tty; /* controlling terminal, a reference; NULL: none: tty_jobctrl.c */
	s32 tty_old_pgrp;	/* a leader whose terminal hung up: the foreground of then */
	bool did_exec;		/* the parent may no longer setpgid() it */
	s32 autogroup_nice;	/* of the session; /proc/PID/autogroup */

	/* By setrlimit(2), prlimit(2); RLIMIT_*. mm/ goes by the running task's: task_set_rights(). */
	u64 rlim_cur[NR_RLIMITS], rlim_max[NR_RLIMITS];

	/* signal.c, signal_deliver.c */
	struct sigpending shared_pending; /* any thread may take these */
	bool group_exit;		  /* all of it is ending; nothing else is delivered */
	int group_exit_code;		  /* with that: wait(2) status word */
	struct task_struct *curr_target; /* who took the last one; NULL: nobody, or that has gone */
	bool stopped;			 /* all threads, by a signal: SIGNAL_STOP_STOPPED */
	bool continued;			 /* and nobody has waited for that yet */
	int stop_sig;			 /* to be reported by wait(2) once stopped; 0: nothing is */
	u32 group_stop_count;		 /* threads that are yet to stop */
	int cld_notify;			 /* CLD_*: the parent is yet to be told; 0: nothing */
	struct core_state *
		core_state; /* one of its threads writes a core file: coredump.c; NULL: none does */

	/* exit.c, wait.c, rusage.c */
	struct wait_queue_head wait_chldexit; /* this process in wait(2) for its children */
	bool is_child_subreaper;	      /* prctl(PR_SET_CHILD_SUBREAPER) */
	struct task_usage children;	      /* waited for, with theirs */
	struct task_usage dead;		      /* threads that are gone */
	struct task_io dead_io;		      /* theirs, and children's that were waited for */
	u64 maxrss;			      /* pages, of address spaces left behind */
	u64 seen_utime, seen_stime;	      /* CPU time never runs backwards */

	/* oom.c; /proc/PID/oom_score_adj */
	bool oom_victim;		      /* killed for its memory */
	s16 oom_score_adj, oom_score_adj_min; /* min: what needs CAP_SYS_RESOURCE to go below */

	/* posix_timer.c */
	struct treap posix_timers;	       /* of k_itimer, by number */
	struct list_head posix_timer_list;     /* the same, newest first */
	struct list_head ignored_posix_timers; /* that expired while their signal was ignored */
	struct list_head cpu_timers; /* armed on CPU clocks of this process and its threads */
	s32 next_posix_timer_id;
	bool timer_create_restore_ids; /* prctl(PR_TIMER_CREATE_RESTORE_IDS): callers choose */

	/* itimer.c */
	struct event_timer real_timer; /* ITIMER_REAL */
	u64 real_interval_ns;
	u64 cpu_expires_ns[2], cpu_interval_ns[2]; /* ITIMER_VIRTUAL, ITIMER_PROF; 0: off */

	u32 users; /* tasks; counted by fork and task_free() */
};

/* Debug registers of a task. */
struct thread_debug {
	struct hw_breakpoint {
		struct cpu_breakpoint at; /* its length and kind also when it is not enabled */
		bool made, enabled;	  /* made: there is an address, or it was enabled once */
	} bp[NR_BREAKPOINTS];
	bool armed;	 /* one is enabled */
	u64 dr7;	 /* as it was set */
	u32 virtual_dr6; /* what the last #DB was for: DR6_*; set bits are what happened */
};

/* Until a vfork child has given the address space back. On the parent's stack. */
struct vfork_wait {
	struct wait_queue_head wq;
	bool done;
};

/* task_struct.jobctl, as the kernel has it: signal_stop.c */
#define JOBCTL_STOP_SIGMASK 0xffffU	/* the signal of the last group stop */
#define JOBCTL_STOP_DEQUEUED (1U << 16) /* it took a stop signal, and no SIGCONT was sent since */
#define JOBCTL_STOP_PENDING (1U << 17)	/* it is to stop with its process */
#define JOBCTL_STOP_CONSUME (1U << 18)	/* and group_stop_count counts it */
#define JOBCTL_TRAP_STOP (1U << 19)	/* it is to stop for its tracer */
#define JOBCTL_TRAP_NOTIFY (1U << 20)	/* and again, as something has happened (PTRACE_SEIZE) */
#define JOBCTL_TRAPPING (1U << 21)	/* its tracer waits until it has */
#define JOBCTL_LISTENING (1U << 22)	/* PTRACE_LISTEN: stopped, but news end that */
#define JOBCTL_TRAP_MASK (JOBCTL_TRAP_STOP | JOBCTL_TRAP_NOTIFY)
#define JOBCTL_PENDING_MASK (JOBCTL_STOP_PENDING | JOBCTL_TRAP_MASK)

#define TIMER_SLACK_NS 50000UL /* of the first task */

struct task_struct {
	/* Set once, before anybody can find it. */
	struct machine *machine;
	s32 pid, tgid;
	u64 start_ns; /* of the machine's clock */

	/* What it shares or owns; each counts its users. Set by fork; files, fs and sighand are its own
	 * from exec on; mm and files are NULL from exit on. */
	struct mm_struct *mm; /* also NULL: kernel thread, first task before its exec */
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct sem_undo_list *sysvsem; /* NULL: no SEM_UNDO yet, nor CLONE_SYSVSEM */

	/* Its own signals: signal.c, signal_deliver.c, sys_signal.c. */
	struct sigpending pending;
	bool sigpending;	/* do_signal() is due: recalc_sigpending() */
	u32 jobctl;		/* JOBCTL_*: signal_stop.c */
	sigset_k blocked;	/* set_task_blocked() */
	sigset_k saved_blocked; /* with restore_sigmask: what do_signal() puts back */
	sigset_k real_blocked;	/* rt_sigtimedwait: what is blocked but for the wait */
	bool restore_sigmask;
	stack_t_k altstack;	 /* ss_size 0: none */
	u32 trap_nr, trap_error; /* of the last exception: for the signal frame */
	gva_t cr2;

	/* The scheduler's: sched.c. @state is also set by whoever is about to sleep, of itself. */
	enum task_wait state;	   /* TASK_RUNNING, or how it sleeps */
	struct list_head run_list; /* rq.queue; self-linked when on none */
	s64 slice;		   /* instructions left until others have their turn */
	s64 slice_left;	   /* the rest of one that somebody more urgent has cut short; 0: none */
	u64 nvcsw, nivcsw; /* switches away, of its own will and not */
	s32 nice;	   /* sched_set() */
	bool sched_reset_on_fork; /* SCHED_RESET_ON_FORK: the child's nice is at least 0; once */
	u16 ioprio;		  /* ioprio_set(2): kept and shown; 0: never set */
	u32 policy;		  /* SCHED_*: sched_set() */
	s32 rt_priority;	  /* 1 .. 99 of SCHED_FIFO and SCHED_RR, else 0: sched_set() */
	u64 rt_woken_ns; /* its CPU time when it last woke up as a real-time task: RLIMIT_RTTIME */
	s32 rt_boost; /* the highest of those who wait for its locks: futex_pi.c, sched_boost() */
	u64 sched_slice_ns;    /* asked for by sched_setattr(2), shown; 0: never */
	struct coro coro;      /* where it was left */
	void *stack;	       /* the usable part, canary at its low end; NULL: dead */
	struct cpu_regs regs;  /* while another task runs: task_regs() */
	struct fpu_state *fpu; /* own kmem_cache, 64-byte aligned; set with @stack */
	u64 avx512_ns;	       /* when it last left the CPU with AVX-512 state in use; 0: never */
	u64 retired;	       /* guest instructions, as of the last switch away */
	u64 seen_utime, seen_stime; /* CPU time never runs backwards */

	/* Lists of tasks: pid.c. */
	struct list_head tasks;	      /* machine.tasks, or unborn */
	struct list_head pid_link;    /* machine.pid_hash */
	struct list_head thread_node; /* signal->threads */
	struct pid *thread_pid;	      /* NULL: nobody has asked for a pidfd */

	/* The family: fork.c, exit.c, wait.c. */
	struct task_struct *real_parent; /* NULL: the machine's own init, which reaps at once */
	struct list_head children;	 /* by sibling: leaders of processes */
	struct list_head sibling;	 /* self-linked: not a leader, or an orphan */
	bool adopted;			 /* its parent died first */
	int exit_signal; /* to the parent; 0: none; -1: a thread, which nobody waits for */
	u32 self_exec_id, parent_exec_id; /* execs so far; the parent's, when it made this one */
	int pdeath_signal;		  /* when that ends: PR_SET_PDEATHSIG */
	bool exiting;			  /* do_exit() has begun: PF_EXITING */
	bool signaled;			  /* by a signal: PF_SIGNALED */
	bool post_coredump;		  /* no core file waits for it: PF_POSTCOREDUMP */
	enum exit_state exit_state;
	int exit_code; /* from do_exit() on: wait(2) status word; in a tracer's stop: what it is told, and says */
	struct vfork_wait *vfork_done; /* the parent waits there; NULL: nobody does */

	/* Tracing: ptrace.h. */
	u32 ptrace;			/* PT_*; 0: nobody traces it */
	u8 syscall_work;		/* SYSWORK_* */
	bool single_step, forced_tf;	/* PTRACE_SINGLESTEP; EFLAGS.TF was set for that */
	struct task_struct *tracer;	/* NULL: nobody */
	struct list_head ptraced;	/* whom it traces itself, by ptrace_entry */
	struct list_head ptrace_entry;	/* self-linked: nobody traces it */
	struct k_siginfo *last_siginfo; /* of the stop that it is in; on its stack; may be NULL */
	u64 ptrace_message;		/* of that: PTRACE_GETEVENTMSG */
	struct thread_debug debug;	/* breakpoints: ptrace_debugreg.c */
	bool block_step; /* PTRACE_SINGLEBLOCK; step_rip: where the instruction began */
	gva_t step_rip;

	/* Rights: cred.c, sys_cred.c. After a change: creds_changed(). */
	u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	u32 groups[NR_GROUPS], ngroups;
	struct task_caps caps;
	bool no_new_privs;		    /* PR_SET_NO_NEW_PRIVS: stays, and children have it */
	struct seccomp_state seccomp;	    /* seccomp.h */
	struct user_dispatch user_dispatch; /* user_dispatch.h: prctl(2) */

	/* The system call it is in: syscalls/, signal_deliver.c. */
	u64 syscall_nr;	  /* being served, as it was in rax: 32 bits of it count; ~0: none */
	bool compat_call; /* through int 0x80 */
	/* How restart_syscall(2) goes on with a sleep that a stop interrupted. */
	struct {
		long (*fn)(struct task_struct *t); /* NULL: there is nothing to go on with */
		u64 expires_ns;			   /* of the machine's clock */
		gva_t user; /* nanosleep: where the time left goes; poll: its list; futex: its word */
		u32 nr;	    /* of the list; futex: what its word held */
		u32 bitset; /* futex */
		bool shared;
	} restart_block;

	/* What the program told the kernel, and exec or fork mostly forgets. */
	char comm[TASK_COMM_LEN]; /* NUL-terminated: exec, prctl(PR_SET_NAME), /proc/PID/comm */
	u32 personality;
	bool tsc_faults; /* rdtsc is a #GP: prctl(PR_SET_TSC); fork and exec keep it */
	u8 mce_kill;	 /* PR_MCE_KILL_LATE, EARLY, DEFAULT: kept; no memory fails here */
	bool io_flusher; /* prctl(PR_SET_IO_FLUSHER): kept */
	struct task_mempolicy mempolicy; /* fork hands it on, exec keeps it */
	gva_t set_child_tid;		 /* clone(2): written by the child's first step */
	gva_t clear_child_tid;		 /* set_tid_address(2): written at the end */
	gva_t robust_list;		 /* set_robust_list(2) */
	u64 robust_list_len;
	struct futex_pi *pi_owned;     /* locks that others wait for: futex_pi.c */
	struct futex_q *pi_blocked_on; /* the one that it waits for; NULL: none */
	bool futex_dead;	       /* it ends, and has given its locks up: FUTEX_STATE_DEAD */
	gva_t rseq;		       /* rseq(2); 0: not registered */
	u32 rseq_len, rseq_sig;
	bool rseq_event;			    /* others ran: rseq_resume() is due */
	u64 timer_slack_ns, default_timer_slack_ns; /* prctl(PR_SET_TIMERSLACK); not acted on */
	u32 login_plus_1;  /* /proc/PID/loginuid; 0: nobody has logged in */
	u32 login_session; /* /proc/PID/sessionid */

	/* Counters: nobody acts on them. */
	struct fault_counts flt; /* mm/, while it runs: memory.faults */
	struct task_io io;	 /* fs/ calls of syscalls/ */

	/* Kernel threads: kthread.c. The first task is one until its exec. */
	int (*kthread)(struct task_struct *t, void *arg); /* NULL: a program */
	void *kthread_arg;
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

/* The task that runs on this machine's CPU; NULL: the idle loop does. */
static inline struct task_struct *current_task(struct machine *m)
{
	return m->rq.curr;
}

/* Does the process have its number from @t? The others of its threads have exit_signal -1. */
static inline bool thread_group_leader(const struct task_struct *t)
{
	return t->pid == t->tgid;
}

/* Is @t, a leader, the only record of its process that is left? */
static inline bool thread_group_empty(const struct task_struct *t)
{
	return t->signal->nr_threads == 1;
}

/* @pos: each thread of @t's process, those that have ended included, in the order of birth. */
#define for_each_thread(t, pos) list_for_each_entry (pos, &(t)->signal->threads, thread_node)

/* The one after @t, round and round. */
static inline struct task_struct *next_thread(const struct task_struct *t)
{
	struct list_head *next = t->thread_node.next;

	if (next == &t->signal->threads)
		next = next->next;
	return list_entry(next, struct task_struct, thread_node);
}

/* The real-time priority that @t runs with: its own, or that of one who waits for its lock; 0: none. */
static inline s32 task_rt_priority(const struct task_struct *t)
{
	return max(t->rt_priority, t->rt_boost);
}

/* What /proc shows of how urgent @t is: below 0 for real-time tasks. See: Linux, task_prio(). */
static inline s32 task_prio(const struct task_struct *t)
{
	s32 rt = task_rt_priority(t);

	return rt ? -1 - rt : 20 + t->nice;
}

/* Has @t ended, but for its record? */
static inline bool task_is_dead(const struct task_struct *t)
{
	return t->exit_state != EXIT_NONE;
}

/* The registers of @t, wherever they are: on the CPU while it runs. */
static inline struct cpu_regs *task_regs(struct task_struct *t)
{
	return t == t->machine->rq.curr ? &t->machine->cpu.regs : &t->regs;
}

/* The soft limit @which (RLIMIT_*) of @t's process. */
static inline u64 rlimit(const struct task_struct *t, unsigned which)
{
	return t->signal->rlim_cur[which];
}

/* mm/ goes by @t's limits and capabilities from now on. */
static inline void task_set_rights(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;

	mem->rlim_cur = t->signal->rlim_cur;
	mem->rlim_max = t->signal->rlim_max;
	mem->caps = &t->caps.effective;
}

/* --- task.c: nothing here sleeps ---------------------------------------------------------------- */

/* A task with nothing but a stack and a process of its own, asleep, in no list: for init.c and kthread.c.
 * Its first step runs kthread(), or the program. ERR_PTR(-ENOMEM). */
struct task_struct *task_alloc(struct machine *m, s32 pid);
/* Kernel stack, coroutine and FPU state (not set). 0 or -ENOMEM; task_free() takes back what there is. */
int task_init_stack(struct task_struct *t);
/* Of one that has ended and will never be switched to: only its record is left. */
void task_free_stack(struct task_struct *t);
/* Takes a dead task out of all lists and frees what remains of it. When the last thread goes that was not
 * the leader, and the leader has ended, the parent hears of the process's end now. */
void release_task(struct task_struct *t);
/* Frees a task that is in no list, or unborn; what it does not have is NULL. Not its mm. */
void task_free(struct task_struct *t);
/* Drops a reference to what CLONE_FS shares. */
void fs_put(struct machine *m, struct fs_struct *fs);
/* Drops a reference to what CLONE_SIGHAND shares. */
void sighand_put(struct machine *m, struct sighand_struct *s);
/* As getppid(2): 0 for the first task, 1 for orphans. */
s32 task_ppid(const struct task_struct *t);

#endif
