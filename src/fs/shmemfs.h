/* Files of shared memory: memfd_create(2) and SysV segments, which no directory holds. Their pages are
 * shmem objects of mm/; seals are memfd.h's.
 *
 *   struct file --> dentry --> shmem_node (shmem_node.h) --> address_space (mm/shmem.c) <-- VMAs
 *
 * Not for: names in a mounted file system (tmpfs.h). Making one never sleeps. See: Linux, mm/shmem.c.
 */
#ifndef FS_SHMEMFS_H
#define FS_SHMEMFS_H

#include "fs/file.h"

/* A new file, open for reading and writing (a reference), that no directory holds.
 * @name: as /proc/PID/maps shows it after the slash ("memfd:x", "SYSV00000000"), copied
 * @size: bytes
 * @flags: VM_NORESERVE: charged page by page
 * @mode: permissions
 * ERR_PTR(-ENOMEM, -ENFILE), -EINVAL: longer than a file can be. */
struct file *shmem_file_setup(struct vfs *v, const char *name, u64 size, vm_flags_t flags, u32 mode,
			      u32 uid, u32 gid);

/* A path to @as, a shared mapping without a file, for /proc/PID/map_files: "/dev/zero (deleted)". Its
 * pages and size are those of the mapping; times and permissions are each path's own. 0 or -ENOMEM. */
int shmem_mapping_path(struct vfs *v, struct address_space *as, u32 uid, u32 gid, struct path *out);

/* Is @f a regular file in RAM: of memfd_create(2) without huge pages, a SysV segment, or of a tmpfs? */
bool is_shmem_file(const struct file *f);

#endif
