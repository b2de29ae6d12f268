/* The urgent byte of an AF_UNIX stream: MSG_OOB. See unix_internal.h; Linux, net/unix/af_unix.c, CONFIG_AF_UNIX_OOB.
 *
 *	queue: [abc] [d] [ef]     oob_skb --> [d], an sk_buff of its own
 *
 * A read ends before it. The next one begins behind it, and drops it; with SO_OOBINLINE it is a byte as others
 * are. MSG_OOB takes it out of turn: its sk_buff stays, empty, to mark the place. A new one makes the one before
 * it a byte as others are.
 */
#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/unix_internal.h"

int unix_queue_oob(struct unix_sock *u, struct unix_sock *other, struct sock_msg *msg,
		   u64 deadline_ns)
{
	struct sk_buff *skb = unix_alloc_skb(u, msg->iter, 1, unix_stream_truesize(1), deadline_ns);
	int err;

	if (IS_ERR(skb))
		return PTR_ERR(skb);
	err = unix_scm_to_skb(&msg->scm, skb, u, other);
	if (!err && (other->sk.dead || (other->sk.shutdown & RCV_SHUTDOWN)))
		err = -EPIPE;
	if (err) {
		unix_free_skb(skb);
		return err;
	}
	other->oob_skb = skb;
	sock_send_urg(&other->sk);
	unix_queue_tail(other, skb);
	return 0;
}

/* @oob, read out of turn, stays as a mark; one mark before it is enough. */
static void leave_mark(struct unix_sock *u, struct sk_buff *oob)
{
	struct sk_buff *before = oob->list.prev == &u->queue
					 ? NULL
					 : list_entry(oob->list.prev, struct sk_buff, list);

	u->oob_skb = NULL;
	oob->consumed++;
	if (!before || unix_skb_len(before))
		return;
	unix_unlink(u, before);
	unix_free_skb(before);
}

long unix_recv_oob(struct unix_sock *u, struct sock_msg *msg)
{
	struct iov_iter start = *msg->iter;
	struct sk_buff *oob;
	u32 n, got;

	do {
		oob = u->oob_skb;
		if (!oob || sock_option(&u->sk, SO_OOBINLINE))
			return -EINVAL;
		n = min(msg->iter->count, 1UL);
		iov_iter_nosleep_begin(msg->iter);
		got = unix_skb_to_iter(oob, 0, n, msg->iter);
	} while (iov_iter_nosleep_end(msg->iter, &start, n, true));
	if (!(msg->flags & MSG_PEEK))
		leave_mark(u, oob);
	if (got < n)
		return -EFAULT;
	msg->out_flags |= MSG_OOB;
	return 1; /* even if there was no room for it */
}

/* @skb, the urgent byte, is next for who has nothing yet. */
static struct sk_buff *step_over(struct unix_sock *u, struct sk_buff *skb, bool peek)
{
	bool inlined = sock_option(&u->sk, SO_OOBINLINE);

	if (peek)
		return inlined ? skb : unix_next_skb(u, skb);
	u->oob_skb = NULL;
	if (inlined)
		return skb;
	u->oob_dropped++;
	unix_unlink(u, skb);
	unix_free_skb(skb);
	return unix_peek_skb(u);
}

struct sk_buff *unix_manage_oob(struct unix_sock *u, struct sk_buff *skb, bool peek, u64 copied)
{
	struct sk_buff *mark = NULL;

	if (likely(unix_skb_len(skb) && skb != u->oob_skb))
		return skb;
	if (!unix_skb_len(skb)) {
		if (copied && !u->oob_skb)
			return NULL;
		mark = skb;
		skb = unix_next_skb(u, skb);
		if (!peek) {
			unix_unlink(u, mark);
			unix_free_skb(mark);
		}
	}
	if (!skb || skb != u->oob_skb)
		return skb;
	return copied ? NULL : step_over(u, skb, peek);
}

bool unix_at_mark(const struct unix_sock *u)
{
	struct sk_buff *skb = unix_peek_skb(u), *oob = u->oob_skb;

	if (!skb)
		return false;
	return skb == oob || (!unix_skb_len(skb) && (!oob || unix_next_skb(u, skb) == oob));
}
