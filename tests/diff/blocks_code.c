/* See the header. What compilers make is as likely as all the rest of the tables together; a block's memory
 * operands are off registers that point to data, and those are changed by what compilers change pointers with. */
#include "blocks.h"

#include <string.h>

#include "cpu/model.h"
#include "random.h"

static struct {
	u16 all[4096], often[512], ends[128];
	unsigned nr_all, nr_often, nr_ends;
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
	return BLOCKS_CODE + p->at[below(p->nr_blocks)] + (one_in(16) ? below(12) : 0);
}

/* ---- One instruction ---------------------------------------------------------------------------------- */

/* Where it goes. */
struct place {
	const struct encoder *e;
	struct program *p;
	u32 at;
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

/* Gives the operand an address that data is likely to be at. False: its registers are the wrong ones. */
static bool aim(struct place *w, u8 *code, const struct decoded *d)
{
	const struct program *p = w->p;
	s64 disp;

	if (!d->modrm_at || d->mod == 3 || (insn_rows[d->row].attr & NOACCESS) || one_in(40))
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
		if ((spoils(w->p, &d) && !one_in(30)) || !aim(w, code, &d))
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
