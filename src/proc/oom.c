/* Out of memory. The allocator asks when nothing can be reclaimed (mm/page_alloc.c), and so no small request
 * of a program that lives on ever fails for want of a frame. See oom.h.
 *
 * Simpler than Linux: there is no reaper, so memory comes back when the victim has run its end. Page
 * faults, and reads and writes of files, sleep until then; other requests take from the allocator's
 * reserve.
 *
 * See: mm/oom_kill.c, out_of_memory(); proc(5), /proc/PID/oom_score_adj.
 */
#include "proc/oom.h"

#include "base/log.h"
#include "proc/task.h"

/* A vfork(2) child whose memory is its parent's still, who is the one to name. in_vfork() */
static bool in_vfork(const struct task_struct *t)
{
	return t->vfork_done && t->real_parent && t->real_parent->mm == t->mm;
}

s64 oom_badness(struct task_struct *t, u64 total)
{
	s32 adj = t->signal->oom_score_adj;
	struct mm_counts c;

	if (!t->mm || adj == OOM_SCORE_ADJ_MIN || in_vfork(t))
		return OOM_NEVER;
	mm_read_counts(t->mm, &c);
	return c.rss_anon + c.rss_file + c.rss_shmem + c.swapents +
	       (c.pgtables_bytes >> PAGE_SHIFT) + adj * ((s64)total / 1000);
}

/* Somebody who has been killed, and still has his memory. */
static bool victim_is_dying(struct machine *m)
{
	struct task_struct *t;

	list_for_each_entry (t, &m->tasks, tasks)
		if (t->signal->oom_victim && t->mm)
			return true;
	return false;
}

/* select_bad_process(). NULL: there is nobody. */
static struct task_struct *select_victim(struct machine *m)
{
	struct task_struct *t, *worst = NULL, *current = current_task(m);
	s64 points, most = OOM_NEVER;
	u64 total = totalram_pages(&m->mem);

	if (m->sysctl[SYSCTL_oom_kill_allocating_task] && current &&
	    oom_badness(current, total) != OOM_NEVER)
		return current;
	list_for_each_entry (t, &m->tasks, tasks) {
		if (t->kthread || task_is_dead(t))
			continue;
		points = oom_badness(t, total);
		if (points > most) {
			most = points;
			worst = t;
		}
	}
	return worst;
}

static void trace_victim(struct machine *m, const struct task_struct *victim)
{
	struct mm_counts c;

	mm_read_counts(victim->mm, &c);
	trace_event(m->mem.trace, TP_oom_mark_victim,
		    "pid=%d comm=%s total-vm=%lukB anon-rss=%lukB file-rss:%lukB shmem-rss:%lukB "
		    "uid=%u pgtables=%lukB oom_score_adj=%d",
		    victim->pid, victim->comm, c.total_vm << (PAGE_SHIFT - 10),
		    c.rss_anon << (PAGE_SHIFT - 10), c.rss_file << (PAGE_SHIFT - 10),
		    c.rss_shmem << (PAGE_SHIFT - 10), victim->uid, victim->mm->pgtables_bytes >> 10,
		    victim->signal->oom_score_adj);
}

/* It, and whoever else holds its memory. __oom_kill_process() */
static void kill_victim(struct machine *m, struct task_struct *victim)
{
	const struct mm_struct *mm = victim->mm;
	struct task_struct *t, *next;

	log_line("out of memory: killed %s (pid %d): all %lu MiB of guest RAM are in use",
		 victim->comm, victim->pid, m->mem.ram_size >> 20);
	count_vm_event(&m->mem, EV_oom_kill);
	trace_victim(m, victim);
	list_for_each_entry_safe (t, next, &m->tasks, tasks) {
		if (t->mm != mm || t->kthread || task_is_dead(t))
			continue;
		t->signal->oom_victim = true;
		group_send_sig_info(SIGKILL, NULL, t);
	}
}

bool out_of_memory(struct machine *m)
{
	struct task_struct *victim;

	if (victim_is_dying(m))
		return true;
	victim = select_victim(m);
	if (victim)
		kill_victim(m, victim);
	return victim;
}

static u64 oom_kill(void *arg)
{
	return out_of_memory(arg) ? OOM_DYING : 0;
}

static bool may_wait(struct task_struct *t)
{
	return t && t->mm && !t->kthread && !fatal_signal_pending(t);
}

/* Sleeps until the victim has left its memory; false: the current task is to die itself. */
static bool wait_for_victim(struct machine *m, struct task_struct *t)
{
	/* Whoever copies looks again. */
	t->mm->uffd_used = true;
	while (!fatal_signal_pending(t) && victim_is_dying(m)) {
		t->state = TASK_KILLABLE;
		m->sched.ops->block(m->sched.arg, machine_now_ns(m) + NSEC_PER_MSEC);
		t->state = TASK_RUNNING;
	}
	return !fatal_signal_pending(t);
}

static bool pagefault_oom(void *arg)
{
	struct machine *m = arg;
	struct task_struct *t = current_task(m);

	if (!may_wait(t))
		return false;
	if (!out_of_memory(m))
		kill_victim(m, t); /* everybody is spared: Linux panics */
	return wait_for_victim(m, t);
}

static bool oom_wait(void *arg)
{
	struct machine *m = arg;
	struct task_struct *t = current_task(m);

	return may_wait(t) && victim_is_dying(m) && wait_for_victim(m, t);
}

void machine_oom_init(struct machine *m)
{
	m->mem.hooks.oom_kill = oom_kill;
	m->mem.hooks.oom_arg = m;
	m->mem.hooks.pagefault_oom = pagefault_oom;
	m->mem.hooks.oom_wait = oom_wait;
}
