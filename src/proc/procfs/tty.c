/* /proc/tty and what /proc/sys tells of terminals. See: proc(5); Linux, drivers/tty/, fs/proc/proc_tty.c. */
#include "proc/procfs/internal.h"

/* /proc/tty/drivers. The guest's own, and what any kernel has; a terminal of the host's is of a driver that
 * only the host knows. See: show_tty_driver(). */
int proc_show_tty_drivers(struct seq *out, struct machine *m __unused)
{
	static const struct {
		const char *name, *dev, *kind;
		int major;
		const char *minors;
	} drivers[] = {
		{"/dev/tty", "/dev/tty", "system:/dev/tty", 5, "      0"},
		{"/dev/console", "/dev/console", "system:console", 5, "      1"},
		{"/dev/ptmx", "/dev/ptmx", "system", 5, "      2"},
		{"pty_slave", "/dev/pts", "pty:slave", 136, "0-1048575"},
		{"pty_master", "/dev/ptm", "pty:master", 128, "0-1048575"},
	};

	for (u32 i = 0; i < ARRAY_SIZE(drivers); i++)
		seq_printf(out, "%-20s %-13s %3d %s %s\n", drivers[i].name, drivers[i].dev,
			   drivers[i].major, drivers[i].minors, drivers[i].kind);
	return 0;
}

/* /proc/tty/ldiscs: there is one. See: tty_ldiscs_seq_show(). */
int proc_show_tty_ldiscs(struct seq *out, struct machine *m __unused)
{
	seq_printf(out, "%-10s %2d\n", "n_tty", 0);
	return 0;
}

/* /proc/sys/kernel/pty/nr: pairs there are. */
int proc_show_pty_nr(struct seq *out, struct machine *m)
{
	seq_printf(out, "%u\n", m->vfs.pty.nr);
	return 0;
}
