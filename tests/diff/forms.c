/* See the header. */
#include "forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

#define MAX_ROWS 4096

static u64 seen[MAX_ROWS];
static bool wrote[MAX_ROWS];

enum form_kind { ENC, FAULT, MORE };
static const struct {
	const char *name, *what;
	enum form_kind kind;
} forms[] = {
#define F_ROW(name, kind, what) {#name, what, kind},
#include "forms.def"
#undef F_ROW
};

/* What forms.def of src/cpu says of an operand form. */
static const struct {
	bool modrm;
	enum width_kind width;
	const char *operands;
} shapes[NR_FORMS] = {
#define FORM(name, modrm, imm, width, operands) [FORM_##name] = {modrm, WIDTH_##width, #operands},
#include "cpu/forms.def"
#undef FORM
};

const char *form_name(unsigned form)
{
	return forms[form].name;
}

static bool of_operands(const struct insn_row *row, const char *operands)
{
	return !strcmp(shapes[row->form].operands, operands);
}

static bool vex_row(const struct insn_row *row)
{
	return row->map >= MAP_V0F;
}

static bool evex_row(const struct insn_row *row)
{
	return row->map >= MAP_E0F;
}

/* Neither vector nor x87: 66 and REX.W choose the operand size. */
static bool sized(const struct insn_row *row)
{
	return !(row->attr & THUNK) || row->form == FORM_V_Ey || row->form == FORM_Gy_W ||
	       row->form == FORM_V_Ey_Ib || row->form == FORM_Gy_W_Ib;
}

/* ---- Of an encoding ------------------------------------------------------------------------- */

static u64 memory_forms(const struct decoded *d)
{
	bool vsib = insn_rows[d->row].attr & VSIB;
	u64 f = 0;

	if (d->base == OFF_RIP)
		f |= FB(rip);
	else if (d->base == OFF_ZERO)
		f |= FB(nobase);
	else
		f |= d->disp_len == 4 ? FB(disp32) : d->disp_len == 1 ? FB(disp8) : FB(base);
	if (d->index != OFF_ZERO || vsib)
		f |= d->scale ? FB(scale) : FB(index);
	if (d->asize)
		f |= FB(a32);
	if (d->seg != OFF_ZERO)
		f |= d->seg == OFF_FS_BASE ? FB(fs) : FB(gs);
	if (d->base >= OFF_GPR(8) && d->base <= OFF_GPR(15))
		f |= FB(hibase);
	if (d->index >= OFF_GPR(8) && d->index <= OFF_GPR(15))
		f |= FB(hiindex);
	return f;
}

static u64 evex_forms(const struct decoded *d)
{
	const struct insn_row *row = &insn_rows[d->row];
	unsigned p = d->evex;
	u64 f = 0;

	if (p & EVEX_AAA)
		f |= FB(mask);
	if (p & EVEX_Z)
		f |= FB(zero);
	if (p & EVEX_B)
		f |= d->mod == 3 ? BIT(F_rc0 + (p >> 5 & 3)) : FB(bcast);
	if (d->reg >= 16)
		f |= FB(reg16);
	if (d->mod == 3 && d->rm >= 16)
		f |= FB(rm16);
	if ((row->attr & (VVVV | VSIB)) && !(p & EVEX_V))
		f |= FB(v16);
	return f;
}

static u64 vex_forms(const struct decoded *d)
{
	u64 f = d->rex & 8 ? FB(w1) : FB(w0);

	if (!(d->evex & EVEX_B) || d->mod != 3)
		f |= BIT(F_l128 + (d->vl < 3 ? d->vl : 0));
	if (evex_row(&insn_rows[d->row]))
		return f | evex_forms(d);
	return f | (d->bytes[d->nr_prefix] == 0xc5 ? FB(vex2) : FB(vex3));
}

static bool names_high_byte(const struct decoded *d)
{
	const struct insn_row *row = &insn_rows[d->row];
	bool rm_byte = d->width == W_B && d->mod == 3 && d->modrm_at;
	bool reg_byte = d->width == W_B && of_operands(row, "EG");

	if (d->rex)
		return false;
	if (of_operands(row, "Z"))
		return d->width == W_B && (d->op & 7) >= 4;
	if (of_operands(row, "EGb"))
		return d->mod == 3 && d->rm >= 4 && row->form != FORM_Gv_Ew;
	return (rm_byte && d->rm >= 4 && !(row->attr & THUNK)) || (reg_byte && d->reg >= 4);
}

