/* /proc/self/pagemap against a page-table walker that knows nothing of Vellum: it has a dump of
 * guest RAM, the value of cr3, and SDM vol. 3A, 4.5. Of the ptes that hardware cannot see it knows
 * Linux's PROT_NONE: present clear, global set. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/open.h"
#include "fs/seq_file.h"
#include "fs/vfs.h"
#include "mm/pgtable.h"
#include "proc/procfs/procfs.h"
#include "tiny_elf.h"
#include "unit.h"

#define RAM (32UL << 20) /* below the hole: a frame's address is its offset in the dump */

/* 3 MiB private: each third page written, the next one read, one written page made PROT_NONE, one
 * unmapped; 64 KiB shared, every second page written. */
GUEST_CODE(use_memory, "	mmap 0x300000, 0x22\n"
		       "	mov %rax, %r12\n"
		       "	xor %ebx, %ebx\n"
		       "1:	movb $1, (%r12,%rbx)\n"
		       "	movb 4096(%r12,%rbx), %al\n"
		       "	add $0x3000, %ebx\n"
		       "	cmp $0x2fd000, %ebx\n"
		       "	jb 1b\n"
		       "	mov $10, %eax\n"
		       "	lea 0x6000(%r12), %rdi\n"
		       "	mov $4096, %esi\n"
		       "	xor %edx, %edx\n"
		       "	syscall\n"
		       "	mov $11, %eax\n"
		       "	lea 0x9000(%r12), %rdi\n"
		       "	mov $4096, %esi\n"
		       "	syscall\n"
		       "	mov $9, %eax\n"
		       "	xor %edi, %edi\n"
		       "	mov $0x10000, %esi\n"
		       "	mov $3, %edx\n"
		       "	mov $0x21, %r10d\n"
		       "	syscall\n"
		       "	mov $8, %ecx\n"
		       "2:	movb $1, (%rax)\n"
		       "	add $0x2000, %rax\n"
		       "	loop 2b\n"
		       "	exit 0\n");

/* --- the walker: a dump and cr3, nothing else --------------------------------------------------- */

#define P 1UL
#define PS 0x80UL
#define G 0x100UL /* without P: PROT_NONE */
#define FRAME 0x000ffffffffff000UL

static u64 entry_at(const u8 *dump, u64 table, u64 index)
{
	return *(const u64 *)(dump + (table & FRAME) + index * 8);
}

/* The frame behind @address, or 0. */
static u64 walk(const u8 *dump, u64 cr3, u64 address)
{
	u64 entry = cr3;

	for (int shift = 39; shift >= 12; shift -= 9) {
		entry = entry_at(dump, entry, address >> shift & 511);
		if (shift > 12 && !(entry & P))
			return 0;
		if (shift == 21 && (entry & PS))
			return ((entry & FRAME) + (address & 0x1ff000)) >> 12;
	}
	return entry & (P | G) ? (entry & FRAME) >> 12 : 0;
}

/* Present ptes below @table, which is of level @shift (39: the topmost). */
static u64 count_present(const u8 *dump, u64 table, int shift)
{
	u64 n = 0;

	for (u64 i = 0; i < (shift == 39 ? 256 : 512); i++) {
		u64 entry = entry_at(dump, table, i);

		if (shift == 12)
			n += !!(entry & (P | G));
		else if (entry & P)
			n += count_present(dump, entry, shift - 9);
	}
	return n;
}

/* --- the guest's last moment ---------------------------------------------------------------- */

struct seen {
	u64 present, same, different, outside;
};

/* By a raw call: in sanitized builds free frames are poisoned, and a dump takes them too. What the
 * kernel refuses is a guard page (KSTACK_GUARD): it stays a hole. */
static const u8 *dump_ram(struct machine *m)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, RAM), 0);
	for (u64 at = 0; at < RAM; at += 4096) {
		long n = syscall(SYS_pwrite64, fd, (u8 *)m->mem.ram + at, 4096UL, at);

		CU_ASSERT_FATAL(n == 4096 || (n < 0 && KSTACK_GUARD));
	}
	const u8 *dump = mmap(NULL, RAM, PROT_READ, MAP_PRIVATE, fd, 0);
	CU_ASSERT_FATAL(dump != MAP_FAILED);
	close(fd);
	return dump;
}

static u64 pagemap_entry(struct file *f, u64 address)
{
	u64 entry = 0, pos = address / 4096 * 8;
	struct iovec iov = {&entry, sizeof(entry)};
	struct iov_iter it = {.iov = &iov, .nr_segs = 1, .count = sizeof(entry)};

	CU_ASSERT_EQUAL(vfs_read(f, &it, &pos), sizeof(entry));
	return entry;
}

static void compare_at_exit(struct machine *m, struct task_struct *t, void *arg)
{
	const u64 frame_bits =
		geteuid() ? 0 : (1UL << 55) - 1; /* others do not see frame numbers */
	u64 cr3 = virt_to_pfn(&m->mem, t->mm->pgd) << 12, start, end;
	const u8 *dump = dump_ram(m);
	struct seen *seen = arg;
	struct seq maps;
	struct file *f;
	char *line;

	CU_ASSERT_EQUAL_FATAL(procfs_read_text(m, t, "maps", &maps), 0);
	f = do_filp_open(t->fs, NULL, "/proc/self/pagemap", O_RDONLY, 0);
	CU_ASSERT_FATAL(!IS_ERR(f));
	for (line = maps.buf; line && sscanf(line, "%lx-%lx", &start, &end) == 2;) {
		for (u64 a = start; a < end && start < 1UL << 47; a += 4096) {
			u64 want = walk(dump, cr3, a), got = pagemap_entry(f, a);

			if (want)
				want = (want & frame_bits) | 1UL << 63;
			seen->present += !!want;
			if ((got & (frame_bits | 1UL << 63)) == want)
				seen->same++;
			else
				seen->different++;
		}
		line = memchr(line, '\n', maps.buf + maps.count - line);
		line = line && line + 1 < maps.buf + maps.count ? line + 1 : NULL;
	}
	seen->outside = count_present(dump, cr3, 39) - seen->present;
	fput(f);
	seq_release(&maps);
	munmap((void *)dump, RAM);
}

static void a_walker_with_a_dump_and_cr3_reproduces_pagemap(void)
{
	struct machine *m = tiny_start(use_memory, use_memory_end, RAM);
	struct seen seen = {0};

	m->on_exit = compare_at_exit;
	m->on_exit_arg = &seen;
	CU_ASSERT_EQUAL(machine_run(m), 0);
	CU_ASSERT(seen.present > 500 && seen.same > 800);
	CU_ASSERT_EQUAL(seen.different, 0);
	CU_ASSERT_EQUAL(seen.outside, 0);
	tiny_end(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_walker_with_a_dump_and_cr3_reproduces_pagemap),
	UNIT_END,
};
const struct unit_suite suite_pagemap_walker = {"pagemap_walker", tests};
