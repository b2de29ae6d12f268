/*
 * memcpy and kin without SIMD, for the core. See the header for who calls them.
 *
 * Most calls copy one operand of 1 to 32 bytes, where starting `rep movsb` would cost more than
 * the copy; longer ones are a page or so, where it is as fast as vectors.
 */
#include "base/corestring.h"

#include <stdint.h>

/*
 * A compiler that knows its idioms turns the loops below into calls of memcpy, that is of themselves.
 * gcc has an option against it, in CORE_CFLAGS.
 */
#ifdef __clang__
#define PLAIN_LOOPS __attribute__((no_builtin("memcpy", "memmove", "memset", "memcmp", "bcmp")))
#else
#define PLAIN_LOOPS
#endif

/* Above this many bytes `rep movsb` beats a loop of words. Any value is correct. */
#define REP_MIN 64

/* May lie anywhere and alias anything. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

PLAIN_LOOPS static void copy_up(unsigned char *dst, const unsigned char *src, size_t len)
{
	if (len >= REP_MIN) {
		asm volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(len) : : "memory");
		return;
	}
	for (; len >= sizeof(word_t); len -= sizeof(word_t)) {
		*(word_t *)dst = *(const word_t *)src;
		dst += sizeof(word_t);
		src += sizeof(word_t);
	}
	while (len--)
		*dst++ = *src++;
}

PLAIN_LOOPS static void copy_down(unsigned char *dst, const unsigned char *src, size_t len)
{
	for (; len >= sizeof(word_t); len -= sizeof(word_t))
		*(word_t *)(dst + len - sizeof(word_t)) =
			*(const word_t *)(src + len - sizeof(word_t));
	while (len--)
		dst[len] = src[len];
}

PLAIN_LOOPS void *vm_memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	copy_up(dst, src, len);
	return dst;
}

PLAIN_LOOPS void *vm_memmove(void *dst, const void *src, size_t len)
{
	/* One comparison: true also where dst lies below src. */
	if ((uintptr_t)dst - (uintptr_t)src >= len)
		copy_up(dst, src, len);
	else
		copy_down(dst, src, len);
	return dst;
}

PLAIN_LOOPS void *vm_memset(void *dst, int byte, size_t len)
{
	unsigned char *p = dst;

	if (len >= REP_MIN)
		asm volatile("rep stosb" : "+D"(p), "+c"(len) : "a"(byte) : "memory");
	else
		while (len--)
			*p++ = (unsigned char)byte;
	return dst;
}

PLAIN_LOOPS int vm_memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len >= sizeof(word_t); len -= sizeof(word_t)) {
		if (*(const word_t *)x != *(const word_t *)y)
			break;
		x += sizeof(word_t);
		y += sizeof(word_t);
	}
	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

/* What clang makes of a memcmp() that only asks for equality. */
PLAIN_LOOPS int vm_bcmp(const void *a, const void *b, size_t len)
{
	return vm_memcmp(a, b, len);
}
