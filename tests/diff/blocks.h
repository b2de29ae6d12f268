/* Programs at random for two engines: made by blocks_code.c, run and compared by blocks.c.
 *
 *	page   0 .. 3   code: blocks of 2 to 20 instructions, which branch, loop, call and return among each other
 *	       4 .. 7   nothing
 *	       8 .. 19  data: pointers, addresses of blocks, noise; some pages are absent or read-only, or a frame
 *	                is seen twice
 *	       20 ..    frames that no page shows yet
 */
#ifndef TESTS_DIFF_BLOCKS_H
#define TESTS_DIFF_BLOCKS_H

#include "cpu/flat.h"
#include "encode.h"

#define BLOCKS_CODE FLAT_BASE
#define BLOCKS_CODE_PAGES 4U
#define BLOCKS_CODE_LEN (BLOCKS_CODE_PAGES * PAGE_SIZE)
#define BLOCKS_DATA_PAGE 8U
#define BLOCKS_DATA_PAGES 12U
#define BLOCKS_DATA (FLAT_BASE + BLOCKS_DATA_PAGE * PAGE_SIZE)
#define BLOCKS_DATA_LEN (BLOCKS_DATA_PAGES * PAGE_SIZE)
#define BLOCKS_SPARE_PAGE 20U
#define BLOCKS_MAX 16U

struct program {
	u8 code[BLOCKS_CODE_LEN];
	u32 at[BLOCKS_MAX],
		len[BLOCKS_MAX]; /* each block: its first byte, less BLOCKS_CODE; 0: none yet */
	unsigned nr_blocks;
	bool shaped; /* loops, branches and calls as compilers make them, which mostly come to an end */
	u16 pointers, small; /* registers by bit: mostly point to data; mostly are little numbers */
	u64 made[4096];	     /* by row: how often it was put into a program so far */
};

/* What programs are made of. @feats: of the model. Once. */
void blocks_rows(u64 feats);
/* Another program; random.h says which. Keeps @made. */
void blocks_make(const struct encoder *e, struct program *p);
/* Changes a few bytes of a block: @*at and @*len of the code. */
void blocks_patch(const struct encoder *e, struct program *p, u32 *at, u32 *len);
gva_t blocks_address(const struct program *p); /* of one of its blocks, or near it */
/* An address of data: anywhere, or near the end of a page. */
gva_t blocks_pointer(void);

#endif
