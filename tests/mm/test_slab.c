/*
 * Slab caches and kmalloc: objects never overlap, counts are true, memory comes back.
 */
#include "mm_world.h"

#include "base/asan.h"
#include "base/err.h"
#include "mm/buddy.h"
#include "mm/slab.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

static struct slabinfo info_of(struct memory *m, const char *name)
{
	struct slabinfo info;

	for (unsigned i = 0; slab_info(m, i, &info); i++)
		if (!strcmp(info.name, name))
			return info;
	CU_FAIL("no such cache");
	return (struct slabinfo){0};
}

static void the_object_freed_last_comes_first(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct kmem_cache *c = kmem_cache_create(m, "thing", 120, 0, 0, NULL);
	void *a = kmem_cache_alloc(c, GFP_KERNEL), *b = kmem_cache_alloc(c, GFP_KERNEL);

	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	kmem_cache_free(c, b);
	kmem_cache_free(c, a);
	CU_ASSERT_PTR_EQUAL(kmem_cache_alloc(c, GFP_KERNEL), a);
	CU_ASSERT_PTR_EQUAL(kmem_cache_alloc(c, GFP_KERNEL), b);
	kmem_cache_free(c, a);
	kmem_cache_free(c, b);
	kmem_cache_destroy(c);
	end_memory(m);
}

static void slabinfo_counts_what_is_out(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct kmem_cache *c = kmem_cache_create(m, "thing", 200, 0, 0, NULL);
	static void *obj[100];

	for (unsigned i = 0; i < 100; i++)
		obj[i] = kmem_cache_alloc(c, GFP_KERNEL);
	CU_ASSERT_EQUAL(info_of(m, "thing").active_objs, 100);
	CU_ASSERT(info_of(m, "thing").num_objs >= 100);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	for (unsigned i = 0; i < 100; i++)
		kmem_cache_free(c, obj[i]);
	CU_ASSERT_EQUAL(info_of(m, "thing").active_objs, 0);
	kmem_cache_shrink(c);
	CU_ASSERT_EQUAL(info_of(m, "thing").num_slabs, 0);
	kmem_cache_destroy(c);
	end_memory(m);
}

static unsigned constructed;

static void construct(void *obj)
{
	constructed++;
	memset(obj, 0x42, 64);
}

static void a_constructed_object_stays_so(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct kmem_cache *c = kmem_cache_create(m, "built", 64, 0, 0, construct);
	unsigned once;
	u8 *p = kmem_cache_alloc(c, GFP_KERNEL);

	once = constructed;
	CU_ASSERT_EQUAL(once, info_of(m, "built").num_objs);
	for (unsigned i = 0; i < 10; i++) {
		CU_ASSERT(p[0] == 0x42 && !memcmp(p, p + 1, 63));
		kmem_cache_free(c, p);
		p = kmem_cache_alloc(c, GFP_KERNEL);
	}
	CU_ASSERT_EQUAL(constructed, once);
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	end_memory(m);
}

static void alignment_is_kept(void)
{
	struct memory *m = new_memory(16 * MIB);

	for (unsigned align = 8; align <= 512; align *= 2) {
		struct kmem_cache *c = kmem_cache_create(m, "aligned", 40, align, 0, NULL);
		void *a = kmem_cache_alloc(c, GFP_KERNEL), *b = kmem_cache_alloc(c, GFP_KERNEL);

		CU_ASSERT_EQUAL((uintptr_t)a % align, 0);
		CU_ASSERT_EQUAL((uintptr_t)b % align, 0);
		kmem_cache_free(c, a);
		kmem_cache_free(c, b);
		kmem_cache_destroy(c);
	}
	CU_ASSERT_EQUAL(PTR_ERR(kmem_cache_create(m, "odd", 40, 24, 0, NULL)), -EINVAL);
	CU_ASSERT_EQUAL(PTR_ERR(kmem_cache_create(m, "none", 0, 0, 0, NULL)), -EINVAL);
	end_memory(m);
}

