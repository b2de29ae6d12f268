/* The calls of a userfaultfd: their arguments and results; the work is mm/'s (mm/userfaultfd.h). See
 * userfaultfd.h; ioctl_userfaultfd(2). */
#include "proc/userfaultfd.h"

#include <sys/ioctl.h>

#include "fs/file.h"
#include "mm/uaccess.h"
#include "mm/userfaultfd.h"
#include "proc/task.h"

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
#define REGISTER_MODE_WP BIT(1)
#define REGISTER_MODE_MINOR BIT(2)
#define REGISTER_MODES 7UL

u64 uffd_known_ioctls(void)
{
	return API_IOCTLS | RANGE_IOCTLS;
}

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
		err = -EINVAL; /* NOLINT(bugprone-branch-clone): the order is Linux's */
	else if ((want & UFFD_EVENT_FORK_F) && !task_capable(t, CAP_SYS_PTRACE))
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
	if (!(r[2] & REGISTER_MODE_WP))
		ioctls &= ~BIT(NR_WRITEPROTECT);
	if (!(r[2] & REGISTER_MODE_MINOR))
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

long uffd_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct machine *m = vfs_machine(f->vfs);
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
