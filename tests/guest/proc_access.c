/* Who may look into whom by way of /proc: what ptrace_may_access() says at open(), whose the files are
 * (dumpable), which address space an open file is about, and what a task's own rights are worth
 * when it shares its address space. The same natively and here; what takes root is left out for others. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL

static char stack[65536] __attribute__((aligned(16)));
static int up[2], down[2]; /* child to parent, parent to child */

static void say(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
}

static void path(char *to, pid_t pid, const char *name)
{
	sprintf(to, "/proc/%d/%s", pid, name);
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char at[64];

	path(at, pid, name);
	return open(at, flags);
}

/* Runs @fn in a child and waits for it. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("status %x\n", status);
}

/* Opens everything of @pid, and reads a little. */
static void look_at(pid_t pid)
{
	static const char *const names[] = {
		"maps",	      "smaps",	   "smaps_rollup", "numa_maps", "pagemap",
		"mem",	      "environ",   "auxv",	   "cmdline",	"stat",
		"statm",      "status",	   "limits",	   "comm",	"oom_score",
		"clear_refs", "io",	   "personality",  "syscall",	"fd",
		"fdinfo",     "map_files", "task",	   "ksm_stat",	"oom_score_adj",
	};
	static const char *const links[] = {"exe", "cwd", "root", "fd/0", "ns/pid"};
	char at[64], buf[256];
	long n;
	int fd;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = open_of(pid, names[i], strcmp(names[i], "clear_refs") ? O_RDONLY : O_WRONLY);

		if (fd < 0)
			printf("  %s %s\n", names[i], strerrorname_np(errno));
		else
			printf("  %s open\n", names[i]);
		close(fd);
	}
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		path(at, pid, links[i]);
		n = readlink(at, buf, sizeof(buf));
		printf("  %s %s", links[i], n < 0 ? strerrorname_np(errno) : "read");
		fd = open(at, O_RDONLY);
		printf(" %s\n", fd < 0 ? strerrorname_np(errno) : "open");
		close(fd);
	}
}

/* The fields of stat that tell addresses: zero, one, or more. */
static void stat_fields(pid_t pid)
{
	char line[1024], *at, *tok;
	int fd = open_of(pid, "stat", O_RDONLY), i = 3;
	long n = read(fd, line, sizeof(line) - 1);

	close(fd);
	line[n > 0 ? n : 0] = 0;
	at = strrchr(line, ')');
	for (tok = at ? strtok(at + 2, " \n") : NULL; tok; tok = strtok(NULL, " \n"), i++)
		if ((i >= 26 && i <= 30) || (i >= 45 && i <= 52))
			printf(" %d:%c", i, strtoul(tok, NULL, 10) > 1 ? 'x' : *tok);
	putchar('\n');
}

static void owners(const char *when)
{
	static const char *const names[] = {"",	    "maps", "mem",    "fd",
					    "task", "stat", "fdinfo", "oom_score_adj"};
	struct stat st;
	char at[64];

	printf("%s: dumpable %d, owners", when, prctl(PR_GET_DUMPABLE));
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path(at, getpid(), names[i]);
		if (stat(at, &st))
			printf(" %s", strerrorname_np(errno));
		else
			printf(" %u/%u", st.st_uid, st.st_gid);
	}
	putchar('\n');
}

/* --- as another user ------------------------------------------------------------------------- */

