/* How pipes and fifos come to be, and their inodes. See pipe.h.
 *
 * pipefs has no mount that shows: a pipe's dentry is reached through its files and /proc/PID/fd.
 * A fifo is a name in the host's tree. Guest tasks that open it meet here, in our own pipe; when the
 * partner is a process of the host's, the host serves both (hostdev.c). Once guest tasks have met,
 * a process of the host's that comes later waits in vain.
 */
#include <fcntl.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/internal.h"
#include "fs/libfs.h"
#include "fs/pipe_internal.h"

#define PIPEFS_MAGIC 0x50495045
#define PIPEFS_DEV 0xe /* an anonymous device, as the kernel gives to such file systems */
#define OUTSIDE_FIRST_NS 1000000UL
#define OUTSIDE_LAST_NS 128000000UL

/* --- pipes as objects ------------------------------------------------------------------------ */

static struct pipe_inode_info *pipe_alloc(struct vfs *v)
{
	struct pipe_inode_info *pipe = kzalloc(v->mem, sizeof(*pipe), GFP_KERNEL);

	if (!pipe)
		return NULL;
	pipe->bufs = kcalloc(v->mem, PIPE_DEF_BUFFERS, sizeof(*pipe->bufs), GFP_KERNEL);
	if (!pipe->bufs) {
		kfree(v->mem, pipe);
		return NULL;
	}
	INIT_LIST_HEAD(&pipe->fifos);
	pipe->vfs = v;
	init_waitqueue_head(&pipe->rd_wait, v->events->sched);
	init_waitqueue_head(&pipe->wr_wait, v->events->sched);
	pipe->ring_size = pipe->max_usage = PIPE_DEF_BUFFERS;
	return pipe;
}

static void pipe_free(struct pipe_inode_info *pipe)
{
	pipe_free_pages(pipe);
	kfree(pipe->vfs->mem, pipe->bufs);
	kfree(pipe->vfs->mem, pipe);
}

void pipe_put(struct pipe_inode_info *pipe)
{
	VM_BUG_ON(!pipe->files);
	if (--pipe->files)
		return;
	if (list_empty(&pipe->fifos)) {
		pipe_free_pages(pipe); /* the rest goes with the dentry */
	} else {
		list_del(&pipe->fifos);
		pipe_free(pipe);
	}
}

/* A file of @mode for @pipe, which must not be gone before the file is. */
static struct file *pipe_file(struct pipe_inode_info *pipe, const struct path *path, u32 mode,
			      int flags)
{
	struct file *f = file_alloc(pipe->vfs, path, &pipefifo_fops, mode, flags);

	if (IS_ERR(f))
		return f;
	f->private_data = pipe;
	f->f_pipe = ~0UL;
	pipe->files++;
	if (mode & FMODE_READ) {
		pipe->r_counter++;
		if (!pipe->readers++)
			wake_up_all(&pipe->wr_wait);
	}
	if (mode & FMODE_WRITE) {
		pipe->w_counter++;
		if (!pipe->writers++)
			wake_up_all(&pipe->rd_wait);
	}
	return f;
}

_Static_assert(offsetof(struct pipe_inode_info, attr) == 0,
	       "simple_attr() of libfs.c finds it there");

/* --- pipefs ---------------------------------------------------------------------------------- */

/* Through /proc/PID/fd: one more file, of a mode of its own choice. */
static struct file *pipefs_open(const struct path *p, int flags)
{
	u32 mode = open_fmode(flags);
	int err = simple_access(p->dentry, acc_mode(flags), AT_EACCESS);

	if (!err && !mode)
		err = -EINVAL;
	return err ? ERR_PTR(err) : pipe_file(p->dentry->fs_private, p, mode, flags);
}

static int pipefs_statfs(struct dentry *d __unused, void *buf)
{
	return simple_statfs(buf, PIPEFS_MAGIC, 0);
}

static long pipefs_path(struct dentry *d, char *buf, u64 size)
{
	return simple_path(d, "pipe", buf, size);
}

static void pipefs_release(struct dentry *d)
{
	if (d->fs_private)
		pipe_free(d->fs_private);
}

static const struct dentry_operations pipefs_dops = {
	.getattr = simple_getattr,
	.open = pipefs_open,
	.chmod = simple_chmod,
	.chown = simple_chown,
	.utimens = simple_utimens,
	.access = simple_access,
	.statfs = pipefs_statfs,
	.path = pipefs_path,
	.release = pipefs_release,
};

static struct dentry *new_pipe(struct vfs *v, u32 uid, u32 gid)
{
	struct dentry *d = dentry_alloc(v, &pipefs_dops, S_IFIFO | 0600);
	struct pipe_inode_info *pipe;

	if (!d)
		return ERR_PTR(-ENOMEM);
	pipe = pipe_alloc(v);
	if (!pipe) {
		dput(d);
		return ERR_PTR(-ENOMEM);
	}
	d->fs_private = pipe;
	d->dev = PIPEFS_DEV;
	d->ino = get_next_ino(v);
	pipe->attr.uid = uid;
	pipe->attr.gid = gid;
	pipe->attr.atime = pipe->attr.mtime = pipe->attr.ctime = current_time(v);
	return d;
}

