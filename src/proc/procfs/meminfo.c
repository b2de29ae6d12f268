/* /proc/meminfo, the node's own (/sys/devices/system/node/node0/meminfo), and /proc/swaps: memory in kB at the
 * moment of reading. See: proc(5); Linux, fs/proc/meminfo.c, drivers/base/node.c. */
#include "base/err.h"
#include "mm/hugetlb.h"
#include "mm/paging.h"
#include "proc/procfs/counters.h"
#include "proc/procfs/internal.h"

#define VMALLOC_TOTAL_KB 34359738367UL /* 32 TiB - 1, x86-64 with four levels */
#define KB(pages) ((u64)(pages) << (PAGE_SHIFT - 10))

/* --- meminfo ------------------------------------------------------------------------------ */

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

/* Where lines go, and what each begins with: "", "Node 0 ". */
struct lines {
	struct seq *out;
	const char *prefix;
};

/* Name with its colon in 16 columns, as show_val_kb(). */
static void kb(const struct lines *l, const char *name, u64 v)
{
	struct seq *out = l->out;

	seq_puts(out, l->prefix);
	seq_puts(out, name);
	seq_put_dec(out, v, 8);
	seq_write(out, " kB\n", 4);
}

/* What both files have in the same order. */
static void meminfo_lru(const struct lines *l, const struct memory *m)
{
	kb(l, "Active:         ", KB(ST(active_anon) + ST(active_file)));
	kb(l, "Inactive:       ", KB(ST(inactive_anon) + ST(inactive_file)));
	kb(l, "Active(anon):   ", KB(ST(active_anon)));
	kb(l, "Inactive(anon): ", KB(ST(inactive_anon)));
	kb(l, "Active(file):   ", KB(ST(active_file)));
	kb(l, "Inactive(file): ", KB(ST(inactive_file)));
	kb(l, "Unevictable:    ", KB(ST(unevictable)));
	kb(l, "Mlocked:        ", KB(ST(mlock)));
}

static void meminfo_use(const struct lines *l, const struct memory *m)
{
	u64 reclaimable = ST(slab_reclaimable), unreclaimable = ST(slab_unreclaimable);

	kb(l, "Dirty:          ", KB(ST(file_dirty)));
	kb(l, "Writeback:      ", KB(ST(writeback)));
	kb(l, "AnonPages:      ", KB(ST(anon_pages)));
	kb(l, "Mapped:         ", KB(ST(mapped)));
	kb(l, "Shmem:          ", KB(ST(shmem)));
	kb(l, "KReclaimable:   ", KB(reclaimable));
	kb(l, "Slab:           ", KB(reclaimable + unreclaimable));
	kb(l, "SReclaimable:   ", KB(reclaimable));
	kb(l, "SUnreclaim:     ", KB(unreclaimable));
	kb(l, "KernelStack:    ", ST(kernel_stack_kb));
	kb(l, "PageTables:     ", KB(ST(page_table_pages)));
	kb(l, "SecPageTables:  ", 0); /* no virtual machines inside */
	kb(l, "NFS_Unstable:   ", 0); /* always, since 5.8 */
	kb(l, "Bounce:         ", 0); /* likewise, since 6.16 */
	kb(l, "WritebackTmp:   ", 0);
	kb(l, "CommitLimit:    ", KB(vm_commit_limit(m)));
	kb(l, "Committed_AS:   ", KB(m->committed_as));
	kb(l, "VmallocTotal:   ", VMALLOC_TOTAL_KB);
	kb(l, "VmallocUsed:    ", KB(ST(vmalloc)));
	kb(l, "VmallocChunk:   ", 0); /* always, since 4.4 */
	kb(l, "Percpu:         ", 0); /* per-CPU data is not in guest RAM */
}

/* No transparent huge pages or balloon; and no direct map: the guest kernel's pointers into RAM need
 * no page tables. */
static void meminfo_huge(const struct lines *l, struct memory *m)
{
	const struct hstate *h = hstate_sizelog(m, 0);

	kb(l, "AnonHugePages:  ", 0);
	kb(l, "ShmemHugePages: ", 0);
	kb(l, "ShmemPmdMapped: ", 0);
	kb(l, "FileHugePages:  ", 0);
	kb(l, "FilePmdMapped:  ", 0);
	kb(l, "Balloon:        ", 0);
	seq_printf(l->out, "HugePages_Total:   %5lu\n", h->nr_pages);
	seq_printf(l->out, "HugePages_Free:    %5lu\n", h->free_pages);
	seq_printf(l->out, "HugePages_Rsvd:    %5lu\n", h->resv_pages);
	seq_printf(l->out, "HugePages_Surp:    %5lu\n", h->surplus_pages);
	kb(l, "Hugepagesize:   ", huge_page_size(h) >> 10);
	kb(l, "Hugetlb:        ", 0);
	kb(l, "DirectMap4k:    ", 0);
	kb(l, "DirectMap2M:    ", 0);
	kb(l, "DirectMap1G:    ", 0);
}

