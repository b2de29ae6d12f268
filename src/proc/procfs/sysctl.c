/* /proc/sys/vm: settings of the machine's memory that can be read and, where it has an effect,
 * written. See: Documentation/admin-guide/sysctl/vm.rst; proc_dointvec_minmax(). */
#include <limits.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

#define CAP_SYS_RAWIO_NR 17

static int show(struct seq *out, u64 value)
{
	seq_printf(out, "%lu\n", value);
	return 0;
}

/* A whole number of [low, high] as the kernel takes them; anything else is -EINVAL. */
static int parse(char *text, int low, int high, u64 *out)
{
	int v, err = proc_parse_int(text, &v);

	if (err || v < low || v > high)
		return -EINVAL;
	*out = v;
	return 0;
}

/* A setting that is a field of struct memory. */
#define SYSCTL(name, low, high)                                                                    \
	int proc_show_##name(struct seq *out, struct machine *m)                                   \
	{                                                                                          \
		return show(out, m->mem.name);                                                     \
	}                                                                                          \
	int proc_write_##name(struct machine *m, struct task_struct *t __unused, char *text)       \
	{                                                                                          \
		u64 v;                                                                             \
		int err = parse(text, low, high, &v);                                              \
                                                                                                   \
		if (!err)                                                                          \
			m->mem.name = v;                                                           \
		return err;                                                                        \
	}

SYSCTL(max_map_count, 0, INT_MAX)
SYSCTL(overcommit_memory, 0, 2)
SYSCTL(admin_reserve_kbytes, 0, INT_MAX)
SYSCTL(user_reserve_kbytes, 0, INT_MAX)

int proc_show_mmap_min_addr(struct seq *out, struct machine *m)
{
	return show(out, m->mem.mmap_min_addr);
}

int proc_write_mmap_min_addr(struct machine *m, struct task_struct *t __unused, char *text)
{
	u64 v;
	int err;

	if (!task_capable(current_task(m), CAP_SYS_RAWIO_NR))
		return -EPERM;
	err = parse(text, 0, INT_MAX, &v);
	if (!err)
		m->mem.mmap_min_addr = v;
	return err;
}

/* Of the limit's two forms the one written last holds; the other reads 0. */
int proc_show_overcommit_ratio(struct seq *out, struct machine *m)
{
	return show(out, m->mem.overcommit_ratio);
}

int proc_write_overcommit_ratio(struct machine *m, struct task_struct *t __unused, char *text)
{
	u64 v;
	int err = parse(text, 0, INT_MAX, &v);

	if (err)
		return err;
	m->mem.overcommit_ratio = v;
	m->mem.overcommit_kbytes = 0;
	return 0;
}

int proc_show_overcommit_kbytes(struct seq *out, struct machine *m)
{
	return show(out, m->mem.overcommit_kbytes);
}

int proc_write_overcommit_kbytes(struct machine *m, struct task_struct *t __unused, char *text)
{
	u64 v;
	int err = parse(text, 0, INT_MAX, &v);

	if (err)
		return err;
	m->mem.overcommit_kbytes = v;
	m->mem.overcommit_ratio = 0;
	return 0;
}

int proc_show_min_free_kbytes(struct seq *out, struct machine *m)
{
	return show(out, m->mem.node->min_free_kbytes);
}

int proc_write_min_free_kbytes(struct machine *m, struct task_struct *t __unused, char *text)
{
	u64 v;
	int err = parse(text, 0, INT_MAX, &v);

	if (!err)
		set_min_free_kbytes(&m->mem, v);
	return err;
}

/* 1: clean page cache that nobody maps; 2: empty slabs; 3: both. */
int proc_write_drop_caches(struct machine *m, struct task_struct *t __unused, char *text)
{
	u64 v;
	int err = parse(text, 1, 4, &v);

	if (err)
		return err;
	if (v & 1) {
		count_vm_event(&m->mem, EV_drop_pagecache);
		filemap_reclaim(&m->mem, ~0UL);
	}
	if (v & 2)
		slab_shrink(&m->mem);
	return 0;
}
