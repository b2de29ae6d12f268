/* Unix sockets without a task: names, queues, what counts as in flight, and each allocation failing. */
#include "world.h"

#include <sys/un.h>

#include "fs/poll.h"
#include "fs/socket.h"

static struct world w;
static struct file *end[2];
static char bytes[70000];

static void up(void)
{
	world_up(&w);
}

static void pair(int type)
{
	CU_ASSERT_EQUAL_FATAL(sock_create_pair(&w.vfs, end, AF_UNIX, type, 0, O_NONBLOCK), 0);
}

static void close_pair(void)
{
	fput(end[0]);
	fput(end[1]);
}

static struct file *make(int type)
{
	struct file *f = sock_create_file(&w.vfs, AF_UNIX, type, 0, O_NONBLOCK);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	return f;
}

static void name(struct sock_addr *addr, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&addr->ss;

	memset(addr, 0, sizeof(*addr));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	addr->len = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
	if (*path == '@')
		un->sun_path[0] = '\0';
}

static int bind_to(struct file *f, const char *path)
{
	struct socket *sock = sock_from_file(f);
	struct sock_addr addr;

	name(&addr, path);
	return sock->ops->bind(sock, &addr, &w.fs);
}

static int connect_to(struct file *f, const char *path)
{
	struct socket *sock = sock_from_file(f);
	struct sock_addr addr;

	name(&addr, path);
	return sock->ops->connect(sock, &addr, &w.fs, true);
}

static int listen_on(struct file *f, const char *path, u32 backlog)
{
	struct socket *sock = sock_from_file(f);
	int err = bind_to(f, path);

	return err ? err : sock->ops->listen(sock, backlog);
}

static long put(struct file *f, u64 n)
{
	return write_at(f, bytes, n, 0);
}

static long take(struct file *f, u64 n)
{
	return kernel_read(f, bytes, n, 0);
}

/* Sends @n bytes and (not NULL) a file, whose reference it takes over when it succeeds. */
static long send_file(struct file *to, u64 n, struct file *f)
{
	struct socket *sock = sock_from_file(to);
	struct iovec iov = {bytes, n};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = n};
	struct sock_msg msg = {.iter = &it, .nonblock = true};
	long ret;

	msg.scm.fp = kzalloc(&w.mem, sizeof(*msg.scm.fp) + sizeof(f), GFP_KERNEL);
	if (!msg.scm.fp)
		return -ENOMEM;
	msg.scm.fp->count = 1;
	msg.scm.fp->fp[0] = f;
	get_file(f);
	ret = sock->ops->sendmsg(sock, &msg, NULL);
	scm_fp_free(&w.vfs, msg.scm.fp);
	if (ret >= 0)
		fput(f);
	return ret;
}

static struct file *receive_file(struct file *from, int flags)
{
	struct socket *sock = sock_from_file(from);
	struct iovec iov = {bytes, 100};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = 100};
	struct sock_msg msg = {.iter = &it, .nonblock = true, .flags = flags};
	struct file *f = NULL;

	if (sock->ops->recvmsg(sock, &msg) < 0 || !msg.scm.fp)
		return NULL;
	f = msg.scm.fp->fp[0];
	get_file(f);
	scm_fp_free(&w.vfs, msg.scm.fp);
	return f;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_stream_joins_writes_and_messages_stay_apart(void)
{
	up();
	pair(SOCK_STREAM);
	CU_ASSERT_EQUAL(put(end[0], 3), 3);
	CU_ASSERT_EQUAL(put(end[0], 60000), 60000);
	CU_ASSERT_EQUAL(take(end[1], 10), 10);
	CU_ASSERT_EQUAL(take(end[1], 70000), 59993);
	CU_ASSERT_EQUAL(take(end[1], 1), -EAGAIN);
	close_pair();
	pair(SOCK_DGRAM);
	CU_ASSERT_EQUAL(put(end[0], 10), 10);
	CU_ASSERT_EQUAL(put(end[0], 0), 0);
	CU_ASSERT_EQUAL(put(end[0], 20000), 20000);
	CU_ASSERT_EQUAL(take(end[1], 4), 4);
	CU_ASSERT_EQUAL(take(end[1], 4), 0);
	CU_ASSERT_EQUAL(take(end[1], 70000), 20000);
	close_pair();
	world_down(&w);
}

