/* The scheduler, with kernel threads that write down when they run. */
#include <linux/sched.h>
#include <string.h>

#include "base/wait.h"
#include "proc/kthread.h"
#include "one_task.h"

static struct machine *m;
static char said[64];
static unsigned nr_said;
static bool all_done;

static void say(char c)
{
	CU_ASSERT_FATAL(nr_said < sizeof(said) - 1);
	said[nr_said++] = c;
	said[nr_said] = '\0';
}

static void setup(void)
{
	m = calloc(1, sizeof(*m));
	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 32UL << 20), 0);
	nr_said = 0;
	said[0] = '\0';
	all_done = false;
}

static void teardown(void)
{
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
}

static struct task_struct *thread(int (*fn)(struct task_struct *t, void *arg), const char *name)
{
	struct task_struct *t = kthread_create(m, name, fn, (void *)name);

	CU_ASSERT_FATAL(!IS_ERR(t));
	return t;
}

/* Ends the machine's run when the others are done. */
static int last(struct task_struct *t __unused, void *arg __unused)
{
	all_done = true;
	return 0;
}

static int talk_three_times(struct task_struct *t, void *arg)
{
	for (int i = 0; i < 3; i++) {
		say(*(const char *)arg);
		schedule(t->machine);
	}
	return 0;
}

static void each_has_its_turn_in_the_order_of_waking(void)
{
	struct task_struct *a, *b, *c;

	setup();
	a = thread(talk_three_times, "a");
	b = thread(talk_three_times, "b");
	c = thread(talk_three_times, "c");
	CU_ASSERT_TRUE(wake_up_process(b));
	CU_ASSERT_TRUE(wake_up_process(a));
	CU_ASSERT_FALSE(wake_up_process(a)); /* it is awake */
	wake_up_process(c);
	while (m->nr_records > 0) {
		all_done = false;
		wake_up_process(thread(last, "last"));
		sched_run(m, &all_done);
	}
	CU_ASSERT_STRING_EQUAL(said, "bacbacbac");
	CU_ASSERT_PTR_NULL(m->rq.dead); /* their stacks are freed */
	teardown();
}

static struct wait_queue_head wq;
static bool there;

static int wait_for_it(struct task_struct *t, void *arg)
{
	(void)t;
	wait_event_state(&wq, there, TASK_UNINTERRUPTIBLE, WAIT_FOREVER);
	say(*(const char *)arg);
	return 0;
}

static int bring_it(struct task_struct *t, void *arg __unused)
{
	wake_up_all(&wq); /* in vain: they look, and sleep on */
	schedule(t->machine);
	say('!');
	there = true;
	wake_up_all(&wq);
	say('.');
	return 0;
}

static void a_sleeper_wakes_when_it_is_there_and_not_before(void)
{
	setup();
	there = false;
	init_waitqueue_head(&wq, &m->sched);
	wake_up_process(thread(wait_for_it, "a"));
	wake_up_process(thread(wait_for_it, "b"));
	wake_up_process(thread(bring_it, "bring"));
	while (m->nr_records > 0) {
		all_done = false;
		wake_up_process(thread(last, "last"));
		sched_run(m, &all_done);
	}
	CU_ASSERT_STRING_EQUAL(said, "!.ab"); /* the waker runs on first */
	teardown();
}

#define MS 1000000UL

static int sleep_ms(struct task_struct *t, void *arg)
{
	const char *name = arg;
	u64 until = machine_now_ns(t->machine) + (name[1] - '0') * MS;

	CU_ASSERT_EQUAL(wait_event_state(&wq, there, TASK_UNINTERRUPTIBLE, until), -ETIME);
	CU_ASSERT(machine_now_ns(t->machine) >= until);
	say(*name);
	all_done = nr_said == 3;
	return 0;
}

static void deadlines_pass_in_order_while_nobody_runs(void)
{
	u64 before, passed;

	setup();
	there = false;
	init_waitqueue_head(&wq, &m->sched);
	wake_up_process(thread(sleep_ms, "a5"));
	wake_up_process(thread(sleep_ms, "b1"));
	wake_up_process(thread(sleep_ms, "c3"));
	before = machine_now_ns(m);
	sched_run(m, &all_done);
	passed = machine_now_ns(m) - before;
	CU_ASSERT_STRING_EQUAL(said, "bca");
	CU_ASSERT(passed >= 5 * MS && passed < 6 * MS); /* virtual time: it was skipped */
	teardown();
}

