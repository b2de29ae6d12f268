/* The switch between stacks. What lies on the stack of a coroutine that does not run:
 *
 *	sp ->	MXCSR, x87 control word      (4 bytes each)
 *		r15 r14 r13 r12 rbx rbp
 *		return address               (first time: coro_start)
 */
#include "base/coro.h"

#include "base/asan.h"
#include "base/bug.h"
#include "base/valgrind.h"

_Static_assert(offsetof(struct coro, sp) == 0, "coro_swap() knows where sp is");

/* Saves into @from, goes on in @to; returns, there, who came from where: @from. */
struct coro *coro_swap(struct coro *from, struct coro *to);
void coro_start(void);
void coro_main(struct coro *prev, struct coro *self) __noreturn;

__asm__(".pushsection .text\n"
	".globl coro_swap, coro_start\n"
	".hidden coro_swap, coro_start, coro_main\n"
	".type coro_swap, @function\n"
	".type coro_start, @function\n"
	".p2align 4\n"
	"coro_swap:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	sub $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	mov %rsp, (%rdi)\n"
	"	mov (%rsi), %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	fldcw 4(%rsp)\n"
	"	add $8, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	mov %rdi, %rax\n"
	"	ret\n"
	".size coro_swap, . - coro_swap\n"
	"\n"
	".p2align 4\n"
	"coro_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	mov %rax, %rdi\n"
	"	mov %rbx, %rsi\n"
	"	call coro_main\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size coro_start, . - coro_start\n"
	".popsection\n");

/* ASan must know which stack it is on. The host thread's own is learnt when it is left first. */
static void switch_begins(struct coro *from, struct coro *to, bool last)
{
#ifdef ASAN_BUILD
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->stack, to->size);
#else
	(void)from, (void)to, (void)last;
#endif
}

static void switch_ends(struct coro *prev, struct coro *self)
{
#ifdef ASAN_BUILD
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &stack, &size);
	if (!prev->stack) {
		prev->stack = (void *)stack;
		prev->size = size;
	}
#else
	(void)prev, (void)self;
#endif
}

void coro_main(struct coro *prev, struct coro *self)
{
	switch_ends(prev, self);
	self->fn(self->arg);
	BUG("a coroutine returned");
}

void coro_init(struct coro *c, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	u64 *top = (u64 *)((uintptr_t)((char *)stack + size) & ~15UL);

	*c = (struct coro){.fn = fn, .arg = arg, .stack = stack, .size = size};
	/* Frames of an earlier user may have left their marks in ASan's shadow. */
	asan_unpoison(stack, size);
	valgrind_stack(stack, size);
	*--top = 0; /* keeps rsp 16-byte aligned where coro_start begins */
	*--top = 0;
	*--top = (uintptr_t)coro_start;
	*--top = 0;	       /* rbp: ends frame-pointer walks */
	*--top = (uintptr_t)c; /* rbx: self */
	for (int i = 0; i < 4; i++)
		*--top = 0;		   /* r12 .. r15 */
	*--top = 0x1f80UL | 0x37fUL << 32; /* MXCSR, x87 control word as the ABI starts a process */
	c->sp = top;
}

void coro_init_host(struct coro *c)
{
	*c = (struct coro){0};
}

void coro_switch(struct coro *from, struct coro *to)
{
	struct coro *prev;

	switch_begins(from, to, false);
	prev = coro_swap(from, to);
	switch_ends(prev, from);
}

void coro_exit_to(struct coro *from, struct coro *to)
{
	switch_begins(from, to, true);
	coro_swap(from, to);
	BUG("a coroutine that had ended ran again");
}
