/* memfd_create(2): each seal against each operation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#define SIZE 16384L

static int make(void)
{
	int fd = memfd_create("seals", MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, SIZE) || pwrite(fd, "0123456789", 10, 0) != 10)
		perror("memfd");
	return fd;
}

static long map(int fd, int prot, int flags)
{
	void *p = mmap(NULL, SIZE, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	return munmap(p, SIZE);
}

static void operations(int fd)
{
	char buf[16];

	SHOW(read(fd, buf, 10));
	SHOW(pwrite(fd, "x", 1, 0));
	SHOW(pwrite(fd, "x", 1, SIZE));
	SHOW(pwrite(fd, "xx", 2, SIZE - 1));
	SHOW(write(fd, "", 0));
	SHOW(ftruncate(fd, SIZE));
	SHOW(ftruncate(fd, SIZE / 2));
	SHOW(ftruncate(fd, SIZE * 2));
	SHOW(fallocate(fd, 0, 0, 4096));
	SHOW(fallocate(fd, 0, 4 * SIZE, 4096));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * SIZE, 4096));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
	SHOW(map(fd, PROT_READ, MAP_SHARED));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	SHOW(fchmod(fd, 0666));
	SHOW(fchmod(fd, 0777));
	SHOW(fchmod(fd, 0700));
	SHOW(lseek(fd, 0, SEEK_END));
}

static void each_seal(void)
{
	static const int seals[] = {0,
				    F_SEAL_SEAL,
				    F_SEAL_SHRINK,
				    F_SEAL_GROW,
				    F_SEAL_WRITE,
				    F_SEAL_FUTURE_WRITE,
				    F_SEAL_EXEC,
				    F_SEAL_SHRINK | F_SEAL_GROW,
				    0x40,
				    -1};

	for (unsigned i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = make();

		printf("== seal %x\n", seals[i]);
		SHOW(fcntl(fd, F_ADD_SEALS, seals[i]));
		SHOW(fcntl(fd, F_GET_SEALS));
		operations(fd);
		SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
		SHOW(fcntl(fd, F_GET_SEALS));
		close(fd);
	}
}

static void mapped(void)
{
	int fd = make(), ro, file;
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), name[64];

	printf("== mapped\n");
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'y';
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(mprotect(p, SIZE, PROT_READ));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); /* it may become writable again */
	SHOW(munmap(p, SIZE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	SHOW(p != MAP_FAILED);
	SHOW(mprotect(p, SIZE, PROT_READ | PROT_WRITE));
	printf("%c\n", p[0]);
	SHOW(madvise(p, SIZE, MADV_REMOVE));
	munmap(p, SIZE);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY);
	SHOW(fcntl(ro, F_GET_SEALS));
	SHOW(fcntl(ro, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(close(open(name, O_RDWR)));
	SHOW(open(name, O_RDWR | O_TRUNC));
	close(ro);
	close(fd);
	fd = make();
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'z';
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)); /* a private copy is no matter */
	printf("%c\n", p[0]);
	munmap(p, SIZE);
	close(fd);
	file = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	SHOW(fcntl(file, F_GET_SEALS));
	SHOW(fcntl(file, F_ADD_SEALS, 0));
	close(file);
}

static void made(void)
{
	static char name[300];
	struct stat st;
	int fd;

	printf("== memfd_create\n");
	SHOW(memfd_create("x", 0x1000));
	SHOW(memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL));
	SHOW(memfd_create(NULL, 0));
	memset(name, 'n', 250);
	SHOW(memfd_create(name, 0));
	name[249] = 0;
	fd = memfd_create(name, MFD_CLOEXEC);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fcntl(fd, F_ADD_SEALS, 0));
	fstat(fd, &st);
	printf("mode %o links %lu size %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
	close(fd);
	fd = memfd_create("", MFD_NOEXEC_SEAL);
	fstat(fd, &st);
	printf("mode %o\n", st.st_mode);
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fchmod(fd, 0777));
	SHOW(fchmod(fd, 0600));
	close(fd);
	fd = memfd_create("", MFD_EXEC | MFD_ALLOW_SEALING);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	SHOW(fcntl(fd, F_GET_SEALS));
	close(fd);
}

int main(void)
{
	made();
	each_seal();
	mapped();
	return 0;
}
