/* Descriptor tables: numbers to struct files. See fdtable.h. */
#include "fs/fdtable.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/err.h"
#include "fs/file.h"
#include "mm/vmalloc.h"

#define FDS_FIRST 64U	   /* slots of a new table */
#define FDS_KMALLOC 1024U  /* slots that one kmalloc holds */
#define FDS_MAX (1U << 20) /* fs.nr_open */
#define SLOT_BYTES sizeof(struct file *)

/* The slot of @fd, below max_fds. */
static inline struct file **fd_slot(const struct files_struct *fs, u64 fd)
{
	if (likely(fs->fd))
		return &fs->fd[fd];
	return vmalloc_to_virt(fs->mem, fs->fd_area + fd * SLOT_BYTES);
}

static void free_arrays(struct memory *m, struct files_struct *fs)
{
	kfree(m, fs->fd);
	vfree(m, fs->fd_area);
	kfree(m, fs->close_on_exec);
	kfree(m, fs->open_fds);
}

static int alloc_arrays(struct memory *m, struct files_struct *fs, u32 max_fds)
{
	fs->max_fds = max_fds;
	fs->fd = NULL;
	fs->fd_area = 0;
	if (max_fds > FDS_KMALLOC)
		fs->fd_area = __vmalloc(m, max_fds * SLOT_BYTES, GFP_KERNEL | __GFP_ZERO,
					"alloc_fdtable");
	else
		fs->fd = kcalloc(m, max_fds, SLOT_BYTES, GFP_KERNEL);
	fs->close_on_exec = kcalloc(m, max_fds / BITS_PER_WORD, sizeof(u64), GFP_KERNEL);
	fs->open_fds = kcalloc(m, max_fds / BITS_PER_WORD, sizeof(u64), GFP_KERNEL);
	if ((fs->fd || fs->fd_area) && fs->close_on_exec && fs->open_fds)
		return 0;
	free_arrays(m, fs);
	return -ENOMEM;
}

static struct files_struct *new_table(struct memory *m, u32 max_fds)
{
	struct files_struct *fs = kzalloc(m, sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	fs->users = 1;
	fs->mem = m;
	if (alloc_arrays(m, fs, max_fds)) {
		kfree(m, fs);
		return NULL;
	}
	return fs;
}

struct files_struct *files_alloc(struct memory *m)
{
	return new_table(m, FDS_FIRST);
}

/* Everything of @from, whose arrays are no larger, goes to @to. */
static void copy_arrays(struct files_struct *to, const struct files_struct *from)
{
	u64 part = FDS_FIRST; /* divides what a page holds, and every size */

	for (u64 fd = 0; fd < from->max_fds; fd += part)
		memcpy(fd_slot(to, fd), fd_slot(from, fd), part * SLOT_BYTES);
	memcpy(to->close_on_exec, from->close_on_exec, from->max_fds / 8);
	memcpy(to->open_fds, from->open_fds, from->max_fds / 8);
}

struct files_struct *files_dup(struct files_struct *old)
{
	struct files_struct *fs = new_table(old->mem, old->max_fds);
	u64 fd;

	if (!fs)
		return ERR_PTR(-ENOMEM);
	copy_arrays(fs, old);
	fs->next_fd = old->next_fd;
	for (fd = find_next_bit(fs->open_fds, fs->max_fds, 0); fd < fs->max_fds;
	     fd = find_next_bit(fs->open_fds, fs->max_fds, fd + 1))
		get_file(*fd_slot(fs, fd));
	return fs;
}

static struct file *take_out(struct files_struct *fs, u32 fd)
{
	struct file **slot = fd_slot(fs, fd), *f = *slot;

	*slot = NULL;
	clear_bit(fs->open_fds, fd);
	clear_bit(fs->close_on_exec, fd);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
	return f;
}

void files_put(struct files_struct *fs)
{
	u64 fd;

	if (--fs->users)
		return;
	for (fd = find_next_bit(fs->open_fds, fs->max_fds, 0); fd < fs->max_fds;
	     fd = find_next_bit(fs->open_fds, fs->max_fds, fd + 1))
		filp_close(take_out(fs, fd), fs);
	free_arrays(fs->mem, fs);
	kfree(fs->mem, fs);
}

struct file *fget(struct files_struct *fs, int fd)
{
	return (u32)fd < fs->max_fds ? *fd_slot(fs, fd) : NULL;
}

/* Makes room for number @fd. */
static int expand(struct files_struct *fs, u32 fd)
{
	struct files_struct bigger = *fs;
	u32 max_fds = fs->max_fds;
	int err;

	if (fd < max_fds)
		return 0;
	if (fd >= FDS_MAX)
		return -EMFILE;
	while (max_fds <= fd)
		max_fds *= 2;
	err = alloc_arrays(fs->mem, &bigger, max_fds);
	if (err)
		return err;
	copy_arrays(&bigger, fs);
	free_arrays(fs->mem, fs);
	*fs = bigger;
	return 0;
}

int fd_reserve(struct files_struct *fs, u32 limit)
{
	u64 fd = find_next_zero_bit(fs->open_fds, fs->max_fds, fs->next_fd);

	return fd >= limit ? -EMFILE : expand(fs, fd);
}

static void put_in(struct files_struct *fs, struct file *f, u32 fd, bool cloexec)
{
	*fd_slot(fs, fd) = f;
	set_bit(fs->open_fds, fd);
	fd_set_cloexec(fs, fd, cloexec);
}

int fd_install(struct files_struct *fs, struct file *f, u32 min, u32 limit, bool cloexec)
{
	u64 fd = find_next_zero_bit(fs->open_fds, fs->max_fds, max(min, fs->next_fd));
	int err;

	if (fd < min) /* min lies behind the table */
		fd = min;
	if (fd >= limit)
		return -EMFILE;
	err = expand(fs, fd);
	if (err)
		return err;
	put_in(fs, f, fd, cloexec);
	if (min <= fs->next_fd)
		fs->next_fd = fd + 1;
	return (int)fd; /* below a limit that is one */
}

int fd_install_at(struct files_struct *fs, struct file *f, u32 fd, bool cloexec)
{
	struct file *old;
	int err = expand(fs, fd);

	if (err)
		return err == -EMFILE ? -EBADF : err;
	old = *fd_slot(fs, fd);
	put_in(fs, f, fd, cloexec);
	if (old)
		filp_close(old, fs);
	return fd;
}

int fd_close(struct files_struct *fs, u32 fd)
{
	if (fd >= fs->max_fds || !*fd_slot(fs, fd))
		return -EBADF;
	filp_close(take_out(fs, fd), fs);
	return 0;
}

bool fd_cloexec(struct files_struct *fs, u32 fd)
{
	return fd < fs->max_fds && test_bit(fs->close_on_exec, fd);
}

void fd_set_cloexec(struct files_struct *fs, u32 fd, bool on)
{
	if (on)
		set_bit(fs->close_on_exec, fd);
	else
		clear_bit(fs->close_on_exec, fd);
}

void files_close_on_exec(struct files_struct *fs)
{
	u64 fd;

	for (fd = find_next_bit(fs->close_on_exec, fs->max_fds, 0); fd < fs->max_fds;
	     fd = find_next_bit(fs->close_on_exec, fs->max_fds, fd + 1))
		filp_close(take_out(fs, fd), fs);
}
