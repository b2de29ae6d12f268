/* Futexes, with kernel threads that have an address space in common. futex(2). */
#include "proc/futex.h"
#include "proc/kthread.h"
#include "one_task.h"

static struct task_struct *owner; /* whose address space it is */
static struct machine *m;
static gva_t word, word2;
static struct {
	gva_t at;
	u32 val, bitset;
	u64 deadline_ns;
	int result;
	unsigned woken_as; /* first, second ... */
} waiters[4];
static unsigned nr_woken;
static bool all_done;

static void setup(void)
{
	owner = one_task_new(32UL << 20);
	m = owner->machine;
	word = one_task_map(owner, 0, 1, 1);
	word2 = word + 64;
	CU_ASSERT_EQUAL(put_user(owner->mm, 5U, word), 0);
	CU_ASSERT_EQUAL(put_user(owner->mm, 7U, word2), 0);
	nr_woken = 0;
	all_done = false;
}

static int waiter(struct task_struct *t, void *arg)
{
	unsigned i = (unsigned long)arg;

	waiters[i].result = futex_wait(t, waiters[i].at, false, waiters[i].val, waiters[i].bitset,
				       waiters[i].deadline_ns);
	waiters[i].woken_as = ++nr_woken;
	mmput(t->mm);
	t->mm = NULL; /* a kernel thread's end is not a program's */
	return 0;
}

static int (*script)(struct task_struct *t);

static int run_script(struct task_struct *t, void *arg __unused)
{
	script(t);
	schedule(m); /* whom it woke */
	mmput(t->mm);
	t->mm = NULL;
	all_done = true;
	return 0;
}

static void start(int (*fn)(struct task_struct *t, void *arg), unsigned long arg)
{
	struct task_struct *t = kthread_create(m, "futex", fn, (void *)arg);

	CU_ASSERT_FATAL(!IS_ERR(t));
	mmget(owner->mm);
	t->mm = owner->mm;
	wake_up_process(t);
}

static void wait_at(unsigned i, gva_t at, u32 val, u32 bitset)
{
	waiters[i].at = at;
	waiters[i].val = val;
	waiters[i].bitset = bitset;
	waiters[i].deadline_ns = WAIT_FOREVER;
	waiters[i].result = 1;
	waiters[i].woken_as = 0;
	start(waiter, i);
}

/* All waiters sleep, then @fn runs in a task of its own; whoever still sleeps then is told of. */
static void then(int (*fn)(struct task_struct *t))
{
	script = fn;
	start(run_script, 0);
	sched_run(m, &all_done);
}

/* Wakes all who are left, and lets them end. */
static int wake_everybody(struct task_struct *t)
{
	(void)futex_wake(t, word, false, 99, ~0U);
	(void)futex_wake(t, word2, false, 99, ~0U);
	return 0;
}

static void finish(void)
{
	all_done = false;
	then(wake_everybody);
	one_task_free(owner);
}

static int wake_two_then_bits(struct task_struct *t)
{
	CU_ASSERT_EQUAL(futex_wake(t, word, false, 2, 1), 2);
	schedule(m);
	CU_ASSERT_EQUAL(nr_woken, 2);
	CU_ASSERT_EQUAL(futex_wake(t, word2, false, 9, ~0U), 0); /* nobody waits there */
	CU_ASSERT_EQUAL(futex_wake(t, word, false, 9, 2), 1);
	return 0;
}

static void those_are_woken_first_who_came_first_and_wait_for_the_bit(void)
{
	setup();
	wait_at(0, word, 5, 1);
	wait_at(1, word, 5, 2);
	wait_at(2, word, 5, 3);
	wait_at(3, word, 5, 1);
	then(wake_two_then_bits);
	CU_ASSERT_EQUAL(waiters[0].woken_as, 1);
	CU_ASSERT_EQUAL(waiters[2].woken_as, 2);
	CU_ASSERT_EQUAL(waiters[1].woken_as, 3);
	CU_ASSERT_EQUAL(waiters[3].woken_as, 0); /* has not been woken */
	CU_ASSERT_EQUAL(waiters[0].result, 0);
	finish();
}

