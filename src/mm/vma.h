/* Virtual memory areas and the tree that holds them.
 *
 * One B-tree ("maple tree") an mm_struct, keyed by address range, with the largest gap below
 * each node, so find_vma() and the search for a hole are O(log n); a one-entry cache in front.
 * This header needs only base/: VMA logic is tested without a CPU, a task or a page.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "base/list.h"
#include "base/types.h"

struct anon_vma;
struct address_space;
struct file;
struct mempolicy;
struct mm_struct;
struct userfaultfd_ctx;
struct vm_fault;
struct vm_area_struct;
struct vma_tree_node;

typedef u64 vm_flags_t;
enum vm_flag_bits {
#define VM_FLAG(name, bit, letters, mergeable) VM_##name##_BIT = bit,
#include "mm/vm_flags.def"
#undef VM_FLAG
};
#define VM_READ BIT(VM_READ_BIT)
#define VM_WRITE BIT(VM_WRITE_BIT)
#define VM_EXEC BIT(VM_EXEC_BIT)
#define VM_SHARED BIT(VM_SHARED_BIT)
#define VM_MAYREAD BIT(VM_MAYREAD_BIT)
#define VM_MAYWRITE BIT(VM_MAYWRITE_BIT)
#define VM_MAYEXEC BIT(VM_MAYEXEC_BIT)
#define VM_MAYSHARE BIT(VM_MAYSHARE_BIT)
#define VM_GROWSDOWN BIT(VM_GROWSDOWN_BIT)
#define VM_UFFD_MISSING BIT(VM_UFFD_MISSING_BIT)
#define VM_UFFD_WP BIT(VM_UFFD_WP_BIT)
#define VM_UFFD_MINOR BIT(VM_UFFD_MINOR_BIT)
#define VM_PFNMAP BIT(VM_PFNMAP_BIT)
#define VM_MAYBE_GUARD BIT(VM_MAYBE_GUARD_BIT)
#define VM_LOCKED BIT(VM_LOCKED_BIT)
#define VM_LOCKONFAULT BIT(VM_LOCKONFAULT_BIT)
#define VM_IO BIT(VM_IO_BIT)
#define VM_SEQ_READ BIT(VM_SEQ_READ_BIT)
#define VM_RAND_READ BIT(VM_RAND_READ_BIT)
#define VM_DONTCOPY BIT(VM_DONTCOPY_BIT)
#define VM_DONTEXPAND BIT(VM_DONTEXPAND_BIT)
#define VM_ACCOUNT BIT(VM_ACCOUNT_BIT)
#define VM_NORESERVE BIT(VM_NORESERVE_BIT)
#define VM_HUGETLB BIT(VM_HUGETLB_BIT)
#define VM_WIPEONFORK BIT(VM_WIPEONFORK_BIT)
#define VM_DONTDUMP BIT(VM_DONTDUMP_BIT)
#define VM_HUGEPAGE BIT(VM_HUGEPAGE_BIT)
#define VM_NOHUGEPAGE BIT(VM_NOHUGEPAGE_BIT)
#define VM_MERGEABLE BIT(VM_MERGEABLE_BIT)
#define VM_SEALED BIT(VM_SEALED_BIT)
#define VM_DROPPABLE BIT(VM_DROPPABLE_BIT)
#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_SPECIAL (VM_IO | VM_DONTEXPAND | VM_PFNMAP)
/* Areas that differ only in these may merge; the whole has what either part had. */
#define VM_STICKY VM_MAYBE_GUARD

/* Tells anonymous, file, shmem and special mappings apart. Anonymous private: vm_ops NULL. */
struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);  /* after the vma was copied (split, fork) */
	void (*close)(struct vm_area_struct *vma); /* before it goes */
	/* Finds the page of vmf->pgoff: sets vmf->page (referenced); VM_FAULT_* . May block. */
	unsigned (*fault)(struct vm_fault *vmf);
	/* Maps what the cache already holds of [start_pgoff, end_pgoff] around the fault. */
	void (*map_pages)(struct vm_fault *vmf, u64 start_pgoff, u64 end_pgoff);
	/* A clean shared page is about to become writable: 0 or VM_FAULT_*. */
	unsigned (*page_mkwrite)(struct vm_fault *vmf);
	int (*may_split)(struct vm_area_struct *vma, gva_t addr); /* may refuse (-EINVAL) a cut */
	int (*mremap)(struct vm_area_struct *vma);	 /* may refuse (-EINVAL) to be moved */
	const char *(*name)(struct vm_area_struct *vma); /* maps' last column: "[vdso]" */
	/* Of objects whose policies are theirs, not the areas'. 0 or -ENOMEM; @pol NULL: none. */
	int (*set_policy)(struct vm_area_struct *vma, struct mempolicy *pol);
	struct mempolicy *(*get_policy)(struct vm_area_struct *vma, gva_t addr);
};

