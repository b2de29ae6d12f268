/*
 * Lists, bitmaps and the names of tracepoints: the small things of base/.
 */
#include "unit.h"

#include "base/bitmap.h"
#include "base/err.h"
#include "base/list.h"
#include "base/trace.h"

#include <string.h>

struct item {
	int value;
	struct list_head node;
};

/* The values of a list as one number, first digit first. */
static int digits(struct list_head *head)
{
	struct item *i;
	int n = 0;

	list_for_each_entry (i, head, node)
		n = n * 10 + i->value;
	return n;
}

static void items_come_in_the_order_they_were_put(void)
{
	struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
	struct list_head head = LIST_HEAD_INIT(head);

	CU_ASSERT_TRUE(list_empty(&head));
	list_add_tail(&b.node, &head);
	list_add_tail(&c.node, &head);
	list_add(&a.node, &head);
	CU_ASSERT_EQUAL(digits(&head), 123);
	list_move_tail(&a.node, &head);
	CU_ASSERT_EQUAL(digits(&head), 231);
	list_move(&c.node, &head);
	CU_ASSERT_EQUAL(digits(&head), 321);
	CU_ASSERT_PTR_EQUAL(list_first_entry(&head, struct item, node), &c);
	CU_ASSERT_PTR_EQUAL(list_last_entry(&head, struct item, node), &a);
}

static void safe_walks_survive_removal(void)
{
	struct item item[5], *i, *next;
	struct list_head head = LIST_HEAD_INIT(head);

	for (int n = 0; n < 5; n++) {
		item[n].value = n;
		list_add_tail(&item[n].node, &head);
	}
	list_for_each_entry_safe (i, next, &head, node)
		if (i->value % 2 == 0)
			list_del_init(&i->node);
	CU_ASSERT_EQUAL(digits(&head), 13);
	CU_ASSERT_TRUE(list_empty(&item[0].node));
}

static void bitmaps_find_what_is_set_and_what_is_clear(void)
{
	DECLARE_BITMAP(map, 200) = {0};

	CU_ASSERT_EQUAL(find_next_bit(map, 200, 0), 200);
	CU_ASSERT_EQUAL(find_next_zero_bit(map, 200, 0), 0);
	set_bit(map, 0);
	set_bit(map, 63);
	set_bit(map, 64);
	set_bit(map, 199);
	CU_ASSERT_EQUAL(find_next_bit(map, 200, 1), 63);
	CU_ASSERT_EQUAL(find_next_bit(map, 200, 65), 199);
	CU_ASSERT_EQUAL(find_next_bit(map, 199, 65), 199);
	CU_ASSERT_EQUAL(find_next_zero_bit(map, 200, 63), 65);
	CU_ASSERT_EQUAL(find_next_zero_bit(map, 200, 199), 200);
	CU_ASSERT_EQUAL(bitmap_weight(map, 200), 4);
	clear_bit(map, 63);
	CU_ASSERT_FALSE(test_bit(map, 63));
	CU_ASSERT_TRUE(test_bit(map, 64));
}

static void tracepoints_are_named_as_the_kernel_names_them(void)
{
	struct trace t = {0}, *on = &t;

	CU_ASSERT_STRING_EQUAL(trace_name(TP_kmem_mm_page_alloc), "kmem:mm_page_alloc");
	CU_ASSERT_EQUAL(trace_enable(&t, "kmem:no_such"), -ENOENT);
	CU_ASSERT_EQUAL(t.on, 0);
	CU_ASSERT_EQUAL(trace_enable(&t, "kmem:mm_page_*"), 0);
	CU_ASSERT_EQUAL(t.on, BIT(TP_kmem_mm_page_alloc) | BIT(TP_kmem_mm_page_free));
	CU_ASSERT_EQUAL(trace_enable(&t, "kmem:*,no:such"), -ENOENT);
	CU_ASSERT_EQUAL(trace_enable(&t, "sched:*,"), -ENOENT);
	CU_ASSERT_EQUAL(t.on, BIT(TP_kmem_mm_page_alloc) | BIT(TP_kmem_mm_page_free));
	CU_ASSERT_EQUAL(trace_enable(&t, "sched:sched_switch,oom:*"), 0);
	CU_ASSERT_EQUAL(t.on, BIT(TP_kmem_mm_page_alloc) | BIT(TP_kmem_mm_page_free) |
				      BIT(TP_sched_sched_switch) | BIT(TP_oom_mark_victim));
	trace_event(on, TP_tlb_tlb_flush, "not on");
	CU_ASSERT_EQUAL(t.hits[TP_tlb_tlb_flush], 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(items_come_in_the_order_they_were_put),
	UNIT_TEST(safe_walks_survive_removal),
	UNIT_TEST(bitmaps_find_what_is_set_and_what_is_clear),
	UNIT_TEST(tracepoints_are_named_as_the_kernel_names_them),
	UNIT_END,
};
const struct unit_suite suite_list = {"list", tests};
