/* The scheduler. See sched.h. */
#include "proc/sched.h"

#include <linux/sched.h>

#include "base/err.h"
#include "base/log.h"
#include "cpu/fpu.h"
#include "mm/uaccess.h"
#include "proc/clock.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/ptrace.h"
#include "proc/task.h"

/* From nice -20 on, and SCHED_IDLE. */
static const u32 sched_prio_to_weight[NR_WEIGHTS] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548,
	7620,  6100,  4904,  3906,  3121,  2501,  1991,	 1586,	1277,  1024,  820,
	655,   526,   423,   335,   272,   215,	  172,	 137,	110,   87,    70,
	56,    45,    36,    29,    23,	   18,	  15,	 3,
};

static unsigned weight_index(const struct task_struct *t)
{
	return t->policy == SCHED_IDLE ? NR_WEIGHTS - 1 : (unsigned)(t->nice + 20);
}

u32 task_weight(const struct task_struct *t)
{
	return sched_prio_to_weight[weight_index(t)];
}

s64 task_slice(struct task_struct *t)
{
	s64 slice = next_slice(t->machine);
	unsigned mine = weight_index(t), heaviest;

	heaviest = (unsigned)__builtin_ctzl(t->machine->rq.weights | BIT(mine));
	if (likely(heaviest == mine) || task_rt_priority(t))
		return slice;
	slice = slice * sched_prio_to_weight[mine] / sched_prio_to_weight[heaviest];
	return max(slice, (s64)SCHED_SLICE_MIN);
}

/* A new slice; or the rest of the last one, if somebody more urgent came in between. */
static void start_slice(struct task_struct *t)
{
	t->slice = t->slice_left ? t->slice_left : task_slice(t);
	t->slice_left = 0;
	t->machine->rq.given = t->slice;
}

/* --- the queues --------------------------------------------------------------------------------- */

static void count_weight(struct rq *rq, const struct task_struct *t, int n)
{
	unsigned i = weight_index(t);

	rq->nr_of_weight[i] += (u32)n;
	if (rq->nr_of_weight[i])
		rq->weights |= BIT(i);
	else
		rq->weights &= ~BIT(i);
}

/* Behind all that are more urgent, and (unless @head) those that are as urgent as it is. */
static void enqueue_rt(struct rq *rq, struct task_struct *t, bool head)
{
	s32 prio = task_rt_priority(t);
	struct task_struct *other;

	list_for_each_entry (other, &rq->rt, run_list)
		if (task_rt_priority(other) < prio || (head && task_rt_priority(other) == prio))
			break;
	list_add_tail(&t->run_list, &other->run_list);
}

static void enqueue(struct rq *rq, struct task_struct *t, bool head)
{
	if (unlikely(task_rt_priority(t))) {
		enqueue_rt(rq, t, head);
		return;
	}
	if (unlikely(head))
		list_add(&t->run_list, &rq->queue);
	else
		list_add_tail(&t->run_list, &rq->queue);
	count_weight(rq, t, 1);
}

static void dequeue(struct rq *rq, struct task_struct *t)
{
	list_del_init(&t->run_list);
	if (likely(!task_rt_priority(t)))
		count_weight(rq, t, -1);
}

static struct task_struct *pick_next(struct rq *rq)
{
	bool rt = unlikely(!list_empty(&rq->rt)), fair = !list_empty(&rq->queue);
	struct task_struct *t;

	if (rt && fair && rq->rt_ran >= RT_RUNTIME)
		rt = false;
	if (!rt || !fair)
		rq->rt_ran = 0;
	if (!rt && !fair)
		return NULL;
	t = list_first_entry(rt ? &rq->rt : &rq->queue, struct task_struct, run_list);
	dequeue(rq, t);
	return t;
}

/* Is @t, which waits, not to wait for the end of @curr's slice? */
static bool more_urgent(const struct task_struct *t, const struct task_struct *curr)
{
	s32 prio = task_rt_priority(t), running = task_rt_priority(curr);

	if (unlikely(prio || running))
		return prio > running;
	return unlikely(curr->policy == SCHED_IDLE) && t->policy != SCHED_IDLE;
}

/* @t waits now: does the current task give way, or is its slice too long beside one that is heavier? */
static void check_preempt(struct rq *rq, const struct task_struct *t)
{
	struct task_struct *curr = rq->curr;

	if (!curr || rq->preempt)
		return;
	if (more_urgent(t, curr)) {
		rq->preempt = true;
		curr->slice_left = max(curr->slice, 0L);
		rq->given -= curr->slice_left;
		curr->slice = 0;
	} else if (unlikely(weight_index(t) < weight_index(curr)) && !task_rt_priority(curr)) {
		curr->slice = min(curr->slice, task_slice(curr));
	}
}

