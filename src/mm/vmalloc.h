/* vmalloc: memory of the guest kernel that is contiguous in its address space only.
 *
 *   vmap_area tree   ranges of [VMALLOC_START, VMALLOC_END), by address, each with one unmapped
 *                    page behind it (the guard)
 *   page table       swapper_pg_dir of Linux: four levels in guest frames, entries as the CPU
 *                    would want them (global, supervisor, NX)
 *   frames           single ones from the buddy
 *
 * Host code cannot follow a guest-kernel address. So what lies here is reached a page at a time:
 * vmalloc_to_virt() walks the table and gives the host address of one byte, good up to the end of
 * its page. Used for what is too large for kmalloc to be sure of: descriptor tables, long /proc
 * files. Never for what a hot path goes through byte by byte.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "mm/page_alloc.h"
#include "mm/pgtable.h"

#define VMALLOC_START 0xffffc90000000000UL
#define VMALLOC_END 0xffffe8ffffffffffUL /* the last byte: 32 TiB */

/**
 * __vmalloc - map fresh frames
 * @size:   bytes, rounded up to pages, at most what RAM has
 * @gfp:    of the frames; with __GFP_ZERO they are cleared. May reclaim
 * @caller: for /proc/vmallocinfo; kept by pointer
 *
 * Return: a page-aligned address in the guest kernel's half, owned by the caller until vfree(); 0: no memory.
 * See: Linux, mm/vmalloc.c, __vmalloc_node_range().
 */
gva_t __vmalloc(struct memory *m, u64 size, gfp_t gfp, const char *caller);
#define vmalloc(m, size) __vmalloc(m, size, GFP_KERNEL, __func__)
#define vzalloc(m, size) __vmalloc(m, size, GFP_KERNEL | __GFP_ZERO, __func__)
/* The same area, of another size: frames that stay are not copied, but a larger one lies elsewhere. @addr 0: a
 * new one. 0: no memory, and @addr is as it was. */
gva_t vrealloc(struct memory *m, gva_t addr, u64 size, gfp_t gfp, const char *caller);
/* The frames and the addresses go; @addr is what __vmalloc() or vrealloc() gave, or 0. */
void vfree(struct memory *m, gva_t addr);

/* The frame behind @addr; NULL: nothing is mapped there. */
struct page *vmalloc_to_page(const struct memory *m, gva_t addr);
/* Host address of the byte at @addr, which must be mapped; valid up to the end of its page. */
void *vmalloc_to_virt(const struct memory *m, gva_t addr);
/* Copies @n bytes to [addr, addr + n), all of which must be mapped. */
void vmalloc_write(struct memory *m, gva_t addr, const void *from, u64 n);

static inline bool is_vmalloc_addr(gva_t addr)
{
	return addr >= VMALLOC_START && addr <= VMALLOC_END;
}

/* One line of /proc/vmallocinfo. */
struct vmallocinfo {
	gva_t start;
	u64 size; /* bytes, guard page included */
	u64 nr_pages;
	const char *caller;
};
/* The first area at or above @addr; false: none. */
bool vmalloc_info(const struct memory *m, gva_t addr, struct vmallocinfo *out);
/* Page tables that it uses, the root included; 0 before the first call. */
u64 vmalloc_nr_tables(const struct memory *m);

/* Tree, gaps and page table against each other. 0 or -EFAULT, each violation on the log. */
int vmalloc_validate(struct memory *m);

#endif
