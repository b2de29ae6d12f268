/* q31_numa_maps: the words of numa_maps for each kind of mapping, and what map_files shows (4.3). */
#include "probe.h"

static void line(const char *label, char *at)
{
	char *text = slurp("/proc/self/numa_maps");

	for (char *l; (l = next_line(&text));)
		if (strtoul(l, 0, 16) == (uintptr_t)at) {
			printf("%s:", label);
			for (char *w = strtok(strchr(l, ' '), " "); w; w = strtok(0, " "))
				printf(" %s", strncmp(w, "file=/tmp", 9) ? w : "file=/tmp...");
			printf("\n");
			return;
		}
	printf("%s: no line\n", label);
}

static void link_of(const char *label, char *at, long pages)
{
	char path[80], to[80];
	struct stat s;

	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)at,
		 (long)(at + pages * PG));
	long n = readlink(path, to, sizeof to - 1);
	if (n < 0) {
		printf("%s: %s\n", label, en(errno));
		return;
	}
	to[n] = 0;
	lstat(path, &s);
	printf("%s: %s mode %o\n", label, strncmp(to, "/tmp", 4) ? to : "/tmp...", s.st_mode);
}

int main(void)
{
	begin();
	char *p = arena(128);
	int fd = memfd("m", 8), file = scratch(4), status;
	map(p, 8, RW, ANON, -1, 0);
	line("anon fresh", p);
	memset(p, 1, 3 * PG);
	line("anon, 3 written", p);
	(void)*(volatile char *)(p + 5 * PG);
	line("and one read", p);
	map(p + 10 * PG, 4, RW, SHANON, -1, 0);
	memset(p + 10 * PG, 1, 2 * PG);
	line("shared anon", p + 10 * PG);
	map(p + 20 * PG, 4, RW, MAP_SHARED, fd, 0);
	p[20 * PG] = 1;
	line("memfd shared", p + 20 * PG);
	map(p + 30 * PG, 4, RW, MAP_PRIVATE, fd, 0);
	(void)*(volatile char *)(p + 30 * PG);
	p[31 * PG] = 1;
	line("memfd private", p + 30 * PG);
	map(p + 40 * PG, 4, PROT_READ, MAP_PRIVATE, file, 0);
	line("file fresh", p + 40 * PG);
	(void)*(volatile char *)(p + 40 * PG);
	line("file read", p + 40 * PG);
	map(p + 50 * PG, 4, RW, ANON | MAP_LOCKED, -1, 0);
	line("locked", p + 50 * PG);
	map(p + 60 * PG, 4, PROT_NONE, ANON, -1, 0);
	line("none", p + 60 * PG);
	if (!fork()) {
		line("child: anon", p);
		line("child: memfd private", p + 30 * PG);
		_exit(0);
	}
	wait(&status);
	link_of("anon", p, 8);
	link_of("shared anon", p + 10 * PG, 4);
	link_of("memfd shared", p + 20 * PG, 4);
	link_of("memfd private", p + 30 * PG, 4);
	link_of("file", p + 40 * PG, 4);
	link_of("part of it", p + 40 * PG, 2);
	char path[80];
	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)(p + 20 * PG),
		 (long)(p + 24 * PG));
	int again = open(path, O_RDWR);
	char c = 0;
	printf("opened again %d, reads %ld", again >= 0, (long)pread(again, &c, 1, 0));
	printf(" %d\n", c);
	T("unlink", unlink(path));
	T("bad name", open("/proc/self/map_files/1-2", O_RDONLY));
	T("not a name", open("/proc/self/map_files/x", O_RDONLY));
	return 0;
}
