/* ptrace(2): who may trace whom, what may be read and changed, system calls, signals, single steps, errors. */
#include "tracing.h"

#define BAD ((void *)8)

static void nothing(void)
{
}

/* --- who may, and when --------------------------------------------------------------------------- */

static void errors(void)
{
	int fds[2];
	pid_t other;
	char c;

	puts("-- errors");
	child = 0;
	SHOW(T(PTRACE_CONT, 0, 0));
	child = getpid();
	SHOW(T(PTRACE_ATTACH, 0, 0));
	SHOW(T(PTRACE_SEIZE, 0, 0));
	SHOW(T(PTRACE_CONT, 0, 0));
	SHOW(T(12345, 0, 0));
	if (pipe(fds))
		return;
	fflush(stdout);
	other = fork();
	if (!other) {
		close(fds[1]);
		if (read(fds[0], &c, 1))
			_exit(1);
		_exit(3);
	}
	child = other;
	SHOW(T(PTRACE_CONT, 0, 0));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	SHOW(T(PTRACE_SEIZE, 1, 0));
	SHOW(T(PTRACE_SEIZE, 0, 1 << 30));
	SHOW(T(PTRACE_SEIZE, 0, 0));
	SHOW(T(PTRACE_SEIZE, 0, 0));
	SHOW(T(PTRACE_ATTACH, 0, 0));
	SHOW(T(PTRACE_CONT, 0, 0)); /* it runs */
	SHOW(T(PTRACE_GETREGS, 0, BAD));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	wait_for("seized", child);
	say_siginfo();
	SHOW(T(12345, 0, 0));
	SHOW(T(PTRACE_GETREGS, 0, BAD));
	SHOW(T(PTRACE_SETREGS, 0, BAD));
	SHOW(T(PTRACE_CONT, 0, 65));
	SHOW(T(PTRACE_DETACH, 0, 65));
	SHOW(T(PTRACE_SETOPTIONS, 0, 1 << 30));
	SHOW(T(PTRACE_GETSIGINFO, 0, BAD));
	SHOW(T(PTRACE_GETSIGMASK, 4, 0));
	SHOW(T(PTRACE_GETSIGMASK, 8, BAD));
	SHOW(T(PTRACE_SETSIGMASK, 8, BAD));
	SHOW(T(PTRACE_GETEVENTMSG, 0, BAD));
	SHOW(T(PTRACE_GETREGSET, 77, BAD));
	SHOW(T(PTRACE_LISTEN, 0, 0)); /* the stop is PTRACE_INTERRUPT's: that may be listened in */
	SHOW(T(PTRACE_CONT, 0, 0));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	wait_for("again", child);
	SHOW(T(PTRACE_DETACH, 0, 0));
	SHOW(T(PTRACE_DETACH, 0, 0));
	close(fds[0]);
	close(fds[1]);
	wait_for("end", child);
	SHOW(T(PTRACE_CONT, 0, 0));

	start(nothing);
	printf("state %c", status_line(child, "State")[7]);
	printf(", traced by us %d\n", atoi(status_line(child, "TracerPid") + 10) == getpid());
	SHOW(T(PTRACE_LISTEN, 0, 0));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	SHOW(T(PTRACE_ATTACH, 0, 0));
	say_siginfo();
	SHOW(T(PTRACE_KILL, 0, 0));
	wait_for("killed", child);
}

/* Who asks twice. */
static void twice(void)
{
	SHOW(trace(PTRACE_TRACEME, 0, 0, 0));
}

static void traceme(void)
{
	puts("-- PTRACE_TRACEME");
	start(twice);
	let_end();
}

/* --- memory and registers ------------------------------------------------------------------------ */

static volatile long variable = 0x1122334455667788;
static const long constant = 0x99aabbccddeeff00;

static void show_variable(void)
{
	printf("variable %lx constant %lx\n", variable, *(const volatile long *)&constant);
}

