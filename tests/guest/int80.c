/* int80: the i386 calls a 64-bit program can make: getpid, mmap2, old mmap, write, brk's kin; and each that
 * src/syscalls/table32.def has, with arguments of all ones. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

enum status { NONE, PARTIAL, FULL };

static const struct row {
	const char *name;
	long nr;
	enum status status;
} rows[] = {
#define SYSCALL(nr, name, args, fn, status, note) {#name, nr, status},
#include "../../src/syscalls/table32.def"
#undef SYSCALL
};

static void try_row(const struct row *r)
{
	/* kill(-1) would be for all processes. */
	long first = strcmp(r->name, "kill") ? -1 : 0x7fffffff;
	long ret = (int)call32(r->nr, first, -1, -1, -1, -1, -1);

	if (ret < 0 && ret >= -4095)
		printf("%s: %s\n", r->name, strerrorname_np(-ret));
	else
		printf("%s: works\n", r->name); /* numbers and addresses differ */
}

/* Each in a child: exit() is one of them, and a child leads no group. */
static void every_row(void)
{
	for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(rows[0]); r++) {
		int status = 0, pid = r->status == NONE ? -1 : fork();

		if (!pid) {
			try_row(r);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, &status, 0);
		if (status)
			printf("%s: status %#x\n", r->name, status);
	}
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
	every_row();
	return 0;
}
