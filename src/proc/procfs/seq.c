/* Text files of /proc as read(2) sees them: made of records, one at a time, into a buffer of a page.
 *
 *   index --> record --> seq: [from, count) was made and is not read yet
 *
 * A read hands out what is left, and then makes whole records as long as they fit: so it returns at
 * most a page, or one record that is larger. What was made stays as it was; what comes next is as it
 * is by then. Files of areas go on at the address where the last area ended: nothing that stays is
 * told twice or left out, whatever is mapped or unmapped meanwhile. Another position than the one where
 * the last read ended is looked for from the beginning.
 *
 * See: Linux 6.18, fs/seq_file.c; fs/proc/task_mmu.c, m_start() and m_next(). */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "proc/procfs/internal.h"
#include "proc/procfs/maps.h"

#define INDEX_END (~0UL)      /* there is no more */
#define INDEX_GATE (~0UL - 1) /* areas: what comes after the last */
#define HEAD_LINES 2	      /* P_HEADED */

/* Where records come from during one call. */
struct source {
	const struct proc_entry *e;
	struct machine *m;
	struct task_struct *t;
	u64 sub;
	struct vm_area_struct *vma; /* the next one */
	struct maps_walk w;
	struct seq lines; /* the whole text, and where its next line begins */
	u64 at;
};

static struct proc_seq *proc_seq_of(struct file *f)
{
	struct proc_seq *s = f->private_data;

	if (!s) {
		s = kzalloc(f->vfs->mem, sizeof(*s), GFP_KERNEL);
		f->private_data = s;
	}
	if (s && !s->room) {
		s->seq.mem = f->vfs->mem;
		s->room = PAGE_SIZE;
		init_waitqueue_head(&s->wait, &vfs_machine(f->vfs)->sched);
	}
	return s;
}

/* The text of @f for one who reads or seeks; others wait for seq_unlock(). ERR_PTR: -ENOMEM, -EINTR. */
static struct proc_seq *seq_lock(struct file *f)
{
	struct proc_seq *s = proc_seq_of(f);

	if (!s)
		return ERR_PTR(-ENOMEM);
	if (wait_event_killable(&s->wait, !s->locked))
		return ERR_PTR(-EINTR);
	s->locked = true;
	return s;
}

static void seq_unlock(struct proc_seq *s)
{
	s->locked = false;
	wake_up(&s->wait);
}

static u64 left(const struct proc_seq *s)
{
	return s->seq.count - s->from;
}

static void drop(struct proc_seq *s)
{
	s->seq.count = s->from = 0;
}

/* --- areas -------------------------------------------------------------------------------- */

/* 0; 1: nothing more; -ESRCH: the task is gone; -ENOMEM. */
static int start_vmas(struct proc_seq *s, struct source *src, struct mm_struct *mm)
{
	if (s->index == INDEX_END)
		return 1;
	if (!src->t)
		return -ESRCH;
	if (!mm || !mm->mm_users)
		return 1;
	src->vma = s->index == INDEX_GATE ? NULL : find_vma(mm, s->index);
	return maps_begin(&src->w, &s->seq, mm);
}

static int show_vma(struct proc_seq *s, struct source *src)
{
	struct vm_area_struct *vma = src->vma;

	if (s->index == INDEX_END)
		return 1;
	src->e->get.vmas(&src->w, vma);
	pen_flush(&src->w.pen);
	src->vma = vma ? vma_next(vma) : NULL;
	if (!vma)
		s->index = INDEX_END;
	else
		s->index = src->vma ? vma->vm_end : INDEX_GATE;
	return 0;
}

/* --- lines -------------------------------------------------------------------------------- */

/* Takes the next line, to @to unless that is NULL. 0; 1: there is none. */
static int next_line(struct source *src, struct seq *to)
{
	const char *text;
	u64 n;

	if (src->at >= src->lines.count)
		return 1;
	while ((text = seq_peek(&src->lines, src->at, &n))) {
		const char *end = memchr(text, '\n', n);

		n = end ? (u64)(end + 1 - text) : n;
		if (to)
			seq_write(to, text, n);
		src->at += n;
		if (end)
			break;
	}
	return 0;
}

/* Does the next line belong to the one before, "1: -> ..."? */
static bool is_branch(const struct source *src)
{
	const char *text;
	bool number = true;
	u64 n;

	for (u64 at = src->at; (text = seq_peek(&src->lines, at, &n)); at += n) {
		for (u64 i = 0; i < n; i++) {
			if (number ? text[i] >= '0' && text[i] <= '9' : text[i] == ' ')
				continue;
			if (!number || text[i] != ':')
				return text[i] == '-';
			number = false;
		}
	}
	return false;
}

static int line_record(struct source *src, struct seq *to)
{
	int err;

	if ((src->e->flags & P_HEADED) && !src->at)
		for (int i = 0; i < HEAD_LINES; i++)
			next_line(src, to);
	err = next_line(src, to);
	while (!err && (src->e->flags & P_TREES) && is_branch(src))
		next_line(src, to);
	return err;
}

static int start_lines(struct proc_seq *s, struct source *src)
{
	int err;

	src->lines = (struct seq){.mem = s->seq.mem, .private = src->t};
	err = proc_show(src->e, &src->lines, src->m, src->t, src->sub);
	for (u64 i = 0; !err && i < s->index; i++)
		err = line_record(src, NULL);
	return err;
}

/* --- any ---------------------------------------------------------------------------------- */

