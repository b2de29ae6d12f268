/* What administers a machine: sethostname(2) and setdomainname(2), reboot(2), swapon(2), swapoff(2), syslog(2),
 * acct(2), quotactl(2), quotactl_fd(2), ustat(2), sysfs(2), lsm_list_modules(2), lsm_get_self_attr(2), modify_ldt(2),
 * kcmp(2). As root nothing is changed that would last: names are set to what they are. Also as nobody: each is tried
 * twice. */
#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define CALL(name, ...) SHOW(syscall(SYS_##name, __VA_ARGS__))
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif
#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#define SYS_lsm_set_self_attr 460
#endif
#define BAD ((void *)8)

static char buf[8192];

static void names(void)
{
	struct utsname u, after;

	uname(&u);
	CALL(sethostname, u.nodename, strlen(u.nodename));
	CALL(setdomainname, u.domainname, strlen(u.domainname));
	uname(&after);
	printf("the same: %d %d\n", !strcmp(u.nodename, after.nodename),
	       !strcmp(u.domainname, after.domainname));
	CALL(sethostname, "x", 65);
	CALL(sethostname, "x", -1);
	CALL(sethostname, BAD, 3);
	CALL(setdomainname, "x", 65);
	CALL(setdomainname, "x", -1);
	CALL(setdomainname, BAD, 3);
}

static void reboots(void)
{
	CALL(reboot, 0, 0, 0, NULL);
	CALL(reboot, LINUX_REBOOT_MAGIC1, 1, LINUX_REBOOT_CMD_CAD_OFF, NULL);
	CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x12345, NULL);
	CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2A, LINUX_REBOOT_CMD_CAD_OFF, NULL);
	CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2C, LINUX_REBOOT_CMD_CAD_OFF, NULL);
}

static void swap_areas(void)
{
	int fd = open("swap", O_CREAT | O_RDWR | O_TRUNC, 0666);

	ftruncate(fd, 65536);
	close(fd);
	mkfifo("fifo", 0666);
	CALL(swapon, "none", 0);
	CALL(swapon, "swap", 0);
	CALL(swapon, "swap", 0x80000);
	CALL(swapon, "swap/", 0);
	CALL(swapon, BAD, 0);
	CALL(swapon, "", 0);
	CALL(swapon, ".", 0);
	CALL(swapon, "fifo", 0);
	CALL(swapon, "/dev/null", 0);
	CALL(swapoff, "none");
	CALL(swapoff, "swap");
	CALL(swapoff, BAD);
	CALL(swapoff, "");
	CALL(swapoff, ".");
	CALL(swapoff, "fifo");
	CALL(swapoff, "/dev/null");
	unlink("swap");
	unlink("fifo");
}

static void logs(void)
{
	CALL(syslog, 0, NULL, 0);
	CALL(syslog, 1, NULL, 0);
	CALL(syslog, 2, NULL, 10);
	CALL(syslog, 2, buf, -1);
	CALL(syslog, 2, buf, 0);
	CALL(syslog, 3, NULL, 10);
	CALL(syslog, 3, buf, -1);
	CALL(syslog, 3, buf, 0);
	CALL(syslog, 4, NULL, 10);
	CALL(syslog, 8, NULL, 0);
	CALL(syslog, 8, NULL, 9);
	WORKS(syscall(SYS_syslog, 9, NULL, 0));
	WORKS(syscall(SYS_syslog, 10, NULL, 0));
	CALL(syslog, 11, NULL, 0);
	CALL(syslog, -1, NULL, 0);
}

static void accounts(void)
{
	CALL(acct, NULL);
	CALL(acct, "/nonexistent");
	CALL(acct, "/");
	CALL(acct, "/dev/null");
	CALL(acct, BAD);
}

#define QCMD(cmd, type) (0x80000000U | (cmd) << 8 | (type))

