/* How a task is copied. See fork.h; kernel/fork.c. */
#include "proc/fork.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>

#include "fs/fdtable.h"
#include "fs/ipc_sem.h"
#include "fs/namei.h"
#include "mm/uaccess.h"
#include "proc/futex.h"
#include "proc/pidfd.h"
#include "proc/posix_timer.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

/* @flags name all of @mask. */
static bool has_all(u64 flags, u64 mask)
{
	return (flags & mask) == mask;
}

static int check_flags(struct task_struct *t, u64 flags)
{
	if (has_all(flags, CLONE_NEWNS | CLONE_FS) || has_all(flags, CLONE_NEWUSER | CLONE_FS) ||
	    ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) ||
	    ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) ||
	    ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID))) ||
	    has_all(flags, CLONE_PIDFD | CLONE_DETACHED))
		return -EINVAL;
	if (!(flags & CLONE_NEW_ANY))
		return 0;
	return has_all(flags, CLONE_NEWIPC | CLONE_SYSVSEM) && task_capable(t, CAP_SYS_ADMIN)
		       ? -EINVAL
		       : -EPERM;
}

/* RLIMIT_NPROC counts the user's tasks, threads too; root has no such limit. */
static int check_limits(struct task_struct *t)
{
	struct machine *m = t->machine;
	u64 limit = rlimit(t, RLIMIT_NPROC), mine = 0;
	struct task_struct *p;

	if ((int)m->nr_records >= m->max_threads)
		return -EAGAIN;
	if (!t->uid || m->nr_records < limit || task_capable(t, CAP_SYS_RESOURCE) ||
	    task_capable(t, CAP_SYS_ADMIN))
		return 0;
	list_for_each_entry (p, &m->tasks, tasks)
		mine += p->uid == t->uid;
	return mine >= limit ? -EAGAIN : 0;
}

/* --- the parts ------------------------------------------------------------------------------- */

/* sched_fork(): SCHED_RESET_ON_FORK has done its duty with the first child. */
static void sched_fork(struct task_struct *p)
{
	if (p->sched_reset_on_fork && p->rt_priority) {
		p->policy = SCHED_NORMAL;
		p->rt_priority = p->nice = 0;
	} else if (p->sched_reset_on_fork) {
		p->nice = max(p->nice, 0);
	}
	p->sched_reset_on_fork = false;
}

/* A copy of @t with nothing of its own yet: what will be copied or shared is NULL. */
static struct task_struct *dup_task_struct(struct task_struct *t)
{
	struct task_struct *p = kmem_cache_alloc(t->machine->task_cache, GFP_KERNEL);

	if (!p)
		return NULL;
	*p = *t;
	mpol_get(p->mempolicy.policy);
	p->mm = NULL;
	p->files = NULL;
	p->sysvsem = NULL;
	p->fs = NULL;
	p->signal = NULL;
	p->sighand = NULL;
	p->fpu = NULL;
	p->stack = NULL;
	p->kthread = NULL;
	p->vfork_done = NULL;
	p->thread_pid = NULL;
	p->exit_state = EXIT_NONE;
	p->exit_code = 0;
	p->ptrace = p->syscall_work = 0;
	p->single_step = p->forced_tf = p->block_step = false;
	p->tracer = NULL;
	p->last_siginfo = NULL;
	p->ptrace_message = 0;
	flush_ptrace_hw_breakpoint(p, true);
	INIT_LIST_HEAD(&p->ptraced);
	INIT_LIST_HEAD(&p->ptrace_entry);
	seccomp_fork(p);
	p->user_dispatch = (struct user_dispatch){0};
	p->seen_utime = p->seen_stime = 0;
	p->state = TASK_INTERRUPTIBLE;
	INIT_LIST_HEAD(&p->tasks);
	INIT_LIST_HEAD(&p->run_list);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->thread_node);
	INIT_LIST_HEAD(&p->pending.list);
	p->pending.signal = 0;
	p->restore_sigmask = p->adopted = p->sigpending = false;
	p->jobctl = 0;
	p->restart_block.fn = NULL;
	p->real_blocked = 0;
	p->pdeath_signal = 0;
	p->robust_list = p->set_child_tid = p->clear_child_tid = 0;
	p->slice_left = p->rt_boost = 0;
	p->pi_owned = NULL;
	p->pi_blocked_on = NULL;
	p->flt = (struct fault_counts){0, 0};
	p->nvcsw = p->nivcsw = p->retired = p->avx512_ns = 0;
	p->io = (struct task_io){0};
	p->default_timer_slack_ns = t->timer_slack_ns;
	p->start_ns = machine_now_ns(t->machine);
	p->syscall_nr = ~0UL;
	sched_fork(p);
	return p;
}

