/* Contexts of userfaultfd: registration, sleeping faults, events. See userfaultfd.h. How pages are
 * filled is uffd_fill.c's. */
#include "mm/userfaultfd.h"

#include <string.h>

#include "mm/vma_internal.h"

#define UFFD_PAGEFAULT_FLAG_WRITE_K 1UL
#define UFFD_PAGEFAULT_FLAG_WP_K 2UL
#define UFFD_PAGEFAULT_FLAG_MINOR_K 4UL

/* A fault that sleeps. On its task's stack. */
struct uffd_wait {
	struct list_head list; /* in pending or faults; empty: served */
	struct uffd_msg_k msg;
	gva_t address;
};

/* Somebody who changed the mm and waits until it was read of. On its stack. */
struct uffd_event_wait {
	struct list_head list; /* in ctx->events */
	struct uffd_msg_k msg;
	struct userfaultfd_ctx *child; /* FORK; a reference */
	bool done;
};

/* --- contexts ---------------------------------------------------------------------------- */

struct userfaultfd_ctx *userfaultfd_new(struct mm_struct *mm, const struct sched *sched, u32 flags)
{
	struct userfaultfd_ctx *ctx = kzalloc(mm->mem, sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->refcount = 1;
	ctx->flags = flags;
	ctx->mm = mm;
	mmgrab(mm);
	INIT_LIST_HEAD(&ctx->pending);
	INIT_LIST_HEAD(&ctx->faults);
	INIT_LIST_HEAD(&ctx->events);
	init_waitqueue_head(&ctx->fd_wqh, sched);
	init_waitqueue_head(&ctx->fault_wqh, sched);
	init_waitqueue_head(&ctx->event_wqh, sched);
	return ctx;
}

void userfaultfd_ctx_put(struct userfaultfd_ctx *ctx)
{
	struct memory *m;

	if (likely(!ctx))
		return;
	VM_BUG_ON(!ctx->refcount);
	if (--ctx->refcount)
		return;
	m = ctx->mm->mem;
	mmdrop(ctx->mm);
	kfree(m, ctx);
}

void userfaultfd_reset_ctx(struct vm_area_struct *vma)
{
	struct userfaultfd_ctx *ctx = vma->vm_uffd;

	vma->vm_uffd = NULL;
	vma->vm_flags &= ~VM_UFFD_FLAGS;
	userfaultfd_ctx_put(ctx);
}

int userfaultfd_set_features(struct userfaultfd_ctx *ctx, u64 features)
{
	if (ctx->features)
		return -EINVAL;
	ctx->features = features | UFFD_INITIALIZED;
	return 0;
}

void userfaultfd_wake(struct userfaultfd_ctx *ctx, gva_t start, u64 len)
{
	struct list_head *lists[] = {&ctx->pending, &ctx->faults};
	struct uffd_wait *w, *next;

	for (int i = 0; i < 2; i++)
		list_for_each_entry_safe (w, next, lists[i], list)
			if (!len || (w->address >= start && w->address - start < len))
				list_del_init(&w->list);
	wake_up_all(&ctx->fault_wqh);
}

/* Takes [start, end) of @vma out; the area there afterwards. */
static struct vm_area_struct *clear_vma(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	struct vm_area_struct *new;

	if (userfaultfd_wp(vma))
		uffd_wp_range(vma, start, end, false); /* taking away needs no memory */
	new = vma_modify_flags_uffd(vma->vm_mm, vma, start, end, vma->vm_flags & ~VM_UFFD_FLAGS,
				    NULL);
	return new;
}

void userfaultfd_release(struct userfaultfd_ctx *ctx)
{
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *vma, *new;

	ctx->released = true;
	for (vma = mm->mm_users ? vma_first(mm) : NULL; vma; vma = vma_next(vma)) {
		if (vma->vm_uffd != ctx)
			continue;
		new = clear_vma(vma, vma->vm_start, vma->vm_end);
		if (IS_ERR(new)) /* it could not join a neighbour */
			userfaultfd_reset_ctx(vma);
		else
			vma = new;
	}
	userfaultfd_wake(ctx, 0, 0);
	wake_up_all(&ctx->event_wqh);
	wake_up_all(&ctx->fd_wqh);
	userfaultfd_ctx_put(ctx);
}

/* --- faults ------------------------------------------------------------------------------ */

static void fault_msg(struct uffd_msg_k *msg, const struct vm_fault *vmf, vm_flags_t reason,
		      u64 features, s32 tid)
{
	memset(msg, 0, sizeof(*msg));
	msg->event = UFFD_EVENT_PAGEFAULT_K;
	msg->arg.pagefault.address =
		features & UFFD_EXACT_ADDRESS_F ? vmf->real_address : vmf->address;
	if (vmf->flags & FAULT_FLAG_WRITE)
		msg->arg.pagefault.flags |= UFFD_PAGEFAULT_FLAG_WRITE_K;
	if (reason == VM_UFFD_WP)
		msg->arg.pagefault.flags |= UFFD_PAGEFAULT_FLAG_WP_K;
	if (reason == VM_UFFD_MINOR)
		msg->arg.pagefault.flags |= UFFD_PAGEFAULT_FLAG_MINOR_K;
	if (features & UFFD_THREAD_ID_F)
		msg->arg.pagefault.ptid = tid;
}

unsigned handle_userfault(struct vm_fault *vmf, vm_flags_t reason)
{
	const struct memory *m = vmf->vma->vm_mm->mem;
	const struct memory_hooks *h = &m->hooks;
	struct userfaultfd_ctx *ctx = vmf->vma->vm_uffd;
	bool user = vmf->flags & FAULT_FLAG_USER;
	struct uffd_wait w;
	s32 tid = h->current_tid ? h->current_tid(h->task_arg) : 0;
	int err;

	/* A task that is ending waits for nobody, nor does who holds what others may take. */
	if (!ctx || tid <= 0 || m->pagefault_disabled || (ctx->features & UFFD_SIGBUS_F) ||
	    (!user && (ctx->flags & UFFD_USER_MODE_ONLY_K)) ||
	    !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (ctx->released)
		return VM_FAULT_NOPAGE;
	fault_msg(&w.msg, vmf, reason, ctx->features, tid);
	w.address = vmf->address;
	list_add_tail(&w.list, &ctx->pending);
	userfaultfd_ctx_get(ctx);
	wake_up_all(&ctx->fd_wqh);
	err = wait_event_state(&ctx->fault_wqh, list_empty(&w.list) || ctx->released,
			       user ? TASK_INTERRUPTIBLE : TASK_KILLABLE, WAIT_FOREVER);
	list_del_init(&w.list);
	userfaultfd_ctx_put(ctx);
	return err ? VM_FAULT_RETRY | VM_FAULT_INTR : VM_FAULT_RETRY;
}

/* --- reading ----------------------------------------------------------------------------- */

bool userfaultfd_readable(const struct userfaultfd_ctx *ctx)
{
	return !list_empty(&ctx->pending) || !list_empty(&ctx->events);
}

/* An event was read, or nobody will: who waits goes on. */
static void event_done(struct userfaultfd_ctx *ctx, struct uffd_event_wait *w)
{
	list_del_init(&w->list);
	w->done = true;
	wake_up_all(&ctx->event_wqh);
}

int userfaultfd_read(struct userfaultfd_ctx *ctx, bool nonblock, struct uffd_msg_k *msg,
		     int (*fork_fd)(void *arg, struct userfaultfd_ctx *child), void *arg)
{
	struct uffd_event_wait *e;
	struct uffd_wait *w;
	int err;

	if (!userfaultfd_readable(ctx)) {
		if (nonblock)
			return -EAGAIN;
		/* The one that is woken last may find nothing left, and goes on waiting. */
		err = wait_event_interruptible(&ctx->fd_wqh, userfaultfd_readable(ctx));
		if (err)
			return err;
	}
	if (!list_empty(&ctx->pending)) {
		w = list_first_entry(&ctx->pending, struct uffd_wait, list);
		list_move_tail(&w->list, &ctx->faults);
		*msg = w->msg;
		return 0;
	}
	e = list_first_entry(&ctx->events, struct uffd_event_wait, list);
	if (e->child) {
		err = fork_fd(arg, e->child);
		if (err < 0)
			return err;
		e->child = NULL; /* the file's now */
		e->msg.arg.fork.ufd = err;
	}
	*msg = e->msg;
	event_done(ctx, e);
	return 0;
}

/* --- events ------------------------------------------------------------------------------ */

/* Tells @ctx, whose mmap_changing counts this, and sleeps until it was read. Drops the caller's
 * reference. */
static void event_wait(struct userfaultfd_ctx *ctx, struct uffd_event_wait *w)
{
	w->done = false;
	if (!ctx->released) {
		list_add_tail(&w->list, &ctx->events);
		wake_up_all(&ctx->fd_wqh);
		(void)wait_event_state(&ctx->event_wqh, w->done || ctx->released, TASK_KILLABLE,
				       WAIT_FOREVER);
		if (!w->done)
			list_del(&w->list);
	}
	/* A child's context that nobody took. */
	if (w->child)
		userfaultfd_release(w->child);
	ctx->mmap_changing--;
	userfaultfd_ctx_put(ctx);
}

static void event_init(struct uffd_event_wait *w, enum uffd_event event)
{
	memset(w, 0, sizeof(*w));
	w->msg.event = event;
}

struct uffd_fork {
	struct list_head list;
	struct userfaultfd_ctx *parent, *child; /* references */
};

/* The child's context for the parent's @ctx; one for all its areas. NULL: no memory. */
static struct userfaultfd_ctx *fork_ctx(struct mm_struct *mm, struct userfaultfd_ctx *ctx,
					struct list_head *list)
{
	struct uffd_fork *f;

	list_for_each_entry (f, list, list)
		if (f->parent == ctx)
			return f->child;
	f = kmalloc(mm->mem, sizeof(*f), GFP_KERNEL);
	if (!f)
		return NULL;
	f->child = userfaultfd_new(mm, ctx->fd_wqh.sched, ctx->flags);
	if (IS_ERR(f->child)) {
		kfree(mm->mem, f);
		return NULL;
	}
	f->child->features = ctx->features;
	f->parent = ctx;
	userfaultfd_ctx_get(ctx);
	ctx->mmap_changing++;
	list_add_tail(&f->list, list);
	return f->child;
}

int dup_userfaultfd(struct vm_area_struct *vma, struct list_head *list)
{
	struct userfaultfd_ctx *ctx = vma->vm_uffd, *child;

	if (likely(!ctx))
		return 0;
	vma->vm_uffd = NULL; /* the reference is the parent's area's */
	if (!(ctx->features & UFFD_EVENT_FORK_F)) {
		vma->vm_flags &= ~VM_UFFD_FLAGS;
		return 0;
	}
	child = fork_ctx(vma->vm_mm, ctx, list);
	if (!child)
		return -ENOMEM;
	userfaultfd_ctx_get(child);
	vma->vm_uffd = child;
	vma->vm_mm->uffd_used = true;
	return 0;
}

void dup_userfaultfd_complete(struct list_head *list)
{
	struct uffd_event_wait w;
	struct uffd_fork *f, *next;

	list_for_each_entry_safe (f, next, list, list) {
		struct userfaultfd_ctx *parent = f->parent;

		event_init(&w, UFFD_EVENT_FORK_K);
		w.child = f->child;
		list_del(&f->list);
		kfree(parent->mm->mem, f);
		event_wait(parent, &w);
	}
}

void dup_userfaultfd_fail(struct list_head *list)
{
	struct uffd_fork *f, *next;

	list_for_each_entry_safe (f, next, list, list) {
		struct memory *m = f->child->mm->mem;

		list_del(&f->list);
		f->parent->mmap_changing--;
		userfaultfd_ctx_put(f->parent);
		userfaultfd_ctx_put(f->child);
		kfree(m, f);
	}
}

struct uffd_unmap {
	struct list_head list; /* in mm->uffd_unmaps */
	struct userfaultfd_ctx *ctx;
	gva_t start, end;
};

int userfaultfd_unmap_prep(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	struct userfaultfd_ctx *ctx = vma->vm_uffd;
	struct mm_struct *mm = vma->vm_mm;
	struct uffd_unmap *u;

	if (likely(!ctx) || !(ctx->features & UFFD_EVENT_UNMAP_F))
		return 0;
	list_for_each_entry (u, &mm->uffd_unmaps, list)
		if (u->ctx == ctx && u->start == start && u->end == end)
			return 0;
	u = kmalloc(mm->mem, sizeof(*u), GFP_KERNEL);
	if (!u)
		return -ENOMEM;
	userfaultfd_ctx_get(ctx);
	ctx->mmap_changing++;
	*u = (struct uffd_unmap){.ctx = ctx, .start = start, .end = end};
	list_add_tail(&u->list, &mm->uffd_unmaps);
	return 0;
}

void __userfaultfd_unmap_complete(struct mm_struct *mm)
{
	struct uffd_event_wait w;

	/* One at a time: others may add theirs while this sleeps. */
	while (!list_empty(&mm->uffd_unmaps)) {
		struct uffd_unmap *u = list_first_entry(&mm->uffd_unmaps, struct uffd_unmap, list);
		struct userfaultfd_ctx *ctx = u->ctx;

		event_init(&w, UFFD_EVENT_UNMAP_K);
		w.msg.arg.remove.start = u->start;
		w.msg.arg.remove.end = u->end;
		list_del(&u->list);
		kfree(mm->mem, u);
		event_wait(ctx, &w);
	}
}

void userfaultfd_unmap_abort(struct mm_struct *mm, gva_t start, gva_t end)
{
	struct uffd_unmap *u, *next;

	list_for_each_entry_safe (u, next, &mm->uffd_unmaps, list) {
		if (u->start != start || u->end != end)
			continue;
		list_del(&u->list);
		u->ctx->mmap_changing--;
		userfaultfd_ctx_put(u->ctx);
		kfree(mm->mem, u);
	}
}

struct userfaultfd_ctx *mremap_userfaultfd_prep(struct vm_area_struct *vma)
{
	struct userfaultfd_ctx *ctx = vma->vm_uffd;

	if (likely(!ctx))
		return NULL;
	if (!(ctx->features & UFFD_EVENT_REMAP_F)) {
		userfaultfd_reset_ctx(vma);
		return NULL;
	}
	userfaultfd_ctx_get(ctx);
	ctx->mmap_changing++;
	return ctx;
}

void mremap_userfaultfd_complete(struct userfaultfd_ctx *ctx, gva_t from, gva_t to, u64 len)
{
	struct uffd_event_wait w;

	event_init(&w, UFFD_EVENT_REMAP_K);
	w.msg.arg.remap.from = from;
	w.msg.arg.remap.to = to;
	w.msg.arg.remap.len = len;
	event_wait(ctx, &w);
}

bool userfaultfd_remove(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	struct userfaultfd_ctx *ctx = vma->vm_uffd;
	struct uffd_event_wait w;

	if (likely(!ctx) || !(ctx->features & UFFD_EVENT_REMOVE_F))
		return true;
	userfaultfd_ctx_get(ctx);
	ctx->mmap_changing++;
	event_init(&w, UFFD_EVENT_REMOVE_K);
	w.msg.arg.remove.start = start;
	w.msg.arg.remove.end = end;
	event_wait(ctx, &w);
	return false;
}

/* --- registration ------------------------------------------------------------------------ */

int userfaultfd_check_range(const struct userfaultfd_ctx *ctx, gva_t start, u64 len)
{
	if (!page_aligned(start | len) || !len || start < ctx->mm->mem->mmap_min_addr ||
	    start >= TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	return 0;
}

static bool vma_can_userfault(const struct vm_area_struct *vma, vm_flags_t flags, bool wp_async)
{
	flags &= VM_UFFD_FLAGS;
	if (vma->vm_flags & VM_DROPPABLE)
		return false;
	if ((flags & VM_UFFD_MINOR) && !vma_is_shmem(vma))
		return false;
	if (wp_async && flags == VM_UFFD_WP)
		return true;
	return vma_is_anonymous(vma) || vma_is_shmem(vma);
}

static int check_register(const struct userfaultfd_ctx *ctx, struct vm_area_struct *vma, gva_t end,
			  vm_flags_t flags)
{
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		if (!vma_can_userfault(vma, flags, ctx->features & UFFD_WP_ASYNC_F))
			return -EINVAL;
		/* Filling writes, whatever the area's rights. */
		if (!(vma->vm_flags & VM_MAYWRITE))
			return -EPERM;
		if (vma->vm_uffd && vma->vm_uffd != ctx)
			return -EBUSY;
	}
	return 0;
}

int userfaultfd_register(struct userfaultfd_ctx *ctx, gva_t start, u64 len, u64 mode)
{
	vm_flags_t flags = (mode & 1 ? VM_UFFD_MISSING : 0) | (mode & 2 ? VM_UFFD_WP : 0) |
			   (mode & 4 ? VM_UFFD_MINOR : 0);
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *vma;
	gva_t end = start + len;
	int err;

	if (!mm->mm_users)
		return -ENOMEM;
	vma = find_vma_intersection(mm, start, end);
	if (!vma)
		return -EINVAL;
	mm->uffd_used = true;
	err = check_register(ctx, vma, end, flags);
	for (; !err && vma && vma->vm_start < end; vma = vma_next(vma)) {
		vm_flags_t had = vma->vm_flags;

		if (vma->vm_uffd == ctx && (had & flags) == flags)
			continue;
		vma = vma_modify_flags_uffd(mm, vma, max(start, vma->vm_start),
					    min(end, vma->vm_end), (had & ~VM_UFFD_FLAGS) | flags,
					    ctx);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		/* Shared pages are mapped writable at once: no more of that. */
		if ((flags & ~had & VM_UFFD_WP) && (vma->vm_flags & VM_SHARED))
			change_protection(vma, vma->vm_start, vma->vm_end);
	}
	mm_debug_validate(mm);
	return err;
}

int userfaultfd_unregister(struct userfaultfd_ctx *ctx, gva_t start, u64 len)
{
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *first, *vma;
	gva_t end = start + len;

	if (!mm->mm_users)
		return -ENOMEM;
	first = find_vma_intersection(mm, start, end);
	if (!first)
		return -EINVAL;
	for (vma = first; vma && vma->vm_start < end; vma = vma_next(vma))
		if (!vma_can_userfault(vma, vma->vm_flags, ctx->features & UFFD_WP_ASYNC_F) ||
		    (vma->vm_uffd && vma->vm_uffd != ctx))
			return -EINVAL;
	for (vma = first; vma && vma->vm_start < end; vma = vma_next(vma)) {
		gva_t from = max(start, vma->vm_start), to = min(end, vma->vm_end);

		if (!vma->vm_uffd)
			continue;
		/* Nobody will wake them later. */
		if (userfaultfd_missing(vma))
			userfaultfd_wake(ctx, from, to - from);
		vma = clear_vma(vma, from, to);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
	}
	mm_debug_validate(mm);
	return 0;
}
