/* q06_pss_tasks: Pss, Shared_* and Private_* as tasks come, store and go (3.2). */
#include "probe.h"

static int up[2], down[2][2]; /* a pipe for each phase: no task takes another's turn */

static void step(int phase)
{
	char c;
	if (read(down[phase][0], &c, 1) != 1)
		_exit(0);
}

static void done(void)
{
	if (write(up[1], "x", 1) != 1)
		_exit(1);
}

static void tell(int phase, int n)
{
	char c;
	for (int i = 0; i < n; i++)
		if (write(down[phase][1], "x", 1) != 1 || read(up[0], &c, 1) != 1)
			_exit(1);
}

int main(void)
{
	begin();
	char *p = arena(64);
	int fd = memfd("m", 8);
	map(p, 6, RW, ANON, -1, 0);
	map(p + 10 * PG, 6, RW, SHANON, -1, 0);
	map(p + 20 * PG, 6, RW, MAP_PRIVATE, fd, 0);
	map(p + 30 * PG, 6, PROT_READ, MAP_SHARED, fd, 1);
	memset(p, 1, 6 * PG);
	memset(p + 10 * PG, 1, 6 * PG);
	memset(p + 20 * PG, 1, 3 * PG);
	(void)*(volatile char *)(p + 24 * PG);
	(void)*(volatile char *)(p + 30 * PG);
	if (pipe(up) || pipe(down[0]) || pipe(down[1]))
		return 1;
	for (int n = 1; n <= 6; n++) {
		printf("-- %d tasks\n", n);
		counters("anon", p);
		counters("shared anon", p + 10 * PG);
		counters("private memfd", p + 20 * PG);
		counters("shared memfd", p + 30 * PG);
		if (n == 6)
			break;
		if (!fork()) {
			if (n & 1)
				(void)*(volatile char *)(p + 10 * PG);
			done();
			step(0);
			p[n * PG] = 2;
			p[20 * PG] = 3;
			done();
			step(1);
			done();
			_exit(0);
		}
		char c;
		if (read(up[0], &c, 1) != 1)
			return 1;
	}
	tell(0, 5);
	printf("-- each has stored\n");
	counters("anon", p);
	counters("private memfd", p + 20 * PG);
	pagemap("anon", p, 6);
	tell(1, 5);
	while (wait(0) > 0)
		;
	printf("-- alone\n");
	counters("anon", p);
	counters("shared anon", p + 10 * PG);
	counters("private memfd", p + 20 * PG);
	F("store again into 6", for (int i = 0; i < 6; i++) p[i * PG] = 9);
	counters("anon", p);
	return 0;
}
