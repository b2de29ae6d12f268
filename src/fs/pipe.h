/* Pipes and fifos between guest tasks.
 *
 *	           tail            head
 *	bufs:   .  [page][page][page]  .  .      a ring of pages of guest RAM, ring_size slots,
 *	            read              write      at most max_usage of them in use
 *
 * A pipe belongs to an inode of pipefs, one dentry for both ends; a fifo of the host's tree to the
 * dev and ino of that. Whoever changes the ring wakes the other side, and each sleeper looks again.
 * Not for: pipes that were inherited, or whose other end is a process of the host's (hostdev.c).
 * See: pipe(7); Linux, fs/pipe.c, include/linux/pipe_fs_i.h.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/file.h"
#include "fs/libfs.h"

#define PIPE_DEF_BUFFERS 16U
#define PIPE_MAX_SIZE (1UL << 20) /* bytes; more needs CAP_SYS_RESOURCE */

struct pipe_buffer {
	struct page *page; /* a reference */
	u32 offset, len;   /* bytes in it */
	u32 flags;	   /* PIPE_BUF_FLAG_* */
};

#define PIPE_BUF_FLAG_PACKET 1U	   /* a read ends here, and drops what it has not taken */
#define PIPE_BUF_FLAG_CAN_MERGE 2U /* the page is ours alone: writes may go on behind its bytes */

struct pipe_inode_info {
	struct simple_attr attr; /* first (libfs.h); of a pipe, a fifo has the host's */
	struct list_head fifos;	 /* in vfs_internal.fifos; self-linked: a pipe */
	struct vfs *vfs;
	struct wait_queue_head rd_wait, wr_wait;
	u32 head, tail;		     /* slots ever filled, ever emptied; wrap around */
	u32 ring_size;		     /* slots of bufs, a power of two; changed by F_SETPIPE_SZ */
	u32 max_usage;		     /* slots that may be in use; as ring_size */
	u32 readers, writers, files; /* open file descriptions; files: both kinds */
	u32 r_counter, w_counter;    /* openings ever: how open(2) of a fifo sees its partner */
	struct page *tmp_page[2];    /* emptied ones for the next write, or NULL */
	struct pipe_buffer *bufs;    /* kmalloc'ed */
	bool spliced;		/* a splice(2) writes what is first in it: others wait to read */
	bool poll_usage;	/* an epoll has asked for it once: see wake_readers() */
	u64 dev, ino, btime_ns; /* identity */
};

/* No bytes; no room. */
static inline bool pipe_empty(const struct pipe_inode_info *pipe)
{
	return pipe->head == pipe->tail;
}

static inline bool pipe_full(const struct pipe_inode_info *pipe)
{
	return pipe->head - pipe->tail >= pipe->max_usage;
}

/* Slot number @slot, as head and tail count. */
static inline struct pipe_buffer *pipe_buf(const struct pipe_inode_info *pipe, u32 slot)
{
	return &pipe->bufs[slot & (pipe->ring_size - 1)];
}

/* Two files, a reference each: files[0] reads, files[1] writes. @uid, @gid own it. @flags: O_NONBLOCK,
 * O_DIRECT (packets). 0, -ENOMEM, -ENFILE. */
int create_pipe_files(struct vfs *v, struct file *files[2], int flags, u32 uid, u32 gid);

/* The pipe behind @f, for as long as @f lives, or NULL: another kind of file. */
struct pipe_inode_info *get_pipe_info(const struct file *f);

/* fcntl(2) F_SETPIPE_SZ, F_GETPIPE_SZ: bytes; -EBUSY (more is in use), -EPERM, -EINVAL, -ENOMEM. */
long pipe_set_size(struct pipe_inode_info *pipe, u64 size, bool privileged);
long pipe_get_size(const struct pipe_inode_info *pipe);

/* open(2) of a fifo of the host's tree. May block for a partner. ERR_PTR(-ENXIO, -ERESTARTSYS, ...);
 * NULL: the other end is open outside, and *@host_fd a descriptor of the host's to serve it, the caller's. See:
 * fifo(7). (pipe_open.c) */
struct file *fifo_open(const struct path *p, int flags, int *host_fd);

/* Up to @len bytes of @in at *@pos (moved on) into @pipe, as far as there is room; waits for some.
 * Bytes, 0 at the end of the file; -EAGAIN, -ERESTARTSYS, -EPIPE. May sleep. See: sendfile(2). (splice.c) */
long splice_file_to_pipe(struct file *in, u64 *pos, struct pipe_inode_info *pipe, u64 len,
			 bool nonblock);
/* The other way round: up to @len bytes of @pipe to @out at *@pos. Waits for the first only. Bytes, 0: no
 * writers are left; -EAGAIN, -ERESTARTSYS, what @out says. May sleep. See: splice(2). (splice.c) */
long splice_pipe_to_file(struct pipe_inode_info *pipe, struct file *out, u64 *pos, u64 len,
			 bool nonblock);
/* Up to @len bytes of @in to @out, another pipe; no byte is copied. @tee: they stay in @in, too. Waits for the first,
 * and for room. Bytes, 0: no writers are left; -EAGAIN, -ERESTARTSYS, -EPIPE. May sleep. See: splice(2), tee(2).
 * (splice_pipe.c) */
long splice_pipe_to_pipe(struct pipe_inode_info *in, struct pipe_inode_info *out, u64 len, bool tee,
			 bool nonblock);
/* vmsplice(2): the pages that @from names are lent to @pipe, as many as it has room for; later stores to
 * them show in it. Bytes; -EFAULT, -EAGAIN, -ERESTARTSYS, -EPIPE. May sleep. (splice_pipe.c) */
long splice_user_to_pipe(struct iov_iter *from, struct pipe_inode_info *pipe, bool nonblock);

/* --- for splice ------------------------------------------------------------------------------ */

/* Sleep until there is something to read (0 also at the end: pipe_empty() tells), or room.
 * 0, -EAGAIN, -ERESTARTSYS; pipe_wait_writable(): -EPIPE without readers. */
int pipe_wait_readable(struct pipe_inode_info *pipe, bool nonblock);
int pipe_wait_writable(struct pipe_inode_info *pipe, bool nonblock);
/* Puts a buffer (its page reference goes with it) behind the others; there is room. */
void pipe_push(struct pipe_inode_info *pipe, struct page *page, u32 offset, u32 len, u32 flags);
/* Takes @n bytes, all of the first buffer or a part of it, off the pipe. */
void pipe_consume(struct pipe_inode_info *pipe, u32 n);
/* Takes the first buffer off; its page reference is the caller's. */
struct pipe_buffer pipe_pull(struct pipe_inode_info *pipe);

#endif
