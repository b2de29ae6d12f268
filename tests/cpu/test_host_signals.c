/* src/cpu/host_signals.c: a host fault that is no guest's ends Vellum with one line. */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/cpu.h"

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
	UNIT_END,
};
const struct unit_suite suite_host_signals = {"host_signals", tests};
