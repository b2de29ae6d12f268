/* seccomp. See seccomp.h. */
#include "proc/seccomp.h"

#include <linux/audit.h>
#include <stddef.h>

#include "base/err.h"
#include "mm/slab.h"
#include "proc/exit.h"
#include "proc/ptrace.h"
#include "proc/seccomp_notify.h"
#include "proc/task.h"

#define SYS_SECCOMP_K 1 /* si_code */
#define MAX_ERRNO_K 4095U
#define MAX_INSNS_PER_PATH 32768U
#define FILTER_PENALTY 4U
#define PROLOGUE_INSNS 3U /* of each translated program: A, X and the data's address */

/* --- programs ------------------------------------------------------------------------------ */

/* Is the instruction one of those that may look at a system call, with numbers that make sense? */
static bool insn_ok(const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return in->k < sizeof(struct seccomp_data) && !(in->k & 3);
	case BPF_ALU | BPF_DIV | BPF_K:
		return in->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return in->k < 32;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return in->k < BPF_MEMWORDS;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_ADD | BPF_K:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

/* Jumps lead forwards, and stay inside. */
static bool jump_ok(const struct sock_filter *in, u32 pc, u32 len)
{
	if (BPF_CLASS(in->code) != BPF_JMP)
		return true;
	if (in->code == (BPF_JMP | BPF_JA))
		return in->k < len - pc - 1;
	return pc + in->jt + 1 < len && pc + in->jf + 1 < len;
}

/* What is known to be stored where the program goes on behind @pc. */
static void meet(u16 *valid, u32 to, u16 stored)
{
	valid[to] &= stored;
}

/* No word of the scratch memory is read before it was written, on any way: check_load_and_stores(). @valid: of
 * each instruction, BPF_MEMWORDS bits. */
static bool memory_ok(const struct sock_filter *insns, u32 len, u16 *valid)
{
	u16 stored = 0;

	for (u32 pc = 0; pc < len; pc++)
		valid[pc] = 0xffff;
	for (u32 pc = 0; pc < len; pc++) {
		const struct sock_filter *in = &insns[pc];

		stored &= valid[pc];
		if (in->code == BPF_ST || in->code == BPF_STX) {
			stored |= (u16)(1U << in->k);
		} else if (in->code == (BPF_LD | BPF_MEM) || in->code == (BPF_LDX | BPF_MEM)) {
			if (!(stored & 1U << in->k))
				return false;
		} else if (in->code == (BPF_JMP | BPF_JA)) {
			meet(valid, pc + 1 + in->k, stored);
			stored = 0xffff;
		} else if (BPF_CLASS(in->code) == BPF_JMP) {
			meet(valid, pc + 1 + in->jt, stored);
			meet(valid, pc + 1 + in->jf, stored);
			stored = 0xffff;
		}
	}
	return true;
}

int seccomp_check_filter(struct memory *m, const struct sock_filter *insns, u32 len)
{
	u16 *valid;
	bool ok;

	for (u32 pc = 0; pc < len; pc++)
		if (!insn_ok(&insns[pc]) || !jump_ok(&insns[pc], pc, len))
			return -EINVAL;
	if (BPF_CLASS(insns[len - 1].code) != BPF_RET)
		return -EINVAL;
	valid = kmalloc(m, len * sizeof(*valid), GFP_KERNEL);
	if (!valid)
		return -ENOMEM;
	ok = memory_ok(insns, len, valid);
	kfree(m, valid);
	return ok ? 0 : -EINVAL;
}

/* A = A op @b. Shifts by 32 and more are by the low five bits, as the host's compiled programs do. */
static u32 alu(u16 code, u32 a, u32 b)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a; /* BPF_NEG */
	}
}

static bool jumps(u16 code, u32 a, u32 b)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b; /* BPF_JSET */
	}
}

/* What BPF_LD and BPF_LDX bring. */
static u32 load(const struct sock_filter *in, const u32 *mem, const struct seccomp_data *data)
{
	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		return *(const u32 *)((const char *)data + in->k);
	case BPF_MEM:
		return mem[in->k];
	case BPF_LEN:
		return sizeof(*data);
	default:
		return in->k; /* BPF_IMM */
	}
}

