/* The listener of a filter: its file, and the calls that wait for it. See seccomp_notify.h. */
#include "proc/seccomp_notify.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/fdtable.h"
#include "fs/libfs.h"
#include "fs/poll.h"
#include "mm/uaccess.h"
#include "proc/task.h"

/* As 6.18 has them: libc's headers may be older. */
#define K_NOTIF_SET_FLAGS 0x40082104U	       /* SECCOMP_IOW(4, u64) */
#define K_NOTIF_ID_VALID_WRONG_DIR 0x80082102U /* SECCOMP_IOR(2, u64) */
#define K_FD_SYNC_WAKE_UP 1UL
#define IOC_SIZE(cmd) ((cmd) >> 16 & 0x3fff)
#define IOC_EXTENSIBLE(cmd) ((cmd)&0xffff) /* neither direction nor size */
#define ADDFD_SIZE_VER0 24U

enum notif_state { NOTIF_INIT, NOTIF_SENT, NOTIF_REPLIED };

/* A call that waits, on its task's stack. */
struct seccomp_call {
	struct list_head list; /* seccomp_listener.calls; self-linked: the listener is gone */
	u64 id;
	struct task_struct *task;
	const struct seccomp_data *data;
	enum notif_state state;
	s64 val;
	s32 error;
	u32 flags;
	struct wait_queue_head wait;
};

struct seccomp_listener {
	struct vfs *vfs;
	struct seccomp_filter *filter;
	struct wait_queue_head wq;
	struct list_head calls; /* in order */
	u64 next_id;
	u32 requests; /* calls that nobody has come for; those that a signal took back count, too */
};

/* --- a call ---------------------------------------------------------------------------------------- */

static void answer(struct seccomp_call *c, s64 val, s32 error, u32 flags)
{
	c->state = NOTIF_REPLIED;
	c->val = val;
	c->error = error;
	c->flags = flags;
	wake_up_all(&c->wait);
}

/* Nothing but the end of its task disturbs a call that the listener has, if it was asked for that. */
static bool sleeps_killable(const struct seccomp_filter *f, const struct seccomp_call *c)
{
	return f->wait_killable && c->state >= NOTIF_SENT;
}

static int wait_for_answer(const struct seccomp_filter *f, struct seccomp_call *c)
{
	bool killable;
	int err;

	do {
		killable = sleeps_killable(f, c);
		if (killable)
			err = wait_event_killable(&c->wait, c->state == NOTIF_REPLIED);
		else
			err = wait_event_interruptible(&c->wait, c->state == NOTIF_REPLIED);
	} while (err && !killable && sleeps_killable(f, c));
	return err;
}

