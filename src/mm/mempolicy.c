/* NUMA memory policies: see mempolicy.h. Linux 6.18, mm/mempolicy.c, has the same names. */
#include "mm/mempolicy.h"

#include <stdio.h>

#include "base/err.h"
#include "mm/uaccess.h"
#include "mm/vma_internal.h"

#define MASK_WORDS (MAX_NUMNODES / 64)
#define MPOL_MF_VALID (MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)

/* --- masks ------------------------------------------------------------------------------------ */

bool nodes_empty(const nodemask_t *mask)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		if (mask->bits[i])
			return false;
	return true;
}

bool nodes_subset(const nodemask_t *inner, const nodemask_t *outer)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		if (inner->bits[i] & ~outer->bits[i])
			return false;
	return true;
}

static bool nodes_equal(const nodemask_t *a, const nodemask_t *b)
{
	return nodes_subset(a, b) && nodes_subset(b, a);
}

void nodes_and(nodemask_t *dst, const nodemask_t *a, const nodemask_t *b)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		dst->bits[i] = a->bits[i] & b->bits[i];
}

static unsigned nodes_weight(const nodemask_t *mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MASK_WORDS; i++)
		n += __builtin_popcountl(mask->bits[i]);
	return n;
}

/* The first node of @mask at or above @from, or MAX_NUMNODES. */
static unsigned next_node(unsigned from, const nodemask_t *mask)
{
	for (; from < MAX_NUMNODES; from = (from & ~63U) + 64) {
		u64 word = mask->bits[from / 64] >> (from % 64);

		if (word)
			return from + __builtin_ctzl(word);
	}
	return MAX_NUMNODES;
}

#define for_each_node(node, mask)                                                                  \
	for (node = next_node(0, mask); node < MAX_NUMNODES; node = next_node(node + 1, mask))

unsigned next_node_in(unsigned node, const nodemask_t *mask)
{
	unsigned next = next_node(node + 1, mask);

	return next < MAX_NUMNODES ? next : next_node(0, mask);
}

void node_memory_mask(const struct memory *m, nodemask_t *mask)
{
	*mask = (nodemask_t){0};
	node_set(m->node->node_id, mask);
}

static unsigned page_to_nid(const struct memory *m, const struct page *page __unused)
{
	return m->node->node_id;
}

/* --- policies --------------------------------------------------------------------------------- */

int mempolicy_init(struct memory *m)
{
	struct kmem_cache *c =
		kmem_cache_create(m, "numa_policy", sizeof(struct mempolicy), 0, 0, NULL);

	if (IS_ERR(c))
		return PTR_ERR(c);
	m->in->numa_policy = c;
	return 0;
}

void __mpol_put(struct mempolicy *pol)
{
	if (!--pol->refcount)
		kmem_cache_free(pol->mem->in->numa_policy, pol);
}

static bool mpol_store_user_nodemask(const struct mempolicy *pol)
{
	return pol->flags & MPOL_MODE_FLAGS;
}

/* Without flags user_nodes are empty in both. */
bool __mpol_equal(const struct mempolicy *a, const struct mempolicy *b)
{
	return a && b && a->mode == b->mode && a->flags == b->flags &&
	       a->home_node == b->home_node && nodes_equal(&a->user_nodes, &b->user_nodes) &&
	       nodes_equal(&a->nodes, &b->nodes);
}

/* @rel's nodes are places in the list of @orig's, over and over again. */
static void mpol_relative_nodemask(nodemask_t *dst, const nodemask_t *orig, const nodemask_t *rel)
{
	unsigned weight = nodes_weight(orig), node;

	*dst = (nodemask_t){0};
	for_each_node(node, rel)
	{
		unsigned nth = node % weight, to = next_node(0, orig);

		while (nth--)
			to = next_node(to + 1, orig);
		node_set(to, dst);
	}
}

