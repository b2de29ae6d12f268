/*
 * Native thunks: the pool of host code and the re-encoding of guest instructions. See the header.
 */
#include "cpu/thunk.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "cpu/block.h"
#include "cpu/decode_vex.h"
#include "cpu/insn.h"
#include "cpu/thunk_static.h"
#include "cpu/vec.h"

#define INT3 0xcc
#define RET 0xc3

/* ---- The pool ------------------------------------------------------------------------------- */

static const u8 code_none[1], code_fwait[] = {0x9b};

/* What stands around the instruction, by kind: see CAPTURE and RESTORE of interp.h. */
static const struct {
	u8 before[4], after[5];
	u8 nr_before, nr_after;
} frames[] = {
	[THUNK_PLAIN] = {.after = {RET}, .nr_after = 1},
	/* lahf; seto al; ret */
	[THUNK_FLAGS_OUT] = {.after = {0x9f, 0x0f, 0x90, 0xc0, RET}, .nr_after = 5},
	/* add al, 0x7f; sahf */
	[THUNK_FLAGS_IN] = {.before = {0x04, 0x7f, 0x9e},
			    .nr_before = 3,
			    .after = {RET},
			    .nr_after = 1},
};

static u32 hash_slot(const u8 *slot)
{
	u64 lo, hi;

	memcpy(&lo, slot, sizeof(lo));
	memcpy(&hi, slot + sizeof(lo), sizeof(hi));
	lo ^= hi * 0x9e3779b97f4a7c15UL;
	return (u32)((lo * 0xd6e8feb86659fd93UL) >> 40) % THUNK_BUCKETS;
}

static void write_slot(u8 *slot, const u8 *code, unsigned len, enum thunk_kind kind)
{
	unsigned at = frames[kind].nr_before;

	memset(slot, INT3, THUNK_SIZE);
	memcpy(slot, frames[kind].before, at);
	memcpy(slot + at, code, len);
	memcpy(slot + at + len, frames[kind].after, frames[kind].nr_after);
}

/* Fixed thunks with one register each, in bytes: C4 or 62, P0, P1, and P2 of EVEX, opcode, ModRM. */
static const struct {
	u8 slot, nr;
	u8 code[6];
	bool evex, in_rm; /* the register is modrm.rm, not reg */
} register_thunks[] = {
	{THUNK_YMM_STORE, 16, {0xc4, 0xe1, 0x7e, 0x7f, 0x07}, false, false},
	{THUNK_YMM_LOAD, 16, {0xc4, 0xe1, 0x7e, 0x6f, 0x07}, false, false},
	{THUNK_ZMM_STORE, 32, {0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x07}, true, false},
	{THUNK_ZMM_LOAD, 32, {0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x07}, true, false},
	{THUNK_K_GET, 8, {0xc4, 0xe1, 0xfb, 0x93, 0xc0}, false, true},
	{THUNK_K_SET, 8, {0xc4, 0xe1, 0xfb, 0x92, 0xc0}, false, false},
	{THUNK_SIGNS_4, 16, {0xc4, 0xe1, 0x7c, 0x50, 0xc0}, false, true},
	{THUNK_SIGNS_8, 16, {0xc4, 0xe1, 0x7d, 0x50, 0xc0}, false, true},
};

static void write_register_thunks(struct thunk_pool *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(register_thunks); i++) {
		unsigned len = register_thunks[i].evex ? 6 : 5;

		for (unsigned n = 0; n < register_thunks[i].nr; n++) {
			u8 code[6];

			memcpy(code, register_thunks[i].code, sizeof(code));
			code[len - 1] |= (n & 7) << (register_thunks[i].in_rm ? 0 : 3);
			if (n & 8)
				code[1] &= register_thunks[i].in_rm ? ~0x20 : ~0x80;
			if (n & 16)
				code[1] &= ~0x10;
			write_slot(p->write + (register_thunks[i].slot + n) * THUNK_SIZE, code, len,
				   THUNK_PLAIN);
		}
	}
}

void thunk_pool_reset(struct thunk_pool *p)
{
	if (p->nr || p->notes) /* else they are as the host gave them */
		memset(p->bucket, 0, THUNK_BUCKETS * sizeof(*p->bucket));
	if (p->notes) {
		thunk_static_reset(p);
		return;
	}
	write_slot(p->write + THUNK_FAULT * THUNK_SIZE, code_none, 0, THUNK_PLAIN);
	write_slot(p->write + THUNK_FWAIT * THUNK_SIZE, code_fwait, sizeof(code_fwait),
		   THUNK_PLAIN);
	write_register_thunks(p);
	p->nr = NR_FIXED_THUNKS;
}

const void *thunk_make(struct thunk_pool *p, const u8 *code, unsigned len, enum thunk_kind kind)
{
	u8 slot[THUNK_SIZE];
	u32 b;

	VM_BUG_ON(len + frames[kind].nr_before + frames[kind].nr_after > THUNK_SIZE);
	write_slot(slot, code, len, kind);
	for (b = hash_slot(slot); p->bucket[b]; b = (b + 1) % THUNK_BUCKETS)
		if (!memcmp(p->write + p->bucket[b] * THUNK_SIZE, slot, THUNK_SIZE))
			return thunk_fixed(p, p->bucket[b]);
	if (p->nr == THUNK_MAX)
		return NULL;
	memcpy(p->write + p->nr * THUNK_SIZE, slot, THUNK_SIZE);
	p->bucket[b] = p->nr;
	return thunk_fixed(p, p->nr++);
}

