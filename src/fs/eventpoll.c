/* epoll: items, what puts them on the ready list, and what takes them off. See eventpoll.h.
 *
 * Nothing sleeps between taking an item off the list and putting it back, so there is one list only, where
 * Linux has a second for what calls during a scan.
 */
#include "fs/eventpoll_internal.h"

#include <linux/capability.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/internal.h"
#include "fs/libfs.h"
#include "fs/seq_file.h"
#include "mm/uaccess.h"

/* Bits of epoll_event.events that are not asked of the file. */
#define EP_PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EPOLLEXCLUSIVE_OK_BITS                                                                     \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

#define K_EPIOCSPARAMS 0x40088a01U
#define K_EPIOCGPARAMS 0x80088a02U
#define NAPI_POLL_WEIGHT 64

/* --- the ready list ------------------------------------------------------------------------------ */

static bool ep_is_linked(const struct epitem *epi)
{
	return !list_empty(&epi->rdllink);
}

/* There is something to fetch: one who waits, and whoever watches the epoll. */
static void ep_wake(struct eventpoll *ep, u32 key)
{
	if (waitqueue_active(&ep->wq))
		wake_up(&ep->wq);
	if (waitqueue_active(&ep->poll_wait))
		wake_up_poll(&ep->poll_wait, EPOLLIN | key);
}

static void ep_make_ready(struct epitem *epi)
{
	if (!ep_is_linked(epi))
		list_add_tail(&epi->rdllink, &epi->ep->rdllist);
	ep_wake(epi->ep, 0);
}

/* An exclusive item takes the wake-up, so that others need not, if somebody waits for just that. */
static bool takes_wakeup(const struct epitem *epi, u32 key)
{
	u32 inout = key & (EPOLLIN | EPOLLOUT);

	if (!(epi->event.events & EPOLLEXCLUSIVE))
		return true;
	if (!waitqueue_active(&epi->ep->wq) || (key & POLLFREE))
		return false;
	return !inout || (inout != (EPOLLIN | EPOLLOUT) && (epi->event.events & inout));
}

static bool ep_poll_callback(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	struct epitem *epi = container_of(we, struct eppoll_entry, wait)->base;
	u32 key = wq->key;
	bool took;

	if (key & POLLFREE)
		list_del_init(&we->entry);
	if (!(epi->event.events & ~EP_PRIVATE_BITS)) /* EPOLLONESHOT: until EPOLL_CTL_MOD */
		return !(epi->event.events & EPOLLEXCLUSIVE);
	if (key && !(key & epi->event.events))
		return !(epi->event.events & EPOLLEXCLUSIVE);
	took = takes_wakeup(epi, key);
	if (!ep_is_linked(epi))
		list_add_tail(&epi->rdllink, &epi->ep->rdllist);
	ep_wake(epi->ep, key & ~POLLFREE);
	return took;
}

/* What @epi's file is ready for, of what it is asked. */
static u32 ep_item_poll(struct epitem *epi, struct poll_table *pt)
{
	pt->key = epi->event.events;
	return vfs_poll(epi->file, pt) & epi->event.events;
}

/* --- items --------------------------------------------------------------------------------------- */

struct ep_pqueue {
	struct poll_table pt;
	struct epitem *epi;
};

static void ep_ptable_queue_proc(struct file *f __unused, struct wait_queue_head *wq,
				 struct poll_table *pt)
{
	struct ep_pqueue *epq = container_of(pt, struct ep_pqueue, pt);
	struct epitem *epi = epq->epi;
	struct eppoll_entry *pwq = kmem_cache_alloc(epi->ep->vfs->pwq_cache, GFP_KERNEL);

	if (!pwq) {
		pt->error = -ENOMEM;
		return;
	}
	pwq->wait = (struct wait_queue_entry){
		.flags = epi->event.events & EPOLLEXCLUSIVE ? WQ_FLAG_EXCLUSIVE : 0,
		.func = ep_poll_callback,
	};
	pwq->base = epi;
	pwq->next = epi->pwqlist;
	epi->pwqlist = pwq;
	add_wait_queue(wq, &pwq->wait);
}

static int ep_cmp(const struct epitem *epi, const struct file *f, int fd)
{
	if (epi->fd != fd)
		return fd < epi->fd ? -1 : 1;
	return f == epi->file ? 0 : f < epi->file ? -1 : 1;
}

