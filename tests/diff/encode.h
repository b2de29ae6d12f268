/* Random encodings of a row of opcodes.def. */
#ifndef TESTS_DIFF_ENCODE_H
#define TESTS_DIFF_ENCODE_H

#include "cpu/decode.h"
#include "forms.h"

/* What encodings are made for. */
struct encoder {
	const struct decoder *dec;
	u64 feats;
};

/**
 * encode_row - random bytes that decode to @row
 * @wish: forms of the encoding that it must have; others as chance will
 * @code: 15 bytes; what lies behind the instruction is noise
 *
 * Return: whether a few tries were enough.
 */
bool encode_row(const struct encoder *e, unsigned row, u64 wish, u8 code[15], struct decoded *d);

#endif
