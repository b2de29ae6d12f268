/* q38_procmap_query: ioctl(PROCMAP_QUERY) on /proc/PID/maps: what it finds, says and refuses (2). */
#include "probe.h"
#include <elf.h>
#include <stddef.h>

struct query {
	uint64_t size, flags, addr;
	uint64_t start, end, vma_flags, page_size, offset, inode;
	uint32_t major, minor, name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};
#define QUERY _IOWR('f', 17, struct query)
enum { R = 1, W = 2, X = 4, SH = 8, NEXT = 16, FILEB = 32 };

static int fd;
static char *p;
static char name[5000], id[64];

static void put_at(const char *what, uint64_t at)
{
	long page = (long)(at - (uintptr_t)p) / (long)PG;

	if (page >= -4096 && page < 4096)
		printf(" %s %ld", what, page);
	else
		printf(" %s elsewhere", what);
}

static long ask(const char *label, void *at, uint64_t flags, struct query *q)
{
	long r;

	q->size = sizeof *q;
	q->flags = flags;
	q->addr = (uintptr_t)at;
	r = ioctl(fd, QUERY, q);
	if (r < 0) {
		printf("%s: %s\n", label, en(errno));
		return r;
	}
	printf("%s: %ld", label, r);
	put_at("from", q->start);
	put_at("to", q->end);
	printf(" flags %lx page %ld offset %lx dev %s ino %s", (long)q->vma_flags, (long)q->page_size,
	       (long)q->offset, q->major || q->minor ? "some" : "0", q->inode ? "some" : "0");
	if (q->name_size || q->name_addr)
		printf(" name %u %.9s", q->name_size, q->name_size ? name : "-");
	if (q->build_id_addr)
		printf(" id %u", q->build_id_size);
	printf("\n");
	return r;
}

static void find(const char *label, long page, uint64_t flags)
{
	struct query q = {.name_size = sizeof name, .name_addr = (uintptr_t)name};

	memset(name, '#', sizeof name);
	ask(label, p + page * PG, flags, &q);
}

static void areas(int file, int m)
{
	map(p, 4, RW, ANON, -1, 0);
	map(p + 8 * PG, 4, PROT_READ, ANON, -1, 0);
	map(p + 12 * PG, 4, RW, MAP_SHARED, file, 1);
	map(p + 20 * PG, 4, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	map(p + 30 * PG, 4, RW, SHANON, -1, 0);
	map(p + 40 * PG, 4, PROT_NONE, MAP_SHARED, m, 0);
	find("first", 0, 0);
	find("inside", 3, 0);
	find("hole", 4, 0);
	find("hole, next", 4, NEXT);
	find("file", 12, 0);
	find("file, offset 0", 20, 0);
	find("shared anonymous", 30, 0);
	find("memfd", 40, 0);
	find("writable from 8", 8, NEXT | W);
	find("writable at 8", 8, W);
	find("executable from 0", 0, NEXT | X);
	find("shared from 0", 0, NEXT | SH);
	find("shared and writable from 13", 13, NEXT | SH | W);
	find("readable from 40", 40, NEXT | R | W | X | SH);
	find("file-backed from 0", 0, NEXT | FILEB);
	find("file-backed at 0", 0, FILEB);
	find("file-backed at 22", 22, FILEB);
	find("file-backed from 31, shared", 31, NEXT | FILEB | SH);
	find("unaligned", 0, NEXT | R | W);
}

static void specials(void)
{
	struct query q = {.name_size = sizeof name, .name_addr = (uintptr_t)name};
	static const struct { const char *label; uint64_t at; int flags; } where[] = {
		{"0", 0, 0},
		{"0, next", 0, NEXT},
		{"the top", 0x7ffffffff000, NEXT},
		{"vsyscall", 0xffffffffff600000, 0},
		{"vsyscall, next", 0xffffffffff600000, NEXT},
		{"kernel", 1ul << 63, NEXT},
		{"end", ~0ul, 0},
	};

	for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
		q.name_size = 0, q.name_addr = 0;
		ask(where[i].label, (void *)where[i].at, where[i].flags, &q);
	}
	q.name_size = sizeof name, q.name_addr = (uintptr_t)name;
	ask("stack", &q, 0, &q);
	q.name_size = sizeof name;
	brk((char *)sbrk(0) + PG);
	ask("heap", (char *)sbrk(0) - 1, 0, &q);
}