static void memory(void)
{
	long word = 0;

	puts("-- memory");
	start(show_variable);
	SHOW(T(PTRACE_PEEKDATA, &variable, &word));
	printf("%lx\n", word);
	SHOW(T(PTRACE_PEEKTEXT, (char *)&variable + 1, &word));
	SHOW(T(PTRACE_PEEKDATA, 8, &word));
	SHOW(T(PTRACE_PEEKDATA, &variable, BAD));
	SHOW(T(PTRACE_POKEDATA, 8, 1));
	SHOW(T(PTRACE_POKEDATA, -16, 1));
	SHOW(T(PTRACE_POKEDATA, &variable, 0x4711));
	SHOW(T(PTRACE_POKETEXT, &constant, 0x4712)); /* read-only for the child */
	printf("here %lx %lx\n", variable, constant);
	let_end();
}

/* Loads registers, and stops by int3; afterwards what it finds there is the exit status. */
__attribute__((naked, noinline)) static long known_registers(void)
{
	asm("push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	    "mov $0x101, %rbx; mov $0x102, %rcx; mov $0x103, %rdx; mov $0x104, %rsi\n"
	    "mov $0x105, %rdi; mov $0x106, %rbp; mov $0x108, %r8; mov $0x109, %r9\n"
	    "mov $0x10a, %r10; mov $0x10b, %r11; mov $0x10c, %r12; mov $0x10d, %r13\n"
	    "mov $0x10e, %r14; mov $0x10f, %r15\n"
	    "pcmpeqd %xmm3, %xmm3; fld1; fldpi\n"
	    "xor %eax, %eax; mov $0x100, %eax\n"
	    "int3\n"
	    "fstp %st; fstp %st; add %r15, %rax\n"
	    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret");
}

static void use_registers(void)
{
	printf("found %lx\n", known_registers());
}

static void say_regs(const struct user_regs_struct *r)
{
	printf("rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx rbp %llx\n", r->rax, r->rbx,
	       r->rcx, r->rdx, r->rsi, r->rdi, r->rbp);
	printf("r8 %llx %llx %llx %llx %llx %llx %llx %llx orig %llx\n", r->r8, r->r9, r->r10,
	       r->r11, r->r12, r->r13, r->r14, r->r15, r->orig_rax);
	printf("cs %llx ss %llx ds %llx es %llx fs %llx gs %llx eflags %llx gs_base %llx\n", r->cs,
	       r->ss, r->ds, r->es, r->fs, r->gs, r->eflags, r->gs_base);
}

static const char *register_name(unsigned long at)
{
	static char name[20];

	snprintf(name, sizeof(name), "at %lu", at);
	return name;
}

/* Each word of struct user that is refused, or not what was stored. */
static void poke_user(void)
{
	static const unsigned long values[] = {0, 3, 0x2b, 8, 0x7ffffffff000, 1UL << 63, 0x10d57};

	for (unsigned long at = 0; at < sizeof(struct user); at += 8)
		for (unsigned i = 0; i < sizeof(values) / 8; i++) {
			long old = 0, new = -1;

			if (at >= offsetof(struct user, u_debugreg) && i)
				break;
			T(PTRACE_PEEKUSR, at, &old);
			errno = 0;
			if (T(PTRACE_POKEUSR, at, values[i]))
				printf("%s: %lx %s\n", register_name(at), values[i],
				       strerrorname_np(errno));
			T(PTRACE_PEEKUSR, at, &new);
			if (new != (long)values[i] && new != old)
				printf("%s: %lx gives %lx\n", register_name(at), values[i], new);
			else if (new == old && old != (long)values[i] && !errno)
				printf("%s: %lx stays\n", register_name(at), values[i]);
			T(PTRACE_POKEUSR, at, old);
		}
}

static void registers(void)
{
	static char page[8192];
	struct user_fpregs_struct fp;
	struct user_regs_struct r, r2;
	struct iovec iov;
	long word;

	puts("-- registers");
	start(use_registers);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("int3", child);
	say_siginfo();
	SHOW(T(PTRACE_GETREGS, 0, &r));
	say_regs(&r);
	printf("rip behind the int3: %d\n",
	       T(PTRACE_PEEKTEXT, r.rip - 1, &word) == 0 && (word & 0xff) == 0xcc);
	SHOW(T(PTRACE_PEEKUSR, offsetof(struct user, regs.r15), &word));
	printf("%lx\n", word);
	SHOW(T(PTRACE_PEEKUSR, 4, &word));
	SHOW(T(PTRACE_PEEKUSR, sizeof(struct user), &word));
	SHOW(T(PTRACE_PEEKUSR, sizeof(struct user) - 8, &word));
	SHOW(T(PTRACE_PEEKUSR, offsetof(struct user, u_debugreg[0]), &word));
	SHOW(T(PTRACE_POKEUSR, sizeof(struct user) - 72, 0));
	poke_user();
	iov = (struct iovec){page, sizeof(page)}; /* longer than others, and not to be had */
	SHOW(T(PTRACE_GETREGSET, NT_386_IOPERM, &iov));
	SHOW(T(PTRACE_SETREGSET, NT_386_IOPERM, &iov));
	iov.iov_base = BAD;
	SHOW(T(PTRACE_SETREGSET, NT_386_IOPERM, &iov));
	iov = (struct iovec){&r2, sizeof(r2) + 16};
	SHOW(T(PTRACE_GETREGSET, NT_PRSTATUS, &iov));
	printf("%zu, the same %d\n", iov.iov_len, !memcmp(&r, &r2, sizeof(r)));
	iov = (struct iovec){&r2, 20};
	SHOW(T(PTRACE_GETREGSET, NT_PRSTATUS, &iov));
	iov = (struct iovec){&r2, 24};
	SHOW(T(PTRACE_GETREGSET, NT_PRSTATUS, &iov));
	printf("%zu\n", iov.iov_len);
	iov = (struct iovec){&r2, 24};
	r2.r15 = 0x50;
	SHOW(T(PTRACE_SETREGSET, NT_PRSTATUS, &iov));
	SHOW(T(PTRACE_GETREGS, 0, &r));
	printf("r15 %llx\n", r.r15);
	r.rax = 0x1000;
	SHOW(T(PTRACE_SETREGS, 0, &r));

	SHOW(T(PTRACE_GETFPREGS, 0, &fp));
	printf("cwd %x swd %x ftw %x mxcsr %x mask %d\n", fp.cwd, fp.swd & 0x3800, fp.ftw, fp.mxcsr,
	       fp.mxcr_mask != 0);
	printf("st0 %08x%08x st1 %08x%08x xmm3 %x %x\n", fp.st_space[1], fp.st_space[0],
	       fp.st_space[5], fp.st_space[4], fp.xmm_space[12], fp.xmm_space[15]);
	fp.xmm_space[0] = 0x1234;
	SHOW(T(PTRACE_SETFPREGS, 0, &fp));
	fp.mxcsr = 0x80001f80;
	SHOW(T(PTRACE_SETFPREGS, 0, &fp));
	memset(&fp, 0, sizeof(fp));
	iov = (struct iovec){&fp, sizeof(fp)};
	SHOW(T(PTRACE_GETREGSET, NT_PRFPREG, &iov));
	printf("%zu: %x\n", iov.iov_len, fp.xmm_space[0]);
	iov.iov_len = 8;
	SHOW(T(PTRACE_SETREGSET, NT_PRFPREG, &iov));
	let_end();
}

/* The image of XSAVE: its parts that do not depend on the CPU. */
static void xstate(void)
{
	static char image[16384] __attribute__((aligned(64)));
	struct iovec iov = {image, sizeof(image)};
	unsigned long *features = (unsigned long *)(image + 464);
	unsigned long *bv = (unsigned long *)(image + 512);

	puts("-- xstate");
	start(use_registers);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("int3", child);
	SHOW(T(PTRACE_GETREGSET, NT_X86_XSTATE, &iov));
	printf("features %lx in use %lx compacted %lx xmm3 %x\n", *features & 3, *bv & 3, bv[1],
	       *(unsigned *)(image + 160 + 48));
	*(unsigned *)(image + 160) = 0x4321;
	SHOW(T(PTRACE_SETREGSET, NT_X86_XSTATE, &iov));
	*bv |= 1UL << 62;
	SHOW(T(PTRACE_SETREGSET, NT_X86_XSTATE, &iov));
	*bv &= ~(1UL << 62);
	iov.iov_len = 512;
	SHOW(T(PTRACE_SETREGSET, NT_X86_XSTATE, &iov));
	iov.iov_len = 576;
	memset(image, 0, sizeof(image));
	SHOW(T(PTRACE_GETREGSET, NT_X86_XSTATE, &iov));
	printf("xmm0 %x\n", *(unsigned *)(image + 160));
	let_end();
}

/* --- system calls -------------------------------------------------------------------------------- */

static void three_calls(void)
{
	long ppid;

	syscall(SYS_getpid);
	syscall(SYS_lseek, 100, 2, 3, 4, 5, 6);
	ppid = syscall(SYS_getppid);
	printf("getppid gives %ld\n", ppid == getppid() ? 0 : ppid);
}

/* Only the lower half says which call it is. */
static void wide_number(void)
{
	syscall(1L << 32 | SYS_getppid);
}

static void calls(void)
{
	struct user_regs_struct r;

	puts("-- calls");
	start(wide_number);
	next_call(&r, 0);
	while (next_call(&r, 0) && (int)r.orig_rax != SYS_getppid)
		;
	printf("number %llx\n", r.orig_rax);
	say_info();
	SHOW(T(PTRACE_DETACH, 0, 0));
	wait_for("end", child);

	start(three_calls);
	SHOW(T(PTRACE_GET_SYSCALL_INFO, 88, BAD));
	say_info();
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACESYSGOOD));
	next_call(&r, 0); /* of the raise(3): its end */
	while (next_call(&r, 0) && r.orig_rax != SYS_getpid)
		;
	say_info();
	say_siginfo();
	next_call(&r, 0);
	say_info();
	next_call(&r, 0); /* lseek */
	say_info();
	next_call(&r, 0);
	say_info();
	next_call(&r, 0); /* getppid: not at all */
	r.orig_rax = -1;
	r.rax = 4711;
	SHOW(T(PTRACE_SETREGS, 0, &r));
	next_call(&r, 0);
	SHOW(T(PTRACE_DETACH, 0, 0));
	wait_for("end", child);

	start(three_calls);
	SHOW(T(PTRACE_SETOPTIONS, 0, 0));
	next_call(&r, 0);
	do
		next_call(&r, 0);
	while (r.orig_rax != SYS_getpid);
	r.orig_rax = SYS_getppid; /* another one */
	SHOW(T(PTRACE_SETREGS, 0, &r));
	next_call(&r, 0);
	printf("ours %d\n", (long)r.rax == getpid());
	next_call(&r, SIGURG); /* a signal from a call's stop is sent */
	say_siginfo();
	next_call(&r, 0);
	say_siginfo();
	next_call(&r, 0);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("end", child);

	start(three_calls);
	SHOW(T(PTRACE_SYSEMU, 0, 0));
	wait_for("emulated", child);
	T(PTRACE_GETREGS, 0, &r);
	printf("%lld\n", (long long)r.rax);
	while (r.orig_rax != SYS_getppid && T(PTRACE_SYSEMU, 0, 0) == 0 &&
	       WIFSTOPPED(wait_for("emulated", child)))
		T(PTRACE_GETREGS, 0, &r);
	r.rax = 12;
	SHOW(T(PTRACE_SETREGS, 0, &r));
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("end", child);
}

