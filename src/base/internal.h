/* What the files of host calls share: errors as return values. The only place that looks at errno's value
 * after a call is theirs. Nobody outside src/base includes this. */
#ifndef BASE_INTERNAL_H
#define BASE_INTERNAL_H

#include <errno.h>

/* What a call of the host returned, or -errno: of one that gives 0, a descriptor or a small count, ... */
static inline int ret(int r)
{
	return r < 0 ? -errno : r;
}

/* ... and of one that gives bytes or a place in a file. */
static inline long ret_long(long r)
{
	return r < 0 ? -errno : r;
}

#endif
