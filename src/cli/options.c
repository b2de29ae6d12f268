/* See options.h. Three parts: one set_x() a row of options.def, the guest's environment, and the walk over variables
 * and arguments.
 *
 * getopt_long(3) finds the options; what is wrong with one is said here, so that it has the form of every other message. */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/help.h"
#include "cpu/jit/jit.h"
#include "proc/procfs/procfs.h"

#define MEM_MIN (4UL << 20)
#define MEM_MAX (1UL << 40)

/* One line, and the end. */
static void __noreturn __printf(2, 3) bad(const char *what, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_line("%s: %s", what, why);
	exit(125);
}

/* "64M" to bytes. */
static u64 parse_size(const char *what, const char *s)
{
	static const char units[] = "KMGT";
	const char *unit;
	u64 v, shift = 0;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 0);
	if (end == s || errno || !isdigit((unsigned char)*s))
		goto wrong;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (!strcasecmp(end, "iB") || !strcasecmp(end, "B"))
		end += strlen(end);
	if (!*end && v <= ~0UL >> shift)
		return v << shift;
wrong:
	bad(what, "'%s' is not a size, such as 64M or 2G", s);
}

/* --- the guest's environment: Vellum's own, less VELLUM_* ----------------------------------- */

static bool env_is(const char *entry, const char *name, u64 len)
{
	return !strncmp(entry, name, len) && entry[len] == '=';
}

static void env_init(struct cli_options *o)
{
	u64 n = 0, kept = 0;

	while (environ[n])
		n++;
	o->envp = calloc(n + 1, sizeof(char *));
	if (!o->envp)
		bad("environment", "out of memory");
	for (u64 i = 0; i < n; i++)
		if (strncmp(environ[i], "VELLUM_", 7))
			o->envp[kept++] = environ[i];
}

static void set_env(struct cli_options *o, const char *what, char *entry)
{
	char *eq = strchr(entry, '='), **grown;
	u64 n;

	if (!eq || eq == entry)
		bad(what, "'%s' is not VAR=VAL", entry);
	for (n = 0; o->envp[n]; n++) {
		if (env_is(o->envp[n], entry, eq - entry)) {
			o->envp[n] = entry;
			return;
		}
	}
	grown = realloc(o->envp, (n + 2) * sizeof(char *));
	if (!grown)
		bad("environment", "out of memory");
	o->envp = grown;
	o->envp[n] = entry;
	o->envp[n + 1] = NULL;
}

static void set_unset(struct cli_options *o, const char *what __unused, char *name)
{
	char **to = o->envp;

	for (char **from = o->envp; *from; from++)
		if (!env_is(*from, name, strlen(name)))
			*to++ = *from;
	*to = NULL;
}

/* --- the other rows -------------------------------------------------------------------------- */

static void set_mem(struct cli_options *o, const char *what, char *arg)
{
	u64 size = parse_size(what, arg) & PAGE_MASK;

	if (size < MEM_MIN || size > MEM_MAX)
		bad(what, "%s is out of range: 4M to 1T wanted", arg);
	o->machine.mem_size = size;
}

static void set_stats(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->stats = o->machine.jit_count = true;
}

static void set_at_exit(struct cli_options *o, const char *what, char *arg)
{
	char name[32];
	int len;

	for (const char *at = arg;; at += len + 1) {
		len = (int)strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", len, at);
		if (!procfs_has_text(name, true) && !procfs_has_text(name, false))
			bad(what, "'%.*s' is no text file of /proc/self or /proc", len, at);
		if (!at[len])
			break;
	}
	o->at_exit = arg;
}

static void set_strace(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.strace = true;
}

/* "help" ends Vellum as --help does. */
static void set_trace(struct cli_options *o, const char *what, char *arg)
{
	char name[80];
	int len;

	if (!strcmp(arg, "help")) {
		for (unsigned tp = 0; tp < NR_TRACEPOINTS; tp++)
			puts(trace_name(tp));
		exit(answered(0));
	}
	/* One by one, so that the wrong one is named. */
	for (const char *at = arg;; at += len + 1) {
		len = (int)strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", len, at);
		if (trace_enable(&o->machine.trace, name))
			bad(what, "there is no such event as '%s': --trace help lists them", name);
		if (!at[len])
			break;
	}
}

static void set_log(struct cli_options *o, const char *what __unused, char *arg)
{
	o->log = arg;
}

static void set_deterministic(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.deterministic = true;
}

static void set_no_network(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.no_network = true;
}

