/*
 * vm_memcpy() and kin against libc's, at every length and offset where they change method.
 */
#include "unit.h"

#include "base/corestring.h"

#include <string.h>

#define ROOM 512
#define EDGE 16 /* bytes around a destination that must not change */

static unsigned char ours[ROOM], theirs[ROOM], source[ROOM];

static void fill(void)
{
	for (int i = 0; i < ROOM; i++) {
		source[i] = (unsigned char)(i * 167 + 13);
		ours[i] = theirs[i] = (unsigned char)(i * 31 + 7);
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void memcpy_copies_just_the_range(void)
{
	int same = 1;

	for (size_t len = 0; len < ROOM / 2; len++) {
		for (size_t off = 0; off < 9; off++) {
			fill();
			same &= vm_memcpy(ours + EDGE, source + off, len) == ours + EDGE;
			memcpy(theirs + EDGE, source + off, len);
			same &= !memcmp(ours, theirs, ROOM);
		}
	}
	CU_ASSERT_TRUE(same);
}

static void memmove_copes_with_any_overlap(void)
{
	int same = 1;

	for (size_t len = 0; len < ROOM / 2; len++) {
		for (size_t dst = 0; dst < 2 * EDGE; dst++) {
			fill();
			same &= vm_memmove(ours + dst, ours + EDGE, len) == ours + dst;
			memmove(theirs + dst, theirs + EDGE, len);
			same &= !memcmp(ours, theirs, ROOM);
		}
	}
	CU_ASSERT_TRUE(same);
}

static void memset_takes_the_low_byte(void)
{
	int same = 1;

	for (size_t len = 0; len < ROOM / 2; len++) {
		fill();
		same &= vm_memset(ours + EDGE, 0x1a5, len) == ours + EDGE;
		memset(theirs + EDGE, 0x1a5, len);
		same &= !memcmp(ours, theirs, ROOM);
	}
	CU_ASSERT_TRUE(same);
}

static void memcmp_finds_the_first_difference(void)
{
	int same = 1;

	for (size_t len = 1; len < 100; len++) {
		for (size_t at = 0; at < len; at++) {
			memcpy(ours, source, ROOM);
			ours[at] ^= 0x80;
			ours[len - 1] ^= 0x01;
			same &= sign(vm_memcmp(ours, source, len)) ==
				sign(memcmp(ours, source, len));
			same &= vm_memcmp(ours, source, at) == 0;
		}
	}
	CU_ASSERT_TRUE(same);
	CU_ASSERT_EQUAL(vm_memcmp("a", "b", 0), 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(memcpy_copies_just_the_range),
	UNIT_TEST(memmove_copes_with_any_overlap),
	UNIT_TEST(memset_takes_the_low_byte),
	UNIT_TEST(memcmp_finds_the_first_difference),
	UNIT_END,
};

const struct unit_suite suite_corestring = {"corestring", tests};
