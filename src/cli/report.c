/* See report.h. Every number is read from the counters of the rooms below; nothing is counted here.
 *
 * Each row of vmstat.def that counted something is shown by its name, at the end; the lists of struct
 * counted put some of them in words. */
#include "cli/report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "cpu/jit/jit.h"
#include "fs/seq_file.h"
#include "mm/paging.h"
#include "proc/clock.h"
#include "proc/procfs/procfs.h"
#include "proc/task.h"

/* --- paragraphs: a label, and what is said of it, wrapped ------------------------------------ */

#define WIDTH 80 /* columns of a terminal */
#define INDENT 9 /* the label's */

struct paragraph {
	char text[512];
	u32 n;	    /* characters of it */
	u32 column; /* of the last line */
};

static void begin(struct paragraph *p, const char *label)
{
	p->n = p->column = snprintf(p->text, sizeof(p->text), "%-*s", INDENT, label);
}

/* Adds a piece that is not broken, a blank before it. What does not fit is left out. */
static void __printf(2, 3) say(struct paragraph *p, const char *fmt, ...)
{
	char piece[96];
	va_list ap;
	u32 len;

	va_start(ap, fmt);
	vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	len = strlen(piece);
	if (p->n + len + 1 + INDENT + 1 > sizeof(p->text))
		return;
	if (p->column + 1 + len >= WIDTH) {
		p->n += sprintf(p->text + p->n, "\n%*s", INDENT, "");
		p->column = INDENT;
	} else if (p->column > INDENT) {
		p->text[p->n++] = ' ';
		p->column++;
	}
	memcpy(p->text + p->n, piece, len + 1);
	p->n += len;
	p->column += len;
}

static void end(const struct paragraph *p)
{
	log_text("%s\n", p->text);
}

/* --- counters of vmstat.def -------------------------------------------------------------- */

struct counted {
	enum vm_event event;
	const char *what;
};

static const struct counted fault_kinds[] = {
	{EV_v_fault_anon, "anonymous"},	    {EV_v_fault_zero, "zero page"},
	{EV_v_fault_file, "file"},	    {EV_v_fault_around, "mapped around"},
	{EV_v_fault_cow, "copied"},	    {EV_pgreuse, "reused"},
	{EV_v_fault_stack, "stack growth"}, {EV_v_fault_segv, "signals"},
};

static const struct counted area_events[] = {
	{EV_v_vma_merge, "merges"},
	{EV_v_vma_split, "splits"},
};

static const struct counted buddy_events[] = {
	{EV_pgfree, "frees"},
	{EV_v_buddy_split, "splits"},
	{EV_v_buddy_merge, "merges"},
};

static void say_counted(struct paragraph *p, const struct memory *mem, const struct counted *c,
			unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		say(p, "%lu %s%s", mem->events[c[i].event], c[i].what, i + 1 < n ? "," : "");
}
#define SAY_COUNTED(p, mem, list) say_counted(p, mem, list, ARRAY_SIZE(list))

static double per(u64 part, u64 all)
{
	return all ? (double)part / all : 0;
}

static double percent(u64 part, u64 all)
{
	return 100 * per(part, all);
}

/* --- the report ---------------------------------------------------------------------------- */

static void report_cpu(const struct machine *m)
{
	const struct code_counters *c = code_cache_counters(m->code);
	struct paragraph p;

	begin(&p, "cpu");
	say(&p, "%lu instructions, %lu system calls;", m->cpu.retired, m->nr_syscalls);
	say(&p, "%lu blocks decoded,", c->blocks_decoded);
	say(&p, "%lu dropped,", c->blocks_dropped);
	say(&p, "%lu stores beside code", c->changes_beside);
	end(&p);
}

/* @n things, and the instructions that were most often the cause. */
static void say_rows(struct paragraph *p, const struct jit *j, u64 n, const char *what,
		     const char *(*of)(const struct jit *, unsigned, u64 *))
{
	u64 times;
	const char *name = of(j, 0, &times);

	say(p, "%lu %s%s", n, what, name ? ":" : ";");
	for (unsigned i = 0; i < 8 && name; i++) {
		const char *next = of(j, i + 1, &times);

		of(j, i, &times);
		say(p, "%s %lu%s", name, times, next && i < 7 ? "," : ";");
		name = next;
	}
}

