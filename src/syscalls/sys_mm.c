/* Memory calls. mm/ does the checks, too: its do_ functions take guest values as they are. */
#include "syscalls/internal.h"

#include <sys/mman.h>

#define MLOCK_ONFAULT_K 1

/* What mmap needs to know of the descriptor. -EBADF, and what do_mmap() says: of files that cannot be
 * mapped, too, for other errors come first. */
static long mmap_fd(struct task_struct *t, const struct sysargs *a, u64 pgoff)
{
	struct mmap_file mf = {0};
	struct file *f = fdget(t, a->arg[4]);
	long ret;

	if (!f)
		return -EBADF;
	mf.file = f;
	mf.can_read = f->f_mode & FMODE_READ;
	mf.can_write = f->f_mode & FMODE_WRITE;
	ret = f->f_op->mmap_file ? f->f_op->mmap_file(f, &mf) : -ENODEV;
	mf.noexec |= file_noexec(f);
	if (!ret || ret == -ENODEV)
		ret = do_mmap(t->mm, &mf, a->arg[0], a->arg[1], a->arg[2], a->arg[3], pgoff,
			      t->compat_call);
	if ((unsigned long)ret < -4095UL && f->f_op->accessed)
		f->f_op->accessed(f);
	fput(f);
	return ret;
}

static long mmap_pgoff(struct task_struct *t, const struct sysargs *a, u64 pgoff)
{
	if (!(a->arg[3] & MAP_ANONYMOUS))
		return mmap_fd(t, a, pgoff);
	return do_mmap(t->mm, NULL, a->arg[0], a->arg[1], a->arg[2], a->arg[3], pgoff,
		       t->compat_call);
}

/* mmap(2). -EINVAL: an unaligned offset; -EBADF; what do_mmap() says. */
long sys_mmap(struct task_struct *t, const struct sysargs *a)
{
	if (!page_aligned(a->arg[5]))
		return -EINVAL;
	return mmap_pgoff(t, a, a->arg[5] >> PAGE_SHIFT);
}

/* i386's mmap2(2): the offset in pages. As mmap(2). */
long sys_mmap2(struct task_struct *t, const struct sysargs *a)
{
	return mmap_pgoff(t, a, a->arg[5]);
}

/* i386's first mmap(2): six u32 in memory. As mmap(2). */
long sys_mmap32(struct task_struct *t, const struct sysargs *a)
{
	struct sysargs args;
	u32 raw[6];

	if (get_user(t->mm, raw, a->arg[0]))
		return -EFAULT;
	for (int i = 0; i < 6; i++)
		args.arg[i] = raw[i];
	return sys_mmap(t, &args);
}

/* munmap(2). What do_munmap() says. */
long sys_munmap(struct task_struct *t, const struct sysargs *a)
{
	return do_munmap(t->mm, a->arg[0], a->arg[1]);
}

/* brk(2). The break afterwards; never an error. */
long sys_brk(struct task_struct *t, const struct sysargs *a)
{
	return do_brk(t->mm, a->arg[0]);
}

/* mremap(2). What do_mremap() says. */
long sys_mremap(struct task_struct *t, const struct sysargs *a)
{
	return do_mremap(t->mm, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

/* mprotect(2). What do_mprotect() says. */
long sys_mprotect(struct task_struct *t, const struct sysargs *a)
{
	return do_mprotect(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* madvise(2). What the advice's row in mm/madvise.def says. */
long sys_madvise(struct task_struct *t, const struct sysargs *a)
{
	return do_madvise(t->mm, a->arg[0], a->arg[1], (int)a->arg[2]);
}

/* msync(2). What do_msync() says. */
long sys_msync(struct task_struct *t, const struct sysargs *a)
{
	return do_msync(t->mm, a->arg[0], a->arg[1], (int)a->arg[2]);
}

/* mincore(2). What do_mincore() says. */
long sys_mincore(struct task_struct *t, const struct sysargs *a)
{
	return do_mincore(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* mlock(2). What do_mlock() says. */
long sys_mlock(struct task_struct *t, const struct sysargs *a)
{
	return do_mlock(t->mm, a->arg[0], a->arg[1], 0);
}

/* mlock2(2). -EINVAL: flags; as mlock(2). */
long sys_mlock2(struct task_struct *t, const struct sysargs *a)
{
	if ((int)a->arg[2] & ~MLOCK_ONFAULT_K)
		return -EINVAL;
	return do_mlock(t->mm, a->arg[0], a->arg[1], (int)a->arg[2]);
}

/* munlock(2). What do_munlock() says. */
long sys_munlock(struct task_struct *t, const struct sysargs *a)
{
	return do_munlock(t->mm, a->arg[0], a->arg[1]);
}

/* mlockall(2). What do_mlockall() says. */
long sys_mlockall(struct task_struct *t, const struct sysargs *a)
{
	return do_mlockall(t->mm, (int)a->arg[0]);
}

/* munlockall(2). What do_munlockall() says. */
long sys_munlockall(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return do_munlockall(t->mm);
}
