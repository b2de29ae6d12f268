/* Page tables: making, freeing and visiting them.
 *
 * Not for: what ptes say (fault.c, zap.c, pterange.c); the CPU's own walk, with its accessed and dirty
 * bits (tlb.c).
 */
#include "base/err.h"
#include "mm/internal.h"
#include "mm/tlb.h"

/* --- making ------------------------------------------------------------------------------ */

u64 *pagetable_alloc(struct memory *m)
{
	struct page *page = alloc_pages(m, GFP_KERNEL | __GFP_ZERO, 0);

	if (!page)
		return NULL;
	page_set(page, PG_table);
	page->owner = OWN_PGTABLE;
	mod_node_stat(m, ST_page_table_pages, 1);
	return page_address(m, page);
}

void pagetable_free(struct memory *m, u64 *table)
{
	struct page *page = virt_to_page(m, table);

	VM_BUG_ON(!page_test(page, PG_table));
	page_clear(page, PG_table);
	mod_node_stat(m, ST_page_table_pages, -1);
	__free_pages(m, page, 0);
}

/* The table behind @entry, made if need be; NULL: out of memory. */
static u64 *table_get(struct mm_struct *mm, u64 *entry)
{
	u64 *table;

	if (*entry & _PAGE_PRESENT)
		return entry_table(mm->mem, *entry);
	table = pagetable_alloc(mm->mem);
	if (!table)
		return NULL;
	mm->pgtables_bytes += PAGE_SIZE;
	*entry = virt_to_pfn(mm->mem, table) << PAGE_SHIFT | _PAGE_TABLE;
	return table;
}

int pud_alloc_like(struct mm_struct *mm, gva_t addr, gva_t like)
{
	u64 entry = mm->pgd[table_index(like, PGDIR_SHIFT)];

	if (!(entry & _PAGE_PRESENT) ||
	    !(entry_table(mm->mem, entry)[table_index(like, PUD_SHIFT)] & _PAGE_PRESENT))
		return 0;
	return table_get(mm, &mm->pgd[table_index(addr, PGDIR_SHIFT)]) ? 0 : -ENOMEM;
}

int pmd_alloc_like(struct mm_struct *mm, const struct mm_struct *like, gva_t addr)
{
	u64 entry = like->pgd[table_index(addr, PGDIR_SHIFT)], *table;

	if (!(entry & _PAGE_PRESENT))
		return 0;
	table = table_get(mm, &mm->pgd[table_index(addr, PGDIR_SHIFT)]);
	if (!table)
		return -ENOMEM;
	entry = entry_table(like->mem, entry)[table_index(addr, PUD_SHIFT)];
	if (!(entry & _PAGE_PRESENT))
		return 0;
	return table_get(mm, &table[table_index(addr, PUD_SHIFT)]) ? 0 : -ENOMEM;
}

u64 *pmd_alloc(struct mm_struct *mm, gva_t addr)
{
	u64 *table = table_get(mm, &mm->pgd[table_index(addr, PGDIR_SHIFT)]);

	if (table)
		table = table_get(mm, &table[table_index(addr, PUD_SHIFT)]);
	return table ? &table[table_index(addr, PMD_SHIFT)] : NULL;
}

pte_t *pte_alloc(struct mm_struct *mm, gva_t addr)
{
	u64 *pmd = pmd_alloc(mm, addr), *table;

	if (!pmd)
		return NULL;
	VM_BUG_ON(*pmd & _PAGE_PSE);
	table = table_get(mm, pmd);
	return table ? (pte_t *)table + table_index(addr, PAGE_SHIFT) : NULL;
}

/* --- freeing ----------------------------------------------------------------------------- */

/* Frees what [addr, end) alone uses below @entry, whose table covers 1 << shift bytes, and that
 * table itself when neither neighbour (floor, ceiling; ceiling 0: none) needs it.
 * See: Linux, mm/memory.c, free_pmd_range() and kin. */
static void free_level(struct mm_struct *mm, u64 *entry, unsigned shift, gva_t addr, gva_t end,
		       gva_t floor, gva_t ceiling)
{
	u64 *table = entry_table(mm->mem, *entry);
	unsigned below = shift - 9;
	gva_t start = addr & ~(BIT(shift) - 1), next;

	if (shift > PMD_SHIFT) {
		for (; addr < end; addr = next) {
			u64 *e = &table[table_index(addr, below)];

			next = min((addr & ~(BIT(below) - 1)) + BIT(below), end);
			if ((*e & _PAGE_PRESENT) && !(*e & _PAGE_PSE))
				free_level(mm, e, below, addr, next, floor, ceiling);
		}
	}
	if (start < floor)
		return;
	if (ceiling) {
		ceiling &= ~(BIT(shift) - 1);
		if (!ceiling)
			return;
	}
	if (end - 1 > ceiling - 1)
		return;
	*entry = 0;
	pagetable_free(mm->mem, table);
	mm->pgtables_bytes -= PAGE_SIZE;
}

