/* pidfds seen from below: what a file keeps of a process, and what happens without memory. */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/poll.h"
#include "proc/kthread.h"
#include "proc/pidfd.h"
#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

static struct machine *machine(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 32UL << 20), 0);
	return m;
}

static int nothing(struct task_struct *t, void *arg)
{
	(void)t;
	(void)arg;
	return 0;
}

/* One struct pid for all of a process's files; it outlives the process as long as there is one. */
static void a_file_outlives_its_process(void)
{
	struct machine *m = machine();
	struct task_struct *t = kthread_create(m, "t", nothing, NULL);
	struct file *a = pidfd_create(t, 0), *b = pidfd_create(t, O_NONBLOCK);
	struct pid *pid = pidfd_pid(a);

	CU_ASSERT_PTR_EQUAL_FATAL(pidfd_pid(b), pid);
	CU_ASSERT_EQUAL(a->f_path.dentry->ino, b->f_path.dentry->ino);
	CU_ASSERT_EQUAL(pid->refcount, 3);
	CU_ASSERT_EQUAL(vfs_poll(a, NULL), 0);
	fput(b);
	t->exit_state = EXIT_ZOMBIE;
	t->exit_code = 7 << 8;
	pidfd_notify_exit(t);
	CU_ASSERT_EQUAL(vfs_poll(a, NULL), EPOLLIN | EPOLLRDNORM);
	release_task(t);
	CU_ASSERT_EQUAL(vfs_poll(a, NULL), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	CU_ASSERT_PTR_NULL(pid->task);
	CU_ASSERT_EQUAL(pid->exit_code, 7 << 8);
	CU_ASSERT_EQUAL(pid->refcount, 1);
	fput(a);
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
}

static void failure_at_each_step(void)
{
	struct machine *m = machine();
	struct task_struct *t = kthread_create(m, "t", nothing, NULL);
	u64 files = m->vfs.nr_files;
	bool over = false;
	u32 nth;

	for (nth = 1; !over && nth < 50; nth++) {
		struct file *f;

		m->mem.fail_nth = nth;
		f = pidfd_create(t, 0);
		over = m->mem.fail_nth;
		m->mem.fail_nth = 0;
		CU_ASSERT_EQUAL(IS_ERR(f), !over);
		if (over)
			fput(f);
		CU_ASSERT_EQUAL(m->vfs.nr_files, files);
	}
	CU_ASSERT(nth > 2 && nth < 50);
	CU_ASSERT_EQUAL(t->thread_pid->refcount, 1);
	t->exit_state = EXIT_DEAD;
	release_task(t);
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_file_outlives_its_process),
	UNIT_TEST(failure_at_each_step),
	UNIT_END,
};
const struct unit_suite suite_pidfd = {"pidfd", tests};