int proc_show_meminfo(struct seq *out, struct machine *machine)
{
	const struct memory *m = &machine->mem;
	const struct lines lines = {out, ""}, *l = &lines;

	kb(l, "MemTotal:       ", KB(totalram_pages(m)));
	kb(l, "MemFree:        ", KB(nr_free_pages(m)));
	kb(l, "MemAvailable:   ", KB(available_pages(m)));
	kb(l, "Buffers:        ", 0); /* no block devices */
	kb(l, "Cached:         ", KB(ST(file_pages)));
	kb(l, "SwapCached:     ", 0); /* no swap yet */
	meminfo_lru(l, m);
	kb(l, "SwapTotal:      ", 0);
	kb(l, "SwapFree:       ", 0);
	kb(l, "Zswap:          ", 0);
	kb(l, "Zswapped:       ", 0);
	meminfo_use(l, m);
	meminfo_huge(l, &machine->mem);
	return 0;
}

/* --- /sys/devices/system/node/node0/meminfo ------------------------------------------------- */

static void node_meminfo_use(const struct lines *l, const struct memory *m)
{
	u64 reclaimable = ST(slab_reclaimable), unreclaimable = ST(slab_unreclaimable);

	kb(l, "Dirty:          ", KB(ST(file_dirty)));
	kb(l, "Writeback:      ", KB(ST(writeback)));
	kb(l, "FilePages:      ", KB(ST(file_pages)));
	kb(l, "Mapped:         ", KB(ST(mapped)));
	kb(l, "AnonPages:      ", KB(ST(anon_pages)));
	kb(l, "Shmem:          ", KB(ST(shmem)));
	kb(l, "KernelStack:    ", ST(kernel_stack_kb));
	kb(l, "PageTables:     ", KB(ST(page_table_pages)));
	kb(l, "SecPageTables:  ", 0); /* zeros: as meminfo's */
	kb(l, "NFS_Unstable:   ", 0);
	kb(l, "Bounce:         ", 0);
	kb(l, "WritebackTmp:   ", 0);
	kb(l, "KReclaimable:   ", KB(reclaimable));
	kb(l, "Slab:           ", KB(reclaimable + unreclaimable));
	kb(l, "SReclaimable:   ", KB(reclaimable));
	kb(l, "SUnreclaim:     ", KB(unreclaimable));
}

static void node_meminfo_huge(const struct lines *l, struct memory *m)
{
	static const char *const thp[] = {
		"AnonHugePages:  ", "ShmemHugePages: ", "ShmemPmdMapped: ", "FileHugePages:  ",
		"FilePmdMapped:  "};
	const struct hstate *h = hstate_sizelog(m, 0);

	for (unsigned i = 0; i < ARRAY_SIZE(thp); i++)
		kb(l, thp[i], 0);
	seq_printf(l->out, "Node 0 HugePages_Total: %5lu\n", h->nr_pages);
	seq_printf(l->out, "Node 0 HugePages_Free:  %5lu\n", h->free_pages);
	seq_printf(l->out, "Node 0 HugePages_Surp:  %5lu\n", h->surplus_pages);
}

int proc_show_node_meminfo(struct seq *out, struct machine *machine)
{
	struct memory *m = &machine->mem;
	const struct lines lines = {out, "Node 0 "}, *l = &lines;

	kb(l, "MemTotal:       ", KB(totalram_pages(m)));
	kb(l, "MemFree:        ", KB(nr_free_pages(m)));
	kb(l, "MemUsed:        ", KB(totalram_pages(m) - nr_free_pages(m)));
	kb(l, "SwapCached:     ", 0);
	meminfo_lru(l, m);
	node_meminfo_use(l, m);
	node_meminfo_huge(l, m);
	return 0;
}

/* --- swaps -------------------------------------------------------------------------------- */

/* /proc/swaps, proc(5): no swap yet. */
int proc_show_swaps(struct seq *out, struct machine *machine __unused)
{
	seq_puts(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}
