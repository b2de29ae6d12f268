/* The TLB's fast half: look-up behind an inline miss, and the walk that fills both levels.
 * Core code: reachable inside cpu_run(), so it calls nothing but core code, the notifier of
 * frames with code (cpu/, core too) and bug().
 *
 * Who may hit what, for a page whose pte is (RW, D, NX):
 *   read     any entry
 *   write    L1: write_tag, which needs RW, D and a frame without code; L2: RW and D. A clean
 *            page is a miss in both, because the walk has to set D.
 *   execute  not NX
 * An entry that grants too little is no fault: the walk decides, and overwrites it.
 */
#include "mm/tlb_internal.h"

/* --- level 2 --------------------------------------------------------------------------- */

static void l2_link(struct tlb_internal *in, u32 i)
{
	u32 list = tlb_l2_tag_asid(in->l2_tag[i]) & (TLB_L2_LISTS - 1);
	u32 head = in->l2_head[list];

	in->l2_next[i] = head;
	in->l2_prev[i] = TLB_L2_END;
	if (head != TLB_L2_END)
		in->l2_prev[head] = i;
	in->l2_head[list] = i;
	in->l2_len[list]++;
}

void tlb_l2_drop(struct tlb_internal *in, u32 i)
{
	u32 list = tlb_l2_tag_asid(in->l2_tag[i]) & (TLB_L2_LISTS - 1);
	u32 next = in->l2_next[i], prev = in->l2_prev[i];

	if (next != TLB_L2_END)
		in->l2_prev[next] = prev;
	if (prev != TLB_L2_END)
		in->l2_next[prev] = next;
	else
		in->l2_head[list] = next;
	in->l2_len[list]--;
	in->l2_tag[i] = 0;
}

static bool pte_allows(u64 pte, enum tlb_access acc)
{
	if (acc == TLB_WRITE)
		return (pte & (_PAGE_RW | _PAGE_DIRTY)) == (_PAGE_RW | _PAGE_DIRTY);
	if (acc == TLB_EXEC)
		return !(pte & _PAGE_NX);
	return true;
}

/* The pte that level 2 holds for @page if it suffices for @acc, else 0. */
static u64 l2_lookup(struct tlb *t, gva_t page, enum tlb_access acc)
{
	struct tlb_internal *in = t->in;
	u32 i = tlb_l2_set(in, page), end = i + in->geo.l2_ways;
	u64 tag = tlb_l2_tag(page, t->mm->asid);

	for (; i < end; i++) {
		if (in->l2_tag[i] != tag)
			continue;
		if (!pte_allows(in->l2_pte[i], acc))
			break;
		in->l2_used[i] = ++in->clock;
		t->count.l2_hit++;
		return in->l2_pte[i];
	}
	t->count.l2_miss++;
	return 0;
}

/* Puts @pte in the way that holds @page already, else a free one, else the least recently used. */
static void l2_fill(struct tlb *t, gva_t page, u64 pte)
{
	struct tlb_internal *in = t->in;
	u32 first = tlb_l2_set(in, page), end = first + in->geo.l2_ways, victim = first;
	u64 tag = tlb_l2_tag(page, t->mm->asid), oldest = ~0UL;

	for (u32 i = first; i < end; i++) {
		u64 age = in->l2_tag[i] ? in->l2_used[i] : 0;

		if (in->l2_tag[i] == tag) {
			victim = i;
			break;
		}
		if (age < oldest) {
			oldest = age;
			victim = i;
		}
	}
	if (in->l2_tag[victim] != tag) {
		if (in->l2_tag[victim])
			tlb_l2_drop(in, victim);
		in->l2_tag[victim] = tag;
		l2_link(in, victim);
	}
	in->l2_pte[victim] = pte;
	in->l2_used[victim] = ++in->clock;
}

/* --- the walk -------------------------------------------------------------------------- */

