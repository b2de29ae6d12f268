/* See report.h. Every number is read from the counters of the rooms below. */
#include "cli/report.h"

#include "base/log.h"
#include "proc/task.h"

static double percent(u64 part, u64 all)
{
	return all ? 100.0 * part / all : 0;
}

static void report_tlb(const struct machine *m)
{
	const struct tlb_counters *c = &m->cpu.tlb.count;
	u64 hits = 0, misses = 0;

	for (int i = 0; i < 3; i++) {
		hits += c->l1_hit[i];
		misses += c->l1_miss[i];
	}
	log_text("tlb      L1 %lu hits, %lu misses (%.4f %%); L2 %lu hits, %lu misses\n", hits,
		 misses, percent(misses, hits + misses), c->l2_hit, c->l2_miss);
	log_text("         %lu walks (%lu from the paging-structure cache, %lu faults); "
		 "%lu whole and %lu range flushes dropped %lu entries\n",
		 c->walk, c->walk_psc_hit, c->walk_fault, c->flush_all, c->flush_range,
		 c->flush_entries);
}

static void report_faults(const struct memory *mem)
{
	const u64 *e = mem->events;

	log_text("faults   %lu (%lu major): %lu anonymous, %lu zero page, %lu file (+%lu around), "
		 "%lu copied, %lu reused, %lu stack growth, %lu signals\n",
		 e[EV_pgfault], e[EV_pgmajfault], e[EV_v_fault_anon], e[EV_v_fault_zero],
		 e[EV_v_fault_file], e[EV_v_fault_around], e[EV_v_fault_cow], e[EV_pgreuse],
		 e[EV_v_fault_stack], e[EV_v_fault_segv]);
}

static void report_frames(const struct memory *mem)
{
	static const char *const names[NR_PAGE_OWNERS] = {
		[OWN_FREE] = "free",	  [OWN_KERNEL] = "kernel",	  [OWN_SLAB] = "slab",
		[OWN_PGTABLE] = "tables", [OWN_ANON] = "anonymous",	  [OWN_FILE] = "file",
		[OWN_SHMEM] = "shmem",	  [OWN_KSTACK] = "kernel stacks",
	};
	u64 count[NR_PAGE_OWNERS];

	count_page_owners(mem, count);
	log_text("frames   %lu of 4 KiB:", totalram_pages(mem));
	for (int i = 0; i < NR_PAGE_OWNERS; i++)
		log_text("%s %lu %s", i ? "," : "", count[i], names[i]);
	log_text("\nbuddy    %lu allocations, %lu frees, %lu splits, %lu merges\n",
		 mem->events[EV_pgalloc_dma] + mem->events[EV_pgalloc_dma32] +
			 mem->events[EV_pgalloc_normal],
		 mem->events[EV_pgfree], mem->events[EV_v_buddy_split],
		 mem->events[EV_v_buddy_merge]);
}

static void report_slab(const struct memory *mem)
{
	struct slabinfo s;
	u64 objs = 0, pages = 0, caches = 0;

	for (unsigned i = 0; slab_info(mem, i, &s); i++) {
		objs += s.active_objs;
		pages += s.num_slabs * s.pagesperslab;
		caches++;
	}
	log_text("slab     %lu objects in %lu pages of %lu caches\n", objs, pages, caches);
}

void report_stats(struct machine *m)
{
	const struct code_counters *c = code_cache_counters(m->code);

	log_text("--- vellum: what the machine did ---\n");
	log_text("cpu      %lu instructions, %lu system calls, %lu blocks decoded, %lu dropped\n",
		 m->cpu.retired, m->nr_syscalls, c->blocks_decoded, c->blocks_dropped);
	report_faults(&m->mem);
	report_tlb(m);
	log_text("areas    %lu merges, %lu splits\n", m->mem.events[EV_v_vma_merge],
		 m->mem.events[EV_v_vma_split]);
	report_frames(&m->mem);
	report_slab(&m->mem);
}