u32 seccomp_run_filter(const struct seccomp_filter *f, const struct seccomp_data *data)
{
	u32 a = 0, x = 0, mem[BPF_MEMWORDS];

	for (u32 pc = 0; pc < f->len; pc++) {
		const struct sock_filter *in = &f->insns[pc];
		u32 b = BPF_SRC(in->code) == BPF_X ? x : in->k;

		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
			a = load(in, mem, data);
			break;
		case BPF_LDX:
			x = load(in, mem, data);
			break;
		case BPF_ST:
			mem[in->k] = a;
			break;
		case BPF_STX:
			mem[in->k] = x;
			break;
		case BPF_ALU:
			if (BPF_OP(in->code) == BPF_DIV && !b)
				return 0;
			a = alu(in->code, a, b);
			break;
		case BPF_JMP:
			if (BPF_OP(in->code) == BPF_JA)
				pc += in->k;
			else
				pc += jumps(in->code, a, b) ? in->jt : in->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(in->code) == BPF_A ? a : in->k;
		default:
			if (BPF_MISCOP(in->code) == BPF_TAX)
				x = a;
			else
				a = x;
		}
	}
	return 0; /* never: the last instruction is a BPF_RET */
}

/* --- who has which ------------------------------------------------------------------------- */

/* How many of its instructions bpf_convert_filter() makes of @in. */
static u32 converted_insn(const struct sock_filter *in)
{
	u16 op = BPF_OP(in->code);
	u32 n;

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU: /* a division by X looks at it first */
		return op == BPF_DIV && BPF_SRC(in->code) == BPF_X ? 5 : 1;
	case BPF_RET:
		return BPF_RVAL(in->code) == BPF_K ? 2 : 1;
	case BPF_JMP:
		if (op == BPF_JA)
			return 1;
		/* Constants have a sign there; and only one of the two ways is a jump. */
		n = BPF_SRC(in->code) == BPF_K && (s32)in->k < 0 ? 2 : 1;
		return !in->jf || (!in->jt && op != BPF_JSET) ? n : n + 1;
	default:
		return 1;
	}
}

static u32 converted_len(const struct seccomp_filter *f)
{
	u32 n = PROLOGUE_INSNS;

	for (u32 pc = 0; pc < f->len; pc++)
		n += converted_insn(&f->insns[pc]);
	return n;
}

bool seccomp_too_long(const struct task_struct *t, const struct seccomp_filter *f)
{
	u32 total = converted_len(f);

	for (f = t->seccomp.filter; f; f = f->prev)
		total += converted_len(f) + FILTER_PENALTY;
	return total > MAX_INSNS_PER_PATH;
}

void seccomp_attach_filter(struct task_struct *t, struct seccomp_filter *f)
{
	f->prev = t->seccomp.filter; /* its user is @f now */
	t->seccomp.filter = f;
	t->seccomp.nr_filters++;
	t->seccomp.mode = SECCOMP_MODE_FILTER;
}

bool seccomp_has_listener(const struct task_struct *t)
{
	const struct seccomp_filter *f = t->seccomp.filter;

	while (f && !f->listener)
		f = f->prev;
	return f;
}

void seccomp_filter_put(struct memory *m, struct seccomp_filter *f)
{
	while (f && !--f->users) {
		struct seccomp_filter *prev = f->prev;

		f->prev = NULL;
		if (f->listener)
			seccomp_listener_hangup(f);
		else
			kfree(m, f);
		f = prev;
	}
}

void seccomp_put(struct task_struct *t)
{
	seccomp_filter_put(&t->machine->mem, t->seccomp.filter);
	t->seccomp.filter = NULL;
}

void seccomp_fork(struct task_struct *p)
{
	if (p->seccomp.filter)
		p->seccomp.filter->users++;
}

static bool is_ancestor(const struct seccomp_filter *old, const struct seccomp_filter *f)
{
	if (!old)
		return true;
	for (; f; f = f->prev)
		if (f == old)
			return true;
	return false;
}

s32 seccomp_sync_threads(struct task_struct *t)
{
	struct task_struct *p;

	for_each_thread(t,
			p) if (p != t && !p->exiting &&
			       (p->seccomp.mode == SECCOMP_MODE_STRICT ||
				!is_ancestor(p->seccomp.filter, t->seccomp.filter))) return p->pid;
	for_each_thread(t, p)
	{
		if (p == t || p->exiting)
			continue;
		t->seccomp.filter->users++;
		seccomp_put(p);
		p->seccomp = t->seccomp;
		if (t->no_new_privs)
			p->no_new_privs = true;
	}
	return 0;
}

