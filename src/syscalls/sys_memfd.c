/* memfd_create(2), memfd_secret(2). */
#include "syscalls/internal.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>

#include "fs/hugetlbfs.h"
#include "fs/memfd.h"
#include "fs/secretmem.h"
#include "fs/shmemfs.h"
#include "mm/hugetlb.h"

#define MFD_ALL_FLAGS                                                                              \
	(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | K_MFD_NOEXEC_SEAL | K_MFD_EXEC)
#define K_MFD_NOEXEC_SEAL 8U
#define K_MFD_EXEC 16U
#define MFD_NAME_MAX 249 /* NAME_MAX less "memfd:" */

/* "memfd:" and the guest's name. 0, -EFAULT, -EINVAL (too long). */
static int memfd_name(struct task_struct *t, gva_t name, char *buf)
{
	long len;

	strcpy(buf, "memfd:");
	len = strncpy_from_user(t->mm, buf + 6, name, MFD_NAME_MAX + 1);
	if (len < 0)
		return (int)len;
	return len > MFD_NAME_MAX ? -EINVAL : 0;
}

/* vm.memfd_noexec decides where the program does not. 0 or -EACCES. See: check_sysctl_memfd_noexec(). */
static int check_noexec(const struct task_struct *t, u32 *flags)
{
	int noexec = t->machine->sysctl[SYSCTL_memfd_noexec];

	if (!(*flags & (K_MFD_EXEC | K_MFD_NOEXEC_SEAL)))
		*flags |= noexec ? K_MFD_NOEXEC_SEAL : K_MFD_EXEC;
	return (*flags & K_MFD_NOEXEC_SEAL) || noexec < 2 ? 0 : -EACCES;
}

/* The file itself. ERR_PTR(-ENODEV): no pages of that size. */
static struct file *memfd_file(struct task_struct *t, const char *name, u32 flags)
{
	struct hstate *h;

	if (!(flags & MFD_HUGETLB))
		return shmem_file_setup(&t->machine->vfs, name, 0, VM_NORESERVE,
					flags & K_MFD_NOEXEC_SEAL ? 0666 : 0777, t->fsuid,
					t->fsgid);
	h = hstate_sizelog(&t->machine->mem, flags >> MFD_HUGE_SHIFT & MFD_HUGE_MASK);
	if (!h)
		return ERR_PTR(-ENODEV);
	return hugetlb_file_setup(&t->machine->vfs, name, 0, h,
				  flags & K_MFD_NOEXEC_SEAL ? 0666 : 0777, t->fsuid, t->fsgid);
}

/* memfd_create(2). -EINVAL: flags, a name too long; -EACCES: vm.memfd_noexec; -ENODEV: no pages of
 * that size. */
long sys_memfd_create(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[1], known = MFD_ALL_FLAGS;
	char name[6 + MFD_NAME_MAX + 2];
	struct file *f;
	int err;

	if (flags & MFD_HUGETLB)
		known |= (u32)MFD_HUGE_MASK << MFD_HUGE_SHIFT;
	if ((flags & ~known) ||
	    (flags & (K_MFD_EXEC | K_MFD_NOEXEC_SEAL)) == (K_MFD_EXEC | K_MFD_NOEXEC_SEAL))
		return -EINVAL;
	err = check_noexec(t, &flags);
	if (err)
		return err;
	err = memfd_name(t, a->arg[0], name);
	if (err)
		return err;
	f = memfd_file(t, name, flags);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (flags & K_MFD_NOEXEC_SEAL)
		memfd_set_seals(f, F_SEAL_EXEC_K);
	else if (flags & MFD_ALLOW_SEALING)
		memfd_set_seals(f, 0);
	return fd_install_one(t, f, flags & MFD_CLOEXEC);
}

/* memfd_secret(2). -EINVAL: flags. */
long sys_memfd_secret(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[0];
	struct file *f;

	if (flags & ~(u32)O_CLOEXEC)
		return -EINVAL;
	f = secretmem_file_setup(&t->machine->vfs, t->fsuid, t->fsgid);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & O_CLOEXEC);
}
