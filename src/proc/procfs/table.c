/* The table of all files of /proc and /sys, made of files.def, and its order: what is in which directory,
 * whose row is above. See internal.h. */
#include "proc/procfs/internal.h"

#include "base/err.h"

#define PROC_ROOT_INO 1
#define PROC_DYNAMIC_FIRST 0xf0000000UL /* inode numbers of rows outside /proc/PID */

#define INIT_DIR(x) .dir = DIR_##x
#define INIT_TEXT(x) .text = proc_text_##x
#define INIT_LINK(x) .link = proc_link_##x
#define INIT_CONST(x) .line = x
#define INIT_SYSCTL(x) .sysctl = SYSCTL_##x
#define INIT_SIZED(x) .sized = proc_show_##x
#define INIT_SYSTEM(x) .system = proc_show_##x
#define INIT_TASK(x) .task = proc_show_##x
#define INIT_ITEM(x) .item = proc_show_##x
#define INIT_BYTES(x) .bytes = proc_read_##x
#define INIT_MM(x) .mm = proc_show_##x
#define INIT_VMAS(x) .vmas = proc_record_##x
#define INIT_MEM(x) .mem = proc_read_##x
#define PROC(dir, name, mode, kind, get, write, flags)                                             \
	{DIR_##dir, name, mode, KIND_##kind, {INIT_##kind(get)}, proc_write_##write, flags},
const struct proc_entry proc_entries[] = {
#include "proc/procfs/files.def"
};
#undef PROC
const unsigned nr_proc_entries = ARRAY_SIZE(proc_entries);

/* The root has no row: nothing holds it. */
const struct proc_entry proc_root_entry = {
	.dir = DIR_ROOT,
	.name = "",
	.mode = 0555,
	.kind = KIND_DIR,
	.get = {.dir = DIR_ROOT},
};

/* /sys is served by the same code: a second file system, whose rows are those from DIR_SYSFS on. */
const struct proc_entry sysfs_root_entry = {
	.dir = DIR_SYSFS,
	.name = "",
	.mode = 0555,
	.kind = KIND_DIR,
	.get = {.dir = DIR_SYSFS},
};

int proc_write_none(struct machine *m __unused, struct task_struct *t __unused, u64 sub __unused,
		    char *text __unused)
{
	return -EINVAL;
}

u64 proc_ino(const struct proc_entry *e, u64 id)
{
	if (is_root(e))
		return PROC_ROOT_INO;
	return (id ? id << 8 : PROC_DYNAMIC_FIRST) + (e - proc_entries) + 1;
}

const struct proc_entry *proc_pattern(enum proc_dir dir)
{
	for (unsigned i = 0; i < nr_proc_entries; i++)
		if (proc_entries[i].dir == dir && (proc_entries[i].flags & P_PATTERN))
			return &proc_entries[i];
	return NULL;
}

/* The row that opens @dir, a directory of fs_id @id. */
static const struct proc_entry *dir_entry(enum proc_dir dir, u64 id)
{
	if (dir == DIR_ROOT)
		return &proc_root_entry;
	if (dir == DIR_SYSFS)
		return &sysfs_root_entry;
	if (dir == DIR_PID)
		return proc_pattern(id & ID_THREAD ? DIR_TASK : DIR_ROOT);
	for (unsigned i = 0; i < nr_proc_entries; i++)
		if (proc_entries[i].kind == KIND_DIR && proc_entries[i].get.dir == dir)
			return &proc_entries[i];
	return NULL;
}

const struct proc_entry *proc_parent_entry(struct machine *m, const struct proc_entry *e, u64 id,
					   u64 *parent_id)
{
	struct task_struct *t;

	*parent_id = ID_MAKE(ID_PID(id), id & ID_THREAD, 0);
	if (in_sysfs(e) && !(e->flags & P_PATTERN))
		*parent_id = id; /* of the same size */
	else if (e->dir == DIR_ROOT)
		*parent_id = 0;
	else if (e->dir == DIR_TASK && (t = proc_task(m, id)))
		*parent_id = ID_MAKE(t->tgid, 0, 0); /* the thread's group */
	return dir_entry(e->dir, *parent_id);
}

bool proc_entry_in(const struct proc_entry *e, enum proc_dir dir, u64 id)
{
	return e->dir == dir && !(e->flags & P_PATTERN) &&
	       !(e->flags & (id & ID_THREAD ? P_TGID : P_TID)) &&
	       !((e->flags & P_NOT_LEAST) && proc_size_least(dir, id));
}
