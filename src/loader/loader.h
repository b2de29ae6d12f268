/* ELF programs: the binfmt that execve uses. What this folder offers to cli/; the rest is reached through what
 * loader_init() registers (linux_binfmt, machine.symbolize, machine.map_vdso).
 *
 * Not for: scripts (proc/binfmt_script.c); what a dynamically linked program's interpreter does once it runs. */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "proc/exec.h"

/* Once a machine, after machine_init() and before machine_exec(): registers the ELF format, and makes the
 * frames of [vdso] and [vvar]. 0; -ENOMEM, with nothing registered. Never blocks. */
int loader_init(struct machine *m);
/* Undoes it, before machine_destroy(). */
void loader_destroy(struct machine *m);

#endif
