/* mmap(2): arguments checked, a place found, resources reserved, what was there unmapped, and
 * the new range joined to a neighbour or made an area of its own.
 *
 * See: Linux 6.18, mm/mmap.c do_mmap(), mm/vma.c __mmap_region(); docs/compat.md.
 */
#include "mm/ksm.h"
#include "mm/mmap_flags.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* One mmap call on its way. */
struct mmap_request {
	struct mm_struct *mm;
	const struct mmap_file *f; /* NULL: anonymous */
	gva_t addr;
	u64 len, pgoff;
	u64 flags, prot;
	vm_flags_t vm_flags;
	struct hstate *h; /* of huge pages; NULL: of ordinary ones */
	u64 charged;	  /* pages of Committed_AS */
};

/* --- check ------------------------------------------------------------------------------- */

static vm_flags_t calc_vm_flag_bits(u64 flags)
{
	return (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (flags & MAP_LOCKED ? VM_LOCKED : 0) |
	       (flags & MAP_STACK ? VM_NOHUGEPAGE : 0);
}

/* The pages behind a file, or those of an object that has no file. */
static struct address_space *request_mapping(const struct mmap_request *r)
{
	return r->f->object ? r->f->object : r->mm->mem->hooks.file_mapping(r->f->file);
}

static int check_file(struct mmap_request *r)
{
	const struct mmap_file *f = r->f;

	switch (r->flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (r->flags & ~LEGACY_MAP_MASK) /* MAP_SYNC too: no file here is DAX */
			return -EOPNOTSUPP;
		/* fall through */
	case MAP_SHARED:
		if ((r->prot & PROT_WRITE) && !f->can_write)
			return -EACCES;
		r->vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!f->can_write)
			r->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!f->can_read)
		return -EACCES;
	if (f->noexec) {
		if (r->vm_flags & VM_EXEC)
			return -EPERM;
		r->vm_flags &= ~VM_MAYEXEC;
	}
	if (!f->regular && !f->dev_zero && !f->fails)
		return -ENODEV;
	if (f->sealed && (r->vm_flags & VM_SHARED)) {
		if (r->vm_flags & VM_WRITE)
			return -EPERM;
		r->vm_flags &= ~VM_MAYWRITE; /* nor mprotect() later */
	}
	if (r->vm_flags & VM_GROWSDOWN)
		return -EINVAL;
	if (f->fails)
		return f->fails;
	if (f->secret) {
		if (!(r->vm_flags & VM_MAYSHARE))
			return -EINVAL;
		if (!mlock_future_ok(r->mm, r->vm_flags | VM_LOCKED, r->len))
			return -EAGAIN;
		r->vm_flags |= VM_LOCKED | VM_DONTDUMP;
	}
	/* File systems that know MAP_SYNC refuse it without DAX; tmpfs does not know it. */
	if ((r->flags & MAP_SYNC) && !f->dev_zero && !request_mapping(r)->is_shmem)
		return -EOPNOTSUPP;
	return 0;
}

