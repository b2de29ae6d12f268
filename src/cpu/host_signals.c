/*
 * SIGFPE, SIGSEGV, SIGBUS and SIGILL of the host. See the header.
 *
 * Handlers run on a stack of their own: the fault may have come on a guest task's small kernel
 * stack. They use no stdio and no malloc. The kernel saves the whole FPU state in the signal
 * frame and loads it back on return, so the guest's live state survives a handler.
 */
#include "cpu/host_signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "cpu/cpu.h"

#define NR_REGIONS 64
#define STATUS_BUG 125 /* exit status of Vellum's own failures */

/* The only mutable state of cpu/ outside struct machine; see the header. A slot is free when its
 * end is 0; end is written last. */
static struct code_region regions[NR_REGIONS];

/* AVX-512 frames take 3.5 KiB; the rest is room for the report. */
static u8 handler_stack[64 * 1024] __attribute__((aligned(64)));

int host_signals_add_region(const struct code_region *region)
{
	for (unsigned i = 0; i < NR_REGIONS; i++) {
		struct code_region *r = &regions[i];

		if (r->end)
			continue;
		r->start = region->start;
		r->fault_exit = region->fault_exit;
		r->keeps_registers = region->keeps_registers;
		__atomic_store_n(&r->end, region->end, __ATOMIC_RELEASE);
		return 0;
	}
	return -ENOSPC;
}

void host_signals_forget_region(u64 start)
{
	for (unsigned i = 0; i < NR_REGIONS; i++)
		if (regions[i].end && regions[i].start == start)
			__atomic_store_n(&regions[i].end, 0, __ATOMIC_RELEASE);
}

static const struct code_region *find_region(u64 rip)
{
	for (unsigned i = 0; i < NR_REGIONS; i++)
		if (rip >= regions[i].start &&
		    rip < __atomic_load_n(&regions[i].end, __ATOMIC_ACQUIRE))
			return &regions[i];
	return NULL;
}

/* Builds a line without stdio. */
struct line {
	char text[160];
	size_t len;
};

static void put_text(struct line *l, const char *s)
{
	while (*s && l->len < sizeof(l->text))
		l->text[l->len++] = *s++;
}

static void put_hex(struct line *l, u64 v)
{
	char digits[17] = {0};
	int i = 16;

	do
		digits[--i] = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	put_text(l, "0x");
	put_text(l, digits + i);
}

static const char *signal_name(int sig)
{
	switch (sig) {
	case SIGFPE:
		return "SIGFPE";
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	default:
		return "SIGILL";
	}
}

static void __noreturn report_bug(int sig, u64 rip, u64 addr)
{
	struct line l = {.len = 0};
	ssize_t ignored;

	put_text(&l, "vellum: bug: host ");
	put_text(&l, signal_name(sig));
	put_text(&l, " at rip ");
	put_hex(&l, rip);
	put_text(&l, " addr ");
	put_hex(&l, addr);
	put_text(&l, "\n");
	ignored = write(STDERR_FILENO, l.text, l.len);
	(void)ignored;
	_exit(STATUS_BUG);
}

static void handle(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	u64 rip = (u64)gregs[REG_RIP];
	const struct code_region *region;

	if (info->si_code <= 0) {
		/* Sent by a process, not raised by an instruction: it means what it always does. */
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	region = sig == SIGFPE ? find_region(rip) : NULL;
	if (!region)
		report_bug(sig, rip, (u64)info->si_addr);
	if (region->keeps_registers)
		gregs[REG_R9] = (greg_t)rip;
	else
		gregs[REG_RCX] = gregs[REG_TRAPNO]; /* 16 or 19: as the CPU numbers them */
	gregs[REG_RIP] = (greg_t)region->fault_exit;
}

int cpu_install_host_handlers(void)
{
	static const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
	stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	struct sigaction act = {.sa_sigaction = handle, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	unsigned nr = ARRAY_SIZE(signals);

#ifdef CONFIG_ASAN
	nr = 1; /* the sanitizer's report of the others says more */
#endif
	sigfillset(&act.sa_mask);
	if (sigaltstack(&stack, NULL) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < nr; i++)
		if (sigaction(signals[i], &act, NULL) < 0)
			return -EINVAL;
	return 0;
}
