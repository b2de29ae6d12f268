/* Names of translated code for tools of the host: a list for perf's map, and gdb's JIT interface. Not core.
 *
 * gdb reads __jit_debug_descriptor, and stops where __jit_debug_register_code() is called, to load an object file made
 * in memory: a symbol for each unit, and how to unwind from one, where the stack pointer is struct cpu, and C's stack
 * pointer is in it. See: gdb's manual, "JIT Compilation Interface".
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/jit/run.h"

static const struct jit_gen *gen_of(const struct jit *j, u32 unit)
{
	const struct jit_gen *g = j->gens;

	while (unit >= g->units_end)
		g++;
	return g;
}

bool jit_next_code(const struct jit *j, u32 *n, struct jit_code *c)
{
	u32 all = j->gens[j->nr_gens - 1].units_end;

	if (*n & 1) { /* the same unit's, out of line */
		const struct jit_unit *u = &j->units[*n >> 1];

		*n += 1;
		*c = (struct jit_code){j->exec + u->cold, u->cold_end - u->cold, u->rip, u->pfn};
		if (c->size)
			return true;
	}
	for (u32 unit = (*n >> 1) + !*n; unit < all; unit++) {
		const struct jit_gen *g = gen_of(j, unit);
		const struct jit_unit *u = &j->units[unit];

		if (unit >= (g == &j->gens[j->gen] ? j->nr_units : g->used_units)) {
			unit = g->units_end - 1;
			continue;
		}
		*n = 2 * unit + 1;
		*c = (struct jit_code){j->exec + u->code, u->end - u->code, u->rip, u->pfn};
		return true;
	}
	return false;
}

/* ---- gdb ------------------------------------------------------------------------------------------------ */

struct jit_code_entry {
	struct jit_code_entry *next, *prev;
	const void *file;
	u64 size;
};

/* The names and what is in them are gdb's. */
extern struct jit_descriptor {
	u32 version, action;
	struct jit_code_entry *relevant, *first;
} __jit_debug_descriptor;
struct jit_descriptor __jit_debug_descriptor = {.version = 1};
void __jit_debug_register_code(void);

__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

enum { S_NONE, S_TEXT, S_FRAMES, S_SYMTAB, S_STRTAB, S_NAMES, NR_SECTIONS };

struct object {
	struct jit_code_entry entry;
	Elf64_Ehdr head;
	Elf64_Shdr section[NR_SECTIONS];
	char names[48];
	u8 frames[128];
	/* Symbols, and their names, follow. */
};
#define NAME_SIZE 32 /* "guest_0x7fffffffffff" */

/* DWARF: the CIE and one FDE for all code. The CFA is cpu->jit.host_rsp, below which enter's pushes and the return
 * address are. */
static void write_frames(struct object *o, const struct jit *j)
{
	enum { DEF_EXPR = 0x0f, OFFSET = 0x80, BREG7 = 0x77, DEREF = 0x06, PLUS = 0x23 };
	static const u8 saved[] = {3,  6,  12, 13,
				   14, 15, 16}; /* rbx rbp r12 .. r15, return address */
	u64 off = offsetof(struct cpu, jit.host_rsp), code = (u64)j->exec, size = j->size;
	u8 *p = o->frames, *start, *cie, *expr;

	cie = p;
	p += 4;
	memset(p, 0, 4);
	p += 4;
	memcpy(p, "\1\0\1\x78\x10",
	       5); /* version, no augmentation, factors 1 and -8, column of rip */
	p += 5;
	*p++ = DEF_EXPR;
	expr = p++;
	*p++ = BREG7; /* rsp + */
	do {
		*p++ = (u8)((off & 0x7f) | (off > 0x7f ? 0x80 : 0));
		off >>= 7;
	} while (off);
	if (p[-1] & 0x40) { /* it is signed */
		p[-1] |= 0x80;
		*p++ = 0;
	}
	*p++ = DEREF;
	*p++ = PLUS;
	*p++ = 56;
	*expr = (u8)(p - expr - 1);
	for (unsigned i = 0; i < sizeof(saved); i++) {
		*p++ = OFFSET | saved[i];
		*p++ = saved[i] == 16 ? 1 : (u8)(i + 2);
	}
	while ((p - cie) % 8)
		*p++ = 0;
	*(u32 *)cie = (u32)(p - cie - 4);
	start = p;
	p += 4;
	*(u32 *)p = (u32)(p - cie);
	p += 4;
	memcpy(p, &code, 8);
	memcpy(p + 8, &size, 8);
	p += 16;
	*(u32 *)start = (u32)(p - start - 4);
	memset(p, 0, 4);
	o->section[S_FRAMES].sh_size = (u64)(p + 4 - o->frames);
}

