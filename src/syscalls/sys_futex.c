/* futex(2): what it takes and refuses. The work is proc/futex.c's. */
#include "proc/futex.h"

#include <time.h>

#include "syscalls/internal.h"

static long wait_restart(struct task_struct *t);

/* A wait with a deadline goes on after a stop, by that deadline; without one it is simply called again. */
static long wait_until(struct task_struct *t, gva_t uaddr, bool shared, u32 val, u32 bitset,
		       u64 deadline_ns)
{
	int err = futex_wait(t, uaddr, shared, val, bitset, deadline_ns);

	if (err != -ERESTARTSYS || deadline_ns == WAIT_FOREVER)
		return err;
	t->restart_block.fn = wait_restart;
	t->restart_block.expires_ns = deadline_ns;
	t->restart_block.user = uaddr;
	t->restart_block.nr = val;
	t->restart_block.bitset = bitset;
	t->restart_block.shared = shared;
	return -ERESTART_RESTARTBLOCK;
}

static long wait_restart(struct task_struct *t)
{
	return wait_until(t, t->restart_block.user, t->restart_block.shared, t->restart_block.nr,
			  t->restart_block.bitset, t->restart_block.expires_ns);
}

/* Of which clock a time is: FUTEX_LOCK_PI's always of CLOCK_REALTIME. */
static int op_clock(u32 op)
{
	return (op & FUTEX_CLOCK_REALTIME) || (op & FUTEX_CMD_MASK) == FUTEX_LOCK_PI
		       ? CLOCK_REALTIME
		       : CLOCK_MONOTONIC;
}

/* @from: 0 for ever. FUTEX_WAIT's is a span; the others' a time. 0, -EFAULT, -EINVAL. */
static int get_deadline(struct task_struct *t, u32 op, gva_t from, u64 *deadline_ns)
{
	struct timespec ts;

	*deadline_ns = WAIT_FOREVER;
	if (!from)
		return 0;
	if (get_user(t->mm, ts, from))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline_ns = (op & FUTEX_CMD_MASK) == FUTEX_WAIT ? deadline_after(t, &ts)
							   : deadline_at(t, op_clock(op), &ts);
	return 0;
}

