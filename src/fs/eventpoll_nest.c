/* Epolls that watch epolls: neither circles nor so many that one wake-up goes through thousands.
 *
 * Each walk has a number (eventpoll.gen), so that an epoll reached twice is looked at once.
 * Not for: the items themselves (eventpoll.c). See: Linux, fs/eventpoll.c, ep_loop_check(),
 * reverse_path_check().
 */
#include "base/err.h"
#include "fs/eventpoll_internal.h"
#include "fs/internal.h"

#define TOO_DEEP 0x7fffffff

/* One check of all below an epoll. */
struct loop_check {
	u64 gen;
	struct eventpoll *inserting_into;
};

/* How many epolls are below @ep in a row; TOO_DEEP if the one that is inserted into is among them. */
static int depth_below(const struct loop_check *lc, struct eventpoll *ep, int depth)
{
	struct treap_node *n;
	int result = 0;

	if (ep->gen == lc->gen)
		return ep->loop_check_depth;
	ep->gen = lc->gen;
	for (n = treap_first(&ep->items); n && result <= EP_MAX_NESTS; n = treap_next(n)) {
		struct eventpoll *next = eventpoll_get(treap_entry(n, struct epitem, node)->file);
		int below;

		if (!next)
			continue;
		if (next == lc->inserting_into || depth > EP_MAX_NESTS)
			below = TOO_DEEP;
		else
			below = depth_below(lc, next, depth + 1);
		if (below != TOO_DEEP)
			below++;
		result = max(result, below);
	}
	ep->loop_check_depth = result;
	return result;
}

/* And how many are above it. */
static int depth_above(u64 gen, struct eventpoll *ep)
{
	struct epitem *epi;
	int result = 0;

	if (ep->gen == gen)
		return ep->loop_check_depth;
	for (epi = ep->file->f_ep; epi; epi = epi->f_next)
		result = max(result, depth_above(gen, epi->ep) + 1);
	ep->gen = gen;
	ep->loop_check_depth = result;
	return result;
}

int ep_loop_check(struct eventpoll *ep, struct eventpoll *to)
{
	struct loop_check lc = {++ep->vfs->in->epoll_gen, ep};
	int below = depth_below(&lc, to, 0);

	if (below > EP_MAX_NESTS)
		return -ELOOP;
	return below + 1 + depth_above(lc.gen, ep) > EP_MAX_NESTS ? -ELOOP : 0;
}

/* --- paths from one file up to all epolls that it would wake ------------------------------------- */

/* How many paths of each length one file may have, in epolls; those of one epoll (index 0) are not counted. */
static const u32 path_limits[] = {1000, 500, 100, 50, 10};

static int count_paths(u32 *counts, const struct file *f, u32 depth)
{
	struct epitem *epi;
	int err = 0;

	if (depth > EP_MAX_NESTS)
		return -EINVAL;
	for (epi = f->f_ep; epi && !err; epi = epi->f_next) {
		if (epi->ep->file->f_ep)
			err = count_paths(counts, epi->ep->file, depth + 1);
		else if (depth && ++counts[depth] > path_limits[depth])
			err = -EINVAL;
	}
	return err;
}

static int check_file(const struct file *f)
{
	u32 counts[ARRAY_SIZE(path_limits)] = {0};

	return count_paths(counts, f, 0);
}

/* Each plain file below @ep, which has just got one more path upwards. */
static int check_below(struct eventpoll *ep, u64 gen)
{
	struct treap_node *n;
	int err = 0;

	if (ep->gen == gen)
		return 0;
	ep->gen = gen;
	for (n = treap_first(&ep->items); n && !err; n = treap_next(n)) {
		struct file *f = treap_entry(n, struct epitem, node)->file;
		struct eventpoll *next = eventpoll_get(f);

		err = next ? check_below(next, gen) : check_file(f);
	}
	return err;
}

int ep_reverse_path_check(struct eventpoll *ep, struct file *target)
{
	struct eventpoll *below = eventpoll_get(target);

	if (below)
		return check_below(below, ++ep->vfs->in->epoll_gen);
	return check_file(target);
}
