/* One emulated x86-64 CPU in user mode: registers, its TLB, and cpu_run().
 *
 * cpu/ executes instructions and says why it stopped; it knows no system call, no signal, no
 * task. The order of the first fields is the layout that docs/adr/0001 measured.
 *
 * "Core" in this room's headers: may run inside cpu_run(), where the guest's state is live in the host's
 * unit, and so is compiled for general registers only and calls nothing of libc; it may run outside, too.
 * Whatever is not called core is for outside only. None of it blocks.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "base/types.h"
#include "cpu/fpu.h"
#include "mm/tlb.h"

struct block;
struct code_cache;
struct insn;
struct jit;
struct memory;

enum {
	R_RAX,
	R_RCX,
	R_RDX,
	R_RBX,
	R_RSP,
	R_RBP,
	R_RSI,
	R_RDI,
	R_R8,
	R_R9,
	R_R10,
	R_R11,
	R_R12,
	R_R13,
	R_R14,
	R_R15,
	NR_GPR
};

/* EFLAGS bits. SDM vol. 1, 3.4.3. */
#define F_CF 0x1UL
#define F_PF 0x4UL
#define F_AF 0x10UL
#define F_ZF 0x40UL
#define F_SF 0x80UL
#define F_TF 0x100UL
#define F_IF 0x200UL
#define F_DF 0x400UL
#define F_OF 0x800UL
#define F_NT 0x4000UL
#define F_RF 0x10000UL
#define F_AC 0x40000UL
#define F_ID 0x200000UL
#define F_OSZAPC (F_OF | F_SF | F_ZF | F_AF | F_PF | F_CF)
/* What user mode can change by popf. */
#define F_USER (F_OSZAPC | F_TF | F_DF | F_AC | F_ID | F_NT)

/* Guest x87, SSE and AVX state as an XSAVE area of fixed layout (fpu.h); live in the host's unit
 * inside cpu_run, here outside of it. The first 512 bytes are an FXSAVE64 image. */
struct fpu_state {
	u8 area[2752];
} __attribute__((aligned(64)));

/* What a task keeps while another one runs. */
struct cpu_regs {
	u64 gpr[NR_GPR]; /* by x86 encoding number */
	u64 rip;
	u64 flags; /* EFLAGS as popf/pushf see it, bit 1 and IF always set */
	u64 fs_base, gs_base;
	u64 zero; /* always 0: stands for an absent base, index or segment (insn.h) */
	u16 fs, gs, ds, es, ss, cs; /* selectors: values only, no descriptor tables */
	u16 fop;		    /* last x87 opcode */
	u64 fip, fdp;		    /* last x87 instruction and operand, guest addresses */
};

/* Why cpu_run() came back. */
enum cpu_stop {
	CPU_SYSCALL,	 /* `syscall` retired: rcx and r11 are set, rip is behind it */
	CPU_INT80,	 /* `int 0x80` retired: rip is behind it */
	CPU_EXCEPTION,	 /* exit.vector and error_code; rip at the instruction (#BP, #DB: behind) */
	CPU_BUDGET,	 /* the budget of instructions is spent */
	CPU_INTERRUPTED, /* cpu_interrupt() was called */
};

/* x86 exception vectors that user mode can meet. SDM vol. 3A, 6.3.1. */
enum cpu_vector {
	X86_DE = 0,
	X86_DB = 1,
	X86_BP = 3,
	X86_OF = 4,
	X86_BR = 5,
	X86_UD = 6,
	X86_NM = 7,
	X86_SS = 12,
	X86_GP = 13,
	X86_PF = 14,
	X86_MF = 16,
	X86_AC = 17,
	X86_XM = 19
};

/* An instruction that UMIP keeps from user mode, for the kernel to emulate. */
struct cpu_umip {
	enum { UMIP_NONE, UMIP_SGDT, UMIP_SIDT, UMIP_SLDT, UMIP_STR, UMIP_SMSW } what;
	bool memory; /* operand: an address; otherwise a register's number */
	u8 len;	     /* bytes of the instruction */
	u8 size;     /* bytes of a register operand */
	u64 operand;
};

