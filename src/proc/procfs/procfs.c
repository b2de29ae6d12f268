/* /proc and /sys as file systems: mounted, and read from inside. See procfs.h. */
#include "proc/procfs/procfs.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

/* --- links that are text ------------------------------------------------------------------ */

long proc_text_self(struct machine *m, char *buf, u64 size)
{
	struct task_struct *t = current_task(m);

	return t ? snprintf(buf, size, "%d", t->tgid) : -ENOENT;
}

long proc_text_thread_self(struct machine *m, char *buf, u64 size)
{
	struct task_struct *t = current_task(m);

	return t ? snprintf(buf, size, "%d/task/%d", t->tgid, t->pid) : -ENOENT;
}

long proc_text_mounts(struct machine *m __unused, char *buf, u64 size)
{
	return snprintf(buf, size, "self/mounts");
}

/* --- the file system ---------------------------------------------------------------------- */

static struct dentry *proc_mount_root(struct vfs *v, void *arg __unused)
{
	return proc_dentry(v, &proc_root_entry, 0);
}

static const struct file_system_type proc_fs_type = {
	.name = "proc",
	.nodev = true,
	.noexec = true,
	.mount_root = proc_mount_root,
};

static struct dentry *sysfs_mount_root(struct vfs *v, void *arg __unused)
{
	return proc_dentry(v, &sysfs_root_entry, 0);
}

static const struct file_system_type sysfs_type = {
	.name = "sysfs",
	.nodev = true,
	.noexec = true,
	.mount_root = sysfs_mount_root,
};

int procfs_init(struct machine *m)
{
	int err = vfs_mount(&m->vfs, &sysfs_type, "sysfs", "/sys",
			    "rw,nosuid,nodev,noexec,relatime", NULL);

	if (err)
		return err;
	err = vfs_mount(&m->vfs, &proc_fs_type, "proc", "/proc", "rw,relatime", NULL);
	if (err)
		return err;
	sysctl_init(m);
	return 0;
}

/* NULL: there is none in that folder. */
static const struct proc_entry *find_entry(enum proc_dir dir, const char *name)
{
	const struct proc_entry *e;

	for (e = proc_entries; e < proc_entries + nr_proc_entries; e++)
		if (proc_entry_in(e, dir, 0) && !strcmp(e->name, name))
			return e;
	return NULL;
}

bool procfs_has_text(const char *name, bool task)
{
	const struct proc_entry *e = find_entry(task ? DIR_PID : DIR_ROOT, name);

	if (!e || e->flags & P_PATTERN)
		return false;
	switch (e->kind) {
	case KIND_CONST:
	case KIND_SYSTEM:
	case KIND_TASK:
	case KIND_MM:
	case KIND_VMAS:
		return true;
	default:
		return false;
	}
}

int procfs_read_text(struct machine *m, struct task_struct *t, const char *name, struct seq *out)
{
	const struct proc_entry *e = find_entry(t ? DIR_PID : DIR_ROOT, name);
	int err;

	*out = (struct seq){.mem = &m->mem};
	if (!e)
		return -ENOENT;
	err = proc_show(e, out, m, t, 0);
	return err == -EINVAL ? -ENOENT : err;
}
