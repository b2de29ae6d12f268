/* ptrace(2): its requests. What they do is proc/ptrace.h's.
 *
 * What a request reads from the tracer's memory is copied before the tracee is looked at, and what it gives is copied
 * behind that: both may sleep, and the tracee may be killed and reaped meanwhile.
 */
#include "syscalls/internal.h"

#include <elf.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <string.h>

#include "proc/ptrace.h"
#include "proc/rseq.h"

/* Newer than some headers. */
#define PTRACE_SET_SYSCALL_INFO_K 0x4212
#define PTRACE_ARCH_PRCTL_K 30
#define PTRACE_OLDSETOPTIONS_K 21
#define PTRACE_GET_RSEQ_CONFIGURATION_K 0x420f

#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG_K 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG_K 0x4211
#define PTRACE_GET_THREAD_AREA_K 25

/* struct user_desc: read_exec_only, seg_not_present; and which entries of the GDT are a task's. */
#define USER_DESC_EMPTY 0x28U
#define GDT_ENTRY_TLS_MIN 12
#define GDT_ENTRY_TLS_MAX 14

#define ARCH_SET_GS_K 0x1001
#define ARCH_SET_FS_K 0x1002
#define ARCH_GET_FS_K 0x1003
#define ARCH_GET_GS_K 0x1004

/* A request about a tracee in a stop. @pid for who has slept: tracee(). */
struct request {
	struct task_struct *child;
	s32 pid;
	u64 nr, addr, data;
};

/* The tracee again, after a sleep; NULL: it is not there any more, or not in a stop: -ESRCH. */
static struct task_struct *tracee(struct task_struct *t, const struct request *r)
{
	struct task_struct *child = find_task_by_pid(t->machine, r->pid);

	return child && !ptrace_check_attach(t, child, false) ? child : NULL;
}

/* --- memory and registers ------------------------------------------------------------------------ */

/* A word of the tracee's memory. What has become undumpable since it is traced is for root only.
 * ptrace_access_vm() */
static long access_word(struct task_struct *t, const struct request *r, u64 *word, bool write)
{
	struct mm_struct *mm = r->child->mm;

	if (!mm || (mm->dumpable != SUID_DUMP_USER && !task_capable(t, CAP_SYS_PTRACE)))
		return -EIO;
	if (access_remote_vm(mm, r->addr, word, sizeof(*word), write, true) != sizeof(*word))
		return -EIO;
	return 0;
}

static long peek_data(struct task_struct *t, const struct request *r)
{
	u64 word;

	if (access_word(t, r, &word, false))
		return -EIO;
	return put_user(t->mm, word, r->data);
}

static long poke_data(struct task_struct *t, const struct request *r)
{
	u64 word = r->data;

	return access_word(t, r, &word, true);
}

static long peek_user(struct task_struct *t, const struct request *r)
{
	u64 word;
	int err = ptrace_peek_user(r->child, r->addr, &word);

	return err ? err : put_user(t->mm, word, r->data);
}

static long poke_user(struct task_struct *t, const struct request *r)
{
	(void)t;
	return ptrace_poke_user(r->child, r->addr, r->data);
}