u64 tlb_walk(struct tlb *t, struct mm_struct *mm, gva_t gva, bool psc, u64 **slot)
{
	struct tlb_psc_entry *p = tlb_psc_slot(t->in, gva, mm->asid);
	u64 *pmd, entry;

	if (psc && p->tag == tlb_psc_tag(gva, mm->asid)) {
		t->count.walk_psc_hit++;
		pmd = p->pmd;
	} else {
		pmd = pmd_table(mm, gva);
		if (!pmd)
			return 0;
		if (psc) {
			p->tag = tlb_psc_tag(gva, mm->asid);
			p->pmd = pmd;
		}
	}
	pmd += table_index(gva, PMD_SHIFT);
	entry = *pmd;
	if (!(entry & _PAGE_PRESENT))
		return 0;
	if (entry & _PAGE_PSE) {
		*slot = pmd;
		entry = (entry & ~(_PAGE_PSE | (PTE_PFN_MASK & ~PMD_MASK))) | /* bit 12: PAT */
			(gva & ~PMD_MASK & PAGE_MASK);
	} else {
		*slot = entry_table(mm->mem, entry) + table_index(gva, PAGE_SHIFT);
		entry = **slot;
	}
	return entry & _PAGE_PRESENT ? entry : 0;
}

/* Walks for an access and sets the accessed and dirty bits. The pte, or 0 and *@fault. */
static u64 walk_access(struct tlb *t, gva_t gva, enum tlb_access acc, u32 *fault)
{
	u64 *slot, pte, set = _PAGE_ACCESSED;

	t->count.walk++;
	pte = tlb_walk(t, t->mm, gva, true, &slot);
	*fault = 0;
	if (!pte)
		goto fault;
	*fault = PF_PROT;
	if (!(pte & _PAGE_USER))
		goto fault;
	if (acc == TLB_WRITE) {
		if (!(pte & _PAGE_RW))
			goto fault;
		set |= _PAGE_DIRTY;
	} else if (acc == TLB_EXEC && (pte & _PAGE_NX)) {
		goto fault;
	}
	if ((pte & set) != set)
		*slot |= set;
	return pte | set;
fault:
	t->count.walk_fault++;
	return 0;
}

/* --- level 1 --------------------------------------------------------------------------- */

static void l1_fill(struct tlb *t, struct tlb_entry *e, gva_t page, u64 pte, bool code)
{
	struct tlb_space *s = t->in->cur;
	u32 slot = e - t->l1;
	u64 tag = page | (t->check ? TLB_CHECK_BIT : 0);

	if (!s->logged[slot]) {
		s->logged[slot] = 1;
		s->log[s->nr_log++] = slot;
	}
	e->tag[TLB_READ] = tag;
	e->tag[TLB_WRITE] = pte_allows(pte, TLB_WRITE) && !code ? tag : TLB_NO_TAG;
	e->tag[TLB_EXEC] = pte_allows(pte, TLB_EXEC) ? tag : TLB_NO_TAG;
	e->addend = (u64)pfn_to_virt(t->in->mem, pte_pfn((pte_t){pte})) - page;
}

/* --check: what an entry says must be what the tables say now. */
static void check_hit(struct tlb *t, gva_t gva, enum tlb_access acc, u64 host_page)
{
	u64 *slot, pte = tlb_walk(t, t->mm, gva, false, &slot);

	if (!pte)
		BUG("tlb --check: stale entry, the page is not present");
	if (!pte_allows(pte, acc) || !(pte & _PAGE_USER))
		BUG("tlb --check: stale entry, the pte does not allow the access");
	if ((u64)pfn_to_virt(t->in->mem, pte_pfn((pte_t){pte})) != host_page)
		BUG("tlb --check: stale entry, the page is another frame now");
}

/* The bits of the error code that the access itself decides. SDM vol. 3A, 4.7. */
static u32 access_error_code(enum tlb_access acc)
{
	return acc == TLB_WRITE ? PF_WRITE : acc == TLB_EXEC ? PF_INSTR : 0;
}

static void code_changes(struct memory *mem, struct page *frame, gva_t gva, unsigned size)
{
	unsigned off = page_offset(gva);

	if (likely(!page_test(frame, PG_code)))
		return;
	if (size == TLB_ANY_SIZE)
		page_code_dirty(mem, frame);
	else
		page_code_changes(mem, frame, off, min(size, (unsigned)PAGE_SIZE - off));
}

u32 tlb_fill(struct tlb *t, gva_t gva, enum tlb_access acc, u32 user, void **host)
{
	return tlb_open(t, gva, TLB_ANY_SIZE, acc, user, host);
}

