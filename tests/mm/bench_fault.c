/* What a fault, a zap, a TLB fill and a copy cost, in ns: not a test, prints a table.
 * Each figure is the best of several rounds, over frames that were used before. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mm_world.h"

#define PAGES 1024UL
#define RW (PROT_READ | PROT_WRITE)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static struct world *w;
static gva_t base = 0x10000000;

static void map_it(void)
{
	world_map(w, base, PAGES, RW, MAP_PRIVATE);
}

static void unmap_it(void)
{
	do_munmap(w->mm, base, PAGES << PAGE_SHIFT);
}

static void fault_in(void)
{
	struct fault_signal sig;

	for (u64 i = 0; i < PAGES; i++)
		do_user_addr_fault(w->mm, base + (i << PAGE_SHIFT), PF_USER | PF_WRITE, &sig);
}

static void fault_read(void)
{
	struct fault_signal sig;

	for (u64 i = 0; i < PAGES; i++)
		do_user_addr_fault(w->mm, base + (i << PAGE_SHIFT), PF_USER, &sig);
}

static void access_all(void)
{
	void *host;

	for (u64 i = 0; i < PAGES; i++)
		tlb_fill(&w->tlb, base + (i << PAGE_SHIFT), TLB_READ, PF_USER, &host);
}

static void copy_small(void)
{
	u64 val;

	for (u64 i = 0; i < PAGES; i++)
		if (copy_from_user(w->mm, &val, base + (i & 31) * 4096 + 64, 8))
			abort();
}

static void flush_all(void)
{
	flush_tlb_mm(w->mm);
}

static void flush_and_read(void)
{
	flush_tlb_mm(w->mm);
	access_all();
}

static void access_l2(void)
{
	void *host;

	for (u64 i = 0; i < PAGES; i++)
		tlb_fill(&w->tlb, base + (i % 512 << PAGE_SHIFT), TLB_READ, PF_USER, &host);
}

static void protect_twice(void)
{
	do_mprotect(w->mm, base, PAGES << PAGE_SHIFT, PROT_READ);
	do_mprotect(w->mm, base, PAGES << PAGE_SHIFT, RW);
}

static void dontneed(void)
{
	zap_page_range(w->mm, base, base + (PAGES << PAGE_SHIFT));
}

static void none(void)
{
}

static void bench(const char *name, void (*before)(void), void (*body)(void), void (*after)(void))
{
	double best = 1e18;

	for (int round = 0; round < 200; round++) {
		double t;

		before();
		t = now();
		body();
		t = now() - t;
		best = min(best, t);
		after();
	}
	printf("%-44s %8.1f ns\n", name, best / PAGES);
}

static void map_and_fault(void)
{
	map_it();
	fault_in();
}

static void map_fault_access(void)
{
	map_and_fault();
	access_all();
}

static void bench_all(void)
{
	w = world_new(256 << 20);
	bench("anonymous write fault, frame cleared", map_it, fault_in, unmap_it);
	bench("anonymous read fault (zero page)", map_it, fault_read, unmap_it);
	bench("munmap, per resident page", map_and_fault, unmap_it, none);
	bench("munmap, per resident page, TLB warm", map_fault_access, unmap_it, none);
	map_and_fault();
	bench("mprotect r, rw: per page, both", none, protect_twice, none);
	bench("DONTNEED, per page", fault_in, dontneed, none);
	fault_in();
	bench("tlb_fill, level 2 hit", access_l2, access_l2, none);
	bench("tlb_fill, walk (level 2 too small)", access_all, flush_and_read, none);
	bench("flush_tlb_mm, per page it dropped", access_all, flush_all, none);
	bench("copy_from_user of 8 bytes", none, copy_small, none);
	unmap_it();
	world_end(w);
}

/* The world of the tests wants to run inside a test. */
int main(void)
{
	CU_initialize_registry();
	CU_add_test(CU_add_suite("bench", NULL, NULL), "bench", bench_all);
	CU_run_all_tests();
	CU_cleanup_registry();
	return 0;
}
