/* /proc files about the machine's memory: meminfo, vmstat, zoneinfo, buddyinfo, slabinfo, swaps.
 * Numbers are those of the zones, the slab and
 * the counters at the moment of reading. See: proc(5); Linux, fs/proc/meminfo.c, mm/vmstat.c. */
#include <limits.h>

#include "base/err.h"
#include "mm/hugetlb.h"
#include "mm/paging.h"
#include "proc/procfs/internal.h"

#define VMALLOC_TOTAL_KB 34359738367UL /* 32 TiB - 1, x86-64 with four levels */
#define MAX_ZONES_PRINTED 5	       /* DMA DMA32 Normal, and Movable and Device, always empty */
#define KB(pages) ((u64)(pages) << (PAGE_SHIFT - 10))

/* Counters never go below zero for long; Linux prints such a moment as 0. */
static u64 node_stat(const struct memory *m, enum node_stat s)
{
	return max(m->stats[s], 0L);
}

#define ST(name) node_stat(m, ST_##name)
#define EV(name) (m->events[EV_##name])
#define PGALLOC (EV(pgalloc_dma) + EV(pgalloc_dma32) + EV(pgalloc_normal))

/* --- meminfo ------------------------------------------------------------------------------ */

/* Pages that ordinary allocations never get: calculate_totalreserve_pages(). */
static u64 totalreserve_pages(const struct memory *m)
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

/* si_mem_available(): what could be had without swapping. */
static u64 available_pages(const struct memory *m)
{
	u64 low = 0, cache = ST(active_file) + ST(inactive_file), slab = ST(slab_reclaimable);
	s64 available = nr_free_pages(m) - totalreserve_pages(m);

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		low += m->node->zones[i].watermark[WMARK_LOW];
	available += cache - min(cache / 2, low);
	available += slab - min(slab / 2, low);
	return max(available, 0L);
}

/* Name with its colon in 16 columns, as show_val_kb(). */
static void kb(struct seq *out, const char *name, u64 v)
{
	seq_puts(out, name);
	seq_put_dec(out, v, 8);
	seq_write(out, " kB\n", 4);
}

static void meminfo_lru(struct seq *out, const struct memory *m)
{
	kb(out, "Active:         ", KB(ST(active_anon) + ST(active_file)));
	kb(out, "Inactive:       ", KB(ST(inactive_anon) + ST(inactive_file)));
	kb(out, "Active(anon):   ", KB(ST(active_anon)));
	kb(out, "Inactive(anon): ", KB(ST(inactive_anon)));
	kb(out, "Active(file):   ", KB(ST(active_file)));
	kb(out, "Inactive(file): ", KB(ST(inactive_file)));
	kb(out, "Unevictable:    ", KB(ST(unevictable)));
	kb(out, "Mlocked:        ", KB(ST(mlock)));
}

static void meminfo_use(struct seq *out, const struct memory *m)
{
	u64 reclaimable = ST(slab_reclaimable), unreclaimable = ST(slab_unreclaimable);

	kb(out, "Dirty:          ", KB(ST(file_dirty)));
	kb(out, "Writeback:      ", KB(ST(writeback)));
	kb(out, "AnonPages:      ", KB(ST(anon_pages)));
	kb(out, "Mapped:         ", KB(ST(mapped)));
	kb(out, "Shmem:          ", KB(ST(shmem)));
	kb(out, "KReclaimable:   ", KB(reclaimable));
	kb(out, "Slab:           ", KB(reclaimable + unreclaimable));
	kb(out, "SReclaimable:   ", KB(reclaimable));
	kb(out, "SUnreclaim:     ", KB(unreclaimable));
	kb(out, "KernelStack:    ", ST(kernel_stack_kb));
	kb(out, "PageTables:     ", KB(ST(page_table_pages)));
	kb(out, "SecPageTables:  ", 0); /* no virtual machines inside */
	kb(out, "NFS_Unstable:   ", 0); /* always, since 5.8 */
	kb(out, "Bounce:         ", 0); /* likewise, since 6.16 */
	kb(out, "WritebackTmp:   ", 0);
	kb(out, "CommitLimit:    ", KB(vm_commit_limit(m)));
	kb(out, "Committed_AS:   ", KB(m->committed_as));
	kb(out, "VmallocTotal:   ", VMALLOC_TOTAL_KB);
	kb(out, "VmallocUsed:    ", KB(ST(vmalloc)));
	kb(out, "VmallocChunk:   ", 0); /* always, since 4.4 */
	kb(out, "Percpu:         ", 0); /* per-CPU data is not in guest RAM */
}

