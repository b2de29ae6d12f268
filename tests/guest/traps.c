/*
 * Encodings that user mode may not run, may run with limits, or that fault by their operands: one
 * line each with what happened. The same on the host and here.
 *
 * Each runs with known registers in a page of its own, behind it an int3 ("ran"). A signal ends it;
 * its handler leaves for the next. Values of registers and flags are shown where the row asks.
 *
 *	rdi	readable and writable, aligned to 64	rbx	unmapped
 *	rsi	read-only				rbp	not canonical
 *	r8	rdi + 1					r9	the code itself
 *	r10	PROT_NONE				r11	kernel half
 *	r12	0x33	r13	0x2b	r14	0x1230	r15	0x23
 *	rax	0x1122334455667788	rcx	5	rdx	0
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARENA 0x10000000000UL /* far from all else */
#define CODE (ARENA + 0x10000)
#define DATA (ARENA + 0x20000)
#define RDONLY (ARENA + 0x30000)
#define NONE (ARENA + 0x40000)
#define STACK (ARENA + 0x50000)
#define UNMAPPED (ARENA + 0x60000)

typedef uint64_t u64;
typedef uint8_t u8;

static sigjmp_buf out;
static u64 fs_base;
static struct {
	int sig, code;
	u64 addr;
	greg_t gregs[NGREG];
	u8 fp[512];
} seen;

/* Loads r (rax rcx rdx rbx rsp rbp rsi rdi r8 ..) and jumps to the code. */
__attribute__((naked, noreturn)) static void enter(const u64 *r __attribute__((unused)))
{
	__asm__("mov 0(%rdi), %rax\n\t"
		"mov 8(%rdi), %rcx\n\t"
		"mov 16(%rdi), %rdx\n\t"
		"mov 24(%rdi), %rbx\n\t"
		"mov 32(%rdi), %rsp\n\t"
		"mov 40(%rdi), %rbp\n\t"
		"mov 48(%rdi), %rsi\n\t"
		"mov 64(%rdi), %r8\n\t"
		"mov 72(%rdi), %r9\n\t"
		"mov 80(%rdi), %r10\n\t"
		"mov 88(%rdi), %r11\n\t"
		"mov 96(%rdi), %r12\n\t"
		"mov 104(%rdi), %r13\n\t"
		"mov 112(%rdi), %r14\n\t"
		"mov 120(%rdi), %r15\n\t"
		"pushq 128(%rdi)\n\t"
		"popfq\n\t"
		"mov 56(%rdi), %rdi\n\t"
		"jmp *.Lcode(%rip)\n"
		".Lcode: .quad 0x10000010000");
}

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	long ret;

	/* Flags, modes and selectors may be anything; thread-local storage may be gone. */
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"((unsigned){0x1f80}));
	__asm__ volatile("pushq $0x202\n\tpopfq\n\tmov %0, %%ds\n\tmov %0, %%es" : : "r"(0) : "cc");
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(fs_base)
			 : "rcx", "r11", "memory");
	seen.sig = sig;
	seen.code = info->si_code;
	seen.addr = (u64)info->si_addr;
	memcpy(seen.gregs, uc->uc_mcontext.gregs, sizeof(seen.gregs));
	memcpy(seen.fp, uc->uc_mcontext.fpregs, sizeof(seen.fp));
	siglongjmp(out, 1);
}

static void *map(u64 at, int prot)
{
	void *p = mmap((void *)at, 0x4000, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p != (void *)at)
		exit(2);
	return p;
}

static const u64 registers[17] = {
	0x1122334455667788,
	5,
	0,
	UNMAPPED + 0x100,
	STACK + 0x2000,
	1UL << 63,
	RDONLY + 0x100,
	DATA + 0x800,
	DATA + 0x801,
	CODE,
	NONE + 0x100,
	0xffff800000001000,
	0x33,
	0x2b,
	0x1230,
	0x23,
	0x202,
};

