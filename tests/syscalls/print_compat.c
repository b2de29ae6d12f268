/* Prints the part of docs/compat.md that comes from the tables: `make compat`. */
#include <stdio.h>

#include "syscalls/syscalls.h"

int main(void)
{
	compat_print(stdout);
	return 0;
}
