/*
 * MMX and SSE: handlers around native thunks. See vec.h. What an instruction computes is nowhere
 * here: the host's unit knows.
 */
#include <string.h>

#include "cpu/vec.h"

VEC_SET(vec, 0);
VEC_SET(vec_gout, V_GOUT);
VEC_SET(vec_cmp, V_CC_OUT);
VEC_SET(mmx, V_X87);

/* E is a general register, or memory as anywhere else. */
VEC_REG(vec_gin, V_GIN)
VEC_REG(vec_rmout, V_RMOUT)
VEC_REG(mmx_gin, V_X87 | V_GIN)
VEC_REG(mmx_rmout, V_X87 | V_RMOUT)
OPS_BY_EA(op_vec_gin, vec_gin_reg, vec_base, vec_full);
OPS_BY_EA(op_vec_rmout, vec_rmout_reg, vec_base, vec_full);
OPS_BY_EA(op_mmx_gin, mmx_gin_reg, mmx_base, mmx_full);
/* CVTPI2PS, CVTPI2PD: a memory operand makes them no MMX instructions, so nothing waits. */
VEC_MEM(mmx_cvt, V_X87 | V_NOWAIT)
OPS_BY_EA(op_mmx_cvt, mmx_reg, mmx_cvt_base, mmx_cvt_full);
OPS_BY_EA(op_mmx_rmout, mmx_rmout_reg, mmx_base, mmx_full);

/* Never in memory. */
VEC_REG(mmx_gout, V_X87 | V_GOUT)
OPS_BY_EA(op_mmx_gout, mmx_gout_reg, mmx_gout_reg, mmx_gout_reg);

VEC_FAST_LOAD(vec, 0, 4, false, 4)
VEC_FAST_LOAD(vec, 0, 8, false, 8)
VEC_FAST_LOAD(vec, 0, 16, false, 16u)
VEC_FAST_LOAD(vec, 0, 16, true, 16)
VEC_FAST_STORE(vec, 0, 4, false, 4)
VEC_FAST_STORE(vec, 0, 8, false, 8)
VEC_FAST_STORE(vec, 0, 16, false, 16u)
VEC_FAST_STORE(vec, 0, 16, true, 16)
VEC_FAST_LOAD(vec_gout, V_GOUT, 4, false, 4)
VEC_FAST_LOAD(vec_gout, V_GOUT, 8, false, 8)
VEC_FAST_LOAD(vec_cmp, V_CC_OUT, 4, false, 4)
VEC_FAST_LOAD(vec_cmp, V_CC_OUT, 8, false, 8)

const struct vec_fast vec_fast[] = {
	VEC_FAST_ROWS(vec, ld, 4, 4, MEM_READ),
	VEC_FAST_ROWS(vec, ld, 8, 8, MEM_READ),
	VEC_FAST_ROWS(vec, ld, 16u, 16, MEM_READ),
	VEC_FAST_ROWS(vec, ld, 16, 16, MEM_READ | ALIGN),
	VEC_FAST_ROWS(vec, st, 4, 4, MEM_WRITE),
	VEC_FAST_ROWS(vec, st, 8, 8, MEM_WRITE),
	VEC_FAST_ROWS(vec, st, 16u, 16, MEM_WRITE),
	VEC_FAST_ROWS(vec, st, 16, 16, MEM_WRITE | ALIGN),
	VEC_FAST_ROWS(vec_gout, ld, 4, 4, MEM_READ),
	VEC_FAST_ROWS(vec_gout, ld, 8, 8, MEM_READ),
	VEC_FAST_ROWS(vec_cmp, ld, 4, 4, MEM_READ),
	VEC_FAST_ROWS(vec_cmp, ld, 8, 8, MEM_READ),
};
const unsigned nr_vec_fast = ARRAY_SIZE(vec_fast);

/* Bits of the address that EFLAGS.AC wants clear. As seen on Zen 4: the natural alignment, 8 for
 * 80 bits, and that of the fields for images. */
static gva_t ac_mask(unsigned size)
{
	switch (size) {
	case 10:
		return 7;
	case 14:
	case 94:
		return 1;
	case 28:
	case 108:
	case 512:
		return 3;
	default:
		return size - 1;
	}
}

void *vec_open_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
		    enum tlb_access acc, bool align)
{
	bool misaligned = align && (ea & 15);
	bool ac = (cpu->regs.flags & F_AC) && (ea & ac_mask(size)) && (!misaligned || size == 512);

	if (!misaligned && (!ac || size <= 8))
		return mem_open_slow(cpu, in, ea, size, acc);
	if (!canonical(ea))
		cpu_raise(cpu, in, canonical_vector(in), 0);
	else
		cpu_raise(cpu, in, ac ? X86_AC : X86_GP, 0);
	return NULL;
}

static bool use_fast(const struct vec_fast *f, unsigned n, unsigned size, struct insn *in)
{
	u32 attr = insn_rows[in->row].attr & (ALIGN | MEM_READ | MEM_WRITE);

	for (; n; n--, f++)
		if (f->any == in->fn && f->size == size && f->attr == attr) {
			in->fn = f->fast;
			return true;
		}
	return false;
}

void vec_bind(const struct decoded *d, struct insn *in)
{
	unsigned form = insn_rows[in->row].form, size;

	if (form == FORM_x87) {
		in->reg = d->op & 7;
		in->rm = d->modrm;
	}
	if (form == FORM_x87_ax)
		in->rm = OFF_GPR(R_RAX); /* whatever REX says */
	if (!(in->flags & IN_MEM)) {
		in->fn = insn_rows[in->row].set[VARIANT(W_B, EA_REG, 0)];
		return;
	}
	size = vec_size(&insn_rows[in->row], in);
	if (!use_fast(vec_fast, nr_vec_fast, size, in))
		use_fast(x87_fast, nr_x87_fast, size, in);
}
