/* Units, as they are when they have been made: what C knows of translated code. internal.h has the words. */
#ifndef CPU_JIT_UNIT_H
#define CPU_JIT_UNIT_H

#include "cpu/block.h"

#include <string.h>

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
	u64 addend;
};

struct jit_unit {
	struct block *block; /* the first */
	struct jflags ctx;   /* how flags arrive */
	u32 code, end;	     /* offsets */
	u32 cold, cold_end;  /* what stands out of line */
	u32 first_in;	     /* sites that are linked to it */
	u32 next;	     /* another unit that begins with the block; 0: none */
	gva_t rip;	     /* where that is, ... */
	pfn_t pfn;	     /* ... and in which frame, still known when the block is not */
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

#endif
