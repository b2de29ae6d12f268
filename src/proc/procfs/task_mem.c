/* /proc/PID files that are a task's memory itself: mem, auxv, environ, cmdline; and clear_refs.
 * See: Linux 6.18, fs/proc/base.c, task_mmu.c; proc(5). */
#include <string.h>

#include "base/err.h"
#include "mm/paging.h"
#include "mm/uaccess.h"
#include "proc/procfs/internal.h"

long proc_read_nothing(struct task_struct *t __unused, struct iov_iter *to __unused,
		       u64 *pos __unused)
{
	return -EINVAL;
}

/* --- clear_refs --------------------------------------------------------------------------- */

enum clear_refs_type {
	CLEAR_REFS_ALL = 1,
	CLEAR_REFS_ANON,
	CLEAR_REFS_MAPPED,
	CLEAR_REFS_SOFT_DIRTY,
	CLEAR_REFS_MM_HIWATER_RSS,
};

static int clear_refs_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	const struct memory *mem = arg;

	if (!pte_present(*pte) || pte_special(*pte))
		return 0;
	pte->pte &= ~_PAGE_ACCESSED;
	page_clear(pfn_to_page(mem, pte_pfn(*pte)), PG_referenced);
	return 0;
}

/* proc(5). No TLB flush: an access that the TLB serves does not set the bit again, as on Linux. */
int proc_write_clear_refs(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	struct vm_area_struct *vma;
	struct mm_counts c;
	int type, err = proc_parse_int(text, &type);

	if (err)
		return -EINVAL;
	if (type < CLEAR_REFS_ALL || type > CLEAR_REFS_MM_HIWATER_RSS)
		return -EINVAL;
	if (!t->mm || type == CLEAR_REFS_SOFT_DIRTY) /* CONFIG_MEM_SOFT_DIRTY is off */
		return 0;
	if (type == CLEAR_REFS_MM_HIWATER_RSS) {
		t->mm->hiwater_rss = 0;
		mm_read_counts(t->mm, &c);
		t->mm->hiwater_rss = c.peak_rss;
		return 0;
	}
	for_each_vma (t->mm, vma) {
		bool file = vma->vm_file || vma->vm_mapping;

		if ((vma->vm_flags & VM_PFNMAP) || (type == CLEAR_REFS_ANON && file) ||
		    (type == CLEAR_REFS_MAPPED && !file))
			continue;
		walk_page_range(t->mm, vma->vm_start, vma->vm_end, clear_refs_pte, &m->mem);
	}
	return 0;
}

/* --- guest memory by address -------------------------------------------------------------- */

/* Reads up to @n bytes within a page: FOLL_FORCE; or, with @anon, FOLL_ANON, so that nobody shows bytes of a
 * file, or waits for them, in the guise of an argument. Bytes or -EFAULT. */
static long peek_guest(struct mm_struct *mm, gva_t addr, void *buf, u64 n, bool anon)
{
	const struct vm_area_struct *vma = anon ? vma_lookup(mm, addr) : NULL;

	if (anon && (!vma || !vma_is_anonymous(vma)))
		return -EFAULT;
	return access_remote_vm(mm, addr, buf, n, false, !anon);
}

/* Copies [addr, addr + n) of @mm out, as far as it can be read; bytes. @anon: see above. Sleeps,
 * and holds @mm meanwhile, but not its task. */
static long copy_guest_out(struct mm_struct *mm, gva_t addr, u64 n, struct iov_iter *to, bool anon)
{
	void *buf = kmalloc(mm->mem, PAGE_SIZE, GFP_KERNEL);
	long done = 0;

	if (!buf)
		return -ENOMEM;
	mmget(mm);
	while (n) {
		u64 want = min(n, PAGE_SIZE - page_offset(addr)), put;
		long got = peek_guest(mm, addr, buf, want, anon);

		if (got <= 0)
			break;
		put = copy_to_iter(buf, got, to);
		if (!put && !done)
			done = -EFAULT;
		if (!put)
			break;
		done += put;
		addr += put;
		n -= put;
		if (put < want)
			break;
	}
	kfree(mm->mem, buf);
	mmput(mm);
	return done;
}

