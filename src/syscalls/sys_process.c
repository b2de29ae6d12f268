/* Processes: fork and its kin, execve, wait, interval timers. The work is proc/'s. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "proc/exec.h"
#include "proc/fork.h"
#include "proc/itimer.h"
#include "proc/pidfd.h"
#include "proc/wait.h"
#include "syscalls/user_path.h"

/* --- fork and clone -------------------------------------------------------------------------- */

/* fork(2). What kernel_clone() says. */
long sys_fork(struct task_struct *t, const struct sysargs *a)
{
	const struct kernel_clone_args args = {.exit_signal = SIGCHLD};

	(void)a;
	return kernel_clone(t, &args);
}

/* vfork(2). The caller sleeps until the child has ended or called execve(2). */
long sys_vfork(struct task_struct *t, const struct sysargs *a)
{
	const struct kernel_clone_args args = {
		.flags = CLONE_VFORK | CLONE_VM,
		.exit_signal = SIGCHLD,
	};

	(void)a;
	return kernel_clone(t, &args);
}

/* clone(2). What kernel_clone() says. */
long sys_clone(struct task_struct *t, const struct sysargs *a)
{
	const struct kernel_clone_args args = {
		.flags = (u32)a->arg[0] & ~(u64)CSIGNAL,
		.exit_signal = a->arg[0] & CSIGNAL,
		.stack = a->arg[1],
		.parent_tid = a->arg[2],
		.pidfd = a->arg[2],
		.child_tid = a->arg[3],
		.tls = a->arg[4],
	};

	return kernel_clone(t, &args);
}

#define CLONE3_FLAGS (0xffffffffUL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)
#define MAX_PID_NS_LEVEL 32

