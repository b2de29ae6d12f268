/* /proc is no place to make things in, and comm is shown as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void result(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerror(errno) : "done");
}

/* What is immutable says so before it looks at rights; only who may write may truncate. */
static void immutable(void)
{
	static const char *const names[] = {"/proc/self", "/proc/self/ns/pid", "/proc/self/status"};

	result("unlink in self", unlink("/proc/self/status"));
	result("rmdir in self", rmdir("/proc/self/fd"));
	result("rename in self", rename("/proc/self/status", "/proc/self/stat"));
	for (int i = 0; i < 3; i++) {
		printf("%s\n", names[i]);
		for (int mode = 0; mode < 8; mode++)
			result("access", access(names[i], mode));
		result("open", open(names[i], O_RDONLY) < 0 ? -1 : 0);
		result("open to truncate", open(names[i], O_RDONLY | O_TRUNC) < 0 ? -1 : 0);
	}
}

int main(void)
{
	char comm[32] = "";
	int fd;

	result("mkdir", mkdir("/proc/x", 0755));
	result("symlink", symlink("a", "/proc/x"));
	result("create", open("/proc/x", O_CREAT | O_WRONLY, 0600));
	result("create in self", open("/proc/self/x", O_CREAT | O_WRONLY, 0600));
	result("unlink a file", unlink("/proc/version"));
	result("unlink nothing", unlink("/proc/x"));
	result("rmdir a file", rmdir("/proc/version"));
	result("rmdir a link", rmdir("/proc/self"));
	result("rmdir a directory", rmdir("/proc/sys"));
	result("unlink a directory", unlink("/proc/sys"));
	result("rename nothing", rename("/proc/x", "/proc/y"));
	result("rename a file", rename("/proc/version", "/proc/y"));
	result("rename over a file", rename("/proc/version", "/proc/uptime"));
	result("truncate a file", truncate("/proc/self/maps", 0));
	result("truncate a directory", truncate("/proc/sys", 0));
	immutable();
	fd = open("/proc/self/comm", O_RDWR);
	result("write", write(fd, "a\nb", 3));
	result("read", pread(fd, comm, sizeof(comm) - 1, 0));
	for (char *p = comm; *p; p++)
		printf("%02x ", *p);
	printf("\n");
	return 0;
}
