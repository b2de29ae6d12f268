/* How a unit ends: jumps to known places, which become direct (chain.c), and to computed ones, which go
 * through a table that is checked as the interpreter checks its own (block_jump()).
 */
#include "base/bug.h"
#include "cpu/jit/group.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"

#include "mm/memory.h"

/* Leaves for the interpreter, at instruction k. */
void jit_end_insn(struct tr *t)
{
	u32 site = jit_add_site(t, SITE_INSN);

	emit_mov_imm(&t->e, H_S0, site);
	emit_jmp(&t->e, t->j->leave);
	t->ended = true;
}

/* The jump to @target that ends the unit, or the branch @jcc whose offset field has been emitted. */
static void goto_same_page(struct tr *t, gva_t target, u8 *jcc)
{
	u32 site = jit_add_site(t, SITE_GOTO);
	struct jit_site *s = &t->j->sites[site];

	if (!jcc) {
		emit_8(&t->e, 0xe9);
		t->e.p += 4;
		jcc = t->e.p;
	}
	s->target = target;
	s->jump = (u32)(jcc - t->j->write);
	jit_todo_leave(t, jcc, site);
}

/* The same to another page: if that is known to be where it was. */
static void goto_other_page(struct tr *t, gva_t target, u32 site)
{
	struct hmem page =
		code_mem(t->j, offsetof(struct tlb_code, page)); /* 0: until it is linked */
	struct jit_site *s = &t->j->sites[site];
	u8 *top = t->e.p;

	s->target = target;
	emit_rm(&t->e, 0x80, GRP_CMP, &page);
	s->page = (u32)(t->e.p - 4 - t->j->write);
	emit_8(&t->e, 0);
	t->cold[t->nr_cold++] = (struct cold){.kind = COLD_CALL,
					      .jcc = emit_jcc(&t->e, 4, NULL),
					      .stub = t->j->check_page,
					      .top = top,
					      .site = site};
	emit_8(&t->e, 0xe9);
	t->e.p += 4;
	s->jump = (u32)(t->e.p - t->j->write);
	jit_todo_leave(t, t->e.p, site);
}

static bool same_page(const struct tr *t, gva_t target)
{
	return jit_has_page(t, t->part + 1, target);
}

void jit_end_goto(struct tr *t, gva_t target)
{
	jit_fl_settle(t);
	if (same_page(t, target))
		goto_same_page(t, target, NULL);
	else
		goto_other_page(t, target, jit_add_site(t, SITE_GOTO));
	t->ended = true;
}

static void tr_jcc(struct tr *t)
{
	unsigned cc = t->d.op & 15;
	gva_t target = t->in->imm;
	u8 *skip;

	jit_fl_to_host(t);
	jit_fl_settle(t); /* keeps them in the host's, too */
	if (same_page(t, target)) {
		goto_same_page(t, target, emit_jcc(&t->e, cc, NULL));
	} else {
		skip = emit_jcc(&t->e, cc ^ 1, NULL);
		goto_other_page(t, target, jit_add_site(t, SITE_GOTO));
		emit_patch(skip, t->e.p);
	}
	jit_end_goto(t, t->next_rip);
}

/* jrcxz and loop: the same again, by short jumps, which touch no flag. False: F2 and F3 before loope are AMD's. */
static bool tr_count(struct tr *t)
{
	u8 *from;

	if (t->row->reads && (t->in->flags & (IN_REP | IN_REPNE)))
		return false;
	if (t->row->reads)
		jit_fl_to_host(t);
	if (t->rule->roles & RO_CW)
		jit_fl_reg_write(t, R_RCX);
	jit_fl_settle(t);
	if (t->in->flags & IN_A32)
		emit_8(&t->e, 0x67);
	emit_8(&t->e, t->d.op);
	emit_8(&t->e, 0);
	from = t->e.p;
	jit_end_goto(t, t->next_rip);
	from[-1] = (u8)(t->e.p - from);
	jit_end_goto(t, t->in->imm);
	return true;
}

static void emit_store_return(struct tr *t, gva_t ret, const struct hmem *m)
{
	if (fits_s32((s64)ret)) {
		emit_rm(&t->e, X_MOV_IMM | X_W, 0, m);
		emit_32(&t->e, (u32)ret);
	} else {
		emit_mov_imm(&t->e, H_S2, ret);
		emit_rm(&t->e, X_MOV_STORE | X_W, H_S2, m);
	}
}

static void push_return(struct tr *t, bool second)
{
	unsigned cold = t->nr_cold;
	struct hmem m;

	jit_lookup_stack(t, R_RSP, -8, TLB_WRITE, &m);
	if (second)
		jit_lookup_once(t, cold);
	emit_store_return(t, t->next_rip, &m);
	jit_fl_rsp_moves(t, -8);
	emit_lea(&t->e, H_GSP, H_GSP, -8);
}

