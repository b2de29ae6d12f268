/* src/mm/tlb.c, tlb_flush.c, tlb_boot.c. The recorded trace runs over hand-made page tables, so
 * that nothing but the test decides when a page changes or a flush happens. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm_world.h"
#include "tlb_model.h"

#define NR_MMS 11 /* more than the TLB has tables for */
#define TRACE_LEN 60000

enum op { ACCESS, SWITCH, FLUSH_PAGE, FLUSH_RANGE, FLUSH_MM, CLEAN, NR_OPS };

struct event {
	enum op op;
	u8 mm;
	enum tlb_access acc;
	u32 size;
	gva_t addr;
	u64 pages;
};

struct tlb_world {
	struct memory m;
	struct tlb tlb;
	struct mm_struct *mm[NR_MMS];
};

static u64 rng(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Areas of the trace: text, data, heap, a stack at the top of user space, and a hole. */
static const struct area {
	gva_t start;
	u64 pages;
	u64 bits;
} areas[] = {
	{0x400000, 120, _PAGE_PRESENT | _PAGE_USER},
	{0x600000, 60, _PAGE_PRESENT | _PAGE_USER | _PAGE_NX},
	{0x800000, 700, _PAGE_PRESENT | _PAGE_USER | _PAGE_RW | _PAGE_NX},
	{0x7ffff7000000, 400, _PAGE_PRESENT | _PAGE_USER | _PAGE_RW},
	{0x7ffffffde000, 33, _PAGE_PRESENT | _PAGE_USER | _PAGE_RW | _PAGE_NX},
	{0x10000000, 20, 0},
};

static void map_areas(struct tlb_world *w, struct mm_struct *mm, u64 *seed)
{
	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
		for (u64 p = 0; p < areas[i].pages; p++) {
			pte_t *pte = pte_alloc(mm, areas[i].start + (p << PAGE_SHIFT));

			CU_ASSERT_PTR_NOT_NULL_FATAL(pte);
			if (areas[i].bits)
				*pte = pfn_pte(0x100 + rng(seed) % 0x800, areas[i].bits);
		}
	}
	(void)w;
}

static struct tlb_world *tlb_world_new(const struct tlb_geometry *geo, unsigned mms, bool check)
{
	struct tlb_world *w = calloc(1, sizeof(*w));
	struct tlb_geometry checked = *geo;
	u64 seed = 88172645463325252UL;

	CU_ASSERT_EQUAL_FATAL(memory_init(&w->m, 64 << 20), 0);
	checked.check = check;
	CU_ASSERT_EQUAL_FATAL(tlb_init(&w->tlb, &w->m, &checked), 0);
	for (unsigned i = 0; i < mms; i++) {
		w->mm[i] = mm_alloc(&w->m);
		CU_ASSERT_FALSE_FATAL(IS_ERR(w->mm[i]));
		map_areas(w, w->mm[i], &seed);
	}
	tlb_switch(&w->tlb, w->mm[0]);
	return w;
}

static int clear_pte(pte_t *pte, gva_t addr, void *arg)
{
	(void)addr;
	(void)arg;
	pte->pte = 0;
	return 0;
}

static void tlb_world_end(struct tlb_world *w)
{
	for (unsigned i = 0; i < NR_MMS && w->mm[i]; i++) {
		walk_page_range(w->mm[i], 0, TASK_SIZE, clear_pte, NULL);
		flush_tlb_mm(w->mm[i]);
		free_pgtables(w->mm[i], 0, TASK_SIZE, 0, 0);
		CU_ASSERT_EQUAL(w->mm[i]->pgtables_bytes, 0);
		mmput(w->mm[i]);
	}
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	tlb_destroy(&w->tlb);
	memory_destroy(&w->m);
	free(w);
}

