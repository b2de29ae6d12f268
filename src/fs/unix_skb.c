/* Messages of AF_UNIX: their bytes, what they count for, and the descriptors and credentials that
 * travel with them. See unix_internal.h; unix(7); Linux, net/core/sock.c, net/unix/af_unix.c.
 *
 * A socket may have sndbuf bytes under way. What a message counts for is not its length but the
 * memory that Linux would take for it, since programs see that: SIOCOUTQ, and when a write has to wait.
 */
#include <string.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/unix_internal.h"

#define SKB_STRUCT_SIZE 256U /* struct sk_buff */
#define SKB_SHARED_INFO 320U /* behind the bytes of each */
#define SKB_MIN_HEAD 512U    /* the smallest block for both */
#define SKB_MAX_HEAD (4096U - SKB_SHARED_INFO)
#define SKB_MAX_ALLOC (16384U - SKB_SHARED_INFO)
#define SKB_MAX_FRAG_BYTES (17U << PAGE_SHIFT)
#define INLINE_MAX 1500U /* bytes that are kept in the struct */

/* --- size ------------------------------------------------------------------------------------ */

/* A block for @len bytes and what goes with them. */
static u32 head_truesize(u32 len)
{
	u32 block = SKB_MIN_HEAD;

	while (block < len + SKB_SHARED_INFO)
		block *= 2;
	return block + SKB_STRUCT_SIZE;
}

/* The tail of a stream's part is in pages. */
u32 unix_stream_truesize(u32 len)
{
	u32 paged = len > SKB_MAX_HEAD ? min((u32)page_align(len - SKB_MAX_HEAD), len) : 0;

	return head_truesize(len - paged) + page_align(paged);
}

u32 unix_dgram_truesize(u32 len)
{
	u32 paged = len > SKB_MAX_ALLOC ? min(len - SKB_MAX_ALLOC, SKB_MAX_FRAG_BYTES) : 0;

	paged = page_align(paged);
	return head_truesize(len - paged) + paged;
}

/* --- memory ---------------------------------------------------------------------------------- */

