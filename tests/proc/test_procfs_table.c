/* The table of /proc and /sys: each row can be found, listed and shown; and numbers in what is written. */
#include <string.h>

#include "mm/hugetlb.h"
#include "proc/procfs/internal.h"
#include "one_task.h"

/* A file may have a row for the process and one for its threads. */
static bool never_together(const struct proc_entry *a, const struct proc_entry *b)
{
	return (a->flags | b->flags) & P_TID && (a->flags | b->flags) & P_TGID &&
	       !(a->flags & b->flags & (P_TID | P_TGID));
}

static void names_are_there_once(void)
{
	for (unsigned i = 0; i < nr_proc_entries; i++)
		for (unsigned j = i + 1; j < nr_proc_entries; j++)
			if (proc_entries[i].dir == proc_entries[j].dir &&
			    !strcmp(proc_entries[i].name, proc_entries[j].name) &&
			    !never_together(&proc_entries[i], &proc_entries[j]))
				CU_FAIL(proc_entries[i].name);
	CU_PASS("looked at all");
}

/* What takes writes may be opened for that. */
static void a_writer_goes_with_a_mode_that_lets_write(void)
{
	for (unsigned i = 0; i < nr_proc_entries; i++) {
		const struct proc_entry *e = &proc_entries[i];
		bool prev = e->dir == DIR_ATTR; /* Linux: attr/prev has a write and mode 0444 */

		if (e->write != proc_write_none && !prev)
			CU_ASSERT(e->mode & 0222);
		if (e->kind == KIND_DIR)
			CU_ASSERT(e->mode & 0111);
	}
}

static void every_row_leads_up_to_a_root(void)
{
	struct task_struct *t = one_task_new(32UL << 20);

	for (unsigned i = 0; i < nr_proc_entries; i++) {
		const struct proc_entry *e = &proc_entries[i];
		u64 id = ID_MAKE(t->pid, e->flags & P_TID ? ID_THREAD : 0, 0);
		unsigned depth = 0;

		for (; e && !is_root(e) && depth < 10; depth++)
			e = proc_parent_entry(t->machine, e, id, &id);
		CU_ASSERT_FATAL(e != NULL);
		CU_ASSERT(is_root(e));
	}
	one_task_free(t);
}

/* Makes the text of every row that is text about the machine or a task. */
static void every_text_can_be_made(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	unsigned made = 0;

	one_task_map(t, 0, 4, 2);
	for (unsigned i = 0; i < nr_proc_entries; i++) {
		const struct proc_entry *e = &proc_entries[i];
		struct seq s = {.mem = &t->machine->mem};
		u64 sub = e->kind == KIND_SIZED ? HUGE_DEFAULT_SHIFT : 0;

		if (e->kind == KIND_DIR || e->kind == KIND_TEXT || e->kind == KIND_LINK ||
		    e->kind == KIND_BYTES || e->kind == KIND_MEM || !(e->mode & 0444))
			continue;
		s.private = t;
		CU_ASSERT_EQUAL(proc_show(e, &s, t->machine, t, sub), 0);
		seq_release(&s);
		made++;
	}
	CU_ASSERT(made > 200);
	one_task_free(t);
}

static void numbers_are_parsed_as_the_kernel_does(void)
{
	char blank[] = " \t-17\n", hex[] = "0x10", junk[] = "1 2", big[] = "4294967296",
	     none[] = "";
	u64 v;
	int n;

	CU_ASSERT_EQUAL(proc_parse_int(blank, &n), 0);
	CU_ASSERT_EQUAL(n, -17);
	CU_ASSERT_EQUAL(proc_parse_int(hex, &n), 0);
	CU_ASSERT_EQUAL(n, 16);
	CU_ASSERT_EQUAL(proc_parse_int(junk, &n), -EINVAL);
	CU_ASSERT_EQUAL(proc_parse_int(big, &n), -ERANGE);
	CU_ASSERT_EQUAL(proc_parse_int(none, &n), -EINVAL);
	CU_ASSERT_EQUAL(proc_parse_u64("+12\n", 10, &v), 0);
	CU_ASSERT_EQUAL(v, 12);
	CU_ASSERT_EQUAL(proc_parse_u64("-1", 10, &v), -EINVAL);
	CU_ASSERT_EQUAL(proc_parse_u64(" 1", 10, &v), -EINVAL);
	CU_ASSERT_EQUAL(proc_parse_u64("1\n\n", 10, &v), -EINVAL);
	CU_ASSERT_EQUAL(proc_parse_u64("99999999999999999999", 10, &v), -ERANGE);
	CU_ASSERT_EQUAL(proc_parse_bool("on", &v), 0);
	CU_ASSERT_EQUAL(v, 1);
	CU_ASSERT_EQUAL(proc_parse_bool("No way", &v), 0);
	CU_ASSERT_EQUAL(v, 0);
	CU_ASSERT_EQUAL(proc_parse_bool("2", &v), -EINVAL);
}

