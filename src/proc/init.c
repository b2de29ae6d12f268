/* The first task: it starts as a kernel thread that executes the program, like the kernel's init. */
#include "base/log.h"
#include "proc/exec.h"

struct init_args {
	const char *filename;
	char *const *argv, *const *envp;
	char *why;
	bool done;
	int err;
};

static int kernel_init(struct task_struct *t, void *arg)
{
	struct init_args *a = arg;

	const struct exec_name name = {.name = a->filename};

	a->err = do_execveat(t, &name, (struct user_strings){.host = a->argv},
			     (struct user_strings){.host = a->envp}, 0, a->why);
	a->done = true;
	if (a->err)
		return 125;
	t->kthread = NULL;		 /* a program from here on */
	t->state = TASK_UNINTERRUPTIBLE; /* back to machine_exec(), until machine_run() wakes it */
	schedule(t->machine);
	task_loop(t);
	return 0;
}

int machine_exec(struct machine *m, const char *filename, char *const *argv, char *const *envp,
		 char why[160])
{
	struct init_args a = {filename, argv, envp, why, false, 0};
	struct task_struct *t = task_create_init(m);

	if (IS_ERR(t))
		return PTR_ERR(t);
	t->kthread = kernel_init;
	t->kthread_arg = &a;
	wake_up_process(t);
	sched_run(m, &a.done);
	return a.err;
}
