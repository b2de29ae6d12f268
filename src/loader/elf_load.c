/* binfmt_elf: has a checked program mapped (elf_map.c), builds its first stack, points the registers at its entry.
 * See: elf(5); fs/binfmt_elf.c load_elf_binary(), create_elf_tables().
 */
#include <string.h>
#include <sys/auxv.h>

#include "cpu/fpu.h"
#include "loader/elf_check.h"
#include "loader/elf_map.h"
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
#define ELF_PLATFORM "x86_64"
#define RSEQ_FEATURE_SIZE 28
#define RSEQ_ALIGN 32

static void set_mm_layout(struct mm_struct *mm, const struct elf_program *prog,
			  const struct elf_layout *l)
{
	mm->start_code = l->start_code;
	mm->end_code = l->end_code;
	mm->start_data = l->start_data;
	mm->end_data = l->end_data;
	mm->start_brk = mm->brk = page_align(l->elf_brk);
	if (prog->ehdr.e_type == ET_DYN && !prog->interp) /* it sits among the mmaps */
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
	auxv_put(mm, AT_BASE, l->interp_base);
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
		err = elf_map_program(b->task->mm, prog, &l);
	if (err)
		return err;
	set_mm_layout(t->mm, prog, &l);
	err = vdso_map(t->machine, t->mm);
	if (!err)
		err = create_elf_tables(b, prog, &l);
	if (err)
		return err;
	t->mm->start_stack = b->p;
	task_regs(t)->rip = l.start;
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
