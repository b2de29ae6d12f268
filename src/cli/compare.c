/* See compare.h. Each side writes to memory files of its own; then the texts are compared line by
 * line, less what compare_rules.def excuses. */
#include "cli/compare.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/native.h"
#include "cli/run.h"
#include "fs/seq_file.h"
#include "proc/procfs/procfs.h"
#include "proc/signal.h"

#define MAX_SHOWN 10 /* differences printed of one text */
#define NOT_RUN 125

enum mapping_kind { ANY, FILE_ONLY };

static const struct rule {
	enum side_text text;
	enum mapping_kind kind;
	const char *line;
} rules[] = {
#define FILE FILE_ONLY
#define RULE(text, kind, line, why) {text, kind, line},
#include "cli/compare_rules.def"
#undef RULE
#undef FILE
};
_Static_assert(ARRAY_SIZE(rules) <= 64, "excuses() has a bit for each");

static const char *const text_name[NR_SIDE_TEXTS] = {
	"stdout", "stderr", "/proc/self/maps", "/proc/self/smaps", "/proc/self/status",
};

/* --- the Vellum side, in a child of ours ----------------------------------------------------- */

static void save_proc_texts(struct machine *m, struct task_struct *t, void *arg)
{
	const struct side *s = arg;

	if (t->tgid != m->init_pid)
		return;
	for (int i = 0; i < NR_SIDE_TEXTS; i++) {
		struct seq text;

		if (!side_proc_file[i] || procfs_read_text(m, t, side_proc_file[i], &text))
			continue;
		for (u64 done = 0; done < text.count;) {
			u64 left;
			const char *at = seq_peek(&text, done, &left);
			ssize_t n = write(s->fd[i], at, left);

			if (n <= 0)
				break;
			done += n;
		}
		seq_release(&text);
	}
}

static void __noreturn vellum_child(struct side *s, struct cli_options *o, int in, int *not_run)
{
	int status;

	if (!o->log)
		log_set_fd(fcntl(2, F_DUPFD_CLOEXEC, 3)); /* ours, not the guest's */
	if (side_redirect(s, in))
		_exit(NOT_RUN);
	if (o->proc) {
		o->on_exit = save_proc_texts;
		o->on_exit_arg = s;
	}
	status = run_program(o);
	if (status >= 0)
		exit_like(status);
	*not_run = -status;
	_exit(-status);
}

/* 0; -errno; NOT_RUN: Vellum has said why. */
static int vellum_run(struct side *s, struct cli_options *o, int in)
{
	int *not_run = mmap(NULL, sizeof(*not_run), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int err;

	if (not_run == MAP_FAILED)
		return -errno;
	pid = fork();
	if (!pid)
		vellum_child(s, o, in, not_run);
	err = pid > 0 && waitpid(pid, &s->status, 0) == pid ? 0 : -errno;
	if (!err && *not_run)
		err = NOT_RUN;
	munmap(not_run, sizeof(*not_run));
	return err;
}

/* --- comparing ------------------------------------------------------------------------------ */

struct text {
	char *data;
	u64 len;
};

static int text_map(int fd, struct text *t)
{
	struct stat st;

	*t = (struct text){0};
	if (fstat(fd, &st))
		return -errno;
	t->len = st.st_size;
	if (!t->len)
		return 0;
	t->data = mmap(NULL, t->len, PROT_READ, MAP_PRIVATE, fd, 0);
	return t->data == MAP_FAILED ? -errno : 0;
}

static void text_unmap(struct text *t)
{
	if (t->len)
		munmap(t->data, t->len);
}

/* The next line of @t from *@pos, without its newline; false at the end. */
static bool next_line(const struct text *t, u64 *pos, struct text *line)
{
	char *nl;

	if (*pos >= t->len)
		return false;
	line->data = t->data + *pos;
	nl = memchr(line->data, '\n', t->len - *pos);
	line->len = nl ? (u64)(nl - line->data) : t->len - *pos;
	*pos += line->len + !!nl;
	return true;
}

static bool field_matches(const char *pattern, const struct text *line)
{
	u64 n = strlen(pattern);
	const char *colon;

	if (pattern[0] == '*') { /* "*_switches:": a suffix of the field's name */
		colon = memchr(line->data, ':', line->len);
		return colon && (u64)(colon + 1 - line->data) >= n - 1 &&
		       !memcmp(colon + 1 - (n - 1), pattern + 1, n - 1);
	}
	if (pattern[n - 1] == '*')
		n--;
	return line->len >= n && !memcmp(line->data, pattern, n);
}

/* A bit for each of rules[] that excuses @line. */
static u64 excuses(enum side_text text, bool file_mapping, const struct text *line)
{
	u64 mask = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].text == text && (rules[i].kind == ANY || file_mapping) &&
		    field_matches(rules[i].line, line))
			mask |= 1UL << i;
	return mask;
}

/* The fields of @which that did differ and were let pass: so that "same" says what it says. */
static void show_excused(enum side_text which, u64 mask)
{
	int column = 0, n;

	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
		const char *name = rules[i].line;

		if (!(mask & 1UL << i))
			continue;
		n = (int)strcspn(name, ":");
		if (!column)
			column = printf("%s: not compared:", text_name[which]);
		else if (column + n > 78)
			column = printf("\n ") - 1;
		column += printf(" %.*s%s", n, name, rules[i].kind == FILE_ONLY ? " (files)" : "");
	}
	if (column)
		printf("\n");
}

