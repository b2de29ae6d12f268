/* Text written in one go into a buffer that grows. See file.h.
 *
 * The buffer never holds a part of what was asked for: when there is no memory the rest is
 * dropped and `overflow` says so. Zero terminated whenever it exists. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fs/file.h"

#define SEQ_FIRST 4096UL

/* Room for @n more bytes and a NUL. */
static bool room(struct seq *s, u64 n)
{
	u64 size = s->size ? s->size : SEQ_FIRST;
	char *buf;

	if (s->overflow)
		return false;
	if (s->buf && s->count + n < s->size)
		return true;
	while (size <= s->count + n)
		size *= 2;
	buf = krealloc(s->mem, s->buf, size, GFP_KERNEL);
	if (!buf) {
		s->overflow = true;
		return false;
	}
	s->buf = buf;
	s->size = size;
	return true;
}

void seq_write(struct seq *s, const void *data, u64 n)
{
	if (!room(s, n))
		return;
	memcpy(s->buf + s->count, data, n);
	s->count += n;
	s->buf[s->count] = '\0';
}

void seq_puts(struct seq *s, const char *str)
{
	seq_write(s, str, strlen(str));
}

void seq_putc(struct seq *s, char c)
{
	seq_write(s, &c, 1);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list args;
	int n;

	if (!room(s, 256))
		return;
	va_start(args, fmt);
	n = vsnprintf(s->buf + s->count, s->size - s->count, fmt, args);
	va_end(args);
	if (n > 0 && (u64)n >= s->size - s->count) {
		if (!room(s, n)) {
			s->buf[s->count] = '\0';
			return;
		}
		va_start(args, fmt);
		n = vsnprintf(s->buf + s->count, s->size - s->count, fmt, args);
		va_end(args);
	}
	if (n > 0)
		s->count += n;
}

void seq_escape(struct seq *s, const char *str, const char *esc)
{
	for (; *str; str++) {
		u8 c = *str;

		if (strchr(esc, c)) {
			char oct[4] = {'\\', '0' + (c >> 6), '0' + (c >> 3 & 7), '0' + (c & 7)};

			seq_write(s, oct, sizeof(oct));
		} else {
			seq_putc(s, c);
		}
	}
}

/* Writes the digits of @v in front of @end: where they begin. */
static char *digits(char *end, u64 v, unsigned base)
{
	do
		*--end = "0123456789abcdef"[v % base];
	while (v /= base);
	return end;
}

static void put_number(struct seq *s, u64 v, unsigned base, unsigned width, char pad)
{
	char buf[64], *end = buf + sizeof(buf), *p = digits(end, v, base);

	while (p > buf && (unsigned)(end - p) < width)
		*--p = pad;
	seq_write(s, p, end - p);
}

void seq_put_hex(struct seq *s, u64 v, unsigned width)
{
	put_number(s, v, 16, width, '0');
}

void seq_put_dec(struct seq *s, u64 v, unsigned width)
{
	put_number(s, v, 10, width, ' ');
}

void seq_release(struct seq *s)
{
	kfree(s->mem, s->buf);
	s->buf = NULL;
	s->count = s->size = 0;
}
