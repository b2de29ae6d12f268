/*
 * start RUNS COMMAND [ARGS...]: runs it with its output thrown away, and prints the median wall
 * time and CPU time of one run in milliseconds, and the largest peak RSS in KiB.
 *
 * start -o FILE COMMAND [ARGS...]: runs it once, leaves its output alone, and writes the same three
 * numbers of this run (seconds, seconds, KiB) to FILE. Its exit status is the command's, or 128 and
 * the signal.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double ms(struct timeval tv)
{
	return tv.tv_sec * 1e3 + tv.tv_usec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int once(const char *file, char **command)
{
	double start = now_ms(), wall;
	struct rusage ru;
	int status;
	FILE *out;
	pid_t child = fork();

	if (!child) {
		execvp(*command, command);
		_exit(127);
	}
	if (wait4(child, &status, 0, &ru) != child)
		return 126;
	wall = now_ms() - start;
	out = fopen(file, "w");
	if (!out)
		return 126;
	fprintf(out, "%.6f %.6f %ld\n", wall / 1e3, (ms(ru.ru_utime) + ms(ru.ru_stime)) / 1e3,
		ru.ru_maxrss);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "-o"))
		return once(argv[2], argv + 3);

	int runs = argc > 2 ? atoi(argv[1]) : 0, status = 0;
	double *wall = calloc(runs, sizeof(*wall)), *cpu = calloc(runs, sizeof(*cpu));
	long rss = 0;

	for (int i = 0; i < runs; i++) {
		double start = now_ms();
		struct rusage ru;
		pid_t child = fork();

		if (!child) {
			dup2(open("/dev/null", O_WRONLY), 1);
			execvp(argv[2], argv + 2);
			_exit(127);
		}
		if (wait4(child, &status, 0, &ru) != child || !WIFEXITED(status) ||
		    WEXITSTATUS(status) == 127)
			return 1;
		wall[i] = now_ms() - start;
		cpu[i] = ms(ru.ru_utime) + ms(ru.ru_stime);
		if (ru.ru_maxrss > rss)
			rss = ru.ru_maxrss;
	}
	if (runs < 1)
		return 2;
	qsort(wall, runs, sizeof(*wall), by_size);
	qsort(cpu, runs, sizeof(*cpu), by_size);
	printf("%.2f ms wall, %.2f ms CPU, peak RSS %ld KiB\n", wall[runs / 2], cpu[runs / 2], rss);
	return 0;
}
