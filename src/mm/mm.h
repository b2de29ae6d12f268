/* One address space: struct mm_struct, and the calls that change it.
 *
 *   mm_struct --mt----> VMAs, by address      what may be accessed, and where pages come from (vma.h)
 *             --pgd---> page tables           what can be accessed now (pgtable.h, paging.h)
 *             --rss, total_vm ...             what both add up to
 *
 * do_* functions take checked-by-nobody guest values and do the whole call as the kernel does:
 * error values and partial effects are those of Linux 6.18 (man pages; docs/compat.md). Addresses and
 * lengths are bytes, page offsets (pgoff) pages.
 *
 * Not for: tasks (proc/), what lies behind a file (filemap.h).
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
	struct vma_tree mt; /* changed by vma_tree.c only */
	u32 mm_users;	    /* tasks: mmget(), mmput(); 0: there are no areas, and never will be */
	u32 mm_count;	    /* users count as one; open files of /proc, userfaultfds: mmgrab() */
	u32 asid;	    /* tag in the TLB; set by tlb_switch(); 0: has none yet */
	struct list_head mmlist; /* in memory.mm_list */

	u64 map_count;		  /* VMAs: vma_link(), vma_unlink_free() */
	u64 total_vm, hiwater_vm; /* pages; vm_stat_account(), update_hiwater_vm() */
	u64 locked_vm, pinned_vm, data_vm, exec_vm,
		stack_vm;	 /* pages, counted by vm_stat_account() */
	u64 locked_leaked;	 /* part of locked_vm that no area stands for: mremap.c */
	s64 rss[NR_MM_COUNTERS]; /* pages: counted by whoever sets or clears a pte */
	u64 hiwater_rss;	 /* pages; before rss shrinks: update_hiwater_rss() */
	u64 pgtables_bytes;	 /* tables below the root; pgtable.c */
	vm_flags_t def_flags;	 /* mlockall(MCL_FUTURE) */

	/* Layout, from here to exe_file: set by exec, and by prctl(PR_SET_MM). */
	gva_t mmap_base;	/* top of the top-down search */
	gva_t mmap_compat_base; /* the same for int 0x80 */
	bool mmap_legacy;	/* bottom-up from TASK_SIZE / 3 */
	gva_t start_code, end_code, start_data, end_data;
	gva_t start_brk, brk, start_stack; /* brk: do_brk(), too */
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
	/* prctl(PR_FUTEX_HASH); slots are kept only, as there is one table for all. 0: none of its own. */
	u32 futex_slots;
	bool futex_global;  /* 0 was asked for, and that stays */
	bool has_ldt;	    /* modify_ldt(2) has written to it; all that can be there is empty */
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

/* --- from its first user to its last (mm_struct.c, fork.c) --------------------------------- */

/* An empty address space of one user, the caller. ERR_PTR(-ENOMEM). */
struct mm_struct *mm_alloc(struct memory *m);
/* Drops a user; the last one unmaps everything (exit_mmap) and frees the mm. */
void mmput(struct mm_struct *mm);
/* One more user; there is one already. */
static inline void mmget(struct mm_struct *mm)
{
	mm->mm_users++;
}
/* Keeps the struct, not the address space: mm_users says whether there still is one. */
static inline void mmgrab(struct mm_struct *mm)
{
	mm->mm_count++;
}
/* Drops what mmgrab() took; the last one frees the struct. */
void mmdrop(struct mm_struct *mm);

/* A child's copy of @old (fork), owned by the caller: areas, copy-on-write ptes, charges. The files that
 * areas map get references; exe_file, too. May sleep: userfaultfd is told. ERR_PTR(-ENOMEM): nothing is left,
 * but that pages of @old may have become read-only until they are stored to. See: fork(2). */
struct mm_struct *dup_mm(struct mm_struct *old);
/* process_mrelease(2): the private memory of a process that is about to end goes now; what still looks there
 * gets SIGBUS or -EFAULT. */
