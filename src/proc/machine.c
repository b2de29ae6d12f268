/* Putting a machine together and taking it apart. See machine.h. */
#include "proc/machine.h"

#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/host.h"
#include "base/log.h"
#include "fs/devtmpfs.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "fs/tty.h"
#include "proc/futex.h"
#include "proc/ksmd.h"
#include "proc/oom.h"
#include "proc/posix_timer.h"
#include "proc/procfs/procfs.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"
#include "proc/userfaultfd.h"

static int make_caches(struct machine *m)
{
	const struct {
		struct kmem_cache **cache;
		const char *name;
		unsigned size, align;
	} caches[] = {
		{&m->task_cache, "task_struct", sizeof(struct task_struct), 64},
		{&m->signal_cache, "signal_cache", sizeof(struct signal_struct), 64},
		{&m->sighand_cache, "sighand_cache", sizeof(struct sighand_struct), 64},
		{&m->sigqueue_cache, "sigqueue", sizeof(struct sigqueue), 0},
		{&m->posix_timer_cache, "posix_timers_cache", sizeof(struct k_itimer), 0},
		{&m->fpu_cache, "x86_fpu", sizeof(struct fpu_state), 64},
		{&m->fs_cache, "fs_cache", sizeof(struct fs_struct), 64},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
		struct kmem_cache *c = kmem_cache_create(&m->mem, caches[i].name, caches[i].size,
							 caches[i].align, SLAB_PANIC, NULL);

		if (IS_ERR(c))
			return PTR_ERR(c);
		*caches[i].cache = c;
	}
	return 0;
}

static u32 clamp_threads(u64 n)
{
	return max((u64)20, min(n, (u64)32000));
}

static int boot_fail(const char *what, int err)
{
	log_line("%s: %s", what, strerrordesc_np(-err));
	return err;
}

static void traced_task(void *arg, char *buf)
{
	const struct task_struct *t = current_task(arg);

	if (t)
		snprintf(buf, TRACE_TASK_LEN, "%s-%d", *t->comm ? t->comm : "swapper", t->pid);
}

/* Each of the next four makes a part of the machine, or fails and leaves nothing of it. */

static int init_memory(struct machine *m)
{
	int err = memory_init(&m->mem, m->config.mem_size);

	if (err) {
		log_line("guest memory: %lu MiB: %s (ulimit -v too low? --mem can be less)",
			 m->config.mem_size >> 20, strerrordesc_np(-err));
		return err;
	}
	if (m->config.trace.on)
		m->mem.trace = &m->config.trace;
	/* As the kernel: kernel stacks may take an eighth of RAM. */
	m->max_threads = clamp_threads(m->config.mem_size / (8 * (PAGE_SIZE << KSTACK_ORDER)));
	err = make_caches(m);
	if (!err)
		return 0;
	memory_destroy(&m->mem);
	return boot_fail("kernel objects", err);
}

static int init_cpu(struct machine *m)
{
	const struct machine_config *c = &m->config;
	bool makes_code;
	int err;

	m->code = code_cache_new(&m->mem);
	if (IS_ERR(m->code)) {
		err = PTR_ERR(m->code);
		return boot_fail("code cache", err);
	}
	makes_code = code_cache_makes_code(m->code);
	if (!makes_code) {
		if (m->config.cpu_model > CPU_MODEL_V2)
			m->config.cpu_model = CPU_MODEL_V2;
		log_line("this host grants no executable memory: all is interpreted, vector "
			 "instructions slowly, as --cpu %s",
			 cpu_model_name(c->cpu_model));
	}
	err = cpu_init(&m->cpu, &m->mem, m->code, &c->tlb, c->cpu_model);
	if (err) {
		code_cache_free(m->code);
		return boot_fail("cpu", err);
	}
	m->cpu.single_step = c->single_step;
	if (c->engine == ENGINE_INTERP || !makes_code) {
		if (c->jit_perf || c->jit_gdb)
			log_line("--perf, --gdb: nothing is translated, so there is nothing to "
				 "name");
		return 0;
	}
	err = code_cache_translate(m->code,
				   &(struct jit_options){.size = c->jit_size,
							 .l1_entries = c->tlb.l1_entries,
							 .perf = c->jit_perf,
							 .count = c->jit_count,
							 .lockstep = c->engine == ENGINE_LOCKSTEP});
	if (err)
		log_line("no translation, all is interpreted: %s",
			 err == -ENOSYS	 ? "the host lacks FSGSBASE"
			 : err == -EPERM ? "it grants no executable memory for it"
					 : strerrordesc_np(-err));
	else
		cpu_guard_stack(&m->cpu);
	return 0;
}

/* From here on tasks could sleep. */
static int init_scheduling(struct machine *m)
{
	int err;

	sched_init(m);
	m->config.trace.task = traced_task;
	m->config.trace.task_arg = m;
	err = event_loop_init(&m->events);
	if (err)
		return boot_fail("event loop", err);
	m->events.sched = &m->sched;
	machine_clock_init(m);
	machine_rng_init(m);
	return 0;
}

