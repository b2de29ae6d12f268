/* Arithmetic and logic of two operands, INC, DEC, NEG, NOT, and moves that widen.
 *
 * Each operation is the host's own instruction, so results and flags are exact, undefined flags
 * included. Families, by form of operands: EG (E op= G; also G op= E between registers), GE
 * (G op= memory), EI (E op= immediate); each in all widths, for registers and two kinds of memory
 * operand, with flags kept or not (insn.h, VARIANT). SDM vol. 1, 7.3.2.
 */
#include "cpu/interp.h"

/* One host instruction, flags to cc or nowhere. @pre restores what it reads. */
#define HOST2_0(op, pre, d, s, cc)                                                                 \
	__asm__(pre op " %[src], %[dst]" CAPTURE : [dst] "+r"(d), "+&a"(cc) : [src] "r"(s) : "cc")
#define HOST2_1(op, pre, d, s, cc)                                                                 \
	__asm__(pre op " %[src], %[dst]" : [dst] "+r"(d) : [src] "r"(s), "a"(cc) : "cc")
#define HOST1_0(op, pre, d, cc)                                                                    \
	__asm__(pre op " %[dst]" CAPTURE : [dst] "+r"(d), "+&a"(cc) : : "cc")
#define HOST1_1(op, pre, d, cc) __asm__(pre op " %[dst]" : [dst] "+r"(d) : "a"(cc) : "cc")

/* What the flags start from: @uses 1 reads CF. */
#define CC_IN_0(cpu) 0
#define CC_IN_1(cpu) (u32)(cpu)->cc
#define PRE_0 ""
#define PRE_1 RESTORE_CF

/* Writes the result or, for CMP and TEST, does not. */
#define PUT_REG_1(W, off, v) SET_##W(cpu, off, v)
#define PUT_REG_0(W, off, v) ((void)(v))

/* f: name; op: host instruction; uses: reads CF; keeps: writes its destination */
#define ALU_RR(f, op, uses, keeps, W, dead)                                                        \
	static void f##_rr_##dead##_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W), s = REG(cpu, in->reg, W);                         \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		HOST2_##dead(op, PRE_##uses, d, s, cc);                                            \
		PUT_REG_##keeps(W, in->rm, d);                                                     \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}
#define ALU_RI(f, op, uses, keeps, W, dead)                                                        \
	static void f##_ri_##dead##_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W), s = (reg_##W)in->imm;                             \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		HOST2_##dead(op, PRE_##uses, d, s, cc);                                            \
		PUT_REG_##keeps(W, in->rm, d);                                                     \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}
