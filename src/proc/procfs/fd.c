/* What comes and goes in /proc: tasks, descriptors and mapped files by name, and where the links
 * about them lead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/bitmap.h"
#include "base/err.h"
#include "fs/fdtable.h"
#include "fs/lease.h"
#include "fs/locks.h"
#include "fs/namei.h"
#include "fs/shmemfs.h"
#include "mm/filemap.h"
#include "proc/procfs/internal.h"

#define FD_MAX 0x7fffffffUL

/* --- names -------------------------------------------------------------------------------- */

/* Decimal without a leading zero, as the kernel's name_to_int(). False: another kind of name. */
static bool parse_number(const char *name, u64 *out)
{
	u64 v = 0;

	if (*name == '0' && name[1])
		return false;
	if (!*name)
		return false;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || v > FD_MAX / 10)
			return false;
		v = v * 10 + (*name - '0');
	}
	*out = v;
	return true;
}

/* "400000-401000": lower-case, no leading zeros. */
static bool parse_range(const char *name, gva_t *start, gva_t *end)
{
	char again[40];
	char *p;

	*start = strtoul(name, &p, 16);
	if (p == name || *p != '-')
		return false;
	*end = strtoul(p + 1, &p, 16);
	if (*p)
		return false;
	snprintf(again, sizeof(again), "%lx-%lx", *start, *end);
	return !strcmp(again, name);
}

/* --- tasks -------------------------------------------------------------------------------- */

/* The task with the lowest number from @at on that is listed: processes, or threads of @tgid. */
static struct task_struct *next_task(struct machine *m, s32 tgid, u64 at)
{
	struct task_struct *t, *best = NULL;

	list_for_each_entry (t, &m->tasks, tasks) {
		if ((u64)t->pid < at || (best && best->pid < t->pid))
			continue;
		if (tgid ? t->tgid == tgid : t->pid == t->tgid)
			best = t;
	}
	return best;
}

static u64 lookup_task(struct machine *m, s32 tgid, u64 pid)
{
	struct task_struct *t = pid < BIT(22) ? find_task_by_pid(m, (s32)pid) : NULL;

	if (!t || (tgid && t->tgid != tgid))
		return 0;
	return ID_MAKE(t->pid, tgid ? ID_THREAD : 0, 0);
}

/* --- descriptors -------------------------------------------------------------------------- */

static struct file *task_file(struct task_struct *t, u64 fd)
{
	return t && t->files && fd <= FD_MAX ? fget(t->files, (int)fd) : NULL;
}

unsigned proc_count_fds(const struct task_struct *t)
{
	return t->files ? bitmap_weight(t->files->open_fds, t->files->max_fds) : 0;
}

static u32 fd_mode(const struct file *f)
{
	u32 mode = 0;

	if (f->f_mode & FMODE_READ)
		mode |= 0500;
	if (f->f_mode & FMODE_WRITE)
		mode |= 0300;
	return mode;
}

/* --- mapped files ------------------------------------------------------------------------- */

/* In Linux shared anonymous memory has one, too. */
static bool has_file(const struct vm_area_struct *vma)
{
	return vma->vm_file || (vma->vm_mapping && vma->vm_mapping->is_shmem);
}

static struct vm_area_struct *mapped_vma(struct task_struct *t, gva_t start)
{
	struct vm_area_struct *vma = t && t->mm ? vma_lookup(t->mm, start) : NULL;

	return vma && vma->vm_start == start && has_file(vma) ? vma : NULL;
}

/* --- the five kinds, by directory --------------------------------------------------------- */

u64 proc_pattern_lookup(struct machine *m, const struct proc_entry *e, u64 id, const char *name)
{
	struct task_struct *t = ID_PID(id) ? proc_task(m, id) : NULL;
	struct vm_area_struct *vma;
	gva_t start, end;
	u64 n;

	if (e->dir >= DIR_SYSFS)
		return proc_size_lookup(m, e->dir, name);
	if (e->dir == DIR_MAP_FILES) {
		vma = parse_range(name, &start, &end) ? mapped_vma(t, start) : NULL;
		return vma && vma->vm_end == end
			       ? ID_MAKE(ID_PID(id), id & ID_THREAD, start >> PAGE_SHIFT)
			       : 0;
	}
	if (!parse_number(name, &n))
		return 0;
	if (e->dir == DIR_ROOT)
		return lookup_task(m, 0, n);
	if (e->dir == DIR_TASK)
		return t ? lookup_task(m, t->tgid, n) : 0;
	return task_file(t, n) ? ID_MAKE(ID_PID(id), id & ID_THREAD, n) : 0;
}

