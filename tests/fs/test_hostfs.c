/* The host's files seen through the page cache: contents, coherence, errors. */
#include <linux/falloc.h>
#include <sys/stat.h>

#include "mm/uaccess.h"
#include "world.h"

static struct world w;

static struct file *must_open(const char *name, int flags)
{
	struct file *f = open_at_root(&w, name, flags);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	return f;
}

static bool holds(struct file *f, const char *text, u64 pos)
{
	char buf[64];
	long n = kernel_read(f, buf, sizeof(buf), pos);

	return n == (long)strlen(text) && !memcmp(buf, text, n);
}

static bool host_holds(const char *name, const char *text)
{
	char path[HOST_NAME], buf[64];
	int fd = open(host_name(&w, name, path), O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

static void bytes_written_are_on_the_host_at_once(void)
{
	struct file *f;

	world_up(&w);
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, "hello", 5, 0), 5);
	CU_ASSERT_TRUE(host_holds("f", "hello"));
	CU_ASSERT_EQUAL(write_at(f, "J", 1, 0), 1);
	CU_ASSERT_TRUE(holds(f, "Jello", 0));
	CU_ASSERT_TRUE(holds(f, "lo", 3));
	CU_ASSERT_TRUE(holds(f, "", 5));
	CU_ASSERT_EQUAL(write_at(f, "!", 1, 7), 1); /* a hole of two bytes */
	CU_ASSERT_EQUAL(f->f_mapping->i_size, 8);
	CU_ASSERT_EQUAL(f->f_mapping->nrpages, 1);
	fput(f);
	world_down(&w);
}

static void large_files_come_back_whole(void)
{
	const u64 size = 1000003;
	u8 *data = malloc(size), *back = malloc(size);
	struct file *f;
	u64 i;

	world_up(&w);
	for (i = 0; i < size; i++)
		data[i] = i * 167 + (i >> 12);
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, data, size, 0), (long)size);
	CU_ASSERT_EQUAL(kernel_read(f, back, size + 10, 0), (long)size);
	CU_ASSERT_EQUAL(memcmp(data, back, size), 0);
	CU_ASSERT_EQUAL(write_at(f, "abc", 3, 4095), 3);
	memcpy(data + 4095, "abc", 3);
	invalidate_inode_pages(f->f_mapping);
	CU_ASSERT_EQUAL(f->f_mapping->nrpages, 0);
	CU_ASSERT_EQUAL(kernel_read(f, back, size - 100, 100), (long)size - 100);
	CU_ASSERT_EQUAL(memcmp(data + 100, back, size - 100), 0);
	CU_ASSERT_EQUAL(filemap_validate(&w.mem), 0);
	fput(f);
	free(data);
	free(back);
	world_down(&w);
}

static void pages_outlive_the_last_close(void)
{
	struct file *f;

	world_up(&w);
	host_file(&w, "f", "cached", 6);
	f = must_open("f", O_RDONLY);
	CU_ASSERT_TRUE(holds(f, "cached", 0));
	fput(f);
	CU_ASSERT_EQUAL(w.mem.stats[ST_file_pages], 1);
	f = must_open("f", O_RDONLY);
	CU_ASSERT_EQUAL(f->f_mapping->nrpages, 1);
	CU_ASSERT_TRUE(holds(f, "cached", 0));
	fput(f);
	/* A file without a name is not worth keeping. */
	CU_ASSERT_EQUAL(w.fs.root.dentry->d_op->unlink(w.fs.root.dentry, "f", 0), 0);
	CU_ASSERT_EQUAL(w.mem.stats[ST_file_pages], 0);
	world_down(&w);
}

