/* What files of cpu/jit share. docs/jit.md is the map.
 *
 *	unit   the translation of one block, for one way in which the guest's flags arrive (struct jflags)
 *	site   a place in a unit that may leave it: what C must know to make the guest's state precise there
 *	stub   shared code made once: entry, exits, slow paths (stubs.c)
 *
 * Registers of translated code are docs/adr/0001's: rsp is struct cpu, gs the TLB's table, guest rsp in r8,
 * guest r8 to r11 in memory, r9 to r11 scratch; the others are themselves.
 */
#ifndef CPU_JIT_INTERNAL_H
#define CPU_JIT_INTERNAL_H

#include "cpu/block.h"
#include "cpu/insn.h"
#include "cpu/jit/emit.h"
#include "cpu/jit/jit.h"

/* Scratch registers, and where guest rsp is. */
#define H_S0 9	/* operands; the number of a site on the way out */
#define H_S1 10 /* the TLB's index, then the addend */
#define H_S2 11 /* the tag; a base that lives in memory */
#define H_GSP 8
#define H_CPU 4

/* Entries of a block before it is translated; a jump from translated code counts more, as leaving costs more than
 * interpreting a block does. And so many times as many before what follows is translated with it. */
#define JIT_HOT 200
#define JIT_HOT_TRACE 26
#define JIT_HOT_TRACE_TEST 2
#define JIT_HOT_LOCKSTEP 2
#define JIT_HEAT_CHAINED 20
/* Translations of one block for different flags; one more is the general one. */
#define JIT_MAX_VERSIONS 6

/*
 * Where the guest's arithmetic flags are, and how to make them. They are hardly ever saved: mostly the last
 * instruction that wrote them can be repeated, because its operands are still there.
 */
enum jf_kind {
	JF_HOST, /* in the host's flags and nowhere else; never across units */
	JF_CC,	 /* in cpu->cc */
	JF_LAZY, /* cpu->jit.lazy says; what a unit's general entry expects */
	/* From here on: what to compute, of @width, from values @a and @b. */
	JF_ADD,	 /* a is the result of x + b */
	JF_SUB,	 /* a is the result of x - b */
	JF_NEG,	 /* a is the result of -x */
	JF_CMP,	 /* a - b */
	JF_TEST, /* a & b */
	JF_INC,	 /* a is the result of x + 1; CF is that of before: bit 0 of b */
	JF_DEC,
	JF_SHL, /* a << b, b a constant that is not 0 */
	JF_SHR,
	JF_SAR,
};

/* Values: a guest register by number, as it is now; copies made before one changed; a constant. */
#define JV_SPILL 16 /* and 17: cpu->jit.spill[] */
#define JV_IMM 18
#define JV_NONE 19

struct jflags {
	u8 kind, width, a, b;
	s32 imm;   /* of JV_IMM */
	s32 delta; /* what has been added to rsp since, if a is rsp */
	u32 map;   /* and registers: regmap.c; of a site or a unit's key, elsewhere 0 */
};

/* The flags as cpu->cc has them. Registers are in cpu->regs; @host: the host's flags as they were. Core. */
u64 jit_flags_eval(const struct cpu *cpu, const struct jflags *f, u64 host);

static inline bool jflags_equal(const struct jflags *x, const struct jflags *y)
{
	return !memcmp(x, y, sizeof(*x));
}

enum site_kind {
	SITE_INSN,   /* leaves for the interpreter at instruction k, which has changed nothing */
	SITE_BUDGET, /* less budget than the unit needs: nothing of it has run */
	SITE_NEEDS,  /* vector state is not loaded yet: nothing of it has run */
	SITE_HOT,    /* entered often enough for a trace: nothing of it has run */
	SITE_PLAIN, /* a group's look-up failed: a plainer unit instead; nothing has run from k on */
	SITE_GOTO,  /* goes to @target, which is not linked (yet) */
	SITE_LEFT,  /* a handler that ran for instruction k did not come back */
};

struct jit_site {
	u8 kind;
	u8 k; /* instruction of the unit */
	u32 unit;
	struct jflags fl;
	gva_t target; /* SITE_GOTO */
	/* SITE_GOTO, offsets in the code: the jump's end, the stub, where a jump to another page says which of
	 * tlb_code.page it looks at (0: same page). */
	u32 jump, stub, page;
	u32 to;		      /* unit that it is linked to; 0: none */
	u32 next_in, prev_in; /* list of the sites that are linked to the same unit */
};

