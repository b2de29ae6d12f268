/* Pointers that may carry a negative errno, as in the kernel's err.h. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>

#include "base/types.h"

/* The kernel's own, never seen by a guest: what signal delivery does with a system call that a
 * signal ended. See: include/linux/errno.h; signal(7), "Interruption of system calls". */
#define ERESTARTSYS 512		  /* again, if SA_RESTART */
#define ERESTARTNOINTR 513	  /* again, always */
#define ERESTARTNOHAND 514	  /* again, if no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* again, by restart_syscall() */

/* A pointer, or one of the last 4095 addresses, where nothing can lie: -errno. See: include/linux/err.h. */
#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

/* A negative errno; int, which is what those return who hand it on (the kernel: long). */
static inline int PTR_ERR(const void *p)
{
	return (int)(long)p;
}

static inline bool IS_ERR(const void *p)
{
	return IS_ERR_VALUE(p);
}

static inline bool IS_ERR_OR_NULL(const void *p)
{
	return !p || IS_ERR_VALUE(p);
}

#endif
