/* System V semaphores: every call, command and error of semget(2), semop(2), semctl(2); who waits, in which
 * order they go on, what SEM_UNDO takes back, and what /proc/sysvipc/sem says. Numbers, times and pids are not
 * printed. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static int key; /* several may run at once */

static long ctl(int id, int num, int cmd, unsigned long arg)
{
	return syscall(SYS_semctl, id, num, cmd, arg);
}

static int op1(int id, int num, int op, int flags)
{
	struct sembuf s = {.sem_num = num, .sem_op = op, .sem_flg = flags};

	return (int)syscall(SYS_semop, id, &s, 1UL); /* the library makes semtimedop(2) of it */
}

/* Until @n wait as @cmd (GETNCNT, GETZCNT) counts them. */
static void until_waiting(int id, int num, int cmd, int n)
{
	for (int i = 0; i < 5000 && ctl(id, num, cmd, 0) != n; i++)
		usleep(1000);
	printf("waiting: %ld\n", ctl(id, num, cmd, 0));
}

static void values(const char *what, int id, int n)
{
	unsigned short v[16] = {0};

	ctl(id, 0, GETALL, (unsigned long)v);
	printf("%s:", what);
	for (int i = 0; i < n; i++)
		printf(" %d", v[i]);
	putchar('\n');
	fflush(stdout);
}

static int getting(void)
{
	int id;

	SHOW(semget(key, 1, 0600));
	SHOW(semget(key, 0, IPC_CREAT | 0600));
	SHOW(semget(key, -1, IPC_CREAT | 0600));
	SHOW(semget(key, 32001, IPC_CREAT | 0600));
	id = semget(key, 4, IPC_CREAT | IPC_EXCL | 0640);
	WORKS(id);
	SHOW(semget(key, 4, IPC_CREAT | IPC_EXCL | 0640));
	SHOW(semget(key, 5, 0));
	SHOW(semget(key, 0, 0) == id);
	SHOW(semget(key, 4, IPC_CREAT | 0600) == id);
	return id;
}

static void bad_ops(int id)
{
	static struct sembuf many[501];
	struct sembuf two[2] = {{0, 1, 0}, {1, -1, IPC_NOWAIT}};
	struct sembuf same[3] = {{2, 2, 0}, {2, -1, 0}, {2, -1, IPC_NOWAIT}};
	struct timespec bad = {0, 1000000000}, none = {0, 0}, some = {0, 1000000};

	SHOW(semop(id, many, 0));
	SHOW(semop(-1, many, 1));
	SHOW(semop(0x7ffffff, many, 1));
	SHOW(semop(id, many, 501));
	SHOW(semop(-1, many, 501));
	SHOW(semop(id, NULL, 1));
	SHOW(semop(id, many, 500));
	SHOW(op1(id, 4, 1, 0));
	SHOW(op1(id, 0, -1, IPC_NOWAIT));
	SHOW(op1(id, 0, 32767, 0));
	SHOW(op1(id, 0, 1, 0));
	SHOW(op1(id, 0, 0, IPC_NOWAIT));
	SHOW(op1(id, 0, -32767, 0));
	SHOW(op1(id, 1, -32768, IPC_NOWAIT));
	SHOW(semop(id, two, 2));
	values("nothing", id, 4);
	SHOW(semop(id, same, 3));
	SHOW(semop(id, same, 3));
	values("twice", id, 4);
	SHOW(semtimedop(id, two, 2, &bad));
	SHOW(semtimedop(id, two, 2, (struct timespec *)8));
	two[1].sem_flg = 0;
	SHOW(semtimedop(id, two, 2, &none));
	SHOW(semtimedop(id, two, 2, &some));
	SHOW(semtimedop(id, two, 1, &none));
	values("one", id, 4);
	ctl(id, 0, SETVAL, 0);
}