/* A block of a unit, in the order of its instructions. */
struct jit_part {
	struct block *block;
	u32 unit;
	u32 next;  /* another part that is this block; 0: none */
	u32 first; /* number of its first instruction in the unit */
};

/* A page, where it was when a jump from another page was linked to it. */
struct jit_page {
	gva_t page;
	u64 addend; /* 0: none is here */
};

struct jit_unit {
	struct block *block; /* the first */
	struct jflags ctx;   /* how flags arrive */
	u32 code, end;	     /* offsets */
	u32 cold, cold_end;  /* what stands out of line */
	u32 first_in;	     /* sites that are linked to it */
	u32 next;	     /* another unit that begins with the block; 0: none */
	gva_t rip;	     /* where that is, still known when the block is not */
	u32 parts, nr_parts; /* jit.parts */
	u32 traps, nr_traps; /* jit.traps: where the host may raise SIGFPE */
	u16 n;		     /* instructions that its entry charges */
	u8 needs;	     /* JIT_NEEDS_* */
	u8 tier;	     /* JIT_TRACE ... */
	bool loop;	     /* it ends at its own top */
	bool dead;
};
/* What is made of a block: the best first. Where one cannot go on at its entry, the next does. */
#define JIT_TRACE 0 /* blocks that follow, too */
#define JIT_FIRST                                                                                  \
	1 /* it alone, counting its entries: when there have been some, a trace takes its place */
#define JIT_BLOCK 2 /* it alone */
#define JIT_PLAIN 3 /* ... and each access looks for itself */
#define JIT_NEEDS_X87 1
#define JIT_NEEDS_AVX 2
#define JIT_NEEDS_AVX512 4

/* An instruction that may raise SIGFPE, by where it stands. */
struct jit_trap {
	u32 at;
	u32 site;
};

/* Where @rip stands in struct tlb_code: emit_find_target() does the same. */
#define JIT_JUMP_FACTOR 0x9e3779b1U
static inline u32 jit_jump_hash(gva_t rip)
{
	return (u32)rip * JIT_JUMP_FACTOR >> (32 - TLB_JUMPS_LOG);
}

/* Where the block at @rip has its count in cpu_jit.heat; it may be others', too. Neighbours are neighbours. */
static inline u32 jit_heat_hash(gva_t rip)
{
	return (u32)(rip >> 3) % (1U << JIT_HEATS_LOG);
}

/* And where its computed jump is in cpu_jit.way; others' may overwrite it. */
static inline u32 jit_way_hash(gva_t rip)
{
	return (u32)rip * JIT_JUMP_FACTOR >> (32 - JIT_WAYS_LOG);
}

/* What a row of rules.def says. */
struct jit_rule {
	op_fn *const *set;
	u8 kind;
	u8 flags; /* enum jf_kind; JF_HOST: nothing to repeat */
	u16 roles;
};

/* One translation being made. */
struct stub_todo {
	u8 kind; /* enum todo */
	u8 acc;
	bool constant;	/* TODO_MISS: the address is known */
	bool tag_in_s0; /* ... or the tag in H_S0, not in H_S2 */
	bool cc;	/* TODO_EXIT: flags are in the host's and nowhere else */
	u8 x87;		/* ... as in struct tr */
	const u8 *stub; /* TODO_CALL */
	u8 *jcc;	/* where the branch's offset field ends */
	u8 *top;	/* TODO_MISS: where to try again */
	u32 site;
	u32 index; /* TODO_FIND: the site to leave by, where @site has the state before; TODO_BEGIN: to this instruction */
	bool fills; /* TODO_BEGIN: the first access is like the group */
	u64 tag;
	/* TODO_STACK: [reg + disp], size bytes, is not in the window. */
	u8 reg;
	bool group,
		once; /* a group: to its plain unit; leaves if the TLB does not know it either */
	u16 size;
	s32 disp; /* TODO_FIND: what is added to rsp; negative: a call, that returns to @tag */
};
enum todo {
	TODO_MISS,
	TODO_LEAVE,
	TODO_CALL,
	TODO_STACK,
	TODO_EXIT,
	TODO_FIND,
	TODO_BEGIN,
	TODO_SEAM
};

