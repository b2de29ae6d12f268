/*
 * What the probes share: addresses relative to an arena, names of errno values and signals, the
 * lines of /proc/self. (p02_regs, which has no libc, stands alone.)
 *
 * Output is unbuffered and the helpers allocate nothing, so that what is measured is the probe's.
 */
#ifndef PROBE_H
#define PROBE_H

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHANON (MAP_SHARED | MAP_ANONYMOUS)
#define FX MAP_FIXED
#define DROPPABLE (8 | MAP_ANONYMOUS)
#define ADV_GUARD_INSTALL 102
#define ADV_GUARD_REMOVE 103
#define HELPER static __attribute__((unused))

/* Name of an errno value, so that the output does not depend on libc text. */
HELPER const char *en(int e)
{
	const char *name = strerrorname_np(e);
	return name ? name : "errno=?";
}

/* Print "label: value" or "label: ERRNO" for a call that returns -1 on error. */
#define T(label, call)                                                                             \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (long)(call);                                                            \
		int e_ = errno;                                                                    \
		if (r_ == -1)                                                                      \
			printf("%s: %s\n", label, en(e_));                                         \
		else                                                                               \
			printf("%s: %ld\n", label, r_);                                            \
	} while (0)

/* The same for a call whose value says nothing but that it worked. */
#define TM(label, call)                                                                            \
	do {                                                                                       \
		errno = 0;                                                                         \
		long r_ = (long)(call);                                                            \
		int e_ = errno;                                                                    \
		printf("%s: %s\n", label, r_ == -1 ? en(e_) : "ok");                               \
	} while (0)

/* The same for a call that returns an address: pages relative to base. */
#define TA(label, call, base)                                                                      \
	do {                                                                                       \
		errno = 0;                                                                         \
		char *r_ = (char *)(call);                                                         \
		int e_ = errno;                                                                    \
		if (r_ == MAP_FAILED)                                                              \
			printf("%s: %s\n", label, en(e_));                                         \
		else                                                                               \
			printf("%s: %+ld\n", label, (long)(r_ - (char *)(base)) / (long)PG);       \
	} while (0)

static char big[1 << 20];

HELPER char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, k;

	if (fd >= 0) {
		while ((k = read(fd, big + n, sizeof big - 1 - n)) > 0)
			n += k;
		close(fd);
	}
	big[n] = 0;
	return big;
}

/* The next line of a text that is cut up, or NULL. */
HELPER char *next_line(char **text)
{
	char *line = *text, *end;

	if (!line || !*line)
		return 0;
	end = strchr(line, '\n');
	if (end)
		*end++ = 0;
	*text = end;
	return line;
}

HELPER long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), e;
	long r;

	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text));
	e = errno;
	close(fd);
	errno = e;
	return r;
}

/*
 * A hole of n pages that starts on a 2 MiB boundary, fenced by PROT_NONE shared mappings:
 * neighbours never merge and fault-around windows do not depend on addresses.
 */
HELPER char *arena(long n)
{
	char *m = mmap(0, (n + 1024) * PG, PROT_NONE, SHANON | MAP_NORESERVE, -1, 0);
	char *p = (char *)(((uintptr_t)m + (1 << 21)) & ~((1UL << 21) - 1));

	munmap(p, n * PG);
	return p;
}

HELPER char *map(void *at, long pages, int prot, int flags, int fd, long page_offset)
{
	return mmap(at, pages * PG, prot, flags | FX, fd, page_offset * PG);
}

/* A memfd of n pages; page i is filled with 'A'+i. */
HELPER int memfd(const char *name, long n)
{
	int fd = syscall(SYS_memfd_create, name, 2 /* MFD_ALLOW_SEALING */);
	char b[PG];

	for (long i = 0; i < n; i++) {
		memset(b, 'A' + i % 26, PG);
		if (write(fd, b, PG) != (long)PG)
			_exit(9);
	}
	return fd;
}

HELPER int unlinked_file(long n, int synced)
{
	char name[] = "/tmp/probeXXXXXX", b[PG];
	int fd = mkstemp(name);

	unlink(name);
	for (long i = 0; i < n; i++) {
		memset(b, 'A' + i % 26, PG);
		if (write(fd, b, PG) != (long)PG)
			_exit(9);
		if (synced)
			fsync(fd);
	}
	return fd;
}

