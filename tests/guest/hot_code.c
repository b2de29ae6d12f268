/* hot_code: code_changes and stale_code once more, with code that has run some thousand times before it changes: what
 * calls it has been joined to it by then. Stores of every origin, mappings that come and go, handlers, threads,
 * processes, steps and breakpoints.
 *
 * Every line is the same on a CPU.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 4
#define HOT 6000 /* more than JIT_HOT * JIT_HOT_TRACE: traces, too */
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

typedef unsigned char u8;

/* clang-format off */
/* Each way: edi rounds, at each rax is added to the sum that is returned. */
#define WAY(name, before, code)                                                                    \
	#name ": push %rbx; push %rbp; xor %ebp, %ebp; mov %edi, %ebx; " before "\n"               \
	"1:" code "; add %rax, %rbp; dec %ebx; jnz 1b; mov %rbp, %rax; pop %rbp; pop %rbx; ret\n"
__asm__(".pushsection .rodata; .p2align 12\nimage:\n"
	WAY(direct, "", "call f")
	WAY(computed, "lea f(%rip), %rcx", "call *%rcx")
	WAY(jumped, "", "call to_f")
	WAY(twice, "", "call g")
	WAY(crossing, "", "call cross")
	WAY(both, "", "call f; mov %rax, %rdx; call g; add %rdx, %rax")
	/* The value is stored by what calls it. */
	WAY(ahead, "", "mov %ebx, f + 1(%rip); call f")
	WAY(far_ahead, "", "mov %ebx, h + 1(%rip); call f; call g")
	WAY(own, "", "mov %ebx, 2f + 1(%rip); jmp 2f; 2: mov $0, %eax")
	WAY(pushed, "", "mov %ebx, %eax; shl $8, %rax; mov $0x9090c300000000b8, %rcx; or %rax, %rcx; mov %rsp, %rdx;"
	    "lea below + 8(%rip), %rsp; push %rcx; mov %rdx, %rsp; call below")
	WAY(ticks, "", "rdtsc; mov $1, %eax")
	"to_f: jmp f\n"
	"spins: call f; test %eax, %eax; jz spins; ret\n"
	"spins_far: lea f(%rip), %rdx; 1: call *%rdx; test %eax, %eax; jz 1b; ret\n"
	"steps: pushf; orl $0x100, (%rsp); popf; mov $3, %edi; call direct; pushf; andl $~0x100, (%rsp); popf; ret\n"
	"stores: mov $300, %ecx; 1: incl (%rdi); loop 1b; ret\n"
	".org image + 4096\nf: mov $1, %eax; ret\n"
	"g: call h; ret\n"
	"below: mov $3, %eax; ret; nop; nop\n"
	".org image + 2 * 4096 - 2\ncross: mov $4, %eax; ret\n"
	"h: mov $2, %eax; ret\n"
	".org image + 4 * 4096\n.popsection");
extern const u8 image[], direct[], computed[], jumped[], twice[], crossing[], both[], ahead[], far_ahead[], own[],
	pushed[], ticks[], spins[], spins_far[], steps[], stores[], f[], h[], cross[];
/* clang-format on */

struct way {
	const char *name;
	const u8 *entry, *value; /* value: what it answers, 4 bytes */
};
#define W(name, value)                                                                             \
	{                                                                                          \
#name, name, value                                                                 \
	}
static const struct way ways[] = {W(direct, f + 1), W(computed, f + 1),	    W(jumped, f + 1),
				  W(twice, h + 1),  W(crossing, cross + 1), W(both, f + 1),
				  W(direct, f + 1)};
#define NR_WAYS (sizeof(ways) / sizeof(ways[0]))

static u8 *code;    /* where the image is */
static u8 *other;   /* its frames again, if it is shared */
static int fd, fd2; /* the image; another that answers 1000000 more */

static u8 *in_code(const u8 *p)
{
	return code + (p - image);
}

/* The page that changes; of an instruction that crosses the second. */
static u8 *page_of(const struct way *w)
{
	return (u8 *)((uintptr_t)in_code(w->value + 3) & -PAGE);
}

