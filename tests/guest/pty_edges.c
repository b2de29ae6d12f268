/* pty_edges: what a pseudo terminal does at its edges: echo that a signal takes away, STOP behind what nobody
 * reads, reads and writes that cross into bad memory, more than 64 bytes at a time, EXTPROC, a lock while
 * it is open, one reader at a time; and what /proc tells of terminals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master, slave;
static char slave_name[64];

static long show(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
	return ret;
}

static int ready(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, 0);
	return p.revents;
}

static int queued(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

/* The kernel moves bytes when it has time: waits until @fd has @n, and tells how many there are in the end. */
static void arrives(const char *what, int fd, int n)
{
	for (int i = 0; i < 5000 && queued(fd) != n; i++)
		usleep(1000);
	printf("%s: %d there\n", what, queued(fd));
}

/* The same, until @fd can (@can) be written to. */
static void writable(const char *what, int fd, int can)
{
	for (int i = 0; i < 5000 && !!(ready(fd, POLLOUT) & POLLOUT) != can; i++)
		usleep(1000);
	printf("%s: writable %d\n", what, !!(ready(fd, POLLOUT) & POLLOUT));
}

static void show_read(const char *what, int fd, int size)
{
	char buf[8192];
	long n = read(fd, buf, size);

	show(what, n);
	for (long i = 0; i < n && i < 64; i++)
		printf(buf[i] < 0x20 || buf[i] == 0x7f ? "\\%02x" : "%c", buf[i] & 0xff);
	if (n > 0)
		putchar('\n');
}

