/* What procps makes of the files in /proc: its library reads every item of meminfo, vmstat, slabinfo,
 * stat and pids, and what comes out must agree with itself and with what the program knows. Only
 * facts that no machine decides are printed. */
#include <stdio.h>

#if __has_include(<libproc2/pids.h>)
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libproc2/meminfo.h>
#include <libproc2/misc.h>
#include <libproc2/pids.h>
#include <libproc2/slabinfo.h>
#include <libproc2/stat.h>
#include <libproc2/vmstat.h>

/* The static library wants systemd's, of which there is no static form: no sessions here. */
#define NO_SESSION(name, ...)                                                                      \
	int name(__VA_ARGS__);                                                                     \
	int name(__VA_ARGS__)                                                                      \
	{                                                                                          \
		return -ENODATA;                                                                   \
	}
NO_SESSION(sd_pid_get_machine_name, pid_t pid __attribute__((unused)),
	   char **s __attribute__((unused)))
NO_SESSION(sd_pid_get_owner_uid, pid_t pid __attribute__((unused)),
	   uid_t *uid __attribute__((unused)))
NO_SESSION(sd_pid_get_session, pid_t pid __attribute__((unused)), char **s __attribute__((unused)))
NO_SESSION(sd_pid_get_slice, pid_t pid __attribute__((unused)), char **s __attribute__((unused)))
NO_SESSION(sd_pid_get_unit, pid_t pid __attribute__((unused)), char **s __attribute__((unused)))
NO_SESSION(sd_pid_get_user_unit, pid_t pid __attribute__((unused)),
	   char **s __attribute__((unused)))
NO_SESSION(sd_session_get_seat, const char *session __attribute__((unused)),
	   char **s __attribute__((unused)))

#define CHECK(cond) printf("%-4s %s\n", (cond) ? "ok" : "FAIL", #cond)
#define MiB (1UL << 20)

static int near(unsigned long a, unsigned long b, unsigned long by)
{
	return (a > b ? a - b : b - a) <= by;
}

/* --- the system's files ------------------------------------------------------------------ */

#define MEM(name) MEMINFO_GET(mi, MEMINFO_MEM_##name, ul_int)

static void meminfo(void)
{
	enum meminfo_item all[MEMINFO_SWAP_DELTA_USED + 1];
	struct meminfo_info *mi = NULL;
	struct meminfo_stack *s;

	printf("-- meminfo: new %d\n", procps_meminfo_new(&mi));
	for (unsigned i = 0; i <= MEMINFO_SWAP_DELTA_USED; i++)
		all[i] = i;
	s = procps_meminfo_select(mi, all, MEMINFO_SWAP_DELTA_USED + 1);
	CHECK(s);
	CHECK(MEM(TOTAL) && MEM(FREE) && MEM(AVAILABLE));
	CHECK(MEM(FREE) < MEM(TOTAL) && MEM(AVAILABLE) < MEM(TOTAL));
	CHECK(MEM(USED) == MEM(TOTAL) - MEM(AVAILABLE));
	CHECK(MEM(ACTIVE) == MEM(ACTIVE_ANON) + MEM(ACTIVE_FILE));
	CHECK(MEM(INACTIVE) == MEM(INACTIVE_ANON) + MEM(INACTIVE_FILE));
	CHECK(MEM(SLAB) == MEM(SLAB_RECLAIM) + MEM(SLAB_UNRECLAIM));
	CHECK(MEM(CACHED_ALL) == MEM(CACHED) + MEM(SLAB_RECLAIM));
	CHECK(MEM(KERNEL_STACK) && MEM(PAGE_TABLES) && MEM(COMMITTED_AS) && MEM(ANON));
	CHECK(MEM(VM_ALLOC_TOTAL) > MEM(VM_ALLOC_USED));
	CHECK(MEMINFO_GET(mi, MEMINFO_SWAP_USED, ul_int) <=
	      MEMINFO_GET(mi, MEMINFO_SWAP_TOTAL, ul_int));
	procps_meminfo_unref(&mi);
}

#define VM(name) VMSTAT_GET(vi, VMSTAT_##name, ul_int)

