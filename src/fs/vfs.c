/* Mounts, dentries and the paths they make. See vfs.h. */
#include "fs/vfs.h"

#include <string.h>
#include <sys/mount.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/host_fs.h"
#include "fs/aio.h"
#include "fs/eventpoll_internal.h"
#include "fs/fsnotify.h"
#include "fs/hostfs.h"
#include "fs/inode.h"
#include "fs/internal.h"
#include "fs/ipc_shm.h"
#include "fs/lease.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "fs/socket.h"

#define HOST_PROC_MAGIC 0x9fa0
#define HOST_SYSFS_MAGIC 0x62656572
#define MAX_UNUSED_INODES 1024U

static void mount_end(struct mount *m);

/* --- dentries ------------------------------------------------------------------------------ */

struct dentry *dentry_alloc(struct vfs *v, const struct dentry_operations *ops, u32 mode)
{
	struct dentry *d = open_zalloc(v, v->dentry_cache, &v->in->spare.dentry);

	if (!d)
		return NULL;
	d->refcount = 1;
	d->d_op = ops;
	d->vfs = v;
	d->host_fd = -1;
	d->mode = mode;
	return d;
}

void dget(struct dentry *d)
{
	d->refcount++;
}

void dput(struct dentry *d)
{
	if (!d || --d->refcount)
		return;
	if (d->d_op->release)
		d->d_op->release(d);
	kmem_cache_free(d->vfs->dentry_cache, d);
}

void mntget(struct mount *m)
{
	if (m)
		m->nr_paths++;
}

static void mntput(struct mount *m)
{
	if (!m)
		return;
	VM_BUG_ON(!m->nr_paths);
	m->expired = false;
	if (!--m->nr_paths && unlikely(m->detached))
		mount_end(m);
}

void path_get(const struct path *p)
{
	dget(p->dentry);
	mntget(p->mnt);
}

void path_put(struct path *p)
{
	if (!p->dentry)
		return;
	dput(p->dentry);
	p->dentry = NULL;
	mntput(p->mnt);
}

bool d_same(const struct dentry *a, const struct dentry *b)
{
	return a == b || (a->d_op == b->d_op && a->dev == b->dev && a->ino == b->ino &&
			  a->fs_private == b->fs_private && a->fs_id == b->fs_id);
}

bool path_same(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && d_same(a->dentry, b->dentry);
}

/* --- mounts -------------------------------------------------------------------------------- */

static struct mount *mount_of_type(struct vfs *v, const char *name)
{
	struct mount *m;

	list_for_each_entry (m, &v->mounts, list)
		if (!strcmp(m->type->name, name))
			return m;
	return NULL;
}

/* The host's own /proc and /sys may be mounted in other places, too (a chroot's): ours covers
 * them all. */
static struct mount *hidden_by(const struct path *dir, const struct dentry *child)
{
	const char *type = NULL;
	struct statfs sfs;
	struct mount *m;

	if (child->host_fd < 0 || child->dev == dir->dentry->dev || !S_ISDIR(child->mode) ||
	    host_fstatfs(child->host_fd, &sfs))
		return NULL;
	if (sfs.f_type == HOST_PROC_MAGIC)
		type = "proc";
	else if (sfs.f_type == HOST_SYSFS_MAGIC)
		type = "sysfs";
	if (!type)
		return NULL;
	m = mount_of_type(dir->dentry->vfs, type);
	return m ? m : ERR_PTR(-EACCES);
}

struct mount *mount_covering(const struct path *dir, const char *name, const struct dentry *child)
{
	struct mount *m;

	/* The last one mounted lies on top. */
	list_for_each_entry_reverse (m, &dir->dentry->vfs->mounts, list) {
		if (!m->parent)
			continue;
		if (m->parent == dir->mnt && !strcmp(m->name, name) &&
		    d_same(m->above, dir->dentry))
			return m;
		/* By another name: a bind mount of the host's, or through a link to it. */
		if (child && m->mountpoint && d_same(m->mountpoint, child))
			return m;
	}
	return child ? hidden_by(dir, child) : NULL;
}

bool is_mountpoint(const struct path *dir, const char *name)
{
	return !IS_ERR_OR_NULL(mount_covering(dir, name, NULL));
}

