/* System V shared memory. See ipc_shm.h.
 *
 *   vfs.shm --> table of places --> struct shm_segment --> file (shmemfs.c) --> pages
 *                                        ^
 *   VMA.vm_private_data -----------------+   each VMA counts as one attachment
 *
 * A segment that was removed goes with its last VMA.
 */
#include "fs/ipc_shm.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/host.h"
#include "fs/hugetlbfs.h"
#include "fs/shmemfs.h"
#include "mm/hugetlb.h"
#include "mm/lru.h"
#include "mm/mmap_flags.h"

#define SEQ_SHIFT 15 /* a number is the place, and how often it was given away */
#define PLACE_MASK ((1U << SEQ_SHIFT) - 1)
#define MIN_CYCLE 64U /* places are not given away again before so many others */
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
	struct vfs *vfs;
	int id;
	struct file *file;  /* a reference; read and write */
	struct shmid_ds ds; /* shm_nattch: VMAs, and calls of shmat() on their way */
	u32 lock_uid;	    /* who locked it */
};

struct shm_ids {
	u32 in_use, seq, last_place;
	u64 pages; /* of all segments */
	u32 size;  /* of @at, which grows */
	struct shm_segment **at;
	struct shm_limits limits;
};

static s64 now_s(void)
{
	return host_clock_ns(CLOCK_REALTIME_COARSE) / 1000000000UL;
}

/* --- the table --------------------------------------------------------------------------- */

static struct shm_ids *shm_ids(struct vfs *v)
{
	if (!v->shm) {
		v->shm = kzalloc(v->mem, sizeof(*v->shm), GFP_KERNEL);
		if (v->shm) {
			v->shm->seq = 1; /* no segment is number 0, as if one had been before */
			v->shm->limits = (struct shm_limits)SHM_LIMITS_DEFAULT;
		}
	}
	return v->shm;
}

struct shm_limits shm_get_limits(const struct vfs *v)
{
	return v->shm ? v->shm->limits : (struct shm_limits)SHM_LIMITS_DEFAULT;
}

int shm_set_limits(struct vfs *v, const struct shm_limits *limits)
{
	struct shm_ids *ids = shm_ids(v);

	if (!ids)
		return -ENOMEM;
	ids->limits = *limits;
	return 0;
}

static struct shm_segment *find_id(struct vfs *v, int id)
{
	u32 place = id & PLACE_MASK;
	struct shm_segment *s;

	if (id < 0 || !v->shm || place >= v->shm->size)
		return NULL;
	s = v->shm->at[place];
	return s && s->id == id ? s : NULL;
}

static struct shm_segment *find_key(struct vfs *v, s32 key)
{
	for (u32 i = 0; v->shm && i < v->shm->size; i++)
		if (v->shm->at[i] && v->shm->at[i]->ds.shm_perm.__key == key)
			return v->shm->at[i];
	return NULL;
}

static long max_place(struct vfs *v)
{
	for (long i = v->shm ? v->shm->size : 0; i-- > 0;)
		if (v->shm->at[i])
			return i;
	return 0;
}

static u64 seg_pages(const struct shm_segment *s)
{
	return page_align(s->ds.shm_segsz) >> PAGE_SHIFT;
}

static void segment_free(struct shm_segment *s)
{
	struct shm_ids *ids = s->vfs->shm;

	ids->at[s->id & PLACE_MASK] = NULL;
	ids->in_use--;
	ids->pages -= seg_pages(s);
	fput(s->file);
	kfree(s->vfs->mem, s);
}

/* One attachment less; a removed segment goes with the last. */
static void detach(struct shm_segment *s)
{
	if (!--s->ds.shm_nattch && (s->ds.shm_perm.mode & K_SHM_DEST))
		segment_free(s);
}

void shm_destroy_all(struct vfs *v)
{
	if (!v->shm)
		return;
	for (u32 i = 0; i < v->shm->size; i++)
		if (v->shm->at[i])
			segment_free(v->shm->at[i]);
	kfree(v->mem, v->shm->at);
	kfree(v->mem, v->shm);
	v->shm = NULL;
}

/* --- rights ------------------------------------------------------------------------------ */

