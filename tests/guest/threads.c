/* Threads of a C library against the host: locks, conditions, barriers, thread-local storage, cancellation, fork
 * from a thread, a thousand at a time. Each part prints what it sees, without numbers of threads or times.
 * threads PART... */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX 2000

static pthread_t threads[MAX];

static void start(int i, void *(*fn)(void *), long arg)
{
	int err = pthread_create(&threads[i], NULL, fn, (void *)arg);

	if (err) {
		printf("pthread_create: %s\n", strerror(err));
		exit(1);
	}
}

static long join(int i)
{
	void *ret = NULL;
	int err = pthread_join(threads[i], &ret);

	if (err)
		printf("pthread_join: %s\n", strerror(err));
	return (long)ret;
}

static void start_all(int n, void *(*fn)(void *))
{
	for (int i = 0; i < n; i++)
		start(i, fn, i);
}

static long join_all(int n)
{
	long sum = 0;

	for (int i = 0; i < n; i++)
		sum += join(i);
	return sum;
}

/* --- locks ----------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long counted, spun, written, torn;

static void *add(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counted += (long)arg;
		pthread_mutex_unlock(&mutex);
		pthread_spin_lock(&spin);
		spun++;
		pthread_spin_unlock(&spin);
		if (i % 8) {
			pthread_rwlock_rdlock(&rwlock);
			torn += written & 1;
		} else {
			pthread_rwlock_wrlock(&rwlock);
			written++;
			sched_yield();
			written++;
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return arg;
}

static void *take_robust(void *lock)
{
	pthread_mutex_lock(lock); /* and never leaves it */
	return NULL;
}

static void try_kinds(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &a);
	pthread_mutex_lock(&m);
	printf("checked: %s", strerrorname_np(pthread_mutex_lock(&m)));
	pthread_mutex_unlock(&m);
	printf(" %s\n", strerrorname_np(pthread_mutex_unlock(&m)));

	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &a);
	pthread_mutex_lock(&m);
	printf("recursive: %d\n", pthread_mutex_lock(&m));

	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_NORMAL);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&m, &a);
	pthread_create(&threads[0], NULL, take_robust, &m);
	join(0);
	printf("robust: %s", strerrorname_np(pthread_mutex_lock(&m)));
	pthread_mutex_unlock(&m);
	printf(" %s\n", strerrorname_np(pthread_mutex_lock(&m)));
}

static void locks(void)
{
	struct timespec past = {1, 0};

	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	start_all(12, add);
	printf("locks: %ld", join_all(12));
	printf(", %ld %ld %ld %ld\n", counted, spun, written, torn);
	pthread_mutex_lock(&mutex);
	printf("timed: %s\n", strerrorname_np(pthread_mutex_timedlock(&mutex, &past)));
	pthread_mutex_unlock(&mutex);
	try_kinds();
}

/* --- conditions and barriers ------------------------------------------------------------------ */

#define QUEUE 4
#define ITEMS 3000

static pthread_mutex_t q_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t q_full = PTHREAD_COND_INITIALIZER, q_empty = PTHREAD_COND_INITIALIZER;
static int queue[QUEUE], q_len, q_made;

static void *produce(void *arg)
{
	long made = 0;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&q_lock);
		while (q_len == QUEUE)
			pthread_cond_wait(&q_full, &q_lock);
		if (q_made == ITEMS) {
			pthread_mutex_unlock(&q_lock);
			return (void *)made;
		}
		queue[q_len++] = ++q_made;
		made++;
		pthread_cond_signal(&q_empty);
		pthread_mutex_unlock(&q_lock);
	}
}

static void *consume(void *arg)
{
	long sum = 0;
	int item;

	for (int i = 0; i < ITEMS / 3; i++) {
		pthread_mutex_lock(&q_lock);
		while (!q_len)
			pthread_cond_wait(&q_empty, &q_lock);
		item = queue[--q_len];
		pthread_cond_broadcast(&q_full);
		pthread_mutex_unlock(&q_lock);
		sum += item;
	}
	return (void *)(sum + (long)arg * 0);
}

static pthread_barrier_t barrier;
static int rounds[8], out_of_step;
static sem_t sem;

static void *march(void *arg)
{
	long serial = 0;

	for (int i = 0; i < 50; i++) {
		rounds[(long)arg] = i;
		serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
		for (int k = 0; k < 8; k++)
			out_of_step += rounds[k] != i;
		pthread_barrier_wait(&barrier);
	}
	sem_post(&sem);
	return (void *)serial;
}

static void conditions(void)
{
	struct timespec ts;
	int err;

	for (int i = 0; i < 3; i++)
		start(i, consume, i);
	for (int i = 3; i < 6; i++)
		start(i, produce, 0);
	printf("eaten: %ld\n", join(0) + join(1) + join(2));
	pthread_mutex_lock(&q_lock);
	pthread_cond_broadcast(&q_full);
	pthread_mutex_unlock(&q_lock);
	printf("made: %ld\n", join(3) + join(4) + join(5));

	pthread_barrier_init(&barrier, NULL, 8);
	sem_init(&sem, 0, 0);
	start_all(8, march);
	for (int i = 0; i < 8; i++)
		sem_wait(&sem);
	printf("barriers: %ld", join_all(8));
	printf(", %d out of step; %d\n", out_of_step, sem_trywait(&sem));

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	pthread_mutex_lock(&q_lock);
	err = pthread_cond_timedwait(&q_full, &q_lock, &ts);
	printf("timed wait: %s\n", strerrorname_np(err));
	pthread_mutex_unlock(&q_lock);
}

/* --- what each has for itself ------------------------------------------------------------------ */

