/* Huge pages in /sys: pools (/sys/kernel/mm/hugepages, and the node's part of them), and what is allowed
 * of transparent ones (/sys/kernel/mm/transparent_hugepage). Directories of one size are one pattern row;
 * ID_SUB of their files is the size's shift.
 * See: Linux 6.18, mm/hugetlb_sysfs.c, mm/huge_memory.c, mm/khugepaged.c, mm/shmem.c. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mm/hugetlb.h"
#include "proc/procfs/internal.h"

/* --- directories of sizes ----------------------------------------------------------------- */

static bool has_size(struct machine *m, enum proc_dir dir, u64 shift)
{
	if (dir == DIR_SYSFS_THP)
		return shift >= THP_MIN_SHIFT && shift <= THP_MAX_SHIFT;
	return shift && shift <= HUGE_MAX_SHIFT && hstate_sizelog(&m->mem, shift);
}

void proc_size_name(u64 id, char *name)
{
	snprintf(name, 64, "hugepages-%lukB", 1UL << (ID_SUB(id) - 10));
}

u64 proc_size_next(struct machine *m, enum proc_dir dir, u64 *at)
{
	for (u64 shift = *at; shift <= HUGE_MAX_SHIFT; shift++) {
		if (!has_size(m, dir, shift))
			continue;
		*at = shift + 1;
		return ID_MAKE(0, 0, shift);
	}
	return 0;
}

u64 proc_size_lookup(struct machine *m, enum proc_dir dir, const char *name)
{
	char text[64];
	u64 at = 0, id;

	while ((id = proc_size_next(m, dir, &at))) {
		proc_size_name(id, text);
		if (!strcmp(text, name))
			return id;
	}
	return 0;
}

bool proc_size_least(enum proc_dir dir, u64 id)
{
	bool thp = dir == DIR_SYSFS_THP_SIZE || dir == DIR_SYSFS_THP_STATS;

	return ID_SUB(id) == (thp ? THP_MIN_SHIFT : HUGE_DEFAULT_SHIFT);
}

unsigned proc_nr_sizes(struct machine *m, enum proc_dir dir)
{
	unsigned n = 0;

	for (u64 at = 0; proc_size_next(m, dir, &at);)
		n++;
	return n;
}

/* --- pools -------------------------------------------------------------------------------- */

#define POOL_SHOW(name, field)                                                                     \
	int proc_show_##name(struct seq *out, struct machine *m, unsigned shift)                   \
	{                                                                                          \
		seq_printf(out, "%lu\n", hstate_sizelog(&m->mem, shift)->field);                   \
		return 0;                                                                          \
	}

POOL_SHOW(nr_hugepages, nr_pages)
POOL_SHOW(free_hugepages, free_pages)
POOL_SHOW(resv_hugepages, resv_pages)
POOL_SHOW(surplus_hugepages, surplus_pages)

int proc_write_nr_hugepages(struct machine *m, struct task_struct *t __unused, u64 shift,
			    char *text)
{
	u64 v;
	int err = proc_parse_u64(text, 10, &v);

	if (!err)
		hugetlb_resize(hstate_sizelog(&m->mem, shift), v);
	return err;
}

/* Only pools of the usual size may grow on demand. /proc/sys/vm has the same number. */
int proc_show_nr_overcommit_hugepages(struct seq *out, struct machine *m, unsigned shift)
{
	seq_printf(out, "%lu\n", shift == HUGE_DEFAULT_SHIFT ? m->nr_overcommit_hugepages : 0);
	return 0;
}

int proc_write_nr_overcommit_hugepages(struct machine *m, struct task_struct *t __unused, u64 shift,
				       char *text)
{
	if (shift != HUGE_DEFAULT_SHIFT)
		return -EINVAL;
	return proc_parse_u64(text, 10, &m->nr_overcommit_hugepages);
}

/* Makes so many pages into smaller ones, if that many are free. */
int proc_write_demote(struct machine *m __unused, struct task_struct *t __unused,
		      u64 shift __unused, char *text)
{
	u64 v;

	return proc_parse_u64(text, 10, &v);
}

int proc_show_demote_size(struct seq *out, struct machine *m __unused, unsigned shift __unused)
{
	seq_printf(out, "%lukB\n", 1UL << (HUGE_DEFAULT_SHIFT - 10));
	return 0;
}

/* memparse(): a number and a letter; what follows does not matter. Of two sizes one is smaller. */
int proc_write_demote_size(struct machine *m __unused, struct task_struct *t __unused,
			   u64 shift __unused, char *text)
{
	static const char units[] = "KMGTPE";
	const char *unit;
	char *end;
	u64 size = strtoul(text, &end, 0);

	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit && *unit)
		size <<= 10 * (unit - units + 1);
	return size == 1UL << HUGE_DEFAULT_SHIFT ? 0 : -EINVAL;
}

/* --- choices of words --------------------------------------------------------------------- */

static int set_word(const char *const *words, char *text, u8 *on)
{
	int i = proc_find_word(words, text);

	if (i < 0)
		return i;
	*on = i;
	return 0;
}

static const char *const enabled_words[] = {"always", "madvise", "never", NULL};
static const char *const defrag_words[] = {"always",  "defer", "defer+madvise",
					   "madvise", "never", NULL};
