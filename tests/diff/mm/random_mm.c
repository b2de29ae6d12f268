/* random_mm [-r | -R] SEED STEPS [FROM TO]: a seeded stream of memory calls and accesses, to be run
 * natively and in Vellum (`vellum compare`, from an empty folder). After each step: the call, its
 * result, and hashes of what maps, smaps, status, mincore and pagemap say (state.c); from step FROM
 * to TO the texts themselves.
 *
 *   -r   compares Referenced, too, and leaves out what marks pages through the CPU's batches
 *        (MADV_FREE, mlock, read(2) and kin): everybody who runs there fills and empties those
 *   -R   compares Referenced and leaves nothing out: for measuring. See docs/adr/0002
 *
 * Most happens in a small arena, where areas meet. Stacks grow in a wide one; what the kernel places
 * itself is kept in a list, and the break moves. Up to three children of each process, with children
 * of their own, stay alive and are woken for more steps.
 */
#include "random_mm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CHILDREN 3
#define MAX_DEPTH 3

static uint64_t rng;
static long step, show_from = -1, show_to = -2;
static struct child {
	pid_t pid;
	int to, from;
} children[MAX_CHILDREN];
static int nr_children;

int depth;
bool only_accesses;

unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 20) % n;
}

void result(long r)
{
	if (r == -1)
		put(" = E%d", errno);
	else if (r >= 4096)
		put(" = %lx", r);
	else
		put(" = %ld", r);
}

void range(long *at, long *n)
{
	*at = rnd(PAGES);
	*n = 1 + rnd(rnd(4) ? 6 : PAGES - *at);
	if (*at + *n > PAGES)
		*n = PAGES - *at;
}

/* --- children -------------------------------------------------------------------------------------- */

/* What a child is told through its pipe. */
struct order {
	long step; /* of the first process: for FROM and TO */
	int nr;
};

static void one_step(void);

static void child_steps(int n)
{
	while (n--) {
		put("  %*s", 2 * depth, "");
		one_step();
	}
}

static void end_child(int i)
{
	int status;

	close(children[i].to);
	close(children[i].from);
	waitpid(children[i].pid, &status, 0);
	put("ended %x", status);
	children[i] = children[--nr_children];
}

/* A child's life: steps when told how many, until the pipe closes. */
static void child_main(int from_parent, int to_parent)
{
	struct order o;

	depth++;
	rng += 12345;
	/* Our parent's children are not ours; their pipes are. */
	for (int i = 0; i < nr_children; i++) {
		close(children[i].to);
		close(children[i].from);
	}
	nr_children = 0;
	put("  %*sborn", 2 * depth, "");
	state_report(step >= show_from && step <= show_to);
	do {
		if (write(to_parent, "", 1) != 1 || read(from_parent, &o, sizeof(o)) != sizeof(o)) {
			while (nr_children)
				end_child(nr_children - 1);
			_exit(7);
		}
		step = o.step;
		child_steps(o.nr);
	} while (1);
}

static void tell(struct child *c, int steps)
{
	const struct order o = {step, steps};
	char done;

	if (write(c->to, &o, sizeof(o)) != sizeof(o) || read(c->from, &done, 1) != 1)
		put("the child is gone");
}

static void do_fork(void)
{
	int to[2], from[2];
	char born;

	if (depth == MAX_DEPTH || nr_children == MAX_CHILDREN) {
		put("no fork");
		return;
	}
	put("fork\n");
	put_flush();
	if (pipe(to) || pipe(from)) {
		put("pipe: E%d", errno);
		return;
	}
	children[nr_children].pid = fork();
	if (!children[nr_children].pid) {
		close(to[1]);
		close(from[0]);
		child_main(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	if (children[nr_children].pid < 0) {
		put("failed E%d", errno);
		close(to[1]);
		close(from[0]);
		return;
	}
	children[nr_children].to = to[1];
	children[nr_children].from = from[0];
	if (read(from[0], &born, 1) != 1)
		put("stillborn ");
	nr_children++;
	put("forked");
}

static void do_child(void)
{
	int i;

	if (!nr_children) {
		put("no child");
		return;
	}
	i = rnd(nr_children);
	if (!rnd(6)) {
		end_child(i);
		return;
	}
	put("wake %d\n", i);
	put_flush();
	tell(&children[i], 1 + rnd(3));
	put("child %d sleeps", i);
}

/* --- the stream --------------------------------------------------------------------------------------- */

static const struct op {
	unsigned weight;
	void (*take)(void);
} ops[] = {
	{26, do_touch},	     {6, do_touch_many}, {16, do_mmap},	 {3, do_mmap_anywhere},
	{4, do_munmap},	     {10, do_mprotect},	 {6, do_mremap}, {4, do_mremap_away},
	{14, do_advise},     {5, do_lock},	 {2, do_msync},	 {1, do_remap_file_pages},
	{1, do_name},	     {2, do_seal},	 {3, do_memfd},	 {4, do_scratch_file},
	{4, do_kernel_copy}, {3, do_brk},	 {3, do_away},	 {6, do_stack},
	{1, do_limit},	     {2, do_fork},	 {6, do_child},
};

static void one_step(void)
{
	unsigned all = 0, op;
	const struct op *o = ops;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		all += ops[i].weight;
	for (op = rnd(all); op >= o->weight; o++)
		op -= o->weight;
	/* The files' cache pages, and what the kernel touches for us. */
	if (only_accesses &&
	    (o->take == do_lock || o->take == do_memfd || o->take == do_kernel_copy ||
	     o->take == do_scratch_file || o->take == do_remap_file_pages))
		o = ops;
	limit_passes();
	o->take();
	state_report(step >= show_from && step <= show_to);
}

static void prepare(void)
{
	cpu_set_t one;

	/* One CPU, so that all that waits for the pages' lists waits in one place. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	catch_faults();
	make_objects();
	areas_begin();
}

int main(int argc, char **argv)
{
	long steps = 1000;

	if (argc > 1 && (!strcmp(argv[1], "-r") || !strcmp(argv[1], "-R"))) {
		keep_referenced = true;
		only_accesses = argv[1][1] == 'r';
		argc--;
		argv++;
	}
	rng = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15UL + 1;
	if (argc > 2)
		steps = atol(argv[2]);
	if (argc > 4) {
		show_from = atol(argv[3]);
		show_to = atol(argv[4]);
	}
	prepare();
	for (step = 0; step < steps; step++) {
		put("%ld ", step);
		one_step();
		if (step % 400 == 399) { /* before the kernel writes them back by itself */
			sync_scratch_files();
		}
	}
	while (nr_children) {
		end_child(nr_children - 1);
		put("\n");
	}
	put_flush();
	return 0;
}
