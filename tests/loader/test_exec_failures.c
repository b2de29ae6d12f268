/* execve(2) when memory is short: each of its allocations fails once, at boot and in a program that
 * runs, for good programs, hostile ones and scripts. Before the point of no return the old program
 * lives on with what it had; behind it, it dies of SIGSEGV, as in Linux. Nothing is lost either way. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "loader/loader.h"
#include "proc/exec.h"
#include "proc/init.h"
#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

#define NR_ARGS 100
#define RAM (32UL << 20)
#define SYS_GETPPID 110

/* Says that it is there, and ends with 3. */
GUEST_CODE(ask_and_exit, "	mov $110, %eax\n"
			 "	syscall\n"
			 "	mov $3, %edi\n"
			 "	mov $60, %eax\n"
			 "	syscall\n");

/* --- what is executed ---------------------------------------------------------------------- */

struct prog {
	const char *name;
	void (*change)(struct tiny_elf *e); /* NULL: nothing */
	int error;			    /* with ample memory */
};

/* The interpreter's file that the last program made names, to be unlinked with it; "": none. */
static char interp_path[64];

static Elf64_Ehdr *ehdr(struct tiny_elf *e)
{
	return (Elf64_Ehdr *)e->bytes;
}

static Elf64_Phdr *phdr(struct tiny_elf *e)
{
	return (Elf64_Phdr *)(ehdr(e) + 1);
}

static void large_bss(struct tiny_elf *e)
{
	phdr(e)->p_memsz = 4UL << 20;
}

static void wrapping_segment(struct tiny_elf *e)
{
	phdr(e)->p_vaddr = -4096UL;
}

static void headers_outside(struct tiny_elf *e)
{
	ehdr(e)->e_phoff = 1UL << 40;
}

static void cut_short(struct tiny_elf *e)
{
	e->len = 80;
}

static void file_beyond_its_end(struct tiny_elf *e)
{
	phdr(e)->p_filesz = phdr(e)->p_memsz = 1UL << 30;
}

static void many_headers(struct tiny_elf *e)
{
	ehdr(e)->e_phnum = 0xffff;
}

static void not_ours(struct tiny_elf *e)
{
	ehdr(e)->e_machine = EM_AARCH64;
}

/* @e names @ld, a position independent program that is written anew, by a second header behind its code. */
static void name_interp(struct tiny_elf *e, struct tiny_elf *ld)
{
	char *name = (char *)e->bytes + 0x1000;

	tiny_elf_write(ld);
	strcpy(name, ld->path);
	e->len = 0x1100;
	ehdr(e)->e_phnum = 2;
	phdr(e)[1] =
		(Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = strlen(name) + 1};
	strcpy(interp_path, ld->path);
}

static void interpreted(struct tiny_elf *e)
{
	struct tiny_elf *ld = malloc(sizeof(*ld));

	tiny_elf_make(ld, ask_and_exit, ask_and_exit_end, 1 << 20);
	ehdr(ld)->e_type = ET_DYN;
	ehdr(ld)->e_entry -= phdr(ld)->p_vaddr;
	phdr(ld)->p_vaddr = 0;
	name_interp(e, ld);
	ehdr(e)->e_type = ET_DYN;
	free(ld);
}

static void interpreted_by_text(struct tiny_elf *e)
{
	struct tiny_elf *ld = malloc(sizeof(*ld));

	memset(ld, 'x', sizeof(*ld));
	ld->len = 100;
	name_interp(e, ld);
	free(ld);
}

static const struct prog progs[] = {
	{"good", NULL, 0},
	{"interpreted", interpreted, 0},
	{"interpreted by text", interpreted_by_text, -1},
	{"large bss", large_bss, 0},
	{"wrapping segment", wrapping_segment, -1},
	{"headers outside", headers_outside, -1},
	{"cut short", cut_short, -1},
	{"beyond its end", file_beyond_its_end, -1},
	{"many headers", many_headers, -1},
	{"of another machine", not_ours, -1},
};

