/* From headers to memory areas: where the segments of a checked program, and of the interpreter that it names, go.
 *
 *	0x400000        as linked: ET_EXEC
 *	0x555555554000  ET_DYN with an interpreter, its heap behind it
 *	mmap_base, down the interpreter; ET_DYN without one (a static PIE, or ld.so when it is run itself)
 *
 * Segments are mapped, not read: pages come from the page cache at the first touch. Not for: what may be run at all
 * (elf_check.h), the first stack (elf_load.c). See: elf(5); Linux, fs/binfmt_elf.c load_elf_binary().
 */
#ifndef LOADER_ELF_MAP_H
#define LOADER_ELF_MAP_H

#include "loader/elf_check.h"

#define ELF_ET_DYN_BASE (TASK_SIZE / 3 * 2)

/* What the program's segments add up to. Addresses where they are now. */
struct elf_layout {
	u64 load_bias; /* bytes from where it was linked */
	gva_t start_code, end_code, start_data, end_data,
		elf_brk; /* struct mm_struct has them later */
	gva_t phdr_addr; /* its program headers; 0: in no segment */
	gva_t entry;	 /* its own first instruction: AT_ENTRY */
	u64 interp_base; /* bias of its interpreter: AT_BASE; 0 without one */
	gva_t start;	 /* the first instruction: the interpreter's, if there is one */
};

/**
 * elf_map_program - map @prog and its interpreter into @mm, which has a stack only
 * @l: filled in
 *
 * May sleep (the last page of each .data is read).
 *
 * Return: 0; -errno (what do_mmap() says, -EINVAL, -ENOMEM: addresses no user has, -ENODEV, -EFAULT), with what was
 * mapped left there: the caller is beyond the point of no return, and dies.
 */
int elf_map_program(struct mm_struct *mm, const struct elf_program *prog, struct elf_layout *l);

#endif
