/* See devtmpfs.h. */
#include "fs/devtmpfs.h"

#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"

static const struct {
	const char *name;
	u32 mode;
	u8 major, minor;
} nodes[] = {
	{"console", 0600, 5, 1}, {"full", 0666, 1, 7},	 {"null", 0666, 1, 3},
	{"ptmx", 0666, 5, 2},	 {"random", 0666, 1, 8}, {"tty", 0666, 5, 0},
	{"urandom", 0666, 1, 9}, {"zero", 0666, 1, 5},
};

static const char *const dirs[] = {"mqueue", "pts", "shm"}; /* for mounts */

static const char *const links[][2] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

/* The number of this one the host's kernel gives out; without it there is no such device here, either. */
static int make_userfaultfd(struct dentry *dev)
{
	struct stat st;

	if (host_fstatat(AT_FDCWD, "/dev/userfaultfd", &st, 0) || !S_ISCHR(st.st_mode))
		return 0;
	return dev->d_op->mknod(dev, "userfaultfd", S_IFCHR | 0600, st.st_rdev);
}

static int populate(struct dentry *dev)
{
	const struct dentry_operations *op = dev->d_op;
	int err = 0;

	for (unsigned i = 0; !err && i < ARRAY_SIZE(nodes); i++)
		err = op->mknod(dev, nodes[i].name, S_IFCHR | nodes[i].mode,
				makedev(nodes[i].major, nodes[i].minor));
	for (unsigned i = 0; !err && i < ARRAY_SIZE(dirs); i++)
		err = op->mkdir(dev, dirs[i], 0755);
	for (unsigned i = 0; !err && i < ARRAY_SIZE(links); i++)
		err = op->symlink(dev, links[i][0], links[i][1]);
	return err ? err : make_userfaultfd(dev);
}

int devtmpfs_init(struct vfs *v)
{
	struct tmpfs_options options = {.mode = 0755};
	int err = vfs_mount(v, &tmpfs_type, "devtmpfs", "/dev", "rw,nosuid", &options);

	return err ? err : populate(list_last_entry(&v->mounts, struct mount, list)->root);
}
