/* Open files of /proc and /sys: opening, and what reads and writes them (text in records: seq.c). Whose file
 * it is stands in the dentry; the task is looked up at each use. Files about memory keep the address space
 * that was there when they were opened, and who may open them is asked then: proc_mem_open().
 * See internal.h. */
#include "proc/procfs/internal.h"

#include <limits.h>
#include <unistd.h>

#include "base/err.h"

#define WRITE_MAX 4095	/* longest text that a file takes */
#define MAX_POS INT_MAX /* s_maxbytes */

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
		err = e->get.sized(out, m, sub);
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
	if (e->write == proc_write_none)
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
	if (!err)
		err = e->write(f_machine(f), t, ID_SUB(id), text);
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
s64 proc_llseek(struct file *f, s64 off, int whence)
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

/* --- opening ------------------------------------------------------------------------------ */

/* Nothing here can be mapped, but not everything is without an mmap() of its own, which comes last:
 * proc_reg_mmap() of what is neither a process's nor below sys/, kernfs_fop_mmap(). */
static int proc_mmap_file(struct file *f, struct mmap_file *out)
{
	const struct proc_entry *e = f->f_path.dentry->fs_private;

	if (e->dir >= DIR_SYSFS)
		out->fails = -ENODEV;
	else if (e->dir == DIR_ROOT || e->dir == DIR_SYSVIPC || e->dir == DIR_TTY)
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
	if ((acc & W_OK) && (e->flags & P_ADMIN) && !task_capable(curr, CAP_SYS_ADMIN))
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
	return mm_file && !IS_ERR(f) ? bind_mm(f, mm, task_capable(curr, CAP_SYS_ADMIN)) : f;
}
