/*
 * Every vector and x87 row of opcodes.def against the host CPU, XSAVE and kin too: see trial.h, and
 * insn.c for the options.
 */
#include "trial.h"

static bool of_vec(const struct insn_row *r)
{
	return (r->attr & THUNK) || r->feat == FEAT_XSAVEOPT || r->feat == FEAT_XSAVEC ||
	       (r->feat == FEAT_XSAVE && r->map == MAP_0F && r->op == 0xae);
}

static bool of_program(unsigned row)
{
	const struct insn_row *r = &insn_rows[row];

	return of_vec(r);
}

int main(int argc, char **argv)
{
	return trial_main("vec", of_program, argc, argv);
}
