/* Decoded instructions: rows of opcodes.def, the long form that the decoder fills, and the short
 * form that the interpreter runs.
 *
 *   code bytes --decode()--> struct decoded --insn_bind()--> struct insn --fn()--> next fn() ...
 *
 * struct decoded keeps everything the encoding says; it lives on the stack while a block is built.
 * struct insn keeps what execution needs, 32 bytes, with operands resolved to byte offsets into
 * struct cpu, so that a handler neither tests forms nor widths.
 *
 * Registers as byte offsets: struct cpu begins with struct cpu_regs, which begins with gpr[], rip,
 * flags, fs_base, gs_base, zero. OFF_GPR(3) is rbx, OFF_GPR(3) + 1 is bh, OFF_ZERO reads as 0 and
 * stands for an absent base, index or segment. While a block runs regs.rip holds the block's base
 * (see block.h), so a RIP-relative operand is a plain base + disp with base OFF_RIP.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include "base/types.h"
#include "cpu/cpu.h"

struct code_cache;
struct decoded;
struct insn;

/* Executes @in and all that follow in its block, by tail calls. See interp.h. */
typedef void op_fn(struct cpu *cpu, const struct insn *in);

/* A handler column of opcodes.def names one of these: the same operation specialised by operand
 * width, kind of E operand, and whether somebody reads the flags it writes. */
#define NR_VARIANTS 24
#define VARIANT(width, ea, dead) ((dead)*12 + (ea)*4 + (width))
typedef op_fn *const op_set[NR_VARIANTS];

enum { W_B, W_W, W_L, W_Q }; /* width: log2 of bytes */
enum ea_kind {
	EA_REG,	 /* E is a register, or there is none */
	EA_BASE, /* [base + disp] */
	EA_FULL, /* base, index, segment, 32-bit addresses; all memory operands when EFLAGS.AC */
};

#define OPS_ONE(fn)                                                                                \
	{                                                                                          \
		[0 ... NR_VARIANTS - 1] = fn                                                       \
	} /* one function for all variants */

struct insn {
	op_fn *fn;
	u64 imm;  /* immediate, sign-extended; branch target (absolute); thunk: host code address */
	s32 disp; /* displacement */
	s16 off;  /* rip of this instruction, less the base of its block */
	u16 row;  /* index into insn_rows[] */
	u8 len;	  /* bytes, 1 .. 15 */
	u8 reg;	  /* offset in struct cpu: register operand G; source of register-register forms */
	u8 rm;	  /* offset in struct cpu: register operand E; destination of such forms. Rows of
		   * vector and x87 code: bare register numbers instead, in both */
	u8 base, index, seg; /* offsets in struct cpu; OFF_ZERO: none */
	u8 scale : 2;	     /* index << scale */
	u8 width : 3;	     /* operand size, log2 of bytes */
	u8 ea : 2;	     /* enum ea_kind, which variant fn is */
	u8 : 1;
	u8 flags; /* IN_* */
};

#define IN_REP 0x01   /* F3 */
#define IN_REPNE 0x02 /* F2 */
#define IN_LOCK 0x04
#define IN_A32 0x08   /* address size 32 */
#define IN_STACK 0x10 /* base is rsp or rbp and no FS/GS: non-canonical gives #SS, not #GP */
#define IN_MEM 0x20   /* E is memory */
#define IN_REX 0x40
#define IN_OPSIZE 0x80 /* 66 was given */

#define OFF_GPR(n) ((n)*8UL)
#define OFF_RIP OFF_GPR(16)
#define OFF_FLAGS OFF_GPR(17)
#define OFF_FS_BASE OFF_GPR(18)
#define OFF_GS_BASE OFF_GPR(19)
#define OFF_ZERO OFF_GPR(20)

