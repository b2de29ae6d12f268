/* Open files of /proc: what reads them (text: seq.c), binary files, writes, directories. Whose file it is stands in the dentry; the task is looked up at each use. Files about
 * memory keep the address space that was there when they were opened, and who may open them is asked
 * then: proc_mem_open(). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

#define WRITE_MAX 4095	   /* longest text that a file takes */
#define MAX_POS INT_MAX	   /* s_maxbytes */
#define FIRST_PATTERN 1024 /* positions in a directory: behind the rows of the table */

static inline const struct proc_entry *f_entry(const struct file *f)
{
	return f->f_path.dentry->fs_private;
}

static inline struct machine *f_machine(const struct file *f)
{
	return vfs_machine(f->vfs);
}

static bool below_sys(const struct proc_entry *e)
{
	return e->dir >= DIR_SYS && e->dir <= DIR_SYS_VM;
}

/* --- text --------------------------------------------------------------------------------- */

int proc_show(const struct proc_entry *e, struct seq *out, struct machine *m, struct task_struct *t,
	      u64 sub)
{
	int err;

	switch (e->kind) {
	case KIND_CONST:
		if (!t && e->dir == DIR_PID)
			return -ESRCH;
		seq_puts(out, e->get.line);
		seq_putc(out, '\n');
		err = 0;
		break;
	case KIND_SYSTEM:
		err = e->get.system(out, m);
		break;
	case KIND_SYSCTL:
		err = proc_show_sysctl(out, m, e->get.sysctl);
		break;
	case KIND_SIZED:
		err = e->get.sized->show(out, m, sub);
		break;
	case KIND_TASK:
		err = t ? e->get.task(out, t) : -ESRCH;
		break;
	case KIND_MM:
		err = t ? e->get.mm(out, t->mm) : -ESRCH;
		break;
	case KIND_VMAS:
		err = t ? proc_show_vmas(e, out, t->mm) : -ESRCH;
		break;
	case KIND_ITEM:
		err = t ? e->get.item(out, t, sub) : -ESRCH;
		break;
	default:
		return -EINVAL;
	}
	return out->overflow ? -ENOMEM : err;
}

/* P_SIMPLE, and settings: the text as of now. Of numbers below sys/ it can be read from the beginning
 * only. See: simple_read_from_buffer(), do_proc_dointvec(). */
static long simple_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	u64 id = f->f_path.dentry->fs_id, n, done = 0;
	const struct proc_entry *e = f_entry(f);
	struct seq s = {.mem = f->vfs->mem};
	const char *text;
	int err = 0;

	if (!below_sys(e) || (e->flags & P_STRING) || !*pos)
		err = proc_show(e, &s, f_machine(f), proc_task(f_machine(f), id), ID_SUB(id));
	while (!err && to->count && (text = seq_peek(&s, *pos, &n))) {
		u64 got = copy_to_iter(text, min(n, to->count), to);

		if (!got)
			err = -EFAULT;
		*pos += got;
		done += got;
	}
	seq_release(&s);
	return done ? (long)done : err;
}

static void mm_release_file(struct file *f)
{
	struct proc_mm_file *mf = f->private_data;

	if (mf->mm)
		mmdrop(mf->mm);
	proc_seq_release(f);
}

static long mem_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	return f_entry(f)->get.mem(f->private_data, to, pos);
}

static long bytes_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	u64 id = f->f_path.dentry->fs_id;
	struct task_struct *t =
		ID_PID(id) ? proc_task(f_machine(f), id) : current_task(f_machine(f));

	return t ? f_entry(f)->get.bytes(t, to, pos) : -ESRCH;
}

/* --- writes ------------------------------------------------------------------------------- */

char *proc_strip(char *text)
{
	u64 len = strlen(text);

	while (len && strchr(" \t\n\r\v\f", text[len - 1]))
		text[--len] = '\0';
	return text + strspn(text, " \t\n\r\v\f");
}

