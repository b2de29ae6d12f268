/* umount2(2) of a tmpfs: what keeps it busy, and what inotify tells when it goes. Needs CAP_SYS_ADMIN. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static void events(int in)
{
	static char buf[4096] __attribute__((aligned(8)));
	long n = read(in, buf, sizeof(buf)), i = 0;

	while (i < n) {
		struct inotify_event *e = (void *)(buf + i);

		printf("watch %d: %#x %s\n", e->wd, e->mask, e->len ? e->name : "");
		i += sizeof(*e) + e->len;
	}
}

static void busy(void)
{
	char *p;
	pid_t pid;
	int fd;

	SHOW(chdir("dir"));
	SHOW(umount("../dir"));
	SHOW(chdir(".."));
	fd = open("dir/file", O_RDWR | O_CREAT, 0600);
	SHOW(umount("dir"));
	SHOW(ftruncate(fd, 4096));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	SHOW(umount("dir"));
	p[0] = 1;
	munmap(p, 4096);
	fd = open("dir", O_PATH);
	SHOW(umount("dir"));
	close(fd);
	SHOW(mkfifo("dir/fifo", 0600));
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(open("dir/fifo", O_RDONLY) < 0); /* until there is a writer */
	until_asleep(pid);
	SHOW(umount("dir"));
	fd = open("dir/fifo", O_WRONLY);
	waitpid(pid, NULL, 0);
	close(fd);
}

/* What its options allow it to hold. */
static void limited(void)
{
	static char buf[65536 + 4096];
	int fd;

	SHOW(mount("none", "dir", "tmpfs", 0, "size=abc"));
	SHOW(mount("none", "dir", "tmpfs", 0, "foo=1"));
	SHOW(mount("none", "dir", "tmpfs", 0, "size=64k,nr_inodes=3,mode=0711"));
	fd = open("dir/file", O_RDWR | O_CREAT, 0600);
	SHOW(write(fd, buf, sizeof(buf)));
	SHOW(write(fd, buf, 1));
	SHOW(mkdir("dir/a", 0700));
	SHOW(mkdir("dir/b", 0700));
	close(fd);
	SHOW(umount("dir"));
}

/* What is mounted below goes with it. */
static void detached(void)
{
	SHOW(mount("none", "dir", "tmpfs", 0, NULL));
	SHOW(mkdir("dir/below", 0700));
	SHOW(mount("none", "dir/below", "tmpfs", 0, NULL));
	SHOW(mkdir("dir/below/last", 0700));
	SHOW(mount("none", "dir/below/last", "tmpfs", 0, NULL));
	SHOW(umount("dir/below"));
	SHOW(umount2("dir", MNT_DETACH));
	SHOW(access("dir/below", F_OK));
}

/* The working directory's mount is detached: somebody's root is there. */
static void rooted_there(void)
{
	char buf[4096];
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	SHOW(chroot("deep"));
	printf("%s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : "none");
	SHOW(chdir("/"));
	printf("%s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : "none");
	SHOW(chdir("more"));
	printf("%s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : "none");
	_exit(0);
}

/* Out of sight, but not gone for who uses it: a file, a working directory. Each mount ends by itself. */
static void detached_in_use(int in)
{
	char buf[4096];
	struct stat st;
	int fd, dir;

	SHOW(mount("none", "dir", "tmpfs", 0, NULL));
	SHOW(mkdir("dir/below", 0700));
	SHOW(mount("none", "dir/below", "tmpfs", 0, NULL));
	SHOW(mkdir("dir/below/deep", 0700));
	fd = open("dir/below/file", O_RDWR | O_CREAT, 0600);
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	SHOW(inotify_add_watch(in, "dir/below", IN_ALL_EVENTS));
	SHOW(inotify_add_watch(in, "dir", IN_ALL_EVENTS));
	SHOW(chdir("dir/below/deep"));
	SHOW(umount2("../../../dir", MNT_DETACH));
	events(in);
	SHOW(write(fd, "text", 4));
	events(in);
	printf("%s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : "none");
	SHOW(mkdir("more", 0700));
	SHOW(stat("../deep/more", &st));
	SHOW(chdir("../../.."));
	printf("%s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : "none");
	SHOW(umount2(".", MNT_DETACH));
	SHOW(mount("none", "deep", "tmpfs", 0, NULL));
	SHOW(mount("none", "deep", "no such type", 0, NULL));
	rooted_there();
	SHOW(openat(dir, "below/deep", O_RDONLY));
	SHOW(faccessat(dir, "below", F_OK, 0));
	close(dir);
	events(in);
	SHOW(fchdir(fd));
	chdir("/");
	events(in);
	close(fd);
	events(in);
}

/* Of a mount without programs. */
static void without_programs(void)
{
	static char buf[65536];
	char *const argv[] = {"file", NULL};
	int in = open("/proc/self/exe", O_RDONLY), fd;
	void *p;
	long n;

	SHOW(mount("none", "dir", "tmpfs", MS_NOEXEC, NULL));
	fd = open("dir/file", O_WRONLY | O_CREAT, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(fd, buf, n) != n)
			return;
	close(fd);
	close(in);
	SHOW(execv("dir/file", argv));
	SHOW(access("dir/file", X_OK));
	SHOW(access("dir/file", R_OK));
	SHOW(access("dir", X_OK));
	fd = open("dir/file", O_RDONLY);
	SHOW(fexecve(fd, argv, environ));
	SHOW(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	SHOW(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	munmap(p, 4096);
	close(fd);
	SHOW(umount("dir"));
}

/* The second time that it finds nobody there. */
static void expired(void)
{
	int fd;

	SHOW(mount("none", "dir", "tmpfs", 0, NULL));
	SHOW(umount2("dir", MNT_EXPIRE | MNT_DETACH));
	fd = open("dir", O_RDONLY);
	SHOW(umount2("dir", MNT_EXPIRE));
	close(fd);
	SHOW(umount2("dir", MNT_EXPIRE));
	SHOW(access("dir", F_OK));
	SHOW(umount2("dir", MNT_EXPIRE));
	SHOW(umount2("dir", MNT_EXPIRE));
	SHOW(umount2("dir", MNT_EXPIRE));
}

int main(void)
{
	int in = inotify_init1(IN_NONBLOCK), start = open(".", O_RDONLY);

	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("dir", 0700);
	if (SHOW(mount("none", "dir", "tmpfs", 0, NULL)) == 0) {
		busy();
		SHOW(inotify_add_watch(in, "dir", IN_ALL_EVENTS));
		SHOW(umount("dir"));
		events(in);
		SHOW(inotify_rm_watch(in, 1));
		limited();
		detached();
		expired();
		without_programs();
		detached_in_use(in);
		SHOW(fchdir(start));
	}
	SHOW(umount("dir"));
	rmdir("dir");
	return 0;
}
