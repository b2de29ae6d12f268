/* Text of instructions, by Capstone: for traces and reports, never for execution. */
#include "cpu/cpu.h"

#include <capstone/capstone.h>
#include <stdio.h>

unsigned cpu_disassemble(const u8 *code, unsigned n, gva_t rip, char *buf, unsigned size)
{
	unsigned len = 0;
	cs_insn *insn;
	csh handle;

	if (size)
		buf[0] = 0;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return 0;
	if (cs_disasm(handle, code, n, rip, 1, &insn) == 1) {
		len = insn->size;
		snprintf(buf, size, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "",
			 insn->op_str);
		cs_free(insn, 1);
	}
	cs_close(&handle);
	return len;
}
