/* Threads seen from below: what a failed clone leaves, who of a process is given a signal, how its records go. The
 * test clones in the first task's name, when it calls getppid(); each thread pauses. */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/exec.h"
#include "proc/fork.h"
#include "proc/rusage.h"
#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

/* getppid(), where the test works; a thread of it pauses, the first task ends them all by exit_group(0). */
GUEST_CODE(threads_meet, "	sys 110\n"
			 "	test %eax, %eax\n"
			 "	jz 2f\n"
			 "	mov $231, %eax\n"
			 "	xor %edi, %edi\n"
			 "	syscall\n"
			 "2:	sys 34\n"
			 "	jmp 2b\n");

#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static void run(void (*body)(struct task_struct *t))
{
	tiny_run(threads_meet, threads_meet_end, body);
}

static struct task_struct *thread_of(struct task_struct *t)
{
	const struct kernel_clone_args args = {.flags = THREAD_FLAGS};
	long tid = kernel_clone(t, &args);

	CU_ASSERT_FATAL(tid > 0);
	return find_task_by_pid(t->machine, (s32)tid);
}

static void shares_all(struct task_struct *t)
{
	u32 tasks = t->machine->nr_tasks;
	struct task_struct *p = thread_of(t);

	CU_ASSERT_EQUAL(p->tgid, t->tgid);
	CU_ASSERT(p->signal == t->signal && p->sighand == t->sighand && p->mm == t->mm &&
		  p->files == t->files && p->fs == t->fs);
	CU_ASSERT(p->real_parent == t->real_parent);
	CU_ASSERT_EQUAL(p->exit_signal, -1);
	CU_ASSERT_TRUE(list_empty(&t->children)); /* it is nobody's child */
	CU_ASSERT_EQUAL(t->signal->nr_threads, 2);
	CU_ASSERT_EQUAL(t->signal->live, 2);
	CU_ASSERT_EQUAL(t->machine->nr_tasks, tasks + 1);
	CU_ASSERT_EQUAL(machine_validate(t->machine), 0);
}

static void a_thread_shares_all_and_is_nobodys_child(void)
{
	run(shares_all);
}

/* Every allocation of a clone fails once. */
static void fails_everywhere(struct task_struct *t)
{
	const struct kernel_clone_args args = {.flags = THREAD_FLAGS};
	struct machine *m = t->machine;
	u32 n, records = m->nr_records, users = t->signal->users, mm_users = t->mm->mm_users;
	long tid = -1;

	for (n = 1; n < 100 && tid < 0; n++) {
		m->mem.fail_nth = n;
		tid = kernel_clone(t, &args);
		m->mem.fail_nth = 0;
		if (tid > 0)
			break;
		CU_ASSERT_EQUAL(tid, -ENOMEM);
		CU_ASSERT_EQUAL(m->nr_records, records);
		CU_ASSERT_EQUAL(t->signal->users, users);
		CU_ASSERT_EQUAL(t->signal->nr_threads, 1);
		CU_ASSERT_EQUAL(t->mm->mm_users, mm_users);
		CU_ASSERT_EQUAL(machine_validate(m), 0);
	}
	CU_ASSERT(n > 2);
	CU_ASSERT(tid > 0);
}

static void a_failed_clone_leaves_the_process_as_it_was(void)
{
	run(fails_everywhere);
}

/* A signal of the process is for whoever does not block it. */
static void chooses(struct task_struct *t)
{
	struct task_struct *p = thread_of(t);

	t->blocked |= sigmask_k(SIGUSR1);
	t->sighand->action[SIGUSR1 - 1].handler = 0x1000;
	while (p->state == TASK_RUNNING) /* until it pauses */
		schedule(t->machine);
	group_send_sig_info(SIGUSR1, NULL, t);
	CU_ASSERT_EQUAL(p->state, TASK_RUNNING);
	CU_ASSERT_TRUE(signal_pending(p));
	CU_ASSERT_FALSE(signal_pending(t));
	flush_signals(&t->signal->shared_pending, t);
	/* One thread's own is not for another. */
	send_sig_info(SIGUSR1, NULL, t);
	CU_ASSERT_FALSE(signal_pending(t));
	CU_ASSERT_EQUAL(t->pending.signal, sigmask_k(SIGUSR1));
}

static void a_signal_of_the_process_finds_who_does_not_block_it(void)
{
	run(chooses);
}

/* A thread that is gone leaves its sums to the process. */
static void inherits(struct task_struct *t)
{
	struct task_struct *p = thread_of(t);
	s32 tid = p->pid;
	u64 before;

	p->retired += 5000000;
	p->io.rchar += 77;
	before = group_retired(t);
	CU_ASSERT_EQUAL(de_thread(t), 0); /* as exec does */
	CU_ASSERT_PTR_NULL(find_task_by_pid(t->machine, tid));
	CU_ASSERT_EQUAL(t->signal->nr_threads, 1);
	CU_ASSERT(group_retired(t) >= before);
	CU_ASSERT_EQUAL(t->signal->dead_io.rchar, 77);
	CU_ASSERT_EQUAL(machine_validate(t->machine), 0);
}

static void a_thread_leaves_its_sums_to_the_process(void)
{
	run(inherits);
}

/* The checker sees a thread that is not counted. */
static void damage(struct task_struct *t)
{
	thread_of(t);
	t->signal->nr_threads++;
	CU_ASSERT_NOT_EQUAL(machine_validate(t->machine), 0);
	t->signal->nr_threads--;
	CU_ASSERT_EQUAL(machine_validate(t->machine), 0);
}

static void the_checker_sees_a_thread_too_many(void)
{
	run(damage);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_thread_shares_all_and_is_nobodys_child),
	UNIT_TEST(a_failed_clone_leaves_the_process_as_it_was),
	UNIT_TEST(a_signal_of_the_process_finds_who_does_not_block_it),
	UNIT_TEST(a_thread_leaves_its_sums_to_the_process),
	UNIT_TEST(the_checker_sees_a_thread_too_many),
	UNIT_END,
};
const struct unit_suite suite_threads = {"threads", tests};
