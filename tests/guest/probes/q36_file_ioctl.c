/* q36_file_ioctl: ioctl() of regular files and their like, st_blocks before and after write-back,
 * sendfile() into a pipe, and a position that two tasks share. */
#include "cold.h"
#include <linux/fs.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static int fds[10], nr;
static const char *names[10];

static void add(const char *name, int fd)
{
	names[nr] = name;
	fds[nr++] = fd;
}

static void each(const char *label, unsigned long cmd, unsigned long size, long init)
{
	printf("%s:", label);
	for (int i = 0; i < nr; i++) {
		long arg[32] = {init};

		errno = 0;
		long r = ioctl(fds[i], cmd, arg);
		if (r < 0)
			printf(" %s %s", names[i], en(errno));
		else if (size)
			printf(" %s %ld/%ld", names[i], r,
			       size == 4 ? (long)*(int *)arg : arg[0]);
		else
			printf(" %s %ld", names[i], r);
	}
	printf("\n");
}

static void ioctls(void)
{
	char dir[] = "/tmp/probeXXXXXX";
	int p[2], file = scratch(3);

	pipe(p);
	mkdtemp(dir);
	lseek(file, 100, SEEK_SET);
	add("file", file);
	add("folder", open(dir, O_RDONLY));
	rmdir(dir);
	add("memfd", memfd("m", 3));
	add("devshm", open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	add("pipe", p[0]);
	add("null", open("/dev/null", O_RDWR));
	add("zero", open("/dev/zero", O_RDWR));
	add("maps", open("/proc/self/maps", O_RDONLY));
	add("proc", open("/proc/self", O_RDONLY));
	add("path", open("/tmp", O_PATH));
	each("FIONREAD", FIONREAD, 4, 77);
	lseek(file, 5 * PG, SEEK_SET);
	lseek(fds[2], 5 * PG, SEEK_SET);
	each("FIONREAD behind the end", FIONREAD, 4, 77);
	each("FIOASYNC off", FIOASYNC, 0, 0);
	each("FIONBIO on", FIONBIO, 0, 1);
	for (int i = 0; i < nr; i++)
		printf(" %#x", fcntl(fds[i], F_GETFL) & (O_NONBLOCK | O_ASYNC));
	printf("\n");
	each("FIONBIO off", FIONBIO, 0, 0);
	each("FIOCLEX", FIOCLEX, 0, 0);
	for (int i = 0; i < nr; i++)
		printf(" %d", fcntl(fds[i], F_GETFD));
	printf("\n");
	each("FIONCLEX", FIONCLEX, 0, 0);
	each("FIGETBSZ", FIGETBSZ, 4, 0);
	each("FIOQSIZE", FIOQSIZE, 8, 0);
	each("FIBMAP negative", FIBMAP, 0, -1);
	each("TCGETS", 0x5401, 0, 0);
	each("FICLONE", FICLONE, 0, 0);
	each("FS_IOC_GETVERSION", FS_IOC_GETVERSION & 0, 0, 0);
	each("none such", 0x12345678, 0, 0);
	T("FIONREAD to nowhere", ioctl(file, FIONREAD, 8));
	T("FIGETBSZ to nowhere", ioctl(file, FIGETBSZ, 8));
	T("FIOQSIZE to nowhere", ioctl(file, FIOQSIZE, 8));
	T("FIONBIO from nowhere", ioctl(file, FIONBIO, 8));
	T("FIOASYNC from nowhere", ioctl(file, FIOASYNC, 8));
	T("FIBMAP from nowhere", ioctl(file, FIBMAP, 8));
	T("FS_IOC_GETFLAGS to nowhere", ioctl(file, FS_IOC_GETFLAGS, 8));
	for (int i = 0; i < nr; i++) {
		int flags = -1;

		errno = 0;
		ioctl(fds[i], FS_IOC_GETFLAGS, &flags);
		printf("%s flags %s %d, ", names[i], en(errno), flags != -1);
	}
	printf("\n");
	for (int i = 0; i < nr; i++) {
		struct fsxattr fx = {0};

		errno = 0;
		ioctl(fds[i], FS_IOC_FSGETXATTR, &fx);
		printf("%s xattr %s, ", names[i], en(errno));
	}
	printf("\n");
}

/* Nobody else may make a file immutable, whoever the kernel's own user is. */
static void immutable(void)
{
	int file = scratch(1), flags = FS_IMMUTABLE_FL, none = 0;

	printf("-- immutable\n");
	fflush(stdout);
	if (!fork()) {
		struct fsxattr fx = {0};

		setresuid(65534, 65534, 65534);
		ioctl(file, FS_IOC_FSGETXATTR, &fx);
		T("flags", ioctl(file, FS_IOC_SETFLAGS, &flags));
		fx.fsx_xflags ^= FS_XFLAG_IMMUTABLE;
		T("xattr", ioctl(file, FS_IOC_FSSETXATTR, &fx));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	ioctl(file, FS_IOC_SETFLAGS, &none);
}

static void async(void)
{
	int sv[2], p[2], on = 1, off = 0;

	printf("-- FIOASYNC\n");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pipe(p);
	T("socket on", ioctl(sv[0], FIOASYNC, &on));
	printf("flags %#x\n", fcntl(sv[0], F_GETFL));
	T("socket on again", ioctl(sv[0], FIOASYNC, &on));
	T("socket off", ioctl(sv[0], FIOASYNC, &off));
	printf("flags %#x\n", fcntl(sv[0], F_GETFL));
	T("pipe on", ioctl(p[0], FIOASYNC, &on));
	printf("flags %#x\n", fcntl(p[0], F_GETFL));
	T("pipe off", ioctl(p[0], FIOASYNC, &off));
	T("file on", ioctl(scratch(1), FIOASYNC, &on));
	T("file off", ioctl(scratch(1), FIOASYNC, &off));
}

static long blocks(int fd)
{
	struct stat st;

	fstat(fd, &st);
	return st.st_blocks;
}

static void allocation(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	volatile char *p;

	printf("-- st_blocks\n");
	printf("new %ld\n", blocks(fd));
	pwrite(fd, "x", 1, 0);
	printf("a byte %ld\n", blocks(fd));
	fsync(fd);
	printf("synced %ld\n", blocks(fd));
	pwrite(fd, big, 3 * PG, 5 * PG);
	printf("3 pages behind a hole %ld\n", blocks(fd));
	fsync(fd);
	printf("synced %ld\n", blocks(fd));
	ftruncate(fd, 100 * PG);
	printf("grown %ld\n", blocks(fd));
	p = mmap(0, 100 * PG, RW, MAP_SHARED, fd, 0);
	p[50 * PG] = 1;
	p[51 * PG] = 1;
	printf("2 stores into the hole %ld\n", blocks(fd));
	msync((void *)p, 100 * PG, MS_SYNC);
	printf("synced %ld\n", blocks(fd));
	ftruncate(fd, 6 * PG);
	printf("cut %ld\n", blocks(fd));
	posix_fallocate(fd, 0, 10 * PG);
	printf("allocated %ld\n", blocks(fd));
	close(fd);
}

static void lent(void)
{
	int fd = tmpfile_pages(3), p[2];
	char b[16] = {0};
	volatile char *m = mmap(0, 3 * PG, RW, MAP_SHARED, fd, 0);
	off_t off = 0;

	printf("-- sendfile into a pipe\n");
	pipe(p);
	T("sendfile", sendfile(p[1], fd, &off, 8));
	printf("offset %ld\n", (long)off);
	pwrite(fd, "changed!", 8, 0);
	read(p[0], b, 8);
	printf("after write(2): %s\n", b);
	T("sendfile", sendfile(p[1], fd, &off, 4));
	m[9] = '#';
	read(p[0], b, 4);
	printf("after a store: %.4s\n", b);
	off = PG;
	T("sendfile", sendfile(p[1], fd, &off, 2 * PG));
	ftruncate(fd, PG);
	T("read", read(p[0], big, 2 * PG));
	printf("after truncation: %c %c\n", big[0], big[PG]);
	ftruncate(fd, 3 * PG);
	off = 0;
	T("sendfile 20 pages", sendfile(p[1], fd, &off, 20 * PG));
	T("from the end", sendfile(p[1], fd, &off, PG));
	T("pipe size", fcntl(p[1], F_GETPIPE_SZ));
	T("read", read(p[0], big, sizeof big));
	fcntl(p[1], F_SETPIPE_SZ, PG);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	off = 10;
	lseek(fd, 0, SEEK_SET);
	T("a pipe of one page", sendfile(p[1], fd, &off, 3 * PG));
	T("once more", sendfile(p[1], fd, &off, 3 * PG));
	T("read", read(p[0], big, sizeof big));
	fd = tmpfile_pages(30);
	pipe(p);
	lseek(fd, 100, SEEK_SET);
	T("30 pages", sendfile(p[1], fd, 0, 30 * PG));
	T("position", lseek(fd, 0, SEEK_CUR));
	T("read", read(p[0], big, sizeof big));
	T("the rest", sendfile(p[1], fd, 0, 30 * PG));
	T("read", read(p[0], big, sizeof big));
	fd = memfd("m", 3);
	off = 0;
	ftruncate(fd, 5 * PG);
	T("memfd with a hole", sendfile(p[1], fd, &off, 9 * PG));
	pwrite(fd, "hole", 4, 3 * PG);
	pwrite(fd, "page", 4, PG);
	T("read", read(p[0], big, sizeof big));
	printf("%.4s %d\n", big + PG, big[3 * PG]);
	off = 0;
	T("proc", sendfile(p[1], open("/proc/sys/kernel/ostype", O_RDONLY), &off, PG));
	T("read", read(p[0], big, sizeof big));
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	off = 0;
	T("no reader", sendfile(p[1], fd, &off, PG));
}

int main(void)
{
	begin();
	ioctls();
	immutable();
	async();
	allocation();
	lent();
	return 0;
}
