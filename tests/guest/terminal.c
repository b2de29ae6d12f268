/* terminal: each ioctl of src/fs/ioctls.def on both ends of a pseudo terminal, and on a pipe. */
#include <asm/termbits.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"

enum direction { R, W, V };

static const struct row {
	const char *name;
	unsigned long cmd, size;
	enum direction direction;
} rows[] = {
#define HOST_IOCTL(cmd, size, direction) {#cmd, cmd, size, direction},
#include "../../src/fs/ioctls.def"
#undef HOST_IOCTL
};

/* What was read last of each size is what is written back. */
static unsigned char last[64][64];

static void try_row(int fd, const struct row *r)
{
	unsigned char *buf = last[r->size];

	/* Sizes are right: what stands behind the argument is not touched. */
	memset(buf + r->size, 0xee, sizeof(last[0]) - r->size);
	if (show(r->name, ioctl(fd, r->cmd, r->direction == V ? (void *)1 : buf)) < 0)
		return;
	for (unsigned long i = r->size; i < sizeof(last[0]); i++)
		if (buf[i] != 0xee)
			printf("byte %lu of %lu is %02x\n", i, r->size, buf[i]);
	/* Numbers of terminals and processes differ. */
	for (unsigned long i = 0; i < r->size && r->direction == R && r->size > 4; i++)
		printf("%02x%c", buf[i], i + 1 == r->size ? '\n' : ' ');
}

static void try_all(const char *what, int fd)
{
	printf("-- %s\n", what);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		try_row(fd, &rows[i]);
}

int main(void)
{
	struct winsize size = {.ws_row = 25, .ws_col = 80};
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave, ends[2], zero = 0;
	char name[64];

	if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) < 0 ||
	    ptsname_r(master, name, sizeof(name)))
		return 1;
	slave = open(name, O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(master, TIOCSWINSZ, &size) < 0 || pipe(ends) < 0)
		return 1;
	printf("written: %ld\n", (long)write(master, "line\n", 5));
	try_all("slave", slave);
	try_all("master", master);
	try_all("pipe", ends[0]);
	return 0;
}
