/* Memory of the translator, from the host at boot: code by two mappings of one memfd, never writable and
 * executable at one address; tables that are touched as they fill. Not core.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_exec.h"
#include "cpu/host_signals.h"
#include "cpu/jit/lockstep.h"
#include "cpu/model.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2 /* asm/hwcap2.h */
#endif

/* A table of @n entries, zero; touched as it fills. */
static int table(u32 n, size_t size, void *to)
{
	return host_mmap_reserve(page_align(n * size), PAGE_SIZE, to);
}

static void free_table(void *p, u32 n, size_t size)
{
	if (p)
		host_munmap(p, page_align(n * size));
}

/* Their entries for @size bytes of code, by what is common: a unit has 300 bytes and more, a site 20. */
static u32 units_of(u64 size)
{
	return (u32)(size / 128);
}

static u32 sites_of(u64 size)
{
	return (u32)(size / 16);
}

static u32 traps_of(u64 size)
{
	return (u32)(size / 32);
}

static u32 parts_of(u64 size)
{
	return (u32)(size / 64);
}

static void free_tables(struct jit *j)
{
	free_table(j->units, units_of(j->size), sizeof(*j->units));
	free_table(j->sites, sites_of(j->size), sizeof(*j->sites));
	free_table(j->traps, traps_of(j->size), sizeof(*j->traps));
	free_table(j->parts, parts_of(j->size), sizeof(*j->parts));
	free(j->row_rule);
	free(j->row_handled);
	free(j->row_left);
	free(j->row_made);
	free(j->lock);
}

static int make_tables(struct jit *j)
{
	int err;

	err = table(units_of(j->size), sizeof(*j->units), &j->units);
	if (!err)
		err = table(sites_of(j->size), sizeof(*j->sites), &j->sites);
	if (!err)
		err = table(traps_of(j->size), sizeof(*j->traps), &j->traps);
	if (!err)
		err = table(parts_of(j->size), sizeof(*j->parts), &j->parts);
	if (err)
		return err;
	j->row_rule = calloc(nr_insn_rows, sizeof(*j->row_rule));
	j->row_handled = calloc(nr_insn_rows, sizeof(*j->row_handled));
	j->row_left = calloc(nr_insn_rows, sizeof(*j->row_left));
	j->row_made = calloc(nr_insn_rows, sizeof(*j->row_made));
	return j->row_rule && j->row_handled && j->row_left && j->row_made ? 0 : -ENOMEM;
}

static int map_code(struct jit *j, bool perf)
{
	struct code_region region = {.keeps_registers = true};
	void *write, *exec;
	int err = perf ? host_map_exec_anon(j->size, &write, &exec)
		       : host_map_exec(j->size, &write, &exec);

	if (err)
		return err;
	j->write = j->next = write;
	j->exec = exec;
	jit_make_stubs(j);
	region.start = (u64)exec;
	region.end = (u64)exec + j->size;
	region.fault_exit = (u64)(j->exec + (j->leave - j->write));
	err = host_signals_add_region(&region);
	if (err)
		host_unmap_exec(j->size, write, exec);
	return err;
}

/* Whether shifts by a constant leave flags that depend on those before: no CPU is known that does. */
static bool shifts_add_flags(void)
{
	u64 ones, zeros;

	__asm__("movl $0xffff, %%eax\n\taddb $0x7f, %%al\n\tsahf\n\tmovl $5, %%edx\n\tshll $3, "
		"%%edx\n\t"
		"lahf\n\tseto %%al\n\tmovzwl %%ax, %%eax"
		: "=a"(ones)
		:
		: "rdx", "cc");
	__asm__("movl $0, %%eax\n\taddb $0x7f, %%al\n\tsahf\n\tmovl $5, %%edx\n\tshll $3, %%edx\n\t"
		"lahf\n\tseto %%al\n\tmovzwl %%ax, %%eax"
		: "=a"(zeros)
		:
		: "rdx", "cc");
	return ones == zeros;
}

struct jit *jit_new(struct code_cache *c, const struct jit_options *o)
{
	struct jit *j;
	int err;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
		return ERR_PTR(-ENOSYS);
	if (o->size && o->size < JIT_LEAST_SIZE)
		return ERR_PTR(-EINVAL);
	err = table(1, sizeof(*j), &j);
	if (err)
		return ERR_PTR(err);
	j->cache = c;
	j->size = page_align(o->size ? o->size : JIT_DEFAULT_SIZE);
	j->l1_mask = (u64)(o->l1_entries - 1) << 5;
	j->counts = o->count;
	j->has_bmi2 = cpu_host_has(FEAT_BMI2);
	j->host_adds_flags = shifts_add_flags();
	j->hot = o->hot ? o->hot : o->lockstep ? JIT_HOT_LOCKSTEP : JIT_HOT;
	j->heat_step =
		~0U / (j->hot * (o->hot || o->lockstep ? JIT_HOT_TRACE_TEST : JIT_HOT_TRACE));
	err = make_tables(j);
	if (!err && o->lockstep) {
		j->lock = calloc(1, sizeof(*j->lock));
		if (j->lock) {
			j->lock->describe = lockstep_describe;
			j->lock->end = lockstep_end;
		} else {
			err = -ENOMEM;
		}
	}
	if (!err)
		err = map_code(j, o->perf);
	if (err) {
		free_tables(j);
		free_table(j, 1, sizeof(*j));
		return ERR_PTR(err);
	}
	jit_make_gens(j, units_of(j->size), sites_of(j->size), traps_of(j->size),
		      parts_of(j->size));
	jit_reset(j);
	return j;
}

void jit_free(struct jit *j)
{
	jit_gdb_forget(j);
	host_signals_forget_region((u64)j->exec);
	host_unmap_exec(j->size, j->write, j->exec);
	free_tables(j);
	free_table(j, 1, sizeof(*j));
}

const struct jit_counters *jit_counters(const struct jit *j)
{
	return &j->count;
}

/* Of all rows with the name of @row; 0: an earlier row has it. */
static u64 of_name(const u64 *by_row, unsigned row)
{
	const char *name = insn_rows[row].name;
	u64 sum = 0;

	for (unsigned r = 0; r < nr_insn_rows; r++) {
		if (!by_row[r] || strcmp(insn_rows[r].name, name))
			continue;
		if (r < row)
			return 0;
		sum += by_row[r];
	}
	return sum;
}

static const char *often(const u64 *by_row, unsigned n, u64 *times)
{
	u64 last = ~0UL, best = 0;
	unsigned row = 0, found = 0;

	for (unsigned i = 0; i <= n; i++, last = best, row = found) {
		best = 0;
		for (unsigned r = 0; r < nr_insn_rows; r++) {
			u64 sum = by_row[r] ? of_name(by_row, r) : 0;

			if (sum > best && (sum < last || (sum == last && r > row))) {
				best = sum;
				found = r;
			}
		}
		if (!best)
			return NULL;
	}
	*times = last;
	return insn_rows[row].name;
}

const char *jit_handled(const struct jit *j, unsigned n, u64 *times)
{
	return often(j->row_handled, n, times);
}

const char *jit_left(const struct jit *j, unsigned n, u64 *times)
{
	return often(j->row_left, n, times);
}

bool jit_has_rule(const struct jit *j, unsigned row)
{
	return jit_rule_of(j, row)->kind != RULE_NONE;
}

u64 jit_translated(const struct jit *j, unsigned row)
{
	return j->row_made[row];
}
