/* pipe(2), pipe2(2), and what moves pages in and out of pipes: splice(2), tee(2), vmsplice(2). */
#include "syscalls/internal.h"

#include "fs/pipe.h"

static long do_pipe2(struct task_struct *t, gva_t fds, int flags)
{
	struct file *files[2];
	s32 fd[2];
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = create_pipe_files(&t->machine->vfs, files, flags, t->fsuid, t->fsgid);
	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		fd[i] = fd_install(t->files, files[i], 0, nofile_limit(t), flags & O_CLOEXEC);
		if (fd[i] < 0) {
			err = fd[i];
			fput(files[i]);
			if (i)
				fd_close(t->files, fd[0]);
			else
				fput(files[1]);
			return err;
		}
	}
	if (copy_to_user(t->mm, fds, fd, sizeof(fd))) {
		fd_close(t->files, fd[0]);
		fd_close(t->files, fd[1]);
		return -EFAULT;
	}
	return 0;
}

long sys_pipe(struct task_struct *t, const struct sysargs *a)
{
	return do_pipe2(t, a->arg[0], 0);
}

long sys_pipe2(struct task_struct *t, const struct sysargs *a)
{
	return do_pipe2(t, a->arg[0], a->arg[1]);
}
