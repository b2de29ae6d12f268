/* Names of constants for strace_put.c: masks in the order in which strace prints them. */
#ifndef SYSCALLS_STRACE_FLAGS_H
#define SYSCALLS_STRACE_FLAGS_H

#include "base/types.h"

struct flag_name {
	u64 value;
	const char *name;
};

/* A letter of table.def, and what its values are called. Ends with a NULL name. */
struct flag_set {
	char letter;
	bool mask;	  /* bits to be joined by |; else one value */
	const char *zero; /* what a mask of 0 is; NULL: "0" */
	const struct flag_name *names;
};

/* NULL: no such letter. */
const struct flag_set *strace_flag_set(char letter);

#endif