static void refused(void)
{
	struct query good = {.size = sizeof good, .addr = (uintptr_t)p}, q;
	static const struct { const char *label; size_t field; uint64_t value; } bad[] = {
		{"size 0", offsetof(struct query, size), 0},
		{"size 16", offsetof(struct query, size), 16},
		{"size 23", offsetof(struct query, size), 23},
		{"size 24", offsetof(struct query, size), 24},
		{"size 32", offsetof(struct query, size), 32},
		{"size 100", offsetof(struct query, size), 100},
		{"size 4097", offsetof(struct query, size), 4097},
		{"flag 64", offsetof(struct query, flags), 64},
		{"flag 2^32", offsetof(struct query, flags), 1ul << 32},
		{"name without size", offsetof(struct query, name_addr), 4096},
		{"id without size", offsetof(struct query, build_id_addr), 4096},
	};
	struct { struct query q; uint64_t more[4]; } larger;
	char *edge = p + 100 * PG;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		q = good;
		*(uint64_t *)((char *)&q + bad[i].field) = bad[i].value;
		q.end = 7;
		T(bad[i].label, ioctl(fd, QUERY, &q));
		printf("  %s\n", q.end == 7 ? "nothing came back" : "answered");
	}
	q = good, q.name_size = 10;
	T("size without name", ioctl(fd, QUERY, &q));
	q = good, q.build_id_size = 20;
	T("size without id", ioctl(fd, QUERY, &q));
	q = good, q.name_size = 10, q.name_addr = 4096;
	T("unmapped name, none there", ioctl(fd, QUERY, &q));
	q = good, q.name_size = 10, q.name_addr = 4096, q.addr = (uintptr_t)p + 40 * PG;
	T("unmapped name", ioctl(fd, QUERY, &q));
	q = good, q.name_size = 5, q.name_addr = (uintptr_t)name, q.addr = (uintptr_t)p + 40 * PG;
	T("name too long", ioctl(fd, QUERY, &q));
	printf("  size is %u\n", q.name_size);
	for (unsigned n = 17; n < 20; n++) {
		q.name_size = n;
		memset(name, '#', 30);
		T("name just so", ioctl(fd, QUERY, &q));
		printf("  size is %u: %.*s\n", q.name_size, (int)n, name);
	}
	memset(&larger, 0, sizeof larger);
	larger.q = good, larger.q.size = sizeof larger;
	T("larger, zeros", ioctl(fd, QUERY, &larger));
	larger.more[2] = 1;
	T("larger, not zeros", ioctl(fd, QUERY, &larger));
	T("null", ioctl(fd, QUERY, 0));
	map(edge, 1, RW, ANON, -1, 0);
	memcpy(edge + PG - 64, &good, 64);
	T("half mapped", ioctl(fd, QUERY, edge + PG - 64));
	memcpy(edge, &good, sizeof good);
	mprotect(edge, PG, PROT_READ);
	T("read-only", ioctl(fd, QUERY, edge));
	T("other command", ioctl(fd, 0x5401, &q));
	T("other size", ioctl(fd, _IOWR('f', 17, int), &q));
	static const char *const others[] = {"smaps", "numa_maps", "pagemap", "smaps_rollup", "mem", "status"};
	for (size_t i = 0; i < 6; i++) {
		char path[40];
		snprintf(path, sizeof path, "/proc/self/%s", others[i]);
		int other = open(path, O_RDONLY);
		T(others[i], ioctl(other, QUERY, &good));
		close(other);
	}
	int other = open("/proc/thread-self/maps", O_RDONLY);
	T("of a thread", ioctl(other, QUERY, &good));
	close(other);
	lseek(fd, 0, SEEK_SET);
	T("reading goes on", read(fd, name, 1));
}

