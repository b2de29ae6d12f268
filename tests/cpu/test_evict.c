/* src/cpu/jit: the code memory is bounded, and of what is dropped nothing is dropped that need not be. */
#include "unit.h"

#include <string.h>

#include "cpu/jit/internal.h"
#include "cpu/jit/jit.h"
#include "flat.h"
#include "mm/page.h"

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

/* The second and third loop of the page of the first, and data between. */
#define BESIDE (CODE + 3 * 64)
#define OTHER (CODE + 5 * 64)
#define DATA (CODE + 4 * 64)

static void put_loop(struct flat *f, gva_t at, u8 step)
{
	u8 code[] = {0x48, 0x8d, 0x40, step, 0xeb, 0xfa};

	flat_write(f, at, code, sizeof(code));
}

/* inc dword [rip + DATA]; lea rax, [rax + step]; jmp back */
static void put_storing_loop(struct flat *f, gva_t at, u8 step)
{
	u8 code[] = {0xff, 0x05, 0, 0, 0, 0, 0x48, 0x8d, 0x40, step, 0xeb, 0xf4};
	s32 disp = (s32)(DATA - (at + 6));

	memcpy(code + 2, &disp, 4);
	flat_write(f, at, code, sizeof(code));
}

/* Runs 100 iterations each; what rax has grown by. */
static u64 run_all(struct flat *f)
{
	f->cpu.regs.gpr[R_RAX] = 0;
	run(f, CODE, 200);
	run(f, BESIDE, 200);
	run(f, OTHER, 300);
	return f->cpu.regs.gpr[R_RAX];
}

static void only_what_changes_is_dropped_of_a_page(struct flat *f)
{
	const struct code_counters *c = code_cache_counters(f->code);
	u64 decoded, beside;
	u8 byte;
	u32 sum;

	put_loop(f, CODE, 1);
	put_loop(f, BESIDE, 2);
	put_storing_loop(f, OTHER, 3);
	for (unsigned i = 1; i <= 4; i++)
		CU_ASSERT_EQUAL(run_all(f), 600);
	memcpy(&sum, flat_ptr(f, DATA), sizeof(sum));
	CU_ASSERT_EQUAL(sum, 400);

	/* By the loop's own stores nothing is. */
	decoded = c->blocks_decoded;
	beside = c->changes_beside;
	CU_ASSERT_EQUAL(c->blocks_dropped, 0);
	CU_ASSERT_EQUAL(run_all(f), 600);
	CU_ASSERT_EQUAL(c->blocks_dropped, 0);
	CU_ASSERT_EQUAL(c->blocks_decoded, decoded);
	CU_ASSERT_EQUAL(c->changes_beside, beside + 100);

	/* The same line, right before and behind, or another. */
	byte = 0x90;
	flat_write(f, BESIDE - 1, &byte, 1);
	flat_write(f, BESIDE + 6, &byte, 1);
	flat_write(f, CODE + PAGE_SIZE - 1, &byte, 1);
	CU_ASSERT_EQUAL(c->blocks_dropped, 0);
	CU_ASSERT_EQUAL(run_all(f), 600);
	CU_ASSERT_EQUAL(c->blocks_decoded, decoded);

	/* Onto one of them. */
	byte = 7;
	flat_write(f, BESIDE + 3, &byte, 1);
	CU_ASSERT_EQUAL(c->blocks_dropped, 1);
	CU_ASSERT_EQUAL(run_all(f), 1100);
	CU_ASSERT_EQUAL(run_all(f), 1100);
	CU_ASSERT_EQUAL(c->blocks_decoded, decoded + 1);
	CU_ASSERT_EQUAL(c->blocks_dropped, 1);

	/* The last byte of one to the first of another. */
	memset(flat_ptr(f, BESIDE + 6), 0x90, OTHER - BESIDE - 6);
	flat_write(f, BESIDE + 5, flat_ptr(f, BESIDE + 5), OTHER - BESIDE - 4);
	CU_ASSERT_EQUAL(c->blocks_dropped, 3);
	CU_ASSERT_EQUAL(run_all(f), 1100);

	/* What is left alone can be written without asking any more. */
	flat_write(f, CODE, flat_ptr(f, CODE), PAGE_SIZE);
	CU_ASSERT_EQUAL(c->blocks_dropped, 6);
	CU_ASSERT_FALSE(
		page_test(f->mem.mem_map + virt_to_pfn(&f->mem, flat_ptr(f, CODE)), PG_code));
}

