/* What files of cpu/jit share. docs/jit.md is the map.
 *
 *	unit   the translation of one block, for one way in which the guest's flags arrive (struct jflags)
 *	site   a place in a unit that may leave it: what C must know to make the guest's state precise there
 *	stub   shared code made once: entry, exits, slow paths (stubs.c)
 *
 * Each header uses those above it:
 *
 *	emit.h host.h		host instructions, and what translated code has where
 *	unit.h rules.h		what is made, and by which rule
 *	tr.h			one being made
 *	internal.h		struct jit, which has all of them; what each file does for the others
 *	operand.h group.h	accesses to memory
 *	run.h lockstep.h	what runs
 */
#ifndef CPU_JIT_INTERNAL_H
#define CPU_JIT_INTERNAL_H

#include "cpu/block.h"
#include "cpu/insn.h"
#include "cpu/jit/host.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/rules.h"
#include "cpu/jit/tr.h"
#include "cpu/jit/unit.h"

/* Entries of a block before it is translated; a jump from translated code counts more, as leaving costs more than
 * interpreting a block does. And so many times as many before what follows is translated with it. */
#define JIT_HOT 200
#define JIT_HOT_TRACE 26
#define JIT_HOT_TRACE_TEST 2
#define JIT_HOT_LOCKSTEP 2
#define JIT_HEAT_CHAINED 20
/* Translations of one block for different flags; one more is the general one. */
#define JIT_MAX_VERSIONS 6

struct lockstep;

/* A part of the code memory and of each table: filled one after the other, emptied as a whole. evict.c. */
struct jit_gen {
	u32 code, code_end;   /* offsets */
	u32 units, units_end; /* numbers: from, and the first that is not its own */
	u32 sites, sites_end;
	u32 traps, traps_end;
	u32 parts, parts_end;
	u32 used_units, used_sites,
		used_traps; /* the first that is not in use; of the running one: nr_* */
};
#define JIT_MAX_GENS 16
#define JIT_LEAST_GEN (72UL << 10) /* bytes of code: more than the longest unit may have */

struct jit {
	struct code_cache *cache;
	u8 *write, *exec; /* the code, twice */
	u64 size;
	u8 *next,
		*limit; /* writable mapping: the room of the running generation, used from both ends */
	u8 *first;	/* behind the stubs */
	u64 l1_mask;	/* of the TLB: see struct tlb */
	u16 hot;	/* JIT_HOT, or less */
	u32 heat_step;	       /* what an entry adds to cpu_jit.heat */
	struct lockstep *lock; /* NULL: not in lockstep */
	bool off_once;	      /* the next block is interpreted: what it stores to is its own code */
	bool one_unit;	      /* make no links: each unit returns to C */
	bool counts;	      /* translated code counts: struct jit_ran */
	bool has_bmi2;	      /* the host: rorx */
	bool host_adds_flags; /* shifts by a constant leave no flag as it was */
	void (*enter)(struct cpu *cpu, const void *code);
	const u8 *miss[2], *stack[2], *handler, *leave, *lazy, *find, *check_page,
		*check_seam; /* stubs, writable mapping */
	/* By hash; 0 is never used. Those of seams, the last, keep their numbers until all code goes. */
	struct jit_page pages[TLB_PAGES + TLB_SEAMS];
	struct cpu *cpu; /* the last that came */
	struct jit_unit *units;
	struct jit_site *sites;
	struct jit_trap *traps;
	struct jit_part *parts;
	u32 nr_units, nr_sites, nr_traps,
		nr_parts; /* the next of the running generation; number 0 is never used */
	u32 max_units, max_sites, max_traps, max_parts; /* the first that is not its own */
	struct jit_gen gens[JIT_MAX_GENS];
	u32 nr_gens, gen;
	/* What jit_tlb_miss() found, right before the unit is left: tlb_open()'s answer, 0: no fault; and its page. */
	u32 fault;
	gva_t fault_page;
	bool full;   /* something found no room: jit_evict() when nobody stands in a unit */
	u32 calling; /* a handler runs for this unit ... */
	/* ... which it finds here alone, in a block of its own: run.c */
	u8 mini[sizeof(struct block) + 2 * sizeof(struct insn)] __attribute__((aligned(16)));
	u16 *row_rule; /* by row: index of jit_rules[], and 1; 0: nobody has asked yet */
	struct jit_counters count;
	void *gdb;	  /* what gdb has been told: names.c ... */
	u64 gdb_units;	  /* ... when so many had been made */
	struct tr tr;	  /* of the translation being made */
	u64 *row_handled; /* by row: runs of its handler for translated code ... */
	u64 *row_left;	  /* ... times that translated code was left for it */
	u64 *row_made;	  /* by row: translations by its rule */
};

