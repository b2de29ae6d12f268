/* Kernel threads that serve mm/ (kthread.c). */
#ifndef PROC_KTHREAD_H
#define PROC_KTHREAD_H

#include "proc/machine.h"

/* Called once by machine_init(), when tasks can sleep: registers what mm/ calls. */
void machine_kthreads_init(struct machine *m);

#endif
