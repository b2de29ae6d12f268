/* Pieces of a strace line: constants by name, and what lies in the guest's memory. strace.c puts them
 * together.
 *
 * What cannot be read prints as an address. strace_call() disables faults around all of it: nothing
 * here sleeps.
 */
#ifndef SYSCALLS_STRACE_PUT_H
#define SYSCALLS_STRACE_PUT_H

#include "syscalls/syscalls.h"

#define MAX_VECTORS 4 /* elements of an array that are shown */

/* The line so far; what does not fit is cut off. */
struct line {
	char text[560];
	u32 len;
	struct task_struct *t;
	const struct sysargs *a;
	long ret;
	bool done; /* the call has returned: results can be shown */
};

/* As printf(3), behind what is there. */
void put(struct line *l, const char *fmt, ...) __printf(2, 3);
/* Has the call returned an error? */
bool failed(const struct line *l);
void put_addr(struct line *l, gva_t addr);

/* --- constants: values of a set of strace_flags.c, by its letter ------------------------------- */

void put_flags(struct line *l, u64 v, char letter);
void put_open_flags(struct line *l, u64 v);
void put_mode(struct line *l, u32 mode);
void put_signal(struct line *l, u64 sig);
void put_sock_type(struct line *l, u64 v);
/* Option @v of @level (SOL_*). */
void put_sock_option(struct line *l, u64 level, u64 v);

/* --- memory ------------------------------------------------------------------------------------ */

/* What argument @v means if its letter says that it points somewhere; @next: the argument behind it, a
 * length for some. False: @letter is none of these. */
bool put_pointed(struct line *l, char letter, u64 v, u64 next);

#endif
