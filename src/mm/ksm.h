/* KSM: anonymous pages of equal bytes, in areas that MADV_MERGEABLE allows it for, become one page
 * that everybody maps read-only; a store copies it back out (do_wp_page).
 *
 *   ksm_mm_slot, one an mm --> rmap_items by address, one a scanned page
 *
 *   unstable tree   pages that have not changed since the last pass, by content; not write
 *                   protected, so it is thrown away after each pass
 *   stable tree     merged pages (PageKsm), by content; each knows the rmap_items that map it,
 *                   and page->mapping leads back to it
 *
 * A checksum (XXH64) tells that a page has stopped changing; equality is decided by comparing
 * bytes. Nothing here scans by itself: the thread ksmd, which does, is proc/kthread.c's.
 *
 * Not for: pages of files and shared memory, which are one anyway; the files of /sys (proc/procfs/ksm.c).
 * See: Documentation/admin-guide/mm/ksm.rst; Linux 6.18, mm/ksm.c.
 */
#ifndef MM_KSM_H
#define MM_KSM_H

#include "mm/mm.h"
#include "mm/rmap.h"

#define KSM_RUN_STOP 0U
#define KSM_RUN_MERGE 1U
#define KSM_RUN_UNMERGE 2U

#define KSM_PAGES_TO_SCAN 100U /* at first, and when no advisor chooses any more */

enum ksm_advisor_mode { KSM_ADVISOR_NONE, KSM_ADVISOR_SCAN_TIME };

/* What /sys/kernel/mm/ksm shows, at one moment. */
struct ksm_info {
	u32 run, pages_to_scan, sleep_millisecs, max_page_sharing;
	bool smart_scan, use_zero_pages, merge_across_nodes;
	enum ksm_advisor_mode advisor_mode;
	u32 advisor_max_cpu, prune_millisecs;
	u64 advisor_min_pages_to_scan, advisor_max_pages_to_scan, advisor_target_scan_time;
	u64 full_scans, pages_shared, pages_sharing, pages_unshared, pages_volatile;
	u64 pages_scanned, pages_skipped, stable_node_chains, stable_node_dups;
	u64 ksm_zero_pages;
	s64 general_profit;
};
void ksm_read_info(struct memory *m, struct ksm_info *out);

/* The same for one process, /proc/PID/ksm_stat: bytes saved, less what that costs. */
s64 ksm_process_profit(const struct mm_struct *mm);

/* --- knobs: 0, or -errno and nothing has changed. See: Documentation/admin-guide/mm/ksm.rst --- */

/* KSM_RUN_*; UNMERGE also unmerges everything: -ENOMEM, and then it has stopped half way. -EINVAL. */
int ksm_set_run(struct memory *m, u32 run);
int ksm_set_pages_to_scan(struct memory *m, u32 nr); /* -EINVAL: the advisor's */
int ksm_set_sleep_millisecs(struct memory *m, u32 ms);
/* -EINVAL: below 2; -EBUSY: something is merged already. */
int ksm_set_max_page_sharing(struct memory *m, u32 nr);
int ksm_set_smart_scan(struct memory *m, bool on);
int ksm_set_use_zero_pages(struct memory *m, bool on); /* empty pages go to the zero page */

int ksm_set_advisor_mode(struct memory *m, enum ksm_advisor_mode mode);
int ksm_set_advisor_max_cpu(struct memory *m, u64 percent);
int ksm_set_advisor_min_pages_to_scan(struct memory *m, u64 nr);
int ksm_set_advisor_max_pages_to_scan(struct memory *m, u64 nr);
int ksm_set_advisor_target_scan_time(struct memory *m, u64 seconds); /* -EINVAL: 0 */
/* -EBUSY: something is merged already. There is one node: it changes nothing. */
int ksm_set_merge_across_nodes(struct memory *m, bool on);
/* How old what is known of full chains may be; here they are looked through in each pass. */
int ksm_set_prune_millisecs(struct memory *m, u32 ms);

/* --- for ksmd ---------------------------------------------------------------------------- */

/* For the advisor, before ksm_do_scan(): the time, and how long ksmd has had the CPU, ever. */
void ksm_set_clock(struct memory *m, u64 now_ns, u64 cpu_ns);
/* Is there anything for ksmd to do? */
bool ksm_should_run(const struct memory *m);
/* Looks at up to @nr pages, less at the end of a pass. May reclaim. */
void ksm_do_scan(struct memory *m, u32 nr);

/* --- whole processes --------------------------------------------------------------------- */

/* prctl(PR_SET_MEMORY_MERGE): every area that may be, now and later, is mergeable; or none any more.
 * 0 or -ENOMEM, and then it is as it was. */
int ksm_enable_merge_any(struct mm_struct *mm);
int ksm_disable_merge_any(struct mm_struct *mm);
/* Has @mm a mergeable area? */
bool ksm_process_mergeable(struct mm_struct *mm);

/* --- inside mm/ -------------------------------------------------------------------------- */

/* @mm has, or is about to have, a mergeable area. 0 or -ENOMEM. */
int ksm_enter(struct mm_struct *mm);
/* A child's mm: mergeable as its parent's is. */
int ksm_fork(struct mm_struct *mm, const struct mm_struct *old);
/* @mm's areas are about to go. */
void ksm_exit(struct mm_struct *mm);
/* May pages of an area with these flags be merged at all? */
static inline bool vma_ksm_compatible(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_DROPPABLE));
}
/* What a new area of @mm gets on top of @flags. */
static inline vm_flags_t ksm_vma_flags(const struct mm_struct *mm, vm_flags_t flags)
{
	if (likely(!mm->ksm_merge_any) ||
	    (flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_DROPPABLE)))
		return flags;
	return flags | VM_MERGEABLE;
}

/* The zero page where KSM put it: its pte is dirty, which no other one is. */
static inline bool is_ksm_zero_pte(const struct memory *m, pte_t pte)
{
	return (pte.pte & (_PAGE_SPECIAL | _PAGE_DIRTY)) == (_PAGE_SPECIAL | _PAGE_DIRTY) &&
	       pte_present(pte) && pfn_to_page(m, pte_pfn(pte)) == m->zero_page;
}
/* A special pte of @mm goes: if it was such a one, it counts no more. */
static inline void ksm_might_unmap_zero_page(struct mm_struct *mm, pte_t pte)
{
	if (unlikely(mm->ksm_zero_pages) && is_ksm_zero_pte(mm->mem, pte)) {
		mm->ksm_zero_pages--;
		mm->mem->ksm_zero_pages--;
	}
}

/* Gives [start, end) of @vma its own pages back (MADV_UNMERGEABLE, mremap). 0 or -ENOMEM; what was
 * done stays done. */
int unmerge_ksm_pages(struct vm_area_struct *vma, gva_t start, gva_t end);
/* As rmap_walk(), for a merged page. A mapping that ksmd has not met yet (a child's) may be
 * missed. */
int rmap_walk_ksm(struct page *page, rmap_fn fn, void *arg);

/* Trees sorted by content, nodes and pages know each other, counts. 0 or -EFAULT. */
int ksm_validate(struct memory *m);

#endif
