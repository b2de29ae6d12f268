/* Making, parsing and checking a TLB: what happens at boot and in tests, not on hot paths. The
 * tables stand for hardware, so they are not in guest RAM: one mapping of the host's has them all. */
#include "base/err.h"
#include "base/host.h"
#include "base/log.h"
#include "mm/tlb_internal.h"

static bool power_of_two_in(u32 n, u32 low, u32 high)
{
	return n >= low && n <= high && !(n & (n - 1));
}

static bool geometry_valid(const struct tlb_geometry *g)
{
	if (!power_of_two_in(g->l1_entries, 16, TLB_MOST_L1))
		return false;
	return !g->l2_ways ||
	       (power_of_two_in(g->l2_ways, 1, 16) && power_of_two_in(g->l2_sets, 1, 4096));
}

/* Decimal digits without sign or blanks; *@s moves behind them. */
static bool parse_u32(const char **s, u32 *out)
{
	u64 n = 0;

	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		n = n * 10 + (**s - '0');
		if (n > 1000000)
			return false;
	}
	*out = n;
	return true;
}

int tlb_parse_geometry(const char *s, struct tlb_geometry *geo)
{
	struct tlb_geometry g = {.l2_sets = 1, .check = geo->check};

	if (!parse_u32(&s, &g.l1_entries) || *s++ != ',')
		return -EINVAL;
	if (!parse_u32(&s, &g.l2_ways))
		return -EINVAL;
	if (*s == 'x') {
		s++;
		if (!parse_u32(&s, &g.l2_sets))
			return -EINVAL;
	} else if (g.l2_ways) {
		return -EINVAL; /* only "L1,0" may leave the sets out */
	}
	if (*s || !geometry_valid(&g))
		return -EINVAL;
	*geo = g;
	return 0;
}

#define ARRAY_ALIGN 64UL /* a line of the host's cache */
#define NR_ARRAYS (1 + 5 + 1 + 4 * TLB_SPACES)

/* Bytes of the mapping: struct tlb_internal, then all arrays. */
static size_t tables_size(const struct tlb_geometry *g)
{
	struct tlb_internal *in;
	size_t l2 = sizeof(*in->l2_tag) + sizeof(*in->l2_pte) + sizeof(*in->l2_used) +
		    sizeof(*in->l2_next) + sizeof(*in->l2_prev);
	size_t log = sizeof(*in->space->log) + sizeof(*in->space->logged);

	return page_align(
		sizeof(*in) + l2 * g->l2_ways * g->l2_sets + TLB_SPACES * sizeof(struct tlb_code) +
		g->l1_entries * (sizeof(*in->empty) * (TLB_SPACES + 1) + TLB_SPACES * log) +
		NR_ARRAYS * ARRAY_ALIGN);
}

/* The next @n elements of @size bytes of the mapping. */
static void *take(u8 **at, size_t n, size_t size)
{
	void *p = *at;

	*at += (n * size + ARRAY_ALIGN - 1) & -(size_t)ARRAY_ALIGN;
	return p;
}

static void take_l2(struct tlb_internal *in, u8 **at)
{
	size_t n = (size_t)in->geo.l2_ways * in->geo.l2_sets;

	for (unsigned i = 0; i < TLB_L2_LISTS; i++)
		in->l2_head[i] = TLB_L2_END;
	in->l2_tag = take(at, n, sizeof(*in->l2_tag));
	in->l2_pte = take(at, n, sizeof(*in->l2_pte));
	in->l2_used = take(at, n, sizeof(*in->l2_used));
	in->l2_next = take(at, n, sizeof(*in->l2_next));
	in->l2_prev = take(at, n, sizeof(*in->l2_prev));
}

static void take_l1(struct tlb_internal *in, u8 **at)
{
	u32 n = in->geo.l1_entries;

	in->empty = take(at, n, sizeof(*in->empty));
	tlb_l1_make(in->empty, n);
	for (unsigned i = 0; i < TLB_SPACES; i++) {
		struct tlb_space *s = &in->space[i];

		s->table = take(at, n, sizeof(*s->table));
		s->code = take(at, 1, sizeof(*s->code));
		s->log = take(at, n, sizeof(*s->log));
		s->logged = take(at, n, sizeof(*s->logged));
	}
}

