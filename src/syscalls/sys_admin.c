/* What administers the machine: its names, its log, accounts, quotas, its end; and what file systems and
 * security modules there are. The guest has one machine and one administrator, so these are small. See: Linux,
 * kernel/sys.c, kernel/reboot.c, kernel/printk/printk.c, kernel/acct.c, fs/quota/quota.c, fs/filesystems.c. */
#include "syscalls/internal.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/open.h"
#include "proc/cred.h"
#include "syscalls/user_path.h"

/* --- names --------------------------------------------------------------------------------- */

/* A new name of at most 64 bytes into @name. 0, -EPERM, -EINVAL, -EFAULT. */
static int new_name(struct task_struct *t, const struct sysargs *a, char name[UTS_LEN + 1])
{
	char text[UTS_LEN + 1] = {0};
	int len = a->arg[1];

	if (!capable(t, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_from_user(t->mm, text, a->arg[0], len))
		return -EFAULT;
	memcpy(name, text, sizeof(text));
	return 0;
}

/* sethostname(2). -EPERM, -EINVAL. The guest's only: the host keeps its name. */
long sys_sethostname(struct task_struct *t, const struct sysargs *a)
{
	struct machine *m = t->machine;
	int err = new_name(t, a, m->uts.nodename);

	if (!err)
		m->uts.nodename_set = true;
	return err;
}

/* setdomainname(2). -EPERM, -EINVAL. */
long sys_setdomainname(struct task_struct *t, const struct sysargs *a)
{
	struct machine *m = t->machine;
	int err = new_name(t, a, m->uts.domainname);

	if (!err)
		m->uts.domainname_set = true;
	return err;
}

/* --- the end ------------------------------------------------------------------------------- */

static bool reboot_magic(u32 first, u32 second)
{
	return first == LINUX_REBOOT_MAGIC1 &&
	       (second == LINUX_REBOOT_MAGIC2 || second == LINUX_REBOOT_MAGIC2A ||
		second == LINUX_REBOOT_MAGIC2B || second == LINUX_REBOOT_MAGIC2C);
}

/* reboot(2). -EPERM, -EINVAL. There is no Ctrl-Alt-Del; what ends or starts the machine anew: -ENOSYS. */
long sys_reboot(struct task_struct *t, const struct sysargs *a)
{
	if (!capable(t, CAP_SYS_BOOT))
		return -EPERM;
	if (!reboot_magic(a->arg[0], a->arg[1]))
		return -EINVAL;
	switch ((u32)a->arg[2]) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		return sys_ni(t, a);
	default:
		return -EINVAL;
	}
}

/* --- the kernel's log ---------------------------------------------------------------------- */

#define LOG_BUF_LEN (1U << 17)

enum {
	LOG_CLOSE,
	LOG_OPEN,
	LOG_READ,
	LOG_READ_ALL,
	LOG_READ_CLEAR,
	LOG_CLEAR,
	LOG_CONSOLE_OFF,
	LOG_CONSOLE_ON,
	LOG_CONSOLE_LEVEL,
	LOG_SIZE_UNREAD,
	LOG_SIZE_BUFFER,
};

/* syslog(2). The guest's kernel writes nothing there, so it reads as empty, and waiting for more ends with a
 * signal: -ERESTARTSYS. -EPERM (dmesg_restrict is 1), -EINVAL. */
