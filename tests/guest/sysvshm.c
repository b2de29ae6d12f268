/* System V shared memory: every call, flag and error of shmget(2), shmat(2), shmdt(2), shmctl(2), and what
 * /proc/sysvipc/shm says of it. Numbers of segments, addresses and times are not printed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define PAGE 4096UL

static int key_of_run; /* several may run at once */
#define KEY key_of_run

#define IPCMNI 32768 /* indexes of segments; include/linux/ipc.h */

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static void show_ds(const char *what, int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds)) {
		show(what, -1);
		return;
	}
	printf("%s: size %lu mode %o nattch %lu own %d last %d times %d%d%d uid %u %u gid %u %u\n",
	       what, ds.shm_segsz, ds.shm_perm.mode, ds.shm_nattch, ds.shm_cpid == getpid(),
	       ds.shm_lpid == getpid(), ds.shm_atime != 0, ds.shm_dtime != 0, ds.shm_ctime != 0,
	       ds.shm_perm.uid, ds.shm_perm.cuid, ds.shm_perm.gid, ds.shm_perm.cgid);
}

/* The segment's line in /proc/sysvipc/shm. */
static void show_proc(int id)
{
	FILE *f = fopen("/proc/sysvipc/shm", "r");
	unsigned long size, nattch, rss, swap;
	char line[300];
	unsigned mode;
	int key, shmid;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%d %d %o %lu %*u %*u %lu %*u %*u %*u %*u %*u %*u %*u %lu %lu",
			   &key, &shmid, &mode, &size, &nattch, &rss, &swap) == 7 &&
		    shmid == id)
			printf("proc: key %d mode %o size %lu nattch %lu rss %lu swap %lu, %zu "
			       "characters\n",
			       key == KEY, mode, size, nattch, rss, swap, strlen(line));
	if (f)
		fclose(f);
}

static void show_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long start, end, off;
	char line[300], perms[8], want[16], *name;

	snprintf(want, sizeof(want), "/SYSV%08x", KEY);
	while (f && fgets(line, sizeof(line), f)) {
		name = strstr(line, want);
		if (name && sscanf(line, "%lx-%lx %7s %lx", &start, &end, perms, &off) == 4)
			printf("maps: %lu %s %lx /SYSV%s", end - start, perms, off,
			       name + strlen(want));
	}
	if (f)
		fclose(f);
}

static int getting(void)
{
	int id, priv;

	printf("== shmget\n");
	WORKS(shmget(KEY, PAGE, 0600));
	WORKS(shmget(IPC_PRIVATE, 0, 0600));
	WORKS(shmget(KEY, 0, IPC_CREAT | 0600));
	WORKS(shmget(IPC_PRIVATE, ~0UL, 0600));
	WORKS(shmget(IPC_PRIVATE, ~0UL - (1UL << 24), 0600));
	id = shmget(KEY, 2 * PAGE + 1, IPC_CREAT | IPC_EXCL | 0640);
	SHOW(shmget(KEY, 100, 0) == id);
	SHOW(shmget(KEY, 0, IPC_CREAT) == id);
	WORKS(shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL));
	WORKS(shmget(KEY, 3 * PAGE, 0));
	WORKS(shmget(KEY, PAGE, SHM_HUGETLB | IPC_CREAT));
	priv = shmget(IPC_PRIVATE, 1, 0777);
	SHOW(priv != id);
	show_ds("one byte", priv);
	SHOW(shmctl(priv, IPC_RMID, NULL));
	show_ds("removed", priv);
	show_ds("new", id);
	show_proc(id);
	return id;
}

static void attaching(int id)
{
	char *a, *b, *c;

	printf("== shmat\n");
	a = shmat(id, NULL, 0);
	show_ds("attached", id);
	b = shmat(id, NULL, SHM_RDONLY);
	strcpy(a + PAGE, "text");
	printf("%s\n", b + PAGE);
	show_proc(id);
	show_maps();
	WORKS(shmat(id, a + 1, 0));
	WORKS(shmat(id, a, 0));
	WORKS(shmat(id, a + 1, SHM_RND));
	WORKS(shmat(id, NULL, SHM_REMAP));
	WORKS(shmat(id, (void *)1, SHM_RND | SHM_REMAP));
	WORKS(shmat(-1, NULL, 0));
	WORKS(shmat(0x7fffffff, NULL, 0));
	c = shmat(id, b, SHM_REMAP);
	SHOW(c == b);
	show_ds("over the second", id);
	c[0] = 'x';
	SHOW(a[0] == 'x');
	SHOW(munmap(a, PAGE));
	show_ds("a page less", id);
	show_maps();
	SHOW(mprotect(b + PAGE, PAGE, PROT_READ));
	show_ds("split", id);
	SHOW(shmdt(a + PAGE));
	SHOW(shmdt(a));
	SHOW(shmdt(a));
	SHOW(shmdt(b + 1));
	SHOW(shmdt(b));
	show_ds("detached", id);
	show_maps();
}

