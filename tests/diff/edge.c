#include "edge.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))
/* Far from everything, so that no displacement reaches the test's own memory. */
#define EDGE (0x110000000000UL + PAGE_SIZE)
#define PF_INSTR 0x10

/* edge_entry.S reaches these by name. */
u64 edge_stack HIDDEN, edge_fs HIDDEN, edge_flags HIDDEN;
u32 edge_has_fsgsbase HIDDEN, edge_has_avx HIDDEN, edge_mxcsr HIDDEN = 0x1f80;

void edge_enter(u64 rip) HIDDEN;
void edge_leave(void) HIDDEN __attribute__((noreturn));
void edge_catch(int sig, siginfo_t *info, void *context) HIDDEN;
/* Not sanitized: it leaves its frame by edge_leave(). */
void edge_caught(int sig, siginfo_t *info, void *context) HIDDEN
	__attribute__((no_sanitize_address));

static volatile bool inside;
static enum edge_result result;

static enum edge_result result_of(const greg_t *gregs)
{
	switch (gregs[REG_TRAPNO]) {
	case 6:
		return EDGE_UD;
	case 13:
		return EDGE_GP;
	case 14:
		/* At EDGE itself the next instruction is fetched: this one ran. */
		if ((gregs[REG_ERR] & PF_INSTR) && gregs[REG_CR2] == (greg_t)EDGE &&
		    gregs[REG_RIP] != (greg_t)EDGE)
			return EDGE_FETCH;
		return EDGE_RAN;
	default:
		return EDGE_RAN;
	}
}

void edge_caught(int sig, siginfo_t *info __unused, void *context)
{
	if (!inside) { /* the test itself is broken: die of it */
		signal(sig, SIG_DFL);
		return;
	}
	result = result_of(((ucontext_t *)context)->uc_mcontext.gregs);
	edge_leave();
}

int edge_init(void)
{
	static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
	static u8 stack[65536];
	struct sigaction sa = {.sa_sigaction = edge_catch,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	if (mmap((void *)(EDGE - PAGE_SIZE), 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 flags, -1, 0) == MAP_FAILED ||
	    mprotect((void *)EDGE, PAGE_SIZE, PROT_NONE))
		return -errno;
	edge_has_fsgsbase = getauxval(AT_HWCAP2) >> 1 & 1;
	edge_has_avx = __builtin_cpu_supports("avx");
	syscall(SYS_arch_prctl, ARCH_GET_FS, &edge_fs);
	if (sigaltstack(&ss, NULL))
		return -errno;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &sa, NULL))
			return -errno;
	return 0;
}

bool edge_fs_is_harmless(void)
{
	return edge_has_fsgsbase;
}

enum edge_result edge_run(const u8 *code, unsigned n, bool step)
{
	edge_flags = step ? 0x102 : 2;
	memcpy((u8 *)EDGE - n, code, n);
	inside = true;
	edge_enter(EDGE - n);
	inside = false;
	return result;
}
