/* Numbers and rights of System V objects. See ipc_util.h. */
#include "fs/ipc_util.h"

#include <errno.h>
#include <string.h>

#include "fs/libfs.h"
#include "mm/slab.h"

#define SEQ_SHIFT 15 /* a number is the place, and how often it was given away */
#define PLACE_MASK ((1U << SEQ_SHIFT) - 1)
#define MIN_CYCLE 64U /* places are not given away again before so many others */

s64 ipc_now(struct vfs *v)
{
	return current_time(v).tv_sec;
}

/* --- the table --------------------------------------------------------------------------- */

void ipc_init_ids(struct ipc_ids *ids)
{
	*ids = (struct ipc_ids){.seq = 1}; /* none is number 0, as if one had been before */
}

void ipc_free_ids(struct memory *m, struct ipc_ids *ids)
{
	kfree(m, ids->at);
	ipc_init_ids(ids);
}

struct kern_ipc_perm *ipc_find_place(const struct ipc_ids *ids, int place)
{
	return place >= 0 && (u32)place < ids->size ? ids->at[place] : NULL;
}

struct kern_ipc_perm *ipc_find_id(const struct ipc_ids *ids, int id)
{
	struct kern_ipc_perm *p = id < 0 ? NULL : ipc_find_place(ids, id & PLACE_MASK);

	return p && p->id == id ? p : NULL;
}

struct kern_ipc_perm *ipc_next(const struct ipc_ids *ids, unsigned *at)
{
	for (; *at < ids->size; ++*at)
		if (ids->at[*at])
			return ids->at[*at];
	return NULL;
}

struct kern_ipc_perm *ipc_find_key(const struct ipc_ids *ids, s32 key)
{
	struct kern_ipc_perm *p;

	for (unsigned at = 0; (p = ipc_next(ids, &at)); at++)
		if (p->key == key)
			return p;
	return NULL;
}

long ipc_max_place(const struct ipc_ids *ids)
{
	for (long i = ids->size; i-- > 0;)
		if (ids->at[i])
			return i;
	return 0;
}

/* Room for @place in the table. 0 or -ENOMEM. */
static int grow_table(struct memory *m, struct ipc_ids *ids, u32 place)
{
	u32 size = max(ids->size, MIN_CYCLE);
	struct kern_ipc_perm **at;

	if (place < ids->size)
		return 0;
	while (size <= place)
		size *= 2;
	at = kcalloc(m, size, sizeof(struct kern_ipc_perm *), GFP_KERNEL);
	if (!at)
		return -ENOMEM;
	if (ids->size)
		memcpy(at, ids->at, ids->size * sizeof(struct kern_ipc_perm *));
	kfree(m, ids->at);
	ids->at = at;
	ids->size = size;
	return 0;
}

/* The next free place behind the last one, and from the start again: ipc_idr_alloc(). There is one below
 * @end, and fewer than that are in use. */
static u32 next_place(const struct ipc_ids *ids, u32 end)
{
	u32 place = ids->seq == 1 && !ids->in_use && !ids->last_place ? 0 : ids->last_place + 1;

	for (;; place++) {
		if (place >= end)
			place = 0;
		if (place >= ids->size || !ids->at[place])
			return place;
	}
}

int ipc_addid(struct memory *m, struct ipc_ids *ids, struct kern_ipc_perm *p, u32 limit)
{
	u32 place;
	int err;

	if (ids->in_use >= limit)
		return -ENOSPC;
	place = next_place(ids, min(max(ids->in_use * 3 / 2, MIN_CYCLE), limit));
	err = grow_table(m, ids, place);
	if (err)
		return err;
	if (place <= ids->last_place)
		ids->seq = (ids->seq + 1) & 0xffff;
	ids->last_place = place;
	p->id = place | (ids->seq << SEQ_SHIFT & 0x7fffffff);
	p->seq = ids->seq;
	ids->at[place] = p;
	ids->in_use++;
	return 0;
}

void ipc_rmid(struct ipc_ids *ids, const struct kern_ipc_perm *p)
{
	ids->at[p->id & PLACE_MASK] = NULL;
	ids->in_use--;
}

/* --- rights ------------------------------------------------------------------------------ */

void ipc_init_perm(struct kern_ipc_perm *p, const struct ipc_cred *who, s32 key, int flags)
{
	p->key = key;
	p->mode = flags & 0777;
	p->uid = p->cuid = who->euid;
	p->gid = p->cgid = who->egid;
}

static bool in_group(const struct ipc_cred *who, u32 gid)
{
	for (u32 i = 0; i < who->ngroups; i++)
		if (who->groups[i] == gid)
			return true;
	return who->egid == gid;
}

bool ipc_may(const struct ipc_cred *who, const struct kern_ipc_perm *p, u32 flags)
{
	u32 want = flags >> 6 | flags >> 3 | flags, granted = p->mode;

	if (who->euid == p->cuid || who->euid == p->uid)
		granted >>= 6;
	else if (in_group(who, p->cgid) || in_group(who, p->gid))
		granted >>= 3;
	return !(want & ~granted & 7) || who->privileged;
}

bool ipc_owns(const struct ipc_cred *who, const struct kern_ipc_perm *p)
{
	return who->euid == p->cuid || who->euid == p->uid || who->admin;
}

void ipc_get_perm(const struct kern_ipc_perm *p, struct ipc_perm *out)
{
	*out = (struct ipc_perm){
		.__key = p->key,
		.uid = p->uid,
		.gid = p->gid,
		.cuid = p->cuid,
		.cgid = p->cgid,
		.mode = p->mode,
		.__seq = p->seq,
	};
}

void ipc_set_perm(struct kern_ipc_perm *p, const struct ipc_perm *in)
{
	p->uid = in->uid;
	p->gid = in->gid;
	p->mode = (p->mode & ~0777U) | (in->mode & 0777);
}
