/* What mmap(2) and kin refuse for want of memory, in the usual mode 0; and, with the argument `modes`, in
 * modes 1 and 2 with Committed_AS to the page: those are set in /proc/sys/vm, so it is for Vellum only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define TIB (1UL << 40)
#define MIB (1UL << 20)

static void show(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: ok\n", what);
}

#define WORKS(call) show(#call, (long)(call))

static int wrong;

/* Where there is nothing to compare with, in the modes that the host is not put into. */
static void expect(const char *what, long got, long want)
{
	printf("%s: %ld\n", what, got);
	if (got != want) {
		printf("  but should be %ld\n", want);
		wrong = 1;
	}
}

#define FAILS(call) expect(#call, (call) < 0 ? errno : 0, ENOMEM)
#define GOES(call) expect(#call, (call) < 0 ? errno : 0, 0)

/* A line of /proc/meminfo, in kB. */
static long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[100];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			kb = atol(line + strlen(name) + 1);
	if (f)
		fclose(f);
	return kb;
}

static void *map(size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags | MAP_ANONYMOUS, -1, 0);
}

/* 0, and the mapping is gone again, or -1. */
static int try_map(size_t len, int prot, int flags)
{
	void *p = map(len, prot, flags);

	return p == MAP_FAILED ? -1 : munmap(p, len);
}

static int try_shm(size_t len)
{
	int id = shmget(IPC_PRIVATE, len, 0600);

	return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}

static void guessing(void)
{
	char *p;

	printf("== mode 0\n");
	WORKS(try_map(32 * TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	WORKS(try_map(32 * TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE));
	WORKS(try_map(32 * TIB, PROT_READ, MAP_PRIVATE));
	WORKS(try_map(32 * TIB, PROT_NONE, MAP_PRIVATE));
	WORKS(try_map(32 * TIB, PROT_READ, MAP_SHARED));
	WORKS(try_map(32 * TIB, PROT_READ, MAP_SHARED | MAP_NORESERVE));
	WORKS(try_map(512 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	WORKS(try_shm(32 * TIB));
	WORKS(try_shm(512 * MIB));
	p = map(32 * TIB, PROT_NONE, MAP_PRIVATE);
	WORKS(mprotect(p, 32 * TIB, PROT_READ | PROT_WRITE));
	WORKS(mprotect(p, 512 * MIB, PROT_READ | PROT_WRITE));
	WORKS(munmap(p, 32 * TIB));
	p = map(MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	WORKS(mremap(p, MIB, 32 * TIB, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	WORKS(munmap(p, MIB));
	WORKS(sbrk(32 * TIB) == (void *)-1 ? -1 : 0);
}

static void set(const char *name, const char *value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		printf("%s = %s: %s\n", name, value, strerrorname_np(errno));
	close(fd);
}

static void counted(void)
{
	long before = meminfo("Committed_AS");
	char *p = map(64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), *q;

	printf("== Committed_AS, kB\n");
	expect("private", meminfo("Committed_AS") - before, 65536);
	q = map(32 * MIB, PROT_READ, MAP_SHARED);
	expect("and shared", meminfo("Committed_AS") - before, 98304);
	munmap(p, 16 * MIB);
	expect("less a part", meminfo("Committed_AS") - before, 81920);
	mprotect(p + 16 * MIB, 48 * MIB, PROT_NONE);
	expect("without rights, untouched", meminfo("Committed_AS") - before, 32768);
	munmap(p + 16 * MIB, 48 * MIB);
	munmap(q, 16 * MIB);
	expect("half of the shared", meminfo("Committed_AS") - before, 32768);
	munmap(q + 16 * MIB, 16 * MIB);
	expect("nothing", meminfo("Committed_AS") - before, 0);
}

static void set_wrongly(const char *value, int error)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_WRONLY);

	expect(value, write(fd, value, strlen(value)) < 0 ? errno : 0, error);
	close(fd);
}

static void never(void)
{
	long pages = meminfo("MemTotal") / 4, used, left;
	char text[32];

	printf("== mode 2\n");
	expect("limit", meminfo("CommitLimit"), pages * 50 / 100 * 4);
	set("overcommit_ratio", "80");
	expect("more", meminfo("CommitLimit"), pages * 80 / 100 * 4);
	snprintf(text, sizeof(text), "%ld", meminfo("Committed_AS") + 100 * 1024);
	set("overcommit_kbytes", text);
	set("user_reserve_kbytes", "0");
	set("admin_reserve_kbytes", "0");
	set("overcommit_memory", "2");
	expect("as written", meminfo("CommitLimit"), atol(text) / 4 * 4);
	used = meminfo("Committed_AS");
	left = meminfo("CommitLimit") - used - 4; /* it stays below the limit */
	FAILS(try_map((left + 4) * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	GOES(try_map(left * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	FAILS(try_map((left + 4) * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE));
	GOES(try_map((left + 4) * 1024, PROT_READ, MAP_PRIVATE));
	FAILS(try_map((left + 4) * 1024, PROT_READ, MAP_SHARED));
	FAILS(try_shm((left + 4) * 1024));
	GOES(try_shm(left * 1024));
	expect("unchanged", meminfo("Committed_AS") - used, 0);
	set("overcommit_memory", "1");
	printf("== mode 1\n");
	GOES(try_map(32 * TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	set_wrongly("3", EINVAL);
	set_wrongly("-1", EINVAL);
	set_wrongly("x", EINVAL);
	set_wrongly("", 0);
	set_wrongly(" 0 \n", 0);
}

int main(int argc, char **argv)
{
	guessing();
	if (argc > 1 && !strcmp(argv[1], "modes")) {
		counted();
		never();
	}
	return wrong;
}
