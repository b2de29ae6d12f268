/* The B-tree of VMAs: one an mm_struct, leaves linked, the largest gap kept below each slot.
 *
 *                [ last: 39 89 | gap: 8 20 ]                inner: last and gap of the child
 *                  /              \
 *   [ last: 9 24 39 | gap: 8 2 0 ] <-> [ last: 69 89 | gap: 20 5 ]      leaf: slots are areas
 *
 * A slot's key is the last page of the highest area below it, so the search for an address reads
 * only keys. A page number has 35 bits. What a search compares are the lower 32 of them: 28 keys
 * and the node's header are two cache lines, where a search among a million areas spends its time
 * (all but the leaf's lines stay in the host's cache). The upper bits differ within a node only
 * where it spans a multiple of 16 TiB: such a node is "wide", and there are few.
 *
 * A leaf's gap[i] is the room between the area before slot i (wherever that is) and slot i's area
 * less its stack guard gap, so a hole that fits by these numbers fits by Linux's rules. The room
 * above the last area has no slot.
 *
 * Not for: deciding what an area may be (vma.c, vma_merge.c).
 */
#include "mm/vma_internal.h"

#include <string.h>

#include "base/log.h"

#define NR_SLOTS 28
#define MIN_SLOTS 9 /* below that a node looks for a sibling to join */
#define NO_KEY 0x7fffffff
#define WIDE (~0U)

typedef s32 key_vector __attribute__((vector_size(16)));

struct vma_tree_node {
	u8 nr;
	bool leaf;
	u32 high_all; /* the upper bits of all keys, or WIDE */
	struct vma_tree_node *parent;
	union { /* the lower 32 bits, less 2^31: the host's vectors compare signed numbers */
		s32 low[NR_SLOTS];
		key_vector low_vector[NR_SLOTS / 4];
	};
	union {
		struct vma_tree_node *child[NR_SLOTS];
		struct vm_area_struct *area[NR_SLOTS];
	};
	u64 gap[NR_SLOTS];
	struct vma_tree_node *next, *prev; /* leaves, in order */
	u8 high[NR_SLOTS];		   /* the upper bits of each key */
};

_Static_assert(offsetof(struct vma_tree_node, child) == 128, "two cache lines");
_Static_assert(TASK_SIZE >> PAGE_SHIFT < 1UL << 40, "a key's upper bits are one byte");

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

/* The last page of slot @i. */
static inline u64 slot_last(const struct vma_tree_node *n, unsigned i)
{
	u64 high = n->high_all == WIDE ? n->high[i] : n->high_all;

	return high << 32 | ((u32)n->low[i] ^ 0x80000000);
}

/* Where the areas below slot @i end. */
static inline gva_t slot_end(const struct vma_tree_node *n, unsigned i)
{
	return (slot_last(n, i) + 1) << PAGE_SHIFT;
}

static inline gva_t node_end(const struct vma_tree_node *n)
{
	return slot_end(n, n->nr - 1);
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

static u64 gap_before(const struct vm_area_struct *vma, gva_t prev_end)
{
	gva_t start = vm_start_gap(vma);

	return start > prev_end ? start - prev_end : 0;
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
		gva_t below;

		if (n->gap[i] < s->len)
			continue;
		if (slot_end(n, i) <= s->low)
			return false;
		below = i ? slot_end(n, i - 1) : floor;
		if (below >= s->high)
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
		gva_t below;

		if (n->gap[i] < s->len)
			continue;
		below = i ? slot_end(n, i - 1) : floor;
		if (below >= s->high)
			return false;
		if (slot_end(n, i) <= s->low)
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
	gva_t top = root ? node_end(root) : 0;
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
	gva_t top = root ? node_end(root) : 0;
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
	unsigned i;

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
