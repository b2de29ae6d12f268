/* The checkers of address spaces, written to be read as a specification.
 *
 *   mm_validate           areas: order, tree, counts; ptes: each in an area, granting no more than
 *                         it, and found by its page's rmap; rss and page-table counts; TLBs
 *   memory_validate_mms   all of that, and what only the sum over all mms can show: a page's map
 *                         count is the number of ptes that point at it
 *
 * Nothing is allocated: the sum is taken by counting the map counts down to zero and up again.
 */
#include <string.h>

#include "base/log.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/vmalloc.h"
#include "mm/vma_internal.h"

#define MAX_REPORTS 10
#define WHOLE_BELOW 10000 /* objects, for mm_debug_validate() */

struct check {
	struct mm_struct *mm;
	struct memory *m;
	u32 violations;
	s64 rss[NR_MM_COUNTERS];
	u64 tables;
	struct vm_area_struct *vma; /* of the last pte */
};

#define complain(c, fmt, ...)                                                                      \
	do {                                                                                       \
		if ((c)->violations++ < MAX_REPORTS)                                               \
			log_line("mm_validate: " fmt, ##__VA_ARGS__);                              \
	} while (0)

/* --- areas ------------------------------------------------------------------------------- */

static void check_vma(struct check *c, struct vm_area_struct *vma, struct vm_area_struct *prev)
{
	gva_t start = vma->vm_start, end = vma->vm_end;
	struct anon_vma_chain *avc;
	bool own = !vma->anon_vma;

	if (!page_aligned(start) || !page_aligned(end) || start >= end || end > TASK_SIZE)
		complain(c, "area %#lx-%#lx: bad bounds", start, end);
	if (prev && prev->vm_end > start)
		complain(c, "area %#lx-%#lx overlaps the one before it", start, end);
	if (vma->vm_mm != c->mm)
		complain(c, "area %#lx: of another mm", start);
	if (find_vma(c->mm, start) != vma || find_vma(c->mm, end - 1) != vma)
		complain(c, "area %#lx: find_vma() does not find it", start);
	if (vma_prev(vma) != prev)
		complain(c, "area %#lx: vma_prev() is wrong", start);
	if (!vma->vm_mapping != list_empty(&vma->shared))
		complain(c, "area %#lx: i_mmap membership is wrong", start);
	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma) {
		if (avc->vma != vma)
			complain(c, "area %#lx: chain of another area", start);
		own |= avc->anon_vma == vma->anon_vma;
	}
	if (!own)
		complain(c, "area %#lx: its anon_vma is not in its chain", start);
}

static void check_count(struct check *c, const char *name, u64 counted, u64 found)
{
	if (counted != found)
		complain(c, "%s is %lu, should be %lu", name, counted, found);
}

