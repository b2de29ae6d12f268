/* Builds, finds, links and drops blocks: everything of block.h that a jump does not do inline. Not for:
 * what bytes mean (decode.c), memory for the arena (cpu.c). */
#include "cpu/block.h"
#include "cpu/interp.h"
#include "cpu/jit/jit.h"
#include "cpu/model.h"
#include "mm/memory.h"
#include "mm/page.h"

#include <string.h>

#define BLOCK_BYTES (sizeof(struct block) + (BLOCK_MAX + 1) * sizeof(struct insn))

/* What a block is made from: one or two pieces of host memory. */
struct code_window {
	gva_t rip;
	const u8 *host;	 /* of rip */
	unsigned len;	 /* bytes up to the end of the page */
	const u8 *host2; /* next page; NULL until an instruction needs it */
	u8 joined[15];	 /* an instruction that crosses */
};

static void op_again(struct cpu *cpu, const struct insn *in __unused)
{
	if (unlikely(jit_leaves(cpu)))
		return;
	GOTO(cpu, block_enter(cpu));
}

static void op_stopped(struct cpu *cpu __unused, const struct insn *in __unused)
{
}

static const struct insn insn_stopped = {.fn = op_stopped};

/* Behind the last instruction of a block that ends without a jump. */
static void op_fall_slow(struct cpu *cpu, const struct insn *in)
{
	GOTO(cpu, block_goto(cpu, 0, cpu->regs.rip + (s64)in->off));
}

static void op_fall(struct cpu *cpu, const struct insn *in)
{
	GOTO_LINK(cpu, in, 0, op_fall_slow);
}

/* An encoding that raises an exception: #UD or #GP(0). */
static void op_bad(struct cpu *cpu, const struct insn *in)
{
	cpu_raise(cpu, in, in->reg, 0);
	cpu->exit.unsupported = (const char *)in->imm;
}

void code_cache_setup(struct code_cache *c, struct memory *mem, void *arena, u64 size)
{
	c->mem = mem;
	c->arena = c->arena_next = arena;
	c->arena_end = c->arena + size;
	c->again.fn = op_again;
	decoder_init(&c->decoder);
}

/* Neighbours in the code are neighbours in the table, of which a short program touches little; and each 32 bytes
 * of code, where few blocks begin, have an entry of their own, up to 4 MiB. */
static unsigned hash_host(const u8 *host)
{
	u64 h = (u64)host >> 5;

	return (h ^ (h >> 17)) & (NR_HASH - 1);
}

/* Forgets all blocks, between two of them. Frames stay marked until they change; that costs one
 * call of code_cache_dirty() each. */
static void flush(struct code_cache *c)
{
	if (c->jit)
		jit_flush(c->jit);
	memset(c->jumps, 0, sizeof(c->jumps));
	memset(c->hash, 0, sizeof(c->hash));
	memset(c->frames, 0, sizeof(c->frames));
	memset(c->lines, 0, sizeof(c->lines));
	c->arena_next = c->arena;
	c->count.cache_flushes++;
	thunk_flush(c);
}

static void unhash(struct code_cache *c, struct block *b)
{
	struct block **p = &c->hash[hash_host(b->host)];

	while (*p && *p != b)
		p = &(*p)->hash_next;
	if (*p)
		*p = b->hash_next;
}

/* The list through @b for frame @pfn. */
static struct block **frame_link(struct block *b, pfn_t pfn)
{
	return &b->frame_next[b->pfn[0] % NR_FRAMES == pfn % NR_FRAMES ? 0 : 1];
}

static void unlist(struct code_cache *c, struct block *b, pfn_t pfn)
{
	struct block **p = &c->frames[pfn % NR_FRAMES];

	while (*p && *p != b)
		p = frame_link(*p, pfn);
	if (*p)
		*p = *frame_link(b, pfn);
}

static void drop(struct code_cache *c, struct block *b)
{
	unhash(c, b);
	unlist(c, b, b->pfn[0]);
	if (b->pfn[1] != NO_PFN && b->pfn[1] % NR_FRAMES != b->pfn[0] % NR_FRAMES)
		unlist(c, b, b->pfn[1]);
	if (c->jit)
		jit_drop(c->jit, b);
	b->dead = true;
	b->link[0] = b->link[1] = NULL;
	b->host = NO_HOST; /* no jump-cache entry matches any more, not even a failed look-up's */
	c->count.blocks_dropped++;
}

