/* userfaultfd(2): the descriptor. What it is for: mm/userfaultfd.h. */
#ifndef PROC_USERFAULTFD_H
#define PROC_USERFAULTFD_H

#include "base/types.h"

struct machine;
struct task_struct;

/* Registers with mm/. */
void userfaultfd_init(struct machine *m);
/* Registers with fs/, once that is there: opening /dev/userfaultfd gives ours. */
void userfaultfd_init_dev(struct machine *m);

/* userfaultfd(2): a descriptor for @t's memory. -EINVAL (@flags), -EPERM, -ENOMEM, -ENFILE, -EMFILE. */
long do_userfaultfd(struct task_struct *t, u32 flags);

#endif