/* The nodes that are meant, of those that there are: mpol_set_nodemask(). */
static int mpol_set_nodes(struct mempolicy *pol, const nodemask_t *nodes)
{
	nodemask_t memory;
	unsigned first;

	if (pol->mode == MPOL_LOCAL)
		return 0;
	node_memory_mask(pol->mem, &memory);
	if (pol->flags & MPOL_F_RELATIVE_NODES)
		mpol_relative_nodemask(&pol->nodes, &memory, nodes);
	else
		nodes_and(&pol->nodes, nodes, &memory);
	if (mpol_store_user_nodemask(pol))
		pol->user_nodes = *nodes;
	if (nodes_empty(&pol->nodes))
		return -EINVAL;
	if (pol->mode != MPOL_PREFERRED)
		return 0;
	first = next_node(0, &pol->nodes);
	pol->nodes = (nodemask_t){0};
	node_set(first, &pol->nodes);
	return 0;
}

/* Which modes take which nodes: MPOL_PREFERRED of none is MPOL_LOCAL. The mode, or -EINVAL. */
static int check_mode(unsigned mode, unsigned flags, const nodemask_t *nodes)
{
	bool empty = nodes_empty(nodes);

	if (mode == MPOL_DEFAULT)
		return empty ? MPOL_DEFAULT : -EINVAL;
	if (mode == MPOL_LOCAL || (mode == MPOL_PREFERRED && empty)) {
		if (!empty || (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)))
			return -EINVAL;
		return MPOL_LOCAL;
	}
	return empty ? -EINVAL : (int)mode;
}

struct mempolicy *mpol_new(struct memory *m, unsigned mode, unsigned flags, const nodemask_t *nodes)
{
	int real = check_mode(mode, flags, nodes);
	struct mempolicy *pol;
	int err;

	if (real <= MPOL_DEFAULT)
		return ERR_PTR(real); /* of 0: NULL */
	pol = kmem_cache_zalloc(m->in->numa_policy, GFP_KERNEL);
	if (!pol)
		return ERR_PTR(-ENOMEM);
	pol->refcount = 1;
	pol->mode = real;
	pol->flags = flags;
	pol->home_node = NUMA_NO_NODE;
	pol->mem = m;
	err = mpol_set_nodes(pol, nodes);
	if (!err)
		return pol;
	mpol_put(pol);
	return ERR_PTR(err);
}

/* "0-3,7": lists of nodes as %*pbl prints them. Bytes written. */
static int print_nodes(char *buf, u64 size, const nodemask_t *nodes)
{
	unsigned node = next_node(0, nodes), last;
	u64 n = 0;

	while (node < MAX_NUMNODES && n + 16 < size) {
		for (last = node; last + 1 < MAX_NUMNODES && node_isset(last + 1, nodes);)
			last++;
		n += snprintf(buf + n, size - n, last > node ? "%s%u-%u" : "%s%u", n ? "," : "",
			      node, last);
		node = next_node(last + 1, nodes);
	}
	return n;
}

void mpol_to_str(char *buf, const struct mempolicy *pol)
{
	static const char *const names[MPOL_MAX] = {
		"default",
		"prefer",
		"bind",
		"interleave",
		"local",
		"prefer (many)",
		"weighted interleave",
	};
	unsigned flags = pol ? pol->flags : 0;
	int n;

	n = snprintf(buf, MPOL_STR_MAX, "%s%s%s%s%s", names[pol ? pol->mode : MPOL_DEFAULT],
		     flags ? "=" : "",
		     flags & MPOL_F_STATIC_NODES     ? "static"
		     : flags & MPOL_F_RELATIVE_NODES ? "relative"
						     : "",
		     (flags & MPOL_F_NUMA_BALANCING) && (flags & ~MPOL_F_NUMA_BALANCING) ? "|" : "",
		     flags & MPOL_F_NUMA_BALANCING ? "balancing" : "");
	if (pol && !nodes_empty(&pol->nodes)) {
		buf[n++] = ':';
		print_nodes(buf + n, MPOL_STR_MAX - n, &pol->nodes);
	}
}

struct mempolicy *get_vma_policy(struct vm_area_struct *vma, gva_t addr)
{
	if (vma->vm_ops && vma->vm_ops->get_policy)
		return vma->vm_ops->get_policy(vma, addr);
	return vma->vm_policy;
}

/* --- of shared objects ------------------------------------------------------------------------ */

