/* Files of /proc and /sys as things of a file system: their dentries, stat, owners and rights, links, paths.
 *
 * Dentries are made per look-up and hold no task: each use asks again whether the task is there. Not for:
 * the table (table.c), look-up and listing (dir.c), open files (file.c).
 * See internal.h; fs/proc/inode.c and base.c.
 */
#include "proc/procfs/procfs.h"

#include <string.h>
#include <sys/statfs.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

#define PROC_DEV 0x16 /* an anonymous device, as the kernel gives to /proc */
#define SYSFS_DEV 0x17
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define SYSFS_FILE_SIZE PAGE_SIZE /* what stat(2) says of each */
#define MAX_DEPTH 8		  /* of the trees: /PID/task/TID/fd/N */

/* --- dentries: made per look-up, and hold no task ------------------------------------------ */

static const struct dentry_operations proc_dops;

static u32 entry_type(const struct proc_entry *e)
{
	switch (e->kind) {
	case KIND_DIR:
		return S_IFDIR;
	case KIND_TEXT:
	case KIND_LINK:
		return S_IFLNK;
	default:
		return S_IFREG;
	}
}

struct dentry *proc_dentry(struct vfs *v, const struct proc_entry *e, u64 id)
{
	u32 mode = e->mode;
	struct dentry *d;

	if (e->flags & P_PATTERN)
		mode = proc_pattern_mode(vfs_machine(v), e, id);
	d = dentry_alloc(v, &proc_dops, entry_type(e) | mode);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->fs_private = (void *)e;
	d->fs_id = id;
	d->dev = in_sysfs(e) ? SYSFS_DEV : PROC_DEV;
	d->ino = proc_ino(e, id);
	return d;
}

static struct dentry *proc_parent(struct dentry *d)
{
	u64 id;
	const struct proc_entry *e =
		proc_parent_entry(vfs_machine(d->vfs), d_entry(d), d->fs_id, &id);

	return proc_dentry(d->vfs, e, id);
}

/* --- links -------------------------------------------------------------------------------- */

/* proc_fd_access_allowed() */
static int link_access(struct task_struct *t)
{
	return ptrace_may_access(current_task(t->machine), t,
				 PTRACE_MODE_READ | PTRACE_MODE_FSCREDS)
		       ? -EACCES
		       : 0;
}

static long proc_readlink(struct dentry *d, char *buf, u64 size)
{
	const struct proc_entry *e = d_entry(d);
	struct machine *m = vfs_machine(d->vfs);
	struct task_struct *t;
	struct path to;
	long len;
	int err;

	if (e->kind == KIND_TEXT)
		return e->get.text(m, buf, size);
	if (e->kind != KIND_LINK)
		return -EINVAL;
	t = proc_task(m, d->fs_id);
	err = t ? link_access(t) : -ENOENT;
	if (!err)
		err = e->get.link(t, ID_SUB(d->fs_id), &to);
	if (err)
		return err;
	len = d_path(&to, buf, size);
	path_put(&to);
	return len;
}

static int proc_get_link(struct dentry *d, struct path *out)
{
	const struct proc_entry *e = d_entry(d);
	struct machine *m = vfs_machine(d->vfs);
	struct task_struct *t;
	int err;

	if (e->kind != KIND_LINK)
		return -EINVAL;
	t = proc_task(m, d->fs_id);
	err = t ? 0 : -ENOENT;
	if (!err && e->dir == DIR_MAP_FILES && !task_capable(current_task(m), CAP_SYS_ADMIN) &&
	    !task_capable(current_task(m), CAP_CHECKPOINT_RESTORE))
		err = -EPERM;
	if (!err)
		err = link_access(t);
	return err ? err : e->get.link(t, ID_SUB(d->fs_id), out);
}

/* --- stat --------------------------------------------------------------------------------- */

/* The owner of a dentry's file, whose task is @t (NULL: of none). See: task_dump_owner(). */
static void proc_owner(const struct dentry *d, const struct task_struct *t, u32 *uid, u32 *gid)
{
	*uid = *gid = 0;
	/* A directory that all may read tells whose the process is, whatever else is kept from them. */
	if (t && (d->mode == (S_IFDIR | 0555) || (t->mm && t->mm->dumpable == SUID_DUMP_USER))) {
		*uid = t->euid;
		*gid = t->egid;
	}
}

static u32 count_links(struct machine *m, const struct dentry *d)
{
	const struct proc_entry *e = d_entry(d);
	struct task_struct *t;
	u32 n = 2;

	if (e->kind != KIND_DIR)
		return 1;
	for (unsigned i = 0; i < nr_proc_entries; i++)
		if (proc_entry_in(&proc_entries[i], e->get.dir, d->fs_id) &&
		    proc_entries[i].kind == KIND_DIR)
			n++;
	if (e->get.dir == DIR_ROOT)
		list_for_each_entry (t, &m->tasks, tasks)
			n += t->pid == t->tgid;
	if (e->get.dir == DIR_TASK && (t = proc_task(m, d->fs_id)))
		n += proc_nr_threads(t);
	if (e->get.dir > DIR_SYSFS && proc_pattern(e->get.dir))
		n += proc_nr_sizes(m, e->get.dir);
	return n;
}

