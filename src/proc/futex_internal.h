/* What the files of futexes share: the record of who waits, and words without sleeping. futex.c has plain
 * words, futex_pi.c locks with an owner, futex_waitv.c several words at once. Nobody else includes this. */
#ifndef PROC_FUTEX_INTERNAL_H
#define PROC_FUTEX_INTERNAL_H

#include "mm/slab.h"
#include "mm/uaccess.h"
#include "proc/futex.h"
#include "proc/task.h"

/* A lock that is held while others wait for it. Lives as long as somebody waits. */
struct futex_pi {
	struct futex_pi *next; /* of task->pi_owned */
	struct task_struct
		*owner;	      /* NULL: it died, and who has the lock now is about to write that */
	struct user_word key; /* set once */
	u32 users;	      /* futex_q that point here */
};

/* Who waits for a word. On its kernel stack, or in memory of its own. */
struct futex_q {
	struct list_head link; /* empty: woken */
	struct task_struct *task;
	struct user_word key;
	struct wait_queue_head *wq; /* only its owner waits there */
	u32 bitset;
	struct futex_pi *pi; /* it waits for this lock; NULL: for a plain word */
	const struct user_word
		*requeue_key; /* it will want the lock there: FUTEX_WAIT_REQUEUE_PI */
	bool granted;	      /* @pi is its own now */
};

static inline bool futex_match(const struct futex_q *q, const struct user_word *key)
{
	return q->key.object == key->object && q->key.offset == key->offset;
}

/* The list that all who wait for @key are in. */
struct list_head *futex_bucket(struct machine *m, const struct user_word *key);
/* 0; -EINVAL: not a multiple of four; -EFAULT. May sleep if @shared. See: Linux, get_futex_key(). */
int futex_get_key(struct task_struct *t, gva_t uaddr, bool shared, bool write,
		  struct user_word *key);
/* The word without sleeping: 0 or -EFAULT. */
int futex_peek(struct task_struct *t, gva_t uaddr, u32 *val);
/* The word's key and its value at one moment; may sleep before. 0 or as futex_get_key(). */
int futex_key_and_value(struct task_struct *t, gva_t uaddr, bool shared, struct user_word *key,
			u32 *val);
/* Puts @q, whose key, task and wq are set, behind those who wait: real-time tasks first. */
void futex_queue(struct machine *m, struct futex_q *q);
/* Takes @q off its list and wakes who waits. */
void futex_wake_q(struct futex_q *q);

#endif
