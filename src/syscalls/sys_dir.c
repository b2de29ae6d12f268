/* Directories: the working one, and reading entries. */
#include "syscalls/internal.h"

#include <limits.h>
#include <string.h>

#include "fs/fsnotify.h"
#include "syscalls/user_path.h"

#define UNREACHABLE "(unreachable)" /* begins what lies outside of chroot(2)'s root */

/* --- where a task is ------------------------------------------------------------------------- */

/* Takes over the references of @p. */
static long set_pwd(struct task_struct *t, struct path *p)
{
	struct path old = t->fs->pwd;

	t->fs->pwd = *p;
	path_put(&old);
	return 0;
}

/* Search permission decides, by the host's own rules. */
static int may_enter(const struct path *p)
{
	struct dentry *d = p->dentry;

	if (!S_ISDIR(d->mode))
		return -ENOTDIR;
	return d->d_op->access ? d->d_op->access(d, 1 /* X_OK */, AT_EACCESS) : 0;
}

/* chdir(2). A path's errors; -ENOTDIR, -EACCES. */
long sys_chdir(struct task_struct *t, const struct sysargs *a)
{
	struct path p;
	int err = user_lookup(t, AT_FDCWD, a->arg[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = may_enter(&p);
	if (!err)
		return set_pwd(t, &p);
	path_put(&p);
	return err;
}

/* fchdir(2). -EBADF, -ENOTDIR, -EACCES. */
long sys_fchdir(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget_raw(t, a->arg[0]);
	struct path p;
	int err;

	if (!f)
		return -EBADF;
	p = f->f_path;
	err = p.dentry ? may_enter(&p) : -ENOTDIR;
	if (!err) {
		path_get(&p);
		set_pwd(t, &p);
	}
	fput(f);
	return err;
}

/* getcwd(2): the length with the NUL. -ENOENT: the directory is gone; -ERANGE: no room. */
long sys_getcwd(struct task_struct *t, const struct sysargs *a)
{
	struct memory *mem = &t->machine->mem;
	const u64 head = strlen(UNREACHABLE);
	struct stat st;
	bool outside;
	char *buf;
	long len;

	if (!path_getattr(&t->fs->pwd, &st) && !st.st_nlink)
		return -ENOENT;
	buf = kmalloc(mem, PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	len = d_path_from(&t->fs->pwd, &t->fs->root, buf, PATH_MAX - head, &outside);
	if (len >= 0 && outside) {
		memmove(buf + head, buf, len);
		memcpy(buf, UNREACHABLE, head);
		len += (long)head;
	}
	if (len >= 0) {
		buf[len++] = 0;
		if ((u64)len > a->arg[1])
			len = -ERANGE;
		else if (copy_to_user(t->mm, a->arg[0], buf, len))
			len = -EFAULT;
	}
	kfree(mem, buf);
	return len;
}

/* --- entries --------------------------------------------------------------------------------- */

/* struct linux_dirent64: d_type before the name. struct linux_dirent: behind it, last byte. */
struct dirent_head {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
};
#define DIRENT_NAME 18
#define DIRENT64_NAME 19

struct getdents {
	struct task_struct *t;
	gva_t to; /* of the next record */
	u64 room; /* bytes */
	bool old; /* getdents(2), without 64 */
	int error;
	gva_t missing; /* the end of a record that could not be stored; 0: none */
};

static bool emit_dirent(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos)
{
	struct getdents *g = ctx;
	u64 len = strlen(name), start = g->old ? DIRENT_NAME : DIRENT64_NAME;
	u64 reclen = (start + len + (g->old ? 2 : 1) + 7) & ~7UL;
	u8 rec[DIRENT64_NAME + NAME_MAX + 10] __attribute__((aligned(8))) = {0};
	struct dirent_head head = {ino, next_pos, reclen};

	if (len > NAME_MAX) {
		g->error = -EIO;
		return false;
	}
	g->error = -EINVAL; /* only seen if this was the first one */
	if (reclen > g->room)
		return false;
	memcpy(rec, &head, DIRENT_NAME);
	memcpy(rec + start, name, len + 1);
	rec[g->old ? reclen - 1 : DIRENT_NAME] = type;
	g->error = -EFAULT;
	if (copy_to_user(g->t->mm, g->to, rec, reclen)) {
		g->missing = g->to + reclen;
		return false;
	}
	g->error = 0;
	g->to += reclen;
	g->room -= reclen;
	return true;
}

/* From the file's position on. What it walks may change, so nothing sleeps on the way: where the
 * buffer is missing it goes on, if the buffer can be had, with a new look. */
static int iterate(struct file *f, struct getdents *g)
{
	struct mm_struct *mm = g->t->mm;
	int err;

	do {
		g->missing = 0;
		pagefault_disable(mm->mem);
		err = f->f_op->iterate(f, emit_dirent, g);
		pagefault_enable(mm->mem);
	} while (g->missing && !fault_in_user(mm, g->to, g->missing - g->to, true));
	/* cppcheck-suppress uninitvar ; a loop that runs at least once sets it */
	if (!err)
		fsnotify_file(f, IN_ACCESS);
	return err;
}

/* Bytes written; 0 at the end. An error counts only if nothing was. */
static long getdents(struct task_struct *t, const struct sysargs *a, bool old)
{
	struct file *f = fdget(t, a->arg[0]);
	struct getdents g = {t, a->arg[1], (u32)a->arg[2], old, 0, 0};
	long ret;

	if (!f)
		return -EBADF;
	if (!f->f_op->iterate) {
		ret = -ENOTDIR;
	} else {
		ret = iterate(f, &g);
		if (ret >= 0)
			ret = g.error;
		if (g.to != a->arg[1])
			ret = g.to - a->arg[1];
	}
	fput(f);
	return ret;
}

/* getdents(2): the old struct, with the kind in its last byte. As getdents64(2). */
long sys_getdents(struct task_struct *t, const struct sysargs *a)
{
	return getdents(t, a, true);
}

/* getdents64(2). Bytes, 0 at the end. -EBADF, -ENOTDIR; -EINVAL: no room for one; -EFAULT. */
long sys_getdents64(struct task_struct *t, const struct sysargs *a)
{
	return getdents(t, a, false);
}
