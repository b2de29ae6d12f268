/* What the files of procfs/ share and no other room includes.
 *
 *   files.def --> struct proc_entry table --> dentry (fs_private: the row, fs_id: whose)
 *                 table.c                     inode.c: stat, rights, links; dir.c: look-up, listing
 *                                         --> struct file --> handler of the row: proc_show_x() ...
 *                                             file.c: open, read, write; seq.c: text in records
 *
 * A row of a directory of many equals (a pid, a descriptor) is a pattern: one row, and fs_id says
 * which one (fd.c, hugepages.c).
 */
#ifndef PROC_PROCFS_INTERNAL_H
#define PROC_PROCFS_INTERNAL_H

#include "fs/iov_iter.h"
#include "fs/seq_file.h"
#include "proc/procfs/procfs.h"
#include "proc/utsname.h"

/* Directories; a DIR row opens one of them. */
enum proc_dir {
	DIR_ROOT,
	DIR_SYS,
	DIR_SYS_DEV,
	DIR_SYS_TTY, /* dev/tty */
	DIR_SYS_FS,
	DIR_SYS_MQUEUE, /* fs/mqueue */
	DIR_SYS_EPOLL,
	DIR_SYS_INOTIFY,
	DIR_SYS_KERNEL,
	DIR_SYS_PTY, /* kernel/pty */
	DIR_SYS_VM,
	DIR_SYSVIPC,
	DIR_TTY,
	DIR_TTY_DRIVER,
	DIR_TTY_LDISC,
	DIR_PID, /* of a process; with ID_THREAD: of a thread below task/ */
	DIR_TASK,
	DIR_FD,
	DIR_FDINFO,
	DIR_MAP_FILES,
	DIR_NS,
	DIR_NET,
	DIR_ATTR,
	DIR_SYSFS, /* /sys; what follows is below it */
	DIR_SYSFS_DEVICES,
	DIR_SYSFS_SYSTEM,
	DIR_SYSFS_CPU,
	DIR_SYSFS_CPU0,
	DIR_SYSFS_NODE,
	DIR_SYSFS_NODE0,
	DIR_SYSFS_NODE_HUGE,
	DIR_SYSFS_NODE_POOL, /* of one size, as DIR_SYSFS_POOL */
	DIR_SYSFS_KERNEL,
	DIR_SYSFS_MM,
	DIR_SYSFS_KSM,
	DIR_SYSFS_HUGE,
	DIR_SYSFS_POOL, /* of one size: ID_SUB is its shift */
	DIR_SYSFS_THP,
	DIR_SYSFS_KHUGEPAGED,
	DIR_SYSFS_THP_SIZE, /* of one size, likewise */
	DIR_SYSFS_THP_STATS,
};

enum proc_kind {
	KIND_DIR,
	KIND_TEXT,   /* a symlink that is text, of no task */
	KIND_LINK,   /* a symlink that leads to an object of a task */
	KIND_CONST,  /* a line that never changes; below PID: while the task is there */
	KIND_SYSTEM, /* text about the machine */
	KIND_SYSCTL, /* a setting, of sysctl.def */
	KIND_SIZED,  /* text about huge pages of one size: its shift is fs_id's */
	KIND_TASK,   /* text about a task */
	KIND_ITEM,   /* text about one of a task's things (fs_id says which) */
	KIND_BYTES,  /* no text: read at any position */
	KIND_VMAS,   /* the same, made of a record for each area */
	KIND_MM,     /* text about the address space that the task had when the file was opened */
	KIND_MEM,    /* no text, about that address space */
};

struct maps_walk;

