/* Memory operands: the inline TLB look-up (docs/adr/0001).
 *
 *	guest    add  rdx, [rbp + 8]
 *	host     lea  r10, [rbp + 8]			one byte or aligned: into r11, and rorx r10, r11, 7
 *	         lea  r11, [r10 + 7]			last byte
 *	         shr  r10, 7; and r10, mask		index from the first
 *	         and  r11, -4096			tag from the last: a page crossing never hits
 *	         cmp  r11, gs:[r10 + read]; jne out of line
 *	         mov  r10, gs:[r10 + 24]		addend
 *	         add  rdx, [rbp + r10 + 8]
 *
 *	guest    add  rdx, [rbp + rcx*4 + 8]		what is not one register and a constant: summed once, and kept
 *	host     lea  r11, [rbp + rcx*4 + 8]
 *	         rorx r10, r11, 7; and r10, mask
 *	         lea  r9, [r11 + 7]; and r9, -4096
 *	         cmp  r9, gs:[r10 + read]; jne out of line
 *	         mov  r10, gs:[r10 + 24]
 *	         add  rdx, [r11 + r10]
 *
 * A look-up that must be aligned keeps the low bits in what it compares: misaligned never hits either. A
 * constant address needs no arithmetic at all. Out of line: jit_tlb_miss() fills the TLB and the look-up is
 * made again from its top; or the unit is left before the instruction.
 */
#include "base/bug.h"
#include "cpu/jit/group.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"

#define ADDEND 24

static struct hmem tlb_mem(int index, s32 disp)
{
	return (struct hmem){.base = (s8)index, .index = -1, .gs = true, .disp = disp};
}

/* What an address is the sum of. */
struct address {
	s8 base, index; /* guest registers, -1: none */
	u8 scale;
	bool constant; /* disp is all of it */
	s32 disp;
	gva_t at; /* constant */
	u32 seg;  /* offset in struct cpu, 0: none */
};

static void address_of(const struct tr *t, struct address *a)
{
	const struct decoded *d = &t->d;

	*a = (struct address){.base = -1, .index = -1, .scale = d->scale, .disp = (s32)d->disp};
	if (d->base == OFF_RIP) {
		a->constant = d->seg == OFF_ZERO;
		a->at = t->next_rip + (u64)d->disp;
	} else if (d->base != OFF_ZERO) {
		a->base = (s8)(d->base / 8);
	}
	if (d->index != OFF_ZERO)
		a->index = (s8)(d->index / 8);
	if (a->base < 0 && a->index < 0 && d->base == OFF_ZERO && d->seg == OFF_ZERO) {
		a->constant = true;
		a->at = (u64)d->disp;
	}
	a->seg = d->seg == OFF_ZERO ? 0 : d->seg;
}

static bool pinned(int gpr)
{
	return gpr >= 0 && !in_memory(gpr);
}

/* to += reg << scale */
static void emit_add_scaled(struct emit *e, unsigned to, unsigned reg, unsigned scale)
{
	struct hmem m = {.base = (s8)to, .index = (s8)reg, .scale = (u8)scale};

	emit_rm(e, X_LEA | X_W, to, &m);
}

/* The sum into @to, by mov and lea. A second value that is in memory goes to H_S2, or if that is @to to H_S0. */
static void emit_sum(struct tr *t, const struct address *a, unsigned to)
{
	unsigned other = to == H_S2 ? H_S0 : H_S2, seg = a->seg;
	struct hmem m = {.base = -1, .index = -1, .disp = a->disp};
	struct emit *e = &t->e;

	if (pinned(a->base)) {
		m.base = (s8)host_reg(a->base);
	} else if (a->base >= 0) {
		emit_load_cpu(e, to, a->base * 8);
		m.base = (s8)to;
	} else if (seg) {
		emit_load_cpu(e, to, seg);
		m.base = (s8)to;
		seg = 0;
	}
	if (a->index >= 0) {
		m.index = (s8)host_reg(a->index);
		m.scale = a->scale;
		if (in_memory(a->index)) {
			m.index = (s8)(m.base == (s8)to ? other : to);
			emit_load_cpu(e, (unsigned)m.index, a->index * 8);
		}
	}
	if (m.base >= 0 && m.index < 0 && !m.disp)
		emit_move(e, to, m.base);
	else if (m.base >= 0 || m.index >= 0)
		emit_rm(e, X_LEA | X_W, to, &m);
	else
		emit_mov_imm(e, to, (u64)(s64)a->disp);
	if (seg) {
		emit_load_cpu(e, other, seg);
		emit_add_scaled(e, to, other, 0);
	}
}