#define ALU_RM(f, op, uses, keeps, W, dead, ea, dst)                                               \
	static void f##_rm_##dead##_##ea##_##W(struct cpu *cpu, const struct insn *in)             \
	{                                                                                          \
		struct mem_value m =                                                               \
			mem_read(cpu, in, EA(cpu, in, ea), WIDTH_OF_##W, ea == EA_FULL);           \
		reg_##W d, s;                                                                      \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		d = REG(cpu, in->reg, W);                                                          \
		s = (reg_##W)m.val;                                                                \
		HOST2_##dead(op, PRE_##uses, d, s, cc);                                            \
		PUT_REG_##keeps(W, in->reg, d);                                                    \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}
/* Memory destination: opened once, for writing. @src is an expression over cpu and in. */
#define ALU_M_1(name, op, uses, W, dead, ea, source)                                               \
	static void name##_##dead##_##ea##_##W(struct cpu *cpu, const struct insn *in)             \
	{                                                                                          \
		void *p = mem_open(cpu, in, EA(cpu, in, ea), sizeof(reg_##W), TLB_WRITE,           \
				   ea == EA_FULL);                                                 \
		reg_##W d, s = (reg_##W)(source);                                                  \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		d = *(mem_##W *)p;                                                                 \
		HOST2_##dead(op, PRE_##uses, d, s, cc);                                            \
		*(mem_##W *)p = d;                                                                 \
		KEEP_CC_##dead(cpu, cc);                                                           \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}
/* The same for CMP and TEST, which only read. */
#define ALU_M_0(name, op, uses, W, dead, ea, source)                                               \
	static void name##_##dead##_##ea##_##W(struct cpu *cpu, const struct insn *in)             \
	{                                                                                          \
		struct mem_value m =                                                               \
			mem_read(cpu, in, EA(cpu, in, ea), WIDTH_OF_##W, ea == EA_FULL);           \
		reg_##W d = (reg_##W)m.val, s = (reg_##W)(source);                                 \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		HOST2_##dead(op, PRE_##uses, d, s, cc);                                            \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}

#define ALU_WIDTH(f, op, uses, keeps, W, dead)                                                     \
	ALU_RR(f, op, uses, keeps, W, dead)                                                        \
	ALU_RI(f, op, uses, keeps, W, dead)                                                        \
	ALU_RM(f, op, uses, keeps, W, dead, EA_BASE, 0)                                            \
	ALU_RM(f, op, uses, keeps, W, dead, EA_FULL, 0)                                            \
	ALU_M_##keeps(f##_mr, op, uses, W, dead, EA_BASE, REG(cpu, in->reg, W))                    \
		ALU_M_##keeps(f##_mr, op, uses, W, dead, EA_FULL, REG(cpu, in->reg, W))            \
			ALU_M_##keeps(f##_mi, op, uses, W, dead, EA_BASE, in->imm)                 \
				ALU_M_##keeps(f##_mi, op, uses, W, dead, EA_FULL, in->imm)

#define ALU_SET(set, f, r, m)                                                                      \
	op_set set = {                                                                             \
		OPS_WIDTH(f##_##r##_0, EA_REG, 0),                                                 \
		OPS_WIDTH(f##_##r##_1, EA_REG, 1),                                                 \
		OPS_WIDTH(f##_##m##_0_EA_BASE, EA_BASE, 0),                                        \
		OPS_WIDTH(f##_##m##_1_EA_BASE, EA_BASE, 1),                                        \
		OPS_WIDTH(f##_##m##_0_EA_FULL, EA_FULL, 0),                                        \
		OPS_WIDTH(f##_##m##_1_EA_FULL, EA_FULL, 1),                                        \
	};
/* EA_REG doubles as EA_FULL for forms without ModRM, in careful mode. */
#define ALU_SET_ACC(set, f)                                                                        \
	op_set set = {                                                                             \
		OPS_WIDTH(f##_ri_0, EA_REG, 0),                                                    \
		OPS_WIDTH(f##_ri_1, EA_REG, 1),                                                    \
		OPS_WIDTH(f##_ri_0, EA_FULL, 0),                                                   \
		OPS_WIDTH(f##_ri_1, EA_FULL, 1),                                                   \
	};

#define ALU_ONE_LIVENESS(f, op, uses, keeps, dead)                                                 \
	ALU_WIDTH(f, op, uses, keeps, B, dead)                                                     \
	ALU_WIDTH(f, op, uses, keeps, W, dead)                                                     \
	ALU_WIDTH(f, op, uses, keeps, L, dead)                                                     \
	ALU_WIDTH(f, op, uses, keeps, Q, dead)

#define ALU(f, op, uses, keeps)                                                                    \
	ALU_ONE_LIVENESS(f, op, uses, keeps, 0)                                                    \
	ALU_ONE_LIVENESS(f, op, uses, keeps, 1)                                                    \
	ALU_SET(op_##f##_EG, f, rr, mr)                                                            \
	ALU_SET(op_##f##_GE, f, rr, rm)                                                            \
	ALU_SET(op_##f##_EI, f, ri, mi)                                                            \
	ALU_SET_ACC(op_##f##_AI, f)

ALU(add, "add", 0, 1)
ALU(or, "or", 0, 1)
ALU(adc, "adc", 1, 1)
ALU(sbb, "sbb", 1, 1)
ALU(and, "and", 0, 1)
ALU(sub, "sub", 0, 1)
ALU(xor, "xor", 0, 1)
ALU(cmp, "cmp", 0, 0)
ALU(test, "test", 0, 0)

/* One operand. NOT changes no flag, so it has no live variant of its own. */
#define UNARY_R(f, op, uses, W, dead)                                                              \
	static void f##_r_##dead##_##W(struct cpu *cpu, const struct insn *in)                     \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W);                                                   \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		HOST1_##dead(op, PRE_##uses, d, cc);                                               \
		SET_##W(cpu, in->rm, d);                                                           \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}
#define UNARY_M(f, op, uses, W, dead, ea)                                                          \
	static void f##_m_##dead##_##ea##_##W(struct cpu *cpu, const struct insn *in)              \
	{                                                                                          \
		void *p = mem_open(cpu, in, EA(cpu, in, ea), sizeof(reg_##W), TLB_WRITE,           \
				   ea == EA_FULL);                                                 \
		reg_##W d;                                                                         \
		u32 cc = CC_IN_##uses(cpu);                                                        \
                                                                                                   \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		d = *(mem_##W *)p;                                                                 \
		HOST1_##dead(op, PRE_##uses, d, cc);                                               \
		*(mem_##W *)p = d;                                                                 \
		KEEP_CC_##dead(cpu, cc);                                                           \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}
#define UNARY_WIDTH(f, op, uses, W, dead)                                                          \
	UNARY_R(f, op, uses, W, dead)                                                              \
	UNARY_M(f, op, uses, W, dead, EA_BASE)                                                     \
	UNARY_M(f, op, uses, W, dead, EA_FULL)
#define UNARY_LIVENESS(f, op, uses, dead)                                                          \
	UNARY_WIDTH(f, op, uses, B, dead)                                                          \
	UNARY_WIDTH(f, op, uses, W, dead)                                                          \
	UNARY_WIDTH(f, op, uses, L, dead)                                                          \
	UNARY_WIDTH(f, op, uses, Q, dead)
#define UNARY(f, op, uses)                                                                         \
	UNARY_LIVENESS(f, op, uses, 0)                                                             \
	UNARY_LIVENESS(f, op, uses, 1)                                                             \
	ALU_SET(op_##f, f, r, m)

UNARY(inc, "inc", 1)
UNARY(dec, "dec", 1)
UNARY(neg, "neg", 0)

/* NOT: only the variants that leave flags alone. */
UNARY_LIVENESS(not, "not", 0, 1)
op_set op_not = {
	OPS_WIDTH(not_r_1, EA_REG, 0),		OPS_WIDTH(not_r_1, EA_REG, 1),
	OPS_WIDTH(not_m_1_EA_BASE, EA_BASE, 0), OPS_WIDTH(not_m_1_EA_BASE, EA_BASE, 1),
	OPS_WIDTH(not_m_1_EA_FULL, EA_FULL, 0), OPS_WIDTH(not_m_1_EA_FULL, EA_FULL, 1),
};