struct cpu_exit {
	enum cpu_stop why;
	u8 vector;	/* CPU_EXCEPTION: enum cpu_vector */
	u32 error_code; /* as the CPU pushes it: PF_* for #PF, selector-style for #GP */
	gva_t cr2;	/* #PF: the faulting address, exact (first byte of the second page when
			 * the second page of a crossing access faults) */
	const char *unsupported; /* #UD that nobody meant: what is missing; NULL otherwise */
	bool icebp;		 /* #DB by int1; otherwise: */
	u32 dr6;		 /* #DB: DR6_*; BP_EXECUTE is met before its instruction */
	struct cpu_umip umip;	 /* #GP */
};

/* The debug registers: at most so many breakpoints, of which cpu_run() tells with #DB. SDM vol. 3B, 18.2. */
#define NR_BREAKPOINTS 4U
#define DR6_B 0xfU     /* which were met */
#define DR6_BS 0x4000U /* EFLAGS.TF */

/* One that is enabled. Kinds as DR7 has them; those of data are met behind the instruction. */
struct cpu_breakpoint {
	gva_t addr; /* a multiple of len */
	u8 len;	    /* bytes: 1, 2, 4, 8; 0: not enabled */
	enum { BP_EXECUTE = 0, BP_WRITE = 1, BP_ACCESS = 3 } kind;
};

struct cpu_debug {
	bool armed; /* there are some: cpu_set_breakpoints() */
	bool single_step,
		check; /* while armed: cpu.single_step and tlb.check as they are otherwise */
	bool stepping, resuming; /* EFLAGS.TF and RF, when the running instruction began */
	u8 met;			 /* by what it has done so far: DR6_B */
	struct cpu_breakpoint bp[NR_BREAKPOINTS];
};

/* CPUID models: the psABI's levels, or whatever the host has; the machine's choice, made once. */
enum cpu_model { CPU_MODEL_V1, CPU_MODEL_V2, CPU_MODEL_V3, CPU_MODEL_V4, CPU_MODEL_HOST };

/* How instructions are executed; the machine's choice, too. */
enum cpu_engine {
	ENGINE_INTERP,
	ENGINE_JIT,	 /* what is hot is translated */
	ENGINE_LOCKSTEP, /* both, compared */
};

/* "v1" .. "v4", "host". 0; -EINVAL: another word, @model untouched. */
int cpu_model_parse(const char *name, enum cpu_model *model);
/* The same the other way. Static. */
const char *cpu_model_name(enum cpu_model model);
/* Whether the host can do all that @model stands for. Core. See: x86-64 psABI, table 3.1. */
bool cpu_model_possible(enum cpu_model model);
/* The host's time stamp counter goes on at one pace, whatever its CPU does. */
bool cpu_host_tsc_invariant(void);
/* CPU_MODEL_DEFAULT, or the best below it that the host can do. */
enum cpu_model cpu_model_default(void);

#define JIT_HEATS_LOG 15

/* How translated code finds an access's page. */
enum jit_look {
	JIT_LOOK_TABLE,	   /* in the TLB, by an address that is computed */
	JIT_LOOK_CONSTANT, /* ... that is known */
	JIT_LOOK_WINDOW,   /* in the stack's window */
	NR_JIT_LOOKS,
};

/* What translated code has done, if it counts (jit_options.count). */
struct jit_ran {
	u64 looks[2][NR_JIT_LOOKS]; /* look-ups, by enum tlb_access and by way */
	u64 grouped;		    /* accesses that needed none: another's page was theirs */
	u64 window_misses;	    /* of the window's look-ups: then by the table */
	u64 units, sides;	    /* entered; left in their midst */
};

/* Where a computed jump, call or return has led, while its block was translated alone. */
struct jit_way {
	u64 to;	       /* last */
	u32 all, same; /* times; of them to where it had led the time before */
	u64 from;      /* the block's rip */
};
#define JIT_WAYS_LOG 12

/* What translated code keeps where it is found by the stack pointer: jit/ alone. */
struct cpu_jit {
	u64 host_rsp;	    /* of C, while translated code runs */
	u64 host_cc;	    /* on the way out: the host's flags */
	u64 site;	    /* ... and where that was */
	u64 lazy_a, lazy_b; /* the general form of flags that are computed when asked for */
	u32 lazy_op;
	u64 spill[2];	    /* values that flags are made from, and whose registers changed */
	u64 group[32];	    /* addends of what was looked up together */
	bool in_call, left; /* a handler runs for translated code; it did not come back */
	bool first;	    /* the instruction to go on with is its block's first */
	struct jit_ran ran;
	/* Entries of blocks that are translated alone, by jit_heat_hash(): when it wraps a trace is made. */
	u32 heat[1U << JIT_HEATS_LOG];
	struct jit_way way[1U << JIT_WAYS_LOG];
};