void jit_emit_address(struct tr *t, unsigned to, bool segment)
{
	struct address a;

	address_of(t, &a);
	if (!segment)
		a.seg = 0;
	if (a.constant || t->d.base == OFF_RIP)
		emit_mov_imm(&t->e, to, t->d.base == OFF_RIP ? t->next_rip + (u64)t->d.disp : a.at);
	else
		emit_sum(t, &a, to);
}

/* H_S1 holds the addend: makes @m the operand. */
static void operand_of(struct tr *t, const struct address *a, struct hmem *m)
{
	struct emit *e = &t->e;

	*m = (struct hmem){.base = H_S1, .index = -1, .disp = a->disp};
	if (a->index >= 0) {
		unsigned reg = H_S2;

		if (in_memory(a->index))
			emit_load_cpu(e, H_S2, a->index * 8);
		else
			reg = host_reg(a->index);
		if (a->base < 0 && !a->seg && reg != H_S2) {
			m->index = (s8)reg;
			m->scale = a->scale;
			return;
		}
		emit_add_scaled(e, H_S1, reg, a->scale);
	}
	if (a->seg) {
		emit_load_cpu(e, H_S2, a->seg);
		emit_add_scaled(e, H_S1, H_S2, 0);
	}
	if (a->base < 0)
		return;
	m->index = H_S1;
	m->base = H_S2;
	if (in_memory(a->base))
		emit_load_cpu(e, H_S2, a->base * 8);
	else
		m->base = (s8)host_reg(a->base);
}

void jit_emit_count_look(struct tr *t, enum tlb_access acc, enum jit_look how)
{
	struct hmem n = cpu_mem(offsetof(struct cpu, jit.ran.looks[acc][how]));

	if (unlikely(t->j->counts))
		emit_rm(&t->e, 0xff | X_W, 0, &n); /* inc */
}

void jit_emit_count_at(struct tr *t, u32 off)
{
	struct hmem n = cpu_mem(off);

	if (unlikely(t->j->counts))
		emit_rm(&t->e, 0xff | X_W, 0, &n); /* inc */
}

void jit_emit_count_grouped(struct tr *t)
{
	u32 n = offsetof(struct cpu, jit.ran.grouped);

	if (likely(!t->j->counts))
		return;
	emit_load_cpu(&t->e, H_S1, n);
	emit_lea(&t->e, H_S1, H_S1, 1);
	emit_store_cpu(&t->e, H_S1, n);
	t->s1_group = 0;
}

/* A branch if condition @cc: out of line. */
static struct cold *add_miss(struct tr *t, u8 *top, enum tlb_access acc, unsigned cc)
{
	struct cold *s;

	if (unlikely(t->nr_cold >= JIT_MAX_COLD))
		BUG("a unit has more out of line than it may");
	s = &t->cold[t->nr_cold++];
	*s = (struct cold){.kind = COLD_MISS, .acc = acc, .top = top};
	s->jcc = emit_jcc(&t->e, cc, NULL);
	s->site = jit_add_site(t, SITE_INSN);
	t->j->count.lookups++;
	return s;
}

