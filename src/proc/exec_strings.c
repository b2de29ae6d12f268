/* The strings of an exec: argv, envp and the program's name, onto the new program's stack. They are written
 * to their last place at once. See exec.h; fs/exec.c. */
#include "proc/exec.h"

#include <string.h>

#include "mm/uaccess.h"

#define MAX_ARG_STRLEN (32 * PAGE_SIZE)
#define ARG_MAX_FLOOR (32 * PAGE_SIZE)
#define ARG_MAX_CEILING (6UL << 20)
#define MAX_ARG_STRINGS 0x7fffffff

/* The pages of [start, end) were asked for to put strings there: once each, while it goes on there. */
static void touch_arg_pages(struct linux_binprm *b, gva_t start, gva_t end)
{
	for (gva_t addr = (end - 1) & PAGE_MASK; end > start && addr >= (start & PAGE_MASK);
	     addr -= PAGE_SIZE) {
		if (addr != b->arg_page)
			touch_user_page(b->mm, addr);
		b->arg_page = addr;
	}
}

/* Puts @len bytes below bprm->p. */
static int put_string(struct linux_binprm *b, const char *s, u64 len)
{
	b->p -= len;
	if (copy_to_user(b->mm, b->p, s, len))
		return -E2BIG;
	touch_arg_pages(b, b->p, b->p + len);
	return 0;
}

/* Address of the @i-th string of the guest's vector; 0 at its end. */
static int guest_string(const struct user_strings *v, int i, gva_t *str)
{
	return get_user(v->mm, *str, v->gva + 8UL * i);
}

static int count_strings(const struct user_strings *v)
{
	gva_t str;
	int n = 0;

	if (!v->mm) {
		while (v->host && v->host[n])
			n++;
		return n;
	}
	if (!v->gva)
		return 0;
	for (;; n++) {
		if (n >= MAX_ARG_STRINGS)
			return -E2BIG;
		if (guest_string(v, n, &str))
			return -EFAULT;
		if (!str)
			return n;
	}
}

/* Copies a string of the old program page by page, from its end down, to the new stack. */
static int copy_guest_string(struct linux_binprm *b, const struct user_strings *v, gva_t str,
			     gva_t floor, char *buf)
{
	long len = strnlen_user(v->mm, str, MAX_ARG_STRLEN);
	u64 left;

	if (!len)
		return -EFAULT;
	if (len > (long)MAX_ARG_STRLEN || b->p - len < floor)
		return -E2BIG;
	b->p -= len;
	for (left = len; left;) {
		u64 n = min(left, PAGE_SIZE);

		left -= n;
		if (copy_from_user(v->mm, buf, str + left, n))
			return -EFAULT;
		if (copy_to_user(b->mm, b->p + left, buf, n))
			return -E2BIG;
	}
	touch_arg_pages(b, b->p, b->p + len);
	return 0;
}

static int copy_strings(struct linux_binprm *b, const struct user_strings *v, int n, gva_t floor)
{
	struct memory *mem = b->mm->mem;
	char *buf = NULL;
	int err = 0;

	b->arg_page = 0;
	if (v->mm) {
		buf = kmalloc(mem, PAGE_SIZE, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	while (n-- > 0 && !err) {
		if (v->mm) {
			gva_t str;

			err = guest_string(v, n, &str) ? -EFAULT
						       : copy_guest_string(b, v, str, floor, buf);
		} else {
			u64 len = strlen(v->host[n]) + 1;

			err = len > MAX_ARG_STRLEN || b->p - len < floor
				      ? -E2BIG
				      : put_string(b, v->host[n], len);
		}
	}
	kfree(mem, buf);
	return err;
}

/* The lowest address that strings may reach: a quarter of the stack limit, at most 6 MiB, less
 * what the pointers to them will take. */
static int bprm_stack_limits(struct linux_binprm *b, gva_t *floor)
{
	u64 limit = min(max(b->rlim_stack / 4, ARG_MAX_FLOOR), ARG_MAX_CEILING);
	u64 pointers = ((u64)max(b->argc, 1) + b->envc) * 8;

	if (limit <= pointers)
		return -E2BIG;
	*floor = b->p - (limit - pointers);
	return 0;
}

int bprm_put_strings(struct linux_binprm *b, const struct user_strings *argv,
		     const struct user_strings *envp)
{
	gva_t floor;
	int err;

	b->argc = count_strings(argv);
	b->envc = count_strings(envp);
	if (b->argc < 0 || b->envc < 0)
		return b->argc < 0 ? b->argc : b->envc;
	err = bprm_stack_limits(b, &floor);
	if (!err)
		err = copy_string_kernel(b->filename, b);
	b->exec = b->p;
	if (!err)
		err = copy_strings(b, envp, b->envc, floor);
	b->mm->env_start = b->p; /* the format sets the four bounds for good */
	if (!err)
		err = copy_strings(b, argv, b->argc, floor);
	if (!err && !b->argc) { /* an empty argv gets one empty string, as since Linux 5.18 */
		b->argc = 1;
		err = copy_string_kernel("", b);
	}
	b->argv0 = b->p;
	return err;
}

int copy_string_kernel(const char *s, struct linux_binprm *b)
{
	return put_string(b, s, strlen(s) + 1);
}

int remove_arg_zero(struct linux_binprm *b)
{
	u8 c = 1;

	do { /* NUL included */
		if (get_user(b->mm, c, b->p))
			return -EFAULT;
		b->p++;
	} while (c);
	b->argc--;
	return 0;
}
