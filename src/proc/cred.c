/* Capabilities: where they come from, and what changes them. See cred.h. */
#include "proc/cred.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include "base/host_proc.h"
#include "proc/task.h"

/* Those that follow the file-system id. See: CAP_FS_SET. */
#define CAP_FS_SET                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |      \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

void caps_init(struct task_struct *t)
{
	struct task_caps *c = &t->caps;

	*c = (struct task_caps){0};
	host_capget(&c->inheritable, &c->permitted, &c->effective); /* failed: there are none */
	for (unsigned i = 0; i <= CAP_LAST_CAP_NR; i++) {
		if (host_prctl(PR_CAPBSET_READ, i, 0) == 1)
			c->bounding |= BIT(i);
		if ((c->inheritable & BIT(i)) && /* ambient ones always are */
		    host_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i) == 1)
			c->ambient |= BIT(i);
	}
}

bool task_capable(const struct task_struct *t, unsigned cap)
{
	return !t || (t->caps.effective & BIT(cap));
}

u32 caps_of_mm(const struct task_caps *c)
{
	u32 mm = 0;

	if (c->effective & BIT(CAP_SYS_RAWIO))
		mm |= MM_CAP_SYS_RAWIO;
	if (c->effective & BIT(CAP_IPC_LOCK))
		mm |= MM_CAP_IPC_LOCK;
	if (c->effective & BIT(CAP_SYS_ADMIN))
		mm |= MM_CAP_SYS_ADMIN;
	return mm;
}

static void caps_changed(struct task_struct *t)
{
	if (t->mm)
		t->mm->caps = caps_of_mm(&t->caps);
}

/* cap_emulate_setxuid() */
void caps_fix_setuid(struct task_struct *t, u32 uid, u32 euid, u32 suid)
{
	struct task_caps *c = &t->caps;

	if ((!uid || !euid || !suid) && t->uid && t->euid && t->suid)
		c->permitted = c->effective = c->ambient = 0;
	if (!euid && t->euid)
		c->effective = 0;
	if (euid && !t->euid)
		c->effective = c->permitted;
	caps_changed(t);
}

void caps_fix_setfsuid(struct task_struct *t, u32 fsuid)
{
	struct task_caps *c = &t->caps;

	if (!fsuid && t->fsuid)
		c->effective &= ~CAP_FS_SET;
	if (fsuid && !t->fsuid)
		c->effective |= c->permitted & CAP_FS_SET;
	caps_changed(t);
}

/* cap_capset() */
int caps_set(struct task_struct *t, const struct task_caps *new)
{
	struct task_caps *c = &t->caps;

	if (!task_capable(t, CAP_SETPCAP) && new->inheritable & ~(c->inheritable | c->permitted))
		return -EPERM;
	if (new->inheritable & ~(c->inheritable | c->bounding) || new->permitted & ~c->permitted ||
	    new->effective & ~new->permitted)
		return -EPERM;
	c->inheritable = new->inheritable;
	c->permitted = new->permitted;
	c->effective = new->effective;
	c->ambient &= c->permitted & c->inheritable;
	caps_changed(t);
	return 0;
}

/* cap_bprm_creds_from_file(): the user id 0 counts as a file with all capabilities. */
struct task_caps caps_after_exec(const struct task_struct *t)
{
	struct task_caps c = t->caps;

	c.permitted = c.ambient;
	if (!t->uid || !t->euid)
		c.permitted = c.bounding | c.inheritable;
	c.effective = t->euid ? c.ambient : c.permitted;
	return c;
}