static void set_root(struct cli_options *o, const char *what, char *arg)
{
	struct stat st;

	if (stat(arg, &st))
		bad(what, "%s: %s", arg, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		bad(what, "%s: %s", arg, strerror(ENOTDIR));
	o->machine.root = arg;
}

static void set_read_only(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.read_only = true;
}

static void set_seed(struct cli_options *o, const char *what, char *arg)
{
	char *end;

	errno = 0;
	o->machine.seed = strtoul(arg, &end, 0);
	if (end == arg || *end || errno)
		bad(what, "'%s' is not a number", arg);
	o->machine.vary_slices = true;
}

/* As for set_trace(). */
static void set_cpu(struct cli_options *o, const char *what, char *arg)
{
	if (!strcmp(arg, "help")) {
		for (enum cpu_model m = CPU_MODEL_V1; m <= CPU_MODEL_HOST; m++)
			printf("%-5s %s%s\n", cpu_model_name(m),
			       cpu_model_possible(m) ? "" : "not on this host",
			       m == cpu_model_default() ? "default" : "");
		exit(answered(0));
	}
	if (cpu_model_parse(arg, &o->machine.cpu_model))
		bad(what, "'%s' is no model: v1, v2, v3, v4, host or help wanted", arg);
	if (!cpu_model_possible(o->machine.cpu_model))
		bad(what, "this host's CPU lacks what %s has: --cpu help lists what it can be",
		    arg);
}

static void set_engine(struct cli_options *o, const char *what, char *arg)
{
	static const char *const names[] = {
		[ENGINE_INTERP] = "interp", [ENGINE_JIT] = "jit", [ENGINE_LOCKSTEP] = "lockstep"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(arg, names[i])) {
			o->machine.engine = i;
			return;
		}
	bad(what, "'%s' is no engine: jit, interp or lockstep", arg);
}

static void set_jit_cache(struct cli_options *o, const char *what, char *arg)
{
	o->machine.jit_size = parse_size(what, arg);
	if (o->machine.jit_size < JIT_LEAST_SIZE || o->machine.jit_size > JIT_MOST_SIZE)
		bad(what, "'%s' is not a size from 256K to 1G", arg);
}

static void set_perf(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.jit_perf = true;
}

static void set_gdb(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.jit_gdb = true;
}

static void set_tlb(struct cli_options *o, const char *what, char *arg)
{
	if (tlb_parse_geometry(arg, &o->machine.tlb))
		bad(what, "'%s' is not L1,L2WxS: powers of two, such as 256,8x128", arg);
}

static void set_check(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->machine.tlb.check = true;
}

/* Whose value is meant: the host's, or that of the kernel that is modelled? */
static bool of_host(const char *what, const char *arg)
{
	bool host = !strcmp(arg, "host");

	if (!host && strcmp(arg, "reference"))
		bad(what, "'%s' is neither reference nor host", arg);
	return host;
}

static void set_read_ahead(struct cli_options *o, const char *what, char *arg)
{
	o->machine.read_ahead_host = of_host(what, arg);
}

static void set_vdso_layout(struct cli_options *o, const char *what, char *arg)
{
	o->machine.vdso_layout = of_host(what, arg) ? VDSO_HOST : VDSO_REFERENCE;
}

static void set_argv0(struct cli_options *o, const char *what __unused, char *arg)
{
	o->argv0 = arg;
}

static void set_proc(struct cli_options *o, const char *what __unused, char *arg __unused)
{
	o->proc = true;
}

static void __noreturn set_help(struct cli_options *o, const char *what __unused,
				char *arg __unused)
{
	help_command(o->compare);
	exit(answered(0));
}

static void __noreturn set_version(struct cli_options *o __unused, const char *what __unused,
				   char *arg __unused)
{
	puts(PACKAGE_STRING);
	exit(answered(0));
}

const struct option_row option_rows[] = {
#define OPTION(letter, name, arg, x, help) {letter, OPT_ANY, name, arg, help, set_##x},
#define COMPARE_OPTION(letter, name, arg, x, help) {letter, OPT_COMPARE, name, arg, help, set_##x},
#define ASK_OPTION(letter, name, arg, x, help) {letter, OPT_ASK, name, arg, help, set_##x},
#include "cli/options.def"
#undef OPTION
#undef COMPARE_OPTION
#undef ASK_OPTION
};
#define NR_ROWS ARRAY_SIZE(option_rows)
const unsigned nr_option_rows = NR_ROWS;

bool option_is_for(const struct option_row *r, bool compare)
{
	return compare || r->kind != OPT_COMPARE;
}

/* --- variables ------------------------------------------------------------------------------- */

/* VELLUM_MEM for --mem, VELLUM_VDSO_LAYOUT for --vdso-layout. A switch is on unless its variable is
 * empty, 0 or no. */
static void read_twin(struct cli_options *o, const struct option_row *r)
{
	char name[64] = "VELLUM_", *value, *c = name + 7;

	for (const char *s = r->name; *s && c < name + sizeof(name) - 1; s++)
		*c++ = (char)(*s == '-' ? '_' : toupper((unsigned char)*s));
	value = getenv(name);
	if (!value || (!r->arg && (!*value || !strcmp(value, "0") || !strcmp(value, "no"))))
		return;
	r->set(o, name, value);
}

/* --- arguments ------------------------------------------------------------------------------- */

#define FIRST_ROW 256 /* getopt_long() returns a letter, or this + a row */

/* The rows for getopt_long(3), which wants the letters apart. */
static void make_getopt(bool compare, struct option *longs, char *letters)
{
	*letters++ = '+'; /* what follows PROGRAM is its own */
	*letters++ = ':'; /* a missing argument is not '?' */
	for (unsigned i = 0; i < NR_ROWS; i++) {
		const struct option_row *r = &option_rows[i];

		if (!option_is_for(r, compare))
			continue;
		*longs++ = (struct option){r->name, r->arg ? required_argument : no_argument, NULL,
					   FIRST_ROW + i};
		if (!r->letter)
			continue;
		*letters++ = r->letter;
		if (r->arg)
			*letters++ = ':';
	}
	*longs = (struct option){0};
	*letters = '\0';
}

/* The row that getopt_long() means by @key; NULL: none. */
static const struct option_row *row_of(int key)
{
	if (key >= FIRST_ROW)
		return &option_rows[key - FIRST_ROW];
	for (unsigned i = 0; i < NR_ROWS; i++)
		if (key && option_rows[i].letter == key)
			return &option_rows[i];
	return NULL;
}

/* getopt_long() said '?' or ':' of @word, which begins with "--", or of the letter in optopt. */
static void __noreturn complain(int said, const char *word, const struct option *longs)
{
	const struct option_row *r = row_of(optopt);
	char what[64] = {'-', (char)optopt};
	unsigned like = 0;
	int len = 0;

	if (!optopt || optopt >= FIRST_ROW) {
		len = (int)strcspn(word, "=");
		snprintf(what, sizeof(what), "%.*s", len, word);
		for (const struct option *l = longs; l->name; l++)
			like += !strncmp(l->name, word + 2, len - 2);
	}
	if (r && said == ':')
		bad(what, "requires an argument, %s", r->arg);
	if (r)
		bad(what, "takes no argument");
	if (like > 1)
		bad(what, "is short for more than one option");
	for (unsigned i = 0; i < NR_ROWS; i++) /* longs has what the command takes */
		if (!optopt && len > 2 && !strncmp(option_rows[i].name, what + 2, len - 1))
			bad(what, "an option of vellum compare");
	bad(what, "unrecognized option, see vellum --help");
}

void options_parse(int argc, char **argv, bool compare, struct cli_options *o)
{
	struct option *longs = calloc(NR_ROWS + 1, sizeof(*longs));
	char letters[2 * NR_ROWS + 3];
	int key;

	if (!longs)
		bad("options", "out of memory");
	*o = (struct cli_options){.compare = compare};
	o->machine.mem_size = 4UL << 30;
	o->machine.tlb = (struct tlb_geometry){16384, 0, 1, false};
	o->machine.seed = 1;
	o->machine.cpu_model = cpu_model_default();
	o->machine.engine = ENGINE_JIT;
	env_init(o);
	for (unsigned i = 0; i < NR_ROWS; i++)
		if (option_rows[i].kind != OPT_ASK && option_is_for(&option_rows[i], compare))
			read_twin(o, &option_rows[i]);

	make_getopt(compare, longs, letters);
	opterr = 0;
	while ((key = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *r = row_of(key);
		char what[64];

		if (!r || key == ':')
			complain(key, argv[optind - 1], longs);
		snprintf(what, sizeof(what), "--%s", r->name);
		r->set(o, what, optarg);
	}
	free(longs);
	if (!argv[optind])
		bad("no program", "see vellum --help");
	o->argv = argv + optind;
}
