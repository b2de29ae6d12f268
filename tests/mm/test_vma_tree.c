/* src/mm/vma_tree.c, vma_gap.c, vma_tree_validate.c. The tree against a model that is an array: one byte a page, a search is a loop. */
#include "vma_shape.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

#define MODEL_PAGES 60000UL
/* A multiple of 16 TiB in the middle: there the upper bits of the tree's keys change. */
#define MODEL_BASE ((1UL << 44) - MODEL_PAGES / 2 * PG)
#define MODEL_END (MODEL_BASE + MODEL_PAGES * PG)

static u64 seed;

static u64 rnd(u64 below)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % below;
}

struct model {
	struct world *w;
	struct vm_area_struct *area[MODEL_PAGES]; /* what covers the page */
};

static void model_set(struct model *md, gva_t start, gva_t end, struct vm_area_struct *vma)
{
	for (; start < end; start += PG)
		md->area[(start - MODEL_BASE) / PG] = vma;
}

static void model_insert(struct model *md)
{
	u64 page = rnd(MODEL_PAGES), pages = 1 + rnd(rnd(20) ? 4 : 400), n;
	struct mm_struct *mm = md->w->mm;
	struct vm_area_struct *vma;

	for (n = 0; n < pages && page + n < MODEL_PAGES && !md->area[page + n]; n++)
		;
	if (!n)
		return;
	CU_ASSERT_EQUAL_FATAL(vma_tree_reserve(mm, 1), 0);
	vma = vm_area_alloc(mm);
	vma->vm_start = MODEL_BASE + page * PG;
	vma->vm_end = vma->vm_start + n * PG;
	vma->vm_flags = rnd(50) ? VM_READ : VM_READ | VM_GROWSDOWN;
	vma_tree_insert(mm, vma);
	mm->map_count++;
	model_set(md, vma->vm_start, vma->vm_end, vma);
}

static struct vm_area_struct *model_any(struct model *md)
{
	u64 page = rnd(MODEL_PAGES), i;

	for (i = 0; i < 2000; i++)
		if (md->area[(page + i) % MODEL_PAGES])
			return md->area[(page + i) % MODEL_PAGES];
	return NULL;
}

static void model_erase(struct model *md, struct vm_area_struct *vma)
{
	vma_tree_erase(md->w->mm, vma);
	md->w->mm->map_count--;
	model_set(md, vma->vm_start, vma->vm_end, NULL);
	vm_area_free(vma);
}

/* Moves a bound inwards or outwards, as far as the neighbours let it. */
static void model_resize(struct model *md, struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = vma_prev(vma), *next = vma_next(vma);
	gva_t low = prev ? prev->vm_end : MODEL_BASE, high = next ? next->vm_start : MODEL_END;
	gva_t start = vma->vm_start, end = vma->vm_end;

	low = max(low, start - min((start - MODEL_BASE), 8 * PG));
	high = min(high, end + 8 * PG);
	model_set(md, start, end, NULL);
	if (rnd(2))
		start = low + rnd((end - low) / PG) * PG;
	else
		end = start + (1 + rnd((high - start) / PG)) * PG;
	vma_set_range(vma, start, end, 0);
	model_set(md, start, end, vma);
}

static void check_find(struct model *md)
{
	u64 page = rnd(MODEL_PAGES), p = page;
	gva_t addr = MODEL_BASE + page * PG + rnd(PG);
	struct vm_area_struct *want = NULL, *prev, *got;

	while (p < MODEL_PAGES && !(want = md->area[p]))
		p++;
	CU_ASSERT_PTR_EQUAL(find_vma(md->w->mm, addr), want);
	CU_ASSERT_PTR_EQUAL(vma_lookup(md->w->mm, addr), md->area[page]);
	got = find_vma_prev(md->w->mm, addr, &prev);
	CU_ASSERT_PTR_EQUAL(got, want);
	while (page-- && (md->area[page] == NULL || md->area[page] == want))
		;
	CU_ASSERT_PTR_EQUAL(prev, page == ~0UL ? NULL : md->area[page]);
}

/* Is the page free, and not in a stack's guard gap? One pass from the top. */
static void usable(struct model *md, u8 *free_page)
{
	u64 guard = MODEL_PAGES; /* first page of the guard gap above */

	for (u64 i = MODEL_PAGES; i--;) {
		struct vm_area_struct *vma = md->area[i];

		if (vma && i == (vma->vm_start - MODEL_BASE) / PG)
			guard = vma->vm_flags & VM_GROWSDOWN
					? (i > STACK_GUARD_GAP ? i - STACK_GUARD_GAP : 0)
					: i;
		/* A guard gap ends where the next area below begins. */
		free_page[i] = !vma && i < guard;
		if (vma)
			free_page[i] = 0;
	}
}

