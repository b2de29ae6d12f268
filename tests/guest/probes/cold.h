/*
 * A file on disk whose pages are out of the page cache, and which of them came back: what the probes
 * of read-ahead share.
 */
#ifndef COLD_H
#define COLD_H

#include "probe.h"

static char cold_name[32];
static int cold_fd = -1;   /* writes, syncs, drops: never reads, so its read-ahead state is no one's */
static char *cold_look;	   /* a mapping for mincore() that nobody touches */
static long cold_pages;
static unsigned char cold_vec[1 << 14];

HELPER long cached(int fd)
{
	struct {
		uint64_t off, len;
	} range = {0, 0};
	struct {
		uint64_t cache, dirty, writeback, evicted, recently;
	} stat = {0};

	return syscall(451, fd, &range, &stat, 0) ? -1 : (long)stat.cache;
}

/* How many pages are there to read; waits until those on their way have come. */
HELPER long resident(void)
{
	long n, tries = 4000;

	do {
		mincore(cold_look, cold_pages * PG, cold_vec);
		n = 0;
		for (long i = 0; i < cold_pages; i++)
			n += cold_vec[i] & 1;
		if (n == cached(cold_fd))
			return n;
		usleep(500);
	} while (--tries);
	return n;
}

/* Print the pages of the file that are in the cache, in runs. */
HELPER void show(const char *label)
{
	long from = -1, any = 0;

	resident();
	printf("%s:", label);
	for (long i = 0; i <= cold_pages; i++) {
		int here = i < cold_pages && (cold_vec[i] & 1);

		if (here && from < 0)
			from = i;
		if (!here && from >= 0) {
			printf(i - from > 1 ? " %ld-%ld" : " %ld", from, i - 1);
			from = -1;
			any = 1;
		}
	}
	printf("%s\n", any ? "" : " none");
}

/* No page of it is cached. */
HELPER void cold(void)
{
	fsync(cold_fd);
	for (int i = 0; i < 2000; i++) {
		posix_fadvise(cold_fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!cached(cold_fd))
			return;
		usleep(500);
	}
	printf("the file does not leave the cache\n");
	exit(1);
}

/* A file of n pages and some bytes; page i begins with the number i. */
HELPER void cold_file(long n, long bytes)
{
	strcpy(cold_name, "/tmp/probeXXXXXX");
	cold_fd = mkstemp(cold_name);
	cold_pages = n + (bytes > 0);
	ftruncate(cold_fd, n * PG + bytes);
	for (long i = 0; i < cold_pages; i += 64) {
		memset(big, i / 64, 64 * PG);
		for (long k = 0; k < 64; k++)
			*(uint32_t *)(big + k * PG) = i + k;
		pwrite(cold_fd, big, i + 64 > cold_pages ? (cold_pages - i - !!bytes) * PG + bytes : 64 * (long)PG,
		       i * PG);
	}
	cold_look = mmap(0, cold_pages * PG, PROT_NONE, MAP_SHARED, cold_fd, 0);
	cold();
}

/* Opened anew: no read has been seen, no window is open. */
HELPER int cold_open(void)
{
	cold();
	return open(cold_name, O_RDONLY);
}

#endif
