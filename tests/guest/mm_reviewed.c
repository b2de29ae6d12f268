/* What memory calls do where it is easily overlooked: each function below is one matter, and prints
 * what Linux says to it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SET_MDWE 65
#define GET_MDWE 66
#define MSEAL 462 /* a system call */

static char **self;

/* "name 0", "name OK" (an address) or "name EINVAL". */
static void say(const char *name, long ret)
{
	if (ret == -1)
		printf("%-32s %s\n", name, strerrorname_np(errno));
	else if (ret > 0xffff)
		printf("%-32s OK\n", name);
	else
		printf("%-32s %ld\n", name, ret);
}
#define SAY(call) say(#call, (long)(call))

/* In a child, so that what it sets is gone afterwards. */
static void child(void (*fn)(void))
{
	int status = 0;

	waitpid(start_child(fn), &status, 0);
	if (status)
		printf("child: %#x\n", status);
}

/* What this program says of itself after an exec: executed(). */
static void execute(const char *what)
{
	fflush(stdout);
	if (!fork()) {
		execl("/proc/self/exe", "prog", what, NULL);
		_exit(1);
	}
	wait(NULL);
}

/* --- 1: programs in a memfd ---------------------------------------------------------------- */

static int memfd_of(const char *path)
{
	int fd = memfd_create("prog", 0), in = open(path, O_RDONLY);
	char buf[65536];
	long n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(fd, buf, n) != n)
			exit(1);
	close(in);
	return fd;
}

static void run_memfd(int fd, int how)
{
	char *argv[] = {"prog", "child", NULL}, *envp[] = {NULL}, path[64];
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (how == 0)
			fexecve(fd, argv, envp);
		else if (how == 1)
			syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		else
			execve(path, argv, envp);
		say("exec of a memfd", -1);
		fflush(stdout);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("memfd run way %d: %#x\n", how, status);
}

static void memfd_exec(void)
{
	int fd = memfd_of("/proc/self/exe"), sh = memfd_create("script", 0), again;
	char path[64];

	for (int how = 0; how < 3; how++)
		run_memfd(fd, how);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR); /* this one was opened */
	say("open again O_RDWR", again < 0 ? -1 : 0);
	run_memfd(fd, 0);
	close(again);
	run_memfd(fd, 2);
	snprintf(path, sizeof(path), "#!%s child\n", self[0]);
	say("write", write(sh, path, strlen(path)) > 0 ? 0 : -1);
	run_memfd(sh, 0);
	run_memfd(sh, 2);
	close(sh);
	close(fd);
}

/* --- 2: vdso and vvar are of one piece ----------------------------------------------------- */

static void special_areas(void)
{
	char line[512], *vvar = NULL, *end = NULL, *place;
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long s, e;

	while (fgets(line, sizeof(line), f))
		if (strstr(line, "[vvar]") && sscanf(line, "%lx-%lx", &s, &e) == 2) {
			vvar = (char *)s;
			end = (char *)e;
		}
	fclose(f);
	if (!vvar || end - vvar < (long)(2 * PG))
		return;
	place = mmap(NULL, 2 * PG, PROT_NONE, ANON, -1, 0);
	SAY(munmap(vvar, PG));
	SAY(munmap(end - PG, PG));
	SAY(munmap(vvar + PG, PG));
	SAY(mmap(vvar, PG, RW, ANON | MAP_FIXED, -1, 0));
	SAY(mmap(vvar + PG, PG, RW, ANON | MAP_FIXED, -1, 0));
	SAY(mprotect(vvar, PG, PROT_NONE));
	SAY(madvise(vvar, PG, MADV_DONTDUMP));
	SAY(madvise(vvar, PG, MADV_DONTFORK));
	SAY(madvise(vvar, PG, MADV_RANDOM));
	SAY(mremap(vvar, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, place));
	SAY(mremap(vvar, end - vvar, PG, 0));
	SAY(mlock(vvar, PG));
	SAY(syscall(MSEAL, vvar, PG, 0));
	SAY(syscall(MSEAL, vvar, end - vvar, 0));
	SAY(munmap(vvar, PG));
}