static void words_are_chosen_by_name(void)
{
	static const char *const words[] = {"always", "never", NULL};
	struct task_struct *t = one_task_new(32UL << 20);
	struct seq s = {.mem = &t->machine->mem};
	char line[] = "never\n", part[] = "nev";

	CU_ASSERT_EQUAL(proc_find_word(words, line), 1);
	CU_ASSERT_EQUAL(proc_find_word(words, part), -EINVAL);
	CU_ASSERT_EQUAL(proc_show_words(&s, words, 1), 0);
	CU_ASSERT_EQUAL(s.count, strlen("always [never]\n"));
	CU_ASSERT(!memcmp(s.buf, "always [never]\n", s.count));
	seq_release(&s);
	one_task_free(t);
}

/* --- /proc/sys ------------------------------------------------------------------------------ */

static long write_sysctl(struct task_struct *t, enum sysctl_id id, const char *text)
{
	struct iovec iov = {(void *)text, strlen(text)};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = strlen(text)};
	u64 pos = 0;

	return proc_sysctl_write_iter(t->machine, id, &it, &pos);
}

static void a_setting_takes_numbers_in_its_range(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	int *swappiness = &t->machine->sysctl[SYSCTL_swappiness];

	CU_ASSERT_EQUAL(*swappiness, 60);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_swappiness, " 0x20\n"), 6);
	CU_ASSERT_EQUAL(*swappiness, 32);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_swappiness, "201"), -EINVAL);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_swappiness, "-1"), -EINVAL);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_swappiness, "1x"), -EINVAL);
	CU_ASSERT_EQUAL(*swappiness, 32);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_swappiness, "7 8"), 2); /* the first is taken */
	CU_ASSERT_EQUAL(*swappiness, 7);
	one_task_free(t);
}

static void of_a_list_what_stands_before_the_error_is_stored(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	const int *ratio = t->machine->lowmem_reserve_ratio;
	int third = ratio[2];

	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_lowmem_reserve_ratio, "100 50 x"), -EINVAL);
	CU_ASSERT_EQUAL(ratio[0], 100);
	CU_ASSERT_EQUAL(ratio[1], 50);
	CU_ASSERT_EQUAL(ratio[2], third);
	one_task_free(t);
}

static void of_a_ratio_and_bytes_the_last_one_written_holds(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	struct machine *m = t->machine;

	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_dirty_bytes, "1048576"), 7);
	CU_ASSERT_EQUAL(m->sysctl[SYSCTL_dirty_ratio], 0);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_dirty_ratio, "30"), 2);
	CU_ASSERT_EQUAL(m->dirty_bytes, 0);
	CU_ASSERT_EQUAL(write_sysctl(t, SYSCTL_dirty_bytes, "100"), -EINVAL); /* below two pages */
	CU_ASSERT_EQUAL(m->sysctl[SYSCTL_dirty_ratio], 30);
	one_task_free(t);
}

/* A feature that CPUID can offer has its name in /proc/cpuinfo, of the same bit. */
static void every_feature_has_its_flag(void)
{
	struct bit {
		u32 leaf, subleaf;
		char reg;
		u8 bit;
	};
	static const struct {
		const char *name;
		struct bit at;
	} feats[] = {
#define FEAT(name, level, how, leaf, subleaf, reg, bit) {#name, {leaf, subleaf, #reg[0], bit}},
#include "cpu/feat.def"
#undef FEAT
	};
	static const struct bit flags[] = {
#define CPU_FLAG(leaf, subleaf, reg, bit, name) {leaf, subleaf, #reg[0], bit},
#include "proc/procfs/cpu_flags.def"
#undef CPU_FLAG
	};

	for (unsigned i = 0; i < ARRAY_SIZE(feats); i++) {
		bool found = !feats[i].at.leaf; /* no bit of CPUID */

		if (!strcmp(feats[i].name, "ZERO_FCS_FDS")) /* Linux shows no name of it */
			continue;
		for (unsigned j = 0; j < ARRAY_SIZE(flags); j++)
			found |= flags[j].leaf == feats[i].at.leaf &&
				 flags[j].subleaf == feats[i].at.subleaf &&
				 flags[j].reg == feats[i].at.reg && flags[j].bit == feats[i].at.bit;
		if (!found)
			CU_FAIL(feats[i].name);
	}
	CU_PASS("looked at all");
}

static const struct unit_test tests[] = {
	UNIT_TEST(names_are_there_once),
	UNIT_TEST(a_writer_goes_with_a_mode_that_lets_write),
	UNIT_TEST(every_row_leads_up_to_a_root),
	UNIT_TEST(every_text_can_be_made),
	UNIT_TEST(every_feature_has_its_flag),
	UNIT_TEST(numbers_are_parsed_as_the_kernel_does),
	UNIT_TEST(words_are_chosen_by_name),
	UNIT_TEST(a_setting_takes_numbers_in_its_range),
	UNIT_TEST(of_a_list_what_stands_before_the_error_is_stored),
	UNIT_TEST(of_a_ratio_and_bytes_the_last_one_written_holds),
	UNIT_END,
};
const struct unit_suite suite_procfs_table = {"procfs_table", tests};
