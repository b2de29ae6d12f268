/* See the header. Making a trial is setup.c's; here it is run twice and compared. What a program that runs
 * them by the million does, with options and a report, is in trial_main.c.
 *
 * Not compared: FIP, FDP, FOP inside stored images (the host CPU's habits differ by maker; the
 * guest's are checked against FNSTENV instead), MXCSR_MASK, which is the model's, and flags that the
 * row calls undefined, which are counted. */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/block.h"
#include "cpu/fpu.h"
#include "cpu/model.h"
#include "mm/mm.h"
#include "random.h"

u64 random_state = 1;

extern op_set op_umip;

static const u8 cmp_rsp[] = {0x48, 0x39, 0xe4};
#define INT3 0xcc

struct trial_notes trial_notes[4096];

/* ---- Both machines -------------------------------------------------------------------------- */

static void protect(struct flat *f, u64 page, unsigned long rights, int prot)
{
	flat_protect(f, page, rights);
	if (mprotect((void *)page, PAGE_SIZE, prot))
		abort();
}

enum cpu_model sides_model(const char *name)
{
	enum cpu_model model;

	if (!cpu_model_parse(name, &model) && cpu_model_possible(model))
		return model;
	printf("no such --cpu on this host: %s\n", name);
	exit(2);
}

void sides_open(struct sides *s, enum cpu_model model)
{
	const int rw = PROT_READ | PROT_WRITE | PROT_EXEC;
	struct flat *f = flat_new(model);

	if (native_init(FLAT_BASE, FLAT_PAGES)) /* its handlers go before ours */
		abort();
	native_limit(f->cpu.xcr0 & XS_BITS_AVX512 ? 2 : !!(f->cpu.xcr0 & XS_BIT_AVX));
	memset((void *)(ARENA(ARENA_READONLY) + PAGE_SIZE), 0x33, PAGE_SIZE);
	memset(flat_ptr(f, ARENA(ARENA_READONLY) + PAGE_SIZE), 0x33, PAGE_SIZE);
	for (unsigned i = 2; i < FLAT_PAGES; i++) {
		u64 page = FLAT_BASE + i * PAGE_SIZE;
		bool arena = i < 12 && i % 3 != 2;

		if (page == ARENA(ARENA_ABSENT) + PAGE_SIZE || !arena)
			protect(f, page, FLAT_NONE, PROT_NONE);
		else if (page == ARENA(ARENA_READONLY) + PAGE_SIZE)
			protect(f, page, FLAT_R | FLAT_X, PROT_READ | PROT_EXEC);
		else
			protect(f, page, FLAT_RWX, rw);
	}
	s->f = f;
	s->enc.dec = &f->code->decoder;
	s->enc.feats = cpu_features(&f->cpu);
	s->host_feats = cpu_model_features(CPU_MODEL_HOST);
	s->amd = cpu_has(&f->cpu, FEAT_AMD);
}

void sides_close(struct sides *s)
{
	flat_free(s->f);
}

static size_t arena_len(const struct trial *t)
{
	return t->arena == ARENA_ABSENT ? PAGE_SIZE : ARENA_LEN;
}

/* Bytes of t->data that are put down: the second page of the others never changes. */
static size_t fresh_len(const struct trial *t)
{
	return t->arena == ARENA_RW ? ARENA_LEN : PAGE_SIZE;
}

static u64 code_end(const struct trial *t)
{
	return CODE + t->d.len + (t->dead ? sizeof(cmp_rsp) : 0);
}

static void run_native(const struct trial *t, struct native_state *s)
{
	memcpy((void *)ARENA(t->arena), t->data, fresh_len(t));
	memcpy((void *)CODE, t->code, t->d.len);
	if (t->dead)
		memcpy((void *)(CODE + t->d.len), cmp_rsp, sizeof(cmp_rsp));
	native_put_exit(code_end(t), false);
	native_put_exit(CODE_TAKEN, true);
	native_run(s, CODE, t->wide, t->selectors);
}

