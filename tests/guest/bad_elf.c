/*
 * execve() of damaged ELF files, and of what is no file: one child for each, its error, or how the new
 * program ended. The same on the host and here.
 *
 *	bad_elf			the rows of bad_elf.def, then devices, FIFOs, directories and links
 *	bad_elf random N	N files with a few header fields changed at random, some with such an interpreter
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT 0x400000UL
#define DATA 0x402000UL
#define CODE 0x200   /* in the file */
#define STATUS 9     /* the first byte of data */
#define LD_STATUS 40 /* an interpreter's */

struct image {
	Elf64_Ehdr e;
	Elf64_Phdr p[4];
	uint8_t code[0x1008 - sizeof(Elf64_Ehdr) -
		     4 * sizeof(Elf64_Phdr)]; /* up to the file's end */
};

/* Adds up data and bss, and exits with that. It finds its data wherever it was loaded. */
__asm__(".pushsection .rodata\n"
	"sum:	lea sum-0x200+0x2000(%rip), %rsi\n"
	"	mov $0x2800, %ecx\n"
	"	xor %edi, %edi\n"
	"1:	movzbl (%rsi), %eax\n"
	"	add %eax, %edi\n"
	"	inc %rsi\n"
	"	loop 1b\n"
	"	mov %edi, -1(%rsi)\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"sum_end:\n"
	".popsection\n");
extern const uint8_t sum[], sum_end[];

static void sound(struct image *f)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->e.e_ident, ELFMAG, SELFMAG);
	f->e.e_ident[EI_CLASS] = ELFCLASS64;
	f->e.e_ident[EI_DATA] = ELFDATA2LSB;
	f->e.e_ident[EI_VERSION] = f->e.e_version = EV_CURRENT;
	f->e.e_type = ET_EXEC;
	f->e.e_machine = EM_X86_64;
	f->e.e_entry = TEXT + CODE;
	f->e.e_phoff = offsetof(struct image, p);
	f->e.e_ehsize = sizeof(f->e);
	f->e.e_phentsize = sizeof(f->p[0]);
	f->e.e_phnum = 3;
	f->p[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, TEXT, TEXT, 0x1000, 0x1000, 0x1000};
	f->p[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x1000, DATA, DATA, 8, 0x2800, 0x1000};
	f->p[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16};
	memcpy((uint8_t *)f + CODE, sum, sum_end - sum);
	((uint8_t *)f)[0x1000] = STATUS;
}

/* @f names an interpreter. */
static void interp(struct image *f, const char *name)
{
	f->p[2].p_type = PT_INTERP;
	f->p[2].p_offset = 0x800;
	f->p[2].p_filesz = strlen(name) + 1;
	strcpy((char *)f + 0x800, name);
}

/* @f names @ld, which becomes the file ./ld: position independent like a true one, and it exits with LD_STATUS. */
static void with_ld(struct image *f, struct image *ld)
{
	interp(f, "./ld");
	ld->e.e_type = ET_DYN;
	ld->p[0].p_vaddr -= TEXT;
	ld->p[1].p_vaddr -= TEXT;
	ld->e.e_entry -= TEXT;
	((uint8_t *)ld)[0x1000] = LD_STATUS;
}

/* The @want-th row of the table; NULL behind the last. */
static const char *damage(struct image *f, struct image *ld, int want)
{
#define ODD(name, ...)                                                                             \
	if (!want--) {                                                                             \
		__VA_ARGS__;                                                                       \
		return name;                                                                       \
	}
#include "bad_elf.def"
#undef ODD
	return NULL;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd))
		exit(1);
}

/* Executes it in a child: what came of it, in words. @elsewhere: it begins in bytes that are not its own, and which signal
 * those raise is nobody's promise. */
