/* `vellum compare`: a program natively and here, and what differs. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/options.h"

/* Runs PROGRAM natively, then in a child under Vellum, each with a copy of standard input, which is read
 * to its end first (a terminal: none). Prints "same", or the differences: of output, of how it ended,
 * and with o->proc of maps, smaps and status less what compare_rules.def excuses. Does not return before
 * both have ended.
 *
 * Return, for exit(): 0 the same, 1 different; 125 one side could not run, after a line on the log. */
int compare_program(struct cli_options *o);

#endif
