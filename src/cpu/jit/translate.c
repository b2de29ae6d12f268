/* From a decoded block to a unit of host code. What one instruction becomes is in gpr.c, vec.c, stack.c and
 * branch.c; where flags are in flags.c; what comes before, between and behind is here:
 *
 *	entry    vector state that the unit needs is loaded, else out
 *	         budget -= n, else out
 *	code     instruction by instruction
 *	exits    out of line, at the generation's other end: look-ups that missed, jumps that lead nowhere yet
 */
#include "cpu/jit/group.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"
#include "cpu/jit/run.h"

#include "base/bug.h"
#include "cpu/model.h"
#include "mm/memory.h"

/* Most that a unit becomes, besides what each of its instructions does. */
#define MOST_BYTES 2048U
#define MOST_SITES 16U
#define MOST_BYTES_INSN 448U
#define MOST_BYTES_PART 256U /* a seam's check, a computed jump's compare */
#define MOST_SITES_INSN 8U
#define UNIT_ALIGN 32 /* bytes: loops begin where the host fetches */

u32 jit_add_site(struct tr *t, enum site_kind kind)
{
	u32 n = t->j->nr_sites++;
	struct jit_site *s = &t->j->sites[n];

	*s = (struct jit_site){.kind = kind, .k = (u8)t->k, .unit = t->unit, .fl = t->fl};
	jit_map_flags(&s->fl, t->map);
	s->fl.map = t->map;
	return n;
}

void jit_begin_state(struct tr *t, const struct jflags *ctx)
{
	t->fl = *ctx;
	t->map = ctx->map;
	t->fl.map = 0;
	jit_map_flags(&t->fl, t->map);
}

void jit_add_trap(struct tr *t)
{
	struct jit_trap *trap = &t->j->traps[t->j->nr_traps++];

	trap->at = (u32)(t->e.p - t->j->write);
	trap->site = jit_add_site(t, SITE_INSN);
}

void jit_todo_leave(struct tr *t, u8 *jcc, u32 site)
{
	t->cold[t->nr_cold++] = (struct cold){.kind = COLD_LEAVE, .jcc = jcc, .site = site};
}

/* @n bytes of struct cpu's bool at @off: out if it is false. */
static void emit_need(struct tr *t, u32 off, u32 site)
{
	struct hmem m = cpu_mem(off);

	emit_rm(&t->e, 0x80, GRP_CMP, &m);
	emit_8(&t->e, 0);
	jit_todo_leave(t, emit_jcc(&t->e, 4, NULL), site);
}

/* An instruction that crosses into the next page is a block of its own, and good while that page is where it was. */
static void emit_second_page(struct tr *t, u32 site)
{
	gva_t page = (t->b->rip | ~PAGE_MASK) + 1;
	u64 addend = (u64)pfn_to_virt(t->j->cache->mem, t->b->pfn[1]) - page;
	s32 index = (s32)((page >> (PAGE_SHIFT - 5)) & t->j->l1_mask);
	struct hmem tag = {.base = -1, .index = -1, .gs = true, .disp = index + 8 * TLB_EXEC};
	struct hmem at = {.base = -1, .index = -1, .gs = true, .disp = index + 24};

	emit_mov_imm(&t->e, H_S1, page);
	emit_rm(&t->e, X_CMP_RM | X_W, H_S1, &tag);
	jit_todo_leave(t, emit_jcc(&t->e, 5, NULL), site);
	emit_mov_imm(&t->e, H_S1, addend);
	emit_rm(&t->e, X_CMP_RM | X_W, H_S1, &at);
	jit_todo_leave(t, emit_jcc(&t->e, 5, NULL), site);
	t->s1_group = 0;
}

static void emit_needs(struct tr *t)
{
	u8 needs = t->u->needs;
	u32 site;

	if (!needs)
		return;
	site = jit_add_site(t, SITE_NEEDS);
	if (needs & JIT_NEEDS_X87)
		emit_need(t, offsetof(struct cpu, fpu_live.x87), site);
	if (needs & JIT_NEEDS_AVX512)
		emit_need(t, offsetof(struct cpu, fpu_live.avx512), site);
	else if (needs & JIT_NEEDS_AVX)
		emit_need(t, offsetof(struct cpu, fpu_live.avx), site);
}

/* What a loop with steady groups needs once for many iterations, before its top. No handler runs in it that could
 * store vector state again: find_steady() knows no register behind one. */
