/* From a name to an object: the walk over the mount table. See namei.h.
 *
 * A walk holds one reference, to where it stands (nd->path). Symlinks are followed by putting
 * the rest of the name on a stack and going on with the link's text:
 *
 *	a/link/b     at "link": push "b", walk the text of link, pop "b"
 *
 * The guest never reaches a link of the host's through the host's own walk, so absolute links,
 * "..", /proc and --root hold everywhere.
 */
#include "fs/namei.h"

#include <linux/openat2.h>
#include <string.h>

#include "base/err.h"
#include "fs/hostfs.h"
#include "fs/internal.h"

struct saved_name {
	char *buf;	  /* text of a link, ours to free */
	const char *rest; /* where to go on in what was walked before it */
};

struct nameidata {
	const struct fs_struct *fs;
	struct path path; /* a reference */
	struct vfs *vfs;
	const char *name; /* what is left of the current text */
	unsigned lookup;
	unsigned links;	  /* followed so far */
	unsigned depth;	  /* saved[] in use */
	bool must_be_dir; /* a slash behind the last component */
	struct saved_name saved[MAXSYMLINKS];
	char comp[NAME_MAX + 1];
};

/* Takes over the references of @to. */
static void nd_set_path(struct nameidata *nd, const struct path *to)
{
	path_put(&nd->path);
	nd->path = *to;
}

/* Goes on with @d, a reference, in the same mount. */
static void nd_step(struct nameidata *nd, struct dentry *d)
{
	dput(nd->path.dentry);
	nd->path.dentry = d;
}

static void nd_jump(struct nameidata *nd, const struct path *to)
{
	path_get(to);
	nd_set_path(nd, to);
}

/* Takes the next component off nd->name into nd->comp. 0, or -ENAMETOOLONG. */
static int next_component(struct nameidata *nd)
{
	const char *end = strchrnul(nd->name, '/');
	u64 len = end - nd->name;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(nd->comp, nd->name, len);
	nd->comp[len] = '\0';
	nd->must_be_dir = *end == '/';
	while (*end == '/')
		end++;
	nd->name = end;
	return 0;
}

/* openat2(2) may confine a walk to the tree below its start, or to one mount. */
static bool leaves(const struct fs_struct *fs, const struct path *from, const struct mount *to,
		   u64 dev)
{
	return unlikely(fs->resolve & RESOLVE_NO_XDEV) &&
	       (to != from->mnt || (dentry_is_hostfs(from->dentry) && dev != from->dentry->dev));
}

static int check_xdev(const struct nameidata *nd, const struct mount *to, u64 dev)
{
	return leaves(nd->fs, &nd->path, to, dev) ? -EXDEV : 0;
}

static int walk_dotdot(struct nameidata *nd)
{
	struct dentry *parent;
	int err;

	if (path_same(&nd->path, &nd->fs->root))
		return nd->fs->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
	/* Out of a mount: the directory above its mount point. */
	if (nd->path.mnt->parent && d_same(nd->path.dentry, nd->path.mnt->root)) {
		struct path up = {nd->path.mnt->parent, nd->path.mnt->above};

		err = check_xdev(nd, up.mnt, up.dentry->dev);
		if (!err)
			nd_jump(nd, &up);
		return err;
	}
	if (d_same(nd->path.dentry, nd->path.mnt->root))
		return 0;
	if (!nd->path.dentry->d_op->parent)
		return -ENOENT;
	parent = nd->path.dentry->d_op->parent(nd->path.dentry);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	err = check_xdev(nd, nd->path.mnt, parent->dev);
	if (err)
		dput(parent);
	else
		nd_step(nd, parent);
	return err;
}

