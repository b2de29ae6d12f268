/* group.c: one look-up for several accesses. */
#ifndef CPU_JIT_GROUP_H
#define CPU_JIT_GROUP_H

#include "cpu/jit/tr.h"

void jit_find_groups(struct tr *t);
/* Those that are looked up where this part begins, but steady ones. */
void jit_emit_groups(struct tr *t);
/* Are there steady ones? */
bool jit_is_steady(const struct tr *t);
/* Looks up steady ones, before t->loop; false: they hold for ever. Else JIT_WALK_OFF is for how long. */
bool jit_emit_steady(struct tr *t);
/* The group @use keeps where its root is. */
static inline bool jit_group_is_pointer(const struct tr *t, u8 use)
{
	return use && t->group[use - 1].pointer;
}
/* At the unit's entry: to a plainer unit if branch @jcc is taken. */
void jit_todo_plain(struct tr *t, u8 *jcc);
bool jit_part_has_groups(const struct tr *t, unsigned part);
/* The group @use is looked up at its first access, and has not been. */
static inline bool jit_group_is_due(const struct tr *t, u8 use)
{
	return use && t->group[use - 1].late && !t->group[use - 1].begun;
}
/* That look-up is before this instruction. */
bool jit_begins_group(const struct tr *t, unsigned k);
/* The addend of the group @use into H_S1; false: there is none. */
bool jit_group_addend(struct tr *t, u8 use);

#endif