static void only_what_changes_is_dropped(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	only_what_changes_is_dropped_of_a_page(f);
	flat_free(f);
	f = small_machine(1UL << 20);
	if (!f)
		return;
	only_what_changes_is_dropped_of_a_page(f);
	flat_free(f);
}

/* Two blocks of a page that are linked: the one that stays leads to what the other is now. */
static void links_to_what_was_dropped_go(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);
	/* lea rax, [rax + 1]; jmp to the line behind; there lea rax, [rax + 2]; jmp back */
	u8 a[] = {0x48, 0x8d, 0x40, 1, 0xeb, 64 - 6}, b[] = {0x48, 0x8d, 0x40, 2, 0xeb, 0x100 - 70};

	flat_write(f, CODE, a, sizeof(a));
	flat_write(f, CODE + 64, b, sizeof(b));
	for (unsigned i = 0; i < 50; i++) {
		f->cpu.regs.gpr[R_RAX] = 0;
		run(f, CODE, 400);
		CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], 100UL * (1 + b[3]));
		b[3] = (u8)(2 + i % 5);
		flat_write(f, CODE + 64, b, sizeof(b));
	}
	/* In lockstep some runs end between the two instructions: a block more. */
	CU_ASSERT(code_cache_counters(f->code)->blocks_dropped - 50 <= 50);
	flat_free(f);
}

/* rep movsb that comes by itself: when its prefix is a nop, movsb is what is left of it. */
static void what_copies_over_itself_is_noticed(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);
	u8 code[] = {0xf3, 0xa4, 0xeb, 0xfe}, nops[64];

	memset(nops, 0x90, sizeof(nops));
	flat_write(f, CODE + PAGE_SIZE, nops, sizeof(nops));
	flat_write(f, CODE + 64, code, sizeof(code));
	f->cpu.regs.gpr[R_RSI] = CODE + PAGE_SIZE;
	f->cpu.regs.gpr[R_RDI] = CODE + 60;
	f->cpu.regs.gpr[R_RCX] = sizeof(nops);
	run(f, CODE + 64, 400);
	CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RCX], sizeof(nops) - 5);
	CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RDI], CODE + 66);
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

/* Two pages make the loop, and nothing has been translated before: its jump is linked while it is. */
static void the_first_unit_may_be_a_loop_over_two_pages(void)
{
	static const u8 head[] = {0x48, 0x8d, 0x40,
				  1,	0xeb, 0}; /* lea rax, [rax + 1]; jmp to the next page */
	static const u8 rest[] = {0x48, 0x8d, 0x40, 1,
				  0xe2, 0xf4, 0xeb, 0xfe}; /* the same; loop; jmp . */
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (!code_cache_jit(f->code) && flat_translate_hot(f, false, 16)) {
		flat_write(f, CODE + PAGE_SIZE - sizeof(head), head, sizeof(head));
		flat_write(f, CODE + PAGE_SIZE, rest, sizeof(rest));
		f->cpu.regs.gpr[R_RCX] = 1000;
		run(f, CODE + PAGE_SIZE - sizeof(head), 5000);
		CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], 2000);
		CU_ASSERT(jit_counters(code_cache_jit(f->code))->links > 0);
	}
	flat_free(f);
}

