/* int80: the i386 calls a 64-bit program can make: getpid, mmap2, old mmap, write, brk's kin. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long call32(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	/* ebp holds the sixth argument, so it is swapped in around the call. */
	asm volatile("push %%rbp; mov %[f], %%rbp; int $0x80; pop %%rbp"
		     : "=a"(ret)
		     : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "r"(f)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

int main(void)
{
	static unsigned int args[6];
	long p = call32(192, 0x20000000, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	setvbuf(stdout, NULL, _IONBF, 0);
	printf("mmap2 %lx\n", p);
	strcpy((char *)p, "written by the i386 write\n");
	printf("write %ld\n", call32(4, 1, p, 26, 0, 0, 0));
	args[0] = 0x20010000;
	args[1] = 4096;
	args[2] = PROT_READ;
	args[3] = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	args[4] = -1;
	printf("mmap %lx\n", call32(90, (long)args, 0, 0, 0, 0, 0));
	printf("getpid agrees %d\n", call32(20, 0, 0, 0, 0, 0, 0) == getpid());
	printf("munmap %ld\n", call32(91, p, 8192, 0, 0, 0, 0));
	printf("unknown %ld\n", call32(9999, 0, 0, 0, 0, 0, 0));
	return 0;
}
