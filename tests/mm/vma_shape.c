#include "vma_shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
	char *s;
	size_t len, room;
};

static void __printf(2, 3) put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += vsnprintf(t->s + t->len, t->room - t->len, fmt, ap);
	va_end(ap);
	CU_ASSERT_FATAL(t->len < t->room);
}

const char *shape(struct mm_struct *mm, u64 pages)
{
	static char buf[1 << 16];
	struct text t = {buf, 0, sizeof(buf)};
	struct vm_area_struct *vma;

	buf[0] = 0;
	for (vma = find_vma(mm, ARENA); vma && vma->vm_start < ARENA + pages * PG;
	     vma = vma_next(vma)) {
		vm_flags_t f = vma->vm_flags;

		put(&t, "%s[%ld,%ld)%c%c%c%c", t.len ? " " : "",
		    (long)(vma->vm_start - ARENA) / (long)PG,
		    (long)(vma->vm_end - ARENA) / (long)PG, f & VM_READ ? 'r' : '-',
		    f & VM_WRITE ? 'w' : '-', f & VM_EXEC ? 'x' : '-', f & VM_MAYSHARE ? 's' : 'p');
		if (vma->vm_mapping && vma->vm_pgoff)
			put(&t, "+%lx", vma->vm_pgoff);
	}
	return buf;
}

char *snapshot(struct mm_struct *mm)
{
	struct text t = {malloc(1 << 20), 0, 1 << 20};
	struct vm_area_struct *vma;

	put(&t, "maps %lu total %lu locked %lu data %lu exec %lu stack %lu committed %lu brk %lx\n",
	    mm->map_count, mm->total_vm, mm->locked_vm, mm->data_vm, mm->exec_vm, mm->stack_vm,
	    mm->mem->committed_as, mm->brk);
	put(&t, "rss %ld %ld %ld\n", mm->rss[0], mm->rss[1], mm->rss[3]);
	for_each_vma (mm, vma)
		put(&t, "%lx-%lx %lx %lx %p %p\n", vma->vm_start, vma->vm_end, vma->vm_flags,
		    vma->vm_pgoff, (void *)vma->vm_mapping, (void *)vma->anon_vma);
	return t.s;
}

void fx(struct world *w, u64 page, u64 pages, u64 prot, u64 flags)
{
	world_map(w, ARENA + page * PG, pages, prot, flags);
}

void fails_cleanly(void (*prepare)(struct world *w), vma_call *call, long error)
{
	unsigned nth;

	for (nth = 1; nth < 100; nth++) {
		struct world *w = world_new(64 << 20);
		char *before, *after;
		long ret;

		if (prepare)
			prepare(w);
		before = snapshot(w->mm);
		w->m.fail_nth = nth;
		ret = call(w);
		w->m.fail_nth = 0;
		after = snapshot(w->mm);
		if (IS_ERR_VALUE(ret)) {
			CU_ASSERT_EQUAL(ret, -error);
			CU_ASSERT_STRING_EQUAL(before, after);
			if (strcmp(before, after))
				fprintf(stderr, "allocation %u:\n%safter:\n%s", nth, before, after);
		}
		free(before);
		free(after);
		world_end(w);
		if (!IS_ERR_VALUE(ret))
			return; /* a call may do without what it did not get, and then try no more */
	}
	CU_FAIL("it never succeeds");
}
