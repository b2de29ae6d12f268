/* Tracepoints with the kernel's names (tracepoints.def): a line on the log each time one is passed,
 * with the task that runs then in front, as trace_pipe has it.
 *
 * Who traces nothing has no struct trace at all: the pointer is NULL, and a tracepoint costs the
 * one branch that sees it. Not for: counting (struct memory's events), strace's look (cli).
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/types.h"

enum tracepoint {
#define TRACEPOINT(system, name) TP_##system##_##name,
#include "base/tracepoints.def"
#undef TRACEPOINT
	NR_TRACEPOINTS
};

struct trace {
	u64 on;			  /* BIT(tracepoint); changed by trace_enable() */
	u64 hits[NR_TRACEPOINTS]; /* times printed */
	/* Who runs: writes "comm-pid", with its NUL, to @buf of TRACE_TASK_LEN bytes. Set by proc/; NULL: nobody. */
	void (*task)(void *arg, char *buf);
	void *task_arg;
};

#define TRACE_TASK_LEN 32

_Static_assert(NR_TRACEPOINTS <= 64, "struct trace has one word of bits");

/* Switches on what @patterns names, one or several with commas between: "kmem:mm_page_alloc",
 * "kmem:*,sched:*", "*". 0, or -ENOENT and nothing is switched on: one of them names nothing. */
int trace_enable(struct trace *t, const char *patterns);
/* "system:name" of a tracepoint. */
const char *trace_name(enum tracepoint tp);
/* Prints "comm-pid system:name: text". Use trace_event(). */
void trace_print(struct trace *t, enum tracepoint tp, const char *fmt, ...) __printf(3, 4);

/* trace_event(m->trace, TP_kmem_mm_page_free, "pfn=%#lx order=%u", pfn, order); */
#define trace_event(t, tp, ...)                                                                    \
	do {                                                                                       \
		if (unlikely(t) && ((t)->on & BIT(tp)))                                            \
			trace_print(t, tp, __VA_ARGS__);                                           \
	} while (0)

#endif
