/* Core files: who stops, what the file is called, and whether there is one. See coredump.h; fs/coredump.c. */
#include "proc/coredump.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "fs/fsnotify.h"
#include "fs/open.h"
#include "proc/clock.h"
#include "proc/elf_core.h"
#include "proc/task.h"

/* --- core_pattern ------------------------------------------------------------------------------- */

void coredump_init(struct machine *m)
{
	strcpy(m->core_pattern, "core");
}

int coredump_set_pattern(struct machine *m, const char *pattern)
{
	u64 len = strcspn(pattern, "\n");

	if (*pattern == '|' || *pattern == '@') {
		log_line("core_pattern: '%c': core files go to files only", *pattern);
		return -EINVAL;
	}
	len = min(len, (u64)CORENAME_MAX_SIZE - 1);
	memcpy(m->core_pattern, pattern, len);
	m->core_pattern[len] = '\0';
	return 0;
}

struct corename {
	char *text; /* PATH_MAX bytes */
	u64 used;
	bool full;
};

static void put_char(struct corename *cn, char c)
{
	if (cn->used + 1 >= PATH_MAX) {
		cn->full = true;
		return;
	}
	cn->text[cn->used++] = c;
	cn->text[cn->used] = '\0';
}

static void put_number(struct corename *cn, u64 n)
{
	if (n >= 10)
		put_number(cn, n / 10);
	put_char(cn, (char)('0' + n % 10));
}

/* Text that others have chosen: it stays one part of the path, and is neither "", "." nor "..". cn_esc_printf() */
static void put_escaped(struct corename *cn, const char *s)
{
	if (!strcmp(s, ".") || !strcmp(s, "..")) {
		put_char(cn, '!');
		s++;
	} else if (!*s) {
		put_char(cn, '!');
	}
	for (; *s; s++)
		put_char(cn, (char)(*s == '/' ? '!' : *s));
}

/* The program's path, or its last part. */
static void put_exe(struct corename *cn, struct task_struct *t, bool name_only)
{
	struct file *exe = t->mm->exe_file;
	char *path = exe ? kmalloc(t->mm->mem, PATH_MAX, GFP_KERNEL) : NULL;
	const char *slash;

	if (!path || d_path(&exe->f_path, path, PATH_MAX) < 0) {
		put_escaped(cn, t->comm);
		for (const char *s = exe ? "" : " (path unknown)"; *s; s++)
			put_char(cn, *s);
	} else {
		slash = name_only ? strrchr(path, '/') : NULL;
		put_escaped(cn, slash ? slash + 1 : path);
	}
	kfree(t->mm->mem, path);
}

