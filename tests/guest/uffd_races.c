/* System calls that sleep in the middle: their buffer is a page that userfaultfd has to bring, and while
 * they wait somebody else reads, closes, cuts off, unlinks or kills what they work on.
 *
 *	P: prepares; V: makes the call, and blocks; H: sees the fault; P: disturbs; H: brings the page
 *
 * H does not wait for P for long: Linux holds locks during some of the copies. So who comes first may
 * differ, and what is checked is what holds either way.
 * See: userfaultfd(2), ioctl_userfaultfd(2). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 4

/* In memory that all of them share. */
struct shared {
	volatile int fault, disturbed;
	volatile long ret;
};
static struct shared *sh;

static int fd[2], other = -1;
static pid_t target, victim;
static char dir[64];
static char bytes[2 * PAGE];

/* --- the page and who brings it ------------------------------------------------------------ */

static void handler(int uffd)
{
	struct uffd_msg msg;
	static char page[PAGE];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(page, 0, sizeof(page));
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_copy copy = {.src = (unsigned long)page, .len = PAGE};
		struct uffdio_range range;

		sh->fault = 1;
		for (int i = 0; i < 15 && !sh->disturbed; i++)
			usleep(1000);
		copy.dst = msg.arg.pagefault.address & -PAGE;
		range = (struct uffdio_range){copy.dst, PAGE};
		if (ioctl(uffd, UFFDIO_COPY, &copy))
			ioctl(uffd, UFFDIO_WAKE, &range);
	}
	_exit(0);
}

/* PAGES pages that come when H likes. */
static char *slow_pages(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	reg.range = (struct uffdio_range){(unsigned long)p, PAGES * PAGE};
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		_exit(77);
	if (!fork())
		handler(uffd);
	return p;
}

/* --- pipes ----------------------------------------------------------------------------------- */

static long drain(int f)
{
	static char to[2 * PAGE];
	long n = recv(f, to, sizeof(to), MSG_DONTWAIT);

	if (n < 0 && errno == ENOTSOCK) {
		fcntl(f, F_SETFL, O_NONBLOCK);
		n = read(f, to, sizeof(to));
	}
	return n < 0 ? 0 : n;
}

static long drained;

static void make_pipe(void)
{
	if (pipe(fd) || write(fd[1], bytes, 3000) != 3000)
		exit(1);
	close(fd[1]);
}

static void make_open_pipe(void)
{
	if (pipe(fd) || write(fd[1], bytes, 1000) != 1000)
		exit(1);
}

static long call_read(char *p)
{
	return read(fd[0], p + PAGE - 1000, 3000);
}

static long call_write(char *p)
{
	return write(fd[1], p + PAGE - 50, 100);
}

static void take_all(void)
{
	drained = drain(fd[0]);
}

static int all_once(void)
{
	return sh->ret + drained == 3000;
}

static int written(void)
{
	return sh->ret == 100 && drained + drain(fd[0]) == 1100;
}

static void hang_up(void)
{
	close(fd[0]);
	close(fd[1]);
}

/* --- sockets --------------------------------------------------------------------------------- */

static void make_stream(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) || write(fd[1], bytes, 1000) != 1000 ||
	    write(fd[1], bytes, 2000) != 2000)
		exit(1);
	shutdown(fd[1], SHUT_WR);
}

static void make_open_stream(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		exit(1);
}

static void make_dgram(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) || write(fd[1], bytes, 100) != 100)
		exit(1);
}

static long call_peek(char *p)
{
	return recv(fd[0], p + PAGE - 50, 100, MSG_PEEK | MSG_DONTWAIT);
}

static long call_send(char *p)
{
	return send(fd[1], p + PAGE - 50, 100, MSG_NOSIGNAL);
}

static void make_rights(void)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {bytes, 3000};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (void *)control;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		exit(1);
	m.msg_controllen = sizeof(control);
	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &fd[0], sizeof(int));
	if (sendmsg(fd[1], &m, 0) != 3000)
		exit(1);
	shutdown(fd[1], SHUT_WR);
}

