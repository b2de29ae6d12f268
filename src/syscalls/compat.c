/* docs/compat.md's tables of system calls, printed from the rows that dispatch uses. */
#include "syscalls/syscalls.h"

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

void compat_print(FILE *out)
{
	fprintf(out, "## System calls\n\n");
	print_counts(out);
	print_table(out, false);
	fprintf(out, "\n## System calls through `int $0x80`\n\n");
	print_table(out, true);
}