/* Looks nd->comp up in directory nd->path: *out gets a reference. */
static int lookup_one(struct nameidata *nd, struct path *out)
{
	struct dentry *dir = nd->path.dentry, *child;
	struct mount *m = mount_covering(&nd->path, nd->comp, NULL);
	int err;

	if (!m) {
		if (!dir->d_op->lookup)
			return -ENOTDIR;
		child = dir->d_op->lookup(dir, nd->comp);
		if (IS_ERR(child))
			return PTR_ERR(child);
		m = S_ISDIR(child->mode) ? mount_covering(&nd->path, nd->comp, child) : NULL;
		err = m ? 0 : check_xdev(nd, nd->path.mnt, child->dev);
		if (err) {
			dput(child);
			return err;
		}
		if (!m) {
			out->mnt = nd->path.mnt;
			out->dentry = child;
			mntget(out->mnt);
			return 0;
		}
		dput(child);
		if (IS_ERR(m))
			return PTR_ERR(m);
	}
	err = check_xdev(nd, m, m->root->dev);
	if (err)
		return err;
	out->mnt = m;
	out->dentry = m->root;
	path_get(out);
	return 0;
}

/* A text that begins at the root. */
static int check_absolute(const struct nameidata *nd)
{
	if (nd->fs->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	return check_xdev(nd, nd->fs->root.mnt, nd->fs->root.dentry->dev);
}

int resolve_link(const struct fs_struct *fs, const struct path *from, const struct path *to)
{
	u64 resolve = fs->resolve;

	if (likely(!resolve))
		return 0;
	if ((resolve & RESOLVE_NO_SYMLINKS) || (to && (resolve & RESOLVE_NO_MAGICLINKS)))
		return -ELOOP;
	if (to && (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)))
		return -EXDEV;
	return to && leaves(fs, from, to->mnt, to->dentry->dev) ? -EXDEV : 0;
}

