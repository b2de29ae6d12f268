/* q40_pin_counts: the pages that process_vm_readv and writev pin, by /proc/vmstat (8). The machine pins others
 * meanwhile: the least of three tries is shown. As root: only root has the kernel add up its CPUs' counts. */
#include "probe.h"

#include <sys/auxv.h>

#define PAGES 2048L

static char *p, *q; /* local, remote */
static struct iovec local, remote[2];
static long nr_remote = 1;

static void counts(long *v)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);
	char *text, *at;

	if (fd >= 0)
		write(fd, "1", 1);
	close(fd);
	text = slurp("/proc/vmstat");
	at = strstr(text, "\nnr_foll_pin_acquired ");
	v[0] = at ? atol(at + 22) : -1;
	at = strstr(text, "\nnr_foll_pin_released ");
	v[1] = at ? atol(at + 22) : -1;
}

static void try(const char *label, int write)
{
	long before[2], after[2], least[2] = {1L << 40, 1L << 40}, ret = 0;

	for (int i = 0; i < 3; i++) {
		counts(before);
		ret = syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, getpid(),
			      &local, 1L, remote, nr_remote, 0L);
		counts(after);
		for (int k = 0; k < 2; k++)
			if (after[k] - before[k] < least[k])
				least[k] = after[k] - before[k];
	}
	printf("%s: %ld, acquired %ld released %ld\n", label, ret, least[0], least[1]);
}

static void bytes(long nr_local, char *at, long nr)
{
	local = (struct iovec){p, nr_local};
	remote[0] = (struct iovec){at, nr};
}

int main(void)
{
	int fd;

	begin();
	p = arena(2 * PAGES);
	q = p + PAGES * PG;
	map(p, 2 * PAGES, RW, ANON, -1, 0);
	madvise(p, 2 * PAGES * PG, MADV_NOHUGEPAGE);
	memset(p, 1, 2 * PAGES * PG);
	bytes(PAGES * PG, q, PAGES * PG);
	try("all", 0);
	try("all written", 1);
	bytes(PG, q, PAGES * PG);
	try("one of them wanted", 0);
	bytes(1100 * PG, q, PAGES * PG);
	try("1100 of them wanted", 0);
	bytes(2, q + PG - 1, 2);
	try("two bytes, two pages", 0);
	bytes(2 * PG, q + 5, 2 * PG);
	local.iov_base = p + 2000;
	try("odd places", 0);
	bytes(200, q, 100);
	remote[1] = (struct iovec){q + 100, 100};
	nr_remote = 2;
	try("a page twice", 0);
	nr_remote = 1;

	madvise(q, 16 * PG, MADV_DONTNEED);
	bytes(16 * PG, q, 16 * PG);
	try("zero pages", 0);
	try("zero pages written", 1);
	munmap(q + 8 * PG, 4 * PG);
	try("up to a hole", 0);
	bytes(PG, q + 9 * PG, PG);
	try("in the hole", 0);
	mprotect(q + 4 * PG, PG, PROT_READ);
	bytes(16 * PG, q, 16 * PG);
	try("up to a read-only page", 1);
	local.iov_base = (void *)8;
	try("nowhere to copy to", 0);
	try("nothing to copy from", 1);

	fd = memfd("m", 0);
	T("truncate", ftruncate(fd, 16 * PG));
	map(q, 16, RW, MAP_SHARED, fd, 0);
	bytes(16 * PG, q, 16 * PG);
	try("memfd", 0);
	T("truncate", ftruncate(fd, 3 * PG));
	try("memfd, three pages left", 0);
	bytes(PG, (char *)getauxval(AT_SYSINFO_EHDR), PG);
	try("vdso", 0);
	bytes(4 * PG, q + 32 * PG, 4 * PG);
	if (!fork()) {
		try("a parent's pages", 0);
		_exit(0);
	}
	wait(0);
	return 0;
}
