/* Sixteen threads that fork, exec, exit, kill, map and start more threads, as a seed says, all at once. What is
 * shown is that it ends, with nobody left: thread_storm SEED */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 16
#define ROUNDS 60
#define PAGES 64
#define PG 4096

static __thread unsigned state;
static volatile int handled;
static volatile pid_t tids[THREADS];
static char *shared;
static unsigned seed;

static unsigned rnd(void)
{
	state = state * 1103515245 + 12345;
	return state >> 8;
}

static void handler(int sig)
{
	handled += sig;
}

static void *nothing(void *arg)
{
	for (volatile int i = 0; i < ((long)arg & 0xfff); i++)
		;
	return NULL;
}

static void *idles(void *arg)
{
	for (;;)
		if ((long)arg & 1)
			pause();
		else
			sched_yield();
	return NULL;
}

static void *execs(void *arg)
{
	usleep((long)arg & 1023);
	execl("/proc/self/exe", "leaf", NULL);
	return NULL;
}

static void *exits(void *arg)
{
	usleep((long)arg & 1023);
	exit((long)arg & 63);
}

static void start(void *(*fn)(void *))
{
	pthread_t th;

	if (!pthread_create(&th, NULL, fn, (void *)(long)rnd()))
		pthread_detach(th);
}

static void vforks(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/proc/self/exe", "leaf", NULL);
		_exit(3);
	}
	waitpid(pid, NULL, 0);
}

/* A process that comes to its end in one of many ways, with threads about. */
static void end_somehow(unsigned how)
{
	state = how;
	for (unsigned n = rnd() % 5; n; n--)
		start(idles);
	switch (rnd() % 7) {
	case 0:
		_exit(rnd() & 63);
	case 1:
		start(execs);
		break;
	case 2:
		start(exits);
		break;
	case 3:
		start(execs);
		execs((void *)(long)rnd());
		break;
	case 4:
		start(exits);
		pthread_exit(NULL);
	case 5:
		vforks();
		_exit(9);
	default:
		start(execs);
		start(exits);
		usleep(rnd() & 511);
		raise(rnd() & 1 ? SIGKILL : SIGTERM);
	}
	for (;;)
		pause();
}

static void forks(unsigned r)
{
	unsigned how = rnd();
	pid_t pid = fork();

	if (!pid)
		end_somehow(how);
	if (pid < 0)
		return;
	if (r & 0x1000) {
		usleep(rnd() & 511);
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void maps(unsigned r)
{
	char *p = mmap(NULL, 16 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, r, 16 * PG);
	mprotect(p, PG, PROT_READ);
	munmap(p, 8 * PG);
	munmap(p + 8 * PG, 8 * PG);
}

static void pipes(void)
{
	int fd[2];
	char c = 0;

	if (pipe(fd))
		return;
	(void)!write(fd[1], &c, 1);
	(void)!read(fd[0], &c, 1);
	close(fd[0]);
	close(fd[1]);
}

static void looks(pid_t tid)
{
	char path[64], text[512];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	(void)!read(fd, text, sizeof(text));
	close(fd);
}

static void one_thing(unsigned r)
{
	char *page = shared + rnd() % PAGES * PG;
	pid_t other = tids[rnd() % THREADS];

	switch (r % 9) {
	case 0:
		start(nothing);
		break;
	case 1:
		forks(r);
		break;
	case 2:
		maps(r);
		break;
	case 3:
		(*page)++;
		break;
	case 4:
		madvise(page, PG, MADV_DONTNEED);
		break;
	case 5:
		if (other)
			syscall(SYS_tgkill, getpid(), other, SIGUSR1);
		break;
	case 6:
		kill(getpid(), SIGUSR2);
		break;
	case 7:
		pipes();
		break;
	default:
		looks(other);
	}
}

static void *work(void *arg)
{
	long me = (long)arg;

	state = seed * 7919 + me * 104729;
	tids[me] = syscall(SYS_gettid);
	for (int i = 0; i < ROUNDS; i++)
		one_thing(rnd());
	tids[me] = 0;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc < 2)
		return 5; /* a leaf: what was made by exec */
	seed = atoi(argv[1]);
	alarm(100);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	shared = mmap(NULL, PAGES * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	printf("over, and children left: %d\n", errno != ECHILD);
	return 0;
}