/* The item of @f as number @fd, or NULL, and where it would be linked. */
static struct epitem *ep_find(struct eventpoll *ep, const struct file *f, int fd,
			      struct treap_node **parent, struct treap_node ***link)
{
	*parent = NULL;
	*link = &ep->items.root;
	while (**link) {
		struct epitem *epi = treap_entry(**link, struct epitem, node);
		int cmp = ep_cmp(epi, f, fd);

		if (!cmp)
			return epi;
		*parent = **link;
		*link = cmp < 0 ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

static void ep_remove(struct epitem *epi)
{
	struct eventpoll *ep = epi->ep;
	struct eppoll_entry *pwq;

	while ((pwq = epi->pwqlist)) {
		epi->pwqlist = pwq->next;
		list_del_init(&pwq->wait.entry);
		kmem_cache_free(ep->vfs->pwq_cache, pwq);
	}
	*epi->f_pprev = epi->f_next;
	if (epi->f_next)
		epi->f_next->f_pprev = epi->f_pprev;
	treap_erase(&ep->items, &epi->node);
	list_del_init(&epi->rdllink);
	ep->vfs->in->epoll_watches--;
	kmem_cache_free(ep->vfs->epi_cache, epi);
}

void eventpoll_release_file(struct file *f)
{
	while (f->f_ep)
		ep_remove(f->f_ep);
}

static void attach(struct epitem *epi, struct file *f)
{
	epi->file = f;
	epi->f_next = f->f_ep;
	epi->f_pprev = &f->f_ep;
	if (f->f_ep)
		f->f_ep->f_pprev = &epi->f_next;
	f->f_ep = epi;
}

static int ep_insert(struct eventpoll *ep, const struct epoll_event *event, struct file *f, int fd,
		     bool full_check)
{
	struct treap_node *parent, **link;
	struct ep_pqueue epq = {.pt = {.qproc = ep_ptable_queue_proc, .lasting = true}};
	struct epitem *epi;
	u32 revents;
	int err;

	if (ep->vfs->in->epoll_watches >= ep->vfs->epoll_max_watches)
		return -ENOSPC;
	epi = kmem_cache_zalloc(ep->vfs->epi_cache, GFP_KERNEL);
	if (!epi)
		return -ENOMEM;
	INIT_LIST_HEAD(&epi->rdllink);
	epi->ep = ep;
	epi->fd = fd;
	epi->event = *event;
	ep_find(ep, f, fd, &parent, &link);
	treap_link(&ep->items, &epi->node, parent, link);
	attach(epi, f);
	ep->vfs->in->epoll_watches++;
	err = full_check ? ep_reverse_path_check(ep, f) : 0;
	if (!err) {
		epq.epi = epi;
		revents = ep_item_poll(epi, &epq.pt);
		err = epq.pt.error;
	}
	if (err) {
		ep_remove(epi);
		return err;
	}
	if (revents)
		ep_make_ready(epi);
	return 0;
}

static void ep_modify(struct epitem *epi, const struct epoll_event *event)
{
	struct poll_table pt = {.lasting = true};

	epi->event = *event;
	if (ep_item_poll(epi, &pt))
		ep_make_ready(epi);
}

static int ep_change(struct eventpoll *ep, int op, struct file *target, int fd,
		     struct epoll_event *event, bool full_check)
{
	struct treap_node *parent, **link;
	struct epitem *epi = ep_find(ep, target, fd, &parent, &link);

	if (op == EPOLL_CTL_ADD && epi)
		return -EEXIST;
	if (op != EPOLL_CTL_ADD && !epi)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		ep_remove(epi);
		return 0;
	}
	event->events |= EPOLLERR | EPOLLHUP;
	if (op == EPOLL_CTL_ADD)
		return ep_insert(ep, event, target, fd, full_check);
	if (epi->event.events & EPOLLEXCLUSIVE)
		return -EINVAL;
	ep_modify(epi, event);
	return 0;
}

/* It wakes one of several epolls, is asked for at the start, and never of an epoll. */
static bool exclusive_ok(int op, const struct epoll_event *event, const struct file *target)
{
	if (!event || !(event->events & EPOLLEXCLUSIVE))
		return true;
	if (op == EPOLL_CTL_MOD)
		return false;
	return op != EPOLL_CTL_ADD ||
	       (!eventpoll_get(target) && !(event->events & ~EPOLLEXCLUSIVE_OK_BITS));
}

int eventpoll_ctl(struct file *f, int op, struct file *target, int fd, struct epoll_event *event)
{
	struct eventpoll *ep = eventpoll_get(f), *below = eventpoll_get(target);
	bool full_check = false;
	int err;

	if (!file_can_poll(target))
		return -EPERM;
	if (event && (event->events & EPOLLWAKEUP) && !vfs_capable(f->vfs, CAP_BLOCK_SUSPEND))
		event->events &= ~EPOLLWAKEUP;
	if (f == target || !ep || !exclusive_ok(op, event, target))
		return -EINVAL;
	if (op == EPOLL_CTL_ADD && (f->f_ep || below)) {
		full_check = true;
		err = below ? ep_loop_check(ep, below) : 0;
		if (err)
			return err;
	}
	if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
		return -EINVAL;
	return ep_change(ep, op, target, fd, event, full_check);
}

/* --- waiting ------------------------------------------------------------------------------------- */

/* One event to the guest. False: it could not be stored. */
static bool put_event(struct mm_struct *mm, gva_t to, u32 revents, u64 data)
{
	struct epoll_event ev = {.events = revents, .data.u64 = data};
	u64 left;

	pagefault_disable(mm->mem);
	left = copy_to_user(mm, to, &ev, sizeof(ev));
	pagefault_enable(mm->mem);
	return !left;
}

static u64 count_ready(const struct eventpoll *ep, u64 max)
{
	const struct list_head *l;
	u64 n = 0;

	for (l = ep->rdllist.next; l != &ep->rdllist && n < max; l = l->next)
		n++;
	return n;
}

/* Where a copy may sleep, what it would wait for comes in first. */
static void prefault(const struct eventpoll *ep, struct mm_struct *mm, gva_t to, u64 max)
{
	if (unlikely(mm->uffd_used) &&
	    fault_in_user(mm, to, count_ready(ep, max) * sizeof(struct epoll_event), true))
		return; /* the copy will report it */
}

/* What is ready now, from the head of the list to where its end is now: what goes back, goes behind that. How many;
 * -EFAULT. */
static long ep_send_events(struct eventpoll *ep, struct mm_struct *mm, gva_t to, int max)
{
	struct poll_table pt = {.lasting = true};
	struct list_head end;
	long n = 0;

	prefault(ep, mm, to, max);
	list_add_tail(&end, &ep->rdllist);
	while (n < max && ep->rdllist.next != &end) {
		struct epitem *epi = list_first_entry(&ep->rdllist, struct epitem, rdllink);
		u32 revents;

		list_del_init(&epi->rdllink);
		revents = ep_item_poll(epi, &pt);
		if (!revents)
			continue;
		if (!put_event(mm, to + n * sizeof(struct epoll_event), revents,
			       epi->event.data.u64)) {
			if (!ep_is_linked(epi))
				list_add(&epi->rdllink, &ep->rdllist);
			n = n ? n : -EFAULT;
			break;
		}
		n++;
		if (epi->event.events & EPOLLONESHOT)
			epi->event.events &= EP_PRIVATE_BITS;
		else if (!(epi->event.events & EPOLLET) && !ep_is_linked(epi))
			list_add_tail(&epi->rdllink, &ep->rdllist);
	}
	list_del(&end);
	if (!list_empty(&ep->rdllist) && waitqueue_active(&ep->wq))
		wake_up(&ep->wq);
	return n;
}

/* 0: look again; -EINTR; -ETIME. */
static int ep_sleep(struct eventpoll *ep, u64 deadline_ns)
{
	struct wait_queue_entry we;
	int err = 0;

	init_wait(&ep->wq, &we);
	prepare_to_wait_exclusive(&ep->wq, &we, TASK_INTERRUPTIBLE);
	if (list_empty(&ep->rdllist))
		err = wait_block(&ep->wq, TASK_INTERRUPTIBLE, deadline_ns);
	finish_wait(&ep->wq, &we);
	return err == -ERESTARTSYS ? -EINTR : err;
}

long eventpoll_wait(struct eventpoll *ep, struct mm_struct *mm, gva_t to, int max, u64 deadline_ns)
{
	bool waits = deadline_ns;
	int err = 0;
	long n;

	/* What the host has to tell by now: whoever asks without waiting never lets the loop run. */
	if (list_empty(&ep->rdllist))
		event_loop_run(ep->vfs->events, false);
	for (;;) {
		n = list_empty(&ep->rdllist) ? 0 : ep_send_events(ep, mm, to, max);
		if (n || !waits)
			return n;
		if (err)
			return err == -ETIME ? 0 : err;
		err = ep_sleep(ep, deadline_ns);
	}
}

/* --- the file ------------------------------------------------------------------------------------ */

/* Is there anything to fetch? What calls in vain leaves the list. */
static unsigned ep_eventpoll_poll(struct file *f, struct poll_table *pt)
{
	struct eventpoll *ep = f->private_data;
	struct poll_table inner = {.lasting = true};
	struct epitem *epi, *next;

	poll_wait(f, &ep->poll_wait, pt);
	list_for_each_entry_safe (epi, next, &ep->rdllist, rdllink) {
		if (ep_item_poll(epi, &inner))
			return EPOLLIN | EPOLLRDNORM;
		list_del_init(&epi->rdllink);
	}
	return 0;
}

struct epoll_params_k {
	u32 busy_poll_usecs;
	u16 busy_poll_budget;
	u8 prefer_busy_poll, pad;
};

static long ep_set_params(struct eventpoll *ep, const struct epoll_params_k *p)
{
	if (p->pad || p->busy_poll_usecs > 0x7fffffff || p->prefer_busy_poll > 1)
		return -EINVAL;
	if (p->busy_poll_budget > NAPI_POLL_WEIGHT && !vfs_capable(ep->vfs, CAP_NET_ADMIN))
		return -EPERM;
	ep->busy_poll_usecs = p->busy_poll_usecs;
	ep->busy_poll_budget = p->busy_poll_budget;
	ep->prefer_busy_poll = p->prefer_busy_poll;
	return 0;
}

static long ep_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct eventpoll *ep = f->private_data;
	struct epoll_params_k p = {ep->busy_poll_usecs, ep->busy_poll_budget, ep->prefer_busy_poll,
				   0};

