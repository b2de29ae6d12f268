/* Seals of files in RAM: what can never be done with one again. They are kept by the inode (shmem_node.seals),
 * looked at by shmemfs.c and hugetlbfs.c, and by mmap(2). Nothing here sleeps.
 * See: memfd_create(2), fcntl(2) "File Sealing"; Linux, mm/memfd.c.
 */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "fs/file.h"

#define F_SEAL_EXEC_K 0x20U
#define F_SEALS_WRITING (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

/* fcntl(F_ADD_SEALS). 0; -EINVAL: no such seal, or no file that has any; -EPERM: not open for writing,
 * or sealed against it; -EBUSY: F_SEAL_WRITE while it is mapped for writing. */
long memfd_add_seals(struct file *f, u32 seals);
/* fcntl(F_GET_SEALS). The seals (F_SEAL_*), or -EINVAL: no file that has any. */
long memfd_get_seals(struct file *f);
/* For memfd_create(2): what a new file in RAM starts with. Without it: F_SEAL_SEAL, nothing can be added. */
void memfd_set_seals(struct file *f, u32 seals);

#endif