/* A block's translation goes with what it calls; if that is rewritten each time, it is not made again each time. */
static void who_calls_what_changes_is_not_translated_each_time(void)
{
	/* 1: call the next page; dec ecx; jnz 1b; jmp . and there mov eax, n; ret */
	static const u8 caller[] = {0xe8, 0xfb, 0x0f, 0, 0, 0xff, 0xc9, 0x75, 0xf7, 0xeb, 0xfe};
	u8 callee[] = {0xb8, 0, 0, 0, 0, 0xc3};
	struct flat *f = flat_new(CPU_MODEL_HOST);
	const struct jit_counters *c;
	u64 units;

	if (!code_cache_jit(f->code) && flat_translate_hot(f, false, 40)) {
		c = jit_counters(code_cache_jit(f->code));
		flat_write(f, CODE, caller, sizeof(caller));
		flat_write(f, CODE + PAGE_SIZE, callee, sizeof(callee));
		f->cpu.regs.gpr[R_RSP] = CODE + 8 * PAGE_SIZE;
		f->cpu.regs.gpr[R_RCX] = 1000000;
		run(f, CODE, 5000);
		units = c->units;
		for (unsigned i = 1; i <= 400; i++) {
			callee[1] = (u8)i;
			flat_write(f, CODE + PAGE_SIZE, callee, sizeof(callee));
			run(f, CODE, 5);
			CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], (u8)i);
		}
		CU_ASSERT(units > 0 && c->units - units < 100);
	}
	flat_free(f);
}

/* What is known of the jump at the end of @rip's block stands in one place with that of the one found here. */
static gva_t same_way(gva_t rip)
{
	gva_t at = CODE + 4 * PAGE_SIZE;

	while (jit_way_hash(at) != jit_way_hash(rip))
		at++;
	return at;
}

/* The address that a jump loads lies in two pages, and what is thought of where it leads comes from another jump. */
static void computed_jumps_read_over_a_pages_end(void)
{
	/* a: lea rax, [rax + 1]; jmp [rip + n] to c; c: mov edx, b; jmp rdx; d: loop a; jmp . */
	u8 code[] = {0x48, 0x8d, 0x40, 1, 0xff, 0x25, 0,    0,	  0,	0,   0xba,
		     0,	   0,	 0,    0, 0xff, 0xe2, 0xe2, 0xed, 0xeb, 0xfe};
	static const u8 other[] = {0xff, 0xe3}; /* b: jmp rbx, which is d */
	gva_t at = CODE + 2 * PAGE_SIZE - 4, c = CODE + 10;
	u32 disp = (u32)(at - c), b = (u32)same_way(CODE);
	struct flat *f = flat_new(CPU_MODEL_HOST);

	memcpy(code + 6, &disp, sizeof(disp));
	memcpy(code + 11, &b, sizeof(b));
	if (!code_cache_jit(f->code) && flat_translate_hot(f, false, 16)) {
		flat_write(f, CODE, code, sizeof(code));
		flat_write(f, at, &c, sizeof(c));
		flat_write(f, b, other, sizeof(other));
		f->cpu.regs.gpr[R_RBX] = CODE + 17;
		f->cpu.regs.gpr[R_RCX] = 3001;
		run(f, b, 30000);
		CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], 3000);
	}
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(more_code_than_there_is_room_for_runs_all_the_same),
	UNIT_TEST(too_little_memory_is_refused),
	UNIT_TEST(code_goes_with_its_page_and_no_other),
	UNIT_TEST(only_what_changes_is_dropped),
	UNIT_TEST(links_to_what_was_dropped_go),
	UNIT_TEST(what_copies_over_itself_is_noticed),
	UNIT_TEST(code_that_is_rewritten_all_the_time_needs_no_more_memory),
	UNIT_TEST(the_first_unit_may_be_a_loop_over_two_pages),
	UNIT_TEST(who_calls_what_changes_is_not_translated_each_time),
	UNIT_TEST(computed_jumps_read_over_a_pages_end),
	UNIT_END,
};
const struct unit_suite suite_evict = {"evict", tests};
