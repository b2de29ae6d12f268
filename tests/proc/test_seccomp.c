/* Programs of seccomp: which are refused, and what they compute. tests/guest/seccomps.c compares the call with
 * Linux. */
#include <string.h>

#include "base/err.h"
#include "mm/memory.h"
#include "mm/slab.h"
#include "proc/seccomp.h"
#include "unit.h"

#define LEN 4

static struct memory mem;

static int check(u16 code, u32 k)
{
	const struct sock_filter insns[] = {{code, 0, 0, k}, {BPF_RET | BPF_K, 0, 0, 0}};

	return seccomp_check_filter(&mem, insns, 2);
}

/* Of all codes only those that Linux lets look at a call, with numbers that make sense. */
static void what_is_no_instruction_is_refused(void)
{
	unsigned good = 0;

	CU_ASSERT_EQUAL_FATAL(memory_init(&mem, 16UL << 20), 0);
	for (u32 code = 0; code < 0x10000; code++)
		if (!check((u16)code, 0))
			good++;
	CU_ASSERT_EQUAL(
		good,
		38); /* as Linux says of each; not with 0: BPF_DIV; without a store: the two BPF_MEM */
	CU_ASSERT_EQUAL(check(BPF_ALU | BPF_DIV | BPF_K, 1), 0);
	CU_ASSERT_EQUAL(check(BPF_ALU | BPF_LSH | BPF_K, 31), 0);
	CU_ASSERT_EQUAL(check(BPF_ALU | BPF_LSH | BPF_K, 32), -EINVAL);
	CU_ASSERT_EQUAL(check(BPF_LD | BPF_W | BPF_ABS, 60), 0);
	CU_ASSERT_EQUAL(check(BPF_LD | BPF_W | BPF_ABS, 61), -EINVAL);
	CU_ASSERT_EQUAL(check(BPF_LD | BPF_W | BPF_ABS, 64), -EINVAL);
	CU_ASSERT_EQUAL(check(BPF_ST, 15), 0);
	CU_ASSERT_EQUAL(check(BPF_ST, 16), -EINVAL);
	CU_ASSERT_EQUAL(check(BPF_JMP | BPF_JA, 1), -EINVAL);
	memory_destroy(&mem);
}

/* On one of two ways the word was not written. */
static void memory_is_written_before_it_is_read(void)
{
	struct sock_filter insns[] = {
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0},
		{BPF_ST, 0, 0, 3},
		{BPF_LD | BPF_MEM, 0, 0, 3},
		{BPF_RET | BPF_A, 0, 0, 0},
	};

	CU_ASSERT_EQUAL_FATAL(memory_init(&mem, 16UL << 20), 0);
	CU_ASSERT_EQUAL(seccomp_check_filter(&mem, insns, LEN), -EINVAL);
	insns[0].jf = 0;
	CU_ASSERT_EQUAL(seccomp_check_filter(&mem, insns, LEN), 0);
	insns[LEN - 1].code = BPF_ST;
	CU_ASSERT_EQUAL(seccomp_check_filter(&mem, insns, LEN), -EINVAL);
	memory_destroy(&mem);
}

/* A = @a, X = @x, then one instruction: what A is. */
static u32 compute(u16 code, u32 a, u32 x)
{
	char room[sizeof(struct seccomp_filter) + LEN * sizeof(struct sock_filter)]
		__attribute__((aligned(8)));
	struct seccomp_filter *f = (void *)room;
	const struct seccomp_data data = {.nr = 1};
	const struct sock_filter insns[LEN] = {
		{BPF_LD | BPF_IMM, 0, 0, a},
		{BPF_LDX | BPF_IMM, 0, 0, x},
		{code, 0, 0, x},
		{BPF_RET | BPF_A, 0, 0, 0},
	};

	memset(room, 0, sizeof(room));
	f->len = LEN;
	memcpy(f->insns, insns, sizeof(insns));
	return seccomp_run_filter(f, &data);
}

static void arithmetic_is_of_32_bits(void)
{
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_ADD | BPF_X, 0xffffffff, 2), 1);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_SUB | BPF_K, 1, 2), 0xffffffff);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_MUL | BPF_X, 0x10000, 0x10001), 0x10000);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_DIV | BPF_X, 0x80000000, 3), 0x2aaaaaaa);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_DIV | BPF_X, 5, 0), 0); /* the program ends */
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_NEG, 1, 0), 0xffffffff);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_LSH | BPF_K, 3, 31), 0x80000000);
	CU_ASSERT_EQUAL(compute(BPF_ALU | BPF_RSH | BPF_X, 0x80000000, 31), 1);
	CU_ASSERT_EQUAL(compute(BPF_MISC | BPF_TXA, 1, 77), 77);
	CU_ASSERT_EQUAL(compute(BPF_LD | BPF_W | BPF_LEN, 1, 0), 64);
	CU_ASSERT_EQUAL(compute(BPF_LD | BPF_W | BPF_ABS, 5, 0), 1);
}

static const struct unit_test tests[] = {
	UNIT_TEST(what_is_no_instruction_is_refused),
	UNIT_TEST(memory_is_written_before_it_is_read),
	UNIT_TEST(arithmetic_is_of_32_bits),
	UNIT_END,
};

const struct unit_suite suite_seccomp = {"seccomp", tests};