static void emit_loop_top(struct tr *t)
{
	struct hmem walk = cpu_mem(JIT_WALK_OFF);
	u8 *again = t->e.p;
	bool walks;

	emit_needs(t);
	for (unsigned i = 0; i < t->nr_parts; i++)
		jit_emit_page_checks(t, i);
	walks = jit_emit_steady(t);
	t->loop = t->e.p;
	t->loop_fl = t->fl;
	jit_map_flags(&t->loop_fl, t->map);
	t->loop_fl.map = t->map;
	if (!walks)
		return;
	emit_rm(&t->e, X_GRP1_IB | X_W, GRP_SUB, &walk);
	emit_8(&t->e, 1);
	emit_jcc(&t->e, 8, again);
}

/* Counts entries: out when there have been enough. */
static void emit_heat(struct tr *t)
{
	struct hmem heat =
		cpu_mem((u32)offsetof(struct cpu, jit.heat) + 4 * jit_heat_hash(t->b->rip));

	emit_rm(&t->e, X_GRP1_IZ, GRP_ADD, &heat);
	emit_32(&t->e, t->j->heat_step);
	jit_todo_leave(t, emit_jcc(&t->e, 2, NULL), jit_add_site(t, SITE_HOT));
}

static void emit_entry(struct tr *t)
{
	struct hmem budget = cpu_mem(offsetof(struct cpu, budget));
	u32 map, site;

	if (t->u->tier == JIT_FIRST)
		emit_heat(t);
	map = jit_map_choose(t);
	t->j->count.moved += map != t->map;
	jit_map_change(t, map);
	if (jit_is_steady(t))
		emit_loop_top(t);
	else
		emit_needs(t);
	jit_emit_groups(t);
	jit_emit_count_at(t, offsetof(struct cpu, jit.ran.units));
	emit_rm(&t->e, X_GRP1_IB | X_W, GRP_SUB, &budget);
	emit_8(&t->e, (u8)t->u->n);
	site = jit_add_site(t, SITE_BUDGET);
	jit_todo_leave(t, emit_jcc(&t->e, 8, NULL), site);
	if (t->b->pfn[1] != NO_PFN && !t->loop)
		emit_second_page(t, site);
}

/* To C for the look-up's entry, and again. */
static void emit_miss(struct tr *t, const struct cold *s)
{
	if (s->constant) {
		emit_mov_imm(&t->e, H_S1, s->index);
		emit_mov_imm(&t->e, H_S2, s->tag);
	} else if (s->tag_in_s0) {
		emit_move(&t->e, H_S2, H_S0);
	}
	emit_mov_imm(&t->e, H_S0, s->site);
	emit_call(&t->e, t->j->miss[s->acc]);
	emit_jmp(&t->e, s->top);
}

static void emit_one(struct tr *t, const struct cold *s)
{
	emit_patch(s->jcc, t->e.p);
	switch (s->kind) {
	case COLD_MISS:
		emit_miss(t, s);
		break;
	case COLD_LEAVE:
		t->j->sites[s->site].stub = (u32)(t->e.p - t->j->write);
		emit_mov_imm(&t->e, H_S0, s->site);
		emit_jmp(&t->e, t->j->leave);
		break;
	case COLD_CALL:
		emit_mov_imm(&t->e, H_S0, s->site);
		emit_call(&t->e, s->stub);
		emit_jmp(&t->e, s->top);
		break;
	case COLD_STACK:
		jit_emit_stack_miss(t, s);
		break;
	case COLD_EXIT:
		jit_emit_exit(t, s);
		break;
	case COLD_FIND:
		jit_emit_find(t, s);
		break;
	case COLD_BEGIN:
		jit_emit_begin_miss(t, s);
		break;
	case COLD_SEAM:
		jit_emit_seam(t, s);
		break;
	}
}

/* What comes out of line may bring more of it. */
static void emit_each_cold(struct tr *t)
{
	for (unsigned i = 0; i < t->nr_cold; i++)
		emit_one(t, &t->cold[i]);
}

/* The interpreter's handler does instruction k; translated code goes on behind it. */
static void emit_handler(struct tr *t)
{
	u32 site = jit_add_site(t, SITE_INSN);

	emit_mov_imm(&t->e, H_S0, site);
	emit_call(&t->e, t->j->handler);
	t->s1_group = 0;
	t->x87 = 0; /* C has settled it, and the handler may have changed it */
	jit_fl_set(t, &(struct jflags){.kind = JF_CC}); /* the stub loads the host's, too */
}

/* A repeated string instruction: its handler charges the budget for each iteration, and stops when there is none.
 * So nothing that the entry has charged for may come behind it. */