int tlb_init(struct tlb *t, struct memory *mem, const struct tlb_geometry *geo)
{
	struct tlb_internal *in;
	unsigned cpu = 0;
	void *tables;
	u8 *at;
	int err;

	while (cpu < MAX_CPUS && mem->tlbs[cpu])
		cpu++;
	if (!geometry_valid(geo) || cpu == MAX_CPUS)
		return -EINVAL;
	err = host_mmap_reserve(tables_size(geo), PAGE_SIZE, &tables);
	if (err)
		return err;
	at = tables;
	in = take(&at, 1, sizeof(*in));
	in->mem = mem;
	in->geo = *geo;
	take_l2(in, &at);
	take_l1(in, &at);
	VM_BUG_ON(at > (u8 *)tables + tables_size(geo));
	*t = (struct tlb){
		.l1 = in->empty,
		.l1_mask = (u64)(geo->l1_entries - 1) << 5,
		.in = in,
		.check = geo->check,
	};
	mem->tlbs[cpu] = t;
	return 0;
}

void tlb_destroy(struct tlb *t)
{
	if (!t->in)
		return;
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		if (t->in->mem->tlbs[cpu] == t)
			t->in->mem->tlbs[cpu] = NULL;
	host_munmap(t->in, tables_size(&t->in->geo));
	t->in = NULL;
	t->l1 = NULL;
	t->mm = NULL;
}

/* --- tlb_validate ------------------------------------------------------------------------ */

static int complain(const char *level, gva_t page, const char *what)
{
	log_line("tlb_validate: %s entry for %#lx: %s", level, page, what);
	return -EFAULT;
}

/* An entry that grants @got (a pte's bits) of frame @pfn for @page must not exceed the tables. */
static int check_rights(struct tlb *t, struct mm_struct *mm, const char *level, gva_t page,
			pfn_t pfn, u64 got)
{
	u64 *slot, pte = tlb_walk(t, mm, page, false, &slot);

	if (!pte)
		return complain(level, page, "the page is not present");
	if (pte_pfn((pte_t){pte}) != pfn)
		return complain(level, page, "the page is another frame");
	if ((got & _PAGE_RW) && !(pte & _PAGE_RW))
		return complain(level, page, "grants writing, the pte does not");
	if ((got & _PAGE_DIRTY) && !(pte & _PAGE_DIRTY))
		return complain(level, page, "dirty, the pte is clean");
	if (!(got & _PAGE_NX) && (pte & _PAGE_NX))
		return complain(level, page, "grants execution, the pte does not");
	return 0;
}

static int validate_l1_entry(struct tlb *t, struct tlb_space *s, u32 slot)
{
	struct tlb_entry *e = &s->table[slot];
	gva_t page = tlb_l1_page(e);
	struct memory *m = t->in->mem;
	u8 *host = (u8 *)(page + e->addend);
	u64 got = 0;
	int err;

	if (tlb_l1_empty(e)) {
		if (e->tag[TLB_WRITE] != e->tag[TLB_READ] || e->tag[TLB_EXEC] != e->tag[TLB_READ])
			return complain("L1", page, "tags without a read tag");
		return 0;
	}
	if (!s->mm || !s->logged[slot])
		return complain("L1", page, "not in the log of an address space");
	if (!page_aligned(page) || ((page >> PAGE_SHIFT) & (t->in->geo.l1_entries - 1)) != slot)
		return complain("L1", page, "in a wrong slot");
	if (!virt_in_ram(m, host))
		return complain("L1", page, "points outside of RAM");
	if (e->tag[TLB_WRITE] != TLB_NO_TAG)
		got |= _PAGE_RW | _PAGE_DIRTY;
	if (e->tag[TLB_EXEC] == TLB_NO_TAG)
		got |= _PAGE_NX;
	err = check_rights(t, s->mm, "L1", page, virt_to_pfn(m, host), got);
	if (!err && (got & _PAGE_RW) && page_test(virt_to_page(m, host), PG_code))
		return complain("L1", page, "grants writing to a frame with code");
	return err;
}

