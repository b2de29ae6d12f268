/*
 * XSAVE images of the guest's state: what its XSAVE and XRSTOR write and read, and what signal
 * frames hold. All from struct fpu_state, outside of the host's unit, so that their layout is the
 * model's and not the host's. See fpu.h. SDM vol. 1, chapter 13.
 */
#include <errno.h>
#include <string.h>

#include "cpu/fpu.h"
#include "cpu/model.h"

#define COMPACT BIT(63)
#define LEGACY (XS_BIT_X87 | XS_BIT_SSE)

static const struct {
	u8 bit;
	u16 at, size;
} wide[] = {
	{2, XS_YMM_HI, 256},
	{5, XS_OPMASK, 64},
	{6, XS_ZMM_HI, 512},
	{7, XS_ZMM_HI16, 1024},
};

void fpu_component(unsigned n, u32 *at, u32 *size)
{
	*at = *size = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
		if (wide[i].bit == n) {
			*at = wide[i].at;
			*size = wide[i].size;
		}
}

static void put64(u8 *p, u64 v)
{
	memcpy(p, &v, sizeof(v));
}

static void put32(u8 *p, u32 v)
{
	memcpy(p, &v, sizeof(v));
}

static bool all_zero(const u8 *p, unsigned size)
{
	for (unsigned i = 0; i < size; i += 8)
		if (get64(p + i))
			return false;
	return true;
}

u64 fpu_in_use(const struct fpu_state *state, bool with_mxcsr)
{
	const u8 *a = state->area;
	u64 used = 0;

	if ((get32(a + FX_FCW) & 0xffffffff) != X87_CW_DEFAULT || a[FX_FTW] ||
	    !all_zero(a + FX_ST0, FX_XMM0 - FX_ST0))
		used |= XS_BIT_X87;
	if ((with_mxcsr && get32(a + FX_MXCSR) != MXCSR_DEFAULT) || !all_zero(a + FX_XMM0, 256))
		used |= XS_BIT_SSE;
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
		if (!all_zero(a + wide[i].at, wide[i].size))
			used |= BIT(wide[i].bit);
	return used;
}

bool fpu_uses_avx512(const struct fpu_state *state)
{
	return (get64(state->area + XS_BV) & XS_BITS_AVX512) &&
	       (fpu_in_use(state, false) & XS_BITS_AVX512);
}

u32 fpu_xsave_size(u64 components, bool compact)
{
	u32 size = XS_HEADER_END;

	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
		if (components >> wide[i].bit & 1)
			size = (compact ? size : wide[i].at) + wide[i].size;
	return size;
}

/* Copies the legacy region's parts that @components name. */
static void copy_legacy(u8 *to, const u8 *from, u64 components, bool mxcsr)
{
	if (components & XS_BIT_X87) {
		memcpy(to, from, FX_MXCSR);
		memcpy(to + FX_ST0, from + FX_ST0, FX_XMM0 - FX_ST0);
	}
	if (mxcsr)
		memcpy(to + FX_MXCSR, from + FX_MXCSR, 4);
	if (components & XS_BIT_SSE)
		memcpy(to + FX_XMM0, from + FX_XMM0, 256);
}

void fpu_xsave(struct cpu *cpu, void *image, u64 rfbm, enum xsave_kind kind, bool wide_pointers)
{
	static const u32 mask = MXCSR_MASK;
	u8 *to = image, *from = cpu->fpu->area;
	u64 used = fpu_in_use(cpu->fpu, kind == XSAVE_COMPACT) & rfbm;
	u64 save = kind == XSAVE_ALL ? rfbm : used;
	u32 at = XS_HEADER_END;
	bool mxcsr = kind == XSAVE_COMPACT ? save & XS_BIT_SSE : rfbm & (XS_BIT_SSE | XS_BIT_AVX);

	fpu_image_put_pointers(from, &cpu->regs, wide_pointers);
	copy_legacy(to, from, save, mxcsr);
	if (mxcsr)
		memcpy(to + FX_MXCSR_MASK, &mask, sizeof(mask));
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++) {
		if (!(rfbm >> wide[i].bit & 1))
			continue;
		if (save >> wide[i].bit & 1)
			memcpy(to + (kind == XSAVE_COMPACT ? at : wide[i].at), from + wide[i].at,
			       wide[i].size);
		at += wide[i].size;
	}
	if (kind == XSAVE_COMPACT) {
		put64(to + XS_BV, used);
		put64(to + XS_XCOMP_BV, rfbm | COMPACT);
	} else {
		put64(to + XS_BV, (get64(to + XS_BV) & ~rfbm) | used);
	}
}

bool fpu_header_legal(const struct cpu *cpu, const void *image)
{
	const u8 *header = (const u8 *)image + XS_BV;
	u64 bv = get64(header), comp = get64(header + 8);

	if (bv & ~cpu->xcr0)
		return false;
	if (!(comp & COMPACT))
		return !comp && !get64(header + 16);
	return cpu_has(cpu, FEAT_XSAVEC) && !((comp & ~COMPACT) & ~cpu->xcr0) && !(bv & ~comp) &&
	       all_zero(header + 16, XS_HEADER_END - XS_BV - 16);
}

u32 fpu_image_size(const void *image, u64 rfbm)
{
	u64 bv = get64((const u8 *)image + XS_BV), comp = get64((const u8 *)image + XS_XCOMP_BV);
	u64 load = bv & rfbm, below;

	if (!(comp & COMPACT))
		return fpu_xsave_size(rfbm, false);
	below = load ? ~0UL >> __builtin_clzl(load) : 0;
	return fpu_xsave_size(comp & below, true);
}