/* Of the table of computed jumps, at the index in H_S1. */
static struct hmem in_table(const struct tr *t, u32 off)
{
	struct hmem m = code_mem(t->j, off);

	m.index = H_S1;
	m.scale = 3;
	return m;
}

/* Finds the target in H_S2: H_S1 is its index in the table then. Else leaves by @site, to where flags are JF_LAZY. */
static void emit_find_at(struct tr *t, u32 site)
{
	struct hmem rip = in_table(t, offsetof(struct tlb_code, rip));
	struct emit *e = &t->e;
	u8 *unknown;

	t->s1_group = 0;
	emit_rr(e, 0x69, H_S1, H_S2); /* imul */
	emit_32(e, JIT_JUMP_FACTOR);
	emit_rr(e, X_SHIFT_IB, 5, H_S1);
	emit_8(e, 32 - TLB_JUMPS_LOG);
	emit_rm(e, X_CMP_RM | X_W, H_S2, &rip);
	unknown = emit_jcc(e, 5, NULL);
	t->cold[t->nr_cold++] = (struct cold){
		.kind = COLD_CALL, .jcc = unknown, .stub = t->j->find, .top = e->p, .site = site};
}

/* Notes the target, in H_S2, for trace.c. */
static void emit_note_way(struct tr *t)
{
	u32 way = (u32)offsetof(struct cpu, jit.way) +
		  jit_way_hash(t->b->rip) * (u32)sizeof(struct jit_way);
	struct hmem to = cpu_mem(way + (u32)offsetof(struct jit_way, to));
	struct hmem all = cpu_mem(way + (u32)offsetof(struct jit_way, all));
	struct hmem same = cpu_mem(way + (u32)offsetof(struct jit_way, same));
	struct emit *e = &t->e;

	emit_rm(e, X_GRP1_IB, GRP_ADD, &all);
	emit_8(e, 1);
	emit_mov_imm(e, H_S0, 0);
	emit_rm(e, X_CMP_RM | X_W, H_S2, &to);
	emit_rr(e, X_0F | 0x94, 0, H_S0); /* sete */
	emit_rm(e, X_MOV_STORE | X_W, H_S2, &to);
	emit_rm(e, 0x01, H_S0, &same); /* add */
}

/* Else the interpreter does the instruction. */
static void emit_find_target(struct tr *t)
{
	if (t->u->tier == JIT_FIRST)
		emit_note_way(t);
	emit_find_at(t, jit_add_site(t, SITE_INSN));
}

/* The target of an indirect branch to H_S2. */
static bool load_target(struct tr *t)
{
	struct hmem m;

	if (t->d.mod == 3) {
		if (in_memory(t->d.rm))
			emit_load_cpu(&t->e, H_S2, t->d.rm * 8);
		else
			emit_move(&t->e, H_S2, host_reg(t->d.rm));
		return true;
	}
	if (!jit_lookup_e(t, 8, TLB_READ, 0, &m))
		return false;
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S2, &m);
	return true;
}

static void emit_jump_code(struct tr *t)
{
	struct hmem code = in_table(t, offsetof(struct tlb_code, code));

	emit_rm(&t->e, 0xff, 4, &code);
	t->ended = true;
}

static bool tr_jmp_e(struct tr *t)
{
	jit_fl_to_lazy(t);
	t->host = false;
	if (!load_target(t))
		return false;
	emit_find_target(t);
	emit_jump_code(t);
	return true;
}

static bool tr_call_e(struct tr *t)
{
	struct hmem code = in_table(t, offsetof(struct tlb_code, code));

	jit_fl_to_lazy(t);
	t->host = false;
	if (!load_target(t))
		return false;
	emit_find_target(t);
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S0, &code);
	push_return(t, true);
	emit_rr(&t->e, 0xff, 4, H_S0);
	t->ended = true;
	return true;
}

static void tr_ret(struct tr *t)
{
	struct hmem m;

	jit_fl_to_lazy(t);
	t->host = false;
	jit_lookup_stack(t, R_RSP, 0, TLB_READ, &m);
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S2, &m);
	emit_find_target(t);
	emit_lea(&t->e, H_GSP, H_GSP, 8 + (u16)t->d.imm);
	emit_jump_code(t);
}

/* ---- In the midst of a unit -------------------------------------------------------------------- */

void jit_todo_exit(struct tr *t, u8 *jcc, u32 site)
{
	bool cc = t->fl.kind == JF_HOST;

	t->cold[t->nr_cold++] =
		(struct cold){.kind = COLD_EXIT, .jcc = jcc, .site = site, .x87 = t->x87, .cc = cc};
	if (cc)
		t->j->sites[site].fl = (struct jflags){.kind = JF_CC, .map = t->map};
}

