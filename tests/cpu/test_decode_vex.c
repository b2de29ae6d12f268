/* src/cpu/decode_vex.c: VEX and EVEX encodings against Zydis and Capstone, and by hand. */
#include "unit.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>
#ifdef HAVE_ZYDIS
#include <Zydis/Zydis.h>
#endif

#include "cpu/decode.h"

#define TRIALS 2000000

static u64 seed = 0x9e3779b97f4a7c15UL;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL;
}

static enum decode_result decode_bytes(const void *code, unsigned n, struct decoded *d)
{
	static struct decoder dec;
	static bool ready;

	if (!ready)
		decoder_init(&dec);
	ready = true;
	return decode(&dec, ~0UL, code, n, d);
}

/* C4, C5 or 62 and random bytes, in which maps that exist, unused vvvv and k0 are frequent. */
static void random_vex(u8 code[16])
{
	static const u8 maps[] = {1, 2, 3, 5, 6}, first[] = {0xc4, 0xc4, 0xc5, 0x62, 0x62, 0x62};
	u64 lo = rnd(), hi = rnd(), how = rnd() >> 20;

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

static void print_bytes(const char *who, const u8 *code, unsigned theirs, const struct decoded *d)
{
	printf("\n  %s says %u, here %u %s:", who, theirs, d->len,
	       d->row == NO_ROW ? "(none)" : insn_rows[d->row].name);
	for (unsigned i = 0; i < 15; i++)
		printf(" %02x", code[i]);
}

/* Capstone 4 counts a byte too many where EVEX.b rounds. */
static bool capstone_errs(const struct decoded *d)
{
	return d->mod == 3 && (d->evex & EVEX_B);
}

static void lengths_agree_with_capstone(void)
{
	unsigned bad = 0, both = 0;
	u8 code[16];
	struct decoded d;
	csh handle;
	cs_insn *insn;

	CU_ASSERT_FATAL(cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK);
	insn = cs_malloc(handle);
	for (unsigned i = 0; i < TRIALS; i++) {
		const u8 *p = code;
		size_t n = 15;
		uint64_t address = 0;

		random_vex(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK ||
		    !cs_disasm_iter(handle, &p, &n, &address, insn))
			continue;
		both++;
		if (insn->size != d.len && !capstone_errs(&d) && bad++ < 20)
			print_bytes("capstone", code, insn->size, &d);
	}
	cs_free(insn, 1);
	cs_close(&handle);
	CU_ASSERT(both > TRIALS / 40);
	CU_ASSERT_EQUAL(bad, 0);
}

#ifdef HAVE_ZYDIS
/* What Zydis knows and Vellum does not offer: no CPU that it runs on today has them (Xeon Phi's),
 * or few have. */
static bool not_offered(const ZydisDecodedInstruction *insn)
{
	static const char *const sets[] = {"AVX512ER", "AVX512PF", "AVX512_4", "AVX512_VP2",
					   "AMX_",     "KNC",	   "XOP",      "FMA4"};
	const char *set = ZydisISASetGetString(insn->meta.isa_set);

	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++)
		if (!strncmp(set, sets[i], strlen(sets[i])))
			return true;
	return false;
}

static void zydis_and_we_know_the_same(void)
{
	unsigned bad = 0, both = 0;
	u8 code[16];
	struct decoded d;
	ZydisDecoder dec;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (unsigned i = 0; i < TRIALS; i++) {
		unsigned len;
		bool ours;

		random_vex(code);
		ours = decode_bytes(code, 15, &d) == DECODE_OK;
		len = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&dec, code, 15, &insn, operands))
			      ? insn.length
			      : 0;
		if (len && not_offered(&insn))
			continue;
		both += ours && len;
		if ((ours ? d.len : 0) != len && bad++ < 20) {
			print_bytes("zydis", code, len, &d);
			if (len)
				printf(" %s", ZydisMnemonicGetString(insn.mnemonic));
		}
	}
	CU_ASSERT(both > TRIALS / 20);
	CU_ASSERT_EQUAL(bad, 0);
}
#endif

static void fewer_bytes_ask_for_more(void)
{
	struct decoded d, e;
	u8 code[16];
	unsigned bad = 0;

	for (unsigned i = 0; i < TRIALS / 20; i++) {
		random_vex(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK)
			continue;
		for (unsigned n = 0; n < d.len; n++)
			bad += decode_bytes(code, n, &e) != DECODE_MORE;
		bad += decode_bytes(code, d.len, &e) != DECODE_OK || e.row != d.row;
	}
	CU_ASSERT_EQUAL(bad, 0);
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
	UNIT_TEST(lengths_agree_with_capstone),
#ifdef HAVE_ZYDIS
	UNIT_TEST(zydis_and_we_know_the_same),
#endif
	UNIT_TEST(fewer_bytes_ask_for_more),
	UNIT_TEST(prefixes_before_vex_are_ud),
	UNIT_TEST(disp8_is_scaled),
	UNIT_END,
};
const struct unit_suite suite_decode_vex = {"decode_vex", tests};
