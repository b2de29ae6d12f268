/* The signal frame on the user's stack: struct rt_sigframe of the x86-64 ABI, bit for bit.
 *
 *	high    fpstate (64-byte aligned XSAVE image)
 *	        siginfo
 *	        ucontext: flags, link, stack, sigcontext, sigmask
 *	rsp --> address of the restorer          (rsp % 16 == 8, as after a call)
 *
 * See: sigreturn(2); arch/x86/kernel/signal_64.c.
 */
#include <errno.h>
#include <string.h>

#include "cpu/fpu.h"
#include "mm/uaccess.h"
#include "proc/task.h"

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define SA_RESTORER_K 0x04000000UL
#define USER_CS 0x33
#define USER_DS 0x2b
#define USER32_CS 0x23
#define REDZONE 128

struct sigcontext_k {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	gva_t fpstate;
	u64 reserved1[8];
};

struct ucontext_k {
	u64 uc_flags;
	gva_t uc_link;
	stack_t_k uc_stack;
	struct sigcontext_k uc_mcontext;
	sigset_k uc_sigmask;
};

struct rt_sigframe {
	gva_t pretcode;
	struct ucontext_k uc;
	struct k_siginfo info;
};

_Static_assert(sizeof(struct sigcontext_k) == 256 && sizeof(struct k_siginfo) == 128, "the ABI");

/* Where sigcontext keeps each general register, by encoding number. */
static const u16 gpr_offset[NR_GPR] = {
	[R_RAX] = offsetof(struct sigcontext_k, ax),  [R_RCX] = offsetof(struct sigcontext_k, cx),
	[R_RDX] = offsetof(struct sigcontext_k, dx),  [R_RBX] = offsetof(struct sigcontext_k, bx),
	[R_RSP] = offsetof(struct sigcontext_k, sp),  [R_RBP] = offsetof(struct sigcontext_k, bp),
	[R_RSI] = offsetof(struct sigcontext_k, si),  [R_RDI] = offsetof(struct sigcontext_k, di),
	[R_R8] = offsetof(struct sigcontext_k, r8),   [R_R9] = offsetof(struct sigcontext_k, r9),
	[R_R10] = offsetof(struct sigcontext_k, r10), [R_R11] = offsetof(struct sigcontext_k, r11),
	[R_R12] = offsetof(struct sigcontext_k, r12), [R_R13] = offsetof(struct sigcontext_k, r13),
	[R_R14] = offsetof(struct sigcontext_k, r14), [R_R15] = offsetof(struct sigcontext_k, r15),
};

static u64 *sc_gpr(struct sigcontext_k *sc, unsigned reg)
{
	return (u64 *)((char *)sc + gpr_offset[reg]);
}

/* Linux: __on_sig_stack() */
static bool in_altstack(const struct task_struct *t, gva_t sp)
{
	return sp - t->altstack.ss_sp - 1 < t->altstack.ss_size;
}

/* Linux: on_sig_stack(). One that is disarmed while in use has nobody on it. */
static bool on_altstack(const struct task_struct *t, gva_t sp)
{
	return !((u32)t->altstack.ss_flags & SS_AUTODISARM_K) && in_altstack(t, sp);
}

static void save_sigcontext(struct task_struct *t, struct sigcontext_k *sc, sigset_k oldset)
{
	const struct cpu_regs *r = &t->machine->cpu.regs;

	for (unsigned i = 0; i < NR_GPR; i++)
		*sc_gpr(sc, i) = r->gpr[i];
	sc->ip = r->rip;
	sc->flags = r->flags;
	sc->cs = r->cs;
	sc->ss = r->ss;
	sc->err = t->trap_error;
	sc->trapno = t->trap_nr;
	sc->oldmask = oldset;
	sc->cr2 = t->cr2;
}

/* The FPU's part of a frame, an XSAVE image, is too long for a kernel stack: it goes through a
 * buffer. */
static int save_fpstate(struct task_struct *t, gva_t fp)
{
	struct memory *mem = &t->machine->mem;
	struct cpu *cpu = &t->machine->cpu;
	void *image = kmalloc(mem, FPU_FRAME_MAX, GFP_KERNEL);
	int err;

	if (!image)
		return -ENOMEM;
	fpu_frame_write(cpu, image);
	err = copy_to_user(t->mm, fp, image, fpu_frame_size(cpu)) ? -EFAULT : 0;
	kfree(mem, image);
	return err;
}

int setup_rt_frame(struct task_struct *t, int sig, const struct k_sigaction *ka,
		   const struct k_siginfo *info, sigset_k oldset)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	struct rt_sigframe frame = {.pretcode = ka->restorer, .info = *info};
	bool nested = on_altstack(t, r->gpr[R_RSP]), switched = false;
	gva_t sp = r->gpr[R_RSP] - REDZONE, fp;

	if (!(ka->flags & SA_RESTORER_K))
		return -EFAULT; /* x86-64 has no trampoline of the kernel's */
	if ((ka->flags & SA_ONSTACK) && !nested && t->altstack.ss_size) {
		sp = t->altstack.ss_sp + t->altstack.ss_size;
		switched = true;
	}
	fp = (sp - fpu_frame_size(&t->machine->cpu)) & ~63UL;
	sp = ((fp - sizeof(frame)) & ~15UL) - 8;
	if ((nested || switched) && !in_altstack(t, sp))
		return -EFAULT; /* the alternate stack is full */

	frame.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	if (t->machine->cpu.xcr0)
		frame.uc.uc_flags |= UC_FP_XSTATE;
	frame.uc.uc_stack = t->altstack; /* flags as sigaltstack(2) was told */
	save_sigcontext(t, &frame.uc.uc_mcontext, oldset);
	frame.uc.uc_mcontext.fpstate = fp;
	frame.uc.uc_sigmask = oldset;
	if (save_fpstate(t, fp) || copy_to_user(t->mm, sp, &frame, sizeof(frame)))
		return -EFAULT;

	r->gpr[R_RDI] = sig;
	r->gpr[R_RSI] = sp + offsetof(struct rt_sigframe, info);
	r->gpr[R_RDX] = sp + offsetof(struct rt_sigframe, uc);
	r->gpr[R_RAX] = 0;
	r->gpr[R_RSP] = sp;
	r->rip = ka->handler;
	r->flags &= ~(F_DF | F_TF | F_RF);
	r->cs = USER_CS;
	r->ss = USER_DS;
	fpu_state_init(t->fpu); /* as fpu__clear_user_states(): the handler starts clean */
	return 0;
}

