#ifndef BASE_CORESTRING_H
#define BASE_CORESTRING_H

#include <stddef.h>

/*
 * memcpy and kin for the core: they change general registers only.
 *
 * Inside cpu_run() the guest's SIMD state is live in the host's unit, and libc's versions would
 * destroy it. Core files go on calling memcpy(); the build renames the calls to these (Makefile.am,
 * "The core"). Other files have no need of them.
 *
 * Contracts are those of ISO C. A length of 0 is fine with any pointer. None blocks.
 */
void *vm_memcpy(void *restrict dst, const void *restrict src, size_t len);
void *vm_memmove(void *dst, const void *src, size_t len);
void *vm_memset(void *dst, int byte, size_t len);
int vm_memcmp(const void *a, const void *b, size_t len);
int vm_bcmp(const void *a, const void *b, size_t len);

#endif
