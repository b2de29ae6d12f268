/* What the files that change VMAs share: the tree's writing half, merging, unmapping, limits.
 *
 * A change has four beats: check, reserve, change, validate. Whatever ends in _prepare or
 * _reserve may fail and changes nothing a guest can see; what follows it cannot fail.
 */
#ifndef MM_VMA_INTERNAL_H
#define MM_VMA_INTERNAL_H

#include "base/err.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/mempolicy.h"
#include "mm/rmap.h"

#define PROT_NONE 0UL
#define PROT_READ 0x1UL
#define PROT_WRITE 0x2UL
#define PROT_EXEC 0x4UL
#define PROT_SEM 0x8UL
#define PROT_GROWSDOWN 0x01000000UL
#define PROT_GROWSUP 0x02000000UL

#define VM_LOCKED_MASK (VM_LOCKED | VM_LOCKONFAULT)
#define MMAP_HINT_MIN_ADDR 0x10000UL /* CONFIG_LSM_MMAP_MIN_ADDR: the search starts here */

/* RLIMIT_*, numbers of the guest's ABI. */
#define RLIM_DATA 2
#define RLIM_STACK 3
#define RLIM_MEMLOCK 8
#define RLIM_AS 9
#define RLIM_INF (~0UL)

/* --- vma_tree.c ------------------------------------------------------------------------ */

/* Sets nodes aside, so that the next @inserts insertions cannot fail; what is not spent stays for later ones.
 * 0 or -ENOMEM. */
int vma_tree_reserve(struct mm_struct *mm, unsigned inserts);
/* Adds @vma, which overlaps nothing. Needs a reservation. */
void vma_tree_insert(struct mm_struct *mm, struct vm_area_struct *vma);
/* Takes @vma out; it keeps its bytes. */
void vma_tree_erase(struct mm_struct *mm, struct vm_area_struct *vma);
/* @vma's bounds have changed, its place among its neighbours has not. */
void vma_tree_update(struct mm_struct *mm, struct vm_area_struct *vma);
/* Frees every node. Looks at no area: they may be gone already. */
void vma_tree_destroy(struct mm_struct *mm);

/* --- vma.c ----------------------------------------------------------------------------- */

/* Puts a complete @vma in tree, i_mmap and map_count. Needs vma_tree_reserve(mm, 1). */
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma);
/* The reverse; then releases what the area holds (file, object, anon_vmas) and the area. */
void vma_unlink_free(struct mm_struct *mm, struct vm_area_struct *vma);
/* Releases a complete area that is not linked. */
void vma_release(struct vm_area_struct *vma);
/* A copy of @orig with references, anon_vmas and open() of its own, not linked. NULL: no memory. */
struct vm_area_struct *vma_copy(struct vm_area_struct *orig);
/* New bounds for a linked area, between its neighbours'. */
void vma_set_range(struct vm_area_struct *vma, gva_t start, gva_t end, u64 pgoff);

/* Where mmap(2) must stop above: the guard gap of a stack counts as its own. */
static inline gva_t vm_start_gap(const struct vm_area_struct *vma)
{
	gva_t gap = vma->vm_flags & VM_GROWSDOWN ? STACK_GUARD_GAP << PAGE_SHIFT : 0;

	return vma->vm_start > gap ? vma->vm_start - gap : 0;
}

/* The running task's soft limit RLIM_*, in the limit's own unit; RLIM_INF: none holds. */
u64 rlimit(const struct mm_struct *mm, unsigned which);
/* May @bytes more be locked, if @flags say locked? */
bool mlock_future_ok(const struct mm_struct *mm, vm_flags_t flags, u64 bytes);
/* May the running task lock anything at all? See: mlock(2) EPERM. */
bool can_do_mlock(const struct mm_struct *mm);
/* As vm_enough_memory(), for @mm, whose size counts in OVERCOMMIT_NEVER: 0 or -ENOMEM. */
int security_vm_enough_memory(struct mm_struct *mm, u64 pages);
/* mmap's PROT_* as VM_*; what it does not know is ignored. */
vm_flags_t calc_vm_prot_bits(u64 prot);
/* personality(READ_IMPLIES_EXEC) of the running task. */
bool read_implies_exec(const struct memory *m);
/* PR_SET_MDWE: may an area that had the rights @had not get @wanted? */
bool map_deny_write_exec(const struct mm_struct *mm, vm_flags_t had, vm_flags_t wanted);
/* Before total_vm shrinks. */
void update_hiwater_vm(struct mm_struct *mm);

