/* Generations: the code memory and the tables are cut into some parts, filled one after the other, round and round.
 * When the running one is full, the oldest is emptied: units that are still hot are made again at once, others are
 * gone for good, and what is younger stays.
 *
 *	stubs | gen 0 | gen 1 | gen 2 | ... | gen n-1		code, by offset; units, sites and traps, by number
 *	          ^ next      running: jit.next .. limit
 *
 * A part of a table is as large as its share of the code, so one of them may be full first.
 */
#include "base/bug.h"
#include "cpu/jit/run.h"

/* The running generation is @g from now on, and empty. */
static void begin_gen(struct jit *j, u32 g)
{
	const struct jit_gen *gen = &j->gens[g];

	j->gen = g;
	j->next = j->write + gen->code;
	j->limit = j->write + gen->code_end;
	j->nr_units = gen->units;
	j->nr_sites = gen->sites;
	j->nr_traps = gen->traps;
	j->nr_parts = gen->parts;
	j->max_units = gen->units_end;
	j->max_sites = gen->sites_end;
	j->max_traps = gen->traps_end;
	j->max_parts = gen->parts_end;
	j->full = false;
}

/* How far it was filled. */
static void end_gen(struct jit *j)
{
	struct jit_gen *gen = &j->gens[j->gen];

	gen->used_units = j->nr_units;
	gen->used_sites = j->nr_sites;
	gen->used_traps = j->nr_traps;
}

void jit_make_gens(struct jit *j, u32 units, u32 sites, u32 traps, u32 parts)
{
	u64 code = (u64)(j->first - j->write), part;
	u32 n = (u32)min((j->size - code) / JIT_LEAST_GEN, (u64)JIT_MAX_GENS);

	part = ((j->size - code) / n) & ~63UL;
	code = (code + 63) & ~63UL;
	for (u32 i = 0; i < n; i++)
		j->gens[i] = (struct jit_gen){
			.code = (u32)(code + i * part),
			.code_end = (u32)min(code + (i + 1) * part, j->size),
			.units = i ? units / n * i : 1, /* 0 is none */
			.units_end = units / n * (i + 1),
			.sites = i ? sites / n * i : 1,
			.sites_end = sites / n * (i + 1),
			.traps = i ? traps / n * i : 1,
			.traps_end = traps / n * (i + 1),
			.parts = i ? parts / n * i : 1,
			.parts_end = parts / n * (i + 1),
		};
	j->nr_gens = n;
}

const struct jit_gen *jit_gen_at(const struct jit *j, u32 at)
{
	for (u32 i = 0; i < j->nr_gens; i++)
		if (at >= j->gens[i].code && at < j->gens[i].code_end)
			return &j->gens[i];
	BUG("jit: no code is there");
}

void jit_reset(struct jit *j)
{
	for (u32 i = 0; i < j->nr_gens; i++) {
		struct jit_gen *gen = &j->gens[i];

		gen->used_units = gen->units;
		gen->used_sites = gen->sites;
		gen->used_traps = gen->traps;
	}
	begin_gen(j, 0);
}

static void empty_gen(struct jit *j, const struct jit_gen *gen)
{
	for (u32 n = gen->units; n < gen->used_units; n++) {
		struct jit_unit *u = &j->units[n];

		if (u->dead)
			continue;
		jit_forget_unit(j, u);
		j->count.evicted++;
	}
	for (u32 n = gen->sites; n < gen->used_sites; n++)
		if (j->sites[n].to)
			jit_forget_link(j, n);
}

void jit_evict(struct jit *j)
{
	u32 next = (j->gen + 1) % j->nr_gens;
	const struct jit_gen *oldest = &j->gens[next];

	jit_code_goes(j);
	end_gen(j);
	if (oldest->used_units > oldest->units) {
		empty_gen(j, oldest);
		j->count.evictions++;
	}
	begin_gen(j, next);
}

/* Blocks go, too: all of them, between two. */
void jit_flush(struct jit *j)
{
	jit_code_goes(j);
	jit_reset(j);
	memset(j->pages + TLB_PAGES, 0, TLB_SEAMS * sizeof(j->pages[0]));
	j->count.flushes++;
}
