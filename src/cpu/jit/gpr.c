/* Instructions of general registers: the guest's own, encoded anew.
 *
 * A guest register that lives in memory stands in the instruction as memory where that is legal and right,
 * else in a scratch register: H_S0 for modrm.reg or VEX.vvvv, H_S2 for modrm.rm.
 */
#include "cpu/decode_vex.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"

extern op_set op_mov_EG, op_mov_GE, op_mov_ZI, op_mov_EI, op_xor_EG, op_xor_GE;

/* What the operands are, from the decoded instruction. */
struct operands {
	bool mem; /* E is memory */
	bool has_e, has_g, has_v;
	bool e_byte, g_byte;
	unsigned e, g, v; /* guest registers */
	unsigned width;
};

static void operands_of(const struct tr *t, struct operands *o)
{
	const struct decoded *d = &t->d;
	unsigned form = t->row->form;
	bool extract_e = form == FORM_Gv_Eb || form == FORM_Gd_Eb;

	*o = (struct operands){.width = form == FORM_Gd_Eb ? W_L : d->width};
	o->mem = d->modrm_at && d->mod != 3;
	if (t->row->attr & PLUS_R) {
		o->has_e = true;
		o->e = (d->op & 7) | (d->rex & 1) << 3;
	} else if (d->modrm_at) {
		o->has_e = !o->mem;
		o->e = d->rm;
	}
	o->has_g = d->modrm_at && t->row->ext == EXT_ANY && (t->rule->roles & (RO_GR | RO_GW));
	o->g = d->reg;
	o->has_v = t->rule->roles & (RO_VR | RO_VW);
	o->v = d->vvvv;
	o->e_byte = (o->has_e || o->mem) && (extract_e || d->width == W_B);
	o->g_byte = o->has_g && d->width == W_B && form != FORM_Gd_Eb;
}

/* ah, ch, dh or bh, which cannot be named beside r8 to r15. */
static bool high_byte(const struct tr *t, bool is_byte, unsigned reg)
{
	return is_byte && !t->d.rex && reg >= 4 && reg < 8;
}

/* The host's number of a register operand. */
static unsigned host_operand(const struct tr *t, bool is_byte, unsigned reg)
{
	return high_byte(t, is_byte, reg) ? reg : host_reg(reg);
}

static bool needs_rex(unsigned gpr)
{
	return gpr == R_RSP || gpr > 7;
}

/* Whether high byte registers stand in the way. */
static bool unspeakable(const struct tr *t, const struct operands *o)
{
	bool high_e = o->has_e && high_byte(t, o->e_byte, o->e);
	bool high_g = o->has_g && high_byte(t, o->g_byte, o->g);

	if (!high_e && !high_g)
		return false;
	if (o->mem) /* turned into a low one; but cmpxchg has rax besides */
		return !t->j->has_bmi2 || (t->rule->roles & RO_AW);
	return (o->has_e && !high_e && needs_rex(o->e)) || (o->has_g && !high_g && needs_rex(o->g));
}

/* A shift's count is masked; by 0 it is nothing. */
static unsigned shift_count(const struct tr *t)
{
	unsigned n = t->d.imm_len ? (u8)t->d.imm : 1;

	return n & (t->d.width == W_Q ? 63 : 31);
}

static bool counts(unsigned kind)
{
	return kind == JF_INC || kind == JF_DEC;
}

static bool is_shift(unsigned kind)
{
	return kind >= JF_SHL;
}

/* How an instruction with flags to keep treats its operand in memory. */
enum through {
	DIRECT, /* as it is */
	SCRATCH, /* read into H_S0, worked on there, written back if it is written; a copy stays in spill[0] */
};

/* The operands that the flags will be made from again: of registers, or of what SCRATCH keeps. False: they cannot. */
static bool recipe(const struct tr *t, const struct operands *o, struct jflags *f,
		   enum through *how)
{
	unsigned kind = t->rule->flags, roles = t->rule->roles, dst, src = JV_NONE;
	bool g_first = (roles & RO_GW) || (t->row->attr & SWAP); /* op G, E */
	bool result = roles & (RO_EW | RO_GW | RO_AW);

