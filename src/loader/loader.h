/* ELF programs: the binfmt that execve uses. */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "proc/exec.h"

/* Registers the ELF format, and makes the machine's vdso and vvar pages. 0 or -errno. */
int loader_init(struct machine *m);
void loader_destroy(struct machine *m);

#endif
