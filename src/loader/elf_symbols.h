/* Names for guest addresses, from the program's symbol table: for reports to people. */
#ifndef LOADER_ELF_SYMBOLS_H
#define LOADER_ELF_SYMBOLS_H

#include "proc/machine.h"

/* "main+0x12" for @addr in @t's program. False: no symbol covers it, or the file has none. */
bool elf_symbolize(struct machine *m, struct task_struct *t, gva_t addr, char *buf, u64 size);

#endif
