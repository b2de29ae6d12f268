/* umount2(2) of a tmpfs: what keeps it busy, and what inotify tells when it goes. Needs CAP_SYS_ADMIN. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
	usleep(50000);
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

int main(void)
{
	int in = inotify_init1(IN_NONBLOCK);

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
	}
	SHOW(umount("dir"));
	rmdir("dir");
	return 0;
}