static void changes_by_others_are_seen(void)
{
	struct file *f;

	world_up(&w);
	host_file(&w, "f", "first", 5);
	f = must_open("f", O_RDWR);
	CU_ASSERT_TRUE(holds(f, "first", 0));
	host_file(&w, "f", "second!", 7);
	w.events.epoch++; /* something was heard of the world outside */
	CU_ASSERT_TRUE(holds(f, "second!", 0));
	host_file(&w, "f", "3", 1);
	w.events.epoch++;
	CU_ASSERT_TRUE(holds(f, "3", 0));
	CU_ASSERT_EQUAL(f->f_mapping->i_size, 1);
	fput(f);
	world_down(&w);
}

static void appending_goes_to_the_end_whoever_moved_it(void)
{
	struct file *f;
	char path[HOST_NAME];
	int fd;
	u64 pos = 0;
	struct iovec iov = {(void *)"C", 1};
	struct iov_iter from = {.iov = &iov, .nr_segs = 1, .count = 1};

	world_up(&w);
	f = must_open("f", O_RDWR | O_CREAT | O_APPEND);
	CU_ASSERT_EQUAL(write_at(f, "A", 1, 0), 1);
	fd = open(host_name(&w, "f", path), O_WRONLY | O_APPEND);
	CU_ASSERT_EQUAL(write(fd, "B", 1), 1);
	close(fd);
	CU_ASSERT_EQUAL(vfs_write(f, &from, &pos), 1);
	CU_ASSERT_EQUAL(pos, 3);
	CU_ASSERT_TRUE(host_holds("f", "ABC"));
	w.events.epoch++;
	CU_ASSERT_TRUE(holds(f, "ABC", 0));
	fput(f);
	world_down(&w);
}

static void sizes_change_with_the_cache(void)
{
	struct file *f;
	struct stat st;

	world_up(&w);
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, "0123456789", 10, 0), 10);
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 4), 0);
	CU_ASSERT_TRUE(holds(f, "0123", 0));
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 6), 0);
	CU_ASSERT_EQUAL(kernel_read(f, &st, 10, 0), 6);
	CU_ASSERT_EQUAL(memcmp(&st, "0123\0\0", 6), 0);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2), 0);
	CU_ASSERT_EQUAL(kernel_read(f, &st, 10, 0), 6);
	CU_ASSERT_EQUAL(memcmp(&st, "0\0\0003\0\0", 6), 0);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, 0, 0, 100), 0);
	CU_ASSERT_EQUAL(f->f_mapping->i_size, 100);
	CU_ASSERT_EQUAL(file_stat(f, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 100);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, -1, SEEK_SET), -EINVAL);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, -1, SEEK_END), 99);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, 1, SEEK_CUR), 100);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, 0, 77), -EINVAL);
	fput(f);
	f = must_open("f", O_RDWR | O_TRUNC);
	CU_ASSERT_EQUAL(f->f_mapping->i_size, 0);
	CU_ASSERT_TRUE(holds(f, "", 0));
	fput(f);
	world_down(&w);
}

static void modes_are_kept_apart(void)
{
	struct file *f;
	char c;

	world_up(&w);
	f = must_open("f", O_WRONLY | O_CREAT);
	CU_ASSERT_EQUAL(kernel_read(f, &c, 1, 0), -EBADF);
	CU_ASSERT_EQUAL(write_at(f, "x", 1, 0), 1);
	CU_ASSERT_EQUAL(f->f_flags, O_WRONLY | 0100000);
	fput(f);
	f = must_open("f", O_RDONLY);
	CU_ASSERT_EQUAL(write_at(f, "x", 1, 0), -EBADF);
	fput(f);
	f = must_open(".", O_RDONLY);
	CU_ASSERT_EQUAL(kernel_read(f, &c, 1, 0), -EISDIR);
	fput(f);
	f = must_open("f", O_PATH);
	CU_ASSERT_EQUAL(kernel_read(f, &c, 1, 0), -EBADF);
	fput(f);
	world_down(&w);
}

/* --- with an address space --------------------------------------------------------------------- */

#define MAP_SHARED_RW 3, 1
#define MAP_PRIVATE_RW 3, 2

