/* ksmd, the kernel thread that merges equal pages. What it does is mm/ksm.h's; here is when. */
#ifndef PROC_KSMD_H
#define PROC_KSMD_H

struct machine;

/* Once, by machine_init(), when tasks can sleep: registers what mm/ calls when there is work. The thread is
 * made at the first call: a machine without KSM has none. */
void ksmd_init(struct machine *m);

#endif
