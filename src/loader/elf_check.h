/* Is this file an ELF program that can be run here? Looks at headers only; maps nothing.
 *
 * execve(2) refuses what Linux refuses, and leaves it to the mapping, or to the program's first
 * instruction, to fail on the rest. The program that a person names on the command line is held to
 * more (bprm->strict): what could only die is refused, with the reason. */
#ifndef LOADER_ELF_CHECK_H
#define LOADER_ELF_CHECK_H

#include <gelf.h>

#include "proc/exec.h"

/* The headers of a program, as libelf read them. */
struct elf_program {
	GElf_Ehdr ehdr;
	GElf_Phdr *phdr; /* ehdr.e_phnum of them, kmalloc */
	u64 file_size;
};

/* Reads @b's headers through the page cache. 0 with @prog to be freed by elf_program_free(), or
 * -ENOEXEC, -ENOMEM, -EIO with the reason in b->why; -ELIBBAD and open(2)'s for an interpreter. */
int elf_program_read(struct linux_binprm *b, struct elf_program *prog);
void elf_program_free(struct linux_binprm *b, struct elf_program *prog);

#endif
