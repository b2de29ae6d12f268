/* poll(2), ppoll(2), select(2), pselect(2).
 *
 * All become a list of struct poll_entry. Each file is asked once with the poller's wait queue
 * entries; whatever wakes one of them has the whole list asked again.
 */
#include "syscalls/internal.h"

#include <poll.h>

#include "fs/poll.h"

#define POLL_ALWAYS (POLLERR | POLLHUP | POLLNVAL)

/* One file that is asked for: select's three sets become one of these, too. */
struct poll_entry {
	int fd;
	short events, revents;
};

/* What is ready now, of @events and what always counts. */
static short poll_file(struct task_struct *t, int fd, short events, struct poll_table *pt)
{
	struct file *f = fdget(t, fd);
	unsigned mask;

	if (!f)
		return POLLNVAL;
	if (pt)
		pt->key = (u16)events | POLLERR | POLLHUP;
	mask = vfs_poll(f, pt);
	fput(f);
	return (short)(mask & ((u16)events | POLL_ALWAYS));
}

/* Entries that are ready. After the first of them nobody is going to sleep. */
static int poll_once(struct task_struct *t, struct poll_entry *p, u64 n, struct poll_table *pt)
{
	int ready = 0;

	for (u64 i = 0; i < n; i++) {
		p[i].revents = (short)(p[i].fd < 0 ? 0 : poll_file(t, p[i].fd, p[i].events, pt));
		if (p[i].revents) {
			ready++;
			pt = NULL;
		}
	}
	return ready;
}

/* Entries that are ready; 0: the time is over; -EINTR: a signal; -ENOMEM. */
static int do_poll(struct task_struct *t, struct poll_entry *p, u64 n, u64 deadline_ns)
{
	struct poll_wqueues pwq;
	int ready, err = 0;

	if (!deadline_ns)
		return poll_once(t, p, n, NULL);
	poll_initwait(&pwq, &t->machine->vfs);
	for (;;) {
		ready = poll_once(t, p, n, &pwq.pt);
		if (!ready)
			err = err ? err : pwq.pt.error;
		if (ready || err)
			break;
		pwq.pt.qproc = NULL; /* it is on every queue now */
		err = poll_schedule(&pwq, deadline_ns);
	}
	poll_freewait(&pwq);
	if (ready)
		return ready;
	return err == -ETIME ? 0 : err;
}

/* ppoll and pselect tell how much time is left; a pointer that faults is ignored, as in Linux. */
static void put_time_left(struct task_struct *t, gva_t to, u64 deadline_ns, bool timeval)
{
	struct timespec ts = time_left(t, deadline_ns);

	if (!to || deadline_ns == WAIT_FOREVER)
		return;
	if (timeval)
		ts.tv_nsec /= 1000;
	if (copy_to_user(t->mm, to, &ts, sizeof(ts)))
		return;
}

/* --- poll ------------------------------------------------------------------------------------ */

