/* Bitmaps: arrays of u64, bit n in word n / 64. No locking, no allocation: the array is the caller's. See:
 * include/linux/bitmap.h, whose words they are. */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include "base/types.h"

#define BITS_PER_WORD 64
#define BITMAP_WORDS(nbits) (((nbits) + BITS_PER_WORD - 1) / BITS_PER_WORD)
#define DECLARE_BITMAP(name, nbits) u64 name[BITMAP_WORDS(nbits)]

/* @n: below the size of @map. */
static inline void set_bit(u64 *map, u64 n)
{
	map[n / BITS_PER_WORD] |= 1UL << (n % BITS_PER_WORD);
}

static inline void clear_bit(u64 *map, u64 n)
{
	map[n / BITS_PER_WORD] &= ~(1UL << (n % BITS_PER_WORD));
}

static inline bool test_bit(const u64 *map, u64 n)
{
	return map[n / BITS_PER_WORD] >> (n % BITS_PER_WORD) & 1;
}

/* First bit >= @from that is set (or, with @flip ~0, clear); @nbits if there is none. */
static inline u64 bitmap_scan(const u64 *map, u64 nbits, u64 from, u64 flip)
{
	while (from < nbits) {
		u64 word = (map[from / BITS_PER_WORD] ^ flip) >> (from % BITS_PER_WORD);

		if (word) {
			from += __builtin_ctzl(word);
			return from < nbits ? from : nbits;
		}
		from = (from / BITS_PER_WORD + 1) * BITS_PER_WORD;
	}
	return nbits;
}

/* The first bit that is set, or clear, at or behind @from; @nbits: there is none. */
static inline u64 find_next_bit(const u64 *map, u64 nbits, u64 from)
{
	return bitmap_scan(map, nbits, from, 0);
}

static inline u64 find_next_zero_bit(const u64 *map, u64 nbits, u64 from)
{
	return bitmap_scan(map, nbits, from, ~0UL);
}

/* Bits set in [0, nbits). */
static inline u64 bitmap_weight(const u64 *map, u64 nbits)
{
	u64 n = 0, bit;

	for (bit = find_next_bit(map, nbits, 0); bit < nbits;
	     bit = find_next_bit(map, nbits, bit + 1))
		n++;
	return n;
}

#endif
