/* Marks by inode, and whose they are when something happens. See fsnotify.h. */
#include "fs/fsnotify.h"

#include <string.h>

#include "base/err.h"
#include "fs/inode.h"
#include "fs/inotify.h"
#include "fs/internal.h"
#include "fs/namei.h"

/* Of a machine's memory one may use as much for watches, as Linux counts it: inotify_user_setup(). */
#define WATCH_COST 1312UL
#define MIN_WATCHES 8192UL
#define MAX_WATCHES 1048576UL
#define MAX_QUEUED_EVENTS 16384
#define MAX_USER_INSTANCES 128

#define DELETED " (deleted)"
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)

static struct list_head *bucket(struct vfs *v, u64 dev, u64 ino)
{
	return &v->in->marks[(dev * 31 + ino) % NOTIFY_HASH_SIZE];
}

static bool is_on(const struct fsnotify_mark *mark, u64 dev, u64 ino)
{
	return mark->dev == dev && mark->ino == ino;
}

/* --- marks --------------------------------------------------------------------------------------- */

void fsnotify_init(struct vfs *v, u64 nofile)
{
	u64 watches = totalram_pages(v->mem) / 100 * PAGE_SIZE / WATCH_COST;

	for (u32 i = 0; i < NOTIFY_HASH_SIZE; i++)
		INIT_LIST_HEAD(&v->in->marks[i]);
	v->in->notify_epoch = 1;
	v->in->max_host_marks = nofile / 2; /* the other half is for files that are open */
	v->inotify.max_events = MAX_QUEUED_EVENTS;
	v->inotify.max_groups = MAX_USER_INSTANCES;
	v->inotify.max_marks = (int)max(MIN_WATCHES, min(watches, MAX_WATCHES));
}

struct fsnotify_mark *fsnotify_find_mark(struct inotify_group *group, const struct dentry *d)
{
	struct fsnotify_mark *mark;

	list_for_each_entry (mark, bucket(d->vfs, d->dev, d->ino), hash)
		if (is_on(mark, d->dev, d->ino) && mark->group == group)
			return mark;
	return NULL;
}

struct fsnotify_mark *fsnotify_add_mark(struct vfs *v, struct inotify_group *group,
					struct dentry *d)
{
	bool of_host = d->host_fd >= 0;
	struct fsnotify_mark *mark;

	if (v->nr_marks >= (u32)v->inotify.max_marks ||
	    (of_host && v->in->nr_host_marks >= v->in->max_host_marks))
		return ERR_PTR(-ENOSPC);
	mark = kzalloc(v->mem, sizeof(*mark), GFP_KERNEL);
	if (!mark)
		return ERR_PTR(-ENOMEM);
	dget(d);
	mark->group = group;
	mark->dentry = d;
	mark->dev = d->dev;
	mark->ino = d->ino;
	list_add_tail(&mark->hash, bucket(v, d->dev, d->ino));
	v->nr_marks++;
	v->in->nr_host_marks += of_host;
	v->in->notify_epoch++;
	return mark;
}

void fsnotify_destroy_mark(struct vfs *v, struct fsnotify_mark *mark)
{
	list_del(&mark->hash);
	list_del(&mark->list);
	v->in->nr_host_marks -= mark->dentry->host_fd >= 0;
	dput(mark->dentry);
	kfree(v->mem, mark);
	v->nr_marks--;
}

/* --- to whom it goes ----------------------------------------------------------------------------- */

/* @deleted: what @name stood for has no name any more. True: somebody watches that inode at all. */
static bool send_to(struct vfs *v, u64 dev, u64 ino, u32 mask, u32 cookie, const char *name,
		    bool deleted)
{
	struct fsnotify_mark *mark, *next;
	bool watched = false;

	list_for_each_entry_safe (mark, next, bucket(v, dev, ino), hash) {
		if (!is_on(mark, dev, ino))
			continue;
		watched = true;
		if (!(mark->mask & mask & IN_ALL_EVENTS))
			continue;
		if (!deleted || !(mark->mask & IN_EXCL_UNLINK))
			inotify_handle_event(mark, mask, cookie, name);
	}
	return watched;
}

void fsnotify_inode(struct dentry *d, u32 mask)
{
	u32 dir = S_ISDIR(d->mode) && !(mask & SELF_EVENTS) ? IN_ISDIR : 0;

	if (fsnotify_on(d->vfs))
		send_to(d->vfs, d->dev, d->ino, mask | dir, 0, NULL, false);
}

