/* struct machine: one emulated computer. There are no other mutable globals: two machines can
 * live in one host process. Rooms below see their own part (struct memory, struct vfs, ...). */
#ifndef PROC_MACHINE_H
#define PROC_MACHINE_H

#include "base/event.h"
#include "cpu/cpu.h"
#include "fs/file.h"
#include "mm/huge_memory.h"
#include "mm/memory.h"
#include "proc/sched.h"

struct linux_binfmt;

#define PID_HASH_SIZE 1024U
#define FUTEX_HASH_SIZE 256U
#define UNBUILT_BITS 1024 /* system call numbers of both tables */
struct task_struct;

/* What the command line (or a test) chooses; kept unchanged by the machine. */
struct machine_config {
	u64 mem_size; /* bytes */
	struct tlb_geometry tlb;
	enum cpu_model cpu_model;
	bool deterministic; /* virtual clock */
	bool strace;	    /* a line a system call on the log */
	u64 seed;	    /* of AT_RANDOM, getrandom */
	const char *root;   /* NULL: the host's "/" */
	enum { VDSO_REFERENCE, VDSO_HOST } vdso_layout;
	bool read_ahead_host; /* windows as the host's devices have them; else 128 KiB */
	bool single_step;
	u64 nofile_cur; /* RLIMIT_NOFILE's soft limit before Vellum raised its own; 0: as the host's */
	bool sigpipe_ignored; /* before Vellum ignored it for itself */
	u64 sig_watched; /* by sigmask_k(): signals of the host that Vellum blocks and passes on */
	u64 core_cur;	 /* RLIMIT_CORE's, before Vellum set its own to 0 */
};

/* Settings of /proc/sys: vm_sysctl.def. */
enum vm_sysctl {
#define VM_SYSCTL(name, type, dflt, low, high, cap, after) VM_SYSCTL_##name,
#define VM_SYSCTL_AT(name, type, place, low, high, cap, after) VM_SYSCTL_##name,
#include "proc/vm_sysctl.def"
#undef VM_SYSCTL
#undef VM_SYSCTL_AT
	NR_VM_SYSCTLS
};

