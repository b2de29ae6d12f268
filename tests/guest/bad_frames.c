/*
 * Signals onto bad stacks, and sigreturn from frames that were spoilt: one child for each, what its
 * handlers saw and how it ended. The same on the host and here.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ARENA 0x10000000000UL
#define ALT ARENA	      /* the alternate stack, 16 pages */
#define FP (ARENA + 0x100000) /* a page for images, a hole behind it */
#define RDONLY (ARENA + 0x110000)
#define HOLE (ARENA + 0x120000)
#define ALT_SIZE 0x10000
#define NONCANONICAL (1UL << 63)
#define KERNEL 0xffff800000001000UL
#define STATUS 0x8d5UL /* flags that the code before left: not shown */

typedef uint64_t u64;
typedef uint32_t u32;

static volatile char *volatile null = (char *)8;

static struct log {
	unsigned n;
	char text[4096 - 4];
} * out; /* shared with the parent */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	out->n += vsnprintf(out->text + out->n, sizeof(out->text) - out->n, format, args);
	va_end(args);
}

static void caught(int sig, siginfo_t *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	u64 sp = (u64)__builtin_frame_address(0);

	__asm__ volatile("pushq $0x202\n\tpopfq" : : : "cc");
	say(" signal %d code %d addr %#lx trap %lld err %#llx cr2 %#llx rip %#llx flags %#llx cs "
	    "%#llx"
	    " ss %#llx%s;",
	    sig, info->si_code, (u64)info->si_addr, g[REG_TRAPNO], g[REG_ERR],
	    g[REG_TRAPNO] == 14 ? g[REG_CR2] : 0, g[REG_RIP], g[REG_EFL] & ~STATUS,
	    g[REG_CSGSFS] & 0xffff, g[REG_CSGSFS] >> 48 & 0xffff,
	    sp - ALT < ALT_SIZE ? " on alt" : "");
	_exit(1);
}

static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &sa, NULL);
}

static void alt(u64 at, u64 size)
{
	stack_t ss = {.ss_sp = (void *)at, .ss_size = size};

	if (sigaltstack(&ss, NULL))
		say(" no altstack");
}

/* ---- Delivery ------------------------------------------------------------------------------- */

/* @getpid_ is in rdi. */
#define WITH_RSP(rsp, code)                                                                        \
	__asm__ volatile("mov %0, %%rsp\n\t" code : : "r"((u64)(rsp)), "D"(getpid_))

static void segv_unmapped(void)
{
	u64 getpid_ = 0;

	on(SIGSEGV, caught, 0);
	WITH_RSP(HOLE + 0x800, "push %%rax");
}

static void segv_unmapped_alt(void)
{
	u64 getpid_ = 0;

	alt(ALT, ALT_SIZE);
	on(SIGSEGV, caught, SA_ONSTACK);
	WITH_RSP(HOLE + 0x800, "push %%rax");
}

static void ill_at(u64 rsp, int segv_flags)
{
	u64 getpid_ = 0;

	alt(ALT, ALT_SIZE);
	on(SIGILL, caught, 0);
	if (segv_flags >= 0)
		on(SIGSEGV, caught, segv_flags);
	WITH_RSP(rsp, "ud2");
}

static void ill_unmapped(void)
{
	ill_at(HOLE + 0x800, SA_ONSTACK);
}

static void ill_unmapped_no_handler(void)
{
	ill_at(HOLE + 0x800, -1);
}

static void ill_unmapped_no_alt(void)
{
	ill_at(HOLE + 0x800, 0);
}

static void ill_noncanonical(void)
{
	ill_at(NONCANONICAL, SA_ONSTACK);
}

static void ill_kernel(void)
{
	ill_at(KERNEL, SA_ONSTACK);
}

static void ill_zero(void)
{
	ill_at(0, SA_ONSTACK);
}

static void ill_read_only(void)
{
	ill_at(RDONLY + 0xfff, SA_ONSTACK);
}

/* The frame begins on a good page and ends in a hole. */
static void ill_half(void)
{
	ill_at(FP + 0x300, SA_ONSTACK);
}

static void ill_odd(void)
{
	u64 getpid_ = 0;

	on(SIGILL, caught, 0);
	WITH_RSP(ALT + 0x8003, "ud2");
}

