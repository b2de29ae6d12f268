/* The decoder by hand. tests/diff/decode.c has it against Capstone, Zydis and the host CPU. */
#include "unit.h"

#include <string.h>

#include "codes.h"
#include "cpu/model.h"

/* Random bytes in which prefixes and 0F are as frequent as in code. */
static void random_code(u8 code[16])
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x64, 0x2e};
	u64 lo = code_rnd(), hi = code_rnd(), how = code_rnd();
	unsigned n = 0;

	memcpy(code, &lo, 8);
	memcpy(code + 8, &hi, 8);
	while ((how & 3) == 0 && n < 4) {
		code[n++] = prefixes[(how >> 2) % sizeof(prefixes)];
		how = code_rnd();
	}
	if (how & 0x10)
		code[n++] = 0x40 | ((how >> 5) & 15);
	if (how & 0x600)
		code[n] = 0x0f;
}

static void fewer_bytes_ask_for_more(void)
{
	CU_ASSERT_EQUAL(codes_that_ask_wrongly(random_code, 50000), 0);
}

static void sixteen_bytes_are_gp(void)
{
	static const u8 fifteen[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				       0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90, 0x90};
	u8 sixteen[16];
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(fifteen, 15, &d), DECODE_OK);
	memset(sixteen, 0x66, 16);
	CU_ASSERT_EQUAL(decode_bytes(sixteen, 15, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.vector, X86_GP);
	/* The ModRM byte, by which rows of 0F EB differ, would be byte 16. */
	sixteen[12] = 0xf3;
	sixteen[13] = 0x0f;
	sixteen[14] = 0xeb;
	CU_ASSERT_EQUAL(decode_bytes(sixteen, 15, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.vector, X86_GP);
}

static void lock_is_for_memory_only(void)
{
	static const u8 add_mem[] = {0xf0, 0x01, 0x00}, add_reg[] = {0xf0, 0x01, 0xc0},
			mov_mem[] = {0xf0, 0x89, 0x00}, cmp_mem[] = {0xf0, 0x39, 0x00},
			add_load[] = {0xf0, 0x03, 0x00};
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(add_mem, 3, &d), DECODE_OK);
	CU_ASSERT_EQUAL(decode_bytes(add_reg, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.vector, X86_UD);
	CU_ASSERT_EQUAL(decode_bytes(mov_mem, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(decode_bytes(cmp_mem, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(decode_bytes(add_load, 3, &d), DECODE_FAULT);
}

static void rex_counts_only_right_before_the_opcode(void)
{
	static const u8 lost[] = {0x48, 0x66, 0x01, 0xc0}, kept[] = {0x66, 0x48, 0x01, 0xc0};
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(lost, 4, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.width, W_W);
	CU_ASSERT_EQUAL(decode_bytes(kept, 4, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.width, W_Q);
}

/* What the model lacks is #UD, says which feature, and has its length all the same. */
static void what_the_model_lacks_is_measured(void)
{
	static const u8 vaddps[] = {0xc5, 0xf4, 0x58, 0x40, 0x10};
	static const u8 vpblendd[] = {0xc4, 0xe3, 0x75, 0x02, 0xc2, 0x0f};
	static const u8 popcnt[] = {0xf3, 0x0f, 0xb8, 0xc0};
	const struct decoder *dec = code_decoder();
	struct decoded d;

	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), vaddps, 5, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.len, 5);
	CU_ASSERT_EQUAL(d.vector, X86_UD);
	CU_ASSERT_PTR_NOT_NULL(d.unsupported);
	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), vpblendd, 6, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.len, 6);
	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), popcnt, 4, &d), DECODE_FAULT);
	CU_ASSERT_STRING_EQUAL(d.unsupported, "POPCNT: not in this --cpu model");
}

static bool is_ud(const void *code, unsigned len, u64 feats)
{
	struct decoded d;

	return decode(code_decoder(), feats, code, 15, &d) == DECODE_FAULT && d.vector == X86_UD &&
	       d.len == len && !d.unsupported;
}

/* There is no row, which is said. */
static bool is_unknown(const void *code, unsigned len, u64 feats)
{
	struct decoded d;

	return decode(code_decoder(), feats, code, 15, &d) == DECODE_FAULT && d.vector == X86_UD &&
	       d.len == len && d.unsupported && strstr(d.unsupported, "not an instruction");
}

/* What no model has is #UD, without a word if no CPU can have it, and has the length that hardware
 * gives it. */
