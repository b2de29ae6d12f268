/* /proc/sys/vm: settings of the machine's memory that can be read and, where it has an effect,
 * written. See: Documentation/admin-guide/sysctl/vm.rst; proc_dointvec_minmax(). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fs/ipc_shm.h"
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

static int parse_into(char *text, int low, int high, int *to)
{
	int v, err = proc_parse_int(text, &v);

	if (err || v < low || v > high)
		return -EINVAL;
	*to = v;
	return 0;
}

/* The same for an unsigned long of at least @low: proc_doulongvec_minmax(). */
static int parse_ulong(char *text, u64 low, u64 *to)
{
	char *end;
	u64 v;

	text = proc_strip(text);
	if (*text < '0' || *text > '9')
		return -EINVAL;
	v = strtoul(text, &end, 0);
	if (*end || v < low)
		return -EINVAL;
	*to = v;
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
SYSCTL(unprivileged_userfaultfd, 0, 1)

/* One that is kept in the machine; VM_SYSCTL: and can be written. */
#define VM_SYSCTL_OWN(name, dflt)                                                                  \
	int proc_show_##name(struct seq *out, struct machine *m)                                   \
	{                                                                                          \
		seq_printf(out, "%d\n", m->vm_sysctl[VM_SYSCTL_##name]);                           \
		return 0;                                                                          \
	}
#define VM_SYSCTL(name, dflt, low, high)                                                           \
	VM_SYSCTL_OWN(name, dflt)                                                                  \
	int proc_write_##name(struct machine *m, struct task_struct *t __unused, char *text)       \
	{                                                                                          \
		return parse_into(text, low, high, &m->vm_sysctl[VM_SYSCTL_##name]);               \
	}
#include "proc/vm_sysctl.def"
#undef VM_SYSCTL
#undef VM_SYSCTL_OWN

void vm_sysctl_init(struct machine *m)
{
	static const int defaults[] = {
#define VM_SYSCTL_OWN(name, dflt) dflt,
#define VM_SYSCTL(name, dflt, low, high) dflt,
#include "proc/vm_sysctl.def"
#undef VM_SYSCTL
#undef VM_SYSCTL_OWN
	};

	memcpy(m->vm_sysctl, defaults, sizeof(defaults));
}

/* --- dirty limits: of each pair the one written last holds, the other reads 0 ----------------- */

static int write_ratio(struct machine *m, char *text, enum vm_sysctl ratio, u64 *bytes)
{
	int was = m->vm_sysctl[ratio], err = parse_into(text, 0, 100, &m->vm_sysctl[ratio]);

	if (!err && m->vm_sysctl[ratio] != was)
		*bytes = 0;
	return err;
}

static int write_bytes(struct machine *m, char *text, u64 low, enum vm_sysctl ratio, u64 *bytes)
{
	u64 v;
	int err = parse_ulong(text, low, &v);

	if (err)
		return err;
	if (v != *bytes)
		m->vm_sysctl[ratio] = 0;
	*bytes = v;
	return 0;
}

int proc_write_dirty_ratio(struct machine *m, struct task_struct *t __unused, char *text)
{
	return write_ratio(m, text, VM_SYSCTL_dirty_ratio, &m->dirty_bytes);
}

int proc_write_dirty_background_ratio(struct machine *m, struct task_struct *t __unused, char *text)
{
	return write_ratio(m, text, VM_SYSCTL_dirty_background_ratio, &m->dirty_background_bytes);
}

int proc_show_dirty_bytes(struct seq *out, struct machine *m)
{
	return show(out, m->dirty_bytes);
}

int proc_write_dirty_bytes(struct machine *m, struct task_struct *t __unused, char *text)
{
	return write_bytes(m, text, 2 * PAGE_SIZE, VM_SYSCTL_dirty_ratio, &m->dirty_bytes);
}

int proc_show_dirty_background_bytes(struct seq *out, struct machine *m)
{
	return show(out, m->dirty_background_bytes);
}

int proc_write_dirty_background_bytes(struct machine *m, struct task_struct *t __unused, char *text)
{
	return write_bytes(m, text, 1, VM_SYSCTL_dirty_background_ratio,
			   &m->dirty_background_bytes);
}

/* --- what programs feel -------------------------------------------------------------------- */

/* Seen by the next execve(2). */
int proc_write_legacy_va_layout(struct machine *m, struct task_struct *t __unused, char *text)
{
	return parse_into(text, 0, INT_MAX, &m->vm_sysctl[VM_SYSCTL_legacy_va_layout]);
}

/* memfd_create(2) without MFD_EXEC and MFD_NOEXEC_SEAL: 0 executable, 1 not, 2 nor with MFD_EXEC. */
int proc_write_memfd_noexec(struct machine *m, struct task_struct *t __unused, char *text)
{
	if (!task_capable(current_task(m), CAP_SYS_ADMIN_NR))
		return -EPERM;
	return parse_into(text, 0, 2, &m->vm_sysctl[VM_SYSCTL_memfd_noexec]);
}

/* 0, or at least 8: per-CPU lists are then up to that part of a zone. Ours have one size. */
int proc_write_percpu_pagelist_high_fraction(struct machine *m, struct task_struct *t __unused,
					     char *text)
{
	int v, err = parse_into(text, 0, INT_MAX, &v);

	if (!err && v && v < 8)
		err = -EINVAL;
	if (!err)
		m->vm_sysctl[VM_SYSCTL_percpu_pagelist_high_fraction] = v;
	return err;
}

/* "Node", the only order there is. See: numa_zonelist_order_handler(). */
int proc_write_numa_zonelist_order(struct machine *m __unused, struct task_struct *t __unused,
				   char *text)
{
	text = proc_strip(text);
	return (*text == 'd' || *text == 'D' || *text == 'n' || *text == 'N') ? 0 : -EINVAL;
}

/* Compaction of everything, which here finds nothing to do. */
int proc_write_compact_memory(struct machine *m __unused, struct task_struct *t __unused,
			      char *text)
{
	int v;

	return parse_into(text, 1, 1, &v);
}

/* Counters are exact at any time: there is nothing to fold. */
int proc_show_stat_refresh(struct seq *out __unused, struct machine *m __unused)
{
	return 0;
}

int proc_write_stat_refresh(struct machine *m __unused, struct task_struct *t __unused,
			    char *text __unused)
{
	return 0;
}

/* --- kernel.shm*: proc(5) ------------------------------------------------------------------ */

int proc_show_shmmax(struct seq *out, struct machine *m)
{
	return show(out, shm_get_limits(&m->vfs).max);
}

int proc_show_shmall(struct seq *out, struct machine *m)
{
	return show(out, shm_get_limits(&m->vfs).all);
}

int proc_show_shmmni(struct seq *out, struct machine *m)
{
	return show(out, shm_get_limits(&m->vfs).mni);
}

int proc_write_shmmax(struct machine *m, struct task_struct *t __unused, char *text)
{
	struct shm_limits limits = shm_get_limits(&m->vfs);
	int err = parse_ulong(text, 0, &limits.max);

	return err ? err : shm_set_limits(&m->vfs, &limits);
}

int proc_write_shmall(struct machine *m, struct task_struct *t __unused, char *text)
{
	struct shm_limits limits = shm_get_limits(&m->vfs);
	int err = parse_ulong(text, 0, &limits.all);

	return err ? err : shm_set_limits(&m->vfs, &limits);
}

int proc_write_shmmni(struct machine *m, struct task_struct *t __unused, char *text)
{
	struct shm_limits limits = shm_get_limits(&m->vfs);
	int mni, err = parse_into(text, 0, SHM_MNI_MAX, &mni);

	limits.mni = mni;
	return err ? err : shm_set_limits(&m->vfs, &limits);
}

/* --- what has a place in struct memory ----------------------------------------------------- */

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

/* 1: clean page cache that nobody maps; 2: empty slabs; 3: both; 4: no more lines on the log, where there
 * are none anyway. */
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
	if (v & 2) {
		count_vm_event(&m->mem, EV_drop_slab);
		slab_shrink(&m->mem);
	}
	return 0;
}
