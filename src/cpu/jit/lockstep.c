/* --engine=lockstep: translated code runs a few instructions, everything is put back, the interpreter runs as
 * many, and the two results must be the same: registers, flags, vector and x87 state, how it stopped, and
 * every page that either wrote.
 *
 *	before --- translated ---> after      registers: copies
 *	   |                                  memory: the TLB's write tags go before each run, so the first
 *	   +------ interpreted --> after'     store to each page asks tlb_fill(), whose hook keeps the page
 *
 * What counts from then on is the interpreter's. On a difference the step is made again with less budget, then
 * more and more, so that the report is of the first unit that goes wrong.
 */
#include "cpu/interp.h"
#include "cpu/jit/lockstep.h"

#include "base/bug.h"
#include "mm/memory.h"
#include "mm/page.h"

/* tlb_fill() lets somebody write to @page. */
static void note_page(void *arg, void *page)
{
	struct lockstep *l = arg;

	for (unsigned i = 0; i < l->nr_pages; i++)
		if (l->pages[i] == page)
			return;
	if (l->nr_pages == LOCKSTEP_PAGES)
		BUG("lockstep: more pages written at once than there is room for");
	memcpy(l->before[l->nr_pages], page, PAGE_SIZE);
	l->pages[l->nr_pages++] = page;
}

static u64 frozen_tsc(void *arg)
{
	return ((struct lockstep *)arg)->tsc;
}

static void save_state(struct cpu *cpu, struct lockstep_state *s)
{
	fpu_sync(cpu);
	s->regs = cpu->regs;
	s->cc = (u16)cpu->cc;
	s->fpu = *cpu->fpu;
	s->random = cpu->random;
	s->stopped = cpu->stopped;
	s->exit = cpu->exit;
}

static void load_state(struct cpu *cpu, const struct lockstep_state *s)
{
	cpu->regs = s->regs;
	cpu->cc = s->cc;
	*cpu->fpu = s->fpu;
	fpu_reload(cpu);
	cpu->random = s->random;
	cpu->stopped = false;
	cpu->block = NULL;
}

/* Nobody is in the middle of a block any more: rip is true, the budget of what did not run is back. */
static void settle(struct cpu *cpu, const struct insn *next)
{
	const struct block *b = cpu->block;

	if (cpu->stopped || next == &cpu->code->again)
		return;
	cpu->regs.rip = b->base + (s64)next->off;
	cpu->budget += b->n - (next - b->insn);
}

/* Puts the pages back as they were; what they are is kept. */
static void undo_pages(struct cpu *cpu, struct lockstep *l)
{
	for (unsigned i = 0; i < l->nr_pages; i++) {
		struct page *page = virt_to_page(cpu->mem, l->pages[i]);

		memcpy(l->after[i], l->pages[i], PAGE_SIZE);
		if (!memcmp(l->after[i], l->before[i], PAGE_SIZE))
			continue;
		page_code_dirty(cpu->mem, page);
		memcpy(l->pages[i], l->before[i], PAGE_SIZE);
	}
	l->nr_undone = l->nr_pages;
}

/* Runs the interpreter alone. */
static void interpret(struct cpu *cpu, struct jit *j, s64 budget)
{
	j->lock->off = true;
	cpu->budget = budget;
	cpu->resume = block_enter(cpu);
	while (!cpu->stopped)
		cpu->resume->fn(cpu, cpu->resume);
	j->lock->off = false;
}

/* ---- Comparing --------------------------------------------------------------------------------------- */

static u64 used_bits(const struct fpu_state *f)
{
	return get64(f->area + XS_BV);
}

/* A part that is not in use is all zero. */
static bool part_equal(const struct fpu_state *a, const struct fpu_state *b, u64 bits, u32 at,
		       u32 size)
{
	for (u32 i = 0; i < size; i++) {
		u8 x = used_bits(a) & bits ? a->area[at + i] : 0;
		u8 y = used_bits(b) & bits ? b->area[at + i] : 0;

		if (x != y)
			return false;
	}
	return true;
}

static const char *fpu_differs(const struct fpu_state *a, const struct fpu_state *b)
{
	if (memcmp(a->area, b->area, FX_FOP) || memcmp(a->area + FX_ST0, b->area + FX_ST0, 128))
		return "x87 state";
	if (memcmp(a->area + FX_MXCSR, b->area + FX_MXCSR, 4))
		return "mxcsr";
	if (memcmp(a->area + FX_XMM0, b->area + FX_XMM0, 256))
		return "xmm";
	if (!part_equal(a, b, XS_BIT_AVX | XS_BITS_AVX512, XS_YMM_HI, 256))
		return "upper halves of ymm";
	if (!part_equal(a, b, XS_BITS_AVX512, XS_OPMASK, XS_SIZE - XS_OPMASK))
		return "AVX-512 state";
	return NULL;
}

/* An unmasked exception has set its flag in MXCSR already, of an instruction that the interpreter does again. */
static void forgive_flags(struct fpu_state *jit, const struct fpu_state *ref)
{
	u32 x = get32(jit->area + FX_MXCSR), y = get32(ref->area + FX_MXCSR);

	if ((x | y) == x && !((x ^ y) & ~MXCSR_FLAGS))
		memcpy(jit->area + FX_MXCSR, &y, sizeof(y));
}

static const char *exit_differs(const struct lockstep_state *a, const struct lockstep_state *b)
{
	const struct cpu_exit *x = &a->exit, *y = &b->exit;

	if (!a->stopped) /* the interpreter stopped because it was told to */
		return b->exit.why == CPU_BUDGET ? NULL : "how it stopped";
	if (x->why != y->why)
		return "how it stopped";
	if (x->why == CPU_EXCEPTION && (x->vector != y->vector || x->error_code != y->error_code ||
					(x->vector == X86_PF && x->cr2 != y->cr2)))
		return "exception";
	return NULL;
}

