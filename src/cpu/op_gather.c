/*
 * Gathers and scatters: each element is a memory operand of its own, read or written here; vector
 * and mask registers are moved by fixed thunks. As in hardware an element that faults leaves those
 * before it done and their mask bits clear, so that the instruction goes on where it stopped.
 * SDM vol. 2, VPGATHERDD (both), VPSCATTERDD.
 *
 * VEX masks are vectors of sign bits, EVEX masks k registers. The index register, that of data and
 * the mask are packed into in->imm by gather_bind().
 */
#include <string.h>

#include "cpu/decode_vex.h"
#include "cpu/vec.h"

/* in->imm of such instructions. */
union gather_imm {
	u64 imm;
	struct {
		u8 data, index, mask; /* register numbers */
		u8 n;		      /* elements */
		u8 index_size;	      /* 4 or 8 bytes */
		bool evex;
	};
};

struct gather {
	u8 data[64] __attribute__((aligned(64)));
	u8 index[64] __attribute__((aligned(64)));
	u8 mask[64] __attribute__((aligned(64)));
	union gather_imm i;
	size_t elem; /* bytes */
	u64 k;	     /* EVEX: the mask register */
	u64 bits;    /* elements still to do */
};

static void move(struct cpu *cpu, unsigned slot, void *mem)
{
	thunk_call(thunk_fixed(cpu->code->thunks, slot), mem);
}

/* Whole registers, as wide as they are in use: an instruction that faults keeps the rest. */
static void take(struct cpu *cpu, unsigned reg, u8 *image)
{
	move(cpu, (cpu->fpu_live.avx512 ? THUNK_ZMM_STORE : THUNK_YMM_STORE) + reg, image);
}

static void put(struct cpu *cpu, unsigned reg, u8 *image)
{
	move(cpu, (cpu->fpu_live.avx512 ? THUNK_ZMM_LOAD : THUNK_YMM_LOAD) + reg, image);
}

static u64 k_move(struct cpu *cpu, unsigned slot, u64 rax)
{
	thunk_call_rax(thunk_fixed(cpu->code->thunks, slot), NULL, &rax);
	return rax;
}

static void take_registers(struct cpu *cpu, const struct insn *in, struct gather *g)
{
	g->i.imm = in->imm;
	g->elem = ATTR_ELEM(insn_rows[in->row].attr);
	take(cpu, g->i.data, g->data);
	take(cpu, g->i.index, g->index);
	g->bits = 0;
	if (g->i.evex) {
		g->k = k_move(cpu, THUNK_K_GET + g->i.mask, 0);
		g->bits = g->k & ((1U << g->i.n) - 1);
		return;
	}
	take(cpu, g->i.mask, g->mask);
	for (unsigned e = 0; e < g->i.n; e++)
		g->bits |= (u64)(g->mask[(e + 1) * g->elem - 1] >> 7) << e;
}

/* Element @e is done. */
static void done(struct gather *g, unsigned e)
{
	g->bits &= ~BIT(e);
	g->k &= ~BIT(e);
	memset(g->mask + e * g->elem, 0, g->elem);
}

/* The mask afterwards: 0, or, when an element faulted, what is left. */
static void put_mask(struct cpu *cpu, struct gather *g, bool complete)
{
	if (complete) {
		memset(g->mask, 0, sizeof(g->mask));
		g->k = 0;
	}
	if (g->i.evex)
		k_move(cpu, THUNK_K_SET + g->i.mask, g->k);
	else
		put(cpu, g->i.mask, g->mask);
}

static gva_t element(struct cpu *cpu, const struct insn *in, const struct gather *g, unsigned e)
{
	s32 narrow;
	u64 index;

	if (g->i.index_size == 4) {
		memcpy(&narrow, g->index + 4UL * e, 4);
		index = (u64)(s64)narrow;
	} else {
		memcpy(&index, g->index + 8UL * e, 8);
	}
	index = ea_base(cpu, in) + (index << in->scale);
	return (in->flags & IN_A32 ? (u32)index : index) + REG(cpu, in->seg, Q);
}

/* EFLAGS.AC does not matter here, as seen on Zen 4. */
static u64 forget_ac(struct cpu *cpu)
{
	u64 ac = cpu->regs.flags & F_AC;

	cpu->regs.flags &= ~F_AC;
	return ac;
}

