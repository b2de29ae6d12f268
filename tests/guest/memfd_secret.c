/* memfd_secret(2): memory that the kernel itself does not read. What its descriptor and its mappings
 * allow, who cannot look in, and what it counts as. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "touch.h"

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)

static const char *name(long ret)
{
	return ret < 0 ? strerrorname_np(errno) : "ok";
}

static int secret(unsigned flags)
{
	return syscall(447, flags);
}

/* smaps of the area at @p, without its header's numbers. */
static void smaps(const void *p)
{
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long s, e;
	int in = 0;

	while (fgets(line, sizeof(line), f)) {
		char rights[8], path[256] = "";
		unsigned long off;

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255[^\n]", &s, &e, rights, &off, path) >=
			    4 &&
		    strchr(line, '-') < strchr(line, ' ')) {
			in = (unsigned long)p >= s && (unsigned long)p < e;
			if (in)
				printf("%lu pages %s %lx %s\n", (e - s) / PG, rights, off, path);
			continue;
		}
		if (in && !strstr(line, " 0 kB"))
			printf("  %s", line);
	}
	fclose(f);
}

static void status(const char *what)
{
	static const char *const keys[] = {"VmLck", "VmPin", "RssFile", "RssShmem"};
	static long base[4];
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	long v;

	printf("%s:", what);
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < 4; i++)
			if (!strncmp(line, keys[i], strlen(keys[i]))) {
				v = strtol(strchr(line, ':') + 1, NULL, 10);
				/* files come and go by whole windows */
				if (i != 2)
					printf(" %s %ld", keys[i], v - base[i]);
				if (!strcmp(what, "at first"))
					base[i] = v;
			}
	printf("\n");
	fclose(f);
}

