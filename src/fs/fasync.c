/* O_ASYNC: from a wake-up to a signal. See fasync.h. */
#include "fs/fasync.h"

#include <signal.h>

#include "base/err.h"
#include "fs/inotify.h"
#include "fs/tty.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

static u32 type_of(const struct file *f)
{
	return f->f_path.dentry ? f->f_path.dentry->mode & S_IFMT : 0;
}

bool file_has_fasync(const struct file *f)
{
	u32 type = type_of(f);

	return type == S_IFIFO || type == S_IFSOCK || inotify_get(f) || file_tty(f);
}

static void send(struct fown_struct *fown, int reason, s64 band)
{
	struct vfs *v = fown->file->vfs;

	if (fown->pid && v->send_sigio)
		v->send_sigio(v, fown, reason, band);
}

/* A wake-up that does not say what for is the other side's going. */
static bool fasync_wake(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	struct fown_struct *fown = container_of(we, struct fasync_entry, wait)->fown;
	const struct file *f = fown->file;
	bool sock = type_of(f) == S_IFSOCK;
	u32 key = wq->key;

	if (!key && sock) {
		send(fown, POLL_HUP, EPOLLHUP | EPOLLERR);
		return false;
	}
	if ((!key || (key & READABLE)) && (f->f_mode & FMODE_READ))
		send(fown, POLL_IN, READABLE);
	if ((!key || (key & WRITABLE)) && (f->f_mode & FMODE_WRITE))
		send(fown, POLL_OUT, WRITABLE);
	return false;
}

struct fasync_poll {
	struct poll_table pt;
	struct fown_struct *fown;
};

static void fasync_queue(struct file *f __unused, struct wait_queue_head *wq, struct poll_table *pt)
{
	struct fown_struct *fown = container_of(pt, struct fasync_poll, pt)->fown;
	struct fasync_entry *e = &fown->entries[fown->nr_entries];

	if (fown->nr_entries == FASYNC_QUEUES)
		return;
	fown->nr_entries++;
	e->fown = fown;
	e->wait = (struct wait_queue_entry){.func = fasync_wake};
	add_wait_queue(wq, &e->wait);
}

struct fown_struct *file_owner(struct file *f)
{
	if (f->f_owner)
		return f->f_owner;
	f->f_owner = kzalloc(f->vfs->mem, sizeof(*f->f_owner), GFP_KERNEL);
	if (f->f_owner)
		f->f_owner->file = f;
	return f->f_owner;
}

static void take_off(struct fown_struct *fown)
{
	while (fown->nr_entries)
		list_del_init(&fown->entries[--fown->nr_entries].wait.entry);
}

int fasync_set(struct file *f, int fd, bool on)
{
	struct fasync_poll poll = {.pt = {.qproc = fasync_queue,
					  .key = READABLE | WRITABLE | EPOLLPRI,
					  .lasting = true}};

	if (!on && f->f_owner)
		take_off(f->f_owner);
	if (!on || !file_has_fasync(f) || !f->f_op->poll)
		return 0;
	poll.fown = file_owner(f);
	if (!poll.fown)
		return -ENOMEM;
	poll.fown->fd = fd;
	if (!poll.fown->nr_entries)
		vfs_poll(f, &poll.pt);
	return poll.pt.error == -ENOMEM ? -ENOMEM : 0;
}

static void no_queue(struct file *f __unused, struct wait_queue_head *wq __unused,
		     struct poll_table *pt __unused)
{
}

/* Whoever polls for good makes a socket of the host's tell of its changes. */
int fasync_want_urgent(struct file *f)
{
	struct poll_table pt = {.qproc = no_queue, .key = EPOLLPRI, .lasting = true};

	if (type_of(f) == S_IFSOCK && f->f_op->poll)
		vfs_poll(f, &pt);
	return pt.error == -ENOMEM ? -ENOMEM : 0;
}

void fasync_urgent(struct file *f)
{
	struct fown_struct *fown = f->f_owner;

	if (!fown || !fown->pid || !f->vfs->send_sigurg)
		return;
	f->vfs->send_sigurg(f->vfs, fown);
	if (fown->nr_entries && fown->signum)
		send(fown, POLL_PRI, EPOLLPRI | EPOLLRDBAND);
}

void fasync_release(struct file *f)
{
	take_off(f->f_owner);
	kfree(f->vfs->mem, f->f_owner);
	f->f_owner = NULL;
}
