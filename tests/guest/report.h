/* What the programs that try calls share: they print what each gave, and compare that between hosts. */
#ifndef REPORT_H
#define REPORT_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int signals; /* since the last report, caught by on_signal() */

static inline void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Prints what a call gave: its value, the error's name, the signals that it sent. Returns @ret. */
static inline long show(const char *what, long ret)
{
	int err = errno;

	if (ret < 0)
		printf("%s: %ld %s", what, ret, strerrorname_np(err));
	else
		printf("%s: %ld", what, ret);
	if (signals)
		printf(", %d signals", signals);
	putchar('\n');
	signals = 0;
	return ret;
}

#define SHOW(call) show(#call, (errno = 0, (long)(call)))
/* Only whether it worked: numbers and addresses differ. */
#define WORKS(call) show(#call, (errno = 0, (long)(call)) == -1 ? -1 : 0)

#endif
