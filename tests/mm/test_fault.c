/* src/mm/fault.c, zap.c, pterange.c, populate.c: what a fault does, counts, and becomes. */
#include <signal.h>

#include "mm_world.h"

#define RW (PROT_READ | PROT_WRITE)

/* Touches @pages pages; minor faults it took. */
static u64 faults(struct world *w, gva_t addr, u64 pages, enum tlb_access acc)
{
	u64 before = w->mm->min_flt + w->mm->maj_flt;
	u8 byte = 1;

	for (u64 i = 0; i < pages; i++)
		CU_ASSERT_EQUAL(touch(w, addr + (i << PAGE_SHIFT), acc, &byte, NULL), 0);
	return w->mm->min_flt + w->mm->maj_flt - before;
}

/* linux-facts 6: minflt per sequence of 64 pages. */
static void anonymous_faults_count_as_in_linux(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 64, RW, MAP_PRIVATE);
	gva_t b = world_map(w, 0x20000000, 64, RW, MAP_PRIVATE);

	CU_ASSERT_EQUAL(faults(w, a, 64, TLB_WRITE), 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 64);
	CU_ASSERT_EQUAL(faults(w, b, 64, TLB_READ), 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 64); /* the zero page does not count */
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_zero], 64);
	CU_ASSERT_EQUAL(faults(w, b, 64, TLB_WRITE), 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 128);
	CU_ASSERT_EQUAL(faults(w, b, 64, TLB_READ), 0);
	CU_ASSERT_EQUAL(w->m.events[EV_pgfault], 192);
	/* mprotect none and r -> rw, then write: no fault */
	CU_ASSERT_EQUAL(do_mprotect(w->mm, a, 64 * PAGE_SIZE, 0), 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, a, 64 * PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, a, 64 * PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(faults(w, a, 64, TLB_WRITE), 0);
	CU_ASSERT_EQUAL(w->mm->maj_flt, 0);
	world_end(w);
}

static void file_faults_count_as_in_linux(void)
{
	struct world *w = world_new(64 << 20);
	gva_t r = world_map_file(w, 0x10000000, 64, PROT_READ, MAP_PRIVATE, 0);
	gva_t p = world_map_file(w, 0x20000000, 64, RW, MAP_PRIVATE, 0);
	gva_t s = world_map_file(w, 0x30000000, 64, RW, MAP_SHARED, 0);

	faults(w, r, 64, TLB_READ); /* fills the cache */
	CU_ASSERT_TRUE(w->mm->maj_flt > 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 64);
	zap_page_range(w->mm, r, r + 64 * PAGE_SIZE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 0);

	CU_ASSERT_EQUAL(faults(w, r, 64, TLB_READ), 4); /* fault-around */
	CU_ASSERT_EQUAL(faults(w, p, 64, TLB_WRITE), 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 64);
	zap_page_range(w->mm, p, p + 64 * PAGE_SIZE);
	CU_ASSERT_EQUAL(faults(w, p, 64, TLB_READ), 4);
	CU_ASSERT_EQUAL(faults(w, p, 64, TLB_WRITE), 64);
	CU_ASSERT_EQUAL(peek(w, p + 5 * PAGE_SIZE + 1), 5 * 7 + 1); /* the rest was copied */

	CU_ASSERT_EQUAL(faults(w, s, 64, TLB_READ), 4);
	CU_ASSERT_EQUAL(faults(w, s, 64, TLB_WRITE), 64); /* write-notify */
	CU_ASSERT_EQUAL(faults(w, s, 64, TLB_WRITE), 0);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 64);
	CU_ASSERT_EQUAL(filemap_write_and_wait_range(&w->file, 0, 63), 0);
	CU_ASSERT_EQUAL(w->file_writes, 64);
	CU_ASSERT_EQUAL(faults(w, s, 64, TLB_WRITE), 64); /* cleaned: noticed again */
	CU_ASSERT_EQUAL(peek(w, r), 1);			  /* coherent with the shared store */
	world_end(w);
}

