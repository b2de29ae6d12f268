/* Record locks of two open file descriptions: which one F_GETLK names, from each place on. Made in the working
 * directory. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int set_lock(int fd, int type, long start, long len)
{
	struct flock l = {.l_type = type, .l_start = start, .l_len = len};

	return fcntl(fd, F_OFD_SETLK, &l);
}

static void named(int fd)
{
	for (long start = 0; start < 100; start += 7) {
		struct flock l = {.l_type = F_WRLCK, .l_start = start};

		fcntl(fd, F_GETLK, &l);
		printf("from %ld: type %d, %ld+%ld, pid %d\n", start, l.l_type, (long)l.l_start,
		       (long)l.l_len, l.l_pid);
	}
}

int main(void)
{
	int fd = open("locked", O_RDWR | O_CREAT | O_TRUNC, 0600), a = open("locked", O_RDWR),
	    b = open("locked", O_RDWR);

	printf("%d", set_lock(a, F_WRLCK, 50, 10));
	printf(" %d", set_lock(b, F_WRLCK, 80, 10));
	printf(" %d", set_lock(a, F_WRLCK, 10, 10));
	printf(" %d", set_lock(b, F_WRLCK, 0, 5));
	printf(" %d", set_lock(a, F_WRLCK, 65, 5));
	printf(" %d\n", set_lock(a, F_UNLCK, 52, 2));
	named(fd);
	printf("joined %d\n", set_lock(a, F_WRLCK, 15, 40));
	named(fd);
	printf("read %d\n", set_lock(a, F_RDLCK, 20, 10));
	named(fd);
	unlink("locked");
	return 0;
}
