/* Files of /proc/PID and /proc/sysvipc about what there is one of in this machine: namespaces, control
 * groups, audit; and SysV segments. See: proc(5), namespaces(7), user_namespaces(7), cgroups(7). */
#include <stdio.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/ipc_shm.h"
#include "proc/procfs/internal.h"

/* --- namespaces: the first ones, whose numbers are fixed ---------------------------------------- */

/* They can be told apart by inode (and device), which is what programs ask for; setns(2) is not built. */
#define NSFS_DEV 4 /* an anonymous device, as the kernel gives to it */

static int nsfs_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	memset(st, 0, sizeof(*st));
	if (stx)
		memset(stx, 0, sizeof(*stx)); /* no more than this: statx(2) takes it from there */
	st->st_dev = d->dev;
	st->st_ino = d->ino;
	st->st_mode = d->mode;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

/* "ipc:[4026531839]", which is no path. */
static long nsfs_path(struct dentry *d, char *buf, u64 size)
{
	int len = snprintf(buf, size, "%s:[%lu]", (const char *)d->fs_private, d->ino);

	return (u64)len < size ? len : -ENAMETOOLONG;
}

static struct file *nsfs_open(const struct path *p, int flags)
{
	static const struct file_operations nothing;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return ERR_PTR(-EPERM);
	return file_alloc(p->dentry->vfs, p, &nothing, FMODE_READ, flags);
}

/* Immutable, and nothing to be run. */
static int nsfs_access(struct dentry *d __unused, int mode, int flags __unused)
{
	return mode & X_OK ? -EACCES : mode & W_OK ? -EPERM : 0;
}

static const struct dentry_operations nsfs_dops = {
	.getattr = nsfs_getattr,
	.access = nsfs_access,
	.open = nsfs_open,
	.path = nsfs_path,
};

static int ns_link(struct task_struct *t, const char *name, u64 ino, struct path *out)
{
	struct dentry *d = dentry_alloc(&t->machine->vfs, &nsfs_dops, S_IFREG | 0444);

	if (!d)
		return -ENOMEM;
	d->dev = NSFS_DEV;
	d->ino = ino;
	d->fs_private = (void *)name;
	*out = (struct path){NULL, d};
	return 0;
}

#define NS_LINK(name, ino)                                                                         \
	int proc_link_ns_##name(struct task_struct *t, u64 sub __unused, struct path *out)         \
	{                                                                                          \
		return ns_link(t, #name, ino, out);                                                \
	}
NS_LINK(mnt, 4026531832U)
NS_LINK(net, 4026531833U)
NS_LINK(time, 4026531834U)
NS_LINK(cgroup, 4026531835U)
NS_LINK(pid, 4026531836U)
NS_LINK(user, 4026531837U)
NS_LINK(uts, 4026531838U)
NS_LINK(ipc, 4026531839U)

/* --- scheduling --------------------------------------------------------------------------------- */

/* Time on the CPU, time waited for it (not counted here: 0), times it got it. */
int proc_show_schedstat(struct seq *out, struct task_struct *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	seq_printf(out, "%lu 0 %lu\n", utime + stime, t->nvcsw + t->nivcsw + 1);
	return 0;
}

/* Where in the kernel it sleeps: this kernel has no symbols to tell. */
int proc_show_wchan(struct seq *out, struct task_struct *t __unused)
{
	seq_putc(out, '0');
	return 0;
}

/* The call that the task is in, for native calls; the stack and where it was made. */
int proc_show_syscall(struct seq *out, struct task_struct *t)
{
	static const u8 args[] = {R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9};
	const struct cpu_regs *r = task_regs(t);
	int err = proc_lock_trace(t);

	if (err)
		return err;
	if (t != current_task(t->machine) && t->state == TASK_RUNNING) {
		seq_puts(out, "running\n");
		return 0;
	}
	seq_printf(out, "%d", (int)r->gpr[R_RAX]);
	for (unsigned i = 0; i < ARRAY_SIZE(args); i++)
		seq_printf(out, " 0x%lx", r->gpr[args[i]]);
	seq_printf(out, " 0x%lx 0x%lx\n", r->gpr[R_RSP], r->rip);
	return 0;
}

/* POSIX timers: there are none. */
int proc_show_timers(struct seq *out __unused, struct task_struct *t __unused)
{
	return 0;
}

/* As prctl(PR_GET_TIMERSLACK) says. */
int proc_show_timerslack_ns(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%lu\n", t->timer_slack_ns);
	return 0;
}

/* Another's needs CAP_SYS_NICE. 0: back to the default. */
int proc_write_timerslack_ns(struct machine *m, struct task_struct *t, char *text)
{
	u64 ns;
	int err = proc_parse_u64(text, 10, &ns);

	if (err)
		return err;
	if (t != current_task(m) && !task_capable(current_task(m), 23 /* CAP_SYS_NICE */))
		return -EPERM;
	t->timer_slack_ns = ns ? ns : t->default_timer_slack_ns;
	return 0;
}

/* --- mounts ------------------------------------------------------------------------------------- */

int proc_show_mountstats(struct seq *out, struct task_struct *t)
{
	const struct mount *m;

	list_for_each_entry (m, &t->machine->vfs.mounts, list) {
		seq_puts(out, "device ");
		seq_escape(out, m->source, " \t\n\\");
		seq_puts(out, " mounted on ");
		seq_escape(out, m->target, " \t\n\\");
		seq_printf(out, " with fstype %s\n", m->type->name);
	}
	return 0;
}

/* --- SysV --------------------------------------------------------------------------------------- */

/* /proc/sysvipc/shm, sysvipc(7). See: sysvipc_shm_proc_show(). Nothing is swapped. */
int proc_show_sysvipc_shm(struct seq *out, struct machine *m)
{
	struct shmid_ds ds;
	unsigned at;
	u64 rss;
	int id;

	seq_puts(out,
		 "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		 "gid  cuid  cgid      atime      dtime      ctime                   rss      "
		 "            swap\n");
	for (at = 0; shm_next(&m->vfs, &at, &id, &ds, &rss); at++) {
		seq_printf(out, "%10d %10d  %4o %21lu %5u %5u  ", ds.shm_perm.__key, id,
			   ds.shm_perm.mode, ds.shm_segsz, ds.shm_cpid, ds.shm_lpid);
		seq_printf(out, "%5lu %5u %5u %5u %5u ", ds.shm_nattch, ds.shm_perm.uid,
			   ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid);
		seq_printf(out, "%10lu %10lu %10lu %21lu %21lu\n", ds.shm_atime, ds.shm_dtime,
			   ds.shm_ctime, rss << PAGE_SHIFT, 0UL);
	}
	return 0;
}