static void of_root(void)
{
	static const char *const kept[] = {"personality", "syscall", "maps",  "mem",
					   "environ",	  "limits",  "wchan", "io"};
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0), fd[8];
	char c, *mine = &c;
	struct iovec iov = {mine, 1};

	for (int i = 0; i < 8; i++)
		fd[i] = open_of(getppid(), kept[i], O_RDONLY);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	look_at(getppid());
	stat_fields(getppid());
	say("process_vm_readv", process_vm_readv(getppid(), &iov, 1, &iov, 1, 0));
	say("process_madvise", syscall(SYS_process_madvise, pidfd, &iov, 1, MADV_COLD, 0));
	say("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	for (int i = 0; i < 8; i++) /* opened with more rights than are left */
		printf("%s: ", kept[i]),
			say("read", pread(fd[i], mine, 1, i == 3 ? (long)stack : 0));
	puts("itself, not dumpable");
	look_at(getpid());
	stat_fields(getpid());
	say("oom_score_adj to write", open_of(getpid(), "oom_score_adj", O_WRONLY) >= 0 ? 0 : -1);
	prctl(PR_SET_DUMPABLE, 1);
	puts("itself, dumpable");
	look_at(getpid());
	say("oom_score_adj to write", open_of(getpid(), "oom_score_adj", O_WRONLY) >= 0 ? 0 : -1);
}

/* A child of the same user: as it is, not dumpable, and with other ids. */
static void of_equals(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid;
		char c;

		setresgid(1000, 1000, 1000);
		if (!i)
			setresuid(1000, 1000, 1000);
		prctl(PR_SET_DUMPABLE, 1);
		pid = fork();
		if (!pid) {
			if (i == 1)
				prctl(PR_SET_DUMPABLE, 0);
			if (i == 2 && setresuid(1000, 1000, 1000))
				_exit(1);
			write(up[1], "x", 1);
			read(down[0], &c, 1);
			_exit(0);
		}
		read(up[0], &c, 1);
		printf("equal %d\n", i);
		look_at(pid);
		stat_fields(pid);
		write(down[1], "x", 1);
		waitpid(pid, NULL, 0);
	}
}

/* An ordinary user with CAP_PERFMON, and with CAP_SYS_PTRACE. */
static void by_capability(unsigned cap)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	memset(d, 0, sizeof(d));
	d[cap / 32].effective = d[cap / 32].permitted = 1U << cap % 32;
	prctl(PR_SET_KEEPCAPS, 1);
	say("capset", syscall(SYS_capset, &head, d));
	printf("capability %u\n", cap);
	look_at(getppid());
	stat_fields(getppid());
}

static void by_perfmon(void)
{
	by_capability(38);
}

static void by_ptrace(void)
{
	by_capability(19);
}

/* --- dumpable -------------------------------------------------------------------------------- */

static int set_undumpable(void *arg)
{
	(void)arg;
	return prctl(PR_SET_DUMPABLE, 0);
}

static int drop_and_wait(void *arg)
{
	char c;

	(void)arg;
	syscall(SYS_setuid, 1000);
	write(up[1], "x", 1);
	read(down[0], &c, 1);
	return 0;
}

