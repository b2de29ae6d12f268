/* /proc files about the machine: cpuinfo, stat, uptime, loadavg, version, filesystems, mounts,
 * and what /proc/sys has that is not constant. See: proc(5). */
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_proc.h"
#include "proc/procfs/internal.h"

#define NSEC_PER_SEC 1000000000UL

/* --- cpuinfo ------------------------------------------------------------------------------ */

struct cpuid_regs {
	u32 a, b, c, d;
};

static struct cpuid_regs cpuid_of(const struct machine *m, u32 leaf)
{
	struct cpuid_regs r;

	cpu_cpuid(&m->cpu, leaf, 0, &r.a, &r.b, &r.c, &r.d);
	return r;
}

static void put_flags(struct seq *out, const struct machine *m)
{
	static const struct {
		u32 leaf;
		u8 reg, bit; /* reg: a, b, c, d */
		const char *name;
	} flags[] = {
#define CPU_FLAG(leaf, reg, bit, name) {leaf, #reg[0], bit, #name},
#include "proc/procfs/cpu_flags.def"
#undef CPU_FLAG
	};
	u32 max_leaf = cpuid_of(m, 0).a;

	seq_puts(out, "flags\t\t:");
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct cpuid_regs r;
		u32 value;

		if (flags[i].leaf < 0x80000000 && flags[i].leaf > max_leaf)
			continue;
		r = cpuid_of(m, flags[i].leaf);
		value = flags[i].reg == 'b' ? r.b : flags[i].reg == 'c' ? r.c : r.d;
		if (!(value >> flags[i].bit & 1))
			continue;
		seq_putc(out, ' ');
		seq_puts(out, flags[i].name);
	}
	/* Synthetic ones that hold for every model: long no-ops, and CPUID itself. */
	seq_puts(out, " nopl cpuid\n");
}

