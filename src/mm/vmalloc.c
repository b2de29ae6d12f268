/* vmalloc: the tree of areas, the kernel's page table, and frames in between. See vmalloc.h. */
#include "mm/vmalloc.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/treap.h"
#include "mm/internal.h"

#define PAGE_KERNEL                                                                                \
	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL | _PAGE_NX)
#define _KERNPG_TABLE (_PAGE_TABLE & ~_PAGE_USER)

struct vmap_area {
	struct treap_node node;
	gva_t start, end; /* end: behind the guard page */
	const char *caller;
	/* Of the subtree, set by augment(). */
	gva_t low, high; /* first start, last end */
	u64 max_gap;	 /* largest hole between two areas */
};

/* Made by the first vmalloc(). */
struct vmalloc_state {
	struct treap areas;
	u64 *pgd;
	u64 tables; /* the root included */
	struct kmem_cache *vmap_area;
};

static inline struct vmap_area *to_area(const struct treap_node *n)
{
	return n ? treap_entry(n, struct vmap_area, node) : NULL;
}

/* --- the tree ---------------------------------------------------------------------------- */

static void augment(struct treap_node *n)
{
	struct vmap_area *va = to_area(n);
	const struct vmap_area *l = to_area(n->left), *r = to_area(n->right);

	va->low = l ? l->low : va->start;
	va->high = r ? r->high : va->end;
	va->max_gap = 0;
	if (l)
		va->max_gap = max(l->max_gap, va->start - l->high);
	if (r)
		va->max_gap = max(va->max_gap, max(r->max_gap, r->low - va->end));
}

static struct vmap_area *find_area(const struct vmalloc_state *v, gva_t addr)
{
	struct treap_node *n = v->areas.root;

	while (n) {
		struct vmap_area *va = to_area(n);

		if (addr >= va->start && addr < va->end)
			return va;
		n = addr < va->start ? n->left : n->right;
	}
	return NULL;
}

static void insert_area(struct vmalloc_state *v, struct vmap_area *va)
{
	struct treap_node **link = &v->areas.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = va->start < to_area(parent)->start ? &parent->left : &parent->right;
	}
	treap_link(&v->areas, &va->node, parent, link);
}

/* The lowest hole of @size bytes between two areas of the subtree; 0: none. */
static gva_t lowest_gap(const struct vmap_area *va, u64 size)
{
	while (va && va->max_gap >= size) {
		const struct vmap_area *l = to_area(va->node.left), *r = to_area(va->node.right);

		if (l && l->max_gap >= size)
			va = l;
		else if (l && va->start - l->high >= size)
			return l->high;
		else if (r && r->low - va->end >= size)
			return va->end;
		else
			va = r;
	}
	return 0;
}

/* The lowest place for @size bytes; 0: none. O(log n). */
static gva_t find_place(const struct vmalloc_state *v, u64 size)
{
	const struct vmap_area *root = to_area(v->areas.root);
	gva_t addr;

	if (!root || root->low - VMALLOC_START >= size)
		return VMALLOC_START;
	addr = lowest_gap(root, size);
	if (!addr && VMALLOC_END - root->high >= size)
		addr = root->high;
	return addr;
}

/* --- the page table ---------------------------------------------------------------------- */

static u64 *new_table(struct memory *m)
{
	u64 *table = pagetable_alloc(m);

	if (table) {
		m->in->vmalloc->tables++;
		m->boot_frames++; /* it stays as long as the machine */
	}
	return table;
}

/* The pte of @addr; tables stay once they are made, as Linux's do. NULL: missing, no memory. */
static pte_t *kernel_pte(struct memory *m, gva_t addr, bool make)
{
	u64 *table = m->in->vmalloc->pgd;

	for (unsigned shift = PGDIR_SHIFT; shift > PAGE_SHIFT; shift -= 9) {
		u64 *e = &table[table_index(addr, shift)];

		if (!(*e & _PAGE_PRESENT)) {
			u64 *below = make ? new_table(m) : NULL;

			if (!below)
				return NULL;
			*e = virt_to_pfn(m, below) << PAGE_SHIFT | _KERNPG_TABLE;
		}
		table = entry_table(m, *e);
	}
	return (pte_t *)&table[table_index(addr, PAGE_SHIFT)];
}

static void unmap_pages(struct memory *m, gva_t start, gva_t end)
{
	for (; start < end; start += PAGE_SIZE) {
		pte_t *pte = kernel_pte(m, start, false);

		if (!pte || pte_none(*pte))
			continue;
		put_page(m, pfn_to_page(m, pte_pfn(*pte)));
		pte->pte = 0;
		mod_node_stat(m, ST_vmalloc, -1);
	}
}