	*f = (struct jflags){.kind = kind, .width = o->width};
	*how = DIRECT;
	if (kind == JF_HOST || (o->has_e && high_byte(t, o->e_byte, o->e)) ||
	    (o->has_g && high_byte(t, o->g_byte, o->g)))
		return false;
	if (o->mem && !(kind == JF_TEST && (roles & RO_GW)))
		*how = SCRATCH;
	dst = !t->d.modrm_at ? R_RAX : g_first ? o->g : o->mem ? JV_SPILL : o->e;
	if (g_first)
		src = o->mem ? JV_SPILL : o->e;
	else if (o->has_g)
		src = o->g;
	f->a = dst;
	f->b = src;
	if (is_shift(kind)) {
		f->a = JV_SPILL; /* the operand as it was */
		f->b = JV_IMM;
		f->imm = (s32)shift_count(t);
	} else if (counts(kind)) {
		jit_fl_carry(t, f);
	} else if (kind == JF_TEST && result) {
		f->b = f->a;
	} else if (t->d.imm_len) {
		f->b = JV_IMM;
		f->imm = (s32)t->d.imm;
	}
	return kind == JF_NEG || kind == JF_CMP || kind == JF_TEST || is_shift(kind) ||
	       counts(kind) || (f->b != JV_NONE && f->b != f->a);
}

/* inc and dec ask for CF alone, and it is known. */
static bool only_carry(const struct tr *t, const struct operands *o)
{
	struct jflags f;

	return counts(t->rule->flags) && !(o->has_e && high_byte(t, o->e_byte, o->e)) &&
	       jit_fl_carry(t, &f);
}

/* The instruction with H_S0 for its operand in memory, and the other in a slot. */
static void emit_scratch_and_slot(struct tr *t, const struct operands *o)
{
	struct hmem slot = slot_mem(o->g);
	bool g_first = t->row->attr & SWAP;

	if (t->rule->roles & RO_GW) { /* 32 bits written clear the rest */
		emit_rm(&t->e, X_MOV_LOAD | X_W, H_S2, &slot);
		jit_reencode(t, H_S2, H_S0, NULL, -1);
		emit_store_cpu(&t->e, H_S2, o->g * 8);
		return;
	}
	if (t->d.op < 0x40) /* op E, G is op G, E of the slot; cmp G, E the other way round */
		t->d.op = g_first ? t->d.op & ~2 : t->d.op | 2;
	jit_reencode(t, H_S0, 0, &slot, -1);
}

/* The instruction on H_S0 instead of memory. */
static void emit_through_scratch(struct tr *t, const struct operands *o, const struct hmem *m)
{
	static const u32 loads[] = {X_MOVZX_B, X_MOVZX_W, X_MOV_LOAD, X_MOV_LOAD | X_W};
	static const u32 stores[] = {(X_MOV_STORE & ~1U) | X_BYTE, X_MOV_STORE | X_66, X_MOV_STORE,
				     X_MOV_STORE | X_W};
	unsigned g = o->has_g ? host_reg(o->g) : t->d.reg;
	bool first = is_shift(t->rule->flags) || (t->rule->roles & RO_GW);

	emit_rm(&t->e, loads[o->width], H_S0, m);
	if (first)
		emit_store_cpu(&t->e, H_S0, offsetof(struct cpu, jit.spill));
	if (o->has_g && in_memory(o->g))
		emit_scratch_and_slot(t, o);
	else
		jit_reencode(t, g, H_S0, NULL, -1);
	if (!first)
		emit_store_cpu(&t->e, H_S0, offsetof(struct cpu, jit.spill));
	if (t->rule->roles & RO_EW)
		emit_rm(&t->e, stores[o->width], H_S0, m);
}

/* Registers that change lose what the flags before came from. */
static void note_writes(struct tr *t, const struct operands *o)
{
	unsigned roles = t->rule->roles;

	if ((roles & RO_EW) && o->has_e)
		jit_fl_reg_write(t, high_byte(t, o->e_byte, o->e) ? o->e - 4 : o->e);
	if ((roles & RO_GW) && o->has_g)
		jit_fl_reg_write(t, high_byte(t, o->g_byte, o->g) ? o->g - 4 : o->g);
	if (roles & RO_VW)
		jit_fl_reg_write(t, o->v);
	if ((roles & RO_AW) || (!t->d.modrm_at && (roles & RO_GW))) /* xchg rax */
		jit_fl_reg_write(t, R_RAX);
	if (roles & RO_DW)
		jit_fl_reg_write(t, R_RDX);
}

