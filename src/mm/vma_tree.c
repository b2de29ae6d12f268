/* The B-tree of VMAs, one an mm_struct: looking an area up, and keeping the tree in order when areas come,
 * go and change their bounds. What a node looks like: vma_tree_internal.h.
 *
 * Not for: deciding what an area may be (vma.c, vma_merge.c); holes between areas (vma_gap.c).
 */
#include "mm/vma_tree_internal.h"

#include <string.h>

int vma_tree_init(struct memory *m)
{
	return mm_cache_create(m, &m->in->maple_node, "maple_node", sizeof(struct vma_tree_node),
			       SLAB_HWCACHE_ALIGN);
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
	for (unsigned i = 0; i < NR_SLOTS; i++)
		n->low[i] = NO_KEY;
	n->leaf = leaf;
	return n;
}

static void node_free(struct mm_struct *mm, struct vma_tree_node *n)
{
	kmem_cache_free(mm->mem->in->maple_node, n);
}

static inline s32 low_key(u64 page)
{
	return (s32)((u32)page ^ 0x80000000);
}

/* Keys have come, gone or moved. */
static void node_rekeyed(struct vma_tree_node *n)
{
	n->high_all = n->nr && n->high[n->nr - 1] != n->high[0] ? WIDE : n->high[0];
}

static void set_key(struct vma_tree_node *n, unsigned i, gva_t end)
{
	u64 page = (end - 1) >> PAGE_SHIFT;

	n->low[i] = low_key(page);
	n->high[i] = page >> 32;
	node_rekeyed(n);
}

/* node_find() where the upper bits decide, too. */
static unsigned node_find_wide(const struct vma_tree_node *n, u64 page)
{
	unsigned i = 0;

	if (n->high_all != WIDE)
		return page >> 32 < n->high_all ? 0 : n->nr;
	while (i < n->nr && n->high[i] < page >> 32)
		i++;
	while (i < n->nr && slot_last(n, i) < page)
		i++;
	return i;
}

/* The slot of @n whose area or child ends above @addr; nr when there is none. */
static inline unsigned node_find(const struct vma_tree_node *n, gva_t addr)
{
	const key_vector *low = n->low_vector;
	u64 page = addr >> PAGE_SHIFT;
	s32 key = low_key(page);
	key_vector keys = {key, key, key, key}, below;

	if (unlikely(page >> 32 != n->high_all))
		return node_find_wide(n, page);
	/* All are compared (-1: true): branches would be mispredicted every other time. */
	_Static_assert(NR_SLOTS == 28, "seven vectors");
	below = (low[0] < keys) + (low[1] < keys) + (low[2] < keys) + (low[3] < keys) +
		(low[4] < keys) + (low[5] < keys) + (low[6] < keys);
	return -(below[0] + below[1] + below[2] + below[3]);
}

