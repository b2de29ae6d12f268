/* One address space: struct mm_struct, and the calls that change it.
 *
 * do_* functions take checked-by-nobody guest values and do the whole call as the kernel does:
 * error values and partial effects are those of Linux 6.18 (man pages; docs/compat.md). None
 * sleeps on another task, but where userfaultfd is registered (userfaultfd.h); faults and populates
 * may read the host's files.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "mm/pgtable.h"
#include "mm/vma.h"

enum rss_kind { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

#define AT_VECTOR_SIZE 56	      /* words; the last two are always AT_NULL */
#define COREDUMP_FILTER_DEFAULT 0x33U /* anonymous, shared anonymous, ELF headers, huge pages */

struct mm_struct {
	struct memory *mem; /* set once */
	u64 *pgd;	    /* host address of the root table; set once; its frame number is cr3 */
	struct vma_tree mt;
	u32 mm_users;		 /* tasks */
	u32 mm_count;		 /* users count as one; open files of /proc, userfaultfds */
	u32 asid;		 /* tag in the TLB; set by tlb.c */
	struct list_head mmlist; /* in memory.mm_list */

	u64 map_count;		  /* VMAs */
	u64 total_vm, hiwater_vm; /* pages */
	u64 locked_vm, pinned_vm, data_vm, exec_vm,
		stack_vm;	 /* pages, counted by vm_stat_account() */
	u64 locked_leaked;	 /* part of locked_vm that no area stands for: mremap.c */
	s64 rss[NR_MM_COUNTERS]; /* pages */
	u64 hiwater_rss;
	u64 pgtables_bytes;   /* tables below the root */
	vm_flags_t def_flags; /* mlockall(MCL_FUTURE) */

	gva_t mmap_base;	/* top of the top-down search; set by exec */
	gva_t mmap_compat_base; /* the same for int 0x80 */
	bool mmap_legacy;	/* bottom-up from TASK_SIZE / 3 */
	gva_t start_code, end_code, start_data, end_data;
	gva_t start_brk, brk, start_stack;
	gva_t arg_start, arg_end, env_start, env_end;
	gva_t vdso; /* 0: none */
	u64 saved_auxv[AT_VECTOR_SIZE];
	u32 saved_auxv_len;    /* u64s used */
	struct file *exe_file; /* a reference */

	u32 membarrier_state; /* MEMBARRIER_CMD_REGISTER_* so far; a child's, too */
	u32 coredump_filter;  /* core(5), kept for whoever asks; fork and exec inherit it */
	u32 dumpable; /* SUID_DUMP_*: prctl(PR_SET_DUMPABLE); a child's, too; set by proc/ */
	struct ksm_mm_slot *ksm_slot; /* has mergeable areas; ksm.c's, as are these counts */
	u64 ksm_rmap_items, ksm_merging_pages, ksm_zero_pages;
	u32 mdwe;	    /* PR_MDWE_*_K: see map_deny_write_exec(); set by mm_set_mdwe() */
	u32 thp_disable;    /* what PR_GET_THP_DISABLE says; kept only; fork and exec inherit it */
	bool ksm_merge_any; /* PR_SET_MEMORY_MERGE; a child's, too */
	bool reaped;	    /* process_mrelease(2) took its pages: what faults now gets none */
	bool uffd_used;	    /* copies may sleep: userfaultfd is in use, or memory is short */
	struct list_head uffd_unmaps; /* of uffd_unmap: events to be told at the end of a call */
	u64 maj_flt, min_flt; /* faults of everybody in this mm; memory.faults: each task's own */
};

/* Whose the files of /proc/PID are, and who may look into the process. */
enum {
	SUID_DUMP_DISABLE,
	SUID_DUMP_USER,
	SUID_DUMP_ROOT,
};

/* prctl(PR_SET_MDWE): memory that may be written never becomes executable. */
#define PR_MDWE_REFUSE_EXEC_GAIN_K 1U
#define PR_MDWE_NO_INHERIT_K 2U

#define STACK_GUARD_GAP 256UL /* pages */

