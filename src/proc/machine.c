/* Putting a machine together and taking it apart. */
#include "proc/machine.h"

#include <string.h>

#include "base/bug.h"
#include "base/host.h"
#include "base/log.h"
#include "proc/futex.h"
#include "proc/kthread.h"
#include "proc/procfs/procfs.h"
#include "proc/task.h"
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
	log_line("%s: %s", what, strerror(-err));
	return err;
}

int machine_init(struct machine *m, const struct machine_config *config)
{
	int err;

	m->config = *config;
	m->last_pid = 299; /* pids start at 300: low ones are the host's kernel threads */
	INIT_LIST_HEAD(&m->tasks);
	INIT_LIST_HEAD(&m->unborn);
	INIT_LIST_HEAD(&m->binfmts);
	for (unsigned i = 0; i < PID_HASH_SIZE; i++)
		INIT_LIST_HEAD(&m->pid_hash[i]);
	futex_init(m);
	m->last_kthread_pid = 1;
	m->signal_fd = -1;
	err = memory_init(&m->mem, config->mem_size);
	if (err)
		return boot_fail("guest memory", err);
	/* As the kernel: kernel stacks may take an eighth of RAM. */
	m->max_threads = clamp_threads(config->mem_size / (8 * (PAGE_SIZE << KSTACK_ORDER)));
	err = make_caches(m);
	if (err) {
		boot_fail("kernel objects", err);
		goto out_memory;
	}
	m->code = code_cache_new(&m->mem);
	if (IS_ERR(m->code)) {
		err = boot_fail("code cache", PTR_ERR(m->code));
		goto out_memory;
	}
	err = cpu_init(&m->cpu, &m->mem, m->code, &config->tlb, config->cpu_model);
	if (err) {
		boot_fail("cpu", err);
		goto out_code;
	}
	m->cpu.single_step = config->single_step;
	sched_init(m);
	err = event_loop_init(&m->events);
	if (err) {
		boot_fail("event loop", err);
		goto out_cpu;
	}
	m->events.sched = &m->sched;
	machine_kthreads_init(m);
	machine_oom_init(m);
	userfaultfd_init(m);
	machine_clock_init(m);
	machine_rng_init(m);
	err = vfs_init(&m->vfs, &m->mem, &m->events, config->root);
	if (err) {
		boot_fail(config->root ? config->root : "/", err);
		goto out_events;
	}
	m->vfs.read_ahead_host = config->read_ahead_host;
	userfaultfd_init_dev(m);
	err = procfs_init(m);
	if (err) {
		boot_fail("/proc", err);
		goto out_vfs;
	}
	return 0;

out_vfs:
	vfs_destroy(&m->vfs);
out_events:
	event_loop_destroy(&m->events);
out_cpu:
	cpu_destroy(&m->cpu);
out_code:
	code_cache_free(m->code);
out_memory:
	memory_destroy(&m->mem);
	return err;
}

/* What is left: zombies, kernel threads, and tasks of a machine that is given up as it stands. */
static void kill_rest(struct machine *m)
{
	struct task_struct *t, *n;

	list_for_each_entry_safe (t, n, &m->tasks, tasks) {
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

int machine_validate(struct machine *m)
{
	u32 records = 0, programs = 0;
	struct task_struct *t;
	int err = memory_validate(&m->mem);

	list_for_each_entry (t, &m->tasks, tasks) {
		struct task_struct *child;

		records++;
		programs += !t->kthread && !task_is_dead(t);
		if (t->stack && *(u64 *)t->stack != KSTACK_CANARY)
			err = complain(t, "kernel stack canary gone");
		if (find_task_by_pid(m, t->pid) != t)
			err = complain(t, "not found by its number");
		if (task_is_dead(t) && (t->mm || t->files || t->fs || !list_empty(&t->children)))
			err = complain(t, "dead, but still has something");
		list_for_each_entry (child, &t->children, sibling)
			if (child->real_parent != t)
				err = complain(child, "in the list of children of another");
	}
	if (records != m->nr_records || programs != m->nr_tasks) {
		log_line("%u tasks, %u of them alive; counted %u and %u", records, programs,
			 m->nr_records, m->nr_tasks);
		err = -EFAULT;
	}
	return err;
}
