/* eat_memory HOW: uses memory one way until it is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int refused(const char *how, long n)
{
	printf("%s: %s after %ld\n", how, strerrorname_np(errno), n);
	return errno != ENOMEM;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	long n;
	char *p;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (!strcmp(how, "malloc")) {
		for (n = 0; n < 1 << 20; n++) {
			p = malloc(100000);
			if (!p)
				return refused(how, n);
			memset(p, 1, 100000);
		}
	}
	if (!strcmp(how, "touch")) {
		p = mmap(NULL, 1 << 26, RW, ANON | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			return refused(how, 0);
		for (n = 0; n < 1 << 26; n += 4096)
			p[n] = 1;
	}
	if (!strcmp(how, "vmas")) {
		/* Neighbours differ, so that they do not merge. */
		for (n = 0; n < 1 << 20; n++)
			if (mmap(NULL, 4096, n & 1 ? RW : PROT_READ, ANON, -1, 0) == MAP_FAILED)
				return refused(how, n);
	}
	if (!strcmp(how, "files")) {
		/* Descriptors end with EMFILE long before memory; what is asked is that they do
		 * end. */
		for (n = 0; n < 1 << 20 && open("/dev/null", O_RDONLY) >= 0; n++)
			;
		printf("files: %s, no ENOMEM expected\n", strerrorname_np(errno));
	}
	return 0;
}
