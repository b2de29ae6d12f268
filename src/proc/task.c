/* Tasks: making the first one, finding, taking them apart. Fork's copying is fork.c's. */
#include "proc/pidfd.h"
#include "proc/task.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/asan.h"
#include "base/host.h"
#include "base/host_fs.h"
#include "base/host_proc.h"
#include "base/log.h"
#include "mm/uaccess.h"

#define PID_MAX 32768
#define PID_RESERVED 300 /* where numbers start again; low ones are the kernel's threads */

/* --- numbers --------------------------------------------------------------------------------- */

static struct list_head *pid_bucket(struct machine *m, s32 pid)
{
	return &m->pid_hash[(u32)pid % PID_HASH_SIZE];
}

struct task_struct *find_task_by_pid(struct machine *m, s32 pid)
{
	struct list_head *head = pid_bucket(m, pid);
	struct task_struct *t;

	list_for_each_entry (t, head, pid_link)
		if (t->pid == pid)
			return t;
	return NULL;
}

/* A number outlives its task as long as a process group or session is called by it. */
static bool pid_in_use(struct machine *m, s32 pid)
{
	struct task_struct *t;

	if (find_task_by_pid(m, pid))
		return true;
	if (!m->pids_wrapped)
		return false;
	list_for_each_entry (t, &m->unborn, tasks)
		if (t->pid == pid)
			return true;
	list_for_each_entry (t, &m->tasks, tasks)
		if (t->signal->pgrp == pid || t->signal->session == pid)
			return true;
	return false;
}

s32 alloc_pid(struct machine *m)
{
	do {
		if (++m->last_pid >= PID_MAX) {
			m->last_pid = PID_RESERVED;
			m->pids_wrapped = true;
		}
	} while (pid_in_use(m, m->last_pid));
	return m->last_pid;
}

void task_reserve_pid(struct task_struct *t)
{
	t->pid = t->tgid = alloc_pid(t->machine);
	list_add_tail(&t->tasks, &t->machine->unborn);
}

void task_link(struct task_struct *t)
{
	struct machine *m = t->machine;

	list_move_tail(&t->tasks, &m->tasks);
	list_add(&t->pid_link, pid_bucket(m, t->pid));
	m->nr_records++;
}

s32 task_ppid(const struct task_struct *t)
{
	if (t->real_parent)
		return t->real_parent->tgid;
	return t->adopted ? 1 : 0;
}

/* --- making and freeing ----------------------------------------------------------------------- */

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

static void signal_put(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	if (--s->users)
		return;
	event_timer_del(&s->real_timer);
	flush_signals(&s->shared_pending, t);
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

void task_free(struct task_struct *t)
{
	struct machine *m = t->machine;

	pidfd_release_task(t);
	if (t->files)
		files_put(t->files);
	if (t->fs)
		fs_put(m, t->fs);
	flush_signals(&t->pending, t);
	mpol_put(t->mempolicy.policy);
	if (t->signal)
		signal_put(t);
	if (t->sighand && !--t->sighand->users)
		kmem_cache_free(m->sighand_cache, t->sighand);
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
	list_del_init(&t->tasks);
	list_del(&t->pid_link);
	list_del_init(&t->sibling);
	t->machine->nr_records--;
	task_free(t);
}

/* --- the first task, and the machine's own ----------------------------------------------------- */

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

static int task_init_shared(struct task_struct *t)
{
	struct machine *m = t->machine;

	t->sighand = kmem_cache_zalloc(m->sighand_cache, GFP_KERNEL);
	if (!t->sighand)
		return -ENOMEM;
	t->sighand->users = 1;
	t->signal = kmem_cache_zalloc(m->signal_cache, GFP_KERNEL);
	if (!t->signal)
		return -ENOMEM;
	t->signal->users = 1;
	t->signal->tgid = t->signal->pgrp = t->signal->session = t->pid;
	t->signal->leader = t;
	t->signal->start_ns = t->start_ns = machine_now_ns(m);
	INIT_LIST_HEAD(&t->signal->shared_pending.list);
	init_waitqueue_head(&t->signal->wait_chldexit, &m->sched);
	return 0;
}

/* A task with nothing but a stack, asleep until it has something to do. ERR_PTR(-ENOMEM). */
static struct task_struct *task_alloc(struct machine *m, s32 pid)
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

struct task_struct *kthread_create(struct machine *m, const char *name,
				   int (*fn)(struct task_struct *t, void *arg), void *arg)
{
	struct task_struct *t = task_alloc(m, ++m->last_kthread_pid);

	if (IS_ERR(t))
		return t;
	snprintf(t->comm, sizeof(t->comm), "%s", name);
	t->signal->pgrp = t->signal->session = 0;
	t->blocked = ~0UL;
	t->kthread = fn;
	t->kthread_arg = arg;
	task_link(t);
	return t;
}

struct task_struct *task_create_init(struct machine *m)
{
	struct task_struct *t = task_alloc(m, alloc_pid(m));
	int err;

	if (IS_ERR(t))
		return t;
	t->nice = host_nice();
	t->personality = ADDR_NO_RANDOMIZE_K; /* which is what it gets */
	t->timer_slack_ns = t->default_timer_slack_ns = TIMER_SLACK_NS;
	task_init_creds(t);
	task_init_limits(t);
	inherit_signal_actions(t);
	err = task_init_fs(t);
	if (!err)
		err = task_init_files(t);
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

/* --- CPU time ---------------------------------------------------------------------------------- */

/* The share of @mine instructions in what the host process has spent. */
static void share_cputime(struct machine *m, u64 mine, u64 *utime_ns, u64 *stime_ns)
{
	u64 all = m->cpu.retired;
	struct rusage ru;

	if (m->config.deterministic) {
		*utime_ns = mine;
		*stime_ns = 0;
		return;
	}
	host_getrusage(&ru);
	*utime_ns = ru.ru_utime.tv_sec * 1000000000UL + ru.ru_utime.tv_usec * 1000UL;
	*stime_ns = ru.ru_stime.tv_sec * 1000000000UL + ru.ru_stime.tv_usec * 1000UL;
	if (all && mine < all) {
		*utime_ns = (u64)((double)*utime_ns * mine / all);
		*stime_ns = (u64)((double)*stime_ns * mine / all);
	}
}

u64 task_retired(const struct task_struct *t)
{
	const struct machine *m = t->machine;

	return t == m->rq.curr ? m->cpu.retired - m->retired_others : t->retired;
}

void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	struct signal_struct *s = t->signal;

	share_cputime(t->machine, task_retired(t), utime_ns, stime_ns);
	/* Shares move with what others do; time may not run backwards. */
	*utime_ns = s->seen_utime = max(s->seen_utime, *utime_ns);
	*stime_ns = s->seen_stime = max(s->seen_stime, *stime_ns);
}

void task_children_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	share_cputime(t->machine, t->signal->children.retired, utime_ns, stime_ns);
}
