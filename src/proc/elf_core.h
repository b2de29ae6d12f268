/* The ELF file that a core file is: notes, then the memory that is worth keeping.
 *
 *	ELF header | PT_NOTE, a PT_LOAD an area | notes | page of zeros' rest | bytes of the areas, with holes
 *
 *	notes: NT_PRSTATUS of who died, NT_PRPSINFO, NT_SIGINFO, NT_AUXV, NT_FILE, NT_PRFPREG, NT_X86_XSTATE;
 *	       PRSTATUS, PRFPREG, XSTATE of each other thread; how XSTATE's bytes lie
 *
 * Registers are ptrace(2)'s regsets (ptrace.h). Pages that nobody has touched are holes of the file.
 *
 * Not for: whether there is a file, and its name (coredump.h).
 * See: core(5), elf(5); fs/binfmt_elf.c, elf_core_dump(); fs/coredump.c, vma_dump_size().
 */
#ifndef PROC_ELF_CORE_H
#define PROC_ELF_CORE_H

#include "base/types.h"

struct core_thread;
struct file;
struct k_siginfo;
struct task_struct;

struct core_params {
	struct task_struct *t; /* who dies: the current task */
	const struct k_siginfo *info;
	const struct core_thread *threads; /* the others, which have stopped */
	struct file *file;		   /* open for writing, empty */
	u64 limit;			   /* bytes that may be written, holes not counted */
};

/* Writes it. True: there is a core file, be it cut off at the limit, at SIGKILL or by a full disk; false: there was no
 * memory to begin. Sleeps, and lets others run. */
bool elf_core_dump(const struct core_params *p);

#endif
