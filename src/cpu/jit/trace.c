/* Which blocks a unit is made of: those that mostly run one after the other.
 *
 *	A: cmp; jne ----> (side exit)
 *	B: call f                            the blocks A, B, f, C are one unit: one charge of the budget, one
 *	f: ...; ret ----> (another address)  look for the stack of all, and no jump in it
 *	C: ...; jmp A ---> A                 its end leads to its own top
 *
 * What runs mostly is known from what the interpreter has counted (struct block's heat), when A gets hot: of two
 * ways the one whose block has been entered more often. A return goes where the call in the unit came from; other
 * computed jumps go where they mostly went (struct jit_way). The unit ends where nothing is known, where it comes
 * by its own top, and before a loop that has a unit of its own.
 */
#include "cpu/jit/internal.h"

#include "mm/memory.h"

#define HOT_HEAT (1UL << 32)
#define HOT_PART                                                                                   \
	32 /* a block that has been entered less often than one in so many entries does not follow */
#define MAX_CALLS 8

struct trace {
	struct tr *t;
	struct cpu *cpu;
	gva_t ret[MAX_CALLS]; /* return addresses of calls that the trace is in */
	unsigned calls;
};

void jit_add_part(struct tr *t, struct block *b)
{
	t->parts[t->nr_parts].block = b;
	t->parts[t->nr_parts].first = t->n;
	t->parts[t->nr_parts].check_page = t->parts[t->nr_parts].check_second = false;
	t->nr_parts++;
	for (unsigned k = 0; k < b->n; k++)
		t->insn[t->n++] = &b->insn[k];
}

static struct block *head(const struct tr *t)
{
	return t->parts[0].block;
}

static struct block *last(const struct tr *t)
{
	return t->parts[t->nr_parts - 1].block;
}

static bool has_part(const struct tr *t, const struct block *b)
{
	for (unsigned i = 0; i < t->nr_parts; i++)
		if (t->parts[i].block == b)
			return true;
	return false;
}

/* Whether the second page of @b, if it has one, is where it was. */
static bool is_there(const struct trace *tr, const struct block *b)
{
	return b->pfn[1] == NO_PFN || exec_lookup(tr->cpu, (b->rip | ~PAGE_MASK) + 1) ==
					      pfn_to_virt(tr->cpu->code->mem, b->pfn[1]);
}

/* The block at @rip, if it has been decoded and its page is known. */
static struct block *known_block(const struct trace *tr, gva_t rip)
{
	const struct block *from = last(tr->t);
	const u8 *host;
	struct block *b;

	if ((rip ^ from->rip) & PAGE_MASK)
		host = exec_lookup(tr->cpu, rip);
	else
		host = from->host + (s64)(rip - from->rip);
	b = host ? block_known(tr->cpu->code, rip, host) : NULL;
	return b && is_there(tr, b) ? b : NULL;
}

/* How often it has been entered, in heat_step's units: by the interpreter, and translated alone; what has a trace of
 * its own is hot. */
static u64 heat_of(const struct trace *tr, const struct block *b)
{
	const struct jit *j = tr->t->j;
	u64 heat;

	if (!b || !b->first_fn)
		return 0;
	heat = (u64)max((int)b->heat, 0) * j->heat_step;
	if (b->units)
		heat += tr->cpu->jit.heat[jit_heat_hash(b->rip)];
	for (u32 n = b->units; n; n = j->units[n].next)
		if (j->units[n].tier == JIT_TRACE)
			return heat + HOT_HEAT;
	return heat;
}

/* Where the computed jump at its end leads mostly. */
static struct block *usual(const struct trace *tr, const struct block *b)
{
	const struct jit_way *w = &tr->cpu->jit.way[jit_way_hash(b->rip)];

	if (w->from != b->rip || w->same * 4 < w->all * 3 || !w->same)
		return NULL;
	return known_block(tr, w->to);
}

/* Whether the address that a computed jump loads its target from needs nothing unusual. */
static bool loads(const struct block *b, const struct insn *in)
{
	bool constant = in->base == OFF_RIP || (in->base == OFF_ZERO && in->index == OFF_ZERO);
	gva_t at = (in->base == OFF_RIP ? b->base : 0) + (u64)(s64)in->disp;

	if (!(in->flags & IN_MEM))
		return true;
	if ((in->flags & IN_A32) || in->seg != OFF_ZERO)
		return false;
	return !constant || page_offset(at) <= PAGE_SIZE - 8;
}

