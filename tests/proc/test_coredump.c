/* Names of core files, and what may be asked for. core(5); the files: tests/guest/core_files.c. */
#include <string.h>

#include "proc/coredump.h"
#include "one_task.h"

/* What @pattern becomes for the signal 11. */
static void expect(struct task_struct *t, const char *pattern, const char *name)
{
	char got[PATH_MAX];

	CU_ASSERT_TRUE(format_corename(t, 11, pattern, got));
	CU_ASSERT_STRING_EQUAL(got, name);
	if (strcmp(got, name))
		printf("%s: %s, not %s\n", pattern, got, name);
}

static void specifiers_stand_for_the_task(void)
{
	struct task_struct *t = one_task_new(32UL << 20);

	t->tgid = 300;
	t->uid = 12;
	t->gid = 0;
	t->signal->rlim_cur[RLIMIT_CORE] = 123456789012;
	strcpy(t->comm, "prog");
	expect(t, "core", "core");
	expect(t, "/var/%e.%p-%P_%s", "/var/prog.300-300_11");
	expect(t, "%u,%g,%d,%c,%C", "12,0,1,123456789012,0");
	expect(t, "%%%p%", "%300"); /* one at the end is dropped */
	expect(t, "a%zb%Fc", "abc");
	one_task_free(t);
}

static void names_of_others_are_one_part_of_a_path(void)
{
	struct task_struct *t = one_task_new(32UL << 20);

	strcpy(t->comm, "../etc");
	expect(t, "/x/%e", "/x/..!etc");
	strcpy(t->comm, "..");
	expect(t, "/x/%e/y", "/x/!./y");
	strcpy(t->comm, ".");
	expect(t, "%e", "!");
	strcpy(t->comm, "");
	expect(t, "/x%e/y", "/x!/y");
	strcpy(t->comm, "a b");
	expect(t, "%f", "a b (path unknown)"); /* nothing has been executed */
	one_task_free(t);
}

static void the_pid_is_appended_on_request(void)
{
	struct task_struct *t = one_task_new(32UL << 20);

	t->tgid = 7;
	t->machine->sysctl[SYSCTL_core_uses_pid] = 1;
	expect(t, "core", "core.7");
	expect(t, "c%p", "c7");
	expect(t, "c%i", "c300.7"); /* %i does not count */
	one_task_free(t);
}

static void long_names_are_none(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	char pattern[PATH_MAX + 8], got[PATH_MAX];

	memset(pattern, 'x', sizeof(pattern));
	pattern[PATH_MAX - 1] = '\0';
	CU_ASSERT_TRUE(format_corename(t, 11, pattern, got));
	CU_ASSERT_STRING_EQUAL(got, pattern);
	strcpy(pattern + PATH_MAX - 1, "x");
	CU_ASSERT_FALSE(format_corename(t, 11, pattern, got));
	one_task_free(t);
}

static void patterns_are_of_files_only(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	struct machine *m = t->machine;
	char pattern[2 * CORENAME_MAX_SIZE];

	CU_ASSERT_STRING_EQUAL(m->core_pattern, "core");
	CU_ASSERT_EQUAL(coredump_set_pattern(m, "/tmp/%e\nrest"), 0);
	CU_ASSERT_STRING_EQUAL(m->core_pattern, "/tmp/%e");
	CU_ASSERT_EQUAL(coredump_set_pattern(m, "|/bin/cat"), -EINVAL);
	CU_ASSERT_EQUAL(coredump_set_pattern(m, "@socket"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(m->core_pattern, "/tmp/%e");
	memset(pattern, 'y', sizeof(pattern));
	pattern[sizeof(pattern) - 1] = '\0';
	CU_ASSERT_EQUAL(coredump_set_pattern(m, pattern), 0);
	CU_ASSERT_EQUAL(strlen(m->core_pattern), CORENAME_MAX_SIZE - 1);
	one_task_free(t);
}

static void only_sigkill_ends_a_dump(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	struct core_state core = {.dumper = t};

	t->signal->group_exit = true;
	CU_ASSERT_FALSE(prepare_signal(SIGKILL, t)); /* it is ending anyway */
	t->signal->core_state = &core;
	CU_ASSERT_TRUE(prepare_signal(SIGKILL, t));
	CU_ASSERT_FALSE(prepare_signal(SIGTERM, t));
	CU_ASSERT_FALSE(prepare_signal(SIGCONT, t));
	t->signal->core_state = NULL;
	t->signal->group_exit = false;
	one_task_free(t);
}

static void who_ended_before_is_not_waited_for(void)
{
	struct task_struct *t = one_task_new(32UL << 20);

	coredump_task_exit(t); /* no core file: nobody waits */
	CU_ASSERT_TRUE(t->post_coredump);
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(specifiers_stand_for_the_task),
	UNIT_TEST(names_of_others_are_one_part_of_a_path),
	UNIT_TEST(the_pid_is_appended_on_request),
	UNIT_TEST(long_names_are_none),
	UNIT_TEST(patterns_are_of_files_only),
	UNIT_TEST(only_sigkill_ends_a_dump),
	UNIT_TEST(who_ended_before_is_not_waited_for),
	UNIT_END,
};
const struct unit_suite suite_coredump = {"coredump", tests};