int proc_parse_int(char *text, int *out)
{
	char *end;
	long v;

	text = proc_strip(text);
	if (!*text)
		return -EINVAL;
	v = strtol(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (v != (int)v)
		return -ERANGE;
	*out = v;
	return 0;
}

int proc_parse_u64(const char *text, int base, u64 *out)
{
	char *end;

	text += *text == '+';
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoul(text, &end, base);
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static long text_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	const struct proc_entry *e = f_entry(f);
	u64 id = f->f_path.dentry->fs_id, n = from->count, got;
	struct task_struct *t = NULL;
	char *text;
	long err;

	if (e->kind == KIND_SYSCTL)
		return proc_sysctl_write_iter(f_machine(f), e->get.sysctl, from, pos);
	if (!n && (below_sys(e) || e->dir >= DIR_SYSFS))
		return 0;
	if (e->kind == KIND_SIZED ? !e->get.sized->write : e->write == proc_write_none)
		return -EINVAL;
	if (e->flags & P_SHORT)
		n = min(n, 12UL);
	if (ID_PID(id)) {
		t = proc_task(f_machine(f), id);
		if (!t)
			return -ESRCH;
	}
	text = kmalloc(f->vfs->mem, WRITE_MAX + 1, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	got = copy_from_iter(text, min(n, (u64)WRITE_MAX), from);
	text[got] = '\0';
	err = got < n ? (n > WRITE_MAX ? -EINVAL : -EFAULT) : 0;
	if (!err && ID_PID(id)) { /* the copy may have slept, and the task be gone */
		t = proc_task(f_machine(f), id);
		err = t ? 0 : -ESRCH;
	}
	if (!err && (e->flags & P_AT_START) && *pos && t == current_task(f_machine(f)))
		err = -EINVAL;
	if (!err && e->kind == KIND_SIZED)
		err = e->get.sized->write(f_machine(f), ID_SUB(id), text);
	else if (!err)
		err = e->write(f_machine(f), t, text);
	kfree(f->vfs->mem, text);
	if (err)
		return err;
	*pos += n;
	return n;
}

/* mem takes bytes, not text. */
static long mem_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	if (f_entry(f)->get.mem != proc_read_mem)
		return text_write_iter(f, from, pos);
	return proc_write_mem_iter(f->private_data, from, pos);
}

/* See: mem_lseek(), whose positions may look negative. */
static s64 mem_llseek(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	f->f_pos = off;
	return off;
}

/* The file is as long as stat(2) says, which is nothing but below /sys. See: generic_file_llseek(), and
 * default_llseek() of settings, which knows no largest position. */
static s64 proc_llseek(struct file *f, s64 off, int whence)
{
	const struct proc_entry *e = f_entry(f);
	bool file = e->kind != KIND_DIR;
	s64 size = file && e->dir >= DIR_SYSFS ? (s64)PAGE_SIZE : 0;

	if (e->flags & P_WRITE_ONLY)
		return f->f_pos; /* noop_llseek() */
	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence == SEEK_END)
		off += size;
	else if (whence != SEEK_SET && (u64)off >= (u64)size)
		return -ENXIO;
	else if (whence == SEEK_HOLE)
		off = size;
	if (off < 0 || (off > MAX_POS && !(file && below_sys(e))))
		return -EINVAL;
	f->f_pos = off;
	return off;
}

/* --- directories -------------------------------------------------------------------------- */

typedef bool (*emit_fn)(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos);

static u8 entry_dtype(const struct proc_entry *e)
{
	if (e->kind == KIND_DIR)
		return 4; /* DT_DIR */
	return e->kind == KIND_TEXT || e->kind == KIND_LINK ? 10 /* DT_LNK */ : 8 /* DT_REG */;
}

static bool emit_dots(struct file *f, emit_fn emit, void *ctx)
{
	struct dentry *d = f->f_path.dentry;
	u64 up_id;
	const struct proc_entry *up =
		proc_parent_entry(f_machine(f), d->fs_private, d->fs_id, &up_id);

	if (f->f_pos == 0) {
		if (!emit(ctx, ".", d->ino, 4, 1))
			return false;
		f->f_pos = 1;
	}
	if (f->f_pos == 1) {
		if (!emit(ctx, "..", proc_ino(up, up_id), 4, 2))
			return false;
		f->f_pos = 2;
	}
	return true;
}

/* Rows of the table: row i is at position 2 + i. */
static bool emit_rows(struct file *f, emit_fn emit, void *ctx)
{
	enum proc_dir dir = f_entry(f)->get.dir;
	u64 id = f->f_path.dentry->fs_id;

	for (; f->f_pos - 2 < nr_proc_entries; f->f_pos++) {
		const struct proc_entry *e = &proc_entries[f->f_pos - 2];

		if (!proc_entry_in(e, dir, id))
			continue;
		if (!emit(ctx, e->name, proc_ino(e, id), entry_dtype(e), f->f_pos + 1))
			return false;
	}
	return true;
}