/* Wide registers into and out of struct fpu_state. */
static void put_wide(u8 *area, const struct native_state *s)
{
	unsigned level = native_level();
	u64 bv = 3;

	for (unsigned i = 0; i < 16 && level >= 1; i++)
		memcpy(area + XS_YMM_HI + 16 * i, s->vec[i] + 16, 16);
	if (level >= 1)
		bv |= XS_BIT_AVX;
	for (unsigned i = 0; i < 16 && level >= 2; i++) {
		memcpy(area + XS_ZMM_HI + 32 * i, s->vec[i] + 32, 32);
		memcpy(area + XS_ZMM_HI16 + 64 * i, s->vec[i + 16], 64);
	}
	if (level >= 2) {
		memcpy(area + XS_OPMASK, s->k, 64);
		bv |= XS_BITS_AVX512;
	}
	memcpy(area + XS_BV, &bv, sizeof(bv));
}

static void get_wide(struct native_state *s, const u8 *area)
{
	unsigned level = native_level();

	for (unsigned i = 0; i < 16; i++)
		memcpy(s->vec[i], area + FX_XMM0 + 16 * i, 16);
	for (unsigned i = 0; i < 16 && level >= 1; i++)
		memcpy(s->vec[i] + 16, area + XS_YMM_HI + 16 * i, 16);
	for (unsigned i = 0; i < 16 && level >= 2; i++) {
		memcpy(s->vec[i] + 32, area + XS_ZMM_HI + 32 * i, 32);
		memcpy(s->vec[i + 16], area + XS_ZMM_HI16 + 64 * i, 64);
	}
	if (level >= 2)
		memcpy(s->k, area + XS_OPMASK, 64);
}

/* How the engine came out of it, as the host would say. */
static void take_exit(const struct trial *t, const struct cpu *cpu, struct native_state *s)
{
	const struct cpu_exit *e = &cpu->exit;

	s->rip = cpu->regs.rip;
	s->trap = s->error = 0;
	s->fault_addr = 0;
	if (e->why == CPU_BUDGET && t->step)
		return;
	if (e->why != CPU_EXCEPTION) {
		s->trap = 1000 + e->why;
		return;
	}
	if (e->vector == X86_BP && (s->rip == code_end(t) + 1 || s->rip == CODE_TAKEN + 1)) {
		s->rip--;
		return;
	}
	s->trap = e->vector + 1;
	s->error = e->error_code;
	if (e->vector == X86_PF)
		s->fault_addr = e->cr2;
}

