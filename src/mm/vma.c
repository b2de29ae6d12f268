/* VMAs as objects: made, linked, split, given other flags, grown down; and the limits that a
 * change of the address space must respect (RLIMIT_*, overcommit, map count).
 *
 * Not for: which areas may become one (vma_merge.c), where they lie (unmapped.c), the tree's
 * nodes (vma_tree.c).
 */
#include "mm/tlb.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* --- objects ----------------------------------------------------------------------------- */

int vma_init(struct memory *m)
{
	int err = mm_cache_create(m, &m->in->vm_area_struct, "vm_area_struct",
				  sizeof(struct vm_area_struct), 0);

	return err ? err
		   : mm_cache_create(m, &m->in->mm_struct, "mm_struct", sizeof(struct mm_struct),
				     SLAB_HWCACHE_ALIGN);
}

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_zalloc(mm->mem->in->vm_area_struct, GFP_KERNEL);

	if (vma) {
		vma->vm_mm = mm;
		INIT_LIST_HEAD(&vma->anon_vma_chain);
		INIT_LIST_HEAD(&vma->shared);
	}
	return vma;
}

struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig)
{
	struct vm_area_struct *vma =
		kmem_cache_alloc(orig->vm_mm->mem->in->vm_area_struct, GFP_KERNEL);

	if (vma) {
		*vma = *orig;
		vma->vm_leaf = NULL;
		INIT_LIST_HEAD(&vma->anon_vma_chain);
		INIT_LIST_HEAD(&vma->shared);
	}
	return vma;
}

void vm_area_free(struct vm_area_struct *vma)
{
	kmem_cache_free(vma->vm_mm->mem->in->vm_area_struct, vma);
}

static void vma_get_file(struct vm_area_struct *vma)
{
	const struct memory_hooks *h = &vma->vm_mm->mem->hooks;

	if (vma->vm_file && h->file_get)
		h->file_get(vma->vm_file);
}

struct vm_area_struct *vma_copy(struct vm_area_struct *orig)
{
	struct vm_area_struct *vma = vm_area_dup(orig);

	if (!vma)
		return NULL;
	if (orig->anon_vma && anon_vma_clone(vma, orig)) {
		vm_area_free(vma);
		return NULL;
	}
	vma_get_file(vma);
	userfaultfd_ctx_get(vma->vm_uffd);
	mpol_get(vma->vm_policy);
	if (vma->vm_ops && vma->vm_ops->open)
		vma->vm_ops->open(vma);
	return vma;
}

void vma_release(struct vm_area_struct *vma)
{
	const struct memory_hooks *h = &vma->vm_mm->mem->hooks;

	if (vma->anon_vma || !list_empty(&vma->anon_vma_chain))
		unlink_anon_vmas(vma);
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	if (vma->vm_file && h->file_put)
		h->file_put(vma->vm_file);
	if (unlikely(vma->vm_uffd))
		userfaultfd_ctx_put(vma->vm_uffd);
	mpol_put(vma->vm_policy);
	vm_area_free(vma);
}

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_tree_insert(mm, vma);
	mm->map_count++;
	if (vma->vm_mapping)
		list_add_tail(&vma->shared, &vma->vm_mapping->i_mmap);
}

void vma_unlink_free(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_tree_erase(mm, vma);
	mm->map_count--;
	if (vma->vm_mapping)
		list_del_init(&vma->shared);
	vma_release(vma);
}

void vma_set_range(struct vm_area_struct *vma, gva_t start, gva_t end, u64 pgoff)
{
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_pgoff = pgoff;
	vma_tree_update(vma->vm_mm, vma);
}

/* --- splitting --------------------------------------------------------------------------- */

int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, gva_t addr, bool new_below)
{
	u64 pgoff = linear_page_index(vma, addr);
	struct vm_area_struct *new;

	VM_BUG_ON(addr <= vma->vm_start || addr >= vma->vm_end);
	if (mm->map_count >= mm->mem->max_map_count)
		return -ENOMEM;
	if (vma->vm_ops && vma->vm_ops->may_split && vma->vm_ops->may_split(vma, addr))
		return -EINVAL;
	if (vma_tree_reserve(mm, 1))
		return -ENOMEM;
	new = vma_copy(vma);
	if (!new)
		return -ENOMEM;

	if (new_below) {
		new->vm_end = addr;
		vma_set_range(vma, addr, vma->vm_end, pgoff);
	} else {
		new->vm_start = addr;
		new->vm_pgoff = pgoff;
		vma_set_range(vma, vma->vm_start, addr, vma->vm_pgoff);
	}
	vma_link(mm, new);
	count_vm_event(mm->mem, EV_v_vma_split);
	return 0;
}

/* Undoes split_vma(.., new_below): @lower and @vma were one a moment ago. */
static void unsplit_vma(struct mm_struct *mm, struct vm_area_struct *lower,
			struct vm_area_struct *vma)
{
	gva_t start = lower->vm_start;
	u64 pgoff = lower->vm_pgoff;

