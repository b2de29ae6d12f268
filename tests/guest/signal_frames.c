/* signal_frames: what frames carry of wide registers, with threads too; a stack that is full; contexts that a
 * handler changes. Usage: signal_frames sse | avx | avx512 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "report.h"

enum { SSE, AVX, AVX512 } level;

#define MAGIC1 0x46505853U
#define MAGIC2 0x46505845U
#define AT(type, p, off) (*(type *)((char *)(p) + (off)))
#define YMM_HI 576 /* of XSAVE's standard format, as every CPU has it so far */

/* Where component @n of the state is, by CPUID leaf 13. */
static unsigned component(unsigned n)
{
	unsigned a = 13, b, c = n, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b;
}

/* --- wide registers ------------------------------------------------------------------------------ */

/* Registers 1 and 17 of the widest kind there is, and mask k3. */
struct wide {
	uint64_t low[8], high[8], mask;
};

/* Loads them, sends SIGUSR1 to this thread by a raw call, stores them. */
static void exchange(struct wide *w, int tid)
{
	register long r10 __asm__("r10") = 0;

	switch (level) {
	case SSE:
		__asm__ volatile(
			"movdqu (%1), %%xmm1\n\tmov %2, %%edi\n\tmov %3, %%esi\n\tmov %4, %%edx\n\t"
			"mov $234, %%eax\n\tsyscall\n\tmovdqu %%xmm1, (%1)"
			: "+r"(r10)
			: "r"(w), "r"(getpid()), "r"(tid), "i"(SIGUSR1)
			: "rax", "rdi", "rsi", "rdx", "rcx", "r11", "xmm1", "memory");
		break;
	case AVX:
		__asm__ volatile("vmovdqu (%1), %%ymm1\n\tmov %2, %%edi\n\tmov %3, %%esi\n\tmov "
				 "%4, %%edx\n\t"
				 "mov $234, %%eax\n\tsyscall\n\tvmovdqu %%ymm1, (%1)\n\tvzeroupper"
				 : "+r"(r10)
				 : "r"(w), "r"(getpid()), "r"(tid), "i"(SIGUSR1)
				 : "rax", "rdi", "rsi", "rdx", "rcx", "r11", "xmm1", "memory");
		break;
	case AVX512:
		__asm__ volatile("vmovdqu64 (%1), %%zmm1\n\tvmovdqu64 64(%1), %%zmm17\n\tkmovw "
				 "128(%1), %%k3\n\t"
				 "mov %2, %%edi\n\tmov %3, %%esi\n\tmov %4, %%edx\n\tmov $234, "
				 "%%eax\n\tsyscall\n\t"
				 "vmovdqu64 %%zmm1, (%1)\n\tvmovdqu64 %%zmm17, 64(%1)\n\tkmovw "
				 "%%k3, 128(%1)\n\tvzeroupper"
				 : "+r"(r10)
				 : "r"(w), "r"(getpid()), "r"(tid), "i"(SIGUSR1)
				 : "rax", "rdi", "rsi", "rdx", "rcx", "r11", "xmm1", "memory");
		break;
	}
}

static void fill(struct wide *w, uint64_t seed)
{
	for (int i = 0; i < 8; i++) {
		w->low[i] = seed * (i + 1);
		w->high[i] = ~(seed * (i + 3));
	}
	w->mask = seed & 0xffff;
}

static void print(const char *what, const struct wide *w)
{
	printf("%s:", what);
	for (int i = 0; i < (level == SSE ? 2 : level == AVX ? 4 : 8); i++)
		printf(" %lx", w->low[i]);
	for (int i = 0; level == AVX512 && i < 8; i++)
		printf(" %lx", w->high[i]);
	printf(level == AVX512 ? " k %lx\n" : "\n", w->mask);
}

static __thread struct wide seen;
static __thread int change;

/* Adds @change to what the frame has of register @reg, and notes what that was. */
static void touch(char *fp)
{
	uint64_t *part;

	part = &AT(uint64_t, fp, 160 + 16);
	memcpy(seen.low, part, 16);
	part[1] += change;
	if (level == SSE)
		return;
	part = &AT(uint64_t, fp, YMM_HI + 16);
	memcpy(seen.low + 2, part, 16);
	part[0] += change;
	if (level == AVX)
		return;
	part = &AT(uint64_t, fp, component(6) + 32);
	memcpy(seen.low + 4, part, 32);
	part[3] += change;
	part = &AT(uint64_t, fp, component(7) + 64);
	memcpy(seen.high, part, 64);
	part[7] += change;
	part = &AT(uint64_t, fp, component(5) + 24);
	seen.mask = *part;
	*part += change;
}

static volatile unsigned frame_ok, clean;

