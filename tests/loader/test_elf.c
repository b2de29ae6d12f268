/* src/loader/elf_check.c and elf_load.c: what runs, and what is refused in one line. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "proc/exec.h"
#include "tiny_elf.h"
#include "unit.h"

/* Exits with the low byte of what follows the file's last byte in its page: bss must read 0. */
GUEST_CODE(bss_sum, "	lea 1f(%rip), %rsi\n"
		    "	mov $6000, %ecx\n"
		    "	xor %edi, %edi\n"
		    "2:	movzbl (%rsi), %eax\n"
		    "	add %eax, %edi\n"
		    "	inc %rsi\n"
		    "	loop 2b\n"
		    "	sys 60\n"
		    "1:\n");

/* Runs it in a machine of its own: wait status, or -errno of the exec. */
static int run(struct tiny_elf *e, char why[160])
{
	struct machine *m = calloc(1, sizeof(*m));
	int err;

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 32UL << 20), 0);
	tiny_elf_write(e);
	why[0] = '\0';
	err = tiny_exec(m, e, why);
	if (!err)
		err = machine_run(m);
	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
	unlink(e->path);
	return err;
}

static Elf64_Ehdr *ehdr(struct tiny_elf *e)
{
	return (Elf64_Ehdr *)e->bytes;
}

static Elf64_Phdr *phdr(struct tiny_elf *e)
{
	return (Elf64_Phdr *)(e->bytes + sizeof(Elf64_Ehdr));
}

static void the_rest_of_the_last_page_and_bss_are_zero(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));
	char why[160];

	tiny_elf_make(e, bss_sum, bss_sum_end, 3 * 4096);
	CU_ASSERT_EQUAL(run(e, why), 0);
	free(e);
}

static void refused(struct tiny_elf *e, const char *part)
{
	char why[160];

	CU_ASSERT_EQUAL(run(e, why), -ENOEXEC);
	CU_ASSERT(strstr(why, part) != NULL);
	if (!strstr(why, part))
		printf("got \"%s\", wanted \"%s\"\n", why, part);
}

#define REFUSED(change, part)                                                                      \
	do {                                                                                       \
		struct tiny_elf *e = malloc(sizeof(*e));                                           \
		tiny_elf_make(e, bss_sum, bss_sum_end, 0);                                         \
		change;                                                                            \
		refused(e, part);                                                                  \
		free(e);                                                                           \
	} while (0)

static void a_wrong_identity_is_refused(void)
{
	REFUSED(e->bytes[0] = 'X', "not an ELF file");
	REFUSED(ehdr(e)->e_ident[EI_CLASS] = ELFCLASS32, "not a 64-bit");
	REFUSED(ehdr(e)->e_ident[EI_DATA] = ELFDATA2MSB, "little-endian");
	REFUSED(ehdr(e)->e_machine = EM_AARCH64, "x86-64");
	REFUSED(ehdr(e)->e_type = ET_REL, "not an executable");
}

static void a_lying_header_is_refused(void)
{
	REFUSED(ehdr(e)->e_phnum = 0, "0 program headers");
	REFUSED(ehdr(e)->e_phnum = 0xffff, "program headers");
	REFUSED(ehdr(e)->e_phnum = 500, "truncated");
	REFUSED(ehdr(e)->e_phoff = ~0UL - 8, "truncated");
	REFUSED(ehdr(e)->e_phentsize = 32, "header size");
	REFUSED(ehdr(e)->e_entry = 0x1000, "entry");
}

static void an_impossible_segment_is_refused(void)
{
	REFUSED(phdr(e)->p_memsz = 1, "segment 0");
	REFUSED(phdr(e)->p_vaddr = TASK_SIZE, "outside user space");
	REFUSED(phdr(e)->p_memsz = ~0UL, "outside user space");
	REFUSED(phdr(e)->p_filesz = phdr(e)->p_memsz = 0x100000, "truncated");
	REFUSED(phdr(e)->p_vaddr += 1, "does not fit");
	REFUSED(phdr(e)->p_type = PT_NOTE, "no segment");
}

/* Makes @e name an interpreter: a second header, behind the code. */
static void name_interp(struct tiny_elf *e, const char *name)
{
	memcpy(e->bytes + 0x1000, name, strlen(name) + 1);
	e->len = 0x1100;
	ehdr(e)->e_phnum = 2;
	phdr(e)[1] =
		(Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = strlen(name) + 1};
}

static void an_interpreter_that_cannot_be_is_named(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));
	char why[160];

	tiny_elf_make(e, bss_sum, bss_sum_end, 0);
	name_interp(e, "/no/such/ld.so");
	CU_ASSERT_EQUAL(run(e, why), -ENOENT);
	CU_ASSERT_STRING_EQUAL(why, "interpreter /no/such/ld.so: No such file or directory");
	tiny_elf_make(e, bss_sum, bss_sum_end, 0);
	name_interp(e, "/etc/passwd");
	CU_ASSERT_EQUAL(run(e, why), -EACCES);
	tiny_elf_make(e, bss_sum, bss_sum_end, 0);
	name_interp(e, "/bin/sh\0/x");
	phdr(e)[1].p_filesz = 3;
	CU_ASSERT_EQUAL(run(e, why), -ENOEXEC);
	CU_ASSERT_STRING_EQUAL(why, "interpreter's name without an end");
	free(e);
}

/* The interpreter alone runs, and finds its own bss. */
static void an_interpreter_runs_in_the_place_of_its_program(void)
{
	struct tiny_elf *ld = malloc(sizeof(*ld)), *e = malloc(sizeof(*e));
	char why[160];

	tiny_elf_make(ld, bss_sum, bss_sum_end, 3 * 4096);
	ehdr(ld)->e_type = ET_DYN;
	ehdr(ld)->e_entry -= phdr(ld)->p_vaddr;
	phdr(ld)->p_vaddr = 0;
	tiny_elf_write(ld);
	tiny_elf_make(e, bss_sum, bss_sum, 0); /* without a byte of code */
	name_interp(e, ld->path);
	phdr(e)->p_filesz = phdr(e)->p_memsz = 0x1100;
	CU_ASSERT_EQUAL(run(e, why), 0);
	unlink(ld->path);
	free(e);
	free(ld);
}

static void overlapping_segments_are_refused(void)
{
	REFUSED(
		{
			ehdr(e)->e_phnum = 2;
			phdr(e)[1] = phdr(e)[0];
		},
		"overlap");
}

static void a_file_cut_anywhere_never_harms_the_machine(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));
	char why[160];

	for (u64 len = 0; len < 0x110; len += 7) {
		tiny_elf_make(e, bss_sum, bss_sum_end, 0);
		e->len = len;
		CU_ASSERT_EQUAL(run(e, why), -ENOEXEC);
		CU_ASSERT(why[0]);
	}
	free(e);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_rest_of_the_last_page_and_bss_are_zero),
	UNIT_TEST(a_wrong_identity_is_refused),
	UNIT_TEST(a_lying_header_is_refused),
	UNIT_TEST(an_impossible_segment_is_refused),
	UNIT_TEST(an_interpreter_that_cannot_be_is_named),
	UNIT_TEST(an_interpreter_runs_in_the_place_of_its_program),
	UNIT_TEST(overlapping_segments_are_refused),
	UNIT_TEST(a_file_cut_anywhere_never_harms_the_machine),
	UNIT_END,
};
const struct unit_suite suite_elf = {"elf", tests};
