/* A function of the vdso by its name, as a libc finds it: in the ELF image that AT_SYSINFO_EHDR names. */
#ifndef VDSO_FIND_H
#define VDSO_FIND_H

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

/* NULL: there is none. */
static inline void *vdso_find(const char *name)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR), load = 0;
	const Elf64_Ehdr *eh = (void *)base;
	const Elf64_Phdr *ph = (void *)(base + eh->e_phoff);
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *sym = NULL;
	const char *str = NULL;
	const uint32_t *hash = NULL;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			load = base + ph[i].p_offset - ph[i].p_vaddr;
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (void *)(base + ph[i].p_offset);
	}
	for (; dyn && dyn->d_tag; dyn++) {
		void *p = (void *)(load + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			sym = p;
		if (dyn->d_tag == DT_STRTAB)
			str = p;
		if (dyn->d_tag == DT_HASH)
			hash = p;
	}
	if (!hash || !sym || !str) { /* newer kernels have DT_GNU_HASH only: end at the strings */
		for (uint32_t i = 1; sym && str && (char *)&sym[i] < str; i++)
			if (!strcmp(str + sym[i].st_name, name))
				return (void *)(load + sym[i].st_value);
		return NULL;
	}
	for (uint32_t i = 0; i < hash[1]; i++)
		if (!strcmp(str + sym[i].st_name, name))
			return (void *)(load + sym[i].st_value);
	return NULL;
}

#endif
