/* eventfd: a counter that can be waited for. write(2) adds to it, read(2) takes it all, or one (EFD_SEMAPHORE).
 *
 * Not for: signalling inside the kernel; there are wait queues (base/wait.h).
 * See: eventfd(2); Linux, fs/eventfd.c.
 */
#ifndef FS_EVENTFD_H
#define FS_EVENTFD_H

#include "fs/file.h"

/* A new one (a reference) with @count in it. @flags: EFD_SEMAPHORE, EFD_NONBLOCK. Never sleeps. ERR_PTR(-ENOMEM,
 * -ENFILE). */
struct file *eventfd_create(struct vfs *v, u32 count, int flags);
/* Is @f one? And: it counts one more, if there is room. For requests that end (aio). Never sleeps. */
bool is_eventfd(const struct file *f);
void eventfd_signal(struct file *f);

#endif
