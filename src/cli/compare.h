/* `vellum compare`: a program natively and here, and what differs. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/options.h"

/* Exit status: 0 the same, 1 different, 125 one of the sides could not run. */
int compare_program(struct cli_options *o);

#endif
