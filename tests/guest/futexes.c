/* futexes: processes that wait for each other by words that they share, and what the call refuses. */
#include "report.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PG 4096
#define FOREVER ((struct timespec *)NULL)
#define RW (PROT_READ | PROT_WRITE)

static unsigned *w; /* a page that all share */
static const struct timespec ms20 = {0, 20000000}, ms1 = {0, 1000000}, past = {1, 0};

static long futex(unsigned *u, int op, unsigned val, const void *arg, unsigned *u2, unsigned val3)
{
	return syscall(SYS_futex, u, op, val, arg, u2, val3);
}

#define WAKE(u, n) futex(u, FUTEX_WAKE, n, NULL, NULL, 0)
#define NR(n) ((void *)(long)(n))

/* A child that sleeps on @u until it is woken; its exit code: 0, or the error. */
static pid_t sleeper(unsigned *u, int op, unsigned bits)
{
	pid_t pid = fork();

	if (!pid) {
		/* Long: only if nobody wakes it. */
		struct timespec limit = {60, 0};

		if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
			clock_gettime(CLOCK_MONOTONIC, &limit);
			limit.tv_sec += 60;
		}
		alarm(60);
		_exit(futex(u, op, *u, &limit, NULL, bits) ? errno : 0);
	}
	return pid;
}

static int reap(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* All of them sleep: state S, and in a wait, not on the way there. */
static void asleep(pid_t pid)
{
	char path[64], state;
	FILE *f;

	for (int calm = 0; calm < 3;) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
			state = '?';
		if (f)
			fclose(f);
		calm = state == 'S' ? calm + 1 : 0;
		nanosleep(&ms1, NULL);
	}
}