int create_pipe_files(struct vfs *v, struct file *files[2], int flags, u32 uid, u32 gid)
{
	struct path path = {NULL, new_pipe(v, uid, gid)};
	struct pipe_inode_info *pipe;
	int err = 0;

	if (IS_ERR(path.dentry))
		return PTR_ERR(path.dentry);
	pipe = path.dentry->fs_private;
	files[0] = pipe_file(pipe, &path, FMODE_READ, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(files[0])) {
		err = PTR_ERR(files[0]);
	} else {
		files[1] = pipe_file(pipe, &path, FMODE_WRITE,
				     O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
		if (IS_ERR(files[1])) {
			err = PTR_ERR(files[1]);
			fput(files[0]);
		}
	}
	if (!err) { /* F_GETFL of a pipe shows no O_LARGEFILE */
		files[0]->f_flags &= ~KO_LARGEFILE;
		files[1]->f_flags &= ~KO_LARGEFILE;
	}
	path_put(&path); /* the files have their own */
	return err;
}

/* --- fifos ----------------------------------------------------------------------------------- */

static struct pipe_inode_info *fifo_find(const struct dentry *d)
{
	struct pipe_inode_info *pipe;

	list_for_each_entry (pipe, &d->vfs->in->fifos, fifos)
		if (pipe->ino == d->ino && pipe->dev == d->dev && pipe->btime_ns == d->fs_id)
			return pipe;
	return NULL;
}

static struct pipe_inode_info *fifo_new(const struct dentry *d)
{
	struct pipe_inode_info *pipe = pipe_alloc(d->vfs);

	if (!pipe)
		return NULL;
	pipe->dev = d->dev;
	pipe->ino = d->ino;
	pipe->btime_ns = d->fs_id;
	list_add(&pipe->fifos, &d->vfs->in->fifos);
	return pipe;
}

/* A descriptor of the host's for the fifo if its other end is open outside; else -ENXIO. */
static int fifo_outside(const struct dentry *d, int flags)
{
	int acc = flags & O_ACCMODE, fd;

	if (acc == O_RDWR || d->host_fd < 0 || d->vfs->events->advance_to)
		return -ENXIO; /* nobody has to be waited for; tmpfs and virtual time have no outside */
	fd = host_fd_reopen(d->host_fd, acc | O_NONBLOCK);
	if (fd >= 0 && acc == O_RDONLY && !host_fifo_has_writer(fd)) {
		host_close(fd);
		fd = -ENXIO;
	}
	return fd;
}

/* Has somebody opened the other end since @counter? Then it may even be closed again. */
static bool has_partner(const struct pipe_inode_info *pipe, bool reader, u32 counter)
{
	return reader ? pipe->writers || pipe->w_counter != counter
		      : pipe->readers || pipe->r_counter != counter;
}

/* Until a partner has come, here: 0; or outside: a descriptor of the host's in *@host_fd, and -EXDEV;
 * -ERESTARTSYS. The host has to be asked now and then. */
static int wait_for_partner(struct pipe_inode_info *pipe, const struct dentry *d, int flags,
			    int *host_fd)
{
	struct event_loop *l = pipe->vfs->events;
	bool reader = (flags & O_ACCMODE) == O_RDONLY;
	struct wait_queue_head *wq = reader ? &pipe->rd_wait : &pipe->wr_wait;
	u32 counter = reader ? pipe->w_counter : pipe->r_counter;
	u64 pause = OUTSIDE_FIRST_NS, deadline;
	int err;

	for (;;) {
		deadline = l->advance_to || d->host_fd < 0 ? WAIT_FOREVER : event_now(l) + pause;
		err = wait_event_interruptible_until(wq, has_partner(pipe, reader, counter),
						     deadline);
		if (err != -ETIME)
			return err;
		*host_fd = fifo_outside(d, flags);
		if (*host_fd >= 0)
			return -EXDEV;
		pause = min(2 * pause, OUTSIDE_LAST_NS);
	}
}

/* With @f open at its own end, the other end is waited for as open(2) does it. */
static int fifo_meet(struct file *f, struct pipe_inode_info *pipe, const struct dentry *d,
		     int flags, int *host_fd)
{
	if ((flags & O_ACCMODE) == O_RDWR)
		return 0;
	if (f->f_mode & FMODE_READ ? pipe->writers : pipe->readers)
		return 0;
	if (flags & O_NONBLOCK) {
		f->f_pipe = pipe->w_counter; /* no POLLHUP before a writer has been here */
		return 0;
	}
	return wait_for_partner(pipe, d, flags, host_fd);
}

struct file *fifo_open(const struct path *p, int flags, int *host_fd)
{
	struct dentry *d = p->dentry;
	struct pipe_inode_info *pipe = fifo_find(d);
	u32 mode = open_fmode(flags), others;
	struct file *f;
	int err;

	if (!mode)
		return ERR_PTR(-EINVAL);
	others = !pipe ? 0 : mode == FMODE_READ ? pipe->writers : pipe->readers;
	if (!others) {
		*host_fd = fifo_outside(d, flags);
		if (*host_fd >= 0)
			return NULL;
		if (*host_fd != -ENXIO)
			return ERR_PTR(*host_fd);
		if (mode == FMODE_WRITE && (flags & O_NONBLOCK))
			return ERR_PTR(-ENXIO);
	}
	if (!pipe)
		pipe = fifo_new(d);
	if (!pipe)
		return ERR_PTR(-ENOMEM);
	pipe->files++; /* so that it stays when there is no file */
	f = pipe_file(pipe, p, mode, flags);
	err = IS_ERR(f) ? PTR_ERR(f) : fifo_meet(f, pipe, d, flags, host_fd);
	if (err && !IS_ERR(f))
		fput(f);
	pipe_put(pipe);
	return err == -EXDEV ? NULL : err ? ERR_PTR(err) : f;
}
