/* Prints what inotify tells of the directory that is its argument, until somebody else makes "end" there. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buf[4096] __attribute__((aligned(8)));
	int in = inotify_init1(0), ended = 0;

	if (argc < 2 || inotify_add_watch(in, argv[1], IN_ALL_EVENTS) < 0)
		return 1;
	if (symlink("x", argc > 2 ? argv[2] : "ready")) /* outside of it: whoever waits may begin */
		return 1;
	while (!ended) {
		long n = read(in, buf, sizeof(buf)), i = 0;

		while (i < n) {
			struct inotify_event *e = (void *)(buf + i);

			printf("%#x %s\n", e->mask, e->len ? e->name : "");
			ended |= e->len && !strcmp(e->name, "end") && (e->mask & IN_CLOSE);
			i += sizeof(*e) + e->len;
		}
	}
	return 0;
}
