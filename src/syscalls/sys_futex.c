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

/* @ts: 0 for ever. FUTEX_WAIT's is a span, by CLOCK_MONOTONIC; FUTEX_WAIT_BITSET's a time. */
static int get_deadline(struct task_struct *t, u32 op, gva_t from, u64 *deadline_ns)
{
	int clk = op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct timespec ts;

	*deadline_ns = WAIT_FOREVER;
	if (!from)
		return 0;
	if (get_user(t->mm, ts, from))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline_ns = (op & FUTEX_CMD_MASK) == FUTEX_WAIT ? deadline_after(t, &ts)
							   : deadline_at(t, clk, &ts);
	return 0;
}

static long sys_wait(struct task_struct *t, const struct sysargs *a, u32 bitset)
{
	u32 op = a->arg[1];
	u64 deadline_ns;
	int err = get_deadline(t, op, a->arg[3], &deadline_ns);

	if (err)
		return err;
	if ((op & FUTEX_CLOCK_REALTIME) && (op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	return wait_until(t, a->arg[0], !(op & FUTEX_PRIVATE_FLAG), a->arg[2], bitset, deadline_ns);
}

/* futex(2). -ENOSYS: a command of priority inheritance, a clock it does not have; else as
 * proc/futex.h says. */
long sys_futex(struct task_struct *t, const struct sysargs *a)
{
	u32 op = a->arg[1], cmd = op & FUTEX_CMD_MASK, val3 = a->arg[5];
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	const struct futex_pair p = {
		.uaddr = a->arg[0],
		.uaddr2 = a->arg[4],
		.shared = shared,
		.shared2 = shared,
		.nr = a->arg[2],
		.nr2 = a->arg[3],
	};

	if (cmd == FUTEX_WAIT)
		return sys_wait(t, a, FUTEX_BITSET_MATCH_ANY);
	if (cmd == FUTEX_WAIT_BITSET)
		return sys_wait(t, a, val3);
	if (op & FUTEX_CLOCK_REALTIME)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAKE:
		return futex_wake(t, p.uaddr, shared, p.nr, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, p.uaddr, shared, p.nr, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(t, &p, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, &p, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, &p, val3);
	default:
		return -ENOSYS;
	}
}
