/* Lockstep: translated code and interpreter side by side. See lockstep.c; lockstep_report.c prints. */
#ifndef CPU_JIT_LOCKSTEP_H
#define CPU_JIT_LOCKSTEP_H

#include "cpu/jit/run.h"

#define LOCKSTEP_PAGES 256

struct lockstep_state {
	struct cpu_regs regs;
	u64 cc, random;
	bool stopped;
	struct cpu_exit exit;
	struct fpu_state fpu;
};

struct lockstep {
	struct lockstep_state pre, jit, ref; /* before; translated; interpreted */
	void *pages[LOCKSTEP_PAGES];	     /* that were written, host addresses */
	unsigned nr_pages, nr_undone; /* the first nr_undone by translated code, and put back */
	unsigned differs_page, differs_at;
	u8 before[LOCKSTEP_PAGES][PAGE_SIZE], after[LOCKSTEP_PAGES][PAGE_SIZE];
	u64 tsc, turn, steps;
	bool off;			      /* interpret only */
	bool trapped;			      /* translated code was left by a host exception */
	volatile bool comparing, interrupted; /* cpu_interrupt() waits; it was called meanwhile */
	/* Not core: print what differs; the code of @u, and end Vellum (@what NULL: it did
	 * not happen again). */
	void (*describe)(const struct jit *j, s64 done, const char *what);
	void (*end)(const struct jit *j, const struct jit_unit *u, const char *what);
};

/* For jit_op_run(): as jit_execute(). */
const struct insn *jit_lockstep(struct cpu *cpu, struct jit_unit *u);

/* lockstep_report.c */
void lockstep_describe(const struct jit *j, s64 done, const char *what);
void lockstep_end(const struct jit *j, const struct jit_unit *u, const char *what);

#endif
