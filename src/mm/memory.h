/* One machine's memory: guest RAM, the map of its frames, and what the rest of mm/ hangs on.
 *
 *   struct memory
 *     ram        one private anonymous host reservation       frame n at ram + offset(n): the PC's
 *     mem_map    a struct page for each frame (page.h)        hole at 3-4 GiB takes no RAM
 *     node       zones and free frames (mmzone.h)
 *     caches     the guest kernel's objects (slab.h)
 *     mm_list    address spaces (mm.h)
 *     mappings   files and shared objects with cached pages (filemap.h)
 *     tlbs       one a CPU (tlb.h)
 *
 * There is no mutable global data in mm/: everything starts here. Not for: tasks and files; what they
 * must do for mm/ they register as hooks.
 *
 * Words in the headers of mm/:
 *   may sleep     other tasks run meanwhile; whoever held what they can change looks it up again. Only
 *                 userfaultfd's faults, events and readers sleep, and who waits until an OOM victim is
 *                 gone. A function that does not say so never sleeps.
 *   asks the host reads or writes a file of the host; the whole machine waits until that is done.
 *   may reclaim   allocates with __GFP_DIRECT_RECLAIM: when memory is short, pages of files, written back
 *                 first if they are dirty, and what MADV_FREE gave up leave page tables and the cache
 *                 (vmscan.h). A page that somebody holds a reference to stays.
 *   owned by      who gives it back; a reference is one put_page(), file_put ... of the owner's.
 */
#ifndef MM_MEMORY_H
#define MM_MEMORY_H

#include "base/bug.h"
#include "base/list.h"
#include "base/types.h"

struct kmem_cache;
struct mm_struct;
struct page;
struct file;
struct address_space;
struct tlb;
struct trace;

#define HOLE_START_PFN 0xc0000UL /* 3 GiB */
#define HOLE_END_PFN 0x100000UL	 /* 4 GiB */
#define MAX_CPUS 8

/* Events by /proc/vmstat's names, and counters Vellum adds (marked v_). One row an event. */
enum vm_event {
#define VMSTAT(kind, name, value)
#define VM_EVENT(kind, name) EV_##name,
#include "mm/vmstat.def"
#undef VM_EVENT
#undef VMSTAT
	NR_VM_EVENTS
};

/* Frames by use, /proc/meminfo's and vmstat's nr_*; in pages unless the row says otherwise. */
enum node_stat {
#define NODE_STAT(name) ST_##name,
#include "mm/node_stat.def"
#undef NODE_STAT
	NR_NODE_STATS
};

/* What rooms above mm/ fill in before the first guest page exists. A NULL hook is not called. None
 * sleeps unless it says so, and none may change the areas of the address space that it is called for. */
struct memory_hooks {
	/* Bytes of the frame, @len from @off on, are about to change, or it is freed (all of them): what was decoded
	 * from them goes. PG_code is clear afterwards if nothing is left (cpu/). */
	void (*code_dirty)(void *arg, struct page *page, unsigned off, unsigned len);
	void *code_arg;
	/* References to an open file that a VMA holds (fs/). */
	void (*file_get)(struct file *f);
	void (*file_put)(struct file *f);
	/* The pages of a file that can be mapped; no reference: the file holds it (fs/). */
	struct address_space *(*file_mapping)(struct file *f);
	/* Its read-ahead state; f has a mapping (fs/). */
	struct file_ra_state *(*file_ra)(struct file *f);
	/* A store through a shared mapping is about to change the file: its times move (fs/). */
	void (*file_update_time)(struct file *f);
	/* May the running task write the file, or is it its owner? mincore(2) asks (fs/). */
	bool (*file_owner_or_writer)(struct file *f);
	/* fallocate(FALLOC_FL_PUNCH_HOLE) on a mapped file (fs/): 0 or -errno. */
	int (*file_punch_hole)(struct file *f, u64 off, u64 len);
	/* Last resort of the page allocator before it fails a GFP_KERNEL request: returns pages freed;
	 * OOM_DYING: none yet, but somebody is on his way out (proc/). */
	u64 (*oom_kill)(void *arg);
	/* A page fault of the running task, or of the kernel's copying for it, found no memory. May
	 * sleep. True: there is some now; false: the task itself is to die. */
	bool (*pagefault_oom)(void *arg);
	/* Sleeps until a victim is gone. True: there was one, and the running task lives on. */
	bool (*oom_wait)(void *arg);
	void *oom_arg; /* of all three */
	/* The number of the running task; 0: there is none, or it is ending (proc/). */
	s32 (*current_tid)(void *arg);
	void *task_arg;
	/* ksmd has something to do (ksm.h). */
	void (*ksm_wake)(void *arg);
	void *ksm_arg;
};

