/* The machine as a whole: names, memory totals, randomness, barriers. */
#include "syscalls/internal.h"

#include <linux/membarrier.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/host_proc.h"

#include "proc/utsname.h"

#define RANDOM_CHUNK 256UL
#define K_GRND_NONBLOCK 1U
#define K_GRND_RANDOM 2U
#define K_GRND_INSECURE 4U

/* uname(2): release and version are the guest kernel's, the name is the host's until sethostname(2). */
long sys_uname(struct task_struct *t, const struct sysargs *a)
{
	struct utsname u;

	machine_uname(t->machine, &u);
	return copy_to_user(t->mm, a->arg[0], &u, sizeof(u)) ? -EFAULT : 0;
}

/* sysinfo(2): of guest RAM. */
long sys_sysinfo(struct task_struct *t, const struct sysargs *a)
{
	struct memory *mem = &t->machine->mem;
	struct task_struct *p;
	struct timespec up;
	struct sysinfo si;

	memset(&si, 0, sizeof(si));
	machine_clock_gettime(t->machine, t, CLOCK_BOOTTIME, &up);
	si.uptime = up.tv_sec + (up.tv_nsec != 0);
	si.totalram = totalram_pages(mem) << PAGE_SHIFT;
	si.freeram = nr_free_pages(mem) << PAGE_SHIFT;
	si.sharedram = (u64)mem->stats[ST_shmem] << PAGE_SHIFT;
	si.mem_unit = 1;
	list_for_each_entry (p, &t->machine->tasks, tasks)
		si.procs++;
	return copy_to_user(t->mm, a->arg[0], &si, sizeof(si)) ? -EFAULT : 0;
}

/* getrandom(2). Bytes; a fault in the middle leaves a short count. -EINVAL: flags. */
long sys_getrandom(struct task_struct *t, const struct sysargs *a)
{
	u64 done = 0, n = min(a->arg[1], MAX_RW_COUNT), part, left;
	u32 flags = a->arg[2];
	u8 chunk[RANDOM_CHUNK];

	if (flags & ~(K_GRND_NONBLOCK | K_GRND_RANDOM | K_GRND_INSECURE))
		return -EINVAL;
	if ((flags & K_GRND_RANDOM) && (flags & K_GRND_INSECURE))
		return -EINVAL;
	if (!access_ok(a->arg[0], n))
		return -EFAULT;
	while (done < n) {
		part = min(n - done, RANDOM_CHUNK);
		machine_random(t->machine, chunk, part);
		left = copy_to_user(t->mm, a->arg[0] + done, chunk, part);
		done += part - left;
		if (left)
			return done ? (long)done : -EFAULT;
	}
	return done;
}

/* A program may ask for barriers among its own tasks only when it has said so before: each
 * PRIVATE command's registration is the bit above it. */
#define MB_PRIVATE                                                                                 \
	(MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |           \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
#define MB_REGISTER (MB_PRIVATE << 1 | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
#define MB_GET_REGISTRATIONS 512
#define MB_FLAG_CPU 1U

/* Those of SYNC_CORE and RSEQ are shown with the plain one. */
static long get_registrations(const struct mm_struct *mm)
{
	u32 mask = mm->membarrier_state;

	if (mask & MB_PRIVATE << 1)
		mask |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	return mask;
}

/* membarrier(2). On one CPU every barrier is there already. -EINVAL; -EPERM: not registered. See: Linux,
 * kernel/sched/membarrier.c. */
long sys_membarrier(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[1];
	int cmd = a->arg[0];

	if (flags && (cmd != MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ || flags != MB_FLAG_CPU))
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MB_REGISTER | MB_PRIVATE | MEMBARRIER_CMD_GLOBAL |
		       MEMBARRIER_CMD_GLOBAL_EXPEDITED | MB_GET_REGISTRATIONS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return t->mm->membarrier_state & cmd << 1 ? 0 : -EPERM;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		t->mm->membarrier_state |= cmd;
		return 0;
	case MB_GET_REGISTRATIONS:
		return get_registrations(t->mm);
	default:
		return -EINVAL;
	}
}

/* getcpu(2): node 0. */
long sys_getcpu(struct task_struct *t, const struct sysargs *a)
{
	u32 cpu = t->machine->cpu.id, node = 0;

	if (a->arg[0] && put_user(t->mm, cpu, a->arg[0]))
		return -EFAULT;
	return a->arg[1] ? put_user(t->mm, node, a->arg[1]) : 0;
}
