/* Seals of files in RAM. See memfd.h; fcntl(2), "File Sealing"; Linux, mm/memfd.c. */
#include "fs/memfd.h"

#include "base/err.h"
#include "fs/hugetlbfs.h"
#include "fs/shmem_node.h"
#include "fs/shmemfs.h"

#define F_ALL_SEALS_K (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEALS_WRITING | F_SEAL_EXEC_K)

static struct shmem_node *node_of(const struct file *f)
{
	return shmem_node(f->f_path.dentry);
}

static bool has_seals(const struct file *f)
{
	return is_shmem_file(f) || is_hugetlbfs_file(f);
}

/* Is the object mapped where a store could come from? */
static bool writably_mapped(const struct address_space *as)
{
	struct vm_area_struct *vma;

	list_for_each_entry (vma, &as->i_mmap, shared)
		if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
			return true;
	return false;
}

long memfd_add_seals(struct file *f, u32 seals)
{
	struct shmem_node *node;

	if (!(f->f_mode & FMODE_WRITE))
		return -EPERM;
	if ((seals & ~F_ALL_SEALS_K) || !has_seals(f))
		return -EINVAL;
	node = node_of(f);
	if (node->seals & F_SEAL_SEAL)
		return -EPERM;
	if ((seals & F_SEAL_WRITE) && !(node->seals & F_SEAL_WRITE) && writably_mapped(node->as))
		return -EBUSY;
	/* What may be executed must not change either. */
	if ((seals & F_SEAL_EXEC_K) && (node->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEALS_WRITING;
	node->seals |= seals;
	return 0;
}

long memfd_get_seals(struct file *f)
{
	return has_seals(f) ? (long)node_of(f)->seals : -EINVAL;
}

void memfd_set_seals(struct file *f, u32 seals)
{
	node_of(f)->seals = seals;
}
