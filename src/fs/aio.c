/* Contexts and rings of asynchronous I/O. See aio.h. */
#include "fs/aio.h"

#include "base/err.h"
#include "base/wait.h"
#include "fs/internal.h"
#include "fs/libfs.h"
#include "fs/shmemfs.h"
#include "mm/mm.h"
#include "mm/mmap_flags.h"
#include "mm/shmem.h"
#include "mm/uaccess.h"

#define AIO_RING_MAGIC 0xa10a10a1U
#define AIO_RING_COMPAT 1U
#define EXTRA_EVENTS 2U /* so that a full ring is not an empty one, and one more */
#define PROT_RW_K 3UL	/* PROT_READ | PROT_WRITE */

/* struct aio_ring: what the program sees. */
struct aio_ring_head {
	u32 id, nr, head, tail;
	u32 magic, compat, incompat, header_length;
};

struct kioctx {
	struct vfs *vfs;
	struct mm_struct *mm; /* compared only: a child's copy of the area is no context */
	u32 areas;	      /* counted by aio_open(), aio_close() */
	u32 max_reqs;	      /* as asked for; counts in vfs_internal.aio_nr */
	u32 nr, tail;	      /* of the ring: events, and where the next one goes */
	struct wait_queue_head wait;
};

/* --- the area ------------------------------------------------------------------------------ */

static void ctx_put(struct kioctx *ctx)
{
	if (--ctx->areas)
		return;
	ctx->vfs->in->aio_nr -= ctx->max_reqs;
	kfree(ctx->vfs->mem, ctx);
}

static void aio_open(struct vm_area_struct *vma)
{
	struct kioctx *ctx = vma->vm_private_data;

	shmem_vm_ops.open(vma);
	ctx->areas++;
}

static void aio_close(struct vm_area_struct *vma)
{
	shmem_vm_ops.close(vma);
	ctx_put(vma->vm_private_data);
}

static unsigned aio_fault(struct vm_fault *vmf)
{
	return shmem_vm_ops.fault(vmf);
}

static const struct vm_operations_struct aio_vm_ops = {
	.open = aio_open,
	.close = aio_close,
	.fault = aio_fault,
};

struct kioctx *aio_lookup(struct mm_struct *mm, gva_t id)
{
	struct vm_area_struct *vma = find_vma(mm, id);
	struct kioctx *ctx;

	if (!vma || vma->vm_start != id || vma->vm_ops != &aio_vm_ops || vma->vm_pgoff)
		return NULL;
	ctx = vma->vm_private_data;
	return ctx->mm == mm ? ctx : NULL;
}

/* --- making and unmaking ------------------------------------------------------------------- */

/* A ring of @pages pages for @ctx: its address or -errno. */
static long map_ring(struct kioctx *ctx, struct mm_struct *mm, u64 pages)
{
	struct file *f = shmem_file_setup(ctx->vfs, "[aio]", pages << PAGE_SHIFT, 0, 0600, 0, 0);
	struct mmap_file mf = {.file = f, .regular = true, .can_read = true, .can_write = true};
	long ret;

	if (IS_ERR(f))
		return PTR_ERR(f);
	mf.vm_ops = &aio_vm_ops;
	mf.vm_private_data = ctx;
	ret = do_mmap(mm, &mf, 0, pages << PAGE_SHIFT, PROT_RW_K, MAP_SHARED | MAP_POPULATE, 0,
		      false);
	fput(f);
	return ret;
}

