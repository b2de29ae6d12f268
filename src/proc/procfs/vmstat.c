/* What mm/vmstat.c of Linux prints: vmstat, zoneinfo, buddyinfo, pagetypeinfo, and the node's part of them in
 * /sys. Counters are rows of mm/vmstat.def. See: proc(5). */
#include <limits.h>

#include "base/err.h"
#include "mm/paging.h"
#include "proc/procfs/counters.h"
#include "proc/procfs/internal.h"

#define MAX_ZONES_PRINTED 5 /* DMA DMA32 Normal, and Movable and Device, always empty */

u64 totalreserve_pages(const struct memory *m)
{
	u64 sum = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];
		u64 reserve = 0;

		for (unsigned j = i; j < MAX_NR_ZONES; j++)
			reserve = max(reserve, z->lowmem_reserve[j]);
		sum += min(reserve + z->watermark[WMARK_HIGH], z->managed_pages);
	}
	return sum;
}

/* An event's value is its count. */
#define VM_EVENT(kind, name) VMSTAT(kind, name, EV(name))

/* --- vmstat, zoneinfo --------------------------------------------------------------------- */

/* Free pages in blocks of at least a page block. */
static u64 zone_pageblock_pages(const struct zone *z)
{
	u64 n = 0;

	for (unsigned o = PAGEBLOCK_ORDER; o < NR_PAGE_ORDERS; o++)
		n += zone_free_blocks(z, o) << o;
	return n;
}

static u64 free_pageblock_pages(const struct memory *m)
{
	u64 n = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		n += zone_pageblock_pages(&m->node->zones[i]);
	return n;
}

static void vmstat_line(struct seq *out, bool zoneinfo, const char *name, u64 value)
{
	if (zoneinfo) {
		seq_printf(out, "      %-12s %lu\n", name, value);
		return;
	}
	seq_puts(out, name);
	seq_putc(out, ' ');
	seq_put_dec(out, value, 0);
	seq_putc(out, '\n');
}

struct dirty_limits {
	u64 thresh, background; /* pages */
};

/* How much may be dirty: of what programs and files could have, a share, or what is set in bytes.
 * See: Linux 6.18, mm/page-writeback.c, global_dirtyable_memory(), domain_dirty_limits(). */
static struct dirty_limits global_dirty_limits(const struct machine *machine)
{
	const struct memory *m = &machine->mem;
	u64 x = nr_free_pages(m), reserve = totalreserve_pages(m);
	struct dirty_limits d;

	x = x - min(x, reserve) + ST(inactive_file) + ST(active_file) + 1;
	d.thresh = machine->sysctl[SYSCTL_dirty_ratio] * PAGE_SIZE / 100 * x / PAGE_SIZE;
	d.background =
		machine->sysctl[SYSCTL_dirty_background_ratio] * PAGE_SIZE / 100 * x / PAGE_SIZE;
	if (machine->dirty_bytes)
		d.thresh = page_align(machine->dirty_bytes) >> PAGE_SHIFT;
	if (machine->dirty_background_bytes)
		d.background = page_align(machine->dirty_background_bytes) >> PAGE_SHIFT;
	d.thresh = min(d.thresh, (u64)UINT_MAX);
	if (d.background >= d.thresh)
		d.background = d.thresh / 2;
	return d;
}

/* /proc/vmstat: global counters and events. */
int proc_show_vmstat(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;
	const struct dirty_limits limits = global_dirty_limits(machine);

#define DIRTY(which) limits.which
#define VMSTAT(kind, name, value) ALL_ROW_##kind(name, value)
#define ALL_ROW_ZONE(name, value) vmstat_line(out, false, #name, value);
#define ALL_ROW_NODE(name, value) ALL_ROW_ZONE(name, value)
#define ALL_ROW_EVENT(name, value) ALL_ROW_ZONE(name, value)
#define ALL_ROW_OWN(name, value)
#include "mm/vmstat.def"
#undef VMSTAT
#undef DIRTY
	return 0;
}

/* node0/vmstat: counters alone. */
int proc_show_node_vmstat(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;

#define VMSTAT(kind, name, value) NODE_ROW_##kind(name, value)
#define NODE_ROW_ZONE(name, value) vmstat_line(out, false, #name, value);
#define NODE_ROW_NODE(name, value) NODE_ROW_ZONE(name, value)
#define NODE_ROW_EVENT(name, value)
#define NODE_ROW_OWN(name, value)
#include "mm/vmstat.def"
#undef VMSTAT
	return 0;
}

/* One node: what was asked of it came from it, to its own CPU. */
int proc_show_node_numastat(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;

	seq_printf(out, "numa_hit %lu\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\n", PGALLOC);
	seq_printf(out, "local_node %lu\nother_node 0\n", PGALLOC);
	return 0;
}

/* node0/compact cannot be read. Any text makes the node compact, which here finds nothing to do. */
int proc_show_node_compact(struct seq *out __unused, struct machine *m __unused)
{
	return -EIO;
}

int proc_write_node_compact(struct machine *m __unused, struct task_struct *t __unused,
			    u64 sub __unused, char *text __unused)
{
	return 0;
}

/* The rows of one kind. */
#define VMSTAT(kind, name, value) ROW_##kind(name, value)
#define ROW_EVENT(name, value)
#define ROW_OWN(name, value)

