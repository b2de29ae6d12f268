/* Huge pages that one asks for by name, while the pool of them is empty: MAP_HUGETLB, MFD_HUGETLB and
 * SHM_HUGETLB, with every error, and what such memory is like until it is touched. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "touch.h"

#define PG 4096UL
#define HUGE (512 * PG)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define HTLB (ANON | MAP_HUGETLB | MAP_NORESERVE)

static char *area; /* 16 huge pages of room */

static const char *name(long ret)
{
	return ret < 0 && ret >= -4095 ? strerrorname_np(errno) : "ok";
}

static const char *mapped(void *p)
{
	const char *s = name((long)p);

	if (p != MAP_FAILED)
		munmap(p, HUGE);
	return s;
}

/* Areas of the room: place and smaps' non-zero lines. */
static void show(const char *what, int all)
{
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long s, e;
	int in = 0;

	printf("%s:", what);
	while (fgets(line, sizeof(line), f)) {
		char rights[8], path[256] = "";
		unsigned long off;

		if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' ') &&
		    sscanf(line, "%lx-%lx %7s %lx %*s %*s %255[^\n]", &s, &e, rights, &off, path) >=
			    4) {
			in = s >= (unsigned long)area && e <= (unsigned long)area + 16 * HUGE;
			if (in)
				printf(" [%lx,%lx %s %lx %s]", (s - (unsigned long)area) / PG,
				       (e - (unsigned long)area) / PG, rights, off, path);
			continue;
		}
		if (in && !strncmp(line, "VmFlags", 7))
			printf(" %s", strtok(line + 8, "\n"));
		else if (in && all && !strstr(line, " 0 kB"))
			printf("\n  %s", strtok(line, "\n"));
	}
	printf("\n");
	fclose(f);
}

static void clear(void)
{
	mmap(area, 16 * HUGE, PROT_NONE, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
	munmap(area, 16 * HUGE);
}

static void *fixed(unsigned long off, unsigned long len, int prot, int flags, int fd, long pgoff)
{
	return mmap(area + off, len, prot, flags | MAP_FIXED, fd, pgoff);
}

static void ways_to_map(void)
{
	int fd;

	for (int log = 0; log < 64; log++) {
		void *p = mmap(NULL, HUGE, RW, HTLB | log << 26, -1, 0);

		if (p != MAP_FAILED || errno != EINVAL)
			printf("size %d: %s\n", log, name((long)p));
		if (p != MAP_FAILED)
			munmap(p, 1UL << (log ? log : 21));
	}
	printf("reserve %s", mapped(mmap(NULL, HUGE, RW, ANON | MAP_HUGETLB, -1, 0)));
	printf(" shared %s",
	       mapped(mmap(NULL, HUGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0)));
	printf(" read-only %s", mapped(mmap(NULL, HUGE, PROT_READ, ANON | MAP_HUGETLB, -1, 0)));
	printf(" none %s", mapped(mmap(NULL, HUGE, PROT_NONE, ANON | MAP_HUGETLB, -1, 0)));
	printf(" no length %s", mapped(mmap(NULL, 0, RW, HTLB, -1, 0)));
	printf(" too long %s", mapped(mmap(NULL, -1UL, RW, HTLB, -1, 0)));
	printf(" shared free %s",
	       mapped(mmap(NULL, HUGE, RW, (HTLB & ~MAP_PRIVATE) | MAP_SHARED, -1, 0)));
	printf(" validate %s",
	       mapped(mmap(NULL, HUGE, RW, (HTLB & ~MAP_PRIVATE) | MAP_SHARED_VALIDATE, -1, 0)));
	printf(" no type %s", mapped(mmap(NULL, HUGE, RW, HTLB & ~MAP_PRIVATE, -1, 0)));
	printf(" droppable %s", mapped(mmap(NULL, HUGE, RW, (HTLB & ~MAP_PRIVATE) | 8, -1, 0)));
	printf(" growsdown %s", mapped(mmap(NULL, HUGE, RW, HTLB | MAP_GROWSDOWN, -1, 0)));
	printf(" locked %s", mapped(mmap(NULL, HUGE, RW, HTLB | MAP_LOCKED, -1, 0)));
	printf(" populate %s", mapped(mmap(NULL, HUGE, RW, HTLB | MAP_POPULATE, -1, 0)));
	printf(" 32 bit %s", mapped(mmap(NULL, HUGE, RW, HTLB | MAP_32BIT, -1, 0)));
	printf(" stack %s\n", mapped(mmap(NULL, HUGE, RW, HTLB | MAP_STACK, -1, 0)));
	clear();
	printf("unaligned %s", name((long)mmap(area + PG, HUGE, RW, HTLB | MAP_FIXED, -1, 0)));
	printf(" odd length %s", name((long)mmap(area, PG, RW, HTLB | MAP_FIXED, -1, 0)));
	show(" gives", 1);
	clear();
	printf("hint %d", mmap(area + 3 * HUGE, HUGE, RW, HTLB, -1, 0) == area + 3 * HUGE);
	printf(" unaligned hint %ld",
	       (long)mmap(area + 5 * HUGE + PG, HUGE, RW, HTLB, -1, 0) % (long)HUGE);
	printf(" noreplace %s",
	       name((long)mmap(area + 3 * HUGE, HUGE, RW, HTLB | MAP_FIXED_NOREPLACE, -1, 0)));
	printf(" offset %s", mapped(mmap(NULL, HUGE, RW, HTLB, -1, PG)));
	printf(" beyond %s",
	       name((long)mmap((void *)(1UL << 47), HUGE, RW, HTLB | MAP_FIXED, -1, 0)));
	fd = open("/proc/self/exe", O_RDONLY);
	printf(" a file's %s",
	       mapped(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd, 0)));
	printf(" no file's %s",
	       mapped(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, -1, 0)));
	close(fd);
	fd = memfd_create("small", 0);
	printf(" a memfd's %s",
	       mapped(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd, 0)));
	printf(" zero's %s\n", mapped(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB,
					   open("/dev/zero", O_RDWR), 0)));
	close(fd);
	clear();
}

