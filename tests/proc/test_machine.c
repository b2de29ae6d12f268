/* struct machine: everything of an emulated computer, so that several live in one process. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "tiny_elf.h"
#include "unit.h"

/* Counts to 3,000,000, more than a slice, and exits with its argument count + 40. */
GUEST_CODE(count_and_exit, "	mov $3000000, %ecx\n"
			   "1:	dec %ecx\n"
			   "	jnz 1b\n"
			   "	mov (%rsp), %edi\n"
			   "	add $40, %edi\n"
			   "	sys 60\n");

/* Maps and touches page after page until it is refused, then exits with 7. */
GUEST_CODE(eat_all, "1:	mmap 4096, 0x22\n"
		    "	test %rax, %rax\n"
		    "	js 2f\n"
		    "	movb $1, (%rax)\n"
		    "	jmp 1b\n"
		    "2:	exit 7\n");

/* 2,000 times mmap, touch, mprotect, munmap of four pages, and brk up and down. */
GUEST_CODE(churn, "	mov $2000, %ebx\n"
		  "1:	mmap 16384, 0x22\n"
		  "	mov %rax, %r12\n"
		  "	movb $1, (%r12)\n"
		  "	movb $1, 8192(%r12)\n"
		  "	mov $10, %eax\n"
		  "	lea 4096(%r12), %rdi\n"
		  "	mov $4096, %esi\n"
		  "	mov $1, %edx\n"
		  "	syscall\n"
		  "	mov $11, %eax\n"
		  "	mov %r12, %rdi\n"
		  "	mov $16384, %esi\n"
		  "	syscall\n"
		  "	dec %ebx\n"
		  "	jnz 1b\n"
		  "	exit 0\n");

static void two_machines_live_in_one_process(void)
{
	struct machine *a = tiny_start(count_and_exit, count_and_exit_end, 64UL << 20);
	struct machine *b = tiny_start(eat_all, eat_all_end, 16UL << 20);

	CU_ASSERT_EQUAL(machine_validate(a), 0);
	CU_ASSERT_EQUAL(machine_validate(b), 0);
	CU_ASSERT_EQUAL(machine_run(a), 41 << 8);
	CU_ASSERT_NOT_EQUAL(machine_run(b), 0);
	tiny_end(a);
	tiny_end(b);
}

static void a_machine_without_memory_left_ends_the_program_and_stays_sound(void)
{
	struct machine *m = tiny_start(eat_all, eat_all_end, 16UL << 20);
	int status;

	status = machine_run(m);
	CU_ASSERT(status == 7 << 8 || WTERMSIG(status) == SIGKILL);
	tiny_end(m);
}

/* The host itself refuses the byte below a kernel stack where there is a guard page. */
static void a_kernel_stack_ends_in_its_guard(void)
{
	struct machine *m = tiny_start(count_and_exit, count_and_exit_end, 16UL << 20);
	u8 *stack;
	int fds[2];

	stack = find_task_by_pid(m, m->init_pid)->stack;
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(host_write(fds[1], stack, 1), 1);
	CU_ASSERT_EQUAL(host_write(fds[1], stack + KSTACK_SIZE - 1, 1), 1);
	if (KSTACK_GUARD) {
		CU_ASSERT_EQUAL(host_write(fds[1], stack - 1, 1), -EFAULT);
		CU_ASSERT_EQUAL(host_write(fds[1], stack - KSTACK_GUARD, 1), -EFAULT);
	}
	host_close(fds[0]);
	host_close(fds[1]);
	CU_ASSERT_EQUAL(machine_run(m), 41 << 8);
	tiny_end(m);
}

#ifndef CONFIG_ASAN
static u64 nr_mallocs;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	nr_mallocs++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	nr_mallocs++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	nr_mallocs++;
	return __libc_realloc(p, n);
}

static void nothing_below_syscalls_takes_host_memory_after_boot(void)
{
	struct machine *m = tiny_start(churn, churn_end, 64UL << 20);
	u64 before;

	before = nr_mallocs;
	CU_ASSERT_EQUAL(machine_run(m), 0);
	CU_ASSERT_EQUAL(nr_mallocs, before);
	CU_ASSERT(m->mem.events[EV_pgfault] > 4000);
	tiny_end(m);
}
#endif

static u64 active_objects(struct machine *m, const char *cache)
{
	struct slabinfo s;

	for (unsigned i = 0; slab_info(&m->mem, i, &s); i++)
		if (!strcmp(s.name, cache))
			return s.active_objs;
	return 0;
}

/* The kernel objects of a program are gone with it. */
static void an_ended_program_leaves_no_object(void)
{
	struct machine *m = tiny_start(churn, churn_end, 64UL << 20);

	CU_ASSERT(active_objects(m, "vm_area_struct") >= 5);
	CU_ASSERT_EQUAL(active_objects(m, "mm_struct"), 1);
	CU_ASSERT_EQUAL(active_objects(m, "task_struct"), 1);
	machine_run(m);
	CU_ASSERT_EQUAL(active_objects(m, "vm_area_struct"), 0);
	CU_ASSERT_EQUAL(active_objects(m, "mm_struct"), 0);
	CU_ASSERT_EQUAL(active_objects(m, "task_struct"), 0);
	tiny_end(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(two_machines_live_in_one_process),
	UNIT_TEST(a_machine_without_memory_left_ends_the_program_and_stays_sound),
	UNIT_TEST(a_kernel_stack_ends_in_its_guard),
#ifndef CONFIG_ASAN
	UNIT_TEST(nothing_below_syscalls_takes_host_memory_after_boot),
#endif
	UNIT_TEST(an_ended_program_leaves_no_object),
	UNIT_END,
};
const struct unit_suite suite_machine = {"machine", tests};
