/* Into and out of the instruction under test: edge.c. Registers are 0. IRET can set EFLAGS.TF
 * without a trap before the instruction. */
	.text
	.globl edge_enter, edge_leave, edge_catch
	.hidden edge_enter, edge_leave, edge_catch
	.type edge_enter, @function
	.type edge_leave, @function
	.type edge_catch, @function

/* void edge_enter(u64 rip) */
edge_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, edge_stack(%rip)
	cmpl $0, edge_has_fsgsbase(%rip)
	je 1f
	xor %eax, %eax
	wrfsbase %rax
1:	mov %ss, %eax
	push %rax
	push $0
	push edge_flags(%rip)
	mov %cs, %eax
	push %rax
	push %rdi
	xor %eax, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	xor %ebx, %ebx
	xor %ebp, %ebp
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
	iretq

/* The signal handler's first steps: thread-local storage may be gone, by wrfsbase above or by a
 * selector that the code has loaded. */
edge_catch:
	cmpl $0, edge_has_fsgsbase(%rip)
	je 2f
	mov edge_fs(%rip), %rax
	wrfsbase %rax
	jmp edge_caught
2:	push %rdi
	push %rsi
	push %rdx
	mov $158, %eax		/* arch_prctl(ARCH_SET_FS) */
	mov $0x1002, %edi
	mov edge_fs(%rip), %rsi
	syscall
	pop %rdx
	pop %rsi
	pop %rdi
	jmp edge_caught

/* From the handler back to the caller of edge_enter(); sigreturn would cost a system call. */
edge_leave:
	fninit
	ldmxcsr edge_mxcsr(%rip)
	cmpl $0, edge_has_avx(%rip)
	je 3f
	vzeroupper
3:	mov edge_stack(%rip), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.section .note.GNU-stack, "", @progbits
