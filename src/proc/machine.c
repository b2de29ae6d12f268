/* Putting a machine together and taking it apart. */
#include "proc/machine.h"

#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "proc/procfs/procfs.h"
#include "proc/task.h"

static int make_caches(struct machine *m)
{
	const struct {
		struct kmem_cache **cache;
		const char *name;
		unsigned size, align;
	} caches[] = {
		{ &m->task_cache, "task_struct", sizeof(struct task_struct), 64 },
		{ &m->signal_cache, "signal_cache", sizeof(struct signal_struct), 64 },
		{ &m->sighand_cache, "sighand_cache", sizeof(struct sighand_struct), 64 },
		{ &m->sigqueue_cache, "sigqueue", sizeof(struct sigqueue), 0 },
		{ &m->fpu_cache, "x86_fpu", sizeof(struct fpu_state), 64 },
		{ &m->fs_cache, "fs_cache", sizeof(struct fs_struct), 64 },
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
	INIT_LIST_HEAD(&m->binfmts);
	err = memory_init(&m->mem, config->mem_size);
	if (err)
		return boot_fail("guest memory", err);
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
	machine_clock_init(m);
	machine_rng_init(m);
	err = vfs_init(&m->vfs, &m->mem, &m->events, config->root);
	if (err) {
		boot_fail(config->root ? config->root : "/", err);
		goto out_events;
	}
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

/* Tasks that are left when the first one has ended: killed, as a kernel does at the end of init. */
static void kill_rest(struct machine *m)
{
	struct task_struct *t, *n;

	list_for_each_entry_safe(t, n, &m->tasks, tasks) {
		if (t->mm) {
			mmput(t->mm);
			t->mm = NULL;
		}
		release_task(t);
	}
}

void machine_destroy(struct machine *m)
{
	kill_rest(m);
	tlb_switch(&m->cpu.tlb, NULL);
	vfs_destroy(&m->vfs);
	event_loop_destroy(&m->events);
	cpu_destroy(&m->cpu);
	code_cache_free(m->code);
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

int machine_validate(struct machine *m)
{
	struct task_struct *t;
	int err = memory_validate(&m->mem);

	list_for_each_entry(t, &m->tasks, tasks) {
		if (t->stack && *(u64 *)t->stack != KSTACK_CANARY) {
			log_line("pid %d: kernel stack canary gone", t->pid);
			err = -EFAULT;
		}
	}
	return err;
}