static void shared_anonymous_faults_count_as_in_linux(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 64, RW, MAP_SHARED);
	gva_t b = world_map(w, 0x20000000, 64, RW, MAP_SHARED);

	CU_ASSERT_EQUAL(faults(w, a, 64, TLB_WRITE), 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_SHMEMPAGES], 64);
	CU_ASSERT_EQUAL(faults(w, b, 64, TLB_READ), 64); /* holes */
	CU_ASSERT_EQUAL(faults(w, b, 64, TLB_WRITE), 0); /* writable at once */
	world_end(w);
}

static void fault_around_keeps_inside_area_and_window(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = 0x10000000;

	world_map_file(w, a, 100, PROT_READ, MAP_PRIVATE, 0);
	faults(w, a, 100, TLB_READ);
	do_munmap(w->mm, a, 100 * PAGE_SIZE);
	/* pages 5..40 of the file at an address 3 pages into a window, ending inside another */
	world_map_file(w, a + 3 * PAGE_SIZE, 35, PROT_READ, MAP_PRIVATE, 5);
	CU_ASSERT_EQUAL(peek(w, a + 10 * PAGE_SIZE), 12 * 7 + 1);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 16); /* 16 pages from where the area begins */
	CU_ASSERT_EQUAL(peek(w, a + 20 * PAGE_SIZE), 22 * 7 + 1);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 29);
	CU_ASSERT_EQUAL(peek(w, a + 37 * PAGE_SIZE), (u8)(39 * 7 + 1));
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 35);
	world_end(w);
}

static void check_signal(struct world *w, gva_t addr, enum tlb_access acc, int signo, int code,
			 u32 error_code)
{
	u64 minflt = w->mm->min_flt;
	struct fault_signal sig;
	u8 byte = 0;

	CU_ASSERT_EQUAL(touch(w, addr, acc, &byte, &sig), signo);
	CU_ASSERT_EQUAL(sig.code, code);
	CU_ASSERT_EQUAL(sig.addr, addr);
	CU_ASSERT_EQUAL(sig.error_code, error_code);
	CU_ASSERT_EQUAL(w->mm->min_flt, minflt);
}

/* linux-facts 5.10, row by row. */
static void bad_accesses_become_the_right_signals(void)
{
	struct world *w = world_new(64 << 20);
	gva_t hole = 0x50000000, r = world_map(w, 0x10000000, 2, PROT_READ, MAP_PRIVATE);
	gva_t none = world_map(w, 0x20000000, 2, PROT_NONE, MAP_PRIVATE);
	gva_t wo = world_map(w, 0x30000000, 2, PROT_WRITE, MAP_PRIVATE);
	gva_t xo = world_map(w, 0x40000000, 2, PROT_EXEC, MAP_PRIVATE);
	gva_t was = world_map(w, 0x60000000, 2, RW, MAP_PRIVATE);
	gva_t eof = world_map_file(w, 0x70000000, 2, RW, MAP_PRIVATE, FILE_PAGES - 1);
	gva_t seof = world_map_file(w, 0x78000000, 2, RW, MAP_SHARED, FILE_PAGES - 1);

	check_signal(w, hole + 5, TLB_READ, SIGSEGV, SEGV_MAPERR, 4);
	check_signal(w, hole + 5, TLB_WRITE, SIGSEGV, SEGV_MAPERR, 6);
	check_signal(w, hole + 5, TLB_EXEC, SIGSEGV, SEGV_MAPERR, 0x14);
	check_signal(w, r, TLB_WRITE, SIGSEGV, SEGV_ACCERR, 6);
	peek(w, r);
	check_signal(w, r, TLB_WRITE, SIGSEGV, SEGV_ACCERR, 7);
	check_signal(w, r, TLB_EXEC, SIGSEGV, SEGV_ACCERR, 0x15);
	check_signal(w, none, TLB_READ, SIGSEGV, SEGV_ACCERR, 4);
	check_signal(w, none, TLB_WRITE, SIGSEGV, SEGV_ACCERR, 6);
	check_signal(w, none, TLB_EXEC, SIGSEGV, SEGV_ACCERR, 0x14);
	poke(w, was, 1);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, was, PAGE_SIZE, PROT_NONE), 0);
	check_signal(w, was, TLB_READ, SIGSEGV, SEGV_ACCERR, 4); /* present, but P is off */
	CU_ASSERT_EQUAL(peek(w, wo), 0);
	CU_ASSERT_EQUAL(peek(w, xo), 0);
	check_signal(w, xo, TLB_WRITE, SIGSEGV, SEGV_ACCERR, 7);
	check_signal(w, eof + PAGE_SIZE + 7, TLB_READ, SIGBUS, BUS_ADRERR, 4);
	check_signal(w, eof + PAGE_SIZE + 7, TLB_WRITE, SIGBUS, BUS_ADRERR, 6);
	check_signal(w, seof + PAGE_SIZE, TLB_WRITE, SIGBUS, BUS_ADRERR, 6);
	check_signal(w, TASK_SIZE, TLB_READ, SIGSEGV, SEGV_MAPERR, 5);
	check_signal(w, 0xffff888000000000, TLB_WRITE, SIGSEGV, SEGV_MAPERR, 7);
	check_signal(w, 0xffffffffff600000, TLB_EXEC, SIGSEGV, SEGV_MAPERR, 0x15);
	world_end(w);
}

