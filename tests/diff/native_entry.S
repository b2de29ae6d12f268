/* Into and out of the code under test: loads all of native_now, jumps to native_target;
 * native_exit stores everything back, after a signal or by a jump. Offsets: struct native_state. */
#define GPR(n) native_now+8*n(%rip)
#define FLAGS native_now+128(%rip)
#define FX native_now+144(%rip)
#define ENV native_now+656(%rip)
#define VEC(n) native_now+768+64*n(%rip)
#define K(n) native_now+2816+8*n(%rip)
#define FS_BASE native_now+2880(%rip)
#define GS_BASE native_now+2888(%rip)
#define SEL(n) native_now+2896+2*n(%rip)
#define LOAD_YMM(n) vmovdqu VEC(n), %ymm##n;
#define STORE_YMM(n) vmovdqu %ymm##n, VEC(n);
#define LOAD_ZMM(n) vmovdqu64 VEC(n), %zmm##n;
#define STORE_ZMM(n) vmovdqu64 %zmm##n, VEC(n);
#define LOAD_K(n) kmovq K(n), %k##n;
#define STORE_K(n) kmovq %k##n, K(n);
#define EACH_8(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define EACH_16(f) EACH_8(f) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define EACH_32(f) EACH_16(f) f(16) f(17) f(18) f(19) f(20) f(21) f(22) f(23) \
	f(24) f(25) f(26) f(27) f(28) f(29) f(30) f(31)

	.text
	.globl native_enter, native_exit, native_exit_taken, native_handler
	.hidden native_enter, native_exit, native_exit_taken, native_handler
	.type native_enter, @function
	.type native_exit, @function
	.type native_exit_taken, @function
	.type native_handler, @function
native_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	stmxcsr native_host_mode(%rip)
	fnstcw native_host_mode+4(%rip)
	mov %rsp, native_stack(%rip)
	fxrstor64 FX
	cmpl $1, native_registers(%rip)
	jb 2f
	ja 1f
	EACH_16(LOAD_YMM)
	jmp 2f
1:	EACH_32(LOAD_ZMM)
	EACH_8(LOAD_K)
2:	cmpl $0, native_clear(%rip)
	je 4f
	vzeroall
4:	cmpl $0, native_has_bases(%rip)
	je 3f
	rdfsbase %rax
	mov %rax, native_host_fs(%rip)
	rdgsbase %rax
	mov %rax, native_host_gs(%rip)
	movl $1, native_active(%rip)
	mov FS_BASE, %rax
	wrfsbase %rax
	mov GS_BASE, %rax
	wrgsbase %rax
3:	movl $1, native_active(%rip)
	push FLAGS
	popfq
	mov GPR(0), %rax
	mov GPR(1), %rcx
	mov GPR(2), %rdx
	mov GPR(3), %rbx
	mov GPR(4), %rsp
	mov GPR(5), %rbp
	mov GPR(6), %rsi
	mov GPR(7), %rdi
	mov GPR(8), %r8
	mov GPR(9), %r9
	mov GPR(10), %r10
	mov GPR(11), %r11
	mov GPR(12), %r12
	mov GPR(13), %r13
	mov GPR(14), %r14
	mov GPR(15), %r15
	jmp *native_target(%rip)

native_exit_taken:
	movl $1, native_taken(%rip)
native_exit:
	mov %rax, GPR(0)
	mov %rcx, GPR(1)
	mov %rdx, GPR(2)
	mov %rbx, GPR(3)
	mov %rsp, GPR(4)
	mov %rbp, GPR(5)
	mov %rsi, GPR(6)
	mov %rdi, GPR(7)
	mov %r8, GPR(8)
	mov %r9, GPR(9)
	mov %r10, GPR(10)
	mov %r11, GPR(11)
	mov %r12, GPR(12)
	mov %r13, GPR(13)
	mov %r14, GPR(14)
	mov %r15, GPR(15)
	mov native_stack(%rip), %rsp
	pushfq
	pop FLAGS
	push $2
	popfq
	cmpl $0, native_keep_sel(%rip)
	je 1f
	mov %ds, %eax
	mov %ax, SEL(0)
	mov %es, %eax
	mov %ax, SEL(1)
	mov %fs, %eax
	mov %ax, SEL(2)
	mov %gs, %eax
	mov %ax, SEL(3)
1:	cmpl $0, native_has_bases(%rip)
	je 3f
	cmpl $0, native_faulted(%rip)
	jne 2f
	rdfsbase %rax
	mov %rax, FS_BASE
2:	rdgsbase %rax
	mov %rax, GS_BASE
	cmpl $0, native_keep_sel(%rip)
	je 2f
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
2:	mov native_host_fs(%rip), %rax
	wrfsbase %rax
	mov native_host_gs(%rip), %rax
	wrgsbase %rax
3:	movl $0, native_active(%rip)
	fxsave64 FX
	cmpl $1, native_registers(%rip)
	jb 2f
	ja 1f
	EACH_16(STORE_YMM)
	vzeroupper
	jmp 2f
1:	EACH_32(STORE_ZMM)
	EACH_8(STORE_K)
	vzeroupper
2:	fnstenv ENV
	fninit
	ldmxcsr native_host_mode(%rip)
	fldcw native_host_mode+4(%rip)
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* A signal. fs may be the code's, EFLAGS.AC may be set, and compilers expect neither. */
native_handler:
	pushfq
	andl $~0x40000, (%rsp)
	popfq
	cmpl $0, native_active(%rip)
	je 1f
	cmpl $0, native_has_bases(%rip)
	je 1f
	rdfsbase %rax
	mov %rax, FS_BASE
	mov native_host_fs(%rip), %rax
	wrfsbase %rax
	movl $1, native_faulted(%rip)
1:	jmp native_handle
	.section .note.GNU-stack, "", @progbits
