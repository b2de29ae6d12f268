/* The log: one write() a message, so that lines of two processes do not mix. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/host.h"

/* The one mutable global of base/: a message may come before there is a machine, and from code that
 * has none at hand. Set when options are read, and where a file can take no more. */
static int the_log_fd = 2;

int log_set_fd(int fd)
{
	int old = the_log_fd;

	the_log_fd = fd;
	return old;
}

/* A FILE on a full disk: what follows would be missed, so it comes to stderr. */
static void log_write(const char *s, int len)
{
	static const char full[] = "vellum: --log: no space left: the rest comes here\n";
	long err = host_write_full(the_log_fd, s, len);

	if (the_log_fd == 2 || (err != -ENOSPC && err != -EDQUOT && err != -EFBIG))
		return;
	the_log_fd = 2;
	host_write_full(2, full, sizeof(full) - 1);
	host_write_full(2, s, len);
}

/* Kernel stacks are small: what does not fit here is printed in a second go, straight. */
#define LOG_BUF 640

static void log_vprint(const char *prefix, const char *end, const char *fmt, va_list ap)
{
	char buf[LOG_BUF];
	va_list again;
	int pre, len;

	va_copy(again, ap);
	pre = snprintf(buf, sizeof(buf), "%s", prefix);
	len = vsnprintf(buf + pre, sizeof(buf) - pre - 1, fmt, ap);
	if (len >= 0 && pre + len < LOG_BUF - 1) {
		len = pre + len;
		while (*end)
			buf[len++] = *end++;
		log_write(buf, len);
	} else {
		host_write_full(the_log_fd, prefix, pre);
		vdprintf(the_log_fd, fmt, again);
		host_write_full(the_log_fd, end, *end != 0);
	}
	va_end(again);
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprint("vellum: ", "\n", fmt, ap);
	va_end(ap);
}

void log_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprint("", "", fmt, ap);
	va_end(ap);
}
