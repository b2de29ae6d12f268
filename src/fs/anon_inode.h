/* Files that stand for an object of the kernel and have no name: pidfds, userfaultfds and their kin.
 * What differs between them is a struct anon_inode_type; the object is the caller's. Not for: pipes
 * and sockets, whose inodes have owners and times (libfs.h). */
#ifndef FS_ANON_INODE_H
#define FS_ANON_INODE_H

#include "fs/file.h"

#define ANON_INODE_DEV 0x10
#define ANON_INODE_MAGIC 0x09041934
/* Most kinds of object share one inode, whose number is the reference kernel's. */
#define ANON_INODE_INO 1030

struct anon_inode_type {
	const char *name; /* "[userfaultfd]": what /proc/PID/fd shows after "anon_inode:" */
	const struct file_operations *fops;
	u32 mode, dev; /* as fstat(2) shows them */
	u64 magic;     /* as fstatfs(2) does */
	u32 f_mode;    /* FMODE_* of a new file */
	bool of_root;  /* its inodes are root's, not whoever's made them */
	bool reopens;  /* open(2) of /proc/PID/fd/N gives one more; else -ENXIO */
	/* The last file is gone: drops what @object was given with. */
	void (*release)(struct vfs *v, void *object);
};

/* A new file (a reference) of @object (its private_data), whose reference it takes over if it
 * succeeds. Never sleeps. @ino: 0 for the next free number. ERR_PTR(-ENFILE, -ENOMEM). See: Linux,
 * fs/anon_inodes.c. */
struct file *anon_inode_getfile(struct vfs *v, const struct anon_inode_type *type, void *object,
				u64 ino, int flags);
/* Is @f a file of @type? */
bool anon_inode_is(const struct file *f, const struct anon_inode_type *type);

#endif
