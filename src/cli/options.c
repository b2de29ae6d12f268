/* See options.h. The options themselves are rows of options.def. */
#include "cli/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
	OPT_STATS = 256,
	OPT_LOG,
	OPT_ENGINE,
	OPT_CPU,
	OPT_TLB,
	OPT_CHECK,
	OPT_DETERMINISTIC,
	OPT_SEED,
	OPT_STRACE,
	OPT_VDSO_LAYOUT,
	OPT_READ_AHEAD,
	OPT_PROC,
};

static const struct argp_option run_options[] = {
#define OPTION(key, name, arg, help) {name, key, arg, 0, help, 0},
#include "cli/options.def"
#undef OPTION
	{0},
};

static const struct argp_option compare_options[] = {
	{"proc", OPT_PROC, NULL, 0, "Compare /proc/self/maps, smaps and status at exit, too", 0},
#define OPTION(key, name, arg, help) {name, key, arg, 0, help, 0},
#include "cli/options.def"
#undef OPTION
	{0},
};

const char *argp_program_version = PACKAGE_STRING;

static void __noreturn bad(const char *what, const char *why)
{
	log_line("%s: %s", what, why);
	exit(125);
}

/* "64M" -> bytes. */
static u64 parse_size(const char *option, const char *s)
{
	char *end;
	u64 v, shift = 0;

	errno = 0;
	v = strtoul(s, &end, 0);
	if (end == s || errno || *s == '-')
		bad(option, "not a size");
	switch (toupper((unsigned char)*end)) {
	case 'T':
		shift += 10; /* fall through */
	case 'G':
		shift += 10; /* fall through */
	case 'M':
		shift += 10; /* fall through */
	case 'K':
		shift += 10;
		end++;
	}
	if (!strcasecmp(end, "iB") || !strcasecmp(end, "B"))
		end += strlen(end);
	if (*end || v > ~0UL >> shift)
		bad(option, "not a size");
	return v << shift;
}

/* --- the guest's environment ------------------------------------------------------------- */

static u64 env_count(char **envp)
{
	u64 n = 0;

	while (envp[n])
		n++;
	return n;
}

static bool env_is(const char *entry, const char *name, u64 len)
{
	return !strncmp(entry, name, len) && entry[len] == '=';
}

static void env_unset(char **envp, const char *name, u64 len)
{
	char **to = envp;

	for (; *envp; envp++)
		if (!env_is(*envp, name, len))
			*to++ = *envp;
	*to = NULL;
}

static void env_set(struct cli_options *o, char *entry)
{
	char *eq = strchr(entry, '=');
	u64 n;

	if (!eq || eq == entry)
		bad("--env", "VAR=VAL wanted");
	for (n = 0; o->envp[n]; n++) {
		if (env_is(o->envp[n], entry, eq - entry)) {
			o->envp[n] = entry;
			return;
		}
	}
	o->envp = realloc(o->envp, (n + 2) * sizeof(char *));
	if (!o->envp)
		bad("environment", "out of memory");
	o->envp[n] = entry;
	o->envp[n + 1] = NULL;
}

static void env_init(struct cli_options *o)
{
	u64 n = env_count(environ), kept = 0;

	o->envp = calloc(n + 1, sizeof(char *));
	if (!o->envp)
		bad("environment", "out of memory");
	for (u64 i = 0; i < n; i++)
		if (strncmp(environ[i], "VELLUM_", 7))
			o->envp[kept++] = environ[i];
}

/* --- one option --------------------------------------------------------------------------- */

static void set_tlb(struct cli_options *o, const char *arg)
{
	if (tlb_parse_geometry(arg, &o->machine.tlb))
		bad("--tlb", "L1,L2WxS wanted, powers of two, such as 256,8x128");
}

static void set_seed(struct cli_options *o, const char *arg)
{
	char *end;

	o->machine.seed = strtoul(arg, &end, 0);
	if (end == arg || *end)
		bad("--seed", "not a number");
}

static void set_vdso_layout(struct cli_options *o, const char *arg)
{
	if (!strcmp(arg, "host"))
		o->machine.vdso_layout = VDSO_HOST;
	else if (!strcmp(arg, "reference"))
		o->machine.vdso_layout = VDSO_REFERENCE;
	else
		bad("--vdso-layout", "reference or host wanted");
}

