/* src/mm/uaccess.c and access_remote_vm() of populate.c. */
#include "mm_world.h"

#define RW (PROT_READ | PROT_WRITE)

static void copies_cross_pages_and_fault_them_in(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 4, RW, MAP_PRIVATE);
	static u8 out[10000], in[10000];

	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = i * 13;
	CU_ASSERT_EQUAL(copy_to_user(w->mm, a + 100, out, sizeof(out)), 0);
	CU_ASSERT_EQUAL(w->mm->min_flt, 3); /* counted as the caller's */
	CU_ASSERT_EQUAL(copy_from_user(w->mm, in, a + 100, sizeof(in)), 0);
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	CU_ASSERT_EQUAL(peek(w, a + 100 + 9999), out[9999]);
	CU_ASSERT_EQUAL(clear_user(w->mm, a + 200, 5000), 0);
	CU_ASSERT_EQUAL(peek(w, a + 199), out[99]);
	CU_ASSERT_EQUAL(peek(w, a + 5199), 0);
	CU_ASSERT_EQUAL(peek(w, a + 5200), out[5100]);
	CU_ASSERT_TRUE(pte_dirty(*pte_offset(w->mm, a)));
	world_end(w);
}

static void copies_stop_at_the_first_bad_byte(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 2, RW, MAP_PRIVATE);
	gva_t r = world_map(w, 0x20000000, 1, PROT_READ, MAP_PRIVATE);
	gva_t none = world_map(w, 0x30000000, 1, RW, MAP_PRIVATE);
	static u8 buf[9000] = {1};
	u64 val = 5;

	CU_ASSERT_EQUAL(copy_to_user(w->mm, a + 100, buf, 9000), 9000 - (8192 - 100));
	CU_ASSERT_EQUAL(copy_from_user(w->mm, buf, a + 8191, 8), 7);
	CU_ASSERT_EQUAL(copy_to_user(w->mm, r, buf, 8), 8);
	CU_ASSERT_EQUAL(copy_from_user(w->mm, buf, r, 8), 0);
	poke(w, none, 1);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, none, PAGE_SIZE, PROT_NONE), 0);
	CU_ASSERT_EQUAL(copy_from_user(w->mm, buf, none, 8), 8);
	CU_ASSERT_EQUAL(copy_from_user(w->mm, buf, TASK_SIZE, 1), 1);
	CU_ASSERT_EQUAL(copy_to_user(w->mm, 0xffff800000000000, buf, 1), 1);
	CU_ASSERT_EQUAL(get_user(w->mm, val, a), 0);
	CU_ASSERT_EQUAL(put_user(w->mm, val, (gva_t)0x1000), -EFAULT);
	CU_ASSERT_FALSE(access_ok(TASK_SIZE, 1));
	CU_ASSERT_TRUE(access_ok(TASK_SIZE - 1, 1));
	CU_ASSERT_FALSE(access_ok(1, ~0UL));
	world_end(w);
}

static void strings_end_at_nul_limit_or_fault(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 2, RW, MAP_PRIVATE);
	char buf[64];

	CU_ASSERT_EQUAL(copy_to_user(w->mm, a + 4090, "hello, world", 13), 0);
	CU_ASSERT_EQUAL(strncpy_from_user(w->mm, buf, a + 4090, sizeof(buf)), 12);
	CU_ASSERT_STRING_EQUAL(buf, "hello, world");
	CU_ASSERT_EQUAL(strncpy_from_user(w->mm, buf, a + 4090, 5), 5);
	CU_ASSERT_EQUAL(strnlen_user(w->mm, a + 4090, 100), 13);
	CU_ASSERT_EQUAL(strnlen_user(w->mm, a + 4090, 12), 13); /* more than 12: none found */
	CU_ASSERT_EQUAL(copy_to_user(w->mm, a + 8190, "xy", 2), 0);
	CU_ASSERT_EQUAL(strncpy_from_user(w->mm, buf, a + 8190, sizeof(buf)), -EFAULT);
	CU_ASSERT_EQUAL(strncpy_from_user(w->mm, buf, a + 8190, 2), 2);
	CU_ASSERT_EQUAL(strnlen_user(w->mm, a + 8190, 100), 0);
	world_end(w);
}