static struct mm_struct *mm;

static gva_t map(struct file *f, u64 len, u64 prot, u64 flags)
{
	struct mmap_file mf;
	long addr;

	if (f)
		CU_ASSERT_EQUAL(f->f_op->mmap_file(f, &mf), 0);
	addr = do_mmap(mm, f ? &mf : NULL, 0x10000000, len, prot, f ? flags : flags | 0x20, 0,
		       false);
	CU_ASSERT_FATAL(addr > 0);
	return addr;
}

static struct mm_struct *new_mm(void)
{
	struct mm_struct *new = mm_alloc(&w.mem);

	CU_ASSERT_FALSE_FATAL(IS_ERR(new));
	new->mmap_base = 0x7ffff7fff000;
	return new;
}

static void shared_mappings_read_and_write_see_each_other(void)
{
	struct file *f;
	gva_t at;
	char c = 0;

	world_up(&w);
	mm = new_mm();
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, "abcdef", 6, 0), 6);
	at = map(f, PAGE_SIZE, MAP_SHARED_RW);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + 1, 1), 0);
	CU_ASSERT_EQUAL(c, 'b');
	CU_ASSERT_EQUAL(write_at(f, "B", 1, 1), 1);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + 1, 1), 0);
	CU_ASSERT_EQUAL(c, 'B');

	CU_ASSERT_EQUAL(f->f_mapping->nr_dirty, 1); /* by write(2): the host has it */
	CU_ASSERT_FALSE(filemap_has_unsent(f->f_mapping));
	CU_ASSERT_EQUAL(copy_to_user(mm, at + 2, "C", 1), 0);
	CU_ASSERT_EQUAL(copy_to_user(mm, at + 100, "behind the end", 14), 0);
	CU_ASSERT_EQUAL(f->f_mapping->nr_dirty, 1);
	CU_ASSERT_EQUAL(w.mem.stats[ST_file_dirty], 1);
	CU_ASSERT_TRUE(holds(f, "aBCdef", 0));
	CU_ASSERT_TRUE(host_holds("f", "aBcdef"));
	CU_ASSERT_EQUAL(do_msync(mm, at, PAGE_SIZE, 4), 0);
	CU_ASSERT_TRUE(host_holds("f", "aBCdef"));
	CU_ASSERT_EQUAL(f->f_mapping->nr_dirty, 0);
	/* Clean means write-protected: the next store is noticed. */
	CU_ASSERT_EQUAL(copy_to_user(mm, at + 3, "D", 1), 0);
	CU_ASSERT_EQUAL(f->f_mapping->nr_dirty, 1);
	CU_ASSERT_EQUAL(filemap_validate(&w.mem), 0);
	fput(f);
	CU_ASSERT_TRUE(host_holds("f", "aBCdef"));
	mmput(mm); /* the last unmap writes back */
	CU_ASSERT_TRUE(host_holds("f", "aBCDef"));
	world_down(&w);
}

static u64 later_ns;

static u64 later(void *arg __unused)
{
	return later_ns;
}

static void dirty_pages_go_back_in_time(void)
{
	struct file *f;
	gva_t at;

	world_up(&w);
	w.events.now_ns = later;
	later_ns = 1000;
	mm = new_mm();
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, "abc", 3, 0), 3);
	at = map(f, PAGE_SIZE, MAP_SHARED_RW);
	CU_ASSERT_EQUAL(copy_to_user(mm, at, "ABC", 3), 0);
	event_loop_run(&w.events, false);
	CU_ASSERT_TRUE(host_holds("f", "abc"));
	for (u64 nap = 0; nap < FLUSH_NAPS; nap++) { /* not before 30 s have gone by */
		later_ns += FLUSH_NAP_NS;
		event_loop_run(&w.events, false);
		CU_ASSERT_TRUE(host_holds("f", "abc"));
	}
	later_ns += FLUSH_NAP_NS;
	event_loop_run(&w.events, false);
	CU_ASSERT_TRUE(host_holds("f", "ABC"));
	CU_ASSERT_EQUAL(f->f_mapping->nr_dirty, 0);
	fput(f);
	mmput(mm);
	world_down(&w);
}

