/* src/mm/pgtable.c, pterange.c's moves. */
#include "mm_world.h"

static u64 tables(const struct world *w)
{
	return w->mm->pgtables_bytes >> PAGE_SHIFT;
}

static void one_page_needs_three_tables(void)
{
	struct world *w = world_new(32 << 20);
	gva_t a = world_map(w, 0x10000000, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	CU_ASSERT_EQUAL(tables(w), 0);
	CU_ASSERT_PTR_NULL(pte_offset(w->mm, a));
	poke(w, a, 1);
	CU_ASSERT_EQUAL(tables(w), 3); /* pud, pmd, pte; the root does not count */
	CU_ASSERT_EQUAL(w->m.stats[ST_page_table_pages], 4);
	CU_ASSERT_EQUAL(pte_offset(w->mm, a)->pte & ~PTE_PFN_MASK,
			_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY |
				_PAGE_NX);
	world_end(w);
}

static void tables_that_neighbours_share_stay(void)
{
	struct world *w = world_new(32 << 20);
	gva_t a = world_map(w, 0x10000000, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	gva_t b = world_map(w, 0x10200000, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	poke(w, a, 1);
	poke(w, b, 1);
	CU_ASSERT_EQUAL(tables(w), 4);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a, 2 * PAGE_SIZE), 0); /* the area's other half stays */
	CU_ASSERT_EQUAL(tables(w), 4);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a, 4 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(tables(w), 3);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, b, 4 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(tables(w), 0);
	world_end(w);
}

static void floor_and_ceiling_protect_part_of_a_table(void)
{
	struct world *w = world_new(32 << 20);
	gva_t a = 0x40000000;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pte_alloc(w->mm, a));
	CU_ASSERT_PTR_NOT_NULL_FATAL(pte_alloc(w->mm, a + PMD_SIZE));
	CU_ASSERT_EQUAL(tables(w), 4);
	free_pgtables(w->mm, a + PAGE_SIZE, a + PMD_SIZE, a + PAGE_SIZE, 0);
	CU_ASSERT_EQUAL(tables(w), 4); /* the floor lies in this table */
	free_pgtables(w->mm, a, a + PMD_SIZE, 0, a + PMD_SIZE + PAGE_SIZE);
	CU_ASSERT_EQUAL(tables(w), 3);
	CU_ASSERT_PTR_NULL(pte_offset(w->mm, a));
	CU_ASSERT_PTR_NOT_NULL(pte_offset(w->mm, a + PMD_SIZE));
	free_pgtables(w->mm, a, a + 2 * PMD_SIZE, 0, 0);
	CU_ASSERT_EQUAL(tables(w), 0);
	world_end(w);
}

static int collect(pte_t *pte, gva_t addr, void *arg)
{
	u64 *sum = arg;

	(void)pte;
	*sum = *sum * 31 + (addr >> PAGE_SHIFT);
	return addr == 0x7fff00000000;
}

static void walk_visits_what_is_there_in_order(void)
{
	struct world *w = world_new(32 << 20);
	static const gva_t at[] = {0x10000,    0x1ff000,       0x200000,
				   0x80000000, 0x7fff00000000, 0x7fff00001000};
	u64 want = 0, got = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		world_map(w, at[i], 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
		poke(w, at[i], i);
		if (i < 5)
			want = want * 31 + (at[i] >> PAGE_SHIFT);
	}
	CU_ASSERT_EQUAL(walk_page_range(w->mm, 0, TASK_SIZE, collect, &got), 1);
	CU_ASSERT_EQUAL(got, want);
	got = 0;
	CU_ASSERT_EQUAL(walk_page_range(w->mm, 0x1ff000, 0x200000, collect, &got), 0);
	CU_ASSERT_EQUAL(got, 0x1ff);
	world_end(w);
}

static void running_out_of_frames_is_an_error_and_leaks_nothing(void)
{
	struct world *w = world_new(32 << 20);
	static const u32 fail_nth[] = {1, 2, 2}; /* what was made before stays */
	u64 before = nr_free_pages(&w->m);

	for (u32 i = 0; i < ARRAY_SIZE(fail_nth); i++) {
		w->m.fail_nth = fail_nth[i];
		CU_ASSERT_PTR_NULL(pte_alloc(w->mm, 0x10000000));
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(tables(w), i);
		CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	}
	free_pgtables(w->mm, 0, TASK_SIZE, 0, 0);
	CU_ASSERT_EQUAL(w->mm->pgtables_bytes, 0);
	CU_ASSERT_EQUAL(nr_free_pages(&w->m), before);
	world_end(w);
}

