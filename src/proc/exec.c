/* execve(2): opening, the new address space, the search for a format, and the point of no return. Strings
 * are exec_strings.c's, scripts binfmt_script.c's. See exec.h; fs/exec.c. */
#include "proc/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "base/log.h"
#include "fs/fdtable.h"
#include "fs/open.h"
#include "mm/ksm.h"
#include "proc/fork.h"
#include "proc/posix_timer.h"
#include "proc/ptrace.h"

#define STACK_EXPAND (128UL << 10)
#define EXEC_RECURSION 5

void register_binfmt(struct machine *m, struct linux_binfmt *fmt)
{
	list_add_tail(&fmt->list, &m->binfmts);
}

/* mmap_base(): below the stack's limit and a gap, at least 128 MiB, at most 5/6 of user space. */
void arch_pick_mmap_layout(struct mm_struct *mm, u64 rlim_stack, u32 personality)
{
	const u64 gap_min = 128UL << 20, gap_max = TASK_SIZE / 6 * 5;
	const u64 compat_size = 0xffffe000UL;
	u64 pad = STACK_GUARD_GAP << PAGE_SHIFT, gap = rlim_stack;

	if (gap + pad > gap)
		gap += pad;
	gap = min(max(gap, gap_min), gap_max);
	mm->mmap_base = page_align(TASK_SIZE - gap);
	gap = min(max(rlim_stack + pad > rlim_stack ? rlim_stack + pad : rlim_stack, gap_min),
		  compat_size / 6 * 5);
	mm->mmap_compat_base = page_align(compat_size - gap);
	mm->mmap_legacy = (personality & ADDR_COMPAT_LAYOUT_K) ||
			  memory_machine(mm->mem)->sysctl[SYSCTL_legacy_va_layout];
	if (mm->mmap_legacy)
		mm->mmap_base = page_align(TASK_SIZE / 3);
}

static int bprm_mm_init(struct linux_binprm *b)
{
	struct task_struct *t = b->task;

	b->mm = mm_alloc(&t->machine->mem);
	if (IS_ERR(b->mm)) {
		int err = PTR_ERR(b->mm);

		b->mm = NULL;
		return err;
	}
	/* PR_SET_MEMORY_MERGE goes on; the stack alone stays out of it. */
	if (t->mm && t->mm->ksm_merge_any && ksm_enable_merge_any(b->mm))
		return -ENOMEM;
	if (t->mm) {
		b->mm->coredump_filter = t->mm->coredump_filter;
		mm_inherit_flags(b->mm, t->mm);
	}
	b->vma = vm_stack_create(b->mm, STACK_TOP, PAGE_SIZE);
	if (IS_ERR(b->vma))
		return PTR_ERR(b->vma);
	b->p = STACK_TOP - sizeof(void *);
	return 0;
}

static int check_program(struct file *f)
{
	struct dentry *d = f->f_path.dentry;
	struct stat st;
	int err = file_stat(f, &st);

	if (err)
		return err;
	if (!S_ISREG(st.st_mode) || file_noexec(f))
		return -EACCES;
	if (d && d->d_op->access) {
		err = d->d_op->access(d, X_OK, AT_EACCESS);
		if (err)
			return err;
	}
	return file_is_written(f) ? -ETXTBSY : 0;
}

struct file *open_exec(struct task_struct *t, const struct path *at, const char *name, int flags)
{
	struct file *f = do_filp_open(t->fs, at, name, OPEN_EXEC | flags, 0);
	int err = IS_ERR(f) ? 0 : check_program(f);

	if (!err)
		return f;
	fput(f);
	return ERR_PTR(err);
}

/* execveat(2) of the descriptor itself: "" and AT_EMPTY_PATH. */
static int open_empty(struct linux_binprm *b, const struct path *at)
{
	struct dentry *d = at->dentry;

	if (!S_ISREG(d->mode))
		return S_ISLNK(d->mode) ? -ELOOP : -EACCES;
	if (!d->d_op->open)
		return -EACCES;
	b->comm_from_file = true;
	b->file = d->d_op->open(at, O_RDONLY);
	return IS_ERR(b->file) ? 0 : check_program(b->file);
}

