/* `vellum run`: one program in one machine. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/options.h"

/* Finds @name as a shell would: with a slash as it is, else along PATH of @envp. A malloc'ed path,
 * or NULL with the exit status (126, 127) and a line on the log. */
char *find_program(const char *name, char **envp, int *status);

/* Builds the machine, and the program ready to run in it. 0, or the exit status that Vellum is to
 * end with, after a line on the log. @m is zeroed memory of the caller's. */
int run_prepare(struct cli_options *o, struct machine *m);
/* Everything; the status word of the guest's end as wait(2) has it, or -(exit status). */
int run_program(struct cli_options *o);
/* Ends Vellum as the guest ended: its exit status, or its signal. */
void exit_like(int status_word) __noreturn;

#endif
