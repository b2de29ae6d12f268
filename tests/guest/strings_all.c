/* strings_all: each string function for which glibc has several variants, over sizes, alignments and
 * the two ends of a mapping.
 *
 *   strings_all [thorough]   every function against a plain loop; a digest of its results each
 *   strings_all variants     which variants this CPU was given (differs between CPUs)
 *
 * The strings end right below a PROT_NONE page or begin right above one, so that a read too far dies.
 * What is printed hangs on no variant: of a comparison only the sign counts.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define PAGE 4096
#define BIG (1 << 18) /* bytes of each buffer, between its PROT_NONE pages */
#define AROUND 64     /* bytes beside a target that must keep their value */

typedef unsigned char u8;

/* One call to try: @n bytes at @s and at @d (the target), which hold nothing yet. */
struct job {
	u8 *s, *d;
	size_t n;
	uint64_t rnd;
};

static u8 *src_start, *src_end, *dst_start, *dst_end;
static u8 noise[BIG + 64]; /* no zero byte, no '\1' */
static u8 image[BIG + 2 * AROUND];
static uint64_t digest, failures, calls;
static const char *name;

static void mix(uint64_t v)
{
	digest = (digest ^ v) * 0x9e3779b97f4a7c15;
	digest ^= digest >> 29;
}

static void fail(const struct job *j, const char *what)
{
	if (failures++ < 10)
		printf("%s: %s: size %zu, source %zu below the end, target %zu below\n", name, what,
		       j->n, (size_t)(src_end - j->s), (size_t)(dst_end - j->d));
}

