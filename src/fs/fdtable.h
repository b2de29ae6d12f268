/* Descriptor tables: numbers to struct files, one table a process (or several, with CLONE_FILES).
 *
 *   task_struct.files --> files_struct --> fd[0] --> struct file        a slot holds one reference
 *                                          fd[1] --> struct file
 *                           open_fds        bit n: slot n is taken
 *                           close_on_exec   bit n: FD_CLOEXEC, of the number, not of the file
 *
 * Nothing here sleeps but what drops references: closing may be the file's last, and its release() may.
 * Not for: RLIMIT_NOFILE, which the caller hands down as @limit.
 * See: Linux, fs/file.c; close(2), dup(2), fcntl(2).
 */
#ifndef FS_FDTABLE_H
#define FS_FDTABLE_H

#include "base/types.h"

struct file;
struct memory;

struct files_struct {
	u32 users;	    /* tasks that share it */
	struct memory *mem; /* set once */
	u32 max_fds;	    /* size of the arrays, grown by powers of two, never shrunk */
	struct file **fd;   /* the slots, kmalloc; NULL: a long table, in fd_area */
	gva_t fd_area;	    /* vmalloc, reached a page at a time */
	u64 *close_on_exec; /* bitmap */
	u64 *open_fds;	    /* bitmap */
	u32 next_fd;	    /* no number below it is free */
};

/* An empty table with one user. NULL: no memory. */
struct files_struct *files_alloc(struct memory *m);
/* A copy for fork(2), with one user: shares the files, a reference each. ERR_PTR(-ENOMEM). */
struct files_struct *files_dup(struct files_struct *old);
/* One user less; the last one closes everything. May sleep. */
void files_put(struct files_struct *fs);

/* The file behind @fd (no reference: look again after a sleep), or NULL. */
struct file *fget(struct files_struct *fs, int fd);

/* Makes room for the lowest free number: fd_install() needs no memory then. 0, -EMFILE (@limit), -ENOMEM. */
int fd_reserve(struct files_struct *fs, u32 limit);
/* Gives @f the lowest free number >= @min and < @limit, and takes its reference over. The number; -EMFILE,
 * -ENOMEM: the reference is still the caller's. */
int fd_install(struct files_struct *fs, struct file *f, u32 min, u32 limit, bool cloexec);
/* Gives @f the number @fd, whose file is closed; takes the reference over. @fd; -EBADF (no number), -ENOMEM:
 * nothing has changed. May sleep. See: dup2(2). */
int fd_install_at(struct files_struct *fs, struct file *f, u32 fd, bool cloexec);
/* 0 or -EBADF. May sleep. */
int fd_close(struct files_struct *fs, u32 fd);

/* FD_CLOEXEC of a number; false also if it is not open. */
bool fd_cloexec(struct files_struct *fs, u32 fd);
/* @fd must be open. */
void fd_set_cloexec(struct files_struct *fs, u32 fd, bool on);
/* execve(2): closes what has FD_CLOEXEC. May sleep. */
void files_close_on_exec(struct files_struct *fs);

#endif
