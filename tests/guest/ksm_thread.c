/*
 * The thread ksmd at work, as root asks for it in /sys/kernel/mm/ksm: equal pages of two areas and of a child
 * become one, a write takes a page out again, run = 2 takes all out, and no byte changes by any of it.
 * It prints what was wrong, if anything. Not natively: the host's own ksmd is nobody's toy.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "settings.h"

#define PG 4096UL
#define PAGES 64UL
#define KSM "/sys/kernel/mm/ksm/"

static char *area;

static long number(const char *name)
{
	return atol(get(name));
}

/* Waits until the file says at least @least and at most @most; 20 s are more than any scan takes. */
static void becomes(const char *name, long least, long most)
{
	const struct timespec tick = {0, 2000000};

	for (int i = 0; i < 10000; i++) {
		if (number(name) >= least && number(name) <= most)
			return;
		nanosleep(&tick, NULL);
	}
	printf("%s stays %ld, not %ld to %ld\n", name, number(name), least, most);
	wrong = 1;
}

/* Page i holds the number i % 4, but for page 0, which may hold another. */
static void bytes_are_kept(const char *when, char first)
{
	for (unsigned long i = 0; i < 2 * PAGES * PG; i++) {
		char want = i < PG ? first : (char)(1 + i / PG % 4);

		if (area[i] != want) {
			printf("%s: byte %lu is %d, not %d\n", when, i, area[i], want);
			wrong = 1;
			return;
		}
	}
}

int main(void)
{
	int status;

	area = mmap(NULL, 2 * PAGES * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	for (unsigned long i = 0; i < 2 * PAGES; i++)
		memset(area + i * PG, 1 + i % 4, PG);
	if (madvise(area, 2 * PAGES * PG, MADV_MERGEABLE)) {
		perror("madvise");
		return 1;
	}
	expect(KSM "sleep_millisecs", "1", 0, "1");
	expect(KSM "pages_to_scan", "1000", 0, "1000");
	expect(KSM "smart_scan", "0", 0, "0");
	expect(KSM "run", "3", EINVAL, "0");
	expect(KSM "run", "1", 0, "1");
	/* Four texts, of which each is on 32 pages: four pages shared, by 124 others. */
	becomes(KSM "pages_shared", 4, 4);
	becomes(KSM "pages_sharing", 2 * PAGES - 4, 2 * PAGES - 4);
	becomes(KSM "full_scans", 2, 1L << 40);
	if (number(KSM "pages_scanned") < (long)(2 * PAGES) || number(KSM "general_profit") <= 0) {
		printf("scanned %ld, ", number(KSM "pages_scanned"));
		printf("profit %ld\n", number(KSM "general_profit"));
		wrong = 1;
	}
	bytes_are_kept("merged", 1);

	if (!fork()) { /* its pages are the parent's; what it writes is merged anew */
		memset(area, 2, PG);
		bytes_are_kept("child", 2);
		_exit(wrong);
	}
	wait(&status);
	wrong |= status != 0;
	bytes_are_kept("after a child", 1);

	area[0] = 9;
	becomes(KSM "pages_sharing", 2 * PAGES - 5, 2 * PAGES - 5);
	area[0] = 1;
	becomes(KSM "pages_sharing", 2 * PAGES - 4, 2 * PAGES - 4);
	expect(KSM "run", "2", 0, "2");
	becomes(KSM "pages_shared", 0, 0);
	becomes(KSM "pages_sharing", 0, 0);
	bytes_are_kept("taken apart", 1);
	expect(KSM "run", "0", 0, "0");
	return wrong;
}
