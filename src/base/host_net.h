/* What fs/ asks of the real kernel about sockets. As host.h: each host_x() is the call x with a negative errno as
 * its failure.
 *
 * None of these blocks: sockets are made non-blocking, and messages move with MSG_DONTWAIT, so that what cannot
 * be done now is -EAGAIN; event_fd_watch() (event.h) tells when to try again. SIGPIPE is never raised.
 * Not for: names and options of a guest's own sockets (fs/socket.h).
 */
#ifndef BASE_HOST_NET_H
#define BASE_HOST_NET_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/types.h"

/* Non-blocking, close-on-exec, above 2. fd or -errno. */
int host_socket(int family, int type, int protocol);
/* The next connection, made likewise; @fd may be in blocking mode, which it keeps: others may share it. */
int host_accept(int fd);
/* 0 or -errno; -EINPROGRESS: it goes on by itself. @fd may be in blocking mode. */
int host_connect(int fd, const void *addr, u32 len);
int host_bind(int fd, const void *addr, u32 len);
/* AF_UNIX: the node gets permissions @mode, whatever Vellum's umask is. */
int host_bind_node(int fd, const void *addr, u32 len, mode_t mode);
int host_listen(int fd, int backlog);
int host_shutdown(int fd, int how);
/* Bytes or -errno; @msg's lengths and flags become what the call says. */
long host_sendmsg(int fd, const struct msghdr *msg, int flags);
long host_recvmsg(int fd, struct msghdr *msg, int flags);
/* *@len: bytes of @val; then how many there are. 0 or -errno. */
int host_getsockopt(int fd, int level, int name, void *val, u32 *len);
int host_setsockopt(int fd, int level, int name, const void *val, u32 len);

#endif