/* The current task would rather run: in front, if real-time tasks came in between, and behind those of its own kind
 * whose turn it is. */
static void put_prev(struct rq *rq, struct task_struct *prev)
{
	bool stays = task_rt_priority(prev) ? rq->preempt || prev->policy == SCHED_FIFO
					    : rq->preempt && !list_empty(&rq->rt);

	if (rq->yield)
		prev->slice_left = 0;
	enqueue(rq, prev, stays && !rq->yield);
}

/* A task's registers travel with it: the CPU holds those of the running one only.
 * The stamp of AVX-512: save_fpregs_to_fpstate(). */
static void switch_out(struct machine *m, struct task_struct *t)
{
	t->regs = m->cpu.regs;
	if (fpu_uses_avx512(t->fpu))
		t->avx512_ns = machine_now_ns(m);
	t->retired = m->cpu.retired - m->retired_others;
	t->rseq_event = t->rseq != 0;
}

static void switch_in(struct machine *m, struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	m->cpu.regs = t->regs;
	m->cpu.fpu = t->fpu;
	m->cpu.tsc_faults = t->tsc_faults;
	if (unlikely(t->debug.armed || m->cpu.debug.armed))
		load_debug_registers(t);
	m->retired_others = m->cpu.retired - t->retired;
	m->mem.faults = &t->flt;
	m->mem.personality = &t->personality;
	task_set_rights(t);
	m->rq.curr = t;
	m->rq.nr_switches++;
	start_slice(t);
	if (!mm)
		return; /* a kernel thread borrows whatever is there */
	tlb_switch(&m->cpu.tlb, mm);
}

/* xorshift64*, for nothing else: what the guest draws does not depend on how tasks take turns. */
static u64 draw(struct rq *rq)
{
	rq->slice_rng ^= rq->slice_rng >> 12;
	rq->slice_rng ^= rq->slice_rng << 25;
	rq->slice_rng ^= rq->slice_rng >> 27;
	return rq->slice_rng * 0x2545f4914f6cdd1dUL >> 16;
}

s64 next_slice(struct machine *m)
{
	s64 slice = SCHED_SLICE;
	u64 drawn;

	if (likely(!m->config.vary_slices))
		return slice;
	drawn = draw(&m->rq);
	for (u64 halves = drawn % 14; halves; halves--)
		slice /= 2;
	return slice / 2 + (drawn >> 8) % (slice / 2) + SCHED_SLICE_MIN / 2;
}

/* To the idle loop. */
static void switch_to_idle(struct machine *m)
{
	m->mem.faults = NULL;
	m->mem.personality = NULL;
	m->rq.curr = NULL;
	m->rq.nr_switches++;
}

#define MAX_RT_PRIO 100	 /* what task_prio() is from */
#define DEFAULT_PRIO 120 /* the idle loop's */

/* The state as the kernel's letters have it. */
static char state_letter(const struct task_struct *t)
{
	if (task_is_dead(t))
		return t->exit_state == EXIT_DEAD ? 'X' : 'Z';
	if (t->state == TASK_RUNNING)
		return 'R';
	if (t->state == TASK_STOPPED)
		return 'T';
	if (t->state == TASK_TRACED)
		return 't';
	return t->state == TASK_INTERRUPTIBLE ? 'S' : 'D';
}

/* Either may be NULL: the idle loop. */
static void trace_switch(struct machine *m, const struct task_struct *prev,
			 const struct task_struct *next)
{
	trace_event(m->mem.trace, TP_sched_sched_switch,
		    "prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%c ==> next_comm=%s "
		    "next_pid=%d next_prio=%d",
		    prev ? prev->comm : "swapper/0", prev ? prev->pid : 0,
		    prev ? MAX_RT_PRIO + task_prio(prev) : DEFAULT_PRIO,
		    prev ? state_letter(prev) : 'R', next ? next->comm : "swapper/0",
		    next ? next->pid : 0, next ? MAX_RT_PRIO + task_prio(next) : DEFAULT_PRIO);
}

static void check_canary(struct task_struct *t)
{
	if (unlikely(*(u64 *)t->stack != KSTACK_CANARY))
		BUG("kernel stack overflow");
}

void finish_switch(struct machine *m)
{
	struct task_struct *t = m->rq.dead;

	if (!t)
		return;
	m->rq.dead = NULL;
	task_free_stack(t);
	if (t->exit_state == EXIT_DEAD)
		release_task(t);
}

