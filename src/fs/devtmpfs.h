/* /dev for a guest with a tree of its own (--root): a tmpfs with the nodes that every program may expect, whatever
 * the tree has there. Without --root the host's /dev is seen. Not for: what the devices do (mem_dev.h, tty.h).
 * See: Linux, drivers/base/devtmpfs.c, Documentation/admin-guide/devices.rst.
 */
#ifndef FS_DEVTMPFS_H
#define FS_DEVTMPFS_H

#include "fs/vfs.h"

/* Mounts it; before what goes on /dev/shm, /dev/pts and the like. 0 or -ENOMEM. */
int devtmpfs_init(struct vfs *v);

#endif
