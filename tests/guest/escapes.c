/* escapes OUT: tries to reach the file OUT, a name of the host's, from a tree that does not have it: tests/scripts/root.sh.
 * Says which ways led to it, or to a folder where it is; else nothing but how many were tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *out;
static char up[4096], name[5000];
static int tried;

static void got(const char *way, int yes)
{
	tried++;
	if (yes)
		printf("out by %s\n", way);
}

static int there(const char *prefix)
{
	snprintf(name, sizeof(name), "%s%s", prefix, out);
	return !access(name, F_OK);
}

static int opens_at(int dir, const char *path, unsigned long long resolve)
{
	struct open_how how = {.flags = O_PATH, .resolve = resolve};
	int fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? 0 : !close(fd) || 1;
}

static void by_names(void)
{
	static const char *const prefixes[] = {
		"",
		"/..",
		"/proc/self/root",
		"/proc/1/root",
		"/proc/self/root/..",
		"/proc/self/cwd/..",
		"/proc/thread-self/root",
		"/dev/..",
		"/dev/fd/3/../..",
		"/proc/self/fd/3/..",
		"/sys/../..",
	};

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		got(prefixes[i], there(prefixes[i]));
	got("many ..", there(up));
}

static void by_links(void)
{
	struct stat st;
	int fd;

	unlink("link");
	got("a link", !symlink(out, "link") && !access("link", F_OK));
	got("a link's own open", (fd = open("link", O_RDONLY)) >= 0);
	got("stat of a link", !stat("link", &st));
	got("truncate", !truncate("link", 0));
	got("chmod", !chmod("link", 0777));
	got("O_CREAT through a link", (fd = open("link", O_WRONLY | O_CREAT, 0600)) >= 0 &&
					      !faccessat(AT_FDCWD, out, F_OK, 0) && there("/.."));
	got("a hard link", !linkat(AT_FDCWD, out, AT_FDCWD, "hard", AT_SYMLINK_FOLLOW));
	got("exec", execl("link", "link", NULL) != -1);
	got("setxattr", !setxattr("link", "user.x", "y", 1, 0));
	got("inotify", inotify_add_watch(inotify_init(), out, IN_OPEN) >= 0);
	got("rename", !rename(out, "renamed"));
	got("unlink", !unlink(out));
	got("mkdir", !mkdirat(AT_FDCWD, "link/x", 0700));
	got("swapon", !swapon(out, 0));
	got("mount", !mount(out, "/", NULL, MS_BIND, NULL));
	unlink("link");
}

static void by_descriptors(int root)
{
	static const unsigned long long how[] = {0, RESOLVE_IN_ROOT, RESOLVE_BENEATH,
						 RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS};

	snprintf(name, sizeof(name), "%s%s", up, out);
	for (unsigned i = 0; i < sizeof(how) / sizeof(*how); i++) {
		got("openat2", opens_at(root, name, how[i]));
		got("openat2 of ..", opens_at(root, name + 3, how[i]));
	}
	got("fchdir", !fchdir(root) && !chdir("..") && there("."));
	got("execveat",
	    syscall(SYS_execveat, root, name + 1, (char *[]){"x", NULL}, NULL, 0) != -1);
}

/* A handle of the host's for each of the first inodes would be a way to them all. */
static void by_handles(int root)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} h = {.h = {.handle_bytes = 8, .handle_type = 1}};
	unsigned ino = 2;
	int fd = -1;

	memcpy(h.h.f_handle, &ino, sizeof(ino));
	fd = open_by_handle_at(root, &h.h, O_RDONLY);
	got("a handle of the file system's root", fd >= 0);
	fd = open_by_handle_at(AT_FDCWD, &h.h, O_RDONLY);
	got("a handle of the file system's root, by the folder", fd >= 0);
}

/* chroot(2) leads out of what it made, but no further. Last, since there is no way back. */
static void by_chroot(int root)
{
	mkdir("inner", 0700);
	if (chroot("inner"))
		return;
	got("chroot", !fchdir(root) && there(up + 1));
	for (int i = 0; i < 50; i++)
		if (chdir(".."))
			break;
	got("chroot and ..", there("."));
	got("chroot twice", !chroot(".") && there(""));
	rmdir("inner");
}

int main(int argc, char **argv)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);

	if (argc < 2 || root != 3 || chdir("/"))
		return 2;
	out = argv[1];
	for (int i = 0; i < 60; i++)
		strcat(up, "/..");
	by_names();
	by_links();
	by_descriptors(root);
	by_handles(root);
	got("a namespace", !unshare(CLONE_NEWNS) && there(""));
	by_chroot(root);
	printf("tried %s\n", tried > 40 ? "all" : "some");
	return 0;
}
