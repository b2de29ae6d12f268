/* pipe(2), pipe2(2). Bytes are sys_rw.c's and sys_splice.c's, sizes sys_fcntl.c's. */
#include "syscalls/internal.h"

#include "fs/pipe.h"

long fd_install_pair(struct task_struct *t, struct file *files[2], bool cloexec, gva_t fds)
{
	struct mm_struct *mm = t->mm;
	s32 fd[2];
	u64 left;
	/* Where the numbers go is there first: a sleep later would show them to others. */
	bool there = !fault_in_user(mm, fds, sizeof(fd), true);

	for (int i = 0; i < 2; i++) {
		fd[i] = fd_install(t->files, files[i], 0, nofile_limit(t), cloexec);
		if (fd[i] < 0) {
			fput(files[i]);
			if (i)
				fd_close(t->files, fd[0]);
			else
				fput(files[1]);
			return fd[i];
		}
	}
	pagefault_disable(mm->mem);
	left = there ? copy_to_user(mm, fds, fd, sizeof(fd)) : sizeof(fd);
	pagefault_enable(mm->mem);
	if (left) {
		fd_close(t->files, fd[0]);
		fd_close(t->files, fd[1]);
		return -EFAULT;
	}
	return 0;
}

static long do_pipe2(struct task_struct *t, gva_t fds, int flags)
{
	struct file *files[2];
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = create_pipe_files(&t->machine->vfs, files, flags, t->fsuid, t->fsgid);
	return err ? err : fd_install_pair(t, files, flags & O_CLOEXEC, fds);
}

/* pipe(2). -EMFILE, -ENFILE, -EFAULT. */
long sys_pipe(struct task_struct *t, const struct sysargs *a)
{
	return do_pipe2(t, a->arg[0], 0);
}

/* pipe2(2). As pipe(2); -EINVAL: flags. */
long sys_pipe2(struct task_struct *t, const struct sysargs *a)
{
	return do_pipe2(t, a->arg[0], a->arg[1]);
}