/* Bits of EFLAGS that a frame may change. FIX_EFLAGS of arch/x86/kernel/signal.c, less RF: the first
 * instruction behind sigreturn clears it, and nothing here would see it before. */
#define FIX_EFLAGS (F_AC | F_OF | F_DF | F_TF | F_SF | F_ZF | F_AF | F_PF | F_CF)

static void restore_sigcontext(struct task_struct *t, struct sigcontext_k *sc)
{
	struct cpu_regs *r = &t->machine->cpu.regs;

	for (unsigned i = 0; i < NR_GPR; i++)
		r->gpr[i] = *sc_gpr(sc, i);
	r->rip = sc->ip;
	r->flags = (r->flags & ~(FIX_EFLAGS | F_RF)) | (sc->flags & FIX_EFLAGS);
	r->cs = sc->cs | 3;
	r->ss = sc->ss | 3;
}

static int read_fpstate(struct task_struct *t, gva_t fp, u8 *image)
{
	struct cpu *cpu = &t->machine->cpu;
	u32 len;

	if (copy_from_user(t->mm, image, fp, FX_SIZE))
		return -EFAULT;
	len = fpu_frame_len(cpu, image);
	if (len > FX_SIZE && copy_from_user(t->mm, image + FX_SIZE, fp + FX_SIZE, len - FX_SIZE))
		return -EFAULT;
	return fpu_frame_restore(cpu, image, len, fp);
}

static int restore_fpstate(struct task_struct *t, gva_t fp)
{
	struct memory *mem = &t->machine->mem;
	u8 *image;
	int err;

	if (!fp) {
		fpu_state_init(t->fpu);
		return 0;
	}
	image = kmalloc(mem, FPU_FRAME_MAX, GFP_KERNEL);
	if (!image)
		return -ENOMEM;
	err = read_fpstate(t, fp, image);
	kfree(mem, image);
	return err;
}

/* What sigaltstack(2) would accept; its errors are ignored here, as in Linux. */
static void restore_altstack(struct task_struct *t, const stack_t_k *ss)
{
	u32 mode = (u32)ss->ss_flags & ~SS_AUTODISARM_K;

	if (on_altstack(t, t->machine->cpu.regs.gpr[R_RSP]))
		return;
	if (mode == SS_DISABLE)
		t->altstack = (stack_t_k){.ss_flags = ss->ss_flags};
	else if ((mode == SS_ONSTACK || !mode) && ss->ss_size >= MINSIGSTKSZ_K)
		t->altstack = *ss;
}

/* Old programs keep no ss in their frames. Linux: force_valid_ss() */
static void force_valid_ss(struct cpu_regs *r)
{
	if (r->cs == USER_CS)
		r->ss = USER_DS;
}

/* The way back to user mode is an IRET, and what it would not load is the program's fault: #GP with all
 * of the frame in the registers. In the order of AMD's CPUs. fixup_bad_iret() */
static void check_iret(struct task_struct *t)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	u32 error_code;

	if (r->cs != USER_CS)
		error_code = r->cs & ~3U;
	else if (r->ss != USER_DS && canonical(r->rip))
		error_code = r->ss & 4 ? 0 : r->ss & ~3U; /* an LDT's goes through espfix */
	else
		return; /* a bad rip shows at once */
	force_sig_fault(t, SIGSEGV, SI_KERNEL, 0, X86_GP, error_code, 0);
	r->flags &= ~F_RF; /* no instruction of the program has faulted */
}

long do_rt_sigreturn(struct task_struct *t)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	gva_t sp = r->gpr[R_RSP] - 8; /* the handler's ret took pretcode */
	struct rt_sigframe frame;

	if (copy_from_user(t->mm, &frame, sp, sizeof(frame) - sizeof(frame.info)))
		goto bad;
	set_task_blocked(t, frame.uc.uc_sigmask & ~UNBLOCKABLE_MASK);
	if ((frame.uc.uc_mcontext.cs | 3) == USER32_CS) /* would go on as 32-bit code */
		goto bad;
	restore_sigcontext(t, &frame.uc.uc_mcontext);
	if (!(frame.uc.uc_flags & UC_STRICT_RESTORE_SS))
		force_valid_ss(r);
	if (restore_fpstate(t, frame.uc.uc_mcontext.fpstate))
		goto bad;
	restore_altstack(t, &frame.uc.uc_stack);
	t->syscall_nr = ~0UL; /* what is in rax now is the interrupted program's */
	check_iret(t);
	return r->gpr[R_RAX];
bad:
	force_sig_info(SIGSEGV, NULL, t);
	return 0;
}
