/* inotify: the queue, the watches, and the file. See inotify.h. */
#include "fs/inotify.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/radix.h"
#include "fs/anon_inode.h"
#include "fs/hostnotify.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/poll.h"
#include "fs/seq_file.h"
#include "mm/uaccess.h"

#define WD_MAX 0x7fffffff
#define MARK_BITS (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)
#define K_IN_MASK_CREATE 0x10000000U

struct inotify_event_info {
	struct list_head list;
	s32 wd;
	u32 mask, cookie, len; /* len: of the name with its zeros, as the reader gets it */
	char name[];	       /* len bytes */
};

struct inotify_group {
	struct vfs *vfs;
	struct wait_queue_head wait; /* readers, pollers */
	struct list_head events;     /* of inotify_event_info */
	struct list_head marks;	     /* of fsnotify_mark.list, by number ... */
	struct radix_tree wds;	     /* ... and found by it */
	u32 q_len;
	struct inotify_event_info
		*overflow; /* says that events are lost; when not in the queue, self-linked */
	s32 last_wd;	   /* numbers go round ... */
	bool wrapped;	   /* ... and have: one may be in use */
};

/* --- the queue ----------------------------------------------------------------------------------- */

/* Names are padded to whole structs. */
static u32 name_len(const char *name)
{
	u32 unit = sizeof(struct inotify_event);

	return name ? (u32)(strlen(name) / unit + 1) * unit : 0;
}

static bool same_event(const struct inotify_event_info *e, s32 wd, u32 mask, const char *name)
{
	return !(e->mask & IN_IGNORED) && e->mask == mask && e->wd == wd &&
	       e->len == name_len(name) && (!name || !strcmp(e->name, name));
}

static struct inotify_event_info *new_event(struct inotify_group *group, s32 wd, u32 mask,
					    u32 cookie, const char *name)
{
	u32 len = name_len(name);
	struct inotify_event_info *e = kzalloc(group->vfs->mem, sizeof(*e) + len, GFP_KERNEL);

	if (!e)
		return NULL;
	e->wd = wd;
	e->mask = mask;
	e->cookie = cookie;
	e->len = len;
	if (name)
		memcpy(e->name, name, strlen(name));
	list_add_tail(&e->list, &group->events);
	group->q_len++;
	wake_up_poll(&group->wait, EPOLLIN | EPOLLRDNORM);
	return e;
}

/* What there is no room or memory for is lost, which the reader learns. */
static void queue_event(struct inotify_group *group, s32 wd, u32 mask, u32 cookie, const char *name)
{
	if (!list_empty(&group->events) &&
	    same_event(list_last_entry(&group->events, struct inotify_event_info, list), wd, mask,
		       name))
		return;
	if (group->q_len >= (u32)group->vfs->inotify.max_events ||
	    !new_event(group, wd, mask, cookie, name))
		inotify_lost(group);
}

void inotify_lost(struct inotify_group *group)
{
	if (!list_empty(&group->overflow->list))
		return;
	list_add_tail(&group->overflow->list, &group->events);
	group->q_len++;
	wake_up_poll(&group->wait, EPOLLIN | EPOLLRDNORM);
}

static void free_event(struct inotify_group *group, struct inotify_event_info *e)
{
	list_del_init(&e->list);
	group->q_len--;
	if (e != group->overflow)
		kfree(group->vfs->mem, e);
}

/* --- watches ------------------------------------------------------------------------------------- */

static struct radix_node *wds_alloc(void *mem)
{
	return kmalloc(mem, sizeof(struct radix_node), GFP_KERNEL);
}

static void wds_free(void *mem, struct radix_node *node)
{
	kfree(mem, node);
}

static const struct radix_ops wds_ops = {wds_alloc, wds_free};

static void drop_watch(struct fsnotify_mark *mark)
{
	struct inotify_group *group = mark->group;

	radix_erase(&group->wds, mark->wd);
	fsnotify_destroy_mark(group->vfs, mark);
}