/* 0; 1: nothing more; -errno. source_stop() in any case. */
static int source_start(struct file *f, struct proc_seq *s, struct source *src)
{
	u64 id = f->f_path.dentry->fs_id;

	src->e = f->f_path.dentry->fs_private;
	src->m = vfs_machine(f->vfs);
	src->t = proc_task(src->m, id);
	src->sub = ID_SUB(id);
	src->vma = NULL;
	src->w.name = NULL;
	src->w.pen.out = NULL;
	src->lines = (struct seq){0};
	src->at = 0;
	s->seq.private = src->t;
	if (src->e->kind == KIND_VMAS)
		return start_vmas(s, src, ((struct proc_mm_file *)s)->mm);
	if (src->e->flags & P_LINES)
		return start_lines(s, src);
	return s->index != 0;
}

static void source_stop(struct source *src)
{
	if (src->w.name)
		maps_end(&src->w);
	if (src->lines.mem)
		seq_release(&src->lines);
}

/* The text of a file that is one record. */
static int show_single(struct proc_seq *s, struct source *src)
{
	struct mm_struct *mm;
	int err;

	if (s->index)
		return 1;
	if (src->e->kind == KIND_MM) {
		mm = ((struct proc_mm_file *)s)->mm;
		err = src->t ? src->e->get.mm(&s->seq, mm && mm->mm_users ? mm : NULL) : -ESRCH;
	} else {
		err = proc_show(src->e, &s->seq, src->m, src->t, src->sub);
	}
	s->index = !err;
	return err;
}

/* Adds the record at s->index to the buffer and moves on to the next. 0; 1: there is none; -errno. */
static int show_record(struct proc_seq *s, struct source *src)
{
	int err;

	if (src->e->kind == KIND_VMAS) {
		err = show_vma(s, src);
	} else if (src->e->flags & P_LINES) {
		err = line_record(src, &s->seq);
		s->index += !err;
	} else {
		err = show_single(s, src);
	}
	if (s->seq.overflow)
		err = -ENOMEM;
	s->seq.overflow = false;
	return err;
}

/* A record larger than the buffer gets a larger one, for good. */
static void make_room(struct proc_seq *s)
{
	while (s->seq.count >= s->room)
		s->room *= 2;
}

/* The next record that is not empty, and more until there are @want bytes or no room is left. 0, or
 * -errno where not even one could be made. */
static int fill(struct file *f, struct proc_seq *s, u64 want)
{
	struct source src;
	int err = source_start(f, s, &src);

	drop(s);
	while (!err && !s->seq.count)
		err = show_record(s, &src);
	make_room(s);
	while (!err && s->seq.count < want) {
		u64 offs = s->seq.count, index = s->index;

		err = show_record(s, &src);
		if (!err && s->seq.count < s->room)
			continue;
		s->seq.count = offs;
		if (err <= 0)
			s->index = index; /* the next read has it */
		break;
	}
	source_stop(&src);
	return s->seq.count ? 0 : min(err, 0);
}

/* Makes records from the first one on until @offset is reached. */
static int traverse(struct file *f, struct proc_seq *s, u64 offset)
{
	struct source src;
	u64 pos = 0;
	int err;

	s->index = 0;
	drop(s);
	if (!offset)
		return 0;
	err = source_start(f, s, &src);
	while (!err && !(err = show_record(s, &src))) {
		make_room(s);
		if (pos + s->seq.count > offset) {
			s->from = offset - pos;
			break;
		}
		pos += s->seq.count;
		drop(s);
		if (pos == offset)
			break;
	}
	source_stop(&src);
	if (err)
		drop(s);
	return min(err, 0);
}

/* --- read and seek ------------------------------------------------------------------------ */

static int go_to(struct file *f, struct proc_seq *s, u64 pos)
{
	int err = traverse(f, s, pos);

	if (err) {
		s->index = 0;
		drop(s);
	}
	s->read_pos = err ? 0 : pos;
	return err;
}

/* Hands out what is in the buffer. The copy may sleep, and what the text is about be gone. */
static long hand_out(struct proc_seq *s, struct iov_iter *to, u64 *pos)
{
	const char *text;
	long done = 0;
	u64 n;

	while (to->count && left(s) && (text = seq_peek(&s->seq, s->from, &n))) {
		u64 got;

		n = min(min(n, left(s)), to->count);
		got = copy_to_iter(text, n, to);
		s->from += got;
		s->read_pos += got;
		*pos += got;
		done += got;
		if (got < n)
			break;
	}
	return done;
}

static long seq_read(struct file *f, struct proc_seq *s, struct iov_iter *to, u64 *pos)
{
	long done;
	int err;

	if (!*pos) {
		s->index = 0;
		drop(s);
	}
	err = *pos != s->read_pos ? go_to(f, s, *pos) : 0;
	if (err)
		return err;
	done = hand_out(s, to, pos);
	if (!left(s)) { /* also if that was all that is wanted: the next record is of now */
		err = fill(f, s, to->count);
		if (!err)
			done += hand_out(s, to, pos);
	}
	if (done)
		return done;
	return err ? err : left(s) ? -EFAULT : 0;
}

long proc_seq_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct proc_seq *s;
	long ret;

	if (!to->count)
		return 0;
	s = seq_lock(f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = seq_read(f, s, to, pos);
	seq_unlock(s);
	return ret;
}

s64 proc_seq_llseek(struct file *f, s64 off, int whence)
{
	struct proc_seq *s;
	int err;

	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	s = seq_lock(f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = (u64)off != s->read_pos ? go_to(f, s, off) : 0;
	f->f_pos = err ? 0 : off;
	seq_unlock(s);
	return err ? err : off;
}

void proc_seq_release(struct file *f)
{
	struct proc_seq *s = f->private_data;

	if (!s)
		return;
	seq_release(&s->seq);
	kfree(f->vfs->mem, s);
}
