/* Pseudo terminals without a task: pairs made and freed at every failure, echo and lines, a full one, hangup,
 * numbers. What the line discipline does byte for byte is tests/guest/ptys.c's to compare with the kernel. */
#include "world.h"

#include <sys/poll.h>

#include "fs/poll.h"
#include "fs/tty_internal.h"

static struct world w;
static char bytes[70000];

static void up(void)
{
	char path[HOST_NAME], cmd[HOST_NAME + 16];

	world_up(&w);
	snprintf(cmd, sizeof(cmd), "mkdir -p %s", host_name(&w, "dev/pts", path));
	CU_ASSERT_EQUAL(system(cmd), 0);
	CU_ASSERT_EQUAL_FATAL(devpts_init(&w.vfs), 0);
}

static struct file *new_master(void)
{
	struct file *f = open_at_root(&w, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (!IS_ERR(f))
		file_tty(f)->pty_lock = false;
	return f;
}

static struct file *new_slave(const char *name)
{
	return open_at_root(&w, name, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static long put(struct file *f, const char *text)
{
	return write_at(f, text, strlen(text), 0);
}

/* Is @text all that there is to be read? */
static bool gives(struct file *f, const char *text)
{
	long n = kernel_read(f, bytes, sizeof(bytes), 0);

	return n == (long)strlen(text) && !memcmp(bytes, text, n);
}

static void failed_opens_leave_nothing(void)
{
	struct file *master, *slave;
	u32 nth = 0;

	up();
	do {
		w.mem.fail_nth = ++nth;
		master = new_master();
		CU_ASSERT_FATAL(!IS_ERR(master) || PTR_ERR(master) == -ENOMEM);
		w.mem.fail_nth = 0;
		if (IS_ERR(master)) /* the number is free again */
			CU_ASSERT_EQUAL(PTR_ERR(new_slave("dev/pts/0")), -ENOENT);
	} while (IS_ERR(master));
	CU_ASSERT(nth > 3);
	nth = 0;
	do {
		w.mem.fail_nth = ++nth;
		slave = new_slave("dev/pts/0");
		CU_ASSERT_FATAL(!IS_ERR(slave) || PTR_ERR(slave) == -ENOMEM);
		w.mem.fail_nth = 0;
	} while (IS_ERR(slave));
	CU_ASSERT(nth > 2);
	CU_ASSERT_EQUAL(file_tty(slave)->count, 2);
	fput(slave);
	fput(master);
	world_down(&w);
}

static void numbers_are_the_lowest_free(void)
{
	struct file *m[3];

	up();
	for (u32 i = 0; i < 3; i++) {
		m[i] = new_master();
		CU_ASSERT_EQUAL(file_tty(m[i])->index, i);
	}
	fput(m[1]);
	CU_ASSERT_EQUAL(PTR_ERR(new_slave("dev/pts/1")), -ENOENT);
	CU_ASSERT_EQUAL(PTR_ERR(new_slave("dev/pts/01")), -ENOENT);
	m[1] = new_master();
	CU_ASSERT_EQUAL(file_tty(m[1])->index, 1);
	file_tty(m[1])->pty_lock = true;
	CU_ASSERT_EQUAL(PTR_ERR(new_slave("dev/pts/1")), -EIO);
	for (u32 i = 0; i < 3; i++)
		fput(m[i]);
	world_down(&w);
}

static void a_line_is_echoed_and_read(void)
{
	struct file *master, *slave;

	up();
	master = new_master();
	slave = new_slave("dev/pts/0");
	CU_ASSERT_EQUAL(put(master, "ab"), 2);
	CU_ASSERT_EQUAL(kernel_read(slave, bytes, 10, 0), -EAGAIN);
	CU_ASSERT_EQUAL(vfs_poll(slave, NULL) & POLLIN, 0);
	CU_ASSERT_EQUAL(put(master, "\177c\r"), 3);
	CU_ASSERT(gives(master, "ab\b \bc\r\n"));
	CU_ASSERT_EQUAL(vfs_poll(slave, NULL) & POLLIN, POLLIN);
	CU_ASSERT(gives(slave, "ac\n"));
	CU_ASSERT_EQUAL(put(slave, "x\n"), 2);
	CU_ASSERT(gives(master, "x\r\n"));
	fput(slave);
	fput(master);
	world_down(&w);
}

/* Nobody reads: the writer is told to wait, and echo that finds no room waits or goes. */
static void a_full_one_takes_no_more(void)
{
	struct file *master, *slave;
	long n;

	up();
	master = new_master();
	slave = new_slave("dev/pts/0");
	memset(bytes, 'x', sizeof(bytes));
	n = write_at(slave, bytes, sizeof(bytes), 0);
	CU_ASSERT_EQUAL(n, N_TTY_BUF_SIZE - 1 + TTY_FLIP_SIZE);
	CU_ASSERT_EQUAL(put(slave, "\t\t"), -EAGAIN);
	CU_ASSERT_EQUAL(put(master, "typed\n"), 6);
	CU_ASSERT(gives(slave, "typed\n"));
	for (n = 0; kernel_read(master, bytes, 4096, 0) > 0;)
		n++;
	CU_ASSERT(n >= 5);
	CU_ASSERT_EQUAL(memcmp(bytes, "xxx", 3), 0);
	CU_ASSERT_EQUAL(vfs_poll(slave, NULL) & POLLOUT, POLLOUT);
	fput(slave);
	fput(master);
	world_down(&w);
}

static void the_master_goes_first(void)
{
	struct file *master, *slave;

	up();
	master = new_master();
	slave = new_slave("dev/pts/0");
	put(master, "lost\n");
	fput(master);
	CU_ASSERT(tty_hung_up_p(slave));
	CU_ASSERT_EQUAL(kernel_read(slave, bytes, 10, 0), 0);
	CU_ASSERT_EQUAL(put(slave, "x"), -EIO);
	CU_ASSERT_EQUAL(vfs_poll(slave, NULL) & POLLHUP, POLLHUP);
	CU_ASSERT_PTR_NULL(file_tty(slave)->link);
	CU_ASSERT_EQUAL(PTR_ERR(new_slave("dev/pts/0")), -ENOENT);
	fput(slave);
	world_down(&w);
}

static void the_slave_goes_first(void)
{
	struct file *master, *slave;

	up();
	master = new_master();
	slave = new_slave("dev/pts/0");
	put(slave, "last");
	fput(slave);
	CU_ASSERT(gives(master, "last"));
	CU_ASSERT_EQUAL(kernel_read(master, bytes, 10, 0), -EIO);
	CU_ASSERT_EQUAL(vfs_poll(master, NULL) & POLLHUP, POLLHUP);
	slave = new_slave("dev/pts/0");
	CU_ASSERT_EQUAL(kernel_read(master, bytes, 10, 0), -EAGAIN);
	CU_ASSERT_EQUAL(put(slave, "again"), 5);
	CU_ASSERT(gives(master, "again"));
	fput(slave);
	fput(master);
	world_down(&w);
}

/* kernel.pty.max, as Linux counts: one fewer. */
static void pairs_have_a_limit(void)
{
	struct file *master;

	up();
	w.vfs.pty.max = 2;
	master = new_master();
	CU_ASSERT_EQUAL(w.vfs.pty.nr, 1);
	CU_ASSERT_EQUAL(PTR_ERR(new_master()), -ENOSPC);
	fput(master);
	CU_ASSERT_EQUAL(w.vfs.pty.nr, 0);
	w.vfs.pty.max = 0;
	CU_ASSERT_EQUAL(PTR_ERR(new_master()), -ENOSPC);
	world_down(&w);
}

/* Nobody can be made to wait for echo: of what cannot go out the oldest is lost, whole characters each. */
static void echo_that_waits_loses_its_oldest(void)
{
	struct file *master, *slave;
	long n, got;

	up();
	master = new_master();
	slave = new_slave("dev/pts/0");
	put(master, "\023"); /* STOP */
	for (u32 i = 0; i < 40; i++) {
		for (u32 j = 0; j < 100; j++)
			put(master, j % 2 ? "\001" : "\t\177"); /* ^A; a tab that is erased */
		put(master, "\n");
		kernel_read(slave, bytes, sizeof(bytes), 0);
	}
	CU_ASSERT_EQUAL(kernel_read(master, bytes, sizeof(bytes), 0), -EAGAIN);
	put(master, "z\021"); /* START */
	for (n = 0; (got = kernel_read(master, bytes + n, sizeof(bytes) - n, 0)) > 0;)
		n += got;
	CU_ASSERT(n > 1000);
	CU_ASSERT_EQUAL(bytes[n - 1], 'z');
	for (long i = 0; i < n; i++)
		CU_ASSERT(bytes[i] && strchr("^A\t\b\r\nz", bytes[i]));
	fput(slave);
	fput(master);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(failed_opens_leave_nothing),
	UNIT_TEST(numbers_are_the_lowest_free),
	UNIT_TEST(a_line_is_echoed_and_read),
	UNIT_TEST(a_full_one_takes_no_more),
	UNIT_TEST(the_master_goes_first),
	UNIT_TEST(the_slave_goes_first),
	UNIT_TEST(pairs_have_a_limit),
	UNIT_TEST(echo_that_waits_loses_its_oldest),
	UNIT_END,
};

const struct unit_suite suite_tty = {"tty", tests};
