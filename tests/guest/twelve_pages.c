/* Twelve pages of Rss in an area of 64 pages, each there for a reason of its own. docs/howto.md explains
 * this program's numbers; with an argument it ends with its own Rss lines of /proc/self/status. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define NR_PAGES 64

static char *area;
static char text[1 << 16];

static void touch(int first, int nr)
{
	for (int i = first; i < first + nr; i++)
		area[i * PAGE] = 1;
}

static void slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n, len = 0;

	while (len < (long)sizeof(text) - 1 &&
	       (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	close(fd);
}

/* smaps' lines about the area, but for what depends on the host's settings. */
static void smaps(const char *when)
{
	static const char *const shown[] = {
		"Size:",	  "Rss:",	 "Pss:",       "Shared_Dirty:", "Private_Clean:",
		"Private_Dirty:", "Referenced:", "Anonymous:", "LazyFree:"};
	char head[32], *at, *line;

	slurp("/proc/self/smaps");
	snprintf(head, sizeof(head), "%lx-%lx ", (long)area, (long)area + NR_PAGES * PAGE);
	at = strstr(text, head);
	printf("%s:", when);
	for (unsigned i = 0; at && i < sizeof(shown) / sizeof(*shown); i++) {
		line = strstr(at, shown[i]);
		printf(" %s%d", shown[i], atoi(line + strcspn(line, " ")) / 4);
	}
	putchar('\n');
}

/* One letter a page: from /proc/self/pagemap: M present and mapped once, P present. */
static void pagemap(void)
{
	uint64_t entry[NR_PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, entry, sizeof(entry), (uintptr_t)area / PAGE * 8) != sizeof(entry))
		exit(1);
	close(fd);
	for (int i = 0; i < NR_PAGES; i++)
		putchar(!(entry[i] >> 63) ? '.' : entry[i] >> 56 & 1 ? 'M' : 'P');
	putchar('\n');
}

int main(int argc, char **argv)
{
	volatile char sum = 0;
	int go[2];

	(void)argv;
	memset(text, 0, sizeof(text));
	area = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	madvise(area, NR_PAGES * PAGE, MADV_NOHUGEPAGE);
	smaps("mapped");
	touch(0, 8);
	smaps("8 written");
	for (int i = 8; i < 16; i++)
		sum += area[i * PAGE];
	smaps("8 read"); /* the zero page is nobody's: it does not count */
	touch(12, 2);
	smaps("2 of those written");
	madvise(area + 2 * PAGE, 3 * PAGE, MADV_DONTNEED);
	smaps("3 given back");
	madvise(area + 20 * PAGE, 5 * PAGE, MADV_POPULATE_WRITE);
	smaps("5 populated");
	pagemap();
	fflush(stdout);
	if (pipe(go))
		return 1;
	if (!fork()) { /* shares them until somebody writes */
		char c;

		close(go[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	smaps("shared with a child");
	touch(0, 1);
	smaps("one written again");
	pagemap();
	close(go[1]);
	wait(NULL);
	smaps("alone again");
	fflush(stdout);
	if (argc > 1) {
		slurp("/proc/self/status");
		if (write(1, strstr(text, "RssAnon:"),
			  strstr(text, "VmData:") - strstr(text, "RssAnon:")) < 0)
			return 1;
	}
	return sum;
}
