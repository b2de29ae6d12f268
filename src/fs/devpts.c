/* devpts: the names of pseudo terminals, mounted on /dev/pts. See tty_internal.h; pts(4); Linux,
 * fs/devpts/inode.c.
 *
 *   /dev/pts/    ptmx, and for each pair whose master is open the number of its slave
 *
 * A terminal of the host's that the guest was started with is found here, too, under the host's number, which
 * no pair of ours gets: its dentry is hostfs's. Mount options are those of the host's devpts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/tty_internal.h"

#define DEVPTS_MAGIC 0x1cd1
#define DEVPTS_DEV makedev(0, 0x2e) /* an anonymous device of its own */
#define MAX_PTYS (1U << 20)	    /* numbers that a device of one major can have */
#define PTY_MAX 4096		    /* kernel.pty.max, .reserve: as Linux begins */
#define PTY_RESERVE 1024
#define FIRST_PTS 3 /* inode number and position of number 0: behind root and ptmx */
#define MOUNTS_SIZE 16384U

struct devpts_sb {
	struct simple_attr root, ptmx;
	u32 root_mode, ptmx_mode;
	u32 mode, gid; /* of new ones */
	bool setgid;
	struct list_head ptys; /* slaves that have a name, by number */
	char options[128];
};

static const struct dentry_operations devpts_dops;
static const struct file_operations devpts_dir_fops;

/* What d stands for. */
enum { NODE_ROOT = 1, NODE_PTMX = 2, NODE_PTS = 3 };

static struct devpts_sb *sb_of(const struct vfs *v)
{
	return v->in->devpts;
}

/* --- dentries ---------------------------------------------------------------------------------- */

static u32 *mode_of(struct dentry *d)
{
	struct devpts_sb *sb = sb_of(d->vfs);

	switch (d->fs_id) {
	case NODE_ROOT:
		return &sb->root_mode;
	case NODE_PTMX:
		return &sb->ptmx_mode;
	}
	return &((struct tty_struct *)d->fs_private)->mode;
}

/* @attr: what the node keeps; a slave's is its tty_struct, of which the dentry gets a reference. */
static struct dentry *devpts_dentry(struct vfs *v, u32 kind, void *attr, u64 ino)
{
	struct dentry *d = dentry_alloc(v, &devpts_dops, 0);

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->dev = DEVPTS_DEV;
	d->ino = ino;
	d->fs_id = kind;
	d->fs_private = attr;
	d->mode = *mode_of(d);
	if (kind == NODE_PTS)
		tty_get(attr);
	return d;
}

static struct dentry *slave_dentry(struct tty_struct *tty)
{
	return devpts_dentry(tty->vfs, NODE_PTS, tty, FIRST_PTS + tty->index);
}

static void devpts_release(struct dentry *d)
{
	if (d->fs_id == NODE_PTS)
		tty_put(d->fs_private);
}

static struct tty_struct *find_slave(struct vfs *v, u32 index)
{
	struct tty_struct *tty;

	list_for_each_entry (tty, &sb_of(v)->ptys, node)
		if (tty->index == index)
			return tty;
	return NULL;
}

/* A decimal number as the kernel writes it; false: it is none. */
static bool parse_index(const char *name, u32 *index)
{
	char *end, back[16];
	u64 n = strtoul(name, &end, 10);

	snprintf(back, sizeof(back), "%u", (u32)n);
	*index = n;
	return !*end && !strcmp(back, name);
}

static struct dentry *host_dentry(struct tty_struct *tty)
{
	int fd = host_fd_reopen(tty->host_fd, O_PATH);

	return fd < 0 ? ERR_PTR(fd) : hostfs_dentry(tty->vfs, fd);
}

static struct dentry *devpts_lookup(struct dentry *dir, const char *name)
{
	struct vfs *v = dir->vfs;
	struct tty_struct *tty;
	u32 index;

	if (dir->fs_id != NODE_ROOT)
		return ERR_PTR(-ENOTDIR);
	if (!strcmp(name, "ptmx"))
		return devpts_dentry(v, NODE_PTMX, &sb_of(v)->ptmx, 2);
	if (!parse_index(name, &index))
		return ERR_PTR(-ENOENT);
	tty = find_slave(v, index);
	if (tty)
		return slave_dentry(tty);
	tty = tty_host_find_pts(v, index);
	return tty ? host_dentry(tty) : ERR_PTR(-ENOENT);
}

static long devpts_path_text(struct dentry *d, char *buf, u64 size)
{
	const struct tty_struct *tty = d->fs_private;
	int n;

	if (d->fs_id == NODE_ROOT)
		n = snprintf(buf, size, "/");
	else if (d->fs_id == NODE_PTMX)
		n = snprintf(buf, size, "/ptmx");
	else
		n = snprintf(buf, size, "/%u%s", tty->index,
			     list_empty(&tty->node) ? " (deleted)" : "");
	return (u64)n < size ? n : -ENAMETOOLONG;
}

/* --- attributes: shared by all dentries of one node ---------------------------------------------- */

