/* q33_page_lists: which list of the LRU each page is on as a program touches, locks, reads, advises and
 * gives up memory, by /proc/kpageflags (5.8, 6). */
#include "kpf.h"

static char *p, buf[PG];

static void look(char *at)
{
	(void)*(volatile char *)at;
}

static void locking(void)
{
	map(p, 64, RW, ANON, -1, 0);
	memset(p, 1, 64 * PG);
	kpf("touched", p, 64);
	mlock(p, 8 * PG);
	kpf("mlock of present ones", p, 10);
	munlock(p, 4 * PG);
	kpf("munlock of 4", p, 10);
	mlock(p + 4 * PG, 8 * PG);
	munlock(p, 64 * PG);
	kpf("munlock of all", p, 16);
	munmap(p, 64 * PG);

	map(p, 64, RW, ANON, -1, 0);
	mlock(p, 64 * PG);
	kpf("mlock of fresh ones", p, 64);
	munlock(p, 64 * PG);
	kpf("unlocked", p, 64);
	mlock2(p, 64 * PG, 1);
	kpf("ONFAULT over present ones", p, 64);
	munmap(p, 64 * PG);

	map(p, 64, RW, ANON, -1, 0);
	mlock2(p, 64 * PG, 1);
	p[0] = p[2 * PG] = 1;
	kpf("ONFAULT, two touched", p, 4);
	munlockall();
	kpf("munlockall", p, 4);
	munmap(p, 64 * PG);
	map(p, 4, PROT_READ, ANON, -1, 0);
	mlock(p, 4 * PG);
	kpf("locked zero page", p, 4);
	munmap(p, 4 * PG);
	mlockall(MCL_FUTURE);
	map(p, 4, RW, ANON, -1, 0);
	kpf("FUTURE", p, 4);
	munlockall();
	kpf("FUTURE, munlockall", p, 4);
	munmap(p, 4 * PG);
}

static void copying(void)
{
	pid_t kid;

	map(p, 4, RW, ANON, -1, 0);
	memset(p, 1, 4 * PG);
	mlock(p, 4 * PG);
	kid = fork();
	if (!kid) {
		kpf("child: parent's locked ones", p, 4);
		p[0] = 2;
		kpf("child: a copy of its own", p, 4);
		mlock(p + PG, PG);
		kpf("child: locks another", p, 4);
		_exit(0);
	}
	waitpid(kid, 0, 0);
	kpf("parent: afterwards", p, 4);
	kid = fork();
	if (!kid) {
		pause();
		_exit(0);
	}
	p[2 * PG] = 3;
	kpf("parent: a copy of a locked one", p, 4);
	kill(kid, SIGKILL);
	waitpid(kid, 0, 0);
	mremap(p, 4 * PG, 4 * PG, 3, p + 200 * PG);
	kpf("moved", p + 200 * PG, 4);
	mremap(p + 200 * PG, 4 * PG, 4 * PG, 7, p);
	kpf("DONTUNMAP", p, 4);
	munlockall();
	kpf("munlockall", p, 4);
	munmap(p, 4 * PG);
	munmap(p + 200 * PG, 4 * PG);
}

static void files(void)
{
	int fd = scratch(32);

	drain();
	for (int i = 0; i < 3; i++) {
		map(p, 32, RW, MAP_SHARED, fd, 0);
		look(p);
		kpf("file, touched once more", p, 17);
		if (i < 2)
			munmap(p, 32 * PG);
	}
	madvise(p, 4 * PG, MADV_COLD);
	kpf("COLD", p, 6);
	p[2 * PG] = 1;
	kpf("stored", p, 4);
	fsync(fd);
	kpf("synced", p, 4);
	mlock(p, 2 * PG);
	map(p + 128 * PG, 4, PROT_READ, MAP_PRIVATE, fd, 0);
	mlock(p + 128 * PG, 4 * PG);
	kpf("locked, two of them twice", p, 5);
	munmap(p + 128 * PG, 4 * PG);
	kpf("the second lock unmapped", p, 5);
	munlock(p, 2 * PG);
	kpf("none left", p, 5);
	mlock(p, 8 * PG);
	T("truncate", ftruncate(fd, 2 * PG));
	kpf("truncated to 2", p, 4);
	munmap(p, 32 * PG);

	fd = scratch(16);
	for (int i = 0; i < 3; i++) {
		map(p, 16, PROT_READ, MAP_SHARED, fd, 0);
		if (i < 2)
			madvise(p, 16 * PG, i ? MADV_RANDOM : MADV_SEQUENTIAL);
		for (int k = 0; k < 16; k++)
			look(p + k * PG);
		if (i == 2)
			kpf("after SEQUENTIAL and RANDOM", p, 16);
		munmap(p, 16 * PG);
	}
}

