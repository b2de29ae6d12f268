/* prctl(2) and arch_prctl(2) about memory: PR_SET_MM and its map, PR_GET_AUXV, PR_SET_THP_DISABLE, PR_SET_MDWE,
 * ARCH_MAP_VDSO_64 and what else this CPU has not; personality(2) where it changes mappings. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define K_PR_GET_AUXV 0x41555856

static const char *name(long ret)
{
	return ret < 0 ? strerrorname_np(errno) : "ok";
}

static long pr(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_prctl, op, a, b, c, d);
}

/* stat(5) of this process: where its parts are. */
static void layout(struct prctl_mm_map *m)
{
	char text[2048], *p;
	int fd = open("/proc/self/stat", O_RDONLY), n = read(fd, text, sizeof(text) - 1);
	unsigned long v[53] = {0};

	close(fd);
	text[n > 0 ? n : 0] = 0;
	p = strrchr(text, ')') + 2;
	for (int i = 3; i <= 52 && p; i++) {
		v[i] = strtoul(p, NULL, 10);
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	memset(m, 0, sizeof(*m));
	m->start_code = v[26];
	m->end_code = v[27];
	m->start_stack = v[28];
	m->start_data = v[45];
	m->end_data = v[46];
	m->start_brk = v[47];
	m->arg_start = v[48];
	m->arg_end = v[49];
	m->env_start = v[50];
	m->env_end = v[51];
	m->brk = (unsigned long)sbrk(0);
	m->exe_fd = -1;
}

static long set_map(const struct prctl_mm_map *m)
{
	return pr(PR_SET_MM, PR_SET_MM_MAP, (unsigned long)m, sizeof(*m), 0);
}

static void cmdline(const char *what)
{
	char text[256] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY);
	int n = read(fd, text, sizeof(text) - 1);

	close(fd);
	printf("%s: %d bytes \"%s\"\n", what, n, n > 0 ? text : "");
}

