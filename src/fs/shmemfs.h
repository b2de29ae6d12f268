/* Files of shared memory: memfd_create(2) and SysV segments. Their pages are shmem objects of mm/. */
#ifndef FS_SHMEMFS_H
#define FS_SHMEMFS_H

#include "fs/file.h"

/* A new file, open for reading and writing, that no directory holds.
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

/* fcntl(F_ADD_SEALS), F_GET_SEALS: 0, the seals, or -EINVAL (no such file), -EPERM (not writable,
 * sealed against it), -EBUSY (F_SEAL_WRITE while it is mapped for writing). */
long shmem_add_seals(struct file *f, u32 seals);
long shmem_get_seals(struct file *f);
/* For memfd_create(2): what it starts with. */
void shmem_set_seals(struct file *f, u32 seals);

/* What stat(2) says, for ipc_shm.c: shmctl's SHM_STAT counts resident pages. */
bool is_shmem_file(const struct file *f);

#endif
