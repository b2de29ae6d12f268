/* q12_limits_text: /proc/PID/limits after setrlimit and prlimit, and the errors of both (4.3). */
#include "probe.h"

static const int which[] = {RLIMIT_CPU,	     RLIMIT_FSIZE, RLIMIT_DATA,	  RLIMIT_STACK,
			    RLIMIT_CORE,     RLIMIT_RSS,   RLIMIT_NPROC,  RLIMIT_NOFILE,
			    RLIMIT_MEMLOCK,  RLIMIT_AS,	   RLIMIT_LOCKS,  RLIMIT_SIGPENDING,
			    RLIMIT_MSGQUEUE, RLIMIT_NICE,  RLIMIT_RTPRIO, RLIMIT_RTTIME};

int main(void)
{
	begin();
	struct rlimit r;
	int status;
	for (unsigned i = 0; i < 16; i++) {
		r.rlim_cur = 1000 + i;
		r.rlim_max = i == 7 ? 4000 : 1UL << (20 + i);
		if (which[i] == RLIMIT_AS || which[i] == RLIMIT_DATA || which[i] == RLIMIT_STACK ||
		    which[i] == RLIMIT_FSIZE || which[i] == RLIMIT_CPU)
			r.rlim_cur = r.rlim_max = 1UL << (30 + i);
		if (which[i] == RLIMIT_NICE || which[i] == RLIMIT_RTPRIO || which[i] == RLIMIT_CORE)
			r.rlim_cur = r.rlim_max = 0;
		if (which[i] == RLIMIT_NPROC || which[i] == RLIMIT_SIGPENDING ||
		    which[i] == RLIMIT_MSGQUEUE || which[i] == RLIMIT_MEMLOCK)
			r.rlim_max = 2000;
		setrlimit(which[i], &r);
	}
	printf("%s", slurp("/proc/self/limits"));
	if (!fork()) {
		r.rlim_cur = 77;
		r.rlim_max = 88;
		setrlimit(RLIMIT_NOFILE, &r);
		char *text = slurp("/proc/self/limits");
		for (char *l; (l = next_line(&text));)
			if (strstr(l, "open files"))
				printf("child: %s|\n", l);
		_exit(0);
	}
	wait(&status);
	r = (struct rlimit){10, 5};
	T("soft over hard", setrlimit(RLIMIT_NOFILE, &r));
	r = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	T("NOFILE unlimited", setrlimit(RLIMIT_NOFILE, &r));
	T("number 16", syscall(SYS_prlimit64, 0, 16, 0, 0));
	T("number -1", syscall(SYS_prlimit64, 0, -1, 0, 0));
	T("no such task", syscall(SYS_prlimit64, 0x3fffffff, 0, 0, &r));
	T("bad new", syscall(SYS_prlimit64, 0, 0, 8, 0));
	T("bad old", syscall(SYS_prlimit64, 0, 0, 0, 8));
	r = (struct rlimit){100, 2000};
	struct rlimit o;
	T("both", syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &r, &o));
	printf("old %ld %ld\n", (long)o.rlim_cur, (long)o.rlim_max);
	T("getrlimit", getrlimit(RLIMIT_MEMLOCK, &o));
	printf("now %ld %ld\n", (long)o.rlim_cur, (long)o.rlim_max);
	return 0;
}
