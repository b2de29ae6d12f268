/* Asynchronous I/O of io_setup(2): contexts, and the rings by which a program learns what is done.
 *
 *   aio_context_t = address of the ring, an area of the program's: struct aio_ring_head, then io_event ...
 *        area --vm_private_data--> struct kioctx     lives as long as an area of it does
 *
 * The ring is the program's to read: whoever likes takes events out of it without a call, by moving head on. What
 * is submitted is done at once, as Linux does it for files in its page cache: so nothing can be cancelled.
 * Not for: what requests do (syscalls/sys_aio.c). See: Linux, fs/aio.c; io_submit(2).
 */
#ifndef FS_AIO_H
#define FS_AIO_H

#include <linux/aio_abi.h>

#include "fs/vfs.h"

struct mm_struct;
struct kioctx;

#define AIO_MAX_NR 65536U /* events of all contexts, at start: fs.aio-max-nr */

/* A new ring in @mm, for @nr events at least: its address, or -EINVAL, -EAGAIN (fs.aio-max-nr), -ENOMEM. May
 * sleep. */
long aio_setup(struct vfs *v, struct mm_struct *mm, u32 nr);
/* The context whose ring is at @id in @mm, or NULL. Not across a sleep. */
struct kioctx *aio_lookup(struct mm_struct *mm, gva_t id);
/* It has no ring any more. 0 or -EINVAL: it has none. May sleep. */
int aio_destroy(struct mm_struct *mm, gva_t id);
/* fs.aio-nr: what all contexts were asked to hold. */
u64 aio_total(const struct vfs *v);
/* Most requests of one io_submit(2). */
u32 aio_nr_events(const struct kioctx *ctx);
/* Is there room for one more event? And the event; false: the ring cannot be written. May sleep (userfaultfd). */
bool aio_has_room(struct mm_struct *mm, gva_t id);
bool aio_complete(struct mm_struct *mm, gva_t id, const struct io_event *event);
/* Copies up to @nr events to @user, and waits until there were @min or @deadline_ns. How many; -EINVAL (no such
 * context), -EFAULT, -EINTR: only if there was none. May sleep. */
long aio_read_events(struct mm_struct *mm, gva_t id, s64 min_nr, s64 nr, gva_t user,
		     u64 deadline_ns);

#endif
