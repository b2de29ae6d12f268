/* Images of x87 and SIMD state: FXSAVE's, XSAVE's, FNSAVE's. See trial.h.
 *
 * The engine's standard XSAVE image has the layout of CPUs with MPX (fpu.h), the host's its own: images
 * go through both layouts by components. Which components are in use (XSTATE_BV) a CPU may judge in its
 * own way, so one that is not is compared as its initial state. FIP, FDP, FOP and MXCSR_MASK are left
 * out.
 */
#include <cpuid.h>
#include <string.h>

#include "cpu/fpu.h"
#include "operands.h"
#include "random.h"
#include "trial.h"

#define NR_WIDE 4

static const struct {
	u8 n;
	u16 size;
} wide[NR_WIDE] = {{2, 256}, {5, 64}, {6, 512}, {7, 1024}};

enum { HOST, GUEST };
/* Where component @i of wide[] stands in a standard image. */
static u32 place(int side, unsigned i)
{
	unsigned a, b, c, d;
	u32 at, size;

	fpu_component(wide[i].n, &at, &size);
	if (side == GUEST)
		return at;
	return __get_cpuid_count(0xd, wide[i].n, &a, &b, &c, &d) ? b : at;
}

static bool is(const struct trial *t, const char *name)
{
	return !strcmp(insn_rows[t->row].name, name);
}

static void put64(u8 *p, u64 v)
{
	memcpy(p, &v, 8);
}

static void put32(u8 *p, u32 v)
{
	memcpy(p, &v, 4);
}

/* Offset of the image in the arena; false: not all of it can be written. */
static bool image_at(const struct trial *t, unsigned len, u64 *at)
{
	*at = t->target - ARENA(t->arena);
	return t->target >= ARENA(t->arena) &&
	       *at + len <= (t->arena == ARENA_RW ? ARENA_LEN : PAGE_SIZE);
}

/* ---- Before --------------------------------------------------------------------------------- */

static void legacy_image(const struct trial *t, u8 *p)
{
	memcpy(p, t->before.fx, FX_SIZE);
	fill_vector(p + FX_XMM0, 256);
	for (unsigned i = 0; i < 8; i++)
		fill_extended(p + FX_ST0 + 16 * i);
	put32(p + FX_MXCSR, one_in(8) ? 0x11f80 : rnd() & 0xffff);
}

/* Neither side may see what only one of them knows. */
static void make_header(const struct trial *t, u8 *p)
{
	u64 bv = rnd() & (one_in(2) ? XS_ALL : 7) & ~t->hidden, comp = 0;

	if (one_in(3) && !(t->hidden & XS_COMPACT))
		comp = XS_COMPACT | bv | (rnd() & XS_ALL & ~t->hidden);
	if (one_in(12)) /* not legal */
		*(one_in(2) ? &bv : &comp) ^= BIT(below(64)) & ~t->hidden;
	put64(p + XS_BV, bv);
	put64(p + XS_XCOMP_BV, comp);
	memset(p + XS_XCOMP_BV + 8, 0, XS_HEADER_END - XS_XCOMP_BV - 8);
	if (one_in(20))
		p[XS_XCOMP_BV + 8 + below(48)] = 1;
}

void image_prepare(struct trial *t)
{
	u8 *p;
	u64 at;

	if (insn_rows[t->row].feat == FEAT_XSAVE || is(t, "xsaveopt") || is(t, "xsavec")) {
		t->before.gpr[R_RAX] = (one_in(3) ? rnd() : rnd() & XS_ALL) & ~t->hidden;
		t->before.gpr[R_RDX] = rnd();
		if (one_in(4)) { /* MXCSR alone is no SSE state in use */
			memset(t->before.vec, 0, sizeof(t->before.vec));
			memset(t->before.fx + FX_XMM0, 0, 256);
		}
	}
	if ((!is(t, "fxrstor") && !is(t, "xrstor")) || !image_at(t, FX_SIZE, &at))
		return;
	p = t->data + at;
	legacy_image(t, p);
	if (is(t, "fxrstor") || !image_at(t, XS_SIZE, &at))
		return;
	make_header(t, p);
	fill_vector(p + XS_HEADER_END, XS_SIZE - XS_HEADER_END);
}