static long call(const u8 *entry, long n)
{
	return ((long (*)(long))(uintptr_t)in_code(entry))(n);
}

static int new_file(int add)
{
	int file = memfd_create("code", 0), v;
	u8 bytes[PAGES * PAGE];

	memcpy(bytes, image, sizeof(bytes));
	for (unsigned i = 0; add && i < 5; i++) {
		if (i == 1 || i == 2) /* f's, which has been changed */
			continue;
		memcpy(&v, bytes + (ways[i].value - image), 4);
		v += add;
		memcpy(bytes + (ways[i].value - image), &v, 4);
	}
	if (file < 0 || pwrite(file, bytes, sizeof(bytes), 0) != sizeof(bytes))
		exit(1);
	return file;
}

static void map_image(int flags)
{
	code = mmap(code, PAGES * PAGE, RWX, flags | (code ? MAP_FIXED : 0), fd, 0);
	if (code == MAP_FAILED)
		exit(1);
}

/* ---- Changes ------------------------------------------------------------------------------------ */

enum change {
	STORE,
	ALIAS,
	PROTECT,
	PWRITE,
	VM_WRITE,
	READ,
	REMAP,
	BACK,
	DROP,
	MOVE,
	NR_CHANGES,
};
static const char *const changes[] = {"store", "alias", "mprotect", "pwrite", "vm_write",
				      "read",  "remap", "back",	    "drop",   "move"};

static void change(enum change how, const struct way *w, int v)
{
	u8 *at = in_code(w->value), *page = page_of(w);
	struct iovec from = {&v, 4}, to = {at, 4};
	long off = page - code;
	int fds[2];

	switch (how) {
	case STORE:
		memcpy(at, &v, 4);
		break;
	case ALIAS:
		memcpy(other + (at - code), &v, 4);
		break;
	case PROTECT:
		mprotect(page, PAGE, RW);
		memcpy(at, &v, 4);
		mprotect(page, PAGE, RX);
		mprotect(page, PAGE, RWX);
		break;
	case PWRITE:
		if (pwrite(fd, &v, 4, at - code) != 4)
			exit(1);
		break;
	case VM_WRITE:
		if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != 4)
			exit(1);
		break;
	case READ:
		if (pipe(fds) || write(fds[1], &v, 4) != 4 || read(fds[0], at, 4) != 4)
			exit(1);
		close(fds[0]);
		close(fds[1]);
		break;
	case REMAP:
		mmap(page, PAGE, RWX, MAP_SHARED | MAP_FIXED, fd2, off);
		break;
	case BACK:
		mmap(page, PAGE, RWX, MAP_SHARED | MAP_FIXED, fd, off);
		break;
	case DROP:
		madvise(page, PAGE, MADV_DONTNEED);
		break;
	default: /* the page goes, and comes back as another */
		from.iov_base = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				       other + PAGES * PAGE);
		mmap(page, PAGE, RWX, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
		memcpy(page, from.iov_base, PAGE);
		memcpy(at, &v, 4);
	}
}

static void all_changes(int flags)
{
	for (unsigned i = 0; i < NR_WAYS; i++) {
		const struct way *w = &ways[i];

		fd = new_file(0);
		map_image(flags);
		other = mmap(NULL, (PAGES + 1) * PAGE, RW, MAP_SHARED, fd, 0);
		printf("%s: %ld", w->name, call(w->entry, HOT));
		for (int how = 0; how < NR_CHANGES; how++) {
			change(how, w, 100 * (how + 1));
			printf(", %s %ld", changes[how], call(w->entry, HOT));
		}
		printf("\n");
		close(fd);
		munmap(other, (PAGES + 1) * PAGE);
	}
}

/* Two frames in turn at one place, each hot. */
static void in_turn(void)
{
	fd = new_file(0);
	map_image(MAP_SHARED);
	for (unsigned i = 0; i < NR_WAYS; i++) {
		long sum = 0;

		for (int n = 0; n < 60; n++) {
			change(n & 1 ? REMAP : BACK, &ways[i], 0);
			sum = 3 * sum + call(ways[i].entry, n < 4 ? HOT : 3);
		}
		printf("%s, in turn: %ld\n", ways[i].name, sum);
	}
	close(fd);
}

