/* ioctl(2): what holds for every file, and for files of file systems; the rest is f_op->ioctl's.
 * See: ioctl_fs(2); Linux, fs/ioctl.c, do_vfs_ioctl(). */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "base/host_fs.h"
#include "fs/tty.h"

#define K_FIBMAP 1
#define K_FIGETBSZ 2
#define K_FICLONE 0x40049409U
#define K_FICLONERANGE 0x4020940dU
#define K_FS_IOC_GETFLAGS 0x80086601U
#define K_FS_IOC_SETFLAGS 0x40086602U
#define K_FS_IOC_GETVERSION 0x80087601U
#define K_FS_IOC_FSGETXATTR 0x801c581fU
#define K_FS_IOC_FSSETXATTR 0x401c5820U
#define FSXATTR_BYTES sizeof(struct fsxattr) /* begins with the xflags */
#define PROC_BLOCK_SIZE 1024

static u32 type_of(const struct file *f)
{
	return f->f_path.dentry ? f->f_path.dentry->mode & S_IFMT : 0;
}

static long ioctl_nonblock(struct task_struct *t, struct file *f, u32 fd, gva_t arg)
{
	int on;

	if (get_user(t->mm, on, arg))
		return -EFAULT;
	return fcntl_setfl(f, fd, on ? f->f_flags | O_NONBLOCK : f->f_flags & ~O_NONBLOCK);
}

/* Only what can send SIGIO knows it: pipes, sockets and terminals. */
static bool has_fasync(const struct file *f)
{
	u32 type = type_of(f);
	u8 termios[64];

	return type == S_IFIFO || type == S_IFSOCK || file_tty(f) ||
	       (type == S_IFCHR && f->host_fd >= 0 && !host_ioctl(f->host_fd, TCGETS, termios));
}

static long ioctl_async(struct task_struct *t, struct file *f, u32 fd, gva_t arg)
{
	int on;

	if (get_user(t->mm, on, arg))
		return -EFAULT;
	if (!on == !(f->f_flags & O_ASYNC))
		return 0;
	if (!has_fasync(f))
		return -ENOTTY;
	return fcntl_setfl(f, fd, on ? f->f_flags | O_ASYNC : f->f_flags & ~O_ASYNC);
}

/* A regular file: how far it is to the end that stat(2) shows; in /proc that is 0. */
static long ioctl_nread(struct task_struct *t, struct file *f, gva_t to)
{
	struct stat st;

	if (file_stat(f, &st))
		return -ENOTTY;
	return put_user(t->mm, (s32)(st.st_size - f->f_pos), to);
}

static bool on_host(const struct file *f)
{
	return f->f_path.dentry && f->f_path.dentry->host_fd >= 0;
}

static long ioctl_blocksize(struct task_struct *t, struct file *f, gva_t to)
{
	const struct mount *m = f->f_path.mnt;
	struct statfs sfs;
	int size = PAGE_SIZE;

	if (on_host(f) && !host_fstatfs(f->f_path.dentry->host_fd, &sfs))
		size = (int)sfs.f_bsize; /* FIGETBSZ gives an int */
	else if (m && !strcmp(m->type->name, "proc"))
		size = PROC_BLOCK_SIZE;
	return put_user(t->mm, size, to);
}

/* Bytes that are allocated. */
static long ioctl_qsize(struct task_struct *t, struct file *f, gva_t to)
{
	struct stat st;

	if ((type_of(f) != S_IFREG && type_of(f) != S_IFDIR) || file_stat(f, &st))
		return -ENOTTY;
	return put_user(t->mm, (s64)st.st_blocks * 512, to);
}

/* Where block *@arg lies on the device: which file system it is decides if there is an answer. */
static long ioctl_fibmap(struct task_struct *t, struct file *f, gva_t arg)
{
	int block, err;

	if (!task_capable(t, CAP_SYS_RAWIO))
		return -EPERM;
	if (get_user(t->mm, block, arg))
		return -EFAULT;
	if (block < 0)
		return -EINVAL;
	err = f->f_mapping && on_host(f) ? host_ioctl(f->host_fd, K_FIBMAP, &block) : -EINVAL;
	if (err)
		block = 0;
	return put_user(t->mm, block, arg) ? -EFAULT : err;
}

/* No file system here shares blocks between files. */
static long ioctl_clone(struct task_struct *t, struct file *to, u64 fd)
{
	struct file *from = fdget(t, (s32)fd);
	struct stat a, b;
	long ret = -EOPNOTSUPP;

	if (!from)
		return -EBADF;
	if (file_stat(from, &a) || file_stat(to, &b) || a.st_dev != b.st_dev)
		ret = -EXDEV;
	else if (S_ISDIR(a.st_mode) || S_ISDIR(b.st_mode))
		ret = -EISDIR;
	else if (!S_ISREG(a.st_mode) || !S_ISREG(b.st_mode))
		ret = -EINVAL;
	else if (!(from->f_mode & FMODE_READ) || !(to->f_mode & FMODE_WRITE) ||
		 (to->f_flags & O_APPEND))
		ret = -EBADF;
	fput(from);
	return ret;
}