static void pages_behind_the_end_are_out_of_reach(void)
{
	struct file *f;
	gva_t at, priv;
	char c;

	world_up(&w);
	mm = new_mm();
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 2 * PAGE_SIZE + 1), 0);
	at = map(f, 4 * PAGE_SIZE, MAP_SHARED_RW);
	priv = map(f, 4 * PAGE_SIZE, MAP_PRIVATE_RW);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + 3 * PAGE_SIZE - 1, 1), 0);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + 3 * PAGE_SIZE, 1), 1);
	CU_ASSERT_EQUAL(copy_to_user(mm, priv + 2 * PAGE_SIZE, "p", 1), 0);
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + PAGE_SIZE - 1, 1), 0);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, at + PAGE_SIZE, 1), 1);
	CU_ASSERT_EQUAL(copy_from_user(mm, &c, priv + 2 * PAGE_SIZE, 1), 1);
	CU_ASSERT_EQUAL(memory_validate(&w.mem), 0);
	fput(f);
	mmput(mm);
	world_down(&w);
}

static void a_fault_ends_a_transfer_where_it_is(void)
{
	struct iovec iov;
	struct iov_iter it;
	struct file *f;
	gva_t buf;
	u64 pos = 0;
	static char data[3000];

	world_up(&w);
	mm = new_mm();
	memset(data, 'd', sizeof(data));
	f = must_open("f", O_RDWR | O_CREAT);
	buf = map(NULL, PAGE_SIZE, MAP_PRIVATE_RW);
	CU_ASSERT_EQUAL(do_munmap(mm, buf + PAGE_SIZE, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(copy_to_user(mm, buf, data, sizeof(data)), 0);

	iov = (struct iovec){(void *)(buf + PAGE_SIZE - 100), 200};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = 200};
	CU_ASSERT_EQUAL(vfs_write(f, &it, &pos), 100);
	CU_ASSERT_EQUAL(pos, 100);
	CU_ASSERT_EQUAL(f->f_mapping->i_size, 100);
	iov = (struct iovec){(void *)(buf + PAGE_SIZE), 200};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = 200};
	CU_ASSERT_EQUAL(vfs_write(f, &it, &pos), -EFAULT);
	pos = 0;
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = 200};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &pos), -EFAULT);
	iov = (struct iovec){(void *)(buf + PAGE_SIZE - 10), 200};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = 200};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &pos), 10);
	pos = 100; /* at the end nothing is copied, so nothing can fault */
	iov = (struct iovec){(void *)(buf + PAGE_SIZE), 200};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = 200};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &pos), 0);
	/* The end of the buffer behind user space: refused as a whole. */
	pos = 0;
	iov = (struct iovec){(void *)buf, TASK_SIZE};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = TASK_SIZE};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &pos), -EFAULT);
	fput(f);
	mmput(mm);
	world_down(&w);
}

static void a_file_can_be_written_from_its_own_mapping(void)
{
	struct iovec iov;
	struct iov_iter it;
	struct file *f;
	gva_t at;
	u64 pos = PAGE_SIZE;
	char c[3] = "";

	world_up(&w);
	mm = new_mm();
	f = must_open("f", O_RDWR | O_CREAT);
	CU_ASSERT_EQUAL(write_at(f, "xyz", 3, 2 * PAGE_SIZE - 3), 3);
	invalidate_inode_pages(f->f_mapping);
	at = map(f, 2 * PAGE_SIZE, MAP_SHARED_RW);
	iov = (struct iovec){(void *)(at + PAGE_SIZE), PAGE_SIZE};
	it = (struct iov_iter){.mm = mm, .iov = &iov, .nr_segs = 1, .count = PAGE_SIZE};
	CU_ASSERT_EQUAL(vfs_write(f, &it, &pos), (long)PAGE_SIZE);
	CU_ASSERT_EQUAL(kernel_read(f, c, 3, 2 * PAGE_SIZE - 3), 3);
	CU_ASSERT_EQUAL(memcmp(c, "xyz", 3), 0);
	fput(f);
	mmput(mm);
	world_down(&w);
}