static const char *stack_seen;
static bool faults_off;

static void look_around(void *arg __unused)
{
	char here;

	stack_seen = &here;
	faults_off = m->mem.pagefault_disabled;
}

static int call_out(struct task_struct *t, void *arg __unused)
{
	const char *low = t->stack;

	call_on_host_stack(t->machine, look_around, NULL);
	CU_ASSERT_FALSE(stack_seen >= low && stack_seen < low + KSTACK_SIZE);
	CU_ASSERT_TRUE(faults_off);
	CU_ASSERT_FALSE(m->mem.pagefault_disabled);
	CU_ASSERT_PTR_EQUAL(current_task(t->machine), t);
	all_done = true;
	return 0;
}

static void a_task_can_borrow_the_hosts_stack(void)
{
	setup();
	stack_seen = NULL;
	wake_up_process(thread(call_out, "out"));
	sched_run(m, &all_done);
	CU_ASSERT_PTR_NOT_NULL(stack_seen);
	teardown();
}

/* Sums @n slices of a machine with that seed; *least and *most of them. */
static s64 some_slices(u64 seed, int n, s64 *least, s64 *most)
{
	s64 sum = 0;

	setup();
	m->config.seed = seed;
	m->config.vary_slices = true;
	sched_init(m);
	*least = *most = next_slice(m);
	for (int i = 0; i < n; i++) {
		s64 slice = next_slice(m);

		*least = min(*least, slice);
		*most = max(*most, slice);
		sum += slice * (i + 1);
	}
	m->config.vary_slices = false;
	CU_ASSERT_EQUAL(next_slice(m), SCHED_SLICE);
	teardown();
	return sum;
}

static void a_seed_decides_the_lengths_of_slices(void)
{
	s64 least, most, sum = some_slices(7, 1000, &least, &most);

	CU_ASSERT(least >= SCHED_SLICE_MIN && least < 1000);
	CU_ASSERT(most <= SCHED_SLICE + SCHED_SLICE_MIN && most > SCHED_SLICE / 2);
	CU_ASSERT_EQUAL(some_slices(7, 1000, &least, &most), sum);
	CU_ASSERT_NOT_EQUAL(some_slices(8, 1000, &least, &most), sum);
	CU_ASSERT_NOT_EQUAL(some_slices(0, 1000, &least, &most), sum);
}

/* --- priorities ---------------------------------------------------------------------------------- */

static int say_it(struct task_struct *t __unused, void *arg)
{
	say(*(const char *)arg);
	return 0;
}

static void run_all(void)
{
	while (m->nr_records > 0) {
		all_done = false;
		wake_up_process(thread(last, "last"));
		sched_run(m, &all_done);
	}
}

static struct task_struct *awake(int (*fn)(struct task_struct *t, void *arg), const char *name,
				 u32 policy, s32 priority)
{
	struct task_struct *t = thread(fn, name);

	sched_set(t, policy, priority, 0);
	wake_up_process(t);
	return t;
}

static void real_time_tasks_run_first_and_by_priority(void)
{
	struct task_struct *c;

	setup();
	awake(say_it, "o", SCHED_NORMAL, 0);
	c = awake(say_it, "c", SCHED_FIFO, 10);
	awake(say_it, "b", SCHED_RR, 20);
	awake(say_it, "d", SCHED_FIFO, 10);
	awake(say_it, "a", SCHED_NORMAL, 0);
	CU_ASSERT_EQUAL(c->timer_slack_ns, 0);
	sched_set(c, SCHED_FIFO, 30, 0); /* while it waits */
	sched_set(c, SCHED_FIFO, 10, 0); /* lowered: before its equals */
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "bcdoa");
	CU_ASSERT_EQUAL(m->rq.weights, 0);
	teardown();
}

static int talk_and_yield(struct task_struct *t, void *arg)
{
	for (int i = 0; i < 2; i++) {
		say(*(const char *)arg);
		sched_yield_current(t->machine);
	}
	return 0;
}

