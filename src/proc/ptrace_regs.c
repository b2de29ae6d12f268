/* Registers of a tracee: struct user, regsets, EFLAGS.TF. See ptrace.h; arch/x86/kernel/{ptrace,step}.c,
 * arch/x86/kernel/fpu/regset.c. */
#include <elf.h>
#include <string.h>

#include "base/err.h"
#include "cpu/fpu.h"
#include "mm/uaccess.h"
#include "proc/ptrace.h"
#include "proc/task.h"

#define NR_DEBUGREGS 8U
#define MAX_INSN 15	 /* bytes */
#define SW_XFEATURES 464 /* in an FXSAVE image: struct user_xstateregs' first software word */

/* struct user, and user_regs_struct at its beginning, in words: <sys/user.h>, which cannot be had together with
 * mm/'s names. Those that are not named here are general registers: user_gpr[]. */
enum {
	U_ORIG_RAX = 15,
	U_RIP,
	U_CS,
	U_EFLAGS,
	U_SS = 20,
	U_FS_BASE,
	U_GS_BASE,
	U_DS,
	U_ES,
	U_FS,
	U_GS,
	NR_USER_REGS,
	U_DEBUGREG = 106,    /* NR_DEBUGREGS of them */
	NR_USER_WORDS = 116, /* the kernel's own has two more words: error_code, fault_address */
};

/* --- system calls -------------------------------------------------------------------------------- */

static const u8 *argument_regs(const struct task_struct *t)
{
	static const u8 native[6] = {R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9};
	static const u8 i386[6] = {R_RBX, R_RCX, R_RDX, R_RSI, R_RDI, R_RBP};

	return t->compat_call ? i386 : native;
}

void syscall_get_arguments(struct task_struct *t, u64 args[6])
{
	const u8 *reg = argument_regs(t);

	/* int 0x80: the upper halves are ignored. */
	for (unsigned i = 0; i < 6; i++)
		args[i] =
			t->compat_call ? (u32)task_regs(t)->gpr[reg[i]] : task_regs(t)->gpr[reg[i]];
}

void syscall_set_arguments(struct task_struct *t, const u64 args[6])
{
	const u8 *reg = argument_regs(t);

	for (unsigned i = 0; i < 6; i++)
		task_regs(t)->gpr[reg[i]] = args[i];
}

/* --- general registers --------------------------------------------------------------------------- */

/* What user_regs_struct has at each place that is a general register. */
static const s8 user_gpr[NR_USER_REGS] = {
	R_R15, R_R14, R_R13, R_R12, R_RBP, R_RBX, R_R11, R_R10, R_R9,
	R_R8,  R_RAX, R_RCX, R_RDX, R_RSI, R_RDI, -1,	 -1,	-1,
	-1,    R_RSP, -1,    -1,    -1,	   -1,	  -1,	 -1,	-1,
};

/* EFLAGS that a tracer may set: FLAG_MASK */
#define FLAG_MASK (F_CF | F_PF | F_AF | F_ZF | F_SF | F_TF | F_DF | F_OF | F_RF | F_AC | F_NT)

/* Register number @n of user_regs_struct. */
static u64 get_reg(struct task_struct *t, unsigned n)
{
	const struct cpu_regs *r = task_regs(t);

	if (user_gpr[n] >= 0)
		return r->gpr[user_gpr[n]];
	switch (n) {
	case U_ORIG_RAX:
		return t->syscall_nr;
	case U_RIP:
		return r->rip;
	case U_EFLAGS: /* TF only if the program itself has set it */
		return t->forced_tf ? r->flags & ~F_TF : r->flags;
	case U_CS:
		return r->cs;
	case U_SS:
		return r->ss;
	case U_DS:
		return r->ds;
	case U_ES:
		return r->es;
	case U_FS:
		return r->fs;
	case U_GS:
		return r->gs;
	case U_FS_BASE:
		return r->fs_base;
	default:
		return r->gs_base;
	}
}

static int set_flags(struct task_struct *t, u64 value)
{
	struct cpu_regs *r = task_regs(t);

	if (value & F_TF)
		t->forced_tf = false;
	else if (t->forced_tf)
		value |= F_TF;
	r->flags = (r->flags & ~FLAG_MASK) | (value & FLAG_MASK);
	return 0;
}

static int set_base(u64 *base, u64 value)
{
	if (value >= TASK_SIZE)
		return -EIO;
	*base = value;
	return 0;
}

/* Selectors of user mode only; cs and ss cannot be none. */
static int set_selector(u16 *sel, u64 value, bool may_be_0)
{
	u16 v = (u16)value;

	if ((v && (v & 3) != 3) || (!v && !may_be_0))
		return -EIO;
	*sel = v;
	return 0;
}