/* --- directories, names, pipes ------------------------------------------------------------------- */

struct seen {
	unsigned nr, room;
	unsigned mask; /* of f0 .. f9 */
};

static bool see(void *ctx, const char *name, u64 ino __unused, u8 type __unused,
		s64 next_pos __unused)
{
	struct seen *s = ctx;

	if (!s->room)
		return false;
	s->room--;
	s->nr++;
	if (name[0] == 'f')
		s->mask |= 1U << (name[1] - '0');
	return true;
}

static void directories_are_read_in_pieces(void)
{
	struct seen s = {0};
	char name[16];
	struct file *f;
	unsigned before;
	int i;

	world_up(&w);
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		host_file(&w, name, "", 0);
	}
	f = must_open("/", O_RDONLY | O_DIRECTORY);
	do {
		s.room = 3;
		before = s.nr;
		CU_ASSERT_EQUAL(f->f_op->iterate(f, see, &s), 0);
	} while (s.nr != before);
	CU_ASSERT_EQUAL(s.nr, 12); /* . and .. */
	CU_ASSERT_EQUAL(s.mask, 0x3ff);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, 0, SEEK_SET), 0);
	s.room = 100;
	CU_ASSERT_EQUAL(f->f_op->iterate(f, see, &s), 0);
	CU_ASSERT_EQUAL(s.nr, 24);
	fput(f);
	world_down(&w);
}