static void descriptor(void)
{
	char link[64], path[256] = "", buf[16] = "abc";
	struct statfs fs;
	struct stat st;
	int fd, fd2;

	for (unsigned i = 0; i < 32; i++) {
		fd = secret(1U << i);
		if (fd >= 0)
			printf("flag %u: %s cloexec %d\n", i, name(fd), fcntl(fd, F_GETFD));
		else if (i < 4)
			printf("flag %u: %s\n", i, name(fd));
		close(fd);
	}
	fd = secret(0);
	fstat(fd, &st);
	printf("stat %o %ld %ld blk %ld uid %d nlink %ld\n", st.st_mode, (long)st.st_size,
	       (long)st.st_blocks, (long)st.st_blksize, st.st_uid, (long)st.st_nlink);
	fstatfs(fd, &fs);
	printf("statfs %lx %ld\n", (long)fs.f_type, (long)fs.f_bsize);
	sprintf(link, "/proc/self/fd/%d", fd);
	readlink(link, path, sizeof(path) - 1);
	printf("%s flags %x\n", path, fcntl(fd, F_GETFL));
	printf("read %s", name(read(fd, buf, 1)));
	printf(" write %s", name(write(fd, buf, 1)));
	printf(" pread %s", name(pread(fd, buf, 1, 0)));
	printf(" lseek %s", name(lseek(fd, 0, SEEK_END)));
	printf(" fsync %s", name(fsync(fd)));
	printf(" fallocate %s", name(fallocate(fd, 0, 0, PG)));
	printf(" seals %s", name(fcntl(fd, F_GET_SEALS)));
	printf(" addseals %s", name(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
	printf(" fchmod %s", name(fchmod(fd, 0600)));
	printf(" fchown %s\n", name(fchown(fd, 0, 0)));
	fd2 = open(link, O_RDWR);
	printf("open %s", name(fd2));
	fd2 = open(link, O_RDONLY);
	printf(" %s", name(fd2));
	printf(" truncate by name %s\n", name(truncate(link, PG)));
	printf("mmap of no size %s", name((long)mmap(NULL, PG, RW, MAP_SHARED, fd, 0)));
	printf(" negative %s", name(ftruncate(fd, -1)));
	printf(" to 0 %s", name(ftruncate(fd, 0)));
	printf(" to 5 pages and a bit %s", name(ftruncate(fd, 5 * PG + 100)));
	fstat(fd, &st);
	printf(" is %ld %ld", (long)st.st_size, (long)st.st_blocks);
	printf(" again %s", name(ftruncate(fd, 8 * PG)));
	printf(" the same %s", name(ftruncate(fd, 5 * PG + 100)));
	printf(" to 0 %s\n", name(ftruncate(fd, 0)));
	close(fd);
	fd = secret(0);
	printf("huge %s\n", name(ftruncate(fd, INT64_MAX)));
	close(fd);
}

static void mappings(void)
{
	int fd = secret(0);
	unsigned char vec[8];
	char *p, *q;

	ftruncate(fd, 5 * PG + 100);
	printf("private %s", name((long)mmap(NULL, PG, RW, MAP_PRIVATE, fd, 0)));
	printf(" validate %s", name((long)mmap(NULL, PG, RW, MAP_SHARED_VALIDATE, fd, 0)));
	printf(" sync %s\n", name((long)mmap(NULL, PG, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0)));
	status("at first");
	p = mmap(NULL, 8 * PG, RW, MAP_SHARED, fd, 0);
	status("mapped");
	smaps(p);
	printf("mincore %s", name(mincore(p, 8 * PG, vec)));
	for (int i = 0; i < 8; i++)
		printf(" %d", vec[i]);
	printf("\nread %d write %d tail %d past %d\n", touch(p, 0), touch(p + PG, 1),
	       touch(p + 5 * PG + 200, 1), touch(p + 6 * PG, 0));
	status("touched");
	smaps(p);
	printf("mincore %s", name(mincore(p, 8 * PG, vec)));
	for (int i = 0; i < 8; i++)
		printf(" %d", vec[i]);
	printf("\nmunlock %s\n", name(munlock(p, 8 * PG)));
	status("munlocked");
	smaps(p);
	printf("mlock %s\n", name(mlock(p, 4 * PG)));
	status("mlocked");
	smaps(p + 5 * PG);
	q = mmap(NULL, 4 * PG, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	printf("populated:\n");
	smaps(q);
	printf("mprotect %s %s\n", name(mprotect(q, 4 * PG, RW)),
	       name(mprotect(q, 4 * PG, PROT_READ | PROT_EXEC)));
	p[0] = 'x';
	printf("shared %c\n", q[0]);
	q = mremap(q, 4 * PG, 8 * PG, MREMAP_MAYMOVE);
	printf("mremap %s\n", name((long)q));
	printf("remap_file_pages %s\n", name(remap_file_pages(p + 4 * PG, PG, 0, 0, 0)));
	status("moved");
	for (int advice = 0; advice < 26; advice++)
		printf("%d:%s ", advice, name(madvise(p + 4 * PG, PG, advice)));
	printf("102:%s 103:%s\n", name(madvise(p + 4 * PG, PG, 102)),
	       name(madvise(p + 4 * PG, PG, 103)));
	printf("msync %s invalidate %s\n", name(msync(p, PG, MS_SYNC)),
	       name(msync(p, PG, MS_INVALIDATE)));
	smaps(q);
	munmap(p, 8 * PG);
	munmap(q, 8 * PG);
	status("unmapped");
	close(fd);
}

/* Who looks in from outside, or through the kernel. */
static void eyes(void)
{
	int fd = secret(0), pipes[2], mem = open("/proc/self/mem", O_RDWR), file;
	char buf[64] = "hello", *p, *plain;
	struct iovec l = {buf, 8}, r;
	uint64_t word = 0;
	int map;

	ftruncate(fd, 4 * PG);
	plain = mmap(NULL, PG, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0);
	strcpy(p, "secret");
	r = (struct iovec){p, 8};
	printf("readv %s", name(process_vm_readv(getpid(), &l, 1, &r, 1, 0)));
	printf(" writev %s", name(process_vm_writev(getpid(), &l, 1, &r, 1, 0)));
	printf(" mem read %s", name(pread(mem, buf, 8, (off_t)p)));
	printf(" mem write %s", name(pwrite(mem, buf, 8, (off_t)p)));
	r = (struct iovec){plain, 8};
	l.iov_base = p;
	printf(" as the near side %s\n", name(process_vm_readv(getpid(), &l, 1, &r, 1, 0)));
	strcpy(p, "secret");
	pipe(pipes);
	printf("write to a pipe %s", name(write(pipes[1], p, 6)));
	memset(buf, 0, sizeof(buf));
	read(pipes[0], buf, 6);
	printf(" %s", buf);
	file = open("/dev/zero", O_RDONLY);
	printf(" read into it %s %d", name(read(file, p + PG, 8)), p[PG]);
	close(file);
	map = open("/proc/self/pagemap", O_RDONLY);
	pread(map, &word, 8, (uintptr_t)p / PG * 8);
	printf(" pagemap %lx\n", word >> 55);
	printf("move_pages");
	{
		void *page = p;
		int st = -99, node = 0;

		printf(" %s", name(syscall(SYS_move_pages, 0, 1, &page, NULL, &st, 0)));
		printf(" %d", st);
		st = -99;
		printf(" %s", name(syscall(SYS_move_pages, 0, 1, &page, &node, &st, 2)));
		printf(" %d", st);
		printf(" node %s", name(syscall(SYS_get_mempolicy, &node, NULL, 0, p, 3)));
	}
	printf(" mlock2 %s", name(syscall(SYS_mlock2, p, PG, 1)));
	printf(" populate %s", name(madvise(p, PG, 22)));
	printf(" %s\n", name(madvise(p, PG, 23)));
	fflush(stdout);
	if (!fork()) {
		status("at first");
		printf("child sees %s\n", p);
		strcpy(p, "changed");
		smaps(p);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf("parent sees %s\n", p);
	close(fd);
	close(mem);
	close(map);
}

static void limits(void)
{
	struct rlimit lim = {4 * PG, 4 * PG};
	int fd = secret(0);
	char *p;

	ftruncate(fd, 16 * PG);
	fflush(stdout);
	if (!fork()) {
		setrlimit(RLIMIT_MEMLOCK, &lim);
		setresuid(65534, 65534, 65534);
		p = mmap(NULL, 8 * PG, RW, MAP_SHARED, fd, 0);
		printf("over the limit %s", name((long)p));
		p = mmap(NULL, 3 * PG, RW, MAP_SHARED, fd, 0);
		printf(" below %s", name((long)p));
		printf(" more %s", name((long)mmap(NULL, 2 * PG, RW, MAP_SHARED, fd, 0)));
		printf(" grown %s", name((long)mremap(p, 3 * PG, 5 * PG, MREMAP_MAYMOVE)));
		munmap(p, 3 * PG);
		printf(" then %s", name((long)mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0)));
		printf(" new one %s\n", name(secret(0)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	close(fd);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	setvbuf(stdout, NULL, _IOFBF, 1 << 15);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	descriptor();
	mappings();
	eyes();
	limits();
	return 0;
}
