/* System V message queues: every call, command and error of msgget(2), msgsnd(2), msgrcv(2), msgctl(2); who
 * gets which message, who waits, and what /proc/sysvipc/msg says. Numbers, times and pids are not printed. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static int key; /* several may run at once */
static struct {
	long type;
	char text[70000];
} buf;

static int put(int id, long type, const char *text, int flags)
{
	buf.type = type;
	strcpy(buf.text, text);
	return msgsnd(id, &buf, strlen(text) + 1, flags);
}

/* Receives one and says what it was. */
static void get(int id, long type, int flags)
{
	long n;

	memset(&buf, 0, 100);
	n = msgrcv(id, &buf, 100, type, flags);
	printf("get %ld %x: %ld", type, flags, n);
	if (n < 0)
		printf(" %s\n", strerrorname_np(errno));
	else
		printf(" type %ld <%s>\n", buf.type, buf.text);
	fflush(stdout);
}

static void show_ds(const char *what, int id)
{
	struct msqid_ds ds;

	if (msgctl(id, IPC_STAT, &ds)) {
		show(what, -1);
		return;
	}
	printf("%s: %lu bytes %lu messages of %lu mode %o send %d %d receive %d %d uid %u %u\n",
	       what, ds.__msg_cbytes, ds.msg_qnum, ds.msg_qbytes, ds.msg_perm.mode,
	       ds.msg_stime != 0, ds.msg_lspid == getpid(), ds.msg_rtime != 0,
	       ds.msg_lrpid == getpid(), ds.msg_perm.uid, ds.msg_perm.cuid);
	fflush(stdout);
}

static int getting(void)
{
	int id;

	SHOW(msgget(key, 0600));
	id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
	WORKS(id);
	SHOW(msgget(key, IPC_CREAT | IPC_EXCL | 0640));
	SHOW(msgget(key, IPC_CREAT) == id);
	return id;
}

static void sending(int id)
{
	SHOW(put(id, 0, "none", 0));
	SHOW(put(id, -1, "none", 0));
	SHOW(put(-1, 1, "none", 0));
	SHOW(put(0x7ffffff, 1, "none", 0));
	SHOW(msgsnd(id, NULL, 1, 0));
	SHOW(msgsnd(id, (char *)&buf + sizeof(buf) - 4, 1, 0) * 0);
	buf.type = 1;
	SHOW(msgsnd(id, &buf, 8193, IPC_NOWAIT));
	SHOW(msgsnd(id, &buf, -1, IPC_NOWAIT));
	SHOW(msgsnd(-1, NULL, -1, 0));
	show_ds("empty", id);
	SHOW(msgsnd(id, &buf, 8192, IPC_NOWAIT));
	SHOW(msgsnd(id, &buf, 8192, IPC_NOWAIT));
	SHOW(msgsnd(id, &buf, 1, IPC_NOWAIT));
	SHOW(msgsnd(id, &buf, 0, IPC_NOWAIT));
	show_ds("full", id);
	SHOW(msgrcv(id, &buf, 100, 0, IPC_NOWAIT));
	SHOW(msgrcv(id, &buf, 100, 0, IPC_NOWAIT | MSG_NOERROR));
	SHOW(msgrcv(id, &buf, 8192, 0, IPC_NOWAIT));
	SHOW(msgrcv(id, &buf, 8192, 0, IPC_NOWAIT));
	SHOW(msgrcv(id, &buf, 8192, 0, IPC_NOWAIT));
}

static void choosing(int id)
{
	put(id, 5, "five", 0);
	put(id, 3, "three", 0);
	put(id, 7, "seven", 0);
	put(id, 3, "three again", 0);
	put(id, 1, "one", 0);
	get(id, 1, IPC_NOWAIT | MSG_COPY);
	get(id, 5, IPC_NOWAIT | MSG_COPY);
	get(id, 0, MSG_COPY);
	get(id, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT);
	SHOW(msgrcv(id, &buf, 2, 0, MSG_COPY | IPC_NOWAIT));
	SHOW(msgrcv(id, &buf, 2, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
	get(id, 3, 0);
	get(id, -4, 0);
	get(id, -4, 0);
	get(id, -4, IPC_NOWAIT);
	get(id, 5, MSG_EXCEPT);
	get(id, 5, MSG_EXCEPT | IPC_NOWAIT);
	get(id, 6, IPC_NOWAIT);
	get(id, LONG_MIN, IPC_NOWAIT);
	get(id, 0, IPC_NOWAIT);
	SHOW(msgrcv(-1, &buf, 2, 0, 0));
	SHOW(msgrcv(0x7ffffff, &buf, 2, 0, 0));
	SHOW(msgrcv(id, &buf, -1, 0, 0));
	put(id, 1, "lost", 0);
	SHOW(msgrcv(id, NULL, 100, 0, 0));
	get(id, 0, IPC_NOWAIT);
	show_ds("after", id);
}

/* By place: MSG_STAT, and the line of /proc/sysvipc/msg. */
static void by_place(int id)
{
	struct msqid_ds ds;
	struct msginfo info;
	char line[200];
	int last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info), found = 0, any = 0, k, i;
	FILE *f = fopen("/proc/sysvipc/msg", "r");
	unsigned long bytes, nr;
	unsigned mode;

	for (i = 0; i <= last; i++) {
		found += msgctl(i, MSG_STAT, &ds) == id;
		any += msgctl(i, 13 /* MSG_STAT_ANY */, &ds) == id;
	}
	printf("by place %d %d, queues %d messages %d bytes %d\n", found, any, info.msgpool > 0,
	       info.msgmap > 0, info.msgtql >= 3);
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "key"))
			fputs(line, stdout);
		else if (sscanf(line, "%d %d %o %lu %lu", &k, &i, &mode, &bytes, &nr) == 5 &&
			 i == id)
			printf("proc: key %d mode %o %lu %lu, %zu characters\n", k == key, mode,
			       bytes, nr, strlen(line));
	if (f)
		fclose(f);
}