/* Fresh frames at [start, end); all or nothing. */
static int map_new_pages(struct memory *m, gva_t start, gva_t end, gfp_t gfp)
{
	for (gva_t addr = start; addr < end; addr += PAGE_SIZE) {
		pte_t *pte = kernel_pte(m, addr, true);
		struct page *page = pte ? alloc_pages(m, gfp, 0) : NULL;

		if (!page) {
			unmap_pages(m, start, addr);
			return -ENOMEM;
		}
		VM_BUG_ON(!pte_none(*pte));
		*pte = pfn_pte(page_to_pfn(m, page), PAGE_KERNEL);
		mod_node_stat(m, ST_vmalloc, 1);
	}
	return 0;
}

/* --- areas ------------------------------------------------------------------------------- */

static int vmalloc_boot(struct memory *m)
{
	struct vmalloc_state *v = kzalloc(m, sizeof(*v), GFP_KERNEL);

	if (!v)
		return -ENOMEM;
	v->vmap_area = kmem_cache_create(m, "vmap_area", sizeof(struct vmap_area), 0, 0, NULL);
	if (IS_ERR(v->vmap_area)) {
		kfree(m, v);
		return -ENOMEM;
	}
	v->areas.augment = augment;
	m->in->vmalloc = v;
	v->pgd = new_table(m);
	if (v->pgd) {
		kmemleak_not_leak(m, v);
		return 0;
	}
	m->in->vmalloc = NULL;
	kmem_cache_destroy(v->vmap_area);
	kfree(m, v);
	return -ENOMEM;
}

/* An address range of @size bytes and a guard page, nothing mapped yet. */
static struct vmap_area *alloc_vmap_area(struct memory *m, u64 size, const char *caller)
{
	struct vmalloc_state *v = m->in->vmalloc;
	struct vmap_area *va = kmem_cache_zalloc(v->vmap_area, GFP_KERNEL);

	if (!va)
		return NULL;
	va->start = find_place(v, size + PAGE_SIZE);
	if (!va->start) {
		kmem_cache_free(v->vmap_area, va);
		return NULL;
	}
	va->end = va->start + size + PAGE_SIZE;
	va->caller = caller;
	insert_area(v, va);
	return va;
}

static void free_vmap_area(struct memory *m, struct vmap_area *va)
{
	treap_erase(&m->in->vmalloc->areas, &va->node);
	kmem_cache_free(m->in->vmalloc->vmap_area, va);
}

gva_t __vmalloc(struct memory *m, u64 size, gfp_t gfp, const char *caller)
{
	struct vmap_area *va;

	if (!size || size > totalram_pages(m) << PAGE_SHIFT)
		return 0;
	if (!m->in->vmalloc && vmalloc_boot(m))
		return 0;
	va = alloc_vmap_area(m, page_align(size), caller);
	if (!va)
		return 0;
	if (map_new_pages(m, va->start, va->end - PAGE_SIZE, gfp)) {
		free_vmap_area(m, va);
		return 0;
	}
	return va->start;
}

static struct vmap_area *area_at(struct memory *m, gva_t addr)
{
	struct vmap_area *va = m->in->vmalloc ? find_area(m->in->vmalloc, addr) : NULL;

	if (!va || va->start != addr)
		BUG("address is not of vmalloc()");
	return va;
}

void vfree(struct memory *m, gva_t addr)
{
	struct vmap_area *va;

	if (!addr)
		return;
	va = area_at(m, addr);
	unmap_pages(m, va->start, va->end - PAGE_SIZE);
	free_vmap_area(m, va);
}

/* Frames move to a longer area: only ptes are written. */
static gva_t move_area(struct memory *m, struct vmap_area *old, u64 size, gfp_t gfp,
		       const char *caller)
{
	u64 had = old->end - old->start - PAGE_SIZE;
	struct vmap_area *va = alloc_vmap_area(m, size, caller);

	if (!va)
		return 0;
	for (u64 off = 0; off < had; off += PAGE_SIZE)
		if (!kernel_pte(m, va->start + off, true))
			goto no_memory;
	if (map_new_pages(m, va->start + had, va->start + size, gfp))
		goto no_memory;
	for (u64 off = 0; off < had; off += PAGE_SIZE) {
		pte_t *from = kernel_pte(m, old->start + off, false);

		*kernel_pte(m, va->start + off, false) = *from;
		from->pte = 0;
	}
	free_vmap_area(m, old);
	return va->start;

no_memory:
	free_vmap_area(m, va);
	return 0;
}

