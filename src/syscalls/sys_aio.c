/* Asynchronous I/O: the requests, each done as it is submitted. Contexts are fs/aio.c's. */
#include "syscalls/internal.h"

#include "fs/aio.h"
#include "fs/eventfd.h"

/* io_setup(2). -EINVAL: *ctxp is not 0, no or too many events; -EAGAIN: too many of all. */
long sys_io_setup(struct task_struct *t, const struct sysargs *a)
{
	u32 nr = a->arg[0];
	u64 id;
	long ret;

	if (get_user(t->mm, id, a->arg[1]))
		return -EFAULT;
	if (id || !nr)
		return -EINVAL;
	ret = aio_setup(&t->machine->vfs, t->mm, nr);
	if (IS_ERR_VALUE(ret))
		return ret;
	id = ret;
	if (!put_user(t->mm, id, a->arg[1]))
		return 0;
	aio_destroy(t->mm, id);
	return -EFAULT;
}

/* io_destroy(2). -EINVAL: no such context. */
long sys_io_destroy(struct task_struct *t, const struct sysargs *a)
{
	return aio_destroy(t->mm, a->arg[0]);
}

/* --- one request --------------------------------------------------------------------------- */

/* Bytes, or -errno: with *@submitted that is what the event says, else the call's own. */
static long aio_rw(struct task_struct *t, struct file *f, const struct iocb *cb, bool write,
		   bool *submitted)
{
	bool vector = cb->aio_lio_opcode >= IOCB_CMD_PREADV;
	struct iovec fast[FAST_IOV], *iov = fast;
	u64 pos = cb->aio_offset;
	struct iov_iter it;
	long ret;

	if (!(f->f_mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (write ? !f->f_op->write_iter : !f->f_op->read_iter)
		return -EINVAL;
	if ((s64)cb->aio_offset < 0 || cb->aio_rw_flags)
		return (s64)cb->aio_offset < 0 ? -EINVAL : -EOPNOTSUPP;
	if (vector) {
		ret = import_iovec(t, cb->aio_buf, cb->aio_nbytes, fast, &iov);
	} else {
		fast[0] = (struct iovec){(void *)cb->aio_buf, min(cb->aio_nbytes, MAX_RW_COUNT)};
		ret = access_ok(cb->aio_buf, cb->aio_nbytes) ? (long)fast[0].iov_len : -EFAULT;
	}
	if (ret >= 0) {
		it = (struct iov_iter){t->mm, iov, vector ? cb->aio_nbytes : 1, 0, ret, false};
		*submitted = true;
		ret = write ? limit_write(t, f, &it, pos) : 0;
		if (!ret)
			ret = write ? vfs_write(f, &it, &pos) : vfs_read(f, &it, &pos);
		if (ret == -ERESTARTSYS)
			ret = -EINTR;
	}
	if (iov != fast)
		kfree(&t->machine->mem, iov);
	return ret;
}

static long aio_fsync(struct file *f, const struct iocb *cb, bool *submitted)
{
	if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	if (!f->f_op->fsync)
		return -EINVAL;
	*submitted = true;
	return f->f_op->fsync(f, cb->aio_lio_opcode == IOCB_CMD_FDSYNC);
}

static long aio_do(struct task_struct *t, struct file *f, const struct iocb *cb, bool *submitted)
{
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return aio_rw(t, f, cb, false, submitted);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		return aio_rw(t, f, cb, true, submitted);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return aio_fsync(f, cb, submitted);
	default:
		return -EINVAL; /* IOCB_CMD_POLL, too: it could only be waited for */
	}
}

/* @cb of @user, which names the files: an event is due to it. */
static long submit_file(struct task_struct *t, u64 id, gva_t user, const struct iocb *cb,
			struct file *f, struct file *tell)
{
	struct io_event event = {.data = cb->aio_data, .obj = user};
	bool submitted = false;
	u32 key = 0;
	long ret;

	if (put_user(t->mm, key, user + offsetof(struct iocb, aio_key)))
		return -EFAULT;
	ret = aio_do(t, f, cb, &submitted);
	if (!submitted)
		return ret;
	event.res = ret;
	if (aio_complete(t->mm, id, &event) && tell)
		eventfd_signal(tell);
	return 0;
}

static long submit_one(struct task_struct *t, u64 id, gva_t user)
{
	struct file *f, *tell = NULL;
	struct iocb cb;
	long ret;

	if (get_user(t->mm, cb, user))
		return -EFAULT;
	if (cb.aio_reserved2 || (s64)cb.aio_nbytes < 0)
		return -EINVAL;
	if (!aio_has_room(t->mm, id))
		return -EAGAIN;
	f = fdget(t, cb.aio_fildes);
	if (!f)
		return -EBADF;
	if (cb.aio_flags & IOCB_FLAG_RESFD) {
		tell = fdget(t, cb.aio_resfd);
		ret = !tell ? -EBADF : is_eventfd(tell) ? 0 : -EINVAL;
	} else {
		ret = 0;
	}
	if (!ret)
		ret = submit_file(t, id, user, &cb, f, tell);
	if (tell)
		fput(tell);
	fput(f);
	return ret;
}

/* io_submit(2). How many; the first one's error: -EINVAL, -EFAULT, -EBADF, -EAGAIN. */
long sys_io_submit(struct task_struct *t, const struct sysargs *a)
{
	struct kioctx *ctx = aio_lookup(t->mm, a->arg[0]);
	s64 nr = a->arg[1], done;
	long ret = 0;
	gva_t user;

	if (nr < 0 || !ctx)
		return -EINVAL;
	nr = min(nr, (s64)aio_nr_events(ctx));
	for (done = 0; done < nr && !ret; done += !ret) {
		if (get_user(t->mm, user, a->arg[2] + done * sizeof(user)))
			ret = -EFAULT;
		else
			ret = submit_one(t, a->arg[0], user);
	}
	return done ? done : ret;
}

/* io_cancel(2). -EINVAL: it is done, or was never submitted. */
long sys_io_cancel(struct task_struct *t, const struct sysargs *a)
{
	u32 key;

	if (get_user(t->mm, key, a->arg[1] + offsetof(struct iocb, aio_key)))
		return -EFAULT;
	return -EINVAL;
}

/* --- events -------------------------------------------------------------------------------- */

static long get_events(struct task_struct *t, const struct sysargs *a)
{
	s64 min_nr = a->arg[1], nr = a->arg[2];
	u64 deadline = WAIT_FOREVER;
	struct timespec ts;

	if (a->arg[4]) {
		if (get_user(t->mm, ts, a->arg[4]))
			return -EFAULT;
		deadline = timeout_deadline(t, &ts);
	}
	if (!aio_lookup(t->mm, a->arg[0]) || min_nr < 0 || min_nr > nr)
		return -EINVAL;
	return aio_read_events(t->mm, a->arg[0], deadline ? min_nr : 0, nr, a->arg[3], deadline);
}

/* io_getevents(2). How many; -EINVAL, -EFAULT, -EINTR. */
long sys_io_getevents(struct task_struct *t, const struct sysargs *a)
{
	return get_events(t, a);
}

/* io_pgetevents(2). As io_getevents(2), with another mask. */
long sys_io_pgetevents(struct task_struct *t, const struct sysargs *a)
{
	struct {
		gva_t set;
		u64 size;
	} mask = {0};
	long ret;

	if (a->arg[5] && get_user(t->mm, mask, a->arg[5]))
		return -EFAULT;
	ret = set_user_sigmask(t, mask.set, mask.size);
	if (ret)
		return ret;
	ret = get_events(t, a);
	restore_user_sigmask(t, ret == -EINTR);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
