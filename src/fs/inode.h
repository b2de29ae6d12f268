/* Inodes of the host's regular files: identity, page cache, and what we expect of the file. Only files of
 * fs/ have a use for it.
 *
 *   struct file --f_inode--> struct inode --i_data--> pages <-- VMAs that map it
 *                               |  rd_fd   O_RDONLY: pages are read through it; kept while the inode lives
 *                               '- wr_fd   O_RDWR: mapped pages go back through it; while the file is open
 *
 * One inode a file, whatever the number of opens; found by device and number (inode_hash). With the last
 * close it goes to inode_lru, so that its clean pages serve the next open(). Nothing here sleeps.
 * Not for: inodes in guest RAM (shmem_node.h), pipes and sockets, which have none.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "fs/file.h"
#include "mm/filemap.h"

struct inode {
	struct list_head hash; /* in vfs_internal.inode_hash */
	struct list_head lru;  /* in inode_lru while refcount is 0 */
	struct list_head all;  /* in vfs.inodes */
	struct vfs *vfs;
	u64 dev, ino, btime_ns; /* identity; set once */
	u32 refcount;		/* open files */
	int rd_fd;		/* set by the first open that may read; -1: may not be read */
	int wr_fd;	     /* set by the first writable mapping, until the last close; -1: none */
	bool maybe_unlinked; /* a name of it went while it was open */
	bool closing;	     /* inode_flush_closed() is at work */
	bool noexec_known, noexec; /* its mount's, by the first file that was mapped */
	bool rd_noatime;	   /* what rd_fd reads is no access for the host */
	bool strict_atime;	   /* its mount's: each read changes the access time; set once */
	bool atime_due;		   /* the next read changes it, unless its file says O_NOATIME */
	bool dio_known; /* the two below were asked for, by the first O_DIRECT transfer */
	u32 dio_mem_align, dio_offset_align; /* bytes, for O_DIRECT; 0: the host does not say */
	struct address_space i_data;
	/* With i_size: what the file was after our own last change; another value is somebody else's. */
	u64 mtime_ns, ctime_ns;
	u64 checked_epoch,
		checked_ns; /* when it was last compared: event_loop.epoch, coarse clock */
};

#define STATX_WANTED                                                                               \
	(STATX_BASIC_STATS | STATX_BTIME) /* what the functions here read of a struct statx */

/* The inode of regular file @fd, whose access mode is in @flags and which is @stx (STATX_WANTED) now; a
 * reference. @fd stays the caller's. ERR_PTR(-ENOMEM). */
struct inode *inode_open(struct vfs *v, int fd, const struct statx *stx, int flags);
/* Drops a reference; with the last one dirty pages go back to the host. */
void iput(struct inode *inode);
/* By identity, no reference; NULL: no page of it is cached. */
struct inode *inode_find(struct vfs *v, u64 dev, u64 ino);

/* Notices changes made by others, whose pages go; cheap when it was asked a moment ago. */
void inode_revalidate(struct inode *inode);
/* We have just changed the file ourselves: what it is now is what we expect to find. @size: bytes, as we
 * left it. */
void inode_record(struct inode *inode, u64 size);
/* As inode_record() for a file given by identity, if it has an inode (chmod, utimes, rename ...). */
void inode_touched(struct vfs *v, u64 dev, u64 ino);
/* Its last name may have gone: drops the inode if nobody has it open. */
void inode_forget(struct vfs *v, u64 dev, u64 ino);

/* Somebody reads @f, a file with an inode, at @pos, from the cache. See: touch_atime(), relatime. */
void file_read_atime(struct file *f, u64 pos);
static inline void file_accessed(struct file *f, u64 pos)
{
	if (unlikely(f->f_inode->atime_due) && !(f->f_flags & O_NOATIME))
		file_read_atime(f, pos);
}
/* What @inode reads for @fd's file may not change the access time: F_SETFL, O_NOATIME. */
void inode_read_noatime(struct inode *inode, int fd);
/* mtime and ctime of a file that is mapped writable become now, unless they are that already. */
void inode_update_time(struct inode *inode);
/* st_blocks that the host does not count yet: stores through mappings into holes, which Linux reserves
 * room for at once (512 bytes each). */
u64 inode_delayed_blocks(struct inode *inode);
/* Writes back what is dirty since a file of it is closed, where Linux would only do so later: what mappings stored
 * in the last page behind the end stays in the cache. Never sleeps. */
void inode_flush_closed(struct inode *inode);

/* Makes wr_fd, for a writable mapping of @f. 0 or the host's -errno. */
int inode_want_write(struct inode *inode, struct file *f);
/* Mapped pages may become dirty: they go back to the host half a minute after that, as Linux's flusher
 * does it. Not under virtual time, where a timer of ours would move the guest's clock. */
void inodes_flush_later(struct vfs *v);
/* Closes up to @nr idle inodes, oldest first; how many went. */
unsigned inode_shrink(struct vfs *v, unsigned nr);
/* At the end of the machine, when no file is open: all pages go back, all inodes go. */
void inodes_destroy(struct vfs *v);

#endif
