/* /proc files about frames and what the guest kernel itself has of them: slabinfo, vmallocinfo, kpagecount,
 * kpageflags, kpagecgroup. See: proc(5), slabinfo(5); Linux 6.18, mm/slab_common.c, mm/vmalloc.c, fs/proc/page.c. */
#include <linux/kernel-page-flags.h>

/* Of the kernel's own header only: include/linux/kernel-page-flags.h. */
#define KPF_NONE 63
#define KPF_RESERVED_K 32
#define KPF_MLOCKED_K 33
#define KPF_OWNER_2_K 34 /* of an anonymous page: PG_anon_exclusive */

#include "base/err.h"
#include "mm/vmalloc.h"
#include "proc/procfs/internal.h"

/* --- slabinfo, vmallocinfo ---------------------------------------------------------------- */

/* /proc/slabinfo, slabinfo(5). No tunables, as with SLUB. */
int proc_show_slabinfo(struct seq *out, struct machine *machine)
{
	struct slabinfo s;

	seq_puts(out, "slabinfo - version: 2.1\n"
		      "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		      "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		      "<active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned i = 0; slab_info(&machine->mem, i, &s); i++) {
		seq_printf(out, "%-17s %6lu %6lu %6u %4u %4d", s.name, s.active_objs, s.num_objs,
			   s.objsize, s.objperslab, s.pagesperslab);
		seq_printf(out, " : tunables %4u %4u %4u", 0, 0, 0);
		seq_printf(out, " : slabdata %6lu %6lu %6lu\n", s.active_slabs, s.num_slabs, 0UL);
	}
	return 0;
}

/* /proc/vmallocinfo. Addresses are shown as they are: they say nothing about the host. */
int proc_show_vmallocinfo(struct seq *out, struct machine *machine)
{
	struct vmallocinfo v = {0};

	while (vmalloc_info(&machine->mem, v.start + v.size, &v))
		seq_printf(out, "0x%016lx-0x%016lx %7lu %s pages=%lu vmalloc N0=%lu\n", v.start,
			   v.start + v.size, v.size, v.caller, v.nr_pages, v.nr_pages);
	return 0;
}

/* --- kpagecount, kpageflags, kpagecgroup ---------------------------------------------------- */

static bool pfn_valid(const struct memory *m, pfn_t pfn)
{
	return pfn < m->max_pfn && !(pfn >= HOLE_START_PFN && pfn < HOLE_END_PFN);
}

static u64 kpage_count(const struct memory *m, pfn_t pfn)
{
	const struct page *page = pfn_to_page(m, pfn);

	/* The field is a slab's or a free block's otherwise. */
	return pfn_valid(m, pfn) && page->mapcount > 0 ? (u64)page->mapcount : 0;
}

static u64 free_or_used_flags(const struct memory *m, const struct page *page, pfn_t pfn)
{
	static const u8 bits[NR_PAGEFLAGS] = {
#define PAGE_FLAG(name, kind, kpf) KPF_##kpf,
#include "mm/page_flags.def"
#undef PAGE_FLAG
	};
	const struct page *head = compound_head(page);
	u64 u = 0;

	if (page != head)
		u |= BIT(KPF_COMPOUND_TAIL);
	else if (page_test(page, PG_head))
		u |= BIT(KPF_COMPOUND_HEAD);
	for (unsigned i = 0; i < NR_PAGEFLAGS; i++)
		if (page_test(head, i) && bits[i] != KPF_NONE)
			u |= BIT(bits[i]);
	if (page == m->zero_page)
		u |= BIT(KPF_ZERO_PAGE);
	if (u & (BIT(KPF_SLAB) | BIT(KPF_PGTABLE) | BIT(KPF_BUDDY)))
		return u;
	if (PageAnon(head))
		u |= BIT(KPF_ANON) | (PageKsm(head) ? BIT(KPF_KSM) : 0);
	if (kpage_count(m, pfn))
		u |= BIT(KPF_MMAP);
	return u;
}

/* stable_page_flags() */
static u64 kpage_flags(const struct memory *m, pfn_t pfn)
{
	return pfn_valid(m, pfn) ? free_or_used_flags(m, pfn_to_page(m, pfn), pfn)
				 : BIT(KPF_NOPAGE);
}

/* 8 bytes a frame; nothing behind the last. -EINVAL: not a multiple of 8. */
static long read_kpages(struct task_struct *t, struct iov_iter *to, u64 *pos,
			u64 (*fn)(const struct memory *m, pfn_t pfn))
{
	const struct memory *m = &t->machine->mem;
	long done = 0;

	if ((*pos | to->count) % sizeof(u64))
		return -EINVAL;
	while (to->count && *pos < m->max_pfn * sizeof(u64)) {
		u64 v = fn(m, *pos / sizeof(v));

		if (copy_to_iter(&v, sizeof(v), to) < sizeof(v))
			return done ? done : -EFAULT;
		*pos += sizeof(v);
		done += sizeof(v);
	}
	return done;
}

long proc_read_kpagecount(struct task_struct *t, struct iov_iter *to, u64 *pos)
{
	return read_kpages(t, to, pos, kpage_count);
}

long proc_read_kpageflags(struct task_struct *t, struct iov_iter *to, u64 *pos)
{
	return read_kpages(t, to, pos, kpage_flags);
}

#define ROOT_CGROUP_INO 1 /* of CGROUP, which is all there is */

/* page_cgroup_ino(): whom the page is charged to. Pages of programs and files are, to the root; its
 * kernel memory is not. */
static u64 kpage_cgroup(const struct memory *m, pfn_t pfn)
{
	static const u64 charged = BIT(OWN_ANON) | BIT(OWN_FILE) | BIT(OWN_SHMEM);
	const struct page *page = pfn_to_page(m, pfn);

	return pfn_valid(m, pfn) && BIT(page->owner) & charged ? ROOT_CGROUP_INO : 0;
}

long proc_read_kpagecgroup(struct task_struct *t, struct iov_iter *to, u64 *pos)
{
	return read_kpages(t, to, pos, kpage_cgroup);
}
