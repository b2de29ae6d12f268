/* Capabilities of a task, and what follows from its user and group ids: the one place that says what it may
 * do. The first task's are those that Vellum's host process has, since files and the rest of the host know
 * no others; from there on the guest kernel keeps them as Linux does.
 *
 *	ids, caps of task_struct --> task_set_rights(): what mm/ goes by
 *	                         --> vfs.get_cred: what fs/ asks for at each call
 *
 * Not for: the system calls that change ids (syscalls/sys_cred.c), permissions of files (fs/).
 * Nothing here sleeps. See: capabilities(7), credentials(7); security/commoncap.c.
 */
#ifndef PROC_CRED_H
#define PROC_CRED_H

#include <linux/capability.h>

#include "base/types.h"

struct machine;
struct mm_struct;
struct task_struct;

#define CAP_LAST_CAP_NR 40
#define CAP_ALL (BIT(CAP_LAST_CAP_NR + 1) - 1)

/* Bit n: capability n. */
struct task_caps {
	u64 inheritable, permitted, effective, bounding, ambient;
	u32 securebits; /* SECBIT_* of <linux/securebits.h> */
};

/* Tells fs/ whose rights count: the running task's. Once, when m->vfs is there. */
void creds_init(struct machine *m);
/* The first task's: those of the host process. */
void caps_init(struct task_struct *t);
/* May @t do what capability @cap stands for? NULL, Vellum itself, may. */
bool task_capable(const struct task_struct *t, unsigned cap);
/* After a change of user ids: what came and went with the id 0. @uid, @euid, @suid (@fsuid): as they were
 * before. See: cap_emulate_setxuid(), cap_task_fix_setuid(). */
void caps_fix_setuid(struct task_struct *t, u32 uid, u32 euid, u32 suid);
void caps_fix_setfsuid(struct task_struct *t, u32 fsuid);
/* capset(2): the sets of @new but for bounding and ambient. 0; -EPERM: more than it may, nothing has
 * changed. See: cap_capset(). */
int caps_set(struct task_struct *t, const struct task_caps *new);
/* prctl(PR_SET_SECUREBITS): 0; -EPERM: bits that are locked, or not known; others than the few that anybody may
 * change without CAP_SETPCAP. */
int caps_set_securebits(struct task_struct *t, u64 bits);
/* execve(2), once the task has its new address space: the ids and sets that change, and who may look
 * into it from now on (mm->dumpable). */
void creds_exec(struct task_struct *t);

/* What a change of credentials is compared with. */
struct old_creds {
	u32 uid, euid, suid, fsuid, egid, fsgid;
	u64 permitted;
};

struct old_creds creds_save(const struct task_struct *t);
/* After ids or sets were changed: who has become another, keeps others out of its memory (suid_dumpable,
 * 0) and hears no more of its parent's death. See: commit_creds(). */
void creds_changed(struct task_struct *t, const struct old_creds *old);

/* --- who may look into whom: ptrace(2), "Ptrace access mode checking" ------------------------- */

#define PTRACE_MODE_READ 1U
#define PTRACE_MODE_ATTACH 2U
#define PTRACE_MODE_FSCREDS 8U /* by the file-system ids, as for /proc; otherwise the real ones */

/* May @t (NULL: Vellum itself) do that (PTRACE_MODE_*) with @other? 0 or -EPERM. See: __ptrace_may_access(). */
int ptrace_may_access(const struct task_struct *t, const struct task_struct *other, unsigned mode);
/* @other's address space, without a reference. ERR_PTR(-ESRCH): it has none; ERR_PTR(-EACCES). */
struct mm_struct *mm_access(const struct task_struct *t, const struct task_struct *other,
			    unsigned mode);

#endif
