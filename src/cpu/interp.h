/* What handlers share: operand access, flags, dispatch, exceptions. For op_*.c and thunk.c.
 *
 * A handler is an op_fn. It does its work and ends with NEXT(cpu, in), a tail call to the handler
 * of the next instruction of the block; or, when it ends the block, with GOTO(cpu, ...); or, after
 * cpu_raise() and kin, with a plain return, which leads back to the loop of cpu_run(). In builds
 * without tail calls blocks return to the loop, so that the stack stays shallow.
 *
 * Flags. While the interpreter runs, the arithmetic flags live in cpu->cc as `lahf; seto %al`
 * leaves them in ax; regs.flags keeps the other bits with the arithmetic ones 0. flags_join() and
 * flags_split() convert. SDM vol. 1, 3.4.3; vol. 2A LAHF.
 */
#ifndef CPU_INTERP_H
#define CPU_INTERP_H

#include "cpu/block.h"
#include "cpu/insn.h"

#if defined(__clang__) && __has_attribute(musttail)
#define TAIL __attribute__((musttail))
#define CHAIN 1
#elif defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(CONFIG_COVERAGE)
#define TAIL
#define CHAIN 1
#else
#define TAIL
#define CHAIN 0
#endif

/* The empty asm makes compilers increment first and jump through the result: a register less. */
#define NEXT(cpu, in)                                                                              \
	do {                                                                                       \
		const struct insn *_next = (in) + 1;                                               \
		__asm__("" : "+r"(_next));                                                         \
		TAIL return _next->fn((cpu), _next);                                               \
	} while (0)
/* Goes on with @to, which may be in another block. */
#define GOTO(cpu, to)                                                                              \
	do {                                                                                       \
		const struct insn *_to = (to);                                                     \
		if (!CHAIN) {                                                                      \
			(cpu)->resume = _to;                                                       \
			return;                                                                    \
		}                                                                                  \
		TAIL return _to->fn((cpu), _to);                                                   \
	} while (0)

/* Ends the block by way of link @slot of it, which leads to a block of the same base; @slow, an op_fn,
 * does the same without haste (so that this needs no stack frame). */
#define GOTO_LINK(cpu, in, slot, slow)                                                             \
	do {                                                                                       \
		struct block *_b = (cpu)->block->link[slot];                                       \
		if (likely(_b) && block_may_run(cpu, _b))                                          \
			GOTO(cpu, block_run_linked(cpu, _b));                                      \
		TAIL return slow(cpu, in);                                                         \
	} while (0)
/* Ends the block with a jump to a computed address. */
#define GOTO_ADDRESS(cpu, target)                                                                  \
	do {                                                                                       \
		const struct insn *_j = block_jump(cpu, target);                                   \
		GOTO(cpu, _j);                                                                     \
	} while (0)

/* Guest registers by byte offset. 32-bit writes clear the upper half: SDM vol. 1, 3.4.1.1. */
typedef u8 __attribute__((may_alias)) reg_B;
typedef u16 __attribute__((may_alias)) reg_W;
typedef u32 __attribute__((may_alias)) reg_L;
typedef u64 __attribute__((may_alias)) reg_Q;
#define REG(cpu, off, W) (*(reg_##W *)((char *)(cpu) + (off)))
#define SET_B(cpu, off, v) (REG(cpu, off, B) = (u8)(v))
#define SET_W(cpu, off, v) (REG(cpu, off, W) = (u16)(v))
#define SET_L(cpu, off, v) (REG(cpu, off, Q) = (u32)(v))
#define SET_Q(cpu, off, v) (REG(cpu, off, Q) = (u64)(v))
#define WIDTH_OF_B W_B
#define WIDTH_OF_W W_W
#define WIDTH_OF_L W_L
#define WIDTH_OF_Q W_Q

/* Unaligned guest operands in host memory. */
typedef u16 __attribute__((may_alias, aligned(1))) mem_W;
typedef u32 __attribute__((may_alias, aligned(1))) mem_L;
typedef u64 __attribute__((may_alias, aligned(1))) mem_Q;
typedef u8 __attribute__((may_alias)) mem_B;

