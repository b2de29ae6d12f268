/* refuse WHAT COMMAND [ARGS...]: runs it on a host that is stricter than this one.
 *
 *	exec      no mapping that is shared and executable (seccomp: EPERM)
 *	big-exec  ... of 1 MiB and more
 *	memfd     no memfd that may be executed, as with vm.memfd_noexec=2 (EACCES)
 *	mdwe      no memory that becomes executable after it was not, or is writable, too: PR_SET_MDWE
 *	fsgsbase  the auxiliary vector says that rdgsbase and its kin are not there
 *
 * Exit status 77: this host cannot be made so.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define OTHERWISE_ALLOW(how, k, n) BPF_JUMP(BPF_JMP | (how) | BPF_K, k, 0, n)

static int filter(struct sock_filter *code, unsigned n)
{
	struct sock_fprog prog = {(unsigned short)n, code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int no_exec(unsigned least)
{
	struct sock_filter code[] = {
		LOAD(nr),
		OTHERWISE_ALLOW(BPF_JEQ, SYS_mmap, 7),
		LOAD(args[2]),
		OTHERWISE_ALLOW(BPF_JSET, PROT_EXEC, 5),
		LOAD(args[3]),
		OTHERWISE_ALLOW(BPF_JSET, MAP_SHARED, 3),
		LOAD(args[1]),
		OTHERWISE_ALLOW(BPF_JGE, least, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter(code, sizeof(code) / sizeof(*code));
}

static int no_memfd(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		OTHERWISE_ALLOW(BPF_JEQ, SYS_memfd_create, 3),
		LOAD(args[1]),
		OTHERWISE_ALLOW(BPF_JSET, MFD_EXEC, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 13 /* EACCES */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter(code, sizeof(code) / sizeof(*code));
}

/* At the first instruction of @pid, whose stack is argc, argv, envp, auxv. */
static void hide_fsgsbase(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long at;

	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	at = regs.rsp + 8;
	for (int lists = 0; lists < 2; at += 8)
		lists += !ptrace(PTRACE_PEEKDATA, pid, at, 0);
	for (long type; (type = ptrace(PTRACE_PEEKDATA, pid, at, 0)) != AT_NULL; at += 16)
		if (type == AT_HWCAP2)
			ptrace(PTRACE_POKEDATA, pid, at + 8,
			       ptrace(PTRACE_PEEKDATA, pid, at + 8, 0) & ~2L);
}

static int run_without_fsgsbase(char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(*argv, argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return 77;
	hide_fsgsbase(pid);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int failed = 1;

	if (!strcmp(what, "fsgsbase"))
		return run_without_fsgsbase(argv + 2);
	if (!strcmp(what, "exec"))
		failed = no_exec(0);
	else if (!strcmp(what, "big-exec"))
		failed = no_exec(1 << 20);
	else if (!strcmp(what, "memfd"))
		failed = no_memfd();
	else if (!strcmp(what, "mdwe"))
		failed = prctl(PR_SET_MDWE, 1, 0, 0, 0);
	if (failed)
		return 77;
	execv(argv[2], argv + 2);
	return 127;
}
