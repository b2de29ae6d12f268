/* drive: a program on a pseudo terminal, typed to by a script. drive SCRIPT COMMAND ARGS...
 *
 * A line of SCRIPT is a word and a text, in which \n \r \t \e \\ \xHH are as in C and ^X is a control key:
 *	send TEXT	types it
 *	expect TEXT	waits until TEXT has been printed since the last expect, and prints all up to there
 *	size ROWS COLS	the terminal becomes so large
 *	hangup		the terminal goes
 *	pause MS	lets some time go by
 *	end		waits for the command's end, and prints what is left and how it ended
 * Numbers of three and more digits are printed as N: they are pids.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 60000 /* of silence */

static int master;
static pid_t child;
static char seen[1 << 16]; /* printed by the command, not by us yet */
static long nr_seen;

static void print_seen(long n)
{
	int digits = 0;

	for (long i = 0; i < n; i++) {
		unsigned char c = seen[i];

		if (isdigit(c)) {
			digits++;
			continue;
		}
		if (digits > 2)
			putchar('N');
		else
			printf("%.*s", digits, seen + i - digits);
		digits = 0;
		if (c == '\n')
			putchar('\n');
		else if (c != '\r' && (c < 0x20 || c >= 0x7f))
			printf("\\x%02x", c);
		else if (c != '\r')
			putchar(c);
	}
	if (digits > 2)
		putchar('N');
	else
		printf("%.*s", digits, seen + n - digits);
	memmove(seen, seen + n, nr_seen - n);
	nr_seen -= n;
}

static void die(const char *why, const char *what)
{
	printf("\n*** %s: %s; printed since:\n", why, what);
	print_seen(nr_seen);
	putchar('\n');
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	exit(1);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* False: nothing more will come, or not in time. */
static int more(long until)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	long left = until - now_ms(), n;

	if (left < 0 || nr_seen == sizeof(seen) || poll(&p, 1, left) <= 0)
		return 0;
	n = read(master, seen + nr_seen, sizeof(seen) - nr_seen);
	if (n <= 0)
		return 0;
	nr_seen += n;
	return 1;
}

static void expect(const char *text)
{
	long len = strlen(text);
	char *at;

	while (!(at = memmem(seen, nr_seen, text, len)))
		if (!more(now_ms() + TIMEOUT_MS))
			die("not found", text);
	print_seen(at + len - seen);
}

static void type(const char *text, long len)
{
	while (len) {
		long n = write(master, text, len);

		if (n <= 0)
			die("typing", strerror(errno));
		text += n;
		len -= n;
	}
}

/* In place; the length. */
static long unescape(char *text)
{
	char *to = text, *from = text;

	for (; *from; from++) {
		if (*from == '^' && from[1]) {
			*to++ = *++from == '?' ? 0x7f : *from & 0x1f;
		} else if (*from == '\\' && from[1]) {
			static const char names[] = "nrte\\^", bytes[] = "\n\r\t\033\\^";
			const char *name = strchr(names, *++from);
			char hex[3] = {from[1], from[1] ? from[2] : 0, 0};

			if (*from == 'x') {
				*to++ = strtol(hex, NULL, 16);
				from += 2;
			} else {
				*to++ = name ? bytes[name - names] : *from;
			}
		} else {
			*to++ = *from;
		}
	}
	*to = 0;
	return to - text;
}

static void finish(void)
{
	int status;
	long until;

	do
		until = now_ms() + TIMEOUT_MS;
	while (more(until));
	if (now_ms() >= until)
		die("does not end", "");
	print_seen(nr_seen);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("\n[killed by SIG%s]\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("\n[exit %d]\n", WEXITSTATUS(status));
}

static void step(char *line)
{
	char *text = line + strcspn(line, " \t");
	struct winsize size = {.ws_row = 0};
	long len;

	if (*text)
		*text++ = 0;
	text += strspn(text, " \t");
	len = unescape(text);
	if (!strcmp(line, "send")) {
		type(text, len);
	} else if (!strcmp(line, "expect")) {
		expect(text);
	} else if (!strcmp(line, "size")) {
		size.ws_row = strtol(text, &text, 10);
		size.ws_col = strtol(text, NULL, 10);
		ioctl(master, TIOCSWINSZ, &size);
	} else if (!strcmp(line, "pause")) {
		usleep(strtol(text, NULL, 10) * 1000);
	} else if (!strcmp(line, "hangup")) {
		close(master);
		master = -1;
	} else if (!strcmp(line, "end")) {
		finish();
	} else if (*line && *line != '#') {
		die("no such word", line);
	}
}

static void run(char **argv)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	char name[64];
	int slave;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, name, sizeof(name)) || ioctl(master, TIOCSWINSZ, &size))
		exit(2);
	child = fork();
	if (child)
		return;
	setsid();
	slave = open(name, O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	if (slave > 2)
		close(slave);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	char line[1024];
	FILE *script;

	script = argc > 2 ? fopen(argv[1], "re") : NULL;
	if (!script)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	run(argv + 2);
	while (fgets(line, sizeof(line), script)) {
		line[strcspn(line, "\n")] = 0;
		step(line);
	}
	fclose(script);
	return 0;
}
