/* BMI1, BMI2, CRC32: on general registers, most of them VEX-encoded. A handler runs the host's own
 * instruction under the guest's flags, so that undefined flags come out as on the host.
 *
 * G is in->reg, E in->rm or memory, B (VEX.vvvv) the offset in in->imm. SDM vol. 1, 5.1.16.
 */
#include "cpu/interp.h"

#define B_REG(W) REG(cpu, in->imm, W)
#define OPS_SET(f) op_set op_##f = {OPS_LQ(f, EA_REG), OPS_LQ(f, EA_BASE), OPS_LQ(f, EA_FULL)};

/* G = op(first, second), in the order of AT&T syntax; @e is E's value. */
#define BMI_FLAGS_W(f, W, first, second)                                                           \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W e = (reg_##W)m.val, b = B_REG(W), d;                                       \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		__asm__(RESTORE #f " %[x], %[y], %[d]" CAPTURE                                     \
			: [d] "=&r"(d), "+&a"(cc)                                                  \
			: [x] "r"(first), [y] "r"(second)                                          \
			: "cc");                                                                   \
		SET_##W(cpu, in->reg, d);                                                          \
		cpu->cc = cc;                                                                      \
		NEXT(cpu, in);                                                                     \
	}
#define BMI_FLAGS(f, first, second)                                                                \
	BMI_FLAGS_W(f, L, first, second)                                                           \
	BMI_FLAGS_W(f, Q, first, second)                                                           \
	OPS_SET(f)
BMI_FLAGS(andn, e, b)
BMI_FLAGS(bextr, b, e)
BMI_FLAGS(bzhi, b, e)

/* The same without flags. */
#define BMI_W(f, W, first, second)                                                                 \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W e = (reg_##W)m.val, b = B_REG(W), d;                                       \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		__asm__(#f " %[x], %[y], %[d]" : [d] "=r"(d) : [x] "r"(first), [y] "r"(second));   \
		SET_##W(cpu, in->reg, d);                                                          \
		NEXT(cpu, in);                                                                     \
	}
#define BMI(f, first, second)                                                                      \
	BMI_W(f, L, first, second)                                                                 \
	BMI_W(f, Q, first, second)                                                                 \
	OPS_SET(f)
BMI(pdep, e, b)
BMI(pext, e, b)
BMI(sarx, b, e)
BMI(shlx, b, e)
BMI(shrx, b, e)

/* BLSI, BLSMSK, BLSR: B = op(E); insn_bind() has put B into in->reg. */
#define LOWEST_W(f, W)                                                                             \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W e = (reg_##W)m.val, d;                                                     \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		__asm__(RESTORE #f " %[e], %[d]" CAPTURE                                           \
			: [d] "=&r"(d), "+&a"(cc)                                                  \
			: [e] "r"(e)                                                               \
			: "cc");                                                                   \
		SET_##W(cpu, in->reg, d);                                                          \
		cpu->cc = cc;                                                                      \
		NEXT(cpu, in);                                                                     \
	}
#define LOWEST(f)                                                                                  \
	LOWEST_W(f, L)                                                                             \
	LOWEST_W(f, Q)                                                                             \
	OPS_SET(f)
LOWEST(blsi)
LOWEST(blsmsk)
LOWEST(blsr)

/* MULX: G:B = rdx * E; the same register in both gets the upper half. */
#define MULX_W(W)                                                                                  \
	static void mulx_##W(struct cpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W e = (reg_##W)m.val, d = REG(cpu, OFF_GPR(R_RDX), W);                       \
		unsigned __int128 product = (unsigned __int128)d * e;                              \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SET_##W(cpu, in->imm, (reg_##W)product);                                           \
		SET_##W(cpu, in->reg, (reg_##W)(product >> (8 * sizeof(e))));                      \
		NEXT(cpu, in);                                                                     \
	}
MULX_W(L)
MULX_W(Q)
OPS_SET(mulx)

#define RORX_W(W)                                                                                  \
	static void rorx_##W(struct cpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		unsigned bits = 8 * sizeof(reg_##W), n = in->imm & (bits - 1);                     \
		reg_##W e = (reg_##W)m.val;                                                        \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SET_##W(cpu, in->reg, e >> n | e << (-n & (bits - 1)));                            \
		NEXT(cpu, in);                                                                     \
	}
RORX_W(L)
RORX_W(Q)
OPS_SET(rorx)

/* CRC32: the upper half of a 64-bit G becomes 0. */
#define CRC32_W(W, suffix, acc)                                                                    \
	static void crc32_##W(struct cpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		acc d = REG(cpu, in->reg, L);                                                      \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		__asm__("crc32" suffix " %[e], %[d]" : [d] "+r"(d) : [e] "r"((reg_##W)m.val));     \
		SET_L(cpu, in->reg, d);                                                            \
		NEXT(cpu, in);                                                                     \
	}
CRC32_W(B, "b", u32)
CRC32_W(W, "w", u32)
CRC32_W(L, "l", u32)
CRC32_W(Q, "q", u64)
op_set op_crc32 = {
	OPS_WIDTH(crc32, EA_REG, 0),
	OPS_WIDTH(crc32, EA_BASE, 0),
	OPS_WIDTH(crc32, EA_FULL, 0),
};
