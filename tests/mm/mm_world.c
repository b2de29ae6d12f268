#include "mm_world.h"

#include <stdlib.h>

struct memory *new_memory(u64 size)
{
	struct memory *m = calloc(1, sizeof(*m));

	CU_ASSERT_EQUAL_FATAL(memory_init(m, size), 0);
	return m;
}

void end_memory(struct memory *m)
{
	CU_ASSERT_EQUAL(m->stats[ST_vmalloc], 0);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	memory_destroy(m);
	free(m);
}

static int file_read_pages(struct address_space *as, u64 first, struct page **pages, unsigned nr)
{
	struct world *w = as->host;

	for (unsigned i = 0; i < nr; i++)
		memset(page_address(as->mem, pages[i]), (u8)((first + i) * 7 + 1), PAGE_SIZE);
	w->file_reads += nr;
	return 0;
}

static int file_writepage(struct address_space *as, struct page *page)
{
	struct world *w = as->host;

	memcpy(w->written, page_address(as->mem, page), PAGE_SIZE);
	w->file_writes++;
	return 0;
}

static const struct address_space_operations file_ops = {
	.read_pages = file_read_pages,
	.writepage = file_writepage,
};

static struct address_space *file_mapping(struct file *f)
{
	return (struct address_space *)f;
}

struct world *world_new(u64 ram)
{
	static const struct tlb_geometry geo = {256, 8, 128, false};
	struct world *w = calloc(1, sizeof(*w));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL_FATAL(memory_init(&w->m, ram), 0);
	w->m.hooks.file_mapping = file_mapping;
	CU_ASSERT_EQUAL_FATAL(tlb_init(&w->tlb, &w->m, &geo), 0);
	w->mm = mm_alloc(&w->m);
	CU_ASSERT_FALSE_FATAL(IS_ERR(w->mm));
	for (unsigned i = 0; i < ARRAY_SIZE(w->rlim); i++)
		w->rlim[i] = RLIM_INF;
	w->rlim[RLIM_STACK] = 8 << 20;
	w->m.rlim_cur = w->rlim;
	w->mm->mmap_base = 0x7ffff7fff000;
	tlb_switch(&w->tlb, w->mm);
	address_space_init(&w->file, &w->m, &file_ops, w);
	w->file.i_size = FILE_PAGES * PAGE_SIZE;
	return w;
}

void world_end(struct world *w)
{
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	mmput(w->mm);
	CU_ASSERT_TRUE(list_empty(&w->m.mm_list));
	CU_ASSERT_EQUAL(w->m.stats[ST_page_table_pages], 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_anon_pages], 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_mapped], 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_TRUE(list_empty(&w->file.i_mmap));
	address_space_destroy(&w->file);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	tlb_destroy(&w->tlb);
	memory_destroy(&w->m);
	free(w);
}

static gva_t map(struct world *w, const struct mmap_file *f, gva_t addr, u64 pages, u64 prot,
		 u64 flags, u64 pgoff)
{
	long ret;

	if (addr)
		flags |= MAP_FIXED;
	ret = do_mmap(w->mm, f, addr, pages << PAGE_SHIFT, prot, flags, pgoff, false);
	CU_ASSERT_FALSE_FATAL(IS_ERR_VALUE(ret));
	return ret;
}

gva_t world_map(struct world *w, gva_t addr, u64 pages, u64 prot, u64 flags)
{
	return map(w, NULL, addr, pages, prot, flags | MAP_ANONYMOUS, 0);
}

gva_t world_map_file(struct world *w, gva_t addr, u64 pages, u64 prot, u64 flags, u64 pgoff)
{
	struct mmap_file f = {
		.file = (struct file *)&w->file,
		.can_read = true,
		.can_write = true,
		.regular = true,
	};

	return map(w, &f, addr, pages, prot, flags, pgoff);
}

int touch(struct world *w, gva_t addr, enum tlb_access acc, u8 *byte, struct fault_signal *sig)
{
	struct fault_signal own;
	u32 fault;
	void *host;

	if (!sig)
		sig = &own;
	for (int tries = 0; tries < 4; tries++) {
		host = tlb_lookup(&w->tlb, addr, 1, acc);
		fault = host ? 0 : tlb_fill(&w->tlb, addr, acc, PF_USER, &host);
		if (!fault) {
			if (acc == TLB_WRITE)
				*(u8 *)host = *byte;
			else
				*byte = *(u8 *)host;
			return 0;
		}
		do_user_addr_fault(w->mm, addr, fault & ~TLB_FAULT, sig);
		if (sig->signo)
			return sig->signo;
	}
	CU_FAIL("a served fault came back");
	return -1;
}

u8 peek(struct world *w, gva_t addr)
{
	u8 byte = 0;

	CU_ASSERT_EQUAL(touch(w, addr, TLB_READ, &byte, NULL), 0);
	return byte;
}

void poke(struct world *w, gva_t addr, u8 val)
{
	CU_ASSERT_EQUAL(touch(w, addr, TLB_WRITE, &val, NULL), 0);
}

/* Linux: dup_mmap(). */
struct mm_struct *world_fork(struct world *w)
{
	struct mm_struct *child = mm_alloc(&w->m);
	struct vm_area_struct *vma, *copy;

	CU_ASSERT_FALSE_FATAL(IS_ERR(child));
	for_each_vma (w->mm, vma) {
		copy = vm_area_dup(vma);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		copy->vm_mm = child;
		copy->vm_flags &= ~VM_LOCKED_MASK;
		copy->anon_vma = NULL;
		CU_ASSERT_EQUAL_FATAL(anon_vma_fork(copy, vma), 0);
		CU_ASSERT_EQUAL_FATAL(vma_tree_reserve(child, 1), 0);
		if (copy->vm_ops && copy->vm_ops->open)
			copy->vm_ops->open(copy);
		vma_link(child, copy);
		vm_stat_account(child, copy->vm_flags, vma_pages(copy));
		if (copy->vm_flags & VM_ACCOUNT)
			CU_ASSERT_EQUAL(security_vm_enough_memory(child, vma_pages(copy)), 0);
		CU_ASSERT_EQUAL_FATAL(copy_page_range(copy, vma), 0);
	}
	return child;
}
