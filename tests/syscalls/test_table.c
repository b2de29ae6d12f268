/* The tables of system calls: every row is whole, numbers are Linux's, counts are as documented. */
#include "unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "syscalls/internal.h"
#include "syscalls/strace_flags.h"

static const char pointed_letters[] = "dulzxpfDsSbBocmnaPMRAYtTvVWkgwqrLKiejhGJCEUyOFNIQH&XZ@(*#";

static void check_row(unsigned nr, const struct syscall_desc *d)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->fn);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->args);
	CU_ASSERT(d->nargs <= 6);
	CU_ASSERT_EQUAL(strlen(d->args), d->nargs + 2);
	CU_ASSERT(strchr("dxpon", d->args[0]) && d->args[1] == ' ');
	for (const char *p = d->args + 2; *p; p++)
		CU_ASSERT_PTR_NOT_NULL(strchr(pointed_letters, *p));
	if (d->status == SYS_NONE)
		CU_ASSERT(d->fn == sys_ni || d->fn == sys_gone);
	if (d->status != SYS_NONE)
		CU_ASSERT(d->fn != sys_ni && d->fn != sys_gone);
	if (d->status == SYS_PARTIAL && !d->note[0])
		printf("number %u: PARTIAL, and no note says why\n", nr);
	CU_ASSERT(d->status != SYS_PARTIAL || d->note[0]);
}

static void every_row_is_whole(void)
{
	for (int compat = 0; compat < 2; compat++) {
		for (unsigned nr = 0; nr < nr_syscalls(compat); nr++) {
			const struct syscall_desc *d = syscall_desc(nr, compat);

			if (d)
				check_row(nr, d);
		}
	}
}

static void numbers_are_those_of_linux(void)
{
	static const struct {
		unsigned nr;
		bool compat;
		const char *name;
	} known[] = {
		{0, false, "read"},	    {9, false, "mmap"},		  {60, false, "exit"},
		{231, false, "exit_group"}, {257, false, "openat"},	  {334, false, "rseq"},
		{335, false, "uretprobe"},  {336, false, "uprobe"},	  {435, false, "clone3"},
		{462, false, "mseal"},	    {469, false, "file_setattr"}, {1, true, "exit"},
		{45, true, "brk"},	    {192, true, "mmap2"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		const struct syscall_desc *d = syscall_desc(known[i].nr, known[i].compat);

		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_STRING_EQUAL(d->name, known[i].name);
	}
}

/* 0 .. 336 and 424 .. 469; between them lie numbers that x86-64 does not use. */
static void all_numbers_are_named(void)
{
	for (unsigned nr = 0; nr < nr_syscalls(false); nr++)
		CU_ASSERT_EQUAL(syscall_desc(nr, false) != NULL, nr <= 336 || nr >= 424);
	CU_ASSERT_EQUAL(nr_syscalls(false), 470);
	CU_ASSERT_PTR_NULL(syscall_desc(470, false));
	CU_ASSERT_PTR_NULL(syscall_desc(~0U, false));
	CU_ASSERT_PTR_NULL(syscall_desc(0, true));
}

static void letters_of_flags_have_names(void)
{
	static const char letters[] = "oPMRAYkwanqyrhFjN";

	for (const char *p = letters; *p; p++) {
		const struct flag_set *set = strace_flag_set(*p);

		CU_ASSERT_PTR_NOT_NULL_FATAL(set);
		CU_ASSERT_PTR_NOT_NULL(set->names[0].name);
	}
	CU_ASSERT_PTR_NULL(strace_flag_set('d'));
}

static void the_page_has_a_row_for_each_call(void)
{
	char *text = NULL;
	size_t size, rows = 0, calls = 0;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	compat_print(out);
	fclose(out);
	for (const char *p = text; *p; p++)
		rows += p[0] == '\n' && p[1] == '|' && isdigit((unsigned char)p[2 + (p[2] == ' ')]);
	for (int compat = 0; compat < 2; compat++)
		for (unsigned nr = 0; nr < nr_syscalls(compat); nr++)
			calls += syscall_desc(nr, compat) != NULL;
	CU_ASSERT_EQUAL(rows, calls);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "| 11 | `munmap` | full |"));
	free(text);
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_row_is_whole),
	UNIT_TEST(numbers_are_those_of_linux),
	UNIT_TEST(all_numbers_are_named),
	UNIT_TEST(letters_of_flags_have_names),
	UNIT_TEST(the_page_has_a_row_for_each_call),
	UNIT_END,
};
const struct unit_suite suite_table = {"table", tests};
