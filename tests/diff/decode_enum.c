/* Every encoding, under every CPU model. Zydis is the denominator: what it accepts and the host runs
 * without #UD, and whose feature the model has, must decode; what the model lacks must not. And what
 * Vellum decodes under `--cpu host`, the host must run.
 *
 *	map   all opcodes x 66, F2, F3, both orders x REX.W, REX.B x all ModRM bytes
 *	VEX   maps 1, 2, 3 x pp x W x L x two vvvv x all opcodes x ModRM
 *	EVEX  maps 1, 2, 3, 5, 6 x pp x W x L'L x b x z, aaa x two vvvv x all opcodes x ModRM
 *
 * ModRM: of registers, all of modrm.rm for legacy maps, two else; of memory, [rax] and [rax + rax].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "edge.h"

/* Stands for a feature that no model has. */
#define FEAT_NOT_OFFERED 63

static const struct {
	const char *isa;
	u64 feats;
} isa_table[] = {
#define I1(isa, a) {isa, BIT(FEAT_##a)},
#define I2(isa, a, b) {isa, BIT(FEAT_##a) | BIT(FEAT_##b)},
#include "decode_isa.def"
#undef I1
#undef I2
};

/* The features that @isa, a name of ZydisISASet, stands for. */
static u64 isa_features(const char *isa)
{
	for (unsigned i = 0; i < ARRAY_SIZE(isa_table); i++)
		if (!strncmp(isa, isa_table[i].isa, strlen(isa_table[i].isa)))
			return isa_table[i].feats;
	return BIT(FEAT_NOT_OFFERED);
}

/* Does no row of decode_isa.def fit? */
static bool isa_has_no_row(const char *isa)
{
	for (unsigned i = 0; i < ARRAY_SIZE(isa_table); i++)
		if (!strncmp(isa, isa_table[i].isa, strlen(isa_table[i].isa)))
			return false;
	return true;
}

static const char *const model_names[] = {"v1", "v2", "v3", "v4", "host"};
#define NR_MODELS ARRAY_SIZE(model_names)

/* Counts of one model. */
static struct tally {
	u64 feats;
	bool zydis; /* its view of this model has been taken */
	unsigned long accepted, decoded, missing, leaked;
} tally[NR_MODELS];
static unsigned long encodings, host_runs, host_refuses;
static unsigned printed, sample;
static struct decoder dec;

static void print_encoding(const char *what, const u8 *code, unsigned len, const char *isa,
			   const char *name)
{
	if (printed++ >= 40)
		return;
	printf("%s:", what);
	for (unsigned i = 0; i < len; i++)
		printf(" %02x", code[i]);
	printf(" %s %s\n", isa ? isa : "", name ? name : "");
}

/* Is it one that every model has, while Zydis names it after a feature? */
static bool is_older_too(const struct insn_row *row, const char *isa)
{
	/* Without their features F3 BC and F3 BD are BSF and BSR; PREFETCHW came before its bit. */
	return row->feat == FEAT_BASE && (!strcmp(isa, "BMI1") || !strcmp(isa, "LZCNT") ||
					  !strncmp(isa, "PREFETCH", 8) || !strcmp(isa, "AMD3DNOW"));
}

static void under_model(unsigned m, const u8 *code, unsigned theirs, const char *isa, int *ran)
{
	struct tally *t = &tally[m];
	u64 need = isa_features(isa);
	struct decoded d;
	bool ours = decode(&dec, t->feats, code, 15, &d) == DECODE_OK;
	char what[64];

	t->accepted++;
	t->decoded += ours;
	if (ours && (need & ~t->feats) && !is_older_too(&insn_rows[d.row], isa)) {
		t->leaked++;
		snprintf(what, sizeof(what),
			 isa_has_no_row(isa) ? "%s: no row in decode_isa.def for this set"
					     : "%s has no such instruction",
			 model_names[m]);
		print_encoding(what, code, d.len, isa, insn_rows[d.row].name);
	}
	if (ours || ((need & ~t->feats) && m != NR_MODELS - 1))
		return;
	/* Under `--cpu host` whatever the host runs counts, and its CPUID besides. */
	if (*ran < 0) {
		struct decoded whole;

		decode(&dec, all_features(), code, 15, &whole);
		*ran = !not_run(&whole) && edge_run(code, 15, true) != EDGE_UD;
	}
	if (!*ran || answers_for_hypervisor(&d))
		return;
	t->missing++;
	snprintf(what, sizeof(what), "%s: does not decode", model_names[m]);
	print_encoding(what, code, theirs, isa, NULL);
}

