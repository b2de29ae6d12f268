/* Prints the part of docs/cpu.md that comes from the tables: `make cpu-rows`. Nothing in it depends
 * on the host. */
#include <stdio.h>
#include <string.h>

#include "cpu/decode.h"

static struct decoder dec;

static const struct {
	const char *name, *level, *how;
} features[] = {
#define FEAT(name, level, how, ...) {#name, #level, #how},
#include "cpu/feat.def"
#undef FEAT
};

static const struct {
	enum cpu_feat feat;
	const char *note;
} notes[] = {
	{FEAT_BASE, "x87, MMX, SSE, SSE2 and what is privileged, too"},
	{FEAT_AMD, "what AMD's CPUs decode otherwise than Intel's"},
	{FEAT_INTEL, "what Intel's decode otherwise than AMD's"},
	{FEAT_RDRAND, "numbers of the machine's seed, so that runs repeat"},
	{FEAT_RDSEED, "the same"},
	{FEAT_XSAVES, "#GP in user mode"},
	{FEAT_INVPCID, "#GP in user mode"},
	{FEAT_AVX512_FP16, "no host to compare with yet"},
	{FEAT_AVX_VNNI, "no host to compare with yet"},
	{FEAT_MOVDIRI, "no host to compare with yet"},
	{FEAT_MOVDIR64B, "no host to compare with yet"},
	{FEAT_SERIALIZE, "no host to compare with yet"},
};

/* The bytes before ModRM; @v: which of the choices that the row leaves open. */
static unsigned put_opcode(const struct insn_row *row, unsigned v, u8 *p)
{
	static const u8 legacy[PFX_ANY + 1] = {[PFX_66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2};
	static const u8 pp[PFX_ANY + 1] = {[PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	static const u8 maps[NR_MAPS] = {
		[MAP_V0F] = 1,	 [MAP_V0F38] = 2, [MAP_V0F3A] = 3, [MAP_E0F] = 1,
		[MAP_E0F38] = 2, [MAP_E0F3A] = 3, [MAP_E5] = 5,	   [MAP_E6] = 6};
	u8 fields = (row->w == 1 || (v & 1)) << 7 | (row->attr & VVVV ? 0x68 : 0x78) | pp[row->pfx];
	u8 l = v >> 1 & 3;
	unsigned n = 0;

	if (row->map >= MAP_E0F) {
		p[n++] = 0x62;
		p[n++] = 0xf0 | maps[row->map];
		p[n++] = fields | 4;
		p[n++] = l << 5 | 8 | (row->attr & MASK_MUST ? 1 : 0);
	} else if (row->map >= MAP_V0F) {
		p[n++] = 0xc4;
		p[n++] = 0xe0 | maps[row->map];
		p[n++] = fields | (l & 1) << 2;
	} else {
		if (row->pfx == PFX_66 || row->pfx == PFX_F3 || row->pfx == PFX_F2)
			p[n++] = legacy[row->pfx];
		if ((row->attr & REX_W) || (v & 1))
			p[n++] = 0x48 | (v >> 1 & 1);
		if (row->map > MAP_ONE)
			p[n++] = 0x0f;
		if (row->map > MAP_0F)
			p[n++] = row->map == MAP_0F38 ? 0x38 : 0x3a;
	}
	p[n++] = row->op;
	return n;
}

/* Is there an encoding that decodes to this very row, on a CPU of one maker or the other? */
static bool decodes(unsigned nr)
{
	const struct insn_row *row = &insn_rows[nr];
	u64 feats = row->feat == FEAT_INTEL ? ~BIT(FEAT_AMD) : ~BIT(FEAT_INTEL);
	struct decoded d;

	for (unsigned i = 0; i < 8 * 256 * 2; i++) {
		u8 code[16] = {0};
		unsigned n = put_opcode(row, i & 7, code);

		code[n] = (u8)(i >> 3);
		code[n + 1] = 0x08; /* where it is a SIB byte: another index than the operands */
		if (decode(&dec, i >> 11 ? ~BIT(FEAT_AMD) : feats, code, 15, &d) == DECODE_OK &&
		    d.row == nr)
			return true;
	}
	return false;
}

/* Does some program of tests/diff run it? */
static bool compared(const struct insn_row *row)
{
#define EXCUSED(name_, forms, why)                                                                 \
	if (!strcmp(row->name, name_))                                                             \
		return false;
#include "excused.def"
#undef EXCUSED
	return true;
}

static const char *note_of(unsigned feat)
{
	for (unsigned i = 0; i < ARRAY_SIZE(notes); i++)
		if (notes[i].feat == feat)
			return notes[i].note;
	return "";
}

struct sums {
	unsigned rows, decode, thunk, compared;
};

static void print_sums(const char *name, const char *level, const struct sums *s, const char *note)
{
	printf("| %s | %s | %u | %u | %u | %u | %u | %s |\n", name, level, s->rows, s->decode,
	       s->compared, s->thunk, s->rows - s->thunk, note);
}

static struct sums sums_of(unsigned feat)
{
	struct sums s = {0};

	for (unsigned i = 0; i < nr_insn_rows; i++) {
		const struct insn_row *row = &insn_rows[i];

		if (row->feat != feat)
			continue;
		s.rows++;
		s.decode += decodes(i);
		s.thunk += (row->attr & THUNK) != 0;
		s.compared += compared(row);
	}
	return s;
}

int main(void)
{
	struct sums all = {0};

	decoder_init(&dec);
	printf("\n| extension | least `--cpu` | rows | decode | compared | by thunk | by C | note "
	       "|\n");
	printf("|---|---|---|---|---|---|---|---|\n");
	for (unsigned f = 0; f < NR_FEATS; f++) {
		struct sums s = sums_of(f);
		char level[8];

		if (!strcmp(features[f].how, "HINT") || !s.rows)
			continue;
		snprintf(level, sizeof(level), "%s", features[f].level);
		for (char *c = level; *c; c++)
			*c |= 0x20;
		print_sums(features[f].name, level, &s, note_of(f));
		all.rows += s.rows;
		all.decode += s.decode;
		all.thunk += s.thunk;
		all.compared += s.compared;
	}
	print_sums("all", "", &all, "");
	return all.rows != all.decode;
}
