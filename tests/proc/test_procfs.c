/* /proc: what files say of a small hand-made address space, and that names and order of all fields
 * are those of the host's own files (on a host of 6.18 or later). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "fs/seq_file.h"
#include "mm/paging.h"
#include "mm/uaccess.h"
#include "proc/init.h"
#include "proc/procfs/procfs.h"
#include "tiny_elf.h"
#include "unit.h"

#define BASE 0x10000000UL
#define TEXT_MAX (1 << 18)

/* A machine with one task that has an empty mm and runs nothing. */
struct world {
	struct machine m;
	struct task_struct *t;
	char text[TEXT_MAX], host[TEXT_MAX];
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL_FATAL(tiny_machine(&w->m, 64 << 20), 0);
	w->t = task_create_init(&w->m);
	CU_ASSERT_FATAL(!IS_ERR(w->t));
	w->t->mm = mm_alloc(&w->m.mem);
	CU_ASSERT_FATAL(!IS_ERR(w->t->mm));
	return w;
}

static void world_free(struct world *w)
{
	CU_ASSERT_EQUAL(machine_validate(&w->m), 0);
	tiny_machine_free(&w->m);
	free(w);
}

/* Maps @pages at page @at of the arena and writes to the first @touch of them. */
static void map(struct world *w, u64 at, u64 pages, u64 prot, u64 flags, u64 touch)
{
	gva_t addr = BASE + at * PAGE_SIZE;

	CU_ASSERT_EQUAL_FATAL(do_mmap(w->t->mm, NULL, addr, pages * PAGE_SIZE, prot,
				      flags | MAP_ANONYMOUS | MAP_FIXED, 0, false),
			      (long)addr);
	for (u64 i = 0; i < touch; i++)
		CU_ASSERT_EQUAL(put_user(w->t->mm, (u8)1, addr + i * PAGE_SIZE), 0);
}

/* Text of /proc/@name, or of /proc/PID/@name. */
static const char *show(struct world *w, bool pid, const char *name)
{
	struct seq s;

	w->text[0] = '\0';
	CU_ASSERT_EQUAL(procfs_read_text(&w->m, pid ? w->t : NULL, name, &s), 0);
	CU_ASSERT_FATAL(s.count < TEXT_MAX);
	if (s.buf)
		memcpy(w->text, s.buf, s.count);
	w->text[s.count] = '\0';
	seq_release(&s);
	return w->text;
}

static const char *host_text(struct world *w, const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, k = 1;

	while (fd >= 0 && k > 0 && n < TEXT_MAX - 1) {
		k = read(fd, w->host + n, TEXT_MAX - 1 - n);
		n += k > 0 ? k : 0;
	}
	if (fd >= 0)
		close(fd);
	w->host[n] = '\0';
	return w->host;
}

/* --- maps and smaps ----------------------------------------------------------------------- */

