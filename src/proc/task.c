/* A task's record and its kernel stack: made, taken apart. See task.h. */
#include "proc/task.h"

#include <sys/mman.h>

#include "base/asan.h"
#include "base/host.h"
#include "base/log.h"
#include "fs/fdtable.h"
#include "fs/ipc_sem.h"
#include "fs/namei.h"
#include "mm/uaccess.h"
#include "proc/exit.h"
#include "proc/loop.h"
#include "proc/pidfd.h"
#include "proc/ptrace.h"
#include "proc/tty_jobctrl.h"
#include "proc/posix_timer.h"
#include "proc/signalfd.h"

s32 task_ppid(const struct task_struct *t)
{
	if (t->real_parent)
		return t->real_parent->tgid;
	return t->adopted ? 1 : 0;
}

/* --- the kernel stack -------------------------------------------------------------------------- */

/* The first step of every task. */
static void task_entry(void *arg)
{
	struct task_struct *t = arg;

	finish_switch(t->machine);
	if (t->kthread)
		do_exit(t, t->kthread(t, t->kthread_arg) << 8);
	if (t->set_child_tid)
		(void)put_user(t->mm, t->pid, t->set_child_tid);
	task_loop(t);
}

/* Nobody reads a kernel stack's frames as memory, so nobody but an overflow meets the guard. */
static void guard_stack(u8 *block, int prot)
{
	if (KSTACK_GUARD && host_mprotect(block, KSTACK_GUARD, prot))
		BUG("no guard page for a kernel stack");
}

int task_init_stack(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;
	struct page *page = alloc_pages(mem, GFP_KERNEL | __GFP_COMP, KSTACK_ORDER);

	if (!page)
		return -ENOMEM;
	page->owner = OWN_KSTACK;
	guard_stack(page_address(mem, page), PROT_NONE);
	t->stack = (u8 *)page_address(mem, page) + KSTACK_GUARD;
	mod_node_stat(mem, ST_kernel_stack_kb, (PAGE_SIZE << KSTACK_ORDER) >> 10);
	*(u64 *)t->stack = KSTACK_CANARY;
	coro_init(&t->coro, (u8 *)t->stack + 64, KSTACK_SIZE - 64, task_entry, t);
	t->fpu = kmem_cache_alloc(t->machine->fpu_cache, GFP_KERNEL);
	return t->fpu ? 0 : -ENOMEM;
}

void task_free_stack(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;
	u8 *block;

	if (t->fpu)
		kmem_cache_free(t->machine->fpu_cache, t->fpu);
	t->fpu = NULL;
	if (!t->stack)
		return;
	asan_unpoison(t->stack, KSTACK_SIZE);
	block = (u8 *)t->stack - KSTACK_GUARD;
	guard_stack(block, PROT_READ | PROT_WRITE);
	free_pages(mem, block, KSTACK_ORDER);
	t->stack = NULL;
	mod_node_stat(mem, ST_kernel_stack_kb, -(s64)((PAGE_SIZE << KSTACK_ORDER) >> 10));
}

/* --- making and freeing ----------------------------------------------------------------------- */

static void signal_put(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	if (--s->users)
		return;
	event_timer_del(&s->real_timer);
	posix_cpu_timers_exit(s);
	flush_signals(&s->shared_pending, t);
	proc_clear_tty(s);
	kmem_cache_free(t->machine->signal_cache, s);
}

void fs_put(struct machine *m, struct fs_struct *fs)
{
	if (--fs->users)
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kmem_cache_free(m->fs_cache, fs);
}

void sighand_put(struct machine *m, struct sighand_struct *s)
{
	if (--s->users)
		return;
	signalfd_cleanup(s);
	kmem_cache_free(m->sighand_cache, s);
}

void task_free(struct task_struct *t)
{
	struct machine *m = t->machine;

	pidfd_release_task(t);
	exit_sem(&m->vfs, t->sysvsem, t->tgid);
	if (t->files)
		files_put(t->files);
	if (t->fs)
		fs_put(m, t->fs);
	flush_signals(&t->pending, t);
	seccomp_put(t);
	mpol_put(t->mempolicy.policy);
	if (t->signal)
		signal_put(t);
	if (t->sighand)
		sighand_put(m, t->sighand);
	task_free_stack(t);
	if (m->mem.faults == &t->flt)
		m->mem.faults = NULL;
	if (m->mem.personality == &t->personality)
		m->mem.personality = NULL;
	if (m->mem.caps == &t->caps.effective)
		m->mem.rlim_cur = m->mem.rlim_max = m->mem.caps = NULL;
	list_del(&t->tasks);
	kmem_cache_free(m->task_cache, t);
}

void release_task(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	struct task_struct *leader = s->leader;

	task_usage_of_dead(t);
	if (t->ptrace)
		ptrace_unlink(t);
	task_unlink(t);
	list_del_init(&t->sibling);
	if (s->curr_target == t)
		s->curr_target = NULL;
	if (leader == t) {
		s->leader = NULL;
		leader = NULL;
	}
	if (s->group_exec) /* its tracer may have had to wait for this one */
		wake_up_process(s->group_exec);
	task_free(t);
	if (leader && thread_group_empty(leader) && leader->exit_state == EXIT_ZOMBIE)
		leader_is_alone(leader);
}

static int task_init_shared(struct task_struct *t)
{
	struct machine *m = t->machine;

	t->sighand = kmem_cache_zalloc(m->sighand_cache, GFP_KERNEL);
	if (!t->sighand)
		return -ENOMEM;
	t->sighand->users = 1;
	init_waitqueue_head(&t->sighand->signalfd_wqh, &m->sched);
	t->signal = kmem_cache_zalloc(m->signal_cache, GFP_KERNEL);
	if (!t->signal)
		return -ENOMEM;
	t->signal->users = 1;
	t->signal->tgid = t->signal->pgrp = t->signal->session = t->pid;
	t->signal->leader = t;
	INIT_LIST_HEAD(&t->signal->threads);
	t->signal->start_ns = t->start_ns = machine_now_ns(m);
	INIT_LIST_HEAD(&t->signal->shared_pending.list);
	posix_timers_init(t->signal);
	init_waitqueue_head(&t->signal->wait_chldexit, &m->sched);
	return 0;
}

struct task_struct *task_alloc(struct machine *m, s32 pid)
{
	struct task_struct *t = kmem_cache_zalloc(m->task_cache, GFP_KERNEL);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->machine = m;
	t->pid = t->tgid = pid;
	t->state = TASK_INTERRUPTIBLE;
	t->syscall_nr = ~0UL;
	t->exit_signal = SIGCHLD;
	INIT_LIST_HEAD(&t->tasks);
	INIT_LIST_HEAD(&t->run_list);
	INIT_LIST_HEAD(&t->children);
	INIT_LIST_HEAD(&t->sibling);
	INIT_LIST_HEAD(&t->thread_node);
	INIT_LIST_HEAD(&t->ptraced);
	INIT_LIST_HEAD(&t->ptrace_entry);
	INIT_LIST_HEAD(&t->pending.list);
	cpu_regs_init(&t->regs);
	err = task_init_shared(t);
	if (!err)
		err = task_init_stack(t);
	if (err) {
		task_free(t);
		return ERR_PTR(err);
	}
	fpu_state_init(t->fpu);
	return t;
}
