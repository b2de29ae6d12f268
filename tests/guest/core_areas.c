/* What of a process's memory is in its core file: by the kind of area, /proc/PID/coredump_filter and
 * madvise(MADV_DONTDUMP). See core_files.c. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/shm.h>

#include "core_note.h"

#define PAGE 4096UL

struct area {
	const char *what;
	char *at;
	unsigned long pages;
};

static struct area areas[24];
static unsigned nr_areas;

/* With a page behind it that nothing maps, so that it stays an area of its own. */
static char *add(const char *what, unsigned long pages, int prot, int flags, int fd, long off)
{
	char *p = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, (pages + 2) * PAGE);
	p = mmap(p + PAGE, pages * PAGE, prot, flags | MAP_FIXED, fd, off);
	if (p == MAP_FAILED) {
		perror(what);
		exit(1);
	}
	areas[nr_areas++] = (struct area){what, p, pages};
	return p;
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static int file(const char *name, const char *text, int mode)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, mode);

	write(fd, text, strlen(text));
	ftruncate(fd, 4 * PAGE);
	return fd;
}

static void make_areas(void)
{
	int elf = file("elf", "\177ELF-like", 0644), prog = file("prog", "#!", 0755);
	int plain = file("plain", "plain", 0644), gone = file("gone", "gone", 0644);
	int mem = memfd_create("mem", 0), zero = open("/dev/zero", O_RDWR), id;
	char *p;

	unlink("gone");
	ftruncate(mem, 4 * PAGE);
	p = add("private", 4, RW, ANON, -1, 0);
	p[PAGE] = 'a';
	p[3 * PAGE + 7] = 'b';
	add("private, untouched", 4, RW, ANON, -1, 0);
	p = add("private, only read", 4, RW, ANON, -1, 0);
	(void)*(volatile char *)p;
	p = add("private, protected", 2, RW, ANON, -1, 0);
	*p = 'c';
	mprotect(p, 2 * PAGE, PROT_NONE);
	p = add("MADV_DONTDUMP", 2, RW, ANON, -1, 0);
	*p = 'd';
	madvise(p, 2 * PAGE, MADV_DONTDUMP);
	p = add("MADV_DODUMP", 2, RW, ANON, -1, 0);
	*p = 'e';
	madvise(p, 2 * PAGE, MADV_DONTDUMP);
	madvise(p, 2 * PAGE, MADV_DODUMP);
	p = add("MADV_DONTNEED", 2, RW, ANON, -1, 0);
	memset(p, 'f', 2 * PAGE);
	madvise(p, PAGE, MADV_DONTNEED);
	p = add("shared", 2, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*p = 'g';
	p = add("memfd", 4, RW, MAP_SHARED, mem, 0);
	p[2 * PAGE] = 'h';
	p = add("shared file", 4, RW, MAP_SHARED, plain, 0);
	*p = 'P';
	add("shared file without a name", 4, RW, MAP_SHARED, gone, 0);
	add("private file", 4, PROT_READ, MAP_PRIVATE, plain, 0);
	add("private file that can be run", 4, PROT_READ, MAP_PRIVATE, prog, 0);
	add("private file like ELF", 4, PROT_READ, MAP_PRIVATE, elf, 0);
	add("its second page", 2, PROT_READ, MAP_PRIVATE, elf, PAGE);
	add("not readable", 4, PROT_NONE, MAP_PRIVATE, elf, 0);
	p = add("private file, written", 4, RW, MAP_PRIVATE, plain, 0);
	p[PAGE] = 'i';
	p = add("private zeros", 2, RW, MAP_PRIVATE, zero, 0);
	*p = 'j';
	p = add("SysV segment", 2, RW, ANON, -1, 0);
	munmap(p, 2 * PAGE);
	id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	p = shmat(id, p, 0);
	shmctl(id, IPC_RMID, NULL);
	*p = 'k';
	close(elf);
	close(prog);
	close(plain);
	close(gone);
	close(mem);
	close(zero);
}

/* The bytes are those that we, who have mapped the same, see; what we cannot read ourselves is only counted. */
static void print_bytes(const struct core *c, const struct area *a, const Elf64_Phdr *ph)
{
	int readable = strcmp(a->what, "private, protected") && strcmp(a->what, "not readable");
	const char *bytes = c->base + ph->p_offset;
	char text[16] = "";

	for (unsigned long i = 0; i < ph->p_filesz / PAGE; i++)
		text[i] = bytes[i * PAGE] ? bytes[i * PAGE] : '.';
	printf("  %s %s\n", text,
	       readable && memcmp(a->at, bytes, ph->p_filesz) ? "differs" : "ok");
}

static const Elf64_Phdr *find_load(const struct core *c, unsigned long addr)
{
	for (int i = 1; i < c->eh->e_phnum; i++)
		if (c->ph[i].p_type == PT_LOAD && c->ph[i].p_vaddr == addr)
			return &c->ph[i];
	return NULL;
}

/* In the order of addresses, one behind the other in the file, which ends with the last. */
static void check_layout(const struct core *c)
{
	unsigned long at = 0, holes = 0;

	for (int i = 1; i < c->eh->e_phnum; i++) {
		const Elf64_Phdr *ph = &c->ph[i];

		if (ph->p_type != PT_LOAD || ph->p_align != PAGE || ph->p_paddr ||
		    (at && ph->p_offset != at) || ph->p_offset % PAGE ||
		    (i > 1 && ph->p_vaddr < ph[-1].p_vaddr))
			printf(" load %d is odd\n", i);
		at = ph->p_offset + ph->p_filesz;
		holes += ph->p_filesz != ph->p_memsz;
	}
	printf(" last %lx flags %x, file ends %s\n",
	       (unsigned long)c->ph[c->eh->e_phnum - 1].p_vaddr, c->ph[c->eh->e_phnum - 1].p_flags,
	       at == c->size ? "there" : "elsewhere");
}

static void print_files(const struct core *c)
{
	const uint64_t *f = core_find(c, NT_FILE, NULL);
	const char *name = (const char *)(f + 2 + 3 * f[0]);

	printf(" page size %lu\n", f[1]);
	for (uint64_t i = 0; i < f[0]; i++, name += strlen(name) + 1)
		for (unsigned k = 0; k < nr_areas; k++) {
			const char *slash = strrchr(name, '/');

			if (f[2 + 3 * i] != (uintptr_t)areas[k].at)
				continue;
			printf("  %s: %s, %lu pages from %lu\n", areas[k].what,
			       strncmp(name, "/dev", 4) && slash ? slash + 1 : name,
			       (f[3 + 3 * i] - f[2 + 3 * i]) / PAGE, f[4 + 3 * i]);
		}
}

static void dies(void *arg)
{
	FILE *f = fopen("/proc/self/coredump_filter", "w");

	fprintf(f, "%#x", *(int *)arg);
	fclose(f);
	raise(SIGQUIT);
}

static void print_areas(int filter, int files)
{
	struct core c;

	printf("filter %#x\n", filter);
	if (!core_of(dies, &filter, RLIM_INFINITY, &c))
		return;
	check_layout(&c);
	for (unsigned i = 0; i < nr_areas; i++) {
		const Elf64_Phdr *ph = find_load(&c, (uintptr_t)areas[i].at);

		if (!ph) {
			printf(" %s: not there\n", areas[i].what);
			continue;
		}
		printf(" %s: %lu of %lu pages, flags %x\n", areas[i].what, ph->p_filesz / PAGE,
		       ph->p_memsz / PAGE, ph->p_flags);
		if (ph->p_filesz)
			print_bytes(&c, &areas[i], ph);
	}
	if (files)
		print_files(&c);
	core_free(&c);
}

int main(void)
{
	static const int filters[] = {0, 0x33, 1, 2, 4, 8, 0x10, 0x7f};

	make_areas();
	for (unsigned i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		print_areas(filters[i], filters[i] == 0x33);
	unlink("elf");
	unlink("prog");
	unlink("plain");
	return 0;
}
