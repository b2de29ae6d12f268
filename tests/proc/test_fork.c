/* Forking guests seen from below: frames, counts and shares, which a guest alone cannot check. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/seq_file.h"
#include "mm/page_alloc.h"
#include "proc/procfs/procfs.h"
#include "proc/fork.h"
#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

/* 1,000 times: fork, the child writes to its copy of a page and ends, wait. Between the rounds the
 * first task gives its number of frames away by getppid(), where the test looks. */
GUEST_CODE(fork_in_a_row, "	sub $4096, %rsp\n"
			  "	mov $1000, %ebx\n"
			  "1:	sys 57\n"
			  "	test %eax, %eax\n"
			  "	jz 2f\n"
			  "	js 3f\n"
			  "	mov $61, %eax\n" /* wait4(-1, 0, 0, 0) */
			  "	mov $-1, %rdi\n"
			  "	xor %esi, %esi\n"
			  "	xor %edx, %edx\n"
			  "	xor %r10d, %r10d\n"
			  "	syscall\n"
			  "	test %eax, %eax\n"
			  "	js 3f\n"
			  "	sys 110\n" /* getppid() */
			  "	dec %ebx\n"
			  "	jnz 1b\n"
			  "	exit 0\n"
			  "2:	movq %rbx, (%rsp)\n"
			  "	exit 0\n"
			  "3:	exit 1\n");

/* Maps 16 pages, fills them, forks 200 children, each of which writes page n % 16 and pauses; then
 * getppid(), where the test looks at all of them; then kill(0, SIGKILL). */
GUEST_CODE(fork_crowd, "	mmap 65536, 0x22\n"
		       "	mov %rax, %r12\n"
		       "	xor %ebx, %ebx\n"
		       "1:	mov %ebx, %eax\n"
		       "	shl $12, %eax\n"
		       "	movb $1, (%r12,%rax)\n"
		       "	inc %ebx\n"
		       "	cmp $16, %ebx\n"
		       "	jb 1b\n"
		       "	xor %ebx, %ebx\n"
		       "2:	sys 57\n"
		       "	test %eax, %eax\n"
		       "	jz 3f\n"
		       "	inc %ebx\n"
		       "	cmp $200, %ebx\n"
		       "	jb 2b\n"
		       "	xor %ebp, %ebp\n" /* sched_yield() until all have written */
		       "5:	sys 24\n"
		       "	inc %ebp\n"
		       "	cmp $4, %ebp\n"
		       "	jb 5b\n"
		       "	sys 110\n"
		       "	xor %edi, %edi\n"
		       "	mov $9, %esi\n"
		       "	sys 62\n"
		       "3:	and $15, %ebx\n"
		       "	shl $12, %ebx\n"
		       "	movb $2, (%r12,%rbx)\n"
		       "4:	sys 34\n"
		       "	jmp 4b\n");

/* Maps 8 pages, fills them; then each of five generations forks the next one, which writes the page
 * of its number. All but the first pause; that one calls getppid(), where the test looks at all
 * and ends them, in the order that it likes. */
GUEST_CODE(fork_chain, "	mmap 32768, 0x22\n"
		       "	mov %rax, %r12\n"
		       "	xor %ebx, %ebx\n"
		       "1:	mov %ebx, %eax\n"
		       "	shl $12, %eax\n"
		       "	movb $1, (%r12,%rax)\n"
		       "	inc %ebx\n"
		       "	cmp $8, %ebx\n"
		       "	jb 1b\n"
		       "	xor %ebx, %ebx\n"
		       "2:	sys 57\n"
		       "	test %eax, %eax\n"
		       "	jnz 3f\n"
		       "	mov %ebx, %eax\n"
		       "	shl $12, %eax\n"
		       "	movb $2, (%r12,%rax)\n"
		       "	inc %ebx\n"
		       "	cmp $5, %ebx\n"
		       "	jb 2b\n"
		       "3:	test %ebx, %ebx\n"
		       "	jnz 5f\n"
		       "	mov $8, %ebp\n"
		       "4:	sys 24\n"
		       "	dec %ebp\n"
		       "	jnz 4b\n"
		       "	sys 110\n"
		       "	exit 0\n"
		       "5:	sys 34\n"
		       "	jmp 5b\n");

#define SYS_GETPPID 110

/* What the test sees at each getppid() of the first task. */
static struct {
	void (*inner)(struct task_struct *t, bool compat);
	u64 calls, free_first, free_last;
	u64 pss_pages, tasks;
} seen;

static void look_at_frames(struct task_struct *t)
{
	u64 free = nr_free_pages(&t->machine->mem);

	if (seen.calls == 10) /* caches are warm */
		seen.free_first = free;
	seen.free_last = free;
}

/* "Pss:" of the smaps lines, summed over all tasks, in kB. */
static u64 sum_pss(struct machine *m, struct task_struct *t)
{
	struct seq text;
	u64 kb = 0;
	char *at;

	if (procfs_read_text(m, t, "smaps_rollup", &text))
		return 0;
	seq_putc(&text, '\0');
	at = strstr(text.buf, "Pss_Anon:");
	if (at)
		kb = strtoul(at + 9, NULL, 10);
	seq_release(&text);
	return kb;
}