/* No transparent huge pages or balloon; and no direct map: the guest kernel's pointers into RAM need
 * no page tables. */
static void meminfo_huge(struct seq *out, struct memory *m)
{
	const struct hstate *h = hstate_sizelog(m, 0);

	kb(out, "AnonHugePages:  ", 0);
	kb(out, "ShmemHugePages: ", 0);
	kb(out, "ShmemPmdMapped: ", 0);
	kb(out, "FileHugePages:  ", 0);
	kb(out, "FilePmdMapped:  ", 0);
	kb(out, "Balloon:        ", 0);
	seq_printf(out, "HugePages_Total:   %5lu\n", h->nr_pages);
	seq_printf(out, "HugePages_Free:    %5lu\n", h->free_pages);
	seq_printf(out, "HugePages_Rsvd:    %5lu\n", h->resv_pages);
	seq_printf(out, "HugePages_Surp:    %5lu\n", h->surplus_pages);
	kb(out, "Hugepagesize:   ", huge_page_size(h) >> 10);
	kb(out, "Hugetlb:        ", 0);
	kb(out, "DirectMap4k:    ", 0);
	kb(out, "DirectMap2M:    ", 0);
	kb(out, "DirectMap1G:    ", 0);
}

int proc_show_meminfo(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;

	kb(out, "MemTotal:       ", KB(totalram_pages(m)));
	kb(out, "MemFree:        ", KB(nr_free_pages(m)));
	kb(out, "MemAvailable:   ", KB(available_pages(m)));
	kb(out, "Buffers:        ", 0); /* no block devices */
	kb(out, "Cached:         ", KB(ST(file_pages)));
	kb(out, "SwapCached:     ", 0); /* no swap yet */
	meminfo_lru(out, m);
	kb(out, "SwapTotal:      ", 0);
	kb(out, "SwapFree:       ", 0);
	kb(out, "Zswap:          ", 0);
	kb(out, "Zswapped:       ", 0);
	meminfo_use(out, m);
	meminfo_huge(out, &machine->mem);
	return 0;
}

/* --- /sys/devices/system/node/node0/meminfo ------------------------------------------------- */

static void node_kb(struct seq *out, const char *name, u64 v)
{
	seq_puts(out, "Node 0 ");
	kb(out, name, v);
}

static void node_meminfo_use(struct seq *out, const struct memory *m)
{
	u64 reclaimable = ST(slab_reclaimable), unreclaimable = ST(slab_unreclaimable);

	node_kb(out, "Dirty:          ", KB(ST(file_dirty)));
	node_kb(out, "Writeback:      ", KB(ST(writeback)));
	node_kb(out, "FilePages:      ", KB(ST(file_pages)));
	node_kb(out, "Mapped:         ", KB(ST(mapped)));
	node_kb(out, "AnonPages:      ", KB(ST(anon_pages)));
	node_kb(out, "Shmem:          ", KB(ST(shmem)));
	node_kb(out, "KernelStack:    ", ST(kernel_stack_kb));
	node_kb(out, "PageTables:     ", KB(ST(page_table_pages)));
	node_kb(out, "SecPageTables:  ", 0); /* zeros: as meminfo's */
	node_kb(out, "NFS_Unstable:   ", 0);
	node_kb(out, "Bounce:         ", 0);
	node_kb(out, "WritebackTmp:   ", 0);
	node_kb(out, "KReclaimable:   ", KB(reclaimable));
	node_kb(out, "Slab:           ", KB(reclaimable + unreclaimable));
	node_kb(out, "SReclaimable:   ", KB(reclaimable));
	node_kb(out, "SUnreclaim:     ", KB(unreclaimable));
}