/* What happened could not be found out. */
static void lost(struct vfs *v)
{
	struct fsnotify_mark *mark;

	for (u32 i = 0; i < NOTIFY_HASH_SIZE; i++)
		list_for_each_entry (mark, &v->in->marks[i], hash)
			inotify_lost(mark->group);
}

/* Takes off @text, of @len bytes, that it has no name any more. */
static bool cut_deleted(char *text, long len)
{
	if (len <= (long)sizeof(DELETED) || strcmp(text + len - (sizeof(DELETED) - 1), DELETED))
		return false;
	text[len - (sizeof(DELETED) - 1)] = '\0';
	return true;
}

/* The marks on the directory that the path in @text ends in, as seen from @root. True: there are some. */
static bool send_to_parent(struct vfs *v, const struct path *root, char *text, u32 mask,
			   bool deleted)
{
	struct fs_struct fs = {.root = *root, .pwd = *root};
	struct path dir;
	bool watched;
	char *name;
	int err;

	name = strrchr(text, '/');
	if (!name || !name[1])
		return false;
	*name++ = '\0';
	err = path_lookup(&fs, NULL, *text ? text : "/", LOOKUP_DIRECTORY, &dir, NULL);
	if (err == -ENOMEM)
		lost(v);
	if (err)
		return false;
	watched = send_to(v, dir.dentry->dev, dir.dentry->ino, mask, 0, name, deleted);
	path_put(&dir);
	return watched;
}

/* Reading and writing a device, fifo or socket changes nothing that a directory's reader may see. See: Linux,
 * __fsnotify_parent(). */
static u32 unseen_above(const struct dentry *d)
{
	return S_ISREG(d->mode) || S_ISDIR(d->mode) ? 0 : IN_ACCESS | IN_MODIFY;
}

/* True: somebody watches it, or its directory. */
static bool send_path(const struct path *p, u32 mask)
{
	struct vfs *v = p->dentry->vfs;
	struct mount *top = p->mnt->detached ? p->mnt : v->root_mnt;
	struct path root = {top, top->root};
	char *text = kmalloc(v->mem, PATH_MAX, GFP_KERNEL);
	bool watched = false, deleted = false, outside;
	long len;

	if (S_ISDIR(p->dentry->mode))
		mask |= IN_ISDIR;
	len = text ? d_path_from(p, &root, text, PATH_MAX, &outside) : -ENOMEM;
	if (len == -ENOMEM)
		lost(v);
	if (len > 0 && *text == '/') {
		/* Linux asks where there is a path to what changed: an inode's attributes have none. */
		deleted = cut_deleted(text, len) && !(mask & IN_ATTRIB);
		watched = send_to_parent(v, &root, text, mask & ~unseen_above(p->dentry), deleted);
	}
	kfree(v->mem, text);
	return send_to(v, p->dentry->dev, p->dentry->ino, mask, 0, NULL, deleted) || watched;
}

void fsnotify_path(const struct path *p, u32 mask)
{
	if (p->dentry && p->mnt && fsnotify_on(p->dentry->vfs))
		send_path(p, mask);
}

/* What nobody watched is not looked at again before a mark or a name has changed. */
void fsnotify_file(struct file *f, u32 mask)
{
	u32 epoch = f->vfs->in->notify_epoch;

	if (!fsnotify_on(f->vfs) || !f->f_path.mnt || (f->f_mode & FMODE_PATH) ||
	    f->f_notify == epoch)
		return;
	if (!send_path(&f->f_path, mask))
		f->f_notify = epoch;
}

void fsnotify_opened(struct file *f, bool created)
{
	const struct dentry *d = f->f_path.dentry;

	fsnotify_file(f, IN_OPEN);
	if (!created && d && S_ISREG(d->mode)) /* O_TRUNC, be it with O_RDONLY */
		fsnotify_file(f, IN_MODIFY);
}

void fsnotify_create(struct dentry *dir, const char *name, bool isdir)
{
	struct vfs *v = dir->vfs;

	v->in->notify_created = true;
	if (fsnotify_on(v))
		send_to(v, dir->dev, dir->ino, IN_CREATE | (isdir ? IN_ISDIR : 0), 0, name, false);
}

/* --- names that go ------------------------------------------------------------------------------- */

