/* Walking paths: components, symlinks, mounts, and the errors of path_resolution(7). */
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/tmpfs.h"
#include "world.h"

static struct world w;

/* 0 and the inode number, or the error. */
static int ino_of(const char *name, unsigned lookup, u64 *ino)
{
	struct path p;
	int err = path_lookup(&w.fs, NULL, name, lookup, &p, NULL);

	if (!err) {
		*ino = p.dentry->ino;
		path_put(&p);
	}
	return err;
}

static int walk(const char *name)
{
	u64 ino;

	return ino_of(name, LOOKUP_FOLLOW, &ino);
}

static bool same(const char *a, const char *b)
{
	u64 x = 0, y = 1;

	return !ino_of(a, LOOKUP_FOLLOW, &x) && !ino_of(b, LOOKUP_FOLLOW, &y) && x == y;
}

static void build_tree(void)
{
	char path[HOST_NAME];

	world_up(&w);
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "a", path), 0755), 0);
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "a/b", path), 0755), 0);
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "proc", path), 0755), 0);
	host_file(&w, "a/b/file", "x", 1);
	CU_ASSERT_EQUAL(symlink("b/file", host_name(&w, "a/rel", path)), 0);
	CU_ASSERT_EQUAL(symlink("/a/b", host_name(&w, "abs", path)), 0);
	CU_ASSERT_EQUAL(symlink("../../../../a", host_name(&w, "a/up", path)), 0);
	CU_ASSERT_EQUAL(symlink("loop2", host_name(&w, "loop1", path)), 0);
	CU_ASSERT_EQUAL(symlink("loop1", host_name(&w, "loop2", path)), 0);
	CU_ASSERT_EQUAL(symlink("nowhere", host_name(&w, "dangling", path)), 0);
	CU_ASSERT_EQUAL(symlink("/proc", host_name(&w, "toproc", path)), 0);
}

static void names_lead_to_the_same_file(void)
{
	build_tree();
	CU_ASSERT_TRUE(same("a/b/file", "/a/b/file"));
	CU_ASSERT_TRUE(same("a/b/file", "//a///b/./file"));
	CU_ASSERT_TRUE(same("a/b/file", "a/rel"));
	CU_ASSERT_TRUE(same("a/b/file", "abs/file"));
	CU_ASSERT_TRUE(same("a/b/file", "abs/../../a/up/rel"));
	CU_ASSERT_TRUE(same("/", "/.."));
	CU_ASSERT_TRUE(same("/", "a/../../../.."));
	CU_ASSERT_TRUE(same("a/b", "abs/"));
	world_down(&w);
}