void look_outside(struct machine *m)
{
	struct task_struct *curr = m->rq.curr;

	m->rq.unseen = 0;
	event_loop_run(&m->events, false);
	machine_clock_tick(m);
	if (unlikely(cpu_timers_armed(curr)))
		run_cpu_timers(curr);
}

void schedule(struct machine *m)
{
	struct rq *rq = &m->rq;
	struct task_struct *prev = rq->curr, *next;

	check_canary(prev);
	/* It may be @prev who is woken by that: its state is looked at behind it. */
	if (unlikely(++rq->unseen >= LOOK_SWITCHES))
		look_outside(m);
	if (unlikely(task_rt_priority(prev))) {
		rq->rt_ran += rq->given - prev->slice;
		rq->given = prev->slice;
	}
	if (prev->state == TASK_RUNNING)
		put_prev(rq, prev);
	else
		prev->slice_left = 0;
	rq->preempt = rq->yield = false;
	next = pick_next(rq);
	if (next == prev) {
		if (prev->slice <= 0)
			start_slice(prev);
		return;
	}
	if (prev->state == TASK_RUNNING)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	trace_switch(m, prev, next);
	switch_out(m, prev);
	if (next)
		switch_in(m, next);
	else
		switch_to_idle(m);
	coro_switch(&prev->coro, next ? &next->coro : &rq->idle);
	finish_switch(m);
}

void schedule_dead(struct machine *m)
{
	struct rq *rq = &m->rq;
	struct task_struct *t = rq->curr, *next = pick_next(rq);

	rq->preempt = rq->yield = false;
	check_canary(t);
	trace_switch(m, t, next);
	switch_out(m, t);
	rq->dead = t;
	if (next)
		switch_in(m, next);
	else
		switch_to_idle(m);
	coro_exit_to(&t->coro, next ? &next->coro : &rq->idle);
}

void call_on_host_stack(struct machine *m, void (*fn)(void *arg), void *arg)
{
	m->rq.call = fn;
	m->rq.call_arg = arg;
	pagefault_disable(&m->mem); /* nobody can sleep there */
	coro_switch(&m->rq.curr->coro, &m->rq.idle);
	pagefault_enable(&m->mem);
}

/* From the idle loop to @t, and back when nobody is left to run. */
static void run_task(struct rq *rq, struct task_struct *t)
{
	coro_switch(&rq->idle, &t->coro);
	while (rq->call) {
		void (*fn)(void *) = rq->call;

		rq->call = NULL;
		fn(rq->call_arg);
		coro_switch(&rq->idle, &rq->curr->coro);
	}
}

void sched_run(struct machine *m, const bool *stop)
{
	struct task_struct *t;

	while (!*stop) {
		event_loop_run(&m->events, !sched_others(&m->rq));
		machine_clock_tick(m);
		t = pick_next(&m->rq);
		if (!t)
			continue;
		trace_switch(m, NULL, t);
		switch_in(m, t);
		run_task(&m->rq, t);
		finish_switch(m);
	}
}

bool wake_up_process(struct task_struct *t)
{
	struct rq *rq = &t->machine->rq;

	if (t->state == TASK_RUNNING || task_is_dead(t))
		return false;
	t->state = TASK_RUNNING;
	if (unlikely(task_rt_priority(t)))
		t->rt_woken_ns = task_cputime_ns(t);
	if (t != rq->curr && list_empty(&t->run_list)) {
		enqueue(rq, t, false);
		check_preempt(rq, t);
	}
	if (unlikely(t->machine->config.vary_slices) && rq->curr)
		rq->curr->slice = min(rq->curr->slice, next_slice(t->machine));
	return true;
}

/* --- how a task is scheduled --------------------------------------------------------------------- */

/* @t, which waits or runs, is about to change (take_out), and has changed from @old, its priority of before. */
static bool take_out(struct rq *rq, struct task_struct *t)
{
	bool queued = !list_empty(&t->run_list);

	if (queued)
		dequeue(rq, t);
	return queued;
}

static void put_back(struct rq *rq, struct task_struct *t, bool queued, s32 old)
{
	struct task_struct *first;

	if (!old && task_rt_priority(t))
		t->rt_woken_ns = task_cputime_ns(t);
	if (queued) {
		enqueue(rq, t, task_rt_priority(t) && task_rt_priority(t) < old);
		check_preempt(rq, t);
	} else if (t == rq->curr && !list_empty(&rq->rt)) {
		first = list_first_entry(&rq->rt, struct task_struct, run_list);
		check_preempt(rq, first);
	} else if (t == rq->curr && !list_empty(&rq->queue)) {
		first = list_first_entry(&rq->queue, struct task_struct, run_list);
		check_preempt(rq, first);
	}
}