static u32 nr_pages(u32 len)
{
	return (len + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static void free_pages_of(struct sk_buff *skb, u32 nr)
{
	while (nr--)
		put_page(skb->vfs->mem, skb->pages[nr]);
}

/* An empty message of @len bytes. NULL: no memory. */
static struct sk_buff *new_skb(struct vfs *v, u32 len)
{
	bool paged = len > INLINE_MAX;
	u64 tail = paged ? nr_pages(len) * sizeof(struct page *) : len;
	struct sk_buff *skb = kmalloc(v->mem, sizeof(*skb) + tail, GFP_KERNEL);

	if (!skb)
		return NULL;
	memset(skb, 0, sizeof(*skb));
	INIT_LIST_HEAD(&skb->list);
	skb->vfs = v;
	skb->len = len;
	skb->paged = paged;
	for (u32 i = 0; paged && i < nr_pages(len); i++) {
		skb->pages[i] = alloc_pages(v->mem, GFP_USER, 0);
		if (!skb->pages[i]) {
			free_pages_of(skb, i);
			kfree(v->mem, skb);
			return NULL;
		}
		skb->pages[i]->owner = OWN_KERNEL;
	}
	return skb;
}

/* The bytes from @off on that lie in one piece: at most @n, at *@data. */
static u32 skb_run(const struct sk_buff *skb, u32 off, u32 n, u8 **data)
{
	if (!skb->paged) {
		*data = (u8 *)skb->data + off;
		return n;
	}
	*data = (u8 *)page_address(skb->vfs->mem, skb->pages[off >> PAGE_SHIFT]) + page_offset(off);
	return min(n, (u32)(PAGE_SIZE - page_offset(off)));
}

static int fill_skb(struct sk_buff *skb, struct iov_iter *from)
{
	u32 off, n;
	u8 *data;

	for (off = 0; off < skb->len; off += n) {
		n = skb_run(skb, off, skb->len - off, &data);
		if (copy_from_iter(data, n, from) < n)
			return -EFAULT;
	}
	return 0;
}

u32 unix_skb_to_iter(const struct sk_buff *skb, u32 off, u32 n, struct iov_iter *to)
{
	u32 done = 0, run, got;
	u8 *data;

	while (done < n) {
		run = skb_run(skb, skb->consumed + off + done, n - done, &data);
		got = copy_to_iter(data, run, to);
		done += got;
		if (got < run)
			break;
	}
	return done;
}

/* Room in the sender's buffer. 0, -EAGAIN, -EPIPE, a pending error, -ERESTARTSYS, -EINTR. */
static int wait_for_wmem(struct unix_sock *u, u64 deadline_ns)
{
	struct sock *sk = &u->sk;
	int err;

	for (;;) {
		err = sock_error(sk);
		if (err)
			return err;
		if (sk->shutdown & SEND_SHUTDOWN)
			return -EPIPE;
		if (sk->wmem < sk->sndbuf)
			return 0;
		err = sock_wait(&sk->wq,
				sk->wmem < sk->sndbuf || sk->err || (sk->shutdown & SEND_SHUTDOWN),
				deadline_ns);
		if (err)
			return err;
	}
}

struct sk_buff *unix_alloc_skb(struct unix_sock *u, struct iov_iter *from, u32 len, u32 truesize,
			       u64 deadline_ns)
{
	int err = wait_for_wmem(u, deadline_ns);
	struct iov_iter start = *from;
	struct sk_buff *skb;

	if (err)
		return ERR_PTR(err);
	skb = new_skb(u->sk.vfs, len);
	if (!skb)
		return ERR_PTR(-ENOBUFS);
	skb->sk = unix_hold(u);
	skb->truesize = truesize;
	u->sk.wmem += truesize;
	err = fill_skb(skb, from);
	if (!err)
		return skb;
	*from = start;
	unix_free_skb(skb);
	return ERR_PTR(err);
}

struct sk_buff *unix_request_skb(struct unix_sock *embryo)
{
	struct sk_buff *skb = new_skb(embryo->sk.vfs, 0);

	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb->sk = embryo;
	return skb;
}

/* The sender may go on when a good part of its buffer is free. */
static void uncharge(struct unix_sock *u, u32 truesize)
{
	u->sk.wmem -= truesize;
	if (truesize && unix_writable(u))
		wake_up_poll(&u->sk.wq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

void unix_drop_fp(struct vfs *v, struct scm_fp_list *fp)
{
	struct unix_table *table = v->in->unix_table;
	struct scm_fp_list **last = &table->to_drop;

	while (*last)
		last = &(*last)->next;
	fp->next = NULL;
	*last = fp;
	if (table->dropping)
		return;
	table->dropping = true;
	while ((fp = table->to_drop)) {
		table->to_drop = fp->next;
		scm_fp_free(v, fp);
	}
	table->dropping = false;
}

void unix_free_skb(struct sk_buff *skb)
{
	struct vfs *v = skb->vfs;

	if (skb->scm.fp) {
		unix_notinflight(v, skb->scm.fp);
		unix_drop_fp(v, skb->scm.fp);
	}
	if (skb->paged)
		free_pages_of(skb, nr_pages(skb->len));
	if (skb->sk) {
		uncharge(skb->sk, skb->truesize);
		unix_put(skb->sk);
	}
	kfree(v->mem, skb);
}

/* --- queues ---------------------------------------------------------------------------------- */

void unix_queue_tail(struct unix_sock *to, struct sk_buff *skb)
{
	if (skb->scm.fp)
		unix_gc_edge(to, skb->scm.fp);
	list_add_tail(&skb->list, &to->queue);
	to->qlen++;
	wake_up_poll(&to->sk.wq, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
}

void unix_unlink(struct unix_sock *from, struct sk_buff *skb)
{
	list_del_init(&skb->list);
	from->qlen--;
	if (from->oob_skb == skb)
		from->oob_skb = NULL;
}

bool unix_unread(const struct unix_sock *u)
{
	struct sk_buff *skb = unix_peek_skb(u);

	if (skb && !unix_skb_len(skb))
		skb = unix_next_skb(u, skb);
	return skb;
}

void unix_purge_queue(struct unix_sock *u)
{
	struct sk_buff *skb;

	while ((skb = unix_peek_skb(u))) {
		unix_unlink(u, skb);
		unix_free_skb(skb);
	}
}

/* --- what goes along ------------------------------------------------------------------------- */

int unix_scm_to_skb(struct scm_cookie *scm, struct sk_buff *skb, const struct unix_sock *from,
		    const struct unix_sock *to)
{
	struct vfs *v = skb->vfs;
	struct unix_table *table = v->in->unix_table;
	struct sock_cred cred;

	current_sock_cred(v, &cred);
	if (scm->fp && table->inflight > cred.max_inflight)
		return -ETOOMANYREFS;
	if (scm->fp && to && !sock_option(&to->sk, SO_PASSRIGHTS_K))
		return -EPERM;
	skb->scm = *scm;
	scm->fp = NULL;
	if (!skb->scm.has_creds &&
	    (sock_passes_cred(&from->sk) || (to && sock_passes_cred(&to->sk)))) {
		skb->scm.has_creds = true;
		skb->scm.pid = cred.pid;
		skb->scm.uid = cred.uid;
		skb->scm.gid = cred.gid;
	}
	if (skb->scm.fp)
		unix_inflight(v, skb->scm.fp);
	return 0;
}

int unix_scm_recv(struct sk_buff *skb, struct scm_cookie *scm, bool peek)
{
	struct scm_fp_list *fp = skb->scm.fp, *copy;

	*scm = skb->scm;
	scm->fp = NULL;
	if (!fp)
		return 0;
	if (peek) {
		copy = kmalloc(skb->vfs->mem, sizeof(*fp) + fp->count * sizeof(fp->fp[0]),
			       GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
		copy->count = fp->count;
		for (u32 i = 0; i < fp->count; i++) {
			copy->fp[i] = fp->fp[i];
			get_file(copy->fp[i]);
		}
		fp = copy;
	} else {
		unix_notinflight(skb->vfs, fp);
		skb->scm.fp = NULL;
	}
	scm->fp = fp;
	return 0;
}
