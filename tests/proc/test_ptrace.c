/* ptrace(2) seen from below: the first task traces children that it has forked, by the functions of ptrace.h; what a child
 * does is in the code. Block steps and breakpoints are here in full, since not each host's machine has them. */
#include <sys/wait.h>

#include "proc/fork.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/wait.h"
#include "tiny_elf.h"
#include "unit.h"

/* A child (rax is 0 there) stops at int3, branches, stores, and ends; the parent ends. */
GUEST_CODE(traced, "	sys 110\n"
		   "	test %eax, %eax\n"
		   "	jz 1f\n"
		   "	exit 0\n"
		   "1:	int3\n"
		   "	.globl traced_1, traced_2, traced_3, traced_4, traced_5\n"
		   "traced_1: mov $2, %ecx\n"
		   "traced_2: dec %ecx\n"
		   "	jnz traced_2\n"
		   "	call traced_4\n"
		   "traced_3: jmp traced_5\n"
		   "traced_4: mov %rcx, -64(%rsp)\n"
		   "	ret\n"
		   "traced_5: push %rax\n"
		   "	exit 7\n");
extern const u8 traced_1[], traced_2[], traced_3[], traced_4[], traced_5[];

#define AT(label) (TINY_ENTRY + (u64)((label)-traced))

static struct task_struct *born(struct task_struct *t)
{
	const struct kernel_clone_args args = {.exit_signal = SIGCHLD};
	long pid = kernel_clone(t, &args);

	CU_ASSERT_FATAL(pid > 0);
	return find_task_by_pid(t->machine, (s32)pid);
}

/* The next status word of @pid; -1: none will come. */
static int next_status(struct task_struct *t, s32 pid)
{
	struct wait_opts wo = {.which = WAIT_PID, .id = pid, .flags = WEXITED | __WALL};

	return do_wait(t, &wo) ? -1 : wo.status;
}

/* A child of @t's, traced, that has stopped at its int3. */
static struct task_struct *stopped_child(struct task_struct *t)
{
	struct task_struct *p = born(t);

	CU_ASSERT_EQUAL(ptrace_attach(t, p, true, 0, 0), 0);
	CU_ASSERT_EQUAL(next_status(t, p->pid), SIGTRAP << 8 | 0x7f);
	CU_ASSERT_EQUAL(p->regs.rip, AT(traced_1));
	return p;
}

static void end_of(struct task_struct *t, struct task_struct *p)
{
	s32 pid = p->pid;

	CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_CONT, 0), 0);
	CU_ASSERT_EQUAL(next_status(t, pid), 7 << 8);
	CU_ASSERT(list_empty(&t->ptraced));
	CU_ASSERT_PTR_NULL(find_task_by_pid(t->machine, pid));
}

static void refusals(struct task_struct *t)
{
	struct task_struct *p = born(t);
	s32 pid = p->pid;

	CU_ASSERT_EQUAL(ptrace_check_attach(t, p, false), -ESRCH);
	CU_ASSERT_EQUAL(ptrace_attach(t, t, false, 0, 0), -EPERM);
	CU_ASSERT_EQUAL(ptrace_attach(t, p, true, 8, 0), -EIO);
	CU_ASSERT_EQUAL(ptrace_attach(t, p, true, 0, 1UL << 40), -EIO);
	CU_ASSERT_EQUAL(p->ptrace, 0);
	CU_ASSERT_EQUAL(ptrace_attach(t, p, true, 0, PTRACE_O_TRACEEXIT), 0);
	CU_ASSERT_EQUAL(ptrace_attach(t, p, false, 0, 0), -EPERM);
	CU_ASSERT_EQUAL(ptrace_check_attach(t, p, false), -ESRCH); /* it runs */
	CU_ASSERT_EQUAL(next_status(t, pid), SIGTRAP << 8 | 0x7f);
	CU_ASSERT_EQUAL(ptrace_check_attach(t, p, false), 0);
	CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_CONT, NR_SIGNALS + 1), -EIO);
	CU_ASSERT_EQUAL(ptrace_listen(p), -EIO);
	/* Killed in its stop: it stops once more, for its end. */
	send_sig_info(SIGKILL, NULL, p);
	CU_ASSERT_EQUAL(ptrace_check_attach(t, p, false), -ESRCH);
	CU_ASSERT_EQUAL(next_status(t, pid), PTRACE_EVENT_EXIT << 16 | SIGTRAP << 8 | 0x7f);
	CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_CONT, 0), 0);
	CU_ASSERT_EQUAL(next_status(t, pid), SIGKILL);
}

static void who_may_and_a_kill_in_a_stop(void)
{
	tiny_run(traced, traced_end, refusals);
}