/* Files with and without a build id, as far as the kernel looks. */
static void build_ids(void)
{
	struct { Elf64_Ehdr e; Elf64_Phdr ph[2]; Elf64_Nhdr n; char name[4]; unsigned char id[24]; } f = {0};
	static const struct { const char *label; int phnum, type, name, size, class, etype; unsigned room; } kinds[] = {
		{"sha1", 2, 3, 4, 20, ELFCLASS64, ET_DYN, 64},
		{"md5", 2, 3, 4, 16, ELFCLASS64, ET_DYN, 64},
		{"exactly", 2, 3, 4, 20, ELFCLASS64, ET_DYN, 20},
		{"no room", 2, 3, 4, 20, ELFCLASS64, ET_DYN, 19},
		{"too long", 2, 3, 4, 21, ELFCLASS64, ET_DYN, 64},
		{"empty", 2, 3, 4, 0, ELFCLASS64, ET_DYN, 64},
		{"other note", 2, 1, 4, 20, ELFCLASS64, ET_DYN, 64},
		{"no note", 1, 3, 4, 20, ELFCLASS64, ET_DYN, 64},
		{"no headers", 0, 3, 4, 20, ELFCLASS64, ET_DYN, 64},
		{"32 bits", 2, 3, 4, 20, ELFCLASS32, ET_DYN, 64},
		{"no class", 2, 3, 4, 20, 0, ET_DYN, 64},
		{"program", 2, 3, 4, 20, ELFCLASS64, ET_EXEC, 64},
		{"object", 2, 3, 4, 20, ELFCLASS64, ET_REL, 64},
		{"name of 3", 2, 3, 3, 20, ELFCLASS64, ET_DYN, 64},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char path[] = "/tmp/probeXXXXXX";
		int file = mkstemp(path);
		struct query q = {.build_id_size = kinds[i].room, .build_id_addr = (uintptr_t)id};

		unlink(path);
		memset(&f, 0, sizeof f);
		memcpy(f.e.e_ident, ELFMAG, 4);
		f.e.e_ident[EI_CLASS] = kinds[i].class;
		f.e.e_type = kinds[i].etype;
		f.e.e_phoff = offsetof(__typeof__(f), ph);
		f.e.e_phnum = kinds[i].phnum;
		f.ph[0].p_type = PT_LOAD;
		f.ph[1].p_type = PT_NOTE;
		f.ph[1].p_offset = offsetof(__typeof__(f), n);
		f.ph[1].p_filesz = sizeof f.n + 4 + (kinds[i].size + 3) / 4 * 4;
		f.n = (Elf64_Nhdr){kinds[i].name, kinds[i].size, kinds[i].type};
		memcpy(f.name, "GNU", 4);
		for (int j = 0; j < 24; j++)
			f.id[j] = j + 1;
		write(file, &f, sizeof f);
		map(p + 50 * PG, 1, PROT_READ, MAP_PRIVATE, file, 0);
		memset(id, 0xee, sizeof id);
		if (!ask(kinds[i].label, p + 50 * PG, 0, &q)) {
			printf("  ");
			for (int j = 0; j < 22; j++)
				printf("%02x", (unsigned char)id[j]);
			printf("\n");
		}
		close(file);
	}
	static const struct { const char *label; long page; } others[] = {
		{"anonymous", 0}, {"text file", 20}, {"memfd", 40},
	};
	for (int i = 0; i < 3; i++) {
		struct query q = {.build_id_size = 20, .build_id_addr = (uintptr_t)id};
		ask(others[i].label, p + others[i].page * PG, 0, &q);
	}
	struct query q = {.build_id_size = 20, .build_id_addr = 4096};
	ask("unmapped id, none there", p, 0, &q);
}

int main(void)
{
	begin();
	memset(name, 0, sizeof name);
	memset(id, 0, sizeof id);
	p = arena(512);
	fd = open("/proc/self/maps", O_RDONLY);
	int file = scratch(8), m = memfd("m", 4), status, pid;
	areas(file, m);
	specials();
	refused();
	build_ids();
	if (!(pid = fork()))
		pause();
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	close(fd);
	fd = open(path, O_RDONLY);
	find("of a child", 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	find("of nobody", 0, 0);
	struct query q = {0};
	T("of nobody, size 0", ioctl(fd, QUERY, &q));
	return 0;
}
