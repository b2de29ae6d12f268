/* Virtual memory areas and the tree that holds them.
 *
 *   vma_tree --> nodes --> areas, sorted, disjoint     [0x400000,0x401000) [0x600000,0x602000) ...
 *
 * One B-tree ("maple tree") an mm_struct, keyed by address range, with the largest gap below
 * each node, so find_vma() and the search for a hole are O(log n); a one-entry cache in front.
 * An area pointer is good until something sleeps, or changes areas: merging frees them.
 *
 * This header needs only base/: VMA logic is tested without a CPU, a task or a page. Not for: changing
 * areas (mm.h; vma_internal.h).
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
/* VM_READ and so on. */
enum {
#define VM_FLAG(name, bit, letters, merge) VM_##name = BIT(bit),
#include "mm/vm_flags.def"
#undef VM_FLAG
};
#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_SPECIAL (VM_IO | VM_DONTEXPAND | VM_PFNMAP)
/* Areas that differ only in these may merge; the whole has what either part had. */
enum {
#define APART 0UL
#define STICKY ~0UL
#define VM_FLAG(name, bit, letters, merge) | (BIT(bit) & merge)
	VM_STICKY = 0
#include "mm/vm_flags.def"
#undef VM_FLAG
#undef APART
#undef STICKY
};

/* Tells anonymous, file, shmem and special mappings apart. Anonymous private: vm_ops NULL. A NULL function
 * is not called: what it could refuse is allowed. */
struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);  /* after the vma was copied (split, fork) */
	void (*close)(struct vm_area_struct *vma); /* before it goes */
	/* Finds the page of vmf->pgoff: sets vmf->page (referenced); VM_FAULT_* . May ask the host; may
	 * sleep if vmf->flags allow a retry. */
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
	gva_t vm_start, vm_end;	 /* [start, end), page aligned; in a tree: vma_set_range() only */
	struct mm_struct *vm_mm; /* set once */
	vm_flags_t vm_flags;	 /* vma_modify_flags() and kin, which merge and split */
	u64 vm_pgoff; /* pages: offset in vm_file; anonymous: vm_start >> PAGE_SHIFT when made */
	struct list_head anon_vma_chain; /* of anon_vma_chain.same_vma */
	struct anon_vma *anon_vma;	 /* set by the first anonymous page: anon_vma_prepare() */
	const struct vm_operations_struct *vm_ops; /* set once, as the next two */
	struct file *vm_file;			   /* a reference, or NULL */
	struct address_space *vm_mapping; /* of vm_file, or of a shmem object; NULL: anonymous */
	struct list_head shared;	  /* in vm_mapping->i_mmap */
	void *vm_private_data;		  /* the special mapping's own */
	struct userfaultfd_ctx *vm_uffd;  /* registered there: a reference, or NULL */
	struct mempolicy *vm_policy;	  /* a reference, or NULL: the task's (mempolicy.h) */
	struct vma_tree_node *vm_leaf;	  /* the tree's node that holds it; NULL: in no tree */
};

/* Private memory without a file's or an object's pages behind it. */
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

/* --- the tree (vma_tree.c) -------------------------------------------------------------- */

/* Embedded in mm_struct; all zero is an empty tree. Nodes come from a kmem_cache ("maple_node"). Changed by
 * vma_tree.c only. */
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
/* The area behind, before @vma, which is in a tree; the first one. NULL: there is none. */
struct vm_area_struct *vma_next(struct vm_area_struct *vma);
struct vm_area_struct *vma_prev(struct vm_area_struct *vma);
struct vm_area_struct *vma_first(struct mm_struct *mm);
/* Every area in order; the body may change areas, but @vma must still be in the tree at its end. */
#define for_each_vma(mm, vma) for (vma = vma_first(mm); vma; vma = vma_next(vma))

/* --- holes (vma_gap.c) ------------------------------------------------------------------ */

/* The highest (lowest: bottomup) hole of @len bytes, a page multiple, in [low, high) that starts at a multiple
 * of @align (power of two, >= PAGE_SIZE), stack guard gaps of GROWSDOWN neighbours respected.
 * Address, or -ENOMEM. O(log n). See: Linux, mm/vma.c, unmapped_area(). */
long vma_gap_topdown(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align);
long vma_gap_bottomup(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align);

/* --- its checker (vma_tree_validate.c) -------------------------------------------------- */

/* Sorted, aligned, disjoint, linked; keys, gaps and counts agree with the areas. 0, or -EFAULT
 * with violations on the log. */
int vma_tree_validate(struct mm_struct *mm);
/* Checks one way from the root to an area that @random chooses; that area. *@err: 0 or -EFAULT. */
struct vm_area_struct *vma_tree_sample(struct mm_struct *mm, u64 random, int *err);

#endif