#define JIT_MAX_TODO 1024

/* Accesses that are looked up together: group.c. */
struct jit_group {
	s8 root,
		index; /* guest registers, as they are where this part begins; index -1: none ... */
	u8 part;
	u8 born,
		index_born; /* ... or as they are behind this instruction, counted from 1; 0: the former */
	u8 slot;	    /* of cpu->jit.group */
	bool late;	    /* looked up at the first access, not where the part begins ... */
	bool begun;	    /* ... which it has been */
	u8 first;	    /* the instruction with that */
	u8 scale;
	u8 count;
	bool write;
	u8 align;     /* some accesses must be aligned to this, 0: none ... */
	s32 align_at; /* ... at this offset and what is congruent */
	s32 lo, hi;
	bool steady; /* looked up before a loop's top; once for many iterations ... */
	s16 step;    /* ... in each of which its address grows by this */
	bool pointer; /* what is kept is no addend but where [root] is in the host, as root is where the part begins */
};
/* The last place of cpu->jit.group is a loop's: in how many more iterations its steady groups stay in their pages. */
#define JIT_MAX_GROUPS 31
#define JIT_MAX_CANDIDATES 96
#define JIT_WALK_OFF JIT_GROUP_OFF(JIT_MAX_GROUPS)
/* Of a unit. */
#define JIT_MAX_INSNS 128
#define JIT_MAX_PARTS 32

#define JIT_GROUP_OFF(i) ((u32)offsetof(struct cpu, jit.group) + 8 * (i))

struct tr {
	struct jit *j;
	struct emit e;
	struct block *b; /* of instruction k */
	struct jit_unit *u;
	u32 unit;
	unsigned k; /* instruction now, of n */
	unsigned n;
	unsigned part, nr_parts; /* part: b's */
	const struct insn *in;
	const struct insn_row *row;
	const struct jit_rule *rule;
	struct decoded d;
	gva_t rip, next_rip;
	struct jflags fl; /* where flags are before instruction k; a and b are places */
	u32 map;	  /* where registers are */
	bool host;	  /* and the host's hold them, too */
	u64 need[JIT_MAX_INSNS /
		 64]; /* bit k: somebody may look at the flags that instruction k leaves */
	/* Bit k: ... when they are no longer in the host's, or at an exit. */
	u64 keep[JIT_MAX_INSNS / 64];
	bool need_in; /* ... at those that arrive */
	bool stale;   /* fl is good up to the end of instruction k only */
	bool ended;   /* nothing follows instruction k */
	u8 x87; /* the last instruction that changed FIP and FOP, and 1; 0: they are in struct cpu */
	u8 s1_group; /* H_S1 holds the addend of this group, and 1; 0: something else */
	unsigned nr_groups;
	struct jit_group group[JIT_MAX_CANDIDATES];
	/* By instruction: group and 1; 0: none. */
	u8 use_e[JIT_MAX_INSNS], use_stack[JIT_MAX_INSNS];
	s16 delta_e[JIT_MAX_INSNS]; /* use_e: how far the base is from the group's root ... */
	s16 lo_e[JIT_MAX_INSNS];    /* ... and the operand from it */
	u8 *loop; /* where the unit's end goes on if it is the loop's next iteration; NULL: at the entry ... */
	struct jflags loop_fl; /* ... and how flags and registers are there, as in a site */
	unsigned nr_todo;
	struct stub_todo todo[JIT_MAX_TODO];
	const struct insn *insn[JIT_MAX_INSNS];
	struct {
		struct block *block;
		unsigned first;
		bool check_page, check_second; /* is it where it was? */
	} parts[JIT_MAX_PARTS];
};

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
#define JIT_LEAST_GEN (64UL << 10) /* bytes of code: a few of the longest units */

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

/* Kinds of rules. */
enum rule_kind {
	RULE_NONE, /* by a call of the interpreter's handler */
	RULE_GPR,
	RULE_VEC,
	RULE_NOP,
	RULE_LEA,
	RULE_PUSH,
	RULE_PUSH_I,
	RULE_PUSH_E,
	RULE_POP,
	RULE_LEAVE,
	RULE_JMP,
	RULE_JCC,
	RULE_COUNT,
	RULE_CALL,
	RULE_CALL_E,
	RULE_JMP_E,
	RULE_RET,
};

