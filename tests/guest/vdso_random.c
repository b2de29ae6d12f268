/* vdso_random: the vdso's getrandom(): what a state is to be, and what is given with one, without one, and refused. The
 * numbers differ each time, and are not shown. */
#include <linux/random.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "report.h"
#include "vdso_find.h"

struct params { /* struct vgetrandom_opaque_params */
	unsigned size, prot, flags, reserved[13];
};

static long (*v_getrandom)(void *, unsigned long, unsigned, void *, unsigned long);

/* The libc's errno is not set. */
static void call(const char *what, void *buf, unsigned long len, unsigned flags, void *state,
		 unsigned long size)
{
	printf("%s: %ld\n", what, v_getrandom(buf, len, flags, state, size));
}

int main(void)
{
	unsigned char a[100] = {0}, b[100] = {0};
	struct params p;
	char *state;

	v_getrandom = vdso_find("__vdso_getrandom");
	printf("names: %d\n", v_getrandom && (void *)v_getrandom == vdso_find("getrandom"));
	if (!v_getrandom)
		return 1;
	memset(&p, 0xaa, sizeof(p));
	call("what is a state?", NULL, 0, 0, &p, ~0UL);
	printf("%u bytes, prot %x flags %x, then", p.size, p.prot, p.flags);
	for (int i = 0; i < 13; i++)
		printf(" %x", p.reserved[i]);
	putchar('\n');
	state = mmap(NULL, 8192, (int)p.prot, (int)p.flags, -1, 0);
	if (state == MAP_FAILED)
		return 1;
	call("some", a, sizeof(a), 0, state, p.size);
	call("some more", b, sizeof(b), 0, state, p.size);
	printf("they differ: %d, and are not 0: %d\n", memcmp(a, b, sizeof(a)) != 0,
	       memcmp(a, (unsigned char[100]){0}, sizeof(a)) != 0);
	call("none", a, 0, 0, state, p.size);
	call("at a page's end", a, 1, 0, state + 4096 - p.size, p.size);
	call("over a page's end", a, 1, 0, state + 4096 - p.size + 1, p.size);
	call("over a page's end, what is a state?", NULL, 0, 1, state + 4095, ~0UL);
	call("no state", a, 10, 0, NULL, 0);
	call("another size", a, 10, 0, state, p.size - 1);
	call("GRND_NONBLOCK | GRND_RANDOM", a, 10, GRND_NONBLOCK | GRND_RANDOM, state, p.size);
	call("GRND_INSECURE | GRND_RANDOM", a, 10, GRND_INSECURE | GRND_RANDOM, NULL, 0);
	call("flags that are none", a, 10, 8, state, p.size);
	call("nowhere", (void *)8, 10, 0, state, 0);
	return 0;
}
