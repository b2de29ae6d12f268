/* Files by handle, and flags of inodes. They are fs/fhandle.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <string.h>

#include "fs/fhandle.h"
#include "proc/procfs/procfs.h"
#include "syscalls/user_path.h"

#define AT_HANDLE_MNT_ID_UNIQUE_K 0x001
#define HEAD 8U /* bytes of struct file_handle before the handle */

/* Stores what @h says, as far as it is known. */
static long handle_to_user(struct task_struct *t, const struct fhandle *h, gva_t user, bool whole)
{
	u64 n = HEAD + (whole ? h->handle_bytes : 0);

	return copy_to_user(t->mm, user, h, n) ? -EFAULT : 0;
}

static long mount_id_to_user(struct task_struct *t, const struct path *p, gva_t user, bool unique)
{
	u32 id = mount_id(&t->machine->vfs, p->mnt);
	u64 id64 = mount_id_unique(&t->machine->vfs, p->mnt);

	return unique ? put_user(t->mm, id64, user) : put_user(t->mm, id, user);
}

/* name_to_handle_at(2). A path's errors; -EINVAL: flags, size; -EOVERFLOW: the size that is wanted is stored;
 * -EOPNOTSUPP: its file system has no handles. */
long sys_name_to_handle_at(struct task_struct *t, const struct sysargs *a)
{
	const int forms = AT_HANDLE_FID_K | AT_HANDLE_CONNECTABLE_K;
	gva_t user = a->arg[2], user_id = a->arg[3];
	int flags = a->arg[4];
	struct fhandle h = {0};
	struct path p;
	long ret, err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_MNT_ID_UNIQUE_K | forms) ||
	    (flags & forms) == forms)
		return -EINVAL;
	ret = user_lookup(t, a->arg[0], a->arg[1],
			  (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			  &p);
	if (ret)
		return ret;
	if (copy_from_user(t->mm, &h, user, HEAD))
		ret = -EFAULT;
	else if (h.handle_bytes > MAX_HANDLE_SZ_K)
		ret = -EINVAL;
	else
		ret = path_to_handle(&p, &h, flags & forms);
	if (!ret || ret == -EOVERFLOW) {
		err = mount_id_to_user(t, &p, user_id, flags & AT_HANDLE_MNT_ID_UNIQUE_K);
		if (!err)
			err = handle_to_user(t, &h, user, !ret);
		ret = err ? err : ret;
	}
	path_put(&p);
	return ret;
}

/* The handle at @user. 0, -EFAULT, -EINVAL. */
static long get_handle(struct task_struct *t, gva_t user, struct fhandle *h)
{
	if (copy_from_user(t->mm, h, user, HEAD))
		return -EFAULT;
	if (!h->handle_bytes || h->handle_bytes > MAX_HANDLE_SZ_K || h->handle_type < 0)
		return -EINVAL;
	return 0;
}

/* open_by_handle_at(2). A file's number; -EINVAL, -EBADF, -EPERM (no CAP_DAC_READ_SEARCH), -ESTALE; open(2)'s
 * errors. */
long sys_open_by_handle_at(struct task_struct *t, const struct sysargs *a)
{
	int dfd = a->arg[0], flags = a->arg[2];
	struct path anchor = t->fs->pwd;
	struct file *f;
	struct fhandle h;
	long ret = get_handle(t, a->arg[1], &h);

	if (ret)
		return ret;
	f = dfd == AT_FDCWD ? NULL : fdget(t, dfd);
	if (!f && dfd != AT_FDCWD)
		return -EBADF;
	if (f)
		anchor = f->f_path;
	if (anchor.dentry)
		path_get(&anchor);
	if (f)
		fput(f);
	if (!capable(t, CAP_DAC_READ_SEARCH))
		ret = -EPERM;
	else if (copy_from_user(t->mm, h.f_handle, a->arg[1] + HEAD, h.handle_bytes))
		ret = -EFAULT;
	else
		ret = anchor.dentry ? fd_available(t) : -EOPNOTSUPP;
	f = ret ? ERR_PTR(ret) : open_handle(&anchor, &h, flags & ~O_CLOEXEC);
	if (anchor.dentry)
		path_put(&anchor);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & O_CLOEXEC);
}

/* --- flags --------------------------------------------------------------------------------- */

static long attr_args(const struct sysargs *a)
{
	if ((u32)a->arg[4] & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (a->arg[3] > PAGE_SIZE)
		return -E2BIG;
	return a->arg[3] < FILE_ATTR_SIZE_VER0 ? -EINVAL : 0;
}

static long attr_path(struct task_struct *t, const struct sysargs *a, struct path *p)
{
	int flags = a->arg[4];
	struct file *f;

	if ((flags & AT_EMPTY_PATH) && !a->arg[1] && (int)a->arg[0] >= 0) {
		f = fdget_raw(t, a->arg[0]);
		if (!f)
			return -EBADF;
		*p = f->f_path;
		if (p->dentry)
			path_get(p);
		fput(f);
		return p->dentry ? 0 : -EOPNOTSUPP;
	}
	return user_lookup(t, a->arg[0], a->arg[1],
			   (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			   p);
}

/* file_getattr(2) of Linux 6.17. A path's errors; -EINVAL, -E2BIG: flags, size; -EOPNOTSUPP. */
long sys_file_getattr(struct task_struct *t, const struct sysargs *a)
{
	struct file_attr_k fa;
	struct path p;
	long ret = attr_args(a);

	if (!ret)
		ret = attr_path(t, a, &p);
	if (ret)
		return ret;
	ret = path_get_attr(&p, &fa);
	path_put(&p);
	if (ret)
		return ret;
	if (copy_to_user(t->mm, a->arg[2], &fa, sizeof(fa)) ||
	    clear_user(t->mm, a->arg[2] + sizeof(fa), a->arg[3] - sizeof(fa)))
		return -EFAULT;
	return 0;
}

/* Is [addr, addr + n) all zeros? 0, -E2BIG, -EFAULT. */
static long check_zeroed_user(struct task_struct *t, gva_t addr, u64 n)
{
	u8 byte;

	for (; n; n--, addr++) {
		if (get_user(t->mm, byte, addr))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

/* file_setattr(2) of Linux 6.17. As file_getattr(2); -E2BIG also for more than is known; -EPERM, -EROFS. */
long sys_file_setattr(struct task_struct *t, const struct sysargs *a)
{
	struct file_attr_k fa;
	struct path p;
	long ret = attr_args(a);

	if (!ret)
		ret = check_zeroed_user(t, a->arg[2] + sizeof(fa), a->arg[3] - sizeof(fa));
	if (!ret && copy_from_user(t->mm, &fa, a->arg[2], sizeof(fa)))
		ret = -EFAULT;
	if (!ret)
		ret = attr_path(t, a, &p);
	if (ret)
		return ret;
	ret = path_set_attr(&p, &fa);
	path_put(&p);
	return ret;
}