static long recv_rights(char *to, char *control, int flags)
{
	struct iovec iov = {to, 3000};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};

	m.msg_controllen = CMSG_SPACE(sizeof(int));
	return recvmsg(fd[0], &m, flags);
}

static long call_rights(char *p)
{
	return recv_rights(p + PAGE - 1000, p + 3 * PAGE - 8, 0);
}

static long call_rights_peek(char *p)
{
	recv_rights(p + PAGE - 1000, p + 3 * PAGE - 8, MSG_PEEK | MSG_DONTWAIT);
	return 0;
}

/* --- /proc of somebody who ends ---------------------------------------------------------------- */

static void make_target(void)
{
	target = fork();
	if (!target)
		for (;;)
			pause();
}

static void end_target(void)
{
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
}

static void make_proc(const char *name)
{
	char path[64];

	make_target();
	snprintf(path, sizeof(path), "/proc/%d/%s", target, name);
	fd[0] = open(path, O_RDWR);
	if (fd[0] < 0)
		fd[0] = open(path, O_RDONLY);
}

#define PROC_FILE(name)                                                                            \
	static void make_##name(void)                                                              \
	{                                                                                          \
		make_proc(#name);                                                                  \
	}
PROC_FILE(maps)
PROC_FILE(status)
PROC_FILE(mem)
PROC_FILE(environ)
PROC_FILE(cmdline)
PROC_FILE(auxv)
PROC_FILE(pagemap)
PROC_FILE(oom_score_adj)

static long call_pread(char *p)
{
	return pread(fd[0], p + PAGE - 8, PAGE + 16, 0);
}

/* The text was there before the copy slept. */
static int had_text(void)
{
	return sh->ret > 8;
}

static long call_mem(char *p)
{
	return pread(fd[0], p + PAGE - 8, PAGE + 16, (unsigned long)bytes);
}

static long call_mem_write(char *p)
{
	return pwrite(fd[0], p + PAGE - 8, PAGE + 16, (unsigned long)bytes);
}

static long call_adj_write(char *p)
{
	return pwrite(fd[0], p, 8, 0);
}

/* Two that read the same open file: the text grows, and the second reader waits for the sleeper. */
static void make_own_maps(void)
{
	fd[0] = open("/proc/self/maps", O_RDONLY);
}

static void grow_maps(void)
{
	static char text[PAGE];

	for (int i = 0; i < 300; i++)
		if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) == MAP_FAILED)
			exit(1);
	if (pread(fd[0], text, sizeof(text), 0) < 0)
		exit(1);
}

/* --- other processes --------------------------------------------------------------------------- */

static long call_prlimit(char *p)
{
	return syscall(SYS_prlimit64, target, RLIMIT_NOFILE, NULL, p);
}

static long call_set_prlimit(char *p)
{
	return syscall(SYS_prlimit64, target, RLIMIT_NOFILE, p, NULL);
}

static long call_robust(char *p)
{
	return syscall(SYS_get_robust_list, target, p, p + PAGE);
}

static void make_pidfd(void)
{
	make_target();
	fd[0] = syscall(SYS_pidfd_open, target, 0);
}

static long call_pidfd_signal(char *p)
{
	return syscall(SYS_pidfd_send_signal, fd[0], 0, p, 0);
}

static long call_vm_readv(char *p)
{
	struct iovec to = {p + PAGE - 8, 2 * PAGE}, from = {bytes, 2 * PAGE};

	return process_vm_readv(target, &to, 1, &from, 1, 0);
}

static long call_wait4(char *p)
{
	pid_t child = fork();

	if (!child)
		_exit(7);
	return wait4(child, (int *)p, 0, (struct rusage *)(p + PAGE)) == child &&
	       *(int *)p == 7 << 8;
}

static int returned_one(void)
{
	return sh->ret == 1;
}