long sys_syslog(struct task_struct *t, const struct sysargs *a)
{
	int type = a->arg[0], len = a->arg[2];

	if (!capable(t, CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case LOG_READ:
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		if (!a->arg[1] || len < 0)
			return -EINVAL;
		if (type != LOG_READ || !len)
			return 0;
		sleep_interruptible(t, WAIT_FOREVER);
		return -ERESTARTSYS;
	case LOG_CONSOLE_LEVEL:
		return len < 1 || len > 8 ? -EINVAL : 0;
	case LOG_SIZE_BUFFER:
		return LOG_BUF_LEN;
	case LOG_CLOSE:
	case LOG_OPEN:
	case LOG_CLEAR:
	case LOG_CONSOLE_OFF:
	case LOG_CONSOLE_ON:
	case LOG_SIZE_UNREAD:
		return 0;
	default:
		return -EINVAL;
	}
}

/* --- accounts, quotas ---------------------------------------------------------------------- */

/* acct(2). -EPERM, a path's errors, -EACCES: no regular file. NULL ends what never began; with a file:
 * -ENOSYS. */
long sys_acct(struct task_struct *t, const struct sysargs *a)
{
	struct path p;
	long ret;

	if (!capable(t, CAP_SYS_PACCT))
		return -EPERM;
	if (!a->arg[0])
		return 0;
	ret = user_lookup(t, AT_FDCWD, a->arg[0], LOOKUP_FOLLOW, &p);
	if (ret)
		return ret;
	if (S_ISDIR(p.dentry->mode))
		ret = -EISDIR;
	else if (!S_ISREG(p.dentry->mode))
		ret = -EACCES;
	else
		ret = sys_ni(t, a);
	path_put(&p);
	return ret;
}

/* --- swap areas ----------------------------------------------------------------------------- */

#define SWAP_FLAGS_K 0x7ffffU /* SWAP_FLAG_PREFER and its priority, SWAP_FLAG_DISCARD and kin */
#define SWAP_MAGIC_AT (PAGE_SIZE - 10) /* in the first page: "SWAPSPACE2" */

/* The file at @name as both calls open it. ERR_PTR(-EPERM), or open(2)'s. May sleep. */
static struct file *open_swap(struct task_struct *t, gva_t name, int flags)
{
	struct file *f;
	char *path;

	if (!capable(t, CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	path = getname(t, name, false);
	if (IS_ERR(path))
		return ERR_PTR(PTR_ERR(path));
	f = do_filp_open(t->fs, NULL, path, O_RDWR | O_LARGEFILE | flags, 0);
	kfree(&t->machine->mem, path);
	return f;
}

/* swapon(2). -EINVAL: flags, no file, no swap area in it; -EPERM; a path's errors. What is one: -ENOSYS. */
long sys_swapon(struct task_struct *t, const struct sysargs *a)
{
	struct file *f;
	char magic[10];
	long ret = -EINVAL;

	if (a->arg[1] & ~(u64)SWAP_FLAGS_K & 0xffffffff)
		return -EINVAL;
	f = open_swap(t, a->arg[0], O_EXCL);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->f_path.dentry && S_ISREG(f->f_path.dentry->mode) &&
	    kernel_read(f, magic, sizeof(magic), SWAP_MAGIC_AT) == sizeof(magic) &&
	    !memcmp(magic, "SWAPSPACE2", sizeof(magic)))
		ret = sys_ni(t, a);
	fput(f);
	return ret;
}

/* swapoff(2). -EPERM; a path's errors; -EINVAL: it is no swap area in use, as none is. */
long sys_swapoff(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = open_swap(t, a->arg[0], 0);

	if (IS_ERR(f))
		return PTR_ERR(f);
	fput(f);
	return -EINVAL;
}

#define MAXQUOTAS 3U
#define Q_SYNC_K 0x800001U
#define Q_QUOTAON_K 0x800002U
#define Q_QUOTAOFF_K 0x800003U
#define Q_GETFMT_K 0x800004U
#define Q_GETINFO_K 0x800005U
#define Q_SETINFO_K 0x800006U
#define Q_GETQUOTA_K 0x800007U
#define Q_SETQUOTA_K 0x800008U
#define Q_GETNEXTQUOTA_K 0x800009U

/* check_quotactl_permission() */
static bool may_quotactl(struct task_struct *t, u32 cmd, u32 type, u32 id)
{
	if (cmd == Q_GETFMT_K || cmd == Q_SYNC_K || cmd == Q_GETINFO_K)
		return true;
	if (cmd == Q_GETQUOTA_K && ((type == 0 && id == t->euid) || (type == 1 && id == t->egid)))
		return true;
	return capable(t, CAP_SYS_ADMIN);
}

/* Of a file system that could have quotas, and has none: do_quotactl(). */
static long quota_of_none(struct task_struct *t, u32 cmd, u32 type, u32 id)
{
	if (!may_quotactl(t, cmd, type, id))
		return -EPERM;
	switch (cmd) {
	case Q_SYNC_K:
		return 0;
	case Q_GETFMT_K:
	case Q_GETINFO_K:
	case Q_SETINFO_K:
	case Q_GETQUOTA_K:
	case Q_SETQUOTA_K:
	case Q_GETNEXTQUOTA_K:
		return -ESRCH;
	default:
		return -EINVAL;
	}
}

/* quotactl(2). No file system here has quotas: -ESRCH, and none can be switched on. -EINVAL, -EPERM, a path's
 * errors, -ENOTBLK, -ENODEV: nothing of that device is mounted. */
long sys_quotactl(struct task_struct *t, const struct sysargs *a)
{
	u32 cmd = (u32)a->arg[0] >> 8, type = a->arg[0] & 0xff, id = a->arg[2];
	struct path p;
	struct stat st;
	long ret, no_file = 0;

	if (type >= MAXQUOTAS)
		return -EINVAL;
	if (!a->arg[1])
		return cmd == Q_SYNC_K ? 0 : -ENODEV;
	if (cmd == Q_QUOTAON_K) {
		no_file = user_lookup(t, AT_FDCWD, a->arg[3], LOOKUP_FOLLOW, &p);
		if (!no_file)
			path_put(&p);
	}
	ret = user_lookup(t, AT_FDCWD, a->arg[1], LOOKUP_FOLLOW, &p);
	if (ret)
		return ret;
	ret = path_getattr(&p, &st);
	path_put(&p);
	if (ret)
		return ret;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	if (st.st_rdev != t->machine->vfs.root_mnt->root->dev)
		return -ENODEV;
	ret = quota_of_none(t, cmd, type, id);
	return no_file && ret != -EPERM ? no_file : ret;
}

/* quotactl_fd(2). As quotactl(2); -EBADF; -ENOSYS: a file system that cannot have quotas. */
long sys_quotactl_fd(struct task_struct *t, const struct sysargs *a)
{
	u32 cmd = (u32)a->arg[1] >> 8, type = a->arg[1] & 0xff, id = a->arg[2];
	struct file *f = fdget_raw(t, a->arg[0]);
	long ret = -EINVAL;

	if (!f)
		return -EBADF;
	if (type < MAXQUOTAS) {
		ret = -ENOSYS;
		if (f->f_path.dentry && f->f_path.dentry->host_fd >= 0)
			ret = quota_of_none(t, cmd, type, id);
	}
	fput(f);
	return ret;
}

/* --- file systems -------------------------------------------------------------------------- */

struct ustat_k {
	s32 f_tfree;
	u64 f_tinode;
	char f_fname[6], f_fpack[6];
};

/* ustat(2). -EINVAL: nothing of that device is mounted. */
long sys_ustat(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ustat_k out;
	struct statfs sfs;
	struct mount *m;
	int err;

	list_for_each_entry (m, &v->mounts, list) {
		if (m->root->dev != (u32)a->arg[0] || !m->root->d_op->statfs)
			continue;
		err = m->root->d_op->statfs(m->root, &sfs);
		if (err)
			return err;
		memset(&out, 0, sizeof(out));
		out.f_tfree = (s32)sfs.f_bfree;
		out.f_tinode = sfs.f_ffree;
		return put_user(t->mm, out, a->arg[1]) ? -EFAULT : 0;
	}
	return -EINVAL;
}

/* The type that is the @n-th in /proc/filesystems, or NULL. */
static const struct file_system_type *nth_type(const struct vfs *v, u32 n)
{
	const struct mount *m, *earlier;

	list_for_each_entry (m, &v->mounts, list) {
		bool seen = false;

		list_for_each_entry (earlier, &v->mounts, list) {
			if (earlier == m)
				break;
			seen |= earlier->type == m->type;
		}
		if (!seen && !n--)
			return m->type;
	}
	return NULL;
}

static long type_index(struct task_struct *t, gva_t user)
{
	const struct file_system_type *type;
	char *name = getname(t, user, true);
	long ret = -EINVAL;

	if (IS_ERR(name))
		return PTR_ERR(name);
	for (u32 i = 0; (type = nth_type(&t->machine->vfs, i)); i++) {
		if (!strcmp(type->name, name)) {
			ret = i;
			break;
		}
	}
	kfree(&t->machine->mem, name);
	return ret;
}

/* sysfs(2). Numbers are the lines of /proc/filesystems. -EINVAL: no such type or option. */
long sys_sysfs(struct task_struct *t, const struct sysargs *a)
{
	const struct file_system_type *type;
	u32 n = 0;

	switch ((int)a->arg[0]) {
	case 1:
		return type_index(t, a->arg[1]);
	case 2:
		type = nth_type(&t->machine->vfs, a->arg[1]);
		if (!type)
			return -EINVAL;
		return copy_to_user(t->mm, a->arg[2], type->name, strlen(type->name) + 1) ? -EFAULT
											  : 0;
	case 3:
		while (nth_type(&t->machine->vfs, n))
			n++;
		return n;
	default:
		return -EINVAL;
	}
}

/* --- security modules ---------------------------------------------------------------------- */

#define LSM_ID_CAPABILITY_K 100UL

/* lsm_list_modules(2). How many: capabilities are all there is. -EINVAL: flags; -E2BIG: no room, and the size
 * says how much is wanted. */
long sys_lsm_list_modules(struct task_struct *t, const struct sysargs *a)
{
	const u64 ids[] = {LSM_ID_CAPABILITY_K};
	u32 size, total = sizeof(ids);

	if ((u32)a->arg[2])
		return -EINVAL;
	if (get_user(t->mm, size, a->arg[1]) || put_user(t->mm, total, a->arg[1]))
		return -EFAULT;
	if (size < total)
		return -E2BIG;
	return copy_to_user(t->mm, a->arg[0], ids, total) ? -EFAULT : (long)ARRAY_SIZE(ids);
}

/* --- who shares what ----------------------------------------------------------------------- */

enum { KCMP_FILE_K, KCMP_VM_K, KCMP_FILES_K, KCMP_FS_K, KCMP_SIGHAND_K, KCMP_IO_K, KCMP_SYSVSEM_K };

static long compare(const void *a, const void *b)
{
	return a == b ? 0 : a < b ? 1 : 2;
}

static long kcmp_file(struct task_struct *a, struct task_struct *b, u64 fda, u64 fdb)
{
	struct file *fa = a->files ? fget(a->files, (int)fda) : NULL;
	struct file *fb = b->files ? fget(b->files, (int)fdb) : NULL;

	return fa && fb ? compare(fa, fb) : -EBADF;
}

/* kcmp(2). 0: the same; 1, 2: an order that holds. -ESRCH, -EPERM, -EINVAL, -EBADF. KCMP_EPOLL_TFD:
 * -ENOSYS. */
long sys_kcmp(struct task_struct *t, const struct sysargs *a)
{
	struct machine *m = t->machine;
	struct task_struct *x = find_task_by_pid(m, a->arg[0]);
	struct task_struct *y = find_task_by_pid(m, a->arg[1]);

	if (!x || !y)
		return -ESRCH;
	if (ptrace_may_access(t, x, PTRACE_MODE_READ) || ptrace_may_access(t, y, PTRACE_MODE_READ))
		return -EPERM;
	switch ((int)a->arg[2]) {
	case KCMP_FILE_K:
		return kcmp_file(x, y, a->arg[3], a->arg[4]);
	case KCMP_VM_K:
		return compare(x->mm, y->mm);
	case KCMP_FILES_K:
		return compare(x->files, y->files);
	case KCMP_FS_K:
		return compare(x->fs, y->fs);
	case KCMP_SIGHAND_K:
		return compare(x->sighand, y->sighand);
	case KCMP_IO_K:
		return 0; /* nobody has one */
	case KCMP_SYSVSEM_K:
		return compare(x->sysvsem, y->sysvsem);
	case KCMP_SYSVSEM_K + 1:
		return -ENOSYS;
	default:
		return -EINVAL;
	}
}
