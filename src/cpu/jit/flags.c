/* Where the guest's arithmetic flags are, from instruction to instruction, and how to get them back.
 *
 * They are born in the host's flags, and a TLB look-up destroys them there. Most are dead by then for the
 * program, but a fault must show them; so they have to be recoverable, at no cost if no fault comes. What
 * makes them so is knowing the instruction that wrote them last (struct jflags): it can be repeated while
 * its operands are there. An operand that is about to be overwritten is stored first (a spill), one move.
 * Flags that cannot be computed again (rotates, inc, adc, mul, ...) are saved with lahf and seto when a
 * look-up comes and somebody may look at them. See docs/jit.md.
 */
#include "base/bug.h"
#include "cpu/interp.h"
#include "cpu/jit/internal.h"

#define OFF_CC offsetof(struct cpu, cc)
#define OFF_JIT(field) ((u32)offsetof(struct cpu, jit.field))

/* ---- In C, for an exit -------------------------------------------------------------------------- */

#define FLAGS_OF(op, type, x, y)                                                                   \
	({                                                                                         \
		type _x = (type)(x), _y = (type)(y);                                               \
		u32 _cc = 0;                                                                       \
		__asm__(op " %[arg], %[val]" CAPTURE                                               \
			: [val] "+q"(_x), "+&a"(_cc)                                               \
			: [arg] "q"(_y)                                                            \
			: "cc");                                                                   \
		(u64)(u16) _cc;                                                                    \
	})
#define SHIFT_FLAGS_OF(op, type, x, y)                                                             \
	({                                                                                         \
		type _x = (type)(x);                                                               \
		u32 _cc = 0;                                                                       \
		__asm__(op " %%cl, %[val]" CAPTURE                                                 \
			: [val] "+q"(_x), "+&a"(_cc)                                               \
			: "c"((u8)(y))                                                             \
			: "cc");                                                                   \
		(u64)(u16) _cc;                                                                    \
	})
#define BY_WIDTH(of, op, width, x, y)                                                              \
	((width) == W_B	  ? of(op, u8, x, y)                                                       \
	 : (width) == W_W ? of(op, u16, x, y)                                                      \
	 : (width) == W_L ? of(op, u32, x, y)                                                      \
			  : of(op, u64, x, y))

/* As in cpu->cc: ah is what lahf leaves. */
static u64 with_carry(u64 cc, u64 carry)
{
	return (cc & ~0x100UL) | (carry & 1) << 8;
}

static u64 flags_compute(enum jf_kind kind, unsigned width, u64 a, u64 b)
{
	switch (kind) {
	case JF_ADD:
		return BY_WIDTH(FLAGS_OF, "add", width, a - b, b);
	case JF_SUB:
		return BY_WIDTH(FLAGS_OF, "sub", width, a + b, b);
	case JF_NEG:
		return BY_WIDTH(FLAGS_OF, "sub", width, 0, -a);
	case JF_CMP:
		return BY_WIDTH(FLAGS_OF, "sub", width, a, b);
	case JF_TEST:
		return BY_WIDTH(FLAGS_OF, "and", width, a, b);
	case JF_INC:
		return with_carry(BY_WIDTH(FLAGS_OF, "add", width, a - 1, 1), b);
	case JF_DEC:
		return with_carry(BY_WIDTH(FLAGS_OF, "sub", width, a + 1, 1), b);
	case JF_SHL:
		return BY_WIDTH(SHIFT_FLAGS_OF, "shl", width, a, b);
	case JF_SHR:
		return BY_WIDTH(SHIFT_FLAGS_OF, "shr", width, a, b);
	case JF_SAR:
		return BY_WIDTH(SHIFT_FLAGS_OF, "sar", width, a, b);
	default:
		BUG("jit: flags of no kind");
	}
}

static u64 value_of(const struct cpu *cpu, unsigned v, s32 imm)
{
	if (v < NR_GPR)
		return cpu->regs.gpr[v];
	return v == JV_IMM ? (u64)(s64)imm : v == JV_NONE ? 0 : cpu->jit.spill[v - JV_SPILL];
}

u64 jit_flags_eval(const struct cpu *cpu, const struct jflags *f, u64 host)
{
	u32 op = cpu->jit.lazy_op;

	switch (f->kind) {
	case JF_HOST:
		return (u16)host;
	case JF_CC:
		return cpu->cc;
	case JF_LAZY:
		if ((op & 0xff) == JF_CC)
			return cpu->cc;
		return flags_compute(op & 0xff, op >> 8, cpu->jit.lazy_a, cpu->jit.lazy_b);
	default:
		return flags_compute(f->kind, f->width,
				     value_of(cpu, f->a, f->imm) - (u64)(s64)f->delta,
				     value_of(cpu, f->b, f->imm));
	}
}

