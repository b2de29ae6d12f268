/* Names for guest addresses, from the program's symbol table: for reports to people. Not for: anything that
 * the guest could notice. */
#ifndef LOADER_ELF_SYMBOLS_H
#define LOADER_ELF_SYMBOLS_H

#include "proc/machine.h"

/* "main+0x12" for @addr in @t's program, into @buf of @size bytes, cut if it is longer. Reads the file anew,
 * by libelf and host malloc: on the host's stack only (call_on_host_stack()). False, @buf as it was: no
 * symbol covers it, or the file has none or cannot be read. */
bool elf_symbolize(struct machine *m, struct task_struct *t, gva_t addr, char *buf, u64 size);

#endif
