/* The descriptor of userfaultfd(2): read, poll, ioctl. What they do is mm/'s: mm/userfaultfd.h.
 * See: ioctl_userfaultfd(2); Linux 6.18, fs/userfaultfd.c. */
#include "proc/userfaultfd.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/anon_inode.h"
#include "fs/poll.h"
#include "mm/uaccess.h"
#include "mm/userfaultfd.h"
#include "proc/task.h"

#define ANON_INODE_MAGIC 0x09041934
#define ANON_INODE_DEV 0x10
#define CAP_SYS_PTRACE_NR 19

/* Numbers of the calls; their structs are arrays of u64: a range first, then mode and result. */
enum {
	NR_REGISTER = 0,
	NR_UNREGISTER,
	NR_WAKE,
	NR_COPY,
	NR_ZEROPAGE,
	NR_MOVE,
	NR_WRITEPROTECT,
	NR_CONTINUE,
	NR_POISON,
	NR_API = 0x3f,
};
#define API_IOCTLS (BIT(NR_REGISTER) | BIT(NR_UNREGISTER) | BIT(NR_API))
#define RANGE_IOCTLS                                                                               \
	(BIT(NR_WAKE) | BIT(NR_COPY) | BIT(NR_ZEROPAGE) | BIT(NR_MOVE) | BIT(NR_WRITEPROTECT) |    \
	 BIT(NR_CONTINUE) | BIT(NR_POISON))

#define MODE_DONTWAKE BIT(0) /* COPY, ZEROPAGE, CONTINUE, POISON, MOVE */
#define MODE_WP BIT(1)	     /* COPY, CONTINUE */
#define MOVE_ALLOW_SRC_HOLES BIT(1)
#define WRITEPROTECT_MODE_WP BIT(0)
#define WRITEPROTECT_MODE_DONTWAKE BIT(1)
#define REGISTER_MODES 7UL

static struct file *new_file(struct vfs *v, struct userfaultfd_ctx *ctx, int flags);

/* --- read, poll -------------------------------------------------------------------------- */

struct fork_fd {
	struct task_struct *t;
	int flags; /* of the file that is read, and so the child's */
};

static int install(struct task_struct *t, struct file *f, bool cloexec)
{
	u64 limit = min(rlimit(t, RLIMIT_NOFILE), 0x7fffffffUL);
	int fd = fd_install(t->files, f, 0, limit, cloexec);

	return fd;
}

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
	struct machine *m = container_of(f->vfs, struct machine, vfs);
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

/* --- ioctl ------------------------------------------------------------------------------- */

static long uffd_api(struct userfaultfd_ctx *ctx, gva_t arg, struct mm_struct *mm,
		     struct task_struct *t)
{
	u64 api[3], zero[3] = {0, 0, 0};
	int err = 0;
	u64 want;

	if (get_user(mm, api, arg))
		return -EFAULT;
	want = api[1];
	if (api[0] != UFFD_API_K)
		err = -EINVAL;
	else if ((want & UFFD_EVENT_FORK_F) && !task_capable(t, CAP_SYS_PTRACE_NR))
		err = -EPERM;
	else if (want & ~UFFD_API_FEATURES_K)
		err = -EINVAL;
	if (err)
		return copy_to_user(mm, arg, zero, sizeof(zero)) ? -EFAULT : err;
	if (want & UFFD_WP_ASYNC_F)
		want |= UFFD_WP_UNPOPULATED_F;
	api[1] = UFFD_API_FEATURES_K;
	api[2] = API_IOCTLS;
	if (copy_to_user(mm, arg, api, sizeof(api)))
		return -EFAULT;
	err = userfaultfd_set_features(ctx, want);
	if (err)
		return copy_to_user(mm, arg, zero, sizeof(zero)) ? -EFAULT : err;
	return 0;
}

static long uffd_register(struct userfaultfd_ctx *ctx, gva_t arg, struct mm_struct *mm)
{
	u64 r[3], ioctls = RANGE_IOCTLS; /* start, len, mode */
	int err;

	if (get_user(mm, r, arg))
		return -EFAULT;
	if (!r[2] || (r[2] & ~REGISTER_MODES))
		return -EINVAL;
	err = userfaultfd_check_range(ctx, r[0], r[1]);
	if (!err)
		err = userfaultfd_register(ctx, r[0], r[1], r[2]);
	if (err)
		return err;
	if (!(r[2] & 2))
		ioctls &= ~BIT(NR_WRITEPROTECT);
	if (!(r[2] & 4))
		ioctls &= ~BIT(NR_CONTINUE);
	return put_user(mm, ioctls, arg + sizeof(r));
}