/* ---- Changed bytes ------------------------------------------------------------------------------------ */

#define LINE_SHIFT 6

/* Bits of the lines that bytes [off, end) of a page lie in. */
static u64 lines_of(unsigned off, unsigned end)
{
	unsigned first = off >> LINE_SHIFT, last = (end - 1) >> LINE_SHIFT;

	return (~0UL >> (63 - last)) & (~0UL << first);
}

/* Bytes that @b was made from. What is no instruction may have been looked at as far as one can reach. */
static unsigned block_bytes(const struct block *b)
{
	const struct insn *last = &b->insn[b->n - 1];
	unsigned len = last->row == NO_ROW ? 15 : last->len;

	return b->base + (u64)(s64)last->off + len - b->rip;
}

/* Its bytes in frame @i: [*off, *end) of the page. */
static void block_range(const struct block *b, unsigned i, unsigned *off, unsigned *end)
{
	unsigned to = page_offset(b->rip) + block_bytes(b);

	*off = i ? 0 : page_offset(b->rip);
	*end = i ? to - PAGE_SIZE : min(to, (unsigned)PAGE_SIZE);
}

/* Lines of frame @pfn with bytes of @b; *hit: bytes [from, to) are among them. */
static u64 lines_in(const struct block *b, pfn_t pfn, unsigned from, unsigned to, bool *hit)
{
	unsigned off, end;
	u64 lines = 0;

	*hit = false;
	for (unsigned i = 0; i < 2; i++) {
		if (b->pfn[i] != pfn)
			continue;
		block_range(b, i, &off, &end);
		lines |= lines_of(off, end);
		*hit = *hit || (off < to && from < end);
	}
	return lines;
}

unsigned code_changes_of(const struct code_cache *c, const u8 *host)
{
	return c->changed[((u64)host >> LINE_SHIFT) % NR_CHANGED];
}

static void count_change(struct code_cache *c, const struct block *b)
{
	u8 *n = &c->changed[((u64)b->host >> LINE_SHIFT) % NR_CHANGED];

	*n += *n < 0xff;
}

/* Blocks of @pfn that stay lead to none that has gone. */
static void unlink_dead(struct code_cache *c, pfn_t pfn)
{
	for (struct block *b = c->frames[pfn % NR_FRAMES]; b; b = *frame_link(b, pfn))
		for (unsigned i = 0; i < 2; i++)
			if (b->link[i] && b->link[i]->dead)
				b->link[i] = NULL;
}

/* No block has bytes in the lines of these, as far as can be said without a search. */
static bool is_beside(const struct code_cache *c, pfn_t pfn, unsigned off, unsigned len)
{
	return !(c->lines[pfn % NR_FRAMES] & lines_of(off, off + len));
}

/* Lines are shared by frames with the same list, and what a flush leaves is marked still: now and then it is worth
 * looking whether the frame has code at all. */
#define LOOK_EACH 64

void code_cache_dirty(void *cache, struct page *page, unsigned off, unsigned len)
{
	struct code_cache *c = cache;
	pfn_t pfn = page - c->mem->mem_map;
	struct block *b = c->frames[pfn % NR_FRAMES], *next;
	u64 dropped = c->count.blocks_dropped, lines = 0;
	bool left = false, hit;

	if (is_beside(c, pfn, off, len) && len < PAGE_SIZE && ++c->beside % LOOK_EACH) {
		c->count.changes_beside++;
		return;
	}
	for (; b; b = next) {
		u64 mine = lines_in(b, pfn, off, off + len, &hit);

		next = *frame_link(b, pfn);
		if (hit) {
			count_change(c, b);
			drop(c, b);
			continue;
		}
		left = left || mine;
		for (unsigned i = 0; i < 2; i++) {
			unsigned from, to;

			if (b->pfn[i] == NO_PFN || b->pfn[i] % NR_FRAMES != pfn % NR_FRAMES)
				continue;
			block_range(b, i, &from, &to);
			lines |= lines_of(from, to);
		}
	}
	c->lines[pfn % NR_FRAMES] = lines;
	if (left && c->count.blocks_dropped == dropped)
		c->count.changes_beside++;
	if (!left)
		page->flags &= ~BIT(PG_code);
	else if (c->count.blocks_dropped != dropped)
		unlink_dead(c, pfn);
}

