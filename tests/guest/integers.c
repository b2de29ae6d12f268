/* integers: arithmetic, shifts, bit counts, 128-bit and string instructions on edge values. */
#include <stdio.h>
#include <string.h>

typedef unsigned long u64;
typedef unsigned __int128 u128;

static const u64 values[] = {
	0,
	1,
	2,
	3,
	7,
	0x7f,
	0x80,
	0xff,
	0x7fff,
	0x8000,
	0xffff,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
	0x123456789abcdef0,
};

#define COUNT (sizeof(values) / sizeof(values[0]))
#define FLAGS 0x8d5 /* OF SF ZF AF PF CF */

static u64 sum;

static void mix(u64 v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15;
	sum ^= sum >> 29;
}

/* Runs `insn %[b], %[a]` and mixes the result and the flags that it defines. */
#define BINARY(insn, type, defined)                                                                \
	do {                                                                                       \
		type a_ = (type)a, b_ = (type)b;                                                   \
		u64 f_ = 0x202 | (a & 1);                                                          \
		asm volatile("push %[f]; popf; " insn " %[b], %[a]; pushf; pop %[f]"               \
			     : [a] "+r"(a_), [f] "+r"(f_)                                          \
			     : [b] "r"(b_)                                                         \
			     : "cc", "memory");                                                    \
		mix(a_);                                                                           \
		mix(f_ &(defined));                                                                \
	} while (0)

#define EACH_WIDTH(insn, defined)                                                                  \
	do {                                                                                       \
		BINARY(insn "b", unsigned char, defined);                                          \
		BINARY(insn "w", unsigned short, defined);                                         \
		BINARY(insn "l", unsigned int, defined);                                           \
		BINARY(insn "q", u64, defined);                                                    \
	} while (0)

static void binary(u64 a, u64 b)
{
	EACH_WIDTH("add", FLAGS);
	EACH_WIDTH("adc", FLAGS);
	EACH_WIDTH("sub", FLAGS);
	EACH_WIDTH("sbb", FLAGS);
	EACH_WIDTH("cmp", FLAGS);
	EACH_WIDTH("and", FLAGS & ~0x10);
	EACH_WIDTH("or", FLAGS & ~0x10);
	EACH_WIDTH("xor", FLAGS & ~0x10);
	EACH_WIDTH("test", FLAGS & ~0x10);
	EACH_WIDTH("xadd", FLAGS);
	EACH_WIDTH("xchg", 0x8d5);
	BINARY("imulw", unsigned short, 0x801);
	BINARY("imull", unsigned int, 0x801);
	BINARY("imulq", u64, 0x801);
	BINARY("btsq", u64, 1);
	BINARY("btrl", unsigned int, 1);
	BINARY("btcw", unsigned short, 1);
}

static void shifts(u64 a, int n)
{
	u64 v[8] = {a << n, a >> n, (u64)((long)a >> n), (unsigned int)a << (n & 31)};
	unsigned int d = (unsigned int)a;
	u64 q = a;

	asm("rolq %%cl, %0" : "+r"(q) : "c"(n) : "cc");
	v[4] = q;
	asm("rorl %%cl, %0" : "+r"(d) : "c"(n) : "cc");
	v[5] = d;
	asm("shldq %%cl, %1, %0" : "+r"(q) : "r"(~a), "c"(n) : "cc");
	v[6] = q;
	asm("clc; rclq %%cl, %0" : "+r"(q) : "c"(n) : "cc");
	v[7] = q;
	for (int i = 0; i < 8; i++)
		mix(v[i]);
}

static void divisions(u64 a, u64 b)
{
	u128 wide = (u128)a * b + a;

	mix((u64)wide);
	mix((u64)(wide >> 64));
	if (!b)
		return;
	mix(a / b);
	mix(a % b);
	mix((unsigned int)a / ((unsigned int)b | 1));
	if (a != 1UL << 63 || b != ~0UL) {
		mix((u64)((long)a / (long)b));
		mix((u64)((long)a % (long)b));
	}
	mix((u64)(wide / b));
}

static void strings(void)
{
	char from[300], to[300];
	char *s, *d;
	u64 n, found;

	for (int i = 0; i < 300; i++)
		from[i] = (char)(i * 7);
	memset(to, 0, sizeof(to));
	for (int len = 0; len < 64; len++) {
		s = from + len, d = to + 3, n = len;
		asm volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
		s = from + 200, d = to + 250, n = len;
		asm volatile("std; rep movsb; cld" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
		d = to + 90, n = len;
		asm volatile("rep stosw" : "+D"(d), "+c"(n) : "a"(len * 259) : "memory");
		d = from, n = 300;
		asm volatile("repne scasb" : "+D"(d), "+c"(n) : "a"(len) : "cc", "memory");
		found = n;
		s = from, d = to, n = 300;
		asm volatile("repe cmpsb" : "+S"(s), "+D"(d), "+c"(n) : : "cc", "memory");
		mix(found);
		mix(n);
		for (int i = 0; i < 300; i++)
			mix((unsigned char)to[i]);
	}
}

int main(void)
{
	for (unsigned int i = 0; i < COUNT; i++) {
		for (unsigned int j = 0; j < COUNT; j++) {
			binary(values[i], values[j]);
			divisions(values[i], values[j]);
		}
		for (int n = 0; n < 64; n++)
			shifts(values[i], n);
		printf("%016lx %016lx\n", values[i], sum);
	}
	strings();
	printf("strings %016lx\n", sum);
	for (unsigned int i = 1; i < COUNT; i++)
		printf("%d %d %d %lx\n", __builtin_ctzl(values[i]), __builtin_clzl(values[i]),
		       __builtin_popcountl(values[i]), __builtin_bswap64(values[i]));
	return (int)(sum & 63);
}