static void fetch_from_an_absent_nx_page_reads_it_in_first(void)
{
	struct world *w = world_new(64 << 20);
	gva_t r = world_map(w, 0x10000000, 1, PROT_READ, MAP_PRIVATE);
	struct fault_signal sig;
	u8 byte;

	CU_ASSERT_EQUAL(touch(w, r, TLB_EXEC, &byte, &sig), SIGSEGV);
	CU_ASSERT_EQUAL(sig.code, SEGV_ACCERR);
	CU_ASSERT_EQUAL(sig.error_code, 0x15);
	CU_ASSERT_EQUAL(w->mm->min_flt, 1);
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_zero], 1);
	world_end(w);
}

static void stack_grows_to_its_limit_and_gap(void)
{
	struct world *w = world_new(64 << 20);
	gva_t top = 0x7ffffffff000, low;
	struct vm_area_struct *vma = vm_stack_create(w->mm, top, 33 * PAGE_SIZE);

	CU_ASSERT_FALSE_FATAL(IS_ERR(vma));
	poke(w, top - (7 << 20), 1); /* in one step, however far */
	CU_ASSERT_EQUAL(vma->vm_start, top - (7 << 20));
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_stack], 1);
	peek(w, top - (8 << 20));
	check_signal(w, top - (8 << 20) - 1, TLB_WRITE, SIGSEGV, SEGV_MAPERR, 6);
	w->rlim[RLIM_STACK] = RLIM_INF;
	low = top - (16 << 20);
	world_map(w, low, 1, PROT_READ, MAP_PRIVATE);
	poke(w, low + 257 * PAGE_SIZE, 1);
	check_signal(w, low + 256 * PAGE_SIZE, TLB_WRITE, SIGSEGV, SEGV_MAPERR, 6);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, low, PAGE_SIZE, PROT_NONE), 0);
	poke(w, low + PAGE_SIZE, 1);
	world_end(w);
}