static int set_reg(struct task_struct *t, unsigned n, u64 value)
{
	struct cpu_regs *r = task_regs(t);

	if (user_gpr[n] >= 0) {
		r->gpr[user_gpr[n]] = value;
		return 0;
	}
	switch (n) {
	case U_ORIG_RAX: /* -1 as int: in no system call */
		t->syscall_nr = (s32)value == -1 ? ~0UL : value;
		return 0;
	case U_RIP:
		r->rip = value;
		return 0;
	case U_EFLAGS:
		return set_flags(t, value);
	case U_CS:
		return set_selector(&r->cs, value, false);
	case U_SS:
		return set_selector(&r->ss, value, false);
	case U_DS:
		return set_selector(&r->ds, value, true);
	case U_ES:
		return set_selector(&r->es, value, true);
	case U_FS:
		return set_selector(&r->fs, value, true);
	case U_GS:
		return set_selector(&r->gs, value, true);
	case U_FS_BASE:
		return set_base(&r->fs_base, value);
	default:
		return set_base(&r->gs_base, value);
	}
}

static bool user_word_ok(u64 at)
{
	return !(at & 7) && at < NR_USER_WORDS * 8UL;
}

int ptrace_peek_user(struct task_struct *t, u64 at, u64 *value)
{
	if (!user_word_ok(at))
		return -EIO;
	at /= 8;
	*value = 0; /* what is no register reads so */
	if (at < NR_USER_REGS)
		*value = get_reg(t, at);
	else if (at >= U_DEBUGREG && at < U_DEBUGREG + NR_DEBUGREGS)
		*value = ptrace_get_debugreg(t, at - U_DEBUGREG);
	return 0;
}

int ptrace_poke_user(struct task_struct *t, u64 at, u64 value)
{
	if (!user_word_ok(at))
		return -EIO;
	at /= 8;
	if (at < NR_USER_REGS)
		return set_reg(t, at, value);
	if (at < U_DEBUGREG || at >= U_DEBUGREG + NR_DEBUGREGS)
		return -EIO;
	return ptrace_set_debugreg(t, at - U_DEBUGREG, value);
}

/* --- regsets ------------------------------------------------------------------------------------- */

/* cpu/'s functions are about the CPU's own registers: @t's stand there for a moment. */
struct borrowed {
	struct cpu_regs regs;
	struct fpu_state *fpu;
};

static struct cpu *borrow_cpu(struct task_struct *t, struct borrowed *b)
{
	struct cpu *cpu = &t->machine->cpu;

	b->regs = cpu->regs;
	b->fpu = cpu->fpu;
	cpu->regs = *task_regs(t);
	cpu->fpu = t->fpu;
	return cpu;
}

/* Only x87's pointers have changed: fip, fdp, fop. */
static void return_cpu(struct task_struct *t, const struct borrowed *b)
{
	struct cpu *cpu = &t->machine->cpu;
	struct cpu_regs *r = task_regs(t);

	r->fip = cpu->regs.fip;
	r->fdp = cpu->regs.fdp;
	r->fop = cpu->regs.fop;
	cpu->regs = b->regs;
	cpu->fpu = b->fpu;
}

static void get_fpregs(struct task_struct *t, u8 *buf)
{
	struct borrowed b;
	struct cpu *cpu = borrow_cpu(t, &b);

	fpu_xsave(cpu, buf, XS_BIT_X87 | XS_BIT_SSE, XSAVE_ALL, true);
	memset(buf + FX_USED, 0, FX_SIZE - FX_USED);
	return_cpu(t, &b);
}

static int set_fpregs(struct task_struct *t, u8 *buf, u64 len)
{
	u64 legacy = XS_BIT_X87 | XS_BIT_SSE;
	struct borrowed b;
	struct cpu *cpu;
	int err;

	if (len != FX_SIZE || (get32(buf + FX_MXCSR) & ~MXCSR_MASK))
		return -EINVAL;
	memset(buf + XS_BV, 0, XS_HEADER_END - XS_BV);
	memcpy(buf + XS_BV, &legacy, sizeof(legacy));
	cpu = borrow_cpu(t, &b);
	err = fpu_xrstor(cpu, buf, legacy, true);
	return_cpu(t, &b);
	return err;
}

/* copy_xstate_to_uabi_buf(): what is not in use is written as it is after a reset. */
static void get_xstate(struct task_struct *t, u8 *buf)
{
	struct borrowed b;
	struct cpu *cpu = borrow_cpu(t, &b);
	u64 used = fpu_in_use(cpu->fpu, true) & cpu->xcr0;

	fpu_xsave(cpu, buf, cpu->xcr0, XSAVE_ALL, true);
	memset(buf + FX_USED, 0, FX_SIZE - FX_USED);
	memcpy(buf + SW_XFEATURES, &cpu->xcr0, sizeof(cpu->xcr0));
	memcpy(buf + XS_BV, &used, sizeof(used));
	return_cpu(t, &b);
}

static int set_xstate(struct task_struct *t, const u8 *buf, u64 len)
{
	struct borrowed b;
	struct cpu *cpu;
	int err;

	if (len != fpu_xsave_size(t->machine->cpu.xcr0, false))
		return -EFAULT;
	cpu = borrow_cpu(t, &b);
	if (get64(buf + XS_XCOMP_BV) || !fpu_header_legal(cpu, buf))
		err = -EINVAL;
	else
		err = fpu_xrstor(cpu, buf, cpu->xcr0, true);
	return_cpu(t, &b);
	return err;
}