/* The first @len bytes of a regset to or from @user. */
static long copy_regset(struct task_struct *t, const struct request *r, u32 type, bool set,
			gva_t user, u64 len)
{
	struct memory *m = &t->machine->mem;
	struct task_struct *child;
	int err = ptrace_regset_check(type, set);
	void *buf;

	if (err)
		return err;
	buf = kmalloc(m, PTRACE_REGSET_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (set && copy_from_user(t->mm, buf, user, len))
		err = -EFAULT;
	child = tracee(t, r);
	if (!err && !child)
		err = -ESRCH;
	if (!err)
		err = set ? ptrace_set_regset(child, type, buf, len)
			  : ptrace_get_regset(child, type, buf);
	if (!err && !set && copy_to_user(t->mm, user, buf, len))
		err = -EFAULT;
	kfree(m, buf);
	return err;
}

static long whole_regset(struct task_struct *t, const struct request *r)
{
	bool fp = r->nr == PTRACE_GETFPREGS || r->nr == PTRACE_SETFPREGS;
	bool set = r->nr == PTRACE_SETREGS || r->nr == PTRACE_SETFPREGS;
	u32 type = fp ? NT_PRFPREG : NT_PRSTATUS;

	return copy_regset(t, r, type, set, r->data, ptrace_regset_size(r->child, type));
}

static long any_regset(struct task_struct *t, const struct request *r)
{
	u32 type = (u32)r->addr;
	struct iovec iov;
	long size, err;

	if (copy_from_user(t->mm, &iov, r->data, sizeof(iov)))
		return -EFAULT;
	size = ptrace_regset_size(t, type);
	if (size < 0 || iov.iov_len % 8)
		return -EINVAL;
	iov.iov_len = min(iov.iov_len, (size_t)size);
	err = copy_regset(t, r, type, r->nr == PTRACE_SETREGSET, (gva_t)iov.iov_base, iov.iov_len);
	if (err)
		return err;
	return put_user(t->mm, iov.iov_len, r->data + offsetof(struct iovec, iov_len));
}

/* do_arch_prctl_64() of another task: the bases of fs and gs. */
static long arch_prctl_of(struct task_struct *t, const struct request *r)
{
	struct cpu_regs *regs = task_regs(r->child);

	switch (r->data) {
	case ARCH_GET_FS_K:
		return put_user(t->mm, regs->fs_base, r->addr);
	case ARCH_GET_GS_K:
		return put_user(t->mm, regs->gs_base, r->addr);
	case ARCH_SET_FS_K:
	case ARCH_SET_GS_K:
		if (r->addr >= TASK_SIZE)
			return -EPERM;
		if (r->data == ARCH_SET_FS_K) {
			regs->fs = 0;
			regs->fs_base = r->addr;
		} else {
			regs->gs = 0;
			regs->gs_base = r->addr;
		}
		return 0;
	default:
		return -EINVAL;
	}
}

/* --- signals ------------------------------------------------------------------------------------- */

static long get_siginfo(struct task_struct *t, const struct request *r)
{
	struct k_siginfo info;

	if (!r->child->last_siginfo)
		return -EINVAL;
	info = *r->child->last_siginfo;
	return put_user(t->mm, info, r->data);
}

static long set_siginfo(struct task_struct *t, const struct request *r)
{
	struct task_struct *child;
	struct k_siginfo info;

	if (get_user(t->mm, info, r->data))
		return -EFAULT;
	child = tracee(t, r);
	if (!child)
		return -ESRCH;
	if (!child->last_siginfo)
		return -EINVAL;
	*child->last_siginfo = info;
	return 0;
}

/* Entry @n of the own or (@shared) the process's queue. False: there are not so many. */
static bool peek_queued(const struct task_struct *child, bool shared, u64 n, struct k_siginfo *info)
{
	const struct sigpending *p = shared ? &child->signal->shared_pending : &child->pending;
	const struct sigqueue *q;

	list_for_each_entry (q, &p->list, list)
		if (!n--) {
			*info = q->info;
			return true;
		}
	return false;
}

/* PTRACE_PEEKSIGINFO: how many. */
static long peek_siginfo(struct task_struct *t, const struct request *r)
{
	struct ptrace_peeksiginfo_args args;
	struct task_struct *child;
	struct k_siginfo info;
	long n;

	if (get_user(t->mm, args, r->addr))
		return -EFAULT;
	if ((args.flags & ~PTRACE_PEEKSIGINFO_SHARED) || args.nr < 0)
		return -EINVAL;
	for (n = 0; n < args.nr; n++) {
		child = tracee(t, r);
		if (!child)
			return n ? n : -ESRCH;
		if (!peek_queued(child, args.flags, args.off + n, &info))
			break;
		if (put_user(t->mm, info, r->data + n * sizeof(info)))
			return n ? n : -EFAULT;
		if (signal_pending(t))
			return n + 1;
	}
	return n;
}

static long get_sigmask(struct task_struct *t, const struct request *r)
{
	const struct task_struct *child = r->child;
	sigset_k set = child->restore_sigmask ? child->saved_blocked : child->blocked;

	if (r->addr != sizeof(set))
		return -EINVAL;
	return put_user(t->mm, set, r->data);
}

static long set_sigmask(struct task_struct *t, const struct request *r)
{
	struct task_struct *child;
	sigset_k set;

	if (r->addr != sizeof(set))
		return -EINVAL;
	if (get_user(t->mm, set, r->data))
		return -EFAULT;
	child = tracee(t, r);
	if (!child)
		return -ESRCH;
	child->blocked = set & ~UNBLOCKABLE_MASK;
	child->restore_sigmask = false;
	return 0;
}

/* --- what kind of stop ---------------------------------------------------------------------------- */

static long set_options(struct task_struct *t, const struct request *r)
{
	struct task_struct *child = r->child;
	int err = ptrace_check_options(t, r->data);

	if (err)
		return err;
	child->ptrace &= ~((u32)PTRACE_O_MASK << PT_OPT_FLAG_SHIFT);
	child->ptrace |= (u32)r->data << PT_OPT_FLAG_SHIFT;
	return 0;
}

static long get_event_message(struct task_struct *t, const struct request *r)
{
	u64 message = r->child->ptrace_message;

	return put_user(t->mm, message, r->data);
}

/* ptrace_get_syscall_info_op() */
static u8 syscall_stop(const struct task_struct *child)
{
	const struct k_siginfo *info = child->last_siginfo;

	if (!info)
		return PTRACE_SYSCALL_INFO_NONE;
	if (info->si_code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
		return PTRACE_SYSCALL_INFO_SECCOMP;
	if (info->si_code != (SIGTRAP | 0x80))
		return PTRACE_SYSCALL_INFO_NONE;
	return child->ptrace_message == PTRACE_EVENTMSG_SYSCALL_ENTRY  ? PTRACE_SYSCALL_INFO_ENTRY
	       : child->ptrace_message == PTRACE_EVENTMSG_SYSCALL_EXIT ? PTRACE_SYSCALL_INFO_EXIT
								       : PTRACE_SYSCALL_INFO_NONE;
}

/* The result of a call, as the program sees it. */
static void fill_exit_info(struct task_struct *child, struct ptrace_syscall_info *info)
{
	s64 rax = task_regs(child)->gpr[R_RAX];

	info->exit.rval = rax;
	info->exit.is_error = rax < 0 && rax >= -4095;
}

/* Bytes of @info that say something. */
static u64 fill_syscall_info(struct task_struct *child, struct ptrace_syscall_info *info)
{
	const struct cpu_regs *regs = task_regs(child);

	*info = (struct ptrace_syscall_info){.op = syscall_stop(child)};
	info->arch = child->compat_call ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	info->instruction_pointer = regs->rip;
	info->stack_pointer = regs->gpr[R_RSP];
	switch (info->op) {
	case PTRACE_SYSCALL_INFO_EXIT:
		fill_exit_info(child, info);
		return offsetof(struct ptrace_syscall_info, exit.is_error) +
		       sizeof(info->exit.is_error);
	case PTRACE_SYSCALL_INFO_ENTRY:
	case PTRACE_SYSCALL_INFO_SECCOMP:
		info->entry.nr = (s64)(s32)child->syscall_nr;
		syscall_get_arguments(child, (u64 *)info->entry.args);
		if (info->op == PTRACE_SYSCALL_INFO_ENTRY)
			return offsetof(struct ptrace_syscall_info, entry.args) +
			       sizeof(info->entry.args);
		info->seccomp.ret_data = (u32)child->ptrace_message;
		return offsetof(struct ptrace_syscall_info, seccomp.ret_data) +
		       sizeof(info->seccomp.ret_data);
	default:
		return offsetof(struct ptrace_syscall_info, entry);
	}
}

static long get_syscall_info(struct task_struct *t, const struct request *r)
{
	struct ptrace_syscall_info info;
	u64 size = fill_syscall_info(r->child, &info);

	if (copy_to_user(t->mm, r->data, &info, min(size, r->addr)))
		return -EFAULT;
	return size;
}

static long set_call(struct task_struct *child, const struct ptrace_syscall_info *info)
{
	s32 nr = (s32)info->entry.nr;

	if ((u64)(s64)nr != info->entry.nr)
		return -ERANGE;
	child->syscall_nr = (u64)(s64)nr;
	if (nr != -1)
		syscall_set_arguments(child, (const u64 *)info->entry.args);
	return 0;
}

/* PTRACE_SET_SYSCALL_INFO: flags and the reserved word are where older headers have padding. */
static long set_syscall_info(struct task_struct *t, const struct request *r)
{
	struct ptrace_syscall_info info;
	struct task_struct *child;

	if (r->addr < sizeof(info))
		return -EINVAL;
	if (copy_from_user(t->mm, &info, r->data, sizeof(info)))
		return -EFAULT;
	if (((const u8 *)&info)[1] || ((const u8 *)&info)[2] || ((const u8 *)&info)[3])
		return -EINVAL;
	child = tracee(t, r);
	if (!child)
		return -ESRCH;
	if (syscall_stop(child) != info.op)
		return -EINVAL;
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_ENTRY:
	case PTRACE_SYSCALL_INFO_SECCOMP:
		return set_call(child, &info);
	case PTRACE_SYSCALL_INFO_EXIT:
		task_regs(child)->gpr[R_RAX] = info.exit.rval;
		return 0;
	default:
		return -EINVAL;
	}
}

/* PTRACE_GET_RSEQ_CONFIGURATION: struct ptrace_rseq_configuration. */
static long get_rseq(struct task_struct *t, const struct request *r)
{
	struct {
		u64 pointer;
		u32 size, signature, flags, pad;
	} conf = {r->child->rseq, r->child->rseq_len, r->child->rseq_sig, 0, 0};

	if (copy_to_user(t->mm, r->data, &conf, min(r->addr, sizeof(conf))))
		return -EFAULT;
	return sizeof(conf);
}

/* --- seccomp and user dispatch -------------------------------------------------------------------- */

/* Filter @n of @child, the oldest first. -EACCES: not for @t, or it has filters itself; -EINVAL: there are no filters;
 * -ENOENT: not so many. get_nth_filter() */
static const struct seccomp_filter *nth_filter(const struct task_struct *t,
					       const struct task_struct *child, u64 n)
{
	const struct seccomp_filter *f = child->seccomp.filter;
	u64 count = 0;

	if (!task_capable(t, CAP_SYS_ADMIN) || t->seccomp.mode)
		return ERR_PTR(-EACCES);
	if (child->seccomp.mode != SECCOMP_MODE_FILTER)
		return ERR_PTR(-EINVAL);
	for (; f; f = f->prev)
		count++;
	if (n >= count)
		return ERR_PTR(-ENOENT);
	f = child->seccomp.filter;
	for (count -= n; count > 1; count--)
		f = f->prev;
	return f;
}

/* PTRACE_SECCOMP_GET_FILTER: how many instructions, and (@data) these. */
static long seccomp_get_filter(struct task_struct *t, const struct request *r)
{
	const struct seccomp_filter *f = nth_filter(t, r->child, r->addr);
	struct memory *m = &t->machine->mem;
	struct sock_filter *copy;
	u32 len;
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	len = f->len;
	if (!r->data)
		return len;
	copy = kmalloc(m, len * sizeof(*copy), GFP_ATOMIC); /* the filter must not go meanwhile */
	if (!copy)
		return -ENOMEM;
	memcpy(copy, f->insns, len * sizeof(*copy));
	err = copy_to_user(t->mm, r->data, copy, len * sizeof(*copy)) ? -EFAULT : 0;
	kfree(m, copy);
	return err ? err : (long)len;
}

/* PTRACE_SECCOMP_GET_METADATA: bytes of struct seccomp_metadata, which names the filter. */
static long seccomp_get_metadata(struct task_struct *t, const struct request *r)
{
	struct seccomp_metadata kmd = {0};
	u64 size = min(r->addr, sizeof(kmd));
	const struct seccomp_filter *f;
	struct task_struct *child;

	if (!task_capable(t, CAP_SYS_ADMIN) || t->seccomp.mode)
		return -EACCES;
	if (size < sizeof(kmd.filter_off))
		return -EINVAL;
	if (get_user(t->mm, kmd.filter_off, r->data))
		return -EFAULT;
	child = tracee(t, r);
	if (!child)
		return -ESRCH;
	f = nth_filter(t, child, kmd.filter_off);
	if (IS_ERR(f))
		return PTR_ERR(f);
	kmd.flags = f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
	return copy_to_user(t->mm, r->data, &kmd, size) ? -EFAULT : (long)size;
}

/* struct ptrace_sud_config */
struct sud_config {
	u64 mode, selector, offset, len;
};

static long get_user_dispatch(struct task_struct *t, const struct request *r)
{
	const struct user_dispatch *d = &r->child->user_dispatch;
	struct sud_config conf = {.mode = !!(r->child->syscall_work & SYSWORK_USER_DISPATCH),
				  .selector = d->selector,
				  .offset = d->offset,
				  .len = d->len};

	if (r->addr != sizeof(conf))
		return -EINVAL;
	return put_user(t->mm, conf, r->data);
}

static long set_user_dispatch(struct task_struct *t, const struct request *r)
{
	struct task_struct *child;
	struct user_dispatch d;
	struct sud_config conf;

	if (r->addr != sizeof(conf))
		return -EINVAL;
	if (get_user(t->mm, conf, r->data))
		return -EFAULT;
	child = tracee(t, r);
	if (!child)
		return -ESRCH;
	d = (struct user_dispatch){
		.offset = conf.offset, .len = conf.len, .selector = conf.selector};
	return set_syscall_user_dispatch(child, conf.mode, &d);
}

/* PTRACE_GET_THREAD_AREA: the descriptors of a task's own are all empty, as nobody can set one: 64-bit programs have
 * fs base instead. */
static long get_thread_area(struct task_struct *t, const struct request *r)
{
	struct {
		u32 entry_number, base_addr, limit, flags;
	} desc = {.entry_number = (u32)r->addr, .flags = USER_DESC_EMPTY};

	if ((s32)r->addr < 0)
		return -EIO;
	if (r->addr < GDT_ENTRY_TLS_MIN || r->addr > GDT_ENTRY_TLS_MAX)
		return -EINVAL;
	return put_user(t->mm, desc, r->data);
}

/* --- the call ------------------------------------------------------------------------------------ */

/* Requests that let it go on, or need nothing but the tracee. -EIO: an unknown one. */
static long go_on(struct task_struct *t, const struct request *r)
{
	switch (r->nr) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SINGLEBLOCK:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return ptrace_resume(r->child, r->nr, r->data);
	case PTRACE_DETACH:
		return ptrace_detach(t, r->child, r->data);
	case PTRACE_LISTEN:
		return ptrace_listen(r->child);
	case PTRACE_INTERRUPT:
		return ptrace_interrupt(r->child);
	case PTRACE_KILL:
		return send_sig_info(SIGKILL, NULL, r->child);
	default:
		return -EIO;
	}
}

