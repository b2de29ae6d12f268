/* Native thunks: one x87 or vector instruction of the guest, re-encoded to run on the host.
 *
 *   guest   movsd xmm9, [rbp+rcx*8-16]     cvttsd2si r13, xmm2     vaddps ymm1, ymm12, [r9+32]
 *   thunk   movsd xmm9, [rdi]; ret         cvttsd2si rax, xmm2     vaddps ymm1, ymm12, [rdi]
 *
 * Vector and x87 registers keep their numbers, because inside cpu_run() the guest's are live in
 * the host's unit (fpu.h). A memory operand becomes [rdi], a host pointer: translation, alignment
 * and page crossing are the caller's work. A general register operand becomes rax. Immediates stay.
 * So each distinct re-encoding is one thunk, made once and found again by its own bytes.
 *
 *   pool    one memfd mapped twice: slots of 16 bytes, written through one mapping, executed
 *           through the other (never writable and executable at one address)
 *   slot    instruction, flag transfer if any, ret, int3 up to 16 bytes: also the hash table's key
 *   static  on a host that grants no executable memory the code is Vellum's own: thunk_static.h
 *   faults  an unmasked exception is a host SIGFPE with rip in the pool; the handler
 *           (host_signals.c) puts its vector into ecx and goes on at slot 0, which returns
 *
 * To generate code for whole blocks is jit/'s business, not this file's. Core code but for
 * thunk_pool_new() and thunk_pool_free(), which live in thunk_pool.c.
 */
#ifndef CPU_THUNK_H
#define CPU_THUNK_H

#include "base/types.h"

#define THUNK_SIZE 16UL	 /* bytes */
#define THUNK_MAX 16384U /* slots: 256 KiB of code; more distinct encodings flush the cache */
#define THUNK_BUCKETS (2UL * THUNK_MAX)

/* Open because op_vec.c and op_x87.c call the fixed thunks. */
struct thunk_pool {
	u8 *write;   /* slot 0, writable mapping; set once */
	u8 *exec;    /* the same bytes, executable; set once */
	u32 nr;	     /* slots in use, >= NR_FIXED_THUNKS */
	u16 *bucket; /* THUNK_BUCKETS slot numbers, 0: free; open addressing */
	struct thunk_static
		*notes; /* NULL, but where there is no executable memory: thunk_static.h */
};

/* Slots that exist from the start. Those for registers stand in a row, one a register. */
enum {
	THUNK_FAULT,
	THUNK_FWAIT,
	THUNK_YMM_STORE,		       /* vmovdqu [rdi], ymm0 .. 15 */
	THUNK_YMM_LOAD = THUNK_YMM_STORE + 16, /* vmovdqu ymm, [rdi]: clears the rest */
	THUNK_ZMM_STORE = THUNK_YMM_LOAD + 16, /* vmovdqu64 [rdi], zmm0 .. 31 */
	THUNK_ZMM_LOAD = THUNK_ZMM_STORE + 32,
	THUNK_K_GET = THUNK_ZMM_LOAD + 32, /* kmovq rax, k0 .. 7 */
	THUNK_K_SET = THUNK_K_GET + 8,
	THUNK_SIGNS_4 = THUNK_K_SET + 8,    /* vmovmskps eax, ymm0 .. 15 */
	THUNK_SIGNS_8 = THUNK_SIGNS_4 + 16, /* vmovmskpd */
	NR_FIXED_THUNKS = THUNK_SIGNS_8 + 16,
};

/* What a thunk does besides its instruction. */
enum thunk_kind {
	THUNK_PLAIN,
	THUNK_FLAGS_OUT, /* ax: flags afterwards, as cpu->cc holds them */
	THUNK_FLAGS_IN,	 /* flags before: ax, the same way */
};

/* Memory from the host, with the fixed thunks in it; none that is executable where the host grants none. ERR_PTR(-ENOMEM);
 * ERR_PTR(-EPERM): none is granted, and there is a pool without already. */
struct thunk_pool *thunk_pool_new(void);
/* No struct insn that names one of its thunks may run any more. */
void thunk_pool_free(struct thunk_pool *p);
/* Forgets all but the fixed thunks; nobody may hold a pointer to another. */
void thunk_pool_reset(struct thunk_pool *p);

/**
 * thunk_make - find or make the thunk of one instruction
 * @code: the instruction as it is to run on the host
 * @len:  its length in bytes, 1 .. 12; with what @kind adds it fits in a slot (VM_BUG_ON)
 *
 * Not of a pool without executable memory: thunk_static_make().
 *
 * Return: what thunk_call() takes, or NULL: the pool is full.
 */
const void *thunk_make(struct thunk_pool *p, const u8 *code, unsigned len, enum thunk_kind kind);

static inline const void *thunk_fixed(const struct thunk_pool *p, unsigned slot)
{
	return p->exec + slot * THUNK_SIZE;
}

/**
 * thunk_call - run a thunk
 * @mem: its memory operand, a host address
 *
 * Return: 0, or the vector of the exception (X86_MF, X86_XM) that it raised instead of completing.
 */
static __always_inline_ u32 thunk_call(const void *thunk, void *mem)
{
	u32 vector = 0;

	asm volatile("call *%[thunk]"
		     : "+c"(vector), "+D"(mem)
		     : [thunk] "r"(thunk)
		     : "cc", "memory");
	return vector;
}

/* The same for a thunk with a general register operand, or flags, in @rax. */
static __always_inline_ u32 thunk_call_rax(const void *thunk, void *mem, u64 *rax)
{
	u32 vector = 0;
	u64 val = *rax;

	asm volatile("call *%[thunk]"
		     : "+c"(vector), "+D"(mem), "+a"(val)
		     : [thunk] "r"(thunk)
		     : "cc", "memory");
	*rax = val;
	return vector;
}

/* For PCMPESTRI and kin, which raise nothing: @gpr[0 .. 2], rax, rcx and rdx, are in and out. */
static __always_inline_ void thunk_call_string(const void *thunk, const void *mem, u64 gpr[3])
{
	asm volatile("call *%[thunk]"
		     : "+a"(gpr[0]), "+c"(gpr[1]), "+d"(gpr[2]), "+D"(mem)
		     : [thunk] "r"(thunk)
		     : "cc", "memory");
}

#endif
