/* execve(2) below the path: a program replaces a task's address space. The formats (ELF) are
 * registered by the loader. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/task.h"

#define BINPRM_BUF_SIZE 256

/* Strings in host or guest memory, counted, not yet copied. */
struct user_strings {
	struct mm_struct *mm; /* NULL: @host */
	gva_t gva;	      /* argv or envp of the guest */
	char *const *host;
};

struct linux_binprm {
	struct task_struct *task;
	struct mm_struct *mm; /* the new one, not yet the task's */
	struct file *file;
	const char *filename;	 /* as given: AT_EXECFN */
	const char *interp;	 /* the script's interpreter, or filename */
	u8 buf[BINPRM_BUF_SIZE]; /* the file's first bytes, zero filled */
	int argc, envc;
	struct vm_area_struct *vma; /* the stack area */
	gva_t p;		    /* top of the strings put so far; they grow downwards */
	gva_t arg_page;		    /* the last that a string went to; 0: none in this run */
	gva_t exec;		    /* address of the filename string */
	gva_t argv0;		    /* address of argv[0] */
	u64 rlim_stack;
	bool secure;
	bool executable_stack;	/* PT_GNU_STACK */
	bool comm_from_file;	/* no name was given: AT_EMPTY_PATH */
	bool path_inaccessible; /* a script could not be opened again: its descriptor is O_CLOEXEC */
	bool point_of_no_return; /* the old mm is gone: errors kill */
	bool strict; /* for people: what Linux starts only to kill is refused, and @why says why */
	char why[160]; /* one clear line for people when load_binary refuses: "vellum: what: why" */
};

struct linux_binfmt {
	struct list_head list;
	const char *name;
	/* 0: running it; -ENOEXEC: not mine; other: failed. */
	int (*load_binary)(struct linux_binprm *bprm);
};

void register_binfmt(struct machine *m, struct linux_binfmt *fmt);

/* What is to be executed. */
struct exec_name {
	const struct path *at; /* where relative names start; NULL: the working directory */
	const char *name;
	const char *shown; /* AT_EXECFN and scripts see this: "/dev/fd/3/name"; NULL: @name */
	bool inaccessible; /* @shown will not exist in the new program */
};

/* do_execveat - load @name into @t. @flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. Returns 0 with the
 * new program ready to run, or -errno with the old one untouched (E2BIG, EACCES, ENOENT, ENOEXEC,
 * ENOMEM, ETXTBSY ...). Behind the point of no return a failure kills the task, unless @why is
 * given (160 bytes): it gets the reason in words, and the caller ends the task. */
int do_execveat(struct task_struct *t, const struct exec_name *name, struct user_strings argv,
		struct user_strings envp, int flags, char *why);

/* Makes the first task and lets it execute @filename: the program is ready to run, or -errno with
 * the reason in @why. Call machine_run() next. */
int machine_exec(struct machine *m, const char *filename, char *const *argv, char *const *envp,
		 char why[160]);

/* Opens what is to be executed: a regular file that @t may execute and nobody writes. ERR_PTR with
 * EACCES, ETXTBSY and open(2)'s. @flags: O_NOFOLLOW. */
struct file *open_exec(struct task_struct *t, const struct path *at, const char *name, int flags);
/* For binfmts: the mm of @bprm becomes the task's; signals to default, close-on-exec, comm. */
int begin_new_exec(struct linux_binprm *bprm);
/* Moves the strings to their last place below @stack_top, rights by @executable; sets mm->
 * start_stack etc. is the format's work. */
int setup_arg_pages(struct linux_binprm *bprm, gva_t stack_top, bool executable);
/* mmap_base etc. from RLIMIT_STACK and personality. */
void arch_pick_mmap_layout(struct mm_struct *mm, u64 rlim_stack, u32 personality);

#endif