/* ---- Faults -------------------------------------------------------------------------------------- */

static sigjmp_buf back;
static u8 *cure; /* page to be made executable instead of leaving */
static int signals;

static void on_fault(int sig, siginfo_t *si, void *context)
{
	long long rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	signals++;
	printf(" [%d %d %+ld %+lld]", sig, si->si_code, (long)((u8 *)si->si_addr - code),
	       rip - (long long)(uintptr_t)code);
	if (!cure)
		siglongjmp(back, 1);
	mprotect(cure, PAGE, RWX);
}

static void faults(void)
{
	for (unsigned i = 0; i < NR_WAYS; i++) {
		u8 *page = page_of(&ways[i]);

		fd = new_file(0);
		map_image(MAP_SHARED);
		printf("%s:", ways[i].name);
		for (volatile int how = 0; how < 5; how++) {
			call(ways[i].entry, HOT);
			cure = NULL;
			if (how < 3)
				mprotect(page, PAGE,
					 how == 0   ? PROT_NONE
					 : how == 1 ? RW
						    : PROT_READ);
			else if (how == 3)
				munmap(page, PAGE);
			else if (ftruncate(fd, page - code))
				exit(1);
			if (!sigsetjmp(back, 1))
				printf(" %ld", call(ways[i].entry, 3));
			if (how == 3)
				mmap(page, PAGE, RWX, MAP_SHARED | MAP_FIXED, fd, page - code);
			cure = page;
			if (how < 4)
				printf(" %ld", call(ways[i].entry, 3));
		}
		printf("\n");
		cure = NULL;
		close(fd);
	}
}

/* ---- From within, from beside -------------------------------------------------------------------- */

static void from_within(void)
{
	fd = new_file(0);
	for (int k = 0; k < 2; k++) {
		map_image(k ? MAP_SHARED : MAP_PRIVATE);
		for (int n = 1; n < 1000; n += 331) {
			printf("stores ahead %ld", call(ahead, n));
			printf(", far ahead %ld", call(far_ahead, n));
			printf(", into its own page %ld", call(own, n));
			printf(", pushes %lx\n", call(pushed, n));
		}
	}
	close(fd);
}

static void set_f(int v)
{
	memcpy(in_code(f + 1), &v, 4);
}

static void on_alarm(int sig)
{
	set_f(sig);
}

static void *thread(void *arg)
{
	usleep(2000);
	set_f((int)(intptr_t)arg);
	return NULL;
}

static void from_beside(void)
{
	const u8 *const spin[] = {spins, spins_far};
	struct itimerval soon = {.it_value = {.tv_usec = 2000}};
	pthread_t t;

	signal(SIGALRM, on_alarm);
	fd = new_file(0);
	map_image(MAP_SHARED);
	for (int i = 0; i < 4; i++) {
		set_f(0);
		setitimer(ITIMER_REAL, &soon, NULL);
		printf("handler %ld", call(spin[i & 1], 0));
		set_f(0);
		pthread_create(&t, NULL, thread, (void *)5);
		printf(", thread %ld", call(spin[i & 1], 0));
		pthread_join(t, NULL);
		set_f(0);
		fflush(stdout);
		if (!fork()) {
			thread((void *)6);
			_exit(0);
		}
		printf(", child %ld", call(spin[i & 1], 0));
		wait(NULL);
		call(direct, HOT);
		if (!vfork()) {
			set_f(70 + i);
			_exit((int)call(direct, 2) & 255);
		}
		printf(", vfork %ld\n", call(direct, 1));
		wait(NULL);
	}
	close(fd);
}

