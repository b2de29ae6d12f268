/* inotify: a queue of what happened to watched files, read from a descriptor.
 *
 *   inotify_group --marks--> fsnotify_mark (fsnotify.h), one a watch
 *        '--events--> inotify_event_info, oldest first; equal ones in a row are one
 *
 * Not for: finding out what happens (fsnotify.h). See: inotify(7); Linux, fs/notify/inotify/.
 */
#ifndef FS_INOTIFY_H
#define FS_INOTIFY_H

#include "fs/fsnotify.h"

/* A new one (a reference). @flags: IN_NONBLOCK. Never sleeps. ERR_PTR(-EMFILE: fs.inotify.max_user_instances; -ENOMEM,
 * -ENFILE). */
struct file *inotify_create(struct vfs *v, int flags);
/* The group that @f is, for as long as @f lives; NULL: another kind of file. */
struct inotify_group *inotify_get(const struct file *f);
/* Watches @d for @mask, or changes what it is watched for. The watch's number; -EEXIST: IN_MASK_CREATE; -ENOSPC:
 * fs.inotify.max_user_watches; -ENOMEM. */
int inotify_update_watch(struct inotify_group *group, struct dentry *d, u32 mask);
/* Ends watch @wd, which its reader is told. 0 or -EINVAL: there is none. */
int inotify_remove_watch(struct inotify_group *group, s32 wd);

/* For fsnotify.c: @mark is concerned by @mask; @name: in the watched directory, or NULL; @cookie joins the two halves
 * of a rename. The mark may be gone afterwards (IN_ONESHOT). */
void inotify_handle_event(struct fsnotify_mark *mark, u32 mask, u32 cookie, const char *name);
/* There was no memory to find out what happened: the reader is told that events are lost. */
void inotify_lost(struct inotify_group *group);
/* The watched inode's file system is gone: so is @mark, and the reader is told. */
void inotify_unmounted(struct fsnotify_mark *mark);
/* The watched inode is gone: so is @mark, and the reader is told. */
void inotify_mark_gone(struct fsnotify_mark *mark);

#endif
