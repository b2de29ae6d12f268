/* Datagrams that the kernel itself puts into a netlink socket: mq_notify(3) with SIGEV_THREAD.
 *
 *	struct host_sock --notes--> sock_note, oldest first      read before what the host has
 *
 * The host cannot be asked to deliver them, so they never leave Vellum. Not for: what others send (host_sock_msg.c).
 * See: Linux, ipc/mqueue.c, netlink_sendskb(); recv(2).
 */
#ifndef FS_SOCK_NOTE_H
#define FS_SOCK_NOTE_H

#include "fs/file.h"

struct host_sock;
struct sock_msg;

#define SOCK_NOTE_LEN 32U /* bytes: the only length there is, NOTIFY_COOKIE_LEN */

/* Freed with kfree() by who has not sent it. */
struct sock_note {
	struct list_head list; /* host_sock.notes */
	u8 data[SOCK_NOTE_LEN];
};

/* Can @f be sent one? 0; -ENOTSOCK; -EINVAL: of another family than AF_NETLINK. */
int sock_note_check(const struct file *f);
/* @n is the socket's from here on, and who waits there wakes up. @f: as sock_note_check() wants it. */
void sock_note_send(struct file *f, struct sock_note *n);

/* For host_sock*.c: recvmsg(2) of the first one, which there must be. Bytes or -EFAULT. */
long sock_note_recv(struct host_sock *hs, struct sock_msg *msg);
/* The socket ends. */
void sock_notes_free(struct host_sock *hs);

#endif