/* "help" ends Vellum as --help does. */
static void set_cpu(struct cli_options *o, const char *arg)
{
	if (!strcmp(arg, "help")) {
		for (enum cpu_model m = CPU_MODEL_V1; m <= CPU_MODEL_HOST; m++)
			printf("%-5s %s%s\n", cpu_model_name(m),
			       cpu_model_possible(m) ? "" : "not on this host",
			       m == cpu_model_default() ? "default" : "");
		exit(0);
	}
	if (cpu_model_parse(arg, &o->machine.cpu_model))
		bad("--cpu", "v1, v2, v3, v4, host or help wanted");
	if (!cpu_model_possible(o->machine.cpu_model))
		bad("--cpu", "this host cannot do that");
}

static bool set_option(struct cli_options *o, int key, char *arg)
{
	switch (key) {
	case 'm':
		o->machine.mem_size = parse_size("--mem", arg) & PAGE_MASK;
		if (o->machine.mem_size < 4UL << 20 || o->machine.mem_size > 1UL << 40)
			bad("--mem", "4M to 1T wanted");
		break;
	case 'E':
		env_set(o, arg);
		break;
	case 'U':
		env_unset(o->envp, arg, strlen(arg));
		break;
	case '0':
		o->argv0 = arg;
		break;
	case OPT_STATS:
		o->stats = true;
		break;
	case OPT_LOG:
		o->log = arg;
		break;
	case OPT_ENGINE:
		if (strcmp(arg, "interp"))
			bad("--engine", "interp is the only engine so far");
		break;
	case OPT_CPU:
		set_cpu(o, arg);
		break;
	case OPT_TLB:
		set_tlb(o, arg);
		break;
	case OPT_CHECK:
		o->machine.tlb.check = true;
		break;
	case OPT_DETERMINISTIC:
		o->machine.deterministic = true;
		break;
	case OPT_SEED:
		set_seed(o, arg);
		break;
	case OPT_STRACE:
		o->machine.strace = true;
		break;
	case OPT_VDSO_LAYOUT:
		set_vdso_layout(o, arg);
		break;
	case OPT_READ_AHEAD:
		o->machine.read_ahead_host = !strcmp(arg, "host");
		if (!o->machine.read_ahead_host && strcmp(arg, "reference"))
			bad("--read-ahead", "reference or host wanted");
		break;
	case OPT_PROC:
		o->proc = true;
		break;
	default:
		return false;
	}
	return true;
}

/* VELLUM_MEM for --mem, VELLUM_VDSO_LAYOUT for --vdso-layout. A switch is on unless its variable
 * is empty, 0 or no. */
static void read_twins(struct cli_options *o, const struct argp_option *options)
{
	for (const struct argp_option *p = options; p->name; p++) {
		char name[64] = "VELLUM_", *value, *c = name + 7;

		for (const char *s = p->name; *s && c < name + sizeof(name) - 1; s++)
			*c++ = *s == '-' ? '_' : toupper((unsigned char)*s);
		value = getenv(name);
		if (!value || (!p->arg && (!*value || !strcmp(value, "0") || !strcmp(value, "no"))))
			continue;
		set_option(o, p->key, value);
	}
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct cli_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL; /* one line for an error, getopt's, is enough */
		return 0;
	case ARGP_KEY_ARG: /* the program: the rest is its own */
		o->argv = state->argv + state->next - 1;
		o->argc = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		bad("no program", "see vellum --help");
	}
	return set_option(o, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

static const char run_doc[] =
	"Run a static x86-64 Linux program on an emulated CPU and an emulated Linux\n"
	"memory subsystem. `vellum compare PROGRAM` runs it natively too, and compares."
	"\vExit status: the program's; its signal, raised again; 125 Vellum failed, "
	"126 PROGRAM cannot be executed, 127 it is not there. Each option has a "
	"variable, VELLUM_MEM for --mem. The guest's randomness is predictable. "
	"What PROGRAM leaves running goes on until it ends; the status is PROGRAM's own.";
static const char compare_doc[] =
	"Run a program natively and under Vellum, and compare output and exit status."
	"\vExit status: 0 the same, 1 different, 125 could not run.";

void options_parse(int argc, char **argv, bool compare, struct cli_options *o)
{
	const struct argp argp = {
		.options = compare ? compare_options : run_options,
		.parser = parse_opt,
		.args_doc = "PROGRAM [ARGS...]",
		.doc = compare ? compare_doc : run_doc,
	};

	memset(o, 0, sizeof(*o));
	o->machine.mem_size = 4UL << 30;
	o->machine.tlb = (struct tlb_geometry){1024, 8, 128, false};
	o->machine.seed = 1;
	o->machine.cpu_model = cpu_model_default();
	env_init(o);
	read_twins(o, argp.options);
	argv[0] = (char *)"vellum"; /* getopt's messages begin with it */
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o))
		exit(125);
}
