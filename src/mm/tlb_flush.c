/* The TLB's slow half: flushes and the switch of address spaces. A flush visits the pages of its
 * range or the entries the address space has, whichever are fewer: it costs what it drops. */
#include "base/trace.h"
#include "mm/internal.h"
#include "mm/tlb_internal.h"

static struct tlb_space *find_space(struct tlb_internal *in, const struct mm_struct *mm)
{
	for (unsigned i = 0; i < TLB_SPACES; i++)
		if (in->space[i].mm == mm)
			return &in->space[i];
	return NULL;
}

/* Empties the table; the number of entries that were in it. */
static u64 space_clear(struct tlb_space *s)
{
	u64 dropped = 0;

	for (u32 n = 0; n < s->nr_log; n++) {
		struct tlb_entry *e = &s->table[s->log[n]];

		dropped += !tlb_l1_empty(e);
		tlb_l1_clear(e);
		s->logged[s->log[n]] = 0;
	}
	s->nr_log = 0;
	return dropped;
}

static u64 l1_flush_range(struct tlb *t, struct tlb_space *s, gva_t start, gva_t end)
{
	u64 dropped = 0;
	u32 n = 0;

	if ((end - start) >> PAGE_SHIFT <= s->nr_log) {
		for (gva_t page = start; page < end; page += PAGE_SIZE) {
			struct tlb_entry *e =
				&s->table[(page >> PAGE_SHIFT) & (t->in->geo.l1_entries - 1)];

			if (tlb_l1_page(e) == page) {
				tlb_l1_clear(e);
				dropped++;
			}
		}
		return dropped;
	}
	while (n < s->nr_log) {
		struct tlb_entry *e = &s->table[s->log[n]];
		gva_t page = tlb_l1_page(e);

		if (!tlb_l1_empty(e)) {
			if (page < start || page >= end) {
				n++;
				continue;
			}
			tlb_l1_clear(e);
			dropped++;
		}
		s->logged[s->log[n]] = 0;
		s->log[n] = s->log[--s->nr_log];
	}
	return dropped;
}

static u64 l2_flush_page(struct tlb_internal *in, gva_t page, u32 asid)
{
	u32 i = tlb_l2_set(in, page), end = i + in->geo.l2_ways;
	u64 tag = tlb_l2_tag(page, asid);

	for (; i < end; i++) {
		if (in->l2_tag[i] == tag) {
			tlb_l2_drop(in, i);
			return 1;
		}
	}
	return 0;
}

static u64 l2_flush_range(struct tlb_internal *in, u32 asid, gva_t start, gva_t end)
{
	u32 list = asid & (TLB_L2_LISTS - 1), next;
	u64 dropped = 0;

	if ((end - start) >> PAGE_SHIFT <= in->l2_len[list]) {
		for (gva_t page = start; page < end; page += PAGE_SIZE)
			dropped += l2_flush_page(in, page, asid);
		return dropped;
	}
	for (u32 i = in->l2_head[list]; i != TLB_L2_END; i = next) {
		u64 tag = in->l2_tag[i];

		next = in->l2_next[i];
		if (tlb_l2_tag_asid(tag) != asid || tlb_l2_tag_page(tag) < start ||
		    tlb_l2_tag_page(tag) >= end)
			continue;
		tlb_l2_drop(in, i);
		dropped++;
	}
	return dropped;
}

static void psc_flush_range(struct tlb_internal *in, u32 asid, gva_t start, gva_t end)
{
	u64 first = start >> PUD_SHIFT, last = (end - 1) >> PUD_SHIFT;

	if (last - first >= TLB_PSC_ENTRIES) {
		for (unsigned i = 0; i < TLB_PSC_ENTRIES; i++) {
			u64 tag = in->psc[i].tag, gib = tag >> TLB_ASID_BITS;

			if (tlb_l2_tag_asid(tag) == asid && gib >= first && gib <= last)
				in->psc[i].tag = 0;
		}
		return;
	}
	for (u64 gib = first; gib <= last; gib++) {
		struct tlb_psc_entry *p = tlb_psc_slot(in, gib << PUD_SHIFT, asid);

		if (p->tag == tlb_psc_tag(gib << PUD_SHIFT, asid))
			p->tag = 0;
	}
}

/* Level 1 and 2 of one CPU. */
static void flush_one(struct tlb *t, struct mm_struct *mm, gva_t start, gva_t end, bool code)
{
	struct tlb_space *s = find_space(t->in, mm);

	tlb_drop_window(t);
	if (s) {
		t->count.flush_entries += l1_flush_range(t, s, start, end);
		s->code->stale |= code;
	}
	t->count.flush_entries += l2_flush_range(t->in, mm->asid, start, end);
}