/* ah, ch, dh or bh with memory: the address needs REX, and so the byte has to be a low one meanwhile. */
static void emit_high_byte(struct tr *t, unsigned g, const struct hmem *mem)
{
	struct hmem m = *mem;
	unsigned whole = g - 4;

	if (m.base == (s8)whole || m.index == (s8)whole) {
		emit_rm(&t->e, X_LEA | X_W, H_S2, &m);
		m = (struct hmem){.base = H_S2, .index = -1};
	}
	emit_rorx(&t->e, whole, whole, 8);
	jit_reencode(t, whole, 0, &m, -1);
	emit_rorx(&t->e, whole, whole, 56);
}

/* op E, G with G in a slot and E in a register: the other direction of the same operation, whose operand
 * may be memory. 0: there is none. */
static u8 other_direction(const struct tr *t, const struct operands *o)
{
	bool arith = t->d.map == MAP_ONE && t->d.op < 0x40 && (t->d.op & 7) < 2;

	if (o->mem || !o->has_e || in_memory(o->e) || !o->has_g || !in_memory(o->g) ||
	    (t->rule->roles & RO_GW))
		return 0;
	if (t->d.map == MAP_ONE && (t->d.op & ~1) == 0x84) /* test */
		return t->d.op;
	return arith ? t->d.op | 2 : 0;
}

/* Whether the E register, which has a slot, goes by way of H_S2: 32 bits written clear the rest, and an opcode with the
 * register in it takes no memory. */
static bool e_needs_scratch(const struct tr *t, const struct operands *o)
{
	unsigned roles = t->rule->roles;

	return (t->row->attr & PLUS_R) || t->row->mod == MOD_REG || (roles & RO_EREG) ||
	       ((roles & RO_EW) && o->width == W_L && !o->e_byte);
}

static void emit_it(struct tr *t, const struct operands *o, const struct hmem *mem)
{
	unsigned roles = t->rule->roles, g = t->d.reg, e = 0;
	bool g_slot = o->has_g && in_memory(o->g), v_slot = o->has_v && in_memory(o->v);
	bool e_slot = o->has_e && in_memory(o->e), e_scratch = false;
	u8 other = other_direction(t, o);
	struct hmem slot;
	int v = -1;

	if (other) {
		slot = slot_mem(o->g);
		t->d.op = other;
		jit_reencode(t, host_operand(t, o->e_byte, o->e), 0, &slot, -1);
		return;
	}
	if (o->mem && o->has_g && high_byte(t, o->g_byte, o->g)) {
		emit_high_byte(t, o->g, mem);
		return;
	}
	if (o->has_v) {
		v = (int)host_reg(o->v);
		if (v_slot) {
			v = H_S0;
			if (roles & RO_VR)
				emit_load_cpu(&t->e, H_S0, o->v * 8);
		}
	}
	if (o->has_g) {
		g = g_slot ? H_S0 : host_operand(t, o->g_byte, o->g);
		/* A narrow result leaves the rest of the register. */
		if (g_slot && ((roles & RO_GR) || o->width < W_L))
			emit_load_cpu(&t->e, H_S0, o->g * 8);
	}
	if (o->has_e) {
		e = host_operand(t, o->e_byte, o->e);
		if (e_slot) {
			slot = slot_mem(o->e);
			e_scratch = e_needs_scratch(t, o);
			if (!e_scratch)
				mem = &slot;
			else if ((roles & RO_ER) || o->width < W_L)
				emit_load_cpu(&t->e, H_S2, o->e * 8);
			e = H_S2;
		}
	}
	if (!(t->row->attr & NOFAULT))
		jit_add_trap(t);
	jit_reencode(t, g, e, mem, v);
	if (g_slot && (roles & RO_GW) && !(e_slot && (roles & RO_EW) && o->e == o->g))
		emit_store_cpu(&t->e, H_S0, o->g * 8); /* xadd r, r: E is the last */
	if (v_slot && (roles & RO_VW))
		emit_store_cpu(&t->e, H_S0, o->v * 8);
	if (e_scratch && (roles & RO_EW))
		emit_store_cpu(&t->e, H_S2, o->e * 8);
}