static void maps_has_linux_columns(void)
{
	struct world *w = world_new();

	map(w, 0, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	map(w, 2, 2, PROT_NONE, MAP_PRIVATE, 0);
	w->m.mem.next_anon_ino = 41;
	map(w, 5, 1, PROT_READ | PROT_EXEC, MAP_SHARED, 0);
	w->t->mm->start_brk = BASE + 2 * PAGE_SIZE;
	w->t->mm->brk = BASE + 3 * PAGE_SIZE;
	CU_ASSERT_STRING_EQUAL(
		show(w, true, "maps"),
		"10000000-10001000 rw-p 00000000 00:00 0 \n"
		"10002000-10004000 ---p 00000000 00:00 0                                  [heap]\n"
		"10005000-10006000 r-xs 00000000 00:01 42                                 "
		"/dev/zero (deleted)\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  "
		"[vsyscall]\n");
	world_free(w);
}

/* The number of kB behind "\nName:" in @text, -1 if there is none. */
static long field(const char *text, const char *name)
{
	char key[40];
	const char *p;

	snprintf(key, sizeof(key), "\n%s:", name);
	p = strstr(text, key);
	return p ? strtol(p + strlen(key), NULL, 10) : -1;
}

static void smaps_counts_the_ptes(void)
{
	struct world *w = world_new();
	const char *text;

	map(w, 0, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3);
	text = show(w, true, "smaps");
	CU_ASSERT_EQUAL(field(text, "Size"), 32);
	CU_ASSERT_EQUAL(field(text, "Rss"), 12);
	CU_ASSERT_EQUAL(field(text, "Pss"), 12);
	CU_ASSERT_EQUAL(field(text, "Private_Dirty"), 12);
	CU_ASSERT_EQUAL(field(text, "Anonymous"), 12);
	CU_ASSERT_EQUAL(field(text, "Referenced"), 12);
	CU_ASSERT_EQUAL(field(text, "Shared_Dirty"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nVmFlags: rd wr mr mw me ac \n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nVmFlags: ex \n"));
	text = show(w, true, "status");
	CU_ASSERT_EQUAL(field(text, "VmSize"), 32);
	CU_ASSERT_EQUAL(field(text, "RssAnon"), 12);
	CU_ASSERT_STRING_EQUAL(show(w, true, "statm"), "8 3 0 0 0 8 0\n");
	world_free(w);
}

static void every_kb_line_of_smaps_has_27_characters(void)
{
	struct world *w = world_new();
	char *line, *save = NULL;
	unsigned n = 0;

	map(w, 0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, 3);
	show(w, true, "smaps");
	for (line = strtok_r(w->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strlen(line) < 3 || strcmp(line + strlen(line) - 3, " kB"))
			continue;
		CU_ASSERT_EQUAL(strlen(line), 27);
		n++;
	}
	CU_ASSERT_EQUAL(n, 2 * 22); /* of the area and of vsyscall */
	world_free(w);
}

/* --- names -------------------------------------------------------------------------------- */

/* Replaces each line by what is in front of the colon, or of the first blank. */
static void keep_names(char *text, char end)
{
	char *out = text;

	for (char *line = text, *next; *line; line = next) {
		u64 len = strcspn(line, "\n"), name = 0;

		next = line + len + (line[len] == '\n');
		while (name < len && line[name] != end)
			name++;
		memmove(out, line, name);
		out += name;
		*out++ = '\n';
	}
	*out = '\0';
}

static bool host_is_reference(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	if (major * 1000 + minor == 6018)
		return true;
	printf("skipped: the names are those of 6.18, this host is %s\n", u.release);
	return false;
}

static void compare_names(struct world *w, bool pid, const char *name, char end)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s%s", pid ? "self/" : "", name);
	host_text(w, path);
	show(w, pid, name);
	keep_names(w->host, end);
	keep_names(w->text, end);
	CU_ASSERT_STRING_EQUAL(w->text, w->host);
}

static void names_and_order_are_the_hosts(void)
{
	struct world *w;

	if (!host_is_reference())
		return;
	w = world_new();
	compare_names(w, true, "status", ':');
	compare_names(w, true, "limits", ' ');
	compare_names(w, false, "meminfo", ':');
	compare_names(w, false, "vmstat", ' ');
	compare_names(w, false, "swaps", ' ');
	world_free(w);
}

/* Each event that is the kernel's is shown, with its own count. */
static void vmstat_shows_every_event(void)
{
	static const char *const names[] = {
#define VMSTAT(kind, name, value)
#define VM_EVENT(kind, name) #name,
#include "mm/vmstat.def"
#undef VM_EVENT
#undef VMSTAT
	};
	struct world *w = world_new();
	const char *text;
	char line[64];

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		w->m.mem.events[i] = 7000000 + i;
	text = show(w, false, "vmstat");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strncmp(names[i], "v_", 2))
			continue;
		snprintf(line, sizeof(line), "\n%s %u\n", names[i], 7000000 + i);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
	}
	world_free(w);
}

/* --- files -------------------------------------------------------------------------------- */

static struct file *open_proc(struct world *w, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", w->t->pid, name);
	return do_filp_open(w->t->fs, NULL, path, flags, 0);
}

static long read_at(struct file *f, void *buf, u64 n, u64 pos)
{
	struct iovec iov = {buf, n};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = n};

	return vfs_read(f, &it, &pos);
}

static long write_text(struct file *f, const char *text)
{
	struct iovec iov = {(void *)text, strlen(text)};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = strlen(text)};
	u64 pos = 0;

	return vfs_write(f, &it, &pos);
}

static void pagemap_shows_the_ptes(void)
{
	u64 start = BASE / PAGE_SIZE * 8, entry[4], pfn;
	struct world *w = world_new();
	struct file *f;

	map(w, 0, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, 2);
	f = open_proc(w, "pagemap", O_RDONLY);
	CU_ASSERT_FATAL(!IS_ERR(f));
	CU_ASSERT_EQUAL(read_at(f, entry, sizeof(entry), start), sizeof(entry));
	for (int i = 0; i < 2; i++) {
		pfn = pte_pfn(*pte_offset(w->t->mm, BASE + i * PAGE_SIZE));
		CU_ASSERT_EQUAL(entry[i], BIT(63) | BIT(56) | pfn);
	}
	CU_ASSERT_EQUAL(entry[2], 0);
	CU_ASSERT_EQUAL(entry[3], 0);
	CU_ASSERT_EQUAL(read_at(f, entry, 8, start + 4), -EINVAL);
	CU_ASSERT_EQUAL(read_at(f, entry, 4, start), -EINVAL);
	CU_ASSERT_EQUAL(read_at(f, entry, 16, (TASK_SIZE / PAGE_SIZE - 1) * 8), 8);
	CU_ASSERT_EQUAL(read_at(f, entry, 8, TASK_SIZE / PAGE_SIZE * 8), 0);
	fput(f);
	world_free(w);
}

