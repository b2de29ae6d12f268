/* Is this file an ELF program that can be run here? Looks at headers only; maps nothing.
 *
 * execve(2) refuses what Linux refuses, and leaves it to the mapping, or to the program's first
 * instruction, to fail on the rest. The program that a person names on the command line is held to
 * more (bprm->strict): what could only die is refused, with the reason. */
#ifndef LOADER_ELF_CHECK_H
#define LOADER_ELF_CHECK_H

#include <gelf.h>

#include "proc/exec.h"

/* The headers of a program, or of the interpreter that it names, as libelf read them. */
struct elf_program {
	struct file *file; /* the program's is b->file, borrowed; the interpreter's is held */
	GElf_Ehdr ehdr;
	GElf_Phdr *phdr;	    /* ehdr.e_phnum of them, kmalloc */
	u64 file_size;		    /* bytes */
	struct elf_program *interp; /* of the first PT_INTERP, kmalloc; NULL: linked statically */
};

/**
 * elf_program_read - read the headers of b->file and of its interpreter through the page cache, and check them
 * @b:    b->buf has the file's first bytes; b->strict: more is refused, see above
 * @prog: filled in; elf_program_free() when it is not needed any more
 *
 * May sleep (files are read). Addresses and offsets are as in the file: bytes, before any load bias.
 *
 * Return: 0; with nothing to free: -ENOEXEC (no program, or not for this machine), reason in b->why; -ENOMEM;
 * -EIO; for the interpreter: -ELIBBAD (no ELF file for this machine), open_exec()'s, else -ENOEXEC.
 * See: elf(5); execve(2) ERRORS; Linux, fs/binfmt_elf.c load_elf_binary().
 */
int elf_program_read(struct linux_binprm *b, struct elf_program *prog);
void elf_program_free(struct linux_binprm *b, struct elf_program *prog);

#endif
