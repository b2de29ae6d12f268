#include "native.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* native_entry.S reaches these by name. */
struct native_state native_now HIDDEN;
u64 native_target HIDDEN;
u64 native_stack HIDDEN;
u64 native_host_mode HIDDEN; /* MXCSR, control word */
u64 native_registers HIDDEN; /* 0 .. 2 for this run: native_level(), or 0 */
u64 native_clear HIDDEN; /* vector registers are all zero: VZEROALL, so that XINUSE says so, too */
u64 native_has_bases HIDDEN; /* native_segments() */
u64 native_keep_sel HIDDEN;
u64 native_host_fs HIDDEN, native_host_gs HIDDEN;
u64 native_active HIDDEN;  /* between the loading of the first register and the last restored */
u64 native_faulted HIDDEN; /* the handler has restored fs */
u64 native_taken HIDDEN;

void native_enter(void) HIDDEN;
void native_exit(void) HIDDEN;
void native_exit_taken(void) HIDDEN;
void native_handler(int sig, siginfo_t *info, void *context) HIDDEN;
void native_handle(int sig, siginfo_t *info, void *context) HIDDEN;

_Static_assert(offsetof(struct native_state, flags) == 128 &&
		       offsetof(struct native_state, fx) == 144 &&
		       offsetof(struct native_state, env) == 656 &&
		       offsetof(struct native_state, vec) == 768 &&
		       offsetof(struct native_state, k) == 2816 &&
		       offsetof(struct native_state, fs_base) == 2880 &&
		       offsetof(struct native_state, gs_base) == 2888 &&
		       offsetof(struct native_state, sel) == 2896,
	       "native_entry.S");

static const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
static struct sigaction before[ARRAY_SIZE(signals)];
static u64 window, exits[2];
static unsigned level;

/* Behind native_handler, which made fs and EFLAGS fit for C. */
void native_handle(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (native_active) {
		native_now.trap = (u32)gregs[REG_TRAPNO] + 1;
		native_now.error = (u32)gregs[REG_ERR];
		native_now.rip = (u64)gregs[REG_RIP];
		native_now.fault_addr = (u64)info->si_addr;
		gregs[REG_RIP] = (greg_t)native_exit;
		gregs[REG_EFL] &= ~0x100L; /* TF, where an instruction has set it */
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (signals[i] == sig && (before[i].sa_flags & SA_SIGINFO))
			before[i].sa_sigaction(sig, info, context);
}

unsigned native_level(void)
{
	return level;
}

void native_limit(unsigned most)
{
	level = min(level, most);
}

bool native_segments(void)
{
	return native_has_bases;
}

int native_init(u64 base, unsigned pages)
{
	struct sigaction act = {.sa_sigaction = native_handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK};
	void *p = mmap((void *)base, pages * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)base)
		return -ENOMEM;
	level = __builtin_cpu_supports("avx512bw") ? 2 : !!__builtin_cpu_supports("avx");
	native_has_bases = getauxval(AT_HWCAP2) >> 1 & 1; /* HWCAP2_FSGSBASE */
	window = base;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &act, &before[i]))
			return -errno;
	return 0;
}

void native_put_exit(u64 at, bool taken)
{
	/* jmp *(window): the pointers lie aligned, in case the code runs with EFLAGS.AC */
	u8 jmp[NATIVE_JUMP] = {0xff, 0x25};
	u32 disp = (u32)(window + 8 * taken - (at + sizeof(jmp)));

	memcpy(jmp + 2, &disp, sizeof(disp));
	memcpy((u8 *)at, jmp, sizeof(jmp));
	((u64 *)window)[taken] = (u64)(taken ? native_exit_taken : native_exit);
	exits[taken] = at;
}

static bool all_zero(const struct native_state *s)
{
	const u8 *p = s->vec[0];

	return !p[0] && !memcmp(p, p + 1, sizeof(s->vec) - 1);
}

void native_run(struct native_state *s, u64 code, bool wide, bool selectors)
{
	native_registers = wide ? level : 0;
	native_clear = native_registers && all_zero(s);
	native_keep_sel = selectors;
	native_now = *s;
	native_now.trap = native_now.error = 0;
	native_now.fault_addr = 0;
	native_target = code;
	native_taken = native_faulted = 0;
	native_enter();
	if (!native_now.trap)
		native_now.rip = exits[native_taken];
	*s = native_now;
}
