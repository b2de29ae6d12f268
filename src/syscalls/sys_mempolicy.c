/* NUMA policies: the calls of numa(7). mm/mempolicy.c does the work; here masks are copied in and out,
 * and rights over other processes are checked. */
#include "syscalls/internal.h"

#include "mm/mempolicy.h"

#define BITS_PER_LONG_K 64UL
#define CAP_SYS_NICE_NR 23
#define STATUS_CHUNK 16U /* pages that move_pages(2) looks at before it tells of them */

/* --- masks in user memory ------------------------------------------------------------------- */

/* A mask of @maxnode - 1 nodes, by an accident that stays. Nodes beyond those that can be must not be
 * set. 0, -EINVAL, -EFAULT. */
static int get_nodes(struct task_struct *t, nodemask_t *nodes, gva_t mask, u64 maxnode)
{
	u64 word, bytes;

	*nodes = (nodemask_t){0};
	maxnode--;
	if (!maxnode || !mask)
		return 0;
	if (maxnode > PAGE_SIZE * 8)
		return -EINVAL;
	while (maxnode > MAX_NUMNODES) {
		if (get_user(t->mm, word, mask + (maxnode - 1) / BITS_PER_LONG_K * sizeof(u64)))
			return -EFAULT;
		if (word)
			return -EINVAL;
		maxnode = (maxnode - 1) & ~(BITS_PER_LONG_K - 1);
	}
	bytes = (maxnode + BITS_PER_LONG_K - 1) / BITS_PER_LONG_K * sizeof(u64);
	if (copy_from_user(t->mm, nodes->bits, mask, bytes))
		return -EFAULT;
	if (maxnode % BITS_PER_LONG_K)
		nodes->bits[maxnode / BITS_PER_LONG_K] &= BIT(maxnode % BITS_PER_LONG_K) - 1;
	return 0;
}

/* What is asked for beyond the nodes that can be is zeroed. 0, -EINVAL, -EFAULT. */
static int put_nodes(struct task_struct *t, gva_t mask, u64 maxnode, const nodemask_t *nodes)
{
	u64 copy = (maxnode - 1 + 63) / 64 * 64 / 8; /* of maxnode 0 a mask without bits */
	u64 have = (nr_node_ids(&t->machine->mem) + 63) / 64 * sizeof(u64);

	if (copy > have) {
		if (copy > PAGE_SIZE)
			return -EINVAL;
		if (clear_user(t->mm, mask + have, copy - have))
			return -EFAULT;
		copy = have;
	}
	return copy_to_user(t->mm, mask, nodes->bits, copy) ? -EFAULT : 0;
}

/* A mode as it comes, with its flags in the same word. 0 or -EINVAL. */
static int split_mode(u32 arg, unsigned *mode, unsigned *flags)
{
	*flags = arg & MPOL_MODE_FLAGS;
	*mode = arg & ~MPOL_MODE_FLAGS;
	if (*mode >= MPOL_MAX ||
	    ((*flags & MPOL_F_STATIC_NODES) && (*flags & MPOL_F_RELATIVE_NODES)))
		return -EINVAL;
	if ((*flags & MPOL_F_NUMA_BALANCING) && *mode != MPOL_BIND && *mode != MPOL_PREFERRED_MANY)
		return -EINVAL;
	return 0;
}

/* --- policies -------------------------------------------------------------------------------- */

/* mbind(2). -EINVAL: mode, mask; what do_mbind() says. */
long sys_mbind(struct task_struct *t, const struct sysargs *a)
{
	unsigned mode, flags;
	nodemask_t nodes;
	int err = split_mode(a->arg[2], &mode, &flags);

	if (!err)
		err = get_nodes(t, &nodes, a->arg[3], a->arg[4]);
	return err ? err
		   : do_mbind(t->mm, a->arg[0], a->arg[1], mode, flags, &nodes, (u32)a->arg[5]);
}

/* set_mempolicy(2). -EINVAL: mode, mask. */
long sys_set_mempolicy(struct task_struct *t, const struct sysargs *a)
{
	unsigned mode, flags;
	nodemask_t nodes;
	int err = split_mode(a->arg[0], &mode, &flags);

	if (!err)
		err = get_nodes(t, &nodes, a->arg[1], a->arg[2]);
	return err ? err : do_set_mempolicy(&t->machine->mem, &t->mempolicy, mode, flags, &nodes);
}

/* get_mempolicy(2). -EINVAL: a mask too small, flags; -EFAULT: no such address. */
long sys_get_mempolicy(struct task_struct *t, const struct sysargs *a)
{
	nodemask_t nodes;
	int mode;
	long ret;

	if (a->arg[1] && a->arg[2] < nr_node_ids(&t->machine->mem))
		return -EINVAL;
	ret = do_get_mempolicy(t->mm, &t->mempolicy, a->arg[3], a->arg[4], &mode, &nodes);
	if (ret)
		return ret;
	if (a->arg[0] && put_user(t->mm, mode, a->arg[0]))
		return -EFAULT;
	return a->arg[1] ? put_nodes(t, a->arg[1], a->arg[2], &nodes) : 0;
}