/* Loops over a few pages, walks through arrays, calls and returns, and jumps about. */
static void record_trace(struct event *trace, unsigned mms)
{
	u64 seed = 20240229, cursor = 0, fetch = 0;
	unsigned mm = 0;

	for (unsigned i = 0; i < TRACE_LEN; i++) {
		struct event *e = &trace[i];
		const struct area *a = &areas[rng(&seed) % ARRAY_SIZE(areas)];
		u64 dice = rng(&seed) % 1000;

		*e = (struct event){.op = ACCESS, .mm = mm, .acc = rng(&seed) % 3, .pages = 1};
		e->size = 1U << (rng(&seed) % 6);
		e->addr = a->start + rng(&seed) % (a->pages << PAGE_SHIFT);
		if (dice < 4) {
			e->op = SWITCH;
			e->mm = mm = rng(&seed) % mms;
		} else if (dice < 12) {
			static const u64 lengths[] = {1, 2, 16, 300, 5000, 1UL << 27};

			e->op = FLUSH_PAGE + rng(&seed) % 3;
			e->mm = rng(&seed) % mms;
			e->addr &= PAGE_MASK;
			e->pages = min(lengths[rng(&seed) % 6], (TASK_SIZE - e->addr) >> 12);
		} else if (dice < 20) {
			e->op = CLEAN;
			e->addr = areas[2].start + rng(&seed) % (areas[2].pages << PAGE_SHIFT);
		} else if (dice < 350) { /* a sequential writer */
			cursor = (cursor + 24) % (areas[2].pages << PAGE_SHIFT);
			e->addr = areas[2].start + cursor;
			e->acc = dice & 1 ? TLB_WRITE : TLB_READ;
		} else if (dice < 750) { /* straight code with far calls */
			if (dice < 360)
				fetch = rng(&seed);
			fetch = (fetch + 40) % (areas[0].pages << PAGE_SHIFT);
			e->addr = areas[0].start + fetch;
			e->acc = TLB_EXEC;
		} else if (dice < 850) { /* the stack's top pages */
			e->addr = areas[4].start + (30UL << PAGE_SHIFT) + rng(&seed) % 12000;
			e->acc = dice & 1 ? TLB_WRITE : TLB_READ;
		}
	}
}

static struct model_pte look(struct mm_struct *mm, gva_t addr)
{
	pte_t *p = pte_offset(mm, addr);
	pte_t pte = p ? *p : (pte_t){0};

	return (struct model_pte){pte.pte & _PAGE_PRESENT, pte_write(pte), pte_dirty(pte),
				  !(pte.pte & _PAGE_NX)};
}

/* As an engine does: inline look-up; if that misses a call for each page that is touched. */
static void access_page(struct tlb_world *w, struct model *md, const struct event *e)
{
	gva_t last = e->addr + e->size - 1;
	struct mm_struct *mm = w->mm[e->mm];
	u32 fault = 0;
	void *host;

	if (last >= TASK_SIZE)
		last = e->addr;
	model_access(md, e->mm, e->addr >> PAGE_SHIFT, e->acc, look(mm, e->addr));
	if (tlb_lookup(&w->tlb, e->addr, last - e->addr + 1, e->acc))
		return;
	fault = tlb_fill(&w->tlb, e->addr, e->acc, PF_USER, &host);
	if (!fault && (last ^ e->addr) & PAGE_MASK) {
		model_access(md, e->mm, last >> PAGE_SHIFT, e->acc, look(mm, last));
		tlb_fill(&w->tlb, last & PAGE_MASK, e->acc, PF_USER, &host);
	}
}

static void replay(struct tlb_world *w, struct model *md, const struct event *e)
{
	struct mm_struct *mm = w->mm[e->mm];
	u64 page = e->addr >> PAGE_SHIFT;

	switch (e->op) {
	case ACCESS:
		access_page(w, md, e);
		break;
	case SWITCH:
		tlb_switch(&w->tlb, mm);
		model_switch(md, e->mm);
		break;
	case CLEAN: /* write-back: the next store has to be noticed */
		pte_offset(mm, e->addr)->pte &= ~_PAGE_DIRTY;
		flush_tlb_page(mm, e->addr);
		if (mm->asid)
			model_flush(md, e->mm, page, page, false);
		break;
	case FLUSH_PAGE:
		flush_tlb_page(mm, e->addr);
		if (mm->asid)
			model_flush(md, e->mm, page, page, false);
		break;
	case FLUSH_RANGE:
		flush_tlb_range(mm, e->addr, e->addr + (e->pages << PAGE_SHIFT));
		if (mm->asid)
			model_flush(md, e->mm, page, page + e->pages - 1, false);
		break;
	default:
		flush_tlb_mm(mm);
		if (mm->asid)
			model_flush(md, e->mm, 0, ~0UL, true);
		break;
	}
}