/* Where it is. */
#define P_TGID (1U << 0)       /* not below task/ */
#define P_TID (1U << 1)	       /* only there */
#define P_PATTERN (1U << 2)    /* stands for many names */
#define P_NOT_LEAST (1U << 14) /* not in the directory of the smallest size of huge pages */
/* Who may open it. */
#define P_ATTACH (1U << 3) /* to open it takes PTRACE_MODE_ATTACH */
#define P_LIVE (1U << 4)   /* cannot be opened when the address space is gone */
#define P_ADMIN (1U << 5)  /* to open it for writing takes CAP_SYS_ADMIN */
/* How it is read and written. */
#define P_SPLICE (1U << 6) /* sendfile(2) may read it, unlike others below /proc/PID */
#define P_LINES (1U << 7)  /* text made of a record for each line, unlike others: see seq.c */
#define P_HEADED (1U << 8) /* ... the first of which is three lines */
#define P_TREES (1U << 15) /* ... each with all behind it whose second word is an arrow */
#define P_SIMPLE (1U << 9) /* text made anew by each read; BYTES and MEM: has an end to seek from */
#define P_STRING (1U << 10)	/* below sys/: no number, so it can be read in pieces */
#define P_WRITE_ONLY (1U << 11) /* its position stays */
#define P_AT_START (1U << 12)	/* writes at another position: -EINVAL */
#define P_SHORT (1U << 13)	/* 12 bytes of a write are taken (PROC_NUMBUF) */

/* The text of an open file: records that were made and are not all read. See: struct seq_file. */
struct proc_seq {
	struct seq seq;
	u64 from;     /* of the text, not read yet */
	u64 room;     /* bytes: what one read makes at most */
	u64 index;    /* the next record: its number, or areas: from which address on */
	u64 read_pos; /* position of @from in the file */
	bool locked;  /* somebody reads or seeks; he may sleep in a copy */
	struct wait_queue_head wait; /* ... for that */
};

/* What KIND_MM and KIND_MEM have open. The address space may end meanwhile: then there is nothing to
 * read. See: proc_mem_open(). */
struct proc_mm_file {
	struct proc_seq text; /* as in other texts' private_data */
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
		enum sysctl_id sysctl;
		int (*sized)(struct seq *out, struct machine *m, unsigned shift);
		int (*task)(struct seq *out, struct task_struct *t);
		int (*item)(struct seq *out, struct task_struct *t, u64 sub);
		/* As file_operations.read_iter, of the file's task; outside /proc/PID the reader. */
		long (*bytes)(struct task_struct *t, struct iov_iter *to, u64 *pos);
		/* Adds the record of @vma; NULL: what comes after the last. */
		void (*vmas)(struct maps_walk *w, struct vm_area_struct *vma);
		int (*mm)(struct seq *out, struct mm_struct *mm); /* @mm NULL: it is gone */
		long (*mem)(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos);
	} get;
	/* The text that a write brought, NUL-terminated, may be changed in place. @t: the file's task, or
	 * NULL; @sub: ID_SUB(fs_id). 0: all of it was taken, or -errno. May sleep. */
	int (*write)(struct machine *m, struct task_struct *t, u64 sub, char *text);
	u32 flags; /* P_* */
};

/* fs_id: whose file it is. Pids are below 2^22, descriptors and page numbers below 2^36. */
#define ID_PID(id) ((s32)((id)&0x3fffff))
#define ID_THREAD BIT(22)
#define ID_SUB(id) ((id) >> 23)
#define ID_MAKE(pid, thread, sub) ((u64)(pid) | (thread) | (u64)(sub) << 23)

static inline const struct proc_entry *d_entry(const struct dentry *d)
{
	return d->fs_private;
}

static inline const struct proc_entry *f_entry(const struct file *f)
{
	return f->f_path.dentry->fs_private;
}

