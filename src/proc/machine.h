/* struct machine: one emulated computer. There are no other mutable globals: two machines can live in one
 * host process.
 *
 *	machine_init --> machine_exec (init.h) --> machine_run --> machine_shutdown, memory_destroy
 *	                 the first program          until the       or machine_destroy for both
 *	                                            last has ended
 *
 * Rooms below see their own part of it: mm/ struct memory, fs/ struct vfs, cpu/ struct cpu, base/ struct
 * event_loop and struct sched. memory_machine() and vfs_machine() lead back.
 *
 * Not for: what a machine does while it runs (loop.h, sched.h).
 */
#ifndef PROC_MACHINE_H
#define PROC_MACHINE_H

#include "base/event.h"
#include "base/trace.h"
#include "cpu/cpu.h"
#include "fs/file.h"
#include "fs/mqueue.h"
#include "mm/huge_memory.h"
#include "mm/memory.h"
#include "proc/clock.h"
#include "proc/coredump.h"
#include "proc/sched.h"
#include "proc/timekeeping.h"
#include "proc/utsname.h"

struct linux_binfmt;
struct task_struct;

#define PID_HASH_SIZE 1024U
#define FUTEX_HASH_SIZE 256U
#define UNBUILT_BITS 1024 /* system call numbers of both tables */

/* What the command line (or a test) chooses; kept unchanged by the machine. */
struct machine_config {
	u64 mem_size; /* bytes */
	struct tlb_geometry tlb;
	enum cpu_model cpu_model;
	enum cpu_engine engine;
	u64 jit_size; /* bytes of translated code at most; 0: the translator's own default */
	bool jit_gdb, jit_perf; /* gdb, and perf, are to know translated code */
	bool jit_count;		/* it counts what it does */
	bool deterministic;	/* virtual clock */
	bool strace;		/* a line a system call on the log */
	struct trace trace;	/* tracepoints that print a line on the log */
	u64 seed;		/* of AT_RANDOM, getrandom, and with vary_slices of slices */
	bool vary_slices;	/* the seed was chosen: it decides how tasks take turns, too */
	const char *root;	/* NULL: the host's "/" */
	enum { VDSO_REFERENCE, VDSO_HOST } vdso_layout;
	bool read_ahead_host; /* windows as the host's devices have them; else 128 KiB */
	bool no_network;      /* no socket goes through the host */
	bool read_only;	      /* the host's tree cannot be changed */
	bool single_step;
	u64 nofile_cur; /* RLIMIT_NOFILE's soft limit before Vellum raised its own; 0: as the host's */
	bool sigpipe_ignored, sigxfsz_ignored; /* before Vellum ignored them for itself */
	u64 sig_watched; /* by sigmask_k(): signals of the host that Vellum blocks and passes on */
	u64 core_cur;	 /* RLIMIT_CORE's, before Vellum set its own to 0 */
};

/* The numbers below /proc/sys: sysctl.def. */
enum sysctl_id {
#define PROC(dir, name, mode, kind, get, write, flags)
#define SYSCTL(dir, name, mode, id, type, dflt, low, high, cap, after) SYSCTL_##id,
#define SYSCTL_AT(dir, name, mode, id, type, place, low, high, cap, after) SYSCTL_##id,
#include "proc/procfs/sysctl.def"
#undef PROC
#undef SYSCTL
#undef SYSCTL_AT
	NR_SYSCTLS
};

struct machine {
	struct machine_config config; /* set once */

	/* The hardware. */
	struct memory mem;
	CPU_AND_STACK(cpu); /* one for now; per-CPU state never lives elsewhere */
	struct code_cache *code;

	/* What the guest's kernel stands on. */
	struct event_loop events; /* the host's descriptors, and timers */
	struct sched sched;	  /* how wait queues sleep and wake: sched_init() */
	struct rq rq;		  /* who runs, and who would: sched.c */
	struct vfs vfs;
	struct kmem_cache *task_cache, *signal_cache, *sighand_cache, *fpu_cache, *sigqueue_cache;
	struct kmem_cache *fs_cache, *posix_timer_cache;

	/* Tasks: pid.c, and counts by fork.c, exit.c. */
	struct list_head tasks;	 /* every task_struct, by pid: task->tasks */
	struct list_head unborn; /* by the same link: those that fork has given a number only */
	struct list_head pid_hash[PID_HASH_SIZE]; /* of task->pid_link */
	s32 last_pid;				  /* given to a program */
	s32 last_kthread_pid;
	s32 init_pid;	    /* the first task's, set once */
	bool pids_wrapped;  /* or chosen by clone3(2): process groups may have what comes next */
	u64 last_pidfs_ino; /* of struct pid */
	int max_threads;    /* kernel.threads-max; at start by the size of RAM */
	u32 nr_tasks;	    /* programs that have not ended */
	u32 nr_records;	    /* tasks of either kind, zombies too */
	u64 nr_forks;	    /* since boot: /proc/stat's processes */
	struct list_head sig_users; /* of sig_user: signal_queue.c */
	u64 retired_others; /* instructions retired up to the last switch, less the current task's */
	struct list_head futexes[FUTEX_HASH_SIZE]; /* futex.c: those who wait, by word */
	struct task_struct *ksmd;		   /* ksmd.c; NULL: nobody has needed it */
	struct wait_queue_head ksmd_wait;

