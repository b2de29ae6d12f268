/* What the command line says, from arguments and VELLUM_* variables. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include "proc/machine.h"

struct cli_options {
	struct machine_config machine;
	bool stats;
	const char *log; /* NULL: stderr */
	const char *argv0;
	char **envp; /* the guest's; host malloc */
	char **argv; /* PROGRAM ARGS..., NULL-ended, of main()'s argv */
	int argc;
	bool proc; /* compare --proc */
	/* Called before the guest's address space goes; run_program() hands it to the machine. */
	void (*on_exit)(struct machine *m, struct task_struct *t, void *arg);
	void *on_exit_arg;
};

/* Parses argv[1..] in order up to PROGRAM. @compare: with compare's own options. Ends Vellum with
 * 125 and one line for what is wrong; --help and --version end it with 0. */
void options_parse(int argc, char **argv, bool compare, struct cli_options *o);

#endif