/* Marks the frame and lists @b under it. */
static void add_frame(struct code_cache *c, struct block *b, unsigned i, pfn_t pfn)
{
	struct page *page = c->mem->mem_map + pfn;
	struct block **head = &c->frames[pfn % NR_FRAMES];
	unsigned off, end;

	b->pfn[i] = pfn;
	block_range(b, i, &off, &end);
	c->lines[pfn % NR_FRAMES] |= lines_of(off, end);
	if (i == 0 || pfn % NR_FRAMES != b->pfn[0] % NR_FRAMES) {
		b->frame_next[i] = *head;
		*head = b;
	}
	if (!(page->flags & BIT(PG_code))) {
		page->flags |= BIT(PG_code);
		tlb_protect_frame(c->mem, page);
	}
}

/* Translates for fetching; NULL: #PF or #GP is raised, rip is at the instruction. */
static const u8 *fetch_page(struct cpu *cpu, gva_t addr)
{
	const u8 *host = exec_lookup(cpu, addr);
	void *filled;
	u32 err;

	if (likely(host))
		return host;
	if (!canonical(addr)) {
		cpu_raise(cpu, NULL, X86_GP, 0);
		return NULL;
	}
	err = tlb_fill(&cpu->tlb, addr, TLB_EXEC, PF_USER, &filled);
	if (err & TLB_FAULT) {
		cpu_raise_page_fault(cpu, NULL, addr, err & ~TLB_FAULT);
		return NULL;
	}
	return filled;
}

/* Whether @in, of @row, which changes flags, may store, perhaps into what follows it: that is then decoded anew. True
 * of cmp and test, too, which seldom have flags that nobody reads. */
static bool may_store(const struct insn *in, const struct insn_row *row)
{
	return (in->flags & IN_MEM) && !(row->attr & SWAP);
}

/* Flags that nobody reads before they are written again. An instruction that may fault or stop
 * shows all of them, and one that stores its own: who reads them may be what it stores. */
static void mark_dead_flags(struct block *b)
{
	u32 live = F_OSZAPC;

	for (struct insn *in = b->insn + b->n; in-- > b->insn;) {
		const struct insn_row *row;
		u32 changed;
		bool may_stop;

		if (in->row == NO_ROW) { /* op_bad */
			live = F_OSZAPC;
			continue;
		}
		row = &insn_rows[in->row];
		changed = (row->writes | row->undefined) & F_OSZAPC;
		may_stop =
			!(row->attr & NOFAULT) || ((in->flags & IN_MEM) && !(row->attr & NOACCESS));
		if (changed && !(live & changed) && !may_store(in, row))
			insn_flags_dead(in);
		live = may_stop ? F_OSZAPC : (live & ~changed) | row->reads;
	}
}

/* An encoding that faults becomes a block of one instruction, op_bad. */
static void bind_bad(struct insn *in, const struct decoded *d, gva_t rip, gva_t base)
{
	memset(in, 0, sizeof(*in));
	in->fn = op_bad;
	in->reg = d->vector;
	in->imm = (u64)d->unsupported;
	in->off = (s16)(rip - base);
	in->len = d->len;
	in->row = NO_ROW;
}

/* Base against which displacements of RIP-relative operands fit 32 bits. */
static gva_t insn_base(const struct decoded *d, gva_t rip)
{
	gva_t page = rip & PAGE_MASK;
	s64 disp = d->disp + (s64)(rip - page) + d->len;

	return d->base == OFF_RIP && disp != (s32)disp ? rip + d->len : page;
}

static void bind_terminator(struct block *b, gva_t rip)
{
	struct insn *in = &b->insn[b->n];

	memset(in, 0, sizeof(*in));
	in->fn = op_fall;
	in->off = (s16)(rip - b->base);
}

