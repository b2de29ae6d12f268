/* The tables of system calls, from their .def files. */
#include "syscalls/internal.h"

/* @args: "result arguments", one letter each, so all but three bytes are arguments. */
#define SYSCALL(nr, name, args, fn, status, note)                                                  \
	[nr] = {#name, sizeof(args) - 3, fn, SYS_##status, note, args},

static const struct syscall_desc syscall_table[] = {
#include "syscalls/table.def"
};

static const struct syscall_desc compat_table[] = {
#include "syscalls/table32.def"
};
#undef SYSCALL

unsigned nr_syscalls(bool compat)
{
	return compat ? ARRAY_SIZE(compat_table) : ARRAY_SIZE(syscall_table);
}

const struct syscall_desc *syscall_desc(unsigned nr, bool compat)
{
	const struct syscall_desc *d;

	if (nr >= nr_syscalls(compat))
		return NULL;
	d = compat ? &compat_table[nr] : &syscall_table[nr];
	return d->name ? d : NULL;
}
