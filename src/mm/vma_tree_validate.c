/* The checker of the B-tree of VMAs: order, keys, gaps, links, counts. */
#include "base/log.h"
#include "mm/vma_tree_internal.h"

struct tree_check {
	struct mm_struct *mm;
	const struct vma_tree_node *last_leaf;
	const struct vm_area_struct *last;
	u64 nr;
	int err;
};

static void tree_bad(struct tree_check *c, const char *what, u64 a, u64 b)
{
	log_line("vma tree: %s: %lx %lx", what, (unsigned long)a, (unsigned long)b);
	c->err = -EFAULT;
}

static void check_area(struct tree_check *c, const struct vma_tree_node *n, unsigned i)
{
	const struct vm_area_struct *vma = n->area[i];
	gva_t prev_end = c->last ? c->last->vm_end : 0;

	c->nr++;
	if (vma->vm_leaf != n || vma->vm_mm != c->mm)
		tree_bad(c, "area does not know its place", vma->vm_start, vma->vm_end);
	if (vma->vm_start >= vma->vm_end || !page_aligned(vma->vm_start | vma->vm_end) ||
	    vma->vm_end > TASK_SIZE)
		tree_bad(c, "bad bounds", vma->vm_start, vma->vm_end);
	if (vma->vm_start < prev_end)
		tree_bad(c, "areas overlap or are out of order", prev_end, vma->vm_start);
	if (slot_end(n, i) != vma->vm_end)
		tree_bad(c, "wrong key", slot_end(n, i), vma->vm_end);
	if (n->gap[i] != gap_before(vma, prev_end))
		tree_bad(c, "wrong gap", n->gap[i], gap_before(vma, prev_end));
	c->last = vma;
}

static void check_node(struct tree_check *c, const struct vma_tree_node *n, unsigned level)
{
	unsigned i;

	if (!n->nr || n->nr > NR_SLOTS || n->leaf != (level == 1))
		tree_bad(c, "node of wrong size or depth", n->nr, level);
	for (i = n->nr; i < NR_SLOTS; i++)
		if (n->low[i] != NO_KEY)
			tree_bad(c, "unused key", n->low[i], i);
	if (n->high_all != (n->high[n->nr - 1] != n->high[0] ? WIDE : n->high[0]))
		tree_bad(c, "upper bits of the keys", n->high_all, n->high[0]);
	if (n->leaf) {
		if (n->prev != c->last_leaf || (c->last_leaf && c->last_leaf->next != n))
			tree_bad(c, "leaves are not linked in order", slot_end(n, 0), 0);
		c->last_leaf = n;
	}
	for (i = 0; i < n->nr; i++) {
		if (n->leaf) {
			check_area(c, n, i);
			continue;
		}
		if (n->child[i]->parent != n)
			tree_bad(c, "wrong parent", slot_end(n, i), i);
		if (slot_end(n, i) != node_end(n->child[i]) ||
		    n->gap[i] != node_max_gap(n->child[i]))
			tree_bad(c, "key or gap differ from the child's", slot_end(n, i),
				 n->gap[i]);
		check_node(c, n->child[i], level - 1);
	}
}

struct vm_area_struct *vma_tree_sample(struct mm_struct *mm, u64 random, int *err)
{
	struct tree_check c = {.mm = mm};
	const struct vma_tree_node *n = mm->mt.root;
	unsigned i = 0;

	while (n) {
		i = random % n->nr;
		random /= n->nr;
		if (n->leaf)
			break;
		if (n->child[i]->parent != n || slot_end(n, i) != node_end(n->child[i]) ||
		    n->gap[i] != node_max_gap(n->child[i]))
			tree_bad(&c, "key or gap differ from the child's", slot_end(n, i),
				 n->gap[i]);
		n = n->child[i];
	}
	if (n) {
		c.last = vma_prev(n->area[i]);
		check_area(&c, n, i);
	}
	*err = c.err;
	return n ? n->area[i] : NULL;
}

int vma_tree_validate(struct mm_struct *mm)
{
	struct tree_check c = {.mm = mm};

	if (mm->mt.root)
		check_node(&c, mm->mt.root, mm->mt.height);
	else if (mm->mt.height)
		tree_bad(&c, "empty tree has levels", mm->mt.height, 0);
	if (c.last_leaf && c.last_leaf->next)
		tree_bad(&c, "a leaf behind the last", 0, 0);
	if (c.nr != mm->mt.nr || c.nr != mm->map_count)
		tree_bad(&c, "count of areas", c.nr, mm->map_count);
	if (mm->mt.cache &&
	    (mm->mt.cache->vm_end != mm->mt.cache_end || mm->mt.cache_low > mm->mt.cache->vm_start))
		tree_bad(&c, "stale cache", mm->mt.cache_low, mm->mt.cache_end);
	return c.err;
}