/* By its key, where that is quick and has not just changed; else by looking for it. */
static inline unsigned area_slot(const struct vma_tree_node *n, const struct vm_area_struct *vma)
{
	unsigned i;

	if (n->high_all != WIDE) {
		i = node_find(n, vma->vm_end - 1);
		if (likely(i < n->nr && n->area[i] == vma))
			return i;
	}
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

static void forget_cache(struct vma_tree *mt)
{
	mt->cache = NULL;
	mt->cache_low = mt->cache_end = 0;
}

#define GAPS_UNKNOWN (~0UL)

/* @n's keys or gaps have changed: tells the nodes above, as far as they care. The largest of the
 * gaps that went or changed was @was, now it is @is; GAPS_UNKNOWN: look at all of them. */
static void node_changed(struct vma_tree_node *n, u64 was, u64 is)
{
	struct vma_tree_node *p;

	for (; (p = n->parent); n = p) {
		unsigned i = child_slot(p, n);
		u64 gap = p->gap[i], most = gap;
		gva_t end = node_end(n);

		if (is == GAPS_UNKNOWN || (is < gap && was >= gap))
			most = node_max_gap(n);
		else if (is > gap)
			most = is;
		if (slot_end(p, i) == end && gap == most)
			return;
		set_key(p, i, end);
		p->gap[i] = most;
		was = gap;
		is = most;
	}
}

/* Slots [from, from + nr) of @src become those from @to on of @dst. */
static void slots_copy(struct vma_tree_node *dst, unsigned to, const struct vma_tree_node *src,
		       unsigned from, unsigned nr)
{
	memmove(&dst->low[to], &src->low[from], nr * sizeof(src->low[0]));
	memmove(&dst->high[to], &src->high[from], nr);
	memmove(&dst->gap[to], &src->gap[from], nr * sizeof(src->gap[0]));
	memmove(&dst->child[to], &src->child[from], nr * sizeof(src->child[0]));
}

/* Makes room at slot @i, whose key the caller sets. */
static void node_open(struct vma_tree_node *n, unsigned i)
{
	slots_copy(n, i + 1, n, i, n->nr - i);
	n->nr++;
}

static void node_close(struct vma_tree_node *n, unsigned i)
{
	slots_copy(n, i, n, i + 1, n->nr - i - 1);
	n->nr--;
	n->low[n->nr] = NO_KEY;
	node_rekeyed(n);
}

/* Moves slots [first, from->nr) of @from to the end of @to. */
static void node_move(struct vma_tree_node *to, struct vma_tree_node *from, unsigned first)
{
	unsigned n = from->nr - first, i;

	slots_copy(to, to->nr, from, first, n);
	for (i = to->nr; i < to->nr + n; i++) {
		if (to->leaf)
			to->area[i]->vm_leaf = to;
		else
			to->child[i]->parent = to;
	}
	for (i = first; i < from->nr; i++)
		from->low[i] = NO_KEY;
	to->nr += n;
	from->nr = first;
	node_rekeyed(to);
	node_rekeyed(from);
}

/* --- looking ----------------------------------------------------------------------------- */

/* The leaf where @addr belongs: that of the first area that ends above it, else the last. */
static struct vma_tree_node *leaf_of(const struct vma_tree *mt, gva_t addr)
{
	struct vma_tree_node *n = mt->root;

	while (!n->leaf) {
		unsigned i = node_find(n, addr);

		n = n->child[i < n->nr ? i : n->nr - 1U];
	}
	return n;
}

/* With a million areas a search misses the host's cache once, in the leaf. Without this it would
 * miss twice, one after the other: the keys, then the slot that they lead to. */
static inline void prefetch_slots(const struct vma_tree_node *n)
{
	for (unsigned i = 0; i < NR_SLOTS; i += 8)
		__builtin_prefetch(&n->area[i]);
}

/* The areas themselves are not looked at: a miss for each would cost as much as the search. */
struct vm_area_struct *find_vma(struct mm_struct *mm, gva_t addr)
{
	struct vma_tree *mt = &mm->mt;
	const struct vma_tree_node *n = mt->root;
	unsigned i;

	if (addr >= mt->cache_low && addr < mt->cache_end)
		return mt->cache;
	if (unlikely(!n) || addr >= node_end(n))
		return NULL;
	while (!n->leaf) {
		prefetch_slots(n);
		n = n->child[node_find(n, addr)];
	}
	prefetch_slots(n);
	i = node_find(n, addr);
	mt->cache = n->area[i];
	mt->cache_low = i ? slot_end(n, i - 1) : min(addr, n->area[0]->vm_start);
	mt->cache_end = slot_end(n, i);
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
		return slot_end(leaf, i - 1);
	return leaf->prev ? node_end(leaf->prev) : 0;
}

/* The gaps below slots [first, end) of @leaf anew, where slot nr is the first of the next leaf. @was:
 * the largest gap of a slot that has gone, 0: none. */
static void regap(struct vma_tree_node *leaf, unsigned first, unsigned end, u64 was)
{
	u64 is = 0;

	for (unsigned i = first; i < end && i < leaf->nr; i++) {
		was = max(was, leaf->gap[i]);
		leaf->gap[i] = gap_before(leaf->area[i], end_before(leaf, i));
		is = max(is, leaf->gap[i]);
	}
	node_changed(leaf, was, is);
	if (end > leaf->nr && leaf->next)
		regap(leaf->next, 0, 1, 0);
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
	set_key(p, i, node_end(n));
	p->gap[i] = node_max_gap(n);
	node_open(p, i + 1);
	p->child[i + 1] = right;
	set_key(p, i + 1, node_end(right));
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
	set_key(n, i, vma->vm_end);
	n->gap[i] = 0;
	vma->vm_leaf = n;
	regap(n, i, i + 2, 0);
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
		node_changed(p, GAPS_UNKNOWN, GAPS_UNKNOWN);
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
		node_changed(left, GAPS_UNKNOWN, GAPS_UNKNOWN);
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
	u64 gap = n->gap[i];

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
			regap(next, 0, 1, 0);
		if (!mt->root)
			return;
		n = mt->root;
		while (!n->leaf)
			n = n->child[0];
	} else {
		regap(n, i, i + 1, gap);
	}
	rebalance(mm, n);
}

void vma_tree_update(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_tree_node *n = vma->vm_leaf;
	unsigned i = area_slot(n, vma);

	forget_cache(&mm->mt);
	set_key(n, i, vma->vm_end);
	regap(n, i, i + 2, 0);
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
