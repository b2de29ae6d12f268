/* /proc as a file system: the table of its files, names, dentries, stat and links.
 *
 * Reading and writing is file.c's, what a file says is the business of its handler. Dentries are
 * made per look-up and hold no task: each use asks again whether the task is there.
 */
#include "proc/procfs/procfs.h"

#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>

#include "base/err.h"
#include "fs/tmpfs.h"
#include "proc/procfs/internal.h"

#define PROC_DEV 0x16 /* an anonymous device, as the kernel gives to /proc */
#define SYSFS_DEV 0x17
#define PROC_ROOT_INO 1
#define PROC_DYNAMIC_FIRST 0xf0000000UL /* inode numbers of rows outside /proc/PID */
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define SYSFS_FILE_SIZE PAGE_SIZE /* what stat(2) says of each */
#define MAX_DEPTH 8		  /* of the trees: /PID/task/TID/fd/N */

#define INIT_DIR(x) .dir = DIR_##x
#define INIT_TEXT(x) .text = proc_text_##x
#define INIT_LINK(x) .link = proc_link_##x
#define INIT_CONST(x) .line = x
#define INIT_SYSCTL(x) .sysctl = VM_SYSCTL_##x
#define INIT_SIZED(x) .sized = &proc_sized_##x
#define INIT_SYSTEM(x) .system = proc_show_##x
#define INIT_TASK(x) .task = proc_show_##x
#define INIT_ITEM(x) .item = proc_show_##x
#define INIT_BYTES(x) .bytes = proc_read_##x
#define INIT_MM(x) .mm = proc_show_##x
#define INIT_VMAS(x) .vmas = proc_record_##x
#define INIT_MEM(x) .mem = proc_read_##x
#define PROC(dir, name, mode, kind, get, write, flags)                                             \
	{DIR_##dir, name, mode, KIND_##kind, {INIT_##kind(get)}, proc_write_##write, flags},
const struct proc_entry proc_entries[] = {
#include "proc/procfs/files.def"
};
#undef PROC
const unsigned nr_proc_entries = ARRAY_SIZE(proc_entries);

/* The root has no row: nothing holds it. */
static const struct proc_entry proc_root_entry = {
	.dir = DIR_ROOT,
	.name = "",
	.mode = 0555,
	.kind = KIND_DIR,
	.get = {.dir = DIR_ROOT},
};

/* /sys is served by the same code: a second file system, whose rows are those from DIR_SYSFS on. */
static const struct proc_entry sysfs_root_entry = {
	.dir = DIR_SYSFS,
	.name = "",
	.mode = 0555,
	.kind = KIND_DIR,
	.get = {.dir = DIR_SYSFS},
};

static bool is_root(const struct proc_entry *e)
{
	return e == &proc_root_entry || e == &sysfs_root_entry;
}

static bool in_sysfs(const struct proc_entry *e)
{
	return e->dir >= DIR_SYSFS;
}

int proc_write_none(struct machine *m __unused, struct task_struct *t __unused, char *text __unused)
{
	return -EINVAL;
}

/* --- the table ---------------------------------------------------------------------------- */

u64 proc_ino(const struct proc_entry *e, u64 id)
{
	if (is_root(e))
		return PROC_ROOT_INO;
	return (id ? id << 8 : PROC_DYNAMIC_FIRST) + (e - proc_entries) + 1;
}

const struct proc_entry *proc_pattern(enum proc_dir dir)
{
	for (unsigned i = 0; i < nr_proc_entries; i++)
		if (proc_entries[i].dir == dir && (proc_entries[i].flags & P_PATTERN))
			return &proc_entries[i];
	return NULL;
}

/* The row that opens @dir, a directory of fs_id @id. */
static const struct proc_entry *dir_entry(enum proc_dir dir, u64 id)
{
	if (dir == DIR_ROOT)
		return &proc_root_entry;
	if (dir == DIR_SYSFS)
		return &sysfs_root_entry;
	if (dir == DIR_PID)
		return proc_pattern(id & ID_THREAD ? DIR_TASK : DIR_ROOT);
	for (unsigned i = 0; i < nr_proc_entries; i++)
		if (proc_entries[i].kind == KIND_DIR && proc_entries[i].get.dir == dir)
			return &proc_entries[i];
	return NULL;
}

const struct proc_entry *proc_parent_entry(struct machine *m, const struct proc_entry *e, u64 id,
					   u64 *parent_id)
{
	struct task_struct *t;

	*parent_id = ID_MAKE(ID_PID(id), id & ID_THREAD, 0);
	if (in_sysfs(e) && !(e->flags & P_PATTERN))
		*parent_id = id; /* of the same size */
	else if (e->dir == DIR_ROOT)
		*parent_id = 0;
	else if (e->dir == DIR_TASK && (t = proc_task(m, id)))
		*parent_id = ID_MAKE(t->tgid, 0, 0); /* the thread's group */
	return dir_entry(e->dir, *parent_id);
}

bool proc_entry_in(const struct proc_entry *e, enum proc_dir dir, u64 id)
{
	return e->dir == dir && !(e->flags & P_PATTERN) &&
	       !(e->flags & (id & ID_THREAD ? P_TGID : P_TID)) &&
	       !((e->flags & P_NOT_LEAST) && proc_size_least(dir, id));
}

/* --- dentries ----------------------------------------------------------------------------- */

static const struct dentry_operations proc_dops;

static inline const struct proc_entry *d_entry(const struct dentry *d)
{
	return d->fs_private;
}

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

static struct dentry *proc_dentry(struct vfs *v, const struct proc_entry *e, u64 id)
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

/* Of the task, while it is there. */
static bool task_is_gone(const struct dentry *d)
{
	return ID_PID(d->fs_id) && !proc_task(vfs_machine(d->vfs), d->fs_id);
}

static struct dentry *proc_lookup(struct dentry *dir, const char *name)
{
	const struct proc_entry *de = d_entry(dir), *e;
	enum proc_dir in = de->get.dir;
	u64 id = dir->fs_id;

	if (de->kind != KIND_DIR)
		return ERR_PTR(-ENOTDIR);
	if (task_is_gone(dir))
		return ERR_PTR(-ENOENT);
	for (e = proc_entries; e < proc_entries + nr_proc_entries; e++)
		if (proc_entry_in(e, in, id) && !strcmp(e->name, name))
			return proc_dentry(dir->vfs, e, id);
	e = proc_pattern(in);
	if (e) {
		id = proc_pattern_lookup(vfs_machine(dir->vfs), e, id, name);
		if (id)
			return proc_dentry(dir->vfs, e, id);
	}
	return ERR_PTR(-ENOENT);
}

static struct dentry *proc_parent(struct dentry *d)
{
	u64 id;
	const struct proc_entry *e =
		proc_parent_entry(vfs_machine(d->vfs), d_entry(d), d->fs_id, &id);

	return proc_dentry(d->vfs, e, id);
}

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
	if (!err && e->dir == DIR_MAP_FILES && !task_capable(current_task(m), CAP_SYS_ADMIN_NR) &&
	    !task_capable(current_task(m), CAP_CHECKPOINT_RESTORE_NR))
		err = -EPERM;
	if (!err)
		err = link_access(t);
	return err ? err : e->get.link(t, ID_SUB(d->fs_id), out);
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
	while (n--) {
		const char *text = e[n]->name;

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

/* Nothing can be made here, and Linux says so as if the folder were not there. */
static struct file *proc_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	(void)dir, (void)name, (void)flags, (void)mode;
	return ERR_PTR(-ENOENT);
}

static int proc_mkdir(struct dentry *dir, const char *name, u32 mode)
{
	(void)dir, (void)name, (void)mode;
	return -ENOENT;
}

static int proc_symlink(struct dentry *dir, const char *name, const char *target)
{
	(void)dir, (void)name, (void)target;
	return -ENOENT;
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

/* --- links that are text ------------------------------------------------------------------ */

long proc_text_self(struct machine *m, char *buf, u64 size)
{
	struct task_struct *t = current_task(m);

	return t ? snprintf(buf, size, "%d", t->tgid) : -ENOENT;
}

long proc_text_thread_self(struct machine *m, char *buf, u64 size)
{
	struct task_struct *t = current_task(m);

	return t ? snprintf(buf, size, "%d/task/%d", t->tgid, t->pid) : -ENOENT;
}

long proc_text_mounts(struct machine *m __unused, char *buf, u64 size)
{
	return snprintf(buf, size, "self/mounts");
}

/* --- the file system ---------------------------------------------------------------------- */

static struct dentry *proc_mount_root(struct vfs *v, void *arg __unused)
{
	return proc_dentry(v, &proc_root_entry, 0);
}

static const struct file_system_type proc_fs_type = {
	.name = "proc",
	.nodev = true,
	.noexec = true,
	.mount_root = proc_mount_root,
};

static struct dentry *sysfs_mount_root(struct vfs *v, void *arg __unused)
{
	return proc_dentry(v, &sysfs_root_entry, 0);
}

static const struct file_system_type sysfs_type = {
	.name = "sysfs",
	.nodev = true,
	.noexec = true,
	.mount_root = sysfs_mount_root,
};

/* Whose rights a file system of fs/ asks for: those of the running task; NULL, Vellum itself, may all.
 * access(2) asks with the real ids, and root's capabilities only if those are root's. */
static void get_cred(struct vfs *v, bool real, struct vfs_cred *out)
{
	const struct task_struct *t = current_task(vfs_machine(v));

	if (!t)
		return;
	out->uid = real ? t->uid : t->fsuid;
	out->gid = real ? t->gid : t->fsgid;
	out->tgid = t->tgid;
	out->groups = t->groups;
	out->ngroups = t->ngroups;
	out->caps = t->caps.effective;
	if (real)
		out->caps = t->uid ? 0 : t->caps.permitted;
}

int procfs_init(struct machine *m)
{
	int err = vfs_mount(&m->vfs, &sysfs_type, "sysfs", "/sys",
			    "rw,nosuid,nodev,noexec,relatime", NULL);

	if (err)
		return err;
	err = vfs_mount(&m->vfs, &proc_fs_type, "proc", "/proc", "rw,relatime", NULL);
	if (err)
		return err;
	m->vfs.get_cred = get_cred;
	vm_sysctl_init(m);
	return devshm_init(&m->vfs);
}

int procfs_read_text(struct machine *m, struct task_struct *t, const char *name, struct seq *out)
{
	enum proc_dir dir = t ? DIR_PID : DIR_ROOT;
	const struct proc_entry *e;
	int err;

	*out = (struct seq){.mem = &m->mem};
	for (e = proc_entries; e < proc_entries + nr_proc_entries; e++) {
		if (!proc_entry_in(e, dir, 0) || strcmp(e->name, name))
			continue;
		err = proc_show(e, out, m, t, 0);
		return err == -EINVAL ? -ENOENT : err;
	}
	return -ENOENT;
}