/* Moves the components of a standard image from one layout to the other. */
static void convert(u8 *to, const u8 *from, int to_side, int from_side)
{
	for (unsigned i = 0; i < NR_WIDE; i++)
		memcpy(to + place(to_side, i), from + place(from_side, i), wide[i].size);
}

void image_to_guest(const struct trial *t, u8 *data)
{
	u64 at;

	if (!is(t, "xrstor") || !image_at(t, XS_SIZE, &at) ||
	    (get64(t->data + at + XS_XCOMP_BV) & XS_COMPACT))
		return;
	convert(data + at, t->data + at, GUEST, HOST);
}

/* ---- Afterwards ----------------------------------------------------------------------------- */

/* What FXSAVE and kin put there of pointers and of MXCSR_MASK. */
static void scrub_legacy(u8 *p)
{
	memset(p + FX_FOP, 0, FX_MXCSR - FX_FOP);
	memset(p + FX_MXCSR_MASK, 0, 4);
}

/* FNSTENV, FNSAVE. */
static void scrub_env(const struct trial *t, u8 *p)
{
	if (t->d.width == W_W)
		memset(p + 6, 0, 8);
	else
		memset(p + 12, 0, 16);
}

struct xsave {
	u64 rfbm, used;
	bool compact;
	int side;
};

static u32 component_at(const struct xsave *x, unsigned i)
{
	u32 at = XS_HEADER_END;

	if (!x->compact)
		return place(x->side, i);
	for (unsigned j = 0; j < i; j++)
		if (x->rfbm >> wide[j].n & 1)
			at += wide[j].size;
	return at;
}

/* One component of the image as loading it would have it; 0 if it was not asked for. */
static void component(const struct xsave *x, const u8 *image, unsigned i, u8 *out)
{
	u32 at = component_at(x, i);

	if (x->rfbm & x->used & BIT(wide[i].n))
		memcpy(out, image + at, wide[i].size);
	else
		memset(out, 0, wide[i].size);
}

/* The legacy region in the same way, without MXCSR. */
static void legacy(const struct xsave *x, const u8 *image, u8 *out)
{
	static const u8 fresh_cw[2] = {X87_CW_DEFAULT & 0xff, X87_CW_DEFAULT >> 8};

	memset(out, 0, FX_SIZE);
	if (x->rfbm & XS_BIT_X87) {
		if (x->used & XS_BIT_X87) {
			memcpy(out, image, FX_FOP);
			memcpy(out + FX_ST0, image + FX_ST0, FX_XMM0 - FX_ST0);
		} else {
			memcpy(out, fresh_cw, 2);
		}
	}
	if ((x->rfbm & x->used & XS_BIT_SSE))
		memcpy(out + FX_XMM0, image + FX_XMM0, 256);
}

/* MXCSR is stored whenever SSE or AVX is asked for; by XSAVEC when SSE is stored. */
static bool same_mxcsr(const struct xsave x[2], const u8 *host, const u8 *guest)
{
	bool stored = x[0].rfbm & (XS_BIT_SSE | XS_BIT_AVX);

	if (x[0].compact)
		stored = x[0].used & x[1].used & x[0].rfbm & XS_BIT_SSE;
	return !stored || !memcmp(host + FX_MXCSR, guest + FX_MXCSR, 4);
}

