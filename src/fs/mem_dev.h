/* Character devices without hardware: null, zero, full, random, urandom. Wherever their nodes stand, in the host's
 * tree or in the guest's own /dev, what they do is done here. Not for: terminals (tty.h), other devices (hostdev.c).
 * See: null(4), full(4), random(4); Linux, drivers/char/mem.c, random.c.
 */
#ifndef FS_MEM_DEV_H
#define FS_MEM_DEV_H

#include "fs/file.h"

/* What a file of character device @major:@minor can do; NULL: none of these. Never blocks. */
const struct file_operations *mem_dev_fops(u32 major, u32 minor);

/* Opens device @rdev (as makedev(3)), whose node @p is on a file system of our own: one of these, a terminal of
 * ours, or what vfs.chardev_fops has; -ENXIO: nobody's. Rights are the caller's to check. The file or ERR_PTR. */
struct file *chardev_open(const struct path *p, int flags, u64 rdev);

#endif
