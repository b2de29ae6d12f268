/* ptrace(2): debug registers (breakpoints and watchpoints), block steps, the orphan that asks to be traced, what seccomp and
 * system call dispatch have been told. */
#include "tracing.h"

#define BAD ((void *)8)
#define DR(n) offsetof(struct user, u_debugreg[n])
/* DR7: register @n, enabled, of kind @rw (0 execute, 1 write, 3 access) and length @len (1, 2, 4, 8). */
#define DR7(n, rw, len)                                                                            \
	(1UL << (n)*2 | (unsigned long)((rw) | ((len) == 8 ? 2 : (len)-1) << 2) << (16 + (n)*4))

#define GET_RSEQ 0x420f
#define SET_DISPATCH 0x4210
#define GET_DISPATCH 0x4211
#define SET_CALL_INFO 0x4212
#define GET_THREAD_AREA 25
#define SINGLEBLOCK 33

static void say_debug(void)
{
	for (int i = 0; i < 8; i++) {
		unsigned long word = 0x55;
		long ret = T(PTRACE_PEEKUSR, DR(i), &word);

		if (ret || word)
			printf("  dr%d: %ld %lx\n", i, ret,
			       i < 4 && word > 64 ? 0x100 | (word & 0xf) : word);
	}
}

static void poke(int n, unsigned long value)
{
	errno = 0;
	T(PTRACE_POKEUSR, DR(n), value);
	printf("  dr%d = %lx%s%s\n", n, n < 4 && value > 64 ? 0x100 | (value & 0xf) : value,
	       errno ? ": " : "", errno ? strerrorname_np(errno) : "");
}

/* --- breakpoints ---------------------------------------------------------------------------------- */

static volatile unsigned char bytes[8192] __attribute__((aligned(4096)));
static volatile long area[16] __attribute__((aligned(64)));
static volatile long *const words = area + 4;

__attribute__((noinline)) static void called(void)
{
	words[7]++;
}

/* Each line touches what one of the two watches is for, or just not. */
static void touches(void)
{
	static const char text[64] = "some text";
	pid_t pid;

	words[0] = 1;
	words[0] = 1; /* the same value */
	(void)words[0];
	(void)words[1];
	words[1]++;
	*(volatile int *)((char *)words + 4) = 5;			  /* the upper half */
	asm volatile("movups %%xmm0, 4(%0)" ::"r"(words - 1) : "memory"); /* up to its first half */
	asm volatile("movups %%xmm0, (%0)" ::"r"(words - 2) : "memory");
	memcpy((void *)bytes, text, sizeof(text)); /* not watched */
	asm volatile("rep stosb" ::"D"(bytes + 4090), "c"(16L), "a"(7) : "memory");
	asm volatile("lock cmpxchg %1, (%0)" ::"r"(words), "r"(3L), "a"(9L) : "memory", "cc");
	pid = fork(); /* whose memory is another */
	if (!pid) {
		words[0] = 3;
		_exit(words[0] == 3 ? 0 : 1);
	}
	waitpid(pid, NULL, 0);
	if (read(-1, (void *)words, 8) != -1) /* the kernel's own touch is none */
		return;
	called();
	for (int i = 0; i < 2; i++)
		called();
}

/* To its end, saying which registers were met. */
static void meet(void)
{
	struct user_regs_struct r;
	unsigned long dr6 = 0;
	siginfo_t info;
	int status;

	for (;;) {
		T(PTRACE_CONT, 0, 0);
		status = wait_for("met", child);
		if (!WIFSTOPPED(status))
			return;
		T(PTRACE_GETREGS, 0, &r);
		T(PTRACE_GETSIGINFO, 0, &info);
		T(PTRACE_PEEKUSR, DR(6), &dr6);
		printf("  code %d, at rip %d, in called() %d, flags %llx, dr6 %lx\n", info.si_code,
		       (unsigned long)info.si_addr == r.rip, r.rip == (unsigned long)called,
		       r.eflags & 0x10100, dr6);
	}
}