static void the_sender_pays_until_it_is_read(void)
{
	struct sock *sk;

	up();
	pair(SOCK_STREAM);
	sk = sock_from_file(end[0])->sk;
	CU_ASSERT_EQUAL(put(end[0], 1), 1);
	CU_ASSERT_EQUAL(sk->wmem, 768);
	CU_ASSERT_EQUAL(put(end[0], 5000), 5000);
	CU_ASSERT_EQUAL(sk->wmem, 768 + 6400);
	CU_ASSERT_EQUAL(take(end[1], 5000), 5000);
	CU_ASSERT_EQUAL(sk->wmem, 6400);
	CU_ASSERT_EQUAL(take(end[1], 5000), 1);
	CU_ASSERT_EQUAL(sk->wmem, 0);
	while (put(end[0], 60000) > 0)
		;
	CU_ASSERT_EQUAL(vfs_poll(end[0], NULL), 0);
	fput(end[1]); /* what was sent goes with the reader, though the sender stays */
	CU_ASSERT_EQUAL(sk->wmem, 0);
	CU_ASSERT_EQUAL(put(end[0], 1), -EPIPE);
	fput(end[0]);
	world_down(&w);
}

static void a_name_lasts_as_long_as_its_socket(void)
{
	struct file *a, *b;

	up();
	a = make(SOCK_STREAM);
	b = make(SOCK_STREAM);
	CU_ASSERT_EQUAL(listen_on(a, "srv", 0), 0);
	CU_ASSERT_EQUAL(bind_to(a, "other"), -EINVAL);
	CU_ASSERT_EQUAL(bind_to(b, "srv"), -EADDRINUSE);
	CU_ASSERT_EQUAL(bind_to(b, "@x"), 0);
	CU_ASSERT_EQUAL(connect_to(b, "srv"), 0);
	CU_ASSERT_EQUAL(connect_to(b, "srv"), -EAGAIN); /* looked at first: the queue */
	fput(a);
	CU_ASSERT_EQUAL(connect_to(b, "srv"), -ECONNREFUSED); /* the node is still there */
	CU_ASSERT_EQUAL(take(b, 1), -ECONNRESET);
	fput(b);
	b = make(SOCK_STREAM);
	CU_ASSERT_EQUAL(bind_to(b, "@x"), 0);
	fput(b);
	world_down(&w);
}

static void an_unaccepted_connection_ends_with_the_listener(void)
{
	struct file *l, *c, *a;

	up();
	l = make(SOCK_SEQPACKET);
	c = make(SOCK_SEQPACKET);
	CU_ASSERT_EQUAL(listen_on(l, "@l", 5), 0);
	a = sock_accept_file(sock_from_file(l), true, 0);
	CU_ASSERT_EQUAL(PTR_ERR(a), -EAGAIN);
	CU_ASSERT_EQUAL(connect_to(c, "@l"), 0);
	CU_ASSERT_EQUAL(put(c, 100), 100);
	a = sock_accept_file(sock_from_file(l), true, 0);
	CU_ASSERT_FALSE_FATAL(IS_ERR(a));
	CU_ASSERT_EQUAL(take(a, 1000), 100);
	fput(a);
	fput(c);
	c = make(SOCK_SEQPACKET);
	CU_ASSERT_EQUAL(connect_to(c, "@l"), 0);
	CU_ASSERT_EQUAL(put(c, 100), 100);
	fput(l);
	CU_ASSERT_EQUAL(vfs_poll(c, NULL) & EPOLLHUP, EPOLLHUP);
	fput(c);
	world_down(&w);
}

