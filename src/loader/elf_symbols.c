/* See elf_symbols.h. Reads the file itself through libelf, at the moment of the report. */
#include "loader/elf_symbols.h"

#include <gelf.h>
#include <libelf.h>
#include <stdio.h>

#include "proc/task.h"

/* The load bias: where the first executable segment went, less where it was linked. */
static bool find_bias(Elf *elf, const struct mm_struct *mm, u64 *bias)
{
	GElf_Phdr p;
	size_t n;

	if (elf_getphdrnum(elf, &n))
		return false;
	for (int i = 0; (size_t)i < n; i++) { /* libelf counts them as int */
		if (!gelf_getphdr(elf, i, &p))
			return false;
		if (p.p_type == PT_LOAD && (p.p_flags & PF_X)) {
			*bias = mm->start_code - p.p_vaddr;
			return true;
		}
	}
	return false;
}

static bool search_symtab(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, u64 addr, char *buf,
			  u64 size)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym sym;

	if (!data)
		return false;
	/* As many as there are in the file, whatever its sh_entsize says. */
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name;

		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || addr - sym.st_value >= sym.st_size)
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (!name)
			continue;
		snprintf(buf, size, "%s+%#lx", name, addr - sym.st_value);
		return true;
	}
	return false;
}

bool elf_symbolize(struct machine *m, struct task_struct *t, gva_t addr, char *buf, u64 size)
{
	struct file *f = t->mm ? t->mm->exe_file : NULL;
	Elf_Scn *scn = NULL;
	bool found = false;
	GElf_Shdr sh;
	u64 bias;
	Elf *elf;

	(void)m;
	if (!f || f->host_fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(f->host_fd, ELF_C_READ, NULL);
	if (!elf || !find_bias(elf, t->mm, &bias))
		goto out;
	while (!found && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			found = search_symtab(elf, scn, &sh, addr - bias, buf, size);
out:
	elf_end(elf);
	return found;
}
