/* dies HOW: ends in the way named, having written a line that a buffer may hold back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(volatile int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	return recurse(n + 1) + frame[0];
}

int main(int argc, char **argv)
{
	static const struct rlimit no_core;
	const char *how = argc > 1 ? argv[1] : "";
	volatile int zero = 0;
	char *ro;

	setrlimit(RLIMIT_CORE, &no_core);
	printf("about to: %s\n", how);
	fflush(stdout);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "null"))
		*(volatile int *)0 = 1;
	if (!strcmp(how, "noncanonical"))
		*(volatile int *)0x1234567812345678 = 1;
	if (!strcmp(how, "readonly")) {
		ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*(volatile char *)ro = 1;
	}
	if (!strcmp(how, "noexec")) {
		ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		((void (*)(void))ro)();
	}
	if (!strcmp(how, "bus")) {
		FILE *f = tmpfile();

		ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(f), 0);
		return *(volatile char *)ro;
	}
	if (!strcmp(how, "divide"))
		asm volatile("xor %%edx, %%edx\n\tdivl %0" : : "m"(zero) : "rax", "rdx");
	if (!strcmp(how, "ud2"))
		asm volatile("ud2");
	if (!strcmp(how, "avx")) /* where there is none */
		asm volatile("vpxor %%ymm0, %%ymm0, %%ymm0" : : : "xmm0");
	if (!strcmp(how, "3dnow")) /* pfmul, which no CPU has any more */
		asm volatile(".byte 0x0f, 0x0f, 0xc0, 0xb4");
	if (!strcmp(how, "int3"))
		asm volatile("int3");
	if (!strcmp(how, "hlt"))
		asm volatile("hlt");
	if (!strcmp(how, "stack"))
		return recurse(0);
	if (!strcmp(how, "exit"))
		exit(argc > 2 ? atoi(argv[2]) : 0);
	if (!strcmp(how, "_exit"))
		_exit(255);
	return 42;
}
