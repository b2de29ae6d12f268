/* The descriptor of userfaultfd(2): made, read, polled, and /dev/userfaultfd. Its calls are
 * userfaultfd_ioctl.c's, what they do is mm/'s: mm/userfaultfd.h. See userfaultfd.h.
 */
#include "proc/userfaultfd.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/anon_inode.h"
#include "fs/fdtable.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"
#include "fs/seq_file.h"
#include "mm/userfaultfd.h"
#include "proc/task.h"

#define USERFAULTFD_IOC_NEW_K 0xaa00U
#define MISC_MAJOR 10U

static struct file *new_file(struct vfs *v, struct userfaultfd_ctx *ctx, int flags);

/* --- descriptors ------------------------------------------------------------------------------ */

static int install(struct task_struct *t, struct file *f, bool cloexec)
{
	u64 limit = min(rlimit(t, RLIMIT_NOFILE), 0x7fffffffUL);

	return fd_install(t->files, f, 0, limit, cloexec);
}

static long new_userfaultfd(struct task_struct *t, u32 flags)
{
	struct machine *m = t->machine;
	struct userfaultfd_ctx *ctx;
	struct file *f;
	int fd;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY_K))
		return -EINVAL;
	ctx = userfaultfd_new(t->mm, &m->sched, flags & UFFD_USER_MODE_ONLY_K);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f = new_file(&m->vfs, ctx, flags);
	if (IS_ERR(f)) {
		userfaultfd_ctx_put(ctx);
		return PTR_ERR(f);
	}
	fd = install(t, f, flags & O_CLOEXEC);
	if (fd < 0)
		fput(f);
	return fd;
}

long do_userfaultfd(struct task_struct *t, u32 flags)
{
	/* What the kernel's own faults wait for could be used to slow it down at will. */
	if (!(flags & UFFD_USER_MODE_ONLY_K) && !t->machine->mem.unprivileged_userfaultfd &&
	    !task_capable(t, CAP_SYS_PTRACE))
		return -EPERM;
	return new_userfaultfd(t, flags);
}

/* --- read, poll -------------------------------------------------------------------------- */

struct fork_fd {
	struct task_struct *t;
	int flags; /* of the file that is read, and so the child's */
};

/* Where a failure must leave the context to its owner: the file goes without it. */
static void drop_file(struct file *f)
{
	f->f_path.dentry->fs_private = NULL;
	fput(f);
}

static int make_fork_fd(void *arg, struct userfaultfd_ctx *child)
{
	struct fork_fd *ff = arg;
	struct file *f = new_file(&ff->t->machine->vfs, child, ff->flags);
	int fd;

	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = install(ff->t, f, ff->flags & O_CLOEXEC);
	if (fd < 0)
		drop_file(f);
	return fd;
}

static long uffd_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct userfaultfd_ctx *ctx = f->private_data;
	struct machine *m = vfs_machine(f->vfs);
	struct fork_fd ff = {current_task(m), f->f_flags & O_NONBLOCK};
	struct uffd_msg_k msg;
	long done = 0;
	int err;

	if (!ctx->features)
		return -EINVAL;
	for (;; done += sizeof(msg)) {
		if (to->count < sizeof(msg))
			return done ? done : -EINVAL;
		/* Only the first one is waited for. */
		err = userfaultfd_read(ctx, done || (f->f_flags & O_NONBLOCK), &msg, make_fork_fd,
				       &ff);
		if (err)
			return done ? done : err;
		if (copy_to_iter(&msg, sizeof(msg), to) < sizeof(msg))
			return done ? done : -EFAULT;
	}
}

static unsigned uffd_poll(struct file *f, struct poll_table *pt)
{
	struct userfaultfd_ctx *ctx = f->private_data;

	poll_wait(f, &ctx->fd_wqh, pt);
	/* What poll shows may be gone at the read, so a file that blocks cannot be polled. */
	if (!ctx->features || !(f->f_flags & O_NONBLOCK))
		return EPOLLERR;
	return userfaultfd_readable(ctx) ? EPOLLIN : 0;
}

/* --- the file ---------------------------------------------------------------------------- */

static u64 count(const struct list_head *head)
{
	u64 n = 0;

	for (const struct list_head *l = head->next; l != head; l = l->next)
		n++;
	return n;
}

static void uffd_show_fdinfo(struct file *f, struct seq *out)
{
	const struct userfaultfd_ctx *ctx = f->private_data;
	u64 pending = count(&ctx->pending);

	seq_printf(out, "pending:\t%lu\ntotal:\t%lu\nAPI:\t%lx:%x:%lx\n", pending,
		   pending + count(&ctx->faults), UFFD_API_K, (u32)ctx->features,
		   uffd_known_ioctls());
}

/* noop_llseek(): there is no position, and no error. */
static s64 uffd_llseek(struct file *f, s64 off __unused, int whence __unused)
{
	return f->f_pos;
}

static const struct file_operations userfaultfd_fops = {
	.read_iter = uffd_read_iter,
	.poll = uffd_poll,
	.ioctl = uffd_ioctl,
	.llseek = uffd_llseek,
	.show_fdinfo = uffd_show_fdinfo,
};

static void uffd_release(struct vfs *v __unused, void *ctx)
{
	userfaultfd_release(ctx);
}

static const struct anon_inode_type userfaultfd_type = {
	.name = "[userfaultfd]",
	.fops = &userfaultfd_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.f_mode = FMODE_READ | FMODE_LSEEK,
	.release = uffd_release,
};

/* Takes over the reference, unless it fails. */
static struct file *new_file(struct vfs *v, struct userfaultfd_ctx *ctx, int flags)
{
	return anon_inode_getfile(v, &userfaultfd_type, ctx, 0, O_RDONLY | (flags & O_NONBLOCK));
}

/* --- /dev/userfaultfd ------------------------------------------------------------------------ */

/* Whom the node's permissions let in may watch the kernel's own faults, too. */
static long uffd_dev_ioctl(struct file *f, u32 cmd, u64 flags, struct mm_struct *mm __unused)
{
	struct machine *m = vfs_machine(f->vfs);

	if (cmd != USERFAULTFD_IOC_NEW_K)
		return -EINVAL;
	return new_userfaultfd(current_task(m), flags);
}

static const struct file_operations uffd_dev_fops = {
	.ioctl = uffd_dev_ioctl,
	.llseek = uffd_llseek,
};

/* The node is the host's, with its rights; its number is given out when the host boots. */
static const struct file_operations *chardev_fops(u32 major, u32 minor)
{
	struct stat st;

	if (major != MISC_MAJOR || host_fstatat(AT_FDCWD, "/dev/userfaultfd", &st, 0) ||
	    !S_ISCHR(st.st_mode) || st.st_rdev != makedev(major, minor))
		return NULL;
	return &uffd_dev_fops;
}

void userfaultfd_init_dev(struct machine *m)
{
	m->vfs.chardev_fops = chardev_fops;
}

/* --- what others are told ------------------------------------------------------------------- */

/* A running task's number, for faults that wait: one that is ending does not. */
static s32 current_tid(void *arg)
{
	struct task_struct *t = current_task(arg);

	return t && t->mm && !t->exiting && !t->signal->group_exit ? t->pid : 0;
}

void userfaultfd_init(struct machine *m)
{
	m->mem.hooks.current_tid = current_tid;
	m->mem.hooks.task_arg = m;
}
