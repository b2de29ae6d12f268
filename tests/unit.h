#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/*
 * Unit tests: one CUnit program a room, tests/ROOM/check_ROOM, of files that mirror src/ROOM.
 *
 * tests/mm/test_vma.c tests src/mm/vma.c and ends with the list of its tests:
 *
 *	static const struct unit_test tests[] = {
 *		UNIT_TEST(grow_up_stops_at_the_next_vma),
 *		UNIT_END,
 *	};
 *	const struct unit_suite suite_vma = { "vma", tests };
 *
 * It is joined to the program by one row, SUITE(vma), in tests/mm/suites.def and one line in
 * Makefile.am. check_mm runs all suites, check_mm vma runs that one. tests/run reads the last
 * line, "unit: N passed, M failed".
 */
#include <CUnit/CUnit.h>

/* Tests run on a host stack, not on a kernel stack of 16 KiB. */
#pragma GCC diagnostic ignored "-Wframe-larger-than="

struct unit_test {
	const char *name;
	void (*run)(void);
};

struct unit_suite {
	const char *name;
	const struct unit_test *tests; /* ends with UNIT_END */
};

#define UNIT_TEST(function)                                                                        \
	{                                                                                          \
#function, function                                                                \
	}
#define UNIT_END                                                                                   \
	{                                                                                          \
		NULL, NULL                                                                         \
	}

#define SUITE(name) extern const struct unit_suite suite_##name;
#include "suites.def"
#undef SUITE

#endif