static int talk_and_schedule(struct task_struct *t, void *arg)
{
	for (int i = 0; i < 2; i++) {
		say(*(const char *)arg);
		schedule(t->machine);
	}
	return 0;
}

static void fifo_gives_way_to_its_equals_by_yielding_only(void)
{
	setup();
	awake(talk_and_schedule, "a", SCHED_FIFO, 10);
	awake(talk_and_yield, "b", SCHED_FIFO, 10);
	awake(talk_and_schedule, "c", SCHED_RR, 10);
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "aabcbc");
	teardown();
}

static struct task_struct *to_wake;

static int wake_one(struct task_struct *t, void *arg)
{
	t->slice = 1000;
	wake_up_process(to_wake);
	CU_ASSERT_TRUE(m->rq.preempt);
	CU_ASSERT_EQUAL(t->slice, 0); /* at the end of its system call */
	sched_slice_over(t);
	CU_ASSERT_EQUAL(t->slice, 1000); /* and then the rest of its slice is its own */
	say(*(const char *)arg);
	return 0;
}

static void who_is_more_urgent_has_the_cpu_at_once(void)
{
	setup();
	to_wake = thread(say_it, "a");
	sched_set(to_wake, SCHED_FIFO, 1, 0);
	awake(wake_one, "b", SCHED_NORMAL, 0);
	awake(say_it, "c", SCHED_NORMAL, 0);
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "abc");
	nr_said = 0;
	to_wake = thread(say_it, "a");
	awake(wake_one, "b", SCHED_IDLE, 0);
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "ab");
	teardown();
}

static void slices_are_as_long_as_their_weight(void)
{
	struct task_struct *a, *b;

	setup();
	a = awake(say_it, "a", SCHED_NORMAL, 0);
	b = awake(say_it, "b", SCHED_NORMAL, 0);
	CU_ASSERT_EQUAL(task_slice(a), SCHED_SLICE);
	sched_set(b, SCHED_NORMAL, 0, 5);
	CU_ASSERT_EQUAL(task_slice(a), SCHED_SLICE);
	CU_ASSERT_EQUAL(task_slice(b), SCHED_SLICE * 335 / 1024);
	sched_set(b, SCHED_IDLE, 0, -20);
	CU_ASSERT_EQUAL(task_slice(b), SCHED_SLICE * 3 / 1024);
	sched_set(a, SCHED_BATCH, 0, -20);
	CU_ASSERT_EQUAL(task_slice(b), SCHED_SLICE_MIN);
	sched_boost(b, 7);
	CU_ASSERT_EQUAL(task_slice(b), SCHED_SLICE);
	CU_ASSERT_EQUAL(task_prio(b), -8);
	sched_boost(b, 0);
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "ab");
	teardown();
}

static int spin(struct task_struct *t, void *arg)
{
	for (int i = 0; i < 40; i++) {
		t->slice = 0; /* so much was executed */
		if (i % 10 == 5)
			say(*(const char *)arg);
		sched_slice_over(t);
	}
	return 0;
}

static void real_time_tasks_leave_one_slice_in_twenty(void)
{
	setup();
	awake(spin, "r", SCHED_FIFO, 99);
	awake(talk_three_times, "o", SCHED_NORMAL, 0);
	run_all();
	CU_ASSERT_STRING_EQUAL(said, "rrorroo");
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(each_has_its_turn_in_the_order_of_waking),
	UNIT_TEST(a_sleeper_wakes_when_it_is_there_and_not_before),
	UNIT_TEST(deadlines_pass_in_order_while_nobody_runs),
	UNIT_TEST(a_task_can_borrow_the_hosts_stack),
	UNIT_TEST(a_seed_decides_the_lengths_of_slices),
	UNIT_TEST(real_time_tasks_run_first_and_by_priority),
	UNIT_TEST(fifo_gives_way_to_its_equals_by_yielding_only),
	UNIT_TEST(who_is_more_urgent_has_the_cpu_at_once),
	UNIT_TEST(slices_are_as_long_as_their_weight),
	UNIT_TEST(real_time_tasks_leave_one_slice_in_twenty),
	UNIT_END,
};
const struct unit_suite suite_sched = {"sched", tests};
