/* What src/fs and the event loop ask of the real kernel: names, attributes, readiness. As host.h:
 * each host_x() is the call x with a negative errno as its failure; EINTR is not hidden.
 *
 * A dirfd may be an O_PATH descriptor everywhere. host_fd_x() is for calls that have no form for
 * such a descriptor: they go through /proc/self/fd of the host.
 */
#ifndef BASE_HOST_FS_H
#define BASE_HOST_FS_H

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/host.h"

/* Opens anew what descriptor @fd stands for, with other flags. fd or -errno. */
int host_fd_reopen(int fd, int flags);
/* Text behind /proc/self/fd/@fd. Length without a NUL, or -errno. */
long host_fd_path(int fd, char *buf, size_t size);
/* Has the fifo that @fd reads (non-blocking) a writer, or bytes of one? Takes nothing out of it. */
bool host_fifo_has_writer(int fd);
/* chmod(2), truncate(2) of what @fd stands for. 0 or -errno. */
int host_fd_chmod(int fd, mode_t mode);
int host_fd_truncate(int fd, u64 size);
/* getxattr(2) and its kin of what @fd stands for, a symlink itself included. */
long host_fd_getxattr(int fd, const char *name, void *value, u64 size);
int host_fd_setxattr(int fd, const char *name, const void *value, u64 size, int flags);
long host_fd_listxattr(int fd, char *list, u64 size);
int host_fd_removexattr(int fd, const char *name);
/* The handle (struct file_handle) of what @fd stands for; @flags: AT_HANDLE_*. 0 or -errno. */
int host_fd_to_handle(int fd, void *handle, int flags);
/* An O_PATH descriptor of what @handle names in the file system of @dirfd, or -errno. */
int host_open_by_handle(int dirfd, void *handle);
/* struct file_attr, of @size bytes. 0; -EOPNOTSUPP also before Linux 6.17; or -errno. */
int host_fd_get_attr(int fd, void *attr, size_t size);
int host_fd_set_attr(int fd, const void *attr, size_t size);
/* Gives what @fd stands for (not followed if a symlink) another name. */
int host_fd_link(int fd, int dirfd, const char *name);

/* 0, or (readlink) bytes without a NUL; -errno. "" with AT_EMPTY_PATH is @dirfd itself. */
int host_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
long host_readlinkat(int dirfd, const char *path, char *buf, size_t size);
/* The mode of the next four is taken as it is: the host's umask does not apply. */
int host_open_mode(int dirfd, const char *path, int flags, mode_t mode);
/* openat2(2); @mode, for O_CREAT only, as above. -ENOSYS before Linux 5.6. */
int host_openat2(int dirfd, const char *path, u64 flags, mode_t mode, u64 resolve);
int host_mkdirat(int dirfd, const char *path, mode_t mode);
int host_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev);
int host_unlinkat(int dirfd, const char *path, int flags);
int host_renameat2(int odir, const char *oname, int ndir, const char *nname, unsigned flags);
int host_symlinkat(const char *target, int dirfd, const char *path);
int host_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int host_utimensat(int dirfd, const char *path, const struct timespec ts[2], int flags);
int host_faccessat2(int dirfd, const char *path, int mode, int flags);
int host_fstatfs(int fd, struct statfs *buf);
int host_fallocate(int fd, int mode, u64 off, u64 len);
/* Raw linux_dirent64 records. Bytes, 0 at the end, or -errno. */
long host_getdents64(int fd, void *buf, size_t size);
int host_dup3(int oldfd, int newfd);
int host_ioctl(int fd, unsigned long cmd, void *arg);
/* getsockname(2), or (@peer) getpeername(2): @addr is of *@len bytes, which gets the true length. */
int host_getsockname(int fd, void *addr, u32 *len, bool peer);

/* fanotify(7): a group's descriptor or -errno; a mark on the inode that @fd stands for (an O_PATH descriptor will do) for
 * @mask more, 0 or -errno. */
int host_fanotify_init(unsigned flags);
int host_fanotify_mark(int group, u64 mask, int fd);
/* Our own process, as fanotify(7) names it. */
int host_getpid(void);

/* RLIMIT_NOFILE's soft limit goes up to the hard one; the limit in force. */
u64 host_raise_nofile(void);

/* Readiness of one descriptor: revents (0: timeout) or -errno. ~0UL ns: no timeout. */
int host_poll(int fd, u32 events, u64 timeout_ns);
/* Close-on-exec; @ptr comes back in the event's data. fd, 0, how many; or -errno. */
int host_epoll_create(void);
int host_epoll_ctl(int epfd, int op, int fd, u32 events, void *ptr);
int host_epoll_wait(int epfd, struct epoll_event *events, int max); /* does not block */

#endif