static void compare_with_model(const char *geometry, unsigned mms, bool check)
{
	struct event *trace = calloc(TRACE_LEN, sizeof(*trace));
	struct tlb_geometry geo = {.check = false};
	const struct tlb_counters *a, *b;
	struct tlb_world *w;
	struct model *md;

	CU_ASSERT_EQUAL_FATAL(tlb_parse_geometry(geometry, &geo), 0);
	record_trace(trace, mms);
	w = tlb_world_new(&geo, mms, check);
	md = model_new(&geo);
	model_switch(md, 0);
	for (unsigned i = 0; i < TRACE_LEN; i++) {
		replay(w, md, &trace[i]);
		if (i % 5000 == 0)
			CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	}
	a = &w->tlb.count;
	b = model_counters(md);
	for (int acc = TLB_READ; acc <= TLB_EXEC; acc++) {
		CU_ASSERT_EQUAL(a->l1_hit[acc], b->l1_hit[acc]);
		CU_ASSERT_EQUAL(a->l1_miss[acc], b->l1_miss[acc]);
		CU_ASSERT_TRUE(a->l1_hit[acc] > 1000);
	}
	CU_ASSERT_EQUAL(a->l2_hit, b->l2_hit);
	CU_ASSERT_EQUAL(a->l2_miss, b->l2_miss);
	CU_ASSERT_EQUAL(a->walk, b->walk);
	CU_ASSERT_EQUAL(a->walk_fault, b->walk_fault);
	CU_ASSERT_EQUAL(a->flush_all, b->flush_all);
	CU_ASSERT_EQUAL(a->flush_range, b->flush_range);
	CU_ASSERT_EQUAL(a->flush_entries, b->flush_entries);
	CU_ASSERT_TRUE(a->walk_psc_hit > a->walk / 4);
	CU_ASSERT_TRUE(a->walk_fault > 100);
	CU_ASSERT_TRUE(a->flush_entries > 100);
	model_free(md);
	tlb_world_end(w);
	free(trace);
}

static void model_agrees_on_the_default_geometry(void)
{
	compare_with_model("256,8x128", 3, false);
}

static void model_agrees_on_a_tiny_tlb(void)
{
	compare_with_model("16,2x8", 3, false);
}

static void model_agrees_without_a_second_level(void)
{
	compare_with_model("64,0", 3, false);
}

static void model_agrees_on_more_spaces_than_tables(void)
{
	compare_with_model("128,4x64", NR_MMS, false);
}

static void check_mode_counts_the_same(void)
{
	compare_with_model("256,8x128", 3, true);
}

static void geometry_is_parsed_strictly(void)
{
	static const char *const bad[] = {
		"",	      "256",	    "256,",	  "256,8",
		"256,8x",     "8,8x128",    "100,8x128",  "256,3x8",
		"256,8x100",  "256,32x8",   "256,8x8192", "32768,8x128",
		" 256,8x128", "256,8x128 ", "+256,8x128", "99999999999999999999,1x1"};
	struct tlb_geometry g = {1, 2, 3, false};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(tlb_parse_geometry(bad[i], &g), -EINVAL);
	CU_ASSERT_EQUAL(g.l1_entries, 1);
	CU_ASSERT_EQUAL(tlb_parse_geometry("4096,16x4096", &g), 0);
	CU_ASSERT_EQUAL(g.l1_entries, 4096);
	CU_ASSERT_EQUAL(g.l2_ways, 16);
	CU_ASSERT_EQUAL(g.l2_sets, 4096);
	CU_ASSERT_EQUAL(tlb_parse_geometry("16,0", &g), 0);
	CU_ASSERT_EQUAL(g.l2_ways, 0);
}

