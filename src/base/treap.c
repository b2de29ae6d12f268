/* A tree balanced by random priorities. See treap.h. */
#include "base/treap.h"

static u32 next_priority(struct treap *t)
{
	u32 x = t->seed ? t->seed : 0x9e3779b9; /* xorshift */

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return t->seed = x;
}

static void set_child(struct treap *t, struct treap_node *parent, const struct treap_node *old,
		      struct treap_node *new)
{
	if (!parent)
		t->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* @n takes its parent's place, which becomes its child. */
static void rotate_up(struct treap *t, struct treap_node *n)
{
	struct treap_node *p = n->parent;

	set_child(t, p->parent, p, n);
	if (p->left == n) {
		p->left = n->right;
		if (p->left)
			p->left->parent = p;
		n->right = p;
	} else {
		p->right = n->left;
		if (p->right)
			p->right->parent = p;
		n->left = p;
	}
	p->parent = n;
	if (t->augment)
		t->augment(p);
}

void treap_update(struct treap *t, struct treap_node *n)
{
	for (; n && t->augment; n = n->parent)
		t->augment(n);
}

void treap_link(struct treap *t, struct treap_node *n, struct treap_node *parent,
		struct treap_node **link)
{
	n->parent = parent;
	n->left = n->right = NULL;
	n->priority = next_priority(t);
	if (parent)
		*link = n;
	else
		t->root = n;
	while (n->parent && n->parent->priority < n->priority)
		rotate_up(t, n);
	treap_update(t, n);
}

void treap_erase(struct treap *t, struct treap_node *n)
{
	struct treap_node *parent;

	while (n->left && n->right)
		rotate_up(t, n->left->priority > n->right->priority ? n->left : n->right);
	parent = n->parent;
	set_child(t, parent, n, n->left ? n->left : n->right);
	treap_update(t, parent);
}

struct treap_node *treap_first(const struct treap *t)
{
	struct treap_node *n = t->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct treap_node *treap_next(const struct treap_node *n)
{
	struct treap_node *p;

	if (n->right) {
		for (p = n->right; p->left;)
			p = p->left;
		return p;
	}
	for (p = n->parent; p && p->right == n; p = p->parent)
		n = p;
	return p;
}
