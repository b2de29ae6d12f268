/* Core files: children end by a signal, and what their files say is printed, so far as it does not depend on where
 * things lie. Wants kernel.core_pattern "core" and an empty working directory. Areas are in core_areas.c. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_note.h"

/* --- threads, their registers and notes ----------------------------------------------------------- */

/* Registers that say who it is, then either forever in a circle, or a store to address 16. */
#define MARK(n, end)                                                                               \
	asm volatile("mov %0, %%r12; mov %0, %%r13; not %%r13; movq %0, %%xmm7; "                  \
		     "movl $1, (%1); " end                                                         \
		     :                                                                             \
		     : "r"((long)(n)), "r"(&ready[n])                                              \
		     : "r12", "r13", "xmm7", "memory")

static volatile int ready[4];
static int pipe_fd[2];

static void *circle(void *arg)
{
	MARK((long)arg, "1: pause; jmp 1b");
	return NULL;
}

static void *reads(void *arg __attribute__((unused)))
{
	char c;

	ready[3] = gettid();
	read(pipe_fd[0], &c, 1);
	return NULL;
}

/* Until the thread @tid is in that state, so that no wait of this program's has to be long enough. */
static void wait_state(int tid, char wanted)
{
	char name[64], line[256], state;

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
	do {
		FILE *f = fopen(name, "r");

		state = 'R';
		if (f && fgets(line, sizeof(line), f))
			state = strrchr(line, ')')[2];
		if (f)
			fclose(f);
		sched_yield();
	} while (state != wanted);
}

static void threads_die(void *arg)
{
	pthread_t t;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	pipe(pipe_fd);
	pthread_create(&t, NULL, circle, (void *)1L);
	pthread_create(&t, NULL, circle, (void *)2L);
	pthread_create(&t, NULL, reads, NULL);
	while (!ready[1] || !ready[2] || !ready[3])
		sched_yield();
	wait_state(ready[3], 'S');
	sigprocmask(SIG_BLOCK, &set, NULL);
	tgkill(getpid(), gettid(), SIGUSR1);
	*(int *)arg = 1;
	MARK(0, "movl $0x5e, %%eax; movl %%eax, 16");
}

static void print_prstatus(struct core *c, const struct elf_prstatus *s, const void *fp)
{
	const unsigned long *r = (const void *)s->pr_reg; /* struct user_regs_struct */
	const char *xmm7 = (const char *)fp + 160 + 7 * 16;
	long x = 0;

	memcpy(&x, xmm7, sizeof(x));
	printf("  signal %d %d, code %d, pending %lx, held %lx, %s, parent %s, group %s, fp %d\n",
	       s->pr_cursig, s->pr_info.si_signo, s->pr_info.si_code, s->pr_sigpend, s->pr_sighold,
	       s->pr_pid == c->pid ? "leader" : "thread", s->pr_ppid == getpid() ? "ok" : "?",
	       s->pr_pgrp == getpgrp() && s->pr_sid == getsid(0) ? "ok" : "?", s->pr_fpvalid);
	if (r[15] == SYS_read) /* it sleeps there */
		printf("   read: rax %ld rdi ok\n", (long)r[10]);
	else
		printf("   r12 %lx r13 %lx xmm7 %lx cs %lx ss %lx orig_rax %lx rax %s\n", r[3],
		       r[2], x, r[17], r[20], r[15], r[10] == 0x5e ? "5e" : "-");
}

/* The first thread is who died; the others come in any order. */
static void print_threads(struct core *c)
{
	const struct elf_prstatus *s[8];
	const void *fp[8];
	unsigned n = 0, of = 0;

	for (unsigned i = 0; i < c->nr_notes && n < 8; i++) {
		if (c->note[i].type == NT_PRSTATUS)
			s[n++] = c->note[i].data;
		if (c->note[i].type == NT_PRFPREG)
			fp[of++] = c->note[i].data;
	}
	printf(" %u threads, %u with fp registers\n", n, of);
	print_prstatus(c, s[0], fp[0]);
	for (unsigned mark = 1; mark < 4; mark++)
		for (unsigned i = 1; i < n; i++) {
			const unsigned long *r = (const void *)s[i]->pr_reg;

			if (mark == 3 ? r[15] == SYS_read : r[15] != SYS_read && r[3] == mark)
				print_prstatus(c, s[i], fp[i]);
		}
}