static void show_ds(const char *what, int id)
{
	struct semid_ds ds;

	if (semctl(id, 0, IPC_STAT, &ds)) {
		show(what, -1);
		return;
	}
	printf("%s: %lu mode %o times %d%d key %d uid %u %u gid %u %u\n", what, ds.sem_nsems,
	       ds.sem_perm.mode, ds.sem_otime != 0, ds.sem_ctime != 0, ds.sem_perm.__key == key,
	       ds.sem_perm.uid, ds.sem_perm.cuid, ds.sem_perm.gid, ds.sem_perm.cgid);
}

/* By place: SEM_STAT, and the line of /proc/sysvipc/sem. */
static void by_place(int id)
{
	struct semid_ds ds;
	struct seminfo info;
	char line[200];
	int last = semctl(0, 0, SEM_INFO, &info), found = 0, any = 0;
	FILE *f = fopen("/proc/sysvipc/sem", "r");
	unsigned mode;
	int k, i, n;

	for (i = 0; i <= last; i++) {
		found += semctl(i, 0, SEM_STAT, &ds) == id && ds.sem_nsems == 4;
		any += semctl(i, 0, SEM_STAT_ANY, &ds) == id;
	}
	printf("by place %d %d, arrays %d semaphores %d\n", found, any, info.semusz > 0,
	       info.semaem >= 4);
	while (f && fgets(line, sizeof(line), f))
		if (!strchr(line, '\n') || strstr(line, "key"))
			fputs(line, stdout);
		else if (sscanf(line, "%d %d %o %d", &k, &i, &mode, &n) == 4 && i == id)
			printf("proc: key %d mode %o nsems %d, %zu characters\n", k == key, mode, n,
			       strlen(line));
	if (f)
		fclose(f);
}

static void control(int id)
{
	unsigned short v[4] = {1, 2, 3, 32768};
	struct seminfo info;
	struct semid_ds ds;

	SHOW(ctl(id, 0, 99, 0));
	SHOW(ctl(-1, 0, GETVAL, 0));
	SHOW(ctl(id, 4, GETVAL, 0));
	SHOW(ctl(id, -1, GETPID, 0));
	SHOW(ctl(id, 0, IPC_STAT | 0x100, (unsigned long)&ds));
	SHOW(ctl(id, 0, SETVAL, 32768));
	SHOW(ctl(id, 0, SETVAL, -1));
	SHOW(ctl(id, 9, SETVAL, -1));
	SHOW(ctl(id, 4, SETVAL, 0));
	SHOW(ctl(id, 0, SETVAL, 32767));
	SHOW(ctl(id, 0, SETALL, (unsigned long)v));
	SHOW(ctl(id, 0, SETALL, 8));
	SHOW(ctl(id, 0, GETALL, 8));
	SHOW(ctl(id, 0, IPC_STAT, 8));
	SHOW(ctl(id, 0, IPC_SET, 8));
	v[3] = 4;
	SHOW(ctl(id, 77, SETALL, (unsigned long)v));
	values("all", id, 4);
	SHOW(ctl(id, 2, GETVAL, 0));
	SHOW(ctl(id, 2, GETPID, 0) == getpid());
	SHOW(ctl(id, 2, GETNCNT, 0));
	SHOW(ctl(id, 2, GETZCNT, 0));
	show_ds("stat", id);
	semctl(id, 0, IPC_STAT, &ds);
	ds.sem_perm.mode = 07600;
	SHOW(semctl(id, 0, IPC_SET, &ds));
	show_ds("set", id);
	WORKS(semctl(0, 0, IPC_INFO, &info));
	printf("info: %d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns,
	       info.semmnu, info.semmsl, info.semopm, info.semume, info.semusz, info.semvmx,
	       info.semaem);
	by_place(id);
	ctl(id, 0, SETALL, (unsigned long)(unsigned short[4]){0});
}

/* A child that does @op, and then adds one to semaphore 3. */
static pid_t waiter(int id, int num, int op)
{
	pid_t pid = flushed_fork();

	if (pid)
		return pid;
	if (op1(id, num, op, 0) || op1(id, 3, 1, 0))
		_exit(errno);
	_exit(0);
}

