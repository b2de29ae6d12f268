/*
 * Every integer row of opcodes.def against the host CPU: see trial.h. Options: tests/diff/trial.c.
 *
 *	check_insn [--cpu MODEL] [--rounds N] [--seed N] [--seconds N] [--row NAME] [--verbose] [--flags]
 *	check_insn [--cpu MODEL] --repeat ROW:WISH:SEED	one trial again, as a failure printed it
 *
 * --cpu: the model on Vellum's side (host). A lower one shows what a handler or the decoder does
 * otherwise there; what it lacks is left out.
 *
 * Rows that cannot run here are excused in excused.def.
 */
#include "trial.h"

static bool of_program(unsigned row)
{
	const struct insn_row *r = &insn_rows[row];

	return !(r->attr & THUNK) && r->feat != FEAT_XSAVEOPT && r->feat != FEAT_XSAVEC &&
	       (r->feat != FEAT_XSAVE || r->map != MAP_0F || r->op == 0x01);
}

int main(int argc, char **argv)
{
	return trial_main("insn", of_program, argc, argv);
}
