/* The TLB as its header describes it, written down as directly as possible: every look-up and
 * flush looks at everything, nothing is shared with src/mm. Counts what tlb.c must count. */
#include "tlb_model.h"

#include <stdlib.h>

#define SPACES 8

struct entry {
	bool valid, writable, executable;
	unsigned mm;
	u64 page, used;
};

struct model {
	struct tlb_geometry geo;
	struct entry l1[SPACES][4096];
	struct entry l2[4096][16];
	int space_mm[SPACES]; /* whose table it is; -1: nobody's */
	u64 space_used[SPACES];
	int space;
	u64 time;
	struct tlb_counters count;
};

struct model *model_new(const struct tlb_geometry *geo)
{
	struct model *md = calloc(1, sizeof(*md));

	md->geo = *geo;
	md->space = -1;
	for (int i = 0; i < SPACES; i++)
		md->space_mm[i] = -1;
	return md;
}

void model_free(struct model *md)
{
	free(md);
}

const struct tlb_counters *model_counters(const struct model *md)
{
	return &md->count;
}

void model_switch(struct model *md, unsigned mm)
{
	int take = 0;

	for (int i = 0; i < SPACES; i++)
		if (md->space_used[i] < md->space_used[take])
			take = i;
	for (int i = 0; i < SPACES; i++)
		if (md->space_mm[i] == (int)mm)
			take = i;
	if (md->space_mm[take] != (int)mm)
		for (u32 i = 0; i < md->geo.l1_entries; i++)
			md->l1[take][i].valid = false;
	if (md->space == take && md->space_mm[take] == (int)mm)
		return;
	md->space = take;
	md->space_mm[take] = mm;
	md->space_used[take] = ++md->time;
}

static bool holds(const struct entry *e, unsigned mm, u64 page, enum tlb_access acc)
{
	return e->valid && e->mm == mm && e->page == page && (acc != TLB_WRITE || e->writable) &&
	       (acc != TLB_EXEC || e->executable);
}

void model_access(struct model *md, unsigned mm, u64 page, enum tlb_access acc,
		  struct model_pte pte)
{
	struct entry *l1 = &md->l1[md->space][page % md->geo.l1_entries];
	struct entry *set = md->l2[page % md->geo.l2_sets], *victim = &set[0];
	struct entry fresh = {true,	      pte.writable && (pte.dirty || acc == TLB_WRITE),
			      pte.executable, mm,
			      page,	      ++md->time};

	if (holds(l1, mm, page, acc)) {
		md->count.l1_hit[acc]++;
		return;
	}
	md->count.l1_miss[acc]++;
	for (u32 w = 0; w < md->geo.l2_ways; w++) {
		if (!holds(&set[w], mm, page, acc))
			continue;
		md->count.l2_hit++;
		set[w].used = md->time;
		*l1 = set[w];
		return;
	}
	md->count.l2_miss += md->geo.l2_ways != 0;
	md->count.walk++;
	if (!pte.present || (acc == TLB_WRITE && !pte.writable) ||
	    (acc == TLB_EXEC && !pte.executable)) {
		md->count.walk_fault++;
		return;
	}
	*l1 = fresh;
	for (u32 w = md->geo.l2_ways; w-- > 0;) /* least recent; of free ones the first */
		if (!set[w].valid || (victim->valid && set[w].used <= victim->used))
			victim = &set[w];
	for (u32 w = 0; w < md->geo.l2_ways; w++)
		if (set[w].valid && set[w].mm == mm && set[w].page == page)
			victim = &set[w];
	if (md->geo.l2_ways)
		*victim = fresh;
}

static void flush_entry(struct model *md, struct entry *e, unsigned mm, u64 first, u64 last)
{
	if (e->valid && e->mm == mm && e->page >= first && e->page <= last) {
		e->valid = false;
		md->count.flush_entries++;
	}
}

void model_flush(struct model *md, unsigned mm, u64 first, u64 last, bool all)
{
	if (all)
		md->count.flush_all++;
	else
		md->count.flush_range++;
	for (int s = 0; s < SPACES; s++)
		for (u32 i = 0; i < md->geo.l1_entries; i++)
			flush_entry(md, &md->l1[s][i], mm, first, last);
	for (u32 s = 0; s < md->geo.l2_sets; s++)
		for (u32 w = 0; w < md->geo.l2_ways; w++)
			flush_entry(md, &md->l2[s][w], mm, first, last);
}
