/* What translated code has where: guest registers and struct cpu as operands of host instructions.
 *
 * Registers of translated code are docs/adr/0001's: rsp is struct cpu, gs the TLB's table, guest rsp in r8,
 * guest r8 to r11 in memory, r9 to r11 scratch; the others are themselves.
 */
#ifndef CPU_JIT_HOST_H
#define CPU_JIT_HOST_H

#include "cpu/cpu.h"
#include "cpu/jit/emit.h"

/* Scratch registers, and where guest rsp is. */
#define H_S0 9	/* operands; the number of a site on the way out */
#define H_S1 10 /* the TLB's index, then the addend */
#define H_S2 11 /* the tag; a base that lives in memory */
#define H_GSP 8
#define H_CPU 4

/* Guest registers, by place. */
static inline bool in_memory(unsigned gpr)
{
	return gpr >= R_R8 && gpr <= R_R11;
}

static inline unsigned host_reg(unsigned gpr)
{
	return gpr == R_RSP ? H_GSP : gpr;
}

static inline struct hmem cpu_mem(u32 off)
{
	return (struct hmem){.base = H_CPU, .index = -1, .disp = (s32)off};
}

static inline struct hmem slot_mem(unsigned gpr)
{
	return cpu_mem(gpr * 8);
}

static inline void emit_load_cpu(struct emit *e, unsigned reg, u32 off)
{
	struct hmem m = cpu_mem(off);

	emit_rm(e, X_MOV_LOAD | X_W, reg, &m);
}

static inline void emit_store_cpu(struct emit *e, unsigned reg, u32 off)
{
	struct hmem m = cpu_mem(off);

	emit_rm(e, X_MOV_STORE | X_W, reg, &m);
}

/* mov reg, reg */
static inline void emit_move(struct emit *e, unsigned to, unsigned from)
{
	if (to != from)
		emit_rr(e, X_MOV_LOAD | X_W, to, from);
}

static inline void emit_lea(struct emit *e, unsigned to, unsigned base, s32 disp)
{
	struct hmem m = {.base = (s8)base, .index = -1, .disp = disp};

	if (disp)
		emit_rm(e, X_LEA | X_W, to, &m);
	else
		emit_move(e, to, base);
}

#endif
