/*
 * random_calls SEED N: N system calls with random numbers and arguments. For Vellum only, in an
 * empty folder: not safe on a real kernel.
 */
#include <stdio.h>
#include <stdlib.h>

#include "random_call.h"

int main(int argc, char **argv)
{
	static const short memory[] = {9, 10, 11, 12, 25, 26, 28};
	long n = argc > 2 ? atol(argv[2]) : 1000, failed = 0;
	unsigned long nr;

	own_input();
	rnd_seed(argc > 1 ? strtoul(argv[1], NULL, 0) : 1);
	arena_map();
	for (long i = 0; i < n; i++) {
		nr = rnd() % 4 ? rnd() % 470 : (unsigned long)memory[rnd() % 7];
		if (rnd() % 8 == 0)
			nr = (unsigned long)on_sockets[rnd() % (sizeof(on_sockets) / 2)];
		if (allowed(nr))
			failed += random_call(nr) < 0;
	}
	printf("seed %s: %ld calls, %ld failed\n", argc > 1 ? argv[1] : "1", n, failed);
	return 0;
}
