/* selfmod: code that is written, run, changed and run again, also through a second mapping. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

typedef int (*fn_t)(void);

/* mov $value, %eax; ret */
static void emit(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

/* The loop's store changes the immediate of the instruction right behind it. */
static int store_ahead(unsigned char *code)
{
	static const unsigned char loop[] = {
		0x31, 0xc0,			    /* xor %eax, %eax */
		0xb9, 0x0a, 0x00, 0x00, 0x00,	    /* mov $10, %ecx */
		0x88, 0x0d, 0x01, 0x00, 0x00, 0x00, /* mov %cl, 1(%rip): the 0 below */
		0x05, 0x00, 0x00, 0x00, 0x00,	    /* add $0, %eax */
		0xff, 0xc9,			    /* dec %ecx */
		0x75, 0xf1,			    /* jnz back to the store */
		0xc3,				    /* ret */
	};

	memcpy(code, loop, sizeof(loop));
	return ((fn_t)(void *)code)();
}

int main(void)
{
	unsigned char *p = mmap(NULL, 8192, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *w, *x;
	char path[] = "/tmp/selfmodXXXXXX";
	int sum = 0, fd;

	for (int i = 0; i < 1000; i++) {
		emit(p, i);
		sum += ((fn_t)(void *)p)();
	}
	printf("rewritten %d\n", sum);
	emit(p + 4093, 77); /* crosses the page's end */
	printf("crossing %d\n", ((fn_t)(void *)(p + 4093))());
	p[4096] = 1;
	printf("second page changed %d\n", ((fn_t)(void *)(p + 4093))());
	printf("store ahead %d\n", store_ahead(p));
	printf("and again %d\n", store_ahead(p + 512));

	fd = mkstemp(path);
	unlink(path);
	if (ftruncate(fd, 4096))
		return 1;
	w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	for (sum = 0; sum < 5; sum++) {
		emit(w, 100 + sum);
		printf("two mappings %d\n", ((fn_t)(void *)x)());
	}
	emit(p, 5);
	printf("before %d\n", ((fn_t)(void *)p)());
	mmap(p, 4096, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	emit(p, 6);
	printf("after a new mapping %d\n", ((fn_t)(void *)p)());
	return 0;
}