static long uffd_range(struct userfaultfd_ctx *ctx, bool unregister, gva_t arg,
		       struct mm_struct *mm)
{
	u64 r[2];
	int err;

	if (get_user(mm, r, arg))
		return -EFAULT;
	err = userfaultfd_check_range(ctx, r[0], r[1]);
	if (err)
		return err;
	if (unregister)
		return userfaultfd_unregister(ctx, r[0], r[1]);
	userfaultfd_wake(ctx, r[0], r[1]);
	return 0;
}

/* One row a call that fills pages: where in its struct things are, and which modes there are. */
static const struct fill_call {
	enum uffd_fill how;
	u8 words;  /* of the struct, less the result */
	u64 modes; /* that are known */
	u64 wp;	   /* which of them protects */
} fill_calls[] = {
	[NR_COPY] = {UFFD_COPY, 4, MODE_DONTWAKE | MODE_WP, MODE_WP},
	[NR_ZEROPAGE] = {UFFD_ZEROPAGE, 3, MODE_DONTWAKE, 0},
	[NR_CONTINUE] = {UFFD_CONTINUE, 3, MODE_DONTWAKE | MODE_WP, MODE_WP},
	[NR_POISON] = {UFFD_POISON, 3, MODE_DONTWAKE, 0},
};

/* What a call that fills did goes behind its struct: bytes, or -errno; and who waits for it wakes. */
static long fill_result(struct userfaultfd_ctx *ctx, struct mm_struct *mm, gva_t to, gva_t dst,
			u64 len, long done, bool wake)
{
	s64 result = done;

	if (put_user(mm, result, to))
		return -EFAULT;
	if (done < 0)
		return done;
	if (wake && done)
		userfaultfd_wake(ctx, dst, done);
	return (u64)done == len ? 0 : -EAGAIN;
}

/* The source need not be aligned. */
static int check_source(u64 src, u64 len)
{
	return src >= TASK_SIZE || len > TASK_SIZE - src ? -EINVAL : 0;
}

static long uffd_fill(struct userfaultfd_ctx *ctx, const struct fill_call *c, gva_t arg,
		      struct mm_struct *mm)
{
	u64 w[4], dst, src = 0, len, mode;
	gva_t result = arg + c->words * sizeof(u64);
	int err = 0;
	long done;

	if (ctx->mmap_changing)
		return put_user(mm, (s64)-EAGAIN, result) ? -EFAULT : -EAGAIN;
	if (copy_from_user(mm, w, arg, c->words * sizeof(u64)))
		return -EFAULT;
	dst = w[0];
	if (c->how == UFFD_COPY)
		src = w[1];
	len = w[c->words - 2];
	mode = w[c->words - 1];
	if (c->how == UFFD_COPY)
		err = check_source(src, len);
	if (!err)
		err = userfaultfd_check_range(ctx, dst, len);
	if (err)
		return err;
	if (mode & ~c->modes)
		return -EINVAL;
	done = uffd_fill_range(ctx, c->how, dst, src, len, mode & c->wp, mm);
	if (done == -ESRCH)
		return done;
	return fill_result(ctx, mm, result, dst, len, done, !(mode & MODE_DONTWAKE));
}

static long uffd_writeprotect(struct userfaultfd_ctx *ctx, gva_t arg, struct mm_struct *mm)
{
	u64 w[3], mode; /* start, len, mode */
	int err;

	if (ctx->mmap_changing)
		return -EAGAIN;
	if (get_user(mm, w, arg))
		return -EFAULT;
	err = userfaultfd_check_range(ctx, w[0], w[1]);
	if (err)
		return err;
	mode = w[2];
	if ((mode & ~(WRITEPROTECT_MODE_WP | WRITEPROTECT_MODE_DONTWAKE)) ||
	    mode == (WRITEPROTECT_MODE_WP | WRITEPROTECT_MODE_DONTWAKE))
		return -EINVAL;
	err = uffd_wp_registered(ctx, w[0], w[1], mode & WRITEPROTECT_MODE_WP);
	if (!err && !mode)
		userfaultfd_wake(ctx, w[0], w[1]);
	return err;
}