static long ioctl_clone_range(struct task_struct *t, struct file *to, gva_t arg)
{
	struct {
		s64 src_fd;
		u64 src_offset, src_length, dest_offset;
	} range;

	if (get_user(t->mm, range, arg))
		return -EFAULT;
	return ioctl_clone(t, to, range.src_fd);
}

/* May @t make a file immutable or append-only, or end that? The host would ask what Vellum may. 0 or -EPERM.
 * See: fileattr_set_prepare(). */
static int may_set_attributes(struct task_struct *t, struct file *f, u32 cmd, const u8 *new)
{
	/* Of the flags of one, and the xflags of the other. */
	u32 fixed = cmd == K_FS_IOC_SETFLAGS ? FS_IMMUTABLE_FL | FS_APPEND_FL
					     : FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND;
	u32 get = cmd == K_FS_IOC_SETFLAGS ? K_FS_IOC_GETFLAGS : K_FS_IOC_FSGETXATTR, was, is;
	u8 old[FSXATTR_BYTES] = {0};

	if (capable(t, CAP_LINUX_IMMUTABLE) || host_ioctl(f->host_fd, get, old))
		return 0;
	memcpy(&was, old, sizeof(was));
	memcpy(&is, new, sizeof(is));
	return (was ^ is) & fixed ? -EPERM : 0;
}

/* Attributes of files and directories are their file system's: the host's. A tmpfs has them, too, and
 * none is set. */
static long ioctl_attributes(struct task_struct *t, struct file *f, u32 cmd, gva_t arg)
{
	bool set = cmd == K_FS_IOC_SETFLAGS || cmd == K_FS_IOC_FSSETXATTR;
	u8 buf[FSXATTR_BYTES] = {0};
	u64 size = cmd == K_FS_IOC_FSGETXATTR || cmd == K_FS_IOC_FSSETXATTR ? sizeof(buf) : 4;
	bool shmem = f->f_mapping && f->f_mapping->is_shmem;
	long ret = 0;

	if ((type_of(f) != S_IFREG && type_of(f) != S_IFDIR) || (!on_host(f) && !shmem))
		return -ENOTTY;
	if (shmem && (set || cmd == K_FS_IOC_GETVERSION))
		return -ENOTTY;
	if (set && copy_from_user(t->mm, buf, arg, size))
		return -EFAULT;
	if (set)
		ret = may_set_attributes(t, f, cmd, buf);
	if (!ret && !shmem)
		ret = host_ioctl(f->host_fd, cmd, buf);
	if (ret >= 0 && !set && copy_to_user(t->mm, arg, buf, size))
		return -EFAULT;
	return ret;
}

/* TIOCGPTPEER: the slave of a master of ours. */
static long ioctl_open_peer(struct task_struct *t, struct file *f, int flags)
{
	struct file *peer = tty_open_peer(f, flags);
	int fd;

	if (IS_ERR(peer))
		return PTR_ERR(peer);
	fd = fd_install(t->files, peer, 0, rlimit(t, RLIMIT_NOFILE), flags & O_CLOEXEC);
	if (fd < 0)
		fput(peer);
	return fd;
}

static long do_vfs_ioctl(struct task_struct *t, struct file *f, u32 fd, u32 cmd, u64 arg)
{
	bool regular = type_of(f) == S_IFREG;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(t->files, fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		return ioctl_nonblock(t, f, fd, arg);
	case FIOASYNC:
		return ioctl_async(t, f, fd, arg);
	case FIOQSIZE:
		return ioctl_qsize(t, f, arg);
	case K_FIGETBSZ:
		return ioctl_blocksize(t, f, arg);
	case K_FICLONE:
		return ioctl_clone(t, f, arg);
	case K_FICLONERANGE:
		return ioctl_clone_range(t, f, arg);
	case K_FS_IOC_GETFLAGS:
	case K_FS_IOC_SETFLAGS:
	case K_FS_IOC_GETVERSION:
	case K_FS_IOC_FSGETXATTR:
	case K_FS_IOC_FSSETXATTR:
		return ioctl_attributes(t, f, cmd, arg);
	}
	if (regular && cmd == K_FIBMAP)
		return ioctl_fibmap(t, f, arg);
	if (regular && cmd == FIONREAD)
		return ioctl_nread(t, f, arg);
	if (cmd == TIOCGPTPEER && file_tty(f))
		return ioctl_open_peer(t, f, (int)arg);
	return f->f_op->ioctl ? f->f_op->ioctl(f, cmd, arg, t->mm) : -ENOTTY;
}

/* ioctl(2). -EBADF, -ENOTTY; what the command says. */
long sys_ioctl(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = do_vfs_ioctl(t, f, a->arg[0], a->arg[1], a->arg[2]);
	fput(f);
	return ret == -EINTR ? -ERESTARTSYS : ret;
}