static void walk_sets_accessed_and_dirty_as_hardware_does(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	gva_t addr = areas[2].start;
	pte_t *pte = pte_offset(w->mm[0], addr);
	void *host;

	CU_ASSERT_FALSE(pte_young(*pte));
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, addr + 5, TLB_READ, PF_USER, &host), 0);
	CU_ASSERT_PTR_EQUAL(host, (u8 *)pfn_to_virt(&w->m, pte_pfn(*pte)) + 5);
	CU_ASSERT_TRUE(pte_young(*pte) && !pte_dirty(*pte));
	/* Clean: a store must not hit, or the dirty bit would be lost. */
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, addr, 8, TLB_WRITE));
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, addr, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_TRUE(pte_dirty(*pte));
	CU_ASSERT_PTR_NOT_NULL(tlb_lookup(&w->tlb, addr, 8, TLB_WRITE));
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, addr + 4092, 8, TLB_WRITE)); /* crosses */
	tlb_world_end(w);
}

static void fault_codes_are_the_cpus(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	void *host;

	/* absent; present but read-only; present but NX; kernel half: always "present" */
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[5].start, TLB_READ, PF_USER, &host), TLB_FAULT | 4);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[5].start, TLB_WRITE, PF_USER, &host),
			TLB_FAULT | 6);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[5].start, TLB_EXEC, PF_USER, &host),
			TLB_FAULT | 0x14);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[0].start, TLB_WRITE, PF_USER, &host),
			TLB_FAULT | 7);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[1].start, TLB_EXEC, PF_USER, &host),
			TLB_FAULT | 0x15);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, TASK_SIZE, TLB_READ, PF_USER, &host), TLB_FAULT | 5);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, 0xffffffff80000000, TLB_WRITE, PF_USER, &host),
			TLB_FAULT | 7);
	tlb_switch(&w->tlb, NULL);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[0].start, TLB_READ, PF_USER, &host), TLB_FAULT | 4);
	tlb_world_end(w);
}

static void large_pages_translate_by_4k(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	gva_t base = 0x40000000;
	u64 *pmd = pmd_alloc(w->mm[0], base);
	void *host;

	*pmd = 0x400000 | _PAGE_TABLE | _PAGE_PSE | _PAGE_NX;
	*pmd &= ~(_PAGE_ACCESSED | _PAGE_DIRTY);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, base + 0x12345, TLB_READ, PF_USER, &host), 0);
	CU_ASSERT_PTR_EQUAL(host, w->m.ram + 0x412345);
	CU_ASSERT_EQUAL(*pmd & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, base + 0x1ff008, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_PTR_EQUAL(host, w->m.ram + 0x5ff008);
	CU_ASSERT_TRUE(*pmd & _PAGE_DIRTY);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, base, TLB_EXEC, PF_USER, &host), TLB_FAULT | 0x15);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	*pmd = 0;
	flush_tlb_range(w->mm[0], base, base + PMD_SIZE);
	tlb_world_end(w);
}

static unsigned code_dirtied;

static void on_code_dirty(void *arg, struct page *page, unsigned off, unsigned len)
{
	(void)arg, (void)off, (void)len;
	code_dirtied++;
	page_clear(page, PG_code);
}

static void stores_to_code_are_announced_once(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	gva_t addr = areas[3].start;
	struct page *page = pfn_to_page(&w->m, pte_pfn(*pte_offset(w->mm[0], addr)));
	void *host;

	w->m.hooks.code_dirty = on_code_dirty;
	code_dirtied = 0;
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, addr, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_PTR_NOT_NULL(tlb_lookup(&w->tlb, addr, 1, TLB_WRITE));

	page_set(page, PG_code);
	tlb_protect_frame(&w->m, page);
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, addr, 1, TLB_WRITE));
	CU_ASSERT_PTR_NOT_NULL(tlb_lookup(&w->tlb, addr, 1, TLB_READ));
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, addr, TLB_READ, PF_USER, &host), 0);
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, addr, 1, TLB_WRITE));
	CU_ASSERT_EQUAL(code_dirtied, 0);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);

	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, addr, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_EQUAL(code_dirtied, 1);
	CU_ASSERT_PTR_NOT_NULL(tlb_lookup(&w->tlb, addr, 1, TLB_WRITE));
	tlb_world_end(w);
}

