/*
 * The decoder against the host CPU, Zydis and Capstone.
 *
 *	check_decode [STRINGS [SEED]]	default 100000: what CI runs; from a million on a long run,
 *					whose enumeration leaves nothing out
 *
 * First every encoding under each CPU model (decode_enum.c). Then STRINGS byte strings: made from the
 * rows of the opcode tables, mutated, and random. The host CPU says whether and how long, with what
 * `--cpu host` offers; Zydis and Capstone say what, with everything that there is a row for. Each
 * difference is a row of decode_gaps.def, with its reason, or a failure; and so is a row that is not
 * true any more.
 */
#include "cpu/decode_vex.h"
#include "decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge.h"

static u64 seed = 1;
static struct decoder dec;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL;
}

static unsigned below(unsigned n)
{
	return (rnd() >> 33) % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* ---- Models and names ----------------------------------------------------------------------- */

u64 all_features(void)
{
	u64 maker = BIT(FEAT_AMD) | BIT(FEAT_INTEL);

	return ~maker | (cpu_model_features(CPU_MODEL_HOST) & maker);
}

static const struct {
	const char *ours, *theirs;
} names[] = {
#define N(ours, theirs) {ours, " " theirs " "},
#include "decode_names.def"
#undef N
};

/* CMPPS and kin, whose predicate is part of Capstone's mnemonic: "cmpneqps", "vpcmpltub". */
static bool same_comparison(const char *ours, const char *theirs)
{
	const char *cmp = strstr(ours, "cmp");
	size_t start = cmp ? (size_t)(cmp - ours) + 3 : 0;
	size_t n = strlen(theirs), rest = strlen(ours + start);

	return cmp && n > start + rest && !strncmp(ours, theirs, start) &&
	       !strcmp(theirs + n - rest, ours + start);
}

bool same_name(const char *ours, const char *theirs)
{
	char word[40];

	if (!strcmp(ours, theirs) || same_comparison(ours, theirs))
		return true;
	snprintf(word, sizeof(word), " %s ", theirs);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].ours, ours) && strstr(names[i].theirs, word))
			return true;
	return false;
}

/* ---- Gaps ----------------------------------------------------------------------------------- */

static const char *const judge_names[] = {"host", "zydis", "capstone"};
static const char *const differ_names[] = {"same", "does not know", "alone knows", "length",
					   "name", "operands",	    "#UD sooner"};

static bool is(const struct sight *s, const char *words)
{
	char word[40];

	if (!s->row)
		return false;
	snprintf(word, sizeof(word), " %s ", s->row->name);
	return strstr(words, word);
}

static bool isa(const struct sight *s, const char *start)
{
	return s->isa && !strncmp(s->isa, start, strlen(start));
}

static bool theirs(const struct sight *s, const char *words)
{
	char word[40];

	snprintf(word, sizeof(word), " %s ", s->name ? s->name : "");
	return strstr(words, word);
}

static bool feat(const struct sight *s, enum cpu_feat f)
{
	return s->row && s->row->feat == f;
}

/* VMRUN .. INVLPGA; MONITORX and MWAITX; PVALIDATE and kin. */
bool answers_for_hypervisor(const struct decoded *d)
{
	u8 modrm = d->bytes[d->opcode_at + 1];

	return d->map == MAP_0F && d->op == 0x01 &&
	       ((modrm & 0xf8) == 0xd8 || (modrm & 0xfe) == 0xfa || modrm >= 0xfe);
}

static bool feat_is_avx512(const struct sight *s)
{
	return feat(s, FEAT_AVX512F) || feat(s, FEAT_AVX512BW) || feat(s, FEAT_AVX512DQ);
}

static bool host_is_amd(void)
{
	return all_features() >> FEAT_AMD & 1;
}

/* The encoding does not exist on Intel's CPUs. */
static bool amd_only(const struct sight *s)
{
	struct decoded d;

	return decode(&dec, ~BIT(FEAT_AMD), s->code, 15, &d) != DECODE_OK || d.row != s->d.row;
}

/* 66, F2 and F3 before the opcode, each counted once. */
static unsigned nr_mandatory(const struct sight *s)
{
	bool f2 = false, f3 = false;

	for (unsigned i = 0; i < s->d.nr_prefix; i++) {
		f2 |= s->code[i] == 0xf2;
		f3 |= s->code[i] == 0xf3;
	}
	return f2 + f3 + s->d.opsize;
}

static bool repeated(const struct decoded *d)
{
	return d->pfx == PFX_F2 || d->pfx == PFX_F3;
}

/* Where the example of a gap must be so. */
enum { ON_ALL, ON_AMD, ON_SOME };

