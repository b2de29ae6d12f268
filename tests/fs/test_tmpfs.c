/* tmpfs: names, rights by the running task's ids, limits, and that nothing is left of it. The behaviour
 * as a whole is compared with Linux by tests/guest/devshm.c. */
#include <sys/stat.h>
#include <sys/statfs.h>

#include "fs/tmpfs.h"
#include "mm/shmem.h"
#include "world.h"

#define CAP_DAC_OVERRIDE 1

static struct world w;
static struct vfs_cred who; /* the running task */
static u32 fail_at;	    /* the allocation of the next change that is to fail; 0: none */

static void get_cred(struct vfs *v, bool real, struct vfs_cred *out)
{
	(void)v, (void)real;
	*out = who;
}

/* "/dev/shm" over the scratch directory's own. */
static void up(void)
{
	char path[HOST_NAME];

	world_up(&w);
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "dev", path), 0755), 0);
	CU_ASSERT_EQUAL(mkdir(host_name(&w, "dev/shm", path), 0755), 0);
	CU_ASSERT_EQUAL_FATAL(devshm_init(&w.vfs), 0);
	who = (struct vfs_cred){.caps = ~0UL};
	w.vfs.get_cred = get_cred;
}

static struct file *open_file(const char *name, int flags)
{
	return do_filp_open(&w.fs, NULL, name, flags, 0666);
}

static void make(const char *name)
{
	struct file *f = open_file(name, O_RDWR | O_CREAT | O_EXCL);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	fput(f);
}

/* From here on allocations count. */
static void arm(void)
{
	w.mem.fail_nth = fail_at;
	fail_at = 0;
}

/* The directory of @name, and its last component. */
static struct dentry *parent_of(const char *name, char *last)
{
	struct path dir;
	struct dentry *d;

	CU_ASSERT_EQUAL_FATAL(path_lookup(&w.fs, NULL, name, LOOKUP_PARENT, &dir, last), 0);
	d = dir.dentry;
	dget(d);
	path_put(&dir);
	return d;
}

static int make_dir(const char *name)
{
	char last[NAME_MAX + 1];
	struct dentry *dir = parent_of(name, last);
	int err;

	arm();
	err = dir->d_op->mkdir(dir, last, 0755);
	dput(dir);
	return err;
}

static int take(const char *name, int flags)
{
	char last[NAME_MAX + 1];
	struct dentry *dir = parent_of(name, last);
	int err = dir->d_op->unlink(dir, last, flags);

	dput(dir);
	return err;
}

static int move(const char *from, const char *to)
{
	char a[NAME_MAX + 1], b[NAME_MAX + 1];
	struct dentry *od = parent_of(from, a), *nd = parent_of(to, b);
	int err;

	arm();
	err = od->d_op->rename(od, a, nd, b, 0);
	dput(od);
	dput(nd);
	return err;
}

static struct statfs room(void)
{
	struct statfs s;
	struct path p;

