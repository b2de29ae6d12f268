/* Moves: MOV, MOVZX, MOVSX, LEA, CMOVcc, SETcc, XCHG, BSWAP, CBW and CWD families, moffs, MOVBE.
 * None of them touches a flag. SDM vol. 1, 7.3.1.
 */
#include "cpu/interp.h"

#define ALL_WIDTHS(X) X(B) X(W) X(L) X(Q)
#define ALL_WIDTHS_EA(X)                                                                           \
	X(B, EA_BASE)                                                                              \
	X(W, EA_BASE)                                                                              \
	X(L, EA_BASE) X(Q, EA_BASE) X(B, EA_FULL) X(W, EA_FULL) X(L, EA_FULL) X(Q, EA_FULL)

#define MOV_RR(W)                                                                                  \
	static void mov_rr_##W(struct cpu *cpu, const struct insn *in)                             \
	{                                                                                          \
		SET_##W(cpu, in->rm, REG(cpu, in->reg, W));                                        \
		NEXT(cpu, in);                                                                     \
	}
#define MOV_RI(W)                                                                                  \
	static void mov_ri_##W(struct cpu *cpu, const struct insn *in)                             \
	{                                                                                          \
		SET_##W(cpu, in->rm, in->imm);                                                     \
		NEXT(cpu, in);                                                                     \
	}