void mm_reap(struct mm_struct *mm);
/* What fork and exec hand on to the next address space: PR_SET_MDWE, PR_SET_THP_DISABLE. */
void mm_inherit_flags(struct mm_struct *mm, const struct mm_struct *old);
/* prctl(PR_SET_MDWE): 0, -EINVAL (no such @bits), -EPERM (others are set: they stay for good). */
int mm_set_mdwe(struct mm_struct *mm, u64 bits);

/* --- mapping calls, each in the file of its name ------------------------------------------------ */

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
 * @f:      what is mapped; NULL: anonymous memory. The caller's, for the call
 * @addr:   hint, or place (MAP_FIXED)
 * @pgoff:  pages
 * @flags:  MAP_*; @prot: PROT_*
 * @compat: from int 0x80 (32-bit address search)
 *
 * Populates (MAP_POPULATE, MAP_LOCKED, def_flags VM_LOCKED) before it returns. May sleep.
 *
 * Return: address; -EINVAL, -ENOMEM (limits, overcommit, no hole), -EACCES and -EPERM (the file's rights,
 * MDWE, RLIMIT_MEMLOCK), -EAGAIN (RLIMIT_MEMLOCK), -ENODEV, -EOVERFLOW, -EOPNOTSUPP, -EEXIST
 * (MAP_FIXED_NOREPLACE). On error nothing has changed, but that areas may have been cut.
 * See: mmap(2) ERRORS; linux-facts "mmap".
 */
long do_mmap(struct mm_struct *mm, const struct mmap_file *f, gva_t addr, u64 len, u64 prot,
	     u64 flags, u64 pgoff, bool compat);
/* remap_file_pages(2): maps page @pgoff of the file or object that is shared at @start. 0; -EINVAL, or as
 * do_mmap(). May sleep. (mmap.c) */
long do_remap_file_pages(struct mm_struct *mm, gva_t start, u64 size, u64 prot, u64 pgoff,
			 u64 flags);
/* munmap(2). Holes are no error. 0; -EINVAL: unaligned, empty, not in user space, or a part of the vdso;
 * -EPERM: sealed; -ENOMEM: the map limit, or no memory for the upper part of a hole. May sleep:
 * userfaultfd is told. */
long do_munmap(struct mm_struct *mm, gva_t start, u64 len);
/* brk(2): the break afterwards, which is the old one if it could not be moved: never an error. May sleep. */
long do_brk(struct mm_struct *mm, gva_t brk);
/* mremap(2): the address; -EINVAL, -EFAULT (no area, or a range across areas), -EAGAIN (RLIMIT_MEMLOCK),
 * -ENOMEM, -EPERM (sealed). What MREMAP_FIXED unmapped at the new place is gone whatever follows. May sleep. */
long do_mremap(struct mm_struct *mm, gva_t addr, u64 old_len, u64 new_len, u64 flags,
	       gva_t new_addr);
/* mprotect(2): 0; -EINVAL, -ENOMEM (a hole, limits), -EACCES (the file's rights, MDWE), -EPERM (sealed). Areas
 * before the one that failed are changed. */
long do_mprotect(struct mm_struct *mm, gva_t start, u64 len, u64 prot);
/* madvise(2): 0; -EINVAL, -ENOMEM (a hole: what is mapped was advised, or no memory), -EAGAIN (the same for
 * flags), -EPERM (sealed), and what an advice says (madvise_pages.c). May sleep. */
long do_madvise(struct mm_struct *mm, gva_t start, u64 len, int advice);
/* Is there such an advice? May process_madvise(2) give it to another process? */
bool madvise_is_valid(int advice);
bool madvise_is_remote(int advice);
/* mseal(2): 0; -EINVAL; -ENOMEM: a hole, and nothing was sealed, or no memory to cut an area. */
long do_mseal(struct mm_struct *mm, gva_t start, u64 len, u64 flags);
/* msync(2): 0; -EINVAL, -EBUSY (MS_INVALIDATE, locked), -ENOMEM (a hole: the rest was synced), -EIO. Asks the
 * host. */
