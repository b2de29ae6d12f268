/*
 * Native thunks out of Vellum's own text. See the header.
 */
#include "cpu/thunk_static.h"

#include <string.h>

#include "base/bug.h"
#include "cpu/cpu.h"
#include "cpu/fpu.h"

/* ---- The code ------------------------------------------------------------------------------- */

/* Slots of 8 bytes: prefix, REX.W, map, opcode, ModRM, immediate, ret. ModRM has xmm1 (mm1) for a vector register in
 * reg and xmm2 (mm2) in rm, rax for a general register, [rdi] for memory. A row has, in this order:
 *
 *	no ModRM	1 slot
 *	x87		memory: without and with 66; else for each rm
 *	the rest	for REX.W 0 and 1 (alone 0, where it has no meaning), for memory and registers, for each immediate
 *
 * slots_of() counts the same. */
__asm__(".pushsection .text.thunk_static, \"ax\", @progbits\n"
	".balign 16\n"
	".macro vt_insn map, op, pfx, w, modrm, imm\n"
	".ifc \\pfx,66\n.byte 0x66\n.endif\n"
	".ifc \\pfx,F3\n.byte 0xf3\n.endif\n"
	".ifc \\pfx,F2\n.byte 0xf2\n.endif\n"
	".if \\w\n.byte 0x48\n.endif\n"
	".ifnc \\map,ONE\n.byte 0x0f\n.endif\n"
	".ifc \\map,0F38\n.byte 0x38\n.endif\n"
	".ifc \\map,0F3A\n.byte 0x3a\n.endif\n"
	".byte \\op\n"
	".if \\modrm >= 0\n.byte \\modrm\n.endif\n"
	".if \\imm >= 0\n.byte \\imm\n.endif\n"
	".byte 0xc3\n.balign 8, 0xcc\n"
	".endm\n"
	".macro vt_imms map, op, pfx, w, modrm, nr\n"
	".if \\nr == 1\n vt_insn \\map, \\op, \\pfx, \\w, \\modrm, -1\n"
	".else\n.set vt_i, 0\n.rept 256\n vt_insn \\map, \\op, \\pfx, \\w, \\modrm, vt_i\n"
	".set vt_i, vt_i + 1\n.endr\n.endif\n"
	".endm\n"
	".macro vt_operands map, op, pfx, reg, rm, nr, both\n"
	" vt_imms \\map, \\op, \\pfx, 0, (\\reg << 3 | 7), \\nr\n"
	" vt_imms \\map, \\op, \\pfx, 0, (0xc0 | \\reg << 3 | \\rm), \\nr\n"
	".if \\both\n"
	" vt_imms \\map, \\op, \\pfx, 1, (\\reg << 3 | 7), \\nr\n"
	" vt_imms \\map, \\op, \\pfx, 1, (0xc0 | \\reg << 3 | \\rm), \\nr\n"
	".endif\n"
	".endm\n"
	".macro vt_x87 op, ext, mod\n"
	".ifc \\mod,MEM\n"
	" vt_insn ONE, \\op, NONE, 0, (\\ext << 3 | 7), -1\n"
	" vt_insn ONE, \\op, 66, 0, (\\ext << 3 | 7), -1\n"
	".else\n.set vt_i, 0\n.rept 8\n vt_insn ONE, \\op, NONE, 0, (0xc0 | \\ext << 3 | vt_i), "
	"-1\n"
	".set vt_i, vt_i + 1\n.endr\n.endif\n"
	".endm\n"
	".macro vt_row map, op, pfx, ext, mod, form, set\n"
	".set vt_reg, 1\n"
	".ifnc \\ext,ANY\n.set vt_reg, \\ext + 0\n.endif\n"
	".ifc \\form,none\n vt_insn \\map, \\op, \\pfx, 0, -1, -1\n.endif\n"
	".ifc \\form,x87\n vt_x87 \\op, \\ext, \\mod\n.endif\n"
	".ifc \\form,x87_ax\n vt_x87 \\op, \\ext, \\mod\n.endif\n"
	".ifc \\form,V_W\n vt_operands \\map, \\op, \\pfx, vt_reg, 2, 1, 1\n.endif\n"
	".ifc \\form,V_Ey\n vt_operands \\map, \\op, \\pfx, vt_reg, 0, 1, 1\n.endif\n"
	".ifc \\form,V_Ey_Ib\n vt_operands \\map, \\op, \\pfx, vt_reg, 0, 256, 1\n.endif\n"
	".ifc \\form,Gy_W\n vt_operands \\map, \\op, \\pfx, 0, 2, 1, 1\n.endif\n"
	".ifc \\form,Gy_W_Ib\n vt_operands \\map, \\op, \\pfx, 0, 2, 256, 1\n.endif\n"
	".ifc \\form,V_W_Ib\n"
	".ifc \\set,vec_str\n vt_operands \\map, \\op, \\pfx, vt_reg, 2, 256, 1\n"
	".else\n vt_operands \\map, \\op, \\pfx, vt_reg, 2, 256, 0\n.endif\n"
	".endif\n"
	".endm\n"
	"thunk_static_code:\n"
#define INSN(map, op, pfx, ext, mod, name, form, set, reads, writes, undef, feat, attr)            \
	" vt_row " #map ", " #op ", " #pfx ", " #ext ", " #mod ", " #form ", " #set "\n"
#include "cpu/opcodes_vec.def"
#include "cpu/opcodes_x87.def"
#undef INSN
	"thunk_static_code_end:\n"
	/* Moves between [rdi] and a register, slots of 8 bytes: see move(). */
	".macro vt_moves op, nr\n"
	".set vt_i, 0\n.rept \\nr\n"
	".if vt_i >= 8\n.byte 0x44\n.endif\n"
	".byte 0x0f, \\op, 7 | (vt_i & 7) << 3, 0xc3\n.balign 8, 0xcc\n"
	".set vt_i, vt_i + 1\n.endr\n"
	".endm\n"
	"thunk_static_moves:\n"
	" vt_moves 0x11, 16\n" /* movups [rdi], xmm */
	" vt_moves 0x10, 16\n" /* movups xmm, [rdi] */
	" vt_moves 0x7f, 16\n" /* movq [rdi], mm; the upper eight are never used */
	" vt_moves 0x6f, 16\n"
	"thunk_static_exit:\n"
	" ret\n"
	".balign 16\n"
	"thunk_static_end:\n"
	"thunk_static_stubs:\n"
	".rept 4096\n call thunk_static_enter\n.balign 16, 0xcc\n.endr\n"
	/* As a thunk is called: all registers are kept but rax, rcx, rdx, rdi as the instruction leaves them. */
	"thunk_static_enter:\n"
	" push %rax\n push %rcx\n push %rdx\n push %rsi\n push %rdi\n"
	" push %r8\n push %r9\n push %r10\n push %r11\n push %rbp\n"
	" mov %rsp, %rdi\n mov %rsp, %rbp\n and $-16, %rsp\n"
	" call thunk_static_run\n"
	" mov %rbp, %rsp\n"
	" pop %rbp\n pop %r11\n pop %r10\n pop %r9\n pop %r8\n"
	" pop %rdi\n pop %rsi\n pop %rdx\n pop %rcx\n pop %rax\n"
	" lea 8(%rsp), %rsp\n ret\n"
	".popsection\n");