/* read(2) and write(2) of [page, page + bytes), a second time where n says so. */
static void io(int fd, long page, long off, long bytes, int writing)
{
	long n = writing ? pwrite(fd, buf, bytes, page * PG + off)
			 : pread(fd, buf, bytes, page * PG + off);

	if (n != bytes)
		printf("io: %ld\n", n);
}

static void reading(void)
{
	int fd = scratch(16);

	map(p, 16, RW, MAP_SHARED, fd, 0);
	io(fd, 0, 0, PG, 0);
	io(fd, 1, 0, 100, 0);
	io(fd, 1, 100, 100, 0);
	io(fd, 2, 0, PG, 0);
	io(fd, 3, 0, PG, 0);
	io(fd, 2, 0, PG, 0);
	io(fd, 5, 0, PG, 1);
	io(fd, 5, 0, PG, 1);
	look(p);
	kpf("file, read and written", p, 7);
	munmap(p, 16 * PG);

	fd = memfd("m", 8);
	T("truncate", ftruncate(fd, 12 * PG));
	map(p, 12, RW, MAP_SHARED, fd, 0);
	for (int k = 0; k < 12; k++)
		look(p + k * PG);
	kpf("memfd, 8 written, 4 holes", p, 12);
	io(fd, 0, 0, PG, 0);
	io(fd, 1, 100, 100, 0);
	io(fd, 2, 0, PG, 0);
	io(fd, 2, 0, PG, 0);
	io(fd, 9, 0, PG, 0);
	io(fd, 10, 0, PG, 0);
	io(fd, 10, 0, PG, 0);
	kpf("memfd, read", p, 12);
	mlock(p, 12 * PG);
	kpf("memfd, locked", p, 12);
	T("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PG));
	kpf("memfd, 2 punched", p, 4);
	munmap(p, 12 * PG);
}

static void advice(void)
{
	map(p, 40, RW, ANON, -1, 0);
	memset(p, 1, 40 * PG);
	madvise(p, 34 * PG, MADV_FREE);
	kpf("FREE", p, 36);
	p[PG] = 2;
	madvise(p, 4 * PG, MADV_PAGEOUT);
	kpf("FREE, one stored, PAGEOUT", p, 5);
	munmap(p, 40 * PG);

	map(p, 40, RW, ANON, -1, 0);
	memset(p, 1, 40 * PG);
	madvise(p, 8 * PG, MADV_PAGEOUT);
	kpf("PAGEOUT without swap", p, 10);
	madvise(p, 4 * PG, MADV_COLD);
	kpf("then COLD", p, 10);
	madvise(p + 6 * PG, 8 * PG, MADV_POPULATE_READ);
	kpf("POPULATE_READ", p, 16);
	madvise(p + 6 * PG, 8 * PG, MADV_POPULATE_WRITE);
	kpf("POPULATE_WRITE", p, 16);
	munmap(p, 40 * PG);
}

static void segment(void)
{
	int id = shmget(IPC_PRIVATE, 8 * PG, 0600);
	char *s = shmat(id, 0, 0);

	memset(s, 1, 4 * PG);
	kpf("segment", s, 7);
	T("SHM_LOCK", shmctl(id, SHM_LOCK, 0));
	kpf("SHM_LOCK", s, 7);
	memset(s + 4 * PG, 1, 2 * PG);
	kpf("two touched", s, 7);
	mlock(s + 5 * PG, PG);
	kpf("one of them locked", s, 7);
	T("SHM_UNLOCK", shmctl(id, SHM_UNLOCK, 0));
	kpf("SHM_UNLOCK", s, 7);
	munlock(s, 8 * PG);
	kpf("munlock", s, 7);
	shmctl(id, IPC_RMID, 0);
}

int main(void)
{
	begin();
	one_cpu();
	p = arena(512);
	locking();
	copying();
	files();
	reading();
	advice();
	segment();
	return 0;
}