/* What was translated, and what of that still needs the interpreter. */
static void report_jit(const struct jit *j)
{
	const struct jit_counters *c = jit_counters(j);
	struct paragraph p;

	begin(&p, "jit");
	say(&p, "%lu units of %lu instructions,", c->units, c->insns);
	say(&p, "%lu bytes (%.1f each) and %lu out of line;", c->host_bytes,
	    per(c->host_bytes, c->insns), c->cold_bytes);
	say(&p, "%lu move registers,", c->moved);
	say(&p, "%lu look-ups for %lu accesses,", c->lookups, c->lookups + c->grouped);
	say(&p, "%lu flags saved, %lu operands kept;", c->flag_saves, c->flag_spills);
	say(&p, "%lu links,", c->links);
	say(&p, "%lu dropped, %lu evicted by %lu, %lu flushes;", c->dropped, c->evicted,
	    c->evictions, c->flushes);
	say_rows(&p, j, c->leaves, "leaves", jit_left);
	say_rows(&p, j, c->handlers, "handlers", jit_handled);
	say(&p, "%lu enters, %lu misses", c->enters, c->misses);
	end(&p);
}

/* What ran as translated code, and what of that remains to be won. */
static void report_jit_ran(const struct machine *m, const struct jit *j)
{
	const struct jit_counters *c = jit_counters(j);
	const struct jit_ran *r = &m->cpu.jit.ran;
	u64 exits = c->enters + c->handlers + c->misses;
	u64 by_way[NR_JIT_LOOKS], looks = 0;
	struct paragraph p;

	for (unsigned i = 0; i < NR_JIT_LOOKS; i++)
		looks += by_way[i] = r->looks[TLB_READ][i] + r->looks[TLB_WRITE][i];
	begin(&p, "jit ran");
	say(&p, "%lu instructions (%.2f %% of all),", c->ran, percent(c->ran, m->cpu.retired));
	say(&p, "with %.1f exits to C a million;", 1e6 * per(exits, c->ran));
	say(&p, "%.1f a unit entered, %.1f %% of those left in their midst;", per(c->ran, r->units),
	    percent(r->sides, r->units));
	say(&p, "a thousand had %.1f accesses", 1e3 * per(r->grouped, c->ran));
	say(&p, "without a look-up of their own, and %.1f look-ups:", 1e3 * per(looks, c->ran));
	say(&p, "%.1f in the TLB,", 1e3 * per(by_way[JIT_LOOK_TABLE], c->ran));
	say(&p, "%.1f of constants,", 1e3 * per(by_way[JIT_LOOK_CONSTANT], c->ran));
	say(&p, "%.1f in the stack's window", 1e3 * per(by_way[JIT_LOOK_WINDOW], c->ran));
	say(&p, "(%.4f %% missed)", percent(r->window_misses, by_way[JIT_LOOK_WINDOW]));
	end(&p);
}

static void report_faults(const struct memory *mem)
{
	struct paragraph p;

	begin(&p, "faults");
	say(&p, "%lu (%lu major):", mem->events[EV_pgfault], mem->events[EV_pgmajfault]);
	SAY_COUNTED(&p, mem, fault_kinds);
	end(&p);
}

static void report_tlb(const struct machine *m)
{
	const struct tlb_counters *c = &m->cpu.tlb.count;
	const struct jit_ran *r = &m->cpu.jit.ran;
	u64 hits = 0, misses = 0;
	struct paragraph p;

	for (int i = 0; i < 3; i++) {
		hits += c->l1_hit[i];
		misses += c->l1_miss[i];
	}
	/* A look-up of translated code that missed has been counted as such by tlb_fill(). */
	for (int acc = TLB_READ; acc <= TLB_WRITE; acc++)
		for (int i = 0; i < NR_JIT_LOOKS; i++)
			hits += r->looks[acc][i];
	if (code_cache_jit(m->code))
		hits -= min(hits, jit_counters(code_cache_jit(m->code))->misses);
	begin(&p, "tlb");
	say(&p, "L1 %lu hits, %lu misses (%.4f %%);", hits, misses, percent(misses, hits + misses));
	say(&p, "L2 %lu hits, %lu misses;", c->l2_hit, c->l2_miss);
	say(&p, "%lu walks (%lu from the paging-structure cache, %lu faults);", c->walk,
	    c->walk_psc_hit, c->walk_fault);
	say(&p, "%lu whole and %lu range flushes dropped %lu entries", c->flush_all, c->flush_range,
	    c->flush_entries);
	end(&p);
}

static void report_areas(const struct memory *mem)
{
	struct paragraph p;

	begin(&p, "areas");
	SAY_COUNTED(&p, mem, area_events);
	end(&p);
}

static void report_frames(const struct memory *mem)
{
	static const char *const names[NR_PAGE_OWNERS] = {
		[OWN_FREE] = "free",	  [OWN_KERNEL] = "kernel",	  [OWN_SLAB] = "slab",
		[OWN_PGTABLE] = "tables", [OWN_ANON] = "anonymous",	  [OWN_FILE] = "file",
		[OWN_SHMEM] = "shmem",	  [OWN_KSTACK] = "kernel stacks",
	};
	u64 count[NR_PAGE_OWNERS];
	struct paragraph p;

	count_page_owners(mem, count);
	begin(&p, "frames");
	say(&p, "%lu of 4 KiB:", totalram_pages(mem));
	for (int i = 0; i < NR_PAGE_OWNERS; i++)
		say(&p, "%lu %s%s", count[i], names[i], i + 1 < NR_PAGE_OWNERS ? "," : "");
	end(&p);
}