long do_msync(struct mm_struct *mm, gva_t start, u64 len, int flags);
/* mincore(2): bytes at the guest's @vec. 0; -EINVAL, -ENOMEM (a hole), -EFAULT (@vec). May sleep. */
long do_mincore(struct mm_struct *mm, gva_t start, u64 len, gva_t vec);
/* mlock(2), mlock2(2) (@flags: MLOCK_ONFAULT), mlockall(2) (MCL_*) and their reverses. 0; -EINVAL, -ENOMEM (a
 * hole, RLIMIT_MEMLOCK), -EPERM (that is 0), -EAGAIN (not all could be faulted in: it is locked all the same).
 * What locks may sleep. */
long do_mlock(struct mm_struct *mm, gva_t start, u64 len, int flags);
long do_munlock(struct mm_struct *mm, gva_t start, u64 len);
long do_mlockall(struct mm_struct *mm, int flags);
long do_munlockall(struct mm_struct *mm);

/* --- areas that exec and the loader make (brk.c, special.c) --------------------------------------- */

/* A writable anonymous area at exactly [addr, addr+len) (bss, brk), with VM_EXEC if @flags say so; what was
 * there is unmapped. 0; -EINVAL, -ENOMEM, -EAGAIN (RLIMIT_MEMLOCK), -EPERM. */
int vm_brk_flags(struct mm_struct *mm, gva_t addr, u64 len, vm_flags_t flags);
/* The stack area [end - len, end), VM_GROWSDOWN. ERR_PTR(-EINVAL): not page aligned, not in user space;
 * ERR_PTR(-EEXIST), ERR_PTR(-ENOMEM). */
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
/* Where mmap with that hint (0: none) would put @len bytes; @thp_align: of a file, which a
 * 2 MiB page could hold. Address or -ENOMEM, -EINVAL, -EPERM. (unmapped.c) */
long get_unmapped_area(struct mm_struct *mm, gva_t hint, u64 len, u64 flags, bool thp_align,
		       bool compat);

/* --- inside mm/, and for tests (vma.c) -------------------------------------------------------- */

/* An area of @mm that is in no tree; NULL: no memory. Zeroed, or with @orig's fields but no references of its
 * own and no anon_vmas. Freed by vm_area_free(), or vma_release() once it holds references. */
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig);
void vm_area_free(struct vm_area_struct *vma);
/* Splits @vma at @addr (inside it): the lower part stays @vma (new_below: the upper does).
 * 0; -ENOMEM, also when map_count is at max_map_count; -EINVAL: it cannot be cut (vdso). */
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
/* A fault at @addr below the VM_GROWSDOWN area @vma: it grows down to there. 0; -ENOMEM (RLIMIT_STACK and other
 * limits, the guard gap), -EFAULT (no stack), -EPERM (too low). */
int expand_stack(struct vm_area_struct *vma, gva_t addr);
/* Do RLIMIT_AS and RLIMIT_DATA let @npages more of such an area come? */
bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, u64 npages);
/* They have come, or (negative) are about to go: total_vm and the count of its kind. */
void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, s64 npages);

/* Counters as /proc prints them, all read at one moment; pages. */
struct mm_counts {
	u64 total_vm, peak_vm, locked_vm, pinned_vm, rss_anon, rss_file, rss_shmem, peak_rss;
	u64 data_vm, stack_vm, exec_vm, text_vm, lib_vm, pgtables_bytes, swapents;
};
void mm_read_counts(struct mm_struct *mm, struct mm_counts *c);

/* --- checkers (validate.c) -------------------------------------------------------------------- */

/* Proves the state of one address space: tree, counts, every pte against VMA, map count, rmap
 * and TLB. 0 or -EFAULT, violations on the log. */
int mm_validate(struct mm_struct *mm);
/* The same for @nr areas that *@seed chooses, and ptes of theirs; the counts need all and are left out. */
int mm_validate_sample(struct mm_struct *mm, u64 *seed, unsigned nr);
/* The part of memory_validate() that is about address spaces: each mm of mm_list, map counts
 * over all of them, every CPU's TLB. 0 or -EFAULT, each violation on the log. */
int memory_validate_mms(struct memory *m);
#ifdef CONFIG_DEBUG_VM
void mm_debug_validate(struct mm_struct *mm); /* whole below 10,000 objects; ends Vellum */
#else
#define mm_debug_validate(mm) ((void)(mm))
#endif

#endif