static void errors_are_those_of_the_man_page(void)
{
	static char name[PATH_MAX + 8];
	u64 ino;

	build_tree();
	CU_ASSERT_EQUAL(walk(""), -ENOENT);
	CU_ASSERT_EQUAL(walk("missing"), -ENOENT);
	CU_ASSERT_EQUAL(walk("missing/x"), -ENOENT);
	CU_ASSERT_EQUAL(walk("dangling"), -ENOENT);
	CU_ASSERT_EQUAL(ino_of("dangling", 0, &ino), 0);
	CU_ASSERT_EQUAL(walk("a/b/file/"), -ENOTDIR);
	CU_ASSERT_EQUAL(walk("a/b/file/x"), -ENOTDIR);
	CU_ASSERT_EQUAL(walk("a/b/file/.."), -ENOTDIR);
	CU_ASSERT_EQUAL(walk("a/rel/"), -ENOTDIR);
	CU_ASSERT_EQUAL(walk("loop1"), -ELOOP);
	CU_ASSERT_EQUAL(walk("loop1/x"), -ELOOP);
	CU_ASSERT_EQUAL(ino_of("a/b/file", LOOKUP_DIRECTORY, &ino), -ENOTDIR);

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	CU_ASSERT_EQUAL(walk(name), -ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	CU_ASSERT_EQUAL(walk(name), -ENOENT);
	memset(name, '/', sizeof(name));
	name[PATH_MAX] = '\0';
	CU_ASSERT_EQUAL(walk(name), -ENAMETOOLONG);
	name[PATH_MAX - 1] = '\0';
	CU_ASSERT_EQUAL(walk(name), 0);
	world_down(&w);
}

static void forty_links_are_followed_and_no_more(void)
{
	char path[HOST_NAME], from[16], to[16];
	int i;

	world_up(&w);
	host_file(&w, "l0", "x", 1);
	for (i = 1; i <= 41; i++) {
		snprintf(to, sizeof(to), "l%d", i - 1);
		snprintf(from, sizeof(from), "l%d", i);
		CU_ASSERT_EQUAL(symlink(to, host_name(&w, from, path)), 0);
	}
	CU_ASSERT_EQUAL(walk("l40"), 0);
	CU_ASSERT_EQUAL(walk("l41"), -ELOOP);
	world_down(&w);
}

static void parent_stops_before_the_last_component(void)
{
	char last[NAME_MAX + 1];
	struct path p;

	build_tree();
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "abs/new", LOOKUP_PARENT, &p, last), 0);
	CU_ASSERT_STRING_EQUAL(last, "new");
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "/", LOOKUP_PARENT, &p, last), 0);
	CU_ASSERT_STRING_EQUAL(last, "");
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "a/rel/x", LOOKUP_PARENT, &p, last), -ENOTDIR);
	world_down(&w);
}

static struct dentry_operations little_dops;

static struct dentry *little_lookup(struct dentry *dir, const char *name)
{
	struct dentry *d;

	if (strcmp(name, "inside") && strcmp(name, "jump"))
		return ERR_PTR(-ENOENT);
	d = dentry_alloc(dir->vfs, dir->d_op, *name == 'i' ? S_IFREG | 0444 : S_IFLNK | 0777);
	d->ino = 778;
	return d;
}

/* A link that leads straight to the root of the host's tree. */
static int little_get_link(struct dentry *d __unused, struct path *out)
{
	*out = w.fs.root;
	path_get(out);
	return 0;
}

static long little_path(struct dentry *d, char *buf, u64 size __unused)
{
	strcpy(buf, d->ino == 777 ? "/" : "/inside");
	return strlen(buf);
}

static struct dentry *little_root(struct vfs *v, void *arg __unused)
{
	struct dentry *d = dentry_alloc(v, &little_dops, S_IFDIR | 0555);

	d->ino = 777;
	return d;
}

static struct dentry_operations little_dops = {
	.lookup = little_lookup,
	.get_link = little_get_link,
	.path = little_path,
};
static const struct file_system_type little_type = {.name = "proc", .mount_root = little_root};

static void mounts_are_entered_and_left(void)
{
	char buf[HOST_NAME];
	struct path p;
	u64 ino = 0;

	build_tree();
	CU_ASSERT_EQUAL(vfs_mount(&w.vfs, &little_type, "proc", "/proc", "rw", NULL), 0);
	/* Nothing of that name on the host: reachable all the same. */
	CU_ASSERT_EQUAL(vfs_mount(&w.vfs, &little_type, "x", "/virtual", "rw", NULL), 0);
	CU_ASSERT_EQUAL(ino_of("/proc", 0, &ino), 0);
	CU_ASSERT_EQUAL(ino, 777);
	CU_ASSERT_TRUE(same("/proc/inside", "toproc/inside"));
	CU_ASSERT_TRUE(same("/proc/inside", "a/b/../../proc/inside"));
	CU_ASSERT_TRUE(same("/virtual/inside", "virtual//inside"));
	CU_ASSERT_TRUE(same("/proc/..", "/"));
	CU_ASSERT_TRUE(same("/virtual/../a", "/a"));
	CU_ASSERT_TRUE(same("/proc/jump/a/b", "/a/b"));
	CU_ASSERT_EQUAL(walk("/proc/outside"), -ENOENT);

	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "toproc/inside", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(d_path(&p, buf, sizeof(buf)), 12);
	CU_ASSERT_STRING_EQUAL(buf, "/proc/inside");
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "/proc/.", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(d_path(&p, buf, sizeof(buf)), 5);
	CU_ASSERT_STRING_EQUAL(buf, "/proc");
	path_put(&p);
	world_down(&w);
}