static void what_is_gone_is_ud(void)
{
	u64 amd = ~BIT(FEAT_INTEL), intel = ~BIT(FEAT_AMD);

	CU_ASSERT(is_ud("\x8f\xe9\x78\x01\xc8\0\0\0\0\0\0\0\0\0", 5, amd)); /* TBM */
	CU_ASSERT(is_ud("\x8f\xea\x78\x10\xc8\0\0\0\0\0\0\0\0\0", 9, amd)); /* XOP.A: imm32 */
	CU_ASSERT(is_ud("\x8f\xc8\x78\x10\xc8\0\0\0\0\0\0\0\0\0", 5, intel));
	CU_ASSERT(is_unknown("\x0f\x0f\xc0\x9e\0\0\0\0\0\0\0\0\0\0", 4, amd));	  /* 3DNow! */
	CU_ASSERT(is_unknown("\xc4\xe3\x71\x69\xc0\0\0\0\0\0\0\0\0\0", 6, amd));  /* FMA4 */
	CU_ASSERT(is_ud("\x48\xc5\x84\x58\x40\x10\x20\x30\0\0\0\0\0\0", 8, amd)); /* REX, LDS */
	CU_ASSERT(is_ud("\xf0\x0f\x0b\0\0\0\0\0\0\0\0\0\0\0", 3, amd));
}

static bool decodes(const void *code, u64 feats)
{
	struct decoded d;

	return decode(code_decoder(), feats, code, 15, &d) == DECODE_OK;
}

/* Fields that AMD's CPUs ignore and Intel's do not: seen on the host by tests/diff/decode.c. */
static void makers_differ(void)
{
	static const char *const codes[] = {
		"\xc5\x04\x42\xc1\0\0\0\0\0\0\0\0\0\0",	    /* kandnw k0 (8), k15, k1 */
		"\xc4\xe3\x7d\x01\xc0\xfa\0\0\0\0\0\0\0\0", /* vpermpd, W0 */
		"\x62\xf1\x75\x18\xfe\xc2\0\0\0\0\0\0\0\0", /* vpaddd xmm, EVEX.b */
		"\x62\xf1\x7d\x88\x6e\xc0\0\0\0\0\0\0\0\0", /* vmovd, EVEX.z */
	};
	struct decoded d;

	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		CU_ASSERT(decodes(codes[i], ~BIT(FEAT_INTEL)));
		CU_ASSERT(!decodes(codes[i], ~BIT(FEAT_AMD)));
	}
	CU_ASSERT_EQUAL(decode(code_decoder(), ~BIT(FEAT_INTEL), (const u8 *)"\x0f\xff", 2, &d),
			DECODE_OK);
	CU_ASSERT_EQUAL(decode(code_decoder(), ~BIT(FEAT_AMD), (const u8 *)"\x0f\xff", 2, &d),
			DECODE_MORE);
}

static void tzcnt_is_bsf_without_bmi1(void)
{
	static const u8 tzcnt[] = {0xf3, 0x0f, 0xbc, 0xc0};
	const struct decoder *dec = code_decoder();
	struct decoded d;

	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), tzcnt, 4, &d), DECODE_OK);
	CU_ASSERT_STRING_EQUAL(insn_rows[d.row].name, "bsf");
	CU_ASSERT_EQUAL(decode(dec, ~0UL, tzcnt, 4, &d), DECODE_OK);
	CU_ASSERT_STRING_EQUAL(insn_rows[d.row].name, "tzcnt");
}

/* Whatever decodes has a handler, with its flags kept or not. */
static void every_encoding_has_its_handler(void)
{
	struct decoded d;
	struct insn in;
	u8 code[16];
	unsigned bad = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		random_code(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK)
			continue;
		for (unsigned careful = 0; careful < 2; careful++) {
			insn_bind(&d, 0x1000, 0x1000, careful, &in);
			if (!in.fn && bad++ < 10)
				print_code("no handler", code, &d);
			if (insn_rows[d.row].writes | insn_rows[d.row].undefined)
				insn_flags_dead(&in);
			if (!in.fn && bad++ < 10)
				print_code("no handler, dead flags", code, &d);
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fewer_bytes_ask_for_more),
	UNIT_TEST(sixteen_bytes_are_gp),
	UNIT_TEST(lock_is_for_memory_only),
	UNIT_TEST(rex_counts_only_right_before_the_opcode),
	UNIT_TEST(what_the_model_lacks_is_measured),
	UNIT_TEST(what_is_gone_is_ud),
	UNIT_TEST(makers_differ),
	UNIT_TEST(tzcnt_is_bsf_without_bmi1),
	UNIT_TEST(every_encoding_has_its_handler),
	UNIT_END,
};
const struct unit_suite suite_decode = {"decode", tests};