void jit_emit_exit(struct tr *t, const struct cold *s)
{
	struct jit_site *site = &t->j->sites[s->site];
	struct hmem budget = cpu_mem(offsetof(struct cpu, budget));
	unsigned ran = site->k + (site->kind == SITE_GOTO);

	t->k = site->k;
	if (s->cc) {
		t->fl = (struct jflags){.kind = JF_HOST};
		jit_fl_settle(t);
	}
	t->x87 = s->x87;
	jit_x87_settle(t);
	jit_emit_count_at(t, offsetof(struct cpu, jit.ran.sides));
	emit_rm(&t->e, X_GRP1_IB | X_W, GRP_ADD, &budget);
	emit_8(&t->e, (u8)(t->n - ran));
	if (site->kind == SITE_GOTO && !jit_has_page(t, jit_part_at(t, t->k) + 1, site->target)) {
		goto_other_page(t, site->target, s->site);
		return;
	}
	emit_8(&t->e, 0xe9);
	t->e.p += 4;
	site->jump = (u32)(t->e.p - t->j->write);
	jit_todo_leave(t, t->e.p, s->site);
}

static struct hmem in_tlb(s32 disp)
{
	return (struct hmem){.base = -1, .index = -1, .gs = true, .disp = disp};
}

/* To where the part that begins here is, from behind the part before. */
static u32 add_seam_site(struct tr *t, const struct block *b)
{
	u32 site;

	t->k--;
	site = jit_add_site(t, SITE_GOTO);
	t->k++;
	t->j->sites[site].target = b->rip;
	return site;
}

/* Is @page at @addend? By the TLB: before a loop's top, or when there are too many pages for each to have a number. */
static void check_in_tlb(struct tr *t, const struct block *b, gva_t page, u64 addend)
{
	u32 index = (page >> (PAGE_SHIFT - 5)) & t->j->l1_mask;
	struct hmem have[] = {in_tlb((s32)index + 8 * TLB_EXEC), in_tlb((s32)index + 24)};
	u64 want[] = {page, addend};
	u8 *jcc;

	for (unsigned i = 0; i < ARRAY_SIZE(have); i++) {
		emit_mov_imm(&t->e, H_S2, want[i]);
		emit_rm(&t->e, X_CMP_RM | X_W, H_S2, &have[i]);
		jcc = emit_jcc(&t->e, 5, NULL);
		if (!t->k) /* before a loop's top */
			jit_todo_plain(t, jcc);
		else
			jit_todo_exit(t, jcc, add_seam_site(t, b));
	}
}

static void emit_page_check(struct tr *t, const struct block *b, gva_t page, u64 addend)
{
	u32 n = t->k ? jit_seam_number(t->j, page, addend) : 0;
	struct hmem known = code_mem(t->j, (u32)offsetof(struct tlb_code, page) + n);
	struct cold *s;

	if (!n) {
		check_in_tlb(t, b, page, addend);
		return;
	}
	s = &t->cold[t->nr_cold++];
	*s = (struct cold){
		.kind = COLD_SEAM, .site = add_seam_site(t, b), .index = n, .x87 = t->x87};
	emit_rm(&t->e, 0x80, GRP_CMP, &known);
	emit_8(&t->e, 0);
	s->jcc = emit_jcc(&t->e, 4, NULL);
	s->top = t->e.p;
	t->s1_group = 0;
}

void jit_emit_seam(struct tr *t, const struct cold *s)
{
	emit_mov_imm(&t->e, H_S0, s->index);
	emit_call(&t->e, t->j->check_seam);
	emit_jcc(&t->e, 9, s->top);
	jit_emit_exit(t, s);
}

void jit_emit_page_checks(struct tr *t, unsigned part)
{
	const struct block *b = t->parts[part].block;
	gva_t second = (b->rip | ~PAGE_MASK) + 1;

	if (t->parts[part].check_page)
		emit_page_check(t, b, b->rip & PAGE_MASK, (u64)b->host - b->rip);
	if (t->parts[part].check_second)
		emit_page_check(t, b, second,
				(u64)pfn_to_virt(t->j->cache->mem, b->pfn[1]) - second);
}

/* The way that the unit does not go. */
static void jcc_on(struct tr *t)
{
	unsigned cc = t->d.op & 15;
	bool taken = t->parts[t->part + 1].block->rip != t->next_rip;
	u32 site;

	jit_fl_to_host(t);
	site = jit_add_site(t, SITE_GOTO);
	t->j->sites[site].target = taken ? t->next_rip : t->in->imm;
	jit_todo_exit(t, emit_jcc(&t->e, taken ? cc ^ 1 : cc, NULL), site);
}