static void write_sections(struct object *o, const struct jit *j, u64 symbols)
{
	static const char names[] = "\0.text\0.eh_frame\0.symtab\0.strtab\0.shstrtab";
	static const struct {
		u32 name, type, flags;
	} kinds[] = {[S_TEXT] = {1, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR},
		     [S_FRAMES] = {7, SHT_PROGBITS, SHF_ALLOC},
		     [S_SYMTAB] = {17, SHT_SYMTAB, 0},
		     [S_STRTAB] = {25, SHT_STRTAB, 0},
		     [S_NAMES] = {33, SHT_STRTAB, 0}};
	u64 at = sizeof(*o) - offsetof(struct object, head);

	for (unsigned i = 1; i < NR_SECTIONS; i++) {
		o->section[i].sh_name = kinds[i].name;
		o->section[i].sh_type = kinds[i].type;
		o->section[i].sh_flags = kinds[i].flags;
		o->section[i].sh_addralign = 8;
	}
	o->section[S_TEXT].sh_addr = (u64)j->exec;
	o->section[S_TEXT].sh_size = j->size;
	o->section[S_FRAMES].sh_offset =
		offsetof(struct object, frames) - offsetof(struct object, head);
	o->section[S_SYMTAB].sh_offset = at;
	o->section[S_SYMTAB].sh_size = symbols * sizeof(Elf64_Sym);
	o->section[S_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	o->section[S_SYMTAB].sh_link = S_STRTAB;
	o->section[S_SYMTAB].sh_info = 1;
	o->section[S_STRTAB].sh_offset = at + symbols * sizeof(Elf64_Sym);
	o->section[S_STRTAB].sh_size = symbols * NAME_SIZE;
	o->section[S_NAMES].sh_offset =
		offsetof(struct object, names) - offsetof(struct object, head);
	o->section[S_NAMES].sh_size = sizeof(names);
	memcpy(o->names, names, sizeof(names));
	o->head = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct object, section) - offsetof(struct object, head),
		.e_ehsize = sizeof(o->head),
		.e_shentsize = sizeof(o->section[0]),
		.e_shnum = NR_SECTIONS,
		.e_shstrndx = S_NAMES};
}

static struct object *make_object(const struct jit *j, u32 units)
{
	u64 symbols = units + 2UL, i = 1; /* the null symbol, and the stubs */
	u32 n = 0;
	u64 size = sizeof(struct object) + symbols * (sizeof(Elf64_Sym) + NAME_SIZE);
	struct object *o = calloc(1, size);
	struct jit_code c = {.code = j->exec, .size = (u64)(j->first - j->write)};
	Elf64_Sym *sym;
	char *name;

	if (!o)
		return NULL;
	sym = (Elf64_Sym *)(o + 1);
	name = (char *)(sym + symbols);
	do {
		sym[i] = (Elf64_Sym){.st_name = (u32)(i * NAME_SIZE),
				     .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				     .st_shndx = S_TEXT,
				     .st_value = (u64)((const u8 *)c.code - j->exec),
				     .st_size = c.size};
		if (c.rip)
			snprintf(name + i * NAME_SIZE, NAME_SIZE, "guest_%#lx", c.rip);
		else
			snprintf(name + i * NAME_SIZE, NAME_SIZE, "jit_stubs");
	} while (jit_next_code(j, &n, &c) && ++i < symbols);
	write_sections(o, j, symbols);
	write_frames(o, j);
	o->entry.file = &o->head;
	o->entry.size = size - offsetof(struct object, head);
	return o;
}

/* 1: gdb loads it, 2: it forgets it. */
static void tell(struct jit_code_entry *entry, u32 action)
{
	struct jit_descriptor *d = &__jit_debug_descriptor;

	d->first = action == 1 ? entry : NULL;
	d->relevant = entry;
	d->action = action;
	__jit_debug_register_code();
}

void jit_gdb_forget(struct jit *j)
{
	if (!j->gdb)
		return;
	tell(j->gdb, 2);
	free(j->gdb);
	j->gdb = NULL;
}

void jit_gdb_tell(struct jit *j)
{
	u64 made = j->count.units;
	struct jit_code c;
	struct object *o;
	u32 n = 0, units = 0;

	if (made <= j->gdb_units + j->gdb_units / 8)
		return;
	j->gdb_units = made;
	while (jit_next_code(j, &n, &c))
		units++;
	o = make_object(j, units);
	if (!o)
		return;
	jit_gdb_forget(j);
	j->gdb = o;
	tell(&o->entry, 1);
}
