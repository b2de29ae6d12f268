/* q38_seq_reads: how /proc's texts come in pieces: buffer sizes, positions, changes between reads (2, 4). */
#include "probe.h"

#define AREAS 64

static char *p;
static char text[1 << 17];

/* Areas of one page that do not merge, with a hole behind each fourth. */
static void areas(void)
{
	munmap(p, 2 * AREAS * PG);
	for (long i = 0; i < AREAS; i++)
		if (i % 4 != 3)
			map(p + i * PG, 1, i % 2 ? RW : PROT_READ, ANON, -1, 0);
}

/* Prints which areas of the arena a text of maps or smaps tells of. */
static void told(const char *label, char *t)
{
	uintptr_t b = (uintptr_t)p;
	long run = -1, last = -2, e;

	printf("  %s:", label);
	for (char *l; (l = next_line(&t));) {
		unsigned long s, end = 0;

		if (sscanf(l, "%lx-%lx ", &s, &end) < 2 || s < b || s >= b + 2 * AREAS * PG)
			continue;
		s = (s - b) / PG;
		e = (end - b) / PG;
		if ((long)s != last || e != (long)s + 1) {
			if (run >= 0)
				printf(" %ld-%ld", run, last);
			run = s;
		}
		last = e;
	}
	if (run >= 0)
		printf(" %ld-%ld", run, last);
	printf("\n");
}

/* Where the text of the arena begins: what is before it depends on the program's path. */
static long arena_offset(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, k;
	char *l = text;
	unsigned long at;

	while ((k = read(fd, text + n, 65536)) > 0)
		n += k;
	close(fd);
	text[n] = 0;
	for (; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : 0)
		if (sscanf(l, "%lx-", &at) == 1 && at == (uintptr_t)p)
			return l - text;
	return 0;
}

static unsigned sum(const char *t, long n)
{
	unsigned h = 5381;

	while (n--)
		h = h * 33 + (unsigned char)*t++;
	return h;
}

/* Reads it from the arena on in steps of @step bytes: what came, and whether it is the same text. */
static void in_steps(const char *path, long step)
{
	long total = 0, n, reads = 0, offset = arena_offset(path);
	int fd = open(path, O_RDONLY);
	static unsigned whole;

	lseek(fd, offset, SEEK_SET);

	printf("%s by %ld:", path + 11, step);
	while ((n = read(fd, text + total, step)) > 0) {
		total += n;
		if (reads++ < 8 && step > 1000)
			printf(" %ld", n);
	}
	if (step >= 65536)
		whole = sum(text, total);
	printf(" reads %ld total %ld%s, again %ld\n", reads, total,
	       sum(text, total) == whole ? " same" : "", (long)read(fd, text, 10));
	close(fd);
}

static void steps(const char *path)
{
	static const long sizes[] = {65536, 1, 2, 7, 64, 500, 1023, 1024, 4095, 4096, 4097, 5000, 8192, 100000};

	areas();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i] > 8 || strstr(path, "limits"))
			in_steps(path, sizes[i]);
}

/* Reads once, changes the address space, and reads the rest. */
static void changed(const char *path, const char *what, long first, long step, void (*change)(long))
{
	int fd;
	long n, total = 0, offset;

	areas();
	offset = arena_offset(path);
	fd = open(path, O_RDONLY);
	lseek(fd, offset, SEEK_SET);
	/* Up to about the middle of the arena. */
	for (;;) {
		unsigned long at = 0;
		n = read(fd, text + total, first);
		if (n <= 0)
			break;
		total += n;
		text[total] = 0;
		char *l = text + total;
		while (l > text && (l[-1] != '\n' || sscanf(l, "%lx", &at) < 1 || at < 0x10000))
			l--;
		if (at >= (uintptr_t)p + 10 * PG)
			break;
	}
	change(total);
	while ((n = read(fd, text + total, step)) > 0)
		total += n;
	text[total] = 0;
	printf("%s, %s, by %ld and %ld\n", path + 11, what, first, step);
	told("told", text);
	close(fd);
}

static void nothing(long n)
{
	(void)n;
}

static void unmap_all(long n)
{
	(void)n;
	munmap(p, AREAS * PG);
}

