/* sessions: sessions, process groups and controlling terminals, on a pseudo terminal of its own: who gets one,
 * who may read and write, whom the terminal's keys reach, what a hangup and a leader's end do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"

static int master;
static char slave_name[64];
static volatile sig_atomic_t caught[65];
static int report[2], begun[2]; /* pipes */

static void on_signal(int sig)
{
	caught[sig]++;
}

static long show(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
	return ret;
}

/* In words: numbers differ. */
static const char *who(pid_t pid)
{
	return pid == getpid()	  ? "self"
	       : pid == getppid() ? "parent"
	       : pid == 0	  ? "none"
	       : pid < 0	  ? strerrorname_np(errno)
				  : "another";
}

static void show_place(const char *when, int fd)
{
	printf("%s: session %s, group %s, foreground %s", when, who(getsid(0)), who(getpgrp()),
	       who(tcgetpgrp(fd)));
	printf(", terminal's session %s\n", who(tcgetsid(fd)));
}

static void show_status(const char *what, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WUNTRACED) != pid)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (WIFSTOPPED(status))
		printf("%s: stopped by SIG%s\n", what, sigabbrev_np(WSTOPSIG(status)));
	else if (WIFSIGNALED(status))
		printf("%s: killed by SIG%s\n", what, sigabbrev_np(WTERMSIG(status)));
	else
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
}

static void new_pair(void)
{
	if (master > 0)
		close(master);
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, slave_name, sizeof(slave_name)))
		exit(1);
}

static void make_pipes(void)
{
	if (pipe(report) || pipe(begun))
		exit(1);
}

static void catch (int sig)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(sig, &sa, NULL);
}

/* fields 7 and 8 of stat: does the terminal have a number, whose group is in front? */
static void show_stat(const char *when)
{
	char text[1024], *at;
	int fd = open("/proc/self/stat", O_RDONLY), nr, tpgid;
	long n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strrchr(text, ')');
	if (at && sscanf(at + 2, "%*c %*d %*d %*d %d %d", &nr, &tpgid) == 2)
		printf("%s: tty_nr is %s, tpgid %s\n", when,
		       nr ? nr >> 8 == 136 ? "a pts" : "?" : "0", tpgid == -1 ? "-1" : who(tpgid));
}

/* --- getting one ----------------------------------------------------------------------------------- */

static void child_of_leader(void)
{
	int fd;

	show_place("child", 0);
	show("setsid", setsid() == getpid());
	show("setsid again", setsid());
	show("/dev/tty", open("/dev/tty", O_RDWR));
	show_stat("no terminal");
	show("TIOCSCTTY of another session's", ioctl(0, TIOCSCTTY, 0));
	fd = open(slave_name, O_RDWR);
	show("tcgetpgrp of another session's", tcgetpgrp(fd));
	show("tcsetpgrp", tcsetpgrp(fd, getpgrp()));
	if (!getuid()) /* there is no terminal to lose */
		show("vhangup", syscall(SYS_vhangup));
	setuid(65534);
	show("vhangup of nobody", syscall(SYS_vhangup));
}

static void stranger(void)
{
	show("setpgid", setpgid(0, 0));
	show_place("own group", 0);
	show("TIOCSCTTY of no leader", ioctl(0, TIOCSCTTY, 0));
	show("TIOCNOTTY", ioctl(0, TIOCNOTTY));
	show("/dev/tty", open("/dev/tty", O_RDWR));
}

static void leader(void)
{
	int fd, tty;
	pid_t pid;

	show_stat("before");
	setsid();
	fd = open(slave_name, O_RDWR | O_NOCTTY);
	show("O_NOCTTY", tcgetpgrp(fd));
	close(fd);
	fd = open(slave_name, O_WRONLY);
	show("O_WRONLY", tcgetpgrp(fd));
	show("TIOCSCTTY", ioctl(fd, TIOCSCTTY, 0));
	close(fd);
	show("TIOCSCTTY again", ioctl(open(slave_name, O_RDWR | O_NOCTTY), TIOCSCTTY, 0));
	dup2(open(slave_name, O_RDWR), 0);
	show_place("leader", 0);
	show_stat("leader");
	tty = open("/dev/tty", O_RDWR);
	show_place("/dev/tty", tty);
	show("setpgid of the leader", setpgid(0, 0));
	show("tcsetpgrp to nobody", tcsetpgrp(0, 12345678));
	show("tcsetpgrp to -1", tcsetpgrp(0, -1));
	show("tcsetpgrp to another session", tcsetpgrp(0, getppid()));
	pid = start_child(stranger);
	show_status("stranger", pid);
	pid = start_child(child_of_leader);
	show_status("child", pid);
	catch (SIGHUP);
	catch (SIGCONT);
	show("TIOCNOTTY", ioctl(0, TIOCNOTTY));
	printf("SIGHUP %d, SIGCONT %d\n", caught[SIGHUP], caught[SIGCONT]);
	show_place("without", 0);
	show("/dev/tty", open("/dev/tty", O_RDWR));
	show("and again", ioctl(0, TIOCSCTTY, 0));
	show_place("with", 0);
}

