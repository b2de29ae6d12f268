/*
 * AVX and AVX-512: handlers around native thunks, see vec.h, and what is particular to masks.
 *
 * A masked memory operand (VMASKMOV and kin; EVEX with k1 to k7 where the row has ELEM) touches
 * only what the mask selects: no fault comes from the rest. While the whole operand lies in a page
 * that the TLB has, the host does it all; else the selected bytes are found in software, and the
 * host works on a copy.
 *
 * In struct insn of such rows: width log2 of the operand's bytes; rm the mask register (EVEX: k,
 * VEX: ymm); reg how many bits of it count. SDM vol. 2A, 2.7.6 "EVEX and fault suppression".
 */
#include <string.h>

#include "cpu/decode_vex.h"
#include "cpu/vec.h"

VEC_SET(avx, V_AVX);
VEC_SET(avx_gout, V_AVX | V_GOUT);
VEC_SET(avx_cmp, V_AVX | V_CC_OUT);
VEC_REG(avx_gin, V_AVX | V_GIN)
VEC_REG(avx_rmout, V_AVX | V_RMOUT)
OPS_BY_EA(op_avx_gin, avx_gin_reg, avx_base, avx_full);
OPS_BY_EA(op_avx_rmout, avx_rmout_reg, avx_base, avx_full);

#define V_512 (V_AVX | V_EVEX)
VEC_SET(evex, V_512);
VEC_SET(evex_gout, V_512 | V_GOUT);
VEC_SET(evex_cmp, V_512 | V_CC_OUT);
VEC_REG(evex_gin, V_512 | V_GIN)
VEC_REG(evex_rmout, V_512 | V_RMOUT)
OPS_BY_EA(op_evex_gin, evex_gin_reg, evex_base, evex_full);
OPS_BY_EA(op_evex_rmout, evex_rmout_reg, evex_base, evex_full);

VEC_FAST_LOAD(avx, V_AVX, 4, 0, 4)
VEC_FAST_LOAD(avx, V_AVX, 8, 0, 8)
VEC_FAST_LOAD(avx, V_AVX, 16, 0, 16)
VEC_FAST_LOAD(avx, V_AVX, 32, 0, 32)
VEC_FAST_STORE(avx, V_AVX, 4, 0, 4)
VEC_FAST_STORE(avx, V_AVX, 8, 0, 8)
VEC_FAST_STORE(avx, V_AVX, 16, 0, 16)
VEC_FAST_STORE(avx, V_AVX, 32, 0, 32)
VEC_FAST_LOAD(avx, V_AVX, 16, 16, 16a)
VEC_FAST_LOAD(avx, V_AVX, 32, 32, 32a)
VEC_FAST_STORE(avx, V_AVX, 16, 16, 16a)
VEC_FAST_STORE(avx, V_AVX, 32, 32, 32a)
VEC_FAST_LOAD(avx_cmp, V_AVX | V_CC_OUT, 4, 0, 4)
VEC_FAST_LOAD(avx_cmp, V_AVX | V_CC_OUT, 8, 0, 8)
VEC_FAST_LOAD(evex, V_512, 32, 0, 32)
VEC_FAST_LOAD(evex, V_512, 64, 0, 64)
VEC_FAST_STORE(evex, V_512, 32, 0, 32)
VEC_FAST_STORE(evex, V_512, 64, 0, 64)

const struct vec_fast avx_fast[] = {
	VEC_FAST_ROWS(avx, ld, 4, 4, MEM_READ),
	VEC_FAST_ROWS(avx, ld, 8, 8, MEM_READ),
	VEC_FAST_ROWS(avx, ld, 16, 16, MEM_READ),
	VEC_FAST_ROWS(avx, ld, 32, 32, MEM_READ),
	VEC_FAST_ROWS(avx, st, 4, 4, MEM_WRITE),
	VEC_FAST_ROWS(avx, st, 8, 8, MEM_WRITE),
	VEC_FAST_ROWS(avx, st, 16, 16, MEM_WRITE),
	VEC_FAST_ROWS(avx, st, 32, 32, MEM_WRITE),
	VEC_FAST_ROWS(avx, ld, 16a, 16, MEM_READ | ALIGN),
	VEC_FAST_ROWS(avx, ld, 32a, 32, MEM_READ | ALIGN),
	VEC_FAST_ROWS(avx, st, 16a, 16, MEM_WRITE | ALIGN),
	VEC_FAST_ROWS(avx, st, 32a, 32, MEM_WRITE | ALIGN),
	VEC_FAST_ROWS(avx_cmp, ld, 4, 4, MEM_READ),
	VEC_FAST_ROWS(avx_cmp, ld, 8, 8, MEM_READ),
	VEC_FAST_ROWS(evex, ld, 32, 32, MEM_READ),
	VEC_FAST_ROWS(evex, ld, 64, 64, MEM_READ),
	VEC_FAST_ROWS(evex, st, 32, 32, MEM_WRITE),
	VEC_FAST_ROWS(evex, st, 64, 64, MEM_WRITE),
};
const unsigned nr_avx_fast = ARRAY_SIZE(avx_fast);

