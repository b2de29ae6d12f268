/* The end of a wrong emulator. */
#include "base/bug.h"

#include <stdio.h>
#include <unistd.h>

#include "base/host.h"

#define EXIT_BUG 125 /* Vellum's own failure, as in --help */

void bug(const char *what, const char *file, int line, const char *func)
{
	char buf[512];
	int len =
		snprintf(buf, sizeof(buf), "vellum: bug: %s (%s:%d, %s)\n", what, file, line, func);

	/* Not through the log: it may be a file, and whoever waits for us looks at stderr. */
	host_write_full(2, buf, min((size_t)len, sizeof(buf) - 1));
	_exit(EXIT_BUG);
}