static void build(void)
{
	clear();
	fixed(0, 4 * HUGE, RW, HTLB, -1, 0);
}

static void calls(void)
{
	unsigned char vec[1024];
	struct iovec l = {vec, 8}, r = {area, 8};

	build();
	show("built", 1);
	printf("touch %d %d", touch(area, 0), touch(area + HUGE, 1));
	printf(" read %s", name(read(open("/dev/zero", O_RDONLY), area, 10)));
	printf(" write %s", name(write(1, area, 1)));
	printf(" readv %s\n", name(process_vm_readv(getpid(), &l, 1, &r, 1, 0)));
	printf("munmap part %s", name(munmap(area, PG)));
	printf(" middle %s", name(munmap(area + PG, HUGE)));
	printf(" odd %s", name(munmap(area + HUGE, HUGE + PG)));
	printf(" tail %s", name(munmap(area + 3 * HUGE, HUGE)));
	printf(" short tail %s\n", name(munmap(area + 2 * HUGE, PG)));
	show("unmapped", 0);
	build();
	printf("mprotect part %s", name(mprotect(area, PG, PROT_READ)));
	printf(" middle %s", name(mprotect(area + PG, HUGE, PROT_READ)));
	printf(" one %s", name(mprotect(area + HUGE, HUGE, PROT_READ)));
	printf(" exec %s", name(mprotect(area + 2 * HUGE, HUGE, PROT_READ | PROT_EXEC)));
	printf(" growsdown %s\n", name(mprotect(area, HUGE, PROT_READ | PROT_GROWSDOWN)));
	show("protected", 0);
	build();
	printf("fixed over a part %s", name((long)fixed(PG, PG, RW, ANON, -1, 0)));
	printf(" over the tail's part %s", name((long)fixed(3 * HUGE, PG, RW, ANON, -1, 0)));
	printf(" over one %s\n", name((long)fixed(HUGE, HUGE, RW, ANON, -1, 0)));
	show("replaced", 0);
	build();
	printf("mlock %s", name(mlock(area, HUGE)));
	printf(" part %s", name(mlock(area + HUGE, PG)));
	printf(" munlock %s", name(munlock(area, HUGE)));
	printf(" mincore %s %d", name(mincore(area, HUGE, vec)), vec[0]);
	printf(" msync %s", name(msync(area, PG, MS_SYNC)));
	printf(" mseal %s", name(syscall(462, area + 40 * HUGE, PG, 0)));
	printf(" remap_file_pages %s\n", name(remap_file_pages(area, HUGE, 0, 0, 0)));
	show("locked", 1);
}

static void remaps(void)
{
	build();
	printf("mremap grow %s", name((long)mremap(area + 3 * HUGE, HUGE, 2 * HUGE, 0)));
	printf(" grow odd %s", name((long)mremap(area, HUGE, 2 * HUGE + PG, MREMAP_MAYMOVE)));
	printf(" shrink %s", name((long)mremap(area, 4 * HUGE, 3 * HUGE, 0)));
	printf(" shrink odd %s", name((long)mremap(area, 3 * HUGE, 2 * HUGE + PG, 0)));
	printf(" odd start %s", name((long)mremap(area + PG, HUGE, HUGE, 0)));
	show(" gives", 0);
	printf("move %s", name((long)mremap(area, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
					    area + 8 * HUGE)));
	printf(" to odd %s",
	       name((long)mremap(area + HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				 area + 9 * HUGE + PG)));
	printf(" dontunmap %s", name((long)syscall(SYS_mremap, area + HUGE, HUGE, HUGE,
						   MREMAP_MAYMOVE | 4, area + 12 * HUGE)));
	printf(" double %s", name((long)mremap(area + HUGE, 0, HUGE, MREMAP_MAYMOVE)));
	printf(" same %s", name((long)mremap(area + HUGE, HUGE, HUGE, 0)));
	printf(" small part %s", name((long)mremap(area + HUGE, PG, PG, 0)));
	printf(" part moved %s",
	       name((long)mremap(area + HUGE, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED,
				 area + 6 * HUGE)));
	show(" gives", 0);
}

