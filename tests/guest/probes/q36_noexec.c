/* q36_noexec: mmap() and mprotect() of files where nothing may be run, or nothing mapped: what is
 * refused, and which refusal comes first (5.1). */
#include "probe.h"
#include <sys/socket.h>

static void kinds(const char *name, int fd)
{
	static const struct {
		const char *label;
		int prot, flags;
		long len;
		unsigned long off;
	} tries[] = {
		{"x", PROT_READ | PROT_EXEC, MAP_PRIVATE, PG, 0},
		{"r", PROT_READ, MAP_PRIVATE, PG, 0},
		{"shared x", PROT_EXEC, MAP_SHARED, PG, 0},
		{"shared w", RW, MAP_SHARED, PG, 0},
		{"no type", PROT_EXEC, 0, PG, 0},
		{"empty", PROT_EXEC, MAP_PRIVATE, 0, 0},
		{"grows", PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, PG, 0},
		{"grows x", PROT_EXEC, MAP_PRIVATE | MAP_GROWSDOWN, PG, 0},
		{"far", PROT_EXEC, MAP_PRIVATE, PG, -PG},
		{"validate", PROT_EXEC, MAP_SHARED_VALIDATE | (1 << 24), PG, 0},
		{"huge", PROT_EXEC, MAP_PRIVATE | MAP_HUGETLB, PG, 0},
	};

	printf("%s:", name);
	for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
		char *p;

		errno = 0;
		p = (char *)syscall(SYS_mmap, 0, tries[i].len, tries[i].prot, tries[i].flags, fd,
				    tries[i].off);
		printf(" %s %s", tries[i].label, en(errno));
		if (p == MAP_FAILED)
			continue;
		errno = 0;
		mprotect(p, PG, PROT_READ | PROT_EXEC);
		printf("/%s", en(errno));
		errno = 0;
		syscall(SYS_mmap, p, PG, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
		printf("/%s", en(errno));
		munmap(p, PG);
	}
	printf("\n");
}

int main(void)
{
	int p[2], sv[2], fd;

	begin();
	kinds("a file", scratch(1));
	kinds("memfd", memfd("m", 1));
	kinds("/dev/shm", open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	kinds("/proc/self/maps", open("/proc/self/maps", O_RDONLY));
	kinds("/proc/self/mem", open("/proc/self/mem", O_RDWR));
	kinds("/proc/self/clear_refs", open("/proc/self/clear_refs", O_WRONLY));
	kinds("/proc/meminfo", open("/proc/meminfo", O_RDONLY));
	kinds("/proc/sys/vm/swappiness", open("/proc/sys/vm/swappiness", O_RDONLY));
	kinds("/proc/self", open("/proc/self", O_RDONLY));
	kinds("/sys/kernel/mm/ksm/run", open("/sys/kernel/mm/ksm/run", O_RDONLY));
	kinds("/sys", open("/sys", O_RDONLY));
	kinds("/dev", open("/dev", O_RDONLY));
	kinds("/tmp", open("/tmp", O_RDONLY));
	kinds("/dev/null", open("/dev/null", O_RDWR));
	kinds("/dev/zero", open("/dev/zero", O_RDWR));
	kinds("/dev/full", open("/dev/full", O_RDWR));
	pipe(p);
	kinds("pipe", p[0]);
	kinds("its other end", p[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	kinds("socket", sv[0]);
	kinds("pidfd", syscall(SYS_pidfd_open, getpid(), 0));
	kinds("userfaultfd", syscall(SYS_userfaultfd, 0));
	kinds("O_PATH", open("/tmp", O_PATH));
	kinds("none", 999);
	fd = open("/proc/self/maps", O_RDONLY);
	/* Who reads also runs: but not from where nothing may be run. */
	syscall(SYS_personality, 0x0400000);
	kinds("READ_IMPLIES_EXEC, a file", scratch(1));
	kinds("READ_IMPLIES_EXEC, proc", fd);
	return 0;
}
