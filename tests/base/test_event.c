/* The event loop: timers in order, descriptors that wake tasks, virtual time. */
#include "unit.h"

#include "base/coro.h"
#include "base/event.h"
#include "base/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STACK 65536
#define MS 1000000UL

static struct event_loop loop;
static u64 clock_ns;

static u64 virtual_now(void *arg)
{
	(void)arg;
	return clock_ns;
}

static void virtual_advance(void *arg, u64 ns)
{
	(void)arg;
	clock_ns = ns;
}

/* --- timers ---------------------------------------------------------------------------------- */

static char order[8];

static void note(struct event_timer *t);

static struct event_timer timers[3] = {{.fn = note}, {.fn = note}, {.fn = note}};

static void note(struct event_timer *t)
{
	size_t n = strlen(order);

	order[n] = 'a' + (t - timers);
	order[n + 1] = '\0';
}

static void timers_fire_in_order(void)
{
	memset(&loop, 0, sizeof(loop));
	CU_ASSERT_EQUAL_FATAL(event_loop_init(&loop), 0);
	loop.now_ns = virtual_now;
	clock_ns = 100;
	order[0] = '\0';
	event_timer_add(&loop, &timers[0], 300);
	event_timer_add(&loop, &timers[1], 200);
	event_timer_add(&loop, &timers[2], 300);
	CU_ASSERT_TRUE(event_timer_pending(&timers[1]));
	event_loop_run(&loop, false);
	CU_ASSERT_STRING_EQUAL(order, "");
	clock_ns = 300;
	event_loop_run(&loop, false);
	CU_ASSERT_STRING_EQUAL(order, "bac");
	CU_ASSERT_FALSE(event_timer_pending(&timers[0]));
	event_timer_add(&loop, &timers[0], 400);
	event_timer_del(&timers[0]);
	event_timer_del(&timers[0]);
	clock_ns = 500;
	event_loop_run(&loop, false);
	CU_ASSERT_STRING_EQUAL(order, "bac");
	event_loop_destroy(&loop);
}

static void virtual_time_jumps_and_real_time_sleeps(void)
{
	u64 start;

	memset(&loop, 0, sizeof(loop));
	CU_ASSERT_EQUAL_FATAL(event_loop_init(&loop), 0);
	loop.now_ns = virtual_now;
	loop.advance_to = virtual_advance;
	clock_ns = 0;
	order[0] = '\0';
	event_timer_add(&loop, &timers[0], 3600UL * 1000 * MS);
	event_loop_run(&loop, true);
	CU_ASSERT_STRING_EQUAL(order, "a");
	CU_ASSERT_EQUAL(clock_ns, 3600UL * 1000 * MS);

	loop.now_ns = NULL;
	loop.advance_to = NULL;
	start = host_clock_ns(CLOCK_MONOTONIC);
	event_timer_add(&loop, &timers[0], start + 3 * MS);
	while (event_timer_pending(&timers[0])) /* no task: the host sleeps */
		event_loop_run(&loop, true);
	CU_ASSERT_TRUE(host_clock_ns(CLOCK_MONOTONIC) >= start + 3 * MS);
	event_loop_destroy(&loop);
}

/* --- descriptors and tasks ------------------------------------------------------------------- */

struct task_struct {
	struct coro coro;
	enum task_wait state;
	bool signal, done, expired;
	struct event_timer timer;
	int fd, result;
	u64 timeout;
};

static struct coro host;
static struct task_struct tasks[2], *running;

static struct task_struct *op_current(void *arg)
{
	(void)arg;
	return running;
}

static void op_set_state(void *arg, enum task_wait state)
{
	(void)arg;
	running->state = state;
}

static void expire(struct event_timer *t)
{
	struct task_struct *task = container_of(t, struct task_struct, timer);

	task->expired = true;
	task->state = TASK_RUNNING;
}

static int op_block(void *arg, u64 deadline_ns)
{
	struct task_struct *t = running;

	(void)arg;
	t->timer.fn = expire;
	t->expired = false;
	if (deadline_ns != WAIT_FOREVER)
		event_timer_add(&loop, &t->timer, deadline_ns);
	if (t->state != TASK_RUNNING)
		coro_switch(&t->coro, &host);
	event_timer_del(&t->timer);
	return t->expired ? -ETIME : 0;
}

