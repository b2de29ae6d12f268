/* See elf_map.h. fs/binfmt_elf.c has the same functions under the same names, but elf_map_program(), which is the
 * middle of load_elf_binary() there. */
#include "loader/elf_map.h"

#include <sys/mman.h>

#include "mm/uaccess.h"

static u64 phdr_prot(const GElf_Phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/* First to last address of all segments, from a page's start; 0 without segments. */
static u64 total_mapping_size(const struct elf_program *prog)
{
	u64 low = ~0UL, high = 0;
	bool loads = false;

	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &prog->phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		low = min(low, p->p_vaddr & PAGE_MASK);
		high = max(high, p->p_vaddr + p->p_memsz);
		loads = true;
	}
	return loads ? high - low : 0;
}

/* The largest alignment a segment asks for; what is no power of two is ignored. */
static u64 maximum_alignment(const struct elf_program *prog)
{
	u64 align = 0;

	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &prog->phdr[i];

		if (p->p_type == PT_LOAD && p->p_align && !(p->p_align & (p->p_align - 1)))
			align = max(align, p->p_align);
	}
	return page_align(align);
}

static bool bad_addr(u64 addr)
{
	return addr >= TASK_SIZE;
}

/* As mmap(2), which takes whole pages of a file only. */
static long vm_mmap(struct mm_struct *mm, const struct mmap_file *f, gva_t addr, u64 len, u64 prot,
		    u64 flags, u64 offset)
{
	if (offset + page_align(len) < offset || page_offset(offset))
		return -EINVAL;
	return do_mmap(mm, f, addr, len, prot, flags, offset >> PAGE_SHIFT, false);
}

/* Maps the file's part of a segment; @total: a reservation for all segments that is cut back. */
static long elf_map(struct mm_struct *mm, const struct mmap_file *f, gva_t addr, const GElf_Phdr *p,
		    u64 flags, u64 total)
{
	u64 size = page_align(p->p_filesz + page_offset(p->p_vaddr));
	u64 offset = p->p_offset - page_offset(p->p_vaddr);
	long map;

	addr &= PAGE_MASK;
	if (!size)
		return addr;
	if (!total)
		return vm_mmap(mm, f, addr, size, phdr_prot(p), flags, offset);
	total = page_align(total);
	map = vm_mmap(mm, f, addr, total, phdr_prot(p), flags, offset);
	if (!bad_addr(map) && total > size)
		do_munmap(mm, map + size, total - size);
	return map;
}

/* A segment: its file part, the zeroed rest of the last page, and whole pages of bss. */
static long elf_load(struct mm_struct *mm, const struct mmap_file *f, gva_t addr,
		     const GElf_Phdr *p, u64 flags, u64 total)
{
	u64 off = page_offset(p->p_vaddr);
	gva_t zero_start, zero_end;
	long map, err;

	if (p->p_filesz) {
		map = elf_map(mm, f, addr, p, flags, total);
		if (bad_addr(map) || p->p_memsz <= p->p_filesz)
			return map;
		zero_start = map + off + p->p_filesz;
		zero_end = map + off + p->p_memsz;
		/* Not writable: Linux ignores the error, too. */
		if (clear_user(mm, zero_start, page_align(zero_start) - zero_start) &&
		    (p->p_flags & PF_W))
			return -EFAULT;
	} else {
		map = zero_start = addr & PAGE_MASK;
		zero_end = zero_start + off + p->p_memsz;
	}
	if (p->p_memsz <= p->p_filesz) /* an empty segment takes no page */
		return map;
	zero_start = page_align(zero_start);
	zero_end = page_align(zero_end);
	err = vm_brk_flags(mm, zero_start, zero_end - zero_start, p->p_flags & PF_X ? VM_EXEC : 0);
	return err ? err : map;
}

/* What no address space holds is found out only after the mapping, as in Linux: the caller dies. */
static bool outside_user_space(const GElf_Phdr *p, u64 bias)
{
	return bad_addr(p->p_vaddr + bias) || p->p_filesz > p->p_memsz || p->p_memsz > TASK_SIZE ||
	       TASK_SIZE - p->p_memsz < p->p_vaddr + bias;
}

static int mmap_file_of(struct file *file, struct mmap_file *out)
{
	*out = (struct mmap_file){.file = file};
	return file->f_op->mmap_file ? file->f_op->mmap_file(file, out) : -ENODEV;
}

/* --- the program ------------------------------------------------------------------------------- */

static void note_segment(struct elf_layout *l, const GElf_Phdr *p)
{
	gva_t start = p->p_vaddr + l->load_bias, end = start + p->p_filesz;

	if ((p->p_flags & PF_X) && start < l->start_code)
		l->start_code = start;
	l->start_data = max(l->start_data, start);
	if (p->p_flags & PF_X)
		l->end_code = max(l->end_code, end);
	l->end_data = max(l->end_data, end);
	l->elf_brk = max(l->elf_brk, start + p->p_memsz);
}

/* Where a static PIE goes: mmap chooses, and the bias is known only then (0 here), unless a segment asks for
 * more than a page's alignment: then the place that mmap would choose is rounded down. */
