/* The B-tree of VMAs: one an mm_struct, leaves linked, the largest gap kept below each slot.
 *
 *                [ end: 40 90 | gap: 8 20 ]                 inner: end and gap of the child
 *                  /              \
 *   [ end: 10 25 40 | gap: 8 2 0 ] <-> [ end: 70 90 | gap: 20 5 ]       leaf: slots are areas
 *
 * end[i] is the end of the highest area below slot i, so the search for an address reads only
 * keys; unused keys are all ones, so it needs no count. A leaf's gap[i] is the room between the
 * area before slot i (wherever that is) and slot i's area less its stack guard gap, so a hole
 * that fits by these numbers fits by Linux's rules. The room above the last area has no slot.
 *
 * Not for: deciding what an area may be (vma.c, vma_merge.c).
 */
#include "mm/vma_internal.h"

#include <string.h>

#include "base/log.h"

#define NR_SLOTS 15 /* 392 bytes a node, 448 with alignment: nine in a page */
#define MIN_SLOTS 5 /* below that a node looks for a sibling to join */
#define NO_KEY (~0UL)

struct vma_tree_node {
	u32 nr;
	bool leaf;
	gva_t end[NR_SLOTS]; /* with what is above: two cache lines, all that a search compares */
	union {
		struct vma_tree_node *child[NR_SLOTS];
		struct vm_area_struct *area[NR_SLOTS];
	};
	u64 gap[NR_SLOTS];
	struct vma_tree_node *parent;
	struct vma_tree_node *next, *prev; /* leaves, in order */
};

_Static_assert(sizeof(struct vma_tree_node) >= 256, "a node is worth its cache misses");

int vma_tree_init(struct memory *m)
{
	struct kmem_cache *c = kmem_cache_create(m, "maple_node", sizeof(struct vma_tree_node), 0,
						 SLAB_HWCACHE_ALIGN, NULL);

	if (IS_ERR(c))
		return PTR_ERR(c);
	m->in->maple_node = c;
	return 0;
}

/* --- nodes ------------------------------------------------------------------------------- */

int vma_tree_reserve(struct mm_struct *mm, unsigned inserts)
{
	struct vma_tree *mt = &mm->mt;

	/* An insert splits at most every level and adds a root. */
	while (mt->nr_reserve < inserts * (mt->height + 1)) {
		struct vma_tree_node *n = kmem_cache_alloc(mm->mem->in->maple_node, GFP_KERNEL);

		if (!n)
			return -ENOMEM;
		n->next = mt->reserve;
		mt->reserve = n;
		mt->nr_reserve++;
	}
	return 0;
}

static struct vma_tree_node *node_new(struct vma_tree *mt, bool leaf)
{
	struct vma_tree_node *n = mt->reserve;

	if (unlikely(!n))
		BUG("VMA tree: insert without a reservation");
	mt->reserve = n->next;
	mt->nr_reserve--;
	memset(n, 0, sizeof(*n));
	memset(n->end, 0xff, sizeof(n->end));
	n->leaf = leaf;
	return n;
}

static void node_free(struct mm_struct *mm, struct vma_tree_node *n)
{
	kmem_cache_free(mm->mem->in->maple_node, n);
}

/* The slot of @n whose area or child ends above @addr; nr when there is none. */
static inline unsigned node_find(const struct vma_tree_node *n, gva_t addr)
{
	unsigned i;

	/* No branches: they would be mispredicted every other time. */
	_Static_assert(NR_SLOTS == 15, "four halvings");
	i = (n->end[7] <= addr) * 8;
	i += (n->end[i + 3] <= addr) * 4;
	i += (n->end[i + 1] <= addr) * 2;
	i += n->end[i] <= addr;
	return i;
}

static inline unsigned area_slot(const struct vma_tree_node *n, const struct vm_area_struct *vma)
{
	unsigned i;

	for (i = 0; n->area[i] != vma; i++)
		VM_BUG_ON(i >= n->nr);
	return i;
}

static inline unsigned child_slot(const struct vma_tree_node *n, const struct vma_tree_node *child)
{
	unsigned i;

	for (i = 0; n->child[i] != child; i++)
		VM_BUG_ON(i >= n->nr);
	return i;
}

static u64 node_max_gap(const struct vma_tree_node *n)
{
	u64 most = n->gap[0];
	unsigned i;

	for (i = 1; i < n->nr; i++)
		if (n->gap[i] > most)
			most = n->gap[i];
	return most;
}

