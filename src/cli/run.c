/* See run.h. */
#include "cli/run.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host_fs.h"
#include "base/log.h"
#include "cli/report.h"
#include "fs/tty.h"
#include "loader/loader.h"
#include "proc/exec.h"
#include "proc/host_signals.h"
#include "proc/init.h"
#include "syscalls/syscalls.h"

static const char *env_value(char **envp, const char *name)
{
	u64 len = strlen(name);

	for (; *envp; envp++)
		if (!strncmp(*envp, name, len) && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/* Is there something at @path, seen from @root? An O_PATH descriptor, or -errno. */
static int open_in(const char *root, const char *path)
{
	int dir = host_open(root ? root : "/", O_PATH | O_DIRECTORY, 0), fd = dir;

	if (dir < 0)
		return dir;
	if (root)
		fd = host_openat2(dir, path, O_PATH, 0, RESOLVE_IN_ROOT);
	else
		fd = host_openat(AT_FDCWD, path, O_PATH, 0);
	close(dir);
	return fd;
}

/* May it be executed? 0 or -errno. */
static int may_execute(const char *root, const char *path)
{
	int fd = open_in(root, path), err;

	if (fd < 0)
		return fd;
	err = host_faccessat2(fd, "", X_OK, AT_EMPTY_PATH);
	close(fd);
	return err;
}

char *find_program(const char *name, char **envp, const char *root, int *status)
{
	const char *path = env_value(envp, "PATH"), *end;
	char *found = NULL;
	int why = -ENOENT, err;

	if (strchr(name, '/'))
		return strdup(name);
	for (path = path ? path : "/usr/bin:/bin"; *name; path = end + 1) {
		end = strchrnul(path, ':');
		if (asprintf(&found, "%.*s/%s", end > path ? (int)(end - path) : 1,
			     end > path ? path : ".", name) < 0)
			break;
		err = may_execute(root, found);
		if (!err)
			return found;
		if (err == -EACCES)
			why = err;
		free(found);
		if (!*end)
			break;
	}
	log_line("%s: %s", *name ? name : "''",
		 why == -EACCES ? "Permission denied" : "not found in PATH");
	*status = why == -EACCES ? 126 : 127;
	return NULL;
}

/* What the guest gets in our place. Not among them: SIGTTIN and SIGTTOU stop Vellum as a whole. */
static const int watched[] = {SIGHUP,  SIGINT,	 SIGQUIT, SIGTERM,   SIGUSR1, SIGUSR2,
			      SIGALRM, SIGCONT,	 SIGURG,  SIGVTALRM, SIGPROF, SIGPWR,
			      SIGIO,   SIGWINCH, SIGXCPU, SIGSTKFLT, SIGTSTP};

/* Blocked from here on, so that none is lost before the guest can take it. */
static void block_watched(struct machine_config *c)
{
	sigset_t set, before;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	for (unsigned i = 0; i < ARRAY_SIZE(watched); i++)
		if (!sigismember(&before, watched[i]))
			c->sig_watched |= sigmask_k(watched[i]);
}

static void unblock_watched(const struct machine_config *c)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(watched); i++)
		if (c->sig_watched & sigmask_k(watched[i]))
			sigaddset(&set, watched[i]);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* What Vellum opens for itself and copies for the guest before the guest opens anything. */
#define MIN_DESCRIPTORS 20

void keep_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			exit(125);
}

/* Vellum's own limits and signals; what the guest is to see of the old ones goes to the config. */
static void prepare_host(struct machine_config *c)
{
	struct rlimit rl;

	keep_standard_fds();
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		c->nofile_cur = rl.rlim_cur;
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
		if (rl.rlim_max < MIN_DESCRIPTORS) {
			log_line("descriptors: at least %d are needed, the limit is %lu",
				 MIN_DESCRIPTORS, rl.rlim_max);
			exit(125);
		}
	}
	if (!getrlimit(RLIMIT_CORE, &rl)) {
		c->core_cur = rl.rlim_cur;
		rl.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &rl);
	}
	c->sigpipe_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
	c->sigxfsz_ignored = signal(SIGXFSZ, SIG_IGN) == SIG_IGN;
	block_watched(c);
}

