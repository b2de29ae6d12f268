/* An independent model of the TLB: see tlb_model.c. */
#ifndef TESTS_MM_TLB_MODEL_H
#define TESTS_MM_TLB_MODEL_H

#include "mm/tlb.h"

struct model;
struct model *model_new(const struct tlb_geometry *geo);
void model_free(struct model *md);
/* What the page tables say of a page before an access. */
struct model_pte {
	bool present, writable, dirty, executable;
};
void model_access(struct model *md, unsigned mm, u64 page, enum tlb_access acc,
		  struct model_pte pte);
void model_switch(struct model *md, unsigned mm);
/* INVLPG (one page), a range, everything of one address space. */
void model_flush(struct model *md, unsigned mm, u64 first, u64 last, bool all);
const struct tlb_counters *model_counters(const struct model *md);

#endif
