/* Capabilities and ids: where they come from, what changes them, and who asks. See cred.h. */
#include "proc/cred.h"

#include <linux/securebits.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "base/host_proc.h"
#include "proc/task.h"

/* Those that follow the file-system id. See: CAP_FS_SET. */
#define CAP_FS_SET                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |      \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

/* Of Linux 6.14; older headers have not got them. */
#define SECURE_EXEC_RESTRICT_FILE_K 8
#define SECURE_EXEC_DENY_INTERACTIVE_K 10

/* Whose rights a file system of fs/ asks for: those of the running task; NULL, Vellum itself, may all.
 * access(2) asks with the real ids, and root's capabilities only if those are root's. */
static void get_cred(struct vfs *v, bool real, struct vfs_cred *out)
{
	const struct task_struct *t = current_task(vfs_machine(v));

	if (!t)
		return;
	out->uid = real ? t->uid : t->fsuid;
	out->gid = real ? t->gid : t->fsgid;
	out->tgid = t->tgid;
	out->groups = t->groups;
	out->ngroups = t->ngroups;
	out->caps = t->caps.effective;
	if (real && !(t->caps.securebits & SECBIT_NO_SETUID_FIXUP))
		out->caps = t->uid ? 0 : t->caps.permitted;
}

/* The root that paths are shown from; kernel threads have none. */
static const struct fs_struct *current_fs(struct vfs *v)
{
	const struct task_struct *t = current_task(container_of(v, struct machine, vfs));

	return t ? t->fs : NULL;
}

void creds_init(struct machine *m)
{
	m->vfs.get_cred = get_cred;
	m->vfs.current_fs = current_fs;
}

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
	c->securebits = (u32)max(host_prctl(PR_GET_SECUREBITS, 0, 0), 0);
}

bool task_capable(const struct task_struct *t, unsigned cap)
{
	return !t || (t->caps.effective & BIT(cap));
}

/* cap_emulate_setxuid() */
void caps_fix_setuid(struct task_struct *t, u32 uid, u32 euid, u32 suid)
{
	struct task_caps *c = &t->caps;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if ((!uid || !euid || !suid) && t->uid && t->euid && t->suid) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (!euid && t->euid)
		c->effective = 0;
	if (euid && !t->euid)
		c->effective = c->permitted;
}

void caps_fix_setfsuid(struct task_struct *t, u32 fsuid)
{
	struct task_caps *c = &t->caps;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!fsuid && t->fsuid)
		c->effective &= ~CAP_FS_SET;
	if (fsuid && !t->fsuid)
		c->effective |= c->permitted & CAP_FS_SET;
}

/* From now on there may be tasks whose rights are not Vellum's own. */
static void note_other(struct task_struct *t)
{
	struct vfs *v = &t->machine->vfs;

	v->ids_changed |= t->fsuid != v->host_cred.uid || t->fsgid != v->host_cred.gid ||
			  t->uid != v->host_cred.uid || t->gid != v->host_cred.gid ||
			  t->caps.effective != v->host_cred.caps;
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
	note_other(t);
	return 0;
}

/* cap_task_prctl() */
int caps_set_securebits(struct task_struct *t, u64 bits)
{
	const u64 free = BIT(SECURE_EXEC_RESTRICT_FILE_K) | BIT(SECURE_EXEC_DENY_INTERACTIVE_K);
	const u64 known = SECURE_ALL_BITS | free;
	u64 old = t->caps.securebits, changed = old ^ bits, locks = old & known << 1;

	if ((locks >> 1 & changed) || (locks & ~bits) || (bits & ~(known | known << 1)))
		return -EPERM;
	if (!task_capable(t, CAP_SETPCAP) && (!changed || changed & ~(free | free << 1)))
		return -EPERM;
	t->caps.securebits = (u32)bits;
	return 0;
}

/* cap_bprm_creds_from_file(): the user id 0 counts as a file with all capabilities, unless SECBIT_NOROOT. */
static struct task_caps caps_after_exec(const struct task_struct *t)
{
	struct task_caps c = t->caps;
	bool root = !(c.securebits & SECBIT_NOROOT);

	c.permitted = c.ambient;
	if (root && (!t->uid || !t->euid))
		c.permitted = c.bounding | c.inheritable;
	c.effective = root && !t->euid ? c.permitted : c.ambient;
	c.securebits &= ~(u32)SECBIT_KEEP_CAPS;
	return c;
}

struct old_creds creds_save(const struct task_struct *t)
{
	return (struct old_creds){t->uid,  t->euid,  t->suid,	       t->fsuid,
				  t->egid, t->fsgid, t->caps.permitted};
}

void creds_changed(struct task_struct *t, const struct old_creds *old)
{
	note_other(t);
	if (t->euid == old->euid && t->egid == old->egid && t->fsuid == old->fsuid &&
	    t->fsgid == old->fsgid && !(t->caps.permitted & ~old->permitted))
		return;
	if (t->mm)
		t->mm->dumpable = SUID_DUMP_DISABLE;
	t->pdeath_signal = 0;
}

void creds_exec(struct task_struct *t)
{
	struct old_creds old = creds_save(t);
	bool one = t->uid == t->euid && t->gid == t->egid;

	t->mm->dumpable = one ? SUID_DUMP_USER : SUID_DUMP_DISABLE;
	t->suid = t->fsuid = t->euid;
	t->sgid = t->fsgid = t->egid;
	t->caps = caps_after_exec(t);
	creds_changed(t, &old);
}

/* --- who may look into whom ------------------------------------------------------------------- */

/* __ptrace_may_access(), cap_ptrace_access_check() */
int ptrace_may_access(const struct task_struct *t, const struct task_struct *other, unsigned mode)
{
	bool fs = mode & PTRACE_MODE_FSCREDS;
	u32 uid, gid;

	if (!t || t->tgid == other->tgid || task_capable(t, CAP_SYS_PTRACE))
		return 0;
	uid = fs ? t->fsuid : t->uid;
	gid = fs ? t->fsgid : t->gid;
	if (uid != other->uid || uid != other->euid || uid != other->suid || gid != other->gid ||
	    gid != other->egid || gid != other->sgid)
		return -EPERM;
	if (other->mm && other->mm->dumpable != SUID_DUMP_USER)
		return -EPERM;
	return other->caps.permitted & ~(fs ? t->caps.effective : t->caps.permitted) ? -EPERM : 0;
}

struct mm_struct *mm_access(const struct task_struct *t, const struct task_struct *other,
			    unsigned mode)
{
	struct mm_struct *mm = other->mm;

	if (!mm)
		return ERR_PTR(-ESRCH);
	if (!t || t->mm == mm)
		return mm;
	if ((mode & PTRACE_MODE_READ) &&
	    (task_capable(t, CAP_PERFMON) || task_capable(t, CAP_SYS_ADMIN)))
		return mm;
	return ptrace_may_access(t, other, mode) ? ERR_PTR(-EACCES) : mm;
}