static void validate_sees_a_stale_entry(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	pte_t *pte = pte_offset(w->mm[0], areas[2].start), old;
	void *host;

	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[2].start, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	old = *pte;
	pte->pte &= ~_PAGE_RW;
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), -EFAULT);
	pte->pte = 0;
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), -EFAULT);
	*pte = pfn_pte(pte_pfn(old) + 1, old.pte & ~PTE_PFN_MASK);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), -EFAULT);
	flush_tlb_page(w->mm[0], areas[2].start);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	tlb_world_end(w);
}

/* What is known of jumps in a space goes when a page that was noted is flushed there, whether the TLB has it or not, or
 * when the space loses its table; not when others are flushed, or another space comes and goes. */
static void flushes_of_code_make_its_jumps_stale(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 2, false);
	gva_t code = areas[0].start, end = code + 2 * PAGE_SIZE, near = code & -(64 * PAGE_SIZE);
	struct memory *mem = w->mm[0]->mem;
	struct tlb_code *c = tlb_code(&w->tlb);
	void *host;

	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, code, TLB_READ, PF_USER, &host), 0);
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	tlb_switch(&w->tlb, w->mm[1]);
	CU_ASSERT_PTR_NOT_EQUAL(tlb_code(&w->tlb), c);
	CU_ASSERT_TRUE(tlb_code(&w->tlb)->stale);
	tlb_switch(&w->tlb, w->mm[0]);
	flush_tlb_page(w->mm[0], code);
	CU_ASSERT_FALSE(c->stale);
	tlb_note_code(mem, code + 123);
	flush_tlb_page(w->mm[0], code + PAGE_SIZE);
	flush_tlb_range(w->mm[0], code + PAGE_SIZE, end);
	flush_tlb_range(w->mm[0], near + 64 * PAGE_SIZE, near + 128 * PAGE_SIZE);
	flush_tlb_page(w->mm[1], code);
	tlb_switch(&w->tlb, NULL);
	tlb_switch(&w->tlb, w->mm[0]);
	CU_ASSERT_PTR_EQUAL(tlb_code(&w->tlb), c);
	CU_ASSERT_FALSE(c->stale);
	tlb_switch(&w->tlb, w->mm[1]);
	flush_tlb_page(w->mm[0], code);
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	flush_tlb_range(w->mm[0], code - PAGE_SIZE, end);
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	flush_tlb_range(w->mm[0], code - 64 * PAGE_SIZE, code + PAGE_SIZE);
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	flush_tlb_range(w->mm[0], code & ~((1UL << 30) - 1), code + (1UL << 30));
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	flush_tlb_mm(w->mm[0]);
	CU_ASSERT_TRUE(c->stale);
	c->stale = false;
	tlb_forget_mm(w->mm[0]);
	CU_ASSERT_TRUE(c->stale);
	tlb_world_end(w);
}

/* The child takes a page away without a flush: --check must end it at the next hit. */
static int run_into_stale_entry(struct tlb_world *w, gva_t addr)
{
	void *host;
	int status;
	pid_t pid = fork();

	if (!pid) {
		close(2);
		if (tlb_fill(&w->tlb, addr, TLB_READ, PF_USER, &host))
			_exit(1);
		pte_offset(w->mm[0], addr)->pte = 0;
		tlb_fill(&w->tlb, addr, TLB_READ, PF_USER, &host);
		_exit(0);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_mode_ends_vellum_at_a_stale_entry(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, true);

	CU_ASSERT_EQUAL(run_into_stale_entry(w, areas[2].start), 125);
	w->tlb.check = false;
	CU_ASSERT_EQUAL(run_into_stale_entry(w, areas[2].start + PAGE_SIZE), 0);
	tlb_world_end(w);
}

static void two_address_spaces_do_not_see_each_other(void)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 2, false);
	void *a, *b;

	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[2].start, TLB_READ, PF_USER, &a), 0);
	tlb_switch(&w->tlb, w->mm[1]);
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, areas[2].start, 1, TLB_READ));
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, areas[2].start, TLB_READ, PF_USER, &b), 0);
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	tlb_switch(&w->tlb, w->mm[0]);
	/* Still there: switching changes the table, it does not empty it. */
	CU_ASSERT_PTR_EQUAL(tlb_lookup(&w->tlb, areas[2].start, 1, TLB_READ), a);
	tlb_world_end(w);
}