static void dumpable_is_shared(void)
{
	pid_t pid = clone(set_undumpable, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	waitpid(pid, NULL, 0);
	owners("after a CLONE_VM child's prctl");
	if (!fork()) {
		owners("a child of it");
		_exit(0);
	}
	wait(NULL);
	say("2", prctl(PR_SET_DUMPABLE, 2));
	say("1", prctl(PR_SET_DUMPABLE, 1));
	owners("again");
}

static void changes(const char *what, long ret)
{
	int sig = -1;

	prctl(PR_GET_PDEATHSIG, &sig);
	printf("%s: %ld, dumpable %d, death signal %d\n", what, ret, prctl(PR_GET_DUMPABLE), sig);
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

static void id_changes(void)
{
	changes("nothing", 0);
	changes("nothing", 0);
	changes("setuid(0)", setuid(0));
	changes("setresuid(-1, -1, 5)", setresuid(-1, -1, 5));
	changes("setresuid(5, -1, -1)", setresuid(5, -1, -1));
	changes("setfsuid(5)", syscall(SYS_setfsuid, 5));
	changes("setfsuid(0)", syscall(SYS_setfsuid, 0));
	changes("setfsgid(5)", syscall(SYS_setfsgid, 5));
	changes("setgid(6)", setgid(6));
	changes("setregid(7, -1)", setregid(7, -1));
	changes("setegid(7)", setegid(7));
	changes("seteuid(7)", seteuid(7));
	changes("seteuid(0)", seteuid(0));
	changes("setuid(8)", setuid(8));
	owners("as 8");
	prctl(PR_SET_DUMPABLE, 0);
	owners("as 8, not dumpable");
}

/* Exec makes it dumpable again, unless the ids differ. */
static void exec_changes(void)
{
	execl("/proc/self/exe", "proc_access", "owners", NULL);
}

static void exec_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	exec_changes();
}

static void exec_two_ids(void)
{
	setresuid(0, 1000, 1000);
	prctl(PR_SET_DUMPABLE, 1);
	exec_changes();
}

/* --- rights are the task's ---------------------------------------------------------------------- */

static void rights(void)
{
	struct rlimit rl = {64 * PG, 64 * PG};
	char *a = mmap(NULL, 128 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	char c;

	setrlimit(RLIMIT_MEMLOCK, &rl);
	pid = clone(drop_and_wait, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	read(up[0], &c, 1);
	say("mlock", mlock(a, 128 * PG));
	say("mmap at 0",
	    mmap(NULL, PG, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ? -1 : 0);
	munmap(NULL, PG);
	munlockall();
	write(down[1], "x", 1);
	waitpid(pid, NULL, 0);
	setresuid(0, 1000, 0);
	say("mlock", mlock(a, 128 * PG));
	say("mlock less", mlock(a, 64 * PG));
	say("mmap at 0",
	    mmap(NULL, PG, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ? -1 : 0);
	setresuid(0, 0, 0);
	say("mlock", mlock(a, 128 * PG));
}

/* The other way round: the child's limits are its own. */
static int small_limits(void *arg)
{
	struct rlimit rl = {1, 1};

	setrlimit(RLIMIT_AS, &rl);
	say("mmap of the child",
	    mmap(NULL, PG, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	(void)arg;
	return 0;
}

static void limits(void)
{
	pid_t pid = clone(small_limits, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	waitpid(pid, NULL, 0);
	say("mmap", mmap(NULL, PG, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

/* --- files keep their address space ------------------------------------------------------------- */

static const char *const bound[] = {"maps", "smaps",   "smaps_rollup", "numa_maps", "pagemap",
				    "mem",  "environ", "auxv",	       "stat",	    "cmdline"};
#define NR_BOUND (int)(sizeof(bound) / sizeof(bound[0]))

static void read_bound(const int *fd, const char *when)
{
	char buf[64];

	printf("%s:", when);
	for (int i = 0; i < NR_BOUND; i++) {
		u_long at = i == 5 ? (u_long)stack : i == 4 ? (u_long)stack / PG * 8 : 0;
		long n = fd[i] < 0 ? -1 : pread(fd[i], buf, 8, at);

		printf(" %s %s", bound[i],
		       fd[i] < 0 ? "-"
		       : n < 0	 ? strerrorname_np(errno)
		       : n	 ? "data"
				 : "0");
	}
	putchar('\n');
}

static void files_stay(void)
{
	int fd[NR_BOUND];
	pid_t pid = fork();
	char c;

	if (!pid) {
		read(down[0], &c, 1);
		execl("/proc/self/exe", "proc_access", "wait", NULL);
		_exit(1);
	}
	for (int i = 0; i < NR_BOUND; i++)
		fd[i] = open_of(pid, bound[i], i == 5 ? O_RDWR : O_RDONLY);
	read_bound(fd, "running");
	write(down[1], "x", 1);
	read(up[0], &c, 1);
	read_bound(fd, "another program");
	say("write", pwrite(fd[5], "x", 1, (long)stack));
	for (int i = 0; i < NR_BOUND; i++) {
		close(fd[i]);
		fd[i] = open_of(pid, bound[i], i == 5 ? O_RDWR : O_RDONLY);
	}
	read_bound(fd, "opened anew");
	write(down[1], "x", 1);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	read_bound(fd, "zombie");
	say("write", pwrite(fd[5], "x", 1, (long)stack));
	for (int i = 0; i < NR_BOUND; i++) {
		int again = open_of(pid, bound[i], O_RDONLY);

		printf(" %s %s", bound[i], again < 0 ? strerrorname_np(errno) : "open");
		close(again);
	}
	putchar('\n');
	waitpid(pid, NULL, 0);
	read_bound(fd, "gone");
	for (int i = 0; i < NR_BOUND; i++)
		close(fd[i]);
}

/* --- pagemap ------------------------------------------------------------------------------------ */

static void show_entry(int fd, const char *who)
{
	unsigned long v = 0;

	pread(fd, &v, 8, (u_long)stack / PG * 8);
	printf("%s: present %lu, number %s\n", who, v >> 63,
	       v & ((1UL << 55) - 1) ? "shown" : "hidden");
}

static void pagemap(void)
{
	int mine = open("/proc/self/pagemap", O_RDONLY), fd;

	stack[0] = 1;
	show_entry(mine, "root's, read by root");
	if (!fork()) {
		setresuid(1000, 1000, 1000);
		show_entry(mine, "root's, read by 1000");
		prctl(PR_SET_DUMPABLE, 1);
		show_entry(open("/proc/self/pagemap", O_RDONLY), "1000's");
		_exit(0);
	}
	wait(NULL);
	setresuid(0, 1000, 0);
	prctl(PR_SET_DUMPABLE, 1);
	fd = open("/proc/self/pagemap", O_RDONLY);
	setresuid(0, 0, 0);
	show_entry(fd, "1000's, read by root");
}

static void ioctls(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	char buf[64];

	say("pagemap ioctl", ioctl(fd, 0x5401, buf));
	say("maps ioctl", ioctl(open("/proc/self/maps", O_RDONLY), 0x5401, buf));
}

/* --- map_files ---------------------------------------------------------------------------------- */

static void map_files(void)
{
	char *a = mmap(NULL, PG, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0), at[80], buf[64];
	struct stat st;
	int fd;
	long n;

	a[7] = 'v';
	sprintf(at, "/proc/self/map_files/%lx-%lx", (long)a, (long)a + PG);
	n = readlink(at, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say(buf, n);
	fd = open(at, O_RDWR);
	say("read", pread(fd, buf, 8, 0));
	printf("%c\n", buf[7]);
	say("write", pwrite(fd, "w", 1, 8));
	fstat(fd, &st);
	printf("%c, size %ld, mode %o, links %ld\n", a[8], (long)st.st_size, st.st_mode,
	       (long)st.st_nlink);
	lstat(at, &st);
	printf("link: mode %o\n", st.st_mode);
	if (!fork()) {
		setresuid(1000, 1000, 1000);
		say("of 1000, not dumpable", readlink(at, buf, sizeof(buf)));
		prctl(PR_SET_DUMPABLE, 1);
		say("of 1000", readlink(at, buf, sizeof(buf)));
		say("open", open(at, O_RDONLY) >= 0 ? 0 : -1);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	char c = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "owners")) {
		owners("after exec");
		return 0;
	}
	if (argc > 1) { /* its pipes are below 10 */
		write(4, "x", 1);
		return read(5, &c, 1) != 1;
	}
	for (int i = 3; i < 32; i++)
		close(i);
	pipe(up);
	pipe(down);
	files_stay();
	owners("at first");
	in_child(dumpable_is_shared);
	in_child(exec_undumpable);
	in_child(limits);
	ioctls();
	look_at(getpid());
	stat_fields(getpid());
	if (geteuid())
		return 0;
	in_child(of_root);
	in_child(of_equals);
	in_child(by_perfmon);
	in_child(by_ptrace);
	in_child(id_changes);
	in_child(exec_changes);
	in_child(exec_two_ids);
	in_child(rights);
	in_child(pagemap);
	map_files();
	return 0;
}