/* ---- In translated code -------------------------------------------------------------------------- */

/* The value in memory: a guest register that has no host register, or a copy. */
static bool value_in_memory(unsigned v, struct hmem *m)
{
	if (v < NR_GPR && in_memory(v))
		*m = slot_mem(v);
	else if (v == JV_SPILL || v == JV_SPILL + 1)
		*m = cpu_mem(OFF_JIT(spill) + 8 * (v - JV_SPILL));
	else
		return false;
	return true;
}

static void load_value(struct tr *t, unsigned to, unsigned v, s32 imm, s32 delta)
{
	struct hmem m;

	if (v == JV_IMM)
		emit_mov_imm(&t->e, to, (u64)(s64)imm);
	else if (value_in_memory(v, &m))
		emit_rm(&t->e, X_MOV_LOAD | X_W, to, &m);
	else
		emit_lea(&t->e, to, host_reg(v), -delta);
}

static u32 width_op(u32 op, unsigned width)
{
	switch (width) {
	case W_B:
		return (op & ~1U) | X_BYTE;
	case W_W:
		return op | X_66;
	case W_L:
		return op;
	default:
		return op | X_W;
	}
}

/* The immediate operand b, behind an opcode of that width. */
static void emit_imm(struct emit *e, const struct jflags *f)
{
	if (f->width == W_B)
		emit_8(e, (u8)f->imm);
	else if (f->width == W_W)
		emit_16(e, (u16)f->imm);
	else
		emit_32(e, (u32)f->imm);
}

/* op reg, b; @op in its form r, r/m of 32 bits. */
static void emit_with_b(struct tr *t, u32 op, unsigned grp, unsigned reg, const struct jflags *f)
{
	struct hmem m;

	if (f->b == JV_IMM) {
		emit_rr(&t->e, width_op(X_GRP1_IZ, f->width), grp, reg);
		emit_imm(&t->e, f);
	} else if (value_in_memory(f->b, &m)) {
		emit_rm(&t->e, width_op(op, f->width), reg, &m);
	} else {
		emit_rr(&t->e, width_op(op, f->width), reg, host_reg(f->b));
	}
}

static void emit_test(struct tr *t, const struct jflags *f)
{
	unsigned a = host_reg(f->a);
	struct hmem m;

	if (f->a >= NR_GPR || in_memory(f->a) || f->delta) {
		load_value(t, H_S0, f->a, f->imm, f->delta);
		a = H_S0;
	}
	if (f->b == JV_IMM) {
		emit_rr(&t->e, width_op(0xf7, f->width), 0, a);
		emit_imm(&t->e, f);
	} else if (f->b == f->a) {
		emit_rr(&t->e, width_op(X_TEST, f->width), a, a);
	} else if (value_in_memory(f->b, &m)) {
		emit_rm(&t->e, width_op(X_TEST, f->width), a, &m);
	} else {
		emit_rr(&t->e, width_op(X_TEST, f->width), a, host_reg(f->b));
	}
}

/* CF is bit @bit of a word in memory. */
static void emit_bt(struct tr *t, const struct hmem *m, u8 bit)
{
	emit_rm(&t->e, X_0F | 0xba, 4, m);
	emit_8(&t->e, bit);
}

/* CF of what inc and dec came behind. */
static void emit_carry(struct tr *t, const struct jflags *f)
{
	if (f->b == JV_IMM) {
		emit_8(&t->e, 0xf8); /* clc */
		return;
	}
	load_value(t, H_S0, f->b, 0, 0); /* 0 or -1 */
	emit_rr(&t->e, X_ADD_RM, H_S0, H_S0);
}

