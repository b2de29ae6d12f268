#include "native.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* native_entry.S reaches these by name. */
struct native_state native_now HIDDEN;
u64 native_target HIDDEN;
u64 native_stack HIDDEN;
u64 native_host_mode HIDDEN; /* MXCSR, control word */
u64 native_registers HIDDEN; /* native_level() */

void native_enter(void) HIDDEN;
void native_exit(void) HIDDEN;

_Static_assert(offsetof(struct native_state, flags) == 128 &&
		       offsetof(struct native_state, fx) == 144 &&
		       offsetof(struct native_state, env) == 656 &&
		       offsetof(struct native_state, vec) == 768 &&
		       offsetof(struct native_state, k) == 2816,
	       "native_entry.S");

static const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
static struct sigaction before[ARRAY_SIZE(signals)];
static u64 window, window_end;

static void handle(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	u64 rip = (u64)gregs[REG_RIP];

	/* The code's EFLAGS.AC is still set, and compilers expect it clear. */
	asm volatile("pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq" : : : "cc", "memory");
	if (rip >= window && rip < window_end) {
		native_now.trap = (u32)gregs[REG_TRAPNO] + 1;
		native_now.fault_rip = rip;
		native_now.fault_addr = (u64)info->si_addr;
		gregs[REG_RIP] = (greg_t)native_exit;
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (signals[i] == sig && (before[i].sa_flags & SA_SIGINFO))
			before[i].sa_sigaction(sig, info, context);
}

unsigned native_level(void)
{
	return (unsigned)native_registers;
}

int native_init(u64 base, unsigned pages)
{
	struct sigaction act = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	void *p = mmap((void *)base, pages * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)base)
		return -ENOMEM;
	native_registers = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx");
	window = base;
	window_end = base + pages * PAGE_SIZE;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &act, &before[i]))
			return -errno;
	return 0;
}

void native_run(struct native_state *s, u64 code, unsigned len)
{
	/* jmp *(window): the pointer lies aligned, in case the code runs with EFLAGS.AC */
	u8 jmp[6] = {0xff, 0x25};
	u32 disp = (u32)(window - (code + len + sizeof(jmp)));

	memcpy(jmp + 2, &disp, sizeof(disp));
	memcpy((u8 *)code + len, jmp, sizeof(jmp));
	*(u64 *)window = (u64)native_exit;
	native_now = *s;
	native_now.trap = 0;
	native_target = code;
	native_enter();
	*s = native_now;
}