static void kernel_copies_grow_the_stack(void)
{
	struct world *w = world_new(64 << 20);
	struct vm_area_struct *vma = vm_stack_create(w->mm, 0x7ffffffff000, 33 * PAGE_SIZE);
	gva_t below = 0x7ffffffff000 - (1 << 20);

	CU_ASSERT_EQUAL(clear_user(w->mm, below, 10), 0);
	CU_ASSERT_EQUAL(vma->vm_start, below);
	CU_ASSERT_EQUAL(clear_user(w->mm, below - (8 << 20), 10), 10);
	world_end(w);
}

static void stores_break_cow_and_write_notify(void)
{
	struct world *w = world_new(64 << 20);
	gva_t p = world_map_file(w, 0x10000000, 4, RW, MAP_PRIVATE, 0);
	gva_t s = world_map_file(w, 0x20000000, 4, RW, MAP_SHARED, 0);

	peek(w, p);
	peek(w, s);
	CU_ASSERT_EQUAL(clear_user(w->mm, p, 1), 0);
	CU_ASSERT_EQUAL(peek(w, p), 0);
	CU_ASSERT_EQUAL(peek(w, p + 1), 1);
	CU_ASSERT_EQUAL(peek(w, s), 1);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	CU_ASSERT_EQUAL(clear_user(w->mm, s, 1), 0);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 1);
	world_end(w);
}

static unsigned dirtied;

static void on_code_dirty(void *arg, struct page *page, unsigned off, unsigned len)
{
	(void)arg, (void)off, (void)len;
	dirtied++;
	page_clear(page, PG_code);
}

static void stores_to_code_are_announced(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map(w, 0x10000000, 1, RW, MAP_PRIVATE);
	struct page *page;
	u8 byte;

	w->m.hooks.code_dirty = on_code_dirty;
	dirtied = 0;
	poke(w, a, 1); /* the TLB may write now */
	page = pfn_to_page(&w->m, pte_pfn(*pte_offset(w->mm, a)));
	page_set(page, PG_code);
	tlb_protect_frame(&w->m, page);
	CU_ASSERT_EQUAL(copy_from_user(w->mm, &byte, a, 1), 0);
	CU_ASSERT_EQUAL(dirtied, 0);
	CU_ASSERT_EQUAL(clear_user(w->mm, a, 1), 0);
	CU_ASSERT_EQUAL(dirtied, 1);
	page_set(page, PG_code);
	tlb_protect_frame(&w->m, page);
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, a, &byte, 1, true, false), 1);
	CU_ASSERT_EQUAL(dirtied, 2);
	page_set(page, PG_code);
	tlb_protect_frame(&w->m, page);
	do_munmap(w->mm, a, PAGE_SIZE); /* freeing counts as a change, too */
	CU_ASSERT_EQUAL(dirtied, 3);
	world_end(w);
}

static void remote_access_can_be_forced(void)
{
	struct world *w = world_new(64 << 20);
	gva_t r = world_map_file(w, 0x10000000, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
	gva_t s = world_map_file(w, 0x20000000, 1, PROT_READ, MAP_SHARED, 0);
	gva_t none = world_map(w, 0x30000000, 1, PROT_NONE, MAP_PRIVATE);
	static u8 buf[8192];

	CU_ASSERT_EQUAL(access_remote_vm(w->mm, r + 8190, buf, 10, false, false), 2); /* short */
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, 0x50000000, buf, 10, false, true), -EFAULT);
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, r, buf, 2, true, false), -EFAULT);
	buf[0] = 0xcc;
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, r, buf, 1, true, true), 1); /* a breakpoint */
	CU_ASSERT_EQUAL(peek(w, r), 0xcc);
	CU_ASSERT_FALSE(pte_write(*pte_offset(w->mm, r)));
	CU_ASSERT_EQUAL(peek(w, s), 1); /* the file is as it was */
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, s, buf, 1, true, true), -EFAULT);
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, none, buf, 1, false, false), -EFAULT);
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, none, buf, 1, false, true), 1);
	CU_ASSERT_EQUAL(buf[0], 0);
	CU_ASSERT_EQUAL(access_remote_vm(w->mm, none, buf, 1, true, true), 1);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(copies_cross_pages_and_fault_them_in),
	UNIT_TEST(copies_stop_at_the_first_bad_byte),
	UNIT_TEST(strings_end_at_nul_limit_or_fault),
	UNIT_TEST(kernel_copies_grow_the_stack),
	UNIT_TEST(stores_break_cow_and_write_notify),
	UNIT_TEST(stores_to_code_are_announced),
	UNIT_TEST(remote_access_can_be_forced),
	UNIT_END,
};
const struct unit_suite suite_uaccess = {"uaccess", tests};
