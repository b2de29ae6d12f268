/* Where a mapping goes: get_unmapped_area, as x86-64 Linux 6.18 with four page-table levels
 * places it. Top down from mmap_base; bottom up for MAP_32BIT, the legacy layout, and when the
 * top-down search finds nothing.
 *
 * A mapping that could use 2 MiB pages is placed so that it can: private anonymous ones of a
 * multiple of 2 MiB, files that hold a whole aligned 2 MiB. Shared anonymous memory is not
 * (shmem_enabled "never").
 */
#include "base/trace.h"
#include "mm/mmap_flags.h"
#include "mm/vma_internal.h"

#define COMPAT_TASK_SIZE 0xffffe000UL
#define LEGACY_BASE page_align((gva_t)TASK_SIZE / 3)
#define LEGACY_COMPAT_BASE page_align(COMPAT_TASK_SIZE / 3)
#define LOW_32BIT_START 0x40000000UL
#define LOW_32BIT_END 0x80000000UL

/* Is [addr, addr + len) free, the guard gap of a stack above it included? */
static bool hint_is_free(struct mm_struct *mm, gva_t addr, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return !vma || addr + len <= vm_start_gap(vma);
}

/* The highest or lowest gap of @len bytes in [low, high); where, or -ENOMEM. */
static long vm_unmapped_area(struct mm_struct *mm, bool top, u64 len, gva_t low, gva_t high,
			     u64 align)
{
	long found = top ? vma_gap_topdown(mm, len, low, high, align)
			 : vma_gap_bottomup(mm, len, low, high, align);

	trace_event(mm->mem->trace, TP_mmap_vm_unmapped_area,
		    "addr=0x%lx err=%ld total_vm=0x%lx flags=0x%x len=0x%lx lo=0x%lx hi=0x%lx "
		    "mask=0x%lx ofs=0x0",
		    found < 0 ? 0 : found, found < 0 ? found : 0, mm->total_vm, top, len, low, high,
		    align - PAGE_SIZE);
	return found;
}

static long bottomup(struct mm_struct *mm, gva_t addr, u64 len, u64 flags, bool compat, u64 align)
{
	gva_t low = compat ? LEGACY_COMPAT_BASE : LEGACY_BASE;
	gva_t high = compat ? COMPAT_TASK_SIZE : TASK_SIZE;

	if (!compat && (flags & MAP_32BIT)) {
		low = LOW_32BIT_START;
		high = LOW_32BIT_END;
	}
	if (len > high)
		return -ENOMEM;
	addr = page_align(addr);
	if (addr && high - len >= addr && hint_is_free(mm, addr, len))
		return addr;
	return vm_unmapped_area(mm, false, len, max(low, MMAP_HINT_MIN_ADDR), high, align);
}

static long topdown(struct mm_struct *mm, gva_t addr, u64 len, u64 flags, bool compat, u64 align)
{
	gva_t high = compat ? mm->mmap_compat_base : mm->mmap_base, hint = addr & PAGE_MASK;
	long found;

	if (!compat && (flags & MAP_32BIT))
		return bottomup(mm, addr, len, flags, compat, align);
	if (hint && hint <= TASK_SIZE - len && hint_is_free(mm, hint, len))
		return hint;
	found = vm_unmapped_area(mm, true, len, MMAP_HINT_MIN_ADDR, high, align);
	return found < 0 ? bottomup(mm, addr, len, flags, compat, align) : found;
}

static long arch_get_unmapped_area(struct mm_struct *mm, gva_t addr, u64 len, u64 flags,
				   bool compat, u64 align)
{
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED)
		return addr;
	if (mm->mmap_legacy)
		return bottomup(mm, addr, len, flags, compat, align);
	return topdown(mm, addr, len, flags, compat, align);
}

/* Linux: hugetlb_get_unmapped_area() */
static long hugetlb_get_unmapped_area(struct mm_struct *mm, gva_t addr, u64 len, u64 flags,
				      bool compat, u64 size)
{
	if ((len & (size - 1)) || ((flags & MAP_FIXED) && (addr & (size - 1))))
		return -EINVAL;
	return arch_get_unmapped_area(mm, (addr + size - 1) & ~(size - 1), len, flags, compat,
				      size);
}

/* A place where file offset @off and address agree modulo 2 MiB; 0: it is not worth it. */
static long thp_get_unmapped_area(struct mm_struct *mm, gva_t addr, u64 len, u64 off, u64 flags)
{
	u64 off_align = (off + PMD_SIZE - 1) & PMD_MASK, skip;
	long found;

	if (off + len <= off_align || off + len - off_align < PMD_SIZE)
		return 0;
	found = arch_get_unmapped_area(mm, addr, len + PMD_SIZE, flags, false, PAGE_SIZE);
	if (found < 0)
		return 0;
	if ((gva_t)found == addr)
		return addr; /* the hint was free */
	skip = (off - found) & (PMD_SIZE - 1);
	if (!mm->mmap_legacy && !skip)
		return found + PMD_SIZE;
	return found + skip;
}

long __get_unmapped_area(struct mm_struct *mm, gva_t addr, u64 len, u64 pgoff, u64 flags,
			 enum thp_placement thp, bool compat)
{
	long found = 0;

	if (len > TASK_SIZE)
		return -ENOMEM;
	if (!compat && (thp == THP_FILE || (thp == THP_ANON && !addr && !(len & (PMD_SIZE - 1)))))
		found = thp_get_unmapped_area(mm, addr, len,
					      thp == THP_FILE ? pgoff << PAGE_SHIFT : 0, flags);
	if (thp >= THP_HUGETLB)
		found = hugetlb_get_unmapped_area(mm, addr, len, flags, compat,
						  1UL << (thp - THP_HUGETLB));
	else if (!found)
		found = arch_get_unmapped_area(mm, addr, len, flags, compat, PAGE_SIZE);
	if (IS_ERR_VALUE(found))
		return found;
	if ((gva_t)found > TASK_SIZE - len)
		return -ENOMEM;
	if (!page_aligned((gva_t)found))
		return -EINVAL;
	if ((gva_t)found < mm->mem->mmap_min_addr && !mm_capable(mm->mem, MM_CAP_SYS_RAWIO))
		return -EPERM;
	return found;
}

long get_unmapped_area(struct mm_struct *mm, gva_t hint, u64 len, u64 flags, bool thp_align,
		       bool compat)
{
	return __get_unmapped_area(mm, hint, len, 0, flags, thp_align ? THP_FILE : THP_ANON,
				   compat);
}

enum thp_placement vma_thp_placement(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_HUGETLB)
		return THP_HUGETLB + vma_hstate(vma)->shift;
	if (vma->vm_mapping)
		return vma->vm_mapping->is_shmem ? THP_NONE : THP_FILE;
	return vma->vm_file ? THP_FILE : THP_ANON; /* a file and no mapping: private /dev/zero */
}