static void unmap_even(long n)
{
	(void)n;
	for (long i = 0; i < AREAS; i += 2)
		munmap(p + i * PG, PG);
}

static void fill_holes(long n)
{
	(void)n;
	for (long i = 3; i < AREAS; i += 4)
		map(p + i * PG, 1, PROT_EXEC, ANON, -1, 0);
}

static void merge_all(long n)
{
	(void)n;
	map(p, AREAS, RW, ANON, -1, 0);
}

static void more_behind(long n)
{
	(void)n;
	for (long i = AREAS; i < 2 * AREAS; i++)
		map(p + i * PG, 1, i % 2 ? RW : PROT_READ, ANON, -1, 0);
}

static void changes(const char *path)
{
	static const struct { const char *what; void (*fn)(long); } kinds[] = {
		{"nothing", nothing}, {"all gone", unmap_all}, {"even ones gone", unmap_even},
		{"holes filled", fill_holes}, {"all merged", merge_all}, {"more behind", more_behind},
	};
	static const long firsts[] = {70, 74, 100, 700, 1000, 4096};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t j = 0; j < sizeof firsts / sizeof *firsts; j++)
			changed(path, kinds[i].what, firsts[j], j % 2 ? 300 : 60000, kinds[i].fn);
}

/* A read that takes the last of a record makes the next one: fs/seq_file.c, seq_read_iter(). */
static void a_line_in_two_pieces(void)
{
	long offset, line;
	int fd;

	areas();
	offset = arena_offset("/proc/self/maps");
	line = strcspn(text + offset, "\n") + 1;
	fd = open("/proc/self/maps", O_RDONLY);
	lseek(fd, offset, SEEK_SET);
	read(fd, text, 20);
	read(fd, text + 20, line - 20);
	unmap_all(0);
	text[line + (read(fd, text + line, 10 * line) > 0 ? line : 0)] = 0;
	told("maps, a line in two pieces, all gone", text);
	close(fd);
}

