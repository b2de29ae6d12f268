/* The scheduler. See sched.h. */
#include "proc/sched.h"

#include "cpu/fpu.h"
#include "mm/uaccess.h"
#include "proc/clock.h"
#include "proc/task.h"

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
	m->retired_others = m->cpu.retired - t->retired;
	m->mem.faults = &t->flt;
	m->mem.personality = &t->personality;
	task_set_rights(t);
	m->rq.curr = t;
	m->rq.nr_switches++;
	t->slice = next_slice(m);
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

static struct task_struct *pick_next(struct rq *rq)
{
	struct task_struct *t;

	if (list_empty(&rq->queue))
		return NULL;
	t = list_first_entry(&rq->queue, struct task_struct, run_list);
	list_del_init(&t->run_list);
	return t;
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
	m->rq.unseen = 0;
	event_loop_run(&m->events, false);
	machine_clock_tick(m);
}

void schedule(struct machine *m)
{
	struct rq *rq = &m->rq;
	struct task_struct *prev = rq->curr, *next;

	check_canary(prev);
	/* It may be @prev who is woken by that: its state is looked at behind it. */
	if (unlikely(++rq->unseen >= LOOK_SWITCHES))
		look_outside(m);
	if (prev->state == TASK_RUNNING)
		list_add_tail(&prev->run_list, &rq->queue);
	next = pick_next(rq);
	if (next == prev)
		return;
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
		event_loop_run(&m->events, list_empty(&m->rq.queue));
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
	if (t != rq->curr && list_empty(&t->run_list))
		list_add_tail(&t->run_list, &rq->queue);
	if (unlikely(t->machine->config.vary_slices) && rq->curr)
		rq->curr->slice = min(rq->curr->slice, next_slice(t->machine));
	return true;
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
	INIT_LIST_HEAD(&m->rq.queue);
	m->rq.slice_rng = (m->config.seed + 1) * 0x9e3779b97f4a7c15UL | 1;
	coro_init_host(&m->rq.idle);
	m->sched.ops = &machine_sched_ops;
	m->sched.arg = m;
}
