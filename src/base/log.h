/* Vellum's own log: one line a message, to stderr or --log FILE, never to the guest's output.
 *
 * A message is one write(2), so lines of two processes do not mix. One that fails is lost; but if FILE's disk is full,
 * it and all after it come to stderr. May be called at any time, before there is a machine too, but not from a
 * signal handler. Not for: events that are counted (/proc/vmstat), tracepoints (trace.h).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

/* "vellum: <text>\n"; the text has no newline. */
void log_line(const char *fmt, ...) __printf(1, 2);
/* Raw text to the log, no prefix (strace lines, reports). */
void log_text(const char *fmt, ...) __printf(1, 2);
/* Log goes to @fd from now on, which stays the caller's to close; at first it is 2. The one before. */
int log_set_fd(int fd);

#endif
