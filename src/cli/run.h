/* `vellum run`: one program in one machine. Not for: reading options (options.h), what is printed at the
 * end (report.h). */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/options.h"

/**
 * find_program - the file that a shell would run for @name
 * @name:   with a slash as it is, unseen; else looked for along PATH of @envp (/usr/bin:/bin if it is unset)
 * @root:   of --root, below which PATH leads; NULL: the host's
 * @status: what Vellum is to end with on failure: 127 not there, 126 there, but none may be executed
 *
 * Return: the path, malloc'ed, the caller's; NULL, after a line on the log. See: execvp(3).
 */
char *find_program(const char *name, char **envp, const char *root, int *status);

/* Those of 0, 1 and 2 that are closed become /dev/null, so that no file of Vellum's gets their number.
 * Ends Vellum with 125 if that cannot be. */
void keep_standard_fds(void);

/**
 * run_prepare - the host's process made ready, the machine built, and the program loaded into it
 * @o: as options_parse() left it; machine_config gets what the host's limits and signals were
 * @m: zeroed memory, the caller's; on success loader_destroy() and machine_destroy() take it apart
 *
 * Once a process: raises RLIMIT_NOFILE, takes SIGPIPE, blocks the signals that the guest will get.
 *
 * Return: 0; or the exit status for Vellum (125 its own failure, 126, 127: see exit_status.sh), after
 * one line on the log, with nothing left of @m.
 */
int run_prepare(struct cli_options *o, struct machine *m);

/* run_prepare(), and the program until it and all that it left behind have ended; sleeps as the guest
 * does. The first task's status word as wait(2) has it; or -(exit status), after a line on the log. */
int run_program(struct cli_options *o);

/* Ends Vellum as the guest ended: exit status, or the signal, raised again with its default action. */
void exit_like(int status_word) __noreturn;

#endif
