/* Handlers of vector and x87 instructions, from thunk_bind()'s point of view, and what op_vec.c
 * and op_x87.c share. Included by those, thunk.c and jit/ only.
 *
 * insn_bind() has put a handler of the row's set into the insn: the one for registers, or one of
 * two for memory (EA_BASE, EA_FULL). Those for memory work for any size and direction, reading the
 * row as they run; vec_bind() replaces them where there is one made for the very operand.
 */
#ifndef CPU_VEC_H
#define CPU_VEC_H

#include "cpu/interp.h"
#include "cpu/thunk.h"

/* What an instruction does besides its own work: constants that its handlers are made from. */
#define V_X87 0x01    /* needs the x87 half of the unit (MMX, x87) */
#define V_PTRS 0x02   /* x87: updates FIP, FDP and FOP */
#define V_NOWAIT 0x04 /* x87: does not look for a pending exception */
#define V_GIN 0x08    /* rax <- register operand in->rm; register forms only */
#define V_GOUT 0x10   /* rax -> in->reg */
#define V_RMOUT 0x20  /* rax -> in->rm; register forms only */
#define V_CC_IN 0x40  /* rax <- cpu->cc */
#define V_CC_OUT 0x80 /* rax -> cpu->cc */
#define V_AVX 0x100   /* needs the upper halves of ymm */
#define V_EVEX 0x200  /* needs AVX-512 state */

/* A handler for operands of one size, to be used instead of one for any. */
struct vec_fast {
	op_fn *any, *fast;
	u8 size;
	u16 attr; /* of ALIGN, MEM_READ, MEM_WRITE: those the row has */
};
extern const struct vec_fast vec_fast[], x87_fast[], avx_fast[];
extern const unsigned nr_vec_fast, nr_x87_fast, nr_avx_fast;
/* Takes the handler made for the operand, if there is one. */
bool vec_use_fast(const struct vec_fast *f, unsigned n, unsigned size, struct insn *in);

/* Completes @in, whose fn is that of the set: the last step of thunk_bind(). */
void vec_bind(const struct decoded *d, struct insn *in);
/* The same for VEX and EVEX, called by it: in->width becomes log2 of the memory operand's size. */
void avx_bind(const struct decoded *d, struct insn *in);
/* All of thunk_bind() for rows with VSIB: each element is a memory operand of its own. */
void gather_bind(const struct decoded *d, struct insn *in);

/* Bytes of the memory operand. */
static inline unsigned vec_size(const struct insn_row *row, const struct insn *in)
{
	unsigned size = ATTR_MEM_SIZE(row->attr);

	if (!size || row->map >= MAP_V0F)
		return 1U << in->width;
	return (row->attr & SIZE_BY_66) && in->width == W_W ? size - 14 : size;
}

static __always_inline_ gva_t vec_rip(const struct cpu *cpu, const struct insn *in)
{
	return cpu->regs.rip + in->off;
}

/* The x87 opcode as FOP has it, put into the bare register fields by vec_bind(). SDM vol. 1,
 * 8.1.9. */
static __always_inline_ u16 vec_fop(const struct insn *in)
{
	return (u16)(in->reg << 8 | in->rm);
}

/* Raises a pending x87 exception, as any waiting instruction does first. False: raised. */
static inline bool x87_wait(struct cpu *cpu, const struct insn *in)
{
	const struct thunk_pool *pool = cpu->code->thunks;
	u32 vector = thunk_call(thunk_fixed(pool, THUNK_FWAIT), NULL);

	if (likely(!vector))
		return true;
	cpu_raise(cpu, in, vector, 0);
	return false;
}

/* Slow path of vec_open(): raises what is to be raised, or opens the operand. */
void *vec_open_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
		    enum tlb_access acc, unsigned align);

/* Bits of the address that EFLAGS.AC wants clear, for an operand of @size bytes. */
gva_t vec_ac_mask(unsigned size);

/* mem_open() with the rules of vector code: the operand may have to be aligned to @align bytes (0:
 * no), and a pending x87 exception comes before a fault of the operand. */
static __always_inline_ void *vec_open(struct cpu *cpu, const struct insn *in, unsigned v, gva_t ea,
				       unsigned size, enum tlb_access acc, unsigned align,
				       bool careful)
{
	bool aligned = !align || !(ea & (align - 1));
	void *p;

	p = likely(aligned) && mem_fast(cpu, careful) ? tlb_lookup(&cpu->tlb, ea, size, acc) : NULL;
	if (likely(p))
		return p;
	if ((v & V_X87) && !(v & V_NOWAIT) && !x87_wait(cpu, in))
		return NULL;
	return vec_open_slow(cpu, in, ea, size, acc, align);
}

