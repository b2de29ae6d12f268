/* NUMA memory policies: which nodes the pages of a task, of an area, or of a shared object shall come
 * from. Masks are of MAX_NUMNODES nodes, as the guest sees them; which nodes have memory the
 * machine says (node_memory_mask()).
 *
 * A policy never changes once it is shown to anybody else: areas that were split, and forked tasks,
 * hold references to the same one.
 *
 * Not for: where a page comes from. One node has all memory yet, so that alloc_pages() asks nobody.
 * See: Linux 6.18, mm/mempolicy.c; Documentation/admin-guide/mm/numa_memory_policy.rst.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "mm/nodemask.h"
#include "mm/vma.h"

struct memory;
struct page;

enum mpol_mode {
	MPOL_DEFAULT,
	MPOL_PREFERRED,
	MPOL_BIND,
	MPOL_INTERLEAVE,
	MPOL_LOCAL,
	MPOL_PREFERRED_MANY,
	MPOL_WEIGHTED_INTERLEAVE,
	MPOL_MAX,
};

/* Flags that come with the mode. */
#define MPOL_F_STATIC_NODES 0x8000U
#define MPOL_F_RELATIVE_NODES 0x4000U
#define MPOL_F_NUMA_BALANCING 0x2000U
#define MPOL_MODE_FLAGS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING)
/* get_mempolicy(2) */
#define MPOL_F_NODE 1U
#define MPOL_F_ADDR 2U
#define MPOL_F_MEMS_ALLOWED 4U
/* mbind(2), move_pages(2) */
#define MPOL_MF_STRICT 1U
#define MPOL_MF_MOVE 2U
#define MPOL_MF_MOVE_ALL 4U

/* Set once, all but refcount. */
struct mempolicy {
	u32 refcount;  /* tasks, areas, ranges of shared objects */
	u16 mode;      /* enum mpol_mode, not MPOL_DEFAULT: that is no policy at all */
	u16 flags;     /* MPOL_MODE_FLAGS */
	s32 home_node; /* set_mempolicy_home_node(2), or NUMA_NO_NODE */
	struct memory *mem;
	nodemask_t nodes;      /* where pages come from: nodes that have memory */
	nodemask_t user_nodes; /* what was asked for; kept with STATIC and RELATIVE, else empty */
};

/* What a task has of its own. */
struct task_mempolicy {
	struct mempolicy *policy; /* a reference, or NULL: the default */
	u16 il_prev;		  /* the node that an interleaved page came from last */
};

/* The policies of a shared object, by ranges of its pages; zero is none. */
struct sp_node;
struct shared_policy {
	struct sp_node *first;
};

/* --- nodes ------------------------------------------------------------------------------------ */

/* The nodes that have memory: all that a task may use (there are no cpusets). */
void node_memory_mask(const struct memory *m, nodemask_t *mask);
/* One more than the highest node there can ever be. */
static inline unsigned nr_node_ids(const struct memory *m __unused)
{
	return 1;
}

/* --- policies --------------------------------------------------------------------------------- */

/* A policy of the mode with one reference; NULL for MPOL_DEFAULT. ERR_PTR(-EINVAL): the mode does not
 * go with these flags or nodes; ERR_PTR(-ENOMEM). */
struct mempolicy *mpol_new(struct memory *m, unsigned mode, unsigned flags,
			   const nodemask_t *nodes);
void __mpol_put(struct mempolicy *pol);
bool __mpol_equal(const struct mempolicy *a, const struct mempolicy *b);

/* One more reference, one less, the last of which frees it; NULL is fine. */
static inline struct mempolicy *mpol_get(struct mempolicy *pol)
{
	if (pol)
		pol->refcount++;
	return pol;
}

static inline void mpol_put(struct mempolicy *pol)
{
	if (unlikely(pol))
		__mpol_put(pol);
}

/* Do areas with these belong together? */
static inline bool mpol_equal(const struct mempolicy *a, const struct mempolicy *b)
{
	return a == b || __mpol_equal(a, b);
}

#define MPOL_STR_MAX 512
/* As numa_maps shows it: "bind=static:0-3". @buf has MPOL_STR_MAX bytes. @pol may be NULL. */
void mpol_to_str(char *buf, const struct mempolicy *pol);

/* The policy of @addr: the area's own, or its shared object's; NULL: the task's. No reference. */
struct mempolicy *get_vma_policy(struct vm_area_struct *vma, gva_t addr);

/* --- of shared objects (shmem.c) -------------------------------------------------------------- */

/* Pages [start, end) get @pol; NULL: none. 0 or -ENOMEM: nothing has changed. */
int mpol_set_shared_policy(struct memory *m, struct shared_policy *sp, u64 start, u64 end,
			   struct mempolicy *pol);
/* The policy of page @index; NULL: none. No reference. */
struct mempolicy *mpol_shared_policy_lookup(const struct shared_policy *sp, u64 index);
/* The object goes: so do all its policies. */
void mpol_free_shared_policy(struct memory *m, struct shared_policy *sp);

/* --- the calls (arguments as the guest gave them, masks as the kernel keeps them) -------------- */
/*     set_ and get_mempolicy: mempolicy.c; all others: mbind.c. None sleeps, though Linux's may.      */

/* mbind(2). 0; -EINVAL, -EPERM (MOVE_ALL), -EFAULT (a hole), -EIO (STRICT), -ENOMEM. What came before
 * an area that cannot be split has changed. */
long do_mbind(struct mm_struct *mm, gva_t start, u64 len, unsigned mode, unsigned mode_flags,
	      const nodemask_t *nodes, u64 flags);
/* set_mempolicy(2): 0, -EINVAL, -ENOMEM. */
long do_set_mempolicy(struct memory *m, struct task_mempolicy *task, unsigned mode, unsigned flags,
		      const nodemask_t *nodes);
/* get_mempolicy(2): *@mode and *@nodes. 0, -EINVAL, -EFAULT. May fault a page in. */
long do_get_mempolicy(struct mm_struct *mm, const struct task_mempolicy *task, gva_t addr,
		      u64 flags, int *mode, nodemask_t *nodes);
/* set_mempolicy_home_node(2): 0; -ENOENT: no policy in the range; -EOPNOTSUPP, -EINVAL, -ENOMEM. */
long do_set_home_node(struct mm_struct *mm, gva_t start, u64 len, u64 node, u64 flags);
/* migrate_pages(2), once rights are checked: pages that could not be moved. */
long do_migrate_pages(struct mm_struct *mm, const nodemask_t *from, const nodemask_t *to);

/* move_pages(2) for one page. Where it is: a node, -EFAULT (no area; the zero page), -ENOENT (no page).
 * With @node, where it shall go; then also -EACCES: others map it, and not @all of them are meant. */
int page_status(struct mm_struct *mm, gva_t addr);
int move_one_page(struct mm_struct *mm, gva_t addr, unsigned node, bool all);

#endif
