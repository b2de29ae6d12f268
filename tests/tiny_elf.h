/* Smallest ELF programs, made at test time from machine code that stands in the test's source. */
#ifndef TESTS_TINY_ELF_H
#define TESTS_TINY_ELF_H

#include "base/types.h"
#include "proc/machine.h"

struct task_struct;

/* Code between two labels of the test's own assembly; position independent, starts at its start. */
#define GUEST_CODE(name, text)                                                                     \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection\n");      \
	extern const u8 name[], name##_end[]

/* For such code, as macros of the assembler: a system call whose arguments are in place; exit(); mmap() of
 * @len bytes for reading and writing, anonymous and shared (0x21) or private (0x22), its address in rax. */
__asm__(".macro sys nr\n"
	"	mov $\\nr, %eax\n"
	"	syscall\n"
	".endm\n"
	".macro exit status\n"
	"	mov $\\status, %edi\n"
	"	sys 60\n"
	".endm\n"
	".macro mmap len, flags\n"
	"	xor %edi, %edi\n"
	"	mov $\\len, %esi\n"
	"	mov $3, %edx\n"
	"	mov $\\flags, %r10d\n"
	"	mov $-1, %r8\n"
	"	xor %r9d, %r9d\n"
	"	sys 9\n"
	".endm\n");

#define TINY_ENTRY 0x400100UL /* where the code begins */

struct tiny_elf {
	char path[64]; /* a file below /tmp, the caller's to unlink */
	u8 bytes[8192];
	u64 len;
};

/* ET_EXEC at 0x400000, one segment R W X of @memsz bytes (0: the file's). Not yet written. */
void tiny_elf_make(struct tiny_elf *e, const u8 *code, const u8 *end, u64 memsz);
/* Writes e->bytes to a new file e->path. */
void tiny_elf_write(struct tiny_elf *e);

/* A machine of @mem_size bytes with system calls, /proc and loader. 0 or -errno. */
int tiny_machine(struct machine *m, u64 mem_size);
void tiny_machine_free(struct machine *m);
/* Boots the program in @m; -errno and the reason as machine_exec(). */
int tiny_exec(struct machine *m, const struct tiny_elf *e, char why[160]);

/* A new machine of @mem_size bytes in which the code is about to run, all of it checked. */
struct machine *tiny_start(const u8 *code, const u8 *end, u64 mem_size);
/* Validates and frees it. */
void tiny_end(struct machine *m);

/* Runs the code to its end, in 32 MiB. Its first getppid(2) is @body's instead, with the task that calls,
 * and then 1 to the program: children that @body forks, and threads, see 0. */
void tiny_run(const u8 *code, const u8 *end, void (*body)(struct task_struct *t));

#endif