/* The character at a position does not depend on how one came there. */
static void positions(const char *path)
{
	int fd = open(path, O_RDONLY);
	long total = 0, n, wrong = 0;
	static char whole[1 << 16];
	char some[64], *volatile nowhere = (char *)8;

	areas();
	while ((n = read(fd, whole + total, 4096)) > 0)
		total += n;
	printf("%s: lseek end", path + 11);
	T("", lseek(fd, 0, SEEK_END));
	for (long at = 0; at < total; at += 97) {
		n = pread(fd, some, sizeof some, at);
		wrong += n != (total - at < 64 ? total - at : 64) && n <= 0;
		wrong += n > 0 && memcmp(some, whole + at, n);
		lseek(fd, at, SEEK_SET);
		n = read(fd, some, 10);
		wrong += n > 0 && memcmp(some, whole + at, n);
	}
	printf("wrong %ld", wrong);
	T(", to the end", lseek(fd, total, SEEK_SET) - total);
	T("read", read(fd, some, 10));
	T("behind it", lseek(fd, total + 5, SEEK_SET) - total);
	T("read", read(fd, some, 10));
	T("back by 7", lseek(fd, -12, SEEK_CUR) - total);
	T("read", read(fd, some, 20));
	T("far", lseek(fd, 1l << 40, SEEK_SET));
	T("read", read(fd, some, 10));
	T("negative", lseek(fd, -1, SEEK_SET));
	T("where", lseek(fd, 0, SEEK_CUR));
	T("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	T("pread at the end", pread(fd, some, 10, total));
	T("pread at 0", pread(fd, some, 10, 0));
	T("where", lseek(fd, 0, SEEK_CUR));
	T("read nothing", read(fd, some, 0));
	T("read to nowhere", read(fd, nowhere, 10));
	T("from 0 to nowhere", pread(fd, nowhere, 10, 0));
	lseek(fd, 0, SEEK_SET);
	/* Half of the buffer is not there. */
	map(p + 100 * PG, 1, RW, ANON, -1, 0);
	T("read over an edge", read(fd, p + 101 * PG - 20, 50));
	T("and on", read(fd, some, 30));
	printf("  %s\n", memcmp(some, whole + 20, 30) ? "something else" : "as before");
	munmap(p + 100 * PG, PG);
	close(fd);
}

/* Text of one piece stays as it was when its first byte was read. */
static void snapshots(void)
{
	int fd = open("/proc/self/comm", O_RDONLY), two = dup(fd);
	char some[64];

	prctl(PR_SET_NAME, "first");
	read(fd, some, 2);
	prctl(PR_SET_NAME, "second");
	T("rest of comm", read(fd, some + 2, 60));
	printf("  %.5s\n", some);
	T("at 2 again", pread(fd, some, 60, 2));
	printf("  %.4s\n", some);
	prctl(PR_SET_NAME, "third");
	T("at its end", read(two, some, 60));
	lseek(two, 1, SEEK_SET);
	prctl(PR_SET_NAME, "fourth");
	T("from 1", read(fd, some, 60));
	printf("  %.4s\n", some);
	lseek(fd, 0, SEEK_SET);
	prctl(PR_SET_NAME, "fifth");
	T("from 0", read(fd, some, 60));
	printf("  %.5s\n", some);
	close(fd);
	fd = open("/proc/self/oom_score_adj", O_RDWR);
	pwrite(fd, "123", 3, 0);
	T("adj by 1", read(fd, some, 1));
	pwrite(fd, "456", 3, 0);
	T("then", read(fd, some + 1, 1));
	T("then", read(fd, some + 2, 10));
	printf("  %.3s\n", some);
	pwrite(fd, "0", 1, 0);
	close(fd);
	fd = open("/proc/sys/vm/max_map_count", O_RDONLY);
	T("sysctl by 2", read(fd, some, 2));
	T("then", read(fd, some + 2, 10));
	T("at 1", pread(fd, some, 10, 1));
	T("end", lseek(fd, 0, SEEK_END));
	close(fd);
	fd = open("/proc/sys/kernel/ostype", O_RDONLY);
	T("string by 2", read(fd, some, 2));
	T("then", read(fd, some + 2, 10));
	printf("  %.6s", some);
	T("at 5", pread(fd, some, 10, 5));
	T("at 6", pread(fd, some, 10, 6));
	T("at 7", pread(fd, some, 10, 7));
	close(fd);
}

/* Of a process that ends while its files are open. */
static void ended_child(void)
{
	static const char *const names[] = {"maps", "smaps", "numa_maps", "smaps_rollup", "status", "stat",
					    "statm", "comm", "limits", "oom_score", "oom_score_adj", "io"};
	char path[60], some[64];
	int fds[12], part[12], pid = fork(), status;

	if (!pid)
		for (;;)
			pause();
	for (int i = 0; i < 12; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, names[i]);
		fds[i] = open(path, O_RDONLY);
		part[i] = open(path, O_RDONLY);
		read(part[i], some, 1);
	}
	kill(pid, SIGKILL);
	waitid(P_PID, pid, 0, WEXITED | WNOWAIT);
	for (int i = 0; i < 12; i++) {
		printf("%s of a zombie", names[i]);
		long n = read(fds[i], some, 60);
		printf(": %s", n < 0 ? en(errno) : n ? "text" : "empty");
		n = read(part[i], some, 60);
		printf(", rest %s\n", n < 0 ? en(errno) : n ? "text" : "empty");
		lseek(fds[i], 0, SEEK_SET);
	}
	waitpid(pid, &status, 0);
	for (int i = 0; i < 12; i++) {
		printf("%s of nobody", names[i]);
		long n = pread(fds[i], some, 60, 0);
		printf(": %s", n < 0 ? en(errno) : n ? "text" : "empty");
		T(", lseek", lseek(fds[i], 3, SEEK_SET));
		close(fds[i]);
		close(part[i]);
	}
}

int main(void)
{
	begin();
	memset(text, 0, sizeof text);
	p = arena(256);
	steps("/proc/self/maps");
	steps("/proc/self/smaps");
	steps("/proc/self/limits");
	changes("/proc/self/maps");
	changes("/proc/self/smaps");
	a_line_in_two_pieces();
	positions("/proc/self/maps");
	positions("/proc/self/limits");
	snapshots();
	ended_child();
	return 0;
}