/* vec_open() has failed for an image of @size bytes, which hardware probes at its ends and not page by
 * page: puts the exception right. The first byte comes first, or, if @end_first, the last one.
 * Unverified: seen on AMD only. */
void vec_fault_of_image(struct cpu *cpu, gva_t ea, unsigned size, enum tlb_access acc,
			bool end_first);

/* PCMPESTRI and kin. The next instruction; NULL: exception raised. */
const struct insn *vec_string(struct cpu *cpu, const struct insn *in, unsigned v);

/* Ends a store that wrote without mem_open(): what to go on with. */
static inline const struct insn *vec_wrote(struct cpu *cpu, const struct insn *in)
{
	cpu->bounce_host[0] = (u8 *)cpu->bounce;
	cpu->bounce_len[0] = cpu->bounce_len[1] = 0;
	return mem_close_slow(cpu, in);
}

/* Runs the thunk of @in with what @v asks for. False: exception raised, nothing changed. */
static __always_inline_ bool vec_run(struct cpu *cpu, const struct insn *in, unsigned v, void *p)
{
	u64 rax = 0;
	u32 vector;

	if (v & (V_GIN | V_RMOUT))
		rax = REG(cpu, in->rm, Q);
	if (v & V_CC_IN)
		rax = cpu->cc;
	if (v & (V_GIN | V_GOUT | V_RMOUT | V_CC_IN | V_CC_OUT))
		vector = thunk_call_rax((const void *)in->imm, p, &rax);
	else
		vector = thunk_call((const void *)in->imm, p);
	if (unlikely(vector)) {
		cpu_raise(cpu, in, vector, 0);
		return false;
	}
	if (v & V_GOUT)
		REG(cpu, in->reg, Q) = rax;
	if (v & V_RMOUT)
		REG(cpu, in->rm, Q) = rax;
	if (v & V_CC_OUT)
		cpu->cc = (u16)rax;
	if (v & V_PTRS) {
		cpu->regs.fip = vec_rip(cpu, in);
		cpu->regs.fop = vec_fop(in);
	}
	return true;
}

static __always_inline_ void vec_need(struct cpu *cpu, unsigned v)
{
	if ((v & V_X87) && unlikely(!cpu->fpu_live.x87))
		fpu_load_x87(cpu);
	if ((v & V_AVX) && unlikely(!cpu->fpu_live.avx))
		fpu_load_avx(cpu);
	if ((v & V_EVEX) && unlikely(!cpu->fpu_live.avx512))
		fpu_load_avx512(cpu);
}

/* FDP holds the offset of the operand, without the segment. */
static __always_inline_ void vec_note_operand(struct cpu *cpu, const struct insn *in, unsigned v,
					      gva_t ea, enum ea_kind kind)
{
	if (v & V_PTRS)
		cpu->regs.fdp = kind == EA_BASE ? ea : ea - REG(cpu, in->seg, Q);
}

/* The bodies of handlers; all arguments but the first two are constants. */
#define VEC_REG_BODY(cpu, in, v)                                                                   \
	do {                                                                                       \
		vec_need(cpu, v);                                                                  \
		if (!vec_run(cpu, in, v, NULL))                                                    \
			return;                                                                    \
		NEXT(cpu, in);                                                                     \
	} while (0)

#define VEC_LOAD_BODY(cpu, in, v, kind, size, align)                                               \
	do {                                                                                       \
		gva_t _ea = EA(cpu, in, kind);                                                     \
		void *_p;                                                                          \
                                                                                                   \
		vec_need(cpu, v);                                                                  \
		_p = vec_open(cpu, in, v, _ea, size, TLB_READ, align, (kind) == EA_FULL);          \
		if (unlikely(!_p) || !vec_run(cpu, in, v, _p))                                     \
			return;                                                                    \
		vec_note_operand(cpu, in, v, _ea, kind);                                           \
		NEXT(cpu, in);                                                                     \
	} while (0)

