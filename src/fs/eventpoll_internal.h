/* What eventpoll.c and eventpoll_nest.c share: the structures behind epoll. */
#ifndef FS_EVENTPOLL_INTERNAL_H
#define FS_EVENTPOLL_INTERNAL_H

#include "base/treap.h"
#include "fs/eventpoll.h"
#include "fs/poll.h"

#define EP_MAX_NESTS 4 /* epolls in a row, besides the first */

struct epitem;

/* One entry on one wait queue. */
struct eppoll_entry {
	struct eppoll_entry *next; /* of the same item */
	struct epitem *base;
	struct wait_queue_entry wait; /* on no queue after POLLFREE */
};

struct epitem {
	struct treap_node node;	  /* in eventpoll.items, by number, then file */
	struct list_head rdllink; /* in eventpoll.rdllist; self-linked: not */
	struct eventpoll *ep;
	struct file *file;		  /* no reference: see file.f_ep */
	struct epitem *f_next, **f_pprev; /* in file.f_ep's list */
	struct eppoll_entry *pwqlist;
	struct epoll_event event; /* changed by EPOLL_CTL_MOD, and cleared by EPOLLONESHOT */
	int fd;
};

struct eventpoll {
	struct vfs *vfs;
	struct file *file;		  /* no reference: it holds this */
	struct wait_queue_head wq;	  /* epoll_wait() */
	struct wait_queue_head poll_wait; /* whoever watches or polls the epoll itself */
	struct list_head rdllist;	  /* of epitem.rdllink */
	struct treap items;
	u64 gen;	      /* the walk that was here last ... */
	int loop_check_depth; /* ... and what it found */
	u32 busy_poll_usecs;  /* EPIOCSPARAMS: kept, and asked back; there is no device to poll */
	u16 busy_poll_budget;
	u8 prefer_busy_poll;
};

/* Would watching epoll @to from @ep make a circle, or more than EP_MAX_NESTS in a row? 0 or -ELOOP. */
int ep_loop_check(struct eventpoll *ep, struct eventpoll *to);
/* @target has just been linked to @ep: does anything now reach too many epolls? 0 or -EINVAL. */
int ep_reverse_path_check(struct eventpoll *ep, struct file *target);

#endif
