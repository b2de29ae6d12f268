/* Bringing pages of files into the cache: the windows of read-ahead, and the reading itself.
 * See readahead.h. Not for: when it happens (fs/hostfile.c, filemap_fault.c, fadvise.c). */
#include "mm/readahead.h"

#include "base/err.h"
#include "mm/internal.h"

#define RA_BATCH 32U	       /* pages asked of the owner at once */
#define MAX_PAGECACHE_ORDER 9U /* Linux: HPAGE_PMD_ORDER */

/* --- reading pages in ---------------------------------------------------------------------- */

/* Absent pages, @nr of them from @first on, to be read and to be in folios of these orders. */
struct batch {
	struct address_space *as;
	u64 first;
	u64 mark; /* an index; the folio of it gets PG_readahead. ~0: none */
	unsigned nr;
	bool failed;
	u8 order[RA_BATCH];
};

/* Page @i, read, into the cache. 0 or -ENOMEM. */
static int batch_page_enters(const struct batch *b, struct page *page, unsigned i)
{
	u64 index = b->first + i, folio = ~(BIT(b->order[i]) - 1);
	int err = add_to_page_cache(b->as, page, index);

	if (err)
		return err == -EEXIST ? 0 : err;
	page->private = b->order[i];
	if (b->mark != ~0UL && (index & folio) == (b->mark & folio))
		page_set(page, PG_readahead);
	return 0;
}

/* Reads what has been collected. After a failure nothing more is read. */
static void batch_read(struct batch *b)
{
	struct memory *m = b->as->mem;
	struct page *pages[RA_BATCH];
	unsigned i, nr;
	int err = 0;

	for (nr = 0; nr < b->nr; nr++) {
		pages[nr] = alloc_pages(m, GFP_NOWAIT | __GFP_NORETRY, 0);
		if (!pages[nr])
			break;
		page_set(pages[nr], PG_locked);
	}
	if (nr)
		err = b->as->a_ops->read_pages(b->as, b->first, pages, nr);
	if (!err)
		m->events[EV_pgpgin] += nr * (PAGE_SIZE / 1024);
	for (i = 0; i < nr; i++) {
		page_clear(pages[i], PG_locked);
		if (!err)
			err = batch_page_enters(b, pages[i], i);
		put_page(m, pages[i]);
	}
	b->failed = err || nr < b->nr;
	b->first += b->nr;
	b->nr = 0;
}

static void batch_init(struct batch *b, struct address_space *as, u64 mark)
{
	b->as = as;
	b->mark = mark;
	b->nr = 0;
	b->failed = false;
}

/* One more: it is absent, and follows the one before it, if that has not been read yet. */
static void batch_add(struct batch *b, u64 index, unsigned order)
{
	if (!b->nr)
		b->first = index;
	b->order[b->nr++] = order;
	if (b->nr == RA_BATCH)
		batch_read(b);
}

static void batch_end(struct batch *b)
{
	if (b->nr)
		batch_read(b);
}

/* Linux: filemap_create_folio(). Here memory may be made free, and an error is somebody's. */
static struct page *create_page(struct address_space *as, u64 index)
{
	struct memory *m = as->mem;
	struct page *page = alloc_pages(m, GFP_HIGHUSER_MOVABLE, 0);
	int err;

	if (!page)
		return ERR_PTR(-ENOMEM);
	page_set(page, PG_locked);
	err = as->a_ops->read_pages(as, index, &page, 1);
	page_clear(page, PG_locked);
	if (!err) {
		m->events[EV_pgpgin] += PAGE_SIZE / 1024;
		err = add_to_page_cache(as, page, index);
	}
	if (!err)
		return page;
	put_page(m, page);
	page = err == -EEXIST ? find_get_page(as, index) : NULL;
	return page ? page : ERR_PTR(err);
}

struct page *filemap_get_page(struct address_space *as, u64 index, bool *major)
{
	struct page *page = find_get_page(as, index);

	if (page)
		return page;
	*major = true;
	return create_page(as, index);
}

/* --- windows ------------------------------------------------------------------------------- */

void file_ra_state_init(struct file_ra_state *ra, const struct address_space *as)
{
	*ra = (struct file_ra_state){.ra_pages = as->ra_pages, .prev_pos = -1};
}

/* What is absent of @nr pages from @index on, one by one; the last @lookahead of them start with the
 * mark. Linux: do_page_cache_ra(). */
static void do_page_cache_ra(struct address_space *as, u64 index, u64 nr, u64 lookahead)
{
	u64 end = mapping_pages(as), next;
	struct batch b;

	if (index >= end)
		return;
	nr = min(nr, end - index);
	end = index + nr;
	batch_init(&b, as, lookahead <= nr ? end - lookahead : ~0UL);
	while (index < end && !b.failed) {
		next = index;
		if (!radix_next(&as->i_pages, &next) || next > end)
			next = end;
		while (index < next && !b.failed)
			batch_add(&b, index++, 0);
		batch_end(&b);
		while (index < end && radix_find(&as->i_pages, index))
			index++;
	}
}

/* The folio that starts at @index: of @order, but aligned, and not behind @limit. */
static unsigned order_at(u64 index, unsigned order, u64 limit)
{
	if (index & (BIT(order) - 1))
		order = __builtin_ctzl(index);
	while (order && index + BIT(order) - 1 > limit)
		order--;
	return order;
}

static bool range_absent(const struct address_space *as, u64 first, u64 nr)
{
	u64 next = first;

	return !radix_next(&as->i_pages, &next) || next - first >= nr;
}

