/* execve(2): strings, limits, the search for a format, and the point of no return.
 *
 *	high  STACK_TOP  8 zero bytes
 *	                 filename
 *	                 envp strings        bprm->p moves down as strings are put
 *	                 argv strings
 *	                 ... the format adds platform, random bytes, auxv, vectors, argc
 *
 * The strings are written to their last place at once: the new mm's stack is made first.
 * See: execve(2); fs/exec.c.
 */
#include "proc/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "mm/ksm.h"
#include "mm/uaccess.h"

#define MAX_ARG_STRLEN (32 * PAGE_SIZE)
#define ARG_MAX_FLOOR (32 * PAGE_SIZE)
#define ARG_MAX_CEILING (6UL << 20)
#define MAX_ARG_STRINGS 0x7fffffff
#define STACK_TOP TASK_SIZE
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
			  memory_machine(mm->mem)->vm_sysctl[VM_SYSCTL_legacy_va_layout];
	if (mm->mmap_legacy)
		mm->mmap_base = page_align(TASK_SIZE / 3);
}

/* The pages of [start, end) were asked for to put strings there: once each, while it goes on there. */
static void touch_arg_pages(struct linux_binprm *b, gva_t start, gva_t end)
{
	for (gva_t addr = (end - 1) & PAGE_MASK; end > start && addr >= (start & PAGE_MASK);
	     addr -= PAGE_SIZE) {
		if (addr != b->arg_page)
			touch_user_page(b->mm, addr);
		b->arg_page = addr;
	}
}

/* Puts @len bytes below bprm->p. */
static int put_string(struct linux_binprm *b, const char *s, u64 len)
{
	b->p -= len;
	if (copy_to_user(b->mm, b->p, s, len))
		return -E2BIG;
	touch_arg_pages(b, b->p, b->p + len);
	return 0;
}

/* Address of the @i-th string of the guest's vector; 0 at its end. */
static int guest_string(const struct user_strings *v, int i, gva_t *str)
{
	return get_user(v->mm, *str, v->gva + 8UL * i);
}

static int count_strings(const struct user_strings *v)
{
	gva_t str;
	int n = 0;

	if (!v->mm) {
		while (v->host && v->host[n])
			n++;
		return n;
	}
	if (!v->gva)
		return 0;
	for (;; n++) {
		if (n >= MAX_ARG_STRINGS)
			return -E2BIG;
		if (guest_string(v, n, &str))
			return -EFAULT;
		if (!str)
			return n;
	}
}

/* Copies a string of the old program page by page, from its end down, to the new stack. */
static int copy_guest_string(struct linux_binprm *b, const struct user_strings *v, gva_t str,
			     gva_t floor, char *buf)
{
	long len = strnlen_user(v->mm, str, MAX_ARG_STRLEN);
	u64 left;

	if (!len)
		return -EFAULT;
	if (len > (long)MAX_ARG_STRLEN || b->p - len < floor)
		return -E2BIG;
	b->p -= len;
	for (left = len; left;) {
		u64 n = min(left, PAGE_SIZE);

		left -= n;
		if (copy_from_user(v->mm, buf, str + left, n))
			return -EFAULT;
		if (copy_to_user(b->mm, b->p + left, buf, n))
			return -E2BIG;
	}
	touch_arg_pages(b, b->p, b->p + len);
	return 0;
}