static int devpts_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct tty_struct *tty = d->fs_private;
	u32 rdev = d->fs_id == NODE_ROOT ? 0 : d->fs_id == NODE_PTMX ? makedev(5, 2) : tty->dev;

	d->mode = *mode_of(d);
	simple_getattr(d, st, stx);
	st->st_rdev = rdev;
	st->st_blksize = 1024;
	if (d->fs_id == NODE_ROOT)
		st->st_nlink = 2;
	if (stx) {
		stx->stx_rdev_major = major(rdev);
		stx->stx_rdev_minor = minor(rdev);
		stx->stx_blksize = st->st_blksize;
		stx->stx_nlink = st->st_nlink;
		stx->stx_dev_major = major(d->dev);
		stx->stx_dev_minor = minor(d->dev);
	}
	return 0;
}

static int devpts_access(struct dentry *d, int mode, int flags)
{
	d->mode = *mode_of(d);
	return simple_access(d, mode, flags);
}

static int devpts_chmod(struct dentry *d, u32 mode)
{
	int err;

	d->mode = *mode_of(d);
	err = simple_chmod(d, mode);
	*mode_of(d) = d->mode;
	return err;
}

static int devpts_chown(struct dentry *d, u32 uid, u32 gid, int flags)
{
	int err;

	d->mode = *mode_of(d);
	err = simple_chown(d, uid, gid, flags);
	*mode_of(d) = d->mode;
	return err;
}

static int devpts_statfs(struct dentry *d __unused, void *buf)
{
	return simple_statfs(buf, DEVPTS_MAGIC, ST_VALID_K);
}

static int devpts_truncate(struct dentry *d, u64 size __unused)
{
	return d->fs_id == NODE_ROOT ? -EISDIR : -EINVAL;
}

/* --- opening ----------------------------------------------------------------------------------- */

static struct file *devpts_open(const struct path *p, int flags)
{
	struct dentry *d = p->dentry;
	int err;

	if (d->fs_id == NODE_PTMX)
		return tty_chardev_open(p, flags, 5, 2);
	err = devpts_access(d, acc_mode(flags), AT_EACCESS);
	if (err)
		return ERR_PTR(err);
	if (d->fs_id == NODE_ROOT)
		return file_alloc(d->vfs, p, &devpts_dir_fops, FMODE_READ | FMODE_LSEEK, flags);
	return tty_open_slave(d->fs_private, p, flags);
}

static const struct dentry_operations devpts_dops = {
	.lookup = devpts_lookup,
	.getattr = devpts_getattr,
	.open = devpts_open,
	.chmod = devpts_chmod,
	.chown = devpts_chown,
	.utimens = simple_utimens,
	.truncate = devpts_truncate,
	.access = devpts_access,
	.statfs = devpts_statfs,
	.path = devpts_path_text,
	.release = devpts_release,
};

/* --- the directory: positions are inode numbers -------------------------------------------------- */

static bool emit_number(filldir_t emit, void *ctx, u32 index)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", index);
	return emit(ctx, name, FIRST_PTS + index, DT_CHR, FIRST_PTS + index + 1);
}

/* The first number from @from on that a terminal has. False: there is none. */
static bool next_number(struct vfs *v, u32 from, u32 *index)
{
	struct tty_struct *tty;

	*index = MAX_PTYS;
	list_for_each_entry (tty, &sb_of(v)->ptys, node) {
		if (tty->index >= from) {
			*index = tty->index;
			break;
		}
	}
	list_for_each_entry (tty, &v->in->host_ttys, node)
		if (tty->index >= from && tty->index < *index &&
		    tty_host_find_pts(v, tty->index) == tty)
			*index = tty->index;
	return *index < MAX_PTYS;
}

static int devpts_iterate(struct file *f, filldir_t emit, void *ctx)
{
	struct vfs *v = f->vfs;
	u32 index;

	if (f->f_pos == 0 && emit(ctx, ".", 1, DT_DIR, 1))
		f->f_pos = 1;
	if (f->f_pos == 1 && emit(ctx, "..", 1, DT_DIR, 2))
		f->f_pos = 2;
	if (f->f_pos == 2 && emit(ctx, "ptmx", 2, DT_CHR, FIRST_PTS))
		f->f_pos = FIRST_PTS;
	if (f->f_pos < FIRST_PTS)
		return 0;
	while (next_number(v, f->f_pos - FIRST_PTS, &index) && emit_number(emit, ctx, index))
		f->f_pos = FIRST_PTS + index + 1;
	return 0;
}

static s64 devpts_llseek(struct file *f, s64 off, int whence)
{
	return whence == SEEK_END ? -EINVAL : generic_llseek(f, off, whence, 0);
}

static const struct file_operations devpts_dir_fops = {
	.iterate = devpts_iterate,
	.llseek = devpts_llseek,
	.fsync = noop_fsync,
};

/* --- names come and go ------------------------------------------------------------------------- */

