/* Zydis's view of an encoding: length, mnemonic, each operand by the field that encodes it. */
#include <stdio.h>
#include <string.h>

#include "cpu/decode_vex.h"
#include "decode.h"

#ifdef HAVE_ZYDIS
#include <Zydis/Zydis.h>

static ZydisDecoder decoder;

bool zydis_init(u64 feats)
{
	bool amd = feats >> FEAT_AMD & 1;

	/* What a CPU without these makes of their encodings is NOP, BSF, BSR, WBINVD. */
	return ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
					     ZYDIS_STACK_WIDTH_64)) &&
	       ZYAN_SUCCESS(
		       ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_AMD_BRANCHES, amd)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_TZCNT,
						   feats >> FEAT_BMI1 & 1)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_LZCNT,
						   feats >> FEAT_LZCNT & 1)) &&
	       ZYAN_SUCCESS(
		       ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE)) &&
	       ZYAN_SUCCESS(
		       ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_WBNOINVD, ZYAN_FALSE));
}

unsigned zydis_length(const u8 *code, unsigned n, const char **isa)
{
	ZydisDecodedInstruction insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code, n, &insn)))
		return 0;
	*isa = ZydisISASetGetString(insn.meta.isa_set);
	if (insn.mnemonic == ZYDIS_MNEMONIC_VPCLMULQDQ && insn.meta.isa_set == ZYDIS_ISA_SET_AVX)
		*isa = "PCLMULQDQ_AVX"; /* Zydis forgets that it needs both */
	return insn.length;
}

/* ---- Operands ------------------------------------------------------------------------------- */

static bool named(const struct insn_row *row, const char *const *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(row->name, list[i]))
			return true;
	return false;
}

/* The size makes no difference to these: the result is short and zero-extended, or little is read. */
static bool w_is_moot(const struct insn_row *row)
{
	static const char *const names[] = {
		"pextrw",    "pmovmskb",  "movmskps",	"movmskpd", "nop",
		"extractps", "pextrb",	  "vpextrb",	"vpextrw",  "vmovmskps",
		"vmovmskpd", "vpmovmskb", "vextractps", "pinsrb",   "pinsrw",
		"vpinsrb",   "vpinsrw",	  "vmovw",	"ud0",	    "ud1",
	};

	return named(row, names, ARRAY_SIZE(names));
}

/* Width of a general register operand as we have it, log2 of bytes. */
static unsigned our_width(const struct sight *s, bool rm)
{
	static const char *const by_address[] = {"movdir64b", "invpcid"};

	if (!strcmp(s->row->name, "crc32") && !rm)
		return s->d.rex & 8 ? W_Q : W_L;
	if (!rm && named(s->row, by_address, ARRAY_SIZE(by_address)))
		return strcmp(s->row->name, "invpcid") && s->d.asize ? W_L : W_Q;
	switch (s->row->form) {
	case FORM_Gv_Eb:
	case FORM_Gd_Eb:
		if (!rm)
			return s->row->form == FORM_Gv_Eb ? s->d.width : s->d.rex & 8 ? W_Q : W_L;
		return W_B;
	case FORM_Gv_Ew:
		return rm ? W_W : s->d.width;
	case FORM_Gv_Ed:
		return rm && s->d.width == W_Q ? W_L : s->d.width;
	default:
		return s->d.width;
	}
}

/* Number of @reg if it is of a class that our @form may have there; else -1. */
static int number_of(const struct sight *s, ZydisRegister reg, bool rm)
{
	static const ZydisRegisterClass gprs[] = {ZYDIS_REGCLASS_GPR8, ZYDIS_REGCLASS_GPR16,
						  ZYDIS_REGCLASS_GPR32, ZYDIS_REGCLASS_GPR64};
	ZydisRegisterClass class = ZydisRegisterGetClass(reg);
	int id = ZydisRegisterGetId(reg);

	if (class < ZYDIS_REGCLASS_GPR8 || class > ZYDIS_REGCLASS_GPR64)
		return id;
	if (!strcmp(s->row->name, "lar") || !strcmp(s->row->name, "lsl"))
		return id; /* 16 bits are read, however it is written */
	if (w_is_moot(s->row))
		return id;
	if (class != gprs[our_width(s, rm)])
		return -1;
	if (class != ZYDIS_REGCLASS_GPR8)
		return id;
	for (int n = 0; n < 16; n++) /* spl and kin need a REX */
		if (reg == ZydisRegisterEncode(
				   class, (ZyanU8)(n >= 4 && (s->d.rex || n >= 8) ? n + 4 : n)))
			return n;
	return -1;
}

