/* What valgrind must be told about stacks that are not the host's (make check-valgrind): nothing, and no
 * code, where its header was not found. */
#ifndef BASE_VALGRIND_H
#define BASE_VALGRIND_H

#include "base/types.h"

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* A jump of the stack pointer into [@stack, @stack + @size) is a switch, not a stack that has grown. It
 * is told again when the memory serves as a stack again: valgrind looks for the latest first. */
static inline void valgrind_stack(const void *stack, size_t size)
{
#ifdef HAVE_VALGRIND
	(void)VALGRIND_STACK_REGISTER(stack, (const char *)stack + size);
	VALGRIND_MAKE_MEM_UNDEFINED(stack, size); /* frames of an earlier user */
#else
	(void)stack, (void)size;
#endif
}

/* A reservation has stacks in it, and other things later: what lies below a stack pointer is not wrong. */
static inline void valgrind_reserved(const void *p, size_t len)
{
#ifdef HAVE_VALGRIND
	VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(p, len);
#else
	(void)p, (void)len;
#endif
}

/* The end of a reservation, or of any other mapping. */
static inline void valgrind_unmapped(const void *p, size_t len)
{
#ifdef HAVE_VALGRIND
	VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(p, len);
#else
	(void)p, (void)len;
#endif
}

/* For tests that valgrind has no room for. */
static inline bool under_valgrind(void)
{
#ifdef HAVE_VALGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

#endif