/* Who is let go by SETVAL has done its call then: the array shows when. */
static void set_wakes(void)
{
	struct sembuf zero_undo[2] = {{0, 0, SEM_UNDO}, {1, -1, IPC_NOWAIT}};
	int id = semget(IPC_PRIVATE, 2, 0600);
	struct semid_ds ds;
	pid_t pid;

	SHOW(semop(id, zero_undo, 2)); /* there is nothing to take back */
	semctl(id, 0, IPC_STAT, &ds);
	printf("never: %d\n", ds.sem_otime != 0);
	fflush(stdout);
	pid = flushed_fork();
	if (!pid)
		_exit(op1(id, 0, -1, 0) ? errno : 0);
	until_waiting(id, 0, GETNCNT, 1);
	ctl(id, 0, SETVAL, 1);
	reap(pid);
	semctl(id, 0, IPC_STAT, &ds);
	printf("since: %d\n", ds.sem_otime != 0);
	ctl(id, 0, IPC_RMID, 0);
}

static void waiting(int id)
{
	struct sembuf both[2] = {{0, -1, 0}, {1, -1, 0}};
	pid_t a, b, c;

	a = waiter(id, 0, -2);
	until_waiting(id, 0, GETNCNT, 1);
	b = waiter(id, 0, -1);
	until_waiting(id, 0, GETNCNT, 2);
	op1(id, 0, 1, 0); /* b overtakes a */
	reap(b);
	until_waiting(id, 0, GETNCNT, 1);
	c = waiter(id, 0, -3);
	until_waiting(id, 0, GETNCNT, 2);
	op1(id, 0, 3, 0); /* a came first, and then it is not enough for c */
	reap(a);
	values("left", id, 4);
	op1(id, 0, 2, 0);
	reap(c);
	values("none left", id, 4);
	SHOW(ctl(id, 0, GETPID, 0) == c);

	op1(id, 2, 1, 0);
	a = waiter(id, 2, 0);
	until_waiting(id, 2, GETZCNT, 1);
	b = waiter(id, 2, -2);
	until_waiting(id, 2, GETNCNT, 1);
	op1(id, 2, 1, 0); /* b makes it zero, and a goes on */
	reap(a);
	reap(b);

	a = flushed_fork();
	if (!a)
		_exit(semop(id, both, 2) ? errno : 0);
	until_waiting(id, 0, GETNCNT, 1);
	op1(id, 0, 1, 0);
	until_waiting(id, 1, GETNCNT, 1);
	SHOW(ctl(id, 0, GETNCNT, 0));
	SHOW(ctl(id, 1, SETVAL, 1));
	reap(a);
	values("both", id, 3);
	set_wakes();
	a = waiter(id, 1, -1);
	until_waiting(id, 1, GETNCNT, 1);
	SHOW(ctl(id, 0, SETALL, (unsigned long)(unsigned short[4]){0, 1, 0, 0}));
	reap(a);
	ctl(id, 0, SETALL, (unsigned long)(unsigned short[4]){0});
}

static void undoing(int id)
{
	struct sembuf fail[2] = {{0, 5, SEM_UNDO}, {1, -99, IPC_NOWAIT}};
	pid_t pid = flushed_fork();

	if (!pid) {
		op1(id, 0, 3, SEM_UNDO);
		op1(id, 1, 5, SEM_UNDO);
		op1(id, 1, -1, SEM_UNDO);
		op1(id, 2, 7, SEM_UNDO);
		if (semop(id, fail, 2) != -1 ||
		    flushed_fork() == 0) /* a child of its own has nothing */
			_exit(1);
		wait(NULL);
		values("before", id, 4);
		ctl(id, 2, SETVAL, 9); /* nothing of it is taken back */
		op1(id, 0, -2, 0);     /* ... and there may be less than is taken back */
		_exit(0);
	}
	reap(pid);
	values("undone", id, 4);
	SHOW(ctl(id, 1, GETPID, 0) == pid);
	pid = flushed_fork();
	if (!pid) {
		SHOW(op1(id, 0, 32767, SEM_UNDO));
		SHOW(op1(id, 0, -32767, 0));
		SHOW(op1(id, 0, 1, SEM_UNDO));
		SHOW(op1(id, 0, 2, SEM_UNDO));
		fflush(stdout);
		_exit(0);
	}
	fflush(stdout);
	reap(pid);
	pid = flushed_fork();
	if (!pid) {
		op1(id, 0, 1, SEM_UNDO);
		execl("/proc/self/exe", "sysvsem", "exec", (char *)NULL);
	}
	reap(pid);
	values("past exec", id, 4);
	ctl(id, 0, SETALL, (unsigned long)(unsigned short[4]){0});
}