static inline struct machine *f_machine(const struct file *f)
{
	return vfs_machine(f->vfs);
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

/* --- table.c ------------------------------------------------------------------------------ */

extern const struct proc_entry proc_entries[];
extern const unsigned nr_proc_entries;
/* The roots have no row: nothing holds them. /sys is a second file system, whose rows are those from
 * DIR_SYSFS on. */
extern const struct proc_entry proc_root_entry, sysfs_root_entry;

static inline bool is_root(const struct proc_entry *e)
{
	return e == &proc_root_entry || e == &sysfs_root_entry;
}

static inline bool in_sysfs(const struct proc_entry *e)
{
	return e->dir >= DIR_SYSFS;
}

static inline bool below_sys(const struct proc_entry *e)
{
	return e->dir >= DIR_SYS && e->dir <= DIR_SYS_VM;
}

/* The inode number of row @e for what @id says. */
u64 proc_ino(const struct proc_entry *e, u64 id);
/* Is row @e in @dir of fs_id @id? Not rows that stand for many names. */
bool proc_entry_in(const struct proc_entry *e, enum proc_dir dir, u64 id);
/* The row behind ".." of @e, and its fs_id. */
const struct proc_entry *proc_parent_entry(struct machine *m, const struct proc_entry *e, u64 id,
					   u64 *parent_id);
/* The pattern row of a directory, or NULL. */
const struct proc_entry *proc_pattern(enum proc_dir dir);

/* --- inode.c ------------------------------------------------------------------------------ */

/* A new dentry of row @e, the caller's. ERR_PTR(-ENOMEM). */
struct dentry *proc_dentry(struct vfs *v, const struct proc_entry *e, u64 id);
/* May somebody with these ids do that (R_OK, W_OK, X_OK) to the file? 0, -EACCES; -EPERM: immutable. */
int proc_permission(struct dentry *d, int mode, u32 uid, u32 gid);

/* --- dir.c -------------------------------------------------------------------------------- */

/* dentry_operations.lookup: the dentry of @name in @dir, the caller's; ERR_PTR(-ENOENT, -ENOTDIR, -ENOMEM). */
struct dentry *proc_lookup(struct dentry *dir, const char *name);
extern const struct file_operations proc_dir_fops;

/* --- file.c ------------------------------------------------------------------------------- */

/* file_operations.llseek of what is no text in records. */
s64 proc_llseek(struct file *f, s64 off, int whence);
/* dentry_operations.open. */
struct file *proc_open(const struct path *p, int flags);
/* Text of a row that is text, all of it. 0, -ESRCH: the task is gone; -ENOMEM; -EINVAL: no text. */
int proc_show(const struct proc_entry *e, struct seq *out, struct machine *m, struct task_struct *t,
	      u64 sub);

/* --- parse.c: the text may be changed in place ---------------------------------------------- */

/* The whole of @text as an integer, base 0 as in C, blanks around it. 0, -EINVAL or -ERANGE. */
int proc_parse_int(char *text, int *out);
/* As kstrtoull(): no blanks, no sign but '+', one newline behind it. 0, -EINVAL or -ERANGE. */
int proc_parse_u64(const char *text, int base, u64 *out);
/* kstrtobool(): the first letters decide. 0 or -EINVAL. */
int proc_parse_bool(const char *text, u64 *v);
/* All @words, which end with NULL, in order; number @on, which is in force, stands in brackets. 0. */
int proc_show_words(struct seq *out, const char *const *words, unsigned on);
/* sysfs_streq(): one newline more is the same. The word's number, or -EINVAL. */
int proc_find_word(const char *const *words, char *text);

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

/* --- stat.c, mounts.c -------------------------------------------------------------------------------- */

/* What CLOCK_BOOTTIME and sysinfo(2) say, too. */
u64 proc_uptime_ns(struct machine *m);

/* --- lines that never change: files.def names them ---------------------------------------- */

/* There is one of each namespace and control group, and everybody is who he is. */
#define ID_MAP "         0          0 4294967295"
#define SETGROUPS "allow"
#define TIMENS_OFFSETS "monotonic           0         0\nboottime            0         0"
#define CGROUP "0::/" /* one hierarchy, the second version's, and all tasks in its root */
#define CPUSET "/"

/* --- sysctl.c ----------------------------------------------------------------------------- */

/* The defaults of all settings. */
void sysctl_init(struct machine *m);
int proc_show_sysctl(struct seq *out, struct machine *m, enum sysctl_id id);
/* Bytes taken, or -errno; each handler has its rules. */
long proc_sysctl_write_iter(struct machine *m, enum sysctl_id id, struct iov_iter *from, u64 *pos);

/* --- task_mem.c --------------------------------------------------------------------------- */

/* Writes to /proc/PID/mem. */
long proc_write_mem_iter(const struct proc_mm_file *mf, struct iov_iter *from, u64 *pos);

/* --- hugepages.c -------------------------------------------------------------------------- */

/* proc_pattern_lookup(), _next() and _name() of directories of page sizes. */
u64 proc_size_lookup(struct machine *m, enum proc_dir dir, const char *name);
u64 proc_size_next(struct machine *m, enum proc_dir dir, u64 *at);
void proc_size_name(u64 id, char *name);
/* Is @id the smallest of its directory's sizes? @dir: of one size. */
bool proc_size_least(enum proc_dir dir, u64 id);
/* How many sizes directory @dir has. */
unsigned proc_nr_sizes(struct machine *m, enum proc_dir dir);

/* --- seq.c -------------------------------------------------------------------------------- */

/* Of files whose private_data is NULL or a struct proc_seq. */
long proc_seq_read_iter(struct file *f, struct iov_iter *to, u64 *pos);
s64 proc_seq_llseek(struct file *f, s64 off, int whence);
void proc_seq_release(struct file *f);

/* --- maps.c ------------------------------------------------------------------------------- */

/* All records of a VMAS row. 0 or -ENOMEM. */
int proc_show_vmas(const struct proc_entry *e, struct seq *out, struct mm_struct *mm);

/* --- maps_query.c ------------------------------------------------------------------------- */

long proc_ioctl_maps(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);

/* --- pagemap.c ---------------------------------------------------------------------------- */

long proc_ioctl_pagemap(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);

/* --- status.c ----------------------------------------------------------------------------- */

unsigned proc_nr_threads(const struct task_struct *t);
/* "R (running)"; its first letter is what stat shows. */
const char *proc_task_state(const struct task_struct *t);

/* --- handlers, as files.def names them ---------------------------------------------------- */

/* Column `get` of a row: its function's declaration, and its initialiser. */
#define DECLARE_DIR(name)
#define DECLARE_TEXT(name) long proc_text_##name(struct machine *m, char *buf, u64 size);
#define DECLARE_LINK(name) int proc_link_##name(struct task_struct *t, u64 sub, struct path *out);
#define DECLARE_CONST(name)
#define DECLARE_SYSCTL(name)
#define DECLARE_SIZED(name)                                                                        \
	int proc_show_##name(struct seq *out, struct machine *m, unsigned shift);
#define DECLARE_SYSTEM(name) int proc_show_##name(struct seq *out, struct machine *m);
#define DECLARE_TASK(name) int proc_show_##name(struct seq *out, struct task_struct *t);
#define DECLARE_ITEM(name) int proc_show_##name(struct seq *out, struct task_struct *t, u64 sub);
#define DECLARE_MM(name) int proc_show_##name(struct seq *out, struct mm_struct *mm);
#define DECLARE_VMAS(name) void proc_record_##name(struct maps_walk *w, struct vm_area_struct *vma);
#define DECLARE_MEM(name)                                                                          \
	long proc_read_##name(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos);
#define DECLARE_BYTES(name)                                                                        \
	long proc_read_##name(struct task_struct *t, struct iov_iter *to, u64 *pos);

#define PROC(dir, name, mode, kind, get, write, flags)                                             \
	DECLARE_##kind(get) int proc_write_##write(struct machine *m, struct task_struct *t,       \
						   u64 sub, char *text);
#include "proc/procfs/files.def"
#undef PROC

#endif
