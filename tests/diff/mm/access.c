/* Loads, stores and calls, and the signals that they end in. */
#include "random_mm.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf caught;
static volatile int sig_no, sig_code, sig_error;
static volatile unsigned long sig_at;

static void on_fault(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	sig_no = sig;
	sig_code = si->si_code;
	sig_error = uc->uc_mcontext.gregs[REG_ERR];
	sig_at = (unsigned long)si->si_addr;
	siglongjmp(caught, 1);
}

void access_byte(char *at, int how)
{
	volatile unsigned char *p = (unsigned char *)at;
	unsigned v = rnd(256);

	put("%s %lx", how == 0 ? "read" : how == 1 ? "write" : "call", (unsigned long)at);
	if (sigsetjmp(caught, 1)) {
		put(" = signal %d code %d error %x at %lx", sig_no, sig_code, sig_error, sig_at);
		return;
	}
	if (how == 0) {
		put(" = %u", *p);
	} else if (how == 1) {
		*p = v;
	} else {
		*p = 0xc3; /* ret */
		((void (*)(void))(unsigned long)p)();
		put(" = back");
	}
}

void do_touch(void)
{
	int how = rnd(16);

	access_byte(ARENA + rnd(PAGES) * PG + rnd(PG), how == 15 ? 2 : how & 1);
}

/* Every page of a stretch: many faults, one report. */
void do_touch_many(void)
{
	long at, n;
	volatile long served = 0;
	volatile unsigned char sum = 0;
	int write_it = rnd(2);

	range(&at, &n);
	put("%s %ld+%ld", write_it ? "write all" : "read all", at, n);
	for (volatile long i = 0; i < n; i++) {
		volatile unsigned char *p = (unsigned char *)ARENA + (at + i) * PG + 8;

		if (sigsetjmp(caught, 1))
			continue;
		if (write_it)
			*p = i;
		else
			sum += *p;
		served++;
	}
	put(" = %ld %u", served, sum);
}

void catch_faults(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static char handler_stack[65536];
	const stack_t ss = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}