static u64 link_size(struct machine *m, const struct dentry *d)
{
	const struct proc_entry *e = d_entry(d);
	struct task_struct *t = ID_PID(d->fs_id) ? proc_task(m, d->fs_id) : NULL;

	if (e->kind == KIND_LINK && (e->flags & P_PATTERN))
		return 64;
	if (e->kind == KIND_DIR && e->get.dir == DIR_FD && t)
		return proc_count_fds(t);
	if (e->kind == KIND_TEXT && e->get.text == proc_text_mounts)
		return strlen("self/mounts");
	if (e->kind == KIND_TEXT && e->get.text == proc_text_net)
		return strlen("self/net");
	if (in_sysfs(e) && S_ISREG(d->mode))
		return SYSFS_FILE_SIZE;
	return 0;
}

/* When the file came into being: the machine did, for all of them. */
static struct timespec proc_time(struct machine *m)
{
	u64 age = machine_now_ns(m) - m->boot_ns, ns;
	struct timespec ts;

	machine_clock_gettime(m, NULL, CLOCK_REALTIME, &ts);
	ns = ts.tv_sec * 1000000000UL + ts.tv_nsec - age;
	ts.tv_sec = ns / 1000000000UL;
	ts.tv_nsec = 0;
	return ts;
}

static void stat_to_statx(const struct stat *st, struct statx *stx)
{
	struct statx_timestamp ts = {.tv_sec = st->st_mtim.tv_sec};

	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = STATX_BASIC_STATS;
	stx->stx_blksize = st->st_blksize;
	stx->stx_nlink = st->st_nlink;
	stx->stx_uid = st->st_uid;
	stx->stx_gid = st->st_gid;
	stx->stx_mode = st->st_mode;
	stx->stx_ino = st->st_ino;
	stx->stx_size = st->st_size;
	stx->stx_atime = stx->stx_ctime = stx->stx_mtime = ts;
	stx->stx_dev_minor = st->st_dev;
}

static int proc_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	struct machine *m = vfs_machine(d->vfs);
	struct task_struct *t = ID_PID(d->fs_id) ? proc_task(m, d->fs_id) : NULL;

	if (ID_PID(d->fs_id) && !t)
		return -ENOENT;
	memset(st, 0, sizeof(*st));
	st->st_dev = d->dev;
	st->st_ino = d->ino;
	st->st_mode = d->mode;
	st->st_nlink = count_links(m, d);
	st->st_blksize = in_sysfs(d_entry(d)) ? PAGE_SIZE : 1024;
	st->st_size = link_size(m, d);
	proc_owner(d, t, &st->st_uid, &st->st_gid);
	st->st_atim = st->st_mtim = st->st_ctim = proc_time(m);
	if (stx)
		stat_to_statx(st, stx);
	return 0;
}

/* --- rights ------------------------------------------------------------------------------- */

/* Is @d a directory of descriptors that has rules of its own? Then what they say, in *@err: one's own
 * threads may look into fd/ and map_files/ always, and into fdinfo/ nobody else who may not look into the task.
 * See: proc_fd_permission(), proc_fdinfo_permission(). */
static bool fd_dir_permission(const struct dentry *d, const struct task_struct *t, int *err)
{
	const struct proc_entry *e = d->fs_private;
	const struct task_struct *curr;

	if (!t || e->kind != KIND_DIR)
		return false;
	curr = current_task(t->machine);
	*err = 0;
	if (e->get.dir == DIR_FD || e->get.dir == DIR_MAP_FILES)
		return curr && curr->tgid == t->tgid;
	if (e->get.dir != DIR_FDINFO ||
	    !ptrace_may_access(curr, t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS))
		return false;
	*err = -EACCES;
	return true;
}

int proc_permission(struct dentry *d, int mode, u32 uid, u32 gid)
{
	struct machine *m = vfs_machine(d->vfs);
	struct task_struct *t = ID_PID(d->fs_id) ? proc_task(m, d->fs_id) : NULL;
	const struct proc_entry *e = d->fs_private;
	u32 bits = d->mode & 7, owner, group;
	int err;

	mode &= R_OK | W_OK | X_OK;
	if (S_ISLNK(d->mode))
		return 0;
	if ((mode & W_OK) && e->kind == KIND_DIR && e->get.dir == DIR_PID)
		return -EPERM; /* immutable: proc_pid_instantiate() */
	if (fd_dir_permission(d, t, &err))
		return err;
	proc_owner(d, t, &owner, &group);
	if (uid == owner)
		bits = d->mode >> 6 & 7;
	else if (gid == group)
		bits = d->mode >> 3 & 7;
	if (!(mode & ~bits))
		return 0;
	/* Root passes where no bit says so, but for execution and, below sys/, altogether. */
	if (uid == 0 && !below_sys(d->fs_private) && (!(mode & X_OK) || (d->mode & 0111)))
		return 0;
	return -EACCES;
}

