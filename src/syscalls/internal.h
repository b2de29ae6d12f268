/* What the handlers of src/syscalls share.
 *
 *   table.def row --> dispatch.c --> sys_x()    reads arguments, checks what the man page says
 *                                      '-----> do_x() of proc/, fs/ or mm/, which does the work
 *
 * Handlers run on a 16 KiB kernel stack: no frame above 1 KiB; what is larger is kmalloc'ed. They
 * keep no state of their own. Each one's comment names its man page and its errors, where these
 * words save others:
 *   "a path's errors"   user_lookup()'s: -EFAULT, -ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 *                       -ENAMETOOLONG, -EBADF (dirfd)
 *   "a name's errors"   those, of the directory, and -EEXIST
 * -EFAULT (guest memory that is not there) and -ENOMEM (the kernel's) go without saying. Reading
 * and storing guest memory may sleep (userfaultfd): what was looked up before is looked up again.
 */
#ifndef SYSCALLS_INTERNAL_H
#define SYSCALLS_INTERNAL_H

#include "fs/fdtable.h"
#include "fs/ipc_util.h"
#include "fs/iov_iter.h"
#include "fs/namei.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "syscalls/syscalls.h"

/* Each row's handler: the call's result, or -errno. */
#define SYSCALL(nr, name, args, fn, status, note)                                                  \
	long fn(struct task_struct *t, const struct sysargs *a);
#include "syscalls/table.def"
#include "syscalls/table32.def"
#undef SYSCALL

#define NSEC_PER_SEC 1000000000UL
#define NSEC_PER_USEC 1000UL
#define NSEC_PER_MSEC 1000000UL
#define SIGSET_SIZE 8UL /* sizeof(sigset_t) in the kernel */
#define UNBLOCKABLE (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))

/* --- strace.c ------------------------------------------------------------------------------ */

/* One line for a call. @ret is NULL for one that will not return. @nr: for names not known. */
void strace_call(struct task_struct *t, const struct syscall_desc *d, u64 nr,
		 const struct sysargs *a, const long *ret);

/* --- sys_file.c ---------------------------------------------------------------------------- */

/* An open file by number, with a reference (it may be closed while the call sleeps); NULL: -EBADF.
 * fdget() does not see O_PATH descriptors. */
struct file *fdget(struct task_struct *t, u64 fd);
struct file *fdget_raw(struct task_struct *t, u64 fd);
/* Is a number below the limit free, with room for it in the table? Linux takes it before it opens or
 * creates anything. 0, -EMFILE, -ENOMEM. */
int fd_available(const struct task_struct *t);
/* The lowest free number for @f, whose reference it takes over, also on failure. The number; -EMFILE,
 * -ENOMEM. */
int fd_install_one(struct task_struct *t, struct file *f, bool cloexec);
/* One more number for @fd's file, at least @min. The number or -EBADF, -EMFILE. */
long dup_above(struct task_struct *t, u64 fd, u32 min, bool cloexec);
static inline u32 nofile_limit(const struct task_struct *t)
{
	u64 n = rlimit(t, RLIMIT_NOFILE);

	return n < 0x7fffffff ? n : 0x7fffffff;
}

/* --- sys_pipe.c ---------------------------------------------------------------------------- */

/* Two files, whose references it takes over, get numbers, which are stored at @fds. 0; -EMFILE,
 * -ENOMEM, -EFAULT: both are gone. */
long fd_install_pair(struct task_struct *t, struct file *files[2], bool cloexec, gva_t fds);

/* --- sys_shm.c ----------------------------------------------------------------------------- */

/* Who asks for System V objects: @t. */
struct ipc_cred ipc_cred_of(const struct task_struct *t);

/* --- sys_socket.c -------------------------------------------------------------------------- */

/* Tells the sockets of @m whose calls are served. */
void sockets_init(struct machine *m);

/* --- sys_mqueue.c -------------------------------------------------------------------------- */

/* Tells the queues of @m how to send a signal. */
void mqueues_init(struct machine *m);

/* --- sys_fcntl.c --------------------------------------------------------------------------- */

/* Changes the flags that F_SETFL may change. 0 or -errno. */
long fcntl_setfl(struct file *f, u64 fd, u64 arg);

/* --- sys_sigio.c --------------------------------------------------------------------------- */

/* F_SETOWN, F_GETOWN, their _EX, F_SETSIG, F_GETSIG. The command's result; -EINVAL, -ESRCH, -EFAULT. */
long fcntl_owner(struct task_struct *t, struct file *f, u32 cmd, u64 arg);
/* Tells @m's vfs how SIGIO is sent. */
void sigio_init(struct machine *m);

/* --- sys_rw.c ------------------------------------------------------------------------------ */

#define FAST_IOV 8
#define UIO_MAXIOV_K 1024U /* most segments of a vector */
/* Copies a vector of @nr segments and refuses lengths that are no ssize_t. *@iov is @fast (FAST_IOV
 * segments; NULL: there are none), or kmalloc'ed and the caller's, also after an error. 0, -EINVAL,
 * -EFAULT, -ENOMEM. */
