/* Coroutines: a task's kernel stack, and the switch from one to another.
 *
 * coro_switch() saves what the ABI calls preserved (rbx, rbp, r12-r15, rsp, MXCSR and the x87
 * control word) and nothing else. Not for: who runs next; that is proc/sched's.
 * One host thread at a time may touch a coroutine.
 */
#ifndef BASE_CORO_H
#define BASE_CORO_H

#include "base/types.h"

struct coro {
	void *sp;	    /* saved stack pointer while it is not running */
	void (*fn)(void *); /* set in coro_init() */
	void *arg;
	void *stack; /* lowest address and size; the host thread's own: learnt by ASan only */
	size_t size;
	void *fake_stack; /* ASan's */
};

/**
 * coro_init - a coroutine that will call fn(arg) on its own stack
 * @stack: lowest address, 16-byte aligned, the caller's; must outlive the coroutine
 * @size:  bytes, at least 4096
 *
 * fn runs at the first coro_switch() to it and must not return: it ends with coro_exit_to().
 */
void coro_init(struct coro *c, void *stack, size_t size, void (*fn)(void *), void *arg);
/* Makes @c stand for the host thread's own stack, from which the first switch is made. */
void coro_init_host(struct coro *c);
/* Leaves @from, the running one, and goes on in @to. Returns when somebody switches to @from. */
void coro_switch(struct coro *from, struct coro *to);
/* As coro_switch(), for the last time: @from's stack may be freed as soon as @to runs. */
void coro_exit_to(struct coro *from, struct coro *to) __noreturn;

#endif
