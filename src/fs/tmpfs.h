/* tmpfs: names for shared memory. One is mounted on /dev/shm, for shm_open(3) and everybody else; its
 * pages are guest RAM, and the host's /dev/shm is never seen. Not for: memfd and SysV segments (shmemfs.h).
 * See: tmpfs(5); Linux, mm/shmem.c.
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "fs/vfs.h"

/* What mount(2) may ask for; 0: as many as there are by default. */
struct tmpfs_options {
	u32 mode; /* the root's permissions */
	u64 max_blocks, max_inodes;
};
/* Mount argument: struct tmpfs_options. */
extern const struct file_system_type tmpfs_type;

/* Mounts the machine's /dev/shm. 0, also where there is no /dev to hold it; -ENOMEM. */
int devshm_init(struct vfs *v);

#endif
