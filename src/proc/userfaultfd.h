/* userfaultfd(2): the descriptor, and /dev/userfaultfd. What it is for, and what its calls do to memory:
 * mm/userfaultfd.h. See: Linux 6.18, fs/userfaultfd.c. */
#ifndef PROC_USERFAULTFD_H
#define PROC_USERFAULTFD_H

#include "base/types.h"

struct file;
struct machine;
struct mm_struct;
struct task_struct;

/* Once, by machine_init(): tells mm/ whose fault a reader is told of. */
void userfaultfd_init(struct machine *m);
/* Once, when fs/ is there: opening /dev/userfaultfd gives ours. */
void userfaultfd_init_dev(struct machine *m);

/* userfaultfd(2): a descriptor for @t's memory; @flags O_CLOEXEC, O_NONBLOCK, UFFD_USER_MODE_ONLY.
 * -EINVAL: others; -EPERM: the kernel's faults, too, without the right; -ENOMEM, -ENFILE, -EMFILE. */
long do_userfaultfd(struct task_struct *t, u32 flags);

/* --- userfaultfd_ioctl.c: for userfaultfd.c ------------------------------------------------------- */

/* file_operations.ioctl: @arg in the memory of the caller, @mm. May sleep. See: ioctl_userfaultfd(2). */
long uffd_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);
/* Bit n: call n of UFFDIO is known. */
u64 uffd_known_ioctls(void);

#endif
