/* userfaultfd: page faults of registered areas are served by a program, which reads of them from a
 * descriptor and fills the pages in.
 *
 *   task A: fault --> handle_userfault()    sleeps on ctx->fault_wqh, a uffd_wait on ctx->pending
 *   task B: read()    takes its message; the uffd_wait goes to ctx->faults
 *           UFFDIO_COPY fills the page and wakes A, whose fault is looked at again
 *
 * An area's vm_uffd is set as long as it is registered, together with one of VM_UFFD_FLAGS. What a
 * registered range loses by munmap, mremap, MADV_DONTNEED or fork is told by events, if asked for:
 * the caller sleeps until its event was read.
 *
 * userfaultfd.c has contexts, registration and what sleeps; uffd_fill.c fills pages in. A context is owned
 * through references. Not for: the descriptor and its ioctls' arguments (proc/userfaultfd.c).
 *
 * See: userfaultfd(2), ioctl_userfaultfd(2); Linux 6.18, fs/userfaultfd.c, mm/userfaultfd.c.
 */
#ifndef MM_USERFAULTFD_H
#define MM_USERFAULTFD_H

#include "base/wait.h"
#include "mm/paging.h"

#define VM_UFFD_FLAGS (VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR)

#define UFFD_API_K 0xaaUL
#define UFFD_USER_MODE_ONLY_K 1

/* UFFD_FEATURE_*; all are there. */
#define UFFD_PAGEFAULT_FLAG_WP_F BIT(0)
#define UFFD_EVENT_FORK_F BIT(1)
#define UFFD_EVENT_REMAP_F BIT(2)
#define UFFD_EVENT_REMOVE_F BIT(3)
#define UFFD_EVENT_UNMAP_F BIT(6)
#define UFFD_SIGBUS_F BIT(7)
#define UFFD_THREAD_ID_F BIT(8)
#define UFFD_EXACT_ADDRESS_F BIT(11)
#define UFFD_WP_UNPOPULATED_F BIT(13)
#define UFFD_WP_ASYNC_F BIT(15)
#define UFFD_API_FEATURES_K (BIT(17) - 1)
#define UFFD_INITIALIZED BIT(31) /* UFFDIO_API was called */

enum uffd_event {
	UFFD_EVENT_PAGEFAULT_K = 0x12,
	UFFD_EVENT_FORK_K,
	UFFD_EVENT_REMAP_K,
	UFFD_EVENT_REMOVE_K,
	UFFD_EVENT_UNMAP_K,
};

/* struct uffd_msg of the ABI. */
struct uffd_msg_k {
	u8 event, reserved1;
	u16 reserved2;
	u32 reserved3;
	union {
		struct {
			u64 flags, address;
			u32 ptid;
		} pagefault;
		struct {
			u32 ufd;
		} fork;
		struct {
			u64 from, to, len;
		} remap;
		struct {
			u64 start, end;
		} remove;
		u64 words[3];
	} arg;
};

struct userfaultfd_ctx {
	u32 refcount;			  /* the file, each registered area, each sleeper */
	u32 flags;			  /* UFFD_USER_MODE_ONLY_K; set once */
	u64 features;			  /* set once, by UFFDIO_API */
	struct mm_struct *mm;		  /* whose faults; keeps the struct only */
	struct list_head pending, faults; /* of uffd_wait: not yet read, read */
	struct list_head events;	  /* of uffd_event_wait, not yet read */
	struct wait_queue_head fd_wqh;	  /* readers and pollers */
	struct wait_queue_head fault_wqh, event_wqh; /* tasks that wait to be served */
	u32 mmap_changing; /* a change of the mm is not told yet: filling is -EAGAIN */
	bool released;	   /* the last file is gone */
};

/* --- the descriptor ---------------------------------------------------------------------- */

/* A context for @mm's faults, one reference; @flags: UFFD_USER_MODE_ONLY_K or 0. ERR_PTR(-ENOMEM). */
struct userfaultfd_ctx *userfaultfd_new(struct mm_struct *mm, const struct sched *sched, u32 flags);
void userfaultfd_ctx_put(struct userfaultfd_ctx *ctx);
/* The file goes: areas are registered no more, sleepers go on, and the file's reference is dropped. */
void userfaultfd_release(struct userfaultfd_ctx *ctx);
/* UFFDIO_API's features. 0 or -EINVAL: already set. */
int userfaultfd_set_features(struct userfaultfd_ctx *ctx, u64 features);
/* Is there something to read? */
bool userfaultfd_readable(const struct userfaultfd_ctx *ctx);
/**
 * userfaultfd_read - the next message: faults first, then events; sleeps until there is one
 * @fork_fd: makes a descriptor of a child's context, whose reference it takes over: its number, or
 *           -errno, and then the event stays
 * Return: 0, -EAGAIN (@nonblock), -ERESTARTSYS, or what @fork_fd said.
 */
int userfaultfd_read(struct userfaultfd_ctx *ctx, bool nonblock, struct uffd_msg_k *msg,
		     int (*fork_fd)(void *arg, struct userfaultfd_ctx *child), void *arg);

/* --- ranges: UFFDIO_*. -EINVAL, -ESRCH (the mm is gone) and what ioctl_userfaultfd(2) lists -- */