int devpts_new(struct tty_struct *tty)
{
	struct devpts_sb *sb = sb_of(tty->vfs);
	struct list_head *at;
	struct vfs_cred c;
	u32 index = 0;

	if (!sb)
		return -ENODEV;
	/* Of kernel.pty.reserve: that is for the first mount, which this is. */
	if ((s64)tty->vfs->pty.nr + 1 >= tty->vfs->pty.max)
		return -ENOSPC;
	for (at = sb->ptys.next; at != &sb->ptys; at = at->next) {
		while (tty_host_find_pts(tty->vfs, index))
			index++;
		if (list_entry(at, struct tty_struct, node)->index != index)
			break;
		index++;
	}
	while (tty_host_find_pts(tty->vfs, index))
		index++;
	if (index >= MAX_PTYS)
		return -ENOSPC;
	tty->index = index;
	tty->vfs->pty.nr++;
	list_add_tail(&tty->node, at);
	vfs_cred(tty->vfs, false, &c);
	tty->attr.uid = c.uid;
	tty->attr.gid = sb->setgid ? sb->gid : c.gid;
	tty->attr.atime = tty->attr.mtime = tty->attr.ctime = current_time(tty->vfs);
	tty->mode = S_IFCHR | sb->mode;
	return 0;
}

void devpts_kill(struct tty_struct *tty)
{
	list_del_init(&tty->node);
	tty->vfs->pty.nr--;
}

/* --- the mount --------------------------------------------------------------------------------- */

static struct dentry *devpts_mount_root(struct vfs *v, void *arg)
{
	struct devpts_sb *sb = arg;

	return devpts_dentry(v, NODE_ROOT, &sb->root, 1);
}

static void devpts_kill_sb(struct dentry *root)
{
	struct vfs *v = root->vfs;

	VM_BUG_ON(!list_empty(&sb_of(v)->ptys));
	kfree(v->mem, sb_of(v));
	v->in->devpts = NULL;
}

static const struct file_system_type devpts_type = {
	.name = "devpts",
	.nodev = true,
	.noexec = true,
	.mount_root = devpts_mount_root,
	.kill = devpts_kill_sb,
};

struct path devpts_path(struct tty_struct *tty)
{
	struct dentry *d = slave_dentry(tty);
	struct mount *m;

	if (IS_ERR(d))
		return (struct path){NULL, NULL};
	list_for_each_entry (m, &tty->vfs->mounts, list)
		if (m->type == &devpts_type) {
			mntget(m);
			return (struct path){m, d};
		}
	return (struct path){NULL, d};
}

static bool option(const char *options, const char *name, int base, u32 *value)
{
	const char *at = strstr(options, name);

	if (!at)
		return false;
	*value = strtoul(at + strlen(name), NULL, base);
	return true;
}

/* What the host's mount(8) says of its devpts, to @sb->options; else a kernel's defaults stay there. */
static void read_host_options(struct vfs *v, struct devpts_sb *sb)
{
	static const char place[] = " /dev/pts devpts ";
	char *buf = kzalloc(v->mem, MOUNTS_SIZE, GFP_KERNEL), *at;
	int fd = host_open("/proc/self/mounts", O_RDONLY, 0);

	if (buf && fd >= 0 && host_pread_full(fd, buf, MOUNTS_SIZE - 1, 0) > 0) {
		at = strstr(buf, place);
		if (at) {
			at += sizeof(place) - 1;
			snprintf(sb->options, sizeof(sb->options), "%.*s",
				 (int)min(strcspn(at, " "), sizeof(sb->options) - 1), at);
		}
	}
	if (fd >= 0)
		host_close(fd);
	kfree(v->mem, buf);
}

static struct devpts_sb *sb_new(struct vfs *v)
{
	struct devpts_sb *sb = kzalloc(v->mem, sizeof(*sb), GFP_KERNEL);
	u32 ptmx = 0;

	if (!sb)
		return NULL;
	INIT_LIST_HEAD(&sb->ptys);
	snprintf(sb->options, sizeof(sb->options), "rw,relatime,mode=600,ptmxmode=000");
	read_host_options(v, sb);
	sb->mode = 0600;
	option(sb->options, ",mode=", 8, &sb->mode);
	option(sb->options, "ptmxmode=", 8, &ptmx);
	sb->setgid = option(sb->options, ",gid=", 10, &sb->gid);
	sb->root_mode = S_IFDIR | 0755;
	sb->ptmx_mode = S_IFCHR | ptmx;
	sb->root.atime = sb->root.mtime = sb->root.ctime = current_time(v);
	sb->ptmx.atime = sb->ptmx.mtime = sb->ptmx.ctime = sb->root.atime;
	return sb;
}

int devpts_init(struct vfs *v)
{
	struct devpts_sb *sb = sb_new(v);
	int err;

	if (!sb)
		return -ENOMEM;
	v->pty.max = PTY_MAX;
	v->pty.reserve = PTY_RESERVE;
	v->pty.legacy_tiocsti = 1;
	v->in->devpts = sb;
	err = vfs_mount(v, &devpts_type, "devpts", "/dev/pts", sb->options, sb);
	if (err && v->in->devpts) { /* there was no mount that kill() could have ended */
		kfree(v->mem, v->in->devpts);
		v->in->devpts = NULL;
	}
	return err == -ENOMEM ? err : 0;
}