int iovec_from_user(struct task_struct *t, gva_t addr, u64 nr, struct iovec *fast,
		    struct iovec **iov);
/* The same of the caller's own memory: cut to what one transfer moves (MAX_RW_COUNT), every address a
 * user's. Bytes in it, or as above. See: Linux, lib/iov_iter.c. */
long import_iovec(struct task_struct *t, gva_t addr, u64 nr, struct iovec *fast,
		  struct iovec **iov);
/* A signal from the task to itself: SIGPIPE, SIGXFSZ. */
void send_own(struct task_struct *t, int sig);
/* RLIMIT_FSIZE: cuts a write at @pos to what fits, or sends SIGXFSZ. 0 or -EFBIG. */
int limit_write(struct task_struct *t, struct file *f, struct iov_iter *it, u64 pos);
/* May pread(2) or (@write) pwrite(2) be done? */
bool may_position(const struct file *f, bool write);
/* Has it what splice(2) and sendfile(2) read, or write, with? /dev/null cannot be read so, nor /dev/full written. */
bool can_splice_from(struct file *in);
bool can_splice_to(struct file *out);
/* Up to @n bytes from file to file through a buffer of the kernel's, at *@ipos and *@opos (NULL: the file's own
 * position), which move on. Bytes, or -errno if there are none. */
long copy_bytes(struct task_struct *t, struct file *in, u64 *ipos, struct file *out, u64 *opos,
		u64 n);
/* Host memory as an iterator of one segment; @iov is the caller's and must live as long. */
void iov_iter_host(struct iov_iter *it, struct iovec *iov, void *buf, u64 n);

/* --- sys_stat.c ---------------------------------------------------------------------------- */

struct stat;
/* What a path is, by its dentry. */
int path_getattr(const struct path *p, struct stat *st);

/* --- sys_pidfd.c --------------------------------------------------------------------------- */

/* The process that pidfd @fd (or PIDFD_SELF*) stands for. ERR_PTR(-EBADF); -ESRCH: it is gone. */
struct task_struct *pidfd_get_task(struct task_struct *t, s32 fd);

/* --- sys_time.c ---------------------------------------------------------------------------- */

static inline bool timespec_valid(const struct timespec *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NSEC_PER_SEC;
}
/* Nanoseconds; more than the clock can count is for ever. */
u64 timespec_ns(const struct timespec *ts);
/* The machine's clock then: once @ts has passed, or when the clock @clk shows it. */
u64 deadline_after(struct task_struct *t, const struct timespec *ts);
u64 deadline_at(struct task_struct *t, int clk, const struct timespec *ts);
/* The same for calls that do not wait at all if @ts is 0: then it is 0. */
u64 timeout_deadline(struct task_struct *t, const struct timespec *ts);
/* What is left until the machine's clock shows @deadline_ns; 0 if it has. */
struct timespec time_left(struct task_struct *t, u64 deadline_ns);
/* Sleeps until a signal (-ERESTARTNOHAND) or the machine's clock shows @deadline_ns (0). */
int sleep_interruptible(struct task_struct *t, u64 deadline_ns);

/* --- sys_signal.c -------------------------------------------------------------------------- */

/* ppoll(2) and pselect(2): another mask while the call waits. @set 0: none. 0 or -errno. */
int set_user_sigmask(struct task_struct *t, gva_t set, u64 size);
/* Puts the mask back at the end, or leaves that to the signal that ended the wait. */
void restore_user_sigmask(struct task_struct *t, bool interrupted);

/* --- sys_seccomp.c -------------------------------------------------------------------------- */

/* prctl(2)'s forms of seccomp(2). 0, -EINVAL, and what that says. */
long seccomp_set_strict(struct task_struct *t);
long seccomp_set_filter(struct task_struct *t, u64 flags, gva_t user);

/* --- sys_prctl_caps.c ---------------------------------------------------------------------- */

/* PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_SECUREBITS ...: what prctl(2) says of each. */
long prctl_capbset_read(struct task_struct *t, const struct sysargs *a);
long prctl_capbset_drop(struct task_struct *t, const struct sysargs *a);
long prctl_get_securebits(struct task_struct *t, const struct sysargs *a);
long prctl_set_securebits(struct task_struct *t, const struct sysargs *a);
long prctl_get_keepcaps(struct task_struct *t, const struct sysargs *a);
long prctl_set_keepcaps(struct task_struct *t, const struct sysargs *a);
long prctl_cap_ambient(struct task_struct *t, const struct sysargs *a);

/* --- sys_prctl_mm.c ------------------------------------------------------------------------ */

/* PR_SET_MM. 0 or -errno. */
long prctl_set_mm(struct task_struct *t, const struct sysargs *a);
/* PR_GET_AUXV: what there is of it at all, in bytes; -EFAULT. */
long prctl_get_auxv(struct task_struct *t, const struct sysargs *a);

/* --- sys_cred.c ---------------------------------------------------------------------------- */

/* Has @t the capability @cap (CAP_SYS_RESOURCE ...)? Root has what the host grants Vellum. */
bool capable(const struct task_struct *t, int cap);

#endif
