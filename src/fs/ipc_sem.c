/* System V semaphores. See ipc_sem.h. */
#include "fs/ipc_sem.h"

#include <string.h>

#include "base/err.h"
#include "base/wait.h"
#include "fs/internal.h"

#define SEM_AEM SEM_VMX	 /* the most that is taken back */
#define SEM_SEMUSZ 20	 /* IPC_INFO's semusz */
#define STILL_WAITING -1 /* sem_queue.status: no errno */

struct sem {
	s32 val, pid;
};

struct sem_array {
	struct kern_ipc_perm perm; /* first: ipc_util.h */
	struct vfs *vfs;
	s64 otime, ctime;
	struct list_head pending; /* sem_queue.list, in the order they came */
	struct list_head undos;	  /* sem_undo.in_array */
	u32 nsems;
	struct sem sems[];
};

/* Who sleeps in do_semtimedop(), on its stack. */
struct sem_queue {
	struct list_head list;
	const struct sembuf *sops, *blocking; /* blocking: the one that could not be done */
	u32 nsops;
	bool alter; /* else it waits for zeros only */
	s32 pid;
	struct sem_undo *undo;
	int status; /* STILL_WAITING, or the result */
	struct wait_queue_head wait;
};

struct sem_undo_list {
	u32 users; /* tasks */
	struct list_head undos;
};

struct sem_undo {
	struct list_head in_list, in_array;
	struct sem_array *array;
	s16 adj[]; /* nsems */
};

static struct ipc_ids *sem_ids(const struct vfs *v)
{
	return &v->in->sem.ids;
}

struct sem_limits sem_get_limits(const struct vfs *v)
{
	return v->in->sem.limits;
}

void sem_set_limits(struct vfs *v, const struct sem_limits *limits)
{
	v->in->sem.limits = *limits;
}

static struct sem_array *array(struct kern_ipc_perm *p)
{
	return (struct sem_array *)p;
}

/* The array @id, for who may do @flags. ERR_PTR(-EINVAL, -EACCES). */
static struct sem_array *find(struct vfs *v, const struct ipc_cred *who, int id, u32 flags)
{
	struct sem_array *sma = array(ipc_find_id(sem_ids(v), id));

	if (!sma)
		return ERR_PTR(-EINVAL);
	return ipc_may(who, &sma->perm, flags) ? sma : ERR_PTR(-EACCES);
}

/* --- semget ------------------------------------------------------------------------------ */

static long newary(struct vfs *v, const struct ipc_cred *who, s32 key, int nsems, int flags)
{
	const struct sem_limits *limits = &v->in->sem.limits;
	struct sem_array *sma;
	int err;

	if (!nsems)
		return -EINVAL;
	if (v->in->sem.used + nsems > (u64)limits->mns)
		return -ENOSPC;
	sma = kzalloc(v->mem, sizeof(*sma) + nsems * sizeof(sma->sems[0]), GFP_KERNEL);
	if (!sma)
		return -ENOMEM;
	sma->vfs = v;
	sma->nsems = nsems;
	sma->ctime = ipc_now(v);
	INIT_LIST_HEAD(&sma->pending);
	INIT_LIST_HEAD(&sma->undos);
	ipc_init_perm(&sma->perm, who, key, flags);
	err = ipc_addid(v->mem, sem_ids(v), &sma->perm, limits->mni);
	if (err) {
		kfree(v->mem, sma);
		return err;
	}
	v->in->sem.used += nsems;
	return sma->perm.id;
}

long do_semget(struct vfs *v, const struct ipc_cred *who, s32 key, int nsems, int flags)
{
	struct sem_array *sma;

	if (nsems < 0 || nsems > v->in->sem.limits.msl)
		return -EINVAL;
	sma = key == IPC_PRIVATE ? NULL : array(ipc_find_key(sem_ids(v), key));
	if (!sma) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return newary(v, who, key, nsems, flags);
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if ((u32)nsems > sma->nsems)
		return -EINVAL;
	return ipc_may(who, &sma->perm, flags) ? sma->perm.id : -EACCES;
}

/* --- changing values --------------------------------------------------------------------- */