static void run(const char *name, const char *path, bool elsewhere)
{
	const struct rlimit no_core = {0, 0};
	char *argv[] = {"x", NULL}, *envp[] = {NULL};
	int fds[2], err = 0, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		execve(path, argv, envp);
		err = errno;
		_exit(write(fds[1], &err, sizeof(err)) != sizeof(err));
	}
	close(fds[1]);
	if (read(fds[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (err)
		printf("%s: %s\n", name, strerrorname_np(err));
	else if (WIFSIGNALED(status) && elsewhere)
		printf("%s: a signal\n", name);
	else if (WIFSIGNALED(status))
		printf("%s: signal %d\n", name, WTERMSIG(status));
	else
		printf("%s: exit %d\n", name, WEXITSTATUS(status));
}

/* Whether @f, loaded anywhere, begins outside of its segments: that may be in the vdso, whose bytes there are tables. */
static bool begins_elsewhere(const struct image *f)
{
	for (int i = 0; i < 4; i++) {
		if (f->p[i].p_type == PT_LOAD && f->e.e_entry - f->p[i].p_vaddr < f->p[i].p_memsz)
			return false;
	}
	return f->e.e_type == ET_DYN;
}

/* @ld: the interpreter that it may name. */
static void run_image(const char *name, const struct image *f, const struct image *ld, size_t len)
{
	write_file("odd", f, len);
	run(name, "./odd", begins_elsewhere(f) || begins_elsewhere(ld));
	unlink("odd");
}

static void damaged(void)
{
	struct image f, ld;
	const char *name;
	char text[80] = "no ELF file, and longer than the header of one";

	write_file("empty", "", 0);
	write_file("text", text, sizeof(text));
	for (int i = 0;; i++) {
		sound(&f);
		sound(&ld);
		name = damage(&f, &ld, i);
		if (!name)
			break;
		write_file("ld", &ld, sizeof(ld));
		run_image(name, &f, &ld, sizeof(f));
	}
	for (size_t len = 0; len < sizeof(f); len += len < 0x140 ? 13 : 0x155) {
		sound(&f);
		snprintf(text, sizeof(text), "cut to %zu bytes", len);
		run_image(text, &f, &f, len);
	}
	unlink("empty");
	unlink("text");
	unlink("ld");
}

/* Nothing but a regular file is opened: a FIFO would wait for its writer. */
static void no_files(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	mkfifo("fifo", 0755);
	mkdir("dir", 0755);
	bind(fd, (void *)&a, sizeof(a));
	if (symlink("loop", "loop") || symlink("nowhere", "dangling") || symlink("fifo", "link"))
		exit(1);
	write_file("plain", "", 0);
	chmod("plain", 0644);
	run("FIFO", "fifo", false);
	run("link to a FIFO", "./link", false);
	run("directory", "./dir", false);
	run("directory with a slash", "dir/", false);
	run("socket", "socket", false);
	run("device", "/dev/null", false);
	run("endless link", "loop", false);
	run("link to nothing", "dangling", false);
	run("no x", "plain", false);
	run("no name", "", false);
	run("a file as a directory", "plain/x", false);
	unlink("fifo");
	unlink("link");
	unlink("loop");
	unlink("dangling");
	unlink("plain");
	unlink("socket");
	rmdir("dir");
	close(fd);
}

static uint64_t state;

static uint64_t rnd(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A value for a field. None that only the size of the machine's memory decides about. */
static uint64_t nasty(uint64_t old)
{
	const uint64_t values[] = {
		0,
		1,
		2,
		~0UL,
		~0UL >> 1,
		1UL << 63,
		1UL << 47,
		(1UL << 47) - 4096,
		(1UL << 47) - 8192,
		TEXT,
		DATA,
		sizeof(struct image),
		sizeof(struct image) + 1,
		old + 1,
		old - 1,
		old + 4096,
		old - 4096,
		old ^ 0xfff,
		0xfff,
		0x1000,
		~0xfffUL,
		rnd() & 0xffff,
		rnd() & 0x3fffff,
		old + (rnd() & 0xf000),
		rnd() & 7,
	};

	return values[rnd() % (sizeof(values) / sizeof(values[0]))];
}

static void damage_at_random(struct image *f)
{
	static const uint8_t header[][2] = {
		{4, 1},	 {5, 1},  {16, 2}, {18, 2}, {20, 4}, {24, 8},
		{32, 8}, {48, 4}, {52, 2}, {54, 2}, {56, 2},
	};
	static const uint8_t segment[][2] = {
		{0, 4}, {4, 4}, {8, 8}, {16, 8}, {32, 8}, {40, 8}, {48, 8},
	};
	const uint8_t *field;
	uint8_t *at = (uint8_t *)f;
	uint64_t value = 0;

	if (rnd() % 6) {
		at = (uint8_t *)&f->p[rnd() % 3];
		field = segment[rnd() % 7];
	} else {
		field = header[rnd() % 11];
	}
	memcpy(&value, at + field[0], field[1]);
	value = nasty(value);
	memcpy(at + field[0], &value, field[1]);
}

static void at_random(int n)
{
	struct image f, ld;
	char name[16];

	for (int i = 0; i < n; i++) {
		state = i;
		sound(&f);
		f.e.e_type = rnd() % 3 ? ET_EXEC : ET_DYN;
		for (int k = 1 + rnd() % 4; k; k--)
			damage_at_random(&f);
		sound(&ld);
		if (!(rnd() % 3)) {
			with_ld(&f, &ld);
			for (int k = rnd() % 4; k; k--)
				damage_at_random(&ld);
			write_file("ld", &ld, rnd() % 8 ? sizeof(ld) : rnd() % sizeof(ld));
		}
		snprintf(name, sizeof(name), "%d", i);
		run_image(name, &f, &ld, rnd() % 8 ? sizeof(f) : rnd() % sizeof(f));
	}
	unlink("ld");
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "random")) {
		at_random(atoi(argv[2]));
		return 0;
	}
	damaged();
	no_files();
	return 0;
}