/* x87 and SSE as they are at exec. */
static void init_legacy(struct cpu *cpu, u64 components, bool mxcsr)
{
	static const u8 fresh[FX_SIZE] = {
		[FX_FCW] = X87_CW_DEFAULT & 0xff,
		[FX_FCW + 1] = X87_CW_DEFAULT >> 8,
		[FX_MXCSR] = MXCSR_DEFAULT & 0xff,
		[FX_MXCSR + 1] = MXCSR_DEFAULT >> 8,
	};

	copy_legacy(cpu->fpu->area, fresh, components, mxcsr);
}

int fpu_xrstor(struct cpu *cpu, const void *image, u64 rfbm, bool wide_pointers)
{
	const u8 *from = image;
	u8 *to = cpu->fpu->area;
	u64 bv = get64(from + XS_BV), comp = get64(from + XS_XCOMP_BV), load = bv & rfbm, used;
	bool compact = comp & COMPACT;
	bool mxcsr = compact ? load & XS_BIT_SSE : rfbm & (XS_BIT_SSE | XS_BIT_AVX);
	u32 at = XS_HEADER_END;

	if (mxcsr && (get32(from + FX_MXCSR) & ~MXCSR_MASK))
		return -EINVAL;
	init_legacy(cpu, rfbm & ~bv & LEGACY, compact && (rfbm & ~bv & XS_BIT_SSE));
	copy_legacy(to, from, load, mxcsr);
	if (rfbm & XS_BIT_X87)
		fpu_image_get_pointers(to, &cpu->regs, wide_pointers);
	used = get64(to + XS_BV);
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++) {
		const u8 *part = from + (compact ? at : wide[i].at);

		if (compact ? comp >> wide[i].bit & 1 : 0)
			at += wide[i].size;
		if (!(rfbm >> wide[i].bit & 1))
			continue;
		if (load >> wide[i].bit & 1)
			memcpy(to + wide[i].at, part, wide[i].size);
		else
			memset(to + wide[i].at, 0, wide[i].size);
		used = (used & ~BIT(wide[i].bit)) | (load & BIT(wide[i].bit));
	}
	put64(to + XS_BV, used);
	return 0;
}

/* ---- Signal frames: struct _xstate of arch/x86/include/uapi/asm/sigcontext.h ------------------ */

#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
#define SW_BYTES 464 /* struct _fpx_sw_bytes: magic1, extended_size, xfeatures, xstate_size */

u32 fpu_frame_size(const struct cpu *cpu)
{
	return cpu->xcr0 ? fpu_xsave_size(cpu->xcr0, false) + 4 : FX_SIZE;
}

void fpu_frame_write(struct cpu *cpu, void *frame)
{
	u32 size = fpu_xsave_size(cpu->xcr0, false);
	u8 *to = frame;

	memset(to, 0, fpu_frame_size(cpu));
	fpu_xsave(cpu, to, LEGACY | cpu->xcr0, XSAVE_ALL, true);
	if (!cpu->xcr0) {
		memset(to + FX_USED, 0, FX_SIZE - FX_USED);
		return;
	}
	put64(to + XS_BV, get64(to + XS_BV) | LEGACY); /* as save_xstate_epilog() */
	put32(to + SW_BYTES, FP_XSTATE_MAGIC1);
	put32(to + SW_BYTES + 4, size + 4);
	put64(to + SW_BYTES + 8, cpu->xcr0);
	put32(to + SW_BYTES + 16, size);
	put32(to + size, FP_XSTATE_MAGIC2);
}

u32 fpu_frame_len(const struct cpu *cpu, const void *fx)
{
	const u8 *sw = (const u8 *)fx + SW_BYTES;
	u32 extended = get32(sw + 4), size = get32(sw + 16);

	/* As check_xstate_in_sigframe(). */
	if (!cpu->xcr0 || get32(sw) != FP_XSTATE_MAGIC1 || size < XS_HEADER_END ||
	    size > fpu_xsave_size(cpu->xcr0, false) || size > extended)
		return FX_SIZE;
	return size + 4;
}

int fpu_frame_restore(struct cpu *cpu, void *frame, u32 len, gva_t at)
{
	u8 *image = frame;
	u64 features = cpu->xcr0;

	if (len <= FX_SIZE || get32(image + len - 4) != FP_XSTATE_MAGIC2) {
		if (at & 15)
			return -EINVAL;
		/* FXSAVE's part only; the rest starts afresh. */
		memset(image + XS_BV, 0, XS_HEADER_END - XS_BV);
		put64(image + XS_BV, LEGACY);
		return fpu_xrstor(cpu, image, LEGACY | cpu->xcr0, true);
	}
	if (at & 63 || get64(image + XS_XCOMP_BV) || !fpu_header_legal(cpu, image))
		return -EINVAL;
	/* What the frame has not is initialised afterwards, MXCSR as a part of SSE; until then XRSTOR
	 * has looked at it for AVX's sake. __restore_fpregs_from_user() */
	features &= get64(image + SW_BYTES + 8);
	if (features & XS_BIT_AVX && get32(image + FX_MXCSR) & ~MXCSR_MASK)
		return -EINVAL;
	if (!(features & XS_BIT_SSE))
		put32(image + FX_MXCSR, MXCSR_DEFAULT);
	put64(image + XS_BV, get64(image + XS_BV) & features);
	return fpu_xrstor(cpu, image, LEGACY | cpu->xcr0, true);
}
