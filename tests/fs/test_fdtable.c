/* Descriptor tables: lowest number first, growth, close-on-exec, sharing after fork. */
#include "fs/fdtable.h"
#include "world.h"

static struct world w;
static struct files_struct *fs;

static struct file *a_file(void)
{
	struct file *f = open_at_root(&w, "/", O_RDONLY | O_DIRECTORY);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	return f;
}

static void up(void)
{
	world_up(&w);
	fs = files_alloc(&w.mem);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fs);
}

static void down(void)
{
	files_put(fs);
	world_down(&w);
}

static void the_lowest_free_number_is_taken(void)
{
	int i;

	up();
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, false), i);
	CU_ASSERT_EQUAL(fd_close(fs, 3), 0);
	CU_ASSERT_EQUAL(fd_close(fs, 1), 0);
	CU_ASSERT_EQUAL(fd_close(fs, 1), -EBADF);
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 2, 1024, false), 3); /* F_DUPFD */
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, false), 1);
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, false), 5);
	CU_ASSERT_PTR_NULL(fget(fs, -1));
	CU_ASSERT_PTR_NULL(fget(fs, 6));
	CU_ASSERT_PTR_NULL(fget(fs, 1 << 30));
	down();
}

static void the_limit_holds(void)
{
	struct file *f;

	up();
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1, false), 0);
	f = a_file();
	CU_ASSERT_EQUAL(fd_install(fs, f, 0, 1, false), -EMFILE); /* still ours */
	CU_ASSERT_EQUAL(fd_install(fs, f, 9, 9, false), -EMFILE);
	fput(f);
	down();
}

static void tables_grow(void)
{
	struct file *f;
	int i;

	up();
	for (i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, i & 1), i);
	f = a_file();
	CU_ASSERT_EQUAL(fd_install(fs, f, 5000, 8000, true), 5000);
	CU_ASSERT_PTR_EQUAL(fget(fs, 5000), f);
	CU_ASSERT_TRUE(fd_cloexec(fs, 5000));
	CU_ASSERT_TRUE(fd_cloexec(fs, 199));
	CU_ASSERT_FALSE(fd_cloexec(fs, 198));
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, false), 200);
	files_close_on_exec(fs);
	CU_ASSERT_PTR_NULL(fget(fs, 5000));
	CU_ASSERT_PTR_NULL(fget(fs, 199));
	CU_ASSERT_PTR_NOT_NULL(fget(fs, 198));
	CU_ASSERT_EQUAL(w.vfs.nr_files, 101);
	down();
}

static void dup2_replaces(void)
{
	struct file *f;

	up();
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, true), 0);
	f = a_file();
	CU_ASSERT_EQUAL(fd_install_at(fs, f, 0, false), 0);
	CU_ASSERT_PTR_EQUAL(fget(fs, 0), f);
	CU_ASSERT_FALSE(fd_cloexec(fs, 0));
	CU_ASSERT_EQUAL(w.vfs.nr_files, 1);
	get_file(f);
	CU_ASSERT_EQUAL(fd_install_at(fs, f, 100, false), 100);
	CU_ASSERT_EQUAL(f->refcount, 2);
	CU_ASSERT_EQUAL(fd_install(fs, a_file(), 0, 1024, false), 1);
	down();
}

static void fork_shares_the_files(void)
{
	struct files_struct *child;
	struct file *f;

	up();
	f = a_file();
	CU_ASSERT_EQUAL(fd_install(fs, f, 70, 1024, true), 70);
	child = files_dup(fs);
	CU_ASSERT_FALSE_FATAL(IS_ERR(child));
	CU_ASSERT_PTR_EQUAL(fget(child, 70), f);
	CU_ASSERT_TRUE(fd_cloexec(child, 70));
	CU_ASSERT_EQUAL(f->refcount, 2);
	CU_ASSERT_EQUAL(fd_close(fs, 70), 0);
	CU_ASSERT_EQUAL(f->refcount, 1);
	files_put(child);
	CU_ASSERT_EQUAL(w.vfs.nr_files, 0);
	down();
}

static void without_memory_nothing_changes(void)
{
	struct file *f;
	u32 nth;
	int fd;

	up();
	f = a_file();
	for (nth = 1, fd = -ENOMEM; fd == -ENOMEM && nth < 20; nth++) {
		w.mem.fail_nth = nth;
		fd = fd_install(fs, f, 100, 1024, false);
		if (fd < 0)
			CU_ASSERT_EQUAL(fs->max_fds, 64);
	}
	w.mem.fail_nth = 0;
	CU_ASSERT_EQUAL(fd, 100);
	CU_ASSERT_TRUE(nth > 2);
	down();
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_lowest_free_number_is_taken),
	UNIT_TEST(the_limit_holds),
	UNIT_TEST(tables_grow),
	UNIT_TEST(dup2_replaces),
	UNIT_TEST(fork_shares_the_files),
	UNIT_TEST(without_memory_nothing_changes),
	UNIT_END,
};

const struct unit_suite suite_fdtable = {"fdtable", tests};
