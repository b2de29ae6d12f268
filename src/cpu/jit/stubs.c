/* The code that all units share, made once:
 *
 *	enter    C to a unit: registers of the guest's into the host's
 *	leave    a unit to C: back; the number of the site is in H_S0
 *	miss     a look-up failed: asks C to fill the TLB; returns, or leaves
 *	stack    a look-up in the stack's window failed: fills that from the TLB
 *	handler  asks C to run an interpreter's handler; returns, or leaves
 *	lazy     JF_LAZY to cpu->cc and to the host's flags
 *	check_page  a jump to another page: is it where it was? returns, or leaves
 *	check_seam  a unit that goes on in another page: the same; returns
 *	find     a computed jump's target is not in the table: asks C; returns, or leaves
 *
 * Translated code's stack pointer is struct cpu, below which the stack lies, and stays 16-aligned; so C gets
 * it as its argument, plus what a call has pushed.
 */
#include "cpu/jit/call.h"
#include "cpu/jit/internal.h"

#define OFF_JIT(field) ((u32)offsetof(struct cpu, jit.field))

/* Callee-saved registers of C, pushed in this order. */
static const u8 saved[] = {R_RBX, R_RBP, R_R12, R_R13, R_R14, R_R15};
/* Guest registers with a host register; those that C may change come first. */
static const u8 pinned[] = {R_RAX, R_RCX, R_RDX, R_RSI, R_RDI, R_RSP,
			    R_RBX, R_RBP, R_R12, R_R13, R_R14, R_R15};
#define NR_VOLATILE 6

static void emit_push(struct emit *e, unsigned reg)
{
	emit_z(e, 0x50, reg);
}

static void emit_pop(struct emit *e, unsigned reg)
{
	emit_z(e, 0x58, reg);
}

/* Guest registers to @base + their places in struct cpu, or from there. */
static void move_guest(struct emit *e, u32 op, unsigned base, s32 disp, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		struct hmem m = {.base = (s8)base, .index = -1, .disp = disp + pinned[i] * 8};

		emit_rm(e, op | X_W, host_reg(pinned[i]), &m);
	}
}

static struct hmem at_rsp(s32 disp)
{
	return (struct hmem){.base = H_CPU, .index = -1, .disp = disp};
}

static void make_enter(struct jit *j, struct emit *e)
{
	struct hmem host_rsp = {.base = R_RDI, .index = -1, .disp = (s32)OFF_JIT(host_rsp)};
	u8 *same;

	j->enter = (void (*)(struct cpu *, const void *))(j->exec + (e->p - j->write));
	for (unsigned i = 0; i < sizeof(saved); i++)
		emit_push(e, saved[i]);
	emit_rm(e, X_MOV_STORE | X_W, R_RSP, &host_rsp);
	emit_move(e, R_RSP, R_RDI);
	emit_move(e, H_S0, R_RSI);
	/* gs is the TLB's table; to write it costs more than to read it. */
	emit_load_cpu(e, R_RAX, offsetof(struct cpu, tlb.l1));
	emit_rr(e, X_F3 | X_W | X_0F | 0xae, 1, R_RCX); /* rdgsbase rcx */
	emit_rr(e, X_CMP_RM | X_W, R_RAX, R_RCX);
	same = emit_jcc(e, 4, NULL);
	emit_rr(e, X_F3 | X_W | X_0F | 0xae, 3, R_RAX); /* wrgsbase rax */
	emit_patch(same, e->p);
	move_guest(e, X_MOV_LOAD, H_CPU, 0, 0, sizeof(pinned));
	emit_rr(e, 0xff, 4, H_S0);
}

static void make_leave(struct jit *j, struct emit *e)
{
	u32 gpr_rax = OFF_GPR(R_RAX);

	j->leave = e->p;
	emit_store_cpu(e, R_RAX, gpr_rax);
	emit_8(e, 0x9f); /* lahf */
	emit_rr(e, X_0F | 0x90, 0, R_RAX);
	emit_rr(e, X_MOVZX_W, R_RAX, R_RAX);
	emit_store_cpu(e, R_RAX, OFF_JIT(host_cc));
	move_guest(e, X_MOV_STORE, H_CPU, 0, 1, sizeof(pinned) - 1);
	emit_store_cpu(e, H_S0, OFF_JIT(site));
	emit_load_cpu(e, R_RSP, OFF_JIT(host_rsp));
	for (unsigned i = sizeof(saved); i-- > 0;)
		emit_pop(e, saved[i]);
	emit_8(e, 0xc3);
}

/* call @fn, a C function */
static void emit_call_c(struct emit *e, u64 fn)
{
	emit_mov_imm(e, R_RAX, fn);
	emit_rr(e, 0xff, 2, R_RAX);
}

/* Called with the site in H_S0 and what the look-up had in H_S1 and H_S2. The return address and these make
 * 64 bytes: the stack is aligned. */