/* UFFDIO_REGISTER_MODE_* are these bits: MISSING 1, WP 2, MINOR 4. */
int userfaultfd_register(struct userfaultfd_ctx *ctx, gva_t start, u64 len, u64 mode);
int userfaultfd_unregister(struct userfaultfd_ctx *ctx, gva_t start, u64 len);
/* Sleepers in the range go on (@len 0: all). */
void userfaultfd_wake(struct userfaultfd_ctx *ctx, gva_t start, u64 len);
int userfaultfd_check_range(const struct userfaultfd_ctx *ctx, gva_t start, u64 len);

enum uffd_fill { UFFD_COPY, UFFD_ZEROPAGE, UFFD_CONTINUE, UFFD_POISON };

/* Fills the pages of [dst, dst + len), page aligned, which are none; COPY: with what is at @src in @src_mm, and
 * that may sleep. @wp: they come write-protected. Bytes done, if any; else -EEXIST, -ENOENT (not registered),
 * -ESRCH, -EFAULT, -ENOMEM, -EAGAIN (mmap_changing), -EINVAL. */
long uffd_fill_range(struct userfaultfd_ctx *ctx, enum uffd_fill how, gva_t dst, gva_t src, u64 len,
		     bool wp, struct mm_struct *src_mm);
/* UFFDIO_WRITEPROTECT; 0, -ENOENT, -ESRCH, -EAGAIN, -ENOMEM: what came before is protected. */
int uffd_wp_registered(struct userfaultfd_ctx *ctx, gva_t start, u64 len, bool enable);
/* The same for one area. 0 or -ENOMEM. */
int uffd_wp_range(struct vm_area_struct *vma, gva_t start, gva_t end, bool enable);
/* UFFDIO_MOVE of exclusive anonymous pages. Bytes, if any; else -ENOENT (no area, a hole), -EBUSY (shared by
 * COW), -EEXIST, -EFAULT, -EINVAL, -EAGAIN, -ENOMEM. */
long uffd_move_range(struct userfaultfd_ctx *ctx, gva_t dst, gva_t src, u64 len, bool allow_holes);

/* --- for the rest of mm/ ------------------------------------------------------------------ */

/* A fault that a program is to serve; @reason: one of VM_UFFD_FLAGS. Sleeps; VM_FAULT_RETRY
 * afterwards (with VM_FAULT_INTR if a signal ended it), or VM_FAULT_SIGBUS. */
unsigned handle_userfault(struct vm_fault *vmf, vm_flags_t reason);

static inline bool userfaultfd_missing(const struct vm_area_struct *vma)
{
	return unlikely(vma->vm_flags & VM_UFFD_MISSING);
}
static inline bool userfaultfd_wp(const struct vm_area_struct *vma)
{
	return unlikely(vma->vm_flags & VM_UFFD_WP);
}
static inline bool userfaultfd_minor(const struct vm_area_struct *vma)
{
	return unlikely(vma->vm_flags & VM_UFFD_MINOR);
}
/* Protected pages are only noted: nobody is asked. */
static inline bool userfaultfd_wp_async(const struct vm_area_struct *vma)
{
	return vma->vm_uffd && (vma->vm_uffd->features & UFFD_WP_ASYNC_F);
}
/* Do ptes of @vma lose their protection when they move? */
static inline bool vma_has_uffd_without_event_remap(const struct vm_area_struct *vma)
{
	return unlikely(vma->vm_uffd) && !(vma->vm_uffd->features & UFFD_EVENT_REMAP_F);
}

static inline void userfaultfd_ctx_get(struct userfaultfd_ctx *ctx)
{
	if (unlikely(ctx))
		ctx->refcount++;
}
/* @vma is registered no more. */
void userfaultfd_reset_ctx(struct vm_area_struct *vma);

/* fork: @vma, a copy, goes along with its parent's if that asked for it, else leaves. @list: of
 * uffd_fork, told or undone at the end. 0 or -ENOMEM. */
int dup_userfaultfd(struct vm_area_struct *vma, struct list_head *list);
void dup_userfaultfd_complete(struct list_head *list);
void dup_userfaultfd_fail(struct list_head *list);

/* munmap: [start, end) of @vma is about to go. 0 or -ENOMEM. */
int userfaultfd_unmap_prep(struct vm_area_struct *vma, gva_t start, gva_t end);
/* It is gone: tells, and sleeps until it was read. */
void __userfaultfd_unmap_complete(struct mm_struct *mm);
static inline void userfaultfd_unmap_complete(struct mm_struct *mm)
{
	if (unlikely(!list_empty(&mm->uffd_unmaps)))
		__userfaultfd_unmap_complete(mm);
}
/* The unmapping of that range did not happen. */
void userfaultfd_unmap_abort(struct mm_struct *mm, gva_t start, gva_t end);

/* mremap: @vma is where the range is now. The context to tell, with a reference, or NULL. */
struct userfaultfd_ctx *mremap_userfaultfd_prep(struct vm_area_struct *vma);
void mremap_userfaultfd_complete(struct userfaultfd_ctx *ctx, gva_t from, gva_t to, u64 len);

/* The pages of [start, end) are about to go, the area stays. True: nobody was told; false: it
 * slept, so look the area up again. */
bool userfaultfd_remove(struct vm_area_struct *vma, gva_t start, gva_t end);

#endif
