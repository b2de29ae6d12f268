/*
 * MMX and SSE: handlers around native thunks. See vec.h. What an instruction computes is nowhere
 * here: the host's unit knows.
 */
#include <string.h>

#include "cpu/decode_vex.h"
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

/* PCMPESTRI and kin: rax and rdx are lengths, rcx is an index, whether they are used or not. */
const struct insn *vec_string(struct cpu *cpu, const struct insn *in, unsigned v)
{
	u64 *gpr = cpu->regs.gpr, abc[3] = {gpr[R_RAX], gpr[R_RCX], gpr[R_RDX]};
	const void *p = NULL;

	vec_need(cpu, v);
	if (in->flags & IN_MEM) {
		p = vec_open(cpu, in, v, ea_full(cpu, in), 16, TLB_READ, 0, true);
		if (!p)
			return NULL;
	}
	thunk_call_string((const void *)in->imm, p, abc);
	gpr[R_RCX] = abc[1];
	cpu->cc = (u16)abc[0];
	return in + 1;
}

static void vec_str(struct cpu *cpu, const struct insn *in)
{
	const struct insn *next = vec_string(cpu, in, 0);

	if (next)
		GOTO(cpu, next);
}
OPS_BY_EA(op_vec_str, vec_str, vec_str, vec_str);

VEC_FAST_LOAD(vec, 0, 4, 0, 4)
VEC_FAST_LOAD(vec, 0, 8, 0, 8)
VEC_FAST_LOAD(vec, 0, 16, 0, 16u)
VEC_FAST_LOAD(vec, 0, 16, 16, 16)
VEC_FAST_STORE(vec, 0, 4, 0, 4)
VEC_FAST_STORE(vec, 0, 8, 0, 8)
VEC_FAST_STORE(vec, 0, 16, 0, 16u)
VEC_FAST_STORE(vec, 0, 16, 16, 16)
VEC_FAST_LOAD(vec_gout, V_GOUT, 4, 0, 4)
VEC_FAST_LOAD(vec_gout, V_GOUT, 8, 0, 8)
VEC_FAST_LOAD(vec_cmp, V_CC_OUT, 4, 0, 4)
VEC_FAST_LOAD(vec_cmp, V_CC_OUT, 8, 0, 8)

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

/* As seen on Zen 4: the natural alignment, but 8 for 80 bits, 16 for more, and that of the fields for
 * images. */
gva_t vec_ac_mask(unsigned size)
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
		return size > 16 ? 15 : size - 1;
	}
}

void *vec_open_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
		    enum tlb_access acc, unsigned align)
{
	bool misaligned = align && (ea & (align - 1));
	bool ac = (cpu->regs.flags & F_AC) && (ea & vec_ac_mask(size)) &&
		  (!misaligned || size == 512);

	if (!misaligned && (!ac || size <= 8))
		return mem_open_slow(cpu, in, ea, size, acc);
	/* The operand's own alignment comes before what is canonical, but not for FXSAVE and
	 * FXRSTOR; EFLAGS.AC after it. As seen on Zen 4. */
	if (!canonical(ea) && (size == 512 || !misaligned))
		cpu_raise(cpu, in, canonical_vector(in), 0);
	else
		cpu_raise(cpu, in, ac ? X86_AC : X86_GP, 0);
	return NULL;
}

void vec_fault_of_image(struct cpu *cpu, gva_t ea, unsigned size, enum tlb_access acc,
			bool end_first)
{
	gva_t ends[2] = {ea, ea + size - 1}, field = ea + (size == 14 || size == 94 ? 1 : 3);
	u8 vector = cpu->exit.vector;

	if (!end_first && ((ea ^ field) & PAGE_MASK))
		ends[1] = field & PAGE_MASK; /* the first field crosses by itself */
	if (vector != X86_PF && (vector != X86_GP || canonical(ea) == canonical(ends[1])))
		return;
	for (unsigned i = 0; i < 2; i++) {
		gva_t at = ends[i ^ end_first];
		void *host;
		u32 err;

		if (!canonical(at))
			return; /* has been raised */
		err = tlb_open(&cpu->tlb, at, 0, acc, PF_USER, &host);
		if (err & TLB_FAULT) {
			cpu->exit.vector = X86_PF;
			cpu->exit.error_code = err & ~TLB_FAULT;
			cpu->exit.cr2 = at;
			return;
		}
	}
}

bool vec_use_fast(const struct vec_fast *f, unsigned n, unsigned size, struct insn *in)
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
	if (map_is_vex(d->map)) {
		avx_bind(d, in);
		return;
	}
	size = vec_size(&insn_rows[in->row], in);
	if (!vec_use_fast(vec_fast, nr_vec_fast, size, in))
		vec_use_fast(x87_fast, nr_x87_fast, size, in);
}