/* mov between registers of 32 or 64 bits; a slot's upper half is always good. */
static void emit_mov_registers(struct tr *t, unsigned to, unsigned from, u32 w)
{
	unsigned reg = in_memory(from) ? H_S0 : host_reg(from);
	struct hmem slot = slot_mem(from);

	if (!in_memory(to)) {
		if (in_memory(from))
			emit_rm(&t->e, X_MOV_LOAD | w, host_reg(to), &slot);
		else
			emit_rr(&t->e, X_MOV_LOAD | w, host_reg(to), reg);
		return;
	}
	if (in_memory(from)) {
		emit_rm(&t->e, X_MOV_LOAD | w, H_S0, &slot);
	} else if (!w) {
		emit_rr(&t->e, X_MOV_LOAD, H_S0, reg);
		reg = H_S0;
	}
	emit_store_cpu(&t->e, reg, to * 8);
}

/* A constant to a slot; false: it takes more than a store. */
static bool emit_slot_constant(struct tr *t, unsigned gpr, u64 value)
{
	struct hmem slot = slot_mem(gpr);

	if (!in_memory(gpr) || !fits_s32((s64)value))
		return false;
	emit_rm(&t->e, X_MOV_IMM | X_W, 0, &slot);
	emit_32(&t->e, (u32)value);
	return true;
}

/* What slots make simpler than the same instruction again. @flags: it has to leave its flags. */
static bool emit_short(struct tr *t, const struct operands *o, bool flags)
{
	op_fn *const *set = t->row->set;
	bool same = o->has_e && o->has_g && o->e == o->g;

	if (o->mem || o->width < W_L)
		return false;
	if (set == op_mov_EG) {
		emit_mov_registers(t, o->e, o->g, o->width == W_Q ? X_W : 0);
		return true;
	}
	if (set == op_mov_GE) {
		emit_mov_registers(t, o->g, o->e, o->width == W_Q ? X_W : 0);
		return true;
	}
	if (set == op_mov_ZI || set == op_mov_EI)
		return emit_slot_constant(t, o->e, o->width == W_Q ? t->d.imm : (u32)t->d.imm);
	if ((set == op_xor_EG || set == op_xor_GE) && same && !flags)
		return emit_slot_constant(t, o->e, 0);
	return false;
}

unsigned jit_memory_size(const struct insn_row *row, unsigned width)
{
	switch (row->form) {
	case FORM_Gv_Eb:
	case FORM_Gd_Eb:
		return 1;
	case FORM_Gv_Ew:
		return 2;
	case FORM_Gv_Ed:
		return 4;
	default:
		return 1U << width;
	}
}

static bool supported(const struct tr *t, const struct operands *o)
{
	unsigned roles = t->rule->roles;

	if (unspeakable(t, o) || (o->mem && (roles & RO_EREG)))
		return false;
	if ((roles & RO_GW) && (roles & RO_VW) && (in_memory(o->g) || in_memory(o->v)))
		return false; /* mulx */
	if (o->has_v && o->has_g && (roles & RO_VR) && in_memory(o->g) && in_memory(o->v) &&
	    (roles & RO_GR))
		return false;
	if (is_shift(t->rule->flags) && !shift_count(t))
		return false;
	/* xchg and movsxd of 16 bits and the like come by the same way as the rest. */
	return true;
}

/* CF is all that it wants of the flags before; and it leaves all of them, or none. */
static bool asks_carry(const struct insn_row *row, u32 changed)
{
	return row->reads == F_CF && (!changed || (row->writes == F_OSZAPC && !row->undefined));
}

/* Not where the recipe takes instructions, and all who look find the flags in the host's. */
static bool is_worth(const struct tr *t, const struct jflags *f, enum through how)
{
	return jit_kept_after(t) || (how == DIRECT && !is_shift(f->kind)) || counts(f->kind);
}

