/* Units by block and by how flags arrive; jumps between them, and their undoing.
 *
 *	unit A   jne --+                 first: to its stub, which leaves; then direct, and taken back to
 *	               +--> unit B       the stub when B's block is dropped
 *	          ret --> struct jit_jump, by rip --> unit B'   (flags: JF_LAZY)
 */
#include "cpu/jit/call.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/lockstep.h"
#include "cpu/jit/run.h"

static void unlink_site(struct jit *j, struct jit_site *s)
{
	emit_patch(j->write + s->jump, j->write + s->stub);
	s->to = 0;
}

void jit_forget_link(struct jit *j, u32 site)
{
	struct jit_site *s = &j->sites[site];

	if (s->prev_in)
		j->sites[s->prev_in].next_in = s->next_in;
	else
		j->units[s->to].first_in = s->next_in;
	if (s->next_in)
		j->sites[s->next_in].prev_in = s->prev_in;
	unlink_site(j, s);
}

/* Puts @site, whose jump leads to @u now, into its list. */
static void list_link(struct jit *j, u32 site, struct jit_unit *u)
{
	struct jit_site *s = &j->sites[site];

	s->to = (u32)(u - j->units);
	s->prev_in = 0;
	s->next_in = u->first_in;
	if (u->first_in)
		j->sites[u->first_in].prev_in = site;
	u->first_in = site;
}

static void forget_pages(struct jit *j)
{
	struct tlb_code *c;

	for (u32 i = 0; i < j->nr_gens; i++) {
		u32 end = i == j->gen ? j->nr_sites : j->gens[i].used_sites;

		for (u32 n = j->gens[i].sites; n < end; n++)
			if (j->sites[n].page && j->sites[n].to)
				jit_forget_link(j, n);
	}
	memset(j->pages, 0, TLB_PAGES * sizeof(j->pages[0]));
	for (c = NULL; (c = tlb_next_code(j->cache->mem, c));)
		memset(c->page, 0, sizeof(c->page));
}

static u32 page_hash(gva_t page, u64 addend, u32 of)
{
	return (u32)(((page >> PAGE_SHIFT) ^ (addend >> PAGE_SHIFT) * JIT_JUMP_FACTOR) % of);
}

/* None is all zero: no frame is at the host's address 0. */
static bool is_free(const struct jit_page *p)
{
	return !(p->page | p->addend);
}

/* The number of @page, which is at @addend now. */
static u32 page_number(struct jit *j, gva_t page, u64 addend)
{
	u32 i = page_hash(page, addend, TLB_PAGES);

	for (unsigned tries = 0; tries < 32; tries++, i = (i + 1) % TLB_PAGES) {
		struct jit_page *p = &j->pages[i];

		if (!i)
			continue;
		if (is_free(p))
			*p = (struct jit_page){page, addend};
		if (p->page == page && p->addend == addend)
			return i;
	}
	forget_pages(j);
	return page_number(j, page, addend);
}

u32 jit_seam_number(struct jit *j, gva_t page, u64 addend)
{
	u32 i = page_hash(page, addend, TLB_SEAMS);

	for (unsigned tries = 0; tries < 32; tries++, i = (i + 1) % TLB_SEAMS) {
		struct jit_page *p = &j->pages[TLB_PAGES + i];

		if (is_free(p))
			*p = (struct jit_page){page, addend};
		if (p->page == page && p->addend == addend)
			return TLB_PAGES + i;
	}
	return 0;
}

static u32 off_page(const struct jit *j, u32 n)
{
	return (u32)code_mem(j, offsetof(struct tlb_code, page) + n).disp;
}

/* The page of @u is where it was: somebody has just looked. */
static u32 know_page(struct jit *j, const struct jit_unit *u)
{
	gva_t rip = u->block->rip;
	u32 n = page_number(j, rip & PAGE_MASK, (u64)u->block->host - rip);

	tlb_note_code(j->cache->mem, rip);
	tlb_code(&j->cpu->tlb)->page[n] = 1;
	return off_page(j, n);
}