u32 tlb_open(struct tlb *t, gva_t gva, unsigned size, enum tlb_access acc, u32 user, void **host)
{
	struct tlb_entry *e = tlb_l1_slot(t, gva);
	gva_t page = gva & PAGE_MASK;
	struct page *frame;
	u32 fault;
	u64 pte;

	if (unlikely(gva >= TASK_SIZE))
		return TLB_FAULT | user | PF_PROT | access_error_code(acc);
	if (unlikely(!t->mm))
		return TLB_FAULT | user | access_error_code(acc);

	/* Half of an access that crosses pages, or --check: level 1 may have it all the same. */
	if (e->tag[acc] == (page | (t->check ? TLB_CHECK_BIT : 0))) {
		if (t->check)
			check_hit(t, gva, acc, page + e->addend);
		t->count.l1_hit[acc]++;
		*host = (void *)(gva + e->addend);
		if (acc == TLB_WRITE && unlikely(t->on_write))
			t->on_write(t->on_write_arg, (void *)(page + e->addend));
		return 0;
	}
	t->count.l1_miss[acc]++;

	pte = t->in->geo.l2_ways ? l2_lookup(t, page, acc) : 0;
	if (pte) {
		frame = pfn_to_page(t->in->mem, pte_pfn((pte_t){pte}));
	} else {
		pte = walk_access(t, gva, acc, &fault);
		if (!pte)
			return TLB_FAULT | user | fault | access_error_code(acc);
		/* A page that missed here is mostly not in the host's cache, nor is its struct
		 * page: both come while level 2 is filled. */
		frame = pfn_to_page(t->in->mem, pte_pfn((pte_t){pte}));
		__builtin_prefetch(frame);
		__builtin_prefetch((char *)pfn_to_virt(t->in->mem, pte_pfn((pte_t){pte})) +
				   (gva & ~PAGE_MASK));
		if (t->in->geo.l2_ways)
			l2_fill(t, page, pte);
	}

	if (acc == TLB_WRITE && size)
		code_changes(t->in->mem, frame, gva, size);
	l1_fill(t, e, page, pte, page_test(frame, PG_code));
	*host = (void *)(gva + e->addend);
	if (t->check)
		check_hit(t, gva, acc, page + e->addend);
	if (unlikely(t->on_write)) {
		if (acc == TLB_WRITE)
			t->on_write(t->on_write_arg, (void *)(page + e->addend));
		else
			e->tag[TLB_WRITE] = TLB_NO_TAG;
	}
	return 0;
}

void tlb_drop_write_tags(struct tlb *t)
{
	struct tlb_space *s = t->in->cur;

	tlb_drop_window(t);
	for (u32 n = 0; s && n < s->nr_log; n++)
		s->table[s->log[n]].tag[TLB_WRITE] = TLB_NO_TAG;
}

/* --- frames with code -------------------------------------------------------------------- */

void tlb_protect_frame(struct memory *mem, struct page *page)
{
	u64 host = (u64)page_address(mem, page);

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mem->tlbs[cpu];

		if (t)
			tlb_drop_window(t);
		for (unsigned i = 0; t && i < TLB_SPACES; i++) {
			struct tlb_space *s = &t->in->space[i];

			for (u32 n = 0; n < s->nr_log; n++) {
				struct tlb_entry *e = &s->table[s->log[n]];

				if (!tlb_l1_empty(e) && tlb_l1_page(e) + e->addend == host)
					e->tag[TLB_WRITE] = TLB_NO_TAG;
			}
		}
	}
}

struct tlb_code *tlb_next_code(struct memory *mem, const struct tlb_code *c)
{
	bool next = !c;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mem->tlbs[cpu];

		for (unsigned i = 0; t && i < TLB_SPACES; i++) {
			struct tlb_space *s = &t->in->space[i];

			if (next && s->made)
				return s->code;
			next |= s->code == c;
		}
	}
	return NULL;
}

void tlb_note_code(struct memory *mem, gva_t gva)
{
	mem->code_pages[tlb_code_bit(gva) / 64] |= BIT(tlb_code_bit(gva) % 64);
}
