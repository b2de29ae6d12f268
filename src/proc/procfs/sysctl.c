/* Settings of /proc/sys that are numbers: what a write takes, what it stores, what it changes. The rows
 * are sysctl.def's. See: Linux 6.18, kernel/sysctl.c, whose words these are: do_proc_dointvec(),
 * do_proc_doulongvec_minmax(), proc_get_long(); Documentation/admin-guide/sysctl/vm.rst. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fs/ipc_sem.h"
#include "fs/ipc_shm.h"
#include "mm/hugetlb.h"
#include "proc/clock.h"
#include "proc/coredump.h"
#include "proc/procfs/internal.h"

#define NUMBER_MAX 21		 /* digits that are looked at */
#define THREADS_LIMIT 0x3fffffff /* of threads-max: FUTEX_TID_MASK */
#define TEXT_MAX 4095UL		 /* bytes of a write that are looked at */

enum sysctl_type { TYPE_INT, TYPE_JIFFIES, TYPE_BOOL, TYPE_ULONG };

struct sysctl {
	enum sysctl_type type;
	u32 offset;    /* in struct machine */
	u8 size;       /* of one value in bytes: 4 or 8 */
	u8 nr;	       /* of values */
	u8 cap;	       /* CAP_* to write; 0: none */
	u64 low, high; /* both 0: any */
	/* @old: the (first) value before. 0, or -errno: the write fails, and what it stored stays
	 * unless this puts @old back. NULL: nothing follows. */
	int (*after)(struct machine *m, void *value, u64 old);
};

static u64 value_of(const struct sysctl *c, const void *v, unsigned i)
{
	return c->size == sizeof(int) ? (u64)(s64)((const int *)v)[i] : ((const u64 *)v)[i];
}

static void set_value(const struct sysctl *c, void *v, unsigned i, u64 value)
{
	if (c->size == sizeof(int))
		((int *)v)[i] = (int)value;
	else
		((u64 *)v)[i] = value;
}

/* --- what a write changes ----------------------------------------------------------------- */

/* Of each of these pairs the one written last holds, and the other reads 0. */

static int sysctl_after_dirty_ratio(struct machine *m, void *value, u64 old)
{
	if (*(int *)value != (int)old)
		m->dirty_bytes = 0;
	return 0;
}

static int sysctl_after_dirty_background_ratio(struct machine *m, void *value __unused,
					       u64 old __unused)
{
	m->dirty_background_bytes = 0;
	return 0;
}

/* More pages than 32 bits count: -ERANGE. */
static int dirty_bytes(u64 *bytes, u64 old, int *ratio)
{
	if (*bytes > (u64)UINT_MAX << PAGE_SHIFT) {
		*bytes = old;
		return -ERANGE;
	}
	*ratio = 0;
	return 0;
}

static int sysctl_after_dirty_bytes(struct machine *m, void *value, u64 old)
{
	if (*(u64 *)value == old)
		return 0;
	return dirty_bytes(value, old, &m->sysctl[SYSCTL_dirty_ratio]);
}

static int sysctl_after_dirty_background_bytes(struct machine *m, void *value, u64 old)
{
	return dirty_bytes(value, old, &m->sysctl[SYSCTL_dirty_background_ratio]);
}

static int sysctl_after_overcommit_ratio(struct machine *m, void *value __unused, u64 old __unused)
{
	m->mem.overcommit_kbytes = 0;
	return 0;
}

static int sysctl_after_overcommit_kbytes(struct machine *m, void *value __unused, u64 old __unused)
{
	m->mem.overcommit_ratio = 0;
	return 0;
}

/* The flusher wakes up each dirty_writeback_centisecs (0: never) and writes the files that have been dirty for
 * dirty_expire_centisecs, rounded up to a whole number of naps. See: wb_check_old_data_flush(). */
static int sysctl_after_writeback(struct machine *m, void *value __unused, u64 old __unused)
{
	u64 nap = (u32)m->sysctl[SYSCTL_dirty_writeback_centisecs];
	u64 expire = m->sysctl[SYSCTL_dirty_expire_centisecs];

	vfs_set_flush(&m->vfs, nap * NSEC_PER_TICK, nap ? (expire + nap - 1) / nap : 0);
	return 0;
}