/* Entries that were never filled are all zero, and zero is a page's address. */
static void a_table_never_filled_has_no_first_page(void)
{
	static const struct tlb_geometry geo = {16, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);

	for (unsigned pass = 0; pass < 2; pass++) {
		for (enum tlb_access acc = TLB_READ; acc <= TLB_EXEC; acc++) {
			for (unsigned size = 1; size <= 64; size++) {
				CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, 0, size, acc));
				CU_ASSERT_PTR_NULL(
					tlb_lookup(&w->tlb, PAGE_SIZE - size, size, acc));
				CU_ASSERT_PTR_NULL(
					tlb_lookup(&w->tlb, -(gva_t)size + 1, size, acc));
			}
		}
		CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
		tlb_switch(&w->tlb, NULL);
	}
	tlb_world_end(w);
}

/* A guest may map a frame right where the host has it: then what an entry adds is nothing, and it is none the less full. */
static void an_entry_that_adds_nothing_is_an_entry(void)
{
	static const struct tlb_geometry geo = {16, 8, 128, false};
	struct tlb_world *w = tlb_world_new(&geo, 1, false);
	struct page *frame = pfn_to_page(&w->m, 0x200);
	gva_t at = (gva_t)page_address(&w->m, frame);
	pte_t *pte = pte_alloc(w->mm[0], at);
	void *host;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pte);
	*pte = pfn_pte(0x200, _PAGE_PRESENT | _PAGE_USER | _PAGE_RW);
	CU_ASSERT_EQUAL(tlb_fill(&w->tlb, at, TLB_WRITE, PF_USER, &host), 0);
	CU_ASSERT_EQUAL((gva_t)host, at);
	CU_ASSERT_EQUAL(tlb_validate(&w->tlb), 0);
	tlb_protect_frame(&w->m, frame); /* it gets code */
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, at, 1, TLB_WRITE));
	CU_ASSERT_PTR_EQUAL(tlb_lookup(&w->tlb, at, 1, TLB_READ), host);
	flush_tlb_range(w->mm[0], at - 64 * PAGE_SIZE, at + PAGE_SIZE);
	CU_ASSERT_PTR_NULL(tlb_lookup(&w->tlb, at, 1, TLB_READ));
	tlb_world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(model_agrees_on_the_default_geometry),
	UNIT_TEST(model_agrees_on_a_tiny_tlb),
	UNIT_TEST(model_agrees_without_a_second_level),
	UNIT_TEST(model_agrees_on_more_spaces_than_tables),
	UNIT_TEST(check_mode_counts_the_same),
	UNIT_TEST(check_mode_ends_vellum_at_a_stale_entry),
	UNIT_TEST(geometry_is_parsed_strictly),
	UNIT_TEST(walk_sets_accessed_and_dirty_as_hardware_does),
	UNIT_TEST(fault_codes_are_the_cpus),
	UNIT_TEST(large_pages_translate_by_4k),
	UNIT_TEST(stores_to_code_are_announced_once),
	UNIT_TEST(validate_sees_a_stale_entry),
	UNIT_TEST(flushes_of_code_make_its_jumps_stale),
	UNIT_TEST(two_address_spaces_do_not_see_each_other),
	UNIT_TEST(a_table_never_filled_has_no_first_page),
	UNIT_TEST(an_entry_that_adds_nothing_is_an_entry),
	UNIT_END,
};
const struct unit_suite suite_tlb = {"tlb", tests};