static void text_is_made_anew_at_offset_0(void)
{
	struct world *w = world_new();
	struct file *f = open_proc(w, "statm", O_RDWR);
	char buf[64] = "";

	CU_ASSERT_FATAL(!IS_ERR(f));
	CU_ASSERT_EQUAL(read_at(f, buf, 5, 0), 5);
	map(w, 0, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	CU_ASSERT_EQUAL(read_at(f, buf, 63, 2), 12); /* still the old text */
	CU_ASSERT_EQUAL(read_at(f, buf, 63, 0), 14);
	CU_ASSERT_STRING_EQUAL(buf, "4 0 0 0 0 4 0\n");
	CU_ASSERT_EQUAL(read_at(f, buf, 63, 14), 0);
	CU_ASSERT_EQUAL(write_text(f, "1"), -EINVAL);
	fput(f);
	world_free(w);
}

/* The whole text in steps of @step bytes, each try once more when there was no memory for it. Bytes. */
static u64 read_in_steps(struct world *w, struct file *f, u64 step, u64 fail_nth)
{
	u64 n = 0;
	long got;

	do {
		w->m.mem.fail_nth = fail_nth;
		got = read_at(f, w->text + n, step, n);
		w->m.mem.fail_nth = 0;
		if (got == -ENOMEM && fail_nth)
			got = read_at(f, w->text + n, step, n);
		n += got > 0 ? got : 0;
	} while (got > 0 && n + step < TEXT_MAX);
	CU_ASSERT_EQUAL(got, 0);
	return n;
}

static void a_text_is_the_same_in_any_pieces(void)
{
	static const char *const names[] = {"maps", "smaps", "numa_maps", "status", "mounts"};
	static const u64 steps[] = {1, 7, 100, 4095, 4096, 5000, 100000};
	struct world *w = world_new();

	for (u64 i = 0; i < 30; i++)
		map(w, 2 * i, 1, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		for (unsigned j = 0; j < ARRAY_SIZE(steps); j++) {
			struct file *f = open_proc(w, names[i], O_RDONLY);
			u64 n, nth = j % 4; /* 0: nothing fails */

			CU_ASSERT_FATAL(!IS_ERR(f));
			n = read_in_steps(w, f, steps[j], nth);
			memcpy(w->host, w->text, n);
			CU_ASSERT_EQUAL(strlen(show(w, true, names[i])), n);
			CU_ASSERT(!memcmp(w->text, w->host, n));
			fput(f);
		}
	}
	CU_ASSERT_EQUAL(memory_validate(&w->m.mem), 0);
	world_free(w);
}

#define LINE 41 /* of maps, without a name */

/* No read makes more than a page of records, and a record larger than that comes whole. */
static void a_read_makes_a_page_at_most(void)
{
	struct world *w = world_new();
	struct file *f;

	for (u64 i = 0; i < 200; i++)
		map(w, 2 * i, 1, PROT_READ, MAP_PRIVATE, 0);
	f = open_proc(w, "maps", O_RDONLY);
	CU_ASSERT_EQUAL(read_at(f, w->text, 100000, 0), 4095 / LINE * LINE);
	CU_ASSERT_EQUAL(do_munmap(w->t->mm, BASE, 200 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(read_at(f, w->text, LINE, 4095 / LINE * LINE), LINE);
	w->text[LINE] = '\0'; /* on it goes with what is there: the first 100 have been unmapped */
	CU_ASSERT_STRING_EQUAL(w->text, "100c8000-100c9000 r--p 00000000 00:00 0 \n");
	fput(f);
	world_free(w);
}

static void mem_reads_and_writes_what_is_there(void)
{
	struct world *w = world_new();
	struct file *f;
	static u8 buf[PAGE_SIZE * 2];

	map(w, 0, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 1);
	f = open_proc(w, "mem", O_RDWR);
	CU_ASSERT_FATAL(!IS_ERR(f));
	CU_ASSERT_EQUAL(read_at(f, buf, sizeof(buf), BASE), (long)PAGE_SIZE);
	CU_ASSERT_EQUAL(buf[0], 1);
	CU_ASSERT_EQUAL(read_at(f, buf, 1, BASE + PAGE_SIZE), -EIO);
	fput(f);
	world_free(w);
}

static void oom_score_adj_takes_numbers_in_its_range(void)
{
	struct world *w = world_new();
	struct file *f = open_proc(w, "oom_score_adj", O_RDWR);

	CU_ASSERT_FATAL(!IS_ERR(f));
	CU_ASSERT_EQUAL(write_text(f, "1001"), -EINVAL);
	CU_ASSERT_EQUAL(write_text(f, "x"), -EINVAL);
	CU_ASSERT_EQUAL(write_text(f, " 500\n"), 5);
	CU_ASSERT_STRING_EQUAL(show(w, true, "oom_adj"), "8\n");
	CU_ASSERT_EQUAL(w->t->signal->oom_score_adj, 500);
	fput(f);
	world_free(w);
}

static void clear_refs_clears_accessed_bits(void)
{
	struct world *w = world_new();
	struct file *f = open_proc(w, "clear_refs", O_WRONLY);

	CU_ASSERT_FATAL(!IS_ERR(f));
	map(w, 0, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 4);
	CU_ASSERT_EQUAL(write_text(f, "3\n"), 2); /* files only */
	CU_ASSERT_EQUAL(field(show(w, true, "smaps"), "Referenced"), 16);
	CU_ASSERT_EQUAL(write_text(f, "1\n"), 2);
	CU_ASSERT_EQUAL(field(show(w, true, "smaps"), "Referenced"), 0);
	CU_ASSERT_EQUAL(field(w->text, "Private_Dirty"), 16);
	CU_ASSERT_EQUAL(write_text(f, "6\n"), -EINVAL);
	fput(f);
	world_free(w);
}

struct names {
	char text[4096];
	u64 len;
};

static bool emit(void *ctx, const char *name, u64 ino, u8 type __unused, s64 next_pos __unused)
{
	struct names *n = ctx;

	CU_ASSERT_NOT_EQUAL(ino, 0);
	n->len += snprintf(n->text + n->len, sizeof(n->text) - n->len, "%s ", name);
	return true;
}

static const char *list(struct world *w, const char *name, struct names *n)
{
	struct file *f = open_proc(w, name, O_RDONLY | O_DIRECTORY);

	CU_ASSERT_FATAL(!IS_ERR(f));
	n->len = 0;
	CU_ASSERT_EQUAL(f->f_op->iterate(f, emit, n), 0);
	fput(f);
	return n->text;
}

static void directories_list_what_can_be_opened(void)
{
	struct world *w = world_new();
	static struct names n;
	struct path p;
	char buf[64];

	CU_ASSERT_STRING_EQUAL(list(w, "task", &n), ". .. 300 ");
	CU_ASSERT_EQUAL(
		strncmp(list(w, "", &n), ". .. task fd map_files fdinfo ns net environ auxv ", 50),
		0);
	CU_ASSERT_PTR_NULL(strstr(list(w, "task/300", &n), "task"));
	CU_ASSERT_EQUAL(path_lookup(w->t->fs, NULL, "/proc/300/task/300/fdinfo", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(d_path(&p, buf, sizeof(buf)), 25);
	CU_ASSERT_STRING_EQUAL(buf, "/proc/300/task/300/fdinfo");
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(w->t->fs, NULL, "/proc/300/fd/../../..", 0, &p, NULL), 0);
	CU_ASSERT_EQUAL(p.dentry->ino, w->t->fs->root.dentry->ino);
	path_put(&p);
	CU_ASSERT_EQUAL(path_lookup(w->t->fs, NULL, "/proc/301", 0, &p, NULL), -ENOENT);
	CU_ASSERT_EQUAL(path_lookup(w->t->fs, NULL, "/proc/0300", 0, &p, NULL), -ENOENT);
	CU_ASSERT_EQUAL(path_lookup(w->t->fs, NULL, "/proc/300/maps/x", 0, &p, NULL), -ENOTDIR);
	world_free(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(maps_has_linux_columns),
	UNIT_TEST(smaps_counts_the_ptes),
	UNIT_TEST(every_kb_line_of_smaps_has_27_characters),
	UNIT_TEST(names_and_order_are_the_hosts),
	UNIT_TEST(vmstat_shows_every_event),
	UNIT_TEST(pagemap_shows_the_ptes),
	UNIT_TEST(text_is_made_anew_at_offset_0),
	UNIT_TEST(a_text_is_the_same_in_any_pieces),
	UNIT_TEST(a_read_makes_a_page_at_most),
	UNIT_TEST(mem_reads_and_writes_what_is_there),
	UNIT_TEST(oom_score_adj_takes_numbers_in_its_range),
	UNIT_TEST(clear_refs_clears_accessed_bits),
	UNIT_TEST(directories_list_what_can_be_opened),
	UNIT_END,
};
const struct unit_suite suite_procfs = {"procfs", tests};
