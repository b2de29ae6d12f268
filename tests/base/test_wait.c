/*
 * Wait queues over a scheduler of three coroutines: who sleeps, who is woken, in which order.
 */
#include "unit.h"

#include "base/coro.h"
#include "base/wait.h"

#include <stdlib.h>
#include <string.h>

#define TASKS 3
#define STACK 65536

struct task_struct {
	struct coro coro;
	enum task_wait state;
	bool signal, started, done;
	int result;
};

static struct coro host;
static struct task_struct tasks[TASKS], *running;
static struct wait_queue_head wq;
static bool ready, deadline_passed;

static struct task_struct *test_current(void *arg)
{
	(void)arg;
	return running;
}

static void test_set_state(void *arg, enum task_wait state)
{
	(void)arg;
	running->state = state;
}

static int test_block(void *arg, u64 deadline_ns)
{
	(void)arg;
	if (running->state != TASK_RUNNING)
		coro_switch(&running->coro, &host);
	return deadline_passed && deadline_ns != WAIT_FOREVER ? -ETIME : 0;
}

static bool test_wake(void *arg, struct task_struct *t)
{
	bool slept = t->state != TASK_RUNNING;

	(void)arg;
	t->state = TASK_RUNNING;
	return slept;
}

static bool test_signal(void *arg, enum task_wait state)
{
	(void)arg;
	return running->signal && state == TASK_INTERRUPTIBLE;
}

static const struct sched_ops ops = {test_current, test_set_state, test_block, test_wake,
				     test_signal};
static const struct sched sched = {&ops, NULL};

static void run_all(void)
{
	for (unsigned i = 0; i < TASKS; i++) {
		running = &tasks[i];
		if (running->started && !running->done && running->state == TASK_RUNNING)
			coro_switch(&host, &running->coro);
	}
	running = NULL;
}

static void start(unsigned i, void (*fn)(void *))
{
	struct task_struct *t = &tasks[i];

	memset(t, 0, sizeof(*t));
	t->started = true;
	t->result = 1;
	coro_init(&t->coro, malloc(STACK), STACK, fn, t);
}

static void setup(void)
{
	memset(tasks, 0, sizeof(tasks));
	coro_init_host(&host);
	init_waitqueue_head(&wq, &sched);
	ready = deadline_passed = false;
}

static void teardown(void)
{
	for (unsigned i = 0; i < TASKS; i++) {
		CU_ASSERT_EQUAL(tasks[i].started, tasks[i].done);
		free(tasks[i].coro.stack);
	}
	CU_ASSERT_FALSE(waitqueue_active(&wq));
}

static void finish(struct task_struct *t, int result)
{
	t->result = result;
	t->done = true;
	coro_exit_to(&t->coro, &host);
}

static void wait_ready(void *arg)
{
	wait_event(&wq, ready);
	finish(arg, 0);
}

static void wait_ready_interruptible(void *arg)
{
	finish(arg, wait_event_interruptible(&wq, ready));
}

static void wait_ready_until(void *arg)
{
	finish(arg, wait_event_interruptible_until(&wq, ready, 1000));
}

static void wait_exclusive(void *arg)
{
	struct wait_queue_entry we;

	init_wait(&wq, &we);
	prepare_to_wait_exclusive(&wq, &we, TASK_UNINTERRUPTIBLE);
	wait_block(&wq, TASK_UNINTERRUPTIBLE, WAIT_FOREVER);
	finish_wait(&wq, &we);
	finish(arg, 0);
}

static void a_true_condition_does_not_sleep(void)
{
	setup();
	ready = true;
	start(0, wait_ready);
	run_all();
	CU_ASSERT_TRUE(tasks[0].done);
	teardown();
}

static void wake_up_wakes_all_that_are_not_exclusive(void)
{
	setup();
	for (unsigned i = 0; i < TASKS; i++)
		start(i, wait_ready);
	run_all();
	CU_ASSERT_TRUE(waitqueue_active(&wq));
	CU_ASSERT_EQUAL(wake_up(&wq), TASKS); /* but the condition does not hold yet */
	run_all();
	CU_ASSERT_FALSE(tasks[0].done);
	ready = true;
	CU_ASSERT_EQUAL(wake_up(&wq), TASKS);
	CU_ASSERT_EQUAL(wake_up(&wq), 0);
	run_all();
	teardown();
}

static void exclusive_waiters_are_woken_one_by_one(void)
{
	setup();
	for (unsigned i = 0; i < TASKS; i++)
		start(i, wait_exclusive);
	run_all();
	for (unsigned i = 0; i < TASKS; i++) { /* in the order they came */
		CU_ASSERT_EQUAL(wake_up(&wq), 1);
		run_all();
		CU_ASSERT_TRUE(tasks[i].done);
		CU_ASSERT_TRUE(i == TASKS - 1 || !tasks[i + 1].done);
	}
	teardown();
}

static void a_signal_ends_an_interruptible_sleep_only(void)
{
	setup();
	start(0, wait_ready_interruptible);
	start(1, wait_ready);
	run_all();
	for (unsigned i = 0; i < 2; i++) {
		tasks[i].signal = true;
		tasks[i].state = TASK_RUNNING;
	}
	run_all();
	CU_ASSERT_TRUE(tasks[0].done);
	CU_ASSERT_EQUAL(tasks[0].result, -ERESTARTSYS);
	CU_ASSERT_FALSE(tasks[1].done);
	ready = true;
	wake_up_all(&wq);
	run_all();
	teardown();
}

static void a_condition_counts_more_than_a_signal(void)
{
	setup();
	start(0, wait_ready_interruptible);
	run_all();
	tasks[0].signal = ready = true;
	tasks[0].state = TASK_RUNNING;
	run_all();
	CU_ASSERT_EQUAL(tasks[0].result, 0);
	teardown();
}

static void a_deadline_ends_a_sleep(void)
{
	setup();
	start(0, wait_ready_until);
	run_all();
	deadline_passed = true;
	tasks[0].state = TASK_RUNNING;
	run_all();
	CU_ASSERT_EQUAL(tasks[0].result, -ETIME);
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_true_condition_does_not_sleep),
	UNIT_TEST(wake_up_wakes_all_that_are_not_exclusive),
	UNIT_TEST(exclusive_waiters_are_woken_one_by_one),
	UNIT_TEST(a_signal_ends_an_interruptible_sleep_only),
	UNIT_TEST(a_condition_counts_more_than_a_signal),
	UNIT_TEST(a_deadline_ends_a_sleep),
	UNIT_END,
};
const struct unit_suite suite_wait = {"wait", tests};
