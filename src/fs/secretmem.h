/* Files of memfd_secret(2): memory that only those who map it can see. The pages are mm/secretmem.c's.
 * See: Linux, mm/secretmem.c. */
#ifndef FS_SECRETMEM_H
#define FS_SECRETMEM_H

#include "fs/file.h"

/* A new file of no size (a reference), which may be given one once, by ftruncate(2). Never sleeps.
 * ERR_PTR(-ENOMEM, -ENFILE). */
struct file *secretmem_file_setup(struct vfs *v, u32 uid, u32 gid);

#endif
