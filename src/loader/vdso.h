/* The frames of [vdso], [vvar] and [vvar_vclock], made once a machine and mapped into each mm. The code is
 * vdso_code.S, linked when Vellum is built. Nothing here blocks. See: vdso(7); Linux, arch/x86/entry/vdso/. */
#ifndef LOADER_VDSO_H
#define LOADER_VDSO_H

#include "mm/mm.h"
#include "proc/machine.h"

/* Makes the frames, m->vdso's until vdso_destroy(); layout by config.vdso_layout: 4 + 2 + 2 pages as on
 * the reference kernel, or the host's own counts. 0; -ENOMEM, with nothing left. */
int vdso_init(struct machine *m);
void vdso_destroy(struct machine *m);
/* Maps the three, one above the other, where mmap would put them; mm->vdso is set, the address of [vdso].
 * 0; -ENOMEM (no gap of that length, no memory), with nothing mapped. */
int vdso_map(struct machine *m, struct mm_struct *mm);
/* arch_prctl(ARCH_MAP_VDSO_64): the same near @addr, if it is not mapped. Bytes of [vdso]; -EEXIST, -ENOMEM;
 * -EINVAL: there is none for @bits (32). */
long vdso_map_once(struct machine *m, struct mm_struct *mm, gva_t addr, int bits);

#endif