/* --- vma_merge.c ----------------------------------------------------------------------- */

/* A range that is about to get @flags and might join its neighbours. */
struct vma_merge {
	struct mm_struct *mm;
	struct vm_area_struct *prev, *next;	  /* neighbours of [start, end), or NULL */
	struct vm_area_struct *middle;		  /* the area the range lies in, NULL: none yet */
	const struct vm_area_struct *copied_from; /* mremap: whose anon_vmas come along */
	gva_t start, end;
	u64 pgoff; /* of start */
	vm_flags_t flags;
	struct file *file;
	struct address_space *mapping;
	struct anon_vma *anon_vma;
	struct userfaultfd_ctx *uffd;
	struct mempolicy *policy;
	bool just_expand; /* brk: join prev only */
	bool no_memory;	  /* out: could have merged, had there been memory */
};

/* A range [start, end) that is as @vma is, and whose pages begin at @pgoff; neighbours are still to be set. */
static inline struct vma_merge vmg_like(const struct vm_area_struct *vma, gva_t start, gva_t end,
					u64 pgoff)
{
	return (struct vma_merge){
		.mm = vma->vm_mm,
		.start = start,
		.end = end,
		.pgoff = pgoff,
		.flags = vma->vm_flags,
		.file = vma->vm_file,
		.mapping = vma->vm_mapping,
		.anon_vma = vma->anon_vma,
		.uffd = vma->vm_uffd,
		.policy = vma->vm_policy,
	};
}

/* Extends a neighbour over an empty range: the area that covers it now, or NULL. */
struct vm_area_struct *vma_merge_new_range(struct vma_merge *vmg);
/* The same for a range of an existing area, which shrinks or goes. */
struct vm_area_struct *vma_merge_existing_range(struct vma_merge *vmg);

/* --- munmap.c -------------------------------------------------------------------------- */

/* Unmapping of [start, end), prepared. */
struct vma_unmap {
	struct mm_struct *mm;
	gva_t start, end;
	struct vm_area_struct *first; /* first area that overlaps, NULL: nothing to do */
	struct vm_area_struct *upper; /* for a hole inside one area: its upper part */
	u64 nr_pages, nr_accounted;   /* of what goes */
	bool keep_account;	      /* Committed_AS stays: mremap moved the charge along */
};

/* Makes all that taking [start, end), page aligned, out needs: *@u, which is committed or aborted afterwards.
 * 0; -EPERM (sealed), -EINVAL (an area that cannot be cut), -ENOMEM (map limit, memory): *@u is empty then, and
 * areas may have been cut where Linux leaves them so. */
int vma_unmap_prepare(struct mm_struct *mm, gva_t start, gva_t end, struct vma_unmap *u);
/* Does it: pages, page tables, areas, accounts. Cannot fail. */
void vma_unmap_commit(struct vma_unmap *u);
/* It does not happen. */
void vma_unmap_abort(struct vma_unmap *u);
/* munmap(2), without telling userfaultfd yet: the caller does, at its end. */
long __do_munmap(struct mm_struct *mm, gva_t start, u64 len);
/* What Linux leaves when it refuses to unmap or replace [start, end): areas cut at the two ends. */
void vma_split_at_ends(struct mm_struct *mm, gva_t start, gva_t end);

/* --- unmapped.c ------------------------------------------------------------------------ */

/* Where a mapping that could have huge pages is put; THP_HUGETLB: in whole pages of a pool (hugetlb.h), whose
 * size is added to it as a shift. */
enum thp_placement { THP_NONE, THP_ANON, THP_FILE, THP_HUGETLB };

/* As Linux's __get_unmapped_area(): @pgoff and @thp as the kind of mapping wants it. Address,
 * -ENOMEM, -EINVAL, -EPERM. */
long __get_unmapped_area(struct mm_struct *mm, gva_t addr, u64 len, u64 pgoff, u64 flags,
			 enum thp_placement thp, bool compat);
/* The placement of a mapping of that file or object. */
enum thp_placement vma_thp_placement(const struct vm_area_struct *vma);

#endif
