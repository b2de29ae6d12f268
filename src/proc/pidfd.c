/* pidfds as files. See pidfd.h. The calls are syscalls/sys_pidfd.c's. */
#include "proc/pidfd.h"

#include <string.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/poll.h"
#include "fs/seq_file.h"
#include "mm/uaccess.h"
#include "proc/task.h"

#define PIDFS_MAGIC 0x50494446
#define PIDFS_DEV 5

/* --- what becomes of the process --------------------------------------------------------------- */

void pidfd_notify_exit(struct task_struct *p)
{
	struct pid *pid = p->thread_pid;

	if (!pid)
		return;
	wake_up_all(&pid->wait_pidfd);
}

void pidfd_release_task(struct task_struct *p)
{
	struct pid *pid = p->thread_pid;

	if (!pid)
		return;
	p->thread_pid = NULL;
	pid->task = NULL;
	pid->exit_code = p->exit_code;
	wake_up_all(&pid->wait_pidfd);
	put_pid(pid);
}

/* --- the file -------------------------------------------------------------------------------- */

/* A leader that went before other threads has not, not even for PIDFD_THREAD: one of them may take its
 * number over by exec. */
static bool has_exited(const struct task_struct *t)
{
	return task_is_dead(t) && (!thread_group_leader(t) || thread_group_empty(t));
}

static unsigned pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *pid = f->private_data;

	poll_wait(f, &pid->wait_pidfd, pt);
	if (pid->task && !has_exited(pid->task))
		return 0;
	return EPOLLIN | EPOLLRDNORM | (pid->task ? 0 : EPOLLHUP);
}

/* struct pidfd_info, as 6.18 has it. */
struct pidfd_info_k {
	u64 mask, cgroupid;
	u32 pid, tgid, ppid;
	u32 ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	s32 exit_code;
	u32 coredump_mask, coredump_signal;
};

#define PIDFD_INFO_PID BIT(0)
#define PIDFD_INFO_CREDS BIT(1)
#define PIDFD_INFO_EXIT BIT(3)
#define PIDFD_INFO_SIZE_VER0 64U
#define PIDFS_IOCTL_MAGIC 0xffU
#define PIDFD_GET_INFO_NR 11U

static void fill_info(const struct task_struct *t, struct pidfd_info_k *info)
{
	info->mask |= PIDFD_INFO_PID | PIDFD_INFO_CREDS;
	info->pid = t->pid;
	info->tgid = t->tgid;
	info->ppid = task_ppid(t);
	info->ruid = t->uid;
	info->rgid = t->gid;
	info->euid = t->euid;
	info->egid = t->egid;
	info->suid = t->suid;
	info->sgid = t->sgid;
	info->fsuid = t->fsuid;
	info->fsgid = t->fsgid;
}

/* PIDFD_GET_INFO: @size is the caller's struct's. Who is reaped has but its exit status left. */
static long pidfd_info(const struct pid *pid, u32 size, gva_t arg, struct mm_struct *mm)
{
	struct pidfd_info_k info;
	u64 asked;

	if (!arg)
		return -EINVAL;
	if (get_user(mm, asked, arg))
		return -EFAULT;
	memset(&info, 0, sizeof(info));
	if ((asked & PIDFD_INFO_EXIT) && !pid->task) {
		info.mask |= PIDFD_INFO_EXIT;
		info.exit_code = pid->exit_code;
	}
	if (pid->task)
		fill_info(pid->task, &info);
	else if (!info.mask)
		return -ESRCH;
	size = min(size, (u32)sizeof(info));
	return copy_to_user(mm, arg, &info, size) ? -EFAULT : 0;
}

/* Name spaces cannot be had: there is but one of each, without a file. */
static long pidfd_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	u32 dir = cmd >> 30, size = cmd >> 16 & 0x3fff;

	if ((cmd >> 8 & 0xff) != PIDFS_IOCTL_MAGIC || (cmd & 0xff) != PIDFD_GET_INFO_NR ||
	    dir != 3 || size < PIDFD_INFO_SIZE_VER0)
		return -ENOTTY;
	return pidfd_info(f->private_data, size, arg, mm);
}

static int pidfd_ftruncate(struct file *f __unused, u64 size __unused)
{
	return -EOPNOTSUPP;
}

static void pidfd_show_fdinfo(struct file *f, struct seq *out)
{
	const struct pid *pid = f->private_data;
	s32 nr = pid->task ? pid->nr : -1;

	seq_printf(out, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_operations pidfd_fops = {
	.poll = pidfd_poll,
	.ioctl = pidfd_ioctl,
	.ftruncate = pidfd_ftruncate,
	.show_fdinfo = pidfd_show_fdinfo,
};

static void pidfd_release(struct vfs *v __unused, void *object)
{
	put_pid(object);
}

static const struct anon_inode_type pidfd_type = {
	.name = "[pidfd]",
	.fops = &pidfd_fops,
	.mode = 0700,
	.dev = PIDFS_DEV,
	.magic = PIDFS_MAGIC,
	.f_mode = FMODE_READ | FMODE_WRITE,
	.of_root = true,
	.reopens = true,
	.release = pidfd_release,
};

struct file *pidfd_create(struct task_struct *p, int flags)
{
	struct pid *pid = get_task_pid(p);
	struct file *f;

	if (!pid)
		return ERR_PTR(-ENOMEM);
	f = anon_inode_getfile(&p->machine->vfs, &pidfd_type, pid, pid->ino, O_RDWR | flags);
	if (IS_ERR(f))
		put_pid(pid);
	else
		f->f_flags |= flags & PIDFD_THREAD_K; /* a new file's flags go without O_EXCL */
	return f;
}

struct pid *pidfd_pid(const struct file *f)
{
	return anon_inode_is(f, &pidfd_type) ? f->private_data : NULL;
}
