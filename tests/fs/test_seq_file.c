/* Texts that are written in one go: numbers and escapes, short and long ones. */
#include "fs/seq_file.h"
#include "world.h"

static void texts_grow_past_one_piece(void)
{
	static struct world w;
	struct seq s = {.mem = &w.mem};
	u64 n;
	int i;

	world_up(&w);
	seq_puts(&s, "sum");
	seq_putc(&s, ':');
	seq_put_dec(&s, 12, 5);
	seq_put_dec(&s, 0, 0);
	seq_escape(&s, "a\nb\\", "\n");
	CU_ASSERT_STRING_EQUAL(s.buf, "sum:   120a\\012b\\");
	seq_release(&s);
	for (i = 0; i < 5000; i++)
		seq_printf(&s, "%04d ", i);
	CU_ASSERT_EQUAL(s.count, 25000);
	CU_ASSERT_EQUAL(memcmp(s.buf + 24995, "4999 ", 5), 0);
	seq_printf(&s, "%9000d", 1);
	CU_ASSERT_EQUAL(s.count, 34000);
	CU_ASSERT_EQUAL(*seq_peek(&s, 33999, &n), '1');
	CU_ASSERT_FALSE(s.overflow);
	seq_release(&s);
	world_down(&w);
}

/* A text of megabytes lies in single frames; pieces come out in order. */
static void long_texts_lie_in_pages(void)
{
	static struct world w;
	struct seq s = {.mem = &w.mem};
	const char *at;
	u64 n, pos = 0, lines = 0;

	world_up(&w);
	for (int i = 0; i < 200000; i++)
		seq_printf(&s, "%09d\n", i);
	CU_ASSERT_EQUAL(s.count, 2000000);
	CU_ASSERT_EQUAL(w.mem.stats[ST_vmalloc], (s64)(s.size >> PAGE_SHIFT));
	for (; (at = seq_peek(&s, pos, &n)); pos += n)
		for (u64 i = 0; i < n; i++)
			lines += at[i] == '\n';
	CU_ASSERT_EQUAL(pos, s.count);
	CU_ASSERT_EQUAL(lines, 200000);
	seq_release(&s);
	CU_ASSERT_EQUAL(w.mem.stats[ST_vmalloc], 0);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(texts_grow_past_one_piece),
	UNIT_TEST(long_texts_lie_in_pages),
	UNIT_END,
};

const struct unit_suite suite_seq_file = {"seq_file", tests};
