/* The cache of decoded blocks.
 *
 *   page of code ----+-- block: insn insn insn jcc --link[0]--> block of the same page
 *   (frame, virtual) |                         \----link[1]--> another
 *                    +-- block: ... jmp --(jump cache, checked by the exec TLB)--> any page
 *
 * A block holds at most BLOCK_MAX instructions of one page, and belongs to a frame, a virtual page
 * and a mode. An instruction that crosses into the next page is a block of its own, checked
 * against both frames each time it is entered, and never linked. Links join blocks of one page. A store
 * drops the blocks that it changes bytes of, and their links; the frame stays write-protected in the TLB while it has
 * others. Which of its lines of 64 bytes may have code is known, so a store beside code costs no search. A
 * dropped block stays readable until the arena is flushed as a whole, and that happens between
 * blocks only.
 */
#ifndef CPU_BLOCK_H
#define CPU_BLOCK_H

#include "cpu/decode.h"

struct jit;

#define BLOCK_MAX 64

/* Part of the key: code that was decoded another way. */
#define MODE_SINGLE 1  /* one instruction a block: EFLAGS.TF, the tail of a budget */
#define MODE_CAREFUL 2 /* EFLAGS.AC: memory operands check alignment */

#define NO_PFN (~0UL)
/* What no look-up ever returns: NULL is what a failed one does. */
#define NO_HOST ((const u8 *)~0UL)

struct block {
	gva_t base;	       /* regs.rip while it runs: start of the page (see insn_base()) */
	gva_t rip;	       /* of the first instruction */
	const u8 *host;	       /* its bytes, host address; NO_HOST: dropped */
	struct block *link[2]; /* not taken / only way, taken; NULL: look up */
	struct block *hash_next;
	struct block *frame_next[2]; /* lists of code_cache.frames */
	pfn_t pfn[2]; /* frames with bytes of it; [1] == NO_PFN if it does not cross */
	u16 n;	      /* instructions, the terminator not counted */
	u8 mode;
	bool dead;	 /* dropped: make no link, do not run again */
	s16 heat;	 /* jit/: entries so far, less what it must prove: see first_heat() */
	u32 units;	 /* jit/: translations that begin with it, 0: none */
	u32 parts;	 /* jit/: those that have it */
	u32 general;	 /* jit/: the one to enter it by, 0: nobody has looked */
	op_fn *first_fn; /* jit/: insn[0]'s own handler; NULL: not translated ever */
	struct insn insn[];
};

/* Jump cache: by rip, any page. */
struct jump {
	gva_t rip;
	struct block *block;
};
#define NR_JUMPS 4096

#define NR_HASH (1U << 17)
#define NR_FRAMES 4096
#define NR_CHANGED 4096

struct code_cache {
	struct memory *mem;
	u8 *arena, *arena_next, *arena_end; /* blocks; host memory reserved in code_cache_new() */
	struct code_counters count;
	struct decoder decoder;
	struct insn again;		 /* pseudo instruction: look regs.rip up and go on */
	struct jump jumps[NR_JUMPS];	 /* normal mode only */
	struct block *hash[NR_HASH];	 /* by host address of the code */
	struct block *frames[NR_FRAMES]; /* by pfn ... */
	u64 lines[NR_FRAMES];	/* ... where these have bytes, or had: bits by lines of 64 */
	u8 changed[NR_CHANGED]; /* by line of code: how often blocks were dropped */
	u32 beside;		/* of changes_beside: see code_cache_dirty() */
	void *thunks;		/* thunk.c's own */
	struct jit *jit;	/* NULL: all is interpreted */
};

/* Prepares the parts of @c that need no host: tables, counters, pseudo instructions. @c is all zero, @arena
 * has @size bytes, for blocks, and stays the caller's. Not core; the rest of this header is. */
void code_cache_setup(struct code_cache *c, struct memory *mem, void *arena, u64 size);
/* memory.h's code_dirty hook: @len bytes of the frame change, or it is freed, by a guest store or by the kernel. Drops
 * blocks with such bytes; one that is running is ended behind the store. */
void code_cache_dirty(void *cache, struct page *page, unsigned off, unsigned len);
/* How often blocks that began near @host were dropped because they changed, up to 255. */
unsigned code_changes_of(const struct code_cache *c, const u8 *host);

/**
 * block_enter - what to run at regs.rip
 *
 * Finds or decodes the block at cpu->regs.rip (the true rip here), charges the budget for it and
 * makes it cpu->block.
 *
 * Return: its first instruction; or, when the CPU stopped (fetch fault, budget, interrupt), a
 * pseudo instruction that just returns.
 */
const struct insn *block_enter(struct cpu *cpu);

/* The block of normal mode at @rip, if the first TLB level has the page and somebody has decoded it; else NULL. */
struct block *block_seen(struct cpu *cpu, gva_t rip);
/* The block of normal mode at @rip, whose code is at @host, if there is one on one page. */
struct block *block_known(const struct code_cache *c, gva_t rip, const u8 *host);

/* Ends the running block, going to @target, an address that link @slot always leads to; makes the
 * link if both are of one page. */
const struct insn *block_goto(struct cpu *cpu, unsigned slot, gva_t target);

/* Host address of the byte at @rip if the first TLB level has it executable, else NULL. */
static __always_inline_ const u8 *exec_lookup(struct cpu *cpu, gva_t rip)
{
	return tlb_lookup(&cpu->tlb, rip, 1, TLB_EXEC);
}

/* Makes @b the running block, charging its instructions. */
static __always_inline_ const struct insn *block_run(struct cpu *cpu, struct block *b)
{
	cpu->budget -= b->n;
	cpu->block = b;
	cpu->regs.rip = b->base;
	return b->insn;
}

/* The same when the block before has the same base. */
static __always_inline_ const struct insn *block_run_linked(struct cpu *cpu, struct block *b)
{
	cpu->budget -= b->n;
	cpu->block = b;
	return b->insn;
}

static __always_inline_ bool block_may_run(const struct cpu *cpu, const struct block *b)
{
	return likely(cpu->budget >= b->n) && likely(!cpu->interrupt);
}

/* What cpu_interrupt() takes from the budget for the time being: translated code looks at nothing else. */
#define INTERRUPT_BUDGET (1L << 62)
static inline void interrupt_settle(struct cpu *cpu)
{
	if (unlikely(cpu->budget < -INTERRUPT_BUDGET / 2))
		cpu->budget += INTERRUPT_BUDGET;
}

static __always_inline_ unsigned jump_hash(gva_t rip)
{
	return (rip ^ (rip >> 12)) & (NR_JUMPS - 1);
}

/* Ends the running block with a jump to a computed @target. */
static __always_inline_ const struct insn *block_jump(struct cpu *cpu, gva_t target)
{
	struct jump *j = &cpu->code->jumps[jump_hash(target)];
	struct block *b = j->block;

	if (likely(j->rip == target && b) && likely(b->mode == cpu->block->mode) &&
	    likely(exec_lookup(cpu, target) == b->host) && block_may_run(cpu, b))
		return block_run(cpu, b);
	cpu->regs.rip = target;
	return &cpu->code->again;
}

#endif
