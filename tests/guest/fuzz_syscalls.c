/* fuzz_syscalls [CALLS [SEED]]: random system calls with random, mostly hostile arguments.
 *
 * Nobody checks the results: what counts is that the system below survives. Left out are calls that
 * end or stop the program, block for ever, change the whole machine, or make more programs. Paths
 * are names in the current (empty) folder. SIGSEGV and kin are survived; own code is not unmapped:
 * addresses come from a scratch area, or are so wild that they hit nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define AREA 0x600000000000UL
#define AREA_SIZE (64 * 4096UL)

static const unsigned char left_out[512] = {
	[SYS_exit] = 1,
	[SYS_exit_group] = 1,
	[SYS_fork] = 1,
	[SYS_vfork] = 1,
	[SYS_clone] = 1,
	[SYS_clone3] = 1,
	[SYS_execve] = 1,
	[SYS_execveat] = 1,
	[SYS_pause] = 1,
	[SYS_rt_sigsuspend] = 1,
	[SYS_rt_sigtimedwait] = 1,
	[SYS_rt_sigreturn] = 1,
	[SYS_kill] = 1,
	[SYS_tkill] = 1,
	[SYS_tgkill] = 1,
	[SYS_rt_sigqueueinfo] = 1,
	[SYS_rt_tgsigqueueinfo] = 1,
	[SYS_pidfd_send_signal] = 1,
	[SYS_nanosleep] = 1,
	[SYS_clock_nanosleep] = 1,
	[SYS_poll] = 1,
	[SYS_ppoll] = 1,
	[SYS_select] = 1,
	[SYS_pselect6] = 1,
	[SYS_epoll_wait] = 1,
	[SYS_epoll_pwait] = 1,
	[441] = 1,
	[SYS_futex] = 1,
	[449] = 1,
	[455] = 1,
	[SYS_wait4] = 1,
	[SYS_ptrace] = 1, /* a tracee's stops block */
	[SYS_waitid] = 1,
	[SYS_reboot] = 1,
	[SYS_arch_prctl] = 1,
	[SYS_rt_sigaction] = 1,
	[SYS_rt_sigprocmask] = 1,
	[SYS_sigaltstack] = 1,
	[SYS_brk] = 1,
	[SYS_prlimit64] = 1,
	[SYS_setrlimit] = 1,
	[SYS_alarm] = 1,
	[SYS_setitimer] = 1,
	[SYS_timer_settime] = 1,
	[SYS_chroot] = 1,
	[SYS_chdir] = 1,
	[SYS_fchdir] = 1,
	[SYS_mount] = 1,
	[SYS_umount2] = 1,
	[SYS_pivot_root] = 1,
	[SYS_swapon] = 1,
	[SYS_swapoff] = 1,
	[SYS_sethostname] = 1,
	[SYS_setdomainname] = 1,
	[SYS_settimeofday] = 1,
	[SYS_clock_settime] = 1,
	[SYS_adjtimex] = 1,
	[SYS_clock_adjtime] = 1,
	[SYS_init_module] = 1,
	[SYS_delete_module] = 1,
	[SYS_finit_module] = 1,
	[SYS_kexec_load] = 1,
	[SYS_kexec_file_load] = 1,
	[SYS_bpf] = 1,
	[SYS_ptrace] = 1,
	[SYS_iopl] = 1,
	[SYS_ioperm] = 1,
	[SYS_acct] = 1,
	[SYS_quotactl] = 1,
	[SYS_vhangup] = 1,
	[SYS_syslog] = 1,
	[SYS_unshare] = 1,
	[SYS_setns] = 1,
	[SYS_seccomp] = 1,
	[SYS_setuid] = 1,
	[SYS_setgid] = 1,
	[SYS_setreuid] = 1,
	[SYS_setregid] = 1,
	[SYS_setresuid] = 1,
	[SYS_setresgid] = 1,
	[SYS_setgroups] = 1,
	[SYS_setfsuid] = 1,
	[SYS_setfsgid] = 1,
	[SYS_capset] = 1,
	[SYS_prctl] = 1,
	[SYS_personality] = 1,
	[SYS_modify_ldt] = 1,
	[SYS_flock] = 1,
	[SYS_fcntl] = 1,
	[SYS_sync] = 1,
	[SYS_syncfs] = 1,
	[SYS_mlockall] = 1,
	[SYS_pipe] = 1,
	[SYS_set_robust_list] = 1,
	[SYS_userfaultfd] = 1,
	[444] = 1,
	[445] = 1,
	[446] = 1, /* landlock */
};

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dUL;
}

