/* The machine as a whole: stat, uptime, loadavg, and what it is called. See: proc(5); Linux, fs/proc/stat.c,
 * uptime.c, loadavg.c, version.c. */
#include <sys/utsname.h>
#include <time.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_proc.h"
#include "fs/aio.h"
#include "proc/procfs/internal.h"
#include "proc/utsname.h"

/* --- time and tasks ----------------------------------------------------------------------- */

u64 proc_uptime_ns(struct machine *m)
{
	struct timespec ts;

	machine_clock_gettime(m, NULL, CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* CPU time of all tasks that are left. */
static void machine_cputime(struct machine *m, u64 *utime, u64 *stime)
{
	struct task_struct *t;

	*utime = *stime = 0;
	list_for_each_entry (t, &m->tasks, tasks) {
		u64 u, s;

		task_cputime(t, &u, &s);
		*utime += u;
		*stime += s;
	}
}

static u64 idle_ns(struct machine *m)
{
	u64 up = proc_uptime_ns(m), u, s;

	machine_cputime(m, &u, &s);
	return up > u + s ? up - u - s : 0;
}

int proc_show_uptime(struct seq *out, struct machine *m)
{
	u64 up = proc_uptime_ns(m) / NSEC_PER_TICK, idle = idle_ns(m) / NSEC_PER_TICK;

	seq_printf(out, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static void count_tasks(struct machine *m, unsigned *all, unsigned *running)
{
	struct task_struct *t;

	*all = *running = 0;
	list_for_each_entry (t, &m->tasks, tasks) {
		(*all)++;
		*running += *proc_task_state(t) == 'R';
	}
}

/* The averages are 0.00: nobody samples the queue of a machine that lives for seconds. */
int proc_show_loadavg(struct seq *out, struct machine *m)
{
	unsigned all, running;

	count_tasks(m, &all, &running);
	seq_printf(out, "0.00 0.00 0.00 %u/%u %d\n", running, all, m->last_pid);
	return 0;
}

static u64 boot_time(struct machine *m)
{
	struct timespec ts;

	machine_clock_gettime(m, NULL, CLOCK_REALTIME, &ts);
	return (ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec - proc_uptime_ns(m)) / NSEC_PER_SEC;
}

/* /proc/stat. There are no interrupts and no softirqs. */
int proc_show_kernel_stat(struct seq *out, struct machine *m)
{
	unsigned all, running;
	u64 u, s, idle = idle_ns(m) / NSEC_PER_TICK;

	machine_cputime(m, &u, &s);
	count_tasks(m, &all, &running);
	u /= NSEC_PER_TICK;
	s /= NSEC_PER_TICK;
	seq_printf(out, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", u, s, idle);
	seq_printf(out, "cpu0 %lu 0 %lu %lu 0 0 0 0 0 0\n", u, s, idle);
	seq_printf(out, "intr 0\nctxt %lu\nbtime %lu\nprocesses %d\n", m->rq.nr_switches,
		   boot_time(m), m->last_pid - m->init_pid + 1);
	seq_printf(out, "procs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		   running);
	return 0;
}

/* --- names -------------------------------------------------------------------------------- */

int proc_show_version(struct seq *out, struct machine *m __unused)
{
	seq_puts(out, UTS_SYSNAME " version " UTS_RELEASE " (vellum@vellum) (cc " __VERSION__
				  ") " UTS_VERSION "\n");
	return 0;
}

/* The host's, until somebody gives the guest another: it is on the host's network. */
int proc_show_hostname(struct seq *out, struct machine *m)
{
	struct utsname u;

	machine_uname(m, &u);
	seq_printf(out, "%s\n", u.nodename);
	return 0;
}

int proc_show_domainname(struct seq *out, struct machine *m)
{
	struct utsname u;

	machine_uname(m, &u);
	seq_printf(out, "%s\n", u.domainname);
	return 0;
}

/* /proc/sys/fs/aio-nr: events that contexts may hold. */
int proc_show_aio_nr(struct seq *out, struct machine *m)
{
	seq_printf(out, "%lu\n", aio_total(&m->vfs));
	return 0;
}

/* Open files, an unused field, and the limit. */
int proc_show_file_nr(struct seq *out, struct machine *m)
{
	seq_printf(out, "%lu\t0\t9223372036854775807\n", m->vfs.nr_files);
	return 0;
}