static void fork_shares_until_somebody_writes(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 64, RW, MAP_PRIVATE);
	gva_t f = world_map_file(w, 0x20000000, 16, PROT_READ, MAP_PRIVATE, 0);
	struct mm_struct *parent = w->mm, *child;

	faults(w, a, 64, TLB_WRITE);
	poke(w, a, 42);
	peek(w, f);
	child = world_fork(w);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 64);
	CU_ASSERT_EQUAL(child->rss[MM_FILEPAGES], 0); /* found by faulting */
	poke(w, a, 43);				      /* the parent's copy */
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_cow], 1);

	w->mm = child;
	tlb_switch(&w->tlb, child);
	CU_ASSERT_EQUAL(peek(w, a), 42);
	CU_ASSERT_EQUAL(child->min_flt, 0);
	CU_ASSERT_EQUAL(faults(w, a + PAGE_SIZE, 10, TLB_WRITE), 10);
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_cow], 11);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);

	/* The last owner faults once a page, but does not copy. */
	w->mm = parent;
	tlb_switch(&w->tlb, parent);
	mmput(child);
	CU_ASSERT_EQUAL(faults(w, a + PAGE_SIZE, 63, TLB_WRITE), 63);
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_cow], 11);
	CU_ASSERT_EQUAL(w->m.events[EV_pgreuse], 63);
	CU_ASSERT_EQUAL(peek(w, a), 43);
	world_end(w);
}

static void populate_fills_as_linux_does(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a;

	world_map(w, 0x10000000, 64, RW, MAP_PRIVATE | MAP_POPULATE);
	CU_ASSERT_EQUAL(w->mm->min_flt, 64);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 64);
	world_map(w, 0x20000000, 64, PROT_READ, MAP_PRIVATE | MAP_POPULATE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 64);
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_zero], 64);
	world_map(w, 0x30000000, 64, PROT_NONE, MAP_PRIVATE | MAP_POPULATE);
	CU_ASSERT_EQUAL(w->m.events[EV_v_fault_zero], 64);
	a = world_map_file(w, 0x40000000, 64, RW, MAP_SHARED | MAP_POPULATE, 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 64);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	CU_ASSERT_FALSE(pte_dirty(*pte_offset(w->mm, a)));
	world_end(w);
}

static void a_failed_allocation_is_reported_and_changes_nothing(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 1, RW, MAP_PRIVATE);
	gva_t f = world_map_file(w, 0x20000000, 1, RW, MAP_PRIVATE, 0);
	struct fault_signal sig;
	u8 byte = 9;
	u32 nth;

	for (nth = 1; nth < 20; nth++) {
		w->m.fail_nth = nth;
		if (!touch(w, nth & 1 ? a : f, TLB_WRITE, &byte, &sig))
			break;
		CU_ASSERT_TRUE(sig.oom);
		CU_ASSERT_EQUAL(sig.signo, SIGKILL);
		CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
		CU_ASSERT_EQUAL(w->mm->min_flt, 0);
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	}
	w->m.fail_nth = 0;
	CU_ASSERT_TRUE(nth > 1);
	world_end(w);
}

static void truncate_unmaps_everywhere(void)
{
	struct world *w = world_new(64 << 20);
	gva_t p = world_map_file(w, 0x10000000, 16, RW, MAP_PRIVATE, 0);
	gva_t s = world_map_file(w, 0x20000000, 16, RW, MAP_SHARED, 8);

	faults(w, p, 16, TLB_WRITE);
	faults(w, s, 8, TLB_READ);
	unmap_mapping_range(&w->file, 8, 4, false); /* private copies stay */
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 16);
	CU_ASSERT_TRUE(pte_none(*pte_offset(w->mm, s + 3 * PAGE_SIZE)));
	CU_ASSERT_FALSE(pte_none(*pte_offset(w->mm, s + 4 * PAGE_SIZE)));
	unmap_mapping_range(&w->file, 10, 0, true);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 10);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 0);
	CU_ASSERT_EQUAL(w->mm->hiwater_rss, 24 + 8);
	world_end(w);
}

