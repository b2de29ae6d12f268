/* Operands worth trying: edges of integers and of the floating-point formats, among random ones. */
#ifndef TESTS_DIFF_OPERANDS_H
#define TESTS_DIFF_OPERANDS_H

#include "base/types.h"

u64 integer_operand(void);
/* @len bytes, a multiple of 8: singles, doubles and noise. */
void fill_vector(u8 *p, size_t len);
/* One 80-bit number. */
void fill_extended(u8 *p);
/* Packed BCD, mostly valid. */
void fill_bcd(u8 *p);

#endif