/* set_mempolicy_home_node(2). What do_set_home_node() says. */
long sys_set_mempolicy_home_node(struct task_struct *t, const struct sysargs *a)
{
	return do_set_home_node(t->mm, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* --- moving pages ---------------------------------------------------------------------------- */

/* The address space whose pages are meant, held by mmget(). ERR_PTR(-EPERM); -EINVAL: it has none. */
static struct mm_struct *mm_to_move(struct task_struct *t, const struct task_struct *other)
{
	if (other != t && ptrace_may_access(t, other, PTRACE_MODE_READ))
		return ERR_PTR(-EPERM);
	if (!other->mm)
		return ERR_PTR(-EINVAL);
	mmget(other->mm);
	return other->mm;
}

/* migrate_pages(2). Pages that stayed. -EINVAL: mask; -ESRCH; -EPERM: another's, nodes it may not have. */
long sys_migrate_pages(struct task_struct *t, const struct sysargs *a)
{
	nodemask_t from, to, memory;
	struct task_struct *other;
	struct mm_struct *mm;
	long ret;

	ret = get_nodes(t, &from, a->arg[2], a->arg[1]);
	if (!ret)
		ret = get_nodes(t, &to, a->arg[3], a->arg[1]);
	if (ret)
		return ret;
	other = (s32)a->arg[0] ? find_task_by_pid(t->machine, a->arg[0]) : t;
	if (!other)
		return -ESRCH;
	mm = mm_to_move(t, other);
	if (IS_ERR(mm) && PTR_ERR(mm) != -EINVAL)
		return PTR_ERR(mm);
	ret = PTR_ERR(mm); /* of a task without memory: what follows comes first */
	node_memory_mask(&t->machine->mem, &memory);
	if (!nodes_subset(&to, &memory) && !capable(t, CAP_SYS_NICE_NR))
		ret = -EPERM;
	else if (nodes_and(&to, &to, &memory), nodes_empty(&to))
		ret = -EINVAL;
	else if (!IS_ERR(mm))
		ret = do_migrate_pages(mm, &from, &to);
	if (!IS_ERR(mm))
		mmput(mm);
	return ret;
}

/* Where @nr pages are. 0 or -EFAULT. */
static long pages_stat(struct task_struct *t, struct mm_struct *mm, u64 nr, gva_t pages,
		       gva_t status)
{
	u64 addrs[STATUS_CHUNK];
	s32 where[STATUS_CHUNK];

	while (nr) {
		u64 n = min(nr, STATUS_CHUNK);

		if (copy_from_user(t->mm, addrs, pages, n * sizeof(*addrs)))
			return -EFAULT;
		for (u64 i = 0; i < n; i++)
			where[i] = page_status(mm, addrs[i]);
		if (copy_to_user(t->mm, status, where, n * sizeof(*where)))
			return -EFAULT;
		pages += n * sizeof(*addrs);
		status += n * sizeof(*where);
		nr -= n;
	}
	return 0;
}

/* Moves @nr pages one by one. 0 or what ended it: -EFAULT, -ENODEV. */
static long pages_move(struct task_struct *t, struct mm_struct *mm, const struct sysargs *a)
{
	bool all = a->arg[5] & MPOL_MF_MOVE_ALL;
	nodemask_t memory;
	u64 addr;
	s32 node;

	node_memory_mask(mm->mem, &memory);
	for (u64 i = 0; i < a->arg[1]; i++) {
		if (get_user(t->mm, addr, a->arg[2] + i * sizeof(addr)) ||
		    get_user(t->mm, node, a->arg[3] + i * sizeof(node)))
			return -EFAULT;
		if (node < 0 || node >= MAX_NUMNODES || !node_isset(node, &memory))
			return -ENODEV;
		node = move_one_page(mm, addr, node, all);
		if (put_user(t->mm, node, a->arg[4] + i * sizeof(node)))
			return -EFAULT;
	}
	return 0;
}

/* move_pages(2). -EINVAL: flags, no memory; -EPERM, -ESRCH; -ENODEV: a node without memory. */
long sys_move_pages(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[5];
	struct task_struct *other = t;
	struct mm_struct *mm;
	long ret;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(t, CAP_SYS_NICE_NR))
		return -EPERM;
	if ((s32)a->arg[0])
		other = find_task_by_pid(t->machine, a->arg[0]);
	if (!other)
		return -ESRCH;
	mm = mm_to_move(t, other);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	ret = a->arg[3] ? pages_move(t, mm, a) : pages_stat(t, mm, a->arg[1], a->arg[2], a->arg[4]);
	mmput(mm);
	return ret;
}
