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
	if (!(in->flags & IN_MEM))
		return;
	size = vec_size(&insn_rows[in->row], in);
	if (!use_fast(vec_fast, nr_vec_fast, size, in))
		use_fast(x87_fast, nr_x87_fast, size, in);
}
