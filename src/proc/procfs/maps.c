/* /proc/PID/maps, smaps, smaps_rollup, numa_maps: one walk over the VMAs, and for all but maps
 * over their page tables. See: Linux 6.18, fs/proc/task_mmu.c. */
#include <string.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "mm/hugetlb.h"
#include "mm/paging.h"
#include "proc/procfs/internal.h"
#include "proc/procfs/maps.h"

#define NAME_COLUMN 72 /* blanks up to here and one more, then the name */
#define VSYSCALL_LINE                                                                              \
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"

/* --- one line of maps --------------------------------------------------------------------- */

int maps_begin(struct maps_walk *w, struct seq *out, struct mm_struct *mm)
{
	w->pen.out = out;
	w->pen.n = 0;
	w->mm = mm;
	w->named = NULL;
	w->name = kmalloc(mm->mem, PATH_MAX, GFP_KERNEL);
	return w->name ? 0 : -ENOMEM;
}

void maps_end(struct maps_walk *w)
{
	if (w->pen.out)
		pen_flush(&w->pen);
	kfree(w->mm->mem, w->name);
}

static bool vma_is_initial_heap(const struct vm_area_struct *vma)
{
	return vma->vm_start < vma->vm_mm->brk && vma->vm_end > vma->vm_mm->start_brk;
}

static bool vma_is_initial_stack(const struct vm_area_struct *vma)
{
	return vma->vm_start <= vma->vm_mm->start_stack && vma->vm_end >= vma->vm_mm->start_stack;
}

static const char *file_name(struct maps_walk *w, struct file *f)
{
	if (w->named != f) {
		if (d_path(&f->f_path, w->name, PATH_MAX) < 0)
			strcpy(w->name, "?");
		w->named = f;
	}
	return w->name;
}

const char *vma_name(struct maps_walk *w, struct vm_area_struct *vma)
{
	if (vma->vm_file)
		return file_name(w, vma->vm_file);
	if (vma->vm_ops && vma->vm_ops->name)
		return vma->vm_ops->name(vma);
	if (vma_is_initial_heap(vma))
		return "[heap]";
	if (vma_is_initial_stack(vma))
		return "[stack]";
	return NULL;
}

struct vma_place vma_place(const struct vm_area_struct *vma)
{
	struct vma_place at = {0};

	if (vma->vm_file || vma->vm_mapping)
		at.offset = vma->vm_pgoff << PAGE_SHIFT;
	if (vma->vm_mapping && vma->vm_mapping->ino) {
		at.major = vma->vm_mapping->dev_major;
		at.minor = vma->vm_mapping->dev_minor;
		at.ino = vma->vm_mapping->ino;
	} else if (vma->vm_file && vma->vm_file->f_path.dentry) {
		at.major = major(vma->vm_file->f_path.dentry->dev);
		at.minor = minor(vma->vm_file->f_path.dentry->dev);
		at.ino = vma->vm_file->f_path.dentry->ino;
	}
	return at;
}

/* Blanks up to the name's column in a line that began at @line characters into the pen. */
static void pad_to_name(struct pen *p, u32 line)
{
	while (p->n - line < NAME_COLUMN)
		pen_char(p, ' ');
	pen_char(p, ' ');
}

/* show_map_vma() */
static void show_map_line(struct maps_walk *w, struct vm_area_struct *vma)
{
	const char *name = vma_name(w, vma);
	struct vma_place at = vma_place(vma);
	u64 flags = vma->vm_flags;
	struct pen *p = &w->pen;
	u32 line, len;

	pen_need(p, 160); /* the longest line without a name: 121 */
	line = p->n;
	pen_hex(p, vma->vm_start, 8);
	pen_char(p, '-');
	pen_hex(p, vma->vm_end, 8);
	pen_char(p, ' ');
	pen_char(p, flags & VM_READ ? 'r' : '-');
	pen_char(p, flags & VM_WRITE ? 'w' : '-');
	pen_char(p, flags & VM_EXEC ? 'x' : '-');
	pen_char(p, flags & VM_MAYSHARE ? 's' : 'p');
	pen_char(p, ' ');
	pen_hex(p, at.offset, 8);
	pen_char(p, ' ');
	pen_hex(p, at.major, 2);
	pen_char(p, ':');
	pen_hex(p, at.minor, 2);
	pen_char(p, ' ');
	pen_dec(p, at.ino, 0);
	pen_char(p, ' ');
	if (name) {
		pad_to_name(p, line);
		len = strlen(name);
		if (len > PEN_SIZE / 2 || memchr(name, '\n', len)) {
			pen_flush(p);
			seq_escape(p->out, name, "\n");
		} else {
			pen_need(p, len);
			pen_text(p, name, len);
		}
	}
	pen_need(p, 1);
	pen_char(p, '\n');
}