static void interrupted(int id)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct timespec long_time = {100, 0};
	struct sembuf s = {0, -1, 0};
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	pid = flushed_fork();
	if (!pid) {
		SHOW(op1(id, 0, -1, 0));
		SHOW(semtimedop(id, &s, 1, &long_time));
		fflush(stdout);
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		until_waiting(id, 0, GETNCNT, 1);
		fflush(stdout);
		kill(pid, SIGUSR1);
		for (int j = 0; j < 2000 && !i && ctl(id, 0, GETNCNT, 0); j++)
			usleep(100);
	}
	reap(pid);
	printf("waiting: %ld\n", ctl(id, 0, GETNCNT, 0));
	fflush(stdout);
	pid = flushed_fork();
	if (!pid) {
		SHOW(op1(id, 0, -1, 0));
		fflush(stdout);
		_exit(0);
	}
	until_waiting(id, 0, GETNCNT, 1);
	fflush(stdout);
	kill(pid, SIGKILL);
	reap(pid);
	printf("waiting: %ld\n", ctl(id, 0, GETNCNT, 0));
}

static void strangers(int id)
{
	unsigned short v[4] = {0};
	struct semid_ds ds;
	pid_t pid;

	semctl(id, 0, IPC_STAT, &ds);
	ds.sem_perm.mode = 0604;
	semctl(id, 0, IPC_SET, &ds);
	fflush(stdout);
	pid = flushed_fork();
	if (!pid) {
		if (getuid() == 0 && (setgid(12345) || setuid(12345)))
			_exit(1);
		SHOW(op1(id, 0, 1, 0));
		SHOW(op1(id, 0, 0, IPC_NOWAIT));
		SHOW(ctl(id, 0, GETVAL, 0));
		SHOW(ctl(id, 0, SETVAL, 0));
		SHOW(ctl(id, 0, GETALL, (unsigned long)v));
		SHOW(ctl(id, 0, SETALL, (unsigned long)v));
		SHOW(semget(key, 1, 0600) == id ? 1 : -1);
		SHOW(semget(key, 1, 0004) == id);
		SHOW(ctl(id, 0, IPC_SET, (unsigned long)&ds));
		if (getuid() == 12345)
			SHOW(ctl(id, 0, IPC_RMID, 0));
		fflush(stdout);
		_exit(0);
	}
	reap(pid);
}

static void removed(int id)
{
	pid_t pid;
	long ret;

	fflush(stdout);
	pid = flushed_fork();
	if (!pid) {
		op1(id, 1, 1, SEM_UNDO);
		SHOW(op1(id, 0, -2, SEM_UNDO));
		SHOW(op1(id, 0, -2, 0));
		fflush(stdout);
		_exit(0);
	}
	for (int i = 0; i < 5000 && ctl(id, 0, GETNCNT, 0) != 1; i++)
		usleep(1000);
	ret = ctl(id, 0, IPC_RMID, 0);
	reap(pid);
	printf("removed: %ld\n", ret);
	SHOW(ctl(id, 0, IPC_RMID, 0));
	SHOW(ctl(id, 0, GETVAL, 0));
	SHOW(semget(key, 1, 0600));
}

int main(int argc, char **argv)
{
	int id;

	(void)argv;
	if (argc > 1)
		return 0;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	key = 0x5e000000 | getpid();
	id = getting();
	bad_ops(id);
	control(id);
	fflush(stdout);
	waiting(id);
	undoing(id);
	interrupted(id);
	strangers(id);
	removed(id);
	return 0;
}
