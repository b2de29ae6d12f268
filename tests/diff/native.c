#include "native.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* The assembly below reaches these by name. */
struct native_state native_now __attribute__((visibility("hidden")));
u64 native_target __attribute__((visibility("hidden")));
u64 native_stack __attribute__((visibility("hidden")));
u64 native_host_mode __attribute__((visibility("hidden"))); /* MXCSR, control word */

void native_enter(void);
void native_exit(void);

#define GPR(n) #n "*8+native_now(%rip)"
asm(".text\n"
    "native_enter:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	stmxcsr native_host_mode(%rip)\n"
    "	fnstcw 4+native_host_mode(%rip)\n"
    "	mov %rsp, native_stack(%rip)\n"
    "	fxrstor64 136+8+native_now(%rip)\n"
    "	push 128+native_now(%rip)\n"
    "	popfq\n"
    "	mov " GPR(0) ", %rax\n	mov " GPR(1) ", %rcx\n	mov " GPR(2) ", %rdx\n"
    "	mov " GPR(3) ", %rbx\n	mov " GPR(5) ", %rbp\n	mov " GPR(6) ", %rsi\n"
    "	mov " GPR(7) ", %rdi\n	mov " GPR(8) ", %r8\n	mov " GPR(9) ", %r9\n"
    "	mov " GPR(10) ", %r10\n	mov " GPR(11) ", %r11\n	mov " GPR(12) ", %r12\n"
    "	mov " GPR(13) ", %r13\n	mov " GPR(14) ", %r14\n	mov " GPR(15) ", %r15\n"
    "	jmp *native_target(%rip)\n"
    "native_exit:\n"
    "	mov %rax, " GPR(0) "\n	mov %rcx, " GPR(1) "\n	mov %rdx, " GPR(2) "\n"
    "	mov %rbx, " GPR(3) "\n	mov %rbp, " GPR(5) "\n	mov %rsi, " GPR(6) "\n"
    "	mov %rdi, " GPR(7) "\n	mov %r8, " GPR(8) "\n	mov %r9, " GPR(9) "\n"
    "	mov %r10, " GPR(10) "\n	mov %r11, " GPR(11) "\n	mov %r12, " GPR(12) "\n"
    "	mov %r13, " GPR(13) "\n	mov %r14, " GPR(14) "\n	mov %r15, " GPR(15) "\n"
    "	mov native_stack(%rip), %rsp\n"
    "	pushfq\n"
    "	pop 128+native_now(%rip)\n"
    "	cld\n"
    "	fxsave64 136+8+native_now(%rip)\n"
    "	fnstenv 512+136+8+native_now(%rip)\n"
    "	fninit\n"
    "	ldmxcsr native_host_mode(%rip)\n"
    "	fldcw 4+native_host_mode(%rip)\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n");
_Static_assert(offsetof(struct native_state, flags) == 128 &&
		       offsetof(struct native_state, fx) == 144 &&
		       offsetof(struct native_state, env) == 144 + 512,
	       "the assembly above");

static const int signals[] = { SIGFPE, SIGSEGV, SIGBUS, SIGILL };
static struct sigaction before[ARRAY_SIZE(signals)];
static u64 window, window_end;

static void handle(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	u64 rip = (u64)gregs[REG_RIP];

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

int native_init(u64 base, unsigned pages)
{
	struct sigaction act = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	void *p = mmap((void *)base, pages * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)base)
		return -ENOMEM;
	window = base;
	window_end = base + pages * PAGE_SIZE;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &act, &before[i]))
			return -errno;
	return 0;
}

void native_run(struct native_state *s, u64 code, unsigned len)
{
	static const u8 jmp[6] = { 0xff, 0x25 }; /* jmp *0(%rip) */
	u64 out = (u64)native_exit;
	u8 *end = (u8 *)code + len;

	memcpy(end, jmp, sizeof(jmp));
	memcpy(end + sizeof(jmp), &out, sizeof(out));
	native_now = *s;
	native_now.trap = 0;
	native_target = code;
	native_enter();
	*s = native_now;
}
