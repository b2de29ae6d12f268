/* How numbers are written to files of /proc/sys: what each handler of the kernel takes, how much of it,
 * and what is stored. sysctl_rules.txt holds what Linux 6.18 printed for files of the same handlers in a
 * network and a user namespace of its own, so that nobody's settings were changed:
 * unshare -Urn sysctl_rules native. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files with the same handler, here and there. */
static const struct {
	const char *handler, *here, *there, *start;
	unsigned long most; /* that file's there; what is more is left out */
} files[] = {
	{"proc_dointvec", "vm/oom_dump_tasks", "net/unix/max_dgram_qlen", "1", -1},
	{"proc_dointvec_minmax, not below 0", "vm/page_lock_unfairness", "net/core/somaxconn", "1",
	 -1},
	{"proc_dointvec_jiffies", "vm/laptop_mode", "net/ipv4/tcp_fin_timeout", "1", -1},
	{"proc_doulongvec_minmax", "vm/user_reserve_kbytes", "user/max_user_namespaces", "1",
	 0x7fffffff},
};

#define SPACES50 "                                                  "
static const struct {
	const char *text;
	int len; /* 0: up to the NUL */
} texts[] = {
	{"0", 0},
	{"1\n", 0},
	{" 2", 0},
	{"3 ", 0},
	{"0 1", 0},
	{"4 x", 0},
	{"5x", 0},
	{"x", 0},
	{"-1", 0},
	{"-5 3", 0},
	{"-", 0},
	{"--1", 0},
	{"- 1", 0},
	{"+5", 0},
	{"", 0},
	{" ", 0},
	{"\n", 0},
	{"\n\n6\n\n", 0},
	{"0x10", 0},
	{"0X1f", 0},
	{"0x", 0},
	{"010", 0},
	{"08", 0},
	{"1.5", 0},
	{"1,2", 0},
	{"1e3", 0},
	{"2000000", 0},
	{"2147483", 0},
	{"2147484", 0},
	{"8589934", 0},
	{"8589935", 0},
	{"2147483647", 0},
	{"2147483648", 0},
	{"-2147483648", 0},
	{"-2147483649", 0},
	{"4294967295", 0},
	{"4294967296", 0},
	{"4294967297", 0},
	{"18446744073709551615", 0},
	{"18446744073709551616", 0},
	{"00000000000000000007", 0},
	{"000000000000000000007", 0},
	{"0000000000000000000007", 0},
	{"7\0", 2},
	{"7\0 8", 4},
	{"\0", 1},
	{"7\n\0", 3},
	{"\t9\n", 0},
	{"9\v", 0},
	{"9\r\n", 0},
	{"\v9", 0},
	{"9 \v", 0},
	{"\2409", 0},
	{SPACES50 "11", 0},
	{"12" SPACES50, 0},
	{"13" SPACES50 "14", 0},
};

static char path[200];

static const char *value(void)
{
	static char text[200];
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = '.';
	return text;
}

static void show(const char *text, int len)
{
	printf("  \"");
	for (int i = 0; i < len; i++)
		if (text[i] < ' ')
			printf("\\%o", (unsigned char)text[i]);
		else
			putchar(text[i]);
	printf("\": ");
}

static void result(long n)
{
	if (n < 0)
		printf("%s", strerrorname_np(errno));
	else
		printf("%ld", n);
}

static void reset(const char *start)
{
	int fd = open(path, O_WRONLY);

	if (write(fd, start, strlen(start)) < 0)
		printf("cannot write %s: %s\n", path, strerror(errno)), exit(1);
	close(fd);
}

static void put_texts(const char *start, unsigned long most)
{
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int len = texts[i].len ? texts[i].len : (int)strlen(texts[i].text), fd;

		errno = 0;
		if (strtoul(texts[i].text, 0, 0) > most && !errno && texts[i].text[0] != '-')
			continue;
		reset(start);
		fd = open(path, O_WRONLY);
		show(texts[i].text, len);
		result(write(fd, texts[i].text, len));
		printf(" at %ld, %s\n", (long)lseek(fd, 0, SEEK_CUR), value());
		close(fd);
	}
}

/* Longer than what is looked at, and pieces. */
static void positions(const char *start)
{
	static char long_text[10000];
	int fd;

	reset(start);
	fd = open(path, O_RDWR);
	memset(long_text, ' ', sizeof(long_text));
	memcpy(long_text, "21", 2);
	printf("  21 and blanks: ");
	result(write(fd, long_text, sizeof(long_text)));
	printf(" at %ld, %s\n", (long)lseek(fd, 0, SEEK_CUR), value());
	lseek(fd, 0, SEEK_SET);
	memcpy(long_text, "  ", 2);
	memcpy(long_text + 4093, "22 23", 5);
	printf("  4093 blanks and 22 23: ");
	result(write(fd, long_text, 5000));
	printf(" %s\n  4094 blanks and 34: ", value());
	memset(long_text, ' ', sizeof(long_text));
	memcpy(long_text + 4094, "34", 2);
	result(pwrite(fd, long_text, 5000, 0));
	printf(" %s\n  4095 blanks and 5: ", value());
	memset(long_text, ' ', sizeof(long_text));
	memcpy(long_text + 4095, "5", 1);
	result(pwrite(fd, long_text, 5000, 0));
	printf(" %s\n", value());
	lseek(fd, 0, SEEK_SET);
	printf("  24, then 25: ");
	result(write(fd, "24", 2));
	printf(" ");
	result(write(fd, "25", 2));
	printf(" at %ld, %s\n  26 at 1: ", (long)lseek(fd, 0, SEEK_CUR), value());
	result(pwrite(fd, "26", 2, 1));
	printf(" %s\n  x at 1: ", value());
	result(pwrite(fd, "x", 1, 1));
	printf(" %s\n  27 at 0: ", value());
	result(pwrite(fd, "27", 2, 0));
	printf(" %s\n  nothing: ", value());
	result(write(fd, "", 0));
	printf("\n  from nowhere: ");
	result(write(fd, *(char *volatile *)&(char *){(char *)8}, 10));
	printf("\n");
	close(fd);
	fd = open(path, O_RDWR | O_APPEND);
	printf("  appended: ");
	result(write(fd, "28", 2));
	result(write(fd, "29", 2));
	printf(" %s\n", value());
	close(fd);
	fd = open(path, O_WRONLY | O_TRUNC);
	printf("  truncated: %s\n", value());
	close(fd);
	reset(start);
}

int main(int argc, char **argv)
{
	int native = argc > 1 && !strcmp(argv[1], "native");

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s",
			 native ? files[i].there : files[i].here);
		printf("%s\n", files[i].handler);
		put_texts(files[i].start, files[i].most);
		positions(files[i].start);
	}
	return 0;
}
