/*
 * Host memory of the native thunks. See thunk.h. Not core: it asks the host for memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_exec.h"
#include "cpu/host_signals.h"
#include "cpu/thunk.h"
#include "cpu/thunk_static.h"

#define POOL_BYTES ((size_t)THUNK_MAX * THUNK_SIZE)
#define BUCKET_BYTES (THUNK_BUCKETS * sizeof(u16))

static int map_pool(struct thunk_pool *p)
{
	struct code_region region = {.keeps_registers = false};
	void *write, *exec;
	int err = host_map_exec(POOL_BYTES, &write, &exec);

	if (err)
		return err;
	p->write = write;
	p->exec = exec;
	region.start = (u64)exec;
	region.end = (u64)exec + POOL_BYTES;
	region.fault_exit = (u64)thunk_fixed(p, THUNK_FAULT);
	err = host_signals_add_region(&region);
	if (err)
		host_unmap_exec(POOL_BYTES, write, exec);
	return err;
}

/* Where there is none: Vellum's own code. */
static int use_static(struct thunk_pool *p)
{
	struct code_region region = {.keeps_registers = false};
	int err;

	p->notes = calloc(1, sizeof(*p->notes));
	if (!p->notes)
		return -ENOMEM;
	thunk_static_region(&region.start, &region.end, &region.fault_exit);
	err = thunk_static_init(p) ? host_signals_add_region(&region) : -EPERM;
	if (err)
		free(p->notes);
	return err;
}

struct thunk_pool *thunk_pool_new(void)
{
	struct thunk_pool *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	err = host_mmap_reserve(BUCKET_BYTES, PAGE_SIZE, (void **)&p->bucket);
	if (err)
		goto out_free;
	err = map_pool(p);
	if (err == -EPERM)
		err = use_static(p);
	if (err)
		goto out_unmap;
	thunk_pool_reset(p);
	return p;

out_unmap:
	host_munmap(p->bucket, BUCKET_BYTES);
out_free:
	free(p);
	return ERR_PTR(err);
}

void thunk_pool_free(struct thunk_pool *p)
{
	if (p->notes) {
		u64 start, end, fault_exit;

		thunk_static_region(&start, &end, &fault_exit);
		host_signals_forget_region(start);
		thunk_static_free(p);
		free(p->notes);
	} else {
		host_signals_forget_region((u64)p->exec);
		host_unmap_exec(POOL_BYTES, p->write, p->exec);
	}
	host_munmap(p->bucket, BUCKET_BYTES);
	free(p);
}