static void make_miss(struct jit *j, struct emit *e, enum tlb_access acc)
{
	struct hmem cpu = at_rsp(8 * (NR_VOLATILE + 2)), above = at_rsp(8);
	u8 *leave;

	j->miss[acc] = e->p;
	for (unsigned i = 0; i < NR_VOLATILE; i++)
		emit_push(e, host_reg(pinned[i]));
	emit_push(e, H_S0);
	emit_rm(e, X_LEA | X_W, R_RDI, &cpu);
	emit_mov_imm(e, R_RSI, acc);
	emit_move(e, R_RDX, H_S1);
	emit_move(e, R_RCX, H_S2);
	emit_move(e, 8, H_S0);
	emit_call_c(e, (u64)jit_tlb_miss);
	emit_rr(e, X_TEST, R_RAX, R_RAX);
	emit_pop(e, H_S0);
	for (unsigned i = NR_VOLATILE; i-- > 0;)
		emit_pop(e, host_reg(pinned[i]));
	leave = emit_jcc(e, 5, NULL);
	emit_8(e, 0xc3);
	emit_patch(leave, e->p);
	emit_rm(e, X_LEA | X_W, R_RSP, &above);
	emit_jmp(e, j->leave);
}

/*
 * Not in the window: [H_S1] is the first byte, [H_S2] the last. Hit in the TLB: ZF, the addend in H_S1, and the window is
 * that page if it may be written. Else not ZF, and H_S1, H_S2 as a look-up that missed has them. Keeps H_S0.
 */
static void make_stack(struct jit *j, struct emit *e, enum tlb_access acc)
{
	struct hmem write = {.base = H_S1, .index = -1, .gs = true, .disp = 8 * TLB_WRITE};
	struct hmem read = {.base = H_S1, .index = -1, .gs = true, .disp = 8 * TLB_READ};
	struct hmem addend = {.base = H_S1, .index = -1, .gs = true, .disp = 24};
	s32 window = 8 + (s32)offsetof(struct cpu, tlb.stack);
	struct hmem misses = at_rsp(8 + (s32)OFF_JIT(ran.window_misses));
	struct hmem to = at_rsp(window + (s32)offsetof(struct tlb_window, base));
	u8 *no;

	j->stack[acc] = e->p;
	if (j->counts)
		emit_rm(e, 0xff | X_W, 0, &misses); /* inc */
	emit_rr(e, X_SHIFT_IB | X_W, 5, H_S1);
	emit_8(e, PAGE_SHIFT - 5);
	emit_rr(e, X_GRP1_IZ, GRP_AND, H_S1);
	emit_32(e, (u32)j->l1_mask);
	emit_rr(e, X_GRP1_IZ | X_W, GRP_AND, H_S2);
	emit_32(e, (u32)PAGE_MASK);
	emit_rm(e, X_CMP_RM | X_W, H_S2, &write);
	no = emit_jcc(e, 5, NULL);
	emit_rm(e, X_MOV_LOAD | X_W, H_S1, &addend);
	emit_rm(e, X_MOV_STORE | X_W, H_S2, &to);
	to.disp = window + (s32)offsetof(struct tlb_window, addend);
	emit_rm(e, X_MOV_STORE | X_W, H_S1, &to);
	for (unsigned c = 0; c < TLB_WINDOW_LIMITS; c++) {
		to.disp = window + (s32)offsetof(struct tlb_window, limit[c]);
		emit_rm(e, X_MOV_IMM | X_W, 0, &to);
		emit_32(e, PAGE_SIZE - (8U << c) + 1);
	}
	emit_8(e, 0xc3);
	emit_patch(no, e->p);
	if (acc == TLB_READ) {
		emit_rm(e, X_CMP_RM | X_W, H_S2, &read);
		no = emit_jcc(e, 5, NULL);
		emit_rm(e, X_MOV_LOAD | X_W, H_S1, &addend);
		emit_patch(no, e->p);
	}
	emit_8(e, 0xc3);
}

/* Flags from cpu->cc; changes rax. */
static void emit_flags_from_cc(struct emit *e, s32 above)
{
	struct hmem cc = at_rsp(above + (s32)offsetof(struct cpu, cc));

	emit_rm(e, X_MOV_LOAD | X_W, R_RAX, &cc);
	emit_8(e, 0x04); /* add al, 0x7f */
	emit_8(e, 0x7f);
	emit_8(e, 0x9e); /* sahf */
}

/* Stores all that the guest has in the host's registers, below a return address. */
static void emit_store_all(struct emit *e)
{
	struct hmem rax = at_rsp(8 + OFF_GPR(R_RAX)), cc = at_rsp(8 + (s32)OFF_JIT(host_cc));

	emit_rm(e, X_MOV_STORE | X_W, R_RAX, &rax);
	emit_8(e, 0x9f);
	emit_rr(e, X_0F | 0x90, 0, R_RAX);
	emit_rr(e, X_MOVZX_W, R_RAX, R_RAX);
	emit_rm(e, X_MOV_STORE | X_W, R_RAX, &cc);
	move_guest(e, X_MOV_STORE, H_CPU, 8, 1, sizeof(pinned) - 1);
}