static __always_inline_ u64 reg_read(struct cpu *cpu, unsigned off, unsigned width)
{
	switch (width) {
	case W_B:
		return REG(cpu, off, B);
	case W_W:
		return REG(cpu, off, W);
	case W_L:
		return REG(cpu, off, L);
	default:
		return REG(cpu, off, Q);
	}
}

static __always_inline_ void reg_write(struct cpu *cpu, unsigned off, unsigned width, u64 v)
{
	switch (width) {
	case W_B:
		SET_B(cpu, off, v);
		break;
	case W_W:
		SET_W(cpu, off, v);
		break;
	case W_L:
		SET_L(cpu, off, v);
		break;
	default:
		SET_Q(cpu, off, v);
		break;
	}
}

static __always_inline_ u64 host_read(const void *p, unsigned width)
{
	switch (width) {
	case W_B:
		return *(const mem_B *)p;
	case W_W:
		return *(const mem_W *)p;
	case W_L:
		return *(const mem_L *)p;
	default:
		return *(const mem_Q *)p;
	}
}

static __always_inline_ void host_write(void *p, unsigned width, u64 v)
{
	switch (width) {
	case W_B:
		*(mem_B *)p = v;
		break;
	case W_W:
		*(mem_W *)p = v;
		break;
	case W_L:
		*(mem_L *)p = v;
		break;
	default:
		*(mem_Q *)p = v;
		break;
	}
}

/* Address of the E operand. */
static __always_inline_ gva_t ea_base(const struct cpu *cpu, const struct insn *in)
{
	return REG(cpu, in->base, Q) + (s64)in->disp;
}

/* The same for any encoding, without the segment: what LEA computes. */
static __always_inline_ gva_t ea_offset(const struct cpu *cpu, const struct insn *in)
{
	gva_t ea = ea_base(cpu, in) + (REG(cpu, in->index, Q) << in->scale);

	return in->flags & IN_A32 ? (u32)ea : ea;
}

static __always_inline_ gva_t ea_full(const struct cpu *cpu, const struct insn *in)
{
	return ea_offset(cpu, in) + REG(cpu, in->seg, Q);
}

#define EA(cpu, in, kind) ((kind) == EA_BASE ? ea_base(cpu, in) : ea_full(cpu, in))

/* Exceptions and stops. All set cpu->exit and regs, and mark the CPU stopped; the handler then
 * returns. rip stays at @in for faults. */
void cpu_raise(struct cpu *cpu, const struct insn *in, u8 vector, u32 error_code);
void cpu_raise_page_fault(struct cpu *cpu, const struct insn *in, gva_t addr, u32 error_code);
/* The same with rip behind @in, which has retired: int3, syscall, a spent budget. */
void cpu_stop_after(struct cpu *cpu, const struct insn *in, enum cpu_stop why, u8 vector);
/* debug.c. With breakpoints only: the running instruction touches [ea, ea + size). */
void debug_access(struct cpu *cpu, gva_t ea, unsigned size, enum tlb_access acc);
/* The same: the next one is at regs.rip. False: #DB raised, it is not to run. */
bool debug_fetch(struct cpu *cpu);
/* The instruction that was begun with EFLAGS.RF, so that its breakpoint did not hold it, has run. */
static inline void debug_resumed(struct cpu *cpu)
{
	if (likely(!cpu->debug.resuming))
		return;
	cpu->debug.resuming = false;
	cpu->regs.flags &= ~F_RF;
}
/* #DB behind an instruction: cpu->trap. */
void debug_raise(struct cpu *cpu);
/* Leaves with CPU_BUDGET and rip at @in, which did @done of its iterations. */
void cpu_stop_rep(struct cpu *cpu, const struct insn *in, u64 done);
/* #UD with a note on what Vellum lacks. */
void cpu_raise_unsupported(struct cpu *cpu, const struct insn *in, const char *what);

/* Stack-relative operands raise #SS where others raise #GP. SDM vol. 3A, 6.15. */
static __always_inline_ u8 canonical_vector(const struct insn *in)
{
	return in->flags & IN_STACK ? X86_SS : X86_GP;
}

