/* A small buffer in front of a struct seq for files with many numbers in fixed columns (maps,
 * smaps): inlined digits, one seq_write() for several lines. */
#ifndef PROC_PROCFS_PEN_H
#define PROC_PROCFS_PEN_H

#include <string.h>

#include "fs/seq_file.h"

#define PEN_SIZE 448U

struct pen {
	struct seq *out;
	u32 n;
	char buf[PEN_SIZE];
};

static inline void pen_flush(struct pen *p)
{
	seq_write(p->out, p->buf, p->n);
	p->n = 0;
}

/* Room for @n more characters, at most PEN_SIZE. */
static inline void pen_need(struct pen *p, u32 n)
{
	if (p->n + n > PEN_SIZE)
		pen_flush(p);
}

/* The rest needs room that pen_need() has made. @n: text is copied without its NUL. */
static inline void pen_text(struct pen *p, const char *text, u32 n)
{
	memcpy(p->buf + p->n, text, n);
	p->n += n;
}

static inline void pen_char(struct pen *p, char c)
{
	p->buf[p->n++] = c;
}

/* Zeros in front up to @width; at most 16 characters. */
static inline void pen_hex(struct pen *p, u64 v, u32 width)
{
	u32 digits = v ? (67 - __builtin_clzl(v)) / 4 : 1;

	if (digits < width)
		digits = width;
	for (u32 i = digits; i; i--, v >>= 4)
		p->buf[p->n + i - 1] = "0123456789abcdef"[v & 15];
	p->n += digits;
}

/* Blanks in front up to @width; at most 20 characters or @width. */
static inline void pen_dec(struct pen *p, u64 v, u32 width)
{
	char tmp[20];
	u32 n = 0;

	do
		tmp[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (; width > n; width--)
		p->buf[p->n++] = ' ';
	while (n)
		p->buf[p->n++] = tmp[--n];
}

#endif
