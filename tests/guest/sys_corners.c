/* sys_corners: where calls meet their edges: positions, devices, fifos, empty names, and the
 * vsyscall page. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

#define VSYSCALL 0xffffffffff600000UL
#define LARGEST INT64_MAX

static sigjmp_buf env;

static void on_segv(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	uint64_t rip = uc->uc_mcontext.gregs[REG_RIP];

	printf("signal %d code %d addr %p, trap %lld error %lld cr2 %#llx, rax %lld, rip %s\n", sig,
	       si->si_code, si->si_addr, uc->uc_mcontext.gregs[REG_TRAPNO],
	       uc->uc_mcontext.gregs[REG_ERR], uc->uc_mcontext.gregs[REG_CR2],
	       uc->uc_mcontext.gregs[REG_RAX], rip >> 12 == VSYSCALL >> 12 ? "there" : "here");
	siglongjmp(env, 1);
}

/* Volatile: the compiler must not know what is wrong with it. */
static void *volatile bad = (void *)1;

static void vsyscall(const char *what, uint64_t addr, void *a, void *b)
{
	long (*fn)(void *, void *) = (void *)addr;

	printf("vsyscall %s: ", what);
	if (!sigsetjmp(env, 1))
		printf("%s\n", fn(a, b) < 0 ? "below 0" : "0 or more");
}

static void vsyscalls(void)
{
	struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
	struct timeval tv;
	long when;

	sigaction(SIGSEGV, &sa, NULL);
	vsyscall("gettimeofday", VSYSCALL, &tv, NULL);
	vsyscall("gettimeofday, no pointers", VSYSCALL, NULL, NULL);
	vsyscall("gettimeofday, bad pointer", VSYSCALL, bad, NULL);
	vsyscall("gettimeofday, bad zone", VSYSCALL, &tv, bad);
	vsyscall("gettimeofday, not canonical", VSYSCALL, (void *)(1UL << 60), NULL);
	vsyscall("time", VSYSCALL + 0x400, &when, NULL);
	vsyscall("time, bad pointer", VSYSCALL + 0x400, bad, NULL);
	vsyscall("time, kernel pointer", VSYSCALL + 0x400, (void *)VSYSCALL, NULL);
	vsyscall("getcpu, bad pointer", VSYSCALL + 0x800, bad, NULL);
	vsyscall("getcpu, both bad", VSYSCALL + 0x800, bad, bad);
	vsyscall("getcpu, no pointers", VSYSCALL + 0x800, NULL, NULL);
	vsyscall("+1", VSYSCALL + 1, &tv, NULL);
	vsyscall("+0x10", VSYSCALL + 0x10, &tv, NULL);
	vsyscall("+0xc00", VSYSCALL + 0xc00, &tv, NULL);
	vsyscall("next page", VSYSCALL + 0x1000, &tv, NULL);
	printf("vsyscall read: ");
	if (!sigsetjmp(env, 1))
		printf("%d\n", *(volatile char *)VSYSCALL);
}

/* Structures that a later kernel made longer: what is behind the known part must be zero. */
static void longer_structs(void)
{
	static uint64_t how[1024], clone[1024]; /* from a page's start or not: it makes no odds */
	long fd;

	T(fd = syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 24));
	T(close(fd));
	T(syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 23));
	T(fd = syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 25));
	T(close(fd));
	T(fd = syscall(SYS_openat2, AT_FDCWD, "/dev/null", (char *)how + 1, 4096));
	T(close(fd));
	T(syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 4097));
	how[511] = 1;
	T(syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 4096));
	T(fd = syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, 4088));
	T(close(fd));
	T(syscall(SYS_openat2, AT_FDCWD, "/dev/null", bad, 24));
	T(syscall(SYS_openat2, AT_FDCWD, "/dev/null", bad, 4096));
	clone[0] = 1; /* no flag that there is */
	T(syscall(SYS_clone3, clone, 63));
	T(syscall(SYS_clone3, clone, 64));
	T(syscall(SYS_clone3, clone, 4096));
	T(syscall(SYS_clone3, clone, 4097));
	clone[511] = 1;
	T(syscall(SYS_clone3, clone, 4096));
	T(syscall(SYS_clone3, bad, 64));
}

