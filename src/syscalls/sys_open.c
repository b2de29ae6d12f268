/* open(2) and its kin: flags and modes checked, a path read, a number given.
 *
 * openat2(2) can be held to a part of the tree: such a walk has a struct fs_struct of its own, whose root is where it
 * starts (RESOLVE_IN_ROOT, RESOLVE_BENEATH), and whose `resolve` says which steps are forbidden.
 * Not for: the path itself (fs/open.h). See: Linux, fs/open.c build_open_flags(). */
#include "fs/open.h"

#include <linux/openat2.h>

#include "base/err.h"
#include "syscalls/internal.h"
#include "syscalls/user_path.h"

#define K_O_LARGEFILE 0100000
#define K_O_TMPFILE 020000000 /* __O_TMPFILE: without O_DIRECTORY */
#define VALID_OPEN_FLAGS                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_DSYNC | O_ASYNC | O_DIRECT | K_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |     \
	 O_CLOEXEC | O_PATH | K_O_TMPFILE)
#define O_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif
#define VALID_RESOLVE_FLAGS                                                                        \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |         \
	 RESOLVE_IN_ROOT | RESOLVE_CACHED)

/* build_open_how() and build_open_flags(): what open(2) and openat(2) let through. With O_PATH most flags are
 * not even looked at. */
static int check_open_flags(int *flags)
{
	int acc = *flags & O_ACCMODE;

	if (*flags & O_PATH)
		*flags &= O_PATH_FLAGS;
	if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (*flags & K_O_TMPFILE) {
		if (!(*flags & O_DIRECTORY) || acc == O_RDONLY)
			return -EINVAL;
	}
	return 0;
}

static int check_resolve(u64 resolve, u64 flags)
{
	if (resolve & ~(u64)VALID_RESOLVE_FLAGS)
		return -EINVAL;
	if ((resolve & RESOLVE_BENEATH) && (resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	/* What creates is never done from a cache alone; the rest is, for nothing here waits. */
	if ((resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | K_O_TMPFILE)))
		return -EAGAIN;
	return 0;
}

/* Where the walk starts, and what it cannot leave: a reference in *@out. */
static int scope_of(struct task_struct *t, int dfd, const struct user_path *up, struct path *out)
{
	struct file *f;

	*out = up->at ? *up->at : t->fs->pwd;
	if (up->at || dfd == AT_FDCWD) {
		path_get(out);
		return 0;
	}
	f = fdget_raw(t, dfd); /* an absolute path, which else would not look at it */
	if (!f)
		return -EBADF;
	*out = f->f_path;
	if (out->dentry)
		path_get(out);
	fput(f);
	if (out->dentry && S_ISDIR(out->dentry->mode))
		return 0;
	path_put(out);
	return -ENOTDIR;
}

static struct file *open_scoped(struct task_struct *t, int dfd, const struct user_path *up,
				int flags, u32 mode, u64 resolve)
{
	struct fs_struct fs = {.pwd = t->fs->pwd, .umask = t->fs->umask, .resolve = resolve};
	struct file *f;
	int err = 0;

	if (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
		err = scope_of(t, dfd, up, &fs.root);
	} else {
		fs.root = t->fs->root;
		path_get(&fs.root);
	}
	if (err)
		return ERR_PTR(err);
	path_get(&fs.pwd);
	/* The fast way knows no such rule. */
	f = up->name[0] == '/' && (resolve & RESOLVE_BENEATH)
		    ? ERR_PTR(-EXDEV)
		    : do_filp_open(&fs, up->at, up->name, flags, mode);
	path_put(&fs.pwd);
	path_put(&fs.root);
	return f;
}

static long open_at(struct task_struct *t, int dfd, gva_t name, int flags, u32 mode, u64 resolve)
{
	struct user_path up;
	struct file *f;
	int err;

	err = check_open_flags(&flags);
	if (!err)
		err = user_path_get(t, dfd, name, 0, &up);
	if (err)
		return err;
	err = fd_available(t);
	if (err) {
		user_path_put(t, &up);
		return err;
	}
	mode = flags & (O_CREAT | K_O_TMPFILE) ? mode & 07777 : 0;
	f = likely(!resolve) ? do_filp_open(t->fs, up.at, up.name, flags, mode)
			     : open_scoped(t, dfd, &up, flags, mode, resolve);
	user_path_put(t, &up);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & O_CLOEXEC);
}

/* A 64-bit program's files may always be large, and F_GETFL says so. */
static int open_flags(const struct task_struct *t, u64 flags)
{
	return ((int)flags & VALID_OPEN_FLAGS) | (t->compat_call ? 0 : K_O_LARGEFILE);
}

/* open(2). A path's errors and all of do_filp_open()'s; -EINVAL: flags; -EMFILE, before anything is
 * made. */
long sys_open(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, AT_FDCWD, a->arg[0], open_flags(t, a->arg[1]), a->arg[2], 0);
}

/* creat(2). As open(2). */
long sys_creat(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, AT_FDCWD, a->arg[0], open_flags(t, O_CREAT | O_WRONLY | O_TRUNC),
		       a->arg[1], 0);
}

/* openat(2). As open(2). */
long sys_openat(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, a->arg[0], a->arg[1], open_flags(t, a->arg[2]), a->arg[3], 0);
}

/* openat2(2): unlike openat, it refuses what it does not know: -EINVAL; -E2BIG: fields that are not known. As
 * open(2); -EXDEV, -ELOOP: what resolve forbids; -EAGAIN: RESOLVE_CACHED for what creates. */
long sys_openat2(struct task_struct *t, const struct sysargs *a)
{
	struct {
		u64 flags, mode, resolve;
	} how;
	int err;

	if (a->arg[3] < sizeof(how))
		return -EINVAL;
	if (a->arg[3] > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(t->mm, &how, sizeof(how), a->arg[2], a->arg[3]);
	if (err)
		return err;
	if ((how.flags & ~(u64)VALID_OPEN_FLAGS) || (how.mode & ~07777UL))
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | K_O_TMPFILE)))
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(u64)O_PATH_FLAGS))
		return -EINVAL;
	err = check_resolve(how.resolve, how.flags);
	if (err)
		return err;
	return open_at(t, a->arg[0], a->arg[1], (int)how.flags | K_O_LARGEFILE, how.mode,
		       how.resolve);
}