bool seccomp_user_notification(struct task_struct *t, struct seccomp_filter *f,
			       const struct seccomp_data *data, long *ret)
{
	struct seccomp_listener *l = f->listener;
	struct seccomp_call c = {.task = t, .data = data};

	*ret = -ENOSYS;
	if (!l)
		return false;
	c.id = l->next_id++;
	init_waitqueue_head(&c.wait, &t->machine->sched);
	list_add_tail(&c.list, &l->calls);
	l->requests++;
	wake_up_poll(&l->wq, EPOLLIN | EPOLLRDNORM);
	*ret = wait_for_answer(f, &c);
	list_del(&c.list);
	if (*ret)
		return false;
	*ret = c.error ? c.error : (long)c.val;
	return c.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

/* --- the listener's side --------------------------------------------------------------------------- */

static struct seccomp_call *find_call(struct seccomp_listener *l, u64 id)
{
	struct seccomp_call *c;

	list_for_each_entry (c, &l->calls, list)
		if (c->id == id)
			return c;
	return NULL;
}

static struct seccomp_call *first_new(struct seccomp_listener *l)
{
	struct seccomp_call *c;

	list_for_each_entry (c, &l->calls, list)
		if (c->state == NOTIF_INIT)
			return c;
	return NULL;
}

/* SECCOMP_IOCTL_NOTIF_RECV. 0; -EFAULT: and the call is there still; -EINVAL: @to is not zeros; -ENOENT: the call was
 * taken back; -ERESTARTSYS. Sleeps. */
static long notify_recv(struct seccomp_listener *l, gva_t to, struct mm_struct *mm)
{
	static const struct seccomp_notif zeros;
	struct seccomp_notif n;
	struct seccomp_call *c;
	int err;

	if (copy_from_user(mm, &n, to, sizeof(n)))
		return -EFAULT;
	if (memcmp(&n, &zeros, sizeof(n)))
		return -EINVAL;
	err = wait_event_interruptible(&l->wq, l->requests || !l->filter->users);
	if (err)
		return err;
	l->requests -= l->requests > 0;
	c = first_new(l);
	if (!c)
		return -ENOENT;
	n = (struct seccomp_notif){.id = c->id, .pid = c->task->pid, .data = *c->data};
	c->state = NOTIF_SENT;
	wake_up_poll(&l->wq, EPOLLOUT | EPOLLWRNORM);
	if (!copy_to_user(mm, to, &n, sizeof(n)))
		return 0;
	c = find_call(l, n.id);
	if (c) {
		c->state = NOTIF_INIT;
		l->requests++;
		wake_up_poll(&l->wq, EPOLLIN | EPOLLRDNORM);
	}
	return -EFAULT;
}

/* SECCOMP_IOCTL_NOTIF_SEND. 0; -EFAULT, -EINVAL; -ENOENT: no such call; -EINPROGRESS: nobody has it, or it is answered. */
static long notify_send(struct seccomp_listener *l, gva_t from, struct mm_struct *mm)
{
	struct seccomp_notif_resp r;
	struct seccomp_call *c;

	if (copy_from_user(mm, &r, from, sizeof(r)))
		return -EFAULT;
	if (r.flags & ~(u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (r.flags && (r.error || r.val))
		return -EINVAL;
	c = find_call(l, r.id);
	if (!c)
		return -ENOENT;
	if (c->state != NOTIF_SENT)
		return -EINPROGRESS;
	answer(c, r.val, r.error, r.flags);
	return 0;
}

/* SECCOMP_IOCTL_NOTIF_ID_VALID. 0; -EFAULT, -ENOENT. */
static long notify_id_valid(struct seccomp_listener *l, gva_t from, struct mm_struct *mm)
{
	struct seccomp_call *c;
	u64 id;

	if (get_user(mm, id, from))
		return -EFAULT;
	c = find_call(l, id);
	return c && c->state == NOTIF_SENT ? 0 : -ENOENT;
}

/* @f becomes a descriptor of the task that waits, as dup(2) and dup2(2) make one. Its number; -EMFILE, -EBADF, -ENOMEM:
 * @f is still the caller's. May sleep: the table stays. */
static int install(struct task_struct *t, struct file *f, const struct seccomp_notif_addfd *a)
{
	u32 limit = (u32)min(rlimit(t, RLIMIT_NOFILE), (u64)INT_MAX);
	struct files_struct *files = t->files;
	bool cloexec = a->newfd_flags & O_CLOEXEC;
	int fd;

	if (!(a->flags & SECCOMP_ADDFD_FLAG_SETFD))
		return fd_install(files, f, 0, limit, cloexec);
	if (a->newfd >= limit)
		return -EBADF;
	files->users++;
	fd = fd_install_at(files, f, a->newfd, cloexec);
	files_put(files);
	return fd;
}

/* SECCOMP_IOCTL_NOTIF_ADDFD, of a struct of @size bytes: a file of the listener's for the task that waits; with
 * SECCOMP_ADDFD_FLAG_SEND its number is the answer. The number, or -EINVAL, -E2BIG, -EFAULT, -EBADF, -ENOENT,
 * -EINPROGRESS, -EMFILE. */
static long notify_addfd(struct seccomp_listener *l, u32 size, gva_t from, struct mm_struct *mm)
{
	struct task_struct *self = current_task(vfs_machine(l->vfs));
	struct seccomp_notif_addfd a;
	struct seccomp_call *c;
	struct file *f;
	int fd;

	if (size < ADDFD_SIZE_VER0 || size >= PAGE_SIZE)
		return -EINVAL;
	fd = copy_struct_from_user(mm, &a, sizeof(a), from, size);
	if (fd)
		return fd;
	if ((a.newfd_flags & ~(u32)O_CLOEXEC) ||
	    (a.flags & ~(u32)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) ||
	    (a.newfd && !(a.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	f = fget(self->files, (int)a.srcfd);
	if (!f || (f->f_mode & FMODE_PATH))
		return -EBADF;
	c = find_call(l, a.id);
	if (!c)
		return -ENOENT;
	if (c->state != NOTIF_SENT)
		return -EINPROGRESS;
	get_file(f);
	fd = install(c->task, f, &a);
	if (fd < 0)
		fput(f);
	c = fd < 0 ? NULL : find_call(l, a.id); /* closing what was there may have slept */
	if (c && c->state == NOTIF_SENT && (a.flags & SECCOMP_ADDFD_FLAG_SEND))
		answer(c, fd, 0, 0);
	return fd;
}

static long listener_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct seccomp_listener *l = f->private_data;

	switch (cmd) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return notify_recv(l, arg, mm);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return notify_send(l, arg, mm);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case K_NOTIF_ID_VALID_WRONG_DIR:
		return notify_id_valid(l, arg, mm);
	case K_NOTIF_SET_FLAGS: /* on which CPU the other one wakes: there is one */
		return arg & ~K_FD_SYNC_WAKE_UP ? -EINVAL : 0;
	default:
		if (IOC_EXTENSIBLE(cmd) == IOC_EXTENSIBLE(SECCOMP_IOCTL_NOTIF_ADDFD))
			return notify_addfd(l, IOC_SIZE(cmd), arg, mm);
		return -EINVAL;
	}
}

static unsigned listener_poll(struct file *f, struct poll_table *pt)
{
	struct seccomp_listener *l = f->private_data;
	const struct seccomp_call *c;
	unsigned mask = l->filter->users ? 0 : EPOLLHUP;

	poll_wait(f, &l->wq, pt);
	list_for_each_entry (c, &l->calls, list) {
		if (c->state == NOTIF_INIT)
			mask |= EPOLLIN | EPOLLRDNORM;
		else if (c->state == NOTIF_SENT)
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	return mask;
}

static const struct file_operations listener_fops = {
	.poll = listener_poll,
	.ioctl = listener_ioctl,
	.llseek = noop_llseek,
};

/* Whoever waits for an answer gets the one that there is without a listener. */
static void listener_free(struct vfs *v, void *object)
{
	struct seccomp_listener *l = object;
	struct seccomp_call *c, *next;

	list_for_each_entry_safe (c, next, &l->calls, list) {
		list_del_init(&c->list);
		if (c->state != NOTIF_REPLIED)
			answer(c, 0, -ENOSYS, 0);
	}
	l->filter->listener = NULL;
	if (!l->filter->users)
		kfree(v->mem, l->filter);
	kfree(v->mem, l);
}

static const struct anon_inode_type listener_type = {
	.name = "seccomp notify",
	.fops = &listener_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.of_root = true,
	.f_mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK,
	.release = listener_free,
};

struct file *seccomp_listener_create(struct machine *m, struct seccomp_filter *filter)
{
	struct seccomp_listener *l = kzalloc(&m->mem, sizeof(*l), GFP_KERNEL);
	struct file *f;

	if (!l)
		return ERR_PTR(-ENOMEM);
	l->vfs = &m->vfs;
	l->filter = filter;
	init_waitqueue_head(&l->wq, &m->sched);
	INIT_LIST_HEAD(&l->calls);
	if (m->vfs.get_random)
		m->vfs.get_random(&m->vfs, &l->next_id, sizeof(l->next_id));
	f = anon_inode_getfile(&m->vfs, &listener_type, l, ANON_INODE_INO, O_RDWR);
	if (IS_ERR(f))
		kfree(&m->mem, l);
	else
		filter->listener = l;
	return f;
}

void seccomp_listener_hangup(struct seccomp_filter *f)
{
	wake_up_all_poll(&f->listener->wq, EPOLLHUP);
}