/* --- background and foreground -------------------------------------------------------------------------- */

static void background(void)
{
	struct termios tio;
	char c;

	setpgid(0, 0);
	signal(SIGTTIN, SIG_IGN);
	show("read, ignoring", read(0, &c, 1));
	signal(SIGTTOU, SIG_IGN);
	tcgetattr(0, &tio);
	tio.c_lflag |= TOSTOP;
	show("tcsetattr, ignoring", tcsetattr(0, TCSANOW, &tio));
	show("write, ignoring", write(0, "x", 1));
	catch (SIGTTOU);
	show("write, catching", write(0, "x", 1));
	printf("SIGTTOU %d\n", caught[SIGTTOU]);
	show("tcsetpgrp, catching", tcsetpgrp(0, getpgrp()));
	printf("SIGTTOU %d\n", caught[SIGTTOU]);
	show("tcflush, catching", tcflush(0, TCIFLUSH));
	signal(SIGTTOU, SIG_DFL);
	signal(SIGTTIN, SIG_DFL);
	show("read", read(0, &c, 1));
	printf("read %c\n", c);
	show("write", write(0, "y", 1));
}

static void orphan(void)
{
	char c;

	setpgid(0, 0);
	while (getppid() != 1 && tcgetpgrp(0) != 0 && getppid() != getsid(0))
		usleep(1000);
	show("orphan reads", read(0, &c, 1));
	show("orphan sets", tcflush(0, TCIFLUSH));
	show("orphan takes", tcsetpgrp(0, getpgrp()));
}

/* The orphan goes on when it is told, and what it says has been said when it no longer has the pipe. */
static void parent_of_orphan(void)
{
	char c;
	pid_t pid = fork();

	setpgid(0, 0);
	if (pid)
		_exit(0);
	read(begun[0], &c, 1);
	orphan();
	fflush(stdout);
}

static void jobs(void)
{
	char c;
	pid_t pid;

	setsid();
	dup2(open(slave_name, O_RDWR), 0);
	signal(SIGTTOU, SIG_IGN);
	pid = start_child(background);
	show_status("background", pid);
	printf("in front: %d\n", tcsetpgrp(0, pid));
	write(master, "a\n", 2);
	kill(-pid, SIGCONT);
	show_status("foreground", pid);
	tcsetpgrp(0, getpgrp());
	make_pipes();
	pid = start_child(parent_of_orphan);
	close(report[1]);
	show_status("parent of an orphan", pid);
	write(begun[1], "o", 1);
	read(report[0], &c, 1);
}

/* --- keys -------------------------------------------------------------------------------------------------- */