static bool has_timeout(u32 cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
	       cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

/* The commands that FUTEX_CLOCK_REALTIME goes with. */
static bool takes_clock(u32 cmd)
{
	return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static long do_futex(struct task_struct *t, const struct futex_pair *p, u32 cmd, u32 val, u32 val3,
		     u64 deadline_ns)
{
	switch (cmd) {
	case FUTEX_WAIT:
		return wait_until(t, p->uaddr, p->shared, val, FUTEX_BITSET_MATCH_ANY, deadline_ns);
	case FUTEX_WAIT_BITSET:
		return wait_until(t, p->uaddr, p->shared, val, val3, deadline_ns);
	case FUTEX_WAKE:
		return futex_wake(t, p->uaddr, p->shared, p->nr, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, p->uaddr, p->shared, p->nr, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(t, p, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, p, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, p, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(t, p->uaddr, p->shared, false, deadline_ns);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, p->uaddr, p->shared, true, WAIT_FOREVER);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, p->uaddr, p->shared);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(t, p, val, deadline_ns);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(t, p, val3);
	default:
		return -ENOSYS;
	}
}

/* futex(2). -ENOSYS: no such command, or a clock that it does not take; else as proc/futex.h says. */
long sys_futex(struct task_struct *t, const struct sysargs *a)
{
	u32 op = a->arg[1], cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	u64 deadline_ns = WAIT_FOREVER;
	const struct futex_pair p = {
		.uaddr = a->arg[0],
		.uaddr2 = a->arg[4],
		.shared = shared,
		.shared2 = shared,
		.nr = a->arg[2],
		.nr2 = a->arg[3],
	};

	if (has_timeout(cmd)) {
		int err = get_deadline(t, op, a->arg[3], &deadline_ns);

		if (err)
			return err;
	}
	if ((op & FUTEX_CLOCK_REALTIME) && !takes_clock(cmd))
		return -ENOSYS;
	return do_futex(t, &p, cmd, a->arg[2], a->arg[5], deadline_ns);
}

/* --- futex2: a size, and no commands -------------------------------------------------------------- */

#define FUTEX2_SIZE_MASK_K 0x03U
#define FUTEX2_SIZE_U32_K 0x02U
#define FUTEX2_NUMA_K 0x04U
#define FUTEX2_MPOL_K 0x08U
#define FUTEX2_PRIVATE_K 0x80U
#define FUTEX_NO_NODE_K (~0U)
#define FUTEX_WAITV_MAX_K 128U

/* struct futex_waitv */
struct waitv_k {
	u64 val, uaddr;
	u32 flags, reserved;
};

/* Words of 32 bits. */
static bool flags_valid(u64 flags)
{
	return (flags & ~(u64)(FUTEX2_PRIVATE_K | FUTEX2_NUMA_K | FUTEX2_MPOL_K)) ==
	       FUTEX2_SIZE_U32_K;
}

/* FUTEX2_NUMA: behind the word stands the node whose waiters are meant; of the one that there is, or none, which
 * becomes that one. A call without a node finds its waiters, too, where Linux in threaded programs does not.
 * FUTEX2_MPOL: the policy of its area, which has no other to choose. 0, -EINVAL, -EFAULT.
 * See: get_futex_key(). */
static int check_node(struct task_struct *t, gva_t uaddr, u64 flags)
{
	gva_t at = uaddr + sizeof(u32);
	u32 node;

	if (!(flags & FUTEX2_NUMA_K))
		return 0;
	if (uaddr % (2 * sizeof(u32)))
		return -EINVAL;
	if (get_user(t->mm, node, at))
		return -EFAULT;
	if (!node)
		return 0;
	if (node != FUTEX_NO_NODE_K)
		return -EINVAL;
	node = 0;
	return put_user(t->mm, node, at) ? -EFAULT : 0;
}

/* futex2_setup_timeout(): a time of @clk. 0, -EINVAL, -EFAULT. */
static int get_deadline2(struct task_struct *t, gva_t from, int clk, u64 *deadline_ns)
{
	struct timespec ts;

	*deadline_ns = WAIT_FOREVER;
	if (!from)
		return 0;
	if (clk != CLOCK_REALTIME && clk != CLOCK_MONOTONIC)
		return -EINVAL;
	if (get_user(t->mm, ts, from))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline_ns = deadline_at(t, clk, &ts);
	return 0;
}

/* futex_parse_waitv(). 0, -EFAULT, -EINVAL. */
static int get_waitv(struct task_struct *t, gva_t from, u32 nr, struct futex_wanted *w)
{
	struct waitv_k one;

	for (u32 i = 0; i < nr; i++) {
		if (copy_from_user(t->mm, &one, from + i * sizeof(one), sizeof(one)))
			return -EFAULT;
		if (!flags_valid(one.flags) || one.reserved || one.val >> 32)
			return -EINVAL;
		w[i] = (struct futex_wanted){
			.uaddr = one.uaddr,
			.val = (u32)one.val,
			.shared = !(one.flags & FUTEX2_PRIVATE_K),
			.numa = one.flags & FUTEX2_NUMA_K,
		};
	}
	return 0;
}

static int check_nodes(struct task_struct *t, const struct futex_wanted *w, u32 nr)
{
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++)
		err = check_node(t, w[i].uaddr, w[i].numa ? FUTEX2_NUMA_K : 0);
	return err;
}

/* futex_waitv(2). Which one was woken; -EINVAL, -EFAULT, -EAGAIN, -ETIMEDOUT. */
long sys_futex_waitv(struct task_struct *t, const struct sysargs *a)
{
	u32 nr = a->arg[1];
	struct futex_wanted *w;
	u64 deadline_ns;
	long ret;

	if ((u32)a->arg[2] || !nr || nr > FUTEX_WAITV_MAX_K || !a->arg[0])
		return -EINVAL;
	ret = get_deadline2(t, a->arg[3], (int)a->arg[4], &deadline_ns);
	if (ret)
		return ret;
	w = kcalloc(&t->machine->mem, nr, sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	ret = get_waitv(t, a->arg[0], nr, w);
	if (!ret)
		ret = check_nodes(t, w, nr);
	if (!ret)
		ret = futex_wait_multiple(t, w, nr, deadline_ns);
	kfree(&t->machine->mem, w);
	return ret;
}

/* futex_wake(2). How many; -EINVAL. */
long sys_futex_wake(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[3];
	s32 nr = (s32)a->arg[2];
	int err;

	if (!flags_valid(flags) || a->arg[1] >> 32)
		return -EINVAL;
	err = a->arg[1] ? check_node(t, a->arg[0], flags) : -EINVAL;
	if (err)
		return err;
	if (!nr) /* none is none, but for futex(2) */
		return futex_check(t, a->arg[0], !(flags & FUTEX2_PRIVATE_K));
	return futex_wake(t, a->arg[0], !(flags & FUTEX2_PRIVATE_K), nr, (u32)a->arg[1]);
}

/* futex_wait(2). 0; -EINVAL, -EFAULT, -EAGAIN, -ETIMEDOUT. */
long sys_futex_wait(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[3];
	u64 deadline_ns;
	int err;

	if (!flags_valid(flags) || a->arg[1] >> 32 || a->arg[2] >> 32)
		return -EINVAL;
	err = get_deadline2(t, a->arg[4], (int)a->arg[5], &deadline_ns);
	if (!err && !a->arg[2])
		err = -EINVAL;
	if (!err)
		err = check_node(t, a->arg[0], flags);
	if (err)
		return err;
	return futex_wait(t, a->arg[0], !(flags & FUTEX2_PRIVATE_K), (u32)a->arg[1], (u32)a->arg[2],
			  deadline_ns);
}

/* futex_requeue(2): from the first to the second of two words. How many; -EINVAL, -EFAULT, -EAGAIN. */
long sys_futex_requeue(struct task_struct *t, const struct sysargs *a)
{
	struct futex_wanted w[2];
	struct futex_pair p;
	int err;

	if ((u32)a->arg[1] || !a->arg[0])
		return -EINVAL;
	err = get_waitv(t, a->arg[0], 2, w);
	if (!err)
		err = check_nodes(t, w, 2);
	if (err)
		return err;
	p = (struct futex_pair){
		.uaddr = w[0].uaddr,
		.uaddr2 = w[1].uaddr,
		.shared = w[0].shared,
		.shared2 = w[1].shared,
		.nr = (s32)a->arg[2],
		.nr2 = (s32)a->arg[3],
	};
	return futex_requeue(t, &p, &w[0].val);
}