static void check_gaps(struct model *md)
{
	static u8 free_page[MODEL_PAGES];
	u64 len = 1 + rnd(rnd(3) ? 30 : 600), align = rnd(4) ? 1 : 16;
	u64 low = rnd(MODEL_PAGES), high = low + rnd(MODEL_PAGES - low + 1);
	u64 room = len + align - 1, run;
	long top = -ENOMEM, bottom = -ENOMEM;

	usable(md, free_page);
	for (u64 i = low, start = low; i < high && bottom < 0; i++) {
		start = free_page[i] ? start : i + 1;
		if (i + 1 - start >= room)
			bottom = (MODEL_BASE + start * PG + align * PG - 1) & ~(align * PG - 1);
	}
	run = 0;
	for (u64 i = high; i-- > low && top < 0;) {
		run = free_page[i] ? run + 1 : 0;
		if (run >= room) /* the hole's end: where the run began */
			top = (MODEL_BASE + (i + run - len) * PG) & ~(align * PG - 1);
	}
	CU_ASSERT_EQUAL(vma_gap_bottomup(md->w->mm, len * PG, MODEL_BASE + low * PG,
					 MODEL_BASE + high * PG, align * PG),
			bottom);
	CU_ASSERT_EQUAL(vma_gap_topdown(md->w->mm, len * PG, MODEL_BASE + low * PG,
					MODEL_BASE + high * PG, align * PG),
			top);
}

static void model_free(struct model *md)
{
	struct vm_area_struct *vma;

	while ((vma = vma_first(md->w->mm)))
		model_erase(md, vma);
	CU_ASSERT_EQUAL(vma_tree_validate(md->w->mm), 0);
	CU_ASSERT_PTR_NULL(md->w->mm->mt.root);
	world_end(md->w);
	free(md);
}

static void random_changes_agree_with_an_array(void)
{
	struct model *md = calloc(1, sizeof(*md));
	u64 most = 0;

	seed = 12345;
	md->w = world_new(64 << 20);
	for (unsigned i = 0; i < 100000; i++) {
		/* Grows for a while, then shrinks: nodes split and join at every height. */
		unsigned bias = (i / 12500) & 1 ? 3 : 7, what = rnd(10);
		struct vm_area_struct *vma;

		if (what < bias)
			model_insert(md);
		else if ((vma = model_any(md)) && what < 9)
			model_erase(md, vma);
		else if (vma)
			model_resize(md, vma);
		most = max(most, md->w->mm->mt.nr);
		check_find(md);
		if (i % 97 == 0)
			check_gaps(md);
		if (i % 61 == 0)
			CU_ASSERT_EQUAL_FATAL(vma_tree_validate(md->w->mm), 0);
	}
	CU_ASSERT(most > 3000);
	model_free(md);
}

static void model_insert_page(struct model *md, u64 page)
{
	struct mm_struct *mm = md->w->mm;
	struct vm_area_struct *vma = vm_area_alloc(mm);

	CU_ASSERT_EQUAL_FATAL(vma_tree_reserve(mm, 1), 0);
	vma->vm_start = MODEL_BASE + page * PG;
	vma->vm_end = vma->vm_start + PG;
	vma_tree_insert(mm, vma);
	mm->map_count++;
	model_set(md, vma->vm_start, vma->vm_end, vma);
}

/* Whatever lies beyond the row: 10,000 areas in nodes of 27 are three levels, of 15 four. */
static void rows_leave_full_leaves(void)
{
	for (int down = 0; down < 2; down++) {
		struct model *md = calloc(1, sizeof(*md));

		md->w = world_new(64 << 20);
		for (u64 i = 0; i < 20; i++) {
			model_insert_page(md, 2 * i);
			model_insert_page(md, 30000 + 2 * i);
		}
		for (u64 i = 0; i < 10000; i++)
			model_insert_page(md, 100 + 2 * (down ? 9999 - i : i));
		CU_ASSERT_EQUAL(vma_tree_validate(md->w->mm), 0);
		CU_ASSERT_EQUAL(md->w->mm->mt.height, 3);
		check_gaps(md);
		model_free(md);
	}
}

#ifdef CONFIG_DEBUG_VM
#define MANY 20000UL /* each call validates */
#else
#define MANY 1000000UL
#endif

