/* q03_named: which pieces keep the names [heap] and [stack] when they are split (1.4, 2). */
#include "probe.h"

static void names(const char *label)
{
	char *text = slurp("/proc/self/maps");
	long heaps = 0, stacks = 0, heap_pages = 0, stack_pages = 0;

	for (char *l; (l = next_line(&text));) {
		unsigned long s, e;
		char perms[5];

		if (sscanf(l, "%lx-%lx %4s", &s, &e, perms) < 3)
			continue;
		if (strstr(l, "[heap]"))
			heaps++, heap_pages += (e - s) / PG;
		if (strstr(l, "[stack]"))
			stacks++, stack_pages += (e - s) / PG;
	}
	printf("%s: heap %ld lines %ld pages, stack %ld lines %ld pages\n", label, heaps,
	       heap_pages, stacks, stack_pages > 33 ? 33 : stack_pages);
}

int main(void)
{
	begin();
	uintptr_t was = syscall(SYS_brk, 0), b = (was + PG - 1) & -PG;
	names("at the start");
	syscall(SYS_brk, b + 16 * PG);
	names("16 more");
	mprotect((void *)(b + 4 * PG), PG, PROT_READ);
	names("split by mprotect");
	shape("shape", (char *)b, 16);
	munmap((void *)(b + 8 * PG), 2 * PG);
	names("a hole of 2");
	map((void *)(b + 8 * PG), 2, RW, SHANON, -1, 0);
	names("a shared mapping in the hole");
	T("brk grows past the hole", syscall(SYS_brk, b + 20 * PG) == (long)(b + 20 * PG));
	names("20");
	shape("shape", (char *)b, 20);
	mlock((void *)(b + 18 * PG), PG);
	names("a page locked");
	printf("VmLck %ld\n", st("VmLck"));
	T("brk shrinks across all of it", syscall(SYS_brk, b + 2 * PG) == (long)(b + 2 * PG));
	names("2 left");
	shape("shape", (char *)b, 20);
	printf("VmLck %ld\n", st("VmLck"));
	T("brk below the start", syscall(SYS_brk, 0x1000) == (long)(b + 2 * PG));
	/* the stack's upper pages hold the strings: they stay [stack] only with start_stack */
	char *text = slurp("/proc/self/maps");
	unsigned long s = 0, e = 0;
	for (char *l; (l = next_line(&text));)
		if (strstr(l, "[stack]"))
			sscanf(l, "%lx-%lx", &s, &e);
	T("lowest page of the stack read-only", mprotect((void *)s, PG, PROT_READ));
	names("stack split");
	T("back", mprotect((void *)s, PG, RW));
	names("stack whole");
	T("lowest page away", munmap((void *)s, PG));
	names("stack shorter");
	return 0;
}