static bool lookup_constant(struct tr *t, gva_t at, unsigned size, enum tlb_access acc,
			    unsigned align, struct hmem *m)
{
	gva_t page = at & PAGE_MASK;
	u32 index = (at >> (PAGE_SHIFT - 5)) & t->j->l1_mask;
	struct hmem tag = tlb_mem(-1, (s32)index + 8 * acc),
		    addend = tlb_mem(-1, (s32)index + ADDEND);
	struct cold *s;
	u8 *top;

	if (page_offset(at) + size > PAGE_SIZE || (align && (at & (align - 1))))
		return false;
	jit_emit_count_look(t, acc, JIT_LOOK_CONSTANT);
	top = t->e.p;
	if (fits_s32((s64)page)) {
		emit_rm(&t->e, X_GRP1_IZ | X_W, GRP_CMP, &tag);
		emit_32(&t->e, (u32)page);
	} else {
		emit_mov_imm(&t->e, H_S2, page);
		emit_rm(&t->e, X_CMP_RM | X_W, H_S2, &tag);
	}
	s = add_miss(t, top, acc, 5);
	s->constant = true;
	s->index = index;
	s->tag = page;
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S1, &addend);
	t->s1_group = 0;
	if (fits_s32((s64)at))
		*m = (struct hmem){.base = H_S1, .index = -1, .disp = (s32)at};
	else
		*m = (struct hmem){.base = H_S2, .index = H_S1, .disp = (s32)page_offset(at)};
	return true;
}

/* The index of the address in @from into H_S1. */
static void emit_index(struct tr *t, unsigned from)
{
	struct emit *e = &t->e;

	if (from != H_S1 && t->j->has_bmi2) {
		emit_rorx(e, H_S1, from, PAGE_SHIFT - 5);
	} else {
		emit_move(e, H_S1, from);
		emit_rr(e, X_SHIFT_IB | X_W, 5, H_S1);
		emit_8(e, PAGE_SHIFT - 5);
	}
	emit_rr(e, X_GRP1_IZ, GRP_AND, H_S1);
	emit_32(e, (u32)t->j->l1_mask);
}

/* The index from @from into H_S1, the page from @tag, which is compared. */
static void emit_compare(struct tr *t, unsigned from, unsigned tag_in, enum tlb_access acc,
			 unsigned align)
{
	struct emit *e = &t->e;
	struct hmem tag = tlb_mem(H_S1, 8 * acc);

	emit_index(t, from);
	emit_rr(e, X_GRP1_IZ | X_W, GRP_AND, tag_in);
	emit_32(e, (u32)(PAGE_MASK | (align ? align - 1 : 0)));
	emit_rm(e, X_CMP_RM | X_W, tag_in, &tag);
}

void jit_emit_compare(struct tr *t, unsigned from, enum tlb_access acc, unsigned align)
{
	emit_compare(t, from, H_S2, acc, align);
}

void jit_emit_addend(struct tr *t)
{
	struct hmem addend = tlb_mem(H_S1, ADDEND);

	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S1, &addend);
	t->s1_group = 0;
}

/* First byte in @from, last in H_S2: compares, and leaves the addend in H_S1. */
static void finish_lookup(struct tr *t, u8 *top, unsigned from, enum tlb_access acc, unsigned align)
{
	jit_emit_compare(t, from, acc, align);
	add_miss(t, top, acc, 5);
	jit_emit_addend(t);
}

#define OFF_WINDOW(field) ((u32)offsetof(struct cpu, tlb.stack.field))

void jit_emit_in_window(struct tr *t, unsigned reg, s32 disp, unsigned size)
{
	unsigned c = 0;
	struct hmem base = cpu_mem(OFF_WINDOW(base)), limit;

	while (8U << c < size)
		c++;
	limit = cpu_mem(OFF_WINDOW(limit) + 8 * c);
	emit_lea(&t->e, H_S1, reg, disp);
	emit_rm(&t->e, X_SUB_RM | X_W, H_S1, &base);
	emit_rm(&t->e, X_CMP_RM | X_W, H_S1, &limit);
}

void jit_emit_window_addend(struct tr *t)
{
	emit_load_cpu(&t->e, H_S1, OFF_WINDOW(addend));
	t->s1_group = 0;
}

void jit_emit_stack(struct tr *t, unsigned reg, s32 disp, unsigned size, enum tlb_access acc,
		    bool group)
{
	struct cold *s;

	jit_emit_count_look(t, acc, JIT_LOOK_WINDOW);
	jit_emit_in_window(t, reg, disp, size);
	s = add_miss(t, NULL, acc, 3);
	jit_emit_window_addend(t);
	s->kind = COLD_STACK;
	s->top = t->e.p;
	s->reg = (u8)reg;
	s->disp = disp;
	s->size = (u16)size;
	s->group = group;
	s->x87 = t->x87;
	if (group)
		t->j->sites[s->site].kind = SITE_PLAIN;
}