	CU_ASSERT_EQUAL_FATAL(path_lookup(&w.fs, NULL, "/dev/shm", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(p.dentry->d_op->statfs(p.dentry, &s), 0);
	path_put(&p);
	return s;
}

static void nothing_reaches_the_host(void)
{
	char path[HOST_NAME];

	up();
	make("/dev/shm/a");
	CU_ASSERT_EQUAL(access(host_name(&w, "dev/shm/a", path), F_OK), -1);
	host_file(&w, "dev/shm/b", "x", 1);
	CU_ASSERT_EQUAL(PTR_ERR(open_file("/dev/shm/b", O_RDONLY)), -ENOENT);
	CU_ASSERT_EQUAL(PTR_ERR(open_file("/dev/shm/../shm/b", O_RDONLY)), -ENOENT);
	world_down(&w); /* with "a" still there */
}

static void directories_move_with_what_is_in_them(void)
{
	struct file *f;
	char text[PATH_MAX];
	long len;

	up();
	CU_ASSERT_EQUAL(make_dir("/dev/shm/d"), 0);
	CU_ASSERT_EQUAL(make_dir("/dev/shm/d/e"), 0);
	make("/dev/shm/d/e/f");
	f = open_file("/dev/shm/d/e/f", O_RDONLY);
	CU_ASSERT_EQUAL(move("/dev/shm/d", "/dev/shm/d/e/x"), -EINVAL);
	CU_ASSERT_EQUAL(move("/dev/shm/d/e", "/dev/shm/g"), 0);
	len = d_path(&f->f_path, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(len > 0 ? text : "", "/dev/shm/g/f");
	CU_ASSERT_EQUAL(take("/dev/shm/g", AT_REMOVEDIR), -ENOTEMPTY);
	CU_ASSERT_EQUAL(take("/dev/shm/g/f", 0), 0);
	CU_ASSERT_EQUAL(take("/dev/shm/g", AT_REMOVEDIR), 0);
	len = d_path(&f->f_path, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(len > 0 ? text : "", "/dev/shm/g/f (deleted)");
	fput(f);
	CU_ASSERT_EQUAL(take("/dev/shm/d", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(room().f_ffree + 1, room().f_files); /* the root */
	world_down(&w);
}

/* A file in the deepest of many directories, all of which are gone: as many dentries go with it as there
 * are, and the kernel's stack must not notice. */
static void a_long_chain_ends_at_once(void)
{
	static char name[5 + 4 + 2 * 400 + 8];
	struct file *f;
	int i;

	up();
	strcpy(name, "/dev/shm");
	for (i = 0; i < 400; i++) {
		strcat(name, "/d");
		CU_ASSERT_EQUAL_FATAL(make_dir(name), 0);
	}
	f = open_file(name, O_RDONLY | O_DIRECTORY);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	for (; i > 0; i--) {
		CU_ASSERT_EQUAL_FATAL(take(name, AT_REMOVEDIR), 0);
		name[strlen(name) - 2] = '\0';
	}
	CU_ASSERT_EQUAL(room().f_files - room().f_ffree, 401);
	fput(f);
	CU_ASSERT_EQUAL(room().f_files - room().f_ffree, 1);
	world_down(&w);
}

static void rights_are_the_running_tasks(void)
{
	struct file *f;

	up();
	f = do_filp_open(&w.fs, NULL, "/dev/shm/secret", O_RDWR | O_CREAT, 0600);
	fput(f);
	who = (struct vfs_cred){.uid = 1000, .gid = 1000};
	CU_ASSERT_EQUAL(PTR_ERR(open_file("/dev/shm/secret", O_RDONLY)), -EACCES);
	CU_ASSERT_EQUAL(take("/dev/shm/secret", 0), -EPERM); /* sticky */
	make("/dev/shm/mine");
	CU_ASSERT_EQUAL(take("/dev/shm/mine", 0), 0);
	who.caps = BIT(CAP_DAC_OVERRIDE);
	f = open_file("/dev/shm/secret", O_RDONLY);
	CU_ASSERT_FALSE(IS_ERR(f));
	fput(f);
	world_down(&w);
}

static void half_of_memory_and_no_more(void)
{
	struct statfs s;
	struct file *f;
	u64 all;

	up();
	s = room();
	all = s.f_blocks;
	CU_ASSERT_EQUAL(all, totalram_pages(&w.mem) / 2);
	CU_ASSERT_EQUAL(s.f_bfree, all);
	f = open_file("/dev/shm/f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, 0, 0, (all + 1) << PAGE_SHIFT), -ENOSPC);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, 0, 0, (all - 1) << PAGE_SHIFT), 0);
	CU_ASSERT_EQUAL(room().f_bfree, 1);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, 0, 0, all << PAGE_SHIFT), 0);
	CU_ASSERT_EQUAL(room().f_bfree, 0);
	CU_ASSERT_PTR_EQUAL(shmem_get_page(f->f_mapping, all), ERR_PTR(-ENOSPC));
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(room().f_bfree, all - 1);
	CU_ASSERT_EQUAL(w.mem.stats[ST_shmem], 1);
	CU_ASSERT_EQUAL(take("/dev/shm/f", 0), 0);
	CU_ASSERT_EQUAL(room().f_bfree, all - 1); /* still open */
	fput(f);
	CU_ASSERT_EQUAL(room().f_bfree, all);
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	world_down(&w);
}

struct listing {
	char text[2000];
	int max; /* names a call */
};

static bool emit(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos)
{
	struct listing *l = ctx;

	(void)ino, (void)type, (void)next_pos;
	if (!l->max--)
		return false;
	strcat(strcat(l->text, name), " ");
	return true;
}

/* Names that go while a directory is read are not missed or seen twice, but for themselves. */
static void a_listing_goes_on_where_it_was(void)
{
	struct listing l = {.text = ""};
	struct file *d;

	up();
	make("/dev/shm/a");
	make("/dev/shm/b");
	make("/dev/shm/c");
	make("/dev/shm/d");
	d = open_file("/dev/shm", O_RDONLY | O_DIRECTORY);
	l.max = 4;
	CU_ASSERT_EQUAL(d->f_op->iterate(d, emit, &l), 0);
	CU_ASSERT_STRING_EQUAL(l.text, ". .. d c ");
	CU_ASSERT_EQUAL(take("/dev/shm/b", 0), 0);
	CU_ASSERT_EQUAL(take("/dev/shm/c", 0), 0);
	make("/dev/shm/e");
	l.max = 100;
	CU_ASSERT_EQUAL(d->f_op->iterate(d, emit, &l), 0);
	CU_ASSERT_STRING_EQUAL(l.text, ". .. d c a ");
	CU_ASSERT_EQUAL(d->f_op->iterate(d, emit, &l), 0);
	CU_ASSERT_STRING_EQUAL(l.text, ". .. d c a ");
	CU_ASSERT_EQUAL(d->f_op->llseek(d, 0, SEEK_SET), 0);
	CU_ASSERT_EQUAL(d->f_op->iterate(d, emit, &l), 0);
	CU_ASSERT_STRING_EQUAL(l.text, ". .. d c a . .. e d a ");
	fput(d);
	world_down(&w);
}

/* Each allocation of each call fails once: -ENOMEM, and nothing is left or lost. */
static void failures_leave_nothing(void)
{
	static const char *const names[] = {"/dev/shm/file", "/dev/shm/dir"};
	u64 used;

	up();
	make("/dev/shm/old");
	for (unsigned which = 0; which < 3; which++) {
		for (u32 n = 1; n < 30; n++) {
			struct file *f = NULL;
			int err;

			used = room().f_ffree;
			fail_at = n;
			if (which == 0) {
				arm();
				f = open_file(names[0], O_RDWR | O_CREAT | O_EXCL);
				err = IS_ERR(f) ? PTR_ERR(f) : 0;
			} else if (which == 1) {
				err = make_dir(names[1]);
			} else {
				err = move("/dev/shm/old", "/dev/shm/new");
			}
			if (w.mem.fail_nth) { /* it never came so far */
				w.mem.fail_nth = 0;
				CU_ASSERT_EQUAL(err, 0);
				if (!IS_ERR_OR_NULL(f))
					fput(f);
				break;
			}
			if (!err) { /* an allocation that may fail */
				if (!IS_ERR_OR_NULL(f))
					fput(f);
				CU_ASSERT_EQUAL(
					which == 2 ? move("/dev/shm/new", "/dev/shm/old")
						   : take(names[which], which ? AT_REMOVEDIR : 0),
					0);
				continue;
			}
			CU_ASSERT_EQUAL(err, -ENOMEM);
			/* A file may have been made although it could not be opened. */
			if (which == 0)
				take(names[0], 0);
			CU_ASSERT_EQUAL(room().f_ffree, used);
			CU_ASSERT_EQUAL(memory_validate(&w.mem), 0);
		}
	}
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(nothing_reaches_the_host),   UNIT_TEST(directories_move_with_what_is_in_them),
	UNIT_TEST(a_long_chain_ends_at_once),  UNIT_TEST(rights_are_the_running_tasks),
	UNIT_TEST(half_of_memory_and_no_more), UNIT_TEST(a_listing_goes_on_where_it_was),
	UNIT_TEST(failures_leave_nothing),     UNIT_END,
};

const struct unit_suite suite_tmpfs = {"tmpfs", tests};