/* Decodes one instruction at w->rip, over the page's end if need be.
 * 0; 1: it crosses and is not the block's first; -1: fetch fault raised. */
static int fetch_insn(struct cpu *cpu, struct code_window *w, bool first, struct decoded *d)
{
	const struct decoder *dec = &cpu->code->decoder;
	u64 feats = cpu_features(cpu);

	if (decode(dec, feats, w->host, w->len < 15 ? w->len : 15, d) != DECODE_MORE)
		return 0;
	if (!first)
		return 1;
	w->host2 = fetch_page(cpu, (w->rip | ~PAGE_MASK) + 1);
	if (!w->host2)
		return -1;
	memcpy(w->joined, w->host, w->len);
	memcpy(w->joined + w->len, w->host2, 15 - w->len);
	decode(dec, feats, w->joined, 15, d);
	return 0;
}

/* A repeated string instruction ends its block, so that the budget can run out inside it. */
static bool ends_block(const struct insn_row *row, const struct insn *in)
{
	return (row->attr & ENDS) || ((row->attr & REPS) && (in->flags & (IN_REP | IN_REPNE)));
}

/* Fills @b from @w. False: fetch fault raised. */
static bool fill_block(struct cpu *cpu, struct block *b, struct code_window *w)
{
	unsigned most = b->mode & MODE_SINGLE ? 1 : BLOCK_MAX;
	struct decoded d;
	gva_t base;
	int err;

	while (b->n < most && w->len) {
		struct insn *in = &b->insn[b->n];

		err = fetch_insn(cpu, w, b->n == 0, &d);
		if (err)
			return err > 0 ? bind_terminator(b, w->rip), true : false;
		base = insn_base(&d, w->rip);
		if (b->n && (base != b->base || d.row == NO_ROW))
			break;
		b->base = base;
		b->n++;
		if (d.row == NO_ROW) {
			bind_bad(in, &d, w->rip, base);
			return true;
		}
		insn_bind(&d, w->rip, base, b->mode & MODE_CAREFUL, in);
		if ((insn_rows[d.row].attr & THUNK) && thunk_bind(cpu->code, &d, in)) {
			b->n--;
			break;
		}
		w->rip += d.len;
		w->host += d.len;
		w->len = w->len > d.len ? w->len - d.len : 0;
		if (ends_block(&insn_rows[d.row], in) || base != (b->rip & PAGE_MASK))
			break;
	}
	bind_terminator(b, w->rip);
	return true;
}

static struct block *build(struct cpu *cpu, gva_t rip, const u8 *host, u8 mode)
{
	struct code_cache *c = cpu->code;
	struct code_window w = {.rip = rip, .host = host, .len = PAGE_SIZE - page_offset(rip)};
	struct block *b;

	if ((u64)(c->arena_end - c->arena_next) < BLOCK_BYTES)
		flush(c);
again:
	b = (struct block *)c->arena_next;
	memset(b, 0, sizeof(*b));
	b->rip = rip;
	b->base = rip & PAGE_MASK;
	b->host = host;
	b->mode = mode;
	if (!fill_block(cpu, b, &w))
		return NULL;
	if (!b->n) { /* no room for host code */
		flush(c);
		goto again;
	}
	mark_dead_flags(b);
	b->pfn[1] = NO_PFN;
	add_frame(c, b, 0, virt_to_pfn(c->mem, host));
	if (w.host2)
		add_frame(c, b, 1, virt_to_pfn(c->mem, w.host2));
	b->hash_next = c->hash[hash_host(host)];
	c->hash[hash_host(host)] = b;
	c->arena_next += sizeof(*b) + (b->n + 1) * sizeof(struct insn);
	if (c->jit && !mode)
		jit_adopt(c->jit, b);
	c->count.blocks_decoded++;
	c->count.insns_decoded += b->n;
	return b;
}

/* A block that crosses is good while its second page is where it was. */
static struct block *check_crossing(struct cpu *cpu, struct block *b)
{
	const u8 *host2 = fetch_page(cpu, (b->rip | ~PAGE_MASK) + 1);