static void advices(void)
{
	printf("madvise");
	for (int advice = 0; advice < 26; advice++) {
		build();
		printf(" %d:%s", advice, name(madvise(area, 2 * HUGE, advice)));
	}
	build();
	printf(" 102:%s", name(madvise(area, HUGE, 102)));
	printf(" 103:%s\n", name(madvise(area, HUGE, 103)));
	printf("of a part");
	for (int advice = 0; advice < 26; advice++) {
		build();
		printf(" %d:%s", advice, name(madvise(area + PG, PG, advice)));
	}
	printf("\nodd length");
	for (int advice = 0; advice < 26; advice++) {
		build();
		printf(" %d:%s", advice, name(madvise(area + HUGE, PG, advice)));
	}
	printf("\n");
	show("advised", 0);
}

static void files(void)
{
	char link[64], path[256] = "", buf[32] = "x";
	struct statfs fs;
	struct stat st;
	int fd;

	printf("memfd sizes:");
	for (int log = 0; log < 64; log++) {
		fd = memfd_create("h", MFD_HUGETLB | (unsigned)log << 26);
		if (fd >= 0) {
			fstat(fd, &st);
			printf(" %d:%ld", log, (long)st.st_blksize);
			close(fd);
		} else if (errno != ENODEV) {
			printf(" %d:%s", log, name(fd));
		}
	}
	printf(" flag without: %s\n", name(memfd_create("h", 21U << 26)));
	fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING | MFD_CLOEXEC);
	fstat(fd, &st);
	fstatfs(fd, &fs);
	printf("stat %o %ld blk %ld blocks %ld nlink %ld fs %lx %ld\n", st.st_mode,
	       (long)st.st_size, (long)st.st_blksize, (long)st.st_blocks, (long)st.st_nlink,
	       (long)fs.f_type, (long)fs.f_bsize);
	sprintf(link, "/proc/self/fd/%d", fd);
	readlink(link, path, sizeof(path) - 1);
	printf("%s flags %x cloexec %d\n", path, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	printf("truncate odd %s", name(ftruncate(fd, HUGE + 1)));
	printf(" page %s", name(ftruncate(fd, PG)));
	printf(" 3 huge %s", name(ftruncate(fd, 3 * HUGE)));
	fstat(fd, &st);
	printf(" is %ld %ld", (long)st.st_size, (long)st.st_blocks);
	printf(" seek end %ld", (long)lseek(fd, 0, SEEK_END));
	printf(" data %ld hole %ld", (long)lseek(fd, 0, SEEK_DATA), (long)lseek(fd, 0, SEEK_HOLE));
	printf(" read %ld %d", (long)pread(fd, buf, 16, 5), buf[0]);
	printf(" past the end %ld", (long)pread(fd, buf, 16, 4 * HUGE));
	printf(" write %s", name(pwrite(fd, buf, 16, 0)));
	printf(" fsync %s\n", name(fsync(fd)));
	printf("allocate %s", name(fallocate(fd, 0, 0, HUGE)));
	printf(" keep %s", name(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, HUGE)));
	printf(" beyond %s", name(fallocate(fd, 0, 8 * HUGE, HUGE)));
	printf(" punch %s",
	       name(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE)));
	printf(" punch odd %s",
	       name(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5, 100)));
	printf(" zero %s\n", name(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, HUGE)));
	clear();
	printf("map %s", name((long)fixed(0, HUGE, RW, MAP_SHARED, fd, 0)));
	printf(" private %s", name((long)fixed(0, HUGE, RW, MAP_PRIVATE, fd, 0)));
	printf(" free %s", name((long)fixed(0, 2 * HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 0)));
	printf(" odd length %s",
	       name((long)fixed(4 * HUGE, PG, RW, MAP_SHARED | MAP_NORESERVE, fd, 0)));
	printf(" odd offset %s",
	       name((long)fixed(4 * HUGE, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, PG)));
	printf(" private free %s",
	       name((long)fixed(4 * HUGE, HUGE, RW, MAP_PRIVATE | MAP_NORESERVE, fd, HUGE)));
	printf(" past the end %s",
	       name((long)fixed(6 * HUGE, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 8 * HUGE)));
	printf(" with the flag %s",
	       name((long)fixed(7 * HUGE, HUGE, RW, MAP_SHARED | MAP_NORESERVE | MAP_HUGETLB, fd,
				0)));
	printf(" exec %s\n", name((long)fixed(8 * HUGE, HUGE, PROT_READ | PROT_EXEC,
					      MAP_SHARED | MAP_NORESERVE, fd, 0)));
	show("mapped", 1);
	fstat(fd, &st);
	printf("size %ld touch %d %d %d\n", (long)st.st_size, touch(area, 0),
	       touch(area + 4 * HUGE, 1), touch(area + 6 * HUGE, 0));
	printf("seals %x", fcntl(fd, F_GET_SEALS));
	printf(" write %s", name(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
	clear();
	printf(" %s", name(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK)));
	printf(" shrink %s grow %s", name(ftruncate(fd, HUGE)), name(ftruncate(fd, 8 * HUGE)));
	printf(" map %s\n", name((long)fixed(0, HUGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 0)));
	printf("open %s", name(open(link, O_RDWR)));
	printf(" truncate %s\n", name(truncate(link, 5)));
	close(fd);
	clear();
}