static void forget_cache(struct vma_tree *mt)
{
	mt->cache = NULL;
	mt->cache_low = mt->cache_end = 0;
}

/* @n's keys or gaps have changed: tells the nodes above, as far as they care. */
static void node_changed(struct vma_tree_node *n)
{
	struct vma_tree_node *p;

	for (; (p = n->parent); n = p) {
		unsigned i = child_slot(p, n);
		u64 gap = node_max_gap(n);
		gva_t end = n->end[n->nr - 1];

		if (p->end[i] == end && p->gap[i] == gap)
			return;
		p->end[i] = end;
		p->gap[i] = gap;
	}
}

/* Makes room at slot @i. */
static void node_open(struct vma_tree_node *n, unsigned i)
{
	size_t bytes = (n->nr - i) * 8;

	memmove(&n->end[i + 1], &n->end[i], bytes);
	memmove(&n->gap[i + 1], &n->gap[i], bytes);
	memmove(&n->child[i + 1], &n->child[i], bytes);
	n->nr++;
}

static void node_close(struct vma_tree_node *n, unsigned i)
{
	size_t bytes = (n->nr - i - 1) * 8;

	memmove(&n->end[i], &n->end[i + 1], bytes);
	memmove(&n->gap[i], &n->gap[i + 1], bytes);
	memmove(&n->child[i], &n->child[i + 1], bytes);
	n->nr--;
	n->end[n->nr] = NO_KEY;
}

/* Moves slots [first, from->nr) of @from to the end of @to. */
static void node_move(struct vma_tree_node *to, struct vma_tree_node *from, unsigned first)
{
	unsigned n = from->nr - first, i;

	memcpy(&to->end[to->nr], &from->end[first], n * 8);
	memcpy(&to->gap[to->nr], &from->gap[first], n * 8);
	memcpy(&to->child[to->nr], &from->child[first], n * 8);
	for (i = to->nr; i < to->nr + n; i++) {
		if (to->leaf)
			to->area[i]->vm_leaf = to;
		else
			to->child[i]->parent = to;
	}
	memset(&from->end[first], 0xff, n * 8);
	to->nr += n;
	from->nr = first;
}

/* --- looking ----------------------------------------------------------------------------- */

/* The leaf where @addr belongs: that of the first area that ends above it, else the last. */
static struct vma_tree_node *leaf_of(const struct vma_tree *mt, gva_t addr)
{
	struct vma_tree_node *n = mt->root;

	while (!n->leaf) {
		unsigned i = node_find(n, addr);

		n = n->child[i < n->nr ? i : n->nr - 1];
	}
	return n;
}

/* The areas themselves are not looked at: a miss for each would cost as much as the search. */
struct vm_area_struct *find_vma(struct mm_struct *mm, gva_t addr)
{
	struct vma_tree *mt = &mm->mt;
	const struct vma_tree_node *n = mt->root;
	gva_t low = 0;
	unsigned i;

	if (addr >= mt->cache_low && addr < mt->cache_end)
		return mt->cache;
	if (unlikely(!n))
		return NULL;
	for (;;) {
		i = node_find(n, addr);
		if (i >= n->nr)
			return NULL; /* above the last area: known at the root already */
		if (i)
			low = n->end[i - 1];
		if (n->leaf)
			break;
		n = n->child[i];
	}
	mt->cache = n->area[i];
	mt->cache_low = low;
	mt->cache_end = n->end[i];
	return n->area[i];
}

struct vm_area_struct *vma_lookup(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}

struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, gva_t start, gva_t end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

static struct vm_area_struct *vma_last(struct mm_struct *mm)
{
	const struct vma_tree_node *n = mm->mt.root;

	if (!n)
		return NULL;
	while (!n->leaf)
		n = n->child[n->nr - 1];
	return n->area[n->nr - 1];
}

struct vm_area_struct *vma_first(struct mm_struct *mm)
{
	const struct vma_tree_node *n = mm->mt.root;

	if (!n)
		return NULL;
	while (!n->leaf)
		n = n->child[0];
	return n->area[0];
}

struct vm_area_struct *find_vma_prev(struct mm_struct *mm, gva_t addr, struct vm_area_struct **prev)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	*prev = vma ? vma_prev(vma) : vma_last(mm);
	return vma;
}

