/* /proc files about frames and the guest kernel's own memory: pagetypeinfo, vmallocinfo,
 * kpagecount, kpageflags. See: proc(5); Linux 6.18, mm/vmstat.c, mm/vmalloc.c, fs/proc/page.c. */
#include <linux/kernel-page-flags.h>

/* Of the kernel's own header only: include/linux/kernel-page-flags.h. */
#define KPF_RESERVED_K 32
#define KPF_MLOCKED_K 33
#define KPF_OWNER_2_K 34 /* of an anonymous page: PG_anon_exclusive */

#include "base/err.h"
#include "mm/vmalloc.h"
#include "proc/procfs/internal.h"

/* --- pagetypeinfo ------------------------------------------------------------------------- */

/* The kernel's types; those from MIGRATE_TYPES on have no pages here. */
static const char *const migratetype_names[] = {"Unmovable", "Movable", "Reclaimable", "HighAtomic",
						"Isolate"};
#define MAX_COUNTED 100000UL

static void show_free_by_type(struct seq *out, const struct pglist_data *node, const struct zone *z)
{
	for (unsigned mt = 0; mt < ARRAY_SIZE(migratetype_names); mt++) {
		seq_printf(out, "Node %4u, zone %8s, type %12s ", node->node_id, z->name,
			   migratetype_names[mt]);
		for (unsigned o = 0; o < NR_PAGE_ORDERS; o++) {
			u64 n = mt < MIGRATE_TYPES ? zone_free_blocks_of(z, o, mt) : 0;

			seq_printf(out, "%s%6lu ", n > MAX_COUNTED ? ">" : "", min(n, MAX_COUNTED));
		}
		seq_putc(out, '\n');
	}
}

static void show_block_counts(struct seq *out, const struct memory *m, const struct zone *z)
{
	u64 count[MIGRATE_TYPES];

	zone_count_pageblocks(m, z, count);
	seq_printf(out, "Node %u, zone %8s ", m->node->node_id, z->name);
	for (unsigned mt = 0; mt < ARRAY_SIZE(migratetype_names); mt++)
		seq_printf(out, "%12lu ", mt < MIGRATE_TYPES ? count[mt] : 0UL);
	seq_putc(out, '\n');
}

/* /proc/pagetypeinfo: zones that have memory. */
int proc_show_pagetypeinfo(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;
	const struct zone *zones = m->node->zones;

	seq_printf(out, "Page block order: %u\nPages per block:  %lu\n\n", PAGEBLOCK_ORDER,
		   PAGEBLOCK_PAGES);
	seq_printf(out, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned o = 0; o < NR_PAGE_ORDERS; o++)
		seq_printf(out, "%6u ", o);
	seq_putc(out, '\n');
	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		if (zones[i].managed_pages)
			show_free_by_type(out, m->node, &zones[i]);
	seq_printf(out, "\n%-23s", "Number of blocks type ");
	for (unsigned mt = 0; mt < ARRAY_SIZE(migratetype_names); mt++)
		seq_printf(out, "%12s ", migratetype_names[mt]);
	seq_putc(out, '\n');
	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		if (zones[i].managed_pages)
			show_block_counts(out, m, &zones[i]);
	return 0;
}

/* --- vmallocinfo -------------------------------------------------------------------------- */

/* /proc/vmallocinfo. Addresses are shown as they are: they say nothing about the host. */
int proc_show_vmallocinfo(struct seq *out, struct machine *machine)
{
	struct vmallocinfo v = {0};

	while (vmalloc_info(&machine->mem, v.start + v.size, &v))
		seq_printf(out, "0x%016lx-0x%016lx %7lu %s pages=%lu vmalloc N0=%lu\n", v.start,
			   v.start + v.size, v.size, v.caller, v.nr_pages, v.nr_pages);
	return 0;
}

/* --- kpagecount, kpageflags --------------------------------------------------------------- */

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
	static const struct {
		enum pageflag flag;
		u8 bit;
	} same[] = {
		{PG_locked, KPF_LOCKED},
		{PG_referenced, KPF_REFERENCED},
		{PG_uptodate, KPF_UPTODATE},
		{PG_dirty, KPF_DIRTY},
		{PG_lru, KPF_LRU},
		{PG_active, KPF_ACTIVE},
		{PG_slab, KPF_SLAB},
		{PG_writeback, KPF_WRITEBACK},
		{PG_readahead, KPF_RECLAIM}, /* one bit for both */
		{PG_swapbacked, KPF_SWAPBACKED},
		{PG_buddy, KPF_BUDDY},
		{PG_table, KPF_PGTABLE},
		{PG_unevictable, KPF_UNEVICTABLE},
		{PG_mlocked, KPF_MLOCKED_K},
		{PG_reserved, KPF_RESERVED_K},
		{PG_anon_exclusive, KPF_OWNER_2_K},
	};
	const struct page *head = compound_head(page);
	u64 u = 0;

	if (page != head)
		u |= BIT(KPF_COMPOUND_TAIL);
	else if (page_test(page, PG_head))
		u |= BIT(KPF_COMPOUND_HEAD);
	for (unsigned i = 0; i < ARRAY_SIZE(same); i++)
		if (page_test(head, same[i].flag))
			u |= BIT(same[i].bit);
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

	if (*pos >= m->max_pfn * sizeof(u64))
		return 0;
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
