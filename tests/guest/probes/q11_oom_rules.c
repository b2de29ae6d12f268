/* q11_oom_rules: oom_score_adj: what it accepts, who inherits it, what oom_adj makes of it (4.3). */
#include "probe.h"

#define ADJ "/proc/self/oom_score_adj"

static void set(const char *text)
{
	char label[48];
	snprintf(label, sizeof label, "<- '%s'", text);
	for (char *c = label; *c; c++)
		if (*c == '\n')
			*c = '$';
	T(label, put(ADJ, text));
}

int main(void)
{
	begin();
	static const char *const value[] = {"5",
					    "5\n",
					    " 6",
					    "7 ",
					    "+8",
					    "0x10",
					    "010",
					    "",
					    "\n",
					    "5 6",
					    "1e1",
					    "1000",
					    "1001",
					    "99999999999999999999",
					    "-1001",
					    "--1",
					    "12345678901234",
					    "0"};
	for (unsigned i = 0; i < sizeof value / sizeof *value; i++) {
		set(value[i]);
		printf("  reads %s", slurp(ADJ));
	}
	static const char *const adj[] = {"0",	 "1",	"58",  "59",  "117",
					  "118", "500", "941", "999", "1000"};
	for (unsigned i = 0; i < sizeof adj / sizeof *adj; i++) {
		put(ADJ, adj[i]);
		printf("%s is oom_adj %s", adj[i], slurp("/proc/self/oom_adj"));
	}
	static const char *const old[] = {"15", "14", "1", "7", "16", "x"};
	for (unsigned i = 0; i < sizeof old / sizeof *old; i++) {
		T(old[i], put("/proc/self/oom_adj", old[i]));
		printf("  score_adj %s", slurp(ADJ));
	}
	put(ADJ, "300");
	int status;
	if (!fork()) {
		printf("child starts with %s", slurp(ADJ));
		T("child sets 200", put(ADJ, "200"));
		printf("child %s", slurp(ADJ));
		_exit(0);
	}
	wait(&status);
	printf("parent still %s", slurp(ADJ));
	pid_t pid = vfork();
	if (!pid) {
		put(ADJ, "400");
		_exit(0);
	}
	wait(&status);
	printf("after a vfork child set 400: %s", slurp(ADJ));
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)getpid());
	T("by pid", put(path, "600"));
	printf("%s", slurp(ADJ));
	T("read only score", put("/proc/self/oom_score", "1"));
	int fd = open(ADJ, O_RDWR);
	char b[16];
	T("partial read 1", pread(fd, b, 1, 0));
	T("read at 2", pread(fd, b, 16, 2));
	T("read at 9", pread(fd, b, 16, 9));
	T("write at 5", pwrite(fd, "10", 2, 5));
	printf("%s", slurp(ADJ));
	return 0;
}
