/* Descriptors on their way (SCM_RIGHTS), and those that nobody can receive any more.
 *
 * A message holds a reference to each file that it carries. A socket sent through itself, or two
 * sent through each other, would keep themselves alive for ever. So: a socket all of whose file's
 * references come from messages is a candidate. From every other socket one can still receive: what
 * its queue carries is reachable, and what those queues carry (of a listener: the queues of the
 * connections that wait in it). Candidates that stay unreached are garbage; their messages are
 * dropped, which ends them. See: Linux before 6.10, net/unix/garbage.c, which did the same.
 *
 * It runs when a socket is closed while descriptors are under way, if they may hold each other: the message that closes
 * a circle goes to a socket that is itself under way, so before the first such one there is nothing to look for (Linux
 * 6.10 and later: unix_graph_maybe_cyclic). Cost: the sockets under way; if there are candidates, the messages of all
 * sockets.
 */
#include "base/err.h"
#include "fs/unix_internal.h"

/* The AF_UNIX socket that @f is, or NULL. */
static struct unix_sock *unix_of_file(const struct file *f)
{
	struct socket *sock = sock_from_file(f);

	return sock && sock->sk && sock->sk->family == AF_UNIX ? unix_sk(sock) : NULL;
}

static void count_inflight(struct vfs *v, const struct scm_fp_list *fp, int by)
{
	for (u32 i = 0; i < fp->count; i++) {
		struct unix_sock *u = unix_of_file(fp->fp[i]);

		if (!u)
			continue;
		u->inflight += by;
		list_del_init(&u->inflight_link);
		if (u->inflight)
			list_add_tail(&u->inflight_link, &v->in->unix_table->flying);
		else
			u->gc_candidate = false;
	}
	v->in->unix_table->inflight += (s64)by * fp->count;
	if (list_empty(&v->in->unix_table->flying))
		v->in->unix_table->maybe_cyclic = false;
}

void unix_inflight(struct vfs *v, const struct scm_fp_list *fp)
{
	count_inflight(v, fp, 1);
}

void unix_notinflight(struct vfs *v, const struct scm_fp_list *fp)
{
	count_inflight(v, fp, -1);
}

/* A connection that nobody has accepted has no file to send: its listener may be under way. */
void unix_gc_edge(const struct unix_sock *to, const struct scm_fp_list *fp)
{
	if (!to->inflight && to->sk.socket)
		return;
	for (u32 i = 0; i < fp->count; i++)
		if (unix_of_file(fp->fp[i]))
			to->sk.vfs->in->unix_table->maybe_cyclic = true;
}

/* The candidates among what @queue carries are none any more, and are to be looked at themselves. */
static void reach_queue(struct unix_sock *queue, struct list_head *todo)
{
	struct unix_sock *u;
	struct sk_buff *skb;

	list_for_each_entry (skb, &queue->queue, list) {
		for (u32 i = 0; skb->scm.fp && i < skb->scm.fp->count; i++) {
			u = unix_of_file(skb->scm.fp->fp[i]);
			if (!u || !u->gc_candidate)
				continue;
			u->gc_candidate = false;
			list_add_tail(&u->gc_link, todo);
		}
	}
}

static void reach(struct unix_sock *u, struct list_head *todo)
{
	struct sk_buff *skb;

	reach_queue(u, todo);
	if (u->state != TCP_LISTEN_K)
		return;
	list_for_each_entry (skb, &u->queue, list)
		reach_queue(skb->sk, todo);
}

/* The files of @u's messages go to the end of *@last. */
static struct scm_fp_list **take_files(struct unix_sock *u, struct scm_fp_list **last)
{
	struct sk_buff *skb, *request;

	list_for_each_entry (skb, &u->queue, list) {
		if (u->state == TCP_LISTEN_K)
			list_for_each_entry (request, &skb->sk->queue, list) {
				if (!request->scm.fp)
					continue;
				*last = request->scm.fp;
				last = &(*last)->next;
				request->scm.fp = NULL;
			}
		if (!skb->scm.fp)
			continue;
		*last = skb->scm.fp;
		last = &(*last)->next;
		skb->scm.fp = NULL;
	}
	*last = NULL;
	return last;
}

/* Sockets that only messages hold: how many. */
static u32 find_candidates(struct unix_table *t)
{
	struct unix_sock *u;
	u32 n = 0;

	list_for_each_entry (u, &t->flying, inflight_link) {
		struct file *f = u->sk.socket ? u->sk.socket->file : NULL;

		u->gc_candidate = f && f->refcount == u->inflight;
		n += u->gc_candidate;
	}
	return n;
}

/* Which sockets nobody can use: gc_candidate stays set. */
static u32 mark(struct unix_table *t)
{
	struct list_head todo;
	struct unix_sock *u;
	u32 garbage = 0;

	if (!find_candidates(t))
		return 0;
	INIT_LIST_HEAD(&todo);
	/* An embryo is reached through its listener. */
	list_for_each_entry (u, &t->all, all)
		if (!u->gc_candidate && u->sk.socket)
			reach(u, &todo);
	while (!list_empty(&todo)) {
		u = list_first_entry(&todo, struct unix_sock, gc_link);
		list_del_init(&u->gc_link);
		reach(u, &todo);
	}
	list_for_each_entry (u, &t->flying, inflight_link)
		garbage += u->gc_candidate;
	return garbage;
}

void unix_gc(struct vfs *v)
{
	struct unix_table *t = v->in->unix_table;
	struct scm_fp_list *files = NULL, **last = &files, *fp;
	struct unix_sock *u;

	if (t->gc_running || !t->maybe_cyclic)
		return;
	t->gc_running = true;
	if (mark(t)) {
		list_for_each_entry (u, &t->all, all)
			if (u->gc_candidate)
				last = take_files(u, last);
		/* Sockets come to their end now; none of them is looked at again. */
		while ((fp = files)) {
			files = fp->next;
			unix_notinflight(v, fp);
			unix_drop_fp(v, fp);
		}
	}
	t->gc_running = false;
}
