/* vma_slab N: how many objects of vm_area_struct N new areas take, by /proc/slabinfo. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char buf[1 << 16];

static long objects(void)
{
	int fd = open("/proc/slabinfo", O_RDONLY);
	long n = 0, r;
	char *row;

	if (fd < 0) {
		perror("/proc/slabinfo");
		exit(77);
	}
	while ((r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += r;
	close(fd);
	buf[n] = 0;
	row = strstr(buf, "\nvm_area_struct ");
	return row ? atol(row + strlen("\nvm_area_struct ")) : -1;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1, before = objects(), more;
	char *p = mmap(NULL, 2 * n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Each second page readable: 2 n areas, then all of them gone. */
	for (long i = 0; i < n; i++)
		mprotect(p + 2 * i * 4096, 4096, PROT_READ);
	more = objects() - before;
	munmap(p, 2 * n * 4096);
	printf("%ld areas: %ld objects, %ld when they are gone\n", 2 * n, more, objects() - before);
	return more != 2 * n || objects() != before;
}