static void kill_victim(void)
{
	kill(victim, SIGKILL);
}

static int was_killed(void)
{
	return sh->ret == -1000;
}

/* --- files ------------------------------------------------------------------------------------- */

static void make_dir(void)
{
	char name[80];

	snprintf(dir, sizeof(dir), "/dev/shm/uffd_races.%d", getpid());
	mkdir(dir, 0700);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	fd[0] = open(dir, O_RDONLY | O_DIRECTORY);
}

static void remove_dir(void)
{
	char name[80];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		unlink(name);
	}
	rmdir(dir);
}

static long call_getdents(char *p)
{
	long n, total = 0;

	while ((n = syscall(SYS_getdents64, fd[0], p + PAGE - 48, 1200)) > 0)
		total += n;
	return total;
}

static long call_getdents_proc(char *p)
{
	return syscall(SYS_getdents64, fd[0], p + PAGE - 48, 3000);
}

static void make_proc_dir(void)
{
	make_proc(".");
}

static void make_file(void)
{
	char name[] = "/tmp/uffd_races.XXXXXX";

	fd[0] = mkstemp(name);
	unlink(name);
	if (write(fd[0], bytes, sizeof(bytes)) != sizeof(bytes))
		exit(1);
}

static void make_memfd(void)
{
	fd[0] = memfd_create("races", MFD_ALLOW_SEALING);
	if (write(fd[0], bytes, sizeof(bytes)) != sizeof(bytes))
		exit(1);
}

static long call_pwrite(char *p)
{
	return pwrite(fd[0], p + PAGE - 8, PAGE + 16, 100);
}

static void cut_off(void)
{
	if (ftruncate(fd[0], 0))
		exit(1);
}

/* What was written before the seal is there, and nothing came behind it. */
static void seal(void)
{
	fcntl(fd[0], F_ADD_SEALS, F_SEAL_WRITE);
	other = fcntl(fd[0], F_GET_SEALS);
	drained = pread(fd[0], bytes, 1, 100 + 8) == 1 ? bytes[0] : -1;
}

static int sealed(void)
{
	char now;

	return other == F_SEAL_WRITE && pread(fd[0], &now, 1, 100 + 8) == 1 && now == drained;
}

static long call_poll(char *p)
{
	struct pollfd *pfd = (void *)(p + PAGE - 8);

	pfd[0] = (struct pollfd){fd[0], POLLIN, 0};
	madvise(p, PAGE, MADV_DONTNEED);
	return poll(pfd, 2, 0) >= 0;
}

static void make_shm(void)
{
	other = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
}

static long call_shmctl(char *p)
{
	return shmctl(other, IPC_STAT, (struct shmid_ds *)p);
}

static void remove_shm(void)
{
	shmctl(other, IPC_RMID, NULL);
}

/* --- memory that goes, by somebody who shares it ------------------------------------------------ */

static char *shared_pages;

static int unmap_it(void *arg)
{
	(void)arg;
	while (!sh->fault)
		usleep(100);
	munmap(shared_pages, PAGES * PAGE);
	sh->disturbed = 1;
	_exit(0);
}

