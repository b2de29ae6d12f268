/* Capabilities of a task: the one place that says what it may do. The first task's are those that
 * Vellum's host process has, since files and the rest of the host know no others; from there on
 * the guest kernel keeps them as Linux does. See: capabilities(7); security/commoncap.c. */
#ifndef PROC_CRED_H
#define PROC_CRED_H

#include "base/types.h"

struct task_struct;

#define CAP_LAST_CAP_NR 40
#define CAP_ALL (BIT(CAP_LAST_CAP_NR + 1) - 1)

/* Bit n: capability n. */
struct task_caps {
	u64 inheritable, permitted, effective, bounding, ambient;
};

void caps_init(struct task_struct *t);
/* May @t do what capability @cap stands for? NULL, Vellum itself, may. */
bool task_capable(const struct task_struct *t, unsigned cap);
/* After a change of user ids: what came and went with the id 0; the ids before it. */
void caps_fix_setuid(struct task_struct *t, u32 uid, u32 euid, u32 suid);
void caps_fix_setfsuid(struct task_struct *t, u32 fsuid);
/* capset(2): the sets of @new but for bounding and ambient. 0 or -EPERM. */
int caps_set(struct task_struct *t, const struct task_caps *new);
/* What @t will have after execve(2) of a file without capabilities of its own. */
struct task_caps caps_after_exec(const struct task_struct *t);
/* The MM_CAP_* that go with @c. */
u32 caps_of_mm(const struct task_caps *c);

#endif
