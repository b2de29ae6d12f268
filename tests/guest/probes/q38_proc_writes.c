/* q38_proc_writes: what /proc/PID's loginuid, autogroup, attr/ and sched take, and say afterwards (4). */
#include "probe.h"

/* Writes a text at a position and says what came of it. */
static void put_at(const char *path, const char *text, long n, long pos)
{
	int fd = open(path, O_WRONLY);

	printf("  %s <- \"%.*s\"", strrchr(path, '/') + 1, (int)strcspn(text, "\n"), text);
	if (pos)
		printf(" at %ld", pos);
	if (fd < 0) {
		printf(": open %s\n", en(errno));
		return;
	}
	errno = 0;
	n = n < 0 ? (long)strlen(text) : n;
	n = pos ? pwrite(fd, text, n, pos) : write(fd, text, n);
	if (n < 0)
		printf(": %s\n", en(errno));
	else
		printf(": %ld\n", n);
	close(fd);
}

static void tell(const char *path)
{
	char *text = slurp(path), *nice = strstr(text, "nice");

	if (strstr(path, "sessionid"))
		text = strcmp(text, "4294967295") ? "set" : "unset";
	printf("  %s: %s%s", strrchr(path, '/') + 1, nice ? nice : text, nice ? "" : "\n");
}

static void logins(void)
{
	static const char path[] = "/proc/self/loginuid";
	static const char *const texts[] = {"x", "", "-1", " 5", "5 ", "0x5", "4294967296", "5\n", "7",
					    "4294967295", "6"};
	char other[40];
	int pid, status;

	tell(path);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put_at(path, texts[i], -1, 0), tell(path), tell("/proc/self/sessionid");
	put_at(path, "8", -1, 1);
	snprintf(other, sizeof other, "/proc/%d/loginuid", getppid());
	put_at(other, "9", -1, 0);
	if (!(pid = fork())) {
		printf(" child\n");
		tell(path);
		setresuid(1000, 1000, 1000);
		put_at(path, "1000", -1, 0);
		tell(path);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	put_at("/proc/self/task/1/loginuid", "1", -1, 0);
	put_at("/proc/self/sessionid", "1", -1, 0);
}

static void groups(void)
{
	static const char path[] = "/proc/self/autogroup";
	static const char *const texts[] = {"x", "", "5", " 7\n", "20", "-21", "-20", "19", "3 4",
					    "0000000000000000004", "-0", "0x5", "2147483648"};
	int pid, status;

	tell(path);
	setsid();
	tell(path);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put_at(path, texts[i], -1, 0), tell(path);
	put_at(path, "3", -1, 5);
	tell(path);
	if (!(pid = fork())) {
		printf(" child\n");
		tell(path);
		put_at(path, "9", -1, 0);
		if (fork()) {
			wait(&status);
			_exit(0);
		}
		setsid();
		tell(path);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	tell(path);
	put_at("/proc/thread-self/autogroup", "1", -1, 0);
	if (!(pid = fork())) {
		printf(" nobody\n");
		prctl(PR_SET_DUMPABLE, 1);
		setresuid(1000, 1000, 1000);
		prctl(PR_SET_DUMPABLE, 1);
		put_at(path, "-5", -1, 0);
		tell(path);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void attrs(void)
{
	static const char *const names[] = {"current", "exec", "fscreate", "keycreate", "prev", "sockcreate",
					    "nothing"};
	char path[64], text[64];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct stat st;
		snprintf(path, sizeof path, "/proc/self/attr/%s", names[i]);
		if (stat(path, &st))
			printf("%s: %s\n", names[i], en(errno));
		else
			printf("%s: %o size %ld links %ld\n", names[i], st.st_mode, (long)st.st_size,
			       (long)st.st_nlink);
		int fd = open(path, O_RDONLY);
		T(" read", read(fd, text, sizeof text));
		T(" read nothing", read(fd, text, 0));
		T(" seek", lseek(fd, 5, SEEK_SET));
		T(" from the end", lseek(fd, 5, SEEK_END));
		T(" read there", read(fd, text, 5));
		close(fd);
		put_at(path, "x", -1, 0);
		put_at(path, "", -1, 0);
		put_at(path, "x", -1, 1);
		snprintf(path, sizeof path, "/proc/%d/attr/%s", getppid(), names[i]);
		put_at(path, "x", -1, 0);
		snprintf(path, sizeof path, "/proc/thread-self/attr/%s", names[i]);
		put_at(path, "x", -1, 0);
	}
	T("attr itself", open("/proc/self/attr/", O_RDONLY | O_DIRECTORY) > 0);
}

/* Names of the lines, in order, and those values that do not depend on the machine. */
static void sched(void)
{
	static const char *const seqs[] = {"comm", "sched", "autogroup", "timerslack_ns", "uid_map",
					   "setgroups", "coredump_filter", "oom_adj", "clear_refs"};
	char *text;

	for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
		char path[64];
		struct iovec v = {"1", 1};
		snprintf(path, sizeof path, "/proc/self/%s", seqs[i]);
		int fd = open(path, O_WRONLY);
		printf("%s", seqs[i]);
		T(" pwrite", pwrite(fd, "1", 1, 0));
		T(" pwritev", pwritev(fd, &v, 1, 0));
		T(" pwrite nothing", pwrite(fd, "", 0, 0));
		close(fd);
	}
	prctl(PR_SET_NAME, "q38_proc_writes");
	put("/proc/self/coredump_filter", "33");
	put("/proc/self/timerslack_ns", "50000");
	put("/proc/self/autogroup", "0");
	text = slurp("/proc/self/sched");

	for (char *l; (l = next_line(&text));) {
		char *colon = strrchr(l, ':');

		if (*l == 'q') /* the name, a number, and how many there are */
			printf("%.15s ... %s\n", l, strchr(l, ','));
		else if (colon && (strstr(l, "prio ") || strstr(l, "policy") || strstr(l, "weight") ||
				   strstr(l, "numa")))
			printf("%s\n", l);
		else
			printf("%.*s\n", colon ? (int)(colon - l) : (int)strlen(l), l);
	}
	put_at("/proc/self/sched", "0", -1, 0);
	put_at("/proc/self/sched", "anything", -1, 3);
	put_at("/proc/thread-self/sched", "0", -1, 0);
	nice(3);
	text = slurp("/proc/self/sched");
	for (char *l; (l = next_line(&text));)
		if (strstr(l, "prio ") || strstr(l, "weight"))
			printf("%s\n", l);
}

int main(void)
{
	int pid, status;

	begin();
	prctl(PR_SET_NAME, "q38_proc_writes");
	if (!(pid = fork())) {
		logins();
		groups();
		attrs();
		sched();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s\n", ended(status));
	return 0;
}
