/* src/mm/rmap.c: which areas share an anon_vma, and that each pte is found from its page. */
#include "mm_world.h"

#define RW (PROT_READ | PROT_WRITE)

struct found {
	unsigned nr;
	struct mm_struct *mm[8];
	gva_t addr[8];
};

static int note(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte, void *arg)
{
	struct found *f = arg;

	(void)page;
	(void)pte;
	f->mm[f->nr] = vma->vm_mm;
	f->addr[f->nr++] = addr;
	return 0;
}

static struct page *page_at(struct world *w, gva_t addr)
{
	return pfn_to_page(&w->m, pte_pfn(*pte_offset(w->mm, addr)));
}

static u64 objects(struct world *w, const char *cache)
{
	struct slabinfo info;

	for (unsigned i = 0; slab_info(&w->m, i, &info); i++)
		if (!strcmp(info.name, cache))
			return info.active_objs;
	CU_FAIL("no such cache");
	return 0;
}

static void split_areas_share_their_anon_vma(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 6, RW, MAP_PRIVATE);
	struct vm_area_struct *low, *high;

	poke(w, a, 1);
	poke(w, a + 5 * PAGE_SIZE, 6);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	low = vma_lookup(w->mm, a);
	high = vma_lookup(w->mm, a + 5 * PAGE_SIZE);
	CU_ASSERT_PTR_NOT_EQUAL(low, high);
	CU_ASSERT_PTR_EQUAL(low->anon_vma, high->anon_vma);
	CU_ASSERT_EQUAL(low->anon_vma->num_active_vmas, 2);
	CU_ASSERT_EQUAL(objects(w, "anon_vma"), 1);
	CU_ASSERT_EQUAL(objects(w, "anon_vma_chain"), 2);
	world_end(w);
}

static void a_mergeable_neighbours_anon_vma_is_reused(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 4, RW, MAP_PRIVATE);

	/* Only rights differ: they could become one area one day. */
	CU_ASSERT_EQUAL(do_mprotect(w->mm, a + 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				    PROT_READ | PROT_WRITE | PROT_EXEC),
			0);
	poke(w, a, 1);
	poke(w, a + 2 * PAGE_SIZE, 1);
	CU_ASSERT_PTR_EQUAL(vma_lookup(w->mm, a)->anon_vma,
			    vma_lookup(w->mm, a + 2 * PAGE_SIZE)->anon_vma);
	CU_ASSERT_EQUAL(objects(w, "anon_vma"), 1);
	/* Not adjacent: one of its own. */
	world_map(w, 0x20000000, 1, RW, MAP_PRIVATE);
	poke(w, 0x20000000, 1);
	CU_ASSERT_EQUAL(objects(w, "anon_vma"), 2);
	world_end(w);
}

static void fork_makes_a_tree_of_anon_vmas(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 4, RW, MAP_PRIVATE);
	struct mm_struct *parent = w->mm, *child;
	struct anon_vma *root, *own;
	struct found f = {0};

	poke(w, a, 1);
	poke(w, a + PAGE_SIZE, 1);
	child = world_fork(w);
	root = vma_lookup(parent, a)->anon_vma;
	own = vma_lookup(child, a)->anon_vma;
	CU_ASSERT_PTR_NOT_EQUAL(root, own);
	CU_ASSERT_PTR_EQUAL(own->root, root);
	CU_ASSERT_PTR_EQUAL(own->parent, root);
	CU_ASSERT_EQUAL(page_at(w, a)->mapcount, 2);
	CU_ASSERT_EQUAL(rmap_walk(&w->m, page_at(w, a), note, &f), 0);
	CU_ASSERT_EQUAL(f.nr, 2);
	CU_ASSERT_PTR_EQUAL(f.mm[0], parent);
	CU_ASSERT_PTR_EQUAL(f.mm[1], child);
	CU_ASSERT_EQUAL(f.addr[1], a);

	/* What the child makes itself is only in its own anon_vma. */
	w->mm = child;
	tlb_switch(&w->tlb, child);
	poke(w, a, 2);
	CU_ASSERT_PTR_EQUAL((void *)((u64)page_at(w, a)->mapping & ~PAGE_MAPPING_ANON), own);
	f.nr = 0;
	rmap_walk(&w->m, page_at(w, a), note, &f);
	CU_ASSERT_EQUAL(f.nr, 1);

	/* The parent goes first: its root outlives it. The last owner of the shared page keeps
	 * it when it writes, and moves it to its own anon_vma. */
	mmput(parent);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	poke(w, a + PAGE_SIZE, 2);
	CU_ASSERT_EQUAL(w->m.events[EV_pgreuse], 1);
	CU_ASSERT_PTR_EQUAL((void *)((u64)page_at(w, a + PAGE_SIZE)->mapping & ~PAGE_MAPPING_ANON),
			    own);
	world_end(w);
}

