/*
 * XSAVE, XSAVEOPT, XSAVEC, XRSTOR: the live state goes to struct fpu_state, whence the image is made
 * in software, and back. XSAVES and XRSTORS are the kernel's: #GP where CPUID has them (op_gp), else #UD.
 * SDM vol. 1, 13.7 to 13.10; vol. 2D.
 */
#include "cpu/vec.h"

static u64 requested(const struct cpu *cpu)
{
	u64 mask = (u64)(u32)cpu->regs.gpr[R_RDX] << 32 | (u32)cpu->regs.gpr[R_RAX];

	return mask & cpu->xcr0;
}

/* The next instruction; NULL: exception raised. */
static const struct insn *do_xsave(struct cpu *cpu, const struct insn *in, enum xsave_kind kind)
{
	u64 rfbm = requested(cpu);
	u32 size = fpu_xsave_size(rfbm, kind == XSAVE_COMPACT);
	gva_t ea = ea_full(cpu, in);
	void *p = vec_open(cpu, in, V_NOWAIT, ea, size, TLB_WRITE, 64, true);

	if (!p) {
		vec_fault_of_image(cpu, ea, size, TLB_WRITE, false);
		return NULL;
	}
	fpu_sync(cpu);
	fpu_xsave(cpu, p, rfbm, kind, in->width == W_Q);
	return mem_close(cpu, in, p);
}

#define XSAVE(name, kind)                                                                          \
	static void name(struct cpu *cpu, const struct insn *in)                                   \
	{                                                                                          \
		const struct insn *next = do_xsave(cpu, in, kind);                                 \
                                                                                                   \
		if (next)                                                                          \
			GOTO(cpu, next);                                                           \
	}                                                                                          \
	OPS_BY_EA(op_##name, name, name, name);
XSAVE(xsave, XSAVE_ALL)
XSAVE(xsaveopt, XSAVE_USED)
XSAVE(xsavec, XSAVE_COMPACT)

static void xrstor(struct cpu *cpu, const struct insn *in)
{
	u64 rfbm = requested(cpu);
	gva_t ea = ea_full(cpu, in);
	const void *p;
	u32 size;

	/* Hardware looks at the first byte, then at the header, then at the last byte. */
	if (!vec_open(cpu, in, V_NOWAIT, ea, 1, TLB_READ, 64, true) ||
	    !vec_open(cpu, in, V_NOWAIT, ea + XS_BV, XS_HEADER_END - XS_BV, TLB_READ, 64, true))
		return;
	p = vec_open(cpu, in, V_NOWAIT, ea, XS_HEADER_END, TLB_READ, 64, true);
	if (!p)
		return;
	if (!fpu_header_legal(cpu, p)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	size = fpu_image_size(p, rfbm);
	p = vec_open(cpu, in, V_NOWAIT, ea, size, TLB_READ, 64, true);
	if (!p) {
		vec_fault_of_image(cpu, ea, size, TLB_READ, true);
		return;
	}
	fpu_sync(cpu);
	if (fpu_xrstor(cpu, p, rfbm, in->width == W_Q)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	fpu_reload(cpu);
	NEXT(cpu, in);
}
OPS_BY_EA(op_xrstor, xrstor, xrstor, xrstor);
