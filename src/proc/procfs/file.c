/* Open files of /proc: text that is written in one go at the first read, binary files, writes,
 * directories. Whose file it is stands in the dentry; the task is looked up at each use. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

#define WRITE_MAX 4095	   /* longest text that a file takes */
#define FIRST_PATTERN 1024 /* positions in a directory: behind the rows of the table */

static inline const struct proc_entry *f_entry(const struct file *f)
{
	return f->f_path.dentry->fs_private;
}

static inline struct machine *f_machine(const struct file *f)
{
	return vfs_machine(f->vfs);
}

/* --- text --------------------------------------------------------------------------------- */

int proc_show(const struct proc_entry *e, struct seq *out, struct machine *m, struct task_struct *t,
	      u64 sub)
{
	int err;

	switch (e->kind) {
	case KIND_CONST:
		seq_puts(out, e->get.line);
		seq_putc(out, '\n');
		err = 0;
		break;
	case KIND_SYSTEM:
		err = e->get.system(out, m);
		break;
	case KIND_TASK:
		err = t ? e->get.task(out, t) : -ESRCH;
		break;
	case KIND_ITEM:
		err = t ? e->get.item(out, t, sub) : -ESRCH;
		break;
	default:
		return -EINVAL;
	}
	return out->overflow ? -ENOMEM : err;
}

/* The text as of now. */
static int refill(struct file *f, struct seq *s)
{
	u64 id = f->f_path.dentry->fs_id;
	int err;

	s->count = 0;
	s->overflow = false;
	err = proc_show(f_entry(f), s, f_machine(f), proc_task(f_machine(f), id), ID_SUB(id));
	if (err)
		seq_release(s); /* the next read tries again */
	return err;
}

static long text_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct seq *s = f->private_data;
	u64 n, done = 0;
	const char *text;

	if (!s) {
		s = kzalloc(f->vfs->mem, sizeof(*s), GFP_KERNEL);
		if (!s)
			return -ENOMEM;
		s->mem = f->vfs->mem;
		f->private_data = s;
	}
	if (!to->count)
		return 0;
	if (!*pos || !s->size) {
		int err = refill(f, s);

		if (err)
			return err;
	}
	while (to->count && (text = seq_peek(s, *pos, &n))) {
		u64 got = copy_to_iter(text, min(n, to->count), to);

		*pos += got;
		done += got;
		if (got < n)
			return done ? (long)done : -EFAULT;
	}
	return done;
}

static void text_release(struct file *f)
{
	struct seq *s = f->private_data;

	if (!s)
		return;
	seq_release(s);
	kfree(f->vfs->mem, s);
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

static long text_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	const struct proc_entry *e = f_entry(f);
	u64 id = f->f_path.dentry->fs_id, n = from->count, got;
	struct task_struct *t = NULL;
	char *text;
	long err;

	if (e->write == proc_write_none)
		return -EINVAL;
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
	if (!err)
		err = e->write(f_machine(f), t, text);
	kfree(f->vfs->mem, text);
	if (err)
		return err;
	*pos += n;
	return n;
}

/* mem takes bytes, not text. */
static long bytes_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct task_struct *t;

	if (f_entry(f)->get.bytes != proc_read_mem)
		return text_write_iter(f, from, pos);
	t = proc_task(f_machine(f), f->f_path.dentry->fs_id);
	return t ? proc_write_mem_iter(t, from, pos) : -ESRCH;
}

/* SEEK_SET and SEEK_CUR: these files have no end. Positions of mem may look negative. */
static s64 proc_llseek(struct file *f, s64 off, int whence)
{
	bool big = f_entry(f)->kind == KIND_BYTES;

	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0 && !big)
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

static const struct file_operations proc_text_fops = {
	.read_iter = text_read_iter,
	.write_iter = text_write_iter,
	.llseek = proc_llseek,
	.release = text_release,
};

static const struct file_operations proc_bytes_fops = {
	.read_iter = bytes_read_iter,
	.write_iter = bytes_write_iter,
	.llseek = proc_llseek,
};

static const struct file_operations proc_dir_fops = {
	.iterate = dir_iterate,
	.llseek = proc_llseek,
};

static bool below_sys(const struct proc_entry *e)
{
	return e->dir >= DIR_SYS && e->dir <= DIR_SYS_VM;
}

int proc_permission(struct dentry *d, int mode, u32 uid, u32 gid)
{
	struct machine *m = vfs_machine(d->vfs);
	struct task_struct *t = ID_PID(d->fs_id) ? proc_task(m, d->fs_id) : NULL;
	bool dumpable = t && t->dumpable;
	u32 owner = dumpable ? t->euid : 0, group = dumpable ? t->egid : 0;
	u32 bits = d->mode & 7;

	mode &= R_OK | W_OK | X_OK;
	if (S_ISLNK(d->mode))
		return 0;
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

struct file *proc_open(const struct path *p, int flags)
{
	static const u8 need[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};
	const struct proc_entry *e = p->dentry->fs_private;
	struct machine *m = vfs_machine(p->dentry->vfs);
	struct task_struct *curr = current_task(m);
	const struct file_operations *op = &proc_text_fops;
	int acc = need[flags & O_ACCMODE];
	u32 mode = FMODE_LSEEK;

	if (curr && proc_permission(p->dentry, acc, curr->fsuid, curr->fsgid))
		return ERR_PTR(-EACCES);
	if (ID_PID(p->dentry->fs_id) && !proc_task(m, p->dentry->fs_id))
		return ERR_PTR(-ENOENT);
	if (e->kind == KIND_DIR)
		op = &proc_dir_fops;
	else if (e->kind == KIND_BYTES)
		op = &proc_bytes_fops;
	if (e->kind == KIND_BYTES || (ID_PID(p->dentry->fs_id) && !(e->flags & P_SPLICE)))
		mode |= FMODE_NO_SPLICE;
	if (acc & R_OK)
		mode |= FMODE_READ;
	if (acc & W_OK)
		mode |= FMODE_WRITE;
	return file_alloc(p->dentry->vfs, p, op, mode, flags);
}
