/* Signals that are read. See signalfd.h; fs/signalfd.c. */
#include "proc/signalfd.h"

#include <string.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"
#include "fs/seq_file.h"
#include "proc/task.h"

/* struct signalfd_siginfo, 128 bytes. */
struct signalfd_siginfo_k {
	u32 signo;
	s32 error, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value_int;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb, pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad[28];
};

_Static_assert(sizeof(struct signalfd_siginfo_k) == 128, "the ABI");

/* The file's object. */
struct signalfd_ctx {
	sigset_k blocked; /* all that it does not read */
};

static struct task_struct *caller(struct file *f)
{
	return current_task(vfs_machine(f->vfs));
}

/* --- reading ----------------------------------------------------------------------------------- */

static void put_fault(struct signalfd_siginfo_k *si, const struct k_siginfo *info)
{
	si->addr = info->fault.addr;
	if (siginfo_layout(info->si_signo, info->si_code) == SIL_FAULT_MCEERR)
		si->addr_lsb = info->fault.addr_lsb;
}

static void put_child(struct signalfd_siginfo_k *si, const struct k_siginfo *info)
{
	si->pid = info->chld.pid;
	si->uid = info->chld.uid;
	si->status = info->chld.status;
	si->utime = info->chld.utime;
	si->stime = info->chld.stime;
}

/* Who sent it, or which timer (@tid), and the value. */
static void put_sender(struct signalfd_siginfo_k *si, const struct k_siginfo *info, bool timer)
{
	if (timer) {
		si->tid = info->timer.tid;
		si->overrun = info->timer.overrun;
	} else {
		si->pid = info->kill.pid;
		si->uid = info->kill.uid;
	}
	si->ptr = info->kill.value;
	si->value_int = (s32)info->kill.value;
}

/* Linux: signalfd_copyinfo() */
static void fill(struct signalfd_siginfo_k *si, const struct k_siginfo *info)
{
	memset(si, 0, sizeof(*si));
	si->signo = info->si_signo;
	si->error = info->si_errno;
	si->code = info->si_code;
	switch (siginfo_layout(info->si_signo, info->si_code)) {
	case SIL_KILL:
		si->pid = info->kill.pid;
		si->uid = info->kill.uid;
		break;
	case SIL_TIMER:
	case SIL_RT:
		put_sender(si, info, info->si_code == SI_TIMER);
		break;
	case SIL_POLL:
		si->band = (u32)info->poll.band;
		si->fd = info->poll.fd;
		break;
	case SIL_FAULT:
	case SIL_FAULT_MCEERR:
		put_fault(si, info);
		break;
	case SIL_CHLD:
		put_child(si, info);
		break;
	case SIL_SYS:
		si->call_addr = info->sys.call_addr;
		si->syscall = info->sys.syscall;
		si->arch = info->sys.arch;
		break;
	}
}

/* The next signal for the caller. Its number; -EAGAIN: none, and @wait is false; -ERESTARTSYS: another one
 * is to be delivered first. */
static int take_signal(struct file *f, struct k_siginfo *info, bool wait)
{
	const struct signalfd_ctx *ctx = f->private_data;
	struct task_struct *t = caller(f);
	int sig = dequeue_signal(t, ctx->blocked, info), err;

	if (sig)
		return sig;
	if (!wait)
		return -EAGAIN;
	err = wait_event_interruptible(&t->sighand->signalfd_wqh,
				       (sig = dequeue_signal(t, ctx->blocked, info)) != 0);
	return err ? err : sig;
}

static long signalfd_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	bool wait = !(f->f_flags & O_NONBLOCK);
	struct signalfd_siginfo_k si;
	struct k_siginfo info;
	long done = 0;

	if (to->count < sizeof(si))
		return -EINVAL;
	while (to->count >= sizeof(si)) {
		int sig = take_signal(f, &info, wait);

		if (sig < 0)
			return done ? done : sig;
		fill(&si, &info);
		if (copy_to_iter(&si, sizeof(si), to) != sizeof(si))
			return done ? done : -EFAULT;
		done += sizeof(si);
		wait = false; /* the rest, if it is there */
	}
	return done;
}

static unsigned signalfd_poll(struct file *f, struct poll_table *pt)
{
	const struct signalfd_ctx *ctx = f->private_data;
	struct task_struct *t = caller(f);

	poll_wait(f, &t->sighand->signalfd_wqh, pt);
	return (t->pending.signal | t->signal->shared_pending.signal) & ~ctx->blocked ? EPOLLIN : 0;
}

/* --- the file ---------------------------------------------------------------------------------- */

/* noop_llseek(): there is no position, and no error. */
static s64 signalfd_llseek(struct file *f, s64 off __unused, int whence __unused)
{
	return f->f_pos;
}

static void signalfd_show_fdinfo(struct file *f, struct seq *out)
{
	const struct signalfd_ctx *ctx = f->private_data;

	seq_printf(out, "sigmask:\t%016lx\n", ~ctx->blocked);
}

static const struct file_operations signalfd_fops = {
	.read_iter = signalfd_read_iter,
	.poll = signalfd_poll,
	.llseek = signalfd_llseek,
	.show_fdinfo = signalfd_show_fdinfo,
};

static void signalfd_release(struct vfs *v, void *ctx)
{
	kfree(&vfs_machine(v)->mem, ctx);
}

static const struct anon_inode_type signalfd_type = {
	.name = "[signalfd]",
	.fops = &signalfd_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.f_mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_NO_PREAD | FMODE_NO_SPLICE,
	.of_root = true,
	.release = signalfd_release,
};

static sigset_k not_read(sigset_k set)
{
	return ~(set & ~UNBLOCKABLE_MASK);
}

struct file *signalfd_create(struct machine *m, sigset_k set, int flags)
{
	struct signalfd_ctx *ctx = kmalloc(&m->mem, sizeof(*ctx), GFP_KERNEL);
	struct file *f;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->blocked = not_read(set);
	f = anon_inode_getfile(&m->vfs, &signalfd_type, ctx, ANON_INODE_INO, O_RDWR | flags);
	if (IS_ERR(f))
		kfree(&m->mem, ctx);
	return f;
}

int signalfd_change(struct file *f, sigset_k set)
{
	struct signalfd_ctx *ctx = f->private_data;

	if (!anon_inode_is(f, &signalfd_type))
		return -EINVAL;
	ctx->blocked = not_read(set);
	wake_up_all(&caller(f)->sighand->signalfd_wqh);
	return 0;
}

void signalfd_cleanup(struct sighand_struct *s)
{
	if (waitqueue_active(&s->signalfd_wqh))
		wake_up_pollfree(&s->signalfd_wqh);
}
