/* Which forms of an instruction have been seen to work: forms.def, counted row by row. */
#ifndef TESTS_DIFF_FORMS_H
#define TESTS_DIFF_FORMS_H

#include "cpu/insn.h"

enum form {
#define F_ROW(name, kind, what) F_##name,
#include "forms.def"
#undef F_ROW
	NR_F
};
#define FB(name) BIT(F_##name)
/* Any of them makes the operand memory. */
#define FB_MEMORY                                                                                  \
	(FB(base) | FB(disp8) | FB(disp32) | FB(index) | FB(scale) | FB(rip) | FB(nobase) |        \
	 FB(a32) | FB(fs) | FB(gs) | FB(hibase) | FB(hiindex) | FB(lock) | FB(bcast))
#define FB_RC (FB(rc0) | FB(rc1) | FB(rc2) | FB(rc3))

const char *form_name(unsigned form);
/* Forms of the encoding that @d stands for, without `plain`. */
u64 forms_of(const struct decoded *d);
/* Forms that @row can have and a test should run; @amd: the host's maker decides on 66 before near
 * branches. */
u64 forms_legal(const struct insn_row *row, bool amd);
/* Does operand E lie in memory in one of the row's forms, and is it touched? */
bool row_has_mem(const struct insn_row *row);

/* Excused by excused.def. */
u64 forms_excused(const struct insn_row *row, const char **reason);

/* @forms worked in a test of @row. */
void forms_passed(unsigned row, u64 forms);
u64 forms_seen(unsigned row);
/* The row turned out to write memory: `readonly` is wanted of it. */
void forms_wrote(unsigned row);
/* What is still to be run of @row. */
u64 forms_missing(unsigned row, bool amd);

/* Prints what is missing of rows that @wanted names, and what is excused. Returns rows that never
 * passed. */
unsigned forms_report(const char *program, bool (*wanted)(unsigned row), bool amd, bool verbose);

#endif