struct machine {
	struct machine_config config;
	struct memory mem;
	struct cpu cpu; /* one for now; per-CPU state never lives elsewhere */
	struct code_cache *code;
	struct event_loop events;
	struct vfs vfs;
	struct sched sched; /* how wait queues sleep and wake */
	struct rq rq;
	struct list_head tasks;	 /* every task_struct, by pid: task->tasks */
	struct list_head unborn; /* by the same link: those that fork has given a number only */
	struct list_head pid_hash[PID_HASH_SIZE];  /* of task->pid_link */
	struct list_head futexes[FUTEX_HASH_SIZE]; /* futex.c: those who wait, by word */
	s32 last_pid, init_pid;			   /* init_pid: the first task's, set once */
	s32 last_kthread_pid;
	u64 last_pidfs_ino;	  /* pidfd.c */
	u32 max_threads;	  /* kernel.threads-max, by the size of RAM */
	bool clone_named;	  /* the log has named what clone(2) lacks */
	bool pids_wrapped;	  /* numbers are used again: process groups may have them */
	u32 nr_tasks;		  /* programs that have not ended */
	u32 nr_records;		  /* tasks of either kind, zombies too */
	u64 nr_sigqueue;	  /* queued signals */
	u64 nr_forks;		  /* since boot: /proc/stat's processes */
	struct list_head binfmts; /* registered by the loader */
	struct task_struct *ksmd; /* kthread.c; NULL: nobody has needed it */
	struct wait_queue_head ksmd_wait;
	struct vdso *vdso; /* the loader's: frames of [vdso] and [vvar] */
	/* Serves a system call for the current task: syscalls/ registers it. */
	void (*do_syscall)(struct task_struct *t, bool compat);
	/* "main+0x12" for a guest address, if the program's symbols tell (loader/); may be NULL. */
	/* The vdso once more, near @addr: its bytes of code; -EEXIST: it is there; -ENOMEM; -EINVAL: there is
	 * none for @bits (32). */
	long (*map_vdso)(struct machine *m, struct mm_struct *mm, gva_t addr, int bits);
	bool (*symbolize)(struct machine *m, struct task_struct *t, gva_t addr, char *buf,
			  u64 size);
	/* Told before a task's mm goes at exit (compare, --stats); may be NULL. */
	void (*on_exit)(struct machine *m, struct task_struct *t, void *arg);
	void *on_exit_arg;
	struct kmem_cache *task_cache, *signal_cache, *sighand_cache, *fpu_cache, *sigqueue_cache;
	struct kmem_cache *fs_cache;
	u64 boot_ns;	 /* host CLOCK_BOOTTIME at start: /proc/uptime counts from here */
	u64 virtual_ns;	 /* --deterministic: the clock, from retired instructions and idle jumps */
	u64 rng[4];	 /* state of getrandom */
	int exit_status; /* wait(2) status word of the first task's end */
	bool init_ended; /* the first task has: exit_status is set */
	bool ended;	 /* the last program has */
	int end_signal; /* of the host's, passed on: what the rest is told if the first dies of it */
	int signal_fd;	/* the host's signals; -1: not watched */
	u64 nr_syscalls;
	u64 autogroup_next_ns;	      /* when /proc/PID/autogroup takes the next number */
	u32 login_sessions;	      /* so many there were */
	int vm_sysctl[NR_VM_SYSCTLS]; /* /proc/sys, changed by procfs/sysctl.c only ... */
	u64 dirty_bytes, dirty_background_bytes; /* ... and these, which are longer */
	u64 nr_hugepages, nr_overcommit_hugepages;
	struct thp_settings thp; /* /sys/kernel/mm/transparent_hugepage */
	u64 shm_max, shm_all;
	int shm_mni, lowmem_reserve_ratio[5];
	u64 unbuilt_named[UNBUILT_BITS / 64]; /* calls that the log has named: syscalls/ */
	u64 retired_others; /* instructions retired up to the last switch, less the current task's */
	struct machine_internal *in;
};

/* Builds a machine; nothing runs yet. The struct is the caller's, zeroed. 0 or -errno, with one
 * line on the log. */
int machine_init(struct machine *m, const struct machine_config *config);
/* Writes dirty pages back, ends all tasks, closes all files: what is left is m->mem, where nothing
 * should be in use any more (memory_leaks()). For who wants to look; then memory_destroy(). */
void machine_shutdown(struct machine *m);
/* The same, and the memory goes, too. Debug builds stop at what was left behind. */
void machine_destroy(struct machine *m);
/* Runs until the first task and all that it left behind have ended: the first one's wait(2) status
 * word. */
int machine_run(struct machine *m);
/* For a process that is one machine: its inherited descriptors, which the first task has copies of,
 * are closed (0 and 1 become /dev/null), so that the guest's closing one is seen outside. */
void machine_drop_inherited(void);
/* Signals of the host (config.sig_watched, which the caller has blocked) go to the guest from now
 * on: to the first task, and what a terminal sends to its process group. 0 or -errno. */
int machine_watch_signals(struct machine *m);
/* The first task has ended. What was told to end goes on being told: the rest hears of it. */
void host_signals_init_ended(struct machine *m);
/* Whole state: memory_validate() plus tasks and files. 0 or -EFAULT. */
int machine_validate(struct machine *m);

/* clock.c, called once by machine_init(). */
void machine_clock_init(struct machine *m);
void machine_rng_init(struct machine *m);
/* Nanoseconds of a guest clock (CLOCK_REALTIME, MONOTONIC, BOOTTIME, *_CPUTIME_ID ...). */
int machine_clock_gettime(struct machine *m, struct task_struct *t, int clk, struct timespec *ts);
u64 machine_now_ns(struct machine *m); /* monotonic */
/* @n bytes of the machine's repeatable randomness. */
void machine_random(struct machine *m, void *buf, u64 n);
/* The machine that a task's memory belongs to. */
static inline struct machine *memory_machine(struct memory *mem)
{
	return container_of(mem, struct machine, mem);
}

#endif