static int check_anon(struct mmap_request *r)
{
	switch (r->flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (!r->h) /* of huge pages it is a file's, to Linux */
			return -EINVAL;
		if (r->flags & ~LEGACY_MAP_MASK)
			return -EOPNOTSUPP;
		/* fall through */
	case MAP_SHARED:
		if (r->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		if (!r->h)
			r->pgoff = 0;
		r->vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_DROPPABLE:
		if ((r->flags & MAP_LOCKED) || (r->vm_flags & VM_GROWSDOWN))
			return -EINVAL;
		r->vm_flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		/* fall through */
	case MAP_PRIVATE:
		if (!r->h)
			r->pgoff =
				r->addr >> PAGE_SHIFT; /* so that neighbours continue each other */
		return 0;
	}
	return -EINVAL;
}

/* Huge pages by name, be it a flag or what the file has: the pool, and the length in its pages. */
static int check_hugetlb(struct mmap_request *r)
{
	if (r->f) {
		const struct mmap_file *f = r->f;

		r->h = f->regular && !f->dev_zero ? request_mapping(r)->hstate : NULL;
		if (!r->h)
			return r->flags & MAP_HUGETLB ? -EINVAL : 0;
	} else if (r->flags & MAP_HUGETLB) {
		r->h = hstate_sizelog(r->mm->mem, (r->flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK);
		if (!r->h || (r->flags & MAP_TYPE) == MAP_DROPPABLE) /* a file's, to Linux */
			return -EINVAL;
	} else {
		return 0;
	}
	r->len = huge_align(r->h, r->len);
	return r->len ? 0 : -EINVAL;
}

/* Once the kind of mapping is known. Linux: hugetlbfs_file_mmap_prepare(). */
static int check_hugetlb_area(struct mmap_request *r)
{
	if (r->flags & MAP_NORESERVE) /* whatever vm.overcommit_memory says */
		r->vm_flags |= VM_NORESERVE;
	if (!huge_aligned(r->h, r->pgoff << PAGE_SHIFT) || (r->vm_flags & VM_GROWSDOWN))
		return -EINVAL;
	r->vm_flags |= VM_HUGETLB | VM_DONTEXPAND;
	/* A SysV segment's were set aside when it was made. */
	if ((r->vm_flags & VM_NORESERVE) || (r->f && r->f->vm_ops))
		return 0;
	return hugetlb_reserve_pages(r->h, r->len);
}

static enum thp_placement request_thp(const struct mmap_request *r)
{
	bool shared =
		(r->flags & MAP_TYPE) == MAP_SHARED || (r->flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
	struct address_space *as;

	if (r->h)
		return THP_HUGETLB + r->h->shift;
	if (!r->f)
		return shared ? THP_NONE : THP_ANON;
	if (r->f->dev_zero)
		return shared ? THP_NONE : THP_FILE;
	if (!r->f->regular)
		return THP_NONE; /* about to fail */
	as = request_mapping(r);
	return as->is_shmem ? THP_NONE : THP_FILE;
}

static int find_place(struct mmap_request *r, bool compat)
{
	long addr;

	if (!(r->flags & MAP_FIXED)) {
		r->addr &= PAGE_MASK;
		if (r->addr && r->addr < MMAP_HINT_MIN_ADDR)
			r->addr = MMAP_HINT_MIN_ADDR;
	}
	addr = __get_unmapped_area(r->mm, r->addr, r->len, r->f ? r->pgoff : 0, r->flags,
				   request_thp(r), compat);
	if (IS_ERR_VALUE(addr))
		return (int)addr;
	r->addr = addr;
	if ((r->flags & MAP_FIXED_NOREPLACE) &&
	    find_vma_intersection(r->mm, r->addr, r->addr + r->len))
		return -EEXIST;
	return 0;
}

static int check_request(struct mmap_request *r, bool compat)
{
	struct mm_struct *mm = r->mm;
	int err;

	if (!r->len)
		return -EINVAL;
	err = check_hugetlb(r);
	if (err)
		return err;
	if ((r->prot & PROT_READ) && read_implies_exec(mm->mem) && !(r->f && r->f->noexec))
		r->prot |= PROT_EXEC;
	if (r->flags & MAP_FIXED_NOREPLACE)
		r->flags |= MAP_FIXED;
	r->len = page_align(r->len);
	if (!r->len)
		return -ENOMEM;
	if (r->pgoff + (r->len >> PAGE_SHIFT) < r->pgoff)
		return -EOVERFLOW;
	if (mm->map_count > mm->mem->max_map_count)
		return -ENOMEM;
	r->vm_flags = calc_vm_prot_bits(r->prot) | calc_vm_flag_bits(r->flags) | mm->def_flags |
		      VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	err = find_place(r, compat);
	if (err)
		return err;
	if ((r->flags & MAP_LOCKED) && !can_do_mlock(mm))
		return -EPERM;
	if (!mlock_future_ok(mm, r->vm_flags, r->len))
		return -EAGAIN;
	/* File offsets end at 2^63 - 1 bytes. */
	if (r->f && r->pgoff > (INT64_MAX - r->len) >> PAGE_SHIFT)
		return -EOVERFLOW;
	err = r->f ? check_file(r) : check_anon(r);
	if (!err && r->h)
		return check_hugetlb_area(r);
	if (!err && (r->flags & MAP_NORESERVE) && mm->mem->overcommit_memory != OVERCOMMIT_NEVER)
		r->vm_flags |= VM_NORESERVE;
	return err;
}

/* --- reserve ----------------------------------------------------------------------------- */

/* Room under the limits, counting what the unmapping will give back; Committed_AS charged. */
static int charge(struct mmap_request *r, const struct vma_unmap *u)
{
	struct mm_struct *mm = r->mm;
	u64 pages = r->len >> PAGE_SHIFT;
	int err;

	if (!may_expand_vm(mm, r->vm_flags, pages - u->nr_pages))
		return -ENOMEM;
	if ((r->vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE | VM_HUGETLB)) != VM_WRITE)
		return 0;
	err = security_vm_enough_memory(mm, pages - u->nr_accounted);
	if (err)
		return err;
	/* The unmapping gives nr_accounted back; here they change owner. */
	vm_acct_memory(mm->mem, u->nr_accounted);
	r->charged = pages;
	r->vm_flags |= VM_ACCOUNT;
	return 0;
}

static void uncharge(struct mmap_request *r)
{
	if (r->charged)
		vm_unacct_memory(r->mm->mem, r->charged);
}

/* Gives the new area what it maps: a file and its pages, a new shmem object, or nothing. */
static int set_backing(struct mmap_request *r, struct vm_area_struct *vma)
{
	const struct memory_hooks *h = &r->mm->mem->hooks;
	bool shared_zero =
		r->f ? r->f->dev_zero && (r->vm_flags & VM_MAYSHARE) : !!(r->vm_flags & VM_SHARED);
	struct address_space *as;

	if (r->h && !r->f) {
		as = hugetlb_new(r->mm->mem, (r->pgoff << PAGE_SHIFT) + r->len, r->h);
		if (IS_ERR(as))
			return PTR_ERR(as);
		vma->vm_mapping = as; /* likewise */
		vma->vm_ops = &hugetlb_vm_ops;
		return 0;
	}
	if (shared_zero) {
		as = shmem_new(r->mm->mem, r->len, r->vm_flags);
		if (IS_ERR(as))
			return PTR_ERR(as);
		vma->vm_mapping = as; /* shmem_new()'s reference; close() drops it */
		vma->vm_ops = &shmem_vm_ops;
		return 0;
	}
	if (!r->f)
		return 0;
	vma->vm_file = r->f->file;
	if (vma->vm_file && h->file_get)
		h->file_get(vma->vm_file);
	if (r->f->dev_zero)
		return 0; /* anonymous pages under a file's name */
	as = request_mapping(r);
	vma->vm_mapping = as;
	vma->vm_private_data = r->f->vm_private_data;
	if (r->f->vm_ops)
		vma->vm_ops = r->f->vm_ops;
	else if (as->hstate)
		vma->vm_ops = &hugetlb_vm_ops;
	else if (as->secret)
		vma->vm_ops = &secretmem_vm_ops;
	else
		vma->vm_ops = as->is_shmem ? &shmem_vm_ops : &generic_file_vm_ops;
	if (as->hstate && (r->vm_flags & VM_WRITE)) /* it can be as long as it is mapped */
		as->i_size = max(as->i_size, (r->pgoff << PAGE_SHIFT) + r->len);
	if (vma->vm_ops->open)
		vma->vm_ops->open(vma);
	return 0;
}

static struct vm_area_struct *new_area(struct mmap_request *r)
{
	struct vm_area_struct *vma;
	int err;

	if (vma_tree_reserve(r->mm, 2)) /* the new area, and the upper part of a hole */
		return ERR_PTR(-ENOMEM);
	vma = vm_area_alloc(r->mm);
	if (!vma)
		return ERR_PTR(-ENOMEM);
	vma->vm_start = r->addr;
	vma->vm_end = r->addr + r->len;
	vma->vm_pgoff = r->pgoff;
	vma->vm_flags = r->vm_flags;
	err = set_backing(r, vma);
	if (err) {
		vm_area_free(vma);
		return ERR_PTR(err);
	}
	return vma;
}

/* --- change ------------------------------------------------------------------------------ */

static struct vm_area_struct *try_merge(struct mmap_request *r)
{
	struct vma_merge vmg = {
		.mm = r->mm,
		.start = r->addr,
		.end = r->addr + r->len,
		.pgoff = r->pgoff,
		.flags = r->vm_flags,
	};

	if (r->f) {
		vmg.file = r->f->file;
		if (!r->f->dev_zero)
			vmg.mapping = request_mapping(r);
		else if (r->vm_flags & VM_MAYSHARE)
			return NULL;
	} else if ((r->vm_flags & VM_SHARED) || r->h) {
		return NULL; /* each call makes an object of its own */
	}
	vmg.next = find_vma_prev(r->mm, r->addr, &vmg.prev);
	return vma_merge_new_range(&vmg);
}

/* Counts the new range. @vma may be larger: the area it joined. */
static void account_range(struct mmap_request *r, struct vm_area_struct *vma)
{
	struct mm_struct *mm = r->mm;
	u64 pages = r->len >> PAGE_SHIFT;

	vm_stat_account(mm, r->vm_flags, pages);
	if (!(vma->vm_flags & VM_LOCKED))
		return;
	if (vma->vm_flags & (VM_SPECIAL | VM_DROPPABLE))
		vma->vm_flags &= ~VM_LOCKED_MASK;
	else
		mm->locked_vm += pages;
}

static long mmap_region(struct mmap_request *r)
{
	struct mm_struct *mm = r->mm;
	struct vm_area_struct *vma = NULL, *new = NULL;
	struct vma_unmap u;
	int err;

	if (map_deny_write_exec(mm, r->vm_flags, r->vm_flags))
		return -EACCES;
	err = vma_unmap_prepare(mm, r->addr, r->addr + r->len, &u);
	if (err)
		return err;
	err = charge(r, &u);
	if (err) {
		vma_unmap_abort(&u);
		vma_split_at_ends(mm, r->addr, r->addr + r->len);
		return err;
	}
	r->vm_flags = ksm_vma_flags(mm, r->vm_flags);
	/* With nothing to unmap the new area is made only if the range cannot join another. */
	if (!u.first)
		vma = try_merge(r);
	if (!vma) {
		new = new_area(r);
		if (IS_ERR(new)) {
			err = PTR_ERR(new);
			goto abort_charge;
		}
	}

	if (u.first) {
		vma_unmap_commit(&u);
		vma = try_merge(r);
	}
	if (!vma) {
		vma = new;
		vma_link(mm, vma);
	} else if (new) {
		vma_release(new);
	}
	account_range(r, vma);
	return r->addr;

abort_charge:
	uncharge(r);
	vma_unmap_abort(&u);
	return err;
}

long do_mmap(struct mm_struct *mm, const struct mmap_file *f, gva_t addr, u64 len, u64 prot,
	     u64 flags, u64 pgoff, bool compat)
{
	struct mmap_request r = {
		.mm = mm,
		.f = f,
		.addr = addr,
		.len = len,
		.pgoff = pgoff,
		.flags = flags,
		.prot = prot,
	};
	long ret = check_request(&r, compat);

	if (!ret)
		ret = mmap_region(&r);
	userfaultfd_unmap_complete(mm);
	if (IS_ERR_VALUE(ret))
		return ret;
	mm_debug_validate(mm);
	if ((r.vm_flags & VM_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		mm_populate(mm, ret, r.len, true);
	return ret;
}

/* Is all of [start, end) one file's, shared with the same rights? @vma holds start. */
static bool same_file_throughout(struct vm_area_struct *vma, gva_t end)
{
	while (vma->vm_end < end) {
		struct vm_area_struct *next = vma_next(vma);

		if (!next || next->vm_start != vma->vm_end || next->vm_file != vma->vm_file ||
		    next->vm_mapping != vma->vm_mapping || next->vm_flags != vma->vm_flags)
			return false;
		vma = next;
	}
	return true;
}

/* Since Linux 4.0 an mmap of its own: areas are linear. */
long do_remap_file_pages(struct mm_struct *mm, gva_t start, u64 size, u64 prot, u64 pgoff,
			 u64 flags)
{
	struct mmap_file f = {.can_read = true, .can_write = true, .regular = true};
	struct vm_area_struct *vma;
	long ret;

	start &= PAGE_MASK;
	size &= PAGE_MASK;
	if (prot || start + size <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	vma = vma_lookup(mm, start);
	if (!vma || !(vma->vm_flags & VM_SHARED) || !vma->vm_mapping ||
	    !same_file_throughout(vma, start + size))
		return -EINVAL;
	prot = vma->vm_flags & VM_ACCESS_FLAGS;
	flags = (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE |
		(vma->vm_flags & VM_LOCKED ? MAP_LOCKED : 0);
	f.file = vma->vm_file;
	f.object = f.file ? NULL : vma->vm_mapping;
	/* The mapping must outlive its areas, which are about to be replaced. */
	if (f.object)
		shmem_get(f.object);
	else
		mm->mem->hooks.file_get(f.file);
	ret = do_mmap(mm, &f, start, size, prot, flags, pgoff, false);
	if (f.object)
		shmem_put(f.object);
	else
		mm->mem->hooks.file_put(f.file);
	return IS_ERR_VALUE(ret) ? ret : 0;
}