/* /proc/PID/mem, proc(5): a hole is -EIO, or ends what came before it. */
long proc_read_mem(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos)
{
	long done;

	if (!mf->mm->mm_users || !to->count)
		return 0;
	if (*pos >= TASK_SIZE)
		return -EIO;
	done = copy_guest_out(mf->mm, *pos, min(to->count, TASK_SIZE - *pos), to, false);
	if (!done)
		return -EIO;
	if (done > 0)
		*pos += done;
	return done;
}

/* Writes also to what is mapped read-only and private: it is copied (FOLL_FORCE). */
long proc_write_mem_iter(const struct proc_mm_file *mf, struct iov_iter *from, u64 *pos)
{
	struct mm_struct *mm = mf->mm;
	struct memory *mem = mm->mem;
	long done = 0, err = 0;
	void *buf;

	if (!mm->mm_users)
		return 0;
	buf = kmalloc(mem, PAGE_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	mmget(mm); /* a copy may sleep, and the task end */
	while (from->count && !err) {
		u64 want = min(from->count, PAGE_SIZE - page_offset(*pos));
		u64 got = copy_from_iter(buf, want, from);
		long put = got ? access_remote_vm(mm, *pos, buf, got, true, true) : 0;

		if (!got)
			err = -EFAULT;
		else if (put <= 0 || (u64)put < want)
			err = -EIO;
		if (put > 0) {
			done += put;
			*pos += put;
		}
	}
	kfree(mem, buf);
	mmput(mm);
	return done ? done : err;
}

/* A file that is the guest's bytes [start, end), from its beginning. */
static long read_guest_range(struct mm_struct *mm, gva_t start, gva_t end, struct iov_iter *to,
			     u64 *pos)
{
	long done;

	if (end <= start || *pos >= end - start)
		return 0;
	done = copy_guest_out(mm, start + *pos, min(to->count, end - start - *pos), to, true);
	if (done > 0)
		*pos += done;
	return done;
}

/* /proc/PID/environ, proc(5): the strings as exec put them, whatever the program did since. */
long proc_read_environ(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos)
{
	struct mm_struct *mm = mf->mm;

	return mm->mm_users ? read_guest_range(mm, mm->env_start, mm->env_end, to, pos) : 0;
}

/* Where the title ends that a program has written over its arguments and further into its
 * environment. See: get_mm_proctitle(). */
static gva_t proctitle_end(struct mm_struct *mm)
{
	gva_t limit = min(mm->env_end, mm->arg_start + PAGE_SIZE), at = mm->arg_start;
	char c;

	while (at < limit && peek_guest(mm, at, &c, 1, true) == 1) {
		at++;
		if (!c)
			break;
	}
	return at;
}

/* /proc/PID/cmdline, proc(5). */
long proc_read_cmdline(struct task_struct *t, struct iov_iter *to, u64 *pos)
{
	struct mm_struct *mm = t->mm;
	gva_t end;
	char c;

	if (!mm || mm->arg_start >= mm->arg_end)
		return 0;
	end = mm->arg_end;
	if (mm->env_start == mm->arg_end && mm->env_end > mm->env_start &&
	    peek_guest(mm, end - 1, &c, 1, true) == 1 && c)
		end = proctitle_end(mm);
	return read_guest_range(mm, mm->arg_start, end, to, pos);
}

/* /proc/PID/auxv, proc(5): the vector of exec, AT_NULL included. It stays when the rest is gone. */
long proc_read_auxv(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos)
{
	const struct mm_struct *mm = mf->mm;
	u64 len, done;

	len = mm->saved_auxv_len * sizeof(u64);
	if (*pos >= len || !to->count)
		return 0;
	len = min(len - *pos, to->count);
	done = copy_to_iter((const char *)mm->saved_auxv + *pos, len, to);
	*pos += done;
	return done ? (long)done : -EFAULT;
}
