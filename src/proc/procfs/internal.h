/* What the files of procfs/ share and no other room includes.
 *
 *   files.def --> struct proc_entry table --> dentry (fs_private: the row, fs_id: whose)
 *                                         --> struct file --> handler of the row
 *
 * A row of a directory of many equals (a pid, a descriptor) is a pattern: one row, and fs_id says
 * which one.
 */
#ifndef PROC_PROCFS_INTERNAL_H
#define PROC_PROCFS_INTERNAL_H

#include "proc/procfs/procfs.h"
#include "proc/utsname.h"

/* Directories; a DIR row opens one of them. */
enum proc_dir {
	DIR_ROOT,
	DIR_SYS,
	DIR_SYS_FS,
	DIR_SYS_KERNEL,
	DIR_SYS_VM,
	DIR_SYSVIPC,
	DIR_PID, /* of a process; with ID_THREAD: of a thread below task/ */
	DIR_TASK,
	DIR_FD,
	DIR_FDINFO,
	DIR_MAP_FILES,
	DIR_NS,
	DIR_SYSFS, /* /sys; what follows is below it */
	DIR_SYSFS_DEVICES,
	DIR_SYSFS_SYSTEM,
	DIR_SYSFS_CPU,
	DIR_SYSFS_CPU0,
	DIR_SYSFS_NODE,
	DIR_SYSFS_KERNEL,
	DIR_SYSFS_MM,
	DIR_SYSFS_KSM,
	DIR_SYSFS_THP,
};

enum proc_kind {
	KIND_DIR,
	KIND_TEXT,   /* a symlink that is text, of no task */
	KIND_LINK,   /* a symlink that leads to an object of a task */
	KIND_CONST,  /* a line of text that never changes */
	KIND_SYSTEM, /* text about the machine */
	KIND_TASK,   /* text about a task */
	KIND_ITEM,   /* text about one of a task's things (fs_id says which) */
	KIND_BYTES,  /* no text: read at any position */
	KIND_MM,     /* text about the address space that the task had when the file was opened */
	KIND_MEM,    /* no text, about that address space */
};

#define P_TGID 1U    /* not below task/ */
#define P_TID 8U     /* only there */
#define P_PATTERN 2U /* stands for many names */
#define P_ATTACH 16U /* to open it takes PTRACE_MODE_ATTACH */
#define P_LIVE 32U   /* cannot be opened when the address space is gone */
#define P_SPLICE 4U  /* sendfile(2) may read it, unlike others below /proc/PID */

/* What KIND_MM and KIND_MEM have open. The address space may end meanwhile: then there is nothing to
 * read. See: proc_mem_open(). */
struct proc_mm_file {
	struct seq seq;	      /* as in other texts' private_data */
	struct mm_struct *mm; /* held by mm_count; NULL: the task had none */
	bool show_pfn;	      /* who opened it had CAP_SYS_ADMIN */
};

struct proc_entry {
	enum proc_dir dir; /* where it is */
	const char *name;
	u32 mode; /* permissions */
	enum proc_kind kind;
	union {
		enum proc_dir dir;
		long (*text)(struct machine *m, char *buf, u64 size);
		int (*link)(struct task_struct *t, u64 sub, struct path *out);
		const char *line;
		int (*system)(struct seq *out, struct machine *m);
		int (*task)(struct seq *out, struct task_struct *t);
		int (*item)(struct seq *out, struct task_struct *t, u64 sub);
		/* As file_operations.read_iter, of the file's task; outside /proc/PID the reader. */
		long (*bytes)(struct task_struct *t, struct iov_iter *to, u64 *pos);
		int (*mm)(struct seq *out, struct mm_struct *mm); /* @mm NULL: it is gone */
		long (*mem)(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos);
	} get;
	/* The text that a write brought, NUL-terminated; 0: all of it was taken, or -errno. */
	int (*write)(struct machine *m, struct task_struct *t, char *text);
	u32 flags; /* P_* */
};

/* The whole table; defined in procfs.c from files.def. */
extern const struct proc_entry proc_entries[];
extern const unsigned nr_proc_entries;

/* fs_id: whose file it is. Pids are below 2^22, descriptors and page numbers below 2^36. */
#define ID_PID(id) ((s32)((id)&0x3fffff))
#define ID_THREAD BIT(22)
#define ID_SUB(id) ((id) >> 23)
#define ID_MAKE(pid, thread, sub) ((u64)(pid) | (thread) | (u64)(sub) << 23)

/* --- procfs.c ----------------------------------------------------------------------------- */

static inline struct machine *vfs_machine(struct vfs *v)
{
	return container_of(v, struct machine, vfs);
}
/* The task that an fs_id is about, or NULL when it is gone. */
static inline struct task_struct *proc_task(struct machine *m, u64 id)
{
	return find_task_by_pid(m, ID_PID(id));
}
/* For files that ask again at each read whether the reader may attach to @t. 0 or -EPERM. */
static inline int proc_lock_trace(const struct task_struct *t)
{
	return ptrace_may_access(current_task(t->machine), t,
				 PTRACE_MODE_ATTACH | PTRACE_MODE_FSCREDS);
}
u64 proc_ino(const struct proc_entry *e, u64 id);
/* Is row @e in @dir of fs_id @id? Not rows that stand for many names. */
bool proc_entry_in(const struct proc_entry *e, enum proc_dir dir, u64 id);
/* The row behind ".." of @e, and its fs_id. */
const struct proc_entry *proc_parent_entry(struct machine *m, const struct proc_entry *e, u64 id,
					   u64 *parent_id);
