/* ksmd: scans a few pages, sleeps a little; without work it sleeps until mm/ calls the hook. See ksmd.h. */
#include "proc/ksmd.h"

#include "base/err.h"
#include "base/log.h"
#include "mm/ksm.h"
#include "proc/kthread.h"
#include "proc/task.h"

static int ksmd(struct task_struct *t, void *arg)
{
	struct machine *m = arg;
	u64 cpu_ns = 0, begun;
	struct ksm_info i;

	for (;;) {
		wait_event(&m->ksmd_wait, ksm_should_run(&m->mem));
		ksm_read_info(&m->mem, &i);
		begun = machine_now_ns(m);
		ksm_set_clock(&m->mem, begun, cpu_ns);
		ksm_do_scan(&m->mem, i.pages_to_scan);
		cpu_ns += machine_now_ns(m) - begun;
		wait_event_state(&m->ksmd_wait, false, TASK_UNINTERRUPTIBLE,
				 machine_now_ns(m) + (i.sleep_millisecs + 1UL) * NSEC_PER_MSEC);
	}
	return t->exit_code; /* not reached */
}

static void ksm_wake(void *arg)
{
	struct machine *m = arg;
	struct task_struct *t;

	if (m->ksmd) {
		wake_up(&m->ksmd_wait);
		return;
	}
	t = kthread_create(m, "ksmd", ksmd, m);
	if (IS_ERR(t)) {
		log_line("ksmd: no memory");
		return;
	}
	m->ksmd = t;
	wake_up_process(t);
}

void ksmd_init(struct machine *m)
{
	init_waitqueue_head(&m->ksmd_wait, &m->sched);
	m->mem.hooks.ksm_wake = ksm_wake;
	m->mem.hooks.ksm_arg = m;
}
