/* Code whose bytes change behind its back: through another mapping, a write to the file, a truncation, a
 * new mapping at its place, munmap. After each the next call must run what is there now. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static sigjmp_buf back;

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

/* mov $v, %eax; ret */
static void put(unsigned char *code, int v)
{
	code[0] = 0xb8;
	memcpy(code + 1, &v, 4);
	code[5] = 0xc3;
}

static void call(const char *what, const unsigned char *code)
{
	int sig = sigsetjmp(back, 1);

	if (sig)
		printf("%s: signal %d\n", what, sig);
	else
		printf("%s: %d\n", what, ((int (*)(void))(unsigned long)code)());
}

static void file_write(int fd, int v)
{
	unsigned char code[6];

	put(code, v);
	if (pwrite(fd, code, sizeof(code), 0) != sizeof(code))
		_exit(1);
}

static void of_files(void)
{
	int fd = open("code", O_RDWR | O_CREAT | O_TRUNC, 0700), other;
	unsigned char *w, *x;

	unlink("code");
	if (ftruncate(fd, 2 * PAGE))
		_exit(1);
	w = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	file_write(fd, 1);
	call("first", x);
	for (int v = 2; v < 5; v++) {
		put(w, v);
		call("store through another mapping", x);
		file_write(fd, v + 10);
		call("write to the file", x);
	}
	put(w + PAGE - 3, 20);
	call("across two pages", x + PAGE - 3);
	w[PAGE - 2] = 21;
	call("its first page changed", x + PAGE - 3);
	w[PAGE] = 1;
	call("its second page changed", x + PAGE - 3);
	if (ftruncate(fd, 0))
		_exit(1);
	call("file cut off", x);
	if (ftruncate(fd, PAGE))
		_exit(1);
	put(w, 30);
	call("and grown again", x);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE))
		_exit(1);
	file_write(fd, 31);
	call("a hole, and written again", x);
	other = dup(fd);
	close(fd);
	file_write(other, 32);
	call("through a copy of the descriptor", x);
	close(other);
}

static void of_mappings(void)
{
	const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, anon = MAP_PRIVATE | MAP_ANONYMOUS;
	unsigned char *a = mmap(NULL, 2 * PAGE, rwx, anon, -1, 0);
	int zero = open("/dev/zero", O_RDONLY);

	put(a, 40);
	call("anonymous", a);
	madvise(a, PAGE, MADV_DONTNEED);
	put(a, 41);
	call("after MADV_DONTNEED", a);
	mmap(a, PAGE, rwx, anon | MAP_FIXED, -1, 0);
	put(a, 42);
	call("mapped over", a);
	put(a + PAGE, 43);
	mremap(a + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, a);
	call("moved over", a);
	mprotect(a, PAGE, PROT_READ | PROT_WRITE);
	call("not executable", a);
	mprotect(a, PAGE, rwx);
	call("executable again", a);
	if (read(zero, a + 1, 4) != 4)
		_exit(1);
	call("read() into it", a);
	munmap(a, PAGE);
	call("unmapped", a);
	mmap(a, PAGE, rwx, anon | MAP_FIXED, -1, 0);
	put(a, 44);
	call("mapped anew", a);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = on_fault};

	setvbuf(stdout, NULL, _IONBF, 0);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	of_files();
	of_mappings();
	return 0;
}
