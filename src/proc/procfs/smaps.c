/* /proc/PID/smaps and smaps_rollup: what the page tables say of an area.
 *
 *	an area --> walk_page_range(): smaps_pte() a pte --> smaps_account() a page --> mem_size_stats
 *	        --> show_map_line(), and a line a field
 *
 * See: Linux 6.18, fs/proc/task_mmu.c; proc_pid_smaps(5). */
#include <string.h>

#include "base/err.h"
#include "mm/hugetlb.h"
#include "mm/paging.h"
#include "proc/procfs/internal.h"
#include "proc/procfs/maps.h"

/* --- smaps: what the ptes say ------------------------------------------------------------- */

#define PSS_SHIFT 12 /* pss is bytes in fixed point */

struct mem_size_stats {
	const struct memory *mem;
	bool locked;					    /* the VMA is VM_LOCKED */
	u64 resident, referenced, anonymous, ksm, lazyfree; /* bytes */
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 pss, pss_anon, pss_file, pss_shmem, pss_dirty, pss_locked; /* << PSS_SHIFT */
};

/* smaps_account(), smaps_page_accumulate() */
static void smaps_account(struct mem_size_stats *s, const struct page *page, pte_t pte)
{
	bool dirty = pte_dirty(pte) || page_test(page, PG_dirty);
	bool shared = page->mapcount >= 2;
	u64 pss = PAGE_SIZE << PSS_SHIFT;

	if (shared)
		pss /= (u32)page->mapcount;
	s->resident += PAGE_SIZE;
	if (pte_young(pte) || page_test(page, PG_referenced))
		s->referenced += PAGE_SIZE;
	if (PageAnon(page)) {
		s->anonymous += PAGE_SIZE;
		if (PageKsm(page))
			s->ksm += PAGE_SIZE;
		s->pss_anon += pss;
		if (!page_test(page, PG_swapbacked) && !dirty)
			s->lazyfree += PAGE_SIZE;
	} else if (page_test(page, PG_swapbacked)) {
		s->pss_shmem += pss;
	} else {
		s->pss_file += pss;
	}
	s->pss += pss;
	if (s->locked)
		s->pss_locked += pss;
	if (dirty) {
		s->pss_dirty += pss;
		*(shared ? &s->shared_dirty : &s->private_dirty) += PAGE_SIZE;
	} else {
		*(shared ? &s->shared_clean : &s->private_clean) += PAGE_SIZE;
	}
}

/* The zero page and raw frames (vvar) count nowhere; nor do entries that are no page. */
static int smaps_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct mem_size_stats *s = arg;

	if (pte_present(*pte) && !pte_special(*pte))
		smaps_account(s, pfn_to_page(s->mem, pte_pfn(*pte)), *pte);
	return 0;
}

/* Adds a VMA to @s. */
static void smap_gather_stats(struct mem_size_stats *s, struct vm_area_struct *vma)
{
	s->mem = vma->vm_mm->mem;
	s->locked = vma->vm_flags & VM_LOCKED;
	walk_page_range(vma->vm_mm, vma->vm_start, vma->vm_end, smaps_pte, s);
}

/* "Rss:" and blanks up to column 16 are @label, a literal of 16 characters. */
static void kb_line(struct pen *p, const char label[17], u64 bytes)
{
	pen_need(p, 48);
	pen_text(p, label, 16);
	pen_dec(p, bytes >> 10, 8);
	pen_text(p, " kB\n", 4);
}

/* __show_smap(): what smaps and smaps_rollup have in common. */
static void show_smap_fields(struct pen *p, const struct mem_size_stats *s, bool rollup)
{
	kb_line(p, "Rss:            ", s->resident);
	kb_line(p, "Pss:            ", s->pss >> PSS_SHIFT);
	kb_line(p, "Pss_Dirty:      ", s->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		kb_line(p, "Pss_Anon:       ", s->pss_anon >> PSS_SHIFT);
		kb_line(p, "Pss_File:       ", s->pss_file >> PSS_SHIFT);
		kb_line(p, "Pss_Shmem:      ", s->pss_shmem >> PSS_SHIFT);
	}
	kb_line(p, "Shared_Clean:   ", s->shared_clean);
	kb_line(p, "Shared_Dirty:   ", s->shared_dirty);
	kb_line(p, "Private_Clean:  ", s->private_clean);
	kb_line(p, "Private_Dirty:  ", s->private_dirty);
	kb_line(p, "Referenced:     ", s->referenced);
	kb_line(p, "Anonymous:      ", s->anonymous);
	kb_line(p, "KSM:            ", s->ksm);
	kb_line(p, "LazyFree:       ", s->lazyfree);
	kb_line(p, "AnonHugePages:  ", 0); /* no pmd maps a page yet */
	kb_line(p, "ShmemPmdMapped: ", 0);
	kb_line(p, "FilePmdMapped:  ", 0);
	kb_line(p, "Shared_Hugetlb: ", 0); /* no hugetlbfs */
	kb_line(p, "Private_Hugetlb:", 0); /* 16 characters and a number of 8: one blank fewer */
	kb_line(p, "Swap:           ", 0); /* no swap yet */
	kb_line(p, "SwapPss:        ", 0);
	kb_line(p, "Locked:         ", s->pss_locked >> PSS_SHIFT);
}

