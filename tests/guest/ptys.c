/* ptys: the line discipline of a pseudo terminal, byte for byte: what is echoed and what a read gets, in many
 * settings; packet mode, hangup, sizes, locks, and the errors of each. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static char slave_name[64];

/* Bytes as C would write them. */
static void show_bytes(const char *what, const char *buf, long n)
{
	printf("%s", what);
	if (n < 0)
		printf(" %s", strerrorname_np(errno));
	else
		printf(" %ld ", n);
	for (long i = 0; i < n; i++) {
		unsigned char c = buf[i];

		if (c < 0x20 || c >= 0x7f || c == '\\')
			printf("\\%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

static long show(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
	return ret;
}

static int ready(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

/* What the master can read until nothing more comes. The kernel moves bytes when it has time. */
static void show_output(const char *what)
{
	char buf[8192];
	long n = 0, got;

	ready(slave, 0);
	while (n < (long)sizeof(buf) && (ready(master, n ? 2 : 6) & POLLIN)) {
		got = read(master, buf + n, sizeof(buf) - n);
		if (got <= 0)
			break;
		n += got;
	}
	show_bytes(what, buf, n);
}

static void open_pair(void)
{
	struct winsize size = {.ws_row = 25, .ws_col = 80};

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, slave_name, sizeof(slave_name)))
		exit(1);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size))
		exit(1);
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

/* --- input: flags less, flags more, what is typed ------------------------------------------------ */

static const struct typed {
	const char *name;
	tcflag_t i_off, i_on, o_off, o_on, l_off, l_on;
	const char *keys;
	int len; /* 0: to the NUL */
} typed[] = {
	{"line", 0, 0, 0, 0, 0, 0, "hello\n", 0},
	{"return", 0, 0, 0, 0, 0, 0, "a\rb\r", 0},
	{"igncr", 0, IGNCR, 0, 0, 0, 0, "a\rb\n", 0},
	{"inlcr", ICRNL, INLCR, 0, 0, 0, 0, "a\nb\rc\n", 0},
	{"no icrnl", ICRNL, 0, 0, 0, 0, 0, "a\rb\n", 0},
	{"two lines", 0, 0, 0, 0, 0, 0, "one\ntwo\n", 0},
	{"erase", 0, 0, 0, 0, 0, 0, "abc\177\177d\n", 0},
	{"erase too much", 0, 0, 0, 0, 0, 0, "a\177\177\177b\n", 0},
	{"erase control", 0, 0, 0, 0, 0, 0, "a\001\177b\n", 0},
	{"erase no echoctl", 0, 0, 0, 0, ECHOCTL, 0, "a\001\177b\n", 0},
	{"erase no echoe", 0, 0, 0, 0, ECHOE, 0, "ab\177c\n", 0},
	{"erase tab", 0, 0, 0, 0, 0, 0, "ab\tc\177\177d\n", 0},
	{"erase two tabs", 0, 0, 0, 0, 0, 0, "a\t\001\t\177\177\n", 0},
	{"erase echoprt", 0, 0, 0, 0, 0, ECHOPRT, "abc\177\177d\n", 0},
	{"erase utf8", 0, IUTF8, 0, 0, 0, 0, "a\303\266\342\202\254\177\177b\n", 0},
	{"erase utf8 off", 0, 0, 0, 0, 0, 0, "a\303\266\177b\n", 0},
	{"werase", 0, 0, 0, 0, 0, 0, "one two  \027x\n", 0},
	{"werase dots", 0, 0, 0, 0, 0, 0, "a.b_c+d \027\027!\n", 0},
	{"kill", 0, 0, 0, 0, 0, 0, "abc\025d\n", 0},
	{"kill no echoke", 0, 0, 0, 0, ECHOKE, 0, "abc\025d\n", 0},
	{"kill no echok", 0, 0, 0, 0, ECHOKE | ECHOK, 0, "abc\025d\n", 0},
	{"kill no echo", 0, 0, 0, 0, ECHO, 0, "abc\025d\n", 0},
	{"reprint", 0, 0, 0, 0, 0, 0, "ab\001\022c\n", 0},
	{"lnext", 0, 0, 0, 0, 0, 0, "a\026\003\026\177b\n", 0},
	{"lnext no iexten", 0, 0, 0, 0, IEXTEN, 0, "a\026b\n", 0},
	{"werase no iexten", 0, 0, 0, 0, IEXTEN, 0, "a b\027\n", 0},
	{"eof", 0, 0, 0, 0, 0, 0, "ab\004", 0},
	{"eof alone", 0, 0, 0, 0, 0, 0, "\004", 0},
	{"eof after line", 0, 0, 0, 0, 0, 0, "a\n\004b\n", 0},
	{"nul in line", 0, 0, 0, 0, 0, 0, "a\0b\n", 4},
	{"echo off", 0, 0, 0, 0, ECHO, 0, "abc\n", 0},
	{"echonl", 0, 0, 0, 0, ECHO, ECHONL, "abc\n", 0},
	{"controls", 0, 0, 0, 0, 0, 0, "\001\002\033[A\t\n", 0},
	{"istrip", 0, ISTRIP, 0, 0, 0, 0, "\341\342\n", 0},
	{"iuclc", 0, IUCLC, 0, 0, 0, 0, "ABc\n", 0},
	{"parmrk", 0, PARMRK, 0, 0, 0, 0, "a\377b\n", 0},
	{"high bytes", 0, 0, 0, 0, 0, 0, "\377\200\237\240\n", 0},
	{"no opost", 0, 0, OPOST, 0, 0, 0, "ab\n\t\n", 0},
	{"no onlcr", 0, 0, ONLCR, 0, 0, 0, "ab\n", 0},
	{"tabs to spaces", 0, 0, 0, XTABS, 0, 0, "ab\tc\n", 0},
	{"olcuc", 0, 0, 0, OLCUC, 0, 0, "abc\n", 0},
	{"raw", ICRNL | IXON, 0, 0, 0, ICANON | ISIG | ECHO | IEXTEN, 0, "a\003\r\n\177\004", 0},
	{"cbreak", 0, 0, 0, 0, ICANON, 0, "ab\177\025\004\r", 0},
	{"raw echo", IXON, 0, 0, 0, ICANON | ISIG, 0, "a\003\r\n\177", 0},
	{"extproc", 0, 0, 0, 0, 0, EXTPROC, "a\177\003\n", 0},
	{"stop and start", 0, 0, 0, 0, 0, 0, "ab\023cd\021e\n", 0},
	{"stopped", 0, 0, 0, 0, 0, 0, "ab\023cd\n", 0},
	{"ixany", 0, IXANY, 0, 0, 0, 0, "ab\023cd\n", 0},
	{"no ixon", IXON, 0, 0, 0, 0, 0, "a\023b\021\n", 0},
};

static void read_lines(void)
{
	char buf[256];

	for (int i = 0; i < 4 && (ready(slave, 0) & POLLIN); i++) {
		int left = -1;

		ioctl(slave, FIONREAD, &left);
		printf("  there are %d\n", left);
		show_bytes("  read", buf, read(slave, buf, sizeof(buf)));
	}
}

static void type(const struct typed *t)
{
	struct termios tio;

	printf("-- %s\n", t->name);
	open_pair();
	tcgetattr(slave, &tio);
	tio.c_iflag = (tio.c_iflag & ~t->i_off) | t->i_on;
	tio.c_oflag = (tio.c_oflag & ~t->o_off) | t->o_on;
	tio.c_lflag = (tio.c_lflag & ~t->l_off) | t->l_on;
	tcsetattr(slave, TCSANOW, &tio);
	show("  typed", write(master, t->keys, t->len ? t->len : (long)strlen(t->keys)));
	show_output("  echo");
	read_lines();
	tcflow(slave, TCOON);
	show_output("  later");
	close_pair();
}

/* --- output -------------------------------------------------------------------------------------- */

static const struct printed {
	const char *name;
	tcflag_t off, on;
	const char *text;
} printed[] = {
	{"usual", 0, 0, "a\nb\tc\r\n"},
	{"plain", OPOST, 0, "a\nb\tc\r\n"},
	{"ocrnl", 0, OCRNL, "ab\rc\n"},
	{"onocr", 0, ONOCR, "\rab\r\rc\n"},
	{"onlret", ONLCR, ONLRET, "ab\n\tc\n"},
	{"onocr onlret", ONLCR, ONOCR | ONLRET, "ab\n\rc\r\r\n"},
	{"tabs", 0, XTABS, "\ta\tbcdefgh\ti\b\b\tj\n"},
	{"olcuc", 0, OLCUC, "mixed Case \344\n"},
};

static void print(const struct printed *p)
{
	struct termios tio;

	printf("-- output %s\n", p->name);
	open_pair();
	tcgetattr(slave, &tio);
	tio.c_oflag = (tio.c_oflag & ~p->off) | p->on;
	tcsetattr(slave, TCSANOW, &tio);
	show("  written", write(slave, p->text, strlen(p->text)));
	show_output("  out");
	close_pair();
}

/* --- reads: how much, and how long ---------------------------------------------------------------- */

static void set_raw(int vmin, int vtime)
{
	struct termios tio;

	tcgetattr(slave, &tio);
	cfmakeraw(&tio);
	tio.c_cc[VMIN] = vmin;
	tio.c_cc[VTIME] = vtime;
	show("raw", tcsetattr(slave, TCSANOW, &tio));
}

static void short_reads(void)
{
	char buf[64];

	printf("-- short reads\n");
	open_pair();
	write(master, "abcde\nfg\004hij\004", 13);
	show_output("echo");
	show_bytes("3 of a line", buf, read(slave, buf, 3));
	show_bytes("2 more", buf, read(slave, buf, 2));
	show_bytes("its end", buf, read(slave, buf, 10));
	show_bytes("2 before an eof", buf, read(slave, buf, 2));
	show_bytes("2 of 3", buf, read(slave, buf, 2));
	show_bytes("the third", buf, read(slave, buf, 10));
	show_bytes("none", buf, read(slave, buf, 0));
	fcntl(slave, F_SETFL, O_NONBLOCK);
	show_bytes("nothing", buf, read(slave, buf, 10));
	close_pair();
}

static void raw_reads(void)
{
	char buf[64];

	printf("-- raw reads\n");
	open_pair();
	set_raw(0, 0);
	show_bytes("poll", buf, read(slave, buf, 10));
	set_raw(0, 1);
	show_bytes("a tenth", buf, read(slave, buf, 10));
	write(master, "ab", 2);
	set_raw(0, 1);
	show_bytes("at once", buf, read(slave, buf, 10));
	set_raw(3, 0);
	write(master, "cd", 2);
	usleep(2000);
	show("two of three ready", ready(slave, 0));
	write(master, "efg", 3);
	show("ready", ready(slave, 50));
	show_bytes("all", buf, read(slave, buf, 10));
	set_raw(5, 1);
	write(master, "hi", 2);
	show_bytes("a tenth after the last", buf, read(slave, buf, 10));
	set_raw(200, 0);
	write(master, "jkl", 3);
	show_bytes("as much as asked for", buf, read(slave, buf, 3));
	fcntl(slave, F_SETFL, O_NONBLOCK);
	show_bytes("nothing", buf, read(slave, buf, 10));
	write(master, "m", 1);
	usleep(3000);
	show_bytes("too few", buf, read(slave, buf, 10));
	set_raw(0, 1);
	show_bytes("no time", buf, read(slave, buf, 10));
	close_pair();
}

/* A line that is longer than the buffer keeps its first bytes, and can still be ended. */
static void long_line(void)
{
	static char text[6000], buf[8192];
	long n;

	printf("-- long line\n");
	open_pair();
	memset(text, 'x', sizeof(text));
	text[4094] = 'L';
	for (int i = 0; i < 6; i++) {
		write(master, text + i * 1000, 1000);
		ready(slave, 0);
		while (ready(master, 2) & POLLIN)
			read(master, buf, sizeof(buf));
	}
	write(master, "yz\n", 3);
	ready(slave, 50);
	n = read(slave, buf, sizeof(buf));
	printf("read %ld, ends with %02x %02x\n", n, buf[n - 2], buf[n - 1]);
	close_pair();
}

/* ICANON off and on again with bytes there. */
static void change_mode(void)
{
	struct termios tio;
	char buf[64];
	int n;

	printf("-- modes with bytes there\n");
	open_pair();
	write(master, "ab\ncd", 5);
	show_output("echo");
	tcgetattr(slave, &tio);
	tio.c_lflag &= ~ICANON;
	tcsetattr(slave, TCSANOW, &tio);
	ioctl(slave, FIONREAD, &n);
	printf("raw: %d\n", n);
	show_bytes("raw", buf, read(slave, buf, 4));
	tio.c_lflag |= ICANON;
	tcsetattr(slave, TCSANOW, &tio);
	ioctl(slave, FIONREAD, &n);
	printf("lines: %d\n", n);
	write(master, "e\n", 2);
	show_output("echo");
	show_bytes("first", buf, read(slave, buf, 60));
	show_bytes("second", buf, read(slave, buf, 60));
	write(master, "flushed\n", 8);
	show_output("echo");
	show("flush", tcflush(slave, TCIFLUSH));
	ioctl(slave, FIONREAD, &n);
	printf("left: %d\n", n);
	write(master, "flushed\n", 8);
	show_output("echo");
	show("set and flush", tcsetattr(slave, TCSAFLUSH, &tio));
	ioctl(slave, FIONREAD, &n);
	printf("left: %d\n", n);
	close_pair();
}

/* --- packet mode --------------------------------------------------------------------------------- */

static void packets(void)
{
	struct termios tio;
	int on = 1, is = -1;

	printf("-- packets\n");
	open_pair();
	show("on", ioctl(master, TIOCPKT, &on));
	show("of a slave", ioctl(slave, TIOCPKT, &on));
	ioctl(master, TIOCGPKT, &is);
	printf("is %d\n", is);
	write(slave, "data\n", 5);
	show_output("data");
	show("stop", tcflow(slave, TCOOFF));
	show("poll", ready(master, 20));
	show_output("status");
	show("start", tcflow(slave, TCOON));
	show_output("status");
	show("flush", tcflush(slave, TCIOFLUSH));
	show_output("status");
	tcgetattr(slave, &tio);
	tio.c_iflag &= ~IXON;
	tcsetattr(slave, TCSANOW, &tio);
	show_output("no ixon");
	tio.c_iflag |= IXON;
	tcsetattr(slave, TCSANOW, &tio);
	show_output("ixon");
	tio.c_lflag |= EXTPROC;
	tcsetattr(slave, TCSANOW, &tio);
	show_output("extproc");
	on = 0;
	show("off", ioctl(master, TIOCPKT, &on));
	write(slave, "x", 1);
	show_output("plain");
	close_pair();
}

static void poll_both(const char *when)
{
	struct pollfd p[2] = {{.fd = master, .events = POLLIN | POLLOUT | POLLPRI},
			      {.fd = slave, .events = POLLIN | POLLOUT | POLLPRI}};

	poll(p, 2, 0);
	printf("%s: master %x, slave %x\n", when, master < 0 ? 0 : p[0].revents, p[1].revents);
}

static void ends(void)
{
	char buf[64];
	int n;

	printf("-- the slave goes\n");
	open_pair();
	poll_both("open");
	write(slave, "last", 4);
	close(slave);
	usleep(2000);
	show_bytes("what was written", buf, read(master, buf, 60));
	show_bytes("then", buf, read(master, buf, 60));
	slave = -1;
	poll_both("closed");
	show("write", write(master, "later\n", 6));
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	show("open again", slave < 0 ? -1 : 0);
	show("ready", ready(slave, 20));
	show_bytes("it was kept", buf, read(slave, buf, 60));
	poll_both("again");
	printf("-- the master goes\n");
	write(master, "lost\n", 5);
	close(master);
	master = -1;
	poll_both("closed");
	show_bytes("read", buf, read(slave, buf, 60));
	show("write", write(slave, "x", 1));
	show("ioctl", ioctl(slave, FIONREAD, &n));
	show("TIOCSPGRP", ioctl(slave, TIOCSPGRP, &n));
	show("isatty", isatty(slave));
	show("open by name", open(slave_name, O_RDWR | O_NOCTTY));
	close(slave);
}

/* --- names, locks, sizes --------------------------------------------------------------------------- */

static void names(void)
{
	char name[64], want[64];
	struct winsize size;
	int lock = 1, n = -1, fd;
	struct stat st, byname;

	printf("-- names\n");
	open_pair();
	ioctl(master, TIOCGPTN, &n);
	snprintf(want, sizeof(want), "/dev/pts/%d", n);
	printf("ptsname %d\n", strcmp(slave_name, want));
	show("ttyname", ttyname_r(slave, name, sizeof(name)));
	printf("the same %d\n", strcmp(slave_name, name));
	fstat(slave, &st);
	stat(slave_name, &byname);
	printf("one inode %d, uid %d, mode %o, rdev %d %d\n",
	       st.st_ino == byname.st_ino && st.st_dev == byname.st_dev, st.st_uid, st.st_mode,
	       (int)(st.st_rdev >> 8 & 0xfff), (int)(st.st_rdev & 0xff) == n);
	show("chmod", fchmod(slave, 0622));
	stat(slave_name, &byname);
	printf("mode %o\n", byname.st_mode);
	show("lseek", lseek(slave, 0, SEEK_CUR));
	show("pread", pread(slave, name, 1, 0));
	show("lock", ioctl(master, TIOCSPTLCK, &lock));
	show("open", open(slave_name, O_RDWR | O_NOCTTY));
	ioctl(master, TIOCGPTLCK, &n);
	printf("locked %d\n", n);
	show("peer", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	lock = 0;
	show("unlock", ioctl(master, TIOCSPTLCK, &lock));
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	printf("peer is a terminal %d\n", isatty(fd));
	close(fd);
	show("peer of a slave", ioctl(slave, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	show("exclusive", ioctl(slave, TIOCEXCL));
	ioctl(slave, TIOCGEXCL, &n);
	printf("is %d\n", n);
	show("not exclusive", ioctl(slave, TIOCNXCL));
	ioctl(master, TIOCGWINSZ, &size);
	printf("size %d %d\n", size.ws_row, size.ws_col);
	size.ws_row = 50;
	show("size of master", ioctl(master, TIOCSWINSZ, &size));
	ioctl(slave, TIOCGWINSZ, &size);
	printf("size %d %d\n", size.ws_row, size.ws_col);
	close_pair();
	show("stat when gone", stat(slave_name, &st));
}

static void errors(void)
{
	struct termios tio;
	int n = 99;

	printf("-- errors\n");
	open_pair();
	show("TIOCGPGRP of no controlling terminal", ioctl(slave, TIOCGPGRP, &n));
	show("TIOCGPGRP of a master", ioctl(master, TIOCGPGRP, &n));
	show("TIOCGSID", ioctl(slave, TIOCGSID, &n));
	show("TIOCGSID of a master", ioctl(master, TIOCGSID, &n));
	show("TIOCSPGRP", ioctl(slave, TIOCSPGRP, &n));
	show("TIOCNOTTY", ioctl(slave, TIOCNOTTY));
	show("TIOCSCTTY of no leader", ioctl(slave, TIOCSCTTY, 0));
	show("TIOCSIG of another signal", ioctl(master, TIOCSIG, SIGKILL));
	show("TIOCSIG", ioctl(master, TIOCSIG, SIGINT));
	show("TIOCSIG of a slave", ioctl(slave, TIOCSIG, SIGINT));
	show("TCGETS to nowhere", ioctl(slave, TCGETS, 8));
	show("TCSETS from nowhere", ioctl(slave, TCSETS, 8));
	show("TCXONC", ioctl(slave, TCXONC, 9));
	show("TCFLSH", ioctl(slave, TCFLSH, 9));
	show("TIOCMGET", ioctl(slave, TIOCMGET, &n));
	show("TIOCGICOUNT", ioctl(slave, TIOCGICOUNT, &n));
	show("unknown", ioctl(slave, 0x54ff, &n));
	show("tcgetattr of a master", tcgetattr(master, &tio));
	printf("%x %x %x %x\n", tio.c_iflag, tio.c_oflag, tio.c_cflag, tio.c_lflag);
	cfsetspeed(&tio, B9600);
	tio.c_cflag &= ~CSIZE;
	show("tcsetattr by the master", tcsetattr(master, TCSANOW, &tio));
	tcgetattr(slave, &tio);
	printf("%x %x %x %x, speeds %x %x\n", tio.c_iflag, tio.c_oflag, tio.c_cflag, tio.c_lflag,
	       cfgetispeed(&tio), cfgetospeed(&tio));
	show("tcdrain", tcdrain(slave));
	show("tcsendbreak", tcsendbreak(slave, 0));
	show("SETFL", fcntl(slave, F_SETFL, O_NONBLOCK | O_APPEND));
	show("read without data", read(slave, &n, 1));
	close_pair();
}

/* A writer waits for the reader of the other end, and a signal ends that. */
static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static void full(void)
{
	static char buf[65536];
	struct sigaction sa = {.sa_handler = on_alarm};
	long n, m = 0;
	pid_t pid;

	printf("-- full\n");
	open_pair();
	set_raw(1, 0);
	pid = fork();
	if (!pid) {
		memset(buf, 'w', sizeof(buf));
		_exit(write(slave, buf, sizeof(buf)) != sizeof(buf));
	}
	while (m < (long)sizeof(buf) && (n = read(master, buf, 1000)) > 0)
		m += n;
	printf("read %ld\n", m);
	waitpid(pid, NULL, 0);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	n = write(slave, buf, sizeof(buf));
	printf("interrupted %d\n", n > 0 && n < (long)sizeof(buf));
	fcntl(slave, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 5; i++, usleep(2000)) /* the kernel moves bytes on when it has time */
		while (write(slave, buf, 100) > 0)
			;
	fcntl(slave, F_SETFL, 0);
	ualarm(20000, 0);
	show("nothing written", write(slave, buf, sizeof(buf)));
	tcflush(slave, TCIOFLUSH);
	ualarm(20000, 0);
	show("read", read(slave, buf, 1));
	printf("alarms %d\n", alarms);
	close_pair();
}

static void asynchronous(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	printf("-- sigio\n");
	open_pair();
	sigaction(SIGIO, &sa, NULL);
	alarms = 0;
	show("F_GETOWN", fcntl(slave, F_GETOWN));
	show("O_ASYNC", fcntl(slave, F_SETFL, O_ASYNC));
	printf("owner is self: %d\n", fcntl(slave, F_GETOWN) == getpid());
	write(master, "a", 1);
	usleep(10000);
	printf("a byte: %d\n", alarms > 0);
	write(master, "b\n", 2);
	usleep(10000);
	printf("a line: %d\n", alarms > 0);
	close_pair();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGHUP, SIG_IGN);
	for (unsigned i = 0; i < sizeof(typed) / sizeof(typed[0]); i++)
		type(&typed[i]);
	for (unsigned i = 0; i < sizeof(printed) / sizeof(printed[0]); i++)
		print(&printed[i]);
	short_reads();
	raw_reads();
	long_line();
	change_mode();
	packets();
	ends();
	names();
	errors();
	full();
	asynchronous();
	return 0;
}
