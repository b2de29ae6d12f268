/* other_user: root makes files, becomes others, and tries them: what setuid(2), setfsuid(2), groups and capset(2) mean for
 * names, modes, owners and sticky folders. In the current (empty) folder; root only. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "report.h"

#define SOMEBODY 1000
#define GROUP 2000

static void put(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, name, strlen(name)) < 0 || fchown(fd, uid, gid) || fchmod(fd, mode))
		exit(1);
	close(fd);
}

static void put_dir(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	if (mkdir(name, 0700) || chown(name, uid, gid) || chmod(name, mode))
		exit(1);
}

static void make(void)
{
	put_dir("open", 0755, 0, 0);
	put_dir("shut", 0700, 0, 0);
	put_dir("blind", 0711, 0, 0);
	put_dir("own", 0700, SOMEBODY, SOMEBODY);
	put_dir("sticky", 01777, 0, 0);
	put_dir("setgid", 02777, 0, GROUP);
	put("open/all", 0644, 0, 0);
	put("open/root", 0600, 0, 0);
	put("open/group", 0640, 0, GROUP);
	put("open/own", 0600, SOMEBODY, SOMEBODY);
	put("open/run", 0755, 0, 0);
	put("open/norun", 0744, 0, 0);
	put("shut/all", 0666, 0, 0);
	put("blind/all", 0644, 0, 0);
	put("own/file", 0600, SOMEBODY, SOMEBODY);
	put("own/roots", 0600, 0, 0);
	put("sticky/roots", 0666, 0, 0);
	put("sticky/own", 0600, SOMEBODY, SOMEBODY);
}

/* Opens, and closes again. */
static void try(const char *name, int flags)
{
	int fd = open(name, flags, 0640);
	struct stat st;

	printf("open %s %o: %s", name, flags, fd < 0 ? strerrorname_np(errno) : "yes");
	if (fd >= 0 && (flags & O_CREAT) && !fstat(fd, &st))
		printf(", %u:%u %o", st.st_uid, st.st_gid, st.st_mode);
	putchar('\n');
	if (fd >= 0)
		close(fd);
}

static void owner(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %u:%u %o\n", name, st.st_uid, st.st_gid, st.st_mode);
}

static void attempts(void)
{
	static const char *const names[] = {"open/all", "open/root", "open/group",
					    "open/own", "shut/all",  "blind/all",
					    "own/file", "own/roots", "sticky/roots"};
	struct timespec ts[2] = {{1, 0}, {1, 0}};
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		try(names[i], O_RDONLY);
		try(names[i], O_WRONLY);
		SHOW(access(names[i], R_OK));
		SHOW(faccessat(AT_FDCWD, names[i], W_OK, AT_EACCESS));
		SHOW(stat(names[i], &st));
	}
	try("blind", O_RDONLY | O_DIRECTORY);
	try("open/new", O_WRONLY | O_CREAT);
	try("own/new", O_WRONLY | O_CREAT);
	try("sticky/new", O_WRONLY | O_CREAT);
	try("setgid/new", O_WRONLY | O_CREAT);
	try("sticky", O_TMPFILE | O_RDWR);
	try("open", O_TMPFILE | O_RDWR);
	SHOW(mkdir("open/d", 0755));
	SHOW(mkdir("own/d", 0755));
	SHOW(mkdir("setgid/d", 0755));
	SHOW(symlink("x", "own/s"));
	SHOW(mkfifo("own/p", 0644));
	SHOW(mknod("own/c", S_IFCHR | 0600, makedev(1, 3)));
	owner("own/new");
	owner("own/d");
	owner("own/s");
	owner("own/p");
	owner("setgid/d");
	SHOW(unlink("open/all"));
	SHOW(unlink("open/missing"));
	SHOW(unlink("sticky/roots"));
	SHOW(unlink("sticky/own"));
	SHOW(rename("sticky/roots", "sticky/else"));
	SHOW(rename("open/own", "own/moved"));
	SHOW(rename("own/file", "own/moved"));
	SHOW(rename("own/moved", "sticky/roots"));
	SHOW(unlink("own/roots"));
	SHOW(rmdir("own/d"));
	SHOW(rmdir("setgid"));
	SHOW(chmod("open/all", 0600));
	SHOW(chmod("open/own", 0640));
	SHOW(chown("open/own", -1, -1));
	SHOW(chown("open/own", 0, -1));
	SHOW(chown("open/own", -1, GROUP));
	SHOW(chown("open/all", SOMEBODY, -1));
	SHOW(utimensat(AT_FDCWD, "open/all", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "open/own", ts, 0));
	SHOW(utimensat(AT_FDCWD, "sticky/roots", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "sticky/roots", ts, 0));
	SHOW(truncate("open/all", 1));
	SHOW(truncate("open/own", 1));
	SHOW(setxattr("open/all", "user.x", "1", 1, 0));
	SHOW(setxattr("open/own", "user.x", "1", 1, 0));
	SHOW(chdir("shut"));
	SHOW(chdir("blind"));
	SHOW(execl("../open/norun", "norun", NULL));
	SHOW(chroot("."));
}

static void in_child(const char *name, void (*become)(void))
{
	int status;

	printf("--- %s\n", name);
	fflush(stdout);
	if (!fork()) {
		become();
		attempts();
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	/* What each leaves behind goes, for the next. */
	if (system("rm -rf open shut blind own sticky setgid"))
		exit(1);
	make();
}

static void somebody(void)
{
	setgroups(0, NULL);
	if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) || setresuid(SOMEBODY, SOMEBODY, SOMEBODY))
		exit(1);
}

static void of_the_group(void)
{
	gid_t g = GROUP;

	setgroups(1, &g);
	if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) || setresuid(SOMEBODY, SOMEBODY, SOMEBODY))
		exit(1);
}

static void for_a_while(void)
{
	if (seteuid(SOMEBODY))
		exit(1);
}

static void for_files(void)
{
	setfsuid(SOMEBODY);
}

static void without_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capset, &head, data))
		exit(1);
}

static void there_and_back(void)
{
	if (seteuid(SOMEBODY) || seteuid(0))
		exit(1);
}

int main(void)
{
	umask(022);
	chmod(".", 0755);
	if (geteuid())
		return 77;
	make();
	in_child("somebody", somebody);
	in_child("somebody of the group", of_the_group);
	in_child("effective id only", for_a_while);
	in_child("file system id only", for_files);
	in_child("root without capabilities", without_capabilities);
	in_child("there and back", there_and_back);
	return system("rm -rf open shut blind own sticky setgid");
}
