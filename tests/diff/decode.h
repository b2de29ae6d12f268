/* The proof of the decoder: check_decode. decode.c has the strings and the report, decode_enum.c the
 * enumeration, edge.c the host CPU, decode_zydis.c and decode_capstone.c the two other decoders. */
#ifndef TESTS_DIFF_DECODE_H
#define TESTS_DIFF_DECODE_H

#include "cpu/decode.h"
#include "cpu/model.h"

/* Every feature there is a row for; of AMD and INTEL what the host is. */
u64 all_features(void);

/* Who sees an encoding otherwise than Vellum. */
enum judge { JUDGE_HOST, JUDGE_ZYDIS, JUDGE_CAPSTONE, NR_JUDGES };
/* And in what. */
enum differ {
	SAME,
	SILENT,	   /* we decode it, they do not */
	EXTRA,	   /* they decode it, we do not */
	LENGTH,	   /* both decode it */
	NAME,	   /* ... to another instruction */
	OPERANDS,  /* ... with other operands */
	UD_SOONER, /* HOST: #UD without the last byte that we ask for */
};

/* One encoding, as we and somebody else see it. */
struct sight {
	const u8 *code; /* 15 bytes */
	struct decoded d;
	const struct insn_row *row; /* NULL: we do not decode it */
	unsigned len;		    /* theirs; 0: refused */
	const char *name;	    /* their mnemonic, or NULL */
	const char *isa;	    /* Zydis: what brings it, or NULL */
	enum differ how;
	bool vex;      /* C4, C5, 62 or 8F stand where the opcode does */
	bool agreed;   /* Zydis sees it as we do; set before Capstone is asked */
	char what[80]; /* more about it, for the report */
};

/* Notes how @who sees s->code; a difference without a row in decode_gaps.def is counted and printed. */
void judged(enum judge who, struct sight *s);

/* Are they one instruction? By decode_names.def. */
bool same_name(const char *ours, const char *theirs);

bool zydis_init(u64 feats);
/* Fills what s->code and s->d do not: how, len, name, isa, what. */
void zydis_look(struct sight *s);
/* Only whether there is such an instruction: its length or 0, and the ISA set's name. */
unsigned zydis_length(const u8 *code, unsigned n, const char **isa);

bool capstone_init(void);
void capstone_look(struct sight *s);

/* 0F 01 with these ModRM bytes never reaches the host CPU's decoder in a virtual machine. */
bool answers_for_hypervisor(const struct decoded *d);
/* Some instructions are not run: see not_run() in decode.c. */
bool not_run(const struct decoded *d);
void host_look(struct sight *s);

/* Every encoding under each model, the list of those that differ on stdout. Returns their number. */
unsigned enumerate(bool whole);

#endif