static int dir_iterate(struct file *f, emit_fn emit, void *ctx)
{
	u64 id = f->f_path.dentry->fs_id, at;
	const struct proc_entry *pattern = proc_pattern(f_entry(f)->get.dir);
	char name[64];

	if (ID_PID(id) && !proc_task(f_machine(f), id))
		return -ENOENT;
	if (f->f_pos < FIRST_PATTERN) {
		if (!emit_dots(f, emit, ctx) || !emit_rows(f, emit, ctx))
			return 0;
		f->f_pos = FIRST_PATTERN;
	}
	if (!pattern)
		return 0;
	for (at = f->f_pos - FIRST_PATTERN;; f->f_pos = FIRST_PATTERN + at) {
		u64 sub = proc_pattern_next(f_machine(f), pattern, id, &at, name);

		if (!sub || !emit(ctx, name, proc_ino(pattern, sub), entry_dtype(pattern),
				  FIRST_PATTERN + at))
			return 0;
	}
}

/* --- opening ------------------------------------------------------------------------------ */

/* Nothing here can be mapped, but not everything is without an mmap() of its own, which comes last:
 * proc_reg_mmap() of what is neither a process's nor below sys/, kernfs_fop_mmap(). */
static int proc_mmap_file(struct file *f, struct mmap_file *out)
{
	const struct proc_entry *e = f->f_path.dentry->fs_private;

	if (e->dir >= DIR_SYSFS)
		out->fails = -ENODEV;
	else if (e->dir == DIR_ROOT || e->dir == DIR_SYSVIPC)
		out->fails = -EIO;
	else
		return -ENODEV;
	return 0;
}

static const struct file_operations proc_text_fops = {
	.read_iter = proc_seq_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_seq_llseek,
	.mmap_file = proc_mmap_file,
	.release = proc_seq_release,
};

static const struct file_operations proc_simple_fops = {
	.read_iter = simple_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_llseek,
	.mmap_file = proc_mmap_file,
};

/* kernfs: as other text, but with an end. */
static const struct file_operations sysfs_text_fops = {
	.read_iter = proc_seq_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_llseek,
	.mmap_file = proc_mmap_file,
	.release = proc_seq_release,
};

static const struct file_operations proc_bytes_fops = {
	.read_iter = bytes_read_iter,
	.write_iter = text_write_iter,
	.llseek = mem_llseek,
	.mmap_file = proc_mmap_file,
};

/* ... of those that seek as text does. */
static const struct file_operations proc_simple_bytes_fops = {
	.read_iter = bytes_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_llseek,
	.mmap_file = proc_mmap_file,
};

static const struct file_operations proc_mm_fops = {
	.read_iter = proc_seq_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_seq_llseek,
	.release = mm_release_file,
};

static const struct file_operations proc_maps_fops = {
	.read_iter = proc_seq_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_seq_llseek,
	.ioctl = proc_ioctl_maps,
	.release = mm_release_file,
};

static const struct file_operations proc_mem_fops = {
	.read_iter = mem_read_iter,
	.write_iter = mem_write_iter,
	.llseek = mem_llseek,
	.mmap_file = proc_mmap_file,
	.release = mm_release_file,
};

static const struct file_operations proc_simple_mem_fops = {
	.read_iter = mem_read_iter,
	.llseek = proc_llseek,
	.release = mm_release_file,
};

static const struct file_operations proc_pagemap_fops = {
	.read_iter = mem_read_iter,
	.write_iter = mem_write_iter,
	.llseek = mem_llseek,
	.ioctl = proc_ioctl_pagemap,
	.release = mm_release_file,
};

static const struct file_operations proc_dir_fops = {
	.iterate = dir_iterate,
	.llseek = proc_llseek,
};

void proc_owner(const struct dentry *d, const struct task_struct *t, u32 *uid, u32 *gid)
{
	*uid = *gid = 0;
	/* A directory that all may read tells whose the process is, whatever else is kept from them. */
	if (t && (d->mode == (S_IFDIR | 0555) || (t->mm && t->mm->dumpable == SUID_DUMP_USER))) {
		*uid = t->euid;
		*gid = t->egid;
	}
}

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