/* --- 3: the tail of a memfd's last page ---------------------------------------------------- */

static void memfd_tail(void)
{
	int fd = memfd_create("tail", 0);
	struct stat st;
	char *m;

	SAY(ftruncate(fd, 100));
	m = mmap(NULL, PG, RW, MAP_SHARED, fd, 0);
	m[50] = 5;
	m[200] = 7;
	SAY(ftruncate(fd, 100));
	printf("same size: %d\n", m[200]);
	m[200] = 7;
	SAY(ftruncate(fd, 300));
	printf("longer: %d\n", m[200]);
	SAY(ftruncate(fd, 150));
	SAY(ftruncate(fd, 300));
	printf("shorter and longer: %d %d\n", m[50], m[200]);
	SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PG));
	fstat(fd, &st);
	printf("behind the end: %ld blocks\n", (long)st.st_blocks);
	SAY(ftruncate(fd, 400));
	fstat(fd, &st);
	printf("longer: %ld blocks\n", (long)st.st_blocks);
	SAY(ftruncate(fd, 400));
	fstat(fd, &st);
	printf("same size: %ld blocks\n", (long)st.st_blocks);
	munmap(m, PG);
	close(fd);
}

/* --- 4: attachments take a fault a page ---------------------------------------------------- */

static long faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt;
}

static void shm_faults(void)
{
	int id = shmget(IPC_PRIVATE, 32 * PG, 0600 | IPC_CREAT), fd = memfd_create("around", 0);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY), *c;
	long n;

	shmctl(id, IPC_RMID, NULL);
	memset(a, 1, 32 * PG);
	n = faults();
	for (int i = 0; i < 32; i++)
		(void)*(volatile char *)(b + i * PG);
	printf("segment: %ld faults\n", faults() - n);
	SAY(ftruncate(fd, 32 * PG));
	c = mmap((void *)0x40000000, 32 * PG, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	SAY(fallocate(fd, 0, 0, 32 * PG));
	for (int i = 0; i < 32; i++)
		if (pwrite(fd, "x", 1, i * PG) != 1)
			return;
	n = faults();
	for (int i = 0; i < 32; i++)
		(void)*(volatile char *)(c + i * PG);
	printf("memfd: %ld faults\n", faults() - n);
	shmdt(a);
	shmdt(b);
	munmap(c, 32 * PG);
	close(fd);
}

/* --- 5: READ_IMPLIES_EXEC ------------------------------------------------------------------ */

static void rights(const char *what, const void *addr)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long s, e;
	char line[512], r[8];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %7s", &s, &e, r) == 3 && (unsigned long)addr >= s &&
		    (unsigned long)addr < e)
			printf("%-32s %s\n", what, r);
	fclose(f);
}

static void implies_exec(void)
{
	char *p = mmap(NULL, 4 * PG, PROT_NONE, ANON, -1, 0), *q;
	int fd = open("/proc/self/exe", O_RDONLY);

	mmap(p + 2 * PG, PG, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	personality(READ_IMPLIES_EXEC);
	q = mmap(NULL, PG, PROT_READ, ANON, -1, 0);
	rights("mmap r", q);
	rights("mmap w", mmap(NULL, PG, PROT_WRITE, ANON, -1, 0));
	rights("mmap file", mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0));
	SAY(mprotect(p, PG, PROT_READ));
	rights("mprotect r", p);
	SAY(mprotect(p, PG, RW));
	rights("mprotect rw", p);
	SAY(mprotect(p + PG, PG, PROT_WRITE));
	rights("mprotect w", p + PG);
	q = sbrk(0);
	q = (char *)(((uintptr_t)q + 4 * PG) & -PG);
	brk(q + 4 * PG);
	rights("heap", q + PG);
	execute("personality");
	close(fd);
}

