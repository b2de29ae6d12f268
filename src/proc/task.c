/* Tasks: making the first one, finding, taking them apart. Fork's copying is fork.c's. */
#include "proc/task.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/asan.h"
#include "base/host.h"
#include "base/host_fs.h"
#include "base/log.h"

static s32 alloc_pid(struct machine *m)
{
	s32 pid = m->last_pid;

	do {
		pid = pid >= 32767 ? 300 : pid + 1;
	} while (find_task_by_pid(m, pid));
	m->last_pid = pid;
	return pid;
}

struct task_struct *find_task_by_pid(struct machine *m, s32 pid)
{
	struct task_struct *t;

	list_for_each_entry(t, &m->tasks, tasks)
		if (t->pid == pid)
			return t;
	return NULL;
}

static void task_entry(void *arg)
{
	struct task_struct *t = arg;

	if (t->kthread)
		do_exit(t, t->kthread(t, t->kthread_arg) << 8);
	task_loop(t);
}

/* Kernel stack and the coroutine that starts on it. */
static int task_init_stack(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;
	struct page *page = alloc_pages(mem, GFP_KERNEL | __GFP_COMP, KSTACK_ORDER);

	if (!page)
		return -ENOMEM;
	page->owner = OWN_KSTACK;
	t->stack = page_address(mem, page);
	mod_node_stat(mem, ST_kernel_stack_kb, (PAGE_SIZE << KSTACK_ORDER) >> 10);
	*(u64 *)t->stack = KSTACK_CANARY;
	coro_init(&t->coro, (u8 *)t->stack + 64, (PAGE_SIZE << KSTACK_ORDER) - 64, task_entry, t);
	return 0;
}

static void task_free_stack(struct task_struct *t)
{
	struct memory *mem = &t->machine->mem;

	if (!t->stack)
		return;
	asan_unpoison(t->stack, PAGE_SIZE << KSTACK_ORDER);
	free_pages(mem, t->stack, KSTACK_ORDER);
	mod_node_stat(mem, ST_kernel_stack_kb, -(s64)((PAGE_SIZE << KSTACK_ORDER) >> 10));
}

static void task_free(struct task_struct *t)
{
	struct machine *m = t->machine;

	if (t->files)
		files_put(t->files);
	if (t->fs) {
		path_put(&t->fs->root);
		path_put(&t->fs->pwd);
		kmem_cache_free(m->fs_cache, t->fs);
	}
	flush_signals(&t->pending, t);
	if (t->signal) {
		flush_signals(&t->signal->shared_pending, t);
		kmem_cache_free(m->signal_cache, t->signal);
	}
	if (t->sighand)
		kmem_cache_free(m->sighand_cache, t->sighand);
	if (t->fpu)
		kmem_cache_free(m->fpu_cache, t->fpu);
	task_free_stack(t);
	kmem_cache_free(m->task_cache, t);
}

void release_task(struct task_struct *t)
{
	list_del(&t->tasks);
	task_free(t);
}

static void task_init_creds(struct task_struct *t)
{
	gid_t host_groups[ARRAY_SIZE(t->groups)];
	int n = getgroups(ARRAY_SIZE(t->groups), host_groups);

	t->uid = t->suid = getuid();
	t->euid = t->fsuid = geteuid();
	t->suid = t->euid;
	t->gid = getgid();
	t->egid = t->sgid = t->fsgid = getegid();
	for (int i = 0; i < n; i++)
		t->groups[i] = host_groups[i];
	t->ngroups = n > 0 ? n : 0;
}

/* The limits that Vellum was started with are the guest's. NOFILE alone is Vellum's own: the host's
 * soft limit is raised at start, and machine_config keeps what it was. */
static void task_init_limits(struct task_struct *t)
{
	const struct machine_config *c = &t->machine->config;
	struct rlimit rl;

	for (unsigned i = 0; i < NR_RLIMITS; i++) {
		if (getrlimit(i, &rl)) {
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
	mode_t mask = umask(0);

	umask(mask);
	t->fs = kmem_cache_zalloc(t->machine->fs_cache, GFP_KERNEL);
	if (!t->fs)
		return -ENOMEM;
	t->fs->users = 1;
	t->fs->umask = mask;
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
	if (IS_ERR(f)) {
		host_close(copy);
		return PTR_ERR(f);
	}
	err = fd_install_at(t->files, f, fd, false);
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

	t->signal = kmem_cache_zalloc(m->signal_cache, GFP_KERNEL);
	t->sighand = kmem_cache_zalloc(m->sighand_cache, GFP_KERNEL);
	t->fpu = kmem_cache_zalloc(m->fpu_cache, GFP_KERNEL);
	if (!t->signal || !t->sighand || !t->fpu)
		return -ENOMEM;
	t->signal->users = t->sighand->users = 1;
	t->signal->tgid = t->signal->pgrp = t->signal->session = t->pid;
	t->signal->start_ns = t->start_ns = machine_now_ns(m);
	INIT_LIST_HEAD(&t->signal->shared_pending.list);
	inherit_signal_actions(t);
	fpu_state_init(t->fpu);
	cpu_regs_init(&t->regs);
	task_init_limits(t);
	return 0;
}

struct task_struct *task_create_init(struct machine *m)
{
	struct task_struct *t = kmem_cache_zalloc(m->task_cache, GFP_KERNEL);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->machine = m;
	t->pid = t->tgid = alloc_pid(m);
	t->state = TASK_INTERRUPTIBLE; /* until it has a program */
	t->syscall_nr = ~0UL;
	t->dumpable = true;
	INIT_LIST_HEAD(&t->run_list);
	INIT_LIST_HEAD(&t->children);
	INIT_LIST_HEAD(&t->sibling);
	INIT_LIST_HEAD(&t->pending.list);
	t->altstack.ss_flags = SS_DISABLE;
	task_init_creds(t);
	err = task_init_shared(t);
	if (!err)
		err = task_init_stack(t);
	if (!err)
		err = task_init_fs(t);
	if (!err)
		err = task_init_files(t);
	if (err) {
		task_free(t);
		return ERR_PTR(err);
	}
	list_add_tail(&t->tasks, &m->tasks);
	m->init_pid = t->pid;
	return t;
}

void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	struct machine *m = t->machine;
	u64 mine = t->retired, all = m->cpu.retired;
	struct rusage ru;

	if (t == m->rq.curr)
		mine = all - m->retired_others;
	if (m->config.deterministic) {
		*utime_ns = mine;
		*stime_ns = 0;
		return;
	}
	getrusage(RUSAGE_SELF, &ru);
	*utime_ns = ru.ru_utime.tv_sec * 1000000000UL + ru.ru_utime.tv_usec * 1000UL;
	*stime_ns = ru.ru_stime.tv_sec * 1000000000UL + ru.ru_stime.tv_usec * 1000UL;
	if (all && mine < all) {
		*utime_ns = (u64)((double)*utime_ns * mine / all);
		*stime_ns = (u64)((double)*stime_ns * mine / all);
	}
}
