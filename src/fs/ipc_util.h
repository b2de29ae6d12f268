/* What the three kinds of System V objects share: numbers, keys, owners and rights.
 *
 *   id = place | sequence << 15        ipc_ids.at[place] --> kern_ipc_perm, the first member of the object
 *
 * Nothing here sleeps. Not for: what the objects are (ipc_shm.h, ipc_sem.h, ipc_msg.h), POSIX queues
 * (mqueue.h), which have names. See: Linux, ipc/util.c; sysvipc(7).
 */
#ifndef FS_IPC_UTIL_H
#define FS_IPC_UTIL_H

#include <sys/ipc.h>

#include "base/types.h"

struct memory;
struct vfs;

#define IPC_MNI 32768U /* most objects of a kind: ipc_mni */

/* Who asks. */
struct ipc_cred {
	s32 pid; /* the process */
	u32 euid, egid, uid;
	const u32 *groups; /* further ones; ngroups of them */
	u32 ngroups;
	u64 memlock;	  /* RLIMIT_MEMLOCK, bytes; ~0: any, with CAP_IPC_LOCK */
	bool privileged;  /* CAP_IPC_OWNER: whatever the mode says */
	bool admin;	  /* CAP_SYS_ADMIN: IPC_SET and IPC_RMID of others' */
	bool resource;	  /* CAP_SYS_RESOURCE: above the limits of queues */
	bool may_hugetlb; /* CAP_IPC_LOCK, or in the group vm.hugetlb_shm_group: SHM_HUGETLB */
};

/* One object's name and owners. */
struct kern_ipc_perm {
	int id; /* set by ipc_addid() */
	s32 key;
	u32 uid, gid, cuid, cgid;
	u32 mode; /* permissions, and SHM_DEST and kin */
	u16 seq;
};

/* All of one kind; zeros, but for seq: ipc_init_ids(). */
struct ipc_ids {
	u32 in_use, seq, last_place;
	u32 size; /* of @at, which grows */
	struct kern_ipc_perm **at;
};

void ipc_init_ids(struct ipc_ids *ids);
/* The table goes; its objects are gone. */
void ipc_free_ids(struct memory *m, struct ipc_ids *ids);

/* A new object's owner, key and mode. */
void ipc_init_perm(struct kern_ipc_perm *p, const struct ipc_cred *who, s32 key, int flags);
/* Gives it a place and a number: 0; -ENOSPC: @limit are there; -ENOMEM. The object is the caller's on failure. */
int ipc_addid(struct memory *m, struct ipc_ids *ids, struct kern_ipc_perm *p, u32 limit);
/* Its number means nothing any more. */
void ipc_rmid(struct ipc_ids *ids, const struct kern_ipc_perm *p);

/* The object with that number, key, or place; NULL: none. */
struct kern_ipc_perm *ipc_find_id(const struct ipc_ids *ids, int id);
struct kern_ipc_perm *ipc_find_key(const struct ipc_ids *ids, s32 key);
struct kern_ipc_perm *ipc_find_place(const struct ipc_ids *ids, int place);
/* The first at or after place *@at, which becomes its own. NULL: no more. */
struct kern_ipc_perm *ipc_next(const struct ipc_ids *ids, unsigned *at);
/* The highest place in use; 0 also if there is none. */
long ipc_max_place(const struct ipc_ids *ids);

/* May @who do what any three bits of @flags say (4 read, 2 write)? Linux: ipcperms(). */
bool ipc_may(const struct ipc_cred *who, const struct kern_ipc_perm *p, u32 flags);
/* May it change or remove the object? */
bool ipc_owns(const struct ipc_cred *who, const struct kern_ipc_perm *p);
/* To and from what programs see. ipc_set_perm(): owner and permissions. */
void ipc_get_perm(const struct kern_ipc_perm *p, struct ipc_perm *out);
void ipc_set_perm(struct kern_ipc_perm *p, const struct ipc_perm *in);

/* Seconds of the calendar, for the times of objects: of the machine's clock where time is virtual. */
s64 ipc_now(struct vfs *v);

#endif