static u64 wall_clock(struct task_struct *t)
{
	struct timespec now = {0};

	machine_clock_gettime(t->machine, t, CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static void put_specifier(struct corename *cn, struct task_struct *t, int sig, char c)
{
	struct utsname u;

	switch (c) {
	case '%':
		put_char(cn, '%');
		break;
	case 'p': /* one pid namespace: P is p, I is i */
	case 'P':
		put_number(cn, t->tgid);
		break;
	case 'i':
	case 'I':
		put_number(cn, t->pid);
		break;
	case 'u':
		put_number(cn, t->uid);
		break;
	case 'g':
		put_number(cn, t->gid);
		break;
	case 'd':
		put_number(cn, t->mm->dumpable);
		break;
	case 's':
		put_number(cn, sig);
		break;
	case 't':
		put_number(cn, wall_clock(t));
		break;
	case 'h':
		machine_uname(t->machine, &u);
		put_escaped(cn, u.nodename);
		break;
	case 'e':
		put_escaped(cn, t->comm);
		break;
	case 'f':
	case 'E':
		put_exe(cn, t, c == 'f');
		break;
	case 'c':
		put_number(cn, rlimit(t, RLIMIT_CORE));
		break;
	case 'C': /* the CPU */
		put_char(cn, '0');
		break;
	}
}

bool format_corename(struct task_struct *t, int sig, const char *pattern, char *name)
{
	struct corename cn = {.text = name};
	bool has_pid = false;

	*name = '\0';
	for (const char *p = pattern; *p; p++) {
		if (*p != '%') {
			put_char(&cn, *p);
			continue;
		}
		if (!*++p) /* a single one at the end is dropped */
			break;
		has_pid |= *p == 'p';
		put_specifier(&cn, t, sig, *p);
	}
	if (!has_pid && t->machine->sysctl[SYSCTL_core_uses_pid]) {
		put_char(&cn, '.');
		put_number(&cn, t->tgid);
	}
	return !cn.full;
}

/* --- the file ------------------------------------------------------------------------------------ */

/* A file of that name goes: whoever has it open keeps it, and does not see the new one's bytes. What stands in the
 * way open() will say. */
static void unlink_old(struct task_struct *t, const char *name, char *last)
{
	struct fsnotify_victim victim;
	struct dentry *dir;
	struct path p;
	int err;

	if (path_lookup(t->fs, NULL, name, LOOKUP_PARENT, &p, last))
		return;
	dir = p.dentry;
	if (*last && !strchr(last, '/') && strcmp(last, ".") && strcmp(last, "..") &&
	    !is_mountpoint(&p, last) && !mnt_want_write(&p) && dir->d_op->unlink) {
		fsnotify_begin(&victim, dir, last);
		err = dir->d_op->unlink(dir, last, 0);
		fsnotify_unlinked(&victim, dir, last, err);
	}
	path_put(&p);
}

/* Is it what was asked for: a regular file of the process's user, with one name, that nobody else may read? */
static bool is_own_file(const struct task_struct *t, struct file *f)
{
	struct stat st;

	return !file_stat(f, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       st.st_uid == t->fsuid && (st.st_mode & 0677) == 0600;
}

/* NULL: there is to be none. @buf: PATH_MAX bytes. */
static struct file *open_core(struct task_struct *t, int sig, char *name, char *last)
{
	struct file *f;

	if (!format_corename(t, sig, t->machine->core_pattern, name))
		return NULL;
	unlink_old(t, name, last);
	f = do_filp_open(t->fs, NULL, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_LARGEFILE,
			 0600);
	if (IS_ERR(f))
		return NULL;
	if (is_own_file(t, f))
		return f;
	fput(f);
	return NULL;
}

/* True: there is a core file. */
static bool write_core(struct task_struct *t, const struct k_siginfo *info,
		       const struct core_state *core)
{
	struct core_params p = {
		.t = t, .info = info, .threads = core->first, .limit = rlimit(t, RLIMIT_CORE)};
	struct memory *m = &t->machine->mem;
	bool dumped = false;
	char *names;

	if (p.limit < PAGE_SIZE)
		return false;
	names = kmalloc(m, PATH_MAX + NAME_MAX + 1, GFP_KERNEL);
	if (!names)
		return false;
	p.file = open_core(t, info->si_signo, names, names + PATH_MAX);
	kfree(m, names);
	if (p.file) {
		dumped = elf_core_dump(&p);
		fput(p.file);
	}
	return dumped;
}

/* --- who stops ----------------------------------------------------------------------------------- */

/* The process begins to end, by @sig. False: it has begun already. */
static bool zap_threads(struct task_struct *t, int sig, struct core_state *core)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	if (s->group_exit || s->group_exec)
		return false;
	s->core_state = core;
	s->group_exit = true;
	s->group_exit_code = sig;
	s->group_stop_count = 0;
	clear_jobctl_pending(t, JOBCTL_PENDING_MASK);
	for_each_thread(t, p)
	{
		if (p == t || p->post_coredump)
			continue;
		kill_thread(p);
		core->nr_running++;
	}
	t->sigpending = false; /* what comes from now on is SIGKILL only: prepare_signal() */
	return true;
}

static void coredump_finish(struct task_struct *t, struct core_state *core, bool dumped)
{
	struct core_thread *ct = core->first;

	if (dumped && !fatal_signal_pending(t))
		t->signal->group_exit_code |= 0x80;
	t->signal->core_state = NULL;
	while (ct) {
		struct core_thread *next = ct->next; /* its stack goes with it */
		struct task_struct *p = ct->task;

		ct->task = NULL;
		wake_up_process(p);
		ct = next;
	}
}

void do_coredump(struct task_struct *t, const struct k_siginfo *info)
{
	struct core_state core = {.dumper = t, .last = &core.first};

	if (t->mm->dumpable == SUID_DUMP_DISABLE || !zap_threads(t, info->si_signo, &core))
		return;
	while (core.nr_running) {
		t->state = TASK_UNINTERRUPTIBLE;
		schedule(t->machine);
	}
	coredump_finish(t, &core, write_core(t, info, &core));
}

void coredump_task_exit(struct task_struct *t)
{
	struct core_state *core = t->signal->core_state;
	struct core_thread self = {.task = t};

	t->post_coredump = true;
	if (!core)
		return;
	if (t->signaled) {
		*core->last = &self;
		core->last = &self.next;
	} else { /* it ended by itself, and is not in the file */
		self.task = NULL;
	}
	if (!--core->nr_running)
		wake_up_process(core->dumper);
	while (self.task) {
		t->state = TASK_UNINTERRUPTIBLE;
		schedule(t->machine);
	}
}