static __thread long own = 41;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialised, destroyed;

static void init_once(void)
{
	initialised++;
}

static void destroy(void *value)
{
	__atomic_add_fetch(&destroyed, (long)value, __ATOMIC_RELAXED);
}

static void *use_own(void *arg)
{
	pthread_once(&once, init_once);
	pthread_setspecific(key, arg);
	own += (long)arg;
	sched_yield();
	errno = (long)arg;
	sched_yield();
	return (void *)(own * 1000 + errno + (pthread_getspecific(key) != arg) +
			(syscall(SYS_gettid) == getpid()));
}

static void locals(void)
{
	pthread_key_create(&key, destroy);
	start_all(20, use_own);
	printf("own: %ld", join_all(20));
	printf(", %ld here, %d once, %d destroyed\n", own, initialised, destroyed);
}

/* --- cancellation ------------------------------------------------------------------------------ */

static int cleaned;

static void clean(void *arg)
{
	cleaned += (long)arg;
}

static void *in_pause(void *arg)
{
	pthread_cleanup_push(clean, arg);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
}

static void *in_loop(void *arg)
{
	volatile long i = 0;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cleanup_push(clean, arg);
	sem_post(&sem);
	for (;;)
		i++;
	pthread_cleanup_pop(0);
}

static void *in_read(void *arg)
{
	int fd[2];
	char c;

	if (pipe(fd))
		return NULL;
	pthread_cleanup_push(clean, arg);
	(void)!read(fd[0], &c, 1);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_wait(void *arg)
{
	static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&m);
	pthread_cleanup_push(clean, arg);
	pthread_cond_wait(&never, &m);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancels(void)
{
	void *(*const fns[])(void *) = {in_pause, in_loop, in_read, in_wait};

	sem_init(&sem, 0, 0);
	for (int i = 0; i < 4; i++)
		start(i, fns[i], 1L << i);
	sem_wait(&sem);
	usleep(5000);
	for (int i = 0; i < 4; i++)
		pthread_cancel(threads[i]);
	for (int i = 0; i < 4; i++)
		printf("cancelled %d: %d\n", i, (void *)join(i) == PTHREAD_CANCELED);
	printf("cleaned: %d\n", cleaned);
}

/* --- fork from a thread -------------------------------------------------------------------------- */

static int prepared, in_parent, in_child;

static void prepare(void)
{
	prepared++;
}

static void parent(void)
{
	in_parent++;
}

static void child(void)
{
	in_child++;
}

static void *forks(void *arg)
{
	int status;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (!pid) /* alone there: its number is the process's, and it can have threads again */
		_exit(syscall(SYS_gettid) == getpid() ? 10 + in_child : 1);
	waitpid(pid, &status, 0);
	return (void *)(long)WEXITSTATUS(status);
}

static void *forks_and_starts(void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		start_all(5, use_own);
		_exit(join_all(5) % 251);
	}
	waitpid(pid, &status, 0);
	return (void *)(long)(arg == NULL ? WEXITSTATUS(status) : 0);
}

static void forking(void)
{
	pthread_atfork(prepare, parent, child);
	start(0, in_pause, 0);
	start(1, forks, 0);
	printf("fork: %ld", join(1));
	printf(", %d %d %d\n", prepared, in_parent, in_child);
	start(1, forks_and_starts, 0);
	printf("threads of a fork: %ld\n", join(1));
	pthread_cancel(threads[0]);
	join(0);
}

/* --- nobody is kept waiting ----------------------------------------------------------------------- */

static volatile int stop;

static void *yields(void *arg)
{
	long n = 0;

	do {
		sched_yield();
		n++;
	} while (!stop);
	return (void *)((long)arg + (n > 0));
}

/* Those who only hand the CPU to each other do not keep a sleeper from waking up. */
static void fairness(void)
{
	start_all(3, yields);
	usleep(3000);
	stop = 1;
	printf("fair: %ld\n", join_all(3));
}

/* --- many ---------------------------------------------------------------------------------------- */

static void *nothing(void *arg)
{
	return arg;
}

static void *wait_for_all(void *arg)
{
	pthread_barrier_wait(&barrier);
	return arg;
}

static void many(void)
{
	long sum = 0;

	pthread_barrier_init(&barrier, NULL, 1001);
	start_all(1000, wait_for_all);
	pthread_barrier_wait(&barrier);
	printf("at once: %ld\n", join_all(1000));
	for (int i = 0; i < 5000; i++) {
		start(0, nothing, i);
		sum += join(0);
	}
	printf("in a row: %ld\n", sum);
	for (int i = 0; i < 500; i++) {
		pthread_attr_t a;

		pthread_attr_init(&a);
		pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
		pthread_create(&threads[i], &a, nothing, NULL);
		pthread_attr_destroy(&a);
	}
	printf("detached\n");
}

/* --- the first thread goes ------------------------------------------------------------------------ */

static void *outlive(void *first)
{
	void *ret;

	pthread_join((pthread_t)first, &ret);
	printf("the first has gone: %ld\n", (long)ret);
	return NULL;
}

static void leader(void)
{
	fflush(stdout);
	start(0, outlive, (long)pthread_self());
	pthread_exit((void *)77);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} parts[] = {{"locks", locks},	   {"conditions", conditions}, {"locals", locals},
		     {"cancels", cancels}, {"forking", forking},       {"fairness", fairness},
		     {"many", many},	   {"leader", leader}};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (int k = 1; k < (argc > 1 ? argc : 2); k++)
			if (argc < 2 || !strcmp(argv[k], parts[i].name))
				parts[i].fn();
	return 0;
}