/* Goes on with the text of @link, a symlink in directory nd->path. */
static int follow_text(struct nameidata *nd, struct dentry *link)
{
	char *buf;
	long len;
	int err;

	if (!link->d_op->readlink)
		return -EINVAL;
	err = resolve_link(nd->fs, &nd->path, NULL);
	if (err)
		return err;
	buf = kmalloc(nd->vfs->mem, PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	len = link->d_op->readlink(link, buf, PATH_MAX);
	if (len <= 0 || len >= PATH_MAX) {
		kfree(nd->vfs->mem, buf);
		return len < 0 ? (int)len : len ? -ENAMETOOLONG : -ENOENT;
	}
	buf[len] = '\0';
	err = *buf == '/' ? check_absolute(nd) : 0;
	if (err) {
		kfree(nd->vfs->mem, buf);
		return err;
	}
	nd->saved[nd->depth++] = (struct saved_name){buf, nd->name};
	nd->name = buf;
	if (*buf == '/')
		nd_jump(nd, &nd->fs->root);
	while (*nd->name == '/')
		nd->name++;
	return 0;
}

/* @link is a symlink in directory nd->path; takes the reference over. */
static int follow_link(struct nameidata *nd, struct path *link)
{
	struct path to;
	int err;

	if (++nd->links > MAXSYMLINKS) {
		path_put(link);
		return -ELOOP;
	}
	if (link->dentry->d_op->get_link) {
		err = link->dentry->d_op->get_link(link->dentry, &to);
		if (!err && to.dentry) {
			err = resolve_link(nd->fs, &nd->path, &to);
			path_put(link);
			if (err)
				path_put(&to);
			else
				nd_set_path(nd, &to);
			return err;
		}
		if (err && err != -EINVAL) {
			path_put(link);
			return err;
		}
	}
	err = follow_text(nd, link->dentry);
	path_put(link);
	return err;
}

/* Goes back to the texts that led to links. True if there is more to walk. */
static bool pop_finished(struct nameidata *nd)
{
	while (!*nd->name && nd->depth) {
		struct saved_name *s = &nd->saved[--nd->depth];

		nd->name = s->rest;
		kfree(nd->vfs->mem, s->buf);
	}
	return *nd->name;
}

/* Is nothing left to walk behind the current component? */
static bool at_last(const struct nameidata *nd)
{
	unsigned i;

	if (*nd->name)
		return false;
	for (i = 0; i < nd->depth; i++)
		if (*nd->saved[i].rest)
			return false;
	return true;
}

static int walk_component(struct nameidata *nd, bool last)
{
	struct path next;
	int err;

	if (!strcmp(nd->comp, "."))
		return 0;
	if (!strcmp(nd->comp, ".."))
		return walk_dotdot(nd);
	err = lookup_one(nd, &next);
	if (err)
		return err;
	if (S_ISLNK(next.dentry->mode) &&
	    (!last || nd->must_be_dir || (nd->lookup & LOOKUP_FOLLOW)))
		return follow_link(nd, &next);
	nd_set_path(nd, &next);
	return 0;
}

static int path_walk(struct nameidata *nd, char *last)
{
	bool slash_behind = false; /* behind the last component, or that of a link it is */
	int err;

	while (*nd->name == '/')
		nd->name++;
	while (pop_finished(nd)) {
		bool final;

		if (!d_is_dir(nd->path.dentry))
			return -ENOTDIR;
		err = next_component(nd);
		if (err)
			return err;
		final = at_last(nd);
		if (final && last && !nd->depth) {
			strcpy(last, nd->comp);
			return 0;
		}
		/* "link/": what the link leads to has to be a directory. */
		if (final && nd->must_be_dir)
			slash_behind = true;
		nd->must_be_dir = slash_behind;
		err = walk_component(nd, final);
		if (err)
			return err;
	}
	if (last)
		*last = '\0'; /* the root, or the like */
	if ((slash_behind || (nd->lookup & LOOKUP_DIRECTORY)) && !d_is_dir(nd->path.dentry))
		return -ENOTDIR;
	return 0;
}

static int nd_start(struct nameidata *nd, const struct path *at, const char *name)
{
	const struct path *from = *name == '/' ? &nd->fs->root : at ? at : &nd->fs->pwd;

	if (strnlen(name, PATH_MAX) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!*name && !(nd->lookup & LOOKUP_EMPTY))
		return -ENOENT;
	if (*name && !d_is_dir(from->dentry))
		return -ENOTDIR;
	if (*name == '/' && (nd->fs->resolve & RESOLVE_BENEATH))
		return -EXDEV;
	nd->path = *from;
	path_get(&nd->path);
	nd->name = name;
	return 0;
}

/* Most names are plain: one host call instead of two for each component. False: walk. */
static bool lookup_plain(struct nameidata *nd)
{
	const struct path from = nd->path;
	struct dentry *d;
	int fd;

	if ((nd->lookup & LOOKUP_PARENT) || !strchr(nd->name, '/'))
		return false;
	fd = hostfs_open_plain(&from, nd->name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	d = hostfs_dentry(nd->vfs, fd);
	if (IS_ERR(d))
		return false;
	if ((S_ISLNK(d->mode) && (nd->lookup & LOOKUP_FOLLOW)) ||
	    ((nd->lookup & LOOKUP_DIRECTORY) && !d_is_dir(d))) {
		dput(d);
		return false;
	}
	nd_step(nd, d);
	return true;
}

int path_lookup(const struct fs_struct *fs, const struct path *at, const char *name,
		unsigned lookup, struct path *out, char *last)
{
	struct vfs *v = fs->root.dentry->vfs;
	struct nameidata *nd = kmalloc(v->mem, sizeof(*nd), GFP_KERNEL);
	int err;

	if (!nd)
		return -ENOMEM;
	nd->fs = fs;
	nd->vfs = v;
	nd->lookup = lookup;
	nd->links = nd->depth = 0;
	nd->must_be_dir = false;
	err = nd_start(nd, at, name);
	if (!err) {
		if (!lookup_plain(nd))
			err = path_walk(nd, lookup & LOOKUP_PARENT ? last : NULL);
		while (nd->depth)
			kfree(v->mem, nd->saved[--nd->depth].buf);
		if (err)
			path_put(&nd->path);
		else
			*out = nd->path;
	}
	kfree(v->mem, nd);
	return err;
}
