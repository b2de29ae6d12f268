/* wait(2) seen from below: the test forks and waits in the first task's name, when it calls
 * getppid(). Each child pauses, until the test kills it. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/fork.h"
#include "proc/task.h"
#include "proc/wait.h"
#include "tiny_elf.h"
#include "unit.h"

/* getppid(), where the test works; a child of it pauses, the first task ends. */
GUEST_CODE(meet, "	sys 110\n"
		 "	test %eax, %eax\n"
		 "	jz 2f\n"
		 "	exit 0\n"
		 "2:	sys 34\n"
		 "	jmp 2b\n");

static void run(void (*body)(struct task_struct *t))
{
	tiny_run(meet, meet_end, body);
}

static struct task_struct *child_of(struct task_struct *t, int exit_signal)
{
	const struct kernel_clone_args args = {.exit_signal = exit_signal};
	long pid = kernel_clone(t, &args);

	CU_ASSERT_FATAL(pid > 0);
	return find_task_by_pid(t->machine, pid);
}

static int wait_for(struct task_struct *t, enum wait_which which, s32 id, int flags,
		    struct wait_opts *wo)
{
	*wo = (struct wait_opts){.which = which, .id = id, .flags = flags};
	return do_wait(t, wo);
}

static void kills_and_waits(struct task_struct *t)
{
	struct task_struct *p = child_of(t, SIGCHLD);
	s32 pid = p->pid;
	struct wait_opts wo;

	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED | WNOHANG, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, 0);
	group_send_sig_info(SIGTERM, NULL, p);
	/* WNOWAIT leaves it to be waited for. */
	CU_ASSERT_EQUAL(wait_for(t, WAIT_PID, pid, WEXITED | WNOWAIT, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, pid);
	CU_ASSERT_PTR_NOT_NULL(find_task_by_pid(t->machine, pid));
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, pid);
	CU_ASSERT_EQUAL(wo.status, SIGTERM);
	CU_ASSERT_EQUAL(wo.cause, CLD_KILLED);
	CU_ASSERT_EQUAL(wo.value, SIGTERM);
	CU_ASSERT_PTR_NULL(find_task_by_pid(t->machine, pid));
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED, &wo), -ECHILD);
}

static void a_killed_child_is_found_once(void)
{
	run(kills_and_waits);
}

static void picks(struct task_struct *t)
{
	struct task_struct *a = child_of(t, SIGCHLD), *b = child_of(t, SIGUSR1);
	s32 apid = a->pid, bpid = b->pid;
	struct wait_opts wo;

	a->signal->pgrp = apid;
	group_send_sig_info(SIGKILL, NULL, a);
	group_send_sig_info(SIGKILL, NULL, b);
	/* Only the clone child, which does not send SIGCHLD. */
	t->blocked = sigmask_k(SIGUSR1);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED | __WCLONE, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, bpid);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_PID, bpid, WEXITED | __WALL, &wo), -ECHILD);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_PGID, apid + 1, WEXITED, &wo), -ECHILD);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_PGID, apid, WEXITED, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, apid);
}

static void pids_groups_and_clone_children_are_told_apart(void)
{
	run(picks);
}

static void stops(struct task_struct *t)
{
	struct task_struct *p = child_of(t, SIGCHLD);
	struct wait_opts wo;

	group_send_sig_info(SIGSTOP, NULL, p);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WSTOPPED, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, p->pid);
	CU_ASSERT_EQUAL(wo.cause, CLD_STOPPED);
	CU_ASSERT_EQUAL(wo.value, SIGSTOP);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WSTOPPED | WNOHANG, &wo), 0);
	CU_ASSERT_EQUAL(wo.pid, 0); /* told once */
	group_send_sig_info(SIGCONT, NULL, p);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WCONTINUED, &wo), 0);
	CU_ASSERT_EQUAL(wo.status, 0xffff);
	group_send_sig_info(SIGKILL, NULL, p);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED, &wo), 0);
	CU_ASSERT_EQUAL(wo.status, SIGKILL);
}

static void stops_and_continues_are_told_once(void)
{
	run(stops);
}

static void sums_up(struct task_struct *t)
{
	const struct task_usage *c = &t->signal->children;
	struct task_struct *p = child_of(t, SIGCHLD);
	struct wait_opts wo;

	/* As if the child had waited for one of its own. */
	p->signal->children.flt.min_flt = 1000;
	p->signal->children.maxrss = 5000;
	group_send_sig_info(SIGKILL, NULL, p);
	CU_ASSERT_EQUAL(c->flt.min_flt, 0);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED, &wo), 0);
	CU_ASSERT(c->flt.min_flt >= 1000);
	CU_ASSERT_EQUAL(c->maxrss, 5000);
}

static void usage_is_the_parents_after_the_wait(void)
{
	run(sums_up);
}

static void ignores(struct task_struct *t)
{
	const struct k_sigaction act = {.handler = (gva_t)SIG_IGN};
	struct task_struct *p = child_of(t, SIGCHLD);
	s32 pid = p->pid;
	struct wait_opts wo;

	CU_ASSERT_EQUAL(do_sigaction(t, SIGCHLD, &act, NULL), 0);
	group_send_sig_info(SIGKILL, NULL, p);
	CU_ASSERT_EQUAL(wait_for(t, WAIT_ALL, 0, WEXITED, &wo), -ECHILD);
	CU_ASSERT_PTR_NULL(find_task_by_pid(t->machine, pid));
}

static void children_of_one_who_ignores_sigchld_leave_no_zombie(void)
{
	run(ignores);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_killed_child_is_found_once),
	UNIT_TEST(pids_groups_and_clone_children_are_told_apart),
	UNIT_TEST(stops_and_continues_are_told_once),
	UNIT_TEST(usage_is_the_parents_after_the_wait),
	UNIT_TEST(children_of_one_who_ignores_sigchld_leave_no_zombie),
	UNIT_END,
};
const struct unit_suite suite_wait = {"wait", tests};