/* An unlinked scratch file of n pages; page i is filled with 'A'+i. */
HELPER int tmpfile_pages(long n)
{
	return unlinked_file(n, 0);
}

/* The same, written by pages (4 KiB folios) and clean. */
HELPER int scratch(long n)
{
	return unlinked_file(n, 1);
}

/* Print the VMAs inside [base, base + n pages) as page ranges relative to base. */
HELPER void shape(const char *label, char *base, long n)
{
	uintptr_t b = (uintptr_t)base, lim = b + n * PG;
	char *text = slurp("/proc/self/maps");

	printf("%s:", label);
	for (char *l; (l = next_line(&text));) {
		unsigned long s, e, off;
		char pr[5];

		if (sscanf(l, "%lx-%lx %4s %lx", &s, &e, pr, &off) < 4 || e <= b || s >= lim)
			continue;
		printf(" [%ld,%ld)%s", s < b ? -1 : (long)((s - b) / PG), (long)((e - b) / PG), pr);
		if (off)
			printf("+%lx", off / PG);
	}
	printf("\n");
}

/* Print the smaps counters of the entry with addr, zero values left out, and its flags. */
HELPER void counters_of(const char *path, const char *label, void *addr, int flags)
{
	uintptr_t a = (uintptr_t)addr;
	char *text = slurp(path);
	int in = 0, any = 0;

	printf("%s:", label);
	for (char *l; (l = next_line(&text));) {
		unsigned long s, e;
		char dash, key[32];
		long v;

		if (sscanf(l, "%lx%c%lx ", &s, &dash, &e) == 3 && dash == '-') {
			in = a >= s && a < e;
			any |= in;
		} else if (in && sscanf(l, "%31[^:]: %ld kB", key, &v) == 2) {
			/* LazyFree: batched by the kernel, see linux-facts 3.2 */
			if (v && strcmp(key, "KernelPageSize") && strcmp(key, "MMUPageSize") &&
			    strcmp(key, "LazyFree"))
				printf(" %s=%ld", key, v);
		} else if (in && flags && !strncmp(l, "VmFlags: ", 9)) {
			printf(" | %s", l + 9);
		}
	}
	printf("%s\n", any ? "" : " no entry");
}

HELPER void counters(const char *label, void *addr)
{
	counters_of("/proc/self/smaps", label, addr, 0);
}

HELPER void entry(const char *label, void *addr)
{
	counters_of("/proc/self/smaps", label, addr, 1);
}

/* What follows "field:" in a line, or NULL. */
HELPER char *field_in(char *line, const char *field)
{
	size_t n = strlen(field);

	return !strncmp(line, field, n) && line[n] == ':' ? line + n + 1 : 0;
}

/* What follows "field:" in the smaps entry with addr, or NULL. */
HELPER char *smaps_field(void *addr, const char *field)
{
	uintptr_t a = (uintptr_t)addr;
	char *text = slurp("/proc/self/smaps"), *value;
	int in = 0;

	for (char *l; (l = next_line(&text));) {
		unsigned long s, e;
		char dash;

		if (sscanf(l, "%lx%c%lx ", &s, &dash, &e) == 3 && dash == '-')
			in = a >= s && a < e;
		else if (in && (value = field_in(l, field)))
			return value;
	}
	return 0;
}

/* One kB field of the smaps entry with addr; -1 when absent. */
HELPER long sm(void *addr, const char *field)
{
	char *value = smaps_field(addr, field);

	return value ? strtol(value, 0, 10) : -1;
}

/* The VmFlags text of the smaps entry with addr. */
HELPER const char *vmflags(void *addr)
{
	static char keep[128];
	char *value = smaps_field(addr, "VmFlags");

	return strcpy(keep, value ? value + 1 : "(none)");
}

/* One kB field of /proc/self/status. */
HELPER long st(const char *field)
{
	char *text = slurp("/proc/self/status"), *value;

	for (char *l; (l = next_line(&text));)
		if ((value = field_in(l, field)))
			return strtol(value, 0, 10);
	return -1;
}

HELPER long minflt(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt;
}

/* Minor faults of one statement, the first use of getrusage and stdio being over. */
#define F(label, what)                                                                             \
	do {                                                                                       \
		long f_ = minflt();                                                                \
		what;                                                                              \
		f_ = minflt() - f_;                                                                \
		printf("%s: minflt %ld\n", label, f_);                                             \
	} while (0)

