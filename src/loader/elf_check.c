/* See elf_check.h. libelf gets a copy of the file header and the program headers, with the section
 * table's fields cleared: like the kernel, Vellum never looks at sections to run a program. */
#include "loader/elf_check.h"

#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_PHDR_BYTES 65536 /* as fs/binfmt_elf.c */

static int __printf(2, 3) refuse(struct linux_binprm *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return -ENOEXEC;
}

/* What to say of a number that is not the wanted one, to those who do not know it by heart. */
struct known {
	u16 value;
	const char *name;
};

static const struct known machines[] = {
	{EM_386, ", i386"},
	{EM_ARM, ", ARM"},
	{EM_AARCH64, ", AArch64"},
	{EM_RISCV, ", RISC-V"},
	{EM_PPC64, ", POWER"},
	{EM_S390, ", S/390"},
	{EM_LOONGARCH, ", LoongArch"},
};

static const struct known types[] = {
	{ET_REL, ", an object file: not linked yet"},
	{ET_CORE, ", a core dump"},
};

static const char *name_of(u16 value, const struct known *k, unsigned n)
{
	for (; n; n--, k++)
		if (k->value == value)
			return k->name;
	return "";
}

/* What Linux never looks at, or lets the program die of: a person who names a broken file on the
 * command line is told so instead. */
static int check_header_strictly(struct linux_binprm *b, const Elf64_Ehdr *e, u64 file_size)
{
	if (e->e_ident[EI_CLASS] != ELFCLASS64)
		return refuse(b, "not a 64-bit ELF file (class %d%s)", e->e_ident[EI_CLASS],
			      e->e_ident[EI_CLASS] == ELFCLASS32 ? ", 32 bits" : "");
	if (e->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(b, "not a little-endian ELF file (data %d)", e->e_ident[EI_DATA]);
	if (file_size < sizeof(*e))
		return refuse(b, "truncated ELF file: %lu bytes, the header has %zu", file_size,
			      sizeof(*e));
	return 0;
}

/* What the first 64 bytes say. Of an interpreter that is no program Linux hears only while mapping it. */
static int check_header(struct linux_binprm *b, const Elf64_Ehdr *e, u64 file_size, bool interp)
{
	int err;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG))
		return refuse(b, "not an ELF file, %s",
			      file_size ? "nor a script that begins with #!" : "but empty");
	err = b->strict ? check_header_strictly(b, e, file_size) : 0;
	if (err)
		return err;
	if (e->e_type != ET_EXEC && e->e_type != ET_DYN && (b->strict || !interp))
		return refuse(b, "not an executable ELF file (type %d%s)", e->e_type,
			      name_of(e->e_type, types, ARRAY_SIZE(types)));
	if (e->e_machine != EM_X86_64)
		return refuse(b, "not an x86-64 ELF file (machine %d%s)", e->e_machine,
			      name_of(e->e_machine, machines, ARRAY_SIZE(machines)));
	if (e->e_phentsize != sizeof(Elf64_Phdr))
		return refuse(b, "program header size %d, not %zu", e->e_phentsize,
			      sizeof(Elf64_Phdr));
	if (!e->e_phnum || e->e_phnum * sizeof(Elf64_Phdr) > MAX_PHDR_BYTES)
		return refuse(b, "%d program headers", e->e_phnum);
	if (e->e_phoff > file_size || e->e_phnum * sizeof(Elf64_Phdr) > file_size - e->e_phoff)
		return refuse(
			b, "truncated ELF file: %d program headers at %#lx, the file has %lu bytes",
			e->e_phnum, e->e_phoff, file_size);
	return 0;
}

