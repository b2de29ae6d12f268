/* sys_limits: what setrlimit refuses and what limits do; ids, names and other facts of a task. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static volatile int xfsz;

static void on_xfsz(int sig)
{
	xfsz += sig == SIGXFSZ;
}

int main(void)
{
	struct rlimit rl = {64, 64}, big = {65, 65}, bad = {2, 1};
	struct utsname u;
	char name[16] = "";
	cpu_set_t cpus;
	long got[4];
	int fd;

	setvbuf(stdout, NULL, _IONBF, 0);
	T(setrlimit(RLIMIT_NOFILE, &bad));
	T(setrlimit(RLIMIT_NOFILE, &rl));
	T(getrlimit(RLIMIT_NOFILE, &big));
	printf("%ld %ld\n", (long)big.rlim_cur, (long)big.rlim_max);
	for (int i = 3; i < 64; i++)
		close(i);
	for (fd = 0; fd >= 0 && fd < 63;)
		fd = dup(0);
	T(dup(0));
	T(unlink("made"));
	T(open("/", O_RDONLY));
	T(open("made", O_RDWR | O_CREAT, 0600));
	T(access("made", F_OK));
	T(dup2(0, 64));
	T(fcntl(0, F_DUPFD, 64));
	T(syscall(SYS_close_range, 3, ~0U, 0));
	T(open("made", O_RDWR | O_CREAT | O_TRUNC, 0600));
	rl.rlim_cur = 10;
	rl.rlim_max = RLIM_INFINITY;
	signal(SIGXFSZ, on_xfsz);
	/* stdout may be a file, too: what comes of the calls is printed when the limit is gone */
	setrlimit(RLIMIT_FSIZE, &rl);
	got[0] = write(3, "0123456789abcdef", 16);
	got[1] = write(3, "x", 1);
	got[2] = ftruncate(3, 100);
	got[3] = ftruncate(3, 5);
	rl.rlim_cur = RLIM_INFINITY;
	T(setrlimit(RLIMIT_FSIZE, &rl));
	printf("over the limit: %ld %ld %ld %ld, SIGXFSZ %d times\n", got[0], got[1], got[2],
	       got[3], xfsz);
	T(fcntl(3, F_GETFL));
	T(fcntl(3, F_SETFL, O_APPEND));
	T(fcntl(3, F_GETFL));
	T(write(3, "end", 3));
	T(lseek(3, 0, SEEK_CUR));
	T(unlink("made"));
	rl.rlim_cur = rl.rlim_max = 64 << 20;
	T(setrlimit(RLIMIT_AS, &rl));
	T(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);

	T(umask(0123));
	T(umask(0022));
	T(getpid() == (int)syscall(SYS_gettid));
	T(getuid() == geteuid());
	T(prctl(PR_SET_NAME, "a-name-that-is-far-too-long"));
	T(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	T(prctl(PR_GET_DUMPABLE));
	T(prctl(PR_SET_DUMPABLE, 2));
	T(prctl(PR_SET_DUMPABLE, 0));
	T(prctl(PR_GET_DUMPABLE));
	T(getpriority(PRIO_PROCESS, 0));
	T(sched_getscheduler(0));
	T(sched_get_priority_max(SCHED_FIFO));
	T(sched_get_priority_min(SCHED_OTHER));
	T(sched_getaffinity(0, sizeof(cpus), &cpus));
	T(CPU_ISSET(0, &cpus) != 0);
	T(sched_yield());
	T(uname(&u));
	printf("%s %s\n", u.sysname, u.machine);
	T(syscall(SYS_personality, 0xffffffff) & ~0x0040000);
	T(setuid(getuid()));
	T(setgid(getgid()));
	return 0;
}