static void breakpoints(void)
{
	puts("-- debug registers");
	start(touches);
	say_debug();
	poke(0, (unsigned long)words);
	poke(7, DR7(0, 1, 8));
	poke(6, 0);
	say_debug();
	poke(1, 1);
	poke(1, (unsigned long)&words[1]);
	poke(0, 1); /* not aligned, for its length */
	poke(1, -8UL);
	poke(2, 0x7ffffffff000);
	poke(7, DR7(0, 2, 1)); /* I/O: there is none */
	poke(7, DR7(0, 0, 8)); /* instructions have no length */
	poke(7, 1UL << 40);
	poke(4, 0);
	poke(5, 0);
	poke(2, (unsigned long)called);
	poke(3, (unsigned long)bytes + 4095);
	poke(7, DR7(0, 1, 8) | DR7(1, 3, 4) | DR7(2, 0, 1) | DR7(3, 1, 1));
	say_debug();
	meet();
}

/* A step onto a breakpoint, and from it. */
static void called_often(void)
{
	for (int i = 0; i < 3; i++)
		called();
}

static void step_and_break(void)
{
	struct user_regs_struct r;
	unsigned long dr6 = 0;

	puts("-- steps and breakpoints");
	start(called_often);
	poke(0, (unsigned long)called);
	poke(7, DR7(0, 0, 1));
	T(PTRACE_CONT, 0, 0);
	wait_for("met", child);
	for (int i = 0; i < 3; i++) {
		T(PTRACE_SINGLESTEP, 0, 0);
		wait_for("step", child);
		say_siginfo();
		T(PTRACE_GETREGS, 0, &r);
		T(PTRACE_PEEKUSR, DR(6), &dr6);
		printf("  flags %llx dr6 %lx\n", r.eflags & 0x10100, dr6);
	}
	/* Onto it by steps: the step is told first. */
	do {
		T(PTRACE_SINGLESTEP, 0, 0);
		waitpid(child, NULL, 0);
		T(PTRACE_GETREGS, 0, &r);
	} while (r.rip != (unsigned long)called);
	T(PTRACE_PEEKUSR, DR(6), &dr6);
	printf("on it: flags %llx dr6 %lx\n", r.eflags & 0x10100, dr6);
	T(PTRACE_SINGLESTEP, 0, 0);
	wait_for("then", child);
	T(PTRACE_GETREGS, 0, &r);
	T(PTRACE_PEEKUSR, DR(6), &dr6);
	printf("still on it %d dr6 %lx\n", r.rip == (unsigned long)called, dr6);
	poke(7, 0);
	let_end();
}

/* Children and new programs have none. */
static char *self;

static void fork_and_exec(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit((int)words[0]);
	waitpid(pid, NULL, 0);
	execl(self, self, "nothing", NULL);
}

static void not_inherited(void)
{
	unsigned long born = 0;
	pid_t parent;

	puts("-- fork and exec");
	start(fork_and_exec);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC));
	poke(0, (unsigned long)words);
	poke(7, DR7(0, 3, 8));
	T(PTRACE_CONT, 0, 0);
	wait_for("fork", child);
	T(PTRACE_GETEVENTMSG, 0, &born);
	parent = child;
	child = (pid_t)born;
	wait_for("born", child);
	say_debug();
	let_end();
	child = parent;
	T(PTRACE_CONT, 0, 0);
	wait_for("SIGCHLD", child);
	T(PTRACE_CONT, 0, 0);
	wait_for("exec", child);
	say_debug();
	let_end();
}

/* --- block steps ---------------------------------------------------------------------------------- */

extern const char block_begin[], block_end[];

static void branches(void)
{
	asm volatile("int3\n"
		     "block_begin: nop; mov $3, %%ecx\n"
		     "1: nop; dec %%ecx; jnz 1b\n"
		     "test %%ecx, %%ecx; jnz 2f; nop\n"
		     "jmp 2f; nop\n"
		     "2: call 3f; nop; jmp 4f\n"
		     "3: rep stosb; lea 4f(%%rip), %%rax; ret\n"
		     "4: jmp *%%rax; nop\n"
		     "block_end: nop"
		     :
		     :
		     : "rax", "rcx", "rdi", "memory", "cc");
}

