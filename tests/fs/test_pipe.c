/* Pipes without a task: what fits, what stays after a fault, sizes, readiness. */
#include "world.h"

#include "fs/pipe.h"
#include "fs/poll.h"

static struct world w;
static struct file *end[2];
static char bytes[70000];

static void up(int flags)
{
	world_up(&w);
	CU_ASSERT_EQUAL_FATAL(create_pipe_files(&w.vfs, end, flags | O_NONBLOCK, 1, 2), 0);
}

static void down(void)
{
	fput(end[0]);
	fput(end[1]);
	world_down(&w);
}

static long put(u64 n)
{
	return write_at(end[1], bytes, n, 0);
}

static long take(u64 n)
{
	return kernel_read(end[0], bytes, n, 0);
}

static void sixteen_pages_fit(void)
{
	up(0);
	CU_ASSERT_EQUAL(put(sizeof(bytes)), 65536);
	CU_ASSERT_EQUAL(put(1), -EAGAIN);
	CU_ASSERT_EQUAL(vfs_poll(end[1], NULL), 0);
	CU_ASSERT_EQUAL(take(4095), 4095);
	CU_ASSERT_EQUAL(put(1), -EAGAIN); /* its page is not free yet */
	CU_ASSERT_EQUAL(take(1), 1);
	CU_ASSERT_EQUAL(put(4096), 4096);
	CU_ASSERT_EQUAL(take(sizeof(bytes)), 65536);
	CU_ASSERT_EQUAL(take(1), -EAGAIN);
	down();
}

static void small_writes_share_a_page(void)
{
	int i;

	up(0);
	for (i = 0; i < 4096; i++)
		CU_ASSERT_EQUAL(put(1), 1);
	CU_ASSERT_EQUAL(end[0]->refcount, 1);
	CU_ASSERT_EQUAL(get_pipe_info(end[0])->head - get_pipe_info(end[0])->tail, 1);
	CU_ASSERT_EQUAL(take(5000), 4096);
	down();
}

static void packets_keep_their_ends(void)
{
	up(O_DIRECT);
	CU_ASSERT_EQUAL(put(10), 10);
	CU_ASSERT_EQUAL(put(20), 20);
	CU_ASSERT_EQUAL(take(100), 10);
	CU_ASSERT_EQUAL(take(5), 5); /* and the rest of the packet is lost */
	CU_ASSERT_EQUAL(take(5), -EAGAIN);
	down();
}

static void the_ends_see_each_other_go(void)
{
	struct iovec iov = {bytes, 1};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = 1};
	u64 pos = 0;

	up(0);
	CU_ASSERT_EQUAL(put(3), 3);
	get_file(end[0]);
	fput(end[1]);
	CU_ASSERT_EQUAL(vfs_poll(end[0], NULL), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	CU_ASSERT_EQUAL(take(10), 3);
	CU_ASSERT_EQUAL(take(10), 0);
	fput(end[0]);
	fput(end[0]);
	CU_ASSERT_EQUAL_FATAL(create_pipe_files(&w.vfs, end, 0, 0, 0), 0);
	fput(end[0]);
	CU_ASSERT_EQUAL(vfs_write(end[1], &it, &pos), -EPIPE);
	CU_ASSERT_EQUAL(vfs_poll(end[1], NULL), EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	fput(end[1]);
	world_down(&w);
}

static void a_ring_is_resized_with_what_is_in_it(void)
{
	struct pipe_inode_info *pipe;

	up(0);
	pipe = get_pipe_info(end[1]);
	CU_ASSERT_EQUAL(pipe_get_size(pipe), 65536);
	CU_ASSERT_EQUAL(put(10000), 10000);
	CU_ASSERT_EQUAL(take(5000), 5000);
	CU_ASSERT_EQUAL(pipe_set_size(pipe, 4096, false), -EBUSY);
	CU_ASSERT_EQUAL(pipe_set_size(pipe, 8000, false), 8192);
	CU_ASSERT_EQUAL(pipe_set_size(pipe, PIPE_MAX_SIZE + 1, false), -EPERM);
	CU_ASSERT_EQUAL(pipe_set_size(pipe, PIPE_MAX_SIZE + 1, true), 2 * PIPE_MAX_SIZE);
	CU_ASSERT_EQUAL(take(10000), 5000);
	down();
}

static const struct unit_test tests[] = {
	UNIT_TEST(sixteen_pages_fit),
	UNIT_TEST(small_writes_share_a_page),
	UNIT_TEST(packets_keep_their_ends),
	UNIT_TEST(the_ends_see_each_other_go),
	UNIT_TEST(a_ring_is_resized_with_what_is_in_it),
	UNIT_END,
};

const struct unit_suite suite_pipe = {"pipe", tests};