/* The reader is told that it is no more. */
static void end_watch(struct fsnotify_mark *mark)
{
	struct inotify_group *group = mark->group;
	s32 wd = mark->wd;

	drop_watch(mark);
	queue_event(group, wd, IN_IGNORED, 0, NULL);
}

void inotify_handle_event(struct fsnotify_mark *mark, u32 mask, u32 cookie, const char *name)
{
	queue_event(mark->group, mark->wd, mask, cookie, name);
	if (mark->mask & IN_ONESHOT)
		end_watch(mark);
}

void inotify_mark_gone(struct fsnotify_mark *mark)
{
	if (mark->mask & IN_DELETE_SELF)
		queue_event(mark->group, mark->wd, IN_DELETE_SELF, 0, NULL);
	end_watch(mark);
}

void inotify_unmounted(struct fsnotify_mark *mark)
{
	u32 dir = S_ISDIR(mark->dentry->mode) ? IN_ISDIR : 0;

	queue_event(mark->group, mark->wd, IN_UNMOUNT | dir, 0, NULL);
	end_watch(mark);
}

static struct fsnotify_mark *find_wd(struct inotify_group *group, s32 wd)
{
	return wd > 0 ? radix_find(&group->wds, wd) : NULL;
}

static s32 next_wd(struct inotify_group *group)
{
	do {
		group->wrapped |= group->last_wd == WD_MAX;
		group->last_wd = group->last_wd == WD_MAX ? 1 : group->last_wd + 1;
	} while (group->wrapped && find_wd(group, group->last_wd));
	return group->last_wd;
}

static int new_watch(struct inotify_group *group, struct dentry *d, u32 mask)
{
	struct vfs *v = group->vfs;
	struct fsnotify_mark *mark = fsnotify_add_mark(v, group, d);
	int err;

	if (IS_ERR(mark))
		return PTR_ERR(mark);
	mark->mask = mask & MARK_BITS;
	mark->wd = next_wd(group);
	list_add_tail(&mark->list, &group->marks);
	err = radix_insert(&group->wds, mark->wd, mark);
	if (err) {
		fsnotify_destroy_mark(v, mark);
		return err;
	}
	hostnotify_watch(v, mark);
	return mark->wd;
}

int inotify_update_watch(struct inotify_group *group, struct dentry *d, u32 mask)
{
	struct fsnotify_mark *mark = fsnotify_find_mark(group, d);

	if (!mark)
		return new_watch(group, d, mask);
	if (mask & K_IN_MASK_CREATE)
		return -EEXIST;
	mark->mask = (mask & IN_MASK_ADD ? mark->mask : 0) | (mask & MARK_BITS);
	group->vfs->in->notify_epoch++;
	hostnotify_watch(group->vfs, mark);
	return mark->wd;
}

int inotify_remove_watch(struct inotify_group *group, s32 wd)
{
	struct fsnotify_mark *mark = find_wd(group, wd);

	if (!mark)
		return -EINVAL;
	end_watch(mark);
	return 0;
}

/* --- the file ------------------------------------------------------------------------------------ */

/* The first event to the reader. Bytes; 0: others took it while the copy slept; -EINVAL: it does not fit; -EFAULT. */
static long read_event(struct inotify_group *group, struct iov_iter *to)
{
	struct inotify_event_info *e =
		list_first_entry(&group->events, struct inotify_event_info, list);
	struct inotify_event out = {
		.wd = e->wd, .mask = e->mask, .cookie = e->cookie, .len = e->len};
	struct iov_iter start = *to;
	u64 n = sizeof(out) + e->len, got;

	if (n > to->count)
		return -EINVAL;
	iov_iter_nosleep_begin(to);
	got = copy_to_iter(&out, sizeof(out), to);
	if (got == sizeof(out))
		got += copy_to_iter(e->name, e->len, to);
	if (unlikely(iov_iter_nosleep_end(to, &start, n, true)))
		return 0;
	free_event(group, e);
	return got < n ? -EFAULT : (long)n;
}

