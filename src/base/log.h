/* Vellum's own log: one line a message, to stderr or --log FILE, never to the guest's output. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

/* "vellum: <text>\n"; the text has no newline. Async-signal-unsafe. */
void log_line(const char *fmt, ...) __printf(1, 2);
/* Raw text to the log, no prefix (strace lines, reports). */
void log_text(const char *fmt, ...) __printf(1, 2);
/* Log goes to @fd from now on (kept, not closed before); default 2. */
void log_set_fd(int fd);
int log_fd(void);

#endif