void fsnotify_begin(struct fsnotify_victim *victim, struct dentry *dir, const char *name)
{
	victim->d = NULL;
	if (!fsnotify_on(dir->vfs) || !dir->d_op->lookup)
		return;
	victim->d = dir->d_op->lookup(dir, name);
	if (!IS_ERR(victim->d))
		return;
	if (PTR_ERR(victim->d) == -ENOMEM)
		lost(dir->vfs);
	victim->d = NULL;
}

static bool has_links(struct dentry *d)
{
	struct stat st;

	return d->d_op->getattr && !d->d_op->getattr(d, &st, NULL) && st.st_nlink;
}

/* Has anybody but marks a reference to @d? Dentries of the host's are made anew for each look-up. */
static bool dentry_in_use(struct dentry *d)
{
	struct fsnotify_mark *mark;
	u32 refs = 0;

	list_for_each_entry (mark, bucket(d->vfs, d->dev, d->ino), hash)
		refs += mark->dentry == d;
	return d->refcount > refs;
}

void fsnotify_closed(struct vfs *v, u64 dev, u64 ino)
{
	struct fsnotify_mark *mark, *next;
	struct inode *inode = inode_find(v, dev, ino);

	if (inode && inode->refcount)
		return;
	list_for_each_entry_safe (mark, next, bucket(v, dev, ino), hash)
		if (is_on(mark, dev, ino) && !has_links(mark->dentry) &&
		    !dentry_in_use(mark->dentry))
			inotify_mark_gone(mark);
}

void fsnotify_unmount(struct vfs *v, u64 dev)
{
	struct fsnotify_mark *mark, *next;

	for (u32 i = 0; i < NOTIFY_HASH_SIZE; i++)
		list_for_each_entry_safe (mark, next, &v->in->marks[i], hash)
			if (mark->dev == dev)
				inotify_unmounted(mark);
}

/* One name less for @d. */
static void lost_name(struct dentry *d)
{
	if (!S_ISDIR(d->mode))
		fsnotify_inode(d, IN_ATTRIB);
}

void fsnotify_unlinked(struct fsnotify_victim *victim, struct dentry *dir, const char *name,
		       int err)
{
	struct dentry *d = victim->d;
	struct vfs *v = dir->vfs;
	u64 dev, ino;
	u32 isdir;

	if (!d)
		return;
	isdir = S_ISDIR(d->mode) ? IN_ISDIR : 0;
	dev = d->dev;
	ino = d->ino;
	v->in->notify_epoch++;
	if (!err)
		lost_name(d);
	dput(d);
	if (err)
		return;
	fsnotify_closed(v, dev, ino);
	send_to(v, dir->dev, dir->ino, IN_DELETE | isdir, 0, name, false);
}

/* One inode has another name now. */
static void moved(struct dentry *d, struct dentry *odir, const char *oname, struct dentry *ndir,
		  const char *nname)
{
	u32 isdir = S_ISDIR(d->mode) ? IN_ISDIR : 0, cookie = ++d->vfs->in->notify_cookie;

	send_to(d->vfs, odir->dev, odir->ino, IN_MOVED_FROM | isdir, cookie, oname, false);
	send_to(d->vfs, ndir->dev, ndir->ino, IN_MOVED_TO | isdir, cookie, nname, false);
}

void fsnotify_moved(struct fsnotify_victim *from, struct dentry *odir, const char *oname,
		    struct fsnotify_victim *to, struct dentry *ndir, const char *nname,
		    bool exchange, int err)
{
	bool same = from->d && to->d && from->d->dev == to->d->dev && from->d->ino == to->d->ino;
	struct vfs *v = odir->vfs;
	u64 dev = to->d ? to->d->dev : 0, ino = to->d ? to->d->ino : 0;

	if (!err && from->d && !same) {
		odir->vfs->in->notify_epoch++;
		moved(from->d, odir, oname, ndir, nname);
		if (to->d && !exchange)
			fsnotify_inode(to->d, IN_ATTRIB); /* a directory, too */
		fsnotify_inode(from->d, IN_MOVE_SELF);
		if (to->d && exchange) {
			moved(to->d, ndir, nname, odir, oname);
			fsnotify_inode(to->d, IN_MOVE_SELF);
		}
	}
	if (from->d)
		dput(from->d);
	if (to->d)
		dput(to->d);
	if (ino && !err && !same)
		fsnotify_closed(v, dev, ino);
}