/* Processes with other code at the same place, which give way to each other. */
static void switches(void)
{
	int up[2], v;
	long sum = 0;

	if (pipe(up))
		exit(1);
	fd = new_file(0);
	map_image(MAP_PRIVATE);
	call(both, HOT);
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (!fork()) {
			long n = 0;

			set_f(i + 10);
			for (int k = 0; k < 100; k++) {
				n += call(both, 1 + k % 7) + call(computed, 2);
				sched_yield();
			}
			v = (int)n * (i + 1);
			_exit(write(up[1], &v, sizeof(v)) != sizeof(v));
		}
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 50; k++) {
			sum += call(both, 2);
			sched_yield();
		}
		if (read(up[0], &v, sizeof(v)) != sizeof(v))
			exit(1);
		sum += v;
		wait(NULL);
	}
	printf("processes %ld\n", sum);
	close(fd);
}

/* ---- Steps, breakpoints, clocks -------------------------------------------------------------------- */

static void on_trap(int sig)
{
	(void)sig;
	signals++;
}

static void on_clock(int sig)
{
	(void)sig;
	signals++;
	prctl(PR_SET_TSC, PR_TSC_ENABLE);
}

static void stops(void)
{
	fd = new_file(0);
	map_image(MAP_SHARED);
	signal(SIGTRAP, on_trap);
	signal(SIGSEGV, on_clock);
	for (int i = 0; i < 3; i++) {
		call(direct, HOT);
		signals = 0;
		printf("steps: %ld", call(steps, 0));
		printf(" %d\n", signals);
		printf("clock: %ld", call(ticks, HOT));
		signals = 0;
		prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
		printf(" %ld", call(ticks, HOT));
		printf(" %d\n", signals);
	}
	signal(SIGTRAP, SIG_DFL);
	close(fd);
}

static void tracee(int *cell)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	for (int i = 0; i < 6; i++) {
		call(direct, HOT);
		call(both, HOT);
		((void (*)(int *))(uintptr_t)in_code(stores))(cell);
		raise(SIGSTOP);
		call(direct, 5);
		((void (*)(int *))(uintptr_t)in_code(stores))(cell);
	}
	_exit(0);
}

static void set_debugreg(pid_t pid, int nr, unsigned long v)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[nr]), v))
		printf("debug register %d: %s\n", nr, strerror(errno));
}

static void breakpoints(void)
{
	static int cell __attribute__((aligned(8)));
	struct user_regs_struct regs;
	int status, stopped = 0, hits = 0;
	long text;
	pid_t pid;

	fd = new_file(0);
	map_image(MAP_SHARED);
	fflush(stdout);
	pid = fork();
	if (!pid)
		tracee(&cell);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		if (WSTOPSIG(status) == SIGTRAP) {
			hits++;
			if (stopped == 2) { /* the int3 goes */
				ptrace(PTRACE_POKETEXT, pid, in_code(f), text);
				regs.rip--;
				ptrace(PTRACE_SETREGS, pid, 0, &regs);
			}
			ptrace(stopped == 6 && hits < 40 ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0,
			       0);
			continue;
		}
		printf("stop %d after %d hits\n", stopped, hits);
		hits = 0;
		stopped++;
		set_debugreg(pid, 7, 0);
		text = ptrace(PTRACE_PEEKTEXT, pid, in_code(f), 0);
		if (stopped == 2)
			ptrace(PTRACE_POKETEXT, pid, in_code(f), (text & ~0xffL) | 0xcc);
		if (stopped == 3) {
			set_debugreg(pid, 0, (unsigned long)in_code(f));
			set_debugreg(pid, 7, 1);
		}
		if (stopped == 5) {
			set_debugreg(pid, 0, (unsigned long)&cell);
			set_debugreg(pid, 7, 1 | 0xdUL << 16);
		}
		ptrace(stopped == 6 ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, 0);
	}
	printf("end after %d hits, status %x\n", hits, status);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOLBF, 0);
	fd2 = new_file(1000000);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	all_changes(MAP_SHARED);
	all_changes(MAP_PRIVATE);
	in_turn();
	faults();
	from_within();
	from_beside();
	switches();
	stops();
	if (argc == 1) {
		breakpoints();
		fflush(stdout);
		execl("/proc/self/exe", argv[0], "again", NULL);
	}
	return 0;
}
