/*
 * proc_file NAME...: writes /proc/self/NAME with plain calls, for comparison. With -a only the
 * smaps entries of anonymous mappings at fixed places, which every kernel counts alike.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char buf[1 << 17];

static long slurp(const char *name)
{
	char path[100];
	long n = 0, r;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	while (fd >= 0 && (r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += r;
	if (fd >= 0)
		close(fd);
	buf[n] = 0;
	return fd < 0 ? -1 : n;
}

static void anonymous(void)
{
	char *base = (char *)0x10000000, *line, *next;
	int wanted = 0;

	mmap(base, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
	mmap(base + 32 * 4096, 16 * 4096, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (int i = 0; i < 5; i++)
		base[i * 4096] = base[(32 + 2 * i) * 4096] = 1;
	mprotect(base + 4096, 4096, PROT_READ);
	if (base[8 * 4096])
		return;
	slurp("smaps");
	for (line = buf; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (line[0] < 'A')
			wanted = !strncmp(line, "100", 3) && line[8] == '-';
		/* The inode of a shared anonymous mapping is the kernel's own. */
		if (wanted && line[0] < 'A')
			printf("%.31s\n", line);
		else if (wanted)
			puts(line);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-a"))
			anonymous();
		else if (slurp(argv[i]) < 0)
			printf("%s: cannot be read\n", argv[i]);
		else
			write(1, buf, strlen(buf));
		fflush(stdout);
	}
	return 0;
}