/* --- 6: times of mapped files -------------------------------------------------------------- */

static void times_of(const char *what, int fd)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat before, after;
	char *m, *ro;

	if (ftruncate(fd, 2 * PG))
		return;
	m = mmap(NULL, 2 * PG, RW, MAP_SHARED, fd, 0);
	ro = mmap(NULL, 2 * PG, RW, MAP_PRIVATE, fd, 0);
	futimens(fd, old);
	fstat(fd, &before);
	usleep(20000);
	ro[0] = 1;
	(void)*(volatile char *)m;
	fstat(fd, &after);
	printf("%s read: mtime %d, ctime %d\n", what, after.st_mtime != 1000,
	       after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	m[0] = 1;
	fstat(fd, &after);
	printf("%s store: mtime %d, ctime %d\n", what, after.st_mtime != 1000,
	       after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	futimens(fd, old);
	m[1] = 1;
	fstat(fd, &after);
	printf("%s same page: mtime %d\n", what, after.st_mtime != 1000);
	m[PG] = 1;
	fstat(fd, &after);
	printf("%s next page: mtime %d\n", what, after.st_mtime != 1000);
	munmap(m, 2 * PG);
	munmap(ro, 2 * PG);
	close(fd);
}

static void file_times(void)
{
	char name[] = "/tmp/mm_reviewed.XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	times_of("file", fd);
	times_of("memfd", memfd_create("times", 0));
}

/* --- 7: mincore of another's file ---------------------------------------------------------- */

static void mincore_bytes(const char *what, int fd)
{
	char *m = mmap(NULL, 2 * PG, PROT_READ, MAP_SHARED, fd, 0);
	unsigned char v[2] = {9, 9};
	int ret = mincore(m, 2 * PG, v);

	printf("mincore %s: %d, %d %d\n", what, ret, v[0], v[1]);
	munmap(m, 2 * PG);
}

static void mincore_other(void)
{
	int fd = memfd_create("core", 0), ro;
	char path[64];

	if (geteuid() || ftruncate(fd, 2 * PG) || pwrite(fd, "x", 1, 0) != 1)
		return;
	mincore_bytes("owner", fd);
	fchmod(fd, 0644);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	if (setresuid(65534, 65534, 65534))
		return;
	mincore_bytes("may not write", ro);
	close(fd);
}

/* --- 9, 10 --------------------------------------------------------------------------------- */

static void move_armed(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = {.api = UFFD_API};
	char *p = mmap(NULL, 16 * PG, PROT_NONE, ANON, -1, 0);
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};

	mmap(p, 2 * PG, RW, ANON | MAP_FIXED, -1, 0);
	reg.range.start = (uintptr_t)p;
	reg.range.len = PG;
	say("UFFDIO_API", ioctl(fd, UFFDIO_API, &api));
	say("UFFDIO_REGISTER", ioctl(fd, UFFDIO_REGISTER, &reg));
	SAY(mremap(p, 2 * PG, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PG));
	SAY(mremap(p, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PG));
	mmap(p, PG, RW, ANON | MAP_FIXED, -1, 0);
	mmap(p + 2 * PG, PG, RW, ANON | MAP_FIXED, -1, 0);
	reg.range.start = (uintptr_t)(p + 2 * PG);
	say("UFFDIO_REGISTER", ioctl(fd, UFFDIO_REGISTER, &reg));
	SAY(mremap(p, 3 * PG, 3 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 10 * PG));
	rights("what moved", p + 10 * PG);
	rights("what did not", p + 2 * PG);
	close(fd);
}

static void get_mdwe(void)
{
	SAY(prctl(GET_MDWE, 0, 0, 0, 0));
}