	switch (cmd) {
	case K_EPIOCSPARAMS:
		return get_user(mm, p, arg) ? -EFAULT : ep_set_params(ep, &p);
	case K_EPIOCGPARAMS:
		return put_user(mm, p, arg);
	default:
		return -EINVAL;
	}
}

/* Linux sorts by the address of the watched file; here it is by its number. */
static void ep_show_fdinfo(struct file *f, struct seq *out)
{
	struct eventpoll *ep = f->private_data;
	struct treap_node *n;

	for (n = treap_first(&ep->items); n; n = treap_next(n)) {
		const struct epitem *epi = treap_entry(n, struct epitem, node);
		const struct dentry *d = epi->file->f_path.dentry;
		u64 dev = d ? d->dev : 0;

		seq_printf(out, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n",
			   epi->fd, epi->event.events, epi->event.data.u64, (s64)epi->file->f_pos,
			   d ? d->ino : 0, major(dev) << 20 | minor(dev));
	}
}

static const struct file_operations eventpoll_fops = {
	.poll = ep_eventpoll_poll,
	.ioctl = ep_ioctl,
	.llseek = noop_llseek,
	.show_fdinfo = ep_show_fdinfo,
};

static void eventpoll_free(struct vfs *v, void *object)
{
	struct eventpoll *ep = object;
	struct treap_node *n;

	while ((n = treap_first(&ep->items)))
		ep_remove(treap_entry(n, struct epitem, node));
	kfree(v->mem, ep);
}

