/* See vdso.h. From low to high: [vvar], [vvar_vclock], [vdso], one block. */
#include "loader/vdso.h"

#include <string.h>

#include "base/host_proc.h"
#include "proc/vdso_data.h"

extern const u8 vdso_image[], vdso_image_end[]; /* vdso_image.S */

enum { VDSO_VVAR, VDSO_VCLOCK, VDSO_TEXT, NR_VDSO_PARTS };
#define MAX_PART_PAGES 16

struct vdso {
	struct vm_special_mapping part[NR_VDSO_PARTS]; /* in the order of their addresses */
	struct page *pages[NR_VDSO_PARTS][MAX_PART_PAGES];
};

static const struct {
	const char *name;
	u32 nr_pages; /* linux-facts 1.1: the reference kernel's */
	vm_flags_t flags;
	bool pfnmap;
} part_desc[NR_VDSO_PARTS] = {
	[VDSO_VVAR] = {"[vvar]", 4,
		       VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_DONTEXPAND | VM_PFNMAP,
		       true},
	[VDSO_VCLOCK] = {"[vvar_vclock]", 2,
			 VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_DONTEXPAND | VM_PFNMAP,
			 true},
	[VDSO_TEXT] = {"[vdso]", 2,
		       VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_DONTEXPAND,
		       false},
};

/* Between two symbols of the linker, not inside one object of C. */
static u64 image_size(void)
{
	return (u64)vdso_image_end - (u64)vdso_image;
}

static u32 part_pages(const struct machine *m, int i)
{
	u32 n = part_desc[i].nr_pages;

	if (m->config.vdso_layout == VDSO_HOST)
		n = host_mapping_size(part_desc[i].name) >> PAGE_SHIFT;
	if (i == VDSO_TEXT) /* the image has to fit */
		n = max(n, (u32)(page_align(image_size()) >> PAGE_SHIFT));
	if (i == VDSO_VVAR) /* and to find its data: data_page() */
		n = max(n, 1U);
	return min(n, (u32)MAX_PART_PAGES);
}

static int make_frames(struct machine *m, struct vdso *v)
{
	for (int i = 0; i < NR_VDSO_PARTS; i++) {
		v->part[i] = (struct vm_special_mapping){
			.name = part_desc[i].name,
			.pages = v->pages[i],
			.nr_pages = part_pages(m, i),
			.pfnmap = part_desc[i].pfnmap,
		};
		for (u32 j = 0; j < v->part[i].nr_pages; j++) {
			struct page *p = alloc_pages(&m->mem, GFP_KERNEL | __GFP_ZERO, 0);

			if (!p)
				return -ENOMEM;
			p->owner = OWN_KERNEL;
			v->pages[i][j] = p;
		}
	}
	return 0;
}

static void copy_image(struct machine *m, struct vdso *v)
{
	u64 left = image_size();

	for (u32 j = 0; left; j++) {
		u64 n = min(left, PAGE_SIZE);

		memcpy(page_address(&m->mem, v->pages[VDSO_TEXT][j]), vdso_image + j * PAGE_SIZE,
		       n);
		left -= n;
	}
}

/* What vdso_code.S reads: the page below the code. */
static struct vdso_data *data_page(struct machine *m)
{
	struct vdso *v = m->vdso;
	int i = v->part[VDSO_VCLOCK].nr_pages ? VDSO_VCLOCK : VDSO_VVAR;

	return page_address(&m->mem, v->pages[i][v->part[i].nr_pages - 1]);
}

int vdso_init(struct machine *m)
{
	m->vdso = kzalloc(&m->mem, sizeof(*m->vdso), GFP_KERNEL);
	if (!m->vdso)
		return -ENOMEM;
	if (make_frames(m, m->vdso)) {
		vdso_destroy(m);
		return -ENOMEM;
	}
	copy_image(m, m->vdso);
	machine_clock_share(m, data_page(m));
	return 0;
}

void vdso_destroy(struct machine *m)
{
	if (!m->vdso)
		return;
	machine_clock_share(m, NULL);
	for (int i = 0; i < NR_VDSO_PARTS; i++)
		for (u32 j = 0; j < MAX_PART_PAGES; j++)
			if (m->vdso->pages[i][j])
				put_page(&m->mem, m->vdso->pages[i][j]);
	kfree(&m->mem, m->vdso);
	m->vdso = NULL;
}

static int map_at(struct machine *m, struct mm_struct *mm, gva_t hint)
{
	u64 total = 0, done = 0;
	long addr;

	for (int i = 0; i < NR_VDSO_PARTS; i++)
		total += (u64)m->vdso->part[i].nr_pages << PAGE_SHIFT;
	addr = get_unmapped_area(mm, hint, total, 0, false, false);
	if (IS_ERR_VALUE(addr))
		return (int)addr;
	for (int i = 0; i < NR_VDSO_PARTS; i++) {
		u64 len = (u64)m->vdso->part[i].nr_pages << PAGE_SHIFT;
		struct vm_area_struct *vma;

		if (!len)
			continue;
		vma = install_special_mapping(mm, addr, len, part_desc[i].flags, &m->vdso->part[i]);
		if (IS_ERR(vma)) {
			do_munmap(mm, addr - done, done);
			return PTR_ERR(vma);
		}
		if (i == VDSO_TEXT)
			mm->vdso = addr;
		addr += len;
		done += len;
	}
	return 0;
}

int vdso_map(struct machine *m, struct mm_struct *mm)
{
	return map_at(m, mm, 0);
}

long vdso_map_once(struct machine *m, struct mm_struct *mm, gva_t addr, int bits)
{
	struct vm_area_struct *vma;
	int err;

	for_each_vma (mm, vma) {
		if (vma->vm_private_data == &m->vdso->part[VDSO_VVAR] ||
		    vma->vm_private_data == &m->vdso->part[VDSO_TEXT])
			return -EEXIST;
	}
	if (bits != 64)
		return -EINVAL;
	err = map_at(m, mm, addr);
	return err ? err : (long)m->vdso->part[VDSO_TEXT].nr_pages << PAGE_SHIFT;
}
