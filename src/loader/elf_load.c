/* binfmt_elf: maps a checked program, builds its first stack, points the registers at its entry.
 *
 * Segments are mapped, not read: pages come from the page cache at the first touch.
 * See: elf(5); fs/binfmt_elf.c load_elf_binary(), create_elf_tables().
 */
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "cpu/fpu.h"
#include "loader/elf_check.h"
#include "loader/elf_symbols.h"
#include "loader/loader.h"
#include "loader/vdso.h"
#include "mm/uaccess.h"

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN 28
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
/* What a signal frame takes besides the FPU's image, alignment included, as Linux counts it. Never
 * announced: less than MINSIGSTKSZ_K. See: arch/x86/kernel/signal.c, get_sigframe_size(). */
#define SIGFRAME_REST 940
#define ELF_ET_DYN_BASE (TASK_SIZE / 3 * 2)
#define ELF_PLATFORM "x86_64"
#define RSEQ_FEATURE_SIZE 28
#define RSEQ_ALIGN 32

/* What the segments add up to. */
struct elf_layout {
	u64 load_bias;
	gva_t start_code, end_code, start_data, end_data, elf_brk, phdr_addr, entry;
};

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

/* Where a static PIE goes: mmap chooses, and the bias is known only then, unless a segment asks for
 * more than a page's alignment: then the place that mmap would choose is rounded down. */
static int choose_bias(struct mm_struct *mm, const struct mmap_file *f,
		       const struct elf_program *prog, const GElf_Phdr *p, u64 *bias, u64 *flags,
		       u64 *total)
{
	u64 align = maximum_alignment(prog);
	long hole = 0;

	*total = total_mapping_size(prog);
	if (!*total)
		return -EINVAL;
	if (align > PAGE_SIZE) {
		hole = elf_load(mm, f, 0, p, *flags, *total);
		if (bad_addr(hole))
			return IS_ERR_VALUE(hole) ? hole : -EINVAL;
		do_munmap(mm, hole, page_align(*total));
		hole &= ~(align - 1);
		*flags |= MAP_FIXED_NOREPLACE;
	}
	*bias = (hole - p->p_vaddr) & PAGE_MASK;
	return 0;
}

/* What no address space holds is found out only after the mapping, as in Linux: the caller dies. */
static bool outside_user_space(const GElf_Phdr *p)
{
	return bad_addr(p->p_vaddr) || p->p_filesz > p->p_memsz || p->p_memsz > TASK_SIZE ||
	       TASK_SIZE - p->p_memsz < p->p_vaddr;
}

static int load_segments(struct linux_binprm *b, const struct elf_program *prog,
			 struct elf_layout *l)
{
	struct mm_struct *mm = b->task->mm;
	struct mmap_file f = {.file = b->file};
	bool first = true;
	int err;

	*l = (struct elf_layout){.start_code = ~0UL};
	err = b->file->f_op->mmap_file ? b->file->f_op->mmap_file(b->file, &f) : -ENODEV;
	if (err)
		return err;
	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &prog->phdr[i];
		u64 flags = MAP_PRIVATE, total = 0;
		long addr;

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
		if (outside_user_space(p))
			return -EINVAL;
		if (p->p_offset <= prog->ehdr.e_phoff &&
		    prog->ehdr.e_phoff < p->p_offset + p->p_filesz)
			l->phdr_addr = prog->ehdr.e_phoff - p->p_offset + p->p_vaddr + l->load_bias;
		note_segment(l, p);
	}
	l->entry = prog->ehdr.e_entry + l->load_bias;
	return bad_addr(l->entry) ? -EINVAL : 0;
}

static void set_mm_layout(struct mm_struct *mm, const struct elf_program *prog,
			  const struct elf_layout *l)
{
	mm->start_code = l->start_code;
	mm->end_code = l->end_code;
	mm->start_data = l->start_data;
	mm->end_data = l->end_data;
	mm->start_brk = mm->brk = page_align(l->elf_brk);
	if (prog->ehdr.e_type == ET_DYN) /* a program without interpreter sits among the mmaps */
		mm->start_brk = mm->brk = page_align(ELF_ET_DYN_BASE);
}

/* --- the first stack --------------------------------------------------------------------- */

static void auxv_put(struct mm_struct *mm, u64 type, u64 value)
{
	mm->saved_auxv[mm->saved_auxv_len++] = type;
	mm->saved_auxv[mm->saved_auxv_len++] = value;
}