static long static_pie_place(struct mm_struct *mm, const struct mmap_file *f, const GElf_Phdr *p,
			     u64 align, u64 total)
{
	long hole;

	if (align <= PAGE_SIZE)
		return 0;
	hole = elf_load(mm, f, 0, p, MAP_PRIVATE, total);
	if (bad_addr(hole))
		return IS_ERR_VALUE(hole) ? hole : -EINVAL;
	do_munmap(mm, hole, page_align(total));
	return hole & ~(align - 1);
}

/* The bias of an ET_DYN program, whose first segment is @p, and how to map that: @flags and the @total to
 * reserve. One with an interpreter has a place of its own, far below the mmaps. */
static int choose_bias(struct mm_struct *mm, const struct mmap_file *f,
		       const struct elf_program *prog, const GElf_Phdr *p, u64 *bias, u64 *flags,
		       u64 *total)
{
	u64 align = maximum_alignment(prog);
	long place;

	*total = total_mapping_size(prog);
	if (!*total)
		return -EINVAL;
	if (prog->interp)
		place = align ? ELF_ET_DYN_BASE & ~(align - 1) : ELF_ET_DYN_BASE;
	else
		place = static_pie_place(mm, f, p, align, *total);
	if (IS_ERR_VALUE(place))
		return (int)place;
	if (prog->interp || align > PAGE_SIZE)
		*flags |= MAP_FIXED_NOREPLACE;
	*bias = (place - p->p_vaddr) & PAGE_MASK;
	return 0;
}

static int load_segments(struct mm_struct *mm, const struct elf_program *prog, struct elf_layout *l)
{
	struct mmap_file f;
	bool first = true;
	int err = mmap_file_of(prog->file, &f);

	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &prog->phdr[i];
		u64 flags = MAP_PRIVATE, total = 0;
		long addr;

		if (err)
			return err;
		if (p->p_type != PT_LOAD)
			continue;
		if (!first)
			flags |= MAP_FIXED;
		else if (prog->ehdr.e_type == ET_EXEC)
			flags |= MAP_FIXED_NOREPLACE;
		else
			err = choose_bias(mm, &f, prog, p, &l->load_bias, &flags, &total);
		if (err)
			return err;
		addr = elf_load(mm, &f, l->load_bias + p->p_vaddr, p, flags, total);
		if (bad_addr(addr))
			return IS_ERR_VALUE(addr) ? addr : -EINVAL;
		if (first && prog->ehdr.e_type == ET_DYN)
			l->load_bias += addr - ((l->load_bias + p->p_vaddr) & PAGE_MASK);
		first = false;
		if (outside_user_space(p, 0)) /* as linked: Linux forgets the bias here */
			return -EINVAL;
		if (p->p_offset <= prog->ehdr.e_phoff &&
		    prog->ehdr.e_phoff < p->p_offset + p->p_filesz)
			l->phdr_addr = prog->ehdr.e_phoff - p->p_offset + p->p_vaddr + l->load_bias;
		note_segment(l, p);
	}
	return err;
}

/* --- its interpreter --------------------------------------------------------------------------- */

/* Maps the interpreter where mmap puts it, or (ET_EXEC) where it was linked, over what is there. @program_bias:
 * 0, and its own addresses are a wish. The difference to where it was linked; -errno. See: load_elf_interp(). */
static long load_elf_interp(struct mm_struct *mm, const struct elf_program *interp,
			    u64 program_bias)
{
	bool fixed = interp->ehdr.e_type == ET_EXEC;
	u64 total = total_mapping_size(interp), base = 0;
	struct mmap_file f;
	int err;

	if (interp->ehdr.e_type != ET_EXEC && interp->ehdr.e_type != ET_DYN)
		return -EPERM;
	err = mmap_file_of(interp->file, &f);
	if (err || !total)
		return err ? err : -EINVAL;
	for (int i = 0; i < interp->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &interp->phdr[i];
		gva_t at = fixed || !program_bias ? base + p->p_vaddr : 0;
		long addr;

		if (p->p_type != PT_LOAD)
			continue;
		addr = elf_load(mm, &f, at, p, MAP_PRIVATE | (fixed ? MAP_FIXED : 0), total);
		if (bad_addr(addr))
			return addr;
		total = 0;
		if (!fixed) {
			base = addr - (p->p_vaddr & PAGE_MASK);
			fixed = true;
		}
		if (outside_user_space(p, base))
			return -ENOMEM;
	}
	return base;
}

int elf_map_program(struct mm_struct *mm, const struct elf_program *prog, struct elf_layout *l)
{
	long base = 0;
	int err;

	*l = (struct elf_layout){.start_code = ~0UL};
	err = load_segments(mm, prog, l);
	if (err)
		return err;
	l->entry = l->start = prog->ehdr.e_entry + l->load_bias;
	if (prog->interp) {
		base = load_elf_interp(mm, prog->interp, l->load_bias);
		if (IS_ERR_VALUE(base))
			return (int)base;
		l->interp_base = base;
		l->start = base + prog->interp->ehdr.e_entry;
	}
	return bad_addr(l->start) ? -EINVAL : 0;
}
