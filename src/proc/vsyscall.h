/* The vsyscall page, the fixed place near the end of the address space where old programs call three
 * functions of the kernel. It can be executed and not read (XONLY): jumps into it fault, and the kernel does
 * what the function would. See: arch/x86/entry/vsyscall/vsyscall_64.c. */
#ifndef PROC_VSYSCALL_H
#define PROC_VSYSCALL_H

struct task_struct;

#define VSYSCALL_ADDR 0xffffffffff600000UL

/* @t, the current task, has faulted fetching an instruction there: runs the system call and returns for
 * the program, or sends SIGSEGV without an address. May sleep: user memory. */
void emulate_vsyscall(struct task_struct *t);

#endif