struct vm_area_struct *vma_next(struct vm_area_struct *vma)
{
	const struct vma_tree_node *n = vma->vm_leaf;
	unsigned i = area_slot(n, vma) + 1;

	if (i < n->nr)
		return n->area[i];
	return n->next ? n->next->area[0] : NULL;
}

struct vm_area_struct *vma_prev(struct vm_area_struct *vma)
{
	const struct vma_tree_node *n = vma->vm_leaf;
	unsigned i = area_slot(n, vma);

	if (i)
		return n->area[i - 1];
	return n->prev ? n->prev->area[n->prev->nr - 1] : NULL;
}

/* --- changing ---------------------------------------------------------------------------- */

static gva_t end_before(const struct vma_tree_node *leaf, unsigned i)
{
	if (i)
		return leaf->end[i - 1];
	return leaf->prev ? leaf->prev->end[leaf->prev->nr - 1] : 0;
}

static u64 gap_before(const struct vm_area_struct *vma, gva_t prev_end)
{
	gva_t start = vm_start_gap(vma);

	return start > prev_end ? start - prev_end : 0;
}

/* The gap below slot @i of @leaf, or below the first slot of the next leaf, anew. */
static void regap(struct vma_tree_node *leaf, unsigned i)
{
	u64 gap;

	if (i == leaf->nr) {
		leaf = leaf->next;
		i = 0;
		if (!leaf)
			return;
	}
	gap = gap_before(leaf->area[i], end_before(leaf, i));
	if (gap == leaf->gap[i])
		return;
	leaf->gap[i] = gap;
	node_changed(leaf);
}

/* Splits the full node @n before slot @at, or so that neither half is empty, and enters the new
 * right half above. @in_row: the nodes above, too, are split where they grow, and not in half. */
static struct vma_tree_node *node_split(struct vma_tree *mt, struct vma_tree_node *n, unsigned at,
					bool in_row)
{
	struct vma_tree_node *right = node_new(mt, n->leaf), *p = n->parent;
	unsigned i;

	node_move(right, n, min(max(at, 1U), NR_SLOTS - 1U));
	if (n->leaf) {
		right->next = n->next;
		right->prev = n;
		if (n->next)
			n->next->prev = right;
		n->next = right;
	}
	if (!p) {
		p = node_new(mt, false);
		p->child[0] = n;
		p->nr = 1;
		mt->root = n->parent = p;
		mt->height++;
	} else if (p->nr == NR_SLOTS) {
		node_split(mt, p, in_row ? child_slot(p, n) + 1 : NR_SLOTS / 2, in_row);
		p = n->parent; /* the new half, perhaps */
	}
	i = child_slot(p, n);
	p->end[i] = n->end[n->nr - 1];
	p->gap[i] = node_max_gap(n);
	node_open(p, i + 1);
	p->child[i + 1] = right;
	p->end[i + 1] = right->end[right->nr - 1];
	p->gap[i + 1] = node_max_gap(right);
	right->parent = p;
	return right;
}

/* Room in the full leaf *@n, where an area is to go before slot @i; *@n becomes the leaf where it
 * goes, at the slot returned. Half and half, unless the last insertion was next to this one: a row
 * that grows upwards or downwards, as mappings mostly do, leaves full leaves behind. */
static unsigned leaf_make_room(struct vma_tree *mt, struct vma_tree_node **n, unsigned i)
{
	struct vma_tree_node *left = *n, *right;
	bool down = i < NR_SLOTS && left->area[i] == mt->last;
	bool in_row =
		down || (i && left->area[i - 1] == mt->last) || (i == NR_SLOTS && !left->next);

	right = node_split(mt, left, in_row ? i : NR_SLOTS / 2, in_row);
	if (i < left->nr || (i == left->nr && !down))
		return i;
	*n = right;
	return i - left->nr;
}

void vma_tree_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_tree *mt = &mm->mt;
	struct vma_tree_node *n;
	unsigned i;

	VM_BUG_ON(vma->vm_leaf);
	forget_cache(mt);
	mt->nr++;
	if (!mt->root) {
		mt->root = node_new(mt, true);
		mt->height = 1;
	}
	n = leaf_of(mt, vma->vm_start);
	i = n->nr ? node_find(n, vma->vm_start) : 0;
	if (i > n->nr)
		i = n->nr;
	VM_BUG_ON(i < n->nr && n->area[i]->vm_start < vma->vm_end);
	/* Between two leaves: the upper one, unless a row grows at the end of the lower one. */
	if (!i && n->prev && n->prev->nr < NR_SLOTS &&
	    (n->nr == NR_SLOTS || n->prev->area[n->prev->nr - 1] == mt->last)) {
		n = n->prev;
		i = n->nr;
	}
	if (n->nr == NR_SLOTS)
		i = leaf_make_room(mt, &n, i);
	mt->last = vma;
	node_open(n, i);
	n->area[i] = vma;
	n->end[i] = vma->vm_end;
	n->gap[i] = gap_before(vma, end_before(n, i));
	vma->vm_leaf = n;
	node_changed(n);
	regap(n, i + 1);
}

