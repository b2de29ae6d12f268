/* epoll: a list of files, and of those among them that may be ready.
 *
 *   struct file (an epoll's) --private_data--> eventpoll --items--> epitem, one a watched file and number
 *                                                 |                   |-- file: the watched one, no reference
 *                                                 |                   '-- pwqlist: its entries on the
 *                                                 |                       file's wait queues (poll.h)
 *                                                 '-- rdllist: items that have called since they were looked at
 *
 * An entry stays on its queue from EPOLL_CTL_ADD until the item goes: with EPOLL_CTL_DEL, with the epoll, or with the
 * watched file's last reference (file.f_ep leads to its items). What calls puts the item on rdllist and wakes one
 * who waits; epoll_wait() asks the files on the list what they are ready for, and level-triggered ones go back to its
 * end. An epoll is itself a file that can be watched, five deep.
 * Not for: poll(2) and select(2) (poll.h), the host's epoll (base/event.h).
 * See: epoll(7); Linux, fs/eventpoll.c, whose words these are.
 */
#ifndef FS_EVENTPOLL_H
#define FS_EVENTPOLL_H

#include <sys/epoll.h>

#include "fs/file.h"

#define EP_MAX_EVENTS (0x7fffffff / (int)sizeof(struct epoll_event))

struct eventpoll;

/* A new epoll (a reference); it never sleeps. ERR_PTR(-ENOMEM, -ENFILE). See: epoll_create(2). */
struct file *eventpoll_create(struct vfs *v);
/* The epoll that @f is, for as long as @f lives; NULL: another kind of file. */
struct eventpoll *eventpoll_get(const struct file *f);

/* epoll_ctl(2) of @ep (the file @f is) on @target, known to the guest as number @fd. @op: EPOLL_CTL_*; @event: what of it,
 * NULL for EPOLL_CTL_DEL, changed. 0; -EPERM: @target cannot be waited for; -EINVAL: @target is @f, an unknown @op, or
 * EPOLLEXCLUSIVE with what it does not go with; -ELOOP: a circle of epolls, or too deep; -EEXIST, -ENOENT, -ENOMEM;
 * -ENOSPC: more items than fs.epoll.max_user_watches. Never sleeps. */
int eventpoll_ctl(struct file *f, int op, struct file *target, int fd, struct epoll_event *event);

/* Up to @max events to guest memory at @to, as epoll_wait(2). Waits until @deadline_ns of the machine's clock; 0: not at
 * all; WAIT_FOREVER. How many; -EINTR: a signal; -EFAULT: not even the first could be stored, and it is kept. */
long eventpoll_wait(struct eventpoll *ep, struct mm_struct *mm, gva_t to, int max, u64 deadline_ns);

/* fs.epoll.max_user_watches at start: most items there may be. */
u64 eventpoll_max_watches(const struct vfs *v);
/* The last reference of @f is gone: nobody watches it any more. For fput() only, where f->f_ep is set. */
void eventpoll_release_file(struct file *f);

#endif
