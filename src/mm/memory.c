/* One machine's memory, put together and taken apart: RAM, mem_map, and the boot of buddy and slab.
 *
 * RAM and mem_map are reservations of the host's: what nobody touches costs nothing, and a
 * struct page that was never written is all zero, which is what it should be (page.h).
 */
#include "mm/memory.h"

#include <string.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/host.h"
#include "base/log.h"
#include "mm/buddy.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/vmalloc.h"

#define RAM_MIN (4UL << 20)
#define RAM_MAX (1UL << 40)
#define RAM_ALIGN (2UL << 20) /* so that the host can use huge pages */
#define DEFAULT_MAX_MAP_COUNT 65530

static size_t mem_map_size(const struct memory *m)
{
	return page_align(m->max_pfn * sizeof(struct page));
}

static int reserve(struct memory *m, u64 size)
{
	void *p;
	int err;

	err = host_mmap_reserve(size, RAM_ALIGN, &p);
	if (err)
		return err;
	m->ram = p;
	m->ram_size = size;
	m->max_pfn = size >> PAGE_SHIFT;
	if (m->max_pfn > HOLE_START_PFN)
		m->max_pfn += HOLE_END_PFN - HOLE_START_PFN;
	err = host_mmap_reserve(mem_map_size(m), PAGE_SIZE, &p);
	if (err)
		return err;
	m->mem_map = p;
	return 0;
}

/* Linux: init_admin_reserve(), init_user_reserve(). */
static void init_reserves(struct memory *m)
{
	u64 free_kbytes = nr_free_pages(m) << (PAGE_SHIFT - 10);

	m->admin_reserve_kbytes = min(free_kbytes / 32, 1UL << 13);
	m->user_reserve_kbytes = min(free_kbytes / 32, 1UL << 17);
}

static int make_zero_page(struct memory *m)
{
	m->zero_page = alloc_pages(m, GFP_KERNEL | __GFP_ZERO, 0);
	if (!m->zero_page)
		return -ENOMEM;
	page_set(m->zero_page, PG_reserved);
	return 0;
}

int mm_cache_create(struct memory *m, struct kmem_cache **cache, const char *name, unsigned size,
		    u32 flags)
{
	struct kmem_cache *c = kmem_cache_create(m, name, size, 0, flags, NULL);

	if (IS_ERR(c))
		return PTR_ERR(c);
	*cache = c;
	return 0;
}

/* The caches of the objects that mm/ makes; /proc/slabinfo shows them from the last to the first. */
static int boot_mm(struct memory *m)
{
	static int (*const inits[])(struct memory *) = {
		vma_init,     vma_tree_init, mempolicy_init, rmap_init,
		filemap_init, shmem_init,    ksm_init,
	};
	int err = 0;

	m->in = kzalloc(m, sizeof(*m->in), GFP_KERNEL);
	if (!m->in)
		return -ENOMEM;
	hugetlb_init(m);
	for (unsigned i = 0; i < ARRAY_SIZE(inits) && !err; i++)
		err = inits[i](m);
	return err;
}

static u64 frames_in_use(const struct memory *m)
{
	u64 used = totalram_pages(m) - nr_free_pages(m);
	struct slabinfo s;

	for (unsigned i = 0; slab_info(m, i, &s); i++)
		used -= s.num_slabs * s.pagesperslab;
	return used;
}

u64 memory_leaks(struct memory *m)
{
	u64 objects = slab_leaks(m), frames;

	lru_add_drain(m);
	frames = frames_in_use(m);
	if (frames != m->boot_frames)
		log_line("memory: %ld frames are left behind", (long)(frames - m->boot_frames));
	return objects + frames - m->boot_frames;
}

int memory_init(struct memory *m, u64 size)
{
	int err;

	if (!page_aligned(size) || size < RAM_MIN || size > RAM_MAX)
		return -EINVAL;
	INIT_LIST_HEAD(&m->mm_list);
	INIT_LIST_HEAD(&m->mappings);
	m->max_map_count = DEFAULT_MAX_MAP_COUNT;
	m->overcommit_ratio = 50;
	m->mmap_min_addr = 4096;
	m->next_anon_ino = 1;

	err = reserve(m, size);
	if (!err)
		err = page_alloc_init(m);
	if (!err)
		err = make_zero_page(m);
	if (!err)
		init_reserves(m);
	if (!err)
		err = slab_init(m);
	if (!err)
		err = boot_mm(m);
	if (err) {
		memory_destroy(m);
		return err;
	}
	slab_end_boot(m);
	m->boot_frames = frames_in_use(m);
	return 0;
}

void memory_destroy(struct memory *m)
{
	page_alloc_destroy(m);
	if (m->mem_map)
		host_munmap(m->mem_map, mem_map_size(m));
	if (m->ram) {
		/* Somebody else may get these addresses from the host. */
		asan_unpoison(m->ram, m->ram_size);
		host_munmap(m->ram, m->ram_size);
	}
	m->mem_map = NULL;
	m->ram = NULL;
	m->zero_page = NULL;
	m->caches = NULL;
	m->in = NULL;
}

int memory_validate(struct memory *m)
{
	static int (*const checkers[])(struct memory *) = {
		buddy_validate, slab_validate,	     vmalloc_validate, ksm_validate,
		lru_validate,	memory_validate_mms, filemap_validate,
	};
	int err = 0;

	/* All of them: one broken structure often shows in several, each with a line on the log. */
	for (unsigned i = 0; i < ARRAY_SIZE(checkers); i++)
		if (checkers[i](m))
			err = -EFAULT;
	return err;
}