/* Header @e and the program headers side by side, as an image for elf_memory(). */
static int read_image(struct linux_binprm *b, const struct elf_program *prog, Elf64_Ehdr e,
		      char **image, u64 *size)
{
	struct memory *mem = &b->task->machine->mem;
	u64 phdr_bytes;
	long n;
	int err;

	err = check_header(b, &e, prog->file_size, prog->file != b->file);
	if (err)
		return err;
	phdr_bytes = e.e_phnum * sizeof(Elf64_Phdr);
	*size = sizeof(e) + phdr_bytes;
	*image = kmalloc(mem, *size, GFP_KERNEL);
	if (!*image)
		return -ENOMEM;
	n = kernel_read(prog->file, *image + sizeof(e), phdr_bytes, e.e_phoff);
	if (n != (long)phdr_bytes) {
		kfree(mem, *image);
		return n < 0 ? (int)n : refuse(b, "truncated ELF file: program headers");
	}
	e.e_ident[EI_CLASS] = ELFCLASS64; /* libelf would look there; Linux does not */
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = e.e_version = EV_CURRENT;
	e.e_phoff = sizeof(e);
	e.e_shoff = e.e_shnum = e.e_shstrndx = e.e_shentsize = 0;
	memcpy(*image, &e, sizeof(e));
	return 0;
}

static int parse_image(struct linux_binprm *b, char *image, u64 size, struct elf_program *prog)
{
	Elf *elf;
	int err = 0;

	elf_version(EV_CURRENT);
	elf = elf_memory(image, size);
	if (!elf || !gelf_getehdr(elf, &prog->ehdr)) {
		err = refuse(b, "libelf: %s", elf_errmsg(-1));
		goto out;
	}
	prog->phdr =
		kmalloc(&b->task->machine->mem, prog->ehdr.e_phnum * sizeof(GElf_Phdr), GFP_KERNEL);
	if (!prog->phdr) {
		err = -ENOMEM;
		goto out;
	}
	for (int i = 0; i < prog->ehdr.e_phnum && !err; i++)
		if (!gelf_getphdr(elf, i, &prog->phdr[i]))
			err = refuse(b, "libelf: %s", elf_errmsg(-1));
out:
	elf_end(elf);
	return err;
}

static int check_load(struct linux_binprm *b, const GElf_Phdr *p, int i, u64 file_size)
{
	u64 end;

	if (p->p_filesz > p->p_memsz)
		return refuse(b, "segment %d: %#lx bytes of file for %#lx of memory", i,
			      p->p_filesz, p->p_memsz);
	if (__builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > TASK_SIZE)
		return refuse(b,
			      "segment %d: addresses %#lx and %#lx bytes on are outside user space",
			      i, p->p_vaddr, p->p_memsz);
	if (p->p_filesz && page_offset(p->p_vaddr) != page_offset(p->p_offset))
		return refuse(b, "segment %d: offset %#lx does not fit address %#lx in a page", i,
			      p->p_offset, p->p_vaddr);
	if (p->p_filesz && (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset))
		return refuse(
			b, "truncated ELF file: segment %d ends at %#lx, the file has %#lx bytes",
			i, p->p_offset + p->p_filesz, file_size);
	return 0;
}

static bool overlap(const GElf_Phdr *a, const GElf_Phdr *c)
{
	return a->p_vaddr < c->p_vaddr + c->p_memsz && c->p_vaddr < a->p_vaddr + a->p_memsz;
}

static int check_segments_strictly(struct linux_binprm *b, const struct elf_program *prog)
{
	bool loads = false, entry = false;
	int err;

	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		const GElf_Phdr *p = &prog->phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		err = check_load(b, p, i, prog->file_size);
		if (err)
			return err;
		loads = true;
		for (int j = 0; j < i; j++)
			if (prog->phdr[j].p_type == PT_LOAD && overlap(p, &prog->phdr[j]))
				return refuse(b, "segments %d and %d overlap", j, i);
		if ((p->p_flags & PF_X) && prog->ehdr.e_entry - p->p_vaddr < p->p_memsz)
			entry = true;
	}
	if (!loads)
		return refuse(b, "no segment to load");
	if (!entry)
		return refuse(b, "entry %#lx is in no executable segment", prog->ehdr.e_entry);
	return 0;
}

/* --- one file ---------------------------------------------------------------------------------- */

/* @first: the first bytes of @file, the header. */
static int read_headers(struct linux_binprm *b, struct file *file, const void *first,
			struct elf_program *prog)
{
	char *image = NULL;
	struct stat st;
	Elf64_Ehdr e;
	u64 size;
	int err;