static void lost_descriptors_are_closed(void)
{
	struct file *f, *probe[2];

	up();
	CU_ASSERT_EQUAL_FATAL(sock_create_pair(&w.vfs, probe, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK),
			      0);
	pair(SOCK_STREAM);
	get_file(end[0]);
	CU_ASSERT_EQUAL(send_file(end[1], 1, end[0]), 1); /* into its own queue */
	CU_ASSERT_EQUAL(send_file(end[1], 1, probe[1]), 1);
	CU_ASSERT_EQUAL(take(probe[0], 1), -EAGAIN);
	close_pair(); /* end[1] goes, and that end[0] cannot be had any more is found */
	CU_ASSERT_EQUAL(take(probe[0], 1), 0);
	fput(probe[0]);
	CU_ASSERT_EQUAL(w.vfs.nr_files, 0);
	pair(SOCK_DGRAM); /* one that can be received stays */
	f = make(SOCK_STREAM);
	CU_ASSERT_EQUAL(send_file(end[0], 1, f), 1);
	fput(make(SOCK_STREAM));
	CU_ASSERT_EQUAL(w.vfs.nr_files, 3);
	f = receive_file(end[1], MSG_PEEK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fput(f);
	f = receive_file(end[1], 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->refcount, 1);
	fput(f);
	close_pair();
	world_down(&w);
}

static void a_long_chain_needs_no_deep_stack(void)
{
	struct file *held;

	up();
	held = make(SOCK_STREAM);
	for (int i = 0; i < 5000; i++) {
		pair(SOCK_STREAM);
		CU_ASSERT_EQUAL_FATAL(send_file(end[0], 1, held), 1);
		fput(end[0]);
		held = end[1];
	}
	fput(held);
	world_down(&w); /* no file is left */
}

static struct file *new_stream(void)
{
	return sock_create_file(&w.vfs, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK);
}

static void drop(struct file *f)
{
	if (!IS_ERR(f))
		fput(f);
}

/* A name in the file system, a connection to it. 0 or the first error. */
static long connection_life(void)
{
	struct file *l = new_stream(), *c = new_stream(), *a;
	long err = IS_ERR(l) ? PTR_ERR(l) : IS_ERR(c) ? PTR_ERR(c) : 0;

	if (!err)
		err = bind_to(c, "@client");
	if (!err)
		err = listen_on(l, "life", 5);
	if (!err)
		err = connect_to(c, "life");
	if (!err) {
		a = sock_accept_file(sock_from_file(l), true, 0);
		err = IS_ERR(a) ? PTR_ERR(a) : 0;
		drop(a);
	}
	drop(l);
	drop(c);
	unlinkat(w.vfs.root_mnt->root->host_fd, "life", 0);
	return err;
}

/* Bytes in pages, and a file. */
static long message_life(void)
{
	struct file *p[2], *f;
	long err = sock_create_pair(&w.vfs, p, AF_UNIX, SOCK_DGRAM, 0, O_NONBLOCK);

	if (err)
		return err;
	err = put(p[0], 20000);
	if (err > 0) {
		f = new_stream();
		err = IS_ERR(f) ? PTR_ERR(f) : send_file(p[0], 3, f);
		if (err < 0)
			drop(f);
	}
	if (err > 0)
		err = take(p[1], 30000);
	if (err > 0) {
		f = receive_file(p[1], MSG_PEEK);
		err = f ? 0 : -ENOMEM;
		if (f)
			fput(f);
	}
	fput(p[0]);
	fput(p[1]);
	return err;
}

static long whole_life(void)
{
	long err = connection_life();

	return err ? err : message_life();
}

static long send_flags(struct file *to, u64 n, int flags)
{
	struct socket *sock = sock_from_file(to);
	struct iovec iov = {bytes, n};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = n};
	struct sock_msg msg = {.iter = &it, .nonblock = true, .flags = flags};

	return sock->ops->sendmsg(sock, &msg, NULL);
}

static long recv_flags(struct file *from, u64 n, int flags)
{
	struct socket *sock = sock_from_file(from);
	struct iovec iov = {bytes, n};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = n};
	struct sock_msg msg = {.iter = &it, .nonblock = true, .flags = flags};

	return sock->ops->recvmsg(sock, &msg);
}