/* --- signals ------------------------------------------------------------------------------------- */

static volatile int caught;

static void on_usr1(int sig)
{
	caught = sig;
}

static void raise_some(void)
{
	signal(SIGUSR1, on_usr1);
	signal(SIGUSR2, on_usr1);
	signal(SIGHUP, SIG_IGN);
	raise(SIGUSR1);
	printf("caught %d\n", caught);
	raise(SIGUSR1);
	printf("caught %d\n", caught);
	raise(SIGHUP);
	raise(SIGTERM);
	printf("still there\n");
	fflush(stdout);
	raise(SIGTERM);
}

static void signals_of_tracee(void)
{
	unsigned long mask = 1UL << (SIGALRM - 1), got = 0;
	siginfo_t info;

	puts("-- signals");
	start(raise_some);
	say_siginfo();
	SHOW(T(PTRACE_SETSIGMASK, 8, &mask));
	SHOW(T(PTRACE_GETSIGMASK, 8, &got));
	printf("%lx\n", got);
	mask = -1;
	SHOW(T(PTRACE_SETSIGMASK, 8, &mask));
	SHOW(T(PTRACE_GETSIGMASK, 8, &got));
	printf("%lx\n", got);
	mask = 0;
	SHOW(T(PTRACE_SETSIGMASK, 8, &mask));
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("usr1", child);
	say_siginfo();
	SHOW(T(PTRACE_CONT, 0, SIGUSR1));
	wait_for("usr1", child);
	SHOW(T(PTRACE_CONT, 0, SIGUSR2)); /* another one */
	wait_for("ignored", child);
	SHOW(T(PTRACE_CONT, 0, SIGHUP));
	wait_for("term", child);
	T(PTRACE_GETSIGINFO, 0, &info);
	info.si_code = SI_QUEUE;
	SHOW(T(PTRACE_SETSIGINFO, 0, &info));
	say_siginfo();
	SHOW(T(PTRACE_SETSIGINFO, 0, BAD));
	SHOW(T(PTRACE_CONT, 0, 0)); /* none */
	wait_for("term", child);
	SHOW(T(PTRACE_CONT, 0, SIGKILL));
	wait_for("end", child);
}