static const struct vm_flag_letters {
	vm_flags_t flag;
	char letters[4];
} vm_flag_letters[] = {
#define VM_FLAG(name, bit, letters, mergeable) {BIT(bit), letters " "},
#include "mm/vm_flags.def"
#undef VM_FLAG
};

static void show_smap_vma_flags(struct pen *p, vm_flags_t flags)
{
	pen_need(p, 9 + 3 * ARRAY_SIZE(vm_flag_letters) + 1);
	pen_text(p, "VmFlags: ", 9);
	for (unsigned i = 0; i < ARRAY_SIZE(vm_flag_letters); i++)
		if (flags & vm_flag_letters[i].flag)
			pen_text(p, vm_flag_letters[i].letters, 3);
	pen_char(p, '\n');
}

/* Could a 2 MiB page be used at all? The mode is `madvise`, and shmem has none.
 * See: thp_vma_allowable_orders(). */
static bool thp_eligible(const struct vm_area_struct *vma)
{
	gva_t start = (vma->vm_start + PMD_SIZE - 1) & PMD_MASK;

	return vma_is_anonymous(vma) && (vma->vm_flags & VM_HUGEPAGE) &&
	       !(vma->vm_flags & (VM_NOHUGEPAGE | VM_SPECIAL)) && start + PMD_SIZE <= vma->vm_end;
}

/* show_smap() below its header */
static void show_smap(struct pen *p, const struct mem_size_stats *s, u64 size, u64 page_size,
		      bool thp, vm_flags_t flags)
{
	kb_line(p, "Size:           ", size);
	kb_line(p, "KernelPageSize: ", page_size);
	kb_line(p, "MMUPageSize:    ", page_size);
	show_smap_fields(p, s, false);
	pen_need(p, 32);
	pen_text(p, "THPeligible:           ", 23);
	pen_char(p, thp ? '1' : '0');
	pen_char(p, '\n');
	show_smap_vma_flags(p, flags); /* no ProtectionKey: the CPU has no pku */
}

/* /proc/PID/smaps, proc(5). */
void proc_record_smaps(struct maps_walk *w, struct vm_area_struct *vma)
{
	struct mem_size_stats s = {0};

	if (!vma) {
		show_vsyscall_line(&w->pen);
		show_smap(&w->pen, &s, PAGE_SIZE, PAGE_SIZE, false, VM_EXEC);
		return;
	}
	smap_gather_stats(&s, vma);
	show_map_line(w, vma);
	show_smap(&w->pen, &s, vma->vm_end - vma->vm_start, vma_kernel_pagesize(vma),
		  thp_eligible(vma), vma->vm_flags);
}

/* /proc/PID/smaps_rollup, proc(5): the sums, Pss before it is cut to kB. */
int proc_show_smaps_rollup(struct seq *out, struct mm_struct *mm)
{
	struct mem_size_stats s = {0};
	gva_t start = 0, end = 0;
	struct vm_area_struct *vma;
	struct pen p;

	if (!mm)
		return -ESRCH;
	for_each_vma (mm, vma) {
		if (!end)
			start = vma->vm_start;
		end = vma->vm_end;
		smap_gather_stats(&s, vma);
	}
	p.out = out;
	p.n = 0;
	pen_hex(&p, start, 8);
	pen_char(&p, '-');
	pen_hex(&p, end, 8);
	pen_text(&p, " ---p 00000000 00:00 0 ", 23);
	pad_to_name(&p, 0);
	pen_text(&p, "[rollup]\n", 9);
	show_smap_fields(&p, &s, true);
	pen_flush(&p);
	return 0;
}
