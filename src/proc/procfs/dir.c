/* Directories of /proc and /sys: a name looked up, all names listed. Rows of the table come first, then what
 * the directory's pattern row stands for (fd.c, hugepages.c). See internal.h; fs/proc/generic.c. */
#include "proc/procfs/internal.h"

#include <string.h>

#include "base/err.h"

#define FIRST_PATTERN 1024 /* positions in a directory: behind the rows of the table */

/* --- one name ----------------------------------------------------------------------------- */

/* Of the task, while it is there. */
static bool task_is_gone(const struct dentry *d)
{
	return ID_PID(d->fs_id) && !proc_task(vfs_machine(d->vfs), d->fs_id);
}

struct dentry *proc_lookup(struct dentry *dir, const char *name)
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

/* --- all names ---------------------------------------------------------------------------- */

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

const struct file_operations proc_dir_fops = {
	.iterate = dir_iterate,
	.llseek = proc_llseek,
};