static void kill_unmapped(void)
{
	u64 getpid_ = getpid();

	alt(ALT, ALT_SIZE);
	on(SIGUSR1, caught, 0);
	on(SIGSEGV, caught, SA_ONSTACK);
	WITH_RSP(HOLE + 0x800, "mov $10, %%esi\n\tmov $62, %%eax\n\tsyscall\n\tud2");
}

static void alt_unmapped(void)
{
	alt(HOLE, 0x4000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, 0);
	__asm__ volatile("ud2");
}

static void alt_unmapped_both(void)
{
	alt(HOLE, 0x4000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, SA_ONSTACK);
	__asm__ volatile("ud2");
}

static void alt_read_only(void)
{
	alt(RDONLY, 0x1000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, 0);
	__asm__ volatile("ud2");
}

static void alt_kernel(void)
{
	alt(KERNEL, 0x4000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, 0);
	__asm__ volatile("ud2");
}

static void alt_wraps(void)
{
	alt(~0xfffUL, 0x4000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, 0);
	__asm__ volatile("ud2");
}

/* On the alternate stack already, and near its lower end. */
static void alt_full(void)
{
	u64 getpid_ = 0;

	alt(ALT, ALT_SIZE);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, SA_ONSTACK);
	WITH_RSP(ALT + 0x200, "ud2");
}

static void alt_left_and_full(void)
{
	u64 getpid_ = 0;

	alt(ALT + 0x8000, 0x4000);
	on(SIGILL, caught, SA_ONSTACK);
	on(SIGSEGV, caught, 0);
	WITH_RSP(ALT + 0x8200, "ud2");
}

static void blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	on(SIGSEGV, caught, 0);
	*null = 0;
}

static void ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	*null = 0;
}

static void again(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	say(" once");
	*null = 0;
}

static void nested(void)
{
	on(SIGSEGV, again, 0);
	*null = 0;
}

static void no_restorer(void)
{
	struct {
		void *handler;
		u64 flags, restorer, mask;
	} k = {caught, SA_SIGINFO, 0, 0};

	syscall(SYS_rt_sigaction, SIGILL, &k, NULL, 8);
	__asm__ volatile("ud2");
}

__attribute__((noinline)) static int overflow(volatile char *above)
{
	volatile char room[512];

	room[0] = *above;
	return above ? overflow(room) + room[0] : 0;
}

static void full_stack(void)
{
	struct rlimit r = {256 << 10, 256 << 10};

	setrlimit(RLIMIT_STACK, &r);
	on(SIGSEGV, caught, 0);
	overflow("");
}

static void overflown(int sig, siginfo_t *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	say(" signal %d code %d trap %lld err %#llx near %d", sig, info->si_code, g[REG_TRAPNO],
	    g[REG_ERR], labs((char *)info->si_addr - (char *)g[REG_RSP]) < 4096);
	_exit(1);
}

static void full_stack_alt(void)
{
	struct rlimit r = {256 << 10, 256 << 10};

	setrlimit(RLIMIT_STACK, &r);
	alt(ALT, ALT_SIZE);
	on(SIGSEGV, overflown, SA_ONSTACK);
	overflow("");
}

static void handler_at(u64 at)
{
	alt(ALT, ALT_SIZE);
	on(SIGSEGV, caught, SA_ONSTACK);
	on(SIGUSR1, (void (*)(int, siginfo_t *, void *))at, 0);
	kill(getpid(), SIGUSR1);
	say(" returned");
}

static void handler_unmapped(void)
{
	handler_at(HOLE);
}

static void handler_noncanonical(void)
{
	handler_at(NONCANONICAL);
}

static void handler_kernel(void)
{
	handler_at(KERNEL);
}

/* ---- Sigreturn ------------------------------------------------------------------------------ */

static void (*edit)(ucontext_t *uc, char *fp);

static void editing(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	edit(uc, (char *)uc->uc_mcontext.fpregs);
}