static void open_pair(const char *name, tcflag_t i_on, tcflag_t l_off, tcflag_t l_on)
{
	struct termios tio;

	printf("-- %s\n", name);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, slave_name, sizeof(slave_name)))
		exit(1);
	slave = open(slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (slave < 0 || tcgetattr(slave, &tio))
		exit(1);
	tio.c_iflag |= i_on;
	tio.c_lflag = (tio.c_lflag & ~l_off) | l_on;
	tio.c_cc[VMIN] = 1;
	tcsetattr(slave, TCSANOW, &tio);
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

static void set_min(int n)
{
	struct termios tio;

	tcgetattr(slave, &tio);
	tio.c_cc[VMIN] = n;
	tcsetattr(slave, TCSANOW, &tio);
}

/* --- echo ---------------------------------------------------------------------------------------- */

/* Echo that has not gone out when INTR comes is lost, and its columns are: a tab then goes back from where
 * the cursor is. */
static void lost_echo(void)
{
	open_pair("echo and signals", 0, 0, 0);
	write(master, "abcde\003xy\t\177z", 11);
	arrives("echo", master, 10);
	show_read("echo", master, 100);
	write(master, "\t\177\n", 3);
	arrives("line", slave, 4);
	show_read("line", slave, 100);
	show_read("echo", master, 100);
	close_pair();
}

/* Echo waits while output is stopped, and goes before what is written then. TCOON starts only what TCOOFF
 * has stopped. */
static void stopped_echo(void)
{
	open_pair("echo and flow", 0, 0, 0);
	write(master, "ab\023cd", 5);
	writable("stopped", slave, 0);
	show("TCOON", tcflow(slave, TCOON));
	writable("still stopped", slave, 0);
	show("TCOOFF", tcflow(slave, TCOOFF));
	write(master, "\021e", 2);
	writable("START does not help", slave, 0);
	show("TCOON", tcflow(slave, TCOON));
	writable("started", slave, 1);
	show("written", write(slave, "W", 1));
	arrives("all", master, 6);
	show_read("all", master, 100);
	close_pair();
}

/* STOP and START work at once, also behind a backlog. */
static void look_ahead(void)
{
	static char text[5000];

	open_pair("flow behind a backlog", 0, ICANON | ECHO, 0);
	memset(text, 'k', sizeof(text));
	show("much", write(master, text, sizeof(text)));
	arrives("much", slave, 4095);
	write(master, "\023", 1);
	writable("stopped", slave, 0);
	write(master, "\021", 1);
	writable("started", slave, 1);
	for (int left = 5000, n; left > 0; left -= n) {
		n = read(slave, text, sizeof(text));
		if (n < 0) {
			usleep(1000);
			n = 0;
		}
	}
	arrives("nothing else", slave, 0);
	writable("once only", slave, 1);
	close_pair();
}

/* --- how much ------------------------------------------------------------------------------------ */

static void more_than_64(void)
{
	static char text[300];

	open_pair("VMIN and 64 bytes", 0, ICANON | ECHO | ISIG, 0);
	set_min(100);
	memset(text, 'z', sizeof(text));
	write(master, text, 70);
	arrives("70", slave, 70);
	printf("ready %x\n", ready(slave, POLLIN));
	show("200", read(slave, text, 200));
	show("the rest", read(slave, text, 200));
	show("none", read(slave, text, 200));
	write(master, text, 250);
	arrives("250", slave, 250);
	for (int i = 0; i < 3; i++)
		show("90", read(slave, text, 90));
	close_pair();
}

/* A chunk of a write that cannot be read as a whole is not written; what a read cannot hand out is gone. */
static void bad_memory(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_pair("bad memory", 0, ICANON | ECHO | ISIG, 0);
	mprotect(page + 4096, 4096, PROT_NONE);
	memset(page, 'q', 4096);
	show("across", write(slave, page + 4090, 100));
	show("in the third chunk", write(slave, page, 5000));
	arrives("two chunks", master, 4095);
	show("nothing", write(slave, page, 0));
	show("nothing of nowhere", write(slave, page + 4096, 0));
	write(master, page, 80);
	arrives("80", slave, 80);
	show("6 of 10", read(slave, page + 4090, 10));
	printf("left %d\n", queued(slave));
	show("to nowhere", read(slave, page + 4096, 10));
	printf("left %d\n", queued(slave));
	close_pair();
}

static void extproc(void)
{
	open_pair("EXTPROC", 0, ECHO, EXTPROC);
	write(master, "\004", 1);
	arrives("eof", slave, 1);
	show_read("an eof by itself", slave, 10);
	show_read("gone", slave, 10);
	write(master, "a\004", 2);
	arrives("more", slave, 2);
	show_read("not by itself", slave, 10);
	close_pair();
}

/* --- who ----------------------------------------------------------------------------------------- */

static void locked(void)
{
	int lock = 1, fd;

	open_pair("locked while it is open", 0, 0, 0);
	show("lock", ioctl(master, TIOCSPTLCK, &lock));
	show("write", write(slave, "x", 1));
	show("open", open(slave_name, O_RDWR | O_NOCTTY));
	show("write", write(slave, "x", 1));
	show_read("read", slave, 1);
	printf("ioctl %d\n", queued(slave));
	lock = 0;
	show("unlock", ioctl(master, TIOCSPTLCK, &lock));
	fd = open(slave_name, O_RDWR | O_NOCTTY);
	show("open", fd < 0 ? -1 : 0);
	show("write", write(slave, "x", 1));
	close(fd);
	close_pair();
}

/* One reader at a time: another one waits its turn, or does not want to. */
static void readers(void)
{
	char stat[64], path[64];
	int status, fd;
	pid_t pid;
	FILE *f;

	open_pair("two readers", 0, ECHO, 0);
	fflush(stdout);
	fcntl(slave, F_SETFL, 0);
	pid = fork();
	if (!pid)
		_exit(read(slave, path, sizeof(path)));
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 5000; i++, usleep(1000)) { /* until it sleeps: in its read */
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %60s", stat) != 1)
			exit(1);
		fclose(f);
		if (!strcmp(stat, "S"))
			break;
	}
	fd = open(slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	show_read("another", fd, 10);
	write(master, "line\n", 5);
	waitpid(pid, &status, 0);
	printf("the first has %d\n", WEXITSTATUS(status));
	show_read("another", fd, 10);
	close(fd);
	close_pair();
}

/* --- the rest ------------------------------------------------------------------------------------ */

static void termio(void)
{
	unsigned char io[20];

	open_pair("struct termio", 0, 0, 0);
	memset(io, 0x55, sizeof(io));
	show("TCGETA", ioctl(slave, TCGETA, io));
	for (unsigned i = 0; i < sizeof(io); i++)
		printf("%02x", io[i]);
	putchar('\n');
	close_pair();
}

static void show_lines(const char *path, const char *of)
{
	char line[256], name[64];
	FILE *f = fopen(path, "r");

	if (!f)
		exit(1);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%60s", name) == 1 && strstr(of, name))
			printf("%s", line);
	fclose(f);
}

static void show_number(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = -1;

	printf("%s: %d\n", path, f && fscanf(f, "%d", &n) == 1 && n >= 0);
	if (f)
		fclose(f);
}

static void of_proc(void)
{
	printf("-- proc\n");
	show_lines("/proc/tty/drivers", "/dev/tty /dev/ptmx pty_slave pty_master");
	show_lines("/proc/tty/ldiscs", "n_tty");
	show_number("/proc/sys/kernel/pty/max");
	show_number("/proc/sys/kernel/pty/nr");
	show_number("/proc/sys/kernel/pty/reserve");
	show_number("/proc/sys/dev/tty/legacy_tiocsti");
	show_number("/proc/sys/dev/tty/ldisc_autoload");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGHUP, SIG_IGN);
	lost_echo();
	stopped_echo();
	look_ahead();
	more_than_64();
	bad_memory();
	extproc();
	locked();
	readers();
	termio();
	of_proc();
	return 0;
}