void sched_set(struct task_struct *t, u32 policy, s32 rt_priority, s32 nice)
{
	struct rq *rq = &t->machine->rq;
	s32 old = task_rt_priority(t);
	bool queued = take_out(rq, t);

	t->policy = policy;
	t->rt_priority = rt_priority;
	t->nice = nice;
	if (rt_priority)
		t->timer_slack_ns = 0;
	else if (!t->timer_slack_ns)
		t->timer_slack_ns = t->default_timer_slack_ns;
	put_back(rq, t, queued, old);
	if (unlikely(t->pi_blocked_on) && task_rt_priority(t) != old)
		futex_adjust_pi(t);
}

void sched_boost(struct task_struct *t, s32 rt_priority)
{
	struct rq *rq = &t->machine->rq;
	s32 old = task_rt_priority(t);
	bool queued = take_out(rq, t);

	t->rt_boost = rt_priority;
	put_back(rq, t, queued, old);
}

void sched_yield_current(struct machine *m)
{
	m->rq.yield = true;
	schedule(m);
}

void sched_slice_over(struct task_struct *t)
{
	struct machine *m = t->machine;

	if (sched_others(&m->rq)) {
		schedule(m);
	} else {
		m->rq.preempt = false;
		start_slice(t);
	}
}

int sched_validate(const struct machine *m)
{
	const struct rq *rq = &m->rq;
	const struct task_struct *t;
	u32 nr[NR_WEIGHTS] = {0};
	s32 before = MAX_RT_PRIO;
	bool wrong = false;

	list_for_each_entry (t, &rq->rt, run_list) {
		wrong |= !task_rt_priority(t) || task_rt_priority(t) > before || t == rq->curr ||
			 t->state != TASK_RUNNING;
		before = task_rt_priority(t);
	}
	list_for_each_entry (t, &rq->queue, run_list) {
		wrong |= task_rt_priority(t) || t == rq->curr || t->state != TASK_RUNNING;
		nr[weight_index(t)]++;
	}
	for (unsigned i = 0; i < NR_WEIGHTS; i++)
		wrong |= nr[i] != rq->nr_of_weight[i] || !nr[i] != !(rq->weights & BIT(i));
	if (wrong)
		log_line("the queues of the scheduler are not as they are to be");
	return wrong ? -EFAULT : 0;
}

/* --- what base/wait.h calls ---------------------------------------------------------------- */

struct sleep_timer {
	struct event_timer timer;
	struct task_struct *task;
};

static void sleep_timer_fn(struct event_timer *timer)
{
	wake_up_process(container_of(timer, struct sleep_timer, timer)->task);
}

static struct task_struct *op_current(void *arg)
{
	return ((struct machine *)arg)->rq.curr;
}

static void op_set_current_state(void *arg, enum task_wait state)
{
	((struct machine *)arg)->rq.curr->state = state;
}

static int op_block(void *arg, u64 deadline_ns)
{
	struct machine *m = arg;
	struct task_struct *t = m->rq.curr;
	struct sleep_timer st = {.task = t};

	if (deadline_ns == WAIT_FOREVER) {
		if (t->state != TASK_RUNNING)
			schedule(m);
		return 0;
	}
	if (machine_now_ns(m) >= deadline_ns) {
		t->state = TASK_RUNNING;
		return -ETIME;
	}
	st.timer.fn = sleep_timer_fn;
	event_timer_add(&m->events, &st.timer, deadline_ns);
	if (t->state != TASK_RUNNING)
		schedule(m);
	event_timer_del(&st.timer);
	return machine_now_ns(m) >= deadline_ns ? -ETIME : 0;
}

static bool op_wake(void *arg, struct task_struct *t)
{
	(void)arg;
	return wake_up_process(t);
}

static bool op_signal_pending(void *arg, enum task_wait state)
{
	struct task_struct *t = ((struct machine *)arg)->rq.curr;

	if (!t || state == TASK_UNINTERRUPTIBLE)
		return false;
	if (state == TASK_KILLABLE)
		return fatal_signal_pending(t);
	return signal_pending(t);
}

static const struct sched_ops machine_sched_ops = {
	.current = op_current,
	.set_current_state = op_set_current_state,
	.block = op_block,
	.wake = op_wake,
	.signal_pending = op_signal_pending,
};

void sched_init(struct machine *m)
{
	INIT_LIST_HEAD(&m->rq.rt);
	INIT_LIST_HEAD(&m->rq.queue);
	m->rq.slice_rng = (m->config.seed + 1) * 0x9e3779b97f4a7c15UL | 1;
	coro_init_host(&m->rq.idle);
	m->sched.ops = &machine_sched_ops;
	m->sched.arg = m;
}