#define VEC_STORE_BODY(cpu, in, v, kind, size, align)                                              \
	do {                                                                                       \
		gva_t _ea = EA(cpu, in, kind);                                                     \
		void *_p;                                                                          \
                                                                                                   \
		vec_need(cpu, v);                                                                  \
		_p = vec_open(cpu, in, v, _ea, size, TLB_WRITE, align, (kind) == EA_FULL);         \
		if (unlikely(!_p) || !vec_run(cpu, in, v, _p))                                     \
			return;                                                                    \
		vec_note_operand(cpu, in, v, _ea, kind);                                           \
		GOTO(cpu, mem_close(cpu, in, _p));                                                 \
	} while (0)

/* The handler of register forms. */
#define VEC_REG(name, v)                                                                           \
	static void name##_reg(struct cpu *cpu, const struct insn *in)                             \
	{                                                                                          \
		VEC_REG_BODY(cpu, in, v);                                                          \
	}
/* Handlers of memory forms, for any size and direction. */
#define VEC_MEM(name, v)                                                                           \
	static void name##_base(struct cpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		const struct insn_row *row = &insn_rows[in->row];                                  \
		unsigned size = vec_size(row, in), align = row->attr & ALIGN ? size : 0;           \
                                                                                                   \
		if (row->attr & MEM_WRITE)                                                         \
			VEC_STORE_BODY(cpu, in, v, EA_BASE, size, align);                          \
		else                                                                               \
			VEC_LOAD_BODY(cpu, in, v, EA_BASE, size, align);                           \
	}                                                                                          \
	static void name##_full(struct cpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		const struct insn_row *row = &insn_rows[in->row];                                  \
		unsigned size = vec_size(row, in), align = row->attr & ALIGN ? size : 0;           \
                                                                                                   \
		if (row->attr & MEM_WRITE)                                                         \
			VEC_STORE_BODY(cpu, in, v, EA_FULL, size, align);                          \
		else                                                                               \
			VEC_LOAD_BODY(cpu, in, v, EA_FULL, size, align);                           \
	}
/* Both, and their set. */
#define VEC_SET(name, v)                                                                           \
	VEC_REG(name, v)                                                                           \
	VEC_MEM(name, v)                                                                           \
	OPS_BY_EA(op_##name, name##_reg, name##_base, name##_full)

/* A set whose handlers differ by the kind of E operand only. */
#define OPS_BY_EA(set, reg, base, full)                                                            \
	op_set set = {                                                                             \
		[VARIANT(0, EA_REG, 0)... VARIANT(3, EA_REG, 0)] = reg,                            \
		[VARIANT(0, EA_BASE, 0)... VARIANT(3, EA_BASE, 0)] = base,                         \
		[VARIANT(0, EA_FULL, 0)... VARIANT(3, EA_FULL, 0)] = full,                         \
		[VARIANT(0, EA_REG, 1)... VARIANT(3, EA_REG, 1)] = reg,                            \
		[VARIANT(0, EA_BASE, 1)... VARIANT(3, EA_BASE, 1)] = base,                         \
		[VARIANT(0, EA_FULL, 1)... VARIANT(3, EA_FULL, 1)] = full,                         \
	}

/* Handlers for one size: name of the set, letter for the name, EA kind. */
#define VEC_FAST_LOAD(name, v, sz, aligned, suffix)                                                \
	static void name##_base_ld##suffix(struct cpu *cpu, const struct insn *in)                 \
	{                                                                                          \
		VEC_LOAD_BODY(cpu, in, v, EA_BASE, sz, aligned);                                   \
	}                                                                                          \
	static void name##_full_ld##suffix(struct cpu *cpu, const struct insn *in)                 \
	{                                                                                          \
		VEC_LOAD_BODY(cpu, in, v, EA_FULL, sz, aligned);                                   \
	}
#define VEC_FAST_STORE(name, v, sz, aligned, suffix)                                               \
	static void name##_base_st##suffix(struct cpu *cpu, const struct insn *in)                 \
	{                                                                                          \
		VEC_STORE_BODY(cpu, in, v, EA_BASE, sz, aligned);                                  \
	}                                                                                          \
	static void name##_full_st##suffix(struct cpu *cpu, const struct insn *in)                 \
	{                                                                                          \
		VEC_STORE_BODY(cpu, in, v, EA_FULL, sz, aligned);                                  \
	}
#define VEC_FAST_ROWS(name, dir, suffix, sz, attrs)                                                \
	{name##_base, name##_base_##dir##suffix, sz, attrs},                                       \
	{                                                                                          \
		name##_full, name##_full_##dir##suffix, sz, attrs                                  \
	}

#endif