static void tr_repeated(struct tr *t)
{
	VM_BUG_ON(t->k + 1U != t->u->n);
	emit_handler(t);
	jit_end_goto(t, t->next_rip);
}

/* Of its opcode /4 to /7 are no hints that all CPUs know. */
static bool is_prefetch(const struct decoded *d)
{
	return d->map == MAP_0F && d->modrm_at && d->mod != 3 &&
	       ((d->op == 0x18 && (d->reg & 7) < 4) || (d->op == 0x0d && (d->reg & 7) < 2));
}

static bool by_rule(struct tr *t)
{
	switch (t->rule->kind) {
	case RULE_GPR:
		return jit_tr_gpr(t);
	case RULE_VEC:
		return jit_tr_vec(t);
	case RULE_NOP:
		if (is_prefetch(&t->d))
			jit_emit_prefetch(t);
		return true;
	case RULE_LEA:
		return jit_tr_lea(t);
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
		return jit_tr_push(t);
	case RULE_POP:
		return jit_tr_pop(t);
	case RULE_LEAVE:
		return jit_tr_leave(t);
	default:
		return false;
	}
}

bool jit_has_room(struct jit *j, unsigned n, unsigned parts)
{
	u64 most = MOST_BYTES + n * MOST_BYTES_INSN + parts * MOST_BYTES_PART;
	bool room = (u64)(j->limit - j->next) > most &&
		    j->nr_sites + MOST_SITES + n * MOST_SITES_INSN < j->max_sites &&
		    j->nr_traps + n < j->max_traps && j->nr_units < j->max_units &&
		    j->nr_parts + JIT_MAX_PARTS < j->max_parts;

	j->full |= !room;
	return room;
}

/* The bytes of the next instruction, 15 or up to the end of the page. */
static unsigned fetch(const struct tr *t, u8 code[15])
{
	const struct block *b = t->b;
	unsigned n = min(15U, (unsigned)(PAGE_SIZE - page_offset(t->rip)));

	memcpy(code, b->host + (t->rip - b->rip), n);
	if (b->pfn[1] == NO_PFN)
		return n;
	memcpy(code + n, pfn_to_virt(t->j->cache->mem, b->pfn[1]), 15 - n);
	return 15;
}

/* An instruction without a rule is the first of a group all the same. */
static void begin_late_group(struct tr *t)
{
	struct hmem m;

	if (jit_group_is_due(t, t->use_e[t->k]))
		jit_lookup_e(t, 1, TLB_READ, 0, &m);
}

/* A repeated string instruction ends its block: block.c. */
static bool ends(const struct insn *in, const struct insn_row *row)
{
	return (row->attr & ENDS) || ((row->attr & REPS) && (in->flags & (IN_REP | IN_REPNE)));
}

static void translate_insn(struct tr *t, struct cpu *cpu)
{
	u8 code[15];

	t->in = t->insn[t->k];
	if (t->in->row == NO_ROW) {
		jit_end_insn(t);
		return;
	}
	decode(&t->j->cache->decoder, cpu_features(cpu), code, fetch(t, code), &t->d);
	t->row = &insn_rows[t->in->row];
	t->rule = jit_rule_of(t->j, t->in->row);
	t->next_rip = t->rip + t->in->len;
	t->stale = false;
	jit_map_operands(t);
	if (ends(t->in, t->row) && t->k + 1 < t->n) {
		jit_tr_branch_on(t);
	} else if (ends(t->in, t->row)) {
		jit_x87_settle(t);
		if (t->row->attr & REPS)
			tr_repeated(t);
		else if (!jit_tr_branch(t))
			jit_end_insn(t);
		else
			t->j->row_made[t->in->row]++;
	} else if (!by_rule(t)) {
		begin_late_group(t);
		emit_handler(t);
	} else {
		t->j->row_made[t->in->row]++;
	}
	if (t->stale)
		t->fl = (struct jflags){.kind = JF_CC};
	t->rip = t->next_rip;
}

unsigned jit_part_at(const struct tr *t, unsigned k)
{
	unsigned i = t->nr_parts - 1;

	while (t->parts[i].first > k)
		i--;
	return i;
}

/* Instruction k is the first of the next part. */
static void next_part(struct tr *t)
{
	t->b = t->parts[++t->part].block;
	t->rip = t->b->rip;
	if (jit_part_checks_pages(t, t->part) && !t->loop) {
		jit_fl_clobber(t);
		jit_emit_page_checks(t, t->part);
	}
	if (jit_part_has_groups(t, t->part)) {
		jit_fl_clobber(t);
		jit_emit_groups(t);
	}
}