static long call_unmapped(char *p)
{
	static char stack[32768] __attribute__((aligned(16)));
	long n;

	shared_pages = p;
	clone(unmap_it, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	n = read(fd[0], p, 100);
	return n < 0 && errno == EFAULT;
}

static void nothing(void)
{
}

static int any(void)
{
	return 1;
}

/* --- all of them ---------------------------------------------------------------------------------- */

static const struct race {
	const char *name;
	void (*make)(void);
	long (*call)(char *p);
	void (*disturb)(void);
	int (*check)(void);
} races[] = {
	{"pipe, read by another", make_pipe, call_read, take_all, all_once},
	{"pipe, closed", make_pipe, call_read, hang_up, any},
	{"pipe, write, read by another", make_open_pipe, call_write, take_all, written},
	{"pipe, write, killed", make_open_pipe, call_write, kill_victim, was_killed},
	{"stream, read by another", make_stream, call_read, take_all, all_once},
	{"stream, peek", make_stream, call_peek, take_all, any},
	{"stream, send, closed", make_open_stream, call_send, hang_up, any},
	{"stream, killed", make_stream, call_read, kill_victim, was_killed},
	{"datagram, peek", make_dgram, call_peek, take_all, any},
	{"datagram, read", make_dgram, call_read, take_all, any},
	{"datagram, send, closed", make_dgram, call_send, hang_up, any},
	{"rights, read by another", make_rights, call_rights, take_all, all_once},
	{"rights, peek", make_rights, call_rights_peek, take_all, any},
	{"rights, killed", make_rights, call_rights, kill_victim, was_killed},
	{"maps of the dead", make_maps, call_pread, end_target, had_text},
	{"status of the dead", make_status, call_pread, end_target, had_text},
	{"mem of the dead", make_mem, call_mem, end_target, any},
	{"mem of the dead, write", make_mem, call_mem_write, end_target, any},
	{"environ of the dead", make_environ, call_pread, end_target, any},
	{"cmdline of the dead", make_cmdline, call_pread, end_target, any},
	{"auxv of the dead", make_auxv, call_pread, end_target, any},
	{"pagemap of the dead", make_pagemap, call_pread, end_target, any},
	{"oom_score_adj of the dead, write", make_oom_score_adj, call_adj_write, end_target, any},
	{"maps, made anew", make_own_maps, call_pread, grow_maps, any},
	{"limits of the dead", make_target, call_prlimit, end_target, any},
	{"limits of the dead, set", make_target, call_set_prlimit, end_target, any},
	{"robust list of the dead", make_target, call_robust, end_target, any},
	{"signal to the dead", make_pidfd, call_pidfd_signal, end_target, any},
	{"memory of the dead", make_target, call_vm_readv, end_target, any},
	{"wait4", make_target, call_wait4, end_target, returned_one},
	{"getdents, removed", make_dir, call_getdents, remove_dir, any},
	{"getdents of the dead", make_proc_dir, call_getdents_proc, end_target, any},
	{"file, read, cut off", make_file, call_pread, cut_off, any},
	{"file, write, cut off", make_file, call_pwrite, cut_off, any},
	{"memfd, read, cut off", make_memfd, call_pread, cut_off, any},
	{"memfd, write, cut off", make_memfd, call_pwrite, cut_off, any},
	{"memfd, write, sealed", make_memfd, call_pwrite, seal, sealed},
	{"poll, closed", make_open_pipe, call_poll, hang_up, returned_one},
	{"shmctl, removed", make_shm, call_shmctl, remove_shm, any},
	{"unmapped", make_open_pipe, call_unmapped, nothing, returned_one},
};

static void run(const struct race *r)
{
	int status;

	sh->fault = sh->disturbed = 0;
	sh->ret = -1000;
	drained = 0;
	r->make();
	fflush(stdout);
	victim = fork();
	if (!victim) {
		char *p = slow_pages();

		sh->ret = r->call(p);
		_exit(0);
	}
	for (int i = 0; i < 5000 && !sh->fault; i++)
		usleep(100);
	r->disturb();
	if (r->disturb != nothing)
		sh->disturbed = 1;
	waitpid(victim, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("no userfaultfd\n");
		exit(77);
	}
	printf("%s: %s\n", r->name, sh->fault && r->check() ? "ok" : "WRONG");
	if (target && r->disturb != end_target)
		end_target();
	target = 0;
	hang_up();
	fd[0] = fd[1] = -1;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	sh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(bytes, 'x', sizeof(bytes));
	signal(SIGPIPE, SIG_IGN);
	while (rounds--)
		for (unsigned i = 0; i < sizeof(races) / sizeof(races[0]); i++)
			run(&races[i]);
	return 0;
}
