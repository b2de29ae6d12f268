/* docs/compat.md's tables, printed from the rows that the program itself uses: system calls,
 * advices of madvise(2), files of /proc. */
#include "syscalls/syscalls.h"

#include <string.h>

static const char *const status_words[] = {
	[SYS_NONE] = "none",
	[SYS_PARTIAL] = "partial",
	[SYS_FULL] = "full",
};

static void print_table(FILE *out, bool compat)
{
	const struct syscall_desc *d;

	fprintf(out, "| number | call | status | note |\n| ---: | --- | --- | --- |\n");
	for (unsigned nr = 0; nr < nr_syscalls(compat); nr++) {
		d = syscall_desc(nr, compat);
		if (d)
			fprintf(out, "| %u | `%s` | %s | %s |\n", nr, d->name,
				status_words[d->status], d->note);
	}
}

static void print_counts(FILE *out)
{
	unsigned count[ARRAY_SIZE(status_words)] = {0};
	const struct syscall_desc *d;

	for (unsigned nr = 0; nr < nr_syscalls(false); nr++) {
		d = syscall_desc(nr, false);
		if (d)
			count[d->status]++;
	}
	fprintf(out,
		"Of Linux 6.18's %u numbers %u are served in full, %u in part, %u answer\n"
		"-ENOSYS (each is named once on the log).\n\n",
		count[SYS_FULL] + count[SYS_PARTIAL] + count[SYS_NONE], count[SYS_FULL],
		count[SYS_PARTIAL], count[SYS_NONE]);
}

static void print_advices(FILE *out)
{
	fprintf(out, "\n## Advices of madvise(2)\n\n"
		     "Any other, and one not built yet, is EINVAL.\n\n");
#define MADV(number, name, ...) fprintf(out, "- %d `MADV_%s`\n", number, #name);
#include "mm/madvise.def"
#undef MADV
}

static void print_proc_files(FILE *out)
{
	static const struct {
		const char *dir, *name;
	} files[] = {
#define PROC(dir, name, ...) {#dir, name},
#include "proc/procfs/files.def"
#undef PROC
	};
	const char *dir = "";

	fprintf(out, "\n## Files of /proc\n\nBy directory, as the rows of "
		     "src/proc/procfs/files.def name them; a name in capitals stands for many.\n");
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		bool same = !strcmp(dir, files[i].dir);

		fprintf(out, same ? ", " : "\n- %s: ", files[i].dir);
		fprintf(out, "`%s`", files[i].name);
		dir = files[i].dir;
	}
	fprintf(out, "\n");
}

static void print_zero_fields(FILE *out)
{
	static const char *const zeros[][3] = {
#define ZERO(files, fields, why) {files, fields, why},
#include "proc/procfs/zeros.def"
#undef ZERO
	};

	fprintf(out, "\n## Fields of /proc that stay 0\n\n| file | fields | why |\n| --- | --- | "
		     "--- |\n");
	for (unsigned i = 0; i < ARRAY_SIZE(zeros); i++)
		fprintf(out, "| %s | %s | %s |\n", zeros[i][0], zeros[i][1], zeros[i][2]);
}

void compat_print(FILE *out)
{
	fprintf(out, "## System calls\n\n");
	print_counts(out);
	print_table(out, false);
	fprintf(out, "\n## System calls through `int $0x80`\n\n");
	print_table(out, true);
	print_advices(out);
	print_proc_files(out);
	print_zero_fields(out);
}