	if (!host2)
		return NULL;
	if (virt_to_pfn(cpu->mem, host2) == b->pfn[1])
		return b;
	drop(cpu->code, b);
	return build(cpu, b->rip, fetch_page(cpu, b->rip), b->mode);
}

struct block *block_known(const struct code_cache *c, gva_t rip, const u8 *host)
{
	for (struct block *b = c->hash[hash_host(host)]; b; b = b->hash_next)
		if (b->host == host && b->rip == rip && !b->mode)
			return b;
	return NULL;
}

/* The block at @rip, made if need be. NULL: fetch fault raised. */
static struct block *find(struct cpu *cpu, gva_t rip, u8 mode)
{
	const u8 *host = fetch_page(cpu, rip);
	struct block *b;

	if (!host)
		return NULL;
	for (b = cpu->code->hash[hash_host(host)]; b; b = b->hash_next)
		if (b->host == host && b->rip == rip && b->mode == mode)
			return b->pfn[1] == NO_PFN ? b : check_crossing(cpu, b);
	return build(cpu, rip, host, mode);
}

struct block *block_seen(struct cpu *cpu, gva_t rip)
{
	const u8 *host = exec_lookup(cpu, rip);
	struct block *b = host ? cpu->code->hash[hash_host(host)] : NULL;

	while (b && (b->host != host || b->rip != rip || b->mode || b->pfn[1] != NO_PFN))
		b = b->hash_next;
	return b;
}

static void remember_jump(struct code_cache *c, struct block *b)
{
	struct jump *j = &c->jumps[jump_hash(b->rip)];

	if (b->pfn[1] != NO_PFN || (b->mode & MODE_SINGLE))
		return;
	j->rip = b->rip;
	j->block = b;
}

static const struct insn *stop_here(struct cpu *cpu, enum cpu_stop why)
{
	cpu->exit.why = why;
	cpu->stopped = true;
	return &insn_stopped;
}

const struct insn *block_enter(struct cpu *cpu)
{
	bool step = cpu->single_step || (cpu->regs.flags & F_TF);
	u8 mode = (step ? MODE_SINGLE : 0) | (cpu->regs.flags & F_AC ? MODE_CAREFUL : 0);
	struct block *b;

	cpu->block = NULL;
	if (unlikely(step))
		debug_resumed(cpu);
	if (unlikely(cpu->trap)) {
		debug_raise(cpu);
		return &insn_stopped;
	}
	if (unlikely(cpu->interrupt)) {
		cpu->interrupt = 0;
		interrupt_settle(cpu);
		return stop_here(cpu, CPU_INTERRUPTED);
	}
	if (cpu->budget <= 0)
		return stop_here(cpu, CPU_BUDGET);
	if (unlikely(step) && cpu->debug.armed && !debug_fetch(cpu))
		return &insn_stopped;
	b = find(cpu, cpu->regs.rip, mode);
	if (b && b->n > cpu->budget)
		b = find(cpu, cpu->regs.rip, mode | MODE_SINGLE);
	if (!b)
		return &insn_stopped;
	cpu->trap = cpu->regs.flags & F_TF;
	remember_jump(cpu->code, b);
	return block_run(cpu, b);
}

const struct insn *block_goto(struct cpu *cpu, unsigned slot, gva_t target)
{
	struct block *from = cpu->block;
	u64 flushes = cpu->code->count.cache_flushes;
	const struct insn *in;
	bool linkable = !from->dead && !(from->mode & MODE_SINGLE) && from->pfn[1] == NO_PFN &&
			from->base == (target & PAGE_MASK);

	if (!linkable)
		return block_jump(cpu, target);
	cpu->regs.rip = target;
	in = block_enter(cpu);
	/* The arena may have been flushed while the target was built, and @from is gone then. */
	if (!cpu->stopped && cpu->code->count.cache_flushes == flushes && !from->dead &&
	    cpu->block->mode == from->mode && cpu->block->pfn[1] == NO_PFN &&
	    cpu->block->base == from->base) {
		from->link[slot] = cpu->block;
		cpu->code->count.links++;
	}
	return in;
}
