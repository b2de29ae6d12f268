#include "flat.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mm/mm.h"
#include "mm/pgtable.h"

#define NR_TABLES 4 /* frames 0 .. 3; guest page n is frame n + NR_TABLES */
#define NR_FRAMES (NR_TABLES + FLAT_PAGES)

static void *must(void *p)
{
	if (IS_ERR_OR_NULL(p))
		abort();
	return p;
}

static u64 *table(struct flat *f, unsigned n)
{
	return pfn_to_virt(&f->mem, n);
}

static void make_tables(struct flat *f)
{
	static const unsigned shifts[] = {PGDIR_SHIFT, PUD_SHIFT, PMD_SHIFT};

	for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++)
		table(f, i)[table_index(FLAT_BASE, shifts[i])] =
			(u64)(i + 1) << PAGE_SHIFT | _PAGE_TABLE;
	for (unsigned i = 0; i < FLAT_PAGES; i++)
		flat_protect(f, FLAT_BASE + i * PAGE_SIZE, FLAT_RWX);
}

struct flat *flat_new(enum cpu_model model)
{
	return flat_new_tlb(model, 256);
}

struct flat *flat_new_tlb(enum cpu_model model, u32 l1_entries)
{
	const struct tlb_geometry geo = {l1_entries, 8, 128, false};
	struct flat *f = must(aligned_alloc(64, (sizeof(*f) + 63) & ~63UL));

	if (cpu_install_host_handlers())
		abort();
	memset(f, 0, sizeof(*f));
	f->mem.ram_size = NR_FRAMES * PAGE_SIZE;
	f->mem.ram = must(aligned_alloc(PAGE_SIZE, f->mem.ram_size));
	memset(f->mem.ram, 0, f->mem.ram_size);
	f->mem.max_pfn = NR_FRAMES;
	f->mem.mem_map = must(calloc(NR_FRAMES, sizeof(struct page)));
	INIT_LIST_HEAD(&f->mem.mm_list);
	f->mm = must(calloc(1, sizeof(*f->mm)));
	f->mm->mem = &f->mem;
	f->mm->pgd = table(f, 0);
	list_add(&f->mm->mmlist, &f->mem.mm_list);

	f->code = must(code_cache_new(&f->mem));
	if (cpu_init(&f->cpu, &f->mem, f->code, &geo, model))
		abort();
	fpu_state_init(&f->fpu);
	f->cpu.fpu = &f->fpu;
	make_tables(f);
	tlb_switch(&f->cpu.tlb, f->mm);
	if (getenv("FLAT_TRANSLATE") &&
	    !flat_translate(f, !strcmp(getenv("FLAT_TRANSLATE"), "lockstep")))
		abort();
	return f;
}

void flat_free(struct flat *f)
{
	tlb_forget_mm(f->mm);
	cpu_destroy(&f->cpu);
	code_cache_free(f->code);
	free(f->mm);
	free(f->mem.mem_map);
	free(f->mem.ram);
	free(f);
}

static bool flat_translate_as(struct flat *f, bool lockstep, u64 size, u16 hot);

bool flat_translate(struct flat *f, bool lockstep)
{
	return flat_translate_as(f, lockstep, 4UL << 20, 1);
}

bool flat_translate_in(struct flat *f, bool lockstep, u64 size)
{
	return flat_translate_as(f, lockstep, size, 1);
}

bool flat_translate_hot(struct flat *f, bool lockstep, u16 hot)
{
	return flat_translate_as(f, lockstep, 4UL << 20, hot);
}

static bool flat_translate_as(struct flat *f, bool lockstep, u64 size, u16 hot)
{
	struct jit_options o = {.size = size,
				.l1_entries = (u32)(f->cpu.tlb.l1_mask >> 5) + 1,
				.hot = hot,
				.lockstep = lockstep};

	if (code_cache_jit(f->code))
		return true;
	if (code_cache_translate(f->code, &o))
		return false;
	cpu_guard_stack(&f->cpu);
	return true;
}

void flat_protect(struct flat *f, gva_t addr, unsigned long rights)
{
	flat_map(f, addr, addr, rights);
}

void flat_map(struct flat *f, gva_t addr, gva_t frame, unsigned long rights)
{
	u64 n = (frame - FLAT_BASE) >> PAGE_SHIFT;
	u64 pte = (n + NR_TABLES) << PAGE_SHIFT | _PAGE_USER;

	pte |= rights ? _PAGE_PRESENT : 0;
	pte |= rights & FLAT_W ? _PAGE_RW : 0;
	pte |= rights & FLAT_X ? 0 : _PAGE_NX;
	table(f, NR_TABLES - 1)[table_index(addr, PAGE_SHIFT)] = pte;
	flush_tlb_mm(f->mm);
}

u64 flat_pte(struct flat *f, gva_t addr)
{
	return table(f, NR_TABLES - 1)[table_index(addr, PAGE_SHIFT)];
}

void *flat_ptr(struct flat *f, gva_t addr)
{
	return (u8 *)pfn_to_virt(&f->mem, NR_TABLES) + (addr - FLAT_BASE);
}

void flat_write(struct flat *f, gva_t addr, const void *bytes, size_t len)
{
	u8 *p = flat_ptr(f, addr);

	for (gva_t a = addr, next; a < addr + len; a = next) {
		struct page *page = f->mem.mem_map + virt_to_pfn(&f->mem, flat_ptr(f, a));

		next = min((a & PAGE_MASK) + PAGE_SIZE, addr + len);
		page_code_changes(&f->mem, page, page_offset(a), next - a);
	}
	memcpy(p, bytes, len);
}