/* Takes the empty or joined node @n out of the tree. */
static void node_remove(struct mm_struct *mm, struct vma_tree_node *n)
{
	struct vma_tree *mt = &mm->mt;
	struct vma_tree_node *p = n->parent;

	if (n->leaf) {
		if (n->next)
			n->next->prev = n->prev;
		if (n->prev)
			n->prev->next = n->next;
	}
	node_free(mm, n);
	if (!p) {
		mt->root = NULL;
		mt->height = 0;
		return;
	}
	node_close(p, child_slot(p, n));
	if (!p->nr)
		node_remove(mm, p);
	else
		node_changed(p);
}

/* Joins a thin node with a sibling, and so on upwards; drops a root of one child. */
static void rebalance(struct mm_struct *mm, struct vma_tree_node *n)
{
	struct vma_tree *mt = &mm->mt;
	struct vma_tree_node *p;

	while ((p = n->parent) && n->nr < MIN_SLOTS) {
		unsigned i = child_slot(p, n);
		struct vma_tree_node *left = NULL, *right = NULL;

		if (i && p->child[i - 1]->nr + n->nr <= NR_SLOTS) {
			left = p->child[i - 1];
			right = n;
		} else if (i + 1 < p->nr && p->child[i + 1]->nr + n->nr <= NR_SLOTS) {
			left = n;
			right = p->child[i + 1];
		} else {
			break;
		}
		node_move(left, right, 0);
		node_remove(mm, right);
		node_changed(left);
		n = p;
	}
	while (!mt->root->leaf && mt->root->nr == 1) {
		struct vma_tree_node *old = mt->root;

		mt->root = old->child[0];
		mt->root->parent = NULL;
		mt->height--;
		node_free(mm, old);
	}
}

void vma_tree_erase(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_tree *mt = &mm->mt;
	struct vma_tree_node *n = vma->vm_leaf, *next;
	unsigned i = area_slot(n, vma);

	forget_cache(mt);
	vma->vm_leaf = NULL;
	if (mt->last == vma)
		mt->last = NULL;
	mt->nr--;
	node_close(n, i);
	if (!n->nr) {
		next = n->next;
		node_remove(mm, n);
		if (next)
			regap(next, 0);
		if (!mt->root)
			return;
		n = mt->root;
		while (!n->leaf)
			n = n->child[0];
	} else {
		node_changed(n);
		regap(n, i);
	}
	rebalance(mm, n);
}

void vma_tree_update(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_tree_node *n = vma->vm_leaf;
	unsigned i = area_slot(n, vma);

	forget_cache(&mm->mt);
	n->end[i] = vma->vm_end;
	n->gap[i] = gap_before(vma, end_before(n, i));
	node_changed(n);
	regap(n, i + 1);
}

static void free_below(struct mm_struct *mm, struct vma_tree_node *n)
{
	unsigned i;

	for (i = 0; !n->leaf && i < n->nr; i++)
		free_below(mm, n->child[i]);
	node_free(mm, n);
}

void vma_tree_destroy(struct mm_struct *mm)
{
	struct vma_tree *mt = &mm->mt;
	struct vma_tree_node *n;

	if (mt->root)
		free_below(mm, mt->root);
	while ((n = mt->reserve)) {
		mt->reserve = n->next;
		node_free(mm, n);
	}
	memset(mt, 0, sizeof(*mt));
}

/* --- gaps -------------------------------------------------------------------------------- */

/* What a search for a hole wants. */
struct gap_search {
	gva_t low, high;  /* the hole lies in [low, high) */
	u64 len;	  /* with the room that alignment may cost */
	gva_t start, end; /* out: the hole, clipped */
};