/* So that dropping one of its blocks drops the unit. */
static void list_parts(struct tr *t)
{
	struct jit *j = t->j;

	t->u->parts = j->nr_parts;
	t->u->nr_parts = t->nr_parts;
	for (unsigned i = 0; i < t->nr_parts; i++) {
		struct block *b = t->parts[i].block;

		j->parts[j->nr_parts] = (struct jit_part){
			.block = b, .unit = t->unit, .next = b->parts, .first = t->parts[i].first};
		b->parts = j->nr_parts++;
	}
}

/* What stands out of line goes to the end of the generation's room, so that what runs stands close together. Only
 * when it has been written is known how long it is: so it is written twice, first behind the unit. */
static void emit_cold(struct tr *t)
{
	struct jit *j = t->j;
	u8 *end = t->e.p, *cold;
	unsigned nr_cold = t->nr_cold;
	u64 saves = j->count.flag_saves;

	emit_each_cold(t);
	cold = j->limit - (t->e.p - end);
	if (unlikely(t->e.p > j->limit || cold < end))
		BUG("a unit is longer than jit_has_room() thought");
	t->nr_cold = nr_cold;
	j->count.flag_saves = saves;
	t->e.p = cold;
	emit_each_cold(t);
	VM_BUG_ON(t->e.p != j->limit);
	j->next = end;
	j->limit = cold;
}

void jit_end_unit(struct tr *t)
{
	struct jit_unit *u = t->u;

	u->end = (u32)(t->e.p - t->j->write);
	u->cold_end = (u32)(t->j->limit - t->j->write);
	emit_cold(t);
	u->cold = (u32)(t->j->limit - t->j->write);
	if (unlikely(t->j->nr_sites > t->j->max_sites))
		BUG("a unit has more sites than jit_has_room() thought");
	u->next = u->block->units;
	u->block->units = t->unit;
	list_parts(t);
	t->j->count.units++;
	t->j->count.parts += t->nr_parts;
	t->j->count.insns += u->n;
	t->j->count.host_bytes += u->end - u->code;
	t->j->count.cold_bytes += u->cold_end - u->cold;
}

/* Jumps of the unit to its own top, if it is made for such flags. */
static void close_loop(struct tr *t, u32 first_site)
{
	struct jit *j = t->j;

	for (u32 n = first_site; n < j->nr_sites; n++) {
		struct jit_site *s = &j->sites[n];

		if (s->kind != SITE_GOTO || s->target != t->u->block->rip)
			continue;
		t->u->loop = true;
		if (!jflags_equal(&s->fl, &t->u->ctx))
			continue;
		jit_link(j, n, t->u);
		/* Behind the last instruction registers are what find_steady() takes them to be. */
		if (s->to && t->loop && s->k + 1U >= t->n && jflags_equal(&s->fl, &t->loop_fl))
			emit_patch(j->write + s->jump, t->loop);
	}
}

struct jit_unit *jit_translate(struct jit *j, struct cpu *cpu, struct block *b,
			       const struct jflags *ctx, u8 tier)
{
	struct tr *t = &j->tr;
	u32 first_site = j->nr_sites;

	memset(t, 0, offsetof(struct tr, cold));
	t->j = j;
	t->b = b;
	t->rip = b->rip;
	jit_choose_parts(t, cpu, b, tier != JIT_TRACE);
	if (!jit_has_room(j, t->n, t->nr_parts))
		return NULL;
	jit_begin_state(t, ctx);
	while ((u64)j->next % UNIT_ALIGN)
		*j->next++ = 0xcc; /* int3 */
	t->e.p = j->next;
	t->unit = j->nr_units++;
	t->u = &j->units[t->unit];
	*t->u = (struct jit_unit){.block = b,
				  .rip = b->rip,
				  .pfn = b->pfn[0],
				  .ctx = *ctx,
				  .code = (u32)(j->next - j->write),
				  .n = (u16)t->n,
				  .tier = tier};
	if (tier != JIT_PLAIN)
		jit_find_groups(t);
	jit_look_ahead(t);
	emit_entry(t);
	for (; t->k < t->n && !t->ended; t->k++) {
		if (t->part + 1 < t->nr_parts && t->k == t->parts[t->part + 1].first)
			next_part(t);
		translate_insn(t, cpu);
	}
	if (!t->ended) {
		jit_x87_settle(t);
		jit_end_goto(t, t->rip);
	}
	jit_end_unit(t);
	if (tier <= JIT_FIRST)
		close_loop(t, first_site);
	return t->u;
}
