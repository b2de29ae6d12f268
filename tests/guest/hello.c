/* hello: the least that a libc does; built static with glibc (also as PIE), musl and dietlibc. */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("hello, world\n");
	for (int i = 1; i < argc; i++)
		printf("%d: %s\n", i, argv[i]);
	return argc > 3 ? 3 : 0;
}