/* The words of pagemap that depend on nothing but the page: which of its flag bits are set. */
HELPER void pagemap(const char *label, void *addr, long n)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	printf("%s:", label);
	for (long i = 0; i < n; i++) {
		uint64_t v = 0;

		if (pread(fd, &v, 8, ((uintptr_t)addr / PG + i) * 8) != 8)
			printf(" -");
		else
			printf(" %s%s%s%s%s%s%s", v >> 63 & 1 ? "P" : "", v >> 62 & 1 ? "S" : "",
			       v >> 61 & 1 ? "F" : "", v >> 58 & 1 ? "G" : "",
			       v >> 57 & 1 ? "W" : "", v >> 56 & 1 ? "X" : "", v ? "" : "0");
	}
	printf("\n");
	close(fd);
}

static sigjmp_buf caught;
static volatile int caught_signal, caught_code, caught_trap, caught_error;
static volatile uintptr_t caught_address;

HELPER void on_fault(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	caught_signal = sig;
	caught_code = si->si_code;
	caught_address = (uintptr_t)si->si_addr;
	caught_trap = uc->uc_mcontext.gregs[REG_TRAPNO];
	caught_error = uc->uc_mcontext.gregs[REG_ERR];
	siglongjmp(caught, 1);
}

/* Faults end at the last sigsetjmp(caught), on a stack of their own. */
HELPER void catch_faults(void)
{
	static char stack[32768];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	memset(stack, 0, sizeof stack);
	sigaltstack(&ss, 0);
	sigaction(SIGSEGV, &sa, 0);
	sigaction(SIGBUS, &sa, 0);
}

/* Do one access; print the value read, or the signal with its address relative to addr. */
HELPER int try_access(const char *label, void *addr, char how)
{
	volatile char *p = addr;

	caught_signal = 0;
	if (!sigsetjmp(caught, 1)) {
		if (how == 'w')
			*p = 1;
		printf("%s: %c ok %d\n", label, how, *p);
		return 0;
	}
	printf("%s: %c %s code %d at %+ld trap %d/%#x\n", label, how,
	       caught_signal == SIGBUS ? "SIGBUS" : "SIGSEGV", caught_code,
	       (long)(caught_address - (uintptr_t)addr), caught_trap, caught_error);
	return caught_signal;
}

HELPER const char *ended(int status)
{
	static char text[32];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
	return text;
}

/* Run fn in a child and print how it ended. */
HELPER void in_child(const char *label, void (*fn)(void))
{
	int status;
	pid_t child;

	printf("%s: ", label);
	child = fork();
	if (!child) {
		fn();
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s%s\n", WIFSIGNALED(status) ? "killed by " : "", ended(status));
}

extern char __executable_start[], _end[];
extern char __data_start[] __attribute__((weak));

/*
 * Make the program image, its data and 64 KiB of stack resident and private, so that RssAnon,
 * RssFile and the fault counters stay still afterwards.
 */
HELPER void warm(void)
{
	static volatile char mark = 1;
	volatile char stack[65536], *d = __data_start ? __data_start : &mark;

	for (unsigned i = 0; i < sizeof stack; i += 1024)
		stack[i] = 0;
	for (char *p = __executable_start; p < _end; p += PG)
		*(volatile char *)p;
	for (; d < (volatile char *)_end; d += 1024)
		*d = *d;
	(void)stack[0];
}

/* A key of SysV IPC, and as eight digits a part of a file's name, that no other run has at this time. */
HELPER unsigned own_key(void)
{
	static unsigned key;

	if (!key)
		key = 0x10000000 + getpid();
	return key;
}

/* The same text for each run: the digits of own_key() are crossed out. */
HELPER char *hide_key(char *text)
{
	char digits[9];

	snprintf(digits, sizeof digits, "%08x", own_key());
	for (char *at = text; (at = strstr(at, digits));)
		memset(at, 'x', 8);
	return text;
}

HELPER void init_out(void)
{
	setvbuf(stdout, 0, _IONBF, 0);
}

/* Begin a probe: no buffer, the pages of the helpers touched once. */
HELPER void begin(void)
{
	init_out();
	memset(big, 0, sizeof big);
	minflt();
	printf("probe %s%ld\n", "", 1L);
}

#endif
