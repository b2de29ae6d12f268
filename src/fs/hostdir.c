/* Directories of the host, opened for reading. Positions are the host's own cookies. See hostfs.h. */
#include <dirent.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/internal.h"

#define DIR_BUF 8192UL

struct host_dirent { /* the kernel's linux_dirent64 */
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

/* Hands the records of one host call on. 1: all; 0: @emit wants no more. */
static int emit_records(struct file *f, const u8 *buf, long len, filldir_t emit, void *ctx)
{
	long at;

	for (at = 0; at < len;) {
		const struct host_dirent *e = (const void *)(buf + at);

		if (!emit(ctx, e->d_name, e->d_ino, e->d_type, e->d_off))
			return 0;
		f->f_pos = e->d_off;
		at += e->d_reclen;
	}
	return 1;
}

/* Behind the host's own names: what is mounted here where the host has nothing of that name. How many of these
 * have been handed out is in private_data. */
static void emit_mounts(struct file *f, filldir_t emit, void *ctx)
{
	u64 nr = 0, done = (u64)f->private_data;
	const struct mount *m;

	list_for_each_entry (m, &f->vfs->mounts, list) {
		if (m->mountpoint || m->parent != f->f_path.mnt ||
		    !d_same(m->above, f->f_path.dentry) || nr++ < done)
			continue;
		if (!emit(ctx, m->name, m->root->ino, DT_DIR, f->f_pos))
			return;
		f->private_data = (void *)nr;
	}
}

static int hostdir_iterate(struct file *f, filldir_t emit, void *ctx)
{
	struct memory *m = f->vfs->mem;
	s64 pos = host_lseek(f->host_fd, f->f_pos, SEEK_SET);
	u8 *buf;
	long n;

	if (pos < 0)
		return (int)pos;
	if (!f->f_pos)
		f->private_data = NULL;
	buf = kmalloc(m, DIR_BUF, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	do
		n = host_getdents64(f->host_fd, buf, DIR_BUF);
	while (n > 0 && emit_records(f, buf, n, emit, ctx));
	kfree(m, buf);
	if (!n)
		emit_mounts(f, emit, ctx);
	return n < 0 ? (int)n : 0;
}

static s64 hostdir_llseek(struct file *f, s64 off, int whence)
{
	/* Cookies are opaque: what lies at or behind the end only the host knows. */
	if (whence == SEEK_CUR && !off)
		return f->f_pos;
	return host_file_llseek(f, off, whence);
}

const struct file_operations hostdir_fops = {
	.iterate = hostdir_iterate,
	.setfl = hostfile_setfl,
	.llseek = hostdir_llseek,
	.fsync = host_file_fsync,
};
