/* mm_calls N: N times each mmap, mprotect, brk and munmap. See tests/scripts/not_a_forwarder.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1, start = syscall(SYS_brk, 0), good = 0;

	for (long i = 0; i < n; i++) {
		char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		p[0] = 1;
		good += !mprotect(p, 4096, PROT_READ);
		good += syscall(SYS_brk, start + (i % 64 + 1) * 4096) > start;
		good += !munmap(p, 8192);
	}
	printf("%ld of %ld calls succeeded\n", good, 3 * n);
	return good != 3 * n;
}