/* Does again what wrote the flags, on copies. Uses H_S0. */
static void emit_repeat(struct tr *t, const struct jflags *f)
{
	unsigned a = host_reg(f->a);

	switch (f->kind) {
	case JF_ADD:
	case JF_SUB:
		load_value(t, H_S0, f->a, f->imm, f->delta);
		emit_with_b(t, f->kind == JF_ADD ? X_SUB_RM : X_ADD_RM,
			    f->kind == JF_ADD ? GRP_SUB : GRP_ADD, H_S0, f);
		emit_with_b(t, f->kind == JF_ADD ? X_ADD_RM : X_SUB_RM,
			    f->kind == JF_ADD ? GRP_ADD : GRP_SUB, H_S0, f);
		break;
	case JF_NEG:
		load_value(t, H_S0, f->a, f->imm, f->delta);
		emit_rr(&t->e, width_op(0xf7, f->width), 3, H_S0);
		emit_rr(&t->e, width_op(0xf7, f->width), 3, H_S0);
		break;
	case JF_CMP:
		if (f->a >= NR_GPR || in_memory(f->a) || f->delta) {
			load_value(t, H_S0, f->a, f->imm, f->delta);
			a = H_S0;
		}
		emit_with_b(t, X_CMP_RM, GRP_CMP, a, f);
		break;
	case JF_TEST:
		emit_test(t, f);
		break;
	case JF_INC:
	case JF_DEC:
		emit_carry(t, f);
		load_value(t, H_S0, f->a, 0, f->delta);
		emit_lea(&t->e, H_S0, H_S0, f->kind == JF_INC ? -1 : 1);
		emit_rr(&t->e, width_op(0xff, f->width), f->kind == JF_INC ? 0 : 1, H_S0);
		break;
	default:
		load_value(t, H_S0, f->a, f->imm, f->delta);
		emit_rr(&t->e, width_op(X_SHIFT_IB, f->width),
			f->kind == JF_SHL   ? 4
			: f->kind == JF_SHR ? 5
					    : 7,
			H_S0);
		emit_8(&t->e, (u8)f->imm);
	}
}

static void emit_lahf_seto(struct emit *e)
{
	emit_8(e, 0x9f);
	emit_rr(e, X_0F | 0x90, 0, R_RAX); /* seto al */
}

/* The host's flags to cpu->cc. Uses H_S0. */
static void emit_save_cc(struct tr *t)
{
	emit_move(&t->e, H_S0, R_RAX);
	emit_lahf_seto(&t->e);
	emit_rr(&t->e, X_MOVZX_W, R_RAX, R_RAX);
	emit_store_cpu(&t->e, R_RAX, OFF_CC);
	emit_move(&t->e, R_RAX, H_S0);
	t->j->count.flag_saves++;
}

static void emit_restore_cc(struct tr *t)
{
	emit_move(&t->e, H_S0, R_RAX);
	emit_load_cpu(&t->e, R_RAX, OFF_CC);
	emit_8(&t->e, 0x04); /* add al, 0x7f */
	emit_8(&t->e, 0x7f);
	emit_8(&t->e, 0x9e); /* sahf */
	emit_move(&t->e, R_RAX, H_S0);
}

void jit_fl_clobber(struct tr *t)
{
	jit_fl_settle(t);
	t->host = false;
}

void jit_fl_settle(struct tr *t)
{
	if (t->fl.kind != JF_HOST)
		return;
	if (jit_needed_before(t))
		emit_save_cc(t);
	t->fl = (struct jflags){.kind = JF_CC};
}

void jit_fl_unlazy(struct tr *t)
{
	if (t->fl.kind != JF_LAZY)
		return;
	emit_call(&t->e, t->j->lazy);
	t->fl = (struct jflags){.kind = JF_CC};
	t->host = true;
}

void jit_fl_to_host(struct tr *t)
{
	if (t->host)
		return;
	jit_fl_unlazy(t);
	if (t->host)
		return;
	if (t->fl.kind == JF_CC)
		emit_restore_cc(t);
	else
		emit_repeat(t, &t->fl);
	t->host = true;
}

/* CF of @f: a shorter way than to do it all again. */
static void emit_only_carry(struct tr *t, const struct jflags *f)
{
	struct hmem m = cpu_mem(OFF_CC);
	unsigned a = H_S0;

	switch (f->kind) {
	case JF_CC:
		emit_bt(t, &m, 8);
		return;
	case JF_ADD: /* the sum is less than what was added */
		if (f->a < NR_GPR && !in_memory(f->a) && !f->delta)
			a = host_reg(f->a);
		else
			load_value(t, H_S0, f->a, f->imm, f->delta);
		emit_with_b(t, X_CMP_RM, GRP_CMP, a, f);
		return;
	case JF_SUB: /* the difference and it are more than there is room for */
		load_value(t, H_S0, f->a, f->imm, f->delta);
		emit_with_b(t, X_ADD_RM, GRP_ADD, H_S0, f);
		return;
	case JF_TEST:
		emit_8(&t->e, 0xf8); /* clc */
		return;
	case JF_INC:
	case JF_DEC:
		if (value_in_memory(f->b, &m))
			emit_bt(t, &m, 0);
		else
			emit_carry(t, f);
		return;
	default:
		emit_repeat(t, f);
	}
}