/* The pattern row of a directory, or NULL. */
const struct proc_entry *proc_pattern(enum proc_dir dir);

/* --- file.c ------------------------------------------------------------------------------- */

struct file *proc_open(const struct path *p, int flags);
/* May somebody with these ids do that (R_OK, W_OK, X_OK) to the dentry's file? 0 or -EACCES. */
int proc_permission(struct dentry *d, int mode, u32 uid, u32 gid);
/* The owner of a dentry's file, whose task is @t (NULL: of none). See: task_dump_owner(). */
void proc_owner(const struct dentry *d, const struct task_struct *t, u32 *uid, u32 *gid);
/* Text of a SYSTEM, TASK, MM, ITEM or CONST row. 0 or -errno. */
int proc_show(const struct proc_entry *e, struct seq *out, struct machine *m, struct task_struct *t,
	      u64 sub);

/* For writers: the text without blanks around it (strstrip), changed in place. */
char *proc_strip(char *text);
/* The whole of @text as an integer, base 0 as in C. 0, -EINVAL or -ERANGE. */
int proc_parse_int(char *text, int *out);
/* As kstrtoull(): no blanks, no sign but '+', one newline behind it. 0, -EINVAL or -ERANGE. */
int proc_parse_u64(const char *text, int base, u64 *out);

/* --- fd.c: directories of things that come and go ----------------------------------------- */

/* The fs_id of @name in the directory of fs_id @id, whose pattern row @e is; 0: no such thing. */
u64 proc_pattern_lookup(struct machine *m, const struct proc_entry *e, u64 id, const char *name);
/* The first of its names at or after *@at; its text goes to @name (64 bytes). Its fs_id, and where
 * to go on in *@at; 0: no more. */
u64 proc_pattern_next(struct machine *m, const struct proc_entry *e, u64 id, u64 *at, char *name);
/* The name of the pattern's object @id. */
void proc_pattern_name(struct machine *m, const struct proc_entry *e, u64 id, char *name);
/* Type and permissions, where the object decides them. */
u32 proc_pattern_mode(struct machine *m, const struct proc_entry *e, u64 id);
unsigned proc_count_fds(const struct task_struct *t);

/* --- sys.c -------------------------------------------------------------------------------- */

/* What CLOCK_BOOTTIME and sysinfo(2) say, too. */
u64 proc_uptime_ns(struct machine *m);
/* As mountinfo and fdinfo number the mounts; 0: of none. */
unsigned proc_mount_id(const struct vfs *v, const struct mount *m);

/* --- ids.c: headers of tables that stay empty; there are no message queues and semaphores -------- */

#define SYSVIPC_MSG                                                                                \
	"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "       \
	"cgid      stime      rtime      ctime"
#define SYSVIPC_SEM                                                                                \
	"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime"

/* --- sysctl.c ----------------------------------------------------------------------------- */

/* The defaults of /proc/sys/vm. */
void vm_sysctl_init(struct machine *m);

/* --- task_mem.c --------------------------------------------------------------------------- */

/* Writes to /proc/PID/mem. */
long proc_write_mem_iter(const struct proc_mm_file *mf, struct iov_iter *from, u64 *pos);
/* PAGEMAP_SCAN, of pagemap only. */
long proc_ioctl_pagemap(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);

/* --- status.c ----------------------------------------------------------------------------- */

#define CAP_SYS_ADMIN_NR 21
#define CAP_SYS_RESOURCE_NR 24
#define CAP_CHECKPOINT_RESTORE_NR 40

unsigned proc_nr_threads(const struct task_struct *t);
/* "R (running)"; its first letter is what stat shows. */
const char *proc_task_state(const struct task_struct *t);
/* Hundredths of a second, USER_HZ. */
#define NSEC_PER_TICK 10000000UL

/* --- handlers, as files.def names them ---------------------------------------------------- */

/* Column `get` of a row: its function's declaration, and its initialiser. */
#define DECLARE_DIR(name)
#define DECLARE_TEXT(name) long proc_text_##name(struct machine *m, char *buf, u64 size);
#define DECLARE_LINK(name) int proc_link_##name(struct task_struct *t, u64 sub, struct path *out);
#define DECLARE_CONST(name)
#define DECLARE_SYSTEM(name) int proc_show_##name(struct seq *out, struct machine *m);
#define DECLARE_TASK(name) int proc_show_##name(struct seq *out, struct task_struct *t);
#define DECLARE_ITEM(name) int proc_show_##name(struct seq *out, struct task_struct *t, u64 sub);
#define DECLARE_MM(name) int proc_show_##name(struct seq *out, struct mm_struct *mm);
#define DECLARE_MEM(name)                                                                          \
	long proc_read_##name(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos);
#define DECLARE_BYTES(name)                                                                        \
	long proc_read_##name(struct task_struct *t, struct iov_iter *to, u64 *pos);

#define PROC(dir, name, mode, kind, get, write, flags)                                             \
	DECLARE_##kind(get) int proc_write_##write(struct machine *m, struct task_struct *t,       \
						   char *text);
#include "proc/procfs/files.def"
#undef PROC

#endif