static void report_buddy(const struct memory *mem)
{
	struct paragraph p;

	begin(&p, "buddy");
	say(&p, "%lu allocations,",
	    mem->events[EV_pgalloc_dma] + mem->events[EV_pgalloc_dma32] +
		    mem->events[EV_pgalloc_normal]);
	SAY_COUNTED(&p, mem, buddy_events);
	end(&p);
}

static void report_slab(const struct memory *mem)
{
	u64 objs = 0, pages = 0, caches = 0;
	struct slabinfo s;
	struct paragraph p;

	for (unsigned i = 0; slab_info(mem, i, &s); i++) {
		objs += s.active_objs;
		pages += s.num_slabs * s.pagesperslab;
		caches++;
	}
	begin(&p, "slab");
	say(&p, "%lu objects in %lu pages of %lu caches", objs, pages, caches);
	end(&p);
}

#define EVENTS_A_PARAGRAPH 16

/* By their names in /proc/vmstat; v_: Vellum's own. */
static void report_events(const struct memory *mem)
{
	static const char *const names[NR_VM_EVENTS] = {
#define VMSTAT(kind, name, value)
#define VM_EVENT(kind, name) #name,
#include "mm/vmstat.def"
#undef VM_EVENT
#undef VMSTAT
	};
	struct paragraph p;
	unsigned shown = 0;

	begin(&p, "events");
	for (unsigned e = 0; e < NR_VM_EVENTS; e++) {
		if (!mem->events[e])
			continue;
		if (shown && shown % EVENTS_A_PARAGRAPH == 0) {
			end(&p);
			begin(&p, "");
		}
		say(&p, "%s=%lu", names[e], mem->events[e]);
		shown++;
	}
	end(&p);
}

void report_proc_files(struct machine *m, struct task_struct *t, const char *files)
{
	struct seq text;
	char name[32];
	u64 left;
	int len;

	for (const char *at = files;; at += len + 1) {
		len = (int)strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", len, at);
		log_text("--- vellum: %s of %s-%d ---\n", name, t->comm, t->tgid);
		if (!procfs_read_text(m, procfs_has_text(name, true) ? t : NULL, name, &text)) {
			for (u64 done = 0; done < text.count; done += left) {
				const char *piece = seq_peek(&text, done, &left);

				log_text("%.*s", (int)left, piece);
			}
			seq_release(&text);
		}
		if (!at[len])
			break;
	}
}

#define NAMING_NS (2 * NSEC_PER_SEC) /* symbols are looked for so long; a large program has many */

/* Whether @t has at @addr what stands in the frame @pfn: else the code is another program's. */
static bool has_frame(const struct task_struct *t, gva_t addr, pfn_t pfn)
{
	const pte_t *pte = t->mm ? pte_offset(t->mm, addr) : NULL;

	return pte && pte_present(*pte) && pte_pfn(*pte) == pfn;
}

void report_perf_map(struct machine *m, struct task_struct *t)
{
	const struct jit *j = code_cache_jit(m->code);
	u64 end = host_clock_ns(CLOCK_MONOTONIC) + NAMING_NS;
	char path[48], name[128];
	struct jit_code c;
	FILE *map = NULL;
	u32 n = 0;
	int fd;

	if (!j)
		return;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  0600); /* perf wants its user's own */
	if (fd >= 0)
		map = fdopen(fd, "w");
	if (!map) {
		log_line("%s: %m", path);
		return;
	}
	while (jit_next_code(j, &n, &c)) {
		if (!m->symbolize || host_clock_ns(CLOCK_MONOTONIC) > end ||
		    !has_frame(t, c.rip, c.pfn) || !m->symbolize(m, t, c.rip, name, sizeof(name)))
			snprintf(name, sizeof(name), "%#lx", c.rip);
		(void)fprintf(map, "%lx %lx guest %s\n", (u64)c.code, c.size, name);
	}
	if (ferror(map) | fclose(map))
		log_line("%s: not written whole", path);
}

void report_stats(struct machine *m)
{
	log_text("--- vellum: what the machine did ---\n");
	report_cpu(m);
	if (code_cache_jit(m->code)) {
		report_jit(code_cache_jit(m->code));
		report_jit_ran(m, code_cache_jit(m->code));
	}
	report_faults(&m->mem);
	report_tlb(m);
	report_areas(&m->mem);
	report_frames(&m->mem);
	report_buddy(&m->mem);
	report_slab(&m->mem);
	report_events(&m->mem);
}