/* It hangs nowhere any more. */
static void mount_detach(struct mount *m)
{
	struct path above = {m->parent, m->above};

	dput(m->mountpoint);
	m->mountpoint = m->above = NULL;
	m->parent = NULL;
	path_put(&above);
}

static void mount_free(struct mount *m)
{
	struct vfs *v = m->root->vfs;

	list_del(&m->list);
	mount_detach(m);
	VM_BUG_ON(m->nr_paths);
	if (m->type->kill)
		m->type->kill(m->root);
	dput(m->root);
	kfree(v->mem, m);
}

static bool mount_of_dev(struct vfs *v, u64 dev)
{
	const struct mount *m;

	list_for_each_entry (m, &v->mounts, list)
		if (m->root->dev == dev)
			return true;
	list_for_each_entry (m, &v->in->detached, list)
		if (m->root->dev == dev)
			return true;
	return false;
}

/* Nobody uses it any more. */
static void mount_end(struct mount *m)
{
	struct vfs *v = m->root->vfs;

	list_del_init(&m->list);
	/* proc, sysfs and mqueue are one each, wherever they are mounted. */
	if (!mount_of_dev(v, m->root->dev))
		fsnotify_unmount(v, m->root->dev);
	mount_free(m);
}

static void copy_text(char *to, const char *from, u64 size)
{
	u64 len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* Where @m hangs: the directory above, its name there, and what it covers, if that exists. */
static int mount_attach(struct vfs *v, struct mount *m, const char *target)
{
	struct fs_struct fs = {.root = {v->root_mnt, v->root_mnt->root}};
	struct path at, dir;
	int err;

	fs.pwd = fs.root;
	err = path_lookup(&fs, NULL, target, LOOKUP_PARENT, &dir, m->name);
	if (err)
		return err;
	if (!m->name[0]) {
		path_put(&dir);
		return -EBUSY;
	}
	m->parent = dir.mnt;
	m->above = dir.dentry; /* the references go with it */
	if (!path_lookup(&fs, NULL, target, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at, NULL)) {
		m->mountpoint = at.dentry;
		m->host_dev = at.dentry->dev;
		m->host_ino = at.dentry->ino;
		dget(at.dentry);
		path_put(&at);
	}
	return 0;
}

int vfs_mount(struct vfs *v, const struct file_system_type *type, const char *source,
	      const char *target, const char *options, void *arg)
{
	struct mount *m = kzalloc(v->mem, sizeof(*m), GFP_KERNEL);
	int err;

	if (!m)
		return -ENOMEM;
	m->type = type;
	copy_text(m->source, source, sizeof(m->source));
	copy_text(m->target, target, sizeof(m->target));
	copy_text(m->options, options, sizeof(m->options));
	m->nodev = strstr(options, "nodev");
	m->root = type->mount_root(v, arg);
	if (IS_ERR(m->root)) {
		err = PTR_ERR(m->root);
		kfree(v->mem, m);
		return err;
	}
	INIT_LIST_HEAD(&m->list);
	if (v->root_mnt) {
		err = mount_attach(v, m, target);
		if (err) {
			mount_free(m);
			return err;
		}
	} else {
		v->root_mnt = m;
	}
	list_add_tail(&m->list, &v->mounts);
	return 0;
}

/* --- mount(2), umount2(2) -------------------------------------------------------------------- */

int vfs_mount_at(struct vfs *v, const char *type, const char *source, const struct path *at,
		 const char *options, void *arg)
{
	static const char *const known[] = {"tmpfs", "proc", "sysfs", "mqueue"};
	const struct path root = {v->root_mnt, v->root_mnt->root};
	const struct mount *like = mount_of_type(v, type);
	const struct file_system_type *fst = like ? like->type : &mqueue_fs_type;
	bool outside, ours = false;
	char *target;
	int err;
	long len;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		ours |= !strcmp(type, known[i]);
	if (!ours || strcmp(fst->name, type))
		return -ENODEV;
	if (at->mnt->detached)
		return -ENOENT; /* do_lock_mount() */
	if (!d_is_dir(at->dentry))
		return -ENOTDIR;
	target = kmalloc(v->mem, PATH_MAX, GFP_KERNEL);
	if (!target)
		return -ENOMEM;
	len = d_path_from(at, &root, target, PATH_MAX, &outside);
	err = len < 0 ? (int)len : vfs_mount(v, fst, source, target, options, arg);
	if (!err)
		list_last_entry(&v->mounts, struct mount, list)->guests = true;
	kfree(v->mem, target);
	return err;
}

/* Detached, but hanging where it was: the last one. */
static struct mount *last_hanging(struct vfs *v)
{
	struct mount *m;

	list_for_each_entry_reverse (m, &v->in->detached, list)
		if (m->parent)
			return m;
	return NULL;
}

/* @m goes out of sight, with all that is mounted below it: a child comes behind its parent in the list. Each of them
 * hangs alone from now on, and whoever nobody uses ends. See: Linux, umount_tree(), disconnect_mount(). */
static void detach_tree(struct mount *m)
{
	struct vfs *v = m->root->vfs;
	struct mount *at, *next;

	at = list_entry(m->list.next, struct mount, list);
	list_move_tail(&m->list, &v->in->detached);
	m->detached = true;
	for (; &at->list != &v->mounts; at = next) {
		next = list_entry(at->list.next, struct mount, list);
		if (at->parent && at->parent->detached) {
			list_move_tail(&at->list, &v->in->detached);
			at->detached = true;
		}
	}
	while ((m = last_hanging(v))) {
		mntget(m); /* else its parent's end might be in the midst of its own */
		mount_detach(m);
		mntput(m);
	}
}

int vfs_umount(struct mount *m, u64 flags)
{
	bool first = !m->expired;

	if (!m->guests || m->detached)
		return -EINVAL;
	if (flags & MNT_DETACH) {
		detach_tree(m);
		return 0;
	}
	if (m->nr_paths)
		return -EBUSY;
	if (flags & MNT_EXPIRE) {
		m->expired = true;
		if (first)
			return -EAGAIN;
	}
	mount_end(m);
	return 0;
}

unsigned mount_id(const struct vfs *v, const struct mount *m)
{
	const struct mount *other;
	unsigned id = FIRST_MOUNT_ID;

	list_for_each_entry (other, &v->mounts, list) {
		if (other == m)
			return id;
		id++;
	}
	return 0;
}

u64 mount_id_unique(const struct vfs *v, const struct mount *m)
{
	return BIT(31) + mount_id(v, m); /* as Linux, above all of the others */
}

/* --- boot ---------------------------------------------------------------------------------- */

static struct dentry *hostfs_mount_root(struct vfs *v, void *arg)
{
	int fd = host_open(arg, O_PATH | O_DIRECTORY, 0);

	return fd < 0 ? ERR_PTR(fd) : hostfs_dentry(v, fd);
}

static const struct file_system_type hostfs_type = {
	.name = "hostfs",
	.mount_root = hostfs_mount_root,
};

static int make_caches(struct vfs *v)
{
	const struct {
		struct kmem_cache **cache;
		const char *name;
		unsigned size;
	} rows[] = {
		{&v->dentry_cache, "dentry", sizeof(struct dentry)},
		{&v->file_cache, "filp", sizeof(struct file)},
		{&v->inode_cache, "inode_cache", sizeof(struct inode)},
		{&v->epi_cache, "eventpoll_epi", sizeof(struct epitem)},
		{&v->pwq_cache, "eventpoll_pwq", sizeof(struct eppoll_entry)},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kmem_cache *c =
			kmem_cache_create(v->mem, rows[i].name, rows[i].size, 0, 0, NULL);

		if (IS_ERR(c))
			return PTR_ERR(c);
		*rows[i].cache = c;
	}
	return 0;
}

static int make_internal(struct vfs *v)
{
	struct vfs_internal *in = kzalloc(v->mem, sizeof(*in), GFP_KERNEL);
	u64 nofile = host_raise_nofile(), i;

	if (!in)
		return -ENOMEM;
	v->in = in;
	in->flush_nap = FLUSH_NAP_NS;
	in->flush_naps = FLUSH_NAPS;
	for (i = 0; i < INODE_HASH_SIZE; i++)
		INIT_LIST_HEAD(&in->inode_hash[i]);
	INIT_LIST_HEAD(&in->inode_lru);
	fsnotify_init(v, nofile);
	v->epoll_max_watches = eventpoll_max_watches(v);
	v->aio_max_nr = AIO_MAX_NR;
	INIT_LIST_HEAD(&in->detached);
	INIT_LIST_HEAD(&in->fifos);
	lease_init(v);
	INIT_LIST_HEAD(&in->lock_contexts);
	INIT_LIST_HEAD(&in->lock_waiters);
	INIT_LIST_HEAD(&in->locks);
	INIT_LIST_HEAD(&in->host_ttys);
	ipc_init_ids(&in->shm.ids);
	in->shm.limits = (struct shm_limits)SHM_LIMITS_DEFAULT;
	INIT_LIST_HEAD(&in->mqueue.names);
	INIT_LIST_HEAD(&in->mqueue.all);
	in->mqueue.limits = (struct mqueue_limits)MQUEUE_LIMITS_DEFAULT;
	ipc_init_ids(&in->msg.ids);
	in->msg.limits = (struct msg_limits)MSG_LIMITS_DEFAULT;
	ipc_init_ids(&in->sem.ids);
	in->sem.limits = (struct sem_limits)SEM_LIMITS_DEFAULT;
	in->max_unused = min(nofile / 4, (u64)MAX_UNUSED_INODES);
	in->root_path = kzalloc(v->mem, PATH_MAX, GFP_KERNEL);
	return in->root_path ? 0 : -ENOMEM;
}

/* What the host puts before the guest's paths: nothing, unless there is a --root. */
static void learn_root_path(struct vfs *v)
{
	struct vfs_internal *in = v->in;
	long len = host_fd_path(v->root_mnt->root->host_fd, in->root_path, PATH_MAX - 1);

	if (len < 0 || (len == 1 && in->root_path[0] == '/'))
		len = 0;
	in->root_path[len] = '\0';
	in->root_len = len;
}

int vfs_init(struct vfs *v, struct memory *mem, struct event_loop *events, const char *root)
{
	int err;

	memset(v, 0, sizeof(*v));
	v->mem = mem;
	v->events = events;
	INIT_LIST_HEAD(&v->mounts);
	INIT_LIST_HEAD(&v->inodes);
	file_register_hooks(mem);
	err = make_caches(v);
	if (!err)
		err = make_internal(v);
	if (!err)
		err = vfs_mount(v, &hostfs_type, "host", "/", "rw,relatime", (void *)(root ?: "/"));
	if (!err)
		learn_root_path(v);
	return err; /* /proc and /sys are proc/procfs's */
}

void vfs_set_read_only(struct vfs *v)
{
	v->read_only = true;
	copy_text(v->root_mnt->options, "ro,relatime", sizeof(v->root_mnt->options));
}

int mnt_want_write(const struct path *p)
{
	const struct vfs *v = p->dentry->vfs;

	return v->read_only && p->mnt == v->root_mnt ? -EROFS : 0;
}

void vfs_destroy(struct vfs *v)
{
	unix_destroy(v);
	if (v->in) {
		mqueue_destroy_all(v);
		msg_destroy_all(v);
		sem_destroy_all(v);
		shm_destroy_all(v);
	}
	if (v->in && v->in->root_path)
		inodes_destroy(v);
	while (v->in && !list_empty(&v->in->detached))
		mount_free(list_last_entry(&v->in->detached, struct mount, list));
	while (!list_empty(&v->mounts))
		mount_free(list_last_entry(&v->mounts, struct mount, list));
	v->root_mnt = NULL;
	if (v->in) {
		open_free_spare(v);
		kfree(v->mem, v->in->root_path);
		kfree(v->mem, v->in);
		v->in = NULL;
	}
}

bool inside_root(struct vfs *v, const struct dentry *d)
{
	struct vfs_internal *in = v->in;
	bool inside = false;
	char *buf;
	long len;

	if (!in->root_len)
		return true;
	buf = kmalloc(v->mem, PATH_MAX, GFP_KERNEL);
	if (!buf)
		return false;
	len = host_fd_path(d->host_fd, buf, PATH_MAX - 1);
	if (len >= (long)in->root_len) {
		buf[len] = '\0';
		inside = !memcmp(buf, in->root_path, in->root_len) &&
			 (buf[in->root_len] == '/' || !buf[in->root_len]);
	}
	kfree(v->mem, buf);
	return inside;
}

/* Is @d of a file system of the host's that a mount of ours lies over? */
static bool is_covered(struct vfs *v, const struct dentry *d)
{
	const struct mount *m;

	list_for_each_entry (m, &v->mounts, list)
		if (m->mountpoint && m->mountpoint->dev != m->above->dev &&
		    m->mountpoint->dev == d->dev)
			return true;
	return false;
}

int vfs_start_paths(struct vfs *v, struct path *root, struct path *pwd)
{
	struct dentry *d = NULL;
	struct statfs sfs;
	int fd;

	*root = (struct path){v->root_mnt, v->root_mnt->root};
	*pwd = *root;
	path_get(root);
	fd = host_open(".", O_PATH | O_DIRECTORY, 0);
	if (fd >= 0)
		d = hostfs_dentry(v, fd);
	if (!IS_ERR_OR_NULL(d)) {
		bool hidden = !host_fstatfs(d->host_fd, &sfs) &&
			      (sfs.f_type == HOST_PROC_MAGIC || sfs.f_type == HOST_SYSFS_MAGIC);

		hidden |= is_covered(v, d);
		if (!hidden && inside_root(v, d))
			pwd->dentry = d;
		else
			dput(d);
	}
	if (pwd->dentry == root->dentry)
		path_get(pwd);
	else
		mntget(pwd->mnt);
	return 0;
}

/* --- names --------------------------------------------------------------------------------- */

static long host_path(struct vfs *v, const struct dentry *d, char *buf, u64 size)
{
	struct vfs_internal *in = v->in;
	long len = host_fd_path(d->host_fd, buf, size);

	if (len < 0)
		return len;
	if ((u64)len >= size)
		return -ENAMETOOLONG;
	buf[len] = '\0';
	if (in->root_len && !strncmp(buf, in->root_path, in->root_len) &&
	    (buf[in->root_len] == '/' || !buf[in->root_len])) {
		len -= in->root_len;
		memmove(buf, buf + in->root_len, len + 1);
		if (!len) {
			memcpy(buf, "/", 2);
			len = 1;
		}
	}
	return len;
}

/* The path from the machine's root. */
static long absolute_path(const struct path *p, char *buf, u64 size)
{
	struct dentry *d = p->dentry;
	u64 head;
	long len;

	if (size < 2)
		return -ENAMETOOLONG;
	if (dentry_is_hostfs(d))
		return host_path(d->vfs, d, buf, size);
	if (!d->d_op->path)
		return -ENOENT;
	head = p->mnt && p->mnt->parent ? strlen(p->mnt->target) : 0;
	if (head + 2 > size)
		return -ENAMETOOLONG;
	if (head)
		memcpy(buf, p->mnt->target, head);
	len = d->d_op->path(d, buf + head, size - head);
	if (len < 0)
		return len;
	if (head && len == 1 && buf[head] == '/')
		len = 0; /* the root of a mount has no slash of its own */
	if (head && len && buf[head] != '/') {
		memmove(buf, buf + head, len); /* pipe:[1]: no path at all */
		head = 0;
	}
	buf[head + len] = '\0';
	return head + len;
}

long d_path_from(const struct path *p, const struct path *root, char *buf, u64 size, bool *outside)
{
	struct vfs *v = p->dentry->vfs;
	long len = absolute_path(p, buf, size), n;
	char *top;

	*outside = p->mnt && p->mnt != root->mnt && (p->mnt->detached || root->mnt->detached);
	if (len < 0 || buf[0] != '/' || *outside ||
	    path_same(root, &(struct path){v->root_mnt, v->root_mnt->root}))
		return len;
	top = kmalloc(v->mem, PATH_MAX, GFP_KERNEL);
	if (!top)
		return -ENOMEM;
	n = absolute_path(root, top, PATH_MAX);
	if (n == 1)
		n = 0; /* the root of a mount that is detached */
	*outside = n < 0 || n > len || memcmp(buf, top, n) || (buf[n] != '/' && buf[n]);
	if (!*outside && n) {
		len -= n;
		memmove(buf, buf + n, len + 1);
		if (!len) {
			memcpy(buf, "/", 2);
			len = 1;
		}
	}
	kfree(v->mem, top);
	return len;
}

long d_path(const struct path *p, char *buf, u64 size)
{
	struct vfs *v = p->dentry->vfs;
	const struct fs_struct *fs =
		unlikely(v->chrooted) && v->current_fs ? v->current_fs(v) : NULL;
	bool outside;

	return fs ? d_path_from(p, &fs->root, buf, size, &outside) : absolute_path(p, buf, size);
}
