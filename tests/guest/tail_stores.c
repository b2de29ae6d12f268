/* What a shared mapping stores in the last page, behind the end of the file: it stays in the page cache over a
 * close, and is never the file's: zeroed when it is written back, and when the file grows. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096
#define AT 200

static const char path[] = "tail";

static char *map(int fd)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* What another descriptor and mapping see there. */
static int seen(void)
{
	int fd = open(path, O_RDWR), byte;
	char *m = map(fd);

	byte = m[AT];
	munmap(m, SIZE);
	close(fd);
	return byte;
}

int main(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *m, byte = 'x';

	if (fd < 0 || write(fd, "hello", 5) != 5)
		return 1;
	m = map(fd);
	m[AT] = 'x';
	munmap(m, SIZE);
	printf("unmapped: %d\n", seen());
	close(fd);
	printf("closed: %d\n", seen());
	fd = open(path, O_RDWR);
	m = map(fd);
	m[AT] = 'y';
	fsync(fd);
	printf("fsync: %d\n", m[AT]);
	m[AT] = 'y';
	msync(m, SIZE, MS_SYNC);
	printf("msync: %d\n", m[AT]);
	m[AT] = 'y';
	if (ftruncate(fd, AT + 100) || pread(fd, &byte, 1, AT) != 1)
		return 1;
	printf("grown: %d, read %d\n", m[AT], byte);
	if (ftruncate(fd, 5))
		return 1;
	m[AT] = 'z';
	if (pwrite(fd, "q", 1, AT + 50) != 1 || pread(fd, &byte, 1, AT) != 1)
		return 1;
	printf("written behind: %d, read %d\n", m[AT], byte);
	if (ftruncate(fd, 5))
		return 1;
	m[AT] = 'z';
	if (pwrite(fd, "q", 1, 3) != 1)
		return 1;
	printf("written inside: %d\n", m[AT]);
	unlink(path);
	return 0;
}
