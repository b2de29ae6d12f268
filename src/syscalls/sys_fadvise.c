/* What a program says of a file's cached pages, and asks of them: posix_fadvise, readahead, cachestat. */
#include "syscalls/internal.h"

#include "mm/readahead.h"

static u32 type_of(struct file *f)
{
	struct stat st;

	return file_stat(f, &st) ? 0 : st.st_mode & S_IFMT;
}

/* What is not in a page cache of ours takes every advice, and nothing comes of it. */
static long vfs_fadvise(struct file *f, s64 off, s64 len, u32 advice)
{
	if (type_of(f) == S_IFIFO)
		return -ESPIPE;
	if (f->f_mapping)
		return generic_fadvise(f->f_mapping, &f->f_ra, off, len, advice);
	return len < 0 || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

/* posix_fadvise(2). -EBADF; -ESPIPE: a pipe; -EINVAL: a negative length, no such advice. */
long sys_fadvise64(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = vfs_fadvise(f, a->arg[1], a->arg[2], a->arg[3]);
	fput(f);
	return ret;
}

/* readahead(2): POSIX_FADV_WILLNEED by another name. -EBADF: not open for reading; -EINVAL: neither a
 * regular file nor a block device. */
long sys_readahead(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	long ret;

	if (!f)
		return -EBADF;
	if (!(f->f_mode & FMODE_READ))
		ret = -EBADF;
	else if (type_of(f) != S_IFREG && type_of(f) != S_IFBLK)
		ret = -EINVAL;
	else
		ret = vfs_fadvise(f, a->arg[1], a->arg[2], POSIX_FADV_WILLNEED);
	fput(f);
	return ret;
}

static bool can_do_cachestat(struct task_struct *t, struct file *f)
{
	const struct memory_hooks *h = &t->machine->mem.hooks;

	return (f->f_mode & FMODE_WRITE) || !h->file_owner_or_writer || h->file_owner_or_writer(f);
}

/* cachestat(2). -EBADF, -EFAULT; -EPERM: the caller could not change the file; -EINVAL: flags. What has
 * no page cache has nothing in it. */
long sys_cachestat(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	struct cachestat cs = {0};
	struct {
		u64 off, len;
	} range;
	long ret = 0;

	if (!f)
		return -EBADF;
	if (get_user(t->mm, range, a->arg[1]))
		ret = -EFAULT;
	else if (!can_do_cachestat(t, f))
		ret = -EPERM;
	else if ((u32)a->arg[3])
		ret = -EINVAL;
	if (!ret && f->f_mapping)
		filemap_cachestat(f->f_mapping, range.off >> PAGE_SHIFT,
				  range.len ? (range.off + range.len - 1) >> PAGE_SHIFT : ~0UL,
				  &cs);
	if (!ret && put_user(t->mm, cs, a->arg[2]))
		ret = -EFAULT;
	fput(f);
	return ret;
}
