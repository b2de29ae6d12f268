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

int main(void)
{
	char comm[32] = "";
	int fd;

	result("mkdir", mkdir("/proc/x", 0755));
	result("symlink", symlink("a", "/proc/x"));
	result("create", open("/proc/x", O_CREAT | O_WRONLY, 0600));
	result("create in self", open("/proc/self/x", O_CREAT | O_WRONLY, 0600));
	result("unlink a file", unlink("/proc/version"));
	fd = open("/proc/self/comm", O_RDWR);
	result("write", write(fd, "a\nb", 3));
	result("read", pread(fd, comm, sizeof(comm) - 1, 0));
	for (char *p = comm; *p; p++)
		printf("%02x ", *p);
	printf("\n");
	return 0;
}