void proc_pattern_name(struct machine *m, const struct proc_entry *e, u64 id, char *name)
{
	gva_t start = ID_SUB(id) << PAGE_SHIFT;
	struct vm_area_struct *vma;

	if (e->dir >= DIR_SYSFS) {
		proc_size_name(id, name);
	} else if (e->kind == KIND_DIR) {
		snprintf(name, 64, "%d", ID_PID(id));
	} else if (e->dir == DIR_MAP_FILES) {
		vma = mapped_vma(proc_task(m, id), start);
		snprintf(name, 64, "%lx-%lx", start, vma ? vma->vm_end : start);
	} else {
		snprintf(name, 64, "%lu", ID_SUB(id));
	}
}

static u64 next_fd(struct task_struct *t, u64 id, u64 *at)
{
	u64 fd;

	if (!t || !t->files)
		return 0;
	fd = find_next_bit(t->files->open_fds, t->files->max_fds, *at);
	if (fd >= t->files->max_fds)
		return 0;
	*at = fd + 1;
	return ID_MAKE(ID_PID(id), id & ID_THREAD, fd);
}

static u64 next_map_file(struct task_struct *t, u64 id, u64 *at)
{
	struct vm_area_struct *vma = t && t->mm ? find_vma(t->mm, *at << PAGE_SHIFT) : NULL;

	while (vma && (!has_file(vma) || vma->vm_start >> PAGE_SHIFT < *at))
		vma = vma_next(vma);
	if (!vma)
		return 0;
	*at = (vma->vm_start >> PAGE_SHIFT) + 1;
	return ID_MAKE(ID_PID(id), id & ID_THREAD, vma->vm_start >> PAGE_SHIFT);
}

u64 proc_pattern_next(struct machine *m, const struct proc_entry *e, u64 id, u64 *at, char *name)
{
	struct task_struct *t = ID_PID(id) ? proc_task(m, id) : NULL;
	u64 next = 0;

	if (e->dir >= DIR_SYSFS) {
		next = proc_size_next(m, e->dir, at);
	} else if (e->dir == DIR_MAP_FILES) {
		next = next_map_file(t, id, at);
	} else if (e->kind != KIND_DIR) {
		next = next_fd(t, id, at);
	} else if (e->dir == DIR_ROOT || t) {
		s32 tgid = t ? t->tgid : 0;
		struct task_struct *found = next_task(m, tgid, *at);

		if (found) {
			next = lookup_task(m, tgid, found->pid);
			*at = found->pid + 1;
		}
	}
	if (next)
		proc_pattern_name(m, e, next, name);
	return next;
}

u32 proc_pattern_mode(struct machine *m, const struct proc_entry *e, u64 id)
{
	struct task_struct *t = proc_task(m, id);
	struct vm_area_struct *vma;
	struct file *f;

	if (e->dir == DIR_FD) {
		f = task_file(t, ID_SUB(id));
		return f ? fd_mode(f) : 0;
	}
	if (e->dir == DIR_MAP_FILES) {
		vma = mapped_vma(t, ID_SUB(id) << PAGE_SHIFT);
		if (vma && !vma->vm_file)
			return 0600;
		return vma ? fd_mode(vma->vm_file) & 0600 : 0;
	}
	return e->mode;
}

/* --- links -------------------------------------------------------------------------------- */

static int link_to(const struct path *p, struct path *out)
{
	if (!p->dentry)
		return -ENOENT;
	*out = *p;
	path_get(out);
	return 0;
}

int proc_link_cwd(struct task_struct *t, u64 sub __unused, struct path *out)
{
	return t->fs ? link_to(&t->fs->pwd, out) : -ENOENT;
}