static int proc_access(struct dentry *d, int mode, int flags)
{
	struct task_struct *curr = current_task(vfs_machine(d->vfs));

	if (!curr)
		return 0;
	return flags & AT_EACCESS ? proc_permission(d, mode, curr->fsuid, curr->fsgid)
				  : proc_permission(d, mode, curr->uid, curr->gid);
}

static int proc_statfs(struct dentry *d, void *statfs_buf)
{
	struct statfs *s = statfs_buf;

	memset(s, 0, sizeof(*s));
	s->f_type = in_sysfs(d_entry(d)) ? SYSFS_MAGIC : PROC_SUPER_MAGIC;
	s->f_bsize = s->f_frsize = PAGE_SIZE;
	s->f_namelen = NAME_MAX;
	s->f_flags = 0x20 | 0x1000; /* ST_VALID, ST_RELATIME */
	return 0;
}

/* --- names -------------------------------------------------------------------------------- */

/* The names from @d up to the root, then printed the other way round. */
static long proc_path(struct dentry *d, char *buf, u64 size)
{
	struct machine *m = vfs_machine(d->vfs);
	const struct proc_entry *e[MAX_DEPTH];
	u64 id[MAX_DEPTH], len = 0;
	char name[64];
	int n = 0;

	e[0] = d_entry(d);
	id[0] = d->fs_id;
	while (!is_root(e[n]) && n + 1 < MAX_DEPTH) {
		e[n + 1] = proc_parent_entry(m, e[n], id[n], &id[n + 1]);
		n++;
	}
	if (size < 2)
		return -ENAMETOOLONG;
	if (!n)
		buf[len++] = '/';
	while (n > 0) {
		const char *text = e[--n]->name;

		if (e[n]->flags & P_PATTERN) {
			proc_pattern_name(m, e[n], id[n], name);
			text = name;
		}
		if (len + strlen(text) + 2 > size)
			return -ENAMETOOLONG;
		buf[len++] = '/';
		memcpy(buf + len, text, strlen(text));
		len += strlen(text);
	}
	buf[len] = '\0';
	return len;
}

/* --- what cannot be done ------------------------------------------------------------------ */

/* Nothing can be made here, and Linux says so as if the folder were not there. */
static struct file *proc_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	(void)dir, (void)name, (void)flags, (void)mode;
	return ERR_PTR(-ENOENT);
}

static int no_new_name(struct dentry *dir, const char *name)
{
	struct dentry *d = proc_lookup(dir, name);

	if (IS_ERR(d))
		return -ENOENT;
	dput(d);
	return -EEXIST;
}

static int proc_mkdir(struct dentry *dir, const char *name, u32 mode __unused)
{
	return no_new_name(dir, name);
}

static int proc_symlink(struct dentry *dir, const char *name, const char *target __unused)
{
	return no_new_name(dir, name);
}

/* What is there stays, what is not there is not found, and rmdir() is for directories. */
static int proc_unlink(struct dentry *dir, const char *name, int flags)
{
	struct dentry *d = proc_lookup(dir, name);
	bool is_dir, rmdir = flags & AT_REMOVEDIR;
	int err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	is_dir = S_ISDIR(d->mode);
	dput(d);
	err = proc_access(dir, W_OK | X_OK, AT_EACCESS);
	if (err)
		return err;
	if (is_dir != rmdir)
		return rmdir ? -ENOTDIR : -EISDIR;
	return -EPERM;
}

static int proc_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		       unsigned flags)
{
	struct dentry *d = proc_lookup(od, on);
	int err;

	(void)flags;
	if (!IS_ERR(d)) {
		dput(d);
		d = proc_lookup(nd, nn); /* a new name cannot be had either */
	}
	if (IS_ERR(d))
		return PTR_ERR(d);
	dput(d);
	err = proc_access(od, W_OK | X_OK, AT_EACCESS);
	if (!err)
		err = proc_access(nd, W_OK | X_OK, AT_EACCESS);
	return err ? err : -EPERM;
}

/* Allowed to whom the mode lets write, and without effect, as in Linux. */
static int proc_truncate(struct dentry *d, u64 size)
{
	(void)size;
	return proc_access(d, W_OK, AT_EACCESS);
}

static const struct dentry_operations proc_dops = {
	.unlink = proc_unlink,
	.rename = proc_rename,
	.truncate = proc_truncate,
	.create = proc_create,
	.mkdir = proc_mkdir,
	.symlink = proc_symlink,
	.lookup = proc_lookup,
	.parent = proc_parent,
	.readlink = proc_readlink,
	.get_link = proc_get_link,
	.getattr = proc_getattr,
	.open = proc_open,
	.access = proc_access,
	.statfs = proc_statfs,
	.path = proc_path,
};

s32 procfs_file_tgid(const struct file *f)
{
	const struct dentry *d = f->f_path.dentry;

	if (!d || d->d_op != &proc_dops || d_entry(d)->kind != KIND_DIR ||
	    d_entry(d)->get.dir != DIR_PID || (d->fs_id & ID_THREAD))
		return 0;
	return ID_PID(d->fs_id);
}
