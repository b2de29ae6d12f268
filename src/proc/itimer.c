/* Timers of a process that end in a signal. See itimer.h. */
#include "proc/itimer.h"

#include <sys/time.h>

#include "proc/posix_timer.h"
#include "proc/task.h"

static const int cpu_timer_signal[2] = {SIGVTALRM, SIGPROF};

static u64 add_sat(u64 a, u64 b)
{
	return a + b < a ? WAIT_FOREVER : a + b;
}

static void it_real_fn(struct event_timer *timer)
{
	struct signal_struct *s = container_of(timer, struct signal_struct, real_timer);

	group_send_sig_info(SIGALRM, NULL, s->leader);
}

void itimer_rearm(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	u64 next = s->real_timer.expires_ns, now = machine_now_ns(t->machine);

	if (!s->real_interval_ns || event_timer_pending(&s->real_timer))
		return;
	/* From the time it was due, skipping what nobody could see. */
	if (next <= now)
		next += ((now - next) / s->real_interval_ns + 1) * s->real_interval_ns;
	event_timer_add(&t->machine->events, &s->real_timer, next);
}

/* The clock of ITIMER_VIRTUAL (1) or ITIMER_PROF (2). */
static u64 cpu_clock(struct task_struct *t, int which)
{
	u64 utime, stime;

	group_cputime(t, &utime, &stime);
	return which == ITIMER_VIRTUAL ? utime : utime + stime;
}

/* As the kernel: what is armed never shows 0. */
static u64 time_left(u64 expires, u64 now)
{
	return expires > now ? expires - now : 1000;
}

void itimer_get(struct task_struct *t, int which, struct itimer_ns *it)
{
	struct signal_struct *s = t->signal;
	unsigned i = which - 1;

	if (which == ITIMER_REAL) {
		it->interval_ns = s->real_interval_ns;
		it->value_ns =
			event_timer_pending(&s->real_timer)
				? time_left(s->real_timer.expires_ns, machine_now_ns(t->machine))
				: 0;
		return;
	}
	it->interval_ns = s->cpu_interval_ns[i];
	it->value_ns =
		s->cpu_expires_ns[i] ? time_left(s->cpu_expires_ns[i], cpu_clock(t, which)) : 0;
}

void itimer_set(struct task_struct *t, int which, const struct itimer_ns *it)
{
	struct signal_struct *s = t->signal;
	unsigned i = which - 1;

	if (which == ITIMER_REAL) {
		event_timer_del(&s->real_timer);
		s->real_interval_ns = it->value_ns ? it->interval_ns : 0;
		s->real_timer.fn = it_real_fn;
		if (it->value_ns)
			event_timer_add(&t->machine->events, &s->real_timer,
					add_sat(machine_now_ns(t->machine), it->value_ns));
		return;
	}
	s->cpu_interval_ns[i] = it->interval_ns;
	s->cpu_expires_ns[i] = it->value_ns ? add_sat(cpu_clock(t, which), it->value_ns) : 0;
}

void exit_itimers(struct task_struct *t)
{
	exit_posix_timers(t->signal);
	event_timer_del(&t->signal->real_timer);
	t->signal->cpu_expires_ns[0] = t->signal->cpu_expires_ns[1] = 0;
}

bool cpu_timers_armed(const struct task_struct *t)
{
	const struct signal_struct *s = t->signal;

	return s->cpu_expires_ns[0] || s->cpu_expires_ns[1] || !list_empty(&s->cpu_timers) ||
	       s->rlim_cur[RLIMIT_CPU] != RLIM_INFINITY ||
	       (unlikely(task_rt_priority(t)) && s->rlim_cur[RLIMIT_RTTIME] != RLIM_INFINITY);
}

static void check_itimer(struct task_struct *t, int which)
{
	struct signal_struct *s = t->signal;
	unsigned i = which - 1;
	u64 now;

	if (!s->cpu_expires_ns[i])
		return;
	now = cpu_clock(t, which);
	if (now < s->cpu_expires_ns[i])
		return;
	s->cpu_expires_ns[i] =
		s->cpu_interval_ns[i] ? max(now, s->cpu_expires_ns[i] + s->cpu_interval_ns[i]) : 0;
	group_send_sig_info(cpu_timer_signal[i], NULL, t);
}

/* SIGXCPU at the soft limit, which moves on by a second then; SIGKILL at the hard one. */
static void check_rlimit_cpu(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	u64 soft = s->rlim_cur[RLIMIT_CPU], hard = s->rlim_max[RLIMIT_CPU], now;

	if (soft == RLIM_INFINITY)
		return;
	now = cpu_clock(t, ITIMER_PROF);
	if (hard != RLIM_INFINITY && now / NSEC_PER_SEC >= hard) {
		group_send_sig_info(SIGKILL, NULL, t);
		return;
	}
	if (now / NSEC_PER_SEC < soft)
		return;
	s->rlim_cur[RLIMIT_CPU] = soft + 1;
	group_send_sig_info(SIGXCPU, NULL, t);
}

/* The same for what a real-time thread has run since it slept, in microseconds: check_thread_timers() */
static void check_rlimit_rttime(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	u64 soft = s->rlim_cur[RLIMIT_RTTIME], hard = s->rlim_max[RLIMIT_RTTIME], us;

	if (soft == RLIM_INFINITY || !task_rt_priority(t))
		return;
	us = (task_cputime_ns(t) - t->rt_woken_ns) / 1000;
	if (hard != RLIM_INFINITY && us >= hard) {
		group_send_sig_info(SIGKILL, NULL, t);
		return;
	}
	if (us < soft)
		return;
	s->rlim_cur[RLIMIT_RTTIME] = soft + 1000000; /* a second */
	group_send_sig_info(SIGXCPU, NULL, t);
}

void run_cpu_timers(struct task_struct *t)
{
	check_itimer(t, ITIMER_VIRTUAL);
	check_itimer(t, ITIMER_PROF);
	check_rlimit_cpu(t);
	check_rlimit_rttime(t);
	run_posix_cpu_timers(t);
}