static void make_handler(struct jit *j, struct emit *e)
{
	struct hmem cpu = at_rsp(16), above = at_rsp(8), room = at_rsp(-8), back = at_rsp(8);
	u8 *left;

	j->handler = e->p;
	emit_store_all(e);
	emit_rm(e, X_LEA | X_W, R_RSP, &room);
	emit_rm(e, X_LEA | X_W, R_RDI, &cpu);
	emit_move(e, R_RSI, H_S0);
	emit_call_c(e, (u64)jit_run_handler);
	emit_rm(e, X_LEA | X_W, R_RSP, &back);
	emit_rr(e, X_TEST, R_RAX, R_RAX);
	left = emit_jcc(e, 5, NULL);
	emit_flags_from_cc(e, 8);
	move_guest(e, X_MOV_LOAD, H_CPU, 8, 0, sizeof(pinned));
	emit_8(e, 0xc3);

	/* The state is in struct cpu already. */
	emit_patch(left, e->p);
	emit_rm(e, X_LEA | X_W, R_RSP, &above);
	emit_mov_imm(e, R_RAX, 0); /* site 0 */
	emit_store_cpu(e, R_RAX, OFF_JIT(site));
	emit_load_cpu(e, R_RSP, OFF_JIT(host_rsp));
	for (unsigned i = sizeof(saved); i-- > 0;)
		emit_pop(e, saved[i]);
	emit_8(e, 0xc3);
}

/* Keeps H_S1 and H_S2, changes H_S0. */
static void make_lazy(struct jit *j, struct emit *e)
{
	struct hmem cpu = at_rsp(8 * (NR_VOLATILE + 4));

	j->lazy = e->p;
	for (unsigned i = 0; i < NR_VOLATILE; i++)
		emit_push(e, host_reg(pinned[i]));
	emit_push(e, H_S1);
	emit_push(e, H_S2);
	emit_push(e, H_S2);
	emit_rm(e, X_LEA | X_W, R_RDI, &cpu);
	emit_call_c(e, (u64)jit_unlazy);
	emit_flags_from_cc(e, 8 * (NR_VOLATILE + 4));
	emit_pop(e, H_S2);
	emit_pop(e, H_S2);
	emit_pop(e, H_S1);
	for (unsigned i = NR_VOLATILE; i-- > 0;)
		emit_pop(e, host_reg(pinned[i]));
	emit_8(e, 0xc3);
}

/* Asks @fn of C, with the argument @arg, and returns with the answer in H_S1 and its sign in SF; or if @leaves and that is
 * negative leaves, by the site in H_S0. */
static const u8 *make_question(struct jit *j, struct emit *e, u64 fn, unsigned arg, bool leaves)
{
	struct hmem cpu = at_rsp(8 * (NR_VOLATILE + 2)), above = at_rsp(8);
	const u8 *stub = e->p;
	u8 *leave;

	for (unsigned i = 0; i < NR_VOLATILE; i++)
		emit_push(e, host_reg(pinned[i]));
	emit_push(e, H_S0);
	emit_rm(e, X_LEA | X_W, R_RDI, &cpu);
	emit_move(e, R_RSI, arg);
	emit_call_c(e, fn);
	emit_move(e, H_S1, R_RAX);
	emit_pop(e, H_S0);
	for (unsigned i = NR_VOLATILE; i-- > 0;)
		emit_pop(e, host_reg(pinned[i]));
	emit_rr(e, X_TEST, H_S1, H_S1);
	if (!leaves) {
		emit_8(e, 0xc3);
		return stub;
	}
	leave = emit_jcc(e, 8, NULL);
	emit_8(e, 0xc3);
	emit_patch(leave, e->p);
	emit_rm(e, X_LEA | X_W, R_RSP, &above);
	emit_jmp(e, j->leave);
	return stub;
}

void jit_make_stubs(struct jit *j)
{
	struct emit e = {.p = j->next, .end = j->write + j->size};

	make_enter(j, &e);
	make_leave(j, &e);
	make_miss(j, &e, TLB_READ);
	make_miss(j, &e, TLB_WRITE);
	make_stack(j, &e, TLB_READ);
	make_stack(j, &e, TLB_WRITE);
	make_handler(j, &e);
	make_lazy(j, &e);
	j->find = make_question(j, &e, (u64)jit_find_jump, H_S2, true);
	j->check_page = make_question(j, &e, (u64)jit_check_page, H_S0, true);
	j->check_seam = make_question(j, &e, (u64)jit_check_seam, H_S0, false);
	j->next = j->first = e.p;
}
