/*
 * userfaultfd without anybody who sleeps: registration, filling, protection, and what fork, mremap
 * and munmap leave of it. How tasks wait for each other is tests/guest/userfaults.c's.
 */
#include "mm_world.h"

#include <signal.h>

#include "mm/userfaultfd.h"

#define ARENA 0x10000000UL
#define PG PAGE_SIZE
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED)
#define MISSING 1
#define WP 2

static struct userfaultfd_ctx *uffd(struct world *w, u64 features)
{
	struct userfaultfd_ctx *ctx = userfaultfd_new(w->mm, NULL, 0);

	CU_ASSERT_FATAL(!IS_ERR(ctx));
	CU_ASSERT_EQUAL(userfaultfd_set_features(ctx, features), 0);
	CU_ASSERT_EQUAL(userfaultfd_set_features(ctx, features), -EINVAL);
	return ctx;
}

static void end(struct world *w, struct userfaultfd_ctx *ctx)
{
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	userfaultfd_release(ctx);
	world_end(w);
}

static pte_t pte_at(struct world *w, gva_t addr)
{
	pte_t *pte = pte_offset(w->mm, addr);

	return pte ? *pte : (pte_t){0};
}

static void registration_splits_and_joins(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, 0), *other = uffd(w, 0);

	world_map(w, ARENA, 8, RW, ANON);
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA + 2 * PG, 2 * PG, MISSING), 0);
	CU_ASSERT_EQUAL(w->mm->map_count, 3);
	CU_ASSERT_EQUAL(ctx->refcount, 2);
	/* The same flags of another context are no reason to join. */
	CU_ASSERT_EQUAL(userfaultfd_register(other, ARENA + 4 * PG, 2 * PG, MISSING), 0);
	CU_ASSERT_EQUAL(w->mm->map_count, 4);
	CU_ASSERT_EQUAL(userfaultfd_register(other, ARENA, 3 * PG, MISSING), -EBUSY);
	CU_ASSERT_EQUAL(userfaultfd_unregister(other, ARENA, 3 * PG), -EINVAL);
	CU_ASSERT_EQUAL(w->mm->map_count, 4);
	CU_ASSERT_EQUAL(userfaultfd_unregister(ctx, ARENA, 4 * PG), 0);
	CU_ASSERT_EQUAL(w->mm->map_count, 3);
	CU_ASSERT_EQUAL(ctx->refcount, 1);
	userfaultfd_release(other);
	CU_ASSERT_EQUAL(w->mm->map_count, 1);
	CU_ASSERT_EQUAL(vma_lookup(w->mm, ARENA)->vm_flags & VM_UFFD_FLAGS, 0);
	end(w, ctx);
}

static void a_missing_page_is_nobodys_but_the_programs(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_SIGBUS_F);
	struct fault_signal sig;
	u8 byte;

	world_map(w, ARENA, 4, RW, ANON);
	world_map(w, ARENA + 16 * PG, 1, RW, ANON);
	poke(w, ARENA + 16 * PG + 5, 'u');
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 4 * PG, MISSING), 0);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_READ, &byte, &sig), SIGBUS);
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_COPY, ARENA, ARENA + 16 * PG, PG, false, w->mm),
			(long)PG);
	CU_ASSERT_EQUAL(peek(w, ARENA + 5), 'u');
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_COPY, ARENA, ARENA + 16 * PG, PG, false, w->mm),
			-EEXIST);
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_ZEROPAGE, ARENA + PG, 0, PG, false, w->mm),
			(long)PG);
	CU_ASSERT_EQUAL(peek(w, ARENA + PG), 0);
	poke(w, ARENA + PG, 1);
	/* Source that is not there, half of it, and an area that ends. */
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_COPY, ARENA + 2 * PG, 0x5000, PG, false, w->mm),
			-EFAULT);
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_COPY, ARENA + 2 * PG, ARENA + 16 * PG, 2 * PG,
					false, w->mm),
			(long)PG);
	CU_ASSERT_EQUAL(
		uffd_fill_range(ctx, UFFD_ZEROPAGE, ARENA + 3 * PG, 0, 2 * PG, false, w->mm),
		-ENOENT);
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_POISON, ARENA + 3 * PG, 0, PG, false, w->mm),
			(long)PG);
	CU_ASSERT_EQUAL(touch(w, ARENA + 3 * PG, TLB_READ, &byte, &sig), SIGBUS);
	ctx->mmap_changing++;
	CU_ASSERT_EQUAL(uffd_fill_range(ctx, UFFD_ZEROPAGE, ARENA, 0, PG, false, w->mm), -EAGAIN);
	ctx->mmap_changing--;
	end(w, ctx);
}