static void expect(const struct job *j, uint64_t got, uint64_t want)
{
	mix(got);
	if (got != want)
		fail(j, "wrong result");
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

/* ---- Plain loops: what is tested must not test itself ------------------------------------- */

static void put(u8 *to, const u8 *from, size_t n)
{
	for (; n >= 8; n -= 8, to += 8, from += 8)
		*(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
	while (n--)
		*to++ = *from++;
}

static void put_byte(u8 *to, u8 c, size_t n)
{
	for (; n >= 8; n -= 8, to += 8)
		*(uint64_t *)(void *)to = c * 0x0101010101010101;
	while (n--)
		*to++ = c;
}

static int same(const u8 *a, const u8 *b, size_t n)
{
	for (; n >= 8; n -= 8, a += 8, b += 8)
		if (*(const uint64_t *)(const void *)a != *(const uint64_t *)(const void *)b)
			return 0;
	while (n--)
		if (*a++ != *b++)
			return 0;
	return 1;
}

/* ---- Strings and targets of a job ----------------------------------------------------------- */

/* @n bytes of noise at @p. */
static void fill(const struct job *j, u8 *p)
{
	put(p, noise + j->rnd % 64, j->n);
}

/* A string of n - 1 bytes at @p. */
static void fill_string(const struct job *j, u8 *p)
{
	fill(j, p);
	p[j->n - 1] = 0;
}

static size_t below(const struct job *j, size_t most)
{
	return j->rnd % (most + 1);
}

/* What surrounds the target, as far as it is mapped. */
static size_t room_before(const struct job *j)
{
	size_t room = j->d - dst_start;

	return room < AROUND ? room : AROUND;
}

static size_t room_after(const struct job *j)
{
	size_t room = dst_end - (j->d + j->n);

	return room < AROUND ? room : AROUND;
}

/* Paints the target and its surroundings, and `image` alike: image + AROUND is the target. */
static u8 *paint(const struct job *j)
{
	put_byte(j->d - room_before(j), 0x2e, room_before(j) + j->n + room_after(j));
	put_byte(image, 0x2e, j->n + 2 * AROUND);
	return image + AROUND;
}

/* The target looks as `image`. */
static void target_is_right(const struct job *j)
{
	if (!same(j->d - room_before(j), image + AROUND - room_before(j),
		  room_before(j) + j->n + room_after(j)))
		fail(j, "wrong bytes");
	if (j->n)
		mix(j->d[j->n - 1] | j->d[j->n / 2] << 8);
}

/* ---- Copying -------------------------------------------------------------------------------- */

static void copied(const struct job *j, void *(*copy)(void *, const void *, size_t), size_t result)
{
	u8 *want;

	fill(j, j->s);
	want = paint(j);
	put(want, j->s, j->n);
	expect(j, (u8 *)copy(j->d, j->s, j->n) - j->d, result);
	target_is_right(j);
}

static void t_memcpy(const struct job *j)
{
	copied(j, memcpy, 0);
}

static void t_mempcpy(const struct job *j)
{
	copied(j, mempcpy, j->n);
}

/* The source begins up to 80 bytes beside the target, on either side. */
static void t_memmove(const struct job *j)
{
	size_t apart = j->rnd % 81;
	u8 *want, *from;

	copied(j, memmove, 0);
	want = paint(j);
	from = j->rnd & 0x1000 && j->d - dst_start >= (long)apart ? j->d - apart : j->d + apart;
	if (from + j->n > dst_end)
		from = dst_end - j->n;
	for (size_t i = 0; i < j->n; i++)
		from[i] = noise[i];
	put(want - room_before(j), j->d - room_before(j), room_before(j) + j->n + room_after(j));
	put(want, noise, j->n);
	expect(j, (u8 *)memmove(j->d, from, j->n) - j->d, 0);
	target_is_right(j);
}

static void t_memset(const struct job *j)
{
	u8 *want = paint(j);

	put_byte(want, j->rnd, j->n);
	expect(j, (u8 *)memset(j->d, (int)(j->rnd & 0xffff), j->n) - j->d, 0);
	target_is_right(j);
}

static void t_explicit_bzero(const struct job *j)
{
	u8 *want = paint(j);

	put_byte(want, 0, j->n);
	explicit_bzero(j->d, j->n);
	target_is_right(j);
}

static void t_memccpy(const struct job *j)
{
	size_t at = below(j, j->n);
	u8 *want;

	fill(j, j->s);
	if (at < j->n)
		j->s[at] = 1;
	want = paint(j);
	put(want, j->s, at < j->n ? at + 1 : j->n);
	expect(j, (uint64_t)((u8 *)memccpy(j->d, j->s, 1, j->n) - (at < j->n ? j->d : 0)),
	       at < j->n ? at + 1 : 0);
	target_is_right(j);
}

static void t_strcpy(const struct job *j)
{
	u8 *want;

	fill_string(j, j->s);
	want = paint(j);
	put(want, j->s, j->n);
	expect(j, (u8 *)strcpy((char *)j->d, (char *)j->s) - j->d, 0);
	target_is_right(j);
}

static void t_stpcpy(const struct job *j)
{
	u8 *want;

	fill_string(j, j->s);
	want = paint(j);
	put(want, j->s, j->n);
	expect(j, (u8 *)stpcpy((char *)j->d, (char *)j->s) - j->d, j->n - 1);
	target_is_right(j);
}

/* A string shorter than the target, which is padded, or longer. */
static void padded(const struct job *j, char *(*copy)(char *, const char *, size_t), int to_end)
{
	size_t len = below(j, j->n);
	u8 *want;

	fill(j, j->s);
	if (len < j->n)
		j->s[len] = 0;
	want = paint(j);
	put_byte(want, 0, j->n);
	put(want, j->s, len);
	expect(j, (u8 *)copy((char *)j->d, (char *)j->s, j->n) - j->d, to_end ? len : 0);
	target_is_right(j);
}

static void t_strncpy(const struct job *j)
{
	padded(j, strncpy, 0);
}

static void t_stpncpy(const struct job *j)
{
	padded(j, stpncpy, 1);
}

static void t_strcat(const struct job *j)
{
	size_t len = below(j, j->n - 1);
	u8 *want = paint(j), *tail = j->s + len;

	fill_string(j, j->s);
	put_byte(j->d, 'h', len);
	j->d[len] = 0;
	put_byte(want, 'h', len);
	put(want + len, tail, j->n - len);
	expect(j, (u8 *)strcat((char *)j->d, (char *)tail) - j->d, 0);
	target_is_right(j);
}

static void t_strncat(const struct job *j)
{
	size_t len = below(j, j->n - 1), take = j->n - 1 - len;
	u8 *want = paint(j);

	fill(j, j->s); /* unterminated: no byte behind the first `take` may be read */
	put_byte(j->d, 'h', len);
	j->d[len] = 0;
	put_byte(want, 'h', len);
	put(want + len, j->s + j->n - take, take);
	want[j->n - 1] = 0;
	expect(j, (u8 *)strncat((char *)j->d, (char *)j->s + j->n - take, take) - j->d, 0);
	target_is_right(j);
}

/* ---- Searching ------------------------------------------------------------------------------ */

/* '\1' once, somewhere in the n bytes or (position n) nowhere. */
static size_t hide(const struct job *j)
{
	size_t at = below(j, j->n);

	fill(j, j->s);
	if (at < j->n)
		j->s[at] = 1;
	return at;
}

/* NULL counts as -1. */
static uint64_t offset(const struct job *j, const void *p)
{
	return p ? (uint64_t)((const u8 *)p - j->s) : ~0UL;
}

static void t_memchr(const struct job *j)
{
	size_t at = hide(j);

	expect(j, offset(j, memchr(j->s, 0x101, j->n)), at < j->n ? at : ~0UL);
	if (at < j->n) /* as long as it is there, the length may be anything */
		expect(j, offset(j, memchr(j->s, 1, SIZE_MAX)), at);
}

static void t_memrchr(const struct job *j)
{
	size_t at = hide(j);

	expect(j, offset(j, memrchr(j->s, 1, j->n)), at < j->n ? at : ~0UL);
}

static void t_rawmemchr(const struct job *j)
{
	size_t at;

	if (!j->n)
		return;
	at = hide(j);
	if (at == j->n)
		j->s[--at] = 1;
	expect(j, offset(j, rawmemchr(j->s, 1)), at);
}

static void t_strlen(const struct job *j)
{
	fill_string(j, j->s);
	expect(j, strlen((char *)j->s), j->n - 1);
}

static void t_strnlen(const struct job *j)
{
	size_t len = below(j, j->n);

	fill(j, j->s);
	if (len < j->n)
		j->s[len] = 0;
	expect(j, strnlen((char *)j->s, j->n), len);
	if (len < j->n)
		expect(j, strnlen((char *)j->s, SIZE_MAX - below(j, 9)), len);
}

static void t_strchr(const struct job *j)
{
	size_t at = below(j, j->n - 1), again;

	fill_string(j, j->s);
	expect(j, offset(j, strchr((char *)j->s, 1)), ~0UL);
	expect(j, offset(j, strchr((char *)j->s, 0)), j->n - 1);
	expect(j, offset(j, strchrnul((char *)j->s, 1)), j->n - 1);
	expect(j, offset(j, strrchr((char *)j->s, 1)), ~0UL);
	expect(j, offset(j, strrchr((char *)j->s, 0)), j->n - 1);
	if (at == j->n - 1)
		return;
	j->s[at] = 1;
	again = at + (j->n - 1 - at) / 2;
	j->s[again] = 1;
	expect(j, offset(j, strchr((char *)j->s, 0x101)), at);
	expect(j, offset(j, strchrnul((char *)j->s, 1)), at);
	expect(j, offset(j, strrchr((char *)j->s, 1)), again);
}

static void t_strspn(const struct job *j)
{
	static const char *const sets[] = {"\1", "\1\2",
					   "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21"};
	const char *set = sets[j->rnd % 3];
	size_t at = below(j, j->n - 1);

	fill_string(j, j->s);
	if (at < j->n - 1)
		j->s[at] = 1;
	for (size_t i = 0; i < j->n - 1; i++) /* noise holds none of the set */
		if (i != at)
			j->s[i] |= 0x20;
	expect(j, strcspn((char *)j->s, set), at);
	expect(j, offset(j, strpbrk((char *)j->s, set)), at < j->n - 1 ? at : ~0UL);
	for (size_t i = 0; i < at; i++)
		j->s[i] = (u8)set[i % strlen(set)];
	if (at < j->n - 1)
		j->s[at] = 0x55;
	expect(j, strspn((char *)j->s, set), at);
	expect(j, offset(j, strpbrk((char *)j->s, "\x55")), at < j->n - 1 ? at : ~0UL);
}

static void t_strstr(const struct job *j)
{
	char needle[80];
	size_t len = j->rnd % 70 + 1, at;

	if (len >= j->n)
		return;
	at = below(j, j->n - 1 - len);
	fill_string(j, j->s);
	put((u8 *)needle, j->s + at, len);
	needle[len] = 0;
	needle[len - 1] = 1;
	expect(j, offset(j, strstr((char *)j->s, needle)), ~0UL);
	expect(j, offset(j, memmem(j->s, j->n, needle, len)), ~0UL);
	j->s[at + len - 1] = 1;
	expect(j, offset(j, strstr((char *)j->s, needle)), at);
	expect(j, offset(j, memmem(j->s, j->n, needle, len)), at);
	for (size_t i = 0; i < len; i++)
		if (needle[i] >= 'a' && needle[i] <= 'z')
			needle[i] ^= 0x20;
	expect(j, offset(j, strcasestr((char *)j->s, needle)), at);
}

/* ---- Comparing ------------------------------------------------------------------------------ */

/* Two strings of n bytes that differ at one place, or (position n) nowhere. */
static size_t almost(const struct job *j)
{
	size_t at = below(j, j->n);

	fill(j, j->s);
	put(j->d, j->s, j->n);
	if (at < j->n)
		j->d[at] = (u8)(j->s[at] + 1 + j->rnd % 255);
	return at;
}

static uint64_t order(int v)
{
	return (uint64_t)(sign(v) + 1);
}

static void t_memcmp(const struct job *j)
{
	size_t at = almost(j);
	int want = at < j->n ? sign(j->s[at] - j->d[at]) : 0;

	expect(j, order(memcmp(j->s, j->d, j->n)), order(want));
	expect(j, order(memcmp(j->d, j->s, j->n)), order(-want));
	expect(j, bcmp(j->s, j->d, j->n) != 0, want != 0);
}

static void t_strcmp(const struct job *j)
{
	size_t at;
	int want = 0;

	at = almost(j);
	j->s[j->n - 1] = j->d[j->n - 1] = 0;
	if (at < j->n - 1)
		want = sign(j->s[at] - j->d[at]);
	expect(j, order(strcmp((char *)j->s, (char *)j->d)), order(want));
	expect(j, order(strcmp((char *)j->d, (char *)j->s)), order(-want));
	expect(j, order(strncmp((char *)j->s, (char *)j->d, SIZE_MAX)), order(want));
	expect(j, order(strncmp((char *)j->s, (char *)j->d, at)), order(0));
	expect(j, order(strncmp((char *)j->s, (char *)j->d, at + 1)), order(want));
	j->s[j->n - 1] = 'x'; /* not a string any more */
	j->d[j->n - 1] = 'y';
	expect(j, order(strncmp((char *)j->s, (char *)j->d, j->n - 1)), order(want));
	expect(j, order(strncmp((char *)j->s, (char *)j->d, j->n)), order(want ? want : -1));
}

static int lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static void t_strcasecmp(const struct job *j)
{
	size_t at = almost(j), i;
	int want = 0;

	for (i = 0; i < j->n; i++)
		if (i != at && lower(j->d[i]) >= 'a' && lower(j->d[i]) <= 'z')
			j->d[i] ^= i * 7 & 0x20;
	j->s[j->n - 1] = j->d[j->n - 1] = 0;
	for (i = 0; i < j->n && !want; i++)
		want = sign(lower(j->s[i]) - lower(j->d[i]));
	expect(j, order(strcasecmp((char *)j->s, (char *)j->d)), order(want));
	expect(j, order(strncasecmp((char *)j->s, (char *)j->d, SIZE_MAX)), order(want));
	expect(j, order(strncasecmp((char *)j->s, (char *)j->d, i)), order(want));
	expect(j, order(strncasecmp((char *)j->s, (char *)j->d, i - 1)), order(0));
}

/* ---- Wide characters ------------------------------------------------------------------------ */

static wchar_t *wide(u8 *p)
{
	return (wchar_t *)(void *)p;
}

static void t_wcslen(const struct job *j)
{
	size_t n = j->n / 4, at;
	wchar_t *s = wide(j->s);

	fill(j, j->s);
	s[n - 1] = 0;
	expect(j, wcslen(s), n - 1);
	expect(j, wcsnlen(s, n - 1), n - 1);
	expect(j, wcsnlen(s, SIZE_MAX / 4), n - 1);
	expect(j, offset(j, wcschr(s, 0)), 4 * (n - 1));
	expect(j, offset(j, wcsrchr(s, 0)), 4 * (n - 1));
	expect(j, offset(j, wcschr(s, 0x101)), ~0UL);
	expect(j, offset(j, wcsrchr(s, 0x101)), ~0UL);
	expect(j, offset(j, wmemchr(s, 0x101, n)), ~0UL);
	at = below(j, n - 1);
	s[at] = 0x101;
	if (at == n - 1) {
		expect(j, offset(j, wmemchr(s, 0x101, n)), 4 * at);
		return;
	}
	expect(j, offset(j, wcschr(s, 0x101)), 4 * at);
	expect(j, offset(j, wcsrchr(s, 0x101)), 4 * at);
	expect(j, offset(j, wmemchr(s, 0x101, n)), 4 * at);
	expect(j, offset(j, wmemchr(s, 0x101, at)), ~0UL);
}

static void t_wcscpy(const struct job *j)
{
	size_t n = j->n / 4;
	u8 *want;

	fill(j, j->s);
	wide(j->s)[n - 1] = 0;
	want = paint(j);
	put(want, j->s, 4 * n);
	expect(j, (u8 *)wcscpy(wide(j->d), wide(j->s)) - j->d, 0);
	target_is_right(j);
}

static void t_wmemset(const struct job *j)
{
	size_t n = j->n / 4;
	wchar_t c = (wchar_t)j->rnd;
	u8 *want = paint(j);

	for (size_t i = 0; i < n; i++)
		put(want + 4 * i, (const u8 *)&c, 4);
	expect(j, (u8 *)wmemset(wide(j->d), c, n) - j->d, 0);
	target_is_right(j);
}

static void t_wmemcmp(const struct job *j)
{
	size_t n = j->n / 4, at = almost(j) / 4;
	int want = 0;

	if (at < n)
		want = (wide(j->s)[at] > wide(j->d)[at]) - (wide(j->s)[at] < wide(j->d)[at]);
	expect(j, order(wmemcmp(wide(j->s), wide(j->d), n)), order(want));
	if (at < n - 1)
		expect(j, order(wcsncmp(wide(j->s), wide(j->d), n)), order(want));
	wide(j->s)[n - 1] = wide(j->d)[n - 1] = 0;
	if (at == n - 1)
		want = 0;
	expect(j, order(wcscmp(wide(j->s), wide(j->d))), order(want));
	expect(j, order(wcsncmp(wide(j->s), wide(j->d), SIZE_MAX / 4)), order(want));
	expect(j, order(wcsncmp(wide(j->s), wide(j->d), at)), order(0));
}

/* ---- Sizes, places, functions --------------------------------------------------------------- */

static const struct function {
	const char *name;
	void (*test)(const struct job *j);
	size_t unit; /* what sizes and places are multiples of; with `least`, bytes */
	size_t least;
} functions[] = {
	{"memcpy", t_memcpy, 1, 0},
	{"mempcpy", t_mempcpy, 1, 0},
	{"memmove", t_memmove, 1, 0},
	{"memset", t_memset, 1, 0},
	{"explicit_bzero", t_explicit_bzero, 1, 0},
	{"memccpy", t_memccpy, 1, 0},
	{"strcpy", t_strcpy, 1, 1},
	{"stpcpy", t_stpcpy, 1, 1},
	{"strncpy", t_strncpy, 1, 0},
	{"stpncpy", t_stpncpy, 1, 0},
	{"strcat", t_strcat, 1, 1},
	{"strncat", t_strncat, 1, 1},
	{"memchr", t_memchr, 1, 0},
	{"memrchr", t_memrchr, 1, 0},
	{"rawmemchr", t_rawmemchr, 1, 0},
	{"strlen", t_strlen, 1, 1},
	{"strnlen", t_strnlen, 1, 0},
	{"strchr, strchrnul, strrchr", t_strchr, 1, 1},
	{"strspn, strcspn, strpbrk", t_strspn, 1, 1},
	{"strstr, strcasestr, memmem", t_strstr, 1, 1},
	{"memcmp, bcmp", t_memcmp, 1, 0},
	{"strcmp, strncmp", t_strcmp, 1, 1},
	{"strcasecmp, strncasecmp", t_strcasecmp, 1, 1},
	{"wcslen, wcsnlen, wcschr, wcsrchr, wmemchr", t_wcslen, 4, 4},
	{"wcscpy", t_wcscpy, 4, 4},
	{"wmemset", t_wmemset, 4, 4},
	{"wmemcmp, wcscmp, wcsncmp", t_wmemcmp, 4, 4},
};

static uint64_t rnd(void)
{
	static uint64_t x = 0x2545f4914f6cdd1d;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

/* @n bytes at @a units from the end of the source or, if @low, from its begin; @b of the target. */
static void try(const struct function *f, size_t n, size_t a, size_t b, int low)
{
	struct job j = {.n = n, .rnd = rnd() >> 11};

	a *= f->unit;
	b *= f->unit;
	j.s = low ? src_start + a : src_end - a - n;
	j.d = low ? dst_start + b : dst_end - b - n;
	f->test(&j);
	calls++;
}

/* Each place of the source meets every place of the target as sizes go by; all 64 x 64 a size only
 * if @thorough. */
static void places(const struct function *f, size_t n, int thorough)
{
	size_t begin = thorough ? 0 : n * 5 % 8, step = thorough ? 1 : n > 1024 ? 32 : 8;

	for (size_t a = begin; a < 64; a += step)
		for (int low = 0; low < 2; low++)
			if (!thorough || n > 1024)
				try(f, n, a, (a * 27 + n * 11) % 64, low);
			else
				for (size_t b = 0; b < 64; b++)
					try(f, n, a, b, low);
}

static void run(const struct function *f, int thorough)
{
	static const size_t large[] = {511,   512,   513,   1000,  2047,  2048,	  2049,	  4032,
				       4095,  4096,  4097,  8191,  8192,  8193,	  12345,  16384,
				       20000, 32768, 65535, 65536, 65537, 131072, 131079, 200000};

	name = f->name;
	digest = 1;
	for (size_t n = f->least; n <= 320; n += f->unit)
		places(f, n, thorough && n <= 64);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		places(f, large[i] / f->unit * f->unit, 0);
	printf("%-42s %016lx\n", f->name, digest);
}

static void guarded(u8 **start, u8 **end)
{
	u8 *p = mmap(NULL, BIG + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, BIG, PROT_READ | PROT_WRITE))
		exit(1);
	*start = p + PAGE;
	*end = p + PAGE + BIG;
}

/* ---- Variants: the functions that the program's own IRELATIVE relocations chose -------------- */

extern const Elf64_Rela __rela_iplt_start[], __rela_iplt_end[];

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *symbol(const u8 *elf, uint64_t value)
{
	const Elf64_Ehdr *eh = (const void *)elf;
	const Elf64_Shdr *sh = (const void *)(elf + eh->e_shoff);

	for (unsigned i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(elf + sh[i].sh_offset);

		for (size_t k = 0; sh[i].sh_type == SHT_SYMTAB && k < sh[i].sh_size / sizeof(*sym);
		     k++)
			if (sym[k].st_value == value && ELF64_ST_TYPE(sym[k].st_info) == STT_FUNC)
				return (const char *)elf + sh[sh[i].sh_link].sh_offset +
				       sym[k].st_name;
	}
	return "?";
}

static int variants(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	const char *names[256];
	struct stat st;
	size_t n = 0;
	u8 *elf;

	if (fd < 0 || fstat(fd, &st))
		return 1;
	elf = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf == MAP_FAILED)
		return 1;
	for (const Elf64_Rela *r = __rela_iplt_start; r < __rela_iplt_end && n < 256; r++)
		names[n++] = symbol(elf, *(const uint64_t *)r->r_offset);
	qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++)
		puts(names[i]);
	return 0;
}

int main(int argc, char **argv)
{
	int thorough = argc > 1 && !strcmp(argv[1], "thorough");

	if (argc > 1 && !strcmp(argv[1], "variants"))
		return variants();
	guarded(&src_start, &src_end);
	guarded(&dst_start, &dst_end);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (u8)(rnd() >> 40 | 0x42); /* bits 1 and 6: never 0, 1 or 0x01..0x11 */
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		run(&functions[i], thorough);
	printf("%lu calls, %lu failures\n", calls, failures);
	return failures != 0;
}