#define SLOT 8U
extern const u8 thunk_static_code[] __attribute__((visibility("hidden")));
extern const u8 thunk_static_code_end[] __attribute__((visibility("hidden")));
extern const u8 thunk_static_moves[] __attribute__((visibility("hidden")));
extern const u8 thunk_static_exit[] __attribute__((visibility("hidden")));
extern const u8 thunk_static_end[] __attribute__((visibility("hidden")));
extern const u8 thunk_static_stubs[] __attribute__((visibility("hidden")));

/* The rows that the code was made from. */
struct static_row {
	u8 map, op, pfx, ext, mod, form;
	char set[12];
};
#define INSN(map, op, pfx, ext, mod, name, form, set, reads, writes, undef, feat, attr)            \
	{MAP_##map, op, PFX_##pfx, EXTN_##ext, MOD_##mod, FORM_##form, #set},
static const struct static_row vec_rows[] = {
#include "cpu/opcodes_vec.def"
};
static const struct static_row x87_rows[] = {
#include "cpu/opcodes_x87.def"
};
#undef INSN

/* The core has no library's strcmp(). Whether @text begins with @start. */
static bool begins(const char *text, const char *start)
{
	while (*start && *text == *start)
		text++, start++;
	return !*start;
}

static bool is_string(const char *set)
{
	return begins(set, "vec_str");
}

/* Immediates that the row has code for. */
static u32 imms_of(unsigned form)
{
	return form == FORM_V_W_Ib || form == FORM_Gy_W_Ib || form == FORM_V_Ey_Ib ? 256 : 1;
}

static u32 slots_of(const struct static_row *r)
{
	switch (r->form) {
	case FORM_none:
		return 1;
	case FORM_x87:
	case FORM_x87_ax:
		return r->mod == MOD_MEM ? 2 : 8;
	case FORM_V_W_Ib:
		return (is_string(r->set) ? 4 : 2) * 256;
	case FORM_V_W:
	case FORM_V_Ey:
	case FORM_V_Ey_Ib:
	case FORM_Gy_W:
	case FORM_Gy_W_Ib:
		return 4 * imms_of(r->form);
	default:
		return 0;
	}
}

static bool same_row(const struct insn_row *row, const struct static_row *r)
{
	return row->map == r->map && row->op == r->op && row->pfx == r->pfx && row->ext == r->ext &&
	       row->mod == r->mod && row->form == r->form;
}

/* The rows of one file stand in insn_rows[] in its order. Returns the slot behind. */
static u32 number_rows(struct thunk_static *s, const struct static_row *r, unsigned n, u32 slot)
{
	for (unsigned row = 0; row < nr_insn_rows && n; row++) {
		if (!same_row(&insn_rows[row], r))
			continue;
		if (slots_of(r))
			s->first[row] = slot + 1;
		s->mmx[row] = begins(r->set, "mmx") || begins(r->set, "maskmovq");
		s->string[row] = is_string(r->set);
		slot += slots_of(r);
		r++;
		n--;
	}
	return slot;
}

/* ---- The pool ------------------------------------------------------------------------------- */

/* A stub is called with what the instruction needs and nothing else. */
static struct thunk_pool *static_pool;

void thunk_static_region(u64 *start, u64 *end, u64 *exit)
{
	*start = (u64)thunk_static_code;
	*end = (u64)thunk_static_end;
	*exit = (u64)thunk_static_exit;
}

bool thunk_static_init(struct thunk_pool *p)
{
	u32 slot;

	if (static_pool || nr_insn_rows > ARRAY_SIZE(p->notes->first))
		return false;
	slot = number_rows(p->notes, vec_rows, ARRAY_SIZE(vec_rows), 0);
	slot = number_rows(p->notes, x87_rows, ARRAY_SIZE(x87_rows), slot);
	VM_BUG_ON((long)slot * SLOT != thunk_static_code_end - thunk_static_code);
	p->exec = (u8 *)thunk_static_stubs;
	static_pool = p;
	return true;
}

void thunk_static_free(struct thunk_pool *p)
{
	if (static_pool == p)
		static_pool = NULL;
}

void thunk_static_reset(struct thunk_pool *p)
{
	const struct insn_row *row = insn_rows;

	while (row->map != MAP_ONE || row->op != 0x9b)
		row++;
	p->notes->note[THUNK_FWAIT] =
		(struct thunk_note){.code = p->notes->first[row - insn_rows] - 1};
	p->nr = NR_FIXED_THUNKS;
}

/* Which of its operands are vector registers, and of which kind: those of MMX may be of both. */
static void note_operands(struct thunk_note *t, const struct insn_row *row, const struct decoded *d,
			  bool mmx)
{
	bool to_xmm = row->op == 0x2a || (row->op == 0xd6 && row->pfx == PFX_F3);
	bool to_mmx = row->op == 0x2c || row->op == 0x2d || row->op == 0xd6;

	if (row->ext == EXT_ANY && !form_reg_is_gpr(row->form))
		t->file[0] = mmx && !to_xmm ? FILE_MMX : FILE_XMM;
	if (d->mod == 3 && !form_rm_is_gpr(row->form))
		t->file[1] = mmx && (to_xmm || !to_mmx) ? FILE_MMX : FILE_XMM;
	for (unsigned i = 0; i < 2; i++) {
		unsigned reg = i ? d->rm : d->reg;

		if (t->file[i])
			t->reg[i] = t->file[i] == FILE_MMX ? reg & 7 : reg;
	}
}

/* Which operand is an MMX register that is written: 0 or 1; 2: none. */
static u8 mmx_dest(const struct thunk_note *t, const struct insn_row *row)
{
	u8 dest = row->ext != EXT_ANY || row->op == 0x7f;

	if (t->file[dest] != FILE_MMX || row->op == 0x7e || row->op == 0xe7 || row->op == 0xf7)
		return 2;
	return dest;
}

/* The slot, from the row's first on. */
static u32 slot_in_row(const struct insn_row *row, const struct decoded *d, bool string)
{
	u32 imms = imms_of(row->form), w = d->rex & 8 ? 1 : 0;

	switch (row->form) {
	case FORM_none:
		return 0;
	case FORM_x87:
	case FORM_x87_ax:
		if (d->mod != 3)
			return (row->attr & SIZE_BY_66) && d->width == W_W;
		return row->form == FORM_x87_ax ? 0 : d->modrm & 7;
	default:
		if (row->form == FORM_V_W_Ib && !string)
			w = 0;
		return (w * 2 + (d->mod == 3)) * imms + (imms > 1 ? (u8)d->imm : 0);
	}
}

static u32 hash_note(const struct thunk_note *t)
{
	u64 words[2];

	memcpy(words, t, sizeof(words));
	words[0] ^= words[1] * 0x9e3779b97f4a7c15UL;
	return (u32)((words[0] * 0xd6e8feb86659fd93UL) >> 40) % THUNK_BUCKETS;
}

const void *thunk_static_make(struct thunk_pool *p, const struct decoded *d, enum thunk_kind kind)
{
	const struct insn_row *row = &insn_rows[d->row];
	struct thunk_static *s = p->notes;
	struct thunk_note t = {.kind = (u8)kind, .string = s->string[d->row]};
	u32 b;

	VM_BUG_ON(!s->first[d->row]);
	t.code = s->first[d->row] - 1 + slot_in_row(row, d, t.string);
	if (d->modrm_at && row->form != FORM_x87 && row->form != FORM_x87_ax)
		note_operands(&t, row, d, s->mmx[d->row]);
	t.dest = mmx_dest(&t, row);
	for (b = hash_note(&t); p->bucket[b]; b = (b + 1) % THUNK_BUCKETS)
		if (!memcmp(&s->note[p->bucket[b]], &t, sizeof(t)))
			return thunk_fixed(p, p->bucket[b]);
	if (p->nr == THUNK_STATIC_MAX)
		return NULL;
	s->note[p->nr] = t;
	p->bucket[b] = (u16)p->nr;
	return thunk_fixed(p, p->nr++);
}

/* ---- Running -------------------------------------------------------------------------------- */

/* What thunk_static_enter pushed, from the last on. */
struct frame {
	u64 rbp, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	u64 stub; /* behind the call of the stub */
};

/* [mem] <- register, or register <- [mem]. Vector, as thunk_call(): MMX's may raise what x87 left. */
static u32 move(enum thunk_file file, bool load, unsigned reg, void *mem)
{
	u64 slot = (file == FILE_MMX ? 32 : 0) + (load ? 16 : 0) + reg;

	return thunk_call(thunk_static_moves + slot * SLOT, mem);
}

static void run(const struct thunk_note *t, struct frame *f)
{
	const u8 *code = thunk_static_code + (u64)t->code * SLOT;

	if (t->kind == THUNK_FLAGS_OUT)
		__asm__ volatile("call *%[code]\n\tlahf\n\tseto %%al"
				 : "+a"(f->rax), "+c"(f->rcx), "+d"(f->rdx), "+D"(f->rdi)
				 : [code] "r"(code)
				 : "cc", "memory");
	else if (t->kind == THUNK_FLAGS_IN)
		__asm__ volatile("addb $0x7f, %%al\n\tsahf\n\tcall *%[code]"
				 : "+a"(f->rax), "+c"(f->rcx), "+d"(f->rdx), "+D"(f->rdi)
				 : [code] "r"(code)
				 : "cc", "memory");
	else
		__asm__ volatile("call *%[code]"
				 : "+a"(f->rax), "+c"(f->rcx), "+d"(f->rdx), "+D"(f->rdi)
				 : [code] "r"(code)
				 : "cc", "memory");
}

static void fxsave(u8 *image)
{
	__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
}

/* Writing an MMX register sets bits 64 to 79 of it, so those that were borrowed are put back by a whole image. @was: of
 * before; @value: of the register that was written, NULL: none was. That the unit is MMX's now stays, an exception or
 * not. */
static __attribute__((noinline)) void put_back_mmx(const struct thunk_note *t, const u8 *was,
						   const u64 *value)
{
	u8 now[FX_SIZE] __attribute__((aligned(16)));
	u64 top = was[FX_FSW + 1] >> 3 & 7;

	fxsave(now);
	for (u64 i = 0; i < 8; i++)
		memcpy(now + FX_ST0 + 16 * i, was + FX_ST0 + 16 * ((i - top) & 7), 16);
	if (value) {
		u8 *dest = now + FX_ST0 + 16UL * t->reg[t->dest];

		memcpy(dest, value, 8);
		dest[8] = dest[9] = 0xff;
	}
	__asm__ volatile("fxrstor64 (%0)" : : "r"(now) : "memory");
}

/* Values of two registers. */
struct values {
	u64 of[2][2];
};

/* Runs it with its operands in our registers: the guest's values are in @before, what is in them then in @after. Our
 * registers hold what they held. False: exception raised, its vector in f->rcx. */
static __attribute__((noinline)) bool run_at_home(const struct thunk_note *t, struct frame *f,
						  struct values *before, struct values *after)
{
	struct values kept;

	for (unsigned i = 0; i < 2; i++)
		if (t->file[i]) {
			u32 vector = move(t->file[i], false, i + 1, kept.of[i]);

			if (vector) { /* left by the x87: nothing has changed */
				f->rcx = vector;
				return false;
			}
			move(t->file[i], false, t->reg[i], before->of[i]);
		}
	for (unsigned i = 0; i < 2; i++)
		if (t->file[i])
			move(t->file[i], true, i + 1, before->of[i]);
	run(t, f);
	for (unsigned i = 0; i < 2; i++)
		if (t->file[i]) {
			move(t->file[i], false, i + 1, after->of[i]);
			move(t->file[i], true, i + 1, kept.of[i]);
		}
	return !f->rcx || t->string;
}

/* For thunk_static_enter. An instruction has one destination: of two operands that are the same register the one that
 * changed is it. */
static __attribute__((used)) void thunk_static_run(struct frame *f)
{
	const struct thunk_note *t =
		&static_pool->notes->note[(f->stub - (u64)thunk_static_stubs) / THUNK_SIZE];
	bool mmx = t->file[0] == FILE_MMX || t->file[1] == FILE_MMX, done;
	struct values before = {{{0}}}, after = {{{0}}};
	u8 was[FX_SIZE] __attribute__((aligned(16)));

	if (mmx)
		fxsave(was);
	done = run_at_home(t, f, &before, &after);
	if (mmx && f->rcx != X86_MF)
		put_back_mmx(t, was, done && t->dest < 2 ? after.of[t->dest] : NULL);
	for (unsigned i = 0; i < 2 && done; i++)
		if (t->file[i] == FILE_XMM &&
		    memcmp(before.of[i], after.of[i], sizeof(after.of[i])))
			move(FILE_XMM, true, t->reg[i], after.of[i]);
}