static void segments(void)
{
	static const int logs[] = {0, 16, 21, 22, 30, 63};

	printf("shmget");
	for (unsigned i = 0; i < sizeof(logs) / sizeof(*logs); i++)
		for (unsigned long len = 0; len <= 4; len += 2) {
			int id = shmget(IPC_PRIVATE, len == 4 ? PG : len * HUGE / 2,
					IPC_CREAT | 0600 | SHM_HUGETLB | logs[i] << 26);

			printf(" %s", name(id));
			if (id >= 0)
				shmctl(id, IPC_RMID, NULL);
		}
	{
		int id = shmget(IPC_PRIVATE, 3 * PG, IPC_CREAT | 0600 | SHM_HUGETLB | 010000);

		printf("\nwithout reserve %s", name(id));
		if (id >= 0) {
			struct shmid_ds ds;
			char *p = shmat(id, NULL, 0);

			printf(" attach %s", name((long)p));
			shmctl(id, IPC_STAT, &ds);
			printf(" size %lu", ds.shm_segsz);
			if (p != (void *)-1)
				printf(" touch %d", touch(p, 1));
			if (p != (void *)-1)
				printf(" detach %s", name(shmdt(p)));
			p = shmat(id, area, 0);
			show(" at", 1);
			if (p != (void *)-1)
				printf(" detach %s", name(shmdt(p)));
			p = shmat(id, area + PG, 0);
			printf(" odd place %s", name((long)p));
			shmctl(id, IPC_RMID, NULL);
		}
		printf("\n");
	}
	fflush(stdout);
	if (!fork()) {
		setresgid(65534, 65534, 65534);
		setresuid(65534, 65534, 65534);
		printf("stranger");
		printf(" %s", name(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | 0600 | SHM_HUGETLB)));
		printf(" memfd %s", name(memfd_create("h", MFD_HUGETLB)));
		printf(" map %s\n", name((long)fixed(0, HUGE, RW, HTLB, -1, 0)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	fflush(stdout);
	if (!fork()) { /* vm.hugetlb_shm_group is 0 */
		setresuid(65534, 65534, 65534);
		printf("of the group %s\n",
		       name(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | 0600 | SHM_HUGETLB)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void family(void)
{
	char line[256];
	FILE *f;
	int st;

	build();
	fixed(8 * HUGE, HUGE, RW, (HTLB & ~MAP_PRIVATE) | MAP_SHARED, -1, 0);
	f = fopen("/proc/self/numa_maps", "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "anon_huge"))
			printf("numa_maps%s", strchr(line, ' '));
	fclose(f);
	fflush(stdout);
	if (!fork()) {
		show("child", 0);
		printf("touch %d %d\n", touch(area, 1), touch(area + 8 * HUGE, 1));
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	printf("wiped %s", name(madvise(area, 4 * HUGE, 18)));
	printf(" not forked %s\n", name(madvise(area, HUGE, 10)));
	show("parent", 0);
	f = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "HugetlbPages", 12) || !strncmp(line, "VmLck", 5))
			printf("%s", line);
	fclose(f);
	f = fopen("/proc/meminfo", "r");
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "HugePages_", 10) || !strncmp(line, "Hugetlb", 7) ||
		    !strncmp(line, "Hugepagesize", 12))
			printf("%s", line);
	fclose(f);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOFBF, 1 << 15);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	area = mmap(NULL, 17 * HUGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	area = (char *)(((uintptr_t)area + HUGE - 1) & -HUGE);
	clear();
	ways_to_map();
	calls();
	remaps();
	advices();
	files();
	segments();
	family();
	return 0;
}