static void vmstat(void)
{
	enum vmstat_item all[VMSTAT_DELTA_ZONE_RECLAIM_FAILED + 1];
	struct vmstat_info *vi = NULL;
	unsigned long faults;
	char *p;

	printf("-- vmstat: new %d\n", procps_vmstat_new(&vi));
	for (unsigned i = 0; i <= VMSTAT_DELTA_ZONE_RECLAIM_FAILED; i++)
		all[i] = i;
	CHECK(procps_vmstat_select(vi, all, VMSTAT_DELTA_ZONE_RECLAIM_FAILED + 1));
	CHECK(VM(NR_FREE_PAGES) && VM(NR_ANON_PAGES) && VM(NR_PAGE_TABLE_PAGES));
	CHECK(VM(PGFAULT));
	procps_vmstat_unref(&vi);

	procps_vmstat_new(&vi);
	faults = VM(PGFAULT);
	p = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(p, MiB, MADV_NOHUGEPAGE);
	memset(p, 1, MiB);
	procps_vmstat_unref(&vi);
	procps_vmstat_new(&vi);
	CHECK(VM(PGFAULT) >= faults + MiB / 4096);
	munmap(p, MiB);
	procps_vmstat_unref(&vi);
	procps_vmstat_new(&vi);
	CHECK(VM(PGFREE) >= MiB / 4096);
	procps_vmstat_unref(&vi);
}

static int has_slab(struct slabinfo_reaped *r, const char *name)
{
	for (int i = 0; i < r->total; i++)
		if (!strcmp(r->stacks[i]->head[0].result.str, name))
			return r->stacks[i]->head[1].result.u_int > 0;
	return 0;
}

static void slabinfo(void)
{
	enum slabinfo_item items[] = {SLAB_NAME,	 SLAB_NUM_OBJS,	      SLAB_ACTIVE_OBJS,
				      SLAB_OBJ_SIZE,	 SLAB_OBJ_PER_SLAB,   SLAB_NUMS_SLABS,
				      SLAB_ACTIVE_SLABS, SLAB_PAGES_PER_SLAB, SLAB_PERCENT_USED};
	struct slabinfo_info *si = NULL;
	struct slabinfo_reaped *r;
	int bad = 0;

	printf("-- slabinfo: new %d\n", procps_slabinfo_new(&si));
	r = procps_slabinfo_reap(si, items, sizeof(items) / sizeof(items[0]));
	CHECK(r && r->total > 10);
	for (int i = 0; r && i < r->total; i++) {
		struct slabinfo_result *h = r->stacks[i]->head;

		if (h[2].result.u_int > h[1].result.u_int || !h[3].result.u_int ||
		    !h[4].result.u_int || h[6].result.u_int > h[5].result.u_int ||
		    h[8].result.u_int > 100 ||
		    h[3].result.u_int * h[4].result.u_int > h[7].result.u_int * 4096 ||
		    h[1].result.u_int > h[5].result.u_int * h[4].result.u_int)
			printf("%s %d\n", h[0].result.str, ++bad);
	}
	CHECK(!bad);
	CHECK(has_slab(r, "vm_area_struct") && has_slab(r, "mm_struct"));
	CHECK(has_slab(r, "task_struct") && has_slab(r, "kmalloc-64"));
	CHECK(SLABINFO_GET(si, SLABS_CACHES_TOTAL, u_int) >= (unsigned)r->total);
	CHECK(SLABINFO_GET(si, SLABS_ACTIVE_OBJS, u_int) <=
	      SLABINFO_GET(si, SLABS_NUM_OBJS, u_int));
	procps_slabinfo_unref(&si);
}

#define ST(name) STAT_GET(st, STAT_SYS_##name, ul_int)