static void block_steps(void)
{
	static const unsigned char targets[] = {19, 27, 24, 37, 37};
	struct user_regs_struct r;

	puts("-- block steps");
	start(branches);
	T(PTRACE_CONT, 0, 0);
	wait_for("begins", child);
	/* Many virtual machines do not pass BTF on, and then each instruction is a block. */
	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		do {
			T(SINGLEBLOCK, 0, 0);
			waitpid(child, NULL, 0);
			T(PTRACE_GETREGS, 0, &r);
		} while (r.rip != (unsigned long)block_begin + targets[i]);
		printf("at %d, ecx %lld, flags %llx\n", targets[i], r.rcx & 0xff,
		       r.eflags & 0x10100);
		say_siginfo();
	}
	r.rip = (unsigned long)block_end; /* out of the endless jump */
	SHOW(T(PTRACE_SETREGS, 0, &r));
	let_end();
}

/* --- an orphan's tracer --------------------------------------------------------------------------- */

static void orphan(void)
{
	int fds[2];
	char text[100];
	pid_t pid, parent;
	ssize_t n;

	puts("-- an orphan");
	fflush(stdout);
	if (pipe(fds))
		return;
	pid = fork();
	if (!pid) {
		parent = getpid();
		if (fork())
			_exit(0);
		while (getppid() == parent)
			sched_yield();
		n = snprintf(text, sizeof(text), "first %ld", trace(PTRACE_TRACEME, 0, 0, 0));
		n += snprintf(text + n, sizeof(text) - n, ", then %ld",
			      trace(PTRACE_TRACEME, 0, 0, 0));
		n += snprintf(text + n, sizeof(text) - n, ", by its parent %d\n",
			      atoi(status_line(getpid(), "TracerPid") + 10) == getppid());
		if (write(fds[1], text, n) != n)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	waitpid(pid, NULL, 0);
	while ((n = read(fds[0], text, sizeof(text))) > 0)
		printf("%.*s", (int)n, text);
	close(fds[0]);
}

/* --- what others have told the kernel --------------------------------------------------------------- */

static void two_filters(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 2, .filter = f};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &prog);
	prog.len = 1;
	prog.filter = f + 1;
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
	raise(SIGUSR1);
}

/* Root may read them; another user is told so. */
static void filters(void)
{
	struct {
		uint64_t filter_off, flags;
	} meta = {0, 0x55};
	struct sock_filter f[8];

	puts("-- seccomp's filters");
	start(two_filters);
	SHOW(T(PTRACE_SECCOMP_GET_FILTER, 0, 0)); /* none yet */
	T(PTRACE_CONT, 0, 0);
	wait_for("filtered", child);
	for (int i = 0; i < 3; i++) {
		memset(f, 0, sizeof(f));
		show("length", T(PTRACE_SECCOMP_GET_FILTER, i, 0));
		show("filter", T(PTRACE_SECCOMP_GET_FILTER, i, f));
		printf("  %x %x, %x %x\n", f[0].code, f[0].k, f[1].code, f[1].k);
		meta.filter_off = i;
		show("metadata", T(PTRACE_SECCOMP_GET_METADATA, sizeof(meta), &meta));
		printf("  flags %lx\n", (unsigned long)meta.flags);
	}
	SHOW(T(PTRACE_SECCOMP_GET_FILTER, 0, BAD));
	SHOW(T(PTRACE_SECCOMP_GET_METADATA, 4, &meta));
	SHOW(T(PTRACE_SECCOMP_GET_METADATA, 8, BAD));
	let_end();
}

static char selector;

static void dispatch(void)
{
	prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0x1000, 0x2000, &selector);
	getppid();
	raise(SIGUSR1);
	printf("getppid %d\n", getppid() > 0);
}