static void node_meminfo_huge(struct seq *out, struct memory *m)
{
	static const char *const thp[] = {
		"AnonHugePages:  ", "ShmemHugePages: ", "ShmemPmdMapped: ", "FileHugePages:  ",
		"FilePmdMapped:  "};
	const struct hstate *h = hstate_sizelog(m, 0);

	for (unsigned i = 0; i < ARRAY_SIZE(thp); i++)
		node_kb(out, thp[i], 0);
	seq_printf(out, "Node 0 HugePages_Total: %5lu\n", h->nr_pages);
	seq_printf(out, "Node 0 HugePages_Free:  %5lu\n", h->free_pages);
	seq_printf(out, "Node 0 HugePages_Surp:  %5lu\n", h->surplus_pages);
}

int proc_show_node_meminfo(struct seq *out, struct machine *machine)
{
	struct memory *m = &machine->mem;
	u64 anon = ST(active_anon), file = ST(active_file);

	node_kb(out, "MemTotal:       ", KB(totalram_pages(m)));
	node_kb(out, "MemFree:        ", KB(nr_free_pages(m)));
	node_kb(out, "MemUsed:        ", KB(totalram_pages(m) - nr_free_pages(m)));
	node_kb(out, "SwapCached:     ", 0);
	node_kb(out, "Active:         ", KB(anon + file));
	node_kb(out, "Inactive:       ", KB(ST(inactive_anon) + ST(inactive_file)));
	node_kb(out, "Active(anon):   ", KB(anon));
	node_kb(out, "Inactive(anon): ", KB(ST(inactive_anon)));
	node_kb(out, "Active(file):   ", KB(file));
	node_kb(out, "Inactive(file): ", KB(ST(inactive_file)));
	node_kb(out, "Unevictable:    ", KB(ST(unevictable)));
	node_kb(out, "Mlocked:        ", KB(ST(mlock)));
	node_meminfo_use(out, m);
	node_meminfo_huge(out, m);
	return 0;
}

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
	d.thresh = machine->vm_sysctl[VM_SYSCTL_dirty_ratio] * PAGE_SIZE / 100 * x / PAGE_SIZE;
	d.background = machine->vm_sysctl[VM_SYSCTL_dirty_background_ratio] * PAGE_SIZE / 100 * x /
		       PAGE_SIZE;
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
#define VMSTAT(kind, name, value) vmstat_line(out, false, #name, value);
#include "proc/procfs/vmstat.def"
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
#define NODE_ROW_NODE NODE_ROW_ZONE
#define NODE_ROW_EVENT(name, value)
#include "proc/procfs/vmstat.def"
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
			    char *text __unused)
{
	return 0;
}

/* The rows of one kind. */
#define VMSTAT(kind, name, value) ROW_##kind(name, value)
#define ROW_EVENT(name, value)

static void zoneinfo_node(struct seq *out, const struct memory *m)
{
	seq_puts(out, "\n  per-node stats\n");
#define ROW_ZONE(name, value)
#define ROW_NODE(name, value) vmstat_line(out, true, #name, value);
#include "proc/procfs/vmstat.def"
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
#include "proc/procfs/vmstat.def"
		NR_ROWS
	};
#undef ROW_ZONE
#define ROW_ZONE(name, value) #name,
	static const char *const names[] = {
#include "proc/procfs/vmstat.def"
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

/* --- buddyinfo, slabinfo, swaps ----------------------------------------------------------- */

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

/* /proc/swaps, proc(5): no swap yet. */
int proc_show_swaps(struct seq *out, struct machine *machine __unused)
{
	seq_puts(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}