/* One change: 0, 1 (not now), -ERANGE. */
static int do_one(struct sem_array *sma, const struct sembuf *op, struct sem_undo *un)
{
	struct sem *s = &sma->sems[op->sem_num];
	int undo;

	if (!op->sem_op)
		return s->val ? 1 : 0;
	if (s->val + op->sem_op < 0)
		return 1;
	if (s->val + op->sem_op > SEM_VMX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		undo = un->adj[op->sem_num] - op->sem_op;
		if (undo < -SEM_AEM - 1 || undo > SEM_AEM)
			return -ERANGE;
		un->adj[op->sem_num] = (s16)undo;
	}
	s->val += op->sem_op;
	return 0;
}

/* All of @q or nothing: 0, 1 (it has to wait for q->blocking), -EAGAIN (IPC_NOWAIT), -ERANGE. Linux:
 * perform_atomic_semop(). */
static int perform(struct sem_array *sma, struct sem_queue *q)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < q->nsops; i++) {
		ret = do_one(sma, &q->sops[i], q->undo);
		if (ret)
			break;
	}
	if (!ret) {
		for (i = 0; i < q->nsops; i++)
			sma->sems[q->sops[i].sem_num].pid = q->pid;
		return 0;
	}
	if (ret > 0) {
		q->blocking = &q->sops[i];
		if (q->blocking->sem_flg & IPC_NOWAIT)
			ret = -EAGAIN;
	}
	while (i-- > 0) {
		const struct sembuf *op = &q->sops[i];

		sma->sems[op->sem_num].val -= op->sem_op;
		if (op->sem_flg & SEM_UNDO)
			q->undo->adj[op->sem_num] = (s16)(q->undo->adj[op->sem_num] + op->sem_op);
	}
	return ret;
}

static void complete(struct sem_queue *q, int status)
{
	list_del_init(&q->list);
	q->status = status;
	wake_up_all(&q->wait);
}

/* Tries the sleepers that change something (@alter), or those that do not, once in their order. True: one of
 * them has changed a value. */
static bool try_pending(struct sem_array *sma, bool alter)
{
	struct sem_queue *q, *next;

	list_for_each_entry_safe (q, next, &sma->pending, list) {
		int ret = q->alter == alter ? perform(sma, q) : 1;

		if (ret > 0)
			continue;
		complete(q, ret);
		if (!ret)
			sma->otime = ipc_now(sma->vfs);
		if (!ret && alter)
			return true;
	}
	return false;
}

/* Values have changed: whoever can go on now does. Linux: do_smart_update(). */
static void update_queue(struct sem_array *sma)
{
	do
		try_pending(sma, false);
	while (try_pending(sma, true));
}

/* --- SEM_UNDO ---------------------------------------------------------------------------- */

int sem_undo_share(struct vfs *v, struct sem_undo_list **list)
{
	if (!*list) {
		*list = kzalloc(v->mem, sizeof(**list), GFP_KERNEL);
		if (!*list)
			return -ENOMEM;
		INIT_LIST_HEAD(&(*list)->undos);
		(*list)->users = 1;
	}
	(*list)->users++;
	return 0;
}

static void undo_free(struct sem_undo *un)
{
	list_del(&un->in_list);
	list_del(&un->in_array);
	kfree(un->array->vfs->mem, un);
}

/* What @list has of @sma, or NULL. */
static struct sem_undo *undo_find(struct sem_undo_list *list, const struct sem_array *sma)
{
	struct sem_undo *un;

	if (list)
		list_for_each_entry (un, &list->undos, in_list)
			if (un->array == sma)
				return un;
	return NULL;
}

/* The same; made if there is none. NULL: no memory. */
static struct sem_undo *undo_get(struct sem_undo_list **list, struct sem_array *sma)
{
	struct memory *m = sma->vfs->mem;
	struct sem_undo *un = undo_find(*list, sma);
	bool made = !*list;

	if (un)
		return un;
	if (made && sem_undo_share(sma->vfs, list))
		return NULL;
	un = kzalloc(m, sizeof(*un) + sma->nsems * sizeof(un->adj[0]), GFP_KERNEL);
	if (made && !un) {
		kfree(m, *list);
		*list = NULL;
	}
	if (!un)
		return NULL;
	if (made)
		(*list)->users--; /* the task alone */
	un->array = sma;
	list_add(&un->in_list, &(*list)->undos);
	list_add(&un->in_array, &sma->undos);
	return un;
}