static void names_are_made_moved_and_taken_away(void)
{
	const struct dentry_operations *op;
	struct dentry *root;
	struct path p;
	struct stat st;
	char text[16];

	world_up(&w);
	root = w.fs.root.dentry;
	op = root->d_op;
	host_file(&w, "f", "1", 1);
	CU_ASSERT_EQUAL(op->mkdir(root, "d", 0755), 0);
	CU_ASSERT_EQUAL(op->mkdir(root, "d", 0755), -EEXIST);
	CU_ASSERT_EQUAL(op->symlink(root, "s", "target"), 0);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "s", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(op->readlink(p.dentry, text, sizeof(text)), 6);
	CU_ASSERT_EQUAL(op->chmod(p.dentry, 0600), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(op->link(p.dentry, root, "s2"), 0); /* the link itself */
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(&w.fs, NULL, "f", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(op->link(p.dentry, root, "g"), 0);
	CU_ASSERT_EQUAL(op->chmod(p.dentry, 0600), 0);
	CU_ASSERT_EQUAL(op->truncate(p.dentry, 10), 0);
	CU_ASSERT_EQUAL(op->access(p.dentry, R_OK, 0), 0);
	CU_ASSERT_EQUAL(op->getattr(p.dentry, &st, NULL), 0);
	CU_ASSERT_EQUAL(st.st_nlink, 2);
	CU_ASSERT_EQUAL(st.st_size, 10);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0600);
	path_put(&p);
	CU_ASSERT_EQUAL(op->rename(root, "g", root, "h", 0), 0);
	CU_ASSERT_EQUAL(op->rename(root, "g", root, "h", 0), -ENOENT);
	CU_ASSERT_EQUAL(op->unlink(root, "d", 0), -EISDIR);
	CU_ASSERT_EQUAL(op->unlink(root, "d", AT_REMOVEDIR), 0);
	CU_ASSERT_EQUAL(op->unlink(root, "h", 0), 0);
	CU_ASSERT_EQUAL(op->unlink(root, "h", 0), -ENOENT);
	world_down(&w);
}

static void pipes_pass_bytes_through(void)
{
	struct file *rd, *wr;
	int fds[2];
	char buf[16];

	world_up(&w);
	CU_ASSERT_EQUAL(pipe(fds), 0);
	rd = file_from_host_fd(&w.vfs, fds[0]);
	wr = file_from_host_fd(&w.vfs, fds[1]);
	CU_ASSERT_FALSE_FATAL(IS_ERR(rd) || IS_ERR(wr));
	CU_ASSERT_EQUAL(write_at(wr, "through", 7, 0), 7);
	CU_ASSERT_EQUAL(kernel_read(rd, buf, 4, 0), 4);
	CU_ASSERT_EQUAL(kernel_read(rd, buf, sizeof(buf), 0), 3);
	rd->f_flags |= O_NONBLOCK; /* ours; the host's descriptor stays as it is */
	CU_ASSERT_EQUAL(kernel_read(rd, buf, sizeof(buf), 0), -EAGAIN);
	CU_ASSERT_EQUAL(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
	CU_ASSERT_TRUE(!rd->f_op->mmap_file || rd->f_op->mmap_file(rd, NULL) == -ENODEV);
	CU_ASSERT_EQUAL(rd->f_op->llseek(rd, 0, SEEK_CUR), -ESPIPE);
	fput(wr);
	CU_ASSERT_EQUAL(kernel_read(rd, buf, sizeof(buf), 0), 0);
	fput(rd);
	world_down(&w);
}

static void inherited_files_share_their_position(void)
{
	struct iovec iov;
	struct iov_iter it;
	struct file *f;
	char path[HOST_NAME], c;
	int fd, mine;

	world_up(&w);
	host_file(&w, "f", "0123456789", 10);
	fd = open(host_name(&w, "f", path), O_RDWR);
	mine = dup(fd);
	CU_ASSERT_EQUAL(read(mine, &c, 1), 1);
	f = file_from_host_fd(&w.vfs, fd);
	iov = (struct iovec){&c, 1};
	it = (struct iov_iter){.iov = &iov, .nr_segs = 1, .count = 1};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &f->f_pos), 1);
	CU_ASSERT_EQUAL(c, '1');
	CU_ASSERT_EQUAL(read(mine, &c, 1), 1);
	CU_ASSERT_EQUAL(c, '2');
	iov = (struct iovec){&c, 1};
	it = (struct iov_iter){.iov = &iov, .nr_segs = 1, .count = 1};
	CU_ASSERT_EQUAL(vfs_read(f, &it, &f->f_pos), 1);
	CU_ASSERT_EQUAL(c, '3');
	fput(f);
	close(mine);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bytes_written_are_on_the_host_at_once),
	UNIT_TEST(large_files_come_back_whole),
	UNIT_TEST(pages_outlive_the_last_close),
	UNIT_TEST(changes_by_others_are_seen),
	UNIT_TEST(appending_goes_to_the_end_whoever_moved_it),
	UNIT_TEST(sizes_change_with_the_cache),
	UNIT_TEST(modes_are_kept_apart),
	UNIT_TEST(shared_mappings_read_and_write_see_each_other),
	UNIT_TEST(dirty_pages_go_back_in_time),
	UNIT_TEST(pages_behind_the_end_are_out_of_reach),
	UNIT_TEST(a_fault_ends_a_transfer_where_it_is),
	UNIT_TEST(a_file_can_be_written_from_its_own_mapping),
	UNIT_TEST(directories_are_read_in_pieces),
	UNIT_TEST(names_are_made_moved_and_taken_away),
	UNIT_TEST(pipes_pass_bytes_through),
	UNIT_TEST(inherited_files_share_their_position),
	UNIT_END,
};

const struct unit_suite suite_hostfs = {"hostfs", tests};