static void run_guest(struct sides *sides, const struct trial *t, struct native_state *s)
{
	struct flat *f = sides->f;
	struct cpu *cpu = &f->cpu;
	u8 code[32];

	memcpy(flat_ptr(f, ARENA(t->arena)), t->data, fresh_len(t));
	image_to_guest(t, (u8 *)flat_ptr(f, ARENA(t->arena)));
	memcpy(code, t->code, t->d.len);
	if (t->dead)
		memcpy(code + t->d.len, cmp_rsp, sizeof(cmp_rsp));
	code[code_end(t) - CODE] = INT3;
	flat_write(f, CODE, code, code_end(t) - CODE + 1);
	*(u8 *)flat_ptr(f, CODE_TAKEN) = INT3;
	if (t->cold)
		flush_tlb_mm(f->mm);
	cpu_regs_init(&cpu->regs);
	memcpy(cpu->regs.gpr, s->gpr, sizeof(s->gpr));
	cpu->regs.flags = s->flags;
	cpu->regs.rip = CODE;
	cpu->regs.fs_base = s->fs_base;
	cpu->regs.gs_base = s->gs_base;
	memcpy(f->fpu.area, s->fx, sizeof(s->fx));
	put_wide(f->fpu.area, s);
	cpu_run(cpu, t->step ? 1 : 4000);
	take_exit(t, cpu, s);
	memcpy(s->gpr, cpu->regs.gpr, sizeof(s->gpr));
	s->flags = cpu->regs.flags;
	s->fs_base = cpu->regs.fs_base;
	s->gs_base = cpu->regs.gs_base;
	s->sel[0] = cpu->regs.ds;
	s->sel[1] = cpu->regs.es;
	s->sel[2] = cpu->regs.fs;
	s->sel[3] = cpu->regs.gs;
	memcpy(s->fx, f->fpu.area, sizeof(s->fx));
	get_wide(s, f->fpu.area);
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static void show(const struct trial *t, const char *what, u64 seed)
{
	char text[100] = "";

	cpu_disassemble(t->code, t->d.len, CODE, text, sizeof(text));
	printf("differs: %s: %s (row %u): %s:", what, insn_rows[t->row].name, t->row, text);
	for (unsigned i = 0; i < t->d.len; i++)
		printf(" %02x", t->code[i]);
	printf("\n  operand %#lx arena %u%s%s\n", t->target, t->arena,
	       t->dead ? ", flags dead" : "", t->step ? ", alone" : "");
	if (!t->given)
		printf("  repeat, with the same --cpu: check_vec --repeat %u:%#lx:%#lx\n", t->row,
		       t->wish, seed);
}

struct judge {
	const struct trial *t;
	u64 seed;
	bool same;
};

static void judge(struct judge *j, const char *what, const void *native, const void *guest,
		  size_t len)
{
	const u8 *a = native, *b = guest;

	if (!memcmp(a, b, len))
		return;
	if (j->same)
		show(j->t, what, j->seed);
	j->same = false;
	printf("  %s:", what);
	for (size_t i = 0, shown = 0; i < len && shown < 16; i++)
		if (a[i] != b[i]) {
			printf(" +%zu host %02x here %02x;", i, a[i], b[i]);
			shown++;
		}
	printf("\n");
}

/* An x87 instruction that leaves its address and its operand's behind: all but control instructions,
 * and those that load the pointers from memory, which host CPUs forget unless an exception is
 * pending. SDM vol. 1, 8.1.8. */
static bool keeps_pointers(unsigned n)
{
	static const char *const not [] = {"fninit", "fnclex", "fldcw",	 "fnstcw",
					   "fnstsw", "fldenv", "frstor", "fnstenv",
					   "fnsave", "fneni",  "fndisi", "fnsetpm"};
	const struct insn_row *row = &insn_rows[n];

	for (unsigned i = 0; i < ARRAY_SIZE(not ); i++)
		if (!strcmp(row->name, not [i]))
			return false;
	return row->map == MAP_ONE && row->op >= 0xd8 && row->op <= 0xdf;
}

/* FIP, FDP and FOP of the instruction that ran, as the host CPU's FNSTENV has them. */
static void judge_pointers(struct judge *j, const struct native_state *native,
			   const struct cpu_regs *regs)
{
	u32 fip, fdp;
	u16 fop;

	if (!keeps_pointers(j->t->row) || (native->trap && !regs->fip))
		return;
	trial_notes[j->t->row].ran += !native->trap;
	memcpy(&fip, native->env + 12, 4);
	memcpy(&fop, native->env + 18, 2);
	memcpy(&fdp, native->env + 20, 4);
	if (!fip)
		return; /* AMD's forget them when the host's kernel switches tasks */
	trial_notes[j->t->row].compared += !native->trap;
	judge(j, "FIP", &fip, &regs->fip, 4);
	judge(j, "FOP", &fop, &regs->fop, 2);
	if (j->t->d.mod != 3)
		judge(j, "FDP", &fdp, &regs->fdp, 4);
}

/* Results that no two runs share: the engine's number stands for the host's, its width stays
 * compared. */
static void adopt(const struct trial *t, struct native_state *native,
		  const struct native_state *guest)
{
	static const struct {
		const char *name;
		u16 gprs; /* low 32 bits of these */
	} own[] = {{"cpuid", 0xf}, {"rdtsc", 0x5}, {"rdtscp", 0x7}, {"xgetbv", 0x5}};
	const char *name = insn_rows[t->row].name;

	if (native->trap || guest->trap)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		for (unsigned r = 0; r < 4 && !strcmp(name, own[i].name); r++)
			if (own[i].gprs >> r & 1)
				memcpy(&native->gpr[r], &guest->gpr[r], 4);
	if (!strcmp(name, "rdpid"))
		memcpy(&native->gpr[t->d.rm], &guest->gpr[t->d.rm], 4);
	if (!strcmp(name, "rdrand") || !strcmp(name, "rdseed")) {
		memcpy(&native->gpr[t->d.rm], &guest->gpr[t->d.rm], 1U << t->d.width);
		native->flags = (native->flags & ~F_CF) | (guest->flags & F_CF); /* may run out */
	}
}

static void judge_units(struct judge *j, const struct native_state *native,
			const struct native_state *guest)
{
	judge(j, "x87 words", native->fx, guest->fx, FX_FOP);
	judge(j, "mxcsr", native->fx + FX_MXCSR, guest->fx + FX_MXCSR, 4);
	for (unsigned i = 0; i < 8; i++)
		judge(j, "st", native->fx + FX_ST0 + 16 * i, guest->fx + FX_ST0 + 16 * i, 10);
	judge(j, "xmm", native->fx + FX_XMM0, guest->fx + FX_XMM0, 256);
	if (!j->t->wide)
		return;
	if (native_level() >= 1)
		judge(j, "ymm", native->vec, guest->vec, sizeof(native->vec) / 2);
	if (native_level() >= 2) {
		judge(j, "zmm", native->vec, guest->vec, sizeof(native->vec));
		judge(j, "k", native->k, guest->k, sizeof(native->k));
	}
}

static bool same_result(struct sides *s, const struct trial *t, u64 seed,
			struct native_state *native, struct native_state *guest)
{
	struct judge j = {t, seed, true};
	u8 *native_data = (u8 *)ARENA(t->arena), *guest_data = flat_ptr(s->f, ARENA(t->arena));
	const struct insn_row *row = &insn_rows[t->row];
	u64 undefined = native->trap || t->dead ? 0 : row->undefined;

	adopt(t, native, guest);
	if (!image_match(t, native, native_data, guest, guest_data)) {
		show(t, "image", seed);
		return false;
	}
	trial_notes[t->row].undefined |= (u32)((native->flags ^ guest->flags) & undefined);
	native->flags &= ~(undefined | 0x10000); /* RF: of the signal */
	guest->flags &= ~undefined;
	judge(&j, "exception", &native->trap, &guest->trap, sizeof(native->trap));
	judge(&j, "error code", &native->error, &guest->error, sizeof(native->error));
	if (native->trap == X86_PF + 1)
		judge(&j, "address", &native->fault_addr, &guest->fault_addr, 8);
	judge(&j, "rip", &native->rip, &guest->rip, sizeof(native->rip));
	judge(&j, "gpr", native->gpr, guest->gpr, sizeof(native->gpr));
	judge(&j, "flags", &native->flags, &guest->flags, sizeof(native->flags));
	if (native_segments())
		judge(&j, "bases", &native->fs_base, &guest->fs_base, 16);
	if (t->selectors)
		judge(&j, "selectors", native->sel, guest->sel, sizeof(native->sel));
	judge_units(&j, native, guest);
	judge(&j, "memory", native_data, guest_data, arena_len(t));
	judge_pointers(&j, native, &s->f->cpu.regs);
	return j.same;
}

/* ---- One trial ------------------------------------------------------------------------------ */

/* Forms that this run showed. */
static u64 shown_forms(const struct trial *t, const struct native_state *end)
{
	const struct insn_row *row = &insn_rows[t->row];
	u32 vector = end->trap - 1;

	if (trial_raises(row) && end->trap && vector != X86_PF)
		return forms_of(&t->d) | FB(plain);
	if ((row->attr & ENDS) && t->d.width == W_W && vector == X86_PF && end->rip < 0x10000)
		return forms_of(&t->d) | FB(plain); /* came where 66 has cut rip to */
	if (!end->trap) {
		u64 f = forms_of(&t->d) | FB(plain) | (t->dead ? FB(dead) : 0);

		if (t->d.modrm_at && t->d.mod != 3 && t->target == ARENA(t->arena) + PAGE_SIZE - 1)
			f |= FB(crossed);
		if ((t->d.evex & EVEX_AAA) && t->arena == ARENA_ABSENT &&
		    t->target + 64 > ARENA(t->arena) + PAGE_SIZE)
			f |= FB(masked);
		return f;
	}
	switch (vector) {
	case X86_PF:
		return end->error & 1 ? FB(readonly) : FB(absent);
	case X86_GP:
		return end->fault_addr || !(row->attr & ALIGN) ? FB(wide_addr) : FB(unaligned);
	case X86_SS:
		return FB(wide_addr);
	case X86_AC:
		return FB(ac);
	case X86_MF:
	case X86_XM:
		return FB(fp);
	default:
		return 0;
	}
}

/* The operand's first bytes have changed. */
static bool guest_wrote(const struct sides *s, const struct trial *t)
{
	u64 at = t->target - ARENA(t->arena);

	return t->arena == ARENA_RW && t->d.modrm_at && t->d.mod != 3 &&
	       memcmp((u8 *)flat_ptr(s->f, t->target), t->data + at, 4) != 0;
}

static enum outcome run_trial(struct sides *s, struct trial *t, u64 seed)
{
	static struct native_state native, guest; /* too long for a frame */
	bool wrote;

	native = guest = t->before;
	run_native(t, &native);
	run_guest(s, t, &guest);
	if (insn_rows[t->row].set == op_umip && guest.trap == X86_GP + 1 && !guest.error &&
	    s->f->cpu.exit.umip.what != UMIP_NONE) {
		/* What Linux makes of it is tested by tests/guest/traps. */
		forms_passed(t->row, forms_of(&t->d) | FB(plain) | FB(absent));
		return TRIAL_RAISED;
	}
	wrote = guest_wrote(s, t);
	if (!same_result(s, t, seed, &native, &guest))
		return TRIAL_DIFFERS;
	forms_passed(t->row, shown_forms(t, &guest));
	if (wrote && !guest.trap)
		forms_wrote(t->row);
	return guest.trap ? TRIAL_RAISED : TRIAL_ENDED;
}

/* Does the host take the bytes for the same as the model? TZCNT, for one, is BSF where it is not. */
static bool comparable(const struct sides *s, const struct trial *t)
{
	struct decoded d;

	return s->enc.feats == s->host_feats ||
	       (decode(s->enc.dec, s->host_feats, t->code, 15, &d) == DECODE_OK && d.row == t->row);
}

enum outcome trial_row(struct sides *s, unsigned row, u64 wish, u64 seed)
{
	static struct trial t;

	random_start(seed);
	t.row = row;
	t.wish = wish;
	t.given = false;
	for (unsigned tries = 0; tries < 50; tries++)
		if (encode_row(&s->enc, row, wish, t.code, &t.d) && trial_setup(s, &t) &&
		    comparable(s, &t))
			return run_trial(s, &t, seed);
	return TRIAL_NONE;
}

/* No instruction here: it must be none on the host either. Every register points into the arena, so
 * that little harm is done if it is one there. */
static enum outcome trial_undefined(struct sides *s, struct trial *t, u64 seed)
{
	static struct native_state native, guest;

	memset(&t->before, 0, sizeof(t->before));
	t->row = 0; /* whichever */
	t->arena = ARENA_RW;
	t->target = ARENA(ARENA_RW) + PAGE_SIZE;
	t->dead = t->step = t->cold = t->wide = t->selectors = false;
	memset(t->data, 0, ARENA_LEN);
	for (unsigned i = 0; i < 16; i++)
		t->before.gpr[i] = t->target + 8 * below(32);
	t->before.flags = 0x202;
	t->before.fx[FX_FCW] = 0x7f;
	t->before.fx[FX_FCW + 1] = 3;
	t->before.fx[FX_MXCSR] = 0x80;
	t->before.fx[FX_MXCSR + 1] = 0x1f;
	t->d.len = 15;
	native = guest = t->before;
	run_native(t, &native);
	run_guest(s, t, &guest);
	if (native.trap == guest.trap && native.error == guest.error && native.rip == CODE)
		return TRIAL_RAISED;
	printf("differs: here no instruction (exception %d), on the host %s%d:",
	       (int)guest.trap - 1, native.trap ? "exception " : "one; ", (int)native.trap - 1);
	for (unsigned i = 0; i < 15; i++)
		printf(" %02x", t->code[i]);
	printf("\n  seed %#lx\n", seed);
	return TRIAL_DIFFERS;
}

enum outcome trial_bytes(struct sides *s, const u8 *code, u64 seed)
{
	static struct trial t;

	random_start(seed);
	t.wish = 0;
	t.given = true;
	memcpy(t.code, code, 15);
	switch (decode(s->enc.dec, s->enc.feats, t.code, 15, &t.d)) {
	case DECODE_OK:
		t.row = t.d.row;
		return trial_setup(s, &t) && comparable(s, &t) ? run_trial(s, &t, seed)
							       : TRIAL_NONE;
	case DECODE_FAULT:
		if (decode(s->enc.dec, s->host_feats, t.code, 15, &t.d) != DECODE_FAULT)
			return TRIAL_NONE; /* the model's lack */
		decode(s->enc.dec, s->enc.feats, t.code, 15, &t.d);
		return trial_undefined(s, &t, seed);
	default:
		return TRIAL_NONE;
	}
}