/* The part of @u with instruction @k. */
static inline const struct jit_part *jit_part_of(const struct jit *j, const struct jit_unit *u,
						 unsigned k)
{
	u32 p = u->parts + u->nr_parts - 1;

	while (j->parts[p].first > k)
		p--;
	return &j->parts[p];
}

/* The frame in which @b has bytes of the page of @rip; NO_PFN: none. */
static inline u64 jit_frame_at(const struct block *b, gva_t rip)
{
	if (!((b->rip ^ rip) & PAGE_MASK))
		return b->pfn[0];
	return (b->rip | ~PAGE_MASK) + 1 == (rip & PAGE_MASK) ? b->pfn[1] : NO_PFN;
}

/* rules.c: looks for the rule of @row and notes it. Most rows never occur, and a short program has no time. */
const struct jit_rule *jit_find_rule(const struct jit *j, unsigned row);
static inline const struct jit_rule *jit_rule_of(const struct jit *j, unsigned row)
{
	unsigned i = j->row_rule[row];

	return likely(i) ? &jit_rules[i - 1] : jit_find_rule(j, row);
}

/* stubs.c: writes the shared code at j->next. */
void jit_make_stubs(struct jit *j);

/* translate.c: the unit of @b for flags that arrive as @ctx. NULL: no room. */
struct jit_unit *jit_translate(struct jit *j, struct cpu *cpu, struct block *b,
			       const struct jflags *ctx, u8 tier);
/* trace.c: the blocks of the unit that begins with @b; @alone: no other. */
void jit_choose_parts(struct tr *t, struct cpu *cpu, struct block *b, bool alone);
void jit_add_part(struct tr *t, struct block *b);
/* Whether one of the first @nr parts is on the page of @rip: then that is known to be where it was. */
bool jit_has_page(const struct tr *t, unsigned nr, gva_t rip);
/* Whether a trace that begins with @b might have another block. */
bool jit_may_go_on(const struct jit *j, const struct block *b);
/* Whether a unit of @n instructions in @parts has room in the running generation; what is refused now must have some in one
 * that is empty (JIT_LEAST_GEN), else it would be tried for ever. */
bool jit_has_room(struct jit *j, unsigned n, unsigned parts);
/* What stands out of line; the unit is one of its block's from now on. */
void jit_end_unit(struct tr *t);
u32 jit_add_site(struct tr *t, enum site_kind kind);
/* Flags and registers are as a unit's key says. */
void jit_begin_state(struct tr *t, const struct jflags *ctx);
/* The part of instruction @k. */
unsigned jit_part_at(const struct tr *t, unsigned k);
/* Leaves for instruction k when the branch before is taken. */
void jit_todo_leave(struct tr *t, u8 *jcc, u32 site);
/* The instruction may raise SIGFPE: call right before it is emitted. */
void jit_add_trap(struct tr *t);
/* ahead.c. Who may look at flags, from the end of the block; and what the unit needs. An instruction that may fault, or
 * that a handler does, looks at all of them. */
void jit_look_ahead(struct tr *t);
bool jit_needed_before(const struct tr *t);
/* Instruction k leaves all arithmetic flags anew, whatever they were. */
bool jit_writes_all_flags(const struct tr *t);