static void sleeper(void)
{
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(0, getpgrp());
	signal(SIGTTOU, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	write(0, "!", 1);
	pause();
}

static void wait_byte(void)
{
	char c = 0;

	while (c != '!' && read(master, &c, 1) == 1)
		;
}

static void keys(void)
{
	struct rlimit no_core = {0, 0};
	static const struct {
		const char *name, *key;
	} tries[] = {{"interrupt", "\003"}, {"quit", "\034"}};
	struct winsize size = {.ws_row = 10};
	pid_t pid;

	setsid();
	dup2(open(slave_name, O_RDWR), 0);
	setrlimit(RLIMIT_CORE, &no_core);
	catch (SIGINT);
	catch (SIGQUIT);
	catch (SIGWINCH);
	signal(SIGTTOU, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		pid = start_child(sleeper);
		wait_byte();
		write(master, tries[i].key, 1);
		show_status(tries[i].name, pid);
		printf("leader: %d %d\n", caught[SIGINT], caught[SIGQUIT]);
	}
	pid = start_child(sleeper);
	wait_byte();
	write(master, "\032", 1);
	show_status("suspend", pid);
	kill(pid, SIGCONT);
	show("TIOCSIG", ioctl(master, TIOCSIG, SIGTSTP));
	show_status("suspend by TIOCSIG", pid);
	ioctl(master, TIOCSWINSZ, &size);
	printf("leader: SIGWINCH %d\n", caught[SIGWINCH]);
	tcsetpgrp(0, getpgrp());
	ioctl(master, TIOCSWINSZ, &size);
	size.ws_col = 3;
	ioctl(master, TIOCSWINSZ, &size);
	printf("leader: SIGWINCH %d\n", caught[SIGWINCH]);
	kill(pid, SIGKILL);
	show_status("killed", pid);
}

/* --- ends ---------------------------------------------------------------------------------------------------- */

/* In the foreground of a leader that ends: SIGHUP, and no terminal any more. */
static void survivor(void)
{
	char text[200], c;
	int n;

	setpgid(0, 0);
	catch (SIGHUP);
	catch (SIGCONT);
	write(begun[1], "r", 1);
	while (!caught[SIGHUP])
		usleep(1000);
	usleep(3000);
	n = snprintf(text, sizeof(text), "survivor: SIGCONT %d, tcgetpgrp %s, ", caught[SIGCONT],
		     tcgetpgrp(0) < 0 ? strerrorname_np(errno) : "?");
	n += snprintf(text + n, sizeof(text) - n, "/dev/tty %s, ",
		      open("/dev/tty", O_RDWR) < 0 ? strerrorname_np(errno) : "?");
	n += snprintf(text + n, sizeof(text) - n, "read %s\n",
		      read(0, &c, 1) < 0 ? strerrorname_np(errno) : "0");
	write(report[1], text, n);
	_exit(0);
}

static void show_report(void)
{
	char text[256];
	long n;

	close(report[1]);
	while ((n = read(report[0], text, sizeof(text))) > 0)
		printf("%.*s", (int)n, text);
	printf("\n");
	close(report[0]);
}

static void ending_leader(void)
{
	char c;
	pid_t pid;

	setsid();
	dup2(open(slave_name, O_RDWR), 0);
	signal(SIGTTOU, SIG_IGN);
	pid = start_child(survivor);
	read(begun[0], &c, 1);
	tcsetpgrp(0, pid);
	write(master, "typed\n", 6);
}

/* The terminal hangs up: the leader hears of it, the foreground when the leader ends. */
static void hung_up_leader(void)
{
	char c;
	pid_t pid;

	setsid();
	dup2(open(slave_name, O_RDWR), 0);
	close(master);
	signal(SIGTTOU, SIG_IGN);
	pid = start_child(survivor);
	read(begun[0], &c, 1);
	tcsetpgrp(0, pid);
	catch (SIGHUP);
	catch (SIGCONT);
	write(report[1], "L", 1);
	while (!caught[SIGHUP])
		usleep(1000);
	usleep(3000);
	printf("leader: SIGHUP %d, SIGCONT %d, ", caught[SIGHUP], caught[SIGCONT]);
	printf("tcgetpgrp %s, ", tcgetpgrp(0) < 0 ? strerrorname_np(errno) : "?");
	printf("/dev/tty %s, ", open("/dev/tty", O_RDWR) < 0 ? strerrorname_np(errno) : "?");
	printf("read %ld\n", (long)read(0, &c, 1));
}

static void ends(void)
{
	char c;
	pid_t pid;

	printf("-- the leader ends\n");
	new_pair();
	make_pipes();
	show_status("leader", start_child(ending_leader));
	show_report();
	printf("-- the terminal hangs up\n");
	new_pair();
	make_pipes();
	pid = start_child(hung_up_leader);
	while (read(report[0], &c, 1) == 1 && c != 'L')
		;
	close(master);
	master = -1;
	show_status("leader", pid);
	show_report();
}

/* --- setpgid, setsid, getsid ----------------------------------------------------------------------------------- */

static void rules(void)
{
	char *args[] = {"/bin/sleep", "100", NULL};
	pid_t pid = fork(), other;

	if (!pid) {
		pause();
		_exit(0);
	}
	show("setpgid of a child", setpgid(pid, 0));
	show("getpgid is its pid", getpgid(pid) == pid);
	show("back", setpgid(pid, getpgrp()));
	other = fork();
	if (!other) {
		setsid();
		pause();
		_exit(0);
	}
	while (getsid(other) != other)
		usleep(500);
	show("of a leader's child", setpgid(other, 0));
	show("into another session", setpgid(pid, other));
	show("into nothing", setpgid(pid, 12345678));
	show("negative", setpgid(pid, -1));
	show("of nobody", setpgid(12345678, 0));
	show("of a parent", setpgid(getppid(), 0));
	show("getsid of nobody", getsid(12345678));
	show("getpgid of nobody", getpgid(12345678));
	kill(pid, SIGKILL);
	kill(other, SIGKILL);
	waitpid(pid, NULL, 0);
	waitpid(other, NULL, 0);
	pid = fork();
	if (!pid) {
		execv(args[0], args);
		_exit(1);
	}
	until_asleep(pid);
	show("after exec", setpgid(pid, 0));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	printf("-- a terminal of one's own\n");
	new_pair();
	show_status("leader", start_child(leader));
	printf("-- background\n");
	new_pair();
	show_status("shell", start_child(jobs));
	printf("-- keys\n");
	new_pair();
	show_status("shell", start_child(keys));
	ends();
	printf("-- rules\n");
	show_status("rules", start_child(rules));
	return 0;
}
