/* The task loop. See loop.h. */
#include "proc/loop.h"

#include "cpu/jit/jit.h"
#include "proc/itimer.h"
#include "proc/rseq.h"
#include "proc/task.h"
#include "proc/traps.h"

#define SYSCALL_COST 500       /* of a slice, in instructions: system calls take their time, too */
#define CPU_TIMER_SLICE 100000 /* how often CPU time is looked at, if somebody wants to know */

/* The slice is over: look outside, and let others run. */
static void reschedule(struct task_struct *t)
{
	look_outside(t->machine);
	sched_slice_over(t);
}

/* A while of guest code, no longer than the slice. */
static enum cpu_stop run_guest(struct task_struct *t)
{
	struct cpu *cpu = &t->machine->cpu;
	u64 before = cpu->retired;
	s64 budget = t->slice;
	enum cpu_stop why;

	if (unlikely(cpu_timers_armed(t)))
		budget = min(budget, (s64)CPU_TIMER_SLICE);
	why = cpu_run(cpu, budget);
	t->slice -= cpu->retired - before;
	if (unlikely(t->machine->config.jit_gdb) && code_cache_jit(cpu->code))
		jit_gdb_tell(code_cache_jit(cpu->code));
	if (why == CPU_SYSCALL || why == CPU_INT80)
		t->slice -= SYSCALL_COST;
	return why;
}

void task_loop(struct task_struct *t)
{
	struct machine *m = t->machine;

	for (;;) {
		VM_BUG_ON(*(u64 *)t->stack != KSTACK_CANARY);
		if (unlikely(t->sigpending || t->restore_sigmask))
			do_signal(t);
		if (unlikely(t->rseq_event)) {
			rseq_resume(t, 0);
			continue;
		}
		switch (run_guest(t)) {
		case CPU_SYSCALL:
			m->do_syscall(t, false);
			break;
		case CPU_INT80:
			m->do_syscall(t, true);
			break;
		case CPU_EXCEPTION:
			t->syscall_nr = ~0UL;
			do_trap(t);
			break;
		case CPU_BUDGET:
		case CPU_INTERRUPTED:
			t->syscall_nr = ~0UL;
			reschedule(t);
			break;
		}
		if (unlikely(t->slice <= 0))
			reschedule(t);
	}
}