static void set_up(void)
{
	static u8 stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	static const int sigs[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGSYS};
	struct sigaction sa = {.sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	map(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, PROT_READ | PROT_WRITE);
	*(u8 *)map(RDONLY, PROT_READ | PROT_WRITE) = 0;
	mprotect((void *)RDONLY, 0x4000, PROT_READ);
	map(NONE, PROT_NONE);
	map(STACK, PROT_READ | PROT_WRITE);
}

static void run(const u8 *code, unsigned len)
{
	u64 volatile regs[17];

	memset((void *)CODE, 0xcc, 64);
	memcpy((void *)CODE, code, len);
	memset((void *)DATA, 0x11, 0x4000);
	memset((void *)STACK, 0, 0x4000);
	memcpy((void *)regs, registers, sizeof(regs));
	memset(&seen, 0, sizeof(seen));
	if (!sigsetjmp(out, 0))
		enter((const u64 *)regs);
}

static bool ran_to_end(unsigned len)
{
	return seen.sig == SIGTRAP && seen.gregs[REG_TRAPNO] == 3 &&
	       seen.gregs[REG_RIP] == (greg_t)(CODE + len + 1);
}

static const char *signal_name(int sig)
{
	static const char *const names[32] = {
		[SIGILL] = "ILL",   [SIGSEGV] = "SEGV", [SIGBUS] = "BUS",
		[SIGTRAP] = "TRAP", [SIGFPE] = "FPE",	[SIGSYS] = "SYS"};
	return names[sig & 31];
}

static void show(const char *name, unsigned len, const char *what)
{
	static const int gregs[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP,
				    REG_RBP, REG_RSI, REG_RDI, REG_R8};
	static const char letters[] = "acdbspSD8";

	printf("%-28s ", name);
	if (ran_to_end(len))
		printf("ran");
	else
		printf("%s code %d addr %#lx trap %lld err %#llx rip %+lld", signal_name(seen.sig),
		       seen.code, seen.addr, seen.gregs[REG_TRAPNO], seen.gregs[REG_ERR],
		       seen.gregs[REG_RIP] - (greg_t)CODE);
	for (; *what; what++) {
		if (*what == 'f')
			printf(" flags %#llx", seen.gregs[REG_EFL]);
		else if (*what == 'z')
			printf(" zf %d", !!(seen.gregs[REG_EFL] & 0x40));
		else if (*what == 'g')
			printf(" cs %#llx", seen.gregs[REG_CSGSFS] & 0xffff);
		else if (*what == 'm')
			printf(" memory %#lx %#lx", *(u64 *)(DATA + 0x800), *(u64 *)(DATA + 0x808));
		else if (*what == 'x')
			printf(" fcw %#x fsw %#x ftw %#x mxcsr %#x st0 %#lx %#x",
			       *(uint16_t *)seen.fp, *(uint16_t *)(seen.fp + 2), seen.fp[4],
			       *(uint32_t *)(seen.fp + 24), *(u64 *)(seen.fp + 32),
			       *(uint16_t *)(seen.fp + 40));
		else if (*what == 't')
			printf(" top %#lx", *(u64 *)(seen.gregs[REG_RSP] & ~7UL));
		else if (strchr(letters, *what))
			printf(" %c %#llx", *what,
			       seen.gregs[gregs[strchr(letters, *what) - letters]]);
	}
	printf("\n");
}

/* int n, for all n but the 32-bit system call. */
static void run_all_ints(void)
{
	for (unsigned n = 0; n < 256; n++) {
		u8 code[2] = {0xcd, n};
		char name[16];

		if (n == 0x80)
			continue;
		snprintf(name, sizeof(name), "int %#x", n);
		run(code, sizeof(code));
		show(name, sizeof(code), "f");
	}
}

static const struct encoding {
	const char *name, *code, *what; /* what to show besides */
	unsigned len;
} encodings[] = {
#define T(name, code, what) {name, code, what, sizeof(code) - 1},
#include "traps.def"
#undef T
};

int main(void)
{
	set_up();
	for (unsigned i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		run((const u8 *)encodings[i].code, encodings[i].len);
		show(encodings[i].name, encodings[i].len, encodings[i].what);
	}
	run_all_ints();
	return 0;
}
