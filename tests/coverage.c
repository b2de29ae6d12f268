/*
 * For builds with --enable-coverage only: writes the line counters down where a process ends without
 * exit(), which is what the runtime of gcov waits for. The linker sends _exit() and raise() here
 * (COVERAGE_LDFLAGS): a bug's report, a guest's death by signal handed on to whoever ran Vellum,
 * children of tests. fork() and execve() gcc looks after itself.
 */
#include <gcov.h>

_Noreturn void __real__exit(int status);
int __real_raise(int sig);
_Noreturn void __wrap__exit(int status);
int __wrap_raise(int sig);

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

int __wrap_raise(int sig)
{
	int ret;

	__gcov_dump();
	ret = __real_raise(sig);
	__gcov_reset(); /* it stopped us only: count on, from 0 */
	return ret;
}
