/* execve(2) below the path: a program replaces a task's address space.
 *
 *	do_execveat:  open the file --> a new mm with a stack --> strings go to their last place there
 *	              --> "#!": again with the interpreter (binfmt_script.c)
 *	              --> linux_binfmt.load_binary (the loader's, for ELF):
 *	                      begin_new_exec: point of no return, the new mm is the task's
 *	                      setup_arg_pages, segments, auxv, registers
 *
 *	the new stack    STACK_TOP  8 zero bytes
 *	                            filename
 *	                            envp strings        bprm->p moves down as strings are put
 *	                            argv strings
 *	                            ... the format adds platform, random bytes, auxv, vectors, argc
 *
 * Not for: ELF (loader/elf_load.c), the system calls (syscalls/sys_process.c).
 * See: execve(2); Linux, fs/exec.c, whose words these are.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/task.h"

#define BINPRM_BUF_SIZE 256
#define STACK_TOP TASK_SIZE

/* Strings in host or guest memory, counted, not yet copied. */
struct user_strings {
	struct mm_struct *mm; /* NULL: @host */
	gva_t gva;	      /* argv or envp of the guest; 0: none */
	char *const *host;    /* ends with NULL */
};

/* One exec on its way; from do_execveat() only. */
struct linux_binprm {
	/* Set once. */
	struct task_struct *task;
	const char *filename; /* as given: AT_EXECFN */
	u64 rlim_stack;
	bool path_inaccessible; /* a script could not be opened again: its descriptor is O_CLOEXEC */
	bool comm_from_file;	/* no name was given: AT_EMPTY_PATH */
	bool strict; /* for people: what Linux starts only to kill is refused, and @why says why */

	/* The program; of a script: its interpreter, once that is known. */
	struct file *file;	 /* held */
	const char *interp;	 /* its name */
	u8 buf[BINPRM_BUF_SIZE]; /* the file's first bytes, zero filled */

	/* The new address space and the strings on its stack. */
	struct mm_struct *mm;	    /* held until begin_new_exec() gives it to the task: NULL */
	struct vm_area_struct *vma; /* the stack area */
	int argc, envc;
	gva_t p;	/* top of the strings put so far; they grow downwards */
	gva_t arg_page; /* the last that a string went to; 0: none in this run */
	gva_t exec;	/* address of the filename string */
	gva_t argv0;	/* address of argv[0] */

	/* The format's. */
	bool secure;		 /* AT_SECURE */
	bool executable_stack;	 /* PT_GNU_STACK */
	bool point_of_no_return; /* the old mm is gone: errors kill */
	char why[160]; /* one clear line for people when load_binary refuses: "vellum: what: why" */
};

struct linux_binfmt {
	struct list_head list; /* machine.binfmts */
	const char *name;
	/* 0: running it; -ENOEXEC: not mine; other: failed. */
	int (*load_binary)(struct linux_binprm *bprm);
};

/* What is to be executed. */
struct exec_name {
	const struct path *at; /* where relative names start; NULL: the working directory */
	const char *name;
	const char *shown; /* AT_EXECFN and scripts see this: "/dev/fd/3/name"; NULL: @name */
	bool inaccessible; /* @shown will not exist in the new program */
};

/* --- exec.c --------------------------------------------------------------------------------------- */

/* do_execveat - load @name into @t, the current task. @flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. Sleeps:
 * files, user memory. Returns 0 with the new program ready to run, or -errno with the old one untouched
 * (E2BIG, EACCES, ENOENT, ENOEXEC, ENOMEM, ETXTBSY ...). Behind the point of no return a failure kills the
 * task, unless @why is given (160 bytes): it gets the reason in words, and the caller ends the task.
 * See: execveat(2). */
int do_execveat(struct task_struct *t, const struct exec_name *name, struct user_strings argv,
		struct user_strings envp, int flags, char *why);

/* Opens what is to be executed: a regular file that @t may execute and nobody writes; the caller's, to
 * fput(). @at as in struct exec_name; @flags: O_NOFOLLOW. ERR_PTR with EACCES, ETXTBSY and open(2)'s. */
struct file *open_exec(struct task_struct *t, const struct path *at, const char *name, int flags);
/* Puts @name's file into @bprm in place of the one before, which is closed, and reads its first bytes.
 * 0 or -errno; bprm->file may be NULL then. */
int bprm_open(struct linux_binprm *bprm, const struct path *at, const char *name, int flags);

/* For who offers a format; @fmt stays the caller's, and is asked in the order of registration. */
void register_binfmt(struct machine *m, struct linux_binfmt *fmt);
/* For formats: the mm of @bprm becomes the task's; signals to default, close-on-exec, comm, ids. 0, and
 * there is no way back; -ENOMEM: nothing has changed. */
int begin_new_exec(struct linux_binprm *bprm);
/* For formats, next: the stack may (or may not) be executed, and gets room to grow below the strings, which
 * lie where they are to stay: @stack_top is STACK_TOP. 0 or -ENOMEM. */
int setup_arg_pages(struct linux_binprm *bprm, gva_t stack_top, bool executable);
/* mmap_base etc. of @mm from RLIMIT_STACK and personality. See: arch/x86/mm/mmap.c. */
void arch_pick_mmap_layout(struct mm_struct *mm, u64 rlim_stack, u32 personality);

/* --- exec_thread.c ------------------------------------------------------------------------------------ */

/* Ends all other threads of the current task's process, and waits for that; @t is its leader afterwards.
 * 0; -EAGAIN: @t itself is to die, killed or by another thread's exec. Nothing goes back. Sleeps. */
int de_thread(struct task_struct *t);

/* --- exec_strings.c: onto the new stack, which is not the task's yet ---------------------------------- */

/* Program, environment and arguments, in the order in which they lie from the top down. 0; -E2BIG: more
 * than a quarter of RLIMIT_STACK, or one longer than 128 KiB; -EFAULT, -ENOMEM. Sleeps: user memory. */
int bprm_put_strings(struct linux_binprm *bprm, const struct user_strings *argv,
		     const struct user_strings *envp);
/* Puts @s, NUL included, below bprm->p. 0 or -E2BIG. */
int copy_string_kernel(const char *s, struct linux_binprm *bprm);
/* Takes the first string off: argv[0]. 0 or -EFAULT. */
int remove_arg_zero(struct linux_binprm *bprm);

/* --- binfmt_script.c ---------------------------------------------------------------------------------- */

/* Does the file begin with "#!"? */
bool bprm_is_script(const struct linux_binprm *bprm);
/* Turns @bprm, a script's, into its interpreter's: argv[0] goes, and the interpreter, its argument and the
 * script's path come in front; the interpreter's file is open. @line (BINPRM_BUF_SIZE) keeps its name, and
 * has to stay as long as @bprm. 0; -ENOEXEC: no interpreter's name; -ENOENT: it or the script cannot be
 * opened; -E2BIG, -EFAULT and open_exec()'s. See: fs/binfmt_script.c. */
int load_script(struct linux_binprm *bprm, char *line);

#endif