static uint64_t address(void)
{
	static const char *const names[] = {"a", "b", "dir", "dir/c", "./a", "b/", "..", ""};
	static char name[16];

	switch (rnd() % 10) {
	case 0:
		return 0;
	case 1:
		return rnd();
	case 2:
		return 0xffff800000000000UL + (rnd() & 0xfffffff);
	case 3:
		return 0x7ffffffff000UL - rnd() % 64;
	case 4:
		return AREA + rnd() % AREA_SIZE;
	case 5:
		return (AREA + rnd() % (2 * AREA_SIZE)) & ~4095UL;
	case 6:
		strcpy(name, names[rnd() % 4]);
		return (uintptr_t)name;
	default:
		return (AREA + rnd() % AREA_SIZE) & ~7UL;
	}
}

/* Descriptors of the scratch files, or nonsense; never 0, 1, 2. */
static uint64_t small(void)
{
	switch (rnd() % 6) {
	case 0:
		return -1;
	case 1:
		return 3 + rnd() % 8;
	case 2:
		return 1UL << (2 + rnd() % 62);
	case 3:
		return -(rnd() % 4096);
	default:
		return 3 + rnd() % 64;
	}
}

static uint64_t argument(int i)
{
	switch (rnd() % 4) {
	case 0:
		return address();
	case 1:
		return i ? rnd() % 8192 : small();
	default:
		return i % 2 ? address() : small();
	}
}

/* Would the call reach outside the scratch area or the folder? */
static int harmless(long nr, uint64_t *a)
{
	switch (nr) {
	case SYS_socket: /* no other families of a real kernel's */
	case SYS_socketpair:
		a[0] = 1;
		a[1] = 1 + rnd() % 5;
		a[2] = 0;
		return 1;
	case SYS_mmap: /* only inside the area, or where the kernel likes; small */
	case SYS_mremap:
		a[1] %= 1 << 20;
		if (nr == SYS_mremap) {
			a[0] = AREA + (rnd() % AREA_SIZE & ~4095UL);
			a[2] %= 1 << 20;
			a[4] = AREA + (rnd() % AREA_SIZE & ~4095UL);
		} else if (a[3] & (MAP_FIXED | 0x100000)) {
			a[0] = AREA + (rnd() % AREA_SIZE & ~4095UL);
		}
		return 1;
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_pkey_mprotect:
		a[0] = AREA + rnd() % AREA_SIZE;
		a[1] %= AREA_SIZE;
		return 1;
	case SYS_process_madvise:
	case SYS_remap_file_pages:
	case SYS_shmat:
	case SYS_migrate_pages:
		return 0;
	case 462: /* mseal */
		return 0;
	case SYS_close_range:
		return (uint32_t)a[0] > 2;
	case SYS_dup2:
	case SYS_dup3:
		return (uint32_t)a[1] > 2;
	case SYS_truncate:
	case SYS_ftruncate:
		a[1] %= 1 << 20;
		return 1;
	case SYS_fallocate:
		a[2] %= 1 << 20;
		a[3] %= 1 << 20;
		return 1;
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
		a[3] %= 1 << 20;
		return 1;
	case SYS_lseek:
		a[1] %= 1 << 20;
		return 1;
	case SYS_copy_file_range:
	case SYS_sendfile:
	case SYS_splice:
		a[3] %= 1 << 16;
		a[4] %= 1 << 16;
		return 1;
	case SYS_getrandom:
		a[1] %= 1 << 16;
		return 1;
	}
	return 1;
}

static void survive(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 10000, served = 0;
	static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGSYS, SIGIO, SIGTTOU, SIGTTIN};

	state = argc > 2 ? strtoul(argv[2], NULL, 0) : 0x5eed;
	struct itimerval tick = {{0, 50000}, {0, 50000}};
	int input[2];
	struct sigaction sa = {.sa_handler = survive}; /* no SA_RESTART: it ends reads of sockets */

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], survive);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	syscall(436, 3, ~0U, 0); /* close_range: what was inherited is not ours to fuzz */
	if (!pipe(input) && !dup2(input[0], 0)) /* nor is standard input: fchmod() of root's */
		syscall(436, 3, ~0U, 0);
	if (mmap((void *)AREA, AREA_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return 1;
	while (served < calls) {
		long nr = rnd() % 32 ? (long)(rnd() % 470) : (long)rnd();
		uint64_t a[6];

		if (nr >= 0 && nr < 512 && left_out[nr])
			continue;
		if ((uint32_t)nr < 512 && left_out[(uint32_t)nr])
			continue;
		for (int i = 0; i < 6; i++)
			a[i] = argument(i);
		if ((uint32_t)a[0] == 1 || (uint32_t)a[0] == 2 || !harmless((uint32_t)nr, a))
			continue;
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		served++;
	}
	printf("%ld calls\n", served);
	return 0;
}