int jit_check_seam(struct cpu *cpu, u64 n)
{
	const struct jit_page *p = &cpu->code->jit->pages[n];

	if (exec_lookup(cpu, p->page) != (const u8 *)(p->page + p->addend))
		return -1;
	tlb_note_code(cpu->mem, p->page);
	tlb_code(&cpu->tlb)->page[n] = 1;
	return 0;
}

int jit_check_page(struct cpu *cpu, u64 site)
{
	const struct jit *j = cpu->code->jit;
	u32 off;

	if (!j->sites[site].to)
		return -1;
	memcpy(&off, j->write + j->sites[site].page, 4);
	return jit_check_seam(cpu, off - off_page(j, 0));
}

/* Whether the unit of @s up to there has been on the page of @to, and found it where @to is. */
static bool knows_frame(const struct jit *j, const struct jit_site *s, const struct block *to)
{
	const struct jit_unit *u = &j->units[s->unit];
	u32 last = (u32)(jit_part_of(j, u, s->k) - j->parts);

	for (u32 p = u->parts; p <= last; p++)
		if (jit_frame_at(j->parts[p].block, to->rip) == to->pfn[0])
			return true;
	return false;
}

void jit_link(struct jit *j, u32 site, struct jit_unit *u)
{
	struct jit_site *s = &j->sites[site];
	u32 page = s->page ? know_page(j, u) : 0;

	if (s->to == (u32)(u - j->units) && s->page && !memcmp(j->write + s->page, &page, 4))
		return; /* only the page was not known */
	if (s->to)
		jit_forget_link(j, site);
	if (j->units[s->unit].dead || j->one_unit)
		return;
	/* A jump to a page that the unit has been on takes its mapping for granted. */
	if (!s->page && !knows_frame(j, s, u->block))
		return;
	if (s->page)
		memcpy(j->write + s->page, &page, sizeof(page));
	emit_patch(j->write + s->jump, j->write + u->code);
	list_link(j, site, u);
	j->count.links++;
}

u32 jit_remember(struct jit *j, struct cpu *cpu, const struct jit_unit *u)
{
	struct tlb_code *c = tlb_code(&cpu->tlb);
	u64 code = (u64)(j->exec + u->code);
	gva_t rip = u->block->rip;
	u32 i = jit_jump_hash(rip);

	if (c->rip[i] == rip && c->code[i] == code)
		return i;
	c->rip[i] = rip;
	c->code[i] = code;
	tlb_note_code(cpu->mem, rip);
	return i;
}

/* An empty entry is all zero: only the first could be taken for one of address 0. */
static void forget_jump(struct tlb_code *c, u32 i)
{
	c->rip[i] = i == 0;
}

static void forget_target(struct jit *j, const struct jit_unit *u)
{
	u32 i = jit_jump_hash(u->block->rip);
	struct tlb_code *c;

	for (c = NULL; (c = tlb_next_code(j->cache->mem, c));)
		if (c->rip[i] == u->block->rip)
			forget_jump(c, i);
}

void jit_settle_jumps(struct cpu *cpu)
{
	struct tlb_code *c = tlb_code(&cpu->tlb);

	if (likely(!c->stale))
		return;
	c->stale = false;
	if (c->used) {
		memset(c->rip, 0, sizeof(c->rip));
		memset(c->page, 0, sizeof(c->page));
	}
	c->used = true;
	forget_jump(c, 0);
}

void jit_code_goes(struct jit *j)
{
	struct tlb_code *c;

	for (c = NULL; (c = tlb_next_code(j->cache->mem, c));)
		c->stale = true;
}

static struct jit_unit *make(struct jit *j, struct cpu *cpu, struct block *b,
			     const struct jflags *ctx, u8 tier)
{
	struct jit_unit *u = jit_translate(j, cpu, b, ctx, tier);

	if (tier == JIT_FIRST)
		cpu->jit.way[jit_way_hash(b->rip)] = (struct jit_way){.from = b->rip};
	if (u && b->insn[0].fn != jit_op_run)
		b->insn[0].fn = jit_op_run;
	return u;
}

