/* src/cpu/decode_vex.c by hand. tests/diff/decode.c has it against Capstone, Zydis and the host CPU. */
#include "unit.h"

#include <string.h>

#include "codes.h"

/* C4, C5 or 62 and random bytes, in which maps that exist, unused vvvv and k0 are frequent. */
static void random_vex(u8 code[16])
{
	static const u8 maps[] = {1, 2, 3, 5, 6}, first[] = {0xc4, 0xc4, 0xc5, 0x62, 0x62, 0x62};
	u64 lo = code_rnd(), hi = code_rnd(), how = code_rnd() >> 20;

	memcpy(code, &lo, 8);
	memcpy(code + 8, &hi, 8);
	code[0] = first[how % 6];
	how >>= 8;
	if (code[0] == 0xc5) {
		code[1] |= how & 1 ? 0x78 : 0;
		return;
	}
	if (how & 14)
		code[1] = (code[1] & 0xf0) | maps[(how >> 4) % (code[0] == 0x62 ? 5 : 3)];
	if (code[0] == 0xc4) {
		code[1] &= 0xe3;
		code[2] |= how & 1 ? 0x78 : 0;
		return;
	}
	code[2] |= 4 | (how & 1 ? 0x78 : 0);
	if (how & 0x100)
		code[3] = (code[3] & 0xf0) | 8;
	if (how & 0x200)
		code[3] &= 0x6f;
}

static void fewer_bytes_ask_for_more(void)
{
	CU_ASSERT_EQUAL(codes_that_ask_wrongly(random_vex, 100000), 0);
}

static bool is(const char *name, const void *code, unsigned len)
{
	struct decoded d;

	return decode_bytes(code, len, &d) == DECODE_OK && d.len == len &&
	       !strcmp(insn_rows[d.row].name, name);
}

static void prefixes_before_vex_are_ud(void)
{
	CU_ASSERT(is("vaddps", "\xc5\xf4\x58\x40\x10", 5));
	CU_ASSERT(!is("vaddps", "\x66\xc5\xf4\x58\x40\x10", 6));
	CU_ASSERT(!is("vaddps", "\xf3\xc5\xf4\x58\x40\x10", 6));
	CU_ASSERT(!is("vaddps", "\x48\xc5\xf4\x58\x40\x10", 6));
	CU_ASSERT(!is("vaddps", "\xf0\xc5\xf4\x58\x40\x10", 6));
	CU_ASSERT(is("vaddps", "\x67\xc5\xf4\x58\x40\x10", 6));
	CU_ASSERT(is("vaddps", "\x64\xc5\xf4\x58\x40\x10", 6));
}

static void disp8_is_scaled(void)
{
	struct decoded d;

	/* vaddps zmm0, zmm1, [rax + 64 * 1]; {1to16}: 4 * 1 */
	CU_ASSERT_EQUAL(decode_bytes("\x62\xf1\x74\x48\x58\x40\x01", 7, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.disp, 64);
	CU_ASSERT_EQUAL(decode_bytes("\x62\xf1\x74\x58\x58\x40\xff", 7, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.disp, -4);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fewer_bytes_ask_for_more),
	UNIT_TEST(prefixes_before_vex_are_ud),
	UNIT_TEST(disp8_is_scaled),
	UNIT_END,
};
const struct unit_suite suite_decode_vex = {"decode_vex", tests};
