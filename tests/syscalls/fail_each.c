/* Failure at every step, for whole programs: each system call that the guest makes first lacks its
 * first allocation, of a frame or of a slab object, then its second, and so on until it needs no
 * more. A call that failed for it has changed nothing: so the program, which never hears of the
 * failures, prints what it always prints. After each failure the whole state is checked, and that
 * the call has kept nothing; at the end, that nothing is left.
 *
 *   fail_each [-m MIB] [-n TIMES] [-sv] PROGRAM ARGS
 *
 *   -m   guest RAM (64)
 *   -n   how often each call is tried in this way, then now and then (20)
 *   -s   each call, each time, as strace has it
 *   -v   at the end, a line for each call and errno that a failure had
 *
 * Ends as the program does, or with 125 and the reasons on stderr. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "loader/loader.h"
#include "proc/exec.h"
#include "proc/init.h"
#include "proc/task.h"
#include "syscalls/syscalls.h"

#define NR_CALLS 512
#define MAX_ERRNO_SEEN 134
#define NOW_AND_THEN 32

static struct {
	void (*inner)(struct task_struct *t, bool compat);
	const struct sched_ops *ops;
	u64 times;
	u64 calls, failures, trouble;
	u64 made[NR_CALLS];
	u64 seen[NR_CALLS][MAX_ERRNO_SEEN];
} self;

/* Who never returns, or takes the registers from elsewhere. */
static bool spared(u64 nr)
{
	static const u16 list[] = {15 /* rt_sigreturn */, 59 /* execve */, 60 /* exit */,
				   231 /* exit_group */, 322 /* execveat */};

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		if (nr == list[i])
			return true;
	return nr >= NR_CALLS;
}

/* --- what a call that failed may not change --------------------------------------------------- */

#define MAX_CACHES 96

struct holdings {
	unsigned nr;
	const char *name[MAX_CACHES];
	u64 objects[MAX_CACHES];
	u64 files, tasks, switches;
};

static void count_holdings(struct machine *m, struct holdings *h)
{
	struct slabinfo s;

	for (h->nr = 0; h->nr < MAX_CACHES && slab_info(&m->mem, h->nr, &s); h->nr++) {
		h->name[h->nr] = s.name;
		h->objects[h->nr] = s.active_objs;
	}
	h->files = m->vfs.nr_files;
	h->tasks = m->nr_records;
	h->switches = m->rq.nr_switches;
}

static void complain(u64 nr, u32 nth, const char *what, const char *more, long n)
{
	const struct syscall_desc *d = syscall_desc(nr, false);

	fprintf(stderr, "fail_each: %s, allocation %u: %s %s (%ld)\n", d ? d->name : "?", nth, what,
		more, n);
	self.trouble++;
}

/* How many things a call may make that stay with their owner: poll(2) and its kin, one a file. */
static unsigned may_keep(u64 nr)
{
	return nr == 7 || nr == 23 || nr == 270 || nr == 271 ? 8 : 1;
}

/* What was made for the call, or put by for the next one, may stay with its owner: a buffer with its
 * file, an anon_vma with its area. A call that takes more with each failure has lost something.
 * Nodes of the tree of areas alone are put by one by one (vma_tree_reserve()). */
static void compare_holdings(struct machine *m, u64 nr, u32 nth, const struct holdings *before,
			     u8 grown[MAX_CACHES])
{
	static struct holdings now; /* kernel stacks are small */

	count_holdings(m, &now);
	if (now.switches != before->switches)
		return; /* others have done something meanwhile */
	if (now.files != before->files)
		complain(nr, nth, "keeps", "files", now.files - before->files);
	if (now.tasks != before->tasks)
		complain(nr, nth, "keeps", "tasks", now.tasks - before->tasks);
	for (unsigned i = 0; i < now.nr && now.nr == before->nr && m->config.strace; i++)
		if (now.objects[i] != before->objects[i])
			fprintf(stderr, "  %s: %ld objects more\n", now.name[i],
				(long)(now.objects[i] - before->objects[i]));
	for (unsigned i = 0; i < now.nr && now.nr == before->nr; i++)
		if (now.objects[i] > before->objects[i] && strcmp(now.name[i], "maple_node") &&
		    ++grown[i] > may_keep(nr))
			complain(nr, nth, "keeps objects of", now.name[i],
				 now.objects[i] - before->objects[i]);
}

/* --- a call ------------------------------------------------------------------------------------ */

/* Errors that ask for the call to be made again: a signal interrupted it. */
static bool is_restart(long ret)
{
	return ret <= -512 && ret >= -516;
}

