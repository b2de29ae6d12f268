/* strace's look, for calls without memory behind their arguments. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "syscalls/internal.h"

/* The line for call @nr. */
static const char *line_of(unsigned nr, const struct sysargs *a, const long *ret)
{
	static char buf[1024];
	static struct memory mem;
	struct mm_struct mm = {.mem = &mem}; /* nothing is mapped, and nothing is read */
	struct task_struct t = {.mm = &mm};
	int fds[2], old;
	ssize_t n;

	CU_ASSERT_FATAL(!pipe(fds));
	old = log_set_fd(fds[1]);
	strace_call(&t, syscall_desc(nr, false), nr, a, ret);
	log_set_fd(old);
	close(fds[1]);
	n = read(fds[0], buf, sizeof(buf) - 1);
	close(fds[0]);
	buf[n > 0 ? n : 0] = 0;
	return buf;
}

static void results_start_at_column_40(void)
{
	struct sysargs a = {{3}};
	long ret = 0;

	CU_ASSERT_STRING_EQUAL(line_of(3, &a, &ret),
			       "close(3)                                = 0\n");
	ret = -EBADF;
	a.arg[0] = -1;
	CU_ASSERT_STRING_EQUAL(
		line_of(3, &a, &ret),
		"close(-1)                               = -1 EBADF (Bad file descriptor)\n");
}

static void mmap_looks_as_in_strace(void)
{
	struct sysargs a = {{0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1}};
	long ret = 0x7ffff7ff6000;

	CU_ASSERT_STRING_EQUAL(line_of(9, &a, &ret),
			       "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, "
			       "-1, 0) = 0x7ffff7ff6000\n");
}

static void flags_that_have_no_name_are_hex(void)
{
	struct sysargs a = {{0x1000, 4096, 0x40 | PROT_EXEC}};
	long ret = -EINVAL;

	CU_ASSERT_STRING_EQUAL(line_of(10, &a, &ret), "mprotect(0x1000, 4096, PROT_EXEC|0x40)  = "
						      "-1 EINVAL (Invalid argument)\n");
}

static void a_call_that_ends_the_task_has_no_result(void)
{
	struct sysargs a = {{3}};

	CU_ASSERT_STRING_EQUAL(line_of(231, &a, NULL),
			       "exit_group(3)                           = ?\n");
}

static void a_null_string_is_NULL(void)
{
	struct sysargs a = {{AT_FDCWD, 0, O_RDONLY | O_CLOEXEC}};
	long ret = -EFAULT;

	CU_ASSERT_STRING_EQUAL(line_of(257, &a, &ret),
			       "openat(AT_FDCWD, NULL, O_RDONLY|O_CLOEXEC) = -1 EFAULT (Bad "
			       "address)\n");
}

static const struct unit_test tests[] = {
	UNIT_TEST(results_start_at_column_40),
	UNIT_TEST(mmap_looks_as_in_strace),
	UNIT_TEST(flags_that_have_no_name_are_hex),
	UNIT_TEST(a_call_that_ends_the_task_has_no_result),
	UNIT_TEST(a_null_string_is_NULL),
	UNIT_END,
};
const struct unit_suite suite_strace = {"strace", tests};