/*
 * Guest memory. @careful is a constant: check EFLAGS.AC (the EA_FULL variants do).
 *
 * mem_read:   value, ok false: fault raised, return at once
 * mem_write:  the instruction to go on with (GOTO it); NULL: fault raised, return at once. It is
 *             in + 1 unless the store hit the code that is running.
 * mem_open:   pointer to read and write; NULL: fault raised. After the last change
 *             mem_close() gives the instruction to go on with.
 */
struct mem_value {
	u64 val;
	bool ok;
};
/*
 * Out of line: what a TLB miss, a page crossing, EFLAGS.AC or a store into running code needs. The
 * fast paths reach these through slow_call(), an assembly thunk that keeps all registers, so that
 * handlers need no stack frame and save nothing.
 */
#define SLOW __attribute__((cold, noinline, used))
SLOW struct mem_value mem_read_slow(struct cpu *cpu, const struct insn *in, gva_t ea,
				    unsigned width);
SLOW const struct insn *mem_write_slow(struct cpu *cpu, const struct insn *in, gva_t ea,
				       unsigned width, u64 val);
SLOW void *mem_open_slow(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size,
			 enum tlb_access acc);
SLOW const struct insn *mem_close_slow(struct cpu *cpu, const struct insn *in);
/* Pushes and pops at @sp: a non-canonical address is always #SS. */
SLOW const struct insn *mem_push_slow(struct cpu *cpu, const struct insn *in, gva_t sp,
				      unsigned width, u64 val);
SLOW struct mem_value mem_pop_slow(struct cpu *cpu, const struct insn *in, gva_t sp,
				   unsigned width);

/* fn##_thunk(cpu, in, a, b, c): rax, and rdx where the function returns two words (else garbage). */
#define slow_call(fn, cpu, in, a, b, c)                                                            \
	({                                                                                         \
		struct mem_value _v;                                                               \
		u64 _rax, _rdx = (u64)(a);                                                         \
		register u64 _r8 __asm__("r8") = (u64)(c);                                         \
		__asm__ volatile("call " #fn "_thunk"                                              \
				 : "=a"(_rax), "+d"(_rdx)                                          \
				 : "D"(cpu), "S"(in), "c"((u64)(b)), "r"(_r8)                      \
				 : "cc", "memory");                                                \
		_v.val = _rax;                                                                     \
		_v.ok = (u8)_rdx;                                                                  \
		_v;                                                                                \
	})

static __always_inline_ bool mem_fast(const struct cpu *cpu, bool careful)
{
	return !careful || likely(!(cpu->regs.flags & F_AC));
}

static __always_inline_ bool mem_hit(struct cpu *cpu, gva_t ea, unsigned size, enum tlb_access acc,
				     bool careful, void **p)
{
	return mem_fast(cpu, careful) && likely(tlb_hit(&cpu->tlb, ea, size, acc, p));
}

static __always_inline_ struct mem_value mem_read(struct cpu *cpu, const struct insn *in, gva_t ea,
						  unsigned width, bool careful)
{
	void *p;

	if (likely(mem_hit(cpu, ea, 1U << width, TLB_READ, careful, &p)))
		return (struct mem_value){host_read(p, width), true};
	return slow_call(mem_read_slow, cpu, in, ea, width, 0);
}

/* The E operand as a value, register or memory. */
static __always_inline_ struct mem_value read_e(struct cpu *cpu, const struct insn *in,
						unsigned width)
{
	if (in->flags & IN_MEM)
		return mem_read(cpu, in, ea_full(cpu, in), width, true);
	return (struct mem_value){reg_read(cpu, in->rm, width), true};
}

static __always_inline_ const struct insn *
mem_write(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned width, u64 val, bool careful)
{
	void *p;

	if (likely(mem_hit(cpu, ea, 1U << width, TLB_WRITE, careful, &p))) {
		host_write(p, width, val);
		return in + 1;
	}
	return (const struct insn *)slow_call(mem_write_slow, cpu, in, ea, width, val).val;
}

/* For reading (TLB_READ) too, where an operand is wider than a register; @size is 1 .. XS_SIZE, as
 * long as cpu->bounce. */
static __always_inline_ void *mem_open(struct cpu *cpu, const struct insn *in, gva_t ea,
				       unsigned size, enum tlb_access acc, bool careful)
{
	void *p;

	if (likely(mem_hit(cpu, ea, size, acc, careful, &p)))
		return p;
	return (void *)slow_call(mem_open_slow, cpu, in, ea, size, acc).val;
}