static const char *const shmem_words[] = {"always", "within_size", "advise", "never",
					  "deny",   "force",	   NULL};
static const char *const size_enabled_words[] = {"always", "inherit", "madvise", "never", NULL};
static const char *const size_shmem_words[] = {"always", "inherit", "within_size",
					       "advise", "never",   NULL};

/* A choice for the whole machine. */
#define WORDS(field)                                                                               \
	int proc_show_thp_##field(struct seq *out, struct machine *m)                              \
	{                                                                                          \
		return proc_show_words(out, field##_words, m->thp.field);                          \
	}                                                                                          \
	int proc_write_thp_##field(struct machine *m, struct task_struct *t __unused,              \
				   u64 sub __unused, char *text)                                   \
	{                                                                                          \
		return set_word(field##_words, text, &m->thp.field);                               \
	}

WORDS(enabled)
WORDS(defrag)

/* `force` is for a PMD's size: not while another one takes it over, or that one does not. */
static bool may_force(const struct thp_settings *s)
{
	for (unsigned i = 0; i < NR_THP_SIZES; i++)
		if ((s->size_shmem[i] == THP_SIZE_INHERIT) != (i == NR_THP_SIZES - 1))
			return false;
	return true;
}

int proc_show_thp_shmem(struct seq *out, struct machine *m)
{
	return proc_show_words(out, shmem_words, m->thp.shmem);
}

int proc_write_thp_shmem(struct machine *m, struct task_struct *t __unused, u64 sub __unused,
			 char *text)
{
	int i = proc_find_word(shmem_words, text);

	if (i < 0 || (i == THP_SHMEM_FORCE && !may_force(&m->thp)))
		return -EINVAL;
	m->thp.shmem = i;
	return 0;
}

#define SIZE_SHOW(field)                                                                           \
	int proc_show_thp_##field(struct seq *out, struct machine *m, unsigned shift)              \
	{                                                                                          \
		return proc_show_words(out, field##_words, m->thp.field[shift - THP_MIN_SHIFT]);   \
	}

SIZE_SHOW(size_enabled)
SIZE_SHOW(size_shmem)

int proc_write_thp_size_enabled(struct machine *m, struct task_struct *t __unused, u64 shift,
				char *text)
{
	return set_word(size_enabled_words, text, &m->thp.size_enabled[shift - THP_MIN_SHIFT]);
}

/* See may_force(). */
int proc_write_thp_size_shmem(struct machine *m, struct task_struct *t __unused, u64 shift,
			      char *text)
{
	int i = proc_find_word(size_shmem_words, text);

	if (i < 0 ||
	    (i == THP_SIZE_INHERIT && m->thp.shmem == THP_SHMEM_FORCE && shift != THP_MAX_SHIFT))
		return -EINVAL;
	m->thp.size_shmem[shift - THP_MIN_SHIFT] = i;
	return 0;
}

/* --- numbers ------------------------------------------------------------------------------ */

/* single_hugepage_flag_store(): 0 or 1, in any base. */
static int set_flag(char *text, u64 *flag)
{
	u64 v;
	int err = proc_parse_u64(text, 0, &v);

	if (err)
		return err;
	if (v > 1)
		return -EINVAL;
	*flag = v;
	return 0;
}

static int set_bool(char *text, u64 *flag)
{
	u64 v;

	if (proc_parse_bool(text, &v))
		return -EINVAL;
	*flag = v;
	return 0;
}

static int set_number(char *text, u64 low, u64 high, u64 *number)
{
	u64 v;

	if (proc_parse_u64(text, 10, &v) || v < low || v > high)
		return -EINVAL;
	*number = v;
	return 0;
}

#define set_millisecs(text, v) set_number(text, 0, UINT_MAX, v)
#define set_pages(text, v) set_number(text, 1, UINT_MAX, v)
#define set_ptes(text, v) set_number(text, 0, 511, v) /* HPAGE_PMD_NR - 1 */

#define NUMBER(name, field, set)                                                                   \
	int proc_show_##name(struct seq *out, struct machine *m)                                   \
	{                                                                                          \
		seq_printf(out, "%lu\n", m->thp.field);                                            \
		return 0;                                                                          \
	}                                                                                          \
	int proc_write_##name(struct machine *m, struct task_struct *t __unused, u64 sub __unused, \
			      char *text)                                                          \
	{                                                                                          \
		return set(text, &m->thp.field);                                                   \
	}

NUMBER(thp_use_zero_page, use_zero_page, set_flag)
NUMBER(thp_shrink_underused, shrink_underused, set_bool)
NUMBER(khugepaged_defrag, khugepaged.defrag, set_flag)
NUMBER(khugepaged_alloc_sleep_millisecs, khugepaged.alloc_sleep_millisecs, set_millisecs)
NUMBER(khugepaged_scan_sleep_millisecs, khugepaged.scan_sleep_millisecs, set_millisecs)
NUMBER(khugepaged_pages_to_scan, khugepaged.pages_to_scan, set_pages)
NUMBER(khugepaged_max_ptes_none, khugepaged.max_ptes_none, set_ptes)
NUMBER(khugepaged_max_ptes_shared, khugepaged.max_ptes_shared, set_ptes)
NUMBER(khugepaged_max_ptes_swap, khugepaged.max_ptes_swap, set_ptes)
