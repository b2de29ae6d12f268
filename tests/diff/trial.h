/* One instruction, run on the host CPU and in the engine from the same state, and all of the state
 * compared afterwards. What insn.c, vec.c and bytes.c have in common.
 *
 *	page   0      1     2      3 4      5      6 7         8      9 10        11 ..
 *	       jumps  code  guard  arena 0  guard  arena 1     guard  arena 2     guard
 *	                           rw rw           rw absent          rw read-only
 *
 * A trial's data is one arena of two pages; what its second page allows is the trial's choice. The
 * code is followed by an exit (natively a jump, in the engine INT3), and so is CODE_TAKEN, where
 * branches go.
 */
#ifndef TESTS_DIFF_TRIAL_H
#define TESTS_DIFF_TRIAL_H

#include "cpu/flat.h"
#include "encode.h"
#include "native.h"

#define CODE (FLAT_BASE + PAGE_SIZE)
#define CODE_TAKEN (CODE + 80)
#define ARENA(n) (FLAT_BASE + (3 + 3 * (n)) * PAGE_SIZE)
#define ARENA_LEN (2 * PAGE_SIZE)
enum { ARENA_RW, ARENA_ABSENT, ARENA_READONLY };

struct trial {
	unsigned row;
	u64 wish;    /* what it was made for */
	bool given;  /* by trial_bytes() */
	u8 code[24]; /* the instruction, and what stands behind it */
	struct decoded d;
	bool dead;	/* a CMP behind it: nobody reads its flags */
	bool step;	/* the engine runs it alone */
	bool cold;	/* ... with an empty TLB */
	bool wide;	/* vector registers count, too */
	bool selectors; /* loads segment registers */
	unsigned arena;
	u64 target; /* address of the memory operand, explicit or not */
	u64 hidden; /* bits of XSTATE_BV and XCOMP_BV that the host takes and the model does not */
	struct native_state before;
	u8 data[ARENA_LEN];
};

/* Both sides of a trial. */
struct sides {
	struct flat *f;
	struct encoder enc; /* of what the model has */
	u64 host_feats;	    /* ... of what `--cpu host` has */
	bool amd;
};
/* A machine of @model and the native pages. Aborts when the host cannot. What the model lacks is left
 * out: rows, components of the state, and encodings that mean something else where it is there. */
void sides_open(struct sides *s, enum cpu_model model);
/* The model's name as for `--cpu`; exits when there is none. */
enum cpu_model sides_model(const char *name);
void sides_close(struct sides *s);

enum outcome {
	TRIAL_NONE,    /* no such encoding, or nothing that may run */
	TRIAL_ENDED,   /* ran to its end */
	TRIAL_RAISED,  /* raised the same exception on both sides */
	TRIAL_DIFFERS, /* printed */
};

/* A trial of @row that has @wish, made from random_start(@seed) on; counted with forms_passed(). */
enum outcome trial_row(struct sides *s, unsigned row, u64 wish, u64 seed);
/* The same with the instruction in @code, 15 bytes, which may be none. */
enum outcome trial_bytes(struct sides *s, const u8 *code, u64 seed);

/* What the trials of a row have met, by row, for the report: counted by trial.c. */
extern struct trial_notes {
	u32 undefined; /* undefined flags that came out otherwise than on the host */
	u32 ran;       /* runs to the end, of rows that keep FIP, FDP and FOP ... */
	u32 compared;  /* ... and those in which these were compared */
} trial_notes[4096];

/* ---- trial_main.c --------------------------------------------------------------------------- */

/* Runs the rows of one program, reports, and returns the exit status. Options: insn.c. */
int trial_main(const char *program, bool (*of_program)(unsigned row), int argc, char **argv);

/* ---- setup.c -------------------------------------------------------------------------------- */

/* Everything of @t but code and row, around the decoded instruction t->d, which may be patched.
 * False: cannot be run. */
bool trial_setup(const struct sides *s, struct trial *t);
/* The row must not run natively. */
bool trial_unsafe(const struct insn_row *row);
/* The row always raises the same exception. */
bool trial_raises(const struct insn_row *row);

/* What an image may hold, and the compacted format's bit of XCOMP_BV. */
#define XS_ALL (XS_BIT_X87 | XS_BIT_SSE | XS_BIT_AVX | XS_BITS_AVX512)
#define XS_COMPACT BIT(63)

/* ---- images.c ------------------------------------------------------------------------------- */

/* Images of the unit's state that instructions load or store. Before: writes one that can be loaded
 * into t->data. */
void image_prepare(struct trial *t);
/* For the engine, whose standard XSAVE image has another layout than the host's. */
void image_to_guest(const struct trial *t, u8 *data);
/* Afterwards: makes images equal where both are right, in both arenas and both states. False: one
 * of them is wrong. */
bool image_match(const struct trial *t, struct native_state *native, u8 *native_data,
		 struct native_state *guest, u8 *guest_data);

#endif
