/* What the command line says: from arguments and VELLUM_* variables to a struct cli_options.
 *
 * Not for: doing any of it (run.h, compare.h), the pages of --help (help.h). */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "proc/machine.h"

/* Set by options_parse() once; the pointers are into main()'s argv and environment unless said. */
struct cli_options {
	struct machine_config machine;
	bool compare; /* the command: compare, else run */
	bool stats;
	const char *at_exit; /* files of /proc/self or /proc with commas between; NULL: none */
	bool proc;	     /* compare --proc */
	const char *log;     /* path; NULL: standard error */
	const char *argv0;   /* NULL: as PROGRAM was given */
	char **envp; /* the guest's, NULL-ended; the array is host malloc, main() frees it */
	char **argv; /* PROGRAM ARGS..., NULL-ended */
	/* Called before the guest's address space goes; run_program() hands it to the machine. */
	void (*on_exit)(struct machine *m, struct task_struct *t, void *arg);
	void *on_exit_arg;
};

enum option_kind {
	OPT_ANY,     /* of run and compare */
	OPT_COMPARE, /* of compare alone */
	OPT_ASK,     /* answers and ends Vellum: no variable stands for it */
};

/* A row of options.def. */
struct option_row {
	char letter; /* 0: none */
	enum option_kind kind;
	const char *name, *arg, *help;
	/* @what: as the person called it, "--mem" or "VELLUM_MEM", for messages. */
	void (*set)(struct cli_options *o, const char *what, char *arg);
};

extern const struct option_row option_rows[];
extern const unsigned nr_option_rows;

/* Does the command take @r? */
bool option_is_for(const struct option_row *r, bool compare);

/**
 * options_parse - read the command line
 * @argv: main()'s, from the command's name (or the program's) on: options in any order up to the
 *        first word that is none, which is PROGRAM; what follows is the guest's. Must outlive @o.
 * @compare: compare's options are taken, too
 *
 * A variable counts less than an argument, an argument less than one that comes later. Does not
 * return if something is wrong (exit status 125, one line "vellum: what: why" on standard error),
 * nor for --help, --version and the help of an option (0).
 */
void options_parse(int argc, char **argv, bool compare, struct cli_options *o);

#endif