#define OOM_DYING (~0UL)

/* Page faults served, as getrusage(2) counts them. */
struct fault_counts {
	u64 min_flt, maj_flt;
};

#define READ_IMPLIES_EXEC_K 0x0400000U /* personality(2) */

#define TLB_CODE_BITS 32768U

struct memory {
	u8 *ram;		  /* host address of frame 0; set once in memory_init() */
	u64 ram_size;		  /* bytes of RAM, page multiple; set once */
	pfn_t max_pfn;		  /* frames exist in [0, hole) and [hole end, max_pfn) */
	struct page *mem_map;	  /* by pfn; holes of the PC have (untouched) entries too */
	struct pglist_data *node; /* zones, watermarks, per-CPU lists: mm/page_alloc.h */
	struct page *zero_page;	  /* the shared zero page, never freed; set once */
	struct memory_hooks hooks;
	u64 events[NR_VM_EVENTS];   /* since boot: count_vm_event() */
	s64 stats[NR_NODE_STATS];   /* now: mod_node_stat() */
	struct kmem_caches *caches; /* slab: mm/slab.h; set once */
	struct list_head mm_list;   /* every mm_struct with users: mm->mmlist */
	struct tlb *tlbs[MAX_CPUS]; /* set by tlb_init(), cleared by tlb_destroy() */
	struct list_head mappings; /* every address_space with pages: sync, drop_caches, checkers */
	u64 code_pages[TLB_CODE_BITS / 64]; /* bits, by hash: tlb_note_code() */
	u64 writeback_tick;		    /* rounds of writeback_old() so far */
	u64 committed_as;		    /* pages, Committed_AS; vm_enough_memory() and kin */
	/* From here to unprivileged_userfaultfd: sysctls, set by the files of /proc/sys/vm. */
	u64 max_map_count;     /* vm.max_map_count: 65530 */
	u32 overcommit_memory; /* vm.overcommit_memory: OVERCOMMIT_* */
	u32 overcommit_ratio;  /* vm.overcommit_ratio, percent of RAM */
	u64 overcommit_kbytes; /* vm.overcommit_kbytes: instead of the ratio, unless 0 */
	u64 admin_reserve_kbytes, user_reserve_kbytes; /* what OVERCOMMIT_NEVER keeps back */
	u64 mmap_min_addr;	      /* vm.mmap_min_addr: below it CAP_SYS_RAWIO is needed */
	u32 unprivileged_userfaultfd; /* vm.unprivileged_userfaultfd */
	u32 pagefault_disabled;	      /* pagefault_disable()s (uaccess.h) */
	u64 ksm_zero_pages;	      /* ptes that KSM turned to the zero page, of all mms */
	u64 last_sequence;	      /* of address_space.sequence: the last that was given */
	u64 next_anon_ino;   /* inode numbers of shmem objects (s_dev 00:01): the last given */
	u32 fail_nth;	     /* tests: the n-th allocation from now fails; 0: none does */
	struct trace *trace; /* tracepoints */
	struct fault_counts *faults; /* the running task's; set by proc/ at a switch; NULL: none */
	/* What the running task may, whoever's address space it works on; set by proc/ at a switch. Its
	 * limits by RLIMIT_* (NULL: none hold), its effective capabilities (NULL: it has none). */
	const u64 *rlim_cur, *rlim_max, *caps;
	const u32 *personality; /* the running task's; set by proc/ at a switch; NULL: none */
	u64 boot_frames; /* in use for as long as the machine, but for slabs: memory_leaks() */
	struct mm_internal *in; /* mm/'s own: internal.h; set once */
};

