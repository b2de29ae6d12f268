/* The linked vdso as data. VDSO_FILE: where the build put it. */
	.section .rodata
	.globl	vdso_image, vdso_image_end
	.balign	4096
vdso_image:
	.incbin	VDSO_FILE
vdso_image_end:
	.byte	0

	.section .note.GNU-stack, "", @progbits
