/* execve(2): scripts, and where mmap() starts. ELF files are tests/loader's. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/exec.h"
#include "one_task.h"

/* Exits with its argument count + 40. */
GUEST_CODE(count_arguments, "	mov (%rsp), %edi\n"
			    "	add $40, %edi\n"
			    "	sys 60\n");

static struct tiny_elf program;
static char dir[32];

static const char *script(unsigned i)
{
	static char path[8][64];

	snprintf(path[i], sizeof(path[i]), "%s/%u", dir, i);
	return path[i];
}

static void write_script(unsigned i, const char *first_line)
{
	FILE *f = fopen(script(i), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(first_line, f);
	fclose(f);
	CU_ASSERT_EQUAL(chmod(script(i), 0755), 0);
}

/* Runs script 0 with one argument: its exit code, or -errno if it does not start. */
static int run_script(void)
{
	struct machine *m = calloc(1, sizeof(*m));
	char *argv[] = {"zero", "one", NULL}, *envp[] = {NULL};
	char why[160] = "";
	int ret;

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 32UL << 20), 0);
	ret = machine_exec(m, script(0), argv, envp, why);
	if (!ret)
		ret = machine_run(m) >> 8;
	tiny_machine_free(m);
	free(m);
	return ret;
}

static void setup(void)
{
	strcpy(dir, "/tmp/test_exec.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	tiny_elf_make(&program, count_arguments, count_arguments_end, 0);
	tiny_elf_write(&program);
}

static void teardown(void)
{
	for (unsigned i = 0; i < 8; i++)
		unlink(script(i));
	unlink(program.path);
	rmdir(dir);
}

static void the_interpreter_comes_in_front_of_the_script(void)
{
	char line[160];

	setup();
	snprintf(line, sizeof(line), "#!%s\n", program.path);
	write_script(0, line);
	CU_ASSERT_EQUAL(run_script(), 43); /* it, the script, "one": argv[0] is gone */
	snprintf(line, sizeof(line), "#! \t%s  two words \t\n", program.path);
	write_script(0, line);
	CU_ASSERT_EQUAL(run_script(), 44); /* what follows its name is one argument */
	snprintf(line, sizeof(line), "#!%s", program.path);
	write_script(0, line); /* a line without an end */
	CU_ASSERT_EQUAL(run_script(), 43);
	teardown();
}

static void an_interpreter_may_be_a_script_up_to_five_deep(void)
{
	char line[160];

	setup();
	for (unsigned i = 0; i < 5; i++) {
		snprintf(line, sizeof(line), "#!%s\n", i < 4 ? script(i + 1) : program.path);
		write_script(i, line);
	}
	CU_ASSERT_EQUAL(run_script(), 47); /* five names are added, argv[0] is replaced */
	snprintf(line, sizeof(line), "#!%s\n", script(5));
	write_script(4, line);
	snprintf(line, sizeof(line), "#!%s\n", program.path);
	write_script(5, line);
	CU_ASSERT_EQUAL(run_script(), -ELOOP);
	teardown();
}

static void a_script_without_an_interpreter_does_not_start(void)
{
	setup();
	write_script(0, "#!\n");
	CU_ASSERT_EQUAL(run_script(), -ENOEXEC);
	write_script(0, "#! \t \n");
	CU_ASSERT_EQUAL(run_script(), -ENOEXEC);
	write_script(0, "#!/nowhere/at/all\n");
	CU_ASSERT_EQUAL(run_script(), -ENOENT);
	write_script(0, "#!/\n");
	CU_ASSERT_EQUAL(run_script(), -EACCES);
	teardown();
}

/* arch/x86/mm/mmap.c: a gap for the stack's limit, at least 128 MiB, at most 5/6 of all. */
static void mmap_starts_below_the_stacks_limit(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	const u64 guard = (u64)STACK_GUARD_GAP << PAGE_SHIFT, mib = 1UL << 20;
	struct mm_struct *mm = t->mm;

	arch_pick_mmap_layout(mm, 8 * mib, 0);
	CU_ASSERT_EQUAL(mm->mmap_base, TASK_SIZE - 128 * mib);
	CU_ASSERT_FALSE(mm->mmap_legacy);
	arch_pick_mmap_layout(mm, 1024 * mib, 0);
	CU_ASSERT_EQUAL(mm->mmap_base, TASK_SIZE - 1024 * mib - guard);
	arch_pick_mmap_layout(mm, RLIM_INFINITY, 0);
	CU_ASSERT_EQUAL(mm->mmap_base, page_align(TASK_SIZE - TASK_SIZE / 6 * 5));
	arch_pick_mmap_layout(mm, 8 * mib, ADDR_COMPAT_LAYOUT_K);
	CU_ASSERT_TRUE(mm->mmap_legacy);
	CU_ASSERT_EQUAL(mm->mmap_base, page_align(TASK_SIZE / 3));
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_interpreter_comes_in_front_of_the_script),
	UNIT_TEST(an_interpreter_may_be_a_script_up_to_five_deep),
	UNIT_TEST(a_script_without_an_interpreter_does_not_start),
	UNIT_TEST(mmap_starts_below_the_stacks_limit),
	UNIT_END,
};
const struct unit_suite suite_exec = {"exec", tests};
