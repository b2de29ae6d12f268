/* The file system of POSIX message queues, mounted in this folder: queues by name, listed, made with open(2),
 * unlinked. Needs root; what is mounted is unmounted at the end. Queues of others are not looked at. */
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "report.h"

static char name[64], path[80], other[80];

static void list(const char *what)
{
	DIR *d = opendir("dir");
	struct dirent *e;
	int dots = 0;

	printf("%s:", what);
	while (d && (e = readdir(d))) {
		dots += e->d_name[0] == '.';
		if (!strncmp(e->d_name, name, strlen(name)))
			printf(" NAME%s %d", e->d_name + strlen(name), e->d_type);
	}
	printf(", %d dots\n", dots);
	if (d)
		closedir(d);
}

static void say_file(const char *file)
{
	char text[200];
	int fd = open(file, O_RDONLY);
	long n = read(fd, text, sizeof(text));

	printf("%.*s", n > 0 ? (int)n : 0, text);
	close(fd);
}

static void use(void)
{
	struct mq_attr a;
	struct statfs sfs;
	struct stat st;
	mqd_t q;
	int fd;

	SHOW(stat("dir", &st));
	printf("mode %o links %lu\n", st.st_mode, (unsigned long)st.st_nlink);
	SHOW(statfs("dir", &sfs));
	printf("magic %lx\n", (long)sfs.f_type);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	show("made", fd < 0 ? -1 : 0);
	SHOW(mq_send(fd, "text", 4, 1));
	SHOW(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	q = syscall(SYS_mq_open, name, O_RDONLY, 0, NULL);
	show("by its name", q < 0 ? -1 : 0);
	mq_getattr(q, &a);
	printf("%ld of %ld, %ld bytes each\n", a.mq_curmsgs, a.mq_maxmsg, a.mq_msgsize);
	say_file(path);
	SHOW(stat(path, &st));
	printf("mode %o size %ld links %lu\n", st.st_mode, (long)st.st_size,
	       (unsigned long)st.st_nlink);
	list("one");
	close(open(other, O_RDWR | O_CREAT, 0640));
	list("two");
	SHOW(chmod(other, 0600));
	SHOW(truncate(other, 0));
	SHOW(mkdir("dir/dir", 0700));
	SHOW(symlink("x", "dir/symlink"));
	SHOW(link(path, "dir/link"));
	SHOW(rename(path, "dir/renamed"));
	SHOW(rmdir(path));
	SHOW(unlink("dir/none"));
	SHOW(open("dir/none", O_RDONLY));
	SHOW(umount("dir"));
	SHOW(unlink(path));
	SHOW(syscall(SYS_mq_unlink, name));
	SHOW(unlink(other));
	list("none");
	close(fd);
	close(q);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	snprintf(name, sizeof(name), "vellum-fs-%d-", getpid());
	snprintf(path, sizeof(path), "dir/%s", name);
	snprintf(other, sizeof(other), "dir/%sother", name);
	mkdir("dir", 0700);
	if (SHOW(mount("mqueue", "dir", "mqueue", MS_NOSUID, NULL)) == 0) {
		use();
		SHOW(umount("dir"));
	}
	rmdir("dir");
	return 0;
}