/* A CPU, and right below it the stack of translated code and of what that calls: there the stack pointer is
 * the CPU itself. docs/adr/0001. Below that, somewhere in the guard, a whole page: cpu_guard_stack(). */
#define CPU_STACK (64UL << 10) /* bytes */
#define CPU_GUARD (2 * PAGE_SIZE)
#define CPU_AND_STACK(name)                                                                        \
	struct {                                                                                   \
		u8 name##_guard[CPU_GUARD] __attribute__((aligned(64)));                           \
		u8 name##_stack[CPU_STACK] __attribute__((aligned(64)));                           \
		struct cpu name;                                                                   \
	}

struct cpu {
	struct cpu_regs
		regs; /* the current task's; inside cpu_run rip is the block's base: see cc */
	struct tlb tlb;
	u64 cc; /* inside cpu_run: the arithmetic flags, as `lahf; seto %al` leaves them in ax;
		 * regs.flags then holds the others only */
	struct block *block;	   /* running */
	const struct insn *resume; /* where cpu_run's loop goes on */
	bool trap;		   /* EFLAGS.TF was set when the running instruction began */
	bool stopped;		   /* exit is set, registers are complete: leave cpu_run */
	/* Operand that crosses pages, or lies in the running code; XSAVE's is the longest. */
	u64 bounce[XS_SIZE / 8] __attribute__((aligned(64)));
	u8 *bounce_host[2];	  /* where its parts go back to */
	u32 bounce_len[2];	  /* their bytes */
	struct fpu_state *fpu;	  /* current task's; loaded by cpu_run, stored on its way out */
	struct fpu_live fpu_live; /* fpu.c's own */
	struct cpu_exit exit;	  /* set by cpu_run */
	struct cpu_debug debug;	  /* cpu_set_breakpoints() */
	s64 budget;		  /* instructions left in this cpu_run */
	u64 retired;		  /* instructions ever retired on this CPU */
	volatile int interrupt;	  /* set by cpu_interrupt(), read between blocks */
	struct memory *mem;
	struct code_cache *code;
	enum cpu_model model;
	u64 features;	  /* bit mask of enum cpu_feat (insn.h) that the model has; set once */
	u64 xcr0;	  /* state components that XSAVE knows, 0 without XSAVE; set once */
	u64 random;	  /* state of rdrand and rdseed: the machine seeds it, so runs repeat */
	bool single_step; /* one instruction a block: exact traces */
	bool tsc_faults;  /* rdtsc and rdtscp are #GP: CR4.TSD */
	u64 (*read_tsc)(void *arg); /* rdtsc; NULL: the host's */
	void *read_tsc_arg;
	u32 id;			 /* number of this CPU: cpuid's APIC id */
	struct cpu_internal *in; /* cpu/'s own */
	struct cpu_jit jit;
};

/* Counters of the engine, for --stats. */
struct code_counters {
	u64 blocks_decoded, insns_decoded, blocks_dropped, cache_flushes, links, smc_stores;
	u64 changes_beside; /* stores to frames with code that met none of it; of the kernel's, too */
};

/* The cache of decoded blocks, shared by all CPUs of a machine; registers itself with @mem as
 * the notifier of frames that change under code. Memory from the host at boot.
 * ERR_PTR(-ENOMEM); ERR_PTR(-EPERM): see thunk_pool_new(). */
struct code_cache *code_cache_new(struct memory *mem);
/* False: the host gives no executable memory. Then CPU_MODEL_V2 is the most there is (thunk_static.h), and nothing is
 * to be translated. */
bool code_cache_makes_code(const struct code_cache *c);
/* No CPU may run with it any more. */
void code_cache_free(struct code_cache *c);
/* Since code_cache_new(); lives as long as @c. */
const struct code_counters *code_cache_counters(const struct code_cache *c);
/* The translator, NULL: none. See jit/jit.h. */
struct jit *code_cache_jit(const struct code_cache *c);

