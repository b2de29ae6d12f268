/* AddressSanitizer, where the build has it: memory that nobody owns is poisoned, so that its use
 * is caught. Nothing, and no code, in other builds.
 *
 * Who owns memory marks it: mm/ its frames and slab objects, coro.c stacks. Not for: the host's heap, which
 * ASan watches by itself. */
#ifndef BASE_ASAN_H
#define BASE_ASAN_H

#include "base/types.h"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN_BUILD 1
#endif
#endif

#ifdef ASAN_BUILD
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
/* For the few functions that read or write memory which is poisoned for all others. */
#define __no_asan __attribute__((no_sanitize_address, noinline))
#else
#define __no_asan
#endif

/* @len bytes at @p are nobody's, or somebody's again; of host memory, rounded to 8 bytes. */
static inline void asan_poison(const void *p, size_t len)
{
#ifdef ASAN_BUILD
	__asan_poison_memory_region(p, len);
#else
	(void)p, (void)len;
#endif
}

static inline void asan_unpoison(const void *p, size_t len)
{
#ifdef ASAN_BUILD
	__asan_unpoison_memory_region(p, len);
#else
	(void)p, (void)len;
#endif
}

#endif