static void print_order(struct core *c)
{
	printf(" notes:");
	for (unsigned i = 0; i < c->nr_notes; i++)
		if (c->note[i].type == NT_X86_XSTATE || c->note[i].type == NT_FILE ||
		    c->note[i].type == 0x205)
			printf(" %s:%x", c->note[i].name, c->note[i].type);
		else
			printf(" %s:%x(%u)", c->note[i].name, c->note[i].type, c->note[i].len);
	printf("\n");
}

static void print_process(struct core *c)
{
	const struct elf_prpsinfo *p = core_find(c, NT_PRPSINFO, NULL);
	const siginfo_t *si = core_find(c, NT_SIGINFO, NULL);
	char auxv[4096], psargs[80];
	unsigned len = 0;
	const void *a = core_find(c, NT_AUXV, &len);
	int fd = open("/proc/self/auxv", O_RDONLY);
	long n = read(fd, auxv, sizeof(auxv));

	close(fd);
	snprintf(psargs, sizeof(psargs), "%s %s ", program_invocation_name, "two words");
	printf(" psinfo: state %d %c zombie %d nice %s uid %s gid %s pid %s parent %s name %s args "
	       "%s\n",
	       p->pr_state, p->pr_sname, p->pr_zomb,
	       p->pr_nice == getpriority(PRIO_PROCESS, 0) ? "ok" : "?",
	       p->pr_uid == getuid() ? "ok" : "?", p->pr_gid == getgid() ? "ok" : "?",
	       p->pr_pid == c->pid ? "ok" : "?", p->pr_ppid == getpid() ? "ok" : "?", p->pr_fname,
	       !strncmp(p->pr_psargs, psargs, strlen(psargs)) ? "ok" : p->pr_psargs);
	printf(" siginfo: %d code %d errno %d", si->si_signo, si->si_code, si->si_errno);
	if (si->si_code > 0)
		printf(" addr %p\n", si->si_addr);
	else
		printf(" pid %s uid %s\n", si->si_pid == c->pid ? "ok" : "?",
		       si->si_uid == getuid() ? "ok" : "?");
	printf(" auxv: %s\n", n == len && !memcmp(a, auxv, n) ? "ok" : "differs");
}

static void notes(void)
{
	struct core c;
	int *shared = core_shared();

	printf("a process of four threads\n");
	*shared = 0;
	if (core_of(threads_die, shared, RLIM_INFINITY, &c)) {
		print_order(&c);
		print_process(&c);
		print_threads(&c);
		core_free(&c);
	}
}

/* Another thread than the leader, which sleeps or has ended, ends the process. */
static void *aborts(void *state)
{
	prctl(PR_SET_NAME, "other");
	wait_state(getpid(), *(char *)state);
	abort();
}

static void thread_aborts(void *arg __attribute__((unused)))
{
	pthread_t t;

	pthread_create(&t, NULL, aborts, "S");
	syscall(SYS_pause);
}

static void leader_exits(void *arg __attribute__((unused)))
{
	pthread_t t;

	pthread_create(&t, NULL, aborts, "Z");
	syscall(SYS_exit, 7);
}

/* A vfork child: the parent's memory, and the parent lives on. */
static void vforks(void *arg __attribute__((unused)))
{
	int pid = vfork(), status;

	if (!pid)
		abort();
	waitpid(pid, &status, 0);
	printf(" vfork: signal %d, core %s\n", WTERMSIG(status), WCOREDUMP(status) ? "yes" : "no");
	fflush(stdout);
	unlink("core");
	abort();
}

static void not_the_leader(void)
{
	struct core c;
	const struct elf_prstatus *s;

	printf("not the leader\n");
	if (!core_of(thread_aborts, NULL, RLIM_INFINITY, &c))
		return;
	s = core_find(&c, NT_PRSTATUS, NULL);
	printf(" first %s, parent %s\n", s->pr_pid == c.pid ? "leader" : "thread",
	       s->pr_ppid == getpid() ? "ok" : "?");
	print_process(&c);
	core_free(&c);
	if (core_of(leader_exits, NULL, RLIM_INFINITY, &c)) {
		print_order(&c);
		print_process(&c);
		core_free(&c);
	}
	if (core_of(vforks, NULL, RLIM_INFINITY, &c)) {
		print_process(&c);
		core_free(&c);
	}
}