/* Which address space a file is about, and who may see it. 0 or -errno. */
static int open_mm(const struct proc_entry *e, const struct task_struct *curr,
		   const struct task_struct *t, struct mm_struct **out)
{
	unsigned mode = e->flags & P_ATTACH ? PTRACE_MODE_ATTACH : PTRACE_MODE_READ;
	struct mm_struct *mm = mm_access(curr, t, mode | PTRACE_MODE_FSCREDS);

	*out = IS_ERR(mm) ? NULL : mm;
	return !IS_ERR(mm) || (PTR_ERR(mm) == -ESRCH && !(e->flags & P_LIVE)) ? 0 : PTR_ERR(mm);
}

/* Gives a new file what it is about. The file, or ERR_PTR(-ENOMEM) and it is closed. */
static struct file *bind_mm(struct file *f, struct mm_struct *mm, bool show_pfn)
{
	struct proc_mm_file *mf = kzalloc(f->vfs->mem, sizeof(*mf), GFP_KERNEL);

	if (!mf) {
		static const struct file_operations nothing;

		f->f_op = &nothing;
		fput(f);
		return ERR_PTR(-ENOMEM);
	}
	mf->mm = mm;
	mf->show_pfn = show_pfn;
	if (mm)
		mmgrab(mm);
	f->private_data = mf;
	return f;
}

static const struct file_operations *entry_fops(const struct proc_entry *e)
{
	switch (e->kind) {
	case KIND_DIR:
		return &proc_dir_fops;
	case KIND_BYTES:
		return e->flags & (P_SIMPLE | P_WRITE_ONLY) ? &proc_simple_bytes_fops
							    : &proc_bytes_fops;
	case KIND_MM:
		return &proc_mm_fops;
	case KIND_VMAS:
		return e->get.vmas == proc_record_maps ? &proc_maps_fops : &proc_mm_fops;
	case KIND_MEM:
		if (e->flags & P_SIMPLE)
			return &proc_simple_mem_fops;
		return e->get.mem == proc_read_pagemap ? &proc_pagemap_fops : &proc_mem_fops;
	default:
		if (below_sys(e) || (e->flags & P_SIMPLE))
			return &proc_simple_fops;
		return e->dir >= DIR_SYSFS ? &sysfs_text_fops : &proc_text_fops;
	}
}

struct file *proc_open(const struct path *p, int flags)
{
	static const u8 need[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};
	const struct proc_entry *e = p->dentry->fs_private;
	struct machine *m = vfs_machine(p->dentry->vfs);
	struct task_struct *curr = current_task(m);
	struct task_struct *t = ID_PID(p->dentry->fs_id) ? proc_task(m, p->dentry->fs_id) : NULL;
	bool mm_file = e->kind == KIND_MM || e->kind == KIND_VMAS || e->kind == KIND_MEM;
	int acc = need[flags & O_ACCMODE], err;
	struct mm_struct *mm = NULL;
	u32 mode = FMODE_LSEEK;
	struct file *f;

	err = curr ? proc_permission(p->dentry, acc | (flags & O_TRUNC ? W_OK : 0), curr->fsuid,
				     curr->fsgid)
		   : 0;
	if (err)
		return ERR_PTR(err);
	if (ID_PID(p->dentry->fs_id) && !t)
		return ERR_PTR(-ENOENT);
	/* kernfs_fop_open(): what cannot be read or written by anybody is not opened for that. */
	if (e->dir >= DIR_SYSFS && e->kind != KIND_DIR &&
	    (((acc & R_OK) && !(e->mode & 0444)) || ((acc & W_OK) && !(e->mode & 0222))))
		return ERR_PTR(-EACCES);
	if ((acc & W_OK) && (e->flags & P_ADMIN) && !task_capable(curr, CAP_SYS_ADMIN_NR))
		return ERR_PTR(-EACCES);
	err = mm_file ? open_mm(e, curr, t, &mm) : 0;
	if (err)
		return ERR_PTR(err);
	if (e->kind == KIND_BYTES || (ID_PID(p->dentry->fs_id) && !(e->flags & P_SPLICE)))
		mode |= FMODE_NO_SPLICE;
	if (acc & R_OK)
		mode |= FMODE_READ;
	if (acc & W_OK)
		mode |= FMODE_WRITE;
	if (entry_fops(e)->llseek == proc_seq_llseek)
		mode |= FMODE_NO_PWRITE;
	f = file_alloc(p->dentry->vfs, p, entry_fops(e), mode, flags);
	return mm_file && !IS_ERR(f) ? bind_mm(f, mm, task_capable(curr, CAP_SYS_ADMIN_NR)) : f;
}
