/*
 * Coroutines: what a switch keeps, and that stacks can be used again.
 */
#include "unit.h"

#include "base/coro.h"

#include <stdlib.h>
#include <xmmintrin.h>

#define STACK 65536

static struct coro host, one, two;
static int steps;

static void ping(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		steps += *(int *)arg;
		coro_switch(&one, &host);
	}
	coro_exit_to(&one, &host);
}

static void switches_go_there_and_back(void)
{
	void *stack = malloc(STACK);
	int by = 3;

	steps = 0;
	coro_init_host(&host);
	coro_init(&one, stack, STACK, ping, &by);
	for (int i = 1; i <= 1000; i++) {
		coro_switch(&host, &one);
		CU_ASSERT_EQUAL_FATAL(steps, 3 * i);
	}
	coro_switch(&host, &one); /* ends it */
	free(stack);
}

static void set_rounding(void *arg)
{
	unsigned short cw = 0x27f;

	(void)arg;
	_mm_setcsr(0x1f80 | 0x6000);
	__asm__ volatile("fldcw %0" : : "m"(cw));
	coro_switch(&one, &host);
	CU_ASSERT_EQUAL(_mm_getcsr() & 0x6000, 0x6000);
	coro_exit_to(&one, &host);
}

static void control_words_belong_to_the_coroutine(void)
{
	void *stack = malloc(STACK);
	unsigned mxcsr = _mm_getcsr();
	unsigned short before, after;

	__asm__ volatile("fnstcw %0" : "=m"(before));
	coro_init_host(&host);
	coro_init(&one, stack, STACK, set_rounding, NULL);
	coro_switch(&host, &one);
	__asm__ volatile("fnstcw %0" : "=m"(after));
	CU_ASSERT_EQUAL(_mm_getcsr() & 0x6000, mxcsr & 0x6000);
	CU_ASSERT_EQUAL(after, before);
	coro_switch(&host, &one);
	CU_ASSERT_EQUAL(_mm_getcsr() & 0x6000, mxcsr & 0x6000);
	free(stack);
}

static int misaligned;

static void deep(int n)
{
	volatile char room[256];

	room[0] = n;
	misaligned |= (uintptr_t)__builtin_frame_address(0) & 15;
	if (n)
		deep(n - 1);
	room[255] = room[0];
}

static void leave_deep(void *arg)
{
	deep(50);
	steps++;
	coro_exit_to(arg, &host);
}

static void from_one_to_another(void *arg)
{
	(void)arg;
	coro_switch(&one, &two);
	coro_exit_to(&one, &host);
}

static void a_stack_is_used_again(void)
{
	void *stack = malloc(STACK);

	steps = 0;
	coro_init_host(&host);
	for (int i = 0; i < 100; i++) {
		coro_init(&one, stack, STACK, leave_deep, &one);
		coro_switch(&host, &one);
	}
	CU_ASSERT_EQUAL(steps, 100);
	CU_ASSERT_EQUAL(misaligned, 0);
	free(stack);
}

static void coroutines_switch_among_themselves(void)
{
	void *a = malloc(STACK), *b = malloc(STACK);

	steps = 0;
	coro_init_host(&host);
	coro_init(&one, a, STACK, from_one_to_another, NULL);
	coro_init(&two, b, STACK, leave_deep, &two);
	coro_switch(&host, &one); /* one, then two, which comes back here */
	CU_ASSERT_EQUAL(steps, 1);
	coro_switch(&host, &one);
	free(a);
	free(b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(switches_go_there_and_back),
	UNIT_TEST(control_words_belong_to_the_coroutine),
	UNIT_TEST(a_stack_is_used_again),
	UNIT_TEST(coroutines_switch_among_themselves),
	UNIT_END,
};
const struct unit_suite suite_coro = {"coro", tests};