/* CLOSE_RANGE_UNSHARE: what another process shares stays open, and is not close-on-exec, over there. */
static void closes_its_own(int flags)
{
	uint64_t args[8] = {CLONE_FILES, 0, 0, 0, SIGCHLD};
	int fd = dup2(1, 77), far = dup2(1, 300), status = 0;
	pid_t pid;

	fflush(stdout);
	pid = syscall(SYS_clone3, args, sizeof(args));
	if (!pid) {
		if (syscall(SYS_close_range, 70, ~0U, flags))
			_exit(99);
		status = fcntl(fd, F_GETFD) + 2 * (fcntl(far, F_GETFD) + 1);
		dup2(1, 78); /* in whose table? */
		_exit(status + 10);
	}
	waitpid(pid, &status, 0);
	printf("flags %d: there %d, here %d %d %d\n", flags, WEXITSTATUS(status),
	       fcntl(fd, F_GETFD), fcntl(far, F_GETFD), fcntl(78, F_GETFD));
	syscall(SYS_close_range, 70, 400, 0);
}

int main(void)
{
	char buf[16];
	struct iovec iov = {bad, 4};
	int file, dir, zero, null, fifo, writer;

	setvbuf(stdout, NULL, _IONBF, 0);
	/* A fifo that nobody writes to is at its end; one with a writer is empty. */
	T(mkfifo("fifo", 0600));
	fifo = open("fifo", O_RDONLY | O_NONBLOCK);
	T(read(fifo, buf, 4));
	writer = open("fifo", O_WRONLY | O_NONBLOCK);
	T(read(fifo, buf, 4));
	T(write(writer, "ab", 2));
	T(close(writer));
	T(read(fifo, buf, 4));
	T(read(fifo, buf, 4));

	/* The largest position of a file, a directory, a device. */
	file = open("file", O_RDWR | O_CREAT, 0600);
	T(lseek(file, LARGEST, SEEK_SET));
	T(lseek(file, -1, SEEK_SET));
	T(lseek(file, LARGEST, SEEK_CUR));
	T(lseek(file, LARGEST, SEEK_END));
	T(lseek(file, 1L << 40, SEEK_SET));
	T(lseek(file, LARGEST, SEEK_CUR));
	T(lseek(file, 0, SEEK_CUR));
	T(lseek(file, 5, SEEK_SET));
	dir = open(".", O_RDONLY | O_DIRECTORY);
	T(read(dir, buf, 4));
	T(pread(dir, buf, 4, LARGEST));
	T(pread(file, buf, 4, LARGEST));
	T(pread(file, buf, 4, LARGEST - 4));
	T(read(dir, bad, 4));
	T(read(dir, buf, 0));

	/* Devices that never look at what they are given. */
	zero = open("/dev/zero", O_RDWR);
	null = open("/dev/null", O_RDWR);
	T(write(zero, bad, 5));
	T(write(null, bad, 5));
	T(writev(zero, &iov, 1));
	T(pwrite(zero, bad, 5, 100));
	T(write(zero, "x", 0));
	T(read(zero, bad, 5));
	T(read(null, bad, 5));

	T(symlink("target", "link"));
	T(readlinkat(AT_FDCWD, "", buf, sizeof(buf)));
	T(readlinkat(file, "", buf, sizeof(buf)));
	T(readlinkat(dir, "", buf, sizeof(buf)));
	T(readlinkat(open("link", O_PATH | O_NOFOLLOW), "", buf, sizeof(buf)));
	T(readlinkat(open("file", O_PATH), "", buf, sizeof(buf)));
	T(readlink("", buf, sizeof(buf)));
	T(readlink("file", buf, sizeof(buf)));
	T(readlink("file", buf, 0));
	T(readlinkat(12345, "", buf, sizeof(buf)));

	for (int cap = 0; cap < 64; cap++)
		printf("%d", prctl(PR_CAPBSET_READ, cap));
	printf("\n");
	T(unlink("fifo"));
	T(unlink("file"));
	T(unlink("link"));
	vsyscalls();
	longer_structs();
	closes_its_own(0);
	closes_its_own(CLOSE_RANGE_UNSHARE);
	closes_its_own(CLOSE_RANGE_CLOEXEC);
	closes_its_own(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
	return 0;
}