/* Ends a mem_open() for writing. */
static __always_inline_ const struct insn *mem_close(struct cpu *cpu, const struct insn *in,
						     const void *p)
{
	if (likely(p != cpu->bounce))
		return in + 1;
	return (const struct insn *)slow_call(mem_close_slow, cpu, in, 0, 0, 0).val;
}

static __always_inline_ const struct insn *mem_push(struct cpu *cpu, const struct insn *in,
						    gva_t sp, unsigned width, u64 val, bool careful)
{
	void *p;

	if (likely(mem_hit(cpu, sp, 1U << width, TLB_WRITE, careful, &p))) {
		host_write(p, width, val);
		return in + 1;
	}
	return (const struct insn *)slow_call(mem_push_slow, cpu, in, sp, width, val).val;
}

static __always_inline_ struct mem_value mem_pop(struct cpu *cpu, const struct insn *in, gva_t sp,
						 unsigned width)
{
	void *p;

	if (likely(mem_hit(cpu, sp, 1U << width, TLB_READ, true, &p)))
		return (struct mem_value){host_read(p, width), true};
	return slow_call(mem_pop_slow, cpu, in, sp, width, 0);
}

/* Flags: bits of cpu->cc. */
#define CC_O 0x0001U
#define CC_C 0x0100U
#define CC_P 0x0400U
#define CC_A 0x1000U
#define CC_Z 0x4000U
#define CC_S 0x8000U

/* Host flags to ax and back; al must come from a SETO. */
#define CAPTURE "\n\tlahf\n\tseto %%al"
#define RESTORE "addb $0x7f, %%al\n\tsahf\n\t"
#define RESTORE_CF "bt $8, %%eax\n\t"

/* Flags that a handler has captured: kept, or (variant "dead") not. */
#define KEEP_CC_0(cpu, c) (cpu)->cc = (c)
#define KEEP_CC_1(cpu, c) ((void)(c))

static __always_inline_ u64 flags_join(const struct cpu *cpu)
{
	return (cpu->regs.flags & ~F_OSZAPC) | ((cpu->cc >> 8) & (F_OSZAPC & 0xff)) |
	       (cpu->cc & CC_O) << 11;
}

static __always_inline_ void flags_split(struct cpu *cpu, u64 flags)
{
	cpu->cc = (u16)((flags & 0xff) << 8 | 0x200 | ((flags >> 11) & 1));
	cpu->regs.flags = flags & ~F_OSZAPC;
}

/* Condition codes 0 .. 15 of Jcc, SETcc, CMOVcc; constant @cc. SDM vol. 1, appendix B. */
static __always_inline_ bool condition(const struct cpu *cpu, unsigned code)
{
	u32 c = (u16)cpu->cc;
	bool r;

	switch (code >> 1) {
	case 0:
		r = c & CC_O;
		break;
	case 1:
		r = c & CC_C;
		break;
	case 2:
		r = c & CC_Z;
		break;
	case 3:
		r = c & (CC_C | CC_Z);
		break;
	case 4:
		r = c & CC_S;
		break;
	case 5:
		r = c & CC_P;
		break;
	case 6:
		r = (c >> 15) != (c & CC_O);
		break;
	default:
		r = ((c >> 15) != (c & CC_O)) || (c & CC_Z);
		break;
	}
	return r != (code & 1);
}

/* Tables of variants. op(name of the function) for each width and EA kind, flags live then dead. */
#define OPS_WIDTH(f, ea, dead)                                                                     \
	[VARIANT(W_B, ea, dead)] = f##_B, [VARIANT(W_W, ea, dead)] = f##_W,                        \
			  [VARIANT(W_L, ea, dead)] = f##_L, [VARIANT(W_Q, ea, dead)] = f##_Q
/* Of 32 and 64 bits only, flags live or dead alike. */
#define OPS_LQ(f, ea)                                                                              \
	[VARIANT(W_L, ea, 0)] = f##_L, [VARIANT(W_Q, ea, 0)] = f##_Q,                              \
			  [VARIANT(W_L, ea, 1)] = f##_L, [VARIANT(W_Q, ea, 1)] = f##_Q

#endif