static long ptrace_request(struct task_struct *t, const struct request *r)
{
	static const struct {
		u32 nr;
		long (*fn)(struct task_struct *t, const struct request *r);
	} requests[] = {
		{PTRACE_PEEKTEXT, peek_data},
		{PTRACE_PEEKDATA, peek_data},
		{PTRACE_POKETEXT, poke_data},
		{PTRACE_POKEDATA, poke_data},
		{PTRACE_PEEKUSR, peek_user},
		{PTRACE_POKEUSR, poke_user},
		{PTRACE_GETREGS, whole_regset},
		{PTRACE_SETREGS, whole_regset},
		{PTRACE_GETFPREGS, whole_regset},
		{PTRACE_SETFPREGS, whole_regset},
		{PTRACE_GETREGSET, any_regset},
		{PTRACE_SETREGSET, any_regset},
		{PTRACE_ARCH_PRCTL_K, arch_prctl_of},
		{PTRACE_GETSIGINFO, get_siginfo},
		{PTRACE_SETSIGINFO, set_siginfo},
		{PTRACE_PEEKSIGINFO, peek_siginfo},
		{PTRACE_GETSIGMASK, get_sigmask},
		{PTRACE_SETSIGMASK, set_sigmask},
		{PTRACE_SETOPTIONS, set_options},
		{PTRACE_OLDSETOPTIONS_K, set_options},
		{PTRACE_GETEVENTMSG, get_event_message},
		{PTRACE_GET_SYSCALL_INFO, get_syscall_info},
		{PTRACE_SET_SYSCALL_INFO_K, set_syscall_info},
		{PTRACE_GET_RSEQ_CONFIGURATION_K, get_rseq},
		{PTRACE_SECCOMP_GET_FILTER, seccomp_get_filter},
		{PTRACE_SECCOMP_GET_METADATA, seccomp_get_metadata},
		{PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG_K, get_user_dispatch},
		{PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG_K, set_user_dispatch},
		{PTRACE_GET_THREAD_AREA_K, get_thread_area},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].nr == r->nr)
			return requests[i].fn(t, r);
	return go_on(t, r);
}

/* ptrace(2). What the request gives. -ESRCH: no such tracee, or it runs; -EPERM: it may not be traced; -EIO: the
 * request, an address, a signal's number; -EINVAL, -EFAULT. See: ptrace(2) ERRORS. */
long sys_ptrace(struct task_struct *t, const struct sysargs *a)
{
	struct request r = {
		.pid = (s32)a->arg[1], .nr = a->arg[0], .addr = a->arg[2], .data = a->arg[3]};
	int err;

	if (r.nr == PTRACE_TRACEME)
		return ptrace_traceme(t);
	r.child = find_task_by_pid(t->machine, r.pid);
	if (!r.child)
		return -ESRCH;
	if (r.nr == PTRACE_ATTACH || r.nr == PTRACE_SEIZE)
		return ptrace_attach(t, r.child, r.nr == PTRACE_SEIZE, r.addr, r.data);
	err = ptrace_check_attach(t, r.child, r.nr == PTRACE_KILL || r.nr == PTRACE_INTERRUPT);
	return err ? err : ptrace_request(t, &r);
}