u64 forms_of(const struct decoded *d)
{
	const struct insn_row *row = &insn_rows[d->row];
	u64 f = 0;

	if (d->modrm_at && d->mod != 3)
		f |= memory_forms(d);
	if (d->modrm_at && d->mod == 3)
		f |= FB(reg) | (d->rm >= 8 && d->rm < 16 ? FB(rmhi) : 0);
	if (d->modrm_at && row->ext == EXT_ANY && d->reg >= 8 && d->reg < 16)
		f |= FB(reghi);
	if ((of_operands(row, "Z") || of_operands(row, "AZ")) && (d->rex & 1))
		f |= FB(rmhi);
	if (names_high_byte(d))
		f |= FB(bytehi);
	for (unsigned i = 0; i < d->nr_prefix; i++) {
		u8 b = d->bytes[i];

		if (b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26)
			f |= FB(seg);
	}
	if (sized(row) && d->width != W_B)
		f |= BIT(F_w16 + d->width - W_W);
	if (d->opsize && (d->rex & 8) && !vex_row(row))
		f |= FB(opsize_w);
	if (d->lock)
		f |= FB(lock);
	if (!vex_row(row) && row->pfx != PFX_F3 && row->pfx != PFX_F2)
		f |= d->pfx == PFX_F3 ? FB(rep) : d->pfx == PFX_F2 ? FB(repne) : 0;
	if (!vex_row(row) && d->rex == 0x40)
		f |= FB(rexempty);
	return vex_row(row) ? f | vex_forms(d) : f;
}

/* ---- Of a row ------------------------------------------------------------------------------- */

bool row_has_mem(const struct insn_row *row)
{
	return shapes[row->form].modrm && (row->mod == MOD_ANY || row->mod == MOD_MEM) &&
	       !of_operands(row, "CR");
}

static u64 legal_widths(const struct insn_row *row, bool amd)
{
	u64 w16 = FB(w16), w32 = FB(w32), w64 = FB(w64);

	if (vex_row(row)) /* W is counted as such */
		return 0;
	if (row->attr & REX_W)
		w16 = w32 = 0;
	switch (shapes[row->form].width) {
	case WIDTH_V:
		if (row->form == FORM_M) /* cmpxchg8b and kin: another row, or none */
			return 0;
		return (row->pfx == PFX_NONE ? 0 : w16) | (row->pfx == PFX_66 ? 0 : w32) | w64 |
		       (row->pfx == PFX_NONE ? 0 : FB(opsize_w));
	case WIDTH_V64:
		return w16 | w64 | FB(opsize_w);
	case WIDTH_Y:
		return w32 | w64;
	case WIDTH_NB:
		return w64 | (amd ? w16 : 0);
	default:
		return 0;
	}
}

static u64 legal_memory(const struct insn_row *row)
{
	u64 f = FB(disp8) | FB(disp32) | FB(scale) | FB(nobase) | FB(a32) | FB(fs) | FB(gs) |
		FB(hibase) | FB(base) | FB(index);

	if (!(row->attr & VSIB))
		f |= FB(rip) | FB(hiindex);
	if (row->attr & LOCK_OK)
		f |= FB(lock);
	if (ATTR_BCAST(row->attr))
		f |= FB(bcast);
	if (!(row->attr & NOACCESS) && !trial_raises(row))
		f |= FB(absent);
	if (row->attr & MEM_WRITE)
		f |= FB(readonly);
	if ((row->attr & ALIGN))
		f |= FB(unaligned);
	return f;
}

static u64 legal_evex(const struct insn_row *row, bool reg)
{
	bool gpr_reg = row->form == FORM_Gy_W || row->form == FORM_Gy_W_Ib;
	bool gpr_rm = row->form == FORM_V_Ey || row->form == FORM_V_Ey_Ib;
	u64 f = 0;

	if (row->attr & (MASK | MASK_MUST))
		f |= FB(mask);
	if ((row->attr & ZERO) && (reg || !(row->attr & MEM_WRITE)))
		f |= FB(zero);
	if (reg && (row->attr & (SAE | RC)))
		f |= FB_RC;
	if (row->ext == EXT_ANY && !(row->attr & KREG) && !gpr_reg)
		f |= FB(reg16);
	if (reg && !gpr_rm && !strstr(row->name, "vpmovm2") && !strstr(row->name, "vpbroadcastm"))
		f |= FB(rm16);
	if (row->attr & (VVVV | VSIB))
		f |= FB(v16);
	return f;
}

static u64 legal_vex(const struct insn_row *row, bool reg)
{
	u64 f = (row->w != 1 ? FB(w0) : 0) | (row->w != 0 ? FB(w1) : 0);

	for (unsigned vl = 0; vl < 3; vl++)
		if (row->l >> vl & 1)
			f |= BIT(F_l128 + vl);
	if (evex_row(row))
		return f | legal_evex(row, reg);
	return f | FB(vex3) | (row->map == MAP_V0F && row->w != 1 ? FB(vex2) : 0);
}

