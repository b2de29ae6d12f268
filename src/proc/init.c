/* The first task: made of what the host process has, and started as the kernel's init is: a kernel thread
 * that executes the program. See init.h. */
#include "proc/init.h"

#include <sys/prctl.h>

#include "base/host.h"
#include "base/host_fs.h"
#include "base/host_proc.h"
#include "fs/fdtable.h"
#include "fs/namei.h"
#include "proc/exec.h"
#include "proc/loop.h"
#include "proc/tty_jobctrl.h"

/* --- what it takes over from the host ------------------------------------------------------------- */

static void task_init_creds(struct task_struct *t)
{
	gid_t host_groups[ARRAY_SIZE(t->groups)];
	int n = host_getgroups(host_groups, ARRAY_SIZE(t->groups));
	struct host_ids ids = host_getids();

	t->uid = ids.uid;
	t->euid = t->suid = t->fsuid = ids.euid;
	t->gid = ids.gid;
	t->egid = t->sgid = t->fsgid = ids.egid;
	for (int i = 0; i < n; i++)
		t->groups[i] = host_groups[i];
	t->ngroups = n > 0 ? n : 0;
	caps_init(t);
	t->machine->vfs.host_cred =
		(struct vfs_cred){.uid = t->fsuid, .gid = t->fsgid, .caps = t->caps.effective};
}

/* The limits that Vellum was started with are the guest's. NOFILE alone is Vellum's own: the host's
 * soft limit is raised at start, and machine_config keeps what it was. */
static void task_init_limits(struct task_struct *t)
{
	const struct machine_config *c = &t->machine->config;
	struct rlimit rl;

	for (unsigned i = 0; i < NR_RLIMITS; i++) {
		if (host_getrlimit(i, &rl)) {
			t->signal->rlim_cur[i] = t->signal->rlim_max[i] = RLIM_INFINITY;
			continue;
		}
		t->signal->rlim_cur[i] = rl.rlim_cur;
		t->signal->rlim_max[i] = rl.rlim_max;
	}
	if (c->nofile_cur)
		t->signal->rlim_cur[RLIMIT_NOFILE] = c->nofile_cur;
	t->signal->rlim_cur[RLIMIT_CORE] = c->core_cur;
}

static int task_init_fs(struct task_struct *t)
{
	struct vfs *v = &t->machine->vfs;

	t->fs = kmem_cache_zalloc(t->machine->fs_cache, GFP_KERNEL);
	if (!t->fs)
		return -ENOMEM;
	t->fs->users = 1;
	t->fs->umask = host_umask();
	return vfs_start_paths(v, &t->fs->root, &t->fs->pwd);
}

/* So many descriptors that Vellum inherited become the guest's at most. */
#define INHERITED_FDS 128

/* What Vellum was started with: its own are all close-on-exec. */
static int inherited_fds(int fds[INHERITED_FDS])
{
	int n = host_list_fds(fds, INHERITED_FDS), kept = 0;

	for (int i = 0; i < n; i++) {
		int flags = host_fcntl(fds[i], F_GETFD, 0);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			fds[kept++] = fds[i];
	}
	return kept;
}

/* The guest gets a copy: the host's numbers are Vellum's own. machine_drop_inherited() closes the
 * originals, where the guest's closing them must be seen outside. */
static int inherit_fd(struct task_struct *t, int fd)
{
	int copy = host_dup(fd), err;
	struct file *f;

	if (copy < 0)
		return copy;
	f = file_from_host_fd(&t->machine->vfs, copy);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = fd_install_at(t->files, f, fd, false);
	if (err < 0)
		fput(f);
	return err < 0 ? err : 0;
}

static int task_init_files(struct task_struct *t)
{
	int fds[INHERITED_FDS], n, err = 0;

	t->files = files_alloc(&t->machine->mem);
	if (!t->files)
		return -ENOMEM;
	n = inherited_fds(fds);
	for (int i = 0; i < n && !err; i++)
		err = inherit_fd(t, fds[i]);
	return err;
}

/* What the host ignores is ignored, the rest is default; what is blocked stays so. */
static void task_init_signals(struct task_struct *t)
{
	struct machine *m = t->machine;

	for (int sig = 1; sig <= NR_SIGNALS; sig++) {
		if (sig == SIGPIPE || sig == SIGXFSZ)
			continue; /* Vellum ignores them for itself; what it met is in the config */
		if (host_signal_ignored(sig))
			t->sighand->action[sig - 1].handler = (gva_t)SIG_IGN;
	}
	if (m->config.sigpipe_ignored)
		t->sighand->action[SIGPIPE - 1].handler = (gva_t)SIG_IGN;
	if (m->config.sigxfsz_ignored)
		t->sighand->action[SIGXFSZ - 1].handler = (gva_t)SIG_IGN;
	t->blocked |= host_blocked_signals() & ~m->config.sig_watched;
}

void machine_drop_inherited(void)
{
	int fds[INHERITED_FDS], n = inherited_fds(fds), null = host_open("/dev/null", O_RDWR, 0);

	for (int i = 0; i < n; i++) {
		if (fds[i] > 2)
			host_close(fds[i]);
		else if (null >= 0 && fds[i] != 2) /* 2: for last words */
			host_dup3(null, fds[i]);
	}
	if (null > 2)
		host_close(null);
}

/* --- the task ------------------------------------------------------------------------------------ */

struct task_struct *task_create_init(struct machine *m)
{
	struct task_struct *t = task_alloc(m, alloc_pid(m));
	int err;

	if (IS_ERR(t))
		return t;
	t->nice = host_nice();
	t->personality = ADDR_NO_RANDOMIZE_K; /* which is what it gets */
	t->mce_kill = PR_MCE_KILL_DEFAULT;
	t->timer_slack_ns = t->default_timer_slack_ns = TIMER_SLACK_NS;
	task_init_creds(t);
	task_init_limits(t);
	task_init_signals(t);
	err = task_init_fs(t);
	if (!err)
		err = task_init_files(t);
	if (!err)
		err = tty_start_session(t);
	if (err) {
		task_free(t);
		return ERR_PTR(err);
	}
	task_link(t);
	m->nr_tasks++;
	m->init_pid = t->pid;
	task_set_rights(t); /* before it runs its program is loaded, in its name */
	return t;
}

struct init_args {
	const char *filename;
	char *const *argv, *const *envp;
	char *why;
	bool done;
	int err;
};

static int kernel_init(struct task_struct *t, void *arg)
{
	struct init_args *a = arg;

	const struct exec_name name = {.name = a->filename};
	const struct user_strings argv = {.host = a->argv}, envp = {.host = a->envp};

	a->err = do_execveat(t, &name, argv, envp, 0, a->why);
	a->done = true;
	if (a->err)
		return 125;
	t->kthread = NULL;		 /* a program from here on */
	t->state = TASK_UNINTERRUPTIBLE; /* back to machine_exec(), until machine_run() wakes it */
	schedule(t->machine);
	task_loop(t);
	return 0;
}

int machine_exec(struct machine *m, const char *filename, char *const *argv, char *const *envp,
		 char why[160])
{
	struct init_args a = {filename, argv, envp, why, false, 0};
	struct task_struct *t = task_create_init(m);

	if (IS_ERR(t))
		return PTR_ERR(t);
	t->kthread = kernel_init;
	t->kthread_arg = &a;
	wake_up_process(t);
	sched_run(m, &a.done);
	return a.err;
}
