/* A world of processes, threads and sockets, one of which is killed at a random moment: what is left ends by itself,
 * nobody stays behind, and what write() has put into a file is there.
 *   doomed run LINES     the world, to its end: port is the server's port, lines.N what each process wrote
 *   doomed kills SEED N  N worlds, in each of which somebody is killed
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "inet_pair.h"

#define CHILDREN 3
#define THREADS 3 /* of each process */
#define PROCESSES (CHILDREN + 1)

/* What all processes of a world see, and who kills them. */
static struct shared {
	pthread_mutex_t lock; /* robust: its owner may be killed */
	long under_lock[2];   /* alike, but while somebody holds the lock */
	int lines;
	struct sockaddr_storage inet; /* of the servers */
	struct sockaddr_un unix_name;
	socklen_t unix_len;
	volatile int written[PROCESSES]; /* lines for which write() has returned */
	volatile pid_t pids[PROCESSES], tids[PROCESSES][THREADS];
} * sh;

static int who; /* this process: 0 is the first of its world */
static int inet_server, unix_server;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- the world ------------------------------------------------------------------------------------ */

static void count_under_lock(void)
{
	if (pthread_mutex_lock(&sh->lock) == EOWNERDEAD) {
		sh->under_lock[0] = sh->under_lock[1];
		pthread_mutex_consistent(&sh->lock);
	}
	sh->under_lock[0]++;
	sh->under_lock[1]++;
	pthread_mutex_unlock(&sh->lock);
}

static void *writes(void *arg)
{
	char name[20], line[20];
	int fd, n;

	sh->tids[who][(long)arg] = gettid();
	snprintf(name, sizeof(name), "lines.%d", who);
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		die(name);
	for (int i = 0; i < sh->lines; i++) {
		n = snprintf(line, sizeof(line), "%d %d\n", who, i);
		if (write(fd, line, n) != n)
			die("write");
		sh->written[who] = i + 1;
		count_under_lock();
		if (i % 8 == 0)
			usleep(300);
	}
	close(fd);
	return NULL;
}

/* Gives back what comes, on each connection of both listeners. */
static void *serves(void *arg)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0), fd;
	char buf[256];
	ssize_t n;

	sh->tids[who][(long)arg] = gettid();
	ev.data.fd = inet_server;
	epoll_ctl(ep, EPOLL_CTL_ADD, inet_server, &ev);
	ev.data.fd = unix_server;
	epoll_ctl(ep, EPOLL_CTL_ADD, unix_server, &ev);
	for (;;) {
		if (epoll_wait(ep, &ev, 1, -1) != 1)
			continue; /* stopped, and continued: EINTR */
		fd = ev.data.fd;
		if (fd == inet_server || fd == unix_server) {
			ev.data.fd = accept(fd, NULL, NULL);
			epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
			continue;
		}
		n = read(fd, buf, sizeof(buf));
		if (n <= 0 || send(fd, buf, n, MSG_NOSIGNAL) != n)
			close(fd);
	}
	return NULL;
}

/* Asks the server until it is gone, or as often as there are lines. */
static void ask(int fd, const struct sockaddr *to, socklen_t len)
{
	char buf[100] = "";

	if (!connect(fd, to, len))
		for (int i = 0; i < sh->lines; i++)
			if (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) < 0 ||
			    recv(fd, buf, sizeof(buf), MSG_WAITALL) != (ssize_t)sizeof(buf))
				break;
	close(fd);
}

static void *asks_inet(void *arg)
{
	sh->tids[who][(long)arg] = gettid();
	ask(socket(AF_INET, SOCK_STREAM, 0), (void *)&sh->inet, sizeof(struct sockaddr_in));
	return NULL;
}

static void *asks_unix(void *arg)
{
	sh->tids[who][(long)arg] = gettid();
	ask(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&sh->unix_name, sh->unix_len);
	return NULL;
}

static void *waits(void *arg)
{
	sh->tids[who][(long)arg] = gettid();
	for (;;)
		pause();
	return NULL;
}

/* One process: THREADS threads, of which it waits for the first @ending. */
static void be(int i, int ending, void *(*fn[THREADS])(void *))
{
	pthread_t threads[THREADS];

	who = i;
	sh->pids[i] = getpid();
	for (long t = 0; t < THREADS; t++)
		if (pthread_create(&threads[t], NULL, fn[t], (void *)t))
			die("pthread_create");
	for (int t = 0; t < ending; t++)
		pthread_join(threads[t], NULL);
}