static void unlink_prog(const struct tiny_elf *e)
{
	unlink(e->path);
	if (*interp_path)
		unlink(interp_path);
	*interp_path = '\0';
}

static void make_prog(struct tiny_elf *e, const struct prog *p)
{
	tiny_elf_make(e, ask_and_exit, ask_and_exit_end, 0);
	if (p->change)
		p->change(e);
	tiny_elf_write(e);
}

/* A script that has @e for its interpreter; its path goes to @path. */
static void make_script(const struct tiny_elf *e, char path[64])
{
	char text[128];
	int fd, len = snprintf(text, sizeof(text), "#!%s -x\n", e->path);

	strcpy(path, "/tmp/vellum-test-XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, len) == len && !fchmod(fd, 0755));
	close(fd);
}

static void many_args(char *argv[NR_ARGS + 1])
{
	for (int i = 0; i < NR_ARGS; i++)
		argv[i] = "an argument that is not so short";
	argv[NR_ARGS] = NULL;
}

/* --- a machine, and what is left of it ------------------------------------------------------- */

static struct machine *new_machine(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, RAM), 0);
	m->mem.hooks.pagefault_oom = NULL; /* a copy that fails is an error, and nobody is killed */
	return m;
}

static void expect_no_leak(struct machine *m, const char *name, u32 nth)
{
	bool lost;

	CU_ASSERT_EQUAL(machine_validate(m), 0);
	loader_destroy(m);
	machine_shutdown(m);
	lost = memory_leaks(&m->mem);
	if (lost)
		fprintf(stderr, "%s, allocation %u\n", name, nth);
	CU_ASSERT_FALSE(lost);
	memory_destroy(&m->mem);
	free(m);
}

/* --- at boot ------------------------------------------------------------------------------- */

/* The @nth allocation fails. False: there are not so many. */
static bool boot_failing(const char *path, const char *name, int error, u32 nth)
{
	struct machine *m = new_machine();
	char *argv[NR_ARGS + 1], *envp[] = {"A=1", NULL}, why[160] = "";
	bool reached, right;
	int err;

	many_args(argv);
	m->mem.fail_nth = nth;
	err = machine_exec(m, path, argv, envp, why);
	reached = !m->mem.fail_nth;
	m->mem.fail_nth = 0;
	right = reached ? err <= 0 : error ? err < 0 : !err;
	/* As in Linux: what does not get onto the new stack is E2BIG before the point of no return and
	 * EFAULT behind it, whatever the reason. */
	if (reached && !error && err && err != -ENOMEM && err != -E2BIG && err != -EFAULT)
		right = false;
	if (!right || (err && (strchr(why, '\n') || (!why[0] && err != -ENOMEM))))
		fprintf(stderr, "%s, allocation %u: %d '%s'\n", name, nth, err, why);
	CU_ASSERT_TRUE(right);
	CU_ASSERT_PTR_NULL(strchr(why, '\n'));
	if (!err)
		CU_ASSERT_EQUAL(machine_run(m), 3 << 8);
	expect_no_leak(m, name, nth);
	return reached;
}

static void a_program_that_cannot_be_loaded_for_want_of_memory_is_refused_in_one_line(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));
	u32 sum = 0;

	for (u32 i = 0; i < ARRAY_SIZE(progs); i++) {
		u32 nth = 1;

		make_prog(e, &progs[i]);
		while (boot_failing(e->path, progs[i].name, progs[i].error, nth))
			CU_ASSERT_FATAL(++nth < 1000);
		sum += nth;
		unlink_prog(e);
	}
	CU_ASSERT_TRUE(sum > 100);
	free(e);
}

/* --- in a program that runs ------------------------------------------------------------------- */

static struct {
	void (*inner)(struct task_struct *t, bool compat);
	const char *path;
	u32 nth;
	bool done; /* it has succeeded, or come to its true error */
	int error; /* of that */
} now;

static u64 objects_out(const struct machine *m)
{
	struct slabinfo s;
	u64 n = 0;

	for (unsigned i = 0; slab_info(&m->mem, i, &s); i++)
		n += s.active_objs;
	return n;
}