/* min_free_kbytes, watermark_scale_factor */
static int sysctl_after_watermarks(struct machine *m, void *value __unused, u64 old __unused)
{
	m->mem.node->watermark_scale_factor = m->sysctl[SYSCTL_watermark_scale_factor];
	set_min_free_kbytes(&m->mem, m->sysctl[SYSCTL_min_free_kbytes]);
	return 0;
}

/* Ratios below 1 reserve nothing. */
static int sysctl_after_lowmem_reserve(struct machine *m, void *value, u64 old __unused)
{
	int *ratio = value;

	for (unsigned i = 0; i < ARRAY_SIZE(m->lowmem_reserve_ratio); i++)
		ratio[i] = max(ratio[i], 0);
	setup_lowmem_reserve(m->mem.node, ratio);
	return 0;
}

/* 0, or at least 8: per-CPU lists are then up to that part of a zone. Ours have one size. */
static int sysctl_after_high_fraction(struct machine *m __unused, void *value, u64 old)
{
	int *fraction = value;

	if (!*fraction || *fraction >= 8)
		return 0;
	*fraction = (int)old;
	return -EINVAL;
}

/* The pool gets as many pages as can be had. */
static int sysctl_after_hugepages(struct machine *m, void *value, u64 old __unused)
{
	struct hstate *h = hstate_sizelog(&m->mem, 0);

	hugetlb_resize(h, *(u64 *)value);
	*(u64 *)value = h->nr_pages;
	return 0;
}

/* Compaction of everything, which here finds nothing to do. */
static int sysctl_after_compact_memory(struct machine *m __unused, void *value, u64 old __unused)
{
	return *(int *)value == 1 ? 0 : -EINVAL;
}

/* 1: clean page cache that nobody maps; 2: empty slabs; 3: both; 4: no more lines on the log, where there
 * are none anyway. */
static int sysctl_after_drop_caches(struct machine *m, void *value, u64 old __unused)
{
	int what = *(int *)value;

	if (what & 1) {
		count_vm_event(&m->mem, EV_drop_pagecache);
		drop_pagecache(&m->mem);
	}
	if (what & 2) {
		count_vm_event(&m->mem, EV_drop_slab);
		slab_shrink(&m->mem);
	}
	return 0;
}

/* kernel.shm*: proc(5) */
static int sysctl_after_shm(struct machine *m, void *value __unused, u64 old __unused)
{
	struct shm_limits limits = {.max = m->shm_max, .all = m->shm_all, .mni = m->shm_mni};

	shm_set_limits(&m->vfs, &limits);
	return 0;
}

/* kernel.msg* */
static int sysctl_after_msg(struct machine *m, void *value __unused, u64 old __unused)
{
	msg_set_limits(&m->vfs, &m->msg_limits);
	return 0;
}

/* fs.mqueue.* */
static int sysctl_after_mqueue(struct machine *m, void *value __unused, u64 old __unused)
{
	mqueue_set_limits(&m->vfs, &m->mqueue_limits);
	return 0;
}

/* kernel.sem: only the last is checked. proc_ipc_sem_dointvec() */
static int sysctl_after_sem(struct machine *m, void *value, u64 old __unused)
{
	struct sem_limits limits = sem_get_limits(&m->vfs);
	int *ctl = value, err = ctl[3] < 0 || ctl[3] > (int)IPC_MNI ? -ERANGE : 0;

	if (err)
		ctl[3] = limits.mni;
	limits = (struct sem_limits){.msl = ctl[0], .mns = ctl[1], .opm = ctl[2], .mni = ctl[3]};
	sem_set_limits(&m->vfs, &limits);
	return err;
}

/* --- the table ---------------------------------------------------------------------------- */

#define sysctl_after_none NULL

#define PROC(dir, name, mode, kind, get, write, flags)