int bprm_open(struct linux_binprm *b, const struct path *at, const char *name, int flags)
{
	long n;
	int err = 0;

	if (b->file)
		fput(b->file);
	b->file = NULL;
	memset(b->buf, 0, sizeof(b->buf));
	if (!*name && at && (flags & AT_EMPTY_PATH))
		err = open_empty(b, at);
	else
		b->file =
			open_exec(b->task, at, name, flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	if (err)
		return err;
	if (IS_ERR(b->file)) {
		err = PTR_ERR(b->file);
		b->file = NULL;
		return err;
	}
	n = kernel_read(b->file, b->buf, sizeof(b->buf), 0);
	return n < 0 ? (int)n : 0;
}

static int search_binary_handler(struct linux_binprm *b)
{
	struct linux_binfmt *fmt;
	int err = -ENOEXEC;

	list_for_each_entry (fmt, &b->task->machine->binfmts, list) {
		err = fmt->load_binary(b);
		if (err != -ENOEXEC || b->point_of_no_return)
			break;
	}
	return err;
}

/* The last part of the name given; for a program given by descriptor, of the file's own. */
static void set_comm(struct task_struct *t, struct linux_binprm *b)
{
	char *path = b->comm_from_file ? kmalloc(&t->machine->mem, PATH_MAX, GFP_KERNEL) : NULL;
	const char *name = b->filename, *base;

	if (path && d_path(&b->file->f_path, path, PATH_MAX) > 0)
		name = path;
	base = strrchr(name, '/');
	snprintf(t->comm, sizeof(t->comm), "%s", base ? base + 1 : name);
	kfree(&t->machine->mem, path);
}

/* What the caller's relations to others still hold him to. 0 or -ENOMEM, with nothing lost. */
static int leave_company(struct task_struct *t)
{
	int err = unshare_files(t);

	return err ? err : unshare_sighand(t);
}

static void exec_mmap(struct linux_binprm *b)
{
	struct task_struct *t = b->task;
	struct mm_struct *old = t->mm;
	struct mm_counts c;

	if (old) {
		mm_release(t);
		mm_read_counts(old, &c);
		t->signal->maxrss = max(t->signal->maxrss, c.peak_rss);
	}
	t->mm = b->mm;
	b->mm = NULL; /* the task's now; bprm's users go through b->task->mm */
	if (t == current_task(t->machine))
		tlb_switch(&t->machine->cpu.tlb, t->mm);
	if (old)
		mmput(old);
}

/* Vellum has the rights of whoever started it, and cannot give the guest another user's: said once. See: Linux,
 * bprm_fill_uid(), of which this is the condition. */
static void note_set_id(const struct linux_binprm *b)
{
	struct task_struct *t = b->task;
	struct stat st;

	if (t->machine->set_id_named || file_stat(b->file, &st))
		return;
	if (!((st.st_mode & S_ISUID) && st.st_uid != t->euid) &&
	    !((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != t->egid))
		return;
	log_line("%s: set-user-ID and set-group-ID are not honoured: it runs as %u:%u", b->filename,
		 t->euid, t->egid);
	t->machine->set_id_named = true;
}

int begin_new_exec(struct linux_binprm *b)
{
	struct task_struct *t = b->task;
	int err;

	b->point_of_no_return = t->signal->nr_threads > 1; /* they do not come back */
	err = de_thread(t);
	if (!err)
		err = leave_company(t);
	if (err)
		return err;
	b->point_of_no_return = true;
	get_file(b->file);
	b->mm->exe_file = b->file;
	file_set_exec(b->file);
	exec_mmap(b);
	exit_posix_timers(t->signal);
	flush_signal_handlers(t, false);
	files_close_on_exec(t->files);
	set_comm(t, b);
	t->altstack.ss_sp = t->altstack.ss_size = 0; /* its flags stay, as in Linux */
	t->set_child_tid = t->clear_child_tid = t->robust_list = t->rseq = 0;
	t->user_dispatch = (struct user_dispatch){0};
	t->syscall_work &= ~SYSWORK_USER_DISPATCH;
	flush_ptrace_hw_breakpoint(t, false);
	t->exit_signal = SIGCHLD;
	t->self_exec_id++;
	t->signal->did_exec = true;
	note_set_id(b);
	creds_exec(t);
	t->personality &= ~READ_IMPLIES_EXEC_K; /* set_personality_64bit() */
	arch_pick_mmap_layout(t->mm, b->rlim_stack, t->personality);
	cpu_regs_init(task_regs(t));
	fpu_state_init(t->fpu);
	return 0;
}

int setup_arg_pages(struct linux_binprm *b, gva_t stack_top, bool executable)
{
	struct mm_struct *mm = b->task->mm;
	struct vm_area_struct *vma = b->vma;
	u64 rlim = b->rlim_stack & PAGE_MASK, size = vma->vm_end - vma->vm_start;
	gva_t base;

	VM_BUG_ON(stack_top != STACK_TOP);
	if (executable != !!(vma->vm_flags & VM_EXEC)) {
		vma = vma_modify_flags(mm, vma, vma->vm_start, vma->vm_end,
				       vma->vm_flags ^ VM_EXEC);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
	}
	base = size + STACK_EXPAND > rlim ? vma->vm_end - rlim : vma->vm_start - STACK_EXPAND;
	mm->start_stack = b->p;
	if (base < vma->vm_start && expand_stack(vma, base))
		return -ENOMEM;
	return 0;
}

/* What people read when a program cannot run. */
static void explain(const struct linux_binprm *b, int err, char *why)
{
	/* The strings are Vellum's own: what lacks is a page of the new stack. */
	if (err == -EFAULT)
		err = -ENOMEM;
	if (why)
		snprintf(why, sizeof(b->why), "%s", b->why[0] ? b->why : strerrordesc_np(-err));
}

/* The reason is a script's interpreter's: it is named, while its name is there. */
static void blame_interp(struct linux_binprm *b, int err)
{
	char why[sizeof(b->why)];

	snprintf(why, sizeof(why), "%.80s: %.70s", b->interp,
		 b->why[0] ? b->why : strerrordesc_np(-err));
	memcpy(b->why, why, sizeof(why));
}

static int exec_binprm(struct linux_binprm *b)
{
	struct memory *mem = &b->task->machine->mem;
	char *lines[EXEC_RECURSION] = {NULL};
	int depth, err = 0;

	for (depth = 0; !err && bprm_is_script(b); depth++) {
		if (depth == EXEC_RECURSION) {
			err = -ELOOP;
			break;
		}
		lines[depth] = kmalloc(mem, BINPRM_BUF_SIZE, GFP_KERNEL);
		err = lines[depth] ? load_script(b, lines[depth]) : -ENOMEM;
	}
	if (!err)
		err = search_binary_handler(b);
	if (err && b->interp != b->filename)
		blame_interp(b, err);
	for (depth = 0; depth < EXEC_RECURSION; depth++)
		kfree(mem, lines[depth]);
	return err;
}

int do_execveat(struct task_struct *t, const struct exec_name *name, struct user_strings argv,
		struct user_strings envp, int flags, char *why)
{
	struct linux_binprm *b = kzalloc(&t->machine->mem, sizeof(*b), GFP_KERNEL);
	s32 old_pid = t->pid;
	bool dead;
	int err;

	if (!b)
		return -ENOMEM;
	b->task = t;
	b->filename = b->interp = name->shown ? name->shown : name->name;
	b->path_inaccessible = name->inaccessible;
	b->rlim_stack = rlimit(t, RLIMIT_STACK);
	b->strict = why;
	err = bprm_open(b, name->at, name->name, flags);
	if (!err)
		err = bprm_mm_init(b);
	if (!err)
		err = bprm_put_strings(b, &argv, &envp);
	if (!err)
		err = exec_binprm(b);
	if (err)
		explain(b, err, why);
	if (b->mm)
		mmput(b->mm);
	if (b->file)
		fput(b->file);
	dead = err && b->point_of_no_return;
	kfree(&t->machine->mem, b);
	if (dead && !why)
		force_fatal_sig(SIGSEGV, t); /* the callers free what is theirs first */
	if (!err && t->ptrace) {
		task_regs(t)->gpr[R_RAX] = -ENOSYS; /* still in the call */
		ptrace_event(t, PTRACE_EVENT_EXEC, old_pid);
	}
	return err;
}
