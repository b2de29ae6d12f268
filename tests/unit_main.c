/*
 * main() of every unit-test program: runs the suites of the room's suites.def. See unit.h.
 */
#include "unit.h"

#include <CUnit/Basic.h>

#include <stdio.h>
#include <string.h>

static const struct unit_suite *const suites[] = {
#define SUITE(name) &suite_##name,
#include "suites.def"
#undef SUITE
	NULL,
};

static int wanted(const char *name, int argc, char **argv)
{
	if (argc == 1)
		return 1;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return 0;
}

static int add_suite(const struct unit_suite *suite)
{
	CU_pSuite added = CU_add_suite(suite->name, NULL, NULL);

	if (!added)
		return -1;
	for (const struct unit_test *t = suite->tests; t->name; t++)
		if (!CU_add_test(added, t->name, t->run))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int failed, run;

	/* What a crash leaves unsaid is the line that tells where it was. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (const struct unit_suite *const *s = suites; *s; s++) {
		if (wanted((*s)->name, argc, argv) && add_suite(*s)) {
			fprintf(stderr, "%s: %s\n", (*s)->name, CU_get_error_msg());
			return 2;
		}
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	run = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	printf("unit: %u passed, %u failed\n", run - failed, failed);
	return failed || (argc > 1 && !run); /* a name that is no suite's */
}
