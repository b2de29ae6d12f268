/* See rseq.h. */
#include "proc/rseq.h"

#include <linux/rseq.h>

#include "mm/uaccess.h"
#include "proc/task.h"

#define AREA_CS offsetof(struct rseq, rseq_cs)
#define AREA_FLAGS offsetof(struct rseq, flags)

/* rseq_get_rseq_cs(): the descriptor that the area points to; *@there: there is one. 0, -EFAULT, -EINVAL. */
static int get_cs(struct task_struct *t, struct rseq_cs *cs, bool *there)
{
	gva_t ptr;
	u32 sig;

	*there = false;
	if (get_user(t->mm, ptr, t->rseq + AREA_CS))
		return -EFAULT;
	if (!ptr)
		return 0;
	if (ptr >= TASK_SIZE)
		return -EINVAL;
	if (copy_from_user(t->mm, cs, ptr, sizeof(*cs)))
		return -EFAULT;
	if (cs->start_ip >= TASK_SIZE || cs->start_ip + cs->post_commit_offset >= TASK_SIZE ||
	    cs->abort_ip >= TASK_SIZE || cs->version)
		return -EINVAL;
	if (cs->start_ip + cs->post_commit_offset < cs->start_ip)
		return -EINVAL;
	if (cs->abort_ip - cs->start_ip < cs->post_commit_offset)
		return -EINVAL;
	/* So that nobody is sent to where no abort handler was meant to be. */
	if (get_user(t->mm, sig, cs->abort_ip - sizeof(sig)))
		return -EFAULT;
	*there = true;
	return sig == t->rseq_sig ? 0 : -EINVAL;
}

/* The flags that once said when not to restart: they must be 0 now. */
static int check_flags(struct task_struct *t, const struct rseq_cs *cs)
{
	u32 flags;

	if (cs->flags)
		return -EINVAL;
	if (get_user(t->mm, flags, t->rseq + AREA_FLAGS))
		return -EFAULT;
	return flags ? -EINVAL : 0;
}

/* rseq_ip_fixup() */
static int fixup(struct task_struct *t)
{
	struct cpu_regs *r = task_regs(t);
	struct rseq_cs cs;
	gva_t none = 0;
	bool there;
	int err = get_cs(t, &cs, &there);

	if (err || !there)
		return err;
	/* One that has been left is forgotten, so that it is not looked at again. */
	if (r->rip - cs.start_ip >= cs.post_commit_offset)
		return put_user(t->mm, none, t->rseq + AREA_CS);
	err = check_flags(t, &cs);
	if (err)
		return err;
	if (put_user(t->mm, none, t->rseq + AREA_CS))
		return -EFAULT;
	r->rip = cs.abort_ip;
	return 0;
}

void rseq_resume(struct task_struct *t, int sig)
{
	t->rseq_event = false;
	if (t->rseq && t->mm && fixup(t))
		force_sigsegv(t, sig);
}

void rseq_signal_deliver(struct task_struct *t, int sig)
{
	if (t->rseq)
		rseq_resume(t, sig);
}
