/* Shifts and rotates, double shifts. The host's own instruction does them under the guest's flags:
 * a count of 0 leaves flags as they were, rcl and rcr take CF in, undefined flags come out as on
 * the host. SDM vol. 1, 7.3.6.
 *
 * Families: _I by an immediate (1 included), _C by cl.
 */
#include "cpu/interp.h"

#define HOST_SHIFT_0(op, d, n, cc)                                                                 \
	__asm__(RESTORE op " %%cl, %[dst]" CAPTURE : [dst] "+r"(d), "+&a"(cc) : "c"(n) : "cc")
#define HOST_SHIFT_1(op, d, n, cc)                                                                 \
	__asm__(RESTORE_CF op " %%cl, %[dst]" : [dst] "+r"(d) : "c"(n), "a"(cc) : "cc")

#define SHIFT_R(f, op, count, n, W, dead)                                                          \
	static void f##_##count##_r_##dead##_##W(struct cpu *cpu, const struct insn *in)           \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W);                                                   \
		u32 cc = (u16)cpu->cc;                                                             \
		u8 by = (n);                                                                       \
                                                                                                   \
		HOST_SHIFT_##dead(op, d, by, cc);                                                  \
		SET_##W(cpu, in->rm, d);                                                           \
		KEEP_CC_##dead(cpu, cc);                                                           \
		NEXT(cpu, in);                                                                     \
	}
#define SHIFT_M(f, op, count, n, W)                                                                \
	static void f##_##count##_m_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		void *p = mem_open(cpu, in, ea_full(cpu, in), sizeof(reg_##W), TLB_WRITE, true);   \
		reg_##W d;                                                                         \
		u32 cc = (u16)cpu->cc;                                                             \
		u8 by = (n);                                                                       \
                                                                                                   \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		d = *(mem_##W *)p;                                                                 \
		HOST_SHIFT_0(op, d, by, cc);                                                       \
		*(mem_##W *)p = d;                                                                 \
		cpu->cc = cc;                                                                      \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}
#define SHIFT_W(f, op, count, n, W)                                                                \
	SHIFT_R(f, op, count, n, W, 0)                                                             \
	SHIFT_R(f, op, count, n, W, 1)                                                             \
	SHIFT_M(f, op, count, n, W)
#define SHIFT_COUNT(f, op, count, n)                                                               \
	SHIFT_W(f, op, count, n, B)                                                                \
	SHIFT_W(f, op, count, n, W)                                                                \
	SHIFT_W(f, op, count, n, L)                                                                \
	SHIFT_W(f, op, count, n, Q)                                                                \
	op_set op_##f##_##count = {                                                                \
		OPS_WIDTH(f##_##count##_r_0, EA_REG, 0), OPS_WIDTH(f##_##count##_r_1, EA_REG, 1),  \
		OPS_WIDTH(f##_##count##_m, EA_BASE, 0),	 OPS_WIDTH(f##_##count##_m, EA_BASE, 1),   \
		OPS_WIDTH(f##_##count##_m, EA_FULL, 0),	 OPS_WIDTH(f##_##count##_m, EA_FULL, 1),   \
	};
#define SHIFT(f)                                                                                   \
	SHIFT_COUNT(f, #f, I, in->imm)                                                             \
	SHIFT_COUNT(f, #f, C, REG(cpu, OFF_GPR(R_RCX), B))                                         \
	op_set op_##f##_1 = {                                                                      \
		OPS_WIDTH(f##_1_r, EA_REG, 0),	OPS_WIDTH(f##_1_r, EA_REG, 1),                     \
		OPS_WIDTH(f##_1_m, EA_BASE, 0), OPS_WIDTH(f##_1_m, EA_BASE, 1),                    \
		OPS_WIDTH(f##_1_m, EA_FULL, 0), OPS_WIDTH(f##_1_m, EA_FULL, 1),                    \
	};
/* By one: opcodes D0 and D1. */
#define BY_ONE_W(f, W)                                                                             \
	static void f##_1_r_##W(struct cpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W);                                                   \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		__asm__(RESTORE #f " %[dst]" CAPTURE : [dst] "+r"(d), "+&a"(cc) : : "cc");         \
		SET_##W(cpu, in->rm, d);                                                           \
		cpu->cc = cc;                                                                      \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	static void f##_1_m_##W(struct cpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		void *p = mem_open(cpu, in, ea_full(cpu, in), sizeof(reg_##W), TLB_WRITE, true);   \
		reg_##W d;                                                                         \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		d = *(mem_##W *)p;                                                                 \
		__asm__(RESTORE #f " %[dst]" CAPTURE : [dst] "+r"(d), "+&a"(cc) : : "cc");         \
		*(mem_##W *)p = d;                                                                 \
		cpu->cc = cc;                                                                      \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}
#define BY_ONE(f) BY_ONE_W(f, B) BY_ONE_W(f, W) BY_ONE_W(f, L) BY_ONE_W(f, Q)

#define SHIFTS(X) X(rol) X(ror) X(rcl) X(rcr) X(shl) X(shr) X(sar)
SHIFTS(BY_ONE)
SHIFTS(SHIFT)

/* SHLD, SHRD: 16-bit counts above 16 are undefined; what the host makes of them. */
#define DOUBLE_W(f, W)                                                                             \
	static void f##_##W(struct cpu *cpu, const struct insn *in, void *p, u8 n)                 \
	{                                                                                          \
		reg_##W d = *(mem_##W *)p, s = REG(cpu, in->reg, W);                               \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		__asm__(RESTORE #f " %%cl, %[src], %[dst]" CAPTURE                                 \
			: [dst] "+r"(d), "+&a"(cc)                                                 \
			: [src] "r"(s), "c"(n)                                                     \
			: "cc");                                                                   \
		*(mem_##W *)p = d;                                                                 \
		cpu->cc = cc;                                                                      \
	}
#define DOUBLE_SHIFT(f)                                                                            \
	DOUBLE_W(f, W)                                                                             \
	DOUBLE_W(f, L)                                                                             \
	DOUBLE_W(f, Q)                                                                             \
	static void f##_any(struct cpu *cpu, const struct insn *in, void *p, u8 n)                 \
	{                                                                                          \
		if (in->width == W_W)                                                              \
			f##_W(cpu, in, p, n);                                                      \
		else if (in->width == W_L)                                                         \
			f##_L(cpu, in, p, n);                                                      \
		else                                                                               \
			f##_Q(cpu, in, p, n);                                                      \
	}                                                                                          \
	DOUBLE_COUNT(f, I, in->imm)                                                                \
	DOUBLE_COUNT(f, C, REG(cpu, OFF_GPR(R_RCX), B))
#define DOUBLE_COUNT(f, count, n)                                                                  \
	static void f##_##count(struct cpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		void *p = &REG(cpu, in->rm, B);                                                    \
		u8 by = (n);                                                                       \
                                                                                                   \
		if (in->flags & IN_MEM) {                                                          \
			p = mem_open(cpu, in, ea_full(cpu, in), 1U << in->width, TLB_WRITE, true); \
			if (unlikely(!p))                                                          \
				return;                                                            \
			f##_any(cpu, in, p, by);                                                   \
			GOTO(cpu, mem_close(cpu, in, p));                                          \
		}                                                                                  \
		f##_any(cpu, in, p, by);                                                           \
		if (in->width == W_L)                                                              \
			SET_L(cpu, in->rm, REG(cpu, in->rm, L));                                   \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	op_set op_##f##_##count = OPS_ONE(f##_##count);
DOUBLE_SHIFT(shld)
DOUBLE_SHIFT(shrd)
