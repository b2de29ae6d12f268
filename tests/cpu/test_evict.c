/* src/cpu/jit: the code memory is bounded, and of what is dropped nothing is dropped that need not be. */
#include "unit.h"

#include <string.h>

#include "cpu/jit/jit.h"
#include "flat.h"

#define CODE (FLAT_BASE + PAGE_SIZE)
#define NR_PAGES 24UL
#define PIECE 5U /* bytes */
#define NR_PIECES (unsigned)(NR_PAGES * PAGE_SIZE / PIECE)

/* A machine whose code memory has @size bytes; NULL: the host cannot, or all tests have another size. */
static struct flat *small_machine(u64 size)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (!code_cache_jit(f->code) && flat_translate_in(f, false, size))
		return f;
	flat_free(f);
	return NULL;
}

static void run(struct flat *f, gva_t rip, s64 budget)
{
	f->cpu.regs.rip = rip;
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, budget), CPU_BUDGET);
}

/* inc rax; jmp to the next piece, the last to the first. */
static void write_ring(struct flat *f)
{
	for (unsigned i = 0; i < NR_PIECES; i++) {
		u8 piece[PIECE] = {0x48, 0xff, 0xc0, 0xeb, 0x00};
		u8 last[PIECE + 3] = {0x48, 0xff, 0xc0, 0xe9};
		s32 back = -(s32)(i * PIECE + sizeof(last));

		memcpy(last + 4, &back, 4);
		if (i + 1 < NR_PIECES)
			flat_write(f, CODE + i * PIECE, piece, sizeof(piece));
		else
			flat_write(f, CODE + i * PIECE, last, sizeof(last));
	}
}

static void more_code_than_there_is_room_for_runs_all_the_same(void)
{
	struct flat *f = small_machine(JIT_LEAST_SIZE);
	const struct jit_counters *c;
	const u8 *low = NULL, *high = NULL;
	struct jit_code code;
	u32 n = 0;

	if (!f)
		return;
	c = jit_counters(code_cache_jit(f->code));
	write_ring(f);
	for (unsigned i = 1; i <= 8; i++) {
		run(f, CODE, 2 * (s64)NR_PIECES);
		CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], i * (u64)NR_PIECES);
		CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE);
	}
	CU_ASSERT(c->evictions > 8);
	CU_ASSERT(c->evicted > 100 && c->evicted <= c->units);
	CU_ASSERT_EQUAL(c->flushes, 0);
	while (jit_next_code(code_cache_jit(f->code), &n, &code)) {
		low = !low || (const u8 *)code.code < low ? code.code : low;
		high = (const u8 *)code.code + code.size > high ? (const u8 *)code.code + code.size
								: high;
	}
	CU_ASSERT(low && (u64)(high - low) <= JIT_LEAST_SIZE);
	flat_free(f);
}

static void too_little_memory_is_refused(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (!code_cache_jit(f->code))
		CU_ASSERT_FALSE(flat_translate_in(f, false, JIT_LEAST_SIZE - 1));
	flat_free(f);
}

#define NR_LOOPS 6

static gva_t loop_at(unsigned i)
{
	return CODE + i * PAGE_SIZE;
}

/* lea rax, [rax + step]; jmp back: each in a page of its own. */
static void write_loop(struct flat *f, unsigned i, u8 step)
{
	u8 code[] = {0x48, 0x8d, 0x40, step, 0xeb, 0xfa};

	flat_write(f, loop_at(i), code, sizeof(code));
}

static u64 run_loops(struct flat *f)
{
	f->cpu.regs.gpr[R_RAX] = 0;
	for (unsigned i = 0; i < NR_LOOPS; i++)
		run(f, loop_at(i), 200);
	return f->cpu.regs.gpr[R_RAX];
}

/* As after a store of the guest's, a copy of the kernel's, or when the frame is freed: all of them come by the hook. */
static void code_goes_with_its_page_and_no_other(void)
{
	struct flat *f = small_machine(1UL << 20);
	const struct jit_counters *c;
	u64 units, dropped;

	if (!f)
		return;
	c = jit_counters(code_cache_jit(f->code));
	for (unsigned i = 0; i < NR_LOOPS; i++)
		write_loop(f, i, 1);
	CU_ASSERT_EQUAL(run_loops(f), NR_LOOPS * 100UL);
	units = c->units;
	CU_ASSERT_EQUAL(run_loops(f), NR_LOOPS * 100UL);
	CU_ASSERT_EQUAL(c->units, units);
	CU_ASSERT_EQUAL(units % NR_LOOPS, 0); /* all loops are alike */

	dropped = c->dropped;
	write_loop(f, 3, 2);
	CU_ASSERT_EQUAL(c->dropped, dropped + units / NR_LOOPS);
	CU_ASSERT_EQUAL(run_loops(f), (NR_LOOPS + 1) * 100UL);
	CU_ASSERT_EQUAL(c->units, units + units / NR_LOOPS);

	/* What changes rights only drops nothing. */
	dropped = c->dropped;
	flat_protect(f, loop_at(1), FLAT_R | FLAT_X);
	CU_ASSERT_EQUAL(run_loops(f), (NR_LOOPS + 1) * 100UL);
	CU_ASSERT_EQUAL(c->dropped, dropped);
	flat_protect(f, loop_at(1), FLAT_R);
	f->cpu.regs.rip = loop_at(1);
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 200), CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_PF);
	CU_ASSERT_EQUAL(c->dropped, dropped);
	CU_ASSERT_EQUAL(c->units, units + units / NR_LOOPS);
	flat_free(f);
}

/* Rewritten again and again, and run long enough to be translated each time: what is dropped makes room. */
static void code_that_is_rewritten_all_the_time_needs_no_more_memory(void)
{
	struct flat *f = small_machine(JIT_LEAST_SIZE);
	const struct jit_counters *c;

	if (!f)
		return;
	c = jit_counters(code_cache_jit(f->code));
	for (unsigned i = 0; i < 20000; i++) {
		write_loop(f, 0, (u8)(1 + i % 100));
		f->cpu.regs.gpr[R_RAX] = 0;
		run(f, loop_at(0), 200);
		CU_ASSERT_EQUAL_FATAL(f->cpu.regs.gpr[R_RAX], 100UL * (1 + i % 100));
	}
	CU_ASSERT(c->dropped >= 19999);
	CU_ASSERT(c->evictions > 1);
	CU_ASSERT(c->evicted < 20); /* what it meets is gone already */
	CU_ASSERT_EQUAL(c->flushes, 0);
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(more_code_than_there_is_room_for_runs_all_the_same),
	UNIT_TEST(too_little_memory_is_refused),
	UNIT_TEST(code_goes_with_its_page_and_no_other),
	UNIT_TEST(code_that_is_rewritten_all_the_time_needs_no_more_memory),
	UNIT_END,
};
const struct unit_suite suite_evict = {"evict", tests};