static void waking(void)
{
	pid_t p[6];

	puts("waking");
	for (int i = 0; i < 6; i++) {
		p[i] = sleeper(w, FUTEX_WAIT, 0);
		asleep(p[i]);
	}
	SHOW(futex(w, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	SHOW(WAKE(w + 1, 9));
	SHOW(WAKE(w, 1));
	printf("the first %d\n", reap(p[0]));
	SHOW(WAKE(w, 2));
	printf("the next %d %d\n", reap(p[1]), reap(p[2]));
	SHOW(WAKE(w, 0)); /* one */
	printf("then %d\n", reap(p[3]));
	SHOW(WAKE(w, -1)); /* one, too */
	printf("then %d\n", reap(p[4]));
	SHOW(WAKE(w, 0x7fffffff));
	printf("then %d\n", reap(p[5]));
	SHOW(WAKE(w, 1));
}

static void bits(void)
{
	pid_t a, b, c;

	puts("bits");
	a = sleeper(w, FUTEX_WAIT_BITSET, 1);
	asleep(a);
	b = sleeper(w, FUTEX_WAIT_BITSET, 2);
	asleep(b);
	c = sleeper(w, FUTEX_WAIT_BITSET, 7);
	asleep(c);
	SHOW(futex(w, FUTEX_WAKE_BITSET, 9, NULL, NULL, 8));
	SHOW(futex(w, FUTEX_WAKE_BITSET, 9, NULL, NULL, 2));
	printf("%d %d\n", reap(b), reap(c));
	SHOW(futex(w, FUTEX_WAKE_BITSET, 9, NULL, NULL, 0));
	SHOW(WAKE(w, 9));
	printf("%d\n", reap(a));
}

static void requeues(void)
{
	pid_t p[5];

	puts("requeue");
	for (int i = 0; i < 5; i++) {
		p[i] = sleeper(w, FUTEX_WAIT, 0);
		asleep(p[i]);
	}
	w[0] = 7;
	SHOW(futex(w, FUTEX_CMP_REQUEUE, 1, NR(1), w + 1, 8));
	SHOW(futex(w, FUTEX_CMP_REQUEUE, 1, NR(1), w + 1, 7));
	printf("woken %d\n", reap(p[0]));
	SHOW(futex(w, FUTEX_REQUEUE, -1, NR(1), w + 1, 0));
	SHOW(futex(w, FUTEX_REQUEUE, 1, NR(-1), w + 1, 0));
	SHOW(futex(w, FUTEX_REQUEUE, 0, NR(1), w + 600, 0));
	SHOW(WAKE(w + 600, 9));
	printf("moved %d\n", reap(p[2]));
	SHOW(WAKE(w + 1, 9));
	printf("moved %d\n", reap(p[1]));
	SHOW(futex(w, FUTEX_REQUEUE, 0, NR(0), w + 1, 0));
	SHOW(futex(w, FUTEX_REQUEUE, 0, NR(9), w, 0)); /* to itself */
	SHOW(futex(w, FUTEX_CMP_REQUEUE, 9, NR(9), w + 2, 7));
	printf("the rest %d %d\n", reap(p[3]), reap(p[4]));
	w[0] = 0;
}

/* FUTEX_WAKE_OP: what the word becomes, and whether it compares. */
static void wake_ops(void)
{
	static const int args[] = {0, 5, -1, 0x7ff};

	puts("wake_op");
	for (unsigned op = 0; op < 16; op++)
		for (unsigned cmp = 0; cmp < 7; cmp++)
			for (int i = 0; i < 16; i++) {
				long r;

				w[3] = i & 4 ? 5 : 0xfffffff0;
				errno = 0;
				r = futex(w + 2, FUTEX_WAKE_OP, 1, NR(1), w + 3,
					  op << 28 | cmp << 24 | (args[i & 3] & 0xfffu) << 12 |
						  (args[i >> 2] & 0xfffu));
				if (i % 5 == 0 || r)
					printf("op %u cmp %u %d: %ld %d %#x\n", op, cmp, i, r,
					       errno, w[3]);
			}
	w[3] = 1;
	for (int hit = 0; hit < 2; hit++) {
		pid_t a = sleeper(w + 2, FUTEX_WAIT, 0), b = sleeper(w + 3, FUTEX_WAIT, 0);

		asleep(a);
		asleep(b);
		SHOW(futex(w + 2, FUTEX_WAKE_OP, 5, NR(5), w + 3,
			   FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, (unsigned)hit)));
		printf("word %u, %d\n", w[3], reap(a));
		SHOW(WAKE(w + 3, 5));
		printf("%d\n", reap(b));
		w[3] = 1;
	}
}

/* One word by several addresses, and two words by one. */
static void places(void)
{
	int fd = syscall(SYS_memfd_create, "m", 0), id;
	unsigned *a, *b, *p, *s1, *s2;
	char name[] = "futexes-XXXXXX";
	pid_t pid;

	puts("places");
	ftruncate(fd, 2 * PG);
	a = mmap(NULL, PG, RW, MAP_SHARED, fd, PG);
	b = mmap(NULL, 2 * PG, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, PG, RW, MAP_PRIVATE, fd, PG);
	pid = sleeper(a + 5, FUTEX_WAIT, 0);
	asleep(pid);
	SHOW(WAKE(p + 5, 9));
	SHOW(WAKE(b + 5, 9));
	SHOW(futex(b + 1029, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	SHOW(WAKE(b + 1029, 9));
	printf("%d\n", reap(pid));

	p = mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, PG); /* never its own: the file's */
	pid = sleeper(p + 9, FUTEX_WAIT, 0);
	asleep(pid);
	SHOW(WAKE(a + 9, 9));
	printf("%d\n", reap(pid));

	p = mmap(NULL, PG, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p[0] = 0;
	pid = sleeper(p, FUTEX_WAIT, 0);
	asleep(pid);
	SHOW(WAKE(p, 9)); /* another one's */
	kill(pid, SIGKILL);
	printf("%d\n", reap(pid));

	id = shmget(IPC_PRIVATE, PG, 0600 | IPC_CREAT);
	s1 = shmat(id, NULL, 0);
	s2 = shmat(id, NULL, SHM_RDONLY);
	shmctl(id, IPC_RMID, NULL);
	pid = sleeper(s2 + 3, FUTEX_WAIT, 0);
	asleep(pid);
	SHOW(WAKE(s1 + 3, 9));
	printf("%d\n", reap(pid));

	fd = mkstemp(name);
	unlink(name);
	ftruncate(fd, PG);
	a = mmap(NULL, PG, RW, MAP_SHARED, fd, 0);
	b = mmap(NULL, PG, PROT_READ, MAP_SHARED, fd, 0);
	pid = sleeper(b, FUTEX_WAIT, 0);
	asleep(pid);
	SHOW(WAKE(a, 9));
	printf("%d\n", reap(pid));
	ftruncate(fd, 0);
	SHOW(futex(a, FUTEX_WAIT, 0, &ms20, NULL, 0));
	SHOW(WAKE(a, 1));
	close(fd);
}

static void refused(void)
{
	static const unsigned ops[] = {FUTEX_WAIT,
				       FUTEX_WAKE,
				       FUTEX_REQUEUE,
				       FUTEX_CMP_REQUEUE,
				       FUTEX_WAKE_OP,
				       FUTEX_WAIT_BITSET,
				       FUTEX_WAKE_BITSET,
				       2,
				       63,
				       64};
	unsigned *none = mmap(NULL, PG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned *zero = mmap(NULL, PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned *ro = mmap(NULL, PG, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned *wo = mmap(NULL, PG, PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned *bad[] = {(void *)((char *)w + 2),
			   none,
			   zero,
			   ro,
			   wo,
			   NULL,
			   (void *)-4096L,
			   (void *)0x7ffffffff000L,
			   (void *)0x7fffffffeffeL};
	const struct timespec wrong = {0, 1000000000}, neg = {-1, 0}, zero_ts = {0, 0};

	puts("refused");
	*ro = 0;
	mprotect(ro, PG, PROT_READ);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		for (unsigned j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			for (unsigned flags = 0; flags <= 384; flags += 128) {
				const void *arg = i == 0 || i == 5 ? (void *)&zero_ts : NR(1);

				printf("%u %u %u: ", ops[i], j, flags);
				show("first", futex(bad[j], ops[i] | flags, 0, arg, w, 1));
				if (i >= 2 && i <= 4)
					show("   second",
					     futex(w + 1, ops[i] | flags, 0, arg, bad[j], 0));
			}
	SHOW(futex(w, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex(w, FUTEX_WAIT, 0, &wrong, NULL, 0));
	SHOW(futex(w, FUTEX_WAIT, 0, &neg, NULL, 0));
	SHOW(futex(w, FUTEX_WAIT, 0, NR(8), NULL, 0));
	SHOW(futex(w, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, NR(8), NULL, 0));
	SHOW(futex(w, FUTEX_WAKE, 0, NR(8), NULL, 0));
	SHOW(futex(w, FUTEX_WAIT_BITSET, 0, &past, NULL, 0));
	SHOW(futex(w, FUTEX_WAIT_BITSET, 0, &past, NULL, 1));
	SHOW(futex(w, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1));
	SHOW(futex(w, FUTEX_WAIT, 0, &ms20, NULL, 0));
	SHOW(futex(w, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &zero_ts, NULL, 0));
}

/* Signals: a handler ends a wait with a deadline, SA_RESTART or not; a stop ends none. */
static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	pid_t pid;

	puts("interrupted");
	for (int i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			const struct timespec limit = {60, 0};

			sa.sa_flags = i & 1 ? SA_RESTART : 0;
			sigaction(SIGUSR1, &sa, NULL);
			w[9] = 1;
			_exit(futex(w, FUTEX_WAIT, 0, i & 2 ? &limit : FOREVER, NULL, 0) ? errno
											 : 0);
		}
		while (!*(volatile unsigned *)(w + 9))
			sched_yield();
		w[9] = 0;
		asleep(pid);
		kill(pid, SIGUSR1);
		if (i == 1) {
			asleep(pid);
			SHOW(WAKE(w, 1));
		}
		printf("%d: %d\n", i, reap(pid));
	}
	pid = sleeper(w, FUTEX_WAIT, 0);
	asleep(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	asleep(pid);
	SHOW(WAKE(w, 1));
	printf("stopped and continued: %d\n", reap(pid));
	pid = sleeper(w, FUTEX_WAIT, 0);
	asleep(pid);
	kill(pid, SIGKILL);
	printf("killed: %d\n", reap(pid));
	SHOW(WAKE(w, 1));
}

static char stack[65536];

static int in_same_memory(void *word)
{
	static const struct timespec limit = {60, 0};

	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0) ? 1 : 0;
}

static int ends(void *unused)
{
	(void)unused;
	nanosleep(&ms20, NULL);
	return 0;
}

/* Tasks that share the whole memory. */
static void companions(void)
{
	static unsigned word, tid;
	const struct timespec limit = {60, 0};
	pid_t pid;
	long r;

	puts("companions");
	pid = clone(in_same_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD, &word);
	asleep(pid);
	SHOW(WAKE(&word + 1, 9));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
	printf("%d\n", reap(pid));
	tid = 1;
	pid = clone(ends, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
		    NULL, NULL, &tid);
	r = futex(&tid, FUTEX_WAIT, 1, &limit, NULL, 0);
	printf("its end: %ld, %u, %d\n", r, tid, reap(pid));
}

/* A dead owner's lock wakes who waits for it. */
static void dead_owner(void)
{
	struct lock {
		struct robust_list list;
		unsigned word;
	} *l = (void *)(w + 512);
	struct robust_list_head *h = (void *)(w + 600);
	pid_t pid, waiter[2];

	puts("dead owner");
	pid = fork();
	if (!pid) {
		l->list.next = &h->list;
		h->list.next = &l->list;
		h->futex_offset = offsetof(struct lock, word);
		h->list_op_pending = &l[1].list; /* left, nobody woken yet */
		syscall(SYS_set_robust_list, h, sizeof(*h));
		l->word = (unsigned)getpid() | FUTEX_WAITERS;
		pause();
	}
	asleep(pid);
	for (int i = 0; i < 2; i++) {
		waiter[i] = sleeper(&l[i].word, FUTEX_WAIT, 0);
		asleep(waiter[i]);
	}
	kill(pid, SIGKILL);
	printf("owner %d, waiters %d", reap(pid), reap(waiter[0]));
	printf(" %d, word %#x\n", reap(waiter[1]), l->word);
}

/* As test suites use it: who comes to a gate waits until all have. */
static void checkpoints(void)
{
	enum { N = 8, ROUNDS = 200 };
	pid_t p[N];

	puts("checkpoints");
	w[0] = w[1] = 0;
	for (int i = 0; i < N; i++) {
		p[i] = fork();
		if (p[i])
			continue;
		for (unsigned r = 0; r < ROUNDS; r++) {
			if (__atomic_add_fetch(w + 1, 1, __ATOMIC_SEQ_CST) == N * (r + 1)) {
				__atomic_store_n(w, r + 1, __ATOMIC_SEQ_CST);
				WAKE(w, 0x7fffffff);
			}
			while (__atomic_load_n(w, __ATOMIC_SEQ_CST) == r)
				futex(w, FUTEX_WAIT, r, NULL, NULL, 0);
		}
		_exit(0);
	}
	for (int i = 0; i < N; i++)
		printf("%d ", reap(p[i]));
	printf("%u %u\n", w[0], w[1]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	w = mmap(NULL, PG, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	waking();
	bits();
	requeues();
	wake_ops();
	places();
	refused();
	interrupted();
	companions();
	dead_owner();
	checkpoints();
	return 0;
}