int proc_link_root(struct task_struct *t, u64 sub __unused, struct path *out)
{
	return t->fs ? link_to(&t->fs->root, out) : -ENOENT;
}

int proc_link_exe(struct task_struct *t, u64 sub __unused, struct path *out)
{
	return t->mm && t->mm->exe_file ? link_to(&t->mm->exe_file->f_path, out) : -ENOENT;
}

int proc_link_fd(struct task_struct *t, u64 sub, struct path *out)
{
	struct file *f = task_file(t, sub);

	return f ? link_to(&f->f_path, out) : -ENOENT;
}

int proc_link_map_file(struct task_struct *t, u64 sub, struct path *out)
{
	struct vm_area_struct *vma = mapped_vma(t, sub << PAGE_SHIFT);

	if (!vma)
		return -ENOENT;
	if (vma->vm_file)
		return link_to(&vma->vm_file->f_path, out);
	return shmem_mapping_path(&t->machine->vfs, vma->vm_mapping, t->euid, t->egid, out);
}

/* --- locks -------------------------------------------------------------------------------- */

static void show_inode(struct seq *out, const struct dentry *d)
{
	seq_printf(out, "%02x:%02x:%lu", major(d->dev), minor(d->dev), d->ino);
}

/* One line. See: Linux 6.18, fs/locks.c, lock_get_status(). */
static void show_lock(struct seq *out, const struct file_lock *fl, unsigned nr, unsigned level)
{
	static const char *const kinds[] = {
		[LOCK_POSIX] = "POSIX ",
		[LOCK_OFD] = "OFDLCK",
		[LOCK_FLOCK] = "FLOCK ",
		[LOCK_LEASE] = "LEASE ",
	};
	bool lease = fl->kind == LOCK_LEASE;
	int type = lease ? lease_target(fl) : fl->type;

	seq_printf(out, "%u: ", nr);
	if (level)
		seq_printf(out, "%*s", (int)level + 2, "-> ");
	seq_printf(out, "%s %s %s %d ", kinds[fl->kind],
		   !lease	 ? "ADVISORY "
		   : fl->pending ? "BREAKING "
		   : fl->file	 ? "ACTIVE   "
				 : "BREAKER  ",
		   type == F_WRLCK   ? "WRITE"
		   : type == F_RDLCK ? "READ"
				     : "UNLCK",
		   fl->pid);
	if (fl->file)
		show_inode(out, fl->file->f_path.dentry);
	else
		seq_puts(out, "<none>:0");
	seq_printf(out, " %lu ", fl->start);
	if (fl->end == LOCK_END)
		seq_puts(out, "EOF\n");
	else
		seq_printf(out, "%lu\n", fl->end);
}

/* /proc/locks, proc(5). Behind each lock those who wait for it. */
int proc_show_locks(struct seq *out, struct machine *m)
{
	const struct file_lock *top, *fl;
	unsigned nr = 0, level;

	for (top = locks_next(&m->vfs, NULL); top; top = locks_next(&m->vfs, top)) {
		nr++;
		level = 0;
		for (fl = top; fl; fl = locks_next_waiter(top, fl, &level))
			show_lock(out, fl, nr, level);
	}
	return 0;
}

/* --- fdinfo ------------------------------------------------------------------------------- */

/* /proc/PID/fdinfo/N, proc(5). mnt_id as mountinfo counts. */
int proc_show_fdinfo(struct seq *out, struct task_struct *t, u64 sub)
{
	struct file *f = task_file(t, sub);
	const struct file_lock *fl;
	unsigned nr = 0;
	u32 flags;

	if (!f)
		return -ENOENT;
	flags = f->f_flags | (fd_cloexec(t->files, sub) ? O_CLOEXEC : 0);
	seq_printf(out, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", (s64)f->f_pos, flags,
		   mount_id(f->vfs, f->f_path.mnt), f->f_path.dentry ? f->f_path.dentry->ino : 0);
	for (fl = locks_next_held(f, t->files, NULL); fl; fl = locks_next_held(f, t->files, fl)) {
		seq_puts(out, "lock:\t");
		show_lock(out, fl, ++nr, 0);
	}
	if (f->f_op->show_fdinfo)
		f->f_op->show_fdinfo(f, out);
	return 0;
}
