/* The translator: hot blocks of guest code become host code. What the rest of cpu/ sees of it.
 *
 *	block.c build() --> jit_adopt() --> op_heat counts entries --> hot: translated, op_jit runs it
 *	block.c drop()  --> jit_drop()       a block's translations go, jumps to them are taken back
 *	block.c flush() --> jit_flush()      all go
 *
 * The interpreter knows nothing of it: a block's first instruction has another handler, and that is all. So
 * a machine without a translator pays nothing. docs/jit.md says how translated code is made. Core, but for
 * jit_new() and jit_free().
 */
#ifndef CPU_JIT_JIT_H
#define CPU_JIT_JIT_H

#include "base/types.h"

struct block;
struct code_cache;
struct cpu;
struct jit;
struct jit_options;

/* For --stats. */
struct jit_counters {
	u64 units, parts, insns;     /* made: translations, blocks in them, their instructions, */
	u64 host_bytes, cold_bytes;  /* their code, and what stands out of line */
	u64 moved;		     /* of them change places of registers at the entry: regmap.c */
	u64 lookups;		     /* in them: TLB look-ups, */
	u64 grouped;		     /* accesses that need none of their own */
	u64 flag_saves, flag_spills; /* ... and what is done for flags that nobody may ever read */
	u64 links, dropped, flushes; /* jumps made direct; units gone with their page; all gone */
	u64 evictions, evicted;	     /* generations emptied to make room; their units */
	u64 enters, leaves;   /* from C into translated code; out of it, for the interpreter */
	u64 misses, handlers; /* look-ups that missed; instructions by the interpreter's handler */
	u64 ran;	      /* instructions of translated code, these handlers' included */
};
/* Since jit_new(). */
const struct jit_counters *jit_counters(const struct jit *j);
/* Names the instruction whose handlers have run for translated code the @n-th most often, and how often; NULL: there
 * is none. For reports: it looks through all of them. */
const char *jit_handled(const struct jit *j, unsigned n, u64 *times);
/* The same of instructions that translated code was left for. */
const char *jit_left(const struct jit *j, unsigned n, u64 *times);

/* For tests: whether the row has a rule, and how often an instruction of it was translated by that. */
bool jit_has_rule(const struct jit *j, unsigned row);
u64 jit_translated(const struct jit *j, unsigned row);

/* A translation. */
struct jit_code {
	const void *code;
	u64 size;  /* bytes */
	gva_t rip; /* guest address that it begins with */
	pfn_t pfn; /* frame that this was in */
};
/* The next behind number *@n, 0 for the first; false: there is no other. Also what is dropped, if its code is still
 * there. */
bool jit_next_code(const struct jit *j, u32 *n, struct jit_code *c);
/* Tells gdb, which may be attached or come later, of all translations, if many are new to it. Outside cpu_run(). */
void jit_gdb_tell(struct jit *j);
void jit_gdb_forget(struct jit *j);

#define JIT_DEFAULT_SIZE (64UL << 20) /* bytes of code; touched as it is made */
#define JIT_LEAST_SIZE (256UL << 10)
#define JIT_MOST_SIZE (1UL << 30) /* jumps and offsets reach all of it */

/* The translator of @c; @c->jit is set by the caller. ERR_PTR of what code_cache_translate() returns. */
struct jit *jit_new(struct code_cache *c, const struct jit_options *o);
/* No CPU may run with it any more. */
void jit_free(struct jit *j);

/* A new block of normal mode. */
void jit_adopt(struct jit *j, struct block *b);
void jit_drop(struct jit *j, struct block *b);
/* With the blocks of the cache, which are gone already or go next. */
void jit_flush(struct jit *j);
/* @cpu is no more. */
void jit_forget_cpu(struct jit *j, const struct cpu *cpu);
/* Lockstep is comparing, and will call cpu_interrupt() when it has. */
bool jit_holds_interrupt(struct jit *j);
/* What a handler that ran for translated code leaves for: see interp.h, op_again. True: return at once. */
bool jit_leaves(struct cpu *cpu);

#endif
