/* See the header. What compilers make is as likely as all the rest of the tables together; a block's memory
 * operands are off registers that point to data, and those are changed by what compilers change pointers with. */
#include "blocks.h"

#include <string.h>

#include "cpu/model.h"
#include "random.h"

static struct {
	u16 all[4096], often[512], calm[512], ends[128];
	unsigned nr_all, nr_often, nr_calm, nr_ends;
} rows;

static bool is_often(const char *name)
{
	static const char *const names[] = {
		"mov",	   "add",  "sub",     "cmp",	"test",	  "and",    "or",     "xor",
		"lea",	   "push", "pop",     "inc",	"dec",	  "movzx",  "movsx",  "movsxd",
		"shl",	   "shr",  "sar",     "imul",	"adc",	  "sbb",    "neg",    "not",
		"sete",	   "setb", "cmove",   "cmovl",	"movups", "movaps", "movdqu", "movdqa",
		"movq",	   "movd", "movsd",   "addsd",	"mulsd",  "pxor",   "paddd",  "comisd",
		"ucomisd", "fld",  "fstp",    "fadd",	"bt",	  "leave",  "rol",    "xchg",
		"movs",	   "stos", "vmovups", "vmovdqu"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Neither moves the stack nor asks for alignment, nor goes far from its operand: a loop of it goes round. */
static bool is_calm(const struct insn_row *row)
{
	static const char *const names[] = {"push",   "pop",   "leave", "movaps",
					    "movdqa", "paddd", "pxor",	"bt"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(row->name, names[i]))
			return false;
	return strcmp(row->name, "mov") || (row->attr & NOFAULT); /* segment registers, moffs */
}

void blocks_rows(u64 feats)
{
	for (unsigned i = 0; i < nr_insn_rows; i++) {
		const struct insn_row *row = &insn_rows[i];

		if (!(feats >> row->feat & 1))
			continue;
		if (row->attr & ENDS) {
			rows.ends[rows.nr_ends++] = (u16)i;
			continue;
		}
		rows.all[rows.nr_all++] = (u16)i;
		if (is_often(row->name) && rows.nr_often < ARRAY_SIZE(rows.often))
			rows.often[rows.nr_often++] = (u16)i;
		if (is_often(row->name) && is_calm(row) && rows.nr_calm < ARRAY_SIZE(rows.calm))
			rows.calm[rows.nr_calm++] = (u16)i;
	}
}

gva_t blocks_pointer(void)
{
	u64 at = below(BLOCKS_DATA_LEN);

	if (one_in(4))
		at = (at | (PAGE_SIZE - 1)) - below(one_in(2) ? 72 : 520);
	return BLOCKS_DATA + (one_in(4) ? at : at & ~(one_in(3) ? 63UL : 7UL));
}

gva_t blocks_address(const struct program *p)
{
	if (p->shaped && !one_in(4))
		return BLOCKS_CODE + p->at[0];
	return BLOCKS_CODE + p->at[below(p->nr_blocks)] + (one_in(16) ? below(12) : 0);
}

/* ---- One instruction ---------------------------------------------------------------------------------- */

/* Where it goes. */
struct place {
	const struct encoder *e;
	struct program *p;
	u32 at;
	u8 frame; /* bytes of the stack that are the function's */
	unsigned nr_fix;
	struct {
		u32 at, end; /* 4 bytes; relative to what; 0: absolute */
		unsigned to;
	} fix[2 * BLOCKS_MAX];
};

static bool has(u16 set, unsigned reg)
{
	return reg < NR_GPR && (set >> reg & 1);
}

static unsigned one_of(u16 set)
{
	unsigned r;

	do
		r = below(NR_GPR);
	while (!(set >> r & 1));
	return r;
}

/* Registers that it may change stay what they are, mostly. */
static bool spoils(const struct program *p, const struct decoded *d)
{
	const struct insn_row *row = &insn_rows[d->row];
	u16 keep = p->pointers | p->small;

	if (row->attr & PLUS_R)
		return has(keep, (d->op & 7) | (d->rex & 1) << 3) && strcmp(row->name, "push");
	if (!d->modrm_at || (row->attr & THUNK))
		return false;
	return (d->mod == 3 && has(keep, d->rm)) || (row->ext == EXT_ANY && has(keep, d->reg));
}

/* In the function's frame, or below the stack: never where its return address is. 64 bytes are the longest access. */
static bool aim_at_stack(const struct place *w, u8 *code, const struct decoded *d)
{
	s32 disp = w->frame > 64 && one_in(2) ? (s32)below(w->frame - 63U) : -64 - (s32)below(64);

	if (d->index != OFF_ZERO)
		return false;
	if (d->disp_len == 4)
		memcpy(code + d->disp_at, &disp, 4);
	else if (d->disp_len == 1) /* EVEX multiplies it */
		code[d->disp_at] = (u8)(-64 - (int)below(64));
	return d->disp_len || w->frame >= 64;
}

/* Gives the operand an address that data is likely to be at. False: its registers are the wrong ones. */
static bool aim(struct place *w, u8 *code, const struct decoded *d)
{
	const struct program *p = w->p;
	s64 disp;

	if (p->shaped && d->seg != OFF_ZERO && !one_in(30))
		return false;
	if (p->shaped && d->modrm_at && d->mod != 3 && d->base == OFF_GPR(R_RSP))
		return aim_at_stack(w, code, d);
	if (!d->modrm_at || d->mod == 3 || (insn_rows[d->row].attr & NOACCESS) ||
	    one_in(p->shaped ? 2000 : 40))
		return true;
	if (d->base == OFF_RIP || d->base == OFF_ZERO) {
		disp = (s64)blocks_pointer();
		if (d->base == OFF_RIP)
			disp -= (s64)(BLOCKS_CODE + w->at + d->len);
	} else if (!has(p->pointers, d->base / 8)) {
		return false;
	} else {
		disp = (s64)below(600) - 200 + (one_in(16) ? 0xf00 : 0);
	}
	if (d->index != OFF_ZERO && !(insn_rows[d->row].attr & VSIB) &&
	    !has(p->small, d->index / 8))
		return false;
	if (d->disp_len == 4)
		memcpy(code + d->disp_at, &disp, 4);
	return true;
}

static void put(struct place *w, const u8 *code, unsigned len)
{
	if (w->at + len > BLOCKS_CODE_LEN)
		return;
	memcpy(w->p->code + w->at, code, len);
	w->at += len;
}

static void put_row(struct place *w, unsigned row)
{
	struct decoded d;
	u8 code[15];

	for (unsigned tries = 0; tries < 30; tries++) {
		if (!encode_row(w->e, row, 0, code, &d))
			return;
		if ((spoils(w->p, &d) && !one_in(w->p->shaped ? 2000 : 30)) || !aim(w, code, &d))
			continue;
		put(w, code, d.len);
		w->p->made[row]++;
		return;
	}
}

static u8 rex(unsigned g, unsigned e)
{
	return (u8)(0x48 | (g & 8) >> 1 | (e & 8) >> 3);
}

/* 64-bit op E, G of registers. */
static void put_regs(struct place *w, u8 op, unsigned e, unsigned g)
{
	put(w, (u8[]){rex(g, e), op, (u8)(0xc0 | (g & 7) << 3 | (e & 7))}, 3);
}

/* What compilers do to pointers. */
static void put_pointer(struct place *w)
{
	unsigned to = one_of(w->p->pointers), from = one_of(w->p->pointers);
	u8 by = (u8)(8 * below(12)), small = (u8)one_of(w->p->small);
	u32 imm;

	switch (below(8)) {
	case 0: /* add, sub */
		put(w, (u8[]){rex(0, to), 0x83, (u8)(0xc0 | (to & 7)), by}, 4);
		break;
	case 1:
		put(w, (u8[]){rex(0, to), 0x83, (u8)(0xe8 | (to & 7)), by}, 4);
		break;
	case 2: /* mov, but the stack stays */
		put_regs(w, 0x89, to == R_RSP ? R_RBP : to, from);
		break;
	case 3: /* lea to, [from + disp8] */
		put(w,
		    (u8[]){rex(to, from), 0x8d, (u8)(0x44 | (to & 7) << 3), (u8)(0x20 | (from & 7)),
			   by},
		    5);
		break;
	case 4: /* push, pop */
		put(w, (u8[]){(u8)(0x40 | from >> 3), (u8)(0x50 | (from & 7))}, 2);
		break;
	case 5:
		put(w, (u8[]){(u8)(0x40 | to >> 3), (u8)(0x58 | (to & 7))}, 2);
		break;
	case 6: /* mov to, imm32 */
		imm = (u32)blocks_pointer();
		put(w, (u8[]){(u8)(0x40 | to >> 3), (u8)(0xb8 | (to & 7))}, 2);
		put(w, (u8 *)&imm, 4);
		break;
	default: /* mov small, imm8 of 32 bits */
		put(w, (u8[]){(u8)(0x40 | small >> 3), (u8)(0xb8 | (small & 7)), by & 15, 0, 0, 0},
		    6);
	}
}

static void put_insn(struct place *w)
{
	if (one_in(6))
		put_pointer(w);
	else if (one_in(2))
		put_row(w, rows.often[below(rows.nr_often)]);
	else
		put_row(w, rows.all[below(rows.nr_all)]);
}

/* ---- How a block ends --------------------------------------------------------------------------------- */

/* The address of block @to, relative to what follows or absolute: known when all are there. */
static void put_address(struct place *w, unsigned to, bool relative)
{
	u32 none = 0;

	w->fix[w->nr_fix].at = w->at;
	w->fix[w->nr_fix].end = relative ? w->at + 4 : 0;
	w->fix[w->nr_fix++].to = to;
	put(w, (u8 *)&none, 4);
}

static void fix(struct place *w)
{
	for (unsigned i = 0; i < w->nr_fix; i++) {
		u32 value = w->p->at[w->fix[i].to];

		value = w->fix[i].end ? value - w->fix[i].end : (u32)BLOCKS_CODE + value;
		memcpy(w->p->code + w->fix[i].at, &value, 4);
	}
}

/* Offsets of one byte lead backwards, to what is there. */
static bool near(const struct place *w, unsigned self, unsigned to)
{
	return to <= self && w->at - w->p->at[to] < 100;
}

static void put_near(struct place *w, unsigned to)
{
	put(w, (u8[]){(u8)(w->p->at[to] - (w->at + 1))}, 1);
}

static void put_jcc(struct place *w, u8 cc, unsigned self, unsigned to)
{
	if (near(w, self, to)) {
		put(w, (u8[]){(u8)(0x70 | cc)}, 1);
		put_near(w, to);
	} else {
		put(w, (u8[]){0x0f, (u8)(0x80 | cc)}, 2);
		put_address(w, to, true);
	}
}

/* Counts a register down, walks with another: what loops are. */
static void put_loop(struct place *w, unsigned self)
{
	unsigned p = one_of(w->p->pointers), n = one_of(w->p->small);

	if (p != R_RSP)
		put(w, (u8[]){rex(0, p), 0x83, (u8)(0xc0 | (p & 7)), (u8)(1 << below(7))}, 4);
	if (one_in(2))
		put(w, (u8[]){rex(0, n), 0xff, (u8)(0xc8 | (n & 7))}, 3); /* dec */
	else
		put(w, (u8[]){rex(0, n), 0x83, (u8)(0xe8 | (n & 7)), 1}, 4);
	if (one_in(4))
		put_row(w, rows.often[below(rows.nr_often)]);
	put_jcc(w, one_in(3) ? (u8)below(16) : 5, self, self);
}

/* A computed jump or call: through a register, or through a table in memory. */
static void put_computed(struct place *w, unsigned to, u8 ext)
{
	u32 table = (u32)(blocks_pointer() & ~7UL);
	unsigned r = one_of((u16) ~(1U << R_RSP));

	if (one_in(2)) {
		put(w, (u8[]){(u8)(0x40 | r >> 3), (u8)(0xb8 | (r & 7))}, 2);
		put_address(w, to, false);
		put(w, (u8[]){(u8)(0x40 | r >> 3), 0xff, (u8)(0xc0 | ext << 3 | (r & 7))}, 3);
	} else {
		r = one_of(w->p->small);
		put(w,
		    (u8[]){(u8)(0x40 | (r & 8) >> 2), 0xff, (u8)(4 | ext << 3),
			   (u8)(0xc5 | (r & 7) << 3)},
		    4);
		put(w, (u8 *)&table, 4);
	}
}

static void put_end(struct place *w, unsigned self)
{
	unsigned to = below(w->p->nr_blocks);

	switch (below(12)) {
	case 0:
	case 1:
		put_loop(w, self);
		break;
	case 2:
	case 3:
	case 4:
		put_jcc(w, (u8)below(16), self, to);
		break;
	case 5:
		put(w, (u8[]){0xe9}, 1);
		put_address(w, to, true);
		break;
	case 6:
	case 7:
		put(w, (u8[]){0xe8}, 1);
		put_address(w, to, true);
		break;
	case 8:
		put(w, (u8[]){0xc3}, 1);
		break;
	case 9:
		put_computed(w, to, one_in(2) ? 2 : 4);
		break;
	case 10: /* loop, jrcxz and kin, if it is near */
		if (near(w, self, to)) {
			put(w, (u8[]){(u8)(0xe0 + below(4))}, 1);
			put_near(w, to);
		}
		break;
	default: /* whatever else ends a block */
		if (one_in(3))
			put_row(w, rows.ends[below(rows.nr_ends)]);
	}
}

/* ---- As compilers shape it ---------------------------------------------------------------------------- */

#define FUNCTIONS 4U

/* What is still to be made, and what there is. */
struct shape {
	struct place *w;
	unsigned left; /* statements */
	unsigned nr_functions, depth;
	u32 function[FUNCTIONS];
};

static void put_imm32(struct place *w, unsigned r, u32 imm)
{
	put(w, (u8[]){(u8)(0x40 | r >> 3), (u8)(0xb8 | (r & 7))}, 2);
	put(w, (u8 *)&imm, 4);
}

/* A register that neither points nor counts. */
static unsigned free_register(const struct program *p)
{
	return one_of((u16) ~(p->pointers | p->small));
}

/* A jump whose offset is known later: land(). Returns where the offset stands. */
static u32 put_jump(struct place *w, const u8 *op, unsigned len)
{
	put(w, op, len);
	put(w, (u8[4]){0}, 4);
	return w->at - 4;
}

static void land(struct place *w, u32 jump)
{
	u32 off = w->at - (jump + 4);

	memcpy(w->p->code + jump, &off, 4);
}

static void put_back_to(struct place *w, const u8 *op, unsigned len, u32 to)
{
	u32 jump = put_jump(w, op, len), off = to - (jump + 4);

	memcpy(w->p->code + jump, &off, 4);
}

static void put_straight(struct place *w, unsigned n)
{
	unsigned to, from;

	while (n-- > 0) {
		to = one_of(w->p->pointers);
		from = one_of(one_in(8) ? w->p->pointers : w->p->pointers & ~(1U << R_RSP));
		if (one_in(40)) {
			put_row(w, rows.all[below(rows.nr_all)]);
		} else if (one_in(10) && to != R_RSP) { /* a pointer comes out of another */
			if (one_in(2))
				put(w,
				    (u8[]){rex(to, from), 0x8d, (u8)(0x44 | (to & 7) << 3),
					   (u8)(0x20 | (from & 7)), (u8)(8 * below(12))},
				    5);
			else
				put_imm32(w, to, (u32)blocks_pointer());
		} else {
			put_row(w, rows.calm[below(rows.nr_calm)]);
		}
	}
}

/* A condition that mostly is not always the same: of a counter, of data, or of what flags there are. */
static void put_condition(struct place *w)
{
	unsigned n = one_of(w->p->small), p = one_of(w->p->pointers);

	switch (below(4)) {
	case 0: /* test n, imm32 */
		put(w, (u8[]){rex(0, n), 0xf7, (u8)(0xc0 | (n & 7)), (u8)(1 << below(4)), 0, 0, 0},
		    7);
		break;
	case 1: /* cmp byte [p + disp8], imm8 */
		put(w,
		    (u8[]){(u8)(0x40 | p >> 3), 0x80, (u8)(0x7c), (u8)(0x20 | (p & 7)),
			   (u8)below(100), (u8)rnd()},
		    6);
		break;
	case 2: /* cmp n, imm8 */
		put(w, (u8[]){rex(0, n), 0x83, (u8)(0xf8 | (n & 7)), (u8)below(12)}, 4);
		break;
	default:
		break;
	}
}

static void put_body(struct shape *s);

static void put_if(struct shape *s)
{
	struct place *w = s->w;
	u32 over, end;

	put_condition(w);
	over = put_jump(w, (u8[]){0x0f, (u8)(0x80 | below(16))}, 2);
	put_body(s);
	if (one_in(2)) {
		end = put_jump(w, (u8[]){0xe9}, 1);
		land(w, over);
		put_body(s);
		over = end;
	}
	land(w, over);
}

static void put_counted(struct shape *s)
{
	struct place *w = s->w;
	unsigned n = one_of(w->p->small), p = one_of(w->p->pointers);
	u32 top;

	put_imm32(w, n, 1 + below(one_in(4) ? 100 : 24));
	top = w->at;
	put_body(s);
	if (p != R_RSP && one_in(2)) /* walks */
		put(w, (u8[]){rex(0, p), 0x83, (u8)(0xc0 | (p & 7)), (u8)(1 << below(7))}, 4);
	put(w, (u8[]){rex(0, n), 0x83, (u8)(0xe8 | (n & 7)), 1}, 4);
	put_back_to(w, (u8[]){0x0f, one_in(8) ? 0x8f : 0x85}, 2, top);
}

/* One of two ways by a register: a switch, or a call of a pointer to a function. */
static void put_one_of_two(struct place *w, u32 a, u32 b, u8 ext)
{
	unsigned r = free_register(w->p), other = free_register(w->p);

	put_imm32(w, r, (u32)BLOCKS_CODE + a);
	if (other != r) {
		put_imm32(w, other, (u32)BLOCKS_CODE + b);
		put_condition(w);
		put(w,
		    (u8[]){rex(r, other), 0x0f, (u8)(0x40 | below(16)),
			   (u8)(0xc0 | (r & 7) << 3 | (other & 7))},
		    4);
	}
	if (one_in(3)) { /* through memory: also what is below the stack, where a call's return address goes */
		u8 below_stack = (u8)(-8 * (int)(1 + below(3)));

		put(w, (u8[]){rex(r, R_RSP), 0x89, (u8)(0x44 | (r & 7) << 3), 0x24, below_stack},
		    5);
		put(w, (u8[]){0xff, (u8)(0x44 | ext << 3), 0x24, below_stack}, 4);
		return;
	}
	put(w, (u8[]){(u8)(0x40 | r >> 3), 0xff, (u8)(0xc0 | ext << 3 | (r & 7))}, 3);
}

static void put_switch(struct shape *s)
{
	struct place *w = s->w;
	u32 over = put_jump(w, (u8[]){0xe9}, 1), a = w->at, b, from_a, from_b;

	put_body(s);
	from_a = put_jump(w, (u8[]){0xe9}, 1);
	b = w->at;
	put_body(s);
	from_b = put_jump(w, (u8[]){0xe9}, 1);
	land(w, over);
	put_one_of_two(w, a, b, 4);
	land(w, from_a);
	land(w, from_b);
}

static void put_call(struct shape *s)
{
	struct place *w = s->w;

	if (!s->nr_functions)
		return;
	if (one_in(3))
		put_one_of_two(w, s->function[below(s->nr_functions)],
			       s->function[below(s->nr_functions)], 2);
	else
		put_back_to(w, (u8[]){0xe8}, 1, s->function[below(s->nr_functions)]);
}

/* Something is kept on the stack the while. */
static void put_kept(struct shape *s)
{
	struct place *w = s->w;
	unsigned r = below(NR_GPR), to = one_in(2) ? r : free_register(w->p);

	put(w, (u8[]){(u8)(0x40 | r >> 3), (u8)(0x50 | (r & 7))}, 2);
	put_body(s);
	if (to == R_RSP)
		to = free_register(w->p);
	put(w, (u8[]){(u8)(0x40 | to >> 3), (u8)(0x58 | (to & 7))}, 2);
}

static void put_statement(struct shape *s)
{
	struct place *w = s->w;
	struct program *p = w->p;

	if (p->nr_blocks < BLOCKS_MAX && one_in(2)) { /* where somebody may come in from outside */
		p->at[p->nr_blocks] = w->at;
		p->len[p->nr_blocks++] = 16;
	}
	if (one_in(16) && w->at < BLOCKS_CODE_LEN - 2 * PAGE_SIZE) { /* to another page */
		u32 jump = put_jump(w, (u8[]){0xe9}, 1);

		w->at = (w->at + PAGE_SIZE) & (u32)(one_in(2) ? PAGE_MASK : ~0UL);
		land(w, jump);
	}
	switch (s->depth < 4 ? below(9) : 8) {
	case 0:
	case 1:
		put_if(s);
		break;
	case 2:
	case 3:
		put_counted(s);
		break;
	case 4:
		put_switch(s);
		break;
	case 5:
	case 6:
		put_call(s);
		break;
	case 7:
		put_kept(s);
		break;
	default:
		put_straight(w, 1 + below(12));
	}
}

static void put_body(struct shape *s)
{
	s->depth++;
	put_straight(s->w, below(5));
	for (unsigned n = 1 + below(3); n > 0 && s->left; n--) {
		s->left--;
		put_statement(s);
	}
	s->depth--;
}

static void put_function(struct shape *s)
{
	struct place *w = s->w;
	u8 frame = (u8)(8 * below(16));
	u32 at = w->at;

	if (frame)
		put(w, (u8[]){0x48, 0x83, 0xec, frame}, 4); /* sub rsp, frame */
	w->frame = frame;
	put_body(s);
	if (frame)
		put(w, (u8[]){0x48, 0x83, 0xc4, frame}, 4);
	put(w, (u8[]){0xc3}, 1);
	s->function[s->nr_functions++] = at;
}

/* Functions, which call those before them, and what goes round and round and calls them. */
static void make_shaped(const struct encoder *e, struct program *p)
{
	struct place w = {.e = e, .p = p};
	struct shape s = {.w = &w};
	u32 top;

	p->nr_blocks = 1;
	w.at = one_in(2) ? 0xe00 + below(0x200) : below(PAGE_SIZE);
	for (unsigned n = below(FUNCTIONS + 1); n > 0; n--) {
		s.left = 1 + below(6);
		put_function(&s);
		if (w.at < BLOCKS_CODE_LEN / 2)
			w.at += one_in(3) ? below(PAGE_SIZE / 2) : below(16);
	}
	w.frame = 64; /* nobody returns from here */
	s.left = 4 + below(20);
	top = p->at[0] = w.at;
	while (s.left > 0 && w.at < BLOCKS_CODE_LEN - PAGE_SIZE / 2)
		put_body(&s);
	p->len[0] = w.at - top;
	put_back_to(&w, (u8[]){0xe9}, 1, top);
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

static void make_all(const struct encoder *e, struct program *p)
{
	struct place w = {.e = e, .p = p};
	unsigned fill = one_in(4) ? 0xe00 : one_in(2) ? below(PAGE_SIZE) : 0;

	w.at = fill;
	for (unsigned b = 0; b < p->nr_blocks; b++) {
		unsigned n = 2 + below(one_in(2) ? 6 : 19);

		if (one_in(6)) { /* in another page */
			u32 to = (w.at + PAGE_SIZE) & (u32)(one_in(2) ? PAGE_MASK : ~0UL);

			if (to < BLOCKS_CODE_LEN - PAGE_SIZE) {
				put(&w, (u8[]){0xe9}, 1);
				to -= w.at + 4;
				put(&w, (u8 *)&to, 4);
				w.at += to;
			}
		}
		if (w.at > BLOCKS_CODE_LEN - 1024)
			w.at = below(64);
		p->at[b] = w.at;
		while (n-- > 0)
			put_insn(&w);
		put_end(&w, b);
		p->len[b] = w.at - p->at[b];
	}
	put(&w, (u8[]){0xe9}, 1);
	put_address(&w, 0, true);
	fix(&w);
}

void blocks_make(const struct encoder *e, struct program *p)
{
	p->nr_blocks = 2 + below(BLOCKS_MAX - 2);
	p->pointers = 1U << R_RSP | 1U << R_RSI | 1U << R_RDI;
	for (unsigned i = 0; i < 5; i++)
		p->pointers |= (u16)(1U << below(NR_GPR));
	p->small = 1U << R_RCX;
	for (unsigned i = 0; i < 2; i++)
		p->small |= (u16)(1U << below(NR_GPR));
	p->small &= (u16)~p->pointers;
	if (!p->small)
		p->small = p->pointers & ~(1U << R_RSP);
	memset(p->code, 0xcc, sizeof(p->code));
	memset(p->at, 0, sizeof(p->at));
	memset(p->len, 0, sizeof(p->len));
	p->shaped = one_in(2);
	if (p->shaped)
		make_shaped(e, p);
	else
		make_all(e, p);
}

void blocks_patch(const struct encoder *e, struct program *p, u32 *at, u32 *len)
{
	unsigned b = below(p->nr_blocks);
	struct place w = {.e = e, .p = p};

	*at = w.at = p->at[b] + below(p->len[b] ? p->len[b] : 1);
	put_insn(&w);
	*len = w.at - *at;
}