static const struct sysctl sysctls[] = {
#define ROW(place, type, value, low, high, cap, after)                                             \
	{                                                                                          \
		type, offsetof(struct machine, place), sizeof(value), 1, cap, low, high, after     \
	}
#define FIELD(field) (((struct machine *)NULL)->field)
#define SYSCTL(dir, name, mode, id, type, dflt, low, high, cap, after)                             \
	[SYSCTL_##id] =                                                                            \
		ROW(sysctl[SYSCTL_##id], TYPE_##type, int, low, high, cap, sysctl_after_##after),
#define SYSCTL_AT(dir, name, mode, id, type, place, low, high, cap, after)                         \
	[SYSCTL_##id] = ROW(place, TYPE_##type, FIELD(place), low, high, cap, sysctl_after_##after),
#include "proc/procfs/sysctl.def"
#undef SYSCTL
#undef SYSCTL_AT
};

static const struct sysctl *sysctl_row(enum sysctl_id id, struct sysctl *copy)
{
	*copy = sysctls[id];
	if (id == SYSCTL_lowmem_reserve_ratio || id == SYSCTL_sem) { /* those that are lists */
		copy->nr = copy->size / sizeof(int);
		copy->size = sizeof(int);
	}
	return copy;
}

void sysctl_init(struct machine *m)
{
	static const int defaults[] = {
#define SYSCTL(dir, name, mode, id, type, dflt, low, high, cap, after) [SYSCTL_##id] = dflt,
#define SYSCTL_AT(dir, name, mode, id, type, place, low, high, cap, after) [SYSCTL_##id] = 0,
#include "proc/procfs/sysctl.def"
#undef SYSCTL
#undef SYSCTL_AT
	};
	static const int reserve[] = LOWMEM_RESERVE_RATIO;
	struct shm_limits limits = shm_get_limits(&m->vfs);
	struct sem_limits sem = sem_get_limits(&m->vfs);

	memcpy(m->sysctl, defaults, sizeof(defaults));
	memcpy(m->lowmem_reserve_ratio, reserve, sizeof(reserve));
	m->sysctl[SYSCTL_min_free_kbytes] = (int)m->mem.node->min_free_kbytes;
	m->shm_max = limits.max;
	m->shm_all = limits.all;
	m->shm_mni = limits.mni;
	m->msg_limits = msg_get_limits(&m->vfs);
	m->mqueue_limits = mqueue_get_limits(&m->vfs);
	m->sem_ctls[0] = sem.msl;
	m->sem_ctls[1] = sem.mns;
	m->sem_ctls[2] = sem.opm;
	m->sem_ctls[3] = sem.mni;
	thp_settings_init(&m->thp);
	coredump_init(m);
	sysctl_after_writeback(m, NULL, 0);
}

int proc_show_sysctl(struct seq *out, struct machine *m, enum sysctl_id id)
{
	struct sysctl copy;
	const struct sysctl *c = sysctl_row(id, &copy);
	const void *v = (char *)m + c->offset;

	for (unsigned i = 0; i < c->nr; i++) {
		u64 value = value_of(c, v, i);

		if (i)
			seq_putc(out, '\t');
		if (c->type == TYPE_ULONG)
			seq_printf(out, "%lu", value);
		else
			seq_printf(out, "%ld", (s64)value);
	}
	seq_putc(out, '\n');
	return 0;
}

/* --- parsing ------------------------------------------------------------------------------ */

struct input {
	const char *p;
	u64 left;
};

/* The kernel's isspace(): of Latin 1. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}

static void skip_spaces(struct input *in)
{
	while (in->left && is_space(*in->p)) {
		in->p++;
		in->left--;
	}
}

/* proc_get_long(): a number that ends where the text does or at a blank. 0 or -EINVAL. */
static int get_long(struct input *in, u64 *value, bool *neg)
{
	char tmp[NUMBER_MAX + 1], *p = tmp, *end;
	u64 len = min(in->left, (u64)NUMBER_MAX);

	memcpy(tmp, in->p, len);
	tmp[len] = '\0';
	*neg = *p == '-' && in->left > 1;
	p += *neg;
	if (*p < '0' || *p > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoul(p, &end, 0);
	len = end - tmp;
	if (errno || len == NUMBER_MAX || (len < in->left && !strchr(" \t\n", *end)) ||
	    (len < in->left && !*end))
		return -EINVAL;
	in->p += len;
	in->left -= len;
	return 0;
}

/* As it is to be stored. 0 or -EINVAL. */
static int convert(const struct sysctl *c, u64 *value, bool neg)
{
	u64 most = c->type == TYPE_JIFFIES ? INT_MAX / HZ_K : INT_MAX;
	bool any = !c->low && !c->high;

	if (c->type == TYPE_ULONG)
		return neg || (!any && (*value < c->low || *value > c->high)) ? -EINVAL : 0;
	if (*value > most + (neg && c->type != TYPE_JIFFIES))
		return -EINVAL;
	if (neg)
		*value = -*value;
	if (c->type == TYPE_BOOL)
		*value = !!*value;
	return !any && ((s64)*value < (s64)c->low || (s64)*value > (s64)c->high) ? -EINVAL : 0;
}

/* Stores the numbers of a text one after the other; those before a bad one stay. Bytes that were
 * looked at, or -EINVAL. */
static long store(const struct sysctl *c, void *v, const char *text, u64 len)
{
	struct input in = {text, min(len, TEXT_MAX)};
	unsigned i;
	int err = 0;

	for (i = 0; in.left && i < c->nr; i++) {
		u64 value;
		bool neg;

		skip_spaces(&in);
		if (!in.left)
			break;
		err = get_long(&in, &value, &neg);
		if (!err)
			err = convert(c, &value, neg);
		if (err)
			break;
		set_value(c, v, i, value);
	}
	if (!err && in.left)
		skip_spaces(&in);
	if (err || !i)
		return -EINVAL;
	return len - in.left;
}

/* All of @from: its first bytes to @text (TEXT_MAX). 0 or -EFAULT. */
static int take_text(struct iov_iter *from, char *text)
{
	u64 n = from->count, got = copy_from_iter(text, min(n, TEXT_MAX), from);
	char rest[64];

	while (from->count && got == min(n, TEXT_MAX))
		if (!copy_from_iter(rest, min(from->count, sizeof(rest)), from))
			return -EFAULT;
	return from->count ? -EFAULT : 0;
}

/* A write not at the beginning is taken and ignored, unless kernel.sysctl_writes_strict says otherwise;
 * what follows from a write follows even then. */
long proc_sysctl_write_iter(struct machine *m, enum sysctl_id id, struct iov_iter *from, u64 *pos)
{
	struct sysctl copy;
	const struct sysctl *c = sysctl_row(id, &copy);
	void *v = (char *)m + c->offset;
	u64 old = value_of(c, v, 0), n = from->count;
	long ret = n;
	char *text;
	int err;

	if (c->cap && !task_capable(current_task(m), c->cap))
		return -EPERM;
	if (!n)
		return 0;
	text = kmalloc(&m->mem, TEXT_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = take_text(from, text);
	if (!err && (!*pos || m->sysctl[SYSCTL_sysctl_writes_strict] != 1))
		ret = store(c, v, text, n);
	kfree(&m->mem, text);
	if (err || ret < 0)
		return err ? err : ret;
	*pos += ret;
	err = c->after ? c->after(m, v, old) : 0;
	return err ? err : ret;
}

/* --- what is no number -------------------------------------------------------------------- */

/* "Node", the only order there is. See: __parse_numa_zonelist_order(). */
int proc_write_numa_zonelist_order(struct machine *m __unused, struct task_struct *t __unused,
				   u64 sub __unused, char *text)
{
	return *text && strchr("dDnN", *text) ? 0 : -EINVAL;
}

int proc_show_core_pattern(struct seq *out, struct machine *m)
{
	seq_printf(out, "%s\n", m->core_pattern);
	return 0;
}

int proc_write_core_pattern(struct machine *m, struct task_struct *t __unused, u64 sub __unused,
			    char *text)
{
	return coredump_set_pattern(m, text);
}

/* Counters are exact at any time: there is nothing to fold. */
int proc_show_stat_refresh(struct seq *out __unused, struct machine *m __unused)
{
	return 0;
}

int proc_write_stat_refresh(struct machine *m __unused, struct task_struct *t __unused,
			    u64 sub __unused, char *text __unused)
{
	return 0;
}
