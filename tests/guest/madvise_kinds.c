/* madvise(2): every number from -2 to 120 over every kind of memory, over ranges that are wrong in every
 * way; what comes back and which flags the areas have then. process_madvise(2) likewise, and
 * process_mrelease(2). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define DROPPABLE 8

static char *area; /* 1024 pages of room, 2 MiB aligned */
static int file_fd, file_ro, mem_fd, secret_fd, zero_fd, shm_id;
static unsigned long vdso, vvar;

static char code(long ret)
{
	static const int known[] = {EINVAL, ENOMEM, EPERM, EACCES, EFAULT, EAGAIN,
				    EBUSY,  EIO,    EBADF, ENOSPC, EINTR,  ENXIO};
	static const char letters[] = "INPAFGBODSTX";

	if (ret >= 0)
		return ret ? '+' : '.';
	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (errno == known[i])
			return letters[i];
	return '?';
}

static void *map(int prot, int flags, int fd, long off)
{
	return mmap(area, 4 * PG, prot, flags | MAP_FIXED, fd, off);
}

static void touch(void)
{
	for (int i = 0; i < 4; i++)
		area[i * PG] = i;
}

static void make_none(void)
{
	map(PROT_NONE, ANON, -1, 0);
}
static void make_anon(void)
{
	map(RW, ANON, -1, 0);
	touch();
}
static void make_fresh(void)
{
	map(RW, ANON, -1, 0);
}
static void make_readonly(void)
{
	make_anon();
	mprotect(area, 4 * PG, PROT_READ);
}
static void make_locked(void)
{
	make_anon();
	mlock(area, 4 * PG);
}
static void make_sealed(void)
{
	make_anon();
	mprotect(area, 4 * PG, PROT_READ);
	syscall(462, area, 4 * PG, 0);
}
static void make_guarded(void)
{
	make_anon();
	madvise(area + PG, PG, 102);
}
static void make_stack(void)
{
	map(RW, ANON | MAP_GROWSDOWN, -1, 0);
	area[3 * PG] = 1;
}
static void make_droppable(void)
{
	map(RW, DROPPABLE | MAP_ANONYMOUS, -1, 0);
	touch();
}
static void make_shared(void)
{
	map(RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	touch();
}
static void make_memfd(void)
{
	map(RW, MAP_SHARED, mem_fd, 0);
	touch();
}
static void make_memfd_private(void)
{
	map(RW, MAP_PRIVATE, mem_fd, 0);
	touch();
}
static void make_file(void)
{
	map(RW, MAP_SHARED, file_fd, 0);
	touch();
}
static void make_file_private(void)
{
	map(RW, MAP_PRIVATE, file_fd, 0);
	touch();
}
static void make_file_ro(void)
{
	map(PROT_READ, MAP_SHARED, file_ro, 0);
}
static void make_past_end(void)
{
	map(RW, MAP_SHARED, file_fd, 64 * PG);
}
static void make_zero(void)
{
	map(RW, MAP_PRIVATE, zero_fd, 0);
	touch();
}
static void make_secret(void)
{
	map(RW, MAP_SHARED, secret_fd, 0);
	touch();
}
static void make_shm(void)
{
	munmap(area, 4 * PG);
	shmat(shm_id, area, 0);
	touch();
}
static void make_hole(void)
{
	make_anon();
	munmap(area + PG, PG);
}
static void make_vdso(void)
{
}

static const struct {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{"none", make_none},
	{"anon", make_anon},
	{"fresh", make_fresh},
	{"readonly", make_readonly},
	{"locked", make_locked},
	{"guarded", make_guarded},
	{"stack", make_stack},
	{"droppable", make_droppable},
	{"shared", make_shared},
	{"memfd", make_memfd},
	{"memfd-p", make_memfd_private},
	{"file", make_file},
	{"file-p", make_file_private},
	{"file-ro", make_file_ro},
	{"past-end", make_past_end},
	{"zero", make_zero},
	{"secret", make_secret},
	{"shm", make_shm},
	{"hole", make_hole},
	{"vdso", make_vdso},
	{"vvar", make_vdso},
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

/* VmFlags of all areas of the range, as a number. */
static unsigned flags_hash(unsigned long at)
{
	char line[1024];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long s, e;
	unsigned h = 0;
	int in = 0;

	while (fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && sscanf(line, "%lx-%lx ", &s, &e) == 2 &&
		    strchr(line, '-') < strchr(line, ' '))
			in = s < at + 4 * PG && e > at;
		if (in && !strncmp(line, "VmFlags", 7))
			for (char *c = line; *c; c++)
				h = h * 31 + (unsigned char)*c;
		if (in && strchr(line, '-') && s < at + 4 * PG &&
		    strchr(line, '-') < strchr(line, ' '))
			h = h * 31 + (s > at ? s - at : 0);
	}
	fclose(f);
	return h;
}

static void reset(void)
{
	munmap(area, 4 * PG);
	pwrite(file_fd, "xxxx", 4, 0);
	ftruncate(mem_fd, 0);
	ftruncate(mem_fd, 8 * PG);
}

static void every_kind(void)
{
	for (unsigned k = 0; k < NR_KINDS; k++) {
		unsigned long at = kinds[k].make != make_vdso ? (unsigned long)area
				   : kinds[k].name[1] == 'd'  ? vdso
							      : vvar;
		unsigned h = 0;

		printf("%-9s", kinds[k].name);
		for (int advice = -2; advice <= 120; advice++) {
			unsigned before;

			if (advice == 100 ||
			    advice == 101) /* memory failures: where that is built in */
				continue;
			if (advice == 27)
				advice = 95;
			if (at == (unsigned long)area && k != NR_KINDS - 1) {
				if (strcmp(kinds[k].name, "sealed"))
					reset();
				kinds[k].make();
			}
			before = flags_hash(at);
			putchar(code(madvise((void *)at, at == vdso ? 2 * PG : 4 * PG, advice)));
			h = h * 33 + (flags_hash(at) != before);
		}
		printf(" %x\n", h);
	}
	/* What is sealed stays for good: another place each time. */
	printf("sealed   ");
	for (int advice = -2; advice <= 26; advice++) {
		char *was = area;

		area += (512 + (advice + 2) * 8) * PG;
		make_sealed();
		putchar(code(madvise(area, 4 * PG, advice)));
		area = was;
	}
	printf("\n");
}

static void every_range(void)
{
	static const struct {
		const char *name;
		unsigned long off, len;
	} r[] = {
		{"empty", 0, 0},
		{"unaligned", 1, PG},
		{"unaligned empty", 1, 0},
		{"odd length", 0, 1},
		{"wraps", 0, -PG},
		{"rounds to 0", 0, -1UL},
		{"rounds below", 0, -PG + 1},
		{"far", 0, 1UL << 50},
		{"hole behind", 2 * PG, 4 * PG},
		{"hole alone", 8 * PG, PG},
		{"hole before", -2 * PG, 4 * PG},
	};

	for (unsigned i = 0; i < sizeof(r) / sizeof(*r); i++) {
		printf("%-15s", r[i].name);
		for (int advice = -2; advice <= 104; advice++) {
			if (advice == 27)
				advice = 95;
			if (advice == 100 || advice == 101)
				continue;
			reset();
			make_anon();
			/* Far ranges would reach what the program needs itself. */
			if (!strcmp(r[i].name, "far") &&
			    (advice == 4 || advice == 24 || advice == 8 || advice == 9 ||
			     advice == 102 || advice == 18))
				continue;
			putchar(code(madvise(area + r[i].off, r[i].len, advice)));
			if (!strcmp(r[i].name, "far") && (advice == 10 || advice == 16))
				madvise(area, r[i].len, advice + 1);
		}
		printf("\n");
	}
}

/* An error in the middle: what came before it has been done, and what comes behind it or not. */
static void partial(void)
{
	for (int advice = 0; advice <= 103; advice++) {
		if (advice == 27)
			advice = 102;
		reset();
		mmap(area, 12 * PG, RW, ANON | MAP_FIXED, -1, 0);
		memset(area, 1, 12 * PG);
		mlock(area + 4 * PG, 2 * PG);
		munmap(area + 8 * PG, PG);
		printf("%3d %c", advice, code(madvise(area, 12 * PG, advice)));
		for (int i = 0; i < 12; i++) {
			unsigned char v = 0;
			uint64_t word = 0;
			int fd = open("/proc/self/pagemap", O_RDONLY);

			pread(fd, &word, 8, ((uintptr_t)area / PG + i) * 8);
			close(fd);
			if (mincore(area + i * PG, PG, &v))
				v = 9;
			printf(" %d%lx", v & 9, word >> 58 & 3);
		}
		printf(" %x\n", flags_hash((unsigned long)area) & 0xffff);
		munmap(area, 12 * PG);
	}
}

static void remote(void)
{
	struct iovec v[3];
	int go[2], st, pidfd, self;
	pid_t pid;
	char c;

	reset();
	make_anon();
	pipe(go);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(go[1]);
		read(go[0], &c, 1);
		_exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	self = syscall(SYS_pidfd_open, getpid(), 0);
	v[0] = (struct iovec){area, PG};
	v[1] = (struct iovec){area + 2 * PG, 2 * PG};
	v[2] = (struct iovec){area + 6 * PG, PG};
	printf("child ");
	for (int advice = -2; advice <= 104; advice++) {
		if (advice == 27)
			advice = 95;
		if (advice == 100 || advice == 101 || advice == 25)
			continue;
		putchar(code(syscall(440, pidfd, v, 2, advice, 0)));
	}
	printf("\nself  ");
	for (int advice = -2; advice <= 104; advice++) {
		if (advice == 27)
			advice = 95;
		if (advice == 100 || advice == 101 || advice == 25)
			continue;
		putchar(code(syscall(440, self, v, 3, advice, 0)));
	}
	printf("\nmrelease flags %c", code(syscall(448, pidfd, 1)));
	printf(" alive %c", code(syscall(448, pidfd, 0)));
	printf(" self %c", code(syscall(448, self, 0)));
	printf(" no pidfd %c", code(syscall(448, go[0], 0)));
	printf(" closed %c", code(syscall(448, 999, 0)));
	printf(" negative %c", code(syscall(448, -1, 0)));
	printf(" flags first %c", code(syscall(448, 999, 1)));
	kill(pid, SIGKILL);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	printf(" zombie %s", syscall(448, pidfd, 0) ? strerrorname_np(errno) : "ok");
	printf(" advise %s", syscall(440, pidfd, v, 2, 20, 0) < 0 ? strerrorname_np(errno) : "ok");
	waitpid(pid, &st, 0);
	printf(" gone %s\n", syscall(448, pidfd, 0) ? strerrorname_np(errno) : "ok");
	/* One that is dying, but cannot yet: stopped and then killed. */
	fflush(stdout);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	close(pidfd);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	printf("stopped %s\n", syscall(448, pidfd, 0) ? strerrorname_np(errno) : "ok");
	kill(pid, SIGKILL);
	/* It may have run its end already. */
	st = syscall(448, pidfd, 0);
	printf("killed %s", !st || errno == ESRCH ? "ok" : strerrorname_np(errno));
	st = syscall(448, pidfd, 0);
	printf(" again %s\n", !st || errno == ESRCH ? "ok" : strerrorname_np(errno));
	waitpid(pid, &st, 0);
	close(pidfd);
	close(self);
}

static void collapse(void)
{
	reset();
	munmap(area, 512 * PG);
	mmap(area, 512 * PG, RW, ANON | MAP_FIXED, -1, 0);
	printf("collapse: empty %c", code(madvise(area, 512 * PG, 25)));
	area[0] = 1;
	printf(" short %c", code(madvise(area + PG, 510 * PG, 25)));
	madvise(area, 512 * PG, 15);
	printf(" nohuge %c", code(madvise(area, 512 * PG, 25)));
	mprotect(area, 512 * PG, PROT_NONE);
	mmap(area, 512 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	area[0] = 1;
	printf(" shared %c", code(madvise(area, 512 * PG, 25)));
	mmap(area, 512 * PG, RW, ANON | MAP_STACK | MAP_FIXED, -1, 0);
	area[0] = 1;
	printf(" stack %c", code(madvise(area, 512 * PG, 25)));
	printf(" hole %c\n", (munmap(area, 512 * PG), code(madvise(area, 512 * PG, 25))));
}

int main(void)
{
	char line[256], path[] = "/tmp/madvise_kinds.XXXXXX";
	FILE *f = fopen("/proc/self/maps", "r");

	setvbuf(stdout, NULL, _IOFBF, 1 << 15);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[vdso]"))
			vdso = strtoul(line, NULL, 16);
		if (strstr(line, "[vvar]"))
			vvar = strtoul(line, NULL, 16);
	}
	fclose(f);
	file_fd = mkstemp(path);
	ftruncate(file_fd, 8 * PG);
	file_ro = open(path, O_RDONLY);
	unlink(path);
	mem_fd = memfd_create("kinds", 0);
	ftruncate(mem_fd, 8 * PG);
	secret_fd = syscall(447, 0);
	ftruncate(secret_fd, 8 * PG);
	zero_fd = open("/dev/zero", O_RDWR);
	shm_id = shmget(IPC_PRIVATE, 4 * PG, IPC_CREAT | 0600);
	area = mmap(NULL, 2048 * PG, PROT_NONE, ANON, -1, 0);
	munmap(area, 2048 * PG);
	area = (char *)(((uintptr_t)area + 512 * PG) & -(512 * PG));
	every_kind();
	every_range();
	partial();
	remote();
	collapse();
	shmctl(shm_id, IPC_RMID, NULL);
	return 0;
}
