/* What others do to the host's files that guests watch: processes outside, told of by the host's fanotify.
 *
 *   guest's own calls --> fsnotify.c --\
 *                                       >--> marks (fsnotify.h)
 *   the host's fanotify --> hostnotify --/      events of our own process are left out: the guest made them
 *
 * One group for the machine, with a mark on each watched inode; it needs no privilege. A host that has no fanotify for us
 * (before Linux 5.13, or a file system without handles) tells of nothing. Nothing here sleeps.
 * See: fanotify(7), FAN_REPORT_DFID_NAME.
 */
#ifndef FS_HOSTNOTIFY_H
#define FS_HOSTNOTIFY_H

#include "fs/fsnotify.h"

/* @mark is new, or its mask is: the host tells of it from now on. Errors do not matter. */
void hostnotify_watch(struct vfs *v, struct fsnotify_mark *mark);
/* What the host has told and nobody has read goes to the marks. Cheap if there is nothing. */
void hostnotify_poll(struct vfs *v);
/* At the end of the machine, and when no mark is left. */
void hostnotify_stop(struct vfs *v);

#endif
