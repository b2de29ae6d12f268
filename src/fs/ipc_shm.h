/* System V shared memory: segments by number and key, above the objects of shmemfs.c. shmget(2),
 * shmat(2), shmdt(2), shmctl(2) are bodies here; syscalls/sys_shm.c reads and stores arguments.
 *
 *   id (ipc_util.h) --> struct shm_segment --> struct file --> pages (shmemfs.c, hugetlbfs.c)
 *                          shm_nattch: VMAs; removed (SHM_DEST): goes with the last
 *
 * Only attaching and detaching may sleep (userfaultfd hears of unmapped ranges).
 * Not for: semaphores (ipc_sem.h), message queues (ipc_msg.h). See: Linux, ipc/shm.c, ipc/util.c.
 */
#ifndef FS_IPC_SHM_H
#define FS_IPC_SHM_H

#include <sys/shm.h>

#include "fs/file.h"
#include "fs/ipc_util.h"

/* The segment's number: a new one, or the one that has @key. -ENOENT, -EPERM (huge pages), -EEXIST,
 * -EINVAL, -EACCES, -ENOSPC, -ENOMEM. */
long do_shmget(struct vfs *v, const struct ipc_cred *who, s32 key, u64 size, int flags);
/* The address, or -EINVAL (no such segment or place), -EACCES, -ENOMEM; do_mmap()'s errors. */
long do_shmat(struct vfs *v, const struct ipc_cred *who, struct mm_struct *mm, int id, gva_t addr,
	      int flags);
/* Unmaps what is left of the attachment at @addr. 0 or -EINVAL. */
long do_shmdt(struct mm_struct *mm, gva_t addr);

/* One segment as IPC_STAT shows it. @index: @id is a place in the table (SHM_STAT); @any: without
 * the right to read (SHM_STAT_ANY). The segment's number (0 unless @index) or -errno. */
long shm_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct shmid_ds *out);
/* IPC_SET's owner and mode. IPC_RMID; SHM_LOCK, SHM_UNLOCK. 0 or -errno. What a user has locked counts
 * together: SHM_LOCK is -ENOMEM over the limit, -EPERM if that is 0. */
int shm_set(struct vfs *v, const struct ipc_cred *who, int id, const struct shmid_ds *in);
int shm_remove(struct vfs *v, const struct ipc_cred *who, int id);
int shm_lock(struct vfs *v, const struct ipc_cred *who, int id, bool lock);
/* IPC_INFO and SHM_INFO: the highest place in use. */
long shm_limits(struct vfs *v, struct shminfo *out);
long shm_usage(struct vfs *v, struct shm_info *out);
/* /proc/sysvipc/shm: the segment at or after place *@at, and its pages in *@rss. False: none. */
bool shm_next(struct vfs *v, unsigned *at, int *id, struct shmid_ds *out, u64 *rss);

/* kernel.shmmax (bytes of a segment), shmall (pages of all), shmmni (how many). proc(5). */
#define SHM_MNI_MAX 32768U
#define SHM_LIMITS_DEFAULT                                                                         \
	{                                                                                          \
		.max = ~0UL - (1UL << 24), .all = ~0UL - (1UL << 24), .mni = 4096                  \
	}
struct shm_limits {
	u64 max, all;
	u32 mni; /* 0 .. SHM_MNI_MAX */
};
/* In force now; shm_set_limits(): from now on, for new segments. */
struct shm_limits shm_get_limits(const struct vfs *v);
void shm_set_limits(struct vfs *v, const struct shm_limits *limits);

/* At the end of the machine. */
void shm_destroy_all(struct vfs *v);

#endif