/* An empty address space of one user. ERR_PTR(-ENOMEM). */
struct mm_struct *mm_alloc(struct memory *m);
/* Drops a user; the last one unmaps everything (exit_mmap) and frees the mm. */
void mmput(struct mm_struct *mm);
static inline void mmget(struct mm_struct *mm)
{
	mm->mm_users++;
}
/* Keeps the struct, not the address space: mm_users says whether there still is one. */
static inline void mmgrab(struct mm_struct *mm)
{
	mm->mm_count++;
}
void mmdrop(struct mm_struct *mm);

/* A child's copy of @old (fork): areas, copy-on-write ptes, charges. The files that areas map get
 * references; exe_file, too. ERR_PTR(-ENOMEM): nothing is left. */
struct mm_struct *dup_mm(struct mm_struct *old);

/* --- mapping calls (mm/mmap.c, mremap.c, mprotect.c, madvise.c, msync.c) ----------------- */

/* What mmap needs to know of an open file. fs/ fills it in; NULL file: anonymous. */
struct mmap_file {
	struct file *file;	      /* do_mmap takes its own references (hooks.file_get) */
	struct address_space *object; /* file NULL: a shmem object without one (remap_file_pages) */
	bool can_read, can_write;     /* open mode */
	bool regular;		      /* an address_space stands behind it */
	bool noexec;		      /* mount forbids exec */
	int fails;   /* -errno, not @regular: its own mmap() says no, after all checks */
	bool sealed; /* F_SEAL_WRITE: no shared mapping may ever write */
	bool secret; /* memfd_secret(2) */
	/* Instead of what the kind of file has (SysV shm); NULL: that. */
	const struct vm_operations_struct *vm_ops;
	void *vm_private_data;
	bool dev_zero; /* /dev/zero: private maps as anonymous with a file name; shared as shmem */
};

/**
 * do_mmap - mmap(2), all of it
 * @pgoff: pages
 * @flags: MAP_*; @compat: from int 0x80 (32-bit address search)
 * Populates (MAP_POPULATE, MAP_LOCKED, def_flags VM_LOCKED) before it returns.
 *
 * Return: address, or -errno. On error nothing has changed, but what MAP_FIXED unmapped.
 * See: mmap(2); linux-facts "mmap".
 */
long do_mmap(struct mm_struct *mm, const struct mmap_file *f, gva_t addr, u64 len, u64 prot,
	     u64 flags, u64 pgoff, bool compat);
/* remap_file_pages(2): maps page @pgoff of the file or object that is shared at @start. */
long do_remap_file_pages(struct mm_struct *mm, gva_t start, u64 size, u64 prot, u64 pgoff,
			 u64 flags);
long do_munmap(struct mm_struct *mm, gva_t start, u64 len);
long do_brk(struct mm_struct *mm, gva_t brk); /* the break afterwards: never an error */
long do_mremap(struct mm_struct *mm, gva_t addr, u64 old_len, u64 new_len, u64 flags,
	       gva_t new_addr);
long do_mprotect(struct mm_struct *mm, gva_t start, u64 len, u64 prot);
long do_madvise(struct mm_struct *mm, gva_t start, u64 len, int advice);
/* Is there such an advice? May process_madvise(2) give it to another process? */
bool madvise_is_valid(int advice);
bool madvise_is_remote(int advice);
long do_mseal(struct mm_struct *mm, gva_t start, u64 len, u64 flags);
long do_msync(struct mm_struct *mm, gva_t start, u64 len, int flags);
long do_mincore(struct mm_struct *mm, gva_t start, u64 len, gva_t vec);
/* mlock(2), mlock2(2) (@flags: MLOCK_ONFAULT), mlockall(2) (MCL_*) and their reverses. */
long do_mlock(struct mm_struct *mm, gva_t start, u64 len, int flags);
long do_munlock(struct mm_struct *mm, gva_t start, u64 len);
long do_mlockall(struct mm_struct *mm, int flags);
long do_munlockall(struct mm_struct *mm);

/* process_mrelease(2): the private memory of a process that is about to end goes now. */
void mm_reap(struct mm_struct *mm);

/* prctl(PR_SET_MDWE): 0, -EINVAL (no such @bits), -EPERM (others are set: they stay for good). */
int mm_set_mdwe(struct mm_struct *mm, u64 bits);
/* What fork and exec hand on to the next address space: PR_SET_MDWE, PR_SET_THP_DISABLE. */
void mm_inherit_flags(struct mm_struct *mm, const struct mm_struct *old);