/* Goes on where the target, in H_S2, should be; elsewhere as any computed jump, out of line. @disp: see COLD_FIND. */
static void emit_expect(struct tr *t, s32 disp)
{
	gva_t target = t->parts[t->part + 1].block->rip;
	struct cold *s;

	if (fits_s32((s64)target)) {
		emit_grp1(&t->e, X_W, GRP_CMP, H_S2, (s32)target);
	} else {
		emit_mov_imm(&t->e, H_S0, target);
		emit_rr(&t->e, X_CMP_RM | X_W, H_S0, H_S2);
	}
	s = &t->cold[t->nr_cold++];
	*s = (struct cold){.kind = COLD_FIND, .x87 = t->x87, .disp = disp, .tag = t->next_rip};
	s->jcc = emit_jcc(&t->e, 5, NULL);
	s->site = jit_add_site(t, SITE_INSN);
	s->index = jit_add_site(t, SITE_INSN);
	t->j->sites[s->index].fl = (struct jflags){.kind = JF_LAZY};
}

static void ret_on(struct tr *t)
{
	s32 by = 8 + (u16)t->d.imm;
	struct hmem m;

	jit_fl_clobber(t);
	jit_lookup_stack(t, R_RSP, 0, TLB_READ, &m);
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S2, &m);
	emit_expect(t, by);
	jit_fl_rsp_moves(t, by);
	emit_lea(&t->e, H_GSP, H_GSP, by);
}

static void jmp_e_on(struct tr *t)
{
	jit_fl_clobber(t);
	if (!load_target(t))
		BUG("jit: a computed jump that trace.c lets on");
	emit_expect(t, 0);
}

static void call_e_on(struct tr *t)
{
	jit_fl_clobber(t);
	if (!load_target(t))
		BUG("jit: a computed call that trace.c lets on");
	emit_expect(t, -8);
	push_return(t, true);
}

/* A call's, where the stack is in the window; else the interpreter does the call. Keeps H_S0. */
static void push_return_cold(struct tr *t, gva_t ret, u32 site)
{
	struct hmem m = {.base = H_GSP, .index = H_S1, .disp = -8};

	jit_emit_in_window(t, H_GSP, -8, 8);
	jit_todo_leave(t, emit_jcc(&t->e, 3, NULL), site);
	jit_emit_window_addend(t);
	emit_store_return(t, ret, &m);
}

void jit_emit_find(struct tr *t, const struct cold *s)
{
	struct hmem code = in_table(t, offsetof(struct tlb_code, code));
	const struct jit_site *site = &t->j->sites[s->site];
	struct hmem budget = cpu_mem(offsetof(struct cpu, budget));

	t->k = site->k;
	jit_begin_state(t, &site->fl);
	t->x87 = s->x87;
	jit_x87_settle(t);
	jit_fl_to_lazy(t);
	emit_find_at(t, s->index);
	if (s->disp < 0) {
		emit_rm(&t->e, X_MOV_LOAD | X_W, H_S0, &code);
		push_return_cold(t, s->tag, s->index);
	}
	jit_emit_count_at(t, offsetof(struct cpu, jit.ran.sides));
	emit_rm(&t->e, X_GRP1_IB | X_W, GRP_ADD, &budget);
	emit_8(&t->e, (u8)(t->n - t->k - 1));
	emit_lea(&t->e, H_GSP, H_GSP, s->disp);
	if (s->disp < 0)
		emit_rr(&t->e, 0xff, 4, H_S0);
	else
		emit_jump_code(t);
}

void jit_tr_branch_on(struct tr *t)
{
	switch (t->rule->kind) {
	case RULE_JCC:
		jcc_on(t);
		break;
	case RULE_CALL:
		push_return(t, false);
		break;
	case RULE_RET:
		ret_on(t);
		break;
	case RULE_JMP_E:
		jmp_e_on(t);
		break;
	case RULE_CALL_E:
		call_e_on(t);
		break;
	default: /* jmp */
		break;
	}
}

/* Ends the block; false: the interpreter has to. */
bool jit_tr_branch(struct tr *t)
{
	if (t->d.width != W_Q) /* of 16 bits, AMD's */
		return false;
	switch (t->rule->kind) {
	case RULE_JMP:
		jit_end_goto(t, t->in->imm);
		return true;
	case RULE_JCC:
		tr_jcc(t);
		return true;
	case RULE_COUNT:
		return tr_count(t);
	case RULE_CALL:
		push_return(t, false);
		jit_end_goto(t, t->in->imm);
		return true;
	case RULE_CALL_E:
		return tr_call_e(t);
	case RULE_JMP_E:
		return tr_jmp_e(t);
	case RULE_RET:
		tr_ret(t);
		return true;
	default:
		return false;
	}
}