long aio_setup(struct vfs *v, struct mm_struct *mm, u32 nr)
{
	u64 bytes = sizeof(struct aio_ring_head) + (nr + EXTRA_EVENTS) * sizeof(struct io_event);
	u64 pages = page_align(bytes) >> PAGE_SHIFT;
	struct aio_ring_head head = {
		.magic = AIO_RING_MAGIC,
		.compat = AIO_RING_COMPAT,
		.header_length = sizeof(head),
	};
	struct kioctx *ctx;
	long ret;

	if (nr > 0x10000000U / sizeof(struct io_event))
		return -EINVAL;
	if (v->in->aio_nr + nr > v->aio_max_nr)
		return -EAGAIN;
	ctx = kzalloc(v->mem, sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	ctx->vfs = v;
	ctx->mm = mm;
	ctx->areas = 1; /* ours, until the area has its own */
	ctx->max_reqs = nr;
	v->in->aio_nr += nr;
	head.nr = ctx->nr = ((pages << PAGE_SHIFT) - sizeof(head)) / sizeof(struct io_event);
	init_waitqueue_head(&ctx->wait, v->events->sched);
	ret = map_ring(ctx, mm, pages);
	if (!IS_ERR_VALUE(ret) && put_user(mm, head, ret)) {
		do_munmap(mm, ret, pages << PAGE_SHIFT);
		ret = -ENOMEM;
	}
	ctx_put(ctx);
	return ret;
}

int aio_destroy(struct mm_struct *mm, gva_t id)
{
	struct kioctx *ctx = aio_lookup(mm, id);
	struct vm_area_struct *vma = ctx ? find_vma(mm, id) : NULL;

	if (!ctx)
		return -EINVAL;
	wake_up_all(&ctx->wait); /* they find nothing there */
	ctx->mm = NULL;
	do_munmap(mm, id, vma->vm_end - id);
	return 0;
}

u64 aio_total(const struct vfs *v)
{
	return v->in->aio_nr;
}

u32 aio_nr_events(const struct kioctx *ctx)
{
	return ctx->nr;
}

/* --- events -------------------------------------------------------------------------------- */

/* Where the program has read up to; false: the ring is gone. */
static bool get_head(struct mm_struct *mm, gva_t id, const struct kioctx *ctx, u32 *head)
{
	if (get_user(mm, *head, id + offsetof(struct aio_ring_head, head)))
		return false;
	*head %= ctx->nr;
	return true;
}

static gva_t event_at(gva_t id, u32 place)
{
	return id + sizeof(struct aio_ring_head) + place * sizeof(struct io_event);
}

bool aio_has_room(struct mm_struct *mm, gva_t id)
{
	struct kioctx *ctx = aio_lookup(mm, id);
	u32 head;

	return ctx && get_head(mm, id, ctx, &head) && (ctx->tail + 1) % ctx->nr != head;
}

bool aio_complete(struct mm_struct *mm, gva_t id, const struct io_event *event)
{
	struct kioctx *ctx = aio_lookup(mm, id);
	u32 tail;

	if (!ctx || put_user(mm, *event, event_at(id, ctx->tail)))
		return false;
	ctx = aio_lookup(mm, id); /* storing may have slept */
	if (!ctx)
		return false;
	tail = ctx->tail = (ctx->tail + 1) % ctx->nr;
	wake_up_all(&ctx->wait);
	return !put_user(mm, tail, id + offsetof(struct aio_ring_head, tail));
}

/* One event to @user: 1, 0 (there is none), -EINVAL, -EFAULT. */
static long take_event(struct mm_struct *mm, gva_t id, gva_t user)
{
	struct kioctx *ctx = aio_lookup(mm, id);
	struct io_event event;
	u32 head;

	if (!ctx || !get_head(mm, id, ctx, &head))
		return -EINVAL;
	if (head == ctx->tail)
		return 0;
	if (get_user(mm, event, event_at(id, head)) || put_user(mm, event, user))
		return -EFAULT;
	head = (head + 1) % ctx->nr;
	return put_user(mm, head, id + offsetof(struct aio_ring_head, head)) ? -EFAULT : 1;
}

/* Is there an event, or has @ctx no ring at @id any more? Another may have come there. */
static bool has_event(struct mm_struct *mm, gva_t id, const struct kioctx *ctx)
{
	u32 head;

	return aio_lookup(mm, id) != ctx || !get_head(mm, id, ctx, &head) || head != ctx->tail;
}

long aio_read_events(struct mm_struct *mm, gva_t id, s64 min_nr, s64 nr, gva_t user,
		     u64 deadline_ns)
{
	struct kioctx *ctx;
	s64 done = 0;
	long ret = 0;
	int err = 0;
	bool same;

	while (done < nr) {
		ret = take_event(mm, id, user + done * sizeof(struct io_event));
		if (ret > 0) {
			done++;
			continue;
		}
		ctx = aio_lookup(mm, id);
		if (ret < 0 || done >= min_nr || err || !ctx)
			break;
		ctx->areas++; /* it stays while we wait */
		err = wait_event_interruptible_until(&ctx->wait, has_event(mm, id, ctx),
						     deadline_ns);
		same = aio_lookup(mm, id) == ctx;
		ctx_put(ctx);
		if (!same) {
			ret = -EINVAL;
			break;
		}
	}
	if (done)
		return done;
	return ret < 0 ? ret : err && err != -ETIME ? -EINTR : 0;
}