struct vm_area_struct {
	gva_t vm_start, vm_end;	 /* [start, end), page aligned; changed by mm/vma.c only */
	struct mm_struct *vm_mm; /* set once */
	vm_flags_t vm_flags;
	u64 vm_pgoff; /* pages: offset in vm_file; anonymous: vm_start >> PAGE_SHIFT when made */
	struct list_head anon_vma_chain; /* of anon_vma_chain.same_vma */
	struct anon_vma *anon_vma;	 /* set by the first anonymous page */
	const struct vm_operations_struct *vm_ops;
	struct file *vm_file;		  /* a reference, or NULL */
	struct address_space *vm_mapping; /* of vm_file, or of a shmem object; NULL: anonymous */
	struct list_head shared;	  /* in vm_mapping->i_mmap */
	void *vm_private_data;		  /* the special mapping's own */
	struct userfaultfd_ctx *vm_uffd;  /* registered there: a reference, or NULL */
	struct mempolicy *vm_policy;	  /* a reference, or NULL: the task's (mempolicy.h) */
	struct vma_tree_node *vm_leaf;	  /* the tree's node that holds it; NULL: in no tree */
};

static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
	return !vma->vm_ops;
}

static inline u64 vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* The pgoff of @addr, which lies in @vma (or at its end). */
static inline u64 linear_page_index(const struct vm_area_struct *vma, gva_t addr)
{
	return ((addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

/* --- the tree (mm/vma_tree.c) --------------------------------------------------------- */

/* Embedded in mm_struct; all zero is an empty tree. Nodes come from a kmem_cache ("maple_node"). */
struct vma_tree {
	struct vma_tree_node *root;
	struct vm_area_struct *cache;  /* what find_vma() gives for [cache_low, cache_end) */
	gva_t cache_low, cache_end;    /* cache_end 0: nothing; any change of the tree forgets */
	struct vm_area_struct *last;   /* inserted last; NULL: it has gone, or nothing was */
	u64 nr;			       /* areas */
	u32 height;		       /* levels of nodes; 0: empty */
	u32 nr_reserve;		       /* nodes on the reserve list */
	struct vma_tree_node *reserve; /* taken by vma_tree_reserve(), spent by inserts */
};

/* The first area that ends above @addr, or NULL. O(log n). */
struct vm_area_struct *find_vma(struct mm_struct *mm, gva_t addr);
/* The area that contains @addr, or NULL. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, gva_t addr);
/* The first area that overlaps [start, end), or NULL. */
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, gva_t start, gva_t end);
/* As find_vma(); *@prev is the area before it (the last one when the result is NULL). */
struct vm_area_struct *find_vma_prev(struct mm_struct *mm, gva_t addr,
				     struct vm_area_struct **prev);
struct vm_area_struct *vma_next(struct vm_area_struct *vma);
struct vm_area_struct *vma_prev(struct vm_area_struct *vma);
struct vm_area_struct *vma_first(struct mm_struct *mm);

/* Sorted, aligned, disjoint, linked; keys, gaps and counts agree with the areas. 0, or -EFAULT
 * with violations on the log. */
int vma_tree_validate(struct mm_struct *mm);
/* Checks one way from the root to an area that @random chooses; that area. *@err: 0 or -EFAULT. */
struct vm_area_struct *vma_tree_sample(struct mm_struct *mm, u64 random, int *err);

#define for_each_vma(mm, vma) for (vma = vma_first(mm); vma; vma = vma_next(vma))

/* The highest (lowest: bottomup) hole of @len bytes in [low, high) that starts at a multiple of
 * @align (power of two, >= PAGE_SIZE), stack guard gaps of GROWSDOWN neighbours respected.
 * Address, or -ENOMEM. O(log n). */
long vma_gap_topdown(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align);
long vma_gap_bottomup(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align);

#endif