/* Until one succeeds, or kills the task: then the next machine goes on from there. */
static void exec_failing(struct task_struct *t)
{
	const struct exec_name name = {.name = now.path};
	char *argv[NR_ARGS + 1], *envp[] = {"A=1", NULL};
	struct machine *m = t->machine;

	many_args(argv);
	while (!now.done && now.nth < 1000) {
		struct mm_struct *mm = t->mm;
		u64 objects = objects_out(m), files = m->vfs.nr_files;
		bool reached;
		int err;

		m->mem.fail_nth = now.nth++;
		err = do_execveat(t, &name, (struct user_strings){.host = argv},
				  (struct user_strings){.host = envp}, 0, NULL);
		reached = !m->mem.fail_nth;
		m->mem.fail_nth = 0;
		if (err && t->mm != mm) { /* behind the point of no return */
			CU_ASSERT_TRUE(signal_pending(t));
			now.done = !reached;
			now.error = err;
			return;
		}
		if (!err || !reached) {
			now.done = true;
			now.error = err;
			return;
		}
		CU_ASSERT_TRUE(err == -ENOMEM || err == -E2BIG || err == -ENOEXEC ||
			       err == -ELIBBAD || err == -EIO || err == -EINVAL);
		CU_ASSERT_PTR_EQUAL(t->mm, mm);
		CU_ASSERT_EQUAL(m->vfs.nr_files, files);
		/* Kept for the next time: a page of a file with its inode and node, spare nodes. */
		CU_ASSERT_TRUE(objects_out(m) <= objects + 8);
		CU_ASSERT_EQUAL(machine_validate(m), 0);
	}
}

static void watch(struct task_struct *t, bool compat)
{
	if (t->machine->cpu.regs.gpr[R_RAX] == SYS_GETPPID && !now.done)
		exec_failing(t);
	else
		now.inner(t, compat);
}

/* Machine after machine: what is behind the point of no return ends one. */
static int exec_in_program(const char *path, const char *name)
{
	struct tiny_elf *first = malloc(sizeof(*first));
	int status = 0;

	make_prog(first, &progs[0]);
	now.path = path;
	now.nth = 1;
	now.done = false;
	while (!now.done && now.nth < 1000) {
		struct machine *m = new_machine();
		char why[160] = "";

		CU_ASSERT_EQUAL_FATAL(tiny_exec(m, first, why), 0);
		now.inner = m->do_syscall;
		m->do_syscall = watch;
		status = machine_run(m);
		CU_ASSERT_TRUE(status == 3 << 8 || (status & 0x7f) == SIGSEGV);
		expect_no_leak(m, name, now.nth - 1);
	}
	if (!now.done)
		fprintf(stderr, "%s: not done, status %#x\n", name, status);
	unlink(first->path);
	free(first);
	return status;
}

static void an_exec_that_lacks_memory_leaves_the_old_program_or_kills_it(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));

	for (u32 i = 0; i < ARRAY_SIZE(progs); i++) {
		int status;

		make_prog(e, &progs[i]);
		status = exec_in_program(e->path, progs[i].name);

		CU_ASSERT_TRUE(now.done);
		if (!progs[i].error) {
			CU_ASSERT_EQUAL(status, 3 << 8);
			CU_ASSERT_EQUAL(now.error, 0);
		}
		unlink_prog(e);
	}
	free(e);
}

static void so_does_a_script(void)
{
	struct tiny_elf *e = malloc(sizeof(*e));
	char script[64];

	make_prog(e, &progs[0]);
	make_script(e, script);
	CU_ASSERT_EQUAL(exec_in_program(script, "script"), 3 << 8);
	CU_ASSERT_EQUAL(now.error, 0);
	unlink(script);
	unlink_prog(e);
	free(e);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_program_that_cannot_be_loaded_for_want_of_memory_is_refused_in_one_line),
	UNIT_TEST(an_exec_that_lacks_memory_leaves_the_old_program_or_kills_it),
	UNIT_TEST(so_does_a_script),
	UNIT_END,
};
const struct unit_suite suite_exec_failures = {"exec_failures", tests};
