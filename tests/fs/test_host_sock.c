/* Sockets that the host keeps (fs/host_sock.h): what needs no task to sleep. Programs try the rest: tests/guest/inet.c,
 * inet_msgs.c, tests/scripts/loopback.sh. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/host.h"
#include "fs/host_sock.h"
#include "fs/poll.h"
#include "world.h"

static struct world w;

static struct file *tcp(void)
{
	struct file *f = sock_create_file(&w.vfs, AF_INET, SOCK_STREAM, 0, O_NONBLOCK);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	return f;
}

static struct socket *sock_of(struct file *f)
{
	return sock_from_file(f);
}

static struct sock_addr loopback(void)
{
	struct sock_addr a = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&a.ss;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* A listener, and where it listens. */
static struct file *listener(struct sock_addr *at)
{
	struct file *f = tcp();

	*at = loopback();
	CU_ASSERT_EQUAL(sock_of(f)->ops->bind(sock_of(f), at, NULL), 0);
	CU_ASSERT_EQUAL(sock_of(f)->ops->listen(sock_of(f), 5), 0);
	CU_ASSERT_EQUAL(sock_of(f)->ops->getname(sock_of(f), at, false), 0);
	return f;
}

static struct file *connected(const struct sock_addr *to)
{
	struct file *f = tcp();
	int err = sock_of(f)->ops->connect(sock_of(f), to, NULL, true);

	CU_ASSERT_TRUE(!err || err == -EINPROGRESS);
	return f;
}

static long transfer(struct file *f, void *buf, u64 n, bool write)
{
	struct iovec iov = {buf, n};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = n};
	u64 pos = 0;

	return write ? vfs_write(f, &it, &pos) : vfs_read(f, &it, &pos);
}

static void a_connection_carries_bytes(void)
{
	struct sock_addr at;
	struct file *l, *c, *s;
	char buf[100] = "";

	world_up(&w);
	l = listener(&at);
	CU_ASSERT_EQUAL(PTR_ERR(sock_accept_file(sock_of(l), true, 0)), -EAGAIN);
	c = connected(&at);
	s = sock_accept_file(sock_of(l), true, 0);
	CU_ASSERT_FALSE_FATAL(IS_ERR(s));
	CU_ASSERT_EQUAL(transfer(c, "hello", 5, true), 5);
	CU_ASSERT_EQUAL(vfs_poll(s, NULL) & (EPOLLIN | EPOLLOUT), EPOLLIN | EPOLLOUT);
	CU_ASSERT_EQUAL(transfer(s, buf, sizeof(buf), false), 5);
	CU_ASSERT_STRING_EQUAL(buf, "hello");
	CU_ASSERT_EQUAL(transfer(c, buf, sizeof(buf), false), -EAGAIN);
	fput(c);
	CU_ASSERT_EQUAL(transfer(s, buf, sizeof(buf), false), 0);
	fput(s);
	fput(l);
	world_down(&w);
}

static void the_inode_is_the_hosts(void)
{
	struct stat host, guest;
	struct file *f;

	world_up(&w);
	f = tcp();
	CU_ASSERT_EQUAL(host_fstat(host_sk(sock_of(f))->fd, &host), 0);
	CU_ASSERT_EQUAL(file_stat(f, &guest), 0);
	CU_ASSERT_EQUAL(host.st_ino, guest.st_ino);
	fput(f);
	world_down(&w);
}

static void without_a_network_there_is_none(void)
{
	world_up(&w);
	w.vfs.no_network = true;
	CU_ASSERT_EQUAL(PTR_ERR(sock_create_file(&w.vfs, AF_INET, SOCK_STREAM, 0, 0)), -EACCES);
	CU_ASSERT_EQUAL(PTR_ERR(sock_create_file(&w.vfs, AF_INET6, SOCK_DGRAM, 0, 0)), -EACCES);
	CU_ASSERT_EQUAL(PTR_ERR(sock_create_file(&w.vfs, AF_NETLINK, SOCK_RAW, 0, 0)), -EACCES);
	world_down(&w);
}

/* Its mode stays as it was, and no call waits all the same. */
static void an_inherited_one_stays_blocking(void)
{
	char buf[10];
	struct file *f;
	int fd[2];

	world_up(&w);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	f = sock_adopt_file(&w.vfs, fd[0], O_RDWR);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	f->f_flags |= O_NONBLOCK; /* the guest's own flag */
	CU_ASSERT_EQUAL(transfer(f, buf, sizeof(buf), false), -EAGAIN);
	CU_ASSERT_EQUAL(host_fcntl(fd[1], F_GETFL, 0) & O_NONBLOCK, 0);
	CU_ASSERT_EQUAL(host_fcntl(host_sk(sock_of(f))->fd, F_GETFL, 0) & O_NONBLOCK, 0);
	CU_ASSERT_EQUAL(transfer(f, "out", 3, true), 3);
	CU_ASSERT_EQUAL(read(fd[1], buf, sizeof(buf)), 3);
	fput(f);
	CU_ASSERT_EQUAL(read(fd[1], buf, sizeof(buf)), 0);
	close(fd[1]);
	world_down(&w);
}

