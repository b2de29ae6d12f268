/* Emulation of the instructions that UMIP withholds: dummy values, stored as the kernel stores them
 * (copy_to_user: no alignment check, and a fault that is always "not mapped, for writing"). */
#include "proc/umip.h"

#include <signal.h>
#include <string.h>

#include "mm/uaccess.h"
#include "proc/task.h"

#define DUMMY_GDT_BASE 0xfffffffffffe0000UL
#define DUMMY_IDT_BASE 0xffffffffffff0000UL
#define TSS_SELECTOR 0x40
#define CR0_STATE 0x80050033 /* PG AM WP NE ET MP PE */

/* Bytes of the result, put into @out. */
static unsigned result(const struct cpu_umip *u, u8 out[10])
{
	u64 base = u->what == UMIP_SGDT ? DUMMY_GDT_BASE : DUMMY_IDT_BASE, v;

	memset(out, 0, 10);
	if (u->what == UMIP_SGDT || u->what == UMIP_SIDT) {
		memcpy(out + 2, &base, sizeof(base)); /* behind a limit of 0 */
		return 10;
	}
	v = u->what == UMIP_SMSW ? CR0_STATE : u->what == UMIP_STR ? TSS_SELECTOR : 0;
	memcpy(out, &v, sizeof(v));
	return u->memory ? 2 : u->size;
}

void fixup_umip_exception(struct task_struct *t, const struct cpu_umip *u)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	u8 out[10];
	unsigned n = result(u, out);

	if (!u->memory) {
		memcpy(&r->gpr[u->operand], out, n);
	} else if (copy_to_user(t->mm, u->operand, out, n)) {
		force_sig_fault(t, SIGSEGV, SEGV_MAPERR, u->operand, X86_PF, PF_USER | PF_WRITE,
				u->operand);
		return;
	}
	r->rip += u->len;
}