bool jit_tr_gpr(struct tr *t)
{
	u32 changed = (t->row->writes | t->row->undefined) & F_OSZAPC;
	bool full = jit_writes_all_flags(t), keeps = changed && jit_needed_after(t);
	bool reads = (t->row->reads & ~t->row->undefined) && !full, before;
	enum through how;
	struct operands o;
	struct jflags f;
	struct hmem m;

	operands_of(t, &o);
	if (!supported(t, &o))
		return false;
	before = reads || (keeps && !full && !only_carry(t, &o));
	if (before)
		jit_fl_unlazy(t);
	if (o.mem && !jit_lookup_e(t, jit_memory_size(t->row, t->d.width),
				   t->rule->roles & RO_EW ? TLB_WRITE : TLB_READ, 0, &m))
		return false;
	if (reads && asks_carry(t->row, changed))
		jit_fl_carry_to_host(t);
	else if (before)
		jit_fl_to_host(t);

	if (!changed) {
		note_writes(t, &o);
		if (!emit_short(t, &o, false))
			emit_it(t, &o, o.mem ? &m : NULL);
		return true;
	}
	if (!keeps || !recipe(t, &o, &f, &how) || !is_worth(t, &f, how)) {
		f = (struct jflags){.kind = JF_HOST};
		how = DIRECT;
	}
	if (counts(f.kind))
		jit_fl_keep_carry(t, &f);
	if (how == SCRATCH) {
		emit_through_scratch(t, &o, &m);
	} else {
		if (is_shift(f.kind)) {
			if (in_memory(o.e))
				emit_load_cpu(&t->e, H_S0, o.e * 8);
			emit_store_cpu(&t->e, in_memory(o.e) ? H_S0 : host_reg(o.e),
				       offsetof(struct cpu, jit.spill));
		}
		if (keeps || !emit_short(t, &o, keeps))
			emit_it(t, &o, o.mem ? &m : NULL);
	}
	jit_fl_set(t, &f);
	return true;
}

/* With an address of 32 bits, or relative to rip: by a sum in scratch. */
static void emit_lea_by_sum(struct tr *t, unsigned to, u32 op)
{
	t->s1_group = 0;
	jit_emit_address(t, H_S1, false);
	if (t->in->flags & IN_A32)
		emit_rr(&t->e, X_MOV_LOAD, H_S1, H_S1);
	emit_rr(&t->e, X_MOV_LOAD | op, to, H_S1);
}

/* lea: an address, and no look-up. */
bool jit_tr_lea(struct tr *t)
{
	static const u32 ops[] = {[W_W] = X_66, [W_L] = 0, [W_Q] = X_W};
	const struct decoded *d = &t->d;
	unsigned g = d->reg, to = in_memory(g) ? H_S0 : host_reg(g);
	struct hmem m = {.base = -1, .index = -1, .scale = d->scale, .disp = (s32)d->disp}, slot;
	u32 op = ops[d->width];

	jit_fl_reg_write(t, g);
	if (in_memory(g) && d->width == W_W)
		emit_load_cpu(&t->e, to, g * 8);
	if ((t->in->flags & IN_A32) || d->base == OFF_RIP) {
		emit_lea_by_sum(t, to, op);
		goto done;
	}
	if (d->base != OFF_ZERO) {
		m.base = (s8)host_reg(d->base / 8);
		if (in_memory(d->base / 8)) {
			emit_load_cpu(&t->e, H_S2, d->base);
			m.base = H_S2;
		}
	}
	if (d->index != OFF_ZERO) {
		m.index = (s8)host_reg(d->index / 8);
		if (in_memory(d->index / 8)) {
			slot = slot_mem(d->index / 8);
			m.index = m.base == H_S2 ? H_S1 : H_S2;
			if (m.index == H_S1)
				t->s1_group = 0;
			emit_rm(&t->e, X_MOV_LOAD | X_W, (unsigned)m.index, &slot);
		}
	}
	if (m.base >= 0 && m.index < 0 && !m.disp)
		emit_rr(&t->e, X_MOV_LOAD | op, to, (unsigned)m.base);
	else
		emit_rm(&t->e, X_LEA | op, to, &m);
done:
	if (in_memory(g))
		emit_store_cpu(&t->e, to, g * 8);
	return true;
}
