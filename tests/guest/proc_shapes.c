/*
 * Files of /proc and /sys whose numbers are each kernel's own, and whose form is every kernel's: a number is
 * printed as N, blanks as they stand (numbers are padded: a blank before N is none), equal lines once.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_number(const char *at)
{
	return isdigit(*at) || (*at == '-' && isdigit(at[1]));
}

/* @line with its numbers as N; hexadecimal ones, which begin with 0x, as X. */
static void form_of(const char *line, char *form)
{
	while (*line) {
		if (!strncmp(line, "0x", 2)) {
			for (line += 2; isxdigit(*line); line++)
				;
			*form++ = 'X';
		} else if (is_number(line)) {
			while (form[-1] == ' ' && form[-2] == ' ')
				form--;
			for (line++; isdigit(*line); line++)
				;
			*form++ = 'N';
		} else {
			*form++ = *line++;
		}
	}
	*form = 0;
}

static void shape(const char *path)
{
	char line[1024], forms[2][1026] = {"  ", "  "};
	FILE *f = fopen(path, "r");
	int now = 0;

	printf("== %s%s\n", path, f ? "" : ":");
	if (!f) {
		puts(strerrorname_np(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		form_of(line, forms[now] + 2);
		if (strcmp(forms[now] + 2, forms[!now] + 2))
			fputs(forms[now] + 2, stdout);
		now = !now;
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		shape(argv[i]);
	return 0;
}