	vma_unlink_free(mm, lower);
	vma_set_range(vma, start, vma->vm_end, pgoff);
}

/* Cuts [start, end) out of @vma, which stays the middle. For lack of memory nothing changes; at
 * the map limit the first cut stays, as it does in Linux. */
static int isolate_range(struct mm_struct *mm, struct vm_area_struct *vma, gva_t start, gva_t end)
{
	struct vm_area_struct *lower = NULL;
	int err;

	if (vma->vm_start < start) {
		err = split_vma(mm, vma, start, true);
		if (err)
			return err;
		lower = vma_prev(vma);
	}
	if (vma->vm_end > end) {
		err = split_vma(mm, vma, end, false);
		if (err == -ENOMEM && lower && mm->map_count < mm->mem->max_map_count)
			unsplit_vma(mm, lower, vma);
		return err;
	}
	return 0;
}

struct vm_area_struct *vma_modify_flags(struct mm_struct *mm, struct vm_area_struct *vma,
					gva_t start, gva_t end, vm_flags_t flags)
{
	return vma_modify_flags_uffd(mm, vma, start, end, flags, vma->vm_uffd);
}

/* Joins the range of @vma that @vmg describes, which is about to differ, to a neighbour, or cuts it out. */
static struct vm_area_struct *vma_modify(struct vma_merge *vmg, struct vm_area_struct *vma)
{
	struct vm_area_struct *merged;
	int err;

	vmg->middle = vma;
	vmg->prev = vma_prev(vma);
	vmg->next = vma_next(vma);
	merged = vma_merge_existing_range(vmg);
	if (merged)
		return merged;
	if (vmg->no_memory)
		return ERR_PTR(-ENOMEM);
	err = isolate_range(vmg->mm, vma, vmg->start, vmg->end);
	return err ? ERR_PTR(err) : vma;
}

struct vm_area_struct *vma_modify_policy(struct mm_struct *mm, struct vm_area_struct *vma,
					 gva_t start, gva_t end, struct mempolicy *pol)
{
	struct vma_merge vmg = vmg_like(vma, start, end, linear_page_index(vma, start));

	VM_BUG_ON(vma->vm_mm != mm);
	vmg.policy = pol;
	return vma_modify(&vmg, vma);
}

struct vm_area_struct *vma_modify_flags_uffd(struct mm_struct *mm, struct vm_area_struct *vma,
					     gva_t start, gva_t end, vm_flags_t flags,
					     struct userfaultfd_ctx *uffd)
{
	struct vma_merge vmg = vmg_like(vma, start, end, linear_page_index(vma, start));
	struct vm_area_struct *at;

	VM_BUG_ON(vma->vm_mm != mm);
	vmg.flags = flags;
	vmg.uffd = uffd;
	at = vma_modify(&vmg, vma);
	if (at != vma) /* it joined a neighbour, or an error */
		return at;
	vma->vm_flags = flags;
	if (unlikely(vma->vm_uffd != uffd)) {
		userfaultfd_ctx_get(uffd);
		userfaultfd_ctx_put(vma->vm_uffd);
		vma->vm_uffd = uffd;
	}
	return vma;
}

/* --- limits and accounts ----------------------------------------------------------------- */

u64 rlimit(const struct mm_struct *mm, unsigned which)
{
	return mm->mem->rlim_cur ? mm->mem->rlim_cur[which] : RLIM_INF;
}

static bool is_exec_mapping(vm_flags_t flags)
{
	return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

static bool is_data_mapping(vm_flags_t flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, u64 npages)
{
	u64 limit = rlimit(mm, RLIM_DATA);

	if (mm->total_vm + npages > rlimit(mm, RLIM_AS) >> PAGE_SHIFT)
		return false;
	if (!is_data_mapping(flags) || mm->data_vm + npages <= limit >> PAGE_SHIFT)
		return true;
	/* Linux lets a soft limit of 0 pass below the hard one: valgrind sets it so. */
	return limit == 0 && mm->mem->rlim_max &&
	       mm->data_vm + npages <= mm->mem->rlim_max[RLIM_DATA] >> PAGE_SHIFT;
}

void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, s64 npages)
{
	mm->total_vm += npages;
	if (is_exec_mapping(flags))
		mm->exec_vm += npages;
	else if (flags & VM_GROWSDOWN)
		mm->stack_vm += npages;
	else if (is_data_mapping(flags))
		mm->data_vm += npages;
}

bool can_do_mlock(const struct mm_struct *mm)
{
	return rlimit(mm, RLIM_MEMLOCK) || mm_capable(mm->mem, MM_CAP_IPC_LOCK);
}

