/* prctl(2)'s options for capabilities: the bounding and ambient sets, and securebits.
 * See: capabilities(7); Linux, security/commoncap.c, cap_task_prctl(). */
#include "syscalls/internal.h"

#include <linux/prctl.h>
#include <linux/securebits.h>

long prctl_capbset_read(struct task_struct *t, const struct sysargs *a)
{
	return a->arg[1] > CAP_LAST_CAP_NR ? -EINVAL : (long)(t->caps.bounding >> a->arg[1] & 1);
}

long prctl_capbset_drop(struct task_struct *t, const struct sysargs *a)
{
	if (!task_capable(t, CAP_SETPCAP))
		return -EPERM;
	if (a->arg[1] > CAP_LAST_CAP_NR)
		return -EINVAL;
	t->caps.bounding &= ~BIT(a->arg[1]);
	return 0;
}

long prctl_get_securebits(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->caps.securebits;
}

long prctl_set_securebits(struct task_struct *t, const struct sysargs *a)
{
	return caps_set_securebits(t, a->arg[1]);
}

long prctl_get_keepcaps(struct task_struct *t, const struct sysargs *a __unused)
{
	return !!(t->caps.securebits & SECBIT_KEEP_CAPS);
}

/* It needs no capability, other than the same bit in PR_SET_SECUREBITS. */
long prctl_set_keepcaps(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] > 1)
		return -EINVAL;
	if (t->caps.securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	t->caps.securebits &= ~(u32)SECBIT_KEEP_CAPS;
	if (a->arg[1])
		t->caps.securebits |= SECBIT_KEEP_CAPS;
	return 0;
}

long prctl_cap_ambient(struct task_struct *t, const struct sysargs *a)
{
	struct task_caps *c = &t->caps;
	u64 cap = a->arg[2];

	if (a->arg[1] == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap || a->arg[3] || a->arg[4])
			return -EINVAL;
		c->ambient = 0;
		return 0;
	}
	if (cap > CAP_LAST_CAP_NR || a->arg[3] || a->arg[4])
		return -EINVAL;
	switch (a->arg[1]) {
	case PR_CAP_AMBIENT_IS_SET:
		return (long)(c->ambient >> cap & 1);
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & BIT(cap)) ||
		    c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)
			return -EPERM;
		c->ambient |= BIT(cap);
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		c->ambient &= ~BIT(cap);
		return 0;
	default:
		return -EINVAL;
	}
}