/* The vector, in the kernel's order. linux-facts 1.3. */
static void make_auxv(struct linux_binprm *b, const struct elf_program *prog,
		      const struct elf_layout *l, gva_t random, gva_t platform)
{
	struct task_struct *t = b->task;
	struct mm_struct *mm = t->mm;
	u32 eax, ebx, ecx, hwcap, features, edx;

	cpu_cpuid(&t->machine->cpu, 1, 0, &eax, &ebx, &ecx, &hwcap);
	cpu_cpuid(&t->machine->cpu, 7, 0, &eax, &features, &ecx, &edx);
	mm->saved_auxv_len = 0;
	if (mm->vdso)
		auxv_put(mm, AT_SYSINFO_EHDR, mm->vdso);
	auxv_put(mm, AT_MINSIGSTKSZ,
		 max(MINSIGSTKSZ_K, SIGFRAME_REST + fpu_frame_size(&t->machine->cpu)));
	auxv_put(mm, AT_HWCAP, hwcap);
	auxv_put(mm, AT_PAGESZ, PAGE_SIZE);
	auxv_put(mm, AT_CLKTCK, 100);
	auxv_put(mm, AT_PHDR, l->phdr_addr);
	auxv_put(mm, AT_PHENT, sizeof(Elf64_Phdr));
	auxv_put(mm, AT_PHNUM, prog->ehdr.e_phnum);
	auxv_put(mm, AT_BASE, 0);
	auxv_put(mm, AT_FLAGS, 0);
	auxv_put(mm, AT_ENTRY, l->entry);
	auxv_put(mm, AT_UID, t->uid);
	auxv_put(mm, AT_EUID, t->euid);
	auxv_put(mm, AT_GID, t->gid);
	auxv_put(mm, AT_EGID, t->egid);
	auxv_put(mm, AT_SECURE, b->secure);
	auxv_put(mm, AT_RANDOM, random);
	auxv_put(mm, AT_HWCAP2, (features & 1) << 1); /* HWCAP2_FSGSBASE */
	auxv_put(mm, AT_EXECFN, b->exec);
	auxv_put(mm, AT_PLATFORM, platform);
	auxv_put(mm, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	auxv_put(mm, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	auxv_put(mm, AT_NULL, 0);
}

/* Writes pointers to @n strings that start at *@str, then a NULL, to *@sp; both move on. */
static int put_string_vector(struct mm_struct *mm, int n, gva_t *str, gva_t *sp)
{
	while (n--) {
		long len = strnlen_user(mm, *str, TASK_SIZE - *str);

		if (len <= 0 || put_user(mm, *str, *sp))
			return -EFAULT;
		*str += len;
		*sp += 8;
	}
	if (put_user(mm, 0UL, *sp))
		return -EFAULT;
	*sp += 8;
	return 0;
}

static int create_elf_tables(struct linux_binprm *b, const struct elf_program *prog,
			     const struct elf_layout *l)
{
	struct mm_struct *mm = b->task->mm;
	u8 random[16];
	gva_t p = b->p & ~15UL, platform, u_random, sp, at;
	u64 words;

	platform = p - sizeof(ELF_PLATFORM);
	u_random = platform - sizeof(random);
	machine_random(b->task->machine, random, sizeof(random));
	if (copy_to_user(mm, platform, ELF_PLATFORM, sizeof(ELF_PLATFORM)) ||
	    copy_to_user(mm, u_random, random, sizeof(random)))
		return -EFAULT;
	make_auxv(b, prog, l, u_random, platform);
	words = 1 + (b->argc + 1UL) + (b->envc + 1UL) + mm->saved_auxv_len;
	sp = (u_random - 8 * words) & ~15UL;
	b->p = at = sp;
	if (put_user(mm, (u64)b->argc, at))
		return -EFAULT;
	at += 8;
	mm->arg_start = mm->arg_end = b->argv0;
	if (put_string_vector(mm, b->argc, &mm->arg_end, &at))
		return -EFAULT;
	mm->env_start = mm->env_end = mm->arg_end;
	if (put_string_vector(mm, b->envc, &mm->env_end, &at))
		return -EFAULT;
	return copy_to_user(mm, at, mm->saved_auxv, mm->saved_auxv_len * sizeof(u64)) ? -EFAULT : 0;
}

static bool wants_executable_stack(const struct elf_program *prog)
{
	bool executable = false; /* x86-64's default */

	for (int i = 0; i < prog->ehdr.e_phnum; i++) /* the last one counts */
		if (prog->phdr[i].p_type == PT_GNU_STACK)
			executable = prog->phdr[i].p_flags & PF_X;
	return executable;
}

static int start_program(struct linux_binprm *b, const struct elf_program *prog)
{
	struct task_struct *t = b->task;
	struct elf_layout l;
	int err;

	err = begin_new_exec(b);
	if (!err)
		err = setup_arg_pages(b, TASK_SIZE, wants_executable_stack(prog));
	if (!err)
		err = load_segments(b, prog, &l);
	if (err)
		return err;
	set_mm_layout(t->mm, prog, &l);
	err = vdso_map(t->machine, t->mm);
	if (!err)
		err = create_elf_tables(b, prog, &l);
	if (err)
		return err;
	t->mm->start_stack = b->p;
	task_regs(t)->rip = l.entry;
	task_regs(t)->gpr[R_RSP] = b->p;
	return 0;
}

static int load_elf_binary(struct linux_binprm *b)
{
	struct elf_program prog;
	int err = elf_program_read(b, &prog);

	if (err)
		return err;
	err = start_program(b, &prog);
	elf_program_free(b, &prog);
	return err;
}

static struct linux_binfmt *elf_format(struct machine *m)
{
	struct linux_binfmt *fmt = kzalloc(&m->mem, sizeof(*fmt), GFP_KERNEL);

	if (fmt) {
		fmt->name = "elf";
		fmt->load_binary = load_elf_binary;
	}
	return fmt;
}

int loader_init(struct machine *m)
{
	struct linux_binfmt *fmt = elf_format(m);
	int err = fmt ? vdso_init(m) : -ENOMEM;

	if (err) {
		kfree(&m->mem, fmt);
		return err;
	}
	register_binfmt(m, fmt);
	m->symbolize = elf_symbolize;
	m->map_vdso = vdso_map_once;
	return 0;
}

void loader_destroy(struct machine *m)
{
	struct linux_binfmt *fmt, *n;

	list_for_each_entry_safe (fmt, n, &m->binfmts, list) {
		list_del(&fmt->list);
		kfree(&m->mem, fmt);
	}
	vdso_destroy(m);
}
