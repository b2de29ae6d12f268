/* What the decoder's tests share: a decoder with every feature, and random code. */
#ifndef TESTS_CPU_CODES_H
#define TESTS_CPU_CODES_H

#include "cpu/decode.h"

/* The same numbers in each run. */
u64 code_rnd(void);
const struct decoder *code_decoder(void);
/* decode() with all features there are. */
enum decode_result decode_bytes(const void *code, unsigned n, struct decoded *d);
void print_code(const char *what, const u8 *code, const struct decoded *d);
/* Of @trials codes that @make makes, those whose every shorter prefix does not ask for more, or that
 * look at a byte behind their end. */
unsigned codes_that_ask_wrongly(void (*make)(u8 code[16]), unsigned trials);

#endif
