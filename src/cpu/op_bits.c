/* Bit tests and scans, POPCNT and kin, MUL, IMUL, DIV, IDIV, and the compare-and-exchange family.
 * SDM vol. 1, 7.3.2 and 7.3.7.
 */
#include "cpu/interp.h"

#define WLQ(X, ...) X(W, ##__VA_ARGS__) X(L, ##__VA_ARGS__) X(Q, ##__VA_ARGS__)
#define OPS_WLQ(f, ea, dead)                                                                       \
	[VARIANT(W_W, ea, dead)] = f##_W, [VARIANT(W_L, ea, dead)] = f##_L,                        \
			  [VARIANT(W_Q, ea, dead)] = f##_Q
#define SET_WLQ(set, r, m)                                                                         \
	op_set set = {OPS_WLQ(r, EA_REG, 0),  OPS_WLQ(r, EA_REG, 1),  OPS_WLQ(m, EA_BASE, 0),      \
		      OPS_WLQ(m, EA_BASE, 1), OPS_WLQ(m, EA_FULL, 0), OPS_WLQ(m, EA_FULL, 1)};

/* BT and kin with a register offset into memory reach beyond the operand: the offset is signed, and
 * selects the operand-sized unit. SDM vol. 2A, BT; vol. 1, 7.3.7. */
static __always_inline_ gva_t bit_unit(struct cpu *cpu, const struct insn *in, s64 offset)
{
	gva_t ea = ea_base(cpu, in) + (REG(cpu, in->index, Q) << in->scale);

	ea += (u64)(offset >> (3 + in->width)) << in->width;
	if (in->flags & IN_A32)
		ea = (u32)ea;
	return ea + REG(cpu, in->seg, Q);
}

#define HOST_BIT(op, d, n, cc)                                                                     \
	__asm__(RESTORE op " %[bit], %[dst]" CAPTURE                                               \
		: [dst] "+r"(d), "+&a"(cc)                                                         \
		: [bit] "r"(n)                                                                     \
		: "cc")
#define BIT_R(W, f, source, count, acc)                                                            \
	static void f##_##count##_r_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		reg_##W d = REG(cpu, in->rm, W), n = (source);                                     \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		HOST_BIT(#f, d, n, cc);                                                            \
		if (acc == TLB_WRITE)                                                              \
			SET_##W(cpu, in->rm, d);                                                   \
		cpu->cc = cc;                                                                      \
		NEXT(cpu, in);                                                                     \
	}
