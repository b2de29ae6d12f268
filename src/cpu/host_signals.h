/* The host's signals that the execution of guest code may raise.
 *
 * SIGFPE in generated code is an unmasked floating-point exception of the guest: its vector goes
 * into ecx and execution goes on at the region's fault exit, with the host's unit as the
 * instruction left it. Anything else is Vellum's own bug. cpu_install_host_handlers() is declared
 * in cpu.h.
 *
 * Not for: signals of the guest, which are proc/'s, or SIGINT and kin.
 */
#ifndef CPU_HOST_SIGNALS_H
#define CPU_HOST_SIGNALS_H

#include "base/types.h"

/* Generated code, [start, end), and the code that takes over when an instruction in it faults. */
struct code_region {
	u64 start, end;
	u64 fault_exit;	      /* entered with ecx = X86_MF or X86_XM and all else as it was */
	bool keeps_registers; /* ... or rather with r9 the address of the instruction: translated code */
};

/* Handlers get no argument, so the regions of all machines of the process stand in one table, which is
 * read by a handler at any moment and changed by one thread. Copied; once known, a region stays until it
 * is forgotten, by its start. 0; -ENOSPC: 64 are known. */
int host_signals_add_region(const struct code_region *region);
void host_signals_forget_region(u64 start);

#endif