static const char *pages_differ(struct lockstep *l)
{
	for (unsigned i = 0; i < l->nr_pages; i++) {
		const u8 *jit = i < l->nr_undone ? l->after[i] : l->before[i];

		if (memcmp(jit, l->pages[i], PAGE_SIZE)) {
			for (l->differs_at = 0;
			     jit[l->differs_at] == ((u8 *)l->pages[i])[l->differs_at];)
				l->differs_at++;
			l->differs_page = i;
			return "memory";
		}
	}
	return NULL;
}

static const char *differs(struct lockstep *l, const struct lockstep_state *a,
			   const struct lockstep_state *b)
{
	const char *what;

	if (a->regs.rip != b->regs.rip)
		return "rip";
	if (memcmp(a->regs.gpr, b->regs.gpr, sizeof(a->regs.gpr)))
		return "general registers";
	if (a->cc != b->cc || a->regs.flags != b->regs.flags)
		return "flags";
	if (memcmp(&a->regs.fs_base, &b->regs.fs_base,
		   sizeof(a->regs) - offsetof(struct cpu_regs, fs_base)))
		return "segments or x87 pointers";
	what = exit_differs(a, b);
	if (!what)
		what = fpu_differs(&a->fpu, &b->fpu);
	return what ? what : pages_differ(l);
}

/* ---- A step ------------------------------------------------------------------------------------------- */

static void forget_pages(struct cpu *cpu, struct lockstep *l)
{
	l->nr_pages = l->nr_undone = 0;
	tlb_drop_write_tags(&cpu->tlb);
}

/* One comparison, from the true rip. @budget: for the translated side. Retired instructions, 0: it did nothing;
 * and what differs in *@what. */
static s64 step(struct cpu *cpu, struct jit *j, struct jit_unit *u, s64 budget, const char **what)
{
	struct lockstep *l = j->lock;
	s64 done;

	*what = NULL;
	save_state(cpu, &l->pre);
	forget_pages(cpu, l);
	cpu->budget = budget;
	l->trapped = false;
	settle(cpu, jit_execute(cpu, u));
	cpu->jit.first = false; /* rip says it all */
	done = budget - cpu->budget;
	save_state(cpu, &l->jit);
	undo_pages(cpu, l);
	load_state(cpu, &l->pre);
	if (!done && !l->jit.stopped)
		return 0;

	tlb_drop_write_tags(&cpu->tlb);
	interpret(cpu, j,
		  done + (l->jit.stopped && l->jit.exit.why == CPU_EXCEPTION &&
			  l->jit.exit.vector != X86_BP && l->jit.exit.vector != X86_DB));
	save_state(cpu, &l->ref);
	if (l->trapped)
		forgive_flags(&l->jit.fpu, &l->ref.fpu);
	*what = differs(l, &l->jit, &l->ref);
	l->steps++;
	return done;
}

/* Goes back to before the step. */
static void go_back(struct cpu *cpu, struct lockstep *l)
{
	undo_pages(cpu, l);
	load_state(cpu, &l->pre);
}

/* The same step again, with a budget that grows until it goes wrong: what ran last is to blame. */
static void find_first(struct cpu *cpu, struct jit *j, struct jit_unit *u, s64 all)
{
	struct lockstep *l = j->lock;
	const char *what = NULL;
	s64 done;

	for (s64 budget = u->n; budget <= all && !what; budget++) {
		go_back(cpu, l);
		done = step(cpu, j, u, budget, &what);
		if (what)
			l->describe(j, done, what);
	}
	l->end(j, cpu->jit.site ? &j->units[j->sites[(u32)cpu->jit.site].unit] : u, what);
}

bool jit_holds_interrupt(struct jit *j)
{
	if (!j->lock || !j->lock->comparing)
		return false;
	j->lock->interrupted = true;
	return true;
}

const struct insn *jit_lockstep(struct cpu *cpu, struct jit_unit *u)
{
	struct jit *j = cpu->code->jit;
	struct lockstep *l = j->lock;
	s64 budget, chunk, done;
	u64 (*read_tsc)(void *) = cpu->read_tsc;
	void *arg = cpu->read_tsc_arg;
	const char *what;

	cpu->regs.rip = u->block->rip;
	l->comparing = true;
	if (cpu->interrupt) {
		l->comparing = false;
		return &cpu->code->again;
	}
	budget = cpu->budget;
	l->turn = l->turn * 6364136223846793005UL + 1442695040888963407UL;
	chunk = (s64)(l->turn >> 33) & ((8 << (l->turn >> 61)) - 1);
	chunk = min(budget, u->n + chunk);
	l->tsc = read_tsc ? read_tsc(arg) : __builtin_ia32_rdtsc();
	cpu->read_tsc = frozen_tsc;
	cpu->read_tsc_arg = l;
	cpu->tlb.on_write = note_page;
	cpu->tlb.on_write_arg = l;

	done = step(cpu, j, u, chunk, &what);
	if (what) {
		l->describe(j, done, what);
		find_first(cpu, j, u, chunk);
	}

	cpu->tlb.on_write = NULL;
	cpu->read_tsc = read_tsc;
	cpu->read_tsc_arg = arg;
	cpu->budget = budget - done;
	l->comparing = false;
	if (l->interrupted) {
		l->interrupted = false;
		cpu_interrupt(cpu);
	}
	if (!done && !cpu->stopped) { /* less budget than the unit wants */
		j->off_once = true;
		return &cpu->code->again;
	}
	if (cpu->stopped && cpu->exit.why != CPU_BUDGET)
		return NULL;
	cpu->stopped = false;
	return &cpu->code->again;
}