static void children(int id)
{
	char *a = shmat(id, NULL, 0);
	int status;

	printf("== fork, exit\n");
	if (!fork()) {
		struct shmid_ds ds;

		shmctl(id, IPC_STAT, &ds);
		a[10] = ds.shm_nattch;
		_exit(0);
	}
	wait(&status);
	SHOW(a[10]);
	show_ds("the child is gone", id);
	SHOW(shmctl(id, IPC_RMID, NULL));
	show_ds("removed, attached", id);
	show_proc(id);
	WORKS(shmget(KEY, 0, 0));
	show_maps();
	a[PAGE] = 'y';
	WORKS(shmat(id, NULL, 0));
	show_ds("attached again", id);
	SHOW(shmdt(a));
	show_ds("once", id);
}

static void controlling(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600), found = 0, any = 0, tries = 0, max, last;
	struct shm_info usage;
	struct shminfo limits;
	struct shmid_ds ds;

	printf("== shmctl\n");
	shmctl(id, IPC_STAT, &ds);
	ds.shm_perm.mode = 04755;
	ds.shm_perm.uid = 7;
	ds.shm_perm.gid = 8;
	ds.shm_segsz = 1;
	SHOW(shmctl(id, IPC_SET, &ds));
	show_ds("set", id);
	SHOW(shmctl(id, SHM_LOCK, NULL));
	show_ds("locked", id);
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	show_ds("unlocked", id);
	SHOW(shmctl(id, 999, NULL));
	SHOW(shmctl(id, IPC_RMID | 0x100, NULL)); /* IPC_64 is for old kernels */
	SHOW(shmctl(-1, IPC_STAT, &ds));
	SHOW(shmctl(id, IPC_STAT, NULL));
	SHOW(shmctl(id, IPC_SET, NULL));
	/* Others on this system make and remove segments meanwhile. */
	do {
		max = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
		last = shmctl(0, SHM_INFO, (struct shmid_ds *)&usage);
	} while (max != last && tries++ < 1000);
	printf("limits %lx %lu %lu %lu %lx\n", limits.shmmax, limits.shmmin, limits.shmmni,
	       limits.shmseg, limits.shmall);
	SHOW(last == max);
	SHOW(usage.used_ids >= 1 && usage.shm_tot >= 1);
	for (int i = 0; i <= max; i++) {
		found += shmctl(i, SHM_STAT, &ds) == id;
		any += shmctl(i, SHM_STAT_ANY, &ds) == id;
	}
	printf("found %d %d\n", found, any);
	SHOW(shmctl(IPCMNI - 1, SHM_STAT, &ds));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, SHM_LOCK, NULL));
}

/* What an ordinary user may lock is limited by RLIMIT_MEMLOCK, all segments of that user together: the user is one
 * that no other run has. */
static void locks(void)
{
	struct rlimit limit = {3 * PAGE, 3 * PAGE};
	int a, b, big;
	uid_t user;
	pid_t pid;

	printf("== locks\n");
	fflush(stdout);
	pid = fork();
	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	user = 0x10000 + getppid();
	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (setresuid(user, user, user))
		printf("an ordinary user already\n");
	a = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	b = shmget(IPC_PRIVATE, PAGE + 1, 0600);
	big = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
	SHOW(shmctl(big, SHM_LOCK, NULL));
	SHOW(shmctl(a, SHM_LOCK, NULL));
	SHOW(shmctl(a, SHM_LOCK, NULL));
	SHOW(shmctl(b, SHM_LOCK, NULL));
	SHOW(shmctl(a, SHM_UNLOCK, NULL));
	SHOW(shmctl(b, SHM_LOCK, NULL));
	SHOW(shmctl(a, SHM_LOCK, NULL));
	SHOW(shmctl(b, IPC_RMID, NULL));
	SHOW(shmctl(a, SHM_LOCK, NULL));
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	SHOW(shmctl(a, SHM_LOCK, NULL));
	SHOW(shmctl(big, SHM_LOCK, NULL));
	SHOW(shmctl(a, SHM_UNLOCK, NULL));
	shmctl(a, IPC_RMID, NULL);
	shmctl(big, IPC_RMID, NULL);
	fflush(stdout);
	_exit(0);
}

static void rights(void)
{
	int secret = shmget(IPC_PRIVATE, PAGE, 0600), open = shmget(IPC_PRIVATE, PAGE, 0604),
	    status;
	struct shmid_ds ds;

	printf("== rights\n");
	fflush(stdout);
	if (!fork()) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		WORKS(shmat(secret, NULL, SHM_RDONLY));
		WORKS(shmat(open, NULL, 0));
		WORKS(shmat(open, NULL, SHM_RDONLY));
		SHOW(shmctl(secret, IPC_STAT, &ds));
		SHOW(shmctl(open, IPC_STAT, &ds));
		SHOW(shmctl(open, IPC_SET, &ds));
		SHOW(shmctl(open, IPC_RMID, NULL));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	SHOW(shmctl(secret, IPC_RMID, NULL));
	SHOW(shmctl(open, IPC_RMID, NULL));
}

int main(void)
{
	int old, id;

	key_of_run = 0x56000000 + getpid();
	old = shmget(KEY, 0, 0);
	if (old >= 0) /* an earlier run was broken off */
		shmctl(old, IPC_RMID, NULL);
	id = getting();
	attaching(id);
	children(id);
	controlling();
	locks();
	rights();
	return 0;
}
