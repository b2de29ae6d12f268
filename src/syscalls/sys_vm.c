/* Calls about memory that are not mmap's kin: another process's bytes, protection keys, seals. */
#include "syscalls/internal.h"

#include <sys/uio.h>

#define COPY_PAGE PAGE_SIZE
#define UIO_MAXIOV_K 1024U

long sys_mseal(struct task_struct *t, const struct sysargs *a)
{
	return do_mseal(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* --- protection keys: the CPU has none ----------------------------------------------------- */

long sys_pkey_mprotect(struct task_struct *t, const struct sysargs *a)
{
	if ((int)a->arg[3] != -1)
		return -EINVAL;
	return do_mprotect(t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

long sys_pkey_alloc(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -EINVAL;
}

long sys_pkey_free(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -EINVAL;
}

/* remap_file_pages(2), emulated by mmap as since Linux 4.0. */
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
};

static long vec_get(struct task_struct *t, struct vm_vec *v, gva_t addr, u64 nr)
{
	u64 bytes = nr * sizeof(struct iovec);

	*v = (struct vm_vec){.nr = nr};
	if (nr > UIO_MAXIOV_K)
		return -EINVAL;
	if (!nr)
		return 0;
	v->iov = kmalloc(&t->machine->mem, bytes, GFP_KERNEL);
	if (!v->iov)
		return -ENOMEM;
	if (copy_from_user(t->mm, v->iov, addr, bytes))
		return -EFAULT;
	for (u32 i = 0; i < nr; i++) {
		if ((s64)v->iov[i].iov_len < 0)
			return -EINVAL;
		v->total += v->iov[i].iov_len;
	}
	return 0;
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

/* Moves bytes page by page; what was moved before a fault counts. */
static long vm_copy(struct task_struct *t, struct mm_struct *other, struct vm_vec *local,
		    struct vm_vec *remote, void *buf, bool write)
{
	u64 done = 0, n;
	gva_t here, there;

	while ((n = vec_run(local, COPY_PAGE, &here)) && (n = vec_run(remote, n, &there))) {
		long moved = n;

		if (write) {
			moved -= copy_from_user(t->mm, buf, here, n);
			if (moved)
				moved = access_remote_vm(other, there, buf, moved, true, false);
		} else {
			moved = access_remote_vm(other, there, buf, n, false, false);
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
	return done || !local->total || !remote->total ? (long)done : -EFAULT;
}

/* May @t look into @other's memory? 0 or -EPERM. */
static int may_access(const struct task_struct *t, const struct task_struct *other)
{
	bool same = t->uid == other->uid && t->uid == other->euid && t->uid == other->suid &&
		    t->gid == other->gid && t->gid == other->egid && t->gid == other->sgid;

	if (t == other || capable(t, 19 /* CAP_SYS_PTRACE */))
		return 0;
	return same && other->dumpable ? 0 : -EPERM;
}

static long process_vm_rw(struct task_struct *t, const struct sysargs *a, bool write)
{
	struct memory *mem = &t->machine->mem;
	struct vm_vec local, remote = {0};
	struct task_struct *other;
	void *buf = NULL;
	long ret;

	if (a->arg[5])
		return -EINVAL;
	ret = vec_get(t, &local, a->arg[1], a->arg[2]);
	if (ret || !local.total)
		goto out;
	ret = vec_get(t, &remote, a->arg[3], a->arg[4]);
	if (ret)
		goto out;
	other = find_task_by_pid(t->machine, a->arg[0]);
	ret = -ESRCH;
	if (!other || !other->mm)
		goto out;
	ret = may_access(t, other);
	if (ret)
		goto out;
	ret = -ENOMEM;
	buf = kmalloc(mem, COPY_PAGE, GFP_KERNEL);
	if (buf)
		ret = vm_copy(t, other->mm, &local, &remote, buf, write);
out:
	kfree(mem, buf);
	kfree(mem, local.iov);
	kfree(mem, remote.iov);
	return ret;
}

long sys_process_vm_readv(struct task_struct *t, const struct sysargs *a)
{
	return process_vm_rw(t, a, false);
}

long sys_process_vm_writev(struct task_struct *t, const struct sysargs *a)
{
	return process_vm_rw(t, a, true);
}
