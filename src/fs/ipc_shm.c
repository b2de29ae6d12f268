/* System V shared memory. See ipc_shm.h.
 *
 *   vfs_internal.shm --> struct shm_segment --> file (shmemfs.c) --> pages
 *                                        ^
 *   VMA.vm_private_data -----------------+   each VMA counts as one attachment
 *
 * A segment that was removed goes with its last VMA.
 */
#include "fs/ipc_shm.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fs/hugetlbfs.h"
#include "fs/internal.h"
#include "fs/shmemfs.h"
#include "mm/hugetlb.h"
#include "mm/lru.h"
#include "mm/mmap_flags.h"

#define PROT_READ_K 1UL
#define PROT_WRITE_K 2UL
#define PROT_EXEC_K 4UL
#define K_SHM_EXEC 0100000
#define K_SHM_NORESERVE 010000
#define K_SHM_HUGETLB 04000
#define K_SHM_HUGE_SHIFT 26
#define K_SHM_DEST 01000
#define K_SHM_LOCKED 02000

struct shm_segment {
	struct kern_ipc_perm perm; /* first: ipc_util.h; key, owner, mode */
	struct vfs *vfs;
	struct file *file;  /* a reference; read and write */
	struct shmid_ds ds; /* but shm_perm; shm_nattch: VMAs, and calls of shmat() on their way */
	u32 lock_uid;	    /* who locked it */
};

/* --- the table --------------------------------------------------------------------------- */

static struct ipc_ids *shm_ids(const struct vfs *v)
{
	return &v->in->shm.ids;
}

struct shm_limits shm_get_limits(const struct vfs *v)
{
	return v->in->shm.limits;
}

void shm_set_limits(struct vfs *v, const struct shm_limits *limits)
{
	v->in->shm.limits = *limits;
}

static struct shm_segment *segment(struct kern_ipc_perm *p)
{
	return (struct shm_segment *)p;
}

static struct shm_segment *find_id(struct vfs *v, int id)
{
	return segment(ipc_find_id(shm_ids(v), id));
}

static u64 seg_pages(const struct shm_segment *s)
{
	return page_align(s->ds.shm_segsz) >> PAGE_SHIFT;
}

static void segment_free(struct shm_segment *s)
{
	ipc_rmid(shm_ids(s->vfs), &s->perm);
	s->vfs->in->shm.pages -= seg_pages(s);
	fput(s->file);
	kfree(s->vfs->mem, s);
}

/* One attachment less; a removed segment goes with the last. */
static void detach(struct shm_segment *s)
{
	if (!--s->ds.shm_nattch && (s->perm.mode & K_SHM_DEST))
		segment_free(s);
}

void shm_destroy_all(struct vfs *v)
{
	struct kern_ipc_perm *p;

	for (unsigned at = 0; (p = ipc_next(shm_ids(v), &at)); at++)
		segment_free(segment(p));
	ipc_free_ids(v->mem, shm_ids(v));
}

/* --- shmget ------------------------------------------------------------------------------ */

/* Of huge pages; they are set aside now, if at all. Only some may ask for them. */
static struct file *huge_seg_file(struct vfs *v, const struct ipc_cred *who, const char *name,
				  u64 size, int flags)
{
	struct hstate *h = hstate_sizelog(v->mem, (u32)flags >> K_SHM_HUGE_SHIFT & 0x3f);

	if (!h)
		return ERR_PTR(-EINVAL);
	if (!who->may_hugetlb)
		return ERR_PTR(-EPERM);
	if (!(flags & K_SHM_NORESERVE) && hugetlb_reserve_pages(h, size))
		return ERR_PTR(-ENOMEM);
	return hugetlb_file_setup(v, name, huge_align(h, size), h, 0777, who->euid, who->egid);
}

