/*
 * XSAVE, XSAVEOPT, XSAVEC, XRSTOR: the live state goes to struct fpu_state, whence the image is made
 * in software, and back. XSAVES and XRSTORS are the kernel's; CPUID offers neither, so both are #UD.
 * SDM vol. 1, 13.7 to 13.10; vol. 2D.
 */
#include "cpu/vec.h"

static u64 requested(const struct cpu *cpu)
{
	u64 mask = (u64)(u32)cpu->regs.gpr[R_RDX] << 32 | (u32)cpu->regs.gpr[R_RAX];

	return mask & cpu->xcr0;
}

static void do_xsave(struct cpu *cpu, const struct insn *in, enum xsave_kind kind)
{
	u64 rfbm = requested(cpu);
	void *p = vec_open(cpu, in, V_NOWAIT, ea_full(cpu, in),
			   fpu_xsave_size(rfbm, kind == XSAVE_COMPACT), TLB_WRITE, 64, true);

	if (!p)
		return;
	fpu_sync(cpu);
	fpu_xsave(cpu, p, rfbm, kind, in->width == W_Q);
	GOTO(cpu, mem_close(cpu, in, p));
}

static void xsave(struct cpu *cpu, const struct insn *in)
{
	do_xsave(cpu, in, XSAVE_ALL);
}
OPS_BY_EA(op_xsave, xsave, xsave, xsave);

static void xsaveopt(struct cpu *cpu, const struct insn *in)
{
	do_xsave(cpu, in, XSAVE_USED);
}
OPS_BY_EA(op_xsaveopt, xsaveopt, xsaveopt, xsaveopt);

static void xsavec(struct cpu *cpu, const struct insn *in)
{
	do_xsave(cpu, in, XSAVE_COMPACT);
}
OPS_BY_EA(op_xsavec, xsavec, xsavec, xsavec);

static void xrstor(struct cpu *cpu, const struct insn *in)
{
	u64 rfbm = requested(cpu);
	gva_t ea = ea_full(cpu, in);
	const void *p = vec_open(cpu, in, V_NOWAIT, ea, XS_HEADER_END, TLB_READ, 64, true);

	if (!p)
		return;
	if (!fpu_header_legal(cpu, p)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	p = vec_open(cpu, in, V_NOWAIT, ea, fpu_image_size(p, rfbm), TLB_READ, 64, true);
	if (!p)
		return;
	fpu_sync(cpu);
	if (fpu_xrstor(cpu, p, rfbm, in->width == W_Q)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	fpu_reload(cpu);
	NEXT(cpu, in);
}
OPS_BY_EA(op_xrstor, xrstor, xrstor, xrstor);