static void blocked_queue(void)
{
	sigset_t set;
	union sigval v;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++) {
		v.sival_int = i + 10;
		sigqueue(getpid(), SIGRTMIN + 1, v);
	}
	syscall(SYS_tkill, getpid(), SIGUSR2);
	syscall(SYS_tkill, getpid(), SIGSTOP); /* cannot be blocked */
}

static void peek_queue(void)
{
	struct ptrace_peeksiginfo_args args = {.nr = 10, .flags = PTRACE_PEEKSIGINFO_SHARED};
	siginfo_t info[10];

	puts("-- queued signals");
	start(blocked_queue);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("stop", child);
	SHOW(T(PTRACE_PEEKSIGINFO, &args, info));
	printf("%d %d %d\n", info[0].si_signo == SIGRTMIN + 1, info[0].si_value.sival_int,
	       info[2].si_value.sival_int);
	args.off = 2;
	SHOW(T(PTRACE_PEEKSIGINFO, &args, info));
	args = (struct ptrace_peeksiginfo_args){.nr = 10};
	SHOW(T(PTRACE_PEEKSIGINFO, &args, info));
	printf("%d\n", info[0].si_signo);
	SHOW(T(PTRACE_PEEKSIGINFO, &args, BAD));
	SHOW(T(PTRACE_PEEKSIGINFO, BAD, info));
	args.flags = 2;
	SHOW(T(PTRACE_PEEKSIGINFO, &args, info));
	args = (struct ptrace_peeksiginfo_args){.nr = -1};
	SHOW(T(PTRACE_PEEKSIGINFO, &args, info));
	let_end();
}

