/* src/cpu/host_signals.c: a host fault that is no guest's ends Vellum with one line. */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "flat.h"

/* Runs @fn in a child; its wait status, and what it wrote to stderr. */
static int in_child(void (*fn)(void), char *text, size_t size)
{
	int fds[2], status = -1;
	ssize_t n;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		if (!cpu_install_host_handlers())
			fn();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], text, size - 1);
	text[n > 0 ? n : 0] = 0;
	close(fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void divide_by_zero(void)
{
	asm volatile("xor %%ecx, %%ecx\n\tdivl %%ecx" : : : "eax", "ecx", "edx", "cc");
}

static void send_to_itself(void)
{
	kill(getpid(), SIGFPE);
}

static void a_fault_outside_of_guest_code_is_a_bug(void)
{
	char text[256];
	int status = in_child(divide_by_zero, text, sizeof(text));

	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 125);
	CU_ASSERT_EQUAL(strncmp(text, "vellum: bug: host SIGFPE at rip 0x", 34), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " addr 0x"));
	CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1);
}

/* As a call of C too many on the stack below the CPU. */
static void run_over_the_stack(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (!flat_translate(f, false))
		_exit(77);
	for (volatile u8 *p = (u8 *)&f->cpu; p >= f->cpu_guard;)
		*--p = 0;
}

static void the_stack_of_translated_code_ends_at_a_page_that_is_not_there(void)
{
	char text[256];
	int status = in_child(run_over_the_stack, text, sizeof(text));

#ifndef CONFIG_ASAN /* which reports itself */
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT(WEXITSTATUS(status) == 125 || WEXITSTATUS(status) == 77);
	CU_ASSERT(WEXITSTATUS(status) == 77 || !strncmp(text, "vellum: bug: host SIGSEGV", 25));
#else
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status));
#endif
}

static void a_signal_that_somebody_sent_kills_as_usual(void)
{
	char text[256];
	int status = in_child(send_to_itself, text, sizeof(text));

	CU_ASSERT(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(WTERMSIG(status), SIGFPE);
	CU_ASSERT_STRING_EQUAL(text, "");
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_fault_outside_of_guest_code_is_a_bug),
	UNIT_TEST(a_signal_that_somebody_sent_kills_as_usual),
	UNIT_TEST(the_stack_of_translated_code_ends_at_a_page_that_is_not_there),
	UNIT_END,
};
const struct unit_suite suite_host_signals = {"host_signals", tests};