/* --- at each call -------------------------------------------------------------------------- */

/* The least of all answers: ACTION_ONLY(); and whose it is. */
static u32 run_filters(const struct task_struct *t, const struct seccomp_data *data,
		       struct seccomp_filter **match)
{
	u32 ret = SECCOMP_RET_ALLOW;

	*match = NULL;
	for (struct seccomp_filter *f = t->seccomp.filter; f; f = f->prev) {
		u32 one = seccomp_run_filter(f, data);

		if ((s32)(one & SECCOMP_RET_ACTION_FULL) < (s32)(ret & SECCOMP_RET_ACTION_FULL)) {
			ret = one;
			*match = f;
		}
	}
	return ret;
}

/* SIGSYS; the registers are those before the call: rax has its number. */
static void send_sigsys(struct task_struct *t, const struct seccomp_data *data, u32 reason,
			bool fatal, long *ret)
{
	struct k_siginfo info = {.si_signo = SIGSYS, .si_code = SYS_SECCOMP_K, .si_errno = reason};

	info.sys.call_addr = data->instruction_pointer;
	info.sys.syscall = data->nr;
	info.sys.arch = data->arch;
	if (fatal) {
		t->sighand->action[SIGSYS - 1].handler = (gva_t)SIG_DFL;
		t->sighand->action[SIGSYS - 1].flags |= SA_IMMUTABLE;
	}
	force_sig_info(SIGSYS, &info, t);
	*ret = (long)t->syscall_nr;
}

static bool strict(struct task_struct *t, u32 nr, bool compat)
{
	static const u8 native[] = {0, 1, 60, 15}, i386[] = {3, 4, 1, 119};
	const u8 *list = compat ? i386 : native;

	for (unsigned i = 0; i < ARRAY_SIZE(native); i++)
		if (nr == list[i])
			return true;
	do_exit(t, SIGKILL);
}

static bool filter_call(struct task_struct *t, bool compat, bool traced, long *ret);

/* Its tracer sees the call, and may change it: then the filters, for which SECCOMP_RET_TRACE is enough now, look
 * again. False: as secure_computing(). */
static bool trace_call(struct task_struct *t, u32 message, bool compat, long *ret)
{
	*ret = -ENOSYS;
	if (!ptrace_event_enabled(t, PTRACE_EVENT_SECCOMP))
		return false;
	ptrace_event(t, PTRACE_EVENT_SECCOMP, message);
	*ret = task_regs(t)->gpr[R_RAX];
	if (fatal_signal_pending(t) || (s32)t->syscall_nr < 0)
		return false;
	return filter_call(t, compat, true, ret);
}

bool secure_computing(struct task_struct *t, bool compat, long *ret)
{
	if (t->ptrace & PT_SUSPEND_SECCOMP)
		return true;
	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		return strict(t, (u32)t->syscall_nr, compat);
	return filter_call(t, compat, false, ret);
}

static bool filter_call(struct task_struct *t, bool compat, bool traced, long *ret)
{
	u32 nr = (u32)t->syscall_nr;
	struct seccomp_data data = {
		.nr = (int)nr,
		.arch = compat ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
		.instruction_pointer = task_regs(t)->rip,
	};
	struct seccomp_filter *match;
	u32 action, reason;
	u64 args[6];

	syscall_get_arguments(t, args);
	for (unsigned i = 0; i < 6; i++)
		data.args[i] = args[i];
	action = run_filters(t, &data, &match);
	reason = action & SECCOMP_RET_DATA;
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		*ret = -(long)min(reason, MAX_ERRNO_K);
		return false;
	case SECCOMP_RET_TRAP:
		send_sigsys(t, &data, reason, false, ret);
		return false;
	case SECCOMP_RET_TRACE:
		return traced || trace_call(t, reason, compat, ret);
	case SECCOMP_RET_USER_NOTIF:
		return seccomp_user_notification(t, match, &data, ret);
	case SECCOMP_RET_KILL_THREAD:
		if (t->signal->live > 1)
			do_exit(t, SIGSYS);
		/* fallthrough */
	default: /* SECCOMP_RET_KILL_PROCESS, and what is not known */
		send_sigsys(t, &data, reason, true, ret);
		return false;
	}
}