static void special_mappings_fault_on_their_frames(void)
{
	struct world *w = world_new(64 << 20);
	struct page *frames[2];
	const struct vm_special_mapping vdso = {"[vdso]", frames, 2, false};
	const struct vm_special_mapping vvar = {"[vvar]", frames, 2, true};
	struct vm_area_struct *vma;

	for (unsigned i = 0; i < 2; i++) {
		frames[i] = alloc_pages(&w->m, GFP_KERNEL | __GFP_ZERO, 0);
		*(u8 *)page_address(&w->m, frames[i]) = 70 + i;
	}
	vma = install_special_mapping(w->mm, 0x7ffff7ffd000, 2 * PAGE_SIZE,
				      VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
				      &vdso);
	CU_ASSERT_FALSE_FATAL(IS_ERR(vma));
	CU_ASSERT_STRING_EQUAL(vma->vm_ops->name(vma), "[vdso]");
	vma = install_special_mapping(w->mm, 0x7ffff7ff7000, 2 * PAGE_SIZE, VM_READ | VM_MAYREAD,
				      &vvar);
	CU_ASSERT_FALSE_FATAL(IS_ERR(vma));
	CU_ASSERT_EQUAL(
		PTR_ERR(install_special_mapping(w->mm, 0x7ffff7ff8000, PAGE_SIZE, VM_READ, &vvar)),
		-EEXIST);
	CU_ASSERT_EQUAL(peek(w, 0x7ffff7ffd000), 70);
	CU_ASSERT_EQUAL(peek(w, 0x7ffff7ffe000), 71);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 2);
	CU_ASSERT_EQUAL(peek(w, 0x7ffff7ff8000), 71);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 2); /* raw frames count nowhere */
	check_signal(w, 0x7ffff7ff8000, TLB_WRITE, SIGSEGV, SEGV_ACCERR, 7);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	do_munmap(w->mm, 0x7ffff7ff7000, 8 * PAGE_SIZE);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(frames[i]->refcount, 1);
		put_page(&w->m, frames[i]);
	}
	world_end(w);
}

static void validate_sees_planted_errors(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 4, RW, MAP_PRIVATE);
	struct page *page;
	pte_t *pte, old;

	poke(w, a, 1);
	flush_tlb_mm(w->mm);
	pte = pte_offset(w->mm, a);
	old = *pte;
	page = pfn_to_page(&w->m, pte_pfn(old));
	pte->pte &= ~_PAGE_NX;
	CU_ASSERT_EQUAL(mm_validate(w->mm), -EFAULT);
	*pte = old;
	page->mapcount++;
	page->refcount++;
	CU_ASSERT_EQUAL(memory_validate(&w->m), -EFAULT);
	page->mapcount--;
	page->refcount--;
	w->mm->rss[MM_ANONPAGES]++;
	CU_ASSERT_EQUAL(mm_validate(w->mm), -EFAULT);
	w->mm->rss[MM_ANONPAGES]--;
	page->index++;
	CU_ASSERT_EQUAL(mm_validate(w->mm), -EFAULT);
	page->index--;
	w->mm->total_vm++;
	CU_ASSERT_EQUAL(mm_validate(w->mm), -EFAULT);
	w->mm->total_vm--;
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(anonymous_faults_count_as_in_linux),
	UNIT_TEST(file_faults_count_as_in_linux),
	UNIT_TEST(shared_anonymous_faults_count_as_in_linux),
	UNIT_TEST(fault_around_keeps_inside_area_and_window),
	UNIT_TEST(bad_accesses_become_the_right_signals),
	UNIT_TEST(fetch_from_an_absent_nx_page_reads_it_in_first),
	UNIT_TEST(stack_grows_to_its_limit_and_gap),
	UNIT_TEST(fork_shares_until_somebody_writes),
	UNIT_TEST(populate_fills_as_linux_does),
	UNIT_TEST(a_failed_allocation_is_reported_and_changes_nothing),
	UNIT_TEST(truncate_unmaps_everywhere),
	UNIT_TEST(special_mappings_fault_on_their_frames),
	UNIT_TEST(validate_sees_planted_errors),
	UNIT_END,
};
const struct unit_suite suite_fault = {"fault", tests};
