/* What every socket answers about network devices: SIOCGIFCONF, SIOCGIFFLAGS and their kin. The devices are the host's, and
 * cannot be changed from here. See: netdevice(7). */
#ifndef FS_NETDEV_H
#define FS_NETDEV_H

#include "base/types.h"

struct mm_struct;
struct vfs;

/* @fd: the host's socket of the same family; -1: one of AF_UNIX is made for the call. 0; -ENOTTY: no ioctl of devices;
 * -EPERM: it changes one; -EFAULT, -ENODEV, or what the host says. */
long netdev_ioctl(struct vfs *v, int fd, u32 cmd, u64 arg, struct mm_struct *mm);

#endif