u64 forms_legal(const struct insn_row *row, bool amd)
{
	bool modrm = shapes[row->form].modrm, mem = row_has_mem(row);
	bool reg = modrm && row->mod != MOD_MEM && !of_operands(row, "CR");
	bool free_rm = row->mod == MOD_ANY || row->mod == MOD_REG;
	u64 f = FB(plain) | FB(seg);

	if (mem)
		f |= legal_memory(row);
	if (reg)
		f |= FB(reg);
	if (reg && free_rm && row->form != FORM_x87)
		f |= FB(rmhi);
	if (of_operands(row, "Z") || of_operands(row, "AZ"))
		f |= FB(rmhi);
	if (modrm && row->ext == EXT_ANY && !(row->attr & KREG) && row->form != FORM_x87 &&
	    !of_operands(row, "CR"))
		f |= FB(reghi);
	if ((of_operands(row, "E") || of_operands(row, "EG") || of_operands(row, "Z")) &&
	    shapes[row->form].width == WIDTH_B)
		f |= FB(bytehi);
	if (sized(row))
		f |= legal_widths(row, amd);
	if (row->attr & REPS)
		f |= FB(rep) | FB(repne);
	return vex_row(row) ? f | legal_vex(row, reg) : f;
}

/* ---- Counting ------------------------------------------------------------------------------- */

#define ALL ~0UL
static const struct {
	const char *row;
	u64 forms;
	const char *reason;
} excuses[] = {
#define EXCUSED(row, forms, reason) {row, forms, reason},
#include "excused.def"
#undef EXCUSED
};

u64 forms_excused(const struct insn_row *row, const char **reason)
{
	u64 f = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(excuses); i++)
		if (!strcmp(excuses[i].row, row->name)) {
			f |= excuses[i].forms;
			*reason = excuses[i].reason;
		}
	return f;
}

void forms_passed(unsigned row, u64 f)
{
	seen[row] |= f;
}

u64 forms_seen(unsigned row)
{
	return seen[row];
}

void forms_wrote(unsigned row)
{
	wrote[row] = true;
}

u64 forms_missing(unsigned row, bool amd)
{
	const struct insn_row *r = &insn_rows[row];
	const char *reason;
	u64 legal = forms_legal(r, amd);

	if (wrote[row] && row_has_mem(r))
		legal |= FB(readonly);
	return legal & ~seen[row] & ~forms_excused(r, &reason);
}

static void print_forms(u64 f)
{
	for (unsigned i = 0; i < NR_F; i++)
		if (f >> i & 1)
			printf(" %s", forms[i].name);
}

/* Forms, rows by form: what the report counts. */
static void print_totals(const char *program, bool (*wanted)(unsigned row), bool amd)
{
	for (unsigned i = 0; i < NR_F; i++) {
		unsigned legal = 0, got = 0;

		for (unsigned row = 0; row < nr_insn_rows; row++) {
			bool l = forms_legal(&insn_rows[row], amd) >> i & 1;

			if (!wanted(row))
				continue;
			if (i == F_readonly)
				l |= wrote[row];
			legal += l;
			got += seen[row] >> i & 1;
		}
		printf("%s: form %-9s %4u rows of %4u  %s\n", program, forms[i].name, got,
		       forms[i].kind == MORE ? got : legal, forms[i].what);
	}
}

unsigned forms_report(const char *program, bool (*wanted)(unsigned row), bool amd, bool verbose)
{
	unsigned never = 0, lacking = 0, excused = 0, pairs = 0, rows = 0;

	for (unsigned row = 0; row < nr_insn_rows; row++) {
		const struct insn_row *r = &insn_rows[row];
		const char *reason = "";
		u64 miss;

		if (!wanted(row))
			continue;
		rows++;
		miss = forms_missing(row, amd);
		pairs += __builtin_popcountl(forms_legal(r, amd) & seen[row]);
		if (forms_excused(r, &reason)) {
			excused++;
			printf("%s: excused: %s (row %u): %s\n", program, r->name, row, reason);
		}
		if (miss & FB(plain)) {
			never++;
			printf("%s: row without a passing test: %u, %s\n", program, row, r->name);
		} else if (miss) {
			lacking++;
			printf("%s: forms never run: row %u, %s:", program, row, r->name);
			print_forms(miss);
			printf("\n");
		}
	}
	if (verbose)
		print_totals(program, wanted, amd);
	printf("%s: %u rows, %u pairs of row and form passed; rows without a passing test: %u; "
	       "with "
	       "forms never run: %u; excused: %u\n",
	       program, rows, pairs, never, lacking, excused);
	return never;
}