/* Is [start, end), clipped, large enough? */
static bool gap_fits(struct gap_search *s, gva_t start, gva_t end)
{
	s->start = max(start, s->low);
	s->end = min(end, s->high);
	return s->end > s->start && s->end - s->start >= s->len;
}

/* The highest hole below @n, whose first area follows something that ends at @floor. Only the
 * nodes at the two ends of [low, high) can promise a hole and not have it. */
static bool gap_highest(const struct vma_tree_node *n, gva_t floor, struct gap_search *s)
{
	unsigned i = n->nr;

	while (i--) {
		gva_t below = i ? n->end[i - 1] : floor;

		if (n->end[i] <= s->low)
			return false;
		if (n->gap[i] < s->len || below >= s->high)
			continue;
		if (n->leaf ? gap_fits(s, below, below + n->gap[i])
			    : gap_highest(n->child[i], below, s))
			return true;
	}
	return false;
}

static bool gap_lowest(const struct vma_tree_node *n, gva_t floor, struct gap_search *s)
{
	unsigned i;

	for (i = 0; i < n->nr; i++) {
		gva_t below = i ? n->end[i - 1] : floor;

		if (below >= s->high)
			return false;
		if (n->gap[i] < s->len || n->end[i] <= s->low)
			continue;
		if (n->leaf ? gap_fits(s, below, below + n->gap[i])
			    : gap_lowest(n->child[i], below, s))
			return true;
	}
	return false;
}

static bool gap_search_init(struct gap_search *s, u64 len, gva_t low, gva_t high, u64 align)
{
	/* Linux pays for the worst alignment before it looks: mm/vma.c, unmapped_area(). */
	s->len = len + align - PAGE_SIZE;
	s->low = low;
	s->high = min(high, (gva_t)TASK_SIZE);
	return len && s->len >= len && s->high > low && s->high - low >= s->len;
}

long vma_gap_topdown(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align)
{
	const struct vma_tree_node *root = mm->mt.root;
	gva_t top = root ? root->end[root->nr - 1] : 0;
	struct gap_search s;

	if (!gap_search_init(&s, len, low, high, align))
		return -ENOMEM;
	if (!gap_fits(&s, top, TASK_SIZE) && !(root && gap_highest(root, 0, &s)))
		return -ENOMEM;
	return (s.end - len) & ~(align - 1);
}

long vma_gap_bottomup(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align)
{
	const struct vma_tree_node *root = mm->mt.root;
	gva_t top = root ? root->end[root->nr - 1] : 0;
	struct gap_search s;

	if (!gap_search_init(&s, len, low, high, align))
		return -ENOMEM;
	if (!(root && gap_lowest(root, 0, &s)) && !gap_fits(&s, top, TASK_SIZE))
		return -ENOMEM;
	return (s.start + align - 1) & ~(align - 1);
}

/* --- checking ---------------------------------------------------------------------------- */

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
	if (n->end[i] != vma->vm_end)
		tree_bad(c, "wrong key", n->end[i], vma->vm_end);
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
		if (n->end[i] != NO_KEY)
			tree_bad(c, "unused key", n->end[i], i);
	if (n->leaf) {
		if (n->prev != c->last_leaf || (c->last_leaf && c->last_leaf->next != n))
			tree_bad(c, "leaves are not linked in order", n->end[0], 0);
		c->last_leaf = n;
	}
	for (i = 0; i < n->nr; i++) {
		if (n->leaf) {
			check_area(c, n, i);
			continue;
		}
		if (n->child[i]->parent != n)
			tree_bad(c, "wrong parent", n->end[i], i);
		if (n->end[i] != n->child[i]->end[n->child[i]->nr - 1] ||
		    n->gap[i] != node_max_gap(n->child[i]))
			tree_bad(c, "key or gap differ from the child's", n->end[i], n->gap[i]);
		check_node(c, n->child[i], level - 1);
	}
}

struct vm_area_struct *vma_tree_sample(struct mm_struct *mm, u64 random, int *err)
{
	struct tree_check c = {.mm = mm};
	const struct vma_tree_node *n = mm->mt.root;
	unsigned i;

	while (n) {
		i = random % n->nr;
		random /= n->nr;
		if (n->leaf)
			break;
		if (n->child[i]->parent != n ||
		    n->end[i] != n->child[i]->end[n->child[i]->nr - 1] ||
		    n->gap[i] != node_max_gap(n->child[i]))
			tree_bad(&c, "key or gap differ from the child's", n->end[i], n->gap[i]);
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