struct sp_node {
	struct sp_node *next; /* by start; no two overlap */
	u64 start, end;	      /* pages */
	struct mempolicy *policy;
};

struct mempolicy *mpol_shared_policy_lookup(const struct shared_policy *sp, u64 index)
{
	for (const struct sp_node *n = sp->first; n && n->start <= index; n = n->next)
		if (index < n->end)
			return n->policy;
	return NULL;
}

static void sp_free(struct memory *m, struct sp_node *n)
{
	mpol_put(n->policy);
	kfree(m, n);
}

void mpol_free_shared_policy(struct memory *m, struct shared_policy *sp)
{
	while (sp->first) {
		struct sp_node *n = sp->first;

		sp->first = n->next;
		sp_free(m, n);
	}
}

/* Takes [start, end) out of the list; where the next range belongs. @upper becomes the part above of a
 * range that had both ends outside, or stays as it is. */
static struct sp_node **sp_cut(struct memory *m, struct sp_node **link, u64 start, u64 end,
			       struct sp_node **upper)
{
	while (*link && (*link)->end <= start)
		link = &(*link)->next;
	while (*link && (*link)->start < end) {
		struct sp_node *n = *link;

		if (n->start < start && n->end > end) {
			struct sp_node *up = *upper;

			*upper = NULL;
			*up = (struct sp_node){n->next, end, n->end, mpol_get(n->policy)};
			n->end = start;
			n->next = up;
			return &n->next;
		}
		if (n->start < start) {
			n->end = start;
			link = &n->next;
		} else if (n->end > end) {
			n->start = end;
			return link;
		} else {
			*link = n->next;
			sp_free(m, n);
		}
	}
	return link;
}

int mpol_set_shared_policy(struct memory *m, struct shared_policy *sp, u64 start, u64 end,
			   struct mempolicy *pol)
{
	struct sp_node *new = kmalloc(m, sizeof(*new), GFP_KERNEL), **link;
	struct sp_node *upper = kmalloc(m, sizeof(*upper), GFP_KERNEL);

	if (!new || !upper) {
		kfree(m, new);
		kfree(m, upper);
		return -ENOMEM;
	}
	link = sp_cut(m, &sp->first, start, end, &upper);
	if (pol) {
		*new = (struct sp_node){*link, start, end, mpol_get(pol)};
		*link = new;
		new = NULL;
	}
	kfree(m, new);
	kfree(m, upper);
	return 0;
}

/* --- mbind ------------------------------------------------------------------------------------ */

static bool vma_migratable(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_IO | VM_PFNMAP));
}

struct queue_pages {
	const struct memory *mem;
	const nodemask_t *nodes;
	u64 flags;
	bool migratable; /* the area */
	u64 nr_failed;
};

/* The page behind a pte that could be on the wrong node; NULL: there is none. What the kernel itself put
 * there (vdso) belongs to no file and no area. */
static struct page *movable_page(const struct memory *m, pte_t pte)
{
	struct page *page = pte_present(pte) ? vm_normal_page(m, pte) : NULL;

	return page && page->mapping && !page_test(page, PG_reserved) ? page : NULL;
}

/* Nothing is queued yet: a page whose node is not wanted comes from the only one, and there it goes.
 * With more nodes it is isolated here, and moved when the policy stands. */
static int queue_page(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct queue_pages *qp = arg;
	struct page *page = movable_page(qp->mem, *pte);

	if (!page || node_isset(page_to_nid(qp->mem, page), qp->nodes))
		return 0;
	if ((qp->flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) && qp->migratable)
		return 0;
	qp->nr_failed++;
	return qp->flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) ? 0 : -EIO;
}

/* Pages of the range on other nodes than @nodes that cannot be moved: their number. -EFAULT: a hole
 * (@holes: only when there is nothing else); -EIO: STRICT alone, and there is such a page. */