	memset(prog, 0, sizeof(*prog));
	memcpy(&e, first, sizeof(e));
	prog->file = file;
	err = file_stat(file, &st);
	if (err)
		return err;
	prog->file_size = st.st_size;
	err = read_image(b, prog, e, &image, &size);
	if (err)
		return err;
	err = parse_image(b, image, size, prog);
	kfree(&b->task->machine->mem, image);
	prog->ehdr.e_phoff = e.e_phoff; /* parse_image() saw the copy's */
	if (!err && b->strict)
		err = check_segments_strictly(b, prog);
	if (err) {
		kfree(&b->task->machine->mem, prog->phdr);
		prog->phdr = NULL;
	}
	return err;
}

/* --- the interpreter that a dynamically linked program names ------------------------------------- */

/* Its name, kmalloc'ed and the caller's. ERR_PTR, in Linux's order. */
static char *interp_name(struct linux_binprm *b, const GElf_Phdr *p)
{
	struct memory *mem = &b->task->machine->mem;
	char *path;
	long n;

	if (p->p_filesz > PATH_MAX || p->p_filesz < 2)
		return ERR_PTR(refuse(b, "interpreter's name of %#lx bytes", p->p_filesz));
	path = kmalloc(mem, p->p_filesz, GFP_KERNEL);
	if (!path)
		return ERR_PTR(-ENOMEM);
	n = kernel_read(b->file, path, p->p_filesz, p->p_offset);
	if (n == (long)p->p_filesz && !path[n - 1])
		return path;
	kfree(mem, path);
	if (n >= 0 && n != (long)p->p_filesz)
		return ERR_PTR(-EIO);
	return ERR_PTR(n < 0 ? n : refuse(b, "interpreter's name without an end"));
}

/* What is wrong with the interpreter, not with the program: named for people. */
static int blame_interp(struct linux_binprm *b, const char *path, int err)
{
	char why[sizeof(b->why)];

	snprintf(why, sizeof(why), "interpreter %.80s: %.60s", path,
		 b->why[0] ? b->why : strerrordesc_np(-err));
	memcpy(b->why, why, sizeof(why));
	return err;
}

/* Reads @interp's headers from @file, which is its own from then on. */
static int read_interp(struct linux_binprm *b, struct file *file, struct elf_program *interp)
{
	Elf64_Ehdr e;
	long n = kernel_read(file, (char *)&e, sizeof(e), 0);
	int err;

	if (n != sizeof(e))
		err = n < 0 ? (int)n : -EIO;
	else
		err = read_headers(b, file, &e, interp);
	if (err)
		fput(file);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int find_interp(struct linux_binprm *b, const GElf_Phdr *p, struct elf_program **out)
{
	struct memory *mem = &b->task->machine->mem;
	struct elf_program *interp;
	struct file *file;
	char *path = interp_name(b, p);
	int err;

	if (IS_ERR(path))
		return PTR_ERR(path);
	file = open_exec(b->task, NULL, path, 0);
	if (IS_ERR(file)) {
		err = blame_interp(b, path, PTR_ERR(file));
		kfree(mem, path);
		return err;
	}
	interp = kmalloc(mem, sizeof(*interp), GFP_KERNEL);
	err = interp ? read_interp(b, file, interp) : -ENOMEM;
	if (!interp)
		fput(file);
	if (err) {
		blame_interp(b, path, err);
		kfree(mem, interp);
	} else {
		*out = interp;
	}
	kfree(mem, path);
	return err;
}

int elf_program_read(struct linux_binprm *b, struct elf_program *prog)
{
	int err = read_headers(b, b->file, b->buf, prog);

	if (err)
		return err;
	for (int i = 0; i < prog->ehdr.e_phnum; i++) {
		if (prog->phdr[i].p_type != PT_INTERP)
			continue;
		err = find_interp(b, &prog->phdr[i], &prog->interp);
		break;
	}
	if (err)
		elf_program_free(b, prog);
	return err;
}

void elf_program_free(struct linux_binprm *b, struct elf_program *prog)
{
	struct memory *mem = &b->task->machine->mem;

	if (prog->interp) {
		fput(prog->interp->file);
		kfree(mem, prog->interp->phdr);
		kfree(mem, prog->interp);
		prog->interp = NULL;
	}
	kfree(mem, prog->phdr);
	prog->phdr = NULL;
}
