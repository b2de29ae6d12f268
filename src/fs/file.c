/* struct file: its life, what reads and writes check for all kinds of files, and what the memory
 * subsystem may do with one that it maps. See file.h. */
#include <linux/capability.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/eventpoll.h"
#include "fs/fasync.h"
#include "fs/fsnotify.h"
#include "fs/hostfs.h"
#include "fs/inode.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/locks.h"
#include "fs/open.h"
#include "mm/uaccess.h"

#define NR_FILE 1000000UL /* fs.file-max, about */

const struct file_operations path_fops;

struct file *file_alloc(struct vfs *v, const struct path *path, const struct file_operations *op,
			u32 mode, int flags)
{
	struct file *f;

	if (v->nr_files >= NR_FILE)
		return ERR_PTR(-ENFILE);
	f = open_zalloc(v, v->file_cache, &v->in->spare.file);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->refcount = 1;
	f->f_mode = mode;
	f->f_flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	if (!(mode & FMODE_PATH))
		f->f_flags |= KO_LARGEFILE;
	f->host_fd = -1;
	f->f_op = op;
	f->f_path = *path;
	if (path->dentry)
		path_get(path);
	f->vfs = v;
	v->nr_files++;
	return f;
}

void get_file(struct file *f)
{
	f->refcount++;
}

void fput(struct file *f)
{
	struct vfs *v = f->vfs;
	u64 dev = 0, ino = 0;
	bool notify;

	VM_BUG_ON(!f->refcount);
	if (--f->refcount)
		return;
	notify = fsnotify_on(v) && f->f_path.mnt && !(f->f_mode & FMODE_PATH);
	if (notify) {
		f->refcount = 1; /* it has a name for as long as it is told of */
		fsnotify_file(f, f->f_mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		f->refcount = 0;
		dev = f->f_path.dentry->dev;
		ino = f->f_path.dentry->ino;
	}
	if (f->f_ep)
		eventpoll_release_file(f);
	if (f->f_owner)
		fasync_release(f);
	locks_remove_file(f);
	if (f->f_mapping) {
		f->f_mapping->nr_exec -= !!(f->f_mode & FMODE_EXEC);
		f->f_mapping->nr_write -= !!(f->f_mode & FMODE_WRITER);
		f->f_mapping->nr_read -= !!(f->f_mode & FMODE_READER);
	}
	if (f->f_op->release)
		f->f_op->release(f);
	path_put(&f->f_path);
	v->nr_files--;
	kmem_cache_free(v->file_cache, f);
	if (notify)
		fsnotify_closed(v, dev, ino);
}

void file_set_exec(struct file *f)
{
	if (!f->f_mapping || (f->f_mode & FMODE_EXEC))
		return;
	f->f_mode |= FMODE_EXEC;
	f->f_mapping->nr_exec++;
}

void file_count_open(struct file *f)
{
	if (f->f_mode & FMODE_WRITE) {
		f->f_mode |= FMODE_WRITER;
		f->f_mapping->nr_write++;
	} else if (f->f_mode & FMODE_READ) {
		f->f_mode |= FMODE_READER;
		f->f_mapping->nr_read++;
	}
}

bool file_is_written(const struct file *f)
{
	return f->f_mapping && f->f_mapping->nr_write;
}

void filp_close(struct file *f, struct files_struct *fs)
{
	if (!(f->f_mode & FMODE_PATH))
		locks_remove_posix(f, fs);
	if (f->f_op->flush)
		f->f_op->flush(f);
	fput(f);
}

int file_stat(struct file *f, struct stat *st)
{
	struct dentry *d = f->f_path.dentry;

	if (!d || !d->d_op->getattr)
		return -EBADF;
	return d->d_op->getattr(d, st, NULL);
}

/* What the guest named must lie in user space as a whole before anything moves. */
static int iter_ok(const struct iov_iter *i)
{
	u32 n;

	if (!i->mm)
		return 0;
	for (n = 0; n < i->nr_segs; n++)
		if (!access_ok((gva_t)i->iov[n].iov_base, i->iov[n].iov_len))
			return -EFAULT;
	return 0;
}

static int rw_check(struct file *f, struct iov_iter *i, u64 pos, u32 mode)
{
	bool dir = d_is_dir(f->f_path.dentry) && mode == FMODE_READ && !f->f_op->read_iter;

	if (!(f->f_mode & mode))
		return -EBADF;
	if (!dir && (mode == FMODE_READ ? !f->f_op->read_iter : !f->f_op->write_iter))
		return -EINVAL;
	if (iter_ok(i))
		return -EFAULT;
	if ((s64)pos < 0 || (s64)(pos + i->count) < 0)
		return -EINVAL;
	if (dir)
		return -EISDIR;
	i->count = min(i->count, MAX_RW_COUNT);
	return 0;
}

/* Who watches hears of bytes that moved. */
static inline long told(struct file *f, u32 event, long ret)
{
	if (fsnotify_on(f->vfs) && ret > 0)
		fsnotify_file(f, event);
	return ret;
}

long vfs_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	int err = rw_check(f, to, *pos, FMODE_READ);

	return err ? err : told(f, IN_ACCESS, f->f_op->read_iter(f, to, pos));
}