static long queue_pages_range(struct mm_struct *mm, gva_t start, gva_t end, const nodemask_t *nodes,
			      u64 flags, bool holes)
{
	struct queue_pages qp = {.mem = mm->mem, .nodes = nodes, .flags = flags};
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);

	if (!vma || (!holes && vma->vm_start > start))
		return -EFAULT;
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		struct vm_area_struct *next = vma_next(vma);
		int err = 0;

		if (!holes && vma->vm_end < end && (!next || next->vm_start > vma->vm_end))
			return -EFAULT;
		qp.migratable = vma_migratable(vma);
		if ((flags & MPOL_MF_STRICT) || (flags && qp.migratable))
			err = walk_page_range(mm, max(start, vma->vm_start), min(end, vma->vm_end),
					      queue_page, &qp);
		if (err)
			return err;
	}
	return qp.nr_failed;
}

static int vma_replace_policy(struct vm_area_struct *vma, struct mempolicy *pol)
{
	int err = 0;

	if (vma->vm_ops && vma->vm_ops->set_policy)
		err = vma->vm_ops->set_policy(vma, pol);
	if (err)
		return err;
	mpol_get(pol);
	mpol_put(vma->vm_policy);
	vma->vm_policy = pol;
	return 0;
}

/* The part of *@pvma in [start, end) gets @pol; *@pvma is the area that has it then. */
static int mbind_range(struct mm_struct *mm, struct vm_area_struct **pvma, gva_t start, gva_t end,
		       struct mempolicy *pol)
{
	struct vm_area_struct *vma = *pvma;

	if (mpol_equal(vma->vm_policy, pol))
		return 0;
	vma = vma_modify_policy(mm, vma, max(start, vma->vm_start), min(end, vma->vm_end), pol);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	*pvma = vma;
	return vma_replace_policy(vma, pol);
}

static int mbind_areas(struct mm_struct *mm, gva_t start, gva_t end, struct mempolicy *pol)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);
	int err = 0;

	for (; vma && vma->vm_start < end && !err; vma = vma_next(vma))
		err = mbind_range(mm, &vma, start, end, pol);
	mm_debug_validate(mm);
	return err;
}

long do_mbind(struct mm_struct *mm, gva_t start, u64 len, unsigned mode, unsigned mode_flags,
	      const nodemask_t *nodes, u64 flags)
{
	gva_t end = start + page_align(len);
	struct mempolicy *pol;
	long failed;
	int err;

	if (flags & ~(u64)MPOL_MF_VALID)
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !mm_capable(mm->mem, MM_CAP_SYS_NICE))
		return -EPERM;
	if (!page_aligned(start))
		return -EINVAL;
	if (mode == MPOL_DEFAULT)
		flags &= ~(u64)MPOL_MF_STRICT;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	pol = mpol_new(mm->mem, mode, mode_flags, nodes);
	if (IS_ERR(pol))
		return PTR_ERR(pol);
	failed = queue_pages_range(mm, start, end, nodes, flags, !pol);
	err = failed < 0 ? failed : mbind_areas(mm, start, end, pol);
	mpol_put(pol);
	if (!err && failed && (flags & MPOL_MF_STRICT))
		err = -EIO;
	return err;
}

static struct mempolicy *with_home_node(const struct mempolicy *old, int node)
{
	struct mempolicy *pol = kmem_cache_alloc(old->mem->in->numa_policy, GFP_KERNEL);

	if (!pol)
		return ERR_PTR(-ENOMEM);
	*pol = *old;
	pol->refcount = 1;
	pol->home_node = node;
	return pol;
}

