/* Telling who watches: what guests do to files and directories, as it happens.
 *
 *   fsnotify_file(f, IN_MODIFY)  --> marks on the directory that f's name is in (with the name), then on f itself
 *   fsnotify_name(dir, "a", IN_CREATE) --> marks on dir
 *
 * A mark is on an inode, known by device and number, whatever the names it has; it belongs to a group, which queues
 * events for its reader (inotify.h). As long as nobody watches, nothing here costs more than a look at vfs.nr_marks.
 * What others do to the host's files comes by hostnotify.h. Nothing here sleeps.
 * See: Linux, fs/notify/fsnotify.c, include/linux/fsnotify.h.
 */
#ifndef FS_FSNOTIFY_H
#define FS_FSNOTIFY_H

#include <sys/inotify.h>

#include "fs/file.h"

struct inotify_group;

struct fsnotify_mark {
	struct list_head hash;	     /* in vfs_internal.marks, by inode */
	struct list_head list;	     /* in its group's */
	struct inotify_group *group; /* set once */
	struct dentry *dentry;	     /* a reference: its inode's number is not given again */
	u64 dev, ino;		     /* set once */
	u32 host_key;		     /* of the host's name for the inode; hostnotify.c */
	u32 mask;		     /* IN_*: events and how; changed by inotify_add_watch(2) */
	s32 wd;			     /* set once */
};

static inline bool fsnotify_on(const struct vfs *v)
{
	return __builtin_expect(!!v->nr_marks, 0);
}

/* --- what happened --------------------------------------------------------------------------------- */

/* @mask, one of IN_*, happened to what @p names; to an open file. No-ops where nobody watches. */
void fsnotify_path(const struct path *p, u32 mask);
void fsnotify_file(struct file *f, u32 mask);
/* Directory @dir has got a name (IN_CREATE), which is a directory's if @isdir. */
void fsnotify_create(struct dentry *dir, const char *name, bool isdir);
/* Inode of @d alone: its number of links has changed (IN_ATTRIB). */
void fsnotify_inode(struct dentry *d, u32 mask);
/* @f has just been opened; @created: it was made for that. */
void fsnotify_opened(struct file *f, bool created);

/* A name that is about to go, or to be moved: what it stands for, if anybody watches. */
struct fsnotify_victim {
	struct dentry *d; /* a reference, or NULL */
};
void fsnotify_begin(struct fsnotify_victim *victim, struct dentry *dir, const char *name);
/* It is gone (@err 0), or it is not. Either drops what fsnotify_begin() took. */
void fsnotify_unlinked(struct fsnotify_victim *victim, struct dentry *dir, const char *name,
		       int err);
/* @from has become the name @nname in @ndir, where @to was (its d NULL: nothing); @exchange: @to is at the old place. */
void fsnotify_moved(struct fsnotify_victim *from, struct dentry *odir, const char *oname,
		    struct fsnotify_victim *to, struct dentry *ndir, const char *nname,
		    bool exchange, int err);
/* The file system @dev goes: its marks hear of it, and go, too. */
void fsnotify_unmount(struct vfs *v, u64 dev);
/* The last open file of inode @dev, @ino is closed: if no name is left either, its marks go. */
void fsnotify_closed(struct vfs *v, u64 dev, u64 ino);

/* --- marks, for inotify.c ---------------------------------------------------------------------------- */

/* Nobody watches yet. @nofile: descriptors of the host's that there may be. */
void fsnotify_init(struct vfs *v, u64 nofile);
/* The mark of @group on @d's inode, or NULL. */
struct fsnotify_mark *fsnotify_find_mark(struct inotify_group *group, const struct dentry *d);
/* A new one, linked. ERR_PTR(-ENOMEM; -ENOSPC: there are too many). */
struct fsnotify_mark *fsnotify_add_mark(struct vfs *v, struct inotify_group *group,
					struct dentry *d);
/* Frees @mark; its group is not told. */
void fsnotify_destroy_mark(struct vfs *v, struct fsnotify_mark *mark);

#endif
