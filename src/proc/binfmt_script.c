/* Scripts: "#!" and the interpreter's name. See exec.h; fs/binfmt_script.c. */
#include "proc/exec.h"

#include <string.h>

bool bprm_is_script(const struct linux_binprm *b)
{
	return b->buf[0] == '#' && b->buf[1] == '!';
}

/* The script's interpreter: "#!" path [one argument]. 0 and its parts in @buf, or -ENOEXEC. */
static int parse_shebang(const u8 *head, char *buf, char **interp, char **arg)
{
	char *end, *p;

	memcpy(buf, head + 2, BINPRM_BUF_SIZE - 2);
	buf[BINPRM_BUF_SIZE - 2] = '\0';
	end = strchr(buf, '\n');
	if (!end) { /* a line without an end: fine if the interpreter's name is whole */
		end = buf + strlen(buf);
		if (end == buf + BINPRM_BUF_SIZE - 2 && !strpbrk(buf + strspn(buf, " \t"), " \t"))
			return -ENOEXEC;
	}
	while (end > buf && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*interp = buf + strspn(buf, " \t");
	if (!**interp)
		return -ENOEXEC;
	p = *interp + strcspn(*interp, " \t");
	*arg = NULL;
	if (*p) {
		*p++ = '\0';
		*arg = p + strspn(p, " \t");
	}
	return 0;
}

/* argv[0] goes, and the interpreter, its argument and the script's path come in front. */
static int insert_interp(struct linux_binprm *b, const char *interp, const char *arg)
{
	int err = remove_arg_zero(b);

	if (err)
		return err;
	if (copy_string_kernel(b->interp, b) || (arg && copy_string_kernel(arg, b)) ||
	    copy_string_kernel(interp, b))
		return -E2BIG;
	b->argc += arg ? 3 : 2;
	b->argv0 = b->p;
	return 0;
}

int load_script(struct linux_binprm *b, char *line)
{
	char *interp, *arg;
	int err = parse_shebang(b->buf, line, &interp, &arg);

	if (!err && b->path_inaccessible)
		err = -ENOENT; /* its descriptor is closed before anybody could open it */
	if (!err)
		err = insert_interp(b, interp, arg);
	if (err)
		return err;
	b->interp = interp;
	return bprm_open(b, NULL, interp, 0);
}
