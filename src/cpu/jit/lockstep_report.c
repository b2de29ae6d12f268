/* What --engine=lockstep prints when translated code and interpreter differ. Not core: it ends Vellum. */
#include "cpu/jit/lockstep.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static void say_code(const char *title, const u8 *code, u64 len, u64 rip)
{
	char text[96];

	log_line("%s", title);
	for (u64 at = 0; at < len;) {
		unsigned n = cpu_disassemble(code + at, (unsigned)(len - at), rip + at, text,
					     sizeof(text));

		log_line("  %#lx: %s", rip + at, n ? text : "(bad)");
		at += n ? n : 1;
	}
}

static void say_state(const struct lockstep *l)
{
	static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

	log_line("%-6s %-18s %-18s %-18s", "", "before", "translated", "interpreted");
	log_line("%-6s %#-18lx %#-18lx %#-18lx", "rip", l->pre.regs.rip, l->jit.regs.rip,
		 l->ref.regs.rip);
	log_line("%-6s %#-18lx %#-18lx %#-18lx", "cc", l->pre.cc, l->jit.cc, l->ref.cc);
	for (unsigned i = 0; i < NR_GPR; i++)
		log_line("%-6s %#-18lx %#-18lx %#-18lx%s", names[i], l->pre.regs.gpr[i],
			 l->jit.regs.gpr[i], l->ref.regs.gpr[i],
			 l->jit.regs.gpr[i] == l->ref.regs.gpr[i] ? "" : " <--");
	if (l->jit.stopped || l->ref.exit.why != CPU_BUDGET)
		log_line("stops: %d vector %u error %u; %d vector %u error %u",
			 l->jit.stopped ? (int)l->jit.exit.why : -1, l->jit.exit.vector,
			 l->jit.exit.error_code, l->ref.exit.why, l->ref.exit.vector,
			 l->ref.exit.error_code);
}

void lockstep_describe(const struct jit *j, s64 done, const char *what)
{
	const struct lockstep *l = j->lock;

	log_line("lockstep: %s differ%s after %ld instructions from %#lx, %lu steps before", what,
		 what[0] && what[__builtin_strlen(what) - 1] == 's' ? "" : "s", done,
		 l->pre.regs.rip, l->steps);
	say_state(l);
	if (!strcmp(what, "memory"))
		log_line("byte %#x of a page: %#x, %#x", l->differs_at,
			 l->differs_page < l->nr_undone ? l->after[l->differs_page][l->differs_at]
							: l->before[l->differs_page][l->differs_at],
			 ((u8 *)l->pages[l->differs_page])[l->differs_at]);
	if (!strcmp(what, "xmm") || !strcmp(what, "x87 state"))
		for (unsigned i = 0; i < FX_USED; i += 16)
			if (memcmp(l->jit.fpu.area + i, l->ref.fpu.area + i, 16))
				log_line("image +%u: %016lx %016lx, %016lx %016lx", i,
					 get64(l->jit.fpu.area + i + 8), get64(l->jit.fpu.area + i),
					 get64(l->ref.fpu.area + i + 8),
					 get64(l->ref.fpu.area + i));
}

void lockstep_end(const struct jit *j, const struct jit_unit *u, const char *what)
{
	if (!what)
		log_line("it does not differ a second time");
	log_line("the last unit: flags arrive as %u (%u %u)", u->ctx.kind, u->ctx.a, u->ctx.b);
	for (u32 p = u->parts; p < u->parts + u->nr_parts && !u->dead; p++) {
		const struct block *b = j->parts[p].block;
		unsigned len = 0;

		for (unsigned k = 0; k < b->n; k++)
			len += b->insn[k].len;
		say_code("guest code:", b->host, len, b->rip);
	}
	say_code("host code:", j->write + u->code, u->end - u->code, (u64)j->exec + u->code);
	say_code("out of line:", j->write + u->cold, u->cold_end - u->cold, (u64)j->exec + u->cold);
	_Exit(125);
}