static void check_vmas(struct check *c)
{
	u64 nr = 0, total = 0, data = 0, stack = 0, exec = 0, locked = 0;
	struct vm_area_struct *vma, *prev = NULL;

	for_each_vma (c->mm, vma) {
		u64 pages = vma_pages(vma);
		vm_flags_t f = vma->vm_flags;

		check_vma(c, vma, prev);
		prev = vma;
		nr++;
		total += pages;
		if (f & VM_LOCKED)
			locked += pages;
		if ((f & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
			exec += pages;
		else if (f & VM_GROWSDOWN)
			stack += pages;
		else if ((f & (VM_WRITE | VM_SHARED)) == VM_WRITE)
			data += pages;
	}
	check_count(c, "map_count", c->mm->map_count, nr);
	check_count(c, "number of areas in the tree", c->mm->mt.nr, nr);
	check_count(c, "total_vm", c->mm->total_vm, total);
	check_count(c, "data_vm", c->mm->data_vm, data);
	check_count(c, "stack_vm", c->mm->stack_vm, stack);
	check_count(c, "exec_vm", c->mm->exec_vm, exec);
	check_count(c, "locked_vm", c->mm->locked_vm, locked + c->mm->locked_leaked);
}

/* --- ptes -------------------------------------------------------------------------------- */

struct rmap_target {
	struct vm_area_struct *vma;
	gva_t addr;
};

static int is_target(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
		     void *arg)
{
	const struct rmap_target *t = arg;

	(void)page;
	(void)pte;
	return vma == t->vma && addr == t->addr;
}

static void check_page(struct check *c, struct vm_area_struct *vma, gva_t addr, pte_t pte)
{
	struct page *page = pfn_to_page(c->m, pte_pfn(pte));
	struct rmap_target target = {vma, addr};

	c->rss[mm_counter(page)]++;
	if (page->mapcount <= 0)
		complain(c, "pte of %#lx: page with map count %d", addr, page->mapcount);
	if (page->refcount < page->mapcount + (page->mapping && !PageAnon(page)))
		complain(c, "pte of %#lx: %d references, %d mappings", addr, page->refcount,
			 page->mapcount);
	if (page->flags & PAGE_FLAGS_TYPE)
		complain(c, "pte of %#lx: frame is not a user page (flags %#lx)", addr,
			 page->flags);
	if (PageAnon(page) && page_test(page, PG_anon_exclusive) && page->mapcount != 1)
		complain(c, "pte of %#lx: exclusive page with %d owners", addr, page->mapcount);
	if (PageAnon(page) && !vma->anon_vma)
		complain(c, "pte of %#lx: anonymous page in an area without anon_vma", addr);
	if (!PageAnon(page) && page->mapping && page->mapping != vma->vm_mapping)
		complain(c, "pte of %#lx: page of another file", addr);
	if (pte_write(pte) && !(vma->vm_flags & VM_SHARED) &&
	    !(PageAnon(page) && page_test(page, PG_anon_exclusive)))
		complain(c, "pte of %#lx: private page is writable but not exclusive", addr);
	if (page->mapping && !folio_on_lru(c->m, page))
		complain(c, "pte of %#lx: page on no list of the LRU (flags %#lx)", addr,
			 page->flags);
	/* ksmd may not have met a child's mapping of a merged page yet. */
	if (page->mapping && !PageKsm(page) && !rmap_walk(c->m, page, is_target, &target))
		complain(c, "pte of %#lx: rmap does not find it", addr);
}

static void check_special_pte(struct check *c, struct vm_area_struct *vma, gva_t addr, pte_t pte)
{
	if (pte_write(pte) && !(vma->vm_flags & VM_SHARED))
		complain(c, "pte of %#lx: special and writable", addr);
	if (!(vma->vm_flags & VM_PFNMAP) && pte_pfn(pte) != page_to_pfn(c->m, c->m->zero_page))
		complain(c, "pte of %#lx: special, but not the zero page", addr);
}

static void check_pte(struct check *c, gva_t addr, pte_t pte)
{
	struct vm_area_struct *vma = c->vma;
	pfn_t pfn = pte_pfn(pte);
	u64 f;

	if (!vma || addr < vma->vm_start || addr >= vma->vm_end)
		c->vma = vma = vma_lookup(c->mm, addr);
	if (!vma) {
		complain(c, "pte of %#lx lies in no area", addr);
		return;
	}
	if (!pte_present(pte))
		return; /* a marker */
	f = vma->vm_flags;
	if (pte.pte & _PAGE_PRESENT) {
		if (!(pte.pte & _PAGE_USER) || !(f & VM_ACCESS_FLAGS))
			complain(c, "pte of %#lx: present in an area without rights", addr);
		if (pte_write(pte) && !(f & VM_WRITE))
			complain(c, "pte of %#lx: writable, the area is not", addr);
		if (!(pte.pte & _PAGE_NX) && !(f & VM_EXEC))
			complain(c, "pte of %#lx: executable, the area is not", addr);
	} else if (f & VM_ACCESS_FLAGS) {
		complain(c, "pte of %#lx: PROT_NONE in an area with rights", addr);
	}
	if (pfn >= c->m->max_pfn || (pfn >= HOLE_START_PFN && pfn < HOLE_END_PFN))
		complain(c, "pte of %#lx: frame %#lx does not exist", addr, pfn);
	else if (pte_special(pte))
		check_special_pte(c, vma, addr, pte);
	else
		check_page(c, vma, addr, pte);
}

/* One table and all below; @shift: what an entry covers. */
static void check_table(struct check *c, const u64 *table, unsigned shift, gva_t base)
{
	const struct page *page = virt_to_page(c->m, table);

	c->tables++;
	if (!page_test(page, PG_table) || page->owner != OWN_PGTABLE || page->refcount != 1)
		complain(c, "page table for %#lx: frame is not marked so", base);
	for (u64 i = 0; i < PTRS_PER_TABLE; i++) {
		gva_t addr = base + (i << shift);
		u64 e = table[i];

		if (!e)
			continue;
		if (shift == PAGE_SHIFT)
			check_pte(c, addr, (pte_t){e});
		else if ((e & ~PTE_PFN_MASK) != _PAGE_TABLE)
			complain(c, "page-table entry %#lx for %#lx: bad bits", e, addr);
		else if (addr >= TASK_SIZE)
			complain(c, "page table for kernel address %#lx", addr);
		else
			check_table(c, entry_table(c->m, e), shift - 9, addr);
	}
}

static void check_page_tables(struct check *c)
{
	static const char *const names[NR_MM_COUNTERS] = {"RssFile", "RssAnon", "swapents",
							  "RssShmem"};

	check_table(c, c->mm->pgd, PGDIR_SHIFT, 0);
	check_count(c, "pgtables_bytes", c->mm->pgtables_bytes, (c->tables - 1) << PAGE_SHIFT);
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		check_count(c, names[i], c->mm->rss[i], c->rss[i]);
}

static int check_tlbs(struct memory *m)
{
	int err = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		if (m->tlbs[cpu] && tlb_validate(m->tlbs[cpu]))
			err = -EFAULT;
	return err;
}

static int validate_one(struct mm_struct *mm, u64 *tables)
{
	struct check c = {.mm = mm, .m = mm->mem};

	if (vma_tree_validate(mm))
		c.violations++;
	check_vmas(&c);
	check_page_tables(&c);
	*tables += c.tables;
	if (c.violations > MAX_REPORTS)
		log_line("mm_validate: %u violations in all", c.violations);
	return c.violations ? -EFAULT : 0;
}

int mm_validate(struct mm_struct *mm)
{
	u64 tables = 0;
	int err = validate_one(mm, &tables);

	return check_tlbs(mm->mem) ? -EFAULT : err;
}

static u64 next_random(u64 *seed)
{
	*seed += 0x9e3779b97f4a7c15UL;
	return (*seed ^ *seed >> 31) * 0xbf58476d1ce4e5b9UL ^ *seed >> 27;
}

/* The ptes of @vma in the page table of one of its pages. */
static void check_some_ptes(struct check *c, struct vm_area_struct *vma, u64 random)
{
	gva_t addr = vma->vm_start + (random % vma_pages(vma) << PAGE_SHIFT), end;
	const pte_t *pte;

	end = min((addr & PMD_MASK) + PMD_SIZE, vma->vm_end);
	addr = max(addr & PMD_MASK, vma->vm_start);
	pte = pte_offset(c->mm, addr);
	for (; pte && addr < end; addr += PAGE_SIZE, pte++)
		if (!pte_none(*pte))
			check_pte(c, addr, *pte);
}

int mm_validate_sample(struct mm_struct *mm, u64 *seed, unsigned nr)
{
	struct check c = {.mm = mm, .m = mm->mem};
	struct vm_area_struct *vma;
	int err = 0, e;

	while (nr--) {
		vma = vma_tree_sample(mm, next_random(seed) >> 1, &e);
		if (e)
			err = e;
		if (!vma || e)
			continue;
		check_vma(&c, vma, vma_prev(vma));
		check_some_ptes(&c, vma, next_random(seed) >> 1);
	}
	return c.violations ? -EFAULT : err;
}

#ifdef CONFIG_DEBUG_VM
#define NR_SAMPLES 16 /* areas a call, with up to 512 ptes each */

void mm_debug_validate(struct mm_struct *mm)
{
	u64 objects = mm->map_count + get_mm_rss(mm) + (mm->pgtables_bytes >> PAGE_SHIFT);
	struct mm_internal *in = mm->mem->in;

	/* Large ones now and then, so that the cost of a call stays about that of the limit; between
	 * two of those a sample, whose seed is the same in each run. */
	if (objects >= WHOLE_BELOW && ++in->validate_skipped * WHOLE_BELOW < objects * 16) {
		if (mm_validate_sample(mm, &in->validate_seed, NR_SAMPLES))
			BUG("mm_validate_sample() failed");
		return;
	}
	in->validate_skipped = 0;
	if (mm_validate(mm))
		BUG("mm_validate() failed");
}
#endif

/* --- all of memory ----------------------------------------------------------------------- */

static int add_to_mapcount(pte_t *pte, gva_t addr, void *arg)
{
	struct memory *m = ((struct check *)arg)->m;

	(void)addr;
	if (pte_present(*pte) && !pte_special(*pte))
		pfn_to_page(m, pte_pfn(*pte))->mapcount += (s32)((struct check *)arg)->rss[0];
	return 0;
}

static void add_to_mapcounts(struct memory *m, int by)
{
	struct check c = {.m = m, .rss = {by}};
	struct mm_struct *mm;

	list_for_each_entry (mm, &m->mm_list, mmlist)
		walk_page_range(mm, 0, TASK_SIZE, add_to_mapcount, &c);
}

/* Calls @fn for each struct page that was ever in use. */
static void for_each_used_page(struct check *c, void (*fn)(struct check *c, struct page *page))
{
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &c->m->node->zones[i];

		for (pfn_t pfn = z->start_pfn; pfn < z->virgin_pfn; pfn++)
			fn(c, pfn_to_page(c->m, pfn));
	}
}

static void count_mapped(struct check *c, struct page *page)
{
	if (page->mapcount)
		c->rss[PageAnon(page) ? MM_ANONPAGES : MM_FILEPAGES]++;
}

static void check_counted_down(struct check *c, struct page *page)
{
	if (page->mapcount)
		complain(c, "frame %#lx: map count is off by %d", page_to_pfn(c->m, page),
			 page->mapcount);
}

int memory_validate_mms(struct memory *m)
{
	struct check c = {.m = m};
	struct mm_struct *mm;
	u64 tables = vmalloc_nr_tables(m);
	int err = 0;

	list_for_each_entry (mm, &m->mm_list, mmlist)
		if (validate_one(mm, &tables))
			err = -EFAULT;
	check_count(&c, "nr_page_table_pages", m->stats[ST_page_table_pages], tables);

	for_each_used_page(&c, count_mapped);
	check_count(&c, "nr_anon_pages", m->stats[ST_anon_pages], c.rss[MM_ANONPAGES]);
	check_count(&c, "nr_mapped", m->stats[ST_mapped], c.rss[MM_FILEPAGES]);

	add_to_mapcounts(m, -1);
	for_each_used_page(&c, check_counted_down);
	add_to_mapcounts(m, 1);

	if (check_tlbs(m) || c.violations)
		err = -EFAULT;
	return err;
}