/* May @who do what the low bits @want of a mode say (4 read, 2 write)? Linux: ipcperms(). */
static bool may(const struct ipc_cred *who, const struct shm_segment *s, u32 want)
{
	const struct ipc_perm *p = &s->ds.shm_perm;
	u32 granted = p->mode;

	if (who->euid == p->cuid || who->euid == p->uid)
		granted >>= 6;
	else if (who->egid == p->cgid || who->egid == p->gid)
		granted >>= 3;
	return !(want & ~granted & 7) || who->privileged;
}

static bool owns(const struct ipc_cred *who, const struct shm_segment *s)
{
	return who->euid == s->ds.shm_perm.cuid || who->euid == s->ds.shm_perm.uid ||
	       who->privileged;
}

/* --- shmget ------------------------------------------------------------------------------ */

/* Room for @place in the table. 0 or -ENOMEM. */
static int grow_table(struct vfs *v, u32 place)
{
	struct shm_ids *ids = v->shm;
	u32 size = max(ids->size, MIN_CYCLE);
	struct shm_segment **at;

	if (place < ids->size)
		return 0;
	while (size <= place)
		size *= 2;
	at = kcalloc(v->mem, size, sizeof(*at), GFP_KERNEL);
	if (!at)
		return -ENOMEM;
	if (ids->size)
		memcpy(at, ids->at, ids->size * sizeof(*at));
	kfree(v->mem, ids->at);
	ids->at = at;
	ids->size = size;
	return 0;
}

/* The next free place behind the last one, and from the start again: ipc_idr_alloc(). There is one below
 * @end, and fewer than that are in use. */
static u32 next_place(const struct shm_ids *ids, u32 end)
{
	u32 place = ids->seq == 1 && !ids->in_use && !ids->last_place ? 0 : ids->last_place + 1;

	for (;; place++) {
		if (place >= end)
			place = 0;
		if (place >= ids->size || !ids->at[place])
			return place;
	}
}

/* Gives @s a place and a number. */
static int add_segment(struct vfs *v, struct shm_segment *s)
{
	struct shm_ids *ids = v->shm;
	u32 place = next_place(ids, min(max(ids->in_use * 3 / 2, MIN_CYCLE), ids->limits.mni));
	int err = grow_table(v, place);

	if (err)
		return err;
	if (place <= ids->last_place)
		ids->seq = (ids->seq + 1) & 0xffff;
	ids->last_place = place;
	s->id = place | (ids->seq << SEQ_SHIFT & 0x7fffffff);
	s->ds.shm_perm.__seq = ids->seq;
	ids->at[place] = s;
	ids->in_use++;
	ids->pages += seg_pages(s);
	return 0;
}

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
static int check_limits(const struct shm_ids *ids, u64 size)
{
	if (size < 1 || size > ids->limits.max)
		return -EINVAL;
	if (page_align(size) < size ||
	    ids->pages + (page_align(size) >> PAGE_SHIFT) > ids->limits.all)
		return -ENOSPC;
	return ids->in_use < ids->limits.mni ? 0 : -ENOSPC;
}

static long newseg(struct vfs *v, const struct ipc_cred *who, s32 key, u64 size, int flags)
{
	struct shm_ids *ids = shm_ids(v);
	struct shm_segment *s;
	char name[16];
	int err;

	if (!ids)
		return -ENOMEM;
	err = check_limits(ids, size);
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
	s->ds.shm_perm.__key = key;
	s->ds.shm_perm.mode = flags & 0777;
	s->ds.shm_perm.uid = s->ds.shm_perm.cuid = who->euid;
	s->ds.shm_perm.gid = s->ds.shm_perm.cgid = who->egid;
	s->ds.shm_segsz = size;
	s->ds.shm_cpid = who->pid;
	s->ds.shm_ctime = now_s();
	err = add_segment(v, s);
	if (err)
		goto put;
	/* maps shows the segment's number as the inode's. */
	s->file->f_mapping->ino = s->id;
	s->file->f_path.dentry->ino = s->id;
	return s->id;
put:
	fput(s->file);
free:
	kfree(v->mem, s);
	return err;
}

long do_shmget(struct vfs *v, const struct ipc_cred *who, s32 key, u64 size, int flags)
{
	struct shm_segment *s = key == IPC_PRIVATE ? NULL : find_key(v, key);

	if (!s) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return newseg(v, who, key, size, flags);
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (size > s->ds.shm_segsz)
		return -EINVAL;
	return may(who, s, flags >> 6 | flags >> 3 | flags) ? s->id : -EACCES;
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
	s->ds.shm_atime = now_s();
	set_lpid(s);
}

