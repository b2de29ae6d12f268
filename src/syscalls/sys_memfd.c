/* memfd_create(2) and the seals of fcntl(2). */
#include "syscalls/internal.h"

#include <linux/memfd.h>
#include <string.h>

#include "fs/shmemfs.h"

#define MFD_ALL_FLAGS                                                                              \
	(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | K_MFD_NOEXEC_SEAL | K_MFD_EXEC)
#define K_MFD_NOEXEC_SEAL 8U
#define K_MFD_EXEC 16U
#define K_F_SEAL_EXEC 0x20U
#define MFD_NAME_MAX 249 /* NAME_MAX less "memfd:" */

/* "memfd:" and the guest's name. 0, -EFAULT, -EINVAL (too long). */
static int memfd_name(struct task_struct *t, gva_t name, char *buf)
{
	long len;

	memcpy(buf, "memfd:", 6);
	len = strncpy_from_user(t->mm, buf + 6, name, MFD_NAME_MAX + 1);
	if (len < 0)
		return len;
	return len > MFD_NAME_MAX ? -EINVAL : 0;
}

/* vm.memfd_noexec decides where the program does not. 0 or -EACCES. See: check_sysctl_memfd_noexec(). */
static int check_noexec(const struct task_struct *t, u32 *flags)
{
	int noexec = t->machine->vm_sysctl[VM_SYSCTL_memfd_noexec];

	if (!(*flags & (K_MFD_EXEC | K_MFD_NOEXEC_SEAL)))
		*flags |= noexec ? K_MFD_NOEXEC_SEAL : K_MFD_EXEC;
	return (*flags & K_MFD_NOEXEC_SEAL) || noexec < 2 ? 0 : -EACCES;
}

/* There is no hugetlbfs: -ENOSYS, as a kernel that was built without it says. */
static int check_huge_size(u32 log)
{
	return log && log != 21 && log != 30 ? -ENODEV : -ENOSYS;
}

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
	if (flags & MFD_HUGETLB)
		return check_huge_size(flags >> MFD_HUGE_SHIFT & MFD_HUGE_MASK);
	f = shmem_file_setup(&t->machine->vfs, name, 0, VM_NORESERVE,
			     flags & K_MFD_NOEXEC_SEAL ? 0666 : 0777, t->fsuid, t->fsgid);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (flags & K_MFD_NOEXEC_SEAL)
		shmem_set_seals(f, K_F_SEAL_EXEC);
	else if (flags & MFD_ALLOW_SEALING)
		shmem_set_seals(f, 0);
	err = fd_install(t->files, f, 0, nofile_limit(t), flags & MFD_CLOEXEC);
	if (err < 0)
		fput(f);
	return err;
}