static struct file *seg_file(struct vfs *v, const struct ipc_cred *who, const char *name, u64 size,
			     int flags)
{
	bool strict = v->mem->overcommit_memory == OVERCOMMIT_NEVER;

	if (flags & K_SHM_HUGETLB)
		return huge_seg_file(v, who, name, size, flags);
	return shmem_file_setup(v, name, size,
				flags & K_SHM_NORESERVE && !strict ? VM_NORESERVE : 0, 0777,
				who->euid, who->egid);
}

/* Do the limits allow one more of @size bytes? 0, -EINVAL, -ENOSPC. */
static int check_limits(const struct vfs *v, u64 size)
{
	const struct shm_limits *limits = &v->in->shm.limits;

	if (size < 1 || size > limits->max)
		return -EINVAL;
	if (page_align(size) < size ||
	    v->in->shm.pages + (page_align(size) >> PAGE_SHIFT) > limits->all)
		return -ENOSPC;
	return shm_ids(v)->in_use < limits->mni ? 0 : -ENOSPC;
}

static long newseg(struct vfs *v, const struct ipc_cred *who, s32 key, u64 size, int flags)
{
	struct shm_segment *s;
	char name[16];
	int err;

	err = check_limits(v, size);
	if (err)
		return err;
	s = kzalloc(v->mem, sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	snprintf(name, sizeof(name), "SYSV%08x", key);
	s->file = seg_file(v, who, name, size, flags);
	if (IS_ERR(s->file)) {
		err = PTR_ERR(s->file);
		goto free;
	}
	s->vfs = v;
	ipc_init_perm(&s->perm, who, key, flags);
	s->ds.shm_segsz = size;
	s->ds.shm_cpid = who->pid;
	s->ds.shm_ctime = ipc_now(v);
	err = ipc_addid(v->mem, shm_ids(v), &s->perm, v->in->shm.limits.mni);
	if (err)
		goto put;
	v->in->shm.pages += seg_pages(s);
	/* maps shows the segment's number as the inode's. */
	s->file->f_mapping->ino = s->perm.id;
	s->file->f_path.dentry->ino = s->perm.id;
	return s->perm.id;
put:
	fput(s->file);
free:
	kfree(v->mem, s);
	return err;
}

long do_shmget(struct vfs *v, const struct ipc_cred *who, s32 key, u64 size, int flags)
{
	struct shm_segment *s = key == IPC_PRIVATE ? NULL : segment(ipc_find_key(shm_ids(v), key));

	if (!s) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return newseg(v, who, key, size, flags);
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (size > s->ds.shm_segsz)
		return -EINVAL;
	return ipc_may(who, &s->perm, flags) ? s->perm.id : -EACCES;
}

/* The running process, which has just attached or detached something. */
static void set_lpid(struct shm_segment *s)
{
	struct vfs_cred c = {0};

	if (s->vfs->get_cred)
		s->vfs->get_cred(s->vfs, false, &c);
	if (c.tgid)
		s->ds.shm_lpid = c.tgid;
}

/* --- mappings ---------------------------------------------------------------------------- */

static void shm_open(struct vm_area_struct *vma)
{
	struct shm_segment *s = vma->vm_private_data;

	shmem_vm_ops.open(vma);
	s->ds.shm_nattch++;
	s->ds.shm_atime = ipc_now(s->vfs);
	set_lpid(s);
}

static void shm_close(struct vm_area_struct *vma)
{
	struct shm_segment *s = vma->vm_private_data;

	s->ds.shm_dtime = ipc_now(s->vfs);
	set_lpid(s);
	shmem_vm_ops.close(vma);
	detach(s);
}

static unsigned shm_fault(struct vm_fault *vmf)
{
	if (vmf->vma->vm_mapping->hstate)
		return hugetlb_vm_ops.fault(vmf);
	return shmem_vm_ops.fault(vmf);
}

static int shm_may_split(struct vm_area_struct *vma, gva_t addr)
{
	return vma->vm_mapping->hstate ? hugetlb_vm_ops.may_split(vma, addr) : 0;
}

static int shm_set_policy(struct vm_area_struct *vma, struct mempolicy *pol)
{
	return shmem_vm_ops.set_policy(vma, pol);
}

static struct mempolicy *shm_get_policy(struct vm_area_struct *vma, gva_t addr)
{
	return shmem_vm_ops.get_policy(vma, addr);
}

/* No map_pages, as in Linux: each page of an attachment takes a fault of its own. */
static const struct vm_operations_struct shm_vm_ops = {
	.open = shm_open,
	.close = shm_close,
	.fault = shm_fault,
	.may_split = shm_may_split,
	.set_policy = shm_set_policy,
	.get_policy = shm_get_policy,
};

/* Where to put it: *@addr is changed, MAP_FIXED added. 0 or -EINVAL. */
static int check_place(struct mm_struct *mm, gva_t *addr, u64 size, int flags, u64 *map)
{
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (page_offset(*addr)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr &= PAGE_MASK;
		if (!*addr && (flags & SHM_REMAP))
			return -EINVAL;
	}
	*map |= MAP_FIXED;
	if (flags & SHM_REMAP)
		return 0;
	if (*addr + size < *addr || find_vma_intersection(mm, *addr, *addr + size))
		return -EINVAL;
	return 0;
}

long do_shmat(struct vfs *v, const struct ipc_cred *who, struct mm_struct *mm, int id, gva_t addr,
	      int flags)
{
	struct shm_segment *s = find_id(v, id);
	bool write = !(flags & SHM_RDONLY);
	struct mmap_file mf = {.regular = true, .can_read = true, .can_write = write};
	u64 prot = PROT_READ_K | (write ? PROT_WRITE_K : 0), map = MAP_SHARED;
	long ret;

	if (flags & K_SHM_EXEC)
		prot |= PROT_EXEC_K;
	if (!s) {
		gva_t at = addr;
		u64 m = 0;

		ret = check_place(mm, &at, 0, flags | SHM_REMAP, &m);
		return at && ret ? ret : -EINVAL;
	}
	ret = check_place(mm, &addr, s->ds.shm_segsz, flags, &map);
	if (ret)
		return ret;
	if (!ipc_may(who, &s->perm, write ? 6 : 4))
		return -EACCES;
	mf.file = s->file->f_path.dentry->d_op->open(&s->file->f_path, write ? O_RDWR : O_RDONLY);
	if (IS_ERR(mf.file))
		return PTR_ERR(mf.file);
	mf.vm_ops = &shm_vm_ops;
	mf.vm_private_data = s;
	s->ds.shm_nattch++; /* it stays while do_mmap() works */
	ret = do_mmap(mm, &mf, addr, s->ds.shm_segsz, prot, map, 0, false);
	if (!IS_ERR_VALUE(ret)) {
		s->ds.shm_atime = ipc_now(s->vfs);
		s->ds.shm_lpid = who->pid;
	}
	fput(mf.file);
	detach(s);
	return ret;
}

/* Is @vma the part of an attachment that would lie there had the whole begun at @addr? */
static bool is_part(const struct vm_area_struct *vma, gva_t addr)
{
	return vma->vm_ops == &shm_vm_ops && (vma->vm_start - addr) >> PAGE_SHIFT == vma->vm_pgoff;
}

/* Whatever is left of the attachment at @addr goes, in one piece or several. */
long do_shmdt(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma, *next;
	struct file *file = NULL;
	u64 size = 0;
	gva_t end;

	if (!page_aligned(addr))
		return -EINVAL;
	for (vma = find_vma(mm, addr); vma; vma = next) {
		if (file && vma->vm_end - addr > size)
			break;
		next = vma_next(vma);
		if (!is_part(vma, addr) || (file && vma->vm_file != file))
			continue;
		file = vma->vm_file; /* compared only */
		size = page_align(vma->vm_mapping->i_size);
		end = vma->vm_end;
		do_munmap(mm, vma->vm_start, end - vma->vm_start);
		next = find_vma(mm, end); /* telling userfaultfd of it may have slept */
	}
	return file ? 0 : -EINVAL;
}

/* --- shmctl ------------------------------------------------------------------------------ */

static void shm_show(const struct shm_segment *s, struct shmid_ds *out)
{
	*out = s->ds;
	ipc_get_perm(&s->perm, &out->shm_perm);
}

long shm_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct shmid_ds *out)
{
	struct shm_segment *s = index ? segment(ipc_find_place(shm_ids(v), id)) : find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!any && !ipc_may(who, &s->perm, 4))
		return -EACCES;
	shm_show(s, out);
	return index ? s->perm.id : 0;
}