static void protection_stays_until_it_is_taken(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_SIGBUS_F | UFFD_WP_UNPOPULATED_F);
	struct fault_signal sig;
	u8 byte = 2;

	world_map(w, ARENA, 4, RW, ANON);
	poke(w, ARENA, 1);
	poke(w, ARENA + PG, 1);
	CU_ASSERT_EQUAL(uffd_wp_registered(ctx, ARENA, PG, true), -ENOENT);
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 4 * PG, WP), 0);
	CU_ASSERT_EQUAL(uffd_wp_registered(ctx, ARENA, 4 * PG, true), 0);
	CU_ASSERT(pte_uffd_wp(pte_at(w, ARENA)));
	CU_ASSERT(is_uffd_wp_marker(pte_at(w, ARENA + 2 * PG)));
	CU_ASSERT_EQUAL(peek(w, ARENA), 1);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_WRITE, &byte, &sig), SIGBUS);
	/* An absent page comes protected. */
	CU_ASSERT_EQUAL(peek(w, ARENA + 2 * PG), 0);
	CU_ASSERT(pte_uffd_wp(pte_at(w, ARENA + 2 * PG)));
	CU_ASSERT_EQUAL(touch(w, ARENA + 3 * PG, TLB_WRITE, &byte, &sig), SIGBUS);
	/* Neither mprotect() nor a fork takes it away; the child has none. */
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, 4 * PG, PROT_READ), 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, 4 * PG, RW), 0);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_WRITE, &byte, &sig), SIGBUS);
	struct mm_struct *child = dup_mm(w->mm);
	CU_ASSERT_FATAL(!IS_ERR(child));
	CU_ASSERT_EQUAL(vma_lookup(child, ARENA)->vm_flags & VM_UFFD_FLAGS, 0);
	CU_ASSERT_PTR_NULL(vma_lookup(child, ARENA)->vm_uffd);
	CU_ASSERT(!pte_uffd_wp(*pte_offset(child, ARENA)));
	mmput(child);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_WRITE, &byte, &sig), SIGBUS);
	CU_ASSERT_EQUAL(uffd_wp_registered(ctx, ARENA, 4 * PG, false), 0);
	poke(w, ARENA, 3);
	poke(w, ARENA + 3 * PG, 3);
	end(w, ctx);
}

static void objects_keep_protection_without_the_page(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_SIGBUS_F);
	struct fault_signal sig;
	u8 byte = 2;

	world_map(w, ARENA, 2, RW, SHARED);
	poke(w, ARENA, 1);
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 2 * PG, WP), 0);
	CU_ASSERT_EQUAL(uffd_wp_registered(ctx, ARENA, 2 * PG, true), 0);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_WRITE, &byte, &sig), SIGBUS);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 4), 0);
	CU_ASSERT(is_uffd_wp_marker(pte_at(w, ARENA)));
	CU_ASSERT_EQUAL(peek(w, ARENA), 1);
	CU_ASSERT_EQUAL(touch(w, ARENA, TLB_WRITE, &byte, &sig), SIGBUS);
	CU_ASSERT_EQUAL(userfaultfd_unregister(ctx, ARENA, 2 * PG), 0);
	poke(w, ARENA, 2);
	poke(w, ARENA + PG, 2);
	end(w, ctx);
}

static void a_move_leaves_it(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_WP_UNPOPULATED_F);

	world_map(w, ARENA, 4, RW, ANON);
	poke(w, ARENA, 1);
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 4 * PG, WP), 0);
	CU_ASSERT_EQUAL(uffd_wp_registered(ctx, ARENA, 4 * PG, true), 0);
	CU_ASSERT_EQUAL(do_mremap(w->mm, ARENA, 2 * PG, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
				  ARENA + 64 * PG),
			(long)(ARENA + 64 * PG));
	CU_ASSERT_PTR_NULL(vma_lookup(w->mm, ARENA + 64 * PG)->vm_uffd);
	poke(w, ARENA + 64 * PG, 2);
	CU_ASSERT(pte_none(pte_at(w, ARENA + 65 * PG)));
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, 4 * PG), 0);
	CU_ASSERT_EQUAL(ctx->refcount, 1);
	end(w, ctx);
}

/* Nobody reads of it, since the descriptor is gone: it must not matter. */
static void events_of_a_closed_descriptor(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_EVENT_UNMAP_F);
	struct vma_unmap u;

	world_map(w, ARENA, 4, RW, ANON);
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 4 * PG, MISSING), 0);
	CU_ASSERT_EQUAL(vma_unmap_prepare(w->mm, ARENA, ARENA + PG, &u), 0);
	CU_ASSERT_EQUAL(ctx->mmap_changing, 1);
	vma_unmap_abort(&u);
	CU_ASSERT_EQUAL(ctx->mmap_changing, 0);
	/* A hole in the middle; each step without memory. */
	for (u32 nth = 1;; nth++) {
		w->m.fail_nth = nth;
		int err = vma_unmap_prepare(w->mm, ARENA + PG, ARENA + 2 * PG, &u);
		bool over = w->m.fail_nth;

		w->m.fail_nth = 0;
		if (!err)
			vma_unmap_abort(&u);
		CU_ASSERT_EQUAL(ctx->mmap_changing, 0);
		CU_ASSERT(list_empty(&w->mm->uffd_unmaps));
		CU_ASSERT_EQUAL(mm_validate(w->mm), 0);
		if (over)
			break;
		CU_ASSERT_EQUAL(err, -ENOMEM);
	}
	end(w, ctx);
}

