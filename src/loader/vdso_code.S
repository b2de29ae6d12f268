/* The vdso: a real ELF image, linked at build time, which the loader maps into each program.
 * Each entry point makes its system call; reading the clock from vvar without one comes with
 * the page that would hold it. See: vdso(7). */

	.macro VDSO_CALL name, nr
	.globl	__vdso_\name
	.type	__vdso_\name, @function
	.balign	16
__vdso_\name:
	.cfi_startproc
	movl	$\nr, %eax
	syscall
	ret
	.cfi_endproc
	.size	__vdso_\name, . - __vdso_\name
	.weak	\name
	.set	\name, __vdso_\name
	.endm

	.text
	VDSO_CALL clock_gettime, 228
	VDSO_CALL gettimeofday, 96
	VDSO_CALL time, 201
	VDSO_CALL clock_getres, 229
	VDSO_CALL getcpu, 309

	.section .note.Linux, "a", @note
	.balign	4
	.long	6, 4, 0		/* name "Linux", a version, type 0 */
	.asciz	"Linux"
	.balign	4
	.long	0x61200		/* 6.18.0 */

	.section .note.GNU-stack, "", @progbits
