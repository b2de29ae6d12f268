/* Paths that a guest gives to a call: read from its memory, and started where its descriptor says.
 *
 *   openat(dfd, "a/b")  -->  user_path_get()    text, start        for who walks itself (open, execve)
 *                       -->  user_lookup()      struct path        what is there
 *                       -->  user_parent_get()  "a", "b"           for who makes or removes it
 *
 * Reading guest memory may fault, and with userfaultfd sleep. Only the handlers of syscalls/ include it.
 * See: Linux, fs/namei.c: getname(), user_path_at(), filename_parentat().
 */
#ifndef SYSCALLS_USER_PATH_H
#define SYSCALLS_USER_PATH_H

#include "fs/namei.h"

struct task_struct;

/* A path that a guest gave: its text, and where it starts. */
struct user_path {
	char *name;	       /* kmalloc'ed */
	struct path start;     /* a reference, if @at is not NULL */
	const struct path *at; /* &start; NULL: the working directory, or @name is absolute */
};

/* The directory of a name, and the name in it. */
struct user_parent {
	struct path dir;	 /* a reference, the caller's */
	char last[NAME_MAX + 1]; /* "": the path is "/" */
	bool slash;		 /* the path ends in one: it must be a directory */
};

/* The string at @addr, kmalloc'ed and the caller's. ERR_PTR(-EFAULT, -ENAMETOOLONG, -ENOENT: empty, -ENOMEM). */
char *getname(struct task_struct *t, gva_t addr, bool may_be_empty);

/* Reads the string at @addr and looks @dfd up, which an absolute path does not need. @lookup: LOOKUP_EMPTY
 * allows "". 0: user_path_put() is due; getname()'s errors; -EBADF, -ENOTDIR (@dfd). */
int user_path_get(struct task_struct *t, int dfd, gva_t addr, unsigned lookup,
		  struct user_path *up);
void user_path_put(struct task_struct *t, struct user_path *up);
/* The same and the walk: *out holds references. Errors of both, and of path_lookup(). */
int user_lookup(struct task_struct *t, int dfd, gva_t addr, unsigned lookup, struct path *out);

/* The same, up to the last component. */
int user_parent_get(struct task_struct *t, int dfd, gva_t addr, struct user_parent *p);
/* Is the last component a name, not "/", "." or ".."? */
bool last_is_normal(const struct user_parent *p);

#endif
