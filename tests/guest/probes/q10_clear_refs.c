/* q10_clear_refs: which counters each value of clear_refs resets, by kind of VMA, and what stays (4.3). */
#include "probe.h"

static char *p;

static void show(const char *label)
{
	printf("-- %s\n", label);
	counters("anon", p);
	counters("shared anon", p + 10 * PG);
	counters("memfd private", p + 20 * PG);
	counters("file shared", p + 30 * PG);
	counters("locked", p + 40 * PG);
}

static void touch(void)
{
	int fd = memfd("m", 4), file = scratch(4);
	map(p, 4, RW, ANON, -1, 0);
	map(p + 10 * PG, 4, RW, SHANON, -1, 0);
	map(p + 20 * PG, 4, RW, MAP_PRIVATE, fd, 0);
	map(p + 30 * PG, 4, PROT_READ, MAP_SHARED, file, 0);
	map(p + 40 * PG, 4, RW, ANON | MAP_LOCKED, -1, 0);
	for (int i = 0; i < 3; i++) {
		p[i * PG] = p[(10 + i) * PG] = p[(20 + i) * PG] = 1;
		(void)*(volatile char *)(p + (30 + i) * PG);
	}
	close(fd);
	close(file);
}

int main(void)
{
	begin();
	p = arena(64);
	static const char *const value[] = {"1", "2", "3",  "4\n", " 1", "1 \n",
					    "0", "6", "01", "x",   ""};
	for (unsigned i = 0; i < 4; i++) {
		touch();
		T(value[i], put("/proc/self/clear_refs", value[i]));
		show(value[i]);
	}
	for (unsigned i = 4; i < sizeof value / sizeof *value; i++)
		T(value[i], put("/proc/self/clear_refs", value[i]));
	char *q = mmap(0, 512 * PG, RW, ANON | MAP_POPULATE, -1, 0);
	long high = st("VmHWM");
	munmap(q, 512 * PG);
	printf("VmHWM keeps %d, VmRSS fell %d\n", high - st("VmHWM") < 512,
	       st("VmRSS") + 2000 < high);
	T("5", put("/proc/self/clear_refs", "5"));
	printf("VmHWM near VmRSS %d\n", st("VmHWM") - st("VmRSS") < 64);
	touch();
	int status;
	if (!fork()) {
		show("child: not referenced");
		(void)*(volatile char *)p;
		counters("child read 0", p);
		T("child 1", put("/proc/self/clear_refs", "1"));
		show("child after 1");
		_exit(0);
	}
	wait(&status);
	show("parent");
	return 0;
}