/* One instruction each; false: there is no way, a handler has to do it. */
bool jit_tr_gpr(struct tr *t);
bool jit_tr_vec(struct tr *t);
bool jit_tr_lea(struct tr *t);
bool jit_tr_push(struct tr *t);
bool jit_tr_pop(struct tr *t);
bool jit_tr_leave(struct tr *t);
bool jit_tr_branch(struct tr *t);
/* branch.c: the same where the unit goes on with its next part. */
void jit_tr_branch_on(struct tr *t);
/* Ends the unit with a jump to @target. */
void jit_end_goto(struct tr *t, gva_t target);
/* vec.c: FIP and FOP of what has run into struct cpu, for an exit. */
void jit_x87_settle(struct tr *t);
void jit_end_insn(struct tr *t);
/* Out of line: leaves the unit in its midst, for what site @s says, with the budget of what will not run. */
void jit_emit_exit(struct tr *t, const struct cold *s);
/* Out of line: a computed jump to an address that the unit does not go on at, which is in H_S2. */
void jit_emit_find(struct tr *t, const struct cold *s);
/* Branch @jcc does that; flags may be in the host's only. */
void jit_todo_exit(struct tr *t, u8 *jcc, u32 site);
/* Are the pages of this part where they were, if no part before it has asked? */
void jit_emit_page_checks(struct tr *t, unsigned part);
/* Out of line: a page is not known to be. */
void jit_emit_seam(struct tr *t, const struct cold *s);
/* chain.c: the number of @page for that, which is at @addend now; 0: there is none left. */
u32 jit_seam_number(struct jit *j, gva_t page, u64 addend);

/* reencode.c. The guest's instruction again, with these operands: modrm.reg and a register or memory for E. */
void jit_reencode(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m, int vvvv);

/* regmap.c. The place of @gpr, or who is there. */
unsigned jit_map_place(u32 map, unsigned gpr);
/* From guest registers to places, or back: what C sees, a recipe, the decoded instruction. */
void jit_map_regs(struct cpu *cpu, u32 map);
void jit_map_flags(struct jflags *f, u32 map);
void jit_map_operands(struct tr *t);
/* Registers change places so that they are as @map says; touches no flag, uses H_S0. */
void jit_map_change(struct tr *t, u32 map);
/* The map that is best for the unit, coming from t->map. */
u32 jit_map_choose(const struct tr *t);
static inline unsigned jit_place(const struct tr *t, unsigned gpr)
{
	return jit_map_place(t->map, gpr);
}

/* gpr.c: bytes of the E operand in memory. */
unsigned jit_memory_size(const struct insn_row *row, unsigned width);

/* flags.c */
/* The flags as cpu->cc has them. Registers are in cpu->regs; @host: the host's flags as they were. Core. */
u64 jit_flags_eval(const struct cpu *cpu, const struct jflags *f, u64 host);
void jit_fl_clobber(struct tr *t);	 /* the host's flags are about to be lost */
void jit_fl_to_host(struct tr *t);	 /* somebody reads them; uses H_S0 */
void jit_fl_carry_to_host(struct tr *t); /* ... CF alone; t->host stays as it is */
void jit_fl_unlazy(struct tr *t);  /* JF_LAZY becomes JF_CC: before H_S1 and H_S2 hold anything */
void jit_fl_to_lazy(struct tr *t); /* for an exit whose target is not known */
void jit_fl_settle(struct tr *t);  /* for an exit: no longer in the host's flags only */
void jit_fl_reg_write(struct tr *t, unsigned gpr); /* a register is about to change */
void jit_fl_rsp_moves(struct tr *t, s32 by);	   /* rsp is about to change by a constant */
/* Before inc and dec: CF is where recipe @f keeps it, and in the host's flags. Uses H_S0. */
void jit_fl_keep_carry(struct tr *t, const struct jflags *f);
/* CF is known without the host's flags: the carry of a recipe for inc and dec (b and imm of @f). */
bool jit_fl_carry(const struct tr *t, struct jflags *f);
void jit_fl_set(struct tr *t, const struct jflags *f); /* written by the instruction */

/* In the struct tlb_code of the current space: behind the table that gs is. */
static inline struct hmem code_mem(const struct jit *j, u32 off)
{
	return (struct hmem){.base = -1,
			     .index = -1,
			     .gs = true,
			     .disp = (s32)(j->l1_mask + sizeof(struct tlb_entry) + off)};
}

#endif
