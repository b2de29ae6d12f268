/* The local descriptor table: the CPU has none (cpu/op_seg.c), so that it can be read, and descriptors that say nothing
 * be written; one that a program could load is refused.
 * See: modify_ldt(2); Linux, arch/x86/kernel/ldt.c. */
#include "syscalls/internal.h"

#define LDT_ENTRIES 8192U
#define LDT_ENTRY_SIZE 8UL
#define DEFAULT_LDT_SIZE 128UL /* of x86-64 */
#define LDT_READ 0
#define LDT_WRITE_OLD 1
#define LDT_READ_DEFAULT 2
#define LDT_WRITE 0x11

/* struct user_desc of <asm/ldt.h> */
struct user_desc_k {
	u32 entry_number, base_addr, limit;
	unsigned seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1,
		seg_not_present : 1, useable : 1, lm : 1;
};

/* All entries are empty, and so is what follows the last one, up to the largest table that could be. */
static long read_ldt(struct task_struct *t, gva_t to, u64 len)
{
	if (!t->mm->has_ldt)
		return 0;
	len = min(len, LDT_ENTRIES * LDT_ENTRY_SIZE);
	return clear_user(t->mm, to, len) ? -EFAULT : (long)len;
}

static long read_default_ldt(struct task_struct *t, gva_t to, u64 len)
{
	len = min(len, DEFAULT_LDT_SIZE);
	return clear_user(t->mm, to, len) ? -EFAULT : (long)len;
}

/* LDT_empty() */
static bool is_empty(const struct user_desc_k *d, bool old)
{
	if (d->base_addr || d->limit)
		return false;
	return old || (d->read_exec_only && d->seg_not_present && !d->contents && !d->seg_32bit &&
		       !d->limit_in_pages && !d->useable);
}

static long write_ldt(struct task_struct *t, gva_t from, u64 len, bool old)
{
	struct user_desc_k d;

	if (len != sizeof(d))
		return -EINVAL;
	if (get_user(t->mm, d, from))
		return -EFAULT;
	if (d.entry_number >= LDT_ENTRIES)
		return -EINVAL;
	if (d.contents == 3 && (old || !d.seg_not_present))
		return -EINVAL;
	if (!is_empty(&d, old))
		return sys_ni(t, NULL);
	t->mm->has_ldt = true;
	return 0;
}

/* modify_ldt(2). Bytes read, or 0: as an unsigned int, errors too, which only programs of i386 see as such.
 * -EINVAL, -ENOSYS: what it is to do. */
long sys_modify_ldt(struct task_struct *t, const struct sysargs *a)
{
	long ret = -ENOSYS;

	switch ((int)a->arg[0]) {
	case LDT_READ:
		ret = read_ldt(t, a->arg[1], a->arg[2]);
		break;
	case LDT_WRITE_OLD:
		ret = write_ldt(t, a->arg[1], a->arg[2], true);
		break;
	case LDT_READ_DEFAULT:
		ret = read_default_ldt(t, a->arg[1], a->arg[2]);
		break;
	case LDT_WRITE:
		ret = write_ldt(t, a->arg[1], a->arg[2], false);
		break;
	}
	return (u32)ret;
}