static void control(int id)
{
	struct msginfo info;
	struct msqid_ds ds;

	SHOW(msgctl(id, 99, &ds));
	SHOW(msgctl(-1, IPC_STAT, &ds));
	SHOW(msgctl(id, -1, &ds));
	SHOW(msgctl(id, IPC_STAT | 0x100, &ds));
	SHOW(msgctl(id, IPC_STAT, (struct msqid_ds *)8));
	SHOW(msgctl(id, IPC_SET, (struct msqid_ds *)8));
	SHOW(msgctl(0x7ffffff, IPC_STAT, &ds));
	WORKS(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
	printf("info: %d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax,
	       info.msgmnb, info.msgmni, info.msgssz, info.msgtql, info.msgseg);
	put(id, 1, "xy", 0);
	by_place(id);
	msgctl(id, IPC_STAT, &ds);
	ds.msg_qbytes = 5;
	ds.msg_perm.mode = 0600;
	SHOW(msgctl(id, IPC_SET, &ds));
	show_ds("small", id);
	SHOW(put(id, 1, "xyz", IPC_NOWAIT));
	SHOW(put(id, 1, "x", IPC_NOWAIT));
	get(id, 0, 0);
	get(id, 0, 0);
	ds.msg_qbytes = 16384;
	msgctl(id, IPC_SET, &ds);
}

static pid_t receiver(int id, long type, long size)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		long n = msgrcv(id, &buf, size, type, 0);

		printf("received %ld %s\n", n, n < 0 ? strerrorname_np(errno) : buf.text);
		fflush(stdout);
		_exit(0);
	}
	until_asleep(pid);
	return pid;
}

static void waiting(int id)
{
	struct msqid_ds ds;
	pid_t a, b;
	long ret;
	int err;

	a = receiver(id, 2, 100);
	b = receiver(id, 0, 100);
	put(id, 1, "for anybody", 0);
	reap(b);
	put(id, 2, "for two", 0);
	reap(a);
	show_ds("passed on", id);
	a = receiver(id, 2, 3);
	put(id, 2, "too long", 0);
	reap(a);
	get(id, 0, IPC_NOWAIT);
	a = receiver(id, 2, 100);
	put(id, 2, "at once", 0);
	ret = msgrcv(id, &buf, 100, 0, IPC_NOWAIT); /* it never stood there */
	err = errno;
	reap(a);
	printf("and not twice: %ld %s\n", ret, strerrorname_np(err));
	buf.type = 1;
	for (int i = 0; i < 2; i++)
		msgsnd(id, &buf, 8192, 0);
	fflush(stdout);
	a = fork();
	if (!a) {
		SHOW(put(id, 9, "there is room", 0));
		fflush(stdout);
		_exit(0);
	}
	until_asleep(a);
	ret = msgrcv(id, &buf, 8192, 0, 0);
	reap(a);
	printf("made room: %ld\n", ret);
	get(id, 9, 0);
	SHOW(msgrcv(id, &buf, 8192, 0, 0));
	a = receiver(id, 2, 100);
	msgctl(id, IPC_STAT, &ds);
	msgctl(id, IPC_SET, &ds); /* they look again */
	until_asleep(a);
	put(id, 2, "still there", 0);
	reap(a);
}

static void interrupted(int id)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	pid = receiver(id, 2, 100);
	kill(pid, SIGUSR1);
	reap(pid);
	pid = receiver(id, 2, 100);
	kill(pid, SIGKILL);
	reap(pid);
	show_ds("nobody waits", id);
}

static void strangers(int id)
{
	struct msqid_ds ds;
	pid_t pid;

	msgctl(id, IPC_STAT, &ds);
	ds.msg_perm.mode = 0602;
	msgctl(id, IPC_SET, &ds);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (getuid() == 0 && (setgid(12345) || setuid(12345)))
			_exit(1);
		SHOW(put(id, 1, "may", 0));
		SHOW(msgrcv(id, &buf, 100, 0, 0));
		SHOW(msgctl(id, IPC_STAT, &ds));
		SHOW(msgget(key, 0600) == id ? 1 : -1);
		ds.msg_qbytes = 1 << 20;
		SHOW(msgctl(id, IPC_SET, &ds));
		if (getuid() == 12345)
			SHOW(msgctl(id, IPC_RMID, NULL));
		fflush(stdout);
		_exit(0);
	}
	reap(pid);
}

static void removed(int id)
{
	pid_t a = receiver(id, 5, 100), b;
	int ret;

	buf.type = 1;
	for (int i = 0; i < 2; i++)
		msgsnd(id, &buf, i ? 8188 : 8192, 0);
	fflush(stdout);
	b = fork();
	if (!b) {
		_exit(msgsnd(id, &buf, 8192, 0) ? errno : 0);
	}
	until_asleep(b);
	ret = msgctl(id, IPC_RMID, NULL);
	reap(a);
	reap(b);
	printf("removed: %d\n", ret);
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW(msgget(key, 0));
}

int main(void)
{
	int id;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	key = 0x51000000 | getpid();
	id = getting();
	sending(id);
	choosing(id);
	control(id);
	fflush(stdout);
	waiting(id);
	interrupted(id);
	strangers(id);
	removed(id);
	return 0;
}