void pte_table_drop_empty(struct mm_struct *mm, gva_t addr)
{
	u64 *pmd = pmd_offset(mm, addr);
	const u64 *table;

	if (!pmd || !(*pmd & _PAGE_PRESENT) || (*pmd & _PAGE_PSE))
		return;
	table = entry_table(mm->mem, *pmd);
	for (unsigned i = 0; i < PTRS_PER_TABLE; i++)
		if (table[i])
			return;
	tlb_flush_psc(mm, addr & PMD_MASK, (addr & PMD_MASK) + PMD_SIZE);
	pagetable_free(mm->mem, entry_table(mm->mem, *pmd));
	*pmd = 0;
	mm->pgtables_bytes -= PAGE_SIZE;
}

void free_pgtables(struct mm_struct *mm, gva_t start, gva_t end, gva_t floor, gva_t ceiling)
{
	gva_t addr = start & PMD_MASK, next;

	if (addr < floor)
		addr += PMD_SIZE;
	if (ceiling) {
		ceiling &= PMD_MASK;
		if (!ceiling)
			return;
	}
	if (end - 1 > ceiling - 1)
		end -= PMD_SIZE;
	if (addr > end - 1)
		return;
	tlb_flush_psc(mm, addr, end);
	for (; addr < end; addr = next) {
		u64 *e = &mm->pgd[table_index(addr, PGDIR_SHIFT)];

		next = min((addr & ~(BIT(PGDIR_SHIFT) - 1)) + BIT(PGDIR_SHIFT), end);
		if (*e & _PAGE_PRESENT)
			free_level(mm, e, PGDIR_SHIFT, addr, next, floor, ceiling);
	}
}

/* --- visiting ---------------------------------------------------------------------------- */

u64 *pmd_offset(const struct mm_struct *mm, gva_t addr)
{
	u64 *table = pmd_table(mm, addr);

	return table ? &table[table_index(addr, PMD_SHIFT)] : NULL;
}

pte_t *pte_offset(const struct mm_struct *mm, gva_t addr)
{
	const u64 *table = pmd_table(mm, addr);
	u64 pmd = table ? table[table_index(addr, PMD_SHIFT)] : 0;

	if (!(pmd & _PAGE_PRESENT) || (pmd & _PAGE_PSE))
		return NULL;
	return (pte_t *)entry_table(mm->mem, pmd) + table_index(addr, PAGE_SHIFT);
}

pte_t *pte_next_table(const struct mm_struct *mm, gva_t *addr, gva_t end)
{
	const struct memory *m = mm->mem;

	while (*addr < end) {
		u64 entry = mm->pgd[table_index(*addr, PGDIR_SHIFT)];
		unsigned shift = PGDIR_SHIFT;

		if (entry & _PAGE_PRESENT) {
			shift = PUD_SHIFT;
			entry = entry_table(m, entry)[table_index(*addr, PUD_SHIFT)];
		}
		if (shift == PUD_SHIFT && (entry & _PAGE_PRESENT)) {
			shift = PMD_SHIFT;
			entry = entry_table(m, entry)[table_index(*addr, PMD_SHIFT)];
			if ((entry & _PAGE_PRESENT) && !(entry & _PAGE_PSE))
				return (pte_t *)entry_table(m, entry) +
				       table_index(*addr, PAGE_SHIFT);
		}
		*addr = (*addr & ~(BIT(shift) - 1)) + BIT(shift);
	}
	return NULL;
}

int walk_page_range(struct mm_struct *mm, gva_t start, gva_t end,
		    int (*fn)(pte_t *pte, gva_t addr, void *arg), void *arg)
{
	pte_t *pte;

	while ((pte = pte_next_table(mm, &start, end))) {
		gva_t stop = min((start & PMD_MASK) + PMD_SIZE, end);

		for (; start < stop; start += PAGE_SIZE, pte++) {
			int err = pte_none(*pte) ? 0 : fn(pte, start, arg);

			if (err)
				return err;
		}
	}
	return 0;
}
