/* The objects behind the areas: scratch files, memory files; and memory that the kernel itself reads and
 * writes for us. */
#include "random_mm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

int fds[NR_FDS];
static int holders[2][2];   /* pipes: hold_pages() */
static char bytes[16 * PG]; /* of our own, for the kernel to copy to and from */

/* --- scratch files ------------------------------------------------------------------------------ */

/* A pipe holds the pages of each scratch file: a host that reclaims by itself (DAMON) takes clean
 * pages that nobody maps, but none that somebody holds. That does not count as a mapping. What comes
 * out of the pipe is not looked at: natively it is the file's own pages, with what was written since. */
static void hold_pages(int fd, bool hold)
{
	static char drained[16 * PG];
	const int *pipe = holders[fd == fds[SCRATCH2]];
	off_t at = 0;

	if (hold)
		while (at < FILE_PAGES * (long)PG &&
		       sendfile(pipe[1], fd, &at, FILE_PAGES * PG - at) > 0)
			;
	else
		while (read(pipe[0], drained, sizeof(drained)) > 0)
			;
}

/* Pages of a scratch file are written one at a time, so that each is a folio of its own, and are
 * clean afterwards. No hole stays: read-ahead would fill it with larger folios. */
static void fill_file(int fd, long first)
{
	hold_pages(fd, false);
	for (long i = first; i < FILE_PAGES; i++) {
		memset(bytes, i + fd, PG);
		if (pwrite(fd, bytes, PG, i * PG) != (long)PG)
			_exit(2);
	}
	if (fsync(fd))
		_exit(2);
	/* Used twice: the host does not take them first when others need memory. */
	for (int round = 0; round < 2; round++)
		for (long i = 0; i < FILE_PAGES; i++)
			if (pread(fd, bytes, 1, i * PG) != 1)
				_exit(2);
	hold_pages(fd, true);
}

void do_scratch_file(void)
{
	int fd = fds[SCRATCH + rnd(2)];
	long at = rnd(FILE_PAGES);

	switch (rnd(6)) {
	case 0:
		at = rnd(lseek(fd, 0, SEEK_END) / PG + 1); /* never longer: that is a hole, too */
		put("cut %d to %ld and fill", fd, at);
		if (ftruncate(fd, at * PG - (at ? rnd(2) * 50 : 0)))
			put(" E%d", errno);
		fsync(fd);
		if (rnd(2)) /* else the next step sees it short; filled again by fsync's case */
			fill_file(fd, at ? at - 1 : 0);
		break;
	case 1:
	case 2:
		put("fill %d", fd);
		fill_file(fd, 0);
		break;
	case 3:
		put("fsync %d", fd);
		result(fsync(fd));
		break;
	case 4:
		at = rnd(lseek(fd, 0, SEEK_END) / PG + 1); /* not behind the end: no holes */
		put("pwrite %d %ld", fd, at);
		result(pwrite(fd, bytes, 100, at * PG + (at ? 0 : rnd(3900))));
		break;
	case 5:
		put("pread %d %ld", fd, at);
		result(pread(fd, bytes, 100, at * PG + rnd(4000)));
		put(" %d", bytes[50]);
	}
}

void do_memfd(void)
{
	int fd = fds[MEMFD + rnd(2)];
	long at = rnd(FILE_PAGES), n = 1 + rnd(4);

	switch (rnd(4)) {
	case 0:
		put("pwrite %d %ld", fd, at);
		memset(bytes, at, 100);
		result(pwrite(fd, bytes, 100, at * PG + rnd(4000)));
		break;
	case 1:
		put("pread %d %ld", fd, at);
		result(pread(fd, bytes, 100, at * PG + rnd(4000)));
		break;
	case 2:
		put("punch %d %ld+%ld", fd, at, n);
		result(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				 at * PG + rnd(2) * 100, n * PG));
		break;
	case 3:
		at += FILE_PAGES / 2;
		put("ftruncate %d %ld", fd, at);
		result(ftruncate(fd, at * PG - rnd(2) * 50));
	}
}

/* The kernel reads or writes the arena for us, and may stop half way. */
void do_kernel_copy(void)
{
	struct iovec ours = {bytes, sizeof(bytes)}, theirs;
	long at, n, off;
	int fd;

	range(&at, &n);
	switch (rnd(4)) {
	case 0:
		put("read zeros %ld+%ld", at, n);
		fd = open("/dev/zero", O_RDONLY);
		result(read(fd, ARENA + at * PG + 10, n * PG - 20));
		close(fd);
		break;
	case 1:
		fd = fds[rnd(2)];
		off = rnd(FILE_PAGES);
		put("write from %ld+%ld to %d %ld", at, n, fd, off);
		result(pwrite(fd, ARENA + at * PG + 10, n * PG - 20, off * PG));
		break;
	default:
		theirs.iov_base = ARENA + at * PG + 10;
		theirs.iov_len = n * PG - 20;
		if (theirs.iov_len > sizeof(bytes))
			theirs.iov_len = sizeof(bytes);
		if (rnd(2)) {
			put("process_vm_readv %ld+%ld", at, n);
			result(process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0));
		} else {
			put("process_vm_writev %ld+%ld", at, n);
			result(process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
		}
	}
}

void fill_scratch_files(void)
{
	fill_file(fds[SCRATCH], 0);
	fill_file(fds[SCRATCH2], 0);
}

void sync_scratch_files(void)
{
	fsync(fds[SCRATCH]);
	fsync(fds[SCRATCH2]);
}

/* --- at first ------------------------------------------------------------------------------------ */

static void scratch_files(void)
{
	for (int i = SCRATCH; i <= SCRATCH2; i++) {
		fds[i] = open("scratch", O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fds[i] < 0)
			_exit(2);
		if (i == SCRATCH)
			fds[READ_ONLY] = open("scratch", O_RDONLY);
		unlink("scratch");
		if (pipe2(holders[i - SCRATCH], O_NONBLOCK) ||
		    fcntl(holders[i - SCRATCH][1], F_SETPIPE_SZ, 64 * PG) < 0)
			_exit(2);
		fill_file(fds[i], 0);
	}
}

void make_objects(void)
{
	for (int i = MEMFD; i <= MEMFD2; i++) {
		fds[i] = memfd_create("arena", 0);
		if (ftruncate(fds[i], FILE_PAGES * PG))
			_exit(2);
		/* Pages that were only read are clean, and a host that reclaims may take them. */
		for (long k = 0; k < FILE_PAGES; k++)
			if (pwrite(fds[i], bytes, 1, k * PG) != 1)
				_exit(2);
	}
	scratch_files();
}