static bool try_failing(struct task_struct *t, u64 nr, u32 nth, const struct cpu_regs *regs,
			u8 grown[MAX_CACHES])
{
	struct machine *m = t->machine;
	static struct holdings before; /* another task's by now, if this call slept: see switches */
	bool reached;
	long ret;

	count_holdings(m, &before);
	m->mem.fail_nth = nth;
	self.inner(t, false);
	reached = !m->mem.fail_nth;
	m->mem.fail_nth = 0;
	if (!reached)
		return false;
	self.failures++;
	ret = m->cpu.regs.gpr[R_RAX];
	if (nr == 12 /* brk */ && (u64)ret < regs->gpr[R_RDI])
		ret = -ENOMEM; /* its way to say so */
	if (machine_validate(m))
		complain(nr, nth, "checks fail after", "it", ret);
	if (!IS_ERR_VALUE(ret) || is_restart(ret))
		return false; /* it did without, or a part of it is done */
	if (-ret < MAX_ERRNO_SEEN)
		self.seen[nr][-ret]++;
	compare_holdings(m, nr, nth, &before, grown);
	m->cpu.regs = *regs;
	return true;
}

/* What other tasks do while a call sleeps is their own affair. */
static void watch(struct task_struct *t, bool compat)
{
	const struct cpu_regs regs = t->machine->cpu.regs;
	u64 nr = (u32)regs.gpr[R_RAX];
	u8 grown[MAX_CACHES] = {0};
	u32 nth = 1;

	self.calls++;
	if (compat || spared(nr) || t->ptrace || /* its tracer is to see each call once */
	    (self.made[nr]++ >= self.times && self.made[nr] % NOW_AND_THEN)) {
		self.inner(t, compat);
		return;
	}
	while (try_failing(t, nr, nth, &regs, grown))
		if (++nth > 5000) {
			complain(nr, nth, "never", "succeeds", 0);
			return;
		}
}

static int block(void *arg, u64 deadline_ns)
{
	struct machine *m = arg;
	u32 mine = m->mem.fail_nth;
	int err;

	m->mem.fail_nth = 0;
	err = self.ops->block(arg, deadline_ns);
	m->mem.fail_nth = mine;
	return err;
}

/* A copy to or from the program that met the failure goes on: Linux kills for it, and the program is
 * to live. */
static bool again(void *arg)
{
	(void)arg;
	return true;
}

/* --- the program ------------------------------------------------------------------------------- */

static void show_errors(void)
{
	for (unsigned nr = 0; nr < NR_CALLS; nr++) {
		const struct syscall_desc *d = syscall_desc(nr, false);

		for (unsigned e = 0; d && e < MAX_ERRNO_SEEN; e++)
			if (self.seen[nr][e])
				fprintf(stderr, "%-20s %-12s %lu\n", d->name, strerrorname_np(e),
					self.seen[nr][e]);
	}
}

static void run(struct machine *m, char **argv, char **envp)
{
	static struct sched_ops ops;
	char why[160] = "";
	int err;

	syscalls_init(m);
	if (loader_init(m))
		exit(125);
	err = machine_exec(m, argv[0], argv, envp, why);
	if (err) {
		fprintf(stderr, "fail_each: %s: %s\n", argv[0], why);
		exit(125);
	}
	self.inner = m->do_syscall;
	m->do_syscall = watch;
	self.ops = m->sched.ops;
	ops = *self.ops;
	ops.block = block;
	m->sched.ops = &ops;
	m->mem.hooks.pagefault_oom = again;
	machine_run(m);
	if (machine_validate(m))
		self.trouble++;
}

static int end(struct machine *m)
{
	int status = m->exit_status;

	loader_destroy(m);
	machine_shutdown(m);
	if (memory_leaks(&m->mem))
		self.trouble++;
	memory_destroy(&m->mem);
	return status;
}

int main(int argc, char **argv, char **envp)
{
	struct machine_config config = {
		.mem_size = 64UL << 20, .tlb = {1024, 8, 128, false}, .seed = 1};
	struct machine *m = calloc(1, sizeof(*m));
	int c, status, fds[128], open_before;
	bool verbose = false;

	self.times = 20;
	config.cpu_model = cpu_model_default();
	while ((c = getopt(argc, argv, "+m:n:sv")) != -1) {
		if (c == 'm')
			config.mem_size = strtoul(optarg, NULL, 10) << 20;
		else if (c == 'n')
			self.times = strtoul(optarg, NULL, 10);
		else if (c == 's')
			config.strace = true;
		else if (c == 'v')
			verbose = true;
		else
			return 125;
	}
	if (!argv[optind] || !m)
		return 125;
	signal(SIGPIPE, SIG_IGN);
	open_before = host_list_fds(fds, ARRAY_SIZE(fds));
	if (cpu_install_host_handlers() || machine_init(m, &config))
		return 125;
	run(m, argv + optind, envp);
	status = end(m);
	if (host_list_fds(fds, ARRAY_SIZE(fds)) != open_before)
		complain(0, 0, "descriptors of the host", "are left", 0);
	if (verbose)
		show_errors();
	fprintf(stderr, "fail_each: %lu calls, %lu failures, %lu troubles; status %#x\n",
		self.calls, self.failures, self.trouble, status);
	free(m);
	if (self.trouble)
		return 125;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
