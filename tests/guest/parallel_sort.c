/* Sorts numbers with N processes: each sorts a part and sends it through a pipe, the parent merges. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PARTS 64

static unsigned seed = 42;

static unsigned next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 4;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static void sort_part(unsigned *part, int n, int fd)
{
	FILE *out = fdopen(fd, "w");

	qsort(part, n, sizeof(*part), compare);
	for (int i = 0; i < n; i++)
		fprintf(out, "%u\n", part[i]);
	_exit(fclose(out) ? 1 : 0);
}

int main(int argc, char **argv)
{
	int parts = argc > 1 ? atoi(argv[1]) : 4, n = argc > 2 ? atoi(argv[2]) : 10000;
	unsigned *all = calloc(n, sizeof(*all)), head[MAX_PARTS], last = 0, sum = 0;
	FILE *in[MAX_PARTS];
	int have[MAX_PARTS], status, count = 0, bad = 0, failed = 0;

	if (!all || parts < 1 || parts > MAX_PARTS)
		return 2;
	for (int i = 0; i < n; i++)
		all[i] = next();
	for (int p = 0; p < parts; p++) {
		int fds[2], from = (long)n * p / parts, to = (long)n * (p + 1) / parts;

		if (pipe(fds))
			return 2;
		if (!fork()) {
			for (int q = 0; q < p; q++)
				close(fileno(in[q]));
			close(fds[0]);
			sort_part(all + from, to - from, fds[1]);
		}
		close(fds[1]);
		in[p] = fdopen(fds[0], "r");
		have[p] = 0;
	}
	for (;;) {
		int best = -1;

		for (int p = 0; p < parts; p++) {
			if (!have[p])
				have[p] = fscanf(in[p], "%u", &head[p]) == 1 ? 1 : -1;
			if (have[p] > 0 && (best < 0 || head[p] < head[best]))
				best = p;
		}
		if (best < 0)
			break;
		bad += head[best] < last;
		last = head[best];
		sum = sum * 31 + last;
		have[best] = 0;
		if (count++ % (n / 10) == 0)
			printf("%d: %u\n", count, last);
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%d numbers, %d out of order, sum %08x, %d failed\n", count, bad, sum, failed);
	return bad || failed || count != n;
}