int proc_show_vmas(const struct proc_entry *e, struct seq *out, struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	struct maps_walk w;

	if (!mm)
		return 0;
	if (maps_begin(&w, out, mm))
		return -ENOMEM;
	for_each_vma(mm, vma) e->get.vmas(&w, vma);
	e->get.vmas(&w, NULL);
	maps_end(&w);
	return 0;
}

static void show_vsyscall_line(struct pen *p)
{
	pen_need(p, sizeof(VSYSCALL_LINE));
	pen_text(p, VSYSCALL_LINE, sizeof(VSYSCALL_LINE) - 1);
}

/* /proc/PID/maps, proc(5). Without an address space it is empty. */
void proc_record_maps(struct maps_walk *w, struct vm_area_struct *vma)
{
	if (vma)
		show_map_line(w, vma);
	else
		show_vsyscall_line(&w->pen);
}

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
	for_each_vma(mm, vma)
	{
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

/* --- numa_maps ---------------------------------------------------------------------------- */

struct numa_maps {
	const struct memory *mem;
	u64 pages, anon, dirty, active, mapcount_max;
};

static int gather_numa_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct numa_maps *n = arg;
	const struct page *page;

	if (!pte_present(*pte) || pte_special(*pte))
		return 0;
	page = pfn_to_page(n->mem, pte_pfn(*pte));
	n->pages++;
	n->anon += PageAnon(page);
	n->dirty += pte_dirty(*pte) || page_test(page, PG_dirty);
	n->active += page_test(page, PG_active) || page_test(page, PG_unevictable);
	n->mapcount_max = max(n->mapcount_max, (u64)page->mapcount);
	return 0;
}

static void show_numa_counts(struct seq *out, const struct numa_maps *n)
{
	if (n->anon)
		seq_printf(out, " anon=%lu", n->anon);
	if (n->dirty)
		seq_printf(out, " dirty=%lu", n->dirty);
	if (n->pages != n->anon && n->pages != n->dirty)
		seq_printf(out, " mapped=%lu", n->pages);
	if (n->mapcount_max > 1)
		seq_printf(out, " mapmax=%lu", n->mapcount_max);
	if (n->active < n->pages)
		seq_printf(out, " active=%lu", n->active);
	seq_printf(out, " N0=%lu kernelpagesize_kB=4", n->pages);
}

/* The policy that pages of @vma come by: its own, its object's, or that of @t (NULL: not known). */
static void show_policy(struct seq *out, struct vm_area_struct *vma, const struct task_struct *t)
{
	const struct mempolicy *pol = get_vma_policy(vma, vma->vm_start);
	char text[MPOL_STR_MAX];

	mpol_to_str(text, pol || !t ? pol : t->mempolicy.policy);
	seq_printf(out, "%08lx %s", vma->vm_start, text);
}

/* /proc/PID/numa_maps, numa(7): one node. */
void proc_record_numa_maps(struct maps_walk *w, struct vm_area_struct *vma)
{
	struct seq *out = w->pen.out;
	struct numa_maps n = {0};

	if (!vma)
		return;
	n.mem = w->mm->mem;
	show_policy(out, vma, out->private);
	if (vma->vm_file || vma->vm_mapping) {
		seq_puts(out, " file=");
		seq_escape(out, vma_name(w, vma), "\n\t= ");
	} else if (vma_is_initial_heap(vma)) {
		seq_puts(out, " heap");
	} else if (vma_is_initial_stack(vma)) {
		seq_puts(out, " stack");
	}
	if (vma->vm_flags & VM_HUGETLB)
		seq_puts(out, " huge");
	if (vma_is_anonymous(vma) || vma->vm_mapping) /* else frames of the kernel: PageReserved */
		walk_page_range(w->mm, vma->vm_start, vma->vm_end, gather_numa_pte, &n);
	if (n.pages)
		show_numa_counts(out, &n);
	seq_putc(out, '\n');
}
