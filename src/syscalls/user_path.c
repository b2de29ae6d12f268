/* Paths that a guest gives: from its memory to a name and where it starts. See user_path.h. */
#include "syscalls/user_path.h"

#include <string.h>

#include "fs/fdtable.h"
#include "syscalls/internal.h"

char *getname(struct task_struct *t, gva_t addr, bool may_be_empty)
{
	char *name = kmalloc(&t->machine->mem, PATH_MAX, GFP_KERNEL);
	long len;

	if (!name)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(t->mm, name, addr, PATH_MAX);
	if (len == PATH_MAX)
		len = -ENAMETOOLONG;
	else if (!len && !may_be_empty)
		len = -ENOENT;
	if (len >= 0)
		return name;
	kfree(&t->machine->mem, name);
	return ERR_PTR(len);
}

/* Where a relative path starts. An absolute one does not look at @dfd at all. */
static int path_start(struct task_struct *t, int dfd, struct user_path *up)
{
	struct file *f;

	up->at = NULL;
	if (dfd == AT_FDCWD || up->name[0] == '/')
		return 0;
	f = fget(t->files, dfd);
	if (!f)
		return -EBADF;
	if (!f->f_path.dentry || (up->name[0] && !S_ISDIR(f->f_path.dentry->mode)))
		return -ENOTDIR;
	up->start = f->f_path;
	path_get(&up->start);
	up->at = &up->start;
	return 0;
}

int user_path_get(struct task_struct *t, int dfd, gva_t addr, unsigned lookup, struct user_path *up)
{
	int err;

	up->name = getname(t, addr, lookup & LOOKUP_EMPTY);
	if (IS_ERR(up->name))
		return PTR_ERR(up->name);
	err = path_start(t, dfd, up);
	if (err)
		kfree(&t->machine->mem, up->name);
	return err;
}

void user_path_put(struct task_struct *t, struct user_path *up)
{
	if (up->at)
		path_put(&up->start);
	kfree(&t->machine->mem, up->name);
}

int user_lookup(struct task_struct *t, int dfd, gva_t addr, unsigned lookup, struct path *out)
{
	struct user_path up;
	int err = user_path_get(t, dfd, addr, lookup, &up);

	if (err)
		return err;
	err = path_lookup(t->fs, up.at, up.name, lookup, out, NULL);
	user_path_put(t, &up);
	return err;
}

int user_parent_get(struct task_struct *t, int dfd, gva_t addr, struct user_parent *p)
{
	struct user_path up;
	int err = user_path_get(t, dfd, addr, 0, &up);
	u64 len;

	if (err)
		return err;
	len = strlen(up.name);
	p->slash = up.name[len - 1] == '/';
	p->last[0] = 0;
	err = path_lookup(t->fs, up.at, up.name, LOOKUP_PARENT, &p->dir, p->last);
	user_path_put(t, &up);
	len = strlen(p->last);
	while (!err && len && p->last[len - 1] == '/')
		p->last[--len] = 0;
	return err;
}

bool last_is_normal(const struct user_parent *p)
{
	return p->last[0] && strcmp(p->last, ".") && strcmp(p->last, "..");
}
