/* Translated code from C's side: in, out, and what it calls on the way.
 *
 * Wherever a unit is left, registers are in struct cpu, and the site says where the flags are and at which
 * instruction the interpreter goes on. So nothing here knows what the code looked like.
 */
#include "cpu/interp.h"
#include "cpu/jit/call.h"
#include "cpu/jit/lockstep.h"
#include "cpu/jit/run.h"
#include "cpu/model.h"
#include "cpu/vec.h"

#include "base/bug.h"

/* ---- Called by translated code -------------------------------------------------------------------- */

u64 jit_tlb_miss(struct cpu *cpu, enum tlb_access acc, u64 index, u64 tag, u64 site)
{
	struct jit *j = cpu->code->jit;
	const struct jit_unit *u = &j->units[j->sites[site].unit];
	void *host;
	u32 err;

	j->count.misses++;
	if (tag & ~PAGE_MASK)
		return 1; /* misaligned */
	if (((tag >> (PAGE_SHIFT - 5)) & j->l1_mask) != index)
		return 1; /* crosses pages */
	if (!canonical(tag))
		return 1;
	err = tlb_open(&cpu->tlb, tag, 0, acc, PF_USER, &host);
	if (err & TLB_FAULT) {
		j->fault = err;
		j->fault_page = tag;
		return 1;
	}
	return u->dead || tlb_l1_slot(&cpu->tlb, tag)->tag[acc] != tag;
}

/* FIP and FOP as the instructions before @k left them: see vec.c. */
static void x87_pointers(struct cpu *cpu, const struct jit_unit *u, unsigned k)
{
	const struct jit *j = cpu->code->jit;

	if (!(u->needs & JIT_NEEDS_X87))
		return;
	while (k-- > 0) {
		const struct jit_part *p = jit_part_of(j, u, k);
		const struct insn *in = &p->block->insn[k - p->first];
		const struct jit_rule *rule = jit_rule_of(j, in->row);

		if (rule->kind == RULE_NONE)
			return; /* its handler has seen to it */
		if (!(rule->roles & RO_PTRS))
			continue;
		cpu->regs.fip = p->block->base + (s64)in->off;
		cpu->regs.fop = vec_fop(in);
		return;
	}
}

/* Behind the one instruction that a handler ran for translated code. */
static void op_back(struct cpu *cpu, const struct insn *in __unused)
{
	cpu->jit.in_call = false;
	cpu->jit.left = false;
}

bool jit_leaves(struct cpu *cpu)
{
	if (likely(!cpu->jit.in_call))
		return false;
	cpu->jit.in_call = false;
	return true;
}

u64 jit_run_handler(struct cpu *cpu, u64 nr)
{
	struct jit *j = cpu->code->jit;
	const struct jit_site *s = &j->sites[nr];
	const struct jit_unit *u = &j->units[s->unit];
	const struct jit_part *p = jit_part_of(j, u, s->k);
	struct block *b = p->block, *mini = jit_mini(j);
	const struct insn *in = &b->insn[s->k - p->first];
	u32 map = s->fl.map;

	j->count.handlers++;
	j->row_handled[in->row]++;
	jit_map_regs(cpu, map);
	cpu->cc = jit_flags_eval(cpu, &s->fl, cpu->jit.host_cc);
	x87_pointers(cpu, u, s->k);
	*mini = *b;
	mini->n = u->n - s->k; /* what the budget has been charged for */
	mini->link[0] = mini->link[1] = NULL;
	mini->insn[0] = *in;
	if (in == b->insn)
		mini->insn[0].fn = b->first_fn;
	mini->insn[1].fn = op_back;
	cpu->block = mini;
	cpu->regs.rip = b->base;
	cpu->resume = mini->insn;
	cpu->jit.in_call = cpu->jit.left = true;
	j->calling = s->unit;
	while (cpu->jit.in_call && !cpu->stopped)
		cpu->resume->fn(cpu, cpu->resume);
	j->calling = 0;
	cpu->jit.in_call = false;
	if (!cpu->jit.left)
		jit_map_regs(cpu, map);
	return cpu->jit.left;
}

void jit_unlazy(struct cpu *cpu)
{
	static const struct jflags lazy = {.kind = JF_LAZY};

	cpu->cc = jit_flags_eval(cpu, &lazy, 0);
}

/* ---- In and out ------------------------------------------------------------------------------------- */

