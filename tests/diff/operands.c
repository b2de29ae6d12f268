/* See the header. */
#include "operands.h"

#include <string.h>

#include "random.h"

u64 integer_operand(void)
{
	static const u64 edges[] = {0,		1,	    2,		~0UL,	   0x7f,
				    0x80,	0xff,	    0x7fff,	0x8000,	   0xffff,
				    0x7fffffff, 0x80000000, 0xffffffff, 1UL << 63, ~0UL >> 1};

	return one_in(3) ? edges[below(ARRAY_SIZE(edges))] : rnd() >> below(64);
}

static const u32 singles[] = {0,	  0x80000000, 0x3f800000, 0xbf800000,
			      0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff,
			      0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
			      0x7f800001, 0x4f000000, 0xcf000000, 0x40490fdb};
static const u64 doubles[] = {0,
			      1UL << 63,
			      0x3ff0000000000000,
			      0xbff0000000000000,
			      1,
			      0x800fffffffffffff,
			      0x0010000000000000,
			      0x7fefffffffffffff,
			      0x7ff0000000000000,
			      0xfff0000000000000,
			      0x7ff8000000000000,
			      0xfff8000000012345,
			      0x7ff0000000000001,
			      0x41e0000000000000,
			      0xc3e0000000000000,
			      0x400921fb54442d18};
static const struct {
	u64 mantissa;
	u16 exponent;
} extendeds[] = {
	{0, 0},
	{0, 0x8000},
	{1UL << 63, 0x3fff},
	{1UL << 63, 0xbfff},
	{1, 0},
	{1UL << 63, 0},
	{1UL << 63, 0x7fff},
	{1UL << 63, 0xffff},
	{3UL << 62, 0x7fff},
	{3UL << 62, 0xffff},
	{5UL << 61, 0x7fff},
	{~0UL, 0x7ffe},
	{1UL << 62, 0x3fff},
	{1, 0x7fff},
	{~0UL, 0x403e},
	{~0UL, 0x3ffe},
	{0xc90fdaa22168c235, 0x4000},
	{1UL << 63, 0x4043},
};

void fill_vector(u8 *p, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		u64 v;

		switch (below(4)) {
		case 0:
			v = rnd();
			break;
		case 1:
			v = doubles[below(ARRAY_SIZE(doubles))];
			break;
		case 2:
			v = (u64)singles[below(ARRAY_SIZE(singles))] << 32 |
			    singles[below(ARRAY_SIZE(singles))];
			break;
		default: /* floats of usual size */
			v = rnd() % 1000 * 0x10000000000000UL / 3 + 0x3f00000000000000UL;
			break;
		}
		memcpy(p + i, &v, 8);
	}
}

void fill_extended(u8 *p)
{
	unsigned i = below(ARRAY_SIZE(extendeds));
	u64 mantissa = extendeds[i].mantissa;
	u16 exponent = extendeds[i].exponent;

	if (!one_in(3)) {
		mantissa = rnd() | 1UL << 63;
		exponent = 0x3fff - 40 + below(80) + (one_in(2) ? 0x8000 : 0);
	}
	memcpy(p, &mantissa, 8);
	memcpy(p + 8, &exponent, 2);
}

void fill_bcd(u8 *p)
{
	for (unsigned i = 0; i < 10; i++)
		p[i] = one_in(40) ? (u8)rnd() : (u8)(below(10) << 4 | below(10));
	p[9] = one_in(2) ? 0x80 : 0;
}
