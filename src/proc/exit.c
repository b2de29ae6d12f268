/* The end of a task. */
#include "base/log.h"
#include "proc/task.h"

static void exit_mm(struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	if (!mm)
		return;
	t->min_flt += mm->min_flt;
	t->maj_flt += mm->maj_flt;
	t->mm = NULL;
	tlb_switch(&t->machine->cpu.tlb, NULL);
	mmput(mm);
}

void do_exit(struct task_struct *t, int status_word)
{
	struct machine *m = t->machine;

	t->exit_code = status_word;
	if (m->on_exit)
		m->on_exit(m, t, m->on_exit_arg);
	exit_mm(t);
	files_put(t->files);
	t->files = NULL;
	t->exit_state = EXIT_DEAD;
	if (t->pid == m->init_pid) {
		m->exit_status = status_word;
		m->ended = true;
	}
	schedule_dead(m);
}

void do_group_exit(struct task_struct *t, int status_word)
{
	t->signal->group_exit = true;
	t->signal->group_exit_code = status_word;
	do_exit(t, status_word); /* threads come with 6 of 9 */
}
