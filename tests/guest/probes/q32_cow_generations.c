/* q32_cow_generations: pages handed down over generations: who owns what when tasks end or store (3.2, 5.9). */
#include "probe.h"

static char *p;

static void generation(int n)
{
	char label[32];
	int status;

	snprintf(label, sizeof label, "generation %d", n);
	counters(label, p);
	if (n < 4) {
		p[n * PG] = n;
		if (!fork()) {
			generation(n + 1);
			_exit(0);
		}
		wait(&status);
		snprintf(label, sizeof label, "generation %d after", n);
		F(label, for (int i = 0; i < 6; i++) p[i * PG] += 1);
		counters(label, p);
	}
	printf("values");
	for (int i = 0; i < 6; i++)
		printf(" %d", p[i * PG]);
	printf("\n");
	pagemap(label, p, 6);
}

int main(void)
{
	begin();
	int status;
	p = arena(32);
	map(p, 6, RW, ANON, -1, 0);
	memset(p, 100, 6 * PG);
	generation(0);
	/* the parent is gone, the child inherits alone */
	int fds[2];
	char c;
	pipe(fds);
	if (!fork()) {
		if (!fork()) {
			close(fds[1]);
			read(fds[0], &c, 1);
			close(fds[0]);
			counters("orphan", p);
			F("orphan stores", memset(p, 1, 6 * PG));
			counters("orphan", p);
			kill(getppid(), 0);
			_exit(0);
		}
		/* the grandchild reads on when both writers are gone */
		F("middle stores in 3", (p[0] = 1, p[1 * PG] = 1, p[2 * PG] = 1));
		_exit(0);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	waitpid(-1, &status, 0);
	map(p, 6, RW, ANON, -1, 0);
	close(fds[1]);
	while (wait(&status) > 0)
		;
	/* read-only areas and discarded pages */
	memset(p, 1, 6 * PG);
	mprotect(p, 2 * PG, PROT_READ);
	if (!fork()) {
		madvise(p + 2 * PG, 2 * PG, MADV_DONTNEED);
		counters("child: read-only", p);
		counters("child: two dropped", p + 2 * PG);
		mprotect(p, 2 * PG, RW);
		F("child stores in all", memset(p, 2, 6 * PG));
		counters("child", p + 2 * PG);
		_exit(0);
	}
	wait(&status);
	F("parent stores in 4", memset(p + 2 * PG, 3, 4 * PG));
	counters("parent", p);
	/* moved while shared */
	if (!fork()) {
		mremap(p, 2 * PG, 2 * PG, 3, p + 10 * PG);
		counters("child, moved", p + 10 * PG);
		counters("child, left", p + 2 * PG);
		_exit(0);
	}
	wait(&status);
	return 0;
}