/* The site of the instruction at host address @at, which raised SIGFPE. */
static u32 trap_site(const struct jit *j, u64 at)
{
	u32 off = (u32)(at - (u64)j->exec);
	const struct jit_gen *g = jit_gen_at(j, off);
	u32 lo = g->traps, hi = g == &j->gens[j->gen] ? j->nr_traps : g->used_traps, end = hi;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (j->traps[mid].at < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == end || j->traps[lo].at != off)
		BUG("jit: a host exception where none can be");
	return j->traps[lo].site;
}

/* Instruction @k of the unit is the next, for the interpreter. */
static const struct insn *at_insn(struct cpu *cpu, const struct jit_unit *u, unsigned k)
{
	struct jit *j = cpu->code->jit;
	const struct jit_part *p = jit_part_of(j, u, k);
	struct block *b = p->block;
	const struct insn *in = &b->insn[k - p->first];

	j->count.leaves++;
	if (in->row != NO_ROW)
		j->row_left[in->row]++;
	x87_pointers(cpu, u, k);
	cpu->budget += u->n - k;
	j->count.ran -= u->n - k;
	if (u->dead) {
		cpu->regs.rip = b->base + (s64)in->off;
		j->off_once = true;
		return &cpu->code->again;
	}
	cpu->budget -= b->n - (in - b->insn); /* what the interpreter takes for charged */
	cpu->block = b;
	cpu->regs.rip = b->base;
	cpu->jit.first = in == b->insn;
	return in;
}

/* Instruction @in was left for a page fault that jit_tlb_miss() found: raises it, if the interpreter could find no
 * other: it touches this one page. */
static bool raise_fault(struct cpu *cpu, const struct jit_unit *u, const struct insn *in)
{
	struct jit *j = cpu->code->jit;
	u32 err = j->fault;
	const struct jit_rule *rule;
	gva_t ea;

	if (!err || u->dead)
		return false;
	rule = jit_rule_of(j, in->row);
	ea = ea_full(cpu, in);
	if (rule->kind != RULE_GPR || (rule->roles & RO_EREG) || !(in->flags & IN_MEM) ||
	    (ea & PAGE_MASK) != j->fault_page)
		return false;
	cpu->jit.first = false;
	cpu_raise_page_fault(cpu, in, ea, err & ~TLB_FAULT);
	return true;
}

/* The unit was left at its entry, for good. */
static const struct insn *nothing_ran(struct cpu *cpu, const struct jit_unit *u,
				      const struct jit_site *s, bool charged)
{
	cpu->cc = jit_flags_eval(cpu, &s->fl, cpu->jit.host_cc);
	if (charged) {
		cpu->budget += u->n;
		cpu->code->jit->count.ran -= u->n;
	}
	if (charged &&
	    cpu->budget >= u->n) /* its second page, which --check lets nobody find inline */
		cpu->code->jit->off_once = true;
	cpu->regs.rip = jit_part_of(cpu->code->jit, u, s->k)->block->rip;
	return &cpu->code->again;
}

static void load_state(struct cpu *cpu, u8 needs)
{
	if ((needs & JIT_NEEDS_X87) && !cpu->fpu_live.x87)
		fpu_load_x87(cpu);
	if ((needs & JIT_NEEDS_AVX) && !cpu->fpu_live.avx)
		fpu_load_avx(cpu);
	if ((needs & JIT_NEEDS_AVX512) && !cpu->fpu_live.avx512)
		fpu_load_avx512(cpu);
}

/* Goes where @site goes. The unit to go on with; or NULL and *@next, which flags are ready for. */
static struct jit_unit *go_on(struct cpu *cpu, u32 site, const struct insn **next)
{
	struct jit *j = cpu->code->jit;
	struct jflags fl = j->sites[site].fl; /* the cache may be flushed below */
	u64 flushes = j->count.flushes;
	struct jit_unit *u = NULL;

	cpu->regs.rip = j->sites[site].target;
	*next = block_enter(cpu);
	if (!cpu->stopped && !cpu->block->mode && j->count.flushes == flushes)
		u = jit_follow(j, cpu, site, &fl);
	if (u)
		cpu->budget += cpu->block->n; /* its entry charges */
	else
		cpu->cc = jit_flags_eval(cpu, &fl, 0);
	return u;
}

/* Left at @site, with registers as C has them. The unit to go on with; or NULL and *@next, NULL if there is none. */
static struct jit_unit *after_site(struct cpu *cpu, u32 site, const struct insn **next)
{
	struct jit *j = cpu->code->jit;
	struct jit_site *s = &j->sites[site];
	struct jit_unit *u = &j->units[s->unit], *on;

