/* Restartable sequences: a piece of guest code that must not be interrupted says so in memory that it has
 * registered; if it was all the same, it goes on at its abort address.
 *
 *	sched.c, switch_out(): rseq_event --> loop.c, before guest code runs: rseq_resume()
 *	signal_deliver.c, before a frame is made: rseq_signal_deliver()
 *
 * There is one CPU, 0, so that nobody migrates; cpu_id, node_id and mm_cid are written at registration and
 * stay what they are. Not for: rseq(2) itself (syscalls/).
 * See: rseq(2) of libc's manual; Linux, kernel/rseq.c.
 */
#ifndef PROC_RSEQ_H
#define PROC_RSEQ_H

struct task_struct;

/* The current task, which has one registered, goes on after others ran: takes it out of the sequence that it
 * was in. What is wrong in its memory is a SIGSEGV: force_sigsegv() with @sig, the signal that is being
 * delivered, or 0. May sleep; then t->rseq_event may be set once more. */
void rseq_resume(struct task_struct *t, int sig);
/* The same before the frame of the handler of @sig is made, where the sequence would end anyway. */
void rseq_signal_deliver(struct task_struct *t, int sig);

#endif