static void crash(void)
{
	int *volatile low = (int *)(uintptr_t)16;

	*low = 1;
}

/* What an instruction causes cannot be lost: it comes again. */
static void faults(void)
{
	siginfo_t info;

	puts("-- a fault");
	start(crash);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("fault", child);
	T(PTRACE_GETSIGINFO, 0, &info);
	printf("code %d addr %p\n", info.si_code, info.si_addr);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("fault", child);
	SHOW(T(PTRACE_CONT, 0, SIGSEGV));
	wait_for("end", child);
}

/* --- single steps -------------------------------------------------------------------------------- */

static void some_steps(void)
{
	asm volatile("int3\n"
		     "mov $1, %%eax\n"
		     "mov $110, %%eax\n" /* getppid */
		     "syscall\n"
		     "nop\n"
		     "pushfq\n"
		     "popfq\n"
		     "nop\n"
		     "nop\n"
		     "nop\n" ::
			     : "rax", "rcx", "r11", "memory");
	signal(SIGUSR1, on_usr1);
	raise(SIGUSR1);
}

static void steps(void)
{
	struct user_regs_struct r;
	unsigned long first = 0;
	siginfo_t info;

	puts("-- steps");
	start(some_steps);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("int3", child);
	for (int i = 0; i < 8; i++) {
		T(PTRACE_SINGLESTEP, 0, 0);
		wait_for("step", child);
		T(PTRACE_GETREGS, 0, &r);
		T(PTRACE_GETSIGINFO, 0, &info);
		if (!i)
			first = r.rip;
		printf("  +%llu TF %d, code %d, at rip %d\n", r.rip - first, !!(r.eflags & 0x100),
		       info.si_code, (unsigned long)info.si_addr == r.rip);
	}
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("usr1", child);
	SHOW(T(PTRACE_SINGLESTEP, 0, SIGUSR1)); /* into the handler */
	wait_for("handler", child);
	T(PTRACE_GETREGS, 0, &r);
	T(PTRACE_GETSIGINFO, 0, &info);
	printf("at the handler %d, code %d, TF %d\n", r.rip == (unsigned long)on_usr1, info.si_code,
	       !!(r.eflags & 0x100));
	SHOW(T(PTRACE_SINGLESTEP, 0, 0));
	wait_for("in it", child);
	let_end();
}