/* What an instruction does to its operands, as ModRM has them, and to registers that it does not name. */
#define RO_ER 1 /* E read */
#define RO_EW 2
#define RO_GR 4
#define RO_GW 8
#define RO_VR 16 /* VEX.vvvv */
#define RO_VW 32
#define RO_AW 64 /* rax */
#define RO_DW 128
#define RO_CW 256
#define RO_EREG 512  /* E in memory is something else: bit strings */
#define RO_PTRS 2048 /* x87: FIP, FDP and FOP are its own afterwards */
#define RO_X87 4096  /* needs this part of the unit loaded: fpu.h */
#define RO_AVX 8192
#define RO_AVX512 16384
#define RO_FULL                                                                                    \
	1024 /* writes all flags whatever they were, though the row says that it reads some */

extern const struct jit_rule jit_rules[];
extern const unsigned nr_jit_rules;

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
/* Whether a unit of @n instructions has room in the running generation; what is refused now must have some in one
 * that is empty (JIT_LEAST_GEN), else it would be tried for ever. */
bool jit_has_room(struct jit *j, unsigned n);
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
bool jit_needed_before(const struct tr *t);
/* Instruction k leaves all arithmetic flags anew, whatever they were. */
bool jit_writes_all_flags(const struct tr *t);
static inline bool jit_needed_after(const struct tr *t)
{
	return t->need[t->k / 64] >> t->k % 64 & 1;
}
/* The flags that instruction k leaves have to be made again: not all that look at them find them in the host's. */
static inline bool jit_kept_after(const struct tr *t)
{
	return t->keep[t->k / 64] >> t->k % 64 & 1;
}

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
void jit_emit_exit(struct tr *t, const struct stub_todo *s);
/* Out of line: a computed jump to an address that the unit does not go on at, which is in H_S2. */
void jit_emit_find(struct tr *t, const struct stub_todo *s);
/* Branch @jcc does that; flags may be in the host's only. */
void jit_todo_exit(struct tr *t, u8 *jcc, u32 site);
/* Are the pages of this part where they were, if no part before it has asked? */
void jit_emit_page_checks(struct tr *t, unsigned part);
static inline bool jit_part_checks_pages(const struct tr *t, unsigned part)
{
	return t->parts[part].check_page || t->parts[part].check_second;
}
/* Out of line: a page is not known to be. */
void jit_emit_seam(struct tr *t, const struct stub_todo *s);
/* chain.c: the number of @page for that, which is at @addend now; 0: there is none left. */
u32 jit_seam_number(struct jit *j, gva_t page, u64 addend);

/* operand.c */
/* Looks up the E operand, or [rsp + disp] and kin. False: an address that this cannot do. */
bool jit_lookup_e(struct tr *t, unsigned size, enum tlb_access acc, unsigned align, struct hmem *m);
void jit_lookup_stack(struct tr *t, unsigned gpr, s32 disp, enum tlb_access acc, struct hmem *m);
/* The sum that the E operand's address is, less the segment, into host register @to, H_S0 or H_S1. Touches no flag,
 * uses @to and H_S2. */
void jit_emit_address(struct tr *t, unsigned to, bool segment);
/* The guest's instruction again, with these operands: modrm.reg and a register or memory for E. */
void jit_reencode(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m, int vvvv);

/* The same for [reg + disp], a host register, off the stack pointer: by struct tlb's window. The addend into H_S1.
 * @group: SITE_PLAIN if it fails; else as for one access. */
void jit_emit_stack(struct tr *t, unsigned reg, s32 disp, unsigned size, enum tlb_access acc,
		    bool group);
/* Compares only: the flags of jae if it is not in the window; then the addend. */
void jit_emit_in_window(struct tr *t, unsigned reg, s32 disp, unsigned size);
void jit_emit_window_addend(struct tr *t);
/* Out of line. */
void jit_emit_stack_miss(struct tr *t, const struct stub_todo *s);
/* The look-up made last, if it was not there already, leaves where it would be made again: H_S0 does not survive a miss;
 * and to try both look-ups of an instruction again might go on for ever, if they are of one slot of the TLB. */
