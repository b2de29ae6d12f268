/* roots: chroot(2), and the errors of mount, umount2, pivot_root; in the current (empty) folder. As root all of it; else
 * what others are told. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		exit(1);
}

static void cat(const char *name)
{
	char buf[200];
	int fd = open(name, O_RDONLY);
	long n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	printf("%s: %.*s\n", name, n < 0 ? 0 : (int)n, buf);
	if (fd < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		close(fd);
}

static void cwd(void)
{
	char buf[500];
	long n = syscall(SYS_getcwd, buf, sizeof(buf));

	printf("cwd %s\n", n < 0 ? strerrorname_np(errno) : buf);
}

static void mounts(void)
{
	SHOW(mount("none", "jail", "tmpfs", MS_NOUSER, NULL)); /* the kernel's own flag */
	SHOW(mount("none", "missing", "tmpfs", 0, NULL));
	SHOW(mount("none", "jail", "no-such-type", 0, NULL));
	SHOW(mount("none", "jail", NULL, 0, NULL));
	SHOW(mount("none", (void *)8, "tmpfs", 0, NULL));
	SHOW(mount("none", "jail", (void *)8, 0, NULL));
	SHOW(umount2("jail", 0));
	SHOW(umount2("missing", 0));
	SHOW(umount2("jail", 1 << 20));
	SHOW(umount2("jail", MNT_EXPIRE | MNT_FORCE));
	SHOW(umount2((void *)8, 0));
	SHOW(syscall(SYS_pivot_root, "missing", "jail"));
	SHOW(syscall(SYS_pivot_root, "jail", (void *)8));
	SHOW(syscall(SYS_pivot_root, "jail/etc/passwd", "jail"));
}

/* In a child, for there is no way back. */
static void jailed(int outside)
{
	char buf[500];
	long n;

	SHOW(chdir("jail/inner"));
	SHOW(chroot(".."));
	cwd();
	cat("/etc/passwd");
	SHOW(chroot("."));
	cwd();
	cat("/file");
	cat("/../file");
	cat("link");
	SHOW(chdir(".."));
	cwd();
	SHOW(mkdir("/made", 0700));
	SHOW(access("/etc", F_OK));
	SHOW(chroot("missing"));
	SHOW(chroot("file"));
	SHOW(chroot((void *)8));
	/* A directory from before leads out, as ever. */
	SHOW(fchdir(outside));
	SHOW(access("jail/inner/made", F_OK));
	n = syscall(SYS_getcwd, buf, sizeof(buf));
	printf("outside: %.13s\n", n < 0 ? strerrorname_np(errno) : buf);
	SHOW(open("/no/such", O_RDONLY));
	SHOW(chroot("."));
	cat("/jail/inner/file");
	cwd();
	fflush(stdout);
	_exit(0);
}

static void as_another(void)
{
	if (setresuid(65534, 65534, 65534) && errno != EPERM)
		exit(1);
	SHOW(chroot("jail"));
	SHOW(chroot("missing"));
	mounts();
	fflush(stdout);
	_exit(0);
}

static void in_child(void (*fn)(int), int arg)
{
	int status;

	fflush(stdout);
	if (!fork())
		fn(arg);
	wait(&status);
	printf("child: %x\n", status);
}

static void another(int unused)
{
	(void)unused;
	as_another();
}

int main(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);

	mkdir("jail", 0755);
	mkdir("jail/etc", 0755);
	mkdir("jail/inner", 0755);
	put("jail/etc/passwd", "of the jail");
	put("jail/inner/file", "of the inner jail");
	if (symlink("/file", "jail/inner/link"))
		return 1;
	chmod(".", 0755);
	in_child(another, 0);
	if (geteuid())
		return 0;
	mounts();
	in_child(jailed, here);
	return 0;
}
