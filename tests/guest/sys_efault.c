/* sys_efault: calls with bad pointers, bad descriptors and bad values; raw, so that libc hides nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define R(name, ...)                                                                               \
	do {                                                                                       \
		long r_ = (errno = 0, syscall(SYS_##name, ##__VA_ARGS__));                         \
		printf("%s(%s) = %s\n", #name, #__VA_ARGS__,                                       \
		       r_ < 0 ? strerrorname_np(errno) : "ok");                                    \
	} while (0)

static char *page, *edge; /* a hole behind it; a string that runs into that */
static char *volatile bad = (char *)8, *kernel = (char *)0xffff800000000000;
static char path[5000]; /* too long */
static int fd, zero;	/* a directory; /dev/zero */

static void names(void)
{
	R(open, bad, O_RDONLY);
	R(open, edge, O_RDONLY);
	R(open, kernel, O_RDONLY);
	R(open, path, O_RDONLY);
	R(open, "", O_RDONLY);
	R(stat, "/", bad);
	R(newfstatat, fd, "", bad, AT_EMPTY_PATH);
	R(newfstatat, fd, "", page, 0);
	R(newfstatat, 99, "x", page, 0);
	R(newfstatat, 99, "/", page, 0);
	R(newfstatat, zero, "x", page, 0);
	R(newfstatat, fd, ".", page, 0x40000);
	R(statx, fd, "", AT_EMPTY_PATH, 0x80000000, page);
	R(statx, fd, "", AT_EMPTY_PATH, 0x7ff, bad);
	R(getcwd, bad, 4096);
	R(getcwd, page, 1);
	R(readlink, "/proc/self/exe", bad, 10);
	R(readlink, "/proc/self/exe", page, 0);
	R(readlink, "/proc/self/exe", page, -1);
}

static void reading(void)
{
	R(getdents64, fd, bad, 4096);
	R(getdents64, fd, page, 1);
	R(getdents64, zero, page, 100);
	R(read, zero, bad, 10);
	R(read, zero, kernel, 10);
	R(read, zero, page, -1L);
	R(read, 99, bad, 10);
	R(read, fd, page, 10);
	R(write, fd, page, 10);
	printf("up to the hole: %ld\n", syscall(SYS_read, zero, edge, 100L));
	R(pread64, zero, page, 10, -1L);
	R(readv, zero, bad, 1);
	R(readv, zero, page, 1025);
	R(readv, zero, page, -1);
	R(lseek, zero, 0, 99);
	R(fcntl, 99, F_GETFL);
	R(fcntl, fd, 9999);
	R(fcntl, fd, F_DUPFD, -1);
	R(dup3, fd, fd, 0);
	R(dup3, fd, 50, 1);
	R(close_range, 60, 50, 0);
	R(close_range, 60, 61, 99);
}

/* Lengths are refused before addresses, piece by piece as they are read; a single piece is cut to what one
 * transfer moves before anybody looks where it ends. */
static void vectors(void)
{
	struct iovec *v = (struct iovec *)page, *last = (struct iovec *)(page + 4096) - 1;

	v[0] = (struct iovec){kernel, 10};
	v[1] = (struct iovec){page, -1UL};
	R(writev, zero, v, 2);
	*last = (struct iovec){page, -1UL};
	R(writev, zero, last, 2);
	*last = (struct iovec){page, 10};
	R(writev, zero, last, 2);
	v[0] = (struct iovec){page, 1UL << 47};
	v[1] = (struct iovec){page, 10};
	printf("one long piece: %ld\n", syscall(SYS_writev, zero, v, 1L));
	R(writev, zero, v, 2);
	v[0].iov_base = kernel;
	R(writev, zero, v, 1);
	/* The top of the stack (no randomisation: compare), which nobody reads any more: a vector that leaves
	 * user space is not looked at, be its first piece wrong in another way. */
	v = (struct iovec *)0x7ffffffff000 - 2;
	if (!syscall(SYS_mincore, 0x7fffffffe000, 4096, page)) {
		v[0].iov_len = -1UL;
		R(writev, zero, v, 3);
		R(writev, zero, v, 2);
	}
	memset(page, 0, 4096);
	memcpy(edge, "abcd", 4);
}

static void asking(void)
{
	R(uname, bad);
	R(sysinfo, bad);
	R(getrandom, bad, 10, 0);
	R(getrandom, page, 10, 99);
	R(clock_gettime, 0, bad);
	R(clock_gettime, 99, page);
	R(clock_getres, 99, page);
	R(gettimeofday, bad, 0);
	R(times, bad);
	R(nanosleep, bad, 0);
	R(getrusage, 99, page);
	R(getrusage, 0, bad);
	R(prlimit64, 0, 99, 0, page);
	R(prlimit64, 0, 3, bad, 0);
	R(prlimit64, 0, 3, 0, bad);
}

static void signals_and_tasks(void)
{
	R(rt_sigaction, 9, page, 0, 8);
	R(rt_sigaction, 0, 0, 0, 8);
	R(rt_sigaction, 65, 0, 0, 8);
	R(rt_sigaction, 10, bad, 0, 8);
	R(rt_sigaction, 10, 0, 0, 16);
	R(rt_sigprocmask, 0, bad, 0, 8);
	R(rt_sigprocmask, 99, 0, 0, 8);
	R(rt_sigprocmask, 0, 0, 0, 4);
	R(sigaltstack, bad, 0);
	R(poll, bad, 1, 0);
	R(select, -1, 0, 0, 0, 0);
	R(select, 1, bad, 0, 0, 0);
	R(sched_getaffinity, 0, 1, page);
	R(sched_getaffinity, 0, 0, page);
	R(sched_get_priority_max, 99);
	R(getgroups, -1, page);
	R(set_robust_list, page, 23);
	R(arch_prctl, 0x1002, kernel);
	R(arch_prctl, 0x9999, page);
	R(prctl, 9999, 0, 0, 0, 0);
}

static void files(void)
{
	R(ioctl, zero, 0x5401, page);
	R(ioctl, 99, 0x5401, page);
	R(ftruncate, zero, 10);
	R(truncate, "/", 10);
	R(truncate, "x", -1L);
	R(renameat2, fd, "x", fd, "y", 99);
	R(unlinkat, fd, "x", 99);
	R(linkat, fd, "x", fd, "y", 99);
	R(utimensat, fd, "x", bad, 0);
	R(faccessat2, fd, "x", 99, 0);
	R(mkdir, bad, 0777);
	R(chdir, bad);
	R(statfs, "/", bad);
	R(openat2, fd, ".", page, 4);
}

static void memory(void)
{
	R(futex, page + 1, 1, 1, 0, 0, 0);
	R(futex, page, 0, 12345, 0, 0, 0);
	R(rseq, page + 8, 32, 0, 0);
	R(mmap, 0, 0, 3, 0x22, -1, 0);
	R(mmap, 0, 4096, 3, 0x22, -1, 1);
	R(mmap, 0, 4096, 3, 2, 99, 0);
	R(munmap, 1, 4096);
	R(mprotect, 1, 4096, 1);
	R(mremap, 1, 4096, 4096, 0, 0);
	R(brk, 0);
}

int main(void)
{
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + 4096, 4096);
	edge = page + 4096 - 4;
	memcpy(edge, "abcd", 4);
	memset(path, 'x', sizeof(path) - 1);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	zero = open("/dev/zero", O_RDWR);
	names();
	reading();
	vectors();
	asking();
	signals_and_tasks();
	files();
	memory();
	printf("beyond the table: %ld %s\n", syscall(9999), strerrorname_np(errno));
	return 0;
}