void jit_lookup_once(struct tr *t, unsigned nr_todo);

/* prefetch and prefetchw, with an operand in memory. */
void jit_emit_prefetch(struct tr *t);

/* A look-up will be made, or a group's addend is used: adds to struct jit_ran if anybody wants to know. That of a look-up
 * changes the host's flags, that of a group H_S1. */
void jit_emit_count_look(struct tr *t, enum tlb_access acc, enum jit_look how);
void jit_emit_count_grouped(struct tr *t);
/* The count at @off of struct cpu; the host's flags are lost. */
void jit_emit_count_at(struct tr *t, u32 off);

/* Out of line: a group's look-up at its first access failed. */
void jit_emit_begin_miss(struct tr *t, const struct stub_todo *s);

/* Half a look-up: index from the first byte, in @from, into H_S1, tag from the last, in H_S2, compared;
 * then the addend into H_S1. */
void jit_emit_compare(struct tr *t, unsigned from, enum tlb_access acc, unsigned align);
void jit_emit_addend(struct tr *t);

/* group.c */
void jit_find_groups(struct tr *t);
/* Those that are looked up where this part begins, but steady ones. */
void jit_emit_groups(struct tr *t);
/* Are there steady ones? */
bool jit_is_steady(const struct tr *t);
/* Looks up steady ones, before t->loop; false: they hold for ever. Else JIT_WALK_OFF is for how long. */
bool jit_emit_steady(struct tr *t);
/* The group @use keeps where its root is. */
static inline bool jit_group_is_pointer(const struct tr *t, u8 use)
{
	return use && t->group[use - 1].pointer;
}
/* At the unit's entry: to a plainer unit if branch @jcc is taken. */
void jit_todo_plain(struct tr *t, u8 *jcc);
bool jit_part_has_groups(const struct tr *t, unsigned part);
/* The group @use is looked up at its first access, and has not been. */
static inline bool jit_group_is_due(const struct tr *t, u8 use)
{
	return use && t->group[use - 1].late && !t->group[use - 1].begun;
}
/* That look-up is before this instruction. */
bool jit_begins_group(const struct tr *t, unsigned k);
/* The addend of the group @use into H_S1; false: there is none. */
bool jit_group_addend(struct tr *t, u8 use);
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

/* Guest registers, by place. */
static inline bool in_memory(unsigned gpr)
{
	return gpr >= R_R8 && gpr <= R_R11;
}

static inline unsigned host_reg(unsigned gpr)
{
	return gpr == R_RSP ? H_GSP : gpr;
}

static inline struct hmem cpu_mem(u32 off)
{
	return (struct hmem){.base = H_CPU, .index = -1, .disp = (s32)off};
}

static inline struct hmem slot_mem(unsigned gpr)
{
	return cpu_mem(gpr * 8);
}

/* In the struct tlb_code of the current space: behind the table that gs is. */
static inline struct hmem code_mem(const struct jit *j, u32 off)
{
	return (struct hmem){.base = -1,
			     .index = -1,
			     .gs = true,
			     .disp = (s32)(j->l1_mask + sizeof(struct tlb_entry) + off)};
}

static inline void emit_load_cpu(struct emit *e, unsigned reg, u32 off)
{
	struct hmem m = cpu_mem(off);

	emit_rm(e, X_MOV_LOAD | X_W, reg, &m);
}

static inline void emit_store_cpu(struct emit *e, unsigned reg, u32 off)
{
	struct hmem m = cpu_mem(off);

	emit_rm(e, X_MOV_STORE | X_W, reg, &m);
}

/* mov reg, reg */
static inline void emit_move(struct emit *e, unsigned to, unsigned from)
{
	if (to != from)
		emit_rr(e, X_MOV_LOAD | X_W, to, from);
}

static inline void emit_lea(struct emit *e, unsigned to, unsigned base, s32 disp)
{
	struct hmem m = {.base = (s8)base, .index = -1, .disp = disp};

	if (disp)
		emit_rm(e, X_LEA | X_W, to, &m);
	else
		emit_move(e, to, base);
}

#endif
