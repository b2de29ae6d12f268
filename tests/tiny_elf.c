/* See tiny_elf.h. */
#include "tiny_elf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/loader.h"
#include "proc/exec.h"
#include "proc/init.h"
#include "proc/task.h"
#include "syscalls/syscalls.h"
#include "unit.h"

#define BASE 0x400000UL
#define CODE_OFFSET (TINY_ENTRY - BASE)
#define SYS_GETPPID 110

void tiny_elf_make(struct tiny_elf *e, const u8 *code, const u8 *end, u64 memsz)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)e->bytes;
	Elf64_Phdr *p = (Elf64_Phdr *)(h + 1);

	memset(e, 0, sizeof(*e));
	e->len = CODE_OFFSET + (end - code);
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_type = ET_EXEC;
	h->e_machine = EM_X86_64;
	h->e_version = EV_CURRENT;
	h->e_entry = BASE + CODE_OFFSET;
	h->e_phoff = sizeof(*h);
	h->e_ehsize = sizeof(*h);
	h->e_phentsize = sizeof(*p);
	h->e_phnum = 1;
	*p = (Elf64_Phdr){.p_type = PT_LOAD,
			  .p_flags = PF_R | PF_W | PF_X,
			  .p_vaddr = BASE,
			  .p_filesz = e->len,
			  .p_memsz = memsz ? memsz : e->len,
			  .p_align = 4096};
	memcpy(e->bytes + CODE_OFFSET, code, end - code);
}

void tiny_elf_write(struct tiny_elf *e)
{
	int fd;

	strcpy(e->path, "/tmp/vellum-test-XXXXXX");
	fd = mkstemp(e->path);
	if (fd < 0 || write(fd, e->bytes, e->len) != (ssize_t)e->len || fchmod(fd, 0755)) {
		perror(e->path);
		exit(1);
	}
	close(fd);
}

int tiny_machine(struct machine *m, u64 mem_size)
{
	const struct machine_config config = {.mem_size = mem_size,
					      .tlb = {256, 8, 128, false},
					      .deterministic = true,
					      .seed = 1};
	int err;

	memset(m, 0, sizeof(*m));
	err = machine_init(m, &config);
	if (err)
		return err;
	syscalls_init(m);
	err = loader_init(m);
	if (err)
		machine_destroy(m);
	return err;
}

void tiny_machine_free(struct machine *m)
{
	loader_destroy(m);
	machine_destroy(m);
}

int tiny_exec(struct machine *m, const struct tiny_elf *e, char why[160])
{
	char *argv[] = {"tiny", NULL}, *envp[] = {"A=1", NULL};

	return machine_exec(m, e->path, argv, envp, why);
}

struct machine *tiny_start(const u8 *code, const u8 *end, u64 mem_size)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct tiny_elf *e = malloc(sizeof(*e));
	char why[160] = "";

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, mem_size), 0);
	tiny_elf_make(e, code, end, 0);
	tiny_elf_write(e);
	CU_ASSERT_EQUAL_FATAL(tiny_exec(m, e, why), 0);
	unlink(e->path); /* what runs holds it */
	free(e);
	return m;
}

void tiny_end(struct machine *m)
{
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
}

static void (*inner)(struct task_struct *t, bool compat);
static void (*first_getppid)(struct task_struct *t);
static bool was_called;

static void watch(struct task_struct *t, bool compat)
{
	struct cpu *cpu = &t->machine->cpu;

	if (cpu->regs.gpr[R_RAX] != SYS_GETPPID || was_called) {
		inner(t, compat);
		return;
	}
	was_called = true;
	first_getppid(t);
	cpu->regs.gpr[R_RAX] = 1; /* what forks has left 0 in the children's */
}

void tiny_run(const u8 *code, const u8 *end, void (*body)(struct task_struct *t))
{
	struct machine *m = tiny_start(code, end, 32UL << 20);

	first_getppid = body;
	was_called = false;
	inner = m->do_syscall;
	m->do_syscall = watch;
	CU_ASSERT_EQUAL(machine_run(m), 0);
	CU_ASSERT(was_called);
	tiny_end(m);
}
