/* q22_sysv_maps: SysV shared memory in maps, its counts and its errors (2, 3.2, 5.2). */
#include "probe.h"

static char *p;

static void line(const char *label, char *at)
{
	char *text = slurp("/proc/self/maps");

	for (char *l; (l = next_line(&text));) {
		unsigned long s, e, off, ino;
		char perms[5], dev[8], name[64] = "";

		if (sscanf(l, "%lx-%lx %4s %lx %7s %lu %63[^\n]", &s, &e, perms, &off, dev, &ino,
			   name) >= 6 &&
		    s == (uintptr_t)at)
			printf("%s: %ld pages %s off %lx dev %s '%s'\n", label, (e - s) / PG, perms,
			       off, dev, hide_key(name));
	}
}

static void nattch(const char *label, int id)
{
	struct shmid_ds d;
	if (shmctl(id, IPC_STAT, &d))
		printf("%s: %s\n", label, en(errno));
	else
		printf("%s: nattch %ld segsz %zu mode %o own %d\n", label, (long)d.shm_nattch,
		       d.shm_segsz, d.shm_perm.mode, d.shm_cpid == getpid());
}

int main(void)
{
	begin();
	p = arena(64);
	int id = shmget(own_key(), 3 * PG + 1, 0600 | IPC_CREAT | IPC_EXCL), status;
	printf("made %d\n", id >= 0);
	T("again, EXCL", shmget(own_key(), PG, 0600 | IPC_CREAT | IPC_EXCL));
	T("larger", shmget(own_key(), 8 * PG, 0600));
	T("smaller is found", shmget(own_key(), PG, 0600) == id ? 0 : -1);
	T("no such key", shmget(own_key() + 0x10000000, PG, 0600));
	T("size 0", shmget(IPC_PRIVATE, 0, 0600 | IPC_CREAT));
	nattch("fresh", id);
	TA("attach", shmat(id, p, 0), p);
	line("line", p);
	TA("attach unaligned", shmat(id, p + 10 * PG + 5, 0), p);
	TA("attach RND", shmat(id, p + 10 * PG + 5, SHM_RND), p);
	TA("attach over, no REMAP", shmat(id, p, 0), p);
	TA("attach REMAP", shmat(id, p, SHM_REMAP), p);
	TA("REMAP at 0", shmat(id, 0, SHM_REMAP), p);
	TA("read-only", shmat(id, p + 20 * PG, SHM_RDONLY), p);
	TA("exec", shmat(id, p + 30 * PG, SHM_EXEC), p);
	line("line read-only", p + 20 * PG);
	line("line exec", p + 30 * PG);
	entry("read-only", p + 20 * PG);
	T("mprotect read-only to rw", mprotect(p + 20 * PG, PG, RW));
	nattch("four", id);
	p[0] = 's';
	printf("seen %c\n", p[10 * PG]);
	counters("counters", p);
	T("split by mprotect", mprotect(p + PG, PG, PROT_READ));
	line("first", p);
	line("second", p + PG);
	line("third", p + 2 * PG);
	nattch("split counts", id);
	T("munmap the middle", munmap(p + PG, PG));
	nattch("one less", id);
	T("shmdt takes both", shmdt(p));
	shape("shape", p, 40);
	nattch("two less", id);
	T("shmdt again", shmdt(p));
	T("shmdt inside", shmdt(p + 11 * PG));
	if (!fork()) {
		nattch("child", id);
		_exit(0);
	}
	wait(&status);
	nattch("child gone", id);
	T("IPC_RMID", shmctl(id, IPC_RMID, 0));
	nattch("marked", id);
	line("line", p + 10 * PG);
	T("key is free", shmget(own_key(), PG, 0600));
	T("mremap", mremap(p + 10 * PG, 4 * PG, 8 * PG, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	T("shmdt ro", shmdt(p + 20 * PG));
	T("shmdt exec", shmdt(p + 30 * PG));
	return 0;
}