/* --- attaching to a sleeper ----------------------------------------------------------------------- */

static pid_t sleeper(void)
{
	struct timespec ts = {0, 500000000}, left = {9, 9};
	pid_t pid;
	int ret;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	ret = nanosleep(&ts, &left);
	to_file();
	printf("nanosleep %d\n", ret);
	fflush(stdout);
	_exit(4);
}

static void until_asleep(void)
{
	while (status_line(child, "State")[7] != 'S')
		sched_yield();
}

static void attach_to_sleep(void)
{
	struct user_regs_struct r;

	puts("-- attached in a call");
	child = sleeper();
	until_asleep();
	SHOW(T(PTRACE_ATTACH, 0, 0));
	wait_for("attached", child);
	T(PTRACE_GETREGS, 0, &r);
	printf("orig %lld rax %lld\n", r.orig_rax, (long long)r.rax);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("end", child);

	/* Let go of behind the call, which is not over: it goes on, and the program never sees why. */
	child = sleeper();
	until_asleep();
	SHOW(T(PTRACE_SEIZE, 0, 0));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	wait_for("seized", child);
	next_call(&r, 0);
	SHOW(T(PTRACE_SYSCALL, 0, 0));
	until_asleep();
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	wait_for("behind it", child);
	T(PTRACE_GETREGS, 0, &r);
	printf("orig %lld rax %lld\n", r.orig_rax, (long long)r.rax);
	SHOW(T(PTRACE_DETACH, 0, 0));
	wait_for("end", child);
}

/* --- other users' --------------------------------------------------------------------------------- */

/* A child that waits, and that only root may look into if not @dumpable. Is it to be had? */
static void attach_to(int dumpable)
{
	int fds[2];

	if (pipe(fds))
		return;
	child = fork();
	if (!child) {
		prctl(PR_SET_DUMPABLE, dumpable);
		tell(fds[1]);
		pause();
		_exit(1);
	}
	hear(fds[0]);
	printf("dumpable %d: ", dumpable);
	if (SHOW(T(PTRACE_SEIZE, 0, 0)) == 0)
		SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_SUSPEND_SECCOMP));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Who becomes undumpable while it is traced. */
static void hides(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	raise(SIGUSR1);
}

static void hidden(void)
{
	long word;

	start(hides);
	SHOW(T(PTRACE_PEEKDATA, &variable, &word));
	T(PTRACE_CONT, 0, 0);
	wait_for("hidden", child);
	SHOW(T(PTRACE_PEEKDATA, &variable, &word));
	SHOW(T(PTRACE_POKEDATA, &variable, 1));
	SHOW(T(PTRACE_PEEKUSR, offsetof(struct user, regs.rip), &word));
	let_end();
}

static void rights(void)
{
	pid_t pid, parent = getpid();

	puts("-- rights");
	attach_to(0);
	hidden();
	if (getuid())
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(1);
		child = parent;
		SHOW(T(PTRACE_ATTACH, 0, 0));
		SHOW(T(PTRACE_SEIZE, 0, PTRACE_O_SUSPEND_SECCOMP));
		attach_to(0);
		attach_to(1);
		hidden();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 4096);
	child_output = memfd_create("output", MFD_CLOEXEC);
	errors();
	traceme();
	memory();
	registers();
	xstate();
	calls();
	signals_of_tracee();
	peek_queue();
	faults();
	steps();
	attach_to_sleep();
	rights();
	return 0;
}
