/* Calls about memory that are not mmap's kin: another process's bytes, protection keys, seals. */
#include "syscalls/internal.h"

#include <sys/uio.h>

#include "proc/userfaultfd.h"

#define COPY_PAGE PAGE_SIZE
#define PIN_PAGES (2 * PAGE_SIZE / sizeof(void *)) /* at once. Linux: PVM_MAX_KMALLOC_PAGES */

/* mseal(2). What do_mseal() says. */
long sys_mseal(struct task_struct *t, const struct sysargs *a)
{
	return do_mseal(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* --- protection keys: the CPU has none ----------------------------------------------------- */

/* pkey_mprotect(2). -EINVAL: any key but -1; as mprotect(2). */
long sys_pkey_mprotect(struct task_struct *t, const struct sysargs *a)
{
	/* A length of 0 is done before the key is looked at. */
	if ((int)a->arg[3] != -1 && (a->arg[1] || !page_aligned(a->arg[0])))
		return -EINVAL;
	return do_mprotect(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* pkey_alloc(2). -EINVAL, as on every CPU without keys. */
long sys_pkey_alloc(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -EINVAL;
}

/* pkey_free(2). -EINVAL: nobody has one. */
long sys_pkey_free(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -EINVAL;
}

/* remap_file_pages(2), emulated by mmap as since Linux 4.0. What do_remap_file_pages() says. */
long sys_remap_file_pages(struct task_struct *t, const struct sysargs *a)
{
	return do_remap_file_pages(t->mm, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

/* --- process_vm_readv, process_vm_writev --------------------------------------------------- */

/* One side's vector, read from the caller. */
struct vm_vec {
	struct iovec *iov;
	u32 nr, at;
	u64 off, total;
	u64 pinned_to, pinned; /* remote: bytes of this entry; pages to unpin */
};

/* @local: the caller's own memory. 0 or -errno; v->iov is the caller's to free in any case. */
static long vec_get(struct task_struct *t, struct vm_vec *v, gva_t addr, u64 nr, bool local)
{
	long ret;

	*v = (struct vm_vec){.nr = nr};
	ret = local ? import_iovec(t, addr, nr, NULL, &v->iov)
		    : iovec_from_user(t, addr, nr, NULL, &v->iov);
	for (u32 i = 0; ret >= 0 && i < nr; i++)
		v->total += v->iov[i].iov_len;
	return min(ret, 0L);
}

/* The next run of at most @n bytes, within a page: its length, its address in *@addr. 0: the end. */
static u64 vec_run(struct vm_vec *v, u64 n, gva_t *addr)
{
	while (v->at < v->nr && v->off == v->iov[v->at].iov_len) {
		v->at++;
		v->off = 0;
	}
	if (v->at == v->nr)
		return 0;
	*addr = (gva_t)v->iov[v->at].iov_base + v->off;
	n = min(n, v->iov[v->at].iov_len - v->off);
	return min(n, PAGE_SIZE - page_offset(*addr));
}

/* Pins what is left of @v's entry, from @addr on, unless that is done: however little is then copied. */
static bool pin_next(struct mm_struct *mm, struct vm_vec *v, gva_t addr, bool write)
{
	u64 left = v->iov[v->at].iov_len - v->off + page_offset(addr);
	long pages;

	if (v->off && v->off != v->pinned_to)
		return true;
	unpin_user_pages(mm->mem, v->pinned);
	pages = pin_user_pages_remote(mm, addr, min(page_align(left) >> PAGE_SHIFT, PIN_PAGES),
				      write, &v->pinned);
	v->pinned_to = v->off + pages * PAGE_SIZE - page_offset(addr);
	return pages > 0;
}

/* Moves bytes page by page; what was moved before a fault counts. */
static long vm_copy(struct task_struct *t, struct mm_struct *other, struct vm_vec *local,
		    struct vm_vec *remote, void *buf, bool write)
{
	u64 done = 0, n;
	gva_t here, there;

	while ((n = vec_run(local, COPY_PAGE, &here)) && (n = vec_run(remote, n, &there))) {
		long moved = n;

		if (!pin_next(other, remote, there, write))
			break;
		if (write) {
			moved -= copy_from_user(t->mm, buf, here, n);
			if (moved)
				moved = access_pinned_vm(other, there, buf, moved, true);
		} else {
			moved = access_pinned_vm(other, there, buf, n, false);
			if (moved > 0)
				moved -= copy_to_user(t->mm, here, buf, moved);
		}
		if (moved <= 0)
			break;
		done += moved;
		local->off += moved;
		remote->off += moved;
		if ((u64)moved < n)
			break;
	}
	unpin_user_pages(other->mem, remote->pinned);
	return done || !local->total || !remote->total ? (long)done : -EFAULT;
}

static long process_vm_rw(struct task_struct *t, const struct sysargs *a, bool write)
{
	struct memory *mem = &t->machine->mem;
	struct vm_vec local, remote = {0};
	struct task_struct *other;
	struct mm_struct *mm;
	void *buf = NULL;
	long ret;

	if (a->arg[5])
		return -EINVAL;
	ret = vec_get(t, &local, a->arg[1], a->arg[2], true);
	if (ret || !local.total)
		goto out;
	ret = vec_get(t, &remote, a->arg[3], a->arg[4], false);
	if (ret)
		goto out;
	other = find_task_by_pid(t->machine, a->arg[0]);
	mm = other ? mm_access(t, other, PTRACE_MODE_ATTACH) : ERR_PTR(-ESRCH);
	ret = PTR_ERR(mm) == -EACCES ? -EPERM : -ESRCH;
	if (IS_ERR(mm))
		goto out;
	ret = -ENOMEM;
	buf = kmalloc(mem, COPY_PAGE, GFP_KERNEL);
	if (buf) {
		mmget(mm); /* the copy may sleep, and the process end */
		ret = vm_copy(t, mm, &local, &remote, buf, write);
		mmput(mm);
	}
out:
	kfree(mem, buf);
	kfree(mem, local.iov);
	kfree(mem, remote.iov);
	return ret;
}

/* process_vm_readv(2). Bytes. -EINVAL: flags, the vectors; -ESRCH, -EPERM, -EFAULT. */
long sys_process_vm_readv(struct task_struct *t, const struct sysargs *a)
{
	return process_vm_rw(t, a, false);
}

/* process_vm_writev(2). As process_vm_readv(2). */
long sys_process_vm_writev(struct task_struct *t, const struct sysargs *a)
{
	return process_vm_rw(t, a, true);
}

/* userfaultfd(2). What do_userfaultfd() says. */
long sys_userfaultfd(struct task_struct *t, const struct sysargs *a)
{
	return do_userfaultfd(t, a->arg[0]);
}

/* --- process_madvise ----------------------------------------------------------------------- */

/* Advises each piece in turn; bytes done, or the error of the first. */
static long vector_madvise(struct mm_struct *mm, const struct iovec *iov, u64 nr, int advice)
{
	u64 done = 0, total = 0;
	long ret = 0;

	for (u64 i = 0; i < nr; i++)
		total += iov[i].iov_len;
	for (u64 i = 0; i < nr && done < total; i++) {
		if (i && !iov[i].iov_len)
			continue; /* the iterator steps over it */
		ret = do_madvise(mm, (gva_t)iov[i].iov_base, iov[i].iov_len, advice);
		if (ret < 0)
			break;
		done += iov[i].iov_len;
	}
	return done ? (long)done : ret;
}

static long advise_task(struct task_struct *t, s32 pidfd, const struct iovec *iov, u64 nr,
			int advice)
{
	struct task_struct *p = pidfd_get_task(t, pidfd);
	struct mm_struct *mm;
	long ret;

	if (IS_ERR(p))
		return PTR_ERR(p);
	mm = mm_access(t, p, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (mm != t->mm && !madvise_is_remote(advice))
		return -EINVAL;
	if (mm != t->mm && !capable(t, 23 /* CAP_SYS_NICE */))
		return -EPERM;
	mmget(mm); /* the process may end while the call sleeps */
	ret = vector_madvise(mm, iov, nr, advice);
	mmput(mm);
	return ret;
}

/* process_madvise(2). Bytes. -EINVAL: flags, the vector, an advice for oneself only; -EBADF,
 * -ESRCH, -EPERM. */
long sys_process_madvise(struct task_struct *t, const struct sysargs *a)
{
	struct iovec *iov;
	long ret;

	if ((u32)a->arg[4])
		return -EINVAL;
	ret = import_iovec(t, a->arg[1], a->arg[2], NULL, &iov);
	if (ret >= 0)
		ret = advise_task(t, a->arg[0], iov, a->arg[2], (int)a->arg[3]);
	kfree(&t->machine->mem, iov);
	return ret;
}

/* --- process_mrelease ---------------------------------------------------------------------- */

/* task_will_free_mem(): it, and whoever else holds its memory. */
static bool will_free_mem(const struct task_struct *p)
{
	const struct task_struct *other;

	list_for_each_entry (other, &p->machine->tasks, tasks)
		if (other->mm == p->mm && !other->signal->group_exit &&
		    !fatal_signal_pending(other))
			return false;
	return true;
}

/* process_mrelease(2): memory of a killed process comes back at once, not when it has run its end. -EINVAL:
 * flags, it lives; -EBADF, -ESRCH. */
long sys_process_mrelease(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p;

	if ((u32)a->arg[1])
		return -EINVAL;
	p = pidfd_get_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (!p->mm)
		return -ESRCH;
	if (!will_free_mem(p))
		return -EINVAL;
	if (!p->mm->reaped)
		mm_reap(p->mm);
	return 0;
}