gva_t vrealloc(struct memory *m, gva_t addr, u64 size, gfp_t gfp, const char *caller)
{
	struct vmap_area *va;
	u64 had;

	if (!addr)
		return __vmalloc(m, size, gfp, caller);
	if (!size || size > totalram_pages(m) << PAGE_SHIFT)
		return 0;
	va = area_at(m, addr);
	had = va->end - va->start - PAGE_SIZE;
	size = page_align(size);
	if (size > had)
		return move_area(m, va, size, gfp, caller);
	unmap_pages(m, va->start + size, va->start + had);
	va->end = va->start + size + PAGE_SIZE;
	treap_update(&m->in->vmalloc->areas, &va->node);
	return addr;
}

/* --- reaching it ------------------------------------------------------------------------- */

struct page *vmalloc_to_page(const struct memory *m, gva_t addr)
{
	pte_t *pte = m->in->vmalloc ? kernel_pte((struct memory *)m, addr, false) : NULL;

	return pte && pte_present(*pte) ? pfn_to_page(m, pte_pfn(*pte)) : NULL;
}

void *vmalloc_to_virt(const struct memory *m, gva_t addr)
{
	struct page *page = vmalloc_to_page(m, addr);

	if (unlikely(!page))
		BUG("guest-kernel address is not mapped");
	return (char *)page_address(m, page) + page_offset(addr);
}

void vmalloc_write(struct memory *m, gva_t addr, const void *from, u64 n)
{
	while (n) {
		u64 part = min(n, PAGE_SIZE - page_offset(addr));

		memcpy(vmalloc_to_virt(m, addr), from, part);
		from = (const char *)from + part;
		addr += part;
		n -= part;
	}
}

/* --- /proc/vmallocinfo, the checker ------------------------------------------------------ */

bool vmalloc_info(const struct memory *m, gva_t addr, struct vmallocinfo *out)
{
	const struct treap_node *n = m->in->vmalloc ? m->in->vmalloc->areas.root : NULL;
	const struct vmap_area *best = NULL;

	while (n) {
		const struct vmap_area *va = to_area(n);

		if (va->start >= addr)
			best = va;
		n = va->start >= addr ? n->left : n->right;
	}
	if (!best)
		return false;
	*out = (struct vmallocinfo){
		.start = best->start,
		.size = best->end - best->start,
		.nr_pages = (best->end - best->start) / PAGE_SIZE - 1,
		.caller = best->caller,
	};
	return true;
}

u64 vmalloc_nr_tables(const struct memory *m)
{
	return m->in && m->in->vmalloc ? m->in->vmalloc->tables : 0;
}

/* Ptes that are present below @table; @shift: what an entry of it covers. */
static u64 count_ptes(const struct memory *m, const u64 *table, unsigned shift)
{
	u64 n = 0;

	for (u64 i = 0; i < PTRS_PER_TABLE; i++)
		if (table[i])
			n += shift == PAGE_SHIFT
				     ? 1
				     : count_ptes(m, entry_table(m, table[i]), shift - 9);
	return n;
}

static unsigned check_area(const struct memory *m, const struct vmap_area *va,
			   const struct vmap_area *prev)
{
	unsigned bad = 0;

	if (va->start >= va->end || (prev && prev->end > va->start) || va->start < VMALLOC_START ||
	    va->end > VMALLOC_END)
		bad++;
	for (gva_t a = va->start; a < va->end; a += PAGE_SIZE)
		if (!vmalloc_to_page(m, a) != (a == va->end - PAGE_SIZE))
			bad++;
	if (bad)
		log_line("vmalloc: area %#lx-%#lx: %u violations", va->start, va->end, bad);
	return bad;
}

int vmalloc_validate(struct memory *m)
{
	const struct vmalloc_state *v = m->in ? m->in->vmalloc : NULL;
	const struct vmap_area *prev = NULL;
	unsigned bad = 0;
	u64 pages = 0;

	if (!v)
		return 0;
	for (struct treap_node *n = treap_first(&v->areas); n; n = treap_next(n)) {
		struct vmap_area *va = to_area(n), sum = *va;

		augment(&sum.node);
		if (sum.low != va->low || sum.high != va->high || sum.max_gap != va->max_gap) {
			log_line("vmalloc: area %#lx: wrong gaps", va->start);
			bad++;
		}
		bad += check_area(m, va, prev);
		pages += (va->end - va->start) / PAGE_SIZE - 1;
		prev = va;
	}
	if (pages != count_ptes(m, v->pgd, PGDIR_SHIFT) || pages != (u64)m->stats[ST_vmalloc]) {
		log_line("vmalloc: areas, ptes and counter disagree");
		bad++;
	}
	return bad ? -EFAULT : 0;
}