static int copy_files(struct task_struct *p, struct task_struct *t, u64 flags)
{
	if (flags & CLONE_FILES) {
		t->files->users++;
		p->files = t->files;
		return 0;
	}
	p->files = files_dup(t->files);
	if (IS_ERR(p->files)) {
		p->files = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int copy_semundo(struct task_struct *p, struct task_struct *t, u64 flags)
{
	int err = flags & CLONE_SYSVSEM ? sem_undo_share(&t->machine->vfs, &t->sysvsem) : 0;

	if (!err && (flags & CLONE_SYSVSEM))
		p->sysvsem = t->sysvsem;
	return err;
}

static int copy_fs(struct task_struct *p, struct task_struct *t, u64 flags)
{
	if (flags & CLONE_FS) {
		t->fs->users++;
		p->fs = t->fs;
		return 0;
	}
	p->fs = copy_fs_struct(t);
	return p->fs ? 0 : -ENOMEM;
}

static int copy_sighand(struct task_struct *p, struct task_struct *t, u64 flags)
{
	if (flags & CLONE_SIGHAND) {
		t->sighand->users++;
		p->sighand = t->sighand;
		return 0;
	}
	p->sighand = kmem_cache_alloc(t->machine->sighand_cache, GFP_KERNEL);
	if (!p->sighand)
		return -ENOMEM;
	*p->sighand = *t->sighand;
	p->sighand->users = 1;
	init_waitqueue_head(&p->sighand->signalfd_wqh, &t->machine->sched);
	if (flags & CLONE_CLEAR_SIGHAND)
		flush_signal_handlers(p, false);
	return 0;
}

static int copy_signal(struct task_struct *p, struct task_struct *t, u64 flags)
{
	const struct signal_struct *old = t->signal;
	struct signal_struct *s;

	if (flags & CLONE_THREAD) {
		t->signal->users++;
		p->signal = t->signal;
		return 0;
	}
	s = kmem_cache_zalloc(t->machine->signal_cache, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	p->signal = s;
	INIT_LIST_HEAD(&s->threads);
	s->users = 1;
	s->tgid = p->pid;
	s->leader = p;
	s->pgrp = old->pgrp;
	s->session = old->session;
	tty_fork(s, old);
	s->autogroup_nice = old->autogroup_nice;
	memcpy(s->rlim_cur, old->rlim_cur, sizeof(s->rlim_cur));
	memcpy(s->rlim_max, old->rlim_max, sizeof(s->rlim_max));
	s->oom_score_adj = old->oom_score_adj;
	s->oom_score_adj_min = old->oom_score_adj_min;
	s->start_ns = p->start_ns;
	INIT_LIST_HEAD(&s->shared_pending.list);
	posix_timers_init(s);
	init_waitqueue_head(&s->wait_chldexit, &t->machine->sched);
	return 0;
}

static int copy_mm(struct task_struct *p, struct task_struct *t, u64 flags)
{
	struct mm_struct *mm;

	if (flags & CLONE_VM) {
		mmget(t->mm);
		p->mm = t->mm;
		return 0;
	}
	mm = dup_mm(t->mm);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	p->mm = mm;
	return 0;
}

static void copy_regs(struct task_struct *p, struct task_struct *t,
		      const struct kernel_clone_args *args)
{
	p->regs = *task_regs(t);
	p->regs.gpr[R_RAX] = 0;
	if (t->forced_tf)
		p->regs.flags &= ~F_TF;
	if (args->stack)
		p->regs.gpr[R_RSP] = args->stack;
	if (args->flags & CLONE_SETTLS) {
		p->regs.fs = 0;
		p->regs.fs_base = args->tls;
	}
}

static int copy_parts(struct task_struct *p, struct task_struct *t,
		      const struct kernel_clone_args *args)
{
	u64 flags = args->flags;
	int err = task_init_stack(p);

	if (!err)
		memcpy(p->fpu, t->fpu, sizeof(*p->fpu));
	if (!err)
		err = copy_signal(p, t, flags);
	if (!err)
		err = copy_sighand(p, t, flags);
	if (!err)
		err = copy_semundo(p, t, flags);
	if (!err)
		err = copy_files(p, t, flags);
	if (!err)
		err = copy_fs(p, t, flags);
	if (!err)
		err = copy_mm(p, t, flags);
	return err;
}

/* Cannot fail: the child joins the family. @trace: its parent's tracer hears of it. */
static void join(struct task_struct *p, struct task_struct *t, const struct kernel_clone_args *args,
		 bool trace)
{
	u64 flags = args->flags;

	p->exit_signal = args->exit_signal;
	p->parent_exec_id = t->self_exec_id;
	p->real_parent = t;
	if (flags & (CLONE_PARENT | CLONE_THREAD)) {
		p->real_parent = t->real_parent;
		p->parent_exec_id = t->parent_exec_id;
		p->exit_signal = flags & CLONE_THREAD ? -1 : t->signal->leader->exit_signal;
		p->adopted = t->adopted;
	}
	if (flags & CLONE_CHILD_SETTID)
		p->set_child_tid = args->child_tid;
	if (flags & CLONE_CHILD_CLEARTID)
		p->clear_child_tid = args->child_tid;
	if ((flags & CLONE_VM) && (flags & CLONE_THREAD) && !t->mm->futex_slots &&
	    !t->mm->futex_global)
		t->mm->futex_slots = DEFAULT_FUTEX_SLOTS;
	if (flags & CLONE_VM) {
		p->rseq = 0;
		p->rseq_len = p->rseq_sig = 0;
		if (!(flags & CLONE_VFORK))
			p->altstack = (stack_t_k){.ss_flags = SS_DISABLE};
	}
	copy_regs(p, t, args);
	if (p->real_parent && !(flags & CLONE_THREAD))
		list_add_tail(&p->sibling, &p->real_parent->children);
	ptrace_init_task(p, t, trace || (flags & CLONE_PTRACE));
	if (flags & CLONE_THREAD)
		join_group_stop(p, t);
	task_link(p);
	t->machine->nr_tasks++;
	t->machine->nr_forks++;
}

/* A pidfd of the child's for its parent; the last step that may fail. */
static int give_pidfd(struct task_struct *p, struct task_struct *t, gva_t to)
{
	u64 limit = min(rlimit(t, RLIMIT_NOFILE), 0x7fffffffUL);
	struct file *f;
	int fd, err;

	do { /* nobody is to use it while this sleeps: the child is not whole yet */
		f = pidfd_create(p, p->pid != p->tgid ? PIDFD_THREAD_K : 0);
		if (IS_ERR(f))
			return PTR_ERR(f);
		fd = fd_install(t->files, f, 0, limit, true);
		if (fd < 0) {
			fput(f);
			return fd;
		}
		pagefault_disable(t->mm->mem);
		err = put_user(t->mm, fd, to);
		pagefault_enable(t->mm->mem);
		if (!err)
			return 0;
		fd_close(t->files, fd);
		if (fault_in_user(t->mm, to, sizeof(fd), true))
			return -EFAULT;
	} while (!fatal_signal_pending(t));
	return -EINTR;
}

/* clone(2) with CLONE_PARENT_SETTID: a fault there is nobody's business. What has to be waited for is
 * fetched while nobody knows the child yet. */
static void prepare_parent_tid(struct task_struct *t, gva_t to)
{
	if (fault_in_user(t->mm, to, sizeof(s32), true))
		return;
}

/* Never sleeps: the child could be killed meanwhile, and gone. */
static void put_parent_tid(struct task_struct *t, s32 pid, gva_t to)
{
	pagefault_disable(t->mm->mem);
	(void)put_user(t->mm, pid, to);
	pagefault_enable(t->mm->mem);
}

static struct task_struct *copy_process(struct task_struct *t, const struct kernel_clone_args *args,
					bool trace)
{
	struct task_struct *p;
	int err = check_flags(t, args->flags);

	if (!err)
		err = check_limits(t);
	/* A signal that came before the fork is the parent's alone. */
	if (!err && signal_pending(t))
		err = -ERESTARTNOINTR;
	if (err)
		return ERR_PTR(err);
	p = dup_task_struct(t);
	if (!p)
		return ERR_PTR(-ENOMEM);
	err = task_reserve_pid(p, args->set_tid);
	if (args->flags & CLONE_THREAD)
		p->tgid = t->tgid;
	if (!err)
		err = copy_parts(p, t, args);
	if (!err && (args->flags & CLONE_PARENT_SETTID))
		prepare_parent_tid(t, args->parent_tid);
	/* All that sleeps is behind: whoever is killed starts nobody any more. */
	if (!err && fatal_signal_pending(t))
		err = -EINTR;
	if (!err && (args->flags & CLONE_PIDFD))
		err = give_pidfd(p, t, args->pidfd);
	if (err) {
		if (p->mm)
			mmput(p->mm);
		task_free(p);
		return ERR_PTR(err);
	}
	join(p, t, args, trace);
	return p;
}

/* --- the calls ------------------------------------------------------------------------------- */

/* Sleeps until the child has left the address space. Killed meanwhile, nobody is to be told: false. @p may be
 * gone once that is done. */
static bool wait_for_vfork_done(struct task_struct *p, struct vfork_wait *done)
{
	if (!wait_event_state(&done->wq, done->done, TASK_KILLABLE, WAIT_FOREVER))
		return true;
	p->vfork_done = NULL;
	return false;
}

/* The event that @t's tracer wants of it; 0: none. */
static int trace_event_of(const struct task_struct *t, const struct kernel_clone_args *args)
{
	int event = args->flags & CLONE_VFORK	   ? PTRACE_EVENT_VFORK
		    : args->exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE
						   : PTRACE_EVENT_FORK;

	return !(args->flags & CLONE_UNTRACED) && ptrace_event_enabled(t, event) ? event : 0;
}

long kernel_clone(struct task_struct *t, const struct kernel_clone_args *args)
{
	struct vfork_wait done = {.done = false};
	int trace = trace_event_of(t, args);
	struct task_struct *p;
	s32 pid;

	if ((args->flags & CLONE_PIDFD) && (args->flags & CLONE_PARENT_SETTID) &&
	    args->pidfd == args->parent_tid)
		return -EINVAL;
	p = copy_process(t, args, trace != 0);
	if (IS_ERR(p))
		return PTR_ERR(p);
	pid = p->pid;
	if (args->flags & CLONE_PARENT_SETTID)
		put_parent_tid(t, pid, args->parent_tid);
	if (args->flags & CLONE_VFORK) {
		init_waitqueue_head(&done.wq, &t->machine->sched);
		p->vfork_done = &done;
	}
	wake_up_process(p);
	if (trace)
		ptrace_event(t, trace, pid);
	if ((args->flags & CLONE_VFORK) && wait_for_vfork_done(p, &done))
		ptrace_event(t, PTRACE_EVENT_VFORK_DONE, pid);
	return pid;
}

/* --- leaving the address space ---------------------------------------------------------------- */

void mm_release(struct task_struct *t)
{
	struct vfork_wait *done;
	u32 zero = 0;

	if (unlikely(t->robust_list))
		exit_robust_list(t);
	if (unlikely(t->pi_owned))
		exit_pi_state_list(t);
	t->futex_dead = t->exiting; /* what follows may sleep: nobody makes it an owner again */
	/* Only others who use the memory could look at it. */
	if (t->clear_child_tid && t->mm->mm_users > 1) {
		(void)put_user(t->mm, zero, t->clear_child_tid);
		(void)futex_wake(t, t->clear_child_tid, true, 1, FUTEX_BITSET_MATCH_ANY);
	}
	t->clear_child_tid = 0;
	done = t->vfork_done; /* not before: these may sleep, and the parent be killed */
	if (done) {
		t->vfork_done = NULL;
		done->done = true;
		wake_up_all(&done->wq);
	}
}