int shm_set(struct vfs *v, const struct ipc_cred *who, int id, const struct shmid_ds *in)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!ipc_owns(who, &s->perm))
		return -EPERM;
	ipc_set_perm(&s->perm, &in->shm_perm);
	s->ds.shm_ctime = ipc_now(s->vfs);
	return 0;
}

int shm_remove(struct vfs *v, const struct ipc_cred *who, int id)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!ipc_owns(who, &s->perm))
		return -EPERM;
	s->perm.key = IPC_PRIVATE;
	s->perm.mode |= K_SHM_DEST;
	s->ds.shm_nattch++;
	detach(s);
	return 0;
}

/* Pages that @uid has locked in all segments. See: Linux, user_shm_lock(). */
static u64 user_locked(struct vfs *v, u32 uid)
{
	struct kern_ipc_perm *p;
	u64 pages = 0;

	for (unsigned at = 0; (p = ipc_next(shm_ids(v), &at)); at++)
		if ((p->mode & K_SHM_LOCKED) && segment(p)->lock_uid == uid)
			pages += seg_pages(segment(p));
	return pages;
}

int shm_lock(struct vfs *v, const struct ipc_cred *who, int id, bool lock)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!ipc_owns(who, &s->perm))
		return -EPERM;
	if (lock && !who->memlock)
		return -EPERM;
	/* Huge pages stay anyhow. */
	if (lock == !!(s->perm.mode & K_SHM_LOCKED) || s->file->f_mapping->hstate)
		return 0;
	if (lock && user_locked(v, who->uid) + (page_align(s->ds.shm_segsz) >> PAGE_SHIFT) >
			    who->memlock >> PAGE_SHIFT)
		return -ENOMEM;
	s->lock_uid = who->uid;
	s->perm.mode ^= K_SHM_LOCKED;
	mapping_set_unevictable(s->file->f_mapping, lock);
	return 0;
}

long shm_limits(struct vfs *v, struct shminfo *out)
{
	struct shm_limits limits = shm_get_limits(v);

	*out = (struct shminfo){
		.shmmax = limits.max,
		.shmmin = 1,
		.shmmni = limits.mni,
		.shmseg = limits.mni,
		.shmall = limits.all,
	};
	return ipc_max_place(shm_ids(v));
}

long shm_usage(struct vfs *v, struct shm_info *out)
{
	struct kern_ipc_perm *p;

	*out = (struct shm_info){.used_ids = shm_ids(v)->in_use, .shm_tot = v->in->shm.pages};
	for (unsigned at = 0; (p = ipc_next(shm_ids(v), &at)); at++)
		out->shm_rss += segment(p)->file->f_mapping->nrpages;
	return ipc_max_place(shm_ids(v));
}

bool shm_next(struct vfs *v, unsigned *at, int *id, struct shmid_ds *out, u64 *rss)
{
	struct kern_ipc_perm *p = ipc_next(shm_ids(v), at);

	if (!p)
		return false;
	*id = p->id;
	shm_show(segment(p), out);
	*rss = segment(p)->file->f_mapping->nrpages;
	return true;
}
