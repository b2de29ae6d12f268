/* The read-only walk down the page tables. Core code: reachable inside cpu_run(). */
#include "mm/paging.h"

pte_t *pte_offset(const struct mm_struct *mm, gva_t addr)
{
	const struct memory *m = mm->mem;
	u64 entry = mm->pgd[table_index(addr, PGDIR_SHIFT)];

	if (!(entry & _PAGE_PRESENT))
		return NULL;
	entry = entry_table(m, entry)[table_index(addr, PUD_SHIFT)];
	if (!(entry & _PAGE_PRESENT))
		return NULL;
	entry = entry_table(m, entry)[table_index(addr, PMD_SHIFT)];
	if (!(entry & _PAGE_PRESENT) || (entry & _PAGE_PSE))
		return NULL;
	return (pte_t *)entry_table(m, entry) + table_index(addr, PAGE_SHIFT);
}
