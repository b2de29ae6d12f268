/* The vdso: a real ELF image, linked at build time, which the loader maps into each program.
 * Clocks are computed from the page below the code (proc/vdso_data.h) and the time stamp counter; what
 * is not there, and everything while that page says so (--deterministic), is a system call.
 * See: vdso(7); Linux, lib/vdso/gettimeofday.c, getrandom.c.
 */
#include "proc/vdso_data.h"

#define NR_gettimeofday 96
#define NR_time 201
#define NR_clock_gettime 228
#define NR_clock_getres 229
#define NR_getrandom 318

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_AUX 16
#define NR_CLOCKS_AUX 8
/* struct vgetrandom_opaque_params of Linux, include/uapi/linux/random.h; sizeof(struct vgetrandom_state) */
#define VGETRANDOM_STATE_SIZE 144
#define VGETRANDOM_MMAP_PROT 3		/* PROT_READ | PROT_WRITE */
#define VGETRANDOM_MMAP_FLAGS 0x28	/* MAP_DROPPABLE | MAP_ANONYMOUS */

#define CPUNODE_SEG 0x7b	/* its limit: CPU, and the node << 12 */

	.macro FUNC name
	.globl	__vdso_\name
	.type	__vdso_\name, @function
	.balign	16
__vdso_\name:
	.cfi_startproc
	.endm

	.macro END_FUNC name
	.cfi_endproc
	.size	__vdso_\name, . - __vdso_\name
	.weak	\name
	.set	\name, __vdso_\name
	.endm

	.text

/* edi: one of VDSO_CLOCKS. rax: its nanoseconds; carry: the system call must be made.
 * Changes rcx, rdx, r8 to r11. */
	.type	read_clock, @function
	.balign	16
read_clock:
	.cfi_startproc
	leaq	vdso_data(%rip), %r8
	movl	%edi, %r10d
.Lagain:
	movl	VDSO_SEQ(%r8), %r9d
	cmpl	$VDSO_CLOCK_TSC, VDSO_MODE(%r8)
	jne	.Lno_clock
	lfence
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	VDSO_CYCLE_LAST(%r8), %rax
	jae	1f
	xorl	%eax, %eax	/* a CPU whose counter is a little behind */
1:	leaq	VDSO_MONO(%r8), %rcx
	cmpl	$CLOCK_MONOTONIC_RAW, %edi
	jne	2f
	leaq	VDSO_RAW(%r8), %rcx
2:	mulq	VDSO_LINE_MULT(%rcx)
	shrdq	$32, %rdx, %rax
	addq	VDSO_LINE_BASE(%rcx), %rax
	movl	$VDSO_COARSE_CLOCKS, %edx
	btl	%edi, %edx
	jnc	3f
	movq	%rax, %r11	/* less what has passed since the tick */
	subq	VDSO_TICK_PHASE(%r8), %rax
	xorl	%edx, %edx
	divq	VDSO_TICK_NS(%r8)
	movq	%r11, %rax
	subq	%rdx, %rax
	cmpq	VDSO_COARSE_MIN(%r8), %rax
	jae	3f
	movq	VDSO_COARSE_MIN(%r8), %rax
3:	addq	VDSO_OFFSET(%r8,%r10,8), %rax
	cmpl	VDSO_SEQ(%r8), %r9d
	jne	.Lagain
	clc
	ret
.Lno_clock:
	stc
	ret
	.cfi_endproc
	.size	read_clock, . - read_clock

/* int clock_gettime(clockid_t edi, struct timespec *rsi) */
	FUNC clock_gettime
	cmpl	$CLOCK_MONOTONIC, %edi
	ja	17f
	/* The two that everybody asks for, in as few instructions as can be: read_clock for the rest. */
	leaq	vdso_data(%rip), %r8
	movl	%edi, %r10d
16:	movl	VDSO_SEQ(%r8), %r9d
	cmpl	$VDSO_CLOCK_TSC, VDSO_MODE(%r8)
	jne	4f
	lfence
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	VDSO_CYCLE_LAST(%r8), %rax
	jb	17f		/* a CPU whose counter is a little behind */
	mulq	VDSO_MONO + VDSO_LINE_MULT(%r8)
	shrdq	$32, %rdx, %rax
	addq	VDSO_MONO + VDSO_LINE_BASE(%r8), %rax
	addq	VDSO_OFFSET(%r8,%r10,8), %rax
	cmpl	VDSO_SEQ(%r8), %r9d
	jne	16b
	xorl	%edx, %edx
	movl	$1000000000, %ecx
	divq	%rcx
	movq	%rax, (%rsi)
	movq	%rdx, 8(%rsi)
	xorl	%eax, %eax
	ret
17:	cmpl	$VDSO_NR_CLOCKS, %edi
	jae	4f
	movl	$VDSO_CLOCKS, %eax
	btl	%edi, %eax
	jnc	4f
	call	read_clock
	jc	4f
	xorl	%edx, %edx
	movl	$1000000000, %ecx
	divq	%rcx
	movq	%rax, (%rsi)
	movq	%rdx, 8(%rsi)
	xorl	%eax, %eax
	ret