static void look_at_crowd(struct task_struct *t)
{
	struct machine *m = t->machine;
	struct task_struct *p;
	u64 kb = 0;

	list_for_each_entry (p, &m->tasks, tasks) {
		seen.tasks++;
		kb += sum_pss(m, p);
	}
	seen.pss_pages = kb / 4;
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	/* Each task rounds down to a whole kB. */
	CU_ASSERT(kb <= (u64)m->mem.stats[ST_anon_pages] * 4);
	CU_ASSERT(kb + seen.tasks >= (u64)m->mem.stats[ST_anon_pages] * 4);
}

static void (*look)(struct task_struct *t);

static void watch(struct task_struct *t, bool compat)
{
	if (t->machine->cpu.regs.gpr[R_RAX] == SYS_GETPPID && t->pid == t->machine->init_pid) {
		look(t);
		seen.calls++;
	}
	seen.inner(t, compat);
}

static int run(const u8 *code, const u8 *end, void (*fn)(struct task_struct *t))
{
	struct machine *m = tiny_start(code, end, 256UL << 20);
	int status;

	memset(&seen, 0, sizeof(seen));
	look = fn;
	seen.inner = m->do_syscall;
	m->do_syscall = watch;
	status = machine_run(m);
	CU_ASSERT_EQUAL(m->nr_tasks, 0);
	tiny_end(m);
	return status;
}

static void a_thousand_forks_lose_no_frame(void)
{
	CU_ASSERT_EQUAL(run(fork_in_a_row, fork_in_a_row_end, look_at_frames), 0);
	CU_ASSERT_EQUAL(seen.calls, 1000);
	CU_ASSERT_EQUAL(seen.free_first, seen.free_last);
}

static void pss_of_two_hundred_children_sums_up_to_the_frames_in_use(void)
{
	CU_ASSERT_EQUAL(run(fork_crowd, fork_crowd_end, look_at_crowd), SIGKILL);
	CU_ASSERT_EQUAL(seen.calls, 1);
	CU_ASSERT_EQUAL(seen.tasks, 201);
	CU_ASSERT(seen.pss_pages > 150); /* 200 copies, less a kB of rounding a task */
}

/* Orders in which five generations can end. */
static const u8 end_orders[][5] = {
	{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 3, 0, 4, 2}};
static unsigned end_order;

static void end_chain(struct task_struct *t)
{
	struct machine *m = t->machine;
	s32 first = t->pid + 1;

	look_at_crowd(t);
	for (unsigned i = 0; i < 5; i++) {
		struct task_struct *p = find_task_by_pid(m, first + end_orders[end_order][i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		group_send_sig_info(SIGKILL, NULL, p);
		while (!task_is_dead(p)) { /* it stays: its parent is alive, or it is the last */
			schedule(m);
			if (find_task_by_pid(m, first + end_orders[end_order][i]) != p)
				break; /* an orphan: forgotten at once */
		}
		CU_ASSERT_EQUAL(machine_validate(m), 0);
		seen.tasks = 0;
		look_at_crowd(t);
	}
}

static void cow_chains_five_deep_end_in_any_order(void)
{
	for (end_order = 0; end_order < ARRAY_SIZE(end_orders); end_order++) {
		CU_ASSERT_EQUAL(run(fork_chain, fork_chain_end, end_chain), 0);
		CU_ASSERT_EQUAL(seen.calls, 1);
	}
}

/* Every allocation of a fork fails once: nothing is left, and the parent goes on. */
static long fork_failing_at(struct task_struct *t, u32 n)
{
	const struct kernel_clone_args args = {.exit_signal = SIGCHLD};
	long pid;

	t->machine->mem.fail_nth = n;
	pid = kernel_clone(t, &args);
	t->machine->mem.fail_nth = 0;
	return pid;
}

static void look_at_failures(struct task_struct *t)
{
	struct machine *m = t->machine;
	u32 n, records = m->nr_records;
	long pid = -1;

	if (seen.calls)
		return;
	for (n = 1; n < 500 && pid < 0; n++) {
		u64 committed = m->mem.committed_as;

		pid = fork_failing_at(t, n);
		if (pid >= 0)
			break;
		CU_ASSERT_EQUAL(pid, -ENOMEM);
		CU_ASSERT_EQUAL(m->nr_records, records);
		CU_ASSERT_EQUAL(m->mem.committed_as, committed);
		CU_ASSERT_EQUAL(machine_validate(m), 0);
	}
	CU_ASSERT(n > 10);
	CU_ASSERT(pid > 0);
}

static void a_fork_that_fails_at_any_step_leaves_nothing_behind(void)
{
	int status = run(fork_in_a_row, fork_in_a_row_end, look_at_failures);

	CU_ASSERT_EQUAL(status, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_thousand_forks_lose_no_frame),
	UNIT_TEST(pss_of_two_hundred_children_sums_up_to_the_frames_in_use),
	UNIT_TEST(cow_chains_five_deep_end_in_any_order),
	UNIT_TEST(a_fork_that_fails_at_any_step_leaves_nothing_behind),
	UNIT_END,
};
const struct unit_suite suite_fork = {"fork", tests};