static bool same_xsave(const struct trial *t, const u8 *host, const u8 *guest)
{
	u64 asked = (u64)(u32)t->before.gpr[R_RDX] << 32 | (u32)t->before.gpr[R_RAX];
	bool compact = is(t, "xsavec");
	struct xsave x[2] = {{asked & XS_ALL, get64(host + XS_BV), compact, HOST},
			     {asked & XS_ALL, get64(guest + XS_BV), compact, GUEST}};
	static u8 a[1024], b[1024]; /* too long for a frame */

	if (compact && get64(host + XS_XCOMP_BV) != get64(guest + XS_XCOMP_BV))
		return false;
	/* Of components not asked for XSTATE_BV stays. */
	if (!compact && ((x[0].used ^ x[1].used) & ~x[0].rfbm))
		return false;
	/* Registers that are all zero a CPU may count as used or not; others, and MXCSR for XSAVEC, are. */
	if (x[1].used & ~x[0].used & x[0].rfbm & (XS_BIT_SSE | XS_BIT_AVX))
		return false;
	legacy(&x[0], host, a);
	legacy(&x[1], guest, b);
	if (memcmp(a, b, FX_SIZE) || !same_mxcsr(x, host, guest))
		return false;
	for (unsigned i = 0; i < NR_WIDE; i++) {
		component(&x[0], host, i, a);
		component(&x[1], guest, i, b);
		if (memcmp(a, b, wide[i].size))
			return false;
	}
	return true;
}

/* In the engine's image nothing may change but what its layout says. */
static bool only_own_bytes(const struct trial *t, const u8 *guest, const u8 *before)
{
	u64 rfbm = ((u32)t->before.gpr[R_RAX]) & XS_ALL, used = get64(guest + XS_BV);
	struct xsave x = {rfbm, used, is(t, "xsavec"), GUEST};
	u64 save = is(t, "xsave") ? rfbm : rfbm & used;
	static bool allowed[XS_SIZE]; /* too long for a frame */

	memset(allowed, 0, sizeof(allowed));
	memset(allowed + FX_MXCSR, 1, 8);
	memset(allowed + XS_BV, 1, 16);
	if (save & XS_BIT_X87) {
		memset(allowed, 1, FX_MXCSR);
		memset(allowed + FX_ST0, 1, FX_XMM0 - FX_ST0);
	}
	if (save & XS_BIT_SSE)
		memset(allowed + FX_XMM0, 1, 256);
	for (unsigned i = 0; i < NR_WIDE; i++)
		if (save >> wide[i].n & 1)
			memset(allowed + component_at(&x, i), 1, wide[i].size);
	for (unsigned i = 0; i < XS_SIZE; i++)
		if (!allowed[i] && guest[i] != before[i])
			return false;
	return true;
}

bool image_match(const struct trial *t, struct native_state *native, u8 *native_data,
		 struct native_state *guest, u8 *guest_data)
{
	const struct insn_row *row = &insn_rows[t->row];
	bool save = is(t, "xsave") || is(t, "xsaveopt") || is(t, "xsavec");
	bool ok = true;
	u64 at;

	if (is(t, "fxsave") && image_at(t, FX_SIZE, &at)) {
		scrub_legacy(native_data + at);
		scrub_legacy(guest_data + at);
	}
	if ((row->attr & SIZE_BY_66) && (row->attr & MEM_WRITE) && image_at(t, 108, &at)) {
		scrub_env(t, native_data + at);
		scrub_env(t, guest_data + at);
	}
	if (!save && !is(t, "xrstor"))
		return true;
	/* Where a standard image ends, and so where it faults, is a matter of its layout. */
	if (native->fault_addr - t->target >= XS_HEADER_END &&
	    !((native->fault_addr ^ guest->fault_addr) & PAGE_MASK))
		native->fault_addr = guest->fault_addr;
	if (!image_at(t, XS_SIZE, &at)) {
		if (save && image_at(t, FX_SIZE, &at)) {
			scrub_legacy(native_data + at);
			scrub_legacy(guest_data + at);
		}
		return true;
	}
	if (save && !native->trap && !guest->trap)
		ok = same_xsave(t, native_data + at, guest_data + at) &&
		     only_own_bytes(t, guest_data + at, t->data + at);
	memset(native_data + at, 0, XS_SIZE);
	memset(guest_data + at, 0, XS_SIZE);
	return ok;
}
