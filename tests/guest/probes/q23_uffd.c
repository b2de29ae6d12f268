/* q23_uffd: userfaultfd: API, registration, its flags in smaps and pagemap, copies and zero pages (3.3, 4.2). */
#include "probe.h"
#include <linux/userfaultfd.h>

static char *p;
static int fd;

static long reg(void *at, long pages, long mode, uint64_t *ioctls)
{
	struct uffdio_register r = {.range = {(uintptr_t)at, pages * PG}, .mode = mode};
	long ret = ioctl(fd, UFFDIO_REGISTER, &r);

	*ioctls = r.ioctls;
	return ret;
}

static long copy(void *to, void *from, long pages, long mode)
{
	struct uffdio_copy c = {
		.dst = (uintptr_t)to, .src = (uintptr_t)from, .len = pages * PG, .mode = mode};
	long r = ioctl(fd, UFFDIO_COPY, &c);
	int e = errno;

	printf("  copied %lld\n", (long long)c.copy);
	errno = e;
	return r;
}

static long wp(void *at, long pages, long mode)
{
	struct uffdio_writeprotect w = {.range = {(uintptr_t)at, pages * PG}, .mode = mode};
	return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

int main(void)
{
	begin();
	char src[2 * PG];
	uint64_t io = 0;
	struct uffdio_range range;
	memset(src, 's', sizeof src);
	p = arena(32);
	T("bad flags", syscall(SYS_userfaultfd, 0x10));
	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	printf("opened %d\n", fd >= 0);
	struct uffdio_api api = {.api = 0xab};
	T("register before API", reg(p, 1, 1, &io));
	T("wrong API", ioctl(fd, UFFDIO_API, &api));
	api = (struct uffdio_api){.api = UFFD_API, .features = 1ULL << 63};
	T("unknown feature", ioctl(fd, UFFDIO_API, &api));
	api = (struct uffdio_api){.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
	T("API", ioctl(fd, UFFDIO_API, &api));
	printf("ioctls %#llx\n", (unsigned long long)api.ioctls);
	T("API again", ioctl(fd, UFFDIO_API, &api));
	map(p, 8, RW, ANON, -1, 0);
	map(p + 10 * PG, 2, PROT_READ, MAP_PRIVATE, open("/proc/self/exe", O_RDONLY), 0);
	T("mode 0", reg(p, 1, 0, &io));
	T("mode 8", reg(p, 1, 8, &io));
	T("unaligned", reg(p + 1, 1, 1, &io));
	T("length 0", reg(p, 0, 1, &io));
	T("hole only", reg(p + 20 * PG, 1, 1, &io));
	T("over the edge", reg(p + 6 * PG, 3, 1, &io));
	T("a file", reg(p + 10 * PG, 1, 1, &io));
	T("missing, 2-5", reg(p + 2 * PG, 4, 1, &io));
	printf("ioctls %#llx\n", (unsigned long long)io);
	shape("shape", p, 12);
	entry("missing", p + 2 * PG);
	T("read, nothing there", read(fd, src, 100));
	memset(src, 's', sizeof src);
	T("copy 2", copy(p + 2 * PG, src, 2, 0));
	printf("content %c\n", p[3 * PG]);
	counters("copied", p + 2 * PG);
	T("copy over it", copy(p + 3 * PG, src, 2, 0));
	T("copy unregistered", copy(p, src, 1, 0));
	T("copy from a hole", copy(p + 4 * PG, p + 20 * PG, 1, 0));
	struct uffdio_zeropage z = {.range = {(uintptr_t)p + 4 * PG, PG}};
	T("zeropage", ioctl(fd, UFFDIO_ZEROPAGE, &z));
	printf("zeroed %lld\n", (long long)z.zeropage);
	T("zeropage again", ioctl(fd, UFFDIO_ZEROPAGE, &z));
	T("wp where it is not registered", wp(p + 2 * PG, 1, 1));
	T("missing and wp", reg(p + 2 * PG, 4, 3, &io));
	printf("ioctls %#llx\n", (unsigned long long)io);
	T("wp 2", wp(p + 2 * PG, 1, 1));
	T("copy protected to 5", copy(p + 5 * PG, src, 1, 2));
	entry("both", p + 2 * PG);
	pagemap("pagemap", p, 8);
	T("wp off", wp(p + 2 * PG, 1, 0));
	pagemap("pagemap", p, 8);
	T("mprotect splits", mprotect(p + 3 * PG, PG, PROT_READ));
	entry("read-only part", p + 3 * PG);
	T("back", mprotect(p + 3 * PG, PG, RW));
	shape("shape", p, 12);
	range = (struct uffdio_range){(uintptr_t)p + 4 * PG, 4 * PG};
	T("wake", ioctl(fd, UFFDIO_WAKE, &range));
	T("unregister 4-7", ioctl(fd, UFFDIO_UNREGISTER, &range));
	shape("shape", p, 12);
	pagemap("pagemap", p, 8);
	int status;
	if (!fork()) {
		entry("child is not registered", p + 2 * PG);
		_exit(0);
	}
	wait(&status);
	T("close", close(fd));
	shape("closed", p, 12);
	entry("after close", p + 2 * PG);
	return 0;
}
