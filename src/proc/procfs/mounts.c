/* What is mounted: filesystems, and mounts, mountinfo, mountstats of a task. There is one table of mounts for
 * all. See: proc(5), fstab(5); Linux, fs/proc_namespace.c, fs/filesystems.c. */
#include <string.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

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

/* /proc/PID/mountinfo, proc(5). */
int proc_show_mountinfo(struct seq *out, struct task_struct *t)
{
	const struct vfs *v = &t->machine->vfs;
	const struct mount *m;

	list_for_each_entry (m, &v->mounts, list) {
		u64 dev = m->root->dev;

		seq_printf(out, "%u %u %lu:%lu / ", mount_id(v, m),
			   m->parent ? mount_id(v, m->parent) : FIRST_MOUNT_ID - 1,
			   (dev >> 8) & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
		seq_escape(out, m->target, " \t\n\\");
		seq_printf(out, " %s - %s ", m->options, m->type->name);
		seq_escape(out, m->source, " \t\n\\");
		seq_printf(out, " %s\n", strncmp(m->options, "ro", 2) ? "rw" : "ro");
	}
	return 0;
}

/* /proc/PID/mountstats, proc(5). */
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