static struct jit_unit *find(const struct jit *j, const struct block *b, const struct jflags *ctx,
			     u8 tier, unsigned *versions)
{
	*versions = 0;
	for (u32 n = b->units; n; n = j->units[n].next) {
		if (j->units[n].tier != tier)
			continue;
		if (jflags_equal(&j->units[n].ctx, ctx))
			return &j->units[n];
		*versions += j->units[n].n != 0; /* not an adapter */
	}
	return NULL;
}

/* Whether @b is translated, or is to be now that translated code has come to it. */
static bool hot_by_jump(const struct jit *j, struct block *b)
{
	return b->insn[0].fn == jit_op_run || (b->heat += JIT_HEAT_CHAINED) >= j->hot;
}

int jit_find_jump(struct cpu *cpu, gva_t rip)
{
	struct jit *j = cpu->code->jit;
	struct block *b = block_seen(cpu, rip);
	struct jit_unit *u = NULL;

	if (b && b->first_fn && !(j->lock && j->lock->off) && hot_by_jump(j, b))
		u = jit_general(j, cpu, b);
	return u ? (int)jit_remember(j, cpu, u) : -1;
}

static const struct jflags lazy = {.kind = JF_LAZY};

/* Its trace, or it alone. */
static struct jit_unit *find_best(const struct jit *j, const struct block *b,
				  const struct jflags *ctx, unsigned *versions)
{
	unsigned first;
	struct jit_unit *u = find(j, b, ctx, JIT_TRACE, versions);

	if (!u)
		u = find(j, b, ctx, JIT_FIRST, &first);
	if (!u)
		*versions += first;
	return u;
}

/* A trace only where there is none already, or it would be one block. */
static u8 first_tier(const struct jit *j, const struct block *b)
{
	for (u32 n = b->units; n; n = j->units[n].next)
		if (j->units[n].tier == JIT_TRACE && j->units[n].n)
			return JIT_TRACE;
	return !j->one_unit && jit_may_go_on(j, b) ? JIT_FIRST : JIT_TRACE;
}

struct jit_unit *jit_general(struct jit *j, struct cpu *cpu, struct block *b)
{
	unsigned versions;
	struct jit_unit *u;

	if (b->general)
		return &j->units[b->general];
	u = find_best(j, b, &lazy, &versions);
	if (!u)
		u = make(j, cpu, b, &lazy, first_tier(j, b));
	b->general = u ? (u32)(u - j->units) : 0;
	return u;
}

struct jit_unit *jit_hotter(struct jit *j, struct cpu *cpu, struct jit_unit *u)
{
	struct jflags ctx = u->ctx;
	struct jit_unit *trace;
	unsigned versions;
	u32 site;

	if (u->dead)
		return NULL;
	trace = find(j, u->block, &ctx, JIT_TRACE, &versions);
	if (!trace)
		trace = make(j, cpu, u->block, &ctx, JIT_TRACE);
	if (!trace)
		return NULL;
	while ((site = u->first_in)) {
		jit_forget_link(j, site);
		jit_link(j, site, trace);
	}
	forget_target(j, u);
	jit_forget_unit(j, u);
	return trace;
}

struct jit_unit *jit_plainer(struct jit *j, struct cpu *cpu, const struct jit_site *s)
{
	const struct jit_unit *u = &j->units[s->unit];
	struct block *b = jit_part_of(j, u, s->k)->block;
	struct jflags ctx = s->fl;
	u8 tier = !s->k && u->nr_parts > 1 ? JIT_BLOCK : JIT_PLAIN;
	struct jit_unit *plainer;
	unsigned versions;

	plainer = find(j, b, &ctx, tier, &versions);
	return plainer ? plainer : make(j, cpu, b, &ctx, tier);
}

/* A unit of no instructions: makes @ctx to JF_LAZY and goes to @u. */
static struct jit_unit *make_adapter(struct jit *j, const struct jflags *ctx, struct jit_unit *u)
{
	struct tr *t = &j->tr;
	u32 site;