static void an_urgent_byte_goes_out_of_turn(void)
{
	up();
	pair(SOCK_STREAM);
	CU_ASSERT_EQUAL(recv_flags(end[1], 1, MSG_OOB), -EINVAL);
	memcpy(bytes, "abc", 3);
	CU_ASSERT_EQUAL(send_flags(end[0], 3, MSG_OOB), 3);
	CU_ASSERT_TRUE(vfs_poll(end[1], NULL) & EPOLLPRI);
	CU_ASSERT_EQUAL(recv_flags(end[1], 1, MSG_OOB), 1);
	CU_ASSERT_EQUAL(bytes[0], 'c');
	CU_ASSERT_FALSE(vfs_poll(end[1], NULL) & EPOLLPRI);
	CU_ASSERT_EQUAL(recv_flags(end[1], 9, 0), 2);
	CU_ASSERT_EQUAL(recv_flags(end[1], 9, 0), -EAGAIN);
	/* Nobody reads it: the next read begins behind it. */
	CU_ASSERT_EQUAL(send_flags(end[0], 3, MSG_OOB), 3);
	CU_ASSERT_EQUAL(send_flags(end[0], 4, 0), 4);
	CU_ASSERT_EQUAL(recv_flags(end[1], 9, 0), 2);
	CU_ASSERT_EQUAL(recv_flags(end[1], 9, 0), 4);
	/* A mark that was left is no unread byte. */
	CU_ASSERT_EQUAL(send_flags(end[0], 1, MSG_OOB), 1);
	CU_ASSERT_EQUAL(recv_flags(end[1], 1, MSG_OOB), 1);
	fput(end[1]);
	CU_ASSERT_EQUAL(recv_flags(end[0], 1, 0), 0);
	fput(end[0]);
	world_down(&w);
}

static void who_wants_no_files_gets_none(void)
{
	struct file *f;
	int off = 0, v = 2;
	u32 len = sizeof(v);

	up();
	pair(SOCK_STREAM);
	CU_ASSERT_EQUAL(sock_getsockopt(sock_from_file(end[1]), SO_PASSRIGHTS_K, &v, &len), 0);
	CU_ASSERT_EQUAL(v, 1);
	CU_ASSERT_EQUAL(
		sock_setsockopt(sock_from_file(end[1]), SO_PASSRIGHTS_K, &off, sizeof(off), false),
		0);
	f = make(SOCK_DGRAM);
	CU_ASSERT_EQUAL(send_file(end[0], 1, f), -EPERM);
	CU_ASSERT_EQUAL(take(end[1], 1), -EAGAIN);
	fput(f);
	close_pair();
	world_down(&w);
}

static void each_allocation_may_fail(void)
{
	u32 nth = 0;
	long err;

	up();
	do {
		w.mem.fail_nth = ++nth;
		err = whole_life();
		w.mem.fail_nth = 0;
		CU_ASSERT_TRUE_FATAL(!err || err == -ENOMEM || err == -ENOBUFS);
		CU_ASSERT_EQUAL(memory_validate(&w.mem), 0);
		CU_ASSERT_EQUAL_FATAL(w.vfs.nr_files, 0);
	} while (err && nth < 1000);
	CU_ASSERT_EQUAL(err, 0);
	CU_ASSERT_TRUE(nth > 5);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_stream_joins_writes_and_messages_stay_apart),
	UNIT_TEST(the_sender_pays_until_it_is_read),
	UNIT_TEST(a_name_lasts_as_long_as_its_socket),
	UNIT_TEST(an_unaccepted_connection_ends_with_the_listener),
	UNIT_TEST(lost_descriptors_are_closed),
	UNIT_TEST(a_long_chain_needs_no_deep_stack),
	UNIT_TEST(an_urgent_byte_goes_out_of_turn),
	UNIT_TEST(who_wants_no_files_gets_none),
	UNIT_TEST(each_allocation_may_fail),
	UNIT_END,
};

const struct unit_suite suite_unix_socket = {"unix_socket", tests};