static int open_log(const char *file)
{
	int fd;

	if (!file)
		return 0;
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0) {
		log_line("%s: %s", file, strerror(errno));
		return 125;
	}
	log_set_fd(fd);
	return 0;
}

static int exec_status(int err)
{
	switch (-err) {
	case ENOENT:
	case ENOTDIR:
		return 127;
	case EIO:
		return 125;
	default:
		return 126;
	}
}

/* -EACCES in words that help. */
static const char *why_no_access(const char *root, const char *path)
{
	struct stat st = {.st_mode = 0111};
	int fd = open_in(root, path);

	if (fd >= 0) {
		fstat(fd, &st);
		close(fd);
	}
	if (S_ISDIR(st.st_mode))
		return "is a directory";
	if (!(st.st_mode & 0111))
		return "not executable: no x in its mode";
	return strerror(EACCES);
}

int run_prepare(struct cli_options *o, struct machine *m)
{
	char why[160] = "", *path, *argv0 = o->argv[0];
	int err, status = 125;

	prepare_host(&o->machine);
	status = open_log(o->log);
	if (status)
		return status;
	path = find_program(o->argv[0], o->envp, o->machine.root, &status);
	if (!path)
		return status;
	if (cpu_install_host_handlers() || machine_init(m, &o->machine)) {
		free(path);
		return 125;
	}
	syscalls_init(m);
	err = loader_init(m);
	if (!err) {
		if (o->argv0)
			o->argv[0] = (char *)o->argv0;
		err = machine_exec(m, path, o->argv, o->envp, why);
		o->argv[0] = argv0;
	}
	if (err) {
		if (!why[0])
			snprintf(why, sizeof(why), "%s", strerror(-err));
		/* Of a script's interpreter there is more to read. */
		log_line("%s: %s", path,
			 strcmp(why, strerror(EACCES)) != 0 ? why
							    : why_no_access(o->machine.root, path));
		loader_destroy(m);
		machine_destroy(m);
	}
	free(path);
	return err ? exec_status(err) : 0;
}

/* While a task still has its frames; of the first process what was asked for. */
static void at_exit(struct machine *m, struct task_struct *t, void *arg)
{
	const struct cli_options *o = arg;

	if (t->tgid == m->init_pid && o->at_exit)
		report_proc_files(m, t, o->at_exit);
	if (t->tgid == m->init_pid && o->stats)
		report_stats(m);
	if (t->tgid == m->init_pid && o->machine.jit_perf)
		report_perf_map(m, t);
	if (o->on_exit)
		o->on_exit(m, t, o->on_exit_arg);
}

int run_program(struct cli_options *o)
{
	struct machine *m = calloc(1, sizeof(*m));
	int status;

	if (!m)
		return -125;
	status = run_prepare(o, m);
	if (status) {
		unblock_watched(&o->machine);
		free(m);
		return -status;
	}
	machine_drop_inherited();
	if (machine_watch_signals(m))
		log_line("signals of the host will not reach the guest");
	m->on_exit = at_exit;
	m->on_exit_arg = o;
	status = machine_run(m);
	if (WIFSIGNALED(status)) /* it could not do that itself */
		tty_host_restore(&m->vfs);
#ifdef CONFIG_DEBUG_VM
	if (machine_validate(m))
		_exit(125);
#endif
	loader_destroy(m);
	machine_destroy(m);
	free(m);
	unblock_watched(&o->machine);
	return status;
}

void exit_like(int status_word)
{
	int sig = WTERMSIG(status_word);
	sigset_t set;

	if (WIFEXITED(status_word))
		exit(WEXITSTATUS(status_word));
	/* The core file is the guest's: a second one, of Vellum itself, would tell nobody anything. The limit alone
	 * does not keep the host from handing it to a program (core_pattern). */
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	exit(128 + sig); /* a signal that cannot kill Vellum */
}