static void quotas(void)
{
	int fd = open("/", O_RDONLY), null = open("/dev/null", O_RDONLY), fds[2];

	CALL(quotactl, QCMD(1, 0), NULL, 0, NULL);
	CALL(quotactl, QCMD(1, 3), NULL, 0, NULL);
	CALL(quotactl, QCMD(7, 0), NULL, 0, buf);
	CALL(quotactl, QCMD(7, 3), "/dev/null", 0, buf);
	CALL(quotactl, QCMD(7, 0), "/dev/null", 0, buf);
	CALL(quotactl, QCMD(7, 0), "/nonexistent", 0, buf);
	CALL(quotactl, QCMD(7, 0), BAD, 0, buf);
	CALL(quotactl, QCMD(2, 0), "/dev/null", 0, "/nonexistent");
	CALL(quotactl_fd, 99, QCMD(7, 0), 0, buf);
	CALL(quotactl_fd, fd, QCMD(7, 3), 0, buf);
	CALL(quotactl_fd, fd, QCMD(1, 0), 0, NULL);
	CALL(quotactl_fd, fd, QCMD(7, 0), 0, buf);
	CALL(quotactl_fd, fd, QCMD(7, 0), 12345, buf);
	CALL(quotactl_fd, fd, QCMD(4, 0), 0, buf);
	CALL(quotactl_fd, fd, QCMD(99, 0), 0, buf);
	if (!pipe(fds)) {
		CALL(quotactl_fd, fds[0], QCMD(7, 0), 0, buf);
		close(fds[0]);
		close(fds[1]);
	}
	close(null);
	close(fd);
}

static void file_systems(void)
{
	char line[100];
	FILE *f = fopen("/proc/filesystems", "r");
	struct {
		int tfree;
		unsigned long tinode;
		char name[6], pack[6];
	} us;
	struct stat st;
	long lines = 0, proc;

	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	stat("/", &st);
	memset(&us, 0xff, sizeof(us));
	CALL(ustat, (unsigned)st.st_dev, &us);
	printf("free %d %d name %d pack %d\n", us.tfree > 0, us.tinode > 0, us.name[0], us.pack[0]);
	CALL(ustat, (unsigned)st.st_dev, BAD);
	CALL(ustat, 0, &us);
	CALL(ustat, 0xffffffff, &us);
	stat("/proc", &st);
	CALL(ustat, (unsigned)st.st_dev, &us);
	CALL(sysfs, 0, 0, 0);
	CALL(sysfs, 4, 0, 0);
	CALL(sysfs, 1, NULL, 0);
	CALL(sysfs, 1, "nofs", 0);
	proc = syscall(SYS_sysfs, 1, "proc", 0);
	SHOW(proc >= 0 ? 0 : -1);
	CALL(sysfs, 2, proc, buf);
	puts(buf);
	CALL(sysfs, 2, proc, BAD);
	CALL(sysfs, 2, 9999, buf);
	SHOW(syscall(SYS_sysfs, 3, 0, 0) == lines);
}

static void modules(void)
{
	unsigned long ids[64];
	unsigned size = sizeof(ids);
	long n = syscall(SYS_lsm_list_modules, ids, &size, 0);
	int capability = 0;

	for (long i = 0; i < n; i++)
		capability += ids[i] == 100;
	printf("modules: %d, all of their size %d, capability %d\n", n > 0, size == n * 8,
	       capability);
	CALL(lsm_list_modules, ids, &size, 1);
	CALL(lsm_list_modules, ids, NULL, 0);
	CALL(lsm_list_modules, NULL, &size, 0);
	size = 7;
	CALL(lsm_list_modules, ids, &size, 0);
	printf("wants %d\n", size == n * 8);
}

