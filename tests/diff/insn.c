/*
 * Every integer row of opcodes.def against the host CPU: random encodings, operands and flags, one
 * instruction at a time, natively and through cpu_run(). Registers, flags (less those the row calls
 * undefined), memory and exceptions must agree.
 *
 *	insn [ROUNDS [SEED]]	ROUNDS runs of each row, default 300
 *
 * Each run is a sandwich, so that the instruction may use the stack, and a branch shows:
 *	mov $stack, %rsp;  the instruction;  [inc %rbx;]  [test %rsp, %rsp;]  mov %rsp, saved(%rip)
 * A branch goes behind the inc. Rows marked NO_DIFF (far transfer, the machine's own state) are run by
 * tests/guest/traps.c, or excused below. Ends with the rows that never ran, which is a failure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/block.h"
#include "cpu/model.h"
#include "../cpu/flat.h"
#include "native.h"

#define CODE (FLAT_BASE + 0x1000)
#define DATA (FLAT_BASE + 0x8000)
#define DATA_LEN 0x2000UL
#define SAVED (DATA + DATA_LEN) /* where the sandwich leaves rsp */

static u64 seed = 1;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL;
}

static unsigned below(unsigned n)
{
	return (rnd() >> 33) % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* Numbers at the edges, and others of all lengths. */
static u64 operand(void)
{
	static const u64 edges[] = {0,		1,	    2,		~0UL,	   0x7f,
				    0x80,	0xff,	    0x7fff,	0x8000,	   0xffff,
				    0x7fffffff, 0x80000000, 0xffffffff, 1UL << 63, ~0UL >> 1};

	return one_in(3) ? edges[below(ARRAY_SIZE(edges))] : rnd() >> below(64);
}

static const u8 skipped[] = {0x48, 0xff, 0xc3}; /* inc %rbx */

struct trial {
	unsigned row;
	u8 code[64];
	unsigned len, insn_at;
	bool branch;
	struct decoded d;
	u64 rsp;
	struct native_state state;
	u8 data[DATA_LEN + 8];
};

static bool named(const struct trial *t, const char *name)
{
	return !strncmp(insn_rows[t->row].name, name, strlen(name));
}

/* ---- Making a trial ------------------------------------------------------------------------- */

static unsigned put_prefixes(const struct insn_row *row, u8 *p)
{
	static const u8 harmless[] = {0x2e, 0x36, 0x3e, 0x26};
	unsigned n = 0;

	if (row->pfx == PFX_66 || (row->pfx != PFX_NONE && one_in(4)))
		p[n++] = 0x66;
	if (one_in(16))
		p[n++] = harmless[below(4)];
	if (one_in(8))
		p[n++] = 0x67;
	if (row->pfx == PFX_F3 || row->pfx == PFX_F2)
		p[n++] = row->pfx == PFX_F3 ? 0xf3 : 0xf2;
	else if ((row->attr & REPS) && !one_in(3))
		p[n++] = one_in(2) ? 0xf3 : 0xf2;
	if ((row->attr & LOCK_OK) && one_in(4))
		p[n++] = 0xf0;
	if ((row->attr & REX_W) || one_in(2))
		p[n++] = 0x40 | (rnd() & 15) | (row->attr & REX_W ? 8 : 0);
	return n;
}

static void put_disp(u8 *insn, const struct decoded *d, s64 disp)
{
	memcpy(insn + d->disp_at, &disp, d->disp_len);
}

/* VEX of three bytes: the low bits of R, X, B and vvvv are inverted. */
static unsigned put_vex(const struct insn_row *row, u8 *p)
{
	static const u8 pp[] = {[PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	u8 vvvv = row->attr & VVVV ? rnd() & 15 : 15;
	u8 w = row->w == VEX_W_ANY ? one_in(2) : row->w;
	unsigned n = 0;

	if (one_in(8))
		p[n++] = 0x67;
	p[n++] = 0xc4;
	p[n++] = (rnd() & 0xe0) | (row->map - MAP_V0F + 1);
	p[n++] = w << 7 | vvvv << 3 | pp[row->pfx];
	return n;
}

/* Random bytes that decode to t->row. False: not this time. */
static bool make_encoding(struct trial *t, const struct decoder *dec, u64 feats)
{
	static const u8 mov_rsp[] = {0x48, 0xbc};
	const struct insn_row *row = &insn_rows[t->row];
	u8 *p = t->code + 10;
	unsigned n;

	memcpy(t->code, mov_rsp, 2);
	t->insn_at = 10;
	n = row->map >= MAP_V0F ? put_vex(row, p) : put_prefixes(row, p);
	if (row->map > MAP_ONE && row->map < MAP_V0F)
		p[n++] = 0x0f;
	if (row->map == MAP_0F38 || row->map == MAP_0F3A)
		p[n++] = row->map == MAP_0F38 ? 0x38 : 0x3a;
	p[n++] = row->op + (row->attr & PLUS_R ? below(8) : 0);
	for (unsigned i = 0; i < 14; i++)
		p[n + i] = (u8)rnd();
	if (row->ext != EXT_ANY)
		p[n] = (p[n] & 0xc7) | row->ext << 3;
	if (row->mod == MOD_REG)
		p[n] |= 0xc0;
	if (row->mod >= MOD_RM0)
		p[n] = (p[n] & 0x38) | 0xc0 | (row->mod - MOD_RM0);
	return decode(dec, feats, p, 15, &t->d) == DECODE_OK && t->d.row == t->row;
}

static u64 *reg_at(struct trial *t, unsigned off)
{
	return off == OFF_GPR(R_RSP) ? &t->rsp : &t->state.gpr[off / 8];
}

/* Makes the memory operand fall into the data. False: the encoding cannot. */
static bool aim(struct trial *t)
{
	u8 *insn = t->code + t->insn_at;
	u64 target = DATA + 0x800 + below(0x1000 - 64), index = 0;
	s64 disp = (s64)below(0x200) - 0x100;

	if (one_in(3) || t->branch)
		target &= ~15UL;
	if (t->d.disp_len == 1)
		disp = (s8)disp;
	if (t->d.index != OFF_ZERO) {
		if (t->d.index == t->d.base)
			return false;
		*reg_at(t, t->d.index) = below(64) - (one_in(3) ? 32UL : 0);
		index = *reg_at(t, t->d.index) << t->d.scale;
	}
	if (t->d.base == OFF_RIP) {
		put_disp(insn, &t->d, (s64)(target - (CODE + t->insn_at + t->d.len)));
	} else if (t->d.base == OFF_ZERO) {
		put_disp(insn, &t->d, (s64)(target - index));
	} else {
		if (t->d.disp_len)
			put_disp(insn, &t->d, disp);
		else
			disp = 0;
		*reg_at(t, t->d.base) = target - index - disp;
	}
	return true;
}

static void make_registers(struct trial *t)
{
	u64 *gpr = t->state.gpr;

	memset(&t->state, 0, sizeof(t->state));
	t->state.fx[0] = 0x7f;
	t->state.fx[1] = 3;
	t->state.fx[24] = 0x80;
	t->state.fx[25] = 0x1f;
	for (unsigned i = 0; i < 16; i++)
		gpr[i] = operand();
	t->rsp = DATA + 0x1400 + below(0x100);
	t->state.flags = 0x202 | (rnd() & (F_OSZAPC | F_DF));
	for (unsigned i = 0; i < DATA_LEN; i += 8) {
		u64 v = operand();

		memcpy(t->data + i, &v, 8);
	}
}

/* Registers that the encoding does not name. */
static void make_implicit(struct trial *t)
{
	u64 *gpr = t->state.gpr, v;
	const struct insn_row *row = &insn_rows[t->row];

	if (named(t, "movs") || named(t, "stos") || named(t, "lods") || named(t, "cmps") ||
	    named(t, "scas")) {
		if (!t->d.modrm_at && row->map == MAP_ONE) {
			gpr[R_RSI] = DATA + 0xc00 + below(0x100);
			gpr[R_RDI] =
				one_in(2) ? gpr[R_RSI] + below(32) : DATA + 0x800 + below(0x800);
			gpr[R_RCX] = below(40);
			if (named(t, "cmps") || named(t, "scas"))
				memset(t->data, 0x55, one_in(2) ? DATA_LEN : 0);
			if (one_in(2))
				gpr[R_RAX] = 0x5555555555555555;
		}
	}
	if (named(t, "clzero"))
		gpr[R_RAX] = DATA + 0x800 + below(0x800);
	if (named(t, "xlat"))
		gpr[R_RBX] = DATA + 0x1000;
	if (named(t, "leave") || named(t, "enter"))
		gpr[R_RBP] = DATA + 0x1200 + below(64);
	if (row->form == FORM_AL_Ob || row->form == FORM_rAX_Ov) {
		v = DATA + 0x1000 + below(0x100);
		memcpy(t->code + t->insn_at + t->d.imm_at, &v, t->d.imm_len);
	}
	if (row->form == FORM_Iw_Ib) { /* enter */
		t->code[t->insn_at + t->d.imm_at + 1] = 0;
		t->code[t->insn_at + t->d.imm_at + 2] &= 7;
	}
	if (named(t, "bt") && t->d.mod != 3 && row->form == FORM_Ev_Gv)
		*reg_at(t, OFF_GPR(t->d.reg)) = below(0x2000) - 0x1000UL;
	if (named(t, "popf")) {
		v = rnd() & (F_OSZAPC | F_DF);
		memcpy(t->data + (t->rsp - DATA), &v, 8);
	}
	if ((named(t, "div") || named(t, "idiv")) && !one_in(4))
		gpr[R_RDX] = one_in(2) ? 0 : gpr[R_RDX] >> 40;
}

/* Where a branch goes: behind the inc. */
static u64 branch_target(const struct trial *t)
{
	return CODE + t->insn_at + t->d.len + sizeof(skipped);
}

/* Makes a branch go there. False: the encoding cannot. */
static bool make_branch(struct trial *t)
{
	const struct insn_row *row = &insn_rows[t->row];
	u64 target = branch_target(t);
	u64 disp = sizeof(skipped);

	t->branch = true;
	if (t->d.width == W_W) /* rip cut to 16 bits */
		return false;
	if (row->form == FORM_Jb || row->form == FORM_Jz)
		memcpy(t->code + t->insn_at + t->d.imm_at, &disp, t->d.imm_len);
	else if (row->form == FORM_near || row->form == FORM_Iw_near)
		memcpy(t->data + (t->rsp - DATA), &target, 8);
	else if (t->d.mod == 3)
		*reg_at(t, OFF_GPR(t->d.rm)) = target;
	else
		for (unsigned i = 0; i < DATA_LEN; i += 8) /* aim() keeps it aligned */
			memcpy(t->data + i, &target, 8);
	if (row->form == FORM_Iw_near)
		t->code[t->insn_at + t->d.imm_at + 1] = 0;
	if (row->form == FORM_Jb && one_in(2)) /* loop, jrcxz */
		t->state.gpr[R_RCX] = below(3);
	return t->d.mod == 3 && row->form == FORM_Enear ? t->d.rm != R_RSP : true;
}

/* LAR and kin look at selectors whose answers Linux fixes. */
static void make_selectors(struct trial *t)
{
	static const u16 sels[] = {0, 3, 0x2b, 0x28, 0x33, 0x30, 0x23, 0x20};
	u16 sel = sels[below(ARRAY_SIZE(sels))];

	if (!named(t, "lar") && !named(t, "lsl") && !named(t, "verr") && !named(t, "verw"))
		return;
	if (t->d.mod == 3)
		*reg_at(t, OFF_GPR(t->d.rm)) = sel;
	for (unsigned i = 0; i < DATA_LEN; i += 2)
		memcpy(t->data + i, &sel, 2);
}

static bool make_trial(struct trial *t, const struct decoder *dec, u64 feats)
{
	static const u8 save_rsp[] = {0x48, 0x89, 0x25}, test_rsp[] = {0x48, 0x85, 0xe4};
	u8 *end;
	u32 disp;
	bool base_first;

	if (!make_encoding(t, dec, feats))
		return false;
	make_registers(t);
	make_implicit(t);
	make_selectors(t);
	t->branch = false;
	if ((insn_rows[t->row].attr & ENDS) && !named(t, "popf") && !make_branch(t))
		return false;
	if (t->d.modrm_at && t->d.mod != 3) {
		base_first = named(t, "bt") &&
			     (t->d.base == OFF_GPR(t->d.reg) || t->d.index == OFF_GPR(t->d.reg));
		if (base_first || !aim(t))
			return false;
	}
	memcpy(t->code + 2, &t->rsp, 8);
	end = t->code + t->insn_at + t->d.len;
	if (t->branch) {
		memcpy(end, skipped, sizeof(skipped));
		end += sizeof(skipped);
	}
	if (one_in(4)) { /* nobody sees its flags */
		memcpy(end, test_rsp, 3);
		end += 3;
	}
	memcpy(end, save_rsp, 3);
	disp = (u32)(SAVED - (CODE + (end + 7 - t->code)));
	memcpy(end + 3, &disp, 4);
	t->len = end + 7 - t->code;
	t->code[t->len] = 0xcc;
	return true;
}

/* ---- Running and comparing ------------------------------------------------------------------ */

struct outcome {
	u64 gpr[16], flags, rip;
	u32 trap;
	u8 data[DATA_LEN + 8];
};

static void run_native(const struct trial *t, struct outcome *o)
{
	static struct native_state s; /* too long for a frame */

	s = t->state;
	memcpy((void *)CODE, t->code, t->len);
	memcpy((void *)DATA, t->data, sizeof(t->data));
	native_run(&s, CODE, t->len);
	memcpy(o->gpr, s.gpr, sizeof(o->gpr));
	o->gpr[R_RSP] = 0; /* in memory */
	o->flags = s.flags;
	o->trap = s.trap;
	o->rip = s.trap ? s.fault_rip : CODE + t->len;
	memcpy(o->data, (void *)DATA, sizeof(o->data));
}

static void run_guest(struct flat *f, const struct trial *t, struct outcome *o)
{
	struct cpu *cpu = &f->cpu;

	flat_write(f, CODE, t->code, t->len + 1);
	memcpy(flat_ptr(f, DATA), t->data, sizeof(t->data));
	cpu_regs_init(&cpu->regs);
	memcpy(cpu->regs.gpr, t->state.gpr, sizeof(o->gpr));
	cpu->regs.flags = t->state.flags;
	cpu->regs.rip = CODE;
	cpu_run(cpu, 1000);
	memcpy(o->gpr, cpu->regs.gpr, sizeof(o->gpr));
	o->gpr[R_RSP] = 0;
	o->flags = cpu->regs.flags;
	o->trap = cpu->exit.vector + 1;
	o->rip = cpu->regs.rip;
	if (cpu->exit.vector == X86_BP && o->rip == CODE + t->len + 1) {
		o->trap = 0;
		o->rip--;
	}
	if (cpu->exit.why != CPU_EXCEPTION)
		o->trap = 1000 + cpu->exit.why;
	memcpy(o->data, flat_ptr(f, DATA), sizeof(o->data));
}

static bool same(const struct trial *t, const struct outcome *a, const struct outcome *b)
{
	u64 ignore = a->trap ? 0x10000 : insn_rows[t->row].undefined;

	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && !((a->flags ^ b->flags) & ~ignore) &&
	       a->trap == b->trap && a->rip == b->rip && !memcmp(a->data, b->data, sizeof(a->data));
}

static void report(const struct trial *t, const struct outcome *n, const struct outcome *g)
{
	char text[100];

	cpu_disassemble(t->code + t->insn_at, t->d.len, CODE + t->insn_at, text, sizeof(text));
	printf("%s (row %u): %s:", insn_rows[t->row].name, t->row, text);
	for (unsigned i = 0; i < t->d.len; i++)
		printf(" %02x", t->code[t->insn_at + i]);
	printf("\n");
	for (unsigned i = 0; i < 16; i++)
		if (n->gpr[i] != g->gpr[i])
			printf("  gpr %u: was %lx, host %lx, here %lx\n", i, t->state.gpr[i],
			       n->gpr[i], g->gpr[i]);
	if (n->flags != g->flags)
		printf("  flags: was %lx, host %lx, here %lx\n", t->state.flags, n->flags,
		       g->flags);
	if (n->trap != g->trap || n->rip != g->rip)
		printf("  trap: host %d at %lx, here %d at %lx\n", (int)n->trap - 1, n->rip,
		       (int)g->trap - 1, g->rip);
	for (unsigned i = 0; i < sizeof(n->data); i++)
		if (n->data[i] != g->data[i]) {
			printf("  data +%x: was %02x, host %02x, here %02x\n", i, t->data[i],
			       n->data[i], g->data[i]);
			break;
		}
}

/* Runs of one row; counts those that differ, and says whether one ran to its end. */
static unsigned run_row(struct flat *f, unsigned row, unsigned rounds, bool *ran)
{
	static struct trial t;
	static struct outcome native, guest;
	u64 feats = cpu_features(&f->cpu);
	unsigned bad = 0, tries = rounds * 20;

	for (unsigned i = 0; i < rounds && tries--;) {
		t.row = row;
		if (!make_trial(&t, &f->code->decoder, feats))
			continue;
		i++;
		run_native(&t, &native);
		run_guest(f, &t, &guest);
		if (!native.trap)
			*ran = true;
		if (!same(&t, &native, &guest) && bad++ < 2)
			report(&t, &native, &guest);
	}
	return bad;
}

/* ---- Coverage ------------------------------------------------------------------------------- */

static const struct {
	const char *code;
	unsigned len;
} elsewhere[] = {
#define T(name, code, what) {code, sizeof(code) - 1},
#include "../guest/traps.def"
#undef T
};

/* Rows that tests/guest/traps.c runs. */
static void mark_traps(const struct decoder *dec, u64 feats, bool *ran)
{
	struct decoded d;

	for (unsigned i = 0; i < ARRAY_SIZE(elsewhere); i++)
		for (unsigned at = 0; at < elsewhere[i].len; at += d.len) {
			u8 code[15] = {0};
			unsigned n = min(elsewhere[i].len - at, 15U);

			memcpy(code, elsewhere[i].code + at, n);
			if (decode(dec, feats, code, 15, &d) != DECODE_OK)
				break;
			ran[d.row] = true;
		}
}

/* Rows whose results differ by nature; tests/cpu/test_interp.c runs them. */
static bool excused(const struct insn_row *row)
{
	static const char *const names[] = {
		"cpuid", "rdtsc",    "rdtscp",	 "rdpid",    "rdrand",	 "rdseed", "syscall",
		"int1",	 "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase", "xgetbv",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(row->name, names[i]))
			return true;
	return false;
}

/* tests/diff/vec.c has them. */
static bool of_vec(const struct insn_row *row)
{
	return !strncmp(row->name, "xsave", 5) || !strncmp(row->name, "xrstor", 6);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? atoi(argv[1]) : 300, tested = 0, passed = 0, failed = 0;
	struct flat *f = flat_new(CPU_MODEL_HOST);
	bool *ran = calloc(nr_insn_rows, sizeof(*ran));

	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0) | 1;
	if (!ran || cpu_install_host_handlers() || native_init(FLAT_BASE, FLAT_PAGES))
		return 2;
	mark_traps(&f->code->decoder, cpu_features(&f->cpu), ran);
	for (unsigned row = 0; row < nr_insn_rows; row++) {
		const struct insn_row *r = &insn_rows[row];
		unsigned bad = 0;

		if ((r->attr & THUNK) || of_vec(r) || !cpu_has(&f->cpu, r->feat))
			continue;
		if (!(r->attr & NO_DIFF)) {
			tested++;
			bad = run_row(f, row, rounds, &ran[row]);
		}
		if (!ran[row] && !excused(r)) {
			printf("never ran: row %u, %s\n", row, r->name);
			bad++;
		}
		if (bad)
			failed++;
		else
			passed++;
	}
	printf("insn: %u rows, %u runs of each of %u; the others: tests/guest/traps\n",
	       passed + failed, rounds, tested);
	free(ran);
	flat_free(f);
	printf("unit: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