	if (!jit_has_room(j, 0, 0))
		return NULL;
	memset(t, 0, offsetof(struct tr, cold));
	t->j = j;
	t->b = u->block;
	jit_begin_state(t, ctx);
	t->parts[t->nr_parts++].block = u->block;
	t->parts[0].first = 0;
	t->need_in = true;
	t->e.p = j->next;
	t->unit = j->nr_units++;
	t->u = &j->units[t->unit];
	*t->u = (struct jit_unit){.block = u->block,
				  .rip = u->block->rip,
				  .pfn = u->block->pfn[0],
				  .ctx = *ctx,
				  .code = (u32)(j->next - j->write)};
	jit_fl_to_lazy(t);
	jit_end_goto(t, u->block->rip);
	site = j->nr_sites - 1;
	jit_end_unit(t);
	jit_link(j, site, u);
	return t->u;
}

struct jit_unit *jit_follow(struct jit *j, struct cpu *cpu, u32 site, const struct jflags *fl)
{
	struct block *b = cpu->block;
	struct jit_unit *u;
	unsigned versions;

	if (!b->first_fn || (j->lock && j->lock->off))
		return NULL;
	if (!hot_by_jump(j, b))
		return NULL;
	u = find_best(j, b, fl, &versions);
	if (!u && versions < JIT_MAX_VERSIONS)
		u = make(j, cpu, b, fl, first_tier(j, b));
	if (!u) {
		u = jit_general(j, cpu, b);
		if (u && !jflags_equal(fl, &lazy))
			u = make_adapter(j, fl, u);
	}
	if (!u)
		return NULL;
	b->insn[0].fn = jit_op_run;
	jit_link(j, site, u);
	return u;
}

/* Takes @part out of its block's list. */
static void unlist_part(struct jit *j, u32 part)
{
	u32 *p = &j->parts[part].block->parts;

	while (*p != part)
		p = &j->parts[*p].next;
	*p = j->parts[part].next;
}

void jit_forget_unit(struct jit *j, struct jit_unit *u)
{
	u32 nr = (u32)(u - j->units), *p = &u->block->units;

	while (*p != nr)
		p = &j->units[*p].next;
	*p = u->next;
	if (u->block->general == nr)
		u->block->general = 0;
	while (u->first_in)
		jit_forget_link(j, u->first_in);
	for (u32 i = 0; i < u->nr_parts; i++)
		unlist_part(j, u->parts + i);
	u->dead = true;
	if (u->tier == JIT_TRACE ||
	    !u->block->units) { /* whatever else there is of it; if it runs on, it is soon back */
		u->block->insn[0].fn = jit_op_heat;
		u->block->heat = (s16)(j->hot / 2);
	}
	if (j->calling == nr)
		jit_mini(j)->dead = true;
}

void jit_forget_cpu(struct jit *j, const struct cpu *cpu)
{
	if (j->cpu == cpu)
		j->cpu = NULL;
}

/* Code that has changed often is translated later, up to 15 times. */
#define FREE_CHANGES 16
static s16 first_heat(const struct jit *j, const struct block *b)
{
	int n = (int)code_changes_of(j->cache, b->host) - FREE_CHANGES;

	return (s16)(n > 0 ? -n * (j->hot - 1) / 16 : 0);
}

void jit_drop(struct jit *j, struct block *b)
{
	struct jit_unit *u;

	while (b->parts) {
		u = &j->units[j->parts[b->parts].unit];
		forget_target(j, u);
		jit_forget_unit(j, u);
		j->count.dropped++;
		/* The others stay, but what becomes of the one that changed must be seen first. */
		if (u->block != b && u->tier == JIT_TRACE)
			u->block->heat = first_heat(j, b);
	}
}

void jit_adopt(struct jit *j, struct block *b)
{
	const struct insn *last = &b->insn[b->n - 1];

	/* What only leaves again is better off where it is. */
	if (b->n == 1 && (last->row == NO_ROW || (insn_rows[last->row].attr & ENDS)) &&
	    (last->row == NO_ROW || jit_rule_of(j, last->row)->kind == RULE_NONE))
		return;
	b->heat = first_heat(j, b);
	b->first_fn = b->insn[0].fn;
	b->insn[0].fn = jit_op_heat;
}