static void mdwe_with(int bits)
{
	char *rw = mmap(NULL, 4 * PG, RW, ANON, -1, 0);
	char *rx = mmap(NULL, PG, PROT_READ | PROT_EXEC, ANON, -1, 0);
	char *all = mmap(NULL, PG, RW | PROT_EXEC, ANON, -1, 0);

	SAY(prctl(SET_MDWE, bits, 0, 0, 0));
	get_mdwe();
	SAY(prctl(SET_MDWE, bits ^ 2, 0, 0, 0));
	SAY(prctl(SET_MDWE, 0, 0, 0, 0));
	SAY(mmap(NULL, PG, RW | PROT_EXEC, ANON, -1, 0));
	SAY(mmap(NULL, PG, PROT_READ | PROT_EXEC, ANON, -1, 0));
	SAY(mmap(rw, PG, PROT_WRITE | PROT_EXEC, ANON | MAP_FIXED, -1, 0));
	SAY(mprotect(rw, PG, PROT_READ | PROT_EXEC));
	SAY(mprotect(rx, PG, PROT_READ | PROT_EXEC));
	SAY(mprotect(rx, PG, RW | PROT_EXEC));
	SAY(mprotect(all, PG, RW | PROT_EXEC));
	SAY(mprotect(all, PG, PROT_EXEC));
	SAY(mprotect(rx, PG, PROT_READ));
	SAY(mprotect(rx, PG, PROT_READ | PROT_EXEC));
	rights("rw", rw);
	rights("rx", rx);
	child(get_mdwe);
	execute("mdwe");
}

static void mdwe(void)
{
	SAY(prctl(GET_MDWE, 1, 0, 0, 0));
	SAY(prctl(SET_MDWE, 2, 0, 0, 0));
	SAY(prctl(SET_MDWE, 4, 0, 0, 0));
	SAY(prctl(SET_MDWE, 1, 1, 0, 0));
	SAY(prctl(SET_MDWE, 0, 0, 0, 0));
	mdwe_with(1);
}

static void mdwe_no_inherit(void)
{
	mdwe_with(3);
}

static void status_thp(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "THP_enabled:", 12))
			fputs(line, stdout);
	fclose(f);
	SAY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

static void thp_disable(void)
{
	status_thp();
	SAY(prctl(PR_SET_THP_DISABLE, 1, 4, 0, 0));
	SAY(prctl(PR_SET_THP_DISABLE, 1, 0, 1, 0));
	SAY(prctl(PR_SET_THP_DISABLE, 0, 2, 0, 0));
	SAY(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	SAY(prctl(PR_SET_THP_DISABLE, 1, 2, 0, 0));
	status_thp();
	SAY(prctl(PR_SET_THP_DISABLE, 7, 0, 0, 0));
	status_thp();
	child(status_thp);
	execute("thp");
	SAY(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	status_thp();
}

/* --- all ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*fn)(void);
} matters[] = {
	{"programs in a memfd", memfd_exec},
	{"special areas", special_areas},
	{"the tail of a memfd", memfd_tail},
	{"faults of a segment", shm_faults},
	{"READ_IMPLIES_EXEC", implies_exec},
	{"times of mapped files", file_times},
	{"mincore", mincore_other},
	{"mremap of areas with userfaultfd", move_armed},
	{"PR_SET_MDWE", mdwe},
	{"PR_MDWE_NO_INHERIT", mdwe_no_inherit},
	{"PR_SET_THP_DISABLE", thp_disable},
};

/* The other side of an exec. */
static int executed(const char *what)
{
	if (!strcmp(what, "personality"))
		printf("personality %#x\n", personality(-1) & READ_IMPLIES_EXEC);
	else if (!strcmp(what, "mdwe"))
		get_mdwe();
	else if (!strcmp(what, "thp"))
		status_thp();
	else
		printf("executed: %s\n", what);
	return 0;
}

int main(int argc, char **argv)
{
	self = argv;
	if (argc > 1)
		return executed(argv[1]);
	for (unsigned i = 0; i < sizeof(matters) / sizeof(*matters); i++) {
		printf("-- %s\n", matters[i].name);
		child(matters[i].fn);
	}
	return 0;
}
