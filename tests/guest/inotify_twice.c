/* Several inotifies on the file that is the argument, which somebody else removes: each is told, each for itself. */
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#define GROUPS 4

/* The masks that @in tells, until the watch has ended. */
static void show(int in)
{
	static char buf[4096] __attribute__((aligned(8)));
	int ended = 0;

	while (!ended) {
		long n = read(in, buf, sizeof(buf)), i = 0;

		if (n <= 0)
			return;
		while (i < n) {
			struct inotify_event *e = (void *)(buf + i);

			printf(" %#x", e->mask);
			ended |= !!(e->mask & IN_IGNORED);
			i += sizeof(*e) + e->len;
		}
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	int in[GROUPS];

	for (int i = 0; i < GROUPS; i++) {
		in[i] = inotify_init1(0);
		if (argc < 2 || inotify_add_watch(in[i], argv[1], IN_ATTRIB | IN_DELETE_SELF) < 0)
			return 1;
	}
	if (symlink("x", "ready")) /* whoever waits may begin */
		return 1;
	for (int i = 0; i < GROUPS; i++)
		show(in[i]);
	return 0;
}
