/* --strace: a line a call on the log, in strace's look.
 *
 *   table.def: "d Dsoc" --> put_result() d, put_arg() D, s, o, c       one letter, one way to print
 *
 * Arguments are printed by the letters of table.def, after the call, so that what it stored is
 * seen; memory that the guest could not reach itself prints as an address. Reading an argument may
 * fault a page in, as the call itself would. Not for: tracing from outside, which is strace's work.
 */
#include "syscalls/internal.h"

#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "syscalls/strace_put.h"

#define RESULT_COLUMN 40

static void put_arg(struct line *l, char letter, u64 v, int i)
{
	if (put_pointed(l, letter, v, i < 5 ? l->a->arg[i + 1] : 0))
		return;
	switch (letter) {
	case 'D':
		if ((s32)v == AT_FDCWD) {
			put(l, "AT_FDCWD");
			break;
		}
		/* fall through */
	case 'd':
	case 'f':
		put(l, "%d", (s32)v);
		break;
	case 'u':
		put(l, "%u", (u32)v);
		break;
	case 'l':
		put(l, "%ld", (s64)v);
		break;
	case 'z':
		put(l, "%lu", v);
		break;
	case 'x':
		put(l, "%#lx", v);
		break;
	case 'p':
		put_addr(l, v);
		break;
	case 'c':
	case 'm':
		put_mode(l, v);
		break;
	case 'g':
		put_signal(l, v);
		break;
	case 'o':
		put_open_flags(l, v);
		break;
	case '&':
		put_sock_type(l, v);
		break;
	case '*':
		put_sock_option(l, l->a->arg[i - 1], v);
		break;
	default:
		put_flags(l, v, letter);
	}
}

static void put_args(struct line *l, const struct syscall_desc *d)
{
	const char *letters = d->args + 2;

	for (int i = 0; letters[i]; i++) {
		/* the mode counts only when something is made */
		if (letters[i] == 'c' &&
		    !(l->a->arg[i - 1] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
			continue;
		put(l, i ? ", " : "");
		put_arg(l, letters[i], l->a->arg[i], i);
	}
}

static const struct {
	int err;
	const char *name, *text;
} restarts[] = {
	{ERESTARTSYS, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
	{ERESTARTNOINTR, "ERESTARTNOINTR", "To be restarted"},
	{ERESTARTNOHAND, "ERESTARTNOHAND", "To be restarted if no handler"},
	{ERESTART_RESTARTBLOCK, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
};

static void put_error(struct line *l, int err)
{
	for (u64 i = 0; i < ARRAY_SIZE(restarts); i++) {
		if (restarts[i].err == err) {
			put(l, "? %s (%s)", restarts[i].name, restarts[i].text);
			return;
		}
	}
	put(l, "-1 %s (%s)", strerrorname_np(err) ? strerrorname_np(err) : "EUNKNOWN",
	    strerrordesc_np(err) ? strerrordesc_np(err) : "Unknown error");
}

/* "[{fd=0, revents=POLLIN}]" of poll and ppoll. */
static void put_revents(struct line *l)
{
	const char *sep = " ([";
	struct pollfd p;

	for (u32 i = 0; i < (u32)l->a->arg[1] && i < MAX_VECTORS; i++) {
		if (get_user(l->t->mm, p, l->a->arg[0] + i * sizeof(p)))
			break;
		if (!p.revents)
			continue;
		put(l, "%s{fd=%d, revents=", sep, p.fd);
		put_flags(l, (u16)p.revents, '?');
		put(l, "}");
		sep = ", ";
	}
	if (*sep == ' ')
		put(l, " (Timeout)");
	else
		put(l, "])");
}

static void put_result(struct line *l, const struct syscall_desc *d)
{
	int kind = d ? d->args[0] : 'd';

	if (!l->done || kind == 'n')
		put(l, "?");
	else if (failed(l))
		put_error(l, (int)-l->ret);
	else if (kind == 'p' || kind == 'x')
		put(l, "%#lx", l->ret);
	else if (kind == 'o')
		put(l, "%#03lo", l->ret);
	else if (d && d->args[2] == 'f' && d->args[3] == 'q' && (u32)l->a->arg[1] == F_GETFL) {
		put(l, "%#lx (flags ", l->ret);
		put_open_flags(l, l->ret);
		put(l, ")");
	} else {
		put(l, "%ld", l->ret);
		if (d && d->args[2] == 'O')
			l->ret ? put_revents(l) : put(l, " (Timeout)");
	}
}

void strace_call(struct task_struct *t, const struct syscall_desc *d, u64 nr,
		 const struct sysargs *a, const long *ret)
{
	struct line l = {.t = t, .a = a, .ret = ret ? *ret : 0, .done = ret};

	if (d)
		put(&l, "%s(", d->name);
	else
		put(&l, "syscall_%#lx(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx", nr, a->arg[0], a->arg[1],
		    a->arg[2], a->arg[3], a->arg[4], a->arg[5]);
	pagefault_disable(t->mm->mem); /* what is not there is not waited for */
	if (d)
		put_args(&l, d);
	put(&l, ")");
	if (l.len < RESULT_COLUMN - 1)
		put(&l, "%*s", (int)(RESULT_COLUMN - 1 - l.len), "");
	put(&l, " = ");
	put_result(&l, d);
	pagefault_enable(t->mm->mem);
	log_text("%s\n", l.text);
}