/* The header of a mapping in smaps: does a file stand behind it? The inode (5th field) is not 0,
 * and shmem counts as anonymous (dev 00:01). */
static bool is_header(const struct text *line, bool *file_mapping)
{
	unsigned long start, end, inode;
	unsigned major, minor;
	char buf[128];

	snprintf(buf, sizeof(buf), "%.*s", (int)min(line->len, (u64)100), line->data);
	/* A header of smaps, of a kernel or of ours: its numbers fit. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(buf, "%lx-%lx %*s %*s %x:%x %lu", &start, &end, &major, &minor, &inode) != 5)
		return false;
	*file_mapping = (inode && !(major == 0 && minor == 1)) || strstr(buf, "[vdso]");
	return true;
}

static void show(const char *mark, const struct text *line, bool there)
{
	printf("  %s ", mark);
	if (!there)
		printf("(nothing)");
	for (u64 i = 0; there && i < line->len && i < 200; i++) {
		unsigned char c = line->data[i];

		if (isprint(c) || c == '\t' || c >= 0x80)
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	printf("\n");
}

/* Differences of one text, printed; their number. */
static u64 compare_text(enum side_text which, const struct side *native, const struct side *vellum)
{
	struct text a, b, la = {0}, lb = {0}, header = {0};
	u64 pa = 0, pb = 0, nr = 0, line = 0, passed = 0, mask;
	bool file_mapping = false, in_a, in_b;

	if (text_map(native->fd[which], &a) || text_map(vellum->fd[which], &b))
		return 1;
	if (a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len)))
		goto out;
	for (;;) {
		in_a = next_line(&a, &pa, &la);
		in_b = next_line(&b, &pb, &lb);
		line++;
		if (!in_a && !in_b)
			break;
		if (which == SIDE_SMAPS && in_a && is_header(&la, &file_mapping))
			header = la;
		if (in_a && in_b && la.len == lb.len && !memcmp(la.data, lb.data, la.len))
			continue;
		mask = in_a && in_b ? excuses(which, file_mapping, &la) : 0;
		if (mask && mask == excuses(which, file_mapping, &lb)) {
			passed |= mask;
			continue;
		}
		if (nr++ < MAX_SHOWN) {
			printf("%s, line %lu:\n", text_name[which], line);
			if (header.data)
				show(" ", &header, true);
			show("native", &la, in_a);
			show("vellum", &lb, in_b);
		}
	}
	/* Only the last newline differs: no line does, the bytes do. */
	if (!nr && which <= SIDE_STDERR) {
		printf("%s: %lu bytes natively, %lu in vellum\n", text_name[which], a.len, b.len);
		nr = 1;
	}
	show_excused(which, passed);
	if (nr > MAX_SHOWN)
		printf("%s: %lu more differences\n", text_name[which], nr - MAX_SHOWN);
out:
	text_unmap(&a);
	text_unmap(&b);
	return nr;
}

static void describe(int status, char *buf, u64 size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "killed by %s", sig_name(WTERMSIG(status)));
	else
		snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
}

static u64 compare_status(const struct side *native, const struct side *vellum)
{
	char a[64], b[64];

	/* The core flag is the host's limit, not the program's doing. */
	if ((native->status & ~0x80) == (vellum->status & ~0x80))
		return 0;
	describe(native->status, a, sizeof(a));
	describe(vellum->status, b, sizeof(b));
	printf("end:\n  native %s\n  vellum %s\n", a, b);
	return 1;
}

/* Standard input for both: as it is where it can be rewound, else a copy. -1: none. */
static int prepare_input(void)
{
	const u64 chunk = 1 << 16;
	char *buf;
	ssize_t n = 1;
	int fd;

	if (isatty(0))
		return -1;
	fd = memfd_create("vellum-compare", MFD_CLOEXEC);
	buf = malloc(chunk);
	while (fd >= 0 && buf && (n = read(0, buf, chunk)) > 0)
		if (write(fd, buf, n) != n)
			break;
	free(buf);
	return fd;
}

static int verdict(const struct cli_options *o, const struct side *native,
		   const struct side *vellum)
{
	int last = o->proc ? NR_SIDE_TEXTS : SIDE_STDERR + 1;
	u64 nr = compare_status(native, vellum);

	for (int i = 0; i < last; i++)
		nr += compare_text(i, native, vellum);
	printf(nr ? "different: %lu differences\n" : "same\n", nr);
	return !!nr;
}

int compare_program(struct cli_options *o)
{
	struct side native = {0}, vellum = {0};
	int status = NOT_RUN, in, err;
	char *path, *argv0 = o->argv[0];

	keep_standard_fds();
	path = find_program(o->argv[0], o->envp, o->machine.root, &status);
	if (!path)
		return NOT_RUN;
	in = prepare_input();
	err = side_init(&native);
	if (!err)
		err = side_init(&vellum);
	if (!err) {
		if (o->argv0)
			o->argv[0] = (char *)o->argv0;
		err = native_run(&native, o->machine.root, path, o->argv, o->envp, in, o->proc);
		o->argv[0] = argv0;
	}
	if (err)
		log_line("%s: cannot be run natively: %s", path, strerror(-err));
	else if ((err = vellum_run(&vellum, o, in)) < 0)
		log_line("%s: cannot be run in Vellum: %s", path, strerror(-err));
	status = err ? NOT_RUN : verdict(o, &native, &vellum);
	side_release(&native);
	side_release(&vellum);
	free(path);
	return status;
}