static void kmalloc_serves_every_size(void)
{
	struct memory *m = new_memory(64 * MIB);
	s64 slab_pages = m->stats[ST_slab_unreclaimable];
	u64 free = nr_free_pages(m);

	for (u64 size = 1; size <= 4 * MIB; size += size / 3 + 1) {
		u8 *p = kzalloc(m, size, GFP_KERNEL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT(!p[0] && !p[size - 1] && ksize(m, p) >= size);
		memset(p, 0xee, ksize(m, p));
		kfree(m, p);
	}
	CU_ASSERT_PTR_NULL(kmalloc(m, 4 * MIB + 1, GFP_KERNEL));
	CU_ASSERT_PTR_NULL(kcalloc(m, 1UL << 33, 1UL << 33, GFP_KERNEL));
	kfree(m, NULL);
	slab_shrink(m);
	CU_ASSERT(m->stats[ST_slab_unreclaimable] <= slab_pages);
	CU_ASSERT(nr_free_pages(m) >= free);
	end_memory(m);
}

/* Frames of kmalloc() beyond its caches are a type of their own, which the checkers know. */
static void large_kmalloc_is_a_type_of_page(void)
{
	struct memory *m = new_memory(64 * MIB);
	s64 slab_pages = m->stats[ST_slab_unreclaimable];
	u8 *p = kmalloc(m, 3 * PAGE_SIZE, GFP_KERNEL), *small = kmalloc(m, 8192, GFP_KERNEL);
	struct page *page = virt_to_page(m, p);

	CU_ASSERT_EQUAL(page->flags & PAGE_FLAGS_TYPE, BIT(PG_large_kmalloc));
	CU_ASSERT_EQUAL(page[1].flags & PAGE_FLAGS_TYPE, 0); /* the head speaks for all */
	CU_ASSERT_EQUAL(compound_head(virt_to_page(m, small))->flags & PAGE_FLAGS_TYPE,
			BIT(PG_slab));
	kfree(m, small);
	slab_shrink(m);
	CU_ASSERT_EQUAL(m->stats[ST_slab_unreclaimable], slab_pages + 4);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	page_clear(page, PG_large_kmalloc); /* then it is nobody's */
	CU_ASSERT_EQUAL(slab_validate(m), -EFAULT);
	page_set(page, PG_large_kmalloc);
	page_set(page, PG_table); /* one type is all a frame has */
	CU_ASSERT_EQUAL(buddy_validate(m), -EFAULT);
	page_clear(page, PG_table);
	kfree(m, p);
	CU_ASSERT_EQUAL(page->flags & PAGE_FLAGS_TYPE & ~BIT(PG_buddy), 0);
	CU_ASSERT_EQUAL(m->stats[ST_slab_unreclaimable], slab_pages);
	end_memory(m);
}

static void krealloc_keeps_the_bytes(void)
{
	struct memory *m = new_memory(64 * MIB);
	char *p = strcpy(kmalloc(m, 7, GFP_KERNEL), "vellum");

	for (u64 size = 8; size < 100000; size *= 3) {
		p = krealloc(m, p, size, GFP_KERNEL);
		CU_ASSERT_STRING_EQUAL(p, "vellum");
		p[size - 1] = 1;
	}
	kfree(m, p);
	end_memory(m);
}

static void out_of_memory_is_an_answer(void)
{
	struct memory *m = new_memory(8 * MIB);
	struct kmem_cache *c = kmem_cache_create(m, "big", 2000, 0, 0, NULL);
	static void *obj[8192];
	unsigned n = 0;

	while ((obj[n] = kmem_cache_alloc(c, GFP_KERNEL)))
		n++;
	CU_ASSERT(n > 1000);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	while (n)
		kmem_cache_free(c, obj[--n]);
	CU_ASSERT_PTR_NOT_NULL(obj[0] = alloc_pages(m, GFP_KERNEL, 9)); /* slabs went back */
	__free_pages(m, obj[0], 9);
	kmem_cache_destroy(c);
	end_memory(m);
}

static void making_a_cache_fails_whole(void)
{
	struct memory *m = new_memory(16 * MIB);

	for (unsigned n = 1;; n++) {
		u64 free = nr_free_pages(m);
		struct kmem_cache *c;

		m->fail_nth = n;
		c = kmem_cache_create(m, "thing", 100, 0, 0, NULL);
		m->fail_nth = 0;
		CU_ASSERT_EQUAL(memory_validate(m), 0);
		if (!IS_ERR(c)) {
			kmem_cache_destroy(c);
			break;
		}
		CU_ASSERT_EQUAL(PTR_ERR(c), -ENOMEM);
		CU_ASSERT_EQUAL(nr_free_pages(m), free);
	}
	end_memory(m);
}

#define SLOTS 3000

static void random_objects_never_overlap(void)
{
	static u8 *slot[SLOTS];
	static u32 size[SLOTS];
	struct memory *m = new_memory(32 * MIB);
	int ok = 1;

	srandom(3);
	for (unsigned step = 0; step < 100000; step++) {
		unsigned i = random() % SLOTS;

		if (!slot[i]) {
			size[i] = 1 + random() % (random() % 8 ? 300 : 9000);
			if (random() % 50 == 0)
				m->fail_nth = 1 + random() % 2;
			slot[i] = kmalloc(m, size[i], GFP_KERNEL);
			m->fail_nth = 0;
			if (slot[i])
				memset(slot[i], i, size[i]);
		} else {
			u8 *p = slot[i];

			ok &= p[0] == (u8)i && !memcmp(p, p + 1, size[i] - 1);
			kfree(m, p);
			slot[i] = NULL;
		}
		if (step % 2000 == 0) {
			if (step % 10000 == 0)
				slab_shrink(m);
			ok &= !memory_validate(m);
		}
	}
	CU_ASSERT_TRUE(ok);
	for (unsigned i = 0; i < SLOTS; i++)
		kfree(m, slot[i]);
	memset(slot, 0, sizeof(slot));
	end_memory(m);
}

/* What an ASan build reports, it finds in these marks. */
static void freed_objects_are_poisoned_for_asan(void)
{
#ifdef ASAN_BUILD
	struct memory *m = new_memory(16 * MIB);
	u8 *p = kmalloc(m, 20, GFP_KERNEL);
	struct page *page = alloc_pages(m, GFP_KERNEL, 1);
	u8 *frame = page_address(m, page);

	CU_ASSERT_FALSE(__asan_address_is_poisoned(p + 19));
	CU_ASSERT_TRUE(__asan_address_is_poisoned(p + 20));
	kfree(m, p);
	CU_ASSERT_TRUE(__asan_address_is_poisoned(p));
	CU_ASSERT_FALSE(__asan_address_is_poisoned(frame + PAGE_SIZE));
	__free_pages(m, page, 1);
	CU_ASSERT_TRUE(__asan_address_is_poisoned(frame + PAGE_SIZE));
	end_memory(m);
#endif
}

/* The exit status of a child that does @what to @m, silently; 0 if it survives. */
static int fate_of(void (*what)(struct memory *m), struct memory *m)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		what(m);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_after_free(struct memory *m)
{
	u8 *p = kmalloc(m, 20, GFP_KERNEL);

	kfree(m, p);
	*(volatile u8 *)p = 1;
	kmalloc(m, 20, GFP_KERNEL);
}

static void write_behind_the_end(struct memory *m)
{
	u8 *p = kmalloc(m, 32, GFP_KERNEL);

	*(volatile u8 *)(p + 32) = 1;
	kfree(m, p);
}

static void write_to_a_free_frame(struct memory *m)
{
	struct page *page = alloc_pages(m, GFP_KERNEL, 0);

	put_page(m, page);
	*(volatile u8 *)page_address(m, page) = 1;
	alloc_pages(m, GFP_KERNEL, 0);
}

static void free_twice(struct memory *m)
{
	struct page *page = alloc_pages(m, GFP_KERNEL, 0);

	__free_pages(m, page, 0);
	__free_pages(m, page, 0);
}

static void misuse_is_caught(void)
{
	struct memory *m = new_memory(16 * MIB);

	CU_ASSERT_EQUAL(fate_of(free_twice, m), 125); /* in every build */
#if defined(ASAN_BUILD) || defined(CONFIG_DEBUG_VM)
	CU_ASSERT_NOT_EQUAL(fate_of(write_after_free, m), 0);
	CU_ASSERT_NOT_EQUAL(fate_of(write_behind_the_end, m), 0);
	CU_ASSERT_NOT_EQUAL(fate_of(write_to_a_free_frame, m), 0);
#else
	(void)write_after_free, (void)write_behind_the_end, (void)write_to_a_free_frame;
#endif
	end_memory(m);
}

#ifdef ASAN_BUILD
static void asan_reports_a_use_after_free_of_an_object(void)
{
	struct memory *m = new_memory(16 * MIB);
	char report[8192] = "";
	int ends[2];
	ssize_t n, len = 0;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	if (!fork()) {
		dup2(ends[1], 2);
		write_after_free(m);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], report + len, sizeof(report) - 1 - len)) > 0)
		len += n;
	close(ends[0]);
	wait(NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "ERROR: AddressSanitizer: use-after-poison"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "in write_after_free"));
	end_memory(m);
}
#endif

static const struct unit_test tests[] = {
	UNIT_TEST(the_object_freed_last_comes_first),
	UNIT_TEST(slabinfo_counts_what_is_out),
	UNIT_TEST(a_constructed_object_stays_so),
	UNIT_TEST(alignment_is_kept),
	UNIT_TEST(kmalloc_serves_every_size),
	UNIT_TEST(large_kmalloc_is_a_type_of_page),
	UNIT_TEST(krealloc_keeps_the_bytes),
	UNIT_TEST(out_of_memory_is_an_answer),
	UNIT_TEST(making_a_cache_fails_whole),
	UNIT_TEST(random_objects_never_overlap),
	UNIT_TEST(freed_objects_are_poisoned_for_asan),
	UNIT_TEST(misuse_is_caught),
#ifdef ASAN_BUILD
	UNIT_TEST(asan_reports_a_use_after_free_of_an_object),
#endif
	UNIT_END,
};
const struct unit_suite suite_slab = {"slab", tests};
