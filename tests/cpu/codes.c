#include "codes.h"

#include <stdio.h>

u64 code_rnd(void)
{
	static u64 seed = 0x9e3779b97f4a7c15UL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL;
}

const struct decoder *code_decoder(void)
{
	static struct decoder dec;
	static bool ready;

	if (!ready)
		decoder_init(&dec);
	ready = true;
	return &dec;
}

enum decode_result decode_bytes(const void *code, unsigned n, struct decoded *d)
{
	return decode(code_decoder(), ~0UL, code, n, d);
}

void print_code(const char *what, const u8 *code, const struct decoded *d)
{
	printf("\n  %s: %s:", what, d->row == NO_ROW ? "(none)" : insn_rows[d->row].name);
	for (unsigned i = 0; i < 15; i++)
		printf(" %02x", code[i]);
}

unsigned codes_that_ask_wrongly(void (*make)(u8 code[16]), unsigned trials)
{
	struct decoded d, e;
	unsigned bad = 0;
	u8 code[16];

	for (unsigned i = 0; i < trials; i++) {
		make(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK)
			continue;
		for (unsigned n = 0; n < d.len; n++)
			bad += decode_bytes(code, n, &e) != DECODE_MORE;
		bad += decode_bytes(code, d.len, &e) != DECODE_OK || e.row != d.row ||
		       e.len != d.len;
	}
	return bad;
}