	/* Time and chance: clock.c. */
	u64 boot_ns;	/* of machine_now_ns() at start: /proc/uptime counts from here; set once */
	u64 virtual_ns; /* --deterministic: what was skipped while idle */
	u64 rng[4];	/* state of machine_random() */
	struct timekeeper tk; /* not with --deterministic, but for tk.data.tick_ns */

	/* Registered from above, each once, before the first program. */
	struct list_head binfmts; /* the loader's: exec.h */
	struct vdso *vdso;	  /* the loader's: frames of [vdso] and [vvar] */
	/* Serves a system call for the current task: syscalls/. May sleep. */
	void (*do_syscall)(struct task_struct *t, bool compat);
	/* The vdso once more, near @addr: its bytes of code; -EEXIST: it is there; -ENOMEM; -EINVAL: there
	 * is none for @bits (32). */
	long (*map_vdso)(struct machine *m, struct mm_struct *mm, gva_t addr, int bits);
	/* "main+0x12" for a guest address, if the program's symbols tell (loader/); may be NULL. */
	bool (*symbolize)(struct machine *m, struct task_struct *t, gva_t addr, char *buf,
			  u64 size);
	/* Told before a task's mm goes at exit (compare, --stats); may be NULL. */
	void (*on_exit)(struct machine *m, struct task_struct *t, void *arg);
	void *on_exit_arg;

	u32 nr_unsupported; /* instructions that raised #UD for want of something: traps.c */

	/* The end: exit.c, host_signals.c. */
	int exit_status; /* wait(2) status word of the first task's end */
	bool init_ended; /* the first task has: exit_status is set */
	bool ended;	 /* the last program has */
	int end_signal; /* of the host's, passed on: what the rest is told if the first dies of it */
	int signal_fd;	/* the host's signals; -1: not watched */

	/* Settings: /proc/sys (procfs/sysctl.c) and /sys (procfs/hugepages.c) change them. */
	int sysctl[NR_SYSCTLS];
	u64 dirty_bytes, dirty_background_bytes; /* these do not fit in there */
	u64 nr_hugepages, nr_overcommit_hugepages;
	u64 shm_max, shm_all;
	int shm_mni, lowmem_reserve_ratio[5];
	int sem_ctls[4]; /* kernel.sem: msl, mns, opm, mni */
	struct msg_limits msg_limits;
	struct uts_names uts;
	char core_pattern[CORENAME_MAX_SIZE]; /* kernel.core_pattern: coredump.c */
	struct mqueue_limits mqueue_limits;
	struct thp_settings thp; /* /sys/kernel/mm/transparent_hugepage */

	/* /proc/PID/autogroup, loginuid */
	u64 autogroup_next_ns; /* when autogroup takes the next number */
	u32 login_sessions;    /* so many there were */

	/* What has been counted, and told on the log once. */
	u64 nr_syscalls;
	u64 unbuilt_named[UNBUILT_BITS / 64]; /* calls: syscalls/ */
	bool set_id_named;		      /* execve(2) of a set-user-ID program */
};

/* Builds a machine; nothing runs yet. @m is the caller's, zeroed, and stays where it is; @config is copied.
 * 0; -errno with one line on the log, and nothing is left to be freed. */
int machine_init(struct machine *m, const struct machine_config *config);
/* Runs until the first task and all that it left behind have ended: the first one's wait(2) status
 * word. On the host's stack; sleeps in the host when there is nothing to do. */
int machine_run(struct machine *m);
/* Writes dirty pages back, ends all tasks, closes all files: what is left is m->mem, where nothing
 * should be in use any more (memory_leaks()). For who wants to look; then memory_destroy(). */
void machine_shutdown(struct machine *m);
/* The same, and the memory goes, too. Debug builds stop at what was left behind. */
void machine_destroy(struct machine *m);

/* Whole state: memory_validate() plus tasks. 0; -EFAULT, and the log says what. */
int machine_validate(struct machine *m);

/* The machine that a part of it belongs to. */
static inline struct machine *memory_machine(struct memory *mem)
{
	return container_of(mem, struct machine, mem);
}

static inline struct machine *vfs_machine(struct vfs *v)
{
	return container_of(v, struct machine, vfs);
}

#endif