/* As many areas as DESIGN.md wants; prints what a search costs, in CPU time. */
static void a_million_areas(void)
{
	struct world *w = world_new(1UL << 30);
	struct timespec a, b;
	u64 wrong = 0;

	w->m.max_map_count = MANY;
	for (u64 i = 0; i < MANY; i++)
		fx(w, 2 * i, 1, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(w->mm->map_count, MANY);
	CU_ASSERT_EQUAL(vma_tree_validate(w->mm), 0);
	seed = 1;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (u64 i = 0; i < MANY; i++)
		wrong += !find_vma(w->mm, ARENA + rnd(2 * MANY - 1) * PG);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	CU_ASSERT_EQUAL(wrong, 0);
	printf("find_vma among %lu: %.0f ns ", MANY,
	       ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / MANY);
	for (u64 i = 0; i < 1000; i++) {
		u64 page = rnd(2 * MANY - 1);
		struct vm_area_struct *vma = find_vma(w->mm, ARENA + page * PG);

		CU_ASSERT_EQUAL(vma->vm_start, ARENA + (page + (page & 1)) * PG);
	}
	CU_ASSERT_EQUAL(
		vma_gap_topdown(w->mm, PG, MMAP_HINT_MIN_ADDR, ARENA + 2 * MANY * PG - PG, PG),
		(long)(ARENA + (2 * MANY - 3) * PG));
	do_munmap(w->mm, ARENA, 2 * MANY * PG);
	world_end(w);
}

static void the_checker_sees_damage(void)
{
	struct world *w = world_new(64 << 20);
	struct vm_area_struct *vma;

	fx(w, 0, 4, RW, MAP_PRIVATE);
	fx(w, 8, 4, RW, MAP_PRIVATE);
	vma = vma_lookup(w->mm, ARENA);
	log_set_fd(open("/dev/null", O_WRONLY));
	vma->vm_end += PG;
	CU_ASSERT_EQUAL(vma_tree_validate(w->mm), -EFAULT);
	vma->vm_end -= PG;
	w->mm->map_count++;
	CU_ASSERT_EQUAL(vma_tree_validate(w->mm), -EFAULT);
	w->mm->map_count--;
	log_set_fd(2);
	CU_ASSERT_EQUAL(vma_tree_validate(w->mm), 0);
	world_end(w);
}

#define LARGE 20000UL /* areas */

/* In an mm too large to be looked at whole each time: calls until samples of 16 see the damage. */
static u32 calls_until_seen(struct mm_struct *mm, u64 *at)
{
	u32 calls = 1;

	while (!mm_validate_sample(mm, at, 16) && calls < 20 * LARGE / 16)
		calls++;
	return calls;
}

static void samples_find_damage_in_a_large_mm(void)
{
	struct world *w = world_new(256 << 20);
	struct vm_area_struct *vma;
	u64 at = 1;
	pte_t *pte;

	for (u64 i = 0; i < LARGE; i++)
		fx(w, 2 * i, 1, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(mm_validate_sample(w->mm, &at, LARGE), 0);
	poke(w, ARENA + 2 * 777 * PG, 1);
	vma = vma_lookup(w->mm, ARENA + 2 * 777 * PG);
	pte = pte_offset(w->mm, vma->vm_start);
	CU_ASSERT_EQUAL(mm_validate_sample(w->mm, &at, 100), 0);
	log_set_fd(open("/dev/null", O_WRONLY));
	vma->vm_flags &= ~VM_WRITE; /* the pte grants more */
	CU_ASSERT_TRUE(calls_until_seen(w->mm, &at) < 20 * LARGE / 16);
	vma->vm_flags |= VM_WRITE;
	pte->pte &= ~_PAGE_USER;
	CU_ASSERT_TRUE(calls_until_seen(w->mm, &at) < 20 * LARGE / 16);
	pte->pte |= _PAGE_USER;
	vma->vm_end += PG; /* the tree says otherwise */
	CU_ASSERT_TRUE(calls_until_seen(w->mm, &at) < 20 * LARGE / 16);
	vma->vm_end -= PG;
	log_set_fd(2);
	CU_ASSERT_EQUAL(mm_validate_sample(w->mm, &at, LARGE), 0);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(random_changes_agree_with_an_array),
	UNIT_TEST(rows_leave_full_leaves),
	UNIT_TEST(a_million_areas),
	UNIT_TEST(the_checker_sees_damage),
	UNIT_TEST(samples_find_damage_in_a_large_mm),
	UNIT_END,
};
const struct unit_suite suite_vma_tree = {"vma_tree", tests};