void jit_emit_stack_miss(struct tr *t, const struct cold *s)
{
	struct emit *e = &t->e;
	u8 *top = e->p, *jcc;

	emit_lea(e, H_S1, s->reg, s->disp);
	emit_lea(e, H_S2, s->reg, s->disp + (s32)s->size - 1);
	emit_call(e, t->j->stack[s->acc]);
	emit_jcc(e, 4, s->top);
	if (s->group && t->j->sites[s->site].k) { /* in the midst of the unit */
		t->x87 = s->x87;
		t->fl = (struct jflags){.kind = JF_CC};
		emit_8(e, 0xe9);
		e->p += 4;
		jit_todo_exit(t, e->p, s->site);
		return;
	}
	if (s->group || s->once) {
		emit_8(e, 0xe9);
		e->p += 4;
		jcc = e->p;
		if (s->group)
			t->j->sites[s->site].jump = (u32)(jcc - t->j->write);
		jit_todo_leave(t, jcc, s->site);
		return;
	}
	emit_mov_imm(e, H_S0, s->site);
	emit_call(e, t->j->miss[s->acc]);
	emit_jmp(e, top);
}

void jit_lookup_once(struct tr *t, unsigned nr_cold)
{
	struct cold *s = &t->cold[t->nr_cold - 1];

	if (t->nr_cold == nr_cold)
		return;
	if (s->kind == COLD_STACK)
		s->once = true;
	else
		s->kind = COLD_LEAVE;
}

/* Any sum: in H_S2, where it stays. H_S0 has the tag. */
static void lookup_sum(struct tr *t, const struct address *a, unsigned last, enum tlb_access acc,
		       unsigned align, struct hmem *m)
{
	u8 *top = t->e.p;
	struct cold *s;

	emit_sum(t, a, H_S2);
	emit_lea(&t->e, H_S0, H_S2, (s32)last);
	emit_compare(t, H_S2, H_S0, acc, align);
	s = add_miss(t, top, acc, 5);
	s->tag_in_s0 = true;
	jit_emit_addend(t);
	*m = (struct hmem){.base = H_S2, .index = H_S1};
}

/* H_S1 is where the root of instruction k's group is: makes @m the operand. */
static void operand_off(struct tr *t, const struct address *a, struct hmem *m)
{
	*m = (struct hmem){
		.base = H_S1, .index = H_S2, .scale = a->scale, .disp = a->disp + t->delta_e[t->k]};
	if (in_memory(a->index))
		emit_load_cpu(&t->e, H_S2, a->index * 8);
	else
		m->index = (s8)host_reg(a->index);
}

/*
 * The first access of a group: the whole is looked up. If that is in one page and not in the TLB, and the access is of the
 * group's kind, it is what the access would bring there; else on by the unit that begins with this instruction.
 */
static void begin_group(struct tr *t, const struct address *a, enum tlb_access first,
			struct hmem *m)
{
	struct jit_group *g = &t->group[t->use_e[t->k] - 1];
	s32 lo = g->lo - t->lo_e[t->k], last = g->hi - 1 - t->lo_e[t->k];
	enum tlb_access acc = g->write ? TLB_WRITE : TLB_READ;
	unsigned from = H_S2, tag = H_S0, sum = H_S2;
	struct cold *s;
	u8 *top = t->e.p;

	jit_emit_count_look(t, acc, JIT_LOOK_TABLE);
	if (pinned(a->base) && a->index < 0) {
		sum = host_reg(a->base);
		tag = H_S2;
		lo += a->disp;
		last += a->disp;
	} else {
		emit_sum(t, a, H_S2);
	}
	from = sum;
	if (lo)
		emit_lea(&t->e, from = H_S1, sum, lo);
	emit_lea(&t->e, tag, sum, last);
	emit_compare(t, from, tag, acc, 0);
	s = add_miss(t, top, acc, 5);
	s->kind = COLD_BEGIN;
	s->tag_in_s0 = tag == H_S0;
	s->fills = acc == first;
	s->x87 = t->x87;
	t->k--;
	s->index = jit_add_site(t, SITE_GOTO);
	t->k++;
	t->j->sites[s->index].target = t->rip;
	jit_emit_addend(t);
	emit_store_cpu(&t->e, H_S1, JIT_GROUP_OFF(g->slot));
	t->s1_group = t->use_e[t->k];
	g->begun = true;
	*m = (struct hmem){.base = (s8)sum, .index = H_S1, .disp = sum == H_S2 ? 0 : a->disp};
}