static void zoneinfo_node(struct seq *out, const struct memory *m)
{
	seq_puts(out, "\n  per-node stats\n");
#define ROW_ZONE(name, value)
#define ROW_NODE(name, value) vmstat_line(out, true, #name, value);
#include "mm/vmstat.def"
#undef ROW_NODE
#undef ROW_ZONE
}

static u64 zone_allocations(const struct memory *m, const struct zone *z)
{
	static const enum vm_event events[] = {EV_pgalloc_dma, EV_pgalloc_dma32, EV_pgalloc_normal};

	_Static_assert(ARRAY_SIZE(events) == MAX_NR_ZONES, "one for each zone");
	return m->events[events[z->idx]];
}

/* The zone's own counters; those of what does not exist are 0. */
static void zoneinfo_counters(struct seq *out, const struct memory *m, const struct zone *z)
{
#define ROW_NODE(name, value)
#define ROW_ZONE(name, value) ROW_##name,
	enum {
#include "mm/vmstat.def"
		NR_ROWS
	};
#undef ROW_ZONE
#define ROW_ZONE(name, value) #name,
	static const char *const names[] = {
#include "mm/vmstat.def"
	};
#undef ROW_NODE
#undef ROW_ZONE
	u64 values[NR_ROWS] = {0};

	values[ROW_nr_free_pages] = zone_free_pages(z);
	values[ROW_nr_free_pages_blocks] = zone_pageblock_pages(z);
	_Static_assert(ROW_nr_zone_unevictable - ROW_nr_zone_inactive_anon == LRU_UNEVICTABLE,
		       "in the order of the lists");
	for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++)
		values[ROW_nr_zone_inactive_anon + lru] = z->lru_size[lru];
	values[ROW_nr_zone_write_pending] = z->nr_write_pending;
	values[ROW_nr_mlock] = z->nr_mlock;
	values[ROW_numa_hit] = values[ROW_numa_local] = zone_allocations(m, z);
	for (unsigned i = 0; i < NR_ROWS; i++)
		vmstat_line(out, true, names[i], values[i]);
}

#undef ROW_OWN
#undef ROW_EVENT
#undef VMSTAT

static void zoneinfo_protection(struct seq *out, const struct zone *z)
{
	u64 highest = 0;

	seq_puts(out, "\n        protection: (");
	for (unsigned i = 0; i < MAX_ZONES_PRINTED; i++) {
		if (i < MAX_NR_ZONES)
			highest = max(highest, z->lowmem_reserve[i]);
		seq_printf(out, i ? ", %lu" : "%lu", highest);
	}
	seq_puts(out, ")\n");
}

static void zoneinfo_zone(struct seq *out, const struct memory *m, const struct zone *z, bool first)
{
	const struct per_cpu_pages *pcp = &m->node->pcp[0][z->idx];
	u64 free = z->managed_pages ? zone_free_pages(z) : 0;
	u64 step = z->watermark[WMARK_HIGH] - z->watermark[WMARK_LOW];

	seq_printf(out, "Node %u, zone %8s", m->node->node_id, z->name);
	if (first)
		zoneinfo_node(out, m);
	else
		seq_putc(out, '\n');
	/* No boost after fragmentation, no promotion between tiers. */
	seq_printf(out, "  pages free     %lu\n        boost    0\n        min      %lu", free,
		   z->watermark[WMARK_MIN]);
	seq_printf(out, "\n        low      %lu\n        high     %lu\n        promo    %lu",
		   z->watermark[WMARK_LOW], z->watermark[WMARK_HIGH],
		   z->watermark[WMARK_HIGH] + step);
	seq_printf(out, "\n        spanned  %lu\n        present  %lu\n        managed  %lu",
		   z->end_pfn - z->start_pfn, z->present_pages, z->managed_pages);
	seq_puts(out, "\n        cma      0");
	zoneinfo_protection(out, z);
	if (!z->managed_pages)
		return;
	zoneinfo_counters(out, m, z);
	seq_printf(out,
		   "  pagesets\n    cpu: 0\n              count:    %u\n"
		   "              high:     %u\n              batch:    %u\n"
		   "              high_min: %u\n              high_max: %u\n",
		   pcp_count(pcp), pcp->high, pcp->batch, pcp->high, pcp->high);
	/* Counters are exact: no thresholds. */
	seq_printf(
		out,
		"  vm stats threshold: 0\n  node_unreclaimable:  0\n  start_pfn:           %lu\n",
		z->start_pfn);
}

/* /proc/zoneinfo, proc(5): zones without memory stop after `protection`. */
int proc_show_zoneinfo(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;
	static const char *const empty[] = {"Movable", "Device"};
	bool first = true;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];

		zoneinfo_zone(out, m, z, first && z->managed_pages);
		if (z->managed_pages)
			first = false;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++) {
		const struct zone none = {.name = empty[i]};

		zoneinfo_zone(out, m, &none, false);
	}
	return 0;
}

/* --- buddyinfo, pagetypeinfo --------------------------------------------------------------- */

/* /proc/buddyinfo, proc(5): zones that have memory. */
int proc_show_buddyinfo(struct seq *out, struct machine *machine)
{
	const struct pglist_data *node = machine->mem.node;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &node->zones[i];

		if (!z->managed_pages)
			continue;
		seq_printf(out, "Node %u, zone %8s ", node->node_id, z->name);
		for (unsigned o = 0; o < NR_PAGE_ORDERS; o++)
			seq_printf(out, "%6lu ", zone_free_blocks(z, o));
		seq_putc(out, '\n');
	}
	return 0;
}

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
