/* Capabilities: capget, capset, /proc/self/status and the user ids tell one story; what limits
 * oom_score_adj. The same natively and here, as root or not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	memset(d, 0, sizeof(d));
	printf("%s: capget %ld", what, syscall(SYS_capget, &head, d));
	for (int i = 0; i < 2; i++)
		printf(" %x %x %x", d[i].effective, d[i].permitted, d[i].inheritable);
	putchar('\n');
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "Uid", 3))
			printf("  %s", line);
	if (f)
		fclose(f);
}

static void set(unsigned eff, unsigned perm, unsigned inh)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{eff, perm, inh}, {0, 0, 0}};
	long ret = syscall(SYS_capset, &head, d);

	printf("capset %x %x %x: %ld %s\n", eff, perm, inh, ret, ret ? strerror(errno) : "");
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY), n = write(fd, text, strlen(text));

	printf("%s %s: %d %s\n", file, text, n, n < 0 ? strerror(errno) : "");
	close(fd);
}

int main(void)
{
	struct __user_cap_header_struct odd = {0x1234, 0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	show("start");
	printf("odd version: %ld", syscall(SYS_capget, &odd, NULL));
	printf(" %x\n", odd.version);
	put("/proc/self/oom_score_adj", "300");
	put("/proc/self/oom_score_adj", "100");
	put("/proc/self/oom_score_adj", "0");
	put("/proc/self/oom_score_adj", "1001");
	put("/proc/self/oom_score_adj", "x");
	printf("seteuid %d\n", seteuid(65534));
	show("euid");
	printf("seteuid %d\n", seteuid(0));
	show("back");
	set(0x3f, 0x3f, 0);
	show("fewer");
	set(0xff, 0xff, 0);
	set(0x40, 0x3f, 0);
	set(1, 3, 3);
	show("inheritable");
	put("/proc/sys/vm/overcommit_memory", "7");
	put("/proc/sys/vm/max_map_count", "-1");
	printf("setuid %d\n", setuid(65534));
	show("uid");
	printf("setuid %d\n", setuid(0));
	return 0;
}
