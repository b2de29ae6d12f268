/* Making and unmaking CPUs and the code cache: what happens at boot, with memory from the host. The only
 * file of the room, with thunk_pool.c, host_signals.c and disas.c, that is not core. */
#include "cpu/block.h"
#include "cpu/internal.h"
#include "cpu/jit/jit.h"
#include "cpu/model.h"
#include "cpu/thunk.h"
#include "base/err.h"
#include "base/host.h"
#include "mm/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space for blocks, touched as they are made. Flushed as a whole when full. */
#define ARENA_SIZE (64UL << 20)

struct code_cache *code_cache_new(struct memory *mem)
{
	struct code_cache *c = calloc(1, sizeof(*c));
	void *arena;
	int err;

	if (!c)
		return ERR_PTR(-ENOMEM);
	err = host_mmap_reserve(ARENA_SIZE, PAGE_SIZE, &arena);
	if (err)
		goto no_arena;
	c->thunks = thunk_pool_new();
	if (IS_ERR(c->thunks)) {
		err = PTR_ERR(c->thunks);
		goto no_thunks;
	}
	code_cache_setup(c, mem, arena, ARENA_SIZE);
	mem->hooks.code_dirty = code_cache_dirty;
	mem->hooks.code_arg = c;
	return c;

no_thunks:
	host_munmap(arena, ARENA_SIZE);
no_arena:
	free(c);
	return ERR_PTR(err);
}

int code_cache_translate(struct code_cache *c, const struct jit_options *o)
{
	struct jit *j = jit_new(c, o);

	if (IS_ERR(j))
		return PTR_ERR(j);
	c->jit = j;
	return 0;
}

void code_cache_free(struct code_cache *c)
{
	c->mem->hooks.code_dirty = NULL;
	if (c->jit)
		jit_free(c->jit);
	thunk_pool_free(c->thunks);
	host_munmap(c->arena, ARENA_SIZE);
	free(c);
}

bool code_cache_makes_code(const struct code_cache *c)
{
	const struct thunk_pool *p = c->thunks;

	return !p->notes;
}

const struct code_counters *code_cache_counters(const struct code_cache *c)
{
	return &c->count;
}

struct jit *code_cache_jit(const struct code_cache *c)
{
	return c->jit;
}

void cpu_regs_init(struct cpu_regs *r)
{
	*r = (struct cpu_regs){.flags = F_IF | 2, .cs = 0x33, .ss = 0x2b};
}

int cpu_init(struct cpu *cpu, struct memory *mem, struct code_cache *code,
	     const struct tlb_geometry *geo, enum cpu_model model)
{
	int err;

	cpu->in = calloc(1, sizeof(*cpu->in));
	if (!cpu->in)
		return -ENOMEM;
	err = tlb_init(&cpu->tlb, mem, geo);
	if (err) {
		free(cpu->in);
		cpu->in = NULL;
		return err;
	}
	cpu_regs_init(&cpu->regs);
	cpu->mem = mem;
	cpu->code = code;
	cpu_model_init(cpu, model);
	return 0;
}

static const char *const model_names[] = {
	[CPU_MODEL_V1] = "v1", [CPU_MODEL_V2] = "v2",	  [CPU_MODEL_V3] = "v3",
	[CPU_MODEL_V4] = "v4", [CPU_MODEL_HOST] = "host",
};

const char *cpu_model_name(enum cpu_model model)
{
	return model_names[model];
}

int cpu_model_parse(const char *name, enum cpu_model *model)
{
	for (unsigned i = 0; i < ARRAY_SIZE(model_names); i++)
		if (!strcmp(name, model_names[i])) {
			*model = i;
			return 0;
		}
	return -EINVAL;
}

enum cpu_model cpu_model_default(void)
{
	enum cpu_model model = CPU_MODEL_DEFAULT;

	while (model > CPU_MODEL_V1 && !cpu_model_possible(model))
		model--;
	return model;
}

static void *guard_page(struct cpu *cpu)
{
	return (void *)page_align((u64)cpu - CPU_STACK - CPU_GUARD);
}

void cpu_guard_stack(struct cpu *cpu)
{
	cpu->in->guarded = !host_mprotect(guard_page(cpu), PAGE_SIZE, PROT_NONE);
}

void cpu_destroy(struct cpu *cpu)
{
	if (cpu->in->guarded)
		host_mprotect(guard_page(cpu), PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (cpu->code && cpu->code->jit)
		jit_forget_cpu(cpu->code->jit, cpu);
	tlb_destroy(&cpu->tlb);
	free(cpu->in);
	cpu->in = NULL;
}