static void avx_str(struct cpu *cpu, const struct insn *in)
{
	const struct insn *next = vec_string(cpu, in, V_AVX);

	if (next)
		GOTO(cpu, next);
}
OPS_BY_EA(op_avx_str, avx_str, avx_str, avx_str);

/* ---- Masked operands ------------------------------------------------------------------------ */

#define LOW_BITS(n) ((n) >= 64 ? ~0UL : (1UL << (n)) - 1)

/* The mask of @in, a bit an element of the operation. */
static u64 mask_bits(struct cpu *cpu, const struct insn *in, bool evex, unsigned elem)
{
	unsigned slot = evex ? THUNK_K_GET : elem == 4 ? THUNK_SIGNS_4 : THUNK_SIGNS_8;
	u64 rax = ~0UL;

	if (!evex || in->rm) /* k0: all */
		thunk_call_rax(thunk_fixed(cpu->code->thunks, slot + in->rm), NULL, &rax);
	return rax & LOW_BITS(in->reg);
}

/* Not the builtin: without POPCNT that calls libgcc. */
static unsigned count_bits(u64 bits)
{
	unsigned n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* Selected bytes of the memory operand. */
static u64 selected_bytes(struct cpu *cpu, const struct insn *in)
{
	const struct insn_row *row = &insn_rows[in->row];
	unsigned elem = ATTR_ELEM(row->attr), n = (1U << in->width) / elem;
	u64 bits = mask_bits(cpu, in, map_is_evex(row->map), elem), bytes = 0;

	if (row->attr & DISP_ELEM) /* as many as there are bits, one behind the other */
		bits = LOW_BITS(count_bits(bits));
	for (unsigned i = 0; i < in->reg; i++)
		if (bits >> i & 1)
			bytes |= LOW_BITS(elem) << (i % n * elem);
	return bytes;
}

/* Translates what @bytes selects of the operand at @ea. False: fault raised. Pieces without a
 * selected byte have host NULL. */
struct pieces {
	u8 *host[2]; /* of ea; of the second page */
	unsigned first;
};

/* With breakpoints: only what is selected is touched. */
static void debug_bytes(struct cpu *cpu, gva_t base, u64 bytes, enum tlb_access acc)
{
	for (; bytes; bytes &= bytes - 1)
		debug_access(cpu, base + __builtin_ctzl(bytes), 1, acc);
}

static bool open_pieces(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size, u64 bytes,
			enum tlb_access acc, struct pieces *p)
{
	gva_t page2 = (ea | ~PAGE_MASK) + 1;
	u32 err;

	p->first = ea + size > page2 || ea + size < ea ? page2 - ea : size;
	for (unsigned i = 0; i < 2; i++) {
		u64 mine = !i ? bytes & LOW_BITS(p->first) : p->first < 64 ? bytes >> p->first : 0;
		gva_t addr = i ? page2 : ea;
		void *host;

		p->host[i] = NULL;
		if (!mine || p->first == (i ? size : 0))
			continue;
		addr += __builtin_ctzl(mine);
		if (!canonical(addr)) {
			cpu_raise(cpu, in, canonical_vector(in), 0);
			return false;
		}
		err = tlb_open(&cpu->tlb, addr, 64 - __builtin_ctzl(mine), acc, PF_USER, &host);
		if (err & TLB_FAULT) {
			cpu_raise_page_fault(cpu, in, addr, err & ~TLB_FAULT);
			return false;
		}
		p->host[i] = (u8 *)host - __builtin_ctzl(mine);
		if (unlikely(cpu->debug.armed))
			debug_bytes(cpu, i ? page2 : ea, mine, acc);
	}
	return true;
}

/* As seen on Zen 4: nothing selected is nothing misaligned; VEX masks never mind EFLAGS.AC, EVEX ones
 * want the alignment of an element. */
static bool misaligned(struct cpu *cpu, const struct insn *in, gva_t ea, unsigned size)
{
	const struct insn_row *row = &insn_rows[in->row];
	bool gp = (row->attr & ALIGN) && (ea & (size - 1));
	bool ac = map_is_evex(row->map) && (cpu->regs.flags & F_AC) &&
		  (ea & vec_ac_mask(ATTR_ELEM(row->attr)));

	if (!gp && !ac)
		return false;
	cpu_raise(cpu, in, gp ? X86_GP : canonical(ea) ? X86_AC : canonical_vector(in), 0);
	return true;
}

/* The memory operand of @in, less what its mask leaves out (@bytes: what it does not). False: exception
 * raised. */
static bool open_masked(struct cpu *cpu, const struct insn *in, enum tlb_access acc, u64 *bytes,
			struct pieces *p)
{
	gva_t ea = ea_full(cpu, in);
	unsigned size = 1U << in->width;

	*bytes = selected_bytes(cpu, in);
	if (*bytes && misaligned(cpu, in, ea, size))
		return false;
	return open_pieces(cpu, in, ea, size, *bytes, acc, p);
}

/* The next instruction; NULL: exception raised. */
static SLOW const struct insn *masked_load_slow(struct cpu *cpu, const struct insn *in, unsigned v)
{
	unsigned size = 1U << in->width;
	u8 buf[64] __attribute__((aligned(64)));
	struct pieces p;
	u64 bytes;

	if (!open_masked(cpu, in, TLB_READ, &bytes, &p))
		return NULL;
	memset(buf, 0, sizeof(buf));
	if (p.host[0])
		memcpy(buf, p.host[0], p.first);
	if (p.host[1])
		memcpy(buf + p.first, p.host[1], size - p.first);
	return vec_run(cpu, in, v, buf) ? in + 1 : NULL;
}

static SLOW const struct insn *masked_store_slow(struct cpu *cpu, const struct insn *in, unsigned v)
{
	unsigned size = 1U << in->width;
	u8 data[64] __attribute__((aligned(64)));
	struct pieces p;
	u64 bytes;

	if (!open_masked(cpu, in, TLB_WRITE, &bytes, &p) || !vec_run(cpu, in, v, data))
		return NULL;
	for (unsigned i = 0; i < size; i++)
		if (bytes >> i & 1)
			*(i < p.first ? p.host[0] + i : p.host[1] + (i - p.first)) = data[i];
	return vec_wrote(cpu, in);
}

/* Handlers. */
#define MASKED(name, v, acc, slow)                                                                 \
	static void name(struct cpu *cpu, const struct insn *in)                                   \
	{                                                                                          \
		gva_t ea = ea_full(cpu, in);                                                       \
		unsigned size = 1U << in->width;                                                   \
		bool aligned = !(insn_rows[in->row].attr & ALIGN) || !(ea & (size - 1));           \
		const struct insn *next;                                                           \
		void *p;                                                                           \
                                                                                                   \
		vec_need(cpu, v);                                                                  \
		p = aligned && mem_fast(cpu, true) ? tlb_lookup(&cpu->tlb, ea, size, acc) : NULL;  \
		if (likely(p))                                                                     \
			next = vec_run(cpu, in, v, p) ? in + 1 : NULL;                             \
		else                                                                               \
			next = slow(cpu, in, v);                                                   \
		if (next)                                                                          \
			GOTO(cpu, next);                                                           \
	}
MASKED(avx_mask_load, V_AVX, TLB_READ, masked_load_slow)
MASKED(avx_mask_store, V_AVX, TLB_WRITE, masked_store_slow)
MASKED(evex_mask_load, V_512, TLB_READ, masked_load_slow)
MASKED(evex_mask_store, V_512, TLB_WRITE, masked_store_slow)
/* avx_bind() chooses. */
OPS_BY_EA(op_avx_mask, avx_mask_load, avx_mask_load, avx_mask_load);

static unsigned log2_of(unsigned size)
{
	return 31 - __builtin_clz(size);
}

/* Bits of the mask that count. */
static unsigned mask_len(const struct insn_row *row, const struct decoded *d)
{
	struct decoded whole = *d;

	if (row->attr & SPREAD)
		return (16U << d->vl) / ATTR_ELEM(row->attr);
	whole.evex &= ~EVEX_B;
	return vex_mem_size(row, &whole) / ATTR_ELEM(row->attr);
}

void avx_bind(const struct decoded *d, struct insn *in)
{
	const struct insn_row *row = &insn_rows[in->row];
	bool store = row->attr & MEM_WRITE, evex = map_is_evex(d->map);
	unsigned size = vex_mem_size(row, d);

	in->width = log2_of(size);
	if (ATTR_ELEM(row->attr) &&
	    (!evex || (d->evex & EVEX_AAA) || (store && (row->attr & DISP_ELEM)))) {
		in->reg = mask_len(row, d);
		in->rm = evex ? d->evex & EVEX_AAA : d->vvvv;
		if (evex)
			in->fn = store ? evex_mask_store : evex_mask_load;
		else
			in->fn = store ? avx_mask_store : avx_mask_load;
		return;
	}
	vec_use_fast(avx_fast, nr_avx_fast, size, in);
}