long ptrace_regset_size(struct task_struct *t, u32 type)
{
	u64 xcr0 = t->machine->cpu.xcr0;

	switch (type) {
	case NT_PRSTATUS:
		return NR_USER_REGS * 8L;
	case NT_PRFPREG:
		return FX_SIZE;
	case NT_X86_XSTATE:
		return xcr0 ? (long)fpu_xsave_size(xcr0, false) : -EINVAL;
	case NT_386_IOPERM:
		return 8192;
	default:
		return -EINVAL;
	}
}

int ptrace_regset_check(u32 type, bool set)
{
	if (type == NT_386_IOPERM) /* no ports; and there is no other way to them than ioperm(2) */
		return set ? -EOPNOTSUPP : -ENXIO;
	return 0;
}

int ptrace_get_regset(struct task_struct *t, u32 type, void *buf)
{
	VM_BUG_ON(ptrace_regset_size(t, type) > (long)PTRACE_REGSET_MAX);
	memset(buf, 0, PTRACE_REGSET_MAX);
	switch (type) {
	case NT_PRSTATUS:
		for (unsigned i = 0; i < NR_USER_REGS; i++)
			((u64 *)buf)[i] = get_reg(t, i);
		return 0;
	case NT_PRFPREG:
		get_fpregs(t, buf);
		return 0;
	case NT_X86_XSTATE:
		get_xstate(t, buf);
		return 0;
	default:
		return -EINVAL;
	}
}

int ptrace_set_regset(struct task_struct *t, u32 type, void *buf, u64 len)
{
	int err = 0;

	switch (type) {
	case NT_PRSTATUS:
		for (unsigned i = 0; !err && i < len / 8; i++)
			err = set_reg(t, i, ((u64 *)buf)[i]);
		return err;
	case NT_PRFPREG:
		return set_fpregs(t, buf, len);
	case NT_X86_XSTATE:
		return set_xstate(t, buf, len);
	default:
		return -EINVAL;
	}
}

/* --- single steps -------------------------------------------------------------------------------- */

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x40 ... 0x4f: /* rex */
	case 0x64 ... 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* Will the next instruction load EFLAGS (popf, iret)? Then TF is the program's own afterwards. */
static bool sets_trap_flag(struct task_struct *t)
{
	u8 code[MAX_INSN];
	long n = t->mm ? access_remote_vm(t->mm, task_regs(t)->rip, code, sizeof(code), false, true)
		       : 0;

	for (long i = 0; i < n; i++)
		if (!is_prefix(code[i]))
			return code[i] == 0x9d || code[i] == 0xcf; /* popf, iret */
	return false;
}

void user_enable_single_step(struct task_struct *t)
{
	struct cpu_regs *r = task_regs(t);
	bool was_set = r->flags & F_TF;

	t->single_step = true;
	t->syscall_work |= SYSWORK_EXIT_TRAP;
	r->flags |= F_TF;
	if (sets_trap_flag(t))
		t->forced_tf = false;
	else if (!was_set)
		t->forced_tf = true;
}

void user_enable_block_step(struct task_struct *t)
{
	user_enable_single_step(t);
	t->block_step = t->forced_tf;
	t->step_rip = task_regs(t)->rip;
}

/* Was the instruction @code, with @next behind it, a branch that went to @rip? */
static bool took_branch(const u8 *code, unsigned len, gva_t at, gva_t rip)
{
	unsigned i = 0;

	while (i + 2 < len && is_prefix(code[i]))
		i++;
	switch (code[i]) {
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3: /* loop, jrcxz */
		return rip != at + i + 2;
	case 0x0f:
		return (code[i + 1] & 0xf0) == 0x80 && rip != at + i + 6;
	case 0xc2 ... 0xc3:
	case 0xca ... 0xcb:
	case 0xcf:
	case 0xe8 ... 0xe9:
	case 0xeb:
		return true;
	case 0xff: /* call, far call, jmp, far jmp */
		return (code[i + 1] >> 3 & 7) >= 2 && (code[i + 1] >> 3 & 7) <= 5;
	default:
		return false;
	}
}

bool block_step_goes_on(struct task_struct *t, u32 dr6)
{
	u8 code[MAX_INSN + 2] = {0};
	gva_t at = t->step_rip;
	long n;

	if (!t->block_step || dr6 != DR6_BS)
		return false;
	n = access_remote_vm(t->mm, at, code, MAX_INSN, false, true);
	t->step_rip = task_regs(t)->rip;
	return n > 0 && !took_branch(code, (unsigned)n + 2, at, t->step_rip);
}

void user_disable_single_step(struct task_struct *t)
{
	t->block_step = false;
	t->single_step = false;
	t->syscall_work &= ~SYSWORK_EXIT_TRAP;
	if (t->forced_tf)
		task_regs(t)->flags &= ~F_TF;
	t->forced_tf = false;
}