static void put_vendor_and_name(struct seq *out, const struct machine *m)
{
	struct cpuid_regs v = cpuid_of(m, 0), s = cpuid_of(m, 1), brand[3];
	u32 family = s.a >> 8 & 15, model = s.a >> 4 & 15;
	char vendor[13] = "", name[sizeof(brand) + 1] = "";

	memcpy(vendor, &v.b, 4);
	memcpy(vendor + 4, &v.d, 4);
	memcpy(vendor + 8, &v.c, 4);
	for (u32 i = 0; i < 3; i++)
		brand[i] = cpuid_of(m, 0x80000002 + i);
	memcpy(name, brand, sizeof(brand));
	if (family >= 6)
		model |= (s.a >> 16 & 15) << 4;
	if (family == 15)
		family += s.a >> 20 & 255;
	seq_printf(out, "processor\t: 0\nvendor_id\t: %s\n", vendor);
	seq_printf(out, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	seq_printf(out, "model name\t: %s\nstepping\t: %u\n", name[0] ? name : "unknown", s.a & 15);
}

/* The frequency of the guest's time stamp counter in kHz: virtual time counts nanoseconds; the
 * host's counter is measured, which takes a fifth of a millisecond. */
static u64 tsc_khz(const struct machine *m)
{
	u64 t0, t1, ns0, ns1;

	if (m->config.deterministic)
		return 1000000;
	t0 = __builtin_ia32_rdtsc();
	ns0 = host_clock_ns(CLOCK_MONOTONIC);
	do
		ns1 = host_clock_ns(CLOCK_MONOTONIC);
	while (ns1 - ns0 < 200000);
	t1 = __builtin_ia32_rdtsc();
	return (t1 - t0) * 1000000 / (ns1 - ns0);
}

/* /proc/cpuinfo: the one CPU, as cpuid shows it. */
int proc_show_cpuinfo(struct seq *out, struct machine *m)
{
	struct cpuid_regs ext = cpuid_of(m, 0x80000000);
	u32 apic = cpuid_of(m, 1).b >> 24, cache = 0, sizes = 0x3024;
	u64 khz = tsc_khz(m);

	if (ext.a >= 0x80000006)
		cache = cpuid_of(m, 0x80000006).c >> 16;
	if (ext.a >= 0x80000008)
		sizes = cpuid_of(m, 0x80000008).a;
	put_vendor_and_name(out, m);
	seq_printf(out, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
	if (cache)
		seq_printf(out, "cache size\t: %u KB\n", cache);
	seq_printf(out,
		   "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
		   "apicid\t\t: %u\ninitial apicid\t: %u\n",
		   apic, apic);
	seq_printf(out, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		   cpuid_of(m, 0).a);
	put_flags(out, m);
	seq_printf(out, "bugs\t\t:\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
	seq_printf(out, "clflush size\t: 64\ncache_alignment\t: 64\n");
	seq_printf(out, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		   sizes & 255, sizes >> 8 & 255);
	return 0;
}

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

/* The host's: the guest is on its network. */
int proc_show_hostname(struct seq *out, struct machine *m __unused)
{
	struct utsname u;

	seq_printf(out, "%s\n", host_uname(&u) ? "(none)" : u.nodename);
	return 0;
}

/* Open files, an unused field, and the limit. */
int proc_show_file_nr(struct seq *out, struct machine *m)
{
	seq_printf(out, "%lu\t0\t9223372036854775807\n", m->vfs.nr_files);
	return 0;
}

/* --- file systems ------------------------------------------------------------------------- */

/* Has an earlier mount the same type? */
static bool type_seen(const struct vfs *v, const struct mount *upto)
{
	const struct mount *m;

	list_for_each_entry (m, &v->mounts, list) {
		if (m == upto)
			return false;
		if (m->type == upto->type)
			return true;
	}
	return false;
}

/* /proc/filesystems: those that are mounted; no others can be. */
int proc_show_filesystems(struct seq *out, struct machine *m)
{
	const struct mount *mnt;

	list_for_each_entry (mnt, &m->vfs.mounts, list)
		if (!type_seen(&m->vfs, mnt))
			seq_printf(out, "%s\t%s\n", mnt->type->nodev ? "nodev" : "",
				   mnt->type->name);
	return 0;
}

/* /proc/PID/mounts, fstab(5). */
int proc_show_mounts(struct seq *out, struct task_struct *t)
{
	const struct mount *m;

	list_for_each_entry (m, &t->machine->vfs.mounts, list) {
		seq_escape(out, m->source, " \t\n\\#");
		seq_putc(out, ' ');
		seq_escape(out, m->target, " \t\n\\");
		seq_printf(out, " %s %s 0 0\n", m->type->name, m->options);
	}
	return 0;
}

#define FIRST_MOUNT_ID 20 /* low numbers are the kernel's own mounts */

unsigned proc_mount_id(const struct vfs *v, const struct mount *m)
{
	const struct mount *other;
	unsigned id = FIRST_MOUNT_ID;

	list_for_each_entry (other, &v->mounts, list) {
		if (other == m)
			return id;
		id++;
	}
	return 0;
}

/* /proc/PID/mountinfo, proc(5). */
int proc_show_mountinfo(struct seq *out, struct task_struct *t)
{
	const struct vfs *v = &t->machine->vfs;
	const struct mount *m;

	list_for_each_entry (m, &v->mounts, list) {
		u64 dev = m->root->dev;

		seq_printf(out, "%u %u %lu:%lu / ", proc_mount_id(v, m),
			   m->parent ? proc_mount_id(v, m->parent) : FIRST_MOUNT_ID - 1,
			   (dev >> 8) & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
		seq_escape(out, m->target, " \t\n\\");
		seq_printf(out, " %s - %s ", m->options, m->type->name);
		seq_escape(out, m->source, " \t\n\\");
		seq_printf(out, " %s\n", strncmp(m->options, "ro", 2) ? "rw" : "ro");
	}
	return 0;
}