long do_set_home_node(struct mm_struct *mm, gva_t start, u64 len, u64 node, u64 flags)
{
	gva_t end = start + page_align(len);
	struct vm_area_struct *vma;
	nodemask_t memory;
	int err = -ENOENT;

	node_memory_mask(mm->mem, &memory);
	if (!page_aligned(start) || flags || node >= MAX_NUMNODES || !node_isset(node, &memory) ||
	    end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = find_vma_intersection(mm, start, end);
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		struct mempolicy *old = vma->vm_policy, *pol;

		if (!old)
			continue;
		if (old->mode != MPOL_BIND && old->mode != MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP; /* the areas before keep theirs */
		pol = with_home_node(old, node);
		if (IS_ERR(pol))
			return PTR_ERR(pol);
		err = mbind_range(mm, &vma, start, end, pol);
		mpol_put(pol);
		if (err)
			break;
	}
	mm_debug_validate(mm);
	return err;
}

/* --- the task's policy ------------------------------------------------------------------------ */

long do_set_mempolicy(struct memory *m, struct task_mempolicy *task, unsigned mode, unsigned flags,
		      const nodemask_t *nodes)
{
	struct mempolicy *pol = mpol_new(m, mode, flags, nodes);

	if (IS_ERR(pol))
		return PTR_ERR(pol);
	mpol_put(task->policy);
	task->policy = pol;
	if (pol && (pol->mode == MPOL_INTERLEAVE || pol->mode == MPOL_WEIGHTED_INTERLEAVE))
		task->il_prev = MAX_NUMNODES - 1;
	return 0;
}

/* The node of the page at @addr, which is faulted in. -EFAULT: it cannot be. */
static long lookup_node(struct mm_struct *mm, gva_t addr)
{
	pte_t *pte;
	u8 byte;

	if (access_remote_vm(mm, addr, &byte, 1, false, false) != 1)
		return -EFAULT;
	pte = pte_offset(mm, addr);
	return pte && pte_present(*pte) ? (long)page_to_nid(mm->mem, NULL) : -EFAULT;
}

/* MPOL_F_NODE: the node of @addr (@vma), or the one that an interleaving task's next page comes from. */
static long get_node(struct mm_struct *mm, const struct task_mempolicy *task,
		     const struct vm_area_struct *vma, gva_t addr)
{
	const struct mempolicy *pol = task->policy;

	if (vma)
		return lookup_node(mm, addr);
	if (!pol || (pol->mode != MPOL_INTERLEAVE && pol->mode != MPOL_WEIGHTED_INTERLEAVE))
		return -EINVAL;
	return next_node_in(task->il_prev, &pol->nodes);
}

long do_get_mempolicy(struct mm_struct *mm, const struct task_mempolicy *task, gva_t addr,
		      u64 flags, int *mode, nodemask_t *nodes)
{
	struct mempolicy *pol = task->policy;
	struct vm_area_struct *vma = NULL;
	long node = 0;

	*mode = 0;
	if (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		node_memory_mask(mm->mem, nodes);
		return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
	}
	if (flags & MPOL_F_ADDR) {
		vma = vma_lookup(mm, addr);
		if (!vma)
			return -EFAULT;
		pol = get_vma_policy(vma, addr);
	} else if (addr) {
		return -EINVAL;
	}
	/* To find the page may sleep, and the area go. */
	mpol_get(pol);
	if (flags & MPOL_F_NODE)
		node = *mode = get_node(mm, task, vma, addr);
	else if (pol)
		*mode = pol->mode | pol->flags;
	*nodes = (nodemask_t){0};
	if (pol)
		*nodes = mpol_store_user_nodemask(pol) ? pol->user_nodes : pol->nodes;
	mpol_put(pol);
	return node < 0 ? node : 0;
}

/* --- moving ----------------------------------------------------------------------------------- */

/* What is on a node that is left lies on the only one, and that is where it goes. */
long do_migrate_pages(struct mm_struct *mm __unused, const nodemask_t *from __unused,
		      const nodemask_t *to __unused)
{
	return 0;
}

int page_status(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	const struct memory *m = mm->mem;
	const struct page *page;
	pte_t *pte;

	if (!vma)
		return -EFAULT;
	pte = pte_offset(mm, addr);
	if (!pte || !pte_present(*pte))
		return -ENOENT;
	page = vm_normal_page(m, *pte);
	if (page)
		return page_to_nid(m, page);
	return pte_pfn(*pte) == page_to_pfn(m, m->zero_page) ? -EFAULT : -ENOENT;
}

int move_one_page(struct mm_struct *mm, gva_t addr, unsigned node, bool all __unused)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	int at;

	if (!vma || !vma_migratable(vma))
		return -EFAULT;
	at = page_status(mm, addr);
	VM_BUG_ON(at >= 0 && (unsigned)at != node); /* there is no other that has memory */
	return at;
}
