/* What writers of several files need: numbers and words out of the text that came, and words back. See
 * internal.h; Linux, lib/kstrtox.c, lib/string_helpers.c. */
#include "proc/procfs/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The text without blanks around it: strstrip(). */
static char *strip_text(char *text)
{
	u64 len = strlen(text);

	while (len && strchr(" \t\n\r\v\f", text[len - 1]))
		text[--len] = '\0';
	return text + strspn(text, " \t\n\r\v\f");
}

int proc_parse_int(char *text, int *out)
{
	char *end;
	long v;

	text = strip_text(text);
	if (!*text)
		return -EINVAL;
	v = strtol(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (v != (int)v)
		return -ERANGE;
	*out = (int)v;
	return 0;
}

int proc_parse_u64(const char *text, int base, u64 *out)
{
	char *end;

	text += *text == '+';
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoul(text, &end, base);
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

int proc_parse_bool(const char *text, u64 *v)
{
	int c = *text == 'o' || *text == 'O' ? text[1] | 0x60 : *text | 0x20;
	bool word = *text == 'o' || *text == 'O';

	*v = word ? c == 'n' : c == 'y' || c == 't' || *text == '1';
	return *v || (word ? c == 'f' : c == 'n' || c == 'f' || *text == '0') ? 0 : -EINVAL;
}

int proc_show_words(struct seq *out, const char *const *words, unsigned on)
{
	for (unsigned i = 0; words[i]; i++)
		seq_printf(out, i == on ? "%s[%s]" : "%s%s", i ? " " : "", words[i]);
	seq_putc(out, '\n');
	return 0;
}

int proc_find_word(const char *const *words, char *text)
{
	u64 len = strlen(text);

	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	for (unsigned i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	return -EINVAL;
}
