/* Breakpoints of the debug registers. See cpu.h; SDM vol. 3B, 18.2. */
#include "cpu/interp.h"

#include <string.h>

void cpu_set_breakpoints(struct cpu *cpu, const struct cpu_breakpoint *bp)
{
	struct cpu_debug *d = &cpu->debug;

	if (bp && !d->armed) {
		d->single_step = cpu->single_step;
		d->check = cpu->tlb.check;
	} else if (!bp && d->armed) {
		cpu->single_step = d->single_step;
		cpu->tlb.check = d->check;
	}
	d->armed = bp;
	d->resuming = false;
	d->met = 0;
	if (!bp)
		return;
	memcpy(d->bp, bp, sizeof(d->bp));
	cpu->single_step = true;
	cpu->tlb.check = true; /* so that no access is a hit inline */
}

void debug_access(struct cpu *cpu, gva_t ea, unsigned size, enum tlb_access acc)
{
	struct cpu_debug *d = &cpu->debug;

	for (unsigned i = 0; i < NR_BREAKPOINTS; i++) {
		const struct cpu_breakpoint *b = &d->bp[i];

		if (!b->len || b->kind == BP_EXECUTE || (b->kind == BP_WRITE && acc != TLB_WRITE) ||
		    ea >= b->addr + b->len || b->addr >= ea + size)
			continue;
		d->met |= 1U << i;
		cpu->trap = true;
	}
}

bool debug_fetch(struct cpu *cpu)
{
	struct cpu_debug *d = &cpu->debug;
	u32 met = 0;

	d->met = 0;
	d->stepping = cpu->regs.flags & F_TF;
	d->resuming = cpu->regs.flags & F_RF;
	for (unsigned i = 0; i < NR_BREAKPOINTS; i++)
		if (d->bp[i].len && d->bp[i].kind == BP_EXECUTE && d->bp[i].addr == cpu->regs.rip)
			met |= 1U << i;
	if (!met || d->resuming)
		return true;
	cpu_raise(cpu, NULL, X86_DB, 0);
	cpu->exit.dr6 = met;
	return false;
}

void debug_raise(struct cpu *cpu)
{
	const struct cpu_debug *d = &cpu->debug;
	u32 dr6 = d->armed ? d->met | (d->stepping ? DR6_BS : 0) : DR6_BS;

	cpu_raise(cpu, NULL, X86_DB, 0);
	cpu->exit.dr6 = dr6;
}