static void undo_apply(struct sem_undo *un, s32 pid)
{
	struct sem_array *sma = un->array;

	for (u32 i = 0; i < sma->nsems; i++) {
		struct sem *s = &sma->sems[i];

		if (!un->adj[i])
			continue;
		s->val = min(max(s->val + un->adj[i], 0), SEM_VMX);
		s->pid = pid;
	}
	undo_free(un);
	sma->otime = ipc_now(sma->vfs);
	update_queue(sma);
}

void exit_sem(struct vfs *v, struct sem_undo_list *list, s32 pid)
{
	if (!list || --list->users)
		return;
	while (!list_empty(&list->undos))
		undo_apply(list_first_entry(&list->undos, struct sem_undo, in_list), pid);
	kfree(v->mem, list);
}

/* --- semop ------------------------------------------------------------------------------- */

/* Sleeps until somebody has done it for @q, or it is too late. */
static long wait_pending(struct sem_array *sma, struct sem_queue *q, u64 deadline_ns)
{
	int err;

	init_waitqueue_head(&q->wait, sma->vfs->events->sched);
	q->status = STILL_WAITING;
	list_add_tail(&q->list, &sma->pending);
	err = wait_event_interruptible_until(&q->wait, q->status != STILL_WAITING, deadline_ns);
	if (!err)
		return q->status; /* the array may be gone */
	list_del(&q->list);
	return err == -ETIME ? -EAGAIN : -EINTR;
}

long do_semtimedop(struct vfs *v, const struct ipc_cred *who, struct sem_undo_list **undo, int id,
		   const struct sembuf *sops, u32 nsops, u64 deadline_ns)
{
	struct sem_queue q = {.sops = sops, .nsops = nsops, .pid = who->pid};
	struct sem_array *sma = array(ipc_find_id(sem_ids(v), id));
	bool undos = false;
	long ret;

	if (!sma)
		return -EINVAL;
	for (u32 i = 0; i < nsops; i++) {
		if (sops[i].sem_num >= sma->nsems)
			return -EFBIG;
		q.alter |= sops[i].sem_op != 0;
		undos |= sops[i].sem_flg & SEM_UNDO;
	}
	if (!ipc_may(who, &sma->perm, q.alter ? 0222 : 0444))
		return -EACCES;
	if (undos) {
		q.undo = undo_get(undo, sma);
		if (!q.undo)
			return -ENOMEM;
	}
	ret = perform(sma, &q);
	if (ret > 0)
		return wait_pending(sma, &q, deadline_ns);
	if (ret)
		return ret;
	sma->otime = ipc_now(v);
	if (q.alter)
		update_queue(sma);
	return 0;
}

/* --- semctl ------------------------------------------------------------------------------ */

/* Who waits for semaphore @num to grow, or to become zero? Linux: count_semcnt(). */
static long count_waiting(const struct sem_array *sma, int num, bool zero)
{
	const struct sem_queue *q;
	long n = 0;

	list_for_each_entry (q, &sma->pending, list)
		n += q->blocking->sem_num == num &&
		     (zero ? !q->blocking->sem_op : q->blocking->sem_op < 0);
	return n;
}

long sem_get(struct vfs *v, const struct ipc_cred *who, int id, int num, int cmd)
{
	struct sem_array *sma = find(v, who, id, 0444);

	if (IS_ERR(sma))
		return PTR_ERR(sma);
	if (num < 0 || (u32)num >= sma->nsems)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return sma->sems[num].val;
	case GETPID:
		return sma->sems[num].pid;
	default:
		return count_waiting(sma, num, cmd == GETZCNT);
	}
}

/* Semaphore @num has been set, by @pid: nobody takes back what was before. */
static void set_one(struct sem_array *sma, u32 num, int val, s32 pid)
{
	struct sem_undo *un;

	sma->sems[num] = (struct sem){val, pid};
	list_for_each_entry (un, &sma->undos, in_array)
		un->adj[num] = 0;
}

int sem_setval(struct vfs *v, const struct ipc_cred *who, int id, int num, int val)
{
	struct sem_array *sma = array(ipc_find_id(sem_ids(v), id));

	if (val < 0 || val > SEM_VMX)
		return -ERANGE;
	if (!sma || num < 0 || (u32)num >= sma->nsems)
		return -EINVAL;
	if (!ipc_may(who, &sma->perm, 0222))
		return -EACCES;
	set_one(sma, num, val, who->pid);
	sma->ctime = ipc_now(v);
	update_queue(sma);
	return 0;
}