/* Whether a page of [start, end) may be one of tlb_note_code(). */
static bool has_code(const struct memory *mem, gva_t start, gva_t end)
{
	gva_t page = start;

	if ((end - start) >> PAGE_SHIFT >= TLB_CODE_BITS)
		return true;
	/* Of a long range 64 at a time: they are in one word, in some order. */
	if ((end - start) >> PAGE_SHIFT >= 64)
		page &= ~(64 * PAGE_SIZE - 1);
	while (page < end) {
		u64 word = mem->code_pages[tlb_code_bit(page) / 64];

		if ((end - start) >> PAGE_SHIFT < 64)
			word &= BIT(tlb_code_bit(page) % 64);
		if (word)
			return true;
		page += (end - start) >> PAGE_SHIFT < 64 ? PAGE_SIZE : 64 * PAGE_SIZE;
	}
	return false;
}

void tlb_flush_psc(struct mm_struct *mm, gva_t start, gva_t end)
{
	for (unsigned cpu = 0; mm->asid && cpu < MAX_CPUS; cpu++)
		if (mm->mem->tlbs[cpu])
			psc_flush_range(mm->mem->tlbs[cpu]->in, mm->asid, start, end);
}

void flush_tlb_range(struct mm_struct *mm, gva_t start, gva_t end)
{
	bool code;

	VM_BUG_ON(!page_aligned(start) || !page_aligned(end));

	if (!mm->asid || start >= end)
		return; /* never ran: nothing is cached */
	trace_event(mm->mem->trace, TP_tlb_tlb_flush, "pages:%lu reason:range",
		    (end - start) >> PAGE_SHIFT);
	code = has_code(mm->mem, start, end);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mm->mem->tlbs[cpu];

		if (!t)
			continue;
		t->count.flush_range++;
		flush_one(t, mm, start, end, code);
		psc_flush_range(t->in, mm->asid, start, end);
	}
}

/* The tables above the page stay, so the paging-structure cache does, too. */
void flush_tlb_page(struct mm_struct *mm, gva_t addr)
{
	gva_t page = addr & PAGE_MASK;
	bool code;

	if (!mm->asid)
		return;
	trace_event(mm->mem->trace, TP_tlb_tlb_flush, "pages:1 reason:page");
	code = has_code(mm->mem, page, page + PAGE_SIZE);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mm->mem->tlbs[cpu];
		struct tlb_space *s;

		if (!t)
			continue;
		t->count.flush_range++;
		tlb_drop_window(t);
		s = find_space(t->in, mm);
		if (s)
			s->code->stale |= code;
		if (s && s->nr_log)
			t->count.flush_entries += l1_flush_range(t, s, page, page + PAGE_SIZE);
		if (t->in->geo.l2_ways)
			t->count.flush_entries += l2_flush_page(t->in, page, mm->asid);
	}
}

void flush_tlb_mm(struct mm_struct *mm)
{
	if (!mm->asid)
		return;
	trace_event(mm->mem->trace, TP_tlb_tlb_flush, "pages:-1 reason:mm");
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mm->mem->tlbs[cpu];
		struct tlb_space *s;

		if (!t)
			continue;
		t->count.flush_all++;
		tlb_drop_window(t);
		s = find_space(t->in, mm);
		if (s) {
			t->count.flush_entries += space_clear(s);
			s->code->stale = true;
		}
		t->count.flush_entries += l2_flush_range(t->in, mm->asid, 0, TASK_SIZE);
		psc_flush_range(t->in, mm->asid, 0, TASK_SIZE);
	}
}

/* The least recently used table, emptied. What falls out is an eviction, not a flush. */
static struct tlb_space *take_space(struct tlb_internal *in)
{
	struct tlb_space *lru = &in->space[0];

	for (unsigned i = 0; i < TLB_SPACES; i++) {
		struct tlb_space *s = &in->space[i];

		if (!s->mm)
			return s;
		if (s->used < lru->used)
			lru = s;
	}
	space_clear(lru);
	lru->mm = NULL;
	return lru;
}

void tlb_switch(struct tlb *t, struct mm_struct *mm)
{
	struct tlb_internal *in = t->in;
	struct tlb_space *s = NULL;

	if (mm == t->mm)
		return;
	if (mm) {
		/* Unique while the mm lives, as cr3 is on a machine without PCIDs. */
		if (!mm->asid)
			mm->asid = virt_to_pfn(mm->mem, mm->pgd) + 1;
		s = find_space(in, mm);
		if (!s)
			s = take_space(in);
		if (!s->made) { /* few machines ever run as many spaces as there are tables */
			tlb_l1_make(s->table, in->geo.l1_entries);
			s->made = true;
		}
		s->code->stale |= s->mm != mm;
		s->mm = mm;
		s->used = ++in->clock;
	}
	tlb_drop_window(t);
	in->cur = s;
	t->mm = mm;
	t->l1 = s ? s->table : in->empty;
}

void tlb_forget_mm(struct mm_struct *mm)
{
	flush_tlb_mm(mm);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct tlb *t = mm->mem->tlbs[cpu];
		struct tlb_space *s;

		if (!t)
			continue;
		if (t->mm == mm)
			tlb_switch(t, NULL);
		s = find_space(t->in, mm);
		if (s) {
			s->mm = NULL;
			s->used = 0;
		}
	}
	mm->asid = 0;
}