bool mlock_future_ok(const struct mm_struct *mm, vm_flags_t flags, u64 bytes)
{
	if (!(flags & VM_LOCKED) || mm_capable(mm->mem, MM_CAP_IPC_LOCK))
		return true;
	return (bytes >> PAGE_SHIFT) + mm->locked_vm <= rlimit(mm, RLIM_MEMLOCK) >> PAGE_SHIFT;
}

u64 vm_commit_limit(const struct memory *m)
{
	if (m->overcommit_kbytes)
		return m->overcommit_kbytes >> (PAGE_SHIFT - 10);
	return totalram_pages(m) * m->overcommit_ratio / 100;
}

/* What mode 2 keeps back from everybody, and from ordinary users for root to log in with. */
static u64 commit_reserve(const struct memory *m, const struct mm_struct *mm)
{
	u64 admin = mm && mm_capable(m, MM_CAP_SYS_ADMIN) ? 0 : m->admin_reserve_kbytes;
	u64 user = mm ? min(mm->total_vm / 32, m->user_reserve_kbytes >> (PAGE_SHIFT - 10)) : 0;

	return (admin >> (PAGE_SHIFT - 10)) + user;
}

/* Linux: __vm_enough_memory(). */
static int __vm_enough_memory(struct memory *m, const struct mm_struct *mm, u64 pages)
{
	s64 allowed;

	m->committed_as += pages;
	if (m->overcommit_memory == OVERCOMMIT_ALWAYS)
		return 0;
	if (m->overcommit_memory == OVERCOMMIT_GUESS) {
		/* One request may be as large as RAM and swap (there is none). */
		if (pages <= totalram_pages(m))
			return 0;
	} else {
		allowed = vm_commit_limit(m) - commit_reserve(m, mm);
		if ((s64)m->committed_as < allowed)
			return 0;
	}
	m->committed_as -= pages;
	return -ENOMEM;
}

/* For the running task, as Linux asks current->mm. */
int vm_enough_memory(struct memory *m, u64 pages)
{
	return __vm_enough_memory(m, m->tlbs[0] ? m->tlbs[0]->mm : NULL, pages);
}

int security_vm_enough_memory(struct mm_struct *mm, u64 pages)
{
	return __vm_enough_memory(mm->mem, mm, pages);
}

vm_flags_t calc_vm_prot_bits(u64 prot)
{
	_Static_assert(VM_READ == PROT_READ && VM_WRITE == PROT_WRITE && VM_EXEC == PROT_EXEC,
		       "PROT_* are VM_*");
	return prot & VM_ACCESS_FLAGS;
}

bool read_implies_exec(const struct memory *m)
{
	return m->personality && (*m->personality & READ_IMPLIES_EXEC_K);
}

bool map_deny_write_exec(const struct mm_struct *mm, vm_flags_t had, vm_flags_t wanted)
{
	if (likely(!mm->mdwe) || !(wanted & VM_EXEC))
		return false;
	return (wanted & VM_WRITE) || !(had & VM_EXEC);
}

void update_hiwater_vm(struct mm_struct *mm)
{
	mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
}

/* --- the stack --------------------------------------------------------------------------- */

/* May @vma become @size bytes by growing @grow pages? Charges Committed_AS when it may. */
static int acct_stack_growth(struct vm_area_struct *vma, u64 size, u64 grow)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!may_expand_vm(mm, vma->vm_flags, grow) || size > rlimit(mm, RLIM_STACK) ||
	    !mlock_future_ok(mm, vma->vm_flags, grow << PAGE_SHIFT))
		return -ENOMEM;
	if (!(vma->vm_flags & VM_ACCOUNT))
		return 0;
	return security_vm_enough_memory(mm, grow);
}

static bool vma_is_accessible(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_ACCESS_FLAGS;
}

int expand_stack(struct vm_area_struct *vma, gva_t addr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *prev;
	u64 grow;

	addr &= PAGE_MASK;
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return -EFAULT;
	if (addr >= vma->vm_start)
		return 0;
	if (addr < MMAP_HINT_MIN_ADDR)
		return -EPERM;
	prev = vma_prev(vma);
	if (prev &&
	    (addr < prev->vm_end || (!(prev->vm_flags & VM_GROWSDOWN) && vma_is_accessible(prev) &&
				     addr - prev->vm_end < STACK_GUARD_GAP << PAGE_SHIFT)))
		return -ENOMEM;
	grow = (vma->vm_start - addr) >> PAGE_SHIFT;
	if (grow > vma->vm_pgoff || (!vma->anon_vma && anon_vma_prepare(vma)))
		return -ENOMEM;
	if (acct_stack_growth(vma, vma->vm_end - addr, grow))
		return -ENOMEM;

	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += grow;
	vm_stat_account(mm, vma->vm_flags, grow);
	vma_set_range(vma, addr, vma->vm_end, vma->vm_pgoff - grow);
	mm_debug_validate(mm);
	return 0;
}
