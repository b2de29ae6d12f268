/* Text that is written in one go and read bit by bit: how files of /proc come to be.
 *
 *   writer: seq_printf(out, ...)  -->  buf (one piece)  or  area (vmalloc, a page at a time)  --> read(2)
 *
 * The buffer grows as it is written. Where there is no memory the rest is dropped, and `overflow` says so:
 * writers need not look, whoever reads the text does. Nothing here sleeps.
 * Not for: files that are read record by record as they change (Linux's start/next/stop), of which
 * there are none here.
 * See: Linux, fs/seq_file.c.
 */
#ifndef FS_SEQ_FILE_H
#define FS_SEQ_FILE_H

#include "base/types.h"

struct memory;

/* All zero but mem: an empty text. */
struct seq {
	char *buf;     /* kmalloc, while it is short, and then zero terminated; else NULL */
	gva_t area;    /* vmalloc, for a long text */
	u64 count;     /* bytes of text */
	u64 size;      /* bytes there is room for */
	bool overflow; /* no memory: read fails with -ENOMEM */
	struct memory *mem;
	void *private; /* what the writer is told besides; valid while it writes */
};

/* As printf(3); any length. */
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
/* @n bytes as they are; a string; a character. */
void seq_write(struct seq *s, const void *data, u64 n);
void seq_puts(struct seq *s, const char *str);
void seq_putc(struct seq *s, char c);
/* @str with @esc's characters as octal escapes (maps: "\n"). */
void seq_escape(struct seq *s, const char *str, const char *esc);
/* @v in decimal, with blanks in front up to @width (0 .. 64): quicker than seq_printf(), for long files. */
void seq_put_dec(struct seq *s, u64 v, unsigned width);

/* The text from @pos on as far as it lies in one piece: host address, valid until the text changes, and
 * bytes in *@n; NULL at its end. */
const char *seq_peek(const struct seq *s, u64 pos, u64 *n);
/* Frees the text; @s is empty afterwards. */
void seq_release(struct seq *s);

#endif
