/* System V semaphores: arrays of counters that change together or not at all.
 *
 *   id (ipc_util.h) --> struct sem_array --> sems[]: value, and who changed it last
 *                             |  pending: sem_queue ... who sleeps, in the order they came
 *                             '- undos: sem_undo ... <-- sem_undo_list, a process's (SEM_UNDO)
 *
 * A call that has to wait stands in pending with all it wants; whoever changes a value carries out for the
 * sleepers what has become possible, in their order, and wakes them with the result. Only do_semtimedop()
 * may sleep. Not for: reading and storing arguments (syscalls/sys_sem.c). See: Linux, ipc/sem.c; semop(2).
 */
#ifndef FS_IPC_SEM_H
#define FS_IPC_SEM_H

#include <sys/sem.h>

#include "fs/ipc_util.h"
#include "fs/vfs.h"

#define SEM_VMX 32767 /* the highest value */

/* kernel.sem, proc(5): semaphores of an array, of all, changes of a call, arrays. */
struct sem_limits {
	s32 msl, mns, opm, mni;
};
#define SEM_LIMITS_DEFAULT                                                                         \
	{                                                                                          \
		.msl = 32000, .mns = 1024000000, .opm = 500, .mni = 32000                          \
	}
struct sem_limits sem_get_limits(const struct vfs *v);
void sem_set_limits(struct vfs *v, const struct sem_limits *limits);

/* What is taken back at the end of the processes that share it. */
struct sem_undo_list;
/* One more user of *@list, which is made if there is none: clone(2) CLONE_SYSVSEM. 0 or -ENOMEM. */
int sem_undo_share(struct vfs *v, struct sem_undo_list **list);
/* A user of @list (NULL: nothing) ends; with the last one, @pid, its changes are taken back. */
void exit_sem(struct vfs *v, struct sem_undo_list *list, s32 pid);

/* The array's number: a new one, or the one that has @key. -ENOENT, -EEXIST, -EINVAL, -EACCES, -ENOSPC,
 * -ENOMEM. */
long do_semget(struct vfs *v, const struct ipc_cred *who, s32 key, int nsems, int flags);

/**
 * do_semtimedop - change, or wait for, several values at once
 * @undo:        the task's list, made at the first SEM_UNDO
 * @sops:        @nsops changes, 1 to sem_limits.opm
 * @deadline_ns: of the machine's clock, or WAIT_FOREVER
 *
 * May sleep.
 * Return: 0; -EINVAL (no such array), -EFBIG (no such semaphore), -EACCES, -ERANGE, -ENOMEM; -EAGAIN
 * (IPC_NOWAIT, or the deadline), -EIDRM, -EINTR. See: semop(2).
 */
long do_semtimedop(struct vfs *v, const struct ipc_cred *who, struct sem_undo_list **undo, int id,
		   const struct sembuf *sops, u32 nsops, u64 deadline_ns);

/* GETVAL, GETPID, GETNCNT, GETZCNT of semaphore @num. -EINVAL, -EACCES. */
long sem_get(struct vfs *v, const struct ipc_cred *who, int id, int num, int cmd);
/* SETVAL. 0, -ERANGE, -EINVAL, -EACCES. */
int sem_setval(struct vfs *v, const struct ipc_cred *who, int id, int num, int val);
/* How many there are, for who may do @flags with them: or -EINVAL, -EACCES. */
long sem_count(struct vfs *v, const struct ipc_cred *who, int id, u32 flags);
/* GETALL, SETALL: of sem_count() values. 0, -EINVAL, -EACCES, -ERANGE, -EIDRM (not the array it was). */
int sem_getall(struct vfs *v, const struct ipc_cred *who, int id, u16 *vals, u32 nsems);
int sem_setall(struct vfs *v, const struct ipc_cred *who, int id, const u16 *vals, u32 nsems);

/* As shm_stat(), shm_set(), shm_remove(). */
long sem_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct semid_ds *out);
int sem_set(struct vfs *v, const struct ipc_cred *who, int id, const struct semid_ds *in);
int sem_remove(struct vfs *v, const struct ipc_cred *who, int id);
/* IPC_INFO, and (@usage) SEM_INFO: the highest place in use. */
long sem_info(struct vfs *v, bool usage, struct seminfo *out);
/* /proc/sysvipc/sem: the array at or after place *@at. False: none. */
bool sem_next(struct vfs *v, unsigned *at, int *id, struct semid_ds *out);

/* At the end of the machine. */
void sem_destroy_all(struct vfs *v);

#endif
