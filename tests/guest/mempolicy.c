/* NUMA policies of memory, on a machine with one node: mbind, set_mempolicy, get_mempolicy,
 * set_mempolicy_home_node, migrate_pages, move_pages, with each mode, flag and error; and what they do
 * to areas and /proc/PID/numa_maps. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define STATIC 0x8000
#define RELATIVE 0x4000
#define BALANCING 0x2000
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, WEIGHTED };
#define F_NODE 1
#define F_ADDR 2
#define F_MEMS 4
#define STRICT 1
#define MOVE 2
#define MOVE_ALL 4

static char *area; /* 64 pages of room */

static const char *err_name(long ret)
{
	return ret < 0 ? strerrorname_np(errno) : "ok";
}

static long mbind(void *p, unsigned long len, long mode, const void *mask, unsigned long maxnode,
		  unsigned flags)
{
	return syscall(SYS_mbind, p, len, mode, mask, maxnode, flags);
}

static long set_policy(int mode, const void *mask, unsigned long maxnode)
{
	return syscall(SYS_set_mempolicy, mode, mask, maxnode);
}

static long get_policy(int *mode, void *mask, unsigned long maxnode, void *addr,
		       unsigned long flags)
{
	return syscall(SYS_get_mempolicy, mode, mask, maxnode, addr, flags);
}

static long home_node(void *p, unsigned long len, unsigned long node, unsigned long flags)
{
	return syscall(450, p, len, node, flags);
}