	switch (s->kind) {
	case SITE_GOTO:
		on = go_on(cpu, site, next);
		if (!on && cpu->stopped)
			*next = NULL;
		return on;
	case SITE_NEEDS:
		load_state(cpu, u->needs);
		return u;
	case SITE_HOT:
		on = jit_hotter(j, cpu, u);
		if (!on)
			*next = nothing_ran(cpu, u, s, false);
		return on;
	case SITE_PLAIN:
		on = u->dead ? NULL : jit_plainer(j, cpu, s);
		if (on)
			jit_link(j, site, on);
		else
			*next = nothing_ran(cpu, u, s, false);
		return on;
	case SITE_BUDGET: /* as much as there is budget for */
		on = u->nr_parts > 1 && !u->dead && !cpu->interrupt ? jit_plainer(j, cpu, s) : NULL;
		if (!on) {
			*next = nothing_ran(cpu, u, s, true);
			return NULL;
		}
		cpu->budget += u->n;
		j->count.ran -= u->n;
		return on;
	default:
		cpu->cc = jit_flags_eval(cpu, &s->fl, cpu->jit.host_cc);
		*next = at_insn(cpu, u, s->k);
		if (raise_fault(cpu, u, *next))
			*next = NULL;
		return NULL;
	}
}

const struct insn *jit_execute(struct cpu *cpu, struct jit_unit *u)
{
	struct jit *j = cpu->code->jit;
	const struct insn *next;
	s64 before;
	u64 nr;

	cpu->jit.lazy_op = JF_CC;
	do {
		j->count.enters++;
		jit_map_regs(cpu, u->ctx.map);
		j->fault = 0;
		before = cpu->budget;
		j->enter(cpu, j->exec + u->code);
		j->count.ran += (before - cpu->budget) & (INTERRUPT_BUDGET - 1);
		nr = cpu->jit.site;
		if (!nr) /* a handler stopped, or dropped the code */
			return cpu->stopped ? NULL : &cpu->code->again;
		if (nr > (u32)nr) {
			cpu->jit.site = nr = trap_site(j, nr);
			if (j->lock)
				j->lock->trapped = true;
		}
		jit_map_regs(cpu, j->sites[nr].fl.map);
		u = after_site(cpu, (u32)nr, &next);
	} while (u);
	return next;
}

/* Is it the interpreter's turn, whatever is translated? */
static bool turned_off(struct jit *j)
{
	bool once = j->off_once;

	j->off_once = false;
	return unlikely(once) || (unlikely(j->lock) && j->lock->off);
}

/* The unit to enter @b by, from C, where nobody stands in another. NULL: no room, though that cannot be. */
static struct jit_unit *enter_at(struct jit *j, struct cpu *cpu, struct block *b)
{
	struct jit_unit *u;

	j->cpu = cpu;
	u = j->full ? NULL : jit_general(j, cpu, b);
	if (likely(u))
		return u;
	jit_evict(j);
	return jit_general(j, cpu, b);
}

void jit_op_run(struct cpu *cpu, const struct insn *in)
{
	struct jit *j = cpu->code->jit;
	struct block *b = cpu->block;
	const struct insn *next;
	struct jit_unit *u;

	if (turned_off(j))
		TAIL return b->first_fn(cpu, in);
	u = enter_at(j, cpu, b);
	if (!u)
		TAIL return b->first_fn(cpu, in);
	cpu->budget += b->n; /* its entry charges */
	jit_settle_jumps(cpu);
	jit_remember(j, cpu, u);
	next = unlikely(j->lock) ? jit_lockstep(cpu, u) : jit_execute(cpu, u);
	if (!next)
		return;
	if (cpu->jit.first) {
		cpu->jit.first = false;
		TAIL return cpu->block->first_fn(cpu, next);
	}
	GOTO(cpu, next);
}

void jit_op_heat(struct cpu *cpu, const struct insn *in)
{
	struct jit *j = cpu->code->jit;
	struct block *b = cpu->block;

	if (++b->heat < j->hot || turned_off(j))
		TAIL return b->first_fn(cpu, in);
	if (!enter_at(j, cpu, b))
		TAIL return b->first_fn(cpu, in);
	b->insn[0].fn = jit_op_run;
	TAIL return jit_op_run(cpu, in);
}
