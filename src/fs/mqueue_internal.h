/* What mqueue.c (queues) and mqueuefs.c (their names and files) share. */
#ifndef FS_MQUEUE_INTERNAL_H
#define FS_MQUEUE_INTERNAL_H

#include "base/wait.h"
#include "fs/libfs.h"
#include "fs/mqueue.h"

#define MQUEUE_FILENT_SIZE 80U /* bytes of every such file, as fstat(2) tells */

struct mqueue {
	struct simple_attr attr; /* first: libfs.h */
	struct vfs *vfs;
	struct list_head names, all; /* in mqueue_ns; names: self-linked once unlinked */
	struct dentry *dentry;	     /* a reference while it has a name */
	u64 charge;		     /* bytes of maker's RLIMIT_MSGQUEUE */
	u32 maker;
	s64 maxmsg, msgsize, curmsgs; /* the first two are set once */
	u64 qsize;		      /* bytes of all messages */
	struct list_head messages, receivers, senders;
	struct wait_queue_head wait; /* of pollers */
	s32 owner;		     /* process to be told; 0: nobody */
	struct mq_notice notice;     /* how */
	char name[];
};

/* vfs_internal.mqueue */
struct mqueue_ns {
	struct list_head names, all;
	u32 count;
	struct mqueue_limits limits;
	struct simple_attr root_attr;
};

/* --- mqueue.c ---------------------------------------------------------------------------------- */

extern const struct file_operations mqueue_fops;

/* A queue without a name yet. ERR_PTR(-ENOSPC, -EINVAL, -EOVERFLOW, -EMFILE, -ENOMEM). */
struct mqueue *mqueue_new(struct vfs *v, const struct mq_maker *who, const char *name,
			  const struct mq_attr *attr);
/* Nobody has it open, and it has no name. */
void mqueue_free(struct mqueue *q);

static inline struct mqueue *mqueue_of(const struct file *f)
{
	return f->f_path.dentry->fs_private;
}

#endif