static void room(void)
{
	mmap(area, 64 * PG, PROT_NONE, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
	munmap(area, 64 * PG);
}

/* The areas of the room, with their policies and counts. */
static void show(const char *what)
{
	unsigned long at, start, end;
	char line[1024], maps[1024];
	FILE *n = fopen("/proc/self/numa_maps", "r"), *m = fopen("/proc/self/maps", "r");

	printf("%s:", what);
	while (fgets(line, sizeof(line), n) && fgets(maps, sizeof(maps), m)) {
		char *text = strchr(line, ' ');
		char *file;

		at = strtoul(line, NULL, 16);
		sscanf(maps, "%lx-%lx", &start, &end);
		if (at < (unsigned long)area || at >= (unsigned long)area + 64 * PG)
			continue;
		text[strcspn(text, "\n")] = 0;
		file = strstr(text, " file=");
		printf(" [%lu,%lu%s%.*s]", (at - (unsigned long)area) / PG,
		       (end - (unsigned long)area) / PG, start == at ? "" : "?",
		       file ? (int)(file - text) + 5 : 100, text);
		if (file && strchr(file + 1, ' '))
			printf("..%s", strchr(file + 1, ' '));
	}
	printf("\n");
	fclose(n);
	fclose(m);
}

/* The task's policy. */
static void show_task(const char *what)
{
	uint64_t mask[16] = {0};
	int mode = -1;
	long ret = get_policy(&mode, mask, 1024, NULL, 0);

	printf("%s: %s mode %x mask %lx\n", what, err_name(ret), mode, mask[0]);
}

static void show_addr(const char *what, void *p)
{
	uint64_t mask[16] = {0};
	int mode = -1;
	long ret = get_policy(&mode, mask, 1024, p, F_ADDR);

	printf("%s: %s mode %x mask %lx", what, err_name(ret), mode, mask[0]);
	mode = -1;
	ret = get_policy(&mode, NULL, 0, p, F_ADDR | F_NODE);
	printf(", node: %s %d\n", err_name(ret), mode);
}

/* --- set_mempolicy, get_mempolicy ------------------------------------------------------------ */

static void task_modes(void)
{
	static const int flags[] = {
		0, STATIC, RELATIVE, STATIC | RELATIVE, BALANCING, STATIC | BALANCING, 0x1000};
	static const uint64_t masks[] = {0, 1, 2, 3, 1UL << 63};

	for (int mode = -1; mode < 9; mode++)
		for (unsigned f = 0; f < sizeof(flags) / sizeof(*flags); f++) {
			printf("mode %d+%x:", mode, flags[f]);
			for (unsigned k = 0; k < 5; k++) {
				uint64_t got[16] = {0};
				long ret = set_policy(mode | flags[f], &masks[k], 65);
				int m = -1, next = -1;

				printf(" %s", err_name(ret));
				if (ret)
					continue;
				get_policy(&m, got, 1024, NULL, 0);
				printf("(%x,%lx", m, got[0]);
				ret = get_policy(&next, NULL, 0, NULL, F_NODE);
				printf(",%s,%d)", err_name(ret), next);
				set_policy(DEFAULT, NULL, 0);
			}
			printf("\n");
		}
}

static void masks_from_user(void)
{
	static const unsigned long sizes[] = {0,    1,	   2,	  3,	 63,	64,    65,
					      66,   128,   1023,  1024,	 1025,	1026,  2048,
					      4096, 32767, 32768, 32769, 32770, 65536, -1UL};
	static uint64_t mask[1024];
	char *edge = area + 4 * PG;

	room();
	mmap(area, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		printf("maxnode %ld:", (long)sizes[i]);
		for (int k = 0; k < 5; k++) {
			memset(mask, 0, sizeof(mask));
			mask[0] = 1;
			if (k == 1)
				mask[0] = 0xff;
			if (k == 2)
				mask[16] = 1; /* node 1024 */
			if (k == 3)
				mask[511] = 1UL << 63;
			if (k == 4)
				mask[0] |= 1UL << 40;
			printf(" %s", err_name(set_policy(BIND, mask, sizes[i])));
		}
		set_policy(DEFAULT, NULL, 0);
		*(uint64_t *)(edge - 8) = 1;
		printf(" edge %s", err_name(set_policy(BIND, edge - 8, sizes[i])));
		printf(" null %s", err_name(set_policy(BIND, NULL, sizes[i])));
		printf(" nulllocal %s", err_name(set_policy(PREFERRED, NULL, sizes[i])));
		printf(" bad %s\n", err_name(set_policy(BIND, edge, sizes[i])));
		set_policy(DEFAULT, NULL, 0);
	}
}

static void masks_to_user(void)
{
	static const unsigned long sizes[] = {0,    1,	   2,	  64,	 65,	128, 1024,
					      1025, 32768, 32769, 32770, 40000, -1UL};
	char *edge = area + 4 * PG;
	uint64_t one = 1;

	set_policy(BIND, &one, 64);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned long set = 0;
		int mode;
		long ret;

		memset(area, 0xff, 4 * PG);
		ret = get_policy(&mode, area, sizes[i] > 131072 ? sizes[i] : sizes[i], NULL, 0);
		printf("get maxnode %ld: %s", (long)sizes[i], err_name(ret));
		while (set < 4 * PG && (unsigned char)area[set] != 0xff)
			set++;
		printf(" bytes %lu first %x", set, set ? area[0] : -1);
		printf(" edge %s", err_name(get_policy(NULL, edge - 8, sizes[i], NULL, 0)));
		printf(" bad %s\n", err_name(get_policy(NULL, edge, sizes[i], NULL, 0)));
	}
	printf("bad mode %s\n", err_name(get_policy((int *)edge, NULL, 0, NULL, 0)));
	set_policy(DEFAULT, NULL, 0);
	for (unsigned flags = 0; flags < 10; flags++) {
		uint64_t mask[16] = {0x55};
		int mode = -7;

		printf("flags %x: null %s", flags,
		       err_name(get_policy(&mode, mask, 1024, NULL, flags)));
		printf(" %d %lx", mode, mask[0]);
		mode = -7;
		printf(" addr %s", err_name(get_policy(&mode, mask, 1024, area, flags)));
		printf(" %d %lx", mode, mask[0]);
		printf(" hole %s", err_name(get_policy(&mode, NULL, 0, area + 40 * PG, flags)));
		printf(" kernel %s\n",
		       err_name(get_policy(&mode, NULL, 0, (void *)(1UL << 63), flags)));
	}
	/* What has no page yet gets one; what has no rights cannot. */
	room();
	mmap(area, 2 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mmap(area + 8 * PG, PG, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	show_addr("untouched", area);
	show_addr("unaligned", area + PG + 7);
	show_addr("none", area + 8 * PG);
	show("after");
}

/* --- mbind ----------------------------------------------------------------------------------- */

static void build(void)
{
	room();
	mmap(area, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mmap(area + 6 * PG, 4 * PG, PROT_READ, ANON | MAP_FIXED, -1, 0);
	mmap(area + 10 * PG, 2 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	area[0] = area[PG] = area[10 * PG] = 1;
}

static void bind_ranges(void)
{
	static const struct {
		unsigned long off, len;
	} r[] = {{0, 4}, {0, 0}, {1, 2},  {0, 5},  {0, 6},  {0, 7}, {4, 1}, {4, 3}, {5, 4},
		 {6, 6}, {6, 7}, {11, 9}, {20, 3}, {0, 12}, {8, 3}, {1, 1}, {3, 1}};
	uint64_t one = 1;

	for (unsigned i = 0; i < sizeof(r) / sizeof(*r); i++)
		for (int how = 0; how < 3; how++) {
			char what[64];
			long ret;

			build();
			if (how == 2)
				mbind(area, 4 * PG, BIND, &one, 64, 0);
			ret = mbind(area + r[i].off * PG, r[i].len * PG, how == 2 ? DEFAULT : BIND,
				    how == 2 ? NULL : &one, how == 2 ? 0 : 64,
				    how == 1 ? STRICT : 0);
			snprintf(what, sizeof(what), "mbind %lu+%lu/%d %s", r[i].off, r[i].len, how,
				 err_name(ret));
			show(what);
		}
	build();
	printf("unaligned %s", err_name(mbind(area + 1, PG, BIND, &one, 64, 0)));
	printf(" wraps %s", err_name(mbind(area, -PG, BIND, &one, 64, 0)));
	printf(" wraps to 0 %s", err_name(mbind(area, -1UL, BIND, &one, 64, 0)));
	printf(" kernel %s", err_name(mbind((void *)(1UL << 63), PG, BIND, &one, 64, 0)));
	printf(" beyond %s\n", err_name(mbind(area, 1UL << 50, BIND, &one, 64, 0)));
}

static void bind_flags(void)
{
	static const uint64_t masks[] = {0, 1, 2, 3};
	static const int extra[] = {0, STATIC, RELATIVE, BALANCING};

	for (int mode = DEFAULT; mode <= WEIGHTED + 1; mode++)
		for (unsigned e = 0; e < 4; e++)
			for (unsigned k = 0; k < 4; k++) {
				printf("mbind mode %d+%x mask %lu:", mode, extra[e], masks[k]);
				for (unsigned flags = 0; flags < 10; flags++) {
					build();
					printf(" %s", err_name(mbind(area, 4 * PG, mode | extra[e],
								     &masks[k], 64, flags)));
				}
				show(" last");
			}
	printf("high mode bits %s", err_name(mbind(area, PG, 1L << 32 | BIND, &masks[1], 64, 0)));
	printf(" flags 64 %s", err_name(mbind(area, PG, BIND, &masks[1], 64, 64)));
	printf(" bad mask, no length %s", err_name(mbind(area, 0, BIND, (void *)8, 64, 0)));
	printf(" bad mode, no length %s", err_name(mbind(area, 0, 77, NULL, 0, 0)));
	printf(" empty mask, no length %s\n", err_name(mbind(area, 0, BIND, NULL, 0, 0)));
}

/* Which neighbours become one again. */
static void merges(void)
{
	uint64_t one = 1, three = 3;
	char *p = area;

	room();
	mmap(p, 12 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mbind(p + 2 * PG, 2 * PG, BIND, &one, 64, 0);
	mbind(p + 4 * PG, 2 * PG, BIND, &one, 64, 0);
	show("joined");
	mbind(p + 6 * PG, 2 * PG, BIND, &three, 64, 0); /* the same, cut to what there is */
	show("the same nodes");
	mbind(p + 8 * PG, 2 * PG, BIND | STATIC, &one, 64, 0);
	mbind(p + 10 * PG, 2 * PG, BIND | STATIC, &three, 64, 0);
	show("static: as asked");
	mbind(p + 10 * PG, 2 * PG, BIND | RELATIVE, &one, 64, 0);
	mbind(p + 8 * PG, 1 * PG, INTERLEAVE, &one, 64, 0);
	mbind(p + 9 * PG, 1 * PG, WEIGHTED, &one, 64, 0);
	mbind(p + 7 * PG, 1 * PG, PREFERRED_MANY, &one, 64, 0);
	mbind(p + 6 * PG, 1 * PG, PREFERRED, &one, 64, 0);
	mbind(p + 5 * PG, 1 * PG, LOCAL, NULL, 0, 0);
	mbind(p + 4 * PG, 1 * PG, PREFERRED, NULL, 0, 0);
	mbind(p + 3 * PG, 1 * PG, BIND | BALANCING, &one, 64, 0);
	mbind(p + 2 * PG, 1 * PG, BIND | BALANCING | STATIC, &one, 64, 0);
	show("every kind");
	printf("home %s", err_name(home_node(p + 7 * PG, PG, 0, 0)));
	printf(" of interleave %s", err_name(home_node(p + 8 * PG, PG, 0, 0)));
	printf(" of none %s", err_name(home_node(p, PG, 0, 0)));
	printf(" of no area %s", err_name(home_node(p + 30 * PG, PG, 0, 0)));
	printf(" node 1 %s", err_name(home_node(p + 7 * PG, PG, 1, 0)));
	printf(" node 5000 %s", err_name(home_node(p + 7 * PG, PG, 5000, 0)));
	printf(" flags %s", err_name(home_node(p + 7 * PG, PG, 0, 1)));
	printf(" unaligned %s", err_name(home_node(p + 7, PG, 0, 0)));
	printf(" wraps %s", err_name(home_node(p, -PG, 0, 0)));
	printf(" nothing %s\n", err_name(home_node(p + 9 * PG, 0, 0, 0)));
	mbind(p, 12 * PG, DEFAULT, NULL, 0, 0);
	show("one again");
	mbind(p, 12 * PG, BIND, &one, 64, 0);
	printf("home of a part %s\n", err_name(home_node(p + 3 * PG, 2 * PG, 0, 0)));
	show("home");
	printf("home of all %s\n", err_name(home_node(p, 12 * PG, 0, 0)));
	show("home");

	room();
	mmap(p, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mbind(p, 4 * PG, BIND, &one, 64, 0);
	mmap(p + 4 * PG, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	show("a new neighbour");
	memset(p, 1, 8 * PG);
	mremap(p, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PG);
	show("moved");
	mremap(p + 20 * PG, 4 * PG, 6 * PG, MREMAP_MAYMOVE);
	show("grown");
	mprotect(p + 22 * PG, PG, PROT_READ);
	show("rights");
	mprotect(p + 22 * PG, PG, RW);
	show("rights back");
	munmap(p + 21 * PG, PG);
	mmap(p + 21 * PG, PG, RW, ANON | MAP_FIXED, -1, 0);
	show("a hole filled");
}

/* --- shared memory has policies of its own --------------------------------------------------- */

static void shared(void)
{
	int fd = memfd_create("shared", 0), id;
	uint64_t one = 1;
	char *p = area, *shm;

	room();
	ftruncate(fd, 8 * PG);
	mmap(p, 8 * PG, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	p[0] = p[3 * PG] = 1;
	mbind(p + 2 * PG, 2 * PG, BIND, &one, 64, 0);
	show("memfd");
	mmap(p + 20 * PG, 8 * PG, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(p + 32 * PG, 4 * PG, RW, MAP_PRIVATE | MAP_FIXED, fd, 2 * PG);
	show("seen through others");
	show_addr("other 0", p + 20 * PG);
	show_addr("other 2", p + 22 * PG);
	show_addr("private 0", p + 32 * PG);
	show_addr("private 2", p + 34 * PG);
	mbind(p + 33 * PG, PG, INTERLEAVE, &one, 64, 0);
	show("through the private one");
	show_addr("other 3", p + 23 * PG);
	mbind(p + 21 * PG, 4 * PG, DEFAULT, NULL, 0, 0);
	show("taken back");
	show_addr("first 2", p + 2 * PG);
	show_addr("first 3", p + 3 * PG);
	munmap(p, 64 * PG);
	mmap(p, 8 * PG, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mbind(p, 8 * PG, PREFERRED_MANY, &one, 64, 0);
	mbind(p + 4 * PG, PG, BIND, &one, 64, 0);
	munmap(p, 64 * PG);
	mmap(p + PG, 7 * PG, RW, MAP_SHARED | MAP_FIXED, fd, PG);
	show("kept by the object");
	show_addr("kept 4", p + 4 * PG);
	close(fd);

	room();
	id = shmget(IPC_PRIVATE, 4 * PG, IPC_CREAT | 0600);
	shm = shmat(id, p, 0);
	printf("shm %s %s\n", shm == p ? "ok" : "no",
	       err_name(mbind(p + PG, PG, BIND, &one, 64, 0)));
	shmat(id, p + 8 * PG, 0);
	show("shm");
	show_addr("shm", p + 9 * PG);
	shmctl(id, IPC_RMID, NULL);
	shmdt(p);
	shmdt(p + 8 * PG);
	room();
}

/* --- fork, exec ------------------------------------------------------------------------------ */

static void inherit(char **argv)
{
	uint64_t one = 1;
	int status;

	room();
	mmap(area, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	area[PG] = 1;
	mbind(area + PG, PG, BIND | STATIC, &one, 64, 0);
	set_policy(INTERLEAVE, &one, 64);
	show("the task's own");
	fflush(stdout);
	if (!fork()) {
		show("child");
		show_task("child");
		mbind(area, 4 * PG, DEFAULT, NULL, 0, 0);
		set_policy(DEFAULT, NULL, 0);
		show("child, without");
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	show("parent");
	show_task("parent");
	fflush(stdout);
	if (!fork()) {
		execl(argv[0], argv[0], "exec", NULL);
		_exit(1);
	}
	wait(&status);
	set_policy(DEFAULT, NULL, 0);
}

/* --- move_pages, migrate_pages --------------------------------------------------------------- */

#define MOVES 16

static void show_status(const char *what, long ret, const int *status)
{
	printf("%s: %s %ld:", what, err_name(ret), ret);
	for (int i = 0; i < MOVES; i++)
		printf(" %d", status[i]);
	printf("\n");
}

static void moves(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	int nodes[MOVES], status[MOVES];
	void *pages[MOVES];
	long ret;

	room();
	mmap(area, 8 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mmap(area + 8 * PG, PG, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	mmap(area + 9 * PG, 2 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(area + 11 * PG, PG, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	area[0] = area[9 * PG] = 1;
	printf("zero %d file %d\n", area[PG], area[11 * PG]);
	for (int i = 0; i < MOVES; i++)
		pages[i] = area + i * PG + 5;
	pages[14] = (void *)(1UL << 63);
	memset(status, 0x77, sizeof(status));
	memset(nodes, 0, sizeof(nodes));
	ret = syscall(SYS_move_pages, 0, MOVES, pages, NULL, status, 0);
	show_status("stat", ret, status);
	memset(status, 0x77, sizeof(status));
	ret = syscall(SYS_move_pages, 0, MOVES, pages, nodes, status, MOVE);
	show_status("move", ret, status);
	memset(status, 0x77, sizeof(status));
	ret = syscall(SYS_move_pages, 0, MOVES, pages, nodes, status, MOVE_ALL);
	show_status("all", ret, status);
	for (int bad = 0; bad < 4; bad++) {
		static const int values[] = {1, -1, 1024, 63};

		nodes[3] = values[bad];
		memset(status, 0x77, sizeof(status));
		ret = syscall(SYS_move_pages, 0, MOVES, pages, nodes, status, MOVE);
		show_status("bad node", ret, status);
	}
	nodes[3] = 0;
	/* Bad arguments */
	for (unsigned flags = 0; flags < 10; flags++)
		printf("flags %x %s %s, ", flags,
		       err_name(syscall(SYS_move_pages, 0, 1, pages, nodes, status, flags)),
		       err_name(syscall(SYS_move_pages, 0, 1, pages, NULL, status, flags)));
	printf("\n");
	printf("pages %s",
	       err_name(syscall(SYS_move_pages, 0, 1, area + 30 * PG, nodes, status, 0)));
	printf(" nodes %s",
	       err_name(syscall(SYS_move_pages, 0, 1, pages, area + 30 * PG, status, 0)));
	printf(" status %s",
	       err_name(syscall(SYS_move_pages, 0, 1, pages, nodes, area + 30 * PG, 0)));
	printf(" stat %s", err_name(syscall(SYS_move_pages, 0, 1, pages, NULL, area + 30 * PG, 0)));
	printf(" stat pages %s", err_name(syscall(SYS_move_pages, 0, 1, 8, NULL, status, 0)));
	printf(" none %s", err_name(syscall(SYS_move_pages, 0, 0, 8, 8, 8, 0)));
	printf(" none stat %s", err_name(syscall(SYS_move_pages, 0, 0, 8, NULL, 8, 0)));
	printf(" nobody %s", err_name(syscall(SYS_move_pages, 999999, 1, pages, NULL, status, 0)));
	printf(" negative %s", err_name(syscall(SYS_move_pages, -5, 1, pages, NULL, status, 0)));
	ret = syscall(SYS_move_pages, getpid(), 2, pages, NULL, status, 0);
	printf(" self %s %d %d\n", err_name(ret), status[0], status[1]);
	close(fd);
}

static long migrate(int pid, unsigned long maxnode, const void *from, const void *to)
{
	return syscall(SYS_migrate_pages, pid, maxnode, from, to);
}

static void others(void)
{
	uint64_t zero = 0, one = 1, two = 2, three = 3;
	int status[2] = {-7, -7}, go[2], st;
	void *pages[2] = {area, area + PG};
	char c;
	pid_t pid;

	printf("migrate %s", err_name(migrate(0, 64, &one, &one)));
	printf(" nobody's %s", err_name(migrate(0, 64, &two, &one)));
	printf(" to two %s", err_name(migrate(0, 64, &one, &three)));
	printf(" to none %s", err_name(migrate(0, 64, &one, &zero)));
	printf(" to absent %s", err_name(migrate(0, 64, &one, &two)));
	printf(" from none %s", err_name(migrate(0, 64, &zero, &one)));
	printf(" null %s", err_name(migrate(0, 64, NULL, NULL)));
	printf(" short %s", err_name(migrate(0, 1, &one, &one)));
	printf(" long %s", err_name(migrate(0, 100000, &one, &one)));
	printf(" bad from %s", err_name(migrate(0, 64, (void *)8, &one)));
	printf(" bad to %s", err_name(migrate(0, 64, &one, (void *)8)));
	printf(" nobody %s\n", err_name(migrate(999999, 64, &one, &one)));
	pipe(go);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(go[1]);
		read(go[0], &c, 1);
		_exit(0);
	}
	printf("child: stat %s", err_name(syscall(SYS_move_pages, pid, 2, pages, NULL, status, 0)));
	printf(" %d %d", status[0], status[1]);
	printf(" migrate %s\n", err_name(migrate(pid, 64, &one, &one)));
	fflush(stdout);
	if (!fork()) { /* somebody else */
		setresgid(65534, 65534, 65534);
		setresuid(65534, 65534, 65534);
		printf("stranger: stat %s",
		       err_name(syscall(SYS_move_pages, pid, 2, pages, NULL, status, 0)));
		printf(" migrate %s", err_name(migrate(pid, 64, &one, &one)));
		printf(" own %s", err_name(migrate(0, 64, &one, &one)));
		printf(" own absent %s", err_name(migrate(0, 64, &one, &two)));
		printf(" all %s", err_name(mbind(area, PG, BIND, &one, 64, MOVE_ALL)));
		printf(" all, bad mode %s", err_name(mbind(area, PG, 99, &one, 64, MOVE_ALL)));
		printf(" all, unaligned %s",
		       err_name(mbind(area + 1, PG, BIND, &one, 64, MOVE_ALL)));
		printf(" move all %s\n",
		       err_name(syscall(SYS_move_pages, 0, 1, pages, NULL, status, MOVE_ALL)));
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	close(go[1]);
	wait(&st);
	printf("zombies: ");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(0);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	printf("stat %s", err_name(syscall(SYS_move_pages, pid, 2, pages, NULL, status, 0)));
	printf(" migrate %s\n", err_name(migrate(pid, 64, &one, &one)));
	waitpid(pid, &st, 0);
}

/* Kinds of memory that no page of can be moved or bound. */
static void kinds(void)
{
	uint64_t one = 1, two = 2;
	char line[256], name[64];
	unsigned long start, end;
	FILE *f = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), f)) {
		void *page;
		int st = -7;

		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %63s", &start, &end, name) != 3 ||
		    name[0] != '[')
			continue;
		if (!strcmp(name, "[vsyscall]"))
			continue;
		page = (void *)(name[1] == 's' ? end - PG : start);
		printf("%s:", name);
		if (name[1] != 'h' && name[1] != 's')
			for (unsigned flags = 0; flags < 5; flags++)
				printf(" %s",
				       err_name(mbind((void *)start, end - start, BIND | RELATIVE,
						      flags & 1 ? &two : &one, 64, flags)));
		mbind((void *)start, end - start, DEFAULT, NULL, 0, 0);
		syscall(SYS_move_pages, 0, 1, &page, NULL, &st, 0);
		printf(" status %s", st == -ENOENT   ? "-ENOENT"
				     : st == -EFAULT ? "-EFAULT"
				     : st	     ? "?"
						     : "0");
		st = -7;
		syscall(SYS_move_pages, 0, 1, &page, &(int){0}, &st, MOVE);
		printf(" moved %s\n", st == -ENOENT   ? "-ENOENT"
				      : st == -EFAULT ? "-EFAULT"
				      : st	      ? "?"
						      : "0");
		if (name[1] == 'v')
			show_addr(name, page);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (argc > 1) {
		show_task("after exec");
		return 0;
	}
	area = mmap(NULL, 64 * PG, PROT_NONE, ANON, -1, 0);
	show_task("at first");
	task_modes();
	masks_from_user();
	masks_to_user();
	bind_ranges();
	bind_flags();
	merges();
	shared();
	inherit(argv);
	moves();
	others();
	kinds();
	return 0;
}
