/* What comes behind an instruction, before anything is translated: who may look at the flags that it leaves (tr.need), and
 * whether the host's own may be lost before that (tr.keep). */
#include "cpu/jit/group.h"
#include "cpu/jit/internal.h"

bool jit_needed_before(const struct tr *t)
{
	unsigned k = t->k - 1;

	return t->k ? t->need[k / 64] >> k % 64 & 1 : t->need_in;
}

static bool writes_all(const struct jit *j, const struct insn *in, const struct insn_row *row,
		       const struct jit_rule *rule)
{
	u32 changed = (row->writes | row->undefined) & F_OSZAPC;

	if (changed != F_OSZAPC)
		return false;
	if (!row->reads)
		return true;
	if (!(rule->roles & RO_FULL) || !j->host_adds_flags)
		return false;
	if (row->form == FORM_Eb || row->form == FORM_Ev) /* by one */
		return true;
	return in->imm & (in->width == W_Q ? 63 : 31);
}

bool jit_writes_all_flags(const struct tr *t)
{
	return writes_all(t->j, t->in, t->row, t->rule);
}

static u8 needs_of(unsigned roles)
{
	return (roles & RO_X87 ? JIT_NEEDS_X87 : 0) |
	       (roles & (RO_AVX | RO_AVX512) ? JIT_NEEDS_AVX : 0) |
	       (roles & RO_AVX512 ? JIT_NEEDS_AVX512 : 0);
}

/* Whether the unit may be left before instruction @k, a part's first. */
static bool looks_at(const struct tr *t, unsigned k)
{
	for (unsigned i = 1; i < t->nr_parts; i++)
		if (t->parts[i].first == k)
			return (jit_part_checks_pages(t, i) && !jit_is_steady(t)) ||
			       jit_part_has_groups(t, i);
	return false;
}

/* Nothing is left of the flags before, though some may be read. */
static bool replaces_all(const struct insn_row *row)
{
	return row->writes == F_OSZAPC && !row->undefined;
}

static bool looks_up(const struct tr *t, unsigned k, const struct insn_row *row)
{
	return (t->insn[k]->flags & IN_MEM) && !(row->attr & NOACCESS) &&
	       (!t->use_e[k] || jit_begins_group(t, k));
}

/* Whether the host's flags may be lost at instruction @k, before it reads them; or they are wanted at an exit. */
static bool loses_flags(const struct tr *t, unsigned k, const struct insn_row *row,
			const struct jit_rule *rule)
{
	switch (rule->kind) {
	case RULE_GPR:
	case RULE_VEC:
		return looks_up(t, k, row);
	case RULE_LEA:
	case RULE_JMP:
		return false;
	case RULE_NOP:
		return t->insn[k]->flags & IN_MEM; /* a prefetch */
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_POP:
	case RULE_CALL:
		return !t->use_stack[k];
	default:
		return true;
	}
}

void jit_look_ahead(struct tr *t)
{
	bool live = true, keep = true;

	for (unsigned k = t->n; k-- > 0;) {
		const struct insn *in = t->insn[k];
		const struct insn_row *row;
		const struct jit_rule *rule;

		t->need[k / 64] |= (u64)live << k % 64;
		t->keep[k / 64] |= (u64)keep << k % 64;
		if (in->row == NO_ROW) {
			live = keep = true;
			continue;
		}
		row = &insn_rows[in->row];
		rule = jit_rule_of(t->j, in->row);
		t->u->needs |= needs_of(rule->roles);
		if (rule->kind == RULE_NONE || !(row->attr & NOFAULT) || row->reads ||
		    looks_up(t, k, row))
			live = true;
		else if (writes_all(t->j, in, row, rule))
			live = false;
		keep = (keep && !replaces_all(row)) || loses_flags(t, k, row, rule);
		if (looks_at(t, k))
			live = keep = true;
	}
	t->need_in = live;
}