/* Columns of opcodes.def. */
enum insn_map {
	MAP_ONE,
	MAP_0F,
	MAP_0F38,
	MAP_0F3A,
	MAP_V0F, /* VEX; see VEX() in opcodes_vex.def */
	MAP_V0F38,
	MAP_V0F3A,
	MAP_E0F, /* EVEX */
	MAP_E0F38,
	MAP_E0F3A,
	MAP_E5,
	MAP_E6,
	NR_MAPS
};
enum insn_pfx { PFX_NONE, PFX_66, PFX_F3, PFX_F2, PFX_ANY };
enum insn_ext { EXT_ANY = 8 };
/* The column ext of opcodes.def. */
enum { EXTN_0, EXTN_1, EXTN_2, EXTN_3, EXTN_4, EXTN_5, EXTN_6, EXTN_7, EXTN_ANY = EXT_ANY };
enum insn_mod {
	MOD_ANY,
	MOD_MEM,
	MOD_REG,
	MOD_RM0,
	MOD_RM1,
	MOD_RM2,
	MOD_RM3,
	MOD_RM4,
	MOD_RM5,
	MOD_RM6,
	MOD_RM7
};
enum cpu_feat {
#define FEAT(name, ...) FEAT_##name,
#include "cpu/feat.def"
#undef FEAT
	NR_FEATS
};

/* Operand forms: forms.def. */
enum insn_form {
#define FORM(name, modrm, imm, width, operands) FORM_##name,
#include "cpu/forms.def"
#undef FORM
	NR_FORMS
};
/* ... whose width column says what decides the width of the operation; the first four are W_B .. W_Q. */
enum width_kind {
	WIDTH_B,
	WIDTH_W,
	WIDTH_L,
	WIDTH_Q,
	WIDTH_V,
	WIDTH_V64,
	WIDTH_Y,
	WIDTH_N64,
	WIDTH_NB
};

/* Of THUNK rows: ModRM's reg, or its rm if that is a register, names a general register. */
static inline bool form_reg_is_gpr(enum insn_form form)
{
	return form == FORM_Gy_W || form == FORM_Gy_W_Ib;
}

static inline bool form_rm_is_gpr(enum insn_form form)
{
	return form == FORM_V_Ey || form == FORM_V_Ey_Ib || form == FORM_x87_ax;
}

/* The attr column. */
#define LOCK_OK 0x0001	/* LOCK is legal when E is memory */
#define ENDS 0x0002	/* ends its block: control goes elsewhere, or the mode may change */
#define NOFAULT 0x0004	/* a register form cannot fault or stop: see block.c on dead flags */
#define PLUS_R 0x0008	/* 8 opcodes: the low 3 bits name a register (with REX.B) */
#define REPS 0x0010	/* F2/F3 repeat it; for others they are ignored */
#define SWAP 0x0020	/* register form: G is the destination; decoded with reg and rm swapped */
#define THUNK 0x0080	/* runs on the host's vector or x87 unit: thunk_bind() completes it */
#define ALIGN 0x0100	/* THUNK: a memory operand must be aligned to 16 bytes (#GP) */
#define MEM_READ 0x0200 /* THUNK: what it does to its memory operand */
#define MEM_WRITE 0x0400
#define NOACCESS 0x0800	  /* E is an address and is not touched: lea, nop, prefetch */
#define SIZE_BY_66 0x4000 /* THUNK: 66 without REX.W selects the image 14 bytes shorter */
#define NO_REXB 0x1000	  /* not with REX.B: nop is no xchg r8 */
#define REX_W 0x2000	  /* with REX.W only */
#define MEM_SIZE(n)                                                                                \
	((u64)(n) << 16) /* THUNK: bytes of the memory operand, when the form does not say */
#define ATTR_MEM_SIZE(attr) ((u16)((attr) >> 16))
/* THUNK rows whose memory operand has @n bytes; 0: the form says (y: 4, with REX.W 8). */
#define LOADS(n) (THUNK | MEM_READ | MEM_SIZE(n))
#define STORES(n) (THUNK | MEM_WRITE | MEM_SIZE(n))

