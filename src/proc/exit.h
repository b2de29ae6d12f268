/* The end of a task: what it holds is given back, its children get another parent, its own parent is
 * told. What is left is a zombie, until somebody waits for it (wait.h).
 *
 *	do_group_exit --> do_exit: timers, mm, files --> children to a subreaper, or to nobody
 *	                           --> SIGCHLD, pidfds --> schedule_dead(): never runs again
 *
 * A task whose parent is gone and that no subreaper took is the machine's own init's: it is forgotten
 * at once when it ends. The first task is not that init, but an ordinary program, as it would be
 * natively.
 *
 * See: exit(2), wait(2); kernel/exit.c, do_notify_parent() in kernel/signal.c.
 */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "base/types.h"

struct machine;
struct task_struct;

/* Ends @t, the current task; @status_word as wait(2) reports it: code << 8, or a signal's number with
 * 0x80 for a core. May sleep on the way. The machine ends with its last program. Never returns: the
 * callers' locks and buffers are given back before. */
void do_exit(struct task_struct *t, int status_word) __noreturn;
/* The same for the whole process, whichever of its threads @t is; the status of who began counts. */
void do_group_exit(struct task_struct *t, int status_word) __noreturn;
/* All threads but @t are to end at once: each is killed. Never sleeps, and does not wait for it. */
void zap_other_threads(struct task_struct *t);
/* For release_task(): the last other record of the zombie @leader's process is gone. Its parent is told,
 * and if that does not care, the record goes, too. Never sleeps. */
void leader_is_alone(struct task_struct *leader);

/* Is @pgrp without a member whose parent is in another group of the same session? Such a group cannot be
 * continued by anybody. @leaving, or NULL: does not count as a member. Never sleeps. */
bool is_orphaned_pgrp(struct machine *m, s32 pgrp, const struct task_struct *leaving);

/* Tells the parent of @t's process that this stopped or went on, or (@for_tracer) @t's tracer the same of @t:
 * SIGCHLD (unless SA_NOCLDSTOP) with si_code @why (CLD_*), and a wake-up. Never sleeps. */
void do_notify_parent_cldstop(struct task_struct *t, bool for_tracer, int why);
/* Tells who waits for @t, a zombie, of its end by @sig: its tracer, or its parent. True: nobody wants it. Never
 * sleeps. */
bool do_notify_parent(struct task_struct *t, int sig);

#endif