long vfs_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	int err = rw_check(f, from, *pos, FMODE_WRITE);

	return err ? err : told(f, IN_MODIFY, f->f_op->write_iter(f, from, pos));
}

long kernel_read(struct file *f, void *buf, u64 n, u64 pos)
{
	struct iovec iov = {buf, n};
	struct iov_iter to = {.iov = &iov, .nr_segs = 1, .count = n};

	return vfs_read(f, &to, &pos);
}

s64 generic_llseek(struct file *f, s64 off, int whence, u64 size)
{
	s64 base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = f->f_pos;
		break;
	case SEEK_END:
		base = size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &base) || base < 0)
		return -EINVAL;
	f->f_pos = base;
	return base;
}

/* --- may it be run? -------------------------------------------------------------------------- */

static bool has_option(const char *options, const char *name)
{
	u64 len = strlen(name);
	const char *s;

	for (s = options; s; s = strchr(s, ','), s += !!s)
		if (!strncmp(s, name, len) && (!s[len] || s[len] == ','))
			return true;
	return false;
}

/* Of mounts of the host's the host knows; asked once an inode. */
static bool hostfs_noexec(struct file *f)
{
	struct inode *inode = f->f_inode;
	struct statfs sfs;
	bool noexec;

	if (inode && inode->noexec_known)
		return inode->noexec;
	noexec = !host_fstatfs(f->f_path.dentry->host_fd, &sfs) && (sfs.f_flags & ST_NOEXEC);
	if (inode) {
		inode->noexec = noexec;
		inode->noexec_known = true;
	}
	return noexec;
}

/* Linux: path_noexec(). What has no mount of its own (pipes, sockets, anonymous inodes) is of a pseudo
 * file system, and those allow nothing; but memory (memfd) may be run. */
bool file_noexec(struct file *f)
{
	const struct mount *m = f->f_path.mnt;

	if (f->f_mapping && (f->f_mapping->is_shmem || f->f_mapping->hstate))
		return m && has_option(m->options, "noexec");
	if (!m || !f->f_path.dentry)
		return true;
	if (dentry_is_hostfs(f->f_path.dentry))
		return hostfs_noexec(f);
	return mount_noexec(m);
}

bool mount_noexec(const struct mount *m)
{
	return m->type->noexec || has_option(m->options, "noexec");
}

/* --- what the memory subsystem does with files (hooks of mm/memory.h) ------------------------ */

static struct address_space *file_mapping(struct file *f)
{
	return f->f_mapping;
}

static struct file_ra_state *file_ra(struct file *f)
{
	return &f->f_ra;
}

static void file_update_time(struct file *f)
{
	if (f->f_op->update_time)
		f->f_op->update_time(f);
}

/* Who does not own the file is of its group, or one of the others. */
static bool mode_lets_write(const struct vfs_cred *c, const struct stat *st)
{
	bool group = c->gid == st->st_gid;
	u32 i;

	for (i = 0; i < c->ngroups; i++)
		group |= c->groups[i] == st->st_gid;
	return st->st_mode & (group ? S_IWGRP : S_IWOTH);
}

/* Linux: inode_owner_or_capable(), file_permission(MAY_WRITE). */
static bool file_owner_or_writer(struct file *f)
{
	struct dentry *d = f->f_path.dentry;
	struct vfs_cred c;
	struct stat st;

	if (!f->vfs->get_cred)
		return true;
	f->vfs->get_cred(f->vfs, false, &c);
	if (c.caps & BIT(CAP_FOWNER))
		return true;
	if (file_stat(f, &st))
		return false;
	if (st.st_uid == c.uid)
		return true;
	/* The host's answer is for Vellum's own user. */
	if (!(c.caps & BIT(CAP_DAC_OVERRIDE)) && !mode_lets_write(&c, &st))
		return false;
	return !d->d_op->access || !d->d_op->access(d, W_OK, AT_EACCESS);
}

static int file_punch_hole(struct file *f, u64 off, u64 len)
{
	if (!f->f_op->fallocate)
		return -EOPNOTSUPP;
	return f->f_op->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
}

void file_register_hooks(struct memory *mem)
{
	mem->hooks.file_get = get_file;
	mem->hooks.file_put = fput;
	mem->hooks.file_mapping = file_mapping;
	mem->hooks.file_ra = file_ra;
	mem->hooks.file_punch_hole = file_punch_hole;
	mem->hooks.file_update_time = file_update_time;
	mem->hooks.file_owner_or_writer = file_owner_or_writer;
}