static void tell_port(const char *file)
{
	FILE *f = fopen(file, "w");

	if (!f || fprintf(f, "%d\n", ntohs(port_of(inet_server))) < 0 || fclose(f))
		die(file);
}

static void world(const char *port_file)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	inet_server = listener(AF_INET, 10);
	name_of(inet_server, &sh->inet);
	if (port_file)
		tell_port(port_file);
	unix_server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(unix_server, (void *)&a, sizeof(sa_family_t)) || listen(unix_server, 10))
		die("bind");
	sh->unix_len = sizeof(a);
	getsockname(unix_server, (void *)&sh->unix_name, &sh->unix_len);
	for (int i = 1; i < PROCESSES; i++)
		if (!fork()) {
			close(inet_server); /* they go with the first process */
			close(unix_server);
			be(i, THREADS, (void *(*[])(void *)){writes, asks_inet, asks_unix});
			exit(0);
		}
	be(0, 1, (void *(*[])(void *)){writes, serves, waits});
	while (wait(NULL) > 0)
		;
	exit(0);
}

/* --- who kills ------------------------------------------------------------------------------------ */

static unsigned state;

static unsigned rnd(unsigned below)
{
	state = state * 1103515245 + 12345;
	return (state >> 8) % below;
}

static void new_world(int lines)
{
	pthread_mutexattr_t attr;

	memset((void *)sh, 0, sizeof(*sh));
	sh->lines = lines;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&sh->lock, &attr);
}

static int all_written(void)
{
	int n = 0;

	for (int i = 0; i < PROCESSES; i++)
		n += sh->written[i];
	return n;
}

/* A process, one of its threads, or the whole group; by one of four signals, some after a stop. */
static void kill_somebody(pid_t group)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGINT, SIGSEGV};
	int sig = signals[rnd(4)], i = rnd(PROCESSES), t = rnd(THREADS), how = rnd(8);
	pid_t pid = sh->pids[i], tid = sh->tids[i][t];

	if (!pid || !tid)
		return;
	if (how & 4) {
		kill(pid, SIGSTOP);
		usleep(rnd(500));
	}
	if ((how & 3) == 0)
		syscall(SYS_tgkill, pid, tid, sig);
	else
		kill((how & 3) == 1 ? -group : pid, sig);
	if (how & 4)
		kill(-group, SIGCONT);
}

/* The lines are numbered without a gap, and as many as write() has said, or one more. */
static int lines_are_whole(int i)
{
	char name[20], line[40];
	int n = 0, a, b, whole = 1;
	FILE *f;

	snprintf(name, sizeof(name), "lines.%d", i);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f))
		whole &= sscanf(line, "%d %d\n", &a, &b) == 2 && strchr(line, '\n') && a == i &&
			 b == n++;
	if (f)
		fclose(f);
	unlink(name);
	return whole && (n == sh->written[i] || n == sh->written[i] + 1);
}

/* What the world must have given back: its lock and its port. */
static int given_back(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), fine;

	count_under_lock();
	fine = connect(s, (void *)&sh->inet, sizeof(struct sockaddr_in)) && errno == ECONNREFUSED;
	close(s);
	return fine && sh->under_lock[0] == sh->under_lock[1];
}

static int one_moment(void)
{
	int goal = rnd(PROCESSES * 60), whole = 1, ended = 0;
	pid_t group;

	new_world(60);
	fflush(stdout);
	group = fork();
	if (!group) {
		setpgid(0, 0);
		world(NULL);
	}
	setpgid(group, group);
	while (all_written() < goal)
		usleep(100);
	kill_somebody(group);
	while (wait(NULL) > 0) /* its orphans, too: we are their reaper */
		ended++;
	for (int i = 0; i < PROCESSES; i++)
		whole &= lines_are_whole(i);
	if (!whole || !ended || kill(-group, 0) == 0 || !given_back()) {
		printf("goal %d: whole %d, ended %d\n", goal, whole, ended);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 3)
		return 2;
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGINT, SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (!strcmp(argv[1], "run")) {
		new_world(atoi(argv[2]));
		world("port");
	}
	state = atoi(argv[2]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	alarm(200);
	for (int i = 0; argc > 3 && i < atoi(argv[3]); i++)
		bad += one_moment();
	printf("bad moments: %d, children left: %d\n", bad, wait(NULL) > 0 || errno != ECHILD);
	return bad != 0;
}