static bool op_wake(void *arg, struct task_struct *t)
{
	bool slept = t->state != TASK_RUNNING;

	(void)arg;
	t->state = TASK_RUNNING;
	return slept;
}

static bool op_signal(void *arg, enum task_wait state)
{
	(void)arg;
	return running->signal && state == TASK_INTERRUPTIBLE;
}

static const struct sched_ops ops = {op_current, op_set_state, op_block, op_wake, op_signal};
static const struct sched sched = {&ops, NULL};

static void waiter(void *arg)
{
	struct task_struct *t = arg;

	t->result = event_wait_fd(&loop, t->fd, EPOLLIN, t->timeout);
	t->done = true;
	coro_exit_to(&t->coro, &host);
}

static void run_tasks(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		running = &tasks[i];
		if (running->coro.stack && !running->done && running->state == TASK_RUNNING)
			coro_switch(&host, &running->coro);
	}
	running = NULL;
}

static void start(unsigned i, int fd, u64 timeout)
{
	free(tasks[i].coro.stack);
	memset(&tasks[i], 0, sizeof(tasks[i]));
	tasks[i].fd = fd;
	tasks[i].timeout = timeout;
	tasks[i].result = 1;
	coro_init(&tasks[i].coro, aligned_alloc(4096, STACK), STACK, waiter, &tasks[i]);
}

static void begin(void)
{
	memset(&loop, 0, sizeof(loop));
	CU_ASSERT_EQUAL_FATAL(event_loop_init(&loop), 0);
	loop.sched = &sched;
	coro_init_host(&host);
}

static void end(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		free(tasks[i].coro.stack);
		tasks[i].coro.stack = NULL;
	}
	event_loop_destroy(&loop);
}

static void two_tasks_wait_for_one_descriptor(void)
{
	int fds[2];

	begin();
	CU_ASSERT_EQUAL(pipe(fds), 0);
	start(0, fds[0], WAIT_FOREVER);
	start(1, fds[0], WAIT_FOREVER);
	run_tasks();
	CU_ASSERT_FALSE(tasks[0].done || tasks[1].done);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	while (!tasks[0].done || !tasks[1].done) {
		event_loop_run(&loop, true);
		run_tasks();
	}
	CU_ASSERT_EQUAL(tasks[0].result, 0);
	CU_ASSERT_EQUAL(tasks[1].result, 0);
	CU_ASSERT_TRUE(list_empty(&loop.armed));
	start(0, fds[0], WAIT_FOREVER); /* ready already: no sleep */
	run_tasks();
	CU_ASSERT_TRUE(tasks[0].done);
	close(fds[0]);
	close(fds[1]);
	end();
}

static void waits_end_with_a_signal_or_in_time(void)
{
	int fds[2];

	begin();
	CU_ASSERT_EQUAL(pipe(fds), 0);
	start(0, fds[0], WAIT_FOREVER);
	start(1, fds[0], 2 * MS);
	run_tasks();
	tasks[0].signal = true;
	tasks[0].state = TASK_RUNNING;
	run_tasks();
	CU_ASSERT_EQUAL(tasks[0].result, -EINTR);
	while (!tasks[1].done) {
		event_loop_run(&loop, true);
		run_tasks();
	}
	CU_ASSERT_EQUAL(tasks[1].result, -ETIMEDOUT);
	CU_ASSERT_TRUE(list_empty(&loop.armed));
	CU_ASSERT_TRUE(list_empty(&loop.timers));
	close(fds[0]);
	close(fds[1]);
	end();
}

static void regular_files_are_always_ready(void)
{
	FILE *f = tmpfile();

	begin();
	start(0, fileno(f), WAIT_FOREVER);
	run_tasks();
	CU_ASSERT_TRUE(tasks[0].done);
	CU_ASSERT_EQUAL(tasks[0].result, 0);
	fclose(f);
	end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(timers_fire_in_order),
	UNIT_TEST(virtual_time_jumps_and_real_time_sleeps),
	UNIT_TEST(two_tasks_wait_for_one_descriptor),
	UNIT_TEST(waits_end_with_a_signal_or_in_time),
	UNIT_TEST(regular_files_are_always_ready),
	UNIT_END,
};

const struct unit_suite suite_event = {"event", tests};
