/* resolves: openat2(2) held to a part of the tree, and what it refuses; in the current (empty) folder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static int top;

/* Opens, and says what it is by its size: each file here has another one. */
static void try(const char *what, const char *name, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {flags, mode, resolve};
	struct stat st;
	int fd = syscall(SYS_openat2, top, name, &how, sizeof(how));

	if (fd < 0 || fstat(fd, &st))
		printf("%s %s: %s\n", what, name, strerrorname_np(errno));
	else
		printf("%s %s: %o, %ld bytes\n", what, name, st.st_mode & S_IFMT,
		       S_ISREG(st.st_mode) ? (long)st.st_size : 0);
	if (fd >= 0)
		close(fd);
}

static void put(const char *name, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || ftruncate(fd, size) || close(fd))
		exit(1);
}

static void make(void)
{
	mkdir("top", 0755);
	mkdir("top/etc", 0755);
	mkdir("top/sub", 0755);
	put("outside", 1);
	put("top/inside", 2);
	put("top/etc/passwd", 3);
	put("top/sub/deep", 4);
	if (symlink("/etc/passwd", "top/absolute") || symlink("../outside", "top/up") ||
	    symlink("sub/deep", "top/down") || symlink("../inside", "top/sub/back") ||
	    symlink("sub", "top/dir") || symlink("/new", "top/absolute-new") ||
	    symlink("new2", "top/relative-new") || symlink("/proc/self/fd/0", "top/magic"))
		exit(1);
	top = open("top", O_PATH | O_DIRECTORY);
}

static void forbidden(void)
{
	static const struct {
		const char *what;
		uint64_t resolve;
	} rules[] = {
		{"free", 0},
		{"beneath", RESOLVE_BENEATH},
		{"in root", RESOLVE_IN_ROOT},
		{"no symlinks", RESOLVE_NO_SYMLINKS},
		{"no magic", RESOLVE_NO_MAGICLINKS},
		{"one mount", RESOLVE_NO_XDEV},
	};
	static const char *const names[] = {
		"inside", "./inside", "sub/../inside",	   "sub/deep", "down", "dir/deep",
		"dir",	  "sub/back", "sub/../../outside", "up",       ".",    "sub/..",
		"",
	};
	/* What depends on the machine's own files is asked for only where it cannot be reached. */
	static const char *const outer[] = {
		"/etc/passwd",	  "absolute",	     "..",   "../..", "/", "/..",
		"/../etc/passwd", "/proc/self/maps", "magic"};

	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			try(rules[r].what, names[i], O_RDONLY, 0, rules[r].resolve);
		if (rules[r].resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
			for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++)
				try(rules[r].what, outer[i], O_RDONLY, 0, rules[r].resolve);
	}
	try("no symlinks", "down", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	try("no magic", "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS);
	try("no magic", "/proc/self/fd/0", O_WRONLY | O_CREAT, 0600, RESOLVE_NO_MAGICLINKS);
	try("no symlinks", "/proc/self/maps", O_PATH, 0, RESOLVE_NO_SYMLINKS);
	try("one mount", "/proc/self", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
	try("cached", "inside", O_RDONLY | O_CREAT, 0600, RESOLVE_CACHED);
	try("cached", "inside", O_RDWR | O_TRUNC, 0, RESOLVE_CACHED);
}

static void creating(void)
{
	try("create beneath", "made", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	try("create beneath", "../made", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	try("create beneath", "/made", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	try("create beneath", "absolute-new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	try("create beneath", "relative-new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	try("create in root", "/made2", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT);
	try("create in root", "/../made3", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT);
	try("create in root", "absolute-new", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT);
	try("create without links", "relative-new", O_CREAT | O_RDWR, 0600, RESOLVE_NO_SYMLINKS);
	try("temporary beneath", "sub", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH);
	try("temporary beneath", "..", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH);
	SHOW(access("top/made", F_OK));
	SHOW(access("top/new", F_OK));
	SHOW(access("top/new2", F_OK));
	SHOW(access("top/made2", F_OK));
	SHOW(access("top/made3", F_OK));
}

/* The structure, its size and its bits. */
static void refused(void)
{
	struct {
		struct open_how how;
		uint64_t more;
	} big = {{O_RDONLY, 0, 0}, 0};
	struct open_how how = {O_RDONLY, 0, 0};

	WORKS(syscall(SYS_openat2, top, "inside", &big, sizeof(big)));
	big.more = 1;
	SHOW(syscall(SYS_openat2, top, "inside", &big, sizeof(big)));
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how) - 1));
	SHOW(syscall(SYS_openat2, top, "inside", &how, 1 << 20));
	SHOW(syscall(SYS_openat2, top, "inside", (void *)8, sizeof(how)));
	SHOW(syscall(SYS_openat2, 99, "inside", &how, sizeof(how)));
	how.resolve = RESOLVE_IN_ROOT;
	SHOW(syscall(SYS_openat2, 99, "/inside", &how, sizeof(how)));
	SHOW(syscall(SYS_openat2, 0, "/inside", &how, sizeof(how)) < 0);
	how.resolve = RESOLVE_IN_ROOT | RESOLVE_BENEATH;
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
	how.resolve = 1 << 10;
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
	how = (struct open_how){1UL << 40, 0, 0};
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
	how = (struct open_how){O_RDONLY, 0600, 0};
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
	how = (struct open_how){O_CREAT, 010000, 0};
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
	how = (struct open_how){O_PATH | O_RDWR, 0, 0};
	SHOW(syscall(SYS_openat2, top, "inside", &how, sizeof(how)));
}

int main(void)
{
	make();
	forbidden();
	creating();
	refused();
	return 0;
}