void jit_emit_begin_miss(struct tr *t, const struct cold *s)
{
	struct cold on = {.kind = COLD_EXIT, .site = s->index, .x87 = s->x87};
	struct emit *e = &t->e;
	u8 *crosses;

	if (s->fills) {
		if (s->tag_in_s0)
			emit_move(e, H_S2, H_S0);
		emit_move(e, H_S0, H_S2);
		emit_rr(e, X_SHIFT_IB | X_W, 5, H_S0);
		emit_8(e, PAGE_SHIFT - 5);
		emit_rr(e, X_GRP1_IZ, GRP_AND, H_S0);
		emit_32(e, (u32)t->j->l1_mask);
		emit_rr(e, X_CMP_RM, H_S0, H_S1);
		crosses = emit_jcc(e, 5, NULL);
		emit_mov_imm(e, H_S0, s->site);
		emit_call(e, t->j->miss[s->acc]);
		emit_jmp(e, s->top);
		emit_patch(crosses, e->p);
	}
	jit_emit_exit(t, &on);
}

bool jit_lookup_e(struct tr *t, unsigned size, enum tlb_access acc, unsigned align, struct hmem *m)
{
	unsigned last = align ? 0 : size - 1, from = H_S2;
	struct address a;
	u8 *top;

	if (t->in->flags & IN_A32)
		return false;
	address_of(t, &a);
	if (t->d.base == OFF_RIP && !a.constant)
		return false;
	if (jit_group_is_due(t, t->use_e[t->k])) {
		jit_fl_clobber(t);
		begin_group(t, &a, acc, m);
		return true;
	}
	if (jit_group_addend(t, t->use_e[t->k])) {
		if (jit_group_is_pointer(t, t->use_e[t->k])) {
			operand_off(t, &a, m);
			return true;
		}
		operand_of(t, &a, m);
		if (a.index >= 0)
			t->s1_group = 0;
		return true;
	}
	jit_fl_clobber(t);
	if (a.constant)
		return lookup_constant(t, a.at, size, acc, align, m);
	if (a.base == R_RSP && a.index < 0 && !a.seg && !align && a.disp < (s32)0x7fffff00) {
		jit_emit_stack(t, host_reg(R_RSP), a.disp, size, acc, false);
		operand_of(t, &a, m);
		return true;
	}
	jit_emit_count_look(t, acc, JIT_LOOK_TABLE);
	if (!pinned(a.base) || a.index >= 0 || a.seg || a.disp >= (s32)0x7fffff00) {
		lookup_sum(t, &a, last, acc, align, m);
		return true;
	}
	top = t->e.p;
	if (!a.disp)
		from = host_reg(a.base);
	else if (last)
		emit_lea(&t->e, from = H_S1, host_reg(a.base), a.disp);
	emit_lea(&t->e, H_S2, host_reg(a.base), a.disp + (s32)last);
	finish_lookup(t, top, from, acc, align);
	operand_of(t, &a, m);
	return true;
}

void jit_lookup_stack(struct tr *t, unsigned gpr, s32 disp, enum tlb_access acc, struct hmem *m)
{
	if (!jit_group_addend(t, t->use_stack[t->k])) {
		jit_fl_clobber(t);
		jit_emit_stack(t, host_reg(gpr), disp, 8, acc, false);
	}
	*m = (struct hmem){.base = (s8)host_reg(gpr), .index = H_S1, .disp = disp};
}

/* Where the TLB says that the operand is, as a hint: nothing is compared, since a prefetch of a wrong address does
 * no harm either. */
void jit_emit_prefetch(struct tr *t)
{
	struct hmem at = {.base = H_S0, .index = H_S1};

	if (t->in->flags & IN_A32)
		return;
	jit_fl_clobber(t);
	jit_emit_address(t, H_S0, true);
	emit_index(t, H_S0);
	jit_emit_addend(t);
	emit_rm(&t->e, X_0F | t->d.op, t->d.reg & 7, &at);
}
