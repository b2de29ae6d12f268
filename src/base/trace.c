/* Tracepoints: names and printing. */
#include "base/trace.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

static const char *const names[NR_TRACEPOINTS] = {
#define TRACEPOINT(system, name) [TP_##system##_##name] = #system ":" #name,
#include "base/tracepoints.def"
#undef TRACEPOINT
};

const char *trace_name(enum tracepoint tp)
{
	return names[tp];
}

static u64 matching(const char *pattern)
{
	u64 found = 0;

	for (unsigned i = 0; i < NR_TRACEPOINTS; i++)
		if (!fnmatch(pattern, names[i], 0))
			found |= BIT(i);
	return found;
}

int trace_enable(struct trace *t, const char *patterns)
{
	u64 found, all = 0;
	char pattern[80];

	for (;; patterns++) {
		unsigned len = strcspn(patterns, ",");

		snprintf(pattern, sizeof(pattern), "%.*s", (int)len, patterns);
		found = matching(pattern);
		if (!found)
			return -ENOENT;
		all |= found;
		patterns += len;
		if (!*patterns)
			break;
	}
	t->on |= all;
	return 0;
}

void trace_print(struct trace *t, enum tracepoint tp, const char *fmt, ...)
{
	char text[256], task[TRACE_TASK_LEN] = "swapper-0";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->hits[tp]++;
	if (t->task)
		t->task(t->task_arg, task);
	log_text("%s %s: %s\n", task, names[tp], text);
}