/* ---- Re-encoding ---------------------------------------------------------------------------- */

static bool rm_is_gpr(const struct decoded *d)
{
	return d->mod == 3 && form_rm_is_gpr(insn_rows[d->row].form);
}

/* REX for the host: W stays; R and B go where their register became rax, [rdi] or a number of the
 * x87 stack; X never has a use. */
static u8 host_rex(const struct decoded *d)
{
	unsigned form = insn_rows[d->row].form;
	u8 keep = 8;

	if (form == FORM_x87 || form == FORM_x87_ax)
		return 0;
	if (!form_reg_is_gpr(form))
		keep |= 4;
	if (d->mod == 3 && !rm_is_gpr(d))
		keep |= 1;
	return d->rex & keep ? 0x40 | (d->rex & keep) : 0;
}

static u8 host_modrm(const struct decoded *d)
{
	u8 modrm = d->modrm;

	if (form_reg_is_gpr(insn_rows[d->row].form))
		modrm &= ~0x38;
	if (d->mod != 3)
		modrm = (modrm & 0x38) | 7; /* [rdi] */
	else if (rm_is_gpr(d))
		modrm &= ~7;
	return modrm;
}

/* Bytes of the mandatory prefix, and of 66 where it selects the format of an image. */
static unsigned put_prefix(u8 *out, const struct decoded *d)
{
	static const u8 bytes[] = {[PFX_66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2};
	const struct insn_row *row = &insn_rows[d->row];
	unsigned pfx = (row->attr & SIZE_BY_66) && d->width == W_W ? PFX_66 : row->pfx;

	if (pfx == PFX_NONE || pfx == PFX_ANY)
		return 0;
	*out = bytes[pfx];
	return 1;
}

/* ModRM and immediate. */
static unsigned put_tail(u8 *out, const struct decoded *d)
{
	unsigned n = 0;

	if (d->modrm_at)
		out[n++] = host_modrm(d);
	for (unsigned i = 0; i < d->imm_len; i++)
		out[n++] = (u8)(d->imm >> 8 * i);
	return n;
}

/* EVEX as it stands, but for X and B with [rdi], and the bits of what became rax. */
static unsigned encode_evex(u8 *out, const struct decoded *d)
{
	memcpy(out, d->bytes + d->nr_prefix, 4);
	if (d->mod != 3 || rm_is_gpr(d))
		out[1] |= 0x60;
	if (form_reg_is_gpr(insn_rows[d->row].form))
		out[1] |= 0x90;
	out[4] = d->op;
	return 5 + put_tail(out + 5, d);
}

/* VEX always in its long form. */
static unsigned encode_vex(u8 *out, const struct decoded *d)
{
	static const u8 pp[] = {[PFX_NONE] = 0, [PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};

	if (map_is_evex(d->map))
		return encode_evex(out, d);
	out[0] = 0xc4;
	out[1] = (~host_rex(d) & 7) << 5 | (d->map - MAP_V0F + 1);
	out[2] = (d->rex & 8) << 4 | (~d->vvvv & 15) << 3 | d->vl << 2 | pp[d->pfx];
	out[3] = d->op;
	return 4 + put_tail(out + 4, d);
}

/* Writes the instruction as the host is to run it; returns its length, at most 8. */
static unsigned encode(u8 *out, const struct decoded *d)
{
	static const u8 maps[NR_MAPS][2] = {
		[MAP_0F] = {0x0f}, [MAP_0F38] = {0x0f, 0x38}, [MAP_0F3A] = {0x0f, 0x3a}};
	static const u8 nr_map[NR_MAPS] = {[MAP_0F] = 1, [MAP_0F38] = 2, [MAP_0F3A] = 2};
	unsigned n = map_is_vex(d->map) ? 0 : put_prefix(out, d);
	u8 rex = d->modrm_at ? host_rex(d) : 0;

	if (map_is_vex(d->map))
		return encode_vex(out, d);
	if (rex)
		out[n++] = rex;
	memcpy(out + n, maps[d->map], nr_map[d->map]);
	n += nr_map[d->map];
	out[n++] = d->op;
	return n + put_tail(out + n, d);
}

static enum thunk_kind kind_of(const struct insn_row *row)
{
	return row->writes ? THUNK_FLAGS_OUT : row->reads ? THUNK_FLAGS_IN : THUNK_PLAIN;
}

int thunk_bind(struct code_cache *cache, const struct decoded *d, struct insn *in)
{
	const struct insn_row *row = &insn_rows[d->row];
	const void *thunk;
	u8 code[8];

	if (row->attr & VSIB) {
		gather_bind(d, in);
		return 0;
	}
	if (((struct thunk_pool *)cache->thunks)->notes)
		thunk = thunk_static_make(cache->thunks, d, kind_of(row));
	else
		thunk = thunk_make(cache->thunks, code, encode(code, d), kind_of(row));
	if (!thunk)
		return -ENOMEM;
	in->imm = (u64)thunk;
	vec_bind(d, in);
	return 0;
}

void thunk_flush(struct code_cache *cache)
{
	thunk_pool_reset(cache->thunks);
}