static void a_chain_of_forks_does_not_grow_for_ever(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 2, RW, MAP_PRIVATE);

	poke(w, a, 1);
	for (unsigned i = 0; i < 20; i++) {
		struct mm_struct *child = world_fork(w), *parent = w->mm;

		tlb_switch(&w->tlb, child);
		w->mm = child;
		mmput(parent);
		poke(w, a, i);
	}
	CU_ASSERT_TRUE(objects(w, "anon_vma") <= 4);
	CU_ASSERT_TRUE(objects(w, "anon_vma_chain") <= 4);
	world_end(w);
}

static void failing_allocations_leave_nothing_behind(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 2, RW, MAP_PRIVATE);
	struct vm_area_struct *vma = vma_lookup(w->mm, a), *copy;
	u64 chains;

	poke(w, a, 1);
	chains = objects(w, "anon_vma_chain");
	copy = vm_area_dup(vma);
	copy->anon_vma = NULL;
	CU_ASSERT_EQUAL(anon_vma_fork(copy, vma), 0);
	CU_ASSERT_EQUAL(objects(w, "anon_vma_chain"), chains + 2);
	unlink_anon_vmas(copy);
	CU_ASSERT_EQUAL(objects(w, "anon_vma_chain"), chains);
	CU_ASSERT_EQUAL(objects(w, "anon_vma"), 1);
	CU_ASSERT_EQUAL(vma->anon_vma->num_children, 1);
	vm_area_free(copy);
	world_end(w);
}

/* The area behind, which has no page yet, gets the rights of the one before: in the parent they join, in
 * the child the one before has links to two anon_vmas. */
static void an_area_from_a_parent_joins_nobody_without_pages(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 2, RW, MAP_PRIVATE), behind = a + 2 * PAGE_SIZE;
	struct mm_struct *child;

	world_map(w, behind, 1, PROT_READ, MAP_PRIVATE);
	poke(w, a, 1);
	child = world_fork(w);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, behind, PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(vma_lookup(w->mm, a)->vm_end, behind + PAGE_SIZE);
	CU_ASSERT_EQUAL(do_mprotect(child, behind, PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(vma_lookup(child, a)->vm_end, behind);
	mmput(child);
	world_end(w);
}

static void file_pages_are_found_through_i_mmap(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map_file(w, 0x10000000, 4, PROT_READ, MAP_PRIVATE, 2);
	gva_t b = world_map_file(w, 0x20000000, 8, PROT_READ, MAP_SHARED, 0);
	struct found f = {0};

	peek(w, a);
	peek(w, b + 2 * PAGE_SIZE);
	CU_ASSERT_PTR_EQUAL(page_at(w, a), page_at(w, b + 2 * PAGE_SIZE));
	CU_ASSERT_EQUAL(page_at(w, a)->mapcount, 2);
	rmap_walk(&w->m, page_at(w, a), note, &f);
	CU_ASSERT_EQUAL(f.nr, 2);
	CU_ASSERT_EQUAL(f.addr[0] + f.addr[1], a + b + 2 * PAGE_SIZE);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(split_areas_share_their_anon_vma),
	UNIT_TEST(a_mergeable_neighbours_anon_vma_is_reused),
	UNIT_TEST(fork_makes_a_tree_of_anon_vmas),
	UNIT_TEST(a_chain_of_forks_does_not_grow_for_ever),
	UNIT_TEST(failing_allocations_leave_nothing_behind),
	UNIT_TEST(an_area_from_a_parent_joins_nobody_without_pages),
	UNIT_TEST(file_pages_are_found_through_i_mmap),
	UNIT_END,
};
const struct unit_suite suite_rmap = {"rmap", tests};