static int requeue_then_wake(struct task_struct *t)
{
	const struct futex_pair p = {.uaddr = word, .uaddr2 = word2, .nr = 1, .nr2 = 1};
	u32 wrong = 6, right = 5;

	CU_ASSERT_EQUAL(futex_requeue(t, &p, &wrong), -EAGAIN);
	CU_ASSERT_EQUAL(futex_requeue(t, &p, &right), 2); /* one woken, one moved */
	schedule(m);
	CU_ASSERT_EQUAL(nr_woken, 1);
	CU_ASSERT_EQUAL(futex_wake(t, word2, false, 9, ~0U), 1);
	schedule(m);
	CU_ASSERT_EQUAL(nr_woken, 2);
	CU_ASSERT_EQUAL(futex_wake(t, word, false, 9, ~0U), 1);
	return 0;
}

static void a_requeue_moves_sleepers_to_the_other_word(void)
{
	setup();
	for (unsigned i = 0; i < 3; i++)
		wait_at(i, word, 5, ~0U);
	then(requeue_then_wake);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(waiters[i].woken_as, i + 1);
	finish();
}

static int no_more(struct task_struct *t __unused)
{
	return 0;
}

static void who_need_not_wait_does_not(void)
{
	setup();
	wait_at(0, word, 6, ~0U);     /* another value */
	wait_at(1, word + 2, 5, ~0U); /* not a multiple of four */
	wait_at(2, word, 5, 0);	      /* no bits */
	wait_at(3, ARENA + 64 * PAGE_SIZE, 5, ~0U);
	then(no_more);
	CU_ASSERT_EQUAL(waiters[0].result, -EAGAIN);
	CU_ASSERT_EQUAL(waiters[1].result, -EINVAL);
	CU_ASSERT_EQUAL(waiters[2].result, -EINVAL);
	CU_ASSERT_EQUAL(waiters[3].result, -EFAULT);
	finish();
}

static int let_time_pass(struct task_struct *t)
{
	struct wait_queue_head nobody;

	init_waitqueue_head(&nobody, &m->sched);
	wait_event_state(&nobody, nr_woken, TASK_UNINTERRUPTIBLE,
			 machine_now_ns(t->machine) + 3000000);
	return 0;
}

static void a_deadline_ends_the_wait(void)
{
	setup();
	wait_at(0, word, 5, ~0U);
	waiters[0].deadline_ns = machine_now_ns(m) + 1000000;
	then(let_time_pass);
	CU_ASSERT_EQUAL(waiters[0].result, -ETIMEDOUT);
	finish();
}

/* What becomes of 7 in the second word, and does its old value compare? */
static const struct {
	u32 op, arg, cmp, cmparg;
	u32 becomes;
	int woken; /* of the two that wait at word2 */
} ops[] = {
	{FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 7, 1, 2},
	{FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_NE, 7, 6, 0}, /* 12 bits with a sign: -1 */
	{FUTEX_OP_OR, 8, FUTEX_OP_CMP_GT, 6, 15, 2},
	{FUTEX_OP_ANDN, 3, FUTEX_OP_CMP_LT, 7, 4, 0},
	{FUTEX_OP_XOR, 2, FUTEX_OP_CMP_LE, 7, 5, 2},
	{FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_GE, 8, 16, 0},
};
static unsigned nr_op;

static int change_and_wake(struct task_struct *t)
{
	const struct futex_pair p = {.uaddr = word, .uaddr2 = word2, .nr = 9, .nr2 = 9};
	u32 op = ops[nr_op].op << 28 | ops[nr_op].cmp << 24 | ops[nr_op].arg << 12 |
		 ops[nr_op].cmparg,
	    now;

	CU_ASSERT_EQUAL(futex_wake_op(t, &p, op), 1 + ops[nr_op].woken);
	CU_ASSERT_EQUAL(get_user(t->mm, now, word2), 0);
	CU_ASSERT_EQUAL(now, ops[nr_op].becomes);
	CU_ASSERT_EQUAL(futex_wake_op(t, &p, 5U << 28), -ENOSYS); /* no such operation */
	return 0;
}

static void wake_op_changes_one_word_and_wakes_at_both(void)
{
	for (nr_op = 0; nr_op < ARRAY_SIZE(ops); nr_op++) {
		setup();
		wait_at(0, word, 5, ~0U);
		wait_at(1, word2, 7, ~0U);
		wait_at(2, word2, 7, ~0U);
		then(change_and_wake);
		finish();
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(those_are_woken_first_who_came_first_and_wait_for_the_bit),
	UNIT_TEST(a_requeue_moves_sleepers_to_the_other_word),
	UNIT_TEST(who_need_not_wait_does_not),
	UNIT_TEST(a_deadline_ends_the_wait),
	UNIT_TEST(wake_op_changes_one_word_and_wakes_at_both),
	UNIT_END,
};
const struct unit_suite suite_futex = {"futex", tests};
