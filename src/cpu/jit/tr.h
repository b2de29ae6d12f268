/* One translation being made. */
#ifndef CPU_JIT_TR_H
#define CPU_JIT_TR_H

#include "cpu/decode.h"
#include "cpu/jit/emit.h"
#include "cpu/jit/unit.h"

struct jit;
struct jit_rule;

/* What is to be written out of line. */
enum cold_kind {
	COLD_MISS,
	COLD_LEAVE,
	COLD_CALL,
	COLD_STACK,
	COLD_EXIT,
	COLD_FIND,
	COLD_BEGIN,
	COLD_SEAM
};

struct cold {
	u8 kind; /* enum cold_kind */
	u8 acc;
	bool constant;	/* COLD_MISS: the address is known */
	bool tag_in_s0; /* ... or the tag in H_S0, not in H_S2 */
	bool cc;	/* COLD_EXIT: flags are in the host's and nowhere else */
	u8 x87;		/* ... as in struct tr */
	const u8 *stub; /* COLD_CALL */
	u8 *jcc;	/* where the branch's offset field ends */
	u8 *top;	/* COLD_MISS: where to try again */
	u32 site;
	u32 index; /* COLD_FIND: the site to leave by, where @site has the state before; COLD_BEGIN: to this instruction */
	bool fills; /* COLD_BEGIN: the first access is like the group */
	u64 tag;
	/* COLD_STACK: [reg + disp], size bytes, is not in the window. */
	u8 reg;
	bool group,
		once; /* a group: to its plain unit; leaves if the TLB does not know it either */
	u16 size;
	s32 disp; /* COLD_FIND: what is added to rsp; negative: a call, that returns to @tag */
};

#define JIT_MAX_COLD 1024

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
	unsigned nr_cold;
	struct cold cold[JIT_MAX_COLD];
	const struct insn *insn[JIT_MAX_INSNS];
	struct {
		struct block *block;
		unsigned first;
		bool check_page, check_second; /* is it where it was? */
	} parts[JIT_MAX_PARTS];
};

/* Somebody may look at the flags that instruction k leaves. */
static inline bool jit_needed_after(const struct tr *t)
{
	return t->need[t->k / 64] >> t->k % 64 & 1;
}

/* The flags that instruction k leaves have to be made again: not all that look at them find them in the host's. */
static inline bool jit_kept_after(const struct tr *t)
{
	return t->keep[t->k / 64] >> t->k % 64 & 1;
}

static inline bool jit_part_checks_pages(const struct tr *t, unsigned part)
{
	return t->parts[part].check_page || t->parts[part].check_second;
}

#endif
