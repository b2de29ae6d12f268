/* epoll without a task: what puts items on its list, and what becomes of them when a file or the epoll goes. */
#include "world.h"

#include "fs/eventfd.h"
#include "fs/eventpoll.h"
#include "fs/internal.h"
#include "fs/poll.h"

static struct world w;
static struct file *ep, *fd;

static void up(void)
{
	world_up(&w);
	ep = eventpoll_create(&w.vfs);
	fd = eventfd_create(&w.vfs, 0, O_NONBLOCK);
	CU_ASSERT_FALSE_FATAL(IS_ERR(ep) || IS_ERR(fd));
}

static void down(void)
{
	fput(ep);
	CU_ASSERT_EQUAL(w.vfs.in->epoll_watches, 0);
	world_down(&w);
}

static int ctl(struct file *f, int op, struct file *target, int nr, u32 events)
{
	struct epoll_event event = {.events = events, .data.u64 = 7};

	return eventpoll_ctl(f, op, target, nr, op == EPOLL_CTL_DEL ? NULL : &event);
}

static void add(u64 n)
{
	CU_ASSERT_EQUAL(write_at(fd, &n, sizeof(n), 0), sizeof(n));
}

static void readiness_comes_and_goes(void)
{
	u64 n;

	up();
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, fd, 5, EPOLLIN), 0);
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), 0);
	add(1);
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), EPOLLIN | EPOLLRDNORM);
	CU_ASSERT_EQUAL(kernel_read(fd, &n, sizeof(n), 0), sizeof(n));
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), 0);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_MOD, fd, 5, EPOLLOUT), 0);
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), EPOLLIN | EPOLLRDNORM);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_DEL, fd, 5, 0), 0);
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), 0);
	CU_ASSERT_PTR_NULL(fd->f_ep);
	fput(fd);
	down();
}

static void items_are_by_file_and_number(void)
{
	int i;

	up();
	for (i = 0; i < 300; i++)
		CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, fd, i * 7 % 300, EPOLLIN), 0);
	CU_ASSERT_EQUAL(w.vfs.in->epoll_watches, 300);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, fd, 299, EPOLLIN), -EEXIST);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_MOD, fd, 300, EPOLLIN), -ENOENT);
	for (i = 0; i < 300; i += 2)
		CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_DEL, fd, i, 0), 0);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), -ENOENT);
	CU_ASSERT_EQUAL(w.vfs.in->epoll_watches, 150);
	fput(fd); /* its last reference: all go with it */
	CU_ASSERT_EQUAL(w.vfs.in->epoll_watches, 0);
	down();
}

static void an_epoll_that_goes_leaves_the_file(void)
{
	struct file *other;

	up();
	other = eventpoll_create(&w.vfs);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, fd, 1, EPOLLIN | EPOLLET), 0);
	CU_ASSERT_EQUAL(ctl(other, EPOLL_CTL_ADD, fd, 1, EPOLLIN), 0);
	CU_ASSERT_EQUAL(ctl(other, EPOLL_CTL_ADD, ep, 2, EPOLLIN), 0);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, other, 2, EPOLLIN), -ELOOP);
	fput(other);
	CU_ASSERT_PTR_NOT_NULL(fd->f_ep);
	CU_ASSERT_PTR_NULL(ep->f_ep);
	add(3); /* calls nobody that is gone */
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), EPOLLIN | EPOLLRDNORM);
	fput(fd);
	CU_ASSERT_EQUAL(vfs_poll(ep, NULL), 0);
	down();
}

static void what_cannot_be_polled_is_refused(void)
{
	struct file *dir;

	up();
	dir = do_filp_open(&w.fs, NULL, ".", O_RDONLY | O_DIRECTORY, 0);
	CU_ASSERT_FALSE_FATAL(IS_ERR(dir));
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, dir, 1, EPOLLIN), -EPERM);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, ep, 1, EPOLLIN), -EINVAL);
	CU_ASSERT_EQUAL(ctl(fd, EPOLL_CTL_ADD, ep, 1, EPOLLIN), -EINVAL);
	CU_ASSERT_EQUAL(ctl(ep, 9, fd, 1, EPOLLIN), -EINVAL);
	CU_ASSERT_EQUAL(ctl(ep, EPOLL_CTL_ADD, fd, 1, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT),
			-EINVAL);
	CU_ASSERT_EQUAL(w.vfs.in->epoll_watches, 0);
	fput(dir);
	fput(fd);
	down();
}

static const struct unit_test tests[] = {
	UNIT_TEST(readiness_comes_and_goes),
	UNIT_TEST(items_are_by_file_and_number),
	UNIT_TEST(an_epoll_that_goes_leaves_the_file),
	UNIT_TEST(what_cannot_be_polled_is_refused),
	UNIT_END,
};

const struct unit_suite suite_eventpoll = {"eventpoll", tests};