/* What we decode under `--cpu host`, the host runs. */
static void on_host(const u8 *code)
{
	static struct sight s;

	if (sample > 1 && encodings % sample)
		return;
	s.code = code;
	if (decode(&dec, tally[NR_MODELS - 1].feats, code, 15, &s.d) != DECODE_OK || not_run(&s.d))
		return;
	s.row = &insn_rows[s.d.row];
	host_look(&s);
	host_runs++;
	if (s.how == SAME || s.how == UD_SOONER)
		return;
	host_refuses++;
	print_encoding("the host sees it otherwise", code, s.d.len, NULL, s.row->name);
}

static void look(const u8 *code)
{
	const char *isa = NULL;
	unsigned theirs = zydis_length(code, 15, &isa);
	int ran = -1;

	encodings++;
	on_host(code);
	if (!theirs)
		return;
	for (unsigned m = 0; m < NR_MODELS; m++)
		under_model(m, code, theirs, isa, &ran);
}

/* The ModRM byte and all that follows is 0. */
static void look_with_modrm(u8 *code, unsigned at, bool all_rm)
{
	for (unsigned reg = 0; reg < 8; reg++) {
		for (unsigned rm = 0; rm < 8; rm += all_rm ? 1 : 5) {
			code[at] = 0xc0 | reg << 3 | rm;
			look(code);
		}
		code[at] = reg << 3;
		look(code);
		code[at] = reg << 3 | 4; /* and a vector index, xmm1 */
		code[at + 1] = 0x08;
		look(code);
		code[at + 1] = 0;
	}
}

static void legacy(unsigned map, u8 op)
{
	static const u8 prefixes[][2] = {{0, 0},       {0x66, 0},    {0xf3, 0}, {0xf2, 0},
					 {0x66, 0xf3}, {0xf2, 0x66}, {0xf0, 0}};
	static const u8 rexes[] = {0, 0x48, 0x41};

	for (unsigned p = 0; p < ARRAY_SIZE(prefixes); p++)
		for (unsigned r = 0; r < ARRAY_SIZE(rexes); r++) {
			u8 code[16] = {0};
			unsigned n = 0;

			for (unsigned i = 0; i < 2 && prefixes[p][i]; i++)
				code[n++] = prefixes[p][i];
			if (rexes[r])
				code[n++] = rexes[r];
			if (map)
				code[n++] = 0x0f;
			if (map > 1)
				code[n++] = map == 2 ? 0x38 : 0x3a;
			code[n++] = op;
			look_with_modrm(code, n, true);
		}
}

static void vex(unsigned map, u8 op)
{
	for (unsigned how = 0; how < 32; how++) {
		u8 code[16] = {0xc4, (u8)(0xe0 | map)};

		code[2] = (u8)((how & 3) | (how & 4) | (how & 8) << 4 | (how & 16 ? 0x68 : 0x78));
		code[3] = op;
		look_with_modrm(code, 4, false);
	}
}

static void evex(unsigned map, u8 op)
{
	static const u8 masks[] = {0x08, 0x09, 0x89, 0x88, 0x00}; /* z, V', aaa */

	for (unsigned how = 0; how < 16; how++)
		for (unsigned ll = 0; ll < 8; ll++)
			for (unsigned m = 0; m < ARRAY_SIZE(masks); m++) {
				u8 code[16] = {0x62, (u8)(0xf0 | map)};

				code[2] = (u8)((how & 3) | 4 | (how & 4) << 5 |
					       (how & 8 ? 0x68 : 0x78));
				code[3] = (u8)(masks[m] | (ll & 3) << 5 | (ll & 4) << 2);
				code[4] = op;
				look_with_modrm(code, 5, false);
			}
}

/* AVX-512's maps are four fifths of the work: a sample looks at one in eight of their opcodes. */
unsigned enumerate(bool whole)
{
	static const u8 evex_maps[] = {1, 2, 3, 5, 6};
	unsigned long wrong = 0;

	decoder_init(&dec);
	sample = whole ? 1 : 64;
	for (unsigned m = 0; m < NR_MODELS; m++)
		tally[m].feats = cpu_model_features(m);
	if (!zydis_init(all_features()))
		return 0;
	for (unsigned op = 0; op < 256; op++) {
		for (unsigned map = 0; map < 4; map++)
			legacy(map, (u8)op);
		for (unsigned map = 1; map < 4; map++)
			vex(map, (u8)op);
		for (unsigned i = 0; i < ARRAY_SIZE(evex_maps) && (whole || op % 8 == 0); i++)
			evex(evex_maps[i], (u8)op);
	}
	for (unsigned m = 0; m < NR_MODELS; m++) {
		printf("--cpu %-4s: of %lu encodings that Zydis accepts %lu decode; missing %lu, "
		       "leaked %lu\n",
		       model_names[m], tally[m].accepted, tally[m].decoded, tally[m].missing,
		       tally[m].leaked);
		wrong += tally[m].missing + tally[m].leaked;
	}
	printf("enumeration: %lu encodings; %lu run on the host, of which it sees %lu otherwise\n",
	       encodings, host_runs, host_refuses);
	return (unsigned)(wrong + host_refuses);
}
