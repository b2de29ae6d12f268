/* Datagrams of the kernel's own. See sock_note.h. */
#include "fs/sock_note.h"

#include <linux/netlink.h>
#include <string.h>

#include "base/err.h"
#include "fs/host_sock.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"

int sock_note_check(const struct file *f)
{
	const struct socket *sock = sock_from_file(f);

	if (!sock)
		return -ENOTSOCK;
	return sock->ops == &host_sock_ops && sock->sk->family == AF_NETLINK ? 0 : -EINVAL;
}

void sock_note_send(struct file *f, struct sock_note *n)
{
	struct host_sock *hs = host_sk(sock_from_file(f));

	list_add_tail(&n->list, &hs->notes);
	hs->edges++;
	wake_up_all_poll(&hs->sk.wq, EPOLLIN | EPOLLRDNORM);
}

long sock_note_recv(struct host_sock *hs, struct sock_msg *msg)
{
	struct sock_note *n = list_first_entry(&hs->notes, struct sock_note, list);
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	u64 fits = min(msg->iter->count, (u64)SOCK_NOTE_LEN);
	bool whole = msg->flags & MSG_TRUNC;
	u8 data[SOCK_NOTE_LEN];

	memcpy(data, n->data, sizeof(data)); /* storing may sleep */
	if (!(msg->flags & MSG_PEEK)) {
		list_del(&n->list);
		kfree(hs->sk.vfs->mem, n);
	}
	msg->out_flags = fits < SOCK_NOTE_LEN ? MSG_TRUNC : 0;
	msg->control_len = 0;
	if (msg->name) {
		memcpy(&msg->name->ss, &from, sizeof(from));
		msg->name->len = sizeof(from);
	}
	if (copy_to_iter(data, fits, msg->iter) < fits)
		return -EFAULT;
	return whole ? (long)SOCK_NOTE_LEN : (long)fits;
}

void sock_notes_free(struct host_sock *hs)
{
	struct sock_note *n, *next;

	list_for_each_entry_safe (n, next, &hs->notes, list)
		kfree(hs->sk.vfs->mem, n);
}