static void failure_at_each_step(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, UFFD_WP_UNPOPULATED_F | UFFD_EVENT_FORK_F);
	struct mm_struct *child;
	bool over = false;
	u32 nth, calls;

	world_map(w, ARENA, 8, RW, ANON);
	poke(w, ARENA + PG, 1);
	for (nth = 1, calls = 0; !over; nth++, calls++) {
		w->m.fail_nth = nth;
		int err = userfaultfd_register(ctx, ARENA + PG, 2 * PG, MISSING | WP);

		over = w->m.fail_nth;
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(err, over ? 0 : -ENOMEM);
		CU_ASSERT_EQUAL(mm_validate(w->mm), 0);
		CU_ASSERT_EQUAL(w->mm->map_count, over ? 3 : 1);
	}
	CU_ASSERT(calls > 2);
	for (nth = 1, over = false; !over; nth++) {
		w->m.fail_nth = nth;
		long n = uffd_fill_range(ctx, UFFD_COPY, ARENA + 2 * PG, ARENA + PG, PG, true,
					 w->mm);

		over = w->m.fail_nth;
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(n, over ? (long)PG : -ENOMEM);
		CU_ASSERT_EQUAL(mm_validate(w->mm), 0);
	}
	CU_ASSERT_EQUAL(peek(w, ARENA + 2 * PG), 1);
	for (nth = 1, over = false; !over; nth++) {
		w->m.fail_nth = nth;
		int err = uffd_wp_registered(ctx, ARENA + PG, 2 * PG, true);

		over = w->m.fail_nth;
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(err, over ? 0 : -ENOMEM);
	}
	/* A fork that fails tells nobody; only the last would, and there the reader is gone. */
	for (nth = 1; nth < 200; nth++) {
		w->m.fail_nth = nth;
		ctx->released = true;
		child = dup_mm(w->mm);
		over = w->m.fail_nth;
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(ctx->mmap_changing, 0);
		CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
		if (!IS_ERR(child))
			mmput(child);
		if (over)
			break;
		CU_ASSERT(IS_ERR(child));
	}
	CU_ASSERT(nth > 5 && nth < 200);
	end(w, ctx);
}

static void pages_move_from_one_area_to_another(void)
{
	struct world *w = world_new(64UL << 20);
	struct userfaultfd_ctx *ctx = uffd(w, 0);

	world_map(w, ARENA, 4, RW, ANON);
	world_map(w, ARENA + 16 * PG, 4, RW, ANON);
	poke(w, ARENA + 16 * PG, 'm');
	peek(w, ARENA + 17 * PG); /* the zero page */
	CU_ASSERT_EQUAL(userfaultfd_register(ctx, ARENA, 4 * PG, MISSING), 0);
	CU_ASSERT_EQUAL(uffd_move_range(ctx, ARENA, ARENA + 16 * PG, 3 * PG, false),
			(long)(2 * PG));
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(peek(w, ARENA), 'm');
	CU_ASSERT_EQUAL(peek(w, ARENA + 16 * PG), 0);
	CU_ASSERT_EQUAL(uffd_move_range(ctx, ARENA, ARENA + 16 * PG, PG, false), -EEXIST);
	CU_ASSERT_EQUAL(uffd_move_range(ctx, ARENA + 2 * PG, ARENA + 18 * PG, PG, true), (long)PG);
	CU_ASSERT_EQUAL(uffd_move_range(ctx, ARENA + 16 * PG, ARENA, PG, true), -EINVAL);
	end(w, ctx);
}

static const struct unit_test tests[] = {
	UNIT_TEST(registration_splits_and_joins),
	UNIT_TEST(a_missing_page_is_nobodys_but_the_programs),
	UNIT_TEST(protection_stays_until_it_is_taken),
	UNIT_TEST(objects_keep_protection_without_the_page),
	UNIT_TEST(a_move_leaves_it),
	UNIT_TEST(events_of_a_closed_descriptor),
	UNIT_TEST(failure_at_each_step),
	UNIT_TEST(pages_move_from_one_area_to_another),
	UNIT_END,
};
const struct unit_suite suite_userfaultfd = {"userfaultfd", tests};
