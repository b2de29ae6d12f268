/* opcodes.def as an array, and nothing else: rows are added there, never here. */
#include "cpu/insn.h"

#define INSN(map, op, pfx, ext, mod, name, form, set, reads, writes, undef, feat, attr)            \
	extern op_set op_##set;
#define VEX(map, op, pfx, ext, mod, w, l, name, form, set, reads, writes, undef, feat, attr)       \
	extern op_set op_##set;
#include "cpu/opcodes.def"
#undef INSN
#undef VEX

/* Letters of the flag columns. */
enum {
	FL_NONE = 0,
	FL_C = F_CF,
	FL_Z = F_ZF,
	FL_S = F_SF,
	FL_O = F_OF,
	FL_P = F_PF,
	FL_D = F_DF,
	FL_CZ = F_CF | F_ZF,
	FL_AC = F_AF | F_CF,
	FL_SO = F_SF | F_OF,
	FL_OC = F_OF | F_CF,
	FL_SZO = F_SF | F_ZF | F_OF,
	FL_SZP = F_SF | F_ZF | F_PF,
	FL_SZAP = F_SF | F_ZF | F_AF | F_PF,
	FL_SZPC = F_SF | F_ZF | F_PF | F_CF,
	FL_SZAPC = F_SF | F_ZF | F_AF | F_PF | F_CF,
	FL_OSAP = F_OF | F_SF | F_AF | F_PF,
	FL_OSZP = F_OF | F_SF | F_ZF | F_PF,
	FL_OSAPC = F_OF | F_SF | F_AF | F_PF | F_CF,
	FL_AP = F_AF | F_PF,
	FL_SAP = F_SF | F_AF | F_PF,
	FL_OZC = F_OF | F_ZF | F_CF,
	FL_OSZC = F_OF | F_SF | F_ZF | F_CF,
	FL_OSZPC = F_OF | F_SF | F_ZF | F_PF | F_CF,
	FL_OSZAP = F_OF | F_SF | F_ZF | F_AF | F_PF,
	FL_OSZAPC = F_OSZAPC,
	FL_A = F_AF,
	FL_OA = F_OF | F_AF,
	FL_ZPC = F_ZF | F_PF | F_CF,
	FL_OSA = F_OF | F_SF | F_AF,
};

#define F(letters) FL_##letters
#define PFX(x) PFX_##x

/* Columns W and L of VEX(). */
#define VEX_W_0 0
#define VEX_W_1 1
#define VEX_L_0 1
#define VEX_L_1 2
#define VEX_L_01 3
#define VEX_L_2 4
#define VEX_L_12 6
#define VEX_L_012 7
#define VEX_L_ANY 15

const struct insn_row insn_rows[] = {
#define INSN(map, op, pfx, ext, mod, name, form, set, reads, writes, undef, feat, attr)            \
	{MAP_##map, op,	  PFX_##pfx, EXTN_##ext, MOD_##mod, FORM_##form, FEAT_##feat, VEX_W_ANY,   \
	 VEX_L_ANY, attr, reads,     writes,	 undef,	    #name,	 op_##set},
#define VEX(map, op, pfx, ext, mod, w, l, name, form, set, reads, writes, undef, feat, attr)       \
	{MAP_##map, op,	  PFX_##pfx, EXTN_##ext, MOD_##mod, FORM_##form, FEAT_##feat, VEX_W_##w,   \
	 VEX_L_##l, attr, reads,     writes,	 undef,	    #name,	 op_##set},
#include "cpu/opcodes.def"
#undef INSN
#undef VEX
};
const unsigned nr_insn_rows = ARRAY_SIZE(insn_rows);