static void stat(void)
{
	enum stat_item items[] = {STAT_TIC_ID, STAT_TIC_SUM_TOTAL, STAT_TIC_SUM_BUSY,
				  STAT_TIC_SUM_IDLE};
	struct stat_info *st = NULL;
	double up, idle, a, b, c;
	struct stat_reaped *r;

	printf("-- stat: new %d\n", procps_stat_new(&st));
	CHECK(ST(CTX_SWITCHES) && ST(PROC_CREATED) && ST(PROC_RUNNING) && ST(TIME_OF_BOOT));
	r = procps_stat_reap(st, STAT_REAP_CPUS_ONLY, items, 4);
	CHECK(r && r->cpus->total == sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(r->summary->head[0].result.s_int == STAT_SUMMARY_ID);
	CHECK(r->summary->head[1].result.ull_int ==
	      r->summary->head[2].result.ull_int + r->summary->head[3].result.ull_int);
	procps_stat_unref(&st);
	CHECK(!procps_uptime(&up, &idle) && up > 0 && idle >= 0);
	CHECK(!procps_loadavg(&a, &b, &c));
	CHECK(procps_cpu_count() == sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(procps_hertz_get() == 100 && procps_linux_version() >= LINUX_VERSION(6, 1, 0));
}

/* --- processes --------------------------------------------------------------------------- */

#define NR_PIDS (PIDS_WCHAN_NAME + 1)
#define UL(name) (h[PIDS_##name].result.ul_int)
#define INT(name) (h[PIDS_##name].result.s_int)
#define STR(name) (h[PIDS_##name].result.str)

/* The counters of one file, which was read at one time. */
static void sums(const struct pids_result *h)
{
	CHECK(UL(VM_RSS) == UL(VM_RSS_ANON) + UL(VM_RSS_FILE) + UL(VM_RSS_SHARED));
	CHECK(UL(VM_USED) == UL(VM_RSS) + UL(VM_SWAP));
	CHECK(UL(MEM_RES) == UL(MEM_RES_PGS) * 4 && UL(MEM_VIRT) == UL(MEM_VIRT_PGS) * 4);
	CHECK(UL(SMAP_RSS) == UL(SMAP_SHR_CLEAN) + UL(SMAP_SHR_DIRTY) + UL(SMAP_PRV_TOTAL));
	CHECK(UL(SMAP_PRV_TOTAL) == UL(SMAP_PRV_CLEAN) + UL(SMAP_PRV_DIRTY));
	CHECK(UL(SMAP_PSS) <= UL(SMAP_RSS));
	CHECK(near(UL(SMAP_PSS), UL(SMAP_PSS_ANON) + UL(SMAP_PSS_FILE) + UL(SMAP_PSS_SHMEM), 2));
}

/* What two files say of one thing. */
static void agree(const struct pids_result *h)
{
	CHECK(UL(MEM_VIRT) == UL(VM_SIZE));
	CHECK(UL(VSIZE_BYTES) == UL(VM_SIZE) * 1024);
	CHECK(near(UL(VM_RSS), UL(MEM_RES), 1024) && near(UL(RSS) * 4, UL(MEM_RES), 1024));
	CHECK(near(UL(SMAP_RSS), UL(VM_RSS), 1024));
	CHECK(near(UL(SMAP_ANONYMOUS), UL(VM_RSS_ANON), 1024));
	CHECK(UL(VM_EXE) == UL(MEM_CODE) && UL(VM_DATA) + UL(VM_STACK) == UL(MEM_DATA));
	CHECK(UL(SMAP_LOCKED) == UL(VM_RSS_LOCKED));
}

static void identity(const struct pids_result *h, pid_t ppid)
{
	CHECK(INT(ID_PID) == getpid() && INT(ID_TID) == getpid() && INT(ID_TGID) == getpid());
	CHECK(INT(ID_PPID) == ppid && INT(ID_PGRP) == getpgrp());
	CHECK(INT(ID_SESSION) == getsid(0));
	CHECK(h[PIDS_ID_EUID].result.u_int == geteuid());
	CHECK(h[PIDS_ID_RGID].result.u_int == getgid());
	CHECK(STR(CMD) && !strcmp(STR(CMD), "procps"));
	CHECK(STR(EXE) && strstr(STR(EXE), "/procps"));
	printf("   %c nlwp %d, nice %d, priority %d %d, class %d, oom %d\n",
	       h[PIDS_STATE].result.s_ch, INT(NLWP), INT(NICE), INT(PRIORITY), INT(PRIORITY_RT),
	       INT(SCHED_CLASS), INT(OOM_ADJ));
	printf("   blocked %s caught %s ignored %s pending %s %s\n", STR(SIGBLOCKED), STR(SIGCATCH),
	       STR(SIGIGNORE), STR(SIGPENDING), STR(SIGNALS));
	printf("   exit signal %d, rss limit %lu, wchan %s\n", INT(EXIT_SIGNAL), UL(RSS_RLIM),
	       STR(WCHAN_NAME));
	CHECK(STR(CMDLINE) && strstr(STR(CMDLINE), "procps") && STR(ENVIRON));
	CHECK(STR(CGROUP) && STR(SUPGIDS));
	CHECK(UL(NS_PID) && UL(NS_MNT) && UL(NS_USER) && UL(NS_UTS) && UL(NS_NET));
	CHECK(UL(ADDR_CODE_START) && UL(ADDR_CODE_START) < UL(ADDR_CODE_END));
	CHECK((unsigned long)&h < UL(ADDR_STACK_START));
	CHECK(UL(FLT_MIN) && UL(FLT_MIN_C) >= UL(FLT_MIN));
}

static void io(const struct pids_result *h)
{
	CHECK(UL(IO_READ_CHARS) > 1000 && UL(IO_READ_OPS) > 1 && UL(IO_WRITE_CHARS) == 5);
	CHECK(UL(IO_WRITE_OPS) == 1);
	CHECK(UL(IO_READ_CHARS) > UL(IO_READ_OPS));
}

static void times(const struct pids_result *h)
{
	CHECK(h[PIDS_TICS_ALL].result.ull_int ==
	      h[PIDS_TICS_USER].result.ull_int + h[PIDS_TICS_SYSTEM].result.ull_int);
	CHECK(h[PIDS_TIME_ELAPSED].result.real >= 0 && h[PIDS_UTILIZATION].result.real >= 0);
}

/* A child of 8 MiB, 4 of them locked and 2 shared, which looks at itself. */
static void pids(pid_t ppid)
{
	enum pids_item all[NR_PIDS];
	unsigned self = getpid();
	struct pids_info *pi = NULL;
	struct pids_fetch *f;
	char *p, *s;
	int fds[2];

	if (pipe(fds) || write(fds[1], "bytes", 5) != 5)
		perror("pipe");
	p = mmap(NULL, 6 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s = mmap(NULL, 2 * MiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	madvise(p, 6 * MiB, MADV_NOHUGEPAGE);
	memset(p, 1, 6 * MiB);
	memset(s, 1, 2 * MiB);
	mlock(p, 4 * MiB);
	for (unsigned i = 0; i < NR_PIDS; i++)
		all[i] = i;
	printf("-- pids: new %d\n", procps_pids_new(&pi, all, NR_PIDS));
	procps_pids_unref(&pi); /* once for what it reads by that */
	procps_pids_new(&pi, all, NR_PIDS);
	f = procps_pids_select(pi, &self, 1, PIDS_SELECT_PID);
	CHECK(f && f->counts->total == 1);
	if (f && f->counts->total == 1) {
		const struct pids_result *h = f->stacks[0]->head;

		identity(h, ppid);
		sums(h);
		agree(h);
		io(h);
		times(h);
		CHECK(UL(SMAP_LOCKED) == 4096 && UL(SMAP_PRV_DIRTY) >= 6144);
		CHECK(UL(VM_RSS_SHARED) == 2048 && UL(SMAP_PSS_SHMEM) == 2048);
	}
	f = procps_pids_reap(pi, PIDS_FETCH_THREADS_TOO);
	CHECK(f && f->counts->total >= 2 && f->counts->running >= 1);
	procps_pids_unref(&pi);
}

int main(void)
{
	pid_t parent = getpid();

	signal(SIGUSR1, SIG_IGN);
	meminfo();
	vmstat();
	slabinfo();
	stat();
	fflush(stdout);
	if (!fork()) {
		pids(parent);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
#else
int main(void)
{
	puts("libproc2-dev was not there when this was built");
	return 0;
}
#endif
