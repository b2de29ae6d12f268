/* See user_dispatch.h. */
#include "proc/user_dispatch.h"

#include <linux/audit.h>
#include <linux/prctl.h>

#include "mm/uaccess.h"
#include "proc/ptrace.h"
#include "proc/task.h"

#define SYS_USER_DISPATCH_K 2 /* si_code */
#define FILTER_ALLOW 0
#define FILTER_BLOCK 1
#define MODE_OFF 0UL
#define MODE_EXCLUSIVE_ON 1UL
#define MODE_INCLUSIVE_ON 2UL

int set_syscall_user_dispatch(struct task_struct *t, u64 mode, const struct user_dispatch *d)
{
	struct user_dispatch set = *d;
	bool wraps = d->offset + d->len <= d->offset;

	switch (mode) {
	case MODE_OFF:
		if (d->offset || d->len || d->selector)
			return -EINVAL;
		break;
	case MODE_EXCLUSIVE_ON:
		if (d->offset && wraps)
			return -EINVAL;
		break;
	case MODE_INCLUSIVE_ON: /* calls of the range are told of: all that is outside is what may */
		if (!d->len || wraps)
			return -EINVAL;
		set.offset = d->offset + d->len;
		set.len = -d->len;
		break;
	default:
		return -EINVAL;
	}
	if (d->selector >= TASK_SIZE)
		return -EFAULT;
	t->user_dispatch = set;
	t->syscall_work &= ~SYSWORK_USER_DISPATCH;
	if (mode != MODE_OFF)
		t->syscall_work |= SYSWORK_USER_DISPATCH;
	return 0;
}

static void tell(struct task_struct *t, bool compat)
{
	struct k_siginfo info = {.si_signo = SIGSYS, .si_code = SYS_USER_DISPATCH_K};

	info.sys.call_addr = task_regs(t)->rip;
	info.sys.syscall = (s32)t->syscall_nr;
	info.sys.arch = compat ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	force_sig_info(SIGSYS, &info, t);
}

bool syscall_user_dispatch(struct task_struct *t, bool compat)
{
	const struct user_dispatch *d = &t->user_dispatch;
	u8 says = FILTER_BLOCK;

	if (task_regs(t)->rip - d->offset < d->len)
		return false;
	if (d->selector && get_user(t->mm, says, d->selector)) {
		force_fatal_sig(SIGSEGV, t);
		return true;
	}
	if (says == FILTER_ALLOW)
		return false;
	if (says == FILTER_BLOCK)
		tell(t, compat);
	else
		force_fatal_sig(SIGSYS, t);
	return true;
}