/* Counts what the event loop tells. */
static unsigned edges;

static void count_edge(struct event_fd *watch, u32 revents)
{
	(void)watch;
	edges += !!(revents & EPOLLIN);
}

static void each_arrival_is_an_edge(void)
{
	struct event_fd watch;
	int fd[2];

	world_up(&w);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	event_fd_init(&watch, count_edge);
	edges = 0;
	CU_ASSERT_EQUAL(event_fd_watch(&w.events, &watch, fd[0]), 0);
	CU_ASSERT_EQUAL(event_fd_watch(&w.events, &watch, fd[0]), 0);
	event_loop_run(&w.events, false);
	CU_ASSERT_EQUAL(edges, 0);
	for (unsigned i = 1; i <= 3; i++) { /* nobody reads them */
		CU_ASSERT_EQUAL(write(fd[1], "x", 1), 1);
		event_loop_run(&w.events, false);
		event_loop_run(&w.events, false);
		CU_ASSERT_EQUAL(edges, i);
	}
	event_fd_del(&w.events, &watch);
	CU_ASSERT_EQUAL(write(fd[1], "x", 1), 1);
	event_loop_run(&w.events, false);
	CU_ASSERT_EQUAL(edges, 3);
	close(fd[0]);
	close(fd[1]);
	world_down(&w);
}

/* A value that has an address in it, which would be one of the guest's, does not reach the host: only the question does,
 * and what the host has against it comes back. */
static void no_address_of_the_guests_goes_out(void)
{
	static const struct {
		int level, name;
	} opts[] = {{284, 4}, {SOL_IP, 64}, {SOL_IPV6, 64}, {IPPROTO_TCP, 35}, {99, 1}};
	struct socket *sock;
	struct file *f;
	u8 val[SOCKOPT_MAX];
	u32 len;

	world_up(&w);
	f = tcp();
	sock = sock_of(f);
	for (unsigned i = 0; i < ARRAY_SIZE(opts); i++) {
		memset(val, 0x5a, sizeof(val));
		len = sizeof(val);
		CU_ASSERT_TRUE(sock->ops->getsockopt(sock, opts[i].level, opts[i].name, val, &len) <
			       0);
		CU_ASSERT_EQUAL(len, sizeof(val));
		for (unsigned n = 0; n < sizeof(val); n++)
			CU_ASSERT_EQUAL(val[n], 0x5a);
		CU_ASSERT_TRUE(sock->ops->setsockopt(sock, opts[i].level, opts[i].name, val, len,
						     NULL) < 0);
	}
	CU_ASSERT_EQUAL(f->f_op->ioctl(f, 0x8940 /* SIOCGIFBR */, 0, NULL), -ENOTTY);
	fput(f);
	world_down(&w);
}

/* A guest's name never is a path of the host's: it is looked up where the guest's root is. */
static void a_name_is_the_guests(void)
{
	struct sock_addr a = {.len = sizeof(struct sockaddr_un)};
	struct sockaddr_un *un = (struct sockaddr_un *)&a.ss;
	struct socket *sock;
	struct stat st;
	struct file *f;
	int fd[2];

	world_up(&w);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	f = sock_adopt_file(&w.vfs, fd[0], O_RDWR);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	sock = sock_of(f);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, "no-such-folder/name");
	CU_ASSERT_EQUAL(sock->ops->bind(sock, &a, &w.fs), -ENOENT);
	CU_ASSERT_EQUAL(sock->ops->connect(sock, &a, &w.fs, true), -ENOENT);
	strcpy(un->sun_path, "/dev/shm/of-the-guest"); /* a file system of the guest kernel's */
	sock->ops->bind(sock, &a, &w.fs);
	CU_ASSERT_EQUAL(host_fstatat(AT_FDCWD, un->sun_path, &st, 0), -ENOENT);
	un->sun_path[0] = '\0';
	CU_ASSERT_EQUAL(sock->ops->connect(sock, &a, &w.fs, true), -ECONNREFUSED);
	fput(f);
	close(fd[1]);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_connection_carries_bytes),
	UNIT_TEST(the_inode_is_the_hosts),
	UNIT_TEST(without_a_network_there_is_none),
	UNIT_TEST(an_inherited_one_stays_blocking),
	UNIT_TEST(each_arrival_is_an_edge),
	UNIT_TEST(no_address_of_the_guests_goes_out),
	UNIT_TEST(a_name_is_the_guests),
	UNIT_END,
};

const struct unit_suite suite_host_sock = {"host_sock", tests};