static void d_path_is_the_guests_view(void)
{
	char buf[HOST_NAME], path[HOST_NAME];
	struct path p;

	build_tree();
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "abs/file", LOOKUP_FOLLOW, &p, NULL), 0);
	CU_ASSERT_EQUAL(d_path(&p, buf, sizeof(buf)), 9);
	CU_ASSERT_STRING_EQUAL(buf, "/a/b/file");
	CU_ASSERT_EQUAL(d_path(&p, buf, 5), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(unlink(host_name(&w, "a/b/file", path)), 0);
	CU_ASSERT_TRUE(d_path(&p, buf, sizeof(buf)) > 0);
	CU_ASSERT_STRING_EQUAL(buf, "/a/b/file (deleted)");
	path_put(&p);
	CU_ASSERT_EQUAL(d_path(&w.fs.root, buf, sizeof(buf)), 1);
	CU_ASSERT_STRING_EQUAL(buf, "/");
	world_down(&w);
}

/* err of an open, 0 if it worked */
static int opens(const char *name, int flags)
{
	struct file *f = open_at_root(&w, name, flags);

	if (IS_ERR(f))
		return PTR_ERR(f);
	fput(f);
	return 0;
}

static void open_checks_as_linux_does(void)
{
	struct stat st;
	char path[HOST_NAME];

	build_tree();
	CU_ASSERT_EQUAL(opens("a", O_RDONLY), 0);
	CU_ASSERT_EQUAL(opens("a", O_WRONLY), -EISDIR);
	CU_ASSERT_EQUAL(opens("a", O_RDONLY | O_CREAT), -EISDIR);
	CU_ASSERT_EQUAL(opens("a/b/file", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	CU_ASSERT_EQUAL(opens("a/rel", O_RDONLY | O_NOFOLLOW), -ELOOP);
	CU_ASSERT_EQUAL(opens("abs", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), -ELOOP);
	CU_ASSERT_EQUAL(opens("a/rel", O_PATH | O_NOFOLLOW), 0);
	CU_ASSERT_EQUAL(opens("a/b/file", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
	CU_ASSERT_EQUAL(opens("dangling", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
	CU_ASSERT_EQUAL(opens("dangling", O_RDWR), -ENOENT);
	CU_ASSERT_EQUAL(opens("new/", O_CREAT | O_RDWR), -EISDIR);
	CU_ASSERT_EQUAL(opens("missing/new", O_CREAT | O_RDWR), -ENOENT);
	CU_ASSERT_EQUAL(opens("a/b/file/new", O_CREAT | O_RDWR), -ENOTDIR);
	CU_ASSERT_EQUAL(opens("loop1", O_CREAT | O_RDWR), -ELOOP);
	/* Through a dangling link, and with our umask, not the host's. */
	umask(077);
	CU_ASSERT_EQUAL(opens("dangling", O_CREAT | O_RDWR), 0);
	umask(022);
	CU_ASSERT_EQUAL(stat(host_name(&w, "nowhere", path), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
	world_down(&w);
}

static void sys_is_an_empty_directory(void)
{
	char path[HOST_NAME];

	build_tree();
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "sys", path), 0755), 0);
	host_file(&w, "sys/secret", "x", 1);
	world_down(&w);
}

static struct path path_of(const char *name)
{
	struct path p = {NULL, NULL};

	CU_ASSERT_EQUAL_FATAL(path_lookup(&w.fs, NULL, name, LOOKUP_FOLLOW, &p, NULL), 0);
	return p;
}

static void mounts_lie_on_top_and_are_taken_away(void)
{
	struct tmpfs_options options = {.mode = 0700};
	struct path a, top;
	struct file *f;

	build_tree();
	a = path_of("/a");
	CU_ASSERT_EQUAL(vfs_mount_at(&w.vfs, "tmpfs", "x", &a, "rw", &options), -ENODEV);
	CU_ASSERT_EQUAL(vfs_mount(&w.vfs, &tmpfs_type, "x", "/tmp", "rw", &options), 0);
	CU_ASSERT_EQUAL(vfs_umount(list_last_entry(&w.vfs.mounts, struct mount, list), 0), -EINVAL);
	CU_ASSERT_EQUAL(vfs_mount_at(&w.vfs, "tmpfs", "x", &a, "rw", &options), 0);
	CU_ASSERT_EQUAL(walk("/a/b"), -ENOENT);
	CU_ASSERT_EQUAL(opens("/a/first", O_RDWR | O_CREAT), 0);
	top = path_of("/a");
	CU_ASSERT_EQUAL(top.dentry->mode, S_IFDIR | 0700);
	CU_ASSERT_EQUAL(vfs_mount_at(&w.vfs, "tmpfs", "x", &top, "rw", &options), 0);
	CU_ASSERT_EQUAL(walk("/a/first"), -ENOENT);
	CU_ASSERT_EQUAL(vfs_umount(list_last_entry(&w.vfs.mounts, struct mount, list), 0), 0);
	f = open_at_root(&w, "/a/first", O_RDWR);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	CU_ASSERT_EQUAL(vfs_umount(top.mnt, 0), -EBUSY);
	fput(f);
	CU_ASSERT_EQUAL(vfs_umount(top.mnt, MNT_EXPIRE), -EBUSY);
	path_put(&top);
	top = path_of("/a");
	CU_ASSERT_EQUAL(vfs_umount(top.mnt, MNT_DETACH), 0);
	CU_ASSERT_EQUAL(walk("/a/b"), 0);
	CU_ASSERT_FALSE(list_empty(&w.vfs.in->detached));
	path_put(&top);
	CU_ASSERT(list_empty(&w.vfs.in->detached));
	path_put(&a);
	world_down(&w);
}

/* Whatever there is to change, the host never hears of it. */
static void a_read_only_tree_stays_as_it_is(void)
{
	const struct timespec ts[2] = {{1, 1}, {1, 1}};
	const struct dentry_operations *op;
	struct path top, file;
	struct stat before, after;
	char path[HOST_NAME];

	build_tree();
	CU_ASSERT_EQUAL(stat(host_name(&w, "a/b/file", path), &before), 0);
	vfs_set_read_only(&w.vfs);
	top = path_of("/");
	file = path_of("/a/b/file");
	op = top.dentry->d_op;
	CU_ASSERT_EQUAL(opens("new", O_RDWR | O_CREAT), -EROFS);
	CU_ASSERT_EQUAL(opens("a", O_RDWR | O_TMPFILE), -EROFS);
	CU_ASSERT_EQUAL(opens("a/b/file", O_RDWR), -EROFS);
	CU_ASSERT_EQUAL(opens("a/rel", O_RDONLY | O_TRUNC), -EROFS);
	CU_ASSERT_EQUAL(opens("a/b/file", O_RDONLY), 0);
	CU_ASSERT_EQUAL(opens("dangling", O_RDWR | O_CREAT), -EROFS);
	CU_ASSERT_EQUAL(op->mkdir(top.dentry, "new", 0700), -EROFS);
	CU_ASSERT_EQUAL(op->mkdir(top.dentry, "a", 0700), -EEXIST);
	CU_ASSERT_EQUAL(op->mknod(top.dentry, "new", S_IFREG | 0700, 0), -EROFS);
	CU_ASSERT_EQUAL(op->symlink(top.dentry, "new", "a"), -EROFS);
	CU_ASSERT_EQUAL(op->link(file.dentry, top.dentry, "new"), -EROFS);
	CU_ASSERT_EQUAL(op->unlink(top.dentry, "abs", 0), -EROFS);
	CU_ASSERT_EQUAL(op->rename(top.dentry, "abs", top.dentry, "new", 0), -EROFS);
	CU_ASSERT_EQUAL(op->chmod(file.dentry, 0600), -EROFS);
	CU_ASSERT_EQUAL(op->chown(file.dentry, 1, 1, 0), -EROFS);
	CU_ASSERT_EQUAL(op->utimens(file.dentry, ts), -EROFS);
	CU_ASSERT_EQUAL(op->truncate(file.dentry, 0), -EROFS);
	CU_ASSERT_EQUAL(op->setxattr(file.dentry, "user.x", "x", 1, 0), -EROFS);
	CU_ASSERT_EQUAL(op->removexattr(file.dentry, "user.x"), -EROFS);
	CU_ASSERT_EQUAL(op->access(file.dentry, R_OK, 0), 0);
	CU_ASSERT_EQUAL(op->access(file.dentry, W_OK, 0), -EROFS);
	CU_ASSERT_EQUAL(stat(host_name(&w, "a/b/file", path), &after), 0);
	CU_ASSERT_EQUAL(memcmp(&before.st_ctim, &after.st_ctim, sizeof(after.st_ctim)), 0);
	CU_ASSERT_EQUAL(access(host_name(&w, "new", path), F_OK), -1);
	CU_ASSERT_EQUAL(access(host_name(&w, "nowhere", path), F_OK), -1);
	path_put(&file);
	path_put(&top);
	world_down(&w);
}

/* The host's name for what is above the tree. */
static void nothing_leads_out_of_the_tree(void)
{
	struct path outside, up;
	int fd;

	build_tree();
	fd = open("/tmp", O_PATH | O_DIRECTORY); /* as a descriptor that was handed in */
	outside = (struct path){w.vfs.root_mnt, hostfs_dentry(&w.vfs, fd)};
	mntget(outside.mnt);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, &outside, "..", 0, &up, NULL), 0);
	CU_ASSERT_TRUE(up.dentry->ino == outside.dentry->ino &&
		       up.dentry->dev == outside.dentry->dev);
	path_put(&up);
	CU_ASSERT_TRUE(same("/../..", "/"));
	CU_ASSERT_EQUAL(walk("/tmp"), -ENOENT);
	path_put(&outside);
	world_down(&w);
}

static void a_walk_can_be_held_to_a_part_of_the_tree(void)
{
	build_tree();
	w.fs.resolve = RESOLVE_BENEATH;
	CU_ASSERT_EQUAL(walk("/a"), -EXDEV);
	CU_ASSERT_EQUAL(walk("abs/file"), -EXDEV);
	CU_ASSERT_EQUAL(walk("a/.."), 0);
	CU_ASSERT_EQUAL(walk("a/../.."), -EXDEV);
	CU_ASSERT_EQUAL(walk("a/rel"), 0);
	w.fs.resolve = RESOLVE_NO_SYMLINKS;
	CU_ASSERT_EQUAL(walk("a/rel"), -ELOOP);
	CU_ASSERT_EQUAL(walk("abs/file"), -ELOOP);
	CU_ASSERT_EQUAL(walk("a/b/file"), 0);
	w.fs.resolve = 0;
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(names_lead_to_the_same_file),
	UNIT_TEST(errors_are_those_of_the_man_page),
	UNIT_TEST(forty_links_are_followed_and_no_more),
	UNIT_TEST(parent_stops_before_the_last_component),
	UNIT_TEST(mounts_are_entered_and_left),
	UNIT_TEST(d_path_is_the_guests_view),
	UNIT_TEST(open_checks_as_linux_does),
	UNIT_TEST(sys_is_an_empty_directory),
	UNIT_TEST(mounts_lie_on_top_and_are_taken_away),
	UNIT_TEST(a_read_only_tree_stays_as_it_is),
	UNIT_TEST(nothing_leads_out_of_the_tree),
	UNIT_TEST(a_walk_can_be_held_to_a_part_of_the_tree),
	UNIT_END,
};

const struct unit_suite suite_namei = {"namei", tests};