/* The walker of the tests: knows the SDM (vol. 3A, 4.5) and a dump of RAM, nothing of src/mm. */
static bool walk_dump(const u8 *ram, u64 cr3, u64 va, u64 *pa, u64 *rights)
{
	u64 entry = cr3;

	*rights = ~0UL;
	for (int level = 4; level > 0; level--) {
		u64 frame = entry & 0x000ffffffffff000UL;

		if (frame >= 0x100000000UL)
			frame -= 0x40000000UL; /* the PC's hole */
		entry = *(const u64 *)(ram + frame + (va >> (12 + 9 * (level - 1)) & 511) * 8);
		if (!(entry & 1))
			return false;
		*rights &= entry ^ (1UL << 63); /* NX turned round: all levels must grant */
	}
	*pa = (entry & 0x000ffffffffff000UL) | (va & 4095);
	return true;
}

static void a_dump_of_ram_and_cr3_is_enough(void)
{
	struct world *w = world_new(64 << 20);
	u64 cr3 = virt_to_pfn(&w->m, w->mm->pgd) << PAGE_SHIFT, seed = 12345, pa, rights;
	s64 nr = 0;
	gva_t base = 0x7ffff0000000;

	world_map(w, base, 3000, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	world_map(w, 0x400000, 600, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	for (unsigned i = 0; i < 1500; i++) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		poke(w, base + (seed >> 33) % (3000 * PAGE_SIZE), seed >> 40);
		peek(w, 0x400000 + (seed >> 20) % (600 * PAGE_SIZE));
	}
	for (u64 i = 0; i < 3000; i++) {
		gva_t va = base + (i << PAGE_SHIFT);
		pte_t *pte = pte_offset(w->mm, va);

		if (!walk_dump(w->m.ram, cr3, va, &pa, &rights)) {
			CU_ASSERT_TRUE(!pte || pte_none(*pte));
			continue;
		}
		nr++;
		CU_ASSERT_EQUAL(rights & (1UL << 63 | 6), 6); /* RW, user, not executable */
		CU_ASSERT_EQUAL(pa >> PAGE_SHIFT, pte_pfn(*pte));
		CU_ASSERT_EQUAL(w->m.ram[pa], peek(w, va));
	}
	CU_ASSERT_EQUAL(nr, w->mm->rss[MM_ANONPAGES]);
	/* Reads of private memory: all the one zero page. */
	CU_ASSERT_TRUE(walk_dump(w->m.ram, cr3, 0x400000 + (seed >> 20) % (600 * PAGE_SIZE), &pa,
				 &rights));
	CU_ASSERT_EQUAL(pa >> PAGE_SHIFT, page_to_pfn(&w->m, w->m.zero_page));
	CU_ASSERT_EQUAL(rights & (1UL << 63 | 6), 1UL << 63 | 4);
	world_end(w);
}

/* Moves [a, a + pages) to b by hand, as mremap does, and back. */
static void move_and_check(struct world *w, gva_t a, gva_t b, u64 pages)
{
	struct vm_area_struct *va = vma_lookup(w->mm, a), *vb = vma_lookup(w->mm, b);
	s64 rss = w->mm->rss[MM_ANONPAGES];
	u64 flt = w->mm->min_flt;

	CU_ASSERT_EQUAL(move_page_tables(va, a, vb, b, pages << PAGE_SHIFT), pages << PAGE_SHIFT);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	for (u64 i = 0; i < pages; i += 7)
		CU_ASSERT_EQUAL(peek(w, b + (i << PAGE_SHIFT)), (u8)(i + 1));
	CU_ASSERT_EQUAL(w->mm->min_flt, flt);
	CU_ASSERT_EQUAL(move_page_tables(vb, b, va, a, pages << PAGE_SHIFT), pages << PAGE_SHIFT);
	for (u64 i = 0; i < pages; i += 7)
		CU_ASSERT_EQUAL(peek(w, a + (i << PAGE_SHIFT)), (u8)(i + 1));
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], rss);
}

static void ptes_move_by_page_and_by_table(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x40000000, 1600, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	world_map(w, 0x80000000, 1600, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	world_map(w, 0xc0003000, 1600, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (u64 i = 0; i < 1600; i += 7)
		poke(w, a + (i << PAGE_SHIFT), i + 1);
	move_and_check(w, a, 0x80000000, 1600);
	move_and_check(w, a, 0xc0003000, 1600);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(one_page_needs_three_tables),
	UNIT_TEST(tables_that_neighbours_share_stay),
	UNIT_TEST(floor_and_ceiling_protect_part_of_a_table),
	UNIT_TEST(walk_visits_what_is_there_in_order),
	UNIT_TEST(running_out_of_frames_is_an_error_and_leaks_nothing),
	UNIT_TEST(a_dump_of_ram_and_cr3_is_enough),
	UNIT_TEST(ptes_move_by_page_and_by_table),
	UNIT_END,
};
const struct unit_suite suite_pgtable = {"pgtable", tests};