#define BIT_M(W, f, source, count, acc)                                                            \
	static void f##_##count##_m_##W(struct cpu *cpu, const struct insn *in)                    \
	{                                                                                          \
		reg_##W d, n = (source);                                                           \
		s64 offset;                                                                        \
		void *p;                                                                           \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		offset = #count[0] == 'I' ? 0 : SIGNED_##W(n);                                     \
		p = mem_open(cpu, in, bit_unit(cpu, in, offset), sizeof(d), acc, true);            \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		d = *(mem_##W *)p;                                                                 \
		HOST_BIT(#f, d, n, cc);                                                            \
		cpu->cc = cc;                                                                      \
		if (acc == TLB_READ)                                                               \
			NEXT(cpu, in);                                                             \
		*(mem_##W *)p = d;                                                                 \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}
#define SIGNED_W(n) (s64)(s16)(n)
#define SIGNED_L(n) (s64)(s32)(n)
#define SIGNED_Q(n) (s64)(n)
#define BIT_OP(f, acc)                                                                             \
	WLQ(BIT_R, f, in->imm, I, acc)                                                             \
	WLQ(BIT_M, f, in->imm, I, acc)                                                             \
	WLQ(BIT_R, f, REG_AGAIN(in->reg), G, acc)                                                  \
	WLQ(BIT_M, f, REG_AGAIN(in->reg), G, acc)                                                  \
	SET_WLQ(op_##f##_I, f##_I_r, f##_I_m)                                                      \
	SET_WLQ(op_##f##_G, f##_G_r, f##_G_m)
#define REG_AGAIN(off) REG(cpu, off, Q)
BIT_OP(bt, TLB_READ)
BIT_OP(bts, TLB_WRITE)
BIT_OP(btr, TLB_WRITE)
BIT_OP(btc, TLB_WRITE)

/* G = f(E) by the host's own instruction, under the guest's flags; G keeps its value where the host
 * says so (BSF, BSR of 0). */
#define SCAN_RUN(W, op)                                                                            \
	{                                                                                          \
		reg_##W d = REG(cpu, in->reg, W), s = v;                                           \
		u32 cc = (u16)cpu->cc;                                                             \
		bool keep = false;                                                                 \
                                                                                                   \
		__asm__(RESTORE op " %[src], %[dst]" CAPTURE                                       \
			: [dst] "+r"(d), "+&a"(cc)                                                 \
			: [src] "r"(s)                                                             \
			: "cc");                                                                   \
		cpu->cc = cc;                                                                      \
		keep = BSF_LIKE && !s;                                                             \
		if (!keep)                                                                         \
			SET_##W(cpu, in->reg, d);                                                  \
		NEXT(cpu, in);                                                                     \
	}
#define SCAN_R(W, f)                                                                               \
	static void f##_r_##W(struct cpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		u64 v = REG(cpu, in->rm, W);                                                       \
                                                                                                   \
		SCAN_RUN(W, #f)                                                                    \
	}
#define SCAN_M(W, f)                                                                               \
	static void f##_m_##W(struct cpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), WIDTH_OF_##W, true);      \
		u64 v = m.val;                                                                     \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		SCAN_RUN(W, #f)                                                                    \
	}
#define SCAN(f)                                                                                    \
	WLQ(SCAN_R, f)                                                                             \
	WLQ(SCAN_M, f)                                                                             \
	SET_WLQ(op_##f, f##_r, f##_m)

/* BSF, BSR of 0 leave all 64 bits of the destination as they were, on AMD by documentation, on
 * Intel in fact. */
#define BSF_LIKE true
SCAN(bsf)
SCAN(bsr)
#undef BSF_LIKE
#define BSF_LIKE false
SCAN(popcnt)
SCAN(tzcnt)
SCAN(lzcnt)

/* IMUL of two and three operands: G = a * b. */
#define IMUL_RUN(W, a, b)                                                                          \
	{                                                                                          \
		reg_##W d = (a), s = (b);                                                          \
		u32 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		__asm__(RESTORE "imul %[src], %[dst]" CAPTURE                                      \
			: [dst] "+r"(d), "+&a"(cc)                                                 \
			: [src] "r"(s)                                                             \
			: "cc");                                                                   \
		SET_##W(cpu, in->reg, d);                                                          \
		cpu->cc = cc;                                                                      \
		NEXT(cpu, in);                                                                     \
	}
#define IMUL_W(W, f, other)                                                                        \
	static void f##_r_##W(struct cpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		IMUL_RUN(W, REG(cpu, in->rm, W), other)                                            \
	}                                                                                          \
	static void f##_m_##W(struct cpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), WIDTH_OF_##W, true);      \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		IMUL_RUN(W, m.val, other)                                                          \
	}
WLQ(IMUL_W, imul_GE, REG_AGAIN(in->reg))
WLQ(IMUL_W, imul_GEI, in->imm)
SET_WLQ(op_imul_GE, imul_GE_r, imul_GE_m)
SET_WLQ(op_imul_GEI, imul_GEI_r, imul_GEI_m)

/* MUL, IMUL of one operand: rdx:rax = rax * E; ax = al * E for bytes. The host's flags are taken
 * right behind the multiplication, the product is moved out of the way first. */
#define MUL_W(W, f, op)                                                                            \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W lo = REG(cpu, OFF_GPR(R_RAX), W), hi, s = (reg_##W)m.val;                  \
		u64 cc = (u16)cpu->cc, rax;                                                        \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		rax = lo;                                                                          \
		__asm__("xchg %[a], %[cc]\n\t" RESTORE "xchg %[a], %[cc]\n\t" op                   \
			" %[src]\n\tmov %[a], %[cc]" CAPTURE                                       \
			: [a] "+&a"(rax), [cc] "+&r"(cc), "=&d"(hi)                                \
			: [src] "r"(s)                                                             \
			: "cc");                                                                   \
		SET_##W(cpu, OFF_GPR(R_RAX), cc);                                                  \
		SET_##W(cpu, OFF_GPR(R_RDX), hi);                                                  \
		cpu->cc = (u16)rax;                                                                \
		NEXT(cpu, in);                                                                     \
	}
WLQ(MUL_W, mul, "mul")
WLQ(MUL_W, imul, "imul")
#define MUL_B(f, op)                                                                               \
	static void f##_B(struct cpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, W_B);                                         \
		u64 cc = (u16)cpu->cc, rax = REG(cpu, OFF_GPR(R_RAX), B);                          \
		u8 s = (u8)m.val;                                                                  \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		__asm__("xchg %[a], %[cc]\n\t" RESTORE "xchg %[a], %[cc]\n\t" op                   \
			" %[src]\n\tmov %[a], %[cc]" CAPTURE                                       \
			: [a] "+&a"(rax), [cc] "+&r"(cc)                                           \
			: [src] "r"(s)                                                             \
			: "cc");                                                                   \
		SET_W(cpu, OFF_GPR(R_RAX), cc);                                                    \
		cpu->cc = (u16)rax;                                                                \
		NEXT(cpu, in);                                                                     \
	}
MUL_B(mul, "mulb")
MUL_B(imul, "imulb")
#define OPS_ANY_EA(f)                                                                              \
	OPS_WIDTH(f, EA_REG, 0), OPS_WIDTH(f, EA_REG, 1), OPS_WIDTH(f, EA_BASE, 0),                \
		OPS_WIDTH(f, EA_BASE, 1), OPS_WIDTH(f, EA_FULL, 0), OPS_WIDTH(f, EA_FULL, 1)
op_set op_mul = {OPS_ANY_EA(mul)};
op_set op_imul = {OPS_ANY_EA(imul)};

/* DIV and IDIV: #DE by 0 or when the quotient does not fit, decided before the host divides. All
 * flags are undefined; they are the host's. SDM vol. 2A, DIV, IDIV. */
#define HOST_DIV_0(op, lo, hi, s, cc)                                                              \
	__asm__(RESTORE "mov %q[low], %%rax\n\t" op " %[src]\n\tmov %%rax, %q[low]" CAPTURE        \
		: "+&a"(cc), "+&d"(hi), [low] "+&r"(lo)                                            \
		: [src] "r"(s)                                                                     \
		: "cc")
#define HOST_DIV_1(op, lo, hi, s, cc)                                                              \
	__asm__(op " %[src]" : "+a"(lo), "+d"(hi) : [src] "r"(s) : "cc")
#define DIV_OP(op, fits, W, dead)                                                                  \
	static void op##_##dead##_##W(struct cpu *cpu, const struct insn *in)                      \
	{                                                                                          \
		struct mem_value m = read_e(cpu, in, WIDTH_OF_##W);                                \
		reg_##W s = (reg_##W)m.val, hi = REG(cpu, OFF_GPR(R_RDX), W);                      \
		reg_##W lo = REG(cpu, OFF_GPR(R_RAX), W);                                          \
		u64 cc = (u16)cpu->cc;                                                             \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		if (!(fits)) {                                                                     \
			cpu_raise(cpu, in, X86_DE, 0);                                             \
			return;                                                                    \
		}                                                                                  \
		HOST_DIV_##dead(#op, lo, hi, s, cc);                                               \
		SET_##W(cpu, OFF_GPR(R_RAX), lo);                                                  \
		SET_##W(cpu, OFF_GPR(R_RDX), hi);                                                  \
		cpu->cc = (u16)cc;                                                                 \
		NEXT(cpu, in);                                                                     \
	}
#define DIV_W(W, dead)                                                                             \
	DIV_OP(div, hi < s, W, dead)                                                               \
	DIV_OP(idiv, idiv_fits_##W(lo, hi, s), W, dead)
/* Does hi:lo / s have a quotient of its own width? |hi:lo| < |s| << (bits - 1) says so, but for one
 * quotient more below zero. */
#define IDIV_FITS(W, type, wide)                                                                   \
	static __always_inline_ bool idiv_fits_##W(reg_##W lo, reg_##W hi, reg_##W s)              \
	{                                                                                          \
		const unsigned bits = 8 * sizeof(s);                                               \
		bool neg = (type)hi < 0, sign = neg != ((type)s < 0);                              \
		wide a = (wide)hi << bits | lo, d = (type)s < 0 ? (reg_##W) - s : s;               \
                                                                                                   \
		a = neg ? (wide)-a : a;                                                            \
		return a < (d << (bits - 1)) + (sign ? d : 0);                                     \
	}
IDIV_FITS(W, s16, u32)
IDIV_FITS(L, s32, u64)
IDIV_FITS(Q, s64, unsigned __int128)
DIV_W(W, 0)
DIV_W(L, 0)
DIV_W(Q, 0)
DIV_W(W, 1)
DIV_W(L, 1)
DIV_W(Q, 1)

static void div_B(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = read_e(cpu, in, W_B);
	u16 ax = REG(cpu, OFF_GPR(R_RAX), W);
	u8 s = (u8)m.val;
	u64 cc = (u16)cpu->cc, none = 0;

	if (unlikely(!m.ok))
		return;
	if (ax >> 8 >= s) {
		cpu_raise(cpu, in, X86_DE, 0);
		return;
	}
	HOST_DIV_0("div", ax, none, s, cc);
	SET_W(cpu, OFF_GPR(R_RAX), ax);
	cpu->cc = (u16)cc;
	NEXT(cpu, in);
}

static void idiv_B(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = read_e(cpu, in, W_B);
	u16 low = REG(cpu, OFF_GPR(R_RAX), W);
	s32 ax = (s16)low;
	s8 s = (s8)m.val;
	u64 cc = (u16)cpu->cc, none = 0;

	if (unlikely(!m.ok))
		return;
	if (!s || ax / s != (s8)(ax / s)) {
		cpu_raise(cpu, in, X86_DE, 0);
		return;
	}
	HOST_DIV_0("idiv", low, none, s, cc);
	SET_W(cpu, OFF_GPR(R_RAX), low);
	cpu->cc = (u16)cc;
	NEXT(cpu, in);
}
#define DIV_SET(f)                                                                                 \
	{                                                                                          \
		OPS_DIV(f, EA_REG), OPS_DIV(f, EA_BASE), OPS_DIV(f, EA_FULL)                       \
	}
#define OPS_DIV(f, ea)                                                                             \
	[VARIANT(W_B, ea, 0)] = f##_B, [VARIANT(W_B, ea, 1)] = f##_B, OPS_WLQ(f##_0, ea, 0),       \
			  OPS_WLQ(f##_1, ea, 1)
op_set op_div = DIV_SET(div);
op_set op_idiv = DIV_SET(idiv);

/* XADD: E = E + G, G = old E. CMPXCHG: E == rAX ? E = G : rAX = E; memory is written either way.
 * @p is where E lies. */
#define EXCHANGE_W(W)                                                                              \
	static void xadd_at_##W(struct cpu *cpu, const struct insn *in, void *p, bool reg)         \
	{                                                                                          \
		reg_##W old = *(mem_##W *)p, sum = old, s = REG(cpu, in->reg, W);                  \
		u32 cc = 0;                                                                        \
                                                                                                   \
		__asm__("add %[src], %[dst]" CAPTURE                                               \
			: [dst] "+r"(sum), "+&a"(cc)                                               \
			: [src] "r"(s)                                                             \
			: "cc");                                                                   \
		SET_##W(cpu, in->reg, old);                                                        \
		if (reg)                                                                           \
			SET_##W(cpu, in->rm, sum);                                                 \
		else                                                                               \
			*(mem_##W *)p = sum;                                                       \
		cpu->cc = cc;                                                                      \
	}                                                                                          \
	static void cmpxchg_at_##W(struct cpu *cpu, const struct insn *in, void *p, bool reg)      \
	{                                                                                          \
		reg_##W old = *(mem_##W *)p, acc = REG(cpu, OFF_GPR(R_RAX), W), d = acc;           \
		reg_##W s = REG(cpu, in->reg, W);                                                  \
		u32 cc = 0;                                                                        \
                                                                                                   \
		__asm__("cmp %[src], %[dst]" CAPTURE                                               \
			: [dst] "+r"(d), "+&a"(cc)                                                 \
			: [src] "r"(old)                                                           \
			: "cc");                                                                   \
		if (old != acc)                                                                    \
			SET_##W(cpu, OFF_GPR(R_RAX), old);                                         \
		else if (reg)                                                                      \
			SET_##W(cpu, in->rm, s);                                                   \
		else                                                                               \
			*(mem_##W *)p = s;                                                         \
		cpu->cc = cc;                                                                      \
	}
#define EXCHANGE(f)                                                                                \
	static void f##_at(struct cpu *cpu, const struct insn *in, void *p, bool reg)              \
	{                                                                                          \
		static void (*const at[])(struct cpu *, const struct insn *, void *,               \
					  bool) = {f##_at_B, f##_at_W, f##_at_L, f##_at_Q};        \
		at[in->width](cpu, in, p, reg);                                                    \
	}                                                                                          \
	static void f(struct cpu *cpu, const struct insn *in)                                      \
	{                                                                                          \
		void *p;                                                                           \
                                                                                                   \
		if (!(in->flags & IN_MEM)) {                                                       \
			f##_at(cpu, in, &REG(cpu, in->rm, B), true);                               \
			NEXT(cpu, in);                                                             \
		}                                                                                  \
		p = mem_open(cpu, in, ea_full(cpu, in), 1U << in->width, TLB_WRITE, true);         \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		f##_at(cpu, in, p, false);                                                         \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}                                                                                          \
	op_set op_##f = OPS_ONE(f);
EXCHANGE_W(B)
EXCHANGE_W(W)
EXCHANGE_W(L)
EXCHANGE_W(Q)
EXCHANGE(xadd)
EXCHANGE(cmpxchg)

/* CMPXCHG8B, CMPXCHG16B: edx:eax with m64, rdx:rax with m128, which must be aligned. Only ZF
 * changes. */
#define PAIR(W, f)                                                                                 \
	static void f(struct cpu *cpu, const struct insn *in)                                      \
	{                                                                                          \
		gva_t ea = ea_full(cpu, in);                                                       \
		mem_##W *p;                                                                        \
                                                                                                   \
		if (sizeof(*p) == 8 && (ea & 15)) {                                                \
			cpu_raise(cpu, in, X86_GP, 0);                                             \
			return;                                                                    \
		}                                                                                  \
		p = mem_open(cpu, in, ea, 2 * sizeof(*p), TLB_WRITE, true);                        \
		if (unlikely(!p))                                                                  \
			return;                                                                    \
		if (p[0] == REG(cpu, OFF_GPR(R_RAX), W) && p[1] == REG(cpu, OFF_GPR(R_RDX), W)) {  \
			p[0] = REG(cpu, OFF_GPR(R_RBX), W);                                        \
			p[1] = REG(cpu, OFF_GPR(R_RCX), W);                                        \
			cpu->cc |= CC_Z;                                                           \
		} else {                                                                           \
			SET_##W(cpu, OFF_GPR(R_RAX), p[0]);                                        \
			SET_##W(cpu, OFF_GPR(R_RDX), p[1]);                                        \
			cpu->cc &= ~(u64)CC_Z;                                                     \
		}                                                                                  \
		GOTO(cpu, mem_close(cpu, in, p));                                                  \
	}                                                                                          \
	op_set op_##f = OPS_ONE(f);
PAIR(L, cmpxchg8b)
PAIR(Q, cmpxchg16b)