static void fields(void)
{
	static const int odd[] = {0, 16, 99, -1};
	unsigned here = 0;

	/* Without CAP_SYS_RESOURCE all of them are refused alike, with it not: so only what is the same. */
	printf("size %s %u", name(pr(PR_SET_MM, PR_SET_MM_MAP_SIZE, (unsigned long)&here, 0, 0)),
	       here);
	printf(" bad %s", name(pr(PR_SET_MM, PR_SET_MM_MAP_SIZE, 8, 0, 0)));
	printf(" arg4 %s", name(pr(PR_SET_MM, PR_SET_MM_MAP_SIZE, (unsigned long)&here, 7, 0)));
	printf(" arg5 %s\n", name(pr(PR_SET_MM, PR_SET_MM_MAP_SIZE, (unsigned long)&here, 0, 1)));
	fflush(stdout);
	if (!fork()) {
		setresuid(65534, 65534, 65534);
		for (int opt = 1; opt <= 13; opt++)
			printf("%d:%s/%s/%s ", opt, name(pr(PR_SET_MM, opt, 0x400000, 0, 0)),
			       name(pr(PR_SET_MM, opt, 0x400000, 1, 0)),
			       name(pr(PR_SET_MM, opt, 0x400000, 0, 1)));
		for (unsigned i = 0; i < 4; i++)
			printf("%d:%s ", odd[i], name(pr(PR_SET_MM, odd[i], 0x400000, 0, 0)));
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

/* Each field of the map with addresses that none may have; then code and data moved. */
static void map_fields(const struct prctl_mm_map *was)
{
	struct prctl_mm_map m = *was, now;

	printf("as it is %s", name(set_map(&m)));
	printf(" short %s",
	       name(pr(PR_SET_MM, PR_SET_MM_MAP, (unsigned long)&m, sizeof(m) - 1, 0)));
	printf(" bad %s", name(pr(PR_SET_MM, PR_SET_MM_MAP, 8, sizeof(m), 0)));
	for (unsigned i = 0; i < 11; i++) {
		uint64_t *at = (uint64_t *)&m;

		printf(" %u:", i);
		m = *was;
		at[i] = 1UL << 47;
		printf("%s", name(set_map(&m)));
		at[i] = 0;
		printf("/%s", name(set_map(&m)));
		at[i] = 0x7ffffffff000 - 1;
		printf("/%s", name(set_map(&m)));
		at[i] = 0x10000;
		printf("/%s", name(set_map(&m)));
	}
	printf("\n");
	set_map(was);
	m = *was;
	m.start_code = 0x500000;
	m.end_code = 0x501000;
	m.start_data = m.end_data = 0x600000;
	printf("moved %s", name(set_map(&m)));
	layout(&now);
	printf(" %d %d %d\n", now.start_code == m.start_code, now.end_code == m.end_code,
	       now.end_data == m.end_data);
	set_map(was);
}

/* The command line is wherever the map says. */
static void map_arguments(const struct prctl_mm_map *was)
{
	char *own = mmap(NULL, PG, RW, ANON, -1, 0);
	struct prctl_mm_map m = *was;

	m.arg_start = (unsigned long)"another\0name\0";
	m.arg_end = m.arg_start + 13;
	printf("name %s\n", name(set_map(&m)));
	cmdline("moved");
	memcpy(own, "heap\0args", 10);
	m.arg_start = (unsigned long)own;
	m.arg_end = m.arg_start + 10;
	printf("name %s\n", name(set_map(&m)));
	cmdline("heap");
	mprotect(own, PG, PROT_NONE);
	cmdline("no rights");
	mprotect(own, PG, PROT_READ);
	m.arg_end = m.arg_start + 7; /* no NUL there: what follows is a title */
	m.env_start = m.arg_end;
	m.env_end = m.arg_start + 20;
	set_map(&m);
	cmdline("title");
	munmap(own, PG);
	cmdline("gone");
	m.env_start = was->env_start;
	m.env_end = was->env_end;
	m.arg_end = m.arg_start;
	set_map(&m);
	cmdline("empty");
	set_map(was);
}

/* How much of @size bytes of auxv a map takes, PR_GET_AUXV gives and /proc/self/auxv shows. */
static void auxv_of(struct prctl_mm_map *m, unsigned size)
{
	unsigned long mine[66], got[64] = {0};
	char file[1024];
	int n, fd;

	for (int i = 0; i < 66; i++)
		mine[i] = 100 + i;
	m->auxv = (void *)mine;
	m->auxv_size = size;
	printf("auxv %u: %s", size, name(set_map(m)));
	pr(K_PR_GET_AUXV, (unsigned long)got, sizeof(got), 0, 0);
	fd = open("/proc/self/auxv", O_RDONLY);
	n = read(fd, file, sizeof(file));
	close(fd);
	printf(" %lu %lu file %d\n", size ? got[0] : 0, size ? got[size / 8] : 0, n);
}

static void map_auxv(const struct prctl_mm_map *was)
{
	struct prctl_mm_map m = *was;
	unsigned long auxv[64] = {0};

	printf("auxv is %ld", pr(K_PR_GET_AUXV, (unsigned long)auxv, sizeof(auxv), 0, 0));
	printf(" of %lu", auxv[0]);
	printf(" cut %ld", pr(K_PR_GET_AUXV, (unsigned long)auxv, 16, 0, 0));
	printf(" none %ld", pr(K_PR_GET_AUXV, 8, 0, 0, 0));
	printf(" bad %s", name(pr(K_PR_GET_AUXV, 8, 16, 0, 0)));
	printf(" arg4 %s", name(pr(K_PR_GET_AUXV, (unsigned long)auxv, 16, 1, 0)));
	printf(" arg5 %s\n", name(pr(K_PR_GET_AUXV, (unsigned long)auxv, 16, 0, 1)));
	for (unsigned size = 0; size <= 528; size += size == 0 ? 8 : size == 8 ? 24 : 48)
		auxv_of(&m, size);
	m.auxv = NULL;
	printf("no auxv %s", name(set_map(&m)));
	m.auxv = (void *)8;
	m.auxv_size = 16;
	printf(" bad %s", name(set_map(&m)));
}

/* The program itself: still mapped, so it stays. */
static void map_program(const struct prctl_mm_map *was)
{
	struct prctl_mm_map m = *was;
	int fd;

	m.exe_fd = 999;
	printf(" exe closed %s", name(set_map(&m)));
	m.exe_fd = fd = open("/dev/null", O_RDONLY);
	printf(" null %s", name(set_map(&m)));
	close(fd);
	m.exe_fd = fd = open("/proc/self/exe", O_RDONLY);
	printf(" own %s", name(set_map(&m)));
	close(fd);
	m.exe_fd = fd = open("/etc/passwd", O_RDONLY);
	printf(" not executable %s\n", name(set_map(&m)));
	close(fd);
	fflush(stdout);
	if (!fork()) {
		setresuid(65534, 65534, 65534);
		m.exe_fd = 999;
		printf("stranger: exe %s", name(set_map(&m)));
		m.exe_fd = -1;
		printf(" map %s\n", name(set_map(&m)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void whole_map(void)
{
	struct rlimit lim = {1, RLIM_INFINITY}, old;
	struct prctl_mm_map was;

	layout(&was);
	map_fields(&was);
	map_arguments(&was);
	map_auxv(&was);
	map_program(&was);
	getrlimit(RLIMIT_DATA, &old);
	setrlimit(RLIMIT_DATA, &lim);
	printf("over RLIMIT_DATA %s\n", name(set_map(&was)));
	setrlimit(RLIMIT_DATA, &old);
}

static void switches(void)
{
	printf("thp %ld", pr(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	for (unsigned long on = 0; on < 3; on++)
		for (unsigned long flags = 0; flags < 5; flags++)
			printf(" %s/%ld", name(pr(PR_SET_THP_DISABLE, on, flags, 0, 0)),
			       pr(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	pr(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	fflush(stdout);
	if (!fork()) {
		char line[256];
		FILE *f = fopen("/proc/self/status", "r");

		while (fgets(line, sizeof(line), f))
			if (!strncmp(line, "THP_", 4))
				printf(" %s", line);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	pr(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	printf("rest %s %s\n", name(pr(PR_GET_THP_DISABLE, 1, 0, 0, 0)),
	       name(pr(PR_SET_THP_DISABLE, 1, 0, 0, 1)));
	fflush(stdout);
	if (!fork()) {
		printf("mdwe %s", name(pr(65, 2, 0, 0, 0)));
		printf(" %s", name(pr(65, 4, 0, 0, 0)));
		printf(" %s", name(pr(65, 1, 1, 0, 0)));
		printf(" %s %ld", name(pr(65, 3, 0, 0, 0)), pr(66, 0, 0, 0, 0));
		printf(" again %s", name(pr(65, 3, 0, 0, 0)));
		printf(" less %s", name(pr(65, 1, 0, 0, 0)));
		printf(" none %s", name(pr(65, 0, 0, 0, 0)));
		printf(" wx %s", name((long)mmap(NULL, PG, RW | PROT_EXEC, ANON, -1, 0)));
		{
			char *p = mmap(NULL, PG, RW, ANON, -1, 0);

			printf(" gain %s", name(mprotect(p, PG, PROT_READ | PROT_EXEC)));
			p = mmap(NULL, PG, PROT_READ | PROT_EXEC, ANON, -1, 0);
			printf(" keep %s", name(mprotect(p, PG, PROT_EXEC)));
			printf(" both %s\n", name(mprotect(p, PG, RW | PROT_EXEC)));
		}
		fflush(stdout);
		if (!fork()) {
			printf("its child %ld\n", pr(66, 0, 0, 0, 0));
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
}

static long arch(int code, unsigned long arg)
{
	return syscall(SYS_arch_prctl, code, arg);
}

static void architecture(void)
{
	unsigned long word = 7, start = 0, end = 0, vvar = 0;
	char line[256], *at;
	FILE *f;

	printf("arch:");
	for (int code = 0x4000; code < 0x4006; code++)
		printf(" %x %s", code, name(arch(code, (unsigned long)&word)));
	for (int code = 0x5000; code < 0x5006; code++)
		printf(" %x %s", code, name(arch(code, (unsigned long)&word)));
	printf(" 32 %s x32 %s", name(arch(0x2002, 0)), name(arch(0x2001, 0)));
	printf(" 64 %s\n", name(arch(0x2003, 0)));
	printf("fs beyond %s", name(arch(0x1002, 1UL << 47)));
	printf(" gs beyond %s", name(arch(0x1001, -1UL)));
	printf(" get bad %s", name(arch(0x1003, 8)));
	printf(" get gs bad %s", name(arch(0x1004, 8)));
	printf(" cpuid %s\n", name(arch(0x1011, 0)));
	/* Unmapped, the vdso can be had again, where one likes. */
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[vvar]"))
			vvar = strtoul(line, NULL, 16);
		if (strstr(line, "[vdso]"))
			sscanf(line, "%lx-%lx", &start, &end);
	}
	fclose(f);
	at = mmap(NULL, 64 * PG, PROT_NONE, ANON, -1, 0);
	munmap(at, 64 * PG);
	fflush(stdout);
	if (!fork()) {
		munmap((void *)start, end - start);
		printf("without vdso %s", name(arch(0x2003, (unsigned long)at)));
		munmap((void *)vvar, start - vvar);
		printf(" without vvar %s", name(arch(0x2003, (unsigned long)at)) + 0);
		printf(" again %s", name(arch(0x2003, (unsigned long)at)));
		f = fopen("/proc/self/maps", "r");
		while (fgets(line, sizeof(line), f))
			if (strstr(line, "[v") && !strstr(line, "vsys"))
				printf(" %s", strchr(line, '['));
		fclose(f);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void persona(void)
{
	static const unsigned long bits[] = {
		0x0020000, 0x0040000, 0x0080000, 0x0100000, 0x0200000, 0x0400000,
		0x0800000, 0x1000000, 0x2000000, 0x4000000, 0x8000000, 0x0008,
	};
	int fd;

	for (unsigned i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		fflush(stdout);
		if (!fork()) {
			unsigned long was = personality(0xffffffff);
			char *p, line[256], *zero;
			FILE *f;

			printf("%lx: %x", bits[i],
			       (unsigned)personality(was | bits[i]) & ~0x40000U);
			p = mmap(NULL, PG, PROT_READ, ANON, -1, 0);
			fd = open("/proc/self/exe", O_RDONLY);
			zero = mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0);
			mprotect(p, PG, RW);
			f = fopen("/proc/self/maps", "r");
			while (fgets(line, sizeof(line), f)) {
				unsigned long s = strtoul(line, NULL, 16);

				if (s == (unsigned long)p || s == (unsigned long)zero)
					printf(" %.4s", strchr(line, ' ') + 1);
			}
			fclose(f);
			printf(" shm %s", name((long)mmap(NULL, PG, PROT_READ,
							  MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
			printf(" low %d\n", (unsigned long)p < 1UL << 32);
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 15);
	fields();
	whole_map();
	switches();
	architecture();
	persona();
	return 0;
}
