/* What tasks shared until now, each for itself: unshare(2), close_range(2), exec. See fork.h; kernel/fork.c. */
#include "proc/fork.h"

#include <linux/sched.h>

#include "fs/fdtable.h"
#include "fs/ipc_sem.h"
#include "fs/namei.h"
#include "proc/task.h"

#define UNSHARE_SERVED                                                                             \
	(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM |        \
	 CLONE_NEW_ANY)

int unshare_files(struct task_struct *t)
{
	struct files_struct *own;

	if (t->files->users == 1)
		return 0;
	own = files_dup(t->files);
	if (IS_ERR(own))
		return PTR_ERR(own);
	files_put(t->files);
	t->files = own;
	return 0;
}

int unshare_sighand(struct task_struct *t)
{
	struct sighand_struct *own;

	if (t->sighand->users == 1)
		return 0;
	own = kmem_cache_alloc(t->machine->sighand_cache, GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	*own = *t->sighand;
	own->users = 1;
	init_waitqueue_head(&own->signalfd_wqh, &t->machine->sched); /* who waits there stays */
	sighand_put(t->machine, t->sighand); /* others may have left it meanwhile */
	t->sighand = own;
	return 0;
}

struct fs_struct *copy_fs_struct(struct task_struct *t)
{
	struct fs_struct *fs = kmem_cache_alloc(t->machine->fs_cache, GFP_KERNEL);

	if (!fs)
		return NULL;
	*fs = *t->fs;
	fs->users = 1;
	path_get(&fs->root);
	path_get(&fs->pwd);
	return fs;
}

/* The rules of check_unshare_flags(), and before them what one flag brings along. */
static int check_unshare_flags(struct task_struct *t, u64 *flags)
{
	if (*flags & CLONE_NEWUSER)
		*flags |= CLONE_THREAD | CLONE_FS;
	if (*flags & CLONE_VM)
		*flags |= CLONE_SIGHAND;
	if (*flags & CLONE_SIGHAND)
		*flags |= CLONE_THREAD;
	if (*flags & CLONE_NEWNS)
		*flags |= CLONE_FS;
	if (*flags & ~(u64)UNSHARE_SERVED)
		return -EINVAL;
	/* These cannot be undone: they are the same again for who shares with nobody. */
	if ((*flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !thread_group_empty(t))
		return -EINVAL;
	if ((*flags & (CLONE_SIGHAND | CLONE_VM)) && t->sighand->users > 1)
		return -EINVAL;
	if ((*flags & CLONE_VM) && t->mm->mm_users > 1)
		return -EINVAL;
	return 0;
}

int ksys_unshare(struct task_struct *t, u64 flags)
{
	struct fs_struct *fs = NULL;
	int err = check_unshare_flags(t, &flags);

	if (!err && (flags & CLONE_NEW_ANY))
		err = -EPERM;
	if (err)
		return err;
	if ((flags & CLONE_FS) && t->fs->users > 1) {
		fs = copy_fs_struct(t);
		if (!fs)
			return -ENOMEM;
	}
	err = flags & CLONE_FILES ? unshare_files(t) : 0;
	if (err) {
		if (fs)
			fs_put(t->machine, fs);
		return err;
	}
	if (fs) {
		fs_put(t->machine, t->fs);
		t->fs = fs;
	}
	if (flags & CLONE_SYSVSEM) { /* its undo operations are done now */
		exit_sem(&t->machine->vfs, t->sysvsem, t->tgid);
		t->sysvsem = NULL;
	}
	return 0;
}