static long poll_user(struct task_struct *t, gva_t ufds, u32 n, u64 deadline_ns)
{
	struct memory *mem = &t->machine->mem;
	struct poll_entry *p;
	long ret;

	_Static_assert(sizeof(struct poll_entry) == sizeof(struct pollfd), "the kernel's layout");
	if (n > nofile_limit(t))
		return -EINVAL;
	p = kcalloc(mem, n ? n : 1, sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	if (copy_from_user(t->mm, p, ufds, n * sizeof(*p))) {
		kfree(mem, p);
		return -EFAULT;
	}
	ret = do_poll(t, p, n, deadline_ns);
	for (u32 i = 0; ret >= 0 && i < n; i++)
		if (copy_to_user(t->mm, ufds + i * sizeof(*p) + 6, &p[i].revents, 2))
			ret = -EFAULT;
	kfree(mem, p);
	return ret;
}

static long poll_until(struct task_struct *t, gva_t ufds, u32 n, u64 deadline_ns);

static long poll_restart(struct task_struct *t)
{
	return poll_until(t, t->restart_block.user, t->restart_block.nr,
			  t->restart_block.expires_ns);
}

/* After a stop it goes on with the time that is left. */
static long poll_until(struct task_struct *t, gva_t ufds, u32 n, u64 deadline_ns)
{
	long ret = poll_user(t, ufds, n, deadline_ns);

	if (ret != -EINTR)
		return ret;
	t->restart_block.expires_ns = deadline_ns;
	t->restart_block.user = ufds;
	t->restart_block.nr = n;
	t->restart_block.fn = poll_restart;
	return -ERESTART_RESTARTBLOCK;
}

/* poll(2). How many are ready. -EINVAL: more than RLIMIT_NOFILE. Goes on after a stop. */
long sys_poll(struct task_struct *t, const struct sysargs *a)
{
	int ms = a->arg[2];
	u64 deadline = WAIT_FOREVER;

	if (ms >= 0)
		deadline = ms ? machine_now_ns(t->machine) + ms * NSEC_PER_MSEC : 0;
	return poll_until(t, a->arg[0], a->arg[1], deadline);
}

/* Reads a timeout: 0 or -errno. */
static int get_deadline(struct task_struct *t, gva_t addr, u64 *deadline)
{
	struct timespec ts;

	*deadline = WAIT_FOREVER;
	if (!addr)
		return 0;
	if (get_user(t->mm, ts, addr))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline = timeout_deadline(t, &ts);
	return 0;
}

/* ppoll(2). As poll(2); -EINVAL: the time, the mask's size; a signal ends it: -ERESTARTNOHAND. */
long sys_ppoll(struct task_struct *t, const struct sysargs *a)
{
	u64 deadline;
	long ret = get_deadline(t, a->arg[2], &deadline);

	if (!ret)
		ret = set_user_sigmask(t, a->arg[3], a->arg[4]);
	if (ret)
		return ret;
	ret = poll_user(t, a->arg[0], a->arg[1], deadline);
	restore_user_sigmask(t, ret == -EINTR);
	put_time_left(t, a->arg[2], deadline, false);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* --- select ---------------------------------------------------------------------------------- */

#define SET_IN (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define SET_OUT (POLLOUT | POLLWRNORM | POLLERR)
#define SET_EX POLLPRI

static const short select_ready[3] = {SET_IN, SET_OUT, SET_EX};
static const short select_asks[3] = {POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI};

/* Bytes of a set of @n descriptors. */
static u64 set_bytes(u64 n)
{
	return (n + 63) / 64 * 8;
}

static int get_sets(struct task_struct *t, const gva_t addr[3], u64 *sets[3], u64 n)
{
	for (int s = 0; s < 3; s++)
		if (addr[s] && copy_from_user(t->mm, sets[s], addr[s], set_bytes(n)))
			return -EFAULT;
	return 0;
}

static bool in_set(u64 *const sets[3], int s, u64 fd)
{
	return sets[s][fd / 64] >> (fd % 64) & 1;
}

/* One entry a descriptor that is in a set; -EBADF if one is not open. */
static long sets_to_entries(struct task_struct *t, u64 *const sets[3], u64 n, struct poll_entry *p)
{
	long nr = 0;

	for (int fd = 0; (u64)fd < n; fd++) { /* n came as an int */
		int events = 0;

		for (int s = 0; s < 3; s++)
			if (in_set(sets, s, fd))
				events |= select_asks[s];
		if (!events)
			continue;
		if (!fget(t->files, fd))
			return -EBADF;
		p[nr++] = (struct poll_entry){fd, (short)events, 0};
	}
	return nr;
}

/* Leaves in the sets what is ready; bits that are set. */
static long entries_to_sets(const struct poll_entry *p, long nr, u64 *const sets[3])
{
	long count = 0;

	for (long i = 0; i < nr; i++) {
		u64 fd = p[i].fd;

		for (int s = 0; s < 3; s++) {
			if (!in_set(sets, s, fd))
				continue;
			if (p[i].revents & select_ready[s])
				count++;
			else
				sets[s][fd / 64] &= ~(1UL << (fd % 64));
		}
	}
	return count;
}

static long select_user(struct task_struct *t, int count, const gva_t addr[3], u64 deadline_ns)
{
	struct memory *mem = &t->machine->mem;
	u64 n = count, *sets[3];
	struct poll_entry *p;
	long nr, ret = -ENOMEM;

	if (count < 0)
		return -EINVAL;
	n = min(n, (u64)t->files->max_fds);
	sets[0] = kcalloc(mem, 3, set_bytes(n) + 8, GFP_KERNEL);
	p = kcalloc(mem, n + 1, sizeof(*p), GFP_KERNEL);
	if (!sets[0] || !p)
		goto free;
	sets[1] = sets[0] + set_bytes(n) / 8;
	sets[2] = sets[1] + set_bytes(n) / 8;
	ret = get_sets(t, addr, sets, n);
	if (ret)
		goto free;
	nr = ret = sets_to_entries(t, sets, n, p);
	if (nr < 0)
		goto free;
	ret = do_poll(t, p, nr, deadline_ns);
	if (ret < 0)
		goto free;
	ret = entries_to_sets(p, nr, sets);
	for (int s = 0; s < 3; s++)
		if (addr[s] && copy_to_user(t->mm, addr[s], sets[s], set_bytes(n)))
			ret = -EFAULT;
free:
	kfree(mem, p);
	kfree(mem, sets[0]);
	return ret;
}

/* select(2). Bits set. -EBADF; -EINVAL: a negative number or time; a signal ends it: -ERESTARTNOHAND. */
long sys_select(struct task_struct *t, const struct sysargs *a)
{
	u64 deadline = WAIT_FOREVER;
	struct timeval tv;
	struct timespec ts;
	long ret;

	if (a->arg[4]) {
		if (get_user(t->mm, tv, a->arg[4]))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		ts.tv_sec = tv.tv_sec + tv.tv_usec / 1000000;
		ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
		deadline = timeout_deadline(t, &ts);
	}
	ret = select_user(t, a->arg[0], &a->arg[1], deadline);
	put_time_left(t, a->arg[4], deadline, true);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* pselect(2). As select(2); -EINVAL: the mask's size. */
long sys_pselect6(struct task_struct *t, const struct sysargs *a)
{
	struct {
		gva_t set;
		u64 size;
	} mask = {0, 0};
	u64 deadline;
	long ret;

	if (a->arg[5] && get_user(t->mm, mask, a->arg[5]))
		return -EFAULT;
	ret = get_deadline(t, a->arg[4], &deadline);
	if (!ret)
		ret = set_user_sigmask(t, mask.set, mask.size);
	if (ret)
		return ret;
	ret = select_user(t, a->arg[0], &a->arg[1], deadline);
	restore_user_sigmask(t, ret == -EINTR);
	put_time_left(t, a->arg[4], deadline, false);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
