/* Random numbers of tests/diff: all that a trial does follows from one number. */
#ifndef TESTS_DIFF_RANDOM_H
#define TESTS_DIFF_RANDOM_H

#include "base/types.h"

extern u64 random_state; /* trial.c; never 0 */

/* xorshift64* */
static inline u64 rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dUL;
}

static inline unsigned below(unsigned n)
{
	return (u32)((rnd() >> 32) * n >> 32);
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* Starts the trial that @seed names. */
static inline void random_start(u64 seed)
{
	random_state = (seed ^ seed >> 29) * 0x9e3779b97f4a7c15UL | 1;
	rnd();
	rnd();
}

#endif