/* Whether it has a unit that ends at its own top. */
static bool is_loop(const struct jit *j, const struct block *b)
{
	for (u32 n = b->units; n; n = j->units[n].next)
		if (j->units[n].loop)
			return true;
	return false;
}

/* What may stand behind the trace. */
static bool may_follow(const struct trace *tr, const struct block *b)
{
	const struct tr *t = tr->t;

	return b && heat_of(tr, b) * HOT_PART >= HOT_HEAT && !has_part(t, b) &&
	       t->n + b->n <= JIT_MAX_INSNS - 1 && t->nr_parts < JIT_MAX_PARTS && !is_loop(t->j, b);
}

/* Behind a conditional jump. */
static struct block *likelier(const struct trace *tr, const struct insn *in, gva_t next)
{
	struct block *taken = known_block(tr, in->imm), *not_taken = known_block(tr, next);
	struct block *likely = heat_of(tr, taken) > heat_of(tr, not_taken) ? taken : not_taken;
	bool loops = taken == head(tr->t) || not_taken == head(tr->t);

	/* A loop is closed where it can be; what follows it is no part of it. */
	return loops ? NULL : likely;
}

static struct block *after(struct trace *tr)
{
	struct block *b = last(tr->t);
	const struct insn *in = &b->insn[b->n - 1];
	gva_t next = b->base + (u64)(s64)in->off + in->len;
	const struct insn_row *row;

	if (in->row == NO_ROW)
		return NULL;
	row = &insn_rows[in->row];
	if (!(row->attr & ENDS))
		return (row->attr & REPS) && (in->flags & (IN_REP | IN_REPNE))
			       ? NULL
			       : known_block(tr, next);
	if (in->flags & IN_OPSIZE)
		return NULL;
	switch (jit_rule_of(tr->t->j, in->row)->kind) {
	case RULE_JMP:
		return known_block(tr, in->imm);
	case RULE_JCC:
		return likelier(tr, in, next);
	case RULE_CALL:
		if (tr->calls == MAX_CALLS)
			return NULL;
		tr->ret[tr->calls++] = next;
		return known_block(tr, in->imm);
	case RULE_RET:
		return tr->calls ? known_block(tr, tr->ret[--tr->calls]) : usual(tr, b);
	case RULE_JMP_E:
		return loads(b, in) ? usual(tr, b) : NULL;
	case RULE_CALL_E:
		if (tr->calls == MAX_CALLS || !loads(b, in))
			return NULL;
		tr->ret[tr->calls++] = next;
		return usual(tr, b);
	default:
		return NULL;
	}
}

bool jit_has_page(const struct tr *t, unsigned nr, gva_t rip)
{
	for (unsigned i = 0; i < nr; i++)
		if (jit_frame_at(t->parts[i].block, rip) != NO_PFN)
			return true;
	return false;
}

/* Whether the last part is on pages that none before it is on. */
static void note_pages(struct tr *t)
{
	unsigned i = t->nr_parts - 1;
	const struct block *b = t->parts[i].block;

	t->parts[i].check_page = i && !jit_has_page(t, i, b->rip);
	t->parts[i].check_second =
		b->pfn[1] != NO_PFN && !jit_has_page(t, i, (b->rip | ~PAGE_MASK) + 1);
}

bool jit_may_go_on(const struct jit *j, const struct block *b)
{
	const struct insn *in = &b->insn[b->n - 1];
	const struct insn_row *row;

	if (in->row == NO_ROW)
		return false;
	row = &insn_rows[in->row];
	if (!(row->attr & ENDS))
		return !(row->attr & REPS) || !(in->flags & (IN_REP | IN_REPNE));
	switch (jit_rule_of(j, in->row)->kind) {
	case RULE_CALL:
	case RULE_CALL_E:
	case RULE_JMP_E:
	case RULE_RET:
		return true;
	case RULE_JMP:
	case RULE_JCC: /* a loop is closed by itself */
		return in->imm != b->rip;
	default:
		return false;
	}
}

void jit_choose_parts(struct tr *t, struct cpu *cpu, struct block *b, bool alone)
{
	struct trace tr = {.t = t, .cpu = cpu};
	struct block *next;

	jit_add_part(t, b);
	note_pages(t);
	if (alone || t->j->one_unit)
		return;
	while ((next = after(&tr)) && may_follow(&tr, next)) {
		jit_add_part(t, next);
		note_pages(t);
	}
}