/* How code_cache_translate() is to translate. */
struct jit_options {
	u64 size;	/* bytes of host code at most; 0: JIT_DEFAULT_SIZE */
	u32 l1_entries; /* of the first level of the CPUs' TLBs */
	u16 hot;	/* entries that make a block hot; 0: as measured best */
	bool perf;	/* perf is to name its code */
	bool count;	/* translated code counts what it does: struct jit_ran */
	bool lockstep;	/* the interpreter runs beside; a difference ends Vellum with a report */
};

/* Hot code is translated from now on; each CPU stands in a CPU_AND_STACK. 0; -EPERM: the host gives no
 * executable memory; -ENOSYS: its CPU or kernel lacks FSGSBASE; -ENOMEM. On an error all stays interpreted. */
int code_cache_translate(struct code_cache *c, const struct jit_options *o);

/* Prepares @cpu, which is all zero, of memory as the host gives it, most of which a short program never touches: registers as at exec (all 0, flags 0x202), TLB of geometry @geo; fpu, id and what else a
 * task or the machine brings are the caller's to set. @mem and @code must live as long.
 * 0; -ENOMEM; -EINVAL: see tlb_init(). On an error there is nothing to destroy. */
int cpu_init(struct cpu *cpu, struct memory *mem, struct code_cache *code,
	     const struct tlb_geometry *geo, enum cpu_model model);
void cpu_destroy(struct cpu *cpu);
/* @cpu stands in a CPU_AND_STACK: until cpu_destroy() a stack that grows too long meets a page that is not there, and
 * the host's signal handler says so, instead of what lies below. */
void cpu_guard_stack(struct cpu *cpu);

/* Installs the host's SIGFPE, SIGSEGV, SIGBUS and SIGILL handlers (on an alternate stack) that
 * tell a guest's floating-point exception from a bug of Vellum. Once a process. 0; -EINVAL: the host
 * refused one. See: sigaltstack(2), sigaction(2). */
int cpu_install_host_handlers(void);

/* The current task's breakpoints, NR_BREAKPOINTS of them; NULL: none. While there are some, each instruction is a block
 * and each access takes the slow way; what the TLB holds of the address space is to be flushed after this. */
void cpu_set_breakpoints(struct cpu *cpu, const struct cpu_breakpoint *bp);

/* Register and FPU state of a fresh program: gpr 0, flags 0x202, mxcsr 0x1f80, x87 cw 0x37f,
 * cs 0x33, ss 0x2b, the other selectors 0. rsp and rip are the loader's. See: System V ABI for x86-64,
 * 3.4.1. fpu_state_init() is core. */
void cpu_regs_init(struct cpu_regs *r);
void fpu_state_init(struct fpu_state *f);

/**
 * cpu_run - execute guest instructions until something needs the kernel
 * @budget: most instructions to retire, >= 1; a rep iteration counts one
 *
 * @cpu->fpu and the TLB's address space are those of the task that runs; both stay the same until it
 * returns. Never blocks, never allocates, calls nothing of the host. On return all state is in
 * @cpu->regs and @cpu->fpu, and an instruction that did not complete has changed nothing
 * (a rep string instruction: as of its last whole iteration).
 *
 * Return: cpu->exit.why.
 */
enum cpu_stop cpu_run(struct cpu *cpu, s64 budget);

/* Makes a running or the next cpu_run() return CPU_INTERRUPTED soon: at the end of a block, or of a translation. For
 * the thread that runs @cpu, in a signal handler, too. Core. Only tests call it so far: between two looks at other tasks and at the host's events a
 * run is as long as its budget (proc/loop.c). */
void cpu_interrupt(struct cpu *cpu);

/* CPUID of the model, as the guest sees it. Core. SDM vol. 2A, CPUID. */
void cpu_cpuid(const struct cpu *cpu, u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d);

/* Disassembles up to @n bytes at @code with Capstone, one instruction, into @buf: "mov rax, 1".
 * Returns its length in bytes, 0 if Capstone cannot tell. Outside cpu_run only. */
unsigned cpu_disassemble(const u8 *code, unsigned n, gva_t rip, char *buf, unsigned size);

/* All bits from 47 up are alike: what the CPU takes for an address. Core. SDM vol. 1, 3.3.7.1. */
static __always_inline_ bool canonical(gva_t a)
{
	return (u64)((s64)(a << 16) >> 16) == a;
}

#endif