/* Capabilities that mapping calls ask the running task for: bits of memory.caps. */
#define MM_CAP_IPC_LOCK BIT(14)	 /* no RLIMIT_MEMLOCK */
#define MM_CAP_SYS_RAWIO BIT(17) /* map below vm.mmap_min_addr */
#define MM_CAP_SYS_ADMIN BIT(21) /* may use vm.admin_reserve_kbytes */
#define MM_CAP_SYS_NICE BIT(23)	 /* mbind(2) may move pages that others map */

/* Has the running task that capability? */
static inline bool mm_capable(const struct memory *m, u64 cap)
{
	return m->caps && (*m->caps & cap);
}

/* vm.overcommit_memory. See: proc_sys_vm(5); Documentation/mm/overcommit-accounting.rst. */
#define OVERCOMMIT_GUESS 0U
#define OVERCOMMIT_ALWAYS 1U
#define OVERCOMMIT_NEVER 2U

/* Charges @pages to Committed_AS for the running task, if vm.overcommit_memory lets it: 0 or -ENOMEM, and
 * then nothing has changed. Who charges gives back what he took, vm_unacct_memory(). (vma.c)
 * See: Linux, __vm_enough_memory(). */
int vm_enough_memory(struct memory *m, u64 pages);

/* The same without asking: pages that somebody else has just given back, or is about to. */
static inline void vm_acct_memory(struct memory *m, u64 pages)
{
	m->committed_as += pages;
}

/* Gives back what was charged. */
static inline void vm_unacct_memory(struct memory *m, u64 pages)
{
	VM_BUG_ON(m->committed_as < pages);
	m->committed_as -= pages;
}

/* CommitLimit, in pages: what OVERCOMMIT_NEVER allows altogether, its reserves included. */
u64 vm_commit_limit(const struct memory *m);

static inline void count_vm_event(struct memory *m, enum vm_event e)
{
	m->events[e]++;
}

static inline void mod_node_stat(struct memory *m, enum node_stat s, s64 delta)
{
	m->stats[s] += delta;
}

/* Host address of a frame's first byte, for as long as the machine. @pfn must be RAM: below the hole, or from
 * its end up to max_pfn. */
static inline void *pfn_to_virt(const struct memory *m, pfn_t pfn)
{
	if (pfn >= HOLE_END_PFN)
		pfn -= HOLE_END_PFN - HOLE_START_PFN;
	return m->ram + (pfn << PAGE_SHIFT);
}

/* The frame that holds host address @p, which must lie in RAM. */
static inline pfn_t virt_to_pfn(const struct memory *m, const void *p)
{
	pfn_t pfn = ((const u8 *)p - m->ram) >> PAGE_SHIFT;

	return pfn < HOLE_START_PFN ? pfn : pfn + (HOLE_END_PFN - HOLE_START_PFN);
}

/* Is the host address one of guest RAM? */
static inline bool virt_in_ram(const struct memory *m, const void *p)
{
	return (u64)((const u8 *)p - m->ram) < m->ram_size;
}

/* Reserves @size bytes of guest RAM (page multiple, 4 MiB .. 1 TiB), lays out zones, and boots
 * buddy, slab and the caches of mm/. @m is zeroed memory of the caller's. Touches no frame
 * that is not used. 0; -EINVAL: @size; -ENOMEM: the host has not got so much; then nothing is left. */
int memory_init(struct memory *m, u64 size);
/* With everybody gone: what is still in use beyond what memory_init() took, in frames and slab objects,
 * each kind with a line on the log. 0: nothing. */
u64 memory_leaks(struct memory *m);
/* Gives everything back to the host: no pointer into guest RAM is good any more. Every mm must be gone. */
void memory_destroy(struct memory *m);

/* Checks the whole state of memory: buddy, slab, vmalloc, KSM, LRU lists, every mm of mm_list against its
 * page tables, map and reference counts, rmap, page cache, TLBs. Changes nothing; takes time with the frames
 * that were ever used. 0, or -EFAULT after one log line for each of up to ten violations a checker. */
int memory_validate(struct memory *m);

#endif