long sem_count(struct vfs *v, const struct ipc_cred *who, int id, u32 flags)
{
	struct sem_array *sma = find(v, who, id, flags);

	return IS_ERR(sma) ? PTR_ERR(sma) : (long)sma->nsems;
}

int sem_getall(struct vfs *v, const struct ipc_cred *who, int id, u16 *vals, u32 nsems)
{
	struct sem_array *sma = find(v, who, id, 0444);

	if (IS_ERR(sma))
		return PTR_ERR(sma);
	for (u32 i = 0; i < nsems && i < sma->nsems; i++)
		vals[i] = (u16)sma->sems[i].val;
	return 0;
}

int sem_setall(struct vfs *v, const struct ipc_cred *who, int id, const u16 *vals, u32 nsems)
{
	struct sem_array *sma;

	for (u32 i = 0; i < nsems; i++)
		if (vals[i] > SEM_VMX)
			return -ERANGE;
	sma = find(v, who, id, 0222);
	if (IS_ERR(sma))
		return -EIDRM;
	for (u32 i = 0; i < nsems; i++)
		set_one(sma, i, vals[i], who->pid);
	sma->ctime = ipc_now(v);
	update_queue(sma);
	return 0;
}

static void show(const struct sem_array *sma, struct semid_ds *out)
{
	*out = (struct semid_ds){
		.sem_otime = sma->otime, .sem_ctime = sma->ctime, .sem_nsems = sma->nsems};
	ipc_get_perm(&sma->perm, &out->sem_perm);
}

long sem_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct semid_ds *out)
{
	struct sem_array *sma =
		array(index ? ipc_find_place(sem_ids(v), id) : ipc_find_id(sem_ids(v), id));

	if (!sma)
		return -EINVAL;
	if (!any && !ipc_may(who, &sma->perm, 0444))
		return -EACCES;
	show(sma, out);
	return index ? sma->perm.id : 0;
}

int sem_set(struct vfs *v, const struct ipc_cred *who, int id, const struct semid_ds *in)
{
	struct sem_array *sma = array(ipc_find_id(sem_ids(v), id));

	if (!sma)
		return -EINVAL;
	if (!ipc_owns(who, &sma->perm))
		return -EPERM;
	ipc_set_perm(&sma->perm, &in->sem_perm);
	sma->ctime = ipc_now(v);
	return 0;
}

static void freeary(struct sem_array *sma)
{
	struct vfs *v = sma->vfs;

	while (!list_empty(&sma->pending))
		complete(list_first_entry(&sma->pending, struct sem_queue, list), -EIDRM);
	while (!list_empty(&sma->undos))
		undo_free(list_first_entry(&sma->undos, struct sem_undo, in_array));
	ipc_rmid(sem_ids(v), &sma->perm);
	v->in->sem.used -= sma->nsems;
	kfree(v->mem, sma);
}

int sem_remove(struct vfs *v, const struct ipc_cred *who, int id)
{
	struct sem_array *sma = array(ipc_find_id(sem_ids(v), id));

	if (!sma)
		return -EINVAL;
	if (!ipc_owns(who, &sma->perm))
		return -EPERM;
	freeary(sma);
	return 0;
}

/* What IPC_INFO says besides the limits is as large as in Linux, and means nothing there either. */
long sem_info(struct vfs *v, bool usage, struct seminfo *out)
{
	const struct sem_limits *l = &v->in->sem.limits;

	*out = (struct seminfo){
		.semmap = l->mns,
		.semmni = l->mni,
		.semmns = l->mns,
		.semmnu = l->mns,
		.semmsl = l->msl,
		.semopm = l->opm,
		.semume = l->opm,
		.semusz = SEM_SEMUSZ,
		.semvmx = SEM_VMX,
		.semaem = SEM_AEM,
	};
	if (usage) {
		out->semusz = (int)sem_ids(v)->in_use;
		out->semaem = (int)v->in->sem.used;
	}
	return ipc_max_place(sem_ids(v));
}

bool sem_next(struct vfs *v, unsigned *at, int *id, struct semid_ds *out)
{
	struct kern_ipc_perm *p = ipc_next(sem_ids(v), at);

	if (!p)
		return false;
	*id = p->id;
	show(array(p), out);
	return true;
}

void sem_destroy_all(struct vfs *v)
{
	struct kern_ipc_perm *p;

	for (unsigned at = 0; (p = ipc_next(sem_ids(v), &at)); at++)
		freeary(array(p));
	ipc_free_ids(v->mem, sem_ids(v));
}