static void steps_over_branches(struct task_struct *t)
{
	const u64 targets[] = {AT(traced_2), AT(traced_4), AT(traced_3), AT(traced_5)};
	struct task_struct *p = stopped_child(t);

	for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
		CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_SINGLEBLOCK, 0), 0);
		CU_ASSERT_EQUAL(next_status(t, p->pid), SIGTRAP << 8 | 0x7f);
		CU_ASSERT_EQUAL(p->regs.rip, targets[i]);
		CU_ASSERT_EQUAL(ptrace_get_debugreg(p, 6), 0xffff4ff0);
	}
	CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_SINGLESTEP, 0), 0);
	CU_ASSERT_EQUAL(next_status(t, p->pid), SIGTRAP << 8 | 0x7f);
	CU_ASSERT_EQUAL(p->regs.rip, AT(traced_5) + 1);
	end_of(t, p);
}

static void block_steps_end_at_branches_that_are_taken(void)
{
	tiny_run(traced, traced_end, steps_over_branches);
}

static void meets_breakpoints(struct task_struct *t)
{
	struct task_struct *p = stopped_child(t);
	u64 sp = p->regs.gpr[R_RSP];

	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 0, AT(traced_2)), 0);
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 1, sp - 8 - 64), 0);
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 2, TASK_SIZE), -EINVAL);
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 4, 0), -EIO);
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 7, 0x20001), -EINVAL); /* I/O */
	CU_ASSERT_EQUAL(ptrace_get_debugreg(p, 7), 0);
	CU_ASSERT_FALSE(p->debug.armed);
	/* 0: execute; 1: write, 8 bytes */
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 7, 0x5 | 0x9UL << 20), 0);
	CU_ASSERT_EQUAL(ptrace_set_debugreg(p, 1, sp - 8 - 60), -EINVAL); /* not for 8 bytes */
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(ptrace_resume(p, PTRACE_CONT, 0), 0);
		CU_ASSERT_EQUAL(next_status(t, p->pid), SIGTRAP << 8 | 0x7f);
		CU_ASSERT_EQUAL(ptrace_get_debugreg(p, 6), i < 2 ? 0xffff0ff1 : 0xffff0ff2);
		CU_ASSERT_EQUAL(!(p->regs.flags & F_RF), i == 2);
		/* before it; behind the store */
		CU_ASSERT_EQUAL(p->regs.rip, i < 2 ? AT(traced_2) : AT(traced_4) + 5);
	}
	end_of(t, p);
	CU_ASSERT_FALSE(t->machine->cpu.debug.armed); /* they were another task's */
	CU_ASSERT_FALSE(t->machine->cpu.single_step);
}

static void breakpoints_are_before_instructions_and_behind_stores(void)
{
	tiny_run(traced, traced_end, meets_breakpoints);
}

/* Who traces goes: the child stops no more, or (PTRACE_O_EXITKILL) is no more. */
static void lets_go(struct task_struct *t)
{
	struct task_struct *p = stopped_child(t), *q = stopped_child(t);
	s32 pid = p->pid, other = q->pid;

	q->ptrace |= PT_EXITKILL;
	exit_ptrace(t);
	CU_ASSERT(list_empty(&t->ptraced));
	CU_ASSERT_EQUAL(p->ptrace, 0);
	CU_ASSERT_EQUAL(next_status(t, pid), 7 << 8);
	CU_ASSERT_EQUAL(next_status(t, other), SIGKILL);
}

static void a_tracers_end_lets_go_or_kills(void)
{
	tiny_run(traced, traced_end, lets_go);
}

/* The first program's parent is the machine's own init, which is a tracer, too, but ends no stop. */
static void asks_init(struct task_struct *t)
{
	CU_ASSERT_PTR_NULL(t->real_parent);
	CU_ASSERT_EQUAL(ptrace_traceme(t), 0);
	CU_ASSERT_EQUAL(ptrace_traceme(t), -EPERM);
	CU_ASSERT_PTR_NULL(t->tracer);
	CU_ASSERT_FALSE(ptrace_reparented(t));
	CU_ASSERT_EQUAL(machine_validate(t->machine), 0);
}

static void an_orphan_is_traced_by_init(void)
{
	tiny_run(traced, traced_end, asks_init);
}

static const struct unit_test tests[] = {
	UNIT_TEST(who_may_and_a_kill_in_a_stop),
	UNIT_TEST(block_steps_end_at_branches_that_are_taken),
	UNIT_TEST(breakpoints_are_before_instructions_and_behind_stores),
	UNIT_TEST(a_tracers_end_lets_go_or_kills),
	UNIT_TEST(an_orphan_is_traced_by_init),
	UNIT_END,
};
const struct unit_suite suite_ptrace = {"ptrace", tests};
