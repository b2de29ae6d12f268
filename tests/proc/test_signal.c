/* Signal queues, without running a guest: the first task has been made, and sleeps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

GUEST_CODE(pause_for_ever, "1:	sys 34\n"
			   "	jmp 1b\n");

static struct machine *m;
static struct task_struct *t;

static void setup(void)
{
	m = tiny_start(pause_for_ever, pause_for_ever_end, 32UL << 20);
	t = find_task_by_pid(m, m->init_pid);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
}

static void teardown(void)
{
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	/* Its last signal: the machine is destroyed without tasks. */
	group_send_sig_info(SIGKILL, NULL, t);
	CU_ASSERT_EQUAL(machine_run(m), SIGKILL);
	CU_ASSERT_TRUE(list_empty(&m->sig_users));
	tiny_end(m);
}

static int send(int sig, int code, u64 value)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = code};

	info.kill.value = value;
	return group_send_sig_info(sig, &info, t);
}

static void catch (int sig)
{
	const struct k_sigaction act = {.handler = 0x400000};

	CU_ASSERT_EQUAL(do_sigaction(t, sig, &act, NULL), 0);
}

static void standard_signals_are_pending_once(void)
{
	struct k_siginfo info;

	setup();
	t->blocked = sigmask_k(SIGUSR1);
	CU_ASSERT_EQUAL(send(SIGUSR1, SI_QUEUE, 1), 0);
	CU_ASSERT_EQUAL(send(SIGUSR1, SI_QUEUE, 2), 0);
	CU_ASSERT_FALSE(signal_pending(t));
	CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), SIGUSR1);
	CU_ASSERT_EQUAL(info.kill.value, 1);
	CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), 0);
	t->blocked = 0;
	teardown();
}

static void real_time_signals_queue_in_order_behind_lower_numbers(void)
{
	static const struct {
		int sig;
		u64 value;
	} order[] = {{SIGUSR2, 9}, {34, 2}, {34, 3}, {40, 1}};
	struct k_siginfo info;

	setup();
	t->blocked = ~UNBLOCKABLE_MASK;
	CU_ASSERT_EQUAL(send(40, SI_QUEUE, 1), 0);
	CU_ASSERT_EQUAL(send(34, SI_QUEUE, 2), 0);
	CU_ASSERT_EQUAL(send(34, SI_QUEUE, 3), 0);
	CU_ASSERT_EQUAL(send(SIGUSR2, SI_QUEUE, 9), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), order[i].sig);
		CU_ASSERT_EQUAL(info.kill.value, order[i].value);
	}
	CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), 0);
	t->blocked = 0;
	teardown();
}

static void a_fault_comes_before_all_others(void)
{
	struct k_siginfo info;

	setup();
	catch (SIGHUP);
	catch (SIGSEGV);
	send_sig_info(SIGHUP, NULL, t);
	force_sig_fault(t, SIGSEGV, SEGV_MAPERR, 0x1234, 14, 4, 0x1234);
	CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), SIGSEGV);
	CU_ASSERT_EQUAL(info.fault.addr, 0x1234);
	CU_ASSERT_EQUAL(dequeue_signal(t, 0, &info), SIGHUP);
	teardown();
}

static void what_is_ignored_is_not_even_queued(void)
{
	const struct k_sigaction ignore = {.handler = (gva_t)SIG_IGN};

	setup();
	CU_ASSERT_EQUAL(send(SIGCHLD, SI_USER, 0), 0); /* its default */
	CU_ASSERT_FALSE(signal_pending(t));
	t->blocked = sigmask_k(SIGUSR1);
	CU_ASSERT_EQUAL(send(SIGUSR1, SI_USER, 0), 0);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, sigmask_k(SIGUSR1));
	/* Blocked or not, what is pending goes when it becomes ignored. */
	CU_ASSERT_EQUAL(do_sigaction(t, SIGUSR1, &ignore, NULL), 0);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, 0);
	t->blocked = 0;
	teardown();
}

static void stop_and_continue_take_each_other_away(void)
{
	setup();
	t->blocked = sigmask_k(SIGTSTP) | sigmask_k(SIGCONT);
	send(SIGTSTP, SI_USER, 0);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, sigmask_k(SIGTSTP));
	send(SIGCONT, SI_USER, 0);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, sigmask_k(SIGCONT));
	send(SIGTSTP, SI_USER, 0);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, sigmask_k(SIGTSTP));
	send(SIGCONT, SI_USER, 0);
	t->blocked = 0;
	teardown();
}

static void the_limit_of_queued_signals_is_eagain_but_for_kill(void)
{
	setup();
	t->blocked = ~UNBLOCKABLE_MASK;
	t->signal->rlim_cur[RLIMIT_SIGPENDING] = 3;
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(send(40, SI_QUEUE, i), 0);
	CU_ASSERT_EQUAL(send(40, SI_QUEUE, 3), -EAGAIN);
	CU_ASSERT_EQUAL(send(41, SI_QUEUE, 3), -EAGAIN);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal & sigmask_k(41), 0);
	CU_ASSERT_EQUAL(send(SIGUSR1, SI_QUEUE, 0), 0); /* comes, without its siginfo */
	CU_ASSERT_EQUAL(send(42, SI_USER, 0), 0);
	CU_ASSERT_EQUAL(nr_user_sigqueue(m, t->uid), 3);
	t->blocked = 0;
	teardown();
}

static void kill_and_stop_have_no_other_action(void)
{
	const struct k_sigaction act = {.handler = 0x400000};

	setup();
	CU_ASSERT_EQUAL(do_sigaction(t, SIGKILL, &act, NULL), -EINVAL);
	CU_ASSERT_EQUAL(do_sigaction(t, SIGSTOP, &act, NULL), -EINVAL);
	CU_ASSERT_EQUAL(do_sigaction(t, 0, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(do_sigaction(t, 65, NULL, NULL), -EINVAL);
	t->blocked = ~0UL;
	CU_ASSERT_FALSE(fatal_signal_pending(t));
	send(SIGKILL, SI_USER, 0);
	CU_ASSERT(signal_pending(t));
	CU_ASSERT(fatal_signal_pending(t));
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(standard_signals_are_pending_once),
	UNIT_TEST(real_time_signals_queue_in_order_behind_lower_numbers),
	UNIT_TEST(a_fault_comes_before_all_others),
	UNIT_TEST(what_is_ignored_is_not_even_queued),
	UNIT_TEST(stop_and_continue_take_each_other_away),
	UNIT_TEST(the_limit_of_queued_signals_is_eagain_but_for_kill),
	UNIT_TEST(kill_and_stop_have_no_other_action),
	UNIT_END,
};
const struct unit_suite suite_signal = {"signal", tests};
