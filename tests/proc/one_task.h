/* A machine with one task that has an empty address space and runs nothing: the smallest world in which
 * functions of src/proc can be called by hand. Its clock stands still unless a test moves it. */
#ifndef TESTS_ONE_TASK_H
#define TESTS_ONE_TASK_H

#include <stdlib.h>
#include <sys/mman.h>

#include "base/err.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "proc/init.h"
#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

#define ARENA 0x10000000UL /* where one_task_map() maps */

static inline struct task_struct *one_task_new(u64 mem_size)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct task_struct *t;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, mem_size), 0);
	t = task_create_init(m);
	CU_ASSERT_FATAL(!IS_ERR(t));
	t->mm = mm_alloc(&m->mem);
	CU_ASSERT_FATAL(!IS_ERR(t->mm));
	return t;
}

static inline void one_task_free(struct task_struct *t)
{
	struct machine *m = t->machine;

	CU_ASSERT_EQUAL(machine_validate(m), 0);
	tiny_machine_free(m);
	free(m);
}

/* Private anonymous pages for reading and writing, @touch of them written to. */
static inline gva_t one_task_map(struct task_struct *t, u64 at, u64 pages, u64 touch)
{
	gva_t addr = ARENA + at * PAGE_SIZE;

	CU_ASSERT_EQUAL_FATAL(do_mmap(t->mm, NULL, addr, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, false),
			      (long)addr);
	for (u64 i = 0; i < touch; i++)
		CU_ASSERT_EQUAL(put_user(t->mm, (u8)1, addr + i * PAGE_SIZE), 0);
	return addr;
}

#endif