/* The next instruction; NULL: exception raised. */
static __attribute__((noinline)) const struct insn *do_gather(struct cpu *cpu,
							      const struct insn *in)
{
	struct gather g;
	struct mem_value m = {0, true};
	u64 ac = forget_ac(cpu);
	bool loaded = false;
	size_t used;

	take_registers(cpu, in, &g);
	used = g.i.n * g.elem;
	for (unsigned e = 0; e < g.i.n; done(&g, e++)) {
		if (!(g.bits >> e & 1))
			continue;
		m = mem_read(cpu, in, element(cpu, in, &g, e), g.elem == 8 ? W_Q : W_L, true);
		if (!m.ok)
			break;
		memcpy(g.data + e * g.elem, &m.val, g.elem);
		loaded = true;
	}
	cpu->regs.flags |= ac;
	/* As seen on Zen 4: on a fault VEX keeps what is above the elements; EVEX clears what is above
	 * the vector with the first element. */
	if (!m.ok)
		used = g.i.evex && loaded
			       ? g.i.n * (g.elem > g.i.index_size ? g.elem : g.i.index_size)
			       : sizeof(g.data);
	memset(g.data + used, 0, sizeof(g.data) - used);
	put(cpu, g.i.data, g.data);
	put_mask(cpu, &g, m.ok);
	return m.ok ? in + 1 : NULL;
}

/* One element to memory; false: fault raised. */
static bool put_element(struct cpu *cpu, const struct insn *in, gva_t ea, const u8 *data,
			unsigned size)
{
	u8 *p = mem_open(cpu, in, ea, size, TLB_WRITE, true);

	if (!p)
		return false;
	if (p != (u8 *)cpu->bounce) {
		memcpy(p, data, size);
		return true;
	}
	memcpy(cpu->bounce_host[0], data, cpu->bounce_len[0]);
	if (cpu->bounce_len[1])
		memcpy(cpu->bounce_host[1], data + cpu->bounce_len[0], cpu->bounce_len[1]);
	return true;
}

static __attribute__((noinline)) const struct insn *do_scatter(struct cpu *cpu,
							       const struct insn *in)
{
	struct gather g;
	u64 ac = forget_ac(cpu);
	bool ok = true;

	take_registers(cpu, in, &g);
	for (unsigned e = 0; e < g.i.n && ok; e++) {
		if (!(g.bits >> e & 1))
			continue;
		ok = put_element(cpu, in, element(cpu, in, &g, e), g.data + e * g.elem, g.elem);
		if (ok)
			done(&g, e);
	}
	cpu->regs.flags |= ac;
	put_mask(cpu, &g, ok);
	return ok ? vec_wrote(cpu, in) : NULL;
}

#define GATHER(name, v, fn)                                                                        \
	static void name(struct cpu *cpu, const struct insn *in)                                   \
	{                                                                                          \
		const struct insn *next;                                                           \
                                                                                                   \
		vec_need(cpu, v);                                                                  \
		next = fn(cpu, in);                                                                \
		if (next)                                                                          \
			GOTO(cpu, next);                                                           \
	}
GATHER(gather_vex, V_AVX, do_gather)
GATHER(gather_evex, V_AVX | V_EVEX, do_gather)
GATHER(scatter, V_AVX | V_EVEX, do_scatter)
OPS_BY_EA(op_gather, gather_vex, gather_vex, gather_vex); /* gather_bind() chooses */
OPS_BY_EA(op_scatter, scatter, scatter, scatter);

void gather_bind(const struct decoded *d, struct insn *in)
{
	const struct insn_row *row = &insn_rows[in->row];
	unsigned elem = ATTR_ELEM(row->attr), vl = 16U << d->vl;
	u8 sib = d->bytes[d->modrm_at + 1], index = (sib >> 3 & 7) | (d->rex & 2) << 2;
	u8 index_size = row->op & 1 ? 8 : 4;
	bool evex = map_is_evex(d->map);
	union gather_imm g;

	if (evex && !(d->evex & EVEX_V))
		index |= 16;
	g.imm = 0;
	g.data = d->reg;
	g.index = index;
	g.mask = evex ? d->evex & EVEX_AAA : d->vvvv;
	g.n = vl / (elem > index_size ? elem : index_size);
	g.index_size = index_size;
	g.evex = evex;
	in->imm = g.imm;
	in->index = OFF_ZERO;
	if (evex && in->fn == gather_vex)
		in->fn = gather_evex;
}