static const struct anon_inode_type eventpoll_type = {
	.name = "[eventpoll]",
	.fops = &eventpoll_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.of_root = true,
	.f_mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_NO_PREAD | FMODE_NO_SPLICE,
	.release = eventpoll_free,
};

struct eventpoll *eventpoll_get(const struct file *f)
{
	return anon_inode_is(f, &eventpoll_type) ? f->private_data : NULL;
}

struct file *eventpoll_create(struct vfs *v)
{
	struct eventpoll *ep = kzalloc(v->mem, sizeof(*ep), GFP_KERNEL);
	struct file *f;

	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->vfs = v;
	init_waitqueue_head(&ep->wq, v->events->sched);
	init_waitqueue_head(&ep->poll_wait, v->events->sched);
	INIT_LIST_HEAD(&ep->rdllist);
	f = anon_inode_getfile(v, &eventpoll_type, ep, ANON_INODE_INO, O_RDWR);
	if (IS_ERR(f))
		kfree(v->mem, ep);
	else
		ep->file = f;
	return f;
}

/* A twenty-fifth of all memory. See: Linux, eventpoll_init(). */
u64 eventpoll_max_watches(const struct vfs *v)
{
	u64 cost = sizeof(struct epitem) + sizeof(struct eppoll_entry);

	return totalram_pages(v->mem) / 25 * PAGE_SIZE / cost;
}
