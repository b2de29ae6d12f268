/* How a kernel thread is made. See kthread.h. */
#include "proc/kthread.h"

#include <stdio.h>

#include "base/err.h"
#include "proc/task.h"

struct task_struct *kthread_create(struct machine *m, const char *name,
				   int (*fn)(struct task_struct *t, void *arg), void *arg)
{
	struct task_struct *t = task_alloc(m, ++m->last_kthread_pid);

	if (IS_ERR(t))
		return t;
	snprintf(t->comm, sizeof(t->comm), "%s", name);
	t->signal->pgrp = t->signal->session = 0;
	t->blocked = ~0UL;
	t->kthread = fn;
	t->kthread_arg = arg;
	task_link(t);
	return t;
}