static bool same_register(const struct sight *s, const ZydisDecodedOperand *op)
{
	const struct decoded *d = &s->d;
	ZydisRegisterClass class = ZydisRegisterGetClass(op->reg.value);
	unsigned mask = class == ZYDIS_REGCLASS_MMX || class == ZYDIS_REGCLASS_X87 ? 7 : 31;

	if (class == ZYDIS_REGCLASS_SEGMENT && op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
		mask = 7;
	switch (op->encoding) {
	case ZYDIS_OPERAND_ENCODING_MODRM_REG:
		if (class == ZYDIS_REGCLASS_MASK)
			mask = 7;
		return number_of(s, op->reg.value, false) == (int)(d->reg & mask);
	case ZYDIS_OPERAND_ENCODING_MODRM_RM:
		if (class == ZYDIS_REGCLASS_MASK)
			mask = 7;
		if (s->row->form == FORM_cr) /* control and debug registers */
			return ZydisRegisterGetId(op->reg.value) ==
			       (int)((d->modrm & 7) | (d->rex & 1) << 3);
		return number_of(s, op->reg.value, true) == (int)(d->rm & mask);
	case ZYDIS_OPERAND_ENCODING_NDSNDD:
		return number_of(s, op->reg.value, false) == d->vvvv;
	case ZYDIS_OPERAND_ENCODING_IS4:
		return ZydisRegisterGetId(op->reg.value) == (int)(d->imm >> 4 & 15);
	case ZYDIS_OPERAND_ENCODING_MASK:
		return ZydisRegisterGetId(op->reg.value) == (d->evex & EVEX_AAA);
	case ZYDIS_OPERAND_ENCODING_OPCODE:
		return number_of(s, op->reg.value, true) == (int)((d->op & 7) | (d->rex & 1) << 3);
	default:
		return true; /* the name says it */
	}
}

static bool same_address_register(const struct decoded *d, unsigned off, ZydisRegister reg)
{
	if (off == OFF_ZERO)
		return reg == ZYDIS_REGISTER_NONE;
	if (off == OFF_RIP)
		return reg == (d->asize ? ZYDIS_REGISTER_EIP : ZYDIS_REGISTER_RIP);
	return reg == ZydisRegisterEncode(d->asize ? ZYDIS_REGCLASS_GPR32 : ZYDIS_REGCLASS_GPR64,
					  (ZyanU8)(off / 8));
}

static bool same_segment(const struct decoded *d, ZydisRegister seg)
{
	if (d->seg == OFF_FS_BASE || d->seg == OFF_GS_BASE)
		return seg == (d->seg == OFF_FS_BASE ? ZYDIS_REGISTER_FS : ZYDIS_REGISTER_GS);
	return seg != ZYDIS_REGISTER_FS && seg != ZYDIS_REGISTER_GS;
}

static bool same_index(const struct sight *s, const ZydisDecodedOperandMem *mem)
{
	const struct decoded *d = &s->d;
	unsigned n;

	if (!(s->row->attr & VSIB))
		return same_address_register(d, d->index, mem->index);
	n = (s->code[d->modrm_at + 1] >> 3 & 7) | (d->rex & 2) << 2;
	if (d->evex && !(d->evex & EVEX_V))
		n += 16;
	return mem->index != ZYDIS_REGISTER_NONE && ZydisRegisterGetId(mem->index) == (int)n;
}

/* Bytes of our memory operand; 0: only the handler knows. */
static unsigned our_size(const struct sight *s)
{
	const struct insn_row *row = s->row;

	if (row->attr & VSIB)
		return 0;
	if (map_is_vex(row->map) && (row->attr & THUNK))
		return vex_mem_size(row, &s->d);
	if (!(row->attr & THUNK))
		return (row->attr & NOACCESS) || !row->form ? 0 : 1U << our_width(s, true);
	if (row->attr & SIZE_BY_66)
		return ATTR_MEM_SIZE(row->attr) - (s->d.width == W_W ? 14 : 0);
	return ATTR_MEM_SIZE(row->attr) ? ATTR_MEM_SIZE(row->attr) : 1U << s->d.width;
}

/* Handlers of these know their size. */
static bool sized_by_handler(const struct insn_row *row)
{
	static const char *const names[] = {
		"cmpxchg8b", "cmpxchg16b", "callf",   "jmpf",	    "lss",    "lfs",
		"lgs",	     "sgdt",	   "sidt",    "lgdt",	    "lidt",   "smsw",
		"sldt",	     "str",	   "clflush", "clflushopt", "clwb",   "movdir64b",
		"invpcid",   "xsave",	   "xrstor",  "xsaveopt",   "xsavec", "xsaves",
		"xrstors",   "invlpg",	   "lmsw",    "bt",	    "bts",    "btr",
		"btc",	     "clzero",	   "xlat",    "maskmovq",   "ud0",    "ud1",
	};

	return row->form == FORM_Ev_Sw || row->form == FORM_Sw_Ew ||
	       named(row, names, ARRAY_SIZE(names));
}

static bool same_memory(struct sight *s, const ZydisDecodedOperand *op)
{
	const struct decoded *d = &s->d;
	const ZydisDecodedOperandMem *mem = &op->mem;
	unsigned size = our_size(s);

	if (op->encoding == ZYDIS_OPERAND_ENCODING_NONE) /* string operands and kin */
		return true;
	if (!same_segment(d, mem->segment) && mem->type != ZYDIS_MEMOP_TYPE_AGEN)
		return false;
	if (!d->modrm_at) /* moffs */
		return mem->base == ZYDIS_REGISTER_NONE &&
		       !(((u64)mem->disp.value ^ d->imm) & (d->asize ? 0xffffffff : ~0UL));
	if (d->mod == 3 || !same_address_register(d, d->base, mem->base) || !same_index(s, mem) ||
	    (mem->index != ZYDIS_REGISTER_NONE && mem->scale != 1U << d->scale) ||
	    ((u64)(mem->disp.value ^ d->disp) & (d->asize ? 0xffffffff : ~0UL)))
		return false;
	if (s->row->form == FORM_Gv_Ed)
		size = 4;
	if (!size || mem->type != ZYDIS_MEMOP_TYPE_MEM || sized_by_handler(s->row) ||
	    op->size == size * 8)
		return true;
	snprintf(s->what, sizeof(s->what), "%u bytes of memory, here %u", op->size / 8, size);
	return false;
}

/* Number @nr of the immediates. */
static bool same_immediate(const struct sight *s, const ZydisDecodedOperand *op, unsigned nr)
{
	u64 ours = s->d.imm, mask = op->size >= 64 ? ~0UL : (1UL << op->size) - 1;

	if (op->encoding == ZYDIS_OPERAND_ENCODING_NONE) /* shift by 1 */
		return true;
	if (s->row->form == FORM_Iw_Ib)
		ours = nr ? s->d.imm >> 16 & 0xff : s->d.imm & 0xffff;
	if (s->d.imm_len == 2 && op->size == 8)
		ours = s->d.imm >> 8 * nr & 0xff;
	if (op->encoding == ZYDIS_OPERAND_ENCODING_IS4)
		return (ours & 15) == op->imm.value.u;
	return !((ours ^ op->imm.value.u) & mask);
}

static bool same_operands(struct sight *s, const ZydisDecodedInstruction *insn,
			  const ZydisDecodedOperand *ops)
{
	unsigned nr_imm = 0;

	for (unsigned i = 0; i < insn->operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &ops[i];
		bool same = true;

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			same = same_register(s, op);
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			same = same_memory(s, op);
		else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			same = same_immediate(s, op, nr_imm++);
		if (same)
			continue;
		if (!s->what[0])
			snprintf(s->what, sizeof(s->what), "operand %u", i);
		return false;
	}
	return true;
}

void zydis_look(struct sight *s)
{
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	s->len = 0;
	s->name = s->isa = NULL;
	s->what[0] = 0;
	if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, s->code, 15, &insn, ops))) {
		s->len = insn.length;
		s->name = ZydisMnemonicGetString(insn.mnemonic);
		s->isa = ZydisISASetGetString(insn.meta.isa_set);
	}
	if (!s->row || !s->len)
		s->how = s->row ? SILENT : s->len ? EXTRA : SAME;
	else if (s->len != s->d.len)
		s->how = LENGTH;
	else if (!same_name(s->row->name, s->name))
		s->how = NAME;
	else
		s->how = same_operands(s, &insn, ops) ? SAME : OPERANDS;
}
#else
bool zydis_init(u64 feats __unused)
{
	printf("built without Zydis: no enumeration\n");
	return false;
}

unsigned zydis_length(const u8 *code __unused, unsigned n __unused, const char **isa __unused)
{
	return 0;
}

void zydis_look(struct sight *s __unused)
{
}
#endif