void jit_fl_carry_to_host(struct tr *t)
{
	if (!t->host)
		jit_fl_unlazy(t);
	if (!t->host)
		emit_only_carry(t, &t->fl);
}

static void store_lazy(struct tr *t, unsigned v, s32 delta, u32 off)
{
	struct hmem m = cpu_mem(off);
	unsigned reg = host_reg(v);

	if (v == JV_NONE)
		return;
	if (v == JV_IMM) {
		emit_rm(&t->e, X_MOV_IMM | X_W, 0, &m);
		emit_32(&t->e, (u32)t->fl.imm);
		return;
	}
	if (v >= NR_GPR || in_memory(v) || delta) {
		load_value(t, H_S0, v, 0, delta);
		reg = H_S0;
	}
	emit_rm(&t->e, X_MOV_STORE | X_W, reg, &m);
}

void jit_fl_to_lazy(struct tr *t)
{
	struct hmem op = cpu_mem(OFF_JIT(lazy_op));

	jit_fl_settle(t);
	jit_map_change(t, 0); /* nor does it know where registers are */
	if (t->fl.kind == JF_LAZY)
		return;
	if (t->fl.kind != JF_CC) {
		store_lazy(t, t->fl.a, t->fl.delta, OFF_JIT(lazy_a));
		store_lazy(t, t->fl.b, 0, OFF_JIT(lazy_b));
	}
	emit_rm(&t->e, X_MOV_IMM, 0, &op);
	emit_32(&t->e, t->fl.kind | (u32)t->fl.width << 8);
	t->fl = (struct jflags){.kind = JF_LAZY};
}

/* Copies the values of @gpr that the flags come from. */
void jit_fl_reg_write(struct tr *t, unsigned gpr)
{
	struct jflags *f = &t->fl;
	unsigned spill;

	if (f->kind < JF_ADD || (f->a != gpr && f->b != gpr))
		return;
	if (!jit_needed_after(t)) {
		t->stale = true; /* nobody will ask behind this instruction */
		return;
	}
	if (t->host && !jit_kept_after(t)) {
		*f = (struct jflags){.kind = JF_HOST};
		return;
	}
	spill = f->a == JV_SPILL || f->b == JV_SPILL ? JV_SPILL + 1 : JV_SPILL;
	if (f->a == gpr && f->b == gpr && f->delta) {
		/* Two values of one register: does not come from what instructions do. */
		jit_fl_to_host(t);
		*f = (struct jflags){.kind = JF_HOST};
		return;
	}
	if (in_memory(gpr))
		emit_load_cpu(&t->e, H_S0, gpr * 8);
	else if (f->a == gpr && f->delta)
		emit_lea(&t->e, H_S0, host_reg(gpr), -f->delta);
	emit_store_cpu(&t->e, in_memory(gpr) || (f->a == gpr && f->delta) ? H_S0 : host_reg(gpr),
		       OFF_JIT(spill) + 8 * (spill - JV_SPILL));
	if (f->a == gpr) {
		f->a = spill;
		f->delta = 0;
	}
	if (f->b == gpr)
		f->b = spill;
	t->j->count.flag_spills++;
}

void jit_fl_rsp_moves(struct tr *t, s32 by)
{
	if (t->fl.kind < JF_ADD)
		return;
	if (t->fl.b == R_RSP)
		jit_fl_reg_write(t, R_RSP);
	else if (t->fl.a == R_RSP)
		t->fl.delta += by;
}

bool jit_fl_carry(const struct tr *t, struct jflags *f)
{
	switch (t->fl.kind) {
	case JF_TEST: /* and all that leaves CF clear */
		f->b = JV_IMM;
		f->imm = 0;
		return true;
	case JF_INC:
	case JF_DEC:
		f->b = t->fl.b;
		f->imm = t->fl.imm;
		return true;
	default:
		f->b = JV_SPILL + 1;
		return false;
	}
}

void jit_fl_keep_carry(struct tr *t, const struct jflags *f)
{
	struct jflags known;

	if (!jit_fl_carry(t, &known)) {
		emit_rr(&t->e, 0x1b | X_W, H_S0, H_S0); /* sbb: keeps CF */
		emit_store_cpu(&t->e, H_S0, OFF_JIT(spill) + 8);
		t->j->count.flag_spills++;
	} else if (!t->host) {
		emit_carry(t, f);
	}
}

void jit_fl_set(struct tr *t, const struct jflags *f)
{
	t->fl = *f;
	t->host = true;
	t->stale = false;
}
