/* NUMA memory policies as objects, those of shared objects, and a task's own: see mempolicy.h. Areas and
 * pages are mbind.c's. Linux 6.18, mm/mempolicy.c, has the same names. */
#include "mm/mempolicy.h"

#include <stdio.h>

#include "base/err.h"
#include "mm/uaccess.h"
#include "mm/vma_internal.h"

void node_memory_mask(const struct memory *m, nodemask_t *mask)
{
	*mask = (nodemask_t){0};
	node_set(m->node->node_id, mask);
}

/* --- policies --------------------------------------------------------------------------------- */

int mempolicy_init(struct memory *m)
{
	return mm_cache_create(m, &m->in->numa_policy, "numa_policy", sizeof(struct mempolicy), 0);
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
	for_each_node (node, rel) {
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
static int print_nodes(char *buf, int size, const nodemask_t *nodes)
{
	unsigned node = next_node(0, nodes), last;
	int n = 0;

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
static int lookup_node(struct mm_struct *mm, gva_t addr)
{
	pte_t *pte;
	u8 byte;

	if (access_remote_vm(mm, addr, &byte, 1, false, false) != 1)
		return -EFAULT;
	pte = pte_offset(mm, addr);
	return pte && pte_present(*pte) ? (int)page_to_nid(mm->mem, NULL) : -EFAULT;
}

/* MPOL_F_NODE: the node of @addr (@vma), or the one that an interleaving task's next page comes from. */
static int get_node(struct mm_struct *mm, const struct task_mempolicy *task,
		    const struct vm_area_struct *vma, gva_t addr)
{
	const struct mempolicy *pol = task->policy;

	if (vma)
		return lookup_node(mm, addr);
	if (!pol || (pol->mode != MPOL_INTERLEAVE && pol->mode != MPOL_WEIGHTED_INTERLEAVE))
		return -EINVAL;
	return (int)next_node_in(task->il_prev, &pol->nodes);
}

long do_get_mempolicy(struct mm_struct *mm, const struct task_mempolicy *task, gva_t addr,
		      u64 flags, int *mode, nodemask_t *nodes)
{
	struct mempolicy *pol = task->policy;
	struct vm_area_struct *vma = NULL;
	int node = 0;

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
