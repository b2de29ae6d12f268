/* /proc: one writer function a file, over live structures, registered in one table (files.def). */
#ifndef PROC_PROCFS_PROCFS_H
#define PROC_PROCFS_PROCFS_H

#include "proc/task.h"

/* Mounts /proc in the machine's vfs. 0 or -errno. */
int procfs_init(struct machine *m);

/* Is there a file of this name whose text procfs_read_text() gives, in a process's folder (@task) or in /proc? */
bool procfs_has_text(const char *name, bool task);

/* A file's text as the guest would read it: @name as in files.def ("maps", "status", "meminfo");
 * @t NULL for system files. For compare and --stats. 0, -ENOENT, -ENOMEM. @out is fresh; the caller
 * releases it. */
int procfs_read_text(struct machine *m, struct task_struct *t, const char *name, struct seq *out);

/* Which kind of name space @f is the file of (/proc/PID/ns): CLONE_NEW*; 0: of none. */
u64 proc_ns_type(const struct file *f);

/* The process whose directory /proc/PID @f is; 0: it is another file. */
s32 procfs_file_tgid(const struct file *f);

#endif