void page_cache_ra_order(struct address_space *as, struct file_ra_state *ra)
{
	u64 start = ra->start, index = start, end = mapping_pages(as), limit;
	struct batch b;

	if (!ra->size || start >= end)
		return;
	limit = min(end, start + ra->size) - 1;
	ra->order = min(ra->order, (unsigned)MAX_PAGECACHE_ORDER);
	ra->order = min(ra->order, 63U - __builtin_clzl(ra->size));
	batch_init(&b, as, start + ra->size - ra->async_size);
	while (index <= limit && !b.failed) {
		unsigned order = order_at(index, ra->order, limit);
		u64 next = index + BIT(order);

		/* Some of it is there already: the rest one by one. */
		if (!range_absent(as, index, BIT(order)))
			break;
		while (index < next && !b.failed)
			batch_add(&b, index++, order);
	}
	batch_end(&b);
	if (index <= limit && !b.failed)
		do_page_cache_ra(as, index, start + ra->size - index, ra->async_size);
}

void force_page_cache_ra(struct address_space *as, const struct file_ra_state *ra, u64 index,
			 u64 nr)
{
	do_page_cache_ra(as, index, min(nr, (u64)max(as->io_pages, ra->ra_pages)), 0);
}

/* A request beyond the window may be as long as one the device takes. */
static u64 max_pages(const struct address_space *as, const struct file_ra_state *ra, u64 req)
{
	u64 max = ra->ra_pages;

	if (req > max && as->io_pages > max)
		max = min(req, (u64)as->io_pages);
	return max;
}

/* Room for more of the same: 4 times a small request, 2 times a medium one. */
static u64 get_init_ra_size(u64 req, u64 max)
{
	u64 size = req <= 1 ? 1 : BIT(64 - __builtin_clzl(req - 1));

	if (size <= max / 32)
		return size * 4;
	return size <= max / 4 ? size * 2 : max;
}

static u64 get_next_ra_size(u64 size, u64 max)
{
	if (size < max / 16)
		return 4 * size;
	return size <= max / 2 ? 2 * size : max;
}

/* Where Linux's walk over its tree begins for @index: one of a folio's pages stands in the slot of the
 * first. Steps are counted from @index all the same, so that the walk's answer may be off by the
 * distance, up to the end of a node of the tree. That makes windows what they are. */
static u64 first_slot(const struct address_space *as, u64 index)
{
	struct page *page = radix_find(&as->i_pages, index);

	return page && folio_order(page) < RADIX_SHIFT ? folio_index(page) : index;
}

/* Linux: page_cache_next_miss(). */
static u64 next_miss(const struct address_space *as, u64 index, u64 max)
{
	u64 slot = first_slot(as, index), end = index + max;

	while (index < end && radix_find(&as->i_pages, slot)) {
		index++;
		slot++;
		if (!(slot % RADIX_SLOTS))
			slot += index % RADIX_SLOTS;
	}
	return index;
}

/* Linux: page_cache_prev_miss(); ~0: all is there from the start of the file on. */
static u64 prev_miss(const struct address_space *as, u64 index, u64 max)
{
	u64 slot = first_slot(as, index);

	while (radix_find(&as->i_pages, slot) && --max) {
		index--;
		if (slot % RADIX_SLOTS)
			slot--;
		else if (slot)
			slot -= RADIX_SLOTS - index % RADIX_SLOTS;
		else
			break;
	}
	return index;
}

void page_cache_sync_ra(struct address_space *as, struct file_ra_state *ra, u64 index, u64 req)
{
	u64 max = max_pages(as, ra, req), prev = (u64)ra->prev_pos >> PAGE_SHIFT, miss, contig;

	if (!ra->ra_pages || ra->random) {
		force_page_cache_ra(as, ra, index, ra->ra_pages ? req : 1);
		return;
	}
	/* The start of the file, more than a window, or on from where the last read ended. */
	if (!index || req > max || index - prev <= 1) {
		ra->size = get_init_ra_size(req, max);
		ra->async_size = ra->size > req ? ra->size - req : ra->size >> 1;
	} else {
		/* Or on from what another open file has read? Else the window stays as it is. */
		miss = prev_miss(as, index - 1, max);
		contig = index - miss - 1;
		if (contig <= req) {
			do_page_cache_ra(as, index, req, 0);
			return;
		}
		if (miss == ~0UL)
			contig *= 2;
		ra->size = min(contig + req, max);
		ra->async_size = 1;
	}
	ra->start = index;
	ra->order = 0;
	page_cache_ra_order(as, ra);
}

static void folio_clear_readahead(struct address_space *as, const struct page *page)
{
	u64 index = folio_index(page), end = index + BIT(folio_order(page));
	struct page *p;

	for (; (p = radix_next(&as->i_pages, &index)) && index < end; index++)
		page_clear(p, PG_readahead);
}

void page_cache_async_ra(struct address_space *as, struct file_ra_state *ra, struct page *page,
			 u64 req)
{
	u64 index = folio_index(page), max = max_pages(as, ra, req), folio, start, end, align;

	if (!ra->ra_pages)
		return;
	folio_clear_readahead(as, page);
	folio = BIT(folio_order(page));
	if (index == ((ra->start + ra->size - ra->async_size) & ~(folio - 1))) {
		ra->start += ra->size;
		ra->size = max((u64)ra->size, get_next_ra_size(ra->size, max));
	} else {
		/* Somebody else's window, or there are several readers: on from its end. */
		start = next_miss(as, index + 1, max);
		if (start - index > max)
			return;
		ra->start = start;
		ra->size = get_next_ra_size(start - index + req, max);
	}
	ra->order += 2;
	align = BIT(min((unsigned)ra->order, (unsigned)__builtin_ctzl(max)));
	end = ra->start + ra->size;
	if ((end & ~(align - 1)) > ra->start)
		ra->size -= end & (align - 1);
	ra->async_size = ra->size;
	page_cache_ra_order(as, ra);
}
