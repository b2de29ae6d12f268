/* Capstone's view of an encoding: length, mnemonic, and that the registers, the memory operand and
 * the immediate that we see are among its operands. It does not say which field encodes which. */
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

static csh handle;
static cs_insn *insn;

bool capstone_init(void)
{
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK ||
	    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		return false;
	insn = cs_malloc(handle);
	return insn;
}

/* Kinds of registers, by name. */
enum { KIND_GPR, KIND_VEC, KIND_MASK, KIND_OTHER };

/* Number of a general register by its name without a size: 0 .. 15, or -1. */
static int gpr_number(const char *name)
{
	static const char *const legacy[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
	static const char *const low[] = {"al",	 "cl",	"dl", "bl", "spl", "bpl",
					  "sil", "dil", "ah", "ch", "dh",  "bh"};

	if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9')
		return atoi(name + 1);
	for (int i = 0; i < 12; i++)
		if (!strcmp(name, low[i]))
			return i < 8 ? i : i - 4;
	if (name[0] == 'e' || name[0] == 'r')
		name++;
	for (int i = 0; i < 8; i++)
		if (!strcmp(name, legacy[i]))
			return i;
	return -1;
}

static int number_of(x86_reg reg, int *kind)
{
	const char *name = cs_reg_name(handle, reg);
	int n = name ? gpr_number(name) : -1;

	*kind = KIND_GPR;
	if (n >= 0 || !name)
		return n;
	*kind = KIND_VEC;
	if (!strncmp(name + 1, "mm", 2))
		return atoi(name + 3);
	if (!strncmp(name, "mm", 2))
		return atoi(name + 2);
	*kind = name[0] == 'k' ? KIND_MASK : KIND_OTHER;
	while (*name && (*name < '0' || *name > '9'))
		name++;
	return atoi(name);
}

/* Does one of its operands name register @n? MMX and the like know 8 only. */
static bool shows_register(const cs_x86 *x, unsigned n)
{
	for (unsigned i = 0; i < x->op_count; i++) {
		int kind, their;

		if (x->operands[i].type != X86_OP_REG)
			continue;
		their = number_of(x->operands[i].reg, &kind);
		if (their == (int)n)
			return true;
		if (kind != KIND_GPR && their == (int)(n & 7) && their < 8)
			return true;
	}
	return false;
}

static bool same_address_register(unsigned off, x86_reg reg)
{
	int kind;

	if (off == OFF_ZERO)
		return reg == X86_REG_INVALID || reg == X86_REG_RIZ || reg == X86_REG_EIZ;
	if (off == OFF_RIP)
		return reg == X86_REG_RIP || reg == X86_REG_EIP;
	return reg != X86_REG_INVALID && number_of(reg, &kind) == (int)off / 8;
}

static bool same_memory(const struct decoded *d, const cs_x86 *x)
{
	for (unsigned i = 0; i < x->op_count; i++) {
		const x86_op_mem *mem = &x->operands[i].mem;

		if (x->operands[i].type != X86_OP_MEM)
			continue;
		if (!d->modrm_at || d->mod == 3) /* strings, moffs: by their names */
			return true;
		return same_address_register(d->base, mem->base) && mem->disp == d->disp &&
		       ((insn_rows[d->row].attr & VSIB) ||
			(same_address_register(d->index, mem->index) &&
			 (d->index == OFF_ZERO || mem->scale == 1 << d->scale)));
	}
	return !d->modrm_at || d->mod == 3;
}

static bool same_immediate(const struct decoded *d, const cs_x86 *x)
{
	unsigned bits = 8 * (d->imm_len < 8 ? d->imm_len : 8);
	u64 mask = bits == 64 ? ~0UL : (1UL << bits) - 1;
	bool none = true;

	if (x->operands[0].type == X86_OP_IMM && (x->operands[0].size == 8 || !d->modrm_at) &&
	    (insn_rows[d->row].form == FORM_Jb || insn_rows[d->row].form == FORM_Jz))
		return !(((u64)x->operands[0].imm - d->len - d->imm) &
			 (d->width == W_W ? 0xffff : 0xffffffff));
	for (unsigned i = 0; i < x->op_count; i++) {
		if (x->operands[i].type != X86_OP_IMM)
			continue;
		none = false;
		if (!(((u64)x->operands[i].imm ^ d->imm) & mask & 0xffffffff))
			return true;
	}
	return none; /* condition codes and fourth registers have become part of the text */
}

static bool same_operands(struct sight *s, const cs_x86 *x)
{
	const struct decoded *d = &s->d;
	bool plain =
		s->row->form != FORM_x87 && s->row->form != FORM_x87_ax && s->row->form != FORM_cr;
	const char *what = NULL;

	if (!same_memory(d, x))
		what = "memory";
	else if (d->imm_len && d->imm_len != 3 && !same_immediate(d, x))
		what = "immediate";
	else if (plain && d->modrm_at && d->mod == 3 && x->op_count > 1 &&
		 !shows_register(x, d->rm))
		what = "modrm.rm";
	else if (plain && d->modrm_at && s->row->ext == EXT_ANY && x->op_count > 1 &&
		 !shows_register(x, d->reg))
		what = "modrm.reg";
	else if ((s->row->attr & VVVV) && !shows_register(x, d->vvvv))
		what = "vvvv";
	if (what)
		snprintf(s->what, sizeof(s->what), "%s: %.20s %.45s", what, insn->mnemonic,
			 insn->op_str);
	return !what;
}

void capstone_look(struct sight *s)
{
	const u8 *p = s->code;
	size_t n = 15;
	uint64_t address = 0;

	s->len = 0;
	s->name = s->isa = NULL;
	s->what[0] = 0;
	if (cs_disasm_iter(handle, &p, &n, &address, insn)) {
		const char *space = strrchr(insn->mnemonic, ' '); /* "lock add", "rep movsb" */

		s->len = insn->size;
		s->name = space ? space + 1 : insn->mnemonic;
	}
	if (!s->row || !s->len)
		s->how = s->row ? SILENT : s->len ? EXTRA : SAME;
	else if (s->len != s->d.len)
		s->how = LENGTH;
	else if (!same_name(s->row->name, s->name))
		s->how = NAME;
	else
		s->how = same_operands(s, &insn->detail->x86) ? SAME : OPERANDS;
}
