/* /proc/PID/maps and numa_maps: a line an area. smaps, which begins as maps does, is smaps.c's.
 * See: Linux 6.18, fs/proc/task_mmu.c. */
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

void pad_to_name(struct pen *p, u32 line)
{
	while (p->n - line < NAME_COLUMN)
		pen_char(p, ' ');
	pen_char(p, ' ');
}

void show_map_line(struct maps_walk *w, struct vm_area_struct *vma)
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
	for_each_vma (mm, vma)
		e->get.vmas(&w, vma);
	e->get.vmas(&w, NULL);
	maps_end(&w);
	return 0;
}

void show_vsyscall_line(struct pen *p)
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