static const struct gap {
	enum judge who;
	unsigned on;
	enum differ how;
	const char *example;
	bool (*applies)(const struct sight *s);
	const char *reason;
} gaps[];

#define GAP(id, judge, on, how, example, condition, reason)                                        \
	static bool gap_##id(const struct sight *s)                                                \
	{                                                                                          \
		const struct decoded *d __unused = &s->d;                                          \
		return condition;                                                                  \
	}
#include "decode_gaps.def"
#undef GAP
static const struct gap gaps[] = {
#define GAP(id, judge, on, how, example, condition, reason)                                        \
	{JUDGE_##judge, ON_##on, how, example, gap_##id, reason},
#include "decode_gaps.def"
#undef GAP
};

static unsigned long gap_count[ARRAY_SIZE(gaps)], looked[NR_JUDGES], known[NR_JUDGES];
static const struct gap *wanted; /* whose example is looked at, until it has come true */
static unsigned long nr_not_run;
static unsigned failed;

static void print_sight(enum judge who, const struct sight *s)
{
	printf("%s: %s:", judge_names[who], differ_names[s->how]);
	for (unsigned i = 0; i < 15; i++)
		printf(i + 1 == s->d.len ? " %02x |" : " %02x", s->code[i]);
	printf(" here %s%s, there %s, %u bytes%s%s%s%s\n", s->agreed ? "" : "(alone) ",
	       s->row ? s->row->name : "none", s->name ? s->name : "", s->len, s->isa ? ", " : "",
	       s->isa ? s->isa : "", s->what[0] ? ", " : "", s->what);
}

void judged(enum judge who, struct sight *s)
{
	looked[who]++;
	if (wanted && wanted->who == who && wanted->how == s->how && wanted->applies(s))
		wanted = NULL;
	if (s->how == SAME) {
		known[who] += s->row != NULL;
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(gaps); i++)
		if (gaps[i].who == who && gaps[i].how == s->how && gaps[i].applies(s)) {
			gap_count[i]++;
			return;
		}
	if (failed++ < (unsigned)(getenv("DECODE_PRINT") ? atoi(getenv("DECODE_PRINT")) : 40))
		print_sight(who, s);
}

/* ---- The host ------------------------------------------------------------------------------- */

/* Hypercalls, which the hypervisor may answer by patching the code; system calls; and what FS
 * leads to where FS stays. */
bool not_run(const struct decoded *d)
{
	if (d->seg == OFF_FS_BASE && !edge_fs_is_harmless())
		return true;
	if (d->map == MAP_ONE && d->op == 0xcd)
		return true;
	if (d->map != MAP_0F)
		return false;
	return d->op == 0x05 || d->op == 0x34 ||
	       (d->op == 0x01 && d->bytes[d->opcode_at + 1] == 0xc1) ||
	       (d->op == 0x01 && d->bytes[d->opcode_at + 1] == 0xd9);
}

/* Rows whose handler raises #UD: those made for it, and for registers that do not exist. */
static bool raises_ud(const struct sight *s)
{
	const struct decoded *d = &s->d;
	unsigned n = d->modrm >> 3 & 7;

	if (is(s, " ud0 ud1 ud2 rsm "))
		return true;
	if (s->row->form == FORM_Ev_Sw || s->row->form == FORM_Sw_Ew)
		return n > 5 || (s->row->form == FORM_Sw_Ew && n == 1);
	if (is(s, " movcr "))
		return d->reg != 0 && d->reg != 8 && (d->reg < 2 || d->reg > 4);
	return is(s, " movdr ") && d->reg > 7;
}

void host_look(struct sight *s)
{
	const struct decoded *d = &s->d;
	bool step = !s->row || (s->row->attr & (ENDS | REPS)), ud = s->row && raises_ud(s);
	enum edge_result whole = edge_run(s->code, d->len, step), less;

	s->name = s->isa = NULL;
	s->what[0] = 0;
	s->len = s->row ? d->len : 0;
	s->how = SAME;
	if (whole == EDGE_FETCH) {
		s->how = LENGTH;
		s->len = d->len + 1;
		return;
	}
	if (!s->row) {
		if (d->vector == X86_GP ? whole != EDGE_GP : whole != EDGE_UD) {
			s->how = EXTRA;
			return;
		}
		if (d->vector == X86_UD && d->len > 1 &&
		    edge_run(s->code, d->len - 1, step) == EDGE_UD)
			s->how = UD_SOONER;
		return;
	}
	if ((whole == EDGE_UD) != ud) {
		s->how = ud ? EXTRA : SILENT;
		return;
	}
	less = d->len > 1 ? edge_run(s->code, d->len - 1, step) : EDGE_FETCH;
	if (less != EDGE_FETCH) {
		s->how = ud ? UD_SOONER : LENGTH;
		s->len = d->len - 1;
	}
}

/* ---- Byte strings --------------------------------------------------------------------------- */

static unsigned put_legacy(const struct insn_row *row, u8 *p)
{
	static const u8 any[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x64, 0x65, 0x2e};
	static const u8 must[PFX_ANY + 1] = {[PFX_66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2};
	unsigned n = 0;

	while (one_in(4) && n < 4)
		p[n++] = any[below(sizeof(any))];
	if (row->pfx != PFX_NONE && row->pfx != PFX_ANY)
		p[n++] = must[row->pfx];
	if ((row->attr & REX_W) || one_in(2))
		p[n++] = 0x40 | (rnd() & 15) | (row->attr & REX_W ? 8 : 0);
	if (row->map > MAP_ONE)
		p[n++] = 0x0f;
	if (row->map == MAP_0F38 || row->map == MAP_0F3A)
		p[n++] = row->map == MAP_0F38 ? 0x38 : 0x3a;
	return n;
}

static unsigned length_field(const struct insn_row *row)
{
	unsigned l = below(4);

	while (!(row->l >> l & 1))
		l = (l + 1) & 3;
	return l;
}

static unsigned put_vector(const struct insn_row *row, u8 *p)
{
	static const u8 pp[PFX_ANY + 1] = {[PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	static const u8 maps[NR_MAPS] = {
		[MAP_V0F] = 1,	 [MAP_V0F38] = 2, [MAP_V0F3A] = 3, [MAP_E0F] = 1,
		[MAP_E0F38] = 2, [MAP_E0F3A] = 3, [MAP_E5] = 5,	   [MAP_E6] = 6};
	u8 vvvv = (row->attr & VVVV) && !one_in(8) ? rnd() & 15 : 15;
	u8 w = row->w == VEX_W_ANY ? one_in(2) : row->w, l = length_field(row);
	unsigned n = 0;

	if (one_in(8))
		p[n++] = one_in(2) ? 0x67 : 0x65;
	if (row->map >= MAP_E0F) {
		p[n++] = 0x62;
		p[n++] = (rnd() & 0xf0) | maps[row->map];
		p[n++] = w << 7 | vvvv << 3 | 4 | pp[row->pfx];
		p[n++] = l << 5 | (one_in(3) ? rnd() & 0x90 : 0) |
			 (row->attr & (VVVV | VSIB) ? rnd() & 8 : 8) |
			 ((row->attr & MASK_MUST) || one_in(3) ? 1 + below(7) : 0);
	} else if (row->map == MAP_V0F && !w && one_in(2)) {
		p[n++] = 0xc5;
		p[n++] = (rnd() & 0x80) | vvvv << 3 | l << 2 | pp[row->pfx];
	} else {
		p[n++] = 0xc4;
		p[n++] = (rnd() & 0xe0) | maps[row->map];
		p[n++] = w << 7 | vvvv << 3 | l << 2 | pp[row->pfx];
	}
	return n;
}

/* An encoding of a row, as long as nothing in it is special. */
static void row_code(u8 code[15])
{
	const struct insn_row *row = &insn_rows[below(nr_insn_rows)];
	u8 b[32];
	unsigned n = row->map >= MAP_V0F ? put_vector(row, b) : put_legacy(row, b);

	b[n++] = row->op + (row->attr & PLUS_R ? below(8) : 0);
	for (unsigned i = n; i < sizeof(b); i++)
		b[i] = (u8)rnd();
	if (row->ext != EXT_ANY)
		b[n] = (b[n] & 0xc7) | row->ext << 3;
	if (row->mod == MOD_REG || (row->mod == MOD_ANY && one_in(2)))
		b[n] |= 0xc0;
	if (row->mod == MOD_MEM && b[n] >= 0xc0)
		b[n] &= 0x7f;
	if (row->mod >= MOD_RM0)
		b[n] = (b[n] & 0x38) | 0xc0 | (row->mod - MOD_RM0);
	if (row->attr & VSIB)
		b[n] = (b[n] & 0x78) | 4;
	memcpy(code, b, 15);
}

static void mutate(u8 code[15])
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x64, 0x2e, 0x48,
				      0x45, 0x0f, 0xc4, 0xc5, 0x62, 0x8f, 0xd5};
	unsigned at = below(6);

	switch (below(4)) {
	case 0:
		code[at] ^= 1 << below(8);
		break;
	case 1:
		code[at] = (u8)rnd();
		break;
	case 2: /* a byte more */
		memmove(code + at + 1, code + at, 14 - at);
		code[at] = prefixes[below(sizeof(prefixes))];
		break;
	default: /* a byte less */
		memmove(code + at, code + at + 1, 14 - at);
		break;
	}
}

static void random_code(u8 code[15])
{
	static const u8 first[] = {0x0f, 0x0f, 0x0f, 0xc4, 0xc5, 0x62, 0x8f, 0x66,
				   0xf2, 0xf3, 0xf0, 0x48, 0x41, 0x67, 0x64, 0x65};
	unsigned n = 0;

	for (unsigned i = 0; i < 15; i++)
		code[i] = (u8)rnd();
	while (n < 14 && one_in(2))
		code[n++] = first[below(sizeof(first))];
	if (one_in(64)) /* near the limit of 15 bytes */
		for (n = 0; n < 8 + below(7); n++)
			code[n] = first[7 + below(9)];
}

static void make_code(u8 code[15])
{
	if (one_in(4)) {
		random_code(code);
		return;
	}
	row_code(code);
	while (one_in(2))
		mutate(code);
}

static void decode_for(struct sight *s, u64 feats, const u8 *code)
{
	s->code = code;
	decode(&dec, feats, code, 15, &s->d);
	s->row = s->d.row == NO_ROW ? NULL : &insn_rows[s->d.row];
	s->vex = s->d.map >= MAP_V0F;
}

static void look_at(u64 host, u64 all, bool zydis, const u8 *code)
{
	static struct sight s;

	decode_for(&s, host, code);
	if (not_run(&s.d)) {
		nr_not_run++;
	} else {
		host_look(&s);
		judged(JUDGE_HOST, &s);
	}
	decode_for(&s, all, code);
	s.agreed = true;
	if (zydis) {
		zydis_look(&s);
		judged(JUDGE_ZYDIS, &s);
		s.agreed = s.how == SAME;
	}
	capstone_look(&s);
	judged(JUDGE_CAPSTONE, &s);
}

/* Each row's example first, so that none outlives its reason. */
static void look_at_examples(u64 host, u64 all, bool zydis)
{
	for (unsigned i = 0; i < ARRAY_SIZE(gaps); i++) {
		u8 code[15] = {0};
		const char *p = gaps[i].example;
		int n, used, byte;

		for (n = 0; n < 15 && sscanf(p, "%2x%n", (unsigned *)&byte, &used) == 1; n++) {
			code[n] = (u8)byte;
			p += used;
		}
		wanted = &gaps[i];
		look_at(host, all, zydis, code);
		if (wanted && (gaps[i].who != JUDGE_ZYDIS || zydis) &&
		    gaps[i].on <= (host_is_amd() ? ON_AMD : ON_ALL)) {
			printf("%s does not do this any more: %s: %s\n", judge_names[gaps[i].who],
			       gaps[i].example, gaps[i].reason);
			failed++;
		}
		wanted = NULL;
	}
}

static void report(unsigned long strings)
{
	for (unsigned i = 0; i < ARRAY_SIZE(gaps); i++)
		printf("%9lu  %-8s %-13s %s\n", gap_count[i], judge_names[gaps[i].who],
		       differ_names[gaps[i].how], gaps[i].reason);
	printf("%9lu  not run on the host: system calls, hypercalls\n", nr_not_run);
	printf("decode: %lu strings; ", strings);
	for (unsigned i = 0; i < NR_JUDGES; i++)
		printf("%s agrees on %lu instructions of %lu looks%s", judge_names[i], known[i],
		       looked[i], i + 1 < NR_JUDGES ? ", " : "\n");
}

static bool number(const char *text, unsigned long *n)
{
	char *end;

	*n = strtoul(text, &end, 0);
	return text[0] >= '0' && text[0] <= '9' && !*end;
}

int main(int argc, char **argv)
{
	unsigned long strings = 100000;
	u64 host = cpu_model_features(CPU_MODEL_HOST), all = all_features();
	bool zydis = zydis_init(all);
	u8 code[15];

	if (argc > 3 || (argc > 1 && !number(argv[1], &strings)) ||
	    (argc > 2 && !number(argv[2], &seed))) {
		fprintf(stderr, "usage: check_decode [STRINGS [SEED]]\n");
		return 2;
	}
	seed |= 1;
	decoder_init(&dec);
	if (!capstone_init() || edge_init())
		return 2;
	failed += enumerate(strings >= 1000000);
	look_at_examples(host, all, zydis);
	for (unsigned long i = 0; i < strings; i++) {
		make_code(code);
		look_at(host, all, zydis, code);
	}
	report(strings);
	printf("unit: %u passed, %u failed\n", failed ? 0U : 1U, failed);
	return failed != 0;
}