/* The window is what some entry of the current space says. */
static int validate_window(struct tlb *t)
{
	struct tlb_entry *e = tlb_l1_slot(t, t->stack.base);
	u64 *slot, pte;

	if (!t->stack.limit[0] ||
	    (e->tag[TLB_WRITE] == t->stack.base && e->addend == t->stack.addend))
		return 0;
	/* Another page's entry may have taken its place. */
	pte = t->mm ? tlb_walk(t, t->mm, t->stack.base, false, &slot) : 0;
	if ((pte & (_PAGE_RW | _PAGE_DIRTY)) != (_PAGE_RW | _PAGE_DIRTY) ||
	    (u64)pfn_to_virt(t->in->mem, pte_pfn((pte_t){pte})) - t->stack.base != t->stack.addend)
		return complain("window", t->stack.base, "not what the tables say");
	return 0;
}

/* NULL: nobody has this asid. */
static struct mm_struct *mm_of_asid(struct memory *m, u32 asid)
{
	struct mm_struct *mm;

	list_for_each_entry (mm, &m->mm_list, mmlist)
		if (mm->asid == asid)
			return mm;
	return NULL;
}

static int validate_l2(struct tlb *t)
{
	struct tlb_internal *in = t->in;
	u32 n = in->geo.l2_ways * in->geo.l2_sets, valid = 0, listed = 0;
	int err = 0;

	for (u32 i = 0; i < n; i++) {
		gva_t page = tlb_l2_tag_page(in->l2_tag[i]);
		struct mm_struct *mm;

		if (!in->l2_tag[i])
			continue;
		valid++;
		if (tlb_l2_set(in, page) != i - i % in->geo.l2_ways)
			err = complain("L2", page, "in a wrong set");
		mm = mm_of_asid(in->mem, tlb_l2_tag_asid(in->l2_tag[i]));
		if (!mm)
			err = complain("L2", page, "of an address space that is gone");
		else if (check_rights(t, mm, "L2", page, pte_pfn((pte_t){in->l2_pte[i]}),
				      in->l2_pte[i]))
			err = -EFAULT;
	}
	for (unsigned l = 0; l < TLB_L2_LISTS; l++)
		for (u32 i = in->l2_head[l]; i != TLB_L2_END && listed <= n; i = in->l2_next[i])
			listed++;
	if (listed != valid) {
		log_line("tlb_validate: %u L2 entries, but %u on lists", valid, listed);
		err = -EFAULT;
	}
	return err;
}

static int validate_psc(struct tlb *t)
{
	struct tlb_internal *in = t->in;
	int err = 0;

	for (unsigned i = 0; i < TLB_PSC_ENTRIES; i++) {
		u64 tag = in->psc[i].tag, entry;
		gva_t addr = (tag >> TLB_ASID_BITS) << PUD_SHIFT;
		struct mm_struct *mm;

		if (!tag)
			continue;
		mm = mm_of_asid(in->mem, tlb_l2_tag_asid(tag));
		if (!mm) {
			err = complain("PSC", addr, "of an address space that is gone");
			continue;
		}
		entry = mm->pgd[table_index(addr, PGDIR_SHIFT)];
		if (entry & _PAGE_PRESENT)
			entry = entry_table(in->mem, entry)[table_index(addr, PUD_SHIFT)];
		if (!(entry & _PAGE_PRESENT) || entry_table(in->mem, entry) != in->psc[i].pmd)
			err = complain("PSC", addr, "the pmd table is another one");
	}
	return err;
}

int tlb_validate(struct tlb *t)
{
	int err = 0;

	for (unsigned i = 0; i < TLB_SPACES; i++)
		for (u32 slot = 0; t->in->space[i].made && slot < t->in->geo.l1_entries; slot++)
			if (validate_l1_entry(t, &t->in->space[i], slot))
				err = -EFAULT;
	for (u32 slot = 0; slot < t->in->geo.l1_entries; slot++)
		if (!tlb_l1_empty(&t->in->empty[slot]))
			err = complain("L1", tlb_l1_page(&t->in->empty[slot]), "of no mm");
	if (validate_l2(t) || validate_psc(t) || validate_window(t))
		err = -EFAULT;
	return err;
}