/* The interrupted program: a signal sent to itself, with known registers; then what came back. */
static void sigreturn_with(void (*how)(ucontext_t *, char *))
{
	static const unsigned char ones[32] = {[0 ... 31] = 0x5a};
	u32 mxcsr = 0x1fa0;
	u64 flags, low, high, rax;
	unsigned short ss, fcw, fsw;
	pid_t pid = getpid();

	edit = how;
	alt(ALT, ALT_SIZE);
	on(SIGUSR1, editing, 0);
	on(SIGSEGV, caught, SA_ONSTACK);
	on(SIGBUS, caught, SA_ONSTACK);
	on(SIGTRAP, caught, SA_ONSTACK);
	__asm__ volatile(
		"ldmxcsr %[m]\n\tfninit\n\tfld1\n\tvmovdqu %[o], %%ymm3\n\t"
		"mov $62, %%eax\n\tsyscall\n\t"
		"pushfq\n\tpop %[f]\n\tpushq $0x202\n\tpopfq\n\t"
		"stmxcsr %[m]\n\tfnstcw %[c]\n\tfnstsw %[w]\n\tmov %%ss, %[s]\n\t"
		"vmovq %%xmm3, %[l]\n\tvextracti128 $1, %%ymm3, %%xmm3\n\tvmovq %%xmm3, %[h]"
		: [f] "=&r"(flags), [m] "+m"(mxcsr), [c] "=m"(fcw), [w] "=m"(fsw), [s] "=&r"(ss),
		  [l] "=&r"(low), [h] "=&r"(high), "=&a"(rax)
		: [o] "m"(*(const u64(*)[4])ones), "D"(pid), "S"(SIGUSR1)
		: "rcx", "r11", "memory", "xmm3");
	say(" back rax %lx flags %#lx mxcsr %#x fcw %#x fsw %#x ss %#x ymm3 %lx %lx", rax,
	    flags & ~STATUS, mxcsr, fcw, fsw, ss, low, high);
}

#define EDIT(name, code)                                                                           \
	static void edit_##name(ucontext_t *uc, char *fp)                                          \
	{                                                                                          \
		greg_t *g = uc->uc_mcontext.gregs;                                                 \
                                                                                                   \
		(void)g, (void)fp;                                                                 \
		code;                                                                              \
	}
#define CS(v) g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffL) | (v)
#define SS(v) g[REG_CSGSFS] = (g[REG_CSGSFS] & ~(0xffffL << 48)) | (greg_t)(v) << 48
#define AT(type, offset) (*(type *)(fp + (offset)))
#define SW_MAGIC 464
#define SW_EXTENDED 468
#define SW_FEATURES 472
#define SW_SIZE 480
#define XSTATE_BV 512
#define XCOMP_BV 520
#define MOVE(to) uc->uc_mcontext.fpregs = (void *)(to)

#include "bad_frames.def"
#undef EDIT

static const struct scenario {
	const char *name;
	void (*run)(void);
	void (*edit)(ucontext_t *, char *);
} scenarios[] = {
#define S(name)                                                                                    \
	{                                                                                          \
#name, name, NULL                                                                  \
	}
	S(segv_unmapped),
	S(segv_unmapped_alt),
	S(ill_unmapped),
	S(ill_unmapped_no_handler),
	S(ill_unmapped_no_alt),
	S(ill_noncanonical),
	S(ill_kernel),
	S(ill_zero),
	S(ill_read_only),
	S(ill_half),
	S(ill_odd),
	S(kill_unmapped),
	S(alt_unmapped),
	S(alt_unmapped_both),
	S(alt_read_only),
	S(alt_kernel),
	S(alt_wraps),
	S(alt_full),
	S(alt_left_and_full),
	S(blocked),
	S(ignored),
	S(nested),
	S(no_restorer),
	S(full_stack),
	S(full_stack_alt),
	S(handler_unmapped),
	S(handler_noncanonical),
	S(handler_kernel),
#undef S
#define EDIT(name, code) {"sigreturn " #name, NULL, edit_##name},
#include "bad_frames.def"
#undef EDIT
};

static void run(const struct scenario *s)
{
	int status;
	pid_t pid;

	out->n = 0;
	out->text[0] = 0;
	pid = fork();
	if (!pid) {
		if (s->run)
			s->run();
		else
			sigreturn_with(s->edit);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	printf("%s:%s", s->name, out->text);
	if (WIFSIGNALED(status))
		printf(" killed by %d\n", WTERMSIG(status));
	else
		printf(" exit %d\n", WEXITSTATUS(status));
	fflush(stdout);
}

static void map(u64 at, u64 len, int prot)
{
	if (mmap((void *)at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    (void *)at)
		exit(2);
}

int main(void)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	map(ALT, ALT_SIZE, PROT_READ | PROT_WRITE);
	map(FP, 4096, PROT_READ | PROT_WRITE);
	map(RDONLY, 4096, PROT_READ);
	for (unsigned i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		run(&scenarios[i]);
	return 0;
}
