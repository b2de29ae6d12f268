/* Text written in one go into a buffer that grows. See seq_file.h.
 *
 * The buffer never holds a part of what was asked for: when there is no memory the rest is
 * dropped and `overflow` says so. Up to SEQ_KMALLOC bytes lie in one piece, zero terminated; a longer
 * text moves to a vmalloc area, which grows by pages and is written a page at a time. */
#include "fs/seq_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mm/slab.h"
#include "mm/vmalloc.h"

#define SEQ_FIRST 4096UL
#define SEQ_KMALLOC 32768UL /* blocks of a higher order are not to be relied on */
#define SEQ_LINE 256	    /* what seq_printf() takes at once when the text is long */

static bool no_memory(struct seq *s)
{
	s->overflow = true;
	return false;
}

static bool grow_area(struct seq *s, u64 size)
{
	gva_t area = vrealloc(s->mem, s->area, size, GFP_KERNEL, "seq_buf_alloc");

	if (!area)
		return no_memory(s);
	if (s->buf) {
		vmalloc_write(s->mem, area, s->buf, s->count);
		kfree(s->mem, s->buf);
		s->buf = NULL;
	}
	s->area = area;
	s->size = size;
	return true;
}

/* Room for @n more bytes and a NUL. */
static bool room(struct seq *s, u64 n)
{
	u64 size = s->size ? s->size : SEQ_FIRST;
	char *buf;

	if (s->overflow)
		return false;
	if ((s->buf || s->area) && s->count + n < s->size)
		return true;
	while (size <= s->count + n)
		size *= 2;
	if (size > SEQ_KMALLOC)
		return grow_area(s, size);
	buf = krealloc(s->mem, s->buf, size, GFP_KERNEL);
	if (!buf)
		return no_memory(s);
	s->buf = buf;
	s->size = size;
	return true;
}

void seq_write(struct seq *s, const void *data, u64 n)
{
	if (!room(s, n))
		return;
	if (s->buf) {
		memcpy(s->buf + s->count, data, n);
		s->buf[s->count + n] = '\0';
	} else {
		vmalloc_write(s->mem, s->area + s->count, data, n);
	}
	s->count += n;
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
	char line[SEQ_LINE], *text = line;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n >= SEQ_LINE) {
		text = kmalloc(s->mem, n + 1, GFP_KERNEL);
		if (!text) {
			s->overflow = true;
			return;
		}
		va_start(args, fmt);
		vsnprintf(text, n + 1, fmt, args);
		va_end(args);
	}
	if (n > 0)
		seq_write(s, text, n);
	if (text != line)
		kfree(s->mem, text);
}

void seq_escape(struct seq *s, const char *str, const char *esc)
{
	for (; *str; str++) {
		u8 c = *str;

		if (strchr(esc, c)) {
			u8 oct[4] = {'\\', '0' + (c >> 6), '0' + (c >> 3 & 7), '0' + (c & 7)};

			seq_write(s, oct, sizeof(oct));
		} else {
			seq_putc(s, c);
		}
	}
}

void seq_put_dec(struct seq *s, u64 v, unsigned width)
{
	char buf[64], *end = buf + sizeof(buf), *p = end;

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	while (p > buf && (unsigned)(end - p) < width)
		*--p = ' ';
	seq_write(s, p, end - p);
}

const char *seq_peek(const struct seq *s, u64 pos, u64 *n)
{
	if (pos >= s->count)
		return NULL;
	*n = s->count - pos;
	if (s->buf)
		return s->buf + pos;
	*n = min(*n, PAGE_SIZE - page_offset(pos));
	return vmalloc_to_virt(s->mem, s->area + pos);
}

void seq_release(struct seq *s)
{
	kfree(s->mem, s->buf);
	vfree(s->mem, s->area);
	s->buf = NULL;
	s->area = 0;
	s->count = s->size = 0;
}
