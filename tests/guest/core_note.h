/* A child that ends with a core file, and that file, read: for core_files.c, core_areas.c. */
#ifndef GUEST_CORE_NOTE_H
#define GUEST_CORE_NOTE_H

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct core_note {
	const char *name;
	unsigned type, len;
	const void *data;
};

struct core {
	int pid;
	const char *base;
	unsigned long size;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	struct core_note note[64];
	unsigned nr_notes;
};

/* Memory that a child shares with its parent. */
static inline void *core_shared(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline void core_notes(struct core *c, const Elf64_Phdr *ph)
{
	const char *p = c->base + ph->p_offset, *end = p + ph->p_filesz;

	while (p < end && c->nr_notes < 64) {
		const Elf64_Nhdr *n = (const void *)p;
		struct core_note *note = &c->note[c->nr_notes++];

		note->name = p + sizeof(*n);
		note->type = n->n_type;
		note->len = n->n_descsz;
		note->data = note->name + ((n->n_namesz + 3) & ~3U);
		p = (const char *)note->data + ((n->n_descsz + 3) & ~3U);
	}
	if (p != end)
		printf(" notes end %ld bytes off\n", (long)(p - end));
}

/* Reads "core", and removes it. */
static inline int core_load(struct core *c)
{
	int fd = open("core", O_RDONLY);
	struct stat st;

	if (fd < 0) {
		printf(" no file\n");
		return 0;
	}
	fstat(fd, &st);
	c->size = st.st_size;
	c->base = mmap(NULL, c->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	unlink("core");
	c->eh = (const void *)c->base;
	c->ph = (const void *)(c->base + c->eh->e_phoff);
	c->nr_notes = 0;
	printf(" file: mode %o, %s, type %d, machine %d, phentsize %d, flags %x, first %x align "
	       "%lx "
	       "offset %s\n",
	       st.st_mode, !memcmp(c->eh->e_ident, "\177ELF\2\1\1\0\0", 9) ? "ELF" : "?",
	       c->eh->e_type, c->eh->e_machine, c->eh->e_phentsize, c->eh->e_flags, c->ph[0].p_type,
	       c->ph[0].p_align, c->ph[0].p_offset == 64 + 56UL * c->eh->e_phnum ? "ok" : "?");
	core_notes(c, &c->ph[0]);
	return 1;
}

static inline void core_free(struct core *c)
{
	munmap((void *)c->base, c->size);
}

/* Runs die(arg) in a child with that RLIMIT_CORE. With @c: 1: its core is read. */
static inline int core_of(void (*die)(void *), void *arg, unsigned long limit, struct core *c)
{
	struct rlimit r = {limit, RLIM_INFINITY};
	int pid, status;
	siginfo_t si;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &r);
		die(arg);
		_exit(99);
	}
	waitid(P_PID, pid, &si, WEXITED | WNOWAIT);
	waitpid(pid, &status, 0);
	printf(" signal %d, core %s, code %d, status %d\n", WTERMSIG(status),
	       WCOREDUMP(status) ? "yes" : "no", si.si_code, si.si_status);
	if (!c || !WCOREDUMP(status))
		return 0;
	c->pid = pid;
	return core_load(c);
}

static inline const void *core_find(const struct core *c, unsigned type, unsigned *len)
{
	for (unsigned i = 0; i < c->nr_notes; i++)
		if (c->note[i].type == type) {
			if (len)
				*len = c->note[i].len;
			return c->note[i].data;
		}
	return NULL;
}

#endif