static void on_wide(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	char *fp = (char *)uc->uc_mcontext.fpregs;
	uint64_t xmm1[2], need = level == SSE ? 3 : level == AVX ? 7 : 0xe7;
	unsigned mxcsr;
	uint16_t fcw;

	(void)sig;
	(void)si;
	__asm__ volatile("movdqu %%xmm1, %0\n\tstmxcsr %1\n\tfnstcw %2"
			 : "=m"(xmm1), "=m"(mxcsr), "=m"(fcw));
	clean = !xmm1[0] && !xmm1[1] && mxcsr == 0x1f80 && fcw == 0x37f;
	frame_ok = !((uintptr_t)fp & 63) && AT(unsigned, fp, 464) == MAGIC1 &&
		   AT(unsigned, fp, AT(unsigned, fp, 464 + 16)) == MAGIC2 &&
		   (AT(uint64_t, fp, 464 + 8) & need) == need &&
		   (AT(uint64_t, fp, 512) & need) == need;
	touch(fp);
	AT(unsigned, fp, 24) ^= 0x6000; /* MXCSR: rounding */
}

static void wide(const char *who)
{
	int tid = gettid();
	struct wide w;
	unsigned mxcsr;

	for (change = 0; change < 2; change++) {
		fill(&w, 0x123456789abcdefUL);
		exchange(&w, tid);
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		printf("%s: frame %d, clean %d, mxcsr %x\n", who, frame_ok, clean, mxcsr);
		print("frame", &seen);
		print("back", &w);
	}
}

/* Switches and signals mixed: each thread must find its own. */
static volatile int bad;

static void *many(void *arg)
{
	struct wide w, want;
	int tid = gettid();

	change = 0;
	for (int i = 0; i < 200; i++) {
		fill(&w, (uintptr_t)arg * 0x1001001001001UL + i);
		want = w;
		exchange(&w, tid);
		if (memcmp(&w, &want, level == SSE ? 16 : level == AVX ? 32 : sizeof(w)))
			bad++;
		if (!(i % 8))
			usleep(1);
	}
	return NULL;
}

/* --- a full stack ----------------------------------------------------------------------------------- */

static sigjmp_buf out;
static char alt[65536];
static volatile int code, on_alt, depth;

static void overflow(int sig, siginfo_t *si, void *uc)
{
	char here;

	(void)sig;
	(void)uc;
	code = si->si_code;
	on_alt = &here >= alt && &here < alt + sizeof(alt);
	siglongjmp(out, 1);
}

static int dig(int n)
{
	volatile char room[1000];

	room[0] = (char)n;
	depth = n;
	return n < 1 << 30 ? dig(n + 1) + room[0] : 0;
}

static void *full_stack(void *who)
{
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, now;

	sigaltstack(&ss, NULL);
	for (int i = 0; i < 2; i++) {
		if (!sigsetjmp(out, 1))
			dig(0);
		sigaltstack(NULL, &now);
		printf("%s: full at %d, code %d, on the alternate stack %d, now %d\n", (char *)who,
		       depth > 50, code, on_alt, now.ss_flags);
	}
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	return NULL;
}

/* --- changes ------------------------------------------------------------------------------------------ */

static void skip(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	(void)si;
	printf("signal %d trap %d\n", sig, (int)g[REG_TRAPNO]);
	g[REG_RIP] += 3; /* over the instruction */
	g[REG_RBX] = 0x1122334455667788;
	g[REG_EFL] ^= 0x8d5;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void changes(void)
{
	struct sigaction sa = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
	uint64_t rbx = 0, flags;
	sigset_t now;

	sigaction(SIGSEGV, &sa, NULL);
	__asm__ volatile("xor %%eax, %%eax\n\txor %%ebx, %%ebx\n\tcmp %%eax, %%ebx\n\tmov (%%rax), "
			 "%%rcx\n\tpushfq\n\tpop %0"
			 : "=r"(flags), "=b"(rbx)
			 :
			 : "rax", "rcx", "cc", "memory");
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("rbx %lx flags %lx blocked %d\n", rbx, flags & 0x8d5, sigismember(&now, SIGUSR2));
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_wide, .sa_flags = SA_SIGINFO};
	struct rlimit small = {256 << 10, RLIM_INFINITY};
	pthread_t t[3];

	level = argc < 2 || !strcmp(argv[1], "sse") ? SSE : !strcmp(argv[1], "avx") ? AVX : AVX512;
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGUSR1, &sa, NULL);
	wide("first");
	for (intptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, many, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("bad %d\n", bad);
	sa.sa_sigaction = overflow;
	sa.sa_flags |= SA_ONSTACK;
	sigaction(SIGSEGV, &sa, NULL);
	setrlimit(RLIMIT_STACK, &small);
	full_stack("first");
	pthread_create(&t[0], NULL, full_stack, "thread");
	pthread_join(t[0], NULL);
	changes();
	return 0;
}