/* --- signals ------------------------------------------------------------------------------------- */

static void kill_self(void *arg)
{
	kill(getpid(), *(int *)arg);
	pause();
}

static void signals(void)
{
	static const int sigs[] = {SIGHUP,  SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,	SIGFPE,
				   SIGKILL, SIGSEGV, SIGSYS, SIGTERM, SIGXCPU, SIGXFSZ, 34};

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct core c;
		int sig = sigs[i];

		printf("signal %d\n", sig);
		if (core_of(kill_self, &sig, RLIM_INFINITY, &c)) {
			print_process(&c);
			core_free(&c);
		}
	}
}

/* --- limits, rights, names ----------------------------------------------------------------------- */

static void undumpable(void *arg __attribute__((unused)))
{
	prctl(PR_SET_DUMPABLE, 0);
	abort();
}

static void dies(void *arg __attribute__((unused)))
{
	abort();
}

static void masked(void *arg)
{
	umask(*(int *)arg);
	abort();
}

static void small_files(void *arg __attribute__((unused)))
{
	struct rlimit r = {8192, 8192};

	setrlimit(RLIMIT_FSIZE, &r);
	abort();
}

static long core_size(void)
{
	struct stat st;

	return lstat("core", &st) ? -errno : st.st_size;
}

static void limits(void)
{
	static const unsigned long limit[] = {0, 1, 4095, 4096, 65536};
	int mask[] = {0, 0077, 0200, 0777};
	struct stat st;

	for (unsigned i = 0; i < 5; i++) {
		long size;

		printf("limit %lu\n", limit[i]);
		core_of(dies, NULL, limit[i], NULL);
		size = core_size();
		if (size < 0)
			printf(" %s\n", strerror((int)-size));
		else
			printf(" %s\n", size && (unsigned long)size <= limit[i] ? "cut off" : "?");
		unlink("core");
	}
	printf("not dumpable\n");
	core_of(undumpable, NULL, RLIM_INFINITY, NULL);
	printf(" %ld\nlimit of files\n", core_size());
	core_of(small_files, NULL, RLIM_INFINITY, NULL);
	printf(" %s\n", core_size() > 0 && core_size() <= 8192 ? "cut off" : "?");
	for (unsigned i = 0; i < 4; i++) {
		unlink("core");
		printf("umask %o\n", mask[i]);
		core_of(masked, &mask[i], RLIM_INFINITY, NULL);
		st.st_mode = 0;
		printf(" %s", stat("core", &st) ? "none" : st.st_size ? "full" : "empty");
		printf(" %o\n", st.st_mode);
	}
	unlink("core");
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	write(fd, "old\n", 4);
	close(fd);
}

static void print_file(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		printf(" %s: none\n", name);
	else
		printf(" %s: mode %o, links %lu, %s\n", name, st.st_mode, st.st_nlink,
		       st.st_size > 8192 ? "large" : "small");
}

/* What stands where the file is to be. */
static void names(void)
{
	touch("other");
	printf("a second name\n");
	link("other", "core");
	core_of(dies, NULL, RLIM_INFINITY, NULL);
	print_file("core");
	print_file("other");
	unlink("core");
	printf("a symlink\n");
	symlink("other", "core");
	core_of(dies, NULL, RLIM_INFINITY, NULL);
	print_file("core");
	print_file("other");
	unlink("core");
	printf("a fifo\n");
	mkfifo("core", 0600);
	core_of(dies, NULL, RLIM_INFINITY, NULL);
	print_file("core");
	unlink("core");
	printf("a directory\n");
	mkdir("core", 0700);
	core_of(dies, NULL, RLIM_INFINITY, NULL);
	printf(" %s\n", rmdir("core") ? strerror(errno) : "still there");
	unlink("other");
	printf("a directory that is gone\n");
	mkdir("gone", 0700);
	chdir("gone");
	rmdir("../gone");
	core_of(dies, NULL, RLIM_INFINITY, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 2) { /* arguments that are known */
		setvbuf(stdout, NULL, _IOLBF, 0);
		execl("/proc/self/exe", argv[0], "two words", "x", NULL);
	}
	unlink("core");
	notes();
	not_the_leader();
	signals();
	limits();
	names();
	return 0;
}