static void shm_close(struct vm_area_struct *vma)
{
	struct shm_segment *s = vma->vm_private_data;

	s->ds.shm_dtime = now_s();
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
	if (!may(who, s, write ? 6 : 4))
		return -EACCES;
	mf.file = s->file->f_path.dentry->d_op->open(&s->file->f_path, write ? O_RDWR : O_RDONLY);
	if (IS_ERR(mf.file))
		return PTR_ERR(mf.file);
	mf.vm_ops = &shm_vm_ops;
	mf.vm_private_data = s;
	s->ds.shm_nattch++; /* it stays while do_mmap() works */
	ret = do_mmap(mm, &mf, addr, s->ds.shm_segsz, prot, map, 0, false);
	if (!IS_ERR_VALUE(ret)) {
		s->ds.shm_atime = now_s();
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

long shm_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct shmid_ds *out)
{
	struct shm_segment *s;

	if (index)
		s = v->shm && id >= 0 && id < (int)v->shm->size ? v->shm->at[id] : NULL;
	else
		s = find_id(v, id);
	if (!s)
		return -EINVAL;
	if (!any && !may(who, s, 4))
		return -EACCES;
	*out = s->ds;
	return index ? s->id : 0;
}

int shm_set(struct vfs *v, const struct ipc_cred *who, int id, const struct shmid_ds *in)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!owns(who, s))
		return -EPERM;
	s->ds.shm_perm.uid = in->shm_perm.uid;
	s->ds.shm_perm.gid = in->shm_perm.gid;
	s->ds.shm_perm.mode = (s->ds.shm_perm.mode & ~0777U) | (in->shm_perm.mode & 0777);
	s->ds.shm_ctime = now_s();
	return 0;
}

int shm_remove(struct vfs *v, const struct ipc_cred *who, int id)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!owns(who, s))
		return -EPERM;
	s->ds.shm_perm.__key = IPC_PRIVATE;
	s->ds.shm_perm.mode |= K_SHM_DEST;
	s->ds.shm_nattch++;
	detach(s);
	return 0;
}

/* Pages that @uid has locked in all segments. See: Linux, user_shm_lock(). */
static u64 user_locked(struct vfs *v, u32 uid)
{
	u64 pages = 0;

	for (u32 i = 0; i < v->shm->size; i++) {
		const struct shm_segment *s = v->shm->at[i];

		if (s && (s->ds.shm_perm.mode & K_SHM_LOCKED) && s->lock_uid == uid)
			pages += page_align(s->ds.shm_segsz) >> PAGE_SHIFT;
	}
	return pages;
}

int shm_lock(struct vfs *v, const struct ipc_cred *who, int id, bool lock)
{
	struct shm_segment *s = find_id(v, id);

	if (!s)
		return -EINVAL;
	if (!owns(who, s))
		return -EPERM;
	if (lock && !who->memlock)
		return -EPERM;
	/* Huge pages stay anyhow. */
	if (lock == !!(s->ds.shm_perm.mode & K_SHM_LOCKED) || s->file->f_mapping->hstate)
		return 0;
	if (lock && user_locked(v, who->uid) + (page_align(s->ds.shm_segsz) >> PAGE_SHIFT) >
			    who->memlock >> PAGE_SHIFT)
		return -ENOMEM;
	s->lock_uid = who->uid;
	s->ds.shm_perm.mode ^= K_SHM_LOCKED;
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
	return max_place(v);
}

long shm_usage(struct vfs *v, struct shm_info *out)
{
	*out = (struct shm_info){0};
	for (u32 i = 0; v->shm && i < v->shm->size; i++)
		if (v->shm->at[i])
			out->shm_rss += v->shm->at[i]->file->f_mapping->nrpages;
	if (v->shm) {
		out->used_ids = v->shm->in_use;
		out->shm_tot = v->shm->pages;
	}
	return max_place(v);
}

bool shm_next(struct vfs *v, unsigned *at, int *id, struct shmid_ds *out, u64 *rss)
{
	for (; v->shm && *at < v->shm->size; ++*at) {
		struct shm_segment *s = v->shm->at[*at];

		if (!s)
			continue;
		*id = s->id;
		*out = s->ds;
		*rss = s->file->f_mapping->nrpages;
		return true;
	}
	return false;
}
