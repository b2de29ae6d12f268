/* Files of huge pages: memfd_create(MFD_HUGETLB) and SysV segments with SHM_HUGETLB. Pages and pools are
 * mm/hugetlb.h's. Nothing mounts such a file system yet. See: Linux, fs/hugetlbfs/inode.c. */
#ifndef FS_HUGETLBFS_H
#define FS_HUGETLBFS_H

#include "fs/file.h"

struct hstate;

/* A new file of pages of @h, as shmem_file_setup() makes one (a reference). @size: bytes, whole huge
 * pages; none is set aside here. Never sleeps. ERR_PTR(-ENOMEM, -ENFILE). */
struct file *hugetlb_file_setup(struct vfs *v, const char *name, u64 size, struct hstate *h,
				u32 mode, u32 uid, u32 gid);
/* Is @f one of these? */
bool is_hugetlbfs_file(const struct file *f);

#endif
