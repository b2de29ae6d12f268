/* Fixed-width integers, guest addresses and page arithmetic, for every room. Words are the kernel's
 * (include/linux/types.h, minmax.h, container_of.h). Not for: what only one room needs. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 gva_t; /* guest virtual address, bytes; never cast to a pointer */
typedef u64 pfn_t; /* guest page frame number */

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define TASK_SIZE 0x7ffffffff000UL /* user end: 2^47 - 4096 */

#define page_aligned(x) (((x) & (PAGE_SIZE - 1)) == 0)
#define page_align(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK) /* rounds up; wraps to 0 */
#define page_offset(x) ((x) & (PAGE_SIZE - 1))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
/* Unique names, so that a min() inside a min() shadows nothing. */
#define CHOOSE_(a, b, op, x, y)                                                                    \
	({                                                                                         \
		__typeof__(a) x = (a);                                                             \
		__typeof__(b) y = (b);                                                             \
		x op y ? x : y;                                                                    \
	})
#define min(a, b) CHOOSE_(a, b, <, PASTE(min_a, __COUNTER__), PASTE(min_b, __COUNTER__))
#define max(a, b) CHOOSE_(a, b, >, PASTE(max_a, __COUNTER__), PASTE(max_b, __COUNTER__))
#define BIT(n) (1UL << (n))
#define __must_check __attribute__((warn_unused_result))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __unused __attribute__((unused))
#define __noreturn __attribute__((noreturn))
#define __always_inline_ inline __attribute__((always_inline))

#endif
