/* algorithms: a few thousand steps of what compilers make of ordinary code. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static jmp_buf out;

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int ackermann(int m, int n)
{
	if (!m)
		return n + 1;
	return ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

#pragma GCC diagnostic ignored "-Winfinite-recursion" /* longjmp() ends it */
static void thrower(int depth)
{
	if (!depth)
		longjmp(out, 9);
	thrower(depth - 1);
}

static uint32_t crc(const unsigned char *p, size_t n)
{
	uint32_t c = ~0u;

	while (n--) {
		c ^= *p++;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
	}
	return ~c;
}

static double matrix(int n)
{
	double *a = malloc(n * n * sizeof(*a)), *b = malloc(n * n * sizeof(*b)), t = 0;

	for (int i = 0; i < n * n; i++)
		a[i] = i % 17 - 8.5, b[i] = i % 13 / 3.0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			for (int k = 0; k < n; k++)
				t += a[i * n + k] * b[k * n + j] / (1 + i + j);
	free(a);
	free(b);
	return t;
}

static int dispatch(const char *program)
{
	int acc = 0;

	for (; *program; program++) {
		switch (*program) {
		case '+':
			acc += 7;
			break;
		case '-':
			acc -= 3;
			break;
		case '*':
			acc *= 3;
			break;
		case '/':
			acc /= 2;
			break;
		case '^':
			acc ^= 0x55;
			break;
		case '<':
			acc <<= 1;
			break;
		case '>':
			acc >>= 1;
			break;
		case '~':
			acc = ~acc;
			break;
		default:
			acc = 0;
		}
	}
	return acc;
}

int main(void)
{
	static int v[5000];
	unsigned int x = 1;
	wchar_t wide[64];
	char text[200];

	for (int i = 0; i < 5000; i++)
		v[i] = (int)(x = x * 1664525 + 1013904223) >> 8;
	qsort(v, 5000, sizeof(v[0]), compare);
	printf("qsort %d %d %d crc %08x\n", v[0], v[2500], v[4999], crc((void *)v, sizeof(v)));
	printf("ackermann %d\n", ackermann(2, 60));
	printf("longjmp %d\n", setjmp(out) ?: (thrower(100), 0));
	printf("matrix %.12g\n", matrix(60));
	printf("dispatch %d\n", dispatch("++*^<~-/>+*+-^~<<+/"));
	for (int n = 0; n < 200; n++)
		text[n] = (char)('a' + n * n % 26);
	text[199] = 0;
	printf("%zu %s %s\n", strlen(text), strstr(text, "qjeb") ? "found" : "not found",
	       strrchr(text, 'z') ?: "none");
	swprintf(wide, 64, L"%ls %d %5.2f", L"wide", 42, 2.5);
	printf("%ls %ld\n", wide, wcstol(L"0x7fff", NULL, 0));
	printf("%s\n", strtok(text, "z"));
	return 7;
}
