/* What Vellum asks of the real kernel. Each host_x() is the system call or libc call x, with one
 * difference: a failure is a negative errno as return value. The global errno exists only in
 * base/host*.c. EINTR is never hidden here: a caller that must not see it loops.
 *
 * A call blocks the whole machine for as long as the real one does: what could wait for others (pipes,
 * terminals) is asked for readiness first (host_poll(), event.h). Descriptors and buffers stay the
 * caller's.
 *
 *   host.c files and memory   host_fs.c names, attributes, readiness   host_proc.c the process   host_exec.c code
 *
 * Guest memory management never comes through here: a guest's mmap is not the host's (mm/).
 * See: the man page of x, section 2 or 3.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "base/types.h"

/* Descriptors: >= 0 or -errno. O_CLOEXEC is added to every open. */
int host_open(const char *path, int flags, mode_t mode);
int host_openat(int dirfd, const char *path, int flags, mode_t mode);
int host_close(int fd);
int host_dup(int fd); /* above 2, close-on-exec */

/* The process's open descriptors, at most @max, in no order; how many, or -errno (no /proc). */
int host_list_fds(int *fds, int max);

/* Bytes moved (may be fewer than asked, 0 at the end) or -errno. */
long host_read(int fd, void *buf, size_t len);
long host_write(int fd, const void *buf, size_t len);
long host_pread(int fd, void *buf, size_t len, u64 off);
long host_pwrite(int fd, const void *buf, size_t len, u64 off);
long host_writev(int fd, const struct iovec *iov, int n);
long host_preadv(int fd, const struct iovec *iov, int n, u64 off);
long host_pwritev(int fd, const struct iovec *iov, int n, u64 off);
/* As pread, but goes on after short counts and EINTR: fewer than @len only at the end. */
long host_pread_full(int fd, void *buf, size_t len, u64 off);
/* As write and pwrite, but goes on after short counts and EINTR: @len or -errno. */
long host_write_full(int fd, const void *buf, size_t len);
long host_pwrite_full(int fd, const void *buf, size_t len, u64 off);
/* The new position, bytes, or -errno. */
s64 host_lseek(int fd, s64 off, int whence);

/* 0 or -errno. */
int host_fstat(int fd, struct stat *st);
int host_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int host_ftruncate(int fd, u64 size);
int host_fsync(int fd);
int host_fdatasync(int fd);
int host_fcntl(int fd, int cmd, long arg); /* the call's result or -errno */

/**
 * host_mmap_reserve - private anonymous zeroed memory of the host, not committed
 * @size:  bytes, page multiple
 * @align: bytes, a power of two >= PAGE_SIZE
 * @out:   where its address goes
 *
 * PROT_READ | PROT_WRITE, MAP_NORESERVE: a page costs memory when first touched.
 * Return: 0, -ENOMEM, -EINVAL.
 */
int host_mmap_reserve(size_t size, size_t align, void **out);
/* 0 or -errno; page multiples. host_mprotect(): guard pages, those of tasks in debug builds only. */
int host_munmap(void *addr, size_t len);
int host_mprotect(void *addr, size_t len, int prot);
int host_madvise(void *addr, size_t len, int advice);
/* Touches all pages of the range for writing (MADV_POPULATE_WRITE). -EINVAL before Linux 5.14. */
int host_populate(void *addr, size_t len);

/* CLOCK_REALTIME, CLOCK_MONOTONIC, ... in nanoseconds. */
u64 host_clock_ns(clockid_t clock);

/* A descriptor that reads signals of @mask (bit n-1: signal n), which are blocked; never blocks. */
int host_signalfd(u64 mask);

#endif