static long inotify_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct inotify_group *group = f->private_data;
	long done = 0, n;

	hostnotify_poll(group->vfs);
	for (;;) {
		if (list_empty(&group->events)) {
			if (done)
				return done;
			if (f->f_flags & O_NONBLOCK)
				return -EAGAIN;
			n = wait_event_interruptible(&group->wait, !list_empty(&group->events));
			if (n)
				return n;
		}
		n = read_event(group, to);
		if (n < 0) /* what does not fit waits for the next read */
			return done && n != -EFAULT ? done : n;
		done += n;
	}
}

static unsigned inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify_group *group = f->private_data;

	poll_wait(f, &group->wait, pt);
	hostnotify_poll(group->vfs);
	return list_empty(&group->events) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static long inotify_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct inotify_group *group = f->private_data;
	const struct inotify_event_info *e;
	s32 bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	list_for_each_entry (e, &group->events, list)
		bytes += (s32)(sizeof(struct inotify_event) + e->len);
	return put_user(mm, bytes, arg);
}

/* Without the file handle that Linux adds where the file system has one. */
static void inotify_show_fdinfo(struct file *f, struct seq *out)
{
	struct inotify_group *group = f->private_data;
	const struct fsnotify_mark *mark;

	list_for_each_entry (mark, &group->marks, list)
		seq_printf(out, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 \n", mark->wd,
			   mark->ino, major(mark->dev) << 20 | minor(mark->dev), mark->mask);
}

static const struct file_operations inotify_fops = {
	.read_iter = inotify_read_iter,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.llseek = noop_llseek,
	.show_fdinfo = inotify_show_fdinfo,
};

static void inotify_free(struct vfs *v, void *object)
{
	struct inotify_group *group = object;

	while (!list_empty(&group->marks))
		drop_watch(list_first_entry(&group->marks, struct fsnotify_mark, list));
	while (!list_empty(&group->events))
		free_event(group,
			   list_first_entry(&group->events, struct inotify_event_info, list));
	if (!--v->in->inotify_groups)
		hostnotify_stop(v);
	kfree(v->mem, group->overflow);
	kfree(v->mem, group);
}

static const struct anon_inode_type inotify_type = {
	.name = "inotify",
	.fops = &inotify_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.of_root = true,
	.f_mode = FMODE_READ | FMODE_LSEEK | FMODE_NO_PREAD | FMODE_NO_SPLICE,
	.release = inotify_free,
};

struct inotify_group *inotify_get(const struct file *f)
{
	return anon_inode_is(f, &inotify_type) ? f->private_data : NULL;
}

struct file *inotify_create(struct vfs *v, int flags)
{
	struct inotify_group *group;
	struct file *f;

	if (v->in->inotify_groups >= (u32)v->inotify.max_groups)
		return ERR_PTR(-EMFILE);
	group = kzalloc(v->mem, sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->overflow = kzalloc(v->mem, sizeof(*group->overflow), GFP_KERNEL);
	if (!group->overflow) {
		kfree(v->mem, group);
		return ERR_PTR(-ENOMEM);
	}
	*group->overflow = (struct inotify_event_info){.wd = -1, .mask = IN_Q_OVERFLOW};
	INIT_LIST_HEAD(&group->overflow->list);
	group->vfs = v;
	init_waitqueue_head(&group->wait, v->events->sched);
	INIT_LIST_HEAD(&group->events);
	INIT_LIST_HEAD(&group->marks);
	radix_init(&group->wds, &wds_ops, v->mem);
	f = anon_inode_getfile(v, &inotify_type, group, ANON_INODE_INO,
			       O_RDONLY | (flags & IN_NONBLOCK));
	if (!IS_ERR(f)) {
		v->in->inotify_groups++;
		return f;
	}
	kfree(v->mem, group->overflow);
	kfree(v->mem, group);
	return f;
}
