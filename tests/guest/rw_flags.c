/* preadv2(2) and pwritev2(2): offsets and RWF_ flags, of files, pipes, sockets. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

static char buf[64];

static long rd(int fd, long n, long off, int flags)
{
	struct iovec iov = {buf, n};

	return syscall(SYS_preadv2, fd, &iov, 1, off, 0, flags);
}

static long wr(int fd, const char *text, long off, int flags)
{
	struct iovec iov = {(void *)text, strlen(text)};

	return syscall(SYS_pwritev2, fd, &iov, 1, off, 0, flags);
}

static void contents(int fd)
{
	struct stat st;

	memset(buf, 0, sizeof(buf));
	fstat(fd, &st);
	if (pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		exit(1);
	printf("%ld: %s, at %ld\n", (long)st.st_size, buf, (long)lseek(fd, 0, SEEK_CUR));
}

int main(void)
{
	int file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), append, p[2], s[2];
	int flags[] = {1, 2, 4, 8, 0x10, 0x20, 0x30, 0x40, 0x80, 0x100, 0x200, 0x80000000};

	append = open("f", O_RDWR | O_APPEND);
	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return 1;
	signal(SIGPIPE, on_signal);
	SHOW(wr(file, "0123456789", 0, 0));
	SHOW(rd(file, 4, -1, 0));
	SHOW(rd(file, 4, -2, 0));
	SHOW(rd(99, 4, 0, 0x200));
	SHOW(rd(99, 4, 0, 0));
	SHOW(rd(p[0], 4, 0, 0));
	SHOW(wr(p[1], "a", 0, 0));
	SHOW(wr(p[1], "abcdef", -1, 0));
	SHOW(rd(p[0], 4, -1, 0));
	contents(file);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (flags[i] == 0x40 || flags[i] == 0x80) /* as the file system can */
			continue;
		printf("flag %#x\n", flags[i]);
		if (flags[i] != 8) {
			SHOW(rd(file, 2, 1, flags[i]));
			SHOW(wr(file, "x", 1, flags[i]));
			SHOW(wr(append, "y", 1, flags[i]));
		}
		SHOW(wr(file, "", 1, flags[i]));
		SHOW(wr(p[1], "z", -1, flags[i]));
		SHOW(rd(p[0], 1, -1, flags[i]));
		contents(file);
	}
	SHOW(wr(file, "ap", -1, 0x10));
	contents(file);
	SHOW(wr(append, "no", -1, 0x20));
	contents(append);
	SHOW(rd(file, 2, 0, 8));
	while (rd(p[0], 1, -1, 8) > 0)
		;
	SHOW(rd(p[0], 1, -1, 8));
	SHOW(rd(s[0], 1, -1, 8));
	SHOW(wr(s[0], "abc", -1, 8));
	SHOW(rd(s[1], 3, -1, 8));
	SHOW(fcntl(p[0], F_GETFL));
	close(p[0]);
	SHOW(wr(p[1], "z", -1, 0));
	SHOW(wr(p[1], "z", -1, 0x100));
	close(s[1]);
	SHOW(wr(s[0], "z", -1, 0));
	SHOW(wr(s[0], "z", -1, 0x100));
	return 0;
}