/* VEX and EVEX rows. In those without VVVV the field must be 1111b. */
#define VVVV BIT(32)
#define VSIB BIT(33)	  /* vector index: gather, scatter */
#define MASK BIT(34)	  /* EVEX: takes a write mask */
#define ZERO BIT(35)	  /* ... and zeroing; into memory never */
#define MASK_MUST BIT(36) /* ... which must not be k0 */
#define BCAST(n) ((u64)((n) == 2 ? 1 : (n) == 4 ? 2 : 3) << 37) /* EVEX.b: one element of n bytes */
#define ATTR_BCAST(attr) ((1U << ((attr) >> 37 & 3)) & ~1U)
#define SAE BIT(39) /* EVEX.b with registers: exceptions suppressed */
#define RC BIT(40)  /* ... and L'L rounds */
#define LIG BIT(41) /* scalar: EVEX.b with registers does not make it 512 bits */
#define ELEM(n) ((u64)((n) == 1 ? 1 : (n) == 2 ? 2 : (n) == 4 ? 3 : 4) << 42)
#define ATTR_ELEM(attr) ((1U << ((attr) >> 42 & 7)) >> 1)
/* ELEM(n): each mask bit selects n bytes of the memory operand, and no fault comes from others. */
#define SPREAD BIT(45)	  /* ... and the memory operand is repeated to fill the register */
#define DISP_ELEM BIT(46) /* disp8 counts elements, not operands */
#define DISTINCT BIT(47)  /* the destination must be none of the sources */
#define KREG BIT(48)	  /* modrm.reg names a mask register: 0 .. 7 */
#define KVVVV BIT(49)	  /* vvvv does */
/* Memory operand of the vector's length, a half, a quarter, an eighth of it. */
#define SIZE_VL 0x8000
#define SIZE_VL2 0x8001
#define SIZE_VL4 0x8002
#define SIZE_VL8 0x8003

/* One row of opcodes.def. */
struct insn_row {
	u8 map, op, pfx, ext, mod, form, feat;
	u8 w; /* VEX.W, EVEX.W: 0, 1, VEX_W_ANY */
	u8 l; /* lengths there are: bits of 128, 256, 512 bits, and reserved */
	u64 attr;
	u32 reads, writes, undefined; /* F_* */
	const char *name;
	op_fn *const *set;
};

extern const struct insn_row insn_rows[];
extern const unsigned nr_insn_rows;

/* Everything the encoding says. */
struct decoded {
	u8 bytes[15]; /* the instruction; what lies behind len is 0 */
	u8 len;
	u16 row;      /* index into insn_rows[]; NO_ROW: see fault */
	u8 map, op;   /* op: the opcode byte itself */
	u8 nr_prefix; /* bytes before the opcode's map: legacy prefixes and REX */
	u8 opcode_at; /* index of the opcode byte; modrm_at, disp_at, imm_at: 0 if absent */
	u8 modrm_at, disp_at, imm_at;
	u8 disp_len, imm_len;
	u8 rex; /* the REX byte, 0 if none */
	u8 pfx; /* mandatory prefix seen: PFX_NONE, _66, _F3, _F2 (F3/F2: the last one) */
	bool opsize, asize, lock;
	u8 seg; /* OFF_FS_BASE, OFF_GS_BASE or OFF_ZERO */
	u8 modrm;
	u8 mod, reg, rm; /* reg and rm with REX.R and REX.B: 0 .. 15; EVEX: 0 .. 31 */
	u8 vvvv, vl;	 /* VEX, EVEX (whose rex holds W, R, X, B): register; length, 0 .. 3 */
	u8 evex;	 /* EVEX: the byte z L'L b V' aaa as it stands; else 0 */
	u8 base, index, scale; /* offsets, as in struct insn */
	u8 width;	       /* operand size, log2 of bytes */
	s64 disp;
	u64 imm;   /* sign-extended as the form says; relative targets: displacement only */
	u8 vector; /* DECODE_FAULT: X86_UD or X86_GP */
	const char *unsupported; /* X86_UD, perhaps because of Vellum: what is missing */
};
#define NO_ROW 0xffff
#define VEX_W_ANY 2
#define EVEX_Z 0x80
#define EVEX_B 0x10
#define EVEX_AAA 0x07
#define EVEX_V 0x08 /* inverted */

/* Vector and x87 rows (attr THUNK) are completed by this, in thunk.c: makes or finds the host code
 * of @d, sets in->fn and in->imm (and whatever it likes of reg, rm, scale). @in arrives with
 * row, off, len, base, index, seg, disp, flags set, as for any other instruction. Core.
 * 0, or -ENOMEM when there is no room for host code: the cache is then flushed and the block
 * decoded again. */
int thunk_bind(struct code_cache *cache, const struct decoded *d, struct insn *in);
/* The cache is flushed: no struct insn made before exists any more. Core. */
void thunk_flush(struct code_cache *cache);

#endif
