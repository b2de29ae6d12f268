/* Attributes that security modules give a task: none here has any. What is wrong with a call is found all the same.
 * See: Linux, security/security.c, security_getselfattr(). */
#include "syscalls/internal.h"

#define LSM_ATTR_UNDEF_K 0
#define LSM_ID_UNDEF_K 0
#define LSM_FLAG_SINGLE_K 1

/* struct lsm_ctx of <linux/lsm.h>, of Linux 6.8, and then ctx_len bytes */
struct lsm_ctx_k {
	u64 id, flags, len, ctx_len;
};

/* lsm_get_self_attr(2). -EINVAL: attribute, size, flags; -EOPNOTSUPP: nobody has such an attribute, and the size
 * becomes 0. */
long sys_lsm_get_self_attr(struct task_struct *t, const struct sysargs *a)
{
	struct lsm_ctx_k ctx;
	u32 size, none = 0, flags = a->arg[3];

	if ((u32)a->arg[0] == LSM_ATTR_UNDEF_K || !a->arg[2])
		return -EINVAL;
	if (get_user(t->mm, size, a->arg[2]))
		return -EFAULT;
	if (flags) {
		if (flags != LSM_FLAG_SINGLE_K || !a->arg[1])
			return -EINVAL;
		if (get_user(t->mm, ctx, a->arg[1]))
			return -EFAULT;
		if (ctx.id == LSM_ID_UNDEF_K)
			return -EINVAL;
	}
	return put_user(t->mm, none, a->arg[2]) ? -EFAULT : -EOPNOTSUPP;
}

/* lsm_set_self_attr(2). -EINVAL: size, flags, lengths that do not go together; -E2BIG: more than a page;
 * -EOPNOTSUPP. */
long sys_lsm_set_self_attr(struct task_struct *t, const struct sysargs *a)
{
	u64 size = (u32)a->arg[2], needed;
	struct lsm_ctx_k ctx;
	u8 byte;

	if ((u32)a->arg[3] || size < sizeof(ctx))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (get_user(t->mm, ctx, a->arg[1]) || get_user(t->mm, byte, a->arg[1] + size - 1))
		return -EFAULT;
	if (size < ctx.len || __builtin_add_overflow(sizeof(ctx), ctx.ctx_len, &needed) ||
	    ctx.len < needed)
		return -EINVAL;
	return -EOPNOTSUPP;
}