static int init_files(struct machine *m)
{
	const char *root = m->config.root;
	int err = vfs_init(&m->vfs, &m->mem, &m->events, root);

	if (!err && root)
		err = devtmpfs_init(&m->vfs);

	if (err) {
		vfs_destroy(&m->vfs);
		return boot_fail(root ? root : "/", err);
	}
	m->vfs.read_ahead_host = m->config.read_ahead_host;
	m->vfs.no_network = m->config.no_network;
	if (m->config.read_only)
		vfs_set_read_only(&m->vfs);
	creds_init(m);
	tty_jobctrl_init(m);
	machine_rng_init_dev(m);
	userfaultfd_init_dev(m);
	err = procfs_init(m);
	if (!err)
		err = devshm_init(&m->vfs);
	if (!err)
		err = devmqueue_init(&m->vfs);
	if (!err)
		err = devpts_init(&m->vfs);
	if (!err)
		return 0;
	vfs_destroy(&m->vfs);
	return boot_fail("/proc, /sys, /dev/shm", err);
}

int machine_init(struct machine *m, const struct machine_config *config)
{
	int err;

	m->config = *config;
	m->signal_fd = -1;
	INIT_LIST_HEAD(&m->binfmts);
	INIT_LIST_HEAD(&m->sig_users);
	pid_init(m);
	futex_init(m);
	err = init_memory(m);
	if (err)
		return err;
	err = init_cpu(m);
	if (err)
		goto out_memory;
	err = init_scheduling(m);
	if (err)
		goto out_cpu;
	ksmd_init(m);
	machine_oom_init(m);
	userfaultfd_init(m);
	err = init_files(m);
	if (!err)
		return 0;

	event_loop_destroy(&m->events);
out_cpu:
	cpu_destroy(&m->cpu);
	code_cache_free(m->code);
out_memory:
	memory_destroy(&m->mem);
	return err;
}

/* Its children stand in a list whose head is about to go. */
static void leave_children(struct task_struct *t)
{
	struct task_struct *child, *next;

	list_for_each_entry_safe (child, next, &t->children, sibling) {
		list_del_init(&child->sibling);
		child->real_parent = NULL;
	}
}

/* What is left: zombies, kernel threads, and tasks of a machine that is given up as it stands. */
static void kill_rest(struct machine *m)
{
	struct task_struct *t, *n;

	list_for_each_entry_safe (t, n, &m->tasks, tasks) {
		leave_children(t);
		ptrace_forget(t);
		event_timer_del(&t->signal->real_timer);
		if (t->mm) {
			mmput(t->mm);
			t->mm = NULL;
		}
		release_task(t);
	}
}

void machine_shutdown(struct machine *m)
{
	kill_rest(m);
	tlb_switch(&m->cpu.tlb, NULL);
	if (m->signal_fd >= 0)
		host_close(m->signal_fd);
	vfs_destroy(&m->vfs);
	event_loop_destroy(&m->events);
	cpu_destroy(&m->cpu);
	code_cache_free(m->code);
}

void machine_destroy(struct machine *m)
{
	machine_shutdown(m);
	VM_BUG_ON(memory_leaks(&m->mem));
	memory_destroy(&m->mem);
}

int machine_run(struct machine *m)
{
	struct task_struct *init = find_task_by_pid(m, m->init_pid);

	if (!init)
		BUG("machine_run() without machine_exec()");
	wake_up_process(init);
	sched_run(m, &m->ended);
	return m->exit_status;
}

static int complain(const struct task_struct *t, const char *what)
{
	log_line("pid %d: %s", t->pid, what);
	return -EFAULT;
}

/* What the threads of a process agree on. */
static int validate_group(const struct task_struct *t)
{
	const struct signal_struct *s = t->signal;
	const struct task_struct *p;
	u32 threads = 0, live = 0;
	int err = 0;

	for_each_thread(t, p)
	{
		threads++;
		live += !p->exiting;
		if (p->signal != s || p->tgid != t->tgid)
			err = complain(p, "a thread of another process");
	}
	if (threads != s->nr_threads || live != s->live)
		err = complain(t,
			       "threads, or those of them that live, are not as many as counted");
	if (s->leader != t)
		err = complain(t, "has the process's number, but does not lead it");
	return err;
}

int machine_validate(struct machine *m)
{
	u32 records = 0, programs = 0;
	struct task_struct *t;
	int err = memory_validate(&m->mem);

	if (sched_validate(m))
		err = -EFAULT;
	list_for_each_entry (t, &m->tasks, tasks) {
		struct task_struct *child;

		records++;
		programs += !t->kthread && !task_is_dead(t);
		if (t->stack && *(u64 *)t->stack != KSTACK_CANARY)
			err = complain(t, "kernel stack canary gone");
		if (thread_group_leader(t) && validate_group(t))
			err = -EFAULT;
		if (find_task_by_pid(m, t->pid) != t)
			err = complain(t, "not found by its number");
		if (task_is_dead(t) && (t->mm || t->files || t->fs || !list_empty(&t->children)))
			err = complain(t, "dead, but still has something");
		list_for_each_entry (child, &t->children, sibling)
			if (child->real_parent != t)
				err = complain(child, "in the list of children of another");
		list_for_each_entry (child, &t->ptraced, ptrace_entry)
			if (child->tracer != t || !child->ptrace || task_is_dead(t))
				err = complain(child, "in the list of tracees of another");
		if ((t->tracer && !t->ptrace) || !t->tracer != list_empty(&t->ptrace_entry))
			err = complain(t, "traced, but by nobody");
	}
	if (records != m->nr_records || programs != m->nr_tasks) {
		log_line("%u tasks, %u of them alive; counted %u and %u", records, programs,
			 m->nr_records, m->nr_tasks);
		err = -EFAULT;
	}
	return err;
}