/* For exec: a writable anonymous area at exactly [addr, addr+len) (bss, brk); 0 or -errno. */
int vm_brk_flags(struct mm_struct *mm, gva_t addr, u64 len, vm_flags_t flags);
/* For exec: the stack area [end - len, end), VM_GROWSDOWN; ERR_PTR. */
struct vm_area_struct *vm_stack_create(struct mm_struct *mm, gva_t end, u64 len);
/* A VMA backed by given frames (vdso, vvar), mapped on fault. @spec and the frames stay the
 * caller's, and must outlive the mm. VM_DONTEXPAND is added, for pfnmap VM_IO, VM_PFNMAP and
 * VM_DONTDUMP, too. ERR_PTR(-ENOMEM, -EEXIST). */
struct vm_special_mapping {
	const char *name;
	struct page **pages;
	u32 nr_pages;
	bool pfnmap; /* vvar: VM_IO | VM_PFNMAP, not counted in Rss */
};
struct vm_area_struct *install_special_mapping(struct mm_struct *mm, gva_t addr, u64 len,
					       vm_flags_t flags,
					       const struct vm_special_mapping *spec);
/* Where mmap without a hint would put @len bytes; address or -ENOMEM. */
long get_unmapped_area(struct mm_struct *mm, gva_t hint, u64 len, u64 flags, bool thp_align,
		       bool compat);

/* --- inside mm/, and for tests (mm/vma.c) ------------------------------------------------ */

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm); /* zeroed; NULL: no memory */
struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig);
void vm_area_free(struct vm_area_struct *vma);
/* Splits @vma at @addr (inside it): the lower part stays @vma (new_below: the upper does).
 * -ENOMEM, also when map_count is at max_map_count; -EINVAL: it cannot be cut (vdso). */
int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, gva_t addr, bool new_below);
/* Gives [start, end), inside one area, the flags @flags: merges with neighbours where Linux
 * would, splits where it must. The area that now covers start; ERR_PTR(-ENOMEM). */
struct vm_area_struct *vma_modify_flags(struct mm_struct *mm, struct vm_area_struct *vma,
					gva_t start, gva_t end, vm_flags_t flags);
/* The same; the range is registered with @uffd afterwards (NULL: with none). */
struct vm_area_struct *vma_modify_flags_uffd(struct mm_struct *mm, struct vm_area_struct *vma,
					     gva_t start, gva_t end, vm_flags_t flags,
					     struct userfaultfd_ctx *uffd);
/* The same for a policy (mbind): the caller gives it to the area that comes back, which may have had it
 * before. */
struct vm_area_struct *vma_modify_policy(struct mm_struct *mm, struct vm_area_struct *vma,
					 gva_t start, gva_t end, struct mempolicy *pol);
/* expand_stack, at a fault below a VM_GROWSDOWN area: 0, -ENOMEM (limit, gap). */
int expand_stack(struct vm_area_struct *vma, gva_t addr);
bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, u64 npages);
void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, s64 npages);

/* Counters as /proc prints them, all read at one moment; pages. */
struct mm_counts {
	u64 total_vm, peak_vm, locked_vm, pinned_vm, rss_anon, rss_file, rss_shmem, peak_rss;
	u64 data_vm, stack_vm, exec_vm, text_vm, lib_vm, pgtables_bytes, swapents;
};
void mm_read_counts(struct mm_struct *mm, struct mm_counts *c);

/* Proves the state of one address space: tree, counts, every pte against VMA, map count, rmap
 * and TLB. 0 or -EFAULT, violations on the log. */
int mm_validate(struct mm_struct *mm);
/* The same for @nr areas that *@seed chooses, and ptes of theirs; the counts need all and are left out. */
int mm_validate_sample(struct mm_struct *mm, u64 *seed, unsigned nr);
#ifdef CONFIG_DEBUG_VM
void mm_debug_validate(struct mm_struct *mm); /* whole below 10,000 objects; ends Vellum */
#else
#define mm_debug_validate(mm) ((void)(mm))
#endif

#endif