static long uffd_move(struct userfaultfd_ctx *ctx, gva_t arg, struct mm_struct *mm)
{
	u64 w[4]; /* dst, src, len, mode */
	gva_t result = arg + sizeof(w);
	long done;
	int err;

	if (ctx->mmap_changing)
		return put_user(mm, (s64)-EAGAIN, result) ? -EFAULT : -EAGAIN;
	if (get_user(mm, w, arg))
		return -EFAULT;
	if (ctx->mm != mm) /* only what is one's own */
		return -EINVAL;
	err = userfaultfd_check_range(ctx, w[0], w[2]);
	if (!err)
		err = userfaultfd_check_range(ctx, w[1], w[2]);
	if (err)
		return err;
	if (w[3] & ~(MODE_DONTWAKE | MOVE_ALLOW_SRC_HOLES))
		return -EINVAL;
	done = uffd_move_range(ctx, w[0], w[1], w[2], w[3] & MOVE_ALLOW_SRC_HOLES);
	return fill_result(ctx, mm, result, w[0], w[2], done, !(w[3] & MODE_DONTWAKE));
}

#define UFFDIO_WR(nr, words) ((u32)_IOC(_IOC_READ | _IOC_WRITE, 0xaa, nr, (words)*8))

static long uffd_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct machine *m = container_of(f->vfs, struct machine, vfs);
	struct userfaultfd_ctx *ctx = f->private_data;

	if (cmd == UFFDIO_WR(NR_API, 3))
		return uffd_api(ctx, arg, mm, current_task(m));
	if (!ctx->features)
		return -EINVAL;
	switch (cmd) {
	case UFFDIO_WR(NR_REGISTER, 4):
		return uffd_register(ctx, arg, mm);
	case _IOC(_IOC_READ, 0xaa, NR_UNREGISTER, 16):
		return uffd_range(ctx, true, arg, mm);
	case _IOC(_IOC_READ, 0xaa, NR_WAKE, 16):
		return uffd_range(ctx, false, arg, mm);
	case UFFDIO_WR(NR_COPY, 5):
	case UFFDIO_WR(NR_ZEROPAGE, 4):
	case UFFDIO_WR(NR_CONTINUE, 4):
	case UFFDIO_WR(NR_POISON, 4):
		return uffd_fill(ctx, &fill_calls[cmd & 0xff], arg, mm);
	case UFFDIO_WR(NR_WRITEPROTECT, 3):
		return uffd_writeprotect(ctx, arg, mm);
	case UFFDIO_WR(NR_MOVE, 5):
		return uffd_move(ctx, arg, mm);
	default:
		return -EINVAL;
	}
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
		   API_IOCTLS | RANGE_IOCTLS);
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

/* A running task's number, for faults that wait: one that is ending does not. */
static s32 current_tid(void *arg)
{
	struct task_struct *t = current_task(arg);

	return t && t->mm && !t->signal->group_exit ? t->pid : 0;
}

static long new_userfaultfd(struct task_struct *t, u32 flags);

/* --- /dev/userfaultfd ------------------------------------------------------------------------ */

#define USERFAULTFD_IOC_NEW_K 0xaa00U
#define MISC_MAJOR 10U

/* Whom the node's permissions let in may watch the kernel's own faults, too. */
static long uffd_dev_ioctl(struct file *f, u32 cmd, u64 flags, struct mm_struct *mm __unused)
{
	struct machine *m = container_of(f->vfs, struct machine, vfs);

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

void userfaultfd_init(struct machine *m)
{
	m->mem.hooks.current_tid = current_tid;
	m->mem.hooks.task_arg = m;
}

/* Takes over the reference, unless it fails. */
static struct file *new_file(struct vfs *v, struct userfaultfd_ctx *ctx, int flags)
{
	return anon_inode_getfile(v, &userfaultfd_type, ctx, 0, O_RDONLY | (flags & O_NONBLOCK));
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
	    !task_capable(t, CAP_SYS_PTRACE_NR))
		return -EPERM;
	return new_userfaultfd(t, flags);
}