/* An attribute that no module has. */
static void module_attributes(void)
{
	unsigned long ctx[600] = {0};
	unsigned size = sizeof(ctx);

	CALL(lsm_get_self_attr, 0, ctx, &size, 0);
	CALL(lsm_get_self_attr, 999, ctx, NULL, 0);
	CALL(lsm_get_self_attr, 999, ctx, BAD, 0);
	CALL(lsm_get_self_attr, 999, ctx, &size, 2);
	CALL(lsm_get_self_attr, 999, NULL, &size, 1);
	CALL(lsm_get_self_attr, 999, BAD, &size, 1);
	CALL(lsm_get_self_attr, 999, ctx, &size, 1);
	CALL(lsm_get_self_attr, 999, ctx, &size, 0);
	printf("size %u\n", size);
	CALL(lsm_set_self_attr, 999, ctx, 32, 1);
	CALL(lsm_set_self_attr, 999, ctx, 31, 0);
	CALL(lsm_set_self_attr, 999, ctx, 4097, 0);
	CALL(lsm_set_self_attr, 999, BAD, 32, 0);
	CALL(lsm_set_self_attr, 999, ctx, 32, 0);
	ctx[0] = 999;
	ctx[2] = 40;
	CALL(lsm_set_self_attr, 999, ctx, 32, 0);
	ctx[3] = 9;
	CALL(lsm_set_self_attr, 999, ctx, 40, 0);
	ctx[3] = ~0UL;
	CALL(lsm_set_self_attr, 999, ctx, 40, 0);
	ctx[3] = 8;
	CALL(lsm_set_self_attr, 999, ctx, 40, 0);
}

/* Errors of this call are 32 bits wide, and so none to a 64-bit program. */
static long ldt(int what, void *at, unsigned long len)
{
	return syscall(SYS_modify_ldt, what, at, len);
}

#define LDT(...) printf("modify_ldt " #__VA_ARGS__ ": %lx\n", ldt(__VA_ARGS__))

static void descriptors(void)
{
	struct user_desc d = {.entry_number = 8192};
	static char buf[70000];
	int n = 0;

	LDT(0, buf, 100);
	LDT(0, BAD, 100);
	LDT(2, buf, 100);
	LDT(2, buf, 1000);
	LDT(2, BAD, 1000);
	LDT(3, buf, 16);
	LDT(1, buf, 15);
	LDT(0x11, BAD, 16);
	LDT(1, &d, 16);
	d = (struct user_desc){.contents = 3};
	LDT(1, &d, 16);
	LDT(0x11, &d, 16);
	d = (struct user_desc){.entry_number = 5, .read_exec_only = 1, .seg_not_present = 1};
	LDT(0x11, &d, 16);
	LDT(0, buf, 16);
	d = (struct user_desc){.entry_number = 9};
	LDT(1, &d, 16);
	memset(buf, 1, sizeof(buf));
	LDT(0, buf, 70000);
	while (n < 70000 && !buf[n])
		n++;
	printf("%d bytes of zeros\n", n);
	fflush(stdout);
	if (!fork()) {
		LDT(0, buf, 100);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void comparing(void)
{
	int self = getpid(), fd = open("/", O_RDONLY), copy = dup(fd), other = open("/", O_RDONLY);
	int order, status;
	pid_t child;

	CALL(kcmp, self, self, 0, fd, fd);
	CALL(kcmp, self, self, 0, fd, copy);
	order = syscall(SYS_kcmp, self, self, 0, fd, other);
	printf("others: %d, the other way round %d\n", order == 1 || order == 2,
	       syscall(SYS_kcmp, self, self, 0, other, fd) + order == 3);
	CALL(kcmp, self, self, 0, fd, 99);
	CALL(kcmp, self, self, 0, 99, fd);
	CALL(kcmp, self, 0x7ffffff, 1, 0, 0);
	CALL(kcmp, 0x7ffffff, self, 99, 0, 0);
	CALL(kcmp, self, self, 99, 0, 0);
	CALL(kcmp, self, self, -1, 0, 0);
	for (int type = 1; type <= 6; type++)
		CALL(kcmp, self, self, type, 0, 0);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	CALL(kcmp, self, child, 0, fd, fd);
	for (int type = 1; type <= 6; type++)
		printf("type %d shared: %d\n", type, !syscall(SYS_kcmp, self, child, type, 0, 0));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(fd);
	close(copy);
	close(other);
}

static void all(void)
{
	names();
	reboots();
	swap_areas();
	logs();
	accounts();
	quotas();
	file_systems();
	modules();
	module_attributes();
	descriptors();
	comparing();
	fflush(stdout);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	all();
	if (!getuid() && !fork()) {
		puts("nobody");
		if (setgid(65534) || setuid(65534))
			_exit(1);
		CALL(kcmp, getpid(), getppid(), 1, 0, 0); /* root's */
		all();
		_exit(0);
	}
	wait(NULL);
	return 0;
}