4:	movl	$NR_clock_gettime, %eax
	syscall
	ret
	END_FUNC clock_gettime

/* int gettimeofday(struct timeval *rdi, struct timezone *rsi): either may be NULL, and the zone is UTC. */
	FUNC gettimeofday
	testq	%rdi, %rdi
	jz	5f
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movl	$CLOCK_REALTIME, %edi
	call	read_clock
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	jc	6f
	xorl	%edx, %edx
	movl	$1000000000, %ecx
	divq	%rcx
	movq	%rax, (%rdi)
	movl	%edx, %eax
	xorl	%edx, %edx
	movl	$1000, %ecx
	divl	%ecx
	movq	%rax, 8(%rdi)
5:	testq	%rsi, %rsi
	jz	7f
	movq	$0, (%rsi)
7:	xorl	%eax, %eax
	ret
6:	movl	$NR_gettimeofday, %eax
	syscall
	ret
	END_FUNC gettimeofday

/* time_t time(time_t *rdi): of the coarse clock, as the kernel's. */
	FUNC time
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movl	$CLOCK_REALTIME_COARSE, %edi
	call	read_clock
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	jc	8f
	xorl	%edx, %edx
	movl	$1000000000, %ecx
	divq	%rcx
	testq	%rdi, %rdi
	jz	9f
	movq	%rax, (%rdi)
9:	ret
8:	movl	$NR_time, %eax
	syscall
	ret
	END_FUNC time

/* int clock_getres(clockid_t edi, struct timespec *rsi): NULL is allowed. */
	FUNC clock_getres
	leal	-CLOCK_AUX(%rdi), %eax
	cmpl	$NR_CLOCKS_AUX, %eax
	jb	15f		/* none is there, but this does not look */
	cmpl	$VDSO_NR_CLOCKS, %edi
	jae	10f
	movl	$VDSO_CLOCKS, %eax
	btl	%edi, %eax
	jnc	10f
15:	testq	%rsi, %rsi
	jz	12f
	movl	$1, %eax
	movl	$VDSO_COARSE_CLOCKS, %edx
	btl	%edi, %edx
	jnc	11f
	movq	vdso_data+VDSO_TICK_NS(%rip), %rax
11:	movq	$0, (%rsi)
	movq	%rax, 8(%rsi)
12:	xorl	%eax, %eax
	ret
10:	movl	$NR_clock_getres, %eax
	syscall
	ret
	END_FUNC clock_getres

/* int getcpu(unsigned *rdi, unsigned *rsi, void *unused) */
	FUNC getcpu
	movl	$CPUNODE_SEG, %eax
	lsl	%eax, %eax
	testq	%rdi, %rdi
	jz	13f
	movl	%eax, %edx
	andl	$0xfff, %edx
	movl	%edx, (%rdi)
13:	testq	%rsi, %rsi
	jz	14f
	shrl	$12, %eax
	movl	%eax, (%rsi)
14:	xorl	%eax, %eax
	ret
	END_FUNC getcpu

/* ssize_t getrandom(void *rdi, size_t rsi, unsigned edx, void *state rcx, size_t state_len r8)
 * Without anything to fill and with state_len ~0: what a state is, for mmap(2). Otherwise the system call: a state is
 * asked for, and checked, but nothing is kept in it. Numbers from a seed are drawn in one place that way, and a system
 * call of a guest costs no more than the ChaCha20 block that it would have to run itself. */
	FUNC getrandom
	cmpq	$-1, %r8
	jne	18f
	testq	%rdi, %rdi
	jnz	18f
	testq	%rsi, %rsi
	jnz	18f
	testl	%edx, %edx
	jnz	18f
	xorl	%eax, %eax
	movl	$VGETRANDOM_STATE_SIZE, (%rcx)
	movl	$VGETRANDOM_MMAP_PROT, 4(%rcx)
	movl	$VGETRANDOM_MMAP_FLAGS, 8(%rcx)
	movl	%eax, 12(%rcx)	/* and twelve more words to come */
	movq	%rax, 16(%rcx)
	movq	%rax, 24(%rcx)
	movq	%rax, 32(%rcx)
	movq	%rax, 40(%rcx)
	movq	%rax, 48(%rcx)
	movq	%rax, 56(%rcx)
	ret
18:	andl	$0xfff, %ecx	/* a page of states may be zeroed at any time: they are whole in one */
	cmpl	$0x1000 - VGETRANDOM_STATE_SIZE, %ecx
	ja	19f
	movl	$NR_getrandom, %eax
	syscall
	ret
19:	movq	$-14, %rax	/* EFAULT */
	ret
	END_FUNC getrandom

	.section .note.Linux, "a", @note
	.balign	4
	.long	6, 4, 0		/* name "Linux", a version, type 0 */
	.asciz	"Linux"
	.balign	4
	.long	0x61200		/* 6.18.0 */

	.section .note.GNU-stack, "", @progbits