/* copy_clone_args_from_user(), clone3_args_valid() */
static int clone3_valid(const struct clone_args *c, u64 size)
{
	if (c->set_tid_size > MAX_PID_NS_LEVEL || !c->set_tid != !c->set_tid_size)
		return -EINVAL;
	if ((c->exit_signal & ~(u64)CSIGNAL) || c->exit_signal > NR_SIGNALS)
		return -EINVAL;
	if ((c->flags & CLONE_INTO_CGROUP) &&
	    (c->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2))
		return -EINVAL;
	if ((c->flags & ~CLONE3_FLAGS) ||
	    (c->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME_K))))
		return -EINVAL;
	if ((c->flags & CLONE_SIGHAND) && (c->flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((c->flags & (CLONE_THREAD | CLONE_PARENT)) && c->exit_signal)
		return -EINVAL;
	if (!c->stack != !c->stack_size || (c->stack && !access_ok(c->stack, c->stack_size)))
		return -EINVAL;
	return 0;
}

/* The number that the child is to have: the first of the list is the innermost name space's, and there is
 * but one. 0 or -errno. See: alloc_pid() */
static int get_set_tid(struct task_struct *t, const struct clone_args *c, s32 *tid)
{
	*tid = 0;
	if (!c->set_tid)
		return 0;
	if (get_user(t->mm, *tid, c->set_tid))
		return -EFAULT;
	if (c->set_tid_size > 1 || *tid < 1)
		return -EINVAL;
	return capable(t, CAP_CHECKPOINT_RESTORE) || capable(t, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* clone3(2). -EINVAL: size, flags, stack, number; -E2BIG: fields that are not known; -EPERM, -EEXIST: a
 * chosen number; -EBADF: a cgroup, as there are none; as clone(2). */
long sys_clone3(struct task_struct *t, const struct sysargs *a)
{
	struct kernel_clone_args args;
	struct clone_args c;
	u64 size = a->arg[1];
	int err;
	s32 tid;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(t->mm, &c, sizeof(c), a->arg[0], size);
	if (!err)
		err = clone3_valid(&c, size);
	if (!err)
		err = get_set_tid(t, &c, &tid);
	if (!err && (c.flags & CLONE_INTO_CGROUP))
		err = -EBADF;
	if (err)
		return err;
	args = (struct kernel_clone_args){
		.flags = c.flags,
		.exit_signal = (int)c.exit_signal, /* a signal: clone3_valid() */
		.stack = c.stack ? c.stack + c.stack_size : 0,
		.parent_tid = c.parent_tid,
		.pidfd = c.pidfd,
		.child_tid = c.child_tid,
		.tls = c.tls,
		.set_tid = tid,
	};
	return kernel_clone(t, &args);
}

/* --- execve ---------------------------------------------------------------------------------- */

/* "/dev/fd/N/" and a path. */
#define SHOWN_SIZE (PATH_MAX + 24)

/* What AT_EXECFN says of a program that was given relative to @dfd. NULL: the name itself. */
static char *shown_name(struct task_struct *t, int dfd, const struct user_path *up)
{
	char *shown;

	if (!up->at || dfd == AT_FDCWD)
		return NULL;
	shown = kmalloc(&t->machine->mem, SHOWN_SIZE, GFP_KERNEL);
	if (shown)
		snprintf(shown, SHOWN_SIZE, *up->name ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd,
			 up->name);
	return shown;
}

static long user_execveat(struct task_struct *t, int dfd, gva_t name, gva_t argv, gva_t envp,
			  int flags)
{
	struct user_path up;
	struct exec_name en;
	char *shown;
	long err;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	err = user_path_get(t, dfd, name, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0, &up);
	if (err)
		return err;
	shown = shown_name(t, dfd, &up);
	en = (struct exec_name){
		.at = up.at,
		.name = up.name,
		.shown = shown,
		.inaccessible = shown && fd_cloexec(t->files, dfd),
	};
	err = do_execveat(t, &en, (struct user_strings){.mm = t->mm, .gva = argv},
			  (struct user_strings){.mm = t->mm, .gva = envp}, flags, NULL);
	kfree(&t->machine->mem, shown);
	user_path_put(t, &up);
	return err;
}

/* execve(2). As execveat(2). */
long sys_execve(struct task_struct *t, const struct sysargs *a)
{
	return user_execveat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2], 0);
}

/* execveat(2). -EINVAL: flags; a path's errors; what do_execveat() says. Does not return to the old
 * program. */
long sys_execveat(struct task_struct *t, const struct sysargs *a)
{
	return user_execveat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

/* --- wait ------------------------------------------------------------------------------------ */

static void wait_for_pid(struct task_struct *t, s32 pid, struct wait_opts *wo)
{
	wo->which = pid == -1 ? WAIT_ALL : pid > 0 ? WAIT_PID : WAIT_PGID;
	wo->id = pid > 0 ? pid : pid ? -pid : t->signal->pgrp;
}

/* wait4(2). A pid, or 0 with WNOHANG. -EINVAL: options; -ECHILD; -ESRCH: no pid at all; -ERESTARTSYS. */
long sys_wait4(struct task_struct *t, const struct sysargs *a)
{
	int options = a->arg[2], err;
	struct wait_opts wo = {.flags = options | WEXITED};
	struct rusage ru;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if ((s32)a->arg[0] == INT32_MIN)
		return -ESRCH;
	wait_for_pid(t, a->arg[0], &wo);
	wo.ru = a->arg[3] ? &ru : NULL;
	err = do_wait(t, &wo);
	if (err || !wo.pid)
		return err;
	if (a->arg[1] && put_user(t->mm, wo.status, a->arg[1]))
		return -EFAULT;
	if (a->arg[3] && put_user(t->mm, ru, a->arg[3]))
		return -EFAULT;
	return wo.pid;
}

/* One that does not block says so by -EAGAIN. */
static int waitid_pidfd(struct task_struct *t, s32 fd, struct wait_opts *wo)
{
	struct file *f = fdget(t, fd);
	struct pid *pid = f ? pidfd_pid(f) : NULL;

	if (pid) {
		wo->which = WAIT_PID;
		wo->id = pid->task ? pid->nr : -1; /* the number of one that is gone is another's */
		wo->eagain = (f->f_flags & O_NONBLOCK) && !(wo->flags & WNOHANG);
		if (wo->eagain)
			wo->flags |= WNOHANG;
	}
	if (f)
		fput(f);
	return pid ? 0 : -EBADF;
}

static int waitid_which(struct task_struct *t, int which, s32 id, struct wait_opts *wo)
{
	wo->id = id;
	switch (which) {
	case P_ALL:
		wo->which = WAIT_ALL;
		return 0;
	case P_PID:
		wo->which = WAIT_PID;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		wo->which = WAIT_PGID;
		if (!id)
			wo->id = t->signal->pgrp;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD:
		return id >= 0 ? waitid_pidfd(t, id, wo) : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* The fields that waitid(2) fills in, and only those. */
static int put_waitid(struct task_struct *t, const struct wait_opts *wo, gva_t to)
{
	s32 head[3] = {wo->pid ? SIGCHLD : 0, 0, wo->pid ? wo->cause : 0};
	s32 child[3] = {wo->pid, wo->pid ? (s32)wo->uid : 0, wo->pid ? wo->value : 0};

	return copy_to_user(t->mm, to, head, sizeof(head)) ||
			       copy_to_user(t->mm, to + 16, child, sizeof(child))
		       ? -EFAULT
		       : 0;
}

/* kernel_waitid() */
static int do_waitid(struct task_struct *t, const struct sysargs *a, struct wait_opts *wo)
{
	int options = wo->flags, err;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = waitid_which(t, a->arg[0], a->arg[1], wo);
	if (!err)
		err = do_wait(t, wo);
	if (!err && !wo->pid && wo->eagain)
		err = -EAGAIN;
	if (err)
		wo->pid = 0;
	return err;
}

/* waitid(2). -EINVAL: what and whom; -EBADF: the pidfd; -ECHILD; -EAGAIN: a pidfd that does not block. */
long sys_waitid(struct task_struct *t, const struct sysargs *a)
{
	struct rusage ru;
	/* cppcheck-suppress uninitvar ; filled by who sets wo.pid, and read only then: found(), proc/wait.c */
	struct wait_opts wo = {.flags = a->arg[3], .ru = a->arg[4] ? &ru : NULL};
	int err = do_waitid(t, a, &wo);

	if (wo.pid && a->arg[4] && put_user(t->mm, ru, a->arg[4]))
		return -EFAULT;
	/* Zeros on error, too. */
	if (a->arg[2] && put_waitid(t, &wo, a->arg[2]))
		return -EFAULT;
	return err;
}

/* --- timers ---------------------------------------------------------------------------------- */

static struct timeval to_timeval(u64 ns)
{
	u64 us = (ns + NSEC_PER_USEC - 1) / NSEC_PER_USEC;

	return (struct timeval){us / 1000000, us % 1000000};
}

static struct itimerval to_itimerval(const struct itimer_ns *it)
{
	return (struct itimerval){to_timeval(it->interval_ns), to_timeval(it->value_ns)};
}

static bool timeval_valid(const struct timeval *tv)
{
	return tv->tv_sec >= 0 && (u64)tv->tv_usec < 1000000;
}

static u64 timeval_ns(const struct timeval *tv)
{
	const struct timespec ts = {tv->tv_sec, tv->tv_usec * 1000};

	return timespec_ns(&ts);
}

/* getitimer(2). -EINVAL: no such timer. */
long sys_getitimer(struct task_struct *t, const struct sysargs *a)
{
	struct itimer_ns it;
	struct itimerval iv;

	if (a->arg[0] > ITIMER_PROF)
		return -EINVAL;
	itimer_get(t, a->arg[0], &it);
	iv = to_itimerval(&it);
	return put_user(t->mm, iv, a->arg[1]);
}

/* setitimer(2). No new value means: off. -EINVAL: no such timer, the time. */
long sys_setitimer(struct task_struct *t, const struct sysargs *a)
{
	struct itimerval iv = {{0, 0}, {0, 0}};
	struct itimer_ns old, new;

	if (a->arg[1] && get_user(t->mm, iv, a->arg[1]))
		return -EFAULT;
	if (!timeval_valid(&iv.it_value) || !timeval_valid(&iv.it_interval) ||
	    a->arg[0] > ITIMER_PROF)
		return -EINVAL;
	new = (struct itimer_ns){timeval_ns(&iv.it_value), timeval_ns(&iv.it_interval)};
	itimer_get(t, a->arg[0], &old);
	itimer_set(t, a->arg[0], &new);
	iv = to_itimerval(&old);
	return a->arg[2] ? put_user(t->mm, iv, a->arg[2]) : 0;
}

/* alarm(2). Seconds left of the one before, rounded, but never down to 0. */
long sys_alarm(struct task_struct *t, const struct sysargs *a)
{
	const struct itimer_ns new = {(u32)a->arg[0] * NSEC_PER_SEC, 0};
	struct itimer_ns old;
	u64 left;

	itimer_get(t, ITIMER_REAL, &old);
	itimer_set(t, ITIMER_REAL, &new);
	left = (old.value_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.value_ns && !left ? 1 : left;
}
