/* What sys_socket.c and sys_sockmsg.c share. */
#ifndef SYSCALLS_SOCK_INTERNAL_H
#define SYSCALLS_SOCK_INTERNAL_H

#include <string.h>

#include "fs/socket.h"

/* The socket with number @fd, and its file with a reference. ERR_PTR(-EBADF, -ENOTSOCK). */
struct socket *sockfd_lookup(struct task_struct *t, u64 fd, struct file **f);
/* An address of @len bytes. 0, -EINVAL, -EFAULT. */
int addr_from_user(struct task_struct *t, gva_t uaddr, s32 len, struct sock_addr *addr);
/* As much as fits in the int behind @ulen, which then says how long it is. 0, -EINVAL, -EFAULT. */
int addr_to_user(struct task_struct *t, const struct sock_addr *addr, gva_t uaddr, gva_t ulen);

/* A new descriptor of @t's, close-on-exec, for process @pid. -ESRCH: it has been waited for; as fd_install_one(). */
int pidfd_of(struct task_struct *t, s32 pid);

#endif