static int copy_strings(struct linux_binprm *b, const struct user_strings *v, int n, gva_t floor)
{
	struct memory *mem = b->mm->mem;
	char *buf = NULL;
	int err = 0;

	b->arg_page = 0;
	if (v->mm) {
		buf = kmalloc(mem, PAGE_SIZE, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	while (n-- > 0 && !err) {
		if (v->mm) {
			gva_t str;

			err = guest_string(v, n, &str) ? -EFAULT
						       : copy_guest_string(b, v, str, floor, buf);
		} else {
			u64 len = strlen(v->host[n]) + 1;

			err = len > MAX_ARG_STRLEN || b->p - len < floor
				      ? -E2BIG
				      : put_string(b, v->host[n], len);
		}
	}
	kfree(mem, buf);
	return err;
}

/* The lowest address that strings may reach: a quarter of the stack limit, at most 6 MiB, less
 * what the pointers to them will take. bprm_stack_limits() */
static int stack_limits(struct linux_binprm *b, gva_t *floor)
{
	u64 limit = min(max(b->rlim_stack / 4, ARG_MAX_FLOOR), ARG_MAX_CEILING);
	u64 pointers = ((u64)max(b->argc, 1) + b->envc) * 8;

	if (limit <= pointers)
		return -E2BIG;
	*floor = b->p - (limit - pointers);
	return 0;
}

static int setup_new_mm(struct linux_binprm *b)
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

/* Program, environment and arguments, in the order in which they lie from the top down. */
static int put_all_strings(struct linux_binprm *b, const struct user_strings *argv,
			   const struct user_strings *envp)
{
	gva_t floor;
	int err;

	b->argc = count_strings(argv);
	b->envc = count_strings(envp);
	if (b->argc < 0 || b->envc < 0)
		return b->argc < 0 ? b->argc : b->envc;
	err = stack_limits(b, &floor);
	if (!err)
		err = put_string(b, b->filename, strlen(b->filename) + 1);
	b->exec = b->p;
	if (!err)
		err = copy_strings(b, envp, b->envc, floor);
	b->mm->env_start = b->p; /* the format sets the four bounds for good */
	if (!err)
		err = copy_strings(b, argv, b->argc, floor);
	if (!err && !b->argc) { /* an empty argv gets one empty string, as since Linux 5.18 */
		b->argc = 1;
		err = put_string(b, "", 1);
	}
	b->argv0 = b->p;
	return err;
}

static int check_program(struct file *f)
{
	struct dentry *d = f->f_path.dentry;
	struct stat st;
	int err = file_stat(f, &st);

	if (err)
		return err;
	if (!S_ISREG(st.st_mode))
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

static int open_program(struct linux_binprm *b, const struct path *at, const char *name, int flags)
{
	long n;
	int err = 0;

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
	return n < 0 ? n : 0;
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

int begin_new_exec(struct linux_binprm *b)
{
	struct task_struct *t = b->task;
	int err = leave_company(t);

	if (err)
		return err;
	b->point_of_no_return = true;
	get_file(b->file);
	b->mm->exe_file = b->file;
	file_set_exec(b->file);
	exec_mmap(b);
	flush_signal_handlers(t, false);
	files_close_on_exec(t->files);
	set_comm(t, b);
	t->altstack.ss_sp = t->altstack.ss_size = 0; /* its flags stay, as in Linux */
	t->set_child_tid = t->clear_child_tid = t->robust_list = t->rseq = 0;
	t->exit_signal = SIGCHLD;
	t->signal->did_exec = true;
	creds_exec(t);
	t->personality &= ~READ_IMPLIES_EXEC_K; /* set_personality_64bit() */
	arch_pick_mmap_layout(t->mm, b->rlim_stack, t->personality);
	cpu_regs_init(task_regs(t));
	fpu_state_init(t->fpu);
	t->syscall_nr = ~0UL; /* the new program was never in a system call */
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
		snprintf(why, sizeof(b->why), "%s", b->why[0] ? b->why : strerror(-err));
}

/* The script's interpreter: "#!" path [one argument]. 0 and its parts in @buf, or -ENOEXEC. */
static int parse_shebang(const u8 *head, char *buf, char **interp, char **arg)
{
	char *end, *p;

	if (head[0] != '#' || head[1] != '!')
		return -ENOEXEC;
	memcpy(buf, head + 2, BINPRM_BUF_SIZE - 2);
	buf[BINPRM_BUF_SIZE - 2] = '\0';
	end = strchr(buf, '\n');
	if (!end) { /* a line without an end: fine if the interpreter's name is whole */
		end = buf + strlen(buf);
		if (end == buf + BINPRM_BUF_SIZE - 2 && !strpbrk(buf + strspn(buf, " \t"), " \t"))
			return -ENOEXEC;
	}
	while (end > buf && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*interp = buf + strspn(buf, " \t");
	if (!**interp)
		return -ENOEXEC;
	p = *interp + strcspn(*interp, " \t");
	*arg = NULL;
	if (*p) {
		*p++ = '\0';
		*arg = p + strspn(p, " \t");
	}
	return 0;
}

/* argv[0] goes, and the interpreter, its argument and the script's path come in front. */
static int insert_interp(struct linux_binprm *b, const char *script, const char *interp,
			 const char *arg)
{
	u8 c = 1;

	do { /* skips argv[0], NUL included */
		if (get_user(b->mm, c, b->p))
			return -EFAULT;
		b->p++;
	} while (c);
	b->argc--;
	if (put_string(b, script, strlen(script) + 1) ||
	    (arg && put_string(b, arg, strlen(arg) + 1)) ||
	    put_string(b, interp, strlen(interp) + 1))
		return -E2BIG;
	b->argc += arg ? 3 : 2;
	b->argv0 = b->p;
	return 0;
}

static int exec_binprm(struct linux_binprm *b)
{
	struct memory *mem = &b->task->machine->mem;
	char *bufs[EXEC_RECURSION] = {NULL}, *interp, *arg;
	const char *script = b->filename;
	int depth, err = 0;

	for (depth = 0; !err; depth++) {
		if (b->buf[0] != '#' || b->buf[1] != '!') {
			err = search_binary_handler(b);
			break;
		}
		if (depth == EXEC_RECURSION) {
			err = -ELOOP;
			break;
		}
		bufs[depth] = kmalloc(mem, BINPRM_BUF_SIZE, GFP_KERNEL);
		err = bufs[depth] ? parse_shebang(b->buf, bufs[depth], &interp, &arg) : -ENOMEM;
		if (!err && b->path_inaccessible)
			err = -ENOENT; /* its descriptor is closed before anybody could open it */
		if (!err)
			err = insert_interp(b, script, interp, arg);
		if (err)
			break;
		fput(b->file);
		b->file = NULL;
		script = b->interp = interp;
		memset(b->buf, 0, sizeof(b->buf));
		err = open_program(b, NULL, interp, 0);
	}
	for (depth = 0; depth < EXEC_RECURSION; depth++)
		kfree(mem, bufs[depth]);
	return err;
}

/* Nothing of the program is left that could catch it. */
static void force_fatal_sig(struct task_struct *t, int sig)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = SI_KERNEL};

	t->sighand->action[sig - 1].handler = (gva_t)SIG_DFL;
	force_sig_info(sig, &info, t);
}

int do_execveat(struct task_struct *t, const struct exec_name *name, struct user_strings argv,
		struct user_strings envp, int flags, char *why)
{
	struct linux_binprm *b = kzalloc(&t->machine->mem, sizeof(*b), GFP_KERNEL);
	bool dead;
	int err;

	if (!b)
		return -ENOMEM;
	b->task = t;
	b->filename = b->interp = name->shown ? name->shown : name->name;
	b->path_inaccessible = name->inaccessible;
	b->rlim_stack = rlimit(t, RLIMIT_STACK);
	b->strict = why;
	err = open_program(b, name->at, name->name, flags);
	if (!err)
		err = setup_new_mm(b);
	if (!err)
		err = put_all_strings(b, &argv, &envp);
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
		force_fatal_sig(t, SIGSEGV); /* the callers free what is theirs first */
	return err;
}