#define MOV_RM(W, ea)                                                                              \
	static void mov_rm_##W##_at_##ea(struct cpu *cpu, const struct insn *in)                   \
	{                                                                                          \
		struct mem_value m =                                                               \
			mem_read(cpu, in, EA(cpu, in, ea), WIDTH_OF_##W, ea == EA_FULL);           \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SET_##W(cpu, in->reg, m.val);                                                      \
		NEXT(cpu, in);                                                                     \
	}
#define MOV_MR(W, ea)                                                                              \
	static void mov_mr_##W##_at_##ea(struct cpu *cpu, const struct insn *in)                   \
	{                                                                                          \
		in = mem_write(cpu, in, EA(cpu, in, ea), WIDTH_OF_##W, REG(cpu, in->reg, W),       \
			       ea == EA_FULL);                                                     \
		if (unlikely(!in))                                                                 \
			return;                                                                    \
		GOTO(cpu, in);                                                                     \
	}
#define MOV_MI(W, ea)                                                                              \
	static void mov_mi_##W##_at_##ea(struct cpu *cpu, const struct insn *in)                   \
	{                                                                                          \
		in = mem_write(cpu, in, EA(cpu, in, ea), WIDTH_OF_##W, (reg_##W)in->imm,           \
			       ea == EA_FULL);                                                     \
		if (unlikely(!in))                                                                 \
			return;                                                                    \
		GOTO(cpu, in);                                                                     \
	}
ALL_WIDTHS(MOV_RR)
ALL_WIDTHS(MOV_RI)
ALL_WIDTHS_EA(MOV_RM)
ALL_WIDTHS_EA(MOV_MR)
ALL_WIDTHS_EA(MOV_MI)

/* Entries of the form f_W_at_EA. */
#define OPS_AT(f, ea, dead)                                                                        \
	[VARIANT(W_B, ea, dead)] = f##_B_at_##ea, [VARIANT(W_W, ea, dead)] = f##_W_at_##ea,        \
			  [VARIANT(W_L, ea, dead)] = f##_L_at_##ea,                                \
			  [VARIANT(W_Q, ea, dead)] = f##_Q_at_##ea
#define MOV_SET(set, r, m)                                                                         \
	op_set set = {                                                                             \
		OPS_WIDTH(r, EA_REG, 0), OPS_WIDTH(r, EA_REG, 1), OPS_AT(m, EA_BASE, 0),           \
		OPS_AT(m, EA_BASE, 1),	 OPS_AT(m, EA_FULL, 0),	  OPS_AT(m, EA_FULL, 1),           \
	};
MOV_SET(op_mov_EG, mov_rr, mov_mr)
MOV_SET(op_mov_GE, mov_rr, mov_rm)
MOV_SET(op_mov_EI, mov_ri, mov_mi)

/* Immediate to the register of the opcode. */
op_set op_mov_ZI = {
	OPS_WIDTH(mov_ri, EA_REG, 0),
	OPS_WIDTH(mov_ri, EA_REG, 1),
	OPS_WIDTH(mov_ri, EA_FULL, 0),
	OPS_WIDTH(mov_ri, EA_FULL, 1),
};

/* moffs: the address is the immediate. */
#define MOFFS(W)                                                                                   \
	static void mov_load_moffs_##W(struct cpu *cpu, const struct insn *in)                     \
	{                                                                                          \
		gva_t ea = in->imm + REG(cpu, in->seg, Q);                                         \
		struct mem_value m = mem_read(cpu, in, ea, WIDTH_OF_##W, true);                    \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SET_##W(cpu, OFF_GPR(R_RAX), m.val);                                               \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	static void mov_store_moffs_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		gva_t ea = in->imm + REG(cpu, in->seg, Q);                                         \
                                                                                                   \
		in = mem_write(cpu, in, ea, WIDTH_OF_##W, REG(cpu, OFF_GPR(R_RAX), W), true);      \
		if (unlikely(!in))                                                                 \
			return;                                                                    \
		GOTO(cpu, in);                                                                     \
	}
ALL_WIDTHS(MOFFS)
#define ANY_EA(f)                                                                                  \
	OPS_WIDTH(f, EA_REG, 0), OPS_WIDTH(f, EA_REG, 1), OPS_WIDTH(f, EA_BASE, 0),                \
		OPS_WIDTH(f, EA_BASE, 1), OPS_WIDTH(f, EA_FULL, 0), OPS_WIDTH(f, EA_FULL, 1)
op_set op_mov_load_moffs = {ANY_EA(mov_load_moffs)};
op_set op_mov_store_moffs = {ANY_EA(mov_store_moffs)};

/* LEA: the segment does not count. */
#define LEA(W)                                                                                     \
	static void lea_##W##_at_EA_BASE(struct cpu *cpu, const struct insn *in)                   \
	{                                                                                          \
		SET_##W(cpu, in->reg, ea_base(cpu, in));                                           \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	static void lea_##W##_at_EA_FULL(struct cpu *cpu, const struct insn *in)                   \
	{                                                                                          \
		SET_##W(cpu, in->reg, ea_offset(cpu, in));                                         \
		NEXT(cpu, in);                                                                     \
	}
ALL_WIDTHS(LEA)
op_set op_lea = {OPS_AT(lea, EA_BASE, 0), OPS_AT(lea, EA_BASE, 1), OPS_AT(lea, EA_FULL, 0),
		 OPS_AT(lea, EA_FULL, 1)};

/* MOVZX, MOVSX, MOVSXD: from width S to width W. */
#define EXTEND(name, S, W, type)                                                                   \
	static void name##_rr_##W(struct cpu *cpu, const struct insn *in)                          \
	{                                                                                          \
		SET_##W(cpu, in->reg, (s64)(type)REG(cpu, in->rm, S));                             \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	EXTEND_M(name, S, W, type, EA_BASE)                                                        \
	EXTEND_M(name, S, W, type, EA_FULL)
#define EXTEND_M(name, S, W, type, ea)                                                             \
	static void name##_rm_##W##_at_##ea(struct cpu *cpu, const struct insn *in)                \
	{                                                                                          \
		struct mem_value m =                                                               \
			mem_read(cpu, in, EA(cpu, in, ea), WIDTH_OF_##S, ea == EA_FULL);           \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SET_##W(cpu, in->reg, (s64)(type)m.val);                                           \
		NEXT(cpu, in);                                                                     \
	}
#define EXTEND_ALL(name, S, type)                                                                  \
	EXTEND(name, S, W, type)                                                                   \
	EXTEND(name, S, L, type)                                                                   \
	EXTEND(name, S, Q, type)                                                                   \
	op_set op_##name = {                                                                       \
		EXTEND_OPS(name, 0),                                                               \
		EXTEND_OPS(name, 1),                                                               \
	};
#define EXTEND_OPS(name, dead)                                                                     \
	[VARIANT(W_W, EA_REG, dead)] = name##_rr_W, [VARIANT(W_L, EA_REG, dead)] = name##_rr_L,    \
			      [VARIANT(W_Q, EA_REG, dead)] = name##_rr_Q,                          \
			      [VARIANT(W_W, EA_BASE, dead)] = name##_rm_W_at_EA_BASE,              \
			      [VARIANT(W_L, EA_BASE, dead)] = name##_rm_L_at_EA_BASE,              \
			      [VARIANT(W_Q, EA_BASE, dead)] = name##_rm_Q_at_EA_BASE,              \
			      [VARIANT(W_W, EA_FULL, dead)] = name##_rm_W_at_EA_FULL,              \
			      [VARIANT(W_L, EA_FULL, dead)] = name##_rm_L_at_EA_FULL,              \
			      [VARIANT(W_Q, EA_FULL, dead)] = name##_rm_Q_at_EA_FULL
EXTEND_ALL(movzx_b, B, u8)
EXTEND_ALL(movzx_w, W, u16)
EXTEND_ALL(movsx_b, B, s8)
EXTEND_ALL(movsx_w, W, s16)
EXTEND_ALL(movsx_d, L, s32)

/* Width 32 clears the upper half even when the condition is false; memory is always read. */
#define CMOV_W(code, W)                                                                            \
	static void cmov_##code##_##W(struct cpu *cpu, const struct insn *in)                      \
	{                                                                                          \
		u64 v = REG(cpu, in->rm, W);                                                       \
                                                                                                   \
		if (in->flags & IN_MEM) {                                                          \
			struct mem_value m =                                                       \
				mem_read(cpu, in, ea_full(cpu, in), WIDTH_OF_##W, true);           \
			if (unlikely(!m.ok))                                                       \
				return;                                                            \
			v = m.val;                                                                 \
		}                                                                                  \
		v = condition(cpu, code) ? v : (u64)REG(cpu, in->reg, W);                          \
		SET_##W(cpu, in->reg, v);                                                          \
		NEXT(cpu, in);                                                                     \
	}
#define CMOV(name, code)                                                                           \
	CMOV_W(code, W)                                                                            \
	CMOV_W(code, L)                                                                            \
	CMOV_W(code, Q)                                                                            \
	op_set op_cmov##name = {CMOV_OPS(code, EA_REG, 0),  CMOV_OPS(code, EA_REG, 1),             \
				CMOV_OPS(code, EA_BASE, 0), CMOV_OPS(code, EA_BASE, 1),            \
				CMOV_OPS(code, EA_FULL, 0), CMOV_OPS(code, EA_FULL, 1)};
#define CMOV_OPS(code, ea, dead)                                                                   \
	[VARIANT(W_W, ea, dead)] = cmov_##code##_W, [VARIANT(W_L, ea, dead)] = cmov_##code##_L,    \
			  [VARIANT(W_Q, ea, dead)] = cmov_##code##_Q

#define SETCC(name, code)                                                                          \
	static void setcc_##code(struct cpu *cpu, const struct insn *in)                           \
	{                                                                                          \
		u8 v = condition(cpu, code);                                                       \
                                                                                                   \
		if (in->flags & IN_MEM) {                                                          \
			in = mem_write(cpu, in, ea_full(cpu, in), W_B, v, true);                   \
			if (unlikely(!in))                                                         \
				return;                                                            \
			GOTO(cpu, in);                                                             \
		}                                                                                  \
		SET_B(cpu, in->rm, v);                                                             \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	op_set op_set##name = OPS_ONE(setcc_##code);

/* clang-format off */
#define CONDITIONS(X)                                                                              \
	X(o, 0) X(no, 1) X(b, 2) X(ae, 3) X(e, 4) X(ne, 5) X(be, 6) X(a, 7)                        \
	X(s, 8) X(ns, 9) X(p, 10) X(np, 11) X(l, 12) X(ge, 13) X(le, 14) X(g, 15)
/* clang-format on */
CONDITIONS(CMOV)
CONDITIONS(SETCC)

/* XCHG with memory locks by itself. */
static void xchg(struct cpu *cpu, const struct insn *in)
{
	u64 old, new = reg_read(cpu, in->reg, in->width);
	void *p;

	if (!(in->flags & IN_MEM)) {
		old = reg_read(cpu, in->rm, in->width);
		reg_write(cpu, in->rm, in->width, new);
		reg_write(cpu, in->reg, in->width, old);
		NEXT(cpu, in);
	}
	p = mem_open(cpu, in, ea_full(cpu, in), 1U << in->width, TLB_WRITE, true);
	if (unlikely(!p))
		return;
	old = host_read(p, in->width);
	host_write(p, in->width, new);
	reg_write(cpu, in->reg, in->width, old);
	GOTO(cpu, mem_close(cpu, in, p));
}
op_set op_xchg = OPS_ONE(xchg);

/* 16-bit BSWAP is undefined; CPUs clear the register's low word. */
static void bswap(struct cpu *cpu, const struct insn *in)
{
	if (in->width == W_Q)
		SET_Q(cpu, in->rm, __builtin_bswap64(REG(cpu, in->rm, Q)));
	else if (in->width == W_L)
		SET_L(cpu, in->rm, __builtin_bswap32(REG(cpu, in->rm, L)));
	else
		SET_W(cpu, in->rm, 0);
	NEXT(cpu, in);
}
op_set op_bswap = OPS_ONE(bswap);

/* CBW, CWDE, CDQE: widen al, ax, eax. */
#define CBW(W, S, type)                                                                            \
	static void cbw_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		SET_##W(cpu, OFF_GPR(R_RAX), (s64)(type)REG(cpu, OFF_GPR(R_RAX), S));              \
		NEXT(cpu, in);                                                                     \
	}
CBW(W, B, s8)
CBW(L, W, s16)
CBW(Q, L, s32)
#define CBW_OPS(f, ea)                                                                             \
	[VARIANT(W_W, ea, 0)] = f##_W, [VARIANT(W_L, ea, 0)] = f##_L, [VARIANT(W_Q, ea, 0)] = f##_Q
op_set op_cbw = {CBW_OPS(cbw, EA_REG), CBW_OPS(cbw, EA_FULL)};

/* CWD, CDQ, CQO: the sign of ax, eax, rax into dx, edx, rdx. */
#define CWD(W, type)                                                                               \
	static void cwd_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		SET_##W(cpu, OFF_GPR(R_RDX), (type)REG(cpu, OFF_GPR(R_RAX), W) < 0 ? ~0UL : 0);    \
		NEXT(cpu, in);                                                                     \
	}
CWD(W, s16)
CWD(L, s32)
CWD(Q, s64)
op_set op_cwd = {CBW_OPS(cwd, EA_REG), CBW_OPS(cwd, EA_FULL)};

static u64 swap_bytes(u64 v, unsigned width)
{
	return __builtin_bswap64(v) >> (64 - (8U << width));
}

static void movbe_load(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), in->width, true);

	if (unlikely(!m.ok))
		return;
	reg_write(cpu, in->reg, in->width, swap_bytes(m.val, in->width));
	NEXT(cpu, in);
}
op_set op_movbe_load = OPS_ONE(movbe_load);

static void movbe_store(struct cpu *cpu, const struct insn *in)
{
	u64 v = swap_bytes(reg_read(cpu, in->reg, in->width), in->width);

	in = mem_write(cpu, in, ea_full(cpu, in), in->width, v, true);
	if (unlikely(!in))
		return;
	GOTO(cpu, in);
}
op_set op_movbe_store = OPS_ONE(movbe_store);

/* XLAT: al = [rbx + al]. */
static void xlat(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = cpu->regs.gpr[R_RBX] + REG(cpu, OFF_GPR(R_RAX), B);
	struct mem_value m;

	if (in->flags & IN_A32)
		ea = (u32)ea;
	m = mem_read(cpu, in, ea + REG(cpu, in->seg, Q), W_B, true);
	if (unlikely(!m.ok))
		return;
	SET_B(cpu, OFF_GPR(R_RAX), m.val);
	NEXT(cpu, in);
}
op_set op_xlat = OPS_ONE(xlat);
