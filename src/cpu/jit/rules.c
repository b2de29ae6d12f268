/* rules.def as an array, found by row. */
#include "cpu/jit/internal.h"

#define JIT(name, rule, roles, flags) extern op_set op_##name;
#include "cpu/jit/rules.def"
#undef JIT

const struct jit_rule jit_rules[] = {
	{NULL, RULE_NONE, JF_HOST, 0},
#define JIT(name, rule, roles, flags) {op_##name, RULE_##rule, JF_##flags, roles},
#include "cpu/jit/rules.def"
#undef JIT
};
const unsigned nr_jit_rules = ARRAY_SIZE(jit_rules);

const struct jit_rule *jit_find_rule(const struct jit *j, unsigned row)
{
	unsigned i = nr_jit_rules;

	while (--i && insn_rows[row].set != jit_rules[i].set)
		;
	j->row_rule[row] = (u16)(i + 1);
	return &jit_rules[i];
}