static void dispatches(void)
{
	struct {
		unsigned long mode, selector, offset, len;
	} conf = {9, 9, 9, 9};

	puts("-- system call dispatch");
	start(dispatch);
	SHOW(T(GET_DISPATCH, sizeof(conf), &conf));
	printf("  %lx %lx %lx %lx\n", conf.mode, conf.selector, conf.offset, conf.len);
	T(PTRACE_CONT, 0, 0);
	wait_for("set", child);
	SHOW(T(GET_DISPATCH, sizeof(conf), &conf));
	printf("  %lx %d %lx %lx\n", conf.mode, conf.selector == (unsigned long)&selector,
	       conf.offset, conf.len);
	SHOW(T(GET_DISPATCH, 8, &conf));
	SHOW(T(GET_DISPATCH, sizeof(conf), BAD));
	SHOW(T(SET_DISPATCH, 8, &conf));
	SHOW(T(SET_DISPATCH, sizeof(conf), BAD));
	conf.mode = 7;
	SHOW(T(SET_DISPATCH, sizeof(conf), &conf));
	conf.mode = 0;
	SHOW(T(SET_DISPATCH, sizeof(conf), &conf)); /* off, with a range */
	conf.selector = conf.offset = conf.len = 0;
	SHOW(T(SET_DISPATCH, sizeof(conf), &conf));
	SHOW(T(GET_DISPATCH, sizeof(conf), &conf));
	printf("  %lx\n", conf.mode);
	let_end();
}

static void calls_getpid(void)
{
	printf("getpid gives %ld\n", syscall(SYS_getpid));
}

/* PTRACE_SET_SYSCALL_INFO, and the two smaller ones. */
static void infos(void)
{
	struct {
		unsigned long pointer;
		unsigned size, signature, flags, pad;
	} rseq;
	struct ptrace_syscall_info i;
	unsigned area[4] = {0};
	struct user_regs_struct r;

	puts("-- syscall info, rseq, thread areas");
	start(calls_getpid);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACESYSGOOD));
	memset(&rseq, 0x55, sizeof(rseq));
	SHOW(T(GET_RSEQ, sizeof(rseq), &rseq));
	printf("  %d %u %x %x\n", rseq.pointer != 0, rseq.size, rseq.signature, rseq.flags);
	SHOW(T(GET_RSEQ, 8, BAD));
	SHOW(T(GET_THREAD_AREA, 12, area));
	printf("  %u %x %x %x\n", area[0], area[1], area[2], area[3]);
	SHOW(T(GET_THREAD_AREA, 11, area));
	SHOW(T(GET_THREAD_AREA, -1, area));
	SHOW(T(GET_THREAD_AREA, 14, BAD));
	memset(&i, 0, sizeof(i));
	SHOW(T(SET_CALL_INFO, sizeof(i), &i)); /* in no call */
	do
		next_call(&r, 0);
	while (r.orig_rax != SYS_getpid);
	SHOW(T(PTRACE_GET_SYSCALL_INFO, sizeof(i), &i));
	SHOW(T(SET_CALL_INFO, 8, &i));
	SHOW(T(SET_CALL_INFO, sizeof(i), BAD));
	i.op = PTRACE_SYSCALL_INFO_EXIT;
	SHOW(T(SET_CALL_INFO, sizeof(i), &i));
	i.op = PTRACE_SYSCALL_INFO_ENTRY;
	((char *)&i)[1] = 1;
	SHOW(T(SET_CALL_INFO, sizeof(i), &i));
	((char *)&i)[1] = 0;
	i.entry.nr = 1UL << 40;
	SHOW(T(SET_CALL_INFO, sizeof(i), &i));
	i.entry.nr = SYS_lseek;
	i.entry.args[0] = -1UL;
	SHOW(T(SET_CALL_INFO, sizeof(i), &i));
	next_call(&r, 0);
	SHOW(T(PTRACE_GET_SYSCALL_INFO, sizeof(i), &i));
	i.exit.rval = 4711;
	i.exit.is_error = 0;
	SHOW(T(SET_CALL_INFO, sizeof(i), &i));
	let_end();
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return 11;
	setvbuf(stdout, NULL, _IOLBF, 4096);
	child_output = memfd_create("output", MFD_CLOEXEC);
	breakpoints();
	step_and_break();
	not_inherited();
	block_steps();
	orphan();
	filters();
	dispatches();
	infos();
	return 0;
}
